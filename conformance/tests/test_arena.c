// SPDX-License-Identifier: BSD-3-Clause
// Every placement is really what it is called: asked of the kernel, byte by byte, without touching.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "changed.h"
#include "executor/arena.h"
#include "place.h"
#include "tables.h"

enum { PAGE = 4096, FILLER = 0x5a };

static const uint16_t lengths[] = {1, 8, 136, 264, 265, 2048};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static bool read_byte(uintptr_t at, uint8_t* byte) {
  struct iovec local = {byte, 1};
  struct iovec remote = {(void*)at, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

static bool is_writable(uintptr_t at) {
  uint8_t byte = 0;
  struct iovec local = {&byte, 1};
  struct iovec remote = {(void*)at, 1};
  return read_byte(at, &byte) && process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1;
}

// Bytes that can be read from `at` on, at most `limit`.
static size_t readable(const void* at, size_t limit) {
  uint8_t byte;
  size_t count = 0;
  while (count < limit && read_byte((uintptr_t)at + count, &byte)) count++;
  return count;
}

// A pointer, and what lies there.
typedef struct buffer {
  vs_arg pointer;
  uint8_t bytes[VS_STATE_MAX];
} buffer;

static buffer buffer_at(vs_placement at, size_t argument, size_t length) {
  buffer b = {
      .pointer = {.at = (uint8_t)at, .argument = (uint16_t)argument, .length = (uint16_t)length}};
  for (size_t i = 0; i < VS_STATE_MAX; i++) b.bytes[i] = (uint8_t)(i * 7 + length + argument);
  return b;
}

static void holds(const void* at, const buffer* b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t expected = i < VS_STATE_MAX ? b->bytes[i] : FILLER;
    uint8_t got = 0;
    bool read = read_byte((uintptr_t)at + i, &got);
    cr_assert(read && got == expected, "%s:%u, %u bytes: byte %u must be 0x%02x, got 0x%02x%s",
              vs_placements[b->pointer.at].name, b->pointer.argument, b->pointer.length,
              (unsigned)i, expected, got, read ? "" : " (unreadable)");
  }
}

static void is_readable_for(const void* at, const buffer* b, size_t count) {
  size_t got = readable(at, b->pointer.length);
  cr_assert(got == count, "%s:%u, %u bytes: %u must be readable, got %u",
            vs_placements[b->pointer.at].name, b->pointer.argument, b->pointer.length,
            (unsigned)count, (unsigned)got);
}

static vs_arena arena;

static void open_arena(void) {
  cr_assert(vs_arena_open(&arena), "an arena can be opened");
}

static void close_arena(void) {
  vs_arena_close(&arena);
}

static vs_laid lay_out_in(vs_arena* in, const buffer* b) {
  return vs_arena_place(in, &b->pointer, b->pointer.length, b->bytes, VS_STATE_MAX, FILLER);
}

// Where the call would find it.
static uint8_t* lay_out(const buffer* b) {
  return lay_out_in(&arena, b).address;
}

TestSuite(arena, .init = open_arena, .fini = close_arena);

Test(arena, readable_placements_hold_every_byte) {
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    if (!vs_placements[at].readable) continue;
    for (size_t i = 0; i < LENGTHS; i++) {
      for (size_t argument = 0; argument < 70; argument += 3) {
        buffer b = buffer_at((vs_placement)at, argument, lengths[i]);
        const void* place = lay_out(&b);
        is_readable_for(place, &b, lengths[i]);
        holds(place, &b, lengths[i]);
      }
    }
  }
}

Test(arena, unreadable_placements_have_no_first_byte) {
  static const struct {
    vs_placement at;
    unsigned first, last;  // arguments
  } rows[] = {{VS_AT_NULL, 0, 0},
              {VS_AT_ONE, 0, 0},
              {VS_AT_UNMAPPED, 0, 0},
              {VS_AT_PROT_NONE, 0, 0},
              {VS_AT_BEYOND_EOF, 0, 0},
              // Not 2: the vsyscall page, which some kernels let a process read.
              {VS_AT_KERNEL, 0, 1},
              {VS_AT_KERNEL, 3, 3},
              {VS_AT_NONCANONICAL, 47, 63},
              {VS_AT_WRAPPING, 1, 16}};
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
    for (unsigned argument = rows[r].first; argument <= rows[r].last; argument++) {
      buffer b = buffer_at(rows[r].at, argument, 136);
      is_readable_for(lay_out(&b), &b, 0);
    }
  }
}

Test(arena, straddling_buffer_is_readable_up_to_the_last_n_bytes) {
  static const vs_placement straddling[] = {VS_AT_STRADDLE, VS_AT_STRADDLE_NONE};
  for (size_t s = 0; s < 2; s++) {
    for (size_t n = 1; n <= 136; n++) {
      buffer b = buffer_at(straddling[s], n, 136);
      const void* place = lay_out(&b);
      is_readable_for(place, &b, 136 - n);
      holds(place, &b, 136 - n);
      cr_assert(((uintptr_t)place + 136 - n) % PAGE == 0, "%s:%u: the page does not end there",
                vs_placements[b.pointer.at].name, (unsigned)n);
    }
  }
}

Test(arena, straddle_none_ends_at_a_mapped_page) {
  buffer b = buffer_at(VS_AT_STRADDLE_NONE, 8, 16);
  uint8_t* place = lay_out(&b);
  cr_assert(mprotect(place + 8, PAGE, PROT_NONE) == 0, "straddle_none: the page is not mapped");
  b.pointer.at = VS_AT_STRADDLE;
  place = lay_out(&b);
  cr_assert(mprotect(place + 8, PAGE, PROT_NONE) != 0, "straddle: the page is mapped");
}

Test(arena, unmapped_is_not_mapped_and_prot_none_is) {
  buffer b = buffer_at(VS_AT_UNMAPPED, 0, 136);
  void* hole = lay_out(&b);
  cr_assert(mprotect(hole, PAGE, PROT_NONE) != 0, "unmapped: something is mapped");
  b.pointer.at = VS_AT_PROT_NONE;
  void* fenced = lay_out(&b);
  cr_assert(mprotect(fenced, PAGE, PROT_NONE) == 0, "prot_none: nothing is mapped");
}

Test(arena, edge_ends_before_an_unreadable_byte) {
  for (size_t i = 0; i < LENGTHS; i++) {
    buffer b = buffer_at(VS_AT_EDGE, 0, lengths[i]);
    const uint8_t* place = lay_out(&b);
    cr_assert(readable(place, lengths[i] + 1u) == lengths[i], "edge: the byte after %u can be read",
              lengths[i]);
  }
}

Test(arena, crossing_buffer_has_n_bytes_on_the_first_page) {
  for (size_t n = 1; n < 136; n++) {
    buffer b = buffer_at(VS_AT_CROSSING, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    cr_assert((place + n) % PAGE == 0, "crossing:%u lies at 0x%llx", (unsigned)n,
              (unsigned long long)place);
  }
}

Test(arena, misaligned_buffer_lies_n_bytes_past_a_boundary) {
  for (size_t n = 0; n < 64; n++) {
    buffer b = buffer_at(VS_AT_MISALIGNED, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    cr_assert(place % 64 == n, "misaligned:%u lies at 0x%llx", (unsigned)n,
              (unsigned long long)place);
  }
}

Test(arena, plain_buffer_is_aligned_with_room_after_it) {
  buffer b = buffer_at(VS_AT_PLAIN, 0, 264);
  const void* place = lay_out(&b);
  cr_assert((uintptr_t)place % 64 == 0, "plain: lies at %p", place);
  cr_assert(readable(place, 1024) == 1024, "plain: no room after the buffer");
}

Test(arena, readonly_buffer_cannot_be_written) {
  for (unsigned round = 0; round < 3; round++) {
    buffer b = buffer_at(VS_AT_READONLY, round, 136);
    const void* place = lay_out(&b);
    holds(place, &b, 136);
    cr_assert(!is_writable((uintptr_t)place), "readonly: round %u, the page can be written", round);
  }
  buffer plain = buffer_at(VS_AT_PLAIN, 0, 136);
  cr_assert(is_writable((uintptr_t)lay_out(&plain)), "plain: cannot be written");
}

Test(arena, noncanonical_address_differs_in_one_bit) {
  for (size_t n = 47; n < 64; n++) {
    buffer b = buffer_at(VS_AT_NONCANONICAL, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    const void* without = (const void*)(place ^ (uintptr_t)1 << n);
    cr_assert((place >> 47) == (uintptr_t)1 << (n - 47), "noncanonical:%u is 0x%llx", (unsigned)n,
              (unsigned long long)place);
    holds(without, &b, 136);
  }
}

Test(arena, kernel_addresses_are_in_the_upper_half) {
  for (unsigned n = 0; n < 8; n++) {
    buffer b = buffer_at(VS_AT_KERNEL, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    cr_assert(place >> 47 == 0x1ffff, "kernel:%u is 0x%llx", n, (unsigned long long)place);
  }
}

Test(arena, user_end_is_passed_by_n_bytes) {
  for (size_t n = 1; n <= 136; n++) {
    buffer b = buffer_at(VS_AT_USER_END, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    uint8_t byte;
    cr_assert(place + 136 - n == 0x7ffffffff000, "user_end:%u is 0x%llx", (unsigned)n,
              (unsigned long long)place);
    cr_assert(!read_byte(place + 135, &byte), "user_end:%u: the last byte can be read",
              (unsigned)n);
  }
}

Test(arena, wrapping_buffer_starts_n_bytes_before_the_end) {
  for (size_t n = 1; n <= 136; n++) {
    buffer b = buffer_at(VS_AT_WRAPPING, n, 136);
    uintptr_t place = (uintptr_t)lay_out(&b);
    cr_assert(place + n == 0, "wrapping:%u is 0x%llx", (unsigned)n, (unsigned long long)place);
  }
}

Test(arena, beyond_eof_follows_a_page_of_the_file) {
  buffer b = buffer_at(VS_AT_BEYOND_EOF, 0, 136);
  uint8_t* place = lay_out(&b);
  cr_assert(mprotect(place, PAGE, PROT_READ | PROT_WRITE) == 0, "beyond_eof: not mapped");
  cr_assert(readable(place - PAGE, 1) == 1, "beyond_eof: the file's own page cannot be read");
  cr_assert(readable(place, 1) == 0, "beyond_eof: a page that the file lacks can be read");
}

Test(arena, overlong_buffer_is_cut) {
  for (unsigned at = 0; at <= VS_AT_READONLY; at++) {
    buffer b = buffer_at((vs_placement)at, 5, UINT16_MAX);
    holds(lay_out(&b), &b, VS_BUFFER_MAX);
  }
}

Test(arena, holes_stay_holes) {
  void* later[256];
  for (size_t i = 0; i < 256; i++) {
    later[i] = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  buffer hole = buffer_at(VS_AT_UNMAPPED, 0, 136);
  buffer edge = buffer_at(VS_AT_EDGE, 0, 136);
  is_readable_for(lay_out(&hole), &hole, 0);
  cr_assert(readable(lay_out(&edge), 137) == 136, "edge: the hole was filled");
  for (size_t i = 0; i < 256; i++) munmap(later[i], PAGE);
}

Test(arena, two_do_not_meet) {
  vs_arena second;
  cr_assert(vs_arena_open(&second), "a second arena can be opened");
  buffer mine = buffer_at(VS_AT_PLAIN, 1, 136);
  buffer other = buffer_at(VS_AT_PLAIN, 2, 136);
  const void* place = lay_out(&mine);
  lay_out_in(&second, &other);
  holds(place, &mine, 136);
  vs_arena_close(&second);
}

Test(arena, close_gives_the_pages_back) {
  buffer b = buffer_at(VS_AT_PLAIN, 0, 136);
  const void* place = lay_out(&b);
  vs_arena_close(&arena);
  vs_arena_close(&arena);
  is_readable_for(place, &b, 0);
}

Test(arena, low_is_an_address_of_32_bits) {
  buffer b = buffer_at(VS_AT_LOW, 0, 136);
  void* place = lay_out(&b);
  cr_assert(arena.low == NULL || (uintptr_t)place >> 32 == 0, "low: %p", place);
  cr_assert_eq(readable(place, 136), 136);
}

// --- what became of it --------------------------------------------------------------------------

enum { PARAMETER = 2 };

static vs_observation changes_of(const vs_laid* laid) {
  vs_observation seen = {.outcome = VS_RETURNED};
  vs_arena_changes(laid, PARAMETER, &seen);
  return seen;
}

static bool is_unchanged(const vs_laid* laid) {
  return changes_of(laid).change_count == 0;
}

// Of the parameter's bytes [from, to) alone.
static bool is_change(const vs_laid* laid, int from, int to) {
  vs_observation seen = changes_of(laid);
  const vs_change* change = &seen.changes[0];
  return seen.change_count == 1 && change->parameter == PARAMETER && change->from == from &&
         change->to == to;
}

Test(arena, a_changed_byte_is_noticed_wherever_it_is) {
  static const uint8_t places[] = {VS_AT_PLAIN, VS_AT_MISALIGNED, VS_AT_CROSSING, VS_AT_EDGE,
                                   VS_AT_LOW};
  for (size_t i = 0; i < sizeof places; i++) {
    buffer b = buffer_at(places[i], 3, 300);
    vs_laid laid = lay_out_in(&arena, &b);
    cr_assert(is_unchanged(&laid), "%s: nothing changed", vs_placements[places[i]].name);
    for (int at = 0; at < 300; at++) {
      laid.address[at] ^= 1;
      cr_assert(is_change(&laid, at, at + 1), "%s: byte %d", vs_placements[places[i]].name, at);
      laid.address[at] ^= 1;
    }
  }
}

Test(arena, a_changed_byte_beside_the_buffer_anywhere_on_its_page_is_noticed) {
  buffer b = buffer_at(VS_AT_MISALIGNED, 16, 136);
  vs_laid laid = lay_out_in(&arena, &b);
  const int first = -(int)((uintptr_t)laid.address % 4096);
  cr_assert_lt(first, 0);
  for (int at = first; at < first + 4096; at += at == -1 ? 137 : 1) {
    laid.address[at] ^= 1;
    cr_assert(is_change(&laid, at, at + 1), "byte %d", at);
    laid.address[at] ^= 1;
  }
  cr_assert(is_unchanged(&laid));
}

Test(arena, a_changed_byte_of_what_is_there_of_a_buffer_is_noticed) {
  buffer tail = buffer_at(VS_AT_STRADDLE, 100, 136);
  vs_laid laid = lay_out_in(&arena, &tail);
  cr_assert(laid.address == laid.there && laid.count == 36, "%zu bytes are there", laid.count);
  for (int at = -8; at < 36; at++) {
    laid.address[at] ^= 1;
    cr_assert(is_change(&laid, at, at + 1), "straddle: byte %d", at);
    laid.address[at] ^= 1;
  }
  buffer head = buffer_at(VS_AT_STRADDLE_HEAD, 100, 136);
  laid = lay_out_in(&arena, &head);
  cr_assert(laid.there == laid.address + 100 && laid.count == 36, "%zu bytes are there",
            laid.count);
  for (int at = 100; at < 144; at++) {
    laid.address[at] ^= 1;
    cr_assert(is_change(&laid, at, at + 1), "straddle_head: byte %d", at);
    laid.address[at] ^= 1;
  }
  cr_assert(is_unchanged(&laid));
}

Test(arena, what_was_written_over_is_one_range_wherever_it_goes_on) {
  buffer b = buffer_at(VS_AT_MISALIGNED, 16, 300);
  vs_laid laid = lay_out_in(&arena, &b);
  for (int at = -3; at < 305; at++) laid.address[at] ^= 1;
  cr_assert(is_change(&laid, -3, 305));
}

Test(arena, ranges_are_told_apart_and_of_too_many_the_last_grows) {
  buffer b = buffer_at(VS_AT_PLAIN, 0, 136);
  vs_laid laid = lay_out_in(&arena, &b);
  for (int i = 0; i < VS_CHANGES_MAX + 3; i++) laid.address[4 * i] ^= 1;
  vs_observation seen = changes_of(&laid);
  cr_assert_eq(seen.change_count, VS_CHANGES_MAX);
  for (int i = 0; i < VS_CHANGES_MAX; i++) {
    int last = i + 1 == VS_CHANGES_MAX ? i + 3 : i;
    cr_expect(seen.changes[i].from == 4 * i && seen.changes[i].to == 4 * last + 1, "%d: %d..%d", i,
              seen.changes[i].from, seen.changes[i].to);
  }
}

Test(arena, changes_of_several_pointers_are_told_apart) {
  vs_arena second;
  cr_assert(vs_arena_open(&second));
  buffer b = buffer_at(VS_AT_PLAIN, 0, 136);
  vs_laid mine = lay_out_in(&arena, &b);
  vs_laid other = lay_out_in(&second, &b);
  vs_observation seen = {.outcome = VS_RETURNED};
  mine.address[1] ^= 1;
  other.address[2] ^= 1;
  vs_arena_changes(&mine, 0, &seen);
  vs_arena_changes(&other, 1, &seen);
  cr_assert_eq(seen.change_count, 2);
  cr_expect(seen.changes[0].parameter == 0 && seen.changes[0].from == 1);
  cr_expect(seen.changes[1].parameter == 1 && seen.changes[1].from == 2);
  cr_expect(vs_changed(&seen, 0) && vs_changed(&seen, 1) && !vs_changed(&seen, 2));
  vs_arena_close(&second);
}

Test(arena, what_is_not_given_is_filled) {
  static const uint8_t bytes[] = {1, 2, 3};
  const vs_arg pointer = {.at = VS_AT_PLAIN};
  vs_laid laid = vs_arena_place(&arena, &pointer, 8, bytes, sizeof bytes, 0xcc);
  static const uint8_t right[] = {1, 2, 3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
  cr_assert(memcmp(laid.address, right, sizeof right) == 0);
  cr_assert(is_unchanged(&laid));
  laid.address[5] = 0;
  cr_assert(is_change(&laid, 5, 6));
}

// --- what can be reached -------------------------------------------------------------------------

Test(arena, what_can_be_reached_is_what_is_there_and_beside_it) {
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    buffer b = buffer_at((vs_placement)at, 47, 136);
    vs_laid laid = lay_out_in(&arena, &b);
    vs_region region = vs_arena_region(&arena, &laid);
    cr_expect((region.length > 0) == (laid.filled && laid.count > 0), "%s", vs_placements[at].name);
    if (region.length == 0) continue;
    const uint8_t* from = region.address;
    const uint8_t* to = from + region.length;
    cr_expect(from <= laid.there && laid.there + laid.count <= to, "%s", vs_placements[at].name);
    cr_expect_eq(readable(from, region.length), region.length, "%s", vs_placements[at].name);
    cr_expect(region.writable == is_writable((uintptr_t)from), "%s", vs_placements[at].name);
  }
}

// --- what the model believes -------------------------------------------------------------------

static void is_where_the_model_says(const buffer* b) {
  uintptr_t address = (uintptr_t)lay_out(b);
  vs_place place = vs_place_of(&b->pointer);
  uint8_t byte;
  char what[64];
  snprintf(what, sizeof what, "%s:%u, %u bytes", vs_placements[b->pointer.at].name,
           b->pointer.argument, b->pointer.length);
  cr_assert(place.null == (address == 0), "%s: null", what);
  cr_assert(place.user == (address < UINT64_C(1) << 47), "%s: user", what);
  cr_assert(place.address == address % PAGE, "%s: lies at 0x%zx", what, (size_t)address);
  bool last = place.readable == 0 || read_byte(address + place.readable - 1, &byte);
  cr_assert(last, "%s: %u bytes cannot be read", what, (unsigned)place.readable);
  // What follows the low page is not ours.
  bool beyond = b->pointer.at != VS_AT_LOW && read_byte(address + place.readable, &byte);
  cr_assert(!beyond, "%s: more than %u bytes can be read", what, (unsigned)place.readable);
}

Test(arena, every_buffer_lies_where_the_model_says) {
  static const uint16_t more[] = {135, 136, 137, 263, 264, 2047, 2048, 4095, 4096, 5000, 65535};
  enum { MORE = sizeof more / sizeof more[0], FIRST = 70 };
  static const uint16_t all_lengths[] = {0, 1, 7, 8, 136, 264, 265, 2048, 4000};
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    for (size_t n = 0; n < FIRST + MORE; n++) {
      for (size_t i = 0; i < sizeof all_lengths / sizeof all_lengths[0]; i++) {
        uint16_t argument = n < FIRST ? (uint16_t)n : more[n - FIRST];
        buffer b = buffer_at((vs_placement)at, argument, all_lengths[i]);
        is_where_the_model_says(&b);
      }
    }
  }
}
