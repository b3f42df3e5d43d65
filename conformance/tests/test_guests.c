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

TestSuite(guest_x64, .init = open_x64);
TestSuite(guest_arm64, .init = open_arm64);
TestSuite(traps_arm64, .init = open_arm64);
TestSuite(traps_x64, .init = open_x64);
TestSuite(traps_kvm, .init = open_kvm);

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

// The gate of the interrupt is looked for in memory that is there no more.
Test(traps_x64, memory_that_is_unmapped_is_not_looked_at) {
  static const uint8_t code[] = {0xfb, 0xf4, 0xeb, 0xfd};  // sti; 1: hlt; jmp 1b
  const zx_vcpu_state_x64_t state = {.rsp = 0x3000};
  const vs_calls* calls = opened.calls;
  const zx_handle_t vcpu = vcpu_with(code, sizeof code, &state);
  zx_port_packet_t p;
  cr_assert_eq(calls->handle_close(memory), ZX_OK);
  cr_assert_eq(calls->vmar_unmap(vmar, 0, MEMORY_SIZE), ZX_OK);
  cr_assert_eq(calls->vcpu_interrupt(vcpu, 13), ZX_OK);
  cr_expect_eq(calls->vcpu_enter(vcpu, &p), ZX_ERR_BAD_STATE);
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
