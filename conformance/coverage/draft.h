// SPDX-License-Identifier: BSD-3-Clause
// A script that is put together call by call, and ends as it should: guests that run are stopped,
// and registers are read once more.
#ifndef VS_CONFORMANCE_COVERAGE_DRAFT_H_
#define VS_CONFORMANCE_COVERAGE_DRAFT_H_

#include "text/books.h"

enum { VS_DRAFT_OPS = 512 };

typedef struct vs_draft {
  const vs_arch_info* arch;
  vs_books books;
  size_t count;
  vs_op ops[VS_DRAFT_OPS];
} vs_draft;

void vs_draft_begin(vs_draft* script, vs_arch arch);
void vs_draft_add(vs_draft* script, const vs_op* op);
// Reads the registers of every vCPU that can be read now.
void vs_draft_look(vs_draft* script);
void vs_draft_end(vs_draft* script);

#endif  // VS_CONFORMANCE_COVERAGE_DRAFT_H_
