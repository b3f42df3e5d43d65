// SPDX-License-Identifier: BSD-3-Clause
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "ideal.h"

enum { LOOK_EVERY = 8, CALLS = 200 };  // calls of a script, at most

// An implementation that accepts what it may, or refuses it.
typedef struct walker {
  vs_oracle* oracle;
  uint32_t handles;
  bool refuses;
} walker;

typedef struct packing {
  const vs_reachable* all;
  bool* left;  // of each point: still wanted
  uint8_t situation;
  walker walkers[2];
  vs_draft script;
  size_t points;
} packing;

// --- one call -----------------------------------------------------------------------------------

static zx_status_t answer_of(const walker* w, const vs_decision* allowed) {
  zx_status_t status = allowed->allowed[0].status;
  for (uint8_t i = 1; i < allowed->count; i++) {
    const zx_status_t other = allowed->allowed[i].status;
    if (w->refuses ? status == ZX_OK : other == ZX_OK) status = other;
  }
  return status;
}

static bool is_at(const walker* w, const vs_reached_by* by, const vs_profile* profile) {
  const vs_facts facts = vs_facts_of(&w->oracle->worlds[0], &by->op, w->oracle->arch);
  const vs_point point = vs_point_of(&facts, profile);
  return vs_point_same(&point, &by->point);
}

static bool is_clear(const walker* w) {
  return w->oracle->count == 1 && !w->oracle->worlds[0].lost;
}

// Calls pass through the same points, and the walk goes on.
static bool step(packing* p, const vs_reached_by* by) {
  for (size_t i = 0; i < 2; i++) {
    if (!is_at(&p->walkers[i], by, p->all->profile)) return false;
  }
  for (size_t i = 0; i < 2; i++) {
    walker* w = &p->walkers[i];
    const zx_status_t status = answer_of(w, &by->allowed);
    if (!vs_ideal_step(w->oracle, &by->op, status, &w->handles)) return false;
  }
  return true;
}

// --- one script ---------------------------------------------------------------------------------

static bool begin(packing* p) {
  const vs_document* situation = &p->all->situations.items[p->situation];
  vs_draft_begin(&p->script, p->all->arch);
  p->points = 0;
  for (size_t i = 0; i < situation->count; i++) vs_draft_add(&p->script, &situation->ops[i]);
  bool good = true;
  for (size_t i = 0; i < 2 && good; i++) {
    walker* w = &p->walkers[i];
    good = vs_situation_play(situation, p->all->profile, w->oracle, NULL, &w->handles);
  }
  return good;
}

static void fill(packing* p) {
  for (size_t i = 0; i < p->all->count && p->points < CALLS; i++) {
    const vs_reached_by* by = &p->all->points[i];
    if (!p->left[i] || by->situation != p->situation) continue;
    if (!is_clear(&p->walkers[0]) || !is_clear(&p->walkers[1])) return;
    if (!step(p, by)) continue;
    vs_draft_add(&p->script, &by->op);
    p->left[i] = false;
    p->points++;
    if (p->points % LOOK_EVERY == 0) vs_draft_look(&p->script);
  }
}

static bool pack_one(packing* p, vs_packed* packed) {
  if (!begin(p)) return false;
  fill(p);
  if (p->points == 0) return false;
  vs_draft_end(&p->script);
  *packed = (vs_packed){.situation = p->all->situations.items[p->situation].title,
                        .ops = p->script.ops,
                        .count = p->script.count,
                        .items = p->points};
  return true;
}

// --- all of them --------------------------------------------------------------------------------

static bool make_ready(packing* p, const bool* wanted) {
  p->left = calloc(p->all->count > 0 ? p->all->count : 1, sizeof *p->left);
  for (size_t i = 0; i < 2; i++) {
    p->walkers[i].oracle = malloc(sizeof *p->walkers[i].oracle);
    p->walkers[i].refuses = i == 1;
  }
  if (p->left == NULL || p->walkers[0].oracle == NULL || p->walkers[1].oracle == NULL) return false;
  memcpy(p->left, wanted, p->all->count * sizeof *p->left);
  return true;
}

bool vs_pack(const vs_reachable* all, const bool* wanted,
             void (*tell)(const vs_packed* packed, void* context), void* context) {
  packing* p = calloc(1, sizeof *p);
  if (p == NULL) return false;
  p->all = all;
  const bool good = make_ready(p, wanted);
  for (size_t i = 0; i < all->situations.count && good; i++) {
    vs_packed packed;
    p->situation = (uint8_t)i;
    while (pack_one(p, &packed)) tell(&packed, context);
  }
  free(p->left);
  free(p->walkers[0].oracle);
  free(p->walkers[1].oracle);
  free(p);
  return good;
}
