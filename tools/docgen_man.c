// SPDX-License-Identifier: BSD-3-Clause
// The man pages: vcpuspec(1), and one of each command, from the tables that --help is made of.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "docgen.h"

// As roff prints it: a hyphen that may be copied, no request at a line's start.
static void print_roff(const char* text) {
  for (const char* c = text; *c != '\0'; c++) {
    bool starts = c == text || c[-1] == '\n';
    if (starts && (*c == '.' || *c == '\'')) fputs("\\&", stdout);
    if (*c == '-') {
      fputs("\\-", stdout);
    } else if (*c == '\\') {
      fputs("\\e", stdout);
    } else {
      putchar(*c);
    }
  }
}

// With a capital, and a full stop.
static void print_sentence(const char* text) {
  const char first[] = {(char)toupper((unsigned char)text[0]), '\0'};
  print_roff(first);
  print_roff(text + 1);
  printf(".\n");
}

static void print_head(const char* name, const char* title) {
  printf(
      ".\\\" SPDX-License-Identifier: BSD-3-Clause\n.\\\" Made by tools/docgen; do not edit.\n"
      ".TH ");
  for (const char* c = title; *c != '\0'; c++) {
    if (*c == '-') putchar('\\');
    putchar(toupper((unsigned char)*c));
  }
  printf(" 1 \"2026-11-29\" \"vcpuspec %s\"\n.SH NAME\n", VS_VERSION);
  print_roff(name);
}

static void print_synopsis(const vs_command* command) {
  printf(".B vcpuspec ");
  print_roff(command->name);
  printf("\n");
  print_roff(command->arguments);
  printf("\n");
}

static void print_options(vs_command_code code) {
  const char* title = ".SH OPTIONS\n";
  for (vs_option_code i = 0; i < VS_OPTION_COUNT; i++) {
    const char* help = vs_option_help(i, code);
    if (help == NULL) continue;
    printf("%s.TP\n.BI \\-\\-", title);
    title = "";
    print_roff(vs_options[i].name);
    printf(vs_options[i].argument[0] ? " \" %s\"\n" : "\n", vs_options[i].argument);
    print_sentence(help);
  }
}

// NULL: of all commands, each once.
static bool is_told(const vs_remark* remark, const vs_command_code* code) {
  return code == NULL || vs_is_of(remark->commands, *code);
}

static void print_kept(const char* title, const vs_command_code* code, bool files) {
  for (size_t i = 0; i < vs_remark_count; i++) {
    const vs_remark* r = &vs_remarks[i];
    if (r->name == NULL || !is_told(r, code)) continue;
    bool variable = r->name[strspn(r->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0';
    if (variable == files) continue;
    if (title != NULL) printf(".SH %s\n", title);
    title = NULL;
    printf(".TP\n.I ");
    print_roff(r->name);
    printf("\n");
    print_sentence(r->text);
  }
}

static void print_statuses(const vs_command_code* code) {
  printf(".SH EXIT STATUS\n");
  for (size_t i = 0; i < vs_remark_count; i++) {
    const vs_remark* r = &vs_remarks[i];
    if (r->name != NULL || !is_told(r, code)) continue;
    printf(".TP\n%d\n", r->status);
    print_sentence(r->text);
  }
}

static void print_examples(const char* examples) {
  printf(".EX\n");
  print_roff(examples);
  printf(".EE\n");
}

static void print_page_of(vs_command_code code) {
  printf(".BR vcpuspec\\-");
  print_roff(vs_commands[code].name);
  printf(" (1)");
}

// The program's page, and those of the commands that the examples name.
static void print_see_also(vs_command_code code) {
  printf(".SH SEE ALSO\n.BR vcpuspec (1)");
  for (vs_command_code i = 0; i < VS_COMMAND_COUNT; i++) {
    char call[64];
    snprintf(call, sizeof call, "vcpuspec %s ", vs_commands[i].name);
    if (i == code || strstr(vs_commands[code].examples, call) == NULL) continue;
    printf(",\n");
    print_page_of(i);
  }
  printf("\n.PP\nA page docs/NAME.md is in the folder doc/vcpuspec of what was installed.\n");
}

static void print_command(vs_command_code code) {
  const vs_command* command = &vs_commands[code];
  char name[64];
  snprintf(name, sizeof name, "vcpuspec-%s", command->name);
  print_head(name, name);
  printf(" \\- ");
  print_roff(command->summary);
  printf("\n.SH SYNOPSIS\n");
  print_synopsis(command);
  printf(".SH DESCRIPTION\n");
  print_sentence(command->summary);
  print_options(code);
  print_kept("FILES", &code, true);
  print_kept("ENVIRONMENT", &code, false);
  print_statuses(&code);
  printf(".SH EXAMPLES\n");
  print_examples(command->examples);
  print_see_also(code);
}

static void print_program(void) {
  print_head("vcpuspec", "vcpuspec");
  printf(" \\- judge implementations of Zircon's virtual\\-CPU system calls\n.SH SYNOPSIS\n");
  for (vs_command_code code = 0; code < VS_COMMAND_COUNT; code++) {
    if (code > 0) printf(".br\n");
    print_synopsis(&vs_commands[code]);
  }
  printf(
      ".br\n.B vcpuspec \\-\\-help\n.br\n.B vcpuspec \\-\\-version\n.SH DESCRIPTION\n"
      "Runs conformance cases on implementations of zx_vcpu_write_state and of the calls around\n"
      "it, each in a process of its own, and holds what they answer against an executable model\n"
      "of the calls' reference pages.\n.SH COMMANDS\n");
  for (vs_command_code code = 0; code < VS_COMMAND_COUNT; code++) {
    printf(".TP\n");
    print_page_of(code);
    printf("\n");
    print_sentence(vs_commands[code].summary);
  }
  print_kept("FILES", NULL, true);
  print_kept("ENVIRONMENT", NULL, false);
  const vs_command_code most = VS_COMMAND_run;  // its statuses are those that there are
  print_statuses(&most);
  printf(".PP\nThe page of a command says what they mean to it.\n.SH EXAMPLES\n");
  print_examples(
      "vcpuspec run --backend plugin:./mine.so\nvcpuspec explain write_state.errors.bad_handle\n"
      "vcpuspec fuzz --backend plugin:./mine.so --seconds 8h night\n");
  printf(".SH SEE ALSO\n");
  for (vs_command_code code = 0; code < VS_COMMAND_COUNT; code++) {
    print_page_of(code);
    printf(code + 1 < VS_COMMAND_COUNT ? ",\n" : "\n");
  }
}

bool vs_docgen_man(const char* command) {
  if (command == NULL) print_program();
  for (vs_command_code code = 0; command != NULL; code++) {
    if (code == VS_COMMAND_COUNT) return false;
    if (strcmp(command, vs_commands[code].name) != 0) continue;
    print_command(code);
    break;
  }
  return true;
}
