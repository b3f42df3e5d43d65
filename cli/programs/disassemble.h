// SPDX-License-Identifier: BSD-3-Clause
// Instructions in words, where this build has libcapstone.
#ifndef VS_CLI_DISASSEMBLE_H_
#define VS_CLI_DISASSEMBLE_H_

#include <vcpuspec/backend.h>

enum { VS_DISASSEMBLY = 256 };

// "push 0x12; popfq". Empty: this build does not know.
void vs_disassemble(vs_arch arch, const uint8_t* bytes, size_t size, uint64_t address,
                    char text[VS_DISASSEMBLY]);

#endif  // VS_CLI_DISASSEMBLE_H_
