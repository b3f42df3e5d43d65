// SPDX-License-Identifier: BSD-3-Clause
#include "examine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "files.h"
#include "minimize/minimize.h"
#include "reports/show.h"
#include "results/make.h"
#include "runner/record.h"
#include "text/file.h"
#include "text/print.h"

enum {
  TRIES = 8,             // until it fails again; and of the smallest, to see if it always does
  TRIES_OF_CHANCE = 24,  // if it did not always, before it was smaller
  TRIES_OF_HANGS = 2,    // who waits for a hang does not wait often
  SECONDS = 30,          // to make it smaller
  SECONDS_OF_HANGS = 8,
  HANG_MS = 500,
  ALIKE = 8,  // that were not seen again: of one way to end, at most
  PARTS = 4,  // flags, or fields of a packet, that get a finding of their own, at most
};

typedef struct attempt {
  const vs_campaign_plan* plan;
  const vs_examiner* examiner;
  vs_examination* result;
  vs_oracle* oracle;
  const vs_arch_info* info;
  vs_document document;
  vs_op* ops;  // the document's, or smaller ones
  size_t count;
  bool is_crash;
  vs_crash crash;
  uint32_t digest;  // of what is looked for; 0: any call that does not return
  bool hangs;
  unsigned failed;
  unsigned runs;
  bool chance;  // it did not always fail
  bool larger;  // than the smallest that fails: what looks for that was cut short
  // Of the last run that failed.
  size_t at;
  vs_violation violation;
  vs_observation* observations;
  char death[VS_FINDING_LINE];  // of the last run that the backend did not survive
  char word[VS_DEATH_WORD];     // of the last within a call, as vs_death_word
  unsigned ended;               // runs that it did not, and no call is to blame
  char tag[32];                 // of the last of those, as of a crash
  char end_word[VS_DEATH_WORD];
  char errors[VS_ERRORS_MAX];  // of that run: both ends of its standard error
  bool lost;                   // whatever it does, the profile says nothing of it
} attempt;

// --- one run ----------------------------------------------------------------------------------

static bool is_it(const vs_violation* violation, void* context) {
  const attempt* a = context;
  if (a->digest == 0) return violation->kind == VS_VIOLATION_NO_RETURN;
  vs_failure_key key = vs_failure_key_of_part(violation, a->info);
  return vs_failure_digest(&key) == a->digest;
}

static void keep_observations(attempt* a, const vs_observation* seen) {
  size_t size = a->count * sizeof *seen;
  vs_observation* copy = realloc(a->observations, size);
  if (copy == NULL) return;
  memcpy(copy, seen, size);
  a->observations = copy;
}

static void note_death(attempt* a, const vs_recording* recording, const vs_trace* trace,
                       bool in_call) {
  snprintf(a->death, sizeof a->death, "%s", trace->death);
  vs_recording_say_errors(recording, a->errors, sizeof a->errors);
  bool hung = recording->child.death == VS_DEATH_TIMEOUT;
  a->hangs |= hung;
  vs_recording_say_death_word(recording, in_call ? a->word : a->end_word);
  if (in_call) return;
  vs_crash crash = vs_crash_of(&recording->child, VS_FUZZ_EXECUTING, hung, a->plan->timeout);
  memcpy(a->tag, crash.tag, sizeof a->tag);
}

// What the backend lacks, or what could not be made, is gone on without, as where it was fuzzed.
static void mark_missing(attempt* a, const vs_observation* seen) {
  for (size_t i = 0; i < a->count; i++) {
    bool setup = vs_op_makes_object(a->ops[i].code);
    bool failed = seen[i].outcome == VS_RETURNED && seen[i].status != ZX_OK;
    a->ops[i].optional |= seen[i].outcome == VS_UNSUPPORTED || (setup && failed);
  }
}

static bool run(attempt* a) {
  const vs_failure_search search = {a->plan->profile, is_it, a};
  const vs_script script = {"", a->ops, a->count};
  vs_recording recording;
  if (!vs_recording_start(&recording, a->plan->target, &script, a->plan->timeout)) return false;
  a->runs++;
  vs_recording_wait(&recording);
  mark_missing(a, recording.record->observations);
  vs_trace trace = vs_recording_trace(&recording);
  bool found = vs_failure_find(&search, a->oracle, &trace, &a->at, &a->violation);
  bool died = recording.record->executing && trace.end != VS_TRACE_DONE;
  if (found) keep_observations(a, recording.record->observations);
  if (died) note_death(a, &recording, &trace, found);
  if (died && !found) {
    a->ended++;
    a->lost |= vs_judge(a->oracle, &trace, a->plan->profile).lost;
  }
  vs_recording_free(&recording);
  a->failed += found;
  return found;
}

// What somebody else may have ended is most likely nobody's fault.
static unsigned tries_of(const attempt* a) {
  return a->hangs || a->crash.hang || a->crash.foreign ? TRIES_OF_HANGS : TRIES;
}

// Until it fails.
static bool confirm(attempt* a) {
  for (unsigned i = 0; i < tries_of(a); i++) {
    if (run(a)) return true;
    a->chance = true;
  }
  return false;
}

// --- the finding ------------------------------------------------------------------------------

static void path_of(const attempt* a, const char* name, char path[VS_PATH]) {
  char file[VS_FINDING_NAME + 8];
  snprintf(file, sizeof file, "%s.vcpu", name);
  vs_path(path, a->plan->dir, "findings", file);
}

static bool is_known(const attempt* a, const char* name) {
  char path[VS_PATH];
  path_of(a, name, path);
  return vs_file_exists(path);
}

static void conclude(attempt* a, vs_examined outcome, const char* name) {
  snprintf(a->result->name, sizeof a->result->name, "%s", name);
  a->result->outcome = outcome;
}

typedef struct finding_text {
  const attempt* a;
  const vs_finding* finding;
} finding_text;

static void print_finding(FILE* out, const void* what) {
  const finding_text* t = what;
  vs_finding_print(out, t->finding, t->a->ops, t->a->count, t->a->plan->target);
}

static void tell_confirmed(FILE* out, const attempt* a, const vs_finding* f, const char* path) {
  char title[128];
  snprintf(title, sizeof title, "found by fuzzing; fails %u of %u times%s", f->failed, f->runs,
           a->larger ? "; a smaller one may be left" : "");
  const vs_case c = {
      .id = path, .title = title, .clause_count = f->has_clause, .clauses = {f->clause}};
  const vs_plan plan = {.profile = a->plan->profile,
                        .profile_word = a->plan->profile_word,
                        .program = a->plan->program};
  vs_case_result result = {.c = &c, .target = a->plan->target, .verdict = VS_VERDICT_FAIL};
  if (f->verdict == VS_FINDING_FLAKY) result.verdict = VS_VERDICT_FLAKY;
  if (f->has_clause) {
    result.judgement = (vs_judgement){.step = VS_STEP_VIOLATION, .at = a->at};
    result.judgement.violation = a->violation;
    result.script = (vs_script){title, a->ops, a->count};
    result.observations = a->observations;
  }
  memcpy(result.died, f->has_clause ? a->word : a->end_word, sizeof result.died);
  memcpy(result.errors, a->errors, sizeof result.errors);
  snprintf(result.note, sizeof result.note, "%s", f->death);
  vs_report_result(out, &result, &plan);
}

static void tell_unconfirmed(FILE* out, const attempt* a, const vs_finding* f, const char* path) {
  fprintf(out, "FAIL %s on %s: seen in the campaign, and not again when run alone\n", path,
          a->plan->target->name);
  if (f->has_clause) fprintf(out, "  clause   %s\n", vs_clauses[f->clause].id);
  if (f->death[0] != '\0') fprintf(out, "  because  the process %s\n", f->death);
  fprintf(out, "  ops      %zu, not made fewer\n\n", a->count);
}

static void tell(const attempt* a, const vs_finding* finding, const char* path) {
  FILE* out = fmemopen(a->result->text, sizeof a->result->text - 1, "w");
  if (out == NULL) return;
  if (finding->verdict == VS_FINDING_NOT_ALONE) {
    tell_unconfirmed(out, a, finding, path);
  } else {
    tell_confirmed(out, a, finding, path);
  }
  fclose(out);
}

static void publish(attempt* a, vs_finding* f) {
  char path[VS_PATH];
  const finding_text what = {a, f};
  f->failed = a->failed;
  f->runs = a->runs;
  f->seen = a->examiner->seen;
  snprintf(f->profile, sizeof f->profile, "%s", a->plan->profile->id);
  vs_finding_now(f->first);
  path_of(a, f->name, path);
  tell(a, f, path);
  if (vs_file_put(path, print_finding, &what)) {
    conclude(a, VS_EXAMINED_FOUND, f->name);
  } else {
    snprintf(a->result->note, sizeof a->result->note, "%.400s cannot be written", path);
  }
}

// --- those that are alike -----------------------------------------------------------------------

typedef struct alike {
  char prefix[VS_FINDING_NAME];
  size_t count;
  char name[VS_FINDING_NAME];
} alike;

static bool count_alike(const char* name, void* context) {
  alike* same = context;
  if (strncmp(name, same->prefix, strlen(same->prefix)) != 0) return true;
  same->count++;
  snprintf(same->name, sizeof same->name, "%.*s", (int)strcspn(name, "."), name);
  return true;
}

// The findings of which the name begins so.
static alike find_alike(const attempt* a, const char* prefix, size_t length) {
  char dir[VS_PATH];
  alike same = {0};
  snprintf(same.prefix, sizeof same.prefix, "%.*s", (int)length, prefix);
  vs_path(dir, a->plan->dir, NULL, "findings");
  vs_files_each(dir, count_alike, &same);
  return same;
}

// --- what fails again -------------------------------------------------------------------------

// True if there are fewer ops now.
static bool minimize(attempt* a) {
  const double now = vs_now();
  double timeout = a->plan->timeout;
  if (a->hangs && timeout > HANG_MS * 1e-3) timeout = HANG_MS * 1e-3;
  const vs_minimizing how = {.target = a->plan->target,
                             .profile = a->plan->profile,
                             .timeout = timeout,
                             .until = now + (a->hangs ? SECONDS_OF_HANGS : SECONDS),
                             .keeps = is_it,
                             .context = a};
  const vs_script script = {"", a->ops, a->count};
  vs_minimized found;
  if (!vs_minimize(&how, &script, &found)) return false;
  a->chance |= found.flaky;
  if (found.fails && found.count > 0) {
    a->ops = found.ops;  // for as long as the process lives
    a->count = found.count;
    a->larger = !found.minimal;
    return true;
  }
  a->chance = true;
  vs_minimized_free(&found);
  return false;
}

static void run_some_times(attempt* a) {
  a->failed = a->runs = 0;
  a->crash.foreign = false;
  unsigned tries = tries_of(a);
  if (a->chance && tries == TRIES) tries = TRIES_OF_CHANCE;
  for (unsigned i = 0; i < tries; i++) run(a);
}

static void make_smaller(attempt* a) {
  vs_op* ops = a->ops;
  size_t count = a->count;
  a->larger = true;
  minimize(a);
  run_some_times(a);
  if (a->failed > 0) return;
  // Too small: a call that took long, or chance.
  a->ops = ops;
  a->count = count;
  a->larger = true;
  run_some_times(a);
}

static void name_of_key(const attempt* a, char name[VS_FINDING_NAME]) {
  char file[96];
  vs_failure_key key = vs_failure_key_of_part(&a->violation, a->info);
  vs_fuzz_finding_name(&key, file);
  size_t length = strlen(file) - (vs_ends_in(file, ".vcpu") ? 5 : 0);
  snprintf(name, VS_FINDING_NAME, "%.*s", (int)length, file);
}

// True of another flag, or field of a packet, of what enough have been found of. `of` is one of
// them.
static bool is_one_of_many(const attempt* a, const char* name, char of[VS_FINDING_NAME]) {
  const size_t first = strcspn(name, "-");
  const size_t second = strcspn(name + first + 1, "-");
  if (name[first] == '\0' || name[first + 1 + second] == '\0') return false;
  const alike same = find_alike(a, name, first + second + 2);
  snprintf(of, VS_FINDING_NAME, "%s", same.name);
  return same.count >= PARTS;
}

static void examine_failure(attempt* a) {
  vs_finding f = {0};
  char of[VS_FINDING_NAME];
  name_of_key(a, f.name);
  if (is_known(a, f.name)) return conclude(a, VS_EXAMINED_KNOWN, f.name);
  if (is_one_of_many(a, f.name, of)) return conclude(a, VS_EXAMINED_KNOWN, of);
  a->digest = vs_finding_digest(f.name);
  make_smaller(a);
  f.verdict = a->failed < a->runs ? VS_FINDING_FLAKY : VS_FINDING_FAILS;
  vs_finding_say(&f, &a->violation, a->info);
  char answer[VS_ANSWER_TEXT];
  vs_results_answer_of(&a->violation, a->info, a->word, answer);
  snprintf(f.answer, sizeof f.answer, "%.*s", (int)sizeof f.answer - 1, answer);
  snprintf(f.death, sizeof f.death, "%s", a->death);
  publish(a, &f);
}

// --- a backend that ends, and no call is to blame ---------------------------------------------

static bool ends(attempt* a) {
  unsigned before = a->ended;
  run(a);
  return a->ended > before;
}

// Leaves out `length` ops from `first` on, if it ends without them too.
static void leave_out(attempt* a, vs_op* spare, size_t first, size_t length) {
  vs_op* ops = a->ops;
  size_t count = a->count;
  memcpy(spare, ops, count * sizeof *ops);
  memmove(ops + first, ops + first + length, (count - first - length) * sizeof *ops);
  a->count = count - length;
  if (ends(a)) return;
  memcpy(ops, spare, count * sizeof *ops);
  a->count = count;
}

static void leave_out_ops(attempt* a) {
  double until = vs_now() + (a->hangs ? SECONDS_OF_HANGS : SECONDS);
  vs_op* spare = malloc(a->count * sizeof *spare);
  for (size_t length = a->count / 2; length > 0 && spare != NULL; length /= 2) {
    for (size_t end = a->count; end >= length && vs_now() < until; end -= length) {
      if (end <= a->count && length < a->count) leave_out(a, spare, end - length, length);
    }
  }
  free(spare);
}

static void examine_end(attempt* a) {
  vs_finding f = {0};
  snprintf(f.name, sizeof f.name, "ended-%s-%08" PRIx32, a->tag,
           vs_bytes_digest(a->tag, strlen(a->tag)));
  if (is_known(a, f.name)) return conclude(a, VS_EXAMINED_KNOWN, f.name);
  leave_out_ops(a);
  a->ended = 0;
  run_some_times(a);
  a->failed = a->ended;
  f.verdict = a->failed < a->runs ? VS_FINDING_FLAKY : VS_FINDING_FAILS;
  vs_results_key_of(NULL, NULL, a->end_word, f.answer, sizeof f.answer);
  snprintf(f.death, sizeof f.death, "%s", a->death);
  publish(a, &f);
}

// --- what does not ----------------------------------------------------------------------------

static void examine_crash_once(attempt* a) {
  vs_finding f = {.verdict = VS_FINDING_NOT_ALONE};
  char prefix[64];
  snprintf(prefix, sizeof prefix, "unconfirmed-%s-", a->crash.tag);
  const alike same = find_alike(a, prefix, strlen(prefix));
  snprintf(f.name, sizeof f.name, "%s%08" PRIx32, prefix,
           vs_bytes_digest(a->ops, a->count * sizeof *a->ops));
  if (is_known(a, f.name)) return conclude(a, VS_EXAMINED_KNOWN, f.name);
  if (same.count >= ALIKE) return conclude(a, VS_EXAMINED_KNOWN, same.name);
  if (a->crash.word[0] != '\0')
    vs_results_key_of(NULL, NULL, a->crash.word, f.answer, sizeof f.answer);
  snprintf(f.death, sizeof f.death, "%s", a->crash.death);
  publish(a, &f);
}

static void examine_violation_once(attempt* a) {
  vs_finding f = {.verdict = VS_FINDING_NOT_ALONE};
  snprintf(f.name, sizeof f.name, "%.*s", (int)strlen(a->examiner->raw) - 5, a->examiner->raw);
  f.has_clause = vs_finding_clause(f.name, &f.clause);
  publish(a, &f);
}

static void examine_unconfirmed(attempt* a) {
  if (!a->is_crash) return examine_violation_once(a);
  if (a->ended > 0 && !a->lost) return examine_end(a);
  if (a->ended > 0 || a->crash.foreign) return conclude(a, VS_EXAMINED_NOTHING, "");
  // Whatever ends the process while it judges or waits may be a thread of the implementation's.
  bool ours = a->crash.hang && a->crash.phase != VS_FUZZ_EXECUTING;
  if (!ours) return examine_crash_once(a);
  snprintf(a->result->note, sizeof a->result->note,
           "the process %.200s while it judged what it had executed: no fault of the "
           "implementation's can be seen",
           a->crash.death);
  conclude(a, VS_EXAMINED_BROKEN, "");
}

// --- all of it --------------------------------------------------------------------------------

static bool cannot(attempt* a, const char* why) {
  snprintf(a->result->note, sizeof a->result->note, "raw/%s: %.300s", a->examiner->raw, why);
  a->result->outcome = VS_EXAMINED_BROKEN;
  return false;
}

static bool understand(attempt* a, const vs_file* file) {
  vs_source source = vs_source_of(file->text, file->length);
  const vs_reading reading = {.arch = a->plan->target->arch};
  vs_fault fault;
  if (vs_document_read(&source, &reading, &a->document, &fault) != VS_READ_OK) {
    return cannot(a, "it is no script");
  }
  a->ops = a->document.ops;
  a->count = a->document.count;
  a->is_crash = vs_crash_is_name(a->examiner->raw);
  if (a->is_crash) a->crash = vs_crash_read(file->text);
  if (!a->is_crash) a->digest = vs_finding_digest(a->examiner->raw);
  if (a->count == 0) return cannot(a, "it makes no call");
  if (a->document.arch != a->plan->target->arch) return cannot(a, "it is of another architecture");
  return a->is_crash || a->digest != 0 || cannot(a, "its name does not end in a digest");
}

static bool prepare(attempt* a, const vs_examiner* examiner) {
  char path[VS_PATH];
  vs_why why;
  vs_file file;
  *a = (attempt){.plan = examiner->plan, .examiner = examiner, .result = examiner->result};
  a->oracle = malloc(sizeof *a->oracle);
  a->info = vs_arch_find(a->plan->target->arch);
  vs_path(path, a->plan->dir, "raw", examiner->raw);
  if (a->oracle == NULL) return false;
  if (!vs_file_read(path, &file, &why)) return cannot(a, why.text);
  bool good = understand(a, &file);
  vs_file_free(&file);
  return good;
}

static void finish(attempt* a) {
  vs_document_free(&a->document);
  free(a->oracle);
  free(a->observations);
}

static void examine(void* argument) {
  attempt a;
  if (prepare(&a, argument)) {
    if (confirm(&a)) {
      examine_failure(&a);
    } else {
      examine_unconfirmed(&a);
    }
  }
  finish(&a);
}

bool vs_examiner_start(vs_examiner* examiner) {
  double most = 3 * SECONDS + 2 * (TRIES_OF_HANGS + 2) * examiner->plan->timeout;
  memset(examiner->result, 0, sizeof *examiner->result);
  return vs_child_start(&examiner->child, most, examine, examiner);
}

void vs_examiner_give_up(vs_examiner* examiner) {
  attempt a;
  memset(examiner->result, 0, sizeof *examiner->result);
  if (prepare(&a, examiner)) {
    a.crash.phase = VS_FUZZ_EXECUTING;
    a.crash.foreign = false;
    examine_unconfirmed(&a);
  }
  finish(&a);
}
