// SPDX-License-Identifier: BSD-3-Clause
#include "gap.h"

void vs_gap_script(const vs_reachable* all, size_t point, vs_draft* script) {
  const vs_reached_by* by = &all->points[point];
  const vs_document* situation = &all->situations.items[by->situation];
  vs_draft_begin(script, all->arch);
  for (size_t i = 0; i < situation->count; i++) vs_draft_add(script, &situation->ops[i]);
  vs_draft_add(script, &by->op);
  vs_draft_end(script);
}
