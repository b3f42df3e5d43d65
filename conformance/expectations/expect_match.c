// SPDX-License-Identifier: BSD-3-Clause
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "cases/cases.h"
#include "expect.h"
#include "results/make.h"
#include "results/view.h"
#include "text/names.h"
#include "words/touched.h"

// --- names --------------------------------------------------------------------------------------

static bool is_glob(const char* word) {
  return strpbrk(word, "*?[\\") != NULL;
}

static bool fits(const char* word, const char* name) {
  return strcmp(word, name) == 0 || (is_glob(word) && fnmatch(word, name, 0) == 0);
}

static bool is_of(const vs_expectation* entry, const vs_failing* failing) {
  const char* word = entry->words[VS_EXPECT_BACKEND];
  return fits(entry->words[VS_EXPECT_PROFILE], failing->profile) &&
         (fits(word, failing->backend) || fits(word, failing->name));
}

bool vs_expectation_names(const vs_expectation* entry, const vs_results* results,
                          const vs_result* result) {
  const vs_column* backend = &results->backends.at[result->backend];
  const vs_failing failing = {
      .backend = backend->spec, .name = backend->name, .profile = backend->profile};
  return fits(entry->words[VS_EXPECT_CASE], result->id) && is_of(entry, &failing);
}

// Of an answer, "rflags[16] -> other", what it touches: "[16]"; "" of nothing. What is left of it,
// "rflags -> other", is its key.
static void split(const char* answer, char key[VS_ANSWER_TEXT], char touched[VS_TOUCHED_TEXT]) {
  const size_t name = strcspn(answer, " [.");
  const size_t length = strcspn(answer + name, " ");
  snprintf(touched, VS_TOUCHED_TEXT, "%.*s", (int)length, answer + name);
  snprintf(key, VS_ANSWER_TEXT, "%.*s%s", (int)name, answer, answer + name + length);
}

static bool has_key(const char* answer, const char* key, char touched[VS_TOUCHED_TEXT]) {
  char its[VS_ANSWER_TEXT];
  split(answer, its, touched);
  return strcmp(its, key) == 0;
}

// What the answers of this key say that is touched. `*all`: one of them says nothing of it, so that
// all may be.
static vs_touched told_of(const vs_expectation* entry, const char* key, bool* all) {
  vs_touched told = {0};
  *all = false;
  for (size_t i = 0; i < entry->answers.count; i++) {
    char text[VS_TOUCHED_TEXT];
    vs_touched some;
    if (!has_key(entry->answers.at[i], key, text)) continue;
    *all |= !vs_touched_read(text, &some);
    if (!*all) vs_touched_add(&told, some);
  }
  return told;
}

// True if the answers of this key say all that is touched. `touched` may be NULL, of what touches
// nothing and where it is not known.
static bool has_answer(const vs_expectation* entry, const char* key, const char* touched) {
  vs_touched is;
  bool all;
  const vs_touched told = told_of(entry, key, &all);
  return all ||
         (touched != NULL && vs_touched_read(touched, &is) && vs_touched_is_within(is, told));
}

// ", and [2] is new", of rflags[16,2] where the entry has rflags[16]; "" where it has nothing of
// the register, or of the packet.
static void say_news(const vs_expectation* entry, vs_way way, vs_text* text) {
  vs_touched is;
  bool all;
  if (way.key == NULL || way.touched == NULL || !vs_touched_read(way.touched, &is)) return;
  const vs_touched told = told_of(entry, way.key, &all);
  if (told.mask == 0 || (is.mask & ~told.mask) == 0) return;
  is.mask &= ~told.mask;
  vs_say(text, ", and ");
  vs_touched_say(text, way.touched[0] == '.' ? VS_VIOLATION_PACKET : VS_VIOLATION_REGISTER, is);
  vs_say(text, " is new");
}

// True if `word` is one of those in `words`, which have blanks between.
static bool is_one_of(const char* words, const char* word) {
  size_t length = strlen(word);
  for (const char* at = words; (at = strstr(at, word)) != NULL; at += length) {
    bool begins = at == words || at[-1] == ' ';
    if (begins && (at[length] == ' ' || at[length] == '\0')) return true;
  }
  return false;
}

static bool covers_way(const vs_expectation* entry, vs_way way) {
  const char* wanted = entry->words[VS_EXPECT_CLAUSE];
  bool same = wanted == NULL || (way.clause != NULL && is_one_of(wanted, way.clause));
  return same && way.key != NULL && has_answer(entry, way.key, way.touched);
}

bool vs_expectation_covers(const vs_expectation* entry, const vs_result* result) {
  for (size_t i = 0; i < vs_failure_ways(result->failure); i++) {
    if (!covers_way(entry, vs_failure_way(result->failure, i))) return false;
  }
  return true;
}

// The first way in which it fails that the entry does not say; the first, if it says all.
static vs_way first_foreign(const vs_expectation* entry, const vs_failure_told* failure) {
  for (size_t i = 0; i < vs_failure_ways(failure); i++) {
    vs_way way = vs_failure_way(failure, i);
    if (!covers_way(entry, way)) return way;
  }
  return vs_failure_way(failure, 0);
}

// --- failures of no case ------------------------------------------------------------------------

static bool is_over(const vs_expectation* entry, const char* today) {
  const char* expires = entry->words[VS_EXPECT_EXPIRES];
  return expires != NULL && strcmp(expires, today) < 0;
}

bool vs_expectation_is_over(const vs_expectation* entry, const vs_failing* failing,
                            const char* today) {
  return is_of(entry, failing) && is_over(entry, today);
}

const vs_expectation* vs_expectations_find(const vs_expectations* all, const vs_failing* failing,
                                           const char* today) {
  char key[VS_ANSWER_TEXT];
  char touched[VS_TOUCHED_TEXT];
  split(failing->answer, key, touched);
  for (size_t i = 0; i < all->entries.count; i++) {
    const vs_expectation* entry = &all->entries.at[i];
    const char* clause = entry->words[VS_EXPECT_CLAUSE];
    // Where no call is to blame, an entry's clause is that of its case, which does not count.
    bool same = clause == NULL || failing->clause == NULL || is_one_of(clause, failing->clause);
    bool holds = !is_over(entry, today) && is_of(entry, failing);
    if (same && holds && has_answer(entry, key, touched)) return entry;
  }
  return NULL;
}

// --- marks --------------------------------------------------------------------------------------

const vs_expectation* vs_expectations_first(const vs_expectations* all, size_t count,
                                            const vs_results* results, const vs_result* result,
                                            bool covering) {
  for (size_t i = 0; i < count; i++) {
    const vs_expectation* entry = &all->entries.at[i];
    if (!vs_expectation_names(entry, results, result)) continue;
    if (!covering || vs_expectation_covers(entry, result)) return entry;
  }
  return NULL;
}

void vs_expectations_mark(const vs_expectations* all, vs_results* results, vs_result* result) {
  result->expectation = NULL;
  if (result->failure == NULL) return;
  size_t count = all->entries.count;
  const vs_expectation* entry = vs_expectations_first(all, count, results, result, true);
  vs_expected_state state = VS_EXPECTED_DIFFERENT;
  if (entry != NULL) state = entry->disputed ? VS_EXPECTED_DISPUTED : VS_EXPECTED_KNOWN;
  while (entry == NULL && count-- > 0) {  // the last one that names it
    if (vs_expectation_names(&all->entries.at[count], results, result))
      entry = &all->entries.at[count];
  }
  if (entry == NULL) return;
  result->expectation = vs_take(&results->store, sizeof *result->expectation);
  *result->expectation =
      (vs_expected){state, vs_keep(&results->store, entry->words[VS_EXPECT_REASON]),
                    vs_keep(&results->store, entry->words[VS_EXPECT_LINK]), entry->line};
}

// --- what names nothing -------------------------------------------------------------------------

__attribute__((format(printf, 3, 4))) static void tell(vs_expect_finding* f,
                                                       vs_expect_problem problem,
                                                       const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  f->problem = problem;
  vsnprintf(f->explanation, sizeof f->explanation, format, arguments);
  va_end(arguments);
}

static void miss(vs_expect_finding* f, const char* what, const char* word, const char* remedy,
                 const char* const* names, size_t count) {
  char meant[96] = "";
  const char* nearest = vs_nearest(word, names, count);
  if (nearest != NULL) snprintf(meant, sizeof meant, " (did you mean '%.60s'?)", nearest);
  tell(f, VS_PROBLEM_NAMES_NOTHING, "no %s is called '%.120s'%s: %s", what, word, meant, remedy);
}

enum { NAMES = 1024 };

static void look_for_case(const vs_expectation* entry, vs_expect_finding* f) {
  const char* names[NAMES];
  size_t count = 0;
  const char* word = entry->words[VS_EXPECT_CASE];
  for (size_t i = 0; i < vs_case_count; i++) {
    if (fits(word, vs_cases[i].id)) return;
    if (count < NAMES) names[count++] = vs_cases[i].id;
  }
  miss(f, "case", word, "mend it, or take the entry out", names, count);
}

// True if the entry's backend is among the columns, by whichever name.
static bool is_there(const vs_expectation* entry, const vs_results* results) {
  const char* word = entry->words[VS_EXPECT_BACKEND];
  for (size_t i = 0; i < results->backends.count; i++) {
    const vs_column* backend = &results->backends.at[i];
    if (fits(word, backend->name) || fits(word, backend->spec)) return true;
  }
  return false;
}

static void look_for_backend(const vs_expectation* entry, const vs_results* results,
                             vs_expect_finding* f) {
  const char* names[NAMES];
  vs_target target;
  const char* word = entry->words[VS_EXPECT_BACKEND];
  if (is_glob(word) || vs_target_parse(word, &target) || is_there(entry, results)) return;
  for (size_t i = 0; i < vs_builtin_count; i++) names[i] = vs_builtins[i]->name;
  miss(f, "backend", word, "write it as after --backend, or take the entry out", names,
       vs_builtin_count);
}

static void look_for_profile(const vs_expectation* entry, const vs_results* results,
                             vs_expect_finding* f) {
  const char* names[NAMES];
  const char* word = entry->words[VS_EXPECT_PROFILE];
  if (is_glob(word) || vs_profile_find(word) != NULL) return;
  for (size_t i = 0; i < results->backends.count; i++) {
    if (fits(word, results->backends.at[i].profile)) return;
  }
  for (size_t i = 0; i < vs_profile_count; i++) names[i] = vs_profiles[i].id;
  miss(f, "profile", word, "mend it, or take the entry out", names, vs_profile_count);
}

static void look_for_clause(const vs_expectation* entry, vs_expect_finding* f) {
  const char* names[VS_CLAUSE_COUNT];
  const char* at = vs_or_empty(entry->words[VS_EXPECT_CLAUSE]);
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) names[i] = vs_clauses[i].id;
  while (*at != '\0') {
    char word[128];
    size_t length = strcspn(at, " ");
    snprintf(word, sizeof word, "%.*s", (int)length, at);
    at += length + strspn(at + length, " ");
    if (vs_clause_find(word) != VS_CLAUSE_COUNT) continue;
    return miss(f, "clause", word, "mend it, or take the line out", names, VS_CLAUSE_COUNT);
  }
}

// --- what is not true any more ------------------------------------------------------------------

// Results of one sort, and the first of them.
typedef struct some {
  size_t count;
  const vs_result* first;
} some;

// What became of the results that an entry names.
typedef struct tally {
  some named;
  some covered;
  some passes;
  some different;
  some unjudged;
} tally;

static void take(some* s, const vs_result* result) {
  if (s->count++ == 0) s->first = result;
}

static tally count(const vs_expectation* entry, const vs_results* results) {
  tally t = {0};
  for (size_t i = 0; i < results->results.count; i++) {
    const vs_result* one = &results->results.at[i];
    const vs_expected* mark = one->expectation;
    if (!vs_expectation_names(entry, results, one)) continue;
    take(&t.named, one);
    if (!vs_verdict_is_judged(one->verdict)) {
      take(&t.unjudged, one);
    } else if (one->failure == NULL) {
      take(&t.passes, one);
    } else if (vs_expectation_covers(entry, one)) {
      take(&t.covered, one);
    } else if (mark != NULL && mark->state == VS_EXPECTED_DIFFERENT) {  // no other covers it
      take(&t.different, one);
    }
  }
  return t;
}

// "kinds.both on kvm (and 3 more)".
static const char* say(char text[192], const vs_results* results, const some* s) {
  const char* backend = results->backends.at[s->first->backend].name;
  int length = snprintf(text, 192, "%.80s on %.60s", s->first->id, backend);
  if (s->count > 1) snprintf(text + length, 192 - (size_t)length, " (and %zu more)", s->count - 1);
  return text;
}

static void tell_different(vs_expect_finding* f, const vs_expectation* entry, const some* different,
                           const vs_results* results) {
  char where[192];
  if (different->count == 0) {
    tell(f, VS_PROBLEM_DIFFERENT, "nothing that it names fails in this way: take the entry out");
    return;
  }
  char answer[VS_ANSWER_TEXT];
  const vs_way way = first_foreign(entry, different->first->failure);
  char news[VS_TOUCHED_TEXT + 32] = "";
  vs_text text = vs_text_in(news, sizeof news);
  vs_way_answer(way, way.touched, answer);
  say_news(entry, way, &text);
  tell(f, VS_PROBLEM_DIFFERENT,
       "%s fails, but otherwise: %.200s of %.60s%.100s: see to it, then make the entry say so",
       say(where, results, different), answer, way.clause != NULL ? way.clause : "no clause", news);
}

static void look_at_results(const vs_expectation* entry, const vs_results* results, const tally* t,
                            const char* today, vs_expect_finding* f) {
  char where[192];
  size_t most = entry->matches > 0 ? entry->matches : VS_BROAD;
  if (is_over(entry, today)) {
    tell(f, VS_PROBLEM_EXPIRED,
         "it was to last until %s: mend what fails, or find a new day for it",
         entry->words[VS_EXPECT_EXPIRES]);
  } else if (t->named.count > most) {
    tell(f, VS_PROBLEM_TOO_BROAD,
         "it names %zu results, and may name %zu: name fewer, or say `matches %zu`", t->named.count,
         most, t->named.count);
  } else if (t->different.count > 0) {
    tell_different(f, entry, &t->different, results);
  } else if (t->passes.count > 0 && !entry->sometimes) {
    tell(f, VS_PROBLEM_PASSES, "%s passes now: take it out of what the entry names",
         say(where, results, &t->passes));
  } else if (t->unjudged.count > 0 && !results->interrupted) {
    tell(f, VS_PROBLEM_NOT_JUDGED,
         "%s was not judged (%.200s): nothing is known of it; take it out of what the entry names",
         say(where, results, &t->unjudged), t->unjudged.first->note);
  } else if (t->covered.count == 0 && !entry->sometimes && !results->interrupted) {
    tell_different(f, entry, &t->different, results);
  }
}

vs_expect_finding vs_expectation_check(const vs_expectation* entry, const vs_results* results,
                                       const char* today) {
  vs_expect_finding f = {0};
  tally t = count(entry, results);
  look_for_clause(entry, &f);
  if (f.problem != VS_PROBLEM_NONE) return f;
  if (t.named.count > 0) {
    look_at_results(entry, results, &t, today, &f);
    return f;
  }
  // The results were not asked for, unless there is no such thing at all.
  look_for_profile(entry, results, &f);
  look_for_backend(entry, results, &f);
  look_for_case(entry, &f);
  return f;
}

// --- all of them --------------------------------------------------------------------------------

void vs_expectations_apply(const vs_expectations* all, vs_results* results) {
  char today[VS_DAY];
  vs_results_today(today);
  vs_expectations_apply_on(today, all, results);
}

void vs_expectations_apply_on(const char* today, const vs_expectations* all, vs_results* results) {
  vs_store* store = &results->store;
  vs_expectations_told* told = vs_take(store, sizeof *told);
  for (size_t i = 0; i < results->results.count; i++) {
    vs_expectations_mark(all, results, &results->results.at[i]);
  }
  *told = (vs_expectations_told){.file = vs_keep(store, all->path),
                                 .entries = all->entries.count,
                                 .known = vs_results_count(results, VS_VERDICT_KNOWN),
                                 .disputed = vs_results_count(results, VS_VERDICT_DISPUTED),
                                 .without_reason = vs_expectations_without_reason(all)};
  for (size_t i = 0; i < all->entries.count; i++) {
    const vs_expectation* entry = &all->entries.at[i];
    vs_expect_finding f = vs_expectation_check(entry, results, today);
    told->not_run += f.problem == VS_PROBLEM_NONE && !is_there(entry, results);
    if (f.problem == VS_PROBLEM_NONE) continue;
    vs_stale* stale = vs_grow(store, &told->stale, sizeof *stale);
    *stale = (vs_stale){entry->line,
                        vs_said(store, "%.120s on %.100s", entry->words[VS_EXPECT_CASE],
                                entry->words[VS_EXPECT_BACKEND]),
                        f.problem, vs_keep(store, f.explanation)};
  }
  results->expectations = told;
}
