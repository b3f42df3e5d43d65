// SPDX-License-Identifier: BSD-3-Clause
// What a shim says of itself (docs/shim.md, Greeting), and what is said to it in return.
#ifndef VS_CONFORMANCE_GREETING_H_
#define VS_CONFORMANCE_GREETING_H_

#include <vcpuspec/backend.h>

#include "channel.h"

enum { VS_SHIM_VERSION = 1, VS_SHIM_NAME = 64, VS_SHIM_VERSION_TEXT = 128 };

typedef struct vs_greeting {
  char name[VS_SHIM_NAME];
  char version[VS_SHIM_VERSION_TEXT];  // "" if it does not say
  vs_arch arch;
  vs_calls calls;     // not to be called: NULL for what it does not have
  uint32_t places;    // bit vs_placement
  uint32_t rewrites;  // bit vs_rewrite_mode
  bool sums;
} vs_greeting;

// Greets, and understands the answer, until `deadline`. Lines that came before it on a serial line
// are put into `noise`. False: `reason` says why, and what would help.
bool vs_greet(vs_channel* channel, double deadline, vs_greeting* greeting, vs_tail* noise,
              char* reason, size_t size);

// True if it has every call that guests need.
bool vs_greeting_runs_guests(const vs_greeting* greeting);

// Describes the guests' memory to a shim that runs guests. False: the shim does not take it.
bool vs_describe_guests(vs_channel* channel, const vs_greeting* greeting, double deadline);

#endif  // VS_CONFORMANCE_GREETING_H_
