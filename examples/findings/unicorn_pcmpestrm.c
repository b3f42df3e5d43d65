// SPDX-License-Identifier: BSD-3-Clause
// PCMPESTRM. Equal ordered, of eight words each that are all 0: the needle matches at every place,
// since what would lie beyond the end is not compared. And a length of 0x80000000: no more than 16.
// Intel SDM volume 2, 4.1. Unicorn issue 1874, pull request 1159.
//   cc -o finding unicorn_pcmpestrm.c -lunicorn && ./finding
// exits with 1 while the defect is there.
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unicorn/unicorn.h>
#include <unistd.h>

enum { CODE = 0x1000, SIZE = 0x4000 };

// The mask in XMM0, or all ones if the engine says that it cannot.
static uint64_t run(uint8_t control, uint64_t length) {
  const uint8_t code[] = {0x66, 0x0f, 0x3a, 0x60, 0xd7, control};  // pcmpestrm xmm2, xmm7
  uint64_t xmm0[2] = {0};
  uc_engine* uc;
  uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
  uc_mem_map(uc, CODE, SIZE, UC_PROT_ALL);
  uc_mem_write(uc, CODE, code, sizeof code);
  uc_reg_write(uc, UC_X86_REG_RAX, &length);
  uc_reg_write(uc, UC_X86_REG_RDX, &length);
  const uc_err error = uc_emu_start(uc, CODE, CODE + sizeof code, 0, 0);
  uc_reg_read(uc, UC_X86_REG_XMM0, xmm0);
  uc_close(uc);
  return error == UC_ERR_OK ? xmm0[0] : UINT64_MAX;
}

int main(void) {
  int status = 0;
  const uint64_t mask = run(0x2d, 8);
  printf("Unicorn: the mask is 0x%llx\n", (unsigned long long)mask);
  puts("the manual: the mask is 0xff");
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(run(0x02, 0x80000000) == UINT64_MAX);
  waitpid(child, &status, 0);
  const int crashed = WIFSIGNALED(status);
  printf("Unicorn: of the length 0x80000000 it %s\n", crashed ? "crashes" : "does not crash");
  puts("the manual: it is taken as 16");
  return mask != 0xff || crashed;
}
