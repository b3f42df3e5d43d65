// SPDX-License-Identifier: BSD-3-Clause
// The way to a shim: a child process, a Unix socket or a serial line; lines go out and come in.
#ifndef VS_CONFORMANCE_CHANNEL_H_
#define VS_CONFORMANCE_CHANNEL_H_

#include <vcpuspec/why.h>

#include "process/child.h"
#include "process/tail.h"
#include "remote/wire.h"

// Seconds that one that starts has to greet, or more: an interpreter takes longer than a call does.
enum { VS_CHANNEL_START = 10 };

typedef enum vs_channel_sort {
  VS_CHANNEL_PROCESS,
  VS_CHANNEL_UNIX,
  VS_CHANNEL_SERIAL
} vs_channel_sort;

typedef struct vs_channel {
  const char* where;  // what follows "shim:"; borrowed
  uint8_t sort;       // vs_channel_sort
  bool open;
  bool quiet;      // SIGPIPE is ignored here anyway
  bool tells;      // the standard error of a process is our own, and nobody keeps it
  vs_child child;  // of a process
  int in;          // from the shim
  int out;         // to it; may be the same
  vs_tail tail;    // its standard error; of a serial line, what else came
  size_t start;    // bytes of `buffer` that were taken
  size_t end;      // and that are there
  char buffer[2 * VS_WIRE_LINE];
} vs_channel;

// Understands `where`; opens nothing. False: `reason` says why.
bool vs_channel_parse(vs_channel* channel, const char* where, vs_why* reason);

// Starts the process, or connects. False: `reason` says why, and what would help.
bool vs_channel_open(vs_channel* channel, vs_why* reason);

// Ends the process, whatever it does, and whatever it started, or hangs up. A process is first told
// by the end of its input, and gets `patience` seconds to end of itself.
void vs_channel_close(vs_channel* channel, double patience);

// Gives up what another process opened, and leaves it to that one.
void vs_channel_leave(vs_channel* channel);

// The other side's input ends; what it still has to say can be heard.
void vs_channel_say_end(vs_channel* channel);

typedef enum vs_channel_result {
  VS_CHANNEL_DONE,
  VS_CHANNEL_ENDED,  // the other side is gone
  VS_CHANNEL_LATE,   // nothing until the deadline
  VS_CHANNEL_LONG    // more than VS_WIRE_LINE bytes without a newline
} vs_channel_result;

// Sends bytes. `deadline` as of vs_now; 0: as long as it takes.
vs_channel_result vs_channel_send(vs_channel* channel, const char* bytes, size_t length,
                                  double deadline);

// The next line, without its end; valid until the next call.
vs_channel_result vs_channel_line(vs_channel* channel, double deadline, const char** line,
                                  size_t* length);

// True if something has come that nobody took.
bool vs_channel_has_more(vs_channel* channel);

// What has come and nobody took: at most `*length` bytes of it. Valid until the next call.
const char* vs_channel_rest(vs_channel* channel, size_t* length);

#endif  // VS_CONFORMANCE_CHANNEL_H_
