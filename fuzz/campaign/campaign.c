// SPDX-License-Identifier: BSD-3-Clause
#include "campaign.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/refuse.h"
#include "files.h"
#include "known.h"
#include "merge.h"
#include "open.h"
#include "seeds.h"
#include "status.h"
#include "supervisor.h"

enum {
  TURN_MS = 20,
  SECONDS_TO_DRAIN = 20,  // to examine what is left, at the end
  SECONDS_PER_SAVE = 5,
  SECONDS_PER_LINE = 60  // where there is no terminal
};

const char* const vs_fuzz_target_names[2] = {[VS_FUZZ_SCRIPT] = "script", [VS_FUZZ_CALL] = "call"};

const char* const vs_campaign_ends[VS_CAMPAIGN_ENDS] = {
    [VS_CAMPAIGN_TIME] = "time",       [VS_CAMPAIGN_PLATEAU] = "plateau",
    [VS_CAMPAIGN_ENOUGH] = "findings", [VS_CAMPAIGN_STOPPED] = "stopped",
    [VS_CAMPAIGN_GAVE_UP] = "gave up", [VS_CAMPAIGN_REFUSED] = "refused",
    [VS_CAMPAIGN_BROKEN] = "broken",
};

// --- what the parts share -----------------------------------------------------------------------

void vs_supervisor_end(vs_supervisor* s, vs_campaign_end end, const char* format, ...) {
  va_list arguments;
  if (s->over && end != VS_CAMPAIGN_BROKEN) return;
  s->over = true;
  s->outcome->end = end;
  va_start(arguments, format);
  vs_refuse_as(&s->outcome->reason, format, arguments);
  va_end(arguments);
}

void vs_supervisor_say(const vs_supervisor* s, const char* format, ...) {
  va_list arguments;
  vs_status_clear(s->plan->out, s->plan->terminal);
  va_start(arguments, format);
  vfprintf(s->plan->out, format, arguments);
  va_end(arguments);
  fflush(s->plan->out);
}

double vs_supervisor_seconds(const vs_supervisor* s) {
  return s->base + (s->ended > 0 ? s->ended : vs_now()) - s->started;
}

bool vs_supervisor_save(vs_supervisor* s) {
  char path[VS_PATH];
  vs_path(path, s->plan->dir, NULL, "totals");
  s->earlier.seconds = vs_supervisor_seconds(s);
  if (vs_totals_write(path, &s->earlier)) return true;
  vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, "%.400s cannot be written: is the disk full?", path);
  return false;
}

// --- how it goes --------------------------------------------------------------------------------

static void add_up(vs_supervisor* s) {
  vs_totals* all = &s->outcome->all;
  size_t tuples = vs_totals_tuples(all);
  *all = s->earlier;
  all->seconds = vs_supervisor_seconds(s);
  for (unsigned i = 0; i < s->plan->jobs; i++) {
    if (s->fuzzers[i].state != NULL) vs_totals_add(all, s->fuzzers[i].state);
  }
  if (vs_totals_tuples(all) > tuples) s->last_new = vs_now();
}

typedef struct pace {
  double looked;
  double told;
  double saved;
  uint64_t executions;
  double rate;
} pace;

static void tell(vs_supervisor* s, const pace* p, double now) {
  if (s->plan->quiet) return;
  const vs_campaign_outcome* o = s->outcome;
  size_t known = vs_known_count(o);
  const vs_status status = {.elapsed = now - s->started,
                            .rate = p->rate,
                            .executions = o->all.executions,
                            .tuples = vs_totals_tuples(&o->all),
                            .points = vs_totals_points(&o->all),
                            .reachable = o->all.reachable,
                            .corpus = o->corpus,
                            .findings = o->finding_count - known,
                            .known = known,
                            .pending = s->pending,
                            .since = now - s->last_new};
  vs_status_print(s->plan->out, &status, s->plan->terminal);
}

static void count_corpus(vs_supervisor* s) {
  char path[VS_PATH];
  vs_path(path, s->plan->dir, "corpus", NULL);
  s->outcome->corpus = vs_files_each(path, NULL, NULL);
}

// Once a second.
static void look(vs_supervisor* s, pace* p) {
  double now = vs_now();
  vs_why why;
  if (now - p->looked < 1) return;
  if (!vs_identity_holds(&s->plan->target->identity, &why))
    vs_supervisor_end(s, VS_CAMPAIGN_GAVE_UP, "%s", why.text);
  add_up(s);
  count_corpus(s);
  for (unsigned i = 0; i < s->plan->jobs; i++) {
    if (s->fuzzers[i].serial != 0) vs_fuzzer_tend_log(&s->fuzzers[i]);
  }
  uint64_t executions = s->outcome->all.executions;
  double rate = (double)(executions - p->executions) / (now - p->looked);
  p->rate = p->rate > 0 ? 0.7 * p->rate + 0.3 * rate : rate;
  p->executions = executions;
  p->looked = now;
  if (s->plan->terminal || now - p->told >= SECONDS_PER_LINE) {
    tell(s, p, now);
    p->told = now;
  }
  if (now - p->saved < SECONDS_PER_SAVE) return;
  vs_supervisor_save(s);
  p->saved = now;
}

static bool is_stopped(const vs_campaign_plan* plan) {
  return plan->stop != NULL && *plan->stop != 0;
}

static void mind_limits(vs_supervisor* s) {
  const vs_campaign_plan* plan = s->plan;
  double now = vs_now();
  const bool over = (plan->seconds > 0 && now - s->started >= plan->seconds) ||
                    (plan->plateau > 0 && now - s->last_new >= plan->plateau);
  if (is_stopped(plan)) vs_supervisor_end(s, VS_CAMPAIGN_STOPPED, "interrupted");
  if (over && vs_jobs_are_fruitless(s)) {
    vs_supervisor_end(s, VS_CAMPAIGN_GAVE_UP,
                      "the backend could not be opened again, and nothing has been executed since: "
                      "see %.300s/log.0",
                      plan->dir);
  }
  if (plan->findings > 0 && s->new_findings >= plan->findings) {
    vs_supervisor_end(s, VS_CAMPAIGN_ENOUGH, "as many findings as asked for");
  }
  if (plan->seconds > 0 && now - s->started >= plan->seconds) {
    vs_supervisor_end(s, VS_CAMPAIGN_TIME, "the time is over");
  }
  // What has only begun is on no plateau.
  const bool executed = s->outcome->all.executions > s->outcome->before.executions;
  if (executed && plan->plateau > 0 && now - s->last_new >= plan->plateau) {
    vs_supervisor_end(s, VS_CAMPAIGN_PLATEAU, "nothing new for %g s", plan->plateau);
  }
}

// --- from beginning to end ----------------------------------------------------------------------

static void wait_a_turn(void) {
  const struct timespec pause = {0, TURN_MS * 1000000};
  nanosleep(&pause, NULL);
}

static void begin(vs_supervisor* s) {
  char path[VS_PATH];
  vs_path(path, s->plan->dir, NULL, "totals");
  if (!vs_totals_read(path, &s->earlier)) {
    return vs_supervisor_end(s, VS_CAMPAIGN_REFUSED, "%.400s cannot be read", path);
  }
  s->base = s->earlier.seconds;
  s->started = s->last_new = vs_now();
  vs_jobs_gather(s);
  vs_queue_load(s);
  s->outcome->before = s->outcome->all = s->earlier;
  count_corpus(s);
  vs_path(path, s->plan->dir, "corpus", NULL);
  bool begun = s->base > 0 && s->outcome->corpus > 0;
  if (begun || s->over) return;
  if (vs_fuzz_write_seeds(path, s->plan->what, s->plan->target->arch) == 0) {
    vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, "%.400s cannot be written", path);
  }
}

static void merge(vs_supervisor* s) {
  vs_why why;
  size_t before = s->outcome->corpus;
  vs_campaign_merge_clean(s->plan);
  if (!s->plan->merge) return;
  bool good = vs_campaign_merge(s->plan, &why);
  count_corpus(s);
  s->started = s->last_new = vs_now();
  if (good) {
    if (!s->plan->quiet)
      vs_supervisor_say(s, "merged: %zu inputs of %zu are left\n", s->outcome->corpus, before);
  } else if (!is_stopped(s->plan)) {
    vs_supervisor_end(s, VS_CAMPAIGN_GAVE_UP, "the corpus could not be merged: %s", why.text);
  }
}

static void work(vs_supervisor* s) {
  pace p = {.looked = s->started, .told = s->started, .saved = s->started};
  p.executions = s->outcome->all.executions;
  while (!s->over) {
    vs_jobs_tend(s);
    vs_queue_tend(s);
    look(s, &p);
    mind_limits(s);
    if (!s->over) wait_a_turn();
  }
}

// What was found towards the end is examined too, unless somebody waits.
static void drain(vs_supervisor* s) {
  double until = vs_now() + SECONDS_TO_DRAIN;
  bool patient = s->outcome->end == VS_CAMPAIGN_TIME || s->outcome->end == VS_CAMPAIGN_PLATEAU;
  if (!patient) return;
  do {
    vs_queue_tend(s);
    if (s->examiner.raw[0] == '\0') return;
    wait_a_turn();
  } while (vs_now() < until && !is_stopped(s->plan) && s->outcome->end != VS_CAMPAIGN_BROKEN);
}

static void update_findings(vs_supervisor* s) {
  vs_campaign_outcome* o = s->outcome;
  for (size_t i = 0; i < o->finding_count; i++) {
    vs_finding* finding = &o->findings[i];
    uint64_t seen = vs_totals_seen(&o->all, vs_finding_digest(finding->name));
    if (seen <= finding->seen) continue;
    finding->seen = seen;
    vs_finding_update(s->plan->dir, finding);
  }
}

static void end(vs_supervisor* s) {
  char path[VS_PATH];
  s->ended = vs_now();
  vs_jobs_stop(s);
  drain(s);
  vs_queue_stop(s);
  vs_children_end();
  vs_supervisor_save(s);
  add_up(s);
  count_corpus(s);
  update_findings(s);
  s->outcome->pending = s->pending;
  vs_path(path, s->plan->dir, "broken", NULL);
  s->outcome->broken = vs_files_each(path, NULL, NULL);
  vs_status_clear(s->plan->out, s->plan->terminal);
}

static void run(vs_supervisor* s) {
  begin(s);
  s->started = s->last_new = vs_now();  // what was there to be done first does not count
  if (!s->over) merge(s);
  work(s);
  end(s);
}

vs_campaign_end vs_campaign(const vs_campaign_plan* plan, vs_campaign_outcome* outcome) {
  memset(outcome, 0, sizeof *outcome);
  if (!vs_campaign_open(plan, outcome)) return outcome->end;
  vs_supervisor* s = calloc(1, sizeof *s);
  vs_examination* result = vs_shared_new(sizeof *result);
  if (s != NULL && result != NULL) {
    s->plan = plan;
    s->outcome = outcome;
    s->examiner.result = result;
    run(s);
  } else {
    outcome->end = VS_CAMPAIGN_BROKEN;
    vs_refuse(&outcome->reason, "no memory");
  }
  vs_shared_free(result, sizeof *result);
  free(s);
  return outcome->end;
}
