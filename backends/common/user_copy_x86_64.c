// SPDX-License-Identifier: BSD-3-Clause
// The user copy for x86-64 hosts: one `rep movsb` whose faults a signal handler turns into a
// result. It is written in assembler so that no sanitizer instruments it: a hostile pointer is not
// a bug here. Faults at any other instruction go on to the handler that was installed before.
#include <signal.h>
#include <ucontext.h>

#include "user_copy_arch.h"

const uintptr_t vs_user_copy_limit = (uintptr_t)1 << 47;

// rdi, rsi: destination and source; rdx: bytes. The three labels are what the handler knows.
__asm__(
    ".pushsection .text\n"
    ".hidden vs_user_copy_bytes, vs_user_copy_insn, vs_user_copy_insn_end, vs_user_copy_failed\n"
    ".globl vs_user_copy_bytes, vs_user_copy_insn, vs_user_copy_insn_end, vs_user_copy_failed\n"
    ".type vs_user_copy_bytes, @function\n"
    "vs_user_copy_bytes:\n"
    ".cfi_startproc\n"
    "  mov %rdx, %rcx\n"
    "vs_user_copy_insn:\n"
    "  rep movsb\n"
    "vs_user_copy_insn_end:\n"
    "  mov $1, %eax\n"
    "  ret\n"
    "vs_user_copy_failed:\n"
    "  xor %eax, %eax\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size vs_user_copy_bytes, . - vs_user_copy_bytes\n"
    ".popsection\n");

bool vs_user_copy_bytes(void* dst, const void* src, size_t size);
extern const char vs_user_copy_insn[], vs_user_copy_insn_end[], vs_user_copy_failed[];

enum { SIGNALS = 2 };
static const int signals[SIGNALS] = {SIGSEGV, SIGBUS};
static struct sigaction previous[SIGNALS];
static bool installed[SIGNALS];

static bool is_own_fault(const siginfo_t* info, uintptr_t rip) {
  // A code <= 0 is a signal that somebody sent: it says nothing about the instruction.
  return info->si_code > 0 && rip >= (uintptr_t)vs_user_copy_insn &&
         rip < (uintptr_t)vs_user_copy_insn_end;
}

// Does what would have happened without this handler. Going back to a faulting instruction under
// the default action ends the process with the right signal and core.
static void pass_on(int sig, siginfo_t* info, void* context) {
  const struct sigaction* old = &previous[sig == SIGSEGV ? 0 : 1];
  const bool sent = info->si_code <= 0;
  const bool plain = (old->sa_flags & SA_SIGINFO) == 0;
  if (plain && old->sa_handler == SIG_IGN && sent) return;
  const bool by_default = plain && (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN);
  if (by_default || ((unsigned)old->sa_flags & (unsigned)SA_RESETHAND) != 0) {
    struct sigaction reset = {.sa_handler = SIG_DFL};
    sigaction(sig, &reset, NULL);
  }
  if (by_default) {
    if (sent) raise(sig);
  } else if (plain) {
    old->sa_handler(sig);
  } else {
    old->sa_sigaction(sig, info, context);
  }
}

static void on_fault(int sig, siginfo_t* info, void* context) {
  ucontext_t* user = context;
  greg_t* rip = &user->uc_mcontext.gregs[REG_RIP];
  if (is_own_fault(info, (uintptr_t)*rip)) {
    *rip = (greg_t)(uintptr_t)vs_user_copy_failed;
  } else {
    pass_on(sig, info, context);
  }
}

// The previous handler's mask and flags are kept, so that it runs as it would have run alone.
static void install_one(int i) {
  if (installed[i]) return;
  sigaction(signals[i], NULL, &previous[i]);
  struct sigaction mine = {.sa_sigaction = on_fault, .sa_mask = previous[i].sa_mask};
  mine.sa_flags = (previous[i].sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
  installed[i] = sigaction(signals[i], &mine, NULL) == 0;
}

// Somebody who installed a handler later may pass faults on to this one: then it has to stay, and
// the next open finds it in place.
static void remove_one(int i) {
  struct sigaction now;
  sigaction(signals[i], NULL, &now);
  if ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_fault) return;
  installed[i] = sigaction(signals[i], &previous[i], NULL) != 0;
}

void vs_user_copy_install(void) {
  for (int i = 0; i < SIGNALS; i++) install_one(i);
}

void vs_user_copy_remove(void) {
  for (int i = 0; i < SIGNALS; i++) remove_one(i);
}

bool vs_user_copy_read(void* dst, const void* user_src, size_t size) {
  return vs_user_copy_bytes(dst, user_src, size);
}

bool vs_user_copy_write(void* user_dst, const void* src, size_t size) {
  return vs_user_copy_bytes(user_dst, src, size);
}
