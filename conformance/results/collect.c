// SPDX-License-Identifier: BSD-3-Clause
#include "collect.h"

#include <stdlib.h>
#include <string.h>

#include "runner/child.h"

static json_t* list_of(const vs_collector* c) {
  return json_object_get(c->results, "results");
}

// --- progress -----------------------------------------------------------------------------------

static void clear(vs_collector* c) {
  if (c->is_shown) fputs("\r\033[K", c->progress);
  if (c->is_shown) fflush(c->progress);
  c->is_shown = false;
}

static void show_progress(vs_collector* c) {
  const double often = 0.2;
  double now = vs_now();
  if (c->progress == NULL || now - c->shown < often) return;
  unsigned seconds = (unsigned)(now - c->since);
  fprintf(c->progress, "\r\033[K%02u:%02u:%02u  %zu of %zu results  %zu failure%s", seconds / 3600,
          seconds / 60 % 60, seconds % 60, c->stand, json_array_size(list_of(c)), c->failures,
          c->failures == 1 ? "" : "s");
  fflush(c->progress);
  c->is_shown = true;
  c->shown = now;
}

// --- results ------------------------------------------------------------------------------------

static bool stands(const vs_collector* c, size_t target, size_t at) {
  return !json_is_null(json_array_get(list_of(c), target * c->plan->case_count + at));
}

static size_t column_of(const vs_collector* c, const vs_case_result* result) {
  return (size_t)(result->target - c->plan->targets);
}

// Where a result stands in the tree: the run holds those of targets that are ready only.
static size_t place_of(const vs_collector* c, const vs_run* run, const vs_case_result* result) {
  size_t row = (size_t)(result - run->results) % c->plan->case_count;
  return column_of(c, result) * c->plan->case_count + row;
}

static void count(vs_collector* c, const json_t* one) {
  c->stand++;
  c->failures += vs_verdict_is_failure(vs_results_verdict(vs_results_text(one, "verdict")));
}

static void write_down(vs_collector* c, const json_t* one) {
  if (c->journal == NULL || c->journal->failed || vs_run_journal_add(c->journal, one)) return;
  clear(c);
  fprintf(stderr, "vcpuspec: %s\n", c->journal->why);
}

static void keep(vs_collector* c, const vs_run* run, const vs_case_result* result) {
  json_t* one = vs_results_of(c->plan, result, column_of(c, result));
  if (one == NULL) {
    c->no_memory = true;
    return;
  }
  c->cut |= result->provisional;
  if (!result->provisional) write_down(c, one);
  count(c, one);
  c->no_memory |= json_array_set_new(list_of(c), place_of(c, run, result), one) != 0;
}

// The first case that failed in this way and was told; NULL: this one is.
static const char* first_alike(vs_collector* c, const json_t* one) {
  char* key = vs_show_alike_key(one);
  const char* first = NULL;
  vs_verdict shown = vs_results_shown(one);
  if (key == NULL || !vs_verdict_is_failure(shown)) {
    free(key);
    return NULL;
  }
  const json_t* known = json_object_get(c->alike, key);
  if (known != NULL) {
    first = json_string_value(known);
  } else {
    c->no_memory |= json_object_set(c->alike, key, json_object_get(one, "case")) != 0;
  }
  free(key);
  return first;
}

// A line of its own between what is expected and what is not.
static void space_out(vs_collector* c, vs_verdict shown) {
  bool expected = shown == VS_VERDICT_KNOWN || shown == VS_VERDICT_DISPUTED;
  bool told = expected || vs_verdict_is_failure(shown) || shown == VS_VERDICT_BROKEN;
  if (!told) return;
  if (c->in_list && !expected) fputc('\n', c->screen.out);
  c->in_list = expected;
}

static void tell(vs_collector* c, const vs_run* run, const vs_case_result* result) {
  json_t* one = json_array_get(list_of(c), place_of(c, run, result));
  if (!json_is_object(one)) return;
  if (c->expectations != NULL) {
    c->no_memory |= !vs_expectations_mark(c->expectations, c->results, one);
  }
  clear(c);
  space_out(c, vs_results_shown(one));
  vs_show_result(&c->screen, one, result->target->name, first_alike(c, one));
}

static bool take_event(const vs_event* event, void* context) {
  vs_collector* c = context;
  switch (event->kind) {
    case VS_EVENT_ASKED:
      return stands(c, event->target, event->at);
    case VS_EVENT_JUDGED:
      keep(c, event->run, event->result);
      return true;
    case VS_EVENT_TURN:
      tell(c, event->run, event->result);
      return true;
    default:
      show_progress(c);
      return true;
  }
}

void vs_collector_begin(vs_collector* collector, vs_plan* plan) {
  size_t i;
  const json_t* one;
  collector->plan = plan;
  collector->alike = json_object();
  collector->no_memory = collector->alike == NULL;
  collector->since = vs_now();
  collector->shown = collector->since;
  json_array_foreach(list_of(collector), i, one) {
    if (json_is_object(one)) count(collector, one);
  }
  plan->sink = take_event;
  plan->context = collector;
}

bool vs_collector_end(vs_collector* collector) {
  clear(collector);
  if (collector->in_list) fputc('\n', collector->screen.out);
  json_decref(collector->alike);
  return !collector->no_memory;
}
