// SPDX-License-Identifier: BSD-3-Clause
#include "engine.h"

#include <pthread.h>
#include <string.h>

#include "real_mode.h"

// In the order of zx_vcpu_state_x64_t. Unicorn ignores an unknown id in a batch without a word.
enum { REGISTERS = 17 };
_Static_assert(sizeof(zx_vcpu_state_x64_t) == REGISTERS * sizeof(uint64_t), "one id per word");
static int register_ids[REGISTERS] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX,    UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP,
    UC_X86_REG_RBP, UC_X86_REG_RSI,    UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,
    UC_X86_REG_R10, UC_X86_REG_R11,    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14,
    UC_X86_REG_R15, UC_X86_REG_RFLAGS,
};

// Unicorn builds tables on its first use; nothing says that two threads may do that at once.
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

// ---- Registers.

void vs_uc_engine_read(const vs_uc_engine* engine, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  *state = (zx_vcpu_state_x64_t){0};
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_read_batch(engine->uc, register_ids, words, REGISTERS);
}

void vs_uc_engine_write(vs_uc_engine* engine, zx_vcpu_state_x64_t* state) {
  void* words[REGISTERS];
  for (int i = 0; i < REGISTERS; i++) words[i] = (uint64_t*)state + i;
  uc_reg_write_batch(engine->uc, register_ids, words, REGISTERS);
}

static uint64_t read_one(const vs_uc_engine* engine, int id) {
  uint64_t value = 0;
  uc_reg_read(engine->uc, id, &value);
  return value;
}

uint64_t vs_uc_engine_rflags(const vs_uc_engine* engine) {
  return read_one(engine, UC_X86_REG_RFLAGS);
}

uint64_t vs_uc_engine_rax(const vs_uc_engine* engine) {
  return read_one(engine, UC_X86_REG_RAX);
}

void vs_uc_engine_set_rax(vs_uc_engine* engine, uint64_t rax) {
  uc_reg_write(engine->uc, UC_X86_REG_RAX, &rax);
}

uint16_t vs_uc_engine_dx(const vs_uc_engine* engine) {
  return (uint16_t)read_one(engine, UC_X86_REG_RDX);
}

// ---- Memory.

static uint32_t unicorn_perms(zx_vm_option_t perms) {
  return (uint32_t)(((perms & ZX_VM_PERM_READ) != 0 ? UC_PROT_READ : 0) |
                    ((perms & ZX_VM_PERM_WRITE) != 0 ? UC_PROT_WRITE : 0) |
                    ((perms & ZX_VM_PERM_EXECUTE) != 0 ? UC_PROT_EXEC : 0));
}

// Forgets what was translated from the pages of a mapping that a write has touched.
static void forget_code(vs_uc_engine* engine, const vs_uc_map* map, const vs_uc_dirty* dirty) {
  const uint64_t map_end = map->vmo_offset + map->len, dirty_end = dirty->offset + dirty->len;
  const uint64_t first = dirty->offset > map->vmo_offset ? dirty->offset : map->vmo_offset;
  const uint64_t end = dirty_end < map_end ? dirty_end : map_end;
  if (map->vmo->serial != dirty->vmo_serial || first >= end) return;
  if ((map->perms & ZX_VM_PERM_EXECUTE) == 0) return;
  const uint64_t to_gpa = map->gpa - map->vmo_offset;
  uc_ctl_remove_cache(engine->uc, first / VS_UC_PAGE * VS_UC_PAGE + to_gpa,
                      (end + VS_UC_PAGE - 1) / VS_UC_PAGE * VS_UC_PAGE + to_gpa);
}

static void apply_change(vs_uc_engine* engine, uint64_t number) {
  bool known;
  const vs_uc_dirty dirty = vs_uc_change(number, &known);
  for (unsigned i = 0; i < engine->maps_seen; i++) {
    const vs_uc_map* map = &engine->aspace->maps[i];
    const vs_uc_dirty all = {map->vmo->serial, map->vmo_offset, map->len};
    forget_code(engine, map, known ? &dirty : &all);
  }
}

// One forgotten change stands for all before it, so those are skipped.
static void apply_changes(vs_uc_engine* engine, uint64_t up_to) {
  if (up_to - engine->changes_seen > VS_UC_CHANGES_KEPT) {
    apply_change(engine, engine->changes_seen);
    engine->changes_seen = up_to - VS_UC_CHANGES_KEPT;
  }
  while (engine->changes_seen < up_to) apply_change(engine, engine->changes_seen++);
}

static bool map_new(vs_uc_engine* engine) {
  const unsigned count = atomic_load_explicit(&engine->aspace->count, memory_order_acquire);
  for (; engine->maps_seen < count; engine->maps_seen++) {
    const vs_uc_map* map = &engine->aspace->maps[engine->maps_seen];
    const uc_err error = uc_mem_map_ptr(engine->uc, map->gpa, map->len, unicorn_perms(map->perms),
                                        map->vmo->bytes + map->vmo_offset);
    if (error != UC_ERR_OK) return false;
  }
  return true;
}

static bool memory_is_stale(const vs_uc_engine* engine) {
  return atomic_load_explicit(&vs_uc_changes, memory_order_acquire) != engine->changes_seen;
}

static bool refresh_memory(vs_uc_engine* engine) {
  if (!memory_is_stale(engine)) return true;
  const uint64_t up_to = atomic_load(&vs_uc_changes);
  if (!map_new(engine)) return false;
  apply_changes(engine, up_to);
  return true;
}

// ---- Running.

static const vs_uc_map* find_map(const vs_uc_engine* engine, uint64_t gpa) {
  for (unsigned i = 0; i < engine->maps_seen; i++) {
    const vs_uc_map* map = &engine->aspace->maps[i];
    if (gpa >= map->gpa && gpa - map->gpa < map->len) return map;
  }
  return NULL;
}

// The bytes of an instruction that is not within the window, which moves to where its last byte is;
// two mappings may share it.
static bool fetch(vs_uc_engine* engine, uint64_t gpa, uint32_t size, uint8_t* bytes) {
  for (uint32_t i = 0; i < size; i++) {
    const vs_uc_map* map = find_map(engine, gpa + i);
    if (map == NULL) return false;
    engine->window.gpa = map->gpa;
    engine->window.len = map->len;
    engine->window.bytes = map->vmo->bytes + map->vmo_offset;
    bytes[i] = engine->window.bytes[gpa + i - map->gpa];
  }
  return true;
}

// HLT ends the run by itself, with RIP behind it as it should be.
static void stop_if_leaving(vs_uc_engine* engine, const uint8_t* bytes, uint32_t size) {
  engine->insn = vs_uc_insn_decode(bytes, size, engine->is_16bit);
  if (engine->insn.kind == VS_UC_INSN_OTHER || engine->insn.kind == VS_UC_INSN_HLT) return;
  uc_emu_stop(engine->uc);
}

__attribute__((noinline)) static void look_closer(vs_uc_engine* engine, uint64_t address,
                                                  uint32_t size) {
  enum { LONGEST = 15 };
  uint8_t bytes[LONGEST];
  // Unicorn gives an invalid instruction an absurd size, and reports it by itself.
  if (size == 0 || size > LONGEST || !fetch(engine, address, size, bytes)) return;
  if (vs_uc_insn_may_leave(bytes, size)) stop_if_leaving(engine, bytes, size);
}

// Before every instruction: uc_emu_stop takes effect here, whereas in the hooks for IN and OUT the
// rest of the translated block would still run.
static void on_instruction(uc_engine* uc, uint64_t address, uint32_t size, void* data) {
  vs_uc_engine* engine = data;
  engine->at = address;
  if (atomic_load_explicit(&engine->kicked, memory_order_relaxed) || memory_is_stale(engine)) {
    uc_emu_stop(uc);
    return;
  }
  const uint64_t at = address - engine->window.gpa, len = engine->window.len;
  if (at >= len || size > len - at) {
    look_closer(engine, address, size);
  } else if (vs_uc_insn_may_leave(engine->window.bytes + at, size)) {
    stop_if_leaving(engine, engine->window.bytes + at, size);
  }
}

// Behind an HLT, and at a fault of 64-bit code, Unicorn knows best. Where the hook stopped a run,
// the hook knows; in real mode Unicorn's RIP is then the linear address, from which CS.base has to
// go.
static uint64_t next_rip(const vs_uc_engine* engine, vs_uc_insn_kind kind, uc_err error) {
  if (kind == VS_UC_INSN_HLT || (error != UC_ERR_OK && !engine->is_16bit)) {
    return read_one(engine, UC_X86_REG_RIP);
  }
  if (!engine->is_16bit) return engine->at;
  return engine->at - (read_one(engine, UC_X86_REG_CS) << 4);
}

vs_uc_exit vs_uc_engine_run(vs_uc_engine* engine) {
  if (!refresh_memory(engine)) return VS_UC_EXIT_FAULT;
  engine->insn.kind = VS_UC_INSN_OTHER;
  engine->at = engine->rip;
  if (engine->is_16bit) engine->at += read_one(engine, UC_X86_REG_CS) << 4;
  // No `until`: exits are enabled and there are none, so this argument means nothing.
  const uc_err error = uc_emu_start(engine->uc, engine->rip, 0, 0, 0);
  const vs_uc_insn_kind kind = error == UC_ERR_OK ? engine->insn.kind : VS_UC_INSN_INVALID;
  engine->rip = next_rip(engine, kind, error);
  switch (kind) {
    case VS_UC_INSN_IO:
      return VS_UC_EXIT_IO;
    case VS_UC_INSN_STRING_IO:
      return VS_UC_EXIT_STRING_IO;
    case VS_UC_INSN_HLT:
      return VS_UC_EXIT_HLT;
    case VS_UC_INSN_INVALID:
      return VS_UC_EXIT_FAULT;
    default:
      return VS_UC_EXIT_ATTENTION;
  }
}

// ---- Life.

static bool set_up(vs_uc_engine* engine, uint64_t entry) {
  uc_hook hook;
  if (uc_ctl_exits_enable(engine->uc) != UC_ERR_OK) return false;
  if (engine->is_16bit && !vs_uc_real_mode(engine->uc, (uint16_t)(entry >> 4))) return false;
  // begin > end: everywhere.
  if (uc_hook_add(engine->uc, &hook, UC_HOOK_CODE, (void*)on_instruction, engine, 1, 0) !=
      UC_ERR_OK) {
    return false;
  }
  // Unicorn starts with the processor's identification in RDX.
  vs_uc_engine_write(engine, &(zx_vcpu_state_x64_t){.rflags = 2});
  return map_new(engine);
}

bool vs_uc_engine_open(vs_uc_engine* engine, vs_uc_aspace* aspace, uint64_t entry, bool is_16bit) {
  *engine = (vs_uc_engine){.aspace = aspace, .is_16bit = is_16bit, .rip = is_16bit ? 0 : entry};
  engine->changes_seen = atomic_load(&vs_uc_changes);
  pthread_mutex_lock(&open_lock);
  bool opened = uc_open(UC_ARCH_X86, UC_MODE_64, &engine->uc) == UC_ERR_OK;
  if (opened && !set_up(engine, entry)) {
    uc_close(engine->uc);
    opened = false;
  }
  pthread_mutex_unlock(&open_lock);
  return opened;
}

void vs_uc_engine_close(vs_uc_engine* engine) {
  pthread_mutex_lock(&open_lock);
  uc_close(engine->uc);
  pthread_mutex_unlock(&open_lock);
}
