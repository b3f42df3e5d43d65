// SPDX-License-Identifier: BSD-3-Clause
// Several results as one: shards of a run, or other backends and profiles beside them. And what
// became better and worse between two.
#ifndef VS_CONFORMANCE_MERGE_H_
#define VS_CONFORMANCE_MERGE_H_

#include "results.h"

typedef struct vs_merge_input {
  const char* path;     // for messages
  vs_results* results;  // sound
} vs_merge_input;

// A column for each backend, profile and architecture; a result that is there twice has to agree.
// What a missing shard would have judged is expected, and not judged. The end is not filled in.
// What comes of it holds texts of the inputs. NULL: `why`, of the store, says what does not fit
// together.
vs_results* vs_results_merge(const vs_merge_input* inputs, size_t count, vs_store* store,
                             vs_texts* why);

#endif  // VS_CONFORMANCE_MERGE_H_
