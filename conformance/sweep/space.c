// SPDX-License-Identifier: BSD-3-Clause
#include "space.h"

#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "text/calls.h"
#include "words/describe.h"

const char* const vs_factor_names[VS_FACTOR_COUNT] = {
    [VS_FACTOR_HANDLE] = "handle",   [VS_FACTOR_RIGHTS] = "rights", [VS_FACTOR_TYPE] = "type",
    [VS_FACTOR_THREAD] = "thread",   [VS_FACTOR_VCPU] = "vcpu",     [VS_FACTOR_KIND] = "kind",
    [VS_FACTOR_SIZE] = "size",       [VS_FACTOR_PLACE] = "place",   [VS_FACTOR_ACCESS] = "access",
    [VS_FACTOR_CONTENT] = "content",
};

typedef struct class_row {
  vs_class_kind kind;
  uint8_t calls;
  uint8_t rank;
  uint8_t form;
  uint64_t from;
  uint64_t to;
  const char* name;
} class_row;

static const class_row rows[] = {
#define VS_CLASS(factor, calls, rank, form, from, to, name) \
  {VS_CLASS_##factor, calls, rank, VS_FORM_##factor##_##form, from, to, name},
#include "classes.def"
#undef VS_CLASS
};

// --- the factors ------------------------------------------------------------------------------

static bool is_write_state(const vs_space* space) {
  return space->call == VS_CALL_vcpu_write_state;
}

static vs_class_kind kind_of(uint8_t type) {
  static const uint8_t kinds[] = {
      [VS_PARAM_HANDLE] = VS_CLASS_OBJECT, [VS_PARAM_U32] = VS_CLASS_NUMBER,
      [VS_PARAM_U64] = VS_CLASS_NUMBER,    [VS_PARAM_TIME] = VS_CLASS_DEADLINE,
      [VS_PARAM_RIGHTS] = VS_CLASS_ASKED,  [VS_PARAM_VECTOR] = VS_CLASS_VECTOR,
      [VS_PARAM_SIZE] = VS_CLASS_SIZE,     [VS_PARAM_KIND] = VS_CLASS_KIND,
      [VS_PARAM_ENTRY] = VS_CLASS_ENTRY,
  };
  return vs_param_is_pointer(type) ? VS_CLASS_PLACE : (vs_class_kind)kinds[type];
}

static void list_factors(vs_space* space) {
  const vs_param* params = vs_ops[space->call].params;
  unsigned known = is_write_state(space) ? VS_FACTOR_COUNT : VS_STAGE_FACTORS;
  for (uint8_t f = 0; f != known; f++) {
    space->factors[f] = (vs_factor_info){vs_factor_names[f], f, VS_ARGS_MAX};
  }
  space->factor_count = known;
  for (uint8_t i = 0; i < VS_ARGS_MAX && !is_write_state(space); i++) {
    if (params[i].type == VS_PARAM_NONE) break;
    space->factors[space->factor_count++] =
        (vs_factor_info){params[i].name, (uint8_t)kind_of(params[i].type), i};
  }
}

bool vs_space_takes_vcpu(const vs_space* space) {
  bool takes = false;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[space->call].params[i];
    takes |= param->type == VS_PARAM_HANDLE && param->object == ZX_OBJ_TYPE_VCPU;
  }
  return takes;
}

size_t vs_space_length(const vs_space* space, uint8_t parameter) {
  enum { SOME = 16 };
  size_t fixed = vs_fixed_length(vs_ops[space->call].params[parameter].type);
  bool kind = vs_param_find(space->call, VS_PARAM_KIND, 0) < VS_ARGS_MAX;
  if (fixed > 0) return fixed;
  return kind ? vs_arch_find(space->arch)->state_size : SOME;
}

// --- the values -------------------------------------------------------------------------------

static bool suits_object(const vs_param* param, const class_row* row) {
  bool resource = param->object == ZX_OBJ_TYPE_RESOURCE;
  if (row->form == VS_FORM_OBJECT_LACKING) return !resource && param->value != ZX_RIGHT_NONE;
  if (row->form == VS_FORM_OBJECT_CLEARED) return !resource;
  if (row->form == VS_FORM_OBJECT_OTHER) return resource;
  bool own = false;
#define VS_OBJECT(code, name, type, rights, write) \
  own |= row->form == VS_FORM_OBJECT_##code && param->object == (type);
#include "objects.def"
#undef VS_OBJECT
  return !own;
}

static bool suits_place(size_t length, const class_row* row, uint64_t number) {
  switch (row->form) {
    case VS_FORM_PLACE_CROSSING:
    case VS_FORM_PLACE_STRADDLE:
    case VS_FORM_PLACE_STRADDLE_HEAD:
    case VS_FORM_PLACE_STRADDLE_NONE:
    case VS_FORM_PLACE_USER_END:
    case VS_FORM_PLACE_WRAPPING:
      return number < length;
    default:
      return true;
  }
}

// True if a call other than zx_vcpu_write_state has that value for the factor.
static bool suits(const vs_space* space, unsigned factor, const class_row* row, uint64_t number) {
  const vs_factor_info* info = &space->factors[factor];
  if (info->kind == VS_CLASS_THREAD || info->kind == VS_CLASS_VCPU) {
    return space->counts[0][factor] == 0 || vs_space_takes_vcpu(space);
  }
  if (factor < VS_STAGE_FACTORS) return true;
  const vs_param* param = &vs_ops[space->call].params[info->parameter];
  switch (info->kind) {
    case VS_CLASS_OBJECT:
      return suits_object(param, row);
    case VS_CLASS_NUMBER:
      return row->form != VS_FORM_NUMBER_BIT || param->type != VS_PARAM_U32 || number < 32;
    case VS_CLASS_PLACE:
      return suits_place(vs_space_length(space, info->parameter), row, number);
    case VS_CLASS_SIZE:
      return row->form != VS_FORM_SIZE_OTHER ||
             vs_param_find(space->call, VS_PARAM_KIND, 0) < VS_ARGS_MAX;
    default:
      return true;
  }
}

static void add_values(vs_space* space, unsigned io, unsigned factor, const class_row* row) {
  uint16_t* count = &space->counts[io][factor];
  for (uint64_t k = 0; k <= row->to - row->from && *count < VS_CLASS_VALUES; k++) {
    if (!is_write_state(space) && !suits(space, factor, row, row->from + k)) continue;
    space->values[io][factor][(*count)++] =
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

static void pick_values(vs_space* space, unsigned io, unsigned factor) {
  for (unsigned away = 2; away <= 3; away++) {
    uint16_t* count = &space->picked[io][factor][tier(away)];
    for (uint16_t v = 1; v < space->counts[io][factor]; v++) {
      if (!is_picked(space, &space->values[io][factor][v], away)) continue;
      space->picks[io][factor][tier(away)][(*count)++] = v;
    }
  }
}

// The calls that a row can be for, as bits: the two of zx_vcpu_write_state, and the other one.
static unsigned call_bit(const vs_space* space, unsigned io) {
  if (!is_write_state(space)) return io == 0 ? 4 : 0;
  return 1u << io;
}

static bool is_chosen(const vs_space* space, unsigned io, unsigned factor, const class_row* row,
                      uint8_t least_rank) {
  const bool valid = space->counts[io][factor] == 0;
  return row->kind == space->factors[factor].kind && row->calls & call_bit(space, io) &&
         (valid || row->rank >= least_rank);
}

static void fill_values(vs_space* space, uint8_t least_rank) {
  for (unsigned io = 0; io < 2; io++) {
    for (unsigned f = 0; f < space->factor_count; f++) {
      for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_chosen(space, io, f, &rows[i], least_rank)) add_values(space, io, f, &rows[i]);
      }
      pick_values(space, io, f);
    }
  }
}

const vs_class_value* vs_space_value(const vs_space* space, const vs_combination* c,
                                     unsigned factor) {
  return &space->values[c->io][factor][c->value[factor]];
}

// --- words ------------------------------------------------------------------------------------

// True if the value is one of several of one name, which its number tells apart.
static bool is_one_of_several(const vs_space* space, const vs_combination* c, unsigned factor) {
  const vs_class_value* value = vs_space_value(space, c, factor);
  const uint16_t at = c->value[factor];
  const bool last = at + 1 == space->counts[c->io][factor];
  return strcmp(value[-1].name, value->name) == 0 ||
         (!last && strcmp(value[1].name, value->name) == 0);
}

void vs_combination_say(const vs_space* space, const vs_combination* c, char* text, size_t size) {
  vs_text out = vs_text_in(text, size);
  bool write_state = space->call == VS_CALL_vcpu_write_state;
  const char* kind = c->io ? "ZX_VCPU_IO" : "ZX_VCPU_STATE";
  vs_say(&out, "%s", write_state ? kind : vs_ops[space->call].symbol);
  bool any = false;
  for (unsigned f = 0; f < space->factor_count; f++) {
    if (c->value[f] == 0) continue;
    const vs_class_value* value = vs_space_value(space, c, f);
    vs_say(&out, ", %s %s", space->factors[f].name, value->name);
    if (value->number != 0 || is_one_of_several(space, c, f))
      vs_say(&out, ":0x%llx", (unsigned long long)value->number);
    any = true;
  }
  if (!any) vs_say(&out, ", all valid");
}

// --- blocks: a kind of call, and a set of its factors that are away from the valid value ---------

static unsigned block_io(unsigned block) {
  return block >> VS_BLOCK_FACTORS;
}

static unsigned block_set(unsigned block) {
  return block & ((1u << VS_BLOCK_FACTORS) - 1);
}

static unsigned block_away(const vs_stage_of_sweep* stage, unsigned block) {
  return stage->away + (unsigned)__builtin_popcount(block_set(block));
}

static uint64_t block_count(const vs_space* space, const vs_stage_of_sweep* stage, unsigned block) {
  unsigned away = block_away(stage, block);
  if (away > stage->most || space->counts[block_io(block)][0] == 0) return 0;
  uint64_t count = 1;
  for (unsigned f = 0; f < VS_BLOCK_FACTORS; f++) {
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

vs_space* vs_space_of_call(vs_call_index call, vs_arch arch, uint8_t depth, uint8_t least_rank,
                           vs_stage_filter* possible) {
  vs_space* space = calloc(1, sizeof *space);
  if (space == NULL) return NULL;
  space->call = (uint8_t)call;
  space->arch = arch;
  space->depth = depth;
  list_factors(space);
  fill_values(space, least_rank);
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

vs_space* vs_space_new(vs_arch arch, uint8_t depth, vs_stage_filter* possible) {
  return vs_space_of_call(VS_CALL_vcpu_write_state, arch, depth, VS_RANK_OF_PAIRS, possible);
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
  for (unsigned f = VS_BLOCK_FACTORS; f-- > 0;) {
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
  for (unsigned f = VS_BLOCK_FACTORS; f-- > 0;) {
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
