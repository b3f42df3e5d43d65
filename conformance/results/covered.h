// SPDX-License-Identifier: BSD-3-Clause
// What files say of coverage, backend by backend: results carry what each case has reached, traces
// are judged for it. Of several files that speak of one backend, all count.
#ifndef VS_CONFORMANCE_COVERED_H_
#define VS_CONFORMANCE_COVERED_H_

#include "results.h"

#define VS_COVERAGE_FORMAT "vcpuspec coverage"

enum { VS_COVERAGE_VERSION = 1 };

typedef struct vs_accounts {
  vs_store store;
  vs_coverage_told told;
  const vs_profile* profile;  // that was asked for; NULL: each file's own
  vs_coverage* coverages;     // owned: of each profile that came up
  size_t coverage_count;
} vs_accounts;

void vs_accounts_begin(vs_accounts* accounts, const char* program, const vs_profile* profile);
void vs_accounts_free(vs_accounts* accounts);

// What a file of results says. False: `why` says in one line what is wrong with it.
bool vs_accounts_add_results(vs_accounts* accounts, const char* path, const vs_results* results,
                             vs_why* why);
// The same of one of its columns, which was judged.
bool vs_accounts_add_column(vs_accounts* accounts, const char* path, const vs_results* results,
                            size_t column, vs_why* why);
// What judging the trace passes through; `name` is the backend's.
bool vs_accounts_add_trace(vs_accounts* accounts, const char* name, const vs_trace* trace,
                           vs_why* why);

// What a campaign has reached: a bit for each combination, by its number. `profile` is by its id.
bool vs_accounts_add_points(vs_accounts* accounts, const char* path, const vs_column* column,
                            const uint8_t* points, vs_why* why);

// Counts, once all are added.
void vs_accounts_close(vs_accounts* accounts);

#endif  // VS_CONFORMANCE_COVERED_H_
