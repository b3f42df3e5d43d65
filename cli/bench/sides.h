// SPDX-License-Identifier: BSD-3-Clause
// The sides that there are, a file each.
#ifndef VS_CLI_BENCH_SIDES_H_
#define VS_CLI_BENCH_SIDES_H_

#include "side.h"

// A unit is a cycle on one vCPU of the backend, through the documented calls: registers that differ
// every time are written, the guest runs and dumps them, the dump is fetched and compared. Where
// the backend runs no guest they are read back instead.
extern const vs_side vs_side_calls;
// The same cycle, by way of the executor and the oracle: the path of a fuzzer.
extern const vs_side vs_side_judged;
// The same, and what it reaches is counted (coverage/coverage.h).
extern const vs_side vs_side_judged_counted;

// The same cycle as a fuzz target goes through it: from the bytes of an input, with what a campaign
// keeps and counts (fuzz/session.h).
extern const vs_side vs_side_fuzzed;
// The same, and combinations are counted, as a campaign does.
extern const vs_side vs_side_fuzzed_counted;

// The same cycle without a backend: the same guest code in the same memory, on one bare vCPU of
// Linux KVM, with one ioctl a cycle.
extern const vs_side vs_side_bare_kvm;
// Likewise on one bare engine of the Unicorn library.
extern const vs_side vs_side_bare_unicorn;

// A unit is an exit of a guest, through the documented calls (exits.h): a store to a trap on
// memory; a bell, with its packet taken from the port, and then such a store; an interrupt, whose
// handler makes one.
extern const vs_side vs_side_trap;
extern const vs_side vs_side_bell;
extern const vs_side vs_side_interrupt;
// The same guests on a bare vCPU of Linux KVM, which is run until each of their exits.
extern const vs_side vs_side_bare_trap;
extern const vs_side vs_side_bare_bell;
extern const vs_side vs_side_bare_interrupt;

// A unit is a random program (programs/snippet.h), drawn and run by the documented calls.
extern const vs_side vs_side_snippets;

// A unit is one call on the C shim with `soft` behind it, through a pipe: writes of a state and
// reads of it, 64 under way at once. The backend that is open takes no part.
extern const vs_side vs_side_shimmed;
// A unit is a line as long as that, sent through a pipe to a process that sends it back.
extern const vs_side vs_side_echo;

// A unit is one op of the recorded cases (recorded.h), judged by the oracle.
extern const vs_side vs_side_oracle;
// A unit is one op of the same cases, compared with what the model predicted of it beforehand.
extern const vs_side vs_side_predicted;

#endif  // VS_CLI_BENCH_SIDES_H_
