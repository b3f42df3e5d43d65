// SPDX-License-Identifier: BSD-3-Clause
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "ideal.h"
#include "tries.h"

// What is known where a walk stands.
typedef struct place {
  vs_world* worlds;  // owned, until the walk has gone on from here
  uint8_t count;
  uint32_t handles;
  vs_history history;
} place;

typedef struct exploring {
  vs_explored* all;
  vs_oracle* oracle;
  place* places;  // of each that was walked to
  size_t at;      // where the walk goes on from
  vs_history history;
  bool is_new;                  // the step that is tried makes a transition that was not known
  bool created[VS_CALL_COUNT];  // from the situation
  bool failed;                  // no memory
} exploring;

// --- what is told of a step ---------------------------------------------------------------------

static void hear(const vs_passage* passage, void* context) {
  exploring* x = context;
  vs_explored* all = x->all;
  vs_transition found;
  if (!vs_history_note(&x->history, passage, &found)) return;
  const size_t before = all->set.count;
  if (!vs_transitions_add(&all->set, &found)) return;
  size_t* behind = realloc(all->behind, all->set.count * sizeof *behind);
  x->failed |= behind == NULL;
  if (behind == NULL) return;
  all->behind = behind;
  all->behind[before] = all->walked_count;
  x->is_new = true;
}

// --- places -------------------------------------------------------------------------------------

static void keep_place(exploring* x, const vs_walked* walked, uint32_t handles) {
  vs_explored* all = x->all;
  if (all->walked_count == all->walked_room) {
    const size_t room = all->walked_room > 0 ? 2 * all->walked_room : 256;
    vs_walked* more = realloc(all->walked, room * sizeof *more);
    if (more != NULL) all->walked = more;
    place* places = realloc(x->places, room * sizeof *places);
    if (places != NULL) x->places = places;
    x->failed |= more == NULL || places == NULL;
    if (x->failed) return;
    all->walked_room = room;
  }
  const size_t size = x->oracle->count * sizeof(vs_world);
  place* here = &x->places[all->walked_count];
  *here = (place){malloc(size), x->oracle->count, handles, x->history};
  x->failed |= here->worlds == NULL;
  if (x->failed) return;
  memcpy(here->worlds, x->oracle->worlds, size);
  all->walked[all->walked_count++] = *walked;
}

static void go_to(exploring* x, const place* here) {
  memcpy(x->oracle->worlds, here->worlds, here->count * sizeof *here->worlds);
  x->oracle->count = here->count;
  x->oracle->overflow = x->oracle->unpredicted = false;
  x->history = here->history;
}

// --- steps --------------------------------------------------------------------------------------

static bool is_promising(const exploring* x, const vs_op* op, zx_status_t status) {
  const vs_world* world = &x->oracle->worlds[0];
  const vs_slot* slot = vs_world_resolve(world, vs_world_value(world, &op->args[0]));
  const bool creates = vs_op_makes_object(op->code) && status == ZX_OK;
  if (creates && !x->created[op->code]) return true;
  if (slot == NULL || vs_ops[op->code].params[0].type != VS_PARAM_HANDLE) return false;
  const vs_transition t = {x->history.last[slot->object], {op->code, status}};
  return t.before.call != VS_OP_COUNT && !vs_transitions_has(&x->all->set, &t);
}

static void try_step(exploring* x, const vs_op* op, zx_status_t status) {
  const place* here = &x->places[x->at];
  const vs_listener listener = {hear, x};
  uint32_t handles = here->handles;
  const bool creates = vs_op_makes_object(op->code) && status == ZX_OK && !x->created[op->code];
  x->is_new = false;
  x->oracle->listener = &listener;
  const bool stepped = vs_ideal_step(x->oracle, op, status, &handles);
  x->oracle->listener = NULL;
  if (stepped && (x->is_new || creates)) {
    x->created[op->code] |= creates;
    keep_place(x, &(vs_walked){x->at, x->all->walked[x->at].situation, *op}, handles);
  }
  go_to(x, &x->places[x->at]);
}

static void meet(const vs_op* op, const vs_facts* facts, unsigned unusual, void* context) {
  exploring* x = context;
  (void)unusual;
  if (x->failed) return;
  const vs_decision decision = vs_decide(facts, x->all->profile);
  if (decision.anything || decision.count != 1) return;
  const zx_status_t status = decision.allowed[0].status;
  if (is_promising(x, op, status)) try_step(x, op, status);
}

static void go_on(exploring* x) {
  const vs_history history = x->places[x->at].history;
  const vs_tries tries = {
      .oracle = x->oracle, .most = 1, .history = &history, .meet = meet, .context = x};
  go_to(x, &x->places[x->at]);
  for (uint8_t call = 0; call != VS_CALL_COUNT && !x->failed; call++) {
    if (vs_ops[call].phase != VS_PHASE_RECORDED) vs_try_each(&tries, call);
  }
  free(x->places[x->at].worlds);
  x->places[x->at].worlds = NULL;
}

static void explore_situation(exploring* x, uint8_t number) {
  const vs_listener listener = {hear, x};
  uint32_t handles;
  x->history = vs_history_begin();
  memset(x->created, 0, sizeof x->created);
  const vs_document* situation = &x->all->situations.items[number];
  if (!vs_situation_play(situation, x->all->profile, x->oracle, &listener, &handles)) return;
  keep_place(x, &(vs_walked){.from = SIZE_MAX, .situation = number}, handles);
  for (; x->at < x->all->walked_count && !x->failed; x->at++) go_on(x);
}

// --- all of it ----------------------------------------------------------------------------------

static bool explore(vs_explored* all) {
  exploring* x = calloc(1, sizeof *x);
  if (x == NULL) return false;
  x->all = all;
  x->oracle = malloc(sizeof *x->oracle);
  x->failed = x->oracle == NULL;
  for (size_t i = 0; i < all->situations.count && !x->failed; i++) {
    explore_situation(x, (uint8_t)i);
  }
  for (; x->places != NULL && x->at < all->walked_count; x->at++) free(x->places[x->at].worlds);
  const bool good = !x->failed;
  free(x->places);
  free(x->oracle);
  free(x);
  return good;
}

static bool name_all(vs_explored* all) {
  all->names = calloc(all->set.count > 0 ? all->set.count : 1, sizeof *all->names);
  bool good = all->names != NULL;
  for (size_t i = 0; i < all->set.count && good; i++) {
    char words[VS_TRANSITION_WORDS];
    vs_transition_say(&all->set.items[i], words);
    all->names[i] = strdup(words);
    good = all->names[i] != NULL;
  }
  return good;
}

vs_explored* vs_explored_new(const vs_profile* profile, vs_arch arch) {
  vs_explored* all = calloc(1, sizeof *all);
  if (all == NULL) return NULL;
  all->profile = profile;
  all->arch = arch;
  if (vs_situations_read(&all->situations, arch) && explore(all) && name_all(all)) return all;
  vs_explored_free(all);
  return NULL;
}

void vs_explored_free(vs_explored* all) {
  if (all == NULL) return;
  for (size_t i = 0; all->names != NULL && i < all->set.count; i++) free(all->names[i]);
  free(all->names);
  vs_situations_free(&all->situations);
  vs_transitions_free(&all->set);
  free(all->behind);
  free(all->walked);
  free(all);
}

size_t vs_explored_calls(const vs_explored* all, size_t transition, vs_op* ops, size_t room) {
  size_t count = 0;
  size_t at = all->behind[transition];
  for (size_t i = at; all->walked[i].from != SIZE_MAX; i = all->walked[i].from) count++;
  if (count > room) return 0;
  for (size_t i = count; i > 0; i--) {
    ops[i - 1] = all->walked[at].op;
    at = all->walked[at].from;
  }
  return count;
}
