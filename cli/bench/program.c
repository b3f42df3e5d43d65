// SPDX-License-Identifier: BSD-3-Clause
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/child.h"

extern char** environ;

static bool start(char* const argv[], int out, pid_t* pid) {
  posix_spawn_file_actions_t files;
  const char* path = strchr(argv[0], '/') != NULL ? argv[0] : "/proc/self/exe";
  if (posix_spawn_file_actions_init(&files) != 0) return false;
  const bool good =
      posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO) == 0 &&
      posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
      posix_spawn(pid, path, &files, NULL, argv, environ) == 0;
  posix_spawn_file_actions_destroy(&files);
  return good;
}

// Reads all that it prints, and notes when it told of a failure; until waits are to end.
static void listen(int in, double began, vs_program_cost* cost) {
  char part[1024];
  bool begins = true;  // a line
  FILE* out = fdopen(in, "r");
  if (out == NULL) {
    close(in);
    return;
  }
  while (!vs_waits_stopped() && fgets(part, sizeof part, out) != NULL) {
    const bool told = begins && strncmp(part, "FAIL", 4) == 0;
    if (told && cost->failure < 0) cost->failure = vs_now() - began;
    begins = strchr(part, '\n') != NULL;
  }
  fclose(out);
}

bool vs_program_run(char* const argv[], vs_program_cost* cost) {
  int pipes[2];
  int status = 0;
  pid_t pid;
  struct rusage usage;
  *cost = (vs_program_cost){.status = -1, .failure = -1};
  if (pipe2(pipes, O_CLOEXEC) != 0) return false;
  const double began = vs_now();
  const bool started = start(argv, pipes[1], &pid);
  close(pipes[1]);
  if (!started) {
    close(pipes[0]);
    return false;
  }
  listen(pipes[0], began, cost);
  if (vs_waits_stopped()) kill(pid, SIGTERM);
  while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  cost->seconds = vs_now() - began;
  if (WIFEXITED(status)) cost->status = WEXITSTATUS(status);
  cost->kib = usage.ru_maxrss;
  return true;
}
