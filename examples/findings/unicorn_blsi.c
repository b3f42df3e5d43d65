// SPDX-License-Identifier: BSD-3-Clause
// BLSI of 1: CF is to be set, since the source is not 0.
// Intel SDM volume 2, BLSI. Unicorn issue 2330.
//   cc -o finding unicorn_blsi.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xc4, 0xe2, 0xf8, 0xf3, 0xdb};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 1;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rbx = 1;
  uc_reg_write(uc, UC_X86_REG_RBX, &rbx);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RFLAGS, &got);
  got &= 1;
  uc_close(uc);
  printf("Unicorn: CF is %llu\n", (unsigned long long)got);
  printf("the manual: CF is %llu\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
