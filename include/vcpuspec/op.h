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

typedef enum vs_op_code {
#define VS_OP(code, name, phase, text) VS_OP_##code,
#include <vcpuspec/ops.def>
#undef VS_OP
  VS_OP_COUNT
} vs_op_code;

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
  VS_PROGRAM_EXIT_UNKNOWN
} vs_program_exit;

// The ports that guest programs use and the executor traps; and, where the architecture has none,
// the guest-physical address to which a guest that has stored its registers writes.
enum { VS_PORT_DUMP = 0xd0, VS_PORT_IN = 0xd4, VS_PORT_OUT = 0xd8, VS_MMIO_DUMP = 0x100000 };

// How the value of a handle argument comes about.
typedef enum vs_handle_form {
  VS_HANDLE_SLOT,     // the value that the slot received, also after it was closed
  VS_HANDLE_CLEARED,  // that value with the bits `value` cleared
  VS_HANDLE_FLIPPED,  // that value with the bits `value` inverted
  VS_HANDLE_RAW       // `value` itself
} vs_handle_form;

typedef struct vs_handle_ref {
  uint8_t form;  // vs_handle_form
  uint8_t slot;  // 0..VS_SLOTS-1
  uint32_t value;
} vs_handle_ref;

// `length` bytes are laid out at the placement, from `bytes` (past VS_STATE_MAX: a fixed filler).
// What the call is told, vs_op.size, may differ.
typedef struct vs_buffer {
  uint8_t at;         // vs_placement
  uint16_t argument;  // N of the placement: bytes or a bit number
  uint16_t length;    // bytes, at most 2048
  uint8_t bytes[VS_STATE_MAX];
} vs_buffer;

// While the call runs, another thread writes bytes[0..length) over the buffer from `offset` on.
typedef enum vs_rewrite_mode {
  VS_REWRITE_NONE,
  VS_REWRITE_HELD,  // once, while the call is held at a fault on what follows offset + length
  VS_REWRITE_FLIP   // back and forth, as fast as it can
} vs_rewrite_mode;

typedef struct vs_rewrite {
  uint8_t mode;    // vs_rewrite_mode
  uint8_t length;  // bytes, 1..8
  uint16_t offset;
  uint8_t bytes[8];
} vs_rewrite;

typedef struct vs_op {
  uint8_t code;     // vs_op_code
  uint8_t thread;   // 0..VS_THREADS-1: who makes the call
  bool async;       // started without waiting; a JOIN for the same thread waits
  bool optional;    // where the backend lacks the call, the case goes on without it
  uint8_t out;      // slot that receives the new handle
  uint8_t out2;     // the vmar's slot (GUEST_CREATE makes it, GUEST_LOAD uses it)
  uint8_t program;  // vs_program (VCPU_CREATE); of CODE, the machine code is in `buffer`
  vs_handle_ref handle;
  uint32_t kind;    // WRITE_STATE
  uint32_t rights;  // DUPLICATE, REPLACE
  uint32_t vector;  // INTERRUPT
  uint64_t size;    // WRITE_STATE: buffer_size, bytes
  vs_buffer buffer;
  vs_rewrite rewrite;  // WRITE_STATE
} vs_op;

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

// What came out of one op.
typedef struct vs_observation {
  uint8_t outcome;      // vs_outcome
  uint8_t call;         // index in calls.def of the call that answered, or is missing
  bool has_state;       // READ_STATE: always with ZX_OK; ENTER: the guest dumped its registers
  bool has_packet;      // ENTER returned ZX_OK
  bool buffer_changed;  // WRITE_STATE: the caller's buffer is not what it was
  bool held;            // WRITE_STATE: the call was held at a fault, and its buffer rewritten then
  zx_status_t status;   // as returned, not interpreted
  zx_handle_t handle;   // what `out` received
  zx_handle_t handle2;
  uint32_t packet_type;
  uint64_t packet_addr;         // when packet_type is ZX_PKT_TYPE_GUEST_MEM: guest-physical
  zx_packet_guest_io_t io;      // when packet_type is ZX_PKT_TYPE_GUEST_IO
  uint8_t state[VS_STATE_MAX];  // in the layout of ZX_VCPU_STATE
} vs_observation;

// A script with what was observed: observations[i] belongs to script.ops[i].
typedef struct vs_trace {
  vs_script script;
  vs_arch arch;
  const vs_observation* observations;
} vs_trace;

#endif  // VCPUSPEC_OP_H_
