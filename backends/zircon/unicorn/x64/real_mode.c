// SPDX-License-Identifier: BSD-3-Clause
#include "real_mode.h"

#include <stdlib.h>
#include <string.h>

// The code sits where no real-mode code can be, so that its last jump always ends the run.
enum { PAGE = 4096, PAGES = 4, SEGMENT_AT = 0x64 };
static const uint64_t base = 0xffffc000;

static const uint8_t code[] = {
    // 64-bit: PAE, the tables, paging on; then to the 16-bit segment of the GDT below.
    0xb8, 0x20, 0x00, 0x00, 0x00,              // mov $0x20, %eax
    0x0f, 0x22, 0xe0,                          // mov %rax, %cr4
    0xb8, 0x00, 0xd0, 0xff, 0xff,              // mov $base+0x1000, %eax
    0x0f, 0x22, 0xd8,                          // mov %rax, %cr3
    0xb8, 0x11, 0x00, 0x00, 0x80,              // mov $0x80000011, %eax
    0x0f, 0x22, 0xc0,                          // mov %rax, %cr0
    0x0f, 0x01, 0x15, 0x61, 0x00, 0x00, 0x00,  // lgdt 0x80
    0xbc, 0x00, 0xd0, 0xff, 0xff,              // mov $base+0x1000, %esp
    0x6a, 0x08,                                // push $8
    0x68, 0x2d, 0x00, 0x00, 0x00,              // push $0x2d
    0x48, 0xcb,                                // lretq
    // 0x2d, 16-bit: segments with real-mode limits; paging, then protection off.
    0xb8, 0x10, 0x00,                    // mov $16, %ax
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0,  // mov %ax, %ds; %es; %fs
    0x8e, 0xe8, 0x8e, 0xd0,              // mov %ax, %gs; %ss
    0x66, 0xb8, 0x10, 0x00, 0x00, 0x00,  // mov $0x10, %eax
    0x0f, 0x22, 0xc0,                    // mov %eax, %cr0
    0x66, 0x31, 0xc0,                    // xor %eax, %eax
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0,  // mov %ax, %ds; %es; %fs
    0x8e, 0xe8, 0x8e, 0xd0,              // mov %ax, %gs; %ss
    0x0f, 0x22, 0xd8,                    // mov %eax, %cr3
    0x0f, 0x22, 0xe0,                    // mov %eax, %cr4
    0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0,  // mov $0xc0000080, %ecx
    0x66, 0x31, 0xd2, 0x0f, 0x30,        // xor %edx, %edx; wrmsr
    0xea, 0x00, 0x00, 0x00, 0x00,        // ljmp $segment, $0
    0x90, 0x90,
    // 0x68, GDT: null; 16-bit code at base; data at 0. 0x80: its limit and address.
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,              //
    0xff, 0xff, 0x00, 0xc0, 0xff, 0x9b, 0x00, 0xff,              //
    0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0x00, 0x00,              //
    0x17, 0x00, 0x68, 0xc0, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,  //
};

static void put_u64(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

// The code, and tables that map the 2 MiB below 4 GiB to themselves.
static void build(uint8_t* pages, uint16_t segment) {
  memset(pages, 0, (size_t)PAGES * PAGE);
  memcpy(pages, code, sizeof code);
  memcpy(pages + SEGMENT_AT, &segment, sizeof segment);
  put_u64(pages + PAGE, (base + 2 * PAGE) | 3);
  put_u64(pages + 2 * PAGE + 3 * 8, (base + 3 * PAGE) | 3);
  put_u64(pages + 3 * PAGE + 511 * 8, 0xffe00000 | 0x83);
}

// The run has to end with the fetch at the unmapped segment, in real mode.
static bool run(uc_engine* uc, uint16_t segment) {
  uint64_t cr0 = 0, rip = 1;
  uint16_t cs = 0;
  const uc_err error = uc_emu_start(uc, base, 0, 0, 0);
  uc_reg_read(uc, UC_X86_REG_CR0, &cr0);
  uc_reg_read(uc, UC_X86_REG_RIP, &rip);
  uc_reg_read(uc, UC_X86_REG_CS, &cs);
  return error == UC_ERR_FETCH_UNMAPPED && cr0 == 0x10 && rip == 0 && cs == segment;
}

bool vs_uc_real_mode(uc_engine* uc, uint16_t segment) {
  uint8_t* pages = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
  if (pages == NULL) return false;
  build(pages, segment);
  bool done = uc_mem_map_ptr(uc, base, (size_t)PAGES * PAGE, UC_PROT_ALL, pages) == UC_ERR_OK;
  if (done) {
    done = run(uc, segment);
    uc_ctl_remove_cache(uc, base, base + (uint64_t)PAGES * PAGE);
    uc_mem_unmap(uc, base, (size_t)PAGES * PAGE);
    uc_x86_mmr none = {.limit = 0xffff};
    uc_reg_write(uc, UC_X86_REG_GDTR, &none);
  }
  free(pages);
  return done;
}
