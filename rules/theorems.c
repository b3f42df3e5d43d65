// SPDX-License-Identifier: BSD-3-Clause
// For the prover alone: that what a kernel's profile does to the registers is something that the
// page lets become of them, but for the named defects.
#include "rules.h"

#define ANYTHING 1

#include "effects.c"
#include "logic.h"

/*@ requires \valid_read(c) && \valid_read(given) && \valid_read(data + (0 .. 3));
  @ requires \valid_read(before) && \valid(now);
  @ requires \separated(c, given, data + (0 .. 3), before, now);
  @ requires flags_are_bits(given) && flags_are_bits(before);
  @ requires same_bytes(before, now, 0, 256) && same_flags(before, now);
  @ requires speaks(profile, c->arm64);
  @ requires !defect_flags_or_only(profile, c, given, before);
  @ requires !defect_access_size_overruns(profile, c);
  @ ensures refines: \result; */
bool theorem_effect(vs_rules_profile profile, const vs_rules_call* c,
                    const vs_rules_registers* given, const uint8_t* data,
                    const vs_rules_registers* before, vs_rules_registers* now) {
  vs_rules_choices choices = vs_rules_made(profile, c->arm64);
  vs_rules_apply(c, ZX_OK, &choices, given, data, now);
  return vs_rules_may_become(c, given, data, before, now);
}
