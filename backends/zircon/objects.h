// SPDX-License-Identifier: BSD-3-Clause
// The objects behind handles, and the one state of the layer: the documented prototypes carry no
// context, so it belongs to the process.
//
// A handle holds a reference to its object, and so does a call while it works on it, a vCPU or a
// vmar on its guest, a trap on its port, and a mapping on its VMO. An object dies with its last
// reference.
//
// One lock guards everything below, except where a comment says otherwise. It is never held while
// the guest runs nor while a caller's memory is touched: that memory may be such that touching it
// waits for another thread, which may be calling us.
#ifndef VS_BACKENDS_ZIRCON_OBJECTS_H_
#define VS_BACKENDS_ZIRCON_OBJECTS_H_

#include <pthread.h>
#include <stdatomic.h>

#include "engine.h"

typedef struct vs_zx_object {
  zx_obj_type_t type;
  uint32_t references;
  uint32_t handles;
} vs_zx_object;

typedef struct vs_zx_vmo {
  vs_zx_object base;
  uint64_t size;   // bytes, whole pages
  uint8_t* bytes;  // NULL for an empty one; contents: not guarded, as memory is
} vs_zx_vmo;

struct vs_zx_trap;

typedef struct vs_zx_packet {
  struct vs_zx_packet* next;
  struct vs_zx_trap* bell;  // whose packet it is; NULL: of zx_port_queue
  zx_port_packet_t packet;
} vs_zx_packet;

typedef struct vs_zx_port {
  vs_zx_object base;
  vs_zx_packet* packets;  // the oldest first
  unsigned count;
} vs_zx_port;

typedef struct vs_zx_trap {
  struct vs_zx_trap* next;
  uint32_t kind;
  uint64_t first, last;
  uint64_t key;
  vs_zx_port* port;  // BELL, with a reference
  unsigned queued;   // its packets that wait in the port
} vs_zx_trap;

// A VMO that was mapped, and that a vCPU may still have.
typedef struct vs_zx_gone {
  struct vs_zx_gone* next;
  vs_zx_vmo* vmo;  // with a reference
} vs_zx_gone;

typedef struct vs_zx_guest {
  vs_zx_object base;
  vs_space* space;
  _Atomic(vs_zx_trap*) traps;  // only ever added, in front: to follow them needs no lock
  unsigned count;
  vs_stretch stretches[VS_STRETCHES_MAX];
  vs_zx_vmo* vmos[VS_STRETCHES_MAX];      // whose memory each is of, with a reference
  zx_vm_option_t most[VS_STRETCHES_MAX];  // what its permissions may be changed to
  vs_zx_gone* gone;
  uint64_t cpus;  // numbers of vCPUs that are taken, a bit each
  // What keeps it from being run, ZX_OK if nothing does. Without the lock.
  atomic_int starved;
} vs_zx_guest;

typedef struct vs_zx_vmar {
  vs_zx_object base;
  vs_zx_guest* guest;
} vs_zx_vmar;

enum { VS_ZX_VECTORS = 256 };

typedef struct vs_zx_vcpu {
  vs_zx_object base;
  vs_zx_guest* guest;
  vs_cpu* cpu;
  unsigned number;
  // The thread that made it, which never changes: that thread alone gets at the registers, so they
  // need no lock.
  uint64_t owner;
  bool abandoned;      // its last handle is closed
  bool running;        // inside zx_vcpu_enter
  atomic_bool kicked;  // a kick that no zx_vcpu_enter has answered yet
  // Vectors that were raised and that the guest has not taken: a bit each, the lowest in [0].
  atomic_uint_fast64_t interrupts[VS_ZX_VECTORS / 64];
  struct vs_zx_vcpu* next;
} vs_zx_vcpu;

enum { VS_ZX_HANDLES_MAX = 4096 };

typedef struct vs_zx_entry {
  vs_zx_object* object;  // NULL: free
  zx_rights_t rights;
  uint32_t generation;
  uint32_t next_free;
} vs_zx_entry;

typedef struct vs_zx_state {
  pthread_mutex_t lock;
  // Something has changed for a call that waits: a kick, an interrupt, a packet, room for one, the
  // last reference of a call.
  pthread_cond_t changed;
  const vs_engine* engine;  // NULL: not open
  bool closing;
  vs_zx_vcpu* vcpus;  // all alive
  vs_zx_entry entries[VS_ZX_HANDLES_MAX];
  uint32_t first_free, last_free;  // a queue: the entry freed last is used last
  uint32_t pins;                   // references held by calls at work
} vs_zx_state;

extern vs_zx_state vs_zx;

void vs_zx_lock(void);
void vs_zx_unlock(void);

// The functions from here to the next comment want the lock held.
void vs_zx_ref(vs_zx_object* object);
void vs_zx_unref(vs_zx_object* object);
void vs_zx_handles_open(void);
void vs_zx_handles_close_all(void);
// A new handle to an object: ZX_OK, or ZX_ERR_NO_RESOURCES when the table is full.
zx_status_t vs_zx_handle_add(vs_zx_object* object, zx_rights_t rights, zx_handle_t* out);
// The live entry of a value, or NULL.
vs_zx_entry* vs_zx_handle_find(zx_handle_t value);
void vs_zx_handle_remove(vs_zx_entry* entry);
// What an object's last reference, or a vCPU's last handle, takes with it.
void vs_zx_vmo_destroy(vs_zx_vmo* vmo);
void vs_zx_port_destroy(vs_zx_port* port);
void vs_zx_guest_destroy(vs_zx_guest* guest);
void vs_zx_vmar_destroy(vs_zx_vmar* vmar);
void vs_zx_vcpu_destroy(vs_zx_vcpu* vcpu);
void vs_zx_vcpu_abandon(vs_zx_vcpu* vcpu);
void vs_zx_vcpu_kick_locked(vs_zx_vcpu* vcpu);
// Until something has changed.
void vs_zx_wait(void);
// The same, or until a deadline (CLOCK_MONOTONIC); false: it has passed.
bool vs_zx_wait_until(zx_time_t deadline);
void vs_zx_tell_all(void);
// The first guest-physical address that there is not.
uint64_t vs_zx_limit(void);
// Takes what is mapped in [gpa, gpa + size) away. NO_RESOURCES: it would take one stretch more than
// there can be; INTERNAL: the engine failed.
zx_status_t vs_zx_clear(vs_zx_guest* guest, uint64_t gpa, uint64_t size);
// The trap of ports, or of memory (BELL or MEM), that covers an address; NULL: none does. Needs no
// lock.
vs_zx_trap* vs_zx_trap_at(const vs_zx_guest* guest, bool of_ports, uint64_t addr);
// Whether a guest whose page tables a trap may have taken can be run.
void vs_zx_look_at_tables(vs_zx_guest* guest);
// With the guest's last vCPU.
void vs_zx_forget_gone(vs_zx_guest* guest);
// Puts a bell's packet into its port, which has a handle; what was queued by a trap is taken out
// with it.
zx_status_t vs_zx_port_put(vs_zx_port* port, vs_zx_trap* bell, const zx_port_packet_t* packet);
void vs_zx_port_forget(vs_zx_port* port, const vs_zx_trap* bell);

// Resolves a handle as a call does: BAD_HANDLE, then WRONG_TYPE, then ACCESS_DENIED. On ZX_OK the
// call holds a reference, which it gives back with vs_zx_unpin_locked.
zx_status_t vs_zx_pin_locked(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                             vs_zx_object** out);
void vs_zx_unpin_locked(vs_zx_object* object);

// These take the lock themselves.
zx_status_t vs_zx_pin(zx_handle_t value, zx_obj_type_t type, zx_rights_t rights,
                      vs_zx_object** out);
void vs_zx_unpin(vs_zx_object* object);
// Hands the caller its first handle to an object whose only reference is the creator's, and takes
// that reference over. On a refusal (a full table, a bad `user_out`) nothing remains of the object.
zx_status_t vs_zx_publish(vs_zx_object* object, zx_rights_t rights, zx_handle_t* user_out);
void vs_zx_handle_revoke(zx_handle_t value);

// The trap of an access that a vCPU has made: one that is being set is waited for.
vs_zx_trap* vs_zx_trap_met(const vs_zx_guest* guest, bool of_ports, uint64_t addr);
// Without the lock, for the owner. Hands over what was raised and what the guest takes now; what it
// does not stays raised, and the engine comes back once it would.
zx_status_t vs_zx_vcpu_offer(vs_zx_vcpu* vcpu);
// Whether an interrupt ends the guest's waiting.
bool vs_zx_vcpu_is_awake(const vs_zx_vcpu* vcpu);

// What a guest says to its other processors, as a packet: see processors.c. It is `self`.
typedef enum vs_zx_sent { VS_ZX_SENT_PACKET, VS_ZX_SENT_NOTHING, VS_ZX_SENT_REFUSED } vs_zx_sent;
vs_zx_sent vs_zx_tell_sent(uint64_t icr, unsigned self, zx_port_packet_t* packet);
void vs_zx_tell_startup(uint64_t id, uint64_t entry, zx_port_packet_t* packet);

// The calls.
#define VS_CALL(name, word, phase, text, ...) \
  zx_status_t vs_zx_##name(VS_EACH(VS_DECLARE, __VA_ARGS__));
#include <vcpuspec/calls.def>

#endif  // VS_BACKENDS_ZIRCON_OBJECTS_H_
