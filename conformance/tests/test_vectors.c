// SPDX-License-Identifier: BSD-3-Clause
// Calls with two faults, on which published kernels differ: the table of what each answers, held
// against each profile, through facts made by hand and through the facts of a real op.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"
#include "text/names.h"

typedef enum fault {
  WRONG_TYPE = 1 << 0,
  NO_WRITE = 1 << 1,
  BAD_KIND = 1 << 2,
  TOO_SMALL = 1 << 3,
  TOO_LARGE = 1 << 4,  // more than the size of ZX_VCPU_STATE
  BAD_POINTER = 1 << 5,
  MISALIGNED = 1 << 6,
  ELSEWHERE = 1 << 7,
  IS_IO = 1 << 8,
  SIZE_3 = 1 << 9  // access_size
} fault;

// A set of answers: a letter each.
//   o OK, h BAD_HANDLE, t WRONG_TYPE, d ACCESS_DENIED, i INVALID_ARGS, s BAD_STATE, * anything
typedef struct vector {
  const char* what;
  unsigned faults;
  const char* x64;
  const char* arm64;
  const char* x64_2018;
  const char* arm64_2018;
  const char* zcore;
  const char* documented;  // of x86-64
} vector;

static const vector vectors[] = {
    // what, faults, x64, arm64, 2018 on x64, 2018 on arm64, zcore, documented
    {"nothing is wrong", 0, "o", "o", "o", "o", "o", "o"},
    {"wrong type, no WRITE", WRONG_TYPE | NO_WRITE, "t", "t", "d", "d", "d", "td"},
    {"no WRITE, bad kind", NO_WRITE | BAD_KIND, "d", "d", "d", "d", "d", "di"},
    {"no WRITE, wrong thread", NO_WRITE | ELSEWHERE, "d", "d", "d", "d", "d", "ds"},
    {"bad kind, wrong thread", BAD_KIND | ELSEWHERE, "i", "i", "s", "s", "s", "is"},
    {"too small, wrong thread", TOO_SMALL | ELSEWHERE, "i", "i", "s", "s", "s", "is"},
    {"too large, wrong thread", TOO_LARGE | ELSEWHERE, "i", "i", "i", "i", "s", "is"},
    {"bad pointer, wrong thread", BAD_POINTER | ELSEWHERE, "i", "i", "i", "i", "s", "is"},
    {"IO, access_size 3, wrong thread", IS_IO | SIZE_3 | ELSEWHERE, "s", "i", "s", "s", "s", "is"},
    {"IO, wrong thread", IS_IO | ELSEWHERE, "s", "i", "s", "s", "s", "is"},
    {"IO, nothing is wrong", IS_IO, "o", "i", "o", "i", "o", "o"},
    {"IO, access_size 3", IS_IO | SIZE_3, "i", "i", "o", "i", "i", "io"},
    {"bad pointer", BAD_POINTER, "i", "i", "i", "i", "*", "i"},
    {"misaligned", MISALIGNED, "o", "o", "o", "o", "i", "o"},
    {"misaligned, wrong thread", MISALIGNED | ELSEWHERE, "s", "s", "s", "s", "s", "s"},
    {"misaligned, bad pointer", MISALIGNED | BAD_POINTER, "i", "i", "i", "i", "i", "i"},
};
enum { VECTORS = sizeof vectors / sizeof vectors[0] };

// --- the call ----------------------------------------------------------------------------------

enum { GUEST_SLOT, VMAR_SLOT, VCPU_SLOT, BARE_SLOT, EVENT_SLOT };

static vs_world world_with(const vs_profile* profile, const vs_arch_info* arch) {
  vs_world world;
  vs_world_init(&world, profile);
  vs_op create = vs_op_new(VS_CALL_vcpu_create, arch);
  create.thread = 1;
  vs_op_give(&create, 0, VCPU_SLOT);
  bool made = vs_world_add(&world, GUEST_SLOT, VS_OBJECT_GUEST, 0x13) &&
              vs_world_add(&world, VMAR_SLOT, VS_OBJECT_VMAR, 0x17) &&
              vs_world_add_vcpu(&world, &create, profile, arch, 0x1b) &&
              vs_world_add(&world, EVENT_SLOT, VS_OBJECT_EVENT, 0x23);
  cr_assert(made);
  vs_world_alias(&world, BARE_SLOT, &world.slots[VCPU_SLOT], ZX_RIGHT_READ, 0x1f);
  return world;
}

static uint8_t placement_of(unsigned faults) {
  if (faults & BAD_POINTER) return faults & MISALIGNED ? VS_AT_ONE : VS_AT_UNMAPPED;
  return faults & MISALIGNED ? VS_AT_MISALIGNED : VS_AT_PLAIN;
}

static vs_op op_with(unsigned faults, const vs_arch_info* arch) {
  uint64_t exact = faults & IS_IO ? sizeof(zx_vcpu_io_t) : arch->state_size;
  uint64_t size = exact;
  vs_op op = vs_op_new(VS_CALL_vcpu_write_state, arch);
  vs_arg* kind = &VS_OP_ARG(&op, vcpu_write_state, kind);
  op.thread = faults & ELSEWHERE ? 0 : 1;
  op.args[0] = vs_arg_slot(VCPU_SLOT);
  kind->number = faults & IS_IO ? ZX_VCPU_IO : ZX_VCPU_STATE;
  if (faults & NO_WRITE) op.args[0].slot = BARE_SLOT;
  if (faults & WRONG_TYPE) op.args[0].slot = faults & NO_WRITE ? EVENT_SLOT : GUEST_SLOT;
  if (faults & BAD_KIND) kind->number = 2;
  if (faults & TOO_SMALL) size = exact - 1;
  if (faults & TOO_LARGE) size = arch->state_size + 1u;
  VS_OP_ARG(&op, vcpu_write_state, buffer) =
      (vs_arg){.at = placement_of(faults), .argument = 1, .length = (uint16_t)size};
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number = size;
  op.bytes[0] = faults & SIZE_3 ? 3 : 4;
  return op;
}

static vs_facts facts_with(unsigned faults, const vs_arch_info* arch) {
  bool known = !(faults & BAD_KIND);
  bool bad = faults & BAD_POINTER;
  bool io = faults & IS_IO;
  return (vs_facts){
      .call = VS_CALL_vcpu_write_state,
      .handle.given = true,
      .handle.valid = true,
      .handle.right_type = !(faults & WRONG_TYPE),
      .handle.has_rights = !(faults & NO_WRITE),
      .kind_known = known,
      .io = io,
      .size_exact = known && !(faults & (TOO_SMALL | TOO_LARGE)),
      .buffer_readable = !bad,
      .on_creator = !(faults & (WRONG_TYPE | ELSEWHERE)),
      .access_size_odd = faults & SIZE_3,
      .io_without_ports = io && !arch->has_ports,
      .size_unbounded = faults & TOO_LARGE,
      .copy_unreadable = bad,
      .pointer_misaligned = known && (faults & MISALIGNED),
  };
}

// --- the judge ---------------------------------------------------------------------------------

static const char* letters_of(const vs_decision* decision) {
  static const struct {
    zx_status_t status;
    char letter;
  } rows[] = {{ZX_ERR_BAD_HANDLE, 'h'},   {ZX_ERR_WRONG_TYPE, 't'}, {ZX_ERR_ACCESS_DENIED, 'd'},
              {ZX_ERR_INVALID_ARGS, 'i'}, {ZX_ERR_BAD_STATE, 's'},  {ZX_OK, 'o'}};
  static char text[8];
  size_t length = 0;
  if (decision->anything) return "*";
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (vs_decision_find(decision, rows[i].status)) text[length++] = rows[i].letter;
  }
  text[length] = '\0';
  return text;
}

// The table as it came out, for whoever runs the test with its output shown.
static void print_row(const char* id, const vector* v, const vs_decision* decision) {
  printf("vector %-13s %-44s", id, v->what);
  if (decision->anything) printf(" anything");
  for (size_t i = 0; i < decision->count && !decision->anything; i++) {
    printf("%s%s", i == 0 ? " " : " or ", vs_status_name(decision->allowed[i].status));
  }
  printf("\n");
}

// `column` is the offset of the profile's answers in vs_vector.
static void answers(const char* id, vs_arch arch, size_t column) {
  const vs_profile* profile = vs_profile_find(id);
  const vs_arch_info* info = vs_arch_find(arch);
  cr_assert(profile != NULL);
  for (size_t i = 0; i < VECTORS; i++) {
    const vector* v = &vectors[i];
    const char* wanted;
    memcpy(&wanted, (const char*)v + column, sizeof wanted);
    vs_world world = world_with(profile, info);
    vs_op op = op_with(v->faults, info);
    vs_facts by_hand = facts_with(v->faults, info);
    vs_facts of_op = vs_facts_of(&world, &op, info);
    cr_expect(memcmp(&by_hand, &of_op, sizeof of_op) == 0, "%s, %s: other facts", id, v->what);
    vs_decision decision = vs_decide(&by_hand, profile);
    cr_expect_str_eq(letters_of(&decision), wanted, "%s, %s: facts by hand: answers %s, not %s", id,
                     v->what, letters_of(&decision), wanted);
    decision = vs_decide(&of_op, profile);
    cr_expect_str_eq(letters_of(&decision), wanted, "%s, %s: facts of an op: answers %s, not %s",
                     id, v->what, letters_of(&decision), wanted);
    print_row(id, v, &decision);
  }
}

Test(vectors, zircon_x64) {
  answers("zircon-x64", VS_ARCH_X64, offsetof(vector, x64));
}
Test(vectors, zircon_arm64) {
  answers("zircon-arm64", VS_ARCH_ARM64, offsetof(vector, arm64));
}
Test(vectors, zircon_2018) {
  answers("zircon-2018", VS_ARCH_X64, offsetof(vector, x64_2018));
}
Test(vectors, zircon_2018_on_arm64) {
  answers("zircon-2018", VS_ARCH_ARM64, offsetof(vector, arm64_2018));
}
Test(vectors, zcore) {
  answers("zcore", VS_ARCH_X64, offsetof(vector, zcore));
}
Test(vectors, documented) {
  answers("documented", VS_ARCH_X64, offsetof(vector, documented));
}
