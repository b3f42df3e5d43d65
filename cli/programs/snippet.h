// SPDX-License-Identifier: BSD-3-Clause
// A snippet is a random program without branches, with the registers and the memory that it starts
// with. Backends of one architecture run the same snippet and must come to the same result. What
// the manuals leave undefined is known of every form of instruction (x64_forms.def,
// arm64_forms.def), is not read by a later instruction, and is not compared.
#ifndef VS_CLI_SNIPPET_H_
#define VS_CLI_SNIPPET_H_

#include <vcpuspec/backend.h>

enum {
  VS_SNIPPET_INSNS = 12,
  VS_SNIPPET_BYTES = 32,    // of an instruction, with those that prepare it
  VS_SNIPPET_READ = 0x800,  // bytes of the page that are a part of the result
  VS_SNIPPET_PAGE = 0xc00,  // bytes that are written before each run
  VS_DATA_AT = 0x40,        // from VS_PAGE_DATA on: where r15 and x28 point
};

// Where things are in the page; the guest code of x64.S and arm64.S has the same.
enum {
  VS_PAGE_STATE = 0,      // as ZX_VCPU_STATE, dumped by guest code
  VS_PAGE_FLOAT = 0x200,  // x86-64: as of FXSAVE. arm64: FPCR, FPSR, v0 to v31
  VS_PAGE_LOG_X64 = 0x400,
  VS_PAGE_LOG_ARM64 = 0x420,
  VS_PAGE_DATA = 0x600,   // instructions access the 64 bytes from VS_DATA_AT on, and some around
  VS_PAGE_STACK = 0xa00,  // where the stack pointer starts
};

// Guest-physical addresses.
enum {
  VS_SNIPPET_CODE = 0x10000,
  VS_SNIPPET_HARNESS = 0x20000,
  VS_SNIPPET_PAGE_AT = 0x30000,
  VS_SNIPPET_OWN = 0x31000,  // what CPUID says of features comes first
  VS_SNIPPET_MEMORY = 0x32000,
  VS_SNIPPET_TRAP = 0x100000,  // a store to it leaves the guest
};

// Which bits of flags; those of FSW that the x87's comparisons set are counted as flags too.
typedef uint64_t vs_flags;

typedef struct vs_form {
  const char* name;
  uint8_t feature;     // VS_FEATURE_*
  vs_flags reads;      // flags that must be defined before it
  vs_flags sets;       // flags that are defined after it
  vs_flags undefined;  // flags that are not; goes before `sets`
} vs_form;

// Features: a bit of the three words of CPUID that the harness reads, or none.
enum { VS_FEATURE_NONE = 255, VS_FEATURE_EXCEPTIONS = 254, VS_FEATURE_WORDS = 3 };
typedef struct vs_features {
  uint32_t words[VS_FEATURE_WORDS];
  bool exceptions;  // the guest's own reach its handlers
} vs_features;

typedef struct vs_insn {
  uint16_t form;
  uint8_t size;
  uint8_t bytes[VS_SNIPPET_BYTES];
} vs_insn;

typedef struct vs_snippet {
  vs_arch arch;
  uint64_t seed;
  uint64_t number;
  uint32_t count;
  vs_insn insns[VS_SNIPPET_INSNS];
  uint8_t state[sizeof(zx_vcpu_state_arm64_t)];  // what zx_vcpu_write_state gets
  uint8_t page[VS_SNIPPET_PAGE];
} vs_snippet;

typedef enum vs_run_end {
  VS_RUN_DIED,  // the process that ran it ended
  VS_RUN_HUNG,  // it did not come back in time
  VS_RUN_DONE
} vs_run_end;

// What came of a run.
typedef struct vs_snippet_result {
  vs_run_end end;
  zx_status_t status;                            // of the first call that was not ZX_OK
  uint8_t state[sizeof(zx_vcpu_state_arm64_t)];  // what zx_vcpu_read_state gave
  uint8_t page[VS_SNIPPET_READ];
} vs_snippet_result;

// The forms of an architecture.
const vs_form* vs_forms_of(vs_arch arch, size_t* count);

// Of a snippet without instructions: what it shows is of entering and leaving the guest.
extern const vs_form vs_form_entry;

// The form of the last instruction: in what is left of a disagreement the others only prepare it.
const vs_form* vs_snippet_form(const vs_snippet* snippet);
size_t vs_state_size(vs_arch arch);
bool vs_form_is_had(const vs_form* form, const vs_features* features);

// Snippet `number` of the series that `seed` names: the same on every machine, but for instructions
// that `features` does not have, which are left out. One in four has one instruction.
void vs_snippet_draw(vs_arch arch, uint64_t seed, uint64_t number, const vs_features* features,
                     vs_snippet* out);

// The bytes of its code, with the jump back to the harness; returns how many.
size_t vs_snippet_code(const vs_snippet* snippet, uint8_t* out, size_t size);

// False: an instruction reads a flag that one before it leaves undefined. `undefined`: the flags
// that may not be defined at the end.
bool vs_snippet_is_sound(const vs_snippet* snippet, vs_flags* undefined);

// --- random numbers: one stream from one seed ---------------------------------------------------

typedef struct vs_dice {
  uint64_t state;
} vs_dice;

uint64_t vs_roll(vs_dice* dice);
uint64_t vs_roll_below(vs_dice* dice, uint64_t limit);

// A number that is near an edge more often than not.
uint64_t vs_roll_value(vs_dice* dice);

#endif  // VS_CLI_SNIPPET_H_
