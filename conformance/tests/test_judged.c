// SPDX-License-Identifier: BSD-3-Clause
// Traces as files (traces/), each judged as its heading says: `# profile ID`, then what is made of
// its last op: `# allowed`, `# breaks CLAUSE` or `# unsupported`. A new situation is
// a new file.
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "text/document.h"

static vs_oracle oracle;

static char* contents_of(const char* path) {
  static char text[1 << 16];
  FILE* in = fopen(path, "r");
  cr_assert(in != NULL, "%s", path);
  size_t length = fread(text, 1, sizeof text - 1, in);
  fclose(in);
  text[length] = '\0';
  return text;
}

// The word after `key` in the heading; NULL: there is none.
static const char* heading(const char* text, const char* key, char* word) {
  const char* at = strstr(text, key);
  if (at == NULL || sscanf(at + strlen(key), "%63s", word) != 1) return NULL;
  return word;
}

static void is_judged_as_it_says(const char* path) {
  char* text = contents_of(path);
  char profile[64];
  char clause[64];
  cr_assert(heading(text, "# profile ", profile) != NULL, "%s", path);
  const char* breaks = heading(text, "# breaks ", clause);
  cr_assert(breaks == NULL || vs_clause_find(breaks) < VS_CLAUSE_COUNT, "%s: %s", path, breaks);
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%s:%zu:%zu: %s", path,
               fault.line, fault.column, fault.message);
  vs_trace trace = vs_document_trace(&d);
  vs_judgement got = vs_judge(&oracle, &trace, vs_profile_find(profile));
  const char* broken =
      got.step == VS_STEP_VIOLATION ? vs_clauses[got.violation.clause].id : "nothing";
  vs_step step = breaks != NULL                  ? VS_STEP_VIOLATION
                 : strstr(text, "# unsupported") ? VS_STEP_UNSUPPORTED
                                                 : VS_STEP_ALLOWED;
  bool at_end = step == VS_STEP_ALLOWED || got.at == d.count - 1;
  bool right = got.step == step && at_end && (breaks == NULL || strcmp(broken, breaks) == 0);
  cr_expect(right, "%s: step %d at op %zu breaks %s", path, got.step, got.at, broken);
  vs_document_free(&d);
}

Test(traces, are_judged_as_they_say) {
  glob_t found;
  cr_assert_eq(glob(VS_SOURCE_DIR "/conformance/tests/traces/*.vcpu", 0, NULL, &found), 0);
  cr_assert(found.gl_pathc > 60, "%zu traces", found.gl_pathc);
  for (size_t i = 0; i < found.gl_pathc; i++) is_judged_as_it_says(found.gl_pathv[i]);
  globfree(&found);
}
