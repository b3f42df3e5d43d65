// SPDX-License-Identifier: BSD-3-Clause
#include "contrast.h"

#include <string.h>

#include "results/view.h"

typedef struct contrast {
  FILE* out;  // NULL: nothing is told
  size_t calls;
  const vs_side* sides;
  vs_contrast sum;
  bool has_head;  // that of the case was printed
} contrast;

// --- one case -----------------------------------------------------------------------------------

static void head(contrast* c, const vs_result* one) {
  if (!c->has_head) fprintf(c->out, "%s: %s\n", one->id, one->title);
  c->has_head = true;
}

static void say_verdict(const contrast* c, size_t side, const vs_result* one) {
  char answer[VS_ANSWER_TEXT];
  fprintf(c->out, "  %s: %s", c->sides[side].name, vs_verdict_names[vs_result_shown(one)]);
  if (one->failure != NULL && one->failure->key != NULL) {
    const vs_way way = vs_failure_way(one->failure, 0);
    vs_way_answer(way, way.touched, answer);
    fprintf(c->out, " (%s)", answer);
  }
  fputc('\n', c->out);
}

static bool is_same_verdict(const vs_result* a, const vs_result* b) {
  if (a->verdict != b->verdict) return false;
  return a->failure == NULL || b->failure == NULL || vs_failure_is_same(a->failure, b->failure);
}

static size_t word_at(const char* text) {
  return strcspn(text, " \n");
}

// The status, and of what came with it the words that the other has not in this place.
static void say_unlike(FILE* out, const char* own, const char* other) {
  for (size_t i = 0; own[0] != '\0' && own[0] != '\n'; i++) {
    const size_t length = word_at(own);
    const bool same = length == word_at(other) && memcmp(own, other, length) == 0;
    if (i < 2 || !same) fprintf(out, " %.*s", (int)length, own);
    own += length + strspn(own + length, " ");
    other += word_at(other);
    other += strspn(other, " ");
  }
}

static void tell_call(const contrast* c, const vs_answers* const of[2], size_t op) {
  fprintf(c->out, "  %s\n", of[0]->ops.at[op]);
  const char* const answers[] = {of[0]->answers.at[op], of[1]->answers.at[op]};
  for (size_t i = 0; i < 2; i++) {
    fprintf(c->out, "    %s:", c->sides[i].name);
    say_unlike(c->out, answers[i], answers[1 - i]);
    fputc('\n', c->out);
  }
}

// The number of calls that the two answer otherwise; the first are told.
static size_t contrast_answers(contrast* c, const vs_result* one) {
  size_t found = 0;
  const vs_case* ours = vs_case_find(one->id);
  if (ours == NULL || c->sides[0].answers == NULL || c->sides[1].answers == NULL) return 0;
  const vs_answers* const of[] = {&c->sides[0].answers[ours - vs_cases],
                                  &c->sides[1].answers[ours - vs_cases]};
  if (of[0]->by_time || of[0]->ops.count != of[1]->ops.count) return 0;
  for (size_t i = 0; i < of[0]->ops.count; i++) {
    const char* const answers[] = {of[0]->answers.at[i], of[1]->answers.at[i]};
    const bool lacks = answers[0][0] == '\0' || answers[1][0] == '\0';
    if (lacks || strcmp(answers[0], answers[1]) == 0) continue;
    if (strcmp(of[0]->ops.at[i], of[1]->ops.at[i]) != 0) continue;
    if (found++ < c->calls && c->out != NULL) {
      head(c, one);
      tell_call(c, of, i);
    }
  }
  if (found > c->calls && c->out != NULL)
    fprintf(c->out, "  and %zu calls more: --full tells them\n", found - c->calls);
  return found;
}

static void contrast_case(contrast* c, const vs_result* a, const vs_result* b) {
  const bool same = is_same_verdict(a, b);
  c->has_head = false;
  c->sum.common++;
  c->sum.verdicts += !same;
  if (!same && c->out != NULL) {
    head(c, a);
    say_verdict(c, 0, a);
    say_verdict(c, 1, b);
  }
  c->sum.answers += contrast_answers(c, a) > 0 && same;
}

// --- all of them --------------------------------------------------------------------------------

static void lack(contrast* c, const vs_result* one, size_t side) {
  c->sum.alone++;
  if (c->out != NULL) fprintf(c->out, "%s: of %s alone\n", one->id, c->sides[side].name);
}

vs_contrast vs_results_contrast(FILE* out, size_t calls, const vs_side sides[2]) {
  contrast c = {.out = out, .calls = calls, .sides = sides};
  vs_view views[] = {vs_view_of(sides[0].results), vs_view_of(sides[1].results)};
  for (size_t i = 0; i < sides[0].results->results.count; i++) {
    const vs_result* one = &sides[0].results->results.at[i];
    const vs_result* other = vs_view_find(&views[1], one->id, 0);
    if (other != NULL) {
      contrast_case(&c, one, other);
    } else {
      lack(&c, one, 0);
    }
  }
  for (size_t i = 0; i < sides[1].results->results.count; i++) {
    const vs_result* one = &sides[1].results->results.at[i];
    if (vs_view_find(&views[0], one->id, 0) == NULL) lack(&c, one, 1);
  }
  vs_view_free(&views[0]);
  vs_view_free(&views[1]);
  return c.sum;
}
