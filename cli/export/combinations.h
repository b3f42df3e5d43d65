// SPDX-License-Identifier: BSD-3-Clause
// Simultaneous faults of one call of zx_vcpu_write_state, as scripts: the combinations of a sweep
// of up to three values, of those that classes.def has for vectors. A script for each stage; in it,
// a call for each combination of kind, size, placement and access_size.
#ifndef VS_CLI_COMBINATIONS_H_
#define VS_CLI_COMBINATIONS_H_

#include "sweep/space.h"

enum { VS_COMBINED_WORDS = 96 };

typedef struct vs_combined {
  char id[VS_COMBINED_WORDS];
  char title[VS_COMBINED_WORDS];
  vs_script script;  // its ops are valid until the next one
} vs_combined;

// Calls `take` with each script until it returns false. Returns false if it did, or if there is no
// memory.
bool vs_combined_each(vs_arch arch, bool (*take)(const vs_combined* combined, void* context),
                      void* context);

#endif  // VS_CLI_COMBINATIONS_H_
