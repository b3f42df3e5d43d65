// SPDX-License-Identifier: BSD-3-Clause
// What takes long over many that are alike: `make test` tries some of them, `make test-long` all.
#ifndef VS_TESTS_SAMPLED_H_
#define VS_TESTS_SAMPLED_H_

#include <stdbool.h>
#include <stdlib.h>

// True of every step-th `at`; of all where VS_WHOLE is in the environment.
static inline bool vs_sampled(size_t at, size_t step) {
  return getenv("VS_WHOLE") != NULL || at % step == 0;
}

#endif  // VS_TESTS_SAMPLED_H_
