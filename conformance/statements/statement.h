// SPDX-License-Identifier: BSD-3-Clause
// A conformance statement (docs/statement.md): what a run of every case has shown of one backend,
// in one file that anybody can check without it. Packed (gzip.h) is a text:
//   the results in one line of JSON, with `statement` among their members (results.def),
//   the trace of each case in its text form, of a race each of its traces,
//   a comment with the digest of all that is above it.
// All of the results but who was judged, and where, follows from the traces: who reads a
// statement judges them, and makes the text anew. Either it is the same, or it does not follow.
#ifndef VS_CONFORMANCE_STATEMENT_H_
#define VS_CONFORMANCE_STATEMENT_H_

#include "results/results.h"
#include "text/file.h"

enum {
  VS_STATEMENT_VERSION = 1,
  VS_STATEMENT_MAX = 64 << 20,     // bytes of the text
  VS_STATEMENT_RESULTS = 8 << 20,  // of them, of the results
  VS_STATEMENT_NESTS = 200000      // brackets that open something, in the results
};

// What a run knows.
typedef struct vs_told {
  const vs_results* results;  // concluded: of one backend and every case
  const vs_profile* profile;
  const vs_file* traces;  // of each case, as vs_statement_print_trace has printed them
  const char* waivers;    // text of the expectations; NULL: there are none
  const char* greeting;   // a digest of who was judged, if no file was; NULL: nothing is known
  const char* machine;    // on which; NULL: this one
} vs_told;

// A trace of the case as it stands in statements. `name` is the backend's.
void vs_statement_print_trace(FILE* out, const vs_trace* trace, const vs_case* c, const char* name);

// The text of a statement. False: `why` says why these results are none. `text` is the caller's.
bool vs_statement_make(const vs_told* told, vs_file* text, vs_why* why);
// Makes it, packs it and writes the file.
bool vs_statement_write(const char* path, const vs_told* told, vs_why* why);

// What each op of a case's script asked, and what came back, in words.
typedef struct vs_answers {
  vs_texts ops;
  vs_texts answers;  // "": the op was not done, or began what another ends
  bool by_time;      // calls overlap: another run may answer otherwise
} vs_answers;

typedef struct vs_statement {
  vs_results* said;     // what it says
  vs_results* results;  // what follows from its traces, as of today
  vs_texts faults;      // what it says and does not follow; none: all of it does
  vs_answers* answers;  // of each case
  vs_store store;
} vs_statement;

// Reads a text, and judges all of its traces. `profile` is a user's own, that it may have been
// judged by, or NULL. False: it is no statement, or of another version; `why`, and there is nothing
// to free. True: faults say whether it follows, and if it does, results are there.
bool vs_statement_parse(vs_statement* s, const char* name, const vs_file* text,
                        const vs_profile* profile, vs_why* why);
// The same of a file.
bool vs_statement_read(vs_statement* s, const char* path, const vs_profile* profile, vs_why* why);
void vs_statement_free(vs_statement* s);

// What a file has shown of one backend or several.
typedef struct vs_taken {
  vs_results* results;
  const vs_answers* answers;  // of each case, of a statement; else NULL
  vs_statement statement;     // that they are of
} vs_taken;

// Reads a file of results (results.h), or a statement of which all follows: then its results are
// those that follow. `profile` is as above. False: `why`, and there is nothing to free.
bool vs_statement_or_results(vs_taken* taken, const char* path, const vs_profile* profile,
                             vs_why* why);
void vs_taken_free(vs_taken* taken);

#endif  // VS_CONFORMANCE_STATEMENT_H_
