// SPDX-License-Identifier: BSD-3-Clause
// Which exit status results deserve.
#ifndef VS_CONFORMANCE_CONCLUDE_H_
#define VS_CONFORMANCE_CONCLUDE_H_

#include "exit.h"
#include "results.h"

// The exit status of results that are whole but for their end, which is filled in: status and why,
// and in its remarks what was asked for by name and could not be judged.
vs_exit vs_results_conclude(vs_results* results);

#endif  // VS_CONFORMANCE_CONCLUDE_H_
