// SPDX-License-Identifier: BSD-3-Clause
// How far a sweep has come, as a small text file that is replaced as a whole.
#ifndef VS_CONFORMANCE_SWEEP_JOURNAL_H_
#define VS_CONFORMANCE_SWEEP_JOURNAL_H_

#include "outcome.h"

typedef enum vs_journal_state {
  VS_JOURNAL_NONE,   // there is no such file
  VS_JOURNAL_READ,   // the outcome stands where the file says
  VS_JOURNAL_OTHER,  // it is of another sweep: `reason` says of which
  VS_JOURNAL_BAD     // it cannot be read
} vs_journal_state;

// `what` is one line that says all of what the sweep is.
vs_journal_state vs_journal_read(const char* path, const char* what, vs_sweep_outcome* outcome);

// False: it could not be written, and what was there before still is.
bool vs_journal_write(const char* path, const char* what, const vs_sweep_outcome* outcome);

#endif  // VS_CONFORMANCE_SWEEP_JOURNAL_H_
