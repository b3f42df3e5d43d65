// SPDX-License-Identifier: BSD-3-Clause
// The Unicorn library, by the names of its own header. vs_unicorn_load comes before the first call.
#ifndef VS_BACKENDS_LOADED_UNICORN_H_
#define VS_BACKENDS_LOADED_UNICORN_H_

#include <unicorn/unicorn.h>

#include "load.h"

#define VS_UNICORN_FUNCTIONS(X) \
  X(uc_arch_supported)          \
  X(uc_close)                   \
  X(uc_context_alloc)           \
  X(uc_context_free)            \
  X(uc_context_restore)         \
  X(uc_context_save)            \
  X(uc_context_size)            \
  X(uc_ctl)                     \
  X(uc_emu_start)               \
  X(uc_emu_stop)                \
  X(uc_hook_add)                \
  X(uc_hook_del)                \
  X(uc_mem_map_ptr)             \
  X(uc_mem_read)                \
  X(uc_mem_unmap)               \
  X(uc_open)                    \
  X(uc_reg_read)                \
  X(uc_reg_read_batch)          \
  X(uc_reg_write)               \
  X(uc_reg_write_batch)

typedef struct vs_unicorn_functions {
  VS_UNICORN_FUNCTIONS(VS_LOADED_FIELD)
} vs_unicorn_functions;

extern vs_unicorn_functions vs_unicorn;

// As vs_library_load.
bool vs_unicorn_load(vs_why* why);

#ifndef VS_LOADED_PLAIN
#define uc_arch_supported vs_unicorn.uc_arch_supported
#define uc_close vs_unicorn.uc_close
#define uc_context_alloc vs_unicorn.uc_context_alloc
#define uc_context_free vs_unicorn.uc_context_free
#define uc_context_restore vs_unicorn.uc_context_restore
#define uc_context_save vs_unicorn.uc_context_save
#define uc_context_size vs_unicorn.uc_context_size
#define uc_ctl vs_unicorn.uc_ctl
#define uc_emu_start vs_unicorn.uc_emu_start
#define uc_emu_stop vs_unicorn.uc_emu_stop
#define uc_hook_add vs_unicorn.uc_hook_add
#define uc_hook_del vs_unicorn.uc_hook_del
#define uc_mem_map_ptr vs_unicorn.uc_mem_map_ptr
#define uc_mem_read vs_unicorn.uc_mem_read
#define uc_mem_unmap vs_unicorn.uc_mem_unmap
#define uc_open vs_unicorn.uc_open
#define uc_reg_read vs_unicorn.uc_reg_read
#define uc_reg_read_batch vs_unicorn.uc_reg_read_batch
#define uc_reg_write vs_unicorn.uc_reg_write
#define uc_reg_write_batch vs_unicorn.uc_reg_write_batch
#endif

#endif  // VS_BACKENDS_LOADED_UNICORN_H_
