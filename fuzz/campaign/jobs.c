// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "supervisor.h"
#include "text/file.h"

enum {
  FRUITLESS = 3,       // processes in a row that executed nothing: no more are started
  KILLED = 20,         // the same, if somebody else has ended the last
  CRASHES_WAITING = 4  // to be examined: until then no more processes are started
};

// --- what a process leaves --------------------------------------------------------------------

// Adds it, once, whatever happens meanwhile.
static void absorb(vs_supervisor* s, uint64_t serial, const vs_fuzz_state* state) {
  char path[VS_PATH];
  if (!vs_totals_has(&s->earlier, serial)) {
    if (state != NULL) vs_totals_add(&s->earlier, state);
    vs_totals_mark(&s->earlier, serial);
    if (!vs_supervisor_save(s)) return;
  }
  vs_state_path(s->plan->dir, serial, path);
  unlink(path);
}

// True if what was executed last is still to be looked at: its end was not seen, or not kept.
static bool is_open(const vs_fuzz_state* state) {
  return state->phase == VS_FUZZ_EXECUTING || state->writing != 0;
}

static bool gather(const char* name, void* context) {
  vs_supervisor* s = context;
  char path[VS_PATH];
  char* end = NULL;
  if (strncmp(name, "state.", 6) != 0) return true;
  uint64_t serial = strtoull(name + 6, &end, 10);
  if (end == name + 6 || *end != '\0') return true;
  vs_state_path(s->plan->dir, serial, path);
  vs_fuzz_state* state = vs_state_map(path, false);
  if (state != NULL && is_open(state) && !vs_totals_has(&s->earlier, serial)) {
    const vs_crash crash = vs_crash_left(state->phase);
    vs_crash_write(s->plan, serial, &crash, state);
  }
  absorb(s, serial, state);
  vs_state_unmap(state);
  return !s->over;
}

void vs_jobs_gather(vs_supervisor* s) {
  vs_files_each(s->plan->dir, gather, s);
}

// --- inputs that end the process -----------------------------------------------------------------

typedef struct input {
  const vs_campaign_plan* plan;
  const uint8_t* bytes;
  size_t size;
} input;

// The last of the past.
static bool last_input(const vs_fuzz_state* state, input* last) {
  size_t used = state->past_used <= VS_FUZZ_PAST ? state->past_used : 0;
  for (size_t at = 0; at + 2 <= used;) {
    last->size = state->past[at] | (size_t)state->past[at + 1] << 8;
    last->bytes = state->past + at + 2;
    at += 2 + last->size;
    if (at > used) return false;
  }
  return last->bytes != NULL;
}

static bool set_aside_if_same(const char* name, void* context) {
  const input* last = context;
  char path[VS_PATH];
  char to[VS_PATH];
  vs_why why;
  struct stat status;
  vs_file file;
  vs_path(path, last->plan->dir, "corpus", name);
  if (stat(path, &status) != 0 || (size_t)status.st_size != last->size) return true;
  if (!vs_file_read(path, &file, &why)) return true;
  bool same = file.length == last->size && memcmp(file.text, last->bytes, last->size) == 0;
  vs_file_free(&file);
  if (!same) return true;
  vs_path(to, last->plan->dir, "set-aside", name);
  rename(path, to);
  return false;
}

// Each process begins with all inputs of the corpus: none would get past one that ends it.
static void set_aside(const vs_campaign_plan* plan, const vs_fuzz_state* state) {
  char corpus[VS_PATH];
  input last = {.plan = plan};
  if (!last_input(state, &last)) return;
  vs_path(corpus, plan->dir, "corpus", NULL);
  vs_files_each(corpus, set_aside_if_same, &last);
}

// --- a process has ended ------------------------------------------------------------------------

static bool is_fruitless(const vs_fuzzer* fuzzer) {
  const vs_fuzz_state* state = fuzzer->state;
  bool executes = state->phase == VS_FUZZ_EXECUTING || state->phase == VS_FUZZ_JUDGING;
  return state->magic != VS_FUZZ_MAGIC || (state->executions == 0 && !executes);
}

static void count_fruitless(vs_supervisor* s, const vs_fuzzer* fuzzer) {
  char words[1024];
  char death[128];
  s->fruitless = is_fruitless(fuzzer) ? s->fruitless + 1 : 0;
  vs_crash crash = vs_crash_of(&fuzzer->child, fuzzer->state->phase, fuzzer->hung, 0);
  bool hopeless = s->fruitless > 0 && fuzzer->hung;
  if (s->fruitless < (crash.foreign ? KILLED : FRUITLESS) && !hopeless) return;
  vs_death_describe(&fuzzer->child, vs_now() - fuzzer->started, death, sizeof death);
  vs_fuzzer_last_words(fuzzer, words, sizeof words);
  vs_supervisor_end(s, VS_CAMPAIGN_GAVE_UP, "%.300s executes nothing: it %s; its last words:\n%s",
                    s->plan->fuzzer, fuzzer->hung ? "did not begin" : death, words);
}

// One that crashes is examined before many more are started; one that does nothing may need time.
static void let_rest(vs_fuzzer* fuzzer, bool fruitless) {
  enum { REST_MS = 10, LONG_REST_MS = 300 };
  fuzzer->rest = vs_now() + (fruitless ? LONG_REST_MS : REST_MS) * 1e-3;
}

static void note_crash(vs_supervisor* s, const vs_fuzzer* fuzzer) {
  const vs_fuzz_state* state = fuzzer->state;
  vs_crash crash = vs_crash_of(&fuzzer->child, state->phase, fuzzer->hung, s->plan->timeout);
  bool exited = fuzzer->child.death == VS_DEATH_EXIT && !fuzzer->hung;
  bool judging = crash.phase == VS_FUZZ_JUDGING;
  if (!is_open(state) && (crash.foreign || (exited && !judging))) return;
  if (vs_crash_write(s->plan, fuzzer->serial, &crash, state)) {
    if (!crash.foreign) set_aside(s->plan, state);
    return;
  }
  vs_supervisor_say(s, "a fuzzing process %s, and left nothing that could be tried again\n",
                    crash.death);
}

static void bury(vs_supervisor* s, vs_fuzzer* fuzzer) {
  const char* limit = vs_death_by_limit(&fuzzer->child);
  s->outcome->deaths++;
  if (limit != NULL) vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, LIMITED, limit);
  if (limit == NULL && !is_fruitless(fuzzer)) note_crash(s, fuzzer);
  if (limit == NULL) count_fruitless(s, fuzzer);
  let_rest(fuzzer, is_fruitless(fuzzer));
  absorb(s, fuzzer->serial, fuzzer->state);
  vs_state_unmap(fuzzer->state);
  fuzzer->state = NULL;
  fuzzer->serial = 0;
}

static void launch(vs_supervisor* s, vs_fuzzer* fuzzer) {
  if (vs_now() < fuzzer->rest || s->pending_crashes >= CRASHES_WAITING) return;
  uint64_t serial = ++s->earlier.serial;
  if (vs_fuzzer_start(fuzzer, serial)) return;
  vs_supervisor_end(s, VS_CAMPAIGN_BROKEN, "%.400s: no process, memory or room on the disk for %s",
                    s->plan->dir, "another fuzzing process");
}

// Whoever was away for a while, as all of a machine may be, blames nobody for standing still.
static void mind_absence(vs_supervisor* s) {
  static const double longest = 0.5;
  double now = vs_now();
  bool away = s->tended > 0 && now - s->tended > longest;
  for (unsigned i = 0; i < s->plan->jobs && away; i++) s->fuzzers[i].moved = now;
  s->tended = now;
}

static void mind_losses(vs_supervisor* s, const vs_fuzzer* fuzzer) {
  const vs_fuzz_state* state = fuzzer->serial != 0 ? fuzzer->state : NULL;
  if (state == NULL || state->magic != VS_FUZZ_MAGIC || state->unwritten == 0) return;
  vs_supervisor_end(s, VS_CAMPAIGN_BROKEN,
                    "%.400s/raw: a finding could not be written: is the disk full?", s->plan->dir);
}

void vs_jobs_tend(vs_supervisor* s) {
  mind_absence(s);
  for (unsigned i = 0; i < s->plan->jobs && !s->over; i++) {
    vs_fuzzer* fuzzer = &s->fuzzers[i];
    fuzzer->plan = s->plan;
    fuzzer->job = i;
    mind_losses(s, fuzzer);
    if (fuzzer->serial != 0 && vs_fuzzer_ended(fuzzer)) bury(s, fuzzer);
    if (fuzzer->serial == 0 && !s->over) launch(s, fuzzer);
  }
}

// --- the end ----------------------------------------------------------------------------------

// What gets on is ended without a second thought; what does not may have met a hang.
static bool stands_still(vs_fuzzer* fuzzer) {
  enum { LOOKS = 100, LOOK_MS = 2 };
  const struct timespec pause = {0, LOOK_MS * 1000000};
  uint64_t executions = fuzzer->state->executions;
  for (int i = 0; i < LOOKS; i++) {
    bool executing = __atomic_load_n(&fuzzer->state->phase, __ATOMIC_RELAXED) == VS_FUZZ_EXECUTING;
    if (!executing || __atomic_load_n(&fuzzer->state->executions, __ATOMIC_RELAXED) != executions) {
      return false;
    }
    nanosleep(&pause, NULL);
  }
  return true;
}

static void end_one(vs_supervisor* s, vs_fuzzer* fuzzer) {
  bool still = stands_still(fuzzer);
  bool ended = vs_child_ended(&fuzzer->child);
  vs_child_kill(&fuzzer->child);
  if (ended || still || fuzzer->state->writing != 0) {
    vs_crash crash = vs_crash_left(fuzzer->state->phase);
    if (ended) crash = vs_crash_of(&fuzzer->child, fuzzer->state->phase, false, s->plan->timeout);
    if (is_open(fuzzer->state)) {
      vs_crash_write(s->plan, fuzzer->serial, &crash, fuzzer->state);
    }
  }
  absorb(s, fuzzer->serial, fuzzer->state);
  vs_state_unmap(fuzzer->state);
  *fuzzer = (vs_fuzzer){.plan = s->plan, .job = fuzzer->job};
}

bool vs_jobs_are_fruitless(const vs_supervisor* s) {
  bool fruitless = s->fruitless > 0;
  for (unsigned i = 0; i < s->plan->jobs; i++) {
    const vs_fuzzer* fuzzer = &s->fuzzers[i];
    if (fuzzer->serial == 0) continue;
    if (!is_fruitless(fuzzer)) return false;
    fruitless |= vs_now() - fuzzer->started > s->plan->timeout;
  }
  return fruitless;
}

void vs_jobs_stop(vs_supervisor* s) {
  for (unsigned i = 0; i < s->plan->jobs; i++) {
    if (s->fuzzers[i].serial != 0) end_one(s, &s->fuzzers[i]);
  }
}
