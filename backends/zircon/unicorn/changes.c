// SPDX-License-Identifier: BSD-3-Clause
#include "changes.h"

#include <pthread.h>

atomic_uint_fast64_t vs_uc_changes;

// The last changes, by number modulo the size.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vs_uc_dirty changes[VS_UC_CHANGES_KEPT];

void vs_uc_record(vs_uc_dirty dirty) {
  pthread_mutex_lock(&lock);
  const uint64_t number = atomic_load_explicit(&vs_uc_changes, memory_order_relaxed);
  changes[number % VS_UC_CHANGES_KEPT] = dirty;
  atomic_store_explicit(&vs_uc_changes, number + 1, memory_order_release);
  pthread_mutex_unlock(&lock);
}

vs_uc_dirty vs_uc_change(uint64_t change, bool* known) {
  pthread_mutex_lock(&lock);
  *known = atomic_load(&vs_uc_changes) - change <= VS_UC_CHANGES_KEPT;
  const vs_uc_dirty dirty = changes[change % VS_UC_CHANGES_KEPT];
  pthread_mutex_unlock(&lock);
  return dirty;
}
