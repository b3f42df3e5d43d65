// SPDX-License-Identifier: BSD-3-Clause
#include "classes.h"

#include <string.h>

#include "oracle.h"
#include "words/describe.h"

enum { HANDLE_VALID, HANDLE_NO_WRITE, HANDLE_GUEST, HANDLE_EVENT, HANDLE_NOTHING };
enum { THREAD_CREATOR, THREAD_OTHER, THREAD_RUNNING };
enum { KIND_STATE, KIND_IO, KIND_UNKNOWN };
enum { SIZE_EXACT, SIZE_SMALL, SIZE_LARGER, SIZE_LARGE, SIZE_NONE };
enum {
  PLACE_PLAIN,
  PLACE_MISALIGNED,
  PLACE_NULL,
  PLACE_UNMAPPED,
  PLACE_ONE,
  PLACE_END,
  PLACE_KERNEL
};
enum { ACCESS_4, ACCESS_3, ACCESS_0, ACCESS_255 };

// A value without words does not exist.
static const struct {
  const char* words;
  unsigned weight;
} values[VS_TRAIT_COUNT][VS_TRAIT_VALUES] = {
    [VS_TRAIT_HANDLE] = {[HANDLE_VALID] = {"", 0},
                         [HANDLE_NO_WRITE] = {"the handle lacks ZX_RIGHT_WRITE", 2},
                         [HANDLE_GUEST] = {"the handle is a guest's", 2},
                         [HANDLE_EVENT] = {"the handle is an event's, without ZX_RIGHT_WRITE", 4},
                         [HANDLE_NOTHING] = {"the handle names nothing", 2}},
    [VS_TRAIT_THREAD] = {[THREAD_CREATOR] = {"", 0},
                         [THREAD_OTHER] = {"another thread calls", 2},
                         [THREAD_RUNNING] = {"the vCPU runs, and another thread calls", 4}},
    [VS_TRAIT_KIND] = {[KIND_STATE] = {"", 0},
                       [KIND_IO] = {"ZX_VCPU_IO", 1},
                       [KIND_UNKNOWN] = {"kind names no vCPU state", 2}},
    [VS_TRAIT_SIZE] = {[SIZE_EXACT] = {"", 0},
                       [SIZE_SMALL] = {"buffer_size is one byte too small", 2},
                       [SIZE_LARGER] = {"buffer_size is one byte too large", 2},
                       [SIZE_LARGE] = {"buffer_size is one more than ZX_VCPU_STATE's", 2},
                       [SIZE_NONE] = {"buffer_size is 0", 2}},
    [VS_TRAIT_PLACE] = {[PLACE_PLAIN] = {"", 0},
                        [PLACE_MISALIGNED] = {"the buffer is misaligned", 1},
                        [PLACE_NULL] = {"the buffer is the null pointer", 2},
                        [PLACE_UNMAPPED] = {"the buffer is not mapped", 2},
                        [PLACE_ONE] = {"the buffer is misaligned and not mapped", 3},
                        [PLACE_END] = {"what is too much of the buffer is not mapped", 1},
                        [PLACE_KERNEL] = {"the buffer is in the kernel's half", 2}},
    [VS_TRAIT_ACCESS_SIZE] = {[ACCESS_4] = {"", 0},
                              [ACCESS_3] = {"access_size is 3", 2},
                              [ACCESS_0] = {"access_size is 0", 2},
                              [ACCESS_255] = {"access_size is 255", 2}},
};

vs_class vs_class_at(unsigned number) {
  vs_class c;
  for (size_t i = 0; i < VS_TRAIT_COUNT; i++) {
    c.value[i] = (uint8_t)(number % VS_TRAIT_VALUES);
    number /= VS_TRAIT_VALUES;
  }
  return c;
}

bool vs_class_is_valid(const vs_class* c) {
  const uint8_t* value = c->value;
  for (size_t i = 0; i < VS_TRAIT_COUNT; i++) {
    if (values[i][value[i]].words == NULL) return false;
  }
  bool io = value[VS_TRAIT_KIND] == KIND_IO;
  bool larger = value[VS_TRAIT_SIZE] == SIZE_LARGER;
  bool too_much = larger || value[VS_TRAIT_SIZE] == SIZE_LARGE;
  bool thread = value[VS_TRAIT_HANDLE] <= HANDLE_NO_WRITE;  // else there is no creator
  return (io || value[VS_TRAIT_ACCESS_SIZE] == ACCESS_4) && (io || !larger) &&
         (too_much || value[VS_TRAIT_PLACE] != PLACE_END) &&
         (thread || value[VS_TRAIT_THREAD] == THREAD_CREATOR);
}

unsigned vs_class_weight(const vs_class* c) {
  unsigned weight = 0;
  for (size_t i = 0; i < VS_TRAIT_COUNT; i++) weight += values[i][c->value[i]].weight;
  return weight;
}

// What is worse than another value of the same trait.
static bool value_within(size_t trait, uint8_t part, uint8_t whole) {
  if (part == 0 || part == whole) return true;
  if (trait == VS_TRAIT_THREAD) return whole == THREAD_RUNNING;
  if (trait == VS_TRAIT_HANDLE) return whole == HANDLE_EVENT && part != HANDLE_NOTHING;
  return trait == VS_TRAIT_PLACE && whole == PLACE_ONE &&
         (part == PLACE_MISALIGNED || part == PLACE_UNMAPPED);
}

bool vs_class_within(const vs_class* part, const vs_class* whole) {
  for (size_t i = 0; i < VS_TRAIT_COUNT; i++) {
    if (!value_within(i, part->value[i], whole->value[i])) return false;
  }
  return true;
}

void vs_class_say(const vs_class* c, char* words, size_t size) {
  vs_text text = vs_text_in(words, size);
  for (size_t i = 0; i < VS_TRAIT_COUNT; i++) {
    if (c->value[i] == 0) continue;
    vs_say(&text, "%s%s", text.length > 0 ? "; " : "", values[i][c->value[i]].words);
  }
  if (text.length == 0) vs_say(&text, "nothing is wrong");
}

// --- the script -------------------------------------------------------------------------------

static void build_setup(const vs_class* c, vs_build* b) {
  bool running = c->value[VS_TRAIT_THREAD] == THREAD_RUNNING;
  vs_op* op = add(b, VS_CALL_guest_create);
  vs_op_give(op, 0, SLOT_GUEST);
  vs_op_give(op, 1, SLOT_VMAR);
  if (running) {
    op = add(b, VS_OP_guest_load);
    VS_OP_ARG(op, guest_load, guest) = vs_arg_slot(SLOT_GUEST);
    VS_OP_ARG(op, guest_load, vmar) = vs_arg_slot(SLOT_VMAR);
    vs_op_give(op, 0, SLOT_MEMORY);
  }
  vcpu(b, running ? 1 : 0, SLOT_GUEST, SLOT_VCPU, running ? VS_PROGRAM_SPIN : VS_PROGRAM_DUMP);
  if (c->value[VS_TRAIT_HANDLE] == HANDLE_NO_WRITE) {
    derive(b, VS_CALL_handle_duplicate, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  }
  if (c->value[VS_TRAIT_HANDLE] == HANDLE_EVENT) create(b, VS_CALL_event_create, SLOT_OBJECT);
  if (!running) return;
  op = on(add(b, VS_CALL_vcpu_enter), 1, SLOT_VCPU);
  op->async = true;
  on(add(b, VS_OP_await_guest), 0, SLOT_VCPU);
}

static vs_arg handle_of(const vs_class* c) {
  static const uint8_t slots[] = {SLOT_VCPU, SLOT_DERIVED, SLOT_GUEST, SLOT_OBJECT};
  uint8_t value = c->value[VS_TRAIT_HANDLE];
  if (value == HANDLE_NOTHING) return (vs_arg){.form = VS_HANDLE_RAW};
  return vs_arg_slot(slots[value]);
}

static void set_size(const vs_class* c, const vs_build* b, vs_op* op) {
  uint64_t* size = &VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  const uint64_t exact = *size;
  switch (c->value[VS_TRAIT_SIZE]) {
    case SIZE_SMALL:
      *size = exact - 1;
      break;
    case SIZE_LARGER:
      *size = exact + 1;
      break;
    case SIZE_LARGE:
      *size = b->info->state_size + 1u;
      break;
    case SIZE_NONE:
      *size = 0;
      break;
    default:
      break;
  }
}

static void set_place(const vs_class* c, vs_op* op, uint64_t exact) {
  static const uint8_t places[] = {VS_AT_PLAIN, VS_AT_MISALIGNED, VS_AT_NULL,  VS_AT_UNMAPPED,
                                   VS_AT_ONE,   VS_AT_EDGE,       VS_AT_KERNEL};
  bool end = c->value[VS_TRAIT_PLACE] == PLACE_END;
  uint64_t told = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  VS_OP_ARG(op, vcpu_write_state, buffer) =
      (vs_arg){.at = places[c->value[VS_TRAIT_PLACE]],
               .argument = c->value[VS_TRAIT_PLACE] == PLACE_MISALIGNED ? 1 : 0,
               .length = (uint16_t)(end ? exact : told)};
}

void vs_class_build(const vs_class* c, vs_build* b) {
  static const uint8_t sizes[] = {4, 3, 0, 255};
  build_setup(c, b);
  bool io = c->value[VS_TRAIT_KIND] == KIND_IO;
  vs_op* op = io ? write_io(b, sizes[c->value[VS_TRAIT_ACCESS_SIZE]], 0x11223344) : write_state(b);
  uint64_t exact = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  if (c->value[VS_TRAIT_KIND] == KIND_UNKNOWN) VS_OP_ARG(op, vcpu_write_state, kind).number = 2;
  if (c->value[VS_TRAIT_THREAD] == THREAD_OTHER) op->thread = 1;
  op->args[0] = handle_of(c);
  set_size(c, b, op);
  set_place(c, op, exact);
}

vs_facts vs_script_facts(const vs_build* b) {
  static vs_oracle oracle;
  vs_oracle_init(&oracle, vs_profile_find("documented"), b->info);
  zx_handle_t next = 3;
  for (size_t i = 0; i + 1 < b->count; i++) {
    bool async = b->ops[i].async;
    vs_observation seen = {.outcome = async ? VS_STARTED : VS_RETURNED};
    seen.handle = next += 4;
    seen.handle2 = next += 4;
    vs_oracle_step(&oracle, &b->ops[i], &seen, NULL);
  }
  return vs_facts_of(&oracle.worlds[0], &b->ops[b->count - 1], b->info);
}
