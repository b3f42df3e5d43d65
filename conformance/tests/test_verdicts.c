// SPDX-License-Identifier: BSD-3-Clause
// Traces as text, and what the oracle makes of each: the situations that no conforming backend gets
// the suite's cases into.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "place.h"
#include "text/document.h"

#define X64 "vcpuspec trace 2\narch x86-64\n"
#define ARM64 "vcpuspec trace 2\narch arm64\n"
#define GUEST "T0: h0 h1 = guest_create\n= ZX_OK handle=0x3 handle2=0x7\n"
#define LOAD "T0: h8 = guest_load h0 h1\n= ZX_OK handle=0x13\n"
#define VCPU(program) "T0: h2 = vcpu_create h0 " program "\n= ZX_OK handle=0xb\n"
#define SECOND "T1: h3 = vcpu_create h0 dump\n= ZX_OK handle=0xf\n"
#define HEAD X64 GUEST VCPU("dump")
#define HEAD_ARM64 ARM64 GUEST LOAD VCPU("dump")
#define START(op) "T1: start " op "\n= started\n"
#define VCPU_ON_1 "T1: h2 = vcpu_create h0 dump\n= ZX_OK handle=0xb\n"
#define OP(op, answer) "T0: " op "\n= " answer "\n"
#define ON(thread, op, answer) thread ": " op "\n= " answer "\n"
#define WRITE(op, answer) OP("write_state " op, answer)
#define EVENT OP("h9 = event_create", "ZX_OK handle=0x33") OP("close h9", "ZX_OK")
#define FOUR_EVENTS EVENT EVENT EVENT EVENT
#define FLAGS(written, seen) WRITE("h2 state rflags=" written "|2", "ZX_OK") READ("rflags=" seen)
#define READ(registers) OP("read_state h2", "ZX_OK state " registers)

static const vs_profile strict = {.id = "strict", .summary = "no choice is left"};
static const vs_profile ungated = {
    .id = "ungated", .summary = "no gate", .quirks = VS_BIT(VS_QUIRK_FLAGS_UNGATED)};
static const vs_profile zeroing = {
    .id = "zeroing", .summary = "zeroes", .quirks = VS_BIT(VS_QUIRK_IO_UPPER_ZEROED)};

typedef struct verdict {
  const char* what;
  const char* profile;  // by name, or
  const vs_profile* own;
  const char* text;
  vs_clause_code breaks;  // VS_CLAUSE_COUNT: nothing
} verdict;

#define NOTHING VS_CLAUSE_COUNT

// A kick that meets the spinning program anywhere.
#define SPUN(arch, written, seen)                                                              \
  arch GUEST LOAD "T1: h2 = vcpu_create h0 spin\n= ZX_OK handle=0xb\n" ON(                     \
      "T1", "write_state h2 state " written, "ZX_OK") START("enter h2") OP("kick h2", "ZX_OK") \
      ON("T1", "join", "ZX_ERR_CANCELED") ON("T1", "read_state h2", "ZX_OK state " seen)
// One that comes before.
#define UNSPUN(arch, written, seen)                                          \
  arch GUEST LOAD "T1: h2 = vcpu_create h0 spin\n= ZX_OK handle=0xb\n" ON(   \
      "T1", "write_state h2 state " written, "ZX_OK") OP("kick h2", "ZX_OK") \
      ON("T1", "enter h2", "ZX_ERR_CANCELED") ON("T1", "read_state h2", "ZX_OK state " seen)

#define MORE ON("T1", "h5 = vcpu_create h0 dump", "ZX_OK handle=0x27")

static const verdict verdicts[] = {
    // --- a kick within a program ---
    {"the register that arm64's spin borrows", "documented", NULL,
     SPUN(ARM64, "x0=1 x1=2", "x0=0x7000 x1=2"), NOTHING},
    {"one that it does not borrow", "documented", NULL, SPUN(ARM64, "x0=1 x1=2", "x0=1 x1=3"),
     VS_CLAUSE_REGISTERS},
    {"none that was lost before it began", "documented", NULL,
     UNSPUN(ARM64, "x0=1 x1=2", "x0=0x7000 x1=2"), VS_CLAUSE_REGISTERS},
    {"x86-64's borrows none", "documented", NULL,
     SPUN(X64, "rax=1 rflags=2", "rax=0x7000 rflags=2"), VS_CLAUSE_REGISTERS},
    {"x86-64's keeps all", "documented", NULL, SPUN(X64, "rax=1 rflags=2", "rax=1 rflags=2"),
     NOTHING},
    {"a vCPU that is not the first, and leaves as it likes", "documented", NULL,
     X64 GUEST LOAD VCPU("dump") "T2: h3 = vcpu_create h0 dump\n= ZX_OK handle=0xf\n"
                                 "T2: start enter h3\n= started\n" ON("T2", "join",
                                                                      "ZX_OK packet=7"),
     NOTHING},
    // --- a profile of the user's own ---
    {"the gate is shut where no latitude leaves it open", NULL, &strict,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=0"),
     NOTHING},
    {"flags that go through a shut gate", NULL, &strict,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=1"),
     VS_CLAUSE_FLAGS},
    {"flags that have no gate", NULL, &ungated,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=1"),
     NOTHING},
    {"flags without a gate that are gated", NULL, &ungated,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=0"),
     VS_CLAUSE_FLAGS},
    {"what is above an access is zeroed", NULL, &zeroing,
     HEAD WRITE("h2 state rax=0x1111 rflags=2", "ZX_OK") WRITE("h2 io access=1 data=0x22", "ZX_OK")
         READ("rax=0x22"),
     NOTHING},
    {"what is above an access is to be zeroed, and kept", NULL, &zeroing,
     HEAD WRITE("h2 state rax=0x1111 rflags=2", "ZX_OK") WRITE("h2 io access=1 data=0x22", "ZX_OK")
         READ("rax=0x1122"),
     VS_CLAUSE_IO},
    {"an odd access size that must be refused", NULL, &strict,
     HEAD WRITE("h2 io access=3 data=1", "ZX_ERR_INVALID_ARGS"), NOTHING},
    {"an odd access size that must be refused, and is accepted", NULL, &strict,
     HEAD WRITE("h2 io access=3 data=1", "ZX_OK"), VS_CLAUSE_IO},
    {"ZX_VCPU_IO that must be accepted without ports", NULL, &strict,
     HEAD_ARM64 WRITE("h2 io access=1 data=1", "ZX_OK"), NOTHING},
    {"ZX_VCPU_IO that must be accepted without ports, and is refused", NULL, &strict,
     HEAD_ARM64 WRITE("h2 io access=1 data=1", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_KIND},
    {"ZX_VCPU_IO from elsewhere, told so", NULL, &strict,
     HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_BAD_STATE"), NOTHING},
    {"ZX_VCPU_IO from elsewhere, told that its arguments are wrong", NULL, &strict,
     HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_BAD_STATE},

    // --- choices that are made once ---
    {"NT of one vCPU is honoured, and ignored of the other", "documented", NULL,
     HEAD SECOND WRITE("h2 state rflags=2", "ZX_OK") READ("")
         ON("T1", "write_state h3 state rflags=2", "ZX_OK") ON("T1", "read_state h3", "ZX_OK state")
             WRITE("h2 state rflags=0x4002", "ZX_OK")
                 ON("T1", "write_state h3 state rflags=0x4002", "ZX_OK") READ("rflags=0x4000")
                     ON("T1", "read_state h3", "ZX_OK state"),
     VS_CLAUSE_FLAGS},
    {"NT of one vCPU is ignored, and honoured of the other", "documented", NULL,
     HEAD SECOND WRITE("h2 state rflags=2", "ZX_OK") READ("")
         ON("T1", "write_state h3 state rflags=2", "ZX_OK") ON("T1", "read_state h3", "ZX_OK state")
             WRITE("h2 state rflags=0x4002", "ZX_OK")
                 ON("T1", "write_state h3 state rflags=0x4002", "ZX_OK") READ("")
                     ON("T1", "read_state h3", "ZX_OK state rflags=0x4000"),
     VS_CLAUSE_FLAGS},
    {"NT of both vCPUs is ignored", "documented", NULL,
     HEAD SECOND WRITE("h2 state rflags=2", "ZX_OK") READ("")
         ON("T1", "write_state h3 state rflags=2", "ZX_OK") ON("T1", "read_state h3", "ZX_OK state")
             WRITE("h2 state rflags=0x4002", "ZX_OK")
                 ON("T1", "write_state h3 state rflags=0x4002", "ZX_OK") READ("")
                     ON("T1", "read_state h3", "ZX_OK state"),
     NOTHING},
    {"the wrong thread is told BAD_STATE, and then INVALID_ARGS", "documented", NULL,
     HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_BAD_STATE")
         ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS"),
     VS_CLAUSE_BAD_STATE},
    {"the wrong thread is told INVALID_ARGS, and then BAD_STATE", "documented", NULL,
     HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS")
         ON("T1", "write_state h2 io access=1", "ZX_ERR_BAD_STATE"),
     VS_CLAUSE_BAD_STATE},
    {"the wrong thread is told INVALID_ARGS twice", "documented", NULL,
     HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS")
         ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS"),
     NOTHING},
    {"the wrong thread is told both, where an odd access size is wrong as well", "documented", NULL,
     HEAD ON("T1", "write_state h2 io access=3", "ZX_ERR_INVALID_ARGS")
         ON("T1", "write_state h2 io access=1", "ZX_ERR_BAD_STATE"),
     NOTHING},
    {"the wrong thread is told both, where there are no ports", "documented", NULL,
     HEAD_ARM64 ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS")
         ON("T1", "write_state h2 io access=1", "ZX_ERR_BAD_STATE"),
     NOTHING},
    {"an odd access size is accepted, and then refused", "documented", NULL,
     HEAD WRITE("h2 io access=200 data=1", "ZX_OK")
         WRITE("h2 io access=200 data=1", "ZX_ERR_INVALID_ARGS"),
     VS_CLAUSE_IO},
    {"an odd access size is refused, and then accepted", "documented", NULL,
     HEAD WRITE("h2 io access=200 data=1", "ZX_ERR_INVALID_ARGS")
         WRITE("h2 io access=200 data=1", "ZX_OK"),
     VS_CLAUSE_IO},
    {"one odd access size is refused, and another accepted", "documented", NULL,
     HEAD WRITE("h2 io access=200 data=1", "ZX_ERR_INVALID_ARGS")
         WRITE("h2 io access=136 data=1", "ZX_OK") WRITE("h2 io access=72 data=1", "ZX_OK"),
     NOTHING},
    {"of an odd access size without ports nothing is held", "documented", NULL,
     HEAD_ARM64 WRITE("h2 io access=3 data=1", "ZX_ERR_INVALID_ARGS")
         WRITE("h2 io access=3 data=1", "ZX_OK") WRITE("h2 io access=3", "ZX_ERR_INVALID_ARGS"),
     NOTHING},
    {"ZX_VCPU_IO that is accepted without ports changes what it will", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state", "ZX_OK") WRITE("h2 io access=1 data=1", "ZX_OK")
         READ("x0=5 x30=6 sp=7 cpsr=0xf0000000"),
     NOTHING},

    {"NT that is written as it is tells nothing of whether it is honoured", "documented", NULL,
     HEAD FLAGS("0x4000", "0x4000") FLAGS("0x4000", "0x4000") FLAGS("0", "0x4000"), NOTHING},
    {"NT that is seen for the first time tells nothing", "documented", NULL,
     HEAD FLAGS("0x4000", "0") FLAGS("0x4000", "0x4000"), NOTHING},
    {"two writes of NT without a look between tell nothing", "documented", NULL,
     HEAD FLAGS("0", "0") WRITE("h2 state rflags=0x4002", "ZX_OK") FLAGS("0", "0")
         FLAGS("0x4000", "0"),
     NOTHING},
    {"NT is set, and cleared against the write", "documented", NULL,
     HEAD FLAGS("0x4000", "0x4000") FLAGS("0x4000", "0"), VS_CLAUSE_FLAGS},
    {"NT was honoured when it was set, and is when it is cleared", "documented", NULL,
     HEAD FLAGS("0", "0") FLAGS("0x4000", "0x4000") FLAGS("0", "0"), NOTHING},
    {"NT was ignored while it was set, and stays set", "documented", NULL,
     HEAD FLAGS("0", "0x4000") FLAGS("0", "0x4000") FLAGS("0", "0x4000"), NOTHING},
    {"NT was ignored while it was set, and is cleared", "documented", NULL,
     HEAD FLAGS("0", "0x4000") FLAGS("0", "0x4000") FLAGS("0", "0"), VS_CLAUSE_FLAGS},
    {"NT was ignored while it was clear, and stays clear", "documented", NULL,
     HEAD FLAGS("0", "0") FLAGS("0x4000", "0") FLAGS("0x4000", "0"), NOTHING},
    {"NT was ignored while it was clear, and is set", "documented", NULL,
     HEAD FLAGS("0", "0") FLAGS("0x4000", "0") FLAGS("0x4000", "0x4000"), VS_CLAUSE_FLAGS},
    {"NT was honoured, and is not of a vCPU of which nothing is known", "documented", NULL,
     HEAD FLAGS("0", "0") FLAGS("0x4000", "0x4000")
         SECOND ON("T1", "write_state h3 state rflags=0x4002", "ZX_OK")
             ON("T1", "read_state h3", "ZX_OK state"),
     VS_CLAUSE_FLAGS},
    {"NT is ignored, as another vCPU shows before anybody looks at this one", "documented", NULL,
     HEAD SECOND FLAGS("0", "0") ON("T1", "write_state h3 state rflags=2", "ZX_OK")
         ON("T1", "read_state h3", "ZX_OK state") WRITE("h2 state rflags=0x4002", "ZX_OK")
             ON("T1", "write_state h3 state rflags=0x4002", "ZX_OK")
                 ON("T1", "read_state h3", "ZX_OK state") FLAGS("0", "0"),
     NOTHING},
    {"an access of no bytes takes none", "zircon-2018", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 io access=0 data=0xffffffff", "ZX_OK")
         READ("rax=0"),
     NOTHING},
    {"an access of three bytes takes three", "zircon-2018", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 io access=3 data=0xffffffff", "ZX_OK")
         READ("rax=0xffffff"),
     NOTHING},
    {"a buffer that ends where it may can be copied whole", "zircon-2018", NULL,
     HEAD WRITE("h2 state rflags=2 buffer=edge", "ZX_OK"), NOTHING},
    {"a buffer of too few bytes can be read", "documented", NULL,
     HEAD WRITE("h2 state buffer_size=8 length=8 buffer=edge", "ZX_OK"), VS_CLAUSE_INVALID_SIZE},
    {"of a buffer of too many bytes those of the kind can be read", "documented", NULL,
     HEAD WRITE("h2 state buffer_size=200 length=136 buffer=edge", "ZX_OK"),
     VS_CLAUSE_INVALID_SIZE},
    {"what changed during a write is not to blame after the next", "documented", NULL,
     HEAD WRITE("h2 state rax=1 rflags=2 flip=0:02", "ZX_OK held")
         WRITE("h2 state rax=1 rflags=2", "ZX_OK") READ("rax=2"),
     VS_CLAUSE_REGISTERS},

    // --- which clause a refusal breaks ---
    {"system flags are refused", "documented", NULL,
     HEAD WRITE("h2 state rflags=0x202", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_SYSTEM_FLAGS},
    {"the second byte of the padding is refused", "documented", NULL,
     HEAD WRITE("h2 io access=1 bytes=01000100", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_IO_ALONE},
    {"the third byte of the padding is refused", "documented", NULL,
     HEAD WRITE("h2 io access=1 bytes=01000001", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_IO_ALONE},
    {"no padding is refused", "documented", NULL,
     HEAD WRITE("h2 io access=1", "ZX_ERR_INVALID_ARGS"), VS_CLAUSE_KIND},

    // --- buffers that change ---
    {"bytes that change lie in two registers", "documented", NULL,
     HEAD WRITE("h2 state rax=0x1111111111111111 rcx=0x1111111111111111 rflags=2 "
                "flip=4:2222222222222222",
                "ZX_OK held") READ("rax=0x2211221111111111 rcx=0x1111111122112211"),
     NOTHING},
    {"bytes that change lie in two registers, and one that does not is wrong", "documented", NULL,
     HEAD WRITE("h2 state rax=0x1111111111111111 rcx=0x1111111111111111 rflags=2 "
                "flip=4:2222222222222222",
                "ZX_OK held") READ("rax=0x2211221111111111 rcx=0x2211111122112211"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"bytes that change lie behind the flags of arm64", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state cpsr=0x80000000 held=256:0000004011111111", "ZX_OK held")
         READ("cpsr=0x40000000"),
     NOTHING},
    {"bytes that change lie behind the flags of arm64, which are neither", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state cpsr=0x80000000 held=256:0000004011111111", "ZX_OK held")
         READ("cpsr=0x20000000"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"the padding of an access changes", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK")
         WRITE("h2 io access=1 data=0x11223344 held=1:ffffff", "ZX_OK held") READ("rax=0x44"),
     NOTHING},
    {"the data of an access change within what is taken and behind", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK")
         WRITE("h2 io access=2 data=0x11223344 held=4:55667788", "ZX_OK held") READ("rax=0x3355"),
     NOTHING},
    {"the data of an access change, and what is behind them is taken", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK")
         WRITE("h2 io access=2 data=0x11223344 held=4:55667788", "ZX_OK held") READ("rax=0x773355"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"the data of an access change where there are no ports", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state", "ZX_OK")
         WRITE("h2 io access=2 data=0x11223344 held=4:55667788", "ZX_OK held") READ("x0=0x773355"),
     NOTHING},
    {"the data of an odd access change", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK")
         WRITE("h2 io access=3 data=0x11223344 held=4:55", "ZX_OK held") READ("rax=0x99999999"),
     NOTHING},
    {"the answer is wrong in two ways, by what was found", "documented", NULL,
     HEAD WRITE("h2 io access=200 data=1", "ZX_ERR_INVALID_ARGS")
         WRITE("h2 io access=1 data=1 held=0:c8", "ZX_OK held")
             WRITE("h2 io access=200 data=1 held=0:01", "ZX_ERR_BAD_STATE held"),
     VS_CLAUSE_PAUSED},
    {"the answer is wrong for another reason, by what was found", "documented", NULL,
     HEAD WRITE("h2 io access=200 data=1", "ZX_OK")
         WRITE("h2 io access=1 data=1 held=0:c8", "ZX_ERR_INVALID_ARGS held"),
     VS_CLAUSE_ONE_SNAPSHOT},
    {"what was found may have been refused, and was by an answer for neither", "documented", NULL,
     HEAD WRITE("h2 io access=1 pad=1 held=0:c8", "ZX_ERR_INVALID_ARGS held")
         WRITE("h2 io access=200", "ZX_OK"),
     VS_CLAUSE_IO},

    // --- guests ---
    {"a guest without ports leaves by its store", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state x5=7", "ZX_OK")
         OP("enter h2",
            "ZX_OK packet=4 key=0xdca1ab0000100000 payload=0000100000000000080000000000000000000000"
            "000000000000000000000000 state x5=7"),
     NOTHING},
    {"a guest without ports leaves by another store", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state x5=7", "ZX_OK")
         OP("enter h2", "ZX_OK packet=4 key=0xdca1ab0000100000 addr=0x100008 state x5=7"),
     VS_CLAUSE_RUNS_GUEST},
    {"a guest without ports leaves by a port", "documented", NULL,
     HEAD_ARM64 WRITE("h2 state x5=7", "ZX_OK")
         OP("enter h2", "ZX_OK packet=5 addr=0x100000 state x5=7"),
     VS_CLAUSE_RUNS_GUEST},
    {"an IN that nobody answered leaves anything in the accumulator", "documented", NULL,
     X64 GUEST LOAD VCPU("in16") WRITE("h2 state rax=1 rbx=2 rflags=2", "ZX_OK") OP(
         "enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d2 port=0xd4 access=2 input=1")
         READ("rax=5 rbx=2 rflags=0") OP(
             "enter h2",
             "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=6 rbx=2 rflags=2"),
     NOTHING},
    {"an IN that nobody answered leaves the other registers", "documented", NULL,
     X64 GUEST LOAD VCPU("in16") WRITE("h2 state rax=1 rbx=2 rflags=2", "ZX_OK") OP(
         "enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d2 port=0xd4 access=2 input=1")
         READ("rax=5 rbx=2 rflags=0") OP(
             "enter h2",
             "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=6 rbx=3 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"an IN that was answered is what the guest finds", "documented", NULL,
     X64 GUEST LOAD VCPU("in16") WRITE("h2 state rax=1 rflags=2", "ZX_OK")
         OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d2 port=0xd4 access=2 input=1")
             READ("rax=0 rflags=0") WRITE("h2 io access=2 data=7", "ZX_OK") OP(
                 "enter h2",
                 "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=6 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"an IN that nobody answered leaves the accumulator as the kernel does", "zircon-x64", NULL,
     X64 GUEST LOAD VCPU("in16") WRITE("h2 state rax=1 rflags=2", "ZX_OK")
         OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d2 port=0xd4 access=2 input=1")
             OP("enter h2",
                "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=6 rflags=2"),
     VS_CLAUSE_GUEST_SEES},
    {"an interrupt is taken", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") OP("interrupt h2 32", "ZX_OK") READ(""), NOTHING},
    {"an interrupt is refused", "documented", NULL, HEAD OP("interrupt h2 32", "ZX_ERR_BAD_STATE"),
     VS_CLAUSE_INTERRUPT},
    {"an interrupt changes a register", "documented", NULL,
     HEAD WRITE("h2 state rflags=2", "ZX_OK") READ("") OP("interrupt h2 255", "ZX_OK")
         READ("rsp=8"),
     VS_CLAUSE_INTERRUPT},

    {"code of the script's own may do anything", "documented", NULL,
     X64 GUEST LOAD VCPU("code=f4") WRITE("h2 state rax=1 rflags=2", "ZX_OK")
         OP("enter h2", "ZX_OK packet=5 key=0x77 port=0x77 access=4") READ("rax=9"),
     NOTHING},
    {"code of the script's own may never leave", "documented", NULL,
     X64 GUEST LOAD VCPU("code=f4") OP("enter h2", "no_return") OP("kick h2", "ZX_ERR_INTERNAL"),
     NOTHING},
    {"a guest's second vCPU may do anything", "documented", NULL,
     X64 GUEST LOAD VCPU("dump") SECOND ON("T1", "write_state h3 state rax=1 rflags=2", "ZX_OK")
         ON("T1", "enter h3", "ZX_OK packet=5 key=0x77 port=0x77 access=4")
             ON("T1", "read_state h3", "ZX_OK state rax=9"),
     NOTHING},
    {"an IN leaves anything in the accumulator of a kernel that says nothing of it", "zcore", NULL,
     X64 GUEST LOAD VCPU("in16") WRITE("h2 state rax=1 rflags=2", "ZX_OK")
         OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d2 port=0xd4 access=2 input=1")
             READ("rax=5"),
     NOTHING},
    {"a new vCPU's flags are clear on published kernels", "zircon-x64", NULL, HEAD READ("rflags=0"),
     NOTHING},
    {"a new vCPU's system flags are not clear", "zircon-x64", NULL, HEAD READ("rflags=0x200"),
     VS_CLAUSE_SYSTEM_FLAGS},

    // --- handles ---
    {"the region of a new guest has the value of an open handle", "documented", NULL,
     HEAD "T0: h4 h5 = guest_create\n= ZX_OK handle=0x23 handle2=0xb\n", VS_CLAUSE_DERIVED},
    {"a value without one of its bits names what has it", "documented", NULL,
     HEAD WRITE("h2&~8 state", "ZX_ERR_WRONG_TYPE"), NOTHING},
    {"rights that a handle may have, and no place for the new one, may leave the old", "documented",
     NULL, HEAD OP("h3 = replace h0 write|inspect out=null", "ZX_ERR_INVALID_ARGS") MORE, NOTHING},
    {"so may rights that it has not", "documented", NULL,
     HEAD OP("h3 = replace h0 write|execute out=null", "ZX_ERR_INVALID_ARGS") MORE, NOTHING},
    {"a kernel that looks at the rights first has closed it", "zircon-x64", NULL,
     HEAD OP("h3 = replace h0 write|execute out=null", "ZX_ERR_INVALID_ARGS") MORE,
     VS_CLAUSE_REPLACE_CONSUMES},
    {"rights that it has not alone have closed it", "documented", NULL,
     HEAD OP("h3 = replace h0 write|execute", "ZX_ERR_INVALID_ARGS") MORE,
     VS_CLAUSE_REPLACE_CONSUMES},
    {"a vCPU that was replaced and closed makes room for four", "documented", NULL,
     HEAD OP("h3 = replace h2 same_rights", "ZX_OK handle=0xf") OP("close h3", "ZX_OK")
         OP("h4 = vcpu_create h0 dump", "ZX_OK handle=0x23")
             ON("T1", "h5 = vcpu_create h0 dump", "ZX_OK handle=0x27")
                 ON("T2", "h6 = vcpu_create h0 dump", "ZX_OK handle=0x2b")
                     ON("T3", "h7 = vcpu_create h0 dump", "ZX_OK handle=0x2f"),
     NOTHING},
    {"objects that were closed make room for others", "documented", NULL,
     HEAD FOUR_EVENTS FOUR_EVENTS FOUR_EVENTS FOUR_EVENTS, NOTHING},
    {"the region of a new guest has no value", "documented", NULL,
     HEAD "T0: h4 h5 = guest_create\n= ZX_OK handle=0x23 handle2=0\n", VS_CLAUSE_DERIVED},
};

static vs_oracle oracle;

static vs_document read_text(const char* text) {
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, &d, &fault), VS_READ_OK, "%zu:%zu: %s\n%s",
               fault.line, fault.column, fault.message, text);
  return d;
}

static vs_judgement judge(const char* text, const vs_profile* profile, size_t* count) {
  vs_document d = read_text(text);
  vs_trace trace = vs_document_trace(&d);
  vs_judgement result = vs_judge(&oracle, &trace, profile);
  *count = d.count;
  vs_document_free(&d);
  return result;
}

// What breaks a clause is the last op, so that the ones before it are allowed.
Test(verdicts, each_situation_breaks_what_it_is_to_break) {
  for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
    const verdict* v = &verdicts[i];
    size_t count;
    vs_judgement got = judge(v->text, v->own ? v->own : vs_profile_find(v->profile), &count);
    bool wrong = v->breaks != NOTHING;
    cr_expect(got.step == (wrong ? VS_STEP_VIOLATION : VS_STEP_ALLOWED) && !got.overflow &&
                  (!wrong || got.at == count - 1),
              "%s: step %d at op %zu, which breaks %s", v->what, got.step, got.at,
              got.step == VS_STEP_VIOLATION ? vs_clauses[got.violation.clause].id : "nothing");
    if (!wrong || got.step != VS_STEP_VIOLATION) continue;
    cr_expect_eq(got.violation.clause, v->breaks, "%s: breaks %s, not %s", v->what,
                 vs_clauses[got.violation.clause].id, vs_clauses[v->breaks].id);
  }
}

// --- whose doing it is -------------------------------------------------------------------------

#define SEEN(registers) WRITE("h2 state rflags=2 " registers, "ZX_OK") READ(registers)
#define REFUSE(registers) WRITE("h2 state buffer_size=1 " registers, "ZX_ERR_INVALID_ARGS")
#define REFUSE_IO(data) WRITE("h2 io access=4 buffer_size=1 data=" data, "ZX_ERR_INVALID_ARGS")
#define REFUSE_TWICE(registers) REFUSE(registers) REFUSE(registers)
#define DUMPED(registers) \
  OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state " registers)
#define KICKED OP("kick h2", "ZX_OK")
#define OF_SECOND(op, answer) ON("T1", op, answer)
#define TRAP_REFUSED(status) HEAD OP("h8 = guest_load h0 h1", status " of=zx_guest_set_trap")
#define MISSHAPEN X64 "T0: h0 h1 = guest_create\n= ZX_OK handle=0x2 handle2=0x7\n"

static const struct {
  const char* what;
  const char* text;
  vs_clause_code breaks;
  vs_clause_code also;  // NOTHING: there is no doubt
} blames[] = {
    {"a flag that was not set, and may have been cleared by the refused write",
     HEAD FLAGS("0", "0") WRITE("h2 state rflags=3", "ZX_OK") REFUSE("rflags=2") READ("rflags=0"),
     VS_CLAUSE_FLAGS, VS_CLAUSE_UNCHANGED},
    {"two flags that were not set, of which the refused write has one",
     HEAD FLAGS("0", "0") WRITE("h2 state rflags=7", "ZX_OK") REFUSE("rflags=3") READ("rflags=0"),
     VS_CLAUSE_FLAGS, VS_CLAUSE_UNCHANGED},
    {"a flag that was not cleared, and may have been set by the refused write",
     HEAD FLAGS("1", "1") WRITE("h2 state rflags=2", "ZX_OK") REFUSE("rflags=3") READ("rflags=1"),
     VS_CLAUSE_FLAGS, VS_CLAUSE_UNCHANGED},
    {"a flag that was clear, and that the refused write alone has",
     HEAD FLAGS("0", "0") WRITE("h2 state rflags=2", "ZX_OK") REFUSE("rflags=3") READ("rflags=1"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a flag that no write has",
     HEAD FLAGS("0", "0") WRITE("h2 state rflags=2", "ZX_OK") REFUSE("rflags=2") READ("rflags=1"),
     VS_CLAUSE_FLAGS, VS_CLAUSE_UNCHANGED},
    {"a flag that the accepted write set, once it was looked at",
     HEAD FLAGS("0", "0") FLAGS("1", "1") REFUSE("rflags=2") READ("rflags=0"), VS_CLAUSE_UNCHANGED,
     NOTHING},
    {"a flag, where of two writes neither was looked at",
     HEAD FLAGS("1", "1") WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 state rflags=2", "ZX_OK")
         REFUSE("rflags=3") READ("rflags=1"),
     VS_CLAUSE_FLAGS, VS_CLAUSE_UNCHANGED},
    {"a register that holds what the refused write has",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE("rax=0x30") READ("rax=0x30"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a register that holds what the first of two refused calls has",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE("rax=0x30")
         OP("kick raw=0", "ZX_ERR_BAD_HANDLE") READ("rax=0x30"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a register that holds what neither write has",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE("rax=0x30") READ("rax=0x40"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_UNCHANGED},
    {"a register that holds what it held, which the refused write has as well",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE("rax=0x11") READ("rax=0x11"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_UNCHANGED},
    {"a register of which a byte is as it was",
     HEAD SEEN("rax=0x1111") WRITE("h2 state rax=0x2222", "ZX_OK") REFUSE("rax=0x3311")
         READ("rax=0x2211"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_UNCHANGED},
    {"a register, after more refused writes than are kept",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE_TWICE("rax=0x30")
         REFUSE_TWICE("rax=0x31") REFUSE_TWICE("rax=0x32") REFUSE_TWICE("rax=0x34")
             REFUSE("rax=0x38") READ("rax=0x31"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a register, after a refused kick",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") OP("kick raw=0", "ZX_ERR_BAD_HANDLE")
         READ("rax=0x11"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_KICK_REFUSED},
    {"a register, after a refused kick, once the write was looked at",
     HEAD SEEN("rax=0x22") OP("kick raw=0", "ZX_ERR_BAD_HANDLE") READ("rax=0x11"),
     VS_CLAUSE_KICK_REFUSED, NOTHING},
    {"a register that holds what another vCPU's has",
     HEAD SECOND SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK")
         OF_SECOND("write_state h3 state rax=0x30", "ZX_OK") READ("rax=0x30"),
     VS_CLAUSE_OF_HANDLE, NOTHING},
    {"a register that is as it was, after a write of another vCPU",
     HEAD SECOND SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK")
         OF_SECOND("write_state h3 state rax=0x30", "ZX_OK") READ("rax=0x11"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_OF_HANDLE},
    {"a register that was not written, before an access",
     HEAD SEEN("rbx=0x11") WRITE("h2 state rbx=0x22", "ZX_OK")
         WRITE("h2 io access=1 data=7", "ZX_OK") READ("rax=7 rbx=0x11"),
     VS_CLAUSE_REGISTERS, VS_CLAUSE_IO_ALONE},
    {"a register that an access has written as well",
     HEAD SEEN("rbx=0x11") WRITE("h2 state rbx=0x20", "ZX_OK")
         WRITE("h2 io access=1 data=7", "ZX_OK") READ("rax=7 rbx=7"),
     VS_CLAUSE_IO_ALONE, NOTHING},
    {"the accumulator, which was written, and then accessed",
     HEAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK")
         WRITE("h2 io access=1 data=7", "ZX_OK") READ("rax=0x11"),
     VS_CLAUSE_IO, NOTHING},
    {"an access that was not made, before a refused write",
     HEAD SEEN("rax=0x11") WRITE("h2 io access=1 data=7", "ZX_OK") REFUSE("rax=0x30")
         READ("rax=0x11"),
     VS_CLAUSE_IO, VS_CLAUSE_UNCHANGED},
    {"the accumulator holds what a refused access has",
     HEAD SEEN("rax=0x11") WRITE("h2 io access=4 data=7", "ZX_OK") REFUSE_IO("0x30303030")
         READ("rax=0x30303030"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"the accumulator holds more than an access has",
     HEAD SEEN("rax=0x11") WRITE("h2 io access=4 data=7", "ZX_OK") REFUSE_IO("0x30303030")
         READ("rax=0x130303030"),
     VS_CLAUSE_IO, VS_CLAUSE_UNCHANGED},
    {"another register holds what a refused access has",
     HEAD SEEN("rbx=0x11") WRITE("h2 io access=4 data=7", "ZX_OK") REFUSE_IO("0x30303030")
         READ("rax=7 rbx=0x30303030"),
     VS_CLAUSE_IO_ALONE, VS_CLAUSE_UNCHANGED},
    {"a flag that is not the caller's, before a refused write",
     HEAD FLAGS("0", "0x200") WRITE("h2 state rflags=2", "ZX_OK") REFUSE("rflags=2")
         READ("rflags=0"),
     VS_CLAUSE_SYSTEM_FLAGS, VS_CLAUSE_UNCHANGED},
    {"a flag that is not the caller's, where only an access was accepted, and a refused write has "
     "it",
     HEAD FLAGS("0", "0") WRITE("h2 io access=1 data=0", "ZX_OK") REFUSE("rflags=0x202")
         READ("rflags=0x200"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"guest code finds what was there before, and nothing but a refusal was since the look",
     HEAD LOAD SEEN("rax=0x11") SEEN("rax=0x22") REFUSE("rax=0x30") DUMPED("rax=0x11"),
     VS_CLAUSE_GUEST_SEES, VS_CLAUSE_UNCHANGED},
    {"guest code finds what was there before, and an interrupt was since the look",
     HEAD LOAD SEEN("rax=0x22") OP("interrupt h2 32", "ZX_OK") DUMPED("rax=0x11"),
     VS_CLAUSE_GUEST_SEES, VS_CLAUSE_INTERRUPT},
    {"guest code finds what was there before, and a read has shown the refusal's innocence",
     HEAD LOAD SEEN("rax=0x11") WRITE("h2 state rax=0x22", "ZX_OK") REFUSE("rax=0x30")
         READ("rax=0x22") DUMPED("rax=0x30"),
     VS_CLAUSE_GUEST_SEES, NOTHING},
    {"guest code finds another value than it found after an access",
     HEAD LOAD SEEN("rbx=0x22") WRITE("h2 io access=1 data=0", "ZX_OK") DUMPED("rbx=0x22")
         DUMPED("rbx=0x30"),
     VS_CLAUSE_GUEST_SEES, NOTHING},
    {"guest code finds another value than it found, and one call was refused in between",
     HEAD LOAD SEEN("rax=0x22") DUMPED("rax=0x22") REFUSE("rax=0x30") READ("rax=0x22")
         DUMPED("rax=0x30"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a kick that never came, and may have been taken away by a refused write",
     HEAD LOAD SEEN("rax=0x11") KICKED REFUSE("rax=0x30") DUMPED("rax=0x11"), VS_CLAUSE_KICK,
     VS_CLAUSE_UNCHANGED},
    {"a kick that is lost, where others came",
     HEAD LOAD SEEN("rax=0x11") KICKED OP("enter h2", "ZX_ERR_CANCELED") KICKED REFUSE("rax=0x30")
         DUMPED("rax=0x11"),
     VS_CLAUSE_UNCHANGED, NOTHING},
    {"a kick that came although a call was refused says nothing of those by themselves",
     HEAD LOAD SEEN("rax=0x11") KICKED REFUSE("rax=0x30") OP("enter h2", "ZX_ERR_CANCELED")
         KICKED REFUSE("rax=0x30") DUMPED("rax=0x11"),
     VS_CLAUSE_KICK, VS_CLAUSE_UNCHANGED},
    {"a handle that was given out with a bit clear names nothing",
     MISSHAPEN OP("h2 = vcpu_create h0 dump", "ZX_ERR_BAD_HANDLE"), VS_CLAUSE_FIXED_BITS, NOTHING},
    {"a handle that was given out with a bit clear names nothing when it is loaded",
     MISSHAPEN OP("h8 = guest_load h0 h1", "ZX_ERR_BAD_HANDLE of=zx_guest_set_trap"),
     VS_CLAUSE_FIXED_BITS, NOTHING},
    {"a handle that was given out with a bit clear is refused for another reason",
     MISSHAPEN OP("h2 = vcpu_create h0 dump", "ZX_ERR_ACCESS_DENIED"), VS_CLAUSE_VCPU_CREATE_MANAGE,
     VS_CLAUSE_GUEST_RIGHTS},
    {"a new guest's handle may lack the right that is said to be missing",
     HEAD OP("set_trap h0 kind=2 addr=0x40 size=1", "ZX_ERR_ACCESS_DENIED"), VS_CLAUSE_TRAP_WRITE,
     VS_CLAUSE_GUEST_RIGHTS},
    {"a new vCPU's handle may lack the right that is said to be missing",
     HEAD WRITE("h2 state", "ZX_ERR_ACCESS_DENIED"), VS_CLAUSE_RIGHTS_WRITE, VS_CLAUSE_VCPU_RIGHTS},
    {"a duplicate has the rights that were asked for",
     HEAD OP("h3 = duplicate h2 same_rights", "ZX_OK handle=0xf")
         WRITE("h3 state", "ZX_ERR_ACCESS_DENIED"),
     VS_CLAUSE_RIGHTS_WRITE, NOTHING},
    {"a new event's handle is not in doubt",
     HEAD OP("h9 = event_create", "ZX_OK handle=0x33")
         OP("h3 = duplicate h9 same_rights", "ZX_ERR_ACCESS_DENIED"),
     VS_CLAUSE_DERIVE_ACCESS_DENIED, NOTHING},
    {"no handle is in doubt where none is given", HEAD OP("close raw=0", "ZX_ERR_ACCESS_DENIED"),
     VS_CLAUSE_CLOSE_BAD_HANDLE, NOTHING},
    {"a refused call has left a vCPU, as the next finds that is refused for another reason",
     X64 GUEST OP("h2 = vcpu_create h0 dump options=1", "ZX_ERR_INVALID_ARGS")
         OP("h2 = vcpu_create h0 dump options=1", "ZX_ERR_BAD_STATE"),
     VS_CLAUSE_VCPU_CREATE_REFUSED, NOTHING},
    {"a trap of the programs is there already", TRAP_REFUSED("ZX_ERR_ALREADY_EXISTS"),
     VS_CLAUSE_TRAP_EXISTS, NOTHING},
    {"a trap of the programs is refused for what may be anything",
     TRAP_REFUSED("ZX_ERR_INVALID_ARGS"), VS_CLAUSE_TRAP_SET, NOTHING},
    {"the programs' memory is refused",
     HEAD OP("h8 = guest_load h0 h1", "ZX_ERR_INVALID_ARGS of=zx_vmo_create"), VS_CLAUSE_OBJECTS,
     NOTHING},
};

// The last op shows it.
Test(blame, is_of_the_call_that_explains_what_is_seen) {
  for (size_t i = 0; i < sizeof blames / sizeof blames[0]; i++) {
    size_t count;
    const vs_judgement got = judge(blames[i].text, vs_profile_find("documented"), &count);
    cr_assert(got.step == VS_STEP_VIOLATION && got.at == count - 1, "%s: step %d at op %zu",
              blames[i].what, got.step, got.at);
    const vs_clause_code also =
        got.violation.also != 0 ? (vs_clause_code)(got.violation.also - 1) : NOTHING;
    cr_expect_eq(got.violation.clause, blames[i].breaks, "%s: breaks %s", blames[i].what,
                 vs_clauses[got.violation.clause].id);
    cr_expect_eq(also, blames[i].also, "%s: in doubt is %s", blames[i].what,
                 also != NOTHING ? vs_clauses[also].id : "nothing");
  }
}

Test(blame, of_a_handle_is_not_for_bits_that_the_profile_ignores) {
  static const vs_profile ignoring = {
      .id = "ignoring", .summary = "no bits", .quirks = VS_BIT(VS_QUIRK_HANDLE_BITS)};
  size_t count;
  const vs_judgement got =
      judge(MISSHAPEN OP("h2 = vcpu_create h0 dump", "ZX_ERR_BAD_HANDLE"), &ignoring, &count);
  cr_assert_eq(got.step, VS_STEP_VIOLATION);
  cr_expect_eq(got.violation.clause, VS_CLAUSE_VCPU_CREATE_BAD_HANDLE);
}

// --- latitudes ---------------------------------------------------------------------------------

#define DUMP "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state"
#define RINGING                                                  \
  X64 GUEST OP("h3 = port_create", "ZX_OK handle=0x43") LOAD OP( \
      "set_trap h0 kind=0 addr=0x110000 size=0x2000 port_handle=h3 key=7", "ZX_OK") VCPU("stores")

// A situation that each latitude alone allows, and all others together do not.
static const char* const needs[VS_LATITUDE_COUNT] = {
    [VS_LATITUDE_WRONG_THREAD_IO] =
        HEAD ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS"),
    [VS_LATITUDE_FLAGS_GATE] =
        HEAD FLAGS("0", "0") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=0"),
    [VS_LATITUDE_SYSTEM_FLAGS] = HEAD FLAGS("0", "0") FLAGS("0x4000", "0"),
    [VS_LATITUDE_ACCESS_SIZE] = HEAD WRITE("h2 io access=3", "ZX_OK"),
    [VS_LATITUDE_IO_UPPER] = HEAD WRITE("h2 state rax=0x1122 rflags=2", "ZX_OK")
        WRITE("h2 io access=1 data=0x33", "ZX_OK") READ("rax=0x33"),
    [VS_LATITUDE_NO_PORTS] = HEAD_ARM64 WRITE("h2 io access=1", "ZX_ERR_INVALID_ARGS"),
    [VS_LATITUDE_NO_RESOURCE] =
        HEAD OP("h3 h4 = guest_create resource=raw=0x77", "ZX_ERR_WRONG_TYPE"),
    [VS_LATITUDE_TRAP_EMPTY] =
        HEAD OP("set_trap h0 kind=1 addr=0x40000000 size=0", "ZX_ERR_INVALID_ARGS"),
    [VS_LATITUDE_TRAP_PORTS] =
        HEAD_ARM64 OP("set_trap h0 kind=2 addr=0x40 size=1", "ZX_ERR_NOT_SUPPORTED"),
    [VS_LATITUDE_TRAP_APIC] =
        HEAD OP("set_trap h0 kind=1 addr=0xfee00000 size=0x2000", "ZX_ERR_OUT_OF_RANGE"),
    [VS_LATITUDE_BELL_NO_PORT] = RINGING OP("close h3", "ZX_OK") OP("enter h2", "ZX_ERR_BAD_STATE"),
    [VS_LATITUDE_BELLS_STAY] = RINGING OP("enter h2", DUMP) OP("close h2", "ZX_OK")
        OP("close h0", "ZX_OK") OP("port_wait h3", "ZX_OK packet=3 key=7 addr=0x110008"),
};

Test(latitudes, each_allows_its_situation_and_no_other_does) {
  for (unsigned i = 0; i < VS_LATITUDE_COUNT; i++) {
    vs_profile alone = {.id = "alone", .latitudes = (vs_latitude_set)VS_BIT(i)};
    // Without the choice the gate is shut, unless a quirk says that there is none.
    vs_profile others = {.id = "others",
                         .latitudes = VS_ALL_LATITUDES & ~(vs_latitude_set)VS_BIT(i),
                         .quirks = VS_BIT(VS_QUIRK_FLAGS_UNGATED)};
    size_t count;
    vs_judgement got = judge(needs[i], &alone, &count);
    cr_expect(got.step == VS_STEP_ALLOWED && got.latitudes == VS_BIT(i), "%s alone: step %d, 0x%x",
              vs_latitudes[i].id, got.step, got.latitudes);
    got = judge(needs[i], &others, &count);
    cr_expect_eq(got.step, VS_STEP_VIOLATION, "without %s: step %d", vs_latitudes[i].id, got.step);
  }
}

Test(latitudes, that_are_needed_together_are_told_together) {
#define GATED FLAGS("0", "0") WRITE("h2 state rflags=1", "ZX_OK") READ("rflags=0")
#define ZEROED(width)                                  \
  WRITE("h2 state rax=0x1122334455 rflags=2", "ZX_OK") \
  WRITE("h2 io access=" width " data=0", "ZX_OK") READ("rax=0")
#define IGNORED FLAGS("0", "0") FLAGS("0x4000", "0")
#define ODD WRITE("h2 io access=3", "ZX_OK")
#define ELSEWHERE ON("T1", "write_state h2 io access=1", "ZX_ERR_INVALID_ARGS")
  static const struct {
    const char* text;
    vs_latitude_set needed;
  } rows[] = {
      {HEAD GATED ZEROED("1"), VS_BIT(VS_LATITUDE_FLAGS_GATE) | VS_BIT(VS_LATITUDE_IO_UPPER)},
      {HEAD ZEROED("1") GATED, VS_BIT(VS_LATITUDE_FLAGS_GATE) | VS_BIT(VS_LATITUDE_IO_UPPER)},
      {HEAD ZEROED("1") IGNORED, VS_BIT(VS_LATITUDE_SYSTEM_FLAGS) | VS_BIT(VS_LATITUDE_IO_UPPER)},
      {HEAD ZEROED("1") ODD, VS_BIT(VS_LATITUDE_ACCESS_SIZE) | VS_BIT(VS_LATITUDE_IO_UPPER)},
      {HEAD IGNORED ELSEWHERE,
       VS_BIT(VS_LATITUDE_SYSTEM_FLAGS) | VS_BIT(VS_LATITUDE_WRONG_THREAD_IO)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t count;
    vs_judgement got = judge(rows[i].text, vs_profile_find("documented"), &count);
    cr_expect(got.step == VS_STEP_ALLOWED && got.latitudes == rows[i].needed,
              "row %zu: step %d at op %zu, needs 0x%x", i, got.step, got.at, got.latitudes);
  }
}

Test(latitudes, are_not_needed_for_what_must_be_refused) {
  size_t count;
  vs_judgement got = judge(HEAD WRITE("h2 io access=3", "ZX_ERR_INVALID_ARGS"), &strict, &count);
  cr_assert(got.step == VS_STEP_ALLOWED && got.latitudes == 0, "needs 0x%x", got.latitudes);
}

// --- what a trace bears out --------------------------------------------------------------------

#define C(code) VS_MEMBER(VS_CLAUSE_##code)
#define ACCEPTED                                                                            \
  (C(RETURN_OK) | C(KIND) | C(PAUSED) | C(SAME_THREAD) | C(RIGHTS_TYPE) | C(RIGHTS_WRITE) | \
   C(BUFFER_KEPT))
#define LOOKED \
  (C(READ_BACK) | C(READ_TYPE) | C(READ_RIGHT) | C(READ_WITHIN) | C(READ_THREAD) | C(READ_PAUSED))
#define WAS_ENTERED \
  (C(RUNS_GUEST) | C(ENTER_TYPE) | C(ENTER_EXECUTE) | C(ENTER_PACKET) | C(ENTER_THREAD))
#define STATE_SEEN (C(REGISTERS) | C(FLAGS) | C(SYSTEM_FLAGS))
#define RACE_HEAD X64 GUEST LOAD VCPU_ON_1
Test(judge, bears_out_what_was_shown_and_no_more) {
  const struct {
    const char* what;
    const char* text;
    vs_clause_set borne_out;  // these, and no others
  } attested[] = {
      {"nothing was asked", HEAD, VS_NO_CLAUSE},
      {"a first look", HEAD READ("rax=1"), LOOKED},
      {"an accepted write", HEAD WRITE("h2 state rflags=2", "ZX_OK"), ACCEPTED},
      {"one of a buffer at an edge", HEAD WRITE("h2 state rflags=2 buffer=edge", "ZX_OK"),
       ACCEPTED | C(FROM_BUFFER)},
      {"a look at what was written", HEAD FLAGS("0", "0"), ACCEPTED | STATE_SEEN | LOOKED},
      {"a look at an access",
       HEAD WRITE("h2 state rflags=2", "ZX_OK") WRITE("h2 io access=4 data=7", "ZX_OK")
           READ("rax=7"),
       ACCEPTED | C(IO) | C(IO_ALONE) | LOOKED},
      {"a look at another vCPU",
       HEAD SECOND ON("T1", "write_state h3 state rflags=2", "ZX_OK") READ("rax=9"),
       ACCEPTED | C(OF_HANDLE) | LOOKED},
      {"a refusal", HEAD WRITE("h2 state buffer_size=1", "ZX_ERR_INVALID_ARGS"),
       C(INVALID_SIZE) | C(BUFFER_KEPT)},
      {"a look after a refusal",
       HEAD WRITE("h2 state buffer_size=1", "ZX_ERR_INVALID_ARGS") READ(""),
       C(INVALID_SIZE) | C(BUFFER_KEPT) | C(UNCHANGED) | LOOKED},
      {"a refusal of the thread", HEAD ON("T1", "write_state h2 state", "ZX_ERR_BAD_STATE"),
       C(SAME_THREAD) | C(BAD_STATE) | C(BUFFER_KEPT)},
      {"a refusal for one of two reasons",
       HEAD ON("T1", "write_state h2 kind=7 buffer_size=136 length=136", "ZX_ERR_BAD_STATE"),
       C(SAME_THREAD) | C(KIND) | C(BAD_STATE) | C(RETURN_ERROR) | C(BUFFER_KEPT)},
      {"a refusal of a value that cannot be one", HEAD WRITE("h2&~1 state", "ZX_ERR_BAD_HANDLE"),
       C(BAD_HANDLE) | C(FIXED_BITS) | C(BUFFER_KEPT)},
      {"a guest that shows what was written",
       HEAD WRITE("h2 state rax=1 rflags=2", "ZX_OK")
           OP("enter h2",
              "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=1 rflags=2"),
       ACCEPTED | STATE_SEEN | C(GUEST_SEES) | WAS_ENTERED},
      {"a guest that leaves by its program",
       X64 GUEST LOAD VCPU("out8")
           OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d8 port=0xd8 access=1"),
       WAS_ENTERED | C(TRAP_KEY)},
      {"a buffer that changed", HEAD WRITE("h2 state rflags=2 flip=0:02", "ZX_OK held"),
       ACCEPTED | C(ONE_SNAPSHOT)},
      {"a look at what changed",
       HEAD WRITE("h2 state rflags=2 flip=0:02", "ZX_OK held") READ("rax=2"),
       ACCEPTED | C(ONE_SNAPSHOT) | STATE_SEEN | LOOKED},
      {"a duplicate", HEAD OP("h3 = duplicate h2 same_rights", "ZX_OK handle=0xf"), C(DERIVED)},
      {"a replacement", HEAD OP("h3 = replace h2 same_rights", "ZX_OK handle=0xf"), C(DERIVED)},
      {"a close", HEAD OP("close h2", "ZX_OK"), C(DERIVED)},
      {"an interrupt", HEAD OP("interrupt h2 32", "ZX_OK"),
       C(INTERRUPT) | C(INTERRUPT_TYPE) | C(INTERRUPT_SIGNAL)},
      {"a kick of which nothing has been seen yet", HEAD OP("kick h2", "ZX_OK"),
       C(KICK_TYPE) | C(KICK_EXECUTE)},
      {"a kick that was heard", HEAD OP("kick h2", "ZX_OK") OP("enter h2", "ZX_ERR_CANCELED"),
       C(KICK) | C(KICK_TYPE) | C(KICK_EXECUTE)},
      {"the end of a thread", HEAD ON("T1", "thread_exit", "ZX_OK"), VS_NO_CLAUSE},
      {"a close beside an interrupt",
       RACE_HEAD OP(
           "h3 = duplicate h2 same_rights",
           "ZX_OK handle=0xf") "T1: start close h3\n= started\n" OP("interrupt h2 32",
                                                                    "ZX_OK") "T1: join\n= ZX_OK\n",
       C(DERIVED) | C(INTERRUPT) | C(INTERRUPT_TYPE) | C(INTERRUPT_SIGNAL)},
      {"a guest beside a kick",
       RACE_HEAD
       "T1: start enter h2\n= started\n" OP("kick h2", "ZX_OK") "T1: join\n= ZX_ERR_CANCELED\n",
       C(KICK) | C(KICK_TYPE) | C(KICK_EXECUTE)},
  };
  for (size_t i = 0; i < sizeof attested / sizeof attested[0]; i++) {
    size_t count;
    vs_judgement got = judge(attested[i].text, vs_profile_find("documented"), &count);
    const vs_clause_set begins = C(GUEST_CREATED) | C(VCPU_CREATED) | C(VCPU_CREATE_TYPE) |
                                 C(VCPU_CREATE_MANAGE) | C(OBJECTS) | C(GUEST_RESOURCE);
    vs_clause_set wrong = (got.attested & ~begins) ^ attested[i].borne_out;
    vs_clause_code first = 0;
    while (first < VS_CLAUSE_COUNT - 1 && !vs_has_clause(wrong, first)) first++;
    cr_expect(vs_is_no_clause(wrong), "%s (step %d): %s %s", attested[i].what, got.step,
              vs_clauses[first].id,
              vs_has_clause(got.attested, first) ? "is borne out" : "is not borne out");
  }
}

// --- of several explanations -------------------------------------------------------------------

Test(judge, says_what_any_explanation_would_have_allowed) {
  size_t count;
  vs_judgement got = judge(RACE_HEAD OP("h3 = vcpu_create h0 dump", "ZX_OK handle=0xf")
                               START("close h3") WRITE("h3 state", "ZX_ERR_NO_MEMORY"),
                           vs_profile_find("documented"), &count);
  const vs_decision* allowed = &got.violation.decision;
  cr_assert_eq(got.step, VS_STEP_ALLOWED, "the join was not reached, so that nothing is said");
  got = judge(RACE_HEAD OP("h3 = vcpu_create h0 dump", "ZX_OK handle=0xf") START("close h3")
                  WRITE("h3 state", "ZX_ERR_NO_MEMORY") "T1: join\n= ZX_OK\n",
              vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_VIOLATION && got.at == 5, "step %d at op %zu", got.step, got.at);
  cr_assert(allowed->count == 2 && vs_decision_find(allowed, ZX_OK) != NULL &&
                vs_decision_find(allowed, ZX_ERR_BAD_HANDLE) != NULL,
            "%u answers were allowed", allowed->count);
}

Test(judge, names_the_register_of_the_explanation_that_goes_furthest) {
  static const struct {
    const char* seen;
    uint8_t reg;
    uint64_t expected;
  } rows[] = {
      {"rax=0x33 rbx=2", 3, 1}, {"rax=0x1133 rbx=2", 3, 1}, {"rax=0x2233 rbx=1", 0, 0x1133}};
  for (size_t i = 0; i < 3; i++) {
    char text[1024];
    strcpy(text, HEAD WRITE("h2 state rax=0x1122 rbx=1 rflags=2", "ZX_OK") WRITE(
                     "h2 io access=1 data=0x33", "ZX_OK") "T0: read_state h2\n= ZX_OK state ");
    strcat(text, rows[i].seen);
    strcat(text, "\n");
    size_t count;
    vs_judgement got = judge(text, vs_profile_find("documented"), &count);
    cr_assert(got.step == VS_STEP_VIOLATION && got.violation.kind == VS_VIOLATION_REGISTER);
    cr_expect(got.violation.reg == rows[i].reg && got.violation.expected == rows[i].expected,
              "%s: register %u, 0x%llx expected", rows[i].seen, got.violation.reg,
              (unsigned long long)got.violation.expected);
  }
}

Test(judge, believes_nothing_of_what_a_wrong_answer_may_have_written) {
#define TWO                                                                  \
  HEAD SECOND WRITE("h2 state rax=1 rflags=2", "ZX_OK")                      \
      ON("T1", "write_state h3 state rax=3 rflags=2", "ZX_OK") READ("rax=1") \
          ON("T1", "read_state h3", "ZX_OK state rax=3")
#define HALFWAY(program)                                                                     \
  X64 GUEST LOAD VCPU(program) WRITE("h2 state rcx=7 rflags=2", "ZX_OK")                     \
      OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rcx=8") \
          OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rcx=9")
#define LOOK(first, second) READ("rax=" first) ON("T1", "read_state h3", "ZX_OK state rax=" second)
  const struct {
    const char* text;
    vs_clause_set broken;
  } rows[] = {
      {TWO WRITE("h2 state rax=5", "ZX_ERR_INTERNAL") LOOK("5", "3"), C(RETURN_OK)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_INTERNAL") LOOK("1", "3"), C(RETURN_OK)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_INTERNAL") LOOK("5", "5"), C(RETURN_OK) | C(READ_BACK)},
      {TWO ON("T1", "write_state h3 state rax=5", "ZX_ERR_INTERNAL") LOOK("5", "5"),
       C(RETURN_OK) | C(READ_BACK)},
      {TWO WRITE("raw=0x77 state rax=5", "ZX_OK") LOOK("5", "5"), C(BAD_HANDLE)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_BAD_STATE") LOOK("5", "3"), C(PAUSED) | C(UNCHANGED)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_ACCESS_DENIED") LOOK("5", "3"),
       C(RIGHTS_WRITE) | C(UNCHANGED)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_WRONG_TYPE") LOOK("5", "3"),
       C(RIGHTS_TYPE) | C(UNCHANGED)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_BAD_HANDLE") LOOK("5", "3"),
       C(BAD_HANDLE) | C(UNCHANGED)},
      {TWO WRITE("h2 state rax=5", "ZX_ERR_INVALID_ARGS") LOOK("5", "3"),
       C(RETURN_OK) | C(UNCHANGED)},
      {TWO WRITE("h2 state rax=5", "ZX_OK changed=buffer:0..136") LOOK("5", "3"), C(BUFFER_KEPT)},
      {TWO OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9")
           READ("rax=9"),
       C(GUEST_SEES)},
      {TWO OP("enter h2", "ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9")
           READ("rax=8"),
       C(GUEST_SEES) | C(READ_BACK)},
      {TWO OP("read_state h2", "ZX_OK state rax=9") READ("rax=9"), C(READ_BACK)},
      {HALFWAY("keep"), C(GUEST_SEES)},
      {HALFWAY("take"), C(GUEST_SEES)},
      {RACE_HEAD ON("T1", "write_state h2 state rax=1 rflags=2", "ZX_OK") START("enter h2")
           OP("interrupt h2 32",
              "ZX_OK") "T1: join\n= ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state "
                       "rax=9\n" ON("T1", "write_state h2 state buffer_size=1", "ZX_OK"),
       C(GUEST_SEES)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    size_t count;
    vs_judgement got = judge(rows[i].text, vs_profile_find("documented"), &count);
    cr_expect(vs_is_no_clause(got.broken ^ rows[i].broken), "row %zu", i);
  }
}

// --- threads that are busy ---------------------------------------------------------------------

Test(broken, call_on_a_thread_that_is_within_another) {
  size_t count;
  vs_judgement got =
      judge(RACE_HEAD START("kick h2") ON("T1", "interrupt h2 32", "ZX_OK") "T1: join\n= ZX_OK\n",
            vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_BROKEN && got.at == 4, "step %d at op %zu", got.step, got.at);
}

Test(lost, thread_is_free_after_its_join_whatever_came_of_it) {
  size_t count;
  vs_judgement got =
      judge(HEAD START("kick h2") WRITE("h2 state buffer=unmapped", "ZX_OK") "T1: join\n= 77\n" ON(
                "T1", "interrupt h2 32", "ZX_ERR_INTERNAL") READ("rax=5") READ("rax=6"),
            vs_profile_find("zcore"), &count);
  cr_assert(got.step == VS_STEP_ALLOWED && got.lost && vs_is_no_clause(got.broken),
            "step %d at op %zu", got.step, got.at);
}

// --- how many explanations there are -----------------------------------------------------------

Test(worlds, are_one_where_both_choices_come_to_the_same) {
  static const char* const texts[] = {
      HEAD WRITE("h2 state rax=0x44 rflags=2", "ZX_OK") READ("rax=0x44")
          WRITE("h2 io access=1 data=5", "ZX_OK"),
      HEAD WRITE("h2 state rax=0x4444 rflags=2", "ZX_OK") WRITE("h2 io access=2 data=5", "ZX_OK"),
      HEAD_ARM64 WRITE("h2 state", "ZX_OK") WRITE("h2 io access=1", "ZX_OK")};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t count;
    judge(texts[i], vs_profile_find("documented"), &count);
    cr_expect_eq(oracle.count, 1, "trace %zu: %u worlds", i, oracle.count);
  }
}

Test(worlds, are_one_again_where_two_orders_came_to_the_same) {
  size_t count;
  judge(RACE_HEAD START("interrupt h2 32")
            OP("interrupt h2 33", "ZX_OK") "T1: join\n= ZX_OK\n" OP("interrupt h2 34", "ZX_OK"),
        vs_profile_find("documented"), &count);
  cr_expect_eq(oracle.count, 1, "%u worlds", oracle.count);
}

Test(worlds, are_two_where_the_accumulator_may_be_kept_or_zeroed) {
  static const char* const texts[] = {HEAD WRITE("h2 state rax=0x100 rflags=2", "ZX_OK")
                                          WRITE("h2 io access=1 data=5", "ZX_OK"),
                                      HEAD WRITE("h2 io access=1 data=5", "ZX_OK")};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t count;
    judge(texts[i], vs_profile_find("documented"), &count);
    cr_expect_eq(oracle.count, 2, "trace %zu: %u worlds", i, oracle.count);
  }
}

Test(kernels, overrun_bears_nothing_out) {
  size_t count;
  vs_judgement got = judge(HEAD WRITE("h2 io access=5", "ZX_OK") READ("rax=7"),
                           vs_profile_find("zircon-2018"), &count);
  vs_clause_set none =
      VS_MEMBER(VS_CLAUSE_IO) | VS_MEMBER(VS_CLAUSE_IO_ALONE) | VS_MEMBER(VS_CLAUSE_OF_HANDLE);
  cr_assert(got.step == VS_STEP_ALLOWED && vs_is_no_clause(got.attested & none), "step %d",
            got.step);
}

// --- the end of a trace ------------------------------------------------------------------------

Test(judge, goes_on_after_a_read_that_was_refused) {
  size_t count;
  vs_judgement got = judge(HEAD WRITE("h2 state rax=1 rflags=2", "ZX_OK")
                               OP("read_state h2", "ZX_ERR_BAD_STATE") READ("rax=2"),
                           vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_VIOLATION && got.at == 3, "step %d at op %zu", got.step, got.at);
  const vs_clause_set both = C(READ_PAUSED) | C(REGISTERS);
  cr_assert(vs_is_no_clause(got.broken ^ both));
}

Test(judge, ends_after_a_wrong_answer_of_which_nothing_follows) {
  static const char* const texts[] = {
      HEAD OP("kick h2", "ZX_ERR_BAD_STATE") READ("rax=2") READ("rax=3"),
      HEAD "T0: h4 = event_create\n= ZX_OK handle=0xb\n" READ("rax=2") READ("rax=3")};
  static const vs_clause_code broken[] = {VS_CLAUSE_KICK, VS_CLAUSE_DERIVED};
  for (size_t i = 0; i < 2; i++) {
    size_t count;
    vs_judgement got = judge(texts[i], vs_profile_find("documented"), &count);
    cr_assert(vs_is_no_clause(got.broken ^ VS_MEMBER(broken[i])));
  }
}

Test(judge, keeps_the_violation_before_what_makes_no_sense) {
  size_t count;
  vs_judgement got = judge(HEAD WRITE("h2 state buffer_size=1", "ZX_OK") OP("close h5", "ZX_OK"),
                           vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_VIOLATION && got.at == 2, "step %d at op %zu", got.step, got.at);
  cr_assert_eq(got.violation.clause, VS_CLAUSE_INVALID_SIZE);
}

Test(judge, says_nothing_of_a_call_whose_join_was_not_reached) {
  static const char* const texts[] = {HEAD START("close h2") "T1: join\n" READ("rax=1"),
                                      HEAD START("close h2")};
  for (size_t i = 0; i < 2; i++) {
    size_t count;
    vs_judgement got = judge(texts[i], vs_profile_find("documented"), &count);
    cr_assert(got.step == VS_STEP_ALLOWED && !vs_has_clause(got.attested, VS_CLAUSE_DERIVED),
              "step %d at op %zu", got.step, got.at);
  }
}

Test(judge, believes_that_a_guest_runs_whose_join_was_not_reached) {
  const char* text =
      X64 GUEST LOAD "T1: h2 = vcpu_create h0 spin\n= ZX_OK handle=0xb\n" START("enter h2")
          OP("await_guest h2", "ZX_OK") WRITE("h2 state", "ZX_OK") "T1: join\n";
  size_t count;
  vs_judgement got = judge(text, vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_VIOLATION && got.violation.clause == VS_CLAUSE_PAUSED,
            "step %d at op %zu", got.step, got.at);
  cr_assert(vs_has_clause(got.attested, VS_CLAUSE_RUNS_GUEST));
}

Test(judge, ends_where_the_call_that_was_to_be_started_is_missing) {
  size_t count;
  vs_judgement got =
      judge(HEAD "T1: start kick h2\n= unsupported\n", vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_UNSUPPORTED && got.at == 2, "step %d at op %zu", got.step, got.at);
}

Test(judge, cannot_judge_a_call_that_was_started_and_answered_at_once) {
  size_t count;
  vs_judgement got =
      judge(HEAD "T1: start kick h2\n= ZX_OK\n", vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_BROKEN && got.at == 2, "step %d at op %zu", got.step, got.at);
}

Test(judge, keeps_the_violation_when_it_can_judge_no_further) {
  size_t count;
  vs_judgement got = judge(HEAD WRITE("h2 state rflags=2", "ZX_ERR_INTERNAL")
                               OP("h3 = port_create", "ZX_ERR_NOT_SUPPORTED"),
                           vs_profile_find("documented"), &count);
  cr_assert(got.step == VS_STEP_VIOLATION && got.at == 2, "step %d at op %zu", got.step, got.at);
}

// A profile of somebody's own need not refuse what names nothing, or something else; what comes of
// it, it does not say.
Test(judge, says_nothing_after_a_call_that_its_profile_alone_accepts) {
  static const struct {
    const char* op;
    vs_check_code only;
  } rows[] = {{"kick h7", VS_CHECK_KICK_WRONG_TYPE}, {"kick h0", VS_CHECK_KICK_BAD_HANDLE}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_profile own = {.id = "own", .ordered = true, .order = {rows[i].only}};
    char text[400];
    snprintf(text, sizeof text, HEAD OP("%s", "ZX_OK"), rows[i].op);
    size_t count;
    vs_judgement got = judge(text, &own, &count);
    cr_expect(got.step == VS_STEP_ALLOWED && got.lost, "%s: step %d", rows[i].op, got.step);
  }
}

// --- more worlds than there is room for --------------------------------------------------------

#define THIRD "T2: h4 = vcpu_create h0 dump\n= ZX_OK handle=0x17\n"
// Each byte of the flags that changes doubles the explanations.
#define CHANGING(thread, handle, bytes) \
  ON(thread, "write_state " handle " state rflags=2 held=128:" bytes, "ZX_OK held")

Test(overflow, of_changing_buffers_is_no_violation) {
  size_t count;
  const char* text = HEAD SECOND THIRD CHANGING("T0", "h2", "d70d24") CHANGING("T1", "h3", "d70d24")
      CHANGING("T2", "h4", "d70d24");
  vs_judgement got = judge(text, vs_profile_find("zircon-x64"), &count);
  cr_assert(got.step == VS_STEP_BROKEN && got.overflow && got.at == 6, "step %d at op %zu",
            got.step, got.at);
}

Test(overflow, of_orders_is_no_violation_and_lasts) {
  const char* text = HEAD SECOND CHANGING("T0", "h2", "d70d24") CHANGING("T1", "h3", "d70d24") START("kick h2")
      "T2: start kick h3\n= started\n" OP("interrupt h2 32", "ZX_OK") "T1: join\n= ZX_OK\n"
      "T2: join\n= ZX_OK\n";
  size_t count;
  vs_judgement got = judge(text, vs_profile_find("zircon-x64"), &count);
  cr_assert(got.step == VS_STEP_BROKEN && got.overflow && got.at == 7, "step %d at op %zu",
            got.step, got.at);
  vs_op op = vs_op_new(VS_CALL_event_create, vs_arch_find(VS_ARCH_X64));
  vs_op_give(&op, 0, 9);
  vs_observation seen = {.outcome = VS_RETURNED, .handle = 0x33};
  cr_assert_eq(vs_oracle_step(&oracle, &op, &seen, NULL), VS_STEP_BROKEN);
  cr_assert(oracle.count > 0, "it is not for want of worlds");
}

#define NOT_REPLACED(handle) \
  OP("h5 = replace " handle " same_rights out=null", "ZX_ERR_INVALID_ARGS")
// Two times three bytes, and a handle that is closed, or not: no world is left.
#define ALL_WORLDS \
  HEAD SECOND CHANGING("T0", "h2", "d70d24") CHANGING("T1", "h3", "d70d24") NOT_REPLACED("h1")

Test(overflow, of_refusals_that_leave_a_choice_is_no_violation) {
  static const char* const texts[] = {ALL_WORLDS NOT_REPLACED("h0"),
                                      ALL_WORLDS OP("kick h2", "ZX_OK")
                                          OP("enter h2 packet=null", "ZX_ERR_INVALID_ARGS")};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    size_t count;
    vs_judgement got = judge(texts[i], &ungated, &count);
    cr_expect(got.step == VS_STEP_BROKEN && got.overflow && got.at == count - 1,
              "%zu: step %d at op %zu", i, got.step, got.at);
  }
}

// --- what may be answered ----------------------------------------------------------------------

static void after(const char* text, const char* profile) {
  size_t count;
  vs_judgement got = judge(text, vs_profile_find(profile), &count);
  cr_assert_eq(got.step, VS_STEP_ALLOWED);
}

static vs_op write_of(const char* text) {
  vs_document d = read_text(text);
  vs_op op = d.ops[d.count - 1];
  vs_document_free(&d);
  return op;
}

static vs_op op_of(vs_op_code code, uint8_t slot) {
  vs_op op = vs_op_new((uint8_t)code, vs_arch_find(VS_ARCH_X64));
  op.args[0] = vs_arg_slot(slot);
  return op;
}

// The same on thread 1, without waiting.
static vs_op started(vs_op_code code, uint8_t slot) {
  vs_op op = op_of(code, slot);
  op.thread = 1;
  op.async = true;
  return op;
}

static const vs_observation fine = {.outcome = VS_RETURNED};

Test(allowed, is_what_some_world_allows) {
  after(HEAD OP("h3 = duplicate h2 same_rights", "ZX_OK handle=0xf"), "documented");
  vs_op op = write_of(HEAD WRITE("h3 state rflags=2", "ZX_OK"));
  vs_op close = started(VS_CALL_handle_close, 3);
  vs_op interrupt = op_of(VS_CALL_vcpu_interrupt, 2);
  vs_decision allowed;
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.count == 1 && vs_decision_find(&allowed, ZX_OK) != NULL && allowed.faults == 0);
  cr_assert_eq(vs_oracle_start(&oracle, &close, &fine), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_step(&oracle, &interrupt, &fine, NULL), VS_STEP_ALLOWED);
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.count == 2 && vs_decision_find(&allowed, ZX_OK) != NULL &&
                vs_decision_find(&allowed, ZX_ERR_BAD_HANDLE) != NULL,
            "%u statuses are allowed", allowed.count);
  cr_assert(allowed.faults == VS_CHECK_IN(VS_CHECK_BAD_HANDLE) && !allowed.ordered &&
            !allowed.anything);
}

Test(allowed, says_whether_an_order_chose_or_anything_may_come) {
  vs_op op = write_of(HEAD WRITE("h2 state buffer=unmapped", "ZX_OK"));
  vs_decision allowed;
  after(HEAD, "zircon-x64");
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.ordered && !allowed.anything && allowed.count == 1);
  after(HEAD, "zcore");
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.ordered && allowed.anything && allowed.count == 0);
}

Test(allowed, is_anything_of_what_a_profile_says_nothing_of_and_after_it) {
  vs_op kick = op_of(VS_CALL_vcpu_kick, 2);
  vs_op cleared = kick;
  cleared.args[0].form = VS_HANDLE_CLEARED;
  cleared.args[0].number = 1;
  vs_decision allowed;
  after(HEAD, "zircon-2018");
  vs_oracle_allowed(&oracle, &cleared, &allowed);
  cr_assert(allowed.anything);
  vs_oracle_allowed(&oracle, &kick, &allowed);
  cr_assert(!allowed.anything);
  cr_assert_eq(vs_oracle_step(&oracle, &cleared, &fine, NULL), VS_STEP_ALLOWED);
  vs_oracle_allowed(&oracle, &kick, &allowed);
  cr_assert(allowed.anything);
}

Test(allowed, of_what_is_no_call_is_nothing) {
  after(HEAD, "documented");
  vs_op op = vs_op_new(VS_OP_await_guest, vs_arch_find(VS_ARCH_X64));
  vs_decision allowed = {.count = 3};
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert_eq(allowed.count, 0);
}

Test(allowed, of_other_calls_is_said_where_they_are_predicted) {
  after(HEAD, "documented");
  vs_op op = op_of(VS_CALL_vcpu_read_state, 2);
  vs_decision allowed = {.count = 3, .faults = 7};
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.count == 1 && allowed.allowed[0].status == ZX_OK && allowed.faults == 0);
  op = op_of(VS_CALL_vmo_read, 2);
  vs_oracle_allowed(&oracle, &op, &allowed);
  cr_assert(allowed.count == 0 && allowed.faults == 0);
}

Test(held, in_every_world) {
  const vs_check_set handle = VS_CHECK_IN(VS_CHECK_BAD_HANDLE);
  const vs_check_set size = VS_CHECK_IN(VS_CHECK_SIZE);
  after(HEAD OP("h3 = duplicate h2 same_rights", "ZX_OK handle=0xf"), "documented");
  vs_op op = write_of(HEAD WRITE("h3 state rflags=2", "ZX_OK"));
  vs_op close = started(VS_CALL_handle_close, 3);
  vs_op interrupt = op_of(VS_CALL_vcpu_interrupt, 2);
  cr_assert_eq(vs_oracle_held(&oracle, &op) & (handle | size), handle | size);
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number++;
  cr_assert_eq(vs_oracle_held(&oracle, &op), 0, "beside a fault nothing is certain");
  VS_OP_ARG(&op, vcpu_write_state, buffer_size).number--;
  cr_assert_eq(vs_oracle_start(&oracle, &close, &fine), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_step(&oracle, &interrupt, &fine, NULL), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_held(&oracle, &op), 0, "in one world the handle is closed");
}

Test(held, by_what_is_no_call_is_nothing) {
  after(HEAD, "documented");
  vs_op op = vs_op_new(VS_OP_await_guest, vs_arch_find(VS_ARCH_X64));
  cr_assert_eq(vs_oracle_held(&oracle, &op), 0);
  oracle.count = 0;
  op = write_of(HEAD WRITE("h2 state rflags=2", "ZX_OK"));
  cr_assert_eq(vs_oracle_held(&oracle, &op), 0, "no world is left");
}

// --- calls that run beside others --------------------------------------------------------------

Test(start, of_what_makes_no_sense_is_refused) {
  static const vs_observation running = {.outcome = VS_NOT_REACHED};
  const vs_op kick = started(VS_CALL_vcpu_kick, 2);
  vs_op waits = kick;
  waits.async = false;
  vs_op nobody = kick;
  nobody.thread = VS_THREADS;
  after(HEAD, "documented");
  cr_assert_eq(vs_oracle_start(&oracle, &waits, &fine), VS_STEP_BROKEN);
  cr_assert_eq(vs_oracle_start(&oracle, &nobody, &fine), VS_STEP_BROKEN);
  cr_assert_eq(vs_oracle_start(&oracle, &kick, &running), VS_STEP_BROKEN);
  cr_assert(!oracle.raced);
  cr_assert_eq(vs_oracle_start(&oracle, &kick, &fine), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_start(&oracle, &kick, &fine), VS_STEP_BROKEN, "the thread is busy");
  oracle.count = 0;
  vs_op other = kick;
  other.thread = 2;
  cr_assert_eq(vs_oracle_start(&oracle, &other, &fine), VS_STEP_BROKEN, "no world is left");
}

// Whoever does not know the answer yet may step over the ENTER, and over its JOIN when it comes.
Test(start, of_an_enter_may_be_a_step) {
  after(X64 GUEST LOAD VCPU_ON_1 ON("T1", "write_state h2 state rax=3 rflags=2", "ZX_OK"),
        "documented");
  static const vs_observation begun = {.outcome = VS_STARTED};
  vs_op enter = started(VS_CALL_vcpu_enter, 2);
  vs_op write = write_of(X64 GUEST VCPU("dump") WRITE("h2 state", "ZX_ERR_BAD_STATE"));
  vs_op join = {.code = VS_OP_join, .thread = 1};
  vs_observation refused = {.outcome = VS_RETURNED, .status = ZX_ERR_BAD_STATE};
  vs_observation left = fine;
  left.has_packet = left.has_state = true;
  left.packet.type = ZX_PKT_TYPE_GUEST_IO;
  left.packet.key = VS_TRAP_KEY(0, VS_PORT_DUMP);
  left.packet.guest_io = (zx_packet_guest_io_t){.port = VS_PORT_DUMP, .access_size = 1};
  left.state[0] = 3;
  left.state[128] = 2;
  cr_assert_eq(vs_oracle_step(&oracle, &enter, &begun, NULL), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_start(&oracle, &enter, &fine), VS_STEP_BROKEN, "the thread is busy");
  vs_op interrupt = op_of(VS_CALL_vcpu_interrupt, 2);
  interrupt.thread = 1;
  cr_assert_eq(vs_oracle_step(&oracle, &interrupt, &fine, NULL), VS_STEP_BROKEN);
  cr_assert_eq(vs_oracle_step(&oracle, &write, &refused, NULL), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_step(&oracle, &join, &left, NULL), VS_STEP_ALLOWED);
  write.thread = 1;
  cr_assert_eq(vs_oracle_step(&oracle, &write, &fine, NULL), VS_STEP_ALLOWED, "it runs no more");
}

// It has no answer, whatever its status would say.
Test(start, of_a_call_that_was_not_reached_is_no_refusal) {
  after(X64 GUEST LOAD VCPU_ON_1, "documented");
  vs_op enter = started(VS_CALL_vcpu_enter, 2);
  vs_op close = op_of(VS_CALL_handle_close, 2);
  vs_op join = {.code = VS_OP_join, .thread = 1};
  static const vs_observation running = {.outcome = VS_NOT_REACHED, .status = ZX_ERR_BAD_HANDLE};
  vs_violation why;
  cr_assert_eq(vs_oracle_start(&oracle, &enter, &running), VS_STEP_ALLOWED);
  cr_assert_eq(vs_oracle_step(&oracle, &close, &fine, NULL), VS_STEP_ALLOWED);
  vs_observation refused = {.outcome = VS_RETURNED, .status = ZX_ERR_BAD_HANDLE};
  cr_assert_eq(vs_oracle_step(&oracle, &join, &refused, &why), VS_STEP_VIOLATION);
}

// Whether a kick may be to blame as well or not: the register is what is wrong.
Test(race, with_a_wrong_register_names_it) {
#define ENTERED                                                                     \
  X64 GUEST LOAD VCPU_ON_1 ON("T1", "write_state h2 state rax=1 rflags=2", "ZX_OK") \
      START("enter h2") OP("interrupt h2 32", "ZX_OK")
#define LEFT_WRONG \
  "T1: join\n= ZX_OK packet=5 key=0xdca1ab00000000d0 port=0xd0 access=1 state rax=9 rflags=2\n"
  static const char* const texts[] = {ENTERED LEFT_WRONG,
                                      ENTERED OP("kick h2", "ZX_OK") LEFT_WRONG};
  for (size_t i = 0; i < 2; i++) {
    size_t count;
    vs_judgement got = judge(texts[i], vs_profile_find("documented"), &count);
    cr_assert(got.step == VS_STEP_VIOLATION && got.violation.kind == VS_VIOLATION_REGISTER &&
                  got.violation.clause == VS_CLAUSE_GUEST_SEES && got.violation.value == 9,
              "step %d at op %zu", got.step, got.at);
  }
}

// --- the edges of a world ----------------------------------------------------------------------

Test(world, has_no_value_for_a_slot_that_there_is_not) {
  static vs_world world;
  vs_world_init(&world, &vs_profiles[0]);
  vs_arg handle = {.slot = VS_SLOTS};
  cr_assert_eq(vs_world_value(&world, &handle), ZX_HANDLE_INVALID);
  handle.form = VS_HANDLE_RAW;
  handle.number = 77;
  cr_assert_eq(vs_world_value(&world, &handle), 77);
}

Test(world, is_full_when_every_object_is_taken) {
  static vs_world world;
  vs_world_init(&world, &vs_profiles[0]);
  for (uint8_t i = 0; i < VS_OBJECTS; i++) {
    cr_assert(vs_world_add(&world, i, VS_OBJECT_EVENT, 4u * i + 3), "object %u", i);
  }
  cr_assert(!vs_world_add(&world, 0, VS_OBJECT_EVENT, 0x103), "there is no object left");
  const vs_slot from = world.slots[1];
  vs_world_alias(&world, 0, &from, 0, 0x103);
  cr_assert(world.slots[0].object == 1 && world.objects[1].handles == 2);
  cr_assert(world.objects[0].code == VS_OBJECT_FREE, "what the slot held is closed");
  vs_world_alias(&world, 1, &from, 0, 0x107);
  cr_assert(world.objects[1].handles == 2, "a slot may take its own object's place");
}

// --- where a buffer lies -----------------------------------------------------------------------

Test(place, is_what_the_placement_promises) {
  enum { PAGE = 4096 };
  static const struct {
    vs_placement at;
    uint16_t argument;
    vs_place place;  // null, user, address, readable; of a buffer of 136 bytes
  } rows[] = {
      {VS_AT_PLAIN, 0, {false, true, 0, 2 * PAGE}},
      {VS_AT_MISALIGNED, 0, {false, true, 0, 2 * PAGE}},
      {VS_AT_MISALIGNED, 63, {false, true, 63, 2 * PAGE - 63}},
      {VS_AT_MISALIGNED, PAGE + 1, {false, true, 1, 2 * PAGE - 1}},
      {VS_AT_CROSSING, 1, {false, true, PAGE - 1, PAGE + 1}},
      {VS_AT_CROSSING, 200, {false, true, PAGE - 136, PAGE + 136}},
      {VS_AT_CROSSING, 0, {false, true, 0, PAGE}},
      {VS_AT_EDGE, 0, {false, true, PAGE - 136, 136}},
      {VS_AT_READONLY, 0, {false, true, 0, PAGE}},
      {VS_AT_LOW, 0, {false, true, 0, PAGE}},
      {VS_AT_NULL, 0, {true, true, 0, 0}},
      {VS_AT_ONE, 0, {false, true, 1, 0}},
      {VS_AT_UNMAPPED, 0, {false, true, 0, 0}},
      {VS_AT_PROT_NONE, 0, {false, true, 0, 0}},
      {VS_AT_BEYOND_EOF, 0, {false, true, 0, 0}},
      {VS_AT_STRADDLE, 1, {false, true, PAGE - 135, 135}},
      {VS_AT_STRADDLE, 136, {false, true, 0, 0}},
      {VS_AT_STRADDLE, 500, {false, true, 0, 0}},
      {VS_AT_STRADDLE_NONE, 1, {false, true, PAGE - 135, 135}},
      {VS_AT_STRADDLE_HEAD, 0, {false, true, 0, 2 * PAGE}},
      {VS_AT_STRADDLE_HEAD, 1, {false, true, PAGE - 1, 0}},
      {VS_AT_USER_END, 1, {false, true, PAGE - 135, 0}},
      {VS_AT_USER_END, 136, {false, true, 0, 0}},
      {VS_AT_KERNEL, 5, {false, false, 0, 0}},
      {VS_AT_NONCANONICAL, 50, {false, false, 0, 0}},
      {VS_AT_WRAPPING, 0, {true, true, 0, 0}},
      {VS_AT_WRAPPING, 1, {false, false, PAGE - 1, 0}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_arg buffer = {.at = (uint8_t)rows[i].at, .argument = rows[i].argument, .length = 136};
    vs_place got = vs_place_of(&buffer);
    const vs_place* right = &rows[i].place;
    cr_expect(got.null == right->null && got.user == right->user && got.address == right->address &&
                  got.readable == right->readable,
              "%s:%u: null %d, user %d, at %u, %u readable", vs_placements[rows[i].at].name,
              rows[i].argument, got.null, got.user, got.address, (unsigned)got.readable);
  }
}

Test(place, of_a_long_buffer_is_that_of_what_is_left_of_it) {
  vs_arg buffer = {.at = VS_AT_EDGE, .length = 5000};
  vs_place got = vs_place_of(&buffer);
  cr_assert(got.address == 2048 && got.readable == 2048, "%u bytes", (unsigned)got.readable);
}
