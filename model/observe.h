// SPDX-License-Identifier: BSD-3-Clause
// Registers as they were observed, held against the registers that are known.
#ifndef VS_MODEL_OBSERVE_H_
#define VS_MODEL_OBSERVE_H_

#include "worlds.h"

// Compares `state` (in the layout of ZX_VCPU_STATE) with what is known of the vCPU, and learns what
// was not. False: a register differs, and `*why` says which and what clause that breaks.
bool vs_observe_registers(const vs_oracle* oracle, vs_world* world, vs_vcpu* vcpu,
                          const uint8_t* state, bool guest_view, vs_violation* why);

// The clauses that a comparison without complaint bears out.
vs_clause_set vs_observe_attests(const vs_vcpu* vcpu, bool guest_view);

#endif  // VS_MODEL_OBSERVE_H_
