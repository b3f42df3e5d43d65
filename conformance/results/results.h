// SPDX-License-Identifier: BSD-3-Clause
// What came of a run, as one tree of JSON values (docs/results.schema.json): what a journal keeps,
// `merge` reads, and every report is made of.
#ifndef VS_CONFORMANCE_RESULTS_H_
#define VS_CONFORMANCE_RESULTS_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "runner/result.h"

#define VS_RESULTS_FORMAT "vcpuspec results"

enum { VS_RESULTS_VERSION = 1, VS_RESULTS_WHY = 512 };  // bytes of a reason

// True if every member is there, of the right type, and the counts are those of the results:
// whoever reads the tree afterwards need not look. Members that nobody knows are ignored. False:
// `why` says in one line what is wrong, and where.
bool vs_results_validate(const json_t* results, char why[VS_RESULTS_WHY]);

// The same of one element of "results", of which `backends` is the number of columns.
bool vs_results_validate_one(const json_t* result, size_t backends, char why[VS_RESULTS_WHY]);

// Reads a file, or standard input for "-". The tree is valid, and the caller's. NULL: `why`, as
// above, begins with the path.
json_t* vs_results_read(const char* path, char why[VS_RESULTS_WHY]);

// --- looking into a valid tree ------------------------------------------------------------------

// A member's text. NULL: it is null, or absent.
const char* vs_results_text(const json_t* object, const char* name);
// True if the two have the same text as this member, or none.
bool vs_results_same_text(const json_t* a, const json_t* b, const char* name);
// "counts.expected" is vs_results_count(results, "expected").
size_t vs_results_count(const json_t* results, const char* name);

// "pass", "permitted", "fail", ...: the words of "verdict" and "says".
extern const char* const vs_results_words[VS_VERDICT_COUNT];
// VS_VERDICT_COUNT: it is none of them.
vs_verdict vs_results_verdict(const char* word);
// Pass, permitted, fail or flaky.
bool vs_results_is_judged(vs_verdict verdict);

// True of two failures of the same clause in the same way, whatever the seed.
bool vs_results_fail_alike(const json_t* a, const json_t* b);

// The verdict of a result as reports show it: of a failure that was expected VS_VERDICT_KNOWN or
// VS_VERDICT_DISPUTED.
vs_verdict vs_results_shown(const json_t* result);

// --- the matrix clause x backend ----------------------------------------------------------------

typedef struct vs_matrix {
  size_t clauses;
  size_t backends;
  vs_verdict* cells;                   // clauses x backends; NOT_JUDGED: no case declares it
  size_t (*totals)[VS_VERDICT_COUNT];  // of each backend: results, by vs_results_shown
} vs_matrix;

// Of a valid tree; to free with vs_matrix_free. False: no memory.
bool vs_matrix_make(const json_t* results, vs_matrix* matrix);
void vs_matrix_free(vs_matrix* matrix);
// The verdict of the clause at this index of "clauses".
vs_verdict vs_matrix_at(const vs_matrix* matrix, size_t clause, size_t backend);

#endif  // VS_CONFORMANCE_RESULTS_H_
