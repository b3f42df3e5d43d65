// SPDX-License-Identifier: BSD-3-Clause
// The tables of the model as C data: clauses, checks, latitudes, registers, profiles, and the
// descriptions of the vocabulary. Owns nothing mutable. Every count comes from its table.
#ifndef VS_MODEL_TABLES_H_
#define VS_MODEL_TABLES_H_

#include <vcpuspec/op.h>

typedef enum vs_clause_code {
#define VS_CLAUSE(code, id, section, sentence, status) VS_CLAUSE_##code,
#include "clauses.def"
#undef VS_CLAUSE
  VS_CLAUSE_COUNT
} vs_clause_code;

typedef enum vs_check_code {
  VS_CHECK_NONE,  // ends an order; stands for "nothing is wrong"
#define VS_CHECK(call, code, name, sort, when, status, rule, error, reason, holds) VS_CHECK_##code,
#include "checks.def"
#undef VS_CHECK
  VS_CHECK_COUNT
} vs_check_code;

typedef enum vs_latitude_code {
#define VS_LATITUDE(code, id, what, why) VS_LATITUDE_##code,
#include "latitudes.def"
#undef VS_LATITUDE
  VS_LATITUDE_COUNT
} vs_latitude_code;

typedef enum vs_quirk_code {
#define VS_QUIRK(code, id, what) VS_QUIRK_##code,
#include "quirks.def"
#undef VS_QUIRK
  VS_QUIRK_COUNT
} vs_quirk_code;

typedef enum vs_defect_code {
#define VS_DEFECT(code, id, call, profiles, aspect, when, what, source) VS_DEFECT_##code,
#include "defects.def"
#undef VS_DEFECT
  VS_DEFECT_COUNT
} vs_defect_code;

typedef enum vs_object_code {
  VS_OBJECT_FREE,
#define VS_OBJECT(code, name, type, rights, maybe) VS_OBJECT_##code,
#include "objects.def"
#undef VS_OBJECT
  VS_OBJECT_COUNT
} vs_object_code;

// Sets of codes are bit masks. The prover knows neither type, and is asked of no set.
#ifdef __FRAMAC__
typedef uint64_t vs_check_set;
typedef uint64_t vs_clause_set;
#else
__extension__ typedef unsigned __int128 vs_check_set;
typedef uint64_t vs_clause_set __attribute__((vector_size(32)));
#endif
typedef uint32_t vs_latitude_set;
typedef uint32_t vs_quirk_set;
typedef uint32_t vs_defect_set;
#define VS_BIT(code) (UINT64_C(1) << (code))
#define VS_CHECK_IN(code) ((vs_check_set)1 << (code))  // of a set of checks
#define VS_ALL_LATITUDES ((vs_latitude_set)(VS_BIT(VS_LATITUDE_COUNT) - 1))

#ifndef __FRAMAC__
_Static_assert(VS_CLAUSE_COUNT <= 8 * sizeof(vs_clause_set), "a vs_clause_set holds every clause");
_Static_assert(VS_CHECK_COUNT <= 8 * sizeof(vs_check_set), "a vs_check_set holds every check");

// The set of one clause.
static inline vs_clause_set vs_clause_alone(unsigned code) {
  vs_clause_set set = {0};
  set[code / 64] = UINT64_C(1) << code % 64;
  return set;
}
#define VS_MEMBER(code) vs_clause_alone(code)
#define VS_NO_CLAUSE ((vs_clause_set){0})

static inline bool vs_has_clause(vs_clause_set set, vs_clause_code code) {
  return set[(unsigned)code / 64] >> ((unsigned)code % 64) & 1;
}

static inline bool vs_is_no_clause(vs_clause_set set) {
  return (set[0] | set[1] | set[2] | set[3]) == 0;
}

// Takes the first check out of a set that is not empty.
static inline vs_check_code vs_check_take(vs_check_set* checks) {
  const uint64_t low = (uint64_t)*checks;
  const uint64_t high = (uint64_t)(*checks >> 64);
  *checks &= *checks - 1;
  return (vs_check_code)(low != 0 ? __builtin_ctzll(low) : 64 + __builtin_ctzll(high));
}
#endif

typedef struct vs_clause {
  const char* id;
  const char* section;
  const char* sentence;
  zx_status_t status;  // promised by the clause; ZX_OK: none
} vs_clause;

// Who makes a check (model/checks.def).
typedef enum vs_check_sort {
  VS_SORT_PAGE,
  VS_SORT_LATITUDE,
  VS_SORT_KERNEL,
  VS_SORT_UNDEFINED
} vs_check_sort;

typedef struct vs_check {
  const char* name;  // one of its call's
  uint8_t call;      // vs_op_code
  vs_check_sort sort;
  zx_status_t status;
  vs_clause_code rule;   // broken by accepting the call
  vs_clause_code error;  // broken by refusing it with another status
  const char* reason;
  const char* holds;  // what is so where it does not apply; "": nothing worth telling
  const char* when;   // the predicate's text, for `vcpuspec list checks`
} vs_check;

typedef struct vs_latitude {
  const char* id;
  const char* what;
  const char* why;
} vs_latitude;

typedef struct vs_quirk {
  const char* id;
  const char* what;
} vs_quirk;

typedef enum vs_aspect { VS_ASPECT_ANSWER, VS_ASPECT_EFFECT } vs_aspect;

// What a published kernel does and `documented` does not allow.
typedef struct vs_defect {
  const char* id;
  uint8_t call;          // vs_op_code
  const char* profiles;  // ids, a blank between each two
  vs_aspect aspect;
  const char* what;
  const char* source;
} vs_defect;

typedef enum vs_tristate { VS_NO, VS_YES, VS_UNKNOWN } vs_tristate;

typedef struct vs_object_type {
  const char* name;
  zx_obj_type_t type;
  zx_rights_t rights;  // that a new handle has
  zx_rights_t maybe;   // that it has on some kernels, and on others not
} vs_object_type;

// What the pages say of every call that is answered, beside its errors (model/judged.def).
typedef struct vs_judged {
  bool known;               // false: the row of another call
  vs_clause_code accepted;  // broken by refusing a call to which no error applies
  vs_clause_code several;   // broken by another status than those of the errors that apply
  vs_clause_code refused;   // broken by what a refused call leaves behind
  vs_clause_code beside;    // broken by what is written beside an out-parameter
} vs_judged;

typedef enum vs_register_role {
  VS_ROLE_GENERAL,
  VS_ROLE_ACCUMULATOR,  // what ZX_VCPU_IO writes
  VS_ROLE_FLAGS
} vs_register_role;

typedef struct vs_register {
  const char* name;
  vs_register_role role;
  uint16_t offset;  // bytes, in ZX_VCPU_STATE
  uint8_t width;    // bits: 32 or 64
} vs_register;

enum { VS_REGISTERS_MAX = 33 };

// What an architecture's registers are, and which flags are the caller's.
typedef struct vs_arch_info {
  const char* name;
  const vs_register* registers;
  uint8_t register_count;
  uint8_t flags;            // index of the flags register
  uint8_t accumulator;      // index; meaningless without has_ports
  bool has_ports;           // the architecture has port IO
  uint8_t spin_borrows;     // 1 + index of the register in which `spin` has an address for a while;
                            // 0: none
  uint8_t exceptions;       // vectors below are no interrupts that flags let in: a guest takes them
  uint32_t raisable;        // of those, a bit for each that a guest can be handed
  uint8_t nmi;              // one of them, that goes before others
  uint8_t stack;            // index of the stack pointer
  uint16_t state_size;      // bytes, of ZX_VCPU_STATE
  uint64_t flags_required;  // must be both settable and clearable
  uint64_t flags_optional;  // published kernels differ
  uint64_t flags_gate;      // a write may be ignored where this bit is clear; 0: there is none
  uint64_t flags_blind;     // never compared in what guest code sees
  uint64_t flags_turned;    // that `turn` inverts
  uint64_t flags_step;  // stops the guest behind one instruction, by exception 1, and is clear then
} vs_arch_info;

// The flags of arm64. No flag of x86-64 has one of these bits, so that one mask serves both.
#define VS_FLAGS_NZCV UINT64_C(0xf0000000)

typedef struct vs_profile {
  const char* id;
  const char* summary;
  bool ordered;  // the first check of `order` that applies decides; else any that applies
  uint8_t arch;  // vs_arch that the profile speaks of; 0: any
  // Choices that are left open. A choice that is not: an access_size other than 1, 2, 4 is refused;
  // ZX_VCPU_IO is accepted without ports; a wrong thread is told BAD_STATE; the gate holds and the
  // accumulator's upper bytes are kept, unless a quirk says otherwise; NT, AC and ID are written.
  // In an ordered profile, `order` alone decides on the answer.
  vs_latitude_set latitudes;
  vs_quirk_set quirks;
  uint64_t flags_kept;     // user flags that a write leaves as they are
  uint64_t flags_or_only;  // user flags that a write sets and never clears
  // vs_check_code, ended by VS_CHECK_NONE. Of one call's checks it is the order; of a call that it
  // names no check of, the profile says what the page says.
  uint8_t order[VS_CHECK_COUNT];
} vs_profile;

typedef struct vs_program_info {
  const char* name;
  vs_program_exit exit;
  uint8_t width;  // bytes
  const char* text;
} vs_program_info;

typedef enum vs_packet_field {
#define VS_PACKET_FIELD(code, name, offset, size) VS_PACKET_##code,
#include "packet.def"
#undef VS_PACKET_FIELD
  VS_PACKET_FIELD_COUNT
} vs_packet_field;

typedef struct vs_packet_field_info {
  const char* name;
  uint8_t offset;
  uint8_t size;  // bytes, at most 8
} vs_packet_field_info;

// An access of a guest program to memory that a script may trap.
typedef struct vs_access {
  vs_arch arch;
  uint8_t program;  // vs_program
  uint64_t addr;
  uint8_t width;  // bytes
  bool write;
  bool sign_extend;
  uint8_t reg;     // index: what is stored, or loaded
  uint64_t at;     // of its instruction
  uint8_t length;  // of that, in bytes
} vs_access;

// A trap by which guest programs of an architecture leave.
typedef struct vs_program_trap {
  vs_arch arch;
  uint32_t kind;   // ZX_GUEST_TRAP_...
  uint64_t first;  // port, or guest-physical address
  uint64_t size;   // ports, or bytes
} vs_program_trap;

typedef struct vs_placement_info {
  const char* name;
  bool readable;
  const char* text;
} vs_placement_info;

typedef enum vs_phase {
  VS_PHASE_SETUP,     // a case needs its ZX_OK, and does not judge it
  VS_PHASE_JUDGED,    // its answer is predicted
  VS_PHASE_RECORDED,  // it is only shown
  VS_PHASE_LOCAL      // no call is made
} vs_phase;

// A parameter of a row of calls.def or ops.def.
typedef struct vs_param {
  const char* name;
  uint8_t type;          // vs_param_type; NONE: there is no such parameter
  zx_obj_type_t object;  // of handles
  uint64_t value;        // of handles their rights, of numbers what they are unless told
} vs_param;

typedef struct vs_op_info {
  const char* name;    // in scripts
  const char* symbol;  // of a documented call: zx_...; else NULL
  vs_phase phase;
  const char* text;
  vs_param params[VS_ARGS_MAX];  // those that there are come first
} vs_op_info;

extern const vs_clause vs_clauses[VS_CLAUSE_COUNT];
extern const vs_check vs_checks[VS_CHECK_COUNT];
extern const vs_latitude vs_latitudes[VS_LATITUDE_COUNT];
extern const vs_quirk vs_quirks[VS_QUIRK_COUNT];
extern const vs_defect vs_defects[VS_DEFECT_COUNT];
extern const vs_object_type vs_object_types[VS_OBJECT_COUNT];
extern const vs_profile vs_profiles[];
extern const size_t vs_profile_count;
extern const vs_program_info vs_programs[VS_PROGRAM_COUNT];
extern const vs_packet_field_info vs_packet_fields[VS_PACKET_FIELD_COUNT];
extern const vs_access vs_accesses[];
extern const size_t vs_access_count;
extern const vs_program_trap vs_program_traps[];
extern const size_t vs_program_trap_count;
extern const vs_placement_info vs_placements[VS_PLACEMENT_COUNT];
extern const vs_op_info vs_ops[VS_OP_COUNT];
extern const vs_judged vs_judged_calls[VS_OP_COUNT];

// An op with each argument as it is unless a script says otherwise: a call that is told a kind, and
// has a buffer, is told ZX_VCPU_STATE and its exact size.
vs_op vs_op_new(uint8_t code, const vs_arch_info* arch);
// One of its arguments.
vs_arg vs_arg_new(uint8_t code, uint8_t parameter, const vs_arch_info* arch);

// A handle argument: the value that the slot received.
vs_arg vs_arg_slot(uint8_t slot);

// True of a handle argument whose value comes from that of a slot.
bool vs_arg_names_slot(const vs_arg* handle);
// True of one that the backend says: the machine's resource, or the other one.
bool vs_arg_names_resource(const vs_arg* handle);

// Has the op's OUT_HANDLE number `which` go to the slot.
void vs_op_give(vs_op* op, unsigned which, uint8_t slot);

// The parameter of this type, the first from `from` on; VS_ARGS_MAX: there is none.
uint8_t vs_param_find(uint8_t code, vs_param_type type, uint8_t from);

// The argument of the op's OUT_HANDLE number `which`, 0 or 1; NULL: there is none.
const vs_arg* vs_op_out(const vs_op* op, unsigned which);

// The guest program at which zx_vcpu_create starts a vCPU; VS_PROGRAM_CODE: nothing is known of it.
uint8_t vs_op_program(const vs_op* op);

// True of a parameter that scripts say by its position: the first handle, kinds, rights, vectors,
// entries. All others they name.
bool vs_param_is_positional(uint8_t code, uint8_t parameter);

// True of a parameter that is a pointer.
bool vs_param_is_pointer(uint8_t type);

// True of an op that makes an object: what a case begins with.
bool vs_op_makes_object(uint8_t code);

// True if the oracle predicts what comes of the op: each argument of a call that is not under test
// is as the suite's cases have it.
bool vs_op_is_predicted(const vs_op* op);

// True if every number of the op is within its table, its slots, its threads and its buffer, and it
// is asynchronous only if it is a judged call, of a thread other than 0.
bool vs_op_is_valid(const vs_op* op);

// NULL for a number that names no architecture.
const vs_arch_info* vs_arch_find(uint32_t arch);
// The program's access number `nth`; NULL: it makes no more.
const vs_access* vs_access_find(const vs_arch_info* arch, uint8_t program, uint8_t nth);
// NULL for an unknown id.
const vs_profile* vs_profile_find(const char* id);
bool vs_has_quirk(const vs_profile* profile, vs_quirk_code quirk);
// True if the defect is one of the profile's kernel.
bool vs_defect_is_of(const vs_defect* defect, const char* profile);
// VS_CLAUSE_COUNT for an unknown id.
vs_clause_code vs_clause_find(const char* id);

#endif  // VS_MODEL_TABLES_H_
