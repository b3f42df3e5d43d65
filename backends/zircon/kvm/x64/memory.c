// SPDX-License-Identifier: BSD-3-Clause
// Guest and host see the same memory.
#include "arch.h"
#include "machine.h"

void vs_kvm_arch_wrote(void* at, size_t size) {
  (void)at, (void)size;
}

void vs_kvm_arch_will_read(const void* at, size_t size) {
  (void)at, (void)size;
}
