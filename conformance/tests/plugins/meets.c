// SPDX-License-Identifier: BSD-3-Clause
// A replace that a refused write meets on another thread answers as no page asks.
#include <stdatomic.h>
#include <time.h>

#include "wrong.h"

static atomic_bool replacing;
static atomic_uint refused;

static void pause_a_little(void) {
  const struct timespec pause = {0, 100000};
  nanosleep(&pause, NULL);
}

EXPORT zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return vs_backend_soft.calls->handle_duplicate(handle, rights, out);
}

EXPORT zx_status_t zx_vcpu_kick(zx_handle_t handle) {
  return vs_backend_soft.calls->vcpu_kick(handle);
}

EXPORT zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  const unsigned before = atomic_load(&refused);
  atomic_store(&replacing, true);
  for (int i = 0; i < 200 && atomic_load(&refused) == before; i++) pause_a_little();
  atomic_store(&replacing, false);
  if (atomic_load(&refused) != before) return ZX_ERR_INTERNAL;
  return vs_backend_soft.calls->handle_replace(handle, rights, out);
}

WRONG_WRITE() {
  zx_status_t status = right(handle, kind, buffer, size);
  for (int i = 0; status != ZX_OK && i < 100 && !atomic_load(&replacing); i++) pause_a_little();
  atomic_fetch_add(&refused, status != ZX_OK);
  return status;
}
