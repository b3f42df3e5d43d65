// SPDX-License-Identifier: BSD-3-Clause
// What the KVM backend's machine does with memory slots, on this host's KVM. No call of the
// documented ones reaches all of it on x86-64: traps on memory are arm64's.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

enum { PAGE = 4096, PAGES = 8 };

static vs_kvm_machines machines;
static vs_kvm_vm* vm;
static uint8_t* memory;

static void set_up(void) {
  int error = 0;
  machines.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (machines.kvm_fd < 0) cr_skip_test("this machine has no /dev/kvm that can be used");
  vm = vs_kvm_vm_take(&machines, &error);
  if (vm == NULL) cr_skip_test("this machine's KVM makes no VM");
  memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert(memory != MAP_FAILED);
  cr_assert(vs_kvm_vm_map(vm, 0x10 * PAGE, memory, PAGES * PAGE, true) == 0);
}

static void tear_down(void) {
  if (vm != NULL) vs_kvm_vm_give(&machines, vm);
  vs_kvm_vm_drop_parked(&machines);
  close(machines.kvm_fd);
}

// Which of the pages are mapped, and to their place: a letter each.
static void expect_pages(const char* expected) {
  char found[PAGES + 1] = {0};
  for (size_t i = 0; i < PAGES; i++) {
    const uint8_t* at = vs_kvm_vm_find(vm, (0x10 + i) * PAGE, PAGE);
    found[i] = at == NULL ? '-' : '?';
    if (at == memory + i * PAGE) found[i] = 'm';
  }
  cr_expect_str_eq(found, expected, "pages are %s, not %s", found, expected);
}

// What KVM thinks of a page: it refuses what overlaps, and nothing else.
static bool kvm_has(size_t page) {
  const int result = vs_kvm_vm_map(vm, (0x10 + page) * PAGE, memory, PAGE, true);
  if (result == 0) vs_kvm_vm_unmap(vm, (0x10 + page) * PAGE, PAGE);
  return result == -EEXIST;
}

static void expect_kvm_agrees(const char* expected) {
  expect_pages(expected);
  for (size_t i = 0; i < PAGES; i++) {
    cr_expect(kvm_has(i) == (expected[i] == 'm'), "page %zu of %s", i, expected);
  }
}

static void cut(size_t page, size_t pages, const char* expected) {
  cr_assert(vs_kvm_vm_unmap(vm, (0x10 + page) * PAGE, pages * PAGE) == 0);
  expect_kvm_agrees(expected);
}

TestSuite(slots, .init = set_up, .fini = tear_down);

Test(slots, cut_in_the_middle) {
  cut(3, 2, "mmm--mmm");
}

Test(slots, cut_at_the_ends) {
  cut(0, 1, "-mmmmmmm");
  cut(7, 1, "-mmmmmm-");
}

Test(slots, cut_over_two_pieces) {
  cut(3, 1, "mmm-mmmm");
  cut(2, 3, "mm---mmm");
}

Test(slots, cut_all_and_more) {
  cr_assert(vs_kvm_vm_unmap(vm, 0, 0x100 * PAGE) == 0);
  expect_kvm_agrees("--------");
}

Test(slots, cut_beside_changes_nothing) {
  cr_assert(vs_kvm_vm_unmap(vm, 0, 0x10 * PAGE) == 0);
  cr_assert(vs_kvm_vm_unmap(vm, (0x10 + PAGES) * PAGE, PAGE) == 0);
  expect_kvm_agrees("mmmmmmmm");
}

Test(slots, nothing_is_found_across_an_end) {
  const uint64_t last = (0x10 + PAGES) * PAGE - 1;
  cr_expect(vs_kvm_vm_find(vm, last, 1) == memory + PAGES * PAGE - 1);
  cr_expect(vs_kvm_vm_find(vm, last, 2) == NULL);
  cr_expect(vs_kvm_vm_find(vm, 0x10 * PAGE - 1, 2) == NULL);
  cr_expect(vs_kvm_vm_find(vm, UINT64_MAX, 1) == NULL);
}

// A cut that needs one more slot than there is leaves everything as it was.
Test(slots, cut_without_a_slot_to_spare) {
  for (unsigned i = 1; i < VS_KVM_MAX_SLOTS; i++) {
    cr_assert(vs_kvm_vm_map(vm, (0x100 + i) * PAGE, memory, PAGE, true) == 0);
  }
  cr_expect(vs_kvm_vm_unmap(vm, 0x12 * PAGE, PAGE) == -ENOSPC);
  expect_pages("mmmmmmmm");
  cr_expect(vs_kvm_vm_unmap(vm, 0x10 * PAGE, PAGE) == 0);
  expect_pages("-mmmmmmm");
}
