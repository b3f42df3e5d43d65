// SPDX-License-Identifier: BSD-3-Clause
// What an implementation that does what the model asks would answer, found out from the model
// alone: an observation that is not allowed is mended by what the violation says until it is. So
// the model's worlds can be walked without an implementation.
#ifndef VS_CONFORMANCE_COVERAGE_IDEAL_H_
#define VS_CONFORMANCE_COVERAGE_IDEAL_H_

#include "oracle.h"

// Steps the oracle over the op, answered with `status`; `handles` counts those that were given out.
// False: the model allows no such answer; the oracle is as it was.
bool vs_ideal_step(vs_oracle* oracle, const vs_op* op, zx_status_t status, uint32_t* handles);

#endif  // VS_CONFORMANCE_COVERAGE_IDEAL_H_
