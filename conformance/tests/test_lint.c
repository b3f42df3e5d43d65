// SPDX-License-Identifier: BSD-3-Clause
// lint-shim: each of its checks finds the fault that it is for, and none finds one where there is
// none.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "shim/lint.h"

#define VS_SPOILED "python3 -BIS " VS_SOURCE_DIR "/conformance/tests/shims/spoiled.py "

typedef struct fault {
  const char* name;
  const char* check;
  const char* words;
  double patience;
} fault;

static const fault faults[] = {
#define FAULT(name, check, words) {#name, check, words, 10},
#define SILENT(name, check, words) {#name, check, words, 2},
#include "shims/lint_faults.def"
#undef FAULT
#undef SILENT
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

typedef struct finding {
  char check[32];  // the first that fails
  char text[700];
} finding;

static bool keep(void* context, const char* check, bool good, const char* text) {
  finding* f = context;
  if (good) return true;
  snprintf(f->check, sizeof f->check, "%s", check);
  snprintf(f->text, sizeof f->text, "%s", text);
  return false;
}

static void find(size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    const fault* f = &faults[i];
    char command[512];
    finding found = {"", ""};
    snprintf(command, sizeof command, VS_SPOILED "%s " VS_SHIM_DIR "/shim_soft_posix%s", f->name,
             strcmp(f->name, "any_sum") == 0 ? " --sums" : "");
    vs_lint_sum sum = vs_lint(command, f->patience, keep, &found);
    cr_expect(sum.failed == 1, "%s is not noticed", f->name);
    cr_expect(strcmp(found.check, f->check) == 0, "%s is noticed by '%s' (%s), and not by '%s'",
              f->name, found.check, found.text, f->check);
    cr_expect(strstr(found.text, f->words) != NULL, "%s: '%s'", f->name, found.text);
  }
}

#define FINDS(eighth)                                       \
  Test(lint, finds_faults_##eighth) {                       \
    find(FAULTS*(eighth) / 8, FAULTS * ((eighth) + 1) / 8); \
  }
FINDS(0)
FINDS(1)
FINDS(2)
FINDS(3)
FINDS(4)
FINDS(5)
FINDS(6)
FINDS(7)

static void finds_nothing(const char* command) {
  finding found = {"", ""};
  vs_lint_sum sum = vs_lint(command, 10, keep, &found);
  cr_expect(sum.failed == 0 && sum.checks > 10, "%s: %s: %s", command, found.check, found.text);
}

Test(lint, finds_nothing_wrong_with_ours) {
  finds_nothing(VS_SHIM_DIR "/shim_soft_posix");
  finds_nothing(VS_SHIM_DIR "/shim_soft_posix --sums");
  finds_nothing(VS_SHIM_DIR "/shim_soft_bare");
  finds_nothing("python3 -B " VS_SOURCE_DIR "/shims/python/toy.py --arch arm64");
}

Test(lint, says_that_nothing_answers) {
  finding found = {"", ""};
  vs_lint_sum sum = vs_lint("unix:/nowhere/shim", 1, keep, &found);
  cr_expect(!sum.greeted && sum.failed == 1 && strstr(found.text, "start the shim first") != NULL,
            "%s", found.text);
}
