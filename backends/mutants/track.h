// SPDX-License-Identifier: BSD-3-Clause
// What interposers need to know in order to do wrong convincingly: which handle is a vCPU's first,
// which derives from which, who created it, what is to be written when its thread comes by again.
#ifndef VS_BACKENDS_MUTANTS_TRACK_H_
#define VS_BACKENDS_MUTANTS_TRACK_H_

#include <vcpuspec/backend.h>

enum { TRACKED = 128, STATE = sizeof(zx_vcpu_state_x64_t), IO = sizeof(zx_vcpu_io_t) };

// A handle at any address that a caller may have named.
typedef zx_handle_t loose_handle __attribute__((aligned(1)));

typedef struct tracked {
  zx_handle_t value;
  zx_handle_t first;  // the handle that the object's creation gave out
  zx_obj_type_t type;
  zx_rights_t rights;
  uint64_t creator;  // thread that created the object
  uint64_t deriver;  // thread that made this handle
} tracked;

// The right implementation below, and the altered calls above. The documented calls have no
// context, hence one of each per process.
extern const vs_calls* below;
// The same, with records kept.
extern const vs_calls* tracked_below;

// The backend's, which no call gives out.
extern zx_handle_t other_resource;

// Of a row that a family makes: which member of the family it is. Of every row: the 64-bit words of
// the state below, the last of which holds the flags.
extern unsigned altered_member;
extern size_t altered_words;

// Interposers that only keep the records; `track_all` installs them.
void track_all(vs_calls* calls);
zx_status_t tracking_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                            zx_handle_t* out);
zx_status_t tracking_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out);
zx_status_t tracking_close(zx_handle_t handle);
zx_status_t tracking_read(zx_handle_t handle, uint32_t kind, void* buffer, size_t size);
zx_status_t tracking_enter(zx_handle_t handle, zx_port_packet_t* packet);

// What is known of a handle: false if it is no vCPU's.
bool track_find(zx_handle_t handle, tracked* found);
// The same of a handle to anything.
bool track_find_any(zx_handle_t handle, tracked* found);
bool track_by_low_bits(zx_handle_t handle, zx_handle_t mask, tracked* found);
bool track_any(tracked* found);
// One whose value has the same bits as `handle` under the mask, to anything.
bool track_alike(zx_handle_t handle, zx_handle_t mask, tracked* found);
// A handle that is its object's first: of the type, the thread's own object rather than another.
bool track_of_type(zx_obj_type_t type, tracked* found);
// True while a thread is within an entry of the vCPU.
bool track_is_running(zx_handle_t first);
bool track_some_run(void);
// The first handle of the vCPU that the thread created, or ZX_HANDLE_INVALID.
zx_handle_t track_created_by(uint64_t thread);
uint64_t track_self(void);
bool track_is_dead(uint64_t thread);

// Remembers a write; it is made when the vCPU's own thread next reads it or enters it.
void track_later(zx_handle_t first, uint32_t kind, const void* bytes);
void track_later_everywhere(uint32_t kind, const void* bytes, zx_handle_t but);

// Reads `size` bytes, up to a page, at any address: the count that could be read.
size_t peek(const void* from, void* to, size_t size);
// The state of a vCPU, read on its own thread.
zx_vcpu_state_x64_t state_of(zx_handle_t handle);

#endif  // VS_BACKENDS_MUTANTS_TRACK_H_
