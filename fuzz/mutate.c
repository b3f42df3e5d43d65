// SPDX-License-Identifier: BSD-3-Clause
#include "mutate.h"

#include <string.h>

#include "sense.h"
#include "sweep/compose.h"
#include "sweep/scene.h"

enum { ROOM = VS_FUZZ_OPS, CALLS_MOST = 6, MUTATIONS_MOST = 4, LONG = 20, PAGE = 4096 };
enum { ODD_ONE_IN = 32, ODD_MOST = 4 };  // scripts with calls that are not judged; such calls

static void note_first(vs_mutator* m, unsigned io, vs_factor f) {
  for (uint16_t v = 0; v < m->space->counts[io][f]; v++) {
    bool first = m->space->values[io][f][v].rank >= VS_RANK_OF_PRODUCT;
    uint16_t* count = &m->first_count[io][f];
    if (first && *count < VS_MUTATOR_FIRST) m->first[io][f][(*count)++] = v;
  }
}

bool vs_mutator_open(vs_mutator* m, vs_arch arch) {
  *m = (vs_mutator){.arch = vs_arch_find(arch), .random = 1};
  m->space = vs_space_new(arch, 1, vs_scene_is_possible);
  for (unsigned io = 0; io < 2 && m->space != NULL; io++) {
    for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) note_first(m, io, f);
  }
  return m->space != NULL;
}

void vs_mutator_close(vs_mutator* m) {
  vs_space_free(m->space);
  m->space = NULL;
}

// --- chance -----------------------------------------------------------------------------------

void vs_mutator_seed(vs_mutator* m, uint64_t seed) {
  m->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

// xorshift64*.
static uint64_t word(vs_mutator* m) {
  m->random ^= m->random >> 12;
  m->random ^= m->random << 25;
  m->random ^= m->random >> 27;
  return m->random * UINT64_C(2685821657736338717);
}

uint64_t vs_mutator_pick(vs_mutator* m, uint64_t below) {
  return (word(m) >> 11) % below;
}

static bool one_in(vs_mutator* m, uint64_t n) {
  return vs_mutator_pick(m, n) == 0;
}

// --- arguments --------------------------------------------------------------------------------

// A register's value: the edges of its bits, or anything.
static uint64_t value_of_interest(vs_mutator* m) {
  uint64_t any = word(m);
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

static void put_register(const vs_register* reg, uint64_t value, uint8_t* bytes) {
  memcpy(bytes + reg->offset, &value, reg->width / 8u);
}

// Mostly with the gate open, seldom with a flag that stops the guest.
static uint64_t flags_of_interest(vs_mutator* m) {
  const vs_arch_info* a = m->arch;
  uint64_t flags = word(m) & (a->flags_required | a->flags_optional);
  if (a->has_ports && !one_in(m, 8)) flags &= ~UINT64_C(0x100);
  if (one_in(m, 4)) flags |= word(m) & word(m) & ~UINT64_C(0x100);
  return one_in(m, 4) ? flags & ~a->flags_gate : flags | a->flags_gate;
}

static bool is_write(const vs_op* op) {
  return op->code == VS_CALL_vcpu_write_state;
}

static bool is_of_io(const vs_op* op) {
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
}

static void change_state(vs_mutator* m, uint8_t* bytes) {
  const vs_arch_info* a = m->arch;
  size_t which = (size_t)vs_mutator_pick(m, a->register_count);
  bool flags = which == a->flags || one_in(m, 4);
  if (flags) {
    put_register(&a->registers[a->flags], flags_of_interest(m), bytes);
  } else {
    put_register(&a->registers[which], value_of_interest(m), bytes);
  }
}

static void change_contents(vs_mutator* m, vs_op* op) {
  if (is_write(op) && !is_of_io(op)) return change_state(m, op->bytes);
  size_t size = is_write(op) ? sizeof(zx_vcpu_io_t) : sizeof(zx_port_packet_t);
  op->bytes[vs_mutator_pick(m, size)] = (uint8_t)value_of_interest(m);
  if (is_write(op) && !one_in(m, 4)) op->bytes[0] = (uint8_t)(1u << vs_mutator_pick(m, 3));
}

// Boundaries half of the time; else any value of the class.
static uint16_t choose_value(vs_mutator* m, const vs_combination* c, vs_factor f) {
  if (one_in(m, 2)) return m->first[c->io][f][vs_mutator_pick(m, m->first_count[c->io][f])];
  return (uint16_t)vs_mutator_pick(m, m->space->counts[c->io][f]);
}

static void choose(vs_mutator* m, vs_combination* c, vs_factor from, vs_factor to,
                   uint64_t rarity) {
  for (vs_factor f = from; f < to; f++) {
    bool valid = !one_in(m, rarity);
    c->value[f] = valid ? 0 : choose_value(m, c, f);
  }
}

// All arguments of a write anew; about half of the calls are valid.
static void compose(vs_mutator* m, vs_op* op) {
  vs_combination c = {.io = (uint8_t)one_in(m, 3)};
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  choose(m, &c, VS_FACTOR_KIND, VS_FACTOR_CONTENT, 6);
  if (c.io && one_in(m, 2)) {
    // 1 and 2 come after the valid one in the table, which is 4.
    c.value[VS_FACTOR_ACCESS] = (uint16_t)vs_mutator_pick(m, 4);
  }
  choose(m, &c, VS_FACTOR_CONTENT, VS_FACTOR_COUNT, 2);
  vs_compose_call(m->space, &scene, &c, word(m), op);
  op->rewrite = (vs_rewrite){0};
}

// One argument takes another of its classes; the others stay.
static void change_one(vs_mutator* m, vs_op* op) {
  vs_op other = *op;
  vs_combination c = {.io = is_of_io(op)};
  vs_factor f = VS_FACTOR_KIND + (vs_factor)vs_mutator_pick(m, VS_CALL_FACTORS);
  c.value[f] = choose_value(m, &c, f);
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  vs_compose_call(m->space, &scene, &c, word(m), &other);
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
      h->number = one_in(m, 2) ? 1 + vs_mutator_pick(m, 3) : (uint32_t)word(m);
      return;
    case 1:
      h->form = VS_HANDLE_FLIPPED;
      h->number = UINT32_C(1) << vs_mutator_pick(m, 32);
      return;
    case 2:
      h->form = VS_HANDLE_RAW;
      h->number = one_in(m, 2) ? vs_mutator_pick(m, 8) : (uint32_t)word(m);
      return;
    default:
      h->form = VS_HANDLE_SLOT;
      h->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
  }
}

// Near what it is, and far from it.
static void change_size(vs_mutator* m, vs_arg* size) {
  if (one_in(m, 2)) {
    size->number += vs_mutator_pick(m, 5) - 2;
  } else {
    size->number ^= UINT64_C(1) << vs_mutator_pick(m, 64);
  }
}

// A bit away, a page, a bit or a port of the guest's, or anything of interest.
static void change_number(vs_mutator* m, vs_arg* number) {
  static const uint64_t often[] = {1, 2, PAGE, 2 * PAGE, VS_PORT_DUMP, VS_MMIO_DUMP, INT64_MAX};
  switch (vs_mutator_pick(m, 3)) {
    case 0:
      number->number ^= UINT64_C(1) << vs_mutator_pick(m, one_in(m, 2) ? 16 : 64);
      return;
    case 1:
      number->number = often[vs_mutator_pick(m, sizeof often / sizeof often[0])];
      return;
    default:
      number->number = value_of_interest(m);
  }
}

// The same, some of those that a new handle has, one, or any.
static void change_rights(vs_mutator* m, vs_arg* rights) {
  switch (vs_mutator_pick(m, 4)) {
    case 0:
      rights->number = ZX_RIGHT_SAME_RIGHTS;
      return;
    case 1:
      rights->number = UINT32_C(1) << vs_mutator_pick(m, 32);
      return;
    case 2:
      rights->number = vs_object_types[vs_mutator_pick(m, VS_OBJECT_COUNT)].rights;
      if (one_in(m, 2)) rights->number &= (uint32_t)word(m) | ZX_RIGHT_DUPLICATE;
      return;
    default:
      rights->number = (uint32_t)word(m);
      if (one_in(m, 2)) rights->number |= ZX_RIGHT_WRITE;
  }
}

static void change_entry(vs_mutator* m, vs_arg* entry) {
  entry->form = one_in(m, 4) ? VS_ENTRY_RAW : VS_ENTRY_PROGRAM;
  entry->slot = (uint8_t)vs_mutator_pick(m, VS_PROGRAM_CODE);
  if (entry->form == VS_ENTRY_RAW) change_number(m, entry);
}

static uint16_t any_offset(vs_mutator* m) {
  return (uint16_t)vs_mutator_pick(m, one_in(m, 2) ? PAGE : VS_STATE_MAX);
}

static void change_place(vs_mutator* m, vs_arg* pointer) {
  pointer->at = (uint8_t)vs_mutator_pick(m, VS_PLACEMENT_COUNT);
  pointer->argument = any_offset(m);
}

static void change_pointer(vs_mutator* m, vs_op* op, uint8_t type, vs_arg* pointer) {
  bool in = type == VS_PARAM_IN || type == VS_PARAM_IN_PACKET;
  bool buffer = type == VS_PARAM_IN || type == VS_PARAM_OUT;
  switch (vs_mutator_pick(m, 2u + in + buffer)) {
    case 0:
      pointer->argument = any_offset(m);
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

// A bit away, or a small one, half of the time with the size that it has where it is one.
static void change_kind(vs_mutator* m, vs_op* op, vs_arg* kind) {
  const uint8_t size = vs_param_find(op->code, VS_PARAM_SIZE, 0);
  kind->number ^= UINT32_C(1) << vs_mutator_pick(m, 32);
  if (one_in(m, 2)) kind->number = vs_mutator_pick(m, 4);
  if (size == VS_ARGS_MAX || kind->number > ZX_VCPU_IO || one_in(m, 2)) return;
  const bool io = kind->number == ZX_VCPU_IO;
  op->args[size].number = io ? sizeof(zx_vcpu_io_t) : m->arch->state_size;
}

static void change_argument(vs_mutator* m, vs_op* op, uint8_t parameter) {
  const vs_param* param = &vs_ops[op->code].params[parameter];
  vs_arg* arg = &op->args[parameter];
  const uint64_t was = arg->number;
  switch (param->type) {
    case VS_PARAM_NONE:
      return;
    case VS_PARAM_HANDLE:
      return change_handle(m, arg);
    case VS_PARAM_RIGHTS:
      return change_rights(m, arg);
    case VS_PARAM_VECTOR:
      arg->number = vs_mutator_pick(m, one_in(m, 8) ? UINT32_MAX : 256);
      return;
    case VS_PARAM_KIND:
      return change_kind(m, op, arg);
    case VS_PARAM_SIZE:
      return change_size(m, arg);
    case VS_PARAM_ENTRY:
      return change_entry(m, arg);
    case VS_PARAM_OUT_HANDLE:
      arg->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
      if (one_in(m, 2)) change_place(m, arg);
      return;
    default:
      if (vs_param_is_pointer(param->type)) return change_pointer(m, op, param->type, arg);
      change_number(m, arg);
      if (param->type != VS_PARAM_U32 || one_in(m, 4)) return;
      arg->number =
          one_in(m, 2) ? vs_mutator_pick(m, 8) : was ^ UINT32_C(1) << vs_mutator_pick(m, 32);
  }
}

static uint8_t any_parameter(vs_mutator* m, uint8_t code, uint8_t from) {
  uint8_t end = vs_param_find(code, VS_PARAM_NONE, 0);
  return end > from ? (uint8_t)(from + vs_mutator_pick(m, (uint64_t)(end - from))) : 0;
}

// --- the call under test ------------------------------------------------------------------------

// What decides about the call, or a part of a register, changes during it.
static void change_rewrite(vs_mutator* m, vs_op* op) {
  const vs_register* flags = &m->arch->registers[m->arch->flags];
  bool io = is_of_io(op);
  vs_arg* buffer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  uint64_t value = io ? UINT64_C(1) << vs_mutator_pick(m, 3) : flags_of_interest(m);
  vs_rewrite* r = &op->rewrite;
  if (one_in(m, 3)) {
    *r = (vs_rewrite){0};
    return;
  }
  r->mode = one_in(m, 4) ? VS_REWRITE_FLIP : VS_REWRITE_HELD;
  r->offset = io ? 0 : flags->offset;
  r->length = io ? 1 : (uint8_t)(flags->width / 8u);
  // Held, what follows must be missing: the last register is held by its first bytes.
  if (!io && r->mode == VS_REWRITE_HELD) r->length = (uint8_t)(1 + vs_mutator_pick(m, 2));
  if (!io && one_in(m, 3)) {
    r->offset = (uint16_t)vs_mutator_pick(m, m->arch->state_size);
    value = word(m);
  }
  buffer->at = VS_AT_PLAIN;
  buffer->length = io ? sizeof(zx_vcpu_io_t) : m->arch->state_size;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = buffer->length;
  memset(r->bytes, 0, sizeof r->bytes);
  memcpy(r->bytes, &value, r->length);
}

static void change_write(vs_mutator* m, vs_op* op) {
  switch (vs_mutator_pick(m, 8)) {
    case 0:
      compose(m, op);
      return;
    case 1:
    case 2:
      change_one(m, op);
      return;
    case 3:
      change_argument(m, op, any_parameter(m, op->code, 1));
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

void vs_mutate_call(vs_mutator* m, vs_op* op) {
  uint64_t times = 1 + vs_mutator_pick(m, MUTATIONS_MOST);
  if (!is_write(op)) *op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  if (one_in(m, 3)) {
    op->thread = one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
    compose(m, op);
    times--;
  }
  for (; times > 0; times--) change_write(m, op);
}

static void tell(vs_mutator* m, vs_op* op) {
  op->args[0] = vs_arg_slot((uint8_t)vs_mutator_pick(m, VS_SLOTS));
  VS_OP_ARG(op, vcpu_write_state, kind).number = vs_mutator_pick(m, 4);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = vs_mutator_pick(m, 2 * VS_STATE_MAX);
}

void vs_mutate_naive(vs_mutator* m, vs_op* op, bool told) {
  *op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  op->thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
  op->args[0] = (vs_arg){.form = VS_HANDLE_RAW, .number = (uint32_t)word(m)};
  VS_OP_ARG(op, vcpu_write_state, kind).number = (uint32_t)word(m);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = word(m);
  VS_OP_ARG(op, vcpu_write_state, buffer) =
      (vs_arg){.at = (uint8_t)vs_mutator_pick(m, VS_PLACEMENT_COUNT),
               .argument = (uint16_t)word(m),
               .length = VS_STATE_MAX};
  for (size_t i = 0; i < VS_STATE_MAX; i++) op->bytes[i] = (uint8_t)(word(m) >> 32);
  if (told) tell(m, op);
}

// --- scenes -----------------------------------------------------------------------------------

static vs_op new_write(const vs_mutator* m, uint8_t thread, vs_arg handle) {
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, m->arch);
  op.thread = thread;
  op.args[0] = handle;
  return op;
}

static void add(vs_fuzz_script* script, vs_op op) {
  if (script->count < ROOM) script->ops[script->count++] = op;
}

static void add_looks(const vs_mutator* m, vs_fuzz_script* script, const vs_scene* scene) {
  if (scene->looks) add(script, vs_scene_look(m->arch));
  if (scene->company) add(script, vs_scene_look_company(m->arch));
}

// A call other than a write on what the scene's writes are on.
static vs_op call_in(vs_mutator* m, const vs_scene* scene) {
  static const uint8_t calls[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_read_state,
                                  VS_CALL_vcpu_enter,      VS_CALL_vcpu_enter,
                                  VS_CALL_vcpu_kick,       VS_CALL_vcpu_interrupt,
                                  VS_CALL_handle_close,    VS_CALL_handle_replace};
  vs_op op = vs_op_new(calls[vs_mutator_pick(m, sizeof calls)], m->arch);
  const uint8_t out = vs_param_find(op.code, VS_PARAM_OUT_HANDLE, 0);
  op.thread = scene->thread;
  op.args[0] = scene->handle;
  if (out < VS_ARGS_MAX) op.args[out].slot = VS_SCENE_OUT;
  if (one_in(m, 4)) change_argument(m, &op, any_parameter(m, op.code, 0));
  return op;
}

// The thread's ops are those of the thread that stays as it is told, and the other way round.
static void tell_thread(vs_fuzz_script* script, uint8_t thread) {
  for (size_t i = 0; i < script->count && thread != 0; i++) {
    uint8_t* t = &script->ops[i].thread;
    if (*t == thread || *t == VS_SENSE_AS_TOLD) *t ^= thread ^ VS_SENSE_AS_TOLD;
  }
}

// A scene of the sweep, some calls, and looks: a script that is one from the start.
static void make_scene(vs_mutator* m, vs_fuzz_script* script) {
  const bool writes = !one_in(m, 3);
  vs_scene scene;
  vs_combination c = {0};
  do {
    choose(m, &c, VS_FACTOR_HANDLE, VS_FACTOR_KIND, 3);
  } while (!vs_scene_is_possible(m->space, &c));
  vs_scene_make(m->space, &c, one_in(m, 2), &scene);
  script->count = 0;
  for (size_t i = 0; i < scene.count; i++) add(script, scene.ops[i]);
  uint64_t calls = 1 + vs_mutator_pick(m, CALLS_MOST);
  for (uint64_t i = 0; i < calls; i++) {
    vs_op call = writes ? new_write(m, scene.thread, scene.handle) : call_in(m, &scene);
    if (writes) compose(m, &call);
    if (writes && one_in(m, 6)) change_rewrite(m, &call);
    add(script, call);
    if (!one_in(m, 4)) add_looks(m, script, &scene);
  }
  for (size_t i = 0; i < scene.end_count; i++) add(script, scene.end[i]);
  if (!writes) tell_thread(script, scene.thread);
}

// --- operations -------------------------------------------------------------------------------

// After what is made first, as a rule.
static size_t place_in(vs_mutator* m, const vs_fuzz_script* script) {
  size_t first = 0;
  while (first < script->count && vs_op_makes_object(script->ops[first].code)) first++;
  if (one_in(m, 8)) first = 0;
  return first + (size_t)vs_mutator_pick(m, script->count - first + 1);
}

static void insert(vs_fuzz_script* script, size_t at, const vs_op* ops, size_t count) {
  if (count > ROOM - script->count) count = ROOM - script->count;
  memmove(script->ops + at + count, script->ops + at, (script->count - at) * sizeof *ops);
  memcpy(script->ops + at, ops, count * sizeof *ops);
  script->count += count;
}

static void erase(vs_fuzz_script* script, size_t at, size_t count) {
  size_t rest = script->count - at - count;
  memmove(script->ops + at, script->ops + at + count, rest * sizeof script->ops[0]);
  script->count -= count;
}

static bool makes(const vs_op* op, unsigned which, zx_obj_type_t type) {
  const vs_arg* out = vs_op_out(op, which);
  return out != NULL && vs_ops[op->code].params[out - op->args].object == type;
}

// A slot that some object of the type was put into; VS_SLOTS: there is none.
static uint8_t slot_of(vs_mutator* m, const vs_fuzz_script* script, zx_obj_type_t type) {
  size_t start = script->count > 0 ? (size_t)vs_mutator_pick(m, script->count) : 0;
  for (size_t i = 0; i < script->count; i++) {
    const vs_op* op = &script->ops[(start + i) % script->count];
    for (unsigned k = 0; k < 2; k++) {
      if (makes(op, k, type)) return vs_op_out(op, k)->slot;
    }
  }
  return VS_SLOTS;
}

// A slot that some vCPU, or a copy of its handle, was put into, as a rule.
static uint8_t slot_in(vs_mutator* m, const vs_fuzz_script* script) {
  size_t start = script->count > 0 ? (size_t)vs_mutator_pick(m, script->count) : 0;
  for (size_t i = 0; i < script->count && !one_in(m, 16); i++) {
    const vs_op* op = &script->ops[(start + i) % script->count];
    if (makes(op, 0, ZX_OBJ_TYPE_VCPU) || makes(op, 0, ZX_OBJ_TYPE_NONE))
      return vs_op_out(op, 0)->slot;
  }
  return (uint8_t)vs_mutator_pick(m, VS_SLOTS);
}

// Where what is given back can be written, as a rule where it always is.
static void place_out(vs_mutator* m, uint8_t type, vs_arg* pointer) {
  static const uint8_t places[] = {VS_AT_PLAIN, VS_AT_MISALIGNED, VS_AT_CROSSING, VS_AT_EDGE,
                                   VS_AT_LOW};
  bool out = vs_param_is_pointer(type) && type != VS_PARAM_IN && type != VS_PARAM_IN_PACKET;
  if (!out || !one_in(m, 8)) return;
  pointer->at = places[vs_mutator_pick(m, sizeof places)];
  pointer->argument = any_offset(m);
}

static void draw_argument(vs_mutator* m, const vs_fuzz_script* script, const vs_param* param,
                          vs_arg* arg) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      if (param->object != ZX_OBJ_TYPE_RESOURCE) *arg = vs_arg_slot(slot_in(m, script));
      return;
    case VS_PARAM_RIGHTS:
      return change_rights(m, arg);
    case VS_PARAM_VECTOR:
      arg->number = vs_mutator_pick(m, one_in(m, 8) ? UINT32_MAX : 256);
      return;
    case VS_PARAM_ENTRY:
      *arg = (vs_arg){.slot = (uint8_t)vs_mutator_pick(m, VS_PROGRAM_CODE)};
      if (one_in(m, 8))
        *arg = (vs_arg){.form = VS_ENTRY_RAW, .number = word(m) >> vs_mutator_pick(m, 64)};
      return;
    case VS_PARAM_OUT_HANDLE:
      arg->slot = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
      return place_out(m, param->type, arg);
    default:
      place_out(m, param->type, arg);
  }
}

static uint8_t any_code(vs_mutator* m) {
  // What is under test, what looks at it and what disturbs it come up more often than the rest.
  static const uint8_t often[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_enter,
                                  VS_CALL_vcpu_kick,       VS_CALL_handle_duplicate,
                                  VS_CALL_vcpu_interrupt,  VS_CALL_handle_close};
  uint8_t code;
  do {
    code = (uint8_t)vs_mutator_pick(m, VS_OP_COUNT);
  } while (vs_ops[code].phase == VS_PHASE_RECORDED);
  return one_in(m, 3) ? code : often[vs_mutator_pick(m, sizeof often)];
}

// Any op whose answer is judged.
static vs_op any_op(vs_mutator* m, const vs_fuzz_script* script) {
  vs_op op = vs_op_new(any_code(m), m->arch);
  op.thread = one_in(m, 3) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    draw_argument(m, script, &vs_ops[op.code].params[i], &op.args[i]);
  }
  op.async = op.thread != 0 && one_in(m, 3);
  return op;
}

static vs_op look_at(vs_mutator* m, uint8_t slot) {
  vs_op op = vs_op_new(one_in(m, 2) ? VS_CALL_vcpu_read_state : VS_CALL_vcpu_enter, m->arch);
  op.optional = true;
  op.args[0] = vs_arg_slot(slot);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    place_out(m, vs_ops[op.code].params[i].type, &op.args[i]);
  }
  return op;
}

// A write, and a look at what it has done.
static void insert_write(vs_mutator* m, vs_fuzz_script* script) {
  uint8_t slot = slot_in(m, script);
  uint8_t thread = one_in(m, 3) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  vs_op ops[2] = {new_write(m, thread, vs_arg_slot(slot))};
  compose(m, &ops[0]);
  if (one_in(m, 8)) change_rewrite(m, &ops[0]);
  ops[0].async = ops[0].thread != 0 && one_in(m, 4);
  ops[1] = look_at(m, slot);
  insert(script, place_in(m, script), ops, one_in(m, 4) ? 1 : 2);
}

// A write that another thread's call meets, and what has become of both.
static void insert_meeting(vs_mutator* m, vs_fuzz_script* script) {
  static const uint8_t calls[] = {VS_CALL_vcpu_kick,        VS_CALL_vcpu_kick,
                                  VS_CALL_handle_close,     VS_CALL_handle_close,
                                  VS_CALL_vcpu_write_state, VS_CALL_handle_replace};
  uint8_t slot = slot_in(m, script);
  vs_op ops[5] = {vs_op_new(calls[vs_mutator_pick(m, sizeof calls)], m->arch),
                  new_write(m, 0, vs_arg_slot(slot)), vs_op_new(VS_OP_join, m->arch)};
  ops[0].args[0] = vs_arg_slot(one_in(m, 2) ? slot : slot_in(m, script));
  ops[0].thread = (uint8_t)(1 + vs_mutator_pick(m, VS_THREADS - 1));
  ops[0].async = true;
  if (is_write(&ops[0])) compose(m, &ops[0]);
  if (one_in(m, 4)) {
    compose(m, &ops[1]);
  } else {
    vs_compose_ordinary(m->space, word(m), &ops[1]);
  }
  ops[2].thread = ops[0].thread;
  ops[3] = look_at(m, slot);
  ops[4] = look_at(m, slot);
  insert(script, place_in(m, script), ops, 5);
}

static void put_flags(vs_mutator* m, vs_op* op, uint64_t flags) {
  put_register(&m->arch->registers[m->arch->flags], flags, op->bytes);
}

// A choice is made known, and then the buffer changes from one side of it to the other.
static void insert_snapshot(vs_mutator* m, vs_fuzz_script* script) {
  const vs_arch_info* a = m->arch;
  bool io = one_in(m, 2) && a->has_ports;
  uint8_t slot = slot_in(m, script);
  vs_op ops[5];
  const vs_scene scene = {.handle = vs_arg_slot(slot)};
  const vs_combination valid = {.io = io};
  for (size_t i = 0; i < 3; i++) {
    ops[i] = new_write(m, 0, scene.handle);
    vs_compose_call(m->space, &scene, &valid, word(m), &ops[i]);
  }
  uint8_t other = (uint8_t)vs_mutator_pick(m, one_in(m, 2) ? 5 : 256);
  if (io) {
    ops[1].bytes[0] = other;
    ops[2].bytes[0] = (uint8_t)(1u << vs_mutator_pick(m, 3));
  } else {
    uint64_t flags = flags_of_interest(m) & ~UINT64_C(0x100);
    put_flags(m, &ops[0], (a->flags_required & ~UINT64_C(0x100)) | a->flags_gate);
    put_flags(m, &ops[1], flags & ~a->flags_gate);
    put_flags(m, &ops[2], one_in(m, 2) ? a->flags_gate : flags | a->flags_gate);
    other &= (uint8_t)~a->flags_gate;
  }
  ops[2].rewrite = (vs_rewrite){.mode = VS_REWRITE_HELD, .length = 1, .bytes = {other}};
  if (!io) ops[2].rewrite.offset = a->registers[a->flags].offset;
  ops[3] = ops[2];
  ops[2] = look_at(m, slot);
  ops[4] = look_at(m, slot);
  insert(script, place_in(m, script), ops, 5);
}

static void insert_any(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = any_op(m, script);
  insert(script, place_in(m, script), &op, 1);
}

// --- ranges: where a call takes two numbers of 64 bits, they are a start and a size
// ------------------

typedef struct range {
  uint64_t* start;  // NULL: the call takes none
  uint64_t* size;
} range;

static range range_of(vs_op* op) {
  const uint8_t first = vs_param_find(op->code, VS_PARAM_U64, 0);
  const bool some = first < VS_ARGS_MAX;
  const uint8_t second = some ? vs_param_find(op->code, VS_PARAM_U64, first + 1) : first;
  if (second >= VS_ARGS_MAX) return (range){0};
  return (range){&op->args[first].number, &op->args[second].number};
}

// One that a kernel may take: of a kind that there is, in whole pages but for ports, and with a
// port only where one has to be.
static void draw_range(vs_mutator* m, const vs_fuzz_script* script, vs_op* op) {
  const range r = range_of(op);
  const uint8_t kind = vs_param_find(op->code, VS_PARAM_U32, 0);
  const uint8_t other = vs_param_find(op->code, VS_PARAM_HANDLE, 1);
  if (r.start == NULL || kind == VS_ARGS_MAX || other == VS_ARGS_MAX) return;
  op->args[kind].number = vs_mutator_pick(m, 3);
  const bool io = op->args[kind].number == ZX_GUEST_TRAP_IO;
  const bool bell = op->args[kind].number == ZX_GUEST_TRAP_BELL;
  const uint8_t port = bell ? slot_of(m, script, ZX_OBJ_TYPE_PORT) : VS_SLOTS;
  op->args[other] = port < VS_SLOTS ? vs_arg_slot(port) : (vs_arg){.form = VS_HANDLE_RAW};
  const uint64_t unit = io ? 1 : PAGE;
  *r.start = unit * vs_mutator_pick(m, UINT64_C(1) << vs_mutator_pick(m, io ? 17 : 24));
  *r.size = unit * (1 + vs_mutator_pick(m, 4));
}

// --- calls that are nearly right
// --------------------------------------------------------------------

// A call of the pages other than zx_vcpu_write_state, on objects as it asks for.
static vs_op any_call(vs_mutator* m, const vs_fuzz_script* script) {
  uint8_t code;
  do {
    code = (uint8_t)vs_mutator_pick(m, VS_CALL_COUNT);
  } while (vs_ops[code].phase != VS_PHASE_JUDGED || code == VS_CALL_vcpu_write_state);
  vs_op op = vs_op_new(code, m->arch);
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[code].params[i];
    bool handle = param->type == VS_PARAM_HANDLE && param->object != ZX_OBJ_TYPE_RESOURCE;
    uint8_t slot = handle ? slot_of(m, script, param->object) : VS_SLOTS;
    draw_argument(m, script, param, &op.args[i]);
    if (slot < VS_SLOTS) op.args[i] = vs_arg_slot(slot);
  }
  draw_range(m, script, &op);
  op.thread = one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  return op;
}

// Some of them in a row, each with one argument that is anything.
static void insert_wrong(vs_mutator* m, vs_fuzz_script* script) {
  enum { MOST = 8 };
  const vs_op right = any_call(m, script);
  const size_t count = 1 + (size_t)vs_mutator_pick(m, MOST);
  vs_op ops[MOST];
  for (size_t i = 0; i < count; i++) {
    ops[i] = right;
    change_argument(m, &ops[i], any_parameter(m, right.code, 0));
  }
  insert(script, place_in(m, script), ops, count);
}

static zx_rights_t default_rights(zx_obj_type_t type) {
  for (size_t i = 0; i < VS_OBJECT_COUNT; i++) {
    if (vs_object_types[i].type == type) return vs_object_types[i].rights;
  }
  return ZX_RIGHT_SAME_RIGHTS;
}

// A slot that no op of the script fills; if each is filled, any.
static uint8_t unused_slot(vs_mutator* m, const vs_fuzz_script* script) {
  bool used[VS_SLOTS] = {false};
  for (size_t i = 0; i < script->count; i++) {
    for (unsigned k = 0; k < 2; k++) {
      const vs_arg* out = vs_op_out(&script->ops[i], k);
      if (out != NULL) used[out->slot % VS_SLOTS] = true;
    }
  }
  const uint8_t first = (uint8_t)vs_mutator_pick(m, VS_SLOTS);
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    if (!used[(first + i) % VS_SLOTS]) return (uint8_t)((first + i) % VS_SLOTS);
  }
  return first;
}

// One of its handles has a right less than it could, or one alone.
static void insert_narrowed(vs_mutator* m, vs_fuzz_script* script) {
  vs_op ops[2] = {vs_op_new(VS_CALL_handle_duplicate, m->arch), any_call(m, script)};
  const uint8_t slot = unused_slot(m, script);
  uint8_t which = vs_param_find(ops[1].code, VS_PARAM_HANDLE, 0);
  const uint8_t second = vs_param_find(ops[1].code, VS_PARAM_HANDLE, 1);
  if (second < VS_ARGS_MAX && one_in(m, 2)) which = second;
  if (which == VS_ARGS_MAX || ops[1].args[which].form != VS_HANDLE_SLOT) return;
  const zx_rights_t right = UINT32_C(1) << vs_mutator_pick(m, 19);
  const zx_rights_t all = default_rights(vs_ops[ops[1].code].params[which].object);
  ops[0].args[0] = ops[1].args[which];
  VS_OP_ARG(&ops[0], handle_duplicate, rights).number = one_in(m, 2) ? right : all & ~right;
  vs_op_give(&ops[0], 0, slot);
  ops[1].args[which] = vs_arg_slot(slot);
  insert(script, place_in(m, script), ops, 2);
}

// Begins or ends where the one that it was does, or next to that, or a bit away.
static void move_range(vs_mutator* m, vs_op* op) {
  const range r = range_of(op);
  if (r.start == NULL) return change_argument(m, op, any_parameter(m, op->code, 1));
  const uint64_t unit = (*r.start | *r.size) % PAGE == 0 ? PAGE : 1;
  const uint64_t away = unit << vs_mutator_pick(m, 40);
  const uint64_t starts[] = {
      *r.start,           *r.start + unit, *r.start - unit,          *r.start + *r.size,
      *r.start - *r.size, *r.start ^ away, *r.start + *r.size - unit};
  const uint64_t sizes[] = {*r.size, *r.size + unit, *r.size - unit, 2 * *r.size,
                            unit,    away,           0 - *r.start};
  *r.start = starts[vs_mutator_pick(m, sizeof starts / sizeof starts[0])];
  *r.size = sizes[vs_mutator_pick(m, sizeof sizes / sizeof sizes[0])];
  if (one_in(m, 4)) op->args[any_parameter(m, op->code, 1)].number ^= vs_mutator_pick(m, 4);
}

// Some calls in a row, each nearly as one before it.
static void insert_alike(vs_mutator* m, vs_fuzz_script* script) {
  enum { MOST = 6 };
  vs_op ops[MOST] = {any_call(m, script)};
  for (int tries = 0; range_of(&ops[0]).start == NULL && tries < 4; tries++)
    ops[0] = any_call(m, script);
  const size_t count = 2 + (size_t)vs_mutator_pick(m, MOST - 1);
  for (size_t i = 1; i < count; i++) {
    ops[i] = ops[vs_mutator_pick(m, i)];
    move_range(m, &ops[i]);
    if (one_in(m, 3)) ops[i].thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
  }
  insert(script, place_in(m, script), ops, count);
}

static void drop_some(vs_mutator* m, vs_fuzz_script* script) {
  size_t at = (size_t)vs_mutator_pick(m, script->count);
  size_t most = script->count - at;
  erase(script, at, 1 + (size_t)vs_mutator_pick(m, most < 4 ? most : 4));
}

static void repeat_one(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = script->ops[vs_mutator_pick(m, script->count)];
  insert(script, place_in(m, script), &op, 1);
}

static void move_one(vs_mutator* m, vs_fuzz_script* script) {
  size_t from = (size_t)vs_mutator_pick(m, script->count);
  vs_op op = script->ops[from];
  erase(script, from, 1);
  insert(script, (size_t)vs_mutator_pick(m, script->count + 1), &op, 1);
}

static void change_some(vs_mutator* m, vs_fuzz_script* script) {
  vs_op* op = &script->ops[vs_mutator_pick(m, script->count)];
  if (is_write(op) && one_in(m, 8)) return change_rewrite(m, op);
  if (is_write(op)) return change_write(m, op);
  switch (vs_mutator_pick(m, 5)) {
    case 0:
      op->thread = (uint8_t)vs_mutator_pick(m, VS_THREADS);
      return;
    case 1:
      op->async = !op->async;
      return;
    case 2:
      return change_argument(m, op, any_parameter(m, op->code, 0));
    case 3:
      if (vs_ops[op->code].params[0].type == VS_PARAM_HANDLE) op->args[0].slot = slot_in(m, script);
      return;
    default:
      *op = any_op(m, script);
  }
}

static void insert_near(vs_mutator* m, vs_fuzz_script* script) {
  switch (vs_mutator_pick(m, 3)) {
    case 0:
      return insert_wrong(m, script);
    case 1:
      return insert_narrowed(m, script);
    default:
      return insert_alike(m, script);
  }
}

// An object of each sort, and calls that are right, or nearly: of the whole family alike.
static void make_family(vs_mutator* m, vs_fuzz_script* script) {
  static const uint8_t makers[] = {VS_CALL_guest_create, VS_OP_guest_load,     VS_CALL_vcpu_create,
                                   VS_CALL_port_create,  VS_CALL_event_create, VS_CALL_vmo_create};
  enum { FEW = 3, MORE = 8 };
  uint8_t slot = 0;
  script->count = 0;
  for (size_t i = 0; i < sizeof makers; i++) {
    vs_op op = vs_op_new(makers[i], m->arch);
    const bool needed = op.code == VS_CALL_guest_create || op.code == VS_CALL_vcpu_create;
    if (!needed && one_in(m, 2)) continue;
    for (unsigned k = 0; vs_op_out(&op, k) != NULL && k < 2; k++) vs_op_give(&op, k, slot++);
    add(script, op);
  }
  for (uint64_t left = FEW + vs_mutator_pick(m, MORE); left > 0; left--) insert_near(m, script);
}

static void mutate_once(vs_mutator* m, vs_fuzz_script* script) {
  if (script->count == 0 || one_in(m, 8))
    return one_in(m, 2) ? make_scene(m, script) : make_family(m, script);
  switch (vs_mutator_pick(m, 20)) {
    case 17:
      return insert_narrowed(m, script);
    case 18:
    case 19:
      return insert_alike(m, script);
    case 14:
    case 15:
    case 16:
      return insert_wrong(m, script);
    case 12:
      return insert_meeting(m, script);
    case 13:
      return insert_snapshot(m, script);
    case 0:
    case 1:
    case 2:
      return insert_write(m, script);
    case 3:
    case 4:
      return insert_any(m, script);
    case 5:
      return drop_some(m, script);
    case 6:
      return repeat_one(m, script);
    case 7:
      return move_one(m, script);
    default:
      return change_some(m, script);
  }
}

// --- calls that are not judged ------------------------------------------------------------------

// The call that makes an object of the type of nothing; VS_OP_COUNT: there is none.
static uint8_t maker_of(zx_obj_type_t type) {
  for (uint8_t code = 0; code != VS_CALL_COUNT; code++) {
    const vs_op op = {.code = code};
    uint8_t handle = vs_param_find(code, VS_PARAM_HANDLE, 0);
    bool needs = handle < VS_ARGS_MAX && vs_ops[code].params[handle].object != ZX_OBJ_TYPE_RESOURCE;
    if (!needs && (makes(&op, 0, type) || makes(&op, 1, type))) return code;
  }
  return VS_OP_COUNT;
}

// A slot that holds an object of the type, which is made if there is none.
static uint8_t bring_slot(vs_mutator* m, vs_fuzz_script* script, zx_obj_type_t type) {
  uint8_t slot = slot_of(m, script, type);
  uint8_t maker = maker_of(type);
  bool make = slot == VS_SLOTS && type != ZX_OBJ_TYPE_NONE && maker < VS_OP_COUNT;
  if (!make) return slot < VS_SLOTS ? slot : slot_in(m, script);
  vs_op op = vs_op_new(maker, m->arch);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    draw_argument(m, script, &vs_ops[maker].params[i], &op.args[i]);
  }
  add(script, op);
  return vs_op_out(&op, makes(&op, 0, type) ? 0 : 1)->slot;
}

// About half of its arguments are anything.
static void add_odd(vs_mutator* m, vs_fuzz_script* script) {
  vs_op op = vs_op_new((uint8_t)vs_mutator_pick(m, VS_CALL_COUNT), m->arch);
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[op.code].params[i];
    bool handle = param->type == VS_PARAM_HANDLE && param->object != ZX_OBJ_TYPE_RESOURCE;
    draw_argument(m, script, param, &op.args[i]);
    if (handle) op.args[i] = vs_arg_slot(bring_slot(m, script, param->object));
    if (one_in(m, 2)) change_argument(m, &op, i);
  }
  op.thread = one_in(m, 4) ? (uint8_t)vs_mutator_pick(m, VS_THREADS) : 0;
  op.async = op.thread != 0 && one_in(m, 2);
  add(script, op);
}

// After such a call nothing more is judged: they come last, and in few scripts.
static void drop_odd(const vs_mutator* m, vs_fuzz_script* script) {
  size_t kept = 0;
  for (size_t i = 0; i < script->count; i++) {
    vs_op* op = &script->ops[i];
    if (!is_write(op)) vs_sense_tidy(m->arch, op);
    if (!vs_sense_is_judged(op)) continue;
    if (kept != i) script->ops[kept] = *op;
    kept++;
  }
  script->count = kept;
}

static void settle_odd(vs_mutator* m, vs_fuzz_script* script) {
  drop_odd(m, script);
  if (!one_in(m, ODD_ONE_IN)) return;
  for (uint64_t left = 1 + vs_mutator_pick(m, ODD_MOST); left > 0; left--) add_odd(m, script);
}

// --- all of it ----------------------------------------------------------------------------------

// Scripts grow by themselves, and long ones take long.
static void shorten(vs_mutator* m, vs_fuzz_script* script) {
  size_t count = 1 + (size_t)vs_mutator_pick(m, script->count / 2);
  erase(script, (size_t)vs_mutator_pick(m, script->count - count + 1), count);
}

void vs_mutate_script(vs_mutator* m, vs_fuzz_script* script) {
  uint64_t times = 1 + vs_mutator_pick(m, MUTATIONS_MOST);
  // What is made anew finds what one call can show; what is built upon what was kept finds the
  // rest.
  if (one_in(m, 2)) script->count = 0;
  if (script->count > LONG && one_in(m, 2)) shorten(m, script);
  for (; times > 0; times--) mutate_once(m, script);
  settle_odd(m, script);
}

void vs_mutate_cross(vs_mutator* m, vs_fuzz_script* script, const vs_fuzz_script* other) {
  if (other->count == 0) return;
  size_t from = (size_t)vs_mutator_pick(m, other->count);
  size_t count = 1 + (size_t)vs_mutator_pick(m, other->count - from);
  size_t at = (size_t)vs_mutator_pick(m, script->count + 1);
  if (one_in(m, 2)) erase(script, at, (size_t)vs_mutator_pick(m, script->count - at + 1));
  insert(script, at, other->ops + from, count);
  drop_odd(m, script);
}
