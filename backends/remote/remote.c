// SPDX-License-Identifier: BSD-3-Clause
#include "remote.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

enum {
  FLIGHTS = 2 * VS_REMOTE_FLYING,  // slots for calls under way
  REGIONS = 4,                     // of a call at most
  NAMES = 256,                     // of threads that live at once
  ROOM = 4 * VS_WIRE_LINE,
  SHOWN = 100,  // of a line in a message
  WHY = 400
};

// A call under way, or one whose answer was not taken yet.
typedef struct flight {
  uint64_t tag;  // 0: the slot is free
  vs_call_index call;
  uint64_t arguments[VS_ARGS_MAX];
  vs_region regions[REGIONS];
  size_t region_count;
  vs_rewrite rewrite;  // that the shim holds the call for, up to `rewritten`
  uint64_t rewritten;
  bool waited;  // by a thread that does not read itself
  bool answered;
  bool held;
  zx_status_t status;
  pthread_cond_t changed;
} flight;

// What a thread knows of itself.
typedef struct self {
  unsigned opening;  // of which its name is; 0: it has none
  unsigned number;
  char name[8];  // " T12 "
  size_t name_length;
  bool held;
  vs_region regions[REGIONS];  // of its next call
  size_t region_count;
  vs_rewrite rewrite;
  uint64_t rewritten;
} self;

static struct {
  pthread_mutex_t lock;
  vs_remote_link link;
  vs_greeting greeting;
  unsigned opening;  // counts them; 0: none yet
  bool open;
  bool reading;  // some thread reads, for all
  bool names[NAMES];
  size_t flying;
  flight flights[FLIGHTS];
  vs_shadow shadow;
  size_t out_count;
  size_t in_start;
  size_t in_end;
  char out[ROOM];
  char in[ROOM];
} remote = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local self me;
static pthread_key_t ends;  // tells of a thread's end
static pthread_once_t once = PTHREAD_ONCE_INIT;

// What calls.def says of each call.
#define VS_IS_POINTER(type, name, object, value) (VS_PARAM_##type >= VS_PARAM_OUT_HANDLE)
#define VS_CALL(name, word, phase, text, ...) \
  static const bool pointers_##name[] = {VS_EACH(VS_IS_POINTER, __VA_ARGS__)};
#include <vcpuspec/calls.def>

static const struct {
  const char* name;
  size_t name_length;
  size_t count;
  const bool* pointers;
} rows[] = {
#define VS_CALL(name, word, phase, text, ...) \
  {"zx_" #name, sizeof "zx_" #name - 1, sizeof pointers_##name, pointers_##name},
#include <vcpuspec/calls.def>
};

// --- trouble ----------------------------------------------------------------------------------

__attribute__((noreturn)) static void fail(vs_remote_trouble trouble, const char* why) {
  char text[WHY];
  snprintf(text, sizeof text, "%s", why);
  for (char* c = text; *c != '\0'; c++) {
    if ((uint8_t)*c < ' ' || (uint8_t)*c >= 0x7f) *c = '?';
  }
  remote.link.fail(remote.link.context, trouble, text);
  _exit(1);
}

__attribute__((noreturn)) static void refuse(const char* line, size_t length, const char* why) {
  char text[WHY];
  snprintf(text, sizeof text, "the shim answered '%.*s%s': %s",
           length < SHOWN ? (int)length : SHOWN, line, length > SHOWN ? "..." : "", why);
  fail(VS_REMOTE_NONSENSE, text);
}

// The call as it was sent, but for its pointers, which are the caller's here.
__attribute__((noreturn)) static void confuse(const flight* f, const vs_wire_answer* a) {
  char call[512];
  char text[WHY];
  char* at = call;
  if (f == NULL) {
    snprintf(text, sizeof text, "the shim did not understand a line: %.*s", (int)a->length,
             a->rest);
    fail(VS_REMOTE_CONFUSED, text);
  }
  at = vs_wire_put_text(at, rows[f->call].name, rows[f->call].name_length);
  for (size_t i = 0; i < rows[f->call].count; i++) {
    *at++ = ' ';
    at = vs_wire_put_number(at, f->arguments[i]);
  }
  snprintf(text, sizeof text, "the shim does not understand '%.*s': %.*s", (int)(at - call), call,
           (int)a->length, a->rest);
  fail(VS_REMOTE_CONFUSED, text);
}

// --- what goes --------------------------------------------------------------------------------

static bool may_try_again(void) {
  return errno == EAGAIN || errno == EINTR;
}

static void await_fd(int fd, short what) {
  struct pollfd ready = {.fd = fd, .events = what};
  poll(&ready, 1, -1);
}

static void flush(void) {
  for (size_t sent = 0; sent < remote.out_count;) {
    ssize_t count = write(remote.link.out, remote.out + sent, remote.out_count - sent);
    if (count > 0) sent += (size_t)count;
    if (count >= 0) continue;
    if (!may_try_again()) fail(VS_REMOTE_GONE, "");
    await_fd(remote.link.out, POLLOUT);
  }
  remote.out_count = 0;
}

// Where the next line is written.
static char* begin_line(void) {
  if (remote.out_count + VS_WIRE_LINE > sizeof remote.out) flush();
  return remote.out + remote.out_count;
}

static void end_line(char* at) {
  char* line = remote.out + remote.out_count;
  remote.out_count += (size_t)(vs_wire_end(line, at, remote.greeting.sums) - line);
}

static char* put_memory(const char* word, size_t length, uint64_t there) {
  char* at = vs_wire_put_text(begin_line(), word, length);
  at = vs_wire_put_text(at, me.name, me.name_length);
  return vs_wire_put_number(at, there);
}

static void map(uint64_t there, const uint8_t* bytes, size_t count, bool read_only) {
  char* at = put_memory("map", 3, there);
  *at++ = ' ';
  at = vs_wire_put_bytes(at, bytes, count);
  end_line(read_only ? vs_wire_put_text(at, " ro", 3) : at);
}

static void unmap(uint64_t there) {
  end_line(put_memory("unmap", 5, there));
}

// --- threads ----------------------------------------------------------------------------------

static void take_name(unsigned number) {
  remote.names[number] = true;
  me = (self){.opening = remote.opening, .number = number};
  char* at = vs_wire_put_text(me.name, " T", 2);
  at = vs_wire_put_decimal(at, number);
  *at++ = ' ';
  me.name_length = (size_t)(at - me.name);
}

static void say_end(void* unused) {
  (void)unused;
  pthread_mutex_lock(&remote.lock);
  if (remote.open && me.opening == remote.opening) {
    char* at = vs_wire_put_text(begin_line(), "end", 3);
    end_line(vs_wire_put_text(at, me.name, me.name_length - 1));
    remote.names[me.number] = false;
  }
  pthread_mutex_unlock(&remote.lock);
  me.opening = 0;
}

static void make_key(void) {
  pthread_key_create(&ends, say_end);
}

// A thread has its name from its first line on.
static void be_named(void) {
  if (me.opening == remote.opening) return;
  unsigned number = 0;
  while (number < NAMES && remote.names[number]) number++;
  if (number == NAMES) fail(VS_REMOTE_CONFUSED, "more than 256 threads make calls");
  take_name(number);
  pthread_setspecific(ends, &me);
}

// --- what comes -------------------------------------------------------------------------------

static flight* find_flight(uint64_t tag) {
  flight* f = &remote.flights[tag % FLIGHTS];
  if (f->tag == tag && tag != 0) return f;
  for (size_t i = 0; i < FLIGHTS && tag != 0; i++) {
    if (remote.flights[i].tag == tag) return &remote.flights[i];
  }
  return NULL;
}

static bool is_in_use(uint64_t address, uint64_t size) {
  for (size_t i = 0; i < FLIGHTS; i++) {
    const flight* f = &remote.flights[i];
    for (size_t k = 0; f->tag != 0 && !f->answered && k < f->region_count; k++) {
      uint64_t start = (uintptr_t)f->regions[k].address & ~(uint64_t)(VS_SHADOW_PAGE - 1);
      uint64_t last = (uintptr_t)f->regions[k].address + f->regions[k].length - 1;
      if (start < address + size && (last | (VS_SHADOW_PAGE - 1)) >= address) return true;
    }
  }
  return false;
}

static bool take_sum(const char* line, size_t* length) {
  char sum[VS_WIRE_SUM + 1];
  if (!remote.greeting.sums) return true;
  if (*length < VS_WIRE_SUM) return false;
  *length -= VS_WIRE_SUM;
  memcpy(sum, " sum=", 5);
  uint32_t value = vs_wire_sum(line, *length);
  const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                           (uint8_t)value};
  vs_wire_put_bytes(sum + 5, bytes, sizeof bytes);
  return memcmp(line + *length, sum, VS_WIRE_SUM) == 0;
}

// Within a page each; NULL, or why it cannot be.
static const char* take_range(const flight* f, const vs_wire_range* range) {
  uint8_t bytes[VS_SHADOW_PAGE];
  for (size_t done = 0; done < range->count;) {
    uint64_t there = range->address + done;
    size_t left = VS_SHADOW_PAGE - there % VS_SHADOW_PAGE;
    size_t size = range->count - done < left ? range->count - done : left;
    vs_wire_bytes(range->hex + 2 * done, size, bytes);
    const char* why =
        vs_shadow_take(&remote.shadow, f->regions, f->region_count, there, bytes, size);
    if (why != NULL) return why;
    done += size;
  }
  return NULL;
}

static const char* take_answer(flight* f, vs_wire_answer* a) {
  vs_wire_range range;
  const char* why;
  while (vs_wire_next_range(a, &range, &why)) {
    why = take_range(f, &range);
    if (why != NULL) return why;
  }
  if (why != NULL) return why;
  if (a->held && f->rewrite.mode == VS_REWRITE_NONE) return "nothing was to be held or flipped";
  if (a->held && f->rewrite.mode == VS_REWRITE_HELD) {
    vs_shadow_rewrite(&remote.shadow, f->rewritten, f->rewrite.bytes, f->rewrite.length);
  }
  f->status = a->status;
  f->held = a->held;
  f->answered = true;
  if (f->waited) pthread_cond_signal(&f->changed);
  return NULL;
}

static void take_line(const char* line, size_t length) {
  vs_wire_answer a;
  size_t whole = length;
  bool summed = take_sum(line, &length);
  const char* why = vs_wire_read_answer(line, length, &a);
  bool to_line = why == NULL && a.error && a.tag == 0;
  flight* f = why == NULL ? find_flight(a.tag) : NULL;
  bool asked = to_line || (f != NULL && !f->answered);
  if (remote.link.noisy && !asked) {
    remote.link.noise(remote.link.context, line, whole);
    return;
  }
  if (!summed) refuse(line, whole, "the sum at its end is wrong");
  if (why != NULL) refuse(line, whole, why);
  if (!asked) refuse(line, whole, "that was not asked, or has been answered");
  if (a.error) confuse(f, &a);
  why = take_answer(f, &a);
  if (why != NULL) refuse(line, whole, why);
}

// The next line that has come. False: there is none that is whole.
static bool next_line(const char** line, size_t* length) {
  *line = remote.in + remote.in_start;
  size_t there = remote.in_end - remote.in_start;
  const char* newline = memchr(*line, '\n', there);
  bool too_long = newline != NULL ? newline - *line >= VS_WIRE_LINE : there >= VS_WIRE_LINE;
  if (too_long && remote.link.noisy) {
    remote.in_start = newline != NULL ? (size_t)(newline + 1 - remote.in) : remote.in_end;
    return next_line(line, length);
  }
  if (too_long) refuse(*line, there, "that is more than 16384 bytes without a newline");
  if (newline == NULL) return false;
  *length = (size_t)(newline - *line);
  remote.in_start += *length + 1;
  if (*length > 0 && newline[-1] == '\r') --*length;
  return true;
}

// Waits for more. Only the thread that reads for all; not within the lock.
static void await_more(void) {
  memmove(remote.in, remote.in + remote.in_start, remote.in_end - remote.in_start);
  remote.in_end -= remote.in_start;
  remote.in_start = 0;
  ssize_t count = read(remote.link.in, remote.in + remote.in_end, sizeof remote.in - remote.in_end);
  if (count > 0) remote.in_end += (size_t)count;
  if (count > 0) return;
  if (count == 0 || !may_try_again()) fail(VS_REMOTE_GONE, "");
  await_fd(remote.link.in, POLLIN);
}

// Reads for all until this one is answered; then somebody else does.
static void read_until(const flight* f) {
  const char* line;
  size_t length;
  remote.reading = true;
  while (!f->answered) {
    if (next_line(&line, &length)) {
      take_line(line, length);
      continue;
    }
    flush();
    pthread_mutex_unlock(&remote.lock);
    await_more();
    pthread_mutex_lock(&remote.lock);
  }
  remote.reading = false;
  for (size_t i = 0; i < FLIGHTS; i++) {
    flight* other = &remote.flights[i];
    if (!other->waited || other->answered) continue;
    pthread_cond_signal(&other->changed);
    return;
  }
}

// --- calls ------------------------------------------------------------------------------------

static flight* new_flight(uint64_t tag) {
  for (size_t i = 0; i < FLIGHTS; i++) {
    flight* f = &remote.flights[(tag + i) % FLIGHTS];
    if (f->tag != 0) continue;
    f->tag = tag;
    f->waited = f->answered = f->held = false;
    remote.flying++;
    return f;
  }
  fail(VS_REMOTE_CONFUSED, "too many calls are under way");
}

// What the thread was told of its next call is of that call alone.
static void take_regions(flight* f) {
  memcpy(f->regions, me.regions, me.region_count * sizeof me.regions[0]);
  f->region_count = me.region_count;
  f->rewrite = me.rewrite;
  f->rewritten = me.rewritten;
  me.region_count = 0;
  me.rewrite.mode = VS_REWRITE_NONE;
}

uint64_t vs_remote_start(vs_call_index call, const uint64_t arguments[VS_ARGS_MAX]) {
  pthread_mutex_lock(&remote.lock);
  be_named();
  uint64_t tag = ++*remote.link.tag;
  flight* f = new_flight(tag);
  take_regions(f);
  f->call = call;
  memcpy(f->arguments, arguments, rows[call].count * sizeof f->arguments[0]);
  char* at = vs_wire_put_decimal(begin_line(), tag);
  at = vs_wire_put_text(at, me.name, me.name_length);
  at = vs_wire_put_text(at, rows[call].name, rows[call].name_length);
  for (size_t i = 0; i < rows[call].count; i++) {
    uint64_t value = arguments[i];
    if (rows[call].pointers[i]) {
      value = vs_shadow_pointer(&remote.shadow, f->regions, f->region_count, value);
    }
    *at++ = ' ';
    at = vs_wire_put_number(at, value);
  }
  end_line(at);
  pthread_mutex_unlock(&remote.lock);
  return tag;
}

zx_status_t vs_remote_finish(uint64_t tag) {
  pthread_mutex_lock(&remote.lock);
  flight* f = find_flight(tag);
  while (!f->answered) {
    if (!remote.reading) {
      read_until(f);
      continue;
    }
    flush();
    f->waited = true;
    pthread_cond_wait(&f->changed, &remote.lock);
    f->waited = false;
  }
  zx_status_t status = f->status;
  me.held = f->held;
  f->tag = 0;
  remote.flying--;
  pthread_mutex_unlock(&remote.lock);
  return status;
}

// A pointer as the address that it is.
#define VS_NUMBER(type, name, object, value) (uint64_t)(name)
#define VS_CALL(name, word, phase, text, ...)                                  \
  static zx_status_t remote_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) {         \
    const uint64_t arguments[VS_ARGS_MAX] = {VS_EACH(VS_NUMBER, __VA_ARGS__)}; \
    return vs_remote_finish(vs_remote_start(VS_CALL_##name, arguments));       \
  }
#include <vcpuspec/calls.def>

void vs_remote_offer(const vs_greeting* greeting, vs_calls* calls) {
#define VS_CALL(name, word, phase, text, ...) \
  calls->name = greeting->calls & UINT32_C(1) << VS_CALL_##name ? remote_##name : NULL;
#include <vcpuspec/calls.def>
}

// --- memory -----------------------------------------------------------------------------------

static uint64_t rewritten_end(const vs_region* r) {
  return (uint64_t)(uintptr_t)r->address + r->rewrite->offset + r->rewrite->length;
}

// `hold` is of a page that the region goes on in.
static bool can_hold(const vs_region* r) {
  uint64_t end = rewritten_end(r);
  return remote.greeting.hold && r->rewrite->mode == VS_REWRITE_HELD && end % VS_SHADOW_PAGE == 0 &&
         end < (uint64_t)(uintptr_t)r->address + r->length;
}

static bool can_rewrite(const vs_region* regions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const vs_region* r = &regions[i];
    if (r->rewrite == NULL || r->rewrite->mode == VS_REWRITE_NONE) continue;
    if (!remote.greeting.flip && !can_hold(r)) return false;
  }
  return true;
}

static void tell_rewrite(const vs_region* regions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const vs_region* r = &regions[i];
    if (r->rewrite == NULL || r->rewrite->mode == VS_REWRITE_NONE) continue;
    bool hold = can_hold(r);
    uint64_t end = rewritten_end(r);
    uint64_t told = hold ? end : end - r->rewrite->length;
    char* at = put_memory(hold ? "hold" : "flip", 4,
                          vs_shadow_pointer(&remote.shadow, regions, count, told));
    *at++ = ' ';
    end_line(vs_wire_put_bytes(at, r->rewrite->bytes, r->rewrite->length));
    me.rewrite = *r->rewrite;
    me.rewrite.mode = hold ? VS_REWRITE_HELD : VS_REWRITE_FLIP;
    me.rewritten = end;
  }
}

bool vs_remote_reach(const vs_region* regions, size_t count) {
  pthread_mutex_lock(&remote.lock);
  be_named();
  me.region_count = 0;
  me.rewrite.mode = VS_REWRITE_NONE;
  bool good = count <= REGIONS && can_rewrite(regions, count) &&
              vs_shadow_tell(&remote.shadow, regions, count);
  if (good) {
    tell_rewrite(regions, count);
    if (count > 0) memcpy(me.regions, regions, count * sizeof regions[0]);
    me.region_count = count;
  }
  pthread_mutex_unlock(&remote.lock);
  return good;
}

bool vs_remote_held(void) {
  return me.held;
}

// --- life -------------------------------------------------------------------------------------

void vs_remote_open(const vs_remote_link* link) {
  pthread_once(&once, make_key);
  pthread_mutex_lock(&remote.lock);
  for (size_t i = 0; i < FLIGHTS; i++) {
    if (remote.opening == 0) pthread_cond_init(&remote.flights[i].changed, NULL);
    remote.flights[i].tag = 0;
  }
  remote.link = *link;
  remote.greeting = *link->greeting;
  remote.opening++;
  remote.open = true;
  remote.flying = remote.out_count = remote.in_start = remote.in_end = 0;
  memset(remote.names, 0, sizeof remote.names);
  vs_shadow_clear(&remote.shadow);
  // Whole pages of it.
  uint64_t first = (remote.greeting.arena + VS_SHADOW_PAGE - 1) & ~(uint64_t)(VS_SHADOW_PAGE - 1);
  uint64_t lost = first - remote.greeting.arena;
  uint64_t size = remote.greeting.arena_size;
  remote.shadow.arena = first;
  remote.shadow.arena_size = size > lost ? (size - lost) & ~(uint64_t)(VS_SHADOW_PAGE - 1) : 0;
  remote.shadow.map = map;
  remote.shadow.unmap = unmap;
  remote.shadow.is_in_use = is_in_use;
  take_name(0);
  pthread_mutex_unlock(&remote.lock);
}

bool vs_remote_is_busy(void) {
  pthread_mutex_lock(&remote.lock);
  bool busy = remote.flying > 0;
  pthread_mutex_unlock(&remote.lock);
  return busy;
}

static bool has_more(void) {
  struct pollfd ready = {.fd = remote.link.in, .events = POLLIN};
  return poll(&ready, 1, 0) > 0;
}

void vs_remote_close(void) {
  const char* line;
  size_t length;
  pthread_mutex_lock(&remote.lock);
  flush();
  while (next_line(&line, &length)) take_line(line, length);
  if (!remote.link.noisy && has_more()) await_more();
  while (next_line(&line, &length)) take_line(line, length);
  size_t left = remote.in_end - remote.in_start;
  if (left > 0 && !remote.link.noisy)
    refuse(remote.in + remote.in_start, left, "that was not asked, and is no line");
  remote.open = false;
  pthread_mutex_unlock(&remote.lock);
}
