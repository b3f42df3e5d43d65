// SPDX-License-Identifier: BSD-3-Clause
// A guest in which snippets are run, one after another, by the documented calls alone. It is made
// once and used again: before each run only the page, the code and the registers are written. Of
// the thread that made it.
#ifndef VS_CLI_MACHINE_H_
#define VS_CLI_MACHINE_H_

#include "runner/target.h"
#include "snippet.h"

typedef struct vs_machine {
  const vs_opened* opened;
  vs_features features;  // what the guest finds
  zx_handle_t guest, vmar, memory, vcpu;
  uint8_t image[VS_SNIPPET_MEMORY];
} vs_machine;

// False: the backend cannot run snippets, and `why` says which call answered what.
bool vs_machine_open(vs_machine* machine, const vs_opened* opened, vs_why* why);
void vs_machine_close(vs_machine* machine);

// Runs it. If the guest does not leave as it should, `out->status` says so, and the guest is made
// anew. False: it could not be.
bool vs_machine_run(vs_machine* machine, const vs_snippet* snippet, vs_snippet_result* out);

#endif  // VS_CLI_MACHINE_H_
