// SPDX-License-Identifier: BSD-3-Clause
// lint-shim: each of its checks finds the fault that it is for, and none finds one where there is
// none.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lint_shim/lint.h"
#include "sampled.h"

#define VS_SPOILED "python3 -BIS " VS_SOURCE_DIR "/conformance/tests/shims/spoiled.py "

typedef struct fault {
  const char* name;
  const char* check;
  const char* words;
  double patience;
} fault;

static const fault faults[] = {
#define FAULT(name, check, words) {#name, check, words, 10},
#define SILENT(name, check, words) {#name, check, words, 8},
#include "shims/lint_faults.def"
#undef FAULT
#undef SILENT
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

typedef struct finding {
  char check[32];  // the first that fails
  char text[700];
} finding;

static bool keep(void* context, const char* check, vs_lint_verdict verdict, const char* text) {
  finding* f = context;
  if (verdict != VS_LINT_FAILS) return true;
  snprintf(f->check, sizeof f->check, "%s", check);
  snprintf(f->text, sizeof f->text, "%s", text);
  return false;
}

static void find(size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    if (!vs_sampled(i, 3)) continue;
    const fault* f = &faults[i];
    char command[512];
    finding found = {"", ""};
    snprintf(command, sizeof command, VS_SPOILED "%s " VS_SHIM_DIR "/shim_soft_posix%s", f->name,
             strcmp(f->name, "any_sum") == 0 ? " --sums" : "");
    vs_lint_sum sum = vs_lint(command, f->patience, keep, &found);
    cr_expect(sum.of[VS_LINT_FAILS] == 1, "%s is not noticed", f->name);
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
  cr_expect(sum.of[VS_LINT_FAILS] == 0 && sum.of[VS_LINT_OK] > 10, "%s: %s: %s", command,
            found.check, found.text);
}

Test(lint, finds_nothing_wrong_with_ours) {
  finds_nothing(VS_SHIM_DIR "/shim_soft_posix");
  finds_nothing(VS_SHIM_DIR "/shim_soft_posix --sums");
  finds_nothing(VS_SHIM_DIR "/shim_soft_bare");
  finds_nothing("python3 -B " VS_SOURCE_DIR "/shims/python/toy.py --arch arm64");
}

// The protocol is kept, and a summary that says no more than that would mislead.
Test(lint, warns_of_threads_that_are_not_told_apart) {
  finding found = {"", ""};
  vs_lint_sum sum =
      vs_lint(VS_SPOILED "one_thread " VS_SHIM_DIR "/shim_soft_posix", 10, keep, &found);
  cr_expect(sum.of[VS_LINT_FAILS] == 0 && sum.of[VS_LINT_WARNS] == 1, "%s: %s", found.check,
            found.text);
}

Test(lint, warns_of_an_other_resource_that_names_nothing) {
  finding found = {"", ""};
  vs_lint_sum sum =
      vs_lint(VS_SPOILED "unknown_resource " VS_SHIM_DIR "/shim_soft_posix", 10, keep, &found);
  cr_expect(sum.of[VS_LINT_FAILS] == 0 && sum.of[VS_LINT_WARNS] == 1, "%s: %s", found.check,
            found.text);
}

static int status_of(const char* shim) {
  char command[512];
  snprintf(command, sizeof command, VS_PROGRAM_PATH " lint-shim --timeout 4 %s > /dev/null", shim);
  return WEXITSTATUS(system(command));
}

Test(lint, exit_status_tells_a_breach_from_a_shim_that_is_not_there) {
  cr_expect_eq(status_of(VS_SHIM_DIR "/shim_soft_posix"), 0);
  cr_expect_eq(status_of("cat"), 1);         // 'hello 2' is no greeting
  cr_expect_eq(status_of("'sleep 20'"), 1);  // says nothing
  cr_expect_eq(status_of("/nowhere/shim"), 3);
  cr_expect_eq(status_of("unix:/nowhere/shim"), 3);
}

Test(lint, says_that_nothing_answers) {
  finding found = {"", ""};
  vs_lint_sum sum = vs_lint("unix:/nowhere/shim", 1, keep, &found);
  cr_expect(!sum.spoke && sum.of[VS_LINT_FAILS] == 1 &&
                strstr(found.text, "start the shim first") != NULL,
            "%s", found.text);
}
