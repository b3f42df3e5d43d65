// SPDX-License-Identifier: BSD-3-Clause
// Memory, threads and channel of a POSIX system with MAP_ANONYMOUS.
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const char* const platform_greeting = "rewrites flip\n";

// --- memory -----------------------------------------------------------------------------------

enum { PAGE = 4096, PAGES = 16 };

// The end of user code's addresses, and what has to be inverted beside a bit of the top byte.
#if defined(__aarch64__)
#define USER_END 0x1000000000000
#define BESIDE_TOP_BYTE ((uintptr_t)1 << 55)
#else
#define USER_END 0x7ffffffff000
#define BESIDE_TOP_BYTE ((uintptr_t)0)
#endif

// Of each thread: a gap, two pages, a gap, one that is read-only, a page and one without access, a
// gap, a file of one page mapped as two.
static struct {
  uint8_t* base;
  uint8_t* pages;
  uint8_t* readonly;
  uint8_t* fenced;
  uint8_t* hole;
  uint8_t* file;
  uint8_t* low;  // NULL: there is none
} arenas[THREADS];

static uint8_t* map_low(void) {
  for (uintptr_t at = 0x20000000; at < 0x40000000; at += 0x1000000) {
    void* page = mmap((void*)at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == (void*)at) return page;
    if (page != MAP_FAILED) munmap(page, PAGE);
  }
  return NULL;
}

// What is not mapped keeps its address, so that nothing else is mapped there: without access it
// refuses as a hole does.
static bool open_arena(unsigned thread) {
  uint8_t* base = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char name[] = "/tmp/vcpuspec-shim-XXXXXX";
  if (base == MAP_FAILED) return false;
  arenas[thread].base = base;
  arenas[thread].pages = base + PAGE;
  arenas[thread].readonly = base + 4 * PAGE;
  arenas[thread].fenced = base + 6 * PAGE;
  arenas[thread].hole = base + 9 * PAGE;
  arenas[thread].file = base + 12 * PAGE;
  arenas[thread].low = map_low();
  int fd = mkstemp(name);
  if (fd < 0) return false;
  unlink(name);
  bool good = ftruncate(fd, PAGE) == 0 &&
              mmap(arenas[thread].file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                   fd, 0) == arenas[thread].file;
  close(fd);
  return good && mprotect(arenas[thread].pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
         mprotect(arenas[thread].readonly, PAGE, PROT_READ) == 0 &&
         mprotect(arenas[thread].fenced, PAGE, PROT_READ | PROT_WRITE) == 0 &&
         munmap(arenas[thread].hole, PAGE) == 0;
}

// The buffer whole, with the pattern beside it as far as its own pages go.
static bool lay(uint8_t* at, const buffer* what, laid* out) {
  size_t before = (uintptr_t)at % PAGE;
  size_t after = (PAGE - (uintptr_t)(at + what->length) % PAGE) % PAGE;
  if (before > PATTERN_BYTES) before = PATTERN_BYTES;
  if (after > PATTERN_BYTES) after = PATTERN_BYTES;
  memset(at - before, PATTERN, before);
  memcpy(at, what->data, what->length);
  memset(at + what->length, PATTERN, after);
  *out = (laid){at, at, before, after};
  return true;
}

// The part of it that can be read.
static bool lay_part(uint8_t* address, uint8_t* from, const uint8_t* data, size_t length,
                     laid* out) {
  memcpy(from, data, length);
  *out = (laid){.address = address};
  return true;
}

static bool is_at(uintptr_t address, laid* out) {
  *out = (laid){.address = (void*)address};
  return true;
}

static uintptr_t kernel_address(uint64_t n) {
  static const uintptr_t addresses[] = {(uintptr_t)0xffff800000001000, (uintptr_t)0xffffffff81000000,
                                        (uintptr_t)0xffffc90000000000,
                                        (uintptr_t)0xfffffffffffff000};
  return addresses[n % 4];
}

static bool place_readonly(uint8_t* page, const buffer* what, laid* out) {
  mprotect(page, PAGE, PROT_READ | PROT_WRITE);
  lay(page, what, out);
  mprotect(page, PAGE, PROT_READ);
  return true;
}

static bool place_whole(unsigned thread, const char* name, const buffer* what, laid* out) {
  size_t length = what->length;
  size_t part = what->argument < length ? (size_t)what->argument : length;
  uint8_t* pages = arenas[thread].pages;
  uint8_t* end = pages + 2 * PAGE;
  if (strcmp(name, "plain") == 0) return lay(pages, what, out);
  if (strcmp(name, "misaligned") == 0) return lay(pages + what->argument % PAGE, what, out);
  if (strcmp(name, "crossing") == 0) return lay(pages + PAGE - part, what, out);
  if (strcmp(name, "edge") == 0) return lay(end - length, what, out);
  if (strcmp(name, "readonly") == 0) return place_readonly(arenas[thread].readonly, what, out);
  uint8_t* low = arenas[thread].low;
  return strcmp(name, "low") == 0 && low != NULL && lay(low, what, out);
}

static bool place_part(unsigned thread, const char* name, const buffer* what, laid* out) {
  size_t part = what->argument < what->length ? (size_t)what->argument : what->length;
  size_t rest = what->length - part;
  uint8_t* pages = arenas[thread].pages;
  uint8_t* end = pages + 2 * PAGE;
  uint8_t* fence = arenas[thread].fenced + PAGE;
  if (strcmp(name, "straddle") == 0) {
    return lay_part(end - rest, end - rest, what->data, rest, out);
  }
  if (strcmp(name, "straddle_head") == 0) {
    return lay_part(pages - part, pages, what->data, rest, out);
  }
  if (strcmp(name, "straddle_none") == 0) {
    return lay_part(fence - rest, fence - rest, what->data, rest, out);
  }
  if (strcmp(name, "user_end") == 0) return is_at(USER_END - rest, out);
  return strcmp(name, "wrapping") == 0 && is_at(0 - (uintptr_t)part, out);
}

// Where the top byte of an address is ignored, a bit of it makes no other address by itself.
static uintptr_t noncanonical(uintptr_t address, size_t argument) {
  size_t bit = argument % 64 < 47 ? 47 + argument % 17 : argument % 64;
  return address ^ ((uintptr_t)1 << bit) ^ (bit >= 56 ? BESIDE_TOP_BYTE : 0);
}

static bool place_none(unsigned thread, const char* name, const buffer* what, laid* out) {
  if (strcmp(name, "null") == 0) return is_at(0, out);
  if (strcmp(name, "one") == 0) return is_at(1, out);
  if (strcmp(name, "unmapped") == 0) return is_at((uintptr_t)arenas[thread].hole, out);
  if (strcmp(name, "prot_none") == 0) return is_at((uintptr_t)arenas[thread].fenced + PAGE, out);
  if (strcmp(name, "beyond_eof") == 0) return is_at((uintptr_t)arenas[thread].file + PAGE, out);
  if (strcmp(name, "kernel") == 0) return is_at(kernel_address(what->argument), out);
  return strcmp(name, "noncanonical") == 0 &&
         is_at(noncanonical((uintptr_t)arenas[thread].pages, what->argument), out);
}

bool platform_place(unsigned thread, const buffer* what, laid* out) {
  if (arenas[thread].base == NULL && !open_arena(thread)) return false;
  return place_whole(thread, what->place, what, out) || place_part(thread, what->place, what, out) ||
         place_none(thread, what->place, what, out);
}

// --- threads ----------------------------------------------------------------------------------

typedef struct worker {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool lives;
  bool ends;
  bool busy;
  bool meets;
  void (*work)(void*);
  void* argument;
} worker;

static worker workers[THREADS];
static unsigned turn;  // of what meets: it begins when this changes

static void await_turn(unsigned before) {
  while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == before) sched_yield();
}

static void* live(void* argument) {
  worker* w = argument;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    while (!w->busy && !w->ends) pthread_cond_wait(&w->changed, &w->lock);
    if (!w->busy) break;
    unsigned before = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
    bool meets = w->meets;
    w->meets = false;  // it is there
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (meets) await_turn(before);
    w->work(w->argument);
    pthread_mutex_lock(&w->lock);
    w->busy = false;
    pthread_cond_broadcast(&w->changed);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

static bool start_thread(worker* w) {
  if (w->lives) return true;
  w->ends = w->busy = false;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->changed, NULL);
  w->lives = pthread_create(&w->thread, NULL, live, w) == 0;
  return w->lives;
}

bool platform_start(unsigned thread, bool meets, void (*work)(void*), void* argument) {
  worker* w = &workers[thread];
  if (!start_thread(w)) return false;
  pthread_mutex_lock(&w->lock);
  w->work = work;
  w->argument = argument;
  w->meets = meets;
  w->busy = true;
  pthread_cond_broadcast(&w->changed);
  while (meets && w->meets) pthread_cond_wait(&w->changed, &w->lock);
  pthread_mutex_unlock(&w->lock);
  return true;
}

void platform_join(unsigned thread) {
  worker* w = &workers[thread];
  pthread_mutex_lock(&w->lock);
  while (w->busy) pthread_cond_wait(&w->changed, &w->lock);
  pthread_mutex_unlock(&w->lock);
}

bool platform_run(unsigned thread, void (*work)(void*), void* argument) {
  if (thread == 0) {
    work(argument);
    return true;
  }
  if (!platform_start(thread, false, work, argument)) return false;
  platform_join(thread);
  return true;
}

void platform_go(void) {
  __atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
}

void platform_end_thread(unsigned thread) {
  worker* w = &workers[thread];
  if (!w->lives) return;
  pthread_mutex_lock(&w->lock);
  w->ends = true;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  w->lives = false;
}

typedef struct flipper {
  uint8_t* at;
  const uint8_t* contents[2];
  size_t length;
  bool begun;
  bool ends;
} flipper;

static void* flip(void* argument) {
  flipper* f = argument;
  for (unsigned i = 0; !__atomic_load_n(&f->ends, __ATOMIC_ACQUIRE); i++) {
    for (size_t k = 0; k < f->length; k++) {
      __atomic_store_n(&f->at[k], f->contents[i % 2][k], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&f->begun, true, __ATOMIC_RELEASE);
  }
  return NULL;
}

bool platform_flip(uint8_t* at, const uint8_t* one, const uint8_t* other, size_t length,
                   void (*work)(void*), void* argument) {
  flipper f = {at, {one, other}, length, false, false};
  pthread_t thread;
  if (pthread_create(&thread, NULL, flip, &f) != 0) return false;
  while (!__atomic_load_n(&f.begun, __ATOMIC_ACQUIRE)) sched_yield();
  work(argument);
  __atomic_store_n(&f.ends, true, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  return true;
}

void platform_pause(void) {
  const struct timespec millisecond = {0, 1000000};
  nanosleep(&millisecond, NULL);
}

// --- channel ----------------------------------------------------------------------------------

static int listening = -1;
static int in = STDIN_FILENO;
static int out = STDOUT_FILENO;

static bool serve_path(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    fprintf(stderr, "shim: %s: the path is too long\n", path);
    return false;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  unlink(path);
  listening = socket(AF_UNIX, SOCK_STREAM, 0);
  bool good = listening >= 0 &&
              bind(listening, (const struct sockaddr*)&address, sizeof address) == 0 &&
              listen(listening, 1) == 0;
  if (!good) fprintf(stderr, "shim: %s: %s\n", path, strerror(errno));
  return good && platform_next();
}

// What the implementation prints must not get into the channel.
static bool keep_channel(void) {
  out = dup(STDOUT_FILENO);
  return out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

bool platform_open(int argc, char** argv) {
  if (argc == 1) return keep_channel();
  if (argc == 3 && strcmp(argv[1], "--unix") == 0) return serve_path(argv[2]);
  fprintf(stderr, "usage: %s [--sums] [--unix PATH]\n", argv[0]);
  return false;
}

bool platform_next(void) {
  if (listening < 0) return false;
  if (in != STDIN_FILENO) close(in);
  do {
    in = out = accept(listening, NULL, NULL);
  } while (in < 0 && errno == EINTR);
  return in >= 0;
}

size_t platform_read(char* bytes, size_t size) {
  ssize_t count;
  do {
    count = read(in, bytes, size);
  } while (count < 0 && errno == EINTR);
  return count > 0 ? (size_t)count : 0;
}

bool platform_write(const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t count = write(out, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= (size_t)count;
  }
  return true;
}
