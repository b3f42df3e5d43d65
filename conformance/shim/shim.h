// SPDX-License-Identifier: BSD-3-Clause
// A backend in another process (docs/shim.md), for as long as it lives and anew when it died. The
// process that opens it owns it; children of that process may make calls on it, one at a time.
#ifndef VS_CONFORMANCE_SHIM_H_
#define VS_CONFORMANCE_SHIM_H_

#include <vcpuspec/backend.h>

#include "greeting.h"

typedef struct vs_shim vs_shim;

// Understands what follows "shim:", and starts nothing. NULL: `reason` says why. `where` must
// outlive it.
vs_shim* vs_shim_new(const char* where, vs_why* reason);

// Ends the shim's process, or hangs up, until it is needed again.
void vs_shim_stop(vs_shim* shim);

// Ends the shim, and frees. NULL is nothing.
void vs_shim_free(vs_shim* shim);

// It is this process that makes the calls, and no child of it: what becomes of the shim becomes of
// this process.
void vs_shim_keep(vs_shim* shim);

// Starts the shim if it does not run, and waits for its greeting: for as many seconds as it was
// ever given, and for ten at least, since to start an interpreter or a guest takes longer than a
// call. Returns false with a reason; after three failures in a row, at once.
bool vs_shim_ready(vs_shim* shim, double seconds, vs_why* reason);

// What it said of itself. Valid once it was ready.
const vs_greeting* vs_shim_greeting(const vs_shim* shim);

// In the child that makes the calls, or in this process if it keeps the shim: greets anew, which
// makes everything as new, and fills `calls`. The thread is the first of the shim's. Who gets no
// answer, or none that is one, ends at once; vs_shim_conclude says what happened.
void vs_shim_begin(vs_shim* shim, vs_calls* calls);

// What became of a shim on which a child of this process has made calls.
typedef enum vs_shim_fate {
  VS_SHIM_WELL,      // it answered everything
  VS_SHIM_IDLE,      // it had ended, or spoken unasked, before the first call
  VS_SHIM_FAILED,    // it died
  VS_SHIM_GARBAGE,   // it gave an answer that is none
  VS_SHIM_CONFUSED,  // it did not understand a line
  VS_SHIM_CUT        // the child was ended: it got no answer, or nobody waited for it
} vs_shim_fate;

// After the child has ended, `done` or not. But for VS_SHIM_WELL the shim is ended, and `why` says
// what happened; of VS_SHIM_CUT that is the caller's to say.
vs_shim_fate vs_shim_conclude(vs_shim* shim, bool done, vs_why* why);

// Ends the process, or the connection: the next case gets another.
void vs_shim_drop(vs_shim* shim);

// How often it ended, or spoke unasked, while no case was judged, since this was asked last.
unsigned vs_shim_take_ended(vs_shim* shim);

// How it failed, in a word that is the same each time: of vs_death_word, or hung_up, garbage,
// no_return.
void vs_shim_death_word(const vs_shim* shim, char word[VS_DEATH_WORD]);

// What it writes to standard error, or what else comes over a serial line.
void vs_shim_drain(vs_shim* shim);
void vs_shim_say_errors(const vs_shim* shim, char* text, size_t size);

// Nothing was written yet.
void vs_shim_forget_errors(vs_shim* shim);

#endif  // VS_CONFORMANCE_SHIM_H_
