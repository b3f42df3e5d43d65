// SPDX-License-Identifier: BSD-3-Clause
// The oracle, on traces made by hand: what it must allow, what it must object to, and by which
// clause.
#include <criterion/criterion.h>
#include <string.h>

#include "oracle.h"

// --- traces by hand ----------------------------------------------------------------------------

enum { GUEST, VMAR, VCPU, OTHER, DERIVED, OBJECT, MEMORY = 15, TAPE_MAX = 64 };

typedef struct tape {
  vs_arch arch;
  size_t count;
  zx_handle_t next;  // the value of the next new handle
  vs_op ops[TAPE_MAX];
  vs_observation seen[TAPE_MAX];
} tape;

// An op that returned `status`; the caller changes the rest of both.
static vs_op* put(tape* t, vs_op_code code, uint8_t slot, zx_status_t status) {
  cr_assert(t->count < TAPE_MAX, "the tape is full");
  t->seen[t->count] = (vs_observation){.outcome = VS_RETURNED, .status = status};
  vs_op* op = &t->ops[t->count];
  *op = vs_op_new((uint8_t)code, vs_arch_find(t->arch));
  if (vs_param_is_positional(op->code, 0)) op->args[0] = vs_arg_slot(slot);
  return &t->ops[t->count++];
}

static vs_observation* last(tape* t) {
  return &t->seen[t->count - 1];
}

static vs_op* last_op(tape* t) {
  return &t->ops[t->count - 1];
}

static vs_op* put_new(tape* t, vs_op_code code, uint8_t from, uint8_t out) {
  vs_op* op = put(t, code, from, ZX_OK);
  vs_op_give(op, 0, out);
  last(t)->handle = t->next += 4;
  return op;
}

// The same of a call that is told rights, DUPLICATE or REPLACE; other calls are told none.
static vs_op* put_derived(tape* t, vs_op_code code, uint8_t from, uint8_t out, uint64_t rights) {
  vs_op* op = put_new(t, code, from, out);
  uint8_t at = vs_param_find(op->code, VS_PARAM_RIGHTS, 0);
  if (at < VS_ARGS_MAX) op->args[at].number = rights;
  return op;
}

static void put_interrupt(tape* t, zx_status_t status, uint32_t vector) {
  vs_op* op = put(t, VS_CALL_vcpu_interrupt, VCPU, status);
  VS_OP_ARG(op, vcpu_interrupt, vector).number = vector;
}

static void put_vcpu(tape* t, uint8_t thread, uint8_t out, vs_program program) {
  vs_op* op = put_new(t, VS_CALL_vcpu_create, GUEST, out);
  op->thread = thread;
  VS_OP_ARG(op, vcpu_create, entry).slot = (uint8_t)program;
}

static void start_guest(tape* t, vs_arch arch) {
  t->arch = arch;
  t->count = 0;
  t->next = 0x1003;
  vs_op_give(put_new(t, VS_CALL_guest_create, 0, GUEST), 1, VMAR);
  last(t)->handle2 = t->next += 4;
  vs_op* load = put_new(t, VS_OP_guest_load, GUEST, MEMORY);
  VS_OP_ARG(load, guest_load, vmar) = vs_arg_slot(VMAR);
}

static void start(tape* t, vs_arch arch, vs_program program) {
  start_guest(t, arch);
  put_vcpu(t, 0, VCPU, program);
}

// x86-64 registers: each its own value, with every byte set; `flags` as they are.
typedef zx_vcpu_state_x64_t registers;

static registers registers_of(unsigned number, uint64_t flags) {
  registers r;
  uint64_t words[17];
  for (unsigned i = 0; i < 16; i++) {
    words[i] = UINT64_C(0x1122334455667788) + UINT64_C(0x0101010101010101) * (16 * number + i);
  }
  words[16] = flags;
  memcpy(&r, words, sizeof r);
  return r;
}

static vs_op* put_write(tape* t, uint8_t slot, const registers* r, zx_status_t status) {
  vs_op* op = put(t, VS_CALL_vcpu_write_state, slot, status);
  memcpy(op->bytes, r, sizeof *r);
  return op;
}

static vs_op* put_io(tape* t, uint8_t access_size, uint32_t data, zx_status_t status) {
  zx_vcpu_io_t io = {.access_size = access_size, .padding1 = {1, 2, 3}, .u32 = data};
  vs_op* op = put(t, VS_CALL_vcpu_write_state, VCPU, status);
  VS_OP_ARG(op, vcpu_write_state, kind).number = ZX_VCPU_IO;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = sizeof io;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = sizeof io;
  memcpy(op->bytes, &io, sizeof io);
  return op;
}

static void put_read(tape* t, uint8_t slot, const registers* r) {
  put(t, VS_CALL_vcpu_read_state, slot, ZX_OK);
  last(t)->has_state = true;
  memcpy(last(t)->state, r, sizeof *r);
}

static void put_exit(tape* t, uint16_t port, uint8_t width, bool input, uint32_t data) {
  put(t, VS_CALL_vcpu_enter, VCPU, ZX_OK);
  last(t)->has_packet = true;
  last(t)->packet.type = ZX_PKT_TYPE_GUEST_IO;
  const uint64_t first = port == VS_PORT_IN ? VS_PORT_IN - 2 : port;
  last(t)->packet.key = VS_TRAP_KEY(GUEST, first);
  last(t)->packet.guest_io =
      (zx_packet_guest_io_t){.port = port, .access_size = width, .input = input, .u32 = data};
}

static void put_dump(tape* t, const registers* r) {
  put_exit(t, VS_PORT_DUMP, 1, false, 0);
  last(t)->has_state = true;
  memcpy(last(t)->state, r, sizeof *r);
}

// A vCPU at the dump loop with known registers, the flags `flags` among them.
static registers start_known(tape* t, uint64_t flags) {
  start(t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  registers r = registers_of(1, flags | 2);
  put_write(t, VCPU, &r, ZX_OK);
  r.rflags = flags;
  put_read(t, VCPU, &r);
  return r;
}

// --- the judge ---------------------------------------------------------------------------------

static vs_oracle oracle;

static vs_trace trace_of(const tape* t) {
  return (vs_trace){
      .script = {"by hand", t->ops, t->count}, .arch = t->arch, .observations = t->seen};
}

static vs_judgement judge(const tape* t, const char* profile) {
  vs_trace trace = trace_of(t);
  const vs_profile* rules = vs_profile_find(profile);
  cr_assert(rules != NULL, "there is no profile %s", profile);
  return vs_judge(&oracle, &trace, rules);
}

static const char* clause_of(const vs_judgement* j) {
  return j->step == VS_STEP_VIOLATION ? vs_clauses[j->violation.clause].id : "nothing";
}

static const char* latitude_name(vs_latitude_set set) {
  for (unsigned i = 0; i < VS_LATITUDE_COUNT; i++) {
    if (set & VS_BIT(i)) return vs_latitudes[i].id;
  }
  return "none";
}

static vs_latitude_set under(vs_latitude_code latitude) {
  return (vs_latitude_set)VS_BIT(latitude);
}

static void allows(const tape* t, const char* profile, vs_latitude_set needed, const char* what) {
  vs_judgement j = judge(t, profile);
  cr_assert(j.step == VS_STEP_ALLOWED,
            "%s, %s: must be allowed, got step %d at op %u, which breaks %s", profile, what, j.step,
            (unsigned)j.at, clause_of(&j));
  cr_assert(j.latitudes == needed, "%s, %s: needs latitudes 0x%x, got 0x%x (%s)", profile, what,
            needed, j.latitudes, latitude_name(j.latitudes));
}

// The last op must be what breaks `clause`.
static vs_violation breaks(const tape* t, const char* profile, vs_clause_code clause,
                           const char* what) {
  vs_judgement j = judge(t, profile);
  cr_assert(j.step == VS_STEP_VIOLATION && j.violation.clause == clause && j.at == t->count - 1,
            "%s, %s: op %u must break %s, got step %d at op %u, which breaks %s", profile, what,
            (unsigned)t->count - 1, vs_clauses[clause].id, j.step, (unsigned)j.at, clause_of(&j));
  return j.violation;
}

static void names(vs_violation v, uint8_t reg, uint64_t expected, uint64_t got) {
  cr_assert(v.kind == VS_VIOLATION_REGISTER && v.reg == reg && v.value == got &&
                v.expected == (expected & v.known),
            "%s: register %u must be 0x%llx, got register %u, 0x%llx expected, 0x%llx seen",
            vs_clauses[v.clause].id, reg, (unsigned long long)expected, v.reg,
            (unsigned long long)v.expected, (unsigned long long)v.value);
}

static void ends(const tape* t, vs_step step, const char* what) {
  vs_judgement j = judge(t, "documented");
  cr_assert(j.step == step && j.at == t->count - 1,
            "%s: op %u must end with step %d, got step %d at op %u, which breaks %s", what,
            (unsigned)t->count - 1, step, j.step, (unsigned)j.at, clause_of(&j));
}

static uint64_t* word(registers* r, size_t i) {
  return (uint64_t*)(void*)r + i;
}

static const char* name_of(size_t reg) {
  return vs_arch_find(VS_ARCH_X64)->registers[reg].name;
}

enum { GENERAL = 16, FLAGS = 16, ALL = 17 };

// --- the answer --------------------------------------------------------------------------------

Test(write_state, valid_call_must_be_ok) {
  static const struct {
    zx_status_t status;
    vs_clause_code clause;
  } rows[] = {{ZX_ERR_ACCESS_DENIED, VS_CLAUSE_RIGHTS_WRITE},
              {ZX_ERR_WRONG_TYPE, VS_CLAUSE_RIGHTS_TYPE},
              {ZX_ERR_BAD_HANDLE, VS_CLAUSE_BAD_HANDLE},
              {ZX_ERR_BAD_STATE, VS_CLAUSE_PAUSED},
              {ZX_ERR_INVALID_ARGS, VS_CLAUSE_RETURN_OK},
              {ZX_ERR_NO_MEMORY, VS_CLAUSE_RETURN_OK},
              {1, VS_CLAUSE_RETURN_OK}};
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_OK);
  allows(&t, "documented", 0, "a valid call");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    last(&t)->status = rows[i].status;
    vs_violation v = breaks(&t, "documented", rows[i].clause, "a valid call refused");
    cr_assert(v.kind == VS_VIOLATION_STATUS && v.got == rows[i].status && v.decision.count == 1 &&
                  v.decision.allowed[0].status == ZX_OK,
              "%s: allowed is ZX_OK alone, got kind %d, status %d of %d", vs_clauses[v.clause].id,
              v.kind, v.got, v.decision.count);
  }
}

Test(write_state, valid_call_bears_out_its_clauses) {
  static const vs_clause_code borne_out[] = {
      VS_CLAUSE_RETURN_OK, VS_CLAUSE_KIND,         VS_CLAUSE_REGISTERS, VS_CLAUSE_FLAGS,
      VS_CLAUSE_PAUSED,    VS_CLAUSE_RIGHTS_WRITE, VS_CLAUSE_READ_BACK, VS_CLAUSE_SYSTEM_FLAGS};
  tape t;
  start_known(&t, 0x8d5);
  vs_judgement j = judge(&t, "documented");
  for (size_t i = 0; i < sizeof borne_out / sizeof borne_out[0]; i++) {
    cr_assert(vs_has_clause(j.attested, borne_out[i]), "a read-back must bear out %s",
              vs_clauses[borne_out[i]].id);
  }
  cr_assert(!vs_has_clause(j.attested, VS_CLAUSE_UNCHANGED), "nothing was refused");
  cr_assert(!vs_has_clause(j.attested, VS_CLAUSE_IO), "no IO was written");
}

Test(write_state, valid_io_refused_breaks_kind) {
  tape t;
  start_known(&t, 0);
  vs_op* op = put_io(&t, 4, 1, ZX_ERR_INVALID_ARGS);
  breaks(&t, "documented", VS_CLAUSE_IO_ALONE, "IO with padding is refused");
  memset(op->bytes + 1, 0, 3);
  breaks(&t, "documented", VS_CLAUSE_KIND, "IO is refused");
}

Test(write_state, readable_buffer_refused_breaks_from_buffer) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_ERR_INVALID_ARGS);
  for (uint8_t at = VS_AT_MISALIGNED; at <= VS_AT_READONLY; at++) {
    VS_OP_ARG(last_op(&t), vcpu_write_state, buffer).at = at;
    breaks(&t, "documented", VS_CLAUSE_FROM_BUFFER, vs_placements[at].name);
  }
}

typedef struct fault {
  const char* what;
  zx_status_t status;
  vs_clause_code rule;   // broken by accepting
  vs_clause_code error;  // broken by another refusal
} fault;

static const fault faults[] = {
    {"bad handle", ZX_ERR_BAD_HANDLE, VS_CLAUSE_BAD_HANDLE, VS_CLAUSE_BAD_HANDLE},
    {"wrong type", ZX_ERR_WRONG_TYPE, VS_CLAUSE_RIGHTS_TYPE, VS_CLAUSE_WRONG_TYPE},
    {"no right", ZX_ERR_ACCESS_DENIED, VS_CLAUSE_RIGHTS_WRITE, VS_CLAUSE_ACCESS_DENIED},
    {"kind", ZX_ERR_INVALID_ARGS, VS_CLAUSE_KIND, VS_CLAUSE_INVALID_KIND},
    {"size", ZX_ERR_INVALID_ARGS, VS_CLAUSE_INVALID_SIZE, VS_CLAUSE_INVALID_SIZE},
    {"buffer", ZX_ERR_INVALID_ARGS, VS_CLAUSE_INVALID_BUFFER, VS_CLAUSE_INVALID_BUFFER},
    {"thread", ZX_ERR_BAD_STATE, VS_CLAUSE_SAME_THREAD, VS_CLAUSE_BAD_STATE},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static void commit(vs_op* op, size_t which) {
  if (which == 0) op->args[0] = (vs_arg){.form = VS_HANDLE_RAW};
  if (which == 1) op->args[0].slot = GUEST;
  if (which == 2) op->args[0].slot = DERIVED;
  if (which == 3) VS_OP_ARG(op, vcpu_write_state, kind).number = 2;
  if (which == 4) VS_OP_ARG(op, vcpu_write_state, buffer_size).number--;
  if (which == 5) VS_OP_ARG(op, vcpu_write_state, buffer).at = VS_AT_UNMAPPED;
  if (which == 6) op->thread = 1;
}

static void put_faulty(tape* t, size_t which, zx_status_t status) {
  registers r = start_known(t, 0);
  put_derived(t, VS_CALL_handle_duplicate, VCPU, DERIVED, ZX_RIGHT_READ);
  commit(put_write(t, VCPU, &r, status), which);
}

Test(write_state, one_fault_has_one_answer) {
  tape t;
  for (size_t i = 0; i < FAULTS; i++) {
    put_faulty(&t, i, faults[i].status);
    allows(&t, "documented", 0, faults[i].what);
    for (zx_status_t status = -45; status < 0; status++) {
      last(&t)->status = status;
      if (status != faults[i].status) breaks(&t, "documented", faults[i].error, faults[i].what);
    }
  }
}

Test(write_state, faulty_call_accepted_breaks_the_rule) {
  tape t;
  for (size_t i = 0; i < FAULTS; i++) {
    put_faulty(&t, i, ZX_OK);
    breaks(&t, "documented", faults[i].rule, faults[i].what);
  }
}

Test(write_state, several_faults_leave_the_choice_among_theirs) {
  tape t;
  put_faulty(&t, 2, ZX_ERR_ACCESS_DENIED);
  commit(last_op(&t), 4);
  commit(last_op(&t), 6);
  static const zx_status_t allowed[] = {ZX_ERR_ACCESS_DENIED, ZX_ERR_INVALID_ARGS,
                                        ZX_ERR_BAD_STATE};
  for (size_t i = 0; i < 3; i++) {
    last(&t)->status = allowed[i];
    allows(&t, "documented", 0, "no right, size and thread");
  }
  last(&t)->status = ZX_ERR_WRONG_TYPE;
  breaks(&t, "documented", VS_CLAUSE_RETURN_ERROR, "no right, size and thread");
  last(&t)->status = ZX_ERR_BAD_STATE;
  breaks(&t, "zircon-x64", VS_CLAUSE_ACCESS_DENIED, "no right comes first");
}

Test(write_state, wrong_thread_may_refuse_io_with_invalid_args_but_not_state) {
  tape t;
  registers r = start_known(&t, 0);
  put_io(&t, 4, 1, ZX_ERR_INVALID_ARGS)->thread = 1;
  allows(&t, "documented", under(VS_LATITUDE_WRONG_THREAD_IO), "IO elsewhere");
  breaks(&t, "zircon-x64", VS_CLAUSE_BAD_STATE, "IO elsewhere");
  t.count--;
  put_io(&t, 4, 1, ZX_ERR_BAD_STATE)->thread = 1;
  allows(&t, "documented", 0, "IO elsewhere");
  t.count--;
  put_write(&t, VCPU, &r, ZX_ERR_INVALID_ARGS)->thread = 1;
  breaks(&t, "documented", VS_CLAUSE_BAD_STATE, "STATE elsewhere");
}

Test(write_state, thread_that_replaced_the_creator_is_not_the_creator) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  registers r = registers_of(1, 2);
  put_vcpu(&t, 1, OTHER, VS_PROGRAM_DUMP);
  put_write(&t, OTHER, &r, ZX_OK)->thread = 1;
  put(&t, VS_OP_thread_exit, 0, ZX_OK)->thread = 1;
  put_write(&t, OTHER, &r, ZX_ERR_BAD_STATE)->thread = 1;
  allows(&t, "documented", 0, "the creator has ended, another thread has its number");
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_SAME_THREAD, "another thread has the creator's number");
}

// --- a refusal changes nothing -----------------------------------------------------------------

Test(refusal, changing_any_register_breaks_unchanged_and_names_it) {
  for (size_t reg = 0; reg < ALL; reg++) {
    for (size_t which = 0; which < FAULTS; which++) {
      tape t;
      put_faulty(&t, which, faults[which].status);
      registers r = registers_of(1, 0);
      uint64_t before = *word(&r, reg);
      put_read(&t, VCPU, &r);
      allows(&t, "documented", 0, faults[which].what);
      *word(&r, reg) ^= reg == FLAGS ? 0x80 : UINT64_C(1) << (reg + 47);
      t.count--;
      put_read(&t, VCPU, &r);
      vs_violation v = breaks(&t, "documented", VS_CLAUSE_UNCHANGED, name_of(reg));
      names(v, (uint8_t)reg, before, *word(&r, reg));
    }
  }
}

Test(refusal, changing_what_the_guest_sees_breaks_unchanged) {
  tape t;
  put_faulty(&t, 4, ZX_ERR_INVALID_ARGS);
  registers r = registers_of(1, 2);
  r.r11 ^= 4;  // a bit that it lacks
  memcpy(last_op(&t)->bytes, &r, sizeof r);
  put_dump(&t, &r);
  vs_violation v = breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "r11 in the guest");
  cr_assert(v.guest_view, "write_state.refusal.unchanged: the guest saw it");
}

Test(refusal, changing_another_vcpu_breaks_unchanged) {
  tape t;
  registers first = start_known(&t, 0);
  put_vcpu(&t, 1, OTHER, VS_PROGRAM_DUMP);
  registers second = registers_of(2, 0);
  put_read(&t, OTHER, &second);
  last_op(&t)->thread = 1;
  VS_OP_ARG(put_write(&t, VCPU, &first, ZX_ERR_INVALID_ARGS), vcpu_write_state, buffer_size)
      .number = 0;
  second.rbx ^= 1;
  put_read(&t, OTHER, &second);
  last_op(&t)->thread = 1;
  names(breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "rbx of the other"), 3, second.rbx ^ 1,
        second.rbx);
}

Test(refusal, bears_out_unchanged_once_it_was_looked_at) {
  tape t;
  put_faulty(&t, 4, ZX_ERR_INVALID_ARGS);
  bool unseen = vs_has_clause(judge(&t, "documented").attested, VS_CLAUSE_UNCHANGED);
  registers r = registers_of(1, 0);
  put_read(&t, VCPU, &r);
  bool seen = vs_has_clause(judge(&t, "documented").attested, VS_CLAUSE_UNCHANGED);
  cr_assert(!unseen && seen, "write_state.refusal.unchanged: borne out %d before, %d after", unseen,
            seen);
}

// --- what a write does -------------------------------------------------------------------------

Test(state, register_not_taken_breaks_registers_or_flags) {
  for (size_t reg = 0; reg < ALL; reg++) {
    tape t;
    start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
    registers r = registers_of(1, 0x8d7);
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = 0x8d5;
    uint64_t expected = *word(&r, reg);
    *word(&r, reg) ^= 1;
    put_read(&t, VCPU, &r);
    vs_clause_code clause = reg == FLAGS ? VS_CLAUSE_FLAGS : VS_CLAUSE_REGISTERS;
    names(breaks(&t, "documented", clause, name_of(reg)), (uint8_t)reg, expected, *word(&r, reg));
  }
}

Test(state, every_bit_of_a_register_counts) {
  for (unsigned bit = 0; bit < 64; bit++) {
    tape t;
    registers r = start_known(&t, 0);
    r.r15 ^= UINT64_C(1) << bit;
    put_read(&t, VCPU, &r);
    breaks(&t, "documented", VS_CLAUSE_READ_BACK, "r15");
  }
}

Test(state, guest_must_see_what_was_written) {
  for (size_t reg = 0; reg < ALL; reg++) {
    tape t;
    start_known(&t, 0x44);
    registers r = registers_of(1, 0x46);
    put_dump(&t, &r);
    allows(&t, "documented", 0, "the guest sees the written registers");
    t.count--;
    *word(&r, reg) ^= 0x40;
    put_dump(&t, &r);
    vs_violation v = breaks(&t, "documented", VS_CLAUSE_GUEST_SEES, name_of(reg));
    cr_assert(v.guest_view && v.reg == reg, "%s: got register %u", name_of(reg), v.reg);
  }
}

Test(state, each_required_flag_is_set_and_cleared) {
  for (unsigned bit = 0; bit < 12; bit++) {
    if (!(0xdd5u >> bit & 1)) continue;
    for (uint64_t before = 0; before <= 0xdd5; before += 0xdd5) {
      tape t;
      registers r = start_known(&t, before);
      r.rflags = (before ^ UINT64_C(1) << bit) | 2;
      put_write(&t, VCPU, &r, ZX_OK);
      r.rflags = before;
      put_read(&t, VCPU, &r);
      breaks(&t, "documented", VS_CLAUSE_FLAGS, "a flag stayed");
      last(&t)->state[128 + bit / 8] ^= (uint8_t)(1u << bit % 8);
      allows(&t, "documented", 0, "a flag was changed");
    }
  }
}

Test(state, bits_that_are_not_the_callers_are_free_until_seen) {
  const uint64_t callers = 0xdd5 | 0x244000;
  for (unsigned bit = 0; bit < 64; bit++) {
    if (callers >> bit & 1) continue;
    tape t;
    start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
    registers r = registers_of(1, UINT64_MAX);
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = callers | UINT64_C(1) << bit;
    put_read(&t, VCPU, &r);
    allows(&t, "documented", 0, "a system bit is shown");
    r = registers_of(1, callers | 2);
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = callers;
    put_read(&t, VCPU, &r);
    vs_violation v = breaks(&t, "documented", VS_CLAUSE_SYSTEM_FLAGS, "a system bit was cleared");
    cr_assert(v.reg == FLAGS && (v.known >> bit & 1), "%s: bit %u, known 0x%llx",
              vs_clauses[v.clause].id, bit, (unsigned long long)v.known);
  }
}

Test(state, system_bits_are_pinned_in_each_view_of_its_own) {
  tape t;
  start_known(&t, 0x1);
  registers guest = registers_of(1, 0x1 | 0x202);
  put_dump(&t, &guest);
  registers read = registers_of(1, 0x1);
  put_read(&t, VCPU, &read);
  put_dump(&t, &guest);
  allows(&t, "documented", 0, "two views differ in IF and bit 1");
  guest.rflags = 0x1 | 0x2;
  put_dump(&t, &guest);
  breaks(&t, "documented", VS_CLAUSE_SYSTEM_FLAGS, "IF changed for the guest");
}

Test(state, resume_and_virtual_flags_are_not_compared_in_the_guest) {
  tape t;
  start_known(&t, 0);
  registers r = registers_of(1, 2);
  put_dump(&t, &r);
  r.rflags = 0x30002;
  put_dump(&t, &r);
  allows(&t, "documented", 0, "RF and VM in the guest");
}

Test(state, reading_twice_must_report_the_same) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  registers r = registers_of(1, 0);
  put_read(&t, VCPU, &r);
  allows(&t, "documented", 0, "the first reading of a new vCPU");
  r.rsp++;
  put_read(&t, VCPU, &r);
  names(breaks(&t, "documented", VS_CLAUSE_READ_BACK, "rsp"), 4, r.rsp - 1, r.rsp);
}

Test(state, new_vcpu_is_zero_on_published_kernels) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  registers r = {0};
  put_read(&t, VCPU, &r);
  allows(&t, "zircon-x64", 0, "zero");
  r.r8 = 1;
  t.count--;
  put_read(&t, VCPU, &r);
  names(breaks(&t, "zircon-x64", VS_CLAUSE_READ_BACK, "r8"), 8, 0, 1);
}

Test(state, write_of_one_vcpu_leaves_the_other) {
  tape t;
  registers first = start_known(&t, 0);
  put_vcpu(&t, 1, OTHER, VS_PROGRAM_DUMP);
  registers second = registers_of(2, 2);
  put_write(&t, OTHER, &second, ZX_OK)->thread = 1;
  put_read(&t, VCPU, &first);
  allows(&t, "documented", 0, "two vCPUs");
  t.count--;
  put_read(&t, VCPU, &second);
  breaks(&t, "documented", VS_CLAUSE_OF_HANDLE, "the first shows the second's registers");
}

// The value tells whose doing it is, also where a call was refused in between.
Test(state, write_of_another_that_reaches_it_is_to_blame_before_a_later_refusal) {
  tape t;
  registers first = start_known(&t, 0);
  put_vcpu(&t, 1, OTHER, VS_PROGRAM_DUMP);
  registers second = registers_of(2, 2);
  registers third = registers_of(3, 2);
  put_write(&t, OTHER, &second, ZX_OK)->thread = 1;
  put_write(&t, VCPU, &third, ZX_ERR_BAD_STATE)->thread = 1;
  put_read(&t, VCPU, &second);
  breaks(&t, "documented", VS_CLAUSE_OF_HANDLE, "the first shows the second's registers");
  t.count--;
  put_read(&t, VCPU, &third);
  breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "the first shows what was refused");
  t.count--;
  registers fourth = registers_of(4, 2);
  put_read(&t, VCPU, &fourth);
  breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "the first shows what no write had");
  t.count--;
  put_read(&t, VCPU, &first);
  put_write(&t, VCPU, &third, ZX_ERR_BAD_STATE)->thread = 1;
  put_read(&t, VCPU, &second);
  breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "it was looked at since the second was written");
}

// --- the gate ----------------------------------------------------------------------------------

// Writes without bit 1, and shows whether that took effect.
static void put_gated(tape* t, uint64_t* flags, uint64_t wanted, bool effective) {
  registers r = registers_of(1, wanted);
  put_write(t, VCPU, &r, ZX_OK);
  if (effective) *flags = wanted;
  r.rflags = *flags;
  put_read(t, VCPU, &r);
}

Test(flags_gate, is_a_choice_made_once) {
  for (unsigned made = 0; made < 8; made++) {
    tape t;
    uint64_t flags = 0x1;
    start_known(&t, flags);
    bool same = true;
    for (unsigned i = 0; i < 3 && same; i++) {
      bool effective = made >> i & 1;
      put_gated(&t, &flags, flags ^ 0xd4, effective);
      same = effective == (made & 1);
    }
    vs_latitude_set needed = made & 1 ? 0 : under(VS_LATITUDE_FLAGS_GATE);
    if (same)
      allows(&t, "documented", needed, made ? "never gated" : "always gated");
    else
      breaks(&t, "documented", VS_CLAUSE_FLAGS, "once gated, once not");
  }
}

Test(flags_gate, does_not_excuse_a_mixture) {
  tape t;
  start_known(&t, 0x1);
  registers r = registers_of(1, 0x84);
  put_write(&t, VCPU, &r, ZX_OK);
  r.rflags = 0x5;
  put_read(&t, VCPU, &r);
  breaks(&t, "documented", VS_CLAUSE_FLAGS, "one flag of three taken");
}

Test(flags_gate, is_shut_on_zircon_x64) {
  tape t;
  uint64_t flags = 0x1;
  start_known(&t, flags);
  put_gated(&t, &flags, 0x40, false);
  allows(&t, "zircon-x64", 0, "gated");
  put_gated(&t, &flags, 0x40, true);
  breaks(&t, "zircon-x64", VS_CLAUSE_FLAGS, "not gated");
}

Test(flags_gate, says_nothing_of_the_other_registers) {
  tape t;
  start_known(&t, 0x1);
  registers r = registers_of(2, 0x40);
  put_write(&t, VCPU, &r, ZX_OK);
  r.rflags = 0x1;
  r.rdi = registers_of(1, 0).rdi;
  put_read(&t, VCPU, &r);
  breaks(&t, "documented", VS_CLAUSE_REGISTERS, "rdi was gated as well");
}

// --- NT, AC, ID --------------------------------------------------------------------------------

static const uint64_t optional_flags[] = {0x4000, 0x40000, 0x200000};

static uint64_t optional_subset(unsigned which) {
  uint64_t set = 0;
  for (unsigned i = 0; i < 3; i++) set |= which >> i & 1 ? optional_flags[i] : 0;
  return set;
}

Test(optional_flags, may_each_be_ignored) {
  for (unsigned taken = 0; taken < 8; taken++) {
    tape t;
    registers r = start_known(&t, 0x1);
    r.rflags = 0x244002;
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = optional_subset(taken);
    put_read(&t, VCPU, &r);
    vs_latitude_set needed = taken == 7 ? 0 : under(VS_LATITUDE_SYSTEM_FLAGS);
    allows(&t, "documented", needed, "NT, AC, ID are set");
    if (taken == 7)
      allows(&t, "zircon-x64", 0, "NT, AC, ID are set");
    else
      breaks(&t, "zircon-x64", VS_CLAUSE_FLAGS, "NT, AC, ID are the caller's");
  }
}

Test(optional_flags, stay_as_they_were_seen) {
  for (unsigned i = 0; i < 3; i++) {
    tape t;
    registers r = start_known(&t, 0);
    r.rflags = optional_flags[i] | 2;
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = 0;
    put_read(&t, VCPU, &r);
    r.rflags = optional_flags[i];
    put_read(&t, VCPU, &r);
    breaks(&t, "documented", VS_CLAUSE_READ_BACK, "seen clear, then set");
  }
}

Test(optional_flags, cannot_change_against_the_write) {
  for (unsigned i = 0; i < 3; i++) {
    tape t;
    registers r = start_known(&t, 0);
    r.rflags = 0x2;
    put_write(&t, VCPU, &r, ZX_OK);
    r.rflags = optional_flags[i];
    put_read(&t, VCPU, &r);
    breaks(&t, "documented", VS_CLAUSE_FLAGS, "clear before, clear in the write");
  }
}

// --- ZX_VCPU_IO --------------------------------------------------------------------------------

static uint64_t mask_of(unsigned bytes) {
  return (UINT64_C(1) << 8 * bytes) - 1;
}

// A write of IO with what the accumulator then reads.
static void put_io_and_read(tape* t, registers* r, unsigned size, uint32_t data, uint64_t rax) {
  put_io(t, (uint8_t)size, data, ZX_OK);
  r->rax = rax;
  put_read(t, VCPU, r);
}

static uint64_t with_low(uint64_t rax, unsigned size, uint32_t data, bool kept) {
  return (kept ? rax & ~mask_of(size) : 0) | (data & mask_of(size));
}

Test(io, puts_the_low_bytes_and_keeps_the_rest) {
  for (unsigned size = 1; size <= 4; size *= 2) {
    tape t;
    registers r = start_known(&t, 0x45);
    put_io_and_read(&t, &r, size, 0xa1b2c3d4, with_low(r.rax, size, 0xa1b2c3d4, true));
    allows(&t, "documented", 0, "kept");
    allows(&t, "zircon-x64", 0, "kept");
  }
}

Test(io, may_zero_the_rest) {
  for (unsigned size = 1; size <= 4; size *= 2) {
    tape t;
    registers r = start_known(&t, 0x45);
    put_io_and_read(&t, &r, size, 0xa1b2c3d4, with_low(0, size, 0xa1b2c3d4, true));
    allows(&t, "documented", under(VS_LATITUDE_IO_UPPER), "zeroed");
    breaks(&t, "zircon-x64", VS_CLAUSE_IO, "zeroed");
  }
}

Test(io, each_byte_of_the_accumulator_counts) {
  for (unsigned size = 1; size <= 4; size *= 2) {
    for (unsigned byte = 0; byte < 8; byte++) {
      tape t;
      registers r = start_known(&t, 0);
      uint64_t right = with_low(r.rax, size, 0xa1b2c3d4, true);
      uint64_t wrong =
          byte < size ? right ^ UINT64_C(1) << 8 * byte : right & ~(UINT64_C(0xff) << 8 * byte);
      put_io_and_read(&t, &r, size, 0xa1b2c3d4, wrong);
      // One byte above zeroed and the others kept is a mixture; the sole byte above would not be.
      breaks(&t, "documented", VS_CLAUSE_IO, "a byte of RAX");
    }
  }
}

Test(io, upper_bytes_are_a_choice_made_once_for_each_size) {
  for (unsigned size = 1; size <= 4; size *= 2) {
    for (unsigned then = 1; then <= 4; then *= 2) {
      for (unsigned kept = 0; kept < 4; kept++) {
        tape t;
        registers r = start_known(&t, 0);
        put_io_and_read(&t, &r, size, 1, with_low(r.rax, size, 1, kept & 1));
        r = registers_of(3, 2);
        put_write(&t, VCPU, &r, ZX_OK);
        r.rflags = 0;
        put_io_and_read(&t, &r, then, 2, with_low(r.rax, then, 2, kept >> 1));
        bool changed = size == then && (kept == 1 || kept == 2);
        vs_latitude_set needed = kept == 3 ? 0 : under(VS_LATITUDE_IO_UPPER);
        if (changed)
          breaks(&t, "documented", VS_CLAUSE_IO, "once kept, once zeroed");
        else
          allows(&t, "documented", needed, "one choice for each size");
      }
    }
  }
}

Test(io, changes_nothing_but_the_accumulator) {
  for (size_t reg = 1; reg < ALL; reg++) {
    tape t;
    registers r = start_known(&t, 0x45);
    *word(&r, reg) ^= 0x80;
    put_io_and_read(&t, &r, 4, 0xa1b2c3d4, with_low(r.rax, 4, 0xa1b2c3d4, true));
    vs_violation v = breaks(&t, "documented", VS_CLAUSE_IO_ALONE, name_of(reg));
    cr_assert(v.reg == reg, "%s: got register %u", name_of(reg), v.reg);
  }
}

static bool is_odd(unsigned size) {
  return size != 1 && size != 2 && size != 4;
}

Test(io, odd_access_size_may_be_refused_or_accepted) {
  for (unsigned size = 0; size < 256; size++) {
    if (!is_odd(size)) continue;
    tape t;
    registers r = start_known(&t, 0);
    put_io(&t, (uint8_t)size, 7, ZX_ERR_INVALID_ARGS);
    put_read(&t, VCPU, &r);
    allows(&t, "documented", under(VS_LATITUDE_ACCESS_SIZE), "refused");
    allows(&t, "zircon-x64", 0, "refused");
    t.count -= 2;
    put_io_and_read(&t, &r, size, 7, UINT64_C(0x0123456789abcdef));
    allows(&t, "documented", under(VS_LATITUDE_ACCESS_SIZE), "accepted");
    t.count--;
    breaks(&t, "zircon-x64", VS_CLAUSE_IO, "accepted");
    last(&t)->status = ZX_ERR_BAD_STATE;
    breaks(&t, "documented", VS_CLAUSE_PAUSED, "refused with another status");
  }
}

Test(io, odd_access_size_refused_changes_nothing) {
  tape t;
  registers r = start_known(&t, 0);
  put_io(&t, 3, 7, ZX_ERR_INVALID_ARGS);
  r.rax++;
  put_read(&t, VCPU, &r);
  names(breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "rax"), 0, r.rax - 1, r.rax);
}

Test(io, odd_access_size_accepted_changes_the_accumulator_alone) {
  for (size_t reg = 1; reg < ALL; reg++) {
    tape t;
    registers r = start_known(&t, 0);
    *word(&r, reg) ^= 0x10;
    put_io_and_read(&t, &r, 3, 7, 0);
    breaks(&t, "documented", VS_CLAUSE_IO_ALONE, name_of(reg));
  }
}

Test(io, accumulator_stays_as_it_was_seen_after_an_odd_access_size) {
  tape t;
  registers r = start_known(&t, 0);
  put_io_and_read(&t, &r, 255, 7, 7);
  r.rax = 8;
  put_read(&t, VCPU, &r);
  breaks(&t, "documented", VS_CLAUSE_READ_BACK, "rax");
}

// --- arm64 -------------------------------------------------------------------------------------

static zx_vcpu_state_arm64_t start_arm64(tape* t, uint32_t cpsr) {
  start(t, VS_ARCH_ARM64, VS_PROGRAM_DUMP);
  zx_vcpu_state_arm64_t r = {.sp = 99, .cpsr = cpsr};
  for (unsigned i = 0; i < 31; i++) r.x[i] = UINT64_C(0x1111111111111111) * (i % 15 + 1) + i;
  vs_op* op = put(t, VS_CALL_vcpu_write_state, VCPU, ZX_OK);
  memcpy(op->bytes, &r, sizeof r);
  return r;
}

static void read_arm64(tape* t, const zx_vcpu_state_arm64_t* r) {
  put(t, VS_CALL_vcpu_read_state, VCPU, ZX_OK);
  last(t)->has_state = true;
  memcpy(last(t)->state, r, sizeof *r);
}

Test(arm64, registers_and_flags_are_judged) {
  for (unsigned reg = 0; reg < 33; reg++) {
    tape t;
    zx_vcpu_state_arm64_t r = start_arm64(&t, 0xa0000000);
    memset(r.padding1, 0xee, sizeof r.padding1);
    read_arm64(&t, &r);
    allows(&t, "documented", 0, "read back, with any padding");
    t.count--;
    read_arm64(&t, &r);
    last(&t)->state[8 * reg + 3] ^= 0x40;
    vs_clause_code clause = reg == 32 ? VS_CLAUSE_FLAGS : VS_CLAUSE_REGISTERS;
    vs_violation v = breaks(&t, "documented", clause, "a register of arm64");
    cr_assert(v.reg == reg, "%s: register %u, got %u", vs_clauses[clause].id, reg, v.reg);
  }
}

Test(arm64, has_no_gate) {
  for (unsigned flags = 0; flags < 16; flags++) {
    tape t;
    zx_vcpu_state_arm64_t r = start_arm64(&t, flags << 28);
    r.cpsr ^= 0x80000000;
    read_arm64(&t, &r);
    breaks(&t, "documented", VS_CLAUSE_FLAGS, "N");
  }
}

Test(arm64, io_may_be_refused_or_accepted) {
  tape t;
  zx_vcpu_state_arm64_t r = start_arm64(&t, 0);
  read_arm64(&t, &r);
  put_io(&t, 4, 7, ZX_ERR_INVALID_ARGS);
  read_arm64(&t, &r);
  allows(&t, "documented", under(VS_LATITUDE_NO_PORTS), "refused");
  r.x[30]++;
  t.count--;
  read_arm64(&t, &r);
  breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "x30 after a refusal");
  t.count -= 2;
  put_io(&t, 4, 7, ZX_OK);
  read_arm64(&t, &r);
  allows(&t, "documented", 0, "accepted");
  t.count -= 2;
  put_io(&t, 4, 7, ZX_OK);
  breaks(&t, "zircon-arm64", VS_CLAUSE_KIND, "accepted");
}

// --- handles -----------------------------------------------------------------------------------

static void put_write_by(tape* t, vs_arg handle, zx_status_t status) {
  registers r = registers_of(2, 2);
  put_write(t, VCPU, &r, status)->args[0] = handle;
}

static vs_arg form(vs_handle_form how, uint8_t slot, uint32_t value) {
  return (vs_arg){.form = (uint8_t)how, .slot = slot, .number = value};
}

Test(handle, closed_value_names_nothing) {
  tape t;
  start_known(&t, 0);
  put(&t, VS_CALL_handle_close, VCPU, ZX_OK);
  put_write_by(&t, form(VS_HANDLE_SLOT, VCPU, 0), ZX_ERR_BAD_HANDLE);
  allows(&t, "documented", 0, "closed");
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_BAD_HANDLE, "closed");
  last(&t)->status = ZX_ERR_WRONG_TYPE;
  breaks(&t, "documented", VS_CLAUSE_BAD_HANDLE, "closed");
}

Test(handle, reused_value_names_the_new_object) {
  tape t;
  start_known(&t, 0);
  zx_handle_t value = t.next;
  put(&t, VS_CALL_handle_close, VCPU, ZX_OK);
  put_new(&t, VS_CALL_event_create, 0, OBJECT);
  last(&t)->handle = value;
  put_write_by(&t, form(VS_HANDLE_SLOT, VCPU, 0), ZX_ERR_WRONG_TYPE);
  allows(&t, "documented", 0, "an event has the vCPU's old value");
  last(&t)->status = ZX_ERR_BAD_HANDLE;
  breaks(&t, "documented", VS_CLAUSE_RETURN_ERROR, "an event has the vCPU's old value");
}

Test(handle, reused_value_of_a_duplicate_names_the_vcpu) {
  tape t;
  start_known(&t, 0);
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, DERIVED, ZX_RIGHT_SAME_RIGHTS);
  zx_handle_t value = t.next;
  put(&t, VS_CALL_handle_close, DERIVED, ZX_OK);
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, OBJECT, ZX_RIGHT_SAME_RIGHTS);
  last(&t)->handle = value;
  put_write_by(&t, form(VS_HANDLE_SLOT, DERIVED, 0), ZX_OK);
  allows(&t, "documented", 0, "a second duplicate has the first one's value");
}

Test(handle, cleared_fixed_bits_name_nothing) {
  for (uint32_t bits = 1; bits <= 3; bits++) {
    tape t;
    start_known(&t, 0);
    put_write_by(&t, form(VS_HANDLE_CLEARED, VCPU, bits), ZX_ERR_BAD_HANDLE);
    allows(&t, "documented", 0, "fixed bits are clear");
    last(&t)->status = ZX_OK;
    breaks(&t, "documented", VS_CLAUSE_FIXED_BITS, "fixed bits are clear");
    last(&t)->status = ZX_ERR_WRONG_TYPE;
    breaks(&t, "documented", VS_CLAUSE_FIXED_BITS, "fixed bits are clear");
  }
}

Test(handle, cleared_fixed_bits_name_nothing_even_if_they_were_never_set) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  last(&t)->handle = 0x4000;
  put_write_by(&t, form(VS_HANDLE_CLEARED, VCPU, 3), ZX_OK);
  breaks(&t, "documented", VS_CLAUSE_FIXED_BITS, "the vCPU has a value without fixed bits");
}

Test(handle, flipped_or_raw_value_names_what_has_it) {
  tape t;
  start_known(&t, 0);
  put_write_by(&t, form(VS_HANDLE_FLIPPED, VCPU, 0x80000000), ZX_ERR_BAD_HANDLE);
  allows(&t, "documented", 0, "a flipped bit");
  t.count--;
  put_write_by(&t, form(VS_HANDLE_FLIPPED, VCPU, t.seen[0].handle ^ t.next), ZX_ERR_WRONG_TYPE);
  allows(&t, "documented", 0, "flipped into the guest's");
  t.count--;
  put_write_by(&t, form(VS_HANDLE_RAW, OBJECT, t.next), ZX_OK);
  allows(&t, "documented", 0, "the vCPU's by its number");
  t.count--;
  put_write_by(&t, form(VS_HANDLE_RAW, VCPU, 0), ZX_ERR_BAD_HANDLE);
  allows(&t, "documented", 0, "ZX_HANDLE_INVALID");
}

Test(handle, replaced_source_names_nothing_and_its_object_lives_on) {
  tape t;
  registers r = start_known(&t, 0);
  put_derived(&t, VS_CALL_handle_replace, VCPU, DERIVED, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  put_read(&t, DERIVED, &r);
  put_write_by(&t, form(VS_HANDLE_SLOT, VCPU, 0), ZX_ERR_BAD_HANDLE);
  put_write_by(&t, form(VS_HANDLE_SLOT, DERIVED, 0), ZX_OK);
  allows(&t, "documented", 0, "replaced");
  put(&t, VS_CALL_handle_close, DERIVED, ZX_OK);
  put_write_by(&t, form(VS_HANDLE_SLOT, DERIVED, 0), ZX_ERR_BAD_HANDLE);
  allows(&t, "documented", 0, "replaced and closed");
}

Test(handle, rights_are_the_handles_own) {
  tape t;
  registers r = start_known(&t, 0);
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, DERIVED, ZX_RIGHT_READ);
  put_write_by(&t, form(VS_HANDLE_SLOT, DERIVED, 0), ZX_ERR_ACCESS_DENIED);
  put_read(&t, DERIVED, &r);
  put_write_by(&t, form(VS_HANDLE_SLOT, VCPU, 0), ZX_OK);
  allows(&t, "documented", 0, "a duplicate without WRITE beside the original");
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, OBJECT, ZX_RIGHT_WRITE);
  put_write_by(&t, form(VS_HANDLE_SLOT, OBJECT, 0), ZX_ERR_ACCESS_DENIED);
  breaks(&t, "documented", VS_CLAUSE_RIGHTS_WRITE, "WRITE alone is enough");
}

Test(handle, of_a_vmar_may_or_may_not_have_the_right) {
  tape t;
  start_known(&t, 0);
  put_write_by(&t, form(VS_HANDLE_SLOT, VMAR, 0), ZX_ERR_WRONG_TYPE);
  allows(&t, "documented", 0, "a VMAR");
  last(&t)->status = ZX_ERR_ACCESS_DENIED;
  allows(&t, "documented", 0, "a VMAR");
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_RIGHTS_TYPE, "a VMAR");
}

Test(handle, new_one_must_have_a_value_of_its_own) {
  static const vs_op_code codes[] = {VS_CALL_handle_duplicate, VS_CALL_handle_replace,
                                     VS_CALL_event_create};
  for (size_t i = 0; i < 3; i++) {
    tape t;
    start_known(&t, 0);
    put_new(&t, codes[i], VCPU, OBJECT);
    last(&t)->handle = t.seen[0].handle;
    vs_violation v = breaks(&t, "documented", VS_CLAUSE_DERIVED, "the guest's value again");
    cr_assert(v.kind == VS_VIOLATION_HANDLE, "family.handle.derived: got kind %d", v.kind);
    last(&t)->handle = ZX_HANDLE_INVALID;
    breaks(&t, "documented", VS_CLAUSE_DERIVED, "ZX_HANDLE_INVALID");
  }
}

Test(handle, guest_and_its_vmar_must_differ) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  t.count = 1;
  last(&t)->handle2 = last(&t)->handle;
  breaks(&t, "documented", VS_CLAUSE_DERIVED, "one value for both");
}

Test(handle, calls_refused_without_reason_break_derived) {
  static const vs_op_code codes[] = {VS_CALL_handle_close, VS_CALL_handle_duplicate,
                                     VS_CALL_handle_replace};
  for (size_t i = 0; i < 3; i++) {
    tape t;
    start_known(&t, 0);
    put_new(&t, codes[i], VCPU, OBJECT);
    last(&t)->status = ZX_ERR_BAD_HANDLE;
    breaks(&t, "documented", VS_CLAUSE_DERIVED, vs_ops[codes[i]].name);
  }
}

Test(handle, last_close_frees_the_vcpu) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  for (unsigned i = 0; i < 2 * VS_VCPUS; i++) {
    put(&t, VS_CALL_handle_close, VCPU, ZX_OK);
    put_vcpu(&t, 0, VCPU, VS_PROGRAM_DUMP);
    registers r = registers_of(i, 0);
    put_read(&t, VCPU, &r);
  }
  allows(&t, "documented", 0, "one vCPU after another");
}

Test(handle, close_of_one_of_two_keeps_the_vcpu) {
  tape t;
  registers r = start_known(&t, 0);
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, DERIVED, ZX_RIGHT_SAME_RIGHTS);
  put(&t, VS_CALL_handle_close, VCPU, ZX_OK);
  put_read(&t, DERIVED, &r);
  allows(&t, "documented", 0, "the duplicate keeps the registers");
  r.rdx++;
  put_read(&t, DERIVED, &r);
  breaks(&t, "documented", VS_CLAUSE_READ_BACK, "the duplicate shows the same vCPU");
}

// --- running the guest -------------------------------------------------------------------------

Test(enter, packet_must_be_the_programs) {
  static const struct {
    vs_program program;
    uint16_t port;
    uint8_t width;
    bool input;
  } rows[] = {{VS_PROGRAM_IN8, VS_PORT_IN, 1, true},     {VS_PROGRAM_IN16, VS_PORT_IN, 2, true},
              {VS_PROGRAM_IN32, VS_PORT_IN, 4, true},    {VS_PROGRAM_OUT8, VS_PORT_OUT, 1, false},
              {VS_PROGRAM_OUT16, VS_PORT_OUT, 2, false}, {VS_PROGRAM_OUT32, VS_PORT_OUT, 4, false},
              {VS_PROGRAM_DUMP, VS_PORT_DUMP, 1, false}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tape t;
    start(&t, VS_ARCH_X64, rows[i].program);
    put_exit(&t, rows[i].port, rows[i].width, rows[i].input, 0);
    last(&t)->has_state = true;
    const vs_observation right = *last(&t);
    allows(&t, "documented", 0, vs_programs[rows[i].program].name);
    vs_observation wrong[6] = {right, right, right, right, right, right};
    wrong[0].packet.guest_io.port ^= 1;
    wrong[1].packet.guest_io.access_size ^= 3;
    wrong[2].packet.guest_io.input ^= 1;
    wrong[3].packet.type = ZX_PKT_TYPE_GUEST_MEM;
    wrong[4].has_packet = false;
    wrong[5].status = ZX_ERR_BAD_STATE;
    for (size_t k = 0; k < 6; k++) {
      *last(&t) = wrong[k];
      breaks(&t, "documented", VS_CLAUSE_RUNS_GUEST, vs_programs[rows[i].program].name);
    }
  }
}

Test(enter, dump_without_registers_breaks_runs_guest) {
  tape t;
  registers r = start_known(&t, 0);
  put_dump(&t, &r);
  last(&t)->has_state = false;
  vs_violation v = breaks(&t, "documented", VS_CLAUSE_RUNS_GUEST, "no registers were dumped");
  cr_assert(v.kind == VS_VIOLATION_PACKET, "family.enter.runs_guest: got kind %d", v.kind);
}

Test(enter, out_must_send_the_accumulator) {
  for (unsigned i = 0; i < 3; i++) {
    unsigned width = 1u << i;
    tape t;
    start(&t, VS_ARCH_X64, (vs_program)(VS_PROGRAM_OUT8 + i));
    registers r = registers_of(1, 2);
    put_write(&t, VCPU, &r, ZX_OK);
    put_exit(&t, VS_PORT_OUT, (uint8_t)width, false, (uint32_t)(r.rax & mask_of(width)));
    allows(&t, "documented", 0, "the written bytes");
    last(&t)->packet.guest_io.data[width - 1] ^= 1;
    breaks(&t, "documented", VS_CLAUSE_GUEST_SEES, "another byte");
    put_dump(&t, &r);
  }
}

Test(enter, answered_in_is_what_the_guest_finds) {
  for (unsigned i = 0; i < 3; i++) {
    unsigned width = 1u << i;
    tape t;
    start(&t, VS_ARCH_X64, (vs_program)(VS_PROGRAM_IN8 + i));
    registers r = registers_of(1, 2);
    put_write(&t, VCPU, &r, ZX_OK);
    put_exit(&t, VS_PORT_IN, (uint8_t)width, true, 0);
    put_io(&t, (uint8_t)width, 0xa1b2c3d4, ZX_OK);
    r.rax = width == 4 ? 0xa1b2c3d4 : with_low(r.rax, width, 0xa1b2c3d4, true);
    put_dump(&t, &r);
    allows(&t, "documented", 0, "IN, answered");
    allows(&t, "zircon-x64", 0, "IN, answered");
    last(&t)->state[0] ^= 1;
    breaks(&t, "documented", VS_CLAUSE_GUEST_SEES, "IN, answered");
    last(&t)->state[0] ^= 1;
    last(&t)->state[7] ^= 1;
    breaks(&t, "zircon-x64", VS_CLAUSE_GUEST_SEES, "the bytes above");
  }
}

Test(enter, pending_in_leaves_the_other_registers) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_IN16);
  registers r = registers_of(1, 2);
  put_write(&t, VCPU, &r, ZX_OK);
  put_exit(&t, VS_PORT_IN, 2, true, 0);
  r.rflags = 0;
  r.rax = 0x55;
  put_read(&t, VCPU, &r);
  allows(&t, "documented", 0, "the accumulator is open until answered");
  breaks(&t, "zircon-x64", VS_CLAUSE_REGISTERS, "a short IN leaves the accumulator");
  r.rcx++;
  t.count--;
  put_read(&t, VCPU, &r);
  breaks(&t, "documented", VS_CLAUSE_REGISTERS, "rcx");
}

Test(kick, makes_the_next_enter_cancel_once) {
  tape t;
  start_known(&t, 0);
  put(&t, VS_CALL_vcpu_kick, VCPU, ZX_OK)->thread = 1;
  put(&t, VS_CALL_vcpu_kick, VCPU, ZX_OK)->thread = 2;
  put(&t, VS_CALL_vcpu_enter, VCPU, ZX_ERR_CANCELED);
  registers r = registers_of(1, 2);
  put_dump(&t, &r);
  allows(&t, "documented", 0, "kicked twice, canceled once");
  last(&t)->status = ZX_ERR_CANCELED;
  breaks(&t, "documented", VS_CLAUSE_KICK, "canceled twice");
  t.count -= 2;
  put_dump(&t, &r);
  breaks(&t, "documented", VS_CLAUSE_KICK, "not canceled");
}

Test(kick, refused_breaks_kick) {
  tape t;
  start_known(&t, 0);
  put(&t, VS_CALL_vcpu_kick, VCPU, ZX_ERR_BAD_STATE);
  breaks(&t, "documented", VS_CLAUSE_KICK, "a valid kick");
}

// A vCPU that spins on thread 1 in OTHER's slot.
static void start_spinning(tape* t) {
  start_guest(t, VS_ARCH_X64);
  put_vcpu(t, 1, OTHER, VS_PROGRAM_SPIN);  // first: the others start in another mode
  put_vcpu(t, 0, VCPU, VS_PROGRAM_DUMP);
  registers r = registers_of(2, 2);
  put_write(t, OTHER, &r, ZX_OK)->thread = 1;
  vs_op* op = put(t, VS_CALL_vcpu_enter, OTHER, ZX_OK);
  op->thread = 1;
  op->async = true;
  last(t)->outcome = VS_STARTED;
  put(t, VS_OP_await_guest, OTHER, ZX_OK);
}

Test(running, write_from_another_thread_must_be_refused) {
  tape t;
  start_spinning(&t);
  registers r = registers_of(3, 2);
  put_write(&t, OTHER, &r, ZX_ERR_BAD_STATE);
  allows(&t, "documented", 0, "running");
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_PAUSED, "running");
  last(&t)->status = ZX_ERR_INVALID_ARGS;
  breaks(&t, "documented", VS_CLAUSE_RETURN_ERROR, "running, and elsewhere");
}

Test(running, write_of_another_vcpu_is_valid) {
  tape t;
  start_spinning(&t);
  registers r = registers_of(3, 2);
  put_write(&t, VCPU, &r, ZX_OK);
  allows(&t, "documented", 0, "the other one spins");
}

Test(running, ends_with_the_join) {
  tape t;
  start_spinning(&t);
  put(&t, VS_CALL_vcpu_kick, OTHER, ZX_OK);
  put(&t, VS_OP_join, 0, ZX_ERR_CANCELED)->thread = 1;
  registers r = registers_of(2, 0);
  put_read(&t, OTHER, &r);
  last_op(&t)->thread = 1;
  put_write(&t, OTHER, &r, ZX_OK)->thread = 1;
  allows(&t, "documented", 0, "kicked, joined, written");
  t.count -= 2;
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_KICK, "the kick was not heard");
}

Test(running, refused_write_shows_after_the_join) {
  tape t;
  start_spinning(&t);
  registers r = registers_of(3, 2);
  put_write(&t, OTHER, &r, ZX_ERR_BAD_STATE);
  put(&t, VS_CALL_vcpu_kick, OTHER, ZX_OK);
  put(&t, VS_OP_join, 0, ZX_ERR_CANCELED)->thread = 1;
  r.rflags = 0;
  put_read(&t, OTHER, &r);
  last_op(&t)->thread = 1;
  breaks(&t, "documented", VS_CLAUSE_UNCHANGED, "the refused write took effect");
}

Test(running, endless_loop_cannot_leave_by_itself) {
  tape t;
  start_spinning(&t);
  put(&t, VS_OP_join, 0, ZX_OK)->thread = 1;
  breaks(&t, "documented", VS_CLAUSE_RUNS_GUEST, "spin returned");
}

Test(running, silence_breaks_runs_guest) {
  tape t;
  start_spinning(&t);
  last(&t)->status = ZX_ERR_TIMED_OUT;
  vs_violation v = breaks(&t, "documented", VS_CLAUSE_RUNS_GUEST, "no sign of life");
  cr_assert(v.kind == VS_VIOLATION_SILENCE, "family.enter.runs_guest: got kind %d", v.kind);
}

Test(running, nothing_runs_and_no_sign_is_seen) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_SPIN);
  put(&t, VS_OP_await_guest, VCPU, ZX_ERR_TIMED_OUT);
  allows(&t, "documented", 0, "silence where no guest runs");
  last(&t)->status = ZX_OK;
  breaks(&t, "documented", VS_CLAUSE_RUNS_GUEST, "a sign of life of a guest that was not entered");
}

// --- calls that do not return ------------------------------------------------------------------

static void does_not_return(tape* t, vs_clause_code clause, const char* what) {
  last(t)->outcome = VS_IN_CALL;
  last(t)->status = ZX_OK;
  vs_violation v = breaks(t, "documented", clause, what);
  cr_assert(v.kind == VS_VIOLATION_NO_RETURN, "%s: got kind %d", vs_clauses[clause].id, v.kind);
}

Test(crash, in_a_faulty_write_breaks_the_rule_of_the_fault) {
  tape t;
  for (size_t i = 0; i < FAULTS; i++) {
    put_faulty(&t, i, ZX_OK);
    does_not_return(&t, faults[i].rule, faults[i].what);
  }
}

Test(crash, in_a_valid_write_breaks_what_it_was_to_show) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_OK);
  does_not_return(&t, VS_CLAUSE_RETURN_OK, "plain");
  VS_OP_ARG(last_op(&t), vcpu_write_state, buffer).at = VS_AT_EDGE;
  does_not_return(&t, VS_CLAUSE_FROM_BUFFER, "at the edge");
  t.count--;
  vs_op* op = put_io(&t, 1, 1, ZX_OK);
  memset(op->bytes + 1, 0, 3);
  does_not_return(&t, VS_CLAUSE_KIND, "IO");
}

Test(crash, in_a_call_around_it_breaks_that_calls_clause) {
  static const struct {
    vs_op_code code;
    vs_clause_code clause;
  } rows[] = {{VS_CALL_vcpu_read_state, VS_CLAUSE_READ_BACK},
              {VS_CALL_vcpu_enter, VS_CLAUSE_RUNS_GUEST},
              {VS_CALL_vcpu_kick, VS_CLAUSE_KICK},
              {VS_CALL_handle_close, VS_CLAUSE_DERIVED},
              {VS_CALL_handle_duplicate, VS_CLAUSE_DERIVED},
              {VS_CALL_handle_replace, VS_CLAUSE_DERIVED},
              {VS_OP_await_guest, VS_CLAUSE_RUNS_GUEST}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tape t;
    start_known(&t, 0);
    put_new(&t, rows[i].code, VCPU, OBJECT);
    does_not_return(&t, rows[i].clause, vs_ops[rows[i].code].name);
  }
}

Test(crash, in_a_setup_is_a_violation_and_not_unsupported) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  last(&t)->outcome = VS_IN_CALL;
  vs_judgement j = judge(&t, "documented");
  cr_assert(j.step == VS_STEP_VIOLATION && j.violation.kind == VS_VIOLATION_NO_RETURN,
            "vcpu_create crashed: got step %d, kind %d", j.step, j.violation.kind);
}

// --- what cannot be judged ---------------------------------------------------------------------

Test(unsupported, call_ends_the_case_unless_it_is_optional) {
  tape t;
  registers r = start_known(&t, 0);
  put_read(&t, VCPU, &r);
  last(&t)->outcome = VS_UNSUPPORTED;
  ends(&t, VS_STEP_UNSUPPORTED, "a call is missing");
  last_op(&t)->optional = true;
  r.rax++;
  put_read(&t, VCPU, &r);
  vs_judgement j = judge(&t, "documented");
  cr_assert(j.step == VS_STEP_VIOLATION && j.skipped == 1,
            "the case must go on after an optional op, got step %d, %u skipped", j.step,
            (unsigned)j.skipped);
}

// That there is no hypervisor, and no memory, is documented, and nobody's fault; that there is none
// any more, or that a valid call does not do, is.
Test(unsupported, machine_without_a_hypervisor_or_memory_ends_the_case) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  last(&t)->status = ZX_ERR_NO_MEMORY;
  ends(&t, VS_STEP_UNSUPPORTED, "zx_vcpu_create");
  last(&t)->status = ZX_ERR_NOT_SUPPORTED;
  breaks(&t, "documented", VS_CLAUSE_VCPU_CREATED, "zx_vcpu_create");
  t.count = 1;
  last(&t)->status = ZX_ERR_NOT_SUPPORTED;
  ends(&t, VS_STEP_UNSUPPORTED, "zx_guest_create");
  last(&t)->status = ZX_OK;
  put_new(&t, VS_CALL_guest_create, 0, OBJECT)->args[3].slot = DERIVED;
  last(&t)->status = ZX_ERR_NOT_SUPPORTED;
  breaks(&t, "documented", VS_CLAUSE_GUEST_CREATED, "a second guest");
}

Test(unsupported, what_was_not_reached_is_not_judged) {
  tape t;
  registers r = start_known(&t, 0);
  r.rax++;
  put_read(&t, VCPU, &r);
  last(&t)->outcome = VS_NOT_REACHED;
  allows(&t, "documented", 0, "the last op was not reached");
}

static vs_op new_op(vs_op_code code) {
  return vs_op_new((uint8_t)code, vs_arch_find(VS_ARCH_X64));
}

Test(broken, script_with_a_number_out_of_range) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_OK);
  const vs_op right = *last_op(&t);
  const vs_op vcpu = new_op(VS_CALL_vcpu_create);
  const vs_op guest = new_op(VS_CALL_guest_create);
  const vs_op enter = new_op(VS_CALL_vcpu_enter);
  vs_op wrong[] = {right, right, right, right, right, vcpu, vcpu, vcpu, vcpu, guest, enter};
  wrong[0].code = VS_OP_COUNT;
  wrong[1].thread = VS_THREADS;
  wrong[2].args[0].slot = VS_SLOTS;
  wrong[3].args[0].form = VS_HANDLE_OTHER_RESOURCE + 1;
  VS_OP_ARG(&wrong[4], vcpu_write_state, buffer).at = VS_PLACEMENT_COUNT;
  VS_OP_ARG(&wrong[5], vcpu_create, entry).slot = VS_PROGRAM_COUNT;
  VS_OP_ARG(&wrong[6], vcpu_create, entry).form = VS_ENTRY_RAW + 1;
  VS_OP_ARG(&wrong[7], vcpu_create, out).slot = VS_SLOTS;
  VS_OP_ARG(&wrong[8], vcpu_create, out).at = VS_PLACEMENT_COUNT;
  VS_OP_ARG(&wrong[9], guest_create, vmar_handle).slot = VS_SLOTS;
  VS_OP_ARG(&wrong[10], vcpu_enter, packet).at = VS_PLACEMENT_COUNT;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    *last_op(&t) = wrong[i];
    ends(&t, VS_STEP_BROKEN, "a number out of range");
  }
}

// --- the calls around zx_vcpu_write_state
// -----------------------------------------------------------

Test(around, accepted_of_a_wrong_object_breaks_rights_type) {
  static const struct {
    vs_op_code code;
    vs_clause_code type;
    vs_clause_code nothing;
  } rows[] = {{VS_CALL_vcpu_read_state, VS_CLAUSE_READ_TYPE, VS_CLAUSE_READ_BAD_HANDLE},
              {VS_CALL_vcpu_enter, VS_CLAUSE_ENTER_TYPE, VS_CLAUSE_ENTER_BAD_HANDLE},
              {VS_CALL_vcpu_kick, VS_CLAUSE_KICK_TYPE, VS_CLAUSE_KICK_BAD_HANDLE},
              {VS_CALL_vcpu_interrupt, VS_CLAUSE_INTERRUPT_TYPE, VS_CLAUSE_INTERRUPT_BAD_HANDLE}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tape t;
    start_known(&t, 0);
    put(&t, rows[i].code, GUEST, ZX_OK);
    breaks(&t, "documented", rows[i].type, vs_ops[rows[i].code].name);
    t.count--;
    put(&t, rows[i].code, OBJECT, ZX_OK);
    breaks(&t, "documented", rows[i].nothing, vs_ops[rows[i].code].name);
    t.count--;
    put(&t, rows[i].code, GUEST, ZX_ERR_WRONG_TYPE);
    put(&t, rows[i].code, OBJECT, ZX_ERR_BAD_HANDLE);
    allows(&t, "documented", 0, vs_ops[rows[i].code].name);
  }
}

Test(around, accepted_without_the_right_breaks_the_right) {
  static const struct {
    vs_op_code code;
    zx_rights_t lacks;
    vs_clause_code clause;
  } rows[] = {{VS_CALL_vcpu_read_state, ZX_RIGHT_READ, VS_CLAUSE_READ_RIGHT},
              {VS_CALL_vcpu_enter, ZX_RIGHT_EXECUTE, VS_CLAUSE_ENTER_EXECUTE},
              {VS_CALL_vcpu_kick, ZX_RIGHT_EXECUTE, VS_CLAUSE_KICK_EXECUTE},
              {VS_CALL_vcpu_interrupt, ZX_RIGHT_SIGNAL, VS_CLAUSE_INTERRUPT_SIGNAL},
              {VS_CALL_handle_duplicate, ZX_RIGHT_DUPLICATE, VS_CLAUSE_DERIVE_ACCESS_DENIED}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    tape t;
    start_known(&t, 0);
    put_derived(&t, VS_CALL_handle_duplicate, VCPU, DERIVED,
                ZX_DEFAULT_VCPU_RIGHTS & ~rows[i].lacks);
    put_derived(&t, rows[i].code, DERIVED, OBJECT, 0);
    breaks(&t, "documented", rows[i].clause, vs_ops[rows[i].code].name);
    last(&t)->status = ZX_ERR_ACCESS_DENIED;
    last(&t)->handle = 0;
    allows(&t, "documented", 0, vs_ops[rows[i].code].name);
  }
}

Test(around, accepted_on_the_wrong_thread_breaks_same_thread) {
  static const vs_op_code codes[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_enter};
  static const vs_clause_code clauses[] = {VS_CLAUSE_READ_THREAD, VS_CLAUSE_ENTER_THREAD};
  for (size_t i = 0; i < 2; i++) {
    tape t;
    start_known(&t, 0);
    put(&t, codes[i], VCPU, ZX_OK)->thread = 1;
    breaks(&t, "documented", clauses[i], vs_ops[codes[i]].name);
    last(&t)->status = ZX_ERR_BAD_STATE;
    allows(&t, "documented", 0, vs_ops[codes[i]].name);
  }
}

Test(around, close_of_nothing_and_rights_that_nobody_has) {
  tape t;
  start_known(&t, 0);
  put(&t, VS_CALL_handle_close, OBJECT, ZX_OK);
  allows(&t, "documented", 0, "ZX_HANDLE_INVALID, as the slot has no value yet");
  t.count--;
  put_derived(&t, VS_CALL_handle_duplicate, VCPU, DERIVED, ZX_RIGHT_MAP);
  breaks(&t, "documented", VS_CLAUSE_VCPU_RIGHTS, "a right that a new vCPU does not have");
  last(&t)->status = ZX_ERR_INVALID_ARGS;
  breaks(&t, "documented", VS_CLAUSE_DERIVED, "refused, and given out");
  last(&t)->handle = 0;
  allows(&t, "documented", 0, "refused");
}

Test(around, second_vcpu_of_a_thread_breaks_one_per_thread) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  put_vcpu(&t, 0, OBJECT, VS_PROGRAM_DUMP);
  breaks(&t, "documented", VS_CLAUSE_VCPU_ONE, "a second vCPU");
  allows(&t, "zircon-2018", 0, "as many as one likes");
}

Test(broken, script_that_does_not_make_sense) {
  tape t;
  start_known(&t, 0);
  put(&t, VS_OP_join, 0, ZX_OK)->thread = 1;
  ends(&t, VS_STEP_BROKEN, "nothing to join");
}

// What a slot held is closed, once something else takes its place.
Test(slots, take_another_handle) {
  tape t;
  registers r = start_known(&t, 0);
  put_new(&t, VS_CALL_event_create, 0, VCPU);
  put_write(&t, VCPU, &r, ZX_ERR_WRONG_TYPE);
  put_vcpu(&t, 0, OTHER, VS_PROGRAM_DUMP);
  put_write(&t, OTHER, &r, ZX_OK);
  allows(&t, "documented", 0, "the thread's vCPU is gone, and it may have another");
}

// Kernels that give a thread as many vCPUs as it likes can give more than there is room for.
Test(lost, more_vcpus_than_the_world_holds) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  for (uint8_t i = 1; i <= VS_VCPUS; i++) put_vcpu(&t, 0, (uint8_t)(OBJECT + i), VS_PROGRAM_DUMP);
  vs_judgement j = judge(&t, "zircon-2018");
  cr_assert(j.step == VS_STEP_ALLOWED && j.lost, "step %d", j.step);
}

Test(broken, unknown_architecture) {
  tape t;
  start_known(&t, 0);
  t.arch = (vs_arch)7;
  vs_judgement j = judge(&t, "documented");
  cr_assert(j.step == VS_STEP_BROKEN, "architecture 7: got step %d", j.step);
}

// --- what is only recorded ---------------------------------------------------------------------

// The last op is not predicted: whatever it and the next read say is allowed, and nothing is borne
// out by it.
static void is_only_recorded(tape* t, const char* what) {
  last(t)->status = ZX_ERR_INTERNAL;
  registers wrong = registers_of(9, 0);
  put_read(t, VCPU, &wrong);
  vs_judgement j = judge(t, "documented");
  cr_assert(j.step == VS_STEP_ALLOWED && j.unpredicted && j.lost,
            "%s: got step %d at op %u, unpredicted %d, lost %d", what, j.step, (unsigned)j.at,
            j.unpredicted, j.lost);
  t->count -= 2;
  cr_assert(!judge(t, "documented").unpredicted, "%s: what was before is predicted", what);
}

Test(recorded, calls_are_not_judged_nor_is_what_follows) {
  tape t;
  start_known(&t, 0);
  for (size_t code = 0; code < VS_CALL_COUNT; code++) {
    if (vs_ops[code].phase != VS_PHASE_RECORDED) continue;
    put(&t, (vs_op_code)code, GUEST, ZX_OK);
    is_only_recorded(&t, vs_ops[code].name);
  }
}

// True of a type whose argument may be another than usual, which `*arg` then is.
static bool make_unusual(uint8_t type, vs_arg* arg) {
  switch (type) {
    case VS_PARAM_HANDLE:
      if (arg->form != VS_HANDLE_RESOURCE) return false;
      arg->form = VS_HANDLE_RAW;
      return true;
    case VS_PARAM_U32:
    case VS_PARAM_KIND:
    case VS_PARAM_SIZE:
      arg->number++;
      return true;
    case VS_PARAM_ENTRY:
      arg->form = VS_ENTRY_RAW;
      return true;
    case VS_PARAM_OUT:
    case VS_PARAM_OUT_HANDLE:
    case VS_PARAM_OUT_PACKET:
      arg->at = VS_AT_UNMAPPED;
      return true;
    default:
      return false;
  }
}

Test(recorded, arguments_that_no_case_has_are_not_predicted) {
  tape t;
  start_known(&t, 0);
  for (size_t code = 0; code < VS_CALL_COUNT; code++) {
    bool decided = vs_ops[code].phase == VS_PHASE_JUDGED;
    if (decided || vs_ops[code].phase == VS_PHASE_RECORDED) continue;
    for (size_t i = 0; i < VS_ARGS_MAX; i++) {
      const vs_param* param = &vs_ops[code].params[i];
      vs_op* op = put(&t, (vs_op_code)code, VCPU, ZX_OK);
      if (make_unusual(param->type, &op->args[i])) {
        is_only_recorded(&t, param->name);
      } else {
        t.count--;
      }
    }
  }
}

Test(recorded, every_argument_of_a_write_is_predicted) {
  tape t;
  start_known(&t, 0);
  registers r = registers_of(1, 2);
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_ERR_INVALID_ARGS), vcpu_write_state, kind).number = 77;
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_ERR_INVALID_ARGS), vcpu_write_state, buffer).at =
      VS_AT_UNMAPPED;
  allows(&t, "documented", 0, "two refusals");
  cr_assert(!judge(&t, "documented").unpredicted, "write_state is under test");
}

// --- the set of worlds -------------------------------------------------------------------------

Test(worlds, are_sixteen_when_nobody_looks) {
  tape t;
  start_known(&t, 0);
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned size = 1; size <= 4; size *= 2) {
      registers r = registers_of(round, 0x40 + size);
      put_write(&t, VCPU, &r, ZX_OK);
      put_io(&t, (uint8_t)size, 0x01010101, ZX_OK);
    }
  }
  allows(&t, "documented", 0, "four choices, none observed");
  cr_assert(oracle.count == 16, "four choices make 16 worlds, got %u", oracle.count);
  registers r = registers_of(2, 0x44);
  r.rax = 0x01010101;
  put_read(&t, VCPU, &r);
  allows(&t, "documented", under(VS_LATITUDE_IO_UPPER), "not gated, and four bytes are zeroed");
  cr_assert(oracle.count == 4, "two choices were seen, got %u worlds", oracle.count);
}

Test(worlds, are_none_after_a_violation) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_ERR_INTERNAL);
  breaks(&t, "documented", VS_CLAUSE_RETURN_OK, "a status that is not documented");
  vs_oracle_init(&oracle, vs_profile_find("documented"), vs_arch_find(VS_ARCH_X64));
  for (unsigned i = 0; i < t.count; i++) vs_oracle_step(&oracle, &t.ops[i], &t.seen[i], NULL);
  cr_assert(oracle.count == 0 && vs_oracle_latitudes(&oracle) == 0,
            "a violation leaves no world, got %u", oracle.count);
  cr_assert_eq(vs_oracle_step(&oracle, &t.ops[0], &t.seen[0], NULL), VS_STEP_BROKEN);
}

static vs_judgement judge_tape(const tape* t) {
  vs_trace trace = trace_of(t);
  return vs_judge(&oracle, &trace, vs_profile_find("documented"));
}

Test(judge, goes_on_after_a_wrong_register_with_what_was_seen) {
  tape t;
  registers r = start_known(&t, 0);
  r.rbx ^= 1;
  put_read(&t, VCPU, &r);
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_ERR_INVALID_ARGS), vcpu_write_state, buffer_size).number = 1;
  put_read(&t, VCPU, &r);
  vs_judgement judgement = judge_tape(&t);
  cr_assert_eq(judgement.step, VS_STEP_VIOLATION);
  cr_assert(vs_is_no_clause(judgement.broken ^ VS_MEMBER(VS_CLAUSE_READ_BACK)));
  cr_assert(vs_has_clause(judgement.attested, VS_CLAUSE_UNCHANGED), "the refusal was still judged");
  cr_assert(!vs_has_clause(judgement.attested, VS_CLAUSE_READ_BACK),
            "what is broken is not attested");
}

Test(judge, finds_a_second_clause_broken_and_cites_the_first) {
  tape t;
  registers r = start_known(&t, 0);
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_OK), vcpu_write_state, buffer_size).number = 1;
  put_read(&t, VCPU, &r);
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_OK), vcpu_write_state, kind).number = 2;
  vs_judgement judgement = judge_tape(&t);
  cr_assert_eq(judgement.violation.clause, VS_CLAUSE_INVALID_SIZE);
  cr_assert(vs_is_no_clause(judgement.broken ^
                            (VS_MEMBER(VS_CLAUSE_INVALID_SIZE) | VS_MEMBER(VS_CLAUSE_KIND))));
}

Test(judge, goes_on_in_every_world) {
  tape t;
  registers r = start_known(&t, 0);
  put_io(&t, 4, 0x11223344, ZX_OK);
  put_write(&t, VCPU, &r, ZX_ERR_ACCESS_DENIED)->thread = 1;
  r.rax = 0x11223344;  // zeroed above: permitted, whatever was wrong in between
  put_read(&t, VCPU, &r);
  vs_judgement judgement = judge_tape(&t);
  cr_assert(vs_is_no_clause(judgement.broken ^ VS_MEMBER(VS_CLAUSE_BAD_STATE)));
}

Test(judge, change_behind_a_wrong_refusal_breaks_unchanged) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_ERR_ACCESS_DENIED)->thread = 1;
  r.r9 ^= 4;
  put_read(&t, VCPU, &r);
  vs_judgement judgement = judge_tape(&t);
  cr_assert(vs_is_no_clause(judgement.broken ^
                            (VS_MEMBER(VS_CLAUSE_BAD_STATE) | VS_MEMBER(VS_CLAUSE_UNCHANGED))));
}

Test(optional_flags, once_honoured_are_honoured_without_a_look_between) {
  tape t;
  registers r = start_known(&t, 0);
  r.rflags = 0x4002;
  put_write(&t, VCPU, &r, ZX_OK);
  r.rflags = 0x4000;
  put_read(&t, VCPU, &r);
  r.rflags = 2;
  put_write(&t, VCPU, &r, ZX_OK);
  r.rflags = 0x4002;
  put_write(&t, VCPU, &r, ZX_OK);
  r.rflags = 0;
  put_read(&t, VCPU, &r);
  breaks(&t, "documented", VS_CLAUSE_FLAGS, "NT was honoured before");
}

Test(judge, written_buffer_breaks_buffer_kept) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, VCPU, &r, ZX_OK);
  last(&t)->changes[0] =
      (vs_change){.parameter = VS_ARG(vcpu_write_state, buffer), .from = 8, .to = 9};
  last(&t)->change_count = 1;
  breaks(&t, "documented", VS_CLAUSE_BUFFER_KEPT, "the buffer was written");
}

// --- anything at all ---------------------------------------------------------------------------

static uint64_t random_word(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void random_bytes(uint64_t* state, void* to, size_t size) {
  for (size_t i = 0; i < size; i += 8) {
    uint64_t w = random_word(state);
    memcpy((uint8_t*)to + i, &w, size - i < 8 ? size - i : 8);
  }
}

// Of an argument that may be anything, what makes sense more often than not.
static void tame(const vs_param* param, vs_op* op, size_t at, const vs_arg* usual) {
  vs_arg wild = op->args[at];
  vs_arg* arg = &op->args[at];
  const bool written = op->code == VS_CALL_vcpu_write_state;
  *arg = *usual;
  switch (param->type) {
    case VS_PARAM_HANDLE:
      if (arg->form == VS_HANDLE_RESOURCE) break;
      *arg = (vs_arg){.form = wild.form & 1, .slot = wild.slot % 5, .number = wild.number & 3};
      break;
    case VS_PARAM_OUT_HANDLE:
      arg->slot = wild.slot % 5;
      break;
    case VS_PARAM_ENTRY:
      arg->slot = wild.slot % VS_PROGRAM_COUNT;
      break;
    case VS_PARAM_KIND:
      if (written) arg->number = wild.number & 1;
      break;
    case VS_PARAM_RIGHTS:
      if (!(wild.number & 1)) arg->number = wild.number & ZX_DEFAULT_VCPU_RIGHTS;
      break;
    case VS_PARAM_VECTOR:
      arg->number = wild.number & UINT32_MAX;
      break;
    case VS_PARAM_IN:
      *arg = (vs_arg){
          .at = wild.at % VS_PLACEMENT_COUNT, .argument = wild.argument, .length = wild.length};
      break;
    case VS_PARAM_SIZE:
      if (written && VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO) arg->number = 8;
      break;
    default:
      break;
  }
}

// A bool holds 0 or 1 by the language; every other field may hold anything.
static vs_op random_op(uint64_t* state, bool wild) {
  union {
    vs_op op;
    uint8_t bytes[sizeof(vs_op)];
  } u;
  random_bytes(state, u.bytes, sizeof u.bytes);
  u.bytes[offsetof(vs_op, async)] &= 1;
  u.bytes[offsetof(vs_op, optional)] &= 1;
  vs_op op = u.op;
  if (wild) return op;
  op.code %= VS_OP_COUNT;
  // Of what is only recorded nothing is said from there on.
  bool recorded = vs_ops[op.code].phase == VS_PHASE_RECORDED;
  if (recorded && random_word(state) % 8 != 0) op.code = VS_CALL_vcpu_write_state;
  op.thread &= 1;
  const vs_op usual = new_op(op.code);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) tame(&vs_ops[op.code].params[i], &op, i, &usual.args[i]);
  op.bytes[0] &= 7;
  op.rewrite.length %= sizeof op.rewrite.bytes + 1;
  op.rewrite.offset %= 128;
  return op;
}

static vs_observation random_observation(uint64_t* state, bool wild) {
  union {
    vs_observation seen;
    uint8_t bytes[sizeof(vs_observation)];
  } u;
  random_bytes(state, u.bytes, sizeof u.bytes);
  u.bytes[offsetof(vs_observation, has_state)] &= 1;
  u.bytes[offsetof(vs_observation, has_packet)] &= 1;
  u.bytes[offsetof(vs_observation, held)] &= 1;
  vs_observation seen = u.seen;
  if (wild) return seen;
  seen.outcome = VS_RETURNED;
  seen.status = seen.status & 3 ? ZX_OK : -(seen.status & 31);
  return seen;
}

static void opening(tape* t, uint64_t* state, bool wild) {
  start(t, random_word(state) & 7 ? VS_ARCH_X64 : VS_ARCH_ARM64, VS_PROGRAM_DUMP);
  if (wild && random_word(state) & 1) t->count = 0;
}

Test(oracle, survives_random_traces, .timeout = 300) {
  enum { TRACES = 100000, LENGTH = 12 };
  uint64_t state = UINT64_C(0x243f6a8885a308d3);
  for (unsigned i = 0; i < TRACES; i++) {
    bool wild = i % 4 == 0;
    tape t;
    opening(&t, &state, wild);
    const vs_profile* profile = &vs_profiles[random_word(&state) % vs_profile_count];
    vs_oracle_init(&oracle, profile, vs_arch_find(t.arch));
    for (size_t k = 0; k < t.count; k++) {
      vs_oracle_step(&oracle, &t.ops[k], &t.seen[k], NULL);
    }
    for (size_t k = 0; k < LENGTH && oracle.count > 0; k++) {
      vs_op op = random_op(&state, wild);
      vs_observation seen = random_observation(&state, wild);
      vs_violation why;
      bool starts = op.async && random_word(&state) % 4 != 0;
      vs_step step =
          starts ? vs_oracle_start(&oracle, &op, &seen) : vs_oracle_step(&oracle, &op, &seen, &why);
      cr_assert(oracle.count <= VS_WORLDS_MAX, "trace %u, op %u: %u worlds", i, (unsigned)k,
                oracle.count);
      cr_assert(step != VS_STEP_VIOLATION || (why.clause < VS_CLAUSE_COUNT && oracle.count == 0),
                "trace %u, op %u: clause %d, %u worlds", i, (unsigned)k, why.clause, oracle.count);
    }
  }
}

// --- kernels' own rules ------------------------------------------------------------------------

Test(kernels, or_only_flags_stay_set) {
  tape t;
  start(&t, VS_ARCH_ARM64, VS_PROGRAM_DUMP);
  zx_vcpu_state_arm64_t state = {.cpsr = 0xa0000000};
  for (unsigned i = 0; i < 2; i++) {
    vs_op* op = put(&t, VS_CALL_vcpu_write_state, VCPU, ZX_OK);
    memcpy(op->bytes, &state, sizeof state);
    state.cpsr = 0x40000000;
  }
  put(&t, VS_CALL_vcpu_read_state, VCPU, ZX_OK);
  last(&t)->has_state = true;
  memcpy(last(&t)->state, &state, sizeof state);
  allows(&t, "documented", 0, "cleared flags");
  breaks(&t, "zircon-arm64", VS_CLAUSE_FLAGS, "cleared flags");
  breaks(&t, "zircon-2018", VS_CLAUSE_FLAGS, "cleared flags");
  state.cpsr = 0xe0000000;
  memcpy(last(&t)->state, &state, sizeof state);
  breaks(&t, "documented", VS_CLAUSE_FLAGS, "flags that stay set");
  allows(&t, "zircon-arm64", 0, "flags that stay set");
  allows(&t, "zircon-2018", 0, "flags that stay set");
}

// What zircon-2018 makes of access_size: a count, of bytes that are there.
Test(kernels, unchecked_access_size_is_a_count) {
  for (unsigned size = 0; size <= 4; size++) {
    tape t;
    registers r = start_known(&t, 0);
    put_io(&t, (uint8_t)size, 0xa1b2c3d4, ZX_OK);
    uint64_t mask = (UINT64_C(1) << 8 * size) - 1;
    r.rax = (r.rax & ~mask) | (0xa1b2c3d4 & mask);
    put_read(&t, VCPU, &r);
    allows(&t, "zircon-2018", 0, "the bytes are written");
    r.rax ^= UINT64_C(1) << 8 * size;
    put_read(&t, VCPU, &r);
    t.ops[t.count - 2] = t.ops[t.count - 1];
    t.seen[t.count - 2] = t.seen[t.count - 1];
    t.count--;
    breaks(&t, "zircon-2018", VS_CLAUSE_IO, "another byte is written");
  }
}

Test(kernels, nothing_is_known_after_an_overrun) {
  tape t;
  registers r = start_known(&t, 0);
  put_io(&t, 5, 0, ZX_OK);
  r.rcx = ~r.rcx;
  r.rflags = 0x55;
  put_read(&t, VCPU, &r);
  allows(&t, "zircon-2018", 0, "every register may have changed");
  breaks(&t, "documented", VS_CLAUSE_IO_ALONE, "another register has changed");
  r.rcx = ~r.rcx;
  put_read(&t, VCPU, &r);
  breaks(&t, "zircon-2018", VS_CLAUSE_READ_BACK, "what was seen must stay");
}

Test(kernels, where_a_profile_says_nothing_anything_is_allowed) {
  static const zx_status_t answers[] = {ZX_OK, ZX_ERR_INVALID_ARGS, ZX_ERR_INTERNAL, 77};
  tape t;
  registers r = start_known(&t, 0);
  VS_OP_ARG(put_write(&t, VCPU, &r, ZX_OK), vcpu_write_state, buffer).at = VS_AT_UNMAPPED;
  size_t at = t.count - 1;
  r.rax = ~r.rax;
  put_read(&t, VCPU, &r);
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    t.seen[at].status = answers[i];
    vs_judgement j = judge(&t, "zcore");
    cr_assert(j.step == VS_STEP_ALLOWED && j.lost, "status %d is not allowed", answers[i]);
  }
  t.seen[at].outcome = VS_IN_CALL;
  t.count--;
  vs_judgement j = judge(&t, "zcore");
  cr_assert(j.step == VS_STEP_ALLOWED && j.lost, "not to return is not allowed");
  cr_assert(!vs_has_clause(j.attested, VS_CLAUSE_INVALID_BUFFER), "nothing is borne out");
  VS_OP_ARG(&t.ops[at], vcpu_write_state, buffer).at = VS_AT_NULL;
  breaks(&t, "zcore", VS_CLAUSE_INVALID_BUFFER, "of the null pointer it does say something");
}

Test(interrupts, a_vector_that_does_not_exist_is_out_of_range) {
  tape t;
  start_known(&t, 0);
  put_interrupt(&t, ZX_OK, VS_VECTORS - 1);
  put_interrupt(&t, ZX_ERR_OUT_OF_RANGE, VS_VECTORS);
  put_interrupt(&t, ZX_ERR_OUT_OF_RANGE, UINT32_MAX);
  allows(&t, "documented", 0, "the last vector, and two that are none");
  put_interrupt(&t, ZX_OK, VS_VECTORS);
  ends(&t, VS_STEP_VIOLATION, "accepted");
  t.count--;
  put_interrupt(&t, ZX_ERR_OUT_OF_RANGE, VS_VECTORS - 1);
  ends(&t, VS_STEP_VIOLATION, "the last vector, refused");
}

Test(interrupts, an_exception_may_end_the_guest_an_interrupt_that_is_masked_not) {
  for (uint32_t vector = 31; vector <= 32; vector++) {
    tape t;
    start_known(&t, 0);
    put_interrupt(&t, ZX_OK, vector);
    put(&t, VS_CALL_vcpu_enter, VCPU, ZX_ERR_BAD_STATE);
    if (vector < 32) {
      allows(&t, "documented", 0, "the guest has no handler for it");
    } else {
      ends(&t, VS_STEP_VIOLATION, "an interrupt that the guest does not let in");
    }
  }
}

// It has ended by the exception, and the kick is still to be answered, or by the kick.
Test(interrupts, an_exception_and_a_kick_while_it_runs_leave_either_answer) {
  static const zx_status_t answers[] = {ZX_ERR_BAD_STATE, ZX_ERR_CANCELED};
  for (size_t i = 0; i < 2; i++) {
    tape t;
    start_spinning(&t);
    put_interrupt(&t, ZX_OK, 13);
    VS_OP_ARG(last_op(&t), vcpu_interrupt, handle) = vs_arg_slot(OTHER);
    put(&t, VS_CALL_vcpu_kick, OTHER, ZX_OK);
    put(&t, VS_OP_join, 0, answers[i])->thread = 1;
    allows(&t, "documented", 0, "the guest has no handler for it");
  }
}

// No profile lets a vCPU be made of nothing but one of somebody's own.
Test(worlds, vcpu_of_no_guest_ends) {
  static vs_world world;
  const vs_arch_info* x64 = vs_arch_find(VS_ARCH_X64);
  const vs_profile* page = vs_profile_find("documented");
  vs_op op = vs_op_new(VS_CALL_vcpu_create, x64);
  vs_world_init(&world, page);
  op.args[0] = (vs_arg){.form = VS_HANDLE_RAW};
  vs_op_give(&op, 0, VCPU);
  cr_assert(vs_world_add_vcpu(&world, &op, page, x64, 0xb));
  cr_assert(vs_world_is_busy(&world, 0));
  vs_world_close(&world, &world.slots[VCPU]);
  cr_assert(!vs_world_is_busy(&world, 0));
}
