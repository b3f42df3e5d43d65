// SPDX-License-Identifier: BSD-3-Clause
// The vocabulary: operation, script, observation, trace. Plain data without inner pointers (but for
// the arrays that a script and a trace are made of), no logic. A script holds no expectations: what
// an answer must be is the oracle's business.
#ifndef VCPUSPEC_OP_H_
#define VCPUSPEC_OP_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vcpuspec/backend.h>

enum {
  VS_SLOTS = 16,      // handle slots of a script
  VS_THREADS = 4,     // threads of a script; 0 runs the script, the others are started on demand
  VS_STATE_MAX = 264  // bytes; the largest state of any architecture
};

#define VS_LOCAL(name, phase, text, ...)    \
  struct vs_args_##name {                   \
    uint64_t VS_EACH(VS_NAME, __VA_ARGS__); \
  };
#include <vcpuspec/ops.def>

typedef enum vs_placement {
#define VS_PLACEMENT(code, name, readable, text) VS_AT_##code,
#include <vcpuspec/placements.def>
#undef VS_PLACEMENT
  VS_PLACEMENT_COUNT
} vs_placement;

typedef enum vs_program {
#define VS_PROGRAM(code, name, exit, width, text) VS_PROGRAM_##code,
#include <vcpuspec/programs.def>
#undef VS_PROGRAM
  VS_PROGRAM_COUNT
} vs_program;

typedef enum vs_program_exit {
  VS_PROGRAM_EXIT_NONE,
  VS_PROGRAM_EXIT_IN,
  VS_PROGRAM_EXIT_OUT,
  VS_PROGRAM_EXIT_SPIN,
  VS_PROGRAM_EXIT_ACCESS,  // by a trap on memory, or not at all: see accesses.def
  // By the dump, but not with the registers that it began with:
  VS_PROGRAM_EXIT_TURN,
  VS_PROGRAM_EXIT_KEEP,
  VS_PROGRAM_EXIT_TAKE,
  VS_PROGRAM_EXIT_SEND,
  VS_PROGRAM_EXIT_UNKNOWN
} vs_program_exit;

// The ports that guest programs use and the executor traps; and, where the architecture has none,
// the guest-physical address to which a guest that has stored its registers writes.
enum { VS_PORT_DUMP = 0xd0, VS_PORT_IN = 0xd4, VS_PORT_OUT = 0xd8, VS_MMIO_DUMP = 0x100000 };
// Two pages without memory, which `stores` and `fetch` touch: traps there are the script's.
enum { VS_MMIO_TOUCH = 0x110000 };
// The key of the trap that begins there, of the guest in a slot: each half of it matters, and its
// highest bit.
#define VS_TRAP_KEY(slot, at) (UINT64_C(0xdca1ab0000000000) | (uint64_t)(slot) << 32 | (at))

// How the value of a handle argument comes about.
typedef enum vs_handle_form {
  VS_HANDLE_SLOT,           // the value that the slot received, also after it was closed
  VS_HANDLE_CLEARED,        // that value with the bits `number` cleared
  VS_HANDLE_FLIPPED,        // that value with the bits `number` inverted
  VS_HANDLE_RAW,            // `number` itself
  VS_HANDLE_RESOURCE,       // the handle that stands for the machine's resource
  VS_HANDLE_OTHER_RESOURCE  // that of another resource, if the backend offers one
} vs_handle_form;

// How an entry comes about.
typedef enum vs_entry_form {
  VS_ENTRY_PROGRAM,  // the start of guest program `slot`; of CODE, the op's own bytes
  VS_ENTRY_RAW       // `number` itself
} vs_entry_form;

// An argument in symbolic form, by its parameter's type.
typedef struct vs_arg {
  uint64_t number;  // numbers; of a handle, the bits or the value
  uint8_t form;     // HANDLE: vs_handle_form; ENTRY: vs_entry_form
  uint8_t slot;  // HANDLE: 0..VS_SLOTS-1. OUT_HANDLE: the slot that receives it. ENTRY: vs_program
  uint8_t at;    // pointers: vs_placement
  uint8_t reserved;   // 0
  uint16_t argument;  // pointers: N of the placement, bytes or a bit number
  // Pointers IN and OUT: bytes that are laid out at the placement, at most 2048; what the call is
  // told is its SIZE, which may differ. Of the other pointers their type says it.
  uint16_t length;
} vs_arg;

// While the call runs, bytes[0..length) are written over the in-buffer from `offset` on.
typedef enum vs_rewrite_mode {
  VS_REWRITE_NONE,
  VS_REWRITE_HELD,  // once, while the call is held at a fault on what follows offset + length
  VS_REWRITE_FLIP   // between two looks, or back and forth as fast as it can
} vs_rewrite_mode;

typedef struct vs_rewrite {
  uint8_t mode;    // vs_rewrite_mode
  uint8_t length;  // bytes, 1..8
  uint16_t offset;
  uint8_t bytes[8];
} vs_rewrite;

// One documented call, made on a thread, or one of the few things that are none.
typedef struct vs_op {
  uint8_t code;    // vs_op_code
  uint8_t thread;  // 0..VS_THREADS-1: who makes the call
  bool async;      // started without waiting; a JOIN for the same thread waits
  bool optional;   // where the backend lacks the call, the case goes on without it
  vs_rewrite rewrite;
  vs_arg args[VS_ARGS_MAX];  // in the order of the row
  // What lies at an in-pointer (past VS_STATE_MAX: a fixed filler), or the machine code of an
  // entry, whose `length` says how many bytes that are.
  uint8_t bytes[VS_STATE_MAX];
} vs_op;

// The op's argument for a parameter of the call: VS_OP_ARG(op, vcpu_write_state, kind).number.
#define VS_OP_ARG(op, call, parameter) ((op)->args[VS_ARG(call, parameter)])

typedef struct vs_script {
  const char* title;
  const vs_op* ops;
  size_t count;
} vs_script;

typedef enum vs_outcome {
  VS_NOT_REACHED,  // the run ended before
  VS_IN_CALL,      // the run ended within: a crash or a hang
  VS_RETURNED,     // `status` is what came back
  VS_STARTED,      // asynchronous: the JOIN carries the answer
  VS_UNSUPPORTED   // the backend lacks `call`, or a setup that this op needs did not succeed
} vs_outcome;

// Bytes of the caller's memory that are not what they were: [from, to), counted from the address
// that the parameter's pointer has. Outside its length: beside what was laid out there.
typedef struct vs_change {
  uint8_t parameter;
  int16_t from;
  int16_t to;
} vs_change;

enum { VS_CHANGES_MAX = 6 };  // of further ranges, the last one grows

// What came out of one op.
typedef struct vs_observation {
  uint8_t outcome;  // vs_outcome
  uint8_t call;     // the call that answered, or is missing; or VS_NO_OTHER_RESOURCE
  bool has_state;   // the OUT buffer's bytes after ZX_OK; ENTER: the guest dumped its registers
  bool has_packet;  // OUT_PACKET, after ZX_OK
  bool held;        // the call was held at a fault, and its buffer rewritten then
  uint8_t change_count;  // of `changes`, after any status
  vs_change changes[VS_CHANGES_MAX];
  zx_status_t status;   // as returned, not interpreted
  zx_handle_t handle;   // what the first OUT_HANDLE received; after a refusal: 0, or it was open
  zx_handle_t handle2;  // and the second
  uint64_t number;      // OUT_U64
  zx_port_packet_t packet;
  uint8_t state[VS_STATE_MAX];  // in the layout of ZX_VCPU_STATE, or the OUT buffer's first bytes
} vs_observation;

typedef enum vs_trace_end {
  VS_TRACE_CUT,   // it says nothing of its end: something is missing
  VS_TRACE_DONE,  // the script ran to its end
  VS_TRACE_DIED   // the backend ended before: `death` says how
} vs_trace_end;

// A script with what was observed: what recording returns, and judging takes. Text, wire and files
// are forms of it.
typedef struct vs_trace {
  vs_script script;
  vs_arch arch;
  const vs_observation* observations;  // [i] belongs to script.ops[i]
  bool opened;        // the backend could be opened, and understood what it was asked
  uint8_t end;        // vs_trace_end
  const char* death;  // in words; "" or NULL: nothing is told
} vs_trace;

#endif  // VCPUSPEC_OP_H_
