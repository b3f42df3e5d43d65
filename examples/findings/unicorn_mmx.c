// SPDX-License-Identifier: BSD-3-Clause
// PADDB of MMX registers: bits 79 to 64 of the x87 register are to be set.
// Intel SDM volume 3, 12.2.
//   cc -o finding unicorn_mmx.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xdb, 0xe3, 0x0f, 0xfc, 0xc0, 0x0f, 0xae,
                               0x04, 0x25, 0x00, 0x20, 0x00, 0x00};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0xffff;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_mem_read(uc, DATA + 40, &got, 2);
  uc_close(uc);
  printf("Unicorn: bits 79 to 64 are 0x%llx\n", (unsigned long long)got);
  printf("the manual: bits 79 to 64 are 0x%llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
