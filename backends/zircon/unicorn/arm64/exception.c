// SPDX-License-Identifier: BSD-3-Clause
// Arm Architecture Reference Manual for A-profile, "Exception entry".
#include "arm64/exception.h"

#include <string.h>

#include "probe.h"

// Offsets in a saved processor, in bytes.
static struct {
  bool looked;
  long syndrome;      // behind it, 8 bytes on, the address
  long hidden_flags;  // of the processor's mode
  uint32_t of_el0;    // those of its bits in which EL0 and EL1 differ
} found;

enum { ADDRESS = 8 };

// ---- Looking.

enum { CALL = 0x000, LEAVE = 0x010, NEXT = 0x100, STACK = 0x800 };

static void set(uc_engine* uc, int id, uint64_t value) {
  uc_reg_write(uc, id, &value);
}

static bool set_spsr(uc_engine* uc, uint64_t value) {
  uc_arm64_cp_reg spsr = {.op0 = 3, .crn = 4, .val = value};  // SPSR_EL1
  return uc_reg_write(uc, UC_ARM64_REG_CP_REG, &spsr) == UC_ERR_OK;
}

static bool leave(vs_uc_probe* p, uint64_t spsr) {
  set(p->uc, UC_ARM64_REG_PSTATE, VS_UC_PSTATE_START);
  set(p->uc, UC_ARM64_REG_ELR_EL1, NEXT);
  return set_spsr(p->uc, spsr) && vs_uc_probe_step(p, LEAVE);
}

// The flags say that this is 64-bit code, change with the level, and not without.
static void look_at_flags(vs_uc_probe* p) {
  enum { IS_64BIT = 8, SHIFT = 28 };
  uint32_t same[VS_UC_PROBE_PAGE];
  size_t words = p->size / VS_UC_WORD;
  if (words > VS_UC_PROBE_PAGE || !leave(p, VS_UC_PSTATE_START)) return;
  for (size_t i = 0; i < words; i++) {
    const uint32_t was = vs_uc_word(p->before, i * VS_UC_WORD);
    same[i] = was == vs_uc_word(p->after, i * VS_UC_WORD) ? was : 0;
  }
  if (!leave(p, VS_UC_PSTATE_START & ~(uint64_t)VS_UC_PSTATE_EL & ~UINT64_C(1))) return;
  for (size_t i = 0; i < words; i++) {
    const uint32_t is = vs_uc_word(p->after, i * VS_UC_WORD);
    if (same[i] >> SHIFT != IS_64BIT || is >> SHIFT != IS_64BIT || same[i] == is) continue;
    found.hidden_flags = found.hidden_flags == VS_UC_NOWHERE ? (long)(i * VS_UC_WORD) : 0;
    found.of_el0 = same[i] ^ is;
  }
  if (found.hidden_flags == 0) found.hidden_flags = VS_UC_NOWHERE;
}

static void look(vs_uc_probe* p) {
  enum { SYNDROME = 0x56001234 };
  static const uint32_t call = 0xd4024681, leave_insn = 0xd69f03e0;  // svc #0x1234; eret
  memcpy(p->page + CALL, &call, sizeof call);
  memcpy(p->page + LEAVE, &leave_insn, sizeof leave_insn);
  set(p->uc, UC_ARM64_REG_PSTATE, VS_UC_PSTATE_START);
  set(p->uc, UC_ARM64_REG_SP, STACK);
  if (!vs_uc_probe_step(p, CALL)) return;
  found.syndrome = vs_uc_probe_only(p, UINT32_MAX, 0, SYNDROME);
  look_at_flags(p);
}

void vs_uc_arm64_find(void) {
  vs_uc_probe p = {.uc = NULL};
  if (found.looked) return;
  found.looked = true;
  found.syndrome = found.hidden_flags = VS_UC_NOWHERE;
  if (vs_uc_probe_open(&p, UC_ARCH_ARM64, UC_MODE_ARM)) look(&p);
  vs_uc_probe_close(&p);
}

// ---- To EL1.

static bool show_el1(vs_cpu* cpu) {
  uc_context* context;
  if (found.hidden_flags == VS_UC_NOWHERE) return false;
  uint8_t* bytes = vs_uc_save(cpu->uc, &context);
  if (bytes == NULL) return false;
  const uint32_t flags = vs_uc_word(context, (size_t)found.hidden_flags) ^ found.of_el0;
  memcpy(bytes + found.hidden_flags, &flags, sizeof flags);
  return vs_uc_restore(cpu->uc, context, true);
}

// `offset`: of the vector among those for its source.
static bool enter_el1(vs_cpu* cpu, uint64_t offset) {
  enum { FROM_OWN_STACK = 0x200, FROM_EL0 = 0x400, IS_32BIT = 0x10 };
  const uint64_t pstate = vs_uc_register(cpu, UC_ARM64_REG_PSTATE);
  const bool from_el0 = (pstate & VS_UC_PSTATE_EL) == 0;
  const bool own_stack = (pstate & VS_UC_PSTATE_OWN_STACK) != 0;
  if ((pstate & IS_32BIT) != 0 || !set_spsr(cpu->uc, pstate)) return false;
  vs_uc_set_register(cpu, UC_ARM64_REG_ELR_EL1, cpu->pc);
  if (!own_stack) {
    vs_uc_set_register(cpu, UC_ARM64_REG_SP_EL0, vs_uc_register(cpu, UC_ARM64_REG_SP));
    vs_uc_set_register(cpu, UC_ARM64_REG_SP, vs_uc_register(cpu, UC_ARM64_REG_SP_EL1));
  }
  vs_uc_set_register(cpu, UC_ARM64_REG_PSTATE, VS_UC_PSTATE_START);
  if (from_el0 && !show_el1(cpu)) return false;
  offset += from_el0 ? FROM_EL0 : own_stack ? FROM_OWN_STACK : 0;
  cpu->pc = vs_uc_register(cpu, UC_ARM64_REG_VBAR_EL1) + offset;
  return true;
}

bool vs_uc_arm64_interrupt(vs_cpu* cpu) {
  enum { IRQ = 0x80 };
  return enter_el1(cpu, IRQ);
}

// Numbers of the library.
enum { UNDEFINED = 1, SUPERVISOR_CALL = 2, NO_FETCH = 3, NO_DATA = 4, BREAKPOINT = 7 };

bool vs_uc_arm64_raised(vs_cpu* cpu, uint32_t number) {
  uc_context* context;
  if (number < UNDEFINED || (number > NO_DATA && number != BREAKPOINT)) return false;
  if (found.syndrome == VS_UC_NOWHERE || vs_uc_save(cpu->uc, &context) == NULL) return false;
  const uint64_t syndrome = vs_uc_word(context, (size_t)found.syndrome);
  uint64_t address;
  memcpy(&address, (const uint8_t*)context + found.syndrome + ADDRESS, sizeof address);
  vs_uc_restore(cpu->uc, context, false);
  vs_uc_set_register(cpu, UC_ARM64_REG_ESR_EL1, syndrome);
  if (number == NO_FETCH || number == NO_DATA)
    vs_uc_set_register(cpu, UC_ARM64_REG_FAR_EL1, address);
  return enter_el1(cpu, 0);
}

// ---- Page tables.

static uint64_t system_register(const vs_cpu* cpu, unsigned crn, unsigned op2) {
  uc_arm64_cp_reg reg = {.op0 = 3, .crn = crn, .op2 = op2};
  uc_reg_read(cpu->uc, UC_ARM64_REG_CP_REG, &reg);
  return reg.val;
}

static bool read_table(void* context, uint64_t gpa, uint64_t* out) {
  const vs_cpu* cpu = context;
  return uc_mem_read(cpu->uc, gpa, out, sizeof *out) == UC_ERR_OK;
}

bool vs_uc_arm64_translate(vs_cpu* cpu, const vs_arm64_access* access, uint64_t* gpa,
                           uint32_t* fault) {
  const vs_arm64_tables tables = {.sctlr = system_register(cpu, 1, 0),
                                  .tcr = system_register(cpu, 2, 2),
                                  .ttbr0 = vs_uc_register(cpu, UC_ARM64_REG_TTBR0_EL1),
                                  .ttbr1 = vs_uc_register(cpu, UC_ARM64_REG_TTBR1_EL1),
                                  .read = read_table,
                                  .context = cpu};
  return vs_arm64_translate(&tables, access, gpa, fault);
}

bool vs_uc_arm64_abort(vs_cpu* cpu, const vs_arm64_access* access, bool fetch, uint32_t fault) {
  enum { OF_FETCH = 0x20, OF_DATA = 0x24, CLASS_SHIFT = 26, WRITE_SHIFT = 6 };
  const uint32_t class = (fetch ? OF_FETCH : OF_DATA) + (access->from_el0 ? 0u : 1u);
  const uint64_t syndrome =
      class << CLASS_SHIFT | UINT64_C(1) << 25 | (uint64_t)access->write << WRITE_SHIFT | fault;
  vs_uc_set_register(cpu, UC_ARM64_REG_ESR_EL1, syndrome);
  vs_uc_set_register(cpu, UC_ARM64_REG_FAR_EL1, access->address);
  return enter_el1(cpu, 0);
}
