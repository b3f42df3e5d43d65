// SPDX-License-Identifier: BSD-3-Clause
#include "track.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

const vs_calls* below;
const vs_calls* tracked_below;
unsigned altered_member;
size_t altered_words;
zx_handle_t other_resource;

typedef struct later {
  zx_handle_t first;  // ZX_HANDLE_INVALID: free
  uint32_t kind;
  uint8_t bytes[STATE];
} later;

static struct {
  pthread_mutex_t lock;
  tracked handles[TRACKED];
  size_t count;
  later writes[TRACKED];
  pthread_once_t once;
  pthread_key_t key;
  uint64_t dead[TRACKED];
  size_t dead_count;
} track = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

enum { ENTERED = 16 };
static _Atomic zx_handle_t entered[ENTERED];  // the first handles of the vCPUs that run

// --- threads ----------------------------------------------------------------------------------

static void thread_ended(void* self) {
  pthread_mutex_lock(&track.lock);
  if (track.dead_count < TRACKED) track.dead[track.dead_count++] = *(uint64_t*)self;
  pthread_mutex_unlock(&track.lock);
  free(self);
}

static void make_key(void) {
  pthread_key_create(&track.key, thread_ended);
}

uint64_t track_self(void) {
  static atomic_uint_fast64_t last;
  pthread_once(&track.once, make_key);
  uint64_t* self = pthread_getspecific(track.key);
  if (self == NULL) {
    self = malloc(sizeof *self);
    if (self == NULL) abort();
    *self = atomic_fetch_add(&last, 1) + 1;
    pthread_setspecific(track.key, self);
  }
  return *self;
}

bool track_is_dead(uint64_t thread) {
  bool dead = false;
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < track.dead_count; i++) dead |= track.dead[i] == thread;
  pthread_mutex_unlock(&track.lock);
  return dead;
}

// --- handles ----------------------------------------------------------------------------------

static void remember(tracked row) {
  pthread_mutex_lock(&track.lock);
  size_t i = 0;
  while (i < track.count && track.handles[i].value != row.value) i++;
  if (i < TRACKED) {
    track.handles[i] = row;
    if (i == track.count) track.count++;
  }
  pthread_mutex_unlock(&track.lock);
}

static bool find(zx_handle_t handle, zx_handle_t mask, bool any, tracked* found) {
  bool known = false;
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < track.count && !known; i++) {
    const tracked* row = &track.handles[i];
    known = ((row->value ^ handle) & mask) == 0 && (any || row->type == ZX_OBJ_TYPE_VCPU);
    if (known) *found = *row;
  }
  pthread_mutex_unlock(&track.lock);
  return known;
}

bool track_by_low_bits(zx_handle_t handle, zx_handle_t mask, tracked* found) {
  return find(handle, mask, false, found);
}

bool track_find_any(zx_handle_t handle, tracked* found) {
  return find(handle, ~(zx_handle_t)0, true, found);
}

bool track_find(zx_handle_t handle, tracked* found) {
  return track_by_low_bits(handle, ~(zx_handle_t)0, found);
}

bool track_any(tracked* found) {
  return track_by_low_bits(0, 0, found);
}

bool track_alike(zx_handle_t handle, zx_handle_t mask, tracked* found) {
  return find(handle, mask, true, found);
}

bool track_of_type(zx_obj_type_t type, tracked* found) {
  bool known = false;
  bool own = false;
  uint64_t self = track_self();
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < track.count && !own; i++) {
    const tracked* row = &track.handles[i];
    bool is = (type == ZX_OBJ_TYPE_NONE || row->type == type) && row->value == row->first;
    if (!is) continue;
    own = row->creator == self;
    if (own || !known) *found = *row;
    known = true;
  }
  pthread_mutex_unlock(&track.lock);
  return known;
}

zx_handle_t track_created_by(uint64_t thread) {
  zx_handle_t first = ZX_HANDLE_INVALID;
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < track.count; i++) {
    const tracked* row = &track.handles[i];
    if (row->type == ZX_OBJ_TYPE_VCPU && row->creator == thread) first = row->first;
  }
  pthread_mutex_unlock(&track.lock);
  return first;
}

static void forget(zx_handle_t handle) {
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < track.count; i++) {
    if (track.handles[i].value == handle) track.handles[i] = track.handles[--track.count];
  }
  pthread_mutex_unlock(&track.lock);
}

static zx_status_t remember_new(zx_status_t status, const loose_handle* out, zx_obj_type_t type,
                                zx_rights_t rights) {
  uint64_t self = track_self();
  if (status == ZX_OK) remember((tracked){*out, *out, type, rights, self, self});
  return status;
}

zx_status_t tracking_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                            zx_handle_t* out) {
  zx_status_t status = below->vcpu_create(guest, options, entry, out);
  return remember_new(status, out, ZX_OBJ_TYPE_VCPU, ZX_DEFAULT_VCPU_RIGHTS);
}

static zx_status_t tracking_guest(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                  zx_handle_t* vmar) {
  enum { RESOURCE_RIGHTS = ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WRITE };
  zx_status_t status = below->guest_create(resource, options, guest, vmar);
  if (resource != ZX_HANDLE_INVALID)
    remember_new(status, &resource, ZX_OBJ_TYPE_RESOURCE, RESOURCE_RIGHTS);
  remember_new(status, vmar, ZX_OBJ_TYPE_VMAR, ZX_DEFAULT_VMAR_RIGHTS);
  return remember_new(status, guest, ZX_OBJ_TYPE_GUEST, ZX_DEFAULT_GUEST_RIGHTS);
}

static zx_status_t tracking_event(uint32_t options, zx_handle_t* out) {
  zx_status_t status = below->event_create(options, out);
  return remember_new(status, out, ZX_OBJ_TYPE_EVENT, ZX_DEFAULT_EVENT_RIGHTS);
}

static zx_status_t tracking_port(uint32_t options, zx_handle_t* out) {
  zx_status_t status = below->port_create(options, out);
  return remember_new(status, out, ZX_OBJ_TYPE_PORT, ZX_DEFAULT_PORT_RIGHTS);
}

static zx_status_t tracking_vmo(uint64_t size, uint32_t options, zx_handle_t* out) {
  zx_status_t status = below->vmo_create(size, options, out);
  return remember_new(status, out, ZX_OBJ_TYPE_VMO, ZX_DEFAULT_VMO_RIGHTS);
}

static void remember_derived(zx_handle_t from, zx_rights_t rights, zx_handle_t out) {
  tracked row = {0};
  if (!track_find_any(from, &row)) return;
  row.value = out;
  row.deriver = track_self();
  if (rights != ZX_RIGHT_SAME_RIGHTS) row.rights = rights;
  remember(row);
}

static zx_status_t tracking_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  zx_status_t status = below->handle_duplicate(handle, rights, out);
  if (status == ZX_OK) remember_derived(handle, rights, *(const loose_handle*)out);
  return status;
}

zx_status_t tracking_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  zx_status_t status = below->handle_replace(handle, rights, out);
  if (status == ZX_OK) remember_derived(handle, rights, *(const loose_handle*)out);
  forget(handle);
  return status;
}

// Its handle is gone whatever comes of it, too: the new one is the object's first.
static zx_status_t tracking_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t* out) {
  zx_status_t status = below->vmo_replace_as_executable(handle, vmex, out);
  forget(handle);
  return remember_new(status, out, ZX_OBJ_TYPE_VMO, ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE);
}

zx_status_t tracking_close(zx_handle_t handle) {
  zx_status_t status = below->handle_close(handle);
  if (status == ZX_OK) forget(handle);
  return status;
}

// --- writes that wait for their thread --------------------------------------------------------

void track_later(zx_handle_t first, uint32_t kind, const void* bytes) {
  size_t size = kind == ZX_VCPU_IO ? IO : STATE;
  pthread_mutex_lock(&track.lock);
  size_t i = 0;
  while (i < TRACKED && track.writes[i].first != ZX_HANDLE_INVALID) i++;
  if (i < TRACKED) {
    track.writes[i] = (later){.first = first, .kind = kind};
    memcpy(track.writes[i].bytes, bytes, size);
  }
  pthread_mutex_unlock(&track.lock);
}

void track_later_everywhere(uint32_t kind, const void* bytes, zx_handle_t but) {
  tracked rows[TRACKED];
  pthread_mutex_lock(&track.lock);
  size_t count = track.count;
  memcpy(rows, track.handles, sizeof rows);
  pthread_mutex_unlock(&track.lock);
  for (size_t i = 0; i < count; i++) {
    bool vcpu = rows[i].type == ZX_OBJ_TYPE_VCPU;
    if (vcpu && rows[i].value == rows[i].first && rows[i].first != but) {
      track_later(rows[i].first, kind, bytes);
    }
  }
}

static bool take_later(zx_handle_t first, later* taken) {
  bool some = false;
  pthread_mutex_lock(&track.lock);
  for (size_t i = 0; i < TRACKED && !some; i++) {
    some = track.writes[i].first == first && first != ZX_HANDLE_INVALID;
    if (!some) continue;
    *taken = track.writes[i];
    track.writes[i].first = ZX_HANDLE_INVALID;
  }
  pthread_mutex_unlock(&track.lock);
  return some;
}

static void make_late_writes(zx_handle_t handle) {
  tracked row;
  later write;
  if (!track_find(handle, &row) || row.creator != track_self()) return;
  while (take_later(row.first, &write)) {
    below->vcpu_write_state(row.first, write.kind, write.bytes,
                            write.kind == ZX_VCPU_IO ? IO : STATE);
  }
}

zx_status_t tracking_read(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  make_late_writes(handle);
  return below->vcpu_read_state(handle, kind, buffer, size);
}

bool track_is_running(zx_handle_t first) {
  bool is = false;
  for (size_t i = 0; i < ENTERED; i++) is |= atomic_load(&entered[i]) == first;
  return is;
}

bool track_some_run(void) {
  bool some = false;
  for (size_t i = 0; i < ENTERED; i++) some |= atomic_load(&entered[i]) != ZX_HANDLE_INVALID;
  return some;
}

zx_status_t tracking_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  tracked row;
  size_t i = 0;
  zx_handle_t none = ZX_HANDLE_INVALID;
  make_late_writes(handle);
  if (!track_find(handle, &row)) return below->vcpu_enter(handle, packet);
  while (i < ENTERED && !atomic_compare_exchange_strong(&entered[i], &none, row.first)) {
    none = ZX_HANDLE_INVALID;
    i++;
  }
  zx_status_t status = below->vcpu_enter(handle, packet);
  if (i < ENTERED) atomic_store(&entered[i], ZX_HANDLE_INVALID);
  return status;
}

void track_all(vs_calls* calls) {
  calls->guest_create = tracking_guest;
  if (calls->event_create != NULL) calls->event_create = tracking_event;
  if (calls->port_create != NULL) calls->port_create = tracking_port;
  if (calls->vmo_create != NULL) calls->vmo_create = tracking_vmo;
  calls->vcpu_create = tracking_create;
  calls->handle_duplicate = tracking_duplicate;
  calls->handle_replace = tracking_replace;
  calls->handle_close = tracking_close;
  if (calls->vmo_replace_as_executable != NULL)
    calls->vmo_replace_as_executable = tracking_executable;
  calls->vcpu_read_state = tracking_read;
  if (calls->vcpu_enter != NULL) calls->vcpu_enter = tracking_enter;
}

// --- help -------------------------------------------------------------------------------------

// What is read is at most two pages: with one vector for each, the count tells where the fault is.
size_t peek(const void* from, void* to, size_t size) {
  enum { PAGE = 4096 };
  size_t first = PAGE - (uintptr_t)from % PAGE;
  if (first > size) first = size;
  struct iovec local = {to, size};
  struct iovec remote[2] = {{(void*)(uintptr_t)from, first},
                            {(void*)((uintptr_t)from + first), size - first}};
  ssize_t count = process_vm_readv(getpid(), &local, 1, remote, size > first ? 2 : 1, 0);
  return count > 0 ? (size_t)count : 0;
}

zx_vcpu_state_x64_t state_of(zx_handle_t handle) {
  zx_vcpu_state_x64_t state = {0};
  below->vcpu_read_state(handle, ZX_VCPU_STATE, &state, sizeof state);
  return state;
}
