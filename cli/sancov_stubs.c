// SPDX-License-Identifier: BSD-3-Clause
// What an object that was instrumented for libFuzzer (-fsanitize=fuzzer-no-link) calls, so that it
// can be loaded and judged as it is: here nobody counts. In fuzzing processes libFuzzer does.
// Names and arguments are those of LLVM's SanitizerCoverage.
#include <stdint.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define NOTHING(name, params) \
  void name params;           \
  void name params {}

NOTHING(__sanitizer_cov_8bit_counters_init, (char* start, char* end))
NOTHING(__sanitizer_cov_bool_flag_init, (char* start, char* end))
NOTHING(__sanitizer_cov_pcs_init, (const uintptr_t* start, const uintptr_t* end))
NOTHING(__sanitizer_cov_trace_pc, (void))
NOTHING(__sanitizer_cov_trace_pc_guard, (uint32_t * guard))
NOTHING(__sanitizer_cov_trace_pc_guard_init, (uint32_t * start, uint32_t* end))
NOTHING(__sanitizer_cov_trace_pc_indir, (uintptr_t callee))
NOTHING(__sanitizer_cov_trace_cmp1, (uint8_t a, uint8_t b))
NOTHING(__sanitizer_cov_trace_cmp2, (uint16_t a, uint16_t b))
NOTHING(__sanitizer_cov_trace_cmp4, (uint32_t a, uint32_t b))
NOTHING(__sanitizer_cov_trace_cmp8, (uint64_t a, uint64_t b))
NOTHING(__sanitizer_cov_trace_const_cmp1, (uint8_t a, uint8_t b))
NOTHING(__sanitizer_cov_trace_const_cmp2, (uint16_t a, uint16_t b))
NOTHING(__sanitizer_cov_trace_const_cmp4, (uint32_t a, uint32_t b))
NOTHING(__sanitizer_cov_trace_const_cmp8, (uint64_t a, uint64_t b))
NOTHING(__sanitizer_cov_trace_switch, (uint64_t value, uint64_t* cases))
NOTHING(__sanitizer_cov_trace_div4, (uint32_t value))
NOTHING(__sanitizer_cov_trace_div8, (uint64_t value))
NOTHING(__sanitizer_cov_trace_gep, (uintptr_t index))

extern _Thread_local uintptr_t __sancov_lowest_stack;
_Thread_local uintptr_t __sancov_lowest_stack;
