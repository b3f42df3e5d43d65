// SPDX-License-Identifier: BSD-3-Clause
// What is true of a call, by the types of its parameters; decide.c makes an answer of it.
#include "facts.h"

#include <string.h>

#include "place.h"
#include "ports.h"

// --- handles ------------------------------------------------------------------------------------

static void handle_facts(vs_handle_facts* facts, vs_world* world, const vs_op* op, uint8_t at) {
  const vs_param* param = &vs_ops[op->code].params[at];
  const vs_arg* arg = &op->args[at];
  zx_handle_t value = vs_world_value(world, arg);
  const vs_slot* slot = vs_world_resolve(world, value);
  bool resource = vs_arg_names_resource(arg);
  facts->given = resource || value != ZX_HANDLE_INVALID;
  facts->valid = resource || slot != NULL;
  if (resource) facts->right_type = facts->has_rights = param->object == ZX_OBJ_TYPE_RESOURCE;
  if (slot == NULL) return;
  zx_obj_type_t type = vs_object_types[world->objects[slot->object].code].type;
  zx_rights_t needed = vs_world_right(world, (zx_rights_t)param->value);
  facts->right_type = param->object == ZX_OBJ_TYPE_NONE || param->object == type;
  facts->has_rights = (slot->rights & needed) == needed;
  facts->rights_unknown = (slot->maybe & needed) != 0;
}

static vs_vcpu* vcpu_of(vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  return slot != NULL ? vs_world_vcpu(world, slot) : NULL;
}

static void vcpu_facts(vs_facts* facts, vs_world* world, const vs_op* op,
                       const vs_arch_info* arch) {
  const vs_vcpu* vcpu = vcpu_of(world, op);
  if (vcpu == NULL) return;
  facts->on_creator = vcpu->creator == op->thread;
  facts->running = vcpu->running;
  facts->kicked = vcpu->kicked;
  const bool may = facts->handle.has_rights && facts->on_creator;
  const bool enters = op->code == VS_CALL_vcpu_enter && may && !facts->kicked;
  facts->rings_nothing = enters && vs_meeting_next(world, vcpu, arch) == VS_MEETS_CLOSED;
}

// --- the calls around it ------------------------------------------------------------------------

static void out_facts(vs_facts* facts, const vs_op* op) {
  unsigned count = 0;
  for (uint8_t i = 0; i < VS_ARGS_MAX && count < 2; i++) {
    uint8_t type = vs_ops[op->code].params[i].type;
    bool out = vs_param_is_pointer(type) && type != VS_PARAM_IN && type != VS_PARAM_IN_PACKET;
    if (out) facts->out_lost[count++] = !vs_place_is_writable(op, i);
  }
}

static void read_facts(vs_facts* facts, const vs_op* op, const vs_arch_info* arch) {
  uint64_t size = VS_OP_ARG(op, vcpu_read_state, buffer_size).number;
  facts->kind_known = VS_OP_ARG(op, vcpu_read_state, kind).number == ZX_VCPU_STATE;
  facts->size_exact = facts->kind_known && size == arch->state_size;
  facts->size_unbounded = size > arch->state_size;
  vs_place place = vs_place_of(&VS_OP_ARG(op, vcpu_read_state, buffer));
  facts->pointer_misaligned = facts->kind_known && place.address % VS_STATE_ALIGN != 0;
}

// Where guest-physical memory ends differs between machines: it does not end below 64 GiB, nor
// above 4 PiB.
static vs_tristate is_outside_memory(uint64_t last) {
  static const uint64_t sure = UINT64_C(1) << 36;
  static const uint64_t most = UINT64_C(1) << 52;
  return last < sure ? VS_NO : last < most ? VS_UNKNOWN : VS_YES;
}

static bool begins_with(const vs_world* world, uint8_t guest, uint64_t kind, uint64_t first) {
  bool io = kind == ZX_GUEST_TRAP_IO;
  for (size_t i = 0; i < VS_TRAPS; i++) {
    const vs_trap* trap = &world->traps[i];
    bool its = trap->live && trap->guest == guest && (trap->kind == ZX_GUEST_TRAP_IO) == io;
    if (its && trap->first == first) return true;
  }
  return false;
}

static void trap_range(vs_facts* facts, const vs_world* world, const vs_op* op, bool has_apic) {
  enum { PORTS = 0x10000 };
  static const uint64_t apic = 0xfee00000;
  uint64_t first = VS_OP_ARG(op, guest_set_trap, addr).number;
  uint64_t size = VS_OP_ARG(op, guest_set_trap, size).number;
  // An empty range ends before it begins; one that goes beyond 2^64 meets all up to there.
  uint64_t end = first + size;
  uint64_t last = size > UINT64_MAX - first ? UINT64_MAX : end - (end > 0);
  facts->trap_empty = size == 0;
  facts->trap_unaligned = !facts->trap_io && (first | size) % VS_PLACE_PAGE != 0;
  facts->trap_apic = has_apic && !facts->trap_io && first == apic && size != VS_PLACE_PAGE;
  facts->trap_last_port = facts->trap_io && size > 0 && last == PORTS - 1;
  vs_tristate beyond_ports = last >= PORTS ? VS_YES : VS_NO;
  facts->trap_outside = (uint8_t)(facts->trap_io ? beyond_ports : is_outside_memory(last));
  if (size == 0) return;
  uint64_t kind = VS_OP_ARG(op, guest_set_trap, kind).number;
  const vs_slot* guest = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  const vs_trap* met = guest ? vs_world_trap(world, guest->object, kind, first, last) : NULL;
  // BELL and MEM share a space; that a trap of one keeps the other out, the page leaves open.
  if (met != NULL) facts->trap_meets = (uint8_t)(met->kind == kind ? VS_YES : VS_UNKNOWN);
  facts->trap_begins_with_one = met != NULL && begins_with(world, guest->object, kind, first);
}

static void trap_facts(vs_facts* facts, vs_world* world, const vs_op* op,
                       const vs_arch_info* arch) {
  uint64_t kind = VS_OP_ARG(op, guest_set_trap, kind).number;
  handle_facts(&facts->port, world, op, VS_ARG(guest_set_trap, port_handle));
  facts->trap_known = kind <= ZX_GUEST_TRAP_IO;
  facts->trap_bell = kind == ZX_GUEST_TRAP_BELL;
  facts->trap_io = kind == ZX_GUEST_TRAP_IO;
  facts->trap_io_without_ports = facts->trap_io && !arch->has_ports;
  facts->without_ports = !arch->has_ports;
  uint64_t first = VS_OP_ARG(op, guest_set_trap, addr).number;
  facts->trap_wraps = VS_OP_ARG(op, guest_set_trap, size).number > UINT64_MAX - first;
  if (facts->trap_known) trap_range(facts, world, op, arch->has_ports);
}

static void derive_facts(vs_facts* facts, const vs_world* world, const vs_op* op) {
  const vs_slot* from = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  zx_rights_t asked = (zx_rights_t)VS_OP_ARG(op, handle_duplicate, rights).number;
  if (from == NULL || asked == ZX_RIGHT_SAME_RIGHTS) return;
  bool beyond = (asked & ~(from->rights | from->maybe)) != 0;
  bool maybe = (asked & from->maybe) != 0;
  facts->rights_beyond = (uint8_t)(beyond ? VS_YES : maybe ? VS_UNKNOWN : VS_NO);
}

static void create_facts(vs_facts* facts, const vs_world* world, const vs_op* op) {
  const vs_arg* entry = &VS_OP_ARG(op, vcpu_create, entry);
  bool raw = entry->form == VS_ENTRY_RAW;
  facts->options_set = VS_OP_ARG(op, vcpu_create, options).number != 0;
  facts->entry_outside = (uint8_t)(raw ? is_outside_memory(entry->number) : VS_NO);
  facts->thread_busy = vs_world_is_busy(world, op->thread);
}

// Any other handle, and a packet that is not the user's, no case has.
static void port_facts(vs_facts* facts, const vs_world* world, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  const bool good = facts->handle.right_type && facts->handle.has_rights;
  uint32_t type;
  memcpy(&type, op->bytes + offsetof(zx_port_packet_t, type), sizeof type);
  facts->unspoken = !good || type != ZX_PKT_TYPE_USER;
  if (good) facts->port_empty = (uint8_t)vs_ports_is_empty(world, slot->object);
}

static void family_facts(vs_facts* facts, vs_world* world, const vs_op* op,
                         const vs_arch_info* arch) {
  out_facts(facts, op);
  switch (op->code) {
    case VS_CALL_guest_create:
      facts->other_resource = op->args[0].form == VS_HANDLE_OTHER_RESOURCE;
      facts->options_set = VS_OP_ARG(op, guest_create, options).number != 0;
      return;
    case VS_CALL_guest_set_trap:
      trap_facts(facts, world, op, arch);
      return;
    case VS_CALL_vcpu_create:
      create_facts(facts, world, op);
      return;
    case VS_CALL_vcpu_interrupt:
      facts->vector_beyond = VS_OP_ARG(op, vcpu_interrupt, vector).number >= VS_VECTORS;
      return;
    case VS_CALL_vcpu_read_state:
      read_facts(facts, op, arch);
      return;
    case VS_CALL_port_wait:
    case VS_CALL_port_queue:
      port_facts(facts, world, op);
      return;
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      derive_facts(facts, world, op);
      return;
    default:
      return;
  }
}

vs_facts vs_facts_of(vs_world* world, const vs_op* op, const vs_arch_info* arch) {
  vs_facts facts = {.call = op->code};
  handle_facts(&facts.handle, world, op, 0);
  vcpu_facts(&facts, world, op, arch);
  if (op->code == VS_CALL_vcpu_write_state) {
    vs_write_facts(&facts, op, arch);
  } else {
    family_facts(&facts, world, op, arch);
  }
  return facts;
}
