// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <time.h>

#include "executor.h"
#include "state.h"
#include "tables.h"

enum {
  IN_FILLER = 0x5a,
  OUT_FILLER =
      0xa5,  // and its complement in turn: what a call leaves out differs from call to call
  LIFE_TRIES = 2000,
  LIFE_PAUSE_NS = 500000,
  PAGE = 4096
};

bool vs_calls_have(const vs_calls* calls, vs_call_index call) {
  switch (call) {
#define VS_CALL(name, word, phase, text, ...) \
  case VS_CALL_##name:                        \
    return calls->name != NULL;
#include <vcpuspec/calls.def>
    default:
      return true;
  }
}

// A call as a function of numbers.
#define VS_PASS(type, name, object, value) (VS_C_##type)(uintptr_t) args->name
#define VS_CALL(name, word, phase, text, ...)                                      \
  static zx_status_t call_##name(const vs_calls* calls, const uint64_t* numbers) { \
    const struct vs_args_##name* args = (const void*)numbers;                      \
    return calls->name(VS_EACH(VS_PASS, __VA_ARGS__));                             \
  }
#include <vcpuspec/calls.def>

zx_status_t vs_calls_make(const vs_calls* calls, vs_call_index call, const uint64_t* numbers) {
  static zx_status_t (*const made[VS_CALL_COUNT])(const vs_calls*, const uint64_t*) = {
#define VS_CALL(name, word, phase, text, ...) [VS_CALL_##name] = call_##name,
#include <vcpuspec/calls.def>
  };
  return made[call](calls, numbers);
}

// --- handles ----------------------------------------------------------------------------------

enum { ANOTHER = 1 << 30 };  // the bit that makes another value of a resource's

static bool is_resource(const vs_executor* x, zx_handle_t value) {
  return value == x->resource || value == x->other_resource;
}

zx_handle_t vs_exec_value(vs_executor* x, const vs_arg* ref) {
  pthread_mutex_lock(&x->lock);
  zx_handle_t value = x->slots[ref->slot].value;
  pthread_mutex_unlock(&x->lock);
  zx_handle_t number = (zx_handle_t)ref->number;
  if (ref->form == VS_HANDLE_SLOT) return value;
  if (ref->form == VS_HANDLE_RESOURCE) return x->resource;
  if (ref->form == VS_HANDLE_OTHER_RESOURCE) return x->other_resource;
  if (ref->form == VS_HANDLE_CLEARED) number = value & ~number;
  if (ref->form == VS_HANDLE_FLIPPED) number = value ^ number;
  // A resource has a handle too, though no op made it: another bit makes another value.
  bool meets_resource = is_resource(x, number) && number != ZX_HANDLE_INVALID;
  return number ^ (meets_resource ? ANOTHER : 0);
}

static void fill_slot(vs_executor* executor, uint8_t at, zx_handle_t value, uint8_t guest,
                      zx_obj_type_t object) {
  pthread_mutex_lock(&executor->lock);
  executor->slots[at] = (vs_exec_slot){.value = value,
                                       .open = true,
                                       .filled = true,
                                       .missing = VS_NO_CALL,
                                       .guest = guest,
                                       .object = object};
  pthread_mutex_unlock(&executor->lock);
}

static void close_value(vs_executor* executor, zx_handle_t value, bool certain) {
  pthread_mutex_lock(&executor->lock);
  for (size_t i = 0; i < VS_SLOTS; i++) {
    vs_exec_slot* slot = &executor->slots[i];
    if (slot->value != value) continue;
    slot->perhaps = !certain && (slot->open || slot->perhaps);
    slot->open = false;
  }
  pthread_mutex_unlock(&executor->lock);
}

void vs_exec_forget_guest(vs_executor* x, vs_exec_guest* guest) {
  if (guest->memory != ZX_HANDLE_INVALID) x->calls->handle_close(guest->memory);
  *guest = (vs_exec_guest){.unloaded = VS_CALL_vmar_map};
}

// A record that no slot but `at`, which is about to be filled, refers to.
static uint8_t new_guest(vs_executor* x, uint8_t at) {
  bool taken[VS_SLOTS] = {false};
  for (size_t i = 0; i < VS_SLOTS; i++) {
    if (i != at && x->slots[i].filled) taken[x->slots[i].guest] = true;
  }
  uint8_t index = 0;
  while (index + 1 < VS_SLOTS && taken[index]) index++;
  vs_exec_forget_guest(x, &x->guests[index]);
  return index;
}

// The guest whose memory is behind what the op makes: its own, or that of the handle it names.
static uint8_t guest_of(vs_executor* x, const vs_op* op) {
  if (op->code == VS_CALL_guest_create) return new_guest(x, vs_op_out(op, 0)->slot);
  bool named =
      vs_ops[op->code].params[0].type == VS_PARAM_HANDLE && !vs_arg_names_resource(&op->args[0]);
  return named ? x->slots[op->args[0].slot].guest : vs_op_out(op, 0)->slot;
}

// Nothing could name what is still open there once the slot is filled again.
static void leave_slot(vs_executor* x, uint8_t slot) {
  if (vs_exec_may_be_open(&x->slots[slot])) x->calls->handle_close(x->slots[slot].value);
}

void vs_exec_not_filled(vs_executor* x, uint8_t slot, uint8_t missing) {
  if (x->slots[slot].open) return;
  leave_slot(x, slot);
  x->slots[slot] = (vs_exec_slot){.tried = true, .missing = missing};
}

// The op's slots got handles, or none came of it.
static void keep_handles(vs_executor* x, const vs_op* op, const vs_observation* seen) {
  const zx_handle_t values[] = {seen->handle, seen->handle2};
  uint8_t guest = seen->status == ZX_OK && vs_op_out(op, 0) != NULL ? guest_of(x, op) : 0;
  for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
    uint8_t slot = vs_op_out(op, i)->slot;
    if (seen->status == ZX_OK) {
      zx_obj_type_t object = vs_ops[op->code].params[vs_op_out(op, i) - op->args].object;
      if (object == ZX_OBJ_TYPE_NONE) object = x->slots[op->args[0].slot].object;
      leave_slot(x, slot);
      fill_slot(x, slot, values[i], guest, object);
    } else {
      vs_exec_not_filled(x, slot, seen->call);
    }
  }
}

// A handle that was closed, or replaced also where that was refused for the rights.
static void keep_closed(vs_executor* x, const vs_op* op, zx_handle_t named, zx_status_t status) {
  bool closes = op->code == VS_CALL_handle_close && status == ZX_OK;
  bool replaces = op->code == VS_CALL_handle_replace;
  if (closes || replaces) close_value(x, named, status == ZX_OK);
}

// --- a call's arguments -----------------------------------------------------------------------

// What is laid out for a call's pointers, one after the other.
typedef struct placed {
  size_t count;
  uint8_t parameters[VS_POINTERS_MAX];
  vs_laid laid[VS_POINTERS_MAX];
} placed;

static size_t length_of(uint8_t type, const vs_arg* arg) {
  size_t fixed = vs_fixed_length(type);
  return fixed > 0 ? fixed : arg->length;
}

static bool is_in(uint8_t type) {
  return type == VS_PARAM_IN || type == VS_PARAM_IN_PACKET;
}

static uint64_t place(vs_executor* x, const vs_op* op, uint8_t parameter, placed* p) {
  uint8_t type = vs_ops[op->code].params[parameter].type;
  const vs_arg* arg = &op->args[parameter];
  bool in = is_in(type);
  vs_laid* laid = &p->laid[p->count];
  vs_arena* arena = &x->arenas[op->thread][p->count];
  uint8_t filler = x->turns[op->thread]++ % 2 == 0 ? OUT_FILLER : OUT_FILLER ^ UINT8_MAX;
  *laid = vs_arena_place(arena, arg, length_of(type, arg), op->bytes, in ? VS_STATE_MAX : 0,
                         in ? IN_FILLER : filler);
  if (arena->failed) vs_exec_is_short(x, "memory for a buffer that can only be read");
  p->parameters[p->count++] = parameter;
  return (uintptr_t)laid->address;
}

static uint64_t entry_of(const vs_op* op, const vs_arg* entry) {
  if (entry->form == VS_ENTRY_RAW) return entry->number;
  bool own = entry->slot == VS_PROGRAM_CODE;
  return own ? vs_guest_own_entry(vs_op_out(op, 0)->slot) : vs_guest_entry(entry->slot);
}

// Where the resource's value is 0, 0 is not meant: another value that names nothing stands for it.
static zx_handle_t handle_of(vs_executor* x, const vs_param* param, const vs_arg* arg) {
  const zx_handle_t value = vs_exec_value(x, arg);
  const bool meets_resource =
      param->object == ZX_OBJ_TYPE_RESOURCE && !vs_arg_names_resource(arg) && value == x->resource;
  return value ^ (meets_resource ? ANOTHER : 0);
}

// What each parameter's argument is as a number. False: the memory could not be laid out.
static bool numbers_of(vs_executor* x, const vs_op* op, uint64_t* numbers, placed* p) {
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_arg* arg = &op->args[i];
    const vs_param* param = &vs_ops[op->code].params[i];
    const uint8_t type = param->type;
    numbers[i] = arg->number;
    if (type == VS_PARAM_HANDLE) numbers[i] = handle_of(x, param, arg);
    if (type == VS_PARAM_ENTRY) numbers[i] = entry_of(op, arg);
    if (vs_param_is_pointer(type)) numbers[i] = place(x, op, i, p);
  }
  return vs_executor_shortage(x) == NULL;
}

// --- what came of it --------------------------------------------------------------------------

// The bytes of a pointer's memory from its start, as far as they are there.
static bool take(const vs_laid* laid, void* to, size_t size) {
  size_t count = laid->count < size ? laid->count : size;
  bool whole = laid->filled && laid->there == laid->address;
  if (whole) memcpy(to, laid->there, count);
  return whole && count > 0;
}

static void take_out(uint8_t type, const vs_laid* laid, bool second, vs_observation* seen) {
  switch (type) {
    case VS_PARAM_OUT_HANDLE:
      take(laid, second ? &seen->handle2 : &seen->handle, sizeof seen->handle);
      return;
    case VS_PARAM_OUT:
      seen->has_state = take(laid, seen->state, sizeof seen->state);
      return;
    case VS_PARAM_OUT_PACKET:
      seen->has_packet = take(laid, &seen->packet, sizeof seen->packet);
      return;
    case VS_PARAM_OUT_U64:
      take(laid, &seen->number, sizeof seen->number);
      return;
    default:
      return;
  }
}

static bool was_changed(const vs_observation* seen, uint8_t parameter) {
  bool changed = false;
  for (size_t i = 0; i < seen->change_count; i++) {
    changed |= seen->changes[i].parameter == parameter;
  }
  return changed;
}

static bool is_known(vs_executor* x, zx_handle_t value) {
  bool known = value == ZX_HANDLE_INVALID || is_resource(x, value);
  pthread_mutex_lock(&x->lock);
  for (size_t i = 0; i < VS_SLOTS; i++) {
    known |= vs_exec_may_be_open(&x->slots[i]) && x->slots[i].value == value;
    known |= x->guests[i].memory == value;
  }
  pthread_mutex_unlock(&x->lock);
  return known;
}

// What a refused call has left where a new handle goes: ZX_HANDLE_INVALID, unless it is open.
static zx_handle_t take_left(vs_executor* x, const vs_laid* laid) {
  zx_handle_t value = ZX_HANDLE_INVALID;
  const bool may_be = take(laid, &value, sizeof value) && !is_known(x, value);
  return may_be && x->calls->handle_close(value) == ZX_OK ? value : ZX_HANDLE_INVALID;
}

static void observe(vs_executor* x, const vs_op* op, const placed* p, vs_observation* seen) {
  bool second = false;
  for (size_t i = 0; i < p->count; i++) {
    uint8_t type = vs_ops[op->code].params[p->parameters[i]].type;
    vs_arena_changes(&p->laid[i], p->parameters[i], seen);
    if (seen->status == ZX_OK) take_out(type, &p->laid[i], second, seen);
    const bool handle = type == VS_PARAM_OUT_HANDLE;
    if (handle && seen->status != ZX_OK && was_changed(seen, p->parameters[i])) {
      *(second ? &seen->handle2 : &seen->handle) = take_left(x, &p->laid[i]);
    }
    second |= handle;
  }
}

// Tells the backend what of this memory the call can reach. False: it cannot be told so.
static bool reach(vs_executor* x, const vs_region* regions, size_t count) {
  return x->reach == NULL || x->reach(regions, count);
}

static bool reach_placed(vs_executor* x, uint8_t thread, const placed* p) {
  vs_region regions[VS_POINTERS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < p->count; i++) {
    vs_region region = vs_arena_region(&x->arenas[thread][i], &p->laid[i]);
    if (region.length > 0) regions[count++] = region;
  }
  return reach(x, regions, count);
}

static bool reach_memory(vs_executor* x, const void* at, size_t size, bool writable) {
  enum { ROUND = PAGE - 1 };
  size_t pages = ((uintptr_t)at % PAGE + size + ROUND) / PAGE;
  vs_region region = {
      .address = (void*)(uintptr_t)at, .length = size, .pages = pages, .writable = writable};
  return reach(x, &region, 1);
}

// Where memory of our own goes to be reached from elsewhere: the implementation's side maps it at
// the same address, where it may have something of its own if that is an ordinary one.
static void* far_of(const vs_executor* x, uint8_t thread, void* here) {
  return x->far != NULL ? x->far + thread * (size_t)VS_EXEC_FAR : here;
}

// --- a call whose buffer is rewritten meanwhile -------------------------------------------------

typedef struct rewritten {
  vs_executor* x;
  const vs_op* op;
  uint64_t* numbers;
  uint8_t parameter;
} rewritten;

static zx_status_t make_at(void* context, void* address) {
  rewritten* r = context;
  r->numbers[r->parameter] = (uintptr_t)address;
  return vs_calls_make(r->x->calls, r->op->code, r->numbers);
}

// While another thread of this process writes over the buffer.
static bool rewrite_here(rewritten* r, vs_observation* seen) {
  vs_rewriter** rewriter = &r->x->rewriters[r->op->thread];
  if (*rewriter == NULL) *rewriter = vs_rewriter_open();
  if (*rewriter == NULL)
    return vs_exec_is_short(r->x, "memory, files or threads to rewrite a buffer");
  vs_rewritten_call call = {.make = make_at, .context = r, .op = r->op, .parameter = r->parameter};
  if (!vs_rewriter_call(*rewriter, &call))
    return vs_exec_is_short(r->x, "files or memory to hold a call, or to watch a buffer");
  seen->status = call.status;
  seen->held = call.rewritten;
  if (!call.changed) return true;
  seen->changes[seen->change_count++] =
      (vs_change){r->parameter, 0, (int16_t)r->op->args[r->parameter].length};
  return true;
}

// While the implementation's side does so: what is held there ends at a page's end.
static bool rewrite_there(rewritten* r, vs_observation* seen) {
  const vs_op* op = r->op;
  vs_arg at = op->args[r->parameter];
  at.at = op->rewrite.mode == VS_REWRITE_HELD ? VS_AT_CROSSING : VS_AT_PLAIN;
  at.argument = (uint16_t)(op->rewrite.offset + op->rewrite.length);
  vs_arena* arena = &r->x->arenas[op->thread][0];
  vs_laid laid = vs_arena_place(arena, &at, at.length, op->bytes, VS_STATE_MAX, IN_FILLER);
  vs_region region = vs_arena_region(arena, &laid);
  region.length -= (size_t)(laid.there - (uint8_t*)region.address);
  region.address = laid.there;
  region.rewrite = &op->rewrite;
  if (!reach(r->x, &region, 1)) return false;
  seen->status = make_at(r, laid.address);
  seen->held = r->x->held();
  vs_arena_changes(&laid, r->parameter, seen);
  return true;
}

// --- the ops ----------------------------------------------------------------------------------

// False: as of vs_exec_call.
static bool make_call(vs_executor* x, const vs_op* op, vs_observation* seen) {
  uint64_t numbers[VS_ARGS_MAX];
  placed p = {0};
  if (!numbers_of(x, op, numbers, &p)) return false;
  if (op->rewrite.mode != VS_REWRITE_NONE) {
    rewritten r = {x, op, numbers, vs_param_find(op->code, VS_PARAM_IN, 0)};
    bool made = x->reach != NULL ? rewrite_there(&r, seen) : rewrite_here(&r, seen);
    if (!made) return false;
  } else {
    if (x->reach != NULL && !reach_placed(x, op->thread, &p)) return false;
    seen->status = vs_calls_make(x->calls, op->code, numbers);
    observe(x, op, &p, seen);
  }
  keep_closed(x, op, (zx_handle_t)numbers[0], seen->status);
  keep_handles(x, op, seen);
  return true;
}

// What a guest leaves by: ports where there are some, else a page without memory.
static zx_status_t set_traps(vs_executor* x, const vs_op* op) {
  const zx_handle_t guest = vs_exec_value(x, &op->args[0]);
  zx_status_t status = ZX_OK;
  for (size_t i = 0; i < vs_program_trap_count && status == ZX_OK; i++) {
    const vs_program_trap* t = &vs_program_traps[i];
    if (t->arch != x->arch) continue;
    status = x->calls->guest_set_trap(guest, t->kind, t->first, t->size, ZX_HANDLE_INVALID,
                                      VS_TRAP_KEY(op->args[0].slot, t->first));
  }
  return status;
}

static zx_status_t map(vs_executor* x, const vs_op* op, zx_handle_t memory, zx_vaddr_t* at) {
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  const zx_handle_t vmar = vs_exec_value(x, &VS_OP_ARG(op, guest_load, vmar));
  reach_memory(x, at, sizeof *at, true);
  return x->calls->vmar_map(vmar, options, 0, memory, 0, VS_GUEST_MEMORY, at);
}

// A handle to memory has EXECUTE from the beginning, or is replaced by one that has. A backend that
// wants a resource for that refuses: there is none.
static bool make_executable(vs_executor* x, const vs_op* op, vs_exec_guest* guest) {
  zx_handle_t made = ZX_HANDLE_INVALID;
  zx_handle_t* out = far_of(x, op->thread, &made);
  if (x->calls->vmo_replace_as_executable == NULL) return false;
  *out = ZX_HANDLE_INVALID;
  reach_memory(x, out, sizeof *out, true);
  const zx_status_t status =
      x->calls->vmo_replace_as_executable(guest->memory, ZX_HANDLE_INVALID, out);
  guest->memory = status == ZX_OK ? *out : ZX_HANDLE_INVALID;
  return status == ZX_OK;
}

// The calls that bring the programs into the guest, in order; the first that fails ends it.
static zx_status_t load(vs_executor* x, const vs_op* op, vs_exec_guest* guest, uint8_t* call) {
  zx_vaddr_t mapped = 0;
  zx_handle_t* memory = far_of(x, op->thread, &guest->memory);
  zx_vaddr_t* at = far_of(x, op->thread, &mapped);
  uint8_t* far = far_of(x, op->thread, NULL);
  const uint8_t* image = far != NULL ? far : x->image;
  *call = VS_CALL_vmo_create;
  *memory = ZX_HANDLE_INVALID;
  reach_memory(x, memory, sizeof *memory, true);
  zx_status_t status = x->calls->vmo_create(VS_GUEST_MEMORY, 0, memory);
  guest->memory = *memory;
  if (status != ZX_OK) return status;
  *call = VS_CALL_vmo_write;
  if (far != NULL) memcpy(far, x->image, VS_GUEST_MEMORY);
  reach_memory(x, image, VS_GUEST_MEMORY, false);
  status = x->calls->vmo_write(guest->memory, image, 0, VS_GUEST_MEMORY);
  if (status != ZX_OK) return status;
  *call = VS_CALL_vmar_map;
  status = map(x, op, guest->memory, at);
  if (status == ZX_ERR_ACCESS_DENIED && make_executable(x, op, guest))
    status = map(x, op, guest->memory, at);
  if (status != ZX_OK) return status;
  *call = VS_CALL_guest_set_trap;
  return set_traps(x, op);
}

static void guest_load(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_guest* guest = &x->guests[x->slots[op->args[0].slot].guest];
  vs_exec_forget_guest(x, guest);
  seen->status = load(x, op, guest, &seen->call);
  guest->unloaded = seen->status == ZX_OK ? VS_NO_CALL : seen->call;
  if (seen->status != ZX_OK) return;
  seen->handle = guest->memory;
  const uint8_t slot = vs_op_out(op, 0)->slot;
  leave_slot(x, slot);
  fill_slot(x, slot, guest->memory, x->slots[op->args[0].slot].guest, ZX_OBJ_TYPE_VMO);
  x->slots[slot].open = false;  // the record closes it
}

// Brings the op's own machine code into the guest.
static zx_status_t load_code(vs_executor* x, const vs_op* op, zx_vaddr_t entry) {
  const vs_exec_guest* guest = &x->guests[x->slots[op->args[0].slot].guest];
  size_t length = VS_OP_ARG(op, vcpu_create, entry).length;
  size_t size = length < VS_STATE_MAX ? length : VS_STATE_MAX;
  uint8_t* code = far_of(x, op->thread, NULL);
  if (code == NULL) return x->calls->vmo_write(guest->memory, op->bytes, entry, size);
  memcpy(code, op->bytes, size);
  reach_memory(x, code, size, false);
  return x->calls->vmo_write(guest->memory, code, entry, size);
}

// The program's own machine code is brought into the guest first.
static bool vcpu_create(vs_executor* x, const vs_op* op, vs_observation* seen) {
  const vs_arg* entry = &VS_OP_ARG(op, vcpu_create, entry);
  if (entry->form == VS_ENTRY_PROGRAM && entry->slot == VS_PROGRAM_CODE) {
    seen->call = VS_CALL_vmo_write;
    seen->status = load_code(x, op, entry_of(op, entry));
    if (seen->status != ZX_OK) {
      keep_handles(x, op, seen);
      return true;
    }
    seen->call = VS_CALL_vcpu_create;
  }
  return make_call(x, op, seen);
}

static bool fetch(vs_executor* x, const vs_op* op, uint64_t from, void* to, size_t size) {
  const vs_exec_guest* guest = &x->guests[x->slots[op->args[0].slot].guest];
  void* at = far_of(x, op->thread, to);
  bool read = x->calls->vmo_read != NULL && reach_memory(x, at, size, true) &&
              x->calls->vmo_read(guest->memory, at, from, size) == ZX_OK;
  if (read && at != to) memcpy(to, at, size);
  return read;
}

// A guest that left by the dump's port or address has stored its registers.
static bool enter(vs_executor* x, const vs_op* op, vs_observation* seen) {
  if (!make_call(x, op, seen)) return false;
  if (!seen->has_packet) return true;
  const zx_port_packet_t* packet = &seen->packet;
  bool memory = packet->type == ZX_PKT_TYPE_GUEST_MEM;
  // The address stands first on every architecture.
  bool stored = memory && packet->guest_mem_arm64.addr == VS_MMIO_DUMP;
  bool out = packet->type == ZX_PKT_TYPE_GUEST_IO && packet->guest_io.port == VS_PORT_DUMP;
  seen->has_state = (out || stored) && fetch(x, op, VS_GUEST_DUMP, seen->state, x->state_size);
  return true;
}

static void await_guest(vs_executor* x, const vs_op* op, vs_observation* seen) {
  const struct timespec pause = {0, LIFE_PAUSE_NS};
  const uint8_t before = x->image[VS_GUEST_LIFE];
  uint8_t life = before;
  for (int i = 0; i < LIFE_TRIES && life == before; i++) {
    if (!fetch(x, op, VS_GUEST_LIFE, &life, 1)) break;
    if (life == before) nanosleep(&pause, NULL);
  }
  seen->status = life != before ? ZX_OK : ZX_ERR_TIMED_OUT;
}

bool vs_exec_call(vs_executor* x, const vs_op* op, vs_observation* seen) {
  switch (op->code) {
    case VS_OP_guest_load:
      guest_load(x, op, seen);
      return true;
    case VS_OP_await_guest:
      await_guest(x, op, seen);
      return true;
    case VS_CALL_vcpu_create:
      return vcpu_create(x, op, seen);
    case VS_CALL_vcpu_enter:
      return enter(x, op, seen);
    default:
      return make_call(x, op, seen);
  }
}

// --- what is missing --------------------------------------------------------------------------

static uint8_t missing_load(const vs_executor* x) {
  static const uint8_t needed[] = {VS_CALL_vmo_create, VS_CALL_vmo_write, VS_CALL_vmo_read,
                                   VS_CALL_vmar_map, VS_CALL_guest_set_trap};
  for (size_t i = 0; i < sizeof needed; i++) {
    if (!vs_calls_have(x->calls, needed[i])) return needed[i];
  }
  return VS_NO_CALL;
}

// The programs of IN and OUT need traps that the architecture does not have; a script's own code
// needs memory to lie in.
static uint8_t missing_program(const vs_executor* x, const vs_op* op) {
  const vs_arg* entry = &VS_OP_ARG(op, vcpu_create, entry);
  if (entry->form == VS_ENTRY_RAW) return VS_NO_CALL;
  if (!vs_guest_has(x->arch, entry->slot)) return VS_CALL_guest_set_trap;
  if (entry->slot != VS_PROGRAM_CODE) return VS_NO_CALL;
  return x->guests[x->slots[op->args[0].slot].guest].unloaded;
}

// Why a handle argument has no value; VS_NO_CALL: it has one.
static uint8_t missing_handle(const vs_executor* x, const vs_op* op) {
  uint8_t missing = VS_NO_CALL;
  for (uint8_t i = 0; i < VS_ARGS_MAX && missing == VS_NO_CALL; i++) {
    const vs_arg* arg = &op->args[i];
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    bool other = handle && arg->form == VS_HANDLE_OTHER_RESOURCE;
    bool slot = handle && vs_arg_names_slot(arg);
    const vs_exec_slot* named = &x->slots[arg->slot];
    if (slot && !named->filled) missing = named->tried ? named->missing : VS_UNFILLED;
    if (other && x->other_resource == ZX_HANDLE_INVALID) missing = VS_NO_OTHER_RESOURCE;
  }
  return missing;
}

uint8_t vs_exec_missing(const vs_executor* x, const vs_op* op) {
  uint8_t call = vs_call_of(op);
  if (!vs_calls_have(x->calls, call)) return call;
  uint8_t handle = missing_handle(x, op);
  if (handle != VS_NO_CALL) return handle;
  if (op->code == VS_OP_guest_load) return missing_load(x);
  if (op->code == VS_CALL_vcpu_create) return missing_program(x, op);
  bool runs = op->code == VS_CALL_vcpu_enter || op->code == VS_OP_await_guest;
  const vs_exec_slot* vcpu = &x->slots[op->args[0].slot];
  bool loaded = runs && vs_arg_names_slot(&op->args[0]) && vcpu->object == ZX_OBJ_TYPE_VCPU;
  return loaded ? x->guests[vcpu->guest].unloaded : VS_NO_CALL;
}
