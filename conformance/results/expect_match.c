// SPDX-License-Identifier: BSD-3-Clause
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "cases/cases.h"
#include "expect.h"
#include "make.h"
#include "put.h"
#include "text/names.h"

const char* const vs_expect_problems[VS_PROBLEM_COUNT] = {
    [VS_PROBLEM_NONE] = "none",
    [VS_PROBLEM_NAMES_NOTHING] = "names nothing",
    [VS_PROBLEM_EXPIRED] = "expired",
    [VS_PROBLEM_TOO_BROAD] = "too broad",
    [VS_PROBLEM_DIFFERENT] = "different",
    [VS_PROBLEM_PASSES] = "passes",
    [VS_PROBLEM_NOT_JUDGED] = "not judged",
};

// --- names --------------------------------------------------------------------------------------

static bool is_glob(const char* word) {
  return strpbrk(word, "*?[\\") != NULL;
}

static bool fits(const char* word, const char* name) {
  return strcmp(word, name) == 0 || (is_glob(word) && fnmatch(word, name, 0) == 0);
}

static const json_t* backend_of(const json_t* results, const json_t* result) {
  size_t at = (size_t)json_integer_value(json_object_get(result, "backend"));
  return json_array_get(json_object_get(results, "backends"), at);
}

static bool is_of(const vs_expectation* entry, const vs_failing* failing) {
  const char* word = entry->words[VS_EXPECT_BACKEND];
  return fits(entry->words[VS_EXPECT_PROFILE], failing->profile) &&
         (fits(word, failing->backend) || fits(word, failing->name));
}

bool vs_expectation_names(const vs_expectation* entry, const json_t* results,
                          const json_t* result) {
  const json_t* backend = backend_of(results, result);
  const vs_failing failing = {.backend = vs_results_text(backend, "spec"),
                              .name = vs_results_text(backend, "name"),
                              .profile = vs_results_text(backend, "profile")};
  return fits(entry->words[VS_EXPECT_CASE], vs_results_text(result, "case")) &&
         is_of(entry, &failing);
}

static bool has_answer(const vs_expectation* entry, const char* answer) {
  for (size_t i = 0; i < entry->answer_count; i++) {
    if (strcmp(entry->answers[i], answer) == 0) return true;
  }
  return false;
}

bool vs_expectation_covers(const vs_expectation* entry, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  const char* key = vs_results_text(failure, "key");
  const char* clause = vs_results_text(failure, "clause");
  const char* wanted = entry->words[VS_EXPECT_CLAUSE];
  if (key == NULL) return false;
  if (wanted != NULL && (clause == NULL || strcmp(wanted, clause) != 0)) return false;
  return has_answer(entry, key);
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
  for (size_t i = 0; i < all->count; i++) {
    const vs_expectation* entry = &all->items[i];
    const char* clause = entry->words[VS_EXPECT_CLAUSE];
    // Where no call is to blame, an entry's clause is that of its case, which does not count.
    bool same = clause == NULL || failing->clause == NULL || strcmp(clause, failing->clause) == 0;
    bool holds = !is_over(entry, today) && is_of(entry, failing);
    if (same && holds && has_answer(entry, failing->answer)) return entry;
  }
  return NULL;
}

// --- marks --------------------------------------------------------------------------------------

static json_t* mark_of(vs_putter* p, const vs_expectation* entry, const char* state) {
  json_t* mark = json_object();
  vs_put_text(p, mark, "state", state);
  vs_put_text(p, mark, "reason", entry->words[VS_EXPECT_REASON]);
  vs_put_text(p, mark, "link", entry->words[VS_EXPECT_LINK]);
  vs_put_number(p, mark, "line", entry->line);
  return mark;
}

bool vs_expectations_mark(const vs_expectations* all, const json_t* results, json_t* result) {
  vs_putter p = {false};
  const vs_expectation* named = NULL;
  const vs_expectation* covering = NULL;
  bool failed = json_is_object(json_object_get(result, "failure"));
  for (size_t i = 0; i < all->count && failed && covering == NULL; i++) {
    const vs_expectation* entry = &all->items[i];
    if (!vs_expectation_names(entry, results, result)) continue;
    named = entry;
    if (vs_expectation_covers(entry, result)) covering = entry;
  }
  json_t* mark = json_null();
  if (covering != NULL) {
    mark = mark_of(&p, covering, covering->disputed ? "disputed" : "known");
  } else if (named != NULL) {
    mark = mark_of(&p, named, "different");
  }
  vs_put(&p, result, "expectation", mark);
  return !p.failed;
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

// " (did you mean 'kinds.both'?)", or nothing.
static void suggest(char text[96], const char* word, const char* const* names, size_t count) {
  const char* nearest = vs_nearest(word, names, count);
  text[0] = '\0';
  if (nearest != NULL) snprintf(text, 96, " (did you mean '%.60s'?)", nearest);
}

static void look_for_case(const vs_expectation* entry, vs_expect_finding* f) {
  enum { MOST = 1024 };
  const char* names[MOST];
  char meant[96];
  size_t count = 0;
  const char* word = entry->words[VS_EXPECT_CASE];
  for (size_t i = 0; i < vs_case_count; i++) {
    if (fits(word, vs_cases[i].id)) return;
    if (count < MOST) names[count++] = vs_cases[i].id;
  }
  suggest(meant, word, names, count);
  tell(f, VS_PROBLEM_NAMES_NOTHING, "no case is called '%.120s'%s: mend it, or take the entry out",
       word, meant);
}

static bool is_column(const json_t* results, const char* member, const char* word) {
  size_t i;
  const json_t* backend;
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    if (fits(word, vs_results_text(backend, member))) return true;
  }
  return false;
}

static void look_for_backend(const vs_expectation* entry, const json_t* results,
                             vs_expect_finding* f) {
  enum { MOST = 32 };
  const char* names[MOST];
  char meant[96];
  vs_target target;
  const char* word = entry->words[VS_EXPECT_BACKEND];
  if (is_glob(word) || vs_target_parse(word, &target)) return;
  if (is_column(results, "name", word) || is_column(results, "spec", word)) return;
  for (size_t i = 0; i < vs_builtin_count && i < MOST; i++) names[i] = vs_builtins[i]->name;
  suggest(meant, word, names, vs_builtin_count < MOST ? vs_builtin_count : MOST);
  tell(f, VS_PROBLEM_NAMES_NOTHING,
       "no backend is called '%.120s'%s: write it as after --backend, or take the entry out", word,
       meant);
}

static void look_for_profile(const vs_expectation* entry, const json_t* results,
                             vs_expect_finding* f) {
  enum { MOST = 32 };
  const char* names[MOST];
  char meant[96];
  const char* word = entry->words[VS_EXPECT_PROFILE];
  if (is_glob(word) || vs_profile_find(word) != NULL || is_column(results, "profile", word)) return;
  for (size_t i = 0; i < vs_profile_count && i < MOST; i++) names[i] = vs_profiles[i].id;
  suggest(meant, word, names, vs_profile_count < MOST ? vs_profile_count : MOST);
  tell(f, VS_PROBLEM_NAMES_NOTHING,
       "no profile is called '%.120s'%s: mend it, or take the entry out", word, meant);
}

static void look_for_clause(const vs_expectation* entry, vs_expect_finding* f) {
  const char* names[VS_CLAUSE_COUNT];
  char meant[96];
  const char* word = entry->words[VS_EXPECT_CLAUSE];
  if (word == NULL || vs_clause_find(word) != VS_CLAUSE_COUNT) return;
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) names[i] = vs_clauses[i].id;
  suggest(meant, word, names, VS_CLAUSE_COUNT);
  tell(f, VS_PROBLEM_NAMES_NOTHING, "no clause is called '%.120s'%s: mend it, or take the line out",
       word, meant);
}

// --- what is not true any more ------------------------------------------------------------------

// What became of the results that an entry names; of each sort the first.
typedef struct tally {
  size_t named;
  size_t covered;
  size_t passes;
  size_t different;
  size_t unjudged;
  const json_t* first_pass;
  const json_t* first_different;
  const json_t* first_unjudged;
} tally;

static bool is_marked_different(const json_t* result) {
  const char* state = vs_results_text(json_object_get(result, "expectation"), "state");
  return state != NULL && strcmp(state, "different") == 0;
}

static void take(tally* t, const vs_expectation* entry, const json_t* result) {
  vs_verdict verdict = vs_results_verdict(vs_results_text(result, "verdict"));
  t->named++;
  if (!vs_results_is_judged(verdict)) {
    if (t->unjudged++ == 0) t->first_unjudged = result;
  } else if (!vs_verdict_is_failure(verdict)) {
    if (t->passes++ == 0) t->first_pass = result;
  } else if (vs_expectation_covers(entry, result)) {
    t->covered++;
  } else if (is_marked_different(result)) {  // and no other entry covers it
    if (t->different++ == 0) t->first_different = result;
  }
}

static tally count(const vs_expectation* entry, const json_t* results) {
  tally t = {0};
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (vs_expectation_names(entry, results, result)) take(&t, entry, result);
  }
  return t;
}

// "kinds.both on kvm (and 3 more)".
static const char* say_first(char text[192], const json_t* results, const json_t* first,
                             size_t count) {
  const char* backend = vs_results_text(backend_of(results, first), "name");
  const char* id = vs_results_text(first, "case");
  if (count > 1) {
    snprintf(text, 192, "%.80s on %.60s (and %zu more)", id, backend, count - 1);
  } else {
    snprintf(text, 192, "%.80s on %.60s", id, backend);
  }
  return text;
}

static void tell_different(vs_expect_finding* f, const tally* t, const json_t* results) {
  char where[192];
  if (t->different == 0) {
    tell(f, VS_PROBLEM_DIFFERENT, "nothing that it names fails in this way: take the entry out");
    return;
  }
  const json_t* failure = json_object_get(t->first_different, "failure");
  const char* clause = vs_results_text(failure, "clause");
  say_first(where, results, t->first_different, t->different);
  tell(f, VS_PROBLEM_DIFFERENT,
       "%s fails, but otherwise: %.100s of %.60s: see to it, then make the entry say so", where,
       vs_results_text(failure, "key"), clause != NULL ? clause : "no clause");
}

static void look_at_results(const vs_expectation* entry, const json_t* results, const tally* t,
                            const char* today, vs_expect_finding* f) {
  char where[192];
  bool interrupted = json_is_true(json_object_get(results, "interrupted"));
  size_t most = entry->matches > 0 ? entry->matches : VS_BROAD;
  if (is_over(entry, today)) {
    tell(f, VS_PROBLEM_EXPIRED,
         "it was to last until %s: mend what fails, or find a new day for it",
         entry->words[VS_EXPECT_EXPIRES]);
  } else if (t->named > most) {
    tell(f, VS_PROBLEM_TOO_BROAD,
         "it names %zu results, and may name %zu: name fewer, or say `matches %zu`", t->named, most,
         t->named);
  } else if (t->different > 0) {
    tell_different(f, t, results);
  } else if (t->passes > 0 && !entry->sometimes) {
    tell(f, VS_PROBLEM_PASSES, "%s passes now: take it out of what the entry names",
         say_first(where, results, t->first_pass, t->passes));
  } else if (t->unjudged > 0 && !interrupted) {
    tell(f, VS_PROBLEM_NOT_JUDGED,
         "%s was not judged (%.200s): nothing is known of it; take it out of what the entry names",
         say_first(where, results, t->first_unjudged, t->unjudged),
         vs_results_text(t->first_unjudged, "note"));
  } else if (t->covered == 0 && !entry->sometimes && !interrupted) {
    tell_different(f, t, results);
  }
}

vs_expect_finding vs_expectation_check(const vs_expectation* entry, const json_t* results,
                                       const char* today) {
  vs_expect_finding f = {0};
  tally t = count(entry, results);
  f.is_asked = t.named > 0;
  look_for_clause(entry, &f);
  if (f.problem != VS_PROBLEM_NONE) return f;
  if (f.is_asked) {
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

static json_t* stale_of(vs_putter* p, const vs_expectation* entry, const vs_expect_finding* f) {
  char name[256];
  json_t* one = json_object();
  snprintf(name, sizeof name, "%.120s on %.100s", entry->words[VS_EXPECT_CASE],
           entry->words[VS_EXPECT_BACKEND]);
  vs_put_number(p, one, "line", entry->line);
  vs_put_text(p, one, "entry", name);
  vs_put_text(p, one, "problem", vs_expect_problems[f->problem]);
  vs_put_text(p, one, "explanation", f->explanation);
  return one;
}

static size_t count_shown(const json_t* results, vs_verdict verdict) {
  size_t sum = 0;
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    sum += vs_results_shown(result) == verdict;
  }
  return sum;
}

bool vs_expectations_apply(const vs_expectations* all, json_t* results) {
  vs_putter p = {false};
  char today[32];
  json_t* summary = json_object();
  json_t* stale = json_array();
  size_t without_reason = 0;
  size_t i;
  json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    p.failed |= !vs_expectations_mark(all, results, result);
  }
  vs_results_time(today);
  today[10] = '\0';
  for (i = 0; i < all->count; i++) {
    vs_expect_finding f = vs_expectation_check(&all->items[i], results, today);
    if (f.problem != VS_PROBLEM_NONE) vs_put_in(&p, stale, stale_of(&p, &all->items[i], &f));
    without_reason += strcmp(all->items[i].words[VS_EXPECT_REASON], "?") == 0;
  }
  vs_put_text(&p, summary, "file", all->path);
  vs_put_number(&p, summary, "entries", all->count);
  vs_put_number(&p, summary, "known", count_shown(results, VS_VERDICT_KNOWN));
  vs_put_number(&p, summary, "disputed", count_shown(results, VS_VERDICT_DISPUTED));
  vs_put_number(&p, summary, "without_reason", without_reason);
  vs_put(&p, summary, "stale", stale);
  vs_put(&p, results, "expectations", summary);
  return !p.failed;
}
