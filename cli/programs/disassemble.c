// SPDX-License-Identifier: BSD-3-Clause
#include "disassemble.h"

#include <stdio.h>

#include "loaded/capstone.h"

void vs_disassemble(vs_arch arch, const uint8_t* bytes, size_t size, uint64_t address,
                    char text[VS_DISASSEMBLY]) {
  const bool is_x64 = arch == VS_ARCH_X64;
  csh decoder;
  cs_insn* words = NULL;
  size_t length = 0;
  vs_why why;
  text[0] = '\0';
  if (!vs_capstone_load(&why)) return;
  if (cs_open(is_x64 ? CS_ARCH_X86 : CS_ARCH_ARM64, is_x64 ? CS_MODE_64 : CS_MODE_LITTLE_ENDIAN,
              &decoder) != CS_ERR_OK)
    return;
  const size_t count = cs_disasm(decoder, bytes, size, address, 0, &words);
  for (size_t i = 0; i < count && length < VS_DISASSEMBLY; i++) {
    length += (size_t)snprintf(text + length, VS_DISASSEMBLY - length, "%s%s %s", i > 0 ? "; " : "",
                               words[i].mnemonic, words[i].op_str);
  }
  if (count > 0) cs_free(words, count);
  cs_close(&decoder);
}
