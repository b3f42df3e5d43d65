// SPDX-License-Identifier: BSD-3-Clause
#include "tries.h"

#include <string.h>

enum { VALUES = 32 };  // of one argument, at most

typedef struct values {
  size_t count;
  vs_arg items[VALUES];
  vs_facts facts[VALUES];  // of handles, with all else as usual
  vs_happened last[VALUES];
} values;

typedef struct trying {
  const vs_tries* to;
  vs_world* world;
  const vs_arch_info* arch;
  values args[VS_ARGS_MAX];
  uint8_t threads[VS_THREADS];
  size_t thread_count;
  vs_op op;
} trying;

static void put(values* list, vs_arg arg) {
  if (list->count < VALUES) list->items[list->count++] = arg;
}

// --- classes of arguments -----------------------------------------------------------------------

static void put_numbers(const trying* t, uint8_t call, uint8_t parameter, values* list) {
  const uint64_t state = t->arch->state_size;
  const uint64_t io = sizeof(zx_vcpu_io_t);
#define VS_TRY(of, name, value)                                \
  if (call == VS_CALL_##of && parameter == VS_ARG(of, name)) { \
    put(list, (vs_arg){.number = (uint64_t)(value)});          \
  }
#define VS_TRY_PLACE(type, placement, n)
#define VS_TRY_ENTRY(value)
#define VS_TRY_ACCESS(size)
#include "classes.def"
#undef VS_TRY
#undef VS_TRY_PLACE
  (void)state;
  (void)io;
}

static void put_places(uint8_t type, vs_arg usual, values* list) {
#define VS_TRY(of, name, value)
#define VS_TRY_PLACE(of, placement, n) \
  if (type == VS_PARAM_##of) {         \
    vs_arg arg = usual;                \
    arg.at = VS_AT_##placement;        \
    arg.argument = (n);                \
    put(list, arg);                    \
  }
#include "classes.def"
#undef VS_TRY_PLACE
#undef VS_TRY_ENTRY
}

static void put_entries(vs_arg usual, values* list) {
  put(list, usual);
#define VS_TRY_PLACE(type, placement, n)
#define VS_TRY_ENTRY(value) put(list, (vs_arg){.form = VS_ENTRY_RAW, .number = (value)});
#include "classes.def"
#undef VS_TRY
#undef VS_TRY_PLACE
#undef VS_TRY_ENTRY
#undef VS_TRY_ACCESS
}

// --- handles and threads ------------------------------------------------------------------------

static vs_happened last_of(const trying* t, const vs_arg* arg) {
  const vs_slot* slot = vs_world_resolve(t->world, vs_world_value(t->world, arg));
  const bool any = t->to->history == NULL || slot == NULL || !vs_arg_names_slot(arg);
  return any ? (vs_happened){.call = VS_OP_COUNT} : t->to->history->last[slot->object];
}

static bool is_same(const values* list, size_t a, size_t b) {
  const bool last =
      list->last[a].call == list->last[b].call && list->last[a].status == list->last[b].status;
  return last && memcmp(&list->facts[a], &list->facts[b], sizeof list->facts[a]) == 0;
}

static void put_handle(trying* t, uint8_t parameter, vs_arg arg) {
  values* list = &t->args[parameter];
  vs_op op = t->op;
  op.args[parameter] = arg;
  if (list->count == VALUES || !vs_op_is_predicted(&op)) return;
  list->facts[list->count] = vs_facts_of(t->world, &op, t->arch);
  list->last[list->count] = last_of(t, &arg);
  for (size_t i = 0; i < list->count; i++) {
    if (is_same(list, i, list->count)) return;
  }
  put(list, arg);
}

// The handle of which a valid call is made: the first of the parameter's type, with its rights.
static vs_arg usual_handle(const trying* t, uint8_t parameter) {
  const vs_param* param = &vs_ops[t->op.code].params[parameter];
  if (param->object == ZX_OBJ_TYPE_RESOURCE) return (vs_arg){.form = VS_HANDLE_RESOURCE};
  for (uint8_t slot = 0; slot != VS_SLOTS; slot++) {
    const vs_slot* s = &t->world->slots[slot];
    if (s->state != VS_SLOT_OPEN) continue;
    const zx_obj_type_t type = vs_object_types[t->world->objects[s->object].code].type;
    const bool fits = param->object == ZX_OBJ_TYPE_NONE || type == param->object;
    if (fits && (s->rights & param->value) == param->value) return vs_arg_slot(slot);
  }
  return (vs_arg){.form = VS_HANDLE_RAW};
}

static void put_handles(trying* t, uint8_t parameter) {
  const zx_handle_t never = 0xfffffff3;
  put_handle(t, parameter, t->op.args[parameter]);
  for (uint8_t slot = 0; slot != VS_SLOTS; slot++) {
    if (t->world->slots[slot].state == VS_SLOT_OPEN) put_handle(t, parameter, vs_arg_slot(slot));
  }
  put_handle(t, parameter, (vs_arg){.form = VS_HANDLE_RAW});
  put_handle(t, parameter, (vs_arg){.form = VS_HANDLE_RAW, .number = never});
  put_handle(t, parameter, (vs_arg){.form = VS_HANDLE_RESOURCE});
  put_handle(t, parameter, (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE});
}

static bool is_busy(const vs_world* world, uint8_t thread) {
  return world->async_vcpu[thread] != 0 || world->racing[thread] != VS_RACING_NONE;
}

// Of two threads likewise.
static void put_threads(trying* t) {
  vs_facts found[VS_THREADS];
  for (uint8_t thread = 0; thread != VS_THREADS; thread++) {
    if (is_busy(t->world, thread)) continue;
    t->op.thread = thread;
    found[t->thread_count] = vs_facts_of(t->world, &t->op, t->arch);
    bool known = false;
    for (size_t i = 0; i < t->thread_count; i++) {
      known |= memcmp(&found[i], &found[t->thread_count], sizeof found[i]) == 0;
    }
    if (!known) t->threads[t->thread_count++] = thread;
  }
  t->op.thread = 0;
}

// --- the product --------------------------------------------------------------------------------

static void put_all(trying* t) {
  const vs_param* params = vs_ops[t->op.code].params;
  for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    values* list = &t->args[i];
    const vs_arg usual = t->op.args[i];
    if (params[i].type == VS_PARAM_HANDLE) {
      put_handles(t, i);
    } else if (params[i].type == VS_PARAM_ENTRY) {
      put_entries(usual, list);
    } else if (vs_param_is_pointer(params[i].type)) {
      put_places(params[i].type, usual, list);
    } else {
      put_numbers(t, t->op.code, i, list);
    }
    if (list->count == 0) put(list, usual);
  }
}

// A call that passes a port where none is asked for would be wrong, and so would one without.
static void set_usual(trying* t) {
  const vs_param* params = vs_ops[t->op.code].params;
  for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    if (params[i].type == VS_PARAM_HANDLE) t->op.args[i] = usual_handle(t, i);
  }
  if (t->op.code == VS_CALL_guest_set_trap) {
    VS_OP_ARG(&t->op, guest_set_trap, port_handle) = (vs_arg){.form = VS_HANDLE_RAW};
    VS_OP_ARG(&t->op, guest_set_trap, kind).number = ZX_GUEST_TRAP_MEM;
  }
}

// As every explanation of what was before has it.
static bool is_in_state(const trying* t, uint8_t slot, uint8_t state) {
  bool all = true;
  for (size_t i = 0; i < t->to->oracle->count; i++) {
    all &= t->to->oracle->worlds[i].slots[slot].state == state;
  }
  return all;
}

static uint8_t find_slot(const trying* t, uint8_t state, uint8_t but) {
  uint8_t slot = 0;
  while (slot < VS_SLOTS && (slot == but || !is_in_state(t, slot, state))) slot++;
  return slot;
}

// What a call makes goes where nothing was before, or where it is closed. False: all are in use.
static bool give_slots(trying* t) {
  uint8_t slot = VS_SLOTS;
  for (unsigned which = 0; which < 2 && vs_op_out(&t->op, which) != NULL; which++) {
    const uint8_t empty = find_slot(t, VS_SLOT_EMPTY, slot);
    slot = empty < VS_SLOTS ? empty : find_slot(t, VS_SLOT_CLOSED, slot);
    if (slot == VS_SLOTS) return false;
    vs_op_give(&t->op, which, slot);
  }
  return true;
}

// A guest is entered only if it has the suite's programs in its memory.
static bool can_be_made(const trying* t, const vs_op* op) {
  const vs_slot* slot = vs_world_resolve(t->world, vs_world_value(t->world, &op->args[0]));
  const vs_vcpu* vcpu =
      op->code == VS_CALL_vcpu_enter && slot != NULL ? vs_world_vcpu(t->world, slot) : NULL;
  bool loaded = vcpu == NULL;
  for (size_t i = 0; i < VS_OBJECTS && !loaded; i++) {
    const vs_object* object = &t->world->objects[i];
    loaded = object->code == VS_OBJECT_VMO && object->guest == vcpu->guest;
  }
  return loaded;
}

static void meet(const trying* t, const vs_op* op, unsigned unusual) {
  if (!vs_op_is_predicted(op) || !vs_op_is_valid(op) || !can_be_made(t, op)) return;
  const vs_facts facts = vs_facts_of(t->world, op, t->arch);
  t->to->meet(op, &facts, unusual, t->to->context);
}

// A buffer is as long as its kind; one of ZX_VCPU_IO says how many bytes it is about.
static void meet_call(const trying* t, vs_op* op, unsigned unusual) {
  if (op->code != VS_CALL_vcpu_write_state) return meet(t, op, unusual);
  const bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  const size_t length = io ? sizeof(zx_vcpu_io_t) : t->arch->state_size;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)length;
  memset(op->bytes, 0, sizeof op->bytes);
  if (!io) return meet(t, op, unusual);
  const unsigned usual = unusual;
#define VS_TRY(of, name, value)
#define VS_TRY_PLACE(type, placement, n)
#define VS_TRY_ENTRY(value)
#define VS_TRY_ACCESS(size) \
  op->bytes[0] = (size);    \
  meet(t, op, usual + ((size) != 4));
#include "classes.def"
#undef VS_TRY
#undef VS_TRY_PLACE
#undef VS_TRY_ENTRY
#undef VS_TRY_ACCESS
}

// A handle of which the model says the same as of the usual one is no other.
static bool is_unusual(const trying* t, uint8_t parameter, size_t i) {
  const values* list = &t->args[parameter];
  const bool handle = vs_ops[t->op.code].params[parameter].type == VS_PARAM_HANDLE;
  const bool same = handle && memcmp(&list->facts[i], &list->facts[0], sizeof list->facts[0]) == 0;
  return i > 0 && !same;
}

static void go_through(trying* t, uint8_t parameter, unsigned unusual) {
  if (unusual > t->to->most) return;
  if (parameter == VS_ARGS_MAX || vs_ops[t->op.code].params[parameter].type == VS_PARAM_NONE) {
    vs_op op = t->op;
    return meet_call(t, &op, unusual);
  }
  const vs_arg usual = t->op.args[parameter];
  const values* list = &t->args[parameter];
  for (size_t i = 0; i < list->count; i++) {
    t->op.args[parameter] = list->items[i];
    go_through(t, (uint8_t)(parameter + 1), unusual + is_unusual(t, parameter, i));
  }
  t->op.args[parameter] = usual;
}

void vs_try_each(const vs_tries* tries, uint8_t call) {
  trying t = {.to = tries,
              .world = &tries->oracle->worlds[0],
              .arch = tries->oracle->arch,
              .op = vs_op_new(call, tries->oracle->arch)};
  set_usual(&t);
  if (!give_slots(&t)) return;
  put_threads(&t);
  put_all(&t);
  for (size_t i = 0; i < t.thread_count; i++) {
    t.op.thread = t.threads[i];
    go_through(&t, 0, i > 0);
  }
}
