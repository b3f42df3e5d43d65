// SPDX-License-Identifier: BSD-3-Clause
// What a script needs in order to make sense, whatever a fuzzer has made of it: slots are filled
// before they are used, every guest that runs for ever is kicked, and every call that was started
// is waited for. Calls may have any arguments that they refuse; a slot that was never filled is
// mended to one that suits, and a thread that is not VS_SENSE_AS_TOLD to one that may make the
// call. A call of which the oracle says nothing follows where no guest runs, and no guest is
// entered after it. What is open and who is busy, the books tell (text/books.h).
#ifndef VS_FUZZ_SENSE_H_
#define VS_FUZZ_SENSE_H_

#include "text/books.h"

enum { VS_SENSE_AS_TOLD = 3 };                 // of the threads, the one whose ops stay its own
enum { VS_SENSE_END = 2 * (VS_THREADS - 1) };  // ops that ending a script takes, at most

typedef struct vs_sense {
  vs_books books;
  uint8_t rewritten;  // writes whose buffer changes meanwhile
  bool odd;           // there was a call of which the oracle says nothing
} vs_sense;

void vs_sense_init(vs_sense* sense, const vs_arch_info* arch);

// Makes the op one that can follow, changing as little as it takes, and takes note of it. False: no
// such op can. An op that can follow stays as it is.
bool vs_sense_admit(vs_sense* sense, vs_op* op);

// Ops that it would take to end here: at most VS_SENSE_END.
size_t vs_sense_open_end(const vs_sense* sense);

// Writes them, and takes note of them; how many.
size_t vs_sense_end(vs_sense* sense, vs_op* ops);

// Brings the arguments of an op, which was new once, into their ranges.
void vs_sense_tidy(const vs_arch_info* arch, vs_op* op);

// True if the oracle says what comes of the op, whose arguments are in their ranges, where it makes
// sense.
bool vs_sense_is_judged(const vs_op* op);

#endif  // VS_FUZZ_SENSE_H_
