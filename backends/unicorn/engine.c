// SPDX-License-Identifier: BSD-3-Clause
#include "engine.h"

#include <pthread.h>

// Unicorn builds tables on its first use; nothing says that two threads may do that at once.
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

uint64_t vs_uc_engine_register(const vs_uc_engine* engine, int id) {
  uint64_t value = 0;
  uc_reg_read(engine->uc, id, &value);
  return value;
}

// ---- Memory.

const vs_uc_map* vs_uc_engine_find_map(const vs_uc_engine* engine, uint64_t gpa) {
  for (unsigned i = 0; i < engine->maps_seen; i++) {
    const vs_uc_map* map = &engine->guest->aspace.maps[i];
    if (gpa >= map->gpa && gpa - map->gpa < map->len) return map;
  }
  return NULL;
}

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
    const vs_uc_map* map = &engine->guest->aspace.maps[i];
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
  const vs_uc_aspace* aspace = &engine->guest->aspace;
  const unsigned count = atomic_load_explicit(&aspace->count, memory_order_acquire);
  for (; engine->maps_seen < count; engine->maps_seen++) {
    const vs_uc_map* map = &aspace->maps[engine->maps_seen];
    const uc_err error = uc_mem_map_ptr(engine->uc, map->gpa, map->len, unicorn_perms(map->perms),
                                        map->vmo->bytes + map->vmo_offset);
    if (error != UC_ERR_OK) return false;
  }
  return true;
}

// A trap on memory wins over a mapping: the engine does not have the pages where they overlap.
static bool cut(vs_uc_engine* engine, const vs_uc_map* map, const vs_uc_trap* trap) {
  const uint64_t map_last = map->gpa + (map->len - 1);
  const uint64_t first = trap->first > map->gpa ? trap->first : map->gpa;
  const uint64_t last = trap->last < map_last ? trap->last : map_last;
  return first > last || uc_mem_unmap(engine->uc, first, last - first + 1) == UC_ERR_OK;
}

// Each mapping and each trap meet once; both lists only grow at their ends.
static bool cut_traps(vs_uc_engine* engine, unsigned maps_before) {
  unsigned number = 0;
  for (const vs_uc_trap* trap = vs_uc_trap_first(engine->guest); trap != NULL;
       trap = vs_uc_trap_next(trap), number++) {
    if (trap->kind == ZX_GUEST_TRAP_IO) continue;
    unsigned i = number < engine->traps_seen ? maps_before : 0;
    for (; i < engine->maps_seen; i++) {
      if (!cut(engine, &engine->guest->aspace.maps[i], trap)) return false;
    }
  }
  engine->traps_seen = number;
  return true;
}

static bool refresh_memory(vs_uc_engine* engine) {
  if (!vs_uc_engine_is_stale(engine)) return true;
  const uint64_t up_to = atomic_load(&vs_uc_changes);
  const unsigned maps_before = engine->maps_seen;
  if (!map_new(engine) || !cut_traps(engine, maps_before)) return false;
  apply_changes(engine, up_to);
  return true;
}

vs_uc_exit vs_uc_engine_run(vs_uc_engine* engine) {
  engine->missed = false;
  return refresh_memory(engine) ? engine->arch->run(engine) : VS_UC_EXIT_FAULT;
}

// ---- Life.

bool vs_uc_engine_begin(vs_uc_engine* engine, uc_arch arch, uc_mode mode) {
  if (uc_open(arch, mode, &engine->uc) != UC_ERR_OK) return false;
  if (uc_ctl_exits_enable(engine->uc) == UC_ERR_OK) return true;
  uc_close(engine->uc);
  return false;
}

// Refused: Unicorn ends the run with the access not made.
static bool on_missing(uc_engine* uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                       void* data) {
  vs_uc_engine* engine = data;
  (void)uc, (void)type, (void)size, (void)value;
  engine->missed = true;
  engine->missed_addr = address;
  return false;
}

bool vs_uc_engine_hook(vs_uc_engine* engine, void (*on_instruction)(uc_engine* uc, uint64_t address,
                                                                    uint32_t size, void* engine)) {
  uc_hook hook;
  const int missing = UC_HOOK_MEM_READ_UNMAPPED | UC_HOOK_MEM_WRITE_UNMAPPED;
  // begin > end: everywhere.
  return uc_hook_add(engine->uc, &hook, UC_HOOK_CODE, (void*)on_instruction, engine, 1, 0) ==
             UC_ERR_OK &&
         uc_hook_add(engine->uc, &hook, missing, (void*)on_missing, engine, 1, 0) == UC_ERR_OK;
}

bool vs_uc_engine_open(vs_uc_engine* engine, vs_uc_guest* guest, uint64_t entry, int number) {
  *engine = (vs_uc_engine){.guest = guest, .arch = guest->arch, .pc = entry};
  pthread_mutex_lock(&open_lock);
  bool opened = engine->arch->open(engine, entry, number);
  if (opened) {
    engine->changes_seen = atomic_load(&vs_uc_changes);
    opened = map_new(engine) && cut_traps(engine, 0);
    if (!opened) uc_close(engine->uc);
  }
  pthread_mutex_unlock(&open_lock);
  return opened;
}

void vs_uc_engine_close(vs_uc_engine* engine) {
  pthread_mutex_lock(&open_lock);
  uc_close(engine->uc);
  pthread_mutex_unlock(&open_lock);
}
