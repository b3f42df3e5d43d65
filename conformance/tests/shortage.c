// SPDX-License-Identifier: BSD-3-Clause
// A library to be preloaded: the machine is short of something at the N-th call of a kind, counted
// over a process and all that it starts.
//
//   LD_PRELOAD=shortage.so VS_SHORT=thread:2 VS_SHORT_COUNTS=FILE vcpuspec run ...
//
// "thread:2+": from the second on. FILE, of zeros, is where the calls of each kind are counted:
// eight bytes each, in the order of KINDS. tools/check-shortage goes through them all.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KINDS(K) K(alloc) K(map) K(protect) K(thread) K(fork) K(file) K(size)

enum {
#define KIND(name) KIND_##name,
  KINDS(KIND) KIND_COUNT
#undef KIND
};

static uint64_t alone[KIND_COUNT];
static uint64_t* counts = alone;
static int kind = -1;
static uint64_t which;
static bool lasts;

// The function that this library stands in front of.
#define NEXT(result, name, ...)              \
  static result (*next)(__VA_ARGS__);        \
  if (next == NULL) {                        \
    void* address = dlsym(RTLD_NEXT, #name); \
    memcpy(&next, &address, sizeof next);    \
  }

// That of the C library; ours is below.
typedef long system_call(long number, ...);
static system_call* kernel(void) {
  NEXT(long, syscall, long, ...)
  return next;
}
#define CALL(...) kernel()(__VA_ARGS__)

__attribute__((constructor)) static void begin(void) {
  static const char* const names[] = {
#define KIND(name) #name,
      KINDS(KIND)
#undef KIND
  };
  const char* path = getenv("VS_SHORT_COUNTS");
  const char* what = getenv("VS_SHORT");
  const char* colon = what != NULL ? strchr(what, ':') : NULL;
  long fd = path != NULL ? CALL(SYS_openat, AT_FDCWD, path, O_RDWR) : -1;
  if (fd >= 0) {
    long at = CALL(SYS_mmap, NULL, sizeof alone, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at > 0) counts = (uint64_t*)at;
    CALL(SYS_close, fd);
  }
  for (int i = 0; colon != NULL && i < KIND_COUNT; i++) {
    size_t length = (size_t)(colon - what);
    if (strlen(names[i]) == length && strncmp(names[i], what, length) == 0) kind = i;
  }
  if (colon != NULL) which = strtoull(colon + 1, NULL, 10);
  lasts = colon != NULL && colon[strlen(colon) - 1] == '+';
}

static bool is_short(int of, int error) {
  uint64_t now = __atomic_add_fetch(&counts[of], 1, __ATOMIC_RELAXED);
  if (of != kind || now < which || (now > which && !lasts)) return false;
  errno = error;
  return true;
}

// --- memory -----------------------------------------------------------------------------------

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  return is_short(KIND_alloc, ENOMEM) ? NULL : __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  return is_short(KIND_alloc, ENOMEM) ? NULL : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return is_short(KIND_alloc, ENOMEM) ? NULL : __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return is_short(KIND_alloc, ENOMEM) ? NULL : __libc_memalign(alignment, size);
}

void* mmap(void* at, size_t size, int access, int flags, int fd, off_t offset) {
  if (is_short(KIND_map, ENOMEM)) return MAP_FAILED;
  return (void*)CALL(SYS_mmap, at, size, access, flags, fd, offset);
}
int mprotect(void* at, size_t size, int access) {
  return is_short(KIND_protect, ENOMEM) ? -1 : (int)CALL(SYS_mprotect, at, size, access);
}
int munmap(void* at, size_t size) {
  return is_short(KIND_protect, ENOMEM) ? -1 : (int)CALL(SYS_munmap, at, size);
}
int madvise(void* at, size_t size, int advice) {
  return is_short(KIND_protect, ENOMEM) ? -1 : (int)CALL(SYS_madvise, at, size, advice);
}

// --- threads and processes ----------------------------------------------------------------------

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*),
                   void* argument) {
  NEXT(int, pthread_create, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)
  return is_short(KIND_thread, EAGAIN) ? EAGAIN : next(thread, attributes, work, argument);
}
pid_t fork(void) {
  NEXT(pid_t, fork, void)
  return is_short(KIND_fork, EAGAIN) ? -1 : next();
}

// --- files ------------------------------------------------------------------------------------

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = (flags & O_CREAT) != 0 ? va_arg(rest, int) : 0;
  va_end(rest);
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_openat, AT_FDCWD, path, flags, mode);
}
FILE* fopen(const char* path, const char* mode) {
  NEXT(FILE*, fopen, const char*, const char*)
  return is_short(KIND_file, EMFILE) ? NULL : next(path, mode);
}
DIR* opendir(const char* path) {
  NEXT(DIR*, opendir, const char*)
  return is_short(KIND_file, EMFILE) ? NULL : next(path);
}
int pipe2(int ends[2], int flags) {
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_pipe2, ends, flags);
}
int memfd_create(const char* name, unsigned flags) {
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_memfd_create, name, flags);
}
int eventfd(unsigned value, int flags) {
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_eventfd2, value, flags);
}
int socket(int domain, int type, int protocol) {
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_socket, domain, type, protocol);
}
int socketpair(int domain, int type, int protocol, int ends[2]) {
  if (is_short(KIND_file, EMFILE)) return -1;
  return (int)CALL(SYS_socketpair, domain, type, protocol, ends);
}
int dup2(int from, int to) {
  return is_short(KIND_file, EMFILE) ? -1 : (int)CALL(SYS_dup2, from, to);
}
int ftruncate(int fd, off_t size) {
  return is_short(KIND_size, ENOSPC) ? -1 : (int)CALL(SYS_ftruncate, fd, size);
}

// Those that the C library has no function for: faults that are ours to handle.
long syscall(long number, ...) {
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (size_t i = 0; i < sizeof a / sizeof a[0]; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_userfaultfd && is_short(KIND_file, EMFILE)) return -1;
  return CALL(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
