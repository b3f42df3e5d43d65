// SPDX-License-Identifier: BSD-3-Clause
// A shim that breaks its protocol in one way: the word of wrong.def that its command line names.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "small.h"

static const char* mode;
static unsigned greetings;
static unsigned answers;  // since the last greeting

void shim_open(const char* word) {
  mode = word;
}

static bool is_mode(const char* word) {
  return strcmp(mode, word) == 0;
}

static void say(const char* text) {
  write_out(text, strlen(text));
}

// The line with `from`, if it holds it, replaced.
static void say_with(const char* line, size_t size, const char* from, const char* to) {
  char other[4 * SHIM_LINE];
  const char* at = memmem(line, size, from, strlen(from));
  if (at == NULL) return write_out(line, size);
  int length = snprintf(other, sizeof other, "%.*s%s%.*s", (int)(at - line), line, to,
                        (int)(size - (size_t)(at - line) - strlen(from)), at + strlen(from));
  write_out(other, (size_t)length);
}

static void say_endless(void) {
  static char line[3 * SHIM_LINE];
  memset(line, 'x', sizeof line);
  write_out(line, sizeof line);
}

static void greet(const char* line, size_t size) {
  answers = 0;
  greetings++;
  if (is_mode("silent")) return;
  if (is_mode("prologue")) say("booting\n");
  if (is_mode("version")) return say_with(line, size, "hello 2", "hello 3");
  if (is_mode("old")) return say_with(line, size, "hello 2", "vcpuspec shim 1");
  if (is_mode("other_arch")) return say_with(line, size, "x86-64", "sparc");
  if (is_mode("unknown_call")) return say_with(line, size, "vcpu_read_state", "vcpu_raed_state");
  if (is_mode("least")) return say_with(line, size, " zx_handle_close", "");
  if (is_mode("blanks")) return say_with(line, size, " x86", "  x86");
  if (is_mode("small_arena")) return say_with(line, size, "\n", " arena=0x1000:0x1000\n");
  if (is_mode("endless_greeting")) return say_endless();
  if (is_mode("dies_at_start")) _exit(7);
  if (is_mode("changes_greeting") && greetings > 1)
    return say_with(line, size, " zx_event_create", "");
  if (is_mode("greets_once") && greetings > 1) return;
  if (is_mode("sumless")) return say_with(line, size, "\n", " sums\n");
  if (is_mode("chatty") && greetings > 1) return say_with(line, size, "\n", "\nhello\n");
  write_out(line, size);
}

static void say_after_tag(const char* line, size_t size, const char* words) {
  char other[SHIM_LINE];
  int tag = (int)strspn(line, "0123456789");
  (void)size;
  write_out(other, (size_t)snprintf(other, sizeof other, "%.*s%s\n", tag, line, words));
}

static void say_with_more(const char* line, size_t size, const char* words) {
  char more[256];
  snprintf(more, sizeof more, " %s\n", words);
  say_with(line, size, "\n", more);
}

static void say_tagged(const char* line, size_t size, unsigned long long tag) {
  char other[SHIM_LINE];
  int digits = (int)strspn(line, "0123456789");
  write_out(other, (size_t)snprintf(other, sizeof other, "%llu%.*s", tag, (int)size - digits,
                                    line + digits));
}

// A byte that is not in the memory of any call.
static void say_beside(const char* line, size_t size) {
  char words[64];
  const char* range = memmem(line, size, " 0x", 3);
  unsigned long long address = range != NULL ? strtoull(range + 1, NULL, 16) : 0;
  snprintf(words, sizeof words, "0x%llx=5a", (address & ~0xfffULL) + 0xffe);
  say_with_more(line, size, words);
}

void shim_say(const char* line, size_t size) {
  if (strncmp(line, "hello ", 6) == 0) return greet(line, size);
  unsigned long long tag = strtoull(line, NULL, 10);
  answers++;
  if (is_mode("statusless")) return say_after_tag(line, size, "");
  if (is_mode("big_status")) return say_after_tag(line, size, " 2147483648");
  if (is_mode("named_status")) return say_after_tag(line, size, " ZX_OK");
  if (is_mode("tagless")) return say("ok\n");
  if (is_mode("other_tag")) return say_tagged(line, size, tag + 1);
  if (is_mode("twice")) write_out(line, size);
  if (is_mode("late_twice") && answers == 4) say_tagged(line, size, tag - 1);
  if (is_mode("wordy")) return say_with_more(line, size, "really");
  if (is_mode("upper_case")) return say_with_more(line, size, "0x1000=5A");
  if (is_mode("half_byte")) return say_with_more(line, size, "0x1000=5a5");
  if (is_mode("unmapped")) return say_with_more(line, size, "0x1000=5a");
  if (is_mode("wraps")) return say_with_more(line, size, "0xffffffffffffffff=5a5a");
  if (is_mode("beside")) return say_beside(line, size);
  if (is_mode("unheld")) return say_after_tag(line, size, " 0 held");
  if (is_mode("endless")) return say_endless();
  if (is_mode("rest")) return say_with(line, size, "\n", "\nmore");
  if (is_mode("dies") && answers == 3) abort();
  if (is_mode("exits")) _exit(9);
  if (is_mode("hangs_up")) {
    close(STDOUT_FILENO);
    for (;;) pause();
  }
  if (is_mode("hangs")) return;
  if (is_mode("confused")) return say_after_tag(line, size, " error what?");
  if (is_mode("lost")) return say("0 error what was that?\n");
  write_out(line, size);
}

void shim_pause(void) {}

bool shim_hear(char* line, size_t size) {
  if (is_mode("deaf") && strncmp(line, "map ", 4) == 0) line[size / 2] ^= 1;
  if (is_mode("dies_idle") && strncmp(line, "hello ", 6) == 0 && answers > 0) _exit(0);
  return true;
}
