// SPDX-License-Identifier: BSD-3-Clause
// soft, gone wrong now and then: VS_FAULTS="RATE LAST" in the environment: one call in RATE comes
// to a bad end of the kinds 0 to LAST, and says so before on standard error, as "injected KIND",
// and in the file VS_FAULT_LOG.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wrong.h"

typedef enum fault { CRASH, EXIT, FORK_AWAY, GARBAGE, FLOOD, CLOSED, STACK, HANG } fault;

static const char* const names[] = {"crash", "exit",   "fork_away", "garbage",
                                    "flood", "closed", "stack",     "hang"};

static uint64_t state;

static uint64_t next(void) {
  if (state == 0) {
    int fd = open("/dev/urandom", O_RDONLY);
    if (fd < 0 || read(fd, &state, sizeof state) != sizeof state) state = (uint64_t)getpid();
    if (fd >= 0) close(fd);
    state |= 1;
  }
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static char line[64];  // about the fault
static int length;

static void tell(fault what) {
  length = snprintf(line, sizeof line, "injected %s in process %d\n", names[what], (int)getpid());
  const char* path = getenv("VS_FAULT_LOG");
  (void)!write(STDERR_FILENO, line, (size_t)length);
  int log = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
  if (log < 0) return;
  (void)!write(log, line, (size_t)length);
  close(log);
}

static void crash(void) {
  static const int signals[] = {SIGSEGV, SIGABRT, SIGKILL, SIGBUS, SIGFPE, SIGILL, SIGTERM};
  int which = signals[next() % (sizeof signals / sizeof signals[0])];
  signal(which, SIG_DFL);
  raise(which);
}

// Into whatever is open.
static void scribble(void) {
  char bytes[512];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)next();
  for (int fd = 0; fd < 64; fd++) (void)!write(fd, bytes, sizeof bytes);
}

static void flood(void) {
  char much[1024];
  memset(much, 'e', sizeof much);
  much[sizeof much - 1] = '\n';
  for (int i = 0; i < 200; i++) (void)!write(STDERR_FILENO, much, sizeof much);
}

static size_t deep(size_t depth) {
  volatile char room[4096];
  room[0] = (char)depth;
  return depth > (size_t)1 << 40 ? depth : deep(depth + 1) + (size_t)room[0];
}

static void go_wrong(fault what) {
  if (what == GARBAGE) scribble();
  if (what == FLOOD) flood();
  bool covered = what == GARBAGE || what == FLOOD;
  if (covered) (void)!write(STDERR_FILENO, "\n", 1);
  if (covered) (void)!write(STDERR_FILENO, line, (size_t)length);
  if (what == CLOSED) close(STDERR_FILENO);
  if (what == FORK_AWAY && fork() == 0) {
    for (;;) pause();
  }
  if (what == EXIT || what == FORK_AWAY) _exit((int)(next() % 2));
  if (what == STACK) deep(0);
  while (what == HANG) pause();
  crash();
}

WRONG_WRITE() {
  const char* text = getenv("VS_FAULTS");
  char* end = NULL;
  unsigned long rate = text != NULL ? strtoul(text, &end, 10) : 0;
  unsigned long last = rate != 0 ? strtoul(end, NULL, 10) : 0;
  if (rate != 0 && next() % rate == 0) {
    fault what = (fault)(next() % (last + 1));
    tell(what);
    go_wrong(what);
  }
  return right(handle, kind, buffer, size);
}
