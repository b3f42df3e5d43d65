// SPDX-License-Identifier: BSD-3-Clause
#include "seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"

enum { PATH = 4096, PIECES = 4, PIECE = 16, WRITES = 8 };

typedef struct writer {
  const char* directory;
  const vs_arch_info* arch;
  vs_fuzz_script* script;
  uint8_t* bytes;
  size_t count;
  bool failed;
} writer;

static void write_file(writer* w, const char* id, size_t number, size_t size) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/%s-%zu", w->directory, id, number);
  FILE* out = fopen(path, "we");
  bool whole = out != NULL && fwrite(w->bytes, 1, size, out) == size;
  if (out != NULL && fclose(out) != 0) whole = false;
  w->failed |= !whole;
  w->count += whole;
}

// --- scripts ----------------------------------------------------------------------------------

// Up to the first look, what a case makes; the rest builds upon it.
static size_t length_of_beginning(const vs_script* script) {
  size_t i = 0;
  while (i < script->count && i < PIECE) {
    uint8_t code = script->ops[i].code;
    if (code == VS_CALL_vcpu_read_state || code == VS_CALL_vcpu_enter || script->ops[i].async)
      break;
    i++;
  }
  return i;
}

static void write_piece(writer* w, const char* id, const vs_script* script, size_t beginning,
                        size_t from, size_t number) {
  vs_fuzz_script* piece = w->script;
  size_t room = VS_FUZZ_OPS - beginning;
  size_t count = script->count - from < room ? script->count - from : room;
  memcpy(piece->ops, script->ops, beginning * sizeof piece->ops[0]);
  memcpy(piece->ops + beginning, script->ops + from, count * sizeof piece->ops[0]);
  piece->count = beginning + count;
  write_file(w, id, number, vs_fuzz_encode(piece, w->bytes, VS_FUZZ_BYTES));
}

static void write_script(writer* w, const char* id, const vs_script* script) {
  size_t beginning = length_of_beginning(script);
  size_t rest = script->count - beginning;
  size_t step = rest / PIECES > PIECE ? rest / PIECES : VS_FUZZ_OPS - beginning;
  for (size_t i = 0; i < PIECES && i * step < rest; i++) {
    write_piece(w, id, script, beginning, beginning + i * step, i);
  }
}

// --- calls ------------------------------------------------------------------------------------

static void write_calls(writer* w, const char* id, const vs_script* script) {
  size_t writes = 0;
  for (size_t i = 0; i < script->count; i++)
    writes += script->ops[i].code == VS_CALL_vcpu_write_state;
  size_t step = writes > WRITES ? writes / WRITES : 1;
  size_t at = 0;
  for (size_t i = 0; i < script->count; i++) {
    if (script->ops[i].code != VS_CALL_vcpu_write_state || at++ % step != 0) continue;
    write_file(w, id, at, vs_fuzz_encode_call(&script->ops[i], w->bytes, VS_FUZZ_BYTES));
  }
}

// --- all of them ------------------------------------------------------------------------------

static void write_case(writer* w, const vs_case* c, vs_fuzz_target target, vs_arch arch) {
  vs_script script;
  if (c->arch != 0 && c->arch != arch) return;
  if (!vs_case_script(c, arch, 0, &script)) {
    w->failed = true;
    return;
  }
  if (target == VS_FUZZ_CALL) {
    write_calls(w, c->id, &script);
  } else {
    write_script(w, c->id, &script);
  }
  vs_case_script_free(&script);
}

size_t vs_fuzz_write_seeds(const char* directory, vs_fuzz_target target, vs_arch arch) {
  writer w = {.directory = directory, .arch = vs_arch_find(arch)};
  w.script = malloc(sizeof *w.script);
  w.bytes = malloc(VS_FUZZ_BYTES);
  w.failed = w.script == NULL || w.bytes == NULL || w.arch == NULL;
  for (size_t i = 0; i < vs_case_count && !w.failed; i++) {
    write_case(&w, &vs_cases[i], target, arch);
  }
  free(w.script);
  free(w.bytes);
  return w.failed ? 0 : w.count;
}
