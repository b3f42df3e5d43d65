// SPDX-License-Identifier: BSD-3-Clause
#include "combinations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff_profiles/build.h"

// The outer traits: a script each.
enum { HANDLE_VALID, HANDLE_NO_WRITE };
static const struct {
  const char* name;
  vs_arg arg;
} handles[] = {
    [HANDLE_VALID] = {"valid", {.form = VS_HANDLE_SLOT, .slot = SLOT_VCPU}},
    [HANDLE_NO_WRITE] = {"no_write", {.form = VS_HANDLE_SLOT, .slot = SLOT_DERIVED}},
    {"zero", {.form = VS_HANDLE_RAW}},
    {"closed", {.form = VS_HANDLE_SLOT, .slot = SLOT_MEMORY}},
    {"low_bit_0_cleared", {.form = VS_HANDLE_CLEARED, .slot = SLOT_VCPU, .number = 1}},
    {"low_bit_1_cleared", {.form = VS_HANDLE_CLEARED, .slot = SLOT_VCPU, .number = 2}},
    {"guest", {.form = VS_HANDLE_SLOT, .slot = SLOT_GUEST}},
    {"vmar", {.form = VS_HANDLE_SLOT, .slot = SLOT_VMAR}},
    {"event", {.form = VS_HANDLE_SLOT, .slot = SLOT_OBJECT}},
};
static const struct {
  const char* name;
  uint32_t kind;
} kinds[] = {{"state", ZX_VCPU_STATE}, {"io", ZX_VCPU_IO},      {"kind_2", 2},
             {"kind_256", 256},        {"kind_2_31", 1u << 31}, {"kind_max", UINT32_MAX}};

// The inner ones: a call each.
static const struct {
  uint8_t at;
  uint8_t argument;
} places[] = {{VS_AT_PLAIN, 0},    {VS_AT_MISALIGNED, 1}, {VS_AT_MISALIGNED, 4},
              {VS_AT_CROSSING, 1}, {VS_AT_EDGE, 0},       {VS_AT_READONLY, 0},
              {VS_AT_NULL, 0},     {VS_AT_ONE, 0},        {VS_AT_UNMAPPED, 0},
              {VS_AT_STRADDLE, 1}, {VS_AT_PROT_NONE, 0},  {VS_AT_KERNEL, 0}};
enum { SIZE_EXACT, SIZE_ONE_LESS, SIZE_ONE_MORE, SIZE_NONE, SIZE_OTHER, SIZE_BOUND, SIZES };
// Short: the buffer is as long as the kind asks for, whatever buffer_size says.
enum { LENGTH_AS_TOLD, LENGTH_OF_KIND, LENGTHS };

enum {
  HANDLES = sizeof handles / sizeof handles[0],
  THREADS = 2,
  KINDS = sizeof kinds / sizeof kinds[0]
};
const size_t vs_combination_count = (size_t)HANDLES * THREADS * KINDS;

static uint64_t size_of(unsigned size, uint32_t kind, const vs_arch_info* info) {
  const uint64_t io = sizeof(zx_vcpu_io_t);
  uint64_t exact = kind == ZX_VCPU_IO ? io : info->state_size;
  uint64_t other = kind == ZX_VCPU_IO ? info->state_size : io;
  const uint64_t sizes[SIZES] = {exact, exact - 1, exact + 1, 0, other, info->state_size + 1u};
  return sizes[size];
}

// Of a buffer without bytes, most placements are one.
static bool makes_sense(const vs_op* op, unsigned size, unsigned length, uint64_t exact) {
  const vs_arg* buffer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  uint64_t told = VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
  if (length == LENGTH_OF_KIND && (told == exact || buffer->at != VS_AT_EDGE)) return false;
  bool state = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_STATE;
  if (size == SIZE_BOUND && state) return false;  // one more, again
  bool split = buffer->at == VS_AT_STRADDLE || buffer->at == VS_AT_CROSSING;
  return buffer->length > 0 || !split;
}

static void add_call(vs_build* b, vs_op call, uint64_t exact) {
  vs_arg* told = &VS_OP_ARG(&call, vcpu_write_state, buffer_size);
  uint32_t kind = (uint32_t)VS_OP_ARG(&call, vcpu_write_state, kind).number;
  for (unsigned n = 0; n < SIZES * LENGTHS; n++) {
    unsigned size = n % SIZES;
    unsigned length = n / SIZES;
    told->number = size_of(size, kind, b->info);
    VS_OP_ARG(&call, vcpu_write_state, buffer).length =
        (uint16_t)(length == LENGTH_OF_KIND ? exact : told->number);
    if (makes_sense(&call, size, length, exact)) *add(b, VS_CALL_vcpu_write_state) = call;
  }
}

static void add_calls(vs_build* b, const vs_op* like, uint64_t exact) {
  static const uint8_t access_sizes[] = {4, 3, 0, 255};
  bool io = VS_OP_ARG(like, vcpu_write_state, kind).number == ZX_VCPU_IO;
  for (size_t a = 0; a < (io ? sizeof access_sizes : 1); a++) {
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
      vs_op call = *like;
      VS_OP_ARG(&call, vcpu_write_state, buffer).at = places[p].at;
      VS_OP_ARG(&call, vcpu_write_state, buffer).argument = places[p].argument;
      if (io) call.bytes[0] = access_sizes[a];
      add_call(b, call, exact);
    }
    read_back(b);
  }
}

static void build_setup(vs_build* b) {
  vs_op* op = add(b, VS_CALL_guest_create);
  vs_op_give(op, 0, SLOT_GUEST);
  vs_op_give(op, 1, SLOT_VMAR);
  vcpu(b, 0, SLOT_GUEST, SLOT_VCPU, VS_PROGRAM_DUMP);
  write_state(b);
}

// What only some of the scripts need: a backend without it can still be judged by the others.
static void build_handle(vs_build* b, const vs_arg* arg) {
  const vs_op_code twice = VS_CALL_handle_duplicate;
  if (arg->form != VS_HANDLE_SLOT) return;
  if (arg->slot == SLOT_DERIVED) derive(b, twice, SLOT_VCPU, arg->slot, ZX_RIGHT_READ);
  if (arg->slot == SLOT_OBJECT) create(b, VS_CALL_event_create, arg->slot);
  if (arg->slot != SLOT_MEMORY) return;
  derive(b, twice, SLOT_VCPU, arg->slot, ZX_RIGHT_SAME_RIGHTS);
  add(b, VS_CALL_handle_close)->args[0] = *arg;
}

bool vs_combination_at(size_t number, const vs_arch_info* info, vs_combination* combination) {
  size_t handle = number % HANDLES;
  size_t thread = number / HANDLES % THREADS;
  size_t kind = number / HANDLES / THREADS;
  *combination = (vs_combination){0};
  // Without a vCPU there is no thread that created it.
  if (thread > 0 && handle > HANDLE_NO_WRITE) return true;
  const char* elsewhere = thread > 0 ? "_other_thread" : "";
  snprintf(combination->id, VS_COMBINATION_WORDS, "combinations.%s%s_%s", handles[handle].name,
           elsewhere, kinds[kind].name);
  snprintf(combination->title, VS_COMBINATION_WORDS, "handle %s%s, %s: every size and placement",
           handles[handle].name, thread > 0 ? ", another thread" : "", kinds[kind].name);
  vs_build b = {.info = info};
  build_setup(&b);
  build_handle(&b, &handles[handle].arg);
  vs_build one = {.info = info};
  vs_op like = kinds[kind].kind == ZX_VCPU_IO ? *write_io(&one, 4, 0x11223344) : *write_state(&one);
  free(one.ops);
  uint64_t exact = VS_OP_ARG(&like, vcpu_write_state, buffer_size).number;
  like.args[0] = handles[handle].arg;
  like.thread = (uint8_t)thread;
  VS_OP_ARG(&like, vcpu_write_state, kind).number = kinds[kind].kind;
  like.optional = true;  // a profile may say nothing of some of the calls
  add_calls(&b, &like, exact);
  combination->script = (vs_script){combination->title, b.ops, b.count};
  if (!b.failed && !one.failed) return true;
  vs_combination_free(combination);
  return false;
}

void vs_combination_free(vs_combination* combination) {
  free((void*)(uintptr_t)combination->script.ops);
  combination->script = (vs_script){0};
}
