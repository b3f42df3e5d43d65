// SPDX-License-Identifier: BSD-3-Clause
// An implementation to start from: vCPUs that are never entered, in five calls. Copy it, and put
// your own in place of what is in it.
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <user_copy.h>
#include <vcpuspec/backend.h>
#include <zircon/syscalls.h>

enum { OBJECTS = 64, INDEX_BITS = 6, FIXED_BITS = 2, PROCESSOR_FLAGS = 0x2, MEMORY_BITS = 48 };
// CF PF AF ZF SF TF DF OF NT AC ID: what a caller may choose.
#define USER_FLAGS UINT64_C(0x244dd5)
// Stands for a resource of another kind; no object ever has this value.
#define OTHER_RESOURCE ((zx_handle_t)ZX_HANDLE_FIXED_BITS_MASK)

typedef struct object {
  zx_obj_type_t type;  // ZX_OBJ_TYPE_NONE: free
  uint32_t generation;
  uint64_t owner;  // of a vCPU: the number of the thread that made it
  zx_vcpu_state_x64_t state;
} object;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static object objects[OBJECTS];

const vs_plugin vcpuspec_plugin = {VS_PLUGIN_ABI, VS_ARCH_X64, "mine", ZX_HANDLE_INVALID,
                                   OTHER_RESOURCE};

__attribute__((constructor)) static void on_load(void) {
  vs_user_copy_open();
}

// A thread's number is never another's, unlike a pthread_t, which comes back when a thread has
// ended.
static uint64_t this_thread(void) {
  static atomic_uint_fast64_t last;
  static _Thread_local uint64_t mine;
  if (mine == 0) mine = atomic_fetch_add(&last, 1) + 1;
  return mine;
}

// --- handles: generation, index, and two bits that are always set; the lock is held ------------

static object* find(zx_handle_t handle) {
  if ((handle & ZX_HANDLE_FIXED_BITS_MASK) != ZX_HANDLE_FIXED_BITS_MASK) return NULL;
  object* o = &objects[handle >> FIXED_BITS & (OBJECTS - 1)];
  bool current = handle >> (FIXED_BITS + INDEX_BITS) == o->generation;
  return current && o->type != ZX_OBJ_TYPE_NONE ? o : NULL;
}

static zx_status_t find_as(zx_handle_t handle, zx_obj_type_t type, object** found) {
  *found = find(handle);
  if (*found == NULL) return ZX_ERR_BAD_HANDLE;
  return (*found)->type == type ? ZX_OK : ZX_ERR_WRONG_TYPE;
}

static zx_status_t make(zx_obj_type_t type, zx_handle_t* out) {
  for (uint32_t i = 0; i < OBJECTS; i++) {
    object* o = &objects[i];
    if (o->type != ZX_OBJ_TYPE_NONE) continue;
    *o = (object){.type = type, .generation = o->generation + 1, .owner = this_thread()};
    o->state.rflags = PROCESSOR_FLAGS;
    *out = o->generation << (FIXED_BITS + INDEX_BITS) | i << FIXED_BITS | ZX_HANDLE_FIXED_BITS_MASK;
    return ZX_OK;
  }
  return ZX_ERR_NO_MEMORY;
}

static void take_back(zx_handle_t made) {
  object* o = find(made);
  if (o != NULL) o->type = ZX_OBJ_TYPE_NONE;
}

// A handle that its caller cannot be told of is taken back.
static zx_status_t make_for(zx_obj_type_t type, zx_handle_t* out) {
  zx_handle_t made = ZX_HANDLE_INVALID;
  zx_status_t status = make(type, &made);
  if (status != ZX_OK || vs_copy_to_user(out, &made, sizeof made)) return status;
  take_back(made);
  return ZX_ERR_INVALID_ARGS;
}

zx_status_t zx_handle_close(zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  pthread_mutex_lock(&lock);
  object* o = find(handle);
  if (o != NULL) o->type = ZX_OBJ_TYPE_NONE;
  pthread_mutex_unlock(&lock);
  return o != NULL ? ZX_OK : ZX_ERR_BAD_HANDLE;
}

// --- guests and vCPUs -------------------------------------------------------------------------

// The machine's resource is vcpuspec_plugin's: ZX_HANDLE_INVALID here.
static zx_status_t check_resource(zx_handle_t resource) {
  if (resource == ZX_HANDLE_INVALID) return ZX_OK;
  if (resource == OTHER_RESOURCE) return ZX_ERR_ACCESS_DENIED;
  return find(resource) != NULL ? ZX_ERR_WRONG_TYPE : ZX_ERR_BAD_HANDLE;
}

zx_status_t zx_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                            zx_handle_t* vmar) {
  zx_handle_t made = ZX_HANDLE_INVALID;
  zx_handle_t region = ZX_HANDLE_INVALID;
  pthread_mutex_lock(&lock);
  zx_status_t status = check_resource(resource);
  if (status == ZX_OK && options != 0) status = ZX_ERR_INVALID_ARGS;
  if (status == ZX_OK) status = make(ZX_OBJ_TYPE_VMAR, &region);
  if (status == ZX_OK) status = make(ZX_OBJ_TYPE_GUEST, &made);
  const bool told = status == ZX_OK && vs_copy_to_user(guest, &made, sizeof made) &&
                    vs_copy_to_user(vmar, &region, sizeof region);
  if (status == ZX_OK && !told) status = ZX_ERR_INVALID_ARGS;
  if (status != ZX_OK) take_back(region);
  if (status != ZX_OK) take_back(made);
  pthread_mutex_unlock(&lock);
  return status;
}

static bool has_vcpu(uint64_t thread) {
  for (uint32_t i = 0; i < OBJECTS; i++) {
    if (objects[i].type == ZX_OBJ_TYPE_VCPU && objects[i].owner == thread) return true;
  }
  return false;
}

zx_status_t zx_vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                           zx_handle_t* out) {
  object* g = NULL;
  pthread_mutex_lock(&lock);
  zx_status_t status = find_as(guest, ZX_OBJ_TYPE_GUEST, &g);
  bool good = options == 0 && entry >> MEMORY_BITS == 0;
  if (status == ZX_OK && !good) status = ZX_ERR_INVALID_ARGS;
  if (status == ZX_OK && has_vcpu(this_thread())) status = ZX_ERR_BAD_STATE;
  if (status == ZX_OK) status = make_for(ZX_OBJ_TYPE_VCPU, out);
  pthread_mutex_unlock(&lock);
  return status;
}

// --- state ------------------------------------------------------------------------------------

// What the caller's buffer held, copied once.
typedef union written {
  zx_vcpu_state_x64_t state;
  zx_vcpu_io_t io;
} written;

static zx_status_t fetch(uint32_t kind, const void* buffer, size_t size, written* from) {
  size_t needed = kind == ZX_VCPU_STATE ? sizeof from->state : sizeof from->io;
  if (kind != ZX_VCPU_STATE && kind != ZX_VCPU_IO) return ZX_ERR_INVALID_ARGS;
  if (size != needed) return ZX_ERR_INVALID_ARGS;
  return vs_copy_from_user(from, buffer, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t store(object* o, uint32_t kind, const written* from) {
  if (o->owner != this_thread()) return ZX_ERR_BAD_STATE;
  if (kind == ZX_VCPU_STATE) {
    uint64_t others = o->state.rflags & ~USER_FLAGS;
    o->state = from->state;
    o->state.rflags = others | (from->state.rflags & USER_FLAGS);
    return ZX_OK;
  }
  size_t width = from->io.access_size;
  if (width != 1 && width != 2 && width != 4) return ZX_ERR_INVALID_ARGS;
  memcpy(&o->state.rax, from->io.data, width);
  return ZX_OK;
}

zx_status_t zx_vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                size_t buffer_size) {
  object* vcpu = NULL;
  written from;
  pthread_mutex_lock(&lock);
  zx_status_t status = find_as(handle, ZX_OBJ_TYPE_VCPU, &vcpu);
  if (status == ZX_OK) status = fetch(kind, buffer, buffer_size, &from);
  if (status == ZX_OK) status = store(vcpu, kind, &from);
  pthread_mutex_unlock(&lock);
  return status;
}

zx_status_t zx_vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer,
                               size_t buffer_size) {
  object* vcpu = NULL;
  pthread_mutex_lock(&lock);
  zx_status_t status = find_as(handle, ZX_OBJ_TYPE_VCPU, &vcpu);
  bool whole = kind == ZX_VCPU_STATE && buffer_size == sizeof vcpu->state;
  if (status == ZX_OK && !whole) status = ZX_ERR_INVALID_ARGS;
  if (status == ZX_OK && vcpu->owner != this_thread()) status = ZX_ERR_BAD_STATE;
  if (status == ZX_OK && !vs_copy_to_user(buffer, &vcpu->state, buffer_size)) {
    status = ZX_ERR_INVALID_ARGS;
  }
  pthread_mutex_unlock(&lock);
  return status;
}
