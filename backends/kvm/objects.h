// SPDX-License-Identifier: BSD-3-Clause
// The objects behind handles, and the one state of the backend: the documented prototypes carry no
// context, so it belongs to the process.
//
// A handle holds a reference to its object, and so does a call while it works on it, a vCPU or a
// vmar on its guest, and a mapping on its VMO. An object dies with its last reference.
//
// One lock guards everything below, except where a comment says otherwise. It is never held while
// the guest runs nor while a caller's memory is touched: that memory may be such that touching it
// waits for another thread, which may be calling us.
#ifndef VS_BACKENDS_KVM_OBJECTS_H_
#define VS_BACKENDS_KVM_OBJECTS_H_

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vcpuspec/backend.h>

#include "machine.h"

#define VS_KVM_PAGE UINT64_C(4096)

typedef struct vs_kvm_object {
  zx_obj_type_t type;
  uint32_t references;
  uint32_t handles;
} vs_kvm_object;

typedef struct vs_kvm_vmo {
  vs_kvm_object base;
  uint64_t size;   // bytes, whole pages
  uint8_t* bytes;  // NULL for an empty one; contents: not guarded, as memory is
} vs_kvm_vmo;

typedef struct vs_kvm_trap {
  uint32_t kind;
  uint64_t first, last;
  uint64_t key;
  struct vs_kvm_trap* next;
} vs_kvm_trap;

typedef struct vs_kvm_mapping {
  vs_kvm_vmo* vmo;
  struct vs_kvm_mapping* next;
} vs_kvm_mapping;

typedef struct vs_kvm_guest {
  vs_kvm_object base;
  vs_kvm_vm* vm;
  vs_kvm_trap* traps;
  vs_kvm_mapping* mappings;
  // Without the lock: mappings is not empty, and a trap has taken a new vCPU's page tables.
  atomic_bool has_memory;
  atomic_bool tables_trapped;
} vs_kvm_guest;

typedef struct vs_kvm_vmar {
  vs_kvm_object base;
  vs_kvm_guest* guest;
} vs_kvm_vmar;

enum { VS_KVM_VECTORS = 256 };

typedef struct vs_kvm_vcpu {
  vs_kvm_object base;
  vs_kvm_guest* guest;
  vs_kvm_cpu* cpu;
  // The thread that made it, which never changes: only that thread gets at the registers and the
  // descriptor, so neither needs the lock.
  uint64_t owner;
  bool abandoned;      // its last handle is closed; under the lock
  atomic_bool kicked;  // a kick that no zx_vcpu_enter has answered yet
  // Vectors that were raised and that the guest has not taken: a bit each, the lowest in [0].
  atomic_uint_fast64_t interrupts[VS_KVM_VECTORS / 64];
  bool running;           // inside zx_vcpu_enter
  pid_t owner_id;         // the kernel's name of the owner, good for as long as it is running
  pthread_cond_t awaken;  // signalled when a guest that halted may go on
  struct vs_kvm_vcpu* next;
} vs_kvm_vcpu;

#define VS_KVM_MAX_HANDLES 4096u
// What stands for a resource of another kind: a value that the table never gives out.
#define VS_KVM_OTHER_RESOURCE ((zx_handle_t)0x80000003u)

typedef struct vs_kvm_entry {
  vs_kvm_object* object;  // NULL: free
  zx_rights_t rights;
  uint32_t generation;
  uint32_t next_free;
} vs_kvm_entry;

typedef struct vs_kvm_state {
  pthread_mutex_t lock;
  vs_kvm_machines machines;
  vs_kvm_vcpu* vcpus;  // all alive
  vs_kvm_entry entries[VS_KVM_MAX_HANDLES];
  uint32_t first_free, last_free;  // a queue: the entry freed last is used last
  uint32_t pins;                   // references held by calls at work
  pthread_cond_t unpinned;         // pins became 0
  int kick_signal;
  bool as_published;                 // where published arm64 kernels part from the page: kvm.h
  struct sigaction previous_action;  // of kick_signal
} vs_kvm_state;

extern vs_kvm_state vs_kvm;

void vs_kvm_lock(void);
void vs_kvm_unlock(void);

// The functions from here to the next comment want the lock held.
void vs_kvm_ref(vs_kvm_object* object);
void vs_kvm_unref(vs_kvm_object* object);
void vs_kvm_handles_open(void);
void vs_kvm_handles_close_all(void);
// A new handle to an object: ZX_OK, or ZX_ERR_NO_RESOURCES when the table is full.
zx_status_t vs_kvm_handle_add(vs_kvm_object* object, zx_rights_t rights, zx_handle_t* out);
// The live entry of a value, or NULL.
vs_kvm_entry* vs_kvm_handle_find(zx_handle_t value);
void vs_kvm_handle_remove(vs_kvm_entry* entry);
// What an object's last reference, or a vCPU's last handle, takes with it.
void vs_kvm_vmo_destroy(vs_kvm_vmo* vmo);
void vs_kvm_guest_destroy(vs_kvm_guest* guest);
void vs_kvm_vmar_destroy(vs_kvm_vmar* vmar);
void vs_kvm_vcpu_destroy(vs_kvm_vcpu* vcpu);
void vs_kvm_vcpu_abandon(vs_kvm_vcpu* vcpu);
void vs_kvm_vcpu_kick_locked(vs_kvm_vcpu* vcpu);
// Makes a vCPU that is in zx_vcpu_enter look again at what other threads want of it.
void vs_kvm_vcpu_wake_locked(vs_kvm_vcpu* vcpu);
// The first guest-physical address that there is not.
uint64_t vs_kvm_guest_limit(void);
// The key of the trap of this kind that covers an address; false: none does.
bool vs_kvm_guest_find_trap(const vs_kvm_guest* guest, uint32_t kind, uint64_t addr, uint64_t* key);

// These take the lock themselves.
//
// Resolves a handle as a call does: BAD_HANDLE, then WRONG_TYPE, then ACCESS_DENIED. On ZX_OK the
// call holds a reference, which it gives back with vs_kvm_unpin.
zx_status_t vs_kvm_pin(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                       vs_kvm_object** out);
void vs_kvm_unpin(vs_kvm_object* object);
// Hands the caller its first handle to an object whose only reference is the creator's, and takes
// that reference over. On a refusal (a full table, a bad `user_out`) nothing remains of the object.
zx_status_t vs_kvm_publish(vs_kvm_object* object, zx_rights_t rights, zx_handle_t* user_out);
void vs_kvm_handle_revoke(zx_handle_t value);

// For the owner of a vCPU, without the lock. Whether the guest would take an interrupt that is
// raised, as it was when it last left; and, right before it runs, the hand-over of one: 0 or
// -errno. One that it would not take stays raised, and KVM comes back once it would.
bool vs_kvm_vcpu_takes_interrupt(const vs_kvm_vcpu* vcpu);
int vs_kvm_vcpu_offer_interrupt(vs_kvm_vcpu* vcpu);

// The calls.
#define VS_CALL(name, word, phase, text, ...) \
  zx_status_t vs_kvm_##name(VS_EACH(VS_DECLARE, __VA_ARGS__));
#include <vcpuspec/calls.def>

#endif  // VS_BACKENDS_KVM_OBJECTS_H_
