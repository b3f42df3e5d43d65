// SPDX-License-Identifier: BSD-3-Clause
// Guests on real backends, without the judge: programs of every sort, and traps on memory.
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "executor/executor.h"
#include "guest/guest.h"
#include "runner/target.h"

enum { GUEST, VMAR, MEMORY, VCPU, OPS_MAX = 16 };

#if defined(__x86_64__)
enum { IS_X64 = true };
#else
enum { IS_X64 = false };
#endif

static vs_opened opened;
static vs_executor* executor;

static void open_target(const char* spec) {
  vs_target target;
  vs_why reason;
  cr_assert(vs_target_parse(spec, &target), "%s", spec);
  cr_assert(vs_target_open(&target, &opened, &reason), "%s: %s", spec, reason.text);
  executor = vs_opened_executor(&opened);
  cr_assert(executor != NULL);
}

static void open_arm64(void) {
  open_target("unicorn:arm64");
}
static void open_x64(void) {
  open_target("unicorn");
}
static void open_kvm(void) {
  if (access("/dev/kvm", R_OK | W_OK) != 0) cr_skip_test("this machine has no /dev/kvm");
  open_target("kvm");
}
static void open_kvm_x64(void) {
  if (!IS_X64) cr_skip_test("this machine's KVM has no x86-64 guests");
  open_kvm();
}

TestSuite(guest_x64, .init = open_x64);
TestSuite(guest_arm64, .init = open_arm64);
TestSuite(traps_arm64, .init = open_arm64);
TestSuite(traps_x64, .init = open_x64);
TestSuite(traps_kvm, .init = open_kvm_x64);

typedef struct run {
  vs_op ops[OPS_MAX];
  vs_observation seen[OPS_MAX];
  size_t count;
} run;

static vs_op* put(run* r, vs_op_code code, uint8_t slot, uint8_t out) {
  vs_op* op = &r->ops[r->count++];
  *op = vs_op_new((uint8_t)code, vs_arch_find(opened.arch));
  if (vs_param_is_positional(op->code, 0)) op->args[0] = vs_arg_slot(slot);
  if (code == VS_OP_guest_load) VS_OP_ARG(op, guest_load, vmar) = vs_arg_slot(VMAR);
  vs_op_give(op, 0, out);
  vs_op_give(op, 1, VMAR);
  return op;
}

static void put_guest(run* r) {
  put(r, VS_CALL_guest_create, 0, GUEST);
  put(r, VS_OP_guest_load, GUEST, MEMORY);
}

static void put_code(run* r, const void* code, size_t size) {
  vs_op* op = put(r, VS_CALL_vcpu_create, GUEST, VCPU);
  VS_OP_ARG(op, vcpu_create, entry) =
      (vs_arg){.form = VS_ENTRY_PROGRAM, .slot = VS_PROGRAM_CODE, .length = (uint16_t)size};
  memcpy(op->bytes, code, size);
}

static void put_program(run* r, vs_program program) {
  vs_op* op = put(r, VS_CALL_vcpu_create, GUEST, VCPU);
  VS_OP_ARG(op, vcpu_create, entry).slot = (uint8_t)program;
}

static void put_write(run* r, const void* state, size_t size) {
  vs_op* op = put(r, VS_CALL_vcpu_write_state, VCPU, 0);
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = size;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)size;
  memcpy(op->bytes, state, size);
}

// Every op must be answered ZX_OK; the last one's observation.
static const vs_observation* do_run(run* r) {
  const vs_script script = {"by hand", r->ops, r->count};
  vs_execute(executor, &script, r->seen);
  for (size_t i = 0; i < r->count; i++) {
    cr_assert(r->seen[i].outcome == VS_RETURNED && r->seen[i].status == ZX_OK,
              "op %zu: outcome %d of %s, status %d", i, r->seen[i].outcome,
              vs_call_name(r->seen[i].call), r->seen[i].status);
  }
  return &r->seen[r->count - 1];
}

static zx_vcpu_state_arm64_t numbered_arm64(void) {
  zx_vcpu_state_arm64_t state = {.sp = 0x1234567890abcdef, .cpsr = 0xa0000000};
  for (unsigned i = 0; i < 31; i++) state.x[i] = UINT64_C(0x1111111111111111) * (i % 15 + 1) + i;
  return state;
}

// --- programs ---------------------------------------------------------------------------------

Test(guest_x64, code_of_the_script_runs) {
  // mov %rax, %rbx; out %al, $0xd0
  static const uint8_t code[] = {0x48, 0x89, 0xc3, 0xe6, 0xd0};
  const zx_vcpu_state_x64_t written = {.rax = 0x1122334455667788, .rbx = 1};
  run r = {.count = 0};
  put_guest(&r);
  put_code(&r, code, sizeof code);
  put_write(&r, &written, sizeof written);
  put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  zx_vcpu_state_x64_t state;
  memcpy(&state, do_run(&r)->state, sizeof state);
  cr_expect_eq(state.rbx, written.rax, "rbx is 0x%llx", (unsigned long long)state.rbx);
}

// movz x2, #0x10, lsl #16: VS_MMIO_DUMP.
enum { MOVE_MMIO_TO_X2 = 0x52a00202, MOVE_X0_TO_X1 = 0xaa0003e1 };

Test(guest_arm64, code_of_the_script_runs) {
  static const uint32_t code[] = {MOVE_X0_TO_X1, MOVE_MMIO_TO_X2, 0xb9000441};  // str w1, [x2, #4]
  const zx_vcpu_state_arm64_t written = numbered_arm64();
  run r = {.count = 0};
  put_guest(&r);
  put_code(&r, code, sizeof code);
  put_write(&r, &written, sizeof written);
  put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  zx_vcpu_state_arm64_t state;
  memcpy(&state, do_run(&r)->state, sizeof state);
  cr_expect_eq(r.seen[4].packet.type, ZX_PKT_TYPE_GUEST_MEM);
  cr_expect_eq(r.seen[4].packet.guest_mem_arm64.addr, VS_MMIO_DUMP + 4);
  cr_expect_eq(state.x[1], written.x[0]);
  cr_expect_eq(state.x[2], VS_MMIO_DUMP);
}

static void same_state(const uint8_t* got, const zx_vcpu_state_arm64_t* expected) {
  zx_vcpu_state_arm64_t state;
  memcpy(&state, got, sizeof state);
  for (unsigned i = 0; i < 31; i++) {
    cr_expect_eq(state.x[i], expected->x[i], "x%u is 0x%llx", i, (unsigned long long)state.x[i]);
  }
  cr_expect_eq(state.sp, expected->sp, "sp is 0x%llx", (unsigned long long)state.sp);
  cr_expect_eq(state.cpsr, expected->cpsr, "cpsr is 0x%x", state.cpsr);
}

// At its exit nothing shows that a program borrowed registers, twice in a row.
static void leaves_everything(vs_program program) {
  const zx_vcpu_state_arm64_t written = numbered_arm64();
  run r = {.count = 0};
  put_guest(&r);
  put_program(&r, program);
  put_write(&r, &written, sizeof written);
  for (int i = 0; i < 2; i++) {
    put(&r, VS_CALL_vcpu_enter, VCPU, 0);
    put(&r, VS_CALL_vcpu_read_state, VCPU, 0);
  }
  do_run(&r);
  for (size_t i = 4; i < r.count; i++) {
    cr_assert(r.seen[i].has_state, "op %zu has no state", i);
    same_state(r.seen[i].state, &written);
  }
}

Test(guest_arm64, dump_changes_no_register) {
  leaves_everything(VS_PROGRAM_DUMP);
}
Test(guest_arm64, store_changes_no_register) {
  leaves_everything(VS_PROGRAM_STORE);
}

Test(guest_arm64, spin_changes_no_register) {
  const zx_vcpu_state_arm64_t written = numbered_arm64();
  run r = {.count = 0};
  put_guest(&r);
  put_program(&r, VS_PROGRAM_SPIN);
  put_write(&r, &written, sizeof written);
  for (size_t i = 2; i < r.count; i++) r.ops[i].thread = 1;
  vs_op* enter = put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  enter->thread = 1;
  enter->async = true;
  put(&r, VS_OP_await_guest, VCPU, 0);
  put(&r, VS_CALL_vcpu_kick, VCPU, 0);
  put(&r, VS_OP_join, 0, 0)->thread = 1;
  put(&r, VS_CALL_vcpu_read_state, VCPU, 0)->thread = 1;
  const vs_script script = {"spin", r.ops, r.count};
  vs_execute(executor, &script, r.seen);
  cr_expect_eq(r.seen[5].status, ZX_OK, "no sign of life: %d", r.seen[5].status);
  cr_expect_eq(r.seen[7].status, ZX_ERR_CANCELED, "the kick: %d", r.seen[7].status);
  same_state(r.seen[8].state, &written);
}

Test(guest_x64, store_changes_no_register) {
  const zx_vcpu_state_x64_t written = {.rax = 0x1122334455667788, .r15 = 15, .rsp = 7};
  run r = {.count = 0};
  put_guest(&r);
  put_program(&r, VS_PROGRAM_STORE);
  put_write(&r, &written, sizeof written);
  put(&r, VS_CALL_vcpu_enter, VCPU, 0);
  const vs_observation* seen = do_run(&r);
  zx_vcpu_state_x64_t state;
  memcpy(&state, seen->state, sizeof state);
  cr_expect(seen->has_state && state.rax == written.rax && state.r15 == 15 && state.rsp == 7);
}

// --- traps on memory --------------------------------------------------------------------------

static zx_handle_t guest, vmar;

static void make_guest(void) {
  cr_assert_eq(opened.calls->guest_create(opened.resource, 0, &guest, &vmar), ZX_OK);
}

static void trap_answers(uint32_t kind, zx_vaddr_t addr, size_t size, zx_handle_t port,
                         zx_status_t expected) {
  const zx_status_t got = opened.calls->guest_set_trap(guest, kind, addr, size, port, 1);
  cr_expect_eq(got, expected, "trap %u at 0x%llx, %zu bytes: %d", kind, (unsigned long long)addr,
               size, got);
}

Test(traps_arm64, arguments) {
  zx_handle_t port;
  make_guest();
  cr_assert_eq(opened.calls->port_create(0, &port), ZX_OK);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x100000, 0x1000, port, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x100004, 0x1000, 0, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x100000, 0x1004, 0, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x100000, 0, 0, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_MEM, (zx_vaddr_t)1 << 36, 0x1000, 0, ZX_ERR_OUT_OF_RANGE);
  trap_answers(ZX_GUEST_TRAP_MEM, 0xfffff000, SIZE_MAX - 0xfff, 0, ZX_ERR_OUT_OF_RANGE);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x100000, 0x2000, 0, ZX_OK);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x101000, 0x1000, 0, ZX_ERR_ALREADY_EXISTS);
  trap_answers(ZX_GUEST_TRAP_MEM, 0x102000, 0x1000, 0, ZX_OK);
  trap_answers(ZX_GUEST_TRAP_IO, 0xd0, 1, 0, ZX_ERR_NOT_SUPPORTED);
  trap_answers(ZX_GUEST_TRAP_IO, 0xd0, 1, port, ZX_ERR_NOT_SUPPORTED);
  trap_answers(ZX_GUEST_TRAP_BELL, 0x200000, 0x1000, 0, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_BELL, 0x101000, 0x1000, port, ZX_ERR_ALREADY_EXISTS);
  trap_answers(ZX_GUEST_TRAP_BELL, 0x200000, 0x1000, port, ZX_OK);
  trap_answers(3, 0x200000, 0x1000, 0, ZX_ERR_INVALID_ARGS);
}

Test(traps_x64, local_apic_is_a_page_alone) {
  make_guest();
  trap_answers(ZX_GUEST_TRAP_MEM, 0xfee00000, 0x2000, 0, ZX_ERR_INVALID_ARGS);
  trap_answers(ZX_GUEST_TRAP_MEM, 0xfee00000, 0x1000, 0, ZX_OK);
  trap_answers(ZX_GUEST_TRAP_MEM, 0xfee01000, 0x2000, 0, ZX_OK);
}

enum { CODE = 0x1000, MEMORY_SIZE = 0x4000, TRAP = 0x2000, KEY = 77 };

static zx_handle_t memory;  // of the guest below

// A guest of four pages with this code, and a vCPU that has been given `state`.
static zx_handle_t vcpu_with(const void* code, size_t size, const void* state) {
  const zx_vm_option_t all =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  const vs_calls* calls = opened.calls;
  zx_handle_t vcpu;
  zx_vaddr_t mapped;
  make_guest();
  cr_assert_eq(calls->vmo_create(MEMORY_SIZE, 0, &memory), ZX_OK);
  cr_assert_eq(calls->vmo_write(memory, code, CODE, size), ZX_OK);
  // Of x86-64: one page that is the tables of all four levels, of the four pages there are.
  const uint64_t tables[] = {0x0007, 0x1007, 0x2007, 0x3007};
  cr_assert_eq(calls->vmo_write(memory, tables, 0, sizeof tables), ZX_OK);
  cr_assert_eq(calls->vmar_map(vmar, all, 0, memory, 0, MEMORY_SIZE, &mapped), ZX_OK);
  cr_assert_eq(calls->vcpu_create(guest, 0, CODE, &vcpu), ZX_OK);
  const size_t state_size = vs_arch_find(opened.arch)->state_size;
  cr_assert_eq(calls->vcpu_write_state(vcpu, ZX_VCPU_STATE, state, state_size), ZX_OK);
  return vcpu;
}

typedef struct transfer {
  uint32_t insn;
  uint8_t size;
  bool sign_extend;
  bool read;
  uint8_t xt;
} transfer;

static void trapped(zx_handle_t vcpu, const transfer* row, uint64_t addr, uint64_t data) {
  zx_port_packet_t p;
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  const zx_packet_guest_mem_arm64_t* mem = &p.guest_mem_arm64;
  cr_expect(p.key == KEY && p.type == ZX_PKT_TYPE_GUEST_MEM && p.status == ZX_OK);
  cr_expect_eq(mem->addr, addr, "0x%08x: addr 0x%llx", row->insn, (unsigned long long)mem->addr);
  cr_expect_eq(mem->access_size, row->size, "0x%08x: size %u", row->insn, mem->access_size);
  cr_expect_eq(mem->sign_extend, row->sign_extend, "0x%08x: sign", row->insn);
  cr_expect_eq(mem->xt, row->xt, "0x%08x: xt %u", row->insn, mem->xt);
  cr_expect_eq(mem->read, row->read, "0x%08x: read", row->insn);
  cr_expect_eq(mem->data, data, "0x%08x: data 0x%llx", row->insn, (unsigned long long)mem->data);
}

// One row per form, all at [x1] = TRAP + 8.
static const transfer transfers[] = {
    {0xf9000020, 8, false, false, 0},   // str x0, [x1]
    {0xb9000022, 4, false, false, 2},   // str w2, [x1]
    {0x79000023, 2, false, false, 3},   // strh w3, [x1]
    {0x3900003f, 1, false, false, 31},  // strb wzr, [x1]
    {0xf940003e, 8, false, true, 30},   // ldr x30, [x1]
    {0xb9400025, 4, false, true, 5},    // ldr w5, [x1]
    {0x79800026, 2, true, true, 6},     // ldrsh x6, [x1]
    {0x39c00027, 1, true, true, 7},     // ldrsb w7, [x1]
    {0xb9800028, 4, true, true, 8},     // ldrsw x8, [x1]
    {0xf8000029, 8, false, false, 9},   // stur x9, [x1]
    {0xf83f682a, 8, false, false, 10},  // str x10, [x1, xzr]
    {0xb840082b, 4, false, true, 11},   // ldtr w11, [x1]
    {0x889ffc2c, 4, false, false, 12},  // stlr w12, [x1]
    {0x08dffc2d, 1, false, true, 13},   // ldarb w13, [x1]
};
enum { TRANSFERS = sizeof transfers / sizeof transfers[0] };

Test(traps_arm64, packet_describes_the_access) {
  uint32_t code[TRANSFERS];
  for (size_t i = 0; i < TRANSFERS; i++) code[i] = transfers[i].insn;
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = TRAP + 8;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  // Set after the memory was mapped: the trap wins.
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  for (size_t i = 0; i < TRANSFERS; i++) {
    const bool zero = transfers[i].read || transfers[i].xt == 31;
    trapped(vcpu, &transfers[i], TRAP + 8, zero ? 0 : state.x[transfers[i].xt]);
  }
  zx_vcpu_state_arm64_t after;
  cr_assert_eq(opened.calls->vcpu_read_state(vcpu, ZX_VCPU_STATE, &after, sizeof after), ZX_OK);
  same_state((const uint8_t*)&after, &state);
}

Test(traps_arm64, load_relative_to_the_instruction) {
  // ldrsw x4, TRAP + 8; ldr x5, TRAP + 16
  static const uint32_t code[] = {0x98008044, 0x58008065};
  const transfer rows[] = {{code[0], 4, true, true, 4}, {code[1], 8, false, true, 5}};
  const zx_vcpu_state_arm64_t state = numbered_arm64();
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  trapped(vcpu, &rows[0], TRAP + 8, 0);
  trapped(vcpu, &rows[1], TRAP + 16, 0);
}

Test(traps_arm64, answer_to_a_load_is_what_the_guest_goes_on_with) {
  // ldr x5, [x1]; str x5, [x1]
  static const uint32_t code[] = {0xf9400025, 0xf9000025};
  const transfer rows[] = {{code[0], 8, false, true, 5}, {code[1], 8, false, false, 5}};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = TRAP;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  trapped(vcpu, &rows[0], TRAP, 0);
  state.x[5] = 0xfeedfacecafebeef;
  cr_assert_eq(opened.calls->vcpu_write_state(vcpu, ZX_VCPU_STATE, &state, sizeof state), ZX_OK);
  trapped(vcpu, &rows[1], TRAP, state.x[5]);
}

static void refused(uint32_t insn, uint64_t at, zx_status_t expected) {
  const uint32_t code[] = {insn};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  zx_port_packet_t p;
  state.x[1] = at;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  const zx_status_t got = opened.calls->vcpu_enter(vcpu, &p);
  cr_expect_eq(got, expected, "0x%08x at 0x%llx: %d", insn, (unsigned long long)at, got);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

Test(traps_arm64, what_a_cpu_does_not_describe_is_refused) {
  static const uint32_t insns[] = {
      0xa9000c22,  // stp x2, x3, [x1]
      0xf8008422,  // str x2, [x1], #8
      0xf8408c22,  // ldr x2, [x1, #8]!
      0x885f7c22,  // ldxr w2, [x1]
  };
  for (size_t i = 0; i < sizeof insns / sizeof insns[0]; i++) {
    refused(insns[i], TRAP, ZX_ERR_IO_DATA_INTEGRITY);
  }
}

Test(traps_arm64, address_without_memory_and_trap_is_a_bad_state) {
  refused(0xf9000020, 0x800000, ZX_ERR_BAD_STATE);
}

Test(traps_arm64, memory_beside_a_trap_is_still_the_same_memory) {
  // str x0, [x1]; ldr x2, [x1]; str x2, [x3]
  static const uint32_t code[] = {0xf9000020, 0xf9400022, 0xf9000062};
  const transfer last = {code[2], 8, false, false, 2};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = 0x3000;
  state.x[3] = TRAP;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  trapped(vcpu, &last, TRAP, state.x[0]);
}

// --- bells ---------------------------------------------------------------------------------------

static zx_handle_t bell_at(zx_vaddr_t addr) {
  zx_handle_t port;
  cr_assert_eq(opened.calls->port_create(0, &port), ZX_OK);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_BELL, addr, 0x1000, port, KEY + 1),
               ZX_OK);
  return port;
}

static void rang(zx_handle_t port, zx_gpaddr_t addr) {
  zx_port_packet_t p;
  cr_assert_eq(opened.calls->port_wait(port, 0, &p), ZX_OK);
  cr_expect(p.key == KEY + 1 && p.type == ZX_PKT_TYPE_GUEST_BELL && p.guest_bell.addr == addr);
}

Test(traps_arm64, bell_rings_and_the_guest_goes_on) {
  static const uint32_t code[] = {0xf9000020, 0xf9000043};  // str x0, [x1]; str x3, [x2]
  const transfer last = {code[1], 8, false, false, 3};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = TRAP + 0x18;
  state.x[2] = TRAP + 0x1000;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  const zx_handle_t port = bell_at(TRAP);
  cr_assert_eq(
      opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP + 0x1000, 0x1000, 0, KEY), ZX_OK);
  trapped(vcpu, &last, TRAP + 0x1000, state.x[3]);
  rang(port, TRAP + 0x18);
}

static void rings_and_goes_on_x64(void) {
  static const uint8_t code[] = {0x48, 0x89, 0x01,   // mov %rax, (%rcx)
                                 0x8a, 0x42, 0x07};  // mov 7(%rdx), %al
  const zx_vcpu_state_x64_t state = {.rcx = TRAP + 8, .rdx = TRAP + 0x1000};
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  const zx_handle_t port = bell_at(TRAP);
  zx_port_packet_t p;
  trap_answers(ZX_GUEST_TRAP_MEM, TRAP + 0x1000, 0x1000, 0, ZX_OK);
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  cr_expect(p.key == 1 && p.guest_mem_x64.addr == TRAP + 0x1007);
  rang(port, TRAP + 8);
}

Test(traps_x64, bell_rings_and_the_guest_goes_on) {
  rings_and_goes_on_x64();
}

Test(traps_kvm, bell_rings_and_the_guest_goes_on) {
  rings_and_goes_on_x64();
}

// --- what an x86-64 guest's packet tells of an access
// ----------------------------------------------

typedef struct access_row {
  uint8_t length;
  uint8_t bytes[15];
} access_row;

static const access_row accesses[] = {
    {3, {0x48, 0x89, 0x01}},                                          // mov %rax, (%rcx)
    {3, {0x8a, 0x41, 0x07}},                                          // mov 7(%rcx), %al
    {2, {0x88, 0x01}},                                                // mov %al, (%rcx)
    {2, {0x88, 0x21}},                                                // mov %ah, (%rcx)
    {3, {0x66, 0x89, 0x01}},                                          // mov %ax, (%rcx)
    {4, {0x44, 0x88, 0x41, 0x08}},                                    // mov %r8b, 8(%rcx)
    {4, {0x48, 0x89, 0x04, 0x11}},                                    // mov %rax, (%rcx,%rdx)
    {5, {0x48, 0x89, 0x44, 0xd1, 0x10}},                              // mov %rax, 16(%rcx,%rdx,8)
    {6, {0xc7, 0x01, 0x78, 0x56, 0x34, 0x12}},                        // movl $0x12345678, (%rcx)
    {7, {0x48, 0x89, 0x05, 0xf9, 0x0f, 0x00, 0x00}},                  // mov %rax, TRAP(%rip)
    {3, {0x0f, 0x11, 0x01}},                                          // movups %xmm0, (%rcx)
    {8, {0x48, 0x8b, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00}},            // mov TRAP, %rax
    {12, {0x48, 0xc7, 0x04, 0x25, 0, 0x20, 0, 0, 0x88, 0x01, 0, 0}},  // movq $0x188, TRAP
    {12, {0x48, 0xc7, 0x04, 0x25, 0, 0x20, 0, 0, 0, 0, 0x88, 0x01}},  // its end: mov %al, (%rcx)
};

static void tells_of(const access_row* row) {
  const zx_vcpu_state_x64_t state = {.rax = 0x1122334455667788, .rcx = TRAP, .rdx = 8};
  const zx_handle_t vcpu = vcpu_with(row->bytes, row->length, &state);
  const uint8_t* b = row->bytes;
  zx_port_packet_t p;
  trap_answers(ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, ZX_OK);
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK, "%02x %02x %02x", b[0], b[1], b[2]);
  const zx_packet_guest_mem_x64_t* mem = &p.guest_mem_x64;
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_MEM && p.key == 1 && p.status == 0);
  cr_expect(mem->addr >= TRAP && mem->addr < TRAP + 0x1000);
  cr_expect_eq(mem->rip, CODE, "%02x %02x %02x: rip 0x%llx", b[0], b[1], b[2],
               (unsigned long long)mem->rip);
  cr_expect_eq(mem->instruction_size, row->length, "%02x %02x %02x: %u bytes", b[0], b[1], b[2],
               mem->instruction_size);
  cr_expect(mem->cr3 == 0 && mem->default_operand_size == 4);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

static void tells_of_all(void) {
  for (size_t i = 0; i < sizeof accesses / sizeof accesses[0]; i++) tells_of(&accesses[i]);
}

Test(traps_x64, packet_describes_the_access) {
  tells_of_all();
}

Test(traps_kvm, packet_describes_the_access) {
  tells_of_all();
}

// Neither for the page tables nor for the gate of the interrupt.
Test(traps_x64, memory_that_is_unmapped_is_not_looked_at) {
  static const uint8_t code[] = {0xfb, 0xf4, 0xeb, 0xfd};  // sti; 1: hlt; jmp 1b
  const zx_vcpu_state_x64_t state = {.rsp = 0x3000};
  const vs_calls* calls = opened.calls;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  zx_port_packet_t p;
  cr_assert_eq(calls->handle_close(memory), ZX_OK);
  cr_assert_eq(calls->vmar_unmap(vmar, 0, MEMORY_SIZE), ZX_OK);
  cr_assert_eq(calls->vcpu_interrupt(vcpu, 13), ZX_OK);
  cr_expect_eq(calls->vcpu_enter(vcpu, &p), ZX_ERR_NOT_FOUND);
}

static void* kick_later(void* vcpu) {
  usleep(20000);
  opened.calls->vcpu_kick(*(const zx_handle_t*)vcpu);
  return NULL;
}

Test(traps_arm64, guest_that_waits_goes_on_after_a_kick) {
  static const uint32_t code[] = {0xd503207f, 0xf9000020};  // wfi; str x0, [x1]
  const transfer last = {code[1], 8, false, false, 0};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = TRAP;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  zx_port_packet_t p;
  pthread_t kicker;
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, (void*)&vcpu), 0);
  cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
  trapped(vcpu, &last, TRAP, state.x[0]);
}

static void* interrupt_later(void* vcpu) {
  usleep(20000);
  cr_expect_eq(opened.calls->vcpu_interrupt(*(const zx_handle_t*)vcpu, 33), ZX_OK);
  return NULL;
}

Test(traps_arm64, guest_that_waits_goes_on_after_an_interrupt) {
  static const uint32_t code[] = {0xd503207f, 0xd503207f, 0xf9000020};  // wfi; wfi; str x0, [x1]
  const transfer last = {code[2], 8, false, false, 0};
  zx_vcpu_state_arm64_t state = numbered_arm64();
  state.x[1] = TRAP;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  pthread_t other;
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  cr_assert_eq(pthread_create(&other, NULL, interrupt_later, (void*)&vcpu), 0);
  trapped(vcpu, &last, TRAP, state.x[0]);
  pthread_join(other, NULL);
}

// --- interrupts -------------------------------------------------------------------------------

static void open_soft(void) {
  open_target("soft");
}
TestSuite(interrupt_soft, .init = open_soft);

Test(interrupt_soft, needs_the_right_and_a_vector_that_exists) {
  const vs_calls* calls = opened.calls;
  zx_handle_t vcpu, other;
  make_guest();
  cr_assert_eq(calls->vcpu_create(guest, 0, 0, &vcpu), ZX_OK);
  cr_assert_eq(calls->handle_duplicate(vcpu, ZX_RIGHT_EXECUTE | ZX_RIGHT_WRITE, &other), ZX_OK);
  cr_expect_eq(calls->vcpu_interrupt(vcpu, 0), ZX_OK);
  cr_expect_eq(calls->vcpu_interrupt(vcpu, 255), ZX_OK);
  cr_expect_eq(calls->vcpu_interrupt(vcpu, 256), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(calls->vcpu_interrupt(vcpu, UINT32_MAX), ZX_ERR_OUT_OF_RANGE);
  cr_expect_eq(calls->vcpu_interrupt(other, 256), ZX_ERR_ACCESS_DENIED);
  cr_expect_eq(calls->vcpu_interrupt(guest, 0), ZX_ERR_WRONG_TYPE);
  cr_expect_eq(calls->vcpu_interrupt(0, 0), ZX_ERR_BAD_HANDLE);
}

// --- exceptions, rings and page tables of an x86-64 guest
// -----------------------------------------

// A guest of sixteen pages with tables of its own. Page 0 is the page table of every level, so that
// entry n maps the n-th page.
enum {
  X_PAGES = 16,
  X_TABLE = 0x2000,     // GDT
  X_TASK = 0x2800,      // TSS
  X_LOADS = 0x2f00,     // what lgdt and lidt load
  X_GATES = 0x3000,     // IDT
  X_HANDLERS = 0x4000,  // of 16 bytes: one for each gate
  X_OTHER = 0x9000,
  X_STACK = 0xc000,  // top
  X_RING_0_STACK = 0xd000,
  X_TRAP = 0xe000,
  X_DATA = 0xf000,
  X_NOWHERE = 0x10000,  // not in the page tables
  X_CODE_SELECTOR = 8,
  X_TASK_SELECTOR = 0x28
};

static uint8_t image[X_PAGES * 0x1000];
static zx_handle_t x_memory;

static void put64(size_t at, uint64_t value) {
  memcpy(image + at, &value, sizeof value);
}

static void put_page(unsigned entry, uint64_t value) {
  put64(entry * sizeof value, value);
}

static void put_gate(uint8_t vector, uint64_t handler) {
  put64(X_GATES + vector * 16u, (handler & 0xffff) | X_CODE_SELECTOR << 16 |
                                    UINT64_C(0x8e00) << 32 | (handler >> 16 & 0xffff) << 48);
}

// mov %cr2, %rcx; mov $vector, %al; mov %rax, X_TRAP
static void put_handler(uint8_t vector) {
  const uint8_t code[] = {0x0f, 0x20, 0xd1, 0xb0, vector, 0x48, 0x89, 0x04,
                          0x25, 0x00, 0xe0, 0x00, 0x00,   0xeb, 0xfe};
  memcpy(image + X_HANDLERS + vector * 16u, code, sizeof code);
  put_gate(vector, X_HANDLERS + vector * 16u);
}

static void build_image(void) {
  static const uint64_t table[] = {0,
                                   0x00af9b000000ffff,
                                   0x00cf93000000ffff,
                                   0x00cff3000000ffff,
                                   0x00affb000000ffff,
                                   0x0000890000000067 | (uint64_t)(X_TASK & 0xffff) << 16,
                                   0,
                                   0x00cf9b000000ffff};
  memset(image, 0, sizeof image);
  for (unsigned i = 0; i < X_PAGES; i++) put_page(i, i * 0x1000 | 7);
  memcpy(image + X_TABLE, table, sizeof table);
  put64(X_TASK + 4, X_RING_0_STACK);
  put64(X_LOADS, 0xff | X_TABLE << 16);
  put64(X_LOADS + 16, 0xfff | X_GATES << 16);
  for (unsigned vector = 0; vector < 0x40; vector++) put_handler((uint8_t)vector);
}

// lgdt X_LOADS; lidt X_LOADS + 16; mov $X_TASK_SELECTOR, %dx; ltr %dx
static const uint8_t prologue[] = {0x0f, 0x01, 0x14, 0x25, 0x00, 0x2f, 0x00, 0x00,
                                   0x0f, 0x01, 0x1c, 0x25, 0x10, 0x2f, 0x00, 0x00,
                                   0x66, 0xba, 0x28, 0x00, 0x0f, 0x00, 0xda};
enum { X_BODY = CODE + sizeof prologue };

// The guest of the image with this code behind the prologue.
static zx_handle_t x_vcpu(const void* code, size_t size) {
  const zx_vm_option_t all =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  const zx_vcpu_state_x64_t state = {.rsp = X_STACK};
  const vs_calls* calls = opened.calls;
  zx_handle_t vcpu;
  zx_vaddr_t mapped;
  memcpy(image + CODE, prologue, sizeof prologue);
  memcpy(image + X_BODY, code, size);
  make_guest();
  cr_assert_eq(calls->vmo_create(sizeof image, 0, &x_memory), ZX_OK);
  cr_assert_eq(calls->vmo_write(x_memory, image, 0, sizeof image), ZX_OK);
  cr_assert_eq(calls->vmar_map(vmar, all, 0, x_memory, 0, sizeof image, &mapped), ZX_OK);
  trap_answers(ZX_GUEST_TRAP_MEM, X_TRAP, 0x1000, 0, ZX_OK);
  cr_assert_eq(calls->vcpu_create(guest, 0, CODE, &vcpu), ZX_OK);
  cr_assert_eq(calls->vcpu_write_state(vcpu, ZX_VCPU_STATE, &state, sizeof state), ZX_OK);
  return vcpu;
}

static zx_vcpu_state_x64_t x_state(zx_handle_t vcpu) {
  zx_vcpu_state_x64_t state;
  cr_assert_eq(opened.calls->vcpu_read_state(vcpu, ZX_VCPU_STATE, &state, sizeof state), ZX_OK);
  return state;
}

// The guest meets the trap; its registers.
static zx_vcpu_state_x64_t x_ends(zx_handle_t vcpu, const char* what, uint64_t addr) {
  zx_port_packet_t p = {0};
  const zx_status_t status = opened.calls->vcpu_enter(vcpu, &p);
  cr_assert(status == ZX_OK, "%s: %d", what, status);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_MEM && p.guest_mem_x64.addr == addr,
            "%s: packet %u at 0x%llx", what, p.type, (unsigned long long)p.guest_mem_x64.addr);
  return x_state(vcpu);
}

typedef struct exception_row {
  const char* name;
  uint8_t code[15];
  uint8_t length;
  uint8_t vector;
  bool has_code;
  uint32_t error;
  uint64_t cr2;   // 0: not looked at
  uint16_t back;  // where the handler would return to, from the code on
  bool is_rare;   // a software-based KVM does not do it so
} exception_row;

// What an exception that guest code raises leaves on the handler's stack.
static const exception_row exceptions[] = {
    {"ud2", {0x0f, 0x0b}, 2, 6, false, 0, 0, 0, false},
    {"lock hlt", {0xf0, 0xf4}, 2, 6, false, 0, 0, 0, false},
    {"div by zero", {0x31, 0xc9, 0xf7, 0xf1}, 4, 0, false, 0, 0, 2, false},
    {"int3", {0xcc}, 1, 3, false, 0, 0, 1, true},
    {"int 0x30", {0xcd, 0x30}, 2, 0x30, false, 0, 0, 2, true},
    {"int 0x50: no gate", {0xcd, 0x50}, 2, 13, true, 0x50 << 3 | 2, 0, 0, true},
    {"bad selector", {0x66, 0xb8, 0x38, 0x12, 0x8e, 0xd8}, 6, 13, true, 0x1238, 0, 4, false},
    {"bad address",
     {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x8b, 0},
     12,
     13,
     true,
     0,
     0,
     10,
     false},
    {"a load", {0x8b, 0x04, 0x25, 8, 0, 1, 0}, 7, 14, true, 0, X_NOWHERE + 8, 0, false},
    {"a store", {0x89, 0x04, 0x25, 8, 0, 1, 0}, 7, 14, true, 2, X_NOWHERE + 8, 0, false},
    {"store to read-only", {0x89, 0x04, 0x25, 0, 0x80, 0, 0}, 7, 14, true, 3, 0x8000, 0, false},
    {"a store over the end",
     {0x48, 0x89, 0x04, 0x25, 0xfc, 0xff, 0, 0},
     8,
     14,
     true,
     2,
     X_NOWHERE,
     0,
     false},
    {"a jump",
     {0xb8, 0, 0, 1, 0, 0xff, 0xe0},
     7,
     14,
     true,
     0x10,
     X_NOWHERE,
     (uint16_t)(X_NOWHERE - X_BODY),
     false},
    {"ud2 in 32 bits",
     {0x6a, 0x38, 0x68, 0x20, 0x10, 0, 0, 0x48, 0xcb, 0x0f, 0x0b},
     11,
     6,
     false,
     0,
     0,
     9,
     false},
    {"NW without CD", {0xb8, 0x11, 0, 1, 0xa0, 0x0f, 0x22, 0xc0}, 8, 13, true, 0, 0, 5, false},
};

static void raises(const exception_row* row) {
  uint64_t frame[6] = {0};
  build_image();
  put_page(8, 0x8005);
  const zx_handle_t vcpu = x_vcpu(row->code, row->length);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, row->name, X_TRAP);
  cr_expect_eq(state.rax & 0xff, row->vector, "%s: vector %u", row->name,
               (unsigned)state.rax & 0xff);
  if (row->cr2 != 0)
    cr_expect_eq(state.rcx, row->cr2, "%s: CR2 0x%llx", row->name, (unsigned long long)state.rcx);
  const size_t words = row->has_code ? 6 : 5;
  cr_expect_eq(state.rsp, X_STACK - words * 8, "%s: rsp 0x%llx", row->name,
               (unsigned long long)state.rsp);
  cr_assert_eq(opened.calls->vmo_read(x_memory, frame + 6 - words, X_STACK - words * 8, words * 8),
               ZX_OK);
  cr_expect_eq(frame[0], row->error, "%s: error code 0x%llx", row->name,
               (unsigned long long)frame[0]);
  cr_expect_eq(frame[1], X_BODY + row->back, "%s: rip 0x%llx", row->name,
               (unsigned long long)frame[1]);
  cr_expect_eq(frame[4], X_STACK, "%s: old rsp 0x%llx", row->name, (unsigned long long)frame[4]);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

static bool is_kvm;

static void exceptions_reach_their_handlers(void) {
  for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
    if (!is_kvm || !exceptions[i].is_rare) raises(&exceptions[i]);
  }
}

// mov %ax, %ds with a bad selector, then ud2, once behind the other: each one by itself.
static void exception_after_exception(void) {
  // mov $0x1238, %ax; mov %ax, %ds
  static const uint8_t code[] = {0x66, 0xb8, 0x38, 0x12, 0x8e, 0xd8};
  // add $8, %rsp; addq $2, (%rsp); iretq: on behind the instruction
  static const uint8_t skip[] = {0x48, 0x83, 0xc4, 8, 0x48, 0x83, 0x04, 0x24, 2, 0x48, 0xcf};
  uint8_t twice[3 * sizeof code];
  build_image();
  for (size_t i = 0; i < 3; i++) memcpy(twice + i * sizeof code, code, sizeof code);
  memcpy(image + X_HANDLERS + 13 * 16, skip, sizeof skip);
  twice[sizeof twice - 2] = 0x0f, twice[sizeof twice - 1] = 0x0b;  // ud2
  // iretq needs a code segment to go back to: push $8; push $next; lretq
  static const uint8_t reload[] = {0x6a, 8, 0x68, 0x1f + 5, 0x10, 0, 0, 0x48, 0xcb};
  uint8_t all[sizeof reload + sizeof twice];
  memcpy(all, reload, sizeof reload);
  all[3] = (uint8_t)(X_BODY + sizeof reload);
  memcpy(all + sizeof reload, twice, sizeof twice);
  const zx_handle_t vcpu = x_vcpu(all, sizeof all);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, "three in a row", X_TRAP);
  cr_expect_eq(state.rax & 0xff, 6, "vector %u", (unsigned)state.rax & 0xff);
}

static void exception_without_a_gate(void) {
  static const uint8_t code[] = {0x8b, 0x04, 0x25, 8, 0, 1, 0};  // a load from nowhere
  zx_port_packet_t p;
  build_image();
  put64(X_GATES + 14 * 16, 0);
  const zx_handle_t vcpu = x_vcpu(code, sizeof code);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, "with a gate for double faults", X_TRAP);
  cr_expect_eq(state.rax & 0xff, 8, "vector %u", (unsigned)state.rax & 0xff);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  build_image();
  memset(image + X_GATES, 0, 0x1000);
  const zx_handle_t other = x_vcpu(code, sizeof code);
  cr_expect_eq(opened.calls->vcpu_enter(other, &p), ZX_ERR_BAD_STATE);
  const zx_vcpu_state_x64_t again = {.rax = 7};
  cr_expect_eq(opened.calls->vcpu_write_state(other, ZX_VCPU_STATE, &again, sizeof again), ZX_OK);
  cr_expect_eq(x_state(other).rax, 7);
}

static void trace_flag_stops_behind_each(void) {
  // pushf; orl $0x100, (%rsp); popf; nop; nop
  static const uint8_t code[] = {0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, 0x90, 0x90};
  uint64_t frame[2];
  build_image();
  const zx_handle_t vcpu = x_vcpu(code, sizeof code);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, "TF", X_TRAP);
  cr_expect_eq(state.rax & 0xff, 1);
  cr_expect_eq(state.rflags & 0x100, 0, "TF is still set");
  cr_assert_eq(opened.calls->vmo_read(x_memory, frame, state.rsp, sizeof frame), ZX_OK);
  cr_expect_eq(frame[0], X_BODY + 10, "rip 0x%llx", (unsigned long long)frame[0]);
}

// --- page tables

// Linear pages 5, 6 and 7 are the guest's pages 9, 14 (the trap) and 1 (this code).
static void pages_are_where_the_tables_say(void) {
  static const uint8_t code[] = {
      0xb8, 0x2f, 0x70, 0,    0,    0xff, 0xe0,  // mov $here + 0x6000, %eax; jmp *%rax
      0xf4,                                      // not come by
      0x48, 0xc7, 0x04, 0x25, 0x10, 0x50, 0,    0, 0x77, 0, 0, 0,  // movq $0x77, 0x5010
      0x48, 0x8b, 0x0c, 0x25, 0x18, 0x50, 0,    0,                 // mov 0x5018, %rcx
      0x48, 0x89, 0x0c, 0x25, 0x20, 0x60, 0,    0,                 // mov %rcx, 0x6020
  };
  uint8_t moved[sizeof code];
  uint64_t word = 0;
  build_image();
  put_page(5, X_OTHER | 7);
  put_page(6, X_TRAP | 7);
  put_page(7, CODE | 7);
  put64(X_OTHER + 0x18, 0x1234);
  memcpy(moved, code, sizeof code);
  moved[1] = (uint8_t)(X_BODY + 8);
  const zx_handle_t vcpu = x_vcpu(moved, sizeof moved);
  zx_port_packet_t p = {0};
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  cr_expect_eq(p.guest_mem_x64.addr, X_TRAP + 0x20, "addr 0x%llx",
               (unsigned long long)p.guest_mem_x64.addr);
  cr_expect_eq(p.guest_mem_x64.rip, X_BODY + 0x6000 + 28);
  cr_expect_eq(p.guest_mem_x64.instruction_size, 8);
  cr_expect_eq(x_state(vcpu).rcx, 0x1234);
  cr_assert_eq(opened.calls->vmo_read(x_memory, &word, X_OTHER + 0x10, sizeof word), ZX_OK);
  cr_expect_eq(word, 0x77);
}

// The entry of page 5 is changed, and what was known of it forgotten, in two ways.
static void pages_move_when_the_guest_says_so(const uint8_t* forget, size_t size) {
  static const uint8_t first[] = {
      0x8b, 0x1c, 0x25, 0,    0x50, 0, 0,                       // mov 0x5000, %ebx
      0x48, 0xc7, 0x04, 0x25, 0x28, 0, 0, 0, 0x07, 0xf0, 0, 0,  // movq $X_DATA | 7, 5 * 8
  };
  static const uint8_t last[] = {
      0x8b, 0x0c, 0x25, 0, 0x50, 0, 0,  // mov 0x5000, %ecx
      0x89, 0x0c, 0x25, 0, 0xe0, 0, 0   // mov %ecx, X_TRAP
  };
  uint8_t code[64];
  build_image();
  put64(0x5000, 5);
  put64(X_DATA, 15);
  memcpy(code, first, sizeof first);
  memcpy(code + sizeof first, forget, size);
  memcpy(code + sizeof first + size, last, sizeof last);
  const zx_handle_t vcpu = x_vcpu(code, sizeof first + size + sizeof last);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, "moved", X_TRAP);
  cr_expect(state.rbx == 5 && state.rcx == 15, "0x%llx, then 0x%llx", (unsigned long long)state.rbx,
            (unsigned long long)state.rcx);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

static void pages_move(void) {
  static const uint8_t all[] = {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8};              // mov of CR3
  static const uint8_t one[] = {0x0f, 0x01, 0x3c, 0x25, 0x00, 0x50, 0x00, 0x00};  // invlpg 0x5000
  pages_move_when_the_guest_says_so(all, sizeof all);
  pages_move_when_the_guest_says_so(one, sizeof one);
}

static void pages_say_that_they_were_used(void) {
  static const uint8_t code[] = {0x8b, 0x0c, 0x25, 0, 0x50, 0, 0,   // mov 0x5000, %ecx
                                 0x89, 0x0c, 0x25, 0, 0x60, 0, 0,   // mov %ecx, 0x6000
                                 0x89, 0x0c, 0x25, 0, 0xe0, 0, 0};  // mov %ecx, X_TRAP
  uint64_t entries[8];
  build_image();
  const zx_handle_t vcpu = x_vcpu(code, sizeof code);
  x_ends(vcpu, "used", X_TRAP);
  cr_assert_eq(opened.calls->vmo_read(x_memory, entries, 0, sizeof entries), ZX_OK);
  cr_expect_eq(entries[5], 0x5027, "0x%llx", (unsigned long long)entries[5]);
  cr_expect_eq(entries[6], 0x6067, "0x%llx", (unsigned long long)entries[6]);
  cr_expect_eq(entries[7], 0x7007, "0x%llx", (unsigned long long)entries[7]);
}

// --- ring 3

// To ring 3, at the code that follows: push $0x1b; push $X_STACK; push $2; push $0x23; push $next;
// iretq
static size_t to_ring_3(uint8_t* code) {
  static const uint8_t leave[] = {0x6a, 0x1b, 0x68, 0, 0xc0, 0, 0, 0x6a, 2,
                                  0x6a, 0x23, 0x68, 0, 0,    0, 0, 0x48, 0xcf};
  const uint32_t next = X_BODY + sizeof leave;
  memcpy(code, leave, sizeof leave);
  memcpy(code + 12, &next, sizeof next);
  return sizeof leave;
}

static const exception_row user_exceptions[] = {
    {"hlt", {0xf4}, 1, 13, true, 0, 0, 0, false},
    {"out", {0xe6, 0xd0}, 2, 13, true, 0, 0, 0, true},
    {"mov of CR0", {0x0f, 0x20, 0xc0}, 3, 13, true, 0, 0, 0, false},
    {"gate of ring 0", {0xcd, 0x30}, 2, 13, true, 0x30 << 3 | 2, 0, 0, true},
    {"a load", {0x8b, 0x04, 0x25, 8, 0, 1, 0}, 7, 14, true, 4, X_NOWHERE + 8, 0, false},
    {"page of ring 0", {0x8b, 0x04, 0x25, 0, 0x50, 0, 0}, 7, 14, true, 5, 0x5000, 0, false},
    {"ud2", {0x0f, 0x0b}, 2, 6, false, 0, 0, 0, false},
};

// Ring 0 looks at the page first.
static void raises_in_ring_3(const exception_row* row) {
  static const uint8_t look[] = {0x8b, 0x04, 0x25, 0, 0x50, 0, 0};  // mov 0x5000, %eax
  uint8_t code[64];
  uint64_t frame[5];
  build_image();
  put_page(5, 0x5003);
  memcpy(code + 18, look, sizeof look);
  const size_t size = to_ring_3(code);
  memmove(code + sizeof look, code, size);
  memcpy(code, look, sizeof look);
  code[sizeof look + 12] = (uint8_t)(code[sizeof look + 12] + sizeof look);
  memcpy(code + sizeof look + size, row->code, row->length);
  const zx_handle_t vcpu = x_vcpu(code, sizeof look + size + row->length);
  const zx_vcpu_state_x64_t state = x_ends(vcpu, row->name, X_TRAP);
  cr_expect_eq(state.rax & 0xff, row->vector, "%s: vector %u", row->name,
               (unsigned)state.rax & 0xff);
  if (row->cr2 != 0) cr_expect_eq(state.rcx, row->cr2);
  const size_t words = row->has_code ? 6 : 5;
  cr_expect_eq(state.rsp, X_RING_0_STACK - words * 8, "%s: rsp 0x%llx", row->name,
               (unsigned long long)state.rsp);
  cr_assert_eq(opened.calls->vmo_read(x_memory, frame, X_RING_0_STACK - 40, sizeof frame), ZX_OK);
  cr_expect_eq(frame[0], X_BODY + sizeof look + size, "%s: rip 0x%llx", row->name,
               (unsigned long long)frame[0]);
  cr_expect(frame[1] == 0x23 && frame[3] == X_STACK && frame[4] == 0x1b, "%s: cs 0x%llx ss 0x%llx",
            row->name, (unsigned long long)frame[1], (unsigned long long)frame[4]);
  if (row->has_code) {
    cr_assert_eq(opened.calls->vmo_read(x_memory, frame, X_RING_0_STACK - 48, 8), ZX_OK);
    cr_expect_eq(frame[0], row->error, "%s: error code 0x%llx", row->name,
                 (unsigned long long)frame[0]);
  }
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

static void exceptions_of_ring_3_reach_ring_0(void) {
  for (size_t i = 0; i < sizeof user_exceptions / sizeof user_exceptions[0]; i++) {
    if (!is_kvm || !user_exceptions[i].is_rare) raises_in_ring_3(&user_exceptions[i]);
  }
}

// There by SYSRET, back by SYSCALL.
static void ring_3_and_back(void) {
  static const uint8_t code[] = {
      0xb9, 0x81, 0,    0,    0xc0, 0x31, 0xc0, 0xba, 0x08, 0, 0x10, 0,    0x0f, 0x30,  // STAR
      0xb9, 0x82, 0,    0,    0xc0, 0xb8, 0,    0,    0,    0, 0x31, 0xd2, 0x0f, 0x30,  // LSTAR
      0xb9, 0x84, 0,    0,    0xc0, 0xb8, 1,    0,    0,    0, 0x0f, 0x30,              // FMASK
      0xb9, 0,    0,    0,    0,    0x49, 0xc7, 0xc3, 3,    0, 0,    0,                 // rcx, r11
      0x48, 0x0f, 0x07,                                                                 // sysretq
      0x8c, 0xcb, 0x0f, 0x05,                             // mov %cs, %ebx; syscall
      0x9c, 0x5a, 0x8c, 0xd6,                             // pushf; pop %rdx; mov %ss, %esi
      0x8c, 0xc8, 0x89, 0x04, 0x25, 0,    0xe0, 0,    0,  // mov %cs, %eax; to X_TRAP
  };
  enum { LSTAR_AT = 20, RCX_AT = 41, USER = 55, BACK = 59 };
  uint8_t moved[sizeof code];
  const uint32_t back = X_BODY + BACK, user = X_BODY + USER;
  build_image();
  memcpy(moved, code, sizeof code);
  memcpy(moved + LSTAR_AT, &back, sizeof back);
  memcpy(moved + RCX_AT, &user, sizeof user);
  const zx_vcpu_state_x64_t state = x_ends(x_vcpu(moved, sizeof moved), "syscall", X_TRAP);
  cr_expect_eq(state.rbx, 0x23, "cs was 0x%llx", (unsigned long long)state.rbx);
  cr_expect_eq(state.rax, 0x08, "cs is 0x%llx", (unsigned long long)state.rax);
  cr_expect_eq(state.rsi, 0x10, "ss is 0x%llx", (unsigned long long)state.rsi);
  cr_expect_eq(state.rcx, back, "rcx 0x%llx", (unsigned long long)state.rcx);
  cr_expect((state.r11 & 1) == 1 && (state.rdx & 1) == 0, "flags 0x%llx, then 0x%llx",
            (unsigned long long)state.r11, (unsigned long long)state.rdx);
}

// There by SYSEXIT, back by SYSENTER.
static void ring_3_and_back_by_sysenter(void) {
  static const uint8_t code[] = {
      0x31, 0xd2, 0xb9, 0x74, 1,    0,    0,    0xb8, 8,    0,    0,    0,
      0x0f, 0x30, 0xff, 0xc1, 0xb8, 0,    0xb0, 0,    0,    0x0f, 0x30,  // stack 0xb000
      0xff, 0xc1, 0xb8, 0,    0,    0,    0,    0x0f, 0x30,              // entry
      0xba, 0,    0,    0,    0,    0xb9, 0,    0xc0, 0,    0,           // rdx, rcx
      0x48, 0x0f, 0x35, 0x8c, 0xcb, 0x0f, 0x34,  // sysexitq; mov %cs, %ebx; sysenter
      0x8c, 0xc8, 0x8c, 0xd6, 0x89, 0x04, 0x25, 0,    0xe0, 0,    0,  // mov %cs, %eax; %ss, %esi;
                                                                      // to X_TRAP
  };
  enum { ENTRY_AT = 26, RDX_AT = 33, USER = 45, BACK = 49 };
  uint8_t moved[sizeof code];
  const uint32_t back = X_BODY + BACK, user = X_BODY + USER;
  build_image();
  memcpy(moved, code, sizeof code);
  memcpy(moved + ENTRY_AT, &back, sizeof back);
  memcpy(moved + RDX_AT, &user, sizeof user);
  const zx_vcpu_state_x64_t state = x_ends(x_vcpu(moved, sizeof moved), "sysenter", X_TRAP);
  cr_expect_eq(state.rbx, 0x2b, "cs was 0x%llx", (unsigned long long)state.rbx);
  cr_expect_eq(state.rax, 0x08, "cs is 0x%llx", (unsigned long long)state.rax);
  cr_expect_eq(state.rsi, 0x10, "ss is 0x%llx", (unsigned long long)state.rsi);
  cr_expect_eq(state.rsp, 0xb000, "rsp is 0x%llx", (unsigned long long)state.rsp);
}

// There is none to call: the answers of published kernels, from ring 0 and from ring 3.
static void calls_to_the_hypervisor(void) {
  static const uint8_t call[] = {0x0f, 0x01, 0xc1, 0x89, 0x04, 0x25, 0, 0xe0, 0, 0};
  uint8_t code[64];
  build_image();
  zx_handle_t vcpu = x_vcpu(call, sizeof call);
  cr_expect_eq((int64_t)x_ends(vcpu, "vmcall", X_TRAP).rax, -1000);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  build_image();
  const size_t size = to_ring_3(code);
  memcpy(code + size, call, sizeof call);
  vcpu = x_vcpu(code, size + sizeof call);
  cr_expect_eq((int64_t)x_ends(vcpu, "vmcall in ring 3", X_TRAP).rax, -1);
}

// --- what a guest starts with, and interrupts that it sends

static void starts_as_published(void) {
  static const uint8_t code[] = {0x0f, 0x20, 0xc7, 0x0f, 0x20, 0xde,  // CR0, CR3
                                 0xb9, 0x80, 0,    0,    0xc0, 0x0f, 0x32,
                                 0x41, 0x89, 0xc0,                          // EFER to r8d
                                 0xb8, 1,    0,    0,    0,    0x0f, 0xa2,  // cpuid
                                 0x89, 0x0c, 0x25, 0,    0xe0, 0,    0};
  build_image();
  const zx_vcpu_state_x64_t state = x_ends(x_vcpu(code, sizeof code), "start", X_TRAP);
  cr_expect_eq(state.rdi, 0x80010011, "CR0 0x%llx", (unsigned long long)state.rdi);
  cr_expect_eq(state.rsi, 0, "CR3 0x%llx", (unsigned long long)state.rsi);
  cr_expect_eq(state.r8 & 0x501, 0x501, "EFER 0x%llx", (unsigned long long)state.r8);
  const uint64_t set = 1u << 21 | 1u << 24 | 1u << 31,
                 clear = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 15;
  cr_expect_eq(state.rcx & (set | clear), set, "ecx 0x%llx", (unsigned long long)state.rcx);
  cr_expect_eq(state.rbx >> 24, 0, "ebx 0x%llx", (unsigned long long)state.rbx);
}

static void sent_interrupts_are_packets(void) {
  static const uint8_t code[] = {
      0xb9, 0x30, 8, 0, 0, 0xb8, 0x66, 0, 8, 0, 0x31, 0xd2, 0x0f, 0x30,  // 0x66 to all
      0xb8, 0,    5, 0, 0, 0x0f, 0x30,                                   // INIT
      0xb8, 5,    6, 0, 0, 0xba, 3,    0, 0, 0, 0x0f, 0x30,              // start 3 at 0x5000
      0xb8, 0,    2, 0, 0, 0x0f, 0x30,                                   // a kind that there is not
  };
  zx_port_packet_t p = {0};
  build_image();
  const zx_handle_t vcpu = x_vcpu(code, sizeof code);
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_VCPU && p.guest_vcpu.type == ZX_PKT_GUEST_VCPU_INTERRUPT);
  cr_expect(p.guest_vcpu.interrupt.mask == UINT64_MAX && p.guest_vcpu.interrupt.vector == 0x66);
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_VCPU && p.guest_vcpu.type == ZX_PKT_GUEST_VCPU_STARTUP);
  cr_expect(p.guest_vcpu.startup.id == 3 && p.guest_vcpu.startup.entry == 0x5000);
  cr_expect_eq(x_ends(vcpu, "refused", X_TRAP).rax & 0xff, 13);
}

// --- guests that mean no good

static void ends(const char* what, const void* code, size_t size, zx_status_t expected) {
  zx_port_packet_t p;
  build_image();
  const zx_handle_t vcpu = x_vcpu(code, size);
  const zx_status_t got = opened.calls->vcpu_enter(vcpu, &p);
  cr_expect_eq(got, expected, "%s: %d", what, got);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

static void guests_that_cannot_go_on_end(void) {
  // lidt from zeroes; ud2
  static const uint8_t triple[] = {0x0f, 0x01, 0x1c, 0x25, 0, 0xf0, 0, 0, 0x0f, 0x0b};
  static const uint8_t outs[] = {0xb9, 5, 0, 0, 0, 0x66, 0xba, 0xd0, 0, 0xf3, 0x6e};
  static const uint8_t ins[] = {0xb9, 5, 0,    0,    0,    0xbf, 0,    0xf0,
                                0,    0, 0x66, 0xba, 0xd0, 0,    0xf3, 0x6c};
  static const uint8_t fetch[] = {0xb8, 0, 0xe0, 0, 0, 0xff, 0xe0};  // jmp *$X_TRAP
  ends("triple fault", triple, sizeof triple, ZX_ERR_BAD_STATE);
  ends("rep outs", outs, sizeof outs, ZX_ERR_NOT_SUPPORTED);
  ends("rep ins", ins, sizeof ins, ZX_ERR_NOT_SUPPORTED);
  ends("code that is not there", fetch, sizeof fetch, ZX_ERR_BAD_STATE);
}

static void page_tables_that_are_nowhere(void) {
  // mov $0x4000000, %eax; mov %rax, %cr3; nop
  static const uint8_t code[] = {0xb8, 0, 0, 0, 4, 0x0f, 0x22, 0xd8, 0x90};
  ends("page tables that are nowhere", code, sizeof code, ZX_ERR_BAD_STATE);
}

static void endless_loop_is_kicked(void) {
  static const uint8_t code[] = {0xeb, 0xfe};
  zx_port_packet_t p;
  pthread_t kicker;
  build_image();
  zx_handle_t vcpu = x_vcpu(code, sizeof code);
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, &vcpu), 0);
  cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
}

// An exception whose handler has it again, for ever.
static void endless_exceptions_are_kicked(void) {
  static const uint8_t code[] = {0xbc, 0, 0xc0, 0, 0, 0x0f, 0x0b};  // mov $X_STACK, %esp; ud2
  zx_port_packet_t p;
  pthread_t kicker;
  build_image();
  put_gate(6, X_BODY);
  zx_handle_t vcpu = x_vcpu(code, sizeof code);
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, &vcpu), 0);
  cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
}

// The guest runs `mov $1, %al` twice, and has it changed between the two.
static void code_that_changes_itself(void) {
  static const uint8_t code[] = {
      0x31, 0xdb,                             // xor %ebx, %ebx
      0xb0, 1,                                // 1: mov $1, %al
      0xff, 0xc3,                             // inc %ebx
      0xc6, 0x04, 0x25, 0,    0x10, 0, 0, 2,  // movb $2, 1b + 1
      0x83, 0xfb, 2,    0x75, 0xef,           // cmp $2, %ebx; jne 1b
      0x89, 0x04, 0x25, 0,    0xe0, 0, 0,     // mov %eax, X_TRAP
  };
  uint8_t moved[sizeof code];
  const uint16_t at = X_BODY + 3;
  build_image();
  memcpy(moved, code, sizeof code);
  memcpy(moved + 9, &at, sizeof at);
  const zx_vcpu_state_x64_t state = x_ends(x_vcpu(moved, sizeof moved), "changed", X_TRAP);
  cr_expect_eq(state.rax & 0xff, 2, "al is %u", (unsigned)state.rax & 0xff);
}

// From the last bytes of memory into the trap behind them: the packet tells of the trap.
static void access_over_the_end_into_a_trap(void) {
  static const uint8_t store[] = {0x48, 0x89, 0x04, 0x25, 0xfc, 0xdf, 0, 0};
  static const uint8_t load[] = {0x48, 0x8b, 0x04, 0x25, 0xfc, 0xdf, 0, 0};
  build_image();
  const zx_handle_t vcpu = x_vcpu(store, sizeof store);
  x_ends(vcpu, "a store", X_TRAP);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  build_image();
  x_ends(x_vcpu(load, sizeof load), "a load", X_TRAP);
}

static void open_x64_kvm(void) {
  is_kvm = true;
  open_kvm_x64();
}

TestSuite(x64_unicorn, .init = open_x64, .timeout = 60);
TestSuite(x64_kvm, .init = open_x64_kvm, .timeout = 60);

#define ON_UNICORN(name)    \
  Test(x64_unicorn, name) { \
    name();                 \
  }
#define ON_BOTH(name)   \
  ON_UNICORN(name)      \
  Test(x64_kvm, name) { \
    name();             \
  }

ON_BOTH(exceptions_reach_their_handlers)
ON_BOTH(exception_after_exception)
ON_BOTH(exception_without_a_gate)
ON_BOTH(trace_flag_stops_behind_each)
ON_BOTH(pages_are_where_the_tables_say)
ON_BOTH(pages_move)
ON_BOTH(pages_say_that_they_were_used)
ON_BOTH(exceptions_of_ring_3_reach_ring_0)
ON_BOTH(starts_as_published)
ON_BOTH(sent_interrupts_are_packets)
ON_BOTH(guests_that_cannot_go_on_end)
ON_BOTH(endless_loop_is_kicked)
ON_BOTH(endless_exceptions_are_kicked)
ON_BOTH(code_that_changes_itself)
ON_BOTH(access_over_the_end_into_a_trap)
// A software-based KVM does not do these so.
ON_UNICORN(ring_3_and_back)
ON_UNICORN(ring_3_and_back_by_sysenter)
ON_UNICORN(calls_to_the_hypervisor)
ON_UNICORN(page_tables_that_are_nowhere)

// --- exceptions, calls to the firmware and page tables of an arm64 guest
// ---------------------------

// What an exception handler sees: x20 ESR_EL1, x21 ELR_EL1, x22 FAR_EL1, x23 SPSR_EL1, x24
// CurrentEL. Which vector it was, the address of its store to the trap at x1 says.
enum { EL1_SYNC = 0x200, EL1_IRQ = 0x280, EL0_SYNC = 0x400, EL0_IRQ = 0x480, VECTORS_SIZE = 0x800 };

static void put_vectors(uint8_t* at) {
  static const uint16_t offsets[] = {EL1_SYNC, EL1_IRQ, EL0_SYNC, EL0_IRQ};
  for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
    const uint32_t handler[] = {
        0xd5385214, 0xd5384035,
        0xd5386016, 0xd5384017,
        0xd5384258, 0xf900003f | (uint32_t)offsets[i] / 8 << 10};  // str xzr, [x1, #offset]
    memcpy(at + offsets[i], handler, sizeof handler);
  }
}

// x1 is the trap. Vectors are at 0, where VBAR_EL1 points at the start.
static zx_handle_t a_vcpu(const uint32_t* code, size_t size, zx_vcpu_state_arm64_t state) {
  static uint8_t vectors[VECTORS_SIZE];
  state.x[1] = TRAP;
  const zx_handle_t vcpu = vcpu_with(code, size, &state);
  put_vectors(vectors);
  cr_assert_eq(opened.calls->vmo_write(memory, vectors, 0, sizeof vectors), ZX_OK);
  cr_assert_eq(opened.calls->guest_set_trap(guest, ZX_GUEST_TRAP_MEM, TRAP, 0x1000, 0, KEY), ZX_OK);
  return vcpu;
}

static zx_vcpu_state_arm64_t a_ends(zx_handle_t vcpu, uint64_t vector) {
  zx_port_packet_t p = {0};
  zx_vcpu_state_arm64_t state;
  const zx_status_t status = opened.calls->vcpu_enter(vcpu, &p);
  cr_assert(status == ZX_OK, "vector 0x%llx: %d", (unsigned long long)vector, status);
  cr_expect_eq(p.guest_mem_arm64.addr, TRAP + vector, "0x%llx",
               (unsigned long long)p.guest_mem_arm64.addr);
  cr_assert_eq(opened.calls->vcpu_read_state(vcpu, ZX_VCPU_STATE, &state, sizeof state), ZX_OK);
  return state;
}

static void a_raises(uint32_t insn, uint64_t esr, uint64_t elr) {
  const uint32_t code[] = {0xd503201f, insn};  // nop
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, (zx_vcpu_state_arm64_t){.sp = 0x3000});
  const zx_vcpu_state_arm64_t state = a_ends(vcpu, EL1_SYNC);
  cr_expect_eq(state.x[20], esr, "0x%08x: ESR 0x%llx", insn, (unsigned long long)state.x[20]);
  cr_expect_eq(state.x[21], elr, "0x%08x: ELR 0x%llx", insn, (unsigned long long)state.x[21]);
  cr_expect_eq(state.x[23], 0x3c5, "0x%08x: SPSR 0x%llx", insn, (unsigned long long)state.x[23]);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

Test(exceptions_arm64, reach_the_vectors_of_el1, .init = open_arm64, .timeout = 30) {
  a_raises(0xd4024681, 0x56001234, CODE + 8);  // svc #0x1234
  a_raises(0x00000000, 0x02000000, CODE + 4);  // udf
  a_raises(0xd4200020, 0xf2000001, CODE + 4);  // brk #1
}

// msr elr_el1, x2; msr spsr_el1, x3; eret; and behind it, at EL0:
#define TO_EL0 0xd5184022, 0xd5184003, 0xd69f03e0

Test(exceptions_arm64, of_el0_reach_el1, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {TO_EL0, 0xd4024681};  // svc #0x1234
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[2] = CODE + 12, [3] = 0x3c0}};
  const zx_vcpu_state_arm64_t state = a_ends(a_vcpu(code, sizeof code, start), EL0_SYNC);
  cr_expect_eq(state.x[20], 0x56001234);
  cr_expect_eq(state.x[21], CODE + 16);
  cr_expect_eq(state.x[23], 0x3c0, "SPSR 0x%llx", (unsigned long long)state.x[23]);
  cr_expect_eq(state.x[24], 4, "CurrentEL 0x%llx", (unsigned long long)state.x[24]);
  cr_expect_eq(state.sp, 0x3000, "sp 0x%llx", (unsigned long long)state.sp);
}

Test(exceptions_arm64, what_el0_may_not_do_is_undefined, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {TO_EL0, 0xd4000003};  // smc #0
  const zx_vcpu_state_arm64_t start = {.x = {[2] = CODE + 12, [3] = 0x3c0}};
  cr_expect_eq(a_ends(a_vcpu(code, sizeof code, start), EL0_SYNC).x[21], CODE + 12);
}

Test(exceptions_arm64, interrupt_of_el0_is_taken_at_el1, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {TO_EL0, 0x14000000};  // b .
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[2] = CODE + 12, [3] = 0x340}};
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
  cr_assert_eq(opened.calls->vcpu_interrupt(vcpu, 33), ZX_OK);
  const zx_vcpu_state_arm64_t state = a_ends(vcpu, EL0_IRQ);
  cr_expect(state.x[21] == CODE + 12 && state.x[24] == 4 && state.sp == 0x3000);
}

// Of two that wait the guest takes one, and asks which: then there is none to be asked for. The
// other ends its waiting.
static void acknowledges(uint64_t number) {
  static const uint32_t code[] = {0xd50342ff, 0x14000000};  // msr daifclr, #2; b .
  static const uint32_t handler[] = {
      0xd538cc00, 0xd538cc02, 0xd518cc20,           // mrs x0, ICC_IAR1_EL1; x2
      0xd503207f, 0xf9000020 | EL1_IRQ / 8 << 10};  // wfi; str x0, [x1, #]
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, (zx_vcpu_state_arm64_t){.sp = 0x3000});
  cr_assert_eq(opened.calls->vmo_write(memory, handler, EL1_IRQ, sizeof handler), ZX_OK);
  cr_assert_eq(opened.calls->vcpu_interrupt(vcpu, 33), ZX_OK);
  cr_assert_eq(opened.calls->vcpu_interrupt(vcpu, 40), ZX_OK);
  const zx_vcpu_state_arm64_t state = a_ends(vcpu, EL1_IRQ);
  cr_expect_eq(state.x[0], number, "x0 %llu", (unsigned long long)state.x[0]);
  cr_expect_eq(state.x[2], 1023, "x2 %llu", (unsigned long long)state.x[2]);
}

Test(exceptions_arm64, interrupt_is_acknowledged, .init = open_arm64, .timeout = 30) {
  acknowledges(40);
}

Test(exceptions_arm64, no_interrupt_is_1023, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {0xd538cc00, 0xf9000020};  // mrs x0, ICC_IAR1_EL1; str x0, [x1]
  cr_expect_eq(a_ends(a_vcpu(code, sizeof code, (zx_vcpu_state_arm64_t){.sp = 0x3000}), 0).x[0],
               1023);
}

// At EL0 it is undefined.
Test(exceptions_arm64, el0_acknowledges_nothing, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {TO_EL0, 0xd538cc00};
  const zx_vcpu_state_arm64_t start = {.x = {[2] = CODE + 12, [3] = 0x3c0}};
  cr_expect_eq(a_ends(a_vcpu(code, sizeof code, start), EL0_SYNC).x[21], CODE + 12);
}

enum { SMC = 0xd4000003, HVC = 0xd4000002, STORE_X0 = 0xf9000020 };  // str x0, [x1]

static zx_handle_t a_calls(uint32_t insn, uint64_t function) {
  const uint32_t code[] = {insn, STORE_X0};
  const zx_vcpu_state_arm64_t start = {.x = {[0] = function, [2] = 0x5000}};
  return a_vcpu(code, sizeof code, start);
}

static void firmware(uint32_t insn) {
  static const struct {
    uint32_t function;
    zx_status_t status;
  } ends[] = {{0x84000008, ZX_ERR_UNAVAILABLE}, {0x84000009, ZX_ERR_CANCELED}};
  zx_port_packet_t p = {0};
  for (size_t i = 0; i < 2; i++) {
    const zx_handle_t vcpu = a_calls(insn, ends[i].function);
    cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ends[i].status);
    cr_expect_eq(a_ends(vcpu, 0).x[0], ends[i].function);  // behind the call
    cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  }
  zx_handle_t vcpu = a_calls(insn, 0xc4000003);
  cr_assert_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_OK);
  cr_expect(p.type == ZX_PKT_TYPE_GUEST_VCPU && p.guest_vcpu.type == ZX_PKT_GUEST_VCPU_STARTUP);
  cr_expect(p.guest_vcpu.startup.id == TRAP && p.guest_vcpu.startup.entry == 0x5000);
  cr_expect_eq(a_ends(vcpu, 0).x[0], 0);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  vcpu = a_calls(insn, 0x8400001f);
  cr_expect_eq((int64_t)a_ends(vcpu, 0).x[0], -1, "no such call");
}

Test(exceptions_arm64, firmware_is_called_by_smc, .init = open_arm64, .timeout = 30) {
  firmware(SMC);
}
Test(exceptions_arm64, firmware_is_called_by_hvc, .init = open_arm64, .timeout = 30) {
  firmware(HVC);
}

// Page 3 is the table of all levels; it has the code, the trap, and not itself.
Test(exceptions_arm64, page_tables_of_the_guest, .init = open_arm64, .timeout = 30) {
  // msr vbar_el1, x2; msr ttbr0_el1, x3; msr tcr_el1, x4; isb; the MMU on in sctlr_el1; isb;
  // str x0, [x1]; ldr x0, [x5]
  static const uint32_t code[] = {0xd518c002, 0xd5182003, 0xd5182044, 0xd5033fdf, 0xd5381006,
                                  0xb24000c6, 0xd5181006, 0xd5033fdf, STORE_X0,   0xf94000a0};
  static uint8_t vectors[VECTORS_SIZE];
  const uint64_t tables[] = {0x3403, 0x1403, 0x2403, 0};
  const zx_vcpu_state_arm64_t start = {
      .x = {[0] = 9, [2] = 0x1000, [3] = 0x3000, [4] = 25, [5] = 0x3008}};
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
  put_vectors(vectors);
  cr_assert_eq(
      opened.calls->vmo_write(memory, vectors + 0x100, CODE + 0x100, sizeof vectors - 0x100),
      ZX_OK);
  cr_assert_eq(opened.calls->vmo_write(memory, tables, 0x3000, sizeof tables), ZX_OK);
  a_ends(vcpu, 0);
  const zx_vcpu_state_arm64_t state = a_ends(vcpu, EL1_SYNC);
  cr_expect_eq(state.x[20], 0x96000007, "ESR 0x%llx", (unsigned long long)state.x[20]);
  cr_expect_eq(state.x[21], CODE + 9 * 4, "ELR 0x%llx", (unsigned long long)state.x[21]);
  cr_expect_eq(state.x[22], 0x3008, "FAR 0x%llx", (unsigned long long)state.x[22]);
}

// The same pages in the upper half, and page 0 where page 3 would be.
Test(exceptions_arm64, page_tables_of_the_upper_half, .init = open_arm64, .timeout = 30) {
  // msr vbar_el1, x2; msr ttbr0_el1, x3; msr ttbr1_el1, x3; msr tcr_el1, x4; isb; the MMU on; isb;
  // br x8; ldr x0, [x9]; str x0, [x10]; ldr x0, [x11]
  static const uint32_t code[] = {0xd518c002, 0xd5182003, 0xd5182023, 0xd5182044, 0xd5033fdf,
                                  0xd5381006, 0xb24000c6, 0xd5181006, 0xd5033fdf, 0xd61f0100,
                                  0xf9400120, 0xf9000140, 0xf9400160};
  static uint8_t vectors[VECTORS_SIZE];
  const uint64_t tables[] = {0x3403, 0x1403, 0x2403, 0x0403}, word = 0x1234,
                 up = 0xffffff8000000000;
  const zx_vcpu_state_arm64_t start = {.x = {[2] = up + CODE,
                                             [3] = 0x3000,
                                             [4] = 0x80190019,
                                             [8] = up + CODE + 40,
                                             [9] = up + 0x3010,
                                             [10] = up + TRAP + 0x20,
                                             [11] = up + 0x5000}};
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
  put_vectors(vectors);
  cr_assert_eq(
      opened.calls->vmo_write(memory, vectors + 0x100, CODE + 0x100, sizeof vectors - 0x100),
      ZX_OK);
  cr_assert_eq(opened.calls->vmo_write(memory, tables, 0x3000, sizeof tables), ZX_OK);
  cr_assert_eq(opened.calls->vmo_write(memory, &word, 0x10, sizeof word), ZX_OK);
  cr_expect_eq(a_ends(vcpu, 0x20).x[0], word);
  const zx_vcpu_state_arm64_t state = a_ends(vcpu, EL1_SYNC);
  cr_expect_eq(state.x[20], 0x96000007, "ESR 0x%llx", (unsigned long long)state.x[20]);
  cr_expect_eq(state.x[21], up + CODE + 48, "ELR 0x%llx", (unsigned long long)state.x[21]);
  cr_expect_eq(state.x[22], up + 0x5000, "FAR 0x%llx", (unsigned long long)state.x[22]);
}

static void a_is_kicked(const uint32_t* code, size_t size) {
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000};
  zx_handle_t vcpu = vcpu_with(code, size, &start);
  const uint8_t nothing[VECTORS_SIZE] = {0};
  zx_port_packet_t p;
  pthread_t kicker;
  cr_assert_eq(opened.calls->vmo_write(memory, nothing, 0, sizeof nothing), ZX_OK);
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, &vcpu), 0);
  cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
}

Test(exceptions_arm64, guests_without_an_end_are_kicked, .init = open_arm64, .timeout = 30) {
  static const uint32_t loop[] = {0x14000000};       // b .
  static const uint32_t undefined[] = {0x00000000};  // and so is what its vector has
  a_is_kicked(loop, sizeof loop);
  a_is_kicked(undefined, sizeof undefined);
}

Test(exceptions_arm64, code_that_is_not_there_is_a_bad_state, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {0xd61f0040};  // br x2
  const zx_vcpu_state_arm64_t start = {.x = {[2] = 0x800000}};
  zx_port_packet_t p;
  cr_expect_eq(opened.calls->vcpu_enter(a_vcpu(code, sizeof code, start), &p), ZX_ERR_BAD_STATE);
}

// The immediate of `mov x0, #1` becomes 2 between its two turns.
Test(exceptions_arm64, code_that_changes_itself, .init = open_arm64, .timeout = 30) {
  static const uint32_t code[] = {
      0xd2800020,                          // 1: mov x0, #1
      0xb9000043, 0xd5033f9f, 0xd508751f,  // str w3, [x2]; dsb sy; ic iallu
      0xd5033fdf, 0xf1000484, 0x54ffff41,  // isb; subs x4, x4, #1; b.ne 1b
      STORE_X0,
  };
  const zx_vcpu_state_arm64_t start = {.x = {[2] = CODE, [3] = 0xd2800040, [4] = 2}};
  cr_expect_eq(a_ends(a_vcpu(code, sizeof code, start), 0).x[0], 2);
}

#if defined(__aarch64__)
// --- what KVM has on arm64, and Unicorn has not
// ----------------------------------------------------

TestSuite(arm64_kvm, .init = open_kvm, .timeout = 60);

// msr cntv_cval_el0, x2; msr cntv_ctl_el0, x3
#define START_TIMER 0xd51be342, 0xd51be323

Test(arm64_kvm, timer_ends_waiting) {
  static const uint32_t code[] = {START_TIMER, 0xd503207f, STORE_X0};  // wfi
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[3] = 1}};
  a_ends(a_vcpu(code, sizeof code, start), 0);
}

Test(arm64_kvm, timer_ends_waiting_once_it_is_time) {
  static const uint32_t code[] = {
      0xd53be042,  0x91400442,             // mrs x2, cntvct_el0; add x2, x2, #1, lsl #12
      START_TIMER, 0xd503207f,             // wfi
      0xd5033fdf,  0xd53be045, STORE_X0};  // isb; mrs x5, cntvct_el0
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[3] = 1}};
  const zx_vcpu_state_arm64_t state = a_ends(a_vcpu(code, sizeof code, start), 0);
  cr_expect_geq(state.x[5], state.x[2]);
}

// It does so again until the guest has set it anew. That the guest has done so KVM says when the
// guest leaves next: until then it may take one more.
Test(arm64_kvm, timer_interrupts) {
  static const uint32_t code[] = {START_TIMER, 0xd50342ff, 0x14000000};  // msr daifclr, #2; b .
  static const uint32_t handler[] = {0xf9000020 | EL1_IRQ / 8 << 10,     // str x0, [x1, #]
                                     0x91000400,
                                     0xf100081f,  // add x0, x0, #1; cmp x0, #2
                                     0x54000041,
                                     0xd51be324,   // b.ne 1f; msr cntv_ctl_el0, x4
                                     0xd69f03e0};  // 1: eret
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[3] = 1, [4] = 3}};
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
  zx_port_packet_t p;
  pthread_t kicker;
  cr_assert_eq(opened.calls->vmo_write(memory, handler, EL1_IRQ, sizeof handler), ZX_OK);
  cr_expect_eq(a_ends(vcpu, EL1_IRQ).x[0], 0);
  cr_expect_eq(a_ends(vcpu, EL1_IRQ).x[0], 1);
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, (void*)&vcpu), 0);
  zx_status_t status = opened.calls->vcpu_enter(vcpu, &p);
  if (status == ZX_OK) status = opened.calls->vcpu_enter(vcpu, &p);
  cr_expect_eq(status, ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
}

// The vCPU of a guest before it is used again.
Test(arm64_kvm, timer_is_off_in_the_next_guest) {
  static const uint32_t set[] = {START_TIMER, 0xd503207f, STORE_X0},
                        wait[] = {0xd50342ff, 0xd503207f, STORE_X0};
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[3] = 1}};
  zx_handle_t vcpu = a_vcpu(set, sizeof set, start);
  a_ends(vcpu, 0);
  cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  cr_assert_eq(opened.calls->handle_close(guest), ZX_OK);
  cr_assert_eq(opened.calls->handle_close(vmar), ZX_OK);
  vcpu = a_vcpu(wait, sizeof wait, start);
  zx_port_packet_t p;
  pthread_t kicker;
  cr_assert_eq(pthread_create(&kicker, NULL, kick_later, &vcpu), 0);
  cr_expect_eq(opened.calls->vcpu_enter(vcpu, &p), ZX_ERR_CANCELED);
  pthread_join(kicker, NULL);
}

Test(arm64_kvm, interrupt_beside_the_timer) {
  static const uint32_t code[] = {START_TIMER, 0xd50342ff, 0x14000000};  // msr daifclr, #2; b .
  const zx_vcpu_state_arm64_t start = {.sp = 0x3000, .x = {[3] = 1}};
  const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
  cr_assert_eq(opened.calls->vcpu_interrupt(vcpu, 33), ZX_OK);
  a_ends(vcpu, EL1_IRQ);
}

Test(arm64_kvm, waiting_of_el0_is_el1s) {
  static const uint32_t code[] = {TO_EL0, 0xd503207f};  // wfi
  const zx_vcpu_state_arm64_t start = {.x = {[2] = CODE + 12, [3] = 0x3c0}};
  const zx_vcpu_state_arm64_t state = a_ends(a_vcpu(code, sizeof code, start), EL0_SYNC);
  cr_expect_eq(state.x[20] >> 26, 1, "ESR 0x%llx", (unsigned long long)state.x[20]);
  cr_expect_eq(state.x[21], CODE + 12);
}

Test(arm64_kvm, interrupt_has_no_number) {
  acknowledges(1023);
}

// 32-bit code at EL0: r0 to r14 are x0 to x14.
typedef struct narrow {
  uint32_t insn;
  transfer expected;
} narrow;

static const narrow a32_rows[] = {
    {0xe5810000, {0, 4, false, false, 0}},  // str r0, [r1]
    {0xe5c13000, {0, 1, false, false, 3}},  // strb r3, [r1]
    {0xe1c150b0, {0, 2, false, false, 5}},  // strh r5, [r1]
    {0xe591e000, {0, 4, false, true, 14}},  // ldr lr, [r1]
    {0xe1d140d0, {0, 1, true, true, 4}},    // ldrsb r4, [r1]
    {0xe1d140f0, {0, 2, true, true, 4}},    // ldrsh r4, [r1]
};
static const narrow t32_rows[] = {
    {0x6008, {0, 4, false, false, 0}},      // str r0, [r1]
    {0x700b, {0, 1, false, false, 3}},      // strb r3, [r1]
    {0x880c, {0, 2, false, true, 4}},       // ldrh r4, [r1]
    {0x5f8c, {0, 2, true, true, 4}},        // ldrsh r4, [r1, r6]
    {0x8000f8c1, {0, 4, false, false, 8}},  // str.w r8, [r1]
    {0xa000f991, {0, 1, true, true, 10}},   // ldrsb.w r10, [r1]
};

static void narrow_accesses(const narrow* rows, size_t count, uint64_t pstate) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t code[] = {TO_EL0, rows[i].insn};
    zx_vcpu_state_arm64_t start = {.sp = 0x3000};
    for (unsigned r = 0; r < 15; r++) start.x[r] = 0x1000 + r;
    start.x[2] = CODE + 12, start.x[3] = pstate, start.x[6] = 0;
    const zx_handle_t vcpu = a_vcpu(code, sizeof code, start);
    transfer row = rows[i].expected;
    row.insn = rows[i].insn;
    trapped(vcpu, &row, TRAP, row.read ? 0 : start.x[row.xt]);
    cr_assert_eq(opened.calls->handle_close(vcpu), ZX_OK);
  }
}

Test(arm64_kvm, accesses_of_32_bit_code) {
  narrow_accesses(a32_rows, sizeof a32_rows / sizeof a32_rows[0], 0x1d0);
  narrow_accesses(t32_rows, sizeof t32_rows / sizeof t32_rows[0], 0x1f0);
}
#endif
