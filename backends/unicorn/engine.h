// SPDX-License-Identifier: BSD-3-Clause
// One Unicorn engine: the registers of a vCPU, and running it until it has a reason to leave.
//
// Unicorn does not lock: only the thread that opened an engine calls these functions (but close may
// come from another one, later). What other threads want is said with atomics, which the hook
// before each instruction looks at; nothing that is said so can be lost, unlike a uc_emu_stop from
// outside.
#ifndef VS_BACKENDS_UNICORN_ENGINE_H_
#define VS_BACKENDS_UNICORN_ENGINE_H_

#include <unicorn/unicorn.h>

#include "insn.h"
#include "memory.h"

typedef enum vs_uc_exit {
  VS_UC_EXIT_ATTENTION,  // a kick, or memory has changed: before some instruction
  VS_UC_EXIT_HLT,        // behind it
  VS_UC_EXIT_IO,         // before the instruction, which engine->insn describes
  VS_UC_EXIT_STRING_IO,  // before it
  VS_UC_EXIT_FAULT,      // Unicorn could not go on
} vs_uc_exit;

typedef struct vs_uc_engine {
  uc_engine* uc;
  vs_uc_aspace* aspace;  // of the guest, which the owner of the engine keeps alive
  atomic_bool kicked;    // set by any thread, cleared by the owner
  bool is_16bit;         // real mode: rip counts from CS.base
  uint64_t rip;          // where the next run starts
  uint64_t at;           // linear address of the instruction that the hook saw last
  vs_uc_insn insn;       // at which the last run stopped
  unsigned maps_seen;    // mappings that the engine has
  uint64_t changes_seen;
  struct {
    uint64_t gpa;
    uint64_t len;
    const uint8_t* bytes;
  } window;  // the mapping that code was last read from; len 0 at first
} vs_uc_engine;

// Opens it at `entry` in 64-bit mode, or in real mode with CS.base = entry; then the entry must be
// below 1 MiB and a multiple of 16. False: no memory. All registers are zero, RFLAGS is 2.
bool vs_uc_engine_open(vs_uc_engine* engine, vs_uc_aspace* aspace, uint64_t entry, bool is_16bit);
void vs_uc_engine_close(vs_uc_engine* engine);

void vs_uc_engine_read(const vs_uc_engine* engine, zx_vcpu_state_x64_t* state);
void vs_uc_engine_write(vs_uc_engine* engine, zx_vcpu_state_x64_t* state);  // leaves *state
uint64_t vs_uc_engine_rflags(const vs_uc_engine* engine);
uint64_t vs_uc_engine_rax(const vs_uc_engine* engine);
void vs_uc_engine_set_rax(vs_uc_engine* engine, uint64_t rax);
uint16_t vs_uc_engine_dx(const vs_uc_engine* engine);

vs_uc_exit vs_uc_engine_run(vs_uc_engine* engine);

#endif  // VS_BACKENDS_UNICORN_ENGINE_H_
