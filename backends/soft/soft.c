// SPDX-License-Identifier: BSD-3-Clause
// Order of the checks, masks and rights: published Zircon kernels, x86 (2021 and later) and arm64.
#include "soft.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "rules.h"
#include "user_copy.h"

static const vs_soft_rules rules_x64 = {VS_SOFT_X64};
static const vs_soft_rules rules_arm64 = {VS_SOFT_ARM64};

typedef struct object {
  zx_obj_type_t type;
  unsigned refs;      // one per handle, one per call that is using it; under the lock
  vs_soft_vcpu vcpu;  // of a vCPU only
} object;

// A slot's generation is part of its handles' values and moves on when one is closed, so that a
// stale value does not resolve. Value: generation, slot number, and the two fixed bits.
enum { SLOT_BITS = 12, SLOTS = 1 << SLOT_BITS, GENERATION_MASK = 0x1ffff };
typedef struct slot {
  object* object;  // NULL: free
  zx_rights_t rights;
  uint32_t generation;
} slot;

// The documented calls have no context, so there is one state per process.
static struct {
  pthread_mutex_t lock;
  const vs_soft_rules* rules;  // NULL: not open
  unsigned next_slot;          // where the search for a free one goes on
  slot slots[SLOTS];
} soft = {.lock = PTHREAD_MUTEX_INITIALIZER};

// ---- Objects and handles. The functions ending in _locked need the lock.

static void unref_locked(object* o) {
  if (--o->refs == 0) free(o);
}

static slot* slot_locked(zx_handle_t handle) {
  if ((handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) return NULL;
  slot* s = &soft.slots[(handle >> 2) % SLOTS];
  return s->object != NULL && handle >> (2 + SLOT_BITS) == s->generation ? s : NULL;
}

// 0: the table is full.
static zx_handle_t handle_new_locked(object* o, zx_rights_t rights) {
  for (unsigned tried = 0; tried < SLOTS; tried++) {
    const unsigned i = soft.next_slot++ % SLOTS;
    slot* s = &soft.slots[i];
    if (s->object != NULL) continue;
    *s = (slot){o, rights, s->generation};
    o->refs++;
    return s->generation << (2 + SLOT_BITS) | i << 2 | ZX_HANDLE_FIXED_BITS_MASK;
  }
  return ZX_HANDLE_INVALID;
}

static void slot_close_locked(slot* s) {
  object* o = s->object;
  *s = (slot){.generation = (s->generation + 1) & GENERATION_MASK};
  unref_locked(o);
}

// The type comes before the rights, which would say nothing about another type; not so in zCore.
static zx_status_t check_locked(const slot* s, zx_obj_type_t type, zx_rights_t rights) {
  if (s == NULL) return ZX_ERR_BAD_HANDLE;
  const bool denied = (s->rights & rights) != rights;
  if (denied && soft.rules->rights_first) return ZX_ERR_ACCESS_DENIED;
  if (s->object->type != type) return ZX_ERR_WRONG_TYPE;
  return denied ? ZX_ERR_ACCESS_DENIED : ZX_OK;
}

// Looks a handle up. On ZX_OK the caller holds a reference and gives it back with object_put.
static zx_status_t object_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                              object** out) {
  pthread_mutex_lock(&soft.lock);
  const slot* s = slot_locked(handle);
  const zx_status_t status = check_locked(s, type, rights);
  if (status == ZX_OK) {
    *out = s->object;
    s->object->refs++;
  }
  pthread_mutex_unlock(&soft.lock);
  return status;
}

static void object_put(object* o) {
  pthread_mutex_lock(&soft.lock);
  unref_locked(o);
  pthread_mutex_unlock(&soft.lock);
}

static zx_status_t handle_close(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  pthread_mutex_lock(&soft.lock);
  slot* s = slot_locked(handle);
  if (s != NULL) slot_close_locked(s);
  pthread_mutex_unlock(&soft.lock);
  return s != NULL ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

// A handle that its caller cannot be told of is closed again, and its object with it.
static zx_status_t deliver(zx_handle_t handle, zx_handle_t* out) {
  if (handle == ZX_HANDLE_INVALID) return ZX_ERR_NO_MEMORY;
  if (vs_copy_to_user(out, &handle, sizeof handle)) return ZX_OK;
  handle_close(handle);
  return ZX_ERR_INVALID_ARGS;
}

static zx_handle_t create_locked(zx_obj_type_t type, zx_rights_t rights, uint64_t owner) {
  object* o = calloc(1, sizeof *o);
  if (o == NULL) return ZX_HANDLE_INVALID;
  o->type = type;
  o->vcpu.owner = owner;
  const zx_handle_t handle = handle_new_locked(o, rights);
  if (handle == ZX_HANDLE_INVALID) free(o);
  return handle;
}

static zx_status_t create(zx_obj_type_t type, uint32_t options, zx_rights_t rights,
                          zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  pthread_mutex_lock(&soft.lock);
  const zx_handle_t handle = create_locked(type, rights, 0);
  pthread_mutex_unlock(&soft.lock);
  return deliver(handle, out);
}

// What duplicate and replace have in common; replace consumes its source even when it refuses.
static zx_status_t derive(zx_handle_t handle, zx_rights_t rights, bool replace, zx_handle_t* out) {
  zx_status_t status = ZX_OK;
  zx_handle_t made = ZX_HANDLE_INVALID;
  pthread_mutex_lock(&soft.lock);
  slot* s = slot_locked(handle);
  if (s == NULL) {
    status = ZX_ERR_BAD_HANDLE;
  } else if (!replace && (s->rights & ZX_RIGHT_DUPLICATE) == 0) {
    status = ZX_ERR_ACCESS_DENIED;
  } else if (rights != ZX_RIGHT_SAME_RIGHTS && (rights & ~s->rights) != 0) {
    status = ZX_ERR_INVALID_ARGS;
  } else {
    made = handle_new_locked(s->object, rights == ZX_RIGHT_SAME_RIGHTS ? s->rights : rights);
  }
  if (s != NULL && replace) slot_close_locked(s);
  pthread_mutex_unlock(&soft.lock);
  return status == ZX_OK ? deliver(made, out) : status;
}

static zx_status_t handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return derive(handle, rights, false, out);
}

static zx_status_t handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return derive(handle, rights, true, out);
}

// Of these only the type matters: there is nothing here that could signal, map or read one.
static zx_status_t event_create(uint32_t options, zx_handle_t* out) {
  return create(ZX_OBJ_TYPE_EVENT, options, ZX_DEFAULT_EVENT_RIGHTS, out);
}

static zx_status_t port_create(uint32_t options, zx_handle_t* out) {
  return create(ZX_OBJ_TYPE_PORT, options, ZX_DEFAULT_PORT_RIGHTS, out);
}

static zx_status_t vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  (void)size;
  return create(ZX_OBJ_TYPE_VMO, options, ZX_DEFAULT_VMO_RIGHTS, out);
}

static zx_status_t guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                zx_handle_t* vmar) {
  if (resource != vs_backend_soft.resource) return ZX_ERR_BAD_HANDLE;
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  pthread_mutex_lock(&soft.lock);
  const zx_handle_t made = create_locked(ZX_OBJ_TYPE_GUEST, ZX_DEFAULT_GUEST_RIGHTS, 0);
  pthread_mutex_unlock(&soft.lock);
  zx_status_t status = deliver(made, guest);
  if (status != ZX_OK) return status;
  status = create(ZX_OBJ_TYPE_VMAR, 0, ZX_DEFAULT_VMAR_RIGHTS, vmar);
  if (status != ZX_OK) handle_close(made);
  return status;
}

static bool owns_vcpu_locked(uint64_t thread) {
  for (unsigned i = 0; i < SLOTS; i++) {
    const object* o = soft.slots[i].object;
    if (o != NULL && o->type == ZX_OBJ_TYPE_VCPU && o->vcpu.owner == thread) return true;
  }
  return false;
}

static zx_status_t vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                               zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  object* g = NULL;
  const zx_status_t status = object_get(guest, ZX_OBJ_TYPE_GUEST, ZX_RIGHT_MANAGE_THREAD, &g);
  if (status != ZX_OK) return status;
  object_put(g);
  if (entry >> soft.rules->gpa_bits != 0) return ZX_ERR_INVALID_ARGS;
  pthread_mutex_lock(&soft.lock);
  const bool taken = owns_vcpu_locked(vs_caller());
  const zx_handle_t made =
      taken ? 0 : create_locked(ZX_OBJ_TYPE_VCPU, ZX_DEFAULT_VCPU_RIGHTS, vs_caller());
  pthread_mutex_unlock(&soft.lock);
  return taken ? ZX_ERR_BAD_STATE : deliver(made, out);
}

static zx_status_t vcpu_kick(zx_handle_t handle) {
  object* o = NULL;
  const zx_status_t status = object_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &o);
  if (status != ZX_OK) return status;
  atomic_store(&o->vcpu.kicked, true);
  object_put(o);
  return ZX_OK;
}

static zx_status_t vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  object* o = NULL;
  const zx_status_t status = object_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_SIGNAL, &o);
  if (status != ZX_OK) return status;
  const bool known = vector < VS_SOFT_VECTORS;
  if (known) atomic_store(&o->vcpu.pending[vector], true);
  object_put(o);
  return known ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

bool vs_soft_is_owner(const vs_soft_vcpu* vcpu) {
  return vcpu->owner == vs_caller();
}

static zx_status_t read_state(const vs_soft_vcpu* vcpu, uint32_t kind, void* buffer, size_t size) {
  if (kind != ZX_VCPU_STATE) return ZX_ERR_INVALID_ARGS;
  if (size != soft.rules->words * sizeof(uint64_t)) return ZX_ERR_INVALID_ARGS;
  if (!vs_soft_is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  // The flags were masked when they were written.
  return vs_copy_to_user(buffer, vcpu->words, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  object* o = NULL;
  zx_status_t status = object_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_READ, &o);
  if (status != ZX_OK) return status;
  status = read_state(&o->vcpu, kind, buffer, size);
  object_put(o);
  return status;
}

static uint64_t new_flags(uint64_t old, uint64_t written) {
  const vs_soft_rules* rules = soft.rules;
  if ((written & rules->flags_gate) != rules->flags_gate) return old;
  return (rules->flags_stay ? old | written : written) & rules->flags_mask;
}

void vs_soft_set_registers(vs_soft_vcpu* vcpu, const uint64_t* words) {
  const size_t flags = soft.rules->words - 1;
  memcpy(vcpu->words, words, flags * sizeof words[0]);
  vcpu->words[flags] = new_flags(vcpu->words[flags], words[flags]);
}

// The low bytes of RAX; the others stay.
void vs_soft_set_low_bytes(vs_soft_vcpu* vcpu, const uint8_t* data, size_t count) {
  memcpy(&vcpu->words[0], data, count);
}

static zx_status_t write_registers(vs_soft_vcpu* vcpu, const void* buffer, size_t size) {
  uint64_t words[VS_SOFT_WORDS_MAX];
  if (size != soft.rules->words * sizeof words[0]) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(words, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!vs_soft_is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  vs_soft_set_registers(vcpu, words);
  return ZX_OK;
}

static zx_status_t write_io(vs_soft_vcpu* vcpu, const void* buffer, size_t size) {
  zx_vcpu_io_t io;
  if (size != sizeof io) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&io, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!soft.rules->has_io) return ZX_ERR_INVALID_ARGS;
  if (!vs_soft_is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  if (io.access_size != 1 && io.access_size != 2 && io.access_size != 4) return ZX_ERR_INVALID_ARGS;
  vs_soft_set_low_bytes(vcpu, io.data, io.access_size);
  return ZX_OK;
}

static zx_status_t write_state(vs_soft_vcpu* vcpu, uint32_t kind, const void* buffer, size_t size) {
  if (kind == ZX_VCPU_STATE) return write_registers(vcpu, buffer, size);
  return kind == ZX_VCPU_IO ? write_io(vcpu, buffer, size) : ZX_ERR_INVALID_ARGS;
}

static zx_status_t vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                    size_t size) {
  object* o = NULL;
  zx_status_t status = object_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_WRITE, &o);
  if (status != ZX_OK) return status;
  status =
      (soft.rules->write != NULL ? soft.rules->write : write_state)(&o->vcpu, kind, buffer, size);
  object_put(o);
  return status;
}

bool vs_soft_open(const vs_soft_rules* rules, vs_why* reason) {
  pthread_mutex_lock(&soft.lock);
  const bool was_open = soft.rules != NULL;
  if (!was_open) {
    soft.rules = rules;
    vs_user_copy_open();
  }
  pthread_mutex_unlock(&soft.lock);
  if (was_open) *reason = (vs_why){"the soft backend is open already: close it first"};
  return !was_open;
}

static bool open_x64(vs_why* reason) {
  return vs_soft_open(&rules_x64, reason);
}
static bool open_arm64(vs_why* reason) {
  return vs_soft_open(&rules_arm64, reason);
}

// Generations stay: a handle of this life does not resolve in the next one.
void vs_soft_close(void) {
  pthread_mutex_lock(&soft.lock);
  for (unsigned i = 0; i < SLOTS; i++) {
    if (soft.slots[i].object != NULL) slot_close_locked(&soft.slots[i]);
  }
  soft.rules = NULL;
  vs_user_copy_close();
  pthread_mutex_unlock(&soft.lock);
}

const vs_calls vs_soft_calls = {
#define VS_OFFERED(name) .name = name,
#include "offered.def"
#undef VS_OFFERED
};

const vs_backend vs_backend_soft = {
    .name = "soft",
    .summary = "x86-64 register files in memory: every check, no guest execution",
    .arch = VS_ARCH_X64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &vs_soft_calls,
    .open = open_x64,
    .close = vs_soft_close,
};

const vs_backend vs_backend_soft_arm64 = {
    .name = "soft:arm64",
    .summary = "arm64 register files in memory: every check, no guest execution",
    .arch = VS_ARCH_ARM64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &vs_soft_calls,
    .open = open_arm64,
    .close = vs_soft_close,
};
