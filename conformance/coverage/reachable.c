// SPDX-License-Identifier: BSD-3-Clause
#include "reachable.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "ideal.h"
#include "tries.h"
#include "words.h"

// --- tables of hashes ---------------------------------------------------------------------------

static uint64_t hash_words(const uint64_t* words, size_t count) {
  uint64_t sum = VS_DIGEST64;
  for (size_t i = 0; i < count; i++) {
    sum = (sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
    sum ^= sum >> 29;
  }
  return sum;
}

static uint64_t hash_point(const vs_point* p) {
  const uint64_t words[] = {
      p->call,
      p->named,
      (uint64_t)p->certain,
      (uint64_t)(p->certain >> 64),
      (uint64_t)p->unsure,
      (uint64_t)(p->unsure >> 64),
  };
  return hash_words(words, sizeof words / sizeof words[0]);
}

static uint64_t hash_facts(const vs_facts* facts) {
  uint64_t words[(sizeof *facts + 7) / 8] = {0};
  memcpy(words, facts, sizeof *facts);
  return hash_words(words, sizeof words / sizeof words[0]);
}

// The place of what `is_it` finds, or a free one, which holds 0; what stands there is 1 + a number.
static uint32_t* place_of(uint32_t* slots, size_t slot_count, uint64_t at,
                          bool (*is_it)(size_t number, const void* context), const void* context) {
  size_t i = at % slot_count;
  while (slots[i] != 0 && !is_it(slots[i] - 1, context)) i = (i + 1) % slot_count;
  return &slots[i];
}

// --- the search ---------------------------------------------------------------------------------

enum { FACTS = 1 << 14, SLOTS = 2 * FACTS };  // different ones of a situation, at most

typedef struct met {
  vs_facts facts;
  size_t point;  // number; SIZE_MAX: none
} met;

typedef struct search {
  vs_reachable* all;
  size_t capacity;
  uint8_t situation;
  vs_oracle* oracle;  // at the situation
  vs_world* start;    // its worlds
  uint8_t start_count;
  uint32_t handles;
  vs_passage passage;  // the last that was told
  bool told;
  size_t met_count;  // of the situation
  met* met;
  uint32_t* slots;  // of `met`
  bool failed;      // no memory, or no room
} search;

static void hear(const vs_passage* passage, void* context) {
  search* s = context;
  s->passage = *passage;
  s->told = passage->sort == VS_PASSED;
}

static void go_back(search* s) {
  memcpy(s->oracle->worlds, s->start, s->start_count * sizeof *s->start);
  s->oracle->count = s->start_count;
  s->oracle->overflow = s->oracle->unpredicted = false;
}

// Whether judging such a call tells of the point, by each of its answers.
static bool passes_through(search* s, const vs_op* op, const vs_decision* allowed,
                           const vs_point* point) {
  const vs_listener listener = {hear, s};
  bool passes = false;
  s->oracle->listener = &listener;
  for (uint8_t i = 0; i < allowed->count && !passes; i++) {
    uint32_t handles = s->handles;
    s->told = false;
    const bool stepped = vs_ideal_step(s->oracle, op, allowed->allowed[i].status, &handles);
    passes = stepped && s->told && vs_point_same(&s->passage.point, point);
    go_back(s);
  }
  s->oracle->listener = NULL;
  return passes;
}

static bool is_point(size_t number, const void* context) {
  const void* const* of = context;
  const vs_reachable* all = of[0];
  return vs_point_same(&all->points[number].point, of[1]);
}

size_t vs_reachable_find(const vs_reachable* all, const vs_point* point) {
  const void* const of[] = {all, point};
  const uint32_t* place = place_of(all->slots, all->slot_count, hash_point(point), is_point, of);
  return *place != 0 ? *place - 1 : SIZE_MAX;
}

static void add_point(search* s, const vs_reached_by* reached) {
  vs_reachable* all = s->all;
  if (all->count == s->capacity) {
    s->capacity = s->capacity > 0 ? 2 * s->capacity : 256;
    vs_reached_by* more = realloc(all->points, s->capacity * sizeof *more);
    if (more != NULL) all->points = more;
    s->failed |= more == NULL || 2 * s->capacity > all->slot_count;
    if (s->failed) return;
  }
  const void* const of[] = {all, &reached->point};
  *place_of(all->slots, all->slot_count, hash_point(&reached->point), is_point, of) =
      (uint32_t)(1 + all->count);
  all->points[all->count++] = *reached;
}

// The number of the point that such a call passes through.
static size_t find_point(search* s, const vs_op* op, const vs_facts* facts, unsigned unusual) {
  const vs_profile* profile = s->all->profile;
  vs_reached_by reached = {.point = vs_point_of(facts, profile),
                           .allowed = vs_decide(facts, profile),
                           .situation = s->situation,
                           .unusual = unusual,
                           .op = *op};
  const size_t known = vs_reachable_find(s->all, &reached.point);
  if (known != SIZE_MAX) return known;
  if (reached.allowed.anything) return SIZE_MAX;
  if (!passes_through(s, op, &reached.allowed, &reached.point)) return SIZE_MAX;
  add_point(s, &reached);
  return s->failed ? SIZE_MAX : s->all->count - 1;
}

static bool is_met(size_t number, const void* context) {
  const void* const* of = context;
  const search* s = of[0];
  return memcmp(&s->met[number].facts, of[1], sizeof(vs_facts)) == 0;
}

// Of calls that pass through the same point, the one is kept that is most like a valid one.
static void prefer(search* s, size_t point, const vs_op* op, unsigned unusual) {
  if (point == SIZE_MAX) return;
  vs_reached_by* known = &s->all->points[point];
  if (unusual >= known->unusual) return;
  known->unusual = unusual;
  known->op = *op;
  known->situation = s->situation;
}

static void meet(const vs_op* op, const vs_facts* facts, unsigned unusual, void* context) {
  search* s = context;
  if (s->failed) return;
  s->all->tried++;
  const void* const of[] = {s, facts};
  uint32_t* place = place_of(s->slots, SLOTS, hash_facts(facts), is_met, of);
  if (*place != 0) return prefer(s, s->met[*place - 1].point, op, unusual);
  s->failed |= s->met_count == FACTS;
  if (s->failed) return;
  met* new = &s->met[s->met_count++];
  *place = (uint32_t)s->met_count;
  new->facts = *facts;
  new->point = find_point(s, op, facts, unusual);
  prefer(s, new->point, op, unusual);
}

static void search_situation(search* s) {
  const vs_document* situation = &s->all->situations.items[s->situation];
  if (!vs_situation_play(situation, s->all->profile, s->oracle, NULL, &s->handles)) return;
  s->start_count = s->oracle->count;
  memcpy(s->start, s->oracle->worlds, s->start_count * sizeof *s->start);
  memset(s->slots, 0, SLOTS * sizeof *s->slots);
  s->met_count = 0;
  const vs_tries tries = {.oracle = s->oracle, .most = UINT_MAX, .meet = meet, .context = s};
  for (uint8_t call = 0; call != VS_CALL_COUNT; call++) {
    if (vs_ops[call].phase != VS_PHASE_RECORDED) vs_try_each(&tries, call);
  }
}

static bool search_all(vs_reachable* all) {
  search* s = calloc(1, sizeof *s);
  if (s == NULL) return false;
  s->all = all;
  s->oracle = malloc(sizeof *s->oracle);
  s->start = malloc(VS_WORLDS_MAX * sizeof *s->start);
  s->met = malloc(FACTS * sizeof *s->met);
  s->slots = malloc(SLOTS * sizeof *s->slots);
  s->failed = s->oracle == NULL || s->start == NULL || s->met == NULL || s->slots == NULL;
  for (size_t i = 0; i < all->situations.count && !s->failed; i++) {
    s->situation = (uint8_t)i;
    search_situation(s);
  }
  const bool good = !s->failed;
  free(s->oracle);
  free(s->start);
  free(s->met);
  free(s->slots);
  free(s);
  return good;
}

// --- facts that have to do with each other ------------------------------------------------------

// [a]: what holds wherever check a does.
typedef struct implied {
  vs_check_set by[VS_CHECK_COUNT];
} implied;

static vs_check_set facts_at(const vs_point* point) {
  return point->certain | point->unsure;
}

static void learn_implied(const vs_reachable* all, implied* i) {
  for (size_t check = 0; check < VS_CHECK_COUNT; check++) i->by[check] = ~(vs_check_set)0;
  for (size_t p = 0; p < all->count; p++) {
    const vs_check_set facts = facts_at(&all->points[p].point);
    vs_check_set rest = facts;
    while (rest != 0) i->by[vs_check_take(&rest)] &= facts;
  }
}

// True if another one that holds says it too; of two that say the same, the first counts.
static bool is_implied(const implied* i, vs_check_set facts, vs_check_code check) {
  vs_check_set rest = facts & ~VS_CHECK_IN(check);
  bool said = false;
  while (rest != 0) {
    const vs_check_code other = vs_check_take(&rest);
    const bool mutual = (i->by[check] & VS_CHECK_IN(other)) != 0;
    said |= (i->by[other] & VS_CHECK_IN(check)) != 0 && (!mutual || other < check);
  }
  return said;
}

static unsigned facts_together(const implied* i, const vs_point* point) {
  const vs_check_set facts = facts_at(point);
  vs_check_set rest = facts;
  unsigned count = 0;
  while (rest != 0) count += !is_implied(i, facts, vs_check_take(&rest));
  return count;
}

// --- all of it ----------------------------------------------------------------------------------

static int compare_sets(vs_check_set a, vs_check_set b) {
  return a < b ? -1 : a > b;
}

static int in_order(const void* a, const void* b) {
  const vs_point* p = &((const vs_reached_by*)a)->point;
  const vs_point* q = &((const vs_reached_by*)b)->point;
  if (p->call != q->call) return p->call - q->call;
  int order = compare_sets(facts_at(p), facts_at(q));
  if (order == 0) order = compare_sets(p->unsure, q->unsure);
  if (order == 0) order = p->named < q->named ? -1 : p->named > q->named;
  return order;
}

static void index_points(vs_reachable* all) {
  memset(all->slots, 0, all->slot_count * sizeof *all->slots);
  for (size_t i = 0; i < all->count + all->beyond; i++) {
    const vs_point* point = &all->points[i].point;
    const void* const of[] = {all, point};
    *place_of(all->slots, all->slot_count, hash_point(point), is_point, of) = (uint32_t)(1 + i);
  }
}

static void sort(vs_reached_by* points, size_t count) {
  if (count > 0) qsort(points, count, sizeof *points, in_order);
}

// What is beyond goes behind the others.
static bool put_in_order(vs_reachable* all) {
  implied* i = malloc(sizeof *i);
  if (i == NULL) return false;
  learn_implied(all, i);
  size_t kept = 0;
  for (size_t p = 0; p < all->count; p++) {
    if (facts_together(i, &all->points[p].point) > VS_FACTS_TOGETHER) continue;
    const vs_reached_by point = all->points[p];
    all->points[p] = all->points[kept];
    all->points[kept++] = point;
  }
  all->beyond = all->count - kept;
  all->count = kept;
  sort(all->points, all->count);
  sort(all->points + all->count, all->beyond);
  free(i);
  return true;
}

static bool name_points(vs_reachable* all) {
  all->names = calloc(all->count > 0 ? all->count : 1, sizeof *all->names);
  bool good = all->names != NULL;
  for (size_t i = 0; i < all->count && good; i++) {
    char words[VS_POINT_WORDS];
    vs_point_say(&all->points[i].point, words);
    all->names[i] = strdup(words);
    good = all->names[i] != NULL;
  }
  return good;
}

vs_reachable* vs_reachable_new(const vs_profile* profile, vs_arch arch) {
  vs_reachable* all = calloc(1, sizeof *all);
  if (all == NULL) return NULL;
  all->profile = profile;
  all->arch = arch;
  all->slot_count = 1 << 14;
  all->slots = calloc(all->slot_count, sizeof *all->slots);
  bool good = all->slots != NULL && vs_situations_read(&all->situations, arch);
  good = good && search_all(all) && put_in_order(all);
  if (good) index_points(all);
  if (good && name_points(all)) return all;
  vs_reachable_free(all);
  return NULL;
}

void vs_reachable_free(vs_reachable* all) {
  if (all == NULL) return;
  vs_situations_free(&all->situations);
  for (size_t i = 0; all->names != NULL && i < all->count; i++) free(all->names[i]);
  free(all->names);
  free(all->points);
  free(all->slots);
  free(all);
}

vs_clause_set vs_reached_clauses(const vs_reached_by* reached) {
  vs_clause_set clauses = VS_NO_CLAUSE;
  for (uint8_t i = 0; i < reached->allowed.count; i++) {
    clauses |= VS_MEMBER(vs_point_clause(reached->point.call, &reached->allowed.allowed[i]));
  }
  return clauses;
}
