// SPDX-License-Identifier: BSD-3-Clause
#ifndef VS_TESTS_CHANGED_H_
#define VS_TESTS_CHANGED_H_

#include "vcpuspec/op.h"

// True if the memory of that parameter was changed.
static inline bool vs_changed(const vs_observation* seen, uint8_t parameter) {
  for (uint8_t i = 0; i < seen->change_count && i < VS_CHANGES_MAX; i++) {
    if (seen->changes[i].parameter == parameter) return true;
  }
  return false;
}

#endif  // VS_TESTS_CHANGED_H_
