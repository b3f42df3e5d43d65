// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cli.h"

static vs_exit dispatch(vs_command_code command, const vs_arguments* arguments) {
  switch (command) {
#define VS_COMMAND(name, words, summary, examples) \
  case VS_COMMAND_##name:                          \
    return vs_command_##name(arguments);
#include "commands.def"
#undef VS_COMMAND
    default:
      return VS_EXIT_USAGE;
  }
}

// argv[1] is the command's name.
static vs_exit run_command(vs_command_code command, int argc, char** argv) {
  vs_arguments arguments;
  if (!vs_arguments_parse(command, argc - 2, argv + 2, &arguments)) return VS_EXIT_USAGE;
  arguments.program = argv[0];
  if (!arguments.help) return dispatch(command, &arguments);
  vs_print_command_help(stdout, command);
  return VS_EXIT_CONFORMS;
}

static bool is_help(const char* word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char** argv) {
  const char* names[VS_COMMAND_COUNT];
  if (argc < 2) {
    vs_print_help(stderr);
    return VS_EXIT_USAGE;
  }
  for (vs_command_code command = 0; command < VS_COMMAND_COUNT; command++) {
    names[command] = vs_commands[command].name;
    if (strcmp(argv[1], names[command]) == 0) {
      return (int)run_command(command, argc, argv);
    }
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("vcpuspec %s\n", VS_VERSION);
    return VS_EXIT_CONFORMS;
  }
  if (is_help(argv[1])) {
    vs_print_help(stdout);
    return VS_EXIT_CONFORMS;
  }
  vs_complain("command", argv[1], names, VS_COMMAND_COUNT, "see vcpuspec --help");
  return VS_EXIT_USAGE;
}
