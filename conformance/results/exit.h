// SPDX-License-Identifier: BSD-3-Clause
// The exit statuses of every command.
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

#endif  // VS_CONFORMANCE_EXIT_H_
