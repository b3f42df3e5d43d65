// SPDX-License-Identifier: BSD-3-Clause
// What every report asks of a result model, so that all of them tell the same. The model is valid;
// strings that are returned are the model's.
#ifndef VS_CONFORMANCE_VIEW_H_
#define VS_CONFORMANCE_VIEW_H_

#include "results.h"

// A member that is a string; "" if it is null or not there.
const char* vs_str(const json_t* object, const char* name);
bool vs_is(const json_t* object, const char* name, const char* value);
size_t vs_num(const json_t* object, const char* name);

const json_t* vs_backend_of(const json_t* results, const json_t* result);
// The name of its backend.
const char* vs_backend_name(const json_t* results, const json_t* result);

bool vs_is_failure(const json_t* result);  // fail or flaky, also where that was expected

// The clause of a failure: the one that it breaks, or else the case's subject; "": there is none.
const char* vs_clause_of(const json_t* result);
// Its sentence.
const char* vs_sentence_of(const json_t* results, const json_t* result);
// How to tell a reader of a failure that it was expected: "known: reason (link)"; empty if it was
// not. At most `size` bytes.
void vs_excuse(const json_t* result, char* text, size_t size);

// Results, by vs_results_shown.
typedef struct vs_tally {
  size_t all;
  size_t failed;  // FAIL and FLAKY
  size_t judged;
  size_t skipped;  // known, disputed, unsupported, not judged: what CI systems show as skipped
  size_t of[VS_VERDICT_COUNT];
  double seconds;
} vs_tally;

enum { VS_ALL_BACKENDS = -1 };
vs_tally vs_tally_of(const json_t* results, int backend);

// How it went, in a few words: "conforms".
const char* vs_headline(const json_t* results);

// Of a case of the suites, "kinds.single_bits", the suite. False: it is a file that was given.
bool vs_suite_of(const char* id, char* suite, size_t size);

// Takes away what is left of a character that was cut in two at the text's end.
void vs_trim(char* text);

// Why results are unsupported, broken or not judged: a list of {"backend", "verdict", "note",
// "cases"}, those of one reason together. The caller's. NULL: no memory.
json_t* vs_reasons_of(const json_t* results);

#endif  // VS_CONFORMANCE_VIEW_H_
