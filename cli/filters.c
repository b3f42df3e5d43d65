// SPDX-License-Identifier: BSD-3-Clause
#include "filters.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "results/require.h"
#include "tables.h"
#include "text/calls.h"
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
static const char* nearest(const char* glob, bool calls) {
  const char** names = calloc(vs_case_count + VS_CLAUSE_COUNT + VS_CALL_COUNT, sizeof *names);
  if (names == NULL) return NULL;
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) names[count++] = vs_cases[i].id;
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) names[count++] = vs_clauses[i].id;
  for (vs_call_index i = 0; calls && i < VS_CALL_COUNT; i++) names[count++] = vs_call_name(i);
  const char* near = vs_nearest(glob, names, count);
  free(names);
  return near;
}

size_t vs_complain_of_filters(const vs_arguments* arguments, vs_option_code option,
                              const vs_results* results) {
  const bool calls = option == VS_OPTION_REQUIRE;
  size_t count = 0;
  for (size_t i = 0; i < arguments->counts[option]; i++) {
    char suite[SUITE];
    const char* glob = arguments->values[option][i];
    if (matches_any(glob) || (calls && vs_is_call(glob))) continue;
    if (results != NULL && vs_results_match(results, glob)) continue;
    count++;
    const char* near = suite_of(glob, suite) ? suite : nearest(glob, calls);
    fprintf(stderr, "vcpuspec: --%s '%s' matches no %scase and no clause", vs_options[option].name,
            glob, calls ? "call, no " : "");
    if (near != NULL) fprintf(stderr, "; did you mean '%s'?", near);
    fputs(" (see vcpuspec list cases)\n", stderr);
  }
  return count;
}

bool vs_filter_takes(const vs_arguments* arguments, const char* id) {
  const size_t count = arguments->counts[VS_OPTION_FILTER];
  for (size_t i = 0; i < count; i++) {
    if (fnmatch(arguments->values[VS_OPTION_FILTER][i], id, 0) == 0) return true;
  }
  return count == 0;
}
