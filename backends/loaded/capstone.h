// SPDX-License-Identifier: BSD-3-Clause
// The Capstone library, by the names of its own header. vs_capstone_load comes before the first
// call.
#ifndef VS_BACKENDS_LOADED_CAPSTONE_H_
#define VS_BACKENDS_LOADED_CAPSTONE_H_

#include <capstone/capstone.h>

#include "load.h"

#define VS_CAPSTONE_FUNCTIONS(X) \
  X(cs_close)                    \
  X(cs_disasm)                   \
  X(cs_disasm_iter)              \
  X(cs_free)                     \
  X(cs_malloc)                   \
  X(cs_open)                     \
  X(cs_option)

typedef struct vs_capstone_functions {
  VS_CAPSTONE_FUNCTIONS(VS_LOADED_FIELD)
} vs_capstone_functions;

extern vs_capstone_functions vs_capstone;

// As vs_library_load.
bool vs_capstone_load(vs_why* why);

#ifndef VS_LOADED_PLAIN
#define cs_close vs_capstone.cs_close
#define cs_disasm vs_capstone.cs_disasm
#define cs_disasm_iter vs_capstone.cs_disasm_iter
#define cs_free vs_capstone.cs_free
#define cs_malloc vs_capstone.cs_malloc
#define cs_open vs_capstone.cs_open
#define cs_option vs_capstone.cs_option
#endif

#endif  // VS_BACKENDS_LOADED_CAPSTONE_H_
