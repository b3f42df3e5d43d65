// SPDX-License-Identifier: BSD-3-Clause
// Order of the checks: published Zircon kernels, x86 from 2021 on and arm64.
#include "vcpu.h"

#include <stdlib.h>

#include "engine.h"
#include "guest.h"
#include "thread.h"
#include "user_copy.h"

typedef struct vcpu {
  vs_uc_object object;
  vs_uc_guest* guest;       // with a reference
  vs_uc_thread* owner;      // with a reference; never changes
  int number;               // within the guest
  vs_uc_engine engine;      // the owner's, but for `kicked`
  atomic_bool interrupted;  // ever: no guest takes an interrupt here
  pthread_mutex_t kick_lock;
  pthread_cond_t kick_signal;  // for a vCPU that waits in HLT or WFI
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

// Takes over, on success only: the thread's claim and the number.
static vcpu* vcpu_new(vs_uc_guest* guest, vs_uc_thread* owner, int number, zx_vaddr_t entry) {
  vcpu* v = calloc(1, sizeof *v);
  if (v == NULL || !vs_uc_engine_open(&v->engine, guest, entry, number)) {
    free(v);
    return NULL;
  }
  vs_uc_object_init(&v->object, ZX_OBJ_TYPE_VCPU, vcpu_destroy);
  vs_uc_ref(&guest->object);
  vs_uc_thread_ref(owner);
  v->guest = guest;
  v->owner = owner;
  v->number = number;
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
  if (entry >> guest->arch->aspace_bits != 0) return ZX_ERR_INVALID_ARGS;
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

static bool goes_on(const vcpu* v) {
  return atomic_load(&v->engine.kicked) ||
         (v->engine.arch->wakes_masked && atomic_load(&v->interrupted));
}

static void wait_in_halt(vcpu* v) {
  pthread_mutex_lock(&v->kick_lock);
  while (!goes_on(v)) pthread_cond_wait(&v->kick_signal, &v->kick_lock);
  pthread_mutex_unlock(&v->kick_lock);
}

static zx_status_t run(vcpu* v, zx_port_packet_t* packet) {
  for (;;) {
    if (atomic_load(&v->engine.kicked) && atomic_exchange(&v->engine.kicked, false)) {
      return ZX_ERR_CANCELED;
    }
    switch (vs_uc_engine_run(&v->engine)) {
      case VS_UC_EXIT_ATTENTION:
        break;
      case VS_UC_EXIT_WAIT:
        wait_in_halt(v);
        break;
      case VS_UC_EXIT_LEAVE:
        return v->engine.arch->leave(&v->engine, packet);
      case VS_UC_EXIT_UNSUPPORTED:
        return ZX_ERR_NOT_SUPPORTED;
      default:
        return ZX_ERR_BAD_STATE;
    }
  }
}

// The packet is only touched once the guest has run, hence a bad pointer costs an exit.
static zx_status_t enter(vcpu* v, zx_port_packet_t* user_packet) {
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  if (!v->engine.can_run) return ZX_ERR_NOT_SUPPORTED;
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

static void tell(vcpu* v, atomic_bool* what) {
  pthread_mutex_lock(&v->kick_lock);
  atomic_store(what, true);
  pthread_cond_signal(&v->kick_signal);
  pthread_mutex_unlock(&v->kick_lock);
}

zx_status_t vs_uc_vcpu_kick(zx_handle_t handle) {
  vcpu* v = NULL;
  const zx_status_t status = resolve(handle, ZX_RIGHT_EXECUTE, &v);
  if (status != ZX_OK) return status;
  tell(v, &v->engine.kicked);
  vs_uc_unref(&v->object);
  return ZX_OK;
}

zx_status_t vs_uc_vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  enum { VECTORS = 256 };
  vcpu* v = NULL;
  const zx_status_t status = resolve(handle, ZX_RIGHT_SIGNAL, &v);
  if (status != ZX_OK) return status;
  if (vector < VECTORS) tell(v, &v->interrupted);
  vs_uc_unref(&v->object);
  return vector < VECTORS ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

// ---- State.

typedef union any_state {
  zx_vcpu_state_x64_t x64;
  zx_vcpu_state_arm64_t arm64;
  zx_vcpu_io_t io;
} any_state;

static zx_status_t read_state(vcpu* v, uint32_t kind, void* buffer, size_t size) {
  const vs_uc_arch* arch = v->engine.arch;
  any_state state;
  if (kind != ZX_VCPU_STATE || size != arch->state_size) return ZX_ERR_INVALID_ARGS;
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  arch->read(&v->engine, &state);
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

// Without ports ZX_VCPU_IO is a kind with a size, and its buffer is fetched; the thread is not
// asked.
static zx_status_t write_state(vcpu* v, uint32_t kind, const void* buffer, size_t size) {
  const vs_uc_arch* arch = v->engine.arch;
  any_state fetched;
  size_t expected = 0;
  switch (kind) {
    case ZX_VCPU_STATE:
      expected = arch->state_size;
      break;
    case ZX_VCPU_IO:
      expected = sizeof fetched.io;
      break;
    default:
      return ZX_ERR_INVALID_ARGS;
  }
  if (size != expected) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&fetched, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (kind == ZX_VCPU_IO && !arch->has_ports) return ZX_ERR_INVALID_ARGS;
  if (!vs_uc_thread_is_self(v->owner)) return ZX_ERR_BAD_STATE;
  if (kind == ZX_VCPU_IO) return arch->write_io(&v->engine, &fetched.io);
  arch->write(&v->engine, &fetched);
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
