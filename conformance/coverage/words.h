// SPDX-License-Identifier: BSD-3-Clause
// Points in words, as results, ratchet files and people have them: "set_trap[bell]: range, exists?"
// is a call that sets a BELL trap, outside the address space for certain, and perhaps where a trap
// is; "kick: nothing wrong" one to which no check applies. The words are those of the tables
// (vcpuspec list checks; model/named.def); no two points of a profile have the same.
#ifndef VS_CONFORMANCE_COVERAGE_WORDS_H_
#define VS_CONFORMANCE_COVERAGE_WORDS_H_

#include "point.h"

enum { VS_POINT_WORDS = 256 };

void vs_point_say(const vs_point* point, char words[VS_POINT_WORDS]);

// Of checks that apply to the same calls, by the same predicate, the first.
vs_check_set vs_point_facts(vs_check_set checks);

#endif  // VS_CONFORMANCE_COVERAGE_WORDS_H_
