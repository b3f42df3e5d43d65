// SPDX-License-Identifier: BSD-3-Clause
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

#ifdef __x86_64__

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "dispatch.h"

// The buffer lies across three pages, of which the middle one is guarded.
enum { PAGE = 4096, PAGES = 3, GUARDED = PAGE, WORD = 8 };

// Of the flags: a trap after the next instruction.
static const greg_t single_step = 0x100;

struct vs_watch {
  uint8_t* pages;
  uint8_t* alias;   // the same memory, never guarded
  uint8_t* buffer;  // within `pages`
  uint8_t* at;      // the bytes that are rewritten
  pid_t thread;
  const vs_rewrite* rewrite;  // while it lasts
  struct sigaction segv;      // what another fault is for
  bool calls;                 // system calls are looks too, while it lasts
  bool stepping;              // the page is open for one instruction
  greg_t at_code;             // that instruction
  bool is_look;               // which may reach the bytes
  volatile bool open;         // for good: somebody else, or something unseen, wants the page
  uint8_t other[WORD];        // what is put there when the moment has come
  unsigned moment;            // after this look
  unsigned seen;              // looks
  unsigned accesses;          // those that were no system calls
  unsigned turn;              // of all that were watched
  unsigned before;            // looks of the last one that had any
};

// A signal brings no context of ours with it. One thread watches at a time, and another one may
// meet its page.
static vs_watch* watching;
static _Thread_local vs_watch* of_this_thread;

static vs_watch* current(void) {
  return __atomic_load_n(&watching, __ATOMIC_ACQUIRE);
}

bool vs_watch_is_ours(const vs_watch* watch) {
  return watch->thread == gettid();
}

bool vs_watch_is_busy(void) {
  return current() != NULL;
}

// ---- The page.

static bool guard(vs_watch* w, bool closed) {
  return mprotect(w->pages + GUARDED, PAGE, closed ? PROT_NONE : PROT_READ | PROT_WRITE) == 0;
}

static void put(vs_watch* w, const uint8_t* bytes) {
  memcpy(w->alias + (w->at - w->pages), bytes, w->rewrite->length);
}

static void note_look(vs_watch* w) {
  if (++w->seen == w->moment) put(w, w->other);
}

static void before_call(void* watch) {
  vs_watch* w = watch;
  w->open = true;
  guard(w, false);
}

static void after_call(void* watch) {
  vs_watch* w = watch;
  note_look(w);
  w->open = !guard(w, true);
}

// ---- Signals.

enum { REP = 0xf3, MOVSB = 0xa4, CMPSB = 0xa6, LODSB = 0xac };

// What one step may read from where it faults: of a byte-wise string instruction that byte, of any
// other as much as the widest register.
static size_t width_of(const uint8_t* code) {
  enum { WIDEST = 64 };
  const uint8_t opcode = code[0] == REP ? code[1] : code[0];
  return opcode == MOVSB || opcode == CMPSB || opcode == LODSB ? 1 : WIDEST;
}

// The address that a repeated byte-wise copy reads next: it can be stopped after each byte, and its
// registers say how far it is. NULL: the next instruction is no such copy, or copies backwards.
static const uint8_t* next_of_copy(const greg_t* registers) {
  enum { BACKWARDS = 0x400 };  // of the flags
  const uint8_t* code = (const uint8_t*)registers[REG_RIP];
  const bool copies = code[0] == REP && code[1] == MOVSB && registers[REG_RCX] != 0;
  return copies && !(registers[REG_EFL] & BACKWARDS) ? (const uint8_t*)registers[REG_RSI] : NULL;
}

static bool is_guarded(const vs_watch* w, const uint8_t* address) {
  return address >= w->pages + GUARDED && address < w->pages + GUARDED + PAGE;
}

static bool is_look(const vs_watch* w, const uint8_t* address, size_t width) {
  return address < w->at + w->rewrite->length && address + width > w->at;
}

static void begin_step(vs_watch* w, const uint8_t* address, greg_t* registers) {
  w->at_code = registers[REG_RIP];
  w->is_look = is_look(w, address, width_of((const uint8_t*)w->at_code));
  w->stepping = guard(w, false);
  registers[REG_EFL] |= single_step;
}

// Bytes of the page from `next` on that are no look.
static size_t unwatched(const vs_watch* w, const uint8_t* next) {
  if (next < w->at) return (size_t)(w->at - next);
  const bool beyond = next >= w->at + w->rewrite->length;
  return beyond ? (size_t)(w->pages + GUARDED + PAGE - next) : 0;
}

// Copies the bytes up to the next look at once, in place of a trap for each. Where the destination
// cannot be written to, the instruction itself goes on, and faults. True: the copy is complete.
static bool hurry(const vs_watch* w, greg_t* registers) {
  enum { LENGTH = 2 };  // of the instruction
  const uint8_t* next = next_of_copy(registers);
  if (next == NULL || !is_guarded(w, next)) return false;
  const size_t most = (size_t)registers[REG_RCX];
  const size_t count = unwatched(w, next) < most ? unwatched(w, next) : most;
  const struct iovec from = {w->alias + (next - w->pages), count};
  const struct iovec to = {(void*)registers[REG_RDI], count};
  const ssize_t copied = count > 0 ? process_vm_writev(getpid(), &from, 1, &to, 1, 0) : 0;
  if (copied <= 0) return false;
  registers[REG_RSI] += copied;
  registers[REG_RDI] += copied;
  registers[REG_RCX] -= copied;
  if (registers[REG_RCX] == 0) registers[REG_RIP] += LENGTH;
  return registers[REG_RCX] == 0;
}

// The page stays open while one instruction goes from byte to byte of it.
static bool goes_on(vs_watch* w, greg_t* registers) {
  if (w->open || registers[REG_RIP] != w->at_code || hurry(w, registers)) return false;
  const uint8_t* next = next_of_copy(registers);
  if (next == NULL || !is_guarded(w, next)) return false;
  w->is_look = is_look(w, next, 1);
  return true;
}

static void end_step(vs_watch* w, greg_t* registers) {
  if (w->is_look) {
    w->accesses++;
    note_look(w);
  }
  if (goes_on(w, registers)) return;
  w->stepping = false;
  registers[REG_EFL] &= ~single_step;
  if (!w->open) w->open = !guard(w, true);
}

static void pass_on(const struct sigaction* to, int number, siginfo_t* info, void* context) {
  if ((to->sa_flags & SA_SIGINFO) != 0) {
    to->sa_sigaction(number, info, context);
  } else if (to->sa_handler != SIG_DFL && to->sa_handler != SIG_IGN) {
    to->sa_handler(number);
  } else {
    signal(number, SIG_DFL);  // and it comes again
  }
}

static void on_fault(int number, siginfo_t* info, void* context) {
  vs_watch* w = current();
  if (w == NULL) return;  // it has ended meanwhile: the access is made again
  if (!is_guarded(w, info->si_addr) || (w->open && w == of_this_thread)) {
    pass_on(&w->segv, number, info, context);
    return;
  }
  const bool paused = vs_dispatch_pause();
  if (w == of_this_thread) {
    begin_step(w, info->si_addr, ((ucontext_t*)context)->uc_mcontext.gregs);
  } else {
    before_call(w);
  }
  vs_dispatch_go_on(paused);
}

static void on_trap(int number, siginfo_t* info, void* context) {
  vs_watch* w = current();
  if (info->si_code != TRAP_TRACE || w == NULL || w != of_this_thread || !w->stepping) {
    signal(number, SIG_DFL);  // an end of the implementation's own
    raise(number);
    return;
  }
  const bool paused = vs_dispatch_pause();
  end_step(w, ((ucontext_t*)context)->uc_mcontext.gregs);
  vs_dispatch_go_on(paused);
}

// A fault or trap that is blocked ends the process.
static bool are_deliverable(void) {
  sigset_t blocked;
  return pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGSEGV) == 0 &&
         sigismember(&blocked, SIGTRAP) == 0;
}

static bool take_trap(void) {
  const struct sigaction ours = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  struct sigaction now;
  if (sigaction(SIGTRAP, NULL, &now) != 0) return false;
  if ((now.sa_flags & SA_SIGINFO) != 0) return now.sa_sigaction == on_trap;
  return now.sa_handler == SIG_DFL && sigaction(SIGTRAP, &ours, NULL) == 0;
}

// A handler that is there, perhaps for buffers that cannot be read, sees every fault but ours.
static bool take_fault(vs_watch* w) {
  if (sigaction(SIGSEGV, NULL, &w->segv) != 0) return false;
  struct sigaction ours = w->segv;
  ours.sa_flags = (w->segv.sa_flags & SA_NODEFER) | SA_SIGINFO | SA_ONSTACK;
  ours.sa_sigaction = on_fault;
  return sigaction(SIGSEGV, &ours, NULL) == 0;
}

// False: the implementation has taken the signal meanwhile, and may have met the page.
static bool give_back_fault(const vs_watch* w) {
  struct sigaction now;
  const bool ours = sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
                    now.sa_sigaction == on_fault;
  return ours && sigaction(SIGSEGV, &w->segv, NULL) == 0;
}

// ---- A call.

// The bytes begin or end the guarded page, so that as few others as can be lie in it.
uint8_t* vs_watch_place(vs_watch* w, const vs_rewrite* rewrite, size_t length) {
  const size_t end = rewrite->offset + rewrite->length;
  const bool first = length - rewrite->offset < end;
  w->buffer = w->pages + GUARDED + (first ? 0 : PAGE) - (first ? rewrite->offset : end);
  w->at = w->buffer + rewrite->offset;
  return w->buffer;
}

static bool begin(vs_watch* w) {
  if (!are_deliverable() || !take_trap() || !take_fault(w)) return false;
  w->calls = vs_dispatch_begin(before_call, after_call, w);
  const bool paused = vs_dispatch_pause();
  const bool begun = w->calls && guard(w, true);
  vs_dispatch_go_on(paused);
  if (begun) return true;
  if (w->calls) vs_dispatch_end();
  give_back_fault(w);
  return false;
}

bool vs_watch_begin(vs_watch* w, const vs_rewrite* rewrite) {
  const unsigned looks = w->before > 1 ? w->before : 1;
  const bool reversed = w->turn / looks % 2 != 0;
  vs_watch* none = NULL;
  w->rewrite = rewrite;
  w->moment = 1 + w->turn % looks;
  w->seen = w->accesses = 0;
  w->open = w->stepping = false;
  memcpy(w->other, reversed ? w->at : rewrite->bytes, rewrite->length);
  if (!__atomic_compare_exchange_n(&watching, &none, w, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
    return false;
  if (reversed) put(w, rewrite->bytes);
  of_this_thread = w;
  if (begin(w)) return true;
  of_this_thread = NULL;
  __atomic_store_n(&watching, NULL, __ATOMIC_RELEASE);
  return false;
}

unsigned vs_watch_end(vs_watch* w) {
  w->calls = vs_dispatch_end();
  guard(w, false);
  if (!give_back_fault(w)) w->seen = 0;
  if (w->stepping) w->open = true;
  of_this_thread = NULL;
  __atomic_store_n(&watching, NULL, __ATOMIC_RELEASE);
  w->turn++;
  if (w->seen > 0) w->before = w->seen;
  return w->seen;
}

bool vs_watch_saw_all(const vs_watch* w) {
  return w->calls && !w->open && w->accesses > 0;
}

// ---- Life.

static bool map_twice(vs_watch* w) {
  const int file = memfd_create("watched", MFD_CLOEXEC);
  if (file < 0) return false;
  const int access = PROT_READ | PROT_WRITE;
  if (ftruncate(file, (off_t)PAGES * PAGE) == 0) {
    w->pages = mmap(NULL, (size_t)PAGES * PAGE, access, MAP_SHARED, file, 0);
    w->alias = mmap(NULL, (size_t)PAGES * PAGE, access, MAP_SHARED, file, 0);
  } else {
    errno = ENOMEM;  // whatever it says, a page was not to be had
  }
  close(file);
  return w->pages != MAP_FAILED && w->alias != MAP_FAILED;
}

// Looks twice by itself: a machine may not step, or somebody else take the trap.
static bool works(vs_watch* w) {
  const vs_rewrite rewrite = {.mode = VS_REWRITE_FLIP, .length = 1, .bytes = {1}};
  const volatile uint8_t* byte = vs_watch_place(w, &rewrite, 1);
  if (!vs_watch_begin(w, &rewrite)) return false;
  const uint8_t first = *byte;
  const uint8_t second = *byte;
  const unsigned seen = vs_watch_end(w);
  w->turn = w->before = 0;
  return seen == 2 && first == 0 && second == 1;
}

vs_watch* vs_watch_open(void) {
  vs_watch* w = calloc(1, sizeof *w);
  if (w == NULL) return NULL;
  w->pages = w->alias = MAP_FAILED;
  w->thread = gettid();
  const bool mapped = map_twice(w);
  if (mapped && works(w)) return w;
  const int error = mapped ? EOPNOTSUPP : errno;
  vs_watch_close(w);
  errno = error;
  return NULL;
}

void vs_watch_close(vs_watch* w) {
  if (w->pages != MAP_FAILED) munmap(w->pages, (size_t)PAGES * PAGE);
  if (w->alias != MAP_FAILED) munmap(w->alias, (size_t)PAGES * PAGE);
  free(w);
}

#else  // arm64 has no step that a process may ask for by itself

vs_watch* vs_watch_open(void) {
  errno = EOPNOTSUPP;
  return NULL;
}

void vs_watch_close(vs_watch* watch) {
  free(watch);
}

bool vs_watch_is_ours(const vs_watch* watch) {
  return watch != NULL;
}

bool vs_watch_is_busy(void) {
  return false;
}

uint8_t* vs_watch_place(vs_watch* watch, const vs_rewrite* rewrite, size_t length) {
  (void)watch, (void)rewrite, (void)length;
  return NULL;
}

bool vs_watch_begin(vs_watch* watch, const vs_rewrite* rewrite) {
  (void)watch, (void)rewrite;
  return false;
}

unsigned vs_watch_end(vs_watch* watch) {
  (void)watch;
  return 0;
}

bool vs_watch_saw_all(const vs_watch* watch) {
  return watch != NULL;
}

#endif
