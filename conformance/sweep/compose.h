// SPDX-License-Identifier: BSD-3-Clause
// The call of a combination, as an op of a script.
#ifndef VS_CONFORMANCE_SWEEP_COMPOSE_H_
#define VS_CONFORMANCE_SWEEP_COMPOSE_H_

#include "scene.h"

// `salt` makes the register values of one call differ from those of another.
void vs_compose_call(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                     uint64_t salt, vs_op* op);

// Makes `op` a valid write of ZX_VCPU_STATE, but for its handle and thread.
void vs_compose_ordinary(const vs_space* space, uint64_t salt, vs_op* op);

#endif  // VS_CONFORMANCE_SWEEP_COMPOSE_H_
