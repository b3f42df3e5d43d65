// SPDX-License-Identifier: BSD-3-Clause
#include <stdalign.h>
#include <string.h>

#include "caller.h"
#include "user_copy.h"
#include "vcpu.h"

// Both register layouts are rows of 64-bit words with the flags in the last one: rflags, and cpsr
// with its padding above it (hence little-endian hosts only).
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "cpsr is the low half of its word");

typedef vs_soft_vcpu vcpu;

enum { CR4_PAE = 0x20 };

// ---- Making one.

static void vcpu_end(vs_soft_object* object) {
  vs_soft_guest* guest = ((vcpu*)object)->guest;
  guest->vcpu_count--;
  vs_soft_unref(&guest->object);
}

static bool owns_vcpu(uint64_t thread) {
  for (unsigned i = 0; i < vs_soft.end_slot; i++) {
    const vs_soft_object* o = vs_soft.slots[i].object;
    if (o != NULL && o->type == ZX_OBJ_TYPE_VCPU && ((const vcpu*)o)->owner == thread) return true;
  }
  return false;
}

static vcpu* vcpu_new(vs_soft_guest* guest, zx_vaddr_t entry) {
  vcpu* made = vs_soft_object_new(ZX_OBJ_TYPE_VCPU, sizeof *made, vcpu_end);
  if (made == NULL) return NULL;
  made->owner = vs_caller();
  made->guest = guest;
  made->pc = entry;
  made->cr4 = CR4_PAE;
  guest->object.refs++;
  guest->vcpu_count++;
  return made;
}

static zx_status_t create_locked(zx_handle_t handle, zx_vaddr_t entry, zx_handle_t* made) {
  const vs_soft_rules* rules = vs_soft.rules;
  const zx_rights_t right =
      rules->maker_is_process ? ZX_RIGHT_MANAGE_PROCESS : ZX_RIGHT_MANAGE_THREAD;
  const vs_soft_slot* slot = NULL;
  const zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_GUEST, right, &slot);
  if (status != ZX_OK) return status;
  vs_soft_guest* guest = (vs_soft_guest*)slot->object;
  const bool taken = !rules->many_vcpus && owns_vcpu(vs_caller());
  if (rules->owner_first && taken) return ZX_ERR_BAD_STATE;
  if (entry >= vs_soft_space()) return ZX_ERR_INVALID_ARGS;
  if (taken) return ZX_ERR_BAD_STATE;
  if (rules->vcpus_max != 0 && guest->vcpu_count >= rules->vcpus_max) return ZX_ERR_NO_RESOURCES;
  *made = vs_soft_handle_new(vcpu_new(guest, entry), ZX_DEFAULT_VCPU_RIGHTS);
  return ZX_OK;
}

zx_status_t vs_soft_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                                zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  zx_handle_t made = ZX_HANDLE_INVALID;
  vs_soft_lock();
  const zx_status_t status = create_locked(guest, entry, &made);
  vs_soft_unlock();
  return status == ZX_OK ? vs_soft_deliver(made, out) : status;
}

// ---- Calls that any thread may make.

zx_status_t vs_soft_vcpu_kick(zx_handle_t handle) {
  vcpu* v = NULL;
  const zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_EXECUTE, &v);
  if (status != ZX_OK) return status;
  vs_soft_lock();
  atomic_store(&v->kicked, true);
  pthread_cond_broadcast(&vs_soft.changed);
  vs_soft_unlock();
  vs_soft_put(v);
  return ZX_OK;
}

// A guest that waits for one looks again.
static void raise_vector(vcpu* v, uint32_t vector) {
  vs_soft_lock();
  atomic_store(&v->pending[vector], true);
  pthread_cond_broadcast(&vs_soft.changed);
  vs_soft_unlock();
}

zx_status_t vs_soft_vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  vcpu* v = NULL;
  const zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_SIGNAL, &v);
  if (status != ZX_OK) return status;
  const bool known = vector < VS_SOFT_VECTORS;
  if (known) raise_vector(v, vector);
  vs_soft_put(v);
  return known || vs_soft.rules->vectors_unchecked ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

// ---- Registers.

// A call that reads or writes them.
typedef struct access {
  const vcpu* vcpu;
  uint32_t kind;
  const void* buffer;
  size_t size;
  union {
    uint64_t words[VS_SOFT_WORDS_MAX];
    zx_vcpu_io_t io;
  } fetched;
} access;

static size_t registers_size(void) {
  return vs_soft.rules->words * sizeof(uint64_t);
}

static bool has_kind(access* a) {
  return a->kind == ZX_VCPU_STATE || a->kind == ZX_VCPU_IO;
}

static bool is_registers(access* a) {
  return a->kind == ZX_VCPU_STATE;
}

static bool has_size(access* a) {
  return a->size == (is_registers(a) ? registers_size() : sizeof(zx_vcpu_io_t));
}

static bool is_bounded(access* a) {
  return a->size <= registers_size();
}

static bool fetch(access* a) {
  return vs_copy_from_user(&a->fetched, a->buffer, a->size);
}

// There ZX_VCPU_IO is nothing but bytes.
static bool is_natural(access* a) {
  const size_t alignment = is_registers(a) ? alignof(uint64_t) : 1;
  return a->buffer != NULL && (uintptr_t)a->buffer % alignment == 0;
}

static bool has_ports(access* a) {
  return is_registers(a) || vs_soft.rules->has_io;
}

static bool is_creator(access* a) {
  return a->vcpu->owner == vs_caller();
}

static bool has_access_size(access* a) {
  const uint8_t bytes = a->fetched.io.access_size;
  return is_registers(a) || bytes == 1 || bytes == 2 || bytes == 4;
}

static const struct {
  bool (*holds)(access*);
  zx_status_t otherwise;
} checks[] = {
    [VS_SOFT_STATE_KIND] = {has_kind, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_REGISTERS] = {is_registers, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_SIZE] = {has_size, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_BOUND] = {is_bounded, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_FETCH] = {fetch, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_NATURAL] = {is_natural, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_PORTS] = {has_ports, ZX_ERR_INVALID_ARGS},
    [VS_SOFT_STATE_CREATOR] = {is_creator, ZX_ERR_BAD_STATE},
    [VS_SOFT_STATE_ACCESS] = {has_access_size, ZX_ERR_INVALID_ARGS},
};

static zx_status_t check(const uint8_t* order, access* a) {
  for (; *order != VS_SOFT_STATE_END; order++) {
    if (!checks[*order].holds(a)) return checks[*order].otherwise;
  }
  return ZX_OK;
}

zx_status_t vs_soft_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  vcpu* v = NULL;
  access a = {.kind = kind, .buffer = buffer, .size = size};
  zx_status_t status = check(vs_soft.rules->early, &a);
  if (status != ZX_OK) return status;
  status = vs_soft_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_READ, &v);
  if (status != ZX_OK) return status;
  a.vcpu = v;
  status = check(vs_soft.rules->read, &a);
  // The flags were masked when they were written.
  if (status == ZX_OK && !vs_copy_to_user(buffer, v->words, size)) status = ZX_ERR_INVALID_ARGS;
  vs_soft_put(v);
  return status;
}

static uint64_t new_flags(uint64_t old, uint64_t written) {
  const vs_soft_rules* rules = vs_soft.rules;
  if ((written & rules->flags_gate) != rules->flags_gate) return old;
  return (rules->flags_stay ? old | written : written) & rules->flags_mask;
}

static void set_registers(vcpu* v, const uint64_t* words) {
  const size_t flags = vs_soft.rules->words - 1;
  memcpy(v->words, words, flags * sizeof words[0]);
  v->words[flags] = new_flags(v->words[flags], words[flags]);
}

// The low bytes of RAX; the others stay. In 2018 an access_size of more than the call brings was
// read from beyond it, which is not done here.
static void set_low_bytes(vcpu* v, const zx_vcpu_io_t* io) {
  const size_t count = io->access_size < sizeof io->data ? io->access_size : sizeof io->data;
  memcpy(&v->words[0], io->data, count);
}

zx_status_t vs_soft_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                     size_t size) {
  vcpu* v = NULL;
  zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_VCPU, ZX_RIGHT_WRITE, &v);
  if (status != ZX_OK) return status;
  access a = {.vcpu = v, .kind = kind, .buffer = buffer, .size = size};
  status = check(vs_soft.rules->write, &a);
  if (status == ZX_OK && kind == ZX_VCPU_STATE) set_registers(v, a.fetched.words);
  if (status == ZX_OK && kind == ZX_VCPU_IO) set_low_bytes(v, &a.fetched.io);
  vs_soft_put(v);
  return status;
}
