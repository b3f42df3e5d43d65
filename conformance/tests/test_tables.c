// SPDX-License-Identifier: BSD-3-Clause
// The tables hang together: ids are unique, rows are complete, and look-ups find what they name.
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "tables.h"

static bool is_text(const char* text) {
  return text != NULL && text[0] != '\0';
}

// What is typed on a command line: lower case, digits, dots, dashes, underscores.
static bool is_id(const char* id) {
  if (!is_text(id) || !islower((unsigned char)id[0])) return false;
  for (const char* c = id; *c; c++) {
    if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && !strchr("._-", *c)) {
      return false;
    }
  }
  return true;
}

// The names of a table of structs that have a name at the offset `at`.
typedef struct names {
  const char* table;
  const void* rows;
  size_t count, size, at;
} names;

static const char* name_of(const names* n, size_t i) {
  const char* name;
  memcpy(&name, (const char*)n->rows + i * n->size + n->at, sizeof name);
  return name;
}

static void are_unique_ids(const names* n) {
  for (size_t i = 0; i < n->count; i++) {
    const char* name = name_of(n, i);
    cr_assert(is_id(name), "%s: row %u has no proper id: %s", n->table, (unsigned)i,
              name ? name : "(null)");
    for (size_t k = 0; k < i; k++) {
      cr_assert(strcmp(name, name_of(n, k)) != 0, "%s: two rows have the id %s", n->table, name);
    }
  }
}

#define NAMES(rows, count, type, member) \
  { #rows, rows, count, sizeof(type), offsetof(type, member) }

Test(tables, ids_are_unique) {
  const names all[] = {
      NAMES(vs_clauses, VS_CLAUSE_COUNT, vs_clause, id),
      NAMES(vs_latitudes, VS_LATITUDE_COUNT, vs_latitude, id),
      NAMES(vs_quirks, VS_QUIRK_COUNT, vs_quirk, id),
      NAMES(vs_defects, VS_DEFECT_COUNT, vs_defect, id),
      NAMES(vs_object_types, VS_OBJECT_COUNT, vs_object_type, name),
      NAMES(vs_profiles, vs_profile_count, vs_profile, id),
      NAMES(vs_programs, VS_PROGRAM_COUNT, vs_program_info, name),
      NAMES(vs_placements, VS_PLACEMENT_COUNT, vs_placement_info, name),
      NAMES(vs_ops, VS_OP_COUNT, vs_op_info, name),
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) are_unique_ids(&all[i]);
}

// Those of one call follow each other, so that its first one and its names say which they are.
Test(tables, names_of_checks_are_unique_in_their_call) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    bool ended = false;
    cr_assert(is_id(vs_checks[i].name) && vs_checks[i].call < VS_CALL_COUNT, "row %zu", i);
    for (size_t k = i; k-- > 1;) {
      bool same = vs_checks[k].call == vs_checks[i].call;
      cr_assert(!same || !ended, "%s: its call's rows are apart", vs_checks[i].name);
      cr_assert(!same || strcmp(vs_checks[k].name, vs_checks[i].name) != 0, "two are called %s",
                vs_checks[i].name);
      ended |= !same;
    }
  }
}

// --- clauses and checks ------------------------------------------------------------------------

Test(clauses, are_complete) {
  static const char* const sections[] = {
      "page.description", "page.rights", "page.return", "page.errors", "derived", "abi", "family"};
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    const vs_clause* clause = &vs_clauses[i];
    bool known = false;
    for (size_t k = 0; k < sizeof sections / sizeof sections[0]; k++) {
      known |= strcmp(clause->section, sections[k]) == 0;
    }
    cr_assert(known, "%s: there is no section %s", clause->id, clause->section);
    size_t length = strlen(clause->sentence);
    cr_assert(length > 0 && clause->sentence[length - 1] == '.', "%s: not a sentence: %s",
              clause->id, clause->sentence);
  }
}

Test(clauses, promise_each_documented_error) {
  // Of each call, by the first part of the id: how often the page lists that status.
  static const struct {
    const char* call;
    unsigned denied, handle, state, arguments, type, exists, range;
  } rows[] = {
      {"write_state.", 1, 1, 1, 3, 1, 0, 0}, {"read_state.", 1, 1, 1, 3, 1, 0, 0},
      {"enter.", 1, 1, 1, 1, 1, 0, 0},       {"kick.", 1, 1, 0, 0, 1, 0, 0},
      {"interrupt.", 1, 1, 0, 0, 1, 0, 0},   {"vcpu_create.", 1, 1, 1, 3, 1, 0, 0},
      {"set_trap.", 2, 2, 0, 2, 2, 1, 1},    {"guest_create.", 1, 0, 0, 3, 1, 0, 0},
  };
  static const zx_status_t statuses[] = {
      ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE,     ZX_ERR_BAD_STATE,   ZX_ERR_INVALID_ARGS,
      ZX_ERR_WRONG_TYPE,    ZX_ERR_ALREADY_EXISTS, ZX_ERR_OUT_OF_RANGE};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const unsigned wanted[] = {rows[i].denied, rows[i].handle, rows[i].state, rows[i].arguments,
                               rows[i].type,   rows[i].exists, rows[i].range};
    for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
      unsigned count = 0;
      for (size_t k = 0; k < VS_CLAUSE_COUNT; k++) {
        const vs_clause* clause = &vs_clauses[k];
        bool its = strncmp(clause->id, rows[i].call, strlen(rows[i].call)) == 0;
        bool page = strcmp(clause->section, "page.errors") == 0;
        count += its && page && clause->status == statuses[s];
      }
      cr_expect_eq(count, wanted[s], "%s status %d: %u clauses", rows[i].call, statuses[s], count);
    }
  }
}

Test(clauses, are_found_by_their_ids) {
  for (unsigned i = 0; i < VS_CLAUSE_COUNT; i++) {
    vs_clause_code found = vs_clause_find(vs_clauses[i].id);
    cr_assert(found == i, "%s is row %u, found %u", vs_clauses[i].id, i, found);
  }
  static const char* const unknown[] = {"", "write_state", "write_state.errors.bad_handl",
                                        "write_state.errors.bad_handles",
                                        "WRITE_STATE.ERRORS.BAD_HANDLE"};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    cr_assert(vs_clause_find(unknown[i]) == VS_CLAUSE_COUNT, "'%s' must not be found", unknown[i]);
  }
}

Test(checks, name_a_refusal_and_its_clauses) {
  cr_assert(vs_checks[VS_CHECK_NONE].status == ZX_OK, "no check means ZX_OK, got %d",
            vs_checks[VS_CHECK_NONE].status);
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    cr_assert(check->status < 0, "%s: status %d refuses nothing", check->name, check->status);
    cr_assert(check->rule < VS_CLAUSE_COUNT && check->error < VS_CLAUSE_COUNT,
              "%s: there is no clause %d or %d", check->name, check->rule, check->error);
    cr_assert(is_text(check->reason) && is_text(check->when), "%s: no reason", check->name);
    zx_status_t promised = vs_clauses[check->error].status;
    bool page = check->sort == VS_SORT_PAGE;
    cr_assert(promised == ZX_OK || promised == check->status || !page, "%s: %s promises %d, got %d",
              check->name, vs_clauses[check->error].id, promised, check->status);
  }
}

Test(latitudes, say_what_and_why) {
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) {
    cr_assert(is_text(vs_latitudes[i].what) && is_text(vs_latitudes[i].why), "%s: no reason",
              vs_latitudes[i].id);
    cr_assert(VS_ALL_LATITUDES & VS_BIT(i), "%s is not among all latitudes", vs_latitudes[i].id);
  }
  cr_assert(VS_ALL_LATITUDES >> VS_LATITUDE_COUNT == 0, "0x%x holds more than all latitudes",
            VS_ALL_LATITUDES);
}

Test(objects, carry_the_rights_of_new_handles) {
  static const struct {
    const char* name;
    zx_obj_type_t type;
    zx_rights_t rights;
  } rows[] = {{"guest", 20, 0x4800b}, {"vmar", 18, 0x20801f}, {"vcpu", 21, 0xd01f},
              {"event", 5, 0xd003},   {"port", 6, 0x800f},    {"vmo", 3, 0xd0ef}};
  cr_assert(VS_OBJECT_COUNT == 1 + sizeof rows / sizeof rows[0], "got %d types", VS_OBJECT_COUNT);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const vs_object_type* type = &vs_object_types[i + 1];
    cr_assert(strcmp(type->name, rows[i].name) == 0 && type->type == rows[i].type &&
                  type->rights == rows[i].rights,
              "%s must be type %u with rights 0x%x, got %s, %u, 0x%x", rows[i].name, rows[i].type,
              rows[i].rights, type->name, type->type, type->rights);
  }
}

// What the page lists is sure.
Test(objects, have_the_rights_that_the_pages_list_for_certain) {
  static const struct {
    vs_object_code code;
    zx_rights_t sure;
  } rows[] = {
      {VS_OBJECT_GUEST,
       ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_WRITE | ZX_RIGHT_MANAGE_THREAD},
      {VS_OBJECT_VCPU, ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_EXECUTE | ZX_RIGHT_SIGNAL |
                           ZX_RIGHT_READ | ZX_RIGHT_WRITE},
      {VS_OBJECT_PORT, ZX_RIGHT_TRANSFER | ZX_RIGHT_DUPLICATE | ZX_RIGHT_READ | ZX_RIGHT_WRITE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const vs_object_type* type = &vs_object_types[rows[i].code];
    cr_assert_eq(type->rights & ~type->maybe, rows[i].sure, "%s: 0x%x", type->name,
                 type->rights & ~type->maybe);
  }
}

// --- profiles ----------------------------------------------------------------------------------

Test(profiles, orders_have_no_duplicates_and_an_end) {
  for (size_t p = 0; p < vs_profile_count; p++) {
    const vs_profile* profile = &vs_profiles[p];
    vs_check_set made = 0;
    size_t i = 0;
    for (; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
      cr_assert(profile->order[i] < VS_CHECK_COUNT, "%s: check %u", profile->id, profile->order[i]);
      cr_assert(!(made & VS_CHECK_IN(profile->order[i])), "%s makes the check %s twice",
                profile->id, vs_checks[profile->order[i]].name);
      made |= VS_CHECK_IN(profile->order[i]);
    }
    cr_assert(i < VS_CHECK_COUNT, "%s: the order has no end", profile->id);
    cr_assert((i > 0) == profile->ordered, "%s: %u checks in order", profile->id, (unsigned)i);
  }
}

// Zircon of 2018 copies buffer_size bytes, and looks at buffer_size afterwards.
static bool stands_for(const vs_profile* profile, unsigned check) {
  return check == VS_CHECK_BUFFER &&
         (memchr(profile->order, VS_CHECK_COPY, VS_CHECK_COUNT) ||
          memchr(profile->order, VS_CHECK_KERNEL_FAULT, VS_CHECK_COUNT));
}

Test(profiles, ordered_ones_make_every_check_of_the_page) {
  for (size_t p = 0; p < vs_profile_count; p++) {
    const vs_profile* profile = &vs_profiles[p];
    if (!profile->ordered) continue;
    for (unsigned check = 1; check < VS_CHECK_COUNT; check++) {
      bool page = vs_checks[check].sort == VS_SORT_PAGE;
      bool written = vs_checks[check].call == VS_CALL_vcpu_write_state;
      if (!page || !written || stands_for(profile, check)) continue;
      bool made = memchr(profile->order, (int)check, VS_CHECK_COUNT) != NULL;
      cr_assert(made, "%s does not make the check %s", profile->id, vs_checks[check].name);
    }
  }
}

Test(profiles, only_the_unordered_have_latitude) {
  for (size_t p = 0; p < vs_profile_count; p++) {
    const vs_profile* profile = &vs_profiles[p];
    vs_latitude_set expected = profile->ordered ? 0 : VS_ALL_LATITUDES;
    cr_assert(profile->latitudes == expected, "%s: latitudes 0x%x, must be 0x%x", profile->id,
              profile->latitudes, expected);
  }
}

Test(profiles, are_found_by_their_ids) {
  for (size_t p = 0; p < vs_profile_count; p++) {
    const vs_profile* profile = &vs_profiles[p];
    cr_assert(vs_profile_find(profile->id) == profile, "%s is not found", profile->id);
    cr_assert(is_text(profile->summary), "%s has no summary", profile->id);
    cr_assert(profile->arch == 0 || vs_arch_find(profile->arch), "%s: architecture %u", profile->id,
              profile->arch);
  }
  static const char* const unknown[] = {"", "document", "documented ", "zircon", "ZIRCON-X64"};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    cr_assert(vs_profile_find(unknown[i]) == NULL, "'%s' must not be found", unknown[i]);
  }
}

Test(profiles, seven_are_there) {
  static const char* const ids[] = {"documented",  "zircon-2026", "zircon-x64", "zircon-arm64",
                                    "zircon-2023", "zircon-2018", "zcore"};
  cr_assert(vs_profile_count == sizeof ids / sizeof ids[0], "got %zu", vs_profile_count);
  for (size_t i = 0; i < vs_profile_count; i++) cr_assert_str_eq(vs_profiles[i].id, ids[i]);
  const vs_profile* documented = vs_profile_find("documented");
  cr_assert(!documented->ordered && documented->arch == 0 && documented->quirks == 0,
            "documented says nothing that the page does not say");
}

// --- the vocabulary ----------------------------------------------------------------------------

Test(vocabulary, every_row_is_described) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    cr_assert(is_text(vs_ops[i].text), "op %s is not described", vs_ops[i].name);
  }
  for (size_t i = 0; i < VS_PLACEMENT_COUNT; i++) {
    cr_assert(is_text(vs_placements[i].text), "placement %s is not described",
              vs_placements[i].name);
  }
  for (size_t i = 0; i < VS_PROGRAM_COUNT; i++) {
    cr_assert(is_text(vs_programs[i].text), "program %s is not described", vs_programs[i].name);
  }
}

// A call that is no more than a row is recorded; that another is judged, or a setup, says this
// list.
Test(vocabulary, phases_of_ops) {
  static const uint8_t setup[] = {VS_OP_guest_load,   VS_CALL_event_create, VS_CALL_port_create,
                                  VS_CALL_vmo_create, VS_CALL_port_wait,    VS_CALL_port_queue};
  static const uint8_t judged[] = {VS_CALL_guest_create,
                                   VS_CALL_guest_set_trap,
                                   VS_CALL_vcpu_create,
                                   VS_CALL_vcpu_enter,
                                   VS_CALL_vcpu_kick,
                                   VS_CALL_vcpu_interrupt,
                                   VS_CALL_vcpu_read_state,
                                   VS_CALL_vcpu_write_state,
                                   VS_CALL_handle_close,
                                   VS_CALL_handle_duplicate,
                                   VS_CALL_handle_replace,
                                   VS_OP_await_guest,
                                   VS_OP_join};
  for (unsigned op = 0; op < VS_OP_COUNT; op++) {
    vs_phase phase = VS_PHASE_RECORDED;
    if (memchr(setup, (int)op, sizeof setup)) phase = VS_PHASE_SETUP;
    if (memchr(judged, (int)op, sizeof judged)) phase = VS_PHASE_JUDGED;
    if (op == VS_OP_thread_exit) phase = VS_PHASE_LOCAL;
    cr_assert(vs_ops[op].phase == phase, "%s: phase must be %d, got %d", vs_ops[op].name, phase,
              vs_ops[op].phase);
  }
}

Test(vocabulary, six_placements_are_readable) {
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    bool readable = at == VS_AT_PLAIN || at == VS_AT_MISALIGNED || at == VS_AT_CROSSING ||
                    at == VS_AT_EDGE || at == VS_AT_READONLY || at == VS_AT_LOW;
    cr_assert(vs_placements[at].readable == readable, "%s: readable must be %d",
              vs_placements[at].name, readable);
  }
}

Test(vocabulary, programs_leave_as_their_names_say) {
  for (unsigned i = 0; i < 3; i++) {
    const vs_program_info* in = &vs_programs[VS_PROGRAM_IN8 + i];
    const vs_program_info* out = &vs_programs[VS_PROGRAM_OUT8 + i];
    cr_assert(in->exit == VS_PROGRAM_EXIT_IN && in->width == 1u << i, "%s: exit %d, width %u",
              in->name, in->exit, in->width);
    cr_assert(out->exit == VS_PROGRAM_EXIT_OUT && out->width == 1u << i, "%s: exit %d, width %u",
              out->name, out->exit, out->width);
  }
  cr_assert(vs_programs[VS_PROGRAM_DUMP].exit == VS_PROGRAM_EXIT_NONE, "dump has no exit first");
  cr_assert(vs_programs[VS_PROGRAM_SPIN].exit == VS_PROGRAM_EXIT_SPIN, "spin does not leave");
}

// --- calls and their parameters ------------------------------------------------------------------

static size_t parameters_of(const vs_op_info* info) {
  size_t count = 0;
  while (count < VS_ARGS_MAX && info->params[count].type != VS_PARAM_NONE) count++;
  return count;
}

Test(calls, are_named_by_their_symbols) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    const char* symbol = vs_ops[i].symbol;
    cr_assert((symbol != NULL) == (i < VS_CALL_COUNT), "%s", vs_ops[i].name);
    cr_assert(symbol == NULL || strncmp(symbol, "zx_", 3) == 0, "%s: %s", vs_ops[i].name, symbol);
  }
}

Test(calls, have_parameters_with_names_of_their_own) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    const vs_op_info* info = &vs_ops[i];
    size_t count = parameters_of(info);
    for (size_t k = count; k < VS_ARGS_MAX; k++) {
      cr_assert(info->params[k].type == VS_PARAM_NONE, "%s: a parameter after the end", info->name);
    }
    const names all = {info->name, info->params, count, sizeof(vs_param), offsetof(vs_param, name)};
    are_unique_ids(&all);
  }
}

static size_t count_of(const vs_op_info* info, vs_param_type type) {
  size_t count = 0;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) count += info->params[i].type == type;
  return count;
}

// What the executor, the wire and the observation have room for (calls.def).
Test(calls, have_no_more_pointers_than_there_is_room_for) {
  for (size_t i = 0; i < VS_OP_COUNT; i++) {
    const vs_op_info* info = &vs_ops[i];
    size_t pointers = 0;
    for (size_t k = 0; k < VS_ARGS_MAX; k++) pointers += vs_param_is_pointer(info->params[k].type);
    size_t handles = count_of(info, VS_PARAM_OUT_HANDLE);
    cr_assert(pointers <= VS_POINTERS_MAX, "%s has %zu pointers", info->name, pointers);
    cr_assert(handles <= 2, "%s gives %zu handles", info->name, handles);
    cr_assert(pointers - handles <= 1, "%s has %zu buffers", info->name, pointers - handles);
    size_t buffers = count_of(info, VS_PARAM_IN) + count_of(info, VS_PARAM_OUT);
    cr_assert(count_of(info, VS_PARAM_SIZE) == buffers, "%s: a buffer has a size", info->name);
  }
}

Test(calls, give_each_parameter_its_place) {
#define VS_ARG_NAME(type, name, object, value) #name
#define VS_CALL(call, word, phase, text, ...)                                          \
  {                                                                                    \
    static const char* const row[] = {VS_EACH(VS_ARG_NAME, __VA_ARGS__)};              \
    const size_t count = sizeof row / sizeof row[0];                                   \
    cr_assert(parameters_of(&vs_ops[VS_CALL_##call]) == count, "zx_" #call);           \
    for (size_t i = 0; i < count; i++) {                                               \
      cr_assert_str_eq(vs_ops[VS_CALL_##call].params[i].name, row[i], "zx_" #call);    \
    }                                                                                  \
    cr_assert(sizeof(struct vs_args_##call) == count * sizeof(uint64_t), "zx_" #call); \
  }
#include <vcpuspec/calls.def>
#undef VS_ARG_NAME
  cr_assert(VS_ARG(vcpu_enter, packet) == 1 && VS_ARG(vcpu_write_state, buffer_size) == 3);
}

// An op as it is unless a script says otherwise makes sense, and of a call that the oracle knows it
// predicts the answer.
Test(calls, are_made_with_the_arguments_that_are_usual) {
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    const vs_arch_info* info = vs_arch_find(arch);
    for (unsigned code = 0; code < VS_OP_COUNT; code++) {
      vs_op op = vs_op_new((uint8_t)code, info);
      for (size_t i = 0; i < VS_ARGS_MAX; i++) {
        const vs_param* param = &vs_ops[code].params[i];
        bool slot = param->type == VS_PARAM_HANDLE && op.args[i].form != VS_HANDLE_RESOURCE;
        if (slot) op.args[i] = vs_arg_slot(1);
      }
      bool predicted = vs_ops[code].phase != VS_PHASE_RECORDED;
      cr_assert(op.code == code && vs_op_is_valid(&op), "%s", vs_ops[code].name);
      cr_assert(vs_op_is_predicted(&op) == predicted, "%s", vs_ops[code].name);
    }
  }
}

Test(calls, say_the_first_handle_by_its_position_and_others_by_name) {
  const uint8_t port = VS_ARG(guest_set_trap, port_handle);
  cr_expect(vs_param_is_positional(VS_CALL_guest_set_trap, 0));
  cr_expect(!vs_param_is_positional(VS_CALL_guest_set_trap, port));
  cr_expect(!vs_param_is_positional(VS_CALL_guest_create, 0), "the resource");
  cr_expect(vs_param_is_positional(VS_OP_guest_load, 1));
}

Test(calls, are_predicted_with_handles_and_places_as_cases_have_them) {
  const vs_arch_info* arch = vs_arch_find(VS_ARCH_X64);
  vs_op enter = vs_op_new(VS_CALL_vcpu_enter, arch);
  enter.args[0] = vs_arg_slot(2);
  cr_expect(vs_arg_names_slot(&enter.args[0]) && vs_op_is_predicted(&enter));
  VS_OP_ARG(&enter, vcpu_enter, packet).at = VS_AT_READONLY;
  cr_expect(vs_op_is_predicted(&enter));
  vs_op event = vs_op_new(VS_CALL_event_create, arch);
  cr_expect(vs_op_is_predicted(&event));
  VS_OP_ARG(&event, event_create, out).at = VS_AT_READONLY;
  cr_expect(!vs_op_is_predicted(&event));
  vs_op memory = vs_op_new(VS_CALL_vmo_create, arch);
  static const uint64_t sizes[] = {0, 1, 1 << 20, (1 << 20) + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    VS_OP_ARG(&memory, vmo_create, size).number = sizes[i];
    cr_expect(vs_op_is_predicted(&memory) == (i == 1 || i == 2), "%lu bytes", sizes[i]);
  }
  vs_op guest = vs_op_new(VS_CALL_guest_create, arch);
  cr_expect(vs_op_is_predicted(&guest));
  guest.args[0] = (vs_arg){.form = VS_HANDLE_RAW};
  cr_expect(vs_op_is_predicted(&guest), "0 is never meant as the resource");
  guest.args[0].number = 7;
  cr_expect(vs_op_is_predicted(&guest));
  guest.args[0] = (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
  cr_expect(vs_op_is_predicted(&guest) && !vs_arg_names_slot(&guest.args[0]));
  vs_op write = vs_op_new(VS_CALL_vcpu_write_state, arch);
  cr_expect(!vs_arg_names_slot(&write.args[0]) && vs_op_is_predicted(&write));
  write.args[0] = (vs_arg){.form = VS_HANDLE_RESOURCE};
  cr_expect(!vs_op_is_predicted(&write));
  write.args[0] = (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
  cr_expect(!vs_op_is_predicted(&write));
  vs_op load = vs_op_new(VS_OP_guest_load, arch);
  load.args[0] = (vs_arg){.form = VS_HANDLE_RESOURCE};
  cr_expect(!vs_op_is_predicted(&load));
}

Test(calls, have_no_options_and_are_about_a_state_unless_told) {
  const vs_arch_info* arch = vs_arch_find(VS_ARCH_X64);
  for (uint8_t code = 0; code != VS_CALL_COUNT; code++) {
    vs_op op = vs_op_new(code, arch);
    uint8_t number = vs_param_find(code, VS_PARAM_U32, 0);
    uint8_t kind = vs_param_find(code, VS_PARAM_KIND, 0);
    cr_expect(number == VS_ARGS_MAX || op.args[number].number == 0, "%s", vs_ops[code].name);
    cr_expect(kind == VS_ARGS_MAX || op.args[kind].number == ZX_VCPU_STATE, "%s",
              vs_ops[code].name);
  }
  vs_op vmo = vs_op_new(VS_CALL_vmo_create, arch);
  cr_expect_eq(VS_OP_ARG(&vmo, vmo_create, size).number, 4096, "one page");
}

Test(calls, start_a_vcpu_at_a_program_or_anywhere) {
  vs_op create = vs_op_new(VS_CALL_vcpu_create, vs_arch_find(VS_ARCH_X64));
  VS_OP_ARG(&create, vcpu_create, entry).slot = VS_PROGRAM_SPIN;
  cr_expect_eq(vs_op_program(&create), VS_PROGRAM_SPIN);
  VS_OP_ARG(&create, vcpu_create, entry).form = VS_ENTRY_RAW;
  cr_expect_eq(vs_op_program(&create), VS_PROGRAM_CODE, "nothing is known of it");
}

Test(calls, that_are_told_a_kind_are_told_the_size_of_a_state) {
  static const uint8_t codes[] = {VS_CALL_vcpu_read_state, VS_CALL_vcpu_write_state};
  for (unsigned arch = VS_ARCH_X64; arch <= VS_ARCH_ARM64; arch++) {
    const vs_arch_info* info = vs_arch_find(arch);
    for (size_t i = 0; i < 2; i++) {
      vs_op op = vs_op_new(codes[i], info);
      uint8_t size = vs_param_find(codes[i], VS_PARAM_SIZE, 0);
      cr_assert(
          op.args[size].number == info->state_size && op.args[size - 1].length == info->state_size,
          "%s of %s", vs_ops[codes[i]].name, info->name);
    }
    vs_op op = vs_op_new(VS_CALL_vmo_read, info);
    cr_assert(VS_OP_ARG(&op, vmo_read, buffer_size).number == 0 &&
              VS_OP_ARG(&op, vmo_read, buffer).length == 0);
  }
}

Test(calls, give_handles_to_the_slots_that_they_are_told) {
  for (unsigned code = 0; code < VS_OP_COUNT; code++) {
    vs_op op = vs_op_new((uint8_t)code, vs_arch_find(VS_ARCH_X64));
    size_t handles = count_of(&vs_ops[code], VS_PARAM_OUT_HANDLE);
    for (unsigned which = 0; which < 3; which++) {
      vs_op_give(&op, which, (uint8_t)(5 + which));
      const vs_arg* out = which < 2 ? vs_op_out(&op, which) : NULL;
      if (which < 2) {
        cr_assert((out != NULL) == (which < handles), "%s: handle %u", vs_ops[code].name, which);
      }
      cr_assert(out == NULL || out->slot == 5 + which, "%s: handle %u", vs_ops[code].name, which);
    }
  }
}
