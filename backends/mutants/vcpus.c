// SPDX-License-Identifier: BSD-3-Clause
// Wrong about making vCPUs, about who may call them, and about handles that are made of others.
#include "alter.h"
#include "families.h"
#include "refused.h"

// --- making one -------------------------------------------------------------------------------

MUTATE_CALL(vcpu_create_missing, vcpu_create) {
  (void)a;
  return ZX_ERR_NOT_SUPPORTED;
}

// Who has made one, whatever became of it.
MUTATE_CALL(thread_busy_for_ever, vcpu_create) {
  static uint64_t last;
  if (last == track_self()) return ZX_ERR_BAD_STATE;
  zx_status_t status = RIGHT_CALL(vcpu_create);
  if (status == ZX_OK) last = track_self();
  return status;
}
MUTATE_CALL(thread_busy_after_refusal, vcpu_create) {
  static uint64_t refused;
  if (refused == track_self()) return ZX_ERR_BAD_STATE;
  zx_status_t status = RIGHT_CALL(vcpu_create);
  if (status != ZX_OK && status != ZX_ERR_BAD_STATE) refused = track_self();
  return status;
}
MUTATE_CALL(one_vcpu_for_all_threads, vcpu_create) {
  tracked found;
  bool some = track_any(&found) && (a->guest & 3) == 3;
  zx_status_t status = some ? ZX_ERR_BAD_STATE : RIGHT_CALL(vcpu_create);
  return status;
}
MUTATE_CALL(thread_of_guest_only, vcpu_create) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->guest, &found) && found.type == ZX_OBJ_TYPE_GUEST;
  bool foreign = known && found.creator != track_self();
  return foreign ? ZX_ERR_BAD_STATE : RIGHT_CALL(vcpu_create);
}

// The thread is free as soon as the handle is closed that the creation gave out.
MUTATE_CALL(thread_free_by_first_handle, vcpu_create) {
  tracked found;
  zx_handle_t own = track_created_by(track_self());
  bool open = own != ZX_HANDLE_INVALID && track_find_any(own, &found);
  zx_status_t status = RIGHT_CALL(vcpu_create);
  return status == ZX_ERR_BAD_STATE && !open ? ZX_OK : status;
}
MUTATE_CALL(one_per_thread_and_guest, vcpu_create) {
  static zx_handle_t guest;
  zx_status_t status = RIGHT_CALL(vcpu_create);
  if (status == ZX_ERR_BAD_STATE && guest != (zx_handle_t)a->guest) return ZX_OK;
  if (status == ZX_OK) guest = (zx_handle_t)a->guest;
  return status;
}

static zx_status_t refuse_entry(struct vs_args_vcpu_create* a, bool refused) {
  zx_status_t status = refused ? ZX_ERR_INVALID_ARGS : RIGHT_CALL(vcpu_create);
  return status;
}
MUTATE_CALL(entry_aligned_only, vcpu_create) {
  return refuse_entry(a, a->entry % 2 != 0);
}
MUTATE_CALL(entry_not_zero, vcpu_create) {
  return refuse_entry(a, a->entry == 0);
}
MUTATE_CALL(entry_below_1g, vcpu_create) {
  return refuse_entry(a, a->entry >> 30 != 0);
}
MUTATE_CALL(entry_below_4g, vcpu_create) {
  return refuse_entry(a, a->entry >> 32 != 0);
}
MUTATE_CALL(entry_48_bits, vcpu_create) {
  a->entry &= 0xffffffffffff;
  return RIGHT_CALL(vcpu_create);
}
MUTATE_CALL(entry_signed, vcpu_create) {
  if ((int64_t)a->entry < 0) a->entry = 0;
  return RIGHT_CALL(vcpu_create);
}

// --- who calls --------------------------------------------------------------------------------

static bool is_foreign(uint64_t handle) {
  tracked found;
  return track_find((zx_handle_t)handle, &found) && found.creator != track_self();
}

MUTATE_CALL(kick_by_creator_only, vcpu_kick) {
  return is_foreign(a->handle) ? ZX_ERR_BAD_STATE : RIGHT_CALL(vcpu_kick);
}
MUTATE_CALL(kick_by_others_only, vcpu_kick) {
  zx_status_t status = RIGHT_CALL(vcpu_kick);
  return status == ZX_OK && !is_foreign(a->handle) ? ZX_ERR_BAD_STATE : status;
}
MUTATE_CALL(kick_dead_creator, vcpu_kick) {
  tracked found;
  bool known = track_find((zx_handle_t)a->handle, &found);
  return known && track_is_dead(found.creator) ? ZX_ERR_NOT_FOUND : RIGHT_CALL(vcpu_kick);
}
MUTATE_CALL(kick_only_while_running, vcpu_kick) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_kick);
  bool idle = track_find((zx_handle_t)a->handle, &found) && !track_is_running(found.first);
  return status == ZX_OK && idle ? ZX_ERR_BAD_STATE : status;
}
MUTATE_CALL(kick_pending_refused, vcpu_kick) {
  static zx_handle_t last;
  zx_status_t status = RIGHT_CALL(vcpu_kick);
  bool again = status == ZX_OK && last == (zx_handle_t)a->handle;
  if (status == ZX_OK) last = (zx_handle_t)a->handle;
  return again ? ZX_ERR_ALREADY_EXISTS : status;
}
MUTATE_CALL(interrupt_by_creator_only, vcpu_interrupt) {
  return is_foreign(a->handle) ? ZX_ERR_BAD_STATE : RIGHT_CALL(vcpu_interrupt);
}
MUTATE_CALL(interrupt_by_others_only, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return status == ZX_OK && !is_foreign(a->handle) ? ZX_ERR_BAD_STATE : status;
}
MUTATE_CALL(interrupt_dead_creator, vcpu_interrupt) {
  tracked found;
  bool known = track_find((zx_handle_t)a->handle, &found);
  return known && track_is_dead(found.creator) ? ZX_ERR_NOT_FOUND : RIGHT_CALL(vcpu_interrupt);
}
MUTATE_CALL(interrupt_pending_refused, vcpu_interrupt) {
  static uint64_t last;
  bool again = last == a->vector;
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  if (status != ZX_OK) return status;
  last = a->vector;
  return again ? ZX_ERR_ALREADY_EXISTS : status;
}
MUTATE_CALL(interrupt_255_refused, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector == 255 && status == ZX_OK ? ZX_ERR_OUT_OF_RANGE : status;
}
MUTATE_CALL(interrupt_256_accepted, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector == 256 && status == ZX_ERR_OUT_OF_RANGE ? ZX_OK : status;
}
MUTATE_CALL(interrupt_high_refused, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector > 127 && status == ZX_OK ? ZX_ERR_INVALID_ARGS : status;
}
MUTATE_CALL(interrupt_low_refused, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector < 32 && status == ZX_OK ? ZX_ERR_NOT_SUPPORTED : status;
}
MUTATE_CALL(interrupt_511_accepted, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector == 511 && status == ZX_ERR_OUT_OF_RANGE ? ZX_OK : status;
}
MUTATE_CALL(interrupt_high_without_signal, vcpu_interrupt) {
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  return a->vector > 127 && status == ZX_ERR_ACCESS_DENIED ? ZX_OK : status;
}

// What an interrupt does to a kick, and to the next entry.
MUTATE_CALL(interrupt_kicks, vcpu_interrupt) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  bool known = track_find((zx_handle_t)a->handle, &found);
  if (status == ZX_OK && known) below->vcpu_kick(found.first);
  return status;
}
MUTATE_CALL(interrupt_refused_kicks, vcpu_interrupt) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  bool known = track_find((zx_handle_t)a->handle, &found);
  if (status == ZX_ERR_OUT_OF_RANGE && known) below->vcpu_kick(found.first);
  return status;
}
MUTATE_CALL(kick_of_all, vcpu_kick) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_kick);
  if (status != ZX_OK || !track_find((zx_handle_t)a->handle, &found)) return status;
  for (uint64_t thread = 0; thread < 4; thread++) {
    zx_handle_t last = track_created_by(thread);
    if (last != ZX_HANDLE_INVALID) below->vcpu_kick(last);
  }
  return status;
}

// An interrupt leaves a trace in a register.
MUTATE_CALL(interrupt_in_a_register, vcpu_interrupt) {
  tracked found;
  zx_status_t status = RIGHT_CALL(vcpu_interrupt);
  bool own = track_find((zx_handle_t)a->handle, &found) && found.creator == track_self();
  if (status != ZX_OK || !own) return status;
  zx_vcpu_state_x64_t state = state_of(found.first);
  state.rax = a->vector;
  below->vcpu_write_state(found.first, ZX_VCPU_STATE, &state, sizeof state);
  return status;
}

// --- reading ----------------------------------------------------------------------------------

static uint8_t* bytes_at(const struct vs_args_vcpu_read_state* a) {
  return (uint8_t*)(uintptr_t)a->buffer;
}

MUTATE_CALL(read_overruns_by_1, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool good = status == ZX_OK && is_writable(a->buffer + a->buffer_size, 1);
  if (good) bytes_at(a)[a->buffer_size] ^= 1;
  return status;
}
MUTATE_CALL(read_ends_before_flags, vcpu_read_state) {
  uint64_t before = 0;
  const uint64_t last = a->buffer + a->buffer_size - sizeof before;
  const bool there = peek((const void*)(uintptr_t)last, &before, sizeof before) == sizeof before;
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  if (status == ZX_OK && there) memcpy((void*)(uintptr_t)last, &before, sizeof before);
  return status;
}
MUTATE_CALL(read_overruns_by_8, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool good = status == ZX_OK && is_writable(a->buffer + a->buffer_size, 8);
  if (good) bytes_at(a)[a->buffer_size + 7] ^= 1;
  return status;
}
MUTATE_CALL(read_begins_before, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  if (status == ZX_OK && is_writable(a->buffer - 1, 1)) bytes_at(a)[-1] ^= 1;
  return status;
}
MUTATE_CALL(read_needs_room, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool more = is_writable(a->buffer + a->buffer_size, 1);
  return status == ZX_OK && !more ? ZX_ERR_INVALID_ARGS : status;
}
MUTATE_CALL(read_aligned_only, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  return status == ZX_OK && a->buffer % 8 != 0 ? ZX_ERR_INVALID_ARGS : status;
}

// Some of what was in the buffer stays.
static zx_status_t read_but(const struct vs_args_vcpu_read_state* a, size_t from, size_t count) {
  uint8_t kept[STATE];
  size_t most = a->buffer_size < sizeof kept ? a->buffer_size : sizeof kept;
  size_t got = peek(bytes_at(a), kept, most);
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  if (status == ZX_OK && got == most) memcpy(bytes_at(a) + from, kept + from, count);
  return status;
}
MUTATE_CALL(read_first_byte_left_out, vcpu_read_state) {
  return read_but(a, 0, 1);
}
MUTATE_CALL(read_last_byte_left_out, vcpu_read_state) {
  return read_but(a, STATE - 1, 1);
}
MUTATE_CALL(read_flags_left_out, vcpu_read_state) {
  return read_but(a, STATE - 8, 8);
}

MUTATE_CALL(read_clears_on_refusal, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool room =
      a->buffer_size > 0 && a->buffer_size <= STATE && is_writable(a->buffer, a->buffer_size);
  if (status != ZX_OK && room) memset(bytes_at(a), 0, a->buffer_size);
  return status;
}
MUTATE_CALL(read_larger_accepted, vcpu_read_state) {
  size_t exact = altered_words * sizeof(uint64_t);
  if (a->kind == ZX_VCPU_STATE && a->buffer_size > exact) a->buffer_size = exact;
  return RIGHT_CALL(vcpu_read_state);
}
MUTATE_CALL(read_smaller_accepted, vcpu_read_state) {
  size_t exact = altered_words * sizeof(uint64_t);
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool smaller = a->kind == ZX_VCPU_STATE && a->buffer_size < exact;
  return status == ZX_ERR_INVALID_ARGS && smaller ? ZX_OK : status;
}
MUTATE_CALL(read_too_small, vcpu_read_state) {
  size_t exact = altered_words * sizeof(uint64_t);
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool smaller = a->kind == ZX_VCPU_STATE && a->buffer_size < exact;
  return status == ZX_ERR_INVALID_ARGS && smaller ? ZX_ERR_BUFFER_TOO_SMALL : status;
}
MUTATE_CALL(read_size_8_bits, vcpu_read_state) {
  a->buffer_size &= 0xff;
  return RIGHT_CALL(vcpu_read_state);
}
MUTATE_CALL(read_size_32_bits, vcpu_read_state) {
  a->buffer_size &= 0xffffffff;
  return RIGHT_CALL(vcpu_read_state);
}
MUTATE_CALL(read_io_answered, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool io = a->kind == ZX_VCPU_IO && a->buffer_size == IO && status == ZX_ERR_INVALID_ARGS;
  if (io && is_writable(a->buffer, IO)) memset(bytes_at(a), 0, IO);
  return io ? ZX_OK : status;
}
MUTATE_CALL(read_kind_8_bits, vcpu_read_state) {
  a->kind &= 0xff;
  return RIGHT_CALL(vcpu_read_state);
}
MUTATE_CALL(read_anywhere, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  bool room = a->buffer_size <= STATE && is_writable(a->buffer, a->buffer_size);
  return status == ZX_ERR_BAD_STATE && room ? ZX_OK : status;
}
MUTATE_CALL(read_elsewhere_only, vcpu_read_state) {
  zx_status_t status = RIGHT_CALL(vcpu_read_state);
  return status == ZX_OK && !is_foreign(a->handle) ? ZX_ERR_BAD_STATE : status;
}
// --- handles that are made of others ----------------------------------------------------------

MUTATE_CALL(close_nothing_refused, handle_close) {
  return a->handle == ZX_HANDLE_INVALID ? ZX_ERR_BAD_HANDLE : RIGHT_CALL(handle_close);
}
MUTATE_CALL(close_by_maker_only, handle_close) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool foreign = known && found.deriver != track_self();
  return foreign ? ZX_ERR_ACCESS_DENIED : RIGHT_CALL(handle_close);
}
MUTATE_CALL(close_closes_nothing, handle_close) {
  tracked found;
  return track_find_any((zx_handle_t)a->handle, &found) ? ZX_OK : RIGHT_CALL(handle_close);
}
MUTATE_CALL(close_twice_accepted, handle_close) {
  static uint64_t last;
  bool again = a->handle == last;
  zx_status_t status = RIGHT_CALL(handle_close);
  if (status == ZX_OK) last = a->handle;
  return again && status == ZX_ERR_BAD_HANDLE ? ZX_OK : status;
}

MUTATE_CALL(duplicate_no_rights_refused, handle_duplicate) {
  return a->rights == 0 ? ZX_ERR_INVALID_ARGS : RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_keeps_rights, handle_duplicate) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (known && (a->rights & ~(uint64_t)found.rights) == 0) a->rights = ZX_RIGHT_SAME_RIGHTS;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_cuts_rights, handle_duplicate) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool asked = a->rights != ZX_RIGHT_SAME_RIGHTS;
  if (known && asked) a->rights &= found.rights;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_all_rights, handle_duplicate) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool beyond = a->rights != ZX_RIGHT_SAME_RIGHTS && (a->rights & ~(uint64_t)found.rights) != 0;
  if (known && beyond) a->handle = found.first;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_same_lost, handle_duplicate) {
  if (a->rights == ZX_RIGHT_SAME_RIGHTS) a->rights = 0;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_same_loses_signal, handle_duplicate) {
  tracked found;
  bool same = a->rights == ZX_RIGHT_SAME_RIGHTS;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (known && same) a->rights = found.rights & ~(zx_rights_t)ZX_RIGHT_SIGNAL;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_same_and_more, handle_duplicate) {
  if (a->rights & ZX_RIGHT_SAME_RIGHTS) a->rights = ZX_RIGHT_SAME_RIGHTS;
  return RIGHT_CALL(handle_duplicate);
}
MUTATE_CALL(duplicate_closes_source, handle_duplicate) {
  zx_status_t status = RIGHT_CALL(handle_duplicate);
  if (status == ZX_OK) tracked_below->handle_close((zx_handle_t)a->handle);
  return status;
}
MUTATE_CALL(duplicate_is_another, handle_duplicate) {
  zx_status_t status = RIGHT_CALL(handle_duplicate);
  loose_handle* out = (loose_handle*)(uintptr_t)a->out;
  if (status == ZX_OK) below->event_create(0, (void*)out);
  return status;
}

MUTATE_CALL(replace_keeps_source, handle_replace) {
  return make_right(VS_CALL_handle_duplicate, (const uint64_t*)a);
}
MUTATE_CALL(replace_refused_keeps_source, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool same = a->rights == ZX_RIGHT_SAME_RIGHTS;
  bool beyond = known && !same && (a->rights & ~(uint64_t)found.rights) != 0;
  return beyond ? ZX_ERR_INVALID_ARGS : RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_asks_duplicate, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool lacks = known && !(found.rights & ZX_RIGHT_DUPLICATE);
  return lacks ? ZX_ERR_ACCESS_DENIED : RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_asks_transfer, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool lacks = known && !(found.rights & ZX_RIGHT_TRANSFER);
  return lacks ? ZX_ERR_ACCESS_DENIED : RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_keeps_rights, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (known && (a->rights & ~(uint64_t)found.rights) == 0) a->rights = ZX_RIGHT_SAME_RIGHTS;
  return RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_keeps_read, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (known && (a->rights & ~(uint64_t)found.rights) == 0)
    a->rights |= found.rights & ZX_RIGHT_READ;
  return RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_keeps_transfer, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  bool asked = known && (a->rights & ~(uint64_t)found.rights) == 0;
  if (asked) a->rights |= found.rights & ZX_RIGHT_TRANSFER;
  return RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_keeps_port, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (!known || found.type != ZX_OBJ_TYPE_PORT) return RIGHT_CALL(handle_replace);
  return make_right(VS_CALL_handle_duplicate, (const uint64_t*)a);
}
MUTATE_CALL(replace_cuts_rights, handle_replace) {
  tracked found;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (known && a->rights != ZX_RIGHT_SAME_RIGHTS) a->rights &= found.rights;
  return RIGHT_CALL(handle_replace);
}
MUTATE_CALL(replace_same_value, handle_replace) {
  tracked found;
  loose_handle* out = (loose_handle*)(uintptr_t)a->out;
  bool known = track_find_any((zx_handle_t)a->handle, &found);
  if (!known || !is_writable(a->out, sizeof *out)) return RIGHT_CALL(handle_replace);
  *out = (zx_handle_t)a->handle;
  return ZX_OK;
}

// --- other objects ----------------------------------------------------------------------------

MUTATE_CALL(vmo_of_one_page, vmo_create) {
  return a->size > 4096 ? ZX_ERR_OUT_OF_RANGE : RIGHT_CALL(vmo_create);
}
