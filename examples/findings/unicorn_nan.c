// SPDX-License-Identifier: BSD-3-Clause
// MULSS of two NaNs: the first operand's.
// Intel SDM volume 1, table 4-7.
//   cc -o finding unicorn_nan.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0x66, 0x0f, 0x6e, 0xc0, 0x66, 0x0f, 0x6e, 0xcb,
                               0xf3, 0x0f, 0x59, 0xc1, 0x66, 0x0f, 0x7e, 0xc2};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x7fc00001;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rax = 0x7fc00001;
  uc_reg_write(uc, UC_X86_REG_RAX, &rax);
  const uint64_t rbx = 0xffffffff;
  uc_reg_write(uc, UC_X86_REG_RBX, &rbx);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RDX, &got);
  uc_close(uc);
  printf("Unicorn: the result is 0x%llx\n", (unsigned long long)got);
  printf("the manual: the result is 0x%llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
