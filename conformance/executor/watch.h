// SPDX-License-Identifier: BSD-3-Clause
// A buffer in which other bytes stand at the next look. The page that they lie in may not be
// accessed, so each access of this thread ends in a fault; it is then made alone, by a single step,
// and the bytes change between two of them. So an implementation that looks twice finds two values,
// every time. It sees the accesses of this thread in user space, and its system calls (dispatch.h),
// in which the kernel may look for it (process_vm_readv); not what another thread does, for which
// the page is opened. x86-64 alone has such a step.
//
//   vs_watch* watch = vs_watch_open();
//   uint8_t* buffer = vs_watch_place(watch, &rewrite, length);   // filled in by the caller
//   if (vs_watch_begin(watch, &rewrite)) {
//     ...a call that reads the buffer...
//     unsigned looks = vs_watch_end(watch);
//   }
//   vs_watch_close(watch);
#ifndef VS_CONFORMANCE_WATCH_H_
#define VS_CONFORMANCE_WATCH_H_

#include <vcpuspec/op.h>

typedef struct vs_watch vs_watch;

// For the calling thread. NULL: the machine cannot, or does not let us; or errno is a shortage.
vs_watch* vs_watch_open(void);
void vs_watch_close(vs_watch* watch);
// True if the calling thread is the one that opened it.
bool vs_watch_is_ours(const vs_watch* watch);
// Some thread watches now: another one has to wait.
bool vs_watch_is_busy(void);

// Where a buffer of `length` bytes goes, at most 4096, of which those of `rewrite` are watched
// next.
uint8_t* vs_watch_place(vs_watch* watch, const vs_rewrite* rewrite, size_t length);

// From now on the bytes of `rewrite` stand in the buffer before a look or from some look on; the
// next time another look is chosen, so that each has its turn. False, and nothing is watched: the
// implementation has a handler of SIGTRAP or SIGSYS of its own, blocks one of the signals, or the
// machine cannot. A handler of SIGSEGV that is there gets all faults but those of the watched page.
bool vs_watch_begin(vs_watch* watch, const vs_rewrite* rewrite);
// Ends it. How many looks there were, which an access close by may count among; 0 also if the
// implementation took SIGSEGV meanwhile, and may so have been refused what is in the buffer.
unsigned vs_watch_end(vs_watch* watch);
// False: somebody else may have looked too: no access was among the looks, another thread met the
// page, or not all system calls were seen.
bool vs_watch_saw_all(const vs_watch* watch);

#endif  // VS_CONFORMANCE_WATCH_H_
