// SPDX-License-Identifier: BSD-3-Clause
// What mutations insert: scenes, ops, and calls that are nearly right. Inside fuzz/.
#ifndef VS_FUZZ_INSERT_H_
#define VS_FUZZ_INSERT_H_

#include "change.h"
#include "codec.h"

// What there is no room for is left out.
void vs_script_add(vs_fuzz_script* script, vs_op op);
void vs_script_insert(vs_fuzz_script* script, size_t at, const vs_op* ops, size_t count);
void vs_script_erase(vs_fuzz_script* script, size_t at, size_t count);

// After what is made first, as a rule.
size_t vs_script_place(vs_mutator* m, const vs_fuzz_script* script);

// A slot that some object of the type was put into; VS_SLOTS: there is none.
uint8_t vs_script_slot_of(vs_mutator* m, const vs_fuzz_script* script, zx_obj_type_t type);

// A slot that some vCPU, or a copy of its handle, was put into, as a rule.
uint8_t vs_script_slot_in(vs_mutator* m, const vs_fuzz_script* script);

// True if the first or second handle that the op gives is of the type.
bool vs_op_makes(const vs_op* op, unsigned which, zx_obj_type_t type);

void vs_draw_argument(vs_mutator* m, const vs_fuzz_script* script, const vs_param* param,
                      vs_arg* arg);

// Any op whose answer is judged.
vs_op vs_draw_op(vs_mutator* m, const vs_fuzz_script* script);

void vs_insert_any(vs_mutator* m, vs_fuzz_script* script);
void vs_insert_write(vs_mutator* m, vs_fuzz_script* script);
void vs_insert_meeting(vs_mutator* m, vs_fuzz_script* script);
void vs_insert_snapshot(vs_mutator* m, vs_fuzz_script* script);

// In place of the script: a scene of the sweep, and calls.
void vs_make_scene(vs_mutator* m, vs_fuzz_script* script);

// near.c: calls of the whole family that are right but for one argument, one right, or one that
// came before.
void vs_insert_wrong(vs_mutator* m, vs_fuzz_script* script);
void vs_insert_narrowed(vs_mutator* m, vs_fuzz_script* script);
void vs_insert_alike(vs_mutator* m, vs_fuzz_script* script);

// In place of the script: an object of each sort, and such calls.
void vs_make_family(vs_mutator* m, vs_fuzz_script* script);

#endif  // VS_FUZZ_INSERT_H_
