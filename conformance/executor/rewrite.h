// SPDX-License-Identifier: BSD-3-Clause
// Makes a call while the caller's buffer changes. HELD: the buffer crosses into a page that is not
// there yet; once the call has met it (userfaultfd), the bytes before it are rewritten, and then
// the page is given. FLIP, and HELD where the machine does not allow that: the bytes change between
// two looks (watch.h); where those are not seen, another thread writes the old and the new bytes in
// turn as fast as it can.
#ifndef VS_CONFORMANCE_REWRITE_H_
#define VS_CONFORMANCE_REWRITE_H_

#include <vcpuspec/op.h>

typedef struct vs_rewriter vs_rewriter;

typedef struct vs_rewritten_call {
  zx_status_t (*make)(void* context, void* address);  // with the buffer at that address
  void* context;
  const vs_op* op;
  uint8_t parameter;  // that is the buffer
  zx_status_t status;
  bool rewritten;  // the buffer was, or may have been, written during the call
  bool changed;    // it is neither what it was nor what it was made to be
} vs_rewritten_call;

// NULL: this machine is short of memory, files or threads.
vs_rewriter* vs_rewriter_open(void);
void vs_rewriter_close(vs_rewriter* rewriter);

// Makes the call, on the calling thread, and fills in what came of it. False, and the call may not
// have been made: this machine is short of files or memory.
bool vs_rewriter_call(vs_rewriter* rewriter, vs_rewritten_call* call);

#endif  // VS_CONFORMANCE_REWRITE_H_
