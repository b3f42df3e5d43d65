// SPDX-License-Identifier: BSD-3-Clause
#include "worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

void vs_fuzz_finding_name(const vs_failure_key* key, char name[96]) {
  const char* clause = vs_clauses[key->clause].id;
  const uint32_t digest = vs_failure_digest(key);
  vs_failure_key whole = *key;
  whole.part = 0;
  const uint32_t of_whole = vs_failure_digest(&whole);
  if (key->part == 0) {
    snprintf(name, 96, "%.64s-%08" PRIx32 ".vcpu", clause, digest);
  } else {
    snprintf(name, 96, "%.64s-%08" PRIx32 "-%08" PRIx32 ".vcpu", clause, of_whole, digest);
  }
}

// --- the past ---------------------------------------------------------------------------------

// The next input of the past; NULL: there is none.
static const uint8_t* next_input(const vs_fuzz_state* s, uint32_t* at, size_t* size) {
  if (s->past_used > VS_FUZZ_PAST || *at + 2 > s->past_used) return NULL;
  *size = s->past[*at] | (size_t)s->past[*at + 1] << 8;
  const uint8_t* bytes = &s->past[*at + 2];
  if (*size > s->past_used - *at - 2) return NULL;
  *at += (uint32_t)(2 + *size);
  return bytes;
}

static bool rebuild_script(const vs_fuzz_state* s, const vs_arch_info* info, vs_op** ops,
                           size_t* count) {
  uint32_t at = 0;
  size_t size = 0;
  const uint8_t* bytes = next_input(s, &at, &size);
  vs_fuzz_script* script = bytes != NULL ? malloc(sizeof *script) : NULL;
  if (script == NULL) return false;
  vs_fuzz_decode(bytes, size, info, script);
  *count = script->count;
  *ops = calloc(script->count > 0 ? script->count : 1, sizeof **ops);
  if (*ops != NULL) memcpy(*ops, script->ops, script->count * sizeof **ops);
  free(script);
  return *ops != NULL;
}

static bool rebuild_calls(const vs_fuzz_state* s, const vs_arch_info* info, vs_op** ops,
                          size_t* count) {
  size_t room = VS_FUZZ_SCENE + (size_t)s->past_count * (1 + VS_FUZZ_LOOKS);
  vs_op* all = calloc(room, sizeof *all);
  if (all == NULL) return false;
  vs_sense sense;
  size_t n = vs_fuzz_scene(info, &sense, all);
  uint32_t at = 0;
  size_t size = 0;
  for (uint32_t i = 0; i < s->past_count; i++) {
    const uint8_t* bytes = next_input(s, &at, &size);
    if (bytes == NULL) break;
    vs_fuzz_decode_call(bytes, size, info, &all[n]);
    n += vs_fuzz_admit_call(&sense, &all[n]);
    n += vs_fuzz_looks(&sense, VS_FUZZ_LOOK_ALL, &all[n]);
  }
  *ops = all;
  *count = n;
  return s->past_count > 0;
}

bool vs_fuzz_rebuild(const vs_fuzz_state* state, vs_arch arch, vs_op** ops, size_t* count) {
  const vs_arch_info* info = vs_arch_find(arch);
  *ops = NULL;
  *count = 0;
  if (info == NULL || state->past_used == 0) return false;
  bool calls = state->target == VS_FUZZ_CALL;
  if (calls ? rebuild_calls(state, info, ops, count) : rebuild_script(state, info, ops, count)) {
    return true;
  }
  free(*ops);
  *ops = NULL;
  return false;
}
