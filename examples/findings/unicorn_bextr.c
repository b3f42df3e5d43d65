// SPDX-License-Identifier: BSD-3-Clause
// BEXTR of 128 bits from bit 0 of 32: all of them.
// Intel SDM volume 2, BEXTR.
//   cc -o finding unicorn_bextr.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xc4, 0xe2, 0x70, 0xf7, 0xd6};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x8000c080;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rcx = 0x8000;
  uc_reg_write(uc, UC_X86_REG_RCX, &rcx);
  const uint64_t rsi = 0x800000008000c080;
  uc_reg_write(uc, UC_X86_REG_RSI, &rsi);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RDX, &got);
  uc_close(uc);
  printf("Unicorn: RDX is 0x%016llx\n", (unsigned long long)got);
  printf("the manual: RDX is 0x%016llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
