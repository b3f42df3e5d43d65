// SPDX-License-Identifier: BSD-3-Clause
#include "tables.h"

#include <string.h>

#include "orders.h"

const vs_clause vs_clauses[VS_CLAUSE_COUNT] = {
#define VS_CLAUSE(code, id, section, sentence, status) \
  [VS_CLAUSE_##code] = {id, section, sentence, status},
#include "clauses.def"
#undef VS_CLAUSE
};

const vs_check vs_checks[VS_CHECK_COUNT] = {
    [VS_CHECK_NONE] = {"none", VS_OP_COUNT, VS_SORT_PAGE, ZX_OK, VS_CLAUSE_RETURN_OK,
                       VS_CLAUSE_RETURN_OK, "no documented error applies", "", ""},
#define VS_CHECK(call, code, name, sort, when, status, rule, error, reason, holds)         \
  [VS_CHECK_##code] = {                                                                    \
      #name,  VS_CALL_##call, VS_SORT_##sort, status, VS_CLAUSE_##rule, VS_CLAUSE_##error, \
      reason, holds,          #when},
#include "checks.def"
#undef VS_CHECK
};

const vs_latitude vs_latitudes[VS_LATITUDE_COUNT] = {
#define VS_LATITUDE(code, id, what, why) [VS_LATITUDE_##code] = {id, what, why},
#include "latitudes.def"
#undef VS_LATITUDE
};

const vs_quirk vs_quirks[VS_QUIRK_COUNT] = {
#define VS_QUIRK(code, id, what) [VS_QUIRK_##code] = {#id, what},
#include "quirks.def"
#undef VS_QUIRK
};

const vs_defect vs_defects[VS_DEFECT_COUNT] = {
#define VS_DEFECT(code, id, call, profiles, aspect, when, what, source) \
  [VS_DEFECT_##code] = {id, VS_CALL_##call, profiles, VS_ASPECT_##aspect, what, source},
#include "defects.def"
#undef VS_DEFECT
};

const vs_object_type vs_object_types[VS_OBJECT_COUNT] = {
    [VS_OBJECT_FREE] = {"nothing", ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, ZX_RIGHT_NONE},
#define VS_OBJECT(code, name, type, rights, maybe) \
  [VS_OBJECT_##code] = {#name, type, rights, maybe},
#include "objects.def"
#undef VS_OBJECT
};

const vs_profile vs_profiles[] = {
#define VS_PROFILE(name, text, ...) {.id = name, .summary = text, __VA_ARGS__},
#include "profiles.def"
#undef VS_PROFILE
};
const size_t vs_profile_count = sizeof vs_profiles / sizeof vs_profiles[0];

const vs_program_info vs_programs[VS_PROGRAM_COUNT] = {
#define VS_PROGRAM(code, name, exit, width, text) \
  [VS_PROGRAM_##code] = {#name, VS_PROGRAM_EXIT_##exit, width, text},
#include <vcpuspec/programs.def>
#undef VS_PROGRAM
};

const vs_packet_field_info vs_packet_fields[VS_PACKET_FIELD_COUNT] = {
#define VS_PACKET_FIELD(code, name, offset, size) [VS_PACKET_##code] = {name, offset, size},
#include "packet.def"
#undef VS_PACKET_FIELD
};

const vs_access vs_accesses[] = {
#define VS_ACCESS(arch, program, addr, width, write, sign_extend, reg, at, length) \
  {VS_ARCH_##arch, VS_PROGRAM_##program, addr, width, write, sign_extend, reg, at, length},
#include <vcpuspec/accesses.def>
#undef VS_ACCESS
};
const size_t vs_access_count = sizeof vs_accesses / sizeof vs_accesses[0];

const vs_program_trap vs_program_traps[] = {
#define VS_PROGRAM_TRAP(arch, kind, first, size) \
  {VS_ARCH_##arch, ZX_GUEST_TRAP_##kind, first, size},
#include <vcpuspec/program_traps.def>
#undef VS_PROGRAM_TRAP
};
const size_t vs_program_trap_count = sizeof vs_program_traps / sizeof vs_program_traps[0];

const vs_placement_info vs_placements[VS_PLACEMENT_COUNT] = {
#define VS_PLACEMENT(code, name, readable, text) [VS_AT_##code] = {#name, readable, text},
#include <vcpuspec/placements.def>
#undef VS_PLACEMENT
};

#define VS_PARAM_INFO(type, name, object, value) \
  { #name, VS_PARAM_##type, object, value }
const vs_op_info vs_ops[VS_OP_COUNT] = {
#define VS_CALL(name, word, phase, text, ...) \
  [VS_CALL_##                                 \
      name] = {#word, "zx_" #name, VS_PHASE_##phase, text, {VS_EACH(VS_PARAM_INFO, __VA_ARGS__)}},
#include <vcpuspec/calls.def>
#define VS_LOCAL(name, phase, text, ...) \
  [VS_OP_##name] = {#name, NULL, VS_PHASE_##phase, text, {VS_EACH(VS_PARAM_INFO, __VA_ARGS__)}},
#include <vcpuspec/ops.def>
};

const vs_judged vs_judged_calls[VS_OP_COUNT] = {
#define VS_JUDGED(call, accepted, several, refused, beside)                                 \
  [VS_CALL_##call] = {true, VS_CLAUSE_##accepted, VS_CLAUSE_##several, VS_CLAUSE_##refused, \
                      VS_CLAUSE_##beside},
#include "judged.def"
#undef VS_JUDGED
};

#define VS_REGISTER(name, role, offset, width) {#name, VS_ROLE_##role, offset, width},
static const vs_register registers_x64[] = {
#include "registers_x64.def"
};
static const vs_register registers_arm64[] = {
#include "registers_arm64.def"
};
#undef VS_REGISTER

enum { COUNT_X64 = sizeof registers_x64 / sizeof registers_x64[0] };
enum { COUNT_ARM64 = sizeof registers_arm64 / sizeof registers_arm64[0] };

#define VS_REGISTER(name, role, offset, width)                             \
  _Static_assert(offset == offsetof(zx_vcpu_state_x64_t, name) &&          \
                     width == 8 * sizeof(((zx_vcpu_state_x64_t*)0)->name), \
                 "registers_x64.def agrees with zx_vcpu_state_x64_t at " #name);
#include "registers_x64.def"
#undef VS_REGISTER
_Static_assert(COUNT_X64 * 8 == sizeof(zx_vcpu_state_x64_t), "17 registers in 136 bytes");
_Static_assert(sizeof(zx_vcpu_state_arm64_t) == VS_STATE_MAX &&
                   (int)COUNT_ARM64 == VS_REGISTERS_MAX,
               "33 registers in 264 bytes");

// CF PF AF ZF SF TF DF OF, and NT AC ID: the user's flags of published x86-64 kernels. RF is
// cleared by the CPU itself and VM cannot be seen from long mode: guest code proves nothing of
// them.
static const vs_arch_info arch_x64 = {
    .name = "x86-64",
    .registers = registers_x64,
    .register_count = COUNT_X64,
    .flags = 16,
    .accumulator = 0,
    .has_ports = true,
    .exceptions = 32,
    .raisable = 1u << 0 | 1u << 2 | 1u << 6 | 1u << 13 | 1u << 14 | 1u << 16 | 1u << 19,
    .nmi = 2,
    .stack = 4,
    .state_size = sizeof(zx_vcpu_state_x64_t),
    .flags_required = 0xdd5,
    .flags_optional = 0x244000,
    .flags_gate = 0x2,
    .flags_blind = 0x30000,
    .flags_turned = 0x1,
    .flags_step = 0x100,
};

// N Z C V.
static const vs_arch_info arch_arm64 = {
    .name = "arm64",
    .registers = registers_arm64,
    .register_count = COUNT_ARM64,
    .flags = 32,
    .spin_borrows = 1,
    .stack = 31,
    .state_size = sizeof(zx_vcpu_state_arm64_t),
    .flags_required = VS_FLAGS_NZCV,
    .flags_turned = VS_FLAGS_NZCV,
};

bool vs_arg_names_slot(const vs_arg* handle) {
  return handle->form <= VS_HANDLE_FLIPPED;
}

bool vs_arg_names_resource(const vs_arg* handle) {
  return handle->form == VS_HANDLE_RESOURCE || handle->form == VS_HANDLE_OTHER_RESOURCE;
}

bool vs_param_is_pointer(uint8_t type) {
  return type >= VS_PARAM_OUT_HANDLE;
}

uint8_t vs_param_find(uint8_t code, vs_param_type type, uint8_t from) {
  uint8_t i = from;
  while (i < VS_ARGS_MAX && vs_ops[code].params[i].type != type) i++;
  return i;
}

bool vs_param_is_positional(uint8_t code, uint8_t parameter) {
  const vs_param* param = &vs_ops[code].params[parameter];
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return code >= VS_CALL_COUNT || (parameter == 0 && param->object != ZX_OBJ_TYPE_RESOURCE);
    case VS_PARAM_KIND:
    case VS_PARAM_RIGHTS:
    case VS_PARAM_VECTOR:
    case VS_PARAM_ENTRY:
      return true;
    default:
      return false;
  }
}

static vs_arg default_of(const vs_param* param) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return (vs_arg){.form = param->object == ZX_OBJ_TYPE_RESOURCE ? VS_HANDLE_RESOURCE
                                                                    : VS_HANDLE_RAW};
    case VS_PARAM_OUT:
      // Up to an unmapped page, so that a byte too many is a fault.
      return (vs_arg){.at = VS_AT_EDGE};
    case VS_PARAM_ENTRY:
    case VS_PARAM_OUT_HANDLE:
      return (vs_arg){0};
    default:
      return (vs_arg){.number = param->value};
  }
}

vs_arg vs_arg_new(uint8_t code, uint8_t parameter, const vs_arch_info* arch) {
  const vs_param* param = &vs_ops[code].params[parameter];
  vs_arg arg = default_of(param);
  const bool sized =
      param->type == VS_PARAM_SIZE || param->type == VS_PARAM_IN || param->type == VS_PARAM_OUT;
  if (!sized || vs_param_find(code, VS_PARAM_KIND, 0) == VS_ARGS_MAX) return arg;
  if (param->type == VS_PARAM_SIZE) {
    arg.number = arch->state_size;
  } else {
    arg.length = arch->state_size;
  }
  return arg;
}

vs_op vs_op_new(uint8_t code, const vs_arch_info* arch) {
  vs_op op = {.code = code};
  for (uint8_t i = 0; i < VS_ARGS_MAX && vs_ops[code].params[i].type != VS_PARAM_NONE; i++)
    op.args[i] = vs_arg_new(code, i, arch);
  return op;
}

vs_arg vs_arg_slot(uint8_t slot) {
  return (vs_arg){.form = VS_HANDLE_SLOT, .slot = slot};
}

const vs_arg* vs_op_out(const vs_op* op, unsigned which) {
  uint8_t at = vs_param_find(op->code, VS_PARAM_OUT_HANDLE, 0);
  if (which > 0 && at < VS_ARGS_MAX) at = vs_param_find(op->code, VS_PARAM_OUT_HANDLE, at + 1);
  return at < VS_ARGS_MAX ? &op->args[at] : NULL;
}

void vs_op_give(vs_op* op, unsigned which, uint8_t slot) {
  const vs_arg* out = vs_op_out(op, which);
  if (out != NULL) op->args[out - op->args].slot = slot;
}

uint8_t vs_op_program(const vs_op* op) {
  const vs_arg* entry = &VS_OP_ARG(op, vcpu_create, entry);
  return entry->form == VS_ENTRY_PROGRAM ? entry->slot : VS_PROGRAM_CODE;
}

bool vs_op_makes_object(uint8_t code) {
  return vs_param_find(code, VS_PARAM_OUT_HANDLE, 0) < VS_ARGS_MAX &&
         vs_param_find(code, VS_PARAM_RIGHTS, 0) == VS_ARGS_MAX;
}

// --- what is predicted --------------------------------------------------------------------------

static bool is_writable(const vs_arg* pointer) {
  return vs_placements[pointer->at].readable && pointer->at != VS_AT_READONLY;
}

// Of the ops around: as they are unless a script says otherwise; memory of some other size, which
// every machine has.
static bool is_usual(const vs_param* param, const vs_arg* arg) {
  static const uint64_t most = UINT64_C(1) << 20;
  switch (param->type) {
    case VS_PARAM_U64:
      return arg->number > 0 && arg->number <= most;
    case VS_PARAM_U32:
    case VS_PARAM_TIME:
      return arg->number == param->value;
    case VS_PARAM_OUT_HANDLE:
    case VS_PARAM_OUT_PACKET:
      return is_writable(arg);
    case VS_PARAM_IN_PACKET:
      return vs_placements[arg->at].readable;
    default:
      return true;
  }
}

// What sort of handle stands for a resource, the backend alone knows. A value that a script gives
// is never that one: the executor sees to it.
static bool handle_is_predicted(const vs_param* param, const vs_arg* arg) {
  return param->object == ZX_OBJ_TYPE_RESOURCE || !vs_arg_names_resource(arg);
}

bool vs_op_is_predicted(const vs_op* op) {
  const vs_op_info* info = &vs_ops[op->code];
  bool predicted = info->phase != VS_PHASE_RECORDED;
  for (size_t i = 0; i < VS_ARGS_MAX && predicted; i++) {
    const vs_param* param = &info->params[i];
    if (param->type == VS_PARAM_HANDLE) predicted = handle_is_predicted(param, &op->args[i]);
    if (info->phase == VS_PHASE_SETUP) predicted = predicted && is_usual(param, &op->args[i]);
  }
  return predicted;
}

// --- what makes sense ---------------------------------------------------------------------------

static bool may_be_async(const vs_op* op) {
  bool call = op->code < VS_CALL_COUNT && !vs_op_makes_object(op->code);
  return op->thread != 0 && call;
}

static bool argument_is_valid(const vs_param* param, const vs_arg* arg) {
  switch (param->type) {
    case VS_PARAM_HANDLE:
      return arg->slot < VS_SLOTS && arg->form <= VS_HANDLE_OTHER_RESOURCE;
    case VS_PARAM_ENTRY:
      return arg->slot < VS_PROGRAM_COUNT && arg->form <= VS_ENTRY_RAW;
    case VS_PARAM_OUT_HANDLE:
      return arg->slot < VS_SLOTS && arg->at < VS_PLACEMENT_COUNT;
    default:
      return arg->at < VS_PLACEMENT_COUNT;
  }
}

bool vs_op_is_valid(const vs_op* op) {
  const vs_rewrite* rewrite = &op->rewrite;
  if (op->code >= VS_OP_COUNT || op->thread >= VS_THREADS) return false;
  if (op->async && !may_be_async(op)) return false;
  if (rewrite->length > sizeof rewrite->bytes || rewrite->offset + rewrite->length > VS_STATE_MAX) {
    return false;
  }
  bool valid = true;
  for (size_t i = 0; i < VS_ARGS_MAX && valid; i++) {
    valid = argument_is_valid(&vs_ops[op->code].params[i], &op->args[i]);
  }
  return valid;
}

const vs_arch_info* vs_arch_find(uint32_t arch) {
  if (arch == VS_ARCH_X64) return &arch_x64;
  return arch == VS_ARCH_ARM64 ? &arch_arm64 : NULL;
}

const vs_access* vs_access_find(const vs_arch_info* arch, uint8_t program, uint8_t nth) {
  for (size_t i = 0; i < vs_access_count; i++) {
    const vs_access* access = &vs_accesses[i];
    const bool its = access->program == program && vs_arch_find(access->arch) == arch;
    if (its && nth-- == 0) return access;
  }
  return NULL;
}

const vs_profile* vs_profile_find(const char* id) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    if (strcmp(vs_profiles[i].id, id) == 0) return &vs_profiles[i];
  }
  return NULL;
}

bool vs_has_quirk(const vs_profile* profile, vs_quirk_code quirk) {
  return profile->quirks & VS_BIT(quirk);
}

bool vs_defect_is_of(const vs_defect* defect, const char* profile) {
  size_t length = strlen(profile);
  for (const char* at = defect->profiles; *at != '\0';) {
    size_t word = strcspn(at, " ");
    if (word == length && strncmp(at, profile, length) == 0) return true;
    at += word + (at[word] == ' ');
  }
  return false;
}

vs_clause_code vs_clause_find(const char* id) {
  vs_clause_code code = 0;
  while (code < VS_CLAUSE_COUNT && strcmp(vs_clauses[code].id, id) != 0) code++;
  return code;
}
