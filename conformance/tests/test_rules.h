// SPDX-License-Identifier: BSD-3-Clause
// What the three tests of rules/ share: profiles and placements, on both sides.
#ifndef VS_TEST_RULES_H_
#define VS_TEST_RULES_H_

#include <rules/rules.h>

#include "tables.h"

const vs_profile* rules_profile(vs_rules_profile p);

// What a placement promises, in the words of placements.def: null, user, residue and readable of
// the call.
void rules_place(const vs_arg* buffer, vs_rules_call* c);

#endif  // VS_TEST_RULES_H_
