// SPDX-License-Identifier: BSD-3-Clause
#include "record.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"
#include "executor/executor.h"
#include "remote/remote.h"
#include "result.h"
#include "words/describe.h"

enum { IDLE_MOST = 3, WHEN = 400 };

// --- in the recording process -----------------------------------------------------------------

// Without an op that it needs, a script has nothing more to say: what the backend then did would be
// nobody's to judge.
static bool ends_script(const vs_op* op, const vs_observation* seen) {
  return seen->outcome == VS_UNSUPPORTED && !op->optional;
}

// What our side could not do says nothing of the implementation: it is as if that had not been
// opened.
static bool is_short(vs_recording* r, const vs_executor* executor) {
  const char* what = vs_executor_shortage(executor);
  if (what == NULL) return false;
  vs_refuse(&r->record->reason, "this machine is short of %s", what);
  r->record->executing = false;
  return true;
}

static void play(vs_recording* r, vs_executor* executor) {
  r->record->player = getpid();
  r->record->executing = true;
  for (size_t i = 0; i < r->script->count; i++) {
    const vs_op* op = &r->script->ops[i];
    vs_observation* seen = &r->record->observations[i];
    vs_execute_op(executor, op, seen);
    if (getpid() != r->record->player) _exit(0);  // a copy that the backend made of this process
    if (is_short(r, executor)) return;
    if (ends_script(op, seen)) return;
    __atomic_store_n(&r->record->progress, (uint32_t)(i + 1), __ATOMIC_RELAXED);
  }
}

// A call that a script leaves behind would go on into the next case; without zx_vcpu_kick, for
// ever.
static void end_shim(vs_recording* r, const vs_calls* calls, vs_executor* executor) {
  if (vs_remote_is_busy() && calls->vcpu_kick != NULL) vs_executor_reset(executor);
  r->record->left = vs_remote_is_busy();
  if (!r->record->left) vs_remote_close();
}

static void work(void* argument) {
  vs_recording* r = argument;
  vs_shim* shim = r->target->shim;
  vs_opened opened;
  if (r->tail.to >= 0) {
    dup2(r->tail.to, STDERR_FILENO);
    dup2(r->tail.to, STDOUT_FILENO);
  }
  // What this process has open is no business of an implementation's.
  if (shim == NULL) close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  if (!vs_target_open(r->target, &opened, &r->record->reason)) return;
  vs_executor* executor = vs_opened_executor(&opened);
  if (executor == NULL) {
    vs_refuse(&r->record->reason, "no memory for the buffers of a case");
    return;
  }
  play(r, executor);
  if (shim != NULL) end_shim(r, opened.calls, executor);
  r->record->done = r->record->executing;
}

// --- in the process that records --------------------------------------------------------------

// False: the shim cannot be started, or there is no process; then it is as if the child had said
// so.
static bool start(vs_recording* r) {
  vs_shim* shim = r->target->shim;
  if (shim != NULL) {
    vs_shim_forget_errors(shim);
    if (!vs_shim_ready(shim, r->timeout, &r->record->reason)) return true;
  }
  return vs_child_start(&r->child, r->timeout, work, r);
}

// What was recorded elsewhere is there at once.
static void take_trace(vs_recording* r) {
  vs_record* record = r->record;
  const vs_document* d =
      vs_traces_find(r->target->recorded, r->script, r->target->arch, &record->reason);
  r->ended = true;
  if (d == NULL) return;
  vs_trace trace = vs_document_trace(d);
  memcpy(record->observations, d->observations, d->count * sizeof *d->observations);
  record->executing = trace.opened;
  record->done = trace.end == VS_TRACE_DONE;
  record->progress = (uint32_t)d->count;
  if (!record->done) vs_refuse(&r->trouble, "%s", trace.death);
}

bool vs_recording_start(vs_recording* recording, const vs_target* target, const vs_script* script,
                        double timeout) {
  *recording = (vs_recording){.target = target, .script = script, .timeout = timeout};
  recording->tail.from = recording->tail.to = -1;
  recording->size = sizeof(vs_record) + script->count * sizeof(vs_observation);
  recording->record = vs_shared_new(recording->size);
  if (recording->record == NULL) return false;
  if (target->recorded != NULL) {
    take_trace(recording);
    return true;
  }
  if (target->shim == NULL) vs_tail_open(&recording->tail);
  bool started = start(recording);
  if (recording->tail.to >= 0) close(recording->tail.to);
  recording->tail.to = -1;
  if (started) return true;
  vs_tail_close(&recording->tail);
  vs_shared_free(recording->record, recording->size);
  recording->record = NULL;
  return false;
}

void vs_observation_mend(vs_observation* seen) {
  vs_shared_mend(&seen->has_state);
  vs_shared_mend(&seen->has_packet);
  vs_shared_mend(&seen->held);
  if (seen->outcome > VS_UNSUPPORTED) seen->outcome = VS_NOT_REACHED;
  if (seen->call > VS_NO_OTHER_RESOURCE) seen->call = VS_NO_CALL;
  if (seen->change_count > VS_CHANGES_MAX) seen->change_count = VS_CHANGES_MAX;
  for (size_t i = 0; i < seen->change_count; i++) seen->changes[i].parameter %= VS_ARGS_MAX;
}

static void mend(vs_record* record, size_t count) {
  vs_shared_mend(&record->executing);
  vs_shared_mend(&record->done);
  for (size_t i = 0; i < count; i++) vs_observation_mend(&record->observations[i]);
}

// A script that ran to its end has left a record of it. What a backend wrote there, and forgot a
// part of, is no such record; what it forged with care, is (docs/evidence.md).
static bool ran_to_its_end(const vs_recording* r) {
  const vs_record* record = r->record;
  const uint32_t at = __atomic_load_n(&record->progress, __ATOMIC_RELAXED);
  if (r->child.death != VS_DEATH_NONE && !(r->child.death == VS_DEATH_EXIT && r->child.detail == 0))
    return false;
  if (at >= r->script->count) return at == r->script->count;
  return ends_script(&r->script->ops[at], &record->observations[at]);
}

// Nothing is known of what the call did that was under way: no clause is to blame.
static void forget_call(vs_recording* r) {
  for (size_t i = 0; i < r->script->count; i++) {
    vs_observation* seen = &r->record->observations[i];
    if (seen->outcome == VS_IN_CALL) seen->outcome = VS_NOT_REACHED;
  }
}

// A limit that the process met is ours: it says nothing of the implementation.
static void mind_limit(vs_recording* r) {
  const char* limit = vs_death_by_limit(&r->child);
  if (limit == NULL || r->record->done) return;
  forget_call(r);
  r->record->executing = false;
  vs_refuse(&r->record->reason, "this machine's limit of %s ended the process", limit);
}

// Two objects, of which neither was judged: it is as if that had not been opened.
static void mind_change(vs_recording* r) {
  vs_why why;
  if (vs_identity_holds(&r->target->identity, &why)) return;
  forget_call(r);
  r->record->executing = r->record->done = false;
  r->record->reason = why;
}

// What became of the shim. False: it had ended before the first op, and the script is begun again.
static bool conclude(vs_recording* r) {
  vs_shim_fate fate = vs_shim_conclude(r->target->shim, r->record->done, &r->trouble);
  r->confused = fate == VS_SHIM_CONFUSED;
  if (r->confused || fate == VS_SHIM_GARBAGE) forget_call(r);
  if (fate != VS_SHIM_WELL) r->record->done = false;
  if (fate == VS_SHIM_WELL && r->record->left) vs_shim_drop(r->target->shim);
  if (fate != VS_SHIM_IDLE) return true;
  r->record->executing = false;
  r->record->reason = r->trouble;
  if (++r->idle >= IDLE_MOST) return true;
  fprintf(stderr, "vcpuspec: between two cases, %s; it is started again\n", r->trouble.text);
  r->record->reason.text[0] = r->trouble.text[0] = '\0';
  return !start(r);
}

static void drain(vs_recording* r) {
  if (r->target->shim != NULL) {
    vs_shim_drain(r->target->shim);
  } else {
    vs_tail_drain(&r->tail);
  }
}

// The time is for one call, and begins anew with the next. The count of calls only grows, to no
// more than there are: an implementation that writes there gains no time.
bool vs_recording_ended(vs_recording* recording) {
  if (recording->ended) return true;
  uint32_t progress = __atomic_load_n(&recording->record->progress, __ATOMIC_RELAXED);
  if (progress > recording->progress && progress <= recording->script->count) {
    recording->child.deadline = vs_now() + recording->timeout;
    recording->progress = progress;
  }
  drain(recording);
  bool started = recording->child.pid != 0;
  if (!vs_child_ended(&recording->child)) return false;
  mend(recording->record, recording->script->count);
  drain(recording);
  if (started && !ran_to_its_end(recording)) recording->record->done = false;
  if (started && recording->target->shim != NULL && !conclude(recording)) return false;
  if (started) mind_limit(recording);
  mind_change(recording);
  recording->ended = true;
  return true;
}

bool vs_recording_wait(vs_recording* recording) {
  while (!vs_recording_ended(recording)) {
    if (vs_waits_stopped()) return false;
    vs_child_await(&recording->child);
  }
  return true;
}

void vs_recording_free(vs_recording* recording) {
  vs_why nothing;
  if (recording->record == NULL) return;
  if (!recording->ended && recording->child.pid != 0) {
    vs_child_kill(&recording->child);
    vs_shim* shim = recording->target->shim;
    if (shim != NULL) vs_shim_conclude(shim, false, &nothing);
  }
  vs_tail_close(&recording->tail);
  vs_shared_free(recording->record, recording->size);
  recording->record = NULL;
}

// --- what is said of it -----------------------------------------------------------------------

void vs_recording_say_errors(const vs_recording* recording, char* text, size_t size) {
  if (recording->target->shim != NULL) {
    vs_shim_say_errors(recording->target->shim, text, size);
  } else {
    vs_tail_say(&recording->tail, text, size);
  }
}

// " (done last was op 3, T0: zx_vcpu_kick(h2); then came op 4, T0: join)": when it ended, where no
// call is known to have been under way.
static void say_last_op(const vs_recording* r, char* text, size_t size) {
  uint32_t count = r->record->progress;
  vs_text words = vs_text_in(text, size);
  if (count == 0 || count > r->script->count) {
    vs_say(&words, " (nothing was done yet)");
    return;
  }
  vs_say(&words, " (done last was op %u, ", count - 1);
  vs_say_op(&words, &r->script->ops[count - 1]);
  if (count < r->script->count) {
    vs_say(&words, "; then came op %u, ", count);
    vs_say_op(&words, &r->script->ops[count]);
  }
  vs_say(&words, ")");
}

// "the backend ended by SIGSEGV", "... when it was opened", "... between two calls"; or the reason
// for which it could not be opened.
static void say_death(const vs_recording* recording, bool within_call, char* text, size_t size) {
  char death[VS_WHY_MAX];
  char when[WHEN] = "";
  vs_record* record = recording->record;
  record->reason.text[VS_WHY_MAX - 1] = '\0';  // whatever the backend did to it
  if (!record->executing && record->reason.text[0] != '\0') {
    snprintf(text, size, "%s", record->reason.text);
    return;
  }
  if (recording->target->recorded != NULL) {
    snprintf(text, size, "%s", recording->trouble.text);
    return;
  }
  if (recording->trouble.text[0] != '\0') {
    snprintf(death, sizeof death, "%s", recording->trouble.text);
  } else {
    size_t used = (size_t)snprintf(death, sizeof death, "the backend ");
    vs_death_describe(&recording->child, recording->timeout, death + used, sizeof death - used);
  }
  if (!record->executing) {
    snprintf(when, sizeof when, " when it was opened");
  } else if (!within_call) {
    say_last_op(recording, when, sizeof when);
  }
  snprintf(text, size, "%.*s%s", (int)(size > 2 * WHEN ? size - WHEN : size), death, when);
}

static bool is_within_call(const vs_recording* recording) {
  for (size_t i = 0; i < recording->script->count; i++) {
    if (recording->record->observations[i].outcome == VS_IN_CALL) return true;
  }
  return false;
}

vs_trace vs_recording_trace(vs_recording* recording) {
  vs_record* record = recording->record;
  recording->death[0] = '\0';
  if (!record->done)
    say_death(recording, is_within_call(recording), recording->death, sizeof recording->death);
  return (vs_trace){.script = *recording->script,
                    .arch = recording->target->arch,
                    .observations = record->observations,
                    .opened = record->executing && !recording->confused,
                    .end = record->done ? VS_TRACE_DONE : VS_TRACE_DIED,
                    .death = recording->death};
}

void vs_death_word_read(const char* death, char word[VS_DEATH_WORD]) {
  static const char exited[] = "ended the process with exit status ";
  const char* signal = strstr(death, " by SIG");
  const char* status = strstr(death, exited);
  if (signal != NULL) {
    const char* name = signal + strlen(" by ");
    snprintf(word, VS_DEATH_WORD, "%.*s", (int)strcspn(name, " ,;:"), name);
  } else if (status != NULL) {
    const char* number = status + strlen(exited);
    snprintf(word, VS_DEATH_WORD, "exit=%.*s", (int)strspn(number, "0123456789"), number);
  } else {
    snprintf(word, VS_DEATH_WORD, "%s", strstr(death, "did not return") ? "no_return" : "ended");
  }
}

void vs_recording_say_death_word(const vs_recording* recording, char word[VS_DEATH_WORD]) {
  if (recording->target->recorded != NULL) {
    vs_death_word_read(recording->trouble.text, word);
  } else if (recording->trouble.text[0] != '\0') {
    vs_shim_death_word(recording->target->shim, word);
  } else {
    vs_death_word(&recording->child, word);
  }
}
