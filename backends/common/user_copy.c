// SPDX-License-Identifier: BSD-3-Clause
#include "user_copy.h"

#include <pthread.h>
#include <stdint.h>

#include "user_copy_arch.h"

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned open_count;

void vs_user_copy_open(void) {
  pthread_mutex_lock(&open_lock);
  if (open_count++ == 0) vs_user_copy_install();
  pthread_mutex_unlock(&open_lock);
}

void vs_user_copy_close(void) {
  pthread_mutex_lock(&open_lock);
  if (open_count > 0 && --open_count == 0) vs_user_copy_remove();
  pthread_mutex_unlock(&open_lock);
}

// A range that wraps or leaves the user half, also one of no bytes, is refused before any byte of
// it is touched, as kernels do; everything else is found out by trying.
static bool range_is_user(const void* start, size_t size) {
  const uintptr_t first = (uintptr_t)start;
  return first < vs_user_copy_limit && size <= vs_user_copy_limit - first;
}

bool vs_copy_from_user(void* dst, const void* user_src, size_t size) {
  if (!range_is_user(user_src, size)) return false;
  return size == 0 || vs_user_copy_read(dst, user_src, size);
}

bool vs_copy_to_user(void* user_dst, const void* src, size_t size) {
  if (!range_is_user(user_dst, size)) return false;
  return size == 0 || vs_user_copy_write(user_dst, src, size);
}
