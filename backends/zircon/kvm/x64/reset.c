// SPDX-License-Identifier: BSD-3-Clause
// The state in which an x86-64 vCPU starts (published Zircon x86 kernels): the boot processor in
// 64-bit mode with paging on and its page tables at guest-physical address 0, any other in real
// mode.
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "x64/x64.h"

#define CR0_PE (1u << 0)
#define CR0_ET (1u << 4)
#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define CR4_PGE (1u << 7)
#define CR4_OSFXSR (1u << 9)
#define CR4_FSGSBASE (1u << 16)
#define CR4_OSXSAVE (1u << 18)
#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define RFLAGS_RESERVED_ONE UINT64_C(0x2)
#define XCR0_X87_SSE_AVX 7u

#define RESET_CS_BASE 0xffff0000u
#define RESET_RIP 0xfff0u

#define SEGMENT_LIMIT 0xffffu
#define SEGMENT_DATA 0x3u      // writable, accessed
#define SEGMENT_CODE 0xbu      // readable, accessed
#define SEGMENT_TSS_BUSY 0xbu  // a system segment

// Where KVM may keep three pages of its own; only VMX without unrestricted guests needs them.
#define TSS_ADDRESS 0xfffbd000u
#define CPUID_ENTRIES 256u

#define ALL_SYNC_REGS (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

// What a guest may have set and the next one would meet: of system calls, of segments, and what KVM
// itself would write into guest memory for (clock, stolen time, page faults, ends of interrupts).
static const uint32_t msrs[] = {
    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0xc0000103,  // STAR to TSC_AUX
    0x174,      0x175,      0x176,      0x277,                               // SYSENTER, PAT
    0x11,       0x12,       0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04,
};
enum { MSRS = sizeof msrs / sizeof msrs[0] };

// As struct kvm_msrs, whose list has no size.
typedef struct msr_values {
  uint32_t count;
  uint32_t padding;
  struct kvm_msr_entry entries[MSRS];
} msr_values;

typedef struct reset {
  struct kvm_sregs fresh;         // of the vCPU that KVM had just made
  struct kvm_vcpu_events events;  // likewise
  struct kvm_sregs start;         // as the guest finds them
  struct kvm_regs entered;        // with which the guest was run last
  msr_values msrs;                // likewise, those that this host has
  struct kvm_debugregs debug;     // likewise
  bool has_run;                   // a guest, since it was reset
  uint32_t cr4;                   // what this host's CPUID allows of it
  uint32_t efer;
  uint32_t xcr0;  // 0: there is none
} reset;

const char vs_kvm_arch_least_linux[] = "4.17";

const vs_engine vs_kvm_arch = {
    VS_KVM_ALIKE,
    .arch = VS_ARCH_X64,
    .cpus = 64,
    .aspace_bits = 48,
    .has_ports = true,
    .page_tables = 0,
    .lone_page = UINT64_C(0xfee00000),  // the local APIC's
    .beyond = ZX_ERR_OUT_OF_RANGE,
    .other_resource = ZX_ERR_ACCESS_DENIED,
    .state_size = sizeof(zx_vcpu_state_x64_t),
    .write = vs_kvm_arch_write,
    .write_io = vs_kvm_x64_write_io,
    .takes = vs_kvm_x64_takes,
    .deliver = vs_kvm_x64_deliver,
    .watch = vs_kvm_x64_watch,
};
const vs_engine* const vs_kvm_arch_published = NULL;

static const struct {
  long capability;
  const char* name;
} capabilities[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
};

const char* vs_kvm_arch_missing(int kvm_fd) {
  for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
    const int got = VS_KVM_IOCTL_VALUE(kvm_fd, KVM_CHECK_EXTENSION, capabilities[i].capability);
    if (got <= 0) return capabilities[i].name;
    if (capabilities[i].capability == KVM_CAP_SYNC_REGS &&
        ((unsigned long)got & ALL_SYNC_REGS) != ALL_SYNC_REGS) {
      return "KVM_CAP_SYNC_REGS for registers, system registers and events";
    }
  }
  return NULL;
}

unsigned long vs_kvm_arch_vm_type(int kvm_fd) {
  (void)kvm_fd;  // there is but one
  return 0;
}

// Writes of MSRs that KVM does not know come to us: among them the one that sends interrupts to
// other processors, there being no local APIC. Kernels before 5.10 refuse them to the guest.
static int hand_out_msrs(int kvm_fd, int vm_fd) {
  struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
                               .args = {KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN}};
  if (VS_KVM_IOCTL_VALUE(kvm_fd, KVM_CHECK_EXTENSION, cap.cap) <= 0) return 0;
  return VS_KVM_IOCTL(vm_fd, KVM_ENABLE_CAP, &cap);
}

int vs_kvm_arch_vm_setup(int kvm_fd, int vm_fd) {
  int result = 0;
  if (VS_KVM_IOCTL_VALUE(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0)
    result = VS_KVM_IOCTL_VALUE(vm_fd, KVM_SET_TSS_ADDR, TSS_ADDRESS);
  return result < 0 ? result : hand_out_msrs(kvm_fd, vm_fd);
}

static struct kvm_cpuid_entry2* find_leaf(struct kvm_cpuid2* cpuid, uint32_t function) {
  for (uint32_t i = 0; i < cpuid->nent; i++) {
    struct kvm_cpuid_entry2* entry = &cpuid->entries[i];
    if (entry->function == function && entry->index == 0) return entry;
  }
  return NULL;
}

// What a published guest sees, whatever the host has: x2APIC, the TSC deadline timer, a hypervisor;
// no MONITOR, VMX, TM2, PDCM, and neither ACPI's nor the thermal monitor of leaf 1.
static void set_features(struct kvm_cpuid_entry2* entry) {
  const uint32_t ecx_set = 1u << 21 | 1u << 24 | 1u << 31;
  const uint32_t ecx_clear = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 15;
  const uint32_t edx_clear = 1u << 22 | 1u << 29;
  entry->ecx = (entry->ecx | ecx_set) & ~ecx_clear;
  entry->edx &= ~edx_clear;
}

static void set_leaves(struct kvm_cpuid2* cpuid, unsigned id) {
  for (uint32_t i = 0; i < cpuid->nent; i++) {
    struct kvm_cpuid_entry2* entry = &cpuid->entries[i];
    if (entry->function == 1) {
      entry->ebx = (entry->ebx & 0x00ffffffu) | (id << 24);
      set_features(entry);
    }
    if (entry->function == 0xb || entry->function == 0x1f) entry->edx = id;
  }
}

// KVM refuses bits of CR4, EFER and XCR0 that the vCPU's CPUID does not have.
static void choose_features(struct kvm_cpuid2* cpuid, reset* r) {
  const struct kvm_cpuid_entry2* basic = find_leaf(cpuid, 1);
  const struct kvm_cpuid_entry2* structured = find_leaf(cpuid, 7);
  const struct kvm_cpuid_entry2* xsave = find_leaf(cpuid, 0xd);
  const struct kvm_cpuid_entry2* extended = find_leaf(cpuid, 0x80000001u);
  r->cr4 = CR4_PAE;
  r->efer = EFER_LME | EFER_LMA;
  if (basic && (basic->edx & (1u << 13))) r->cr4 |= CR4_PGE;
  if (basic && (basic->edx & (1u << 24))) r->cr4 |= CR4_OSFXSR;
  if (structured && (structured->ebx & (1u << 0))) r->cr4 |= CR4_FSGSBASE;
  if (extended && (extended->edx & (1u << 11))) r->efer |= EFER_SCE;
  if (extended && (extended->edx & (1u << 20))) r->efer |= EFER_NXE;
  if (basic && (basic->ecx & (1u << 26)) && xsave) {
    r->cr4 |= CR4_OSXSAVE;
    r->xcr0 = xsave->eax & XCR0_X87_SSE_AVX;
  }
}

static int set_cpuid(int kvm_fd, const vs_cpu* cpu, unsigned id, reset* r) {
  struct kvm_cpuid2* cpuid =
      calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
  if (!cpuid) return -ENOMEM;
  cpuid->nent = CPUID_ENTRIES;
  int result = VS_KVM_IOCTL(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
  if (result >= 0) {
    set_leaves(cpuid, id);
    choose_features(cpuid, r);
    result = VS_KVM_IOCTL(cpu->fd, KVM_SET_CPUID2, cpuid);
  }
  free(cpuid);
  return result;
}

static int msr_ioctl(const vs_cpu* cpu, unsigned long request, msr_values* values) {
  _Static_assert(offsetof(struct kvm_msrs, entries) == offsetof(msr_values, entries), "one layout");
  return vs_kvm_ioctl_raw(cpu->fd, request, values);
}

// Only what can be asked for and set: a list ends at the first that cannot be, so each is tried.
static void take_msrs(const vs_cpu* cpu, msr_values* kept) {
  for (size_t i = 0; i < MSRS; i++) {
    msr_values one = {.count = 1, .entries = {{.index = msrs[i]}}};
    if (msr_ioctl(cpu, KVM_GET_MSRS, &one) != 1 || msr_ioctl(cpu, KVM_SET_MSRS, &one) != 1)
      continue;
    kept->entries[kept->count++] = one.entries[0];
  }
}

// 0 or -errno.
static int forget_guest(vs_cpu* cpu) {
  reset* r = cpu->reset;
  if (!r->has_run) return 0;
  r->has_run = false;
  const int result = VS_KVM_IOCTL(cpu->fd, KVM_SET_DEBUGREGS, &r->debug);
  return result < 0 ? result : msr_ioctl(cpu, KVM_SET_MSRS, &r->msrs);
}

int vs_kvm_arch_cpu_setup(int kvm_fd, int vm_fd, vs_cpu* cpu, unsigned id) {
  (void)vm_fd;
  reset* r = calloc(1, sizeof(*r));
  if (!r) return -ENOMEM;
  cpu->reset = r;
  int result = set_cpuid(kvm_fd, cpu, id, r);
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_GET_SREGS, &r->fresh);
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_GET_VCPU_EVENTS, &r->events);
  if (result >= 0) result = VS_KVM_IOCTL(cpu->fd, KVM_GET_DEBUGREGS, &r->debug);
  if (result >= 0) take_msrs(cpu, &r->msrs);
  return result;
}

static struct kvm_segment segment(uint8_t type) {
  return (struct kvm_segment){.limit = SEGMENT_LIMIT, .type = type, .present = 1, .s = 1};
}

static void set_data_segments(struct kvm_sregs* sregs) {
  const struct kvm_segment data = segment(SEGMENT_DATA);
  sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
  sregs->tr = segment(SEGMENT_TSS_BUSY);
  sregs->tr.s = 0;
}

static void set_boot_mode(struct kvm_sregs* sregs, const reset* r) {
  sregs->cs = segment(SEGMENT_CODE);
  sregs->cs.l = 1;
  sregs->cr0 = CR0_PG | CR0_WP | CR0_ET | CR0_PE;
  sregs->cr3 = 0;
  sregs->cr4 = r->cr4;
  sregs->efer = r->efer;
}

// CR4 and EFER as KVM made them: nothing of them matters before the guest turns paging on.
static void set_real_mode(struct kvm_sregs* sregs, uint64_t entry) {
  sregs->cs = segment(SEGMENT_CODE);
  sregs->cs.base = entry;
  sregs->cs.selector = (uint16_t)(entry >> 4);
  sregs->cr0 = CR0_ET;
}

static int reset_float(const vs_cpu* cpu, const reset* r) {
  if (!r->xcr0) {
    struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
    return VS_KVM_IOCTL(cpu->fd, KVM_SET_FPU, &fpu);
  }
  struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.xcr = 0, .value = r->xcr0}}};
  const int result = VS_KVM_IOCTL(cpu->fd, KVM_SET_XCRS, &xcrs);
  if (result < 0) return result;
  // No component marked as present in the header: every one takes its initial value.
  struct kvm_xsave xsave = {0};
  return VS_KVM_IOCTL(cpu->fd, KVM_SET_XSAVE, &xsave);
}

static void choose_start(reset* r, bool boot, uint64_t entry) {
  r->start = r->fresh;
  r->start.gdt = r->start.idt = (struct kvm_dtable){.limit = SEGMENT_LIMIT};
  set_data_segments(&r->start);
  if (boot) {
    set_boot_mode(&r->start, r);
  } else {
    set_real_mode(&r->start, entry);
  }
}

static int load(vs_cpu* cpu, const struct kvm_regs* regs, const struct kvm_sregs* sregs) {
  const reset* r = cpu->reset;
  cpu->run->s.regs = (struct kvm_sync_regs){.regs = *regs, .sregs = *sregs, .events = r->events};
  cpu->run->kvm_dirty_regs = ALL_SYNC_REGS;
  return vs_kvm_settle(cpu);
}

// By way of the state in which KVM makes a vCPU, that is with paging off: a change of CR0 makes KVM
// forget what it knows about page tables, and it may know that a guest that ran before it had
// memory has none (seen where page tables are shadowed).
static int restart(vs_cpu* cpu, const struct kvm_regs* regs) {
  const reset* r = cpu->reset;
  const int result = load(cpu, regs, &r->fresh);
  return result < 0 ? result : load(cpu, regs, &r->start);
}

int vs_kvm_arch_cpu_reset(vs_cpu* cpu, bool boot, uint64_t entry) {
  // First whatever an earlier owner left to be completed, or it would be completed on the new
  // state.
  cpu->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
  cpu->run->kvm_dirty_regs = 0;
  int result = vs_kvm_settle(cpu);
  if (result >= 0) result = forget_guest(cpu);
  if (result < 0) return result;
  choose_start(cpu->reset, boot, entry);
  const struct kvm_regs regs = {.rip = boot ? entry : 0, .rflags = RFLAGS_RESERVED_ONE};
  result = restart(cpu, &regs);
  return result < 0 ? result : reset_float(cpu, cpu->reset);
}

void vs_kvm_arch_before_run(vs_cpu* cpu) {
  reset* r = cpu->reset;
  r->entered = cpu->run->s.regs.regs;
  r->has_run = true;
}

// SVM does not say what a vCPU that met a triple fault held, so KVM sends it to the reset vector.
static bool was_reset(const vs_cpu* cpu) {
  struct kvm_sregs sregs;
  return cpu->run->s.regs.regs.rip == RESET_RIP &&
         VS_KVM_IOCTL(cpu->fd, KVM_GET_SREGS, &sregs) >= 0 && sregs.cs.base == RESET_CS_BASE;
}

int vs_kvm_x64_recover(vs_cpu* cpu) {
  const reset* r = cpu->reset;
  atomic_store(&cpu->vm->is_spent, true);
  const struct kvm_regs regs = was_reset(cpu) ? r->entered : cpu->run->s.regs.regs;
  return restart(cpu, &regs);
}
