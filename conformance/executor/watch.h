// SPDX-License-Identifier: BSD-3-Clause
// A buffer in which other bytes stand at the next look: a hardware watchpoint (perf_event_open)
// traps each access of this thread to them, and the bytes change between two accesses. So an
// implementation that looks twice finds two values, every time. It sees the accesses of this thread
// in user space, and its system calls (dispatch.h), in which the kernel may look for it
// (process_vm_readv); not what another thread does.
//
//   vs_watch* watch = vs_watch_open();
//   uint8_t* buffer = vs_watch_buffer(watch);   // filled in by the caller
//   if (vs_watch_begin(watch, &rewrite)) {
//     ...a call that reads the buffer...
//     unsigned looks = vs_watch_end(watch);
//   }
//   vs_watch_close(watch);
#ifndef VS_CONFORMANCE_WATCH_H_
#define VS_CONFORMANCE_WATCH_H_

#include <vcpuspec/op.h>

typedef struct vs_watch vs_watch;

enum { VS_WATCH_BYTES = 4096 };  // of the buffer, which begins at a page

// For the calling thread. NULL: the machine has no watchpoints, or does not let us use them; or
// errno is a shortage.
vs_watch* vs_watch_open(void);
void vs_watch_close(vs_watch* watch);
// True if the calling thread is the one that opened it.
bool vs_watch_is_ours(const vs_watch* watch);

uint8_t* vs_watch_buffer(const vs_watch* watch);

// From now on the bytes of `rewrite` stand in the buffer before a look or from some look on; the
// next time another look is chosen, so that each has its turn. False, and nothing is watched: the
// implementation has a handler of SIGTRAP of its own, or the machine cannot. With one of SIGSYS, no
// system calls are seen.
bool vs_watch_begin(vs_watch* watch, const vs_rewrite* rewrite);
// Ends it. How many looks there were; an access of several of the bytes may count more than once.
unsigned vs_watch_end(vs_watch* watch);
// False: somebody else may have looked too: no access was among the looks, or the system calls were
// not, or not all of them, seen.
bool vs_watch_saw_all(const vs_watch* watch);

#endif  // VS_CONFORMANCE_WATCH_H_
