// SPDX-License-Identifier: BSD-3-Clause
// What the two halves of the executor share: calls.c makes one call, executor.c decides on which
// thread and keeps the order. Internal to this folder.
#ifndef VS_CONFORMANCE_EXECUTOR_STATE_H_
#define VS_CONFORMANCE_EXECUTOR_STATE_H_

#include <vcpuspec/backend.h>

#include "arena.h"
#include "guest/guest.h"
#include "rewrite.h"
#include "text/calls.h"
#include "worker.h"

typedef struct vs_executor vs_executor;  // executor.h

typedef struct vs_exec_slot {
  zx_handle_t value;
  bool open;
  bool perhaps;     // it may be: a zx_handle_replace that was refused closes, or does not
  bool filled;      // some handle was received, though it may be closed by now
  bool tried;       // some op was to fill it
  uint8_t missing;  // the call that should have filled it and is missing or failed; or VS_NO_CALL
  uint8_t guest;    // of a guest and its vCPUs: index into vs_executor.guests
  zx_obj_type_t object;  // what it is a handle to
} vs_exec_slot;

static inline bool vs_exec_may_be_open(const vs_exec_slot* slot) {
  return slot->open || slot->perhaps;
}

// What is known of a guest for as long as some slot refers to it, or to a vCPU of it.
typedef struct vs_exec_guest {
  zx_handle_t memory;  // the VMO with its memory; ZX_HANDLE_INVALID: none
  uint8_t unloaded;    // without memory: the call that is missing or failed; else VS_NO_CALL
} vs_exec_guest;

// What a thread is busy with, or was last.
typedef struct vs_exec_job {
  vs_executor* executor;
  const vs_op* op;     // valid while the script is
  zx_handle_t handle;  // that the op names
  vs_observation* seen;
  vs_observation held;  // an asynchronous op's answer, until its JOIN
  bool async;
  bool races;     // it waits for `go`, so that it meets the next op of another thread
  bool ready;     // atomic: it does wait
  bool go;        // atomic
  unsigned late;  // turns that it waits after that: other orders come up in time
} vs_exec_job;

enum { VS_EXEC_FAR = VS_GUEST_MEMORY };  // bytes a thread

struct vs_executor {
  const vs_calls* calls;
  bool (*reach)(const vs_region* regions, size_t count);  // NULL, or as in vs_backend
  bool (*held)(void);
  uint8_t* far;  // with `reach`: memory of each thread's own for what is no op's argument
  vs_arch arch;
  size_t state_size;
  zx_handle_t resource;
  zx_handle_t other_resource;                    // ZX_HANDLE_INVALID: none is offered
  vs_arena arenas[VS_THREADS][VS_POINTERS_MAX];  // of a thread's own: two may be in calls at once
  vs_worker workers[VS_THREADS];
  vs_exec_job jobs[VS_THREADS];
  pthread_mutex_t lock;  // of the slots, while calls race
  vs_exec_slot slots[VS_SLOTS];
  vs_exec_guest guests[VS_SLOTS];
  vs_rewriter* rewriters[VS_THREADS];  // made at first use
  uint8_t turns[VS_THREADS];           // pointers laid out so far, modulo 256
  unsigned races;                      // calls that were started beside others so far
  const char* shortage;                // atomic: vs_executor_shortage
  const uint8_t* image;                // of a guest's memory
};

// Always false, for what then was not done.
bool vs_exec_is_short(vs_executor* x, const char* what);

// The value that a handle argument stands for.
zx_handle_t vs_exec_value(vs_executor* x, const vs_arg* ref);

enum { VS_UNFILLED = VS_NO_OTHER_RESOURCE + 1 };

// The call for want of which the op cannot be done, or VS_NO_OTHER_RESOURCE; VS_NO_CALL: it can;
// VS_UNFILLED: it names a slot that no op was to fill.
uint8_t vs_exec_missing(const vs_executor* x, const vs_op* op);

// Makes the op's call, on the calling thread, and fills all of `seen` but its outcome. False: the
// backend's side cannot make it so, or this machine is short of something.
bool vs_exec_call(vs_executor* x, const vs_op* op, vs_observation* seen);

// Closes the guest's memory, if there is any.
void vs_exec_forget_guest(vs_executor* x, vs_exec_guest* guest);

// No handle came for the slot, for want of the call `missing`. One that is open there stays so.
void vs_exec_not_filled(vs_executor* x, uint8_t slot, uint8_t missing);

#endif  // VS_CONFORMANCE_EXECUTOR_STATE_H_
