// SPDX-License-Identifier: BSD-3-Clause
// Cases about several faults, and about the calls that judging rests on.
#include "cases.h"

void case_faults_one_after_another(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  write_state(b, 2)->handle = (vs_handle_ref){.form = VS_HANDLE_RAW};
  read_back(b);
  write_state(b, 3)->kind = 2;
  read_back(b);
  write_state(b, 4)->size--;
  read_back(b);
  write_io(b, 4, 5)->size++;
  read_back(b);
  write_state(b, 6)->buffer.at = VS_AT_NULL;
  read_back(b);
  vs_op* op = write_state(b, 7);
  op->buffer.at = VS_AT_STRADDLE;
  op->buffer.argument = 1;
  look(b);
}

typedef struct combination {
  uint8_t slot;  // SLOT_VCPU: valid; SLOT_DERIVED: without WRITE; SLOT_OBJECT: an event
  bool no_handle;
  uint32_t kind;
  int size;  // added to the exact size
  vs_placement at;
} combination;

void case_faults_several_at_once(vs_build* b) {
  static const combination all[] = {
      {SLOT_VCPU, true, 2, 0, VS_AT_PLAIN},      {SLOT_VCPU, true, 0, 1, VS_AT_PLAIN},
      {SLOT_VCPU, true, 0, 0, VS_AT_NULL},       {SLOT_VCPU, true, 9, -1, VS_AT_KERNEL},
      {SLOT_OBJECT, false, 2, 0, VS_AT_PLAIN},   {SLOT_OBJECT, false, 1, -1, VS_AT_PLAIN},
      {SLOT_OBJECT, false, 0, 0, VS_AT_NULL},    {SLOT_OBJECT, false, 9, 1, VS_AT_ONE},
      {SLOT_DERIVED, false, 2, 0, VS_AT_PLAIN},  {SLOT_DERIVED, false, 0, 1, VS_AT_PLAIN},
      {SLOT_DERIVED, false, 1, 0, VS_AT_NULL},   {SLOT_DERIVED, false, 9, -1, VS_AT_UNMAPPED},
      {SLOT_VCPU, false, 2, -1, VS_AT_PLAIN},    {SLOT_VCPU, false, 1, 1, VS_AT_NULL},
      {SLOT_VCPU, false, 9, 0, VS_AT_PROT_NONE}, {SLOT_VCPU, false, 9, 7, VS_AT_KERNEL},
  };
  usual_vcpu(b, VS_PROGRAM_DUMP);
  create(b, VS_OP_EVENT_CREATE, SLOT_OBJECT);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_READ);
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    const combination* c = &all[i];
    vs_op* op = write_kind(b, c->kind == ZX_VCPU_IO ? ZX_VCPU_IO : ZX_VCPU_STATE, 2);
    op->handle = slot(c->slot);
    if (c->no_handle) op->handle = (vs_handle_ref){.form = VS_HANDLE_RAW};
    op->kind = c->kind;
    op->size += (uint64_t)(int64_t)c->size;
    op->buffer.at = (uint8_t)c->at;
    read_back(b);
  }
  vs_op* op = write_state(b, 3);  // nothing at nowhere
  op->size = 0;
  op->buffer.at = VS_AT_NULL;
  look(b);
}

void case_family_read_back(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (int i = 0; i < 3; i++) read_back(b);
  b->ops[b->count - 1].optional = false;
}

void case_family_runs_guest(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (int i = 0; i < 3; i++) enter(b)->optional = false;
}

void case_family_kick(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  for (int kicks = 1; kicks < 3; kicks++) {
    for (int i = 0; i < kicks; i++) kick(b);
    enter(b)->optional = false;
    enter(b)->optional = false;
  }
  vs_op* kick = add(b, VS_OP_KICK);
  kick->handle = slot(SLOT_VCPU);
  kick->thread = 1;
  enter(b)->optional = false;
  look(b);
}

void case_family_handles(vs_build* b) {
  usual_vcpu(b, VS_PROGRAM_DUMP);
  derive(b, VS_OP_DUPLICATE, SLOT_VCPU, SLOT_DERIVED, ZX_RIGHT_SAME_RIGHTS);
  close_slot(b, SLOT_VCPU);
  write_state(b, 2)->handle = slot(SLOT_DERIVED);
  read_back_of(b, 0, SLOT_DERIVED);
  derive(b, VS_OP_REPLACE, SLOT_DERIVED, SLOT_OBJECT, ZX_RIGHT_SAME_RIGHTS);
  write_state(b, 3)->handle = slot(SLOT_OBJECT);
  read_back_of(b, 0, SLOT_OBJECT);
  enter(b)->handle = slot(SLOT_OBJECT);
  close_slot(b, SLOT_OBJECT);
}
