// SPDX-License-Identifier: BSD-3-Clause
#include "results_shell.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MOST = 1 << 22, LINE = 8192 };

char directory[] = "/tmp/vcpuspec-results-XXXXXX";
static char text[MOST];

void make_directory(void) {
  cr_assert(mkdtemp(directory) != NULL);
}

void remove_directory(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  cr_expect_eq(system(command), 0);
}

static int run(const char* prefix, const char* line) {
  char command[LINE];
  size_t length = (size_t)snprintf(command, sizeof command, "( %s ", prefix);
  for (const char* c = line; *c != '\0'; c++) {
    const char* part = *c == '%' ? directory : (char[]){*c, '\0'};
    length += (size_t)snprintf(command + length, sizeof command - length, "%s", part);
  }
  snprintf(command + length, sizeof command - length, " ) 2>&1");
  FILE* out = popen(command, "r");
  cr_assert(out != NULL);
  length = fread(text, 1, sizeof text - 1, out);
  text[length] = '\0';
  int status = pclose(out);
  cr_assert(WIFEXITED(status), "%s died", line);
  return WEXITSTATUS(status);
}

static void check(const char* prefix, const char* line, int status, const char* words) {
  int got = run(prefix, line);
  bool good = got == status || status == -1;
  cr_expect(good, "%s: exit %d, not %d:\n%s", line, got, status, text);
  cr_expect(strstr(text, words) != NULL, "%s: no \"%s\" in:\n%s", line, words, text);
}

// Several tests run at once, so that by default each runs one case at a time.
void expect(const char* arguments, int status, const char* words) {
  const bool one = strncmp(arguments, "run ", 4) == 0 && strstr(arguments, "--jobs") == NULL;
  check(one ? VS_PROGRAM_PATH " run --jobs 1 " : VS_PROGRAM_PATH, arguments + (one ? 4 : 0), status,
        words);
}

void expect_shell(const char* line, int status, const char* words) {
  check("", line, status, words);
}

void expect_without(const char* arguments, const char* words) {
  run(VS_PROGRAM_PATH, arguments);
  cr_expect(strstr(text, words) == NULL, "%s: \"%s\" in:\n%s", arguments, words, text);
}

void expect_shell_without(const char* line, const char* words) {
  run("", line);
  cr_expect(strstr(text, words) == NULL, "%s: \"%s\" in:\n%s", line, words, text);
}

const char* printed(void) {
  return text;
}

void write_file(const char* name, const char* contents) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE* out = fopen(path, "w");
  cr_assert(out != NULL);
  cr_assert_geq(fputs(contents, out), 0);
  cr_assert_eq(fclose(out), 0);
}

unsigned number_after(const char* words) {
  const char* at = strstr(text, words);
  return at != NULL ? (unsigned)strtoul(at + strlen(words), NULL, 10) : 0;
}
