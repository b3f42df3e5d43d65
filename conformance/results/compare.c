// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "merge.h"

typedef struct comparer {
  const vs_screen* screen;
  vs_view before;
  vs_view after;
  vs_comparison sum;
} comparer;

// The column of `to` that is this backend; the number of them: none is.
static size_t find_column(const vs_results* from, size_t at, const vs_results* to) {
  const vs_column* a = &from->backends.at[at];
  if (from->backends.count == 1 && to->backends.count == 1) return 0;
  for (size_t i = 0; i < to->backends.count; i++) {
    const vs_column* b = &to->backends.at[i];
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->profile, b->profile) == 0;
    if (same && strcmp(a->arch, b->arch) == 0) return i;
  }
  return to->backends.count;
}

static bool is_well(vs_verdict verdict) {
  return verdict == VS_VERDICT_PASS || verdict == VS_VERDICT_PERMITTED;
}

// What a result is, with the answer of a failure.
static void say(FILE* out, const vs_result* result) {
  fputs(vs_verdict_names[result->verdict], out);
  if (result->failure != NULL && result->failure->key != NULL)
    fprintf(out, " (%s)", result->failure->key);
}

static void tell(const comparer* c, const char* word, const vs_result* was, const vs_result* is) {
  FILE* out = c->screen->out;
  const vs_result* either = is != NULL ? is : was;
  const vs_column* backend = vs_backend_of(is != NULL ? &c->after : &c->before, either);
  fprintf(out, "%-10s %s on %s: ", word, either->id, backend->name);
  if (was != NULL) say(out, was);
  if (was != NULL && is != NULL) fputs(" -> ", out);
  if (is != NULL) say(out, is);
  if (is == NULL) fputs(" -> gone", out);
  fputc('\n', out);
}

static bool is_among(vs_way way, const vs_failure_told* failure) {
  for (size_t i = 0; i < vs_failure_ways(failure); i++) {
    if (vs_way_is_same(way, vs_failure_way(failure, i))) return true;
  }
  return false;
}

// True if a case that failed fails in another way, beside the first, in which it did not.
static bool fails_anew(const vs_failure_told* was, const vs_failure_told* is) {
  for (size_t i = 1; i < vs_failure_ways(is); i++) {
    if (!is_among(vs_failure_way(is, i), was)) return true;
  }
  return false;
}

static void compare(comparer* c, const vs_result* was, const vs_result* is) {
  bool both_fail = was->failure != NULL && is->failure != NULL;
  bool worse = (is_well(was->verdict) && !is_well(is->verdict)) ||
               (was->failure == NULL && is->failure != NULL) ||
               (both_fail && fails_anew(was->failure, is->failure));
  bool fixed = !worse && was->failure != NULL && is_well(is->verdict);
  bool same =
      was->verdict == is->verdict && (!both_fail || vs_failure_is_same(was->failure, is->failure));
  c->sum.common++;
  c->sum.same += same;
  if (same) return;
  c->sum.regressed += worse;
  c->sum.fixed += fixed;
  c->sum.changed += !worse && !fixed;
  tell(c, worse ? "regressed" : fixed ? "fixed" : "changed", was, is);
}

// What was well is lost where its column is still there; with the column, only the column is gone.
static void miss(comparer* c, const vs_result* was, bool has_column) {
  bool lost = has_column && is_well(was->verdict);
  if (lost) c->sum.regressed++;
  if (!lost) c->sum.gone++;
  tell(c, lost ? "regressed" : "gone", was, NULL);
}

vs_comparison vs_results_compare(const vs_screen* screen, const vs_results* before,
                                 const vs_results* after) {
  comparer c = {screen, vs_view_of(before), vs_view_of(after), {0}};
  for (size_t i = 0; i < before->results.count; i++) {
    const vs_result* was = &before->results.at[i];
    size_t column = find_column(before, was->backend, after);
    const vs_result* is = vs_view_find(&c.after, was->id, column);
    if (is != NULL) {
      compare(&c, was, is);
    } else {
      miss(&c, was, column < after->backends.count);
    }
  }
  for (size_t i = 0; i < after->results.count; i++) {
    const vs_result* is = &after->results.at[i];
    if (vs_view_find(&c.before, is->id, find_column(after, is->backend, before)) != NULL) continue;
    c.sum.added++;
    tell(&c, "new", NULL, is);
  }
  vs_view_free(&c.before);
  vs_view_free(&c.after);
  return c.sum;
}
