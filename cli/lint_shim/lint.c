// SPDX-License-Identifier: BSD-3-Clause
#include "lint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zircon/syscalls.h>

#include "common/refuse.h"
#include "shim/channel.h"

enum { LINE = 16384, SUM = 13, SHOWN = 90, STATE_MAX = 264 };

typedef struct lint {
  const char* where;
  double patience;
  vs_channel channel;
  bool sums;
  bool arm64;
  uint64_t resource;
  uint64_t other_resource;
  uint64_t base;  // of memory that can be mapped
  unsigned tag;
  char greeting[LINE + 1];
  char answer[LINE + 1];  // the last one, without tag and sum
  bool failed;
  bool warns;
  bool ended;  // the shim is gone
  bool spoke;  // a line of it came, or it was there and said nothing
  vs_why why;
} lint;

// --- what is wrong ----------------------------------------------------------------------------

static bool say(lint* l, bool good, const char* format, va_list arguments) {
  if (l->failed) return false;  // the first trouble is the cause of the others
  vs_refuse_as(&l->why, format, arguments);
  vs_why_clean(&l->why);
  l->failed = !good;
  return good;
}

__attribute__((format(printf, 2, 3))) static bool fail(lint* l, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(l, false, format, arguments);
  va_end(arguments);
  return false;
}

__attribute__((format(printf, 2, 3))) static bool note(lint* l, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  bool good = say(l, true, format, arguments);
  va_end(arguments);
  return good;
}

__attribute__((format(printf, 2, 3))) static bool warn(lint* l, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  l->warns = say(l, true, format, arguments);
  va_end(arguments);
  return l->warns;
}

// --- talking ----------------------------------------------------------------------------------

static double soon(const lint* l) {
  return vs_now() + l->patience;
}

static void nap(unsigned milliseconds) {
  const struct timespec time = {0, 1000000L * milliseconds};
  nanosleep(&time, NULL);
}

static void write_sum(char text[SUM + 1], const char* line, size_t length) {
  uint32_t sum = 2166136261;
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)line[i]) * 16777619;
  snprintf(text, SUM + 1, " sum=%08" PRIx32, sum);
}

static bool put_bytes(lint* l, const char* bytes, size_t length) {
  if (vs_channel_send(&l->channel, bytes, length, soon(l)) == VS_CHANNEL_DONE) return true;
  l->ended = true;
  return fail(l, "'%.*s' was sent, and the shim has ended, or reads no more", SHOWN, bytes);
}

// A line, with its sum where there are sums.
static bool put(lint* l, const char* line, size_t length) {
  char end[SUM + 2] = "";
  if (l->sums) write_sum(end, line, length);
  size_t used = strlen(end);
  snprintf(end + used, sizeof end - used, "\n");
  return put_bytes(l, line, length) && put_bytes(l, end, strlen(end));
}

// The next line is in l->answer; `asked` is what it should answer.
static bool take_line(lint* l, const char* asked) {
  const char* line = "";
  size_t length = 0;
  char sum[SUM + 1];
  vs_channel_result result = vs_channel_line(&l->channel, soon(l), &line, &length);
  l->ended = result == VS_CHANNEL_ENDED;
  l->spoke |= !l->ended;
  if (l->ended) return fail(l, "'%.*s' was sent, and the shim ended", SHOWN, asked);
  if (result == VS_CHANNEL_LONG || (result == VS_CHANNEL_DONE && length > LINE))
    return fail(l, "'%.*s' was sent, and an answer of more than %d bytes came", SHOWN, asked, LINE);
  if (result != VS_CHANNEL_DONE)
    return fail(l, "'%.*s' was sent, and no line came within %g s: is each answer flushed?", SHOWN,
                asked, l->patience);
  snprintf(l->answer, sizeof l->answer, "%.*s", (int)length, line);
  for (size_t i = 0; i < length; i++) {
    if (line[i] < ' ' || line[i] > '~')
      return fail(l, "'%.*s' came: a line is printable ASCII", SHOWN, l->answer);
  }
  if (!l->sums) return true;
  if (length >= SUM) write_sum(sum, line, length - SUM);
  if (length < SUM || strcmp(l->answer + length - SUM, sum) != 0)
    return fail(l, "'%.*s' came: the sum at its end is missing or wrong", SHOWN, l->answer);
  l->answer[length - SUM] = '\0';
  return true;
}

// An answer with this tag.
static bool take(lint* l, const char* asked, const char* tag) {
  size_t length = strlen(tag);
  if (!take_line(l, asked)) return false;
  if (strncmp(l->answer, tag, length) != 0 || l->answer[length] != ' ')
    return fail(l, "'%.*s' was sent, '%.*s' came, an answer with the tag %s was expected", SHOWN,
                asked, SHOWN, l->answer, tag);
  memmove(l->answer, l->answer + length + 1, strlen(l->answer + length));
  return true;
}

static bool is_silent(lint* l, const char* after) {
  size_t length = SHOWN;
  nap(40);
  if (l->channel.sort == VS_CHANNEL_SERIAL || !vs_channel_has_more(&l->channel)) return true;
  const char* rest = vs_channel_rest(&l->channel, &length);
  return fail(l, "'%.*s' was sent, '%.*s' came, nothing was expected", SHOWN, after, (int)length,
              rest);
}

// Sends a line that has no answer.
__attribute__((format(printf, 2, 3))) static bool tell(lint* l, const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return put(l, line, (size_t)length);
}

// Is an answer "STATUS [held] {A=HEX}"?
static bool is_result(const char* answer, long* status) {
  char* at;
  *status = strtol(answer, &at, 10);
  bool good = at != answer && *answer != ' ' && *answer != '+' && *status >= INT32_MIN &&
              *status <= INT32_MAX;
  if (strncmp(at, " held", 5) == 0) at += 5;
  while (good && *at != '\0') {
    int head = 0;
    good = sscanf(at, " 0x%*16[0-9a-f]=%n", &head) == 0 && head > 0;
    size_t digits = good ? strspn(at + head, "0123456789abcdef") : 0;
    good = good && digits > 0 && digits % 2 == 0;
    at += good ? (size_t)head + digits : 0;
  }
  return good;
}

// Makes a call, and gives its status.
__attribute__((format(printf, 3, 4))) static bool call(lint* l, long* status, const char* format,
                                                       ...) {
  char line[512];
  char tag[16];
  va_list arguments;
  snprintf(tag, sizeof tag, "%u", ++l->tag);
  int head = snprintf(line, sizeof line, "%s ", tag);
  va_start(arguments, format);
  vsnprintf(line + head, sizeof line - (size_t)head, format, arguments);
  va_end(arguments);
  if (!put(l, line, strlen(line)) || !take(l, line, tag)) return false;
  return is_result(l->answer, status) ||
         fail(l, "'%.*s' was sent, '%s %.*s' came, '%s STATUS [held] {0xADDRESS=HEX}' was expected",
              SHOWN, line, tag, SHOWN, l->answer, tag);
}

static unsigned digit(char c) {
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

// Changes the bytes, which stand at this address, as the last answer says. True: it changes one.
static bool apply(const lint* l, uint64_t address, uint8_t* bytes, size_t size) {
  bool changed = false;
  for (const char* at = strstr(l->answer, " 0x"); at != NULL; at = strstr(at + 1, " 0x")) {
    char* hex;
    uint64_t to = strtoull(at + 1, &hex, 16);
    for (hex++; hex[0] > ' ' && hex[1] > ' '; hex += 2, to++) {
      const uint8_t byte = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
      if (to - address >= size) continue;
      changed |= bytes[to - address] != byte;
      bytes[to - address] = byte;
    }
  }
  return changed;
}

// The handle that the last answer says to have been written to this address; 0: there is none.
static uint32_t handle_at(const lint* l, uint64_t address) {
  uint32_t handle = 0;
  apply(l, address, (uint8_t*)&handle, sizeof handle);
  return handle;
}

// --- scenes -----------------------------------------------------------------------------------

#define PAGE(n) (l->base + UINT64_C(4096) * (n))
#define AT "0x%" PRIx64

static bool expect_handle(lint* l, const char* call, long status, uint64_t at, uint32_t* handle) {
  *handle = handle_at(l, at);
  if (status != ZX_OK)
    return fail(l, "%s with valid arguments came to '%.*s'; 0 was expected%s", call, SHOWN,
                l->answer,
                l->resource == 0 && strcmp(call, "zx_guest_create") == 0
                    ? ": its first argument is the `resource=` of the greeting, or else 0"
                    : "");
  return (*handle & 3) == 3 || fail(l,
                                    "%s came to '%.*s': it was expected to tell that it wrote a "
                                    "handle, four bytes, both low "
                                    "bits of the first set, to " AT,
                                    call, SHOWN, l->answer, at);
}

// A guest and a vCPU of it, made on that thread; on its page 1 is a state to write.
static bool make_vcpu(lint* l, unsigned thread, uint32_t* vcpu) {
  uint64_t page = PAGE(1 + 4 * thread);
  uint32_t guest = 0;
  long status = -1;
  return tell(l, "map T%u " AT " 5a5a5a5a5a5a5a5a", thread, page) &&
         call(l, &status, "T%u zx_guest_create " AT " 0x0 " AT " " AT, thread, l->resource, page,
              page + 4) &&
         expect_handle(l, "zx_guest_create", status, page, &guest) &&
         tell(l, "map T%u " AT " 5a5a5a5a", thread, page + 8) &&
         call(l, &status, "T%u zx_vcpu_create 0x%x 0x0 0x0 " AT, thread, guest, page + 8) &&
         expect_handle(l, "zx_vcpu_create", status, page + 8, vcpu);
}

static bool write_state(lint* l, unsigned thread, uint32_t vcpu, long* status) {
  uint64_t page = PAGE(2 + 4 * thread);
  return tell(l, "map T%u " AT " 0000000000000000", thread, page) &&
         call(l, status, "T%u zx_vcpu_write_state 0x%x 0x0 " AT " 0x%x", thread, vcpu, page,
              l->arm64 ? 264 : 136);
}

// --- the greeting -----------------------------------------------------------------------------

static bool is_call(const char* word) {
#define VS_CALL(name, ...) \
  if (strcmp(word, "zx_" #name) == 0) return true;
#include <vcpuspec/calls.def>
  return false;
}

static bool take_word(lint* l, const char* word) {
  uint64_t size = 0;
  if (strcmp(word, "sums") == 0) l->sums = true;
  if (strcmp(word, "sums") == 0 || strcmp(word, "hold") == 0 || strcmp(word, "flip") == 0)
    return true;
  if (sscanf(word, "resource=0x%" SCNx64, &l->resource) == 1) return true;
  if (sscanf(word, "other_resource=0x%" SCNx64, &l->other_resource) == 1) return true;
  if (sscanf(word, "arena=" AT ":0x%" SCNx64, &l->base, &size) == 2 && size >= 1 << 20) {
    l->base = (l->base + 4095) & ~UINT64_C(4095);
    return true;
  }
  return is_call(word) || fail(l, "'%.*s' in the greeting is no word of it", SHOWN, word);
}

static bool take_greeting(lint* l) {
  char words[LINE + 1];
  char name[64] = "";
  char arch[8] = "";
  int version = 0;
  int end = 0;
  snprintf(l->greeting, sizeof l->greeting, "%.*s ", LINE - 1, l->answer);
  if (sscanf(l->answer, "hello %d", &version) == 1 && version != 2)
    return fail(l, "the shim speaks version %d of the protocol; 2 was expected", version);
  sscanf(l->answer, "hello 2 %63s %7s%n", name, arch, &end);
  l->arm64 = strcmp(arch, "arm64") == 0;
  if (end == 0 || (!l->arm64 && strcmp(arch, "x86-64") != 0))
    return fail(l, "'hello 2' was sent, '%.*s' came, 'hello 2 NAME x86-64|arm64 WORD...' expected",
                SHOWN, l->answer);
  snprintf(words, sizeof words, "%s", l->answer + end);
  char* rest = words;
  for (char* w = strtok_r(rest, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
    if (!take_word(l, w)) return false;
  }
  return true;
}

// On a serial line there may be other lines, and the shim may not read yet.
static bool hello(lint* l) {
  double until = soon(l);
  l->sums = false;
  do {
    if (!put_bytes(l, "hello 2\n", 8)) return false;
    double patience = l->patience;
    bool serial = l->channel.sort == VS_CHANNEL_SERIAL && patience > 0.5;
    if (serial) l->patience = 0.5;
    bool came = take_line(l, "hello 2");
    while (came && serial && strncmp(l->answer, "hello ", 6) != 0) came = take_line(l, "hello 2");
    l->patience = patience;
    if (came) return take_greeting(l);
    if (serial) l->failed = false;
  } while (!l->failed && vs_now() < until);
  return fail(l, "'hello 2' was sent, and no greeting came");
}

// --- the checks -------------------------------------------------------------------------------

static bool check_greeting(lint* l) {
  static const char* const least[] = {" zx_guest_create ", " zx_vcpu_create ",
                                      " zx_vcpu_write_state ", " zx_handle_close "};
  for (size_t i = 0; i < sizeof least / sizeof least[0]; i++) {
    if (strstr(l->greeting, least[i]) == NULL)
      return fail(l, "'%.*s' came: it was expected to have%s, without which nothing can be judged",
                  SHOWN, l->greeting, least[i]);
  }
  return is_silent(l, "hello 2") && note(l, "%.*s", SHOWN, l->greeting);
}

static bool check_new_handles(lint* l) {
  uint32_t vcpu;
  long status;
  return make_vcpu(l, 0, &vcpu) && write_state(l, 0, vcpu, &status) &&
         is_silent(l, "a call of T0") && note(l, "new handles are written to what is mapped");
}

static bool check_bad_handle(lint* l) {
  long status = 0;
  if (!write_state(l, 0, 0, &status)) return false;
  uint8_t page[4096] = {0};
  if (status == ZX_OK || apply(l, PAGE(2), page, sizeof page))
    return fail(l,
                "zx_vcpu_write_state of handle 0 came to '%.*s': a negative status and no change "
                "were expected",
                SHOWN, l->answer);
  return note(l, "a call with a bad handle is refused, and changes nothing");
}

static bool check_other_resource(lint* l) {
  long status = 0;
  if (l->other_resource == 0) return note(l, "none is offered: what refuses it is not judged");
  if (!tell(l, "map T0 " AT " 5a5a5a5a5a5a5a5a", PAGE(1)) ||
      !call(l, &status, "T0 zx_guest_create " AT " 0x0 " AT " " AT, l->other_resource, PAGE(1),
            PAGE(1) + 4))
    return false;
  if (status == ZX_ERR_BAD_HANDLE)
    return warn(l, "zx_guest_create does not know the `other_resource=` of the greeting");
  return note(l, "zx_guest_create knows the `other_resource=` of the greeting");
}

// A call that writes to memory where it cannot. That an implementation dies of it is its own fault.
static bool is_kept_out(lint* l, const char* what) {
  uint32_t vcpu;
  long status;
  if (!call(l, &status, "T0 zx_guest_create " AT " 0x0 " AT " " AT, l->resource, PAGE(1),
            PAGE(1) + 4)) {
    if (!l->ended) return false;
    l->failed = false;
    return warn(l, "the implementation does not survive it: nothing is known");
  }
  if (handle_at(l, PAGE(1)) != 0)
    return fail(l, "after '%s' of this page a call came to '%.*s': no change of it was expected",
                what, SHOWN, l->answer);
  return make_vcpu(l, 0, &vcpu) && note(l, "after '%s' a call does not change a page", what);
}

static bool check_readonly(lint* l) {
  return tell(l, "map T0 " AT " 0000000000000000 ro", PAGE(1)) && is_kept_out(l, "map ... ro");
}

static bool check_unmap(lint* l) {
  return tell(l, "map T0 " AT " 0000000000000000", PAGE(1)) && tell(l, "unmap T0 " AT, PAGE(1)) &&
         is_kept_out(l, "unmap");
}

// --- what a state shows of the memory ---

#define HEX_MAX (2 * STATE_MAX)

static bool has_word(const lint* l, const char* word) {
  const char* at = strstr(l->greeting, word);
  return at != NULL && at[-1] == ' ' && at[strlen(word)] == ' ';
}

static size_t state_size(const lint* l) {
  return l->arm64 ? 264 : 136;
}

// The general-purpose registers and the stack pointer: what a caller may give any value.
static size_t registers_size(const lint* l) {
  return l->arm64 ? 256 : 128;
}

static void fill(const lint* l, uint8_t state[STATE_MAX], unsigned seed) {
  memset(state, 0, STATE_MAX);
  for (size_t i = 0; i < registers_size(l); i++) state[i] = (uint8_t)(37 * i + seed);
}

static bool map_bytes(lint* l, uint64_t at, const uint8_t* bytes, size_t size) {
  char hex[HEX_MAX + 1];
  for (size_t i = 0; i < size; i++) snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
  return tell(l, "map T0 " AT " %s", at, hex);
}

static bool write_from(lint* l, uint32_t vcpu, uint64_t at, long* status) {
  return call(l, status, "T0 zx_vcpu_write_state 0x%x 0x0 " AT " 0x%zx", vcpu, at, state_size(l));
}

// Writes the state that stands there, reads it back to another place, and expects this one.
static bool is_taken_from(lint* l, uint32_t vcpu, uint64_t at, const uint8_t* wanted,
                          const char* what) {
  const uint64_t out = PAGE(13) - 40;
  long status = -1;
  uint8_t got[STATE_MAX];
  memset(got, 0x5a, sizeof got);
  if (!write_from(l, vcpu, at, &status)) return false;
  if (status != ZX_OK)
    return fail(l, "zx_vcpu_write_state of what %s answered %ld; 0 was expected", what, status);
  if (!map_bytes(l, out, got, state_size(l)) ||
      !call(l, &status, "T0 zx_vcpu_read_state 0x%x 0x0 " AT " 0x%zx", vcpu, out, state_size(l)))
    return false;
  if (status != ZX_OK)
    return fail(l, "zx_vcpu_read_state after it answered %ld; 0 was expected", status);
  apply(l, out, got, state_size(l));
  for (size_t i = 0; i < registers_size(l); i++) {
    if (got[i] == wanted[i]) continue;
    return fail(
        l,
        "zx_vcpu_write_state took what %s, and zx_vcpu_read_state told 0x%02x as byte %zu of the "
        "state; 0x%02x was expected",
        what, got[i], i, wanted[i]);
  }
  return true;
}

// Of one that cannot be looked at, nothing is seen.
static bool can_look(lint* l, bool* can) {
  *can = has_word(l, "zx_vcpu_read_state");
  return *can || warn(l, "nothing is known without zx_vcpu_read_state");
}

static bool check_pages(lint* l) {
  uint32_t vcpu;
  bool can;
  uint8_t state[STATE_MAX];
  const uint8_t zeros[STATE_MAX] = {0};
  const uint64_t across = PAGE(9) - 64;
  if (!can_look(l, &can)) return false;
  if (!can) return true;
  fill(l, state, 1);
  return make_vcpu(l, 0, &vcpu) && map_bytes(l, across, state, state_size(l)) &&
         is_taken_from(l, vcpu, across, state, "a `map` over the end of a page put there") &&
         map_bytes(l, PAGE(8), zeros, 1) &&
         is_taken_from(l, vcpu, across, state, "a `map` left where it was") &&
         is_taken_from(l, vcpu, PAGE(8) + 8, zeros, "a new page holds (zeros)") &&
         map_bytes(l, PAGE(10), state, state_size(l)) && tell(l, "unmap T0 " AT, PAGE(10)) &&
         map_bytes(l, PAGE(11) - 1, zeros, 1) &&
         is_taken_from(l, vcpu, PAGE(10), zeros, "a page holds after `unmap` and `map` (zeros)") &&
         note(l, "`map` puts bytes over two pages, and a page that was not there is zeros");
}

static bool expect_held(lint* l, const char* what, long status) {
  if (strncmp(strchr(l->answer, ' ') != NULL ? strchr(l->answer, ' ') : "", " held", 5) == 0 &&
      status == ZX_OK)
    return true;
  return fail(l, "after '%s' zx_vcpu_write_state came to '%.*s'; '0 held' was expected", what,
              SHOWN, l->answer);
}

static bool check_hold(lint* l) {
  uint32_t vcpu;
  bool can;
  long status = -1;
  uint8_t state[STATE_MAX];
  const uint64_t across = PAGE(9) - 64;
  if (!has_word(l, "hold")) return note(l, "it does not declare it");
  if (!can_look(l, &can)) return false;
  if (!can) return true;
  fill(l, state, 2);
  if (!make_vcpu(l, 0, &vcpu) || !map_bytes(l, across, state, state_size(l)) ||
      !tell(l, "hold T0 " AT " 0102030405060708", PAGE(9)) ||
      !write_from(l, vcpu, across, &status) || !expect_held(l, "hold", status))
    return false;
  for (size_t i = 0; i < 8; i++) state[56 + i] = (uint8_t)(i + 1);
  return is_taken_from(l, vcpu, across, state, "a `hold` wrote (it stays)") &&
         (strstr(l->answer, " held") == NULL || fail(l, "a `hold` is of the next call alone")) &&
         note(l, "what it writes is there once the call comes to the page, and stays");
}

static bool check_flip(lint* l) {
  uint32_t vcpu;
  bool can;
  long status = -1;
  uint8_t state[STATE_MAX];
  if (!has_word(l, "flip")) return note(l, "it does not declare it");
  if (!can_look(l, &can)) return false;
  if (!can) return true;
  fill(l, state, 3);
  if (!make_vcpu(l, 0, &vcpu) || !map_bytes(l, PAGE(8), state, state_size(l))) return false;
  for (unsigned turn = 0; turn < 8; turn++) {  // what is left there may be right by chance
    if (!tell(l, "flip T0 " AT " 0102030405060708", PAGE(8)) ||
        !write_from(l, vcpu, PAGE(8), &status) || !expect_held(l, "flip", status) ||
        !is_taken_from(l, vcpu, PAGE(8), state, "was there before a `flip`"))
      return false;
  }
  return note(l, "afterwards there is what was there before");
}

// Of `ro` and of what was mapped as well.
static bool forgets_memory(lint* l) {
  uint32_t vcpu;
  long status = -1;
  if (!tell(l, "map T0 " AT " 0000 ro", PAGE(1)) || !hello(l) || !make_vcpu(l, 0, &vcpu) ||
      !write_state(l, 0, vcpu, &status) || !hello(l) || !make_vcpu(l, 0, &vcpu))
    return false;
  if (!write_from(l, vcpu, PAGE(2), &status)) {
    if (!l->ended) return false;
    l->failed = false;
    return true;  // an implementation may die of it
  }
  return status != ZX_OK ||
         fail(l,
              "zx_vcpu_write_state from a page that was mapped before 'hello 2' answered 0; "
              "ZX_ERR_INVALID_ARGS, -10, was expected: hello forgets the memory");
}

// An implementation that closes whatever it is told shows nothing by closing.
static bool check_hello(lint* l) {
  for (unsigned turn = 0; turn < 20; turn++) {
    uint32_t vcpu;
    long written = -1;
    long closed = -1;
    long never = -1;
    if (!make_vcpu(l, turn % 2, &vcpu) || !hello(l) || !write_state(l, 0, vcpu, &written) ||
        !call(l, &closed, "T0 zx_handle_close 0x%x", vcpu) ||
        !call(l, &never, "T0 zx_handle_close 0x0")) {
      return false;
    }
    if (written != ZX_ERR_BAD_HANDLE || (closed == ZX_OK && never != ZX_OK))
      return fail(
          l,
          "zx_vcpu_write_state and zx_handle_close of a vCPU from before 'hello 2' answered "
          "%ld and %ld; ZX_ERR_BAD_HANDLE, -11, was expected: hello forgets every object",
          written, closed);
  }
  return forgets_memory(l) && note(l, "'hello 2' forgets every object, and the memory");
}

static bool check_threads(lint* l) {
  uint32_t vcpu;
  long own = -1;
  long other = -1;
  if (!make_vcpu(l, 1, &vcpu) || !write_state(l, 0, vcpu, &other) || !write_state(l, 1, vcpu, &own))
    return false;
  if (own != ZX_OK)
    return fail(l,
                "zx_vcpu_write_state on T1 of a vCPU that T1 made answered %ld; 0 was expected: "
                "is each caller one thread from its first line to 'end'?",
                own);
  if (other == ZX_OK)
    return warn(l,
                "T0 may write to a vCPU of T1, which ZX_ERR_BAD_STATE was expected "
                "for: the implementation, or this shim, does not tell threads apart");
  if (!tell(l, "end T1") || !write_state(l, 1, vcpu, &own)) return false;
  return own != ZX_OK
             ? note(l, "T1 and T0 are told apart, and T1 after 'end T1' is another thread")
             : fail(l,
                    "'end T1' was sent, and zx_vcpu_write_state on T1 of a vCPU from before "
                    "answered 0; ZX_ERR_BAD_STATE, -20, was expected: it is another thread");
}

// A line that is not understood, and one that is.
static bool refuses(lint* l, const char* line, size_t length, const char* tag) {
  char shown[SHOWN];
  long status;
  snprintf(shown, sizeof shown, "%s", line);
  if (!put(l, line, length) || !take(l, shown, tag)) return false;
  if (strncmp(l->answer, "error ", 6) != 0)
    return fail(l, "'%s' was sent, '%s %.*s' came, '%s error TEXT' was expected", shown, tag, SHOWN,
                l->answer, tag);
  return call(l, &status, "T0 zx_handle_close 0x0");
}

static bool check_errors(lint* l) {
  static const struct {
    const char* tag;
    const char* line;
  } rows[] = {
      {"0", "fnord"},
      {"0", ""},
      {"0", "T0 zx_handle_close 0x0"},
      {"0", "-1 T0 zx_handle_close 0x0"},
      {"0", "hello"},
      {"0", "map T0 0x7e9000001000"},
      {"0", "map T0 0x7e9000001000 5"},
      {"0", "map T0 0x7e9000001000 5x"},
      {"0", "map T0 7e9000001000 55"},
      {"0", "map T0 0x7e9000001000 55 rw"},
      {"0", "map 0 0x7e9000001000 55"},
      {"0", "unmap T0"},
      {"0", "end"},
      {"0", "end 1"},
      {"7001", "7001"},
      {"7002", "7002 T0"},
      {"7003", "7003 T0 zx_fnord 0x0"},
      {"7004", "7004 T0 zx_handle_close"},
      {"7005", "7005 T0 zx_handle_close 0x0 0x0"},
      {"7006", "7006 T0 zx_handle_close 0"},
      {"7007", "7007 T0 zx_handle_close 0xg"},
      {"7008", "7008 T0 zx_handle_close 0x10000000000000000"},
      {"7009", "7009 T0 zx_handle_close  0x0"},
      {"7010", "7010 zx_handle_close 0x0"},
      {"7011", "7011 T0 zx_handle_close 0x0\x01"},
      {"7012", "7012 T0 map 0x7e9000001000 55"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (!refuses(l, rows[i].line, strlen(rows[i].line), rows[i].tag)) return false;
  }
  return note(l, "%zu lines that make no sense are answered with 'error'",
              sizeof rows / sizeof rows[0]);
}

static bool check_long_line(lint* l) {
  enum { MUCH = 100000 };
  static const size_t sizes[] = {LINE + 100, MUCH};
  char* line = malloc(MUCH + 1);
  bool good = line != NULL;
  for (size_t i = 0; good && i < 2; i++) {
    memset(line, 'x', sizes[i]);
    memcpy(line, "7 T0 ", 5);
    line[sizes[i]] = '\0';
    good = refuses(l, line, sizes[i], "7");
  }
  free(line);
  return good && note(l, "a line of more than 16384 bytes is answered with 'error'");
}

static bool check_tags(lint* l) {
  static const char* const tags[] = {"1", "4096", "4294967296", "9223372036854775807"};
  for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
    char line[64];
    snprintf(line, sizeof line, "%s T0 zx_handle_close 0x0", tags[i]);
    if (!put(l, line, strlen(line)) || !take(l, line, tags[i])) return false;
  }
  return note(l, "tags come back as they were sent");
}

static bool take_result(lint* l, const char* asked) {
  long status;
  return take(l, asked, "1") &&
         (is_result(l->answer, &status) ||
          fail(l, "%s came to '%.*s': a result was expected", asked, SHOWN, l->answer));
}

static bool check_pieces(lint* l) {
  static const char line[] = "1 T0 zx_handle_close 0x0";
  char lines[128];
  char end[SUM + 3] = "";
  if (l->sums) write_sum(end, line, strlen(line));
  size_t used = strlen(end);
  snprintf(end + used, sizeof end - used, "%s", l->sums ? "\n" : "\r\n");
  int length = snprintf(lines, sizeof lines, "%s%s%s%s", line, end, line, end);
  for (int i = 0; i < length / 2; i++) {
    if (!put_bytes(l, lines + i, 1)) return false;
    nap(1);
  }
  return take_result(l, "a line, byte by byte") && put_bytes(l, lines, (size_t)length) &&
         take_result(l, "two lines at once") && take_result(l, "two lines at once") &&
         note(l, "lines may come in pieces, together, and with \\r");
}

static bool check_sums(lint* l) {
  static const char line[] = "7 T0 zx_handle_close 0x0 sum=00000000\n";
  if (!l->sums) return note(l, "it does not declare sums");
  if (!put_bytes(l, line, strlen(line)) || !take(l, line, "7")) return false;
  return strncmp(l->answer, "error ", 6) == 0
             ? note(l, "a wrong one is noticed")
             : fail(l,
                    "a line with a wrong sum was sent, '7 %.*s' came, '7 error TEXT' was expected",
                    SHOWN, l->answer);
}

static bool check_end(lint* l) {
  vs_channel* c = &l->channel;
  long status;
  if (c->sort != VS_CHANNEL_PROCESS) return note(l, "of a process alone");
  if (!call(l, &status, "T1 zx_handle_close 0x0")) return false;
  vs_channel_say_end(c);
  if (take_line(l, "")) return fail(l, "its input ended, and '%.*s' came", SHOWN, l->answer);
  for (double until = soon(l); !vs_child_ended(&c->child) && vs_now() < until;) nap(1);
  l->failed = false;
  if (c->child.pid != 0) return fail(l, "its input ended %g s ago, and it did not", l->patience);
  if (c->child.death == VS_DEATH_SIGNAL)
    return fail(l, "its input ended, and signal %d ended it", c->child.detail);
  return note(l, "the process ends at the end of its input");
}

static const struct {
  const char* name;
  bool (*check)(lint* l);
} checks[] = {
    {"greeting", check_greeting},
    {"memory", check_new_handles},
    {"bad handle", check_bad_handle},
    {"other resource", check_other_resource},
    {"read-only", check_readonly},
    {"unmap", check_unmap},
    {"hello", check_hello},
    {"threads", check_threads},
    {"pages", check_pages},
    {"hold", check_hold},
    {"flip", check_flip},
    {"errors", check_errors},
    {"long line", check_long_line},
    {"tags", check_tags},
    {"pieces", check_pieces},
    {"sums", check_sums},
    {"end of input", check_end},
};

// A process that starts has longer for its first line.
static bool start(lint* l) {
  const double patience = l->patience;
  if (!vs_channel_open(&l->channel, &l->why)) return false;
  if (l->channel.sort == VS_CHANNEL_PROCESS && patience < VS_CHANNEL_START)
    l->patience = VS_CHANNEL_START;
  const bool greeted = hello(l);
  l->patience = patience;
  return greeted;
}

static bool begin(lint* l) {
  return (vs_channel_parse(&l->channel, l->where, &l->why) && start(l)) || !(l->failed = true);
}

// What the shim said on standard error may say more than we can.
static void add_errors(lint* l) {
  char errors[320];
  vs_tail_say(&l->channel.tail, errors, sizeof errors);
  if (errors[0] == '\0') return;
  for (char* c = errors; *c != '\0'; c++) {
    if (*c == '\n') *c = c[1] == '\0' ? ' ' : '|';
  }
  vs_refuse_more(&l->why, "; on its standard error: %s", errors);
}

vs_lint_sum vs_lint(const char* where, double patience, vs_lint_tell tell_of, void* context) {
  vs_lint_sum sum = {0};
  lint* l = calloc(1, sizeof *l);
  if (l == NULL) return sum;
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    *l = (lint){.where = where, .patience = patience, .base = UINT64_C(0x7e9000000000)};
    bool greeted = begin(l);
    bool good = greeted && checks[i].check(l) && !l->failed;
    vs_lint_verdict verdict = l->warns ? VS_LINT_WARNS : VS_LINT_OK;
    vs_channel_close(&l->channel, good ? patience : 0);
    if (!good) add_errors(l);
    if (!good) verdict = VS_LINT_FAILS;
    bool more = tell_of(context, checks[i].name, verdict, l->why.text);
    sum.of[verdict]++;
    sum.spoke |= greeted || l->spoke;
    if (!more || (!greeted && i == 0)) break;
  }
  free(l);
  return sum;
}
