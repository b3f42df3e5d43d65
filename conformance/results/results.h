// SPDX-License-Identifier: BSD-3-Clause
// What came of a run (results.def): what judging makes, a journal keeps, `merge` reads, and every
// report is made of. Texts and lists are the results' own, in their store.
#ifndef VS_CONFORMANCE_RESULTS_H_
#define VS_CONFORMANCE_RESULTS_H_

#include "form.h"
#include "runner/result.h"
#include "words/touched.h"

#define VS_RESULTS_FORMAT "vcpuspec results"

enum { VS_RESULTS_VERSION = 1 };

typedef enum vs_expected_state {
  VS_EXPECTED_KNOWN,
  VS_EXPECTED_DIFFERENT,  // an entry names the result, and it fails otherwise
  VS_EXPECTED_DISPUTED
} vs_expected_state;

typedef enum vs_expect_problem {
  VS_PROBLEM_NONE,
  VS_PROBLEM_NAMES_NOTHING,
  VS_PROBLEM_EXPIRED,
  VS_PROBLEM_TOO_BROAD,
  VS_PROBLEM_DIFFERENT,
  VS_PROBLEM_PASSES,
  VS_PROBLEM_NOT_JUDGED,
  VS_PROBLEM_COUNT
} vs_expect_problem;

#define VS_OBJECT(object)                   \
  extern const vs_field vs_form_##object[]; \
  typedef struct vs_##object {
#define VS_ROW(object, type, member, ...) type member;
#define VS_AS(object, type, member, ...) type member;
#define VS_ALSO(type, member) type member;
#define VS_END(object) \
  }                    \
  vs_##object;
#include "results.def"
#undef VS_OBJECT
#undef VS_ROW
#undef VS_AS
#undef VS_ALSO
#undef VS_END

// Reads a file, or standard input for "-". NULL: `why` begins with the path, and says in one line
// what is wrong, and where.
vs_results* vs_results_read(const char* path, vs_why* why);
// The same of a text; `name` is for messages.
vs_results* vs_results_parse(const char* name, const char* text, size_t length, vs_why* why);
void vs_results_free(vs_results* results);

// True if what is in different members belongs together: no other looks again. False: `why`.
bool vs_results_are_sound(const vs_results* results, vs_why* why);
// The same of one result, of which `backends` is the number of columns.
bool vs_result_is_sound(const vs_result* result, size_t backends, vs_why* why);

// "pass", "permitted", "fail", ...: what the form calls them.
extern const char* const vs_results_words[VS_VERDICT_COUNT];
extern const char* const vs_target_states[];    // by vs_target_state
extern const char* const vs_expected_states[];  // by vs_expected_state
extern const char* const vs_expect_problems[VS_PROBLEM_COUNT];

// Pass, permitted, fail or flaky.
bool vs_verdict_is_judged(vs_verdict verdict);
// A verdict of the result, or of a clause in it, as reports show it: of a failure that was expected
// VS_VERDICT_KNOWN or VS_VERDICT_DISPUTED.
vs_verdict vs_result_shown_as(const vs_result* result, vs_verdict verdict);
vs_verdict vs_result_shown(const vs_result* result);
// What it says of a clause; VS_VERDICT_NOT_JUDGED: nothing.
vs_verdict vs_result_says_of(const vs_result* result, const char* clause);

// Combinations that some result of the column has passed through.
size_t vs_results_reached(const vs_results* results, size_t column);

// The ways in which it fails, the first before the others; `i` counts to this.
size_t vs_failure_ways(const vs_failure_told* failure);
vs_way vs_failure_way(const vs_failure_told* failure, size_t i);
enum { VS_ANSWER_TEXT = 512 };

// "rflags[16] -> other": its key, and what is touched, which may be NULL.
void vs_way_answer(vs_way way, const char* touched, char text[VS_ANSWER_TEXT]);
// What it touches as a list of expectations has it: each flag, of other registers whole bytes,
// since the bits in which numbers differ are others with another seed. `text` is where it may be
// put. NULL: nothing.
const char* vs_way_touched(vs_way way, char text[VS_TOUCHED_TEXT]);
// True if it touches no more than `other` does, of the same answer, or if that is not known of
// either.
bool vs_way_is_within(vs_way way, vs_way other);
// True of the same clause, and the same answer to the same that was allowed, whatever the seed.
bool vs_way_is_same(vs_way a, vs_way b);
// True if each way is.
bool vs_failure_is_same(const vs_failure_told* a, const vs_failure_told* b);

// `started` of what tells no time.
#define VS_NO_TIME "1970-01-01T00:00:00Z"

// True of equal texts, and of two that are NULL.
bool vs_is_same_text(const char* a, const char* b);

#endif  // VS_CONFORMANCE_RESULTS_H_
