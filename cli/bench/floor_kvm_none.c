// SPDX-License-Identifier: BSD-3-Clause
// Where KVM's vCPUs are not x86-64's, which the benchmark is written for.
#include <stdio.h>

#include "common/refuse.h"
#include "sides.h"

static void* open_bare(const vs_side_setup* setup, vs_why* reason) {
  (void)setup;
  vs_refuse(reason, "the benchmark is written for vCPUs of x86-64");
  return NULL;
}

static uint64_t turn_bare(void* self, uint64_t count) {
  (void)self, (void)count;
  return 0;
}

static void close_bare(void* self) {
  (void)self;
}

const vs_side vs_side_bare_kvm = {open_bare, turn_bare, close_bare, false};
const vs_side vs_side_bare_trap = {open_bare, turn_bare, close_bare, false};
const vs_side vs_side_bare_bell = {open_bare, turn_bare, close_bare, false};
const vs_side vs_side_bare_interrupt = {open_bare, turn_bare, close_bare, false};
