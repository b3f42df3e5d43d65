// SPDX-License-Identifier: BSD-3-Clause
// With the MMU off a guest reads and writes past the caches (unless the processor has FEAT_S2FWB),
// whereas this process goes through them. So what is written here is pushed to memory, with what
// the guest may hold of it as instructions; and before a look at what the guest has written, what
// the caches have of it is dropped. Pushing comes first in that too, so nothing is lost: the
// guest's memory is not in the caches otherwise. User code may do this under Linux.
#include "arch.h"
#include "machine.h"

#define LINE_FIELD 16u  // CTR_EL0: the data cache's shortest line, log2 of words
#define WORD 4u

static uintptr_t line_size(void) {
  uint64_t type;
  __asm__("mrs %0, ctr_el0" : "=r"(type));
  return (uintptr_t)WORD << (type >> LINE_FIELD & 15);
}

static void clean_and_drop(const void* at, size_t size) {
  const uintptr_t line = line_size();
  for (uintptr_t a = (uintptr_t)at & ~(line - 1); a < (uintptr_t)at + size; a += line) {
    __asm__ volatile("dc civac, %0" : : "r"(a) : "memory");
  }
  __asm__ volatile("dsb ish" : : : "memory");
}

void vs_kvm_arch_wrote(void* at, size_t size) {
  clean_and_drop(at, size);
  __builtin___clear_cache((char*)at, (char*)at + size);
}

void vs_kvm_arch_will_read(const void* at, size_t size) {
  clean_and_drop(at, size);
}
