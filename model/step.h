// SPDX-License-Identifier: BSD-3-Clause
// One op against one world: what oracle.c asks of each world in its set. Internal to the model.
#ifndef VS_MODEL_STEP_H_
#define VS_MODEL_STEP_H_

#include "oracle.h"

// What one world makes of one op. `attests` and `why` are filled as the verdict demands.
typedef struct vs_step_context {
  vs_oracle* oracle;
  vs_world* world;
  const vs_op* op;
  const vs_observation* seen;
  vs_clause_set attests;
  vs_violation why;
} vs_step_context;

// zx_vcpu_write_state. May add a second explanation to the oracle's set.
vs_step vs_step_write(vs_step_context* c);
// The calls around it, whose answers are predicted.
vs_step vs_step_family(vs_step_context* c);
// The two ends of a zx_vcpu_enter that runs beside other calls.
vs_step vs_step_enter_begin(vs_step_context* c);
vs_step vs_step_enter_end(vs_step_context* c);
// What a case needs in order to begin.
vs_step vs_step_setup(vs_step_context* c);

// One op against c->world, whatever it is.
vs_step vs_step_world(vs_step_context* c);
// Adds to the set the worlds in which calls that run beside others have had their effect by now.
// False: too many worlds.
bool vs_race_settle(vs_oracle* oracle);
// Orders and snapshots that came to the same are one.
void vs_race_merge(vs_oracle* oracle);
// The JOIN of a call that ran beside others.
vs_step vs_race_join(vs_step_context* c);
// zx_vcpu_write_state of a buffer that changed during the call.
vs_step vs_race_write(vs_step_context* c);
// True if the handle that the op names was closed, and other threads may have done so.
bool vs_race_is_stale(const vs_step_context* c);
// Where a further world of the set may be made; NULL: there is no room.
vs_world* vs_spare_world(vs_oracle* oracle);

// Fills `why` with what was got; a call that did not return is that, whatever `kind` says.
vs_step vs_step_violation(vs_step_context* c, vs_violation_kind kind, vs_clause_code clause);
// For calls around the one under test: true if the answer is `status`, the only right one.
bool vs_step_answered(vs_step_context* c, zx_status_t status);
// True if a handle may be given out: not 0, and no open handle's value.
bool vs_step_is_fresh(const vs_step_context* c, zx_handle_t value);
// The open slot that the op's handle names, or NULL.
const vs_slot* vs_step_slot(vs_step_context* c);

#endif  // VS_MODEL_STEP_H_
