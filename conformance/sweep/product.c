// SPDX-License-Identifier: BSD-3-Clause
#include "product.h"

#include <stdlib.h>
#include <string.h>

#include "foresee.h"
#include "process/child.h"
#include "scene.h"

enum { DISTINCT = 1024, BYTES = sizeof(vs_facts) };

// Distinct facts of one half of a combination, and how often each came up.
typedef struct half {
  size_t count;
  uint8_t facts[DISTINCT][BYTES];
  vs_combination example[DISTINCT];
} half;

typedef struct counting {
  const vs_space* space;
  const vs_profile* profile;
  const vs_profile* page;
  half stages;
  half calls;
  uint16_t* stage_ids;  // of each stage
  uint16_t* call_ids;   // of each call
  size_t stage_count;
  size_t call_count;
  uint64_t* seen;  // [stage id * calls.count + call id]: combinations
  vs_product* out;
} counting;

// What the product is of: stages by values of rank 3, calls by those of rank 4.
static bool is_in(const vs_space* space, const vs_combination* c, unsigned factor) {
  uint8_t rank = factor < VS_STAGE_FACTORS ? VS_RANK_OF_SETS : VS_RANK_OF_PRODUCT;
  return c->value[factor] == 0 || vs_space_value(space, c, factor)->rank >= rank;
}

static uint16_t intern(half* h, const vs_facts* facts, const vs_combination* c) {
  uint8_t bytes[BYTES];
  memcpy(bytes, facts, BYTES);
  size_t i = 0;
  while (i < h->count && memcmp(h->facts[i], bytes, BYTES) != 0) i++;
  if (i == h->count && h->count < DISTINCT) {
    memcpy(h->facts[i], bytes, BYTES);
    h->example[i] = *c;
    h->count++;
  }
  return (uint16_t)i;
}

// --- the two halves -----------------------------------------------------------------------------

static bool next_value(const vs_space* space, vs_combination* c, unsigned from, unsigned to) {
  for (unsigned f = to; f-- > from;) {
    while (++c->value[f] < space->counts[c->io][f]) {
      if (is_in(space, c, f)) return true;
    }
    c->value[f] = 0;
  }
  return false;
}

// What the handle, its object and the thread say, beside a valid call.
static bool list_stages(counting* p, vs_oracle* oracle, vs_scene* scene) {
  vs_combination c = {0};
  size_t room = 1;
  for (unsigned f = 0; f < VS_STAGE_FACTORS; f++) room *= p->space->counts[0][f];
  p->stage_ids = malloc(room * sizeof *p->stage_ids);
  if (p->stage_ids == NULL) return false;
  do {
    if (!vs_scene_is_possible(p->space, &c)) continue;
    vs_op op = {0};
    vs_scene_make(p->space, &c, true, scene);
    vs_oracle_init(oracle, vs_profile_find("documented"), vs_arch_find(p->space->arch));
    if (!vs_foresee_ops(scene->ops, scene->count, oracle)) continue;
    vs_compose_call(p->space, scene, &c, 0, &op);
    vs_facts facts = vs_facts_of(&oracle->worlds[0], &op, oracle->arch);
    p->stage_ids[p->stage_count++] = intern(&p->stages, &facts, &c);
  } while (next_value(p->space, &c, 0, VS_STAGE_FACTORS));
  return true;
}

static size_t room_for_calls(const vs_space* space) {
  size_t room = 0;
  for (unsigned io = 0; io < 2; io++) {
    size_t product = 1;
    for (unsigned f = VS_STAGE_FACTORS; f < VS_FACTOR_COUNT; f++) {
      size_t count = 0;
      for (uint16_t v = 0; v < space->counts[io][f]; v++) {
        count += v == 0 || space->values[io][f][v].rank >= 4;
      }
      product *= count;
    }
    room += product;
  }
  return room;
}

// What the call's own arguments say, about a world without handles.
static bool list_calls(counting* p) {
  const vs_arch_info* arch = vs_arch_find(p->space->arch);
  const vs_scene scene = {.handle = {.form = VS_HANDLE_RAW}};
  vs_world* world = calloc(1, sizeof *world);
  p->call_ids = malloc(room_for_calls(p->space) * sizeof *p->call_ids);
  if (world == NULL || p->call_ids == NULL) {
    free(world);
    return false;
  }
  for (uint8_t io = 0; io < 2; io++) {
    vs_combination c = {.io = io};
    do {
      vs_op op = {0};
      vs_compose_call(p->space, &scene, &c, 0, &op);
      vs_facts facts = vs_facts_of(world, &op, arch);
      p->call_ids[p->call_count++] = intern(&p->calls, &facts, &c);
    } while (next_value(p->space, &c, VS_STAGE_FACTORS, VS_FACTOR_COUNT));
  }
  free(world);
  return true;
}

// --- decisions ----------------------------------------------------------------------------------

// A fact is true of the whole if it is of either half.
static vs_facts facts_of_pair(const counting* p, size_t stage, size_t call) {
  uint8_t bytes[BYTES];
  vs_facts facts;
  // The stage was looked at beside a valid write of ZX_VCPU_STATE: what that says is not its own.
  for (size_t i = 0; i < BYTES; i++) {
    bool of_call = p->calls.facts[0][i];
    bytes[i] =
        of_call ? p->calls.facts[call][i] : p->stages.facts[stage][i] | p->calls.facts[call][i];
  }
  memcpy(&facts, bytes, BYTES);
  return facts;
}

static bool is_documented(zx_status_t status) {
  if (status == ZX_OK) return true;
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    bool page = strcmp(vs_clauses[i].section, "page.errors") == 0;
    if (page && vs_clauses[i].status == status) return true;
  }
  return false;
}

static void count_status(vs_product* out, zx_status_t status, uint64_t count) {
  size_t i = 0;
  while (i < out->status_count && out->statuses[i].status != status) i++;
  if (i == VS_PRODUCT_STATUSES) return;
  if (i == out->status_count) out->statuses[out->status_count++] = (vs_product_count){status, 0};
  out->statuses[i].count += count;
}

static void note_outside(const counting* p, size_t stage, size_t call, zx_status_t status,
                         uint64_t count) {
  vs_product* out = p->out;
  if (out->outside == 0) {
    out->worst = p->calls.example[call];
    for (unsigned f = 0; f < VS_STAGE_FACTORS; f++) {
      out->worst.value[f] = p->stages.example[stage].value[f];
    }
    out->got = status;
  }
  out->outside += count;
}

// The defect of the profile that is known to show in such a call; VS_DEFECT_COUNT: none.
static vs_defect_code named_defect(const counting* p, const vs_facts* facts) {
  vs_defect_set set = vs_defects_of(facts);
  vs_defect_code code = 0;
  for (; code < VS_DEFECT_COUNT; code++) {
    const vs_defect* defect = &vs_defects[code];
    bool answer = defect->aspect == VS_ASPECT_ANSWER && (set & VS_BIT(code)) != 0;
    if (answer && vs_defect_is_of(defect, p->profile->id)) break;
  }
  return code;
}

static void decide_pair(const counting* p, size_t stage, size_t call, uint64_t count) {
  vs_product* out = p->out;
  vs_facts facts = facts_of_pair(p, stage, call);
  vs_decision ours = vs_decide(&facts, p->profile);
  vs_decision page = vs_decide(&facts, p->page);
  out->distinct++;
  vs_defect_code defect = named_defect(p, &facts);
  if (ours.count == 0 && !ours.anything) out->empty += count;
  if (ours.count > 1) out->several += count;
  if (ours.anything) {
    out->anything += count;
    if (defect < VS_DEFECT_COUNT) out->defects[defect] += count;
    if (defect == VS_DEFECT_COUNT) note_outside(p, stage, call, ZX_OK, count);
  }
  for (size_t i = 0; i < ours.count; i++) {
    zx_status_t status = ours.allowed[i].status;
    bool inside = is_documented(status) && vs_decision_find(&page, status) != NULL;
    count_status(out, status, count);
    if (inside) continue;
    if (defect < VS_DEFECT_COUNT) {
      out->defects[defect] += count;
    } else {
      note_outside(p, stage, call, status, count);
    }
  }
}

// --- all of it --------------------------------------------------------------------------------

// One look-up a combination.
static void count_pairs(const counting* p, uint64_t part, uint64_t parts) {
  size_t from = p->stage_count * (part - 1) / parts;
  size_t to = p->stage_count * part / parts;
  for (size_t s = from; s < to; s++) {
    uint64_t* row = p->seen + p->stage_ids[s] * p->calls.count;
    for (size_t c = 0; c < p->call_count; c++) row[p->call_ids[c]]++;
  }
  p->out->stages = to - from;
  p->out->calls = p->call_count;
  p->out->combinations = (uint64_t)(to - from) * p->call_count;
}

static void decide_pairs(const counting* p) {
  for (size_t s = 0; s < p->stages.count; s++) {
    for (size_t c = 0; c < p->calls.count; c++) {
      uint64_t count = p->seen[s * p->calls.count + c];
      if (count > 0) decide_pair(p, s, c, count);
    }
  }
}

static bool list_halves(counting* p) {
  vs_oracle* oracle = calloc(1, sizeof *oracle);
  vs_scene* scene = calloc(1, sizeof *scene);
  bool listed = oracle != NULL && scene != NULL && list_stages(p, oracle, scene) && list_calls(p);
  free(oracle);
  free(scene);
  return listed;
}

static bool count_all(counting* p, uint64_t part, uint64_t parts) {
  if (!list_halves(p)) return false;
  p->seen = calloc(p->stages.count * p->calls.count, sizeof *p->seen);
  if (p->seen == NULL) return false;
  count_pairs(p, part, parts);
  decide_pairs(p);
  return true;
}

static void free_counting(counting* p) {
  if (p == NULL) return;
  free(p->stage_ids);
  free(p->call_ids);
  free(p->seen);
  free(p);
}

bool vs_product_count_all(const vs_profile* profile, vs_arch arch, uint64_t part, uint64_t parts,
                          vs_product* product) {
  double began = vs_now();
  memset(product, 0, sizeof *product);
  vs_space* space = vs_space_new(arch, 1, vs_scene_is_possible);
  counting* p = calloc(1, sizeof *p);
  bool counted = false;
  if (space != NULL && p != NULL) {
    p->space = space;
    p->profile = profile;
    p->page = vs_profile_find("documented");
    p->out = product;
    counted = count_all(p, part, parts);
  }
  free_counting(p);
  vs_space_free(space);
  product->seconds = vs_now() - began;
  return counted;
}

bool vs_product_each(vs_arch arch, void (*tell)(const vs_facts* facts, void* context),
                     void* context) {
  vs_space* space = vs_space_new(arch, 1, vs_scene_is_possible);
  counting* p = calloc(1, sizeof *p);
  bool listed = false;
  if (space != NULL && p != NULL) {
    p->space = space;
    listed = list_halves(p);
    for (size_t pair = 0; listed && pair < p->stages.count * p->calls.count; pair++) {
      const vs_facts facts = facts_of_pair(p, pair / p->calls.count, pair % p->calls.count);
      tell(&facts, context);
    }
  }
  free_counting(p);
  vs_space_free(space);
  return listed;
}
