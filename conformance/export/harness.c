// SPDX-License-Identifier: BSD-3-Clause
// Plays vectors of vcpuspec on whatever exports the documented symbols, and prints TAP. Needs no
// other file: what follows from the tables' line on is generated, the rest is the same for all.
//
//   cc -std=c17 -D_GNU_SOURCE -o vectors vectors.c YOUR_OBJECT -lpthread && ./vectors
//
// Exit status: 0 everything that was judged conforms, 1 something does not, 3 this machine has not
// what the buffers need, 5 nothing was judged. Symbols that the implementation lacks: what needs
// them is skipped, and said so. A handle to hand to zx_guest_create: the environment's
// VCPUSPEC_RESOURCE, or -DVCPUSPEC_RESOURCE=0x...
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // MAP_ANONYMOUS
#endif
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef VCPUSPEC_RESOURCE
#define VCPUSPEC_RESOURCE 0
#endif
#ifndef VCPUSPEC_SECONDS
#define VCPUSPEC_SECONDS 60  // that a case may take
#endif

typedef int32_t zx_status_t;
typedef uint32_t zx_handle_t;
typedef uint32_t zx_rights_t;
typedef uint64_t zx_vaddr_t;

enum { THREADS = 4, SLOTS = 16 };

// A handle argument: what the slot received, with bits cleared or inverted; or `bits` alone.
enum { AS_IS, CLEARED, INVERTED, VALUE };
typedef struct handle_ref {
  uint8_t form;
  uint8_t slot;
  uint32_t bits;
} handle_ref;

// --- a buffer -----------------------------------------------------------------------------------

// `length` bytes at a placement: `count` words, zeroes up to GIVEN, then FILLER.
typedef struct buffer_ref {
  uint8_t at;
  uint16_t argument;
  uint16_t length;
  const uint64_t* words;
  uint16_t count;
} buffer_ref;

// --- vectors ----------------------------------------------------------------------------------

typedef struct op {
  uint8_t code;
  uint8_t thread;
  uint8_t optional;  // where the call is lacking, a look is passed over
  uint8_t out;
  uint8_t out2;
  handle_ref handle;
  uint32_t kind;
  uint32_t rights;
  uint32_t vector;
  uint64_t size;
  buffer_ref buffer;
  uint64_t allowed;        // a bit for each status, S(status)
  const uint64_t* values;  // READ_STATE: values[i] is register i, in the bits known[i]
  const uint64_t* known;
} op;

typedef struct vector {
  const char* id;
  uint32_t first;  // in ops
  uint32_t count;
} vector;

#define S(status) (UINT64_C(1) << -(status))

#include "vectors.inc"  // the tables

// --- buffers ----------------------------------------------------------------------------------

enum { GIVEN = 264, PAGE = 4096, FILLER = 0x5a };

// Pages with every sort of neighbour: two accessible, then nothing; one read-only; one accessible,
// then one without access; nothing; one of a file, whose mapping goes on past its end.
static uint8_t* base;
static uint8_t* low;

static uint8_t* page(unsigned n) {
  return base + (size_t)n * PAGE;
}
enum { TWO = 1, READONLY = 5, FENCED = 7, HOLE = 10, OF_FILE = 12, PAGES = 16 };

static bool map_file(void) {
  FILE* file = tmpfile();
  if (file == NULL) return false;
  void* at = MAP_FAILED;
  if (ftruncate(fileno(file), PAGE) == 0) {
    at = mmap(page(OF_FILE), 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fileno(file),
              0);
  }
  fclose(file);
  return at == (void*)page(OF_FILE);
}

// Far from where mappings are made of their own accord, so that the holes stay holes.
static bool map_pages(void) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* at = mmap((void*)(uintptr_t)0x200000000000, PAGES * PAGE, PROT_NONE, flags, -1, 0);
  if (at == MAP_FAILED) return false;
  base = at;
  at = mmap((void*)(uintptr_t)0x10000000, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  low = at == MAP_FAILED || (uintptr_t)at > UINT32_MAX ? page(TWO) : at;
  return munmap(base, PAGE) == 0 && mprotect(page(TWO), 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
         munmap(page(TWO + 2), PAGE) == 0 && mprotect(page(READONLY), PAGE, PROT_READ) == 0 &&
         mprotect(page(FENCED), PAGE, PROT_READ | PROT_WRITE) == 0 &&
         munmap(page(HOLE), PAGE) == 0 && map_file();
}

static uint8_t byte_of(const buffer_ref* b, size_t at) {
  if (at >= GIVEN) return FILLER;
  if (at / 8 >= b->count) return 0;
  return (uint8_t)(b->words[at / 8] >> (8 * (at % 8)));
}

static uint8_t* fill(uint8_t* at, const buffer_ref* b, size_t count) {
  for (size_t i = 0; i < count; i++) at[i] = byte_of(b, i);
  return at;
}

static bool is_unchanged(const uint8_t* at, const buffer_ref* b) {
  if (!(READABLE >> b->at & 1)) return true;
  for (size_t i = 0; i < b->length; i++) {
    if (at[i] != byte_of(b, i)) return false;
  }
  return true;
}

static uint8_t* fill_readonly(const buffer_ref* b) {
  mprotect(page(READONLY), PAGE, PROT_READ | PROT_WRITE);
  fill(page(READONLY), b, b->length);
  mprotect(page(READONLY), PAGE, PROT_READ);
  return page(READONLY);
}

static uint8_t* address(uint64_t value) {
  return (uint8_t*)(uintptr_t)value;
}

// What lies where nothing of a user's can: as 64-bit machines of today lay out their halves.
static uint8_t* outside(const buffer_ref* b, size_t part) {
  static const uint64_t kernel[] = {0xffff800000001000, 0xffffffff81000000, 0xffffc90000000000,
                                    0xfffffffffffff000};
  unsigned n = b->argument % 64;
  unsigned bit = n < 47 ? 47 + n % 17 : n;
  if (b->at == AT_kernel) return address(kernel[b->argument % 4]);
  if (b->at == AT_user_end) return address(0x7ffffffff000 - (b->length - part));
  if (b->at == AT_noncanonical) return address((uintptr_t)page(TWO) ^ UINT64_C(1) << bit);
  return address(0 - (uint64_t)part);
}

static uint8_t* place(const buffer_ref* b) {
  size_t part = b->argument < b->length ? b->argument : b->length;
  size_t inside = b->length - part;
  switch (b->at) {
    case AT_plain:
      return fill(page(TWO), b, b->length);
    case AT_misaligned:
      return fill(page(TWO) + b->argument % PAGE, b, b->length);
    case AT_crossing:
      return fill(page(TWO + 1) - part, b, b->length);
    case AT_edge:
      return fill(page(TWO + 2) - b->length, b, b->length);
    case AT_readonly:
      return fill_readonly(b);
    case AT_low:
      return fill(low, b, b->length);
    case AT_null:
      return NULL;
    case AT_one:
      return address(1);
    case AT_unmapped:
      return page(HOLE);
    case AT_prot_none:
      return page(FENCED + 1);
    case AT_beyond_eof:
      return page(OF_FILE + 1);
    case AT_straddle:
      return fill(page(TWO + 2) - inside, b, inside);
    case AT_straddle_head:
      fill(page(TWO), b, inside);
      return page(TWO) - part;
    case AT_straddle_none:
      return fill(page(FENCED + 1) - inside, b, inside);
    default:
      return outside(b, part);
  }
}

// --- threads ----------------------------------------------------------------------------------

// Every thread of a case is a new one; they take turns.
typedef struct worker {
  pthread_t thread;
  bool alive;
  bool stopping;
  const op* job;
} worker;

static worker workers[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void do_op(const op* o);

static void* work(void* argument) {
  worker* w = argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (w->job == NULL && !w->stopping) pthread_cond_wait(&changed, &lock);
    if (w->job == NULL) break;
    do_op(w->job);
    w->job = NULL;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void end_thread(worker* w) {
  if (!w->alive) return;
  pthread_mutex_lock(&lock);
  w->stopping = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  pthread_join(w->thread, NULL);
  *w = (worker){.job = NULL};
}

static bool on_thread(const op* o) {
  worker* w = &workers[o->thread];
  if (!w->alive) w->alive = pthread_create(&w->thread, NULL, work, w) == 0;
  if (!w->alive) return false;
  pthread_mutex_lock(&lock);
  w->job = o;
  pthread_cond_broadcast(&changed);
  while (w->job != NULL) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return true;
}

// --- handles ----------------------------------------------------------------------------------

static struct {
  zx_handle_t value;
  bool open;
} slots[SLOTS];
static zx_handle_t resource;

static bool is_open(zx_handle_t value) {
  for (size_t i = 0; i < SLOTS; i++) {
    if (slots[i].open && slots[i].value == value) return true;
  }
  return false;
}

// A value made of bits names nothing: should it be a handle's by chance, another bit makes another.
static zx_handle_t value_of(handle_ref h) {
  zx_handle_t value = h.form == VALUE ? h.bits : slots[h.slot].value;
  if (h.form == AS_IS) return value;
  if (h.form == CLEARED) value &= ~h.bits;
  if (h.form == INVERTED) value ^= h.bits;
  bool taken = value != 0 && (is_open(value) || value == resource);
  return taken ? value ^ UINT32_C(1) << 30 : value;
}

// A closed value that was issued again says nothing of closed values.
static bool came_back(handle_ref h) {
  return h.form == AS_IS && !slots[h.slot].open && is_open(slots[h.slot].value);
}

// --- calls ------------------------------------------------------------------------------------

// What the last op came to.
static struct {
  zx_status_t status;
  zx_handle_t made;
  zx_handle_t made2;
  bool buffer_changed;
  uint8_t state[STATE_SIZE];
} got;

static void write_state(const op* o) {
  uint8_t* at = place(&o->buffer);
  got.status = zx_vcpu_write_state(value_of(o->handle), o->kind, at, (size_t)o->size);
  got.buffer_changed = !is_unchanged(at, &o->buffer);
}

// Kind 0: the registers. Up to an unmapped page, so that a byte too many is a fault.
static void read_state(const op* o) {
  uint8_t* at = page(TWO + 2) - STATE_SIZE;
  memset(at, 0xa5, STATE_SIZE);
  got.status = zx_vcpu_read_state(value_of(o->handle), 0, at, STATE_SIZE);
  memcpy(got.state, at, STATE_SIZE);
}

static void do_op(const op* o) {
  switch (o->code) {
    case OP_guest_create:
      got.status = zx_guest_create(resource, 0, &got.made, &got.made2);
      break;
    case OP_vcpu_create:
      got.status = zx_vcpu_create(value_of(o->handle), 0, 0, &got.made);
      break;
    case OP_event_create:
      got.status = zx_event_create(0, &got.made);
      break;
    case OP_port_create:
      got.status = zx_port_create(0, &got.made);
      break;
    case OP_vmo_create:
      got.status = zx_vmo_create(PAGE, 0, &got.made);
      break;
    case OP_close:
      got.status = zx_handle_close(value_of(o->handle));
      break;
    case OP_duplicate:
      got.status = zx_handle_duplicate(value_of(o->handle), o->rights, &got.made);
      break;
    case OP_replace:
      got.status = zx_handle_replace(value_of(o->handle), o->rights, &got.made);
      break;
    case OP_write_state:
      write_state(o);
      break;
    case OP_read_state:
      read_state(o);
      break;
    case OP_kick:
      got.status = zx_vcpu_kick(value_of(o->handle));
      break;
    default:
      got.status = zx_vcpu_interrupt(value_of(o->handle), o->vector);
  }
}

// NULL if the implementation has the call.
static const char* lacking(const op* o) {
#define NEEDS(operation, call) \
  if (o->code == OP_##operation && call == NULL) return #call;
  NEEDS(event_create, zx_event_create)
  NEEDS(port_create, zx_port_create)
  NEEDS(vmo_create, zx_vmo_create)
  NEEDS(duplicate, zx_handle_duplicate)
  NEEDS(replace, zx_handle_replace)
  NEEDS(read_state, zx_vcpu_read_state)
  NEEDS(kick, zx_vcpu_kick)
  NEEDS(interrupt, zx_vcpu_interrupt)
  return NULL;
}

// --- judging ----------------------------------------------------------------------------------

static char said[1024];  // of the case: what differs, or why it was not judged

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
  size_t length = strlen(said);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(said + length, sizeof said - length, format, arguments);
  va_end(arguments);
}

static const char* status_name(zx_status_t status) {
  static char number[16];
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].value == status) return statuses[i].name;
  }
  snprintf(number, sizeof number, "%d", (int)status);
  return number;
}

static void say_allowed(uint64_t allowed) {
  const char* between = "";
  for (zx_status_t status = 0; status > -64; status--) {
    if (!(allowed & S(status))) continue;
    say("%s%s", between, status_name(status));
    between = " or ";
  }
}

static void say_op(const vector* v, const op* o) {
  say("op %u: T%u: %s", (unsigned)(o - ops - (ptrdiff_t)v->first), o->thread, op_names[o->code]);
  if (o->code != OP_write_state) return;
  say("(0x%" PRIx32 ", kind 0x%" PRIx32 ", %s", value_of(o->handle), o->kind,
      at_names[o->buffer.at]);
  if (o->buffer.argument != 0) say(" %u", o->buffer.argument);
  if (o->buffer.length != o->size) say(" (%u bytes)", o->buffer.length);
  say(", size %" PRIu64 ")", o->size);
}

static bool is_allowed(zx_status_t status, uint64_t allowed) {
  return status <= 0 && status > -64 && (allowed & S(status)) != 0;
}

static bool registers_agree(const vector* v, const op* o) {
  for (size_t i = 0; i < REGISTERS; i++) {
    uint64_t value = 0;
    for (size_t k = registers[i].bytes; k-- > 0;) {
      value = value << 8 | got.state[registers[i].offset + k];
    }
    uint64_t known = o->known[i];
    if (((value ^ o->values[i]) & known) == 0) continue;
    say_op(v, o);
    say(": %s: allowed 0x%" PRIx64 " in the bits 0x%" PRIx64, registers[i].name, o->values[i],
        known);
    say(", got 0x%" PRIx64, value);
    return false;
  }
  return true;
}

static bool receive(const vector* v, const op* o, uint8_t at, zx_handle_t value) {
  if (value == 0 || is_open(value)) {
    say_op(v, o);
    say(": allowed a handle that is neither 0 nor open, got 0x%" PRIx32, value);
    return false;
  }
  slots[at].value = value;
  slots[at].open = true;
  return true;
}

static void close_slots(zx_handle_t value) {
  for (size_t i = 0; i < SLOTS; i++) {
    if (slots[i].value == value) slots[i].open = false;
  }
}

static bool handles_agree(const vector* v, const op* o) {
  bool derives = o->code == OP_duplicate || o->code == OP_replace;
  if (o->code == OP_close || o->code == OP_replace) close_slots(slots[o->handle.slot].value);
  if (o->code > OP_vmo_create && !derives) return true;
  if (!receive(v, o, o->out, got.made)) return false;
  return o->code != OP_guest_create || receive(v, o, o->out2, got.made2);
}

typedef enum verdict { GOES_ON, CONFORMS, FAILS, SKIPPED } verdict;

static verdict judge_op(const vector* v, const op* o) {
  if (!is_allowed(got.status, o->allowed)) {
    say_op(v, o);
    say(": allowed ");
    say_allowed(o->allowed);
    say(", got %s", status_name(got.status));
    return o->code <= OP_vmo_create ? SKIPPED : FAILS;  // the former only prepare
  }
  if (got.buffer_changed) {
    say_op(v, o);
    say(": allowed the buffer as it was, got another");
    return FAILS;
  }
  if (o->code == OP_read_state && !registers_agree(v, o)) return FAILS;
  return handles_agree(v, o) ? GOES_ON : FAILS;
}

static verdict play_op(const vector* v, const op* o) {
  if (o->code == OP_thread_exit) {
    end_thread(&workers[o->thread]);
    return GOES_ON;
  }
  const char* missing = lacking(o);
  if (missing != NULL && o->optional && o->code == OP_read_state) return GOES_ON;
  if (missing != NULL) {
    say("for want of %s", missing);
    return SKIPPED;
  }
  if (o->code > OP_vmo_create && came_back(o->handle)) {
    say("a closed value came back");
    return SKIPPED;
  }
  memset(&got, 0, sizeof got);
  if (on_thread(o)) return judge_op(v, o);
  say("no thread could be started");
  return SKIPPED;
}

static verdict play(const vector* v) {
  said[0] = '\0';
  verdict result = GOES_ON;
  for (size_t i = 0; i < v->count && result == GOES_ON; i++)
    result = play_op(v, &ops[v->first + i]);
  for (size_t i = 0; i < THREADS; i++) end_thread(&workers[i]);
  for (size_t i = SLOTS; i-- > 0;) {
    if (slots[i].open) zx_handle_close(slots[i].value);
  }
  memset(slots, 0, sizeof slots);
  return result == GOES_ON ? CONFORMS : result;
}

static void give_up(int signal) {
  static const char words_of[] = "Bail out! the next case did not end\n";
  (void)signal;
  if (write(STDOUT_FILENO, words_of, sizeof words_of - 1) < 0) _exit(3);
  _exit(1);
}

static bool left;  // the program ends of itself

// An implementation that ends it conforms to nothing.
static void at_end(void) {
  if (left) return;
  printf("Bail out! the program was ended within a call\n");
  fflush(stdout);
  _exit(1);
}

int main(void) {
  enum { COUNT = sizeof vectors / sizeof vectors[0] };
  const char* word = getenv("VCPUSPEC_RESOURCE");
  size_t counts[SKIPPED + 1] = {0};
  resource = word != NULL ? (zx_handle_t)strtoul(word, NULL, 0) : VCPUSPEC_RESOURCE;
  if (!map_pages()) {
    printf("Bail out! no memory for the buffers\n");
    return 3;
  }
  signal(SIGALRM, give_up);
  atexit(at_end);
  printf("TAP version 13\n1..%d\n# %s\n", COUNT, about);
  for (size_t i = 0; i < COUNT; i++) {
    fflush(stdout);
    alarm(VCPUSPEC_SECONDS);
    verdict result = play(&vectors[i]);
    counts[result]++;
    printf("%s %zu - %s", result == FAILS ? "not ok" : "ok", i + 1, vectors[i].id);
    if (result == SKIPPED) printf(" # SKIP %s", said);
    printf("\n");
    if (result == FAILS) printf("# %s\n", said);
  }
  printf("# %zu conform, %zu fail, %zu not judged; %d cases are not in this file\n",
         counts[CONFORMS], counts[FAILS], counts[SKIPPED], LEFT_OUT);
  left = true;
  if (counts[FAILS] > 0) return 1;
  return counts[CONFORMS] > 0 ? 0 : 5;
}
