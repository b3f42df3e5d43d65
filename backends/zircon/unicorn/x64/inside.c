// SPDX-License-Identifier: BSD-3-Clause
#include "x64/inside.h"

#include <string.h>

#include "probe.h"

// Offsets in a saved processor, in bytes.
static struct {
  bool looked;
  long error_code;
  long last_exception;
  long hidden_flags;  // of the processor's mode
  long code, stack;   // segments, as below
} found;

// How a segment lies there.
typedef struct segment {
  uint32_t selector;
  uint32_t padding;
  uint64_t base;
  uint32_t limit;
  uint32_t flags;
} segment;

// Bits of hidden_flags.
enum {
  RING = 3,
  CODE_IS_32 = 1 << 4,
  STACK_IS_32 = 1 << 5,
  ADD_BASES = 1 << 6,
  OF_CR0 = 7 << 9,  // MP, EM, TS
  CR0_SHIFT = 8,
  CODE_IS_64 = 1 << 15
};

// Bits of a descriptor.
enum { LONG = 1 << 21, BIG = 1 << 22, RING_SHIFT = 13 };

// ---- Looking.

// A guest of one page: a fault with a known error code, and a way to ring 3.
enum { FAULT = 0x000, LEAVE = 0x010, FRAME = 0x100, TABLE = 0x200, USER = 0x300 };
enum { BAD_SELECTOR = 0x1238, USER_CODE = 0x33, USER_STACK = 0x2b };

static void put(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

static void build(uint8_t* page) {
  static const uint8_t fault[] = {0x8e, 0xd8}, leave[] = {0x48, 0xcf};  // mov %ax, %ds; iretq
  memcpy(page + FAULT, fault, sizeof fault);
  memcpy(page + LEAVE, leave, sizeof leave);
  put(page + FRAME, USER);
  put(page + FRAME + 8, USER_CODE);
  put(page + FRAME + 16, 2);
  put(page + FRAME + 24, USER);
  put(page + FRAME + 32, USER_STACK);
  put(page + TABLE + (USER_CODE & ~7), 0x00affb000000ffff);
  put(page + TABLE + (USER_STACK & ~7), 0x00cff3000000ffff);
}

static long find_segment(const vs_uc_probe* p, uint32_t selector, uint32_t flags) {
  const long at = vs_uc_probe_only(p, UINT32_MAX, 0, selector);
  const bool is_one = at != VS_UC_NOWHERE && (size_t)at + sizeof(segment) <= p->size &&
                      vs_uc_word(p->after, (size_t)at + offsetof(segment, flags)) == flags;
  return is_one ? at : VS_UC_NOWHERE;
}

static void look(vs_uc_probe* p) {
  enum { NONE = UINT32_MAX, PROTECTION = 13, ABOVE = 0x0abc0000 };
  const uint64_t rax = ABOVE | BAD_SELECTOR, rsp = FRAME;
  const uc_x86_mmr no_table = {.limit = 0}, table = {.base = TABLE, .limit = UINT8_MAX};
  build(p->page);
  uc_reg_write(p->uc, UC_X86_REG_RAX, &rax);
  uc_reg_write(p->uc, UC_X86_REG_RSP, &rsp);
  uc_reg_write(p->uc, UC_X86_REG_GDTR, &no_table);
  if (!vs_uc_probe_step(p, FAULT)) return;
  found.error_code = vs_uc_probe_only(p, UINT32_MAX, 0, BAD_SELECTOR);
  found.last_exception = vs_uc_probe_only(p, UINT32_MAX, NONE, PROTECTION);
  uc_reg_write(p->uc, UC_X86_REG_GDTR, &table);
  if (!vs_uc_probe_step(p, LEAVE)) return;
  found.hidden_flags = vs_uc_probe_only(p, RING, 0, 3);
  found.code = find_segment(p, USER_CODE, VS_UC_CODE_64 + VS_UC_RING_3);
  found.stack = find_segment(p, USER_STACK, VS_UC_STACK + VS_UC_RING_3);
}

void vs_uc_inside_find(void) {
  vs_uc_probe p = {.uc = NULL};
  if (found.looked) return;
  found.looked = true;
  found.error_code = found.last_exception = found.hidden_flags = VS_UC_NOWHERE;
  found.code = found.stack = VS_UC_NOWHERE;
  if (vs_uc_probe_open(&p, UC_ARCH_X86, UC_MODE_64)) look(&p);
  vs_uc_probe_close(&p);
}

bool vs_uc_inside_is_known(void) {
  return found.error_code != VS_UC_NOWHERE && found.last_exception != VS_UC_NOWHERE &&
         found.hidden_flags != VS_UC_NOWHERE && found.code != VS_UC_NOWHERE &&
         found.stack != VS_UC_NOWHERE;
}

// ---- Reading and writing it.

static uint8_t* save(vs_cpu* cpu, uc_context** context) {
  return vs_uc_inside_is_known() ? vs_uc_save(cpu->uc, context) : NULL;
}

bool vs_uc_inside_take_error(vs_cpu* cpu, uint32_t* code) {
  const uint32_t none = UINT32_MAX;
  uc_context* context;
  uint8_t* bytes = save(cpu, &context);
  if (bytes == NULL) return false;
  *code = vs_uc_word(context, (size_t)found.error_code);
  memcpy(bytes + found.last_exception, &none, sizeof none);
  return vs_uc_restore(cpu->uc, context, true);
}

static void set_segment(uint8_t* at, vs_uc_segment value) {
  const segment s = {.selector = value.selector, .limit = UINT32_MAX, .flags = value.flags};
  memcpy(at, &s, sizeof s);
}

static uint32_t mode_of(vs_uc_segment code, vs_uc_segment stack) {
  const uint32_t ring = stack.flags >> RING_SHIFT & RING;
  if ((code.flags & LONG) != 0) return ring | CODE_IS_64 | CODE_IS_32 | STACK_IS_32;
  return ring | ((code.flags & BIG) != 0 ? CODE_IS_32 : 0u) |
         ((stack.flags & BIG) != 0 ? STACK_IS_32 : 0u);
}

static bool change_flags(vs_cpu* cpu, uint32_t mask, uint32_t value, const vs_uc_segment* code,
                         const vs_uc_segment* stack) {
  uc_context* context;
  uint8_t* bytes = save(cpu, &context);
  if (bytes == NULL) return false;
  const uint32_t flags = (vs_uc_word(context, (size_t)found.hidden_flags) & ~mask) | value;
  memcpy(bytes + found.hidden_flags, &flags, sizeof flags);
  if (code != NULL) set_segment(bytes + found.code, *code);
  if (stack != NULL) set_segment(bytes + found.stack, *stack);
  return vs_uc_restore(cpu->uc, context, true);
}

bool vs_uc_inside_set_segments(vs_cpu* cpu, vs_uc_segment code, vs_uc_segment stack) {
  const uint32_t mask = RING | CODE_IS_32 | STACK_IS_32 | ADD_BASES | CODE_IS_64;
  return change_flags(cpu, mask, mode_of(code, stack), &code, &stack);
}

bool vs_uc_inside_is_64bit(vs_cpu* cpu) {
  uc_context* context;
  if (save(cpu, &context) == NULL) return false;
  const bool is_64bit = (vs_uc_word(context, (size_t)found.hidden_flags) & CODE_IS_64) != 0;
  return vs_uc_restore(cpu->uc, context, false) && is_64bit;
}

bool vs_uc_inside_set_cr0(vs_cpu* cpu, uint64_t value) {
  vs_uc_set_register(cpu, UC_X86_REG_CR0, value);
  return change_flags(cpu, OF_CR0, (uint32_t)value << CR0_SHIFT & OF_CR0, NULL, NULL);
}
