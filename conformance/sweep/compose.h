// SPDX-License-Identifier: BSD-3-Clause
// The call of a combination, as an op of a script; and, of calls other than zx_vcpu_write_state,
// the ops that make ready for it and tidy up after it.
#ifndef VS_CONFORMANCE_SWEEP_COMPOSE_H_
#define VS_CONFORMANCE_SWEEP_COMPOSE_H_

#include "slots.h"

// The ops of a combination, in order. Of zx_vcpu_write_state there is the call alone.
enum {
  VS_PART_TAKEN,  // duplicates a handle, for a call that takes the one it is given
  VS_PART_CALL,
  VS_PART_OUT,  // closes what the call has made
  VS_PART_OUT2,
  VS_PART_KEPT,  // closes the duplicate that the call did not take
  VS_PARTS
};

// `salt` makes the register values of one call differ from those of another. For
// zx_vcpu_write_state, fields of `op` that the combination does not set keep their values.
void vs_compose_call(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                     uint64_t salt, vs_op* op);

// All ops of the combination; one that it does without has the code VS_OP_COUNT.
void vs_compose_parts(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                      uint64_t salt, vs_op parts[VS_PARTS]);

// True if part `part` is to be made, by what came of those before it.
bool vs_part_is_due(const vs_op* parts, unsigned part, const vs_observation* seen);

// Makes `op` a valid write of ZX_VCPU_STATE, but for its handle and thread.
void vs_compose_ordinary(const vs_space* space, uint64_t salt, vs_op* op);

#endif  // VS_CONFORMANCE_SWEEP_COMPOSE_H_
