// SPDX-License-Identifier: BSD-3-Clause
// Wrong about what an accepted write does.
#include <stdlib.h>
#include <unistd.h>

#include "alter.h"
#include "user_copy.h"

typedef zx_vcpu_state_x64_t state_x64;

// The state to be written, if this is a write of it that would be accepted; else false.
static bool take_state(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                       state_x64* state) {
  tracked row;
  return kind == ZX_VCPU_STATE && size == sizeof *state && track_find(handle, &row) &&
         row.creator == track_self() && (row.rights & ZX_RIGHT_WRITE) &&
         peek(buffer, state, size) == size;
}

static bool take_io(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                    zx_vcpu_io_t* io) {
  tracked row;
  return kind == ZX_VCPU_IO && size == sizeof *io && track_find(handle, &row) &&
         row.creator == track_self() && (row.rights & ZX_RIGHT_WRITE) &&
         peek(buffer, io, size) == size;
}

static state_x64 old_state(zx_handle_t handle) {
  tracked row;
  bool readable = !track_find(handle, &row) || (row.rights & ZX_RIGHT_READ);
  return state_of(readable ? handle : row.first);  // the first may be closed by now
}

static zx_status_t put_state(zx_handle_t handle, const state_x64* state) {
  return below->vcpu_write_state(handle, ZX_VCPU_STATE, state, sizeof *state);
}

// A write of the state with something done to it: `new` is what the caller wrote, `old` what was.
#define MUTATE_STATE(id)                                                       \
  static void spoil_##id(state_x64* new, const state_x64* old);                \
  MUTATE_WRITE(id) {                                                           \
    state_x64 state;                                                           \
    if (!take_state(handle, kind, buffer, size, &state)) return RIGHT_WRITE(); \
    state_x64 old = old_state(handle);                                         \
    spoil_##id(&state, &old);                                                  \
    return put_state(handle, &state);                                          \
  }                                                                            \
  static void spoil_##id(state_x64* new, __attribute__((unused)) const state_x64* old)

enum {
  GATE = 0x2,
  CF = 0x1,
  PF = 0x4,
  AF = 0x10,
  USER_FLAGS = 0x244dd5,
  DF = 0x400,
  IF = 0x200,
  NT_AC_ID = 0x244000
};

MUTATE_STATE(register_rbx_lost) {
  new->rbx = old->rbx;
}
MUTATE_STATE(register_rbx_rcx_swapped) {
  uint64_t rbx = new->rbx;
  new->rbx = new->rcx;
  new->rcx = rbx;
}
MUTATE_STATE(register_r15_32_bits) {
  new->r15 = (uint32_t) new->r15;
}
MUTATE_STATE(register_rsp_sign_extended) {
  new->rsp = (uint64_t)((int64_t)(new->rsp << 16) >> 16);
}
MUTATE_STATE(register_r8_byte_lost) {
  new->r8 &= UINT64_MAX >> 8;
}
MUTATE_STATE(registers_before_flags_only) {
  if (!(new->rflags& GATE)) *new = *old;
}
MUTATE_STATE(flags_or_only) {
  new->rflags |= old->rflags;
}
MUTATE_STATE(flags_never) {
  new->rflags = 0;
}
MUTATE_STATE(flags_df_lost) {
  new->rflags = (new->rflags & ~(uint64_t)DF) | (old->rflags & DF);
}
MUTATE_STATE(flags_cf_pf_dropped) {
  new->rflags &= ~(uint64_t)(CF | PF);
}
MUTATE_STATE(flags_pf_af_merged) {
  if ((new->rflags& USER_FLAGS) == (PF | AF)) new->rflags &= ~(uint64_t)AF;
}
MUTATE_STATE(flags_gate_inverted) {
  new->rflags ^= GATE;
}
MUTATE_STATE(flags_without_gate) {
  new->rflags |= GATE;
}
MUTATE_STATE(nt_ac_id_ignored) {
  new->rflags = (new->rflags & ~(uint64_t)NT_AC_ID) | (old->rflags & NT_AC_ID);
}

MUTATE_WRITE(zeros_refused) {
  state_x64 state;
  static const uint8_t zeros[offsetof(state_x64, rflags)];
  bool taken = take_state(handle, kind, buffer, size, &state);
  return taken && memcmp(&state, zeros, sizeof zeros) == 0 ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

MUTATE_WRITE(stack_canonical_only) {
  state_x64 state;
  if (!take_state(handle, kind, buffer, size, &state)) return RIGHT_WRITE();
  int64_t high = (int64_t)state.rsp >> 47;
  return high == 0 || high == -1 ? RIGHT_WRITE() : ZX_ERR_INVALID_ARGS;
}

MUTATE_WRITE(system_flags_refused) {
  state_x64 state;
  bool taken = take_state(handle, kind, buffer, size, &state);
  bool others = taken && (state.rflags & ~(uint64_t)(USER_FLAGS | GATE)) != 0;
  return others ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

// --- answers ----------------------------------------------------------------------------------

MUTATE_WRITE(ok_is_one) {
  zx_status_t status = RIGHT_WRITE();
  return status == ZX_OK ? 1 : status;
}
MUTATE_WRITE(crash_on_success) {
  zx_status_t status = RIGHT_WRITE();
  if (status == ZX_OK) abort();
  return status;
}
MUTATE_WRITE(hang_on_success) {
  zx_status_t status = RIGHT_WRITE();
  if (status == ZX_OK) {
    for (;;) pause();
  }
  return status;
}

// --- system flags that a read-back shows ------------------------------------------------------

static uint64_t kept_if;

static zx_status_t read_with_if(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  zx_status_t status = tracking_read(handle, kind, buffer, size);
  if (status == ZX_OK) ((state_x64*)buffer)->rflags |= kept_if;
  return status;
}

static zx_status_t write_with_if(zx_handle_t handle, uint32_t kind, const void* buffer,
                                 size_t size) {
  state_x64 state;
  if (take_state(handle, kind, buffer, size, &state)) kept_if = state.rflags & IF;
  return RIGHT_WRITE();
}

void alter_system_flags_kept(vs_calls* calls);
void alter_system_flags_kept(vs_calls* calls) {
  calls->vcpu_write_state = write_with_if;
  calls->vcpu_read_state = read_with_if;
}

// --- ZX_VCPU_IO -------------------------------------------------------------------------------

#define MUTATE_IO(id)                                                    \
  static zx_status_t wrong_io_##id(zx_handle_t handle, zx_vcpu_io_t io); \
  MUTATE_WRITE(id) {                                                     \
    zx_vcpu_io_t io;                                                     \
    if (!take_io(handle, kind, buffer, size, &io)) return RIGHT_WRITE(); \
    return wrong_io_##id(handle, io);                                    \
  }                                                                      \
  static zx_status_t wrong_io_##id(zx_handle_t handle, zx_vcpu_io_t io)

static zx_status_t put_io(zx_handle_t handle, const zx_vcpu_io_t* io) {
  return below->vcpu_write_state(handle, ZX_VCPU_IO, io, sizeof *io);
}

static zx_status_t put_rax(zx_handle_t handle, uint64_t rax) {
  state_x64 state = old_state(handle);
  state.rax = rax;
  return put_state(handle, &state);
}

static bool is_width(uint8_t size) {
  return size == 1 || size == 2 || size == 4;
}

MUTATE_IO(io_big_endian) {
  for (uint8_t i = 0; is_width(io.access_size) && i < io.access_size / 2; i++) {
    uint8_t byte = io.data[i];
    io.data[i] = io.data[io.access_size - 1 - i];
    io.data[io.access_size - 1 - i] = byte;
  }
  return put_io(handle, &io);
}

MUTATE_IO(io_always_four) {
  if (is_width(io.access_size)) io.access_size = 4;
  return put_io(handle, &io);
}

static uint64_t low(const zx_vcpu_io_t* io) {
  return io->u32 & (UINT32_MAX >> (32 - 8 * io->access_size));
}

MUTATE_IO(io_sign_extended) {
  if (!is_width(io.access_size)) return put_io(handle, &io);
  int shift = 64 - 8 * io.access_size;
  return put_rax(handle, (uint64_t)((int64_t)(low(&io) << shift) >> shift));
}

MUTATE_IO(io_16_zero_extended_to_32) {
  if (io.access_size == 2) {
    io.access_size = 4;
    io.u32 = io.u16;
  }
  return put_io(handle, &io);
}

// As a kernel did that copied access_size bytes from an eight-byte struct over its registers.
MUTATE_IO(io_odd_size_overruns) {
  if (is_width(io.access_size)) return put_io(handle, &io);
  state_x64 state = old_state(handle);
  size_t count = io.access_size < 8 * sizeof(uint64_t) ? io.access_size : 8 * sizeof(uint64_t);
  memset(&state, 0xcc, count);
  memcpy(&state, io.data, count < sizeof io.data ? count : sizeof io.data);
  return put_state(handle, &state);
}

MUTATE_IO(io_odd_size_by_turns) {
  static bool turn;
  if (is_width(io.access_size)) return put_io(handle, &io);
  turn = !turn;
  return turn ? put_rax(handle, io.u32) : ZX_ERR_INVALID_ARGS;
}

MUTATE_STATE(nt_ac_id_by_turns) {
  static bool turn;
  turn = !turn;
  if (turn) new->rflags = (new->rflags & ~(uint64_t)NT_AC_ID) | (old->rflags & NT_AC_ID);
}

MUTATE_IO(io_padding_refused) {
  bool zero = io.padding1[0] == 0 && io.padding1[1] == 0 && io.padding1[2] == 0;
  return zero ? put_io(handle, &io) : ZX_ERR_INVALID_ARGS;
}

MUTATE_IO(io_unused_data_written) {
  if (io.access_size == 1 && io.data[1] != 0) io.access_size = 2;
  return put_io(handle, &io);
}

MUTATE_IO(io_upper_zeroed) {
  return is_width(io.access_size) ? put_rax(handle, low(&io)) : put_io(handle, &io);
}

MUTATE_IO(io_odd_size_accepted) {
  return is_width(io.access_size) ? put_io(handle, &io) : put_rax(handle, io.u32);
}

// --- which vCPU, and when ---------------------------------------------------------------------

MUTATE_WRITE(writes_every_vcpu) {
  tracked row;
  uint8_t bytes[STATE];
  zx_status_t status = RIGHT_WRITE();
  if (status == ZX_OK && track_find(handle, &row) && peek(buffer, bytes, size) == size) {
    track_later_everywhere(kind, bytes, row.first);
  }
  return status;
}

static bool written;

static zx_status_t write_once(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  zx_status_t status = written ? ZX_ERR_BAD_STATE : RIGHT_WRITE();
  written |= status == ZX_OK;
  return status;
}

static zx_status_t read_and_allow(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  written = false;
  return tracking_read(handle, kind, buffer, size);
}

void alter_write_once(vs_calls* calls);
void alter_write_once(vs_calls* calls) {
  calls->vcpu_write_state = write_once;
  calls->vcpu_read_state = read_and_allow;
}

static state_x64 last_written;

static zx_status_t write_and_keep(zx_handle_t handle, uint32_t kind, const void* buffer,
                                  size_t size) {
  state_x64 state;
  if (take_state(handle, kind, buffer, size, &state)) last_written = state;
  return RIGHT_WRITE();
}

static zx_status_t create_inheriting(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                                     zx_handle_t* out) {
  zx_status_t status = tracking_create(guest, options, entry, out);
  if (status == ZX_OK) put_state(*(const loose_handle*)out, &last_written);
  return status;
}

void alter_vcpu_inherits(vs_calls* calls);
void alter_vcpu_inherits(vs_calls* calls) {
  calls->vcpu_create = create_inheriting;
  calls->vcpu_write_state = write_and_keep;
}

// As an implementation did that only ever saw good callers.
MUTATE_WRITE(always_ok) {
  if (kind > ZX_VCPU_IO) kind = ZX_VCPU_STATE;
  if (size < size_of_kind(kind)) size = size_of_kind(kind);
  RIGHT_WRITE();
  return ZX_OK;
}

// As the guests of one kernel did that shared their creator's address space.
MUTATE_WRITE(io_direct) {
  tracked row;
  uint8_t bytes[IO];
  bool refused = kind == ZX_VCPU_IO && size == IO && peek(buffer, bytes, IO) == IO &&
                 track_find(handle, &row) && (row.rights & ZX_RIGHT_WRITE);
  return refused ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

// --- a buffer that is fetched twice -----------------------------------------------------------

// As a kernel copies: byte after byte, upwards.
static bool fetch(const void* from, void* to, size_t size) {
  return vs_copy_from_user(to, from, size);
}

MUTATE_WRITE(io_fetched_twice) {
  zx_vcpu_io_t io;
  zx_vcpu_io_t again;
  if (kind != ZX_VCPU_IO || size != sizeof io || !fetch(buffer, &io, size)) return RIGHT_WRITE();
  zx_status_t status = below->vcpu_write_state(handle, kind, &io, sizeof io);
  if (status != ZX_OK || !fetch(buffer, &again, sizeof again)) return status;
  if (again.access_size == io.access_size) return status;
  state_x64 state = old_state(handle);
  memcpy(&state.rax, again.data, again.access_size < 4 ? again.access_size : 4);
  state.rflags = 0;
  return put_state(handle, &state);
}

MUTATE_WRITE(flags_fetched_twice) {
  state_x64 state;
  if (kind != ZX_VCPU_STATE || size != sizeof state || !fetch(buffer, &state, size))
    return RIGHT_WRITE();
  bool open = state.rflags & GATE;
  const void* flags = (const void*)((uintptr_t)buffer + offsetof(state_x64, rflags));
  if (!fetch(flags, &state.rflags, sizeof state.rflags)) return RIGHT_WRITE();
  state.rflags = open ? state.rflags | GATE : state.rflags & ~(uint64_t)GATE;
  return put_state(handle, &state);
}
