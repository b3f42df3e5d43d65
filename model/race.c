// SPDX-License-Identifier: BSD-3-Clause
// Calls that run beside others. Each takes effect at one moment between its start and its JOIN;
// which, is not known: a world for each order that the answers do not contradict.
#include <string.h>

#include "step.h"

vs_world* vs_spare_world(vs_oracle* oracle) {
  return oracle->count < VS_WORLDS_MAX ? &oracle->worlds[oracle->count] : NULL;
}

// True if another world from index `from` on is the same.
static bool is_known(const vs_oracle* oracle, const vs_world* world, uint8_t from) {
  for (uint8_t i = from; i < oracle->count; i++) {
    const vs_world* each = &oracle->worlds[i];
    // Padding that differs keeps two alike apart: that costs room, and no truth.
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (each != world && memcmp(each, world, sizeof *world) == 0) return true;
  }
  return false;
}

// Drops each world from index `first` on that is the same as another from `among` on.
static void drop_known(vs_oracle* oracle, uint8_t first, uint8_t among) {
  for (uint8_t i = first; i < oracle->count;) {
    if (is_known(oracle, &oracle->worlds[i], among)) {
      oracle->worlds[i] = oracle->worlds[oracle->count - 1];
      oracle->count--;
    } else {
      i++;
    }
  }
}

void vs_race_merge(vs_oracle* oracle) {
  if (oracle->raced) drop_known(oracle, 0, 0);
}

// The world `from`, in which the thread's call takes effect now, joins the set if it explains the
// call's answer. `why`, unless NULL, is filled if it does not.
static bool take_effect(vs_oracle* oracle, uint8_t from, uint8_t thread) {
  const vs_race* race = &oracle->races[thread];
  uint8_t first = oracle->count;
  vs_world* world = vs_spare_world(oracle);
  if (world == NULL) return false;
  *world = oracle->worlds[from];
  world->racing[thread] = VS_RACING_AFTER;
  oracle->count++;
  vs_step_context c = {.oracle = oracle, .world = world, .op = &race->op, .seen = &race->answer};
  vs_step step = vs_step_world(&c);
  // Worlds that the step made stand behind `world`, and exist only if it explains the answer.
  if (step != VS_STEP_ALLOWED) oracle->count = first;
  for (uint8_t i = first; i < oracle->count; i++) {
    oracle->worlds[i].race_attests[thread] = c.attests;
  }
  drop_known(oracle, first, 0);
  return true;
}

bool vs_race_settle(vs_oracle* oracle) {
  if (!oracle->raced) return true;
  for (uint8_t i = 0; i < oracle->count; i++) {
    for (unsigned thread = 1; thread < VS_THREADS; thread++) {
      if (oracle->worlds[i].racing[thread] != VS_RACING_BEFORE) continue;
      if (!take_effect(oracle, i, (uint8_t)thread)) return false;
    }
  }
  return true;
}

vs_step vs_race_join(vs_step_context* c) {
  uint8_t thread = c->op->thread;
  uint8_t* state = &c->world->racing[thread];
  if (*state == VS_RACING_AFTER) {
    *state = VS_RACING_NONE;
    c->attests |= c->world->race_attests[thread];
    c->world->race_attests[thread] = 0;
    return VS_STEP_ALLOWED;
  }
  // No order explains the answer, as far as this world goes: what the last possible one says.
  const vs_race* race = &c->oracle->races[thread];
  vs_world last = *c->world;
  uint8_t count = c->oracle->count;
  vs_step_context late = {
      .oracle = c->oracle, .world = &last, .op = &race->op, .seen = &race->answer};
  vs_step step = vs_step_world(&late);
  c->oracle->count = count;
  c->why = late.why;
  return step == VS_STEP_BROKEN ? VS_STEP_BROKEN : VS_STEP_VIOLATION;
}

// --- a buffer that changes during the call ------------------------------------------------------

// The buffer of a write as one pass over it may find it, number `which`: the bytes that change are
// all old, or new up to some byte, or new from some byte on.
static bool snapshot(const vs_op* op, unsigned which, vs_op* found) {
  const vs_rewrite* rewrite = &op->rewrite;
  unsigned length = rewrite->length;
  if (length > sizeof rewrite->bytes || rewrite->offset + length > VS_STATE_MAX) return false;
  if (which >= 2 * length + (length == 0)) return false;
  unsigned first = which <= length ? 0 : which - length;
  unsigned end = which <= length ? which : length;
  *found = *op;
  for (unsigned i = first; i < end; i++) {
    found->buffer.bytes[rewrite->offset + i] = rewrite->bytes[i];
  }
  return true;
}

// What an accepted write has touched, it touched with what it found of a changing buffer.
static void mark_raced(vs_world* world, const vs_rewrite* rewrite) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    vs_vcpu* vcpu = &world->vcpus[i];
    bool written = vcpu->touch == VS_TOUCH_STATE || vcpu->touch == VS_TOUCH_IO;
    if (written) vcpu->raced = *rewrite;
  }
}

// One snapshot's explanation, in a world of its own; worlds of others stand from index `among` on.
static bool explain_by(vs_step_context* c, const vs_world* before, const vs_op* found,
                       uint8_t among) {
  vs_oracle* oracle = c->oracle;
  vs_violation* why = &c->why;
  uint8_t first = oracle->count;
  vs_world* world = vs_spare_world(oracle);
  if (world == NULL) return false;
  *world = *before;
  oracle->count++;
  vs_step_context one = {.oracle = oracle, .world = world, .op = found, .seen = c->seen};
  vs_step step = vs_step_write(&one);
  if (step != VS_STEP_ALLOWED) {
    if (why->decision.count == 0) *why = one.why;
    oracle->count = first;
    return step == VS_STEP_VIOLATION;
  }
  for (uint8_t i = first; i < oracle->count; i++) mark_raced(&oracle->worlds[i], &found->rewrite);
  drop_known(oracle, first, among);
  c->attests |= one.attests | VS_BIT(VS_CLAUSE_ONE_SNAPSHOT);
  return true;
}

vs_step vs_race_write(vs_step_context* c) {
  vs_oracle* oracle = c->oracle;
  uint8_t first = oracle->count;
  vs_world before = *c->world;
  oracle->raced = true;
  vs_op found;
  for (unsigned which = 0; snapshot(c->op, which, &found); which++) {
    if (!explain_by(c, &before, &found, first)) return VS_STEP_BROKEN;
  }
  if (oracle->count == first) {
    c->why.clause = VS_CLAUSE_ONE_SNAPSHOT;
    return VS_STEP_VIOLATION;
  }
  // The last of them takes the place of the world that they come from.
  *c->world = oracle->worlds[oracle->count - 1];
  oracle->count--;
  return VS_STEP_ALLOWED;
}

bool vs_race_is_stale(const vs_step_context* c) {
  const vs_handle_ref* ref = &c->op->handle;
  return c->oracle->raced && ref->form == VS_HANDLE_SLOT &&
         c->world->slots[ref->slot].state == VS_SLOT_CLOSED;
}

vs_step vs_oracle_start(vs_oracle* oracle, const vs_op* op, const vs_observation* answer) {
  if (oracle->count == 0 || !vs_op_is_valid(op) || !op->async || op->code == VS_OP_ENTER) {
    return VS_STEP_BROKEN;
  }
  const vs_world* any = &oracle->worlds[0];
  if (any->racing[op->thread] != VS_RACING_NONE || any->async_vcpu[op->thread] != 0) {
    return VS_STEP_BROKEN;
  }
  oracle->raced = true;
  oracle->races[op->thread] = (vs_race){*op, *answer};
  for (uint8_t i = 0; i < oracle->count; i++) {
    oracle->worlds[i].racing[op->thread] = VS_RACING_BEFORE;
  }
  return VS_STEP_ALLOWED;
}
