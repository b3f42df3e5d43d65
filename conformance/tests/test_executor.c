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

#include "changed.h"
#include "executor/executor.h"
#include "guest/guest.h"
#include "tables.h"

// --- a backend that remembers ------------------------------------------------------------------

enum { CALLS_MAX = 4096, RESOURCE = 0x7773, OTHER_RESOURCE = 0x9993, SHOWN = 32 };

typedef struct call {
  vs_call_index which;
  pid_t thread;
  uint64_t arguments[VS_ARGS_MAX];  // in the order of the row
  uint8_t bytes[SHOWN];             // of a buffer that came in
  uint8_t outcome;                  // of the watched observation, during the call
} call;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  call calls[CALLS_MAX];
  size_t count;
  zx_handle_t next;                    // the value of the next new handle
  zx_status_t answers[VS_CALL_COUNT];  // ZX_OK but where a test says otherwise
  size_t denied_maps;                  // that are answered with ZX_ERR_ACCESS_DENIED, first
  const vs_observation* watched;       // NULL: none
  size_t shown;                        // bytes that may be read of what comes in
  size_t written;                      // bytes that read_state writes
  uint8_t memory[VS_GUEST_MEMORY];     // of the guest
  zx_port_packet_t packet;             // what enter returns, and the ports
  uint64_t number;                     // what comes out as one
  bool blocks;                         // enter waits for a kick
  bool kicked;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static const void* pointer_of(const call* c, vs_param_type type) {
  uint8_t at = vs_param_find((uint8_t)c->which, type, 0);
  return at < VS_ARGS_MAX ? (const void*)(uintptr_t)c->arguments[at] : NULL;
}

// The answer to the call, which is remembered.
static zx_status_t note(vs_call_index which, const uint64_t* arguments) {
  pthread_mutex_lock(&fake.lock);
  cr_assert(fake.count < CALLS_MAX, "too many calls");
  call* c = &fake.calls[fake.count++];
  *c = (call){.which = which, .thread = (pid_t)syscall(SYS_gettid)};
  memcpy(c->arguments, arguments, sizeof c->arguments);
  const void* state = which == VS_CALL_vcpu_write_state ? pointer_of(c, VS_PARAM_IN) : NULL;
  const void* packet = pointer_of(c, VS_PARAM_IN_PACKET);
  if (state != NULL) memcpy(c->bytes, state, fake.shown);
  if (packet != NULL) memcpy(c->bytes, packet, fake.shown);
  if (fake.watched) c->outcome = __atomic_load_n(&fake.watched->outcome, __ATOMIC_ACQUIRE);
  zx_status_t answer = fake.answers[which];
  if (which == VS_CALL_vmar_map && fake.denied_maps > 0) {
    fake.denied_maps--;
    answer = ZX_ERR_ACCESS_DENIED;
  }
  pthread_mutex_unlock(&fake.lock);
  return answer;
}

static void give(zx_handle_t* out) {
  pthread_mutex_lock(&fake.lock);
  *out = fake.next += 4;
  pthread_mutex_unlock(&fake.lock);
}

// What comes out of a call that succeeded.
static void give_out(vs_call_index which, const uint64_t* arguments) {
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    void* out = (void*)(uintptr_t)arguments[i];
    uint8_t type = vs_ops[which].params[i].type;
    if (type == VS_PARAM_OUT_HANDLE) give(out);
    if (type == VS_PARAM_OUT_PACKET) memcpy(out, &fake.packet, sizeof fake.packet);
    if (type == VS_PARAM_OUT_U64) memcpy(out, &fake.number, sizeof fake.number);
  }
}

// Until a kick, where that is asked for.
static zx_status_t run_guest(zx_status_t status) {
  pthread_mutex_lock(&fake.lock);
  while (fake.blocks && !fake.kicked) pthread_cond_wait(&fake.changed, &fake.lock);
  if (fake.kicked) status = ZX_ERR_CANCELED;
  pthread_mutex_unlock(&fake.lock);
  return status;
}

static void kick(void) {
  pthread_mutex_lock(&fake.lock);
  fake.kicked = true;
  pthread_cond_broadcast(&fake.changed);
  pthread_mutex_unlock(&fake.lock);
}

static zx_status_t answer(vs_call_index which, const uint64_t* arguments) {
  zx_status_t status = note(which, arguments);
  void* buffer = (void*)(uintptr_t)arguments[VS_ARG(vmo_read, buffer)];
  const uint64_t offset = arguments[VS_ARG(vmo_read, offset)];
  const uint64_t size = arguments[VS_ARG(vmo_read, buffer_size)];
  if (which == VS_CALL_vcpu_enter) status = run_guest(status);
  if (which == VS_CALL_vcpu_kick) kick();
  if (which == VS_CALL_vcpu_read_state) {
    volatile uint8_t* to = (void*)(uintptr_t)arguments[VS_ARG(vcpu_read_state, buffer)];
    for (size_t i = 0; i < fake.written; i++) to[i] = (uint8_t)i;
  }
  if (status != ZX_OK) return status;
  if (which == VS_CALL_vmo_read) memcpy(buffer, fake.memory + offset, size);
  if (which == VS_CALL_vmo_write) memcpy(fake.memory + offset, buffer, size);
  give_out(which, arguments);
  return ZX_OK;
}

#define VS_NUMBER(type, name, object, value) (uintptr_t) name
#define VS_CALL(name, word, phase, text, ...)                                \
  static zx_status_t name(VS_EACH(VS_DECLARE, __VA_ARGS__)) {                \
    const uint64_t numbers[VS_ARGS_MAX] = {VS_EACH(VS_NUMBER, __VA_ARGS__)}; \
    return answer(VS_CALL_##name, numbers);                                  \
  }
#include <vcpuspec/calls.def>

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

static vs_executor* executor;
static vs_arch arch;  // of the executor

static vs_op* put(run* r, vs_op_code code, uint8_t slot, uint8_t out) {
  cr_assert(r->count < OPS_MAX, "the script is full");
  vs_op* op = &r->ops[r->count++];
  *op = vs_op_new((uint8_t)code, vs_arch_find(arch));
  if (vs_param_is_positional(op->code, 0)) op->args[0] = vs_arg_slot(slot);
  vs_op_give(op, 0, out);
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

static void put_guest(run* r) {
  vs_op_give(put(r, VS_CALL_guest_create, 0, GUEST), 1, VMAR);
}

static void put_setup(run* r) {
  put_guest(r);
  vs_op* load = put(r, VS_OP_guest_load, GUEST, MEMORY);
  VS_OP_ARG(load, guest_load, vmar) = vs_arg_slot(VMAR);
  vs_op* create = put(r, VS_CALL_vcpu_create, GUEST, VCPU);
  VS_OP_ARG(create, vcpu_create, entry).slot = VS_PROGRAM_IN16;
}

static void open_on(const vs_calls* calls, vs_arch of) {
  arch = of;
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
  vs_executor_offer(executor, OTHER_RESOURCE);
  put_setup(&r);
  static const vs_arg forms[] = {{.form = VS_HANDLE_SLOT, .slot = VCPU, .number = 0xffff},
                                 {.form = VS_HANDLE_CLEARED, .slot = VCPU, .number = 1},
                                 {.form = VS_HANDLE_CLEARED, .slot = VCPU, .number = 2},
                                 {.form = VS_HANDLE_FLIPPED, .slot = VCPU, .number = 0x80000000},
                                 {.form = VS_HANDLE_FLIPPED, .slot = VCPU, .number = 3},
                                 {.form = VS_HANDLE_RAW, .slot = 15, .number = 0xdeadbeef},
                                 {.form = VS_HANDLE_RAW, .slot = VCPU, .number = 0},
                                 {.form = VS_HANDLE_SLOT, .slot = GUEST},
                                 {.form = VS_HANDLE_SLOT, .slot = VMAR},
                                 {.form = VS_HANDLE_RESOURCE, .slot = VCPU},
                                 {.form = VS_HANDLE_RAW, .number = RESOURCE},
                                 {.form = VS_HANDLE_OTHER_RESOURCE, .slot = VCPU},
                                 {.form = VS_HANDLE_RAW, .number = OTHER_RESOURCE}};
  enum { FORMS = sizeof forms / sizeof forms[0] };
  for (size_t i = 0; i < FORMS; i++) put_write(&r, 0, 0, 136)->args[0] = forms[i];
  do_run(&r);
  zx_handle_t v = r.seen[2].handle;
  const zx_handle_t expected[FORMS] = {
      v,
      v & ~1u,
      v & ~2u,
      v ^ 0x80000000,
      v ^ 3u,
      0xdeadbeef,
      0,
      r.seen[0].handle,
      r.seen[0].handle2,
      RESOURCE,
      RESOURCE ^ 1u << 30,  // names nothing, as the oracle takes it
      OTHER_RESOURCE,
      OTHER_RESOURCE ^ 1u << 30};
  for (size_t i = 0; i < FORMS; i++) got(nth(VS_CALL_vcpu_write_state, i), 0, expected[i]);
}

// What none offers is no call's argument, and what would have been made by it is not there either.
Test(executor, op_with_a_resource_that_is_not_offered_is_unsupported) {
  run r = {.count = 0};
  put_guest(&r);
  vs_op* other = put(&r, VS_CALL_guest_create, 0, GUEST);
  other->args[0] = (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
  vs_op_give(other, 1, OBJECT);
  put(&r, VS_CALL_handle_close, GUEST, 0);
  put(&r, VS_CALL_handle_close, OBJECT, 0);
  do_run(&r);
  cr_expect_eq(r.seen[0].outcome, VS_RETURNED);
  cr_expect_eq(r.seen[1].outcome, VS_UNSUPPORTED);
  cr_expect_eq(r.seen[1].call, VS_NO_OTHER_RESOURCE);
  cr_expect_eq(r.seen[2].outcome, VS_RETURNED, "the slot keeps what it had");
  cr_expect_eq(r.seen[3].outcome, VS_UNSUPPORTED);
  cr_expect_eq(r.seen[3].call, VS_NO_OTHER_RESOURCE, "a slot that had none is empty for that want");
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
  static const uint16_t first[] = {VS_PORT_DUMP, VS_PORT_IN - 2, VS_PORT_OUT};
  uint8_t image[VS_GUEST_MEMORY];
  memcpy(image, vs_guest_image(VS_ARCH_X64), VS_GUEST_MEMORY);
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
    got(nth(VS_CALL_guest_set_trap, i), 2, first[i]);
  }
  got(nth(VS_CALL_vcpu_create, 0), 0, r.seen[0].handle);
  got(nth(VS_CALL_vcpu_create, 0), 1, 0);
  got(nth(VS_CALL_vcpu_create, 0), 2, vs_guest_entry(VS_PROGRAM_IN16));
}

Test(executor, derived_handles_get_the_asked_rights) {
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(put(&r, VS_CALL_handle_duplicate, VCPU, DERIVED), handle_duplicate, rights).number =
      ZX_RIGHT_READ;
  VS_OP_ARG(put(&r, VS_CALL_handle_replace, DERIVED, OBJECT), handle_replace, rights).number =
      ZX_RIGHT_SAME_RIGHTS;
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

// In each of its bits, seen twice.
Test(executor, state_that_was_not_written_shows) {
  fake.written = 100;
  run r = {.count = 0};
  put_setup(&r);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  do_run(&r);
  for (unsigned i = 100; i < 136; i++) {
    uint8_t first = r.seen[3].state[i];
    uint8_t second = r.seen[4].state[i];
    cr_assert((first ^ second) == 0xff, "byte %u is 0x%02x, then 0x%02x", i, first, second);
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

static void state_of_a_byte_too_many(vs_arch of, size_t size) {
  struct sigaction mine = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  struct sigaction before;
  open_on(&all_calls, of);
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
  cr_assert(r.seen[0].packet.type == ZX_PKT_TYPE_GUEST_IO &&
                r.seen[0].packet.guest_io.port == VS_PORT_DUMP &&
                r.seen[0].packet.guest_io.access_size == 2 &&
                r.seen[0].packet.guest_io.u32 == 0x12345678,
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

// --- what comes out ----------------------------------------------------------------------------

// An op of the call with arguments that are usual; its handles are raw.
static vs_op* put_usual(run* r, vs_call_index which) {
  vs_op* op = put(r, (vs_op_code)which, 0, 5);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (vs_ops[which].params[i].type != VS_PARAM_HANDLE) continue;
    op->args[i] = (vs_arg){.form = VS_HANDLE_RAW, .number = 0x77};
  }
  vs_op_give(op, 1, 6);
  return op;
}

static size_t size_of_out(uint8_t type) {
  switch (type) {
    case VS_PARAM_OUT_HANDLE:
      return sizeof(zx_handle_t);
    case VS_PARAM_OUT_PACKET:
      return sizeof(zx_port_packet_t);
    case VS_PARAM_OUT_U64:
      return sizeof(uint64_t);
    default:
      return 0;
  }
}

static void is_recorded(vs_call_index which, const vs_observation* seen) {
  size_t handles = 0;
  for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
    uint8_t type = vs_ops[which].params[i].type;
    handles += type == VS_PARAM_OUT_HANDLE;
    if (size_of_out(type) > 0) cr_expect(vs_changed(seen, i), "%s", vs_ops[which].name);
    if (type == VS_PARAM_OUT_U64) cr_expect_eq(seen->number, fake.number);
    if (type != VS_PARAM_OUT_PACKET) continue;
    cr_expect(seen->has_packet && memcmp(&seen->packet, &fake.packet, sizeof fake.packet) == 0,
              "%s", vs_ops[which].name);
  }
  cr_expect((seen->handle != 0) == (handles > 0), "%s", vs_ops[which].name);
  cr_expect((seen->handle2 != 0) == (handles > 1), "%s", vs_ops[which].name);
}

Test(executor, every_call_has_what_came_out_recorded) {
  memset(&fake.packet, 0x11, sizeof fake.packet);
  fake.number = 0x1122334455667788;
  for (vs_call_index which = 0; which < VS_CALL_COUNT; which++) {
    run r = {.count = 0};
    put_usual(&r, which);
    do_run(&r);
    ended(&r, 0, VS_RETURNED, which);
    cr_assert_eq(r.seen[0].status, ZX_OK);
    is_recorded(which, &r.seen[0]);
    vs_executor_reset(executor);
  }
}

Test(executor, every_byte_that_a_call_wrote_is_recorded_after_any_status) {
  static const zx_status_t statuses[] = {ZX_OK, ZX_ERR_BAD_STATE};
  fake.written = 80;  // none of which is a filler
  for (size_t i = 0; i < 2; i++) {
    run r = {.count = 0};
    put_usual(&r, VS_CALL_vcpu_read_state);
    fake.answers[VS_CALL_vcpu_read_state] = statuses[i];
    do_run(&r);
    const vs_change* change = &r.seen[0].changes[0];
    cr_assert(r.seen[0].status == statuses[i] && r.seen[0].change_count == 1);
    cr_assert(change->parameter == VS_ARG(vcpu_read_state, buffer) && change->from == 0 &&
                  change->to == 80,
              "argument %u, %d..%d", change->parameter, change->from, change->to);
  }
}

Test(executor, nothing_that_was_not_written_is_recorded) {
  run r = {.count = 0};
  put_setup(&r);
  put_write(&r, VCPU, 0, 136);
  put(&r, VS_CALL_vcpu_kick, VCPU, 0);
  put(&r, VS_CALL_port_queue, VCPU, 0);
  do_run(&r);
  for (size_t i = 3; i < 6; i++) cr_assert_eq(r.seen[i].change_count, 0, "op %zu", i);
}

Test(executor, packet_goes_in_as_scripted) {
  run r = {.count = 0};
  vs_op* op = put_usual(&r, VS_CALL_port_queue);
  for (size_t i = 0; i < sizeof(zx_port_packet_t); i++) op->bytes[i] = (uint8_t)(3 * i + 1);
  do_run(&r);
  cr_assert(memcmp(nth(VS_CALL_port_queue, 0)->bytes, op->bytes, SHOWN) == 0, "other bytes");
}

Test(executor, handles_of_any_call_can_be_named_and_are_given_back) {
  run r = {.count = 0};
  put(&r, VS_CALL_port_create, 0, 6);
  put(&r, VS_CALL_event_create, 0, 7);
  vs_op* cancel = put(&r, VS_CALL_port_cancel, 6, 0);
  VS_OP_ARG(cancel, port_cancel, source) = vs_arg_slot(7);
  do_run(&r);
  got(nth(VS_CALL_port_cancel, 0), VS_ARG(port_cancel, handle), r.seen[0].handle);
  got(nth(VS_CALL_port_cancel, 0), VS_ARG(port_cancel, source), r.seen[1].handle);
  vs_executor_reset(executor);
  cr_assert_eq(times(VS_CALL_handle_close), 2);
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

Test(executor, asynchronous_call_is_answered_by_its_join, .timeout = 300) {
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

Test(executor, op_of_a_thread_that_is_within_a_call_is_not_done, .timeout = 300) {
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

Test(executor, reset_ends_a_call_that_nobody_joined, .timeout = 300) {
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
  put_write(&r, VCPU, 0, 136)->code = VS_OP_COUNT;
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
  put_write(r, 15, 0, 136)->args[0] = (vs_arg){.form = VS_HANDLE_RAW};
}

// Which ops of put_everything can be done without the call, as a string: 1 for those that cannot.
// A call without a row is one that none of them needs.
static const struct {
  vs_call_index missing;
  const char* unsupported;
} lacking[] = {
    {VS_CALL_guest_create, "1111111110001110"},     {VS_CALL_guest_set_trap, "0100010000000000"},
    {VS_CALL_vcpu_create, "0011111110001110"},      {VS_CALL_vcpu_enter, "0000010000000000"},
    {VS_CALL_vcpu_kick, "0000001000000000"},        {VS_CALL_vcpu_read_state, "0000100000000000"},
    {VS_CALL_vcpu_write_state, "0001000000001101"}, {VS_CALL_handle_close, "0000000000000010"},
    {VS_CALL_handle_duplicate, "0000000110001100"}, {VS_CALL_handle_replace, "0000000010000100"},
    {VS_CALL_event_create, "0000000001000000"},     {VS_CALL_port_create, "0000000000100000"},
    {VS_CALL_vmo_create, "0100010000010000"},       {VS_CALL_vmo_read, "0100010000000000"},
    {VS_CALL_vmo_write, "0100010000000000"},        {VS_CALL_vmar_map, "0100010000000000"},
};

static const char* lacking_without(vs_call_index missing) {
  for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
    if (lacking[i].missing == missing) return lacking[i].unsupported;
  }
  return "0000000000000000";
}

Test(executor_without, call_that_is_missing_makes_its_ops_unsupported) {
  for (vs_call_index missing = 0; missing <= VS_CALL_COUNT; missing++) {
    const char* unsupported = lacking_without(missing);
    vs_calls calls = without(missing);
    open_on(&calls, VS_ARCH_X64);
    fake.count = 0;
    run r = {.count = 0};
    put_everything(&r);
    cr_assert(strlen(unsupported) == r.count, "call %u", (unsigned)missing);
    do_run(&r);
    for (size_t i = 0; i < r.count; i++) {
      bool lacks = unsupported[i] == '1';
      ended(&r, i, lacks ? VS_UNSUPPORTED : VS_RETURNED, lacks ? missing : VS_CALL_COUNT);
    }
    calls.handle_close = handle_close;  // or nothing could be given back
    vs_executor_close(executor);
  }
}

// An op of the call, of which every argument is another number.
static vs_op* put_numbers(run* r, vs_call_index which) {
  vs_op* op = put(r, (vs_op_code)which, 0, 5);
  for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
    vs_arg* arg = &op->args[i];
    switch (vs_ops[which].params[i].type) {
      case VS_PARAM_NONE:
        break;
      case VS_PARAM_HANDLE:
        *arg = (vs_arg){.form = VS_HANDLE_RAW, .number = 0xdead0000u + i};
        break;
      case VS_PARAM_U64:
      case VS_PARAM_TIME:
      case VS_PARAM_SIZE:
        arg->number = UINT64_MAX - i;
        break;
      case VS_PARAM_ENTRY:
        *arg = (vs_arg){.form = VS_ENTRY_RAW, .number = UINT64_MAX - i};
        break;
      case VS_PARAM_U32:
      case VS_PARAM_RIGHTS:
      case VS_PARAM_VECTOR:
      case VS_PARAM_KIND:
        arg->number = UINT32_MAX - i;
        break;
      default:
        arg->at = i % 2 ? VS_AT_ONE : VS_AT_NULL;
    }
  }
  return op;
}

Test(executor, every_call_gets_every_argument_in_order) {
  fake.shown = 0;
  for (vs_call_index which = 0; which < VS_CALL_COUNT; which++) {
    run r = {.count = 0};
    const vs_op* op = put_numbers(&r, which);
    fake.answers[which] = ZX_ERR_INTERNAL;  // nothing comes out
    fake.count = 0;
    do_run(&r);
    fake.answers[which] = ZX_OK;
    ended(&r, 0, VS_RETURNED, which);
    cr_assert_eq(r.seen[0].status, ZX_ERR_INTERNAL);
    cr_assert(fake.count == 1, "%s: %zu calls", vs_call_name(which), fake.count);
    for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
      bool pointer = vs_param_is_pointer(vs_ops[which].params[i].type);
      got(nth(which, 0), i, pointer ? i % 2 : op->args[i].number);
    }
  }
}

Test(executor_without, call_that_is_missing_is_not_made) {
  for (vs_call_index which = 0; which < VS_CALL_COUNT; which++) {
    if (which == VS_CALL_handle_close) continue;  // or nothing could be given back
    vs_calls calls = without(which);
    open_on(&calls, VS_ARCH_X64);
    run r = {.count = 0};
    put_numbers(&r, which);
    do_run(&r);
    ended(&r, 0, VS_UNSUPPORTED, which);
    vs_executor_close(executor);
  }
  cr_assert_eq(fake.count, 0);
}

// Handles of every position count, not the first alone.
Test(executor, slot_that_no_op_filled_is_unsupported_as_any_argument) {
  for (vs_call_index which = 0; which < VS_CALL_COUNT; which++) {
    for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
      if (vs_ops[which].params[i].type != VS_PARAM_HANDLE) continue;
      run r = {.count = 0};
      put_numbers(&r, which)->args[i] = vs_arg_slot(12);
      do_run(&r);
      ended(&r, 0, VS_UNSUPPORTED, VS_CALL_COUNT);
    }
  }
  cr_assert(fake.count == 0, "a call was made");
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

static vs_arg own_code(size_t length) {
  return (vs_arg){.form = VS_ENTRY_PROGRAM, .slot = VS_PROGRAM_CODE, .length = (uint16_t)length};
}

Test(executor, code_goes_to_the_area_of_its_slot) {
  static const uint8_t code[] = {1, 2, 3, 4, 5};
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(&r.ops[2], vcpu_create, entry) = own_code(sizeof code);
  memcpy(r.ops[2].bytes, code, sizeof code);
  do_run(&r);
  ended(&r, 2, VS_RETURNED, VS_CALL_vcpu_create);
  const zx_vaddr_t entry = vs_guest_own_entry(VCPU);
  got(nth(VS_CALL_vcpu_create, 0), 2, entry);
  got(nth(VS_CALL_vmo_write, 1), VS_ARG(vmo_write, offset), entry);
  got(nth(VS_CALL_vmo_write, 1), VS_ARG(vmo_write, buffer_size), sizeof code);
  cr_assert(memcmp(fake.memory + entry, code, sizeof code) == 0, "the code is not in memory");
}

Test(executor, code_without_memory_is_unsupported) {
  run r = {.count = 0};
  put_guest(&r);
  VS_OP_ARG(put(&r, VS_CALL_vcpu_create, GUEST, VCPU), vcpu_create, entry) = own_code(4);
  do_run(&r);
  ended(&r, 1, VS_UNSUPPORTED, VS_CALL_vmar_map);
}

Test(executor, code_that_cannot_be_written_makes_no_vcpu) {
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  r.ops[0] = r.ops[2];
  VS_OP_ARG(&r.ops[0], vcpu_create, entry) = own_code(4);
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

// --- an implementation that does not share this memory
// --------------------------------------------

static struct {
  vs_region regions[VS_POINTERS_MAX];
  size_t count;
  size_t times;
  bool cannot;
  bool held;
} told;

static bool reach(const vs_region* regions, size_t count) {
  cr_assert_leq(count, VS_POINTERS_MAX);
  memcpy(told.regions, regions, count * sizeof *regions);
  told.count = count;
  told.times++;
  return !told.cannot;
}

static bool held(void) {
  return told.held;
}

static bool covers(const vs_region* region, uint64_t address, size_t size) {
  uint64_t from = (uintptr_t)region->address;
  return from <= address && address + size <= from + region->length;
}

Test(executor, implementation_elsewhere_is_told_what_each_call_can_reach) {
  vs_executor_reach_by(executor, reach, held);
  for (vs_call_index which = 0; which < VS_CALL_COUNT; which++) {
    run r = {.count = 0};
    put_usual(&r, which);
    told.count = told.times = 0;
    do_run(&r);
    ended(&r, 0, VS_RETURNED, which);
    cr_expect_eq(told.times, 1, "%s", vs_ops[which].name);
    size_t at = 0;
    for (size_t i = 0; i < VS_ARGS_MAX; i++) {
      uint8_t type = vs_ops[which].params[i].type;
      size_t size = size_of_out(type);
      if (size == 0) continue;
      cr_assert_lt(at, told.count, "%s", vs_ops[which].name);
      const vs_region* region = &told.regions[at++];
      cr_expect(region->writable && region->rewrite == NULL &&
                    covers(region, nth(which, 0)->arguments[i], size),
                "%s: argument %zu", vs_ops[which].name, i);
    }
    vs_executor_reset(executor);
    fake.count = 0;
  }
}

Test(executor, implementation_elsewhere_is_told_of_what_is_there_alone) {
  fake.shown = 0;
  vs_executor_reach_by(executor, reach, held);
  run r = {.count = 0};
  put_setup(&r);
  vs_op* op = put_write(&r, VCPU, 0, 136);
  VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_AT_UNMAPPED;
  do_run(&r);
  cr_expect_eq(told.count, 0);
  VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_AT_READONLY;
  do_run(&r);
  cr_expect(told.count == 1 && !told.regions[0].writable);
  op->args[VS_ARG(vcpu_write_state, buffer)] =
      (vs_arg){.at = VS_AT_STRADDLE, .argument = 12, .length = SHOWN};
  do_run(&r);
  const uint64_t address = nth(VS_CALL_vcpu_write_state, 2)->arguments[2];
  const vs_region* region = &told.regions[0];
  cr_expect(told.count == 1 && covers(region, address, SHOWN - 12) &&
            !covers(region, address, SHOWN - 11));
}

Test(executor, call_that_cannot_be_told_of_its_memory_is_not_made) {
  vs_executor_reach_by(executor, reach, held);
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  r.count = 0;
  put_write(&r, VCPU, 0, 136);
  told.cannot = true;
  do_run(&r);
  ended(&r, 0, VS_UNSUPPORTED, VS_CALL_vcpu_write_state);
  cr_assert_eq(times(VS_CALL_vcpu_write_state), 0);
  told.cannot = false;
}

Test(executor, implementation_elsewhere_rewrites_the_buffer_itself) {
  static const uint8_t modes[] = {VS_REWRITE_HELD, VS_REWRITE_FLIP};
  vs_executor_reach_by(executor, reach, held);
  for (size_t i = 0; i < 2; i++) {
    told.held = modes[i] == VS_REWRITE_HELD;
    run r = {.count = 0};
    put_setup(&r);
    vs_op* op = put_write(&r, VCPU, 0, 136);
    op->rewrite = (vs_rewrite){.mode = modes[i], .length = 2, .offset = 4, .bytes = {1, 2}};
    do_run(&r);
    ended(&r, 3, VS_RETURNED, VS_CALL_vcpu_write_state);
    const vs_region* region = &told.regions[0];
    const uint64_t address = nth(VS_CALL_vcpu_write_state, i)->arguments[2];
    cr_assert(told.count == 1 && region->rewrite != NULL && region->rewrite->mode == modes[i]);
    cr_expect((uintptr_t)region->address == address, "offset 0 is the buffer's");
    bool ends = (address + 4 + 2) % 4096 == 0;
    cr_expect(ends == told.held, "what is held ends at a page's end");
    cr_expect_eq(r.seen[3].held, told.held);
    vs_executor_reset(executor);
  }
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
  put_guest(&r);
  do_run(&r);
  vs_executor_reset(executor);
  gave_back(0);
}

Test(executor, load_closes_what_its_slot_held) {
  run r = {.count = 0};
  put_guest(&r);
  put(&r, VS_CALL_vcpu_create, GUEST, VCPU);
  vs_op* load = put(&r, VS_OP_guest_load, GUEST, VCPU);
  VS_OP_ARG(load, guest_load, vmar) = vs_arg_slot(VMAR);
  do_run(&r);
  ended(&r, 2, VS_RETURNED, VS_CALL_guest_set_trap);
  cr_assert_eq(times(VS_CALL_handle_close), 1);
  got(nth(VS_CALL_handle_close, 0), 0, r.seen[1].handle);
}

Test(executor, op_that_cannot_be_done_leaves_what_its_slot_holds) {
  run r = {.count = 0};
  put_setup(&r);
  VS_OP_ARG(put(&r, VS_CALL_handle_duplicate, 12, VCPU), handle_duplicate, rights).number = 0;
  do_run(&r);
  ended(&r, 3, VS_UNSUPPORTED, VS_NO_CALL);
  vs_executor_reset(executor);
  cr_assert_eq(times(VS_CALL_handle_close), 4, "guest, region, memory and vCPU");
}

Test(executor, load_replaces_memory_that_may_not_be_executed) {
  fake.denied_maps = 1;
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  ended(&r, 1, VS_RETURNED, VS_CALL_guest_set_trap);
  cr_assert_eq(times(VS_CALL_vmo_replace_as_executable), 1);
  cr_assert_eq(times(VS_CALL_vmar_map), 2);
  got(nth(VS_CALL_vmar_map, 1), 3, r.seen[1].handle);
  cr_assert_neq(nth(VS_CALL_vmar_map, 0)->arguments[3], r.seen[1].handle);
}

Test(executor, load_tells_that_memory_may_not_be_executed) {
  fake.answers[VS_CALL_vmar_map] = ZX_ERR_ACCESS_DENIED;
  fake.answers[VS_CALL_vmo_replace_as_executable] = ZX_ERR_WRONG_TYPE;
  run r = {.count = 0};
  put_setup(&r);
  do_run(&r);
  ended(&r, 1, VS_RETURNED, VS_CALL_vmar_map);
  cr_assert_eq(r.seen[1].status, ZX_ERR_ACCESS_DENIED);
  cr_assert_eq(times(VS_CALL_vmar_map), 1);
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
