// SPDX-License-Identifier: BSD-3-Clause
// Classes of call: every way in which a call of zx_vcpu_write_state can be unlike a plain valid
// one, as far as some check can tell. Each class is a script, so that every one can be reached.
#ifndef VS_CLI_CLASSES_H_
#define VS_CLI_CLASSES_H_

#include "build.h"
#include "decide.h"

typedef enum vs_trait {
  VS_TRAIT_HANDLE,
  VS_TRAIT_THREAD,
  VS_TRAIT_KIND,
  VS_TRAIT_SIZE,
  VS_TRAIT_PLACE,
  VS_TRAIT_ACCESS_SIZE,
  VS_TRAIT_COUNT
} vs_trait;

enum { VS_TRAIT_VALUES = 7 };  // of a trait, at most; 0 is that of a plain valid call

typedef struct vs_class {
  uint8_t value[VS_TRAIT_COUNT];
} vs_class;

// The number of the class in an enumeration of all combinations, some of which make no sense.
enum {
  VS_CLASS_COUNT = VS_TRAIT_VALUES * VS_TRAIT_VALUES * VS_TRAIT_VALUES * VS_TRAIT_VALUES *
                   VS_TRAIT_VALUES * VS_TRAIT_VALUES
};
vs_class vs_class_at(unsigned number);
bool vs_class_is_valid(const vs_class* c);
// How far it is from a plain valid call: faults, and a weight for what is merely unusual.
unsigned vs_class_weight(const vs_class* c);
// True if whatever is unlike a valid call in `part` is so in `whole`.
bool vs_class_within(const vs_class* part, const vs_class* whole);

// What is unlike a plain valid call, "; " between. Of at most `size` bytes.
void vs_class_say(const vs_class* c, char* words, size_t size);

// Appends the class's script, which ends in the call.
void vs_class_build(const vs_class* c, vs_build* b);

// The facts of a script's last call, when everything before has gone well.
vs_facts vs_script_facts(const vs_build* b);

#endif  // VS_CLI_CLASSES_H_
