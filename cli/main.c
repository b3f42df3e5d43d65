// SPDX-License-Identifier: BSD-3-Clause
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "common.h"
#include "process/child.h"

static vs_exit dispatch(vs_command_code command, const vs_arguments* arguments) {
  switch (command) {
#define VS_COMMAND(symbol, name, words, summary, examples) \
  case VS_COMMAND_##symbol:                                \
    return vs_command_##symbol(arguments);
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

static vs_command_code find_command(const char* word) {
  vs_command_code command = 0;
  while (command < VS_COMMAND_COUNT && strcmp(word, vs_commands[command].name) != 0) command++;
  return command;
}

static vs_exit unknown_command(const char* word) {
  const char* names[VS_COMMAND_COUNT];
  for (size_t i = 0; i < VS_COMMAND_COUNT; i++) names[i] = vs_commands[i].name;
  vs_complain("command", word, names, VS_COMMAND_COUNT, "see vcpuspec --help");
  return VS_EXIT_USAGE;
}

// `help COMMAND`, or help of all.
static vs_exit help(const char* word) {
  if (word == NULL) {
    vs_print_help(stdout);
    return VS_EXIT_CONFORMS;
  }
  vs_command_code command = find_command(word);
  if (command == VS_COMMAND_COUNT) return unknown_command(word);
  vs_print_command_help(stdout, command);
  return VS_EXIT_CONFORMS;
}

static bool is_help(const char* word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static vs_exit do_what_is_asked(int argc, char** argv) {
  if (argc < 2) {
    vs_print_help(stderr);
    return VS_EXIT_USAGE;
  }
  vs_command_code command = find_command(argv[1]);
  if (command < VS_COMMAND_COUNT) return run_command(command, argc, argv);
  if (is_help(argv[1])) return help(argv[2]);
  if (strcmp(argv[1], "--version") != 0) return unknown_command(argv[1]);
  printf("vcpuspec %s\n", VS_VERSION);
  return VS_EXIT_CONFORMS;
}

static void say_limit(int sig) {
  static const char text[] = "vcpuspec: this machine's limit of CPU time (ulimit -t) is reached\n";
  (void)sig;
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(VS_EXIT_INFRASTRUCTURE);
  _exit(VS_EXIT_INFRASTRUCTURE);
}

// What is too large fails where it is written. Of CPU time, where the kernel would kill at once, a
// second is kept to say so.
static void mind_limits(void) {
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGXCPU, say_limit);
  if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur != limit.rlim_max) return;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max < 2) return;
  limit.rlim_cur--;
  setrlimit(RLIMIT_CPU, &limit);
}

// Most is on the stack: on less than this, an end of our own would look like the implementation's.
static bool has_stack(void) {
  enum { LEAST = 256 };  // KiB
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= LEAST * 1024) return true;
  fprintf(stderr,
          "vcpuspec: the stack is limited to %llu KiB (ulimit -s): at least %d are needed\n",
          (unsigned long long)limit.rlim_cur / 1024, LEAST);
  return false;
}

static const char* no_room(void) {
  struct rlimit limit;
  bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? "the size of files is limited (ulimit -f)" : "is the disk full?";
}

int main(int argc, char** argv) {
  mind_limits();
  if (!has_stack()) return VS_EXIT_INFRASTRUCTURE;
  vs_mind_stop();
  vs_exit status = do_what_is_asked(argc, argv);
  vs_children_end();
  // A report that nobody can read is none.
  if (fflush(stdout) == 0 && !ferror(stdout)) return (int)status;
  fprintf(stderr, "vcpuspec: what was printed could not be written: %s\n", no_room());
  return VS_EXIT_INFRASTRUCTURE;
}
