// SPDX-License-Identifier: BSD-3-Clause
#include "common.h"

#include <string.h>

static bool unknown_backend(const char* spec) {
  enum { NAMES = 256, NAME = 64 };
  static char mutants[NAMES][NAME];
  const char* names[NAMES + 8];
  size_t count = 0;
  if (strcmp(spec, "plugin:") == 0) {
    fprintf(stderr, "vcpuspec: plugin: needs a path: plugin:./mine.so\n");
    return false;
  }
  for (size_t i = 0; i < vs_builtin_count; i++) names[count++] = vs_builtins[i]->name;
  for (size_t i = 0; i < vs_mutant_count && i < NAMES; i++) {
    snprintf(mutants[i], NAME, "mutant:%s", vs_mutants[i].id);
    names[count++] = mutants[i];
  }
  vs_complain("backend", spec, names, count, "see vcpuspec list backends, vcpuspec list mutants");
  return false;
}

bool vs_find_target(const char* spec, vs_target* target) {
  return vs_target_parse(spec, target) || unknown_backend(spec);
}

bool vs_find_ready_target(const char* spec, double timeout, vs_target* target, vs_exit* status) {
  *status = VS_EXIT_USAGE;
  if (!vs_find_target(spec, target)) return false;
  vs_target_probe(target, timeout);
  if (target->state == VS_TARGET_READY) return true;
  fprintf(stderr, "vcpuspec: backend '%s' cannot be used: %s\n", spec, target->reason);
  *status = VS_EXIT_INFRASTRUCTURE;
  return false;
}

const vs_profile* vs_find_profile(const char* id) {
  const char* names[16];
  for (size_t i = 0; i < vs_profile_count; i++) names[i] = vs_profiles[i].id;
  const vs_profile* profile = vs_profile_find(id);
  if (profile == NULL) {
    vs_complain("profile", id, names, vs_profile_count, "see vcpuspec list profiles");
    return NULL;
  }
  if (profile->ready) return profile;
  fprintf(stderr,
          "vcpuspec: profile '%s' is described but cannot be judged by yet; "
          "use documented or zircon-x64\n",
          id);
  return NULL;
}
