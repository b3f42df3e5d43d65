// SPDX-License-Identifier: BSD-3-Clause
// A campaign: fuzzing processes, their supervisor, and a directory that keeps all that they find.
// Whoever of them ends, at any moment and in any way, no finding is lost: what a process finds is a
// whole file at once, what it executes stands in memory that outlives it, and a finding is made of
// either before either is forgotten.
//
//   DIR/campaign     what it is of
//   DIR/corpus/      inputs, of libFuzzer
//   DIR/set-aside/   inputs that the implementation did not survive: each process would meet them
//   DIR/raw/         scripts as the processes ran them: violations, and crash-N of process N
//   DIR/findings/    the same, as small as could be made, once for each (clause, allowed, got)
//   DIR/broken/      scripts that ended the process, by no fault of the implementation's
//   DIR/state.N      what process N has done and does; DIR/totals: what those that ended have done
//   DIR/log.J        what the latest process of job J printed
#ifndef VS_FUZZ_CAMPAIGN_CAMPAIGN_H_
#define VS_FUZZ_CAMPAIGN_CAMPAIGN_H_

#include "plan.h"

// The outcome is large: the caller's, and not on the stack.
vs_campaign_end vs_campaign(const vs_campaign_plan* plan, vs_campaign_outcome* outcome);

void vs_campaign_report(FILE* out, const vs_campaign_plan* plan,
                        const vs_campaign_outcome* outcome);

// As JSON, of docs/campaign.schema.json. False: no memory.
bool vs_campaign_json(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* outcome);

#endif  // VS_FUZZ_CAMPAIGN_CAMPAIGN_H_
