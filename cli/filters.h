// SPDX-License-Identifier: BSD-3-Clause
// What --filter and --require name.
#ifndef VS_CLI_FILTERS_H_
#define VS_CLI_FILTERS_H_

#include "cli.h"
#include "results/results.h"

// Says on standard error which globs of the option match no case of the suites, nor any of the
// results, which may be NULL, and what they may have been meant as. Returns how many: beside others
// that match, one that is misspelt would pass for judged.
size_t vs_complain_of_filters(const vs_arguments* arguments, vs_option_code option,
                              const vs_results* results);

// True if --filter, of a command whose rows have ids, takes this one: all, where it is not given.
bool vs_filter_takes(const vs_arguments* arguments, const char* id);

#endif  // VS_CLI_FILTERS_H_
