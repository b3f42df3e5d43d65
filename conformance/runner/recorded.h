// SPDX-License-Identifier: BSD-3-Clause
// Traces that were recorded elsewhere, as a backend: each case is judged by the trace of its title.
#ifndef VS_CONFORMANCE_RECORDED_H_
#define VS_CONFORMANCE_RECORDED_H_

#include <vcpuspec/why.h>

#include "executor/executor.h"
#include "text/document.h"

typedef struct vs_traces {
  vs_document* traces;  // owned
  size_t count;
  vs_why early;  // why there are no more traces than these; "": nothing is known
} vs_traces;

// Reads what `vcpuspec exec` prints of any number of scripts. The last trace may be cut off. NULL:
// `why` says in one line what is wrong, and where. To free with vs_traces_free.
vs_traces* vs_traces_read(const char* path, vs_why* why);
void vs_traces_free(vs_traces* all);

// True of a trace of this script: of the same ops. False: `why`.
bool vs_trace_is_of(const vs_document* d, const vs_script* script, vs_arch arch, vs_why* why);

// The trace of this script, laid out for `arch`: of the same title, and the same ops. NULL: `why`.
const vs_document* vs_traces_find(const vs_traces* all, const vs_script* script, vs_arch arch,
                                  vs_why* why);

#endif  // VS_CONFORMANCE_RECORDED_H_
