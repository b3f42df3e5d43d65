// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "state.h"

enum { READ_FILLER = 0xa5, LIFE_TRIES = 2000, LIFE_PAUSE_NS = 500000, PAGE = 4096 };

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

// --- handles ----------------------------------------------------------------------------------

zx_handle_t vs_exec_value(vs_executor* x, vs_handle_ref ref) {
  pthread_mutex_lock(&x->lock);
  zx_handle_t value = x->slots[ref.slot].value;
  pthread_mutex_unlock(&x->lock);
  if (ref.form == VS_HANDLE_SLOT) return value;
  if (ref.form == VS_HANDLE_CLEARED) return value & ~ref.value;
  if (ref.form != VS_HANDLE_FLIPPED) return ref.value;
  // The resource is a handle too, though no op made it: another bit makes another value.
  bool meets_resource = (value ^ ref.value) == x->resource;
  return value ^ ref.value ^ (meets_resource ? UINT32_C(1) << 30 : 0);
}

static void fill_slot(vs_executor* executor, uint8_t at, zx_handle_t value, uint8_t guest) {
  pthread_mutex_lock(&executor->lock);
  executor->slots[at] = (vs_exec_slot){
      .value = value, .open = true, .filled = true, .missing = VS_NO_CALL, .guest = guest};
  pthread_mutex_unlock(&executor->lock);
}

void vs_exec_received(vs_executor* x, const vs_op* op, vs_observation* seen, zx_handle_t value,
                      uint8_t guest) {
  if (seen->status != ZX_OK) {
    x->slots[op->out] = (vs_exec_slot){.tried = true, .missing = seen->call};
    return;
  }
  seen->handle = value;
  fill_slot(x, op->out, value, guest);
}

void vs_exec_received_region(vs_executor* x, const vs_op* op, zx_handle_t region, uint8_t guest) {
  fill_slot(x, op->out2, region, guest);
}

void vs_exec_closed(vs_executor* executor, zx_handle_t value) {
  pthread_mutex_lock(&executor->lock);
  for (size_t i = 0; i < VS_SLOTS; i++) {
    if (executor->slots[i].value == value) executor->slots[i].open = false;
  }
  pthread_mutex_unlock(&executor->lock);
}

// --- what a call can reach --------------------------------------------------------------------

static bool reach(const vs_executor* x, const vs_region* regions, size_t count) {
  return x->reach == NULL || x->reach(regions, count);
}

static bool reach_bytes(const vs_executor* x, void* address, size_t length) {
  const vs_region region = {.address = address, .length = length, .writable = true};
  return reach(x, &region, 1);
}

// Where a thread's handles and packets go.
static zx_handle_t* own_handles(vs_executor* x, const vs_op* op) {
  zx_handle_t* own = (zx_handle_t*)(void*)x->arenas[op->thread].own;
  own[0] = own[1] = ZX_HANDLE_INVALID;
  reach_bytes(x, own, 2 * sizeof *own);
  return own;
}

// --- the ops ----------------------------------------------------------------------------------

void vs_exec_forget_guest(vs_executor* x, vs_exec_guest* guest) {
  if (guest->memory != ZX_HANDLE_INVALID) x->calls->handle_close(guest->memory);
  *guest = (vs_exec_guest){.unloaded = VS_CALL_vmar_map};
}

// A record that no slot but `at`, which is about to be filled, refers to.
uint8_t vs_exec_new_guest(vs_executor* x, uint8_t at) {
  bool taken[VS_SLOTS] = {false};
  for (size_t i = 0; i < VS_SLOTS; i++) {
    if (i != at && x->slots[i].filled) taken[x->slots[i].guest] = true;
  }
  uint8_t index = 0;
  while (index + 1 < VS_SLOTS && taken[index]) index++;
  vs_exec_forget_guest(x, &x->guests[index]);
  return index;
}

static void guest_create(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_handle_t* own = own_handles(x, op);
  seen->status = x->calls->guest_create(x->resource, ZX_GUEST_OPT_NORMAL, &own[0], &own[1]);
  zx_handle_t guest = own[0];
  zx_handle_t vmar = own[1];
  uint8_t index = vs_exec_new_guest(x, op->out);
  vs_exec_received(x, op, seen, guest, index);
  if (seen->status != ZX_OK) return;
  seen->handle2 = vmar;
  vs_exec_received_region(x, op, vmar, index);
}

// What a guest leaves by: ports where there are some, else a page without memory.
static zx_status_t set_traps(const vs_executor* x, zx_handle_t guest) {
  static const uint16_t ports[] = {VS_PORT_DUMP, VS_PORT_IN, VS_PORT_OUT};
  if (x->arch == VS_ARCH_ARM64) {
    return x->calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, VS_MMIO_DUMP, PAGE, ZX_HANDLE_INVALID,
                                    VS_MMIO_DUMP);
  }
  zx_status_t status = ZX_OK;
  for (size_t i = 0; i < sizeof ports / sizeof ports[0] && status == ZX_OK; i++) {
    status =
        x->calls->guest_set_trap(guest, ZX_GUEST_TRAP_IO, ports[i], 1, ZX_HANDLE_INVALID, ports[i]);
  }
  return status;
}

// The calls that bring the programs into the guest, in order; the first that fails ends it.
static zx_status_t load(vs_executor* x, const vs_op* op, vs_exec_guest* guest, uint8_t* call) {
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  zx_handle_t vmar = x->slots[op->out2].value;
  zx_handle_t* own = own_handles(x, op);
  *call = VS_CALL_vmo_create;
  zx_status_t status = x->calls->vmo_create(VS_GUEST_MEMORY, 0, own);
  guest->memory = own[0];
  if (status != ZX_OK) return status;
  *call = VS_CALL_vmo_write;
  // Far from where another process has memory of its own.
  void* far = mmap((void*)0x7e8f00000000, VS_GUEST_MEMORY, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (far == MAP_FAILED) return ZX_ERR_NO_MEMORY;
  memcpy(far, x->image, VS_GUEST_MEMORY);
  reach_bytes(x, far, VS_GUEST_MEMORY);
  status = x->calls->vmo_write(guest->memory, far, 0, VS_GUEST_MEMORY);
  munmap(far, VS_GUEST_MEMORY);
  if (status != ZX_OK) return status;
  *call = VS_CALL_vmar_map;
  own = own_handles(x, op);
  status = x->calls->vmar_map(vmar, options, 0, guest->memory, 0, VS_GUEST_MEMORY,
                              (zx_vaddr_t*)(void*)own);
  if (status != ZX_OK) return status;
  *call = VS_CALL_guest_set_trap;
  return set_traps(x, vs_exec_value(x, op->handle));
}

static void guest_load(vs_executor* x, const vs_op* op, vs_observation* seen) {
  vs_exec_guest* guest = &x->guests[x->slots[op->handle.slot].guest];
  vs_exec_forget_guest(x, guest);
  seen->status = load(x, op, guest, &seen->call);
  guest->unloaded = seen->status == ZX_OK ? VS_NO_CALL : seen->call;
  if (seen->status != ZX_OK) return;
  seen->handle = guest->memory;
  fill_slot(x, op->out, guest->memory, x->slots[op->handle.slot].guest);
  x->slots[op->out].open = false;  // the record closes it
}

// Brings the op's own machine code into the guest.
static zx_status_t load_code(vs_executor* x, const vs_op* op, zx_vaddr_t entry) {
  const vs_exec_guest* guest = &x->guests[x->slots[op->handle.slot].guest];
  size_t size = op->buffer.length < VS_STATE_MAX ? op->buffer.length : VS_STATE_MAX;
  void* own = x->arenas[op->thread].own;
  memcpy(own, op->buffer.bytes, size);
  reach_bytes(x, own, size > 0 ? size : 1);
  return x->calls->vmo_write(guest->memory, own, entry, size);
}

static void vcpu_create(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  bool own = op->program == VS_PROGRAM_CODE;
  zx_vaddr_t entry = own ? vs_guest_own_entry(op->out) : vs_guest_entry(op->program);
  if (own) {
    seen->call = VS_CALL_vmo_write;
    seen->status = load_code(x, op, entry);
  }
  if (seen->status == ZX_OK) {
    seen->call = VS_CALL_vcpu_create;
    zx_handle_t* handles = own_handles(x, op);
    seen->status = x->calls->vcpu_create(vs_exec_value(x, op->handle), 0, entry, handles);
    out = handles[0];
  }
  vs_exec_received(x, op, seen, out, x->slots[op->handle.slot].guest);
}

static void object_create(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_handle_t* out = own_handles(x, op);
  if (op->code == VS_OP_EVENT_CREATE) seen->status = x->calls->event_create(0, out);
  if (op->code == VS_OP_PORT_CREATE) seen->status = x->calls->port_create(0, out);
  if (op->code == VS_OP_VMO_CREATE) seen->status = x->calls->vmo_create(4096, 0, out);
  vs_exec_received(x, op, seen, *out, op->out);
}

static void derive(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_handle_t* out = own_handles(x, op);
  zx_handle_t from = vs_exec_value(x, op->handle);
  uint8_t guest = x->slots[op->handle.slot].guest;
  bool replace = op->code == VS_OP_REPLACE;
  seen->status = replace ? x->calls->handle_replace(from, op->rights, out)
                         : x->calls->handle_duplicate(from, op->rights, out);
  if (replace) vs_exec_closed(x, from);
  vs_exec_received(x, op, seen, *out, guest);
}

static void close_handle(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_handle_t value = vs_exec_value(x, op->handle);
  seen->status = x->calls->handle_close(value);
  if (seen->status == ZX_OK) vs_exec_closed(x, value);
}

static bool is_rewritten(const vs_op* op, const uint8_t* at) {
  for (size_t i = 0; i < op->buffer.length && i < VS_STATE_MAX; i++) {
    size_t k = i - op->rewrite.offset;
    bool other = i >= op->rewrite.offset && k < op->rewrite.length && at[i] == op->rewrite.bytes[k];
    if (at[i] != op->buffer.bytes[i] && !other) return false;
  }
  return true;
}

// While the other side writes over its copy of the buffer.
static void write_rewritten_there(vs_executor* x, const vs_op* op, vs_observation* seen) {
  size_t before = op->rewrite.offset + op->rewrite.length;
  bool held = op->rewrite.mode == VS_REWRITE_HELD && before < op->size &&
              op->size <= op->buffer.length && before < PAGE;
  vs_buffer place = op->buffer;
  place.at = held ? VS_AT_CROSSING : VS_AT_PLAIN;
  place.argument = (uint16_t)before;
  void* buffer = vs_arena_place(&x->arenas[op->thread], &place);
  vs_region region;
  vs_arena_region(&x->arenas[op->thread], &place, buffer, &region);
  region = (vs_region){buffer, op->buffer.length, true, &op->rewrite};
  if (!x->reach(&region, 1)) {
    seen->outcome = VS_UNSUPPORTED;
    return;
  }
  seen->status =
      x->calls->vcpu_write_state(vs_exec_value(x, op->handle), op->kind, buffer, (size_t)op->size);
  seen->held = x->held();
  seen->buffer_changed = !is_rewritten(op, buffer);
}

// While another thread writes over the buffer.
static void write_rewritten(vs_executor* x, const vs_op* op, vs_observation* seen) {
  if (x->reach != NULL) return write_rewritten_there(x, op, seen);
  vs_rewriter** rewriter = &x->rewriters[op->thread];
  if (*rewriter == NULL) *rewriter = vs_rewriter_open();
  if (*rewriter == NULL) {
    seen->status = ZX_ERR_NO_MEMORY;
    return;
  }
  vs_rewritten_call call = {
      .write = x->calls->vcpu_write_state, .handle = vs_exec_value(x, op->handle), .op = op};
  vs_rewriter_call(*rewriter, &call);
  seen->status = call.status;
  seen->held = call.rewritten;
  seen->buffer_changed = call.changed;
}

static void write_state(vs_executor* x, const vs_op* op, vs_observation* seen) {
  if (op->rewrite.mode != VS_REWRITE_NONE) return write_rewritten(x, op, seen);
  const void* buffer = vs_arena_place(&x->arenas[op->thread], &op->buffer);
  vs_region region;
  reach(x, &region, vs_arena_region(&x->arenas[op->thread], &op->buffer, buffer, &region));
  seen->status =
      x->calls->vcpu_write_state(vs_exec_value(x, op->handle), op->kind, buffer, (size_t)op->size);
  seen->buffer_changed = !vs_arena_unchanged(&op->buffer, buffer);
}

static void read_state(vs_executor* x, const vs_op* op, vs_observation* seen) {
  // Up to an unmapped page, so that a byte too many is a fault.
  vs_buffer place = {.at = VS_AT_EDGE, .length = (uint16_t)x->state_size};
  memset(place.bytes, READ_FILLER, sizeof place.bytes);
  void* buffer = vs_arena_place(&x->arenas[op->thread], &place);
  reach_bytes(x, buffer, x->state_size);
  seen->status =
      x->calls->vcpu_read_state(vs_exec_value(x, op->handle), ZX_VCPU_STATE, buffer, x->state_size);
  seen->has_state = seen->status == ZX_OK;
  if (seen->has_state) memcpy(seen->state, buffer, x->state_size);
}

static bool fetch(vs_executor* x, const vs_op* op, uint64_t from, void* to, size_t size) {
  const vs_exec_guest* guest = &x->guests[x->slots[op->handle.slot].guest];
  void* own = x->arenas[op->thread].own;
  reach_bytes(x, own, size);
  bool read =
      x->calls->vmo_read != NULL && x->calls->vmo_read(guest->memory, own, from, size) == ZX_OK;
  if (read) memcpy(to, own, size);
  return read;
}

static void enter(vs_executor* x, const vs_op* op, vs_observation* seen) {
  zx_port_packet_t packet;
  void* own = x->arenas[op->thread].own;
  memset(own, READ_FILLER, sizeof packet);
  reach_bytes(x, own, sizeof packet);
  seen->status = x->calls->vcpu_enter(vs_exec_value(x, op->handle), own);
  memcpy(&packet, own, sizeof packet);
  seen->has_packet = seen->status == ZX_OK;
  if (!seen->has_packet) return;
  seen->packet_type = packet.type;
  if (packet.type == ZX_PKT_TYPE_GUEST_IO) seen->io = packet.guest_io;
  bool memory = packet.type == ZX_PKT_TYPE_GUEST_MEM;
  // The address stands first on every architecture.
  seen->packet_addr = memory ? packet.guest_mem_arm64.addr : 0;
  bool out = packet.type == ZX_PKT_TYPE_GUEST_IO && packet.guest_io.port == VS_PORT_DUMP;
  bool dumped = out || (memory && seen->packet_addr == VS_MMIO_DUMP);
  seen->has_state = dumped && fetch(x, op, VS_GUEST_DUMP, seen->state, x->state_size);
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

void vs_exec_call(vs_executor* x, const vs_op* op, vs_observation* seen) {
  switch ((vs_op_code)op->code) {
    case VS_OP_GUEST_CREATE:
      return guest_create(x, op, seen);
    case VS_OP_GUEST_LOAD:
      return guest_load(x, op, seen);
    case VS_OP_VCPU_CREATE:
      return vcpu_create(x, op, seen);
    case VS_OP_CLOSE:
      return close_handle(x, op, seen);
    case VS_OP_DUPLICATE:
    case VS_OP_REPLACE:
      return derive(x, op, seen);
    case VS_OP_WRITE_STATE:
      return write_state(x, op, seen);
    case VS_OP_READ_STATE:
      return read_state(x, op, seen);
    case VS_OP_ENTER:
      return enter(x, op, seen);
    case VS_OP_KICK:
      seen->status = x->calls->vcpu_kick(vs_exec_value(x, op->handle));
      return;
    case VS_OP_INTERRUPT:
      seen->status = x->calls->vcpu_interrupt(vs_exec_value(x, op->handle), op->vector);
      return;
    case VS_OP_AWAIT_GUEST:
      return await_guest(x, op, seen);
    default:
      return object_create(x, op, seen);
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
  if (!vs_guest_has(x->arch, op->program)) return VS_CALL_guest_set_trap;
  if (op->program != VS_PROGRAM_CODE) return VS_NO_CALL;
  return x->guests[x->slots[op->handle.slot].guest].unloaded;
}

bool vs_exec_makes_handle(const vs_op* op) {
  return vs_op_makes_handle(op) && op->code != VS_OP_GUEST_LOAD;
}

uint8_t vs_exec_missing(const vs_executor* x, const vs_op* op) {
  uint8_t call = vs_call_of(op);
  if (!vs_calls_have(x->calls, call)) return call;
  const vs_exec_slot* named = &x->slots[op->handle.slot];
  if (vs_op_takes_handle(op) && !named->filled) return named->tried ? named->missing : VS_UNFILLED;
  if (op->code == VS_OP_GUEST_LOAD) return missing_load(x);
  if (op->code == VS_OP_VCPU_CREATE) return missing_program(x, op);
  bool runs = op->code == VS_OP_ENTER || op->code == VS_OP_AWAIT_GUEST;
  return runs ? x->guests[named->guest].unloaded : VS_NO_CALL;
}
