// SPDX-License-Identifier: BSD-3-Clause
// 1 / 0: ZE, bit 2 of MXCSR, is to be set.
// Intel SDM volume 1, 10.2.3. Unicorn issue 2006.
//   cc -o finding unicorn_mxcsr.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000 };

static const uint8_t code[] = {0xc7, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00, 0x80, 0x1f, 0x00, 0x00,
                               0x0f, 0xae, 0x14, 0x25, 0x00, 0x20, 0x00, 0x00, 0xb8, 0x01, 0x00,
                               0x00, 0x00, 0xf3, 0x0f, 0x2a, 0xc0, 0x0f, 0x57, 0xc9, 0xf3, 0x0f,
                               0x5e, 0xc1, 0xc7, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00,
                               0x00, 0x00, 0x0f, 0xae, 0x1c, 0x25, 0x00, 0x20, 0x00, 0x00};

int main(void) {
  uc_engine* uc;
  uint64_t got = 0;
  const uint64_t expected = 0x1f84;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_mem_read(uc, DATA + 0, &got, 4);
  uc_close(uc);
  printf("Unicorn: MXCSR is 0x%llx\n", (unsigned long long)got);
  printf("the manual: MXCSR is 0x%llx\n", (unsigned long long)expected);
  return got == expected ? 0 : 1;
}
