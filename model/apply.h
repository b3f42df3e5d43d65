// SPDX-License-Identifier: BSD-3-Clause
// What an accepted zx_vcpu_write_state does to the registers. Cannot refuse. Where the profile
// leaves a choice, the world becomes two: the one in place takes the base reading, `other` the
// latitude's.
#ifndef VS_MODEL_APPLY_H_
#define VS_MODEL_APPLY_H_

#include "world.h"

// Applies the write of `op` to the vCPU `index`. True: `*other` is a second explanation.
bool vs_apply_write(vs_world* world, uint8_t index, const vs_op* op, const vs_profile* profile,
                    const vs_arch_info* arch, vs_world* other);

// Marks what a wrong register of each vCPU would break from now on: `touch` for the vCPU `index`,
// VS_TOUCH_OTHER for the others after an accepted write, VS_TOUCH_REFUSED for all after a refusal.
void vs_touch_all(vs_world* world, uint8_t index, vs_touch touch);

#endif  // VS_MODEL_APPLY_H_
