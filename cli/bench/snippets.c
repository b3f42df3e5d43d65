// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>

#include "programs/machine.h"
#include "sides.h"

typedef struct snippets_side {
  uint64_t turn;
  vs_machine machine;
  vs_snippet snippet;
  vs_snippet_result result;
} snippets_side;

static void close_snippets(void* self) {
  snippets_side* s = self;
  vs_machine_close(&s->machine);
  free(s);
}

static void* open_snippets(const vs_side_setup* setup, vs_why* reason) {
  snippets_side* s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  if (vs_machine_open(&s->machine, setup->backend, reason)) {
    s->machine.features = (vs_features){{0}, false};  // what ends a process is not among those
    return s;
  }
  free(s);
  return NULL;
}

static uint64_t turn_snippets(void* self, uint64_t count) {
  snippets_side* s = self;
  for (uint64_t i = 0; i < count; i++) {
    vs_snippet_draw(VS_ARCH_X64, 0, s->turn++, &s->machine.features, &s->snippet);
    if (!vs_machine_run(&s->machine, &s->snippet, &s->result) || s->result.status != ZX_OK)
      return 0;
  }
  return count;
}

const vs_side vs_side_snippets = {open_snippets, turn_snippets, close_snippets, false};
