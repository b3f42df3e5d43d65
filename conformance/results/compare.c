// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "merge.h"

typedef struct comparer {
  const vs_screen* screen;
  const json_t* before;
  const json_t* after;
  vs_comparison* sum;
} comparer;

static const json_t* backend_at(const json_t* results, size_t at) {
  return json_array_get(json_object_get(results, "backends"), at);
}

static size_t columns_of(const json_t* results) {
  return json_array_size(json_object_get(results, "backends"));
}

static size_t column_of(const json_t* result) {
  return (size_t)json_integer_value(json_object_get(result, "backend"));
}

// The column of `to` that is this backend; columns_of(to): none is.
static size_t find_column(const json_t* from, size_t at, const json_t* to) {
  const json_t* backend = backend_at(from, at);
  size_t count = columns_of(to);
  if (columns_of(from) == 1 && count == 1) return 0;
  for (size_t i = 0; i < count; i++) {
    const json_t* other = backend_at(to, i);
    bool same = vs_results_same_text(backend, other, "name") &&
                vs_results_same_text(backend, other, "profile");
    if (same && vs_results_same_text(backend, other, "arch")) return i;
  }
  return count;
}

// From a case's id to its result, for each column: a list of objects. NULL: no memory.
static json_t* index_of(const json_t* results) {
  json_t* list = json_array();
  bool good = list != NULL;
  for (size_t i = 0; i < columns_of(results) && good; i++) {
    good = json_array_append_new(list, json_object()) == 0;
  }
  size_t i;
  json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    json_t* cases = json_array_get(list, column_of(result));
    good = good && json_object_set(cases, vs_results_text(result, "case"), result) == 0;
  }
  if (good) return list;
  json_decref(list);
  return NULL;
}

static vs_verdict verdict_of(const json_t* result) {
  return vs_results_verdict(vs_results_text(result, "verdict"));
}

static bool is_well(vs_verdict verdict) {
  return verdict == VS_VERDICT_PASS || verdict == VS_VERDICT_PERMITTED;
}

// What a result is, with the answer of a failure.
static void say(FILE* out, const json_t* result) {
  const json_t* failure = json_object_get(result, "failure");
  const char* key = vs_results_text(failure, "key");
  fputs(vs_verdict_names[verdict_of(result)], out);
  if (key != NULL) fprintf(out, " (%s)", key);
}

static void tell(const comparer* c, const char* word, const json_t* was, const json_t* is) {
  FILE* out = c->screen->out;
  const json_t* either = is != NULL ? is : was;
  const json_t* backend = backend_at(is != NULL ? c->after : c->before, column_of(either));
  fprintf(out, "%-10s %s on %s: ", word, vs_results_text(either, "case"),
          vs_results_text(backend, "name"));
  if (was != NULL) say(out, was);
  if (was != NULL && is != NULL) fputs(" -> ", out);
  if (is != NULL) say(out, is);
  if (is == NULL) fputs(" -> gone", out);
  fputc('\n', out);
}

static bool is_among(const json_t* one, const json_t* failure) {
  size_t i;
  const json_t* other;
  if (vs_results_same_text(one, failure, "key") && vs_results_same_text(one, failure, "clause")) {
    return true;
  }
  json_array_foreach(json_object_get(failure, "others"), i, other) {
    if (vs_results_same_text(one, other, "key") && vs_results_same_text(one, other, "clause")) {
      return true;
    }
  }
  return false;
}

// True if a case that failed fails in a way in which it did not.
static bool fails_anew(const json_t* was, const json_t* is) {
  const json_t* before = json_object_get(was, "failure");
  const json_t* after = json_object_get(is, "failure");
  size_t i;
  const json_t* other;
  json_array_foreach(json_object_get(after, "others"), i, other) {
    if (!is_among(other, before)) return true;
  }
  return false;
}

static void compare(const comparer* c, const json_t* was, const json_t* is) {
  vs_verdict before = verdict_of(was);
  vs_verdict after = verdict_of(is);
  bool both_fail = vs_verdict_is_failure(before) && vs_verdict_is_failure(after);
  bool same = before == after && (!both_fail || vs_results_fail_alike(was, is));
  bool worse = (is_well(before) && !is_well(after)) ||
               (!vs_verdict_is_failure(before) && vs_verdict_is_failure(after)) ||
               (both_fail && fails_anew(was, is));
  if (same) {
    c->sum->same++;
  } else if (worse) {
    c->sum->regressed++;
    tell(c, "regressed", was, is);
  } else if (vs_verdict_is_failure(before) && is_well(after)) {
    c->sum->fixed++;
    tell(c, "fixed", was, is);
  } else {
    c->sum->changed++;
    tell(c, "changed", was, is);
  }
}

// What was well is lost where its column is still there; with the column, only the column is gone.
static void miss(const comparer* c, const json_t* was, bool has_column) {
  bool lost = has_column && is_well(verdict_of(was));
  if (lost) c->sum->regressed++;
  if (!lost) c->sum->gone++;
  tell(c, lost ? "regressed" : "gone", was, NULL);
}

static void compare_old(const comparer* c, const json_t* now) {
  size_t i;
  const json_t* was;
  json_array_foreach(json_object_get(c->before, "results"), i, was) {
    size_t column = find_column(c->before, column_of(was), c->after);
    const json_t* is = json_object_get(json_array_get(now, column), vs_results_text(was, "case"));
    if (is != NULL) {
      c->sum->common++;
      compare(c, was, is);
    } else {
      miss(c, was, column < columns_of(c->after));
    }
  }
}

static void look_for_new(const comparer* c, const json_t* then) {
  size_t i;
  const json_t* is;
  json_array_foreach(json_object_get(c->after, "results"), i, is) {
    size_t column = find_column(c->after, column_of(is), c->before);
    const json_t* was = json_object_get(json_array_get(then, column), vs_results_text(is, "case"));
    if (was != NULL) continue;
    c->sum->added++;
    tell(c, "new", NULL, is);
  }
}

bool vs_results_compare(const vs_screen* screen, const json_t* before, const json_t* after,
                        vs_comparison* comparison) {
  const comparer c = {screen, before, after, comparison};
  json_t* then = index_of(before);
  json_t* now = index_of(after);
  bool good = then != NULL && now != NULL;
  *comparison = (vs_comparison){0};
  if (good) {
    compare_old(&c, now);
    look_for_new(&c, then);
  }
  json_decref(then);
  json_decref(now);
  return good;
}
