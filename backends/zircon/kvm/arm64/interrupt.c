// SPDX-License-Identifier: BSD-3-Clause
// Interrupts: there is no interrupt controller in the VM. While one waits, the vCPU's interrupt
// line is up: the processor takes the guest to its vector as soon as the guest lets it, and WFI
// does not wait. The line is not an edge, so it has to go down right then: breakpoints on the
// guest's vectors tell.
//
// Breakpoints would be on the wrong page once the guest has set VBAR_EL1. So a guest that has not
// set it yet is stepped. Exclusive accesses would never succeed then; but the MMU must be on for
// those, and with it on no guest is stepped.
//
// Vectors set once more while an interrupt waits are not noticed before the guest leaves next: an
// interrupt that is taken there meanwhile is taken twice. A guest that jumps to its own vector
// while one waits has it for taken.
#include <asm/ptrace.h>

#include "arm64/arm64.h"
#include "arm64_tables.h"

#define VBAR_EL1 ARM64_SYS_REG(3, 0, 12, 0, 0)
#define ESR_EL1 ARM64_SYS_REG(3, 0, 5, 2, 0)
#define ELR_EL1 VS_KVM_ARM64_CORE(elr_el1)
#define SPSR_EL1 VS_KVM_ARM64_CORE(spsr[KVM_SPSR_EL1])

#define MMU_ON UINT64_C(1)             // SCTLR_EL1.M
#define PAN_STAYS (UINT64_C(1) << 23)  // SCTLR_EL1.SPAN
#define SSBS_SET (UINT64_C(1) << 44)   // SCTLR_EL1.DSSBS

#define PSTATE_STEP (UINT64_C(1) << 21)
#define PSTATE_MASKED (UINT64_C(0xf) << 6)  // D A I F
#define PSTATE_EL UINT64_C(0xc)
#define PSTATE_EL1H UINT64_C(5)

#define BREAK_ALWAYS UINT64_C(0x1e7)  // DBGBCR: enabled, at EL1 and EL0, the whole instruction
#define CLASS_OF(syndrome) ((syndrome) >> 26)
enum { CLASS_BREAKPOINT = 0x30, CLASS_STEP = 0x32 };

// Of exceptions, from VBAR_EL1 on: interrupts are at 0x80 of each group of vectors. A processor may
// have two breakpoints only: EL1 with its own stack pointer, and EL0, come first.
enum { FROM_SP0 = 0, FROM_EL1 = 0x200, FROM_EL0 = 0x400, FROM_EL0_32 = 0x600, INTERRUPT = 0x80 };
static const uint64_t groups[] = {FROM_EL1, FROM_EL0, FROM_SP0, FROM_EL0_32};
enum { GROUPS = sizeof groups / sizeof groups[0] };

static bool is_interrupt_vector(uint64_t pc, uint64_t vectors) {
  for (size_t i = 0; i < GROUPS; i++) {
    if (pc == vectors + groups[i] + INTERRUPT) return true;
  }
  return false;
}

static bool is_open(uint64_t pstate) {
  return (pstate & PSR_I_BIT) == 0;
}

// --- what KVM is told ---------------------------------------------------------------------------

// KVM counts vCPUs in the order in which they were made. That is by number: the lowest is first.
static int set_line(vs_cpu* cpu, bool up) {
  const uint32_t number = (uint32_t)(cpu - cpu->vm->cpus);
  struct kvm_irq_level line = {.irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
                                      number << KVM_ARM_IRQ_VCPU_SHIFT | KVM_ARM_IRQ_CPU_IRQ,
                               .level = up};
  if (cpu->watch.line == up) return 0;
  const int result = VS_KVM_IOCTL(cpu->vm->fd, KVM_IRQ_LINE, &line);
  if (result >= 0) cpu->watch.line = up;
  return result;
}

static int set_debug(vs_cpu* cpu, uint32_t how, uint64_t vectors) {
  struct kvm_guest_debug debug = {.control = how};
  if (cpu->watch.debug == how && cpu->watch.vectors == vectors) return 0;
  for (size_t i = 0; i < GROUPS; i++) {
    debug.arch.dbg_bcr[i] = BREAK_ALWAYS;
    debug.arch.dbg_bvr[i] = vectors + groups[i] + INTERRUPT;
  }
  const int result = VS_KVM_IOCTL(cpu->fd, KVM_SET_GUEST_DEBUG, &debug);
  if (result < 0) return result;
  cpu->watch.debug = how;
  cpu->watch.vectors = vectors;
  return 0;
}

// At a vector a breakpoint would end the run before the guest has moved: it is stepped away.
static int look_out(vs_cpu* cpu) {
  uint64_t vectors, sctlr, pc, pstate;
  int result = vs_kvm_arm64_get(cpu, VBAR_EL1, &vectors);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, SCTLR_EL1, &sctlr);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PC, &pc);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate);
  if (result < 0) return result;
  const bool has_none = vectors == 0 && (sctlr & MMU_ON) == 0;
  const bool steps = has_none || is_interrupt_vector(pc, vectors);
  cpu->watch.was_open = is_open(pstate);
  return set_debug(
      cpu, KVM_GUESTDBG_ENABLE | (steps ? KVM_GUESTDBG_SINGLESTEP : KVM_GUESTDBG_USE_HW), vectors);
}

// The guest's virtual timer raises an interrupt of its own, until the guest has set it anew: KVM
// says whether, and leaves the guest whenever that changes.
static bool timer_is_up(const vs_cpu* cpu) {
  return (cpu->run->s.regs.device_irq_level & KVM_ARM_DEV_EL1_VTIMER) != 0;
}

// What KVM refuses is tried again at the next entry.
void vs_kvm_arm64_watch(vs_cpu* cpu, bool wanted) {
  const int result = wanted ? look_out(cpu) : set_debug(cpu, 0, 0);
  if (result >= 0) set_line(cpu, wanted || timer_is_up(cpu));
}

// --- what has come of it ------------------------------------------------------------------------

// Debug exceptions are all ours meanwhile, also that of a guest's BRK: it gets it as the processor
// would have done it.
static int give_back(vs_cpu* cpu, uint64_t pc, uint64_t pstate) {
  const uint64_t group = (pstate & PSTATE_EL) == 0 ? FROM_EL0 : pstate & 1 ? FROM_EL1 : FROM_SP0;
  uint64_t vectors, sctlr;
  int result = vs_kvm_arm64_get(cpu, VBAR_EL1, &vectors);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, SCTLR_EL1, &sctlr);
  if (result < 0) return result;
  uint64_t next = PSTATE_EL1H | PSTATE_MASKED;
  next |= pstate & (PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT | PSR_DIT_BIT | PSR_PAN_BIT);
  if (!(sctlr & PAN_STAYS)) next |= PSR_PAN_BIT;
  if (sctlr & SSBS_SET) next |= PSR_SSBS_BIT;
  const struct {
    uint64_t id, value;
  } changes[] = {{ESR_EL1, cpu->run->debug.arch.hsr},
                 {ELR_EL1, pc},
                 {SPSR_EL1, pstate & ~PSTATE_STEP},
                 {VS_KVM_ARM64_PC, vectors + group},
                 {VS_KVM_ARM64_PSTATE, next}};
  for (size_t i = 0; i < sizeof changes / sizeof changes[0] && result >= 0; i++) {
    result = vs_kvm_arm64_set(cpu, changes[i].id, changes[i].value);
  }
  return result;
}

// The guest is not to see in its SPSR_EL1 that it was stepped.
static int hide_step(vs_cpu* cpu) {
  uint64_t saved;
  const int result = vs_kvm_arm64_get(cpu, SPSR_EL1, &saved);
  return result < 0 ? result : vs_kvm_arm64_set(cpu, SPSR_EL1, saved & ~PSTATE_STEP);
}

int vs_kvm_arm64_debug_exit(vs_cpu* cpu) {
  const uint32_t class = CLASS_OF(cpu->run->debug.arch.hsr);
  vs_kvm_watch* watch = &cpu->watch;
  uint64_t pc, pstate;
  int result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PC, &pc);
  if (result >= 0) result = vs_kvm_arm64_get(cpu, VS_KVM_ARM64_PSTATE, &pstate);
  if (result < 0) return result;
  if (class != CLASS_BREAKPOINT && class != CLASS_STEP) return give_back(cpu, pc, pstate);
  const bool could = class == CLASS_BREAKPOINT || watch->was_open;
  watch->taken = could && !is_open(pstate) && is_interrupt_vector(pc, watch->vectors);
  return watch->taken && class == CLASS_STEP ? hide_step(cpu) : 0;
}

// That it would is only known once it has: its first instruction at the vector is next.
bool vs_kvm_arm64_takes(const vs_cpu* cpu, vs_delivery how) {
  (void)how;
  return cpu->watch.taken;
}

zx_status_t vs_kvm_arm64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  (void)how, (void)vector;
  cpu->watch.taken = false;
  return ZX_OK;
}

int vs_kvm_arm64_forget_interrupts(vs_cpu* cpu) {
  cpu->watch.taken = false;
  cpu->run->s.regs.device_irq_level = 0;
  const int result = set_debug(cpu, 0, 0);
  return result < 0 ? result : set_line(cpu, false);
}
