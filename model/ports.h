// SPDX-License-Identifier: BSD-3-Clause
// Packets that wait in ports, and what the next access of a guest program meets. Nothing here
// judges.
#ifndef VS_MODEL_PORTS_H_
#define VS_MODEL_PORTS_H_

#include "world.h"

// False: there is no room.
bool vs_ports_put(vs_world* world, const vs_queued* packet);
// The first packet in the port (an object); VS_PACKETS: there is none.
uint8_t vs_ports_first(const vs_world* world, uint8_t port);
void vs_ports_take(vs_world* world, uint8_t index);
// There is none any more.
void vs_ports_drop(vs_world* world, uint8_t port);
// YES: there is no packet; UNKNOWN: none but of guests that are gone.
vs_tristate vs_ports_is_empty(const vs_world* world, uint8_t port);

// What becomes of packets and traps with the last handle of a port, and with a guest.
void vs_ports_close(vs_world* world, uint8_t port);
void vs_ports_end_guest(vs_world* world, uint8_t guest);

typedef enum vs_meeting {
  VS_MEETS_NOTHING,  // the program makes no more accesses
  VS_MEETS_MEM,
  VS_MEETS_BELL,
  VS_MEETS_CLOSED,  // a bell whose port has no handle any more
  VS_MEETS_UNKNOWN  // no trap, or a bell that is read
} vs_meeting;

// What access number `nth` of the vCPU's program meets. `access` and `trap` are set where there are
// some.
vs_meeting vs_meeting_of(const vs_world* world, const vs_vcpu* vcpu, const vs_arch_info* arch,
                         uint8_t nth, const vs_access** access, const vs_trap** trap);
// The first that no bell is, if the vCPU is at its program's accesses.
vs_meeting vs_meeting_next(const vs_world* world, const vs_vcpu* vcpu, const vs_arch_info* arch);
// True of a vCPU in such a program, before its last access is behind it.
bool vs_vcpu_touches(const vs_vcpu* vcpu);
// True if the vCPU's guest has bells, and may ring some that nothing is known of, when it is
// stopped anywhere.
bool vs_vcpu_may_ring(const vs_world* world, const vs_vcpu* vcpu);

#endif  // VS_MODEL_PORTS_H_
