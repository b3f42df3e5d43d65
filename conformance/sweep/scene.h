// SPDX-License-Identifier: BSD-3-Clause
// What is made before the calls of a stage, and what is looked at after them, as ops of a script.
#ifndef VS_CONFORMANCE_SWEEP_SCENE_H_
#define VS_CONFORMANCE_SWEEP_SCENE_H_

#include "slots.h"

// `company`: with a second vCPU; a thread that has one of its own brings it along in any case.
void vs_scene_make(const vs_space* space, const vs_combination* stage, bool company,
                   vs_scene* scene);

// False: no script can make such a stage.
bool vs_scene_is_possible(const vs_space* space, const vs_combination* stage);

// The looks between calls.
vs_op vs_scene_look(const vs_arch_info* arch);
vs_op vs_scene_look_company(const vs_arch_info* arch);

#endif  // VS_CONFORMANCE_SWEEP_SCENE_H_
