// SPDX-License-Identifier: BSD-3-Clause
// Prints the documents that are made from the tables, and what they count: docgen clauses |
// error-paths | findings | historic | reference | man [COMMAND] | bash | zsh | counts.
#include <ctype.h>
#include <string.h>

#include "cases/cases.h"
#include "cli.h"
#include "docgen.h"
#include "mutants/mutants.h"
#include "reports/render.h"
#include "selftest/historic.h"

// --- the clause reference ---------------------------------------------------------------------

static const struct {
  const char* section;
  const char* title;
} sections[] = {
    {"page.description", "What the page's description asks"},
    {"page.rights", "What the page's section on rights asks"},
    {"page.return", "What the page says of the return value"},
    {"page.errors", "The page's errors"},
    {"derived", "What follows from the page"},
    {"abi", "What the ABI says of handles"},
    {"family", "What judging rests on: the calls around it"},
};

static void print_cases(vs_clause_code clause, bool subject) {
  const char* separator = subject ? "- Subject of: " : "- Also judged by: ";
  for (size_t i = 0; i < vs_case_count; i++) {
    bool is_subject = vs_cases[i].clauses[0] == clause;
    if (is_subject != subject || !vs_has_clause(vs_case_clauses(&vs_cases[i]), clause)) continue;
    printf("%s`%s`", separator, vs_cases[i].id);
    separator = ", ";
  }
  if (separator[0] == ',') putchar('\n');
}

static void print_mutants(vs_clause_code clause) {
  printf("- Mutants that it must catch: ");
  vs_docgen_mutants_of(clause);
  putchar('\n');
}

static void print_checks(vs_clause_code clause) {
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    if (check->rule != clause && check->error != clause) continue;
    static const char* const makers[] = {"", "", " (kernels' profiles only)",
                                         " (kernels' profiles only, and then anything may happen)"};
    printf("- Check `%s`: ", check->name);
    vs_docgen_status(check->status);
    printf(" when %s%s\n", check->reason, makers[check->sort]);
  }
}

static void print_clause(vs_clause_code code) {
  printf("\n### %s\n\n%s\n\n", vs_clauses[code].id, vs_clauses[code].sentence);
  print_checks(code);
  print_cases(code, true);
  print_cases(code, false);
  print_mutants(code);
}

static void print_latitudes(void) {
  printf(
      "\n## Latitudes\n\nWhere the page leaves a choice, the `documented` profile permits it by "
      "one of these names, and nothing else.\n");
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) {
    printf("\n### %s\n\n%s %s\n", vs_latitudes[i].id, vs_latitudes[i].what, vs_latitudes[i].why);
  }
}

static void print_judged(void) {
  printf(
      "\n## What else an answer breaks\n\nWhere no check says it: the clause that is broken by a "
      "call that is refused although no error applies; by another status than those of the several "
      "errors that apply; by what a refused call leaves behind; by what is written beside an "
      "out-parameter.\n\n"
      "| call | refused | several | left behind | beside |\n|---|---|---|---|---|\n");
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    const vs_judged* row = &vs_judged_calls[call];
    if (!row->known) continue;
    printf("| `%s` | `%s` | `%s` | `%s` | `%s` |\n", vs_ops[call].symbol,
           vs_clauses[row->accepted].id, vs_clauses[row->several].id, vs_clauses[row->refused].id,
           vs_clauses[row->beside].id);
  }
}

static void print_defects(void) {
  printf(
      "\n## Defects of published kernels\n\nWhat a kernel's profile does and `documented` does not "
      "allow. Tests over the combinations of a call's facts find these, and no other. What kernels "
      "do with handles and rights beside the pages is a quirk: `vcpuspec list quirks`.\n\n"
      "| defect | profile | what | source |\n|---|---|---|---|\n");
  for (size_t i = 0; i < VS_DEFECT_COUNT; i++) {
    const vs_defect* defect = &vs_defects[i];
    printf("| `%s` | `%s` | %s | %s |\n", defect->id, defect->profiles, defect->what,
           defect->source);
  }
}

static void print_clauses(void) {
  printf(
      "# Clause reference\n\nMade from `model/clauses.def` and the tables around it by "
      "`tools/make-docs`; do not edit.\n\nA clause is a sentence that can be true or false of "
      "an implementation. Judge one alone with `vcpuspec run --filter CLAUSE`.\n");
  for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++) {
    printf("\n## %s\n", sections[s].title);
    for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
      if (strcmp(vs_clauses[code].section, sections[s].section) == 0) print_clause(code);
    }
  }
  print_judged();
  print_latitudes();
  print_defects();
}

// --- what went wrong before -------------------------------------------------------------------

static const struct {
  const char* who;
  const char* what;
  const char* why;
} beyond[] = {
#define VS_BEYOND(who, what, why) {who, what, why},
#include "selftest/beyond.def"
#undef VS_BEYOND
};

static void print_historic_row(const vs_historic* row) {
  printf("\n### %s\n\n%s: %s\n\n", row->id, row->who, row->what);
  printf("- Source: %s\n- Played by: `%s`\n", row->source, row->backend);
  if (row->profile[0] != '\0') {
    printf("- Caught by: `%s` under `%s`\n", row->shown, row->profile);
  } else {
    printf("- Permitted by name, so that nothing objects; see `%s`\n", row->shown);
  }
  if (row->passes[0] != '\0') {
    printf("- Passes under: `%s`\n", row->passes);
  } else {
    printf("- Passes under: no profile\n");
  }
}

static void print_historic(void) {
  printf(
      "<!-- Made by tools/make-docs from cli/selftest/historic.def and beyond.def; do not "
      "edit. -->\n"
      "# What published implementations did\n\n"
      "Each row is played by a backend of ours; `vcpuspec selftest` fails if the case does not "
      "catch "
      "it any\nmore, or if any case fails under the profile under which the backend passes. There "
      "the "
      "case that\ncatches it may be `unsupported`: what it is about is not so in that profile. By "
      "hand:\n\n"
      "    vcpuspec run --backend soft:2018 --profile zircon-x64\n"
      "    vcpuspec run --backend soft:2018 --profile zircon-2018\n");
  for (size_t i = 0; i < vs_historic_count; i++) print_historic_row(&vs_historics[i]);
  printf("\n## Out of reach\n\n| who | what | why no case shows it |\n|---|---|---|\n");
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    printf("| %s | %s | %s |\n", beyond[i].who, beyond[i].what, beyond[i].why);
  }
}

// --- what the shells complete ------------------------------------------------------------------

// What an option's argument, or a command's word, is completed with: a kind that completions/tail.*
// know, or words, each after '='.
static const struct {
  const char* argument;
  const char* kinds;
} completed[] = {
    // Of options.
    {"B", "backend"},
    {"P", "profiles"},
    {"GLOB", "glob"},
    {"FORM:FILE", "report"},
    {"FILE", "file"},
    {"IMAGE", "file"},
    {"A", "=x86-64 =arm64"},
    {"F", "=json =c"},
    {"T", "=script =call"},
    {"CALL", "calls"},
    {"D", "=1 =2 =3 =4 =5 =full"},
    {"N", "number"},
    {"NAME", "number"},
    {"WORDS", "number"},
    {"MACHINE", "number"},
    {"L", "=x64 =arm64"},
    {"I/N", "number"},
    {"S", "number"},
    {"SECONDS", "number"},
    // Of commands.
    {"OPTION", ""},
    {"BACKEND", "backend"},
    {"SCRIPT", "file"},
    {"TRACE", "file"},
    {"RESULTS", "file"},
    {"STATEMENT", "file"},
    {"CAMPAIGN", "dir"},
    {"PERCENT", "number"},
    {"DIR", "dir"},
    {"CASE", "cases"},
    {"CLAUSE", "clauses"},
    {"STATUS",
     "=ZX_ERR_BAD_HANDLE =ZX_ERR_WRONG_TYPE =ZX_ERR_ACCESS_DENIED =ZX_ERR_INVALID_ARGS "
     "=ZX_ERR_BAD_STATE =ZX_ERR_OUT_OF_RANGE =ZX_ERR_ALREADY_EXISTS =ZX_ERR_CANCELED"},
    {"LATITUDE", "latitudes"},
    {"PROFILE", "profiles"},
    {"MUTANT", "mutants"},
    {"COMMAND", "file"},
    {"PATH", "file"},
};

// NULL: the table above lacks it.
static const char* completes(const char* argument, size_t length) {
  for (size_t i = 0; i < sizeof completed / sizeof completed[0]; i++) {
    bool same = strlen(completed[i].argument) == length &&
                memcmp(completed[i].argument, argument, length) == 0;
    if (same) return completed[i].kinds;
  }
  fprintf(stderr, "docgen: nothing says how '%.*s' is completed\n", (int)length, argument);
  return NULL;
}

static bool print_option_kinds(void) {
  printf("\n_vcpuspec_argument() {\n  case $1 in\n");
  for (size_t i = 0; i < VS_OPTION_COUNT; i++) {
    const char* argument = vs_options[i].argument;
    if (argument[0] == '\0') continue;
    const char* kinds = completes(argument, strlen(argument));
    if (kinds == NULL) return false;
    printf("    --%s) echo '%s' ;;\n", vs_options[i].name, kinds);
  }
  printf("  esac\n}\n");
  return true;
}

// "[OPTION]... SCRIPT|CASE...": kinds of what is in capitals, and the words that are not.
static bool print_word_kinds(const char* arguments) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  while (*arguments != '\0') {
    size_t length = strspn(arguments, letters);
    bool option = arguments[0] == '-';
    bool lower = islower((unsigned char)arguments[0]) != 0;
    if (lower && arguments[length] == ':') length++;  // "unix:PATH"
    if (length > 0) {
      const char* kinds = lower ? "=" : completes(arguments, length);
      if (kinds == NULL) return false;
      if (kinds[0] != '\0' && kinds[1] == '\0') printf(" =%.*s", (int)length, arguments);
      if (kinds[0] != '\0' && kinds[1] != '\0') printf(" %s", kinds);
    }
    // An option that is shown there is one of the options anyway, with what follows it.
    if (option) length = strcspn(arguments, " ") + 1 + strcspn(strchr(arguments, ' ') + 1, " ");
    arguments += length > 0 ? length : 1;
  }
  return true;
}

static void print_options_of(vs_command_code command) {
  const char* separator = "";
  for (size_t i = 0; i < VS_OPTION_COUNT; i++) {
    if (!vs_option_is_of((vs_option_code)i, command)) continue;
    printf("%s=--%s", separator, vs_options[i].name);
    separator = " ";
  }
}

static bool print_completion(const char* first) {
  printf("%s# SPDX-License-Identifier: BSD-3-Clause\n# Made by tools/make-docs; do not edit.\n\n",
         first);
  printf(
      "_vcpuspec_list() {\n  \"$1\" list \"$2\" 2> /dev/null | sed -n 's/^\\([^ ][^ ]*\\) "
      ".*/\\1/p'\n}\n");
  printf("\n_vcpuspec_commands() {\n  printf '%%s\\n'");
  for (size_t i = 0; i < VS_COMMAND_COUNT; i++) printf(" %s", vs_commands[i].name);
  printf("\n}\n\n_vcpuspec_forms() {\n  printf '%%s\\n'");
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) printf(" %s:", vs_formats[i].name);
  printf("\n}\n\n_vcpuspec_options() {\n  case $1 in\n");
  for (vs_command_code i = 0; i < VS_COMMAND_COUNT; i++) {
    printf("    %s) echo '", vs_commands[i].name);
    print_options_of(i);
    printf("' ;;\n");
  }
  printf("  esac\n}\n\n_vcpuspec_words() {\n  case $1 in\n");
  for (vs_command_code i = 0; i < VS_COMMAND_COUNT; i++) {
    printf("    %s) echo '", vs_commands[i].name);
    if (!print_word_kinds(vs_commands[i].arguments)) return false;
    printf("' ;;\n");
  }
  printf("  esac\n}\n");
  return print_option_kinds();
}

static void print_counts(void) {
  size_t mutants = vs_mutant_count;
  for (size_t i = 0; vs_mutant_of_families(i) != NULL; i++) mutants++;
  printf("%zu cases\n%d clauses\n%zu mutants and permitted variants\n", vs_case_count,
         VS_CLAUSE_COUNT, mutants);
}

int main(int argc, char** argv) {
  const char* what = argc >= 2 && argc <= 3 ? argv[1] : "";
  if (argc == 3) return strcmp(what, "man") != 0 || !vs_docgen_man(argv[2]);
  if (strcmp(what, "clauses") == 0) {
    print_clauses();
  } else if (strcmp(what, "error-paths") == 0) {
    vs_docgen_error_paths();
  } else if (strcmp(what, "historic") == 0) {
    print_historic();
  } else if (strcmp(what, "findings") == 0) {
    vs_docgen_findings();
  } else if (strcmp(what, "reference") == 0) {
    return !vs_docgen_reference();
  } else if (strcmp(what, "man") == 0) {
    vs_docgen_man(NULL);
  } else if (strcmp(what, "bash") == 0) {
    return !print_completion("");
  } else if (strcmp(what, "zsh") == 0) {
    return !print_completion("#compdef vcpuspec\n");
  } else if (strcmp(what, "counts") == 0) {
    print_counts();
  } else {
    fprintf(stderr,
            "usage: docgen clauses|error-paths|findings|historic|reference|man "
            "[COMMAND]|bash|zsh|counts\n");
    return 2;
  }
  return 0;
}
