// SPDX-License-Identifier: BSD-3-Clause
// The rows that answer as published kernels do: each conforms under the profile of its kernel,
// which leaves no choice. Neither side was written in sight of the other.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "judging.h"

static void conforms_under(const char* spec, const char* profile, size_t least) {
  vs_target target = judging_target(spec);
  size_t count;
  const vs_case** cases = judging_cases(VS_CLAUSE_COUNT, &count);
  vs_run run = judging_run(&target, cases, count, profile, 60);
  for (size_t i = 0; i < run.count; i++) {
    vs_verdict verdict = run.results[i].verdict;
    cr_expect(verdict == VS_VERDICT_PASS || verdict == VS_VERDICT_UNSUPPORTED, "%s",
              judging_text(&run.results[i], profile));
  }
  size_t passed = vs_run_count(&run, &target, VS_VERDICT_PASS);
  cr_expect(passed >= least, "%s under %s: only %zu of %zu cases pass", spec, profile, passed,
            count);
  vs_run_free(&run);
  free(cases);
}

Test(kernels, zircon_2018, .timeout = 300) {
  conforms_under("soft:2018", "zircon-2018", 90);
}
Test(kernels, zcore, .timeout = 300) {
  conforms_under("soft:zcore", "zcore", 85);
}
Test(kernels, zircon_arm64, .timeout = 300) {
  conforms_under("soft:arm64:zircon", "zircon-arm64", 80);
}
// On a machine of another architecture that row does not open, and says why.
Test(kernels, zircon_arm64_kvm, .timeout = 300) {
  vs_target target = judging_target("kvm:zircon");
  if (target.state == VS_TARGET_READY) {
    conforms_under("kvm:zircon", "zircon-arm64", 90);
  } else {
    cr_expect(strstr(target.reason.text, "arm64") != NULL ||
                  strstr(target.reason.text, "/dev/kvm") != NULL,
              "%s", target.reason.text);
  }
}
Test(kernels, zircon_arm64_guests, .timeout = 300) {
  conforms_under("unicorn:arm64:zircon", "zircon-arm64", 90);
}
