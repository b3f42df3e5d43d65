// SPDX-License-Identifier: BSD-3-Clause
// The text form: what is printed is read back into the same structs, and printed again it is the
// same bytes; whatever is wrong is told with its place.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "text/calls.h"
#include "text/print.h"

static char* print_case(const vs_case* c, vs_arch arch, vs_script* script, size_t* length) {
  char* text = NULL;
  cr_assert(vs_case_script(c, arch, 0, script));
  FILE* out = open_memstream(&text, length);
  vs_print_script(out, script, arch, c->clauses, c->clause_count);
  fclose(out);
  return text;
}

static void round_trip(const vs_case* c, vs_arch arch) {
  vs_script script;
  size_t length;
  char* text = print_case(c, arch, &script, &length);
  vs_source source = vs_source_of(text, length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  vs_read got = vs_document_read(&source, &reading, &d, &fault);
  cr_assert_eq(got, VS_READ_OK, "%s:%zu:%zu: %s", c->id, fault.line, fault.column, fault.message);
  cr_assert_eq(d.count, script.count);
  cr_expect_eq(d.arch, arch);
  cr_expect_str_eq(d.title, c->title);
  for (size_t i = 0; i < d.count; i++) {
    cr_assert(memcmp(&d.ops[i], &script.ops[i], sizeof d.ops[i]) == 0, "%s: op %zu", c->id, i);
  }
  char* again = NULL;
  size_t size;
  FILE* out = open_memstream(&again, &size);
  vs_print_document(out, &d);
  fclose(out);
  cr_expect(size == length && memcmp(text, again, size) == 0, "%s prints otherwise", c->id);
  free(again);
  free(text);
  vs_document_free(&d);
  vs_case_script_free(&script);
}

Test(round_trip, every_case_on_both_architectures) {
  for (size_t i = 0; i < vs_case_count; i++) {
    round_trip(&vs_cases[i], VS_ARCH_X64);
    round_trip(&vs_cases[i], VS_ARCH_ARM64);
  }
}

// --- what is wrong is told with its place -----------------------------------------------------

#define HEAD "vcpuspec script 1\n"
#define SETUP HEAD "T0: h0 h1 = guest_create\n"

static const struct {
  const char* text;
  size_t line;
  size_t column;
  const char* words;  // of the message
} faults[] = {
    {"script 1\n", 1, 1, "'vcpuspec script 1'"},
    {"vcpuspec scrpt 1\n", 1, 10, "did you mean 'script'"},
    {"vcpuspec script 2\n", 1, 17, "expected version 1"},
    {"vcpuspec trace 1\nT0: kick h2\n", 2, 1, "'arch'"},
    {HEAD "clause write_state.errors.bad_handel\n", 2, 8,
     "did you mean 'write_state.errors.bad_handle'"},
    {HEAD "arch x86_64\n", 2, 6, "did you mean 'x86-64'"},
    {HEAD "title caf\xc3\xa9\n", 2, 10, "printable ASCII"},
    {HEAD "T0: kick\rh2\n", 2, 9, "printable ASCII"},
    {HEAD "T4: kick h2\n", 2, 1, "a thread"},
    {HEAD "T0 kick h2\n", 2, 1, "a thread"},
    {HEAD "T0: kik h2\n", 2, 5, "did you mean 'kick'"},
    {HEAD "T0: kick\n", 2, 9, "found the end of the line"},
    {HEAD "T0: kick h16\n", 2, 10, "a slot, h0 to h15"},
    {HEAD "T0: kick h2 h3\n", 2, 13, "the end of the line"},
    {HEAD "T0: kick h2&3\n", 2, 12, "'&~BITS'"},
    {HEAD "T0: kick raw=0x100000000\n", 2, 14, "from 0 to 4294967295"},
    {HEAD "T0: start kick h2\n", 2, 5, "a thread other than T0"},
    {HEAD "T1: start join\n", 2, 5, "started on its own"},
    {HEAD "T0: h2 = kick h2\n", 2, 5, "no slot before"},
    {HEAD "T0: event_create\n", 2, 5, "one slot"},
    {HEAD "T0: h2 = vcpu_create h0 dmup\n", 2, 25, "did you mean 'dump'"},
    {HEAD "T0: h2 = vcpu_create h0 code=9\n", 2, 30, "two digits"},
    {HEAD "T0: write_state h2 stat\n", 2, 20, "did you mean 'state'"},
    {HEAD "T0: write_state h2 state rxa=1\n", 2, 26, "a register"},
    {HEAD "T0: write_state h2 state rax=\n", 2, 30, "a number"},
    {HEAD "T0: write_state h2 state rax=1+\n", 2, 32, "a number"},
    {HEAD "T0: write_state h2 state rax=(1\n", 2, 32, "')'"},
    {HEAD "T0: write_state h2 state rax=1/0\n", 2, 33, "a divisor"},
    {HEAD "T0: write_state h2 state rax=0x10000000000000000\n", 2, 48, "at most 64 bits"},
    {HEAD "T0: write_state h2 state rax=pick(3,1,2)\n", 2, 41, "an index that is in the list"},
    {HEAD "T0: write_state h2 state rax=@\n", 2, 31, "within each= alone"},
    {HEAD "T0: write_state h2 io rax=1\n", 2, 23, "access="},
    {HEAD "T0: write_state h2 io access=256\n", 2, 30, "from 0 to 255"},
    {HEAD "T0: write_state h2 state at=stradle:3\n", 2, 29, "straddle"},
    {HEAD "T0: write_state h2 state bytes=0g\n", 2, 32, "two digits"},
    {HEAD "T0: write_state h2 state length=2049\n", 2, 33, "from 0 to 2048"},
    {HEAD "T0: write_state h2 io held=7:0102\n", 2, 28, "within the buffer"},
    {HEAD "T0: write_state h2 io held=7\n", 2, 28, "OFFSET:BYTES"},
    {HEAD "T0: write_state h2 io length=2048 held=263:0102\n", 2, 40, "its first 264"},
    {HEAD "T0: write_state h2 io at=null held=4:00\n", 2, 31, "at=plain"},
    {HEAD "T0: write_state h2 io held=4:00 at=edge\n", 2, 33, "at=plain"},
    {HEAD "T0: write_state h2 state rax=$n\n", 2, 30, "has a variable 'n'"},
    {HEAD "= ZX_OK\n", 2, 1, "a script holds no results"},
    {"vcpuspec trace 1\narch x86-64\n= ZX_OK\n", 3, 1, "an operation before its result"},
    {"vcpuspec trace 1\narch x86-64\nT0: kick h2\n= ZX_OKK\n", 4, 3, "did you mean 'ZX_OK'"},
    {"vcpuspec trace 1\narch x86-64\nT0: kick h2\n= ZX_OK\n= ZX_OK\n", 5, 1, "before its result"},
    {"vcpuspec trace 1\narch x86-64\nT0: kick h2\n= ZX_OK sate\n", 4, 9, "what was observed"},
    {"vcpuspec trace 1\narch x86-64\nT0: kick h2\n= ZX_OK of=zx_vcpu_kik\n", 4, 9,
     "did you mean 'zx_vcpu_kick'"},
    {HEAD "for n in 0..3\nT0: kick h2\n", 3, 12, "expected 'end'"},
    {HEAD "end\n", 2, 1, "no loop is open"},
    {HEAD "for n of 0..3\nend\n", 2, 7, "'in'"},
    {HEAD "for 1 in 0..3\nend\n", 2, 5, "a name"},
    {HEAD "for n in\nend\n", 2, 9, "what the loop is over"},
    {HEAD "for n in 0..3\nfor n in 0..3\nend\nend\n", 3, 5, "no loop around this has"},
    {HEAD "for n in 0..9999999\nend\n", 3, 1, "turns of loops"},
};

Test(faults, each_has_its_place) {
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
    vs_source source = vs_source_of(faults[i].text, strlen(faults[i].text));
    vs_reading reading = {.arch = VS_ARCH_X64};
    vs_document d;
    vs_fault fault;
    vs_read got = vs_document_read(&source, &reading, &d, &fault);
    cr_assert_eq(got, VS_READ_FAULT, "accepted: %s", faults[i].text);
    cr_expect(fault.line == faults[i].line && fault.column == faults[i].column &&
                  strstr(fault.message, faults[i].words) != NULL,
              "%s\nexpected %zu:%zu: ..%s..\ngot      %zu:%zu: %s", faults[i].text, faults[i].line,
              faults[i].column, faults[i].words, fault.line, fault.column, fault.message);
  }
}

// --- what is read ----------------------------------------------------------------------------

static vs_document read_good(const char* text) {
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  vs_read got = vs_document_read(&source, &reading, &d, &fault);
  cr_assert_eq(got, VS_READ_OK, "%zu:%zu: %s", fault.line, fault.column, fault.message);
  return d;
}

static uint64_t number(const char* text) {
  char line[256];
  uint64_t value;
  snprintf(line, sizeof line, HEAD "T0: write_state h2 state rbx=%s\n", text);
  vs_document d = read_good(line);
  memcpy(&value, d.ops[0].bytes + 24, sizeof value);
  vs_document_free(&d);
  return value;
}

Test(numbers, are_expressions_as_in_c) {
  cr_expect_eq(number("1<<3+1"), 16);
  cr_expect_eq(number("7&3|8"), 11);
  cr_expect_eq(number("2+3*4"), 14);
  cr_expect_eq(number("(2+3)*4"), 20);
  cr_expect_eq(number("10-3-2"), 5);
  cr_expect_eq(number("17%5"), 2);
  cr_expect_eq(number("~0"), UINT64_MAX);
  cr_expect_eq(number("-1"), UINT64_MAX);
  cr_expect_eq(number("0xff^0x0f"), 0xf0);
  cr_expect_eq(number("1<<64"), 0);
  cr_expect_eq(number("pick(1,5,6,7)"), 6);
  cr_expect_eq(number("read|write"), 0xc);
  cr_expect_eq(number("exact+state_size+io_size"), 136 + 136 + 8);
  cr_expect_eq(number("settable"), 0x244dd5);
  cr_expect_eq(number("user"), 0x244cd5);
  cr_expect_neq(number("random(1)"), number("random(2)"));
}

Test(loops, nest_and_end_where_they_should) {
  vs_document d = read_good(HEAD
                            "for a in 1..2\n  for b in 3 5..6\n"
                            "    T0: interrupt h2 $a*16+$b\n  end\nend\nT0: kick h2\n");
  static const uint32_t vectors[] = {19, 21, 22, 35, 37, 38};
  cr_assert_eq(d.count, 7);
  for (size_t i = 0; i < 6; i++) cr_expect_eq(VS_OP_ARG(&d.ops[i], vcpu_interrupt, vector).number, vectors[i]);
  cr_expect_eq(d.ops[6].code, VS_CALL_vcpu_kick);
  vs_document_free(&d);
}

Test(loops, may_be_over_nothing) {
  vs_document d = read_good(HEAD "for a in 2..1\n  for b in 1..2\n    T0: kick h2\n  end\nend\n");
  cr_expect_eq(d.count, 0);
  vs_document_free(&d);
}

Test(documents, several_in_one_text) {
  const char* text = HEAD "title one\nT0: kick h2\n" HEAD "# two\nT1: join\nT0: kick h3\n";
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK);
  cr_expect_str_eq(d.title, "one");
  cr_expect_eq(d.count, 1);
  vs_document_free(&d);
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK);
  cr_expect_eq(d.count, 2);
  vs_document_free(&d);
  cr_expect_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_END);
}

Test(documents, lines_may_end_in_cr_and_the_last_in_nothing) {
  vs_document d = read_good("vcpuspec script 1\r\n\r\nT0: kick h2\r\nT0: kick h3");
  cr_expect_eq(d.count, 2);
  vs_document_free(&d);
}

// Whatever an observation can hold.
static vs_observation any_observation(unsigned seed) {
  vs_observation o = {.outcome = VS_RETURNED, .call = VS_CALL_vcpu_enter, .status = -(int)seed};
  if (seed % 2) &o.args[0] = seed * 77;
  if (seed % 3 == 0) o.handle2 = seed * 5;
  if (seed % 5 == 0) o.has_packet = true, o.packet.type = seed % 7, o.packet.guest_mem_arm64.addr = seed * 4096ull;
  if (seed % 5 == 1) o.io = (zx_packet_guest_io_t){.port = 0xd0, .access_size = 2, .input = 1};
  if (seed % 5 == 2) o.io.reserved[2] = seed;
  o.buffer_changed = seed % 11 == 0;
  o.held = seed % 13 == 0;
  o.has_state = seed % 4 == 0;
  for (size_t i = 0; i < 136 && o.has_state; i++) o.state[i] = (uint8_t)(seed * i);
  if (seed % 8 == 0) o.state[263] = 1;  // beyond the registers of x86-64
  return o;
}

Test(round_trip, whatever_was_observed) {
  vs_op op = {.code = VS_CALL_vcpu_enter, .handle = {.slot = 2}};
  for (unsigned seed = 0; seed < 2000; seed++) {
    vs_observation seen = any_observation(seed);
    vs_document d = {.is_trace = true,
                     .arch = VS_ARCH_X64,
                     .title = "",
                     .ops = &op,
                     .observations = &seen,
                     .count = 1};
    char* text = NULL;
    size_t length;
    FILE* out = open_memstream(&text, &length);
    vs_print_document(out, &d);
    fclose(out);
    vs_document again = read_good(text);
    cr_assert(memcmp(&again.observations[0], &seen, sizeof seen) == 0, "seed %u:\n%s", seed, text);
    vs_document_free(&again);
    free(text);
  }
}

static vs_read read_limited(const char* text, uint32_t limit, vs_fault* fault) {
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64, .limit = limit};
  vs_document d;
  vs_read got = vs_document_read(&source, &reading, &d, fault);
  if (got == VS_READ_OK) vs_document_free(&d);
  return got;
}

Test(limit, of_ops_and_of_turns) {
  static const char ops[] = SETUP "T0: close h0\nT0: close h1\n";
  static const char turns[] = SETUP "for n in 1..3\nend\n";
  vs_fault fault;
  cr_expect_eq(read_limited(ops, 3, &fault), VS_READ_OK);
  cr_expect_eq(read_limited(ops, 2, &fault), VS_READ_FAULT);
  cr_expect(strstr(fault.message, "at most 2 operations"), "%s", fault.message);
  cr_expect_eq(read_limited(turns, 3, &fault), VS_READ_OK);
  cr_expect_eq(read_limited(turns, 2, &fault), VS_READ_FAULT);
  cr_expect(strstr(fault.message, "at most 2 turns"), "%s", fault.message);
}
