// SPDX-License-Identifier: BSD-3-Clause
// MOVDQA from an address that is no multiple of 16: a general protection fault.
// Intel SDM volume 2, MOVDQA.
//   cc -o finding unicorn_movdqa.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, SIZE = 0x4000 };

int main(void) {
  // movdqa 0x2001, %xmm0
  const uint8_t code[] = {0x66, 0x0f, 0x6f, 0x04, 0x25, 0x01, 0x20, 0x00, 0x00};
  uc_engine* uc;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  const uc_err error = uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0);
  uc_close(uc);
  printf("Unicorn: %s\n", error == UC_ERR_OK ? "it is loaded" : uc_strerror(error));
  puts("the manual: an exception");
  return error == UC_ERR_OK;
}
