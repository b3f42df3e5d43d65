// SPDX-License-Identifier: BSD-3-Clause
// The user copy: any pointer, both directions, on many threads, beside other people's handlers.
#include <criterion/criterion.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user_copy.h"

enum { PAGE = 4096, SIZE = 136 };

// Pages with every sort of neighbour: two accessible, a hole, one read-only, one without access, a
// page of a file, a page past its end.
typedef struct place {
  char* pages;
  char* readonly;
  char* none;
  char* file;
} place;

static place places;

static void map_places(void) {
  char* base = mmap(NULL, 10 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert(base != MAP_FAILED, "ten pages can be mapped");
  places = (place){base, base + 3 * PAGE, base + 4 * PAGE, base + 6 * PAGE};
  int fd = memfd_create("user_copy", MFD_CLOEXEC);
  bool mapped =
      mprotect(places.pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
      munmap(places.pages + 2 * PAGE, PAGE) == 0 &&
      mprotect(places.readonly, PAGE, PROT_READ) == 0 && fd >= 0 && ftruncate(fd, PAGE) == 0 &&
      mmap(places.file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
          places.file;
  cr_assert(mapped, "the pages can be prepared");
  close(fd);
}

static void start(void) {
  map_places();
  vs_user_copy_open();
}

TestSuite(user_copy, .init = start, .fini = vs_user_copy_close);

static void* address(uintptr_t value) {
  return (void*)value;
}

static void from(const void* at, size_t size, bool expected, const char* what) {
  char bytes[2 * PAGE];
  bool copied = vs_copy_from_user(bytes, at, size);
  cr_assert(copied == expected, "from %s, %zu bytes at %p: must be %s, was %s", what, size, at,
            expected ? "copied" : "refused", copied ? "copied" : "refused");
}

static void to(void* at, size_t size, bool expected, const char* what) {
  static const char bytes[2 * PAGE];
  bool copied = vs_copy_to_user(at, bytes, size);
  cr_assert(copied == expected, "to %s, %zu bytes at %p: must be %s, was %s", what, size, at,
            expected ? "copied" : "refused", copied ? "copied" : "refused");
}

static void both(void* at, size_t size, bool expected, const char* what) {
  from(at, size, expected, what);
  to(at, size, expected, what);
}

// --- pointers ----------------------------------------------------------------------------------

Test(user_copy, brings_every_byte_in_both_directions) {
  for (size_t size = 1; size <= 300; size++) {
    char bytes[300];
    char back[300] = {0};
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 7 + size);
    char* at = places.pages + PAGE - size / 2;
    bool copied = vs_copy_to_user(at, bytes, size) && vs_copy_from_user(back, at, size);
    cr_assert(copied && memcmp(bytes, back, size) == 0, "%zu bytes across two pages", size);
  }
}

Test(user_copy, touches_no_byte_outside) {
  char guarded[SIZE + 2];
  memset(guarded, 0x77, sizeof guarded);
  cr_assert(vs_copy_from_user(guarded + 1, places.pages, SIZE), "a plain copy");
  cr_assert(guarded[0] == 0x77 && guarded[SIZE + 1] == 0x77, "from: a byte outside was changed");
  places.pages[0] = places.pages[SIZE + 1] = 0x77;
  cr_assert(vs_copy_to_user(places.pages + 1, guarded, SIZE), "a plain copy");
  cr_assert(places.pages[0] == 0x77 && places.pages[SIZE + 1] == 0x77, "to: a byte outside");
}

Test(user_copy, ends_at_the_last_mapped_byte) {
  char* end = places.pages + 2 * PAGE;
  for (size_t size = 1; size <= SIZE; size++) both(end - size, size, true, "the edge");
  for (size_t size = 1; size <= SIZE; size++) both(end - size, size + 1, false, "past the edge");
}

Test(user_copy, refuses_every_hostile_pointer) {
  both(NULL, SIZE, false, "null");
  both(address(1), SIZE, false, "address 1");
  both(address(PAGE - 1), SIZE, false, "the first page");
  both(places.pages + 2 * PAGE, SIZE, false, "a hole");
  both(places.none, SIZE, false, "a page without access");
  both(places.file + PAGE, SIZE, false, "past the end of a file");
  both(places.file + PAGE - 8, SIZE, false, "over the end of a file");
  both(places.none - 1, 2, false, "one byte on a page without access");
  for (size_t bit = 47; bit < 64; bit++) {
    both(address((uintptr_t)places.pages ^ (uintptr_t)1 << bit), SIZE, false, "one high bit");
  }
}

Test(user_copy, refuses_the_kernels_half_and_what_wraps) {
  static const uintptr_t starts[] = {0x7fffffffffff,     0x800000000000,     0xffff7fffffffffff,
                                     0xffff800000000000, 0xffffffff81000000, 0xffffffffff600000,
                                     0xfffffffffffff000, UINTPTR_MAX};
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    both(address(starts[i]), SIZE, false, "beyond the user half");
  }
  for (size_t before = 1; before <= SIZE; before++) {
    both(address(0 - before), SIZE, false, "wrapping");
  }
}

Test(user_copy, reads_but_does_not_write_what_is_read_only) {
  from(places.readonly, PAGE, true, "a read-only page");
  to(places.readonly, 1, false, "a read-only page");
  from(places.readonly, 1, true, "a read-only page");
}

Test(user_copy, needs_no_alignment) {
  for (size_t n = 0; n < 64; n++) both(places.pages + n, SIZE, true, "any alignment");
}

Test(user_copy, of_nothing_touches_nothing_and_stays_in_the_user_half) {
  both(NULL, 0, true, "null");
  both(places.none, 0, true, "a page without access");
  both(address(UINTPTR_MAX), 0, false, "the last address");
}

Test(user_copy, goes_on_after_many_refusals) {
  for (unsigned i = 0; i < 10000; i++) both(places.none, SIZE, false, "a page without access");
  both(places.pages, SIZE, true, "a plain page");
}

// --- threads -----------------------------------------------------------------------------------

enum { THREADS = 4, ROUNDS = 2000 };

static void* copy_often(void* argument) {
  char* mine = (char*)argument;
  size_t wrong = 0;
  for (unsigned i = 0; i < ROUNDS; i++) {
    char out[SIZE], back[SIZE];
    memset(out, (int)i, sizeof out);
    wrong += !vs_copy_to_user(mine, out, SIZE) || !vs_copy_from_user(back, mine, SIZE);
    wrong += memcmp(out, back, SIZE) != 0;
    wrong += vs_copy_from_user(back, places.none, SIZE) || vs_copy_to_user(NULL, out, SIZE);
    if (i % 100 == 0) {
      vs_user_copy_open();
      vs_user_copy_close();
    }
  }
  return (void*)(uintptr_t)wrong;
}

Test(user_copy, works_on_many_threads_at_once) {
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++) {
    pthread_create(&threads[i], NULL, copy_often, places.pages + i * 1024);
  }
  for (size_t i = 0; i < THREADS; i++) {
    void* wrong = NULL;
    pthread_join(threads[i], &wrong);
    cr_assert(wrong == NULL, "thread %zu: %zu copies went wrong", i, (size_t)(uintptr_t)wrong);
  }
}

// --- beside other handlers ---------------------------------------------------------------------

static sigjmp_buf back;
static volatile sig_atomic_t plain_signal;
static volatile uintptr_t informed_address;
static volatile sig_atomic_t late_calls;

static void plain_handler(int sig) {
  plain_signal = sig;
  siglongjmp(back, 1);
}

static void informed_handler(int sig, siginfo_t* info, void* context) {
  (void)sig;
  (void)context;
  informed_address = (uintptr_t)info->si_addr;
  siglongjmp(back, 1);
}

static struct sigaction handle(int sig, void (*plain)(int),
                               void (*informed)(int, siginfo_t*, void*)) {
  struct sigaction before;
  struct sigaction mine = {.sa_handler = plain};
  if (informed) {
    mine.sa_sigaction = informed;
    mine.sa_flags = SA_SIGINFO;
  }
  sigaction(sig, &mine, &before);
  return before;
}

// Not a bug to be found: the fault is what is wanted.
__attribute__((no_sanitize("address", "thread", "undefined"))) static void touch(
    const volatile char* at) {
  (void)*at;
}

static bool is_handler(int sig, void (*plain)(int)) {
  struct sigaction now;
  sigaction(sig, NULL, &now);
  return now.sa_handler == plain;
}

Test(chain, fault_elsewhere_goes_to_the_handler_before) {
  map_places();
  handle(SIGSEGV, NULL, informed_handler);
  handle(SIGBUS, plain_handler, NULL);
  vs_user_copy_open();
  both(places.none, SIZE, false, "a page without access");
  both(places.file + PAGE, SIZE, false, "past the end of a file");
  if (sigsetjmp(back, 1) == 0) touch(places.none + 5);
  cr_assert(informed_address == (uintptr_t)places.none + 5, "SIGSEGV: the handler saw 0x%llx",
            (unsigned long long)informed_address);
  if (sigsetjmp(back, 1) == 0) touch(places.file + PAGE);
  cr_assert(plain_signal == SIGBUS, "SIGBUS: the handler saw signal %d", (int)plain_signal);
  // This test's code lies on one side of the copy's, the C library's on the other.
  char swapped[2];
  informed_address = 0;
  if (sigsetjmp(back, 1) == 0) swab(places.none + 8, swapped, sizeof swapped);
  cr_assert(informed_address - ((uintptr_t)places.none + 8) < 2, "libc: the handler saw 0x%llx",
            (unsigned long long)informed_address);
  both(places.none, SIZE, false, "a page without access, after the others' faults");
  vs_user_copy_close();
}

Test(chain, last_close_brings_the_handler_before_back) {
  map_places();
  handle(SIGSEGV, plain_handler, NULL);
  handle(SIGBUS, plain_handler, NULL);
  vs_user_copy_open();
  vs_user_copy_open();
  vs_user_copy_close();
  both(places.none, SIZE, false, "still open");
  vs_user_copy_close();
  cr_assert(is_handler(SIGSEGV, plain_handler) && is_handler(SIGBUS, plain_handler),
            "the handlers before are not back");
  vs_user_copy_close();
  vs_user_copy_open();
  both(places.none, SIZE, false, "open again, after a close too many");
  vs_user_copy_close();
}

static struct sigaction beneath;

static void late_handler(int sig, siginfo_t* info, void* context) {
  late_calls++;
  beneath.sa_sigaction(sig, info, context);
}

Test(chain, handler_installed_later_may_pass_faults_on) {
  map_places();
  vs_user_copy_open();
  beneath = handle(SIGSEGV, NULL, late_handler);
  both(places.none, SIZE, false, "beneath a later handler");
  // None where the kernel does the copy.
  cr_assert(late_calls == 2 || late_calls == 0, "the later handler saw %d faults", (int)late_calls);
  vs_user_copy_close();
  struct sigaction now;
  sigaction(SIGSEGV, NULL, &now);
  cr_assert(now.sa_sigaction == late_handler, "close took the later handler away");
  vs_user_copy_open();
  both(places.none, SIZE, false, "opened again beneath a later handler");
  vs_user_copy_close();
}

// How a child ends that does `what` while the copy is open and `disposition` was set before.
static int ends_by(void (*disposition)(int), void (*what)(void)) {
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    handle(SIGSEGV, disposition, NULL);
    vs_user_copy_open();
    what();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

static void fault_elsewhere(void) {
  touch(places.none);
}

static void send_it(void) {
  raise(SIGSEGV);
}

Test(chain, default_action_still_ends_the_process) {
  map_places();
  int faulted = ends_by(SIG_DFL, fault_elsewhere);
  int sent = ends_by(SIG_DFL, send_it);
  int ignored_fault = ends_by(SIG_IGN, fault_elsewhere);
  int ignored_sent = ends_by(SIG_IGN, send_it);
  cr_assert(WIFSIGNALED(faulted) && WTERMSIG(faulted) == SIGSEGV, "a fault: 0x%x", faulted);
  cr_assert(WIFSIGNALED(sent) && WTERMSIG(sent) == SIGSEGV, "a sent signal: 0x%x", sent);
  cr_assert(WIFSIGNALED(ignored_fault), "a fault cannot be ignored: 0x%x", ignored_fault);
  cr_assert(WIFEXITED(ignored_sent), "a sent signal was ignored before: 0x%x", ignored_sent);
}
