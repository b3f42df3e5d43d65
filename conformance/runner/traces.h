// SPDX-License-Identifier: BSD-3-Clause
// Traces that were recorded elsewhere, as a backend: each case is judged by the trace of its title.
#ifndef VS_CONFORMANCE_TRACES_H_
#define VS_CONFORMANCE_TRACES_H_

#include "executor/executor.h"
#include "text/document.h"

enum { VS_TRACES_WHY = 512 };  // bytes of a reason

typedef struct vs_traces {
  vs_document* traces;  // owned
  size_t count;
  char early[VS_TRACES_WHY];  // why there are no more traces than these; "": nothing is known
} vs_traces;

// Reads what `vcpuspec exec` prints of any number of scripts. The last trace may be cut off. NULL:
// `why` says in one line what is wrong, and where. To free with vs_traces_free.
vs_traces* vs_traces_read(const char* path, char why[VS_TRACES_WHY]);
void vs_traces_free(vs_traces* all);

// The trace of this script, laid out for `arch`: of the same title, and the same ops. NULL: `why`.
const vs_document* vs_traces_find(const vs_traces* all, const vs_script* script, vs_arch arch,
                                  char why[VS_TRACES_WHY]);

#endif  // VS_CONFORMANCE_TRACES_H_
