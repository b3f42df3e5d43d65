// SPDX-License-Identifier: BSD-3-Clause
// The text form: what is printed is read back into the same structs, and printed again it is the
// same bytes; whatever is wrong is told with its place.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "changed.h"
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

#define HEAD "vcpuspec script 2\n"
#define CLOSED "vcpuspec trace 2\narch x86-64\nT0: close h2\n= ZX_OK"
#define ENTERED "vcpuspec trace 2\narch x86-64\nT0: enter h2\n= ZX_OK"
#define CHANGED3 " changed=packet:0..1 changed=packet:0..1 changed=packet:0..1"
#define SETUP HEAD "T0: h0 h1 = guest_create\n"

static const struct {
  const char* text;
  size_t line;
  size_t column;
  const char* words;  // of the message
} faults[] = {
    {"script 2\n", 1, 1, "'vcpuspec script 2'"},
    {"vcpuspec scrpt 2\n", 1, 10, "did you mean 'script'"},
    {"vcpuspec script 1\n", 1, 17, "expected version 2"},
    {"vcpuspec trace 2\nT0: kick h2\n", 2, 1, "'arch'"},
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
    {HEAD "T0: write_state h2 state buffer=stradle:3\n", 2, 33, "straddle"},
    {HEAD "T0: write_state h2 state bytes=0g\n", 2, 32, "two digits"},
    {HEAD "T0: write_state h2 state length=2049\n", 2, 33, "from 0 to 2048"},
    {HEAD "T0: write_state h2 io held=7:0102\n", 2, 28, "within the buffer"},
    {HEAD "T0: write_state h2 io held=7\n", 2, 28, "OFFSET:BYTES"},
    {HEAD "T0: write_state h2 io length=2048 held=263:0102\n", 2, 40, "its first 264"},
    {HEAD "T0: write_state h2 io buffer=null held=4:00\n", 2, 35, "'plain'"},
    {HEAD "T0: write_state h2 io held=4:00 buffer=edge\n", 2, 33, "'plain'"},
    {HEAD "T0: write_state h2 state rax=$n\n", 2, 30, "has a variable 'n'"},
    // --- arguments by their names ---
    {HEAD "T0: h0 h1 = guest_create optoins=1\n", 2, 26, "did you mean 'options='"},
    {HEAD "T0: h0 h1 = guest_create entry=1\n", 2, 26, "resource=, options=, guest_handle="},
    {HEAD "T0: enter h2 packt=null\n", 2, 14, "packet="},
    {HEAD "T0: enter h2 length=8\n", 2, 14, "packet="},
    {HEAD "T0: kick h2 options=1\n", 2, 13, "the end of the line"},
    {HEAD "T0: join options=1\n", 2, 10, "the end of the line"},
    {HEAD "T0: await_guest h2 vcpu=h2\n", 2, 20, "the end of the line"},
    {HEAD "T0: set_trap h0 7\n", 2, 17, "found '7'"},
    {HEAD "T0: set_trap h0 handle=h1\n", 2, 17, "port_handle="},
    {HEAD "T0: read_state h2 rax=1\n", 2, 19, "buffer_size="},
    {HEAD "T0: write_state h2 kind=7 rax=1\n", 2, 27, "buffer_size="},
    {HEAD "T0: vmo_write h2 access=1\n", 2, 18, "offset="},
    // of another type
    {HEAD "T0: h0 h1 = guest_create options=h2\n", 2, 34, "a number"},
    {HEAD "T0: h0 h1 = guest_create options=null\n", 2, 34, "a number"},
    {HEAD "T0: h0 h1 = guest_create options=0x100000000\n", 2, 34, "from 0 to 4294967295"},
    {HEAD "T0: h0 h1 = guest_create resource=7\n", 2, 35, "a slot, h0 to h15"},
    {HEAD "T0: h0 h1 = guest_create resource=null\n", 2, 35, "a slot, h0 to h15"},
    {HEAD "T0: h0 h1 = guest_create guest_handle=h1\n", 2, 39, "a placement"},
    {HEAD "T0: h0 h1 = guest_create guest_handle=unmaped\n", 2, 39, "such as unmapped"},
    {HEAD "T0: h0 h1 = guest_create guest_handle=straddle:65536\n", 2, 48, "from 0 to 65535"},
    {HEAD "T0: set_trap h0 port_handle=7\n", 2, 29, "a slot, h0 to h15"},
    {HEAD "T0: set_trap h0 port_handle=h16\n", 2, 29, "a slot, h0 to h15"},
    {HEAD "T0: set_trap h0 port_handle=raw=0x100000000\n", 2, 33, "from 0 to 4294967295"},
    {HEAD "T0: set_trap h0 key=h2\n", 2, 21, "a number"},
    {HEAD "T0: enter h2 packet=3\n", 2, 21, "a placement"},
    {HEAD "T0: vmo_read h2 buffer_size=edge\n", 2, 29, "a number"},
    {HEAD "T0: h3 = duplicate resourc read\n", 2, 20, "a slot, h0 to h15"},
    {HEAD "T0: h3 = duplicate h2 h2\n", 2, 23, "a number"},
    {HEAD "T0: interrupt h2 0x100000000\n", 2, 18, "from 0 to 4294967295"},
    {HEAD "T0: h2 = vcpu_create h0 entry=dump\n", 2, 31, "a number"},
    // that must be there
    {HEAD "T0: set_trap\n", 2, 13, "a slot, h0 to h15, found the end of the line"},
    {HEAD "T0: set_trap kind=2\n", 2, 14, "a slot, h0 to h15"},
    {HEAD "T0: h3 = duplicate h2\n", 2, 22, "rights, found the end of the line"},
    {HEAD "T0: interrupt h2\n", 2, 17, "a vector, found the end of the line"},
    {HEAD "T0: h2 = vcpu_create h0\n", 2, 24, "a guest program, code=BYTES or entry=NUMBER"},
    {HEAD "T0: write_state h2\n", 2, 19, "'state', 'io' or kind=NUMBER"},
    {HEAD "T0: h0 = guest_create\n", 2, 5, "two slots"},
    // twice
    {HEAD "T0: h0 h1 = guest_create options=1 options=1\n", 2, 36, "each argument once"},
    {HEAD "T0: set_trap h0 port_handle=h1 port_handle=h1\n", 2, 32, "each argument once"},
    {HEAD "T0: enter h2 packet=null packet=plain\n", 2, 26, "each argument once"},
    {HEAD "T0: write_state h2 io buffer_size=1 buffer_size=2\n", 2, 37, "each argument once"},
    // what changed
    {CLOSED " changed=packet:0..1\n", 4, 17, "a pointer argument of the call"},
    {CLOSED " changed=handle:0..1\n", 4, 17, "a pointer argument of the call"},
    {ENTERED " changed=packet\n", 4, 23, "FROM..TO"},
    {ENTERED " changed=packet:1\n", 4, 23, "FROM..TO"},
    {ENTERED " changed=packet:1..1\n", 4, 23, "FROM..TO"},
    {ENTERED " changed=packet:2..1\n", 4, 23, "FROM..TO"},
    {ENTERED " changed=packet:0..1x\n", 4, 23, "FROM..TO"},
    {ENTERED " changed=packet:0..32768\n", 4, 23, "FROM..TO"},
    {ENTERED CHANGED3 CHANGED3 " changed=packet:0..1\n", 4, 129, "at most 6 changes"},
    {ENTERED " packet=4294967296\n", 4, 16, "from 0 to 4294967295"},
    {ENTERED " packet=1 status=x\n", 4, 18, "a number of 32 bits"},
    {ENTERED " packet=1 payload=0\n", 4, 26, "two digits"},
    {HEAD "= ZX_OK\n", 2, 1, "a script holds no results"},
    {"vcpuspec trace 2\narch x86-64\n= ZX_OK\n", 3, 1, "an operation before its result"},
    {"vcpuspec trace 2\narch x86-64\nT0: kick h2\n= ZX_OKK\n", 4, 3, "did you mean 'ZX_OK'"},
    {"vcpuspec trace 2\narch x86-64\nT0: kick h2\n= ZX_OK\n= ZX_OK\n", 5, 1, "before its result"},
    {"vcpuspec trace 2\narch x86-64\nT0: kick h2\n= ZX_OK sate\n", 4, 9, "what was observed"},
    {"vcpuspec trace 2\narch x86-64\nT0: kick h2\n= ZX_OK of=zx_vcpu_kik\n", 4, 9,
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
  for (size_t i = 0; i < 6; i++)
    cr_expect_eq(VS_OP_ARG(&d.ops[i], vcpu_interrupt, vector).number, vectors[i]);
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
  vs_document d = read_good("vcpuspec script 2\r\n\r\nT0: kick h2\r\nT0: kick h3");
  cr_expect_eq(d.count, 2);
  vs_document_free(&d);
}

// --- every call -------------------------------------------------------------------------------

static char* print_of(const vs_document* d) {
  char* text = NULL;
  size_t length;
  FILE* out = open_memstream(&text, &length);
  vs_print_document(out, d);
  fclose(out);
  return text;
}

// What is printed of it is read back into the same structs, and printed again it is the same.
static void is_printed_and_read_again(const vs_document* d, const char* what) {
  char* text = print_of(d);
  vs_document again = read_good(text);
  char* printed = print_of(&again);
  cr_expect_str_eq(printed, text, "%s", what);
  cr_assert_eq(again.count, d->count, "%s: %s", what, text);
  for (size_t i = 0; i < d->count; i++) {
    cr_expect(memcmp(&again.ops[i], &d->ops[i], sizeof d->ops[i]) == 0, "%s: %s", what, text);
    bool seen = !d->is_trace ||
                memcmp(&again.observations[i], &d->observations[i], sizeof d->observations[i]) == 0;
    cr_expect(seen, "%s: %s", what, text);
  }
  vs_document_free(&again);
  free(printed);
  free(text);
}

// An argument as its type has it, other than it is unless told, and that of parameter `at`.
static vs_arg unusual(uint8_t type, uint8_t at) {
  switch (type) {
    case VS_PARAM_HANDLE:
      return (vs_arg){.form = VS_HANDLE_FLIPPED, .slot = (uint8_t)(5 + at), .number = 0x40};
    case VS_PARAM_ENTRY:
      return (vs_arg){.form = VS_ENTRY_RAW, .number = 0x1000};
    case VS_PARAM_IN:
    case VS_PARAM_OUT:
      return (vs_arg){.at = VS_AT_STRADDLE, .argument = (uint16_t)(3 + at), .length = 9};
    case VS_PARAM_OUT_HANDLE:
      return (vs_arg){.at = VS_AT_STRADDLE, .argument = (uint16_t)(3 + at), .slot = 11};
    case VS_PARAM_IN_PACKET:
    case VS_PARAM_OUT_PACKET:
    case VS_PARAM_OUT_U64:
      return (vs_arg){.at = VS_AT_STRADDLE, .argument = (uint16_t)(3 + at)};
    case VS_PARAM_U64:
    case VS_PARAM_TIME:
    case VS_PARAM_SIZE:
      return (vs_arg){.number = UINT64_C(0x123456789abcdef0) + at};
    default:
      return (vs_arg){.number = 0xfffffff0u + at};
  }
}

static void say(FILE* out, const vs_param* param, bool positional, uint8_t at) {
  vs_arg arg = unusual(param->type, at);
  bool named = !positional || param->type == VS_PARAM_KIND || param->type == VS_PARAM_ENTRY;
  fputc(' ', out);
  if (named) fprintf(out, "%s=", param->name);
  if (vs_param_is_pointer(param->type)) {
    fprintf(out, "straddle:%u", arg.argument);
  } else if (param->type == VS_PARAM_HANDLE) {
    fprintf(out, "h%u^%llu", arg.slot, (unsigned long long)arg.number);
  } else {
    fprintf(out, "%llu", (unsigned long long)arg.number);
  }
}

// A script of one call, with every argument said; of two handles both go to slot 11.
static char* every_argument(uint8_t code) {
  char* text = NULL;
  size_t length;
  FILE* out = open_memstream(&text, &length);
  const vs_param* params = vs_ops[code].params;
  fputs(HEAD "T1: ", out);
  uint8_t at = 0;
  for (; (at = vs_param_find(code, VS_PARAM_OUT_HANDLE, at)) < VS_ARGS_MAX; at++)
    fputs("h11 ", out);
  if (vs_param_find(code, VS_PARAM_OUT_HANDLE, 0) < VS_ARGS_MAX) fputs("= ", out);
  fputs(vs_ops[code].name, out);
  for (unsigned named = 0; named < 2; named++) {
    for (uint8_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
      bool positional = vs_param_is_positional(code, i);
      if (positional == (named == 0)) say(out, &params[i], positional, i);
    }
  }
  bool in = vs_param_find(code, VS_PARAM_IN, 0) < VS_ARGS_MAX;
  if (in || vs_param_find(code, VS_PARAM_OUT, 0) < VS_ARGS_MAX) fputs(" length=9", out);
  if (in || vs_param_find(code, VS_PARAM_IN_PACKET, 0) < VS_ARGS_MAX) fputs(" bytes=0102", out);
  fputc('\n', out);
  fclose(out);
  return text;
}

Test(calls, are_read_with_every_argument_and_printed_again) {
  for (uint8_t code = 0; code < VS_CALL_COUNT; code++) {
    char* text = every_argument(code);
    vs_document d = read_good(text);
    cr_assert_eq(d.count, 1);
    cr_expect(d.ops[0].code == code && d.ops[0].thread == 1, "%s", text);
    for (uint8_t i = 0; i < VS_ARGS_MAX; i++) {
      uint8_t type = vs_ops[code].params[i].type;
      vs_arg right = type == VS_PARAM_NONE ? (vs_arg){0} : unusual(type, i);
      const vs_arg* got = &d.ops[0].args[i];
      cr_expect(got->number == right.number && got->form == right.form && got->slot == right.slot &&
                    got->at == right.at && got->argument == right.argument &&
                    got->length == right.length,
                "argument %u of %s", i, text);
    }
    is_printed_and_read_again(&d, text);
    vs_document_free(&d);
    free(text);
  }
}

Test(calls, are_printed_as_they_are_unless_told) {
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    for (uint8_t code = 0; code < VS_OP_COUNT; code++) {
      vs_op op = vs_op_new(code, vs_arch_find(arch));
      for (size_t i = 0; i < VS_ARGS_MAX; i++) {
        bool handle = vs_ops[code].params[i].type == VS_PARAM_HANDLE;
        if (handle && op.args[i].form != VS_HANDLE_RESOURCE) op.args[i] = vs_arg_slot(3);
      }
      vs_document d = {.arch = (vs_arch)arch, .title = "", .ops = &op, .count = 1};
      is_printed_and_read_again(&d, vs_ops[code].name);
    }
  }
}

Test(calls, take_every_form_of_a_handle) {
  static const struct {
    const char* text;
    vs_arg arg;
  } rows[] = {{"h15", {.slot = 15}},
              {"h2&~3", {.form = VS_HANDLE_CLEARED, .slot = 2, .number = 3}},
              {"h2^0x80000000", {.form = VS_HANDLE_FLIPPED, .slot = 2, .number = 0x80000000}},
              {"raw=0", {.form = VS_HANDLE_RAW}},
              {"raw=0xffffffff", {.form = VS_HANDLE_RAW, .number = 0xffffffff}},
              {"resource", {.form = VS_HANDLE_RESOURCE}},
              {"other_resource", {.form = VS_HANDLE_OTHER_RESOURCE}}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[128];
    snprintf(text, sizeof text, HEAD "T0: set_trap %s port_handle=%s\n", rows[i].text,
             rows[i].text);
    vs_document d = read_good(text);
    const vs_arg* by_position = &VS_OP_ARG(&d.ops[0], guest_set_trap, handle);
    const vs_arg* by_name = &VS_OP_ARG(&d.ops[0], guest_set_trap, port_handle);
    cr_expect(memcmp(by_position, &rows[i].arg, sizeof rows[i].arg) == 0, "%s", rows[i].text);
    cr_expect(memcmp(by_name, &rows[i].arg, sizeof rows[i].arg) == 0, "%s", rows[i].text);
    is_printed_and_read_again(&d, rows[i].text);
    vs_document_free(&d);
  }
}

// Whatever an observation of the op can hold.
static vs_observation any_observation(const vs_op* op, unsigned seed) {
  vs_observation o = {.outcome = VS_RETURNED, .call = VS_CALL_vcpu_enter, .status = -(int)seed};
  zx_port_packet_t* packet = &o.packet;
  if (seed % 2) o.handle = seed * 77;
  if (seed % 3 == 0) o.handle2 = seed * 5;
  if (seed % 7 == 0) o.number = UINT64_C(0x123456789) * seed;
  o.has_packet = seed % 5 < 4;
  if (seed % 5 == 0) packet->type = seed % 7, packet->guest_mem_arm64.addr = seed * 4096ull;
  if (seed % 5 == 1) {
    packet->type = ZX_PKT_TYPE_GUEST_IO;
    packet->guest_io = (zx_packet_guest_io_t){.port = 0xd0, .access_size = 2, .input = 1};
  }
  if (seed % 5 == 2) packet->type = ZX_PKT_TYPE_GUEST_IO, packet->guest_io.reserved[2] = seed;
  if (seed % 5 == 3) packet->key = UINT64_MAX - seed, packet->status = -(int)(seed % 3);
  for (uint8_t i = 0; i < VS_ARGS_MAX && seed % 11 < 6; i++) {
    int16_t from = (int16_t)((int)(seed % 100) - 50);
    bool pointer = vs_param_is_pointer(vs_ops[op->code].params[i].type);
    for (unsigned k = 0; k <= seed % 11 % 3 && pointer; k++) {
      vs_change* change = &o.changes[o.change_count++];
      change->parameter = i;
      change->from = from;
      change->to = (int16_t)(from + 1 + (int)k);
    }
  }
  o.held = seed % 13 == 0;
  o.has_state = seed % 4 == 0;
  for (size_t i = 0; i < 136 && o.has_state; i++) o.state[i] = (uint8_t)(seed * i);
  if (seed % 8 == 0) o.state[263] = 1;  // beyond the registers of x86-64
  return o;
}

Test(round_trip, whatever_was_observed) {
  for (unsigned seed = 0; seed < 2000; seed++) {
    vs_op op = vs_op_new((uint8_t)(seed % VS_CALL_COUNT), vs_arch_find(VS_ARCH_X64));
    if (vs_param_is_positional(op.code, 0)) op.args[0] = vs_arg_slot(2);
    vs_observation seen = any_observation(&op, seed);
    vs_document d = {.is_trace = true,
                     .arch = VS_ARCH_X64,
                     .title = "",
                     .ops = &op,
                     .observations = &seen,
                     .count = 1};
    is_printed_and_read_again(&d, "an observation");
  }
}

Test(round_trip, what_changed_of_each_pointer) {
  const char* text =
      "vcpuspec trace 2\narch x86-64\n\n"
      "T0: h0 h1 = guest_create\n"
      "= ZX_OK handle=0x3 handle2=0x7 changed=guest_handle:0..4 "
      "changed=vmar_handle:-3..-1 changed=vmar_handle:0..4\n"
      "T0: port_wait h3\n"
      "= ZX_OK changed=packet:0..48 packet=0 key=0x7 status=-3\n"
      "T0: vmar_map h1\n"
      "= ZX_OK number=0x10000 changed=mapped_addr:0..8\ndone\n";
  vs_document d = read_good(text);
  cr_assert_eq(d.count, 3);
  const vs_observation* made = &d.observations[0];
  cr_assert_eq(made->change_count, 3);
  cr_expect(vs_changed(made, VS_ARG(guest_create, guest_handle)));
  cr_expect(vs_changed(made, VS_ARG(guest_create, vmar_handle)));
  cr_expect(!vs_changed(made, VS_ARG(guest_create, options)));
  cr_expect(made->changes[1].from == -3 && made->changes[1].to == -1);
  const zx_port_packet_t* packet = &d.observations[1].packet;
  cr_expect(d.observations[1].has_packet && packet->key == 7 && packet->status == -3);
  cr_expect_eq(d.observations[2].number, 0x10000);
  cr_expect_eq(d.end, VS_TRACE_DONE);
  is_printed_and_read_again(&d, "changes");
  char* printed = print_of(&d);
  cr_expect_str_eq(printed, text);
  free(printed);
  vs_document_free(&d);
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
