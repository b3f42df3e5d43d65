// SPDX-License-Identifier: BSD-3-Clause
// What a guest's processor says to others. Intel SDM volume 3, "Interrupt Command Register" of the
// x2APIC: the destination is in the high half; the shorthand says self, all, or all but self.
#include "objects.h"

enum { FIXED = 0, NMI = 4, INIT = 5, STARTUP = 6 };  // kinds of interrupts that can be sent

static uint64_t destinations(uint64_t icr, unsigned self) {
  enum { TO_LISTED, TO_SELF, TO_ALL };
  const uint32_t listed = (uint32_t)(icr >> 32);
  const uint64_t own = UINT64_C(1) << self;
  switch (icr >> 18 & 3) {
    case TO_SELF:
      return own;
    case TO_ALL:
      return UINT64_MAX;
    case TO_LISTED:
      if (listed == UINT32_MAX) return UINT64_MAX;
      return listed < VS_ENGINE_CPUS_MAX ? UINT64_C(1) << listed : 0;
    default:
      return ~own;
  }
}

void vs_zx_tell_startup(uint64_t id, uint64_t entry, zx_port_packet_t* packet) {
  packet->type = ZX_PKT_TYPE_GUEST_VCPU;
  packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_STARTUP;
  packet->guest_vcpu.startup.id = id;
  packet->guest_vcpu.startup.entry = entry;
}

static void tell_interrupt(uint64_t mask, uint8_t vector, zx_port_packet_t* packet) {
  packet->type = ZX_PKT_TYPE_GUEST_VCPU;
  packet->guest_vcpu.type = ZX_PKT_GUEST_VCPU_INTERRUPT;
  packet->guest_vcpu.interrupt.mask = mask;
  packet->guest_vcpu.interrupt.vector = vector;
}

// A processor sends itself no NMI. INIT is taken and does nothing, as in published kernels.
vs_zx_sent vs_zx_tell_sent(uint64_t icr, unsigned self, zx_port_packet_t* packet) {
  enum { NMI_VECTOR = 2, ENTRY_SHIFT = 12 };
  const uint64_t own = UINT64_C(1) << self;
  switch (icr >> 8 & 7) {
    case FIXED:
      tell_interrupt(destinations(icr, self), (uint8_t)icr, packet);
      return VS_ZX_SENT_PACKET;
    case NMI:
      tell_interrupt(destinations(icr, self) & ~own, NMI_VECTOR, packet);
      return VS_ZX_SENT_PACKET;
    case STARTUP:
      vs_zx_tell_startup(icr >> 32, (icr & 0xff) << ENTRY_SHIFT, packet);
      return VS_ZX_SENT_PACKET;
    default:
      return (icr >> 8 & 7) == INIT ? VS_ZX_SENT_NOTHING : VS_ZX_SENT_REFUSED;
  }
}
