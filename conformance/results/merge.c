// SPDX-License-Identifier: BSD-3-Clause
#include "merge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "make.h"
#include "require.h"
#include "view.h"

enum { TOLD = 10 };  // contradictions

typedef struct merger {
  const vs_merge_input* inputs;
  size_t count;
  vs_results* all;           // what is made
  vs_index cases;            // ours first, and then others in the order in which they came
  const vs_result** stands;  // columns x cases; NULL: none does
  vs_store* store;           // of what is wrong
  vs_texts* why;
} merger;

// --- what has to be the same --------------------------------------------------------------------

static bool are_same(merger* m, const char* name, const char* remedy,
                     const char* (*of)(const vs_results*)) {
  const vs_merge_input* first = &m->inputs[0];
  for (size_t i = 1; i < m->count; i++) {
    const vs_merge_input* other = &m->inputs[i];
    if (strcmp(of(first->results), of(other->results)) == 0) continue;
    vs_add(m->store, m->why,
           vs_said(m->store, "%s and %s do not belong together: their %ss are '%s' and '%s': %s",
                   first->path, other->path, name, of(first->results), of(other->results), remedy));
    return false;
  }
  return true;
}

static const char* program_of(const vs_results* results) {
  return results->program;
}

static const char* seed_of(const vs_results* results) {
  return results->seed;
}

// --- columns ------------------------------------------------------------------------------------

// Of a backend that could not be opened, the architecture may be unknown. A statement is a column
// of its own: two that have their object at one path may be of two implementations.
static bool is_same_column(const vs_column* a, const vs_column* b) {
  bool arch = strcmp(a->arch, b->arch) == 0 || strcmp(a->arch, "unknown") == 0 ||
              strcmp(b->arch, "unknown") == 0;
  return arch && strcmp(a->spec, b->spec) == 0 && strcmp(a->profile, b->profile) == 0 &&
         vs_is_same_text(a->statement, b->statement);
}

// The number of columns: there is none.
static size_t find_column(const merger* m, const vs_column* backend) {
  size_t i = 0;
  while (i < m->all->backends.count && !is_same_column(&m->all->backends.at[i], backend)) i++;
  return i;
}

// What one of them lacks, the other may have been judged with.
static vs_texts join_lacks(vs_store* store, const vs_texts* a, const vs_texts* b) {
  vs_index seen = {0};
  vs_texts all = {0};
  size_t number;
  for (size_t i = 0; i < a->count + b->count; i++) {
    const char* call = i < a->count ? a->at[i] : b->at[i - a->count];
    if (vs_index_add(&seen, call, &number)) vs_add(store, &all, call);
  }
  vs_index_free(&seen);
  return all;
}

// One that is broken somewhere is broken; one that is absent somewhere matters where it is
// required.
static void join_column(vs_store* store, vs_column* c, const vs_column* backend) {
  const size_t ended = c->ended_between;
  const vs_texts lacks = join_lacks(store, &c->lacks, &backend->lacks);
  bool required = c->required || backend->required;
  bool named = c->named || backend->named;
  bool better = backend->state == VS_TARGET_READY && c->state != VS_TARGET_READY && !required;
  bool worse =
      backend->state == VS_TARGET_BROKEN || (backend->state == VS_TARGET_ABSENT && required);
  if (c->state != VS_TARGET_BROKEN && (better || worse)) *c = *backend;
  c->required = required;
  c->named = named;
  if (c->digest == NULL) c->digest = backend->digest;
  c->ended_between = ended + backend->ended_between;
  c->lacks = lacks;
  if (c->reachable == 0) c->reachable = backend->reachable;
}

// Two builds of one backend are no whole.
static void compare_digests(merger* m, const vs_column* a, const vs_merge_input* input,
                            const vs_column* b) {
  if (a->digest == NULL || b->digest == NULL || strcmp(a->digest, b->digest) == 0) return;
  vs_add(m->store, m->why,
         vs_said(m->store,
                 "%s does not belong to what is before it: %s was another file there, of which the "
                 "digest is '%s' and not '%s': judge all of it with one build",
                 input->path, b->spec, a->digest, b->digest));
}

// Nor are two implementations that answered at one place.
static void compare_names(merger* m, const vs_column* a, const vs_merge_input* input,
                          const vs_column* b) {
  const size_t length = strcspn(a->name, "#");  // "toy#2": the second of its name
  bool both = a->state == VS_TARGET_READY && b->state == VS_TARGET_READY;
  if (!both || (length == strcspn(b->name, "#") && strncmp(a->name, b->name, length) == 0)) return;
  vs_add(m->store, m->why,
         vs_said(m->store,
                 "%s does not belong to what is before it: %s called itself '%s' there, and '%s' "
                 "here: judge all of it with one build",
                 input->path, b->spec, a->name, b->name));
}

static bool add_columns(merger* m) {
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    for (size_t k = 0; k < input->backends.count; k++) {
      const vs_column* backend = &input->backends.at[k];
      size_t at = find_column(m, backend);
      if (at == m->all->backends.count) {
        vs_column* added = vs_grow(&m->all->store, &m->all->backends, sizeof *added);
        *added = *backend;
        continue;
      }
      compare_digests(m, &m->all->backends.at[at], &m->inputs[i], backend);
      compare_names(m, &m->all->backends.at[at], &m->inputs[i], backend);
      join_column(&m->all->store, &m->all->backends.at[at], backend);
    }
  }
  return m->why->count == 0;
}

static bool is_name_of_another(const merger* m, size_t at) {
  for (size_t i = 0; i < m->all->backends.count; i++) {
    bool same = strcmp(m->all->backends.at[i].name, m->all->backends.at[at].name) == 0;
    if (i != at && same) return true;
  }
  return false;
}

// Columns with the same name are told apart by what makes them differ.
static void name_columns(merger* m) {
  vs_index names = {0};
  size_t number;
  vs_store* store = &m->all->store;
  const char** made = vs_take(store, m->all->backends.count * sizeof *made);
  for (size_t i = 0; i < m->all->backends.count; i++) {
    const vs_column* b = &m->all->backends.at[i];
    made[i] = b->name;
    const char* file = b->statement != NULL ? b->statement : "";
    const char* slash = strrchr(file, '/');
    const char* apart = file[0] == '\0' ? b->profile : slash != NULL ? slash + 1 : file;
    if (is_name_of_another(m, i)) made[i] = vs_said(store, "%s (%s)", b->name, apart);
    if (vs_index_find(&names, made[i], &number))
      made[i] = vs_said(store, "%s (%s, %s)", b->name, b->profile, b->arch);
    if (vs_index_find(&names, made[i], &number)) made[i] = vs_said(store, "%s#%zu", b->name, i + 1);
    vs_index_add(&names, made[i], &number);
  }
  for (size_t i = 0; i < m->all->backends.count; i++) m->all->backends.at[i].name = made[i];
  vs_index_free(&names);
}

// --- results ------------------------------------------------------------------------------------

static void number_cases(merger* m) {
  size_t number;
  for (size_t i = 0; i < vs_case_count; i++) vs_index_add(&m->cases, vs_cases[i].id, &number);
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    for (size_t k = 0; k < input->results.count; k++) {
      vs_index_add(&m->cases, input->results.at[k].id, &number);
    }
  }
  size_t places = m->all->backends.count * m->cases.count;
  m->stands = vs_take(&m->all->store, places * sizeof(const vs_result*));
}

static const vs_result** place_of(const merger* m, size_t column, const char* id) {
  size_t number = 0;
  vs_index_find(&m->cases, id, &number);
  return &m->stands[column * m->cases.count + number];
}

// Nothing was learnt: another that knows better is believed.
static bool is_empty(vs_verdict verdict) {
  return verdict == VS_VERDICT_NOT_JUDGED || verdict == VS_VERDICT_BROKEN;
}

// Of two failures, the one that fewer expectations excuse stands, whichever file comes first.
static int weight_of(const vs_result* failure) {
  vs_verdict shown = vs_result_shown(failure);
  if (shown == VS_VERDICT_KNOWN) return 0;
  return shown == VS_VERDICT_DISPUTED ? 1 : 2;
}

static const vs_result* graver(const vs_result* a, const vs_result* b) {
  if (weight_of(a) != weight_of(b)) return weight_of(a) > weight_of(b) ? a : b;
  return b->verdict == VS_VERDICT_FLAKY && a->verdict != VS_VERDICT_FLAKY ? b : a;
}

// Which of two results of the same case stands; NULL: they contradict each other.
static const vs_result* which_stands(const vs_result* a, const vs_result* b) {
  bool race = a->verdict == VS_VERDICT_FLAKY || b->verdict == VS_VERDICT_FLAKY;
  bool both_fail = a->failure != NULL && b->failure != NULL;
  if (is_empty(b->verdict)) return a->verdict == VS_VERDICT_NOT_JUDGED ? b : a;
  if (is_empty(a->verdict)) return b;
  if (both_fail && (race || vs_failure_is_same(a->failure, b->failure))) return graver(a, b);
  if (race && vs_verdict_is_judged(a->verdict) && vs_verdict_is_judged(b->verdict))
    return a->verdict == VS_VERDICT_FLAKY ? a : b;
  return a->verdict == b->verdict && !both_fail ? a : NULL;
}

static const char* key_of(const vs_result* result) {
  return result->failure != NULL ? vs_or_empty(result->failure->key) : "";
}

static void add_result(merger* m, const vs_merge_input* input, const vs_result* result) {
  const vs_column* backend = &input->results->backends.at[result->backend];
  const vs_result** place = place_of(m, find_column(m, backend), result->id);
  const vs_result* before = *place;
  const vs_result* stands = before != NULL ? which_stands(before, result) : result;
  if (stands != NULL) {
    *place = stands;
    return;
  }
  vs_add(m->store, m->why,
         vs_said(m->store, "%s: %s on %s contradicts a file before it: %s %s there, %s %s here",
                 input->path, result->id, backend->name, vs_results_words[before->verdict],
                 key_of(before), vs_results_words[result->verdict], key_of(result)));
}

static bool add_results(merger* m) {
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    for (size_t k = 0; k < input->results.count; k++) {
      add_result(m, &m->inputs[i], &input->results.at[k]);
    }
  }
  if (m->why->count > TOLD) {
    m->why->at[TOLD] = vs_said(m->store, "and %zu more contradictions", m->why->count - TOLD);
    m->why->count = TOLD + 1;
  }
  return m->why->count == 0;
}

static void put_results(merger* m) {
  for (size_t i = 0; i < m->all->backends.count * m->cases.count; i++) {
    if (m->stands[i] == NULL) continue;
    vs_result* result = vs_grow(&m->all->store, &m->all->results, sizeof *result);
    *result = *m->stands[i];
    result->backend = i / m->cases.count;
  }
}

// --- shards -------------------------------------------------------------------------------------

// The Ith of N parts.
typedef struct part {
  uint64_t i;
  uint64_t n;
} part;

static part part_of(const vs_results* results) {
  char* slash = NULL;
  uint64_t i = strtoull(results->shard, &slash, 10);
  return (part){i, strtoull(slash + 1, NULL, 10)};
}

static bool has_column(const merger* m, const vs_results* results, size_t column) {
  for (size_t i = 0; i < results->backends.count; i++) {
    if (find_column(m, &results->backends.at[i]) == column) return true;
  }
  return false;
}

// Parts of one whole: the same filters, cut into as many shards.
static bool is_part_of_same(const vs_results* a, const vs_results* b) {
  bool same = part_of(a).n == part_of(b).n && a->filters.count == b->filters.count;
  for (size_t i = 0; same && i < a->filters.count; i++) {
    same = strcmp(a->filters.at[i], b->filters.at[i]) == 0;
  }
  return same;
}

static bool is_wanted(const vs_case* c, const vs_texts* filters) {
  bool wanted = filters->count == 0;
  for (size_t i = 0; i < filters->count && !wanted; i++) {
    wanted = vs_case_matches(c, filters->at[i]);
  }
  return wanted;
}

// Cases of the program alone are known without the shard that had them.
static bool are_ours(const vs_results* results) {
  for (size_t i = 0; i < results->results.count; i++) {
    if (vs_case_find(results->results.at[i].id) == NULL) return false;
  }
  return true;
}

static void miss_shard(merger* m, size_t column, const vs_results* like, part p) {
  vs_store* store = &m->all->store;
  const char* note = vs_said(store, "shard %" PRIu64 "/%" PRIu64 " of %s is missing", p.i, p.n,
                             m->all->backends.at[column].name);
  bool known = are_ours(like);
  size_t absent = 0;
  for (size_t i = p.i - 1; i < vs_case_count && known; i += p.n) {
    const vs_result** place = place_of(m, column, vs_cases[i].id);
    if (!is_wanted(&vs_cases[i], &like->filters) || *place != NULL) continue;
    vs_result* made = vs_take(store, sizeof *made);
    *made = vs_results_not_judged(store, column, &vs_cases[i], note);
    *place = made;
    absent++;
  }
  // Its results may have come in other files.
  if (absent > 0 || !known) vs_add(store, &m->all->missing, note);
}

// The first input that is a part of the same whole and has the column; if `wanted` is not 0, that
// part. The number of inputs: none is.
static size_t find_part(const merger* m, size_t column, const vs_results* like, uint64_t wanted) {
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    bool right = wanted == 0 || part_of(input).i == wanted;
    if (right && is_part_of_same(input, like) && has_column(m, input, column)) return i;
  }
  return m->count;
}

// Each whole of which one part is there is looked at once, by its first part.
static void add_missing(merger* m) {
  enum { MOST_TOLD = 1000 };
  for (size_t column = 0; column < m->all->backends.count; column++) {
    for (size_t k = 0; k < m->count; k++) {
      const vs_results* like = m->inputs[k].results;
      part p = {1, part_of(like).n};
      if (find_part(m, column, like, 0) != k) continue;
      for (; p.i <= p.n && m->all->missing.count < MOST_TOLD; p.i++) {
        if (find_part(m, column, like, p.i) == m->count) miss_shard(m, column, like, p);
      }
    }
  }
}

static bool is_note(const vs_results* results, const char* text) {
  for (size_t i = 0; i < results->results.count; i++) {
    if (strcmp(results->results.at[i].note, text) == 0) return true;
  }
  return false;
}

// What was missing when an input was merged is still, unless its results have come.
static void add_missing_of_inputs(merger* m) {
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    for (size_t k = 0; k < input->missing.count; k++) {
      const char* note = input->missing.at[k];
      if (!is_note(input, note) || is_note(m->all, note))
        vs_add(&m->all->store, &m->all->missing, note);
    }
  }
}

// --- the rest -----------------------------------------------------------------------------------

// The globs of all; none, if one of them was of every case.
static void put_filters(merger* m) {
  vs_index seen = {0};
  bool whole = false;
  m->all->filters = (vs_texts){0};
  for (size_t i = 0; i < m->count; i++) {
    const vs_texts* filters = &m->inputs[i].results->filters;
    whole |= filters->count == 0;
    for (size_t k = 0; k < filters->count; k++) {
      size_t number;
      if (vs_index_add(&seen, filters->at[k], &number))
        vs_add(&m->all->store, &m->all->filters, filters->at[k]);
    }
  }
  if (whole) m->all->filters.count = 0;
  vs_index_free(&seen);
}

// What the inputs said of their expectations: stale entries of each, once.
static void put_expectations(merger* m) {
  vs_index seen = {0};
  vs_store* store = &m->all->store;
  vs_expectations_told* all = NULL;
  for (size_t i = 0; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    const vs_expectations_told* own = input->expectations;
    if (own == NULL) continue;
    if (all == NULL) {
      all = vs_take(store, sizeof *all);
      *all = *own;
      memset(&all->stale, 0, sizeof all->stale);
      all->known = vs_results_count(m->all, VS_VERDICT_KNOWN);
      all->disputed = vs_results_count(m->all, VS_VERDICT_DISPUTED);
    }
    // What one did not run, another may have.
    if (input->backends.count < m->all->backends.count) all->not_run = 0;
    for (size_t k = 0; k < own->stale.count; k++) {
      size_t number;
      const vs_stale* one = &own->stale.at[k];
      const char* text = vs_said(store, "%zu\n%s\n%d\n%s", one->line, one->entry, (int)one->problem,
                                 one->explanation);
      if (!vs_index_add(&seen, text, &number)) continue;
      vs_stale* kept = vs_grow(store, &all->stale, sizeof *kept);
      *kept = *one;
    }
  }
  m->all->expectations = all;
  vs_index_free(&seen);
}

static void put_rest(merger* m) {
  for (size_t i = 1; i < m->count; i++) {
    const vs_results* input = m->inputs[i].results;
    if (strcmp(input->started, m->all->started) < 0) m->all->started = input->started;
    m->all->interrupted |= input->interrupted;
    if (!vs_is_same_text(m->all->texts, input->texts)) m->all->texts = NULL;
  }
  for (size_t i = 0; i < m->count; i++) {
    const vs_texts* globs = &m->inputs[i].results->requires;
    vs_results_require(m->all, globs->at, globs->count);
  }
  m->all->shard = "1/1";
  put_filters(m);
  put_expectations(m);
  vs_results_recount(m->all);
}

static vs_results* start(const vs_results* first) {
  vs_store store = {0};
  vs_results* all = vs_take(&store, sizeof *all);
  *all = *first;
  all->store = store;
  all->missing = (vs_texts){0};
  all->requires = (vs_texts){0};
  all->statement = NULL;
  memset(&all->backends, 0, sizeof all->backends);
  memset(&all->results, 0, sizeof all->results);
  return all;
}

vs_results* vs_results_merge(const vs_merge_input* inputs, size_t count, vs_store* store,
                             vs_texts* why) {
  merger m = {inputs, count, start(inputs[0].results), {0}, NULL, store, why};
  bool good = are_same(&m, "program", "judge both with one version", program_of) &&
              are_same(&m, "seed", "judge both with one seed", seed_of) && add_columns(&m);
  if (good) {
    number_cases(&m);
    good = add_results(&m);
  }
  if (good) {
    add_missing(&m);
    put_results(&m);
    add_missing_of_inputs(&m);
    name_columns(&m);
    put_rest(&m);
  }
  vs_index_free(&m.cases);
  if (good) return m.all;
  vs_results_free(m.all);
  return NULL;
}
