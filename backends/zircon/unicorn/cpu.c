// SPDX-License-Identifier: BSD-3-Clause
#include "cpu.h"

#include <pthread.h>
#include <stdlib.h>

// Unicorn builds tables on its first use; nothing says that two threads may do that at once.
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

uint64_t vs_uc_register(const vs_cpu* cpu, int id) {
  uint64_t value = 0;
  uc_reg_read(cpu->uc, id, &value);
  return value;
}

void vs_uc_set_register(vs_cpu* cpu, int id, uint64_t value) {
  uc_reg_write(cpu->uc, id, &value);
}

// ---- Memory.

const vs_stretch* vs_uc_find_stretch(const vs_cpu* cpu, uint64_t gpa) {
  for (size_t i = 0; i < cpu->count; i++) {
    const vs_stretch* s = &cpu->stretches[i];
    if (gpa >= s->gpa && gpa - s->gpa < s->size) return s;
  }
  return NULL;
}

static uint32_t unicorn_perms(zx_vm_option_t perms) {
  return (uint32_t)(((perms & ZX_VM_PERM_READ) != 0 ? UC_PROT_READ : 0) |
                    ((perms & ZX_VM_PERM_WRITE) != 0 ? UC_PROT_WRITE : 0) |
                    ((perms & ZX_VM_PERM_EXECUTE) != 0 ? UC_PROT_EXEC : 0));
}

// Forgets what was translated from the pages of a stretch that a write has touched.
static void forget_code(vs_cpu* cpu, const vs_stretch* s, const vs_uc_dirty* dirty) {
  const uint8_t *first = s->host, *end = s->host + s->size;
  if (dirty->at > first) first = dirty->at;
  if (dirty->at + dirty->size < end) end = dirty->at + dirty->size;
  if (first >= end || (s->perms & ZX_VM_PERM_EXECUTE) == 0) return;
  const uint64_t from = (uint64_t)(first - s->host), to = (uint64_t)(end - s->host);
  uc_ctl_remove_cache(cpu->uc, s->gpa + from / VS_ENGINE_PAGE * VS_ENGINE_PAGE,
                      s->gpa + (to + VS_ENGINE_PAGE - 1) / VS_ENGINE_PAGE * VS_ENGINE_PAGE);
}

static void apply_change(vs_cpu* cpu, uint64_t number) {
  bool known;
  const vs_uc_dirty dirty = vs_uc_change(number, &known);
  for (size_t i = 0; i < cpu->count; i++) {
    const vs_stretch* s = &cpu->stretches[i];
    const vs_uc_dirty all = {s->host, s->size};
    forget_code(cpu, s, known ? &dirty : &all);
  }
}

// One forgotten change stands for all before it, so those are skipped.
static void apply_changes(vs_cpu* cpu, uint64_t up_to) {
  if (up_to - cpu->changes_seen > VS_UC_CHANGES_KEPT) {
    apply_change(cpu, cpu->changes_seen);
    cpu->changes_seen = up_to - VS_UC_CHANGES_KEPT;
  }
  while (cpu->changes_seen < up_to) apply_change(cpu, cpu->changes_seen++);
}

static bool is_among(const vs_stretch* one, const vs_stretch* all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (vs_stretch_is(one, &all[i])) return true;
  }
  return false;
}

// What is not any more goes first: what takes its place may overlap it.
static bool rearrange(vs_cpu* cpu, const vs_stretch* wanted, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < cpu->count; i++) {
    const vs_stretch s = cpu->stretches[i];
    if (is_among(&s, wanted, count)) {
      cpu->stretches[kept++] = s;
    } else if (uc_mem_unmap(cpu->uc, s.gpa, s.size) != UC_ERR_OK) {
      return false;
    }
  }
  cpu->count = kept;
  for (size_t i = 0; i < count; i++) {
    const vs_stretch* s = &wanted[i];
    if (is_among(s, cpu->stretches, kept)) continue;
    if (uc_mem_map_ptr(cpu->uc, s->gpa, s->size, unicorn_perms(s->perms), s->host) != UC_ERR_OK)
      return false;
    cpu->stretches[cpu->count++] = *s;
  }
  return true;
}

static bool refresh_layout(vs_cpu* cpu) {
  vs_space* space = cpu->space;
  bool done = true;
  pthread_mutex_lock(&space->lock);
  if (space->version != cpu->version) done = rearrange(cpu, space->stretches, space->count);
  if (done) cpu->version = space->version;
  pthread_mutex_unlock(&space->lock);
  return done;
}

bool vs_uc_refresh(vs_cpu* cpu) {
  if (!vs_uc_is_stale(cpu)) return true;
  const uint64_t up_to = atomic_load(&vs_uc_changes);
  if (!refresh_layout(cpu)) return false;
  if (cpu->arch->row.arch == VS_ARCH_X64) cpu->x64.window.len = 0;
  apply_changes(cpu, up_to);
  return true;
}

// Brings the guest's memory up to date, and runs.
void vs_uc_run(vs_cpu* cpu, vs_exit* out) {
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_BAD_STATE};
  cpu->missed = false;
  if (!cpu->can_run) {
    out->status = ZX_ERR_NOT_SUPPORTED;
  } else if (vs_uc_refresh(cpu)) {
    cpu->arch->run(cpu, out);
  }
}

// ---- Life.

bool vs_uc_begin(vs_cpu* cpu, uc_arch arch, uc_mode mode) {
  if (uc_open(arch, mode, &cpu->uc) != UC_ERR_OK) return false;
  if (uc_ctl_exits_enable(cpu->uc) == UC_ERR_OK) return true;
  uc_close(cpu->uc);
  return false;
}

// Refused: Unicorn ends the run with the access not made.
static bool on_missing(uc_engine* uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                       void* data) {
  vs_cpu* cpu = data;
  (void)uc, (void)size, (void)value;
  cpu->missed = true;
  cpu->missed_read = type == UC_MEM_READ_UNMAPPED;
  cpu->missed_addr = address;
  return false;
}

bool vs_uc_hook(vs_cpu* cpu,
                void (*on_instruction)(uc_engine* uc, uint64_t address, uint32_t size, void* cpu)) {
  uc_hook hook;
  const int missing = UC_HOOK_MEM_READ_UNMAPPED | UC_HOOK_MEM_WRITE_UNMAPPED;
  // begin > end: everywhere.
  return uc_hook_add(cpu->uc, &hook, UC_HOOK_CODE, (void*)on_instruction, cpu, 1, 0) == UC_ERR_OK &&
         uc_hook_add(cpu->uc, &hook, missing, (void*)on_missing, cpu, 1, 0) == UC_ERR_OK;
}

static bool open_cpu(vs_cpu* cpu, uint64_t entry) {
  pthread_mutex_lock(&open_lock);
  bool opened = cpu->arch->open(cpu, entry);
  if (opened) {
    cpu->changes_seen = atomic_load(&vs_uc_changes);
    opened = refresh_layout(cpu);
    if (!opened) uc_close(cpu->uc);
  }
  pthread_mutex_unlock(&open_lock);
  return opened;
}

zx_status_t vs_uc_cpu_new(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out) {
  vs_cpu* cpu = calloc(1, sizeof *cpu);
  if (cpu == NULL) return ZX_ERR_NO_MEMORY;
  cpu->space = space;
  cpu->arch = space->arch;
  cpu->number = number;
  cpu->pc = entry;
  if (!open_cpu(cpu, entry)) {
    free(cpu);
    return ZX_ERR_NO_MEMORY;
  }
  *out = cpu;
  return ZX_OK;
}

void vs_uc_cpu_delete(vs_cpu* cpu) {
  pthread_mutex_lock(&open_lock);
  uc_close(cpu->uc);
  pthread_mutex_unlock(&open_lock);
  free(cpu);
}
