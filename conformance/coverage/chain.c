// SPDX-License-Identifier: BSD-3-Clause
#include "chain.h"

#include <stdlib.h>
#include <string.h>

#include "ideal.h"
#include "tries.h"

// Of a script; of the way to a transition; of calls in a row that make none, and after which one
// may be made; explanations of what was before, among which few calls have a sure answer.
enum { CALLS = 250, PATH = 32, BRIDGES = 64, WORLDS = 16 };

typedef struct chaining {
  const vs_explored* all;
  bool* left;  // of each transition: still wanted
  uint8_t situation;
  vs_oracle* oracle;
  uint32_t handles;
  vs_history history;
  vs_draft script;
  uint16_t filled;  // slots, by a call of this script's own
  size_t made;      // wanted transitions that the script makes
  size_t calls;
  bool found;   // a call that makes one
  bool bridge;  // a call with which one begins
  vs_op op;
  zx_status_t status;
  vs_happened tried[BRIDGES];  // bridges, since one was made
  size_t tried_count;
} chaining;

static size_t number_of(const vs_explored* all, const vs_transition* t) {
  size_t i = 0;
  while (i < all->set.count && !vs_transition_same(&all->set.items[i], t)) i++;
  return i;
}

static void hear(const vs_passage* passage, void* context) {
  chaining* c = context;
  vs_transition t;
  if (!vs_history_note(&c->history, passage, &t)) return;
  const size_t number = number_of(c->all, &t);
  if (number == c->all->set.count || !c->left[number]) return;
  c->left[number] = false;
  c->made++;
  c->tried_count = 0;
}

static bool is_wanted(const chaining* c, const vs_op* op, zx_status_t status) {
  const vs_world* world = &c->oracle->worlds[0];
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  if (slot == NULL || vs_ops[op->code].params[0].type != VS_PARAM_HANDLE) return false;
  const vs_transition t = {c->history.last[slot->object], {op->code, status}};
  if (t.before.call == VS_OP_COUNT) return false;
  const size_t number = number_of(c->all, &t);
  return number < c->all->set.count && c->left[number];
}

static bool is_same(const vs_happened* a, const vs_happened* b) {
  return a->call == b->call && a->status == b->status;
}

// True if a transition begins with such a call that is still wanted, and it was not tried for one.
static bool begins_one(const chaining* c, const vs_happened* event) {
  bool begins = false;
  for (size_t i = 0; i < c->tried_count; i++) {
    if (is_same(&c->tried[i], event)) return false;
  }
  for (size_t i = 0; i < c->all->set.count && !begins; i++) {
    begins = c->left[i] && is_same(&c->all->set.items[i].before, event);
  }
  return begins;
}

// Every explanation of what was before allows this one answer alone.
static bool is_sure(const chaining* c, const vs_op* op, const vs_decision* decision) {
  vs_decision allowed;
  if (decision->anything || decision->count != 1) return false;
  if (c->oracle->count == 1) return true;
  vs_oracle_allowed(c->oracle, op, &allowed);
  return !allowed.anything && allowed.count == 1;
}

static void take(chaining* c, const vs_op* op, zx_status_t status) {
  c->op = *op;
  c->status = status;
}

static void meet(const vs_op* op, const vs_facts* facts, unsigned unusual, void* context) {
  chaining* c = context;
  (void)unusual;
  if (c->found) return;
  const vs_decision decision = vs_decide(facts, c->all->profile);
  if (!is_sure(c, op, &decision)) return;
  const vs_happened event = {op->code, decision.allowed[0].status};
  c->found = is_wanted(c, op, event.status);
  if (c->found || (!c->bridge && begins_one(c, &event))) {
    c->bridge = !c->found;
    take(c, op, event.status);
  }
}

// A refused call leaves the slots empty that it was to fill: what they hold, as any explanation has
// it, would be lost.
static bool may_be_open(const chaining* c, uint8_t slot) {
  bool open = false;
  for (size_t i = 0; i < c->oracle->count; i++) {
    open |= c->oracle->worlds[i].slots[slot].state == VS_SLOT_OPEN;
  }
  return open;
}

static bool fills_open(const chaining* c, const vs_op* op) {
  bool open = false;
  for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
    open |= may_be_open(c, vs_op_out(op, i)->slot);
  }
  return open;
}

static void note_filled(chaining* c, const vs_op* op) {
  for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
    c->filled |= (uint16_t)(1u << vs_op_out(op, i)->slot);
  }
}

// By another profile the call may be refused that was to fill a slot: the script goes on without
// it, and without what would be done to it.
static void add(chaining* c, const vs_op* op) {
  vs_op added = *op;
  for (unsigned i = 0; i < VS_ARGS_MAX; i++) {
    const bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    const bool slot = handle && vs_arg_names_slot(&op->args[i]);
    added.optional |= slot && (c->filled >> op->args[i].slot & 1) != 0;
  }
  added.optional |= vs_op_out(op, 0) != NULL;
  note_filled(c, op);
  vs_draft_add(&c->script, &added);
}

static bool step(chaining* c, const vs_op* op, zx_status_t status) {
  if (fills_open(c, op)) return false;
  const vs_listener listener = {hear, c};
  c->oracle->listener = &listener;
  const bool stepped = vs_ideal_step(c->oracle, op, status, &c->handles);
  c->oracle->listener = NULL;
  if (stepped) add(c, op);
  c->calls += stepped;
  return stepped;
}

// The next call that makes one. False: none does from here.
static bool go_on(chaining* c) {
  const vs_tries tries = {
      .oracle = c->oracle, .most = 1, .history = &c->history, .meet = meet, .context = c};
  if (c->oracle->worlds[0].lost || c->calls >= CALLS || c->oracle->count > WORLDS) return false;
  c->found = c->bridge = false;
  for (uint8_t call = 0; call != VS_CALL_COUNT && !c->found; call++) {
    if (vs_ops[call].phase != VS_PHASE_RECORDED) vs_try_each(&tries, call);
  }
  if (c->bridge) {
    if (c->tried_count == BRIDGES) return false;
    c->tried[c->tried_count++] = (vs_happened){c->op.code, c->status};
  }
  return (c->found || c->bridge) && step(c, &c->op, c->status);
}

// The only answer that is allowed.
static zx_status_t answer_of(chaining* c, const vs_op* op) {
  vs_decision allowed;
  vs_oracle_allowed(c->oracle, op, &allowed);
  return allowed.allowed[0].status;
}

// The way that the exploration went to one of them.
static bool go_to_one(chaining* c) {
  vs_op path[PATH];
  for (size_t i = 0; i < c->all->set.count; i++) {
    const vs_walked* behind = &c->all->walked[c->all->behind[i]];
    if (!c->left[i] || behind->situation != c->situation) continue;
    const size_t count = vs_explored_calls(c->all, i, path, PATH);
    for (size_t k = 0; k < count; k++) {
      if (!step(c, &path[k], answer_of(c, &path[k]))) return false;
    }
    return !c->left[i];
  }
  return false;
}

static bool begin(chaining* c) {
  const vs_listener listener = {hear, c};
  const vs_document* situation = &c->all->situations.items[c->situation];
  c->history = vs_history_begin();
  c->made = c->calls = c->tried_count = 0;
  c->filled = 0;
  vs_draft_begin(&c->script, c->all->arch);
  for (size_t i = 0; i < situation->count; i++) {
    vs_draft_add(&c->script, &situation->ops[i]);
    if (situation->ops[i].optional) note_filled(c, &situation->ops[i]);
  }
  const bool good =
      vs_situation_play(situation, c->all->profile, c->oracle, &listener, &c->handles);
  return good;
}

static void go_on_as_far_as_it_goes(chaining* c) {
  while (go_on(c)) {
  }
}

// Everything is closed, and the situation made again.
static bool start_again(chaining* c) {
  const vs_document* situation = &c->all->situations.items[c->situation];
  vs_op close = vs_op_new(VS_CALL_handle_close, c->oracle->arch);
  bool good = !c->oracle->worlds[0].lost;
  for (uint8_t slot = 0; slot < VS_SLOTS && good; slot++) {
    close.args[0] = vs_arg_slot(slot);
    good = !may_be_open(c, slot) || step(c, &close, ZX_OK) || step(c, &close, ZX_ERR_BAD_HANDLE);
  }
  for (size_t i = 0; i < situation->count && good; i++) {
    good = step(c, &situation->ops[i], ZX_OK) || situation->ops[i].optional;
  }
  return good;
}

// Once more from the situation on, as long as that makes further ones.
static void go_round(chaining* c, vs_draft* before) {
  size_t made = 0;
  while (c->calls < CALLS && made < c->made) {
    made = c->made;
    *before = c->script;
    if (!start_again(c) || !go_to_one(c)) break;
    go_on_as_far_as_it_goes(c);
  }
  if (made == c->made) c->script = *before;
}

static bool chain_once(chaining* c, vs_draft* before, vs_packed* packed) {
  if (!begin(c)) return false;
  go_on_as_far_as_it_goes(c);
  if (c->made == 0 && (!begin(c) || !go_to_one(c))) return false;
  go_on_as_far_as_it_goes(c);
  go_round(c, before);
  vs_draft_end(&c->script);
  *packed = (vs_packed){.situation = c->all->situations.items[c->situation].title,
                        .ops = c->script.ops,
                        .count = c->script.count,
                        .items = c->made};
  return true;
}

bool vs_chain(const vs_explored* all, const bool* wanted,
              void (*tell)(const vs_packed* packed, void* context), void* context) {
  chaining* c = calloc(1, sizeof *c);
  if (c == NULL) return false;
  c->all = all;
  c->left = calloc(all->set.count > 0 ? all->set.count : 1, sizeof *c->left);
  c->oracle = malloc(sizeof *c->oracle);
  vs_draft* before = malloc(sizeof *before);
  const bool good = c->left != NULL && c->oracle != NULL && before != NULL;
  if (good) memcpy(c->left, wanted, all->set.count * sizeof *c->left);
  for (size_t i = 0; i < all->situations.count && good; i++) {
    vs_packed packed;
    c->situation = (uint8_t)i;
    while (chain_once(c, before, &packed)) tell(&packed, context);
  }
  free(before);
  free(c->left);
  free(c->oracle);
  free(c);
  return good;
}

void vs_chain_one(const vs_explored* all, size_t transition, vs_draft* script) {
  vs_op path[PATH];
  const vs_walked* behind = &all->walked[all->behind[transition]];
  const vs_document* situation = &all->situations.items[behind->situation];
  const size_t count = vs_explored_calls(all, transition, path, PATH);
  vs_draft_begin(script, all->arch);
  for (size_t i = 0; i < situation->count; i++) vs_draft_add(script, &situation->ops[i]);
  for (size_t i = 0; i < count; i++) vs_draft_add(script, &path[i]);
  vs_draft_end(script);
}
