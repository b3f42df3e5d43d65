// SPDX-License-Identifier: BSD-3-Clause
// The executor on a backend that does nothing but remember who called what, and answers as told.
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "executor/executor.h"
#include "guest/guest.h"
#include "tables.h"

// --- a backend that remembers ------------------------------------------------------------------

enum { CALLS_MAX = 4096, RESOURCE = 0x7773, SHOWN = 32 };

typedef struct call {
  vs_call_index which;
  pid_t thread;
  uint64_t arguments[6];
  uint8_t bytes[SHOWN];  // of a buffer that came in
  uint8_t outcome;       // of the watched observation, during the call
} call;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  call calls[CALLS_MAX];
  size_t count;
  zx_handle_t next;                    // the value of the next new handle
  zx_status_t answers[VS_CALL_COUNT];  // ZX_OK but where a test says otherwise
  const vs_observation* watched;       // NULL: none
  size_t shown;                        // bytes that write_state may read
  size_t written;                      // bytes that read_state writes
  uint8_t memory[VS_GUEST_MEMORY];     // of the guest
  zx_port_packet_t packet;             // what enter returns
  bool blocks;                         // enter waits for a kick
  bool kicked;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static zx_status_t note(vs_call_index which, const uint64_t* arguments, size_t count,
                        const void* bytes) {
  pthread_mutex_lock(&fake.lock);
  cr_assert(fake.count < CALLS_MAX, "too many calls");
  call* c = &fake.calls[fake.count++];
  *c = (call){.which = which, .thread = (pid_t)syscall(SYS_gettid)};
  memcpy(c->arguments, arguments, count * sizeof *arguments);
  if (bytes != NULL) memcpy(c->bytes, bytes, fake.shown);
  if (fake.watched) c->outcome = __atomic_load_n(&fake.watched->outcome, __ATOMIC_ACQUIRE);
  zx_status_t answer = fake.answers[which];
  pthread_mutex_unlock(&fake.lock);
  return answer;
}

#define NOTE(name, bytes, ...)                    \
  note(VS_CALL_##name, (uint64_t[]){__VA_ARGS__}, \
       sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), bytes)

static zx_status_t give(zx_status_t status, zx_handle_t* out) {
  if (status != ZX_OK) return status;
  pthread_mutex_lock(&fake.lock);
  *out = fake.next += 4;
  pthread_mutex_unlock(&fake.lock);
  return ZX_OK;
}

static zx_status_t guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                zx_handle_t* vmar) {
  zx_status_t status = give(NOTE(guest_create, NULL, resource, options), guest);
  return status == ZX_OK ? give(status, vmar) : status;
}

static zx_status_t guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size,
                                  zx_handle_t port, uint64_t key) {
  return NOTE(guest_set_trap, NULL, handle, kind, addr, size, port, key);
}

static zx_status_t vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry,
                               zx_handle_t* out) {
  return give(NOTE(vcpu_create, NULL, guest, options, entry), out);
}

static zx_status_t vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet) {
  zx_status_t status = NOTE(vcpu_enter, NULL, handle);
  pthread_mutex_lock(&fake.lock);
  while (fake.blocks && !fake.kicked) pthread_cond_wait(&fake.changed, &fake.lock);
  if (fake.kicked) status = ZX_ERR_CANCELED;
  pthread_mutex_unlock(&fake.lock);
  if (status == ZX_OK) *packet = fake.packet;
  return status;
}

static zx_status_t vcpu_kick(zx_handle_t handle) {
  zx_status_t status = NOTE(vcpu_kick, NULL, handle);
  pthread_mutex_lock(&fake.lock);
  fake.kicked = true;
  pthread_cond_broadcast(&fake.changed);
  pthread_mutex_unlock(&fake.lock);
  return status;
}

static zx_status_t vcpu_interrupt(zx_handle_t handle, uint32_t vector) {
  return NOTE(vcpu_interrupt, NULL, handle, vector);
}

static zx_status_t vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t size) {
  zx_status_t status = NOTE(vcpu_read_state, NULL, handle, kind, (uintptr_t)buffer, size);
  for (size_t i = 0; i < fake.written; i++) ((volatile uint8_t*)buffer)[i] = (uint8_t)i;
  return status;
}

static zx_status_t vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer,
                                    size_t size) {
  return NOTE(vcpu_write_state, buffer, handle, kind, (uintptr_t)buffer, size);
}

static zx_status_t handle_close(zx_handle_t handle) {
  return NOTE(handle_close, NULL, handle);
}

static zx_status_t handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return give(NOTE(handle_duplicate, NULL, handle, rights), out);
}

static zx_status_t handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t* out) {
  return give(NOTE(handle_replace, NULL, handle, rights), out);
}

static zx_status_t event_create(uint32_t options, zx_handle_t* out) {
  return give(NOTE(event_create, NULL, options), out);
}

static zx_status_t port_create(uint32_t options, zx_handle_t* out) {
  return give(NOTE(port_create, NULL, options), out);
}

static zx_status_t vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  return give(NOTE(vmo_create, NULL, size, options), out);
}

static zx_status_t vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t size) {
  zx_status_t status = NOTE(vmo_read, NULL, handle, offset, size);
  if (status == ZX_OK) memcpy(buffer, fake.memory + offset, size);
  return status;
}

static zx_status_t vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset, size_t size) {
  zx_status_t status = NOTE(vmo_write, NULL, handle, offset, size);
  if (status == ZX_OK) memcpy(fake.memory + offset, buffer, size);
  return status;
}

static zx_status_t vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset,
                            zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                            zx_vaddr_t* mapped) {
  *mapped = 0;
  return NOTE(vmar_map, NULL, handle, options, vmar_offset, vmo, vmo_offset, len);
}

static const vs_calls all_calls = {
#define VS_CALL(name, word, phase, text, ...) .name = name,
#include <vcpuspec/calls.def>
};

static vs_calls without(vs_call_index missing) {
  vs_calls calls = all_calls;
#define VS_CALL(name, word, phase, text, ...) \
  if (missing == VS_CALL_##name) calls.name = NULL;
#include <vcpuspec/calls.def>
  return calls;
}

// --- scripts -----------------------------------------------------------------------------------

enum { GUEST, VMAR, VCPU, DERIVED, OBJECT, MEMORY, OPS_MAX = 32 };

typedef struct run {
  vs_op ops[OPS_MAX];
  vs_observation seen[OPS_MAX];
  size_t count;
} run;

static vs_op* put(run* r, vs_op_code code, uint8_t slot, uint8_t out) {
  cr_assert(r->count < OPS_MAX, "the script is full");
  vs_op* op = &r->ops[r->count++];
  *op = (vs_op){.code = (uint8_t)code, .out = out, .handle.slot = slot};
  return op;
}

static vs_op* put_write(run* r, uint8_t slot, uint32_t kind, uint64_t size) {
  vs_op* op = put(r, VS_CALL_vcpu_write_state, slot, 0);
  VS_OP_ARG(op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = size;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = SHOWN;
  for (size_t i = 0; i < SHOWN; i++) op->bytes[i] = (uint8_t)(i + size);
  return op;
}

static void put_setup(run* r) {
  put(r, VS_CALL_guest_create, 0, GUEST)->out2 = VMAR;
  put(r, VS_OP_guest_load, GUEST, MEMORY)->out2 = VMAR;
  put(r, VS_CALL_vcpu_create, GUEST, VCPU)->program = VS_PROGRAM_IN16;
}

static vs_executor* executor;

static void open_on(const vs_calls* calls, vs_arch arch) {
  executor = vs_executor_open(calls, arch, RESOURCE);
  cr_assert(executor != NULL, "an executor can be opened");
}

static void do_run(run* r) {
  vs_script script = {"by hand", r->ops, r->count};
  vs_execute(executor, &script, r->seen);
}

// The calls of one name, in order.
static const call* nth(vs_call_index which, size_t n) {
  for (size_t i = 0; i < fake.count; i++) {
    if (fake.calls[i].which == which && n-- == 0) return &fake.calls[i];
  }
  cr_assert(false, "%s was not called so often", vs_call_name(which));
  return NULL;
}

static size_t times(vs_call_index which) {
  size_t count = 0;
  for (size_t i = 0; i < fake.count; i++) count += fake.calls[i].which == which;
  return count;
}

static void got(const call* c, size_t at, uint64_t expected) {
  cr_assert(c->arguments[at] == expected, "%s: argument %u must be 0x%llx, got 0x%llx",
            vs_call_name(c->which), (unsigned)at, (unsigned long long)expected,
            (unsigned long long)c->arguments[at]);
}

static void ended(const run* r, size_t at, vs_outcome outcome, unsigned which) {
  const vs_observation* seen = &r->seen[at];
  cr_assert(seen->outcome == outcome && (which == VS_CALL_COUNT || seen->call == which),
            "%s (op %u): must end with outcome %d of %s, got %d of %s",
            vs_ops[r->ops[at].code].name, (unsigned)at, outcome, vs_call_name((vs_call_index)which),
            seen->outcome, vs_call_name((vs_call_index)seen->call));
}

static void start(void) {
  fake.next = 0x1003;
  fake.shown = SHOWN;
}

static void start_and_open(void) {
  start();
  open_on(&all_calls, VS_ARCH_X64);
}

static void finish(void) {
  vs_executor_close(executor);
}

TestSuite(executor, .init = start_and_open, .fini = finish);
TestSuite(executor_without, .init = start);
TestSuite(executor_arm64, .init = start);

// --- arguments ---------------------------------------------------------------------------------

Test(executor, write_state_gets_kind_size_and_bytes_as_scripted) {
  static const uint64_t sizes[] = {0, 8, 136, 1024, UINT64_MAX};
  static const uint32_t kinds[] = {0, 1, 2, UINT32_MAX, 0x80000000};
  run r = {.count = 0};
  put_setup(&r);
  for (size_t i = 0; i < 5; i++) put_write(&r, VCPU, kinds[i], sizes[i]);
  do_run(&r);
  for (size_t i = 0; i < 5; i++) {
    const call* c = nth(VS_CALL_vcpu_write_state, i);
    got(c, 0, r.seen[2].handle);
    got(c, 1, kinds[i]);
    got(c, 3, sizes[i]);
    cr_assert(memcmp(c->bytes, r.ops[3 + i].bytes, SHOWN) == 0, "write %u: other bytes",
              (unsigned)i);
  }
}

Test(executor, write_state_gets_the_pointer_of_the_placement) {
  fake.shown = 0;
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(put_write(&r, VCPU, 0, 136), vcpu_write_state, buffer).at = VS_AT_NULL;
  VS_OP_ARG(put_write(&r, VCPU, 0, 136), vcpu_write_state, buffer).at = VS_AT_ONE;
  vs_op* op = put_write(&r, VCPU, 0, 136);
  VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_AT_WRAPPING;
  VS_OP_ARG(op, vcpu_write_state, buffer).argument = 16;
  do_run(&r);
  got(nth(VS_CALL_vcpu_write_state, 0), 2, 0);
  got(nth(VS_CALL_vcpu_write_state, 1), 2, 1);
  got(nth(VS_CALL_vcpu_write_state, 2), 2, UINT64_MAX - 15);
}

Test(executor, handle_argument_follows_its_form) {
  run r = {.count = 0};
  put_setup(&r);
  static const vs_arg forms[] = {
      {VS_HANDLE_SLOT, VCPU, 0xffff}, {VS_HANDLE_CLEARED, VCPU, 1},
      {VS_HANDLE_CLEARED, VCPU, 2},   {VS_HANDLE_FLIPPED, VCPU, 0x80000000},
      {VS_HANDLE_FLIPPED, VCPU, 3},   {VS_HANDLE_RAW, 15, 0xdeadbeef},
      {VS_HANDLE_RAW, VCPU, 0},       {VS_HANDLE_SLOT, GUEST, 0},
      {VS_HANDLE_SLOT, VMAR, 0}};
  enum { FORMS = sizeof forms / sizeof forms[0] };
  for (size_t i = 0; i < FORMS; i++) put_write(&r, 0, 0, 136)->handle = forms[i];
  do_run(&r);
  zx_handle_t v = r.seen[2].handle;
  const zx_handle_t expected[FORMS] = {
      v,          v & ~1u, v & ~2u,          v ^ 0x80000000,   v ^ 3u,
      0xdeadbeef, 0,       r.seen[0].handle, r.seen[0].handle2};
  for (size_t i = 0; i < FORMS; i++) got(nth(VS_CALL_vcpu_write_state, i), 0, expected[i]);
}

Test(executor, closed_slot_keeps_its_value) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_handle_close, VCPU, 0);
  put_write(&r, VCPU, 0, 136);
  do_run(&r);
  got(nth(VS_CALL_handle_close, 0), 0, r.seen[2].handle);
  got(nth(VS_CALL_vcpu_write_state, 0), 0, r.seen[2].handle);
}

Test(executor, setup_makes_a_guest_with_programs) {
  static const uint16_t ports[] = {VS_PORT_DUMP, VS_PORT_IN, VS_PORT_OUT};
  uint8_t image[VS_GUEST_MEMORY];
  vs_guest_image(VS_ARCH_X64, image);
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  got(nth(VS_CALL_guest_create, 0), 0, RESOURCE);
  got(nth(VS_CALL_guest_create, 0), 1, ZX_GUEST_OPT_NORMAL);
  got(nth(VS_CALL_vmo_create, 0), 0, VS_GUEST_MEMORY);
  got(nth(VS_CALL_vmar_map, 0), 0, r.seen[0].handle2);
  got(nth(VS_CALL_vmar_map, 0), 5, VS_GUEST_MEMORY);
  cr_assert(memcmp(fake.memory, image, sizeof image) == 0, "the programs are not in memory");
  for (size_t i = 0; i < 3; i++) {
    got(nth(VS_CALL_guest_set_trap, i), 0, r.seen[0].handle);
    got(nth(VS_CALL_guest_set_trap, i), 1, ZX_GUEST_TRAP_IO);
    got(nth(VS_CALL_guest_set_trap, i), 2, ports[i]);
  }
  got(nth(VS_CALL_vcpu_create, 0), 0, r.seen[0].handle);
  got(nth(VS_CALL_vcpu_create, 0), 1, 0);
  got(nth(VS_CALL_vcpu_create, 0), 2, vs_guest_entry(VS_PROGRAM_IN16));
}

Test(executor, derived_handles_get_the_asked_rights) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_handle_duplicate, VCPU, DERIVED)->rights = ZX_RIGHT_READ;
  put(&r, VS_CALL_handle_replace, DERIVED, OBJECT)->rights = ZX_RIGHT_SAME_RIGHTS;
  put_write(&r, OBJECT, 0, 136);
  do_run(&r);
  got(nth(VS_CALL_handle_duplicate, 0), 0, r.seen[2].handle);
  got(nth(VS_CALL_handle_duplicate, 0), 1, ZX_RIGHT_READ);
  got(nth(VS_CALL_handle_replace, 0), 0, r.seen[3].handle);
  got(nth(VS_CALL_handle_replace, 0), 1, ZX_RIGHT_SAME_RIGHTS);
  got(nth(VS_CALL_vcpu_write_state, 0), 0, r.seen[4].handle);
}

Test(executor, objects_are_created_plain) {
  run r = {.count = 0};
  put(&r, VS_CALL_event_create, 0, 5);
  put(&r, VS_CALL_port_create, 0, 6);
  put(&r, VS_CALL_vmo_create, 0, 7);
  do_run(&r);
  got(nth(VS_CALL_event_create, 0), 0, 0);
  got(nth(VS_CALL_port_create, 0), 0, 0);
  got(nth(VS_CALL_vmo_create, 0), 0, 4096);
  for (size_t i = 0; i < 3; i++) {
    ended(&r, i, VS_RETURNED, VS_CALL_COUNT);
    cr_assert(r.seen[i].handle == 0x1003 + 4 * (i + 1), "op %u received 0x%x", (unsigned)i,
              r.seen[i].handle);
  }
}

// --- answers -----------------------------------------------------------------------------------

Test(executor, status_is_recorded_as_returned) {
  static const zx_status_t statuses[] = {ZX_OK, -1, -10, -30, 7, INT32_MIN, INT32_MAX};
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    fake.answers[VS_CALL_vcpu_write_state] = statuses[i];
    r.count = 0;
    put_write(&r, VCPU, 0, 136);
    do_run(&r);
    ended(&r, 0, VS_RETURNED, VS_CALL_vcpu_write_state);
    cr_assert(r.seen[0].status == statuses[i], "status %d, got %d", statuses[i], r.seen[0].status);
  }
}

Test(executor, state_is_recorded_with_ok_alone) {
  fake.written = 136;
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  do_run(&r);
  got(nth(VS_CALL_vcpu_read_state, 0), 1, ZX_VCPU_STATE);
  got(nth(VS_CALL_vcpu_read_state, 0), 3, 136);
  cr_assert(r.seen[3].has_state, "a state was read");
  for (unsigned i = 0; i < 136; i++) {
    cr_assert(r.seen[3].state[i] == i, "byte %u is 0x%02x", i, r.seen[3].state[i]);
  }
  fake.answers[VS_CALL_vcpu_read_state] = ZX_ERR_BAD_STATE;
  do_run(&r);
  cr_assert(!r.seen[3].has_state && r.seen[3].status == ZX_ERR_BAD_STATE, "a refusal has no state");
}

Test(executor, state_that_was_not_written_shows) {
  fake.written = 100;
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  do_run(&r);
  for (unsigned i = 100; i < 136; i++) {
    cr_assert(r.seen[3].state[i] == 0xa5, "byte %u is 0x%02x", i, r.seen[3].state[i]);
  }
}

static sigjmp_buf after_fault;
static volatile uintptr_t faulted;

static void on_fault(int sig, siginfo_t* info, void* context) {
  (void)sig;
  (void)context;
  faulted = (uintptr_t)info->si_addr;
  siglongjmp(after_fault, 1);
}

static void state_of_a_byte_too_many(vs_arch arch, size_t size) {
  struct sigaction mine = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  struct sigaction before;
  open_on(&all_calls, arch);
  fake.written = size + 1;
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(&r.ops[2], vcpu_create, entry).slot = VS_PROGRAM_DUMP;
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  sigaction(SIGSEGV, &mine, &before);
  if (sigsetjmp(after_fault, 1) == 0) do_run(&r);
  sigaction(SIGSEGV, &before, NULL);
  uintptr_t buffer = nth(VS_CALL_vcpu_read_state, 0)->arguments[2];
  cr_assert(faulted == buffer + size, "write of byte %u must fault at 0x%llx, got 0x%llx",
            (unsigned)size, (unsigned long long)(buffer + size), (unsigned long long)faulted);
  ended(&r, 3, VS_IN_CALL, VS_CALL_vcpu_read_state);
  vs_executor_close(executor);
}

Test(executor_without, room_after_the_state_of_x64) {
  state_of_a_byte_too_many(VS_ARCH_X64, 136);
}

Test(executor_without, room_after_the_state_of_arm64) {
  state_of_a_byte_too_many(VS_ARCH_ARM64, 264);
}

static void leaves_by(uint32_t type, uint16_t port) {
  fake.packet = (zx_port_packet_t){.type = type};
  fake.packet.guest_io = (zx_packet_guest_io_t){.port = port, .access_size = 2, .u32 = 0x12345678};
}

Test(executor, dump_is_fetched_from_guest_memory) {
  leaves_by(ZX_PKT_TYPE_GUEST_IO, VS_PORT_DUMP);
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  for (unsigned i = 0; i < 136; i++) fake.memory[VS_GUEST_DUMP + i] = (uint8_t)(i + 3);
  r.count = 0;
  put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  do_run(&r);
  got(nth(VS_CALL_vcpu_enter, 0), 0, nth(VS_CALL_vcpu_enter, 0)->arguments[0]);
  cr_assert(r.seen[0].has_packet && r.seen[0].has_state, "a dump has a packet and a state");
  cr_assert(r.seen[0].packet.type == ZX_PKT_TYPE_GUEST_IO && r.seen[0].packet.guest_io.port == VS_PORT_DUMP &&
                r.seen[0].packet.guest_io.access_size == 2 && r.seen[0].packet.guest_io.u32 == 0x12345678,
            "the packet is not the backend's");
  cr_assert(memcmp(r.seen[0].state, fake.memory + VS_GUEST_DUMP, 136) == 0, "another state");
}

Test(executor, only_a_dump_has_a_state) {
  static const struct {
    uint32_t type;
    uint16_t port;
    zx_status_t status;
    bool packet;
  } rows[] = {{ZX_PKT_TYPE_GUEST_IO, VS_PORT_IN, ZX_OK, true},
              {ZX_PKT_TYPE_GUEST_MEM, VS_PORT_DUMP, ZX_OK, true},
              {ZX_PKT_TYPE_GUEST_IO, VS_PORT_DUMP, ZX_ERR_CANCELED, false}};
  for (size_t i = 0; i < 3; i++) {
    leaves_by(rows[i].type, rows[i].port);
    fake.answers[VS_CALL_vcpu_enter] = rows[i].status;
    run r = {.count = 0};
    put_setup(&r);
    put(&r, VS_CALL_vcpu_enter, VCPU, 0);
    do_run(&r);
    cr_assert(r.seen[3].has_packet == rows[i].packet && !r.seen[3].has_state &&
                  r.seen[3].status == rows[i].status,
              "row %u: packet %d, state %d", (unsigned)i, r.seen[3].has_packet,
              r.seen[3].has_state);
    vs_executor_reset(executor);
  }
}

Test(executor, life_is_awaited_in_guest_memory) {
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  r.count = 0;
  put(&r, VS_OP_await_guest, VCPU, 0);
  do_run(&r);
  cr_assert(r.seen[0].status == ZX_ERR_TIMED_OUT, "silence: got %d", r.seen[0].status);
  fake.memory[VS_GUEST_LIFE] = 1;
  do_run(&r);
  cr_assert(r.seen[0].status == ZX_OK, "a sign of life: got %d", r.seen[0].status);
}

Test(executor, call_in_progress_is_visible) {
  run r = {.count = 0};
  put_setup(&r);
  for (uint8_t thread = 0; thread < VS_THREADS; thread++) {
    put_write(&r, VCPU, 0, 136)->thread = thread;
  }
  vs_script before = {"setup", r.ops, 3};
  vs_execute(executor, &before, r.seen);
  for (size_t i = 3; i < r.count; i++) {
    fake.watched = &r.seen[i];
    cr_assert(r.seen[i].outcome == VS_NOT_REACHED, "op %u was reached early", (unsigned)i);
    vs_execute_op(executor, &r.ops[i], &r.seen[i]);
    const call* c = nth(VS_CALL_vcpu_write_state, i - 3);
    cr_assert(c->outcome == VS_IN_CALL, "thread %u: outcome %d during the call", r.ops[i].thread,
              c->outcome);
    ended(&r, i, VS_RETURNED, VS_CALL_vcpu_write_state);
  }
}

// --- threads -----------------------------------------------------------------------------------

static pid_t caller(size_t n) {
  return nth(VS_CALL_vcpu_write_state, n)->thread;
}

Test(executor, number_means_one_thread) {
  run r = {.count = 0};
  put_setup(&r);
  for (unsigned i = 0; i < 3 * VS_THREADS; i++) {
    put_write(&r, VCPU, 0, 136)->thread = (uint8_t)(i % VS_THREADS);
  }
  do_run(&r);
  cr_assert(caller(0) == (pid_t)syscall(SYS_gettid), "thread 0 is who runs the script");
  for (unsigned i = 0; i < 3 * VS_THREADS; i++) {
    for (unsigned k = 0; k < i; k++) {
      bool same = i % VS_THREADS == k % VS_THREADS;
      cr_assert((caller(i) == caller(k)) == same, "calls %u and %u must be on %s thread", k, i,
                same ? "one" : "another");
    }
  }
}

Test(executor, thread_outlives_a_reset) {
  for (unsigned i = 0; i < 2; i++) {
    run r = {.count = 0};
    put_setup(&r);
    put_write(&r, VCPU, 0, 136)->thread = 2;
    do_run(&r);
    vs_executor_reset(executor);
  }
  cr_assert(caller(0) == caller(1), "the second script has another thread 2");
}

Test(executor, ended_thread_is_gone_and_a_new_one_takes_its_number) {
  run r = {.count = 0};
  put_setup(&r);
  put_write(&r, VCPU, 0, 136)->thread = 1;
  put(&r, VS_OP_thread_exit, 0, 0)->thread = 1;
  do_run(&r);
  ended(&r, 4, VS_RETURNED, VS_CALL_COUNT);
  bool gone = false;
  // The thread was joined; the kernel may take a moment to forget its number.
  for (int i = 0; i < 1000 && !gone; i++) {
    gone = syscall(SYS_tgkill, getpid(), caller(0), 0) == -1 && errno == ESRCH;
    if (!gone) usleep(1000);
  }
  cr_assert(gone, "thread 1 lives on");
  r.count = 0;
  put_write(&r, VCPU, 0, 136)->thread = 1;
  do_run(&r);
  cr_assert(caller(1) != caller(0), "the old thread 1 made the call");
}

Test(executor, thread_that_never_ran_can_end) {
  run r = {.count = 0};
  put(&r, VS_OP_thread_exit, 0, 0)->thread = 3;
  put(&r, VS_OP_thread_exit, 0, 0)->thread = 3;
  do_run(&r);
  ended(&r, 1, VS_RETURNED, VS_CALL_COUNT);
}

Test(executor, asynchronous_call_is_answered_by_its_join, .timeout = 30) {
  fake.blocks = true;
  run r = {.count = 0};
  put_setup(&r);
  vs_op* op = put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  op->thread = 1;
  op->async = true;
  put_write(&r, VCPU, 0, 136)->thread = 2;
  put(&r, VS_CALL_vcpu_kick, VCPU, 0);
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  do_run(&r);
  ended(&r, 3, VS_STARTED, VS_CALL_vcpu_enter);
  ended(&r, 4, VS_RETURNED, VS_CALL_vcpu_write_state);
  ended(&r, 5, VS_RETURNED, VS_CALL_vcpu_kick);
  ended(&r, 6, VS_RETURNED, VS_CALL_vcpu_enter);
  cr_assert(r.seen[6].status == ZX_ERR_CANCELED, "the join brings the status, got %d",
            r.seen[6].status);
  got(nth(VS_CALL_vcpu_kick, 0), 0, r.seen[2].handle);
}

Test(executor, join_brings_the_packet) {
  leaves_by(ZX_PKT_TYPE_GUEST_IO, VS_PORT_DUMP);
  run r = {.count = 0};
  put_setup(&r);
  vs_op* op = put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  op->thread = 1;
  op->async = true;
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  do_run(&r);
  cr_assert(r.seen[4].status == ZX_OK && r.seen[4].has_packet && r.seen[4].has_state &&
                r.seen[4].packet.guest_io.port == VS_PORT_DUMP,
            "the join must bring packet and state");
  cr_assert(nth(VS_CALL_vcpu_enter, 0)->thread != (pid_t)syscall(SYS_gettid),
            "thread 1 makes the call");
}

Test(executor, join_of_nothing_is_unsupported) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  put_write(&r, VCPU, 0, 136)->thread = 1;
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  do_run(&r);
  ended(&r, 3, VS_UNSUPPORTED, VS_CALL_vcpu_enter);
  ended(&r, 5, VS_UNSUPPORTED, VS_CALL_vcpu_enter);
}

static void put_blocking_enter(run* r) {
  fake.blocks = true;
  put_setup(r);
  vs_op* op = put(r, VS_CALL_vcpu_enter, VCPU, 0);
  op->thread = 1;
  op->async = true;
}

Test(executor, op_of_a_thread_that_is_within_a_call_is_not_done, .timeout = 30) {
  run r = {.count = 0};
  put_blocking_enter(&r);
  put_write(&r, VCPU, 0, 136)->thread = 1;
  put(&r, VS_CALL_vcpu_kick, VCPU, 0);
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  do_run(&r);
  ended(&r, 4, VS_UNSUPPORTED, VS_CALL_COUNT);
  ended(&r, 6, VS_RETURNED, VS_CALL_vcpu_enter);
  cr_assert_eq(times(VS_CALL_vcpu_write_state), 0);
}

Test(executor, reset_ends_a_call_that_nobody_joined, .timeout = 30) {
  run r = {.count = 0};
  put_blocking_enter(&r);
  do_run(&r);
  vs_executor_reset(executor);
  cr_assert_eq(times(VS_CALL_vcpu_kick), 1, "what still runs must be kicked");
  run next = {.count = 0};
  put(&next, VS_OP_join, 0, 0)->thread = 1;
  do_run(&next);
  ended(&next, 0, VS_UNSUPPORTED, VS_CALL_vcpu_enter);
}

Test(executor, op_that_makes_no_sense_is_not_done) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_OP_COUNT, VCPU, 0);
  put_write(&r, VS_SLOTS, 0, 136);
  put_write(&r, VCPU, 0, 136)->thread = VS_THREADS;
  put_write(&r, VCPU, 0, 136)->async = true;
  do_run(&r);
  for (size_t i = 3; i < 7; i++) ended(&r, i, VS_UNSUPPORTED, VS_CALL_COUNT);
  cr_assert_eq(times(VS_CALL_vcpu_write_state), 0);
}

// --- what the backend lacks --------------------------------------------------------------------

static void put_everything(run* r) {
  put_setup(r);
  put_write(r, VCPU, 0, 136);
  put(r, VS_CALL_vcpu_read_state, VCPU, 0);
  put(r, VS_CALL_vcpu_enter, VCPU, 0);
  put(r, VS_CALL_vcpu_kick, VCPU, 0);
  put(r, VS_CALL_handle_duplicate, VCPU, DERIVED);
  put(r, VS_CALL_handle_replace, DERIVED, OBJECT);
  put(r, VS_CALL_event_create, 0, 8);
  put(r, VS_CALL_port_create, 0, 9);
  put(r, VS_CALL_vmo_create, 0, 10);
  put_write(r, DERIVED, 0, 136);
  put_write(r, OBJECT, 0, 136);
  put(r, VS_CALL_handle_close, VCPU, 0);
  put_write(r, 15, 0, 136)->handle = (vs_arg){.form = VS_HANDLE_RAW};
}

// Which ops of put_everything can be done without the call, as a string: 1 for those that cannot.
static const struct {
  vs_call_index missing;
  const char* unsupported;
} lacking[] = {
    {VS_CALL_COUNT, "0000000000000000"},
    {VS_CALL_guest_create, "1111111110001110"},
    {VS_CALL_guest_set_trap, "0100010000000000"},
    {VS_CALL_vcpu_create, "0011111110001110"},
    {VS_CALL_vcpu_enter, "0000010000000000"},
    {VS_CALL_vcpu_kick, "0000001000000000"},
    {VS_CALL_vcpu_interrupt, "0000000000000000"},
    {VS_CALL_vcpu_read_state, "0000100000000000"},
    {VS_CALL_vcpu_write_state, "0001000000001101"},
    {VS_CALL_handle_close, "0000000000000010"},
    {VS_CALL_handle_duplicate, "0000000110001100"},
    {VS_CALL_handle_replace, "0000000010000100"},
    {VS_CALL_event_create, "0000000001000000"},
    {VS_CALL_port_create, "0000000000100000"},
    {VS_CALL_vmo_create, "0100010000010000"},
    {VS_CALL_vmo_read, "0100010000000000"},
    {VS_CALL_vmo_write, "0100010000000000"},
    {VS_CALL_vmar_map, "0100010000000000"},
};

Test(executor_without, call_that_is_missing_makes_its_ops_unsupported) {
  cr_assert(sizeof lacking / sizeof lacking[0] == VS_CALL_COUNT + 1, "a call has no row");
  for (size_t k = 0; k < sizeof lacking / sizeof lacking[0]; k++) {
    vs_calls calls = without(lacking[k].missing);
    open_on(&calls, VS_ARCH_X64);
    fake.count = 0;
    run r = {.count = 0};
    put_everything(&r);
    cr_assert(strlen(lacking[k].unsupported) == r.count, "row %u", (unsigned)k);
    do_run(&r);
    for (size_t i = 0; i < r.count; i++) {
      bool lacks = lacking[k].unsupported[i] == '1';
      ended(&r, i, lacks ? VS_UNSUPPORTED : VS_RETURNED,
            lacks ? lacking[k].missing : VS_CALL_COUNT);
    }
    calls.handle_close = handle_close;  // or nothing could be given back
    vs_executor_close(executor);
  }
}

Test(executor, setup_that_fails_makes_what_follows_unsupported) {
  fake.answers[VS_CALL_vcpu_create] = ZX_ERR_NO_RESOURCES;
  run r = {.count = 0};
  put_setup(&r);
  put_write(&r, VCPU, 0, 136);
  put(&r, VS_CALL_handle_duplicate, VCPU, DERIVED);
  put_write(&r, DERIVED, 0, 136);
  do_run(&r);
  ended(&r, 2, VS_RETURNED, VS_CALL_vcpu_create);
  for (size_t i = 3; i < 6; i++) ended(&r, i, VS_UNSUPPORTED, VS_CALL_vcpu_create);
  cr_assert(times(VS_CALL_vcpu_write_state) == 0, "a handle that nobody has was used");
}

Test(executor, load_names_the_call_that_failed) {
  static const vs_call_index steps[] = {VS_CALL_vmo_create, VS_CALL_vmo_write, VS_CALL_vmar_map,
                                        VS_CALL_guest_set_trap};
  for (size_t i = 0; i < 4; i++) {
    fake.answers[steps[i]] = ZX_ERR_NO_MEMORY;
    run r = {.count = 0};
    put_setup(&r);
    put_write(&r, VCPU, 0, 136);
    put(&r, VS_CALL_vcpu_enter, VCPU, 0);
    do_run(&r);
    ended(&r, 1, VS_RETURNED, steps[i]);
    cr_assert(r.seen[1].status == ZX_ERR_NO_MEMORY, "load: got status %d", r.seen[1].status);
    ended(&r, 3, VS_RETURNED, VS_CALL_vcpu_write_state);
    ended(&r, 4, VS_UNSUPPORTED, steps[i]);
    fake.answers[steps[i]] = ZX_OK;
    vs_executor_reset(executor);
  }
}

Test(executor_arm64, guest_leaves_by_a_page_that_is_trapped) {
  open_on(&all_calls, VS_ARCH_ARM64);
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(&r.ops[2], vcpu_create, entry).slot = VS_PROGRAM_DUMP;
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  do_run(&r);
  ended(&r, 1, VS_RETURNED, VS_CALL_guest_set_trap);
  cr_assert(times(VS_CALL_guest_set_trap) == 1, "one trap, got %u",
            (unsigned)times(VS_CALL_guest_set_trap));
  got(nth(VS_CALL_guest_set_trap, 0), 1, ZX_GUEST_TRAP_MEM);
  got(nth(VS_CALL_guest_set_trap, 0), 2, VS_MMIO_DUMP);
  got(nth(VS_CALL_guest_set_trap, 0), 3, 4096);
  got(nth(VS_CALL_vcpu_create, 0), 2, vs_guest_entry(VS_PROGRAM_DUMP));
  got(nth(VS_CALL_vcpu_read_state, 0), 3, 264);
  vs_executor_close(executor);
}

Test(executor_arm64, programs_of_in_and_out_do_not_exist) {
  open_on(&all_calls, VS_ARCH_ARM64);
  run r = {.count = 0};
  put_setup(&r);
  put_write(&r, VCPU, 0, 264);
  do_run(&r);
  ended(&r, 2, VS_UNSUPPORTED, VS_CALL_guest_set_trap);
  ended(&r, 3, VS_UNSUPPORTED, VS_CALL_guest_set_trap);
  cr_assert(times(VS_CALL_vcpu_create) == 0, "a vCPU was made");
  vs_executor_close(executor);
}

Test(executor, code_goes_to_the_area_of_its_slot) {
  static const uint8_t code[] = {1, 2, 3, 4, 5};
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(&r.ops[2], vcpu_create, entry).slot = VS_PROGRAM_CODE;
  VS_OP_ARG(&r.ops[2], vcpu_write_state, buffer).length = sizeof code;
  memcpy(r.ops[2].bytes, code, sizeof code);
  do_run(&r);
  ended(&r, 2, VS_RETURNED, VS_CALL_vcpu_create);
  const zx_vaddr_t entry = vs_guest_own_entry(VCPU);
  got(nth(VS_CALL_vcpu_create, 0), 2, entry);
  got(nth(VS_CALL_vmo_write, 1), 1, entry);
  got(nth(VS_CALL_vmo_write, 1), 2, sizeof code);
  cr_assert(memcmp(fake.memory + entry, code, sizeof code) == 0, "the code is not in memory");
}

Test(executor, code_without_memory_is_unsupported) {
  run r = {.count = 0};
  put(&r, VS_CALL_guest_create, 0, GUEST)->out2 = VMAR;
  put(&r, VS_CALL_vcpu_create, GUEST, VCPU)->program = VS_PROGRAM_CODE;
  VS_OP_ARG(&r.ops[1], vcpu_write_state, buffer).length = 4;
  do_run(&r);
  ended(&r, 1, VS_UNSUPPORTED, VS_CALL_vmar_map);
}

Test(executor, code_that_cannot_be_written_makes_no_vcpu) {
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  r.ops[0] = r.ops[2];
  VS_OP_ARG(&r.ops[0], vcpu_create, entry).slot = VS_PROGRAM_CODE;
  VS_OP_ARG(&r.ops[0], vcpu_write_state, buffer).length = 4;
  r.count = 1;
  fake.answers[VS_CALL_vmo_write] = ZX_ERR_OUT_OF_RANGE;
  do_run(&r);
  ended(&r, 0, VS_RETURNED, VS_CALL_vmo_write);
  cr_assert(r.seen[0].status == ZX_ERR_OUT_OF_RANGE, "got status %d", r.seen[0].status);
  cr_assert(times(VS_CALL_vcpu_create) == 1, "a vCPU was made");
}

Test(executor, slot_that_nobody_filled_is_unsupported) {
  run r = {.count = 0};
  put_write(&r, 12, 0, 136);
  do_run(&r);
  cr_assert(r.seen[0].outcome == VS_UNSUPPORTED, "got outcome %d", r.seen[0].outcome);
  cr_assert(fake.count == 0, "a call was made");
}

// --- giving back -------------------------------------------------------------------------------

static size_t closes_of(zx_handle_t value) {
  size_t count = 0;
  for (size_t i = 0; i < fake.count; i++) {
    count += fake.calls[i].which == VS_CALL_handle_close && fake.calls[i].arguments[0] == value;
  }
  return count;
}

// Every value that was given out, but `gone`, must have been closed once.
static void gave_back(zx_handle_t gone) {
  for (zx_handle_t value = 0x1007; value <= fake.next; value += 4) {
    size_t expected = value == gone ? 0 : 1;
    cr_assert(closes_of(value) == expected, "handle 0x%x must be closed %u times, got %u", value,
              (unsigned)expected, (unsigned)closes_of(value));
  }
}

Test(executor, reset_closes_every_open_handle_once) {
  run r = {.count = 0};
  put_everything(&r);
  do_run(&r);
  vs_executor_reset(executor);
  gave_back(r.seen[7].handle);  // the duplicate was replaced
  size_t closes = times(VS_CALL_handle_close);
  vs_executor_reset(executor);
  cr_assert(times(VS_CALL_handle_close) == closes, "a second reset closed again");
}

Test(executor_without, reset_close_closes_every_open_handle) {
  open_on(&all_calls, VS_ARCH_X64);
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  vs_executor_close(executor);
  gave_back(0);
}

Test(executor, reset_closes_the_memory_of_a_guest_whose_slot_was_used_again) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_handle_close, GUEST, 0);
  put(&r, VS_CALL_handle_close, VMAR, 0);
  put(&r, VS_CALL_guest_create, 0, GUEST)->out2 = VMAR;
  do_run(&r);
  vs_executor_reset(executor);
  gave_back(0);
}

Test(executor, reset_closes_the_memory_of_a_load_that_failed) {
  fake.answers[VS_CALL_vmar_map] = ZX_ERR_NO_MEMORY;
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  vs_executor_reset(executor);
  gave_back(0);
}

Test(executor, reset_empties_the_slots) {
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  vs_executor_reset(executor);
  r.count = 0;
  put_write(&r, VCPU, 0, 136);
  do_run(&r);
  cr_assert(r.seen[0].outcome == VS_UNSUPPORTED, "got outcome %d", r.seen[0].outcome);
}

Test(executor, close_that_is_refused_leaves_the_handle_open) {
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_handle_close, VCPU, 0);
  fake.answers[VS_CALL_handle_close] = ZX_ERR_BAD_HANDLE;
  do_run(&r);
  fake.answers[VS_CALL_handle_close] = ZX_OK;
  vs_executor_reset(executor);
  cr_assert(closes_of(r.seen[2].handle) == 2, "the handle was not closed again");
}

// --- names -------------------------------------------------------------------------------------

Test(calls, have_names_and_are_asked_for_one_by_one) {
  for (unsigned i = 0; i < VS_CALL_COUNT; i++) {
    vs_calls calls = without((vs_call_index)i);
    cr_assert(strncmp(vs_call_name((vs_call_index)i), "zx_", 3) == 0, "call %u has no name", i);
    for (unsigned k = 0; k < VS_CALL_COUNT; k++) {
      cr_assert(vs_calls_have(&calls, (vs_call_index)k) == (i != k), "%s, without %s",
                vs_call_name((vs_call_index)k), vs_call_name((vs_call_index)i));
    }
  }
  cr_assert(strcmp(vs_call_name(VS_CALL_vcpu_write_state), "zx_vcpu_write_state") == 0, "got %s",
            vs_call_name(VS_CALL_vcpu_write_state));
}
