// SPDX-License-Identifier: BSD-3-Clause
#include "merge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "make.h"
#include "put.h"

enum { COMPLAINTS = 10 };

// A column of the merged tree.
typedef struct column {
  const json_t* backend;  // as the first input has it, or the first that could open it
  json_t* cases;          // from an id to its result; owned
  bool required;
  bool named;
} column;

typedef struct merger {
  const vs_merge_input* inputs;
  size_t count;
  column* columns;  // owned
  size_t column_count;
  json_t* order;    // ids that are no cases of ours, in the order in which they came; owned
  json_t* missing;  // "shard 2/3 of kvm"; owned
  vs_putter p;
  char* why;
  size_t why_length;
  size_t complaints;
} merger;

__attribute__((format(printf, 2, 3))) static bool complain(merger* m, const char* format, ...) {
  va_list arguments;
  if (++m->complaints > COMPLAINTS) return false;
  if (m->why_length > 0 && m->why_length + 1 < VS_MERGE_WHY) m->why[m->why_length++] = '\n';
  va_start(arguments, format);
  size_t room = VS_MERGE_WHY - m->why_length;
  int length = vsnprintf(m->why + m->why_length, room, format, arguments);
  va_end(arguments);
  m->why_length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
  return false;
}

static json_t* backends_of(const json_t* results) {
  return json_object_get(results, "backends");
}

// --- what has to be the same --------------------------------------------------------------------

static bool is_same(merger* m, const char* name, const char* remedy) {
  const char* first = vs_results_text(m->inputs[0].results, name);
  for (size_t i = 1; i < m->count; i++) {
    const char* other = vs_results_text(m->inputs[i].results, name);
    if (strcmp(first, other) == 0) continue;
    return complain(m, "%s and %s do not belong together: their %ss are '%s' and '%s': %s",
                    m->inputs[0].path, m->inputs[i].path, name, first, other, remedy);
  }
  return true;
}

// --- columns ------------------------------------------------------------------------------------

// Of a backend that could not be opened, the architecture may be unknown.
static bool is_same_arch(const json_t* a, const json_t* b) {
  return vs_results_same_text(a, b, "arch") || strcmp(vs_results_text(a, "arch"), "unknown") == 0 ||
         strcmp(vs_results_text(b, "arch"), "unknown") == 0;
}

static column* find_column(const merger* m, const json_t* backend) {
  for (size_t i = 0; i < m->column_count; i++) {
    const json_t* other = m->columns[i].backend;
    bool same = vs_results_same_text(other, backend, "spec") &&
                vs_results_same_text(other, backend, "profile");
    if (same && is_same_arch(other, backend)) return &m->columns[i];
  }
  return NULL;
}

static bool is_state(const json_t* backend, const char* state) {
  return strcmp(vs_results_text(backend, "state"), state) == 0;
}

// One that is broken somewhere is broken; one that is absent somewhere matters where it is
// required.
static void join_column(column* c, const json_t* backend) {
  bool was_ready = is_state(c->backend, "ready");
  c->required |= json_is_true(json_object_get(backend, "required"));
  c->named |= json_is_true(json_object_get(backend, "named"));
  if (is_state(c->backend, "broken")) return;
  bool better = is_state(backend, "ready") && !was_ready && !c->required;
  bool worse = is_state(backend, "broken") || (is_state(backend, "absent") && c->required);
  if (better || worse) c->backend = backend;
}

static bool add_column(merger* m, const json_t* backend) {
  column* c = find_column(m, backend);
  if (c == NULL) {
    c = &m->columns[m->column_count++];
    *c = (column){.backend = backend, .cases = json_object()};
    if (c->cases == NULL) return complain(m, "no memory");
  }
  join_column(c, backend);
  return true;
}

static bool add_columns(merger* m) {
  size_t most = 0;
  for (size_t i = 0; i < m->count; i++) most += json_array_size(backends_of(m->inputs[i].results));
  m->columns = calloc(most + 1, sizeof *m->columns);
  if (m->columns == NULL) return complain(m, "no memory");
  for (size_t i = 0; i < m->count; i++) {
    size_t k;
    const json_t* backend;
    json_array_foreach(backends_of(m->inputs[i].results), k, backend) {
      if (!add_column(m, backend)) return false;
    }
  }
  return true;
}

// --- results ------------------------------------------------------------------------------------

static vs_verdict verdict_of(const json_t* result) {
  return vs_results_verdict(vs_results_text(result, "verdict"));
}

// Nothing was learnt: whoever knows better is believed.
static bool is_empty(vs_verdict verdict) {
  return verdict == VS_VERDICT_NOT_JUDGED || verdict == VS_VERDICT_BROKEN;
}

// Of two failures, the one that fewer expectations excuse stands, whichever file comes first.
static int weight_of(const json_t* failure) {
  vs_verdict shown = vs_results_shown(failure);
  if (shown == VS_VERDICT_KNOWN) return 0;
  return shown == VS_VERDICT_DISPUTED ? 1 : 2;
}

static const json_t* graver(const json_t* a, const json_t* b) {
  if (weight_of(a) != weight_of(b)) return weight_of(a) > weight_of(b) ? a : b;
  return verdict_of(b) == VS_VERDICT_FLAKY && verdict_of(a) != VS_VERDICT_FLAKY ? b : a;
}

// Which of two results of the same case stands; NULL: they contradict each other.
static const json_t* which_stands(const json_t* a, const json_t* b) {
  vs_verdict first = verdict_of(a);
  vs_verdict second = verdict_of(b);
  bool race = first == VS_VERDICT_FLAKY || second == VS_VERDICT_FLAKY;
  bool both_fail = vs_verdict_is_failure(first) && vs_verdict_is_failure(second);
  if (is_empty(second)) return first == VS_VERDICT_NOT_JUDGED ? b : a;
  if (is_empty(first)) return b;
  if (both_fail && (race || vs_results_fail_alike(a, b))) return graver(a, b);
  if (race && vs_results_is_judged(first) && vs_results_is_judged(second))
    return first == VS_VERDICT_FLAKY ? a : b;
  return first == second && !both_fail ? a : NULL;
}

static const char* key_of(const json_t* result) {
  const char* key = vs_results_text(json_object_get(result, "failure"), "key");
  return key != NULL ? key : "";
}

static bool add_result(merger* m, const vs_merge_input* input, const json_t* result) {
  size_t at = (size_t)json_integer_value(json_object_get(result, "backend"));
  const json_t* backend = json_array_get(backends_of(input->results), at);
  column* c = find_column(m, backend);
  const char* id = vs_results_text(result, "case");
  const json_t* before = json_object_get(c->cases, id);
  const json_t* stands = before != NULL ? which_stands(before, result) : result;
  if (stands == NULL) {
    return complain(m, "%s: %s on %s contradicts a file before it: %s %s there, %s %s here",
                    input->path, id, vs_results_text(backend, "name"),
                    vs_results_text(before, "verdict"), key_of(before),
                    vs_results_text(result, "verdict"), key_of(result));
  }
  if (vs_case_find(id) == NULL) vs_put(&m->p, m->order, id, json_true());
  if (stands == before) return true;
  m->p.failed |= json_object_set(c->cases, id, (json_t*)stands) != 0;
  return true;
}

static bool add_results(merger* m) {
  bool good = true;
  for (size_t i = 0; i < m->count; i++) {
    size_t k;
    const json_t* result;
    json_array_foreach(json_object_get(m->inputs[i].results, "results"), k, result) {
      good &= add_result(m, &m->inputs[i], result);
    }
  }
  if (m->complaints > COMPLAINTS && m->why_length + 64 < VS_MERGE_WHY) {
    m->why_length += (size_t)snprintf(m->why + m->why_length, VS_MERGE_WHY - m->why_length,
                                      "\nand %zu more contradictions", m->complaints - COMPLAINTS);
  }
  return good;
}

// --- shards -------------------------------------------------------------------------------------

static bool read_shard(const json_t* results, uint64_t* shard, uint64_t* shards) {
  return sscanf(vs_results_text(results, "shard"), "%" SCNu64 "/%" SCNu64, shard, shards) == 2 &&
         *shard >= 1 && *shard <= *shards;
}

static bool has_column(const merger* m, const json_t* results, const column* c) {
  size_t i;
  const json_t* backend;
  json_array_foreach(backends_of(results), i, backend) {
    if (find_column(m, backend) == c) return true;
  }
  return false;
}

// Parts of one whole: the same filters, cut into as many shards.
static bool is_part_of_same(const json_t* a, const json_t* b) {
  uint64_t one[2];
  uint64_t other[2];
  return read_shard(a, &one[0], &one[1]) && read_shard(b, &other[0], &other[1]) &&
         one[1] == other[1] &&
         json_equal(json_object_get(a, "filters"), json_object_get(b, "filters"));
}

static bool is_wanted(const vs_case* c, const json_t* filters) {
  size_t i;
  const json_t* glob;
  json_array_foreach(filters, i, glob) {
    if (vs_case_matches(c, json_string_value(glob))) return true;
  }
  return json_array_size(filters) == 0;
}

// Cases of the program alone are known without the shard that had them.
static bool are_ours(const json_t* results) {
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    if (vs_case_find(vs_results_text(result, "case")) == NULL) return false;
  }
  return true;
}

static void miss_shard(merger* m, column* c, const json_t* like, uint64_t shard, uint64_t shards) {
  char note[128];
  size_t column_at = (size_t)(c - m->columns);
  snprintf(note, sizeof note, "shard %" PRIu64 "/%" PRIu64 " of %.60s is missing", shard, shards,
           vs_results_text(c->backend, "name"));
  bool known = are_ours(like);
  size_t absent = 0;
  for (size_t i = shard - 1; i < vs_case_count && known; i += shards) {
    const vs_case* one = &vs_cases[i];
    if (!is_wanted(one, json_object_get(like, "filters"))) continue;
    if (json_object_get(c->cases, one->id) != NULL) continue;
    vs_put(&m->p, c->cases, one->id, vs_results_not_judged(column_at, one, note));
    absent++;
  }
  // Its results may have come in other files.
  if (absent > 0 || !known) vs_put_text_in(&m->p, m->missing, note);
}

static bool is_there(const merger* m, const column* c, const json_t* like, uint64_t wanted) {
  for (size_t i = 0; i < m->count; i++) {
    const json_t* results = m->inputs[i].results;
    uint64_t shard;
    uint64_t shards;
    if (!is_part_of_same(results, like) || !has_column(m, results, c)) continue;
    if (read_shard(results, &shard, &shards) && shard == wanted) return true;
  }
  return false;
}

// Each whole of which one part is there: once, by its first part.
static bool is_first_part(const merger* m, const column* c, size_t input) {
  for (size_t i = 0; i < input; i++) {
    const json_t* before = m->inputs[i].results;
    if (is_part_of_same(before, m->inputs[input].results) && has_column(m, before, c)) return false;
  }
  return has_column(m, m->inputs[input].results, c);
}

static void look_for_shards(merger* m, column* c, size_t input) {
  enum { MOST_SHARDS = 100000, MOST_TOLD = 1000 };
  uint64_t shard;
  uint64_t shards;
  const json_t* like = m->inputs[input].results;
  if (!read_shard(like, &shard, &shards) || shards > MOST_SHARDS) return;
  for (uint64_t i = 1; i <= shards && json_array_size(m->missing) < MOST_TOLD; i++) {
    if (!is_there(m, c, like, i)) miss_shard(m, c, like, i, shards);
  }
}

static void add_missing(merger* m) {
  for (size_t i = 0; i < m->column_count; i++) {
    for (size_t k = 0; k < m->count; k++) {
      if (is_first_part(m, &m->columns[i], k)) look_for_shards(m, &m->columns[i], k);
    }
  }
}

static bool is_note(const json_t* results, const char* text) {
  size_t i;
  const json_t* result;
  json_array_foreach(results, i, result) {
    if (strcmp(vs_results_text(result, "note"), text) == 0) return true;
  }
  return false;
}

// What was missing when an input was merged is still, unless its results have come.
static void add_missing_of_inputs(merger* m, const json_t* merged) {
  for (size_t i = 0; i < m->count; i++) {
    size_t k;
    const json_t* text;
    const json_t* input = m->inputs[i].results;
    json_array_foreach(json_object_get(input, "missing"), k, text) {
      const char* note = json_string_value(text);
      bool had_cases = is_note(json_object_get(input, "results"), note);
      if (!had_cases || is_note(merged, note)) vs_put_text_in(&m->p, m->missing, note);
    }
  }
}

// --- the tree -----------------------------------------------------------------------------------

static bool is_name_of_another(const merger* m, size_t at) {
  const json_t* backend = m->columns[at].backend;
  for (size_t i = 0; i < m->column_count; i++) {
    if (i != at && vs_results_same_text(m->columns[i].backend, backend, "name")) return true;
  }
  return false;
}

// Columns with the same name are told apart by what makes them differ.
static void put_name(merger* m, json_t* to, json_t* names, size_t at) {
  char name[512];
  const json_t* backend = m->columns[at].backend;
  const char* own = vs_results_text(backend, "name");
  snprintf(name, sizeof name, "%.200s", own);
  if (is_name_of_another(m, at))
    snprintf(name, sizeof name, "%.200s (%.100s)", own, vs_results_text(backend, "profile"));
  if (json_object_get(names, name) != NULL)
    snprintf(name, sizeof name, "%.200s (%.100s, %.20s)", own, vs_results_text(backend, "profile"),
             vs_results_text(backend, "arch"));
  if (json_object_get(names, name) != NULL) snprintf(name, sizeof name, "%.200s#%zu", own, at + 1);
  vs_put(&m->p, names, name, json_true());
  vs_put_text(&m->p, to, "name", name);
}

static json_t* backends(merger* m) {
  json_t* list = json_array();
  json_t* names = json_object();
  for (size_t i = 0; i < m->column_count; i++) {
    const column* c = &m->columns[i];
    json_t* one = json_copy((json_t*)c->backend);
    put_name(m, one, names, i);
    vs_put(&m->p, one, "required", json_boolean(c->required));
    vs_put(&m->p, one, "named", json_boolean(c->named));
    vs_put_in(&m->p, list, one);
  }
  json_decref(names);
  return list;
}

static void put_result(merger* m, json_t* list, size_t at, const char* id) {
  const json_t* result = json_object_get(m->columns[at].cases, id);
  if (result == NULL) return;
  json_t* one = json_copy((json_t*)result);
  vs_put_number(&m->p, one, "backend", at);
  vs_put_in(&m->p, list, one);
}

static json_t* results(merger* m) {
  json_t* list = json_array();
  for (size_t i = 0; i < m->column_count; i++) {
    const char* id;
    const json_t* value;
    for (size_t k = 0; k < vs_case_count; k++) put_result(m, list, i, vs_cases[k].id);
    json_object_foreach(m->order, id, value) {
      put_result(m, list, i, id);
    }
  }
  return list;
}

static void put_filters(merger* m, json_t* to) {
  json_t* all = json_object();
  json_t* list = json_array();
  bool whole = false;
  for (size_t i = 0; i < m->count; i++) {
    size_t k;
    const json_t* glob;
    const json_t* filters = json_object_get(m->inputs[i].results, "filters");
    whole |= json_array_size(filters) == 0;
    json_array_foreach(filters, k, glob) {
      const char* text = json_string_value(glob);
      if (json_object_get(all, text) == NULL) vs_put_text_in(&m->p, list, text);
      vs_put(&m->p, all, text, json_true());
    }
  }
  if (whole) json_array_clear(list);
  json_decref(all);
  vs_put(&m->p, to, "filters", list);
}

static const char* earliest(const merger* m) {
  const char* first = vs_results_text(m->inputs[0].results, "started");
  for (size_t i = 1; i < m->count; i++) {
    const char* other = vs_results_text(m->inputs[i].results, "started");
    if (strcmp(other, first) < 0) first = other;
  }
  return first;
}

static bool any_interrupted(const merger* m) {
  for (size_t i = 0; i < m->count; i++) {
    if (json_is_true(json_object_get(m->inputs[i].results, "interrupted"))) return true;
  }
  return false;
}

// What the inputs said of their expectations: stale entries of each, once.
static json_t* expectations(merger* m) {
  json_t* all = NULL;
  json_t* stale = json_array();
  json_t* seen = json_object();
  for (size_t i = 0; i < m->count; i++) {
    size_t k;
    json_t* one;
    const json_t* own = json_object_get(m->inputs[i].results, "expectations");
    if (json_is_object(own) && all == NULL) all = json_copy((json_t*)own);
    json_array_foreach(json_object_get(own, "stale"), k, one) {
      char* text = json_dumps(one, JSON_COMPACT);
      bool is_new = text != NULL && json_object_get(seen, text) == NULL;
      if (is_new) vs_put(&m->p, seen, text, json_true());
      if (is_new) vs_put_in(&m->p, stale, json_incref(one));
      free(text);
    }
  }
  json_decref(seen);
  if (all == NULL) {
    json_decref(stale);
    return json_null();
  }
  vs_put(&m->p, all, "stale", stale);
  return all;
}

static size_t count_shown(const json_t* list, vs_verdict verdict) {
  size_t sum = 0;
  size_t i;
  const json_t* result;
  json_array_foreach(list, i, result) {
    sum += vs_results_shown(result) == verdict;
  }
  return sum;
}

static json_t* tree(merger* m) {
  json_t* all = json_copy((json_t*)m->inputs[0].results);
  json_t* list = results(m);
  json_t* expected = expectations(m);
  add_missing_of_inputs(m, list);
  if (json_is_object(expected)) {
    vs_put_number(&m->p, expected, "known", count_shown(list, VS_VERDICT_KNOWN));
    vs_put_number(&m->p, expected, "disputed", count_shown(list, VS_VERDICT_DISPUTED));
  }
  vs_put_text(&m->p, all, "started", earliest(m));
  vs_put(&m->p, all, "interrupted", json_boolean(any_interrupted(m)));
  vs_put_text(&m->p, all, "shard", "1/1");
  put_filters(m, all);
  vs_put(&m->p, all, "backends", backends(m));
  vs_put(&m->p, all, "results", list);
  vs_put(&m->p, all, "expectations", expected);
  if (json_array_size(m->missing) > 0) {
    vs_put(&m->p, all, "missing", json_incref(m->missing));
  } else {
    json_object_del(all, "missing");
  }
  m->p.failed |= !vs_results_recount(all);
  return all;
}

static bool gather(merger* m) {
  return is_same(m, "program", "judge both with one version") &&
         is_same(m, "seed", "judge both with one seed") && add_columns(m) && add_results(m);
}

json_t* vs_results_merge(const vs_merge_input* inputs, size_t count, char why[VS_MERGE_WHY]) {
  json_t* all = NULL;
  merger m = {.inputs = inputs,
              .count = count,
              .order = json_object(),
              .missing = json_array(),
              .why = why};
  if (gather(&m)) {
    add_missing(&m);
    all = tree(&m);
  }
  if (m.p.failed) {
    json_decref(all);
    all = NULL;
    complain(&m, "no memory");
  }
  for (size_t i = 0; i < m.column_count; i++) json_decref(m.columns[i].cases);
  free(m.columns);
  json_decref(m.order);
  json_decref(m.missing);
  return all;
}
