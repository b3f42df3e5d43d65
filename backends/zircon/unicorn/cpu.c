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

static const vs_stretch* find(const vs_stretch* all, size_t count, uint64_t address) {
  for (size_t i = 0; i < count; i++) {
    if (address >= all[i].gpa && address - all[i].gpa < all[i].size) return &all[i];
  }
  return NULL;
}

const vs_stretch* vs_uc_find_stretch(const vs_cpu* cpu, uint64_t gpa) {
  return find(cpu->stretches, cpu->count, gpa);
}

const vs_stretch* vs_uc_find_view(const vs_cpu* cpu, uint64_t address) {
  return find(cpu->views, cpu->view_count, address);
}

static uint32_t unicorn_perms(zx_vm_option_t perms) {
  return (uint32_t)(((perms & ZX_VM_PERM_READ) != 0 ? UC_PROT_READ : 0) |
                    ((perms & ZX_VM_PERM_WRITE) != 0 ? UC_PROT_WRITE : 0) |
                    ((perms & ZX_VM_PERM_EXECUTE) != 0 ? UC_PROT_EXEC : 0));
}

// Forgets what was translated from the pages of a view that a write has touched.
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
  for (size_t i = 0; i < cpu->view_count; i++) {
    const vs_stretch* view = &cpu->views[i];
    const vs_uc_dirty all = {view->host, view->size};
    forget_code(cpu, view, known ? &dirty : &all);
  }
}

void vs_uc_forget_code(vs_cpu* cpu, const uint8_t* at, size_t size) {
  const vs_uc_dirty dirty = {at, size};
  for (size_t i = 0; i < cpu->view_count; i++) forget_code(cpu, &cpu->views[i], &dirty);
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

static bool map_view(vs_cpu* cpu, const vs_stretch* view) {
  if (uc_mem_map_ptr(cpu->uc, view->gpa, view->size, unicorn_perms(view->perms), view->host) !=
      UC_ERR_OK)
    return false;
  cpu->views[cpu->view_count++] = *view;
  return true;
}

// What is not any more goes first: what takes its place may overlap it.
static bool rearrange(vs_cpu* cpu) {
  size_t kept = 0;
  for (size_t i = 0; i < cpu->view_count; i++) {
    const vs_stretch view = cpu->views[i];
    if (is_among(&view, cpu->stretches, cpu->count)) {
      cpu->views[kept++] = view;
    } else if (uc_mem_unmap(cpu->uc, view.gpa, view.size) != UC_ERR_OK) {
      return false;
    }
  }
  cpu->view_count = kept;
  for (size_t i = 0; i < cpu->count; i++) {
    const vs_stretch* s = &cpu->stretches[i];
    if (!is_among(s, cpu->views, kept) && !map_view(cpu, s)) return false;
  }
  return true;
}

// The library may find the next view where it kept this one: what it made of its code goes, too.
static void unmap_view(vs_cpu* cpu, const vs_stretch* view) {
  if ((view->perms & ZX_VM_PERM_EXECUTE) != 0)
    uc_ctl_remove_cache(cpu->uc, view->gpa, view->gpa + view->size);
  uc_mem_unmap(cpu->uc, view->gpa, view->size);
  if (cpu->arch->row.arch == VS_ARCH_X64) cpu->x64.window.span = 0;
}

void vs_uc_drop_view(vs_cpu* cpu, const vs_stretch* view) {
  unmap_view(cpu, view);
  cpu->views[view - cpu->views] = cpu->views[--cpu->view_count];
}

void vs_uc_drop_views(vs_cpu* cpu) {
  for (size_t i = 0; i < cpu->view_count; i++) unmap_view(cpu, &cpu->views[i]);
  cpu->view_count = 0;
  if (cpu->arch->row.arch == VS_ARCH_X64) cpu->x64.system_views = false;
}

bool vs_uc_add_view(vs_cpu* cpu, const vs_stretch* view) {
  if (cpu->view_count < VS_UC_VIEWS_MAX && map_view(cpu, view)) return true;
  if (!cpu->has_pages) return false;
  vs_uc_drop_views(cpu);
  return map_view(cpu, view);
}

static void take_layout(vs_cpu* cpu) {
  const vs_space* space = cpu->space;
  for (size_t i = 0; i < space->count; i++) cpu->stretches[i] = space->stretches[i];
  cpu->count = space->count;
}

static bool refresh_layout(vs_cpu* cpu) {
  vs_space* space = cpu->space;
  bool done = true;
  pthread_mutex_lock(&space->lock);
  if (space->version != cpu->version) {
    take_layout(cpu);
    if (cpu->has_pages) vs_uc_drop_views(cpu);
    if (!cpu->has_pages) done = rearrange(cpu);
  }
  if (done) cpu->version = space->version;
  pthread_mutex_unlock(&space->lock);
  return done;
}

bool vs_uc_refresh(vs_cpu* cpu) {
  if (!vs_uc_is_stale(cpu)) return true;
  const uint64_t up_to = atomic_load(&vs_uc_changes);
  if (!refresh_layout(cpu)) return false;
  if (cpu->arch->row.arch == VS_ARCH_X64) cpu->x64.window.span = 0;
  apply_changes(cpu, up_to);
  return true;
}

// Brings the guest's memory up to date, and runs.
void vs_uc_run(vs_cpu* cpu, vs_exit* out) {
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_BAD_STATE};
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

// Refused: Unicorn ends the run with the access not made. Of one over the end of a page it goes on
// to tell of each byte.
static bool on_missing(uc_engine* uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                       void* data) {
  vs_cpu* cpu = data;
  (void)uc, (void)size, (void)value;
  if (cpu->missed) return false;
  cpu->missed = true;
  cpu->missed_type = type;
  cpu->missed_addr = address;
  return false;
}

bool vs_uc_hook(vs_cpu* cpu,
                void (*on_instruction)(uc_engine* uc, uint64_t address, uint32_t size, void* cpu)) {
  uc_hook hook;
  const int missing = UC_HOOK_MEM_UNMAPPED | UC_HOOK_MEM_PROT;
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
