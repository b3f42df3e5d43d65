// SPDX-License-Identifier: BSD-3-Clause
#include "anycall.h"

static any_call altered_call;

static const any_param params[VS_CALL_COUNT][VS_ARGS_MAX] = {
#define VS_PARAM(type, name, object, value) \
  { VS_PARAM_##type, object, value }
#define VS_CALL(name, word, phase, text, ...) [VS_CALL_##name] = {VS_EACH(VS_PARAM, __VA_ARGS__)},
#include <vcpuspec/calls.def>
};

static const char* const words[VS_CALL_COUNT] = {
#define VS_CALL(name, word, phase, text, ...) [VS_CALL_##name] = #word,
#include <vcpuspec/calls.def>
};

any_param any_param_of(vs_call_index call, size_t parameter) {
  return params[call][parameter];
}
const char* any_call_word(vs_call_index call) {
  return words[call];
}

// Of each call: from its arguments to numbers, and back.
#define VS_PASS(type, name, object, value) (VS_C_##type)(uintptr_t) args->name
#define VS_TAKE(type, name, object, value) (uint64_t)(uintptr_t) name
#define VS_CALL(name, word, phase, text, ...)                                      \
  static zx_status_t any_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) {                \
    uint64_t numbers[] = {VS_EACH(VS_TAKE, __VA_ARGS__)};                          \
    return altered_call(VS_CALL_##name, numbers);                                  \
  }                                                                                \
  static zx_status_t make_##name(const vs_calls* calls, const uint64_t* numbers) { \
    const struct vs_args_##name* args = (const void*)numbers;                      \
    return calls->name(VS_EACH(VS_PASS, __VA_ARGS__));                             \
  }
#include <vcpuspec/calls.def>

zx_status_t make_right(vs_call_index call, const uint64_t* numbers) {
  switch (call) {
#define VS_CALL(name, word, phase, text, ...) \
  case VS_CALL_##name:                        \
    return make_##name(tracked_below, numbers);
#include <vcpuspec/calls.def>
    default:
      return ZX_ERR_BAD_SYSCALL;
  }
}

void alter_call(vs_calls* calls, vs_call_index call, any_call altered) {
  altered_call = altered;
  switch (call) {
#define VS_CALL(name, word, phase, text, ...)          \
  case VS_CALL_##name:                                 \
    if (calls->name != NULL) calls->name = any_##name; \
    return;
#include <vcpuspec/calls.def>
    default:
      return;
  }
}
