// SPDX-License-Identifier: BSD-3-Clause
// What judging tells a listener: the point of each call, what it was about, and where that is not
// certain.
#include <criterion/criterion.h>
#include <string.h>

#include "coverage/words.h"
#include "oracle.h"
#include "text/document.h"

#define X64 "vcpuspec trace 2\narch x86-64\n"
#define GUEST "T0: h0 h1 = guest_create\n= ZX_OK handle=0x3 handle2=0x7\n"
#define LOAD "T0: h8 = guest_load h0 h1\n= ZX_OK handle=0x13\n"
#define VCPU "T0: h2 = vcpu_create h0 dump\n= ZX_OK handle=0xb\n"
#define OP(op, answer) "T0: " op "\n= " answer "\n"

enum { TOLD = 16 };

typedef struct told {
  size_t count;
  vs_passage items[TOLD];
} told;

static void hear(const vs_passage* passage, void* context) {
  told* t = context;
  cr_assert_lt(t->count, (size_t)TOLD);
  t->items[t->count++] = *passage;
}

static vs_oracle oracle;

static told listen(const char* profile, const char* text) {
  told t = {0};
  vs_document d;
  vs_fault fault;
  vs_source source = vs_source_of(text, strlen(text));
  const vs_reading reading = {.arch = VS_ARCH_X64};
  const vs_listener listener = {hear, &t};
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%s", fault.message);
  const vs_trace trace = vs_document_trace(&d);
  (void)vs_judge_telling(&oracle, &trace, vs_profile_find(profile), &listener);
  vs_document_free(&d);
  return t;
}

static void is_point(const told* t, size_t at, const char* words) {
  char said[VS_POINT_WORDS];
  cr_assert_lt(at, t->count);
  cr_assert_eq(t->items[at].sort, VS_PASSED);
  vs_point_say(&t->items[at].point, said);
  cr_expect_str_eq(said, words);
}

Test(point, a_call_that_makes_objects_says_which) {
  const told t = listen("documented", X64 GUEST VCPU);
  cr_assert_eq(t.count, 2);
  is_point(&t, 0, "guest_create: nothing wrong");
  is_point(&t, 1, "vcpu_create: nothing wrong");
  cr_expect(t.items[0].forced && t.items[1].forced);
  cr_expect_eq(t.items[0].object, VS_OBJECTS);  // a resource is no object
  cr_expect_lt(t.items[0].made[0], VS_OBJECTS);
  cr_expect_lt(t.items[0].made[1], VS_OBJECTS);
  cr_expect_eq(t.items[1].object, t.items[0].made[0]);
  cr_expect_lt(t.items[1].made[0], VS_OBJECTS);
  cr_expect_eq(t.items[1].made[1], VS_OBJECTS);
}

Test(point, a_refused_call_makes_nothing_and_names_what_is_wrong) {
  const told t = listen("documented", X64 GUEST OP("h2 = vcpu_create h0 dump options=1 out=null",
                                                   "ZX_ERR_INVALID_ARGS"));
  is_point(&t, 1, "vcpu_create: options, out");
  cr_expect_eq(t.items[1].made[0], VS_OBJECTS);
  cr_expect_eq(t.items[1].status, ZX_ERR_INVALID_ARGS);
  cr_expect(t.items[1].forced);
}

Test(point, where_several_answers_are_allowed_none_is_forced) {
  const told t =
      listen("documented", X64 GUEST OP("set_trap h0 kind=1 addr=0x40000000 size=0", "ZX_OK"));
  is_point(&t, 1, "set_trap: empty, empty_range");
  cr_expect(!t.items[1].forced);
}

Test(point, what_is_named_tells_calls_apart) {
  const told t = listen("documented", X64 GUEST VCPU OP("kick h2", "ZX_OK") OP("kick h2", "ZX_OK"));
  is_point(&t, 2, "kick: nothing wrong");
  is_point(&t, 3, "kick[kicked]: nothing wrong");
}

// By the order of a published kernel a check is looked at that the page does not make.
Test(point, is_what_the_profile_looks_at) {
  const char text[] =
      X64 GUEST OP("set_trap h0 kind=1 addr=0x100000000000000 size=0x1000", "ZX_ERR_INVALID_ARGS");
  const told t = listen("zircon-x64", text);
  is_point(&t, 1, "set_trap: unmap");
  // It asks for another answer: the call is not told, and what is before it twice.
  cr_expect_eq(listen("documented", text).count, 2);
}

Test(point, the_last_handle_ends_the_object) {
  const told t = listen("documented", X64 OP("h9 = event_create", "ZX_OK handle=0x33")
                                          OP("h10 = duplicate h9 same_rights", "ZX_OK handle=0x37")
                                              OP("close h9", "ZX_OK") OP("close h10", "ZX_OK"));
  cr_assert_eq(t.count, 4);
  cr_expect(!t.items[1].ended && !t.items[2].ended && t.items[3].ended);
  cr_expect_eq(t.items[3].object, t.items[0].made[0]);
}

Test(point, an_op_that_is_no_call_tells_of_what_it_made) {
  const told t = listen("documented", X64 GUEST LOAD "T1: thread_exit\n= ZX_OK\n");
  cr_assert_eq(t.count, 3);
  cr_expect_eq(t.items[1].sort, VS_MADE);
  cr_expect_lt(t.items[1].made[0], VS_OBJECTS);
  cr_expect_eq(t.items[2].sort, VS_MADE);
  cr_expect_eq(t.items[2].made[0], VS_OBJECTS);
}

Test(point, a_call_that_ran_beside_others_is_unclear) {
  const told t =
      listen("documented", X64 GUEST VCPU "T1: start kick h2\n= started\n" OP(
                               "kick h2", "ZX_OK") "T1: join\n= ZX_OK\n" OP("kick h2", "ZX_OK"));
  for (size_t i = 2; i < t.count; i++) cr_expect_eq(t.items[i].sort, VS_UNCLEAR, "%zu", i);
  cr_expect_gt(t.count, 3);
}

Test(point, a_guest_that_is_started_is_not_told) {
  const told t = listen("documented", X64 GUEST LOAD VCPU
                        "T1: h3 = vcpu_create h0 spin\n= ZX_OK handle=0xf\n"
                        "T1: start enter h3\n= started\n");
  cr_expect_eq(t.count, 4);
}

// Whether a refused zx_handle_replace has closed its handle is open: two explanations, and of each
// the next call is another one.
Test(point, what_explanations_see_differently_is_unclear) {
  const told t = listen(
      "documented", X64 OP("h9 = event_create", "ZX_OK handle=0x33")
                        OP("h10 = replace h9 same_rights out=null", "ZX_ERR_INVALID_ARGS")
                            OP("h11 = duplicate h9 same_rights out=null", "ZX_ERR_INVALID_ARGS"));
  is_point(&t, 1, "replace: out");
  cr_assert_eq(t.count, 3);
  cr_expect_eq(t.items[2].sort, VS_UNCLEAR);
}

Test(point, a_call_that_is_not_predicted_is_unclear) {
  const told t = listen("documented", X64 OP("h9 = event_create", "ZX_OK handle=0x33")
                                          OP("h9 = event_create options=7", "ZX_ERR_INVALID_ARGS"));
  cr_assert_eq(t.count, 2);
  cr_expect_eq(t.items[1].sort, VS_UNCLEAR);
}

Test(point, after_a_violation_what_follows_is_told_as_well) {
  const told t = listen("documented", X64 GUEST VCPU OP("write_state h2 kind=9 as=state", "ZX_OK")
                                          OP("write_state h2 io access=4", "ZX_OK"));
  cr_expect_gt(t.count, 3);
  is_point(&t, t.count - 1, "write_state[io]: nothing wrong");
}

Test(point, without_a_listener_judging_is_the_same) {
  vs_document d;
  vs_fault fault;
  const char text[] = X64 GUEST "T1: start kick h0\n= started\nT1: join\n= ZX_ERR_WRONG_TYPE\n";
  vs_source source = vs_source_of(text, strlen(text));
  const vs_reading reading = {.arch = VS_ARCH_X64};
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK);
  const vs_trace trace = vs_document_trace(&d);
  cr_expect_eq(vs_judge(&oracle, &trace, vs_profile_find("documented")).step, VS_STEP_ALLOWED);
  vs_document_free(&d);
}

// --- names ---------------------------------------------------------------------------------------

// The facts that names look at, each way.
static vs_facts facts_of(vs_op_code call, unsigned bits) {
  vs_facts f = {.call = (uint8_t)call};
  f.trap_bell = (bits & 1) != 0;
  f.trap_io = (bits & 2) != 0;
  f.handle.right_type = (bits & 4) != 0;
  f.on_creator = (bits & 8) != 0;
  f.running = (bits & 16) != 0;
  f.kicked = (bits & 32) != 0;
  f.io = (bits & 64) != 0;
  f.handle.given = (bits & 128) != 0;
  return f;
}

Test(point, each_name_is_of_one_call_and_says_something_of_it) {
  enum { EACH_WAY = 256 };
  const vs_profile* profile = vs_profile_find("documented");
  for (unsigned n = 0; n < VS_NAMED_COUNT; n++) {
    unsigned holds = 0;
    unsigned elsewhere = 0;
    for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
      for (unsigned bits = 0; bits < EACH_WAY; bits++) {
        const vs_facts f = facts_of((vs_op_code)call, bits);
        const bool named = (vs_point_of(&f, profile).named & VS_BIT(n)) != 0;
        holds += named && call == vs_nameds[n].call;
        elsewhere += named && call != vs_nameds[n].call;
      }
    }
    cr_expect(holds > 0 && holds < EACH_WAY, "%s: %u of %d", vs_nameds[n].name, holds, EACH_WAY);
    cr_expect_eq(elsewhere, 0, "%s", vs_nameds[n].name);
  }
}

// --- clauses ------------------------------------------------------------------------------------

Test(point, a_refusal_bears_out_its_error_and_an_accepted_call_that_it_had_to_be) {
  const vs_allowed refused = {ZX_ERR_INVALID_ARGS, VS_CHECK_KIND, VS_LATITUDE_COUNT};
  const vs_allowed accepted = {ZX_OK, VS_CHECK_NONE, VS_LATITUDE_COUNT};
  cr_expect_eq(vs_point_clause(VS_CALL_vcpu_write_state, &refused), VS_CLAUSE_INVALID_KIND);
  cr_expect_eq(vs_point_clause(VS_CALL_vcpu_write_state, &accepted), VS_CLAUSE_RETURN_OK);
}
