// SPDX-License-Identifier: BSD-3-Clause
// What every report asks of results, made once, so that all of them tell the same.
#ifndef VS_CONFORMANCE_VIEW_H_
#define VS_CONFORMANCE_VIEW_H_

#include "results.h"

// Results, by vs_result_shown.
typedef struct vs_tally {
  size_t all;
  size_t failed;  // FAIL and FLAKY
  size_t judged;
  size_t skipped;  // known, disputed, unsupported, not judged: what CI systems show as skipped
  size_t excused;  // known, disputed
  size_t unknown;  // of those that fail, those of which no expectation speaks
  size_t of[VS_VERDICT_COUNT];
  double seconds;
} vs_tally;

// What is wrong beyond the cases' verdicts: a backend that could not be judged, an expectation that
// is stale, a run that was stopped. A reader of a list of cases alone is to see it too: where the
// run does not end with 0, then either a case fails or this tells of something.
typedef struct vs_problem {
  const char* kind;  // "interrupted", "backend", "expectation", "run"
  const char* name;
  const char* text;
} vs_problem;

// Why results are unsupported, broken or not judged: those of one reason together.
typedef struct vs_reason {
  size_t backend;
  vs_verdict verdict;
  const char* note;
  vs_texts cases;
  size_t group;  // the same for all of its backend and verdict
} vs_reason;

// The clauses of a call together.
typedef struct vs_page {
  const char* name;
  VS_LIST(size_t) clauses;  // which of "clauses": those that some case declares
  size_t* of;               // how many are shown as which verdict: backends x verdicts
} vs_page;

// Failures of one cause on one backend: of one clause, broken by one answer in the place of what
// was allowed, or in the same bits of one register; or of a backend that ended in one way, in one
// call or between two. `first`, which the list begins with, fails
// after the fewest ops; the others stand in the order of the results.
typedef struct vs_cause {
  const vs_result* first;
  VS_LIST(const vs_result*) results;
} vs_cause;

typedef struct vs_view {
  const vs_results* results;
  vs_tally all;
  vs_tally* of;            // of each backend
  vs_verdict* cells;       // clauses x backends; NOT_JUDGED: no case declares it
  vs_index cases;          // in the order in which they come
  const vs_result** grid;  // cases x backends; NULL: it is not there
  VS_LIST(vs_page) pages;  // those of which some case declares a clause
  VS_LIST(vs_problem) problems;
  VS_LIST(vs_reason) reasons;
  VS_LIST(vs_cause) causes;  // of all that fails; apart from others what was expected
  vs_store store;            // also of what a report makes
} vs_view;

vs_view vs_view_of(const vs_results* results);
void vs_view_free(vs_view* view);

// The verdict of the clause at this index of "clauses".
vs_verdict vs_view_cell(const vs_view* view, size_t clause, size_t backend);
bool vs_view_has_clause(const vs_view* view, size_t clause);  // some case declares it
// It could be judged, or something on it was.
bool vs_view_has_backend(const vs_view* view, size_t backend);
// A pass on each backend that the view has.
bool vs_view_is_plain(const vs_view* view, size_t clause);
// Clauses that some case declares, and those of them that are plain.
size_t vs_view_clauses(const vs_view* view, bool plain);

// How many clauses of the page are shown as this on the backend.
size_t vs_view_sum(const vs_page* page, size_t backend, vs_verdict verdict);
// Those in a few words, "24 ok, 1 FAIL": how many pass or are permitted, and then each other
// verdict, the worst first, which `worst` is. "": no case declares any. `unsupported` is the word
// for this verdict.
const char* vs_view_told(vs_view* view, const vs_page* page, size_t backend,
                         const char* unsupported, vs_verdict* worst);

// NULL: the case is not there.
const vs_result* vs_view_find(const vs_view* view, const char* id, size_t backend);

const vs_column* vs_backend_of(const vs_view* view, const vs_result* result);
// Of a result that does not fail, one without anything.
const vs_failure_told* vs_failure_of(const vs_result* result);
// The clause of a failure: the one that it breaks, or else the case's subject; "": there is none,
// or the backend ended between two calls, of which no clause speaks.
const char* vs_clause_of(const vs_result* result);
// How a backend ended, "SIGSEGV", "no answer in its time (no_return)", of the word for it.
const char* vs_ended_words(const char* word);
// What a failure is told under: its clause, or "the backend ended: SIGSEGV".
const char* vs_heading_of(vs_store* store, const vs_result* result);
// The sentence of its clause.
const char* vs_sentence_of(const vs_view* view, const vs_result* result);
// How to tell a reader of a failure that it was expected: "known: reason (link)"; "": it was not.
const char* vs_excuse(vs_view* view, const vs_result* result);
// How it went, in a few words: "conforms".
const char* vs_headline(const vs_view* view);
// The same text for two failures of one cause. NULL: the result is no failure of an op, and the
// backend did not end.
const char* vs_cause_key(vs_store* store, const vs_result* result);
// "7 cases fail for one cause: CLAUSE: ALLOWED -> GOT", "the backend ended in the same way in 7
// cases: SIGSEGV". "": it is of one case.
const char* vs_cause_says(vs_view* view, const vs_cause* cause);

// Of a case of the suites, "kinds.single_bits", the suite. NULL: it is a file that was given.
const char* vs_suite_of(vs_store* store, const char* id);

// "" for NULL.
const char* vs_or_empty(const char* text);

#endif  // VS_CONFORMANCE_VIEW_H_
