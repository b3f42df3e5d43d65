// SPDX-License-Identifier: BSD-3-Clause
// A ratchet: a file that names what was reached once, a line each, so that a gate fails when some
// of it is lost.
//
//   # comments
//   documented x86-64 kick: bad_handle
//   documented x86-64 kick OK > enter CANCELED
#ifndef VS_CONFORMANCE_RATCHET_H_
#define VS_CONFORMANCE_RATCHET_H_

#include "covered.h"
#include "text/fault.h"

typedef struct vs_ratchet_line {
  size_t line;
  const char* profile;
  const char* arch;
  const char* name;  // of a combination or a transition
} vs_ratchet_line;

typedef struct vs_ratchet {
  vs_store store;
  VS_LIST(vs_ratchet_line) lines;
} vs_ratchet;

// False: `fault` says what is wrong, and where.
bool vs_ratchet_read(const char* path, vs_ratchet* ratchet, vs_fault* fault);
void vs_ratchet_free(vs_ratchet* ratchet);

typedef enum vs_ratchet_state {
  VS_RATCHET_HOLDS,
  VS_RATCHET_LOST,   // a backend that was judged by the profile has not reached it, or none was
  VS_RATCHET_STALE,  // there is no such thing any more
} vs_ratchet_state;

// `*by` is the backend that has lost it; NULL: none was judged by the profile.
vs_ratchet_state vs_ratchet_check(const vs_ratchet_line* line, const vs_accounts* accounts,
                                  const vs_covered** by);

// Writes what every backend of a profile and architecture has reached. False: `out` fails.
bool vs_ratchet_print(FILE* out, const void* accounts);

#endif  // VS_CONFORMANCE_RATCHET_H_
