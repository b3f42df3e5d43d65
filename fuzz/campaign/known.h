// SPDX-License-Identifier: BSD-3-Clause
// What of a campaign's findings is known, by a list of expectations (docs/expectations.md).
#ifndef VS_FUZZ_CAMPAIGN_KNOWN_H_
#define VS_FUZZ_CAMPAIGN_KNOWN_H_

#include "plan.h"

// Says by which entry the finding is known, if by any. What is expired is so by the day on which
// this is called.
void vs_known_mark(const vs_campaign_plan* plan, vs_finding* finding);

// How many of the findings are.
size_t vs_known_count(const vs_campaign_outcome* outcome);

// The next entry from number `*at` on that speaks of the campaign's backend and profile, and whose
// day is over; `*at` becomes the number after it. NULL: there is none.
const vs_expectation* vs_known_next_over(const vs_campaign_plan* plan, size_t* at);
// Tells of each, in a line.
void vs_known_tell_over(FILE* out, const vs_campaign_plan* plan);

// "known" or "disputed".
const char* vs_known_state(const vs_expectation* entry);

#endif  // VS_FUZZ_CAMPAIGN_KNOWN_H_
