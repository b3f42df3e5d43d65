// SPDX-License-Identifier: BSD-3-Clause
// The command line: what was asked for, and the commands that do it.
#ifndef VS_CLI_CLI_H_
#define VS_CLI_CLI_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "results/exit.h"
#include "text/fault.h"

// VS_VERSION, such as "0.2.0", is that of CMakeLists.txt: the build defines it.

typedef enum vs_command_code {
#define VS_COMMAND(symbol, name, arguments, summary, examples) VS_COMMAND_##symbol,
#include "commands.def"
#undef VS_COMMAND
  VS_COMMAND_COUNT
} vs_command_code;

typedef enum vs_option_code {
#define VS_OPTION(code, name, argument) VS_OPTION_##code,
#define VS_HELP(code, commands, help)
#include "options.def"
#undef VS_OPTION
#undef VS_HELP
  VS_OPTION_COUNT
} vs_option_code;

typedef struct vs_command {
  const char* name;
  const char* arguments;
  const char* summary;
  const char* examples;
} vs_command;

typedef struct vs_option {
  const char* name;
  const char* argument;  // empty: a switch
} vs_option;

// What is so of a command, or of several: one in the order in which help tells them.
typedef struct vs_remark {
  const char* commands;  // each between blanks
  const char* name;      // of a file, or a variable of the environment; NULL: of an exit status
  int status;
  const char* text;
} vs_remark;

extern const vs_command vs_commands[VS_COMMAND_COUNT];
extern const vs_option vs_options[VS_OPTION_COUNT];
extern const vs_remark vs_remarks[];
extern const size_t vs_remark_count;

enum { VS_REPEATS_MAX = 32 };  // of one option

// What the command line of one command says. Strings are borrowed from argv.
typedef struct vs_arguments {
  const char* program;      // as it was called
  vs_command_code command;  // that they are of
  const char* values[VS_OPTION_COUNT][VS_REPEATS_MAX];
  size_t counts[VS_OPTION_COUNT];
  const char* const* words;  // what is no option
  size_t word_count;
  bool help;
} vs_arguments;

// Understands argv (the words after the command). False: one line on standard error says why.
bool vs_arguments_parse(vs_command_code command, int count, char** words, vs_arguments* arguments);

// What the option means to the command; NULL: the command does not take it.
const char* vs_option_help(vs_option_code option, vs_command_code command);

// True if the command is one of those words between blanks.
bool vs_is_of(const char* commands, vs_command_code command);

// True if the command takes the option.
bool vs_option_is_of(vs_option_code option, vs_command_code command);

// The last value of an option, or `otherwise`.
const char* vs_argument(const vs_arguments* arguments, vs_option_code option,
                        const char* otherwise);

// Numbers from options. False: not a number, or outside; one line on standard error says so.
bool vs_argument_seconds(const vs_arguments* arguments, vs_option_code option, double otherwise,
                         double* value);
// The same up to `most`, also with a unit: 90s, 30m, 8h, 2d.
bool vs_argument_duration(const vs_arguments* arguments, vs_option_code option, double otherwise,
                          double most, double* value);
bool vs_argument_number(const vs_arguments* arguments, vs_option_code option, uint64_t otherwise,
                        uint64_t least, uint64_t most, uint64_t* value);

// 0 to 100, also with a fraction.
bool vs_argument_percent(const vs_arguments* arguments, vs_option_code option, double* value);

// --shard I/N, 1/1 unless given.
bool vs_argument_shard(const vs_arguments* arguments, uint64_t* shard, uint64_t* shards);

void vs_print_help(FILE* out);
void vs_print_command_help(FILE* out, vs_command_code command);

// Complains about an unknown word, with the nearest of `names` if one is near.
void vs_complain(const char* what, const char* word, const char* const* names, size_t count,
                 const char* remedy);

// "FILE:LINE:COLUMN: what was expected", on standard error. Always false.
bool vs_complain_of_text(const char* path, const vs_fault* fault);

#define VS_COMMAND(symbol, name, words, summary, examples) \
  vs_exit vs_command_##symbol(const vs_arguments* arguments);
#include "commands.def"
#undef VS_COMMAND

// Of commands that report as JSON alone. False: it has said what is wrong with a --report.
bool vs_reports_are_json(const vs_arguments* arguments);

#endif  // VS_CLI_CLI_H_
