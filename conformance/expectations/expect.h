// SPDX-License-Identifier: BSD-3-Clause
// Failures that are known (docs/expectations.md): which results they speak of, and what of them is
// not true any more.
#ifndef VS_CONFORMANCE_EXPECT_H_
#define VS_CONFORMANCE_EXPECT_H_

#include "results/results.h"
#include "text/fault.h"

enum { VS_ANSWERS_MAX = 16, VS_BROAD = 20 };  // results that an entry names without saying so

typedef enum vs_expect_word {
  VS_EXPECT_CASE,
  VS_EXPECT_BACKEND,
  VS_EXPECT_PROFILE,
  VS_EXPECT_CLAUSE,
  VS_EXPECT_REASON,
  VS_EXPECT_LINK,
  VS_EXPECT_EXPIRES,
  VS_EXPECT_WORDS
} vs_expect_word;

typedef struct vs_expectation {
  size_t line;
  bool disputed;
  bool sometimes;                      // a pass is as good as a failure
  const char* words[VS_EXPECT_WORDS];  // NULL: the entry does not say
  vs_texts answers;                    // "ALLOWED -> GOT", VS_ANSWERS_MAX at most
  size_t matches;                      // results that it says it names; 0: it does not say
  const char* comment;                 // lines before it, each with its newline; may be NULL
} vs_expectation;

typedef struct vs_expectations {
  const char* path;
  const char* text;  // of the file; NULL: of none
  VS_LIST(vs_expectation) entries;
  const char* comment;  // lines after the last entry; may be NULL
  vs_store store;       // of all that is in it
} vs_expectations;

// True if it has a word for a reason: neither '?' nor a dash.
bool vs_expectation_has_reason(const vs_expectation* entry);

// Understands a text. False: `fault` says what is wrong and where, and there is nothing to free.
bool vs_expectations_parse(const char* text, size_t length, vs_expectations* all, vs_fault* fault);
// The same of a file.
bool vs_expectations_read(const char* path, vs_expectations* all, vs_fault* fault);
void vs_expectations_free(vs_expectations* all);

// --- what they say of results -------------------------------------------------------------------

// True if the entry speaks of the result, whatever became of it.
bool vs_expectation_names(const vs_expectation* entry, const vs_results* results,
                          const vs_result* result);
// True if it says how the result fails, which it does: every way. A known failure hides no other
// one behind it.
bool vs_expectation_covers(const vs_expectation* entry, const vs_result* result);

// A failure that is no case's: what a campaign finds.
typedef struct vs_failing {
  const char* backend;  // as after --backend
  const char* name;     // as in reports
  const char* profile;
  const char* clause;  // NULL: none is known
  const char* answer;  // "ALLOWED -> GOT", with what it touches: "rflags[16] -> other"
} vs_failing;

// The first entry that says how it fails, in all that it touches, whatever case it speaks of, and
// holds on `today`
// ("YYYY-MM-DD"). NULL: none does.
const vs_expectation* vs_expectations_find(const vs_expectations* all, const vs_failing* failing,
                                           const char* today);
// True if the entry speaks of this backend and profile, and its day is over.
bool vs_expectation_is_over(const vs_expectation* entry, const vs_failing* failing,
                            const char* today);

// The first of the first `count` entries that names the result, which fails if `covering`: then it
// covers it too. NULL: none does.
const vs_expectation* vs_expectations_first(const vs_expectations* all, size_t count,
                                            const vs_results* results, const vs_result* result,
                                            bool covering);

// Fills in "expectation" of one of the results; NULL, where no entry speaks of it.
void vs_expectations_mark(const vs_expectations* all, vs_results* results, vs_result* result);

enum { VS_EXPLANATION = 512 };

typedef struct vs_expect_finding {
  vs_expect_problem problem;
  char explanation[VS_EXPLANATION];
} vs_expect_finding;

// What is wrong with an entry, by results that are whole and marked. `today` is "YYYY-MM-DD".
vs_expect_finding vs_expectation_check(const vs_expectation* entry, const vs_results* results,
                                       const char* today);

// Marks every result and fills in "expectations".
void vs_expectations_apply(const vs_expectations* all, vs_results* results);
// The same on another day than today, "YYYY-MM-DD"; "": before every other.
void vs_expectations_apply_on(const char* today, const vs_expectations* all, vs_results* results);

// --- writing ------------------------------------------------------------------------------------

// Makes entries that hold of the results, which are whole and marked by `old`: what holds of that
// is kept, and what the results were not asked for; the rest is made anew, with "?" for a reason
// that was not given. `old` may be NULL. What is renewed holds texts of both. `*left_out` is how
// many old entries are gone.
void vs_expectations_renew(const vs_expectations* old, const vs_results* results,
                           vs_expectations* renewed, size_t* left_out);

// Entries whose reason is "?".
size_t vs_expectations_without_reason(const vs_expectations* all);

// Writes them as text; `what` is a vs_expectations.
bool vs_expectations_print(FILE* out, const void* what);

#endif  // VS_CONFORMANCE_EXPECT_H_
