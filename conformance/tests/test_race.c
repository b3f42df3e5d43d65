// SPDX-License-Identifier: BSD-3-Clause
// Calls that meet, and buffers that change: what some order explains is allowed, and nothing else.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "text/document.h"

#define HEAD                                                   \
  "vcpuspec trace 2\narch x86-64\n"                            \
  "T0: h0 h1 = guest_create\n= ZX_OK handle=0x3 handle2=0x7\n" \
  "T0: h2 = vcpu_create h0 dump\n= ZX_OK handle=0xb\n"
#define DUPLICATE "T0: h3 = duplicate h2 same_rights\n= ZX_OK handle=0xf\n"
#define START(op) "T1: start " op "\n= started\n"
#define JOIN(answer) "T1: join\n= " answer "\n"
#define WRITE(op, answer) "T0: write_state " op "\n= " answer "\n"
#define READ(registers) "T0: read_state h2\n= ZX_OK state " registers "\n"
#define ZEROED WRITE("h2 state rflags=2", "ZX_OK")
#define ODD_REFUSED                                \
  WRITE("h2 io access=200", "ZX_ERR_INVALID_ARGS") \
  WRITE("h2 io access=3", "ZX_ERR_INVALID_ARGS") ZEROED READ("")

// A guest that is entered on T1 beside what T0 does.
#define GUEST                                                  \
  "vcpuspec trace 2\narch x86-64\n"                            \
  "T0: h0 h1 = guest_create\n= ZX_OK handle=0x3 handle2=0x7\n" \
  "T0: h8 = guest_load h0 h1\n= ZX_OK handle=0x13\n"           \
  "T1: h2 = vcpu_create h0 dump\n= ZX_OK handle=0xb\n"         \
  "T1: write_state h2 state rflags=2\n= ZX_OK\n"
#define DUMPED "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rflags=2"
#define KICK "T0: kick h2\n= ZX_OK\n"
#define ENTER(answer) "T1: enter h2\n= " answer "\n"

static const struct {
  const char* what;
  const char* text;
  vs_clause_code breaks;  // VS_CLAUSE_COUNT: nothing
} races[] = {
    {"the write came before the close",
     HEAD DUPLICATE START("close h3") WRITE("h3 state rax=1 rflags=2", "ZX_OK") JOIN("ZX_OK")
         READ("rax=1"),
     VS_CLAUSE_COUNT},
    {"the close came before the write",
     HEAD DUPLICATE ZEROED START("close h3") WRITE("h3 state rax=1 rflags=2", "ZX_ERR_BAD_HANDLE")
         JOIN("ZX_OK") READ(""),
     VS_CLAUSE_COUNT},
    {"neither came first",
     HEAD DUPLICATE START("close h3") WRITE("h3 state rflags=2", "ZX_ERR_BAD_STATE") JOIN("ZX_OK"),
     VS_CLAUSE_PAUSED},
    {"refused, and written all the same",
     HEAD DUPLICATE ZEROED START("close h3") WRITE("h3 state rax=1 rflags=2", "ZX_ERR_BAD_HANDLE")
         JOIN("ZX_OK") READ("rax=1"),
     VS_CLAUSE_UNCHANGED},
    {"after the join it is closed",
     HEAD DUPLICATE START("close h3") JOIN("ZX_OK") WRITE("h3 state rflags=2", "ZX_OK"),
     VS_CLAUSE_BAD_HANDLE},
    {"two threads close one handle",
     HEAD DUPLICATE START("close h3") "T0: close h3\n= ZX_OK\n" JOIN("ZX_ERR_BAD_HANDLE"),
     VS_CLAUSE_COUNT},
    {"two threads close one handle, and both may",
     HEAD DUPLICATE START("close h3") "T0: close h3\n= ZX_OK\n" JOIN("ZX_OK"),
     VS_CLAUSE_CLOSE_BAD_HANDLE},
    {"the closed value is another handle's by now",
     HEAD DUPLICATE ZEROED START("close h3")
         JOIN("ZX_OK") "T0: h4 = duplicate h2 same_rights\n= ZX_OK handle=0xf\n"
                       "T0: read_state h3\n= ZX_OK state\n",
     VS_CLAUSE_COUNT},
    {"the thread is wrong, whatever was found in the buffer",
     HEAD "T2: write_state h2 state rflags=2 held=128:0000\n= ZX_OK held\n", VS_CLAUSE_SAME_THREAD},
    {"the size was right before, and is wrong now, and neither is told",
     HEAD WRITE("h2 io access=1 held=0:c8", "ZX_ERR_BAD_STATE held"), VS_CLAUSE_PAUSED},
    {"a kick stops the guest within its dump, which then is half of before",
     GUEST START("enter h2")
         KICK JOIN("ZX_ERR_CANCELED") "T1: write_state h2 state rflags=2\n= ZX_OK\n" ENTER(
             "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9 rflags=2"),
     VS_CLAUSE_COUNT},
    {"a kick stops the guest within its dump, and the one after is whole",
     GUEST START("enter h2") KICK JOIN("ZX_ERR_CANCELED")
         ENTER(DUMPED) "T1: write_state h2 state rflags=2\n= ZX_OK\n" ENTER(
             "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"the guest left with a register that is wrong, and the kick is not to blame",
     GUEST START("enter h2")
         KICK JOIN("ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"a kick that came before stops nothing",
     GUEST KICK ENTER("ZX_ERR_CANCELED")
         ENTER("ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"a write from the wrong thread, beside a right one",
     HEAD START("write_state h2 state rax=2 rflags=2") WRITE("h2 state rax=1 rflags=2", "ZX_OK")
         JOIN("ZX_OK"),
     VS_CLAUSE_SAME_THREAD},
    {"a kick before the guest left",
     GUEST START("enter h2") KICK JOIN("ZX_ERR_CANCELED") ENTER(DUMPED), VS_CLAUSE_COUNT},
    {"a kick after the guest left",
     GUEST START("enter h2") KICK JOIN(DUMPED) ENTER("ZX_ERR_CANCELED"), VS_CLAUSE_COUNT},
    {"a kick that is lost", GUEST START("enter h2") KICK JOIN(DUMPED) ENTER(DUMPED),
     VS_CLAUSE_KICK},
    {"a kick that counts twice",
     GUEST START("enter h2") KICK JOIN("ZX_ERR_CANCELED") ENTER("ZX_ERR_CANCELED"), VS_CLAUSE_KICK},
    {"two kicks, one of each entry",
     GUEST START("enter h2") KICK KICK JOIN("ZX_ERR_CANCELED") ENTER("ZX_ERR_CANCELED"),
     VS_CLAUSE_COUNT},
    {"closed before it was entered",
     GUEST START("enter h2") "T0: close h2\n= ZX_OK\n" JOIN("ZX_ERR_BAD_HANDLE"), VS_CLAUSE_COUNT},
    {"closed after it was entered", GUEST START("enter h2") "T0: close h2\n= ZX_OK\n" JOIN(DUMPED),
     VS_CLAUSE_COUNT},

    {"access_size as it was",
     HEAD ODD_REFUSED WRITE("h2 io access=1 data=0x11223344 held=0:c8", "ZX_OK held")
         READ("rax=0x44"),
     VS_CLAUSE_COUNT},
    {"access_size as it became",
     HEAD ODD_REFUSED WRITE("h2 io access=1 data=0x11223344 held=0:c8", "ZX_ERR_INVALID_ARGS held")
         READ(""),
     VS_CLAUSE_COUNT},
    {"access_size as it became, and it is a good one",
     HEAD ODD_REFUSED WRITE("h2 io access=1 data=0x11223344 held=0:02", "ZX_OK held")
         READ("rax=0x3344"),
     VS_CLAUSE_COUNT},
    {"access_size checked as it was, and used as it became",
     HEAD ODD_REFUSED WRITE("h2 io access=1 data=0x11223344 held=0:c8", "ZX_OK held")
         READ("rax=0x11223344"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"it was not held, so nothing changed",
     HEAD ODD_REFUSED WRITE("h2 io access=1 data=0x11223344 held=0:c8", "ZX_ERR_INVALID_ARGS"),
     VS_CLAUSE_KIND},
    {"bytes of a register, some old, some new",
     HEAD WRITE("h2 state rax=0x1111111111 rflags=2 flip=0:2222222222", "ZX_OK held")
         READ("rax=0x1122112211"),
     VS_CLAUSE_COUNT},
    {"a byte of a register, old and new at once",
     HEAD WRITE("h2 state rax=0x1111111111 rflags=2 flip=0:2222222222", "ZX_OK held")
         READ("rax=0x1122113311"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"a register beside those that change",
     HEAD WRITE("h2 state rax=1 rcx=5 rflags=2 flip=0:02", "ZX_OK held") READ("rax=2 rcx=6"),
     VS_CLAUSE_REGISTERS},
    {"the gate as it was, the flags as they became",
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=1", "ZX_OK") READ("")
         WRITE("h2 state rflags=2 held=128:40", "ZX_OK held") READ("rflags=0x40"),
     VS_CLAUSE_ONE_SNAPSHOT},
};

static vs_judgement judge(const char* text, size_t* count) {
  static vs_oracle oracle;
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%zu:%zu: %s\n%s",
               fault.line, fault.column, fault.message, text);
  vs_trace trace = vs_document_trace(&d);
  vs_judgement result = vs_judge(&oracle, &trace, vs_profile_find("documented"));
  *count = d.count;
  vs_document_free(&d);
  return result;
}

Test(races, each_is_judged_by_the_orders_that_explain_it) {
  for (size_t i = 0; i < sizeof races / sizeof races[0]; i++) {
    size_t count;
    vs_judgement got = judge(races[i].text, &count);
    bool wrong = races[i].breaks != VS_CLAUSE_COUNT;
    cr_expect_eq(got.step, wrong ? VS_STEP_VIOLATION : VS_STEP_ALLOWED, "%s: step %d at op %zu",
                 races[i].what, got.step, got.at);
    if (!wrong || got.step != VS_STEP_VIOLATION) continue;
    cr_expect_eq(got.violation.clause, races[i].breaks, "%s: breaks %s, not %s", races[i].what,
                 vs_clauses[got.violation.clause].id, vs_clauses[races[i].breaks].id);
  }
}

// Three threads whose calls meet again and again, each open to every choice: there may be too many
// worlds, and then nothing is claimed.
Test(races, too_many_worlds_are_no_violation) {
  char text[4096] = HEAD;
  strcat(text,
         "T1: h4 = vcpu_create h0 dump\n= ZX_OK handle=0x17\n"
         "T2: h5 = vcpu_create h0 dump\n= ZX_OK handle=0x1b\n"
         "T3: h6 = vcpu_create h0 dump\n= ZX_OK handle=0x1f\n");
  for (int i = 1; i <= 3; i++) {
    char line[256];
    snprintf(line, sizeof line,
             "T%d: start write_state h%d io access=%d data=0x01010101 flip=0:04\n= started\n", i,
             3 + i, i == 3 ? 4 : i);
    strcat(text, line);
  }
  strcat(text, WRITE("h2 state", "ZX_OK"));
  for (int i = 1; i <= 3; i++) {
    char line[64];
    snprintf(line, sizeof line, "T%d: join\n= ZX_OK held\n", i);
    strcat(text, line);
  }
  size_t count;
  vs_judgement got = judge(text, &count);
  cr_expect(got.step == VS_STEP_ALLOWED || (got.step == VS_STEP_BROKEN && got.overflow),
            "step %d at op %zu", got.step, got.at);
}
