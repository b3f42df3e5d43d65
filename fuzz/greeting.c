// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever a shim answers when it is greeted, nothing crashes or waits; what is
// accepted is whole, and what is not has a reason that can be shown.
//
// The first byte says whether it comes over a serial line, the rest is what comes.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shim/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

enum { SERIAL = 1, PATIENCE = 5, BUSY = 2, REASON = 512 };  // seconds; of the processor; bytes

static void expect_printable(const char* text) {
  for (const char* c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) abort();
  }
}

static void expect_whole(const vs_greeting* g) {
  if (g->name[0] == '\0' || strchr(g->name, ' ') != NULL) abort();
  expect_printable(g->name);
  expect_printable(g->version);
  if (vs_arch_find(g->arch) == NULL || g->calls.vcpu_write_state == NULL) abort();
  if (!(g->rewrites & (UINT32_C(1) << VS_REWRITE_NONE))) abort();
}

// A file in memory that holds what the shim says: it ends where that ends.
static int say(const uint8_t* data, size_t size) {
  static int file = -1;
  if (file < 0) file = memfd_create("shim", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, 0) != 0 || lseek(file, 0, SEEK_SET) != 0) abort();
  if (write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0) abort();
  return file;
}

static int nobody(void) {
  static int hole = -1;
  if (hole < 0) hole = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (hole < 0) abort();
  return hole;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static vs_channel channel;
  static vs_tail noise;
  vs_greeting greeting;
  char reason[REASON] = "";
  if (size < 1) return 0;
  bool serial = data[0] & SERIAL;
  if (!vs_channel_parse(&channel, serial ? "serial:/dev/null" : "shim", reason, sizeof reason))
    abort();
  channel.in = say(data + 1, size - 1);
  channel.out = nobody();
  noise = (vs_tail){.from = -1, .to = -1};
  clock_t begun = clock();
  if (vs_greet(&channel, vs_now() + PATIENCE, &greeting, &noise, reason, sizeof reason)) {
    expect_whole(&greeting);
  } else {
    if (reason[0] == '\0') abort();
    expect_printable(reason);
  }
  if (clock() - begun > BUSY * CLOCKS_PER_SEC) abort();
  return 0;
}
