// SPDX-License-Identifier: BSD-3-Clause
// What an answered call leaves in the registers, by the rules and by the oracle: registers and
// buffers at random, each of the rules' readings, and each bit of it changed.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "test_rules.h"

// --- chance
// ----------------------------------------------------------------------------------------

static uint64_t chance;

// VS_SEED=number plays the same again.
static void seed(void) {
  const char* given = getenv("VS_SEED");
  chance = given ? strtoull(given, NULL, 0) : UINT64_C(0x5eed0006);
  printf("seed 0x%llx\n", (unsigned long long)chance);
}

static uint64_t next(void) {
  chance += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t z = (chance ^ (chance >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

// Bytes at random; now and then all clear or all set, as flags ought to meet.
static void fill(uint8_t* bytes, size_t count) {
  unsigned way = next() % 8;
  for (size_t i = 0; i < count; i++) bytes[i] = way == 0 ? 0 : way == 1 ? 0xff : (uint8_t)next();
}

// --- a vCPU and its oracle
// -------------------------------------------------------------------------

enum { GUEST, VMAR, VCPU };

typedef struct kept {
  uint8_t count;
  vs_world worlds[VS_WORLDS_MAX];
} kept;

typedef struct scene {
  vs_rules_profile profile;
  bool arm64;
  vs_oracle oracle;
  vs_rules_registers now;  // by the rules
  uint64_t compared;       // verdicts
  uint64_t refused;        // of readings that the rules allow: mistakes
  bool spoilt;             // a mistake is planted, and refusals are what is wanted
} scene;

static scene s;

static void keep(kept* k) {
  k->count = s.oracle.count;
  memcpy(k->worlds, s.oracle.worlds, k->count * sizeof k->worlds[0]);
}

static void restore(const kept* k) {
  s.oracle.count = k->count;
  memcpy(s.oracle.worlds, k->worlds, k->count * sizeof k->worlds[0]);
}

static size_t general(void) {
  return s.arm64 ? 256 : 128;
}

static size_t flag_count(void) {
  return s.arm64 ? 32 : 64;
}

// As zx_vcpu_read_state would report them. Padding is as it happens.
static void pack(const vs_rules_registers* r, uint8_t state[VS_STATE_MAX]) {
  memset(state, 0x5a, VS_STATE_MAX);
  memcpy(state, r->bytes, general());
  for (size_t i = 0; i < flag_count() / 8; i++) {
    uint8_t byte = 0;
    for (unsigned k = 0; k < 8; k++) byte |= (uint8_t)(r->flags[8 * i + k] << k);
    state[general() + i] = byte;
  }
}

static vs_op op_of(vs_op_code code, uint8_t slot) {
  vs_op op = vs_op_new((uint8_t)code, s.oracle.arch);
  op.args[0] = vs_arg_slot(slot);
  return op;
}

static bool reads(const vs_rules_registers* r) {
  vs_op op = op_of(VS_CALL_vcpu_read_state, VCPU);
  vs_observation seen = {.outcome = VS_RETURNED, .has_state = true};
  pack(r, seen.state);
  vs_step step = vs_oracle_step(&s.oracle, &op, &seen, NULL);
  cr_assert(step == VS_STEP_ALLOWED || step == VS_STEP_VIOLATION);
  return step == VS_STEP_ALLOWED;
}

static void setup(const vs_op* op, zx_handle_t handle, zx_handle_t handle2) {
  vs_observation seen = {.outcome = VS_RETURNED, .handle = handle, .handle2 = handle2};
  cr_assert(vs_oracle_step(&s.oracle, op, &seen, NULL) == VS_STEP_ALLOWED);
}

// A new vCPU's registers: of a kernel's, zero; and flags that are not the caller's read as zero.
static void start(vs_rules_profile profile, bool arm64) {
  s.profile = profile;
  s.arm64 = arm64;
  vs_oracle_init(&s.oracle, rules_profile(profile),
                 vs_arch_find(arm64 ? VS_ARCH_ARM64 : VS_ARCH_X64));
  vs_op guest = vs_op_new(VS_CALL_guest_create, s.oracle.arch);
  vs_op_give(&guest, 0, GUEST);
  vs_op_give(&guest, 1, VMAR);
  vs_op vcpu = op_of(VS_CALL_vcpu_create, GUEST);
  vs_op_give(&vcpu, 0, VCPU);
  setup(&guest, 0x13, 0x17);
  setup(&vcpu, 0x1b, 0);
  uint8_t state[VS_STATE_MAX];
  fill(state, sizeof state);
  vs_rules_unpack(arm64, state, &s.now);
  if (profile != VS_RULES_DOCUMENTED) s.now = (vs_rules_registers){0};
  cr_assert(reads(&s.now), "%s: what a new vCPU holds", rules_profile(profile)->id);
}

// --- a call
// ----------------------------------------------------------------------------------------

typedef struct write {
  vs_op op;
  vs_rules_call call;
  vs_rules_registers given;
  uint8_t data[4];
} write;

static uint8_t some_access_size(void) {
  static const uint8_t sizes[] = {1, 2, 4, 1, 2, 4, 0, 3, 5, 8, 64, 255};
  return sizes[next() % sizeof sizes];
}

// A call on the creator's thread, or another's, with a buffer at random; one in eight is faulty.
static write some_write(void) {
  write w = {.op = op_of(VS_CALL_vcpu_write_state, VCPU)};
  bool io = next() % 3 == 0;
  bool faulty = next() % 8 == 0;
  fill(w.op.bytes, sizeof w.op.bytes);
  if (io) w.op.bytes[0] = some_access_size();
  uint32_t kind = io ? ZX_VCPU_IO : ZX_VCPU_STATE;
  uint64_t size = io ? 8 : s.arm64 ? 264 : 136;
  VS_OP_ARG(&w.op, vcpu_write_state, buffer).length = (uint16_t)size;
  if (faulty) w.op.thread = next() % 2;
  if (faulty) size ^= next() % 2;
  VS_OP_ARG(&w.op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(&w.op, vcpu_write_state, buffer_size).number = size;
  w.call = (vs_rules_call){.arm64 = s.arm64,
                           .valid = true,
                           .vcpu = true,
                           .right_known = true,
                           .right = true,
                           .creator = w.op.thread == 0,
                           .user = true,
                           .first = w.op.bytes[0],
                           .kind = kind,
                           .size = size,
                           .readable = 4096};
  vs_rules_unpack(s.arm64, w.op.bytes, &w.given);
  memcpy(w.data, w.op.bytes + 4, sizeof w.data);
  return w;
}

static bool answers(const write* w, zx_status_t status) {
  vs_observation seen = {.outcome = VS_RETURNED, .status = status};
  return vs_oracle_step(&s.oracle, &w->op, &seen, NULL) == VS_STEP_ALLOWED;
}

// --- comparison
// ------------------------------------------------------------------------------------

// The readings of the page: a bit of `which` for each choice.
enum { READINGS = 32 };
static vs_rules_choices reading(unsigned which) {
  return (vs_rules_choices){.gated = (which & 1) != 0,
                            .keeps_nt = (which & 2) != 0,
                            .keeps_ac = (which & 4) != 0,
                            .keeps_id = (which & 8) != 0,
                            .zeroes_upper = (which & 16) != 0};
}

// What a wrong statement of the rules would say an accepted call does.
typedef void spoil(vs_rules_choices* choices);

static vs_rules_registers after(const write* w, zx_status_t status, vs_rules_choices choices) {
  vs_rules_registers r = s.now;
  vs_rules_apply(&w->call, status, &choices, &w->given, w->data, &r);
  return r;
}

static void is_allowed(const write* w, const vs_rules_registers* r, const kept* answered) {
  bool allowed = reads(r);
  s.compared++;
  if (!allowed) s.refused++;
  cr_assert(allowed || s.spoilt,
            "%s, %s: kind %u, access_size %u: the oracle refuses what the rules say",
            rules_profile(s.profile)->id, s.arm64 ? "arm64" : "x86-64",
            VS_OP_ARG(&w->op, vcpu_write_state, kind).number, w->call.first);
  restore(answered);
}

// Whether the rules let `r` be read after the call.
static bool may_be(const write* w, zx_status_t status, const vs_rules_registers* said,
                   const vs_rules_registers* r) {
  if (status == ZX_OK && s.profile == VS_RULES_DOCUMENTED) {
    return vs_rules_may_become(&w->call, &w->given, w->data, &s.now, r);
  }
  if (status == ZX_OK && !vs_rules_effect_known(s.profile, &w->call)) return true;
  return memcmp(said, r, sizeof *r) == 0;
}

static void is_judged_alike(const write* w, zx_status_t status, const vs_rules_registers* said,
                            const vs_rules_registers* r, const kept* answered) {
  bool rules = may_be(w, status, said, r);
  bool oracle = reads(r);
  s.compared++;
  cr_assert(rules == oracle,
            "%s, %s: kind %u, access_size %u, status %d: the rules %s it, the oracle %s it",
            rules_profile(s.profile)->id, s.arm64 ? "arm64" : "x86-64",
            VS_OP_ARG(&w->op, vcpu_write_state, kind).number, w->call.first, status,
            rules ? "allow" : "refuse", oracle ? "allows" : "refuses");
  restore(answered);
}

// Each bit of what the rules say, changed; and registers changed whole.
static void changes(const write* w, zx_status_t status, const vs_rules_registers* said,
                    const kept* answered) {
  for (size_t i = 0; i < 8 * general(); i++) {
    vs_rules_registers r = *said;
    r.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    is_judged_alike(w, status, said, &r, answered);
  }
  for (size_t i = 0; i < flag_count(); i++) {
    vs_rules_registers r = *said;
    r.flags[i] ^= 1;
    is_judged_alike(w, status, said, &r, answered);
  }
  for (size_t i = 0; i < 64; i++) {
    vs_rules_registers r = *said;
    size_t at = 8 * (next() % (general() / 8));
    memcpy(r.bytes + at, next() % 2 ? w->given.bytes : s.now.bytes + at, 8);
    if (next() % 2) memcpy(r.flags, next() % 2 ? w->given.flags : s.now.flags, flag_count());
    is_judged_alike(w, status, said, &r, answered);
  }
}

// Everything that may be read after the answer. Leaves the world after one of it.
static void judge_effect(const write* w, zx_status_t status, spoil* plant) {
  static kept answered;
  vs_rules_choices choices;
  keep(&answered);
  vs_rules_made(s.profile, s.arm64, &choices);
  if (s.profile == VS_RULES_DOCUMENTED) choices = reading((unsigned)(next() % READINGS));
  if (plant) plant(&choices);
  vs_rules_registers said = after(w, status, choices);
  is_allowed(w, &said, &answered);
  if (!plant) changes(w, status, &said, &answered);
  for (unsigned i = 0; i < READINGS && !plant && s.profile == VS_RULES_DOCUMENTED; i++) {
    vs_rules_registers other = after(w, status, reading(i));
    is_allowed(w, &other, &answered);
  }
  if (!plant) cr_assert(reads(&said));
  s.now = said;
}

// The oracle takes those answers that the rules allow, and no other.
static void judge_answers(const write* w, const vs_rules_answers* allowed) {
  static kept before;
  keep(&before);
  for (zx_status_t status = 3; status >= -64; status--) {
    bool rules = vs_rules_allows(allowed, status);
    cr_assert(answers(w, status) == rules, "%s: status %d: %s by the rules",
              rules_profile(s.profile)->id, status, rules ? "allowed" : "refused");
    s.compared++;
    restore(&before);
  }
}

// One call. False: no more can be said of this vCPU, or the page's choices are made now.
static bool round_of(spoil* plant) {
  write w = some_write();
  vs_rules_answers allowed = vs_rules_answer(s.profile, &w.call);
  judge_answers(&w, &allowed);
  zx_status_t status = ZX_ERR_BAD_STATE;
  if (allowed.ok) {
    status = ZX_OK;
  } else if (allowed.invalid_args) {
    status = ZX_ERR_INVALID_ARGS;
  }
  cr_assert(answers(&w, status));
  judge_effect(&w, status, plant);
  bool known = status != ZX_OK || vs_rules_effect_known(s.profile, &w.call);
  return known && s.profile != VS_RULES_DOCUMENTED && !plant;
}

static void play(vs_rules_profile profile, bool arm64, unsigned vcpus, spoil* plant) {
  for (unsigned i = 0; i < vcpus; i++) {
    start(profile, arm64);
    if (plant && profile != VS_RULES_DOCUMENTED) {  // registers other than zero to begin with
      while (s.refused == 0 && round_of(NULL) && next() % 3) continue;
    }
    for (unsigned k = 0; k < 4 && round_of(plant); k++) continue;
  }
}

static void play_all(unsigned vcpus) {
  for (vs_rules_profile p = 0; p < VS_RULES_PROFILES; p++) {
    if (vs_rules_speaks(p, false)) play(p, false, vcpus, NULL);
    if (vs_rules_speaks(p, true)) play(p, true, vcpus, NULL);
  }
}

Test(rules_effects, are_the_oracles) {
  seed();
  play_all(100);
  printf("rules and oracle: %llu verdicts compared\n", (unsigned long long)s.compared);
  cr_assert(s.compared > 100000 && s.refused == 0);
}

// --- planted mistakes
// ------------------------------------------------------------------------------

static void gate_wrong(vs_rules_choices* c) {
  c->gated = !c->gated;
}
static void never_clears(vs_rules_choices* c) {
  c->or_only = !c->or_only;
}
static void upper_wrong(vs_rules_choices* c) {
  c->zeroes_upper = !c->zeroes_upper;
}
static void nt_lost(vs_rules_choices* c) {
  c->keeps_nt = true;
}

typedef struct mistake {
  vs_rules_profile profile;
  bool arm64;
  spoil* plant;
} mistake;

Test(rules_effects, a_mistake_in_them_is_noticed) {
  static const mistake mistakes[] = {
      {VS_RULES_ZIRCON_X64, false, gate_wrong},    {VS_RULES_ZCORE, false, gate_wrong},
      {VS_RULES_ZIRCON_2018, false, gate_wrong},   {VS_RULES_ZIRCON_X64, false, never_clears},
      {VS_RULES_ZIRCON_ARM64, true, never_clears}, {VS_RULES_ZIRCON_2018, true, never_clears},
      {VS_RULES_DOCUMENTED, true, never_clears},   {VS_RULES_DOCUMENTED, false, never_clears},
      {VS_RULES_ZIRCON_X64, false, upper_wrong},   {VS_RULES_ZCORE, false, upper_wrong},
      {VS_RULES_ZIRCON_X64, false, nt_lost},
  };
  seed();
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    s.refused = 0;
    for (unsigned n = 0; n < 100 && s.refused == 0; n++) {
      s.spoilt = true;
      play(mistakes[i].profile, mistakes[i].arm64, 1, mistakes[i].plant);
    }
    cr_assert(s.refused > 0, "mistake %u was not noticed", (unsigned)i);
  }
}
