// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer leaves out inputs that add nothing to what the others reach.
#ifndef VS_FUZZ_CAMPAIGN_MERGE_H_
#define VS_FUZZ_CAMPAIGN_MERGE_H_

#include "plan.h"

// Has libFuzzer copy those inputs of the corpus that add something into a fresh directory, which
// then takes the corpus' place, at once. False: `why` says the reason, and the corpus is as it was.
bool vs_campaign_merge(const vs_campaign_plan* plan, vs_why* why);

// Removes what an interrupted merge has left.
void vs_campaign_merge_clean(const vs_campaign_plan* plan);

#endif  // VS_FUZZ_CAMPAIGN_MERGE_H_
