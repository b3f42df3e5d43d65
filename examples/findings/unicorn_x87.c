// SPDX-License-Identifier: BSD-3-Clause
// FRNDINT of pi: PE, bit 5 of the status word, is to be set.
// Intel SDM volume 1, 8.1.3.3.
//   cc -o finding unicorn_x87.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0xeb, 0xd9, 0xfc, 0xdf, 0xe0};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x20;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RAX, &got);
  got &= 0x3f;
  uc_close(uc);
  printf("Unicorn: the exceptions are 0x%llx\n", (unsigned long long)got);
  printf("the manual: the exceptions are 0x%llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
