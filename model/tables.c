// SPDX-License-Identifier: BSD-3-Clause
#include "tables.h"

#include <string.h>

const vs_clause vs_clauses[VS_CLAUSE_COUNT] = {
#define VS_CLAUSE(code, id, section, sentence, status) \
  [VS_CLAUSE_##code] = {id, section, sentence, status},
#include "clauses.def"
#undef VS_CLAUSE
};

const vs_check vs_checks[VS_CHECK_COUNT] = {
    [VS_CHECK_NONE] = {"none", VS_SORT_PAGE, ZX_OK, VS_CLAUSE_RETURN_OK, VS_CLAUSE_RETURN_OK,
                       "no documented error applies", ""},
#define VS_CHECK(code, name, sort, when, status, rule, error, reason) \
  [VS_CHECK_##                                                        \
      code] = {#name, VS_SORT_##sort, status, VS_CLAUSE_##rule, VS_CLAUSE_##error, reason, #when},
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
#define VS_DEFECT(code, id, profile, aspect, when, what, source) \
  [VS_DEFECT_##code] = {id, profile, VS_ASPECT_##aspect, what, source},
#include "defects.def"
#undef VS_DEFECT
};

const vs_object_type vs_object_types[VS_OBJECT_COUNT] = {
    [VS_OBJECT_FREE] = {"nothing", ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, VS_NO},
#define VS_OBJECT(code, name, type, rights, write) \
  [VS_OBJECT_##code] = {#name, type, rights, VS_##write},
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

const vs_placement_info vs_placements[VS_PLACEMENT_COUNT] = {
#define VS_PLACEMENT(code, name, readable, text) [VS_AT_##code] = {#name, readable, text},
#include <vcpuspec/placements.def>
#undef VS_PLACEMENT
};

const vs_op_info vs_ops[VS_OP_COUNT] = {
#define VS_OP(code, name, phase, text) [VS_OP_##code] = {#name, VS_PHASE_##phase, text},
#include <vcpuspec/ops.def>
#undef VS_OP
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
    .state_size = sizeof(zx_vcpu_state_x64_t),
    .flags_required = 0xdd5,
    .flags_optional = 0x244000,
    .flags_gate = 0x2,
    .flags_blind = 0x30000,
};

// N Z C V.
static const vs_arch_info arch_arm64 = {
    .name = "arm64",
    .registers = registers_arm64,
    .register_count = COUNT_ARM64,
    .flags = 32,
    .spin_borrows = 1,
    .state_size = sizeof(zx_vcpu_state_arm64_t),
    .flags_required = VS_FLAGS_NZCV,
};

static bool may_be_async(const vs_op* op) {
  bool judged = op->code < VS_OP_COUNT && vs_ops[op->code].phase == VS_PHASE_JUDGED;
  return op->thread != 0 && judged && op->code != VS_OP_JOIN && op->code != VS_OP_AWAIT_GUEST;
}

bool vs_op_is_valid(const vs_op* op) {
  if (op->async && !may_be_async(op)) return false;
  const vs_rewrite* rewrite = &op->rewrite;
  if (rewrite->length > sizeof rewrite->bytes || rewrite->offset + rewrite->length > VS_STATE_MAX) {
    return false;
  }
  return op->code < VS_OP_COUNT && op->thread < VS_THREADS && op->out < VS_SLOTS &&
         op->out2 < VS_SLOTS && op->program < VS_PROGRAM_COUNT && op->handle.slot < VS_SLOTS &&
         op->buffer.at < VS_PLACEMENT_COUNT;
}

const vs_arch_info* vs_arch_find(uint32_t arch) {
  if (arch == VS_ARCH_X64) return &arch_x64;
  return arch == VS_ARCH_ARM64 ? &arch_arm64 : NULL;
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

vs_clause_code vs_clause_find(const char* id) {
  vs_clause_code code = 0;
  while (code < VS_CLAUSE_COUNT && strcmp(vs_clauses[code].id, id) != 0) code++;
  return code;
}
