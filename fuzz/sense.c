// SPDX-License-Identifier: BSD-3-Clause
#include "sense.h"

#include <string.h>

#include "text/calls.h"

enum {
  LENGTH_MAX = 2048,  // bytes; of a buffer
  PAGE = 4096,
  DEADLINE_MAX = 1000000,  // ns since boot: past
  BESIDE_MAX = 2,          // more make more explanations than an oracle has room for
  REWRITTEN_MAX = 2        // likewise
};

void vs_sense_init(vs_sense* sense, const vs_arch_info* arch) {
  memset(sense, 0, sizeof *sense);
  vs_books_open(&sense->books, arch);
}

static bool is_write(const vs_op* op) {
  return op->code == VS_CALL_vcpu_write_state;
}

// Closes what its first argument names.
static bool closes(const vs_op* op) {
  return op->code == VS_CALL_handle_close || op->code == VS_CALL_handle_replace;
}

// --- ranges -----------------------------------------------------------------------------------

// What a buffer must be long enough for; 0: its call does not say.
static size_t exact_size(const vs_arch_info* arch, const vs_op* op) {
  uint8_t kind = vs_param_find(op->code, VS_PARAM_KIND, 0);
  if (kind == VS_ARGS_MAX || op->args[kind].number > ZX_VCPU_IO) return 0;
  return op->args[kind].number == ZX_VCPU_IO ? sizeof(zx_vcpu_io_t) : arch->state_size;
}

static size_t size_of(uint8_t type, const vs_arg* arg) {
  size_t fixed = vs_fixed_length(type);
  return fixed > 0 ? fixed : arg->length;
}

static void tidy_place(vs_arg* pointer, size_t size) {
  enum { LOWEST = 47, BITS = 64, KERNEL_ADDRESSES = 4 };
  uint16_t* n = &pointer->argument;
  pointer->at %= VS_PLACEMENT_COUNT;
  switch ((vs_placement)pointer->at) {
    case VS_AT_MISALIGNED:
      *n %= PAGE;
      return;
    case VS_AT_CROSSING:
    case VS_AT_STRADDLE:
    case VS_AT_STRADDLE_HEAD:
    case VS_AT_STRADDLE_NONE:
    case VS_AT_USER_END:
    case VS_AT_WRAPPING:
      if (*n > size) *n = (uint16_t)(*n % (size + 1));
      return;
    case VS_AT_KERNEL:
      *n %= KERNEL_ADDRESSES;
      return;
    case VS_AT_NONCANONICAL:
      if (*n < LOWEST || *n >= BITS) *n = (uint16_t)(LOWEST + *n % (BITS - LOWEST));
      return;
    default:
      *n = 0;
  }
}

// What is read has the length of its kind. What lies past a buffer that is written is not laid out:
// nothing that a right implementation reads.
static void tidy_length(const vs_arch_info* arch, const vs_op* op, uint8_t type, vs_arg* buffer) {
  size_t exact = exact_size(arch, op);
  bool state = vs_param_find(op->code, VS_PARAM_KIND, 0) < VS_ARGS_MAX;
  if (buffer->length > LENGTH_MAX) buffer->length = LENGTH_MAX;
  if (type == VS_PARAM_OUT && state) {
    buffer->length = (uint16_t)(exact > 0 ? exact : arch->state_size);
  } else if (buffer->length < exact) {
    buffer->length = (uint16_t)exact;
  }
}

static void tidy_pointer(const vs_arch_info* arch, vs_op* op, uint8_t type, vs_arg* pointer) {
  bool buffer = type == VS_PARAM_IN || type == VS_PARAM_OUT;
  if (buffer) tidy_length(arch, op, type, pointer);
  if (op->code >= VS_CALL_COUNT) pointer->at = VS_AT_PLAIN;  // no call's
  tidy_place(pointer, size_of(type, pointer));
}

// A value of which it is known that no handle has it: zero, or a handle's with some of the
// high bits the other way round, which tell the generations of a place in a table apart. What is
// closed may be a neighbour's too, by one of the bits that Zircon sets in each handle: where they
// tell handles apart, these are the implementation's own.
static void tidy_unknown(const vs_op* op, vs_arg* handle) {
  enum { GENERATIONS = 16, ALWAYS_SET = 3 };  // bits from there up; the lowest two
  if (handle->form == VS_HANDLE_RAW) handle->number = 0;
  if (handle->form != VS_HANDLE_CLEARED && handle->form != VS_HANDLE_FLIPPED) return;
  handle->form = VS_HANDLE_FLIPPED;
  handle->number &= (UINT32_MAX << GENERATIONS) | (closes(op) ? ALWAYS_SET : 0);
}

// A handle may come in any form, but not where the call could close what is not its own, or run on
// for ever; a resource stands where one is asked for.
static void tidy_handle(const vs_op* op, zx_obj_type_t object, vs_arg* handle) {
  bool fixed = op->code >= VS_CALL_COUNT;
  bool resource = vs_arg_names_resource(handle) && object != ZX_OBJ_TYPE_RESOURCE;
  bool derived = handle->form == VS_HANDLE_CLEARED || handle->form == VS_HANDLE_FLIPPED;
  handle->number = (uint32_t)handle->number;
  if (closes(op) || op->code == VS_CALL_vcpu_enter) tidy_unknown(op, handle);
  if (handle->form > VS_HANDLE_OTHER_RESOURCE || resource || (derived && handle->number == 0) ||
      (fixed && object != ZX_OBJ_TYPE_RESOURCE)) {
    handle->form = VS_HANDLE_SLOT;
  }
  if (handle->form == VS_HANDLE_SLOT || vs_arg_names_resource(handle)) handle->number = 0;
  handle->slot = vs_arg_names_slot(handle) ? handle->slot % VS_SLOTS : 0;
}

// Machine code of which nothing is known, not even its end, is none of ours.
static void tidy_entry(const vs_arch_info* arch, vs_arg* entry) {
  const uint8_t program = entry->slot % VS_PROGRAM_COUNT;
  vs_program_exit exit = vs_programs[program].exit;
  bool ports = exit == VS_PROGRAM_EXIT_IN || exit == VS_PROGRAM_EXIT_OUT;
  bool has = exit != VS_PROGRAM_EXIT_UNKNOWN && (!ports || arch->has_ports);
  if (entry->form % 2 == VS_ENTRY_RAW) {
    *entry = (vs_arg){.form = VS_ENTRY_RAW, .number = entry->number};
  } else {
    *entry = (vs_arg){.slot = has ? program : VS_PROGRAM_DUMP};
  }
}

static void tidy_argument(const vs_arch_info* arch, vs_op* op, const vs_param* param, vs_arg* arg) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return tidy_handle(op, param->object, arg);
    case VS_PARAM_ENTRY:
      return tidy_entry(arch, arg);
    case VS_PARAM_U32:
    case VS_PARAM_RIGHTS:
    case VS_PARAM_VECTOR:
    case VS_PARAM_KIND:
      arg->number = (uint32_t)arg->number;
      return;
    case VS_PARAM_TIME:
      // Not one to wait for.
      if ((int64_t)arg->number > DEADLINE_MAX) arg->number %= DEADLINE_MAX;
      return;
    default:
      if (param->type == VS_PARAM_OUT_HANDLE) arg->slot %= VS_SLOTS;
      if (vs_param_is_pointer(param->type)) tidy_pointer(arch, op, param->type, arg);
  }
}

// Only where one snapshot of the buffer could be accepted at all.
static void tidy_rewrite(const vs_arch_info* arch, vs_op* op) {
  vs_rewrite* r = &op->rewrite;
  size_t exact = exact_size(arch, op);
  bool sensible = is_write(op) && r->mode != VS_REWRITE_NONE && r->mode <= VS_REWRITE_FLIP &&
                  r->length > 0 && r->length <= sizeof r->bytes && r->offset + r->length <= exact &&
                  VS_OP_ARG(op, vcpu_write_state, buffer_size).number == exact &&
                  VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN;
  if (!sensible) *r = (vs_rewrite){0};
  if (sensible) memset(r->bytes + r->length, 0, sizeof r->bytes - r->length);
}

// Bytes that are the op's to say.
static size_t contents_of(const vs_op* op) {
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    uint8_t type = vs_ops[op->code].params[i].type;
    if (type == VS_PARAM_IN || type == VS_PARAM_IN_PACKET) return size_of(type, &op->args[i]);
  }
  return 0;
}

void vs_sense_tidy(const vs_arch_info* arch, vs_op* op) {
  const vs_param* params = vs_ops[op->code].params;
  for (size_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    tidy_argument(arch, op, &params[i], &op->args[i]);
  }
  size_t contents = contents_of(op);
  if (contents < VS_STATE_MAX) memset(op->bytes + contents, 0, VS_STATE_MAX - contents);
  tidy_rewrite(arch, op);
}

bool vs_sense_is_judged(const vs_op* op) {
  return vs_op_is_predicted(op);
}

// --- vCPUs ------------------------------------------------------------------------------------

// A slot other than `but` by which the vCPU can be kicked; VS_SLOTS: there is none.
static uint8_t kicking_slot(const vs_books* b, const vs_book_vcpu* v, uint8_t but) {
  uint8_t slot = 0;
  for (; slot != VS_SLOTS; slot++) {
    bool can = (b->slots[slot].rights & ZX_RIGHT_EXECUTE) != 0;
    if (can && slot != but && vs_books_vcpu(b, slot) == v) break;
  }
  return slot;
}

// Without the slot, nothing could end what runs.
static bool is_needed(const vs_books* b, uint8_t slot) {
  const vs_book_vcpu* v = vs_books_vcpu(b, slot);
  return v != NULL && vs_books_waits_for_kick(v) && kicking_slot(b, v, slot) == VS_SLOTS;
}

// True if its creator can make a call now.
static bool is_at_hand(const vs_books* b, const vs_book_vcpu* v) {
  return v->creator < VS_THREADS && !b->within[v->creator].busy && v->runs_on == 0;
}

static bool can_be_entered(const vs_sense* s, const vs_book_vcpu* v, bool async) {
  if (s->odd || v->stops || !v->runnable || !is_at_hand(&s->books, v)) return false;
  if (!vs_books_is_endless(v) || v->kicked) return true;
  return async && v->creator != 0 && kicking_slot(&s->books, v, VS_SLOTS) != VS_SLOTS;
}

// A guest of which it is certain that it gets to run.
static bool shows_life(const vs_book_vcpu* v) {
  return vs_books_waits_for_kick(v) && v->endless && !v->perhaps && !v->unsure;
}

static bool a_guest_runs(const vs_books* b) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (b->vcpus[i].live && b->vcpus[i].runs_on != 0) return true;
  }
  return false;
}

static bool has_vcpu(const vs_books* b, uint8_t thread) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (b->vcpus[i].live && b->vcpus[i].creator == thread) return true;
  }
  return false;
}

// --- slots ------------------------------------------------------------------------------------

// True if the slot's handle is of the parameter's type, and has the rights.
static bool is_fit(const vs_books* b, uint8_t slot, const vs_op* op, const vs_param* param) {
  const vs_object_type* type = &vs_object_types[vs_books_object(b, slot)->code];
  bool setup = vs_op_makes_object(op->code);
  return vs_books_fits(b, slot, param, setup ? type->rights : (zx_rights_t)param->value);
}

// True if the call is to come from another thread than the vCPU's, which refuses it.
static bool is_of_stranger(const vs_books* b, const vs_op* op, const vs_book_vcpu* v) {
  const bool gone = v->creator == VS_THREADS;
  return op->thread != v->creator &&
         (op->thread == VS_SENSE_AS_TOLD || gone || b->within[v->creator].busy);
}

// True if it is known that zx_vcpu_enter is refused: for the handle, or the thread.
static bool is_refused_entry(const vs_sense* s, const vs_op* op) {
  const vs_books* b = &s->books;
  const uint8_t slot = op->args[0].slot;
  const vs_book_vcpu* v = vs_books_vcpu(b, slot);
  if (op->args[0].form != VS_HANDLE_SLOT || vs_books_closed_last(b) == slot) return true;
  if (b->slots[slot].state != VS_BOOK_OPEN || vs_books_user(b, slot) != VS_THREADS) return false;
  return !is_fit(b, slot, op, &vs_ops[op->code].params[0]) ||
         (v != NULL && is_of_stranger(b, op, v));
}

// True if the argument may stay as it is: whatever the call makes of it, nothing is entered that
// does not leave, and nothing closed that is needed.
static bool may_stay(const vs_sense* s, const vs_op* op, uint8_t parameter, bool odd) {
  const vs_books* b = &s->books;
  const uint8_t slot = op->args[parameter].slot;
  if (op->code >= VS_CALL_COUNT || vs_ops[op->code].phase == VS_PHASE_SETUP) return false;
  if (!vs_books_is_filled(b, slot)) return false;
  if (closes(op)) return vs_books_closed_last(b) == slot;
  return op->code != VS_CALL_vcpu_enter || (!odd && is_refused_entry(s, op));
}

// True if the argument may name the slot.
static bool suits(const vs_sense* s, const vs_op* op, uint8_t parameter, uint8_t slot, bool odd) {
  const vs_books* b = &s->books;
  const vs_book_vcpu* v = vs_books_vcpu(b, slot);
  const vs_book_object* object = vs_books_object(b, slot);
  if (closes(op) && (b->slots[slot].memory || is_needed(b, slot))) return false;
  if (odd && op->code != VS_CALL_vcpu_enter) return vs_books_is_filled(b, slot);
  if (!is_fit(b, slot, op, &vs_ops[op->code].params[parameter])) return false;
  switch (op->code) {
    case VS_OP_guest_load:
      return parameter == VS_ARG(guest_load, guest)
                 ? !object->loaded
                 : object->guest == vs_books_object(b, op->args[0].slot)->guest;
    case VS_CALL_vcpu_read_state:
      return v != NULL && is_at_hand(b, v);
    case VS_CALL_vcpu_enter:
      return v != NULL && can_be_entered(s, v, op->async);
    case VS_OP_await_guest:
      return v != NULL && shows_life(v);
    case VS_CALL_vcpu_kick:
    case VS_CALL_vcpu_interrupt:
      return v != NULL;
    default:
      return true;
  }
}

// Not what the op fills already, nor what a call that runs still names: it would not be known whom
// it means.
static bool is_free(const vs_sense* s, const vs_op* op, uint8_t parameter, uint8_t slot) {
  const vs_books* b = &s->books;
  for (uint8_t i = 0; i < parameter; i++) {
    bool out = vs_ops[op->code].params[i].type == VS_PARAM_OUT_HANDLE;
    if (out && op->args[i].slot == slot) return false;
  }
  uint8_t state = b->slots[slot].state;
  bool holds = state != VS_BOOK_EMPTY && state != VS_BOOK_CLOSED;
  return !holds && vs_books_user(b, slot) == VS_THREADS;
}

// From the wished slot on, the first that will do. False: none does.
static bool mend_slot(const vs_sense* s, vs_op* op, uint8_t parameter, bool odd) {
  const uint8_t wish = op->args[parameter].slot;
  bool out = vs_ops[op->code].params[parameter].type == VS_PARAM_OUT_HANDLE;
  if (!out && may_stay(s, op, parameter, odd)) return true;
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    uint8_t slot = (uint8_t)((wish + i) % VS_SLOTS);
    bool good = out ? is_free(s, op, parameter, slot) : suits(s, op, parameter, slot, odd);
    if (!good) continue;
    op->args[parameter].slot = slot;
    return true;
  }
  return false;
}

static bool mend_slots(const vs_sense* s, vs_op* op, bool odd) {
  const vs_param* params = vs_ops[op->code].params;
  unsigned made = 0;
  for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    bool names = params[i].type == VS_PARAM_HANDLE && vs_arg_names_slot(&op->args[i]);
    bool fills = params[i].type == VS_PARAM_OUT_HANDLE;
    made += fills && params[i].object != ZX_OBJ_TYPE_NONE;
    if ((names || fills) && !mend_slot(s, op, i, odd)) return false;
  }
  return made == 0 || made <= vs_books_room(&s->books);
}

// --- threads ----------------------------------------------------------------------------------

// Thread 0 is never busy.
static uint8_t idle_thread(const vs_books* b, uint8_t wish) {
  while (b->within[wish].busy) wish = (uint8_t)((wish + 1) % VS_THREADS);
  return wish;
}

// For zx_vcpu_enter it is a wish: its thread is not known yet.
static bool may_be_async(const vs_sense* s, const vs_op* op, bool odd) {
  const vs_phase phase = vs_ops[op->code].phase;
  if (!op->async || op->code >= VS_CALL_COUNT || vs_op_makes_object(op->code)) return false;
  if (odd && phase != VS_PHASE_RECORDED) return false;
  if (op->code == VS_CALL_vcpu_enter) return true;
  if (op->code == VS_CALL_vcpu_read_state || op->code == VS_CALL_handle_duplicate) return false;
  return op->thread != 0 && s->books.beside < BESIDE_MAX;
}

// A thread has one vCPU at most.
static bool find_creator(const vs_books* b, vs_op* op) {
  unsigned vcpus = 0;
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) vcpus += b->vcpus[i].live;
  for (unsigned i = 0; i < VS_THREADS && vcpus < VS_BOOKS_VCPUS; i++) {
    if (!b->within[op->thread].busy && !has_vcpu(b, op->thread)) return true;
    op->thread = (uint8_t)((op->thread + 1) % VS_THREADS);
  }
  return false;
}

// To the thread that may make the call, if the handle is a vCPU's by which it can be made.
static void bring_to_creator(const vs_books* b, vs_op* op) {
  const vs_book_vcpu* v = vs_books_vcpu(b, op->args[0].slot);
  const bool fit = is_fit(b, op->args[0].slot, op, &vs_ops[op->code].params[0]);
  if (op->args[0].form != VS_HANDLE_SLOT || v == NULL || !fit) {
    op->async = false;
    return;
  }
  if (is_of_stranger(b, op, v)) {
    op->async = false;
    return;
  }
  op->thread = v->creator;
  op->async &= op->thread != 0;
}

// What the other arguments decide.
static bool settle(vs_sense* s, vs_op* op, bool odd) {
  const vs_books* b = &s->books;
  const bool as_told = odd || op->thread == VS_SENSE_AS_TOLD;
  switch (op->code) {
    case VS_CALL_vcpu_create:
      return as_told || find_creator(b, op);
    case VS_CALL_vcpu_read_state:
      if (!as_told) bring_to_creator(b, op);
      return true;
    case VS_CALL_vcpu_enter:
      bring_to_creator(b, op);
      return true;
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace: {
      vs_arg* rights = &VS_OP_ARG(op, handle_duplicate, rights);
      if (rights->number != ZX_RIGHT_SAME_RIGHTS && !as_told)
        rights->number &= b->slots[op->args[0].slot].rights;
      return true;
    }
    case VS_CALL_vcpu_write_state:
      if (op->async || s->rewritten == REWRITTEN_MAX) op->rewrite = (vs_rewrite){0};
      if (op->rewrite.mode != VS_REWRITE_NONE) s->rewritten++;
      return true;
    default:
      return true;
  }
}

// --- ops that are no call -----------------------------------------------------------------------

// The vCPU whose guest the busy thread runs, or NULL.
static const vs_book_vcpu* run_by(const vs_books* b, uint8_t thread) {
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    if (b->vcpus[i].live && b->vcpus[i].runs_on == 1 + thread) return &b->vcpus[i];
  }
  return NULL;
}

static bool can_join(const vs_books* b, uint8_t thread) {
  const vs_book_vcpu* v = run_by(b, thread);
  return b->within[thread].busy && (v == NULL || !vs_books_waits_for_kick(v));
}

static bool can_end(const vs_books* b, uint8_t thread) {
  return thread != 0 && !b->within[thread].busy;
}

// From the wished thread on, the first of which the op can be.
static bool admit_of_thread(vs_sense* s, vs_op* op) {
  const vs_books* b = &s->books;
  for (unsigned i = 0; i < VS_THREADS; i++) {
    uint8_t thread = (uint8_t)((op->thread + i) % VS_THREADS);
    bool can = op->code == VS_OP_join ? can_join(b, thread) : can_end(b, thread);
    if (!can) continue;
    op->thread = thread;
    op->async = false;
    vs_books_note(&s->books, op, 0);
    return true;
  }
  return false;
}

// --- all of them ------------------------------------------------------------------------------

bool vs_sense_admit(vs_sense* s, vs_op* op) {
  op->code %= VS_OP_COUNT;
  op->thread %= VS_THREADS;
  vs_sense_tidy(s->books.arch, op);
  const bool odd = !vs_sense_is_judged(op);
  if (op->code == VS_OP_join || op->code == VS_OP_thread_exit) return admit_of_thread(s, op);
  if (odd && a_guest_runs(&s->books)) return false;
  op->thread = idle_thread(&s->books, op->thread);
  op->async = may_be_async(s, op, odd);
  if (!mend_slots(s, op, odd) || !settle(s, op, odd)) return false;
  s->odd |= odd;
  vs_books_note(&s->books, op, 0);
  return true;
}

size_t vs_sense_open_end(const vs_sense* sense) {
  const vs_books* b = &sense->books;
  size_t count = 0;
  for (size_t i = 0; i < VS_THREADS; i++) count += b->within[i].busy;
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    count += b->vcpus[i].live && vs_books_waits_for_kick(&b->vcpus[i]);
  }
  return count;
}

size_t vs_sense_end(vs_sense* sense, vs_op* ops) {
  const vs_books* b = &sense->books;
  size_t count = 0;
  for (size_t i = 0; i < VS_BOOKS_VCPUS; i++) {
    const vs_book_vcpu* v = &b->vcpus[i];
    if (!v->live || !vs_books_waits_for_kick(v)) continue;
    ops[count] = vs_op_new(VS_CALL_vcpu_kick, b->arch);
    ops[count].args[0] = vs_arg_slot(kicking_slot(b, v, VS_SLOTS));
    count += vs_sense_admit(sense, &ops[count]);
  }
  for (uint8_t thread = 0; thread != VS_THREADS; thread++) {
    if (!b->within[thread].busy) continue;
    ops[count] = vs_op_new(VS_OP_join, b->arch);
    ops[count].thread = thread;
    count += vs_sense_admit(sense, &ops[count]);
  }
  return count;
}
