// SPDX-License-Identifier: BSD-3-Clause
// Loses rbx.
#include <string.h>

#include "wrong.h"

WRONG_WRITE() {
  zx_vcpu_state_x64_t state;
  zx_status_t status = right(handle, kind, buffer, size);
  if (status != ZX_OK || kind != ZX_VCPU_STATE) return status;
  memcpy(&state, buffer, sizeof state);
  state.rbx = 0;
  return right(handle, kind, &state, size);
}
