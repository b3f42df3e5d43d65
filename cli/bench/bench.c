// SPDX-License-Identifier: BSD-3-Clause
#include "bench.h"

#include <stdio.h>

#include "common/refuse.h"
#include "sides.h"

const vs_bench vs_benches[] = {
    {.id = "kvm.cycle",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_calls,
     .floor = &vs_side_bare_kvm,
     .aim_ratio = 0.9,
     .text = "write, run, dump, compare, by the backend's calls; floor: a bare KVM_RUN loop"},
    {.id = "kvm.trap",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_trap,
     .floor = &vs_side_bare_trap,
     .aim_ratio = 0.9,
     .text = "a guest meets a trap on memory, with its packet; floor: a bare KVM_RUN loop"},
    {.id = "kvm.bell",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_bell,
     .floor = &vs_side_bare_bell,
     .aim_ratio = 0.9,
     .text = "a guest rings a bell, taken from the port, and meets a trap; floor: the bare loop"},
    {.id = "kvm.interrupt",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_interrupt,
     .floor = &vs_side_bare_interrupt,
     .aim_ratio = 0.9,
     .text = "an interrupt, whose handler meets a trap; floor: KVM_INTERRUPT and the bare loop"},
    {.id = "unicorn.cycle",
     .backend = "unicorn",
     .profile = "documented",
     .ours = &vs_side_calls,
     .floor = &vs_side_bare_unicorn,
     .aim_ratio = 0.9,
     .text = "the same cycle; floor: a bare libunicorn loop whose guest ends in HLT"},
    {.id = "oracle.documented",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_oracle,
     .floor = &vs_side_predicted,
     .aim_rate = 5e6,
     .text = "ops of recorded cases judged by the page; floor: each compared with its prediction"},
    {.id = "oracle.zircon-x64",
     .backend = "soft:zircon",
     .profile = "zircon-x64",
     .ours = &vs_side_oracle,
     .floor = &vs_side_predicted,
     .aim_rate = 5e6,
     .text = "the same ops judged by one kernel's order; floor: each compared with its prediction"},
    {.id = "judged.soft",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_judged,
     .floor = &vs_side_calls,
     .aim_ratio = 0.3,
     .text = "write, enter, executed and judged; floor: the two calls alone"},
    {.id = "judged.unicorn",
     .backend = "unicorn",
     .profile = "documented",
     .ours = &vs_side_judged,
     .floor = &vs_side_calls,
     .text = "write, enter, executed and judged; floor: the calls alone (unicorn.cycle)"},
    {.id = "judged.kvm",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_judged,
     .floor = &vs_side_calls,
     .text = "write, enter, executed and judged; floor: the calls alone (kvm.cycle)"},
    {.id = "fuzz.soft",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_fuzzed,
     .floor = &vs_side_calls,
     .aim_ratio = 0.2,
     .text = "an input of the fuzz target `call`: decoded, written, entered, judged; floor: the "
             "two calls "
             "alone"},
    {.id = "fuzz.unicorn",
     .backend = "unicorn",
     .profile = "documented",
     .ours = &vs_side_fuzzed,
     .floor = &vs_side_bare_unicorn,
     .aim_ratio = 0.6,
     .text = "the same with an enter; floor: the bare libunicorn loop"},
    {.id = "fuzz.kvm",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_fuzzed,
     .floor = &vs_side_bare_kvm,
     .aim_ratio = 0.8,
     .text = "the same with an enter; floor: the bare KVM_RUN loop"},
    {.id = "coverage.run",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_judged_counted,
     .floor = &vs_side_judged,
     .aim_ratio = 0.95,
     .text = "write, enter, judged, and what they reach counted; floor: the same uncounted"},
    {.id = "coverage.campaign",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_fuzzed_counted,
     .floor = &vs_side_fuzzed,
     .aim_ratio = 0.9,
     .text = "an input of the fuzz target `call`, counted; floor: the same uncounted"},
    {.id = "programs.unicorn",
     .backend = "unicorn",
     .profile = "documented",
     .ours = &vs_side_snippets,
     .floor = &vs_side_calls,
     .aim_rate = 1000,
     .text = "a random program, drawn and run; floor: the cycle of a program that stays"},
    {.id = "programs.kvm",
     .backend = "kvm",
     .profile = "documented",
     .ours = &vs_side_snippets,
     .floor = &vs_side_calls,
     .aim_rate = 1000,
     .text = "a random program, drawn and run; floor: the cycle of a program that stays"},
    {.id = "shim.c",
     .backend = "soft",
     .profile = "documented",
     .ours = &vs_side_shimmed,
     .floor = &vs_side_echo,
     .aim_ratio = 0.6,
     .aim_rate = 2.5e5,
     .text = "a call on the C shim through a pipe; floor: a line to a bare echo (cat), and back"},
};
const size_t vs_bench_count = sizeof vs_benches / sizeof vs_benches[0];

vs_bench_outcome vs_bench_measure(const vs_bench* bench, double seconds, vs_race_result* result,
                                  vs_why* reason) {
  vs_target target;
  vs_opened opened;
  vs_refuse(reason, "no memory");
  if (!vs_target_parse(bench->backend, &target)) return VS_BENCH_BROKEN;
  if (!vs_target_open(&target, &opened, reason)) return VS_BENCH_ABSENT;
  if (opened.arch != VS_ARCH_X64) {
    vs_refuse(reason, "the benchmark is written for vCPUs of x86-64");
    target.backend->close();
    return VS_BENCH_ABSENT;
  }
  const vs_side_setup setup = {.backend = &opened, .profile = vs_profile_find(bench->profile)};
  vs_refuse(reason, "no memory");  // unless somebody knows better
  const bool measured = vs_race_sides(bench->ours, bench->floor, &setup, seconds, result, reason);
  target.backend->close();
  return measured ? VS_BENCH_MEASURED : VS_BENCH_BROKEN;
}

bool vs_bench_falls_short(const vs_bench* bench, const vs_race_result* result) {
  return result->ratio < bench->aim_ratio || result->ours < bench->aim_rate;
}
