// SPDX-License-Identifier: BSD-3-Clause
// The members of the families, as those who alter need them: which bit, word, status or check a
// member stands for. The words of a state are rax..r15 (or x0..x30, sp) and the flags last.
#ifndef VS_BACKENDS_MUTANTS_FAMILIES_H_
#define VS_BACKENDS_MUTANTS_FAMILIES_H_

#include "track.h"

// What may be wrong with a call, as the families of answers tell it apart; in the order in which
// published x86-64 kernels look, but that a running vCPU comes before a foreign thread, which it
// implies.
typedef enum reason {
  REASON_BAD_HANDLE,
  REASON_WRONG_TYPE,
  REASON_ACCESS_DENIED,
  REASON_KIND,
  REASON_SIZE,
  REASON_BUFFER,
  REASON_RUNNING,
  REASON_CREATOR,
  REASON_ACCESS_SIZE,
  REASONS
} reason;

typedef struct wrong_answer {
  reason when;
  zx_status_t status;
} wrong_answer;

typedef struct pair {
  reason a, b;
} pair;

typedef struct io_width {
  uint8_t asked, written;  // bytes
} io_width;

// Each of the member that is altered (altered_member).
unsigned member_bit(const uint8_t* bits);
zx_status_t status_of_reason(reason why);
wrong_answer member_answer(void);
pair member_pair(void);
io_width member_width(void);
unsigned member_odd_size(void);
zx_rights_t member_right(void);
// The member'th right of those from `first` on, in the order of families.c: first a guest's, then,
// from VCPU_RIGHTS on, a vCPU's, then neither's.
enum { VCPU_RIGHTS = 1, GUEST_RIGHTS_END = 4, VCPU_RIGHTS_END = 7 };
zx_rights_t member_new_right(unsigned first);
zx_obj_type_t member_type(void);
zx_obj_type_t member_unwritable_type(void);
reason member_of_orders_first(void);
reason member_of_orders_last(void);

// Families whose members say themselves which clause they break: false past the last. wrongly.c,
// everycall.c
enum { FAMILY_NAME = 64 };
typedef bool (*family_members)(size_t member, char name[FAMILY_NAME], const char** breaks);
bool checks_unchecked(size_t member, char name[FAMILY_NAME], const char** breaks);
bool checks_passed(size_t member, char name[FAMILY_NAME], const char** breaks);
bool checks_told(size_t member, char name[FAMILY_NAME], const char** breaks);
bool rights_beside(size_t member, char name[FAMILY_NAME], const char** breaks);
bool types_beside(size_t member, char name[FAMILY_NAME], const char** breaks);
bool places_bad(size_t member, char name[FAMILY_NAME], const char** breaks);
bool values_taken(size_t member, char name[FAMILY_NAME], const char** breaks);
bool bits_lost(size_t member, char name[FAMILY_NAME], const char** breaks);
bool calls_several(size_t member, char name[FAMILY_NAME], const char** breaks);
bool checks_late(size_t member, char name[FAMILY_NAME], const char** breaks);
bool news_wrong(size_t member, char name[FAMILY_NAME], const char** breaks);
bool calls_refusing(size_t member, char name[FAMILY_NAME], const char** breaks);
bool checks_first(size_t member, char name[FAMILY_NAME], const char** breaks);

extern const uint8_t x64_flag_bits[];
extern const uint8_t x64_required_flag_bits[];
extern const uint8_t x64_optional_flag_bits[];
extern const uint8_t x64_system_bit_numbers[];

#endif  // VS_BACKENDS_MUTANTS_FAMILIES_H_
