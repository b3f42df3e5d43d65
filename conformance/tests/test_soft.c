// SPDX-License-Identifier: BSD-3-Clause
// What of soft no case judges: ports, traps, memory, and the resource, by its calls.
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "soft/soft.h"

#define CALL(name, ...) (vs_backend_soft.calls->name(__VA_ARGS__))
enum { PAGE = 4096 };

static void* const BAD = (void*)8;  // nothing is mapped there

static zx_handle_t guest, vmar, port, event, vmo;

static void open_row(const vs_backend* row) {
  vs_why reason;
  cr_assert(row->open(&reason), "%s", reason.text);
  cr_assert_eq(CALL(guest_create, row->resource, 0, &guest, &vmar), ZX_OK);
  cr_assert_eq(CALL(port_create, 0, &port), ZX_OK);
  cr_assert_eq(CALL(event_create, 0, &event), ZX_OK);
  cr_assert_eq(CALL(vmo_create, 4 * PAGE, 0, &vmo), ZX_OK);
}

static zx_handle_t without(zx_handle_t handle, zx_rights_t rights, zx_rights_t all) {
  zx_handle_t lesser = ZX_HANDLE_INVALID;
  cr_assert_eq(CALL(handle_duplicate, handle, all & ~rights, &lesser), ZX_OK);
  return lesser;
}

static zx_time_t in(double seconds) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (zx_time_t)now.tv_sec * 1000000000 + now.tv_nsec + (zx_time_t)(seconds * 1e9);
}

// ---- The resource.

Test(resource, is_checked_first_and_nothing_is_left) {
  open_row(&vs_backend_soft);
  zx_handle_t a = 7, b = 7;
  const zx_handle_t resource = vs_backend_soft.resource;
  const struct {
    zx_handle_t resource;
    uint32_t options;
    zx_handle_t* guest;
    zx_handle_t* vmar;
    zx_status_t status;
  } rows[] = {
      {ZX_HANDLE_INVALID, 1, &a, &b, ZX_ERR_BAD_HANDLE},
      {event, 1, &a, &b, ZX_ERR_WRONG_TYPE},
      {resource, 1, &a, &b, ZX_ERR_INVALID_ARGS},
      {resource, 0, BAD, &b, ZX_ERR_INVALID_ARGS},
      {resource, 0, &a, BAD, ZX_ERR_INVALID_ARGS},
  };
  // More often than the table has slots: a handle that stayed would fill it.
  for (unsigned i = 0; i < 5000; i++) {
    const unsigned n = i % (sizeof rows / sizeof rows[0]);
    const zx_status_t got =
        CALL(guest_create, rows[n].resource, rows[n].options, rows[n].guest, rows[n].vmar);
    cr_assert_eq(got, rows[n].status, "row %u: %d", n, got);
    cr_assert(a == 7 && b == 7, "row %u", n);
  }
  vs_backend_soft.close();
}

Test(resource, comes_back_with_the_next_open) {
  vs_why reason;
  zx_handle_t a, b;
  open_row(&vs_backend_soft);
  cr_assert_eq(CALL(handle_close, vs_backend_soft.resource), ZX_OK);
  cr_assert_eq(CALL(guest_create, vs_backend_soft.resource, 0, &a, &b), ZX_ERR_BAD_HANDLE);
  vs_backend_soft.close();
  cr_assert(vs_backend_soft.open(&reason));
  cr_assert_eq(CALL(guest_create, vs_backend_soft.resource, 0, &a, &b), ZX_OK);
  vs_backend_soft.close();
}

// ---- Traps.

typedef struct trap_row {
  uint32_t kind;
  uint64_t addr, size;
  zx_handle_t* port;
  zx_status_t status;
} trap_row;

static void set_traps(const vs_backend* row, const trap_row* rows, size_t count) {
  open_row(row);
  for (size_t i = 0; i < count; i++) {
    const zx_handle_t to = rows[i].port != NULL ? *rows[i].port : ZX_HANDLE_INVALID;
    const zx_status_t got =
        CALL(guest_set_trap, guest, rows[i].kind, rows[i].addr, rows[i].size, to, 1);
    cr_expect_eq(got, rows[i].status, "%s, row %zu: %d, not %d", row->name, i, got, rows[i].status);
  }
  row->close();
}

#define SET_TRAPS(row, rows) set_traps(&(row), rows, sizeof(rows) / sizeof(rows)[0])

enum { BELL = ZX_GUEST_TRAP_BELL, MEM = ZX_GUEST_TRAP_MEM, IO = ZX_GUEST_TRAP_IO };
#define X64_END ((uint64_t)1 << 48)
#define ARM64_END ((uint64_t)1 << 36)

static const trap_row page_x64[] = {
    {3, 0, PAGE, NULL, ZX_ERR_INVALID_ARGS},
    {MEM, 0, PAGE, &port, ZX_ERR_INVALID_ARGS},
    {MEM, 0, PAGE, &event, ZX_ERR_WRONG_TYPE},
    {BELL, 0, PAGE, NULL, ZX_ERR_INVALID_ARGS},
    {IO, 0, 1, &port, ZX_ERR_INVALID_ARGS},
    {MEM, 1, PAGE, NULL, ZX_ERR_INVALID_ARGS},
    {BELL, 0, PAGE + 1, &port, ZX_ERR_INVALID_ARGS},
    {MEM, 0, 0, NULL, ZX_ERR_INVALID_ARGS},
    {IO, 0, 0, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, X64_END, PAGE, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, X64_END - PAGE, 2 * PAGE, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, UINT64_MAX - PAGE + 1, PAGE, NULL, ZX_ERR_OUT_OF_RANGE},
    {IO, 0x10000, 1, NULL, ZX_ERR_OUT_OF_RANGE},
    {IO, 0xffff, 2, NULL, ZX_ERR_OUT_OF_RANGE},
    {BELL, 0xfee00000, 2 * PAGE, &port, ZX_ERR_INVALID_ARGS},
    {BELL, 0xfee00000, PAGE, &port, ZX_OK},
    {MEM, 4 * PAGE, 2 * PAGE, NULL, ZX_OK},
    {BELL, 5 * PAGE, PAGE, &port, ZX_ERR_ALREADY_EXISTS},
    {MEM, 3 * PAGE, 4 * PAGE, NULL, ZX_ERR_ALREADY_EXISTS},
    {BELL, 6 * PAGE, PAGE, &port, ZX_OK},
    {MEM, X64_END - PAGE, PAGE, NULL, ZX_OK},
    {IO, 0xffff, 1, NULL, ZX_OK},
    {IO, 4 * PAGE, PAGE, NULL, ZX_OK},
    {IO, 5 * PAGE - 1, 1, NULL, ZX_ERR_ALREADY_EXISTS},
};

static const trap_row page_arm64[] = {
    {IO, 0, 1, NULL, ZX_ERR_NOT_SUPPORTED},
    {IO, 0, 1, &port, ZX_ERR_NOT_SUPPORTED},
    {MEM, ARM64_END, PAGE, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, 0xfee00000, 2 * PAGE, NULL, ZX_OK},
};

static const trap_row x64_2023[] = {
    {IO, 0xffff, 1, NULL, ZX_ERR_OUT_OF_RANGE},      {IO, 0, 0, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, X64_END, PAGE, NULL, ZX_ERR_INVALID_ARGS}, {MEM, 0, 2 * PAGE, NULL, ZX_OK},
    {MEM, PAGE, PAGE, NULL, ZX_ERR_ALREADY_EXISTS},  {MEM, 0xfee00000, 2 * PAGE, NULL, ZX_OK},
};

static const trap_row x64_2018[] = {
    {IO, 0, 0, NULL, ZX_ERR_INVALID_ARGS},
    {9, 0, 0, NULL, ZX_ERR_INVALID_ARGS},
    {9, UINT64_MAX, 2, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, 0, PAGE, &event, ZX_ERR_ACCESS_DENIED},
    {MEM, 0, 2 * PAGE, NULL, ZX_OK},
    {BELL, PAGE, PAGE, &port, ZX_OK},
    {MEM, PAGE, 4 * PAGE, NULL, ZX_ERR_ALREADY_EXISTS},
    {IO, 0xffff, 1, NULL, ZX_ERR_OUT_OF_RANGE},
};

static const trap_row arm64_2018[] = {
    {IO, UINT64_MAX, 2, NULL, ZX_ERR_NOT_SUPPORTED},
    {MEM, UINT64_MAX, 2, NULL, ZX_ERR_OUT_OF_RANGE},
    {MEM, ARM64_END, PAGE, NULL, ZX_ERR_INVALID_ARGS},
    {MEM, 0, PAGE, NULL, ZX_OK},
};

Test(traps, as_the_page_has_them) {
  SET_TRAPS(vs_backend_soft, page_x64);
  SET_TRAPS(vs_backend_soft_arm64, page_arm64);
}

Test(traps, as_kernels_had_them) {
  SET_TRAPS(vs_backend_soft_2023, x64_2023);
  SET_TRAPS(vs_backend_soft_2018, x64_2018);
  SET_TRAPS(vs_backend_soft_arm64_2018, arm64_2018);
}

Test(traps, need_the_rights_and_end_with_their_guest) {
  open_row(&vs_backend_soft);
  const zx_handle_t g = without(guest, ZX_RIGHT_WRITE, ZX_DEFAULT_GUEST_RIGHTS);
  const zx_handle_t p = without(port, ZX_RIGHT_WRITE, ZX_DEFAULT_PORT_RIGHTS);
  cr_expect_eq(CALL(guest_set_trap, g, BELL, 0, PAGE, p, 1), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(guest_set_trap, guest, BELL, 0, PAGE, p, 1), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(guest_set_trap, guest, BELL, 0, PAGE, 3, 1), ZX_ERR_BAD_HANDLE);
  cr_expect_eq(CALL(guest_set_trap, guest, BELL, 0, PAGE, port, 1), ZX_OK);
  cr_expect_eq(CALL(handle_close, guest), ZX_OK);
  cr_expect_eq(CALL(guest_set_trap, g, BELL, 0, PAGE, port, 1), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(handle_close, g), ZX_OK);
  cr_expect_eq(CALL(vmar_unmap, vmar, 0, PAGE), ZX_ERR_BAD_STATE, "its guest has ended");
  vs_backend_soft.close();
}

// ---- vCPUs.

Test(vcpus, are_refused_in_order_and_leave_the_thread_free) {
  open_row(&vs_backend_soft);
  zx_handle_t out = ZX_HANDLE_INVALID;
  cr_expect_eq(CALL(vcpu_create, 0, 1, 0, &out), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vcpu_create, 0, 0, X64_END, &out), ZX_ERR_BAD_HANDLE);
  cr_expect_eq(CALL(vcpu_create, guest, 0, X64_END, &out), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vcpu_create, guest, 0, 0, BAD), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vcpu_create, guest, 0, 0, &out), ZX_OK);
  cr_expect_eq(CALL(vcpu_create, guest, 0, X64_END, BAD), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vcpu_create, guest, 0, 0, BAD), ZX_ERR_BAD_STATE);
  cr_expect_eq(CALL(vcpu_interrupt, out, 256), ZX_ERR_OUT_OF_RANGE);
  vs_backend_soft.close();
}

Test(vcpus, as_kernels_had_them) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  open_row(&vs_backend_soft_2018);
  for (unsigned i = 0; i < 64; i++) cr_assert_eq(CALL(vcpu_create, guest, 0, 0, &out), ZX_OK);
  cr_expect_eq(CALL(vcpu_create, guest, 0, 0, &out), ZX_ERR_NO_RESOURCES);
  cr_expect_eq(CALL(vcpu_interrupt, out, 256), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(guest_create, 0, 1, &guest, &vmar), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vcpu_kick, out & ~1u), ZX_OK);
  vs_backend_soft_2018.close();
  open_row(&vs_backend_soft_2023);
  cr_expect_eq(CALL(vcpu_create, guest, 0, 0, &out), ZX_OK);
  cr_expect_eq(CALL(vcpu_interrupt, out, 256), ZX_OK);
  vs_backend_soft_2023.close();
}

// ---- Ports.

static zx_status_t queue(uint64_t key, uint32_t type) {
  const zx_port_packet_t packet = {.key = key, .type = type, .status = -5, .bytes = {1, 2}};
  return CALL(port_queue, port, &packet);
}

Test(ports, first_in_is_first_out) {
  open_row(&vs_backend_soft);
  zx_port_packet_t got;
  cr_expect_eq(CALL(port_wait, port, 0, &got), ZX_ERR_TIMED_OUT);
  cr_expect_eq(CALL(port_wait, port, in(0.05), &got), ZX_ERR_TIMED_OUT);
  cr_expect_eq(queue(1, ZX_PKT_TYPE_USER), ZX_OK);
  cr_expect_eq(queue(2, ZX_PKT_TYPE_USER), ZX_OK);
  cr_expect_eq(queue(3, ZX_PKT_TYPE_GUEST_BELL), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(port_queue, port, BAD), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(port_wait, port, INT64_MIN, BAD), ZX_ERR_INVALID_ARGS);
  for (uint64_t key = 1; key <= 2; key++) {
    cr_expect_eq(CALL(port_wait, port, INT64_MIN, &got), ZX_OK);
    cr_expect(got.key == key && got.type == ZX_PKT_TYPE_USER && got.status == -5);
    cr_expect(got.bytes[0] == 1 && got.bytes[1] == 2 && got.bytes[2] == 0);
  }
  cr_expect_eq(CALL(port_wait, port, 0, &got), ZX_ERR_TIMED_OUT);
  vs_backend_soft.close();
}

Test(ports, hold_no_more_than_their_limit) {
  open_row(&vs_backend_soft);
  unsigned held = 0;
  while (held < 10000 && queue(held, ZX_PKT_TYPE_USER) == ZX_OK) held++;
  cr_expect_eq(held, 4097);
  cr_expect_eq(queue(held, ZX_PKT_TYPE_USER), ZX_ERR_SHOULD_WAIT);
  vs_backend_soft.close();
}

Test(ports, refuse_by_handle) {
  open_row(&vs_backend_soft);
  zx_port_packet_t p = {.type = ZX_PKT_TYPE_USER};
  const zx_handle_t mute = without(port, ZX_RIGHT_READ | ZX_RIGHT_WRITE, ZX_DEFAULT_PORT_RIGHTS);
  cr_expect_eq(CALL(port_wait, mute, 0, &p), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(port_wait, event, 0, &p), ZX_ERR_WRONG_TYPE);
  cr_expect_eq(CALL(port_wait, 0, 0, &p), ZX_ERR_BAD_HANDLE);
  cr_expect_eq(CALL(port_queue, mute, &p), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(port_cancel, mute, 0, 0), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(port_cancel, port, 0, 0), ZX_ERR_BAD_HANDLE);
  cr_expect_eq(CALL(port_cancel, port, event, 0), ZX_ERR_NOT_FOUND);
  cr_expect_eq(CALL(port_cancel, port, port, 0), ZX_ERR_NOT_SUPPORTED);
  vs_backend_soft.close();
}

typedef struct waiter {
  pthread_t thread;
  zx_time_t deadline;
  zx_status_t status;
  zx_port_packet_t packet;
} waiter;

static void* wait_for_packet(void* argument) {
  waiter* w = argument;
  w->status = CALL(port_wait, port, w->deadline, &w->packet);
  return NULL;
}

enum { WAITERS = 4 };

static void start(waiter* waiters, zx_time_t deadline) {
  for (unsigned i = 0; i < WAITERS; i++) {
    waiters[i] = (waiter){.deadline = deadline};
    cr_assert_eq(pthread_create(&waiters[i].thread, NULL, wait_for_packet, &waiters[i]), 0);
  }
}

static void join(waiter* waiters) {
  for (unsigned i = 0; i < WAITERS; i++) pthread_join(waiters[i].thread, NULL);
}

Test(ports, each_waiting_thread_takes_one) {
  open_row(&vs_backend_soft);
  waiter waiters[WAITERS];
  uint64_t keys = 0;
  start(waiters, ZX_TIME_INFINITE);
  for (unsigned i = 0; i < WAITERS; i++) cr_expect_eq(queue(1u << i, ZX_PKT_TYPE_USER), ZX_OK);
  join(waiters);
  for (unsigned i = 0; i < WAITERS; i++) {
    cr_expect_eq(waiters[i].status, ZX_OK);
    keys |= waiters[i].packet.key;
  }
  cr_expect_eq(keys, (1u << WAITERS) - 1);
  vs_backend_soft.close();
}

static void settle(void) {
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

Test(ports, a_closed_one_wakes_nobody) {
  open_row(&vs_backend_soft);
  waiter waiters[WAITERS];
  start(waiters, in(0.2));
  settle();
  cr_expect_eq(CALL(handle_close, port), ZX_OK);
  join(waiters);
  for (unsigned i = 0; i < WAITERS; i++) {
    cr_expect(waiters[i].status == ZX_ERR_TIMED_OUT || waiters[i].status == ZX_ERR_BAD_HANDLE);
  }
  vs_backend_soft.close();
}

Test(ports, close_ends_what_waits) {
  open_row(&vs_backend_soft);
  waiter waiters[WAITERS];
  start(waiters, ZX_TIME_INFINITE);
  settle();
  vs_backend_soft.close();
  join(waiters);
  for (unsigned i = 0; i < WAITERS; i++) {
    cr_expect(waiters[i].status == ZX_ERR_CANCELED || waiters[i].status == ZX_ERR_BAD_HANDLE);
  }
}

// ---- Memory.

Test(memory, is_read_and_written) {
  static uint8_t in_it[4 * PAGE], out[4 * PAGE];
  open_row(&vs_backend_soft);
  for (unsigned i = 0; i < sizeof in_it; i++) in_it[i] = (uint8_t)(i * 7 + i / 256);
  cr_expect_eq(CALL(vmo_read, vmo, out, 0, sizeof out), ZX_OK);
  cr_expect(out[0] == 0 && memcmp(out, out + 1, sizeof out - 1) == 0, "not zero at first");
  cr_expect_eq(CALL(vmo_write, vmo, in_it, 3, 3 * PAGE), ZX_OK);
  cr_expect_eq(CALL(vmo_read, vmo, out, 3, 3 * PAGE), ZX_OK);
  cr_expect_eq(memcmp(out, in_it, 3 * PAGE), 0);
  cr_expect_eq(CALL(vmo_read, vmo, out, 4 * PAGE, 0), ZX_OK);
  cr_expect_eq(CALL(vmo_read, vmo, out, 4 * PAGE, 1), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(vmo_write, vmo, in_it, UINT64_MAX, 2), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(vmo_write, vmo, in_it, 1, SIZE_MAX), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(vmo_read, vmo, BAD, 0, 1), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmo_write, vmo, BAD, 0, 1), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmo_write, port, in_it, 0, 1), ZX_ERR_WRONG_TYPE);
  vs_backend_soft.close();
}

Test(memory, has_a_size) {
  open_row(&vs_backend_soft);
  zx_handle_t out = ZX_HANDLE_INVALID;
  uint8_t byte = 0;
  cr_expect_eq(CALL(vmo_create, UINT64_MAX, 0, &out), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(vmo_create, UINT64_MAX, 1, &out), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmo_create, 1, 0, BAD), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmo_create, 0, 0, &out), ZX_OK);
  cr_expect_eq(CALL(vmo_read, out, &byte, 0, 1), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(CALL(vmo_create, 1, 0, &out), ZX_OK);
  cr_expect_eq(CALL(vmo_write, out, &byte, PAGE - 1, 1), ZX_OK);
  vs_backend_soft.close();
}

enum { R = ZX_VM_PERM_READ, W = ZX_VM_PERM_WRITE, X = ZX_VM_PERM_EXECUTE, AT = ZX_VM_SPECIFIC };

Test(memory, is_mapped) {
  open_row(&vs_backend_soft);
  const zx_handle_t unmappable = without(vmo, ZX_RIGHT_MAP, ZX_DEFAULT_VMO_RIGHTS);
  const zx_handle_t unreadable = without(vmar, ZX_RIGHT_READ, ZX_DEFAULT_VMAR_RIGHTS);
  uint64_t at = 0;
  const struct {
    zx_handle_t vmar;
    uint32_t options;
    uint64_t offset;
    zx_handle_t vmo;
    uint64_t vmo_offset, length;
    uint64_t* out;
    zx_status_t status;
  } rows[] = {
      {0, AT | R, 0, vmo, 0, PAGE, &at, ZX_ERR_BAD_HANDLE},
      {vmo, AT | R, 0, vmo, 0, PAGE, &at, ZX_ERR_WRONG_TYPE},
      {vmar, AT | R, 0, vmar, 0, PAGE, &at, ZX_ERR_WRONG_TYPE},
      {vmar, AT | R, 0, unmappable, 0, PAGE, &at, ZX_ERR_ACCESS_DENIED},
      {unreadable, AT | R, 0, vmo, 0, PAGE, &at, ZX_ERR_ACCESS_DENIED},
      {vmar, AT | R | X, 0, vmo, 0, PAGE, &at, ZX_ERR_ACCESS_DENIED},
      {vmar, AT | W, 0, vmo, 0, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R | 1u << 31, 0, vmo, 0, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, R, PAGE, vmo, 0, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, 1, vmo, 0, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, 0, vmo, 1, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, 0, vmo, 0, 0, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, 0, vmo, 0, PAGE + 1, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, X64_END, vmo, 0, PAGE, &at, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R, 0, vmo, UINT64_MAX - PAGE + 1, PAGE, &at, ZX_ERR_OUT_OF_RANGE},
      {vmar, AT | R, 0, vmo, PAGE, 4 * PAGE, &at, ZX_ERR_BUFFER_TOO_SMALL},
      {vmar, AT | R, 0, vmo, 0, PAGE, BAD, ZX_ERR_INVALID_ARGS},
      {vmar, AT | R | W, 0, vmo, 0, 4 * PAGE, &at, ZX_OK},
      {vmar, AT | R, 3 * PAGE, vmo, 0, PAGE, &at, ZX_ERR_ALREADY_EXISTS},
      {vmar, AT | R, 4 * PAGE, vmo, 0, PAGE, &at, ZX_OK},
      {vmar, R, 0, vmo, 0, 2 * PAGE, &at, ZX_OK},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const zx_status_t got = CALL(vmar_map, rows[i].vmar, rows[i].options, rows[i].offset,
                                 rows[i].vmo, rows[i].vmo_offset, rows[i].length, rows[i].out);
    cr_expect_eq(got, rows[i].status, "row %u: %d, not %d", i, got, rows[i].status);
  }
  cr_expect_eq(at, 5 * PAGE, "the first gap, not at 0");
  vs_backend_soft.close();
}

// Pages 0 to 3 are mapped at first.
Test(memory, is_unmapped_in_part) {
  open_row(&vs_backend_soft);
  uint64_t at = 0;
  cr_assert_eq(CALL(vmar_map, vmar, AT | R | W, 0, vmo, 0, 4 * PAGE, &at), ZX_OK);
  const zx_handle_t unreadable = without(vmar, ZX_RIGHT_READ, ZX_DEFAULT_VMAR_RIGHTS);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 0, 4 * PAGE), ZX_OK);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 0, 5 * PAGE), ZX_ERR_NOT_FOUND);
  cr_expect_eq(CALL(vmar_protect, vmar, R | X, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(vmar_protect, vmar, W, 0, PAGE), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmar_protect, vmar, R | AT, 0, PAGE), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmar_protect, unreadable, R, 0, PAGE), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(CALL(vmar_unmap, vmar, 0, 0), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmar_unmap, vmar, 1, PAGE), ZX_ERR_INVALID_ARGS);
  cr_expect_eq(CALL(vmar_unmap, vmar, 4 * PAGE, PAGE), ZX_ERR_NOT_FOUND);
  cr_expect_eq(CALL(vmar_unmap, vmar, PAGE, PAGE), ZX_OK);
  cr_expect_eq(CALL(vmar_unmap, vmar, PAGE, PAGE), ZX_ERR_NOT_FOUND);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 0, 4 * PAGE), ZX_ERR_NOT_FOUND);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 0, PAGE), ZX_OK);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 2 * PAGE, 2 * PAGE), ZX_OK);
  cr_expect_eq(CALL(handle_close, vmo), ZX_OK);
  cr_expect_eq(CALL(vmar_unmap, vmar, 0, 8 * PAGE), ZX_OK);
  cr_expect_eq(CALL(vmar_protect, vmar, R, 0, PAGE), ZX_ERR_NOT_FOUND);
  vs_backend_soft.close();
}

Test(memory, under_a_trap_of_a_kernel_is_unmapped) {
  const struct {
    const vs_backend* row;
    zx_status_t status;
  } rows[] = {{&vs_backend_soft, ZX_OK}, {&vs_backend_soft_2023, ZX_ERR_NOT_FOUND}};
  for (unsigned i = 0; i < 2; i++) {
    uint64_t at = 0;
    open_row(rows[i].row);
    cr_assert_eq(CALL(vmar_map, vmar, AT | R, 0, vmo, 0, 4 * PAGE, &at), ZX_OK);
    cr_expect_eq(CALL(guest_set_trap, guest, MEM, PAGE, PAGE, 0, 1), ZX_OK);
    cr_expect_eq(CALL(vmar_protect, vmar, R, PAGE, PAGE), rows[i].status);
    rows[i].row->close();
  }
}

// ---- Guests that meet traps. Of x86-64: what they run is at 0, and 0xd0 is a trapped port.

enum { CODE = 0, TRAPPED = 0x10000, STORE_SIZE = 8, OUT_PORT = 0xd0, FULL = 4097 };

#define STORE "\x48\x89\x04\x25\x00\x00\x01\x00"  // mov %rax, 0x10000
#define LOAD "\x48\x8b\x04\x25\x00\x00\x01\x00"   // mov 0x10000, %rax
#define OUT "\xe6\xd0"                            // out %al, $0xd0

static zx_handle_t enter_with(const void* code, size_t size) {
  zx_handle_t executable = ZX_HANDLE_INVALID;
  zx_handle_t vcpu = ZX_HANDLE_INVALID;
  uint64_t at = 0;
  open_row(&vs_backend_soft);
  cr_assert_eq(CALL(vmo_write, vmo, code, CODE, size), ZX_OK);
  cr_assert_eq(CALL(vmo_replace_as_executable, vmo, ZX_HANDLE_INVALID, &executable), ZX_OK);
  cr_assert_eq(CALL(vmar_map, vmar, AT | R | W | X, 0, executable, 0, 4 * PAGE, &at), ZX_OK);
  cr_assert_eq(CALL(guest_set_trap, guest, ZX_GUEST_TRAP_IO, OUT_PORT, 1, 0, 5), ZX_OK);
  cr_assert_eq(CALL(vcpu_create, guest, 0, CODE, &vcpu), ZX_OK);
  return vcpu;
}

static void leaves_by_port(zx_handle_t vcpu) {
  zx_port_packet_t packet;
  cr_assert_eq(CALL(vcpu_enter, vcpu, &packet), ZX_OK);
  cr_expect_eq(packet.type, ZX_PKT_TYPE_GUEST_IO);
  cr_expect_eq(packet.key, 5);
}

Test(guests, leave_by_a_trap_of_memory_and_go_on_behind_it) {
  const zx_handle_t vcpu = enter_with(STORE OUT, sizeof STORE OUT - 1);
  zx_port_packet_t packet;
  cr_assert_eq(CALL(guest_set_trap, guest, MEM, TRAPPED, PAGE, 0, 9), ZX_OK);
  cr_assert_eq(CALL(vcpu_enter, vcpu, &packet), ZX_OK);
  cr_expect_eq(packet.type, ZX_PKT_TYPE_GUEST_MEM);
  cr_expect_eq(packet.key, 9);
  cr_expect_eq(packet.guest_mem_x64.addr, TRAPPED);
  cr_expect_eq(packet.guest_mem_x64.rip, CODE);
  cr_expect_eq(packet.guest_mem_x64.instruction_size, STORE_SIZE);
  cr_expect_eq(packet.guest_mem_x64.default_operand_size, 4);
  leaves_by_port(vcpu);
  vs_backend_soft.close();
}

Test(guests, ring_bells_and_go_on) {
  const zx_handle_t vcpu = enter_with(STORE OUT, sizeof STORE OUT - 1);
  zx_port_packet_t packet;
  cr_assert_eq(CALL(guest_set_trap, guest, ZX_GUEST_TRAP_BELL, TRAPPED, PAGE, port, 9), ZX_OK);
  leaves_by_port(vcpu);
  cr_assert_eq(CALL(port_wait, port, 0, &packet), ZX_OK);
  cr_expect_eq(packet.type, ZX_PKT_TYPE_GUEST_BELL);
  cr_expect_eq(packet.key, 9);
  cr_expect_eq(packet.guest_bell.addr, TRAPPED);
  cr_expect_eq(CALL(port_wait, port, 0, &packet), ZX_ERR_TIMED_OUT);
  vs_backend_soft.close();
}

// Whatever comes of it, the access is behind the guest then.
Test(guests, do_not_ring_by_reading_or_without_a_port) {
  const struct {
    const char* code;
    bool closed;
    zx_status_t status;
  } rows[] = {{LOAD OUT, false, ZX_ERR_NOT_SUPPORTED}, {STORE OUT, true, ZX_ERR_BAD_STATE}};
  for (unsigned i = 0; i < 2; i++) {
    const zx_handle_t vcpu = enter_with(rows[i].code, sizeof STORE OUT - 1);
    zx_port_packet_t packet;
    cr_assert_eq(CALL(guest_set_trap, guest, ZX_GUEST_TRAP_BELL, TRAPPED, PAGE, port, 9), ZX_OK);
    if (rows[i].closed) cr_assert_eq(CALL(handle_close, port), ZX_OK);
    cr_expect_eq(CALL(vcpu_enter, vcpu, &packet), rows[i].status);
    leaves_by_port(vcpu);
    vs_backend_soft.close();
  }
}

static void* kick_later(void* vcpu) {
  const struct timespec while_it_waits = {.tv_nsec = 50000000};
  nanosleep(&while_it_waits, NULL);
  cr_expect_eq(CALL(vcpu_kick, *(const zx_handle_t*)vcpu), ZX_OK);
  return NULL;
}

Test(guests, wait_for_a_port_that_is_full, .timeout = 60) {
  zx_handle_t vcpu = enter_with(STORE OUT, sizeof STORE OUT - 1);
  zx_port_packet_t packet = {.type = ZX_PKT_TYPE_USER};
  pthread_t thread;
  cr_assert_eq(CALL(guest_set_trap, guest, ZX_GUEST_TRAP_BELL, TRAPPED, PAGE, port, 9), ZX_OK);
  for (unsigned i = 0; i < FULL; i++) cr_assert_eq(CALL(port_queue, port, &packet), ZX_OK);
  cr_assert_eq(pthread_create(&thread, NULL, kick_later, &vcpu), 0);
  cr_expect_eq(CALL(vcpu_enter, vcpu, &packet), ZX_ERR_CANCELED);
  pthread_join(thread, NULL);
  cr_assert_eq(CALL(port_wait, port, 0, &packet), ZX_OK);
  leaves_by_port(vcpu);
  vs_backend_soft.close();
}

Test(guests, are_refused_what_is_not_known_or_not_there) {
  const struct {
    const char* code;
    size_t size;
    zx_status_t status;
  } rows[] = {{"\x0f\x0b", 2, ZX_ERR_NOT_SUPPORTED},  // ud2
              {STORE, STORE_SIZE, ZX_ERR_NOT_FOUND},  // nothing is mapped there
              {"\xe6\xd1", 2, ZX_ERR_NOT_FOUND}};     // a port without a trap
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const zx_handle_t vcpu = enter_with(rows[i].code, rows[i].size);
    zx_port_packet_t packet;
    cr_expect_eq(CALL(vcpu_enter, vcpu, &packet), rows[i].status, "row %u", i);
    cr_expect_eq(CALL(vcpu_enter, vcpu, &packet), rows[i].status, "row %u: it is the next again",
                 i);
    vs_backend_soft.close();
  }
}
