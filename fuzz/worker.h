// SPDX-License-Identifier: BSD-3-Clause
// What a fuzzing process and whoever supervises it have in common: what it is told (the
// environment), and what it leaves behind in a file that both map, so that nothing is lost when it
// dies at any moment.
#ifndef VS_FUZZ_WORKER_H_
#define VS_FUZZ_WORKER_H_

#include "codec.h"
#include "words/failure.h"

// What a target is told by the environment, and by flags of the same meaning.
#define VS_FUZZ_BACKEND "VCPUSPEC_BACKEND"      // -backend=B: as after --backend. Default: soft
#define VS_FUZZ_PROFILE "VCPUSPEC_PROFILE"      // -profile=P: a profile's id or file
#define VS_FUZZ_FEEDBACK "VCPUSPEC_FEEDBACK"    // -feedback=0: the oracle's tuples do not guide
#define VS_FUZZ_STATE "VCPUSPEC_STATE"          // -state=F: the file to map: a vs_fuzz_state
#define VS_FUZZ_GENERATOR "VCPUSPEC_GENERATOR"  // -generator=naive, told, bytes: to compare with
#define VS_FUZZ_FIRST "VCPUSPEC_FIRST"  // -first=1: the first violation ends it, and tells when
// -findings=D: a directory: violations are written there and the run goes on. Unset: a violation is
// printed, and ends the process by abort().
#define VS_FUZZ_FINDINGS "VCPUSPEC_FINDINGS"

enum {
  VS_FUZZ_TUPLES = 1 << 16,
  VS_FUZZ_POINTS = 4096,   // combinations (docs/coverage.md), at most
  VS_FUZZ_PAST = 1 << 23,  // bytes
  VS_FUZZ_KEYS = 256
};

#define VS_FUZZ_MAGIC UINT64_C(0x31206f7463667376)

typedef enum vs_fuzz_phase {
  VS_FUZZ_STARTING,   // the backend is being opened
  VS_FUZZ_READY,      // between inputs
  VS_FUZZ_EXECUTING,  // the implementation has been called: if the process dies, it is to blame
  VS_FUZZ_JUDGING     // so is nobody else but us
} vs_fuzz_phase;

// How often a failure was seen.
typedef struct vs_fuzz_seen {
  uint32_t digest;  // vs_failure_digest; 0: none
  uint64_t count;
} vs_fuzz_seen;

// Written by the process alone; numbers only grow. A fresh file is all zeros.
typedef struct vs_fuzz_state {
  uint64_t magic;       // VS_FUZZ_MAGIC once the backend is open
  uint32_t phase;       // vs_fuzz_phase
  uint32_t target;      // vs_fuzz_target
  uint64_t executions;  // inputs
  uint64_t calls;       // operations of scripts
  uint64_t unjudged;    // inputs whose judgement ended early: too many explanations, lost
  uint64_t violations;
  uint32_t writing;    // a finding is being written down
  uint32_t unwritten;  // that could not be
  vs_fuzz_seen seen[VS_FUZZ_KEYS];
  uint8_t tuples[VS_FUZZ_TUPLES / 8];  // a bit for each (clauses, class of facts, verdict) reached
  uint32_t arch;                       // vs_arch that the next two are of
  uint32_t reachable;                  // combinations; 0: they are not counted
  uint8_t points[VS_FUZZ_POINTS / 8];  // a bit for each that was reached, by its number
  // The inputs since the implementation was last without a past: a length (2 bytes, little endian)
  // and the bytes, one after another. The last is the one that is executed.
  uint32_t past_used;
  uint32_t past_count;
  uint8_t past[VS_FUZZ_PAST];
} vs_fuzz_state;

// The script that the past amounts to: from nothing to what was executed last. The ops are the
// caller's to free. False: no memory, or there is none.
bool vs_fuzz_rebuild(const vs_fuzz_state* state, vs_arch arch, vs_op** ops, size_t* count);

// In VS_FUZZ_FINDINGS, one file for each digest, written whole or not at all, by whichever process
// is first: NAME is vs_fuzz_finding_name's, "CLAUSE-DIGEST.vcpu", a script, not minimized; of one
// part of what is wrong, a flag or a field of a packet, "CLAUSE-DIGEST-DIGEST.vcpu", the first of
// the whole.
void vs_fuzz_finding_name(const vs_failure_key* key, char name[96]);

#endif  // VS_FUZZ_WORKER_H_
