// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "known.h"
#include "supervisor.h"

// --- the findings that are there ----------------------------------------------------------------

// NULL: the file is none, or there is no room.
static const vs_finding* add_finding(vs_supervisor* s, const char* name, bool is_new) {
  vs_campaign_outcome* o = s->outcome;
  o->crowded |= o->finding_count == VS_CAMPAIGN_FINDINGS;
  if (o->crowded) return NULL;
  vs_finding* finding = &o->findings[o->finding_count];
  if (!vs_finding_read(s->plan->dir, name, finding)) return NULL;
  finding->is_new = is_new;
  vs_known_mark(s->plan, finding);
  o->finding_count++;
  return finding;
}

static bool load(const char* name, void* context) {
  vs_supervisor* s = context;
  add_finding(s, name, false);
  return !s->outcome->crowded;
}

static int by_first(const void* a, const void* b) {
  const vs_finding* x = a;
  const vs_finding* y = b;
  int order = strcmp(x->first, y->first);
  return order != 0 ? order : strcmp(x->name, y->name);
}

void vs_queue_load(vs_supervisor* s) {
  char path[VS_PATH];
  vs_campaign_outcome* o = s->outcome;
  vs_path(path, s->plan->dir, "findings", NULL);
  vs_files_each(path, load, s);
  qsort(o->findings, o->finding_count, sizeof o->findings[0], by_first);
}

// --- what is still to be examined ---------------------------------------------------------------

static bool look_at(const char* name, void* context) {
  vs_supervisor* s = context;
  char path[VS_PATH];
  bool fits = strlen(name) < sizeof s->next;
  if (!vs_ends_in(name, ".vcpu") || !fits) return true;
  vs_path(path, s->plan->dir, "findings", name);
  bool is_crash = vs_crash_is_name(name);
  if (!is_crash && vs_file_exists(path)) return true;
  s->pending++;
  s->pending_crashes += is_crash;
  // Crashes first: processes wait for them.
  if (s->next[0] == '\0' || is_crash) memcpy(s->next, name, strlen(name) + 1);
  return true;
}

static void look(vs_supervisor* s) {
  char path[VS_PATH];
  s->pending = s->pending_crashes = 0;
  s->next[0] = '\0';
  vs_path(path, s->plan->dir, "raw", NULL);
  vs_files_each(path, look_at, s);
}

// --- one examination ----------------------------------------------------------------------------

static void move_raw(const vs_supervisor* s, const char* within, const char* name) {
  char from[VS_PATH];
  char to[VS_PATH];
  vs_path(from, s->plan->dir, "raw", s->examiner.raw);
  vs_path(to, s->plan->dir, within, name);
  rename(from, to);
}

// What has become a finding has the same name as a raw one.
static void keep_raw(const vs_supervisor* s) {
  char name[VS_FINDING_NAME + 8];
  if (!vs_crash_is_name(s->examiner.raw)) return;
  snprintf(name, sizeof name, "%s.vcpu", s->examiner.result->name);
  move_raw(s, "raw", name);
}

static void drop_raw(const vs_supervisor* s) {
  char path[VS_PATH];
  vs_path(path, s->plan->dir, "raw", s->examiner.raw);
  unlink(path);
}

// Violations were counted by the process that saw them.
static void count_crash(vs_supervisor* s) {
  if (!vs_crash_is_name(s->examiner.raw)) return;
  vs_totals_see(&s->earlier, vs_finding_digest(s->examiner.result->name), 1);
  vs_supervisor_save(s);
}

static void tell_known(const vs_supervisor* s, const vs_finding* f) {
  if (s->plan->quiet) return;
  vs_supervisor_say(s, "%s  %s: %s (%s:%zu)\n\n", vs_known_state(f->known), f->name,
                    f->known->words[VS_EXPECT_REASON], s->plan->known->path, f->known->line);
}

static void take_finding(vs_supervisor* s) {
  char name[VS_FINDING_NAME + 8];
  snprintf(name, sizeof name, "%s.vcpu", s->examiner.result->name);
  count_crash(s);
  const vs_finding* finding = add_finding(s, name, true);
  keep_raw(s);
  s->last_new = vs_now();
  if (finding != NULL && finding->known != NULL) return tell_known(s, finding);
  s->new_findings++;
  vs_supervisor_say(s, "%s", s->examiner.result->text);
}

static void take_broken(vs_supervisor* s) {
  move_raw(s, "broken", s->examiner.raw);
  vs_supervisor_say(s, "BROKEN %s: %s; kept in %s/broken\n", s->examiner.raw,
                    s->examiner.result->note, s->plan->dir);
}

static void take(vs_supervisor* s) {
  switch (s->examiner.result->outcome) {
    case VS_EXAMINED_FOUND:
      return take_finding(s);
    case VS_EXAMINED_KNOWN:
      count_crash(s);
      return drop_raw(s);
    case VS_EXAMINED_NOTHING:
      return drop_raw(s);
    case VS_EXAMINED_BROKEN:
      return take_broken(s);
    default:
      break;
  }
  const char* note = s->examiner.result->note;
  vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, "raw/%s cannot be made a finding: %s", s->examiner.raw,
                    note[0] != '\0' ? note : "no memory");
}

// One that ends its examination twice is not run a third time.
static void conclude(vs_supervisor* s) {
  const char* limit = vs_death_by_limit(&s->examiner.child);
  if (limit != NULL) {
    s->examiner.raw[0] = '\0';
    return vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, LIMITED, limit);
  }
  bool ended = s->examiner.result->outcome == VS_EXAMINED_NOT;
  bool again = strcmp(s->failed, s->examiner.raw) == 0;
  if (ended) memcpy(s->failed, s->examiner.raw, sizeof s->failed);
  if (ended && again) vs_examiner_give_up(&s->examiner);
  if (!ended || again) take(s);
  s->examiner.raw[0] = '\0';
}

static void begin(vs_supervisor* s) {
  vs_examiner* e = &s->examiner;
  e->plan = s->plan;
  memcpy(e->raw, s->next, sizeof e->raw);
  uint32_t digest = vs_finding_digest(e->raw);
  uint64_t seen = digest != 0 ? vs_totals_seen(&s->outcome->all, digest) : 0;
  e->seen = seen > 0 ? seen : 1;
  if (vs_examiner_start(e)) return;
  e->raw[0] = '\0';
  vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, "no process to examine raw/%s with", s->next);
}

void vs_queue_tend(vs_supervisor* s) {
  if (s->examiner.raw[0] != '\0') {
    if (!vs_child_ended(&s->examiner.child)) return;
    conclude(s);
  }
  look(s);
  bool broken = s->over && s->outcome->end == VS_CAMPAIGN_BROKEN;
  if (!broken && s->next[0] != '\0') begin(s);
}

void vs_queue_stop(vs_supervisor* s) {
  if (s->examiner.raw[0] != '\0') {
    vs_child_kill(&s->examiner.child);
    if (s->examiner.result->outcome != VS_EXAMINED_NOT) take(s);
    s->examiner.raw[0] = '\0';
  }
  look(s);
}
