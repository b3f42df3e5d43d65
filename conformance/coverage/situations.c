// SPDX-License-Identifier: BSD-3-Clause
#include "situations.h"

#include <string.h>

#include "ideal.h"

extern const char vs_situations_text[];

bool vs_situations_read(vs_situations* situations, vs_arch arch) {
  const vs_reading reading = {.arch = arch};
  vs_source source = vs_source_of(vs_situations_text, strlen(vs_situations_text));
  vs_fault fault;
  *situations = (vs_situations){0};
  vs_read read = VS_READ_OK;
  while (read == VS_READ_OK && situations->count < VS_SITUATIONS) {
    read = vs_document_read(&source, &reading, &situations->items[situations->count], &fault);
    situations->count += read == VS_READ_OK;
  }
  if (read != VS_READ_FAULT) return true;
  vs_situations_free(situations);
  return false;
}

void vs_situations_free(vs_situations* situations) {
  for (size_t i = 0; i < situations->count; i++) vs_document_free(&situations->items[i]);
  situations->count = 0;
}

// Of a call that may be refused as well, which it will be is not certain.
static bool must_succeed(vs_oracle* oracle, const vs_op* op) {
  vs_decision allowed;
  vs_oracle_allowed(oracle, op, &allowed);
  return op->code >= VS_CALL_COUNT || allowed.count == 1;
}

bool vs_situation_play(const vs_document* situation, const vs_profile* profile, vs_oracle* oracle,
                       const vs_listener* listener, uint32_t* handles) {
  vs_oracle_init(oracle, profile, vs_arch_find(situation->arch));
  oracle->listener = listener;
  *handles = 0;
  for (size_t i = 0; i < situation->count; i++) {
    const vs_op* op = &situation->ops[i];
    const bool goes = must_succeed(oracle, op) && vs_ideal_step(oracle, op, ZX_OK, handles);
    if (!goes && !op->optional) return false;
  }
  oracle->listener = NULL;
  return !oracle->worlds[0].lost;
}
