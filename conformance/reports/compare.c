// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "results/view.h"

#include "compare.h"

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

// What a result is, with the answer of a failure, in the way that is number `at`.
static void say(FILE* out, const vs_result* result, size_t at) {
  char answer[VS_ANSWER_TEXT];
  fputs(vs_verdict_names[result->verdict], out);
  if (result->failure == NULL || result->failure->key == NULL) return;
  const vs_way way = vs_failure_way(result->failure, at);
  vs_way_answer(way, way.touched, answer);
  fprintf(out, " (%s)", answer);
}

// `at`: the way in which the later one fails anew.
static void tell(const comparer* c, const char* word, const vs_result* was, const vs_result* is,
                 size_t at) {
  FILE* out = c->screen->out;
  const vs_result* either = is != NULL ? is : was;
  const vs_column* backend = vs_backend_of(is != NULL ? &c->after : &c->before, either);
  fprintf(out, "%-10s %s on %s: ", word, either->id, backend->name);
  if (was != NULL) say(out, was, 0);
  if (was != NULL && is != NULL) fputs(" -> ", out);
  if (is != NULL) say(out, is, at);
  if (is == NULL) fputs(" -> gone", out);
  fputc('\n', out);
}

typedef enum among { NOT_AMONG, TOUCHES_MORE, IS_AMONG } among;

static among find_among(vs_way way, const vs_failure_told* failure) {
  for (size_t i = 0; i < vs_failure_ways(failure); i++) {
    const vs_way other = vs_failure_way(failure, i);
    if (vs_way_is_same(way, other)) return vs_way_is_within(way, other) ? IS_AMONG : TOUCHES_MORE;
  }
  return NOT_AMONG;
}

// The first way in which a case that failed fails as it did not: in one beside the first, or in
// bits or bytes in which it was right. The number of ways: none.
static size_t find_new_way(const vs_failure_told* was, const vs_failure_told* is) {
  for (size_t i = 0; i < vs_failure_ways(is); i++) {
    const among found = find_among(vs_failure_way(is, i), was);
    if (found == TOUCHES_MORE || (found == NOT_AMONG && i > 0)) return i;
  }
  return vs_failure_ways(is);
}

static void compare(comparer* c, const vs_result* was, const vs_result* is) {
  bool both_fail = was->failure != NULL && is->failure != NULL;
  const size_t at = both_fail ? find_new_way(was->failure, is->failure) : 0;
  const bool anew = both_fail && at < vs_failure_ways(is->failure);
  bool worse = (is_well(was->verdict) && !is_well(is->verdict)) ||
               (was->failure == NULL && is->failure != NULL) || anew;
  bool fixed = !worse && was->failure != NULL && is_well(is->verdict);
  bool same = was->verdict == is->verdict && !anew &&
              (!both_fail || vs_failure_is_same(was->failure, is->failure));
  c->sum.common++;
  c->sum.same += same;
  if (same) return;
  c->sum.regressed += worse;
  c->sum.fixed += fixed;
  c->sum.changed += !worse && !fixed;
  tell(c, worse ? "regressed" : fixed ? "fixed" : "changed", was, is, anew ? at : 0);
}

// What was well is lost where its column is still there; with the column, only the column is gone.
static void miss(comparer* c, const vs_result* was, bool has_column) {
  bool lost = has_column && is_well(was->verdict);
  if (lost) c->sum.regressed++;
  if (!lost) c->sum.gone++;
  tell(c, lost ? "regressed" : "gone", was, NULL, 0);
}

// What belongs to no case.
static void compare_columns(comparer* c, const vs_results* before, const vs_results* after) {
  for (size_t i = 0; i < after->backends.count; i++) {
    const vs_column* is = &after->backends.at[i];
    const size_t was = find_column(after, i, before);
    if (is->ended_between == 0 || was == before->backends.count) continue;
    if (before->backends.at[was].ended_between > 0) continue;
    c->sum.regressed++;
    fprintf(c->screen->out,
            "regressed  %s: it ended, or spoke unasked, %zu times between two cases\n", is->name,
            is->ended_between);
  }
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
    tell(&c, "new", NULL, is, 0);
  }
  compare_columns(&c, before, after);
  vs_view_free(&c.before);
  vs_view_free(&c.after);
  return c.sum;
}
