// SPDX-License-Identifier: BSD-3-Clause
// The scene in which single calls are made: a vCPU of the calling thread and one of another, copies
// of their handles with less rights, closed and replaced ones, and objects of other types. It
// outlives an input: what comes after a call are looks at what it has done.
#ifndef VS_FUZZ_SCENE_H_
#define VS_FUZZ_SCENE_H_

#include "sense.h"

enum {
  VS_FUZZ_SCENE = 32,        // ops of the scene, at most
  VS_FUZZ_LOOKS = 3,         // after a call, at most
  VS_FUZZ_SCENE_SLOTS = 14,  // that the scene fills: from 0 on
  VS_FUZZ_SCENE_VCPU = 2
};

typedef enum vs_fuzz_look {
  VS_FUZZ_LOOK_READ = 1,
  VS_FUZZ_LOOK_ENTER = 2,
  VS_FUZZ_LOOK_COMPANY = 4,
  VS_FUZZ_LOOK_ALL = 7
} vs_fuzz_look;

// Writes the scene's ops and makes `sense` know them; how many.
size_t vs_fuzz_scene(const vs_arch_info* arch, vs_sense* sense, vs_op* ops);

// Makes the call one that can be made in the scene. False: it cannot.
bool vs_fuzz_admit_call(vs_sense* sense, vs_op* op);

// Writes those of the asked looks that make sense now; how many.
size_t vs_fuzz_looks(vs_sense* sense, unsigned looks, vs_op* ops);

#endif  // VS_FUZZ_SCENE_H_
