// SPDX-License-Identifier: BSD-3-Clause
#include "filters.h"

#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "results/require.h"
#include "tables.h"
#include "text/names.h"

enum { SUITE = 64 };

static bool matches_any(const char* glob) {
  for (size_t i = 0; i < vs_case_count; i++) {
    if (vs_case_matches(&vs_cases[i], glob)) return true;
  }
  return false;
}

// "kinds.*", if the word is the name of a suite.
static bool suite_of(const char* word, char glob[SUITE]) {
  snprintf(glob, SUITE, "%.60s.*", word);
  return strpbrk(word, ".*?[") == NULL && matches_any(glob);
}

// NULL: none is near, or there is no memory.
static const char* nearest(const char* glob) {
  const char** names = calloc(vs_case_count + VS_CLAUSE_COUNT, sizeof *names);
  if (names == NULL) return NULL;
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) names[count++] = vs_cases[i].id;
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) names[count++] = vs_clauses[i].id;
  const char* near = vs_nearest(glob, names, count);
  free(names);
  return near;
}

size_t vs_complain_of_filters(const vs_arguments* arguments, vs_option_code option) {
  size_t count = 0;
  for (size_t i = 0; i < arguments->counts[option]; i++) {
    char suite[SUITE];
    const char* glob = arguments->values[option][i];
    if (matches_any(glob) || (option == VS_OPTION_REQUIRE && vs_is_call(glob))) continue;
    count++;
    const char* near = suite_of(glob, suite) ? suite : nearest(glob);
    fprintf(stderr, "vcpuspec: --%s '%s' matches no %scase and no clause", vs_options[option].name,
            glob, option == VS_OPTION_REQUIRE ? "call, no " : "");
    if (near != NULL) fprintf(stderr, "; did you mean '%s'?", near);
    fputs(" (see vcpuspec list cases)\n", stderr);
  }
  return count;
}
