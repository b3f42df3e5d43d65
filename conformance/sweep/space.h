// SPDX-License-Identifier: BSD-3-Clause
// The combinations of a sweep and their order: the same for every run, so that a number names one.
// zx_vcpu_write_state has the factors of vs_factor; of any other call, each parameter is one.
// A stage is what was made before the call (handle, rights, type, thread, vCPU); each is made once
// and all its calls follow. A batch is a piece of a stage: what shards, jobs and journals count in.
// Owns two allocations; nothing here knows what a class stands for.
#ifndef VS_CONFORMANCE_SWEEP_SPACE_H_
#define VS_CONFORMANCE_SWEEP_SPACE_H_

#include "tables.h"

typedef enum vs_factor {
  VS_FACTOR_HANDLE,
  VS_FACTOR_RIGHTS,
  VS_FACTOR_TYPE,
  VS_FACTOR_THREAD,
  VS_FACTOR_VCPU,
  VS_FACTOR_KIND,
  VS_FACTOR_SIZE,
  VS_FACTOR_PLACE,
  VS_FACTOR_ACCESS,
  VS_FACTOR_CONTENT,
  VS_FACTOR_COUNT
} vs_factor;

// Which rows of classes.def a factor takes: those of vs_factor by the same number, and more.
typedef enum vs_class_kind {
  VS_CLASS_OBJECT = VS_FACTOR_COUNT,
  VS_CLASS_NUMBER,
  VS_CLASS_DEADLINE,
  VS_CLASS_ASKED,
  VS_CLASS_VECTOR,
  VS_CLASS_ENTRY,
#define VS_SAME(name) VS_CLASS_##name = VS_FACTOR_##name
  VS_SAME(HANDLE),
  VS_SAME(RIGHTS),
  VS_SAME(TYPE),
  VS_SAME(THREAD),
  VS_SAME(VCPU),
  VS_SAME(KIND),
  VS_SAME(SIZE),
  VS_SAME(PLACE),
  VS_SAME(ACCESS),
  VS_SAME(CONTENT)
#undef VS_SAME
} vs_class_kind;

enum {
  VS_STAGE_FACTORS = VS_FACTOR_KIND,
  VS_FACTORS_MAX = VS_STAGE_FACTORS + VS_ARGS_MAX,
  VS_BLOCK_FACTORS = VS_ARGS_MAX,
  VS_CALL_FACTORS = VS_FACTOR_COUNT - VS_STAGE_FACTORS,
  VS_CLASS_VALUES = 512,             // of one factor, at most
  VS_BATCH = 1024,                   // combinations, at most
  VS_RANK_OF_PAIRS = 2,              // least rank of a value that is combined with another
  VS_RANK_OF_SETS = 3,               // with two others
  VS_RANK_OF_PRODUCT = 4,            // with all that there is, of a call
  VS_RANK_OF_VECTORS = 5,            // in vectors for others
  VS_DEPTH_MOST = 5,                 // short of the whole product
  VS_DEPTH_FULL = VS_FACTOR_COUNT,   // the whole product
  VS_BLOCKS = 2 << VS_BLOCK_FACTORS  // kinds of call x sets of factors
};

_Static_assert((int)VS_FACTOR_COUNT <= (int)VS_FACTORS_MAX, "there is room for every factor");

extern const char* const vs_factor_names[VS_FACTOR_COUNT];

// A factor of a space.
typedef struct vs_factor_info {
  const char* name;
  uint8_t kind;       // vs_class_kind
  uint8_t parameter;  // of the call that is not zx_vcpu_write_state
} vs_factor_info;

// One value of a factor. `form` is the factor's own enum (scene.h, compose.h).
typedef struct vs_class_value {
  const char* name;
  uint8_t form;
  uint8_t rank;
  uint64_t number;
} vs_class_value;

// For each factor an index into its values; 0 is the valid one.
typedef struct vs_combination {
  uint8_t io;  // the call that it departs from: 0 ZX_VCPU_STATE, 1 ZX_VCPU_IO
  uint16_t value[VS_FACTORS_MAX];
} vs_combination;

typedef struct vs_stage_of_sweep {
  uint8_t value[VS_STAGE_FACTORS];
  uint8_t away;        // factors that are not valid
  uint8_t most;        // factors that may be away in all, the call's included
  uint64_t count;      // combinations
  uint64_t first;      // number of its first batch
  uint64_t preceding;  // combinations of all stages before it
} vs_stage_of_sweep;

typedef struct vs_space {
  vs_arch arch;
  uint8_t depth;
  uint8_t call;  // vs_call_index
  unsigned factor_count;
  vs_factor_info factors[VS_FACTORS_MAX];
  uint16_t counts[2][VS_FACTORS_MAX];
  vs_class_value values[2][VS_FACTORS_MAX][VS_CLASS_VALUES];
  // The values other than the valid one that are picked when up to two factors are away together
  // (0), and when more are (1).
  uint16_t picked[2][VS_FACTORS_MAX][2];
  uint16_t picks[2][VS_FACTORS_MAX][2][VS_CLASS_VALUES];
  vs_stage_of_sweep* stages;
  size_t stage_count;
  uint64_t batches;
  uint64_t combinations;
} vs_space;

// Takes the values that have at least that rank. `possible` tells whether a stage can be made at
// all. Returns NULL if there is no memory.
typedef bool vs_stage_filter(const vs_space* space, const vs_combination* stage);
vs_space* vs_space_of_call(vs_call_index call, vs_arch arch, uint8_t depth, uint8_t least_rank,
                           vs_stage_filter* possible);
// Of zx_vcpu_write_state, of all values.
vs_space* vs_space_new(vs_arch arch, uint8_t depth, vs_stage_filter* possible);
void vs_space_free(vs_space* space);

// `factor`: a vs_factor, or the number of another one of the space.
const vs_class_value* vs_space_value(const vs_space* space, const vs_combination* c,
                                     unsigned factor);

// "ZX_VCPU_STATE, kind own_and_bit:8, place null"; "zx_port_wait, all valid".
void vs_combination_say(const vs_space* space, const vs_combination* c, char* text, size_t size);

// True of a call that takes a vCPU: its stages differ by thread and by the state of the vCPU.
bool vs_space_takes_vcpu(const vs_space* space);

// Bytes that lie at the pointer of a parameter.
size_t vs_space_length(const vs_space* space, uint8_t parameter);

// The stage that a batch belongs to, and its combinations [*from, *to) within that stage.
size_t vs_space_batch(const vs_space* space, uint64_t batch, uint64_t* from, uint64_t* to);

// Walks the combinations of a stage in order.
typedef struct vs_odometer {
  const vs_space* space;
  const vs_stage_of_sweep* stage;
  uint64_t at;  // number within the stage
  unsigned block;
  uint64_t left;  // in the block, this one included
  uint16_t digit[VS_FACTORS_MAX];
  vs_combination c;
} vs_odometer;

// Stands at combination `at` of a stage, which must exist.
void vs_odometer_set(vs_odometer* odometer, const vs_space* space, size_t stage, uint64_t at);
// Goes to the next one; at the last, there is none to look at.
void vs_odometer_next(vs_odometer* odometer);

#endif  // VS_CONFORMANCE_SWEEP_SPACE_H_
