// SPDX-License-Identifier: BSD-3-Clause
#include "collect.h"

#include <stdlib.h>
#include <string.h>

#include "process/child.h"
#include "statements/statement.h"

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
          seconds / 60 % 60, seconds % 60, c->stand, c->results->results.count, c->failures,
          c->failures == 1 ? "" : "s");
  fflush(c->progress);
  c->is_shown = true;
  c->shown = now;
}

// --- results ------------------------------------------------------------------------------------

static bool stands(const vs_collector* c, size_t target, size_t at) {
  return c->results->results.at[target * c->plan->case_count + at].id != NULL;
}

// Where a result stands: the run holds those of targets that are ready only.
static vs_result* place_of(const vs_collector* c, const vs_run* run, const vs_case_result* result) {
  size_t row = (size_t)(result - run->results) % c->plan->case_count;
  size_t column = (size_t)(result->target - c->plan->targets);
  return &c->results->results.at[column * c->plan->case_count + row];
}

static void count(vs_collector* c, const vs_result* one) {
  c->stand++;
  c->failures += one->failure != NULL;
}

static void write_down(vs_collector* c, const vs_result* one) {
  if (c->journal == NULL || c->journal->failed || vs_run_journal_add(c->journal, one)) return;
  clear(c);
  fprintf(stderr, "vcpuspec: %s\n", c->journal->why.text);
}

static void keep(vs_collector* c, const vs_run* run, const vs_case_result* result) {
  vs_result* one = place_of(c, run, result);
  const size_t column = (size_t)(result->target - c->plan->targets);
  vs_shim* shim = c->plan->targets[column].shim;
  *one = vs_results_of(&c->results->store, c->plan, result, column);
  if (shim != NULL) one->ended_before = vs_shim_take_ended(shim);
  c->results->backends.at[column].ended_between += one->ended_before;
  c->cut |= result->provisional;
  if (!result->provisional) write_down(c, one);
  count(c, one);
}

// As exec prints it: of a race, one after the other.
static void record(const vs_collector* c, const vs_case_result* result, const vs_trace* trace) {
  size_t row = 0;
  vs_file printed;
  if (c->traces == NULL || result->target != c->plan->targets) return;
  while (c->plan->cases[row] != result->c) row++;
  FILE* out = vs_needed(vs_memory_open(&printed));
  vs_statement_print_trace(out, trace, result->c, result->target->name);
  if (!vs_memory_close(out, &printed)) vs_needed(NULL);
  vs_file* all = &c->traces[row];
  all->text = vs_needed(realloc(all->text, all->length + printed.length + 1));
  memcpy(all->text + all->length, printed.text, printed.length + 1);
  all->length += printed.length;
  vs_file_free(&printed);
}

static void tell(vs_collector* c, const vs_run* run, const vs_case_result* result) {
  vs_result* one = place_of(c, run, result);
  if (one->id == NULL) return;
  if (c->expectations != NULL) vs_expectations_mark(c->expectations, c->results, one);
  clear(c);
  vs_tell_result(&c->telling, one, result->target->name);
}

static bool take_event(const vs_event* event, void* context) {
  vs_collector* c = context;
  switch (event->kind) {
    case VS_EVENT_ASKED:
      return stands(c, event->target, event->at);
    case VS_EVENT_RECORDED:
      record(c, event->result, event->trace);
      return true;
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
  const vs_results* all = collector->results;
  collector->plan = plan;
  collector->since = vs_now();
  collector->shown = collector->since;
  for (size_t i = 0; i < all->results.count; i++) {
    if (all->results.at[i].id != NULL) count(collector, &all->results.at[i]);
  }
  plan->sink = take_event;
  plan->context = collector;
}

void vs_collector_end(vs_collector* collector) {
  clear(collector);
  vs_tell_end(&collector->telling);
}
