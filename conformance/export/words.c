// SPDX-License-Identifier: BSD-3-Clause
#include "words.h"

#include <inttypes.h>
#include <string.h>

#include "text/calls.h"
#include "text/names.h"

size_t vs_words_of_buffer(const vs_buffer* buffer, uint64_t words[VS_WORDS_OF_STATE]) {
  for (size_t i = 0; i < VS_WORDS_OF_STATE; i++) {
    words[i] = 0;
    for (size_t k = 8; k-- > 0;) words[i] = words[i] << 8 | buffer->bytes[8 * i + k];
  }
  size_t most = (buffer->length + 7u) / 8u;
  size_t count = most < VS_WORDS_OF_STATE ? most : VS_WORDS_OF_STATE;
  while (count > 0 && words[count - 1] == 0) count--;
  return count;
}

static bool is_made(vs_call_index call, uint64_t codes) {
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) {
    vs_op op = {.code = (uint8_t)code};
    if ((codes & VS_BIT(code)) && vs_call_of(&op) == call) return true;
  }
  return false;
}

#define VS_WORDS_OF(...) #__VA_ARGS__
#define VS_WORDS(...) VS_WORDS_OF(__VA_ARGS__)

void vs_print_prototypes(FILE* out, uint64_t codes, uint64_t weak) {
  static const char* const parameters[VS_CALL_COUNT] = {
#define VS_CALL(name, word, phase, text, ...) \
  [VS_CALL_##name] = VS_WORDS(VS_EACH(VS_DECLARE, __VA_ARGS__)),
#include <vcpuspec/calls.def>
  };
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (!is_made(call, codes)) continue;
    const char* attribute = is_made(call, weak) ? "__attribute__((weak)) " : "";
    fprintf(out, "%szx_status_t %s%s;\n", attribute, vs_call_name(call), parameters[call]);
  }
  fputc('\n', out);
}

void vs_print_statuses(FILE* out) {
  zx_status_t status = ZX_OK;
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) {
    if (vs_status_find(vs_status_name_at(i), &status)) {
      fprintf(out, "#define %s (%d)\n", vs_status_name_at(i), (int)status);
    }
  }
  fprintf(out,
          "static const struct {\n  zx_status_t value;\n  const char* name;\n} statuses[] = {\n");
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) {
    fprintf(out, "    {%s, \"%s\"},\n", vs_status_name_at(i), vs_status_name_at(i));
  }
  fprintf(out, "};\n\n");
}

void vs_print_placements(FILE* out) {
  uint64_t readable = 0;
  fprintf(out, "// Where a buffer lies; N is the argument.\nenum {\n");
  for (vs_placement at = 0; at < VS_PLACEMENT_COUNT; at++) {
    fprintf(out, "  AT_%s,  // %s\n", vs_placements[at].name, vs_placements[at].text);
    if (vs_placements[at].readable) readable |= VS_BIT(at);
  }
  fprintf(out, "};\n#define READABLE UINT64_C(0x%" PRIx64 ")\n\n", readable);
}

const char* vs_print_up_to(FILE* out, const char* text, const char* mark) {
  const char* at = strstr(text, mark);
  while (at != NULL && at > text && at[-1] != '\n') at--;
  if (at == NULL) return "";
  fprintf(out, "%.*s", (int)(at - text), text);
  const char* end = strchr(at, '\n');
  return end != NULL ? end + 1 : "";
}

void vs_print_section(FILE* out, const char* text, const char* name) {
  char mark[32];
  snprintf(mark, sizeof mark, "// --- %s -", name);
  const char* at = strstr(text, mark);
  if (at == NULL) return;
  const char* from = strchr(at, '\n');
  if (from == NULL) return;
  const char* to = strstr(from, "// --- ");
  fprintf(out, "%.*s", to != NULL ? (int)(to - from) : (int)strlen(from), from);
}
