// SPDX-License-Identifier: BSD-3-Clause
// What an architecture has to answer, beside its row of engine.h.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_ARCH_H_
#define VS_BACKENDS_ZIRCON_UNICORN_ARCH_H_

#include "engine.h"

// What of the row is alike on all architectures.
bool vs_uc_open(vs_why* reason);
void vs_uc_close(void);
zx_status_t vs_uc_space_new(const vs_engine* row, vs_space** out);
void vs_uc_space_delete(vs_space* space);
zx_status_t vs_uc_space_arrange(vs_space* space, const vs_stretch* stretches, size_t count);
void vs_uc_wrote(void* at, size_t size);
zx_status_t vs_uc_cpu_new(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out);
void vs_uc_cpu_delete(vs_cpu* cpu);
void vs_uc_wake(vs_cpu* cpu, bool runs);
void vs_uc_ready(vs_cpu* cpu);
void vs_uc_run(vs_cpu* cpu, vs_exit* out);

#define VS_UC_ALIKE                                                                               \
  .open = vs_uc_open, .close = vs_uc_close, .space_new = vs_uc_space_new,                         \
  .space_delete = vs_uc_space_delete, .space_arrange = vs_uc_space_arrange, .wrote = vs_uc_wrote, \
  .lags = true, .cpu_new = vs_uc_cpu_new, .cpu_delete = vs_uc_cpu_delete, .wake = vs_uc_wake,     \
  .ready = vs_uc_ready, .run = vs_uc_run

typedef struct vs_uc_arch {
  vs_engine row;  // comes first: a row is its architecture's
  // Opens cpu->uc, with every register 0 but the program counter. Says in cpu->can_run whether it
  // could ever be entered. False: no memory, and nothing is left open.
  bool (*open)(vs_cpu* cpu, uint64_t entry);
  // Lets the guest run from cpu->pc on, and leaves cpu->pc where it goes on.
  void (*run)(vs_cpu* cpu, vs_exit* out);
} vs_uc_arch;

extern const vs_uc_arch vs_uc_x64;
extern const vs_uc_arch vs_uc_arm64;
extern const vs_uc_arch vs_uc_arm64_zircon;  // published kernels: flags are only ever set

#endif  // VS_BACKENDS_ZIRCON_UNICORN_ARCH_H_
