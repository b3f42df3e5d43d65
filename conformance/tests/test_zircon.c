// SPDX-License-Identifier: BSD-3-Clause
// The Zircon layer of kvm and unicorn over an engine that runs nothing: what a guest does is told
// by the test, and what the layer asks of the engine is looked at.
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm64_tables.h"
#include "zircon.h"

enum { PAGE = 4096, PAGES = 8, AT = 0x10, RAX = 7 };

// --- the engine ---------------------------------------------------------------------------------

struct vs_space {
  char letter;
};
struct vs_cpu {
  char letter;
};

static vs_space the_space;
static vs_cpu the_cpu;
static vs_stretch layout[VS_STRETCHES_MAX];
static size_t stretches;
static bool refuses;  // the engine, every arrangement
static vs_exit script[600];
static size_t exits, next_exit;
static bool flag;  // the guest's, that lets interrupts in
static struct {
  vs_delivery how;
  uint8_t vector;
} taken[8];
static size_t takings;
static bool watched;
static bool refused;  // the last write of the interrupt register

static bool fake_open(vs_why* reason) {
  (void)reason;
  return true;
}
static void fake_close(void) {}
static zx_status_t fake_space_new(const vs_engine* row, vs_space** out) {
  (void)row;
  *out = &the_space;
  return ZX_OK;
}
static void fake_space_delete(vs_space* space) {
  (void)space;
}
static zx_status_t fake_arrange(vs_space* space, const vs_stretch* wanted, size_t count) {
  (void)space;
  if (refuses) return ZX_ERR_NO_RESOURCES;
  for (size_t i = 0; i < count; i++) layout[i] = wanted[i];
  stretches = count;
  return ZX_OK;
}
static zx_status_t fake_cpu_new(vs_space* space, unsigned number, uint64_t entry, vs_cpu** out) {
  (void)space, (void)number, (void)entry;
  *out = &the_cpu;
  return ZX_OK;
}
static void fake_cpu_delete(vs_cpu* cpu) {
  (void)cpu;
}
static void fake_wake(vs_cpu* cpu, bool runs) {
  (void)cpu, (void)runs;
}
static void fake_ready(vs_cpu* cpu) {
  (void)cpu;
}
static void fake_run(vs_cpu* cpu, vs_exit* out) {
  (void)cpu;
  *out = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_INTERNAL};
  if (next_exit < exits) *out = script[next_exit++];
}
static zx_status_t fake_finish(vs_cpu* cpu, const vs_exit* at, bool trapped,
                               zx_port_packet_t* packet) {
  (void)cpu;
  if (at->kind == VS_EXIT_ICR) refused = !trapped;
  if (!trapped || packet == NULL) return ZX_OK;
  packet->type = ZX_PKT_TYPE_GUEST_MEM;
  packet->guest_mem_x64.addr = at->address;
  return ZX_OK;
}
static bool fake_takes(const vs_cpu* cpu, vs_delivery how) {
  (void)cpu;
  return how != VS_DELIVER_EXTERNAL || flag;
}
static zx_status_t fake_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  (void)cpu;
  taken[takings].how = how;
  taken[takings++].vector = vector;
  return ZX_OK;
}
static void fake_watch(vs_cpu* cpu, bool wanted) {
  (void)cpu;
  watched = wanted;
}
static zx_status_t fake_read(vs_cpu* cpu, void* state) {
  (void)cpu;
  ((zx_vcpu_state_x64_t*)state)->rax = RAX;
  return ZX_OK;
}
static zx_status_t fake_write(vs_cpu* cpu, const void* state) {
  (void)cpu, (void)state;
  return ZX_OK;
}
static zx_status_t fake_write_io(vs_cpu* cpu, const zx_vcpu_io_t* io) {
  (void)cpu, (void)io;
  return ZX_OK;
}

static const vs_engine engine = {
    .arch = VS_ARCH_X64,
    .cpus = 2,
    .aspace_bits = 48,
    .has_ports = true,
    .page_tables = UINT64_MAX,
    .lone_page = UINT64_MAX,
    .beyond = ZX_ERR_OUT_OF_RANGE,
    .state_size = sizeof(zx_vcpu_state_x64_t),
    .open = fake_open,
    .close = fake_close,
    .space_new = fake_space_new,
    .space_delete = fake_space_delete,
    .space_arrange = fake_arrange,
    .cpu_new = fake_cpu_new,
    .cpu_delete = fake_cpu_delete,
    .wake = fake_wake,
    .ready = fake_ready,
    .run = fake_run,
    .finish = fake_finish,
    .takes = fake_takes,
    .deliver = fake_deliver,
    .watch = fake_watch,
    .read = fake_read,
    .write = fake_write,
    .write_io = fake_write_io,
};

// --- a guest ------------------------------------------------------------------------------------

static const vs_calls* const call = &vs_zircon_calls;
static zx_handle_t guest, vmar, vcpu, vmo;
static zx_vaddr_t mapped;
static vs_why why;

static void set_up(void) {
  cr_assert(vs_zircon_open(&engine, &why), "%s", why.text);
  cr_assert(call->guest_create(ZX_HANDLE_INVALID, 0, &guest, &vmar) == ZX_OK);
  cr_assert(call->vmo_create(PAGES * PAGE, 0, &vmo) == ZX_OK);
  cr_assert(call->vmar_map(vmar, ZX_VM_SPECIFIC | ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, AT * PAGE,
                           vmo, 0, PAGES * PAGE, &mapped) == ZX_OK);
  cr_assert(call->vcpu_create(guest, 0, 0, &vcpu) == ZX_OK);
}

static void tear_down(void) {
  vs_zircon_close();
}

static void guest_stores(uint64_t addr) {
  script[exits++] = (vs_exit){.kind = VS_EXIT_MEMORY, .address = addr};
}

TestSuite(zircon, .init = set_up, .fini = tear_down);

// --- memory -------------------------------------------------------------------------------------

// A letter for each of the guest's pages: m where it is mapped to its place, r where it is only
// readable.
static void expect_pages(const char* expected) {
  char found[PAGES + 1] = "--------";
  const uint8_t* first = NULL;
  for (size_t i = 0; i < stretches; i++) {
    const vs_stretch* s = &layout[i];
    if (s->gpa < AT * PAGE || s->gpa >= (AT + PAGES) * PAGE) continue;
    const uint8_t* base = s->host - (s->gpa - AT * PAGE);
    if (first == NULL) first = base;
    for (uint64_t at = 0; at < s->size; at += PAGE) {
      char* page = &found[(s->gpa + at) / PAGE - AT];
      cr_expect(*page == '-', "a page is mapped twice");
      *page = base != first ? '?' : (s->perms & ZX_VM_PERM_WRITE) != 0 ? 'm' : 'r';
    }
  }
  cr_expect_str_eq(found, expected, "pages are %s, not %s", found, expected);
}

static void unmap(uint64_t page, uint64_t pages, const char* expected) {
  cr_assert(call->vmar_unmap(vmar, (AT + page) * PAGE, pages * PAGE) == ZX_OK);
  expect_pages(expected);
}

Test(zircon, memory_is_cut_in_the_middle_and_at_the_ends) {
  unmap(3, 2, "mmm--mmm");
  unmap(0, 1, "-mm--mmm");
  unmap(7, 1, "-mm--mm-");
}

Test(zircon, memory_is_cut_over_two_pieces_and_beyond) {
  unmap(3, 1, "mmm-mmmm");
  unmap(2, 3, "mm---mmm");
  cr_assert(call->vmar_unmap(vmar, 0, 0x100 * PAGE) == ZX_OK);
  expect_pages("--------");
}

Test(zircon, what_is_beside_is_left_alone) {
  cr_assert(call->vmar_unmap(vmar, 0, AT * PAGE) == ZX_OK);
  cr_assert(call->vmar_unmap(vmar, (AT + PAGES) * PAGE, PAGE) == ZX_OK);
  expect_pages("mmmmmmmm");
}

Test(zircon, a_trap_takes_memory_away_until_other_memory_is_mapped_there) {
  const zx_vm_option_t options = ZX_VM_SPECIFIC | ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
  cr_assert(call->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, (AT + 2) * PAGE, PAGE, 0, 1) == ZX_OK);
  expect_pages("mm-mmmmm");
  cr_expect(call->vmar_map(vmar, options, (AT + 2) * PAGE, vmo, 2 * PAGE, 2 * PAGE, &mapped) ==
            ZX_ERR_ALREADY_EXISTS);
  cr_expect(call->vmar_map(vmar, options, (AT + 2) * PAGE, vmo, 2 * PAGE, PAGE, &mapped) == ZX_OK);
  expect_pages("mmmmmmmm");
}

Test(zircon, permissions_change_where_all_is_mapped) {
  cr_expect(call->vmar_protect(vmar, ZX_VM_PERM_READ, (AT + 1) * PAGE, 2 * PAGE) == ZX_OK);
  expect_pages("mrrmmmmm");
  unmap(4, 1, "mrrm-mmm");
  cr_expect(call->vmar_protect(vmar, ZX_VM_PERM_READ, (AT + 3) * PAGE, 2 * PAGE) ==
            ZX_ERR_NOT_FOUND);
  expect_pages("mrrm-mmm");
}

Test(zircon, permissions_do_not_go_beyond_the_handle_that_was_mapped) {
  const zx_vm_option_t options = ZX_VM_SPECIFIC | ZX_VM_PERM_READ;
  zx_handle_t narrow;
  cr_assert(call->handle_duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP, &narrow) == ZX_OK);
  unmap(0, 1, "-mmmmmmm");
  cr_assert(call->vmar_map(vmar, options, AT * PAGE, narrow, 0, PAGE, &mapped) == ZX_OK);
  expect_pages("rmmmmmmm");
  cr_expect(call->vmar_protect(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, AT * PAGE, PAGE) ==
            ZX_ERR_ACCESS_DENIED);
  expect_pages("rmmmmmmm");
}

Test(zircon, one_stretch_too_many_leaves_everything_as_it_was) {
  const zx_vm_option_t options = ZX_VM_SPECIFIC | ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
  for (uint64_t i = 1; i < VS_STRETCHES_MAX; i++) {
    cr_assert(call->vmar_map(vmar, options, (0x100 + 2 * i) * PAGE, vmo, 0, PAGE, &mapped) ==
              ZX_OK);
  }
  cr_expect(call->vmar_map(vmar, options, 0x1000 * PAGE, vmo, 0, PAGE, &mapped) ==
            ZX_ERR_NO_RESOURCES);
  cr_expect(call->vmar_unmap(vmar, (AT + 2) * PAGE, PAGE) == ZX_ERR_NO_RESOURCES);
  expect_pages("mmmmmmmm");
  unmap(0, 1, "-mmmmmmm");
}

Test(zircon, a_trap_for_which_the_engine_has_no_room_is_none) {
  refuses = true;
  cr_expect(call->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, AT * PAGE, PAGE, 0, 1) ==
            ZX_ERR_NO_RESOURCES);
  refuses = false;
  cr_expect(call->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, AT * PAGE, PAGE, 0, 1) == ZX_OK);
  expect_pages("-mmmmmmm");
}

// --- bells --------------------------------------------------------------------------------------

enum { BELL_KEY = 0x1234, BELL_AT = 0x200 * PAGE, BELLS_MAX = 256 };
static zx_handle_t port;
static zx_port_packet_t packet;

static void hang_bell(void) {
  cr_assert(call->port_create(0, &port) == ZX_OK);
  cr_assert(call->guest_set_trap(guest, ZX_GUEST_TRAP_BELL, BELL_AT, PAGE, port, BELL_KEY) ==
            ZX_OK);
  cr_assert(call->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, BELL_AT + PAGE, PAGE, 0, 5) == ZX_OK);
}

Test(zircon, a_bell_goes_to_its_port_and_the_guest_on) {
  hang_bell();
  guest_stores(BELL_AT + 8);
  guest_stores(BELL_AT + PAGE);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_OK);
  cr_expect(packet.key == 5 && packet.type == ZX_PKT_TYPE_GUEST_MEM && packet.status == 0);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_OK);
  cr_expect(packet.key == BELL_KEY && packet.type == ZX_PKT_TYPE_GUEST_BELL);
  cr_expect(packet.guest_bell.addr == BELL_AT + 8 && packet.guest_bell.reserved[0] == 0);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
}

Test(zircon, a_bell_that_is_read_is_not_supported) {
  hang_bell();
  script[exits++] = (vs_exit){.kind = VS_EXIT_MEMORY, .address = BELL_AT, .read = true};
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_NOT_SUPPORTED);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
}

Test(zircon, a_bell_of_a_port_without_handles_is_bad_state_and_the_guest_is_behind_it) {
  hang_bell();
  guest_stores(BELL_AT);
  guest_stores(BELL_AT + PAGE);
  cr_assert(call->handle_close(port) == ZX_OK);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_BAD_STATE);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_OK && packet.key == 5);
}

Test(zircon, a_guest_takes_its_own_bells_with_it_and_no_others) {
  const zx_port_packet_t own = {.key = BELL_KEY, .type = ZX_PKT_TYPE_USER};
  hang_bell();
  cr_assert(call->port_queue(port, &own) == ZX_OK);
  guest_stores(BELL_AT);
  guest_stores(BELL_AT + PAGE);
  cr_assert(call->vcpu_enter(vcpu, &packet) == ZX_OK);
  call->handle_close(vcpu);
  call->handle_close(vmar);
  call->handle_close(guest);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_OK && packet.type == ZX_PKT_TYPE_USER);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
}

static void* take_one_soon(void* result) {
  zx_port_packet_t first;
  usleep(20000);
  *(zx_status_t*)result = call->port_wait(port, 0, &first);
  return NULL;
}

Test(zircon, a_vcpu_without_a_packet_left_waits_until_one_is_taken, .timeout = 30) {
  pthread_t taker;
  zx_status_t result = ZX_ERR_INTERNAL;
  hang_bell();
  for (int i = 0; i <= BELLS_MAX; i++) guest_stores(BELL_AT);
  guest_stores(BELL_AT + PAGE);
  cr_assert(pthread_create(&taker, NULL, take_one_soon, &result) == 0);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_OK);
  pthread_join(taker, NULL);
  cr_expect(result == ZX_OK);
  for (int i = 0; i < BELLS_MAX; i++) cr_assert(call->port_wait(port, 0, &packet) == ZX_OK);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
}

static void* kick_soon(void* unused) {
  usleep(20000);
  call->vcpu_kick(vcpu);
  return unused;
}

Test(zircon, a_vcpu_that_waits_for_a_packet_can_be_kicked, .timeout = 30) {
  pthread_t kicker;
  hang_bell();
  for (int i = 0; i <= BELLS_MAX; i++) guest_stores(BELL_AT);
  cr_assert(pthread_create(&kicker, NULL, kick_soon, NULL) == 0);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
}

static void* close_soon(void* unused) {
  usleep(20000);
  call->handle_close(port);
  return unused;
}

Test(zircon, a_vcpu_that_waits_for_a_packet_ends_with_the_port, .timeout = 30) {
  pthread_t closer;
  hang_bell();
  for (int i = 0; i <= BELLS_MAX; i++) guest_stores(BELL_AT);
  cr_assert(pthread_create(&closer, NULL, close_soon, NULL) == 0);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_BAD_STATE);
  pthread_join(closer, NULL);
}

Test(zircon, who_waits_at_a_port_that_is_closed_comes_back, .timeout = 30) {
  pthread_t closer;
  hang_bell();
  cr_assert(pthread_create(&closer, NULL, close_soon, NULL) == 0);
  cr_expect(call->port_wait(port, ZX_TIME_INFINITE, &packet) == ZX_ERR_CANCELED);
  pthread_join(closer, NULL);
}

static void* wait_to_be_cancelled(void* unused) {
  zx_port_packet_t none;
  call->port_wait(port, ZX_TIME_INFINITE, &none);
  return unused;
}

Test(zircon, a_thread_that_is_cancelled_while_it_waits_holds_nothing, .timeout = 30) {
  const zx_port_packet_t own = {.key = 9, .type = ZX_PKT_TYPE_USER};
  pthread_t other;
  hang_bell();
  cr_assert(pthread_create(&other, NULL, wait_to_be_cancelled, NULL) == 0);
  usleep(20000);
  pthread_cancel(other);
  cr_expect(call->port_queue(port, &own) == ZX_OK);
  pthread_join(other, NULL);
  cr_expect(call->port_wait(port, 0, &packet) == ZX_ERR_TIMED_OUT);
}

static void* queue_soon(void* unused) {
  const zx_port_packet_t own = {.key = 9, .type = ZX_PKT_TYPE_USER};
  usleep(20000);
  call->port_queue(port, &own);
  return unused;
}

Test(zircon, a_port_wakes_who_waits, .timeout = 30) {
  pthread_t other;
  hang_bell();
  cr_assert(pthread_create(&other, NULL, queue_soon, NULL) == 0);
  cr_expect(call->port_wait(port, ZX_TIME_INFINITE, &packet) == ZX_OK && packet.key == 9);
  pthread_join(other, NULL);
}

// --- interrupts ---------------------------------------------------------------------------------

static void interrupt(uint32_t vector) {
  cr_assert(call->vcpu_interrupt(vcpu, vector) == ZX_OK);
}

// Lets the guest run to its next exit, which there is none of.
static void run_once(void) {
  takings = 0;
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_INTERNAL);
}

static void expect_taken(vs_delivery how, uint8_t vector) {
  cr_assert(takings == 1, "%zu were taken", takings);
  cr_expect(taken[0].how == how && taken[0].vector == vector, "vector %u was", taken[0].vector);
}

Test(zircon, an_external_interrupt_waits_for_the_flag) {
  interrupt(32);
  run_once();
  cr_expect(takings == 0 && watched);
  flag = true;
  run_once();
  expect_taken(VS_DELIVER_EXTERNAL, 32);
  cr_expect(!watched);
  run_once();
  cr_expect(takings == 0);
}

Test(zircon, the_highest_vector_is_first) {
  flag = true;
  interrupt(32);
  interrupt(200);
  run_once();
  expect_taken(VS_DELIVER_EXTERNAL, 200);
  run_once();
  expect_taken(VS_DELIVER_EXTERNAL, 32);
}

Test(zircon, an_nmi_is_before_all_and_needs_no_flag) {
  interrupt(255);
  interrupt(2);
  run_once();
  expect_taken(VS_DELIVER_NMI, 2);
}

Test(zircon, an_exception_needs_no_flag_and_is_dropped_beside_another) {
  interrupt(16);
  interrupt(13);
  run_once();
  expect_taken(VS_DELIVER_EXCEPTION, 16);
  run_once();
  cr_expect(takings == 0);
}

Test(zircon, a_vector_between_exceptions_and_interrupts_ends_one_entry) {
  interrupt(21);
  cr_expect(call->vcpu_enter(vcpu, &packet) == ZX_ERR_NOT_SUPPORTED);
  run_once();
}

static void* interrupt_soon(void* unused) {
  usleep(20000);
  call->vcpu_interrupt(vcpu, 40);
  return unused;
}

Test(zircon, an_interrupt_ends_a_halt, .timeout = 30) {
  pthread_t other;
  flag = true;
  script[exits++] = (vs_exit){.kind = VS_EXIT_HALT};
  cr_assert(pthread_create(&other, NULL, interrupt_soon, NULL) == 0);
  run_once();
  expect_taken(VS_DELIVER_EXTERNAL, 40);
  pthread_join(other, NULL);
}

// --- the layer ----------------------------------------------------------------------------------

static zx_packet_guest_vcpu_t guest_sends(uint64_t icr) {
  zx_port_packet_t p = {0};
  script[exits++] = (vs_exit){.kind = VS_EXIT_ICR, .value = icr};
  cr_assert(call->vcpu_enter(vcpu, &p) == ZX_OK);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_VCPU && p.key == 0 && p.status == 0 && !refused);
  return p.guest_vcpu;
}

static void expect_sent(uint64_t icr, uint64_t mask, uint8_t vector) {
  const zx_packet_guest_vcpu_t sent = guest_sends(icr);
  cr_expect(sent.type == ZX_PKT_GUEST_VCPU_INTERRUPT && sent.interrupt.mask == mask &&
                sent.interrupt.vector == vector,
            "0x%llx: mask 0x%llx", (unsigned long long)icr,
            (unsigned long long)sent.interrupt.mask);
}

Test(zircon, an_interrupt_that_a_guest_sends_is_a_packet) {
  expect_sent(UINT64_C(2) << 32 | 0x66, 4, 0x66);
  expect_sent(UINT64_C(64) << 32 | 0x66, 0, 0x66);
  expect_sent(UINT64_C(0xffffffff) << 32 | 0x66, UINT64_MAX, 0x66);
  expect_sent(0x40066, 1, 0x66);
  expect_sent(0x80066, UINT64_MAX, 0x66);
  expect_sent(0xc0066, UINT64_MAX - 1, 0x66);
  expect_sent(0x80400, UINT64_MAX - 1, 2);  // an NMI, and none to itself
  const zx_packet_guest_vcpu_t started = guest_sends(UINT64_C(3) << 32 | 0x605);
  cr_expect(started.type == ZX_PKT_GUEST_VCPU_STARTUP && started.startup.id == 3 &&
            started.startup.entry == 0x5000);
}

Test(zircon, a_guest_that_sends_init_goes_on_and_what_there_is_not_is_refused) {
  zx_port_packet_t p = {0};
  script[exits++] = (vs_exit){.kind = VS_EXIT_ICR, .value = 0x200};
  script[exits++] = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_BAD_STATE};
  script[exits++] = (vs_exit){.kind = VS_EXIT_ICR, .value = 0x500};
  script[exits++] = (vs_exit){.kind = VS_EXIT_STATUS, .status = ZX_ERR_CANCELED};
  cr_expect(call->vcpu_enter(vcpu, &p) == ZX_ERR_BAD_STATE && refused);
  cr_expect(call->vcpu_enter(vcpu, &p) == ZX_ERR_CANCELED && !refused);
}

Test(zircon, a_processor_that_a_guest_starts_is_a_packet) {
  zx_port_packet_t p = {0};
  script[exits++] = (vs_exit){.kind = VS_EXIT_STARTUP, .value = 3, .address = 0x5000};
  cr_assert(call->vcpu_enter(vcpu, &p) == ZX_OK);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_VCPU && p.guest_vcpu.type == ZX_PKT_GUEST_VCPU_STARTUP &&
            p.guest_vcpu.startup.id == 3 && p.guest_vcpu.startup.entry == 0x5000);
}

Test(zircon, a_second_engine_is_refused_and_the_first_goes_on) {
  zx_vcpu_state_x64_t state;
  cr_expect(!vs_zircon_open(&engine, &why));
  cr_expect(strstr(why.text, "close it first") != NULL, "%s", why.text);
  cr_expect(call->vcpu_read_state(vcpu, ZX_VCPU_STATE, &state, sizeof state) == ZX_OK);
  cr_expect(state.rax == RAX);
}

static void* wait_for_ever(void* result) {
  zx_port_packet_t none;
  *(zx_status_t*)result = call->port_wait(port, ZX_TIME_INFINITE, &none);
  return NULL;
}

Test(zircon, closing_ends_who_waits, .timeout = 30) {
  pthread_t other;
  zx_status_t result = ZX_OK;
  hang_bell();
  cr_assert(pthread_create(&other, NULL, wait_for_ever, &result) == 0);
  usleep(20000);
  vs_zircon_close();
  pthread_join(other, NULL);
  cr_expect(result == ZX_ERR_CANCELED);
  cr_assert(vs_zircon_open(&engine, &why));
}

// --- page tables of arm64 -----------------------------------------------------------------------

enum { ENTRIES = 3 };
typedef struct entry {
  uint64_t gpa, value;
} entry;

static bool read_entry(void* context, uint64_t gpa, uint64_t* out) {
  const entry* entries = context;
  for (size_t i = 0; i < ENTRIES; i++) {
    *out = entries[i].value;
    if (entries[i].value != 0 && entries[i].gpa == gpa) return true;
  }
  return false;
}

// `leaf`: with the gpa, or with the fault.
static void expect_translation(const char* name, uint64_t tcr, vs_arm64_access access,
                               const entry* entries, uint64_t expected, bool is_fault) {
  const vs_arm64_tables tables = {.sctlr = 1,
                                  .tcr = tcr,
                                  .ttbr0 = 0x10000,
                                  .ttbr1 = 0x20000,
                                  .read = read_entry,
                                  .context = (void*)(uintptr_t)entries};
  uint64_t gpa = 0;
  uint32_t fault = 0;
  const bool found = vs_arm64_translate(&tables, &access, &gpa, &fault);
  const uint64_t got = found ? gpa : fault;
  cr_expect(found != is_fault && got == expected, "%s: 0x%llx", name, (unsigned long long)got);
}

Test(arm64_tables, pages_of_every_size) {
  const vs_arm64_access at = {.address = 0x12345678};
  const entry of_4k[ENTRIES] = {{0x10000, 0x30003}, {0x30000 + 0x91 * 8, 0x400401}};
  const entry of_16k[ENTRIES] = {{0x10000 + 9 * 8, 0x30003}, {0x30000 + 0xd1 * 8, 0x44403}};
  const entry of_64k[ENTRIES] = {{0x10000, 0x30003}, {0x30000 + 0x1234 * 8, 0x70403}};
  expect_translation("4 KiB: a block", 25, at, of_4k, 0x545678, false);
  expect_translation("16 KiB", 28 | 2 << 14, at, of_16k, 0x45678, false);
  expect_translation("64 KiB", 25 | 1 << 14, at, of_64k, 0x75678, false);
}

Test(arm64_tables, what_is_not_there_or_not_allowed_is_a_fault) {
  const vs_arm64_access load = {.address = 0x40000010},
                        store = {.address = 0x40000010, .write = true},
                        user = {.address = 0x40000010, .from_el0 = true},
                        high = {.address = 0xffffff8040000010},
                        tagged = {.address = 0x7700000040000010},
                        beyond = {.address = 0x8000000010};
  const entry plain[ENTRIES] = {{0x10008, 0x40000481}}, unused[ENTRIES] = {{0x10008, 0x40000001}},
              none[ENTRIES] = {{0x10008, 2}}, upper[ENTRIES] = {{0x20008, 0x80000401}};
  expect_translation("a load", 25, load, plain, 0x40000010, false);
  expect_translation("a store", 25, store, plain, 0x0d, true);
  expect_translation("EL0", 25, user, plain, 0x0d, true);
  expect_translation("never used", 25, load, unused, 0x09, true);
  expect_translation("not valid", 25, load, none, 0x05, true);
  expect_translation("too far", 25, beyond, plain, 0x04, true);
  expect_translation("with a tag", 25, tagged, plain, 0x04, true);
  expect_translation("with a tag that is ignored", 25 | UINT64_C(1) << 37, tagged, plain,
                     0x40000010, false);
  expect_translation("upper half", 25 << 16 | UINT64_C(2) << 30, high, upper, 0x80000010, false);
  expect_translation("upper half off", 25 << 16 | UINT64_C(2) << 30 | 1 << 23, high, upper, 0x04,
                     true);
}

// --- an engine as a library ---------------------------------------------------------------------

typedef const char* problem_call(void);
typedef zx_status_t create_call(zx_handle_t, uint32_t, zx_handle_t*, zx_handle_t*);

// What a child that is forked now finds: 0 if it is told a reason, and every call is refused.
static int found_by_child(problem_call* problem, create_call* create) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    zx_handle_t made[2];
    const bool told = problem() != NULL && strstr(problem(), "forked") != NULL;
    _exit(told && create(ZX_HANDLE_INVALID, 0, &made[0], &made[1]) == ZX_ERR_NOT_SUPPORTED ? 0 : 1);
  }
  cr_assert_eq(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(library, in_a_child_forked_after_its_first_call_says_so) {
  zx_handle_t made[2];
  void* library = dlopen(VS_PLUGIN_DIR "/../libvcpuspec-unicorn.so", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) cr_skip_test("a static build has no libraries");
  problem_call* problem = (problem_call*)(uintptr_t)dlsym(library, "vcpuspec_problem");
  create_call* create = (create_call*)(uintptr_t)dlsym(library, "zx_guest_create");
  cr_assert(problem != NULL && create != NULL);
  cr_expect_eq(found_by_child(problem, create), 1, "forked before: nothing is amiss");
  cr_assert_eq(create(ZX_HANDLE_INVALID, 0, &made[0], &made[1]), ZX_OK);
  cr_expect_eq(found_by_child(problem, create), 0);
  cr_expect_null(problem(), "of the parent: %s", problem());
}
