// SPDX-License-Identifier: BSD-3-Clause
// The engine that runs its vCPUs on the Unicorn library.
#include "rows.h"

#include <stdlib.h>

#include "cpu.h"
#include "refuse.h"
#include "zircon.h"

bool vs_uc_open(vs_why* reason) {
  (void)reason;  // the library is loaded, and was asked
  return true;
}

void vs_uc_close(void) {}

zx_status_t vs_uc_space_new(const vs_engine* row, vs_space** out) {
  vs_space* space = calloc(1, sizeof *space);
  if (space == NULL) return ZX_ERR_NO_MEMORY;
  space->arch = (const vs_uc_arch*)row;
  pthread_mutex_init(&space->lock, NULL);
  *out = space;
  return ZX_OK;
}

void vs_uc_space_delete(vs_space* space) {
  pthread_mutex_destroy(&space->lock);
  free(space);
}

zx_status_t vs_uc_space_arrange(vs_space* space, const vs_stretch* stretches, size_t count) {
  pthread_mutex_lock(&space->lock);
  for (size_t i = 0; i < count; i++) space->stretches[i] = stretches[i];
  space->count = count;
  space->version++;
  pthread_mutex_unlock(&space->lock);
  vs_uc_record((vs_uc_dirty){0});
  return ZX_OK;
}

void vs_uc_wrote(void* at, size_t size) {
  vs_uc_record((vs_uc_dirty){at, size});
}

void vs_uc_wake(vs_cpu* cpu, bool runs) {
  (void)runs;
  atomic_store(&cpu->wanted, true);
}

void vs_uc_ready(vs_cpu* cpu) {
  if (atomic_load_explicit(&cpu->wanted, memory_order_relaxed)) atomic_store(&cpu->wanted, false);
  (void)vs_uc_refresh(cpu);  // an interrupt looks at memory; run tries again
}

static bool open_as(const vs_uc_arch* arch, uc_arch needed, const char* name, vs_why* reason) {
  if (!vs_unicorn_load(reason)) return false;
  if (!uc_arch_supported(needed))
    return vs_refuse(
        reason, "this Unicorn library was built without %s: install Debian's libunicorn2", name);
  return vs_zircon_open(&arch->row, reason);
}

static bool open_x64(vs_why* reason) {
  return open_as(&vs_uc_x64, UC_ARCH_X86, "x86", reason);
}

static bool open_arm64(vs_why* reason) {
  return open_as(&vs_uc_arm64, UC_ARCH_ARM64, "arm64", reason);
}

static bool open_arm64_zircon(vs_why* reason) {
  return open_as(&vs_uc_arm64_zircon, UC_ARCH_ARM64, "arm64", reason);
}

#define ROW(row_name, row_arch, row_open, row_summary)                         \
  {                                                                            \
    .name = (row_name), .summary = (row_summary), .arch = (row_arch),          \
    .resource = ZX_HANDLE_INVALID, .other_resource = VS_ZIRCON_OTHER_RESOURCE, \
    .calls = &vs_zircon_calls, .load = vs_unicorn_load, .open = (row_open),    \
    .close = vs_zircon_close,                                                  \
  }

const vs_backend vs_backend_unicorn =
    ROW("unicorn", VS_ARCH_X64, open_x64, "x86-64 guests on the Unicorn emulator, in this process");
const vs_backend vs_backend_unicorn_arm64 =
    ROW("unicorn:arm64", VS_ARCH_ARM64, open_arm64,
        "arm64 guests on the Unicorn emulator, in this process");
const vs_backend vs_backend_unicorn_arm64_zircon =
    ROW("unicorn:arm64:zircon", VS_ARCH_ARM64, open_arm64_zircon,
        "the same, and as in published Zircon a write sets flags but clears none");
