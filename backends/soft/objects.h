// SPDX-License-Identifier: BSD-3-Clause
// Objects, the handles that name them, and the one state of the process that holds both. Internal
// to this folder.
//
// A call looks its handles up under the lock (vs_soft_find), and either is done before it lets go
// of the lock, or holds a reference meanwhile (vs_soft_get, vs_soft_put). The caller's memory is
// copied without the lock.
#ifndef VS_BACKENDS_SOFT_OBJECTS_H_
#define VS_BACKENDS_SOFT_OBJECTS_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zircon/syscalls.h>

#include "rules.h"

enum { VS_SOFT_PAGE = 4096 };

// What every object begins with.
typedef struct vs_soft_object {
  zx_obj_type_t type;
  unsigned refs;  // of handles, of calls that use it, of objects that hold it; under the lock
  void (*end)(struct vs_soft_object* object);  // gives back what it holds; NULL: nothing
} vs_soft_object;

// How many of a slot's handles have been closed is part of the values that it gives out, so that a
// stale value does not resolve. Value: that (the generation), the slot's number, and fixed bits.
enum { VS_SOFT_SLOT_BITS = 12, VS_SOFT_SLOTS = 1 << VS_SOFT_SLOT_BITS };
typedef struct vs_soft_slot {
  vs_soft_object* object;  // NULL: free
  zx_rights_t rights;
  uint32_t closed;
} vs_soft_slot;

// The documented calls have no context, so there is one state for a process.
typedef struct vs_soft_state {
  pthread_mutex_t lock;
  pthread_cond_t changed;      // while open: a packet has come, a wait has ended, or `closing`
  const vs_soft_rules* rules;  // NULL: not open
  bool closing;
  unsigned waits;      // calls of zx_port_wait under way
  unsigned next_slot;  // where the search for a free one goes on
  unsigned end_slot;   // behind the highest that was ever given
  vs_soft_slot slots[VS_SOFT_SLOTS];
} vs_soft_state;
extern vs_soft_state vs_soft;

void vs_soft_lock(void);
void vs_soft_unlock(void);

// ---- Under the lock.

// An object of `size` bytes that are 0, with one reference, the caller's. NULL: no memory.
void* vs_soft_object_new(zx_obj_type_t type, size_t size, void (*end)(vs_soft_object*));
void vs_soft_unref(vs_soft_object* object);

// Makes a handle of the caller's reference. ZX_HANDLE_INVALID: the table is full, or the object is
// NULL; the reference is given back.
zx_handle_t vs_soft_handle_new(void* object, zx_rights_t rights);

// Checks that the handle names an object of the type, with the rights.
zx_status_t vs_soft_find(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights,
                         const vs_soft_slot** out);

bool vs_soft_has_handle(const vs_soft_object* object);

struct vs_soft_trap;

// Queues a packet, of a bell unless that is NULL. ZX_ERR_SHOULD_WAIT: the port is full.
zx_status_t vs_soft_port_put(vs_soft_object* port, const struct vs_soft_trap* bell,
                             const zx_port_packet_t* packet);
// Takes back those of the bell.
void vs_soft_port_forget(vs_soft_object* port, const struct vs_soft_trap* bell);

// A resource; of all others than the hypervisor's only that they are others matters.
typedef struct vs_soft_resource {
  vs_soft_object object;
  bool is_hypervisors;
} vs_soft_resource;

// Makes both resources, and closes every handle: for open and close.
bool vs_soft_resources_new(void);
void vs_soft_close_all(void);

// ---- Without the lock.

// vs_soft_find, with a reference that vs_soft_put gives back.
zx_status_t vs_soft_get(zx_handle_t handle, zx_obj_type_t type, zx_rights_t rights, void* out);
void vs_soft_put(void* object);

// Tells the caller of a new handle. If that cannot be done, it is closed again.
zx_status_t vs_soft_deliver(zx_handle_t handle, zx_handle_t* out);

// ---- The calls, each in the file of its subject.
#define VS_CALL(name, word, phase, text, ...) \
  zx_status_t vs_soft_##name(VS_EACH(VS_DECLARE, __VA_ARGS__));
#include <vcpuspec/calls.def>

#endif  // VS_BACKENDS_SOFT_OBJECTS_H_
