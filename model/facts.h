// SPDX-License-Identifier: BSD-3-Clause
// Between the files that find out what is true of a call. Internal to the model.
#ifndef VS_MODEL_FACTS_H_
#define VS_MODEL_FACTS_H_

#include "decide.h"

// What kind, size and buffer of zx_vcpu_write_state say.
void vs_write_facts(vs_facts* facts, const vs_op* op, const vs_arch_info* arch);

#endif  // VS_MODEL_FACTS_H_
