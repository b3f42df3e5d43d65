// SPDX-License-Identifier: BSD-3-Clause
#include "record.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "executor/executor.h"

// In the recording process.
static void work(void* argument) {
  vs_recording* r = argument;
  vs_opened opened;
  if (!vs_target_open(r->target, &opened, r->record->reason)) return;
  vs_executor* executor = vs_executor_open(opened.calls, opened.arch, opened.resource);
  if (executor == NULL) {
    snprintf(r->record->reason, VS_REASON_MAX, "no memory for the buffers of a case");
    return;
  }
  r->record->executing = true;
  for (size_t i = 0; i < r->script->count; i++) {
    vs_execute_op(executor, &r->script->ops[i], &r->record->observations[i]);
    __atomic_store_n(&r->record->progress, (uint32_t)(i + 1), __ATOMIC_RELAXED);
  }
  r->record->done = true;
}

bool vs_recording_start(vs_recording* recording, const vs_target* target, const vs_script* script,
                        double timeout) {
  *recording = (vs_recording){.target = target, .script = script, .timeout = timeout};
  recording->size = sizeof(vs_record) + script->count * sizeof(vs_observation);
  recording->record = vs_shared_new(recording->size);
  if (recording->record == NULL) return false;
  if (vs_child_start(&recording->child, timeout, work, recording)) return true;
  vs_shared_free(recording->record, recording->size);
  recording->record = NULL;
  return false;
}

// The time is for one call: whoever gets on has it anew.
bool vs_recording_ended(vs_recording* recording) {
  uint32_t progress = __atomic_load_n(&recording->record->progress, __ATOMIC_RELAXED);
  if (progress != recording->progress) recording->child.deadline = vs_now() + recording->timeout;
  recording->progress = progress;
  return vs_child_ended(&recording->child);
}

void vs_recording_wait(vs_recording* recording) {
  const struct timespec pause = {0, 100000};
  while (!vs_recording_ended(recording)) nanosleep(&pause, NULL);
}

void vs_recording_free(vs_recording* recording) {
  if (recording->record == NULL) return;
  if (!vs_child_ended(&recording->child)) vs_child_kill(&recording->child);
  vs_shared_free(recording->record, recording->size);
  recording->record = NULL;
}

void vs_recording_say_death(const vs_recording* recording, bool within_call, char* text,
                            size_t size) {
  char death[128];
  vs_record* record = recording->record;
  record->reason[VS_REASON_MAX - 1] = '\0';  // whatever the backend did to it
  if (!record->executing && record->reason[0] != '\0') {
    snprintf(text, size, "%s", record->reason);
    return;
  }
  vs_death_describe(&recording->child, recording->timeout, death, sizeof death);
  const char* when = within_call ? "" : " between two calls";
  snprintf(text, size, "the backend %s%s", death, record->executing ? when : " when it was opened");
}
