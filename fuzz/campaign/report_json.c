// SPDX-License-Identifier: BSD-3-Clause
// docs/campaign.schema.json.
#include <inttypes.h>
#include <jansson.h>

#include "campaign.h"
#include "known.h"
#include "text/profile.h"

#define VERSION "1.1"

// Jansson frees what it is given also when it has no memory to add it: only `failed` is to be kept.
typedef struct writer {
  const vs_campaign_plan* plan;
  const vs_campaign_outcome* outcome;
  bool failed;
} writer;

static void put(writer* w, json_t* to, const char* name, json_t* value) {
  w->failed |= json_object_set_new(to, name, value) != 0;
}

static void put_text(writer* w, json_t* to, const char* name, const char* text) {
  json_t* value = json_string(text);
  put(w, to, name, value != NULL ? value : json_string("(not UTF-8)"));
}

static void put_number(writer* w, json_t* to, const char* name, uint64_t value) {
  put(w, to, name, json_integer((json_int_t)value));
}

static void put_run_and_all(writer* w, json_t* to, const char* name, uint64_t all,
                            uint64_t before) {
  json_t* both = json_object();
  put_number(w, both, "run", all - before);
  put_number(w, both, "all", all);
  put(w, to, name, both);
}

static void put_plan(writer* w, json_t* to) {
  char digest[16];
  char seed[24];
  snprintf(digest, sizeof digest, "%08" PRIx32, vs_profile_digest(w->plan->profile));
  snprintf(seed, sizeof seed, "0x%" PRIx64, w->plan->seed);
  put_text(w, to, "program", w->plan->version);
  put_text(w, to, "directory", w->plan->dir);
  put_text(w, to, "backend", w->plan->target->spec);
  put_text(w, to, "name", w->plan->target->name);
  put_text(w, to, "arch", vs_arch_find(w->plan->target->arch)->name);
  put_text(w, to, "profile", w->plan->profile->id);
  put_text(w, to, "profile_digest", digest);
  put_text(w, to, "target", vs_fuzz_target_names[w->plan->what]);
  put_text(w, to, "seed", seed);
  put_number(w, to, "jobs", w->plan->jobs);
}

static void put_totals(writer* w, json_t* to) {
  const vs_totals* all = &w->outcome->all;
  const vs_totals* before = &w->outcome->before;
  double seconds = all->seconds - before->seconds;
  uint64_t executions = all->executions - before->executions;
  json_t* times = json_object();
  put(w, times, "run", json_real(seconds));
  put(w, times, "all", json_real(all->seconds));
  put(w, to, "seconds", times);
  put_run_and_all(w, to, "executions", all->executions, before->executions);
  put_run_and_all(w, to, "calls", all->calls, before->calls);
  put_run_and_all(w, to, "unjudged", all->unjudged, before->unjudged);
  put(w, to, "per_second", json_real(seconds > 0 ? (double)executions / seconds : 0));
  put_number(w, to, "tuples", vs_totals_tuples(all));
  put_number(w, to, "corpus", w->outcome->corpus);
  put_number(w, to, "deaths", w->outcome->deaths);
  put_number(w, to, "pending", w->outcome->pending);
  put_number(w, to, "broken", w->outcome->broken);
}

static json_t* known_of(writer* w, const vs_expectation* entry) {
  const char* link = entry->words[VS_EXPECT_LINK];
  json_t* known = json_object();
  put_text(w, known, "state", vs_known_state(entry));
  put_text(w, known, "reason", entry->words[VS_EXPECT_REASON]);
  if (link != NULL) put_text(w, known, "link", link);
  put_number(w, known, "line", entry->line);
  return known;
}

static json_t* expired_of(writer* w) {
  json_t* list = json_array();
  size_t at = 0;
  const vs_expectation* entry;
  while ((entry = vs_known_next_over(w->plan, &at)) != NULL) {
    json_t* one = json_object();
    put_number(w, one, "line", entry->line);
    put_text(w, one, "expires", entry->words[VS_EXPECT_EXPIRES]);
    w->failed |= json_array_append_new(list, one) != 0;
  }
  return list;
}

static void put_expectations(writer* w, json_t* to) {
  const vs_expectations* known = w->plan->known;
  if (known == NULL) return;
  json_t* summary = json_object();
  put_text(w, summary, "file", known->path);
  put_number(w, summary, "entries", known->entries.count);
  put_number(w, summary, "findings", vs_known_count(w->outcome));
  put(w, summary, "expired", expired_of(w));
  put(w, to, "known", summary);
}

static json_t* finding_of(writer* w, const vs_finding* f) {
  char path[VS_FINDING_NAME + 32];
  json_t* one = json_object();
  json_t* allowed = json_array();
  for (uint8_t i = 0; i < f->allowed_count; i++) {
    w->failed |= json_array_append_new(allowed, json_string(f->allowed[i])) != 0;
  }
  snprintf(path, sizeof path, "findings/%s.vcpu", f->name);
  put_text(w, one, "id", f->name);
  if (f->has_clause) put_text(w, one, "clause", vs_clauses[f->clause].id);
  put(w, one, "allowed", allowed);
  if (f->got[0] != '\0') put_text(w, one, "got", f->got);
  if (f->answer[0] != '\0') put_text(w, one, "answer", f->answer);
  if (f->known != NULL) put(w, one, "known", known_of(w, f->known));
  if (f->death[0] != '\0') put_text(w, one, "died", f->death);
  put_text(w, one, "verdict", vs_finding_verdicts[f->verdict]);
  put_number(w, one, "failed", f->failed);
  put_number(w, one, "runs", f->runs);
  put_number(w, one, "ops", f->ops);
  put_text(w, one, "file", path);
  put_number(w, one, "seen", f->seen);
  put_text(w, one, "first", f->first);
  put(w, one, "new", json_boolean(f->is_new));
  return one;
}

bool vs_campaign_json(FILE* out, const vs_campaign_plan* plan, const vs_campaign_outcome* outcome) {
  writer w = {.plan = plan, .outcome = outcome};
  json_t* all = json_object();
  json_t* findings = json_array();
  put_text(&w, all, "schema", "vcpuspec campaign");
  put_text(&w, all, "version", VERSION);
  put_plan(&w, all);
  put_text(&w, all, "ended", vs_campaign_ends[outcome->end]);
  put_totals(&w, all);
  put_expectations(&w, all);
  for (size_t i = 0; i < outcome->finding_count; i++) {
    json_t* one = finding_of(&w, &outcome->findings[i]);
    w.failed |= json_array_append_new(findings, one) != 0;
  }
  put(&w, all, "findings", findings);
  w.failed |= json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0;
  fputc('\n', out);
  json_decref(all);
  return !w.failed;
}
