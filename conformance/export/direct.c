// SPDX-License-Identifier: BSD-3-Clause
// What a program of one script is made of, section by section: c_direct.c takes those that the
// script needs, and from harness.c those of buffers; between them stand prototypes and constants.

// --- head -------------------------------------------------------------------------------------
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // MAP_ANONYMOUS
#endif
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int32_t zx_status_t;
typedef uint32_t zx_handle_t;
typedef uint32_t zx_rights_t;
typedef uint64_t zx_vaddr_t;

#define ZX_VCPU_STATE 0u
#define ZX_VCPU_IO 1u

// --- judge ------------------------------------------------------------------------------------
static zx_handle_t h[16];  // the handles
static bool left;          // the program ends of itself

static void leave(int status) {
  left = true;
  exit(status);
}

// An implementation that ends the program conforms to nothing.
static void at_end(void) {
  if (left) return;
  printf("the program was ended within a call\n");
  fflush(stdout);
  _exit(1);
}

static void say_status(zx_status_t status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].value == status) printf(" %s", statuses[i].name);
  }
  printf(" (%d)", (int)status);
}

// Ends the program if the answer is none of the allowed ones, which end in a 1.
static void expect(int op, const char* call, zx_status_t got, const zx_status_t* allowed) {
  for (size_t i = 0; allowed[i] != 1; i++) {
    if (got == allowed[i]) return;
  }
  printf("op %d: %s\n  allowed", op, call);
  for (size_t i = 0; allowed[i] != 1; i++) say_status(allowed[i]);
  printf("\n  got    ");
  say_status(got);
  printf("\n");
  leave(1);
}
#define EXPECT(op, call, ...) expect(op, #call, call, (const zx_status_t[]){__VA_ARGS__, 1})

// What a case needs in order to begin: nothing is judged without.
#define NEED(op, call)                                           \
  do {                                                           \
    zx_status_t status = (call);                                 \
    if (status != ZX_OK) {                                       \
      printf("op %d: %s = %d: not judged\n", op, #call, status); \
      leave(5);                                                  \
    }                                                            \
  } while (0)

// --- unused -----------------------------------------------------------------------------------
// A value that is no handle's; should it be one by chance, another bit makes another.
static zx_handle_t unused(zx_handle_t value) {
  for (size_t i = 0; i < sizeof h / sizeof h[0]; i++) {
    if (value != 0 && h[i] == value) return value ^ UINT32_C(1) << 30;
  }
  return value;
}

// --- plain ------------------------------------------------------------------------------------
// `length` bytes at the start of a page: the words, then zeroes, then from byte 264 on 0x5a.
static _Alignas(4096) uint8_t buffer[8192];
static uint8_t as_laid_out[sizeof buffer];

static const void* plain(const uint64_t* words, size_t count, size_t length) {
  memset(buffer, 0x5a, sizeof buffer);
  memset(buffer, 0, length < 264 ? length : 264);
  size_t given = count * 8 < length ? count * 8 : length;
  if (given > 0) memcpy(buffer, words, given);
  memcpy(as_laid_out, buffer, sizeof buffer);
  return buffer;
}

// The call must not have written to it.
static void unchanged(int op) {
  if (memcmp(buffer, as_laid_out, sizeof buffer) == 0) return;
  printf("op %d: the call wrote to the caller's buffer\n", op);
  leave(1);
}

// --- placed -----------------------------------------------------------------------------------
static buffer_ref laid_out;
static const uint8_t* laid_out_at;

// `length` bytes at a placement, from the words; see `byte_of` and `place`.
static const void* placed(uint8_t at, uint16_t argument, uint16_t length, const uint64_t* words,
                          uint16_t count) {
  if (base == NULL && !map_pages()) {
    printf("no memory for the buffers\n");
    leave(3);
  }
  laid_out = (buffer_ref){at, argument, length, words, count};
  laid_out_at = place(&laid_out);
  return laid_out_at;
}

// The call must not have written to it.
static void unchanged(int op) {
  if (is_unchanged(laid_out_at, &laid_out)) return;
  printf("op %d: the call wrote to the caller's buffer\n", op);
  leave(1);
}

// --- registers --------------------------------------------------------------------------------
static uint8_t state[STATE_SIZE];

// What must be seen: the value, in the known bits.
typedef struct seen {
  const char* name;
  size_t offset;
  size_t bytes;
  uint64_t value;
  uint64_t known;
} seen;

static void registers(int op, const seen* expected, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint64_t got = 0;
    memcpy(&got, state + expected[i].offset, expected[i].bytes);
    if (((got ^ expected[i].value) & expected[i].known) == 0) continue;
    printf("op %d: zx_vcpu_read_state: %s\n  allowed 0x%016" PRIx64 "\n", op, expected[i].name,
           expected[i].value);
    printf("  got     0x%016" PRIx64 "\n  compared in the bits 0x%016" PRIx64 "\n", got,
           expected[i].known);
    leave(1);
  }
}

// --- threads ----------------------------------------------------------------------------------
// Other threads do one thing at a time, on behalf of the first.
static struct {
  pthread_t thread;
  bool alive;
  bool stopping;
  void (*job)(void);
} workers[4];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void* work(void* argument) {
  size_t n = (size_t)(uintptr_t)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (workers[n].job == NULL && !workers[n].stopping) pthread_cond_wait(&changed, &lock);
    if (workers[n].job == NULL) break;
    workers[n].job();
    workers[n].job = NULL;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void on_thread(size_t n, void (*job)(void)) {
  if (!workers[n].alive) pthread_create(&workers[n].thread, NULL, work, (void*)(uintptr_t)n);
  pthread_mutex_lock(&lock);
  workers[n].alive = true;
  workers[n].job = job;
  pthread_cond_broadcast(&changed);
  while (workers[n].job != NULL) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

// --- thread_exit ------------------------------------------------------------------------------
static void end_thread(size_t n) {
  if (!workers[n].alive) return;
  pthread_mutex_lock(&lock);
  workers[n].stopping = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  pthread_join(workers[n].thread, NULL);
  workers[n].alive = workers[n].stopping = false;
}
