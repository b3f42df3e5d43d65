// SPDX-License-Identifier: BSD-3-Clause
// The calling thread's system calls, one at a time: after each of them a function of ours is called
// (Linux's syscall user dispatch, prctl(2), since 5.11; x86-64 alone has it). So what the kernel
// reads for an implementation, with process_vm_readv, an ioctl or a write, can be told apart.
#ifndef VS_CONFORMANCE_DISPATCH_H_
#define VS_CONFORMANCE_DISPATCH_H_

#include <stdbool.h>

// From now on, until vs_dispatch_end, `after` is called with `context` after each system call of
// this thread, in a signal handler. It ends by itself before a call that makes a thread or a
// process, ends one, or has to do with signals. False, and nothing is begun: the machine cannot, or
// the thread blocks SIGSYS or has a handler of its own for it, or some handler blocks it.
bool vs_dispatch_begin(void (*after)(void* context), void* context);
// False: it had ended before.
bool vs_dispatch_end(void);

#endif  // VS_CONFORMANCE_DISPATCH_H_
