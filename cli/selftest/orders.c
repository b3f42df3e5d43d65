// SPDX-License-Identifier: BSD-3-Clause
#include "orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "sweep/product.h"

enum { REASONS = VS_MUTANT_REASON_COUNT, SETS = 1 << REASONS, ASKED = 2 };

static const char* const asked[ASKED] = {"documented", "zircon-x64"};

// The order of "zircon-x64", as its page of docs/profiles.md has it.
static const uint8_t own_order[REASONS] = {0, 1, 2, 3, 4, 5, 7, 6, 8};

// The reasons among the checks that apply.
static unsigned reasons_of(vs_check_set checks) {
  unsigned set = 0;
  for (unsigned i = 0; i < VS_CHECK_COUNT; i++) {
    if (vs_checks[i].call != VS_CALL_vcpu_write_state || !(checks & VS_BIT(i))) continue;
    for (unsigned r = 0; r < REASONS; r++) {
      if (strcmp(vs_checks[i].name, vs_mutant_reason_at(r).name) == 0) set |= 1u << r;
    }
  }
  return set;
}

static void note_possible(const vs_facts* facts, void* context) {
  vs_orders* orders = context;
  orders->possible[reasons_of(vs_point_of(facts, vs_profile_find(asked[0])).certain)] = true;
}

static zx_status_t answer(const uint8_t* order, unsigned set) {
  for (size_t i = 0; i < REASONS; i++) {
    if (set & 1u << order[i]) return vs_mutant_reason_at(order[i]).status;
  }
  return ZX_OK;
}

void vs_order_say(const uint8_t* order, char* text, size_t size) {
  size_t length = 0;
  text[0] = '\0';
  for (size_t i = 0; i < REASONS && length < size; i++) {
    int more = snprintf(text + length, size - length, "%s%s", i > 0 ? " " : "",
                        vs_mutant_reason_at(order[i]).name);
    length += more > 0 ? (size_t)more : 0;
  }
}

void vs_reasons_say(unsigned set, char* text, size_t size) {
  size_t length = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < REASONS && length < size; i++) {
    if (!(set & 1u << i)) continue;
    int more = snprintf(text + length, size - length, "%s%s", length > 0 ? " and " : "",
                        vs_mutant_reason_at(i).name);
    length += more > 0 ? (size_t)more : 0;
  }
}

// --- classes ----------------------------------------------------------------------------------

// The sets that tell orders apart, and the answers of the class to them.
typedef struct classing {
  vs_orders* orders;
  uint16_t sets[SETS];
  size_t set_count;
  size_t room;                // of orders->classes
  uint8_t* words;             // answers of each class: set_count bytes each
  uint32_t* slots;            // hash table of class numbers, from 1; 0: free
  uint8_t statuses[REASONS];  // a small number for the status of each reason
  bool failed;
} classing;

enum { SLOTS = 1 << 20, MULTIPLIER = 0x01000193 };

static void answers_of(const classing* c, const uint8_t* order, uint8_t* word) {
  for (size_t s = 0; s < c->set_count; s++) {
    size_t i = 0;
    while (!(c->sets[s] & 1u << order[i])) i++;
    word[s] = c->statuses[order[i]];
  }
}

static bool grow(classing* c) {
  size_t room = c->room == 0 ? 1024 : 2 * c->room;
  vs_order_class* classes = realloc(c->orders->classes, room * sizeof *classes);
  if (classes == NULL) return false;
  c->orders->classes = classes;
  uint8_t* words = realloc(c->words, room * c->set_count + 1);
  if (words == NULL) return false;
  c->words = words;
  c->room = room;
  return true;
}

// The number of the order's class, which may be new.
static size_t class_of(classing* c, const uint8_t* order) {
  uint8_t word[SETS];
  uint32_t hash = 0;
  answers_of(c, order, word);
  for (size_t s = 0; s < c->set_count; s++) hash = (hash ^ word[s]) * MULTIPLIER;
  uint32_t slot = hash % SLOTS;
  for (; c->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
    size_t known = c->slots[slot] - 1;
    if (memcmp(c->words + known * c->set_count, word, c->set_count) == 0) return known;
  }
  size_t made = c->orders->class_count;
  if (made == c->room && !grow(c)) {
    c->failed = true;
    return 0;
  }
  c->orders->classes[made] = (vs_order_class){0};
  memcpy(c->orders->classes[made].order, order, REASONS);
  memcpy(c->words + made * c->set_count, word, c->set_count);
  c->slots[slot] = (uint32_t)++c->orders->class_count;
  return made;
}

// Every permutation of order[from..].
static void permute(classing* c, uint8_t* order, size_t from) {
  if (c->failed) return;
  if (from == REASONS) {
    size_t of = class_of(c, order);
    if (!c->failed) c->orders->classes[of].orders++;
    c->orders->permutations++;
    return;
  }
  for (size_t i = from; i < REASONS; i++) {
    uint8_t first = order[i];
    order[i] = order[from];
    order[from] = first;
    permute(c, order, from + 1);
    order[from] = order[i];
    order[i] = first;
  }
}

static uint8_t status_number(unsigned reason) {
  unsigned i = 0;
  while (vs_mutant_reason_at(i).status != vs_mutant_reason_at(reason).status) i++;
  return (uint8_t)i;
}

static bool find_classes(vs_orders* orders) {
  uint8_t order[REASONS];
  if (!vs_product_each(VS_ARCH_X64, note_possible, orders)) return false;
  classing* c = calloc(1, sizeof *c);
  if (c == NULL) return false;
  c->orders = orders;
  c->slots = calloc(SLOTS, sizeof *c->slots);
  c->failed = c->slots == NULL;
  for (unsigned set = 1; set < SETS; set++) {
    if (orders->possible[set]) c->sets[c->set_count++] = (uint16_t)set;
  }
  orders->sets = c->set_count;
  for (unsigned i = 0; i < REASONS; i++) c->statuses[i] = status_number(i);
  // The profile's own comes first, so that its class is known.
  memcpy(order, own_order, REASONS);
  permute(c, order, 0);
  bool good = !c->failed;
  free(c->slots);
  free(c->words);
  free(c);
  return good;
}

// --- judging ----------------------------------------------------------------------------------

// A case that was run, the sets of reasons that it met, and what was judged of it already.
typedef struct told {
  const vs_case_result* result;
  vs_observation* seen;  // to be rewritten
  uint16_t sets[SETS];
  size_t set_count;
  uint8_t* words;  // answers that were judged: set_count bytes each
  uint8_t* fails;  // a bit for each profile that was asked
  size_t word_count, room;
} told;

static unsigned set_in(zx_status_t status) {
  unsigned set = (unsigned)-(int64_t)status;
  return status < 0 && set > VS_MUTANT_REASONS && set < VS_MUTANT_REASONS + SETS
             ? set - VS_MUTANT_REASONS
             : 0;
}

static bool is_met(const told* t, unsigned set) {
  for (size_t i = 0; i < t->set_count; i++) {
    if (t->sets[i] == set) return true;
  }
  return false;
}

static void find_sets(told* t) {
  for (size_t i = 0; i < t->result->script.count; i++) {
    unsigned set = set_in(t->result->observations[i].status);
    if (set != 0 && !is_met(t, set)) t->sets[t->set_count++] = (uint16_t)set;
  }
}

static uint8_t judge(told* t, vs_oracle* oracle, const uint8_t* order) {
  uint8_t fails = 0;
  const vs_script* script = &t->result->script;
  memcpy(t->seen, t->result->observations, script->count * sizeof *t->seen);
  for (size_t i = 0; i < script->count; i++) {
    unsigned set = set_in(t->seen[i].status);
    if (set != 0) t->seen[i].status = answer(order, set);
  }
  for (unsigned p = 0; p < ASKED; p++) {
    vs_trace trace = {.script = *script, .observations = t->seen, .arch = VS_ARCH_X64};
    vs_judgement judgement = vs_judge(oracle, &trace, vs_profile_find(asked[p]));
    // What else the backend does, by the page, and not as this profile's kernel, is no order.
    bool write = script->ops[judgement.at].code == VS_CALL_vcpu_write_state;
    fails |= (uint8_t)((judgement.step == VS_STEP_VIOLATION && write) << p);
  }
  return fails;
}

// -1: no memory.
static int judged(told* t, vs_oracle* oracle, const uint8_t* order) {
  uint8_t word[SETS];
  for (size_t i = 0; i < t->set_count; i++) word[i] = (uint8_t)-answer(order, t->sets[i]);
  for (size_t i = 0; i < t->word_count; i++) {
    if (memcmp(t->words + i * t->set_count, word, t->set_count) == 0) return t->fails[i];
  }
  if (t->word_count == t->room) {
    size_t room = t->room == 0 ? 16 : 2 * t->room;
    uint8_t* words = realloc(t->words, room * t->set_count + 1);
    if (words != NULL) t->words = words;
    uint8_t* fails = realloc(t->fails, room);
    if (fails != NULL) t->fails = fails;
    if (words == NULL || fails == NULL) return -1;
    t->room = room;
  }
  memcpy(t->words + t->word_count * t->set_count, word, t->set_count);
  t->fails[t->word_count] = judge(t, oracle, order);
  return t->fails[t->word_count++];
}

static bool judge_case(told* t, vs_orders* orders, vs_oracle* oracle) {
  for (size_t i = 0; i < orders->class_count; i++) {
    vs_order_class* of = &orders->classes[i];
    int fails = judged(t, oracle, of->order);
    if (fails < 0) return false;
    if ((fails & 1) && of->documented == NULL) of->documented = t->result->c;
    if ((fails & 2) && of->ordered == NULL) of->ordered = t->result->c;
  }
  orders->answers += t->word_count;
  return true;
}

// Neither what races, nor what refuses nothing, tells orders apart.
static bool is_told(const vs_case_result* result) {
  return result->observations != NULL && result->verdict != VS_VERDICT_UNSUPPORTED &&
         !vs_script_races(&result->script);
}

static bool judge_result(const vs_case_result* result, vs_orders* orders, vs_oracle* oracle,
                         bool* met) {
  told* t = calloc(1, sizeof *t);
  if (t == NULL) return false;
  t->result = result;
  t->seen = malloc((result->script.count + 1) * sizeof *t->seen);
  bool good = t->seen != NULL;
  if (good) {
    find_sets(t);
    for (size_t i = 0; i < t->set_count; i++) met[t->sets[i]] = true;
    good = t->set_count == 0 || judge_case(t, orders, oracle);
  }
  free(t->seen);
  free(t->words);
  free(t->fails);
  free(t);
  return good;
}

static bool judge_run(const vs_run* run, vs_orders* orders) {
  bool met[SETS] = {false};
  size_t unmet = 0;
  vs_oracle* oracle = malloc(sizeof *oracle);
  bool good = oracle != NULL;
  for (size_t i = 0; good && i < run->count; i++) {
    if (is_told(&run->results[i])) good = judge_result(&run->results[i], orders, oracle, met);
  }
  for (unsigned set = 1; set < SETS; set++) {
    if (!orders->possible[set]) continue;
    if (!met[set]) orders->unmet[unmet++] = (uint16_t)set;
    orders->sets_met += met[set];
  }
  free(oracle);
  return good;
}

// The own order was the first.
static void count(vs_orders* orders) {
  for (size_t i = 0; i < orders->class_count; i++) {
    orders->flagged += orders->classes[i].documented != NULL;
    orders->missed += i != orders->own && orders->classes[i].ordered == NULL;
  }
}

bool vs_orders_make(const vs_kill_plan* plan, vs_orders* orders, vs_why* reason) {
  double since = vs_now();
  vs_target target;
  vs_run run;
  *orders = (vs_orders){0};
  vs_refuse(reason, "no memory");
  if (!vs_target_parse("mutant:reasons_told", &target)) return false;
  vs_target_probe(&target, 10);
  if (target.state != VS_TARGET_READY) vs_refuse(reason, "%s", target.reason.text);
  if (target.state != VS_TARGET_READY || !find_classes(orders)) return false;
  vs_plan one = {.targets = &target,
                 .target_count = 1,
                 .cases = plan->cases,
                 .case_count = plan->case_count,
                 .profile = vs_profile_find("documented"),
                 .jobs = plan->jobs,
                 .timeout = plan->timeout,
                 .stop = plan->stop};
  if (!vs_run_plan(&one, &run)) return false;
  bool good = judge_run(&run, orders);
  vs_run_free(&run);
  if (good) count(orders);
  orders->seconds = vs_now() - since;
  return good;
}

void vs_orders_free(vs_orders* orders) {
  free(orders->classes);
  *orders = (vs_orders){0};
}
