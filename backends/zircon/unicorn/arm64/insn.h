// SPDX-License-Identifier: BSD-3-Clause
// The arm64 loads and stores that a CPU describes when they meet no memory: one general register,
// no write-back, neither exclusive nor atomic. For the others it says only that there was one.
#ifndef VS_BACKENDS_ZIRCON_UNICORN_ARM64_INSN_H_
#define VS_BACKENDS_ZIRCON_UNICORN_ARM64_INSN_H_

#include <stdbool.h>
#include <stdint.h>

typedef struct vs_uc_transfer {
  bool known;           // otherwise nothing below is
  uint8_t access_size;  // bytes: 1, 2, 4 or 8
  bool sign_extend;
  uint8_t xt;  // 31: the zero register
  bool read;
} vs_uc_transfer;

vs_uc_transfer vs_uc_transfer_decode(uint32_t insn);

#endif  // VS_BACKENDS_ZIRCON_UNICORN_ARM64_INSN_H_
