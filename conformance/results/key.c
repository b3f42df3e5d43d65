// SPDX-License-Identifier: BSD-3-Clause
// What of a failure does not depend on the seed.
#include "make.h"
#include "runner/describe.h"
#include "runner/failure.h"

static void say_statuses(vs_text* text, const vs_failure_key* key) {
  for (uint8_t i = 0; i < key->count; i++) {
    bool again = i > 0 && key->allowed[i] == key->allowed[i - 1];
    if (again) continue;
    if (i > 0) vs_say(text, "|");
    vs_say_status(text, key->allowed[i]);
  }
  if (key->count == 0) vs_say(text, "nothing");
}

static void say_violation(vs_text* text, const vs_violation* v, const vs_arch_info* arch,
                          const char* ending) {
  vs_failure_key key = vs_failure_key_of(v);
  switch (v->kind) {
    case VS_VIOLATION_REGISTER:
      return vs_say(text, "%s -> %s", arch->registers[v->reg].name,
                    v->guest_view ? "other_in_guest" : "other");
    case VS_VIOLATION_PACKET:
      return vs_say(text, "packet -> other");
    case VS_VIOLATION_HANDLE:
      return vs_say(text, "handle -> invalid");
    case VS_VIOLATION_BUFFER:
      return vs_say(text, "buffer -> written");
    case VS_VIOLATION_SILENCE:
      return vs_say(text, "life -> silence");
    default:
      say_statuses(text, &key);
      vs_say(text, " -> ");
      if (v->kind == VS_VIOLATION_NO_RETURN) return vs_say(text, "%s", ending);
      return vs_say_status(text, v->got);
  }
}

void vs_results_key_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                       char* text, size_t size) {
  vs_text out = vs_text_in(text, size);
  const char* ending = died[0] != '\0' ? died : "no_return";
  if (violation != NULL) return say_violation(&out, violation, arch, ending);
  vs_say(&out, "life -> %s", ending);
}

void vs_results_key(const vs_case_result* result, char* text, size_t size) {
  bool in_call = result->judgement.step == VS_STEP_VIOLATION;
  vs_results_key_of(in_call ? &result->judgement.violation : NULL,
                    vs_arch_find(result->target->arch), result->died, text, size);
}
