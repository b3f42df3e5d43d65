// SPDX-License-Identifier: BSD-3-Clause
// What soft needs of a system, where platform_bare.c is all there is of one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "soft.h"
#include "user_copy.h"

extern unsigned vcpuspec_caller;
bool vcpuspec_may_access(const void* address, size_t size, bool write);
void vcpuspec_reset(void);

void vcpuspec_reset(void) {
  vs_why reason;
  vs_backend_soft.close();
  if (!vs_backend_soft.open(&reason)) abort();
}

uint64_t vs_caller(void) {
  return vcpuspec_caller;
}

void vs_user_copy_open(void) {}
void vs_user_copy_close(void) {}

bool vs_copy_from_user(void* dst, const void* user_src, size_t size) {
  bool good = vcpuspec_may_access(user_src, size, false);
  if (good) memcpy(dst, user_src, size);
  return good;
}

bool vs_copy_to_user(void* user_dst, const void* src, size_t size) {
  bool good = vcpuspec_may_access(user_dst, size, true);
  if (good) memcpy(user_dst, src, size);
  return good;
}
