// SPDX-License-Identifier: BSD-3-Clause
// The world that the oracle believes in: handles, objects, vCPUs, threads, registers. One struct
// without pointers: an assignment is a snapshot. Nothing here refuses or judges; see decide.h and
// oracle.h.
#ifndef VS_MODEL_WORLD_H_
#define VS_MODEL_WORLD_H_

#include "tables.h"

enum { VS_VCPUS = 4, VS_OBJECTS = 16, VS_TRAPS = 12, VS_PACKETS = 8, VS_VECTORS = 256 };

// A register is what is known of it: bits outside `known` may have any value until observed.
typedef struct vs_reg {
  uint64_t value;
  uint64_t known;
} vs_reg;

// What last happened to a vCPU's registers: it decides which clause a wrong register breaks.
typedef enum vs_touch {
  VS_TOUCH_NONE,     // nothing since it was created
  VS_TOUCH_STATE,    // an accepted write of ZX_VCPU_STATE
  VS_TOUCH_IO,       // an accepted write of ZX_VCPU_IO
  VS_TOUCH_REFUSED,  // a refused call: `called` says which
  VS_TOUCH_CALLED,   // an accepted call that changes none: the same
  VS_TOUCH_OTHER,    // an accepted write of another vCPU
  VS_TOUCH_RAN       // guest code itself: `ran` is broken where it shows another value
} vs_touch;

typedef enum vs_stage {
  VS_STAGE_ENTRY,    // has not left its program's first instruction
  VS_STAGE_DUMP,     // in the dump loop: the next entry stores every register
  VS_STAGE_SPIN,     // in the endless loop
  VS_STAGE_UNKNOWN,  // in code of the script's own, or not its guest's first vCPU
  VS_STAGE_TURN,     // before what the programs of these names do
  VS_STAGE_KEEP,
  VS_STAGE_KEPT,  // the next entry fetches what `keep` has kept
  VS_STAGE_TAKE,
  VS_STAGE_SEND,  // `access` of its two messages are behind it
  VS_STAGE_WAIT   // the next entry of `take` lets interrupts in, and waits for one
} vs_stage;

typedef struct vs_vcpu {
  bool live;
  bool running;     // a thread is within zx_vcpu_enter
  bool entered;     // some time or other
  bool kicked;      // a kick was not consumed yet
  bool beside;      // that kick came, or may have come, while the guest ran
  bool halted;      // WAIT: it was kicked there, and may have its stack as it was written since
  bool torn;        // it was stopped anywhere in the dump loop: the next dump proves nothing
  uint8_t creator;  // thread; VS_THREADS: it has ended
  uint8_t program;  // vs_program
  uint8_t stage;    // vs_stage
  uint8_t access;   // of its program: how many are behind it
  uint8_t touch;    // vs_touch
  uint8_t called;   // REFUSED, CALLED: vs_op_code
  uint8_t ran;      // RAN: vs_clause_code
  // Since the last kick that was accepted, or entry that was:
  bool kick_refused;      // a kick was refused
  uint8_t refused_since;  // 1 + the vs_op_code of the last call that was; 0: none
  uint8_t guest;          // 1 + the object that it is of
  bool blind;          // what the guest stores cannot be read: the handle of its memory is closed
  vs_rewrite raced;    // STATE and IO: what changed of its buffer meanwhile; mode NONE: nothing
  uint8_t raced_open;  // a bit for each of those bytes that a register may have old or new
  uint8_t awaits;      // 1 + the register that an IN or a load waits for; 0: none
  bool read_since;     // zx_vcpu_read_state has reported the registers since that touch
  bool crossed;        // a write of another vCPU was accepted, and no view has shown this one since
  // Of accepted writes, as long as neither view, or one of them, has not shown what became of them:
  bool unread;                        // zx_vcpu_read_state has not
  bool unseen;                        // guest code has not
  uint8_t wrote;                      // their sorts: VS_BIT(VS_TOUCH_STATE), VS_BIT(VS_TOUCH_IO)
  uint64_t before[VS_REGISTERS_MAX];  // what a register had held; where not known, as written
  // The flags register's user bits are in regs; its other bits are whatever each view shows, and
  // must then stay so.
  vs_reg flags_read;    // other bits as zx_vcpu_read_state shows them
  vs_reg flags_guest;   // other bits as guest code sees them
  uint64_t flags_alt;   // user bits that may as well be the opposite (VS_LATITUDE_SYSTEM_FLAGS)
  uint64_t flags_tell;  // those of them in which an observation tells whether the write took
  vs_reg regs[VS_REGISTERS_MAX];
  uint64_t raised[VS_VECTORS / 64];  // a bit for each vector that was raised, and not taken
  uint64_t kept[VS_REGISTERS_MAX];   // KEPT: values of registers
  uint64_t kept_known;               // a bit for each register of which that is known
} vs_vcpu;

typedef struct vs_object {
  uint8_t code;     // vs_object_code
  uint8_t handles;  // open handles to it
  uint8_t vcpu;     // index, of a vCPU
  uint8_t guest;    // of an address region, and of the programs' memory: 1 + the guest's object
  bool bred;        // of a guest: a vCPU was made of it
  bool blind;       // of a guest: its memory cannot be read any more
} vs_object;

// Of a guest, as long as a handle to that is open.
typedef struct vs_trap {
  bool live;
  uint8_t guest;  // object
  uint8_t kind;   // ZX_GUEST_TRAP_...
  uint64_t first;
  uint64_t last;
  uint64_t key;
  uint8_t port;  // of a bell: object
  bool closed;   // of a bell: and that has no handle any more
} vs_trap;

// A packet that waits in a port.
typedef struct vs_queued {
  uint8_t port;   // object
  uint8_t guest;  // of a bell: 1 + its object; 0: of zx_port_queue, or it is gone
  bool orphan;    // of a bell of a guest that is gone: it may be there, or not
  zx_port_packet_t packet;
} vs_queued;

typedef enum vs_slot_state { VS_SLOT_EMPTY, VS_SLOT_OPEN, VS_SLOT_CLOSED } vs_slot_state;

typedef struct vs_slot {
  uint8_t state;   // vs_slot_state
  uint8_t object;  // index
  zx_rights_t rights;
  zx_rights_t maybe;  // rights that it may have, or not
  bool replaced;      // CLOSED: by zx_handle_replace
  bool born;          // it came with its object: no zx_handle_duplicate or _replace made it
  zx_handle_t value;  // as observed
} vs_slot;

// Whether a call that runs beside others has had its effect yet, in this world.
typedef enum vs_racing {
  VS_RACING_NONE,
  VS_RACING_BEFORE,
  VS_RACING_INSIDE,  // zx_vcpu_enter alone: the guest runs
  VS_RACING_AFTER
} vs_racing;

typedef enum vs_choice { VS_CHOICE_OPEN, VS_CHOICE_BASE, VS_CHOICE_LATITUDE } vs_choice;

typedef struct vs_world {
  vs_slot slots[VS_SLOTS];
  vs_object objects[VS_OBJECTS];
  vs_vcpu vcpus[VS_VCPUS];
  vs_trap traps[VS_TRAPS];
  uint8_t queued;                  // packets
  vs_queued packets[VS_PACKETS];   // of all ports, the oldest first
  uint8_t async_vcpu[VS_THREADS];  // 1 + the vCPU that the thread is within zx_vcpu_enter for
  uint8_t racing[VS_THREADS];      // vs_racing, of the call that the thread is within
  vs_clause_set race_attests[VS_THREADS];  // what that call's answer bears out
  // Choices that an implementation makes once: they hold for the rest of the trace.
  uint8_t flags_gate;        // vs_choice
  uint8_t io_upper[3];       // vs_choice for access_size 1, 2, 4
  uint8_t thread_io;         // vs_choice: ZX_ERR_INVALID_ARGS for ZX_VCPU_IO from the wrong thread
  uint64_t odd_refused[4];   // a bit for each access_size outside 1, 2, 4 that was refused
  uint64_t odd_accepted[4];  // and for each that was accepted
  uint64_t flags_honoured;   // optional flags that were seen to be written
  uint64_t flags_ignored;    // and those that were seen to be ignored
  vs_latitude_set used;      // latitudes that this world needed to explain the trace
  uint64_t refused;          // calls (VS_BIT) of which the last one was refused
  bool kick_came;            // a kick has canceled an entry, and nothing was refused in between
  bool bells_stay;           // packets of bells may outlive their guest
  bool manage_process;       // guests have MANAGE_PROCESS in the place of MANAGE_THREAD
  bool lost;  // a call was made of which the profile says nothing: nothing is known any more
} vs_world;

void vs_world_init(vs_world* world, const vs_profile* profile);

// The value that a handle argument stands for.
zx_handle_t vs_world_value(const vs_world* world, const vs_arg* ref);

// The open slot with this value, or NULL.
const vs_slot* vs_world_resolve(const vs_world* world, zx_handle_t value);

// The vCPU that an open slot names, or NULL if it names another object.
vs_vcpu* vs_world_vcpu(vs_world* world, const vs_slot* slot);

// Puts a new handle to a new object (`code`) in a slot, in the place of what it held, which is
// closed. False: no room.
bool vs_world_add(vs_world* world, uint8_t slot, vs_object_code code, zx_handle_t value);

// Likewise a further handle to the object of `from`, which is no slot of the world's, with rights
// as asked of zx_handle_duplicate.
void vs_world_alias(vs_world* world, uint8_t slot, const vs_slot* from, zx_rights_t rights,
                    zx_handle_t value);

// The right that a call needs where its page asks for this one: kernels of before 2021 made vCPUs
// of a guest with ZX_RIGHT_MANAGE_PROCESS.
zx_rights_t vs_world_right(const vs_world* world, zx_rights_t right);

// True if the thread has a vCPU.
bool vs_world_is_busy(const vs_world* world, uint8_t thread);

// A trap of the guest (an object) that the range meets: of the kind itself, else of the kind that
// shares its space. NULL: there is none.
const vs_trap* vs_world_trap(const vs_world* world, uint8_t guest, uint64_t kind, uint64_t first,
                             uint64_t last);

// Sets one. False: there is no room.
bool vs_world_set_trap(vs_world* world, const vs_trap* trap);

// Closes an open slot; the last handle's close ends the object, but a vCPU that runs, and a guest
// that has vCPUs.
void vs_world_close(vs_world* world, const vs_slot* slot);
// One that has no handle any more, and does not run.
void vs_world_end_vcpu(vs_world* world, vs_vcpu* vcpu);

// A new vCPU in the slot. False: no room.
bool vs_world_add_vcpu(vs_world* world, const vs_op* op, const vs_profile* profile,
                       const vs_arch_info* arch, zx_handle_t value);

// From here on nothing is known of the vCPU's registers.
void vs_world_forget(vs_vcpu* vcpu);
// Whether it is kicked is certain: nothing was refused since.
void vs_world_settle_kick(vs_vcpu* vcpu);

#endif  // VS_MODEL_WORLD_H_
