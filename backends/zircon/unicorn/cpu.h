// SPDX-License-Identifier: BSD-3-Clause
// One vCPU of the Unicorn library: its registers, and running it until it has a reason to leave.
// What is common to the architectures; arch.h has the rest.
//
// Unicorn does not lock: only the thread that made a vCPU calls what touches `uc` (but its end may
// come from another one, later). What other threads want is said with atomics, which the hook
// before each instruction looks at; nothing that is said so can be lost, unlike a uc_emu_stop from
// outside.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_CPU_H_
#define VS_BACKENDS_ZIRCON_UNICORN_CPU_H_

#include <pthread.h>
#include <stdatomic.h>

#include "arch.h"
#include "arm64/insn.h"
#include "changes.h"
#include "loaded/unicorn.h"
#include "x64/insn.h"

enum { VS_UC_VIEWS_MAX = 256 };

struct vs_space {
  const vs_uc_arch* arch;
  pthread_mutex_t lock;
  uint64_t version;  // of what follows
  size_t count;
  vs_stretch stretches[VS_STRETCHES_MAX];
};

// What has to follow an instruction that the library has done.
typedef enum vs_uc_after {
  VS_UC_AFTER_NOTHING,
  VS_UC_AFTER_RING,   // it may have changed the ring
  VS_UC_AFTER_PAGES,  // what was known of page tables is to be forgotten
  VS_UC_AFTER_CPUID
} vs_uc_after;

// Of an x86-64 vCPU.
typedef struct vs_uc_x64_part {
  bool is_16bit;      // real mode: pc counts from CS.base
  vs_uc_insn insn;    // at which the last run stopped
  bool watching;      // to stop as soon as the guest's flags let an interrupt in
  bool had_flag;      // they did so before the last instruction
  vs_uc_after after;  // the last instruction
  uint32_t leaf;      // of CPUID
  int raised;         // the exception that ended the run; -1: none
  bool paging;        // CR0.PG, which the library does not have set
  bool user;          // the views are those of ring 3
  bool system_views;  // some view is of a page that ring 3 may not have
  uint64_t efer;      // as the guest sees it
  struct {
    uint64_t address;
    uint64_t span;  // bytes, at each of which a whole instruction can be read; 0: none
    const uint8_t* bytes;
  } window;  // the view that code was last read from
} vs_uc_x64_part;

// Of an arm64 vCPU.
typedef struct vs_uc_arm64_part {
  bool stopped;             // the hook ended the run
  bool has_raised;          // an exception did
  uint32_t raised;          // which: a number of the library
  bool watching;            // to stop as soon as the guest lets an interrupt in
  uint16_t interrupt;       // taken, and not acknowledged yet; 1023: none
  vs_uc_transfer transfer;  // made the access that missed
} vs_uc_arm64_part;

struct vs_cpu {
  uc_engine* uc;
  vs_space* space;
  const vs_uc_arch* arch;  // the space's
  unsigned number;         // in the guest
  atomic_bool wanted;      // set by any thread, cleared by the owner
  bool can_run;
  bool missed;              // the run ended at an access that the library has no memory for
  uc_mem_type missed_type;  // of the first that it told of
  uint64_t missed_addr;     // of that access
  uint64_t pc;              // where the next run starts
  uint64_t at;              // linear address of the instruction that the hook saw last
  uint32_t size;            // bytes of that instruction
  uint64_t changes_seen;
  union {
    vs_uc_x64_part x64;
    vs_uc_arm64_part arm64;
  };
  // Here, and not above, so that what every instruction looks at lies together.
  size_t count;  // stretches of the space, of this version of it
  vs_stretch stretches[VS_STRETCHES_MAX];
  uint64_t version;
  // What the library has. It takes a linear address for a physical one, whatever page tables say:
  // so of a guest with page tables a view is a page, put where the guest has it.
  bool has_pages;
  size_t view_count;
  vs_stretch views[VS_UC_VIEWS_MAX];
};

// Brings the guest's memory up to date, by the owner. False: it could not be.
bool vs_uc_refresh(vs_cpu* cpu);

// ---- For the architectures.

// Opens the library's engine so that no address ends a run, with `on_instruction` before every
// instruction, and with `missed` kept. False: no memory.
bool vs_uc_begin(vs_cpu* cpu, uc_arch arch, uc_mode mode);
bool vs_uc_hook(vs_cpu* cpu,
                void (*on_instruction)(uc_engine* uc, uint64_t address, uint32_t size, void* cpu));

uint64_t vs_uc_register(const vs_cpu* cpu, int id);
void vs_uc_set_register(vs_cpu* cpu, int id, uint64_t value);

static inline bool vs_uc_is_stale(const vs_cpu* cpu) {
  return atomic_load_explicit(&vs_uc_changes, memory_order_acquire) != cpu->changes_seen;
}

// Whether the run has to end before the next instruction.
static inline bool vs_uc_is_wanted(const vs_cpu* cpu) {
  return atomic_load_explicit(&cpu->wanted, memory_order_relaxed) || vs_uc_is_stale(cpu);
}

// The stretch that holds a guest-physical address, and the view that holds a linear one; NULL:
// none.
const vs_stretch* vs_uc_find_stretch(const vs_cpu* cpu, uint64_t gpa);
const vs_stretch* vs_uc_find_view(const vs_cpu* cpu, uint64_t address);
// A view that would overlap another, or is one too many, takes all others away: of a vCPU without
// pages of its own it is refused.
bool vs_uc_add_view(vs_cpu* cpu, const vs_stretch* view);
void vs_uc_drop_view(vs_cpu* cpu, const vs_stretch* view);
void vs_uc_drop_views(vs_cpu* cpu);
// The owner has written this itself, as the guest would.
void vs_uc_forget_code(vs_cpu* cpu, const uint8_t* at, size_t size);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_CPU_H_
