// SPDX-License-Identifier: BSD-3-Clause
// Every consistent combination of simultaneous faults of one call, as scripts: one for each handle,
// thread and kind; in it, a call for each size, placement and access_size.
#ifndef VS_CLI_COMBINATIONS_H_
#define VS_CLI_COMBINATIONS_H_

#include "tables.h"

enum { VS_COMBINATION_WORDS = 96 };

typedef struct vs_combination {
  char id[VS_COMBINATION_WORDS];
  char title[VS_COMBINATION_WORDS];
  vs_script script;  // ops owned
} vs_combination;

// The combinations' number, those that make no sense among them.
extern const size_t vs_combination_count;

// False: no memory. One that makes no sense has no ops.
bool vs_combination_at(size_t number, const vs_arch_info* info, vs_combination* combination);
void vs_combination_free(vs_combination* combination);

#endif  // VS_CLI_COMBINATIONS_H_
