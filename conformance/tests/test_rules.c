// SPDX-License-Identifier: BSD-3-Clause
// The rules as they are stated a second time (rules/, proved by `make prove`), held against the
// model: the answers over classes of everything that a call can be, through the facts that the
// model makes of a world and an op; and what an accepted call does, bit by bit, through the oracle.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "place.h"
#include "sampled.h"
#include "test_rules.h"

// --- profiles, on both sides -------------------------------------------------------------------

static const char* const profile_ids[VS_RULES_PROFILES] = {
    [VS_RULES_DOCUMENTED] = "documented",
    [VS_RULES_ZIRCON_X64] = "zircon-x64",
    [VS_RULES_ZIRCON_ARM64] = "zircon-arm64",
    [VS_RULES_ZIRCON_2018] = "zircon-2018",
    [VS_RULES_ZIRCON_2023] = "zircon-2023",
    [VS_RULES_ZIRCON_2026] = "zircon-2026",
    [VS_RULES_ZCORE] = "zcore",
};

const vs_profile* rules_profile(vs_rules_profile p) {
  static const vs_profile* found[VS_RULES_PROFILES];
  if (found[p] == NULL) found[p] = vs_profile_find(profile_ids[p]);
  return found[p];
}

// The model's answers, as the rules give them.
static vs_rules_answers answers_of(const vs_decision* decision) {
  vs_rules_answers a = {.anything = decision->anything};
  for (size_t i = 0; i < decision->count; i++) {
    zx_status_t status = decision->allowed[i].status;
    a.ok |= status == ZX_OK;
    a.access_denied |= status == ZX_ERR_ACCESS_DENIED;
    a.bad_handle |= status == ZX_ERR_BAD_HANDLE;
    a.bad_state |= status == ZX_ERR_BAD_STATE;
    a.invalid_args |= status == ZX_ERR_INVALID_ARGS;
    a.wrong_type |= status == ZX_ERR_WRONG_TYPE;
  }
  return a;
}

static bool are_same(const vs_rules_answers* a, const vs_rules_answers* b) {
  return memcmp(a, b, sizeof *a) == 0;  // seven bools, no padding
}
_Static_assert(sizeof(vs_rules_answers) == 7 * sizeof(bool), "no padding");

// How many statuses the model names: none twice, and none that is not the page's.
static bool names_the_pages_statuses(const vs_decision* decision, const vs_rules_answers* a) {
  unsigned named = (unsigned)a->ok + a->access_denied + a->bad_handle + a->bad_state +
                   a->invalid_args + a->wrong_type;
  return named == decision->count;
}

static const char* text_of(const vs_rules_answers* a) {
  static char texts[2][120];
  static unsigned turn;
  char* text = texts[turn++ % 2];
  snprintf(text, sizeof texts[0], "{%s%s%s%s%s%s%s }", a->ok ? " OK" : "",
           a->access_denied ? " ACCESS_DENIED" : "", a->bad_handle ? " BAD_HANDLE" : "",
           a->bad_state ? " BAD_STATE" : "", a->invalid_args ? " INVALID_ARGS" : "",
           a->wrong_type ? " WRONG_TYPE" : "", a->anything ? " anything" : "");
  return text;
}

static const char* text_of_call(const vs_rules_call* c) {
  static char text[400];
  snprintf(text, sizeof text,
           "%s valid %d vcpu %d right %d%s creator %d running %d kind 0x%x size 0x%llx readable "
           "%llu null %d user %d residue %u first %u",
           c->arm64 ? "arm64" : "x86-64", c->valid, c->vcpu, c->right, c->right_known ? "" : "?",
           c->creator, c->running, c->kind, (unsigned long long)c->size,
           (unsigned long long)c->readable, c->null, c->user, c->residue, c->first);
  return text;
}

// --- planted mistakes: the comparison has to notice each ----------------------------------------

// What a wrong statement of the rules would take the call for.
typedef void plant(vs_rules_call* c);

static void nothing(vs_rules_call* c) {
  (void)c;
}
static void handle_unchecked(vs_rules_call* c) {
  c->valid = true;
}
static void type_unchecked(vs_rules_call* c) {
  c->vcpu = true;
}
static void right_unchecked(vs_rules_call* c) {
  c->right = c->right_known = true;
}
static void right_always_known(vs_rules_call* c) {
  c->right_known = true;
}
static void thread_unchecked(vs_rules_call* c) {
  c->creator = true;
  c->running = false;
}
static void kind_of_8_bits(vs_rules_call* c) {
  c->kind &= 0xff;
}
static void kind_of_31_bits(vs_rules_call* c) {
  c->kind &= 0x7fffffff;
}
static void size_of_32_bits(vs_rules_call* c) {
  c->size &= UINT32_MAX;
}
static void size_rounded_up(vs_rules_call* c) {
  c->size += c->size % 2;
}
static void one_byte_less(vs_rules_call* c) {
  if (c->readable > 0) c->readable--;
}
static void one_byte_more(vs_rules_call* c) {
  if (!c->null) c->readable++;
}
static void null_is_not_looked_at(vs_rules_call* c) {
  c->null = false;
}
static void half_is_not_looked_at(vs_rules_call* c) {
  c->user = true;
}
static void alignment_to_4(vs_rules_call* c) {
  c->residue %= 4;
}
static void access_size_of_8(vs_rules_call* c) {
  if (c->first == 8) c->first = 4;
}
static void access_size_of_7_bits(vs_rules_call* c) {
  c->first %= 128;
}
static void the_other_architecture(vs_rules_call* c) {
  c->arm64 = !c->arm64;
}

static plant* const plants[] = {
    handle_unchecked,       type_unchecked, right_unchecked,  right_always_known,
    thread_unchecked,       kind_of_8_bits, kind_of_31_bits,  size_of_32_bits,
    size_rounded_up,        one_byte_less,  one_byte_more,    null_is_not_looked_at,
    half_is_not_looked_at,  alignment_to_4, access_size_of_8, access_size_of_7_bits,
    the_other_architecture,
};
enum { PLANTS = sizeof plants / sizeof plants[0] };

// --- one comparison ------------------------------------------------------------------------------

enum { FACTS = 17 };

typedef struct tally {
  plant* plant;
  bool quiet;  // differences are counted, not reported
  uint64_t compared;
  uint64_t different;
  uint8_t met[1u << FACTS];  // combinations of facts
} tally;

static unsigned number_of(const vs_facts* f) {
  const bool facts[FACTS] = {f->handle.valid,      f->handle.right_type,
                             f->handle.has_rights, f->handle.rights_unknown,
                             f->kind_known,        f->io,
                             f->size_exact,        f->buffer_readable,
                             f->on_creator,        f->running,
                             f->access_size_odd,   f->access_size_large,
                             f->io_without_ports,  f->size_unbounded,
                             f->copy_unreadable,   f->pointer_null,
                             f->pointer_misaligned};
  unsigned number = 0;
  for (unsigned i = 0; i < FACTS; i++) number |= (unsigned)facts[i] << i;
  return number;
}
_Static_assert(sizeof(vs_handle_facts) == 5 &&
                   offsetof(vs_facts, out_lost) - offsetof(vs_facts, kind_known) == FACTS - 4,
               "every fact of the call is in number_of");

static void compare(tally* t, const vs_rules_call* call, const vs_facts* facts) {
  vs_rules_call taken = *call;
  t->plant(&taken);
  t->met[number_of(facts)] = 1;
  for (vs_rules_profile p = 0; p < VS_RULES_PROFILES; p++) {
    if (!vs_rules_speaks(p, call->arm64)) continue;
    vs_decision decision = vs_decide(facts, rules_profile(p));
    vs_rules_answers model = answers_of(&decision);
    vs_rules_answers rules = vs_rules_answer(p, &taken);
    t->compared++;
    if (are_same(&model, &rules) && names_the_pages_statuses(&decision, &model)) continue;
    t->different++;
    cr_assert(t->quiet, "%s, %s: the rules allow %s, the model %s", profile_ids[p],
              text_of_call(call), text_of(&rules), text_of(&model));
  }
}

static unsigned facts_met(const tally* t) {
  unsigned count = 0;
  for (unsigned i = 0; i < 1u << FACTS; i++) count += t->met[i];
  return count;
}

// --- a world with every sort of handle -----------------------------------------------------------

enum { MINE = 1, OTHER = 2 };  // threads
enum { GUEST, VMAR, VCPU, BUSY, EVENT, PORT, POORER, EMPTY = POORER + 6 };

// A slot, who calls, and what that is to the rules.
typedef struct situation {
  uint8_t slot;
  uint8_t thread;
  vs_rules_call is;
} situation;

#define NAMES(...) .right_known = true, .valid = true, __VA_ARGS__
static const situation situations[] = {
    {EMPTY, MINE, {.right_known = true}},
    {GUEST, MINE, {NAMES(.right = true)}},
    {PORT, MINE, {NAMES(.right = true)}},
    {EVENT, MINE, {NAMES(.right = false)}},
    {VMAR, MINE, {.valid = true}},
    {VCPU, MINE, {NAMES(.vcpu = true, .right = true, .creator = true)}},
    {VCPU, OTHER, {NAMES(.vcpu = true, .right = true)}},
    {BUSY, OTHER, {NAMES(.vcpu = true, .right = true, .running = true)}},
    {POORER + GUEST, MINE, {NAMES(.right = false)}},
    {POORER + VMAR, MINE, {NAMES(.right = false)}},
    {POORER + VCPU, MINE, {NAMES(.vcpu = true, .creator = true)}},
    {POORER + VCPU, OTHER, {NAMES(.vcpu = true)}},
    {POORER + BUSY, OTHER, {NAMES(.vcpu = true, .running = true)}},
    {POORER + PORT, MINE, {NAMES(.right = false)}},
};
enum { SITUATIONS = sizeof situations / sizeof situations[0] };

static vs_world world_of(const vs_arch_info* arch) {
  vs_world world;
  const vs_profile* documented = vs_profile_find("documented");
  vs_world_init(&world, documented);
  vs_op mine = vs_op_new(VS_CALL_vcpu_create, arch);
  vs_op busy = mine;
  mine.thread = MINE;
  busy.thread = 3;
  vs_op_give(&mine, 0, VCPU);
  vs_op_give(&busy, 0, BUSY);
  bool made = vs_world_add(&world, GUEST, VS_OBJECT_GUEST, 0x13) &&
              vs_world_add(&world, VMAR, VS_OBJECT_VMAR, 0x17) &&
              vs_world_add_vcpu(&world, &mine, documented, arch, 0x1b) &&
              vs_world_add_vcpu(&world, &busy, documented, arch, 0x1f) &&
              vs_world_add(&world, EVENT, VS_OBJECT_EVENT, 0x23) &&
              vs_world_add(&world, PORT, VS_OBJECT_PORT, 0x27);
  for (uint8_t slot = GUEST; made && slot < POORER; slot++) {
    vs_slot from = world.slots[slot];
    zx_rights_t rights = from.rights & ~ZX_RIGHT_WRITE;
    vs_world_alias(&world, (uint8_t)(POORER + slot), &from, rights, from.value + 0x100);
  }
  cr_assert(made, "a world has room for these");
  vs_world_vcpu(&world, &world.slots[BUSY])->running = true;
  return world;
}

// --- what a placement promises, in the words of placements.def -----------------------------------

enum { PAGE = 4096 };

static void lies(vs_rules_call* c, bool user, uint64_t address, uint64_t readable) {
  c->null = false;
  c->user = user;
  c->residue = (uint8_t)(address % 8);
  c->readable = readable;
}

void rules_place(const vs_arg* buffer, vs_rules_call* c) {
  uint64_t n = buffer->argument;
  uint64_t length = buffer->length;
  uint64_t part = n > length ? length : n;
  switch ((vs_placement)buffer->at) {
    case VS_AT_PLAIN:
    case VS_AT_READONLY:
    case VS_AT_LOW:
      return lies(c, true, 0, PAGE);
    case VS_AT_MISALIGNED:
      return lies(c, true, n, PAGE - n % PAGE);
    case VS_AT_CROSSING:
      return lies(c, true, PAGE - part, part + PAGE);
    case VS_AT_EDGE:
      return lies(c, true, PAGE - length, length);
    case VS_AT_STRADDLE:
    case VS_AT_STRADDLE_NONE:
      return lies(c, true, PAGE - (length - part), length - part);
    case VS_AT_STRADDLE_HEAD:
      return lies(c, true, PAGE - part, part > 0 ? 0 : PAGE);
    case VS_AT_ONE:
      return lies(c, true, 1, 0);
    case VS_AT_UNMAPPED:
    case VS_AT_PROT_NONE:
    case VS_AT_BEYOND_EOF:
      return lies(c, true, 0, 0);
    case VS_AT_USER_END:
      return lies(c, true, PAGE - (length - part), 0);
    case VS_AT_KERNEL:
    case VS_AT_NONCANONICAL:
      return lies(c, false, 0, 0);
    case VS_AT_WRAPPING:
      lies(c, part == 0, PAGE - part, 0);
      c->null = part == 0;
      return;
    case VS_AT_NULL:
      lies(c, true, 0, 0);
      c->null = true;
      return;
    default:
      cr_assert_fail("placement %u is new: say here what it promises", buffer->at);
  }
}

// What prove_facts.c takes for granted of places.

Test(rules, places_are_what_the_proof_of_the_facts_takes_them_for) {
  static const uint16_t some_lengths[] = {0, 1, 2, 7, 8, 135, 136, 264, 2047, 2048, 2049, 65535};
  for (uint32_t i = 0; i < VS_PLACEMENT_COUNT * 65536u; i++) {
    for (size_t l = 0; l < sizeof some_lengths / sizeof some_lengths[0]; l++) {
      vs_arg buffer = {.at = (uint8_t)(i >> 16), .argument = (uint16_t)i};
      buffer.length = some_lengths[l];
      vs_place at = vs_place_of(&buffer);
      bool null = !at.null || (at.readable == 0 && at.user && at.address == 0);
      cr_assert(null && (at.user || at.readable == 0), "placement %u by %u of %u bytes", buffer.at,
                buffer.argument, buffer.length);
    }
  }
}

// --- every combination of classes ----------------------------------------------------------------

static const uint32_t kinds[] = {0,   1,   2,       3,       4,          255,        256,
                                 257, 258, 0x10000, 0x10001, 0x80000000, 0x80000001, UINT32_MAX};
static const uint64_t sizes[] = {0,
                                 1,
                                 7,
                                 8,
                                 9,
                                 16,
                                 135,
                                 136,
                                 137,
                                 255,
                                 256,
                                 263,
                                 264,
                                 265,
                                 2048,
                                 4096,
                                 4097,
                                 0x7fffffff,
                                 0x100000000,
                                 0x100000008,
                                 0x100000088,
                                 0x100000108,
                                 0x8000000000000008,
                                 0x8000000000000088,
                                 SIZE_MAX - 7,
                                 SIZE_MAX};
static const uint16_t lengths[] = {0, 1, 7, 8, 9, 135, 136, 137, 263, 264, 265, 2048};
static const uint16_t arguments[] = {0, 1, 4, 63};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct stage {
  tally* tally;
  const vs_arch_info* arch;
  vs_world world;
  vs_op op;
  vs_rules_call call;
} stage;

// The op, from each situation.
static void in_each_situation(stage* s) {
  for (size_t i = 0; i < SITUATIONS; i++) {
    const vs_rules_call* is = &situations[i].is;
    s->op.args[0] = vs_arg_slot(situations[i].slot);
    s->op.thread = situations[i].thread;
    s->call.valid = is->valid;
    s->call.vcpu = is->vcpu;
    s->call.right_known = is->right_known;
    s->call.right = is->right;
    s->call.creator = is->creator;
    s->call.running = is->running;
    vs_facts facts = vs_facts_of(&s->world, &s->op, s->arch);
    compare(s->tally, &s->call, &facts);
  }
}

static void of_kind_and_size(stage* s, uint32_t kind, uint64_t size) {
  VS_OP_ARG(&s->op, vcpu_write_state, kind).number = s->call.kind = kind;
  VS_OP_ARG(&s->op, vcpu_write_state, buffer_size).number = s->call.size = size;
  in_each_situation(s);
}

static void at_place(stage* s, unsigned at, uint16_t argument, uint16_t length, unsigned first) {
  vs_arg* buffer = &VS_OP_ARG(&s->op, vcpu_write_state, buffer);
  *buffer = (vs_arg){.at = (uint8_t)at, .argument = argument, .length = length};
  s->op.bytes[0] = s->call.first = (uint8_t)first;
  rules_place(buffer, &s->call);
}

// Every kind and size, at every placement.
static void over_places(stage* s, unsigned at, uint16_t argument) {
  for (size_t l = 0; l < COUNT(lengths); l++) {
    at_place(s, at, argument, lengths[l], 1);
    for (size_t k = 0; k < COUNT(kinds); k++) {
      for (size_t z = 0; z < COUNT(sizes); z++) of_kind_and_size(s, kinds[k], sizes[z]);
    }
  }
}

// Every access_size, where it counts and where it does not.
static void over_access_sizes(stage* s, unsigned at, uint16_t argument) {
  static const uint32_t some_kinds[] = {0, 1, 257};
  static const uint64_t some_sizes[] = {0, 8, 9, 136, 264};
  for (unsigned first = 0; first < 256; first++) {
    for (uint16_t length = 7; length <= 8; length++) {
      at_place(s, at, argument, length, first);
      for (size_t k = 0; k < COUNT(some_kinds); k++) {
        for (size_t z = 0; z < COUNT(some_sizes); z++) {
          of_kind_and_size(s, some_kinds[k], some_sizes[z]);
        }
      }
    }
  }
}

typedef void over(stage* s, unsigned at, uint16_t argument);

static void over_classes(tally* t, over* what, size_t argument_count) {
  static stage s;
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    s = (stage){.tally = t, .arch = vs_arch_find(arch)};
    s.op = vs_op_new(VS_CALL_vcpu_write_state, s.arch);
    s.call.arm64 = arch == VS_ARCH_ARM64;
    s.world = world_of(s.arch);
    for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
      for (size_t n = 0; n < argument_count; n++) {
        if (vs_sampled(at + n, 12)) what(&s, at, arguments[n]);
      }
    }
  }
}

// --- vs_decide, over all of its facts ------------------------------------------------------------

// What facts are, in terms of a call: independent of a world and of placements.
static vs_facts facts_of(const vs_rules_call* c) {
  uint64_t state = c->arm64 ? 264 : 136;
  bool io = c->kind == 1;
  bool known = c->kind <= 1;
  uint64_t exact = io ? 8 : state;
  uint64_t needed = c->size < exact ? c->size : exact;  // an unknown kind: at most a state
  bool readable = c->user && c->readable >= needed;
  bool whole = known && c->size == exact && readable;
  bool odd = io && whole && c->first != 1 && c->first != 2 && c->first != 4;
  return (vs_facts){.call = VS_CALL_vcpu_write_state,
                    .handle.given = true,
                    .handle.valid = c->valid,
                    .handle.right_type = c->vcpu,
                    .handle.has_rights = c->right,
                    .handle.rights_unknown = !c->right_known,
                    .kind_known = known,
                    .io = io,
                    .size_exact = known && c->size == exact,
                    .buffer_readable = readable,
                    .on_creator = c->creator,
                    .running = c->running,
                    .access_size_odd = odd,
                    .access_size_large = odd && c->first > 4,
                    .io_without_ports = io && c->arm64,
                    .size_unbounded = c->size > state,
                    .copy_unreadable = !c->user || c->readable < c->size,
                    .pointer_null = c->null,
                    .pointer_misaligned = known && !io && c->residue % 8u != 0};
}

// Who calls with which handle: everything that can be. A thread that is within zx_vcpu_enter makes
// no other call, so that no vCPU runs on the thread that created it.
static unsigned handles(vs_rules_call calls[static 16]) {
  unsigned count = 0;
  calls[count++] = (vs_rules_call){.right_known = true};
  for (unsigned bits = 0; bits < 4; bits++) {
    calls[count++] =
        (vs_rules_call){.valid = true, .right_known = (bits & 1) != 0, .right = (bits & 2) != 0};
  }
  for (unsigned bits = 0; bits < 8; bits++) {
    bool creator = bits & 2;
    bool running = bits & 4;
    if (creator && running) continue;
    calls[count++] = (vs_rules_call){.valid = true,
                                     .vcpu = true,
                                     .right_known = true,
                                     .right = (bits & 1) != 0,
                                     .creator = creator,
                                     .running = running};
  }
  return count;
}

static void over_contents(tally* t, vs_rules_call call) {
  if (t->quiet && t->different > 0) return;  // a planted mistake was noticed
  static const uint8_t firsts[] = {0, 1, 2, 3, 4, 5, 8, 129, 255};
  for (size_t f = 0; f < COUNT(firsts); f++) {
    call.first = firsts[f];
    vs_facts facts = facts_of(&call);
    compare(t, &call, &facts);
  }
}

// Each boundary of what can be read: nothing, all but a byte, all, and more.
static void over_readable(tally* t, vs_rules_call call) {
  const uint64_t boundaries[] = {0,   1,   7,   8,   9,         135,        136,
                                 137, 263, 264, 265, call.size, UINT64_MAX, call.size - 1};
  for (size_t i = 0; i < COUNT(boundaries); i++) {
    call.readable = boundaries[i];
    if ((call.null || !call.user) && call.readable > 0) continue;
    over_contents(t, call);
  }
}

static void over_pointers(tally* t, vs_rules_call call) {
  for (uint8_t residue = 0; residue < 8; residue++) {
    for (unsigned which = 0; which < 3; which++) {  // in the user half, null, elsewhere
      if (which == 1 && residue != 0) continue;
      call.null = which == 1;
      call.user = which != 2;
      call.residue = residue;
      over_readable(t, call);
    }
  }
}

static void over_all(tally* t) {
  static const uint32_t some_kinds[] = {0, 1, 2, 257, 0x80000001};
  static const uint64_t some_sizes[] = {
      0, 1, 7, 8, 9, 135, 136, 137, 263, 264, 265, 4096, 0x100000008, 0x100000088, 0x100000108};
  vs_rules_call calls[16];
  unsigned count = handles(calls);
  for (unsigned i = 0; i < 2 * count; i++) {
    vs_rules_call call = calls[i / 2];
    call.arm64 = i % 2;
    for (size_t k = 0; k < COUNT(some_kinds); k++) {
      for (size_t z = 0; z < COUNT(some_sizes); z++) {
        call.kind = some_kinds[k];
        call.size = some_sizes[z];
        over_pointers(t, call);
      }
    }
  }
}

// 11 handles: those of test_decide.c but for a vCPU that runs on its creator's thread; and 74
// arguments, which that file counts in another way.
Test(rules, answer_as_vs_decide_does_for_all_facts) {
  static tally t = {.plant = nothing};
  over_all(&t);
  printf("rules and vs_decide: %llu answers compared, over all %u combinations of facts\n",
         (unsigned long long)t.compared, facts_met(&t));
  cr_assert(t.different == 0 && facts_met(&t) == 11 * 54, "%u combinations", facts_met(&t));
}

Test(rules, know_every_profile_of_the_model) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    bool known = false;
    for (size_t p = 0; p < VS_RULES_PROFILES; p++) {
      known |= strcmp(profile_ids[p], vs_profiles[i].id) == 0;
    }
    cr_assert(known, "rules/ do not state the profile %s", vs_profiles[i].id);
  }
}

Test(rules, a_mistake_in_them_is_noticed) {
  for (size_t i = 0; i < PLANTS; i++) {
    if (!vs_sampled(i, 4)) continue;
    static tally t;
    t = (tally){.plant = plants[i], .quiet = true};
    over_all(&t);
    cr_assert(t.different > 0, "planted mistake %u was not noticed", (unsigned)i);
  }
}

// --- the whole path: a world, an op, its placement
// ------------------------------------------------

// No op gives facts that over_all does not cover.
static void are_of_calls(const tally* made) {
  static tally all = {.plant = nothing};
  over_all(&all);
  for (unsigned i = 0; i < 1u << FACTS; i++) {
    cr_assert(all.met[i] || !made->met[i], "the facts 0x%x are made of an op", i);
  }
}

Test(rules, answer_as_the_model_does_for_every_place_kind_and_size) {
  static tally t = {.plant = nothing};
  over_classes(&t, over_places, COUNT(arguments));
  printf("rules and model: %llu answers compared over placements, kinds, sizes; %u facts met\n",
         (unsigned long long)t.compared, facts_met(&t));
  cr_assert(t.compared > 1000000 && t.different == 0);
  are_of_calls(&t);
}

Test(rules, answer_as_the_model_does_for_every_access_size) {
  static tally t = {.plant = nothing};
  over_classes(&t, over_access_sizes, 2);
  printf("rules and model: %llu answers compared over access sizes; %u facts met\n",
         (unsigned long long)t.compared, facts_met(&t));
  cr_assert(t.compared > 1000000 && t.different == 0);
  are_of_calls(&t);
}
