// SPDX-License-Identifier: BSD-3-Clause
// The oracle, on traces made by hand: what it must allow, what it must object to, and by which
// clause. Here is what loops over registers, bits, statuses or calls, and what a trace cannot say;
// a single situation is a file in traces/ (test_judged.c).
#include <criterion/criterion.h>
#include <string.h>

#include "oracle.h"

// --- traces by hand ----------------------------------------------------------------------------

enum { GUEST, VMAR, VCPU, DERIVED, OBJECT, MEMORY = 15, TAPE_MAX = 64 };

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

static void put_vcpu(tape* t, uint8_t out, vs_program program) {
  vs_op* op = put_new(t, VS_CALL_vcpu_create, GUEST, out);
  VS_OP_ARG(op, vcpu_create, entry).slot = (uint8_t)program;
}

static void start(tape* t, vs_arch arch, vs_program program) {
  t->arch = arch;
  t->count = 0;
  t->next = 0x1003;
  vs_op_give(put_new(t, VS_CALL_guest_create, 0, GUEST), 1, VMAR);
  last(t)->handle2 = t->next += 4;
  vs_op* load = put_new(t, VS_OP_guest_load, GUEST, MEMORY);
  VS_OP_ARG(load, guest_load, vmar) = vs_arg_slot(VMAR);
  put_vcpu(t, VCPU, program);
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

static vs_op* put_write(tape* t, const registers* r, zx_status_t status) {
  vs_op* op = put(t, VS_CALL_vcpu_write_state, VCPU, status);
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

static void put_read(tape* t, const registers* r) {
  put(t, VS_CALL_vcpu_read_state, VCPU, ZX_OK);
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
  put_write(t, &r, ZX_OK);
  r.rflags = flags;
  put_read(t, &r);
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
  put_write(&t, &r, ZX_OK);
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

Test(write_state, readable_buffer_refused_breaks_from_buffer) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, &r, ZX_ERR_INVALID_ARGS);
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
  commit(put_write(t, &r, status), which);
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

// --- a refusal changes nothing -----------------------------------------------------------------

Test(refusal, changing_any_register_breaks_unchanged_and_names_it) {
  for (size_t reg = 0; reg < ALL; reg++) {
    for (size_t which = 0; which < FAULTS; which++) {
      tape t;
      put_faulty(&t, which, faults[which].status);
      registers r = registers_of(1, 0);
      uint64_t before = *word(&r, reg);
      put_read(&t, &r);
      allows(&t, "documented", 0, faults[which].what);
      *word(&r, reg) ^= reg == FLAGS ? 0x80 : UINT64_C(1) << (reg + 47);
      t.count--;
      put_read(&t, &r);
      vs_violation v = breaks(&t, "documented", VS_CLAUSE_UNCHANGED, name_of(reg));
      names(v, (uint8_t)reg, before, *word(&r, reg));
    }
  }
}

// --- what a write does -------------------------------------------------------------------------

Test(state, register_not_taken_breaks_registers_or_flags) {
  for (size_t reg = 0; reg < ALL; reg++) {
    tape t;
    start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
    registers r = registers_of(1, 0x8d7);
    put_write(&t, &r, ZX_OK);
    r.rflags = 0x8d5;
    uint64_t expected = *word(&r, reg);
    *word(&r, reg) ^= 1;
    put_read(&t, &r);
    vs_clause_code clause = reg == FLAGS ? VS_CLAUSE_FLAGS : VS_CLAUSE_REGISTERS;
    names(breaks(&t, "documented", clause, name_of(reg)), (uint8_t)reg, expected, *word(&r, reg));
  }
}

Test(state, every_bit_of_a_register_counts) {
  for (unsigned bit = 0; bit < 64; bit++) {
    tape t;
    registers r = start_known(&t, 0);
    r.r15 ^= UINT64_C(1) << bit;
    put_read(&t, &r);
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
      put_write(&t, &r, ZX_OK);
      r.rflags = before;
      put_read(&t, &r);
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
    put_write(&t, &r, ZX_OK);
    r.rflags = callers | UINT64_C(1) << bit;
    put_read(&t, &r);
    allows(&t, "documented", 0, "a system bit is shown");
    r = registers_of(1, callers | 2);
    put_write(&t, &r, ZX_OK);
    r.rflags = callers;
    put_read(&t, &r);
    vs_violation v = breaks(&t, "documented", VS_CLAUSE_SYSTEM_FLAGS, "a system bit was cleared");
    cr_assert(v.reg == FLAGS && (v.known >> bit & 1), "%s: bit %u, known 0x%llx",
              vs_clauses[v.clause].id, bit, (unsigned long long)v.known);
  }
}

// --- the gate ----------------------------------------------------------------------------------

// Writes without bit 1, and shows whether that took effect.
static void put_gated(tape* t, uint64_t* flags, uint64_t wanted, bool effective) {
  registers r = registers_of(1, wanted);
  put_write(t, &r, ZX_OK);
  if (effective) *flags = wanted;
  r.rflags = *flags;
  put_read(t, &r);
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
    put_write(&t, &r, ZX_OK);
    r.rflags = optional_subset(taken);
    put_read(&t, &r);
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
    put_write(&t, &r, ZX_OK);
    r.rflags = 0;
    put_read(&t, &r);
    r.rflags = optional_flags[i];
    put_read(&t, &r);
    breaks(&t, "documented", VS_CLAUSE_READ_BACK, "seen clear, then set");
  }
}

Test(optional_flags, cannot_change_against_the_write) {
  for (unsigned i = 0; i < 3; i++) {
    tape t;
    registers r = start_known(&t, 0);
    r.rflags = 0x2;
    put_write(&t, &r, ZX_OK);
    r.rflags = optional_flags[i];
    put_read(&t, &r);
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
  put_read(t, r);
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
        put_write(&t, &r, ZX_OK);
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
    put_read(&t, &r);
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

Test(io, odd_access_size_accepted_changes_the_accumulator_alone) {
  for (size_t reg = 1; reg < ALL; reg++) {
    tape t;
    registers r = start_known(&t, 0);
    *word(&r, reg) ^= 0x10;
    put_io_and_read(&t, &r, 3, 7, 0);
    breaks(&t, "documented", VS_CLAUSE_IO_ALONE, name_of(reg));
  }
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

// --- handles -----------------------------------------------------------------------------------

Test(handle, cleared_fixed_bits_name_nothing) {
  for (uint32_t bits = 1; bits <= 3; bits++) {
    tape t;
    registers r = start_known(&t, 0);
    vs_op* op = put_write(&t, &r, ZX_ERR_BAD_HANDLE);
    op->args[0] = (vs_arg){.form = VS_HANDLE_CLEARED, .slot = VCPU, .number = bits};
    allows(&t, "documented", 0, "fixed bits are clear");
    last(&t)->status = ZX_OK;
    breaks(&t, "documented", VS_CLAUSE_FIXED_BITS, "fixed bits are clear");
    last(&t)->status = ZX_ERR_WRONG_TYPE;
    breaks(&t, "documented", VS_CLAUSE_FIXED_BITS, "fixed bits are clear");
  }
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
    put_vcpu(&t, VCPU, VS_PROGRAM_DUMP);
    registers r = registers_of(i, 0);
    put_read(&t, &r);
  }
  allows(&t, "documented", 0, "one vCPU after another");
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

Test(enter, out_must_send_the_accumulator) {
  for (unsigned i = 0; i < 3; i++) {
    unsigned width = 1u << i;
    tape t;
    start(&t, VS_ARCH_X64, (vs_program)(VS_PROGRAM_OUT8 + i));
    registers r = registers_of(1, 2);
    put_write(&t, &r, ZX_OK);
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
    put_write(&t, &r, ZX_OK);
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

// --- what cannot be judged ---------------------------------------------------------------------

static vs_op new_op(vs_op_code code) {
  return vs_op_new((uint8_t)code, vs_arch_find(VS_ARCH_X64));
}

Test(broken, script_with_a_number_out_of_range) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, &r, ZX_OK);
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

// --- the calls around zx_vcpu_write_state ------------------------------------------------------

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

// Kernels that give a thread as many vCPUs as it likes can give more than there is room for.
Test(lost, more_vcpus_than_the_world_holds) {
  tape t;
  start(&t, VS_ARCH_X64, VS_PROGRAM_DUMP);
  for (uint8_t i = 1; i <= VS_VCPUS; i++) put_vcpu(&t, (uint8_t)(OBJECT + i), VS_PROGRAM_DUMP);
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
  put_read(t, &wrong);
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

// --- the set of worlds -------------------------------------------------------------------------

Test(worlds, are_sixteen_before_a_look) {
  tape t;
  start_known(&t, 0);
  for (unsigned round = 0; round < 3; round++) {
    for (unsigned size = 1; size <= 4; size *= 2) {
      registers r = registers_of(round, 0x40 + size);
      put_write(&t, &r, ZX_OK);
      put_io(&t, (uint8_t)size, 0x01010101, ZX_OK);
    }
  }
  allows(&t, "documented", 0, "four choices, none observed");
  cr_assert(oracle.count == 16, "four choices make 16 worlds, got %u", oracle.count);
  registers r = registers_of(2, 0x44);
  r.rax = 0x01010101;
  put_read(&t, &r);
  allows(&t, "documented", under(VS_LATITUDE_IO_UPPER), "not gated, and four bytes are zeroed");
  cr_assert(oracle.count == 4, "two choices were seen, got %u worlds", oracle.count);
}

Test(worlds, are_none_after_a_violation) {
  tape t;
  registers r = start_known(&t, 0);
  put_write(&t, &r, ZX_ERR_INTERNAL);
  breaks(&t, "documented", VS_CLAUSE_RETURN_OK, "a status that is not documented");
  vs_oracle_init(&oracle, vs_profile_find("documented"), vs_arch_find(VS_ARCH_X64));
  for (unsigned i = 0; i < t.count; i++) vs_oracle_step(&oracle, &t.ops[i], &t.seen[i], NULL);
  cr_assert(oracle.count == 0 && vs_oracle_latitudes(&oracle) == 0,
            "a violation leaves no world, got %u", oracle.count);
  cr_assert_eq(vs_oracle_step(&oracle, &t.ops[0], &t.seen[0], NULL), VS_STEP_BROKEN);
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

// What zircon-2018 makes of access_size: a count, of bytes that are there.
Test(kernels, unchecked_access_size_is_a_count) {
  for (unsigned size = 0; size <= 4; size++) {
    tape t;
    registers r = start_known(&t, 0);
    put_io(&t, (uint8_t)size, 0xa1b2c3d4, ZX_OK);
    uint64_t mask = (UINT64_C(1) << 8 * size) - 1;
    r.rax = (r.rax & ~mask) | (0xa1b2c3d4 & mask);
    put_read(&t, &r);
    allows(&t, "zircon-2018", 0, "the bytes are written");
    r.rax ^= UINT64_C(1) << 8 * size;
    put_read(&t, &r);
    t.ops[t.count - 2] = t.ops[t.count - 1];
    t.seen[t.count - 2] = t.seen[t.count - 1];
    t.count--;
    breaks(&t, "zircon-2018", VS_CLAUSE_IO, "another byte is written");
  }
}

Test(kernels, where_a_profile_says_nothing_anything_is_allowed) {
  static const zx_status_t answers[] = {ZX_OK, ZX_ERR_INVALID_ARGS, ZX_ERR_INTERNAL, 77};
  tape t;
  registers r = start_known(&t, 0);
  VS_OP_ARG(put_write(&t, &r, ZX_OK), vcpu_write_state, buffer).at = VS_AT_UNMAPPED;
  size_t at = t.count - 1;
  r.rax = ~r.rax;
  put_read(&t, &r);
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

// No profile lets a vCPU be made of nothing, but a profile of one's own may.
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
