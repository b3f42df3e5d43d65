// SPDX-License-Identifier: BSD-3-Clause
// zx_port_wait: the packet that it hands out, and whose sentence is broken if that is another.
#include <string.h>

#include "ports.h"
#include "step.h"

// Of a bell each field has a clause of its own; of a packet of zx_port_queue all are the caller's.
static vs_clause_code clause_of(vs_packet_field field, bool bell) {
  if (!bell) return VS_CLAUSE_PORT;
  return field == VS_PACKET_KEY ? VS_CLAUSE_TRAP_KEY : VS_CLAUSE_BELL_PACKET;
}

static bool is_field(vs_step_context* c, const zx_port_packet_t* expected, vs_packet_field field) {
  const vs_packet_field_info* info = &vs_packet_fields[field];
  uint64_t value = 0;
  uint64_t right = 0;
  memcpy(&value, (const uint8_t*)&c->seen->packet + info->offset, info->size);
  memcpy(&right, (const uint8_t*)expected + info->offset, info->size);
  if (value == right) return true;
  const bool bell = expected->type == ZX_PKT_TYPE_GUEST_BELL;
  (void)vs_step_violation(c, VS_VIOLATION_PACKET, clause_of(field, bell));
  c->why.field = (uint8_t)field;
  c->why.expected = right;
  c->why.known = UINT64_MAX;
  c->why.value = value;
  return false;
}

static bool is_packet(vs_step_context* c, const zx_port_packet_t* p) {
  static const uint8_t user[] = {VS_PACKET_TYPE,  VS_PACKET_KEY,    VS_PACKET_STATUS,
                                 VS_PACKET_USER,  VS_PACKET_USER_1, VS_PACKET_USER_2,
                                 VS_PACKET_USER_3};
  static const uint8_t bell[] = {VS_PACKET_TYPE,           VS_PACKET_KEY,
                                 VS_PACKET_STATUS,         VS_PACKET_BELL_ADDR,
                                 VS_PACKET_BELL_RESERVED,  VS_PACKET_BELL_RESERVED_1,
                                 VS_PACKET_BELL_RESERVED_2};
  const uint8_t* fields = p->type == ZX_PKT_TYPE_GUEST_BELL ? bell : user;
  bool is = true;
  for (size_t i = 0; i < sizeof user && is; i++) is = is_field(c, p, fields[i]);
  return is;
}

// One of a guest that is gone, which is not the one that was handed out, is not there.
vs_step vs_step_waited(vs_step_context* c) {
  const uint8_t port = vs_step_slot(c)->object;
  if (!c->seen->has_packet) {
    c->why.field = VS_PACKET_FIELD_COUNT;
    return vs_step_violation(c, VS_VIOLATION_PACKET, VS_CLAUSE_PORT);
  }
  uint8_t first = vs_ports_first(c->world, port);
  while (!is_packet(c, &c->world->packets[first].packet)) {
    if (!c->world->packets[first].orphan) return VS_STEP_VIOLATION;
    vs_ports_take(c->world, first);
    first = vs_ports_first(c->world, port);
    if (first == VS_PACKETS) return VS_STEP_VIOLATION;
  }
  const vs_queued* packet = &c->world->packets[first];
  const bool bell = packet->packet.type == ZX_PKT_TYPE_GUEST_BELL;
  if (packet->orphan) c->world->used |= (vs_latitude_set)VS_BIT(VS_LATITUDE_BELLS_STAY);
  vs_ports_take(c->world, first);
  c->attests |= VS_MEMBER(VS_CLAUSE_PORT);
  if (bell)
    c->attests |= VS_MEMBER(VS_CLAUSE_TRAP_BELL) | VS_MEMBER(VS_CLAUSE_BELL_PACKET) |
                  VS_MEMBER(VS_CLAUSE_TRAP_KEY);
  return VS_STEP_ALLOWED;
}

// A bell that is missing, or one too many.
vs_clause_code vs_step_blame_wait(const vs_step_context* c) {
  const vs_slot* slot = vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
  const uint8_t first = vs_ports_first(c->world, slot->object);
  const vs_queued* packet = &c->world->packets[first % VS_PACKETS];
  const uint32_t type = first < VS_PACKETS ? packet->packet.type : c->seen->packet.type;
  return type == ZX_PKT_TYPE_GUEST_BELL ? VS_CLAUSE_TRAP_BELL : VS_CLAUSE_PORT;
}
