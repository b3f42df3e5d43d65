// SPDX-License-Identifier: BSD-3-Clause
// The exit statuses of every command, and which one results deserve.
#ifndef VS_CONFORMANCE_EXIT_H_
#define VS_CONFORMANCE_EXIT_H_

typedef enum vs_exit {
  VS_EXIT_CONFORMS = 0,
  VS_EXIT_FAILS = 1,           // does not conform
  VS_EXIT_USAGE = 2,           // the command line is wrong
  VS_EXIT_INFRASTRUCTURE = 3,  // something could not be judged at all
  VS_EXIT_STALE = 4,           // expectations are stale
  VS_EXIT_NOTHING = 5          // nothing was judged
} vs_exit;

struct vs_results;

// The exit status of results that are whole but for their end, which is filled in: status and why,
// and in its remarks what was asked for by name and could not be judged.
vs_exit vs_results_conclude(struct vs_results* results);

#endif  // VS_CONFORMANCE_EXIT_H_
