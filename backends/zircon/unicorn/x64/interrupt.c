// SPDX-License-Identifier: BSD-3-Clause
// Intel SDM volume 3, "Interrupt and Exception Handling", of 64-bit mode.
#include "x64/interrupt.h"

enum { RFLAGS_TF = 1 << 8, RFLAGS_IF = 1 << 9, RFLAGS_NT = 1 << 14, RFLAGS_RF = 1 << 16 };

typedef struct gate {
  uint16_t offset_low;
  uint16_t selector;
  uint8_t stack;
  uint8_t type;  // with the bit that says that it is present
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;
} gate;
_Static_assert(sizeof(gate) == 16, "of 64-bit mode");

static bool has_flag(const vs_cpu* cpu) {
  return vs_uc_register(cpu, UC_X86_REG_RFLAGS) & RFLAGS_IF;
}

bool vs_uc_x64_takes(const vs_cpu* cpu, vs_delivery how) {
  return !cpu->x64.is_16bit && (how != VS_DELIVER_EXTERNAL || has_flag(cpu));
}

void vs_uc_x64_watch(vs_cpu* cpu, bool wanted) {
  cpu->x64.watching = wanted && !cpu->x64.is_16bit;
  cpu->x64.had_flag = false;
}

bool vs_uc_x64_lets_in(vs_cpu* cpu) {
  const bool had = cpu->x64.had_flag;
  cpu->x64.had_flag = has_flag(cpu);
  return had && cpu->x64.had_flag;
}

// Exceptions that push an error code: it is 0.
static bool has_error_code(vs_delivery how, uint8_t vector) {
  const uint32_t with = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17;
  return how == VS_DELIVER_EXCEPTION && (with >> vector & 1) != 0;
}

static bool find_gate(const vs_cpu* cpu, uint8_t vector, gate* g) {
  enum { PRESENT = 0x80, TYPE = 0x1f, INTERRUPT = 0xe, TRAP = 0xf };
  uc_x86_mmr table = {0};
  uc_reg_read(cpu->uc, UC_X86_REG_IDTR, &table);
  if ((vector + 1u) * sizeof *g - 1 > table.limit) return false;
  if (uc_mem_read(cpu->uc, table.base + vector * sizeof *g, g, sizeof *g) != UC_ERR_OK)
    return false;
  const uint8_t type = g->type & TYPE;
  return (g->type & PRESENT) != 0 && (type == INTERRUPT || type == TRAP);
}

// Unicorn writes to what is read-only when it is asked from outside, and looks at the GDT as if the
// guest did, where a fault would go nowhere.
static bool all_have(const vs_cpu* cpu, uint64_t at, size_t size, zx_vm_option_t perm) {
  for (size_t i = 0; i < size; i++) {
    const vs_stretch* s = vs_uc_find_stretch(cpu, at + i);
    if (s == NULL || (s->perms & perm) == 0) return false;
  }
  return true;
}

static bool push_frame(vs_cpu* cpu, uint64_t* rsp, bool with_code) {
  enum { WORDS = 6, ALIGNED = 16 };
  const uint64_t frame[WORDS] = {
      0,
      cpu->pc,
      vs_uc_register(cpu, UC_X86_REG_CS),
      vs_uc_register(cpu, UC_X86_REG_RFLAGS),
      *rsp,
      vs_uc_register(cpu, UC_X86_REG_SS),
  };
  const size_t skipped = with_code ? 0 : 1;
  const size_t bytes = (WORDS - skipped) * sizeof frame[0];
  *rsp = *rsp / ALIGNED * ALIGNED - bytes;
  return all_have(cpu, *rsp, bytes, ZX_VM_PERM_WRITE) &&
         uc_mem_write(cpu->uc, *rsp, frame + skipped, bytes) == UC_ERR_OK;
}

static bool has_code_segment(vs_cpu* cpu, uint64_t selector) {
  enum { LOCAL = 4, INDEX = 0xfff8, DESCRIPTOR = 8 };
  uc_x86_mmr table = {0};
  if (vs_uc_register(cpu, UC_X86_REG_CS) == selector) return true;
  uc_reg_read(cpu->uc, UC_X86_REG_GDTR, &table);
  const uint64_t at = table.base + (selector & INDEX);
  if ((selector & LOCAL) != 0 || (selector | 7) > table.limit) return false;
  if (!all_have(cpu, at, DESCRIPTOR, ZX_VM_PERM_READ)) return false;
  return uc_reg_write(cpu->uc, UC_X86_REG_CS, &selector) == UC_ERR_OK;
}

// A guest that has no handler for it crashes.
zx_status_t vs_uc_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  enum { INTERRUPT = 0xe, TYPE = 0x1f };
  const uint64_t CR0_PG = UINT64_C(1) << 31;
  gate g = {0};
  uint64_t rsp = vs_uc_register(cpu, UC_X86_REG_RSP);
  uint64_t flags = vs_uc_register(cpu, UC_X86_REG_RFLAGS);
  // Paging of the guest's own is not supported.
  if ((vs_uc_register(cpu, UC_X86_REG_CR0) & CR0_PG) != 0) return ZX_ERR_NOT_SUPPORTED;
  if (!find_gate(cpu, vector, &g)) return ZX_ERR_BAD_STATE;
  if (!push_frame(cpu, &rsp, has_error_code(how, vector))) return ZX_ERR_BAD_STATE;
  if (!has_code_segment(cpu, g.selector)) return ZX_ERR_BAD_STATE;
  flags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF);
  if ((g.type & TYPE) == INTERRUPT) flags &= ~(uint64_t)RFLAGS_IF;
  vs_uc_set_register(cpu, UC_X86_REG_RFLAGS, flags);
  vs_uc_set_register(cpu, UC_X86_REG_RSP, rsp);
  cpu->pc = (uint64_t)g.offset_high << 32 | (uint64_t)g.offset_middle << 16 | g.offset_low;
  return ZX_OK;
}
