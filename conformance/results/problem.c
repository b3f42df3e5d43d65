// SPDX-License-Identifier: BSD-3-Clause
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "view.h"

// Counts the problems that are passed over, and fills the one that was asked for.
typedef struct search {
  size_t left;  // before the one that is asked for
  vs_problem* problem;
  bool found;
} search;

// True if this is the one.
static bool reach(search* s, const char* kind, const char* name) {
  if (s->found || s->left-- > 0) return false;
  s->found = true;
  s->problem->kind = kind;
  s->problem->name = name;
  return true;
}

__attribute__((format(printf, 2, 3))) static void tell(search* s, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(s->problem->text, sizeof s->problem->text, format, arguments);
  va_end(arguments);
  vs_trim(s->problem->text);
}

static void search_interrupted(search* s, const json_t* results) {
  const json_t* counts = json_object_get(results, "counts");
  if (!json_is_true(json_object_get(results, "interrupted"))) return;
  if (!reach(s, "interrupted", "the run was stopped before its end")) return;
  tell(s, "%zu of %zu results were judged", vs_num(counts, "judged"), vs_num(counts, "expected"));
}

static void search_backend(search* s, const json_t* results, size_t i, const json_t* backend) {
  vs_tally tally = vs_tally_of(results, (int)i);
  bool ready = vs_is(backend, "state", "ready");
  bool required = json_is_true(json_object_get(backend, "required"));
  bool missed = required && (!ready || (tally.all > 0 && tally.judged == 0));
  if (!vs_is(backend, "state", "broken") && !missed) return;
  if (!reach(s, "backend", vs_str(backend, "name"))) return;
  const char* reason = vs_str(backend, "reason");
  tell(s, "%s: %s", required ? "required, and could not be judged" : "could not be judged",
       reason[0] != '\0' ? reason : "no case could be judged on it");
}

static void search_backends(search* s, const json_t* results) {
  size_t i = 0;
  json_t* backend = NULL;
  json_array_foreach(json_object_get(results, "backends"), i, backend) {
    search_backend(s, results, i, backend);
  }
}

static void search_expectations(search* s, const json_t* results) {
  const json_t* expectations = json_object_get(results, "expectations");
  size_t i = 0;
  json_t* stale = NULL;
  json_array_foreach(json_object_get(expectations, "stale"), i, stale) {
    if (!reach(s, "expectation", vs_str(stale, "entry"))) continue;
    tell(s, "%s:%zu: %s: %s", vs_str(expectations, "file"), vs_num(stale, "line"),
         vs_str(stale, "problem"), vs_str(stale, "explanation"));
  }
}

// A run that ends badly, and no case or problem says why.
static void search_exit(search* s, const json_t* results, bool anything) {
  const json_t* end = json_object_get(results, "exit");
  size_t status = vs_num(end, "status");
  bool fails = status == 1 && vs_tally_of(results, VS_ALL_BACKENDS).failed > 0;
  if (status == 0 || anything || fails) return;
  if (reach(s, "run", "the run as a whole")) tell(s, "%s", vs_str(end, "why"));
}

bool vs_problem_at(const json_t* results, size_t i, vs_problem* problem) {
  search s = {.left = i, .problem = problem};
  search_interrupted(&s, results);
  search_backends(&s, results);
  search_expectations(&s, results);
  search_exit(&s, results, s.found || s.left != i);
  return s.found;
}

size_t vs_problem_count(const json_t* results) {
  vs_problem problem;
  size_t count = 0;
  while (vs_problem_at(results, count, &problem)) count++;
  return count;
}
