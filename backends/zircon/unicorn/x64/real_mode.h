// SPDX-License-Identifier: BSD-3-Clause
// Real mode for an engine that was opened in 64-bit mode, so that it keeps its 64-bit registers:
// Unicorn's own 16-bit engines have none of them, and its interface cannot change the mode.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_X64_REAL_MODE_H_
#define VS_BACKENDS_ZIRCON_UNICORN_X64_REAL_MODE_H_

#include <stdbool.h>
#include <stdint.h>

#include "loaded/unicorn.h"

// Lets the processor itself leave 64-bit mode, by code that is mapped for that moment only; nothing
// else may be mapped yet. Then CS is `segment` and RIP 0, CR0 is 0x10, and CR3, CR4, EFER and the
// other segments are 0; the general registers are undefined. False: it did not work.
bool vs_uc_real_mode(uc_engine* uc, uint16_t segment);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_X64_REAL_MODE_H_
