// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>

#include "campaign.h"
#include "known.h"
#include "status.h"

static const char* word_of(const vs_finding* f) {
  if (f->known != NULL) return vs_known_state(f->known);
  if (vs_finding_is_stall(f)) return "stall";
  return f->verdict == VS_FINDING_FLAKY ? "FLAKY" : "FAIL ";
}

static void print_known(FILE* out, const vs_campaign_plan* plan, const vs_finding* f) {
  const char* link = f->known->words[VS_EXPECT_LINK];
  fprintf(out, "  reason   %s (%s:%zu)\n", f->known->words[VS_EXPECT_REASON], plan->known->path,
          f->known->line);
  if (link != NULL) fprintf(out, "  link     %s\n", link);
}

static void print_finding(FILE* out, const vs_campaign_plan* plan, const vs_finding* f) {
  fprintf(out, "\n%s  %s%s\n", word_of(f), f->has_clause ? vs_clauses[f->clause].id : f->name,
          f->is_new ? "" : "  (found before)");
  if (f->known != NULL && plan->known != NULL) print_known(out, plan, f);
  for (uint8_t i = 0; i < f->allowed_count; i++) {
    fprintf(out, "  %s %s\n", i == 0 ? "allowed " : "or      ", f->allowed[i]);
  }
  if (f->got[0] != '\0') fprintf(out, "  got      %s\n", f->got);
  if (f->death[0] != '\0') fprintf(out, "  because  %s\n", f->death);
  if (f->verdict == VS_FINDING_NOT_ALONE) {
    fprintf(out, "  alone    not seen again in %u runs\n", f->runs);
  } else {
    fprintf(out, "  alone    fails %u of %u times\n", f->failed, f->runs);
  }
  fprintf(out, "  seen     %" PRIu64 " times, first %s\n", f->seen, f->first);
  fprintf(out, "  script   %s/findings/%s.vcpu, %zu op%s\n", plan->dir, f->name, f->ops,
          f->ops == 1 ? "" : "s");
}

static void print_totals(FILE* out, const vs_campaign_outcome* o) {
  char run[32];
  char all[32];
  double seconds = o->all.seconds - o->before.seconds;
  uint64_t executions = o->all.executions - o->before.executions;
  vs_say_time(seconds, run);
  vs_say_time(o->all.seconds, all);
  fprintf(out, "time     %s, in all %s\n", run, all);
  fprintf(out, "inputs   %" PRIu64 ", in all %" PRIu64 "; %.0f per second\n", executions,
          o->all.executions, seconds > 0 ? (double)executions / seconds : 0);
  fprintf(out, "calls    %" PRIu64 ", in all %" PRIu64 "\n", o->all.calls - o->before.calls,
          o->all.calls);
  uint64_t unjudged = o->all.unjudged - o->before.unjudged;
  if (o->all.unjudged > 0) {
    fprintf(out, "unjudged %" PRIu64 " inputs, in all %" PRIu64 ", from some call on\n", unjudged,
            o->all.unjudged);
  }
  fprintf(out, "reached  %zu tuples of clause, facts and verdict; corpus: %zu inputs\n",
          vs_totals_tuples(&o->all), o->corpus);
  if (o->all.reachable > 0) {
    fprintf(out, "coverage %zu of %" PRIu32 " combinations\n", vs_totals_points(&o->all),
            o->all.reachable);
  }
}

// What findings alone do not say.
static void print_rest(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* o) {
  if (o->crowded) {
    fprintf(out, "\n%d findings are all that is looked at, and there are more in %s/findings\n",
            VS_CAMPAIGN_FINDINGS, plan->dir);
  }
  if (o->pending > 0) {
    fprintf(out, "\n%zu more in %s/raw are still to be made smaller: the same command goes on\n",
            o->pending, plan->dir);
  }
  if (o->broken > 0) {
    fprintf(out, "\nBROKEN  %zu scripts in %s/broken could not be judged\n", o->broken, plan->dir);
  }
}

// New ones were told as they came.
static void report_quietly(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* o,
                           size_t fresh, size_t known) {
  char time[32];
  for (size_t i = 0; i < o->finding_count; i++) {
    const vs_finding* f = &o->findings[i];
    if (!f->is_new && f->known == NULL) print_finding(out, plan, f);
  }
  print_rest(out, plan, o);
  vs_say_time(o->all.seconds - o->before.seconds, time);
  fprintf(out,
          "%sfuzzed %s, profile %s: findings %zu, %zu of them new; %zu known; %" PRIu64
          " inputs in %s; ended: %s\n",
          o->finding_count + o->pending + o->broken > 0 ? "\n" : "", plan->target->name,
          plan->profile->id, o->finding_count - known, fresh, known,
          o->all.executions - o->before.executions, time, o->reason.text);
}

void vs_campaign_report(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* o) {
  size_t fresh = 0;
  size_t known = vs_known_count(o);
  for (size_t i = 0; i < o->finding_count; i++) {
    fresh += o->findings[i].is_new && o->findings[i].known == NULL;
  }
  if (plan->quiet) {
    report_quietly(out, plan, o, fresh, known);
    return;
  }
  fprintf(out, "fuzzed   %s, profile %s, target %s, seed %" PRIu64 "; ended: %s\n",
          plan->target->name, plan->profile->id, vs_fuzz_target_names[plan->what], plan->seed,
          o->reason.text);
  print_totals(out, o);
  fprintf(out, "findings %zu, %zu of them new", o->finding_count - known, fresh);
  if (plan->known != NULL) fprintf(out, "; %zu known", known);
  fputc('\n', out);
  vs_known_tell_over(out, plan);
  for (size_t i = 0; i < o->finding_count; i++) print_finding(out, plan, &o->findings[i]);
  print_rest(out, plan, o);
}
