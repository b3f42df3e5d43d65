// SPDX-License-Identifier: BSD-3-Clause
#include "books.h"

#include <string.h>

#include "number.h"

enum { NONE = VS_BOOKS_OBJECTS };  // an object that is not known

void vs_books_open(vs_books* b, const vs_arch_info* arch) {
  memset(b, 0, sizeof *b);
  b->arch = arch;
  for (size_t i = 0; i < VS_SLOTS; i++) b->slots[i].object = NONE;
}

// --- what is told -----------------------------------------------------------------------------

bool vs_books_is_filled(const vs_books* b, uint8_t slot) {
  return b->slots[slot].state != VS_BOOK_EMPTY;
}

uint8_t vs_books_closed_last(const vs_books* b) {
  return b->closed != 0 && b->beside == 0 ? b->closed - 1 : VS_SLOTS;
}

uint8_t vs_books_user(const vs_books* b, uint8_t slot) {
  uint8_t thread = 0;
  while (thread < VS_THREADS && !(b->within[thread].busy && b->within[thread].names >> slot & 1)) {
    thread++;
  }
  return thread;
}

const vs_book_object* vs_books_object(const vs_books* b, uint8_t slot) {
  return &b->objects[b->slots[slot].object];
}

// Its index; VS_BOOKS_VCPUS: the slot names none.
static uint8_t vcpu_in(const vs_books* b, uint8_t slot) {
  const vs_book_object* object = vs_books_object(b, slot);
  bool names = b->slots[slot].state == VS_BOOK_OPEN && object->code == VS_OBJECT_VCPU;
  return names ? object->vcpu : VS_BOOKS_VCPUS;
}

static vs_book_vcpu* vcpu_of(vs_books* b, uint8_t slot) {
  uint8_t index = vcpu_in(b, slot);
  return index < VS_BOOKS_VCPUS ? &b->vcpus[index] : NULL;
}

const vs_book_vcpu* vs_books_vcpu(const vs_books* b, uint8_t slot) {
  uint8_t index = vcpu_in(b, slot);
  return index < VS_BOOKS_VCPUS ? &b->vcpus[index] : NULL;
}

unsigned vs_books_room(const vs_books* b) {
  unsigned room = 0;
  for (size_t i = 0; i < VS_BOOKS_OBJECTS; i++) room += b->objects[i].code == VS_OBJECT_FREE;
  return room;
}

bool vs_books_is_endless(const vs_book_vcpu* vcpu) {
  return vcpu->endless || (vcpu->waits && !vcpu->raised);
}

bool vs_books_waits_for_kick(const vs_book_vcpu* vcpu) {
  return vcpu->runs_on != 0 && vs_books_is_endless(vcpu) && !vcpu->kicked;
}

// --- objects and slots ------------------------------------------------------------------------

static void drop_handle(vs_books* b, uint8_t object) {
  vs_book_object* o = &b->objects[object];
  if (object == NONE || --o->handles > 0) return;
  if (o->code == VS_OBJECT_VCPU && o->vcpu < VS_BOOKS_VCPUS) {
    vs_book_vcpu* v = &b->vcpus[o->vcpu];
    if (v->runs_on != 0) return;  // it ends with the call
    v->live = false;
  }
  o->code = VS_OBJECT_FREE;
}

static void close_slot(vs_books* b, uint8_t slot) {
  vs_book_slot* s = &b->slots[slot];
  bool holds = s->state != VS_BOOK_EMPTY && s->state != VS_BOOK_CLOSED;
  s->state = VS_BOOK_CLOSED;
  if (holds) drop_handle(b, s->object);
}

static void fill_slot(vs_books* b, uint8_t slot, vs_book_slot with) {
  close_slot(b, slot);
  b->slots[slot] = with;
  b->closed = 0;
}

static uint8_t code_of(zx_obj_type_t type) {
  uint8_t code = 0;
  while (code < VS_OBJECT_COUNT && vs_object_types[code].type != type) code++;
  return code < VS_OBJECT_COUNT ? code : VS_OBJECT_FREE;
}

// Puts a new handle to a new object in a slot.
static uint8_t add_object(vs_books* b, uint8_t slot, const vs_param* param) {
  uint8_t at = 0;
  while (at < VS_BOOKS_OBJECTS && b->objects[at].code != VS_OBJECT_FREE) at++;
  const vs_book_object object = {
      .code = code_of(param->object), .handles = 1, .vcpu = VS_BOOKS_VCPUS};
  if (at < VS_BOOKS_OBJECTS) b->objects[at] = object;
  fill_slot(
      b, slot,
      (vs_book_slot){.state = VS_BOOK_OPEN, .object = at, .rights = (zx_rights_t)param->value});
  return at;
}

// --- what is accepted for certain ----------------------------------------------------------------

bool vs_books_fits(const vs_books* b, uint8_t slot, const vs_param* param, zx_rights_t rights) {
  const vs_book_object* object = vs_books_object(b, slot);
  return b->slots[slot].state == VS_BOOK_OPEN && (b->slots[slot].rights & rights) == rights &&
         (param->object == ZX_OBJ_TYPE_NONE || param->object == vs_object_types[object->code].type);
}

static bool is_right(const vs_books* b, const vs_param* param, const vs_arg* arg) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return arg->form == VS_HANDLE_SLOT
                 ? vs_books_fits(b, arg->slot, param, (zx_rights_t)param->value)
                 : arg->form == VS_HANDLE_RESOURCE;
    case VS_PARAM_U32:
      return arg->number == param->value;
    case VS_PARAM_ENTRY:
      return arg->form == VS_ENTRY_PROGRAM;
    default:
      return !vs_param_is_pointer(param->type) ||
             (vs_placements[arg->at].readable && arg->at != VS_AT_READONLY);
  }
}

static bool has_vcpu(const vs_books* b, uint8_t thread) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (b->vcpus[i].live && b->vcpus[i].creator == thread) return true;
  }
  return false;
}

// By its arguments, as far as types tell.
static bool is_accepted(const vs_books* b, const vs_op* op) {
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (!is_right(b, &vs_ops[op->code].params[i], &op->args[i])) return false;
  }
  return op->code != VS_CALL_vcpu_create || !has_vcpu(b, op->thread);
}

// --- what is made -----------------------------------------------------------------------------

// The object that the first argument names; NONE: it is not known.
static uint8_t named_object(const vs_books* b, const vs_op* op) {
  const vs_arg* handle = &op->args[0];
  bool named = handle->form == VS_HANDLE_SLOT && b->slots[handle->slot].state == VS_BOOK_OPEN;
  return named ? b->slots[handle->slot].object : NONE;
}

// Guest programs are for a guest's first vCPU: the others start in another mode, or share its
// memory.
static void add_vcpu(vs_books* b, const vs_op* op, uint8_t guest, uint8_t object) {
  const uint8_t program = vs_op_program(op);
  const vs_book_object* g = &b->objects[guest];
  uint8_t index = 0;
  while (index < VS_BOOKS_VCPUS && b->vcpus[index].live) index++;
  if (index == VS_BOOKS_VCPUS || object == NONE) return;
  b->objects[object].vcpu = index;
  b->vcpus[index] = (vs_book_vcpu){.live = true,
                                   .runnable = g->loaded && !g->bred && program != VS_PROGRAM_CODE,
                                   .endless = program == VS_PROGRAM_SPIN,
                                   .waits = program == VS_PROGRAM_TAKE,
                                   .creator = op->thread,
                                   .object = object};
}

// What it was to fill holds something, or nothing.
static void note_perhaps_made(vs_books* b, const vs_op* op) {
  const vs_arg* out;
  for (unsigned i = 0; i < 2 && (out = vs_op_out(op, i)) != NULL; i++) close_slot(b, out->slot);
  b->closed = 0;
}

static void note_made(vs_books* b, const vs_op* op) {
  const vs_param* params = vs_ops[op->code].params;
  uint8_t from = named_object(b, op);
  if (!is_accepted(b, op)) return note_perhaps_made(b, op);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (params[i].type != VS_PARAM_OUT_HANDLE) continue;
    uint8_t object = add_object(b, op->args[i].slot, &params[i]);
    if (object != NONE) b->objects[object].guest = b->guests;
    if (op->code == VS_OP_guest_load) b->slots[op->args[i].slot].memory = true;
    if (op->code == VS_CALL_vcpu_create) add_vcpu(b, op, from, object);
  }
  if (op->code == VS_CALL_guest_create) b->guests++;
  if (from == NONE) return;
  b->objects[from].loaded |= op->code == VS_OP_guest_load;
  b->objects[from].bred |= op->code == VS_CALL_vcpu_create;
}

// --- handles ----------------------------------------------------------------------------------

// A thread that is about to enter by the slot may find it closed.
static void leave(vs_books* b, uint8_t slot, bool async) {
  vs_book_vcpu* v = vcpu_of(b, slot);
  if (b->slots[slot].state != VS_BOOK_OPEN) return;
  if (v != NULL && v->runs_on != 0) v->unsure = true;
  if (async) {
    b->slots[slot].state = VS_BOOK_LEAVING;
  } else {
    close_slot(b, slot);
    b->closed = 1 + slot;
  }
}

static void note_close(vs_books* b, const vs_op* op) {
  if (op->args[0].form == VS_HANDLE_SLOT) leave(b, op->args[0].slot, op->async);
}

static void note_derived(vs_books* b, const vs_op* op) {
  const uint8_t out = vs_op_out(op, 0)->slot;
  const zx_rights_t rights = (zx_rights_t)VS_OP_ARG(op, handle_duplicate, rights).number;
  vs_book_slot made = {.state = VS_BOOK_CLOSED, .object = named_object(b, op)};
  const zx_rights_t beyond = made.object != NONE ? rights & ~b->slots[op->args[0].slot].rights : 0;
  const bool within = rights == ZX_RIGHT_SAME_RIGHTS || beyond == 0;
  if (made.object != NONE && within && is_accepted(b, op)) {
    made.state = op->async ? VS_BOOK_COMING : VS_BOOK_OPEN;
    made.rights = b->slots[op->args[0].slot].rights;
    if (rights != ZX_RIGHT_SAME_RIGHTS) made.rights &= rights;
    b->objects[made.object].handles++;
  }
  if (op->code == VS_CALL_handle_replace) note_close(b, op);
  fill_slot(b, out, made);
}

// --- vCPUs ------------------------------------------------------------------------------------

static vs_book_vcpu* named_vcpu(vs_books* b, const vs_op* op) {
  return op->args[0].form == VS_HANDLE_SLOT ? vcpu_of(b, op->args[0].slot) : NULL;
}

// True if the handle has the right: else the call is refused.
static bool may(const vs_books* b, const vs_op* op, zx_rights_t right) {
  return (b->slots[op->args[0].slot].rights & right) != 0;
}

static void note_enter(vs_books* b, const vs_op* op) {
  vs_book_vcpu* v = named_vcpu(b, op);
  if (v == NULL || !may(b, op, ZX_RIGHT_EXECUTE) || v->creator != op->thread) return;
  v->raised = false;  // it may have taken it
  if (op->async) {
    v->runs_on = (uint8_t)(1 + op->thread);
    v->unsure = !is_accepted(b, op);
  } else {
    v->perhaps = !is_accepted(b, op) && (v->kicked || v->perhaps);
    v->kicked = false;
  }
}

// A kick that comes while the guest runs, and is not needed, may stay.
static void note_kick(vs_books* b, const vs_op* op) {
  vs_book_vcpu* v = named_vcpu(b, op);
  bool certain = !op->async;
  if (v == NULL || !may(b, op, ZX_RIGHT_EXECUTE)) return;
  v->perhaps |= !certain || (v->runs_on != 0 && (v->kicked || !v->endless));
  v->kicked |= certain;
}

static void note_interrupt(vs_books* b, const vs_op* op) {
  enum { FIRST = 32, LAST = 255 };
  const uint64_t vector = VS_OP_ARG(op, vcpu_interrupt, vector).number;
  vs_book_vcpu* v = named_vcpu(b, op);
  if (v == NULL || op->async || !may(b, op, ZX_RIGHT_SIGNAL)) return;
  v->raised |= vector >= FIRST && vector <= LAST;
}

// A trap where guest programs are, or where they leave: they are not what they were.
static void note_trap(vs_books* b, const vs_op* op) {
  enum { PORTS_END = VS_PORT_OUT + 4, MEMORY_END = VS_MMIO_DUMP + 0x1000 };
  const uint64_t first = VS_OP_ARG(op, guest_set_trap, addr).number;
  const bool io = VS_OP_ARG(op, guest_set_trap, kind).number == ZX_GUEST_TRAP_IO;
  const uint8_t guest = named_object(b, op);
  if (guest == NONE || first >= (io ? PORTS_END : MEMORY_END)) return;
  b->objects[guest].loaded = b->objects[guest].bred = true;
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    vs_book_vcpu* v = &b->vcpus[i];
    if (v->live && b->objects[v->object].guest == b->objects[guest].guest) v->runnable = false;
  }
}

static uint64_t written_flags(const vs_books* b, const vs_op* op) {
  const vs_register* reg = &b->arch->registers[b->arch->flags];
  uint64_t flags = 0;
  memcpy(&flags, op->bytes + reg->offset, reg->width / 8u);
  return flags;
}

// Whether what is written, or what it is rewritten to, may stop the guest.
static bool may_stop(const vs_books* b, const vs_op* op) {
  const vs_register* reg = &b->arch->registers[b->arch->flags];
  uint64_t flags = written_flags(b, op);
  bool rewritten = op->rewrite.offset + op->rewrite.length > reg->offset &&
                   op->rewrite.offset < reg->offset + reg->width / 8u;
  return rewritten || vs_calm_flags(b->arch, flags) != flags;
}

// True if the write is accepted for certain, and leaves no flag as it was.
static bool surely_calms(vs_books* b, const vs_op* op) {
  const vs_book_vcpu* v = named_vcpu(b, op);
  bool open = (written_flags(b, op) & b->arch->flags_gate) == b->arch->flags_gate;
  return open && v != NULL && v->creator == op->thread && v->runs_on == 0 && !op->async &&
         b->beside == 0 && VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN &&
         VS_OP_ARG(op, vcpu_write_state, buffer_size).number == b->arch->state_size &&
         (b->slots[op->args[0].slot].rights & ZX_RIGHT_WRITE) != 0;
}

// A write that may stop a guest stops the one that it names, or may be about to, or any.
static void note_write(vs_books* b, const vs_op* op) {
  const bool named = op->args[0].form == VS_HANDLE_SLOT;
  if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE) return;
  if (may_stop(b, op)) {
    for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
      b->vcpus[i].stops |= !named || b->slots[op->args[0].slot].object == b->vcpus[i].object;
    }
  } else if (surely_calms(b, op)) {
    named_vcpu(b, op)->stops = false;
  }
}

// --- calls that run beside others ---------------------------------------------------------------

static void start(vs_books* b, const vs_op* op, size_t at) {
  const vs_arg* out = vs_op_out(op, 0);
  vs_book_call* call = &b->within[op->thread];
  *call = (vs_book_call){.busy = true, .code = op->code, .slot = op->args[0].slot, .since = at};
  if (out != NULL) call->out = out->slot;
  if (out != NULL) call->names |= (uint16_t)(1u << out->slot);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    bool names = handle && vs_arg_names_slot(&op->args[i]);
    if (names) call->names |= (uint16_t)(1u << op->args[i].slot);
  }
  if (op->code != VS_CALL_vcpu_enter) b->beside++;
}

static void end_enter(vs_books* b, uint8_t thread) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    vs_book_vcpu* v = &b->vcpus[i];
    if (!v->live || v->runs_on != 1 + thread) continue;
    // A kick more than the one that ended it may stay.
    v->perhaps |= v->kicked && (!v->endless || v->unsure);
    v->kicked = false;
    v->runs_on = 0;
    if (b->objects[v->object].handles > 0) continue;
    v->live = false;
    b->objects[v->object].code = VS_OBJECT_FREE;
  }
}

static void end_call(vs_books* b, uint8_t thread) {
  vs_book_call* call = &b->within[thread];
  bool replace = call->code == VS_CALL_handle_replace;
  bool closes = replace || call->code == VS_CALL_handle_close;
  if (!call->busy) return;
  call->busy = false;
  if (call->code == VS_CALL_vcpu_enter) return end_enter(b, thread);
  b->beside--;
  if (closes && b->slots[call->slot].state == VS_BOOK_LEAVING) close_slot(b, call->slot);
  if (replace && b->slots[call->out].state == VS_BOOK_COMING) {
    b->slots[call->out].state = VS_BOOK_OPEN;
  }
}

static void end_thread(vs_books* b, uint8_t thread) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (b->vcpus[i].creator == thread) b->vcpus[i].creator = VS_THREADS;
  }
}

// --- all of them ------------------------------------------------------------------------------

static void note_unpredicted(vs_books* b, const vs_op* op) {
  if (op->code == VS_CALL_handle_replace) note_close(b, op);
  note_perhaps_made(b, op);
}

static void note_effect(vs_books* b, const vs_op* op) {
  switch (op->code) {
    case VS_CALL_handle_close:
      return note_close(b, op);
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      return note_derived(b, op);
    case VS_CALL_vcpu_enter:
      return note_enter(b, op);
    case VS_CALL_vcpu_kick:
      return note_kick(b, op);
    case VS_CALL_vcpu_interrupt:
      return note_interrupt(b, op);
    case VS_CALL_guest_set_trap:
      return note_trap(b, op);
    case VS_CALL_vcpu_write_state:
      return note_write(b, op);
    case VS_OP_join:
      return end_call(b, op->thread);
    case VS_OP_thread_exit:
      return end_thread(b, op->thread);
    default:
      return note_made(b, op);
  }
}

void vs_books_note(vs_books* b, const vs_op* op, size_t at) {
  if (vs_op_is_predicted(op)) {
    note_effect(b, op);
  } else {
    note_unpredicted(b, op);
  }
  if (op->async) start(b, op, at);
}
