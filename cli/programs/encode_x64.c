// SPDX-License-Identifier: BSD-3-Clause
// Intel SDM volume 2, "Instruction Format". R15 is the base of the data and RSP the stack's:
// neither is a destination.
#include <string.h>

#include "encode.h"

enum {
  FEATURE_NONE = VS_FEATURE_NONE,
  FEATURE_EXCEPTIONS = VS_FEATURE_EXCEPTIONS,
  // CPUID: leaf 1, ECX; leaf 7, EBX; leaf 0x80000001, ECX.
  FEATURE_SSE3 = 0,
  FEATURE_PCLMUL = 1,
  FEATURE_SSSE3 = 9,
  FEATURE_CX16 = 13,
  FEATURE_SSE41 = 19,
  FEATURE_SSE42 = 20,
  FEATURE_MOVBE = 22,
  FEATURE_POPCNT = 23,
  FEATURE_AES = 25,
  FEATURE_BMI1 = 32 + 3,
  FEATURE_BMI2 = 32 + 8,
  FEATURE_ADX = 32 + 19,
  FEATURE_LAHF = 64 + 0,
  FEATURE_LZCNT = 64 + 5,
};

// What ModRM.reg is; below 8 a digit.
enum { REG_G = 8, REG_X, REG_MM, REG_OPCODE };
#define REG_D(n) (n)

// What ModRM.rm is: a general register or memory, that of a byte, a general register, memory, a
// vector register or memory, the register alone.
enum { RM_NONE, RM_E, RM_E8, RM_R, RM_M, RM_X, RM_XR, RM_MM, RM_MMR };

enum { IMM_NO, IMM_BYTE, IMM_ALU, IMM_WIDE, IMM_COUNT, IMM_BELOW_8, IMM_BELOW_16 };

typedef struct encoding {
  const char* bytes;
  const char* widths;  // NULL: the bytes are all
  uint8_t reg, rm, imm;
} encoding;

static const vs_form forms[] = {
#define VS_X64(name, feature, bytes, reg, rm, imm, widths, reads, sets, undefined) \
  {name, FEATURE_##feature, reads, sets, undefined},
#define VS_RAW(name, feature, bytes, reads, sets, undefined) \
  {name, FEATURE_##feature, reads, sets, undefined},
#include "x64_forms.def"
};

static const encoding encodings[] = {
#define VS_X64(name, feature, bytes, reg, rm, imm, widths, reads, sets, undefined) \
  {bytes, widths, REG_##reg, RM_##rm, IMM_##imm},
#define VS_RAW(name, feature, bytes, reads, sets, undefined) {bytes, NULL, 0, 0, 0},
#include "x64_forms.def"
};

const vs_form* vs_x64_forms(size_t* count) {
  *count = sizeof forms / sizeof forms[0];
  return forms;
}

static uint8_t digit(char c) {
  return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

// "0f af II": bytes, some of them by chance.
static size_t read_bytes(vs_dice* dice, const char* text, uint8_t* out) {
  size_t size = 0;
  for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {
    if (text[0] != 'I') out[size++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    if (text[0] == 'I')
      out[size++] = (uint8_t)(text[1] == '3' ? vs_roll_below(dice, 8) : vs_roll(dice));
  }
  return size;
}

// The instruction on its way.
typedef struct parts {
  uint8_t rex;  // 0: none
  uint8_t modrm;
  uint8_t rest[8];  // SIB and displacement
  size_t rest_size;
} parts;

static uint8_t roll_general(vs_dice* dice) {
  const uint8_t reg = (uint8_t)vs_roll_below(dice, 15);
  return reg == 4 ? 3 : reg;
}

// Within the 64 bytes from the data's place on, on a multiple of 16: by its address, or by R15.
static void roll_memory(vs_dice* dice, parts* p) {
  const uint32_t offset = (uint32_t)vs_roll_below(dice, 4) * 16;
  if (vs_roll_below(dice, 2) == 0) {
    const uint32_t address = VS_SNIPPET_PAGE_AT + VS_PAGE_DATA + VS_DATA_AT + offset;
    p->modrm |= 0x04;
    p->rest[0] = 0x25;
    memcpy(p->rest + 1, &address, sizeof address);
    p->rest_size = 1 + sizeof address;
  } else {
    p->modrm |= 0x47;
    p->rex |= 0x41;
    p->rest[0] = (uint8_t)offset;
    p->rest_size = 1;
  }
}

static void put_rm(uint8_t reg, parts* p) {
  p->modrm |= (uint8_t)(0xc0 | (reg & 7));
  if (reg > 7) p->rex |= 0x41;
}

static void put_reg(uint8_t reg, parts* p) {
  p->modrm |= (uint8_t)((reg & 7) << 3);
  if (reg > 7) p->rex |= 0x44;
}

static void roll_reg(vs_dice* dice, const encoding* e, parts* p) {
  if (e->reg < 8) put_reg(e->reg, p);
  if (e->reg == REG_G) put_reg(roll_general(dice), p);
  if (e->reg == REG_X) put_reg((uint8_t)vs_roll_below(dice, 16), p);
  if (e->reg == REG_MM) put_reg((uint8_t)vs_roll_below(dice, 8), p);
}

static void roll_rm(vs_dice* dice, const encoding* e, parts* p) {
  const bool may_be_memory =
      e->rm == RM_E || e->rm == RM_E8 || e->rm == RM_X || e->rm == RM_MM || e->rm == RM_M;
  const bool may_be_register = e->rm != RM_M;
  const bool memory = may_be_memory && (!may_be_register || vs_roll_below(dice, 4) == 0);
  if (memory) {
    roll_memory(dice, p);
  } else if (e->rm == RM_X || e->rm == RM_XR) {
    put_rm((uint8_t)vs_roll_below(dice, 16), p);
  } else if (e->rm == RM_MM || e->rm == RM_MMR) {
    put_rm((uint8_t)vs_roll_below(dice, 8), p);
  } else {
    put_rm(roll_general(dice), p);
  }
}

static size_t roll_imm(vs_dice* dice, const encoding* e, char width, uint8_t* out) {
  const uint64_t value = vs_roll_value(dice);
  const unsigned bits = width == 'b' ? 8 : width == 'w' ? 16 : width == 'l' ? 32 : 64;
  size_t size = 1;
  if (e->imm == IMM_NO) return 0;
  if (e->imm == IMM_ALU || e->imm == IMM_WIDE) size = width == 'b' ? 1 : width == 'w' ? 2 : 4;
  memcpy(out, &value, size);
  if (e->imm == IMM_COUNT) *out = (uint8_t)(1 + value % (bits - 1));
  if (e->imm == IMM_BELOW_8) *out = (uint8_t)(value % 8);
  if (e->imm == IMM_BELOW_16) *out = (uint8_t)(value % 16);
  return size;
}

static bool is_mandatory(uint8_t byte) {
  return byte == 0x66 || byte == 0xf2 || byte == 0xf3;
}

size_t vs_x64_encode(vs_dice* dice, size_t form, uint8_t* out) {
  const encoding* e = &encodings[form];
  uint8_t opcode[VS_SNIPPET_BYTES] = {0};
  size_t length = read_bytes(dice, e->bytes, e->widths == NULL ? out : opcode);
  if (e->widths == NULL) return length;
  const char width = e->widths[vs_roll_below(dice, strlen(e->widths))];
  parts p = {0};
  size_t size = 0, first = 0;
  if (width == 'q') p.rex = 0x48;
  if (e->widths[0] == 'b' && width != 'b') opcode[length - 1] |= 1;
  if (e->reg == REG_OPCODE) {
    const uint8_t reg = roll_general(dice);
    opcode[length - 1] |= reg & 7;
    if (reg > 7) p.rex |= 0x41;
  } else {
    roll_reg(dice, e, &p);
    roll_rm(dice, e, &p);
  }
  // Without a REX prefix 4 to 7 are AH to BH; SPL is never meant, since RSP is not.
  if ((width == 'b' || e->rm == RM_E8) && p.rex == 0 && vs_roll_below(dice, 2) == 0) p.rex = 0x40;
  if (width == 'w') out[size++] = 0x66;
  while (first < length && is_mandatory(opcode[first])) out[size++] = opcode[first++];
  if (p.rex != 0) out[size++] = p.rex | 0x40;
  memcpy(out + size, opcode + first, length - first);
  size += length - first;
  if (e->rm != RM_NONE) out[size++] = p.modrm;
  memcpy(out + size, p.rest, p.rest_size);
  size += p.rest_size;
  return size + roll_imm(dice, e, width, out + size);
}

// A jump by 32 bits.
size_t vs_x64_encode_back(size_t at, uint8_t* out) {
  enum { BACK = VS_SNIPPET_HARNESS + 0xc0, SIZE = 5 };
  const uint32_t distance = (uint32_t)(BACK - (VS_SNIPPET_CODE + at + SIZE));
  out[0] = 0xe9;
  memcpy(out + 1, &distance, sizeof distance);
  return SIZE;
}
