// SPDX-License-Identifier: BSD-3-Clause
// One Unicorn engine: the registers of a vCPU, and running it until it has a reason to leave. What
// is common to the architectures; arch.h has the rest.
//
// Unicorn does not lock: only the thread that opened an engine calls these functions (but close may
// come from another one, later). What other threads want is said with atomics, which the hook
// before each instruction looks at; nothing that is said so can be lost, unlike a uc_emu_stop from
// outside.
#ifndef VS_BACKENDS_UNICORN_ENGINE_H_
#define VS_BACKENDS_UNICORN_ENGINE_H_

#include <unicorn/unicorn.h>

#include "arch.h"
#include "arm64/insn.h"
#include "guest.h"
#include "x64/insn.h"

// Of an x86-64 engine.
typedef struct vs_uc_x64_part {
  bool is_16bit;    // real mode: pc counts from CS.base
  vs_uc_insn insn;  // at which the last run stopped
  struct {
    uint64_t gpa;
    uint64_t len;
    const uint8_t* bytes;
  } window;  // the mapping that code was last read from; len 0 at first
} vs_uc_x64_part;

// Of an arm64 engine.
typedef struct vs_uc_arm64_part {
  bool stopped;             // the hook ended the run
  vs_uc_transfer transfer;  // made the access that missed
} vs_uc_arm64_part;

struct vs_uc_engine {
  uc_engine* uc;
  vs_uc_guest* guest;      // which the owner of the engine keeps alive
  const vs_uc_arch* arch;  // the guest's
  atomic_bool kicked;      // set by any thread, cleared by the owner
  bool can_run;
  bool missed;           // the run ended at a load or store to where nothing is mapped
  uint64_t missed_addr;  // of that access
  uint64_t pc;           // where the next run starts
  uint64_t at;           // linear address of the instruction that the hook saw last
  unsigned maps_seen;    // mappings that the engine has
  unsigned traps_seen;
  uint64_t changes_seen;
  union {
    vs_uc_x64_part x64;
    vs_uc_arm64_part arm64;
  };
};

// False: no memory. The engine's registers are the architecture's initial ones.
bool vs_uc_engine_open(vs_uc_engine* engine, vs_uc_guest* guest, uint64_t entry, int number);
void vs_uc_engine_close(vs_uc_engine* engine);

// Brings the guest's memory up to date, and runs.
vs_uc_exit vs_uc_engine_run(vs_uc_engine* engine);

// ---- For the architectures.

// Opens the library's engine so that no address ends a run, with `on_instruction` before every
// instruction, and with `missed` kept. False: no memory.
bool vs_uc_engine_begin(vs_uc_engine* engine, uc_arch arch, uc_mode mode);
bool vs_uc_engine_hook(vs_uc_engine* engine, void (*on_instruction)(uc_engine* uc, uint64_t address,
                                                                    uint32_t size, void* engine));

uint64_t vs_uc_engine_register(const vs_uc_engine* engine, int id);

static inline bool vs_uc_engine_is_stale(const vs_uc_engine* engine) {
  return atomic_load_explicit(&vs_uc_changes, memory_order_acquire) != engine->changes_seen;
}

// Whether the run has to end before the next instruction.
static inline bool vs_uc_engine_is_wanted(const vs_uc_engine* engine) {
  return atomic_load_explicit(&engine->kicked, memory_order_relaxed) ||
         vs_uc_engine_is_stale(engine);
}

// The mapping that holds an address, of those that the engine has; NULL: none.
const vs_uc_map* vs_uc_engine_find_map(const vs_uc_engine* engine, uint64_t gpa);

#endif  // VS_BACKENDS_UNICORN_ENGINE_H_
