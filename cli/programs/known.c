// SPDX-License-Identifier: BSD-3-Clause
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "differ.h"

const vs_known_finding vs_known_findings[VS_KNOWN_FINDINGS] = {
#define VS_FINDING(...) VS_ROW(__VA_ARGS__)
#define VS_ROW(id, engine, version, only, arch, forms, what, manual, got, upstream, example) \
  {#id, engine, version, only, VS_ARCH_##arch, forms, what, manual, got, upstream, example},
#include "findings.def"
};

static bool begins(const char* text, const char* with) {
  return strncmp(text, with, strlen(with)) == 0;
}

bool vs_known_is_about(const vs_known_finding* row, const vs_form* form, vs_arch arch,
                       const char* a, const char* b) {
  return row->arch == arch && begins(a, row->engine) != begins(b, row->engine) &&
         fnmatch(row->forms, form->name, FNM_EXTMATCH) == 0 &&
         (row->only == NULL || access(row->only, F_OK) == 0);
}

vs_differences vs_known_of(const vs_form* form, vs_arch arch, const char* a, const char* b) {
  vs_differences set = 0;
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) {
    const vs_known_finding* row = &vs_known_findings[i];
    if (vs_known_is_about(row, form, arch, a, b)) set |= vs_differences_of(row->what);
  }
  return set;
}
