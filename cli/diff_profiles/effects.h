// SPDX-License-Identifier: BSD-3-Clause
// What accepted calls do, as far as profiles differ in it.
#ifndef VS_CLI_EFFECTS_H_
#define VS_CLI_EFFECTS_H_

#include "build.h"
#include "words/describe.h"

typedef struct vs_effect {
  const char* call;
  // What becomes of it under the profile; nothing where the architecture has no such thing.
  void (*say)(vs_text* text, const vs_profile* profile, const vs_arch_info* info);
  void (*build)(vs_build* b);  // appends a script that shows it
} vs_effect;

extern const vs_effect vs_effects[];
extern const size_t vs_effect_count;

#endif  // VS_CLI_EFFECTS_H_
