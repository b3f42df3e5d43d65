// SPDX-License-Identifier: BSD-3-Clause
// PSTATE is written for EL2: CurrentEL is to read 8.
// Arm ARM, C5.2.2, CurrentEL. Unicorn issue 2333.
//   cc -o finding unicorn_currentel.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, SIZE = 0x1000, EL2H = 0x3c9 };

int main(void) {
  const uint8_t code[] = {0x40, 0x42, 0x38, 0xd5};  // mrs x0, CurrentEL
  uint64_t pstate = EL2H, level = 0;
  uc_engine* uc;
  uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  uc_reg_write(uc, UC_ARM64_REG_PSTATE, &pstate);
  uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0);
  uc_reg_read(uc, UC_ARM64_REG_X0, &level);
  uc_close(uc);
  printf("Unicorn: CurrentEL is %llu\n", (unsigned long long)level);
  puts("the manual: CurrentEL is 8");
  return level == 8 ? 0 : 1;
}
