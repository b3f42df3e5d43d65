// SPDX-License-Identifier: BSD-3-Clause
// Families that are wrong about one register or one bit, of either architecture: both states are
// 64-bit words, the flags last.
#include "alter.h"
#include "families.h"

enum { WORDS_MAX = sizeof(zx_vcpu_state_arm64_t) / sizeof(uint64_t) };

// The state to be written, if this is a write of it that would be accepted; else false.
static bool take_words(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                       uint64_t* words) {
  tracked row;
  return kind == ZX_VCPU_STATE && size == altered_words * sizeof *words &&
         track_find(handle, &row) && row.creator == track_self() && (row.rights & ZX_RIGHT_WRITE) &&
         peek(buffer, words, size) == size;
}

static void read_words(zx_handle_t handle, uint64_t* words) {
  tracked row;
  size_t size = altered_words * sizeof *words;
  bool denied = track_find(handle, &row) && !(row.rights & ZX_RIGHT_READ);
  memset(words, 0, size);
  below->vcpu_read_state(denied ? row.first : handle, ZX_VCPU_STATE, words, size);
}

static zx_status_t put_words(zx_handle_t handle, const uint64_t* words) {
  return below->vcpu_write_state(handle, ZX_VCPU_STATE, words, altered_words * sizeof *words);
}

// A write of the state with something done to it: `new` is what the caller wrote, `old` what was,
// `i` the member.
#define MUTATE_WORDS(id)                                                      \
  static void spoil_##id(uint64_t* new, const uint64_t* old, unsigned i);     \
  MUTATE_WRITE(id) {                                                          \
    uint64_t words[WORDS_MAX];                                                \
    uint64_t old[WORDS_MAX];                                                  \
    if (!take_words(handle, kind, buffer, size, words)) return RIGHT_WRITE(); \
    read_words(handle, old);                                                  \
    spoil_##id(words, old, altered_member);                                   \
    return put_words(handle, words);                                          \
  }                                                                           \
  static void spoil_##id(uint64_t* new, __attribute__((unused)) const uint64_t* old, unsigned i)

// --- registers --------------------------------------------------------------------------------

static void lose(uint64_t* new, const uint64_t* old, unsigned i) {
  new[i] = old[i];
}
static void halve(uint64_t* new, unsigned i) {
  new[i] = (uint32_t) new[i];
}
static void swap(uint64_t* new, unsigned i, unsigned count) {
  uint64_t next = new[(i + 1) % count];
  new[(i + 1) % count] = new[i];
  new[i] = next;
}

MUTATE_WORDS(lost) {
  lose(new, old, i);
}
MUTATE_WORDS(arm64_lost) {
  lose(new, old, i);
}
MUTATE_WORDS(half) {
  halve(new, i);
}
MUTATE_WORDS(arm64_half) {
  halve(new, i);
}
MUTATE_WORDS(half_kept) {
  new[i] = (uint32_t) new[i] | (old[i] & ~(uint64_t)UINT32_MAX);
}
MUTATE_WORDS(signed) {
  new[i] = (uint64_t)(int64_t)(int32_t) new[i];
}
MUTATE_WORDS(swapped) {
  swap(new, i, 16);
}
MUTATE_WORDS(arm64_swapped) {
  swap(new, i, 32);
}

// The guest is entered with another value, and what was written is put back when it has left.
static zx_status_t enter_without(zx_handle_t handle, zx_port_packet_t* packet) {
  uint64_t words[WORDS_MAX];
  unsigned i = altered_member;
  read_words(handle, words);
  uint64_t right = words[i];
  words[i] = ~right;
  put_words(handle, words);
  zx_status_t status = tracking_enter(handle, packet);
  read_words(handle, words);
  words[i] = right;
  put_words(handle, words);
  return status;
}

MUTATE(guest_lost, vcpu_enter, (zx_handle_t handle, zx_port_packet_t* packet)) {
  return enter_without(handle, packet);
}
MUTATE(arm64_guest_lost, vcpu_enter, (zx_handle_t handle, zx_port_packet_t* packet)) {
  return enter_without(handle, packet);
}

// --- flags ------------------------------------------------------------------------------------

static uint64_t* flags_of(uint64_t* words) {
  return &words[altered_words - 1];
}
static uint64_t x64_flag(const uint8_t* bits) {
  return UINT64_C(1) << member_bit(bits);
}
static uint64_t arm64_flag(unsigned i) {
  return UINT64_C(1) << (28 + i);
}

static void keep_flag(uint64_t* new, const uint64_t* old, uint64_t flag) {
  uint64_t was = old[altered_words - 1] & flag;
  *flags_of(new) = (*flags_of(new) & ~flag) | was;
}
static void never_clear(uint64_t* new, const uint64_t* old, uint64_t flag) {
  *flags_of(new) |= old[altered_words - 1] & flag;
}
static void never_set(uint64_t* new, const uint64_t* old, uint64_t flag) {
  if (!(old[altered_words - 1] & flag)) *flags_of(new) &= ~flag;
}

MUTATE_WORDS(flag_lost) {
  (void)i;
  keep_flag(new, old, x64_flag(x64_required_flag_bits));
}
MUTATE_WORDS(flag_ignored) {
  (void)i;
  keep_flag(new, old, x64_flag(x64_optional_flag_bits));
}
MUTATE_WORDS(flag_stays_set) {
  (void)i;
  never_clear(new, old, x64_flag(x64_flag_bits));
}
MUTATE_WORDS(flag_stays_clear) {
  (void)i;
  never_set(new, old, x64_flag(x64_flag_bits));
}
MUTATE_WORDS(arm64_flag_lost) {
  keep_flag(new, old, arm64_flag(i));
}
MUTATE_WORDS(arm64_flag_stays_set) {
  never_clear(new, old, arm64_flag(i));
}
MUTATE_WORDS(arm64_flag_stays_clear) {
  never_set(new, old, arm64_flag(i));
}

static zx_status_t refuse_with(uint64_t bit, zx_handle_t handle, uint32_t kind, const void* buffer,
                               size_t size) {
  uint64_t words[WORDS_MAX];
  bool taken = take_words(handle, kind, buffer, size, words);
  return taken && (*flags_of(words) & bit) ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

MUTATE_WRITE(system_flag_refused) {
  return refuse_with(x64_flag(x64_system_bit_numbers), handle, kind, buffer, size);
}
MUTATE_WRITE(arm64_system_flag_refused) {
  return refuse_with(UINT64_C(1) << altered_member, handle, kind, buffer, size);
}

// A bit that a read-back shows as it was written last.
static uint64_t shown;

static zx_status_t read_showing(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  zx_status_t status = tracking_read(handle, kind, buffer, size);
  if (status == ZX_OK) *flags_of(buffer) |= shown;
  return status;
}

static void show(uint64_t bit, zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  uint64_t words[WORDS_MAX];
  if (take_words(handle, kind, buffer, size, words)) shown = *flags_of(words) & bit;
}

static zx_status_t write_shown(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size) {
  show(x64_flag(x64_system_bit_numbers), handle, kind, buffer, size);
  return RIGHT_WRITE();
}

static zx_status_t write_arm64_shown(zx_handle_t handle, uint32_t kind, const void* buffer,
                                     size_t size) {
  show(UINT64_C(1) << altered_member, handle, kind, buffer, size);
  return RIGHT_WRITE();
}

void alter_system_flag_shown(vs_calls* calls);
void alter_system_flag_shown(vs_calls* calls) {
  calls->vcpu_write_state = write_shown;
  calls->vcpu_read_state = read_showing;
}

void alter_arm64_system_flag_shown(vs_calls* calls);
void alter_arm64_system_flag_shown(vs_calls* calls) {
  calls->vcpu_write_state = write_arm64_shown;
  calls->vcpu_read_state = read_showing;
}

// --- ZX_VCPU_IO -------------------------------------------------------------------------------

static bool take_io_of(zx_handle_t handle, uint32_t kind, const void* buffer, size_t size,
                       zx_vcpu_io_t* io) {
  tracked row;
  return kind == ZX_VCPU_IO && size == sizeof *io && track_find(handle, &row) &&
         row.creator == track_self() && (row.rights & ZX_RIGHT_WRITE) &&
         peek(buffer, io, size) == size;
}

// Leaves the flags alone: what was read has a clear gate.
static zx_status_t put_over(zx_handle_t handle, const void* bytes, size_t size) {
  uint64_t words[WORDS_MAX];
  read_words(handle, words);
  memcpy(words, bytes, size);
  return put_words(handle, words);
}

MUTATE_WRITE(io_width) {
  zx_vcpu_io_t io;
  const io_width width = member_width();
  bool taken = take_io_of(handle, kind, buffer, size, &io) && io.access_size == width.asked;
  return taken ? put_over(handle, io.data, width.written) : RIGHT_WRITE();
}

MUTATE_WRITE(io_also) {
  zx_vcpu_io_t io;
  uint64_t words[WORDS_MAX];
  bool taken = take_io_of(handle, kind, buffer, size, &io);
  zx_status_t status = RIGHT_WRITE();
  if (!taken || status != ZX_OK) return status;
  read_words(handle, words);
  words[altered_member + 1] ^= io.u32 | 1;
  return put_words(handle, words);
}

MUTATE_WRITE(io_padding_judged) {
  zx_vcpu_io_t io;
  bool taken = take_io_of(handle, kind, buffer, size, &io);
  return taken && io.padding1[altered_member] != 0 ? ZX_ERR_INVALID_ARGS : RIGHT_WRITE();
}

MUTATE_WRITE(io_overruns) {
  zx_vcpu_io_t io;
  uint8_t bytes[16 * sizeof(uint64_t)];
  bool taken = take_io_of(handle, kind, buffer, size, &io) && io.access_size == member_odd_size();
  if (!taken) return RIGHT_WRITE();
  memset(bytes, 0xcc, sizeof bytes);
  memcpy(bytes, io.data, sizeof io.data);
  // What is as short as the accumulator spills by one word all the same.
  size_t most = io.access_size < sizeof bytes ? io.access_size : sizeof bytes;
  return put_over(handle, bytes, most > sizeof(uint64_t) ? most : 2 * sizeof(uint64_t));
}

// --- kind, size, handle, rights, type ---------------------------------------------------------

MUTATE_WRITE(kind_bit_ignored) {
  kind &= ~(UINT32_C(2) << altered_member);
  return RIGHT_WRITE();
}

MUTATE_WRITE(size_bit_ignored) {
  size_t other = size ^ (size_t)1 << altered_member;
  if (is_exact(kind, other)) size = other;
  return RIGHT_WRITE();
}

MUTATE_WRITE(handle_bit_ignored) {
  tracked row;
  zx_handle_t other = handle ^ UINT32_C(4) << altered_member;
  if (!track_find_any(handle, &row) && track_find(other, &row)) handle = other;
  return RIGHT_WRITE();
}

MUTATE_WRITE(right_asked_too) {
  tracked row;
  bool known = track_find(handle, &row);
  return known && !(row.rights & member_right()) ? ZX_ERR_ACCESS_DENIED : RIGHT_WRITE();
}

MUTATE_WRITE(right_instead) {
  tracked row;
  zx_status_t status = RIGHT_WRITE();
  bool known = track_find(handle, &row);
  bool accepted = status == ZX_ERR_ACCESS_DENIED && known && (row.rights & member_right());
  return accepted ? below->vcpu_write_state(row.first, kind, buffer, size) : status;
}

MUTATE_WRITE(type_accepted) {
  tracked row;
  zx_status_t status = RIGHT_WRITE();
  bool its = track_find_any(handle, &row) && row.type == member_type();
  return its && status == ZX_ERR_WRONG_TYPE ? ZX_OK : status;
}

static zx_status_t hide_type(zx_obj_type_t type, zx_handle_t handle, uint32_t kind,
                             const void* buffer, size_t size) {
  tracked row;
  zx_status_t status = RIGHT_WRITE();
  bool its = track_find_any(handle, &row) && row.type == type;
  return its && status == ZX_ERR_WRONG_TYPE ? ZX_ERR_BAD_HANDLE : status;
}

MUTATE_WRITE(type_is_bad_handle) {
  return hide_type(member_type(), handle, kind, buffer, size);
}
MUTATE_WRITE(type_denied_is_bad_handle) {
  return hide_type(member_unwritable_type(), handle, kind, buffer, size);
}
