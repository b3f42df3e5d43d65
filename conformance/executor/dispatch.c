// SPDX-License-Identifier: BSD-3-Clause
#include "dispatch.h"

#include <stddef.h>

#ifdef __x86_64__

#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

enum {
  ALLOW = 0,  // values of the selector, of <linux/prctl.h>
  BLOCK = 1,
  DISPATCHED = 2,  // SYS_USER_DISPATCH of <asm/siginfo.h>
  OF_RETURN = 16,  // bytes of code within which a handler returns
  INSTRUCTION = 2  // bytes of SYSCALL
};

// The kernel reads it, in whichever thread; a signal brings no context of ours with it.
static _Thread_local volatile char selector;
static _Thread_local void (*before_each)(void*);
static _Thread_local void (*after_each)(void*);
static _Thread_local void* of_each;

// What must be done where it stands, or comes back more than once, or not as the handler's.
static bool is_for_the_thread_itself(long number) {
  switch (number) {
    case SYS_clone:
    case SYS_clone3:
    case SYS_fork:
    case SYS_vfork:
    case SYS_execve:
    case SYS_execveat:
    case SYS_exit:
    case SYS_exit_group:
    case SYS_rt_sigreturn:  // of a handler that is not our C library's
    case SYS_rt_sigprocmask:
    case SYS_rt_sigaction:
    case SYS_rt_sigsuspend:
    case SYS_rt_sigtimedwait:
    case SYS_sigaltstack:
    case SYS_prctl:
    case SYS_arch_prctl:
    case SYS_seccomp:
      return true;
    default:
      return false;
  }
}

static long make(long number, const greg_t* registers) {
  long result;
  register long r10 __asm__("r10") = registers[REG_R10];
  register long r8 __asm__("r8") = registers[REG_R8];
  register long r9 __asm__("r9") = registers[REG_R9];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]),
                     "d"(registers[REG_RDX]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static void on_call(int signal_number, siginfo_t* info, void* context) {
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  selector = ALLOW;
  if (info->si_code != DISPATCHED) {  // a filter of the implementation's own
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  before_each(of_each);
  if (is_for_the_thread_itself(info->si_syscall)) {
    registers[REG_RIP] -= INSTRUCTION;
    registers[REG_RAX] = info->si_syscall;
    return;
  }
  registers[REG_RAX] = make(info->si_syscall, registers);
  after_each(of_each);
  selector = BLOCK;
}

// A handler's last call returns from it, and must pass: where that code is, the kernel tells.
static uintptr_t code_of_return(void) {
  struct {
    void* handler;
    unsigned long flags;
    void* restorer;
    uint64_t mask;
  } now = {0};
  return syscall(SYS_rt_sigaction, SIGSYS, NULL, &now, sizeof now.mask) == 0
             ? (uintptr_t)now.restorer
             : 0;
}

// A system call made while SIGSYS is blocked ends the process: so would one of such a handler.
static bool some_handler_blocks_it(void) {
  struct sigaction now;
  bool found = false;
  for (int each = 1; each < NSIG && !found; each++) {
    if (sigaction(each, NULL, &now) != 0) continue;
    const bool own = (now.sa_flags & SA_SIGINFO) != 0 ||
                     (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
    found = own && sigismember(&now.sa_mask, SIGSYS) != 0;
  }
  return found;
}

static bool take_signal(void) {
  struct sigaction ours = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
  struct sigaction now;
  sigset_t blocked;
  if (pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGSYS) != 0)
    return false;
  if (some_handler_blocks_it() || sigaction(SIGSYS, NULL, &now) != 0) return false;
  if ((now.sa_flags & SA_SIGINFO) != 0) return now.sa_sigaction == on_call;
  return now.sa_handler == SIG_DFL && sigaction(SIGSYS, &ours, NULL) == 0;
}

bool vs_dispatch_begin(void (*before)(void* context), void (*after)(void* context), void* context) {
  if (!take_signal()) return false;
  const uintptr_t passing = code_of_return();
  before_each = before;
  after_each = after;
  of_each = context;
  selector = ALLOW;
  if (passing == 0 ||
      prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, passing, OF_RETURN, &selector) != 0)
    return false;
  selector = BLOCK;
  return true;
}

bool vs_dispatch_end(void) {
  const bool lasted = selector == BLOCK;
  selector = ALLOW;
  prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
  return lasted;
}

bool vs_dispatch_pause(void) {
  const bool paused = selector == BLOCK;
  selector = ALLOW;
  return paused;
}

void vs_dispatch_go_on(bool paused) {
  if (paused) selector = BLOCK;
}

#else

bool vs_dispatch_begin(void (*before)(void* context), void (*after)(void* context), void* context) {
  (void)before, (void)after, (void)context;
  return false;
}

bool vs_dispatch_pause(void) {
  return false;
}

void vs_dispatch_go_on(bool paused) {
  (void)paused;
}

bool vs_dispatch_end(void) {
  return false;
}

#endif
