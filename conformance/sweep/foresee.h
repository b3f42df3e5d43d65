// SPDX-License-Identifier: BSD-3-Clause
// Whether the oracle predicts the answer to a combination. The oracle itself is asked, in the world
// in which every op of the stage has succeeded.
#ifndef VS_CONFORMANCE_SWEEP_FORESEE_H_
#define VS_CONFORMANCE_SWEEP_FORESEE_H_

#include "compose.h"
#include "oracle.h"

typedef struct vs_foresight {
  bool made;
  size_t stage;  // that the world is of
  vs_scene scene;
  vs_world start;
  vs_oracle oracle;
} vs_foresight;

// The combinations of a batch: those that are judged first, in order, then those that are only
// recorded, since nothing is known of what they leave behind.
typedef struct vs_batch_of_sweep {
  size_t stage;
  bool last;  // of its stage
  uint32_t count;
  uint32_t judged;
  vs_combination c[VS_BATCH];
  uint64_t at[VS_BATCH];  // number within the stage
} vs_batch_of_sweep;

// Takes a new oracle through ops as though each succeeded. Returns false if it has nothing to say
// of one of them.
bool vs_foresee_ops(const vs_op* ops, size_t count, vs_oracle* oracle);
// An op behind a scene, which is accepted. False: the oracle makes no sense of it.
bool vs_foresee_op(vs_oracle* oracle, const vs_op* op);

// `foresight` begins as zeros. Of zx_vcpu_write_state every answer is predicted.
bool vs_foresee(vs_foresight* foresight, const vs_space* space, size_t stage,
                const vs_combination* c);
void vs_foresee_batch(vs_foresight* foresight, const vs_space* space, uint64_t batch,
                      vs_batch_of_sweep* list);

#endif  // VS_CONFORMANCE_SWEEP_FORESEE_H_
