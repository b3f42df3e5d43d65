// SPDX-License-Identifier: BSD-3-Clause
// Records a script on a target in a process of its own, so that no implementation can hurt the run.
#ifndef VS_CONFORMANCE_RECORD_H_
#define VS_CONFORMANCE_RECORD_H_

#include "process/child.h"
#include "process/tail.h"
#include "target.h"
#include "text/calls.h"

// What the recording process leaves behind, in memory that outlives it.
typedef struct vs_record {
  uint32_t progress;  // ops that have ended
  bool executing;     // the backend was opened
  pid_t player;       // the process that plays, and no copy of it
  bool done;          // the script ran to its end
  bool left;  // a call of a shim is still on its way, and nothing that the shim has can end it
  vs_why reason;
  vs_observation observations[];
} vs_record;

typedef struct vs_recording {
  const vs_target* target;
  const vs_script* script;
  double timeout;  // seconds a call may take
  vs_child child;
  vs_record* record;
  size_t size;        // bytes of record
  uint32_t progress;  // as last seen
  bool ended;
  bool confused;           // a shim did not understand a line: nothing was learnt
  unsigned idle;           // times that the shim had ended before the first op
  vs_tail tail;            // unused for a shim, which has its own
  vs_why trouble;          // of a shim; "": none
  char death[VS_WHY_MAX];  // of its trace
} vs_recording;

// Begins. The target and the script must outlive the recording. False: the machine has no process
// or memory to spare, and there is nothing to end.
bool vs_recording_start(vs_recording* recording, const vs_target* target, const vs_script* script,
                        double timeout);

// Makes an observation of what an implementation may have written over: any bytes may stand there,
// and none may lead astray those who read it.
void vs_observation_mend(vs_observation* seen);

// True once the process has ended. Does not wait.
bool vs_recording_ended(vs_recording* recording);

// Waits for the end. False: vs_waits_stopped came first, and the recording is only to be freed.
bool vs_recording_wait(vs_recording* recording);

// Ends the process if it still runs, and frees.
void vs_recording_free(vs_recording* recording);

// What was recorded, of a recording that has ended; valid as long as it is.
vs_trace vs_recording_trace(vs_recording* recording);

// The first and last lines that the implementation wrote to its standard error, each with its
// newline.
void vs_recording_say_errors(const vs_recording* recording, char* text, size_t size);

// How a recording that is not done has ended, in a word, as of vs_death_word; of a shim also
// "garbage" and "hung_up".
void vs_recording_say_death_word(const vs_recording* recording, char word[VS_DEATH_WORD]);

// The same of a trace, which tells it in a sentence only; "ended", where that has no such word.
void vs_death_word_read(const char* death, char word[VS_DEATH_WORD]);

#endif  // VS_CONFORMANCE_RECORD_H_
