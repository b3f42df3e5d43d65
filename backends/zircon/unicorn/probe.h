// SPDX-License-Identifier: BSD-3-Clause
// What the Unicorn library keeps of a processor, and its interface does not give. It is looked for
// in what the library saves of a scratch processor, by what changes there when that does something
// known: so no version of the library is relied on.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_PROBE_H_
#define VS_BACKENDS_ZIRCON_UNICORN_PROBE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loaded/unicorn.h"

enum { VS_UC_NOWHERE = -1, VS_UC_WORD = 4, VS_UC_PROBE_PAGE = 4096 };

// A processor with one page of memory, at 0. A run of it ends at an exception, or with the first
// instruction.
typedef struct vs_uc_probe {
  uc_engine* uc;
  uc_context *before, *after;
  size_t size;  // of each
  uint8_t* page;
} vs_uc_probe;

bool vs_uc_probe_open(vs_uc_probe* p, uc_arch arch, uc_mode mode);
void vs_uc_probe_close(vs_uc_probe* p);
bool vs_uc_probe_step(vs_uc_probe* p, uint64_t from);

uint32_t vs_uc_word(const uc_context* context, size_t at);
// The one word that was `from` in the bits of `mask` and is `to`, the others being alike; NOWHERE:
// none, or several.
long vs_uc_probe_only(const vs_uc_probe* p, uint32_t mask, uint32_t from, uint32_t to);

// A processor of a guest: NULL if it cannot be saved. vs_uc_restore frees what was saved.
uint8_t* vs_uc_save(uc_engine* uc, uc_context** context);
bool vs_uc_restore(uc_engine* uc, uc_context* context, bool changed);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_PROBE_H_
