// SPDX-License-Identifier: BSD-3-Clause
// A backend behind a wire (docs/shim.md): the documented calls, each made by a line to a shim and
// its answer. The side that opens the connection has exchanged the greeting. As of every backend,
// there is one connection a process at a time.
#ifndef VS_BACKENDS_REMOTE_REMOTE_H_
#define VS_BACKENDS_REMOTE_REMOTE_H_

#include "wire.h"

typedef enum vs_remote_trouble {
  VS_REMOTE_FINE,
  VS_REMOTE_GONE,      // the channel ended
  VS_REMOTE_NONSENSE,  // an answer is none
  VS_REMOTE_CONFUSED   // the shim did not understand a line
} vs_remote_trouble;

typedef struct vs_remote_link {
  int in;      // from the shim
  int out;     // to it; may be the same
  bool noisy;  // what is no answer is passed over
  const vs_greeting* greeting;
  uint64_t* tag;  // that was used last: the next connection to the same shim goes on
  // What the shim did is unknown: does not return. `why` is one line, "" where the channel
  // ended.
  void (*fail)(void* context, vs_remote_trouble trouble, const char* why);
  // A line that was passed over.
  void (*noise)(void* context, const char* line, size_t length);
  void* context;
} vs_remote_link;

// The calls that a greeting names.
void vs_remote_offer(const vs_greeting* greeting, vs_calls* calls);

// From now on the calls are made over the link; `link` is copied. The calling thread is T0.
void vs_remote_open(const vs_remote_link* link);

// True if some call has not returned.
bool vs_remote_is_busy(void);

// No more calls are made; what came unasked is trouble.
void vs_remote_close(void);

// What the next call of the calling thread can reach: vs_backend.reach.
bool vs_remote_reach(const vs_region* regions, size_t count);

// True if memory was rewritten during the last call of the calling thread, as was asked.
bool vs_remote_held(void);

// The two halves of a call, on one thread, so that more than one can be under way: at most
// VS_REMOTE_FLYING, of calls that do not wait for others. Returns its tag.
enum { VS_REMOTE_FLYING = 64 };
uint64_t vs_remote_start(vs_call_index call, const uint64_t arguments[VS_ARGS_MAX]);
zx_status_t vs_remote_finish(uint64_t tag);

#endif  // VS_BACKENDS_REMOTE_REMOTE_H_
