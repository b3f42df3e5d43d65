// SPDX-License-Identifier: BSD-3-Clause
// Bytes that change between two looks at them: who looks twice finds two values, in every order,
// and without luck, also where the kernel looks for it. What is not seen to look is left to the
// thread that writes beside.
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "executor/dispatch.h"
#include "executor/rewrite.h"
#include "executor/watch.h"
#include "tables.h"

enum { OLD = 0x11, NEW = 0x22, AT = 12 };

static const vs_rewrite rewrite = {
    .mode = VS_REWRITE_FLIP, .offset = AT, .length = 1, .bytes = {NEW}};

static vs_watch* open_or_skip(void) {
  vs_watch* watch = vs_watch_open();
  if (watch == NULL) cr_skip_test("this machine cannot watch");
  return watch;
}

// Looks at the byte `looks` times; what it saw, oldest first, as bits: 1 is NEW.
static unsigned look(vs_watch* watch, unsigned looks) {
  volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
  unsigned saw = 0;
  buffer[AT] = OLD;
  cr_assert(vs_watch_begin(watch, &rewrite));
  for (unsigned i = 0; i < looks; i++) saw = saw << 1 | (buffer[AT] == NEW);
  cr_expect_eq(vs_watch_end(watch), looks);
  return saw;
}

Test(watch, two_looks_find_each_pair_of_values) {
  vs_watch* watch = open_or_skip();
  unsigned saw = 0;
  for (size_t i = 0; i < 5; i++) saw |= 1u << look(watch, 2);
  cr_expect_eq(saw & 6, 6, "old before new, and new before old: 0x%x", saw);
  vs_watch_close(watch);
}

Test(watch, the_moment_lies_between_any_two_of_three_looks) {
  vs_watch* watch = open_or_skip();
  unsigned saw = 0;
  for (size_t i = 0; i < 10; i++) saw |= 1u << look(watch, 3);
  const unsigned all = 1u << 1 | 1u << 3 | 1u << 4 | 1u << 6;  // 001 011 100 110
  cr_expect_eq(saw & all, all, "0x%x", saw);
  vs_watch_close(watch);
}

Test(watch, one_look_finds_either_value) {
  vs_watch* watch = open_or_skip();
  unsigned saw = 0;
  for (size_t i = 0; i < 3; i++) saw |= 1u << look(watch, 1);
  cr_expect_eq(saw, 3);
  vs_watch_close(watch);
}

static void copy_bytes(void* to, const void* from, size_t count) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

// A copy of every byte looks at each of those that are watched once, and at nothing between them.
Test(watch, a_bytewise_copy_finds_a_moment_after_each_byte_that_is_watched) {
  enum { WATCHED = 4, BYTES = 2 * AT };
  static const vs_rewrite wide = {
      .mode = VS_REWRITE_FLIP, .offset = AT, .length = WATCHED, .bytes = {NEW, NEW, NEW, NEW}};
  vs_watch* watch = open_or_skip();
  unsigned found = 0;  // by how many bytes were old, those first
  for (size_t turn = 0; turn < WATCHED; turn++) {
    uint8_t copy[BYTES];
    uint8_t* buffer = vs_watch_place(watch, &wide, BYTES);
    memset(buffer, OLD, BYTES);
    cr_assert(vs_watch_begin(watch, &wide));
    copy_bytes(copy, buffer, BYTES);
    cr_expect_eq(vs_watch_end(watch), WATCHED);
    unsigned old = 0;
    while (old < WATCHED && copy[AT + old] == OLD) old++;
    for (size_t i = 0; i < BYTES; i++) {
      const bool is_new = i >= AT + old && i < AT + WATCHED;
      cr_expect_eq(copy[i], is_new ? NEW : OLD, "turn %zu: byte %zu", turn, i);
    }
    found |= 1u << old;
  }
  cr_expect_eq(found, 0x1e, "0x%x", found);
  vs_watch_close(watch);
}

// The look after the copy is met too: the page is guarded again.
Test(watch, a_look_after_a_bytewise_copy_finds_another_value) {
  vs_watch* watch = open_or_skip();
  unsigned saw = 0;
  for (size_t i = 0; i < 4; i++) {
    uint8_t copy[2 * AT];
    volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
    buffer[AT] = OLD;
    cr_assert(vs_watch_begin(watch, &rewrite));
    copy_bytes(copy, (const uint8_t*)buffer, AT + 1);
    const bool is_new = buffer[AT] == NEW;
    cr_expect_eq(vs_watch_end(watch), 2);
    saw |= 1u << ((copy[AT] == NEW) << 1 | is_new);
  }
  cr_expect_eq(saw & 6, 6, "old before new, and new before old: 0x%x", saw);
  vs_watch_close(watch);
}

Test(watch, only_between_begin_and_end) {
  vs_watch* watch = open_or_skip();
  look(watch, 1);
  volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
  buffer[AT] = OLD;
  cr_expect_eq(buffer[AT], OLD);
  cr_expect_eq(buffer[AT], OLD);
  vs_watch_close(watch);
}

static void of_the_implementation(int signal_number) {
  (void)signal_number;
}

Test(watch, leaves_a_handler_of_the_implementation_alone) {
  vs_watch* watch = open_or_skip();
  signal(SIGTRAP, of_the_implementation);
  cr_expect(!vs_watch_begin(watch, &rewrite));
  cr_expect_eq(signal(SIGTRAP, SIG_DFL), of_the_implementation);
  vs_watch_close(watch);
}

// In a process of its own: a test that is to end by a signal cannot be skipped.
Test(watch, another_trap_ends_the_process) {
  vs_watch* watch = open_or_skip();
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGTRAP);
    _exit(0);
  }
  int status = 0;
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP, "status 0x%x", (unsigned)status);
  vs_watch_close(watch);
}

static uint8_t* refused;

static void allow(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number, (void)info, (void)context;
  mprotect(refused, 1, PROT_READ | PROT_WRITE);
}

// As one has that survives every pointer. Its system call is a look, too.
Test(watch, a_handler_of_faults_gets_those_of_other_pages) {
  const struct sigaction own = {.sa_sigaction = allow, .sa_flags = SA_SIGINFO};
  vs_watch* watch = open_or_skip();
  struct sigaction now;
  volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
  refused = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buffer[AT] = OLD;
  sigaction(SIGSEGV, &own, NULL);
  cr_assert(vs_watch_begin(watch, &rewrite));
  unsigned values = buffer[AT];
  *(volatile uint8_t*)refused = 1;
  values = values << 8 | buffer[AT];
  cr_expect_eq(vs_watch_end(watch), 3);
  cr_expect(vs_watch_saw_all(watch));
  cr_expect_eq(*refused, 1);
  cr_expect_eq(values, OLD << 8 | NEW);
  sigaction(SIGSEGV, NULL, &now);
  cr_expect_eq(now.sa_sigaction, allow, "it has its signal back");
  vs_watch_close(watch);
}

// The copy faults at the first byte that it cannot write, as it does when it is not watched.
Test(watch, a_bytewise_copy_to_where_nothing_can_be_written_faults_there) {
  enum { PAGE = 4096, BYTES = 2 * AT, FITS = BYTES - 4 };
  const struct sigaction own = {.sa_sigaction = allow, .sa_flags = SA_SIGINFO};
  vs_watch* watch = open_or_skip();
  uint8_t* two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  refused = two + PAGE;
  cr_assert_eq(mprotect(refused, PAGE, PROT_NONE), 0);
  uint8_t* buffer = vs_watch_place(watch, &rewrite, BYTES);
  for (uint8_t i = 0; i < BYTES; i++) buffer[i] = OLD + i;
  sigaction(SIGSEGV, &own, NULL);
  cr_assert(vs_watch_begin(watch, &rewrite));
  copy_bytes(refused - FITS, buffer, BYTES);
  cr_expect_eq(vs_watch_end(watch), 2, "the byte, and the system call of the handler");
  for (uint8_t i = 0; i < BYTES; i++) cr_expect_eq(refused[i - FITS], OLD + i, "byte %u", i);
  vs_watch_close(watch);
}

Test(watch, that_is_taken_the_signal_has_seen_nothing) {
  vs_watch* watch = open_or_skip();
  const volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
  cr_assert(vs_watch_begin(watch, &rewrite));
  (void)buffer[AT];
  signal(SIGSEGV, of_the_implementation);
  cr_expect_eq(vs_watch_end(watch), 0);
  cr_expect_eq(signal(SIGSEGV, SIG_DFL), of_the_implementation);
  vs_watch_close(watch);
}

Test(watch, of_a_thread_that_blocks_a_signal_is_not_begun) {
  vs_watch* watch = open_or_skip();
  const int blocked[] = {SIGSEGV, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < 3; i++) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, blocked[i]);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    cr_expect(!vs_watch_begin(watch, &rewrite), "%d", blocked[i]);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  }
  cr_expect(!vs_watch_is_busy());
  vs_watch_close(watch);
}

static void* read_byte(void* byte) {
  return (void*)(uintptr_t) * (volatile uint8_t*)byte;
}

// It waits for that thread by a system call, which makes another; the watch is then over.
Test(watch, a_page_that_another_thread_meets_is_opened) {
  vs_watch* watch = open_or_skip();
  volatile uint8_t* buffer = vs_watch_place(watch, &rewrite, 2 * AT);
  pthread_t thread;
  void* value;
  buffer[AT] = OLD;
  cr_assert(vs_watch_begin(watch, &rewrite));
  (void)buffer[AT];
  const bool made = pthread_create(&thread, NULL, read_byte, (void*)&buffer[AT]) == 0;
  if (made) pthread_join(thread, &value);
  cr_expect_gt(vs_watch_end(watch), 0);
  cr_assert(made);
  cr_expect(!vs_watch_saw_all(watch));
  cr_expect(value == (void*)OLD || value == (void*)NEW);
  vs_watch_close(watch);
}

static volatile uint8_t* met;
static uint32_t stage;

static void* meet(void* argument) {
  uint8_t value = 0;
  while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) == 0) continue;
  value = *met;
  __atomic_store_n(&stage, 2, __ATOMIC_RELEASE);
  return value != 0 ? argument : NULL;
}

Test(watch, a_thread_that_was_there_before_meets_an_open_page) {
  vs_watch* watch = open_or_skip();
  pthread_t thread;
  void* value = NULL;
  met = vs_watch_place(watch, &rewrite, 2 * AT) + AT;
  *met = OLD;
  cr_assert_eq(pthread_create(&thread, NULL, meet, &stage), 0);
  cr_assert(vs_watch_begin(watch, &rewrite));
  __atomic_store_n(&stage, 1, __ATOMIC_RELEASE);
  while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != 2) continue;
  (void)*met;
  vs_watch_end(watch);
  cr_expect(!vs_watch_saw_all(watch));
  pthread_join(thread, &value);
  cr_expect_eq(value, &stage);
  vs_watch_close(watch);
}

// --- calls ------------------------------------------------------------------------------------

static unsigned differed;  // calls whose two looks found two values

static zx_status_t look_twice(void* context, void* address) {
  (void)context;
  const volatile uint8_t* byte = (uint8_t*)address + AT;
  const uint8_t first = *byte;
  differed += first != *byte;
  return ZX_OK;
}

// Between the two copies the other thread has its chance.
static zx_status_t have_it_copied_twice(void* context, void* address) {
  uint8_t bytes[2] = {0};
  (void)context;
  for (size_t i = 0; i < 2; i++) {
    struct iovec from = {(uint8_t*)address + AT, 1};
    struct iovec to = {&bytes[i], 1};
    if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != 1) return ZX_ERR_INTERNAL;
    usleep(10);
  }
  differed += bytes[0] != bytes[1];
  return ZX_OK;
}

// The first look is the kernel's, the second its own; or the other way round.
static zx_status_t look_both_ways(void* address, bool own_first) {
  uint8_t looks[2] = {0};
  const volatile uint8_t* byte = (uint8_t*)address + AT;
  struct iovec from = {(uint8_t*)address + AT, 1};
  struct iovec to = {&looks[own_first], 1};
  if (own_first) looks[0] = *byte;
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != 1) return ZX_ERR_INTERNAL;
  if (!own_first) looks[1] = *byte;
  differed += looks[0] != looks[1];
  return ZX_OK;
}

static zx_status_t look_after_the_kernel(void* context, void* address) {
  (void)context;
  return look_both_ways(address, false);
}

static zx_status_t look_before_the_kernel(void* context, void* address) {
  (void)context;
  return look_both_ways(address, true);
}

static vs_op flipped_write(void) {
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, vs_arch_find(VS_ARCH_X64));
  memset(op.bytes, OLD, sizeof op.bytes);
  op.rewrite = rewrite;
  return op;
}

static bool make(vs_rewriter* rewriter, zx_status_t (*call)(void*, void*)) {
  const vs_op op = flipped_write();
  vs_rewritten_call c = {
      .make = call, .op = &op, .parameter = vs_param_find(op.code, VS_PARAM_IN, 0)};
  vs_rewriter_call(rewriter, &c);
  cr_expect(c.rewritten && !c.changed);
  return c.status == ZX_OK;
}

Test(rewriter, an_implementation_that_looks_twice_finds_two_values_each_second_time) {
  vs_watch_close(open_or_skip());
  vs_rewriter* rewriter = vs_rewriter_open();
  for (size_t i = 0; i < 101; i++) cr_assert(make(rewriter, look_twice));
  cr_expect_geq(differed, 50);
  vs_rewriter_close(rewriter);
}

Test(rewriter, copies_that_the_kernel_makes_meet_the_other_thread) {
  vs_rewriter* rewriter = vs_rewriter_open();
  for (size_t i = 0; i < 5000 && differed == 0; i++) {
    cr_assert(make(rewriter, have_it_copied_twice));
  }
  cr_expect_gt(differed, 0);
  vs_rewriter_close(rewriter);
}

static void do_nothing_before(void* count) {
  (void)count;
}

static void note_call(void* count) {
  ++*(unsigned*)count;
}

static void begin_or_skip(unsigned* count) {
  if (!vs_dispatch_begin(do_nothing_before, note_call, count))
    cr_skip_test("this machine cannot tell system calls");
}

Test(dispatch, each_system_call_is_told_and_answered_as_ever) {
  char text[8] = "";
  unsigned count = 0;
  int ends[2];
  cr_assert_eq(pipe(ends), 0);
  begin_or_skip(&count);
  const ssize_t written = write(ends[1], "abc", 3);
  const ssize_t got = read(ends[0], text, sizeof text);
  const int closed = close(-1);
  vs_dispatch_end();
  cr_expect(written == 3 && got == 3 && strcmp(text, "abc") == 0);
  cr_expect_eq(closed, -1);
  cr_expect_eq(count, 3);
  getpid();
  cr_expect_eq(count, 3, "it has ended");
}

static void* do_nothing(void* argument) {
  return argument;
}

// Its thread is made with all signals blocked.
Test(dispatch, ends_before_a_call_that_is_for_the_thread_itself) {
  unsigned count = 0;
  pthread_t thread;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  begin_or_skip(&count);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const bool made = pthread_create(&thread, NULL, do_nothing, NULL) == 0;
  if (made) pthread_join(thread, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  vs_dispatch_end();
  cr_expect(made);
  cr_expect_eq(count, 0);
}

#ifdef __x86_64__
// As another C library, or none, has it: where a handler's return is, the kernel is told.
void own_return(void);
__asm__("own_return: mov $15, %eax\n syscall\n");

static void skip_instruction(int signal_number, siginfo_t* info, void* context) {
  (void)signal_number;
  (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] += 2;  // bytes of UD2
}

Test(dispatch, a_handler_that_returns_by_code_of_its_own_does) {
  enum { SA_RESTORER_OF_X86 = 0x04000000 };
  struct {
    void (*handler)(int, siginfo_t*, void*);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
  } own = {skip_instruction, SA_SIGINFO | SA_RESTORER_OF_X86, own_return, 0};
  unsigned count = 0;
  cr_assert_eq(syscall(SYS_rt_sigaction, SIGILL, &own, NULL, sizeof own.mask), 0);
  begin_or_skip(&count);
  __asm__ volatile("ud2");
  cr_expect(!vs_dispatch_end(), "it ends as the handler returns");
  cr_expect_eq(count, 0);
}
#endif

Test(dispatch, of_a_thread_that_blocks_its_signal_is_not_begun) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  cr_expect(!vs_dispatch_begin(do_nothing_before, note_call, NULL));
}

Test(dispatch, beside_a_handler_that_blocks_its_signal_is_not_begun) {
  struct sigaction own = {.sa_handler = of_the_implementation};
  sigfillset(&own.sa_mask);
  cr_assert_eq(sigaction(SIGUSR1, &own, NULL), 0);
  cr_expect(!vs_dispatch_begin(do_nothing_before, note_call, NULL));
}

Test(dispatch, leaves_a_handler_of_the_implementation_alone) {
  signal(SIGSYS, of_the_implementation);
  cr_expect(!vs_dispatch_begin(do_nothing_before, note_call, NULL));
  cr_expect_eq(signal(SIGSYS, SIG_DFL), of_the_implementation);
}

static void expect_two_values(zx_status_t (*call)(void*, void*)) {
  unsigned count = 0;
  begin_or_skip(&count);
  vs_dispatch_end();
  vs_watch_close(open_or_skip());
  vs_rewriter* rewriter = vs_rewriter_open();
  for (size_t i = 0; i < 101; i++) cr_assert(make(rewriter, call));
  cr_expect_geq(differed, 25);
  vs_rewriter_close(rewriter);
}

Test(rewriter, copies_that_the_kernel_makes_find_two_values_too) {
  expect_two_values(have_it_copied_twice);
}
Test(rewriter, a_copy_of_the_kernel_before_a_look_finds_two_values) {
  expect_two_values(look_after_the_kernel);
}
// Its system calls are then not seen: the other thread writes beside one of eight.
static zx_status_t look_with_signals_blocked(void* context, void* address) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const zx_status_t status = look_after_the_kernel(context, address);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

Test(rewriter, an_implementation_that_blocks_signals_meets_the_other_thread) {
  vs_rewriter* rewriter = vs_rewriter_open();
  for (size_t i = 0; i < 40000 && differed == 0; i++)
    cr_assert(make(rewriter, look_with_signals_blocked));
  cr_expect_gt(differed, 0);
  vs_rewriter_close(rewriter);
}
Test(rewriter, a_copy_of_the_kernel_after_a_look_finds_two_values) {
  expect_two_values(look_before_the_kernel);
}

static zx_status_t refuse_unseen(void* count, void* address) {
  (void)address;
  ++*(unsigned*)count;
  return ZX_ERR_BAD_HANDLE;
}

// It may have been refused for the guarded page, which another thread has met within a system call.
Test(rewriter, a_call_that_is_refused_and_was_not_seen_to_look_is_made_again) {
  const vs_op op = flipped_write();
  unsigned made = 0;
  vs_rewritten_call c = {.make = refuse_unseen,
                         .context = &made,
                         .op = &op,
                         .parameter = vs_param_find(op.code, VS_PARAM_IN, 0)};
  vs_watch_close(open_or_skip());
  vs_rewriter* rewriter = vs_rewriter_open();
  cr_assert(vs_rewriter_call(rewriter, &c));
  cr_expect_eq(made, 2);
  cr_expect(c.status == ZX_ERR_BAD_HANDLE && c.rewritten);
  vs_rewriter_close(rewriter);
}

// Else a double fetch is found by luck alone, and its implementation passes.
Test(rewriter, a_watch_that_gets_no_page_is_a_shortage_of_this_machine) {
  const struct rlimit none = {0, 0};
  const vs_op op = flipped_write();
  vs_rewritten_call c = {
      .make = look_twice, .op = &op, .parameter = vs_param_find(op.code, VS_PARAM_IN, 0)};
  vs_rewriter* rewriter = vs_rewriter_open();
  signal(SIGXFSZ, SIG_IGN);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
  const bool made = vs_rewriter_call(rewriter, &c);
  cr_expect(!made);
  vs_rewriter_close(rewriter);
}

static void* on_another_thread(void* rewriter) {
  for (size_t i = 0; i < 11; i++) make(rewriter, look_twice);
  return NULL;
}

Test(rewriter, a_thread_in_the_place_of_one_that_ended_is_watched_too) {
  vs_watch_close(open_or_skip());
  vs_rewriter* rewriter = vs_rewriter_open();
  for (unsigned i = 0; i < 3; i++) {
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, on_another_thread, rewriter), 0);
    pthread_join(thread, NULL);
    cr_expect_geq(differed, (i + 1) * 5);
  }
  vs_rewriter_close(rewriter);
}
