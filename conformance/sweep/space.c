// SPDX-License-Identifier: BSD-3-Clause
#include "space.h"

#include <stdlib.h>
#include <string.h>

#include "forms.h"

const char* const vs_factor_names[VS_FACTOR_COUNT] = {
    [VS_FACTOR_HANDLE] = "handle",   [VS_FACTOR_RIGHTS] = "rights", [VS_FACTOR_TYPE] = "type",
    [VS_FACTOR_THREAD] = "thread",   [VS_FACTOR_VCPU] = "vcpu",     [VS_FACTOR_KIND] = "kind",
    [VS_FACTOR_SIZE] = "size",       [VS_FACTOR_PLACE] = "place",   [VS_FACTOR_ACCESS] = "access",
    [VS_FACTOR_CONTENT] = "content",
};

typedef struct class_row {
  vs_factor factor;
  uint8_t calls;
  uint8_t rank;
  uint8_t form;
  uint64_t from;
  uint64_t to;
  const char* name;
} class_row;

static const class_row rows[] = {
#define VS_CLASS(factor, calls, rank, form, from, to, name) \
  {VS_FACTOR_##factor, calls, rank, VS_FORM_##factor##_##form, from, to, name},
#include "classes.def"
#undef VS_CLASS
};

// --- the values -------------------------------------------------------------------------------

static void add_values(vs_space* space, unsigned io, const class_row* row) {
  uint16_t* count = &space->counts[io][row->factor];
  for (uint64_t k = 0; k <= row->to - row->from && *count < VS_CLASS_VALUES; k++) {
    space->values[io][row->factor][(*count)++] =
        (vs_class_value){row->name, row->form, row->rank, row->from + k};
  }
}

// Alone and in pairs each value is picked; in larger sets, those that stand for others.
static bool is_picked(const vs_space* space, const vs_class_value* value, unsigned away) {
  return space->depth == VS_DEPTH_FULL || away <= 2 || value->rank >= VS_RANK_OF_SETS;
}

static unsigned tier(unsigned away) {
  return away <= 2 ? 0 : 1;
}

static void pick_values(vs_space* space, unsigned io, vs_factor factor) {
  for (unsigned away = 2; away <= 3; away++) {
    uint16_t* count = &space->picked[io][factor][tier(away)];
    for (uint16_t v = 1; v < space->counts[io][factor]; v++) {
      if (!is_picked(space, &space->values[io][factor][v], away)) continue;
      space->picks[io][factor][tier(away)][(*count)++] = v;
    }
  }
}

static void fill_values(vs_space* space) {
  for (unsigned io = 0; io < 2; io++) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      if (rows[i].calls & 1u << io) add_values(space, io, &rows[i]);
    }
    for (vs_factor f = 0; f < VS_FACTOR_COUNT; f++) pick_values(space, io, f);
  }
}

const vs_class_value* vs_space_value(const vs_space* space, const vs_combination* c,
                                     vs_factor factor) {
  return &space->values[c->io][factor][c->value[factor]];
}

// --- blocks: a kind of call, and a set of its factors that are away from the valid value ---------

static unsigned block_io(unsigned block) {
  return block >> VS_CALL_FACTORS;
}

static unsigned block_set(unsigned block) {
  return block & ((1u << VS_CALL_FACTORS) - 1);
}

static unsigned block_away(const vs_stage_of_sweep* stage, unsigned block) {
  return stage->away + (unsigned)__builtin_popcount(block_set(block));
}

static uint64_t block_count(const vs_space* space, const vs_stage_of_sweep* stage, unsigned block) {
  unsigned away = block_away(stage, block);
  if (away > stage->most) return 0;
  uint64_t count = 1;
  for (unsigned f = 0; f < VS_CALL_FACTORS; f++) {
    if (!(block_set(block) & 1u << f)) continue;
    count *= space->picked[block_io(block)][VS_STAGE_FACTORS + f][tier(away)];
  }
  return count;
}

// --- stages -----------------------------------------------------------------------------------

static void describe_stage(const vs_space* space, const vs_combination* c, vs_stage_of_sweep* s) {
  *s = (vs_stage_of_sweep){.most = space->depth};
  for (unsigned f = 0; f < VS_STAGE_FACTORS; f++) {
    uint8_t rank = vs_space_value(space, c, f)->rank;
    s->value[f] = (uint8_t)c->value[f];
    if (c->value[f] == 0) continue;
    s->away++;
    if (space->depth != VS_DEPTH_FULL && rank < VS_RANK_OF_SETS && s->most > 2) s->most = 2;
  }
  if (s->away > s->most) return;
  for (unsigned block = 0; block < VS_BLOCKS; block++) s->count += block_count(space, s, block);
}

static bool next_stage(const vs_space* space, vs_combination* c) {
  for (unsigned f = VS_STAGE_FACTORS; f-- > 0;) {
    if (++c->value[f] < space->counts[0][f]) return true;
    c->value[f] = 0;
  }
  return false;
}

// Counts the stages, and writes those down for which there is room.
static void list_stages(vs_space* space, size_t room, vs_stage_filter* possible) {
  vs_combination c = {0};
  space->stage_count = 0;
  space->batches = space->combinations = 0;
  do {
    vs_stage_of_sweep stage;
    describe_stage(space, &c, &stage);
    if (stage.count == 0 || !possible(space, &c)) continue;
    stage.first = space->batches;
    stage.preceding = space->combinations;
    space->batches += (stage.count + VS_BATCH - 1) / VS_BATCH;
    space->combinations += stage.count;
    if (space->stage_count < room) space->stages[space->stage_count] = stage;
    space->stage_count++;
  } while (next_stage(space, &c));
}

vs_space* vs_space_new(vs_arch arch, uint8_t depth, vs_stage_filter* possible) {
  vs_space* space = calloc(1, sizeof *space);
  if (space == NULL) return NULL;
  space->arch = arch;
  space->depth = depth;
  fill_values(space);
  list_stages(space, 0, possible);
  if (space->stage_count > 0) {
    space->stages = calloc(space->stage_count, sizeof *space->stages);
  }
  if (space->stages == NULL) {
    free(space);
    return NULL;
  }
  list_stages(space, space->stage_count, possible);
  return space;
}

void vs_space_free(vs_space* space) {
  if (space == NULL) return;
  free(space->stages);
  free(space);
}

size_t vs_space_batch(const vs_space* space, uint64_t batch, uint64_t* from, uint64_t* to) {
  size_t low = 0;
  size_t high = space->stage_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (space->stages[middle].first <= batch) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const vs_stage_of_sweep* stage = &space->stages[low];
  *from = (batch - stage->first) * VS_BATCH;
  *to = *from + VS_BATCH < stage->count ? *from + VS_BATCH : stage->count;
  return low;
}

// --- the odometer -----------------------------------------------------------------------------

static void set_digit(vs_odometer* o, unsigned f, uint16_t digit) {
  unsigned factor = VS_STAGE_FACTORS + f;
  o->digit[factor] = digit;
  o->c.value[factor] =
      o->space->picks[o->c.io][factor][tier(block_away(o->stage, o->block))][digit];
}

// Stands at the `rest`th combination of the block.
static void enter_block(vs_odometer* o, uint64_t rest) {
  unsigned away = tier(block_away(o->stage, o->block));
  o->c.io = (uint8_t)block_io(o->block);
  o->left = block_count(o->space, o->stage, o->block) - rest;
  for (unsigned f = VS_CALL_FACTORS; f-- > 0;) {
    unsigned factor = VS_STAGE_FACTORS + f;
    o->c.value[factor] = 0;
    if (!(block_set(o->block) & 1u << f)) continue;
    uint16_t count = o->space->picked[o->c.io][factor][away];
    set_digit(o, f, (uint16_t)(rest % count));
    rest /= count;
  }
}

void vs_odometer_set(vs_odometer* o, const vs_space* space, size_t stage, uint64_t at) {
  *o = (vs_odometer){.space = space, .stage = &space->stages[stage], .at = at};
  for (unsigned f = 0; f < VS_STAGE_FACTORS; f++) o->c.value[f] = o->stage->value[f];
  uint64_t rest = at;
  for (;; o->block++) {
    uint64_t count = block_count(space, o->stage, o->block);
    if (rest < count) break;
    rest -= count;
  }
  enter_block(o, rest);
}

void vs_odometer_next(vs_odometer* o) {
  o->at++;
  if (o->at == o->stage->count) return;
  if (--o->left == 0) {
    do {
      o->block++;
    } while (block_count(o->space, o->stage, o->block) == 0);
    enter_block(o, 0);
    return;
  }
  unsigned away = tier(block_away(o->stage, o->block));
  for (unsigned f = VS_CALL_FACTORS; f-- > 0;) {
    unsigned factor = VS_STAGE_FACTORS + f;
    if (!(block_set(o->block) & 1u << f)) continue;
    uint16_t digit = (uint16_t)(o->digit[factor] + 1);
    if (digit < o->space->picked[o->c.io][factor][away]) {
      set_digit(o, f, digit);
      return;
    }
    set_digit(o, f, 0);
  }
}
