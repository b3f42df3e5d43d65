// SPDX-License-Identifier: BSD-3-Clause
// A scene: the ops around a call, and what lies in which slot.
#ifndef VS_CONFORMANCE_SWEEP_SLOTS_H_
#define VS_CONFORMANCE_SWEEP_SLOTS_H_

#include "forms.h"
#include "space.h"

enum { VS_SCENE_OPS = 24, VS_SCENE_END_OPS = 8 };

// Slots of a scene.
enum {
  VS_SCENE_GUEST,
  VS_SCENE_VMAR,
  VS_SCENE_VCPU,
  VS_SCENE_COMPANY,  // a vCPU of thread 2: nothing that is done to another may change it
  VS_SCENE_OBJECT,
  VS_SCENE_NARROWED,
  VS_SCENE_FIRST,
  VS_SCENE_SECOND,
  VS_SCENE_MEMORY,
  // Of calls other than zx_vcpu_write_state:
  VS_SCENE_VMO,
  VS_SCENE_CLOSED,   // closed
  VS_SCENE_LACKING,  // of each handle parameter in turn, without the right that it needs
  VS_SCENE_LACKING2,
  VS_SCENE_TAKEN,  // a duplicate that the call may close
  VS_SCENE_OUT,    // what the call makes
  VS_SCENE_OUT2,
  VS_SCENE_SLOTS,
  VS_SCENE_EVENT = VS_SCENE_OBJECT,
  VS_SCENE_PORT = VS_SCENE_NARROWED
};

_Static_assert((int)VS_SCENE_SLOTS <= (int)VS_SLOTS, "a scene has slots enough");

typedef struct vs_scene {
  vs_op ops[VS_SCENE_OPS];  // in order
  size_t count;
  vs_op end[VS_SCENE_END_OPS];  // after the last call
  size_t end_count;
  const vs_arch_info* arch;
  vs_arg handle;   // of the calls of zx_vcpu_write_state
  uint8_t thread;  // of the calls
  bool looks;      // the vCPU can be read between calls, by thread 0
  bool company;    // so can the other one, by thread 2
} vs_scene;

// Of each class of objects: what it is, and the slot that has one.
extern const vs_object_code vs_scene_types[];
extern const uint8_t vs_scene_slots[];

// The type of object that a parameter asks for; an event where any will do.
vs_type_class vs_scene_type_of(const vs_param* param);
// The slot of the parameter's handle without the right that it needs.
uint8_t vs_scene_lacking(const vs_space* space, uint8_t parameter);

// Of a call other than zx_vcpu_write_state: what a value of VS_CLASS_OBJECT stands for.
vs_arg vs_scene_object(const vs_space* space, uint8_t parameter, const vs_class_value* value);

#endif  // VS_CONFORMANCE_SWEEP_SLOTS_H_
