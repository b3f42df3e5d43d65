// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/refuse.h"
#include "guest/guest.h"
#include "loaded/unicorn.h"
#include "sides.h"

enum { OUT = 0xe6, HLT = 0xf4, NOP = 0x90 };

typedef struct bare {
  uc_engine* uc;
  uint8_t* memory;
  uint64_t turn;
} bare;

// In the order of zx_vcpu_state_x64_t.
static int register_ids[VS_BENCH_WORDS] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX,    UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP,
    UC_X86_REG_RBP, UC_X86_REG_RSI,    UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,
    UC_X86_REG_R10, UC_X86_REG_R11,    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14,
    UC_X86_REG_R15, UC_X86_REG_RFLAGS,
};

static void close_bare(void* self) {
  bare* b = self;
  if (b->uc != NULL) uc_close(b->uc);
  if (b->memory != NULL) munmap(b->memory, VS_GUEST_MEMORY);
  free(b);
}

// Of all that ends a run, HLT costs Unicorn the least.
static bool end_with_halt(uint8_t* memory) {
  static const uint8_t out[] = {OUT, VS_PORT_DUMP};
  uint8_t* code = memory + vs_guest_entry(VS_PROGRAM_DUMP);
  uint8_t* at = memmem(code, VS_GUEST_DUMP - VS_GUEST_CODE, out, sizeof out);
  if (at == NULL) return false;
  at[0] = HLT;
  at[1] = NOP;
  return true;
}

static bool set_up(bare* b) {
  void* memory =
      mmap(NULL, VS_GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  b->memory = memory;
  memcpy(memory, vs_guest_image(VS_ARCH_X64), VS_GUEST_MEMORY);
  return end_with_halt(memory) && uc_open(UC_ARCH_X86, UC_MODE_64, &b->uc) == UC_ERR_OK &&
         uc_ctl_exits_enable(b->uc) == UC_ERR_OK &&
         uc_mem_map_ptr(b->uc, 0, VS_GUEST_MEMORY, UC_PROT_ALL, memory) == UC_ERR_OK;
}

static void* open_bare(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  if (!vs_unicorn_load(reason)) return NULL;
  bare* b = calloc(1, sizeof *b);
  if (b == NULL) return NULL;
  if (set_up(b)) return b;
  vs_refuse(reason, "the bare engine could not be set up");
  close_bare(b);
  return NULL;
}

// Exits are enabled and there are none, so the argument `until` of uc_emu_start means nothing.
static uint64_t turn_bare(void* self, uint64_t count) {
  bare* b = self;
  const uint64_t entry = vs_guest_entry(VS_PROGRAM_DUMP);
  uint64_t words[VS_BENCH_WORDS];
  void* pointers[VS_BENCH_WORDS];
  for (int i = 0; i < VS_BENCH_WORDS; i++) pointers[i] = &words[i];
  for (uint64_t i = 0; i < count; i++) {
    vs_bench_registers(b->turn++, words);
    uc_reg_write_batch(b->uc, register_ids, pointers, VS_BENCH_WORDS);
    if (uc_emu_start(b->uc, entry, 0, 0, 0) != UC_ERR_OK) return 0;
    if (memcmp(b->memory + VS_GUEST_DUMP, words, sizeof words) != 0) return 0;
  }
  return count;
}

const vs_side vs_side_bare_unicorn = {open_bare, turn_bare, close_bare, false};
