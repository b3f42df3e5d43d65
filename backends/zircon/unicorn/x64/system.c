// SPDX-License-Identifier: BSD-3-Clause
// Intel SDM volume 2, the instructions by name; volume 3, "Control Registers".
#include "x64/system.h"

#include "x64/inside.h"
#include "x64/interrupt.h"

enum { MSR_ICR = 0x830, MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP };
enum { USER_RING = 3, NO_RING = 0xfffc, STEP = 8 };  // from one descriptor to the next
static const uint32_t msr_efer = 0xc0000080, msr_star = 0xc0000081, msr_lstar = 0xc0000082,
                      msr_fmask = 0xc0000084;

// In the order of their encoding.
static const int general[] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

static uint64_t msr(const vs_cpu* cpu, uint32_t number) {
  uc_x86_msr value = {.rid = number};
  uc_reg_read(cpu->uc, UC_X86_REG_MSR, &value);
  return value.value;
}

static uint64_t low(const vs_cpu* cpu, int id) {
  return (uint32_t)vs_uc_register(cpu, id);
}

static zx_status_t undefined(vs_cpu* cpu) {
  return vs_uc_x64_raise(cpu, (vs_uc_event){.vector = VS_UC_UNDEFINED});
}

static zx_status_t next(vs_cpu* cpu) {
  cpu->pc += cpu->x64.insn.length;
  return ZX_OK;
}

// ---- Control.

// A change of what may be written; paging itself cannot be left.
static zx_status_t to_cr0(vs_cpu* cpu) {
  const uint64_t PE = 1, ET = 0x10, NW = UINT64_C(1) << 29, CD = UINT64_C(1) << 30,
                 PG = UINT64_C(1) << 31;
  const uint64_t value = vs_uc_register(cpu, general[cpu->x64.insn.reg]) | ET;
  const bool is_bad = value > UINT32_MAX || ((value & NW) != 0 && (value & CD) == 0) ||
                      ((value & PG) != 0 && (value & PE) == 0);
  if (is_bad) return vs_uc_x64_protect(cpu);
  if ((value & PG) == 0)
    return vs_uc_inside_is_64bit(cpu) ? vs_uc_x64_protect(cpu) : ZX_ERR_NOT_SUPPORTED;
  if (!vs_uc_inside_set_cr0(cpu, value & ~PG)) return ZX_ERR_NOT_SUPPORTED;
  vs_uc_drop_views(cpu);
  return next(cpu);
}

static zx_status_t from_cr0(vs_cpu* cpu) {
  const uint64_t PG = UINT64_C(1) << 31;
  const uint64_t value = vs_uc_register(cpu, UC_X86_REG_CR0) | (cpu->x64.paging ? PG : 0);
  vs_uc_set_register(cpu, general[cpu->x64.insn.reg], value);
  return next(cpu);
}

static uint64_t edx_eax(const vs_cpu* cpu) {
  return low(cpu, UC_X86_REG_RDX) << 32 | low(cpu, UC_X86_REG_RAX);
}

static zx_status_t to_efer(vs_cpu* cpu) {
  enum { SCE = 1, LME = 1 << 8, LMA = 1 << 10, NXE = 1 << 11 };
  const uint64_t value = edx_eax(cpu);
  if ((value & ~(uint64_t)(SCE | LME | LMA | NXE)) != 0 || (value & LME) == 0)
    return vs_uc_x64_protect(cpu);
  cpu->x64.efer = value | LMA;
  vs_uc_drop_views(cpu);
  return next(cpu);
}

static zx_status_t from_efer(vs_cpu* cpu) {
  vs_uc_set_register(cpu, UC_X86_REG_RAX, cpu->x64.efer);
  vs_uc_set_register(cpu, UC_X86_REG_RDX, 0);
  return next(cpu);
}

// ---- Changes of ring.

// Pages that ring 3 may not have are not there while it runs.
static void look_at_ring(vs_cpu* cpu) {
  cpu->x64.user = vs_uc_x64_ring(cpu) == USER_RING;
  if (cpu->x64.user && cpu->x64.system_views) vs_uc_drop_views(cpu);
}

static zx_status_t go(vs_cpu* cpu, uint16_t selector, uint32_t code, unsigned ring, uint64_t rip,
                      unsigned stack_step) {
  const uint32_t of_ring = ring == USER_RING ? VS_UC_RING_3 : 0;
  const uint16_t first = (uint16_t)((selector & NO_RING) | ring);
  const vs_uc_segment cs = {first, code + of_ring};
  const vs_uc_segment ss = {(uint16_t)(first + stack_step), VS_UC_STACK + of_ring};
  if (!vs_uc_inside_set_segments(cpu, cs, ss)) return ZX_ERR_NOT_SUPPORTED;
  cpu->pc = rip;
  look_at_ring(cpu);
  return ZX_OK;
}

static bool may_syscall(vs_cpu* cpu) {
  return (cpu->x64.efer & 1) != 0 && vs_uc_inside_is_64bit(cpu);
}

static zx_status_t do_syscall(vs_cpu* cpu) {
  enum { RF = 1 << 16, ALWAYS = 2, STAR_SHIFT = 32 };
  if (!may_syscall(cpu)) return undefined(cpu);
  const uint64_t flags = vs_uc_register(cpu, UC_X86_REG_RFLAGS) & ~(uint64_t)RF;
  vs_uc_set_register(cpu, UC_X86_REG_RCX, cpu->pc + cpu->x64.insn.length);
  vs_uc_set_register(cpu, UC_X86_REG_R11, flags);
  vs_uc_set_register(cpu, UC_X86_REG_RFLAGS, (flags & ~msr(cpu, msr_fmask)) | ALWAYS);
  return go(cpu, (uint16_t)(msr(cpu, msr_star) >> STAR_SHIFT), VS_UC_CODE_64, 0,
            msr(cpu, msr_lstar), STEP);
}

// Its stack segment comes before 64-bit code, and behind 32-bit code.
static zx_status_t do_sysret(vs_cpu* cpu) {
  enum { FLAGS = 0x3c7fd7, ALWAYS = 2, STAR_SHIFT = 48 };
  if (!may_syscall(cpu)) return undefined(cpu);
  if (vs_uc_x64_ring(cpu) != 0) return vs_uc_x64_protect(cpu);
  const bool wide = cpu->x64.insn.wide;
  const uint16_t base = (uint16_t)(msr(cpu, msr_star) >> STAR_SHIFT);
  const uint64_t rip = wide ? vs_uc_register(cpu, UC_X86_REG_RCX) : low(cpu, UC_X86_REG_RCX);
  vs_uc_set_register(cpu, UC_X86_REG_RFLAGS,
                     (vs_uc_register(cpu, UC_X86_REG_R11) & FLAGS) | ALWAYS);
  if (!wide) return go(cpu, base, VS_UC_CODE_32, USER_RING, rip, STEP);
  return go(cpu, (uint16_t)(base + 2 * STEP), VS_UC_CODE_64, USER_RING, rip, (unsigned)-STEP);
}

static zx_status_t do_sysenter(vs_cpu* cpu) {
  enum { IF = 1 << 9 };
  const uint16_t selector = (uint16_t)msr(cpu, MSR_SYSENTER_CS);
  if ((selector & NO_RING) == 0) return vs_uc_x64_protect(cpu);
  vs_uc_set_register(cpu, UC_X86_REG_RFLAGS,
                     vs_uc_register(cpu, UC_X86_REG_RFLAGS) & ~(uint64_t)IF);
  vs_uc_set_register(cpu, UC_X86_REG_RSP, msr(cpu, MSR_SYSENTER_ESP));
  return go(cpu, selector, VS_UC_CODE_64, 0, msr(cpu, MSR_SYSENTER_EIP), STEP);
}

static zx_status_t do_sysexit(vs_cpu* cpu) {
  enum { TO_32 = 16, TO_64 = 32 };
  const uint16_t selector = (uint16_t)msr(cpu, MSR_SYSENTER_CS);
  if ((selector & NO_RING) == 0 || vs_uc_x64_ring(cpu) != 0) return vs_uc_x64_protect(cpu);
  const bool wide = cpu->x64.insn.wide;
  const uint64_t rsp = wide ? vs_uc_register(cpu, UC_X86_REG_RCX) : low(cpu, UC_X86_REG_RCX);
  const uint64_t rip = wide ? vs_uc_register(cpu, UC_X86_REG_RDX) : low(cpu, UC_X86_REG_RDX);
  vs_uc_set_register(cpu, UC_X86_REG_RSP, rsp);
  return go(cpu, (uint16_t)(selector + (wide ? TO_64 : TO_32)),
            wide ? VS_UC_CODE_64 : VS_UC_CODE_32, USER_RING, rip, STEP);
}

// ---- Calls to the hypervisor, which has none to offer.

static zx_status_t do_vmcall(vs_cpu* cpu) {
  enum { NO_SUCH_CALL = -1000, NOT_PERMITTED = -1 };
  const int64_t answer = vs_uc_x64_ring(cpu) == 0 ? NO_SUCH_CALL : NOT_PERMITTED;
  vs_uc_set_register(cpu, UC_X86_REG_RAX, (uint64_t)answer);
  return next(cpu);
}

// ---- All.

bool vs_uc_x64_is_system(const vs_cpu* cpu, const vs_uc_insn* insn) {
  if (insn->op != VS_UC_WRMSR && insn->op != VS_UC_RDMSR) return true;
  const uint64_t number = low(cpu, UC_X86_REG_RCX);
  return number == msr_efer || (number == MSR_ICR && insn->op == VS_UC_WRMSR);
}

static zx_status_t do_system(vs_cpu* cpu) {
  switch (cpu->x64.insn.op) {
    case VS_UC_SYSCALL:
      return do_syscall(cpu);
    case VS_UC_SYSENTER:
      return do_sysenter(cpu);
    case VS_UC_SYSRET:
      return do_sysret(cpu);
    case VS_UC_SYSEXIT:
      return do_sysexit(cpu);
    case VS_UC_VMCALL:
      return do_vmcall(cpu);
    default:
      break;
  }
  if (vs_uc_x64_ring(cpu) != 0) return vs_uc_x64_protect(cpu);
  switch (cpu->x64.insn.op) {
    case VS_UC_TO_CR0:
      return to_cr0(cpu);
    case VS_UC_FROM_CR0:
      return from_cr0(cpu);
    case VS_UC_WRMSR:
      return to_efer(cpu);
    default:
      return from_efer(cpu);
  }
}

bool vs_uc_x64_system(vs_cpu* cpu, vs_exit* out) {
  const bool is_icr = cpu->x64.insn.op == VS_UC_WRMSR && low(cpu, UC_X86_REG_RCX) == MSR_ICR &&
                      vs_uc_x64_ring(cpu) == 0;
  if (is_icr) {
    *out = (vs_exit){.kind = VS_EXIT_ICR, .value = edx_eax(cpu)};
    return false;
  }
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = do_system(cpu)};
  return out->status == ZX_OK;
}

// What a published guest sees, whatever Unicorn's processor has.
static void tell_features(vs_cpu* cpu) {
  enum { BASIC = 1, TOPOLOGY = 0xb, NUMBER_SHIFT = 24 };
  // x2APIC, the TSC deadline timer, a hypervisor; not MONITOR, VMX, TM2, PDCM.
  const uint32_t ecx_set = 1u << 21 | 1u << 24 | 1u << 31;
  const uint32_t ecx_clear = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 15;
  // What Unicorn has and does not say: FPU, TSC, MSRs, PAE, global pages; and SYSENTER, which is
  // done here. Not ACPI, TM.
  const uint32_t edx_set = 1u << 0 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 11 | 1u << 13;
  const uint32_t edx_clear = 1u << 22 | 1u << 29;
  // SYSCALL, NX, pages of 1 GiB.
  const uint32_t extended_set = 1u << 11 | 1u << 20 | 1u << 26;
  const uint32_t extended = 0x80000001;
  const uint64_t ebx = low(cpu, UC_X86_REG_RBX), ecx = low(cpu, UC_X86_REG_RCX),
                 edx = low(cpu, UC_X86_REG_RDX);
  if (cpu->x64.leaf == BASIC) {
    vs_uc_set_register(cpu, UC_X86_REG_RBX, (ebx & 0x00ffffff) | cpu->number << NUMBER_SHIFT);
    vs_uc_set_register(cpu, UC_X86_REG_RCX, (ecx | ecx_set) & ~ecx_clear);
    vs_uc_set_register(cpu, UC_X86_REG_RDX, (edx | edx_set) & ~edx_clear);
  } else if (cpu->x64.leaf == TOPOLOGY) {
    vs_uc_set_register(cpu, UC_X86_REG_RDX, cpu->number);
  } else if (cpu->x64.leaf == extended) {
    vs_uc_set_register(cpu, UC_X86_REG_RDX, edx | extended_set);
  }
}

void vs_uc_x64_after(vs_cpu* cpu) {
  switch (cpu->x64.after) {
    case VS_UC_AFTER_RING:
      look_at_ring(cpu);
      break;
    case VS_UC_AFTER_PAGES:
      vs_uc_drop_views(cpu);
      break;
    case VS_UC_AFTER_CPUID:
      tell_features(cpu);
      break;
    default:
      break;
  }
  cpu->x64.after = VS_UC_AFTER_NOTHING;
}
