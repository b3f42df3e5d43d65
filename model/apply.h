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

// Mark what a wrong register of each vCPU would break from now on: after a write of the vCPU
// `index` that was accepted (VS_TOUCH_STATE or VS_TOUCH_IO) ...
void vs_touch_written(vs_world* world, uint8_t index, vs_touch touch);
// ... and after the call of this code was refused.
void vs_touch_refused(vs_world* world, uint8_t code);

#endif  // VS_MODEL_APPLY_H_
