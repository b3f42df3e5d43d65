// SPDX-License-Identifier: BSD-3-Clause
// Order of the checks: published Zircon x86 kernels from 2021 on.
#include "vcpu.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "guest.h"
#include "thread.h"
#include "user_copy.h"

// The flags that belong to the user: CF PF AF ZF SF TF DF OF NT AC ID. In a write bit 1, which is
// always set in the register, says whether the flags are meant at all.
static const uint64_t user_flags = 0x244dd5;
static const uint64_t flags_gate = 2;

typedef struct vcpu {
  vs_uc_object object;
  vs_uc_guest* guest;   // with a reference
  vs_uc_thread* owner;  // with a reference; never changes
  int number;           // within the guest; all but 0 start in real mode
  bool can_run;
  vs_uc_engine engine;  // the owner's, but for `kicked`
  pthread_mutex_t kick_lock;
  pthread_cond_t kick_signal;  // for a vCPU that waits in HLT
} vcpu;

static zx_status_t resolve(zx_handle_t handle, zx_rights_t rights, vcpu** out) {
  vs_uc_object* object = NULL;
  const zx_status_t status = vs_uc_resolve(handle, ZX_OBJ_TYPE_VCPU, rights, &object);
  *out = (vcpu*)object;
  return status;
}

// ---- Creation and destruction.

// The thread comes last: once it may create again, everything else of this vCPU is gone.
static void vcpu_destroy(vs_uc_object* object) {
  vcpu* v = (vcpu*)object;
  vs_uc_engine_close(&v->engine);
  vs_uc_guest_return_number(v->guest, v->number);
  vs_uc_unref(&v->guest->object);
  atomic_store(&v->owner->has_vcpu, false);
  vs_uc_thread_unref(v->owner);
  pthread_cond_destroy(&v->kick_signal);
  pthread_mutex_destroy(&v->kick_lock);
  free(v);
}

// Whether a segment can start at an entry.
static bool has_real_mode(zx_vaddr_t entry) {
  return entry < 0x100000 && entry % 16 == 0;
}

// Takes over, on success only: the thread's claim and the number.
static vcpu* vcpu_new(vs_uc_guest* guest, vs_uc_thread* owner, int number, zx_vaddr_t entry) {
  vcpu* v = calloc(1, sizeof *v);
  const bool real = number != 0 && has_real_mode(entry);
  if (v == NULL || !vs_uc_engine_open(&v->engine, &guest->aspace, entry, real)) {
    free(v);
    return NULL;
  }
  vs_uc_object_init(&v->object, ZX_OBJ_TYPE_VCPU, vcpu_destroy);
  vs_uc_ref(&guest->object);
  vs_uc_thread_ref(owner);
  v->guest = guest;
  v->owner = owner;
  v->number = number;
  v->can_run = number == 0 || real;
  pthread_mutex_init(&v->kick_lock, NULL);
  pthread_cond_init(&v->kick_signal, NULL);
  return v;
}

static zx_status_t create_for(vs_uc_guest* guest, vs_uc_thread* owner, zx_vaddr_t entry,
                              vcpu** out) {
  const int number = vs_uc_guest_take_number(guest);
  if (number < 0) return ZX_ERR_NO_RESOURCES;
  *out = vcpu_new(guest, owner, number, entry);
  if (*out == NULL) vs_uc_guest_return_number(guest, number);
  return *out != NULL ? ZX_OK : ZX_ERR_NO_MEMORY;
}

static zx_status_t create(vs_uc_guest* guest, zx_vaddr_t entry, zx_handle_t* out) {
  if (entry >> VS_UC_ASPACE_BITS != 0) return ZX_ERR_INVALID_ARGS;
  vs_uc_thread* self = vs_uc_thread_self();
  if (self == NULL) return ZX_ERR_NO_MEMORY;
  if (atomic_exchange(&self->has_vcpu, true)) return ZX_ERR_BAD_STATE;
  vcpu* v = NULL;
  const zx_status_t status = create_for(guest, self, entry, &v);
  if (status == ZX_OK) return vs_uc_publish(&v->object, ZX_DEFAULT_VCPU_RIGHTS, out);
  atomic_store(&self->has_vcpu, false);
  return status;
}

zx_status_t vs_uc_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                              zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_uc_object* object = NULL;
  zx_status_t status = vs_uc_resolve(guest, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_MANAGE_THREAD, &object);
  if (status != ZX_OK) return status;
  status = create((vs_uc_guest*)object, entry, out);
  vs_uc_unref(object);
  return status;
}

// ---- Running.

static void wait_for_kick(vcpu* v) {
  pthread_mutex_lock(&v->kick_lock);
  while (!atomic_load(&v->engine.kicked)) pthread_cond_wait(&v->kick_signal, &v->kick_lock);
  pthread_mutex_unlock(&v->kick_lock);
}

// The guest is before its IN or OUT. Without a trap it stays there; with one it is moved behind it,
// and an IN of four bytes clears RAX now, since the later write of ZX_VCPU_IO extends nothing.
static zx_status_t leave_for_io(vcpu* v, zx_port_packet_t* packet) {
  vs_uc_engine* engine = &v->engine;
  const vs_uc_insn* insn = &engine->insn;
  zx_packet_guest_io_t* io = &packet->guest_io;
  io->port = insn->port_in_dx ? vs_uc_engine_dx(engine) : insn->port;
  io->access_size = insn->access_size;
  io->input = insn->input;
  if (!vs_uc_guest_find_trap(v->guest, io->port, &packet->key)) return ZX_ERR_NOT_FOUND;
  packet->type = ZX_PKT_TYPE_GUEST_IO;
  engine->rip += insn->length;
  if (!insn->input) {
    const uint64_t rax = vs_uc_engine_rax(engine);
    memcpy(io->data, &rax, insn->access_size);
  } else if (insn->access_size == 4) {
    vs_uc_engine_set_rax(engine, 0);
  }
  return ZX_OK;
}

static zx_status_t run(vcpu* v, zx_port_packet_t* packet) {
  for (;;) {
    if (atomic_load(&v->engine.kicked) && atomic_exchange(&v->engine.kicked, false)) {
      return ZX_ERR_CANCELED;
    }
    switch (vs_uc_engine_run(&v->engine)) {
      case VS_UC_EXIT_ATTENTION:
        break;
      case VS_UC_EXIT_HLT:
        wait_for_kick(v);
        break;
      case VS_UC_EXIT_IO:
        return leave_for_io(v, packet);
      case VS_UC_EXIT_STRING_IO:
        return ZX_ERR_NOT_SUPPORTED;
      default:
        return ZX_ERR_BAD_STATE;
    }
  }
}

// The packet is only touched once the guest has run, hence a bad pointer costs an exit.
static zx_status_t enter(vcpu* v, zx_port_packet_t* user_packet) {
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  if (!v->can_run) return ZX_ERR_NOT_SUPPORTED;
  zx_port_packet_t packet = {0};
  const zx_status_t status = run(v, &packet);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(user_packet, &packet, sizeof packet) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_uc_vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  vcpu* v = NULL;
  zx_status_t status = resolve(handle, ZX_RIGHT_EXECUTE, &v);
  if (status != ZX_OK) return status;
  status = enter(v, packet);
  vs_uc_unref(&v->object);
  return status;
}

zx_status_t vs_uc_vcpu_kick(zx_handle_t handle) {
  vcpu* v = NULL;
  const zx_status_t status = resolve(handle, ZX_RIGHT_EXECUTE, &v);
  if (status != ZX_OK) return status;
  pthread_mutex_lock(&v->kick_lock);
  atomic_store(&v->engine.kicked, true);
  pthread_cond_signal(&v->kick_signal);
  pthread_mutex_unlock(&v->kick_lock);
  vs_uc_unref(&v->object);
  return ZX_OK;
}

// ---- State.

static zx_status_t read_state(vcpu* v, uint32_t kind, void* buffer, size_t size) {
  zx_vcpu_state_x64_t state;
  if (kind != ZX_VCPU_STATE || size != sizeof state) return ZX_ERR_INVALID_ARGS;
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  vs_uc_engine_read(&v->engine, &state);
  state.rflags &= user_flags;
  return vs_copy_to_user(buffer, &state, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_uc_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  vcpu* v = NULL;
  zx_status_t status = resolve(handle, ZX_RIGHT_READ, &v);
  if (status != ZX_OK) return status;
  status = read_state(v, kind, buffer, size);
  vs_uc_unref(&v->object);
  return status;
}

static void apply_state(vcpu* v, zx_vcpu_state_x64_t* state) {
  const uint64_t old = vs_uc_engine_rflags(&v->engine);
  const uint64_t mask = (state->rflags & flags_gate) != 0 ? user_flags : 0;
  state->rflags = (old & ~mask) | (state->rflags & mask);
  vs_uc_engine_write(&v->engine, state);
}

// The low bytes of RAX are replaced, the others stay, whatever the size: nothing is extended.
static zx_status_t apply_io(vcpu* v, const zx_vcpu_io_t* io) {
  switch (io->access_size) {
    case 1:
    case 2:
    case 4:
      break;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
  uint64_t rax = vs_uc_engine_rax(&v->engine);
  memcpy(&rax, io->data, io->access_size);
  vs_uc_engine_set_rax(&v->engine, rax);
  return ZX_OK;
}

static zx_status_t write_state(vcpu* v, uint32_t kind, const void* buffer, size_t size) {
  union {
    zx_vcpu_state_x64_t state;
    zx_vcpu_io_t io;
  } fetched;
  size_t expected = 0;
  switch (kind) {
    case ZX_VCPU_STATE:
      expected = sizeof fetched.state;
      break;
    case ZX_VCPU_IO:
      expected = sizeof fetched.io;
      break;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
  if (size != expected) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&fetched, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  if (kind == ZX_VCPU_IO) return apply_io(v, &fetched.io);
  apply_state(v, &fetched.state);
  return ZX_OK;
}

zx_status_t vs_uc_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                   size_t size) {
  vcpu* v = NULL;
  zx_status_t status = resolve(handle, ZX_RIGHT_WRITE, &v);
  if (status != ZX_OK) return status;
  status = write_state(v, kind, buffer, size);
  vs_uc_unref(&v->object);
  return status;
}
