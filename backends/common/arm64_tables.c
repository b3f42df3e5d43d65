// SPDX-License-Identifier: BSD-3-Clause
// Arm Architecture Reference Manual for A-profile, "The AArch64 Virtual Memory System
// Architecture".
#include "arm64_tables.h"

enum { LAST_LEVEL = 3, ENTRY_BITS = 3, ADDRESS_BITS = 48 };
// Status codes, to which the level is added.
enum { TRANSLATION = 0x04, NOT_ACCESSED = 0x08, PERMISSION = 0x0c };
// Bits of a descriptor.
enum { VALID = 1, TABLE = 2, FOR_EL0 = 1 << 6, READ_ONLY = 1 << 7, WAS_ACCESSED = 1 << 10 };

// Half of the addresses: those that begin with zeroes, or those with ones.
typedef struct half {
  uint64_t table;
  unsigned bits;        // of an address
  unsigned page_shift;  // 12, 14 or 16
  bool off;
} half;

static unsigned page_shift(uint64_t tcr, bool high) {
  static const uint8_t low_shifts[] = {12, 16, 14, 12}, high_shifts[] = {12, 14, 12, 16};
  return high ? high_shifts[tcr >> 30 & 3] : low_shifts[tcr >> 14 & 3];
}

// Its address without the tag, if there may be one, is to have nothing but zeroes or ones above.
static half half_of(const vs_arm64_tables* t, uint64_t address) {
  enum { SIZE = 63, WORD = 64, TAG = 56 };
  const bool high = (address >> 55 & 1) != 0, tagged = (t->tcr >> (high ? 38 : 37) & 1) != 0;
  half h = {.table = high ? t->ttbr1 : t->ttbr0,
            .bits = WORD - (unsigned)(t->tcr >> (high ? 16 : 0) & SIZE),
            .page_shift = page_shift(t->tcr, high),
            .off = (t->tcr >> (high ? 23 : 7) & 1) != 0};
  const uint64_t same = high ? ~address : address;
  const uint64_t above = tagged ? same << (WORD - TAG) >> (WORD - TAG) : same;
  if (h.bits > ADDRESS_BITS || h.bits <= h.page_shift || above >> h.bits != 0) h.off = true;
  return h;
}

static bool fails(uint32_t* fault, unsigned code, unsigned level) {
  *fault = code + level;
  return false;
}

static bool allows(uint64_t entry, const vs_arm64_access* access) {
  if (access->write && (entry & READ_ONLY) != 0) return false;
  return !access->from_el0 || (entry & FOR_EL0) != 0;
}

bool vs_arm64_translate(const vs_arm64_tables* t, const vs_arm64_access* access, uint64_t* gpa,
                        uint32_t* fault) {
  *gpa = access->address;
  if ((t->sctlr & 1) == 0) return true;
  const half h = half_of(t, access->address);
  if (h.off) return fails(fault, TRANSLATION, 0);
  const unsigned stride = h.page_shift - ENTRY_BITS;
  const uint64_t address = access->address & ((UINT64_C(1) << h.bits) - 1);
  const uint64_t frame = (UINT64_C(1) << ADDRESS_BITS) - (UINT64_C(1) << h.page_shift);
  uint64_t table = h.table & ((UINT64_C(1) << ADDRESS_BITS) - 2);
  for (unsigned level = LAST_LEVEL - (h.bits - h.page_shift - 1) / stride;; level++) {
    const unsigned shift = h.page_shift + stride * (LAST_LEVEL - level);
    const uint64_t index = address >> shift & ((UINT64_C(1) << stride) - 1);
    uint64_t entry;
    if (!t->read(t->context, table + (index << ENTRY_BITS), &entry) || (entry & VALID) == 0)
      return fails(fault, TRANSLATION, level);
    if (level < LAST_LEVEL && (entry & TABLE) != 0) {
      table = entry & frame;
      continue;
    }
    if (level == 0 || (level == LAST_LEVEL && (entry & TABLE) == 0))
      return fails(fault, TRANSLATION, level);
    if ((entry & WAS_ACCESSED) == 0) return fails(fault, NOT_ACCESSED, level);
    if (!allows(entry, access)) return fails(fault, PERMISSION, level);
    const uint64_t inside = (UINT64_C(1) << shift) - 1;
    *gpa = (entry & frame & ~inside) | (address & inside);
    return true;
  }
}
