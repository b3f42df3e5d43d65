// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include <string.h>

static const uint8_t code_x64[] = {
#include "x64.inc"
};

// Where x64.S puts each program.
static const uint16_t offsets[VS_PROGRAM_COUNT] = {
    [VS_PROGRAM_DUMP] = 0x000,  [VS_PROGRAM_IN8] = 0x100,  [VS_PROGRAM_IN16] = 0x110,
    [VS_PROGRAM_IN32] = 0x120,  [VS_PROGRAM_OUT8] = 0x130, [VS_PROGRAM_OUT16] = 0x140,
    [VS_PROGRAM_OUT32] = 0x150, [VS_PROGRAM_SPIN] = 0x160,
};

enum { PRESENT_WRITABLE = 0x3, LARGE_PAGE = 0x80, PDPT = 0x1000, PAGE_DIRECTORY = 0x3000 };

static void put64(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

// A 2 MiB page, since not every CPU has larger ones.
static void page_tables(uint8_t* memory) {
  put64(memory, PDPT | PRESENT_WRITABLE);
  put64(memory + PDPT, PAGE_DIRECTORY | PRESENT_WRITABLE);
  put64(memory + PAGE_DIRECTORY, LARGE_PAGE | PRESENT_WRITABLE);
}

bool vs_guest_image(vs_arch arch, uint8_t* memory) {
  if (arch != VS_ARCH_X64) return false;
  memset(memory, 0, VS_GUEST_MEMORY);
  page_tables(memory);
  memcpy(memory + VS_GUEST_CODE, code_x64, sizeof code_x64);
  return true;
}

zx_vaddr_t vs_guest_entry(vs_program program) {
  return VS_GUEST_CODE + offsets[program];
}
