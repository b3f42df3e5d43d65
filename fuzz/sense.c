// SPDX-License-Identifier: BSD-3-Clause
#include "sense.h"

#include <string.h>

#include "text/calls.h"
#include "text/number.h"

enum {
  LENGTH_MAX = 2048,  // bytes; of a buffer
  PAGE = 4096,
  BESIDE_MAX = 2,    // more make more explanations than an oracle has room for
  REWRITTEN_MAX = 2  // likewise
};

void vs_sense_init(vs_sense* sense, const vs_arch_info* arch) {
  memset(sense, 0, sizeof *sense);
  sense->arch = arch;
}

// --- slots and objects ------------------------------------------------------------------------

// From the wished slot on, the first that `suits`; VS_SLOTS: none does.
typedef bool (*suits)(const vs_sense* s, uint8_t slot, const vs_op* op);

static uint8_t find_slot(const vs_sense* s, uint8_t wish, suits good, const vs_op* op) {
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    uint8_t slot = (uint8_t)((wish + i) % VS_SLOTS);
    if (good(s, slot, op)) return slot;
  }
  return VS_SLOTS;
}

static bool is_filled(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return s->slots[slot].state != VS_SENSE_EMPTY;
}
// Not what a call that runs still names: it would not be known whom it means.
static bool is_free(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  for (size_t i = 0; i < VS_THREADS; i++) {
    if (s->busy[i] && s->within[i].slot == slot) return false;
  }
  return s->slots[slot].state == VS_SENSE_EMPTY || s->slots[slot].state == VS_SENSE_CLOSED;
}
static bool is_second_free(const vs_sense* s, uint8_t slot, const vs_op* op) {
  return slot != op->out && is_free(s, slot, op);
}
static bool is_open(const vs_sense* s, uint8_t slot) {
  return s->slots[slot].state == VS_SENSE_OPEN;
}

static const vs_sense_object* object_of(const vs_sense* s, uint8_t slot) {
  return &s->objects[s->slots[slot].object];
}
// The vCPU that an open slot names; NULL: it names something else.
static const vs_sense_vcpu* vcpu_of(const vs_sense* s, uint8_t slot) {
  if (!is_open(s, slot) || object_of(s, slot)->code != VS_OBJECT_VCPU) return NULL;
  return &s->vcpus[object_of(s, slot)->vcpu];
}
static vs_sense_vcpu* vcpu_at(vs_sense* s, uint8_t slot) {
  return &s->vcpus[s->objects[s->slots[slot].object].vcpu];
}

static bool names(const vs_sense* s, uint8_t slot, vs_object_code code) {
  return is_open(s, slot) && object_of(s, slot)->code == code &&
         s->slots[slot].rights == vs_object_types[code].rights;
}

static uint8_t find_object(const vs_sense* s) {
  uint8_t i = 0;
  while (i < VS_SENSE_OBJECTS && s->objects[i].code != VS_OBJECT_FREE) i++;
  return i;
}

static bool has_room(const vs_sense* s, unsigned objects) {
  unsigned free = 0;
  for (size_t i = 0; i < VS_SENSE_OBJECTS; i++) free += s->objects[i].code == VS_OBJECT_FREE;
  return free >= objects;
}

static uint8_t add_object(vs_sense* s, uint8_t slot, vs_object_code code) {
  uint8_t at = find_object(s);
  s->objects[at] = (vs_sense_object){.code = (uint8_t)code, .handles = 1};
  s->slots[slot] =
      (vs_sense_slot){.state = VS_SENSE_OPEN, .object = at, .rights = vs_object_types[code].rights};
  return at;
}

static void drop_handle(vs_sense* s, uint8_t object) {
  vs_sense_object* o = &s->objects[object];
  if (--o->handles > 0) return;
  if (o->code == VS_OBJECT_VCPU) {
    vs_sense_vcpu* v = &s->vcpus[o->vcpu];
    if (v->runs_on != 0) return;  // it ends with the call
    v->live = false;
  }
  o->code = VS_OBJECT_FREE;
}

static void close_slot(vs_sense* s, uint8_t slot) {
  s->slots[slot].state = VS_SENSE_CLOSED;
  drop_handle(s, s->slots[slot].object);
}

// --- threads ----------------------------------------------------------------------------------

// Thread 0 is never busy.
static uint8_t idle_thread(const vs_sense* s, uint8_t wish) {
  while (s->busy[wish]) wish = (uint8_t)((wish + 1) % VS_THREADS);
  return wish;
}

static bool has_vcpu(const vs_sense* s, uint8_t thread) {
  for (size_t i = 0; i < VS_SENSE_VCPUS; i++) {
    if (s->vcpus[i].live && s->vcpus[i].creator == thread) return true;
  }
  return false;
}

// True if the guest runs on until somebody kicks it, and nobody has.
static bool waits_for_kick(const vs_sense_vcpu* v) {
  return v->runs_on != 0 && v->endless && !v->kicked;
}

// A slot other than `but` by which the vCPU can be kicked; VS_SLOTS: there is none.
static uint8_t kicking_slot(const vs_sense* s, const vs_sense_vcpu* v, uint8_t but) {
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    uint8_t slot = (uint8_t)i;
    bool can = slot != but && vcpu_of(s, slot) == v;
    if (can && (s->slots[slot].rights & ZX_RIGHT_EXECUTE) != 0) return slot;
  }
  return VS_SLOTS;
}

// Without the slot, nobody could end what runs.
static bool is_needed(const vs_sense* s, uint8_t slot) {
  const vs_sense_vcpu* v = vcpu_of(s, slot);
  return v != NULL && waits_for_kick(v) && kicking_slot(s, v, slot) == VS_SLOTS;
}

static bool may_run_beside(const vs_sense* s, const vs_op* op) {
  return op->async && op->thread != 0 && s->beside < BESIDE_MAX;
}

static void start(vs_sense* s, const vs_op* op) {
  s->busy[op->thread] = true;
  s->within[op->thread] = (vs_sense_call){op->code, op->args[0].slot, op->out};
  if (op->code != VS_CALL_vcpu_enter) s->beside++;
}

// --- setup ------------------------------------------------------------------------------------

static bool admit_guest_create(vs_sense* s, vs_op* op) {
  op->out = find_slot(s, op->out, is_free, op);
  if (op->out == VS_SLOTS || !has_room(s, 2)) return false;
  op->out2 = find_slot(s, op->out2, is_second_free, op);
  if (op->out2 == VS_SLOTS) return false;
  uint8_t guest = add_object(s, op->out, VS_OBJECT_GUEST);
  uint8_t vmar = add_object(s, op->out2, VS_OBJECT_VMAR);
  s->objects[guest].guest = s->objects[vmar].guest = s->guests++;
  return true;
}

static bool is_unloaded_guest(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return names(s, slot, VS_OBJECT_GUEST) && !object_of(s, slot)->loaded;
}
static bool is_its_vmar(const vs_sense* s, uint8_t slot, const vs_op* op) {
  uint8_t guest = object_of(s, op->args[0].slot)->guest;
  return names(s, slot, VS_OBJECT_VMAR) && object_of(s, slot)->guest == guest;
}
static bool is_guest(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return names(s, slot, VS_OBJECT_GUEST);
}

static bool admit_guest_load(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, is_unloaded_guest, op);
  if (op->args[0].slot == VS_SLOTS || !has_room(s, 1)) return false;
  op->out2 = find_slot(s, op->out2, is_its_vmar, op);
  op->out = find_slot(s, op->out, is_free, op);
  if (op->out == VS_SLOTS || op->out2 == VS_SLOTS) return false;
  uint8_t guest = s->slots[op->args[0].slot].object;
  add_object(s, op->out, VS_OBJECT_VMO);
  s->slots[op->out].memory = true;
  s->objects[guest].loaded = true;
  return true;
}

static bool has_program(const vs_sense* s, uint8_t program) {
  vs_program_exit exit = vs_programs[program].exit;
  if (program == VS_PROGRAM_CODE) return false;  // of which nothing is known, not even its end
  bool ports = exit == VS_PROGRAM_EXIT_IN || exit == VS_PROGRAM_EXIT_OUT;
  return !ports || s->arch->has_ports;
}

// Guest programs are for a guest's first vCPU: the others start in another mode, or share its
// memory.
static bool starts_as_expected(const vs_sense* s, uint8_t guest) {
  return s->objects[guest].loaded && !s->objects[guest].bred;
}

static bool admit_vcpu_create(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, is_guest, op);
  op->out = find_slot(s, op->out, is_free, op);
  if (op->args[0].slot == VS_SLOTS || op->out == VS_SLOTS || !has_room(s, 1)) return false;
  for (unsigned i = 0; i < VS_THREADS; i++) {
    if (!s->busy[op->thread] && !has_vcpu(s, op->thread)) break;
    op->thread = (uint8_t)((op->thread + 1) % VS_THREADS);
  }
  uint8_t index = 0;
  while (index < VS_SENSE_VCPUS && s->vcpus[index].live) index++;
  if (index == VS_SENSE_VCPUS || s->busy[op->thread] || has_vcpu(s, op->thread)) return false;
  if (!has_program(s, VS_OP_ARG(op, vcpu_create, entry).slot)) VS_OP_ARG(op, vcpu_create, entry).slot = VS_PROGRAM_DUMP;
  uint8_t guest = s->slots[op->args[0].slot].object;
  uint8_t object = add_object(s, op->out, VS_OBJECT_VCPU);
  s->objects[object].vcpu = index;
  s->vcpus[index] = (vs_sense_vcpu){.live = true,
                                    .runnable = starts_as_expected(s, guest),
                                    .endless = VS_OP_ARG(op, vcpu_create, entry).slot == VS_PROGRAM_SPIN,
                                    .creator = op->thread,
                                    .object = object};
  s->objects[guest].bred = true;
  return true;
}

static bool admit_object_create(vs_sense* s, vs_op* op) {
  op->out = find_slot(s, op->out, is_free, op);
  if (op->out == VS_SLOTS || !has_room(s, 1)) return false;
  vs_object_code code = op->code == VS_CALL_event_create  ? VS_OBJECT_EVENT
                        : op->code == VS_CALL_port_create ? VS_OBJECT_PORT
                                                        : VS_OBJECT_VMO;
  add_object(s, op->out, code);
  return true;
}

// --- handles ----------------------------------------------------------------------------------

static bool may_go(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return is_open(s, slot) && !s->slots[slot].memory && !is_needed(s, slot);
}
static bool may_be_copied(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return is_open(s, slot) && (s->slots[slot].rights & ZX_RIGHT_DUPLICATE) != 0;
}

// Whoever is about to enter by the slot may find it closed.
static void leave(vs_sense* s, uint8_t slot, bool async) {
  const vs_sense_vcpu* v = vcpu_of(s, slot);
  if (v != NULL && v->runs_on != 0) vcpu_at(s, slot)->unsure = true;
  if (async) {
    s->slots[slot].state = VS_SENSE_LEAVING;
  } else {
    close_slot(s, slot);
  }
}

static bool admit_close(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, may_go, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  op->async = may_run_beside(s, op);
  leave(s, op->args[0].slot, op->async);
  if (op->async) start(s, op);
  return true;
}

static bool admit_derive(vs_sense* s, vs_op* op) {
  bool replace = op->code == VS_CALL_handle_replace;
  op->args[0].slot = find_slot(s, op->args[0].slot, replace ? may_go : may_be_copied, op);
  op->out = find_slot(s, op->out, is_free, op);
  if (op->args[0].slot == VS_SLOTS || op->out == VS_SLOTS) return false;
  op->async = replace && may_run_beside(s, op);
  vs_sense_slot from = s->slots[op->args[0].slot];
  if (VS_OP_ARG(op, handle_duplicate, rights).number != ZX_RIGHT_SAME_RIGHTS) VS_OP_ARG(op, handle_duplicate, rights).number &= from.rights;
  from.rights = VS_OP_ARG(op, handle_duplicate, rights).number == ZX_RIGHT_SAME_RIGHTS ? from.rights : VS_OP_ARG(op, handle_duplicate, rights).number;
  from.state = op->async ? VS_SENSE_COMING : VS_SENSE_OPEN;
  from.memory = false;
  s->objects[from.object].handles++;
  if (replace) leave(s, op->args[0].slot, op->async);
  s->slots[op->out] = from;
  if (op->async) start(s, op);
  return true;
}

// --- vCPUs ------------------------------------------------------------------------------------

// True if the slot names a vCPU whose creator can do the op now.
static bool creator_can(const vs_sense* s, uint8_t slot, zx_rights_t right) {
  const vs_sense_vcpu* v = vcpu_of(s, slot);
  return v != NULL && (s->slots[slot].rights & right) != 0 && v->creator < VS_THREADS &&
         !s->busy[v->creator] && v->runs_on == 0;
}
static bool can_be_read(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return creator_can(s, slot, ZX_RIGHT_READ);
}
static bool can_be_entered(const vs_sense* s, uint8_t slot, const vs_op* op) {
  if (!creator_can(s, slot, ZX_RIGHT_EXECUTE)) return false;
  const vs_sense_vcpu* v = vcpu_of(s, slot);
  bool beside = op->async && v->creator != 0;
  if (v->stops || !v->runnable) return false;
  if (!v->endless || v->kicked) return true;
  return beside && kicking_slot(s, v, VS_SLOTS) != VS_SLOTS;
}

static bool admit_read(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, can_be_read, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  op->thread = vcpu_at(s, op->args[0].slot)->creator;
  op->async = false;
  return true;
}

static bool admit_enter(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, can_be_entered, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  vs_sense_vcpu* v = vcpu_at(s, op->args[0].slot);
  op->thread = v->creator;
  op->async &= op->thread != 0;
  if (!op->async) {
    v->kicked = v->perhaps = false;
    return true;
  }
  v->runs_on = (uint8_t)(1 + op->thread);
  v->unsure = false;
  start(s, op);
  return true;
}

static bool can_be_kicked(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return vcpu_of(s, slot) != NULL && (s->slots[slot].rights & ZX_RIGHT_EXECUTE) != 0;
}
static bool can_be_interrupted(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  return vcpu_of(s, slot) != NULL && (s->slots[slot].rights & ZX_RIGHT_SIGNAL) != 0;
}

// A kick that comes while the guest runs, and is not needed, may stay.
static void note_kick(vs_sense_vcpu* v, bool certain) {
  v->perhaps |= !certain || (v->runs_on != 0 && (v->kicked || !v->endless));
  v->kicked |= certain;
}

static bool admit_kick(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, can_be_kicked, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  op->async = may_run_beside(s, op);
  note_kick(vcpu_at(s, op->args[0].slot), !op->async);
  if (op->async) start(s, op);
  return true;
}

static bool admit_interrupt(vs_sense* s, vs_op* op) {
  op->args[0].slot = find_slot(s, op->args[0].slot, can_be_interrupted, op);
  op->async = may_run_beside(s, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  if (op->async) start(s, op);
  return true;
}

// A guest of which it is certain that it gets to run.
static bool shows_life(const vs_sense* s, uint8_t slot, const vs_op* op) {
  (void)op;
  const vs_sense_vcpu* v = vcpu_of(s, slot);
  return v != NULL && waits_for_kick(v) && !v->perhaps && !v->unsure;
}

static bool admit_await(vs_sense* s, vs_op* op) {
  op->async = false;
  op->args[0].slot = find_slot(s, op->args[0].slot, shows_life, op);
  return op->args[0].slot != VS_SLOTS;
}

// --- the call under test ----------------------------------------------------------------------

static uint64_t exact_size(const vs_arch_info* arch, const vs_op* op) {
  return VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO ? sizeof(zx_vcpu_io_t) : arch->state_size;
}

static void tidy_place(vs_buffer* b) {
  enum { LOWEST = 47, BITS = 64, KERNEL_ADDRESSES = 4 };
  switch ((vs_placement)b->at) {
    case VS_AT_MISALIGNED:
      b->argument %= PAGE;
      return;
    case VS_AT_CROSSING:
    case VS_AT_STRADDLE:
    case VS_AT_STRADDLE_HEAD:
    case VS_AT_STRADDLE_NONE:
    case VS_AT_USER_END:
    case VS_AT_WRAPPING:
      if (b->argument > b->length) b->argument = (uint16_t)(b->argument % (b->length + 1));
      return;
    case VS_AT_KERNEL:
      b->argument %= KERNEL_ADDRESSES;
      return;
    case VS_AT_NONCANONICAL:
      if (b->argument < LOWEST || b->argument >= BITS)
        b->argument = (uint16_t)(LOWEST + b->argument % (BITS - LOWEST));
      return;
    default:
      b->argument = 0;
  }
}

// Only where one snapshot of the buffer could be accepted at all.
static void tidy_rewrite(const vs_arch_info* arch, vs_op* op) {
  vs_rewrite* r = &op->rewrite;
  uint64_t exact = exact_size(arch, op);
  bool sensible = r->mode != VS_REWRITE_NONE && r->mode <= VS_REWRITE_FLIP && r->length > 0 &&
                  r->length <= sizeof r->bytes && r->offset + r->length <= exact &&
                  VS_OP_ARG(op, vcpu_write_state, kind).number <= ZX_VCPU_IO && VS_OP_ARG(op, vcpu_write_state, buffer_size).number == exact && VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN;
  if (!sensible) *r = (vs_rewrite){0};
  if (sensible) memset(r->bytes + r->length, 0, sizeof r->bytes - r->length);
}

void vs_sense_tidy_write(const vs_arch_info* arch, vs_op* op) {
  vs_buffer* b = &VS_OP_ARG(op, vcpu_write_state, buffer);
  uint64_t exact = exact_size(arch, op);
  b->at %= VS_PLACEMENT_COUNT;
  if (b->length > LENGTH_MAX) b->length = LENGTH_MAX;
  // What lies past the buffer is not laid out: nothing that a right implementation reads.
  if (VS_OP_ARG(op, vcpu_write_state, kind).number <= ZX_VCPU_IO && b->length < exact) b->length = (uint16_t)exact;
  if (b->length < VS_STATE_MAX) memset(b->bytes + b->length, 0, VS_STATE_MAX - (size_t)b->length);
  tidy_place(b);
  if (op->args[0].form != VS_HANDLE_RAW && op->args[0].number == 0) op->args[0].form = VS_HANDLE_SLOT;
  if (op->args[0].form == VS_HANDLE_SLOT) op->args[0].number = 0;
  if (op->args[0].form == VS_HANDLE_RAW) op->args[0].slot = 0;
  tidy_rewrite(arch, op);
}

// Whether what is written, or what it is rewritten to, may stop the guest.
static bool may_stop(const vs_sense* s, const vs_op* op) {
  const vs_register* reg = &s->arch->registers[s->arch->flags];
  if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE) return false;
  uint64_t flags = 0;
  memcpy(&flags, op->bytes + reg->offset, reg->width / 8u);
  bool rewritten = op->rewrite.offset + op->rewrite.length > reg->offset &&
                   op->rewrite.offset < reg->offset + reg->width / 8u;
  return rewritten || vs_calm_flags(s->arch, flags) != flags;
}

// True if the write is accepted for certain, and leaves no flag as it was.
static bool surely_calms(const vs_sense* s, const vs_op* op) {
  const vs_register* reg = &s->arch->registers[s->arch->flags];
  const vs_sense_vcpu* v = vcpu_of(s, op->args[0].slot);
  if (VS_OP_ARG(op, vcpu_write_state, kind).number != ZX_VCPU_STATE || op->args[0].form != VS_HANDLE_SLOT || v == NULL) return false;
  uint64_t flags = 0;
  memcpy(&flags, op->bytes + reg->offset, reg->width / 8u);
  bool open = (flags & s->arch->flags_gate) == s->arch->flags_gate;
  return open && VS_OP_ARG(op, vcpu_write_state, buffer_size).number == s->arch->state_size && VS_OP_ARG(op, vcpu_write_state, buffer).at == VS_AT_PLAIN &&
         v->creator == op->thread && v->runs_on == 0 && !op->async && s->beside == 0 &&
         (s->slots[op->args[0].slot].rights & ZX_RIGHT_WRITE) != 0;
}

static void note_flags(vs_sense* s, const vs_op* op) {
  bool stops = may_stop(s, op);
  uint8_t slot = op->args[0].slot;
  if (!stops && !surely_calms(s, op)) return;
  if (!stops) {
    vcpu_at(s, slot)->stops = false;
    return;
  }
  bool named = op->args[0].form == VS_HANDLE_SLOT;
  for (size_t i = 0; i < VS_SENSE_VCPUS; i++) {
    vs_sense_vcpu* v = &s->vcpus[i];
    bool other = named && (s->objects[s->slots[slot].object].code != VS_OBJECT_VCPU ||
                           s->slots[slot].object != v->object);
    if (!other) v->stops = true;
  }
}

static bool admit_write(vs_sense* s, vs_op* op) {
  op->async = may_run_beside(s, op);
  vs_sense_tidy_write(s->arch, op);
  bool slot = op->args[0].form != VS_HANDLE_RAW;
  if (slot) op->args[0].slot = find_slot(s, op->args[0].slot, is_filled, op);
  if (op->args[0].slot == VS_SLOTS) return false;
  if (op->async || s->rewritten == REWRITTEN_MAX) op->rewrite = (vs_rewrite){0};
  if (op->rewrite.mode != VS_REWRITE_NONE) s->rewritten++;
  note_flags(s, op);
  if (op->async) start(s, op);
  return true;
}

// --- joining ----------------------------------------------------------------------------------

static void end_enter(vs_sense* s, vs_sense_vcpu* v) {
  // A kick more than the one that ended it may stay.
  v->perhaps |= v->kicked && !v->endless;
  v->kicked = false;
  v->runs_on = 0;
  vs_sense_object* o = &s->objects[v->object];
  if (o->handles > 0) return;
  v->live = false;
  o->code = VS_OBJECT_FREE;
}

static vs_sense_vcpu* entered_on(vs_sense* s, uint8_t thread) {
  for (size_t i = 0; i < VS_SENSE_VCPUS; i++) {
    if (s->vcpus[i].live && s->vcpus[i].runs_on == 1 + thread) return &s->vcpus[i];
  }
  return NULL;
}

static void end_call(vs_sense* s, uint8_t thread) {
  const vs_sense_call* op = &s->within[thread];
  s->busy[thread] = false;
  if (op->code == VS_CALL_vcpu_enter) {
    vs_sense_vcpu* v = entered_on(s, thread);
    if (v != NULL) end_enter(s, v);
    return;
  }
  s->beside--;
  bool closes = op->code == VS_CALL_handle_close || op->code == VS_CALL_handle_replace;
  if (closes) close_slot(s, op->slot);
  if (op->code == VS_CALL_handle_replace) s->slots[op->out].state = VS_SENSE_OPEN;
}

static bool can_join(vs_sense* s, uint8_t thread) {
  if (!s->busy[thread]) return false;
  vs_sense_vcpu* v = s->within[thread].code == VS_CALL_vcpu_enter ? entered_on(s, thread) : NULL;
  return v == NULL || !waits_for_kick(v);
}

static bool admit_join(vs_sense* s, vs_op* op) {
  for (unsigned i = 0; i < VS_THREADS; i++) {
    uint8_t thread = (uint8_t)((op->thread + i) % VS_THREADS);
    if (!can_join(s, thread)) continue;
    *op = (vs_op){.code = VS_OP_join, .thread = thread, .optional = op->optional};
    end_call(s, thread);
    return true;
  }
  return false;
}

static bool admit_thread_exit(vs_sense* s, vs_op* op) {
  for (unsigned i = 0; i < VS_THREADS; i++) {
    uint8_t thread = (uint8_t)((op->thread + i) % VS_THREADS);
    if (thread == 0 || s->busy[thread]) continue;
    op->thread = thread;
    for (size_t k = 0; k < VS_SENSE_VCPUS; k++) {
      if (s->vcpus[k].creator == thread) s->vcpus[k].creator = VS_THREADS;
    }
    return true;
  }
  return false;
}

// --- all of them ------------------------------------------------------------------------------

static bool admit(vs_sense* s, vs_op* op) {
  switch (op->code) {
    case VS_CALL_guest_create:
      return admit_guest_create(s, op);
    case VS_OP_guest_load:
      return admit_guest_load(s, op);
    case VS_CALL_vcpu_create:
      return admit_vcpu_create(s, op);
    case VS_CALL_handle_close:
      return admit_close(s, op);
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      return admit_derive(s, op);
    case VS_CALL_vcpu_write_state:
      return admit_write(s, op);
    case VS_CALL_vcpu_read_state:
      return admit_read(s, op);
    case VS_CALL_vcpu_enter:
      return admit_enter(s, op);
    case VS_CALL_vcpu_kick:
      return admit_kick(s, op);
    case VS_CALL_vcpu_interrupt:
      return admit_interrupt(s, op);
    case VS_OP_await_guest:
      return admit_await(s, op);
    case VS_OP_join:
      return admit_join(s, op);
    case VS_OP_thread_exit:
      return admit_thread_exit(s, op);
    default:
      return admit_object_create(s, op);
  }
}

bool vs_sense_admit(vs_sense* sense, vs_op* op) {
  op->code %= VS_OP_COUNT;
  op->thread %= VS_THREADS;
  if (op->code != VS_CALL_vcpu_write_state) {
    op->args[0].form = VS_HANDLE_SLOT;
    op->args[0].number = 0;
  }
  if (op->code != VS_OP_join) op->thread = idle_thread(sense, op->thread);
  if (vs_ops[op->code].phase != VS_PHASE_JUDGED) op->async = false;
  return admit(sense, op);
}

size_t vs_sense_open_end(const vs_sense* sense) {
  size_t count = 0;
  for (size_t i = 0; i < VS_THREADS; i++) count += sense->busy[i];
  for (size_t i = 0; i < VS_SENSE_VCPUS; i++) {
    count += sense->vcpus[i].live && waits_for_kick(&sense->vcpus[i]);
  }
  return count;
}

size_t vs_sense_end(vs_sense* sense, vs_op* ops) {
  size_t count = 0;
  for (size_t i = 0; i < VS_SENSE_VCPUS; i++) {
    vs_sense_vcpu* v = &sense->vcpus[i];
    if (!v->live || !waits_for_kick(v)) continue;
    ops[count] = (vs_op){.code = VS_CALL_vcpu_kick, .handle.slot = kicking_slot(sense, v, VS_SLOTS)};
    count += vs_sense_admit(sense, &ops[count]);
  }
  for (unsigned thread = 0; thread < VS_THREADS; thread++) {
    if (!sense->busy[thread]) continue;
    ops[count] = (vs_op){.code = VS_OP_join, .thread = (uint8_t)thread};
    count += vs_sense_admit(sense, &ops[count]);
  }
  return count;
}
