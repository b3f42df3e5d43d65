// SPDX-License-Identifier: BSD-3-Clause
// The rows of the model's tables, written down a second time: from the page, from what the
// published kernels do, and, for names, from what users' files hold. A row that changes by accident
// differs.
#include <criterion/criterion.h>
#include <string.h>

#include "tables.h"

// --- checks ------------------------------------------------------------------------------------

// Who asks for it, what it answers, what accepting breaks, and what another refusal breaks.
static const struct {
  vs_check_code check;
  const char* name;
  vs_check_sort sort;
  zx_status_t status;
  const char* rule;
  const char* error;
} checks[] = {
    {VS_CHECK_NONE, "none", VS_SORT_PAGE, ZX_OK, "write_state.return.ok", "write_state.return.ok"},
    {VS_CHECK_BAD_HANDLE, "bad_handle", VS_SORT_PAGE, ZX_ERR_BAD_HANDLE,
     "write_state.errors.bad_handle", "write_state.errors.bad_handle"},
    {VS_CHECK_WRONG_TYPE, "wrong_type", VS_SORT_PAGE, ZX_ERR_WRONG_TYPE, "write_state.rights.type",
     "write_state.errors.wrong_type"},
    {VS_CHECK_ACCESS_DENIED, "access_denied", VS_SORT_PAGE, ZX_ERR_ACCESS_DENIED,
     "write_state.rights.write", "write_state.errors.access_denied"},
    {VS_CHECK_KIND, "kind", VS_SORT_PAGE, ZX_ERR_INVALID_ARGS, "write_state.description.kind",
     "write_state.errors.invalid_args.kind"},
    {VS_CHECK_SIZE, "size", VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.size", "write_state.errors.invalid_args.size"},
    {VS_CHECK_BUFFER, "buffer", VS_SORT_PAGE, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_RUNNING, "running", VS_SORT_PAGE, ZX_ERR_BAD_STATE, "write_state.description.paused",
     "write_state.errors.bad_state"},
    {VS_CHECK_CREATOR, "creator", VS_SORT_PAGE, ZX_ERR_BAD_STATE,
     "write_state.description.same_thread", "write_state.errors.bad_state"},
    {VS_CHECK_ACCESS_SIZE, "access_size", VS_SORT_LATITUDE, ZX_ERR_INVALID_ARGS,
     "write_state.description.io", "write_state.description.io"},
    {VS_CHECK_NO_PORTS, "no_ports", VS_SORT_LATITUDE, ZX_ERR_INVALID_ARGS,
     "write_state.description.kind", "write_state.description.kind"},
    {VS_CHECK_SIZE_BOUND, "size_bound", VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.size", "write_state.errors.invalid_args.size"},
    {VS_CHECK_COPY, "copy", VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_NULL_POINTER, "null_pointer", VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_ALIGNMENT, "alignment", VS_SORT_KERNEL, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
    {VS_CHECK_KERNEL_FAULT, "kernel_fault", VS_SORT_UNDEFINED, ZX_ERR_INVALID_ARGS,
     "write_state.errors.invalid_args.buffer", "write_state.errors.invalid_args.buffer"},
};

Test(rows, of_checks_are_as_the_page_and_the_kernels_make_them) {
  cr_assert(VS_CHECK_COUNT == sizeof checks / sizeof checks[0], "%d checks", VS_CHECK_COUNT);
  for (size_t i = 0; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    cr_assert_eq(checks[i].check, i);
    cr_expect_str_eq(check->name, checks[i].name);
    cr_expect_eq(check->sort, checks[i].sort, "%s: sort %d", check->name, check->sort);
    cr_expect_eq(check->status, checks[i].status, "%s: status %d", check->name, check->status);
    cr_expect_str_eq(vs_clauses[check->rule].id, checks[i].rule);
    cr_expect_str_eq(vs_clauses[check->error].id, checks[i].error);
  }
}

// --- clauses -----------------------------------------------------------------------------------

// The ids stand in users' lists of known failures, in reports and in scripts. Those of which a
// status is promised have it.
static const struct {
  const char* id;
  zx_status_t status;
} clauses[] = {
    {"write_state.description.kind", ZX_OK},
    {"write_state.description.registers", ZX_OK},
    {"write_state.description.flags", ZX_OK},
    {"write_state.description.system_flags", ZX_OK},
    {"write_state.description.io", ZX_OK},
    {"write_state.description.io_alone", ZX_OK},
    {"write_state.description.from_buffer", ZX_OK},
    {"write_state.description.buffer_kept", ZX_OK},
    {"write_state.description.one_snapshot", ZX_OK},
    {"write_state.description.of_handle", ZX_OK},
    {"write_state.description.guest_sees", ZX_OK},
    {"write_state.description.paused", ZX_OK},
    {"write_state.description.same_thread", ZX_OK},
    {"write_state.rights.type", ZX_OK},
    {"write_state.rights.write", ZX_OK},
    {"write_state.return.ok", ZX_OK},
    {"write_state.return.error", ZX_OK},
    {"write_state.errors.access_denied", ZX_ERR_ACCESS_DENIED},
    {"write_state.errors.bad_handle", ZX_ERR_BAD_HANDLE},
    {"write_state.errors.bad_state", ZX_ERR_BAD_STATE},
    {"write_state.errors.invalid_args.kind", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.invalid_args.buffer", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.invalid_args.size", ZX_ERR_INVALID_ARGS},
    {"write_state.errors.wrong_type", ZX_ERR_WRONG_TYPE},
    {"write_state.refusal.unchanged", ZX_OK},
    {"abi.handle.fixed_bits", ZX_ERR_BAD_HANDLE},
    {"family.handle.derived", ZX_OK},
    {"family.read_state.reports", ZX_OK},
    {"family.enter.runs_guest", ZX_OK},
    {"family.interrupt.accepted", ZX_OK},
    {"family.interrupt.range", ZX_ERR_OUT_OF_RANGE},
    {"family.kick.cancels", ZX_ERR_CANCELED},
};

Test(rows, of_clauses_keep_their_ids_and_statuses) {
  cr_assert(VS_CLAUSE_COUNT == sizeof clauses / sizeof clauses[0], "%d clauses", VS_CLAUSE_COUNT);
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    cr_expect_str_eq(vs_clauses[i].id, clauses[i].id);
    cr_expect_eq(vs_clauses[i].status, clauses[i].status, "%s: status %d", vs_clauses[i].id,
                 vs_clauses[i].status);
  }
}

// --- latitudes, quirks, defects ----------------------------------------------------------------

Test(rows, of_latitudes_and_quirks_keep_their_ids) {
  static const char* const latitudes[] = {
      "wrong_thread_io_invalid_args", "flags_gate",      "flags_nt_ac_id_ignored",
      "io_access_size_other",         "io_upper_zeroed", "io_without_ports"};
  static const char* const quirks[] = {"initial_zero", "in32_clears", "flags_ungated",
                                       "io_upper_zeroed"};
  cr_assert(VS_LATITUDE_COUNT == sizeof latitudes / sizeof latitudes[0]);
  cr_assert(VS_QUIRK_COUNT == sizeof quirks / sizeof quirks[0]);
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) cr_expect_str_eq(vs_latitudes[i].id, latitudes[i]);
  for (size_t i = 0; i < VS_QUIRK_COUNT; i++) cr_expect_str_eq(vs_quirks[i].id, quirks[i]);
}

Test(rows, of_defects_name_their_kernel_and_aspect) {
  static const struct {
    const char* id;
    const char* profile;
    vs_aspect aspect;
  } rows[] = {{"flags_or_only_arm64", "zircon-arm64", VS_ASPECT_EFFECT},
              {"flags_or_only_2018", "zircon-2018", VS_ASPECT_EFFECT},
              {"access_size_overruns", "zircon-2018", VS_ASPECT_EFFECT},
              {"misaligned_refused", "zcore", VS_ASPECT_ANSWER},
              {"unreadable_faults", "zcore", VS_ASPECT_ANSWER}};
  cr_assert(VS_DEFECT_COUNT == sizeof rows / sizeof rows[0], "%d defects", VS_DEFECT_COUNT);
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    cr_expect_str_eq(vs_defects[i].id, rows[i].id);
    cr_expect_str_eq(vs_defects[i].profile, rows[i].profile);
    cr_expect_eq(vs_defects[i].aspect, rows[i].aspect, "%s: aspect %d", rows[i].id,
                 vs_defects[i].aspect);
  }
}

// --- profiles ----------------------------------------------------------------------------------

// The order of each kernel's checks, by their names; and what it does of its own accord.
static const struct {
  const char* id;
  const char* order;
  uint8_t arch;
  vs_quirk_set quirks;
  uint64_t or_only;
} profiles[] = {
    {"documented", "", 0, 0, 0},
    {"zircon-x64",
     "bad_handle wrong_type access_denied kind size buffer creator running access_size ",
     VS_ARCH_X64, VS_BIT(VS_QUIRK_INITIAL_ZERO) | VS_BIT(VS_QUIRK_IN32_CLEARS), 0},
    {"zircon-arm64",
     "bad_handle wrong_type access_denied kind size buffer no_ports creator running ",
     VS_ARCH_ARM64, VS_BIT(VS_QUIRK_INITIAL_ZERO), 0xf0000000},
    {"zircon-2018",
     "bad_handle wrong_type access_denied size_bound copy creator running kind no_ports size ", 0,
     VS_BIT(VS_QUIRK_INITIAL_ZERO), 0xf0000000},
    {"zcore",
     "bad_handle access_denied wrong_type creator running kind size null_pointer alignment "
     "kernel_fault access_size ",
     VS_ARCH_X64, VS_BIT(VS_QUIRK_INITIAL_ZERO), 0},
};

static const char* order_of(const vs_profile* profile) {
  static char text[400];
  text[0] = '\0';
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    strcat(text, vs_checks[profile->order[i]].name);
    strcat(text, " ");
  }
  return text;
}

Test(rows, of_profiles_are_their_kernels) {
  cr_assert(vs_profile_count == sizeof profiles / sizeof profiles[0], "%zu", vs_profile_count);
  for (size_t i = 0; i < vs_profile_count; i++) {
    const vs_profile* p = &vs_profiles[i];
    cr_expect_str_eq(p->id, profiles[i].id);
    cr_expect_str_eq(order_of(p), profiles[i].order, "%s: %s", p->id, order_of(p));
    cr_expect_eq(p->ordered, profiles[i].order[0] != '\0', "%s", p->id);
    cr_expect_eq(p->arch, profiles[i].arch, "%s: architecture %u", p->id, p->arch);
    cr_expect_eq(p->quirks, profiles[i].quirks, "%s: quirks 0x%x", p->id, p->quirks);
    cr_expect_eq(p->flags_or_only, profiles[i].or_only, "%s: 0x%llx are only set", p->id,
                 (unsigned long long)p->flags_or_only);
    cr_expect_eq(p->flags_kept, 0, "%s: no published kernel keeps a user flag", p->id);
  }
}

// --- objects and the vocabulary ----------------------------------------------------------------

Test(rows, of_objects_say_whether_every_kernel_gives_the_right) {
  static const vs_tristate write[] = {VS_NO, VS_YES, VS_UNKNOWN, VS_YES, VS_NO, VS_YES, VS_YES};
  cr_assert(VS_OBJECT_COUNT == sizeof write / sizeof write[0], "%d objects", VS_OBJECT_COUNT);
  for (size_t i = 0; i < VS_OBJECT_COUNT; i++) {
    cr_expect_eq(vs_object_types[i].write, write[i], "%s: %d", vs_object_types[i].name,
                 vs_object_types[i].write);
  }
}

static bool is_op(const char* name, const char* symbol) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    const vs_op_info* op = &vs_ops[i];
    bool same = op->symbol == NULL ? symbol == NULL : symbol && strcmp(op->symbol, symbol) == 0;
    if (same && strcmp(op->name, name) == 0) return true;
  }
  return false;
}

// What scripts and traces are written in. A call may come by its row alone; none may go.
Test(rows, of_the_vocabulary_keep_their_names) {
  static const struct {
    const char* name;
    const char* symbol;
  } ops[] = {{"guest_create", "zx_guest_create"},
             {"set_trap", "zx_guest_set_trap"},
             {"vcpu_create", "zx_vcpu_create"},
             {"enter", "zx_vcpu_enter"},
             {"kick", "zx_vcpu_kick"},
             {"interrupt", "zx_vcpu_interrupt"},
             {"read_state", "zx_vcpu_read_state"},
             {"write_state", "zx_vcpu_write_state"},
             {"close", "zx_handle_close"},
             {"duplicate", "zx_handle_duplicate"},
             {"replace", "zx_handle_replace"},
             {"event_create", "zx_event_create"},
             {"port_create", "zx_port_create"},
             {"port_wait", "zx_port_wait"},
             {"port_queue", "zx_port_queue"},
             {"port_cancel", "zx_port_cancel"},
             {"vmo_create", "zx_vmo_create"},
             {"vmo_read", "zx_vmo_read"},
             {"vmo_write", "zx_vmo_write"},
             {"vmar_map", "zx_vmar_map"},
             {"vmar_unmap", "zx_vmar_unmap"},
             {"vmar_protect", "zx_vmar_protect"},
             {"guest_load", NULL},
             {"await_guest", NULL},
             {"join", NULL},
             {"thread_exit", NULL}};
  static const char* const placements[] = {
      "plain",         "misaligned",    "crossing", "edge",      "readonly",     "low",
      "null",          "one",           "unmapped", "prot_none", "beyond_eof",   "straddle",
      "straddle_head", "straddle_none", "user_end", "kernel",    "noncanonical", "wrapping"};
  cr_assert(VS_PLACEMENT_COUNT == sizeof placements / sizeof placements[0]);
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    cr_expect(is_op(ops[i].name, ops[i].symbol), "%s is gone", ops[i].name);
  }
  for (size_t i = 0; i < VS_PLACEMENT_COUNT; i++) {
    cr_expect_str_eq(vs_placements[i].name, placements[i]);
  }
}

Test(rows, of_programs_are_what_the_guest_does) {
  static const struct {
    const char* name;
    vs_program_exit exit;
    uint8_t width;  // bytes
  } rows[] = {{"dump", VS_PROGRAM_EXIT_NONE, 0},  {"in8", VS_PROGRAM_EXIT_IN, 1},
              {"in16", VS_PROGRAM_EXIT_IN, 2},    {"in32", VS_PROGRAM_EXIT_IN, 4},
              {"out8", VS_PROGRAM_EXIT_OUT, 1},   {"out16", VS_PROGRAM_EXIT_OUT, 2},
              {"out32", VS_PROGRAM_EXIT_OUT, 4},  {"spin", VS_PROGRAM_EXIT_SPIN, 0},
              {"store", VS_PROGRAM_EXIT_NONE, 0}, {"code", VS_PROGRAM_EXIT_UNKNOWN, 0}};
  cr_assert(VS_PROGRAM_COUNT == sizeof rows / sizeof rows[0], "%d programs", VS_PROGRAM_COUNT);
  for (size_t i = 0; i < VS_PROGRAM_COUNT; i++) {
    cr_expect_str_eq(vs_programs[i].name, rows[i].name);
    cr_expect(vs_programs[i].exit == rows[i].exit && vs_programs[i].width == rows[i].width,
              "%s: exit %d, width %u", rows[i].name, vs_programs[i].exit, vs_programs[i].width);
  }
}
