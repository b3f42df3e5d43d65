// SPDX-License-Identifier: BSD-3-Clause
// What fuzzing processes have done that no longer live: their states, added up.
#ifndef VS_FUZZ_CAMPAIGN_TOTALS_H_
#define VS_FUZZ_CAMPAIGN_TOTALS_H_

#include "worker.h"

enum { VS_TOTALS_ADDED = 64 };

typedef struct vs_totals {
  double seconds;  // that the campaign has lasted, its interruptions not counted
  uint64_t executions;
  uint64_t calls;
  uint64_t unjudged;
  uint64_t serial;                  // of the latest process
  uint64_t added[VS_TOTALS_ADDED];  // serials whose file may still be there: not to be added again
  size_t added_count;
  vs_fuzz_seen seen[VS_FUZZ_KEYS];
  uint8_t tuples[VS_FUZZ_TUPLES / 8];
  uint32_t arch;  // as of a state
  uint32_t reachable;
  uint8_t points[VS_FUZZ_POINTS / 8];
} vs_totals;

// Adds what a process has done. A state that is none adds nothing.
void vs_totals_add(vs_totals* totals, const vs_fuzz_state* state);

// Counts a failure; what finds no room is not counted.
void vs_totals_see(vs_totals* totals, uint32_t digest, uint64_t count);
uint64_t vs_totals_seen(const vs_totals* totals, uint32_t digest);

size_t vs_totals_tuples(const vs_totals* totals);
// Combinations that were reached.
size_t vs_totals_points(const vs_totals* totals);

// True if the serial is among those that were added; vs_totals_mark makes it one.
bool vs_totals_has(const vs_totals* totals, uint64_t serial);
void vs_totals_mark(vs_totals* totals, uint64_t serial);

// False: it cannot be read, or is none; a file that is not there is all zeros.
bool vs_totals_read(const char* path, vs_totals* totals);
bool vs_totals_write(const char* path, const vs_totals* totals);

#endif  // VS_FUZZ_CAMPAIGN_TOTALS_H_
