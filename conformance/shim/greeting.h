// SPDX-License-Identifier: BSD-3-Clause
// Greets a shim, and hears what it says of itself (docs/shim.md, Answers).
#ifndef VS_CONFORMANCE_GREETING_H_
#define VS_CONFORMANCE_GREETING_H_

#include "channel.h"

typedef enum vs_greeted { VS_GREETED_WELL, VS_GREETED_GONE, VS_GREETED_WRONG } vs_greeted;

// Greets, and understands the answer, until `deadline`; 0: as long as it takes. Lines that come
// before it on a serial line are put into `noise`. But for VS_GREETED_WELL `reason` says why, and
// what would help; VS_GREETED_GONE: the channel ended.
vs_greeted vs_greet(vs_channel* channel, double deadline, vs_greeting* greeting, vs_tail* noise,
                    vs_why* reason);

#endif  // VS_CONFORMANCE_GREETING_H_
