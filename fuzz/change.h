// SPDX-License-Identifier: BSD-3-Clause
// What mutations change: the arguments of a call, by their parameters' types, and of a write by the
// classes of sweep/classes.def. Inside fuzz/.
#ifndef VS_FUZZ_CHANGE_H_
#define VS_FUZZ_CHANGE_H_

#include "mutator.h"

enum { VS_FUZZ_PAGE = 4096 };

bool vs_is_write(const vs_op* op);

// Another argument than it was, as a rule.
void vs_change_argument(vs_mutator* m, vs_op* op, uint8_t parameter);
void vs_change_rights(vs_mutator* m, vs_arg* rights);
void vs_change_vector(vs_mutator* m, vs_arg* vector);

// A parameter of the call from number `from` on.
uint8_t vs_any_parameter(vs_mutator* m, uint8_t code, uint8_t from);
uint16_t vs_any_offset(vs_mutator* m);

// All arguments of a write anew, something of it, and what changes during it.
void vs_compose_write(vs_mutator* m, vs_op* op);
void vs_change_write(vs_mutator* m, vs_op* op);
void vs_change_rewrite(vs_mutator* m, vs_op* op);

// Values of the factors [from, to), each with a chance of one in `rarity` not to be the valid one.
void vs_choose(vs_mutator* m, vs_combination* c, vs_factor from, vs_factor to, uint64_t rarity);

uint64_t vs_flags_of_interest(vs_mutator* m);
void vs_set_register(const vs_register* reg, uint64_t value, uint8_t* bytes);

#endif  // VS_FUZZ_CHANGE_H_
