// SPDX-License-Identifier: BSD-3-Clause
// BZHI with an index of 255: the source is to stay as it is.
// Intel SDM volume 2, BZHI. Unicorn issue 2331.
//   cc -o finding unicorn_bzhi.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xc4, 0xe2, 0xf0, 0xf5, 0xc3};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = UINT64_MAX;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uint64_t rbx = UINT64_MAX;
  uc_reg_write(uc, UC_X86_REG_RBX, &rbx);
  const uint64_t rcx = UINT64_MAX;
  uc_reg_write(uc, UC_X86_REG_RCX, &rcx);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RAX, &got);
  uc_close(uc);
  printf("Unicorn: RAX is 0x%016llx\n", (unsigned long long)got);
  printf("the manual: RAX is 0x%016llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
