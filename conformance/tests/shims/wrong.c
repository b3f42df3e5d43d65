// SPDX-License-Identifier: BSD-3-Clause
// The platform of a shim that breaks its protocol in one way: the word of wrong.def that its
// command line names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"

size_t whole_read(char* bytes, size_t size);
bool whole_write(const char* bytes, size_t size);
bool whole_open(int argc, char** argv);
#define platform_write whole_write
#define platform_read whole_read
#define platform_open whole_open
#include "platform_posix.c"
#undef platform_write
#undef platform_read
#undef platform_open

enum { ROOM = 32768 };

static const char* mode;
static unsigned greetings;
static char kept[ROOM];  // of `unflushed`
static size_t kept_size;

static bool is_mode(const char* word) {
  return strcmp(mode, word) == 0;
}

static bool begins(const char* bytes, size_t size, const char* words) {
  return size >= strlen(words) && memcmp(bytes, words, strlen(words)) == 0;
}

// The bytes with `from`, if they hold it, replaced.
static bool write_with(const char* bytes, size_t size, const char* from, const char* to) {
  char line[ROOM];
  const char* at = memmem(bytes, size, from, strlen(from));
  if (at == NULL) return whole_write(bytes, size);
  int length = snprintf(line, sizeof line, "%.*s%s%.*s", (int)(at - bytes), bytes, to,
                        (int)(size - (size_t)(at - bytes) - strlen(from)), at + strlen(from));
  return whole_write(line, (size_t)length);
}

static bool write_greeting(const char* bytes, size_t size) {
  greetings++;
  if (is_mode("version")) return write_with(bytes, size, "shim 1", "shim 2");
  if (is_mode("prologue")) return whole_write("booting\n", 8) && whole_write(bytes, size);
  if (is_mode("nameless")) return write_with(bytes, size, "name ", "nmae ");
  if (is_mode("archless")) return write_with(bytes, size, "arch x86-64\n", "");
  if (is_mode("other_arch")) return write_with(bytes, size, "x86-64", "sparc");
  if (is_mode("unready")) return write_with(bytes, size, "ready\n", "");
  if (is_mode("hides")) return write_with(bytes, size, " zx_event_create", "");
  if (is_mode("least")) return write_with(bytes, size, " zx_handle_close", "");
  if (is_mode("unknown_call")) return write_with(bytes, size, "calls", "calls zx_vcpu_raed_state");
  if (is_mode("sumless")) return write_with(bytes, size, "ready", "sums\nready");
  if (is_mode("greets_once") && greetings > 1) return whole_write("0 = error again?\n", 17);
  bool good = whole_write(bytes, size);
  return is_mode("chatty") ? whole_write("hello\n", 6) : good;
}

static bool write_delayed(const char* bytes, size_t size) {
  bool good = kept_size == 0 || whole_write(kept, kept_size);
  memcpy(kept, bytes, size);
  kept_size = size;
  return good;
}

static bool write_numbered(const char* bytes, size_t size, unsigned long long number) {
  char line[ROOM];
  size_t digits = strspn(bytes, "0123456789");
  int length =
      snprintf(line, sizeof line, "%llu%.*s", number, (int)(size - digits), bytes + digits);
  return whole_write(line, (size_t)length);
}

bool platform_write(const char* bytes, size_t size) {
  if (is_mode("silent")) return true;
  if (begins(bytes, size, "vcpuspec shim")) return write_greeting(bytes, size);
  bool error = memmem(bytes, size, "= error", 7) != NULL;
  unsigned long long number = strtoull(bytes, NULL, 10);
  if (is_mode("unflushed")) return write_delayed(bytes, size);
  if (is_mode("number32")) return write_numbered(bytes, size, number & 0xffffffff);
  if (is_mode("counts_itself")) return write_numbered(bytes, size, number + 1);
  if (is_mode("never_errs") && error) return write_with(bytes, size, "= error", "= ZX_OK state");
  if (is_mode("dies_of_errors") && error) abort();
  if (is_mode("silent_on_errors") && error) return true;
  if (is_mode("wordy")) return write_with(bytes, size, "\n", " really\n");
  if (is_mode("doubles")) return whole_write(bytes, size) && whole_write(bytes, size);
  if (is_mode("handleless")) return write_with(bytes, size, " handle=", " hnadle=");
  if (is_mode("stateless")) return write_with(bytes, size, " state ", " ");
  return whole_write(bytes, size);
}

static void replace(char* bytes, size_t* size, const char* from, const char* to) {
  char* at = memmem(bytes, *size, from, strlen(from));
  if (at == NULL) return;
  memmove(at + strlen(to), at + strlen(from), *size - (size_t)(at - bytes) - strlen(from));
  memcpy(at, to, strlen(to));
  *size = *size + strlen(to) - strlen(from);
}

size_t platform_read(char* bytes, size_t size) {
  size_t count = whole_read(bytes, size / 2);
  if (count == 0 && is_mode("immortal")) {
    for (;;) pause();
  }
  if (count == 0 && is_mode("says_goodbye")) whole_write("bye\n", 4);
  if (is_mode("leaky")) replace(bytes, &count, " reset", " T3: thread_exit");
  if (is_mode("keeps_cr")) replace(bytes, &count, "\r", "x");
  if (is_mode("lies")) replace(bytes, &count, " event_create", " enter raw=7");
  if (is_mode("hasty") && count == 1) replace(bytes, &count, "t", "t\n");
  char* second = memchr(bytes, '\n', count);
  bool two = second != NULL && second + 1 < bytes + count && begins(bytes + 1, count - 1, " reset");
  if (is_mode("one_at_a_time") && two) count = (size_t)(second + 1 - bytes);
  if (is_mode("dies_of_length") && count > 4000) abort();
  return count;
}

bool platform_open(int argc, char** argv) {
  mode = argc == 2 ? argv[1] : "";
  return whole_open(1, argv);
}
