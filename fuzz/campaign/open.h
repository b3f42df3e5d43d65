// SPDX-License-Identifier: BSD-3-Clause
// A campaign's directory: made, or found to be of the same campaign, and nobody else's meanwhile.
#ifndef VS_FUZZ_CAMPAIGN_OPEN_H_
#define VS_FUZZ_CAMPAIGN_OPEN_H_

#include "plan.h"

// False: `end` and `reason` of the outcome say why.
bool vs_campaign_open(const vs_campaign_plan* plan, vs_campaign_outcome* outcome);

#endif  // VS_FUZZ_CAMPAIGN_OPEN_H_
