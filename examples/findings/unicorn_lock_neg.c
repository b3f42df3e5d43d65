// SPDX-License-Identifier: BSD-3-Clause
// LOCK NEG of the word 0x8001, which becomes 0x7fff: SF is to be clear, as of the result.
// Intel SDM volume 2, NEG.
//   cc -o finding unicorn_lock_neg.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, DATA = 0x2000, SIZE = 0x4000, SF = 0x80 };

int main(void) {
  const uint8_t code[] = {0xf0, 0x66, 0xf7, 0x1c, 0x25, 0x00, 0x20, 0x00, 0x00};
  uint16_t word = 0x8001;
  uint64_t rflags = 0;
  uc_engine* uc;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  uc_mem_write(uc, DATA, &word, sizeof word);
  if (uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0) != UC_ERR_OK) return 2;
  uc_reg_read(uc, UC_X86_REG_RFLAGS, &rflags);
  uc_mem_read(uc, DATA, &word, sizeof word);
  uc_close(uc);
  printf("Unicorn: the word is 0x%x, SF is %d\n", word, (rflags & SF) != 0);
  puts("the manual: the word is 0x7fff, SF is 0");
  return word != 0x7fff || (rflags & SF) != 0;
}
