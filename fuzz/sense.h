// SPDX-License-Identifier: BSD-3-Clause
// What a script needs in order to make sense, whatever a fuzzer has made of it: slots are filled
// before they are used, the calls around zx_vcpu_write_state are valid (they are judged only so),
// every guest that runs for ever is kicked, and every call that was started is waited for. Follows
// a script as a conforming implementation would answer it; knows nothing of the oracle, which
// judges no script otherwise.
#ifndef VS_FUZZ_SENSE_H_
#define VS_FUZZ_SENSE_H_

#include "tables.h"

enum {
  VS_SENSE_OBJECTS = 15,  // at a time: those that a world of the oracle has room for
  VS_SENSE_VCPUS = 4,
  VS_SENSE_END = 2 * (VS_THREADS - 1)  // ops that ending a script takes, at most
};

typedef enum vs_sense_slot_state {
  VS_SENSE_EMPTY,
  VS_SENSE_OPEN,
  VS_SENSE_LEAVING,  // a call that runs beside others closes it
  VS_SENSE_COMING,   // such a call fills it
  VS_SENSE_CLOSED
} vs_sense_slot_state;

typedef struct vs_sense_slot {
  uint8_t state;   // vs_sense_slot_state
  uint8_t object;  // index
  bool memory;     // the executor's own: not to be closed
  zx_rights_t rights;
} vs_sense_slot;

typedef struct vs_sense_object {
  uint8_t code;     // vs_object_code; VS_OBJECT_FREE: none
  uint8_t handles;  // open, leaving or coming
  uint8_t vcpu;     // of a vCPU: index
  uint8_t guest;    // of a guest and its vmar: which guest of the script it is
  bool loaded;      // of a guest
  bool bred;        // of a guest: a vCPU was made of it
} vs_sense_object;

typedef struct vs_sense_vcpu {
  bool live;
  bool runnable;    // its guest has memory, and it starts as its program expects
  bool endless;     // its program never leaves
  bool kicked;      // a kick is pending for certain
  bool perhaps;     // or may be
  bool stops;       // a flag that stops the guest may be set
  bool unsure;      // the handle that it was entered by may be closed before
  uint8_t creator;  // thread; VS_THREADS: it has ended
  uint8_t runs_on;  // 1 + the thread that has entered it; 0: none
  uint8_t object;
} vs_sense_vcpu;

// The call that a busy thread is within.
typedef struct vs_sense_call {
  uint8_t code;
  uint8_t slot;  // that it names
  uint8_t out;
} vs_sense_call;

typedef struct vs_sense {
  const vs_arch_info* arch;
  vs_sense_slot slots[VS_SLOTS];
  vs_sense_object objects[VS_SENSE_OBJECTS];
  vs_sense_vcpu vcpus[VS_SENSE_VCPUS];
  bool busy[VS_THREADS];
  vs_sense_call within[VS_THREADS];  // of a busy thread
  uint8_t guests;                    // made so far
  uint8_t beside;                    // calls that run beside others, but for those that run a guest
  uint8_t rewritten;                 // writes whose buffer changes meanwhile
} vs_sense;

void vs_sense_init(vs_sense* sense, const vs_arch_info* arch);

// Makes the op one that can follow, changing as little as it takes, and takes note of it. False: no
// such op can. An op that can follow stays as it is.
bool vs_sense_admit(vs_sense* sense, vs_op* op);

// Ops that it would take to end here: at most VS_SENSE_END.
size_t vs_sense_open_end(const vs_sense* sense);

// Writes them, and takes note of them; how many.
size_t vs_sense_end(vs_sense* sense, vs_op* ops);

// Brings the arguments of a WRITE_STATE into their ranges.
void vs_sense_tidy_write(const vs_arch_info* arch, vs_op* op);

#endif  // VS_FUZZ_SENSE_H_
