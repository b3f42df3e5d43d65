// SPDX-License-Identifier: BSD-3-Clause
// CMPXCHG of 32 bits that fails: its destination, a register, stays as it was.
// Intel SDM volume 2, CMPXCHG. Unicorn issue 2332 has the other half.
//   cc -o finding unicorn_cmpxchg.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0x45, 0x0f, 0xb1, 0xc3};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x457e283cc6ae26bc;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rax = 0;
  uc_reg_write(uc, UC_X86_REG_RAX, &rax);
  const uint64_t r8 = 1;
  uc_reg_write(uc, UC_X86_REG_R8, &r8);
  const uint64_t r11 = 0x457e283cc6ae26bc;
  uc_reg_write(uc, UC_X86_REG_R11, &r11);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_R11, &got);
  uc_close(uc);
  printf("Unicorn: R11 is 0x%016llx\n", (unsigned long long)got);
  printf("the manual: R11 is 0x%016llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
