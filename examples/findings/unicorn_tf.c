// SPDX-License-Identifier: BSD-3-Clause
// A step (RFLAGS.TF): TF is to be clear once the exception is told, as a handler would find it.
// Intel SDM volume 3, 17.3.1.4: the processor clears TF before it calls the handler. Unicorn issue
// 1778.
//   cc -o finding unicorn_tf.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <unicorn/unicorn.h>

enum { CODE = 0x1000, SIZE = 0x1000, TF = 0x100 };

int main(void) {
  const uint8_t code[] = {0x90, 0x90};
  uint64_t rflags = TF | 2;
  uc_engine* uc;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  uc_reg_write(uc, UC_X86_REG_RFLAGS, &rflags);
  const uc_err error = uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0);
  uc_reg_read(uc, UC_X86_REG_RFLAGS, &rflags);
  uc_close(uc);
  printf("Unicorn: %s; TF is %d\n", uc_strerror(error), (rflags & TF) != 0);
  puts("the manual: an exception; TF is 0");
  return (rflags & TF) != 0;
}
