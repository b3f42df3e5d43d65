// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <unistd.h>

#include "cases/cases.h"
#include "common.h"
#include "explain_call.h"
#include "explain_trace.h"
#include "mutants/mutants.h"
#include "results/pages.h"
#include "text/calls.h"
#include "text/names.h"
#include "text/profile.h"
#include "words/describe.h"

enum { SHOWN = 40, LINE = 1024 };

static void print_checks(vs_clause_code clause) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    if (check->rule != clause && check->error != clause) continue;
    char status[64];
    vs_text text = vs_text_in(status, sizeof status);
    vs_say_status(&text, check->status);
    static const char* const makers[] = {"", "", " (kernels' profiles only)",
                                         " (kernels' profiles only, and then anything may happen)"};
    printf("  check      %s: %s when %s%s\n", check->name, status, check->reason,
           makers[check->sort]);
  }
}

static void explain_clause(vs_clause_code code) {
  const vs_clause* clause = &vs_clauses[code];
  printf("clause %s (%s)\n  %s\n", clause->id, clause->section, clause->sentence);
  print_checks(code);
  for (size_t i = 0; i < vs_case_count; i++) {
    if (!vs_has_clause(vs_case_clauses(&vs_cases[i]), code)) continue;
    printf("  %s  %-32s %s\n", vs_cases[i].clauses[0] == code ? "subject of" : "judged by ",
           vs_cases[i].id, vs_cases[i].title);
  }
  printf("judge it alone: vcpuspec run --filter %s\n", clause->id);
}

static vs_exit explain_case(const vs_case* c) {
  vs_script script;
  if (!vs_case_script(c, VS_ARCH_X64, 0, &script)) return VS_EXIT_INFRASTRUCTURE;
  printf("case %s: %s\n", c->id, c->title);
  for (size_t i = 0; i < c->clause_count; i++) {
    const vs_clause* clause = &vs_clauses[c->clauses[i]];
    printf("  %s  %s\n              %s\n", i == 0 ? "subject   " : "clause    ", clause->id,
           clause->sentence);
  }
  for (size_t i = 0; i < script.count && i < SHOWN; i++) {
    char line[LINE];
    vs_text text = vs_text_in(line, sizeof line);
    vs_say_op(&text, &script.ops[i]);
    printf("  %4zu  %s%s\n", i, line, script.ops[i].optional ? "  (where the backend can)" : "");
  }
  if (script.count > SHOWN) printf("        ... %zu ops in all\n", script.count);
  printf("run it alone: vcpuspec run %s%s\n", vs_case_find(c->id) ? "--filter " : "", c->id);
  vs_case_script_free(&script);
  return VS_EXIT_CONFORMS;
}

static const vs_latitude* find_latitude(const char* id) {
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) {
    if (strcmp(vs_latitudes[i].id, id) == 0) return &vs_latitudes[i];
  }
  return NULL;
}

static bool explain_mutant(const char* id) {
  const vs_mutant* mutant = vs_mutant_find(strncmp(id, "mutant:", 7) == 0 ? id + 7 : id);
  if (mutant == NULL) return false;
  bool wrong = mutant->breaks != NULL;
  printf("%s mutant:%s, laid over %s\n  it %s\n", wrong ? "mutant" : "permitted variant",
         mutant->id, mutant->base, mutant->mistake);
  if (wrong) printf("  breaks     %s\n", mutant->breaks);
  if (!wrong && mutant->latitude[0]) printf("  permitted by %s\n", mutant->latitude);
  printf("see it judged: vcpuspec run --backend mutant:%s\n", mutant->id);
  return true;
}

// What a call may answer by it, and which clauses say so.
static bool explain_status(const char* word) {
  zx_status_t status;
  if (!vs_status_find(word, &status)) return false;
  printf("%s (%d)\n", word, status);
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    if (check->status != status || check->sort != VS_SORT_PAGE) continue;
    printf("  %-22s %s\n", vs_ops[check->call].symbol, check->reason);
  }
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    if (vs_clauses[i].status == status) printf("  clause                 %s\n", vs_clauses[i].id);
  }
  printf(
      "one of them with its cases: vcpuspec explain CLAUSE; each documented error: "
      "docs/error-paths.md\n");
  return true;
}

static void complain_of_call(const char* word) {
  const char* last = "";
  fprintf(stderr, "vcpuspec: there are no clauses of '%s'; there are some of:", word);
  for (size_t i = 0; i < VS_PART_COUNT; i++) {
    if (strcmp(vs_parts[i].page, last) != 0) fprintf(stderr, " %s", vs_parts[i].page);
    last = vs_parts[i].page;
  }
  fputc('\n', stderr);
}

static void unknown(const char* word) {
  enum { NAMES = 2048 };
  const char* names[NAMES];
  size_t count = 0;
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) names[count++] = vs_clauses[i].id;
  for (size_t i = 0; i < VS_PART_COUNT; i++) names[count++] = vs_parts[i].page;
  for (size_t i = 0; i < VS_CALL_COUNT; i++) names[count++] = vs_ops[i].symbol;
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) names[count++] = vs_latitudes[i].id;
  for (size_t i = 0; i < vs_profile_count; i++) names[count++] = vs_profiles[i].id;
  for (size_t i = 0; i < vs_case_count && count < NAMES; i++) names[count++] = vs_cases[i].id;
  for (size_t i = 0; i < vs_mutant_count && count < NAMES; i++) names[count++] = vs_mutants[i].id;
  vs_complain("call, clause, case, status, latitude, profile or mutant", word, names, count,
              "see vcpuspec list calls, vcpuspec list clauses, vcpuspec list cases");
}

// A script is shown like a case; a trace, step by step.
static vs_exit explain_file(const char* word, const vs_arguments* arguments) {
  vs_inputs inputs;
  const vs_profile* profile =
      vs_find_profile(vs_argument(arguments, VS_OPTION_PROFILE, "documented"));
  if (profile == NULL || !vs_inputs_read(&inputs, &word, 1)) return VS_EXIT_USAGE;
  vs_exit status = VS_EXIT_CONFORMS;
  for (size_t i = 0; i < inputs.count && status == VS_EXIT_CONFORMS; i++) {
    const vs_input* input = &inputs.items[i];
    if (!input->document.is_trace) {
      status = explain_case(&input->c);
    } else if (!vs_explain_trace(input, profile)) {
      status = VS_EXIT_INFRASTRUCTURE;
    }
  }
  vs_inputs_free(&inputs);
  return status;
}

static bool is_file(const char* word) {
  return strcmp(word, "-") == 0 || access(word, F_OK) == 0;
}

vs_exit vs_command_explain(const vs_arguments* arguments) {
  if (arguments->word_count != 1) {
    vs_print_command_help(stderr, VS_COMMAND_explain);
    return VS_EXIT_USAGE;
  }
  const char* word = arguments->words[0];
  vs_clause_code clause = vs_clause_find(word);
  const vs_case* c = vs_case_find(word);
  const vs_latitude* latitude = find_latitude(word);
  const char* dot = strrchr(word, '.');
  bool own = dot != NULL && strcmp(dot, ".profile") == 0 && is_file(word);
  const vs_profile* profile = own ? vs_find_profile(word) : vs_profile_find(word);
  if (own && profile == NULL) return VS_EXIT_USAGE;
  if (clause < VS_CLAUSE_COUNT) {
    explain_clause(clause);
    return VS_EXIT_CONFORMS;
  }
  if (c != NULL) return explain_case(c);
  if (latitude != NULL) {
    printf("latitude %s\n  %s\n  %s\n", latitude->id, latitude->what, latitude->why);
    return VS_EXIT_CONFORMS;
  }
  if (profile != NULL) {
    vs_profile_print(stdout, profile);
    return VS_EXIT_CONFORMS;
  }
  if (explain_mutant(word) || vs_explain_call(word) || explain_status(word))
    return VS_EXIT_CONFORMS;
  if (is_file(word)) return explain_file(word, arguments);
  vs_call_find(word) != VS_NO_CALL ? complain_of_call(word) : unknown(word);
  return VS_EXIT_USAGE;
}
