// SPDX-License-Identifier: BSD-3-Clause
// A shim that goes wrong now and then. VS_FAULTS="SEED RATE FIRST LAST" in the
// environment: one answer in RATE is hurt, by a fault of the kinds FIRST to LAST. Each fault is
// told on standard error and in the file VS_FAULT_LOG, before it happens, as "injected KIND", and
// of a greeting, where no case is to blame, as "idle KIND".
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "small.h"

enum { LINE_MOST = 4 * SHIM_LINE };

typedef enum fault {
#define FAULT(code, name) FAULT_##code,
#include "faults.def"
#undef FAULT
  FAULT_COUNT
} fault;

static const char* const names[FAULT_COUNT] = {
#define FAULT(code, name) [FAULT_##code] = name,
#include "faults.def"
#undef FAULT
};

static uint64_t state;
static bool greeted;
static bool away;         // enough has gone wrong with this one
static bool is_greeting;  // what is said now

static bool put(const char* bytes, size_t size) {
  write_out(bytes, size);
  return true;
}

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static unsigned long setting(unsigned which, unsigned long otherwise) {
  const char* text = getenv("VS_FAULTS");
  unsigned long value = otherwise;
  for (unsigned i = 0; text != NULL && i <= which; i++) {
    char* end;
    value = strtoul(text, &end, 10);
    if (end == text) return otherwise;
    text = end;
  }
  return value;
}

// Another process draws other faults, unless the seed is asked for.
static void draw_seed(void) {
  unsigned char own[8];
  int fd = open("/dev/urandom", O_RDONLY);
  ssize_t count = fd >= 0 ? read(fd, own, sizeof own) : 0;
  memcpy(&state, own, sizeof state);
  if (fd >= 0) close(fd);
  if (count != sizeof own || setting(0, 0) != 0) state = setting(0, 1) * 0x9e3779b97f4a7c15;
  state |= 1;
}

static char told[64];  // the line about the last fault
static int told_length;

static void tell(fault what) {
  told_length = snprintf(told, sizeof told, "%s %s in process %d\n",
                         is_greeting ? "idle" : "injected", names[what], (int)getpid());
  (void)!write(STDERR_FILENO, told, (size_t)told_length);
  const char* path = getenv("VS_FAULT_LOG");
  int log = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
  if (log < 0) return;
  (void)!write(log, told, (size_t)told_length);
  close(log);
}

static void die(void) {
  static const int signals[] = {SIGSEGV, SIGABRT, SIGKILL, SIGBUS, SIGFPE, SIGILL, SIGTERM};
  uint64_t which = next() % 9;
  if (which > 6) _exit(which == 7 ? 0 : 3);
  signal(signals[which], SIG_DFL);
  raise(signals[which]);
}

static void hang(void) {
  for (;;) pause();
}

static void fork_away(void) {
  pid_t parent = getpid();
  if (fork() != 0) _exit(0);
  while (getppid() == parent) usleep(100);
  away = true;
  usleep(5000);  // it is no orphan's parent any more a little before it has ended
}

static bool part(const char* bytes, size_t size, bool end) {
  size_t count = next() % size;
  put(bytes, count);
  if (end) die();
  close(STDOUT_FILENO);
  hang();
  return false;
}

static bool garbage(void) {
  char bytes[256];
  size_t count = 1 + next() % (sizeof bytes - 1);
  for (size_t i = 0; i < count; i++) bytes[i] = (char)next();
  bytes[count - 1] = '\n';
  return put(bytes, count);
}

static bool words(void) {
  static const char* const lines[] = {
      "\n",    "ok\n",          "0\n",    "Segmentation fault\n",    "hello 2\n",
      "0 0\n", "999999999 0\n", "-1 0\n", "99999999999999999999 0\n"};
  const char* line = lines[next() % (sizeof lines / sizeof lines[0])];
  return put(line, strlen(line));
}

// A reply that holds what none may.
static bool with_more(const char* bytes, size_t size) {
  static const char* const more[] = {" garbage", " held", " 0x1=", " 0x1=00", " =",
                                     " \x7f",    " ",     " 0",    " ZX_OK"};
  char line[LINE_MOST];
  const char* added = more[next() % (sizeof more / sizeof more[0])];
  memcpy(line, bytes, size - 1);
  int length = snprintf(line + size - 1, sizeof line - size, "%s\n", added);
  return put(line, size - 1 + (size_t)length);
}

// In one piece, so that both are there when the first is read.
static bool twice(const char* bytes, size_t size) {
  static char lines[2 * LINE_MOST];
  memcpy(lines, bytes, size);
  memcpy(lines + size, bytes, size);
  return put(lines, 2 * size);
}

static bool another_number(const char* bytes, size_t size) {
  char line[LINE_MOST];
  char* end;
  unsigned long long number = strtoull(bytes, &end, 10);
  number += next() % 2 == 0 ? 1 : (unsigned long long)-1;
  int length =
      snprintf(line, sizeof line, "%llu%.*s", number, (int)(size - (size_t)(end - bytes)), end);
  return put(line, (size_t)length);
}

static bool without_end(void) {
  static char line[LINE_MOST];
  memset(line, 'x', sizeof line);
  return put(line, sizeof line);
}

static bool with_flipped_bit(const char* bytes, size_t size) {
  char line[LINE_MOST];
  memcpy(line, bytes, size);
  line[next() % (size - 1)] ^= (char)(1u << next() % 7);
  return put(line, size);
}

static bool shortened(const char* bytes, size_t size) {
  char line[LINE_MOST];
  size_t kept = next() % (size - 1);
  memcpy(line, bytes, kept);
  line[kept] = '\n';
  return put(line, kept + 1);
}

static bool flood(void) {
  char much[1024];
  memset(much, 'e', sizeof much);
  much[sizeof much - 1] = '\n';
  for (int i = 0; i < 200; i++) (void)!write(STDERR_FILENO, much, sizeof much);
  (void)!write(STDERR_FILENO, told, (size_t)told_length);
  die();
  return false;
}

static bool hurt(fault what, const char* bytes, size_t size) {
  switch (what) {
    case FAULT_DIE:
      die();
      return false;
    case FAULT_HANG:
      hang();
      return false;
    case FAULT_PART:
      return part(bytes, size, true);
    case FAULT_PART_CLOSED:
      return part(bytes, size, false);
    case FAULT_CLOSED:
      close(STDOUT_FILENO);
      hang();
      return false;
    case FAULT_FORK_AWAY:
      fork_away();
      return put(bytes, size);
    case FAULT_GARBAGE:
      return garbage();
    case FAULT_WORDS:
      return words();
    case FAULT_WITH_MORE:
      return with_more(bytes, size);
    case FAULT_TWICE:
      return twice(bytes, size);
    case FAULT_NUMBER:
      return another_number(bytes, size);
    case FAULT_WITHOUT_END:
      return without_end();
    case FAULT_FLOOD:
      return flood();
    case FAULT_FLIPPED_BIT:
      return with_flipped_bit(bytes, size);
    default:
      return shortened(bytes, size);
  }
}

void shim_open(const char* word) {
  (void)word;
}

void shim_pause(void) {}

bool shim_hear(char* line, size_t size) {
  (void)line, (void)size;
  return true;
}

void shim_say(const char* bytes, size_t size) {
  is_greeting = strncmp(bytes, "hello ", 6) == 0;
  if (!greeted) {
    greeted = true;
    draw_seed();
    write_out(bytes, size);
    return;
  }
  unsigned long rate = setting(1, 0);
  if (rate == 0 || away || next() % rate != 0) return write_out(bytes, size);
  unsigned long first = setting(2, 0);
  fault what = (fault)(first + next() % (setting(3, FAULT_COUNT - 1) - first + 1));
  tell(what);
  hurt(what, bytes, size);
}
