// SPDX-License-Identifier: BSD-3-Clause
// What a conforming implementation may answer to each op of a script, said beforehand: the model is
// driven without observations, so that a kernel that can host none of this code can compare alone.
// What no answer of the script itself determines is left unknown; a reading is never taken for
// knowledge.
#ifndef VS_CLI_PREDICT_H_
#define VS_CLI_PREDICT_H_

#include "oracle.h"

// Of one op.
typedef struct vs_prediction {
  vs_decision allowed;            // the statuses; of every op but WRITE_STATE: ZX_OK alone
  bool has_state;                 // READ_STATE: `regs` is what must be seen
  vs_reg regs[VS_REGISTERS_MAX];  // indexed as the architecture's table; bits beyond the width: 0
} vs_prediction;

// A script with its predictions. Optional ops that cannot be predicted are not in it.
typedef struct vs_predicted {
  vs_script script;             // ops owned
  vs_prediction* predictions;   // owned; one an op
  size_t omitted[VS_OP_COUNT];  // optional ops that were left out, by code
} vs_predicted;

typedef enum vs_predict_result {
  VS_PREDICT_DONE,
  VS_PREDICT_LEFT_OUT,  // `why` says which op cannot be predicted, and why
  VS_PREDICT_NO_MEMORY
} vs_predict_result;

// Only on VS_PREDICT_DONE there is something to free. `script` is not kept.
vs_predict_result vs_predict(const vs_script* script, const vs_profile* profile,
                             const vs_arch_info* info, vs_predicted* predicted, vs_why* why);
void vs_predicted_free(vs_predicted* predicted);

#endif  // VS_CLI_PREDICT_H_
