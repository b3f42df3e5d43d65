// SPDX-License-Identifier: BSD-3-Clause
#include "change.h"

#include <string.h>

#include "sweep/compose.h"
#include "sweep/scene.h"

static uint64_t common_size(vs_mutator* m) {
  return UINT64_C(1) << vs_mutator_pick(m, 13);
}

// A register's value: the edges of its bits, or anything.
static uint64_t value_of_interest(vs_mutator* m) {
  uint64_t any = vs_mutator_word(m);
  unsigned bit = (unsigned)vs_mutator_pick(m, 64);
  switch (vs_mutator_pick(m, 8)) {
    case 0:
      return 0;
    case 1:
      return UINT64_MAX;
    case 2:
      return UINT64_C(1) << bit;
    case 3:
      return ~(UINT64_C(1) << bit);
    case 4:
      return (UINT64_C(1) << bit) - 1;
    case 5:
      return any >> bit;
    default:
      return any;
  }
}

void vs_set_register(const vs_register* reg, uint64_t value, uint8_t* bytes) {
  memcpy(bytes + reg->offset, &value, reg->width / 8u);
}

// Mostly with the gate open, seldom with a flag that stops the guest.
uint64_t vs_flags_of_interest(vs_mutator* m) {
  const vs_arch_info* a = m->arch;
  uint64_t flags = vs_mutator_word(m) & (a->flags_required | a->flags_optional);
  if (a->has_ports && !vs_mutator_one_in(m, 8)) flags &= ~UINT64_C(0x100);
  if (vs_mutator_one_in(m, 4)) flags |= vs_mutator_word(m) & vs_mutator_word(m) & ~UINT64_C(0x100);
  return vs_mutator_one_in(m, 4) ? flags & ~a->flags_gate : flags | a->flags_gate;
}

bool vs_is_write(const vs_op* op) {
  return op->code == VS_CALL_vcpu_write_state;
}

static bool is_of_io(const vs_op* op) {
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
}

static void change_state(vs_mutator* m, uint8_t* bytes) {
  const vs_arch_info* a = m->arch;
  size_t which = (size_t)vs_mutator_pick(m, a->register_count);
  bool flags = which == a->flags || vs_mutator_one_in(m, 4);
  if (flags) {
    vs_set_register(&a->registers[a->flags], vs_flags_of_interest(m), bytes);
  } else {
    vs_set_register(&a->registers[which], value_of_interest(m), bytes);
  }
}

static void change_contents(vs_mutator* m, vs_op* op) {
  if (vs_is_write(op) && !is_of_io(op)) return change_state(m, op->bytes);
  size_t size = vs_is_write(op) ? sizeof(zx_vcpu_io_t) : sizeof(zx_port_packet_t);
  op->bytes[vs_mutator_pick(m, size)] = (uint8_t)value_of_interest(m);
  if (vs_is_write(op) && !vs_mutator_one_in(m, 4))
    op->bytes[0] = (uint8_t)(1u << vs_mutator_pick(m, 3));
}

// Boundaries half of the time; else any value of the class.
static uint16_t choose_value(vs_mutator* m, const vs_combination* c, vs_factor f) {
  if (vs_mutator_one_in(m, 2))
    return m->first[c->io][f][vs_mutator_pick(m, m->first_count[c->io][f])];
  return (uint16_t)vs_mutator_pick(m, m->space->counts[c->io][f]);
}

void vs_choose(vs_mutator* m, vs_combination* c, vs_factor from, vs_factor to, uint64_t rarity) {
  for (vs_factor f = from; f < to; f++) {
    bool valid = !vs_mutator_one_in(m, rarity);
    c->value[f] = valid ? 0 : choose_value(m, c, f);
  }
}

static uint8_t odd_access_size(vs_mutator* m) {
  if (vs_mutator_one_in(m, 2)) return (uint8_t)vs_mutator_pick(m, 256);
  return (uint8_t)((1u << vs_mutator_pick(m, 8)) - vs_mutator_pick(m, 2));
}

// All arguments of a write anew; about half of the calls are valid.
void vs_compose_write(vs_mutator* m, vs_op* op) {
  vs_combination c = {.io = (uint8_t)vs_mutator_one_in(m, 3)};
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  vs_choose(m, &c, VS_FACTOR_KIND, VS_FACTOR_CONTENT, 6);
  if (c.io && vs_mutator_one_in(m, 2)) {
    // 1 and 2 come after the valid one in the table, which is 4.
    c.value[VS_FACTOR_ACCESS] = (uint16_t)vs_mutator_pick(m, 4);
  }
  vs_choose(m, &c, VS_FACTOR_CONTENT, VS_FACTOR_COUNT, 2);
  vs_compose_call(m->space, &scene, &c, vs_mutator_word(m), op);
  if (c.io && vs_mutator_one_in(m, 4)) op->bytes[0] = odd_access_size(m);
  if (VS_OP_ARG(op, vcpu_write_state, kind).number > ZX_VCPU_IO && vs_mutator_one_in(m, 2))
    VS_OP_ARG(op, vcpu_write_state, buffer_size).number = common_size(m);
  op->rewrite = (vs_rewrite){0};
}

// One argument takes another of its classes; the others stay.
static void change_one(vs_mutator* m, vs_op* op) {
  vs_op other = *op;
  vs_combination c = {.io = is_of_io(op)};
  vs_factor f = VS_FACTOR_KIND + (vs_factor)vs_mutator_pick(m, VS_CALL_FACTORS);
  c.value[f] = choose_value(m, &c, f);
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  vs_compose_call(m->space, &scene, &c, vs_mutator_word(m), &other);
  switch (f) {
    case VS_FACTOR_KIND:
      VS_OP_ARG(op, vcpu_write_state, kind) = VS_OP_ARG(&other, vcpu_write_state, kind);
      return;
    case VS_FACTOR_SIZE:
      VS_OP_ARG(op, vcpu_write_state, buffer_size) =
          VS_OP_ARG(&other, vcpu_write_state, buffer_size);
      return;
    case VS_FACTOR_PLACE:
      VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_OP_ARG(&other, vcpu_write_state, buffer).at;
      VS_OP_ARG(op, vcpu_write_state, buffer).argument =
          VS_OP_ARG(&other, vcpu_write_state, buffer).argument;
      return;
    case VS_FACTOR_ACCESS:
      op->bytes[0] = other.bytes[0];
      return;
    default:
      memcpy(op->bytes, other.bytes, sizeof op->bytes);
  }
}

// --- arguments by their parameter's type --------------------------------------------------------

static void change_handle(vs_mutator* m, vs_arg* h) {
  h->number = 0;
  switch (vs_mutator_pick(m, 8)) {
    case 0:
      h->form = VS_HANDLE_CLEARED;
      h->number =
          vs_mutator_one_in(m, 2) ? 1 + vs_mutator_pick(m, 3) : (uint32_t)vs_mutator_word(m);
      return;
    case 1:
    case 2:
      h->form = VS_HANDLE_FLIPPED;
      h->number = UINT32_C(1) << vs_mutator_pick(m, 32);
      return;
    case 3:
      h->form = VS_HANDLE_RAW;
      h->number = vs_mutator_one_in(m, 2) ? vs_mutator_pick(m, 8) : (uint32_t)vs_mutator_word(m);
      return;
    default:
      h->form = VS_HANDLE_SLOT;
      h->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
  }
}

// Near what it is, far from it, and what sizes often are.
static void change_size(vs_mutator* m, vs_arg* size) {
  switch (vs_mutator_pick(m, 4)) {
    case 0:
    case 1:
      size->number ^= UINT64_C(1) << vs_mutator_pick(m, 64);
      return;
    case 2:
      size->number = common_size(m);
      return;
    default:
      size->number += vs_mutator_pick(m, 5) - 2;
  }
}

// A bit away, a page, a bit or a port of the guest's, or anything of interest.
static void change_number(vs_mutator* m, vs_arg* number) {
  static const uint64_t often[] = {
      1, 2, VS_FUZZ_PAGE, 2 * VS_FUZZ_PAGE, VS_PORT_DUMP, VS_MMIO_DUMP, INT64_MAX};
  switch (vs_mutator_pick(m, 3)) {
    case 0:
      number->number ^= UINT64_C(1) << vs_mutator_pick(m, vs_mutator_one_in(m, 2) ? 16 : 64);
      return;
    case 1:
      number->number = often[vs_mutator_pick(m, sizeof often / sizeof often[0])];
      return;
    default:
      number->number = value_of_interest(m);
  }
}

// The same, some of those that a new handle has, one, or any.
void vs_change_rights(vs_mutator* m, vs_arg* rights) {
  switch (vs_mutator_pick(m, 4)) {
    case 0:
      rights->number = ZX_RIGHT_SAME_RIGHTS;
      return;
    case 1:
      rights->number = UINT32_C(1) << vs_mutator_pick(m, 32);
      return;
    case 2:
      rights->number = vs_object_types[vs_mutator_pick(m, VS_OBJECT_COUNT)].rights;
      if (vs_mutator_one_in(m, 2))
        rights->number &= (uint32_t)vs_mutator_word(m) | ZX_RIGHT_DUPLICATE;
      return;
    default:
      rights->number = (uint32_t)vs_mutator_word(m);
      if (vs_mutator_one_in(m, 2)) rights->number |= ZX_RIGHT_WRITE;
  }
}

// One that there is, the first or the last of so many bits, or any.
void vs_change_vector(vs_mutator* m, vs_arg* vector) {
  enum { FEWEST = 4, MOST = 12 };
  switch (vs_mutator_pick(m, 8)) {
    case 0:
    case 1:
      vector->number = UINT64_C(1) << (FEWEST + vs_mutator_pick(m, MOST - FEWEST));
      vector->number -= vs_mutator_pick(m, 2);
      return;
    case 2:
      vector->number = UINT64_C(1) << vs_mutator_pick(m, 32);
      return;
    case 3:
      vector->number = vs_mutator_pick(m, UINT32_MAX);
      return;
    default:
      vector->number = vs_mutator_pick(m, 256);
  }
}

static void change_entry(vs_mutator* m, vs_arg* entry) {
  entry->form = vs_mutator_one_in(m, 4) ? VS_ENTRY_RAW : VS_ENTRY_PROGRAM;
  entry->slot = (uint8_t)vs_mutator_pick(m, VS_PROGRAM_CODE);
  if (entry->form == VS_ENTRY_RAW) change_number(m, entry);
}

uint16_t vs_any_offset(vs_mutator* m) {
  return (uint16_t)vs_mutator_pick(m, vs_mutator_one_in(m, 2) ? VS_FUZZ_PAGE : VS_STATE_MAX);
}

static void change_place(vs_mutator* m, vs_arg* pointer) {
  pointer->at = (uint8_t)vs_mutator_pick(m, VS_PLACEMENT_COUNT);
  pointer->argument = vs_any_offset(m);
}

static void change_pointer(vs_mutator* m, vs_op* op, uint8_t type, vs_arg* pointer) {
  bool in = type == VS_PARAM_IN || type == VS_PARAM_IN_PACKET;
  bool buffer = type == VS_PARAM_IN || type == VS_PARAM_OUT;
  switch (vs_mutator_pick(m, 2u + in + buffer)) {
    case 0:
      pointer->argument = vs_any_offset(m);
      return;
    case 1:
      return change_place(m, pointer);
    case 2:
      if (in) return change_contents(m, op);
      // fallthrough
    default:
      pointer->length = (uint16_t)vs_mutator_pick(m, 2 * VS_STATE_MAX);
  }
}

// A bit away, or a small one; of three, one has the size that goes with it.
static void change_kind(vs_mutator* m, vs_op* op, vs_arg* kind) {
  const uint8_t size = vs_param_find(op->code, VS_PARAM_SIZE, 0);
  kind->number ^= UINT32_C(1) << vs_mutator_pick(m, 32);
  if (vs_mutator_one_in(m, 3)) kind->number = vs_mutator_pick(m, 4);
  if (size == VS_ARGS_MAX || !vs_mutator_one_in(m, 3)) return;
  if (kind->number > ZX_VCPU_IO) {
    op->args[size].number = common_size(m);
    return;
  }
  const bool io = kind->number == ZX_VCPU_IO;
  op->args[size].number = io ? sizeof(zx_vcpu_io_t) : m->arch->state_size;
}

void vs_change_argument(vs_mutator* m, vs_op* op, uint8_t parameter) {
  const vs_param* param = &vs_ops[op->code].params[parameter];
  vs_arg* arg = &op->args[parameter];
  const uint64_t was = arg->number;
  switch (param->type) {
    case VS_PARAM_NONE:
      return;
    case VS_PARAM_HANDLE:
      return change_handle(m, arg);
    case VS_PARAM_RIGHTS:
      return vs_change_rights(m, arg);
    case VS_PARAM_VECTOR:
      return vs_change_vector(m, arg);
    case VS_PARAM_KIND:
      return change_kind(m, op, arg);
    case VS_PARAM_SIZE:
      return change_size(m, arg);
    case VS_PARAM_ENTRY:
      return change_entry(m, arg);
    case VS_PARAM_OUT_HANDLE:
      arg->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
      if (vs_mutator_one_in(m, 2)) change_place(m, arg);
      return;
    default:
      if (vs_param_is_pointer(param->type)) return change_pointer(m, op, param->type, arg);
      change_number(m, arg);
      if (param->type != VS_PARAM_U32 || vs_mutator_one_in(m, 4)) return;
      arg->number = vs_mutator_one_in(m, 2) ? vs_mutator_pick(m, 8)
                                            : was ^ UINT32_C(1) << vs_mutator_pick(m, 32);
  }
}

uint8_t vs_any_parameter(vs_mutator* m, uint8_t code, uint8_t from) {
  uint8_t end = vs_param_find(code, VS_PARAM_NONE, 0);
  return end > from ? (uint8_t)(from + vs_mutator_pick(m, (uint64_t)(end - from))) : 0;
}

// --- the call under test ------------------------------------------------------------------------

// What decides about the call, or a part of a register, changes during it.
void vs_change_rewrite(vs_mutator* m, vs_op* op) {
  const vs_register* flags = &m->arch->registers[m->arch->flags];
  bool io = is_of_io(op);
  vs_arg* buffer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  uint64_t value = io ? UINT64_C(1) << vs_mutator_pick(m, 3) : vs_flags_of_interest(m);
  vs_rewrite* r = &op->rewrite;
  if (vs_mutator_one_in(m, 3)) {
    *r = (vs_rewrite){0};
    return;
  }
  r->mode = vs_mutator_one_in(m, 4) ? VS_REWRITE_FLIP : VS_REWRITE_HELD;
  r->offset = io ? 0 : flags->offset;
  r->length = io ? 1 : (uint8_t)(flags->width / 8u);
  // Held, what follows must be missing: the last register is held by its first bytes.
  if (!io && r->mode == VS_REWRITE_HELD) r->length = (uint8_t)(1 + vs_mutator_pick(m, 2));
  if (!io && vs_mutator_one_in(m, 3)) {
    r->offset = (uint16_t)vs_mutator_pick(m, m->arch->state_size);
    value = vs_mutator_word(m);
  }
  buffer->at = VS_AT_PLAIN;
  buffer->length = io ? sizeof(zx_vcpu_io_t) : m->arch->state_size;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = buffer->length;
  memset(r->bytes, 0, sizeof r->bytes);
  memcpy(r->bytes, &value, r->length);
}

void vs_change_write(vs_mutator* m, vs_op* op) {
  switch (vs_mutator_pick(m, 8)) {
    case 0:
      vs_compose_write(m, op);
      return;
    case 1:
    case 2:
      change_one(m, op);
      return;
    case 3:
      vs_change_argument(m, op, vs_any_parameter(m, op->code, 1));
      return;
    case 4:
      change_handle(m, &op->args[0]);
      return;
    case 5:
      op->thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
      return;
    default:
      change_contents(m, op);
  }
}
