// SPDX-License-Identifier: BSD-3-Clause
// Takes the events of a run as they come: each result is kept, written to the journal, and shown.
#ifndef VS_CLI_COLLECT_H_
#define VS_CLI_COLLECT_H_

#include "expectations/expect.h"
#include "reports/show.h"
#include "results/run_journal.h"
#include "text/file.h"

typedef struct vs_collector {
  const vs_plan* plan;
  vs_results* results;                  // vs_results_new; borrowed
  vs_run_journal* journal;              // borrowed; NULL: none
  const vs_expectations* expectations;  // borrowed; NULL: none
  vs_telling telling;                   // of failures
  vs_file* traces;  // of each result of the first target, in their text form; borrowed; NULL: none
  FILE* progress;   // a terminal that shows how far the run has come; NULL: none
  size_t stand;     // results
  size_t failures;
  double since;  // the run began
  double shown;  // the progress was last shown
  bool is_shown;
  bool cut;  // a race that failed was not tried again as often as it should
} vs_collector;

// The plan's events go to the collector.
void vs_collector_begin(vs_collector* collector, vs_plan* plan);

// Takes what it has shown off the terminal, and frees.
void vs_collector_end(vs_collector* collector);

#endif  // VS_CLI_COLLECT_H_
