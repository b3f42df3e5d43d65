// SPDX-License-Identifier: BSD-3-Clause
// Who judges the judge: every mutant is caught at the clause that it breaks, and no permitted
// variant is flagged.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "judging.h"

enum { HANG_SECONDS = 2 };

static vs_run run_mutant(const vs_mutant* mutant, vs_target* target, vs_clause_code clause,
                         const char* profile) {
  char spec[128];
  snprintf(spec, sizeof spec, "mutant:%s", mutant->id);
  *target = judging_target(spec);
  cr_assert_eq(target->state, VS_TARGET_READY, "%s: %s", spec, target->reason);
  target->spec = mutant->id;
  size_t count;
  const vs_case** cases = judging_cases(clause, &count);
  vs_run run = judging_run(target, cases, count, profile, HANG_SECONDS);
  free(cases);
  return run;
}

// A buffer that changes is held exactly once only where a page may come late.
static bool can_hold(void) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static void is_caught(const char* id) {
  const vs_mutant* mutant = vs_mutant_find(id);
  cr_assert(mutant != NULL);
  vs_clause_code clause = vs_clause_find(mutant->breaks);
  cr_assert_lt(clause, VS_CLAUSE_COUNT, "%s breaks an unknown clause", id);
  if (clause == VS_CLAUSE_ONE_SNAPSHOT && !can_hold())
    cr_skip_test("without userfaultfd it is caught by chance");
  vs_target target;
  vs_run run = run_mutant(mutant, &target, clause, "documented");
  cr_expect(vs_verdict_is_failure(vs_clause_verdict(&run, &target, clause)),
            "mutant %s (%s) is not caught at %s", id, mutant->mistake, mutant->breaks);
  vs_run_free(&run);
}

static vs_latitude_set used_by(const vs_run* run) {
  vs_latitude_set used = 0;
  for (size_t i = 0; i < run->count; i++) {
    bool permitted = run->results[i].verdict == VS_VERDICT_PERMITTED;
    used |= permitted ? run->results[i].judgement.latitudes : 0;
  }
  return used;
}

static void is_permitted(const char* id) {
  const vs_mutant* mutant = vs_mutant_find(id);
  cr_assert(mutant != NULL);
  vs_target target;
  vs_run run = run_mutant(mutant, &target, VS_CLAUSE_COUNT, "documented");
  for (size_t i = 0; i < run.count; i++) {
    cr_expect(!vs_verdict_is_failure(run.results[i].verdict), "%s",
              judging_text(&run.results[i], "documented"));
  }
  vs_latitude_set used = used_by(&run);
  vs_run_free(&run);
  for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
    bool named = strcmp(vs_latitudes[code].id, mutant->latitude) == 0;
    cr_expect(!named || (used & VS_BIT(code)), "%s passes without %s", id, mutant->latitude);
  }
  // What the page leaves open, one kernel does in one way.
  run = run_mutant(mutant, &target, VS_CLAUSE_COUNT, "zircon-x64");
  cr_expect_gt(vs_run_count(&run, &target, VS_VERDICT_FAIL), 0, "%s passes under zircon-x64", id);
  vs_run_free(&run);
}

#define VS_MUTANT(id, base, clause, mistake) \
  Test(mutant, id, .timeout = 300) {         \
    is_caught(#id);                          \
  }
#define VS_VARIANT(id, base, latitude, choice) \
  Test(variant, id, .timeout = 300) {          \
    is_permitted(#id);                         \
  }
#include "mutants/mutants.def"
#undef VS_MUTANT
#undef VS_VARIANT
