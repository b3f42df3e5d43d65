// SPDX-License-Identifier: BSD-3-Clause
// PHSUBW of a register and itself: each element is the difference of two of the old ones.
// Intel SDM volume 2, PHSUBW.
//   cc -o finding unicorn_phsub.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0x66, 0x48, 0x0f, 0x6e, 0xc0, 0x66, 0x0f, 0x38,
                               0x05, 0xc0, 0x66, 0x48, 0x0f, 0x7e, 0xc2};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x3f0000;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rax = 0x0000003fffffffff;
  uc_reg_write(uc, UC_X86_REG_RAX, &rax);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uint64_t xmm0[2];
  uc_reg_read(uc, UC_X86_REG_XMM0, xmm0);
  got = xmm0[1];
  uc_close(uc);
  printf("Unicorn: the high half is 0x%llx\n", (unsigned long long)got);
  printf("the manual: the high half is 0x%llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
