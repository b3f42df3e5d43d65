// SPDX-License-Identifier: BSD-3-Clause
// The calling thread's system calls, one at a time: before and after each a function of ours is
// called (Linux's syscall user dispatch, prctl(2), since 5.11; x86-64 alone has it). So what the
// kernel reads for an implementation, with process_vm_readv, an ioctl or a write, can be told
// apart.
#ifndef VS_CONFORMANCE_DISPATCH_H_
#define VS_CONFORMANCE_DISPATCH_H_

#include <stdbool.h>

// From now on, until vs_dispatch_end, `before` and `after` are called with `context` around each
// system call of this thread, in a signal handler. It ends by itself, after `before`, at a call
// that makes a thread or a process, ends one, or has to do with signals. False, and nothing is
// begun: the machine cannot, or the thread blocks SIGSYS or has a handler of its own for it, or
// some handler blocks it.
bool vs_dispatch_begin(void (*before)(void* context), void (*after)(void* context), void* context);
// False: it had ended before.
bool vs_dispatch_end(void);

// Between these two, calls of this thread are ours, and not told. What the first returned is for
// the second.
bool vs_dispatch_pause(void);
void vs_dispatch_go_on(bool paused);

#endif  // VS_CONFORMANCE_DISPATCH_H_
