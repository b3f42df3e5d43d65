// SPDX-License-Identifier: BSD-3-Clause
// The calls that soft offers, the two rows that answer as the pages ask, and what their open and
// close do. Where the pages are silent: Zircon of 2021 and later.
#include "soft.h"

#include <time.h>

#include "objects.h"
#include "rules.h"
#include "user_copy.h"

// Deadlines are of the monotonic clock, and so is what waits for them.
static bool changed_open(void) {
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) return false;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  const bool made = pthread_cond_init(&vs_soft.changed, &attributes) == 0;
  pthread_condattr_destroy(&attributes);
  return made;
}

static bool open_locked(const vs_soft_rules* rules, vs_why* reason) {
  if (vs_soft.rules != NULL) {
    *reason = (vs_why){"the soft backend is open already: close it first"};
    return false;
  }
  vs_soft.rules = rules;
  const bool has_changed = changed_open();
  if (has_changed && vs_soft_resources_new()) {
    vs_user_copy_open();
    return true;
  }
  vs_soft_close_all();
  if (has_changed) pthread_cond_destroy(&vs_soft.changed);
  vs_soft.rules = NULL;
  *reason = (vs_why){"the soft backend found no memory: free some"};
  return false;
}

bool vs_soft_open(const vs_soft_rules* rules, vs_why* reason) {
  vs_soft_lock();
  const bool opened = open_locked(rules, reason);
  vs_soft_unlock();
  return opened;
}

static void close_locked(void) {
  vs_soft.closing = true;
  pthread_cond_broadcast(&vs_soft.changed);
  while (vs_soft.waits > 0) pthread_cond_wait(&vs_soft.changed, &vs_soft.lock);
  vs_soft_close_all();
  pthread_cond_destroy(&vs_soft.changed);
  vs_user_copy_close();
  vs_soft.closing = false;
  vs_soft.rules = NULL;
}

void vs_soft_close(void) {
  vs_soft_lock();
  if (vs_soft.rules != NULL) close_locked();
  vs_soft_unlock();
}

const vs_calls vs_soft_calls = {
#define VS_OFFERED(name) .name = vs_soft_##name,
#include "offered.def"
#undef VS_OFFERED
};

VS_SOFT_ROW(, "soft", VS_ARCH_X64,
            "x86-64 vCPUs in memory: every check, and an interpreter of the suite's guest programs",
            VS_SOFT_X64, VS_SOFT_STATES, VS_SOFT_TRAPS)
VS_SOFT_ROW(_arm64, "soft:arm64", VS_ARCH_ARM64,
            "arm64 vCPUs in memory: every check, and an interpreter of the suite's guest programs",
            VS_SOFT_ARM64, VS_SOFT_STATES, VS_SOFT_TRAPS)
