// SPDX-License-Identifier: BSD-3-Clause
// docs/campaign.schema.json.
#include <inttypes.h>

#include "campaign.h"
#include "known.h"
#include "reports/render.h"
#include "text/profile.h"

#define VERSION "1.2"

static json_t* text_of(const char* text) {
  json_t* value = json_string(text);
  return value != NULL ? value : json_string("(not UTF-8)");
}

static void put_text(json_t* to, const char* name, const char* text) {
  vs_form_set(to, name, text_of(text));
}

static void put_number(json_t* to, const char* name, uint64_t value) {
  vs_form_set(to, name, json_integer((json_int_t)value));
}

static void put_run_and_all(json_t* to, const char* name, uint64_t all, uint64_t before) {
  json_t* both = json_object();
  put_number(both, "run", all - before);
  put_number(both, "all", all);
  vs_form_set(to, name, both);
}

static void put_plan(const vs_campaign_plan* plan, json_t* to) {
  char digest[16];
  char seed[24];
  snprintf(digest, sizeof digest, "%08" PRIx32, vs_profile_digest(plan->profile));
  snprintf(seed, sizeof seed, "0x%" PRIx64, plan->seed);
  put_text(to, "program", plan->version);
  put_text(to, "directory", plan->dir);
  put_text(to, "backend", plan->target->spec);
  put_text(to, "name", plan->target->name);
  put_text(to, "arch", vs_arch_find(plan->target->arch)->name);
  put_text(to, "profile", plan->profile->id);
  put_text(to, "profile_digest", digest);
  put_text(to, "target", vs_fuzz_target_names[plan->what]);
  put_text(to, "seed", seed);
  put_number(to, "jobs", plan->jobs);
}

static void put_totals(const vs_campaign_outcome* outcome, json_t* to) {
  const vs_totals* all = &outcome->all;
  const vs_totals* before = &outcome->before;
  double seconds = all->seconds - before->seconds;
  uint64_t executions = all->executions - before->executions;
  json_t* times = json_object();
  vs_form_set(times, "run", json_real(seconds));
  vs_form_set(times, "all", json_real(all->seconds));
  vs_form_set(to, "seconds", times);
  put_run_and_all(to, "executions", all->executions, before->executions);
  put_run_and_all(to, "calls", all->calls, before->calls);
  put_run_and_all(to, "unjudged", all->unjudged, before->unjudged);
  vs_form_set(to, "per_second", json_real(seconds > 0 ? (double)executions / seconds : 0));
  put_number(to, "tuples", vs_totals_tuples(all));
  if (all->reachable > 0) {
    json_t* coverage = json_object();
    put_number(coverage, "reached", vs_totals_points(all));
    put_number(coverage, "reachable", all->reachable);
    vs_form_set(to, "coverage", coverage);
  }
  put_number(to, "corpus", outcome->corpus);
  put_number(to, "deaths", outcome->deaths);
  put_number(to, "pending", outcome->pending);
  put_number(to, "broken", outcome->broken);
}

static json_t* known_of(const vs_expectation* entry) {
  const char* link = entry->words[VS_EXPECT_LINK];
  json_t* known = json_object();
  put_text(known, "state", vs_known_state(entry));
  put_text(known, "reason", entry->words[VS_EXPECT_REASON]);
  if (link != NULL) put_text(known, "link", link);
  put_number(known, "line", entry->line);
  return known;
}

static json_t* expired_of(const vs_campaign_plan* plan) {
  json_t* list = json_array();
  size_t at = 0;
  const vs_expectation* entry;
  while ((entry = vs_known_next_over(plan, &at)) != NULL) {
    json_t* one = json_object();
    put_number(one, "line", entry->line);
    put_text(one, "expires", entry->words[VS_EXPECT_EXPIRES]);
    vs_form_add(list, one);
  }
  return list;
}

static void put_expectations(const vs_campaign_plan* plan, const vs_campaign_outcome* outcome,
                             json_t* to) {
  const vs_expectations* known = plan->known;
  if (known == NULL) return;
  json_t* summary = json_object();
  put_text(summary, "file", known->path);
  put_number(summary, "entries", known->entries.count);
  put_number(summary, "findings", vs_known_count(outcome));
  vs_form_set(summary, "expired", expired_of(plan));
  vs_form_set(to, "known", summary);
}

static json_t* finding_of(const vs_finding* f) {
  char path[VS_FINDING_NAME + 32];
  json_t* one = json_object();
  json_t* allowed = json_array();
  for (uint8_t i = 0; i < f->allowed_count; i++) {
    vs_form_add(allowed, text_of(f->allowed[i]));
  }
  snprintf(path, sizeof path, "findings/%s.vcpu", f->name);
  put_text(one, "id", f->name);
  if (f->has_clause) put_text(one, "clause", vs_clauses[f->clause].id);
  vs_form_set(one, "allowed", allowed);
  if (f->got[0] != '\0') put_text(one, "got", f->got);
  if (f->answer[0] != '\0') put_text(one, "answer", f->answer);
  if (f->known != NULL) vs_form_set(one, "known", known_of(f->known));
  if (f->death[0] != '\0') put_text(one, "died", f->death);
  put_text(one, "verdict", vs_finding_verdicts[f->verdict]);
  put_number(one, "failed", f->failed);
  put_number(one, "runs", f->runs);
  put_number(one, "ops", f->ops);
  put_text(one, "file", path);
  put_number(one, "seen", f->seen);
  put_text(one, "first", f->first);
  vs_form_set(one, "new", json_boolean(f->is_new));
  return one;
}

bool vs_campaign_json(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* outcome) {
  json_t* all = json_object();
  json_t* findings = json_array();
  put_text(all, "schema", "vcpuspec campaign");
  put_text(all, "version", VERSION);
  put_plan(plan, all);
  put_text(all, "ended", vs_campaign_ends[outcome->end]);
  put_totals(outcome, all);
  put_expectations(plan, outcome, all);
  for (size_t i = 0; i < outcome->finding_count; i++) {
    vs_form_add(findings, finding_of(&outcome->findings[i]));
  }
  vs_form_set(all, "findings", findings);
  vs_put_json(out, all, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
  return !ferror(out);
}
