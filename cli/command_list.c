// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cli.h"
#include "runner/run.h"
#include "words/describe.h"

static void list_clauses(void) {
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    printf("%-40s %-16s %s\n", vs_clauses[i].id, vs_clauses[i].section, vs_clauses[i].sentence);
  }
}

// "handle kind=0 buffer(in) buffer_size": how scripts say the parameters.
static void list_parameters(uint8_t code) {
  static const char* const types[] = {[VS_PARAM_OUT_HANDLE] = "new handle",
                                      [VS_PARAM_IN] = "in",
                                      [VS_PARAM_OUT] = "out",
                                      [VS_PARAM_IN_PACKET] = "in packet",
                                      [VS_PARAM_OUT_PACKET] = "out packet",
                                      [VS_PARAM_OUT_U64] = "out"};
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[code].params[i];
    if (param->type == VS_PARAM_NONE) continue;
    printf(" %s%s", param->name, vs_param_is_positional(code, i) ? "" : "=");
    if (vs_param_is_pointer(param->type)) printf("(%s)", types[param->type]);
  }
  putchar('\n');
}

static void list_calls(void) {
  static const char* const phases[] = {"setup", "judged", "recorded", "local"};
  for (uint8_t code = 0; code != VS_CALL_COUNT; code++) {
    const vs_op_info* info = &vs_ops[code];
    printf("%-14s %-22s %-9s %s\n%-14s", info->name, info->symbol, phases[info->phase], info->text,
           "");
    list_parameters(code);
  }
}

static void list_checks(void) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    char status[64];
    vs_text text = vs_text_in(status, sizeof status);
    vs_say_status(&text, vs_checks[i].status);
    static const char* const makers[] = {"", "latitude", "kernels", "kernels"};
    printf("%-14s %-9s %-22s %-56s when %s\n", vs_checks[i].name, makers[vs_checks[i].sort],
           vs_checks[i].sort == VS_SORT_UNDEFINED ? "anything" : status, vs_checks[i].reason,
           vs_checks[i].when);
  }
}

static void list_profiles(void) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    const vs_profile* profile = &vs_profiles[i];
    printf("%-14s %s\n", profile->id, profile->summary);
    if (!profile->ordered) continue;
    uint8_t call = VS_OP_COUNT;
    for (size_t k = 0; profile->order[k] != VS_CHECK_NONE; k++) {
      const vs_check* check = &vs_checks[profile->order[k]];
      if (check->call != call)
        printf("%s%-14s order of %s:", k == 0 ? "" : "\n", "", vs_ops[check->call].name);
      call = check->call;
      printf(" %s", check->name);
    }
    putchar('\n');
  }
}

static void list_quirks(void) {
  for (size_t i = 0; i < VS_QUIRK_COUNT; i++) {
    printf("%-18s %s\n", vs_quirks[i].id, vs_quirks[i].what);
  }
}

static void list_defects(void) {
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    const vs_defect* defect = &vs_defects[i];
    printf("%-22s %-14s %s\n%-37s %s\n", defect->id, defect->profiles, defect->what, "",
           defect->source);
  }
}

static void list_latitudes(void) {
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) {
    printf("%-28s %s\n%-28s %s\n", vs_latitudes[i].id, vs_latitudes[i].what, "",
           vs_latitudes[i].why);
  }
}

static void list_backends(void) {
  for (size_t i = 0; i < vs_builtin_count; i++) {
    vs_target target;
    if (!vs_target_parse(vs_builtins[i]->name, &target)) continue;
    vs_target_probe(&target, 10);
    printf("%-20s %-7s %s\n", vs_builtins[i]->name, vs_arch_find(vs_builtins[i]->arch)->name,
           vs_builtins[i]->summary);
    if (target.state != VS_TARGET_READY) printf("%-28s not here: %s\n", "", target.reason.text);
  }
  printf("%-20s %-7s %s\n", "plugin:PATH.so", "any",
         "a shared object that exports the zx_ symbols");
  printf("%-20s %-7s %s\n", "shim:COMMAND", "any", "another process (docs/shim.md)");
  printf("%-20s %-7s %s\n", "recorded:FILE", "any", "traces that exec printed, somewhere");
  printf("%-20s %-7s %s\n", "mutant:ID", "x86-64", "a deliberately wrong one (list mutants)");
}

static void list_mutant(const vs_mutant* mutant) {
  bool permitted = mutant->breaks == NULL;
  printf("%-28s %-8s %s %s\n%-28s %-8s %s\n", mutant->id, mutant->base,
         permitted ? "permitted by" : "breaks",
         permitted ? (mutant->latitude[0] ? mutant->latitude : "the page itself") : mutant->breaks,
         "", "", mutant->mistake);
}

static void list_mutants(void) {
  const vs_mutant* row = NULL;
  for (size_t i = 0; i < vs_mutant_count; i++) list_mutant(&vs_mutants[i]);
  for (size_t i = 0; (row = vs_mutant_of_families(i)) != NULL; i++) list_mutant(row);
}

static void list_cases(void) {
  for (size_t i = 0; i < vs_case_count; i++) {
    printf("%-34s %s\n", vs_cases[i].id, vs_cases[i].title);
  }
}

static const struct {
  const char* name;
  void (*list)(void);
} tables[] = {
    {"clauses", list_clauses},     {"calls", list_calls},       {"checks", list_checks},
    {"profiles", list_profiles},   {"quirks", list_quirks},     {"defects", list_defects},
    {"latitudes", list_latitudes}, {"backends", list_backends}, {"mutants", list_mutants},
    {"cases", list_cases},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

vs_exit vs_command_list(const vs_arguments* arguments) {
  const char* names[TABLES];
  if (arguments->word_count != 1) {
    vs_print_command_help(stderr, VS_COMMAND_list);
    return VS_EXIT_USAGE;
  }
  for (size_t i = 0; i < TABLES; i++) {
    names[i] = tables[i].name;
    if (strcmp(arguments->words[0], names[i]) != 0) continue;
    tables[i].list();
    return VS_EXIT_CONFORMS;
  }
  vs_complain("table", arguments->words[0], names, TABLES, "see vcpuspec list --help");
  return VS_EXIT_USAGE;
}
