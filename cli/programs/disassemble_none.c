// SPDX-License-Identifier: BSD-3-Clause
// Of a build without libcapstone.
#include "disassemble.h"

void vs_disassemble(vs_arch arch, const uint8_t* bytes, size_t size, uint64_t address,
                    char text[VS_DISASSEMBLY]) {
  (void)arch, (void)bytes, (void)size, (void)address;
  text[0] = '\0';
}
