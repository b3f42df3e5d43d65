// SPDX-License-Identifier: BSD-3-Clause
#include "greeting.h"

#include <stdio.h>
#include <string.h>

#include "common/refuse.h"
#include "text/names.h"

enum { SHOWN = 60 };
static const double PATIENCE = 0.5;  // seconds until a serial line is greeted again
static const char hello[] = "hello 2\n";

typedef struct talk {
  vs_channel* channel;
  double deadline;
  vs_tail* noise;
  vs_why* reason;
} talk;

static vs_greeted failed(const talk* t, vs_channel_result result) {
  const char* why = "ended, or closed its output,";
  if (result == VS_CHANNEL_LATE) why = "was silent for too long";
  if (result == VS_CHANNEL_LONG) why = "wrote more than 16384 bytes without a newline";
  vs_refuse(t->reason, "the shim %s before it had answered 'hello 2'", why);
  return result == VS_CHANNEL_ENDED ? VS_GREETED_GONE : VS_GREETED_WRONG;
}

static vs_greeted refuse(const talk* t, const char* shown, size_t length, const char* why,
                         const char* meant) {
  vs_refuse(t->reason, "the shim's greeting is '%.*s%s': %s%s%s%s",
            length < SHOWN ? (int)length : SHOWN, shown, length > SHOWN ? "..." : "", why,
            meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
  vs_why_clean(t->reason);
  return VS_GREETED_WRONG;
}

static vs_channel_result say_hello(const talk* t) {
  return vs_channel_send(t->channel, hello, sizeof hello - 1, t->deadline);
}

// On a serial line it is asked for again and again, and whatever else comes is noise.
static vs_channel_result await_greeting(const talk* t, const char** line, size_t* length) {
  bool serial = t->channel->sort == VS_CHANNEL_SERIAL;
  for (;;) {
    double until = serial ? vs_now() + PATIENCE : t->deadline;
    if (t->deadline != 0 && until > t->deadline) until = t->deadline;
    vs_channel_result result = vs_channel_line(t->channel, until, line, length);
    if (!serial || result == VS_CHANNEL_ENDED) return result;
    if (result == VS_CHANNEL_DONE) {
      if (vs_wire_is_greeting(*line, *length)) return result;
      vs_tail_add(t->noise, *line, *length);
      vs_tail_add(t->noise, "\n", 1);
    }
    if (result == VS_CHANNEL_LONG) t->channel->start = t->channel->end;
    if (t->deadline != 0 && vs_now() >= t->deadline) return VS_CHANNEL_LATE;
    if (result == VS_CHANNEL_LATE && say_hello(t) != VS_CHANNEL_DONE) return VS_CHANNEL_ENDED;
  }
}

static vs_greeted understand(const talk* t, const char* line, size_t length,
                             vs_greeting* greeting) {
  vs_wire_fault fault;
  char word[SHOWN];
  if (vs_wire_read_greeting(line, length, greeting, &fault)) return VS_GREETED_WELL;
  if (fault.word == NULL) return refuse(t, line, length, fault.why.text, NULL);
  snprintf(word, sizeof word, "%.*s", (int)(fault.word_length < SHOWN ? fault.word_length : SHOWN),
           fault.word);
  const char* meant = vs_nearest(word, vs_wire_words, vs_wire_word_count);
  return refuse(t, fault.word, fault.word_length, fault.why.text, meant);
}

vs_greeted vs_greet(vs_channel* channel, double deadline, vs_greeting* greeting, vs_tail* noise,
                    vs_why* reason) {
  const talk t = {channel, deadline, noise, reason};
  const char* line;
  size_t length;
  vs_channel_result result = say_hello(&t);
  if (result == VS_CHANNEL_DONE) result = await_greeting(&t, &line, &length);
  if (result != VS_CHANNEL_DONE) return failed(&t, result);
  return understand(&t, line, length, greeting);
}
