// SPDX-License-Identifier: BSD-3-Clause
#include "lint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executor/executor.h"
#include "greeting.h"
#include "text/calls.h"
#include "text/document.h"

enum { SHOWN = 80, WHY = 512, MUCH = 100000 };

typedef struct lint {
  const char* where;
  double patience;
  vs_channel channel;
  vs_greeting greeting;
  vs_tail noise;
  uint64_t number;
  char reply[VS_WIRE_LINE + 1];  // words of the last one, without number and sum
  bool failed;
  char why[WHY];
} lint;

// --- what is wrong ----------------------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static bool fail(lint* l, const char* format, ...) {
  va_list arguments;
  if (l->failed) return false;  // the first trouble is the cause of the others
  va_start(arguments, format);
  vsnprintf(l->why, sizeof l->why, format, arguments);
  va_end(arguments);
  for (char* c = l->why; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) *c = '?';
  }
  l->failed = true;
  return false;
}

__attribute__((format(printf, 2, 3))) static bool note(lint* l, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(l->why, sizeof l->why, format, arguments);
  va_end(arguments);
  return true;
}

// --- talking ----------------------------------------------------------------------------------

static double soon(const lint* l) {
  return vs_now() + l->patience;
}

static bool begin(lint* l) {
  l->number = 0;
  if (!vs_channel_parse(&l->channel, l->where, l->why, sizeof l->why) ||
      !vs_channel_open(&l->channel, l->why, sizeof l->why) ||
      !vs_greet(&l->channel, soon(l), &l->greeting, &l->noise, l->why, sizeof l->why)) {
    l->failed = true;
    return false;
  }
  if (!vs_greeting_runs_guests(&l->greeting)) return true;
  return vs_describe_guests(&l->channel, &l->greeting, soon(l)) ||
         fail(l, "the description of the guests' memory is not taken");
}

static bool put(lint* l, const char* bytes, size_t length) {
  if (vs_channel_send(&l->channel, bytes, length, soon(l)) == VS_CHANNEL_DONE) return true;
  return fail(l, "the shim has ended, or reads no more, after '%.*s'",
              length < SHOWN ? (int)strcspn(bytes, "\n") : SHOWN, bytes);
}

// The next line, and what was asked for it.
static bool take_line(lint* l, const char* asked, const char** line, size_t* length) {
  vs_channel_result result = vs_channel_line(&l->channel, soon(l), line, length);
  if (result == VS_CHANNEL_DONE) return true;
  const char* what = "ended instead of answering";
  if (result == VS_CHANNEL_LATE) what = "does not answer";
  if (result == VS_CHANNEL_LONG) what = "answers more than 8191 bytes without a newline to";
  if (result == VS_CHANNEL_LATE)
    return fail(l, "the shim %s '%.*s' within %g s: is every reply flushed?", what, SHOWN, asked,
                l->patience);
  return fail(l, "the shim %s '%.*s'", what, SHOWN, asked);
}

static bool take_sum(lint* l, const char* line, size_t* length) {
  enum { LENGTH = sizeof " sum=12345678" - 1 };
  char sum[LENGTH + 1] = "";
  if (!l->greeting.sums) return true;
  if (*length > LENGTH) {
    snprintf(sum, sizeof sum, " sum=%08" PRIx32, vs_wire_sum(line, *length - LENGTH));
    *length -= LENGTH;
    if (memcmp(line + *length, sum, LENGTH) == 0) return true;
  }
  return fail(l, "the shim declares sums, and the line '%.*s' does not end in%s", SHOWN, line,
              sum[0] ? sum : " sum=");
}

// A reply with that number: its words are in l->reply.
static bool take_reply(lint* l, const char* asked, const char* number) {
  const char* line;
  size_t length;
  if (!take_line(l, asked, &line, &length) || !take_sum(l, line, &length)) return false;
  size_t digits = strlen(number);
  bool same = length > digits && memcmp(line, number, digits) == 0 && line[digits] == ' ';
  if (!same)
    return fail(l, "'%.*s' was answered '%.*s': a reply begins with the request's number, here %s",
                SHOWN, asked, length < SHOWN ? (int)length : SHOWN, line, number);
  snprintf(l->reply, sizeof l->reply, "%.*s", (int)(length - digits - 1), line + digits + 1);
  return true;
}

static size_t finish(const lint* l, char* line, size_t length) {
  if (l->greeting.sums) {
    length += (size_t)snprintf(line + length, 16, " sum=%08" PRIx32, vs_wire_sum(line, length));
  }
  line[length++] = '\n';
  return length;
}

// A request of these words, with the next number, and its reply.
static bool ask(lint* l, const char* words) {
  char line[VS_WIRE_LINE + 64];
  char number[24];
  snprintf(number, sizeof number, "%" PRIu64, ++l->number);
  int length = snprintf(line, VS_WIRE_LINE, "%s %s", number, words);
  return put(l, line, finish(l, line, (size_t)length)) && take_reply(l, words, number);
}

static bool is_error(const char* words) {
  return strcmp(words, "= error") == 0 || strncmp(words, "= error ", 8) == 0;
}

static bool answers(lint* l, const char* after) {
  if (!ask(l, "reset")) return false;
  return strcmp(l->reply, "= ZX_OK") == 0 ||
         fail(l, "after %s 'reset' was answered '%.*s', and not '= ZX_OK'", after, SHOWN, l->reply);
}

// Bytes that are no request, and are answered by an error with this number; then all goes on.
static bool refuses(lint* l, const char* what, const char* bytes, size_t length,
                    const char* number) {
  char after[96];
  if (!put(l, bytes, length) || !take_reply(l, what, number)) return false;
  if (!is_error(l->reply))
    return fail(l, "%s was answered '%.*s', and not '%s = error ...'", what, SHOWN, l->reply,
                number);
  snprintf(after, sizeof after, "%s", what);
  return answers(l, after);
}

static bool is_silent(lint* l, const char* after) {
  const struct timespec pause = {0, 50000000};
  nanosleep(&pause, NULL);
  if (l->channel.sort == VS_CHANNEL_SERIAL || !vs_channel_has_more(&l->channel)) return true;
  size_t length = SHOWN;
  const char* rest = vs_channel_rest(&l->channel, &length);
  return fail(l, "after %s the shim wrote '%.*s' without being asked", after, (int)length, rest);
}

// --- playing scripts --------------------------------------------------------------------------

static void play(void* context, const vs_op* op, bool join, vs_observation* seen) {
  lint* l = context;
  char words[VS_WIRE_LINE];
  vs_fault fault;
  vs_op asked = *op;
  if (join) asked.code = VS_OP_JOIN;
  *seen = (vs_observation){.outcome = VS_UNSUPPORTED, .call = vs_call_of(op)};
  if (l->failed) return;
  vs_wire_print(words, &asked);
  if (!ask(l, words)) return;
  vs_observation answered;
  const vs_arch_info* info = vs_arch_find(l->greeting.arch);
  switch (vs_wire_read(l->reply, strlen(l->reply), op, info, &answered, &fault)) {
    case VS_WIRE_ERROR:
      fail(l, "'%.*s' is not understood:%s", SHOWN, words, fault.message);
      return;
    case VS_WIRE_FAULT:
      fail(l, "'%.*s' was answered '%.*s': %s", SHOWN, words, SHOWN, l->reply, fault.message);
      return;
    default:
      *seen = answered;
  }
  if (seen->outcome == VS_UNSUPPORTED && op->code != VS_OP_GUEST_LOAD && op->thread == 0) {
    fail(l, "%s is declared, and '%.*s' was answered '%.*s'", vs_call_name(vs_call_of(op)), SHOWN,
         words, SHOWN, l->reply);
  }
}

static void reset(void* context) {
  answers(context, "a script");
}

// Plays a script of ours; `skip` says which ops are left out.
static bool play_text(lint* l, const char* text, bool (*skip)(const lint* l, const vs_op* op)) {
  vs_document d;
  vs_fault fault;
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = l->greeting.arch};
  const vs_player player = {play, reset, l};
  if (vs_document_read(&source, &reading, &d, &fault) != VS_READ_OK)
    return fail(l, "line %zu of our own script: %s", fault.line, fault.message);
  vs_executor* x = vs_executor_open_elsewhere(&player, &l->greeting.calls, l->greeting.arch);
  vs_observation* seen = calloc(d.count, sizeof *seen);
  for (size_t i = 0; x != NULL && seen != NULL && i < d.count && !l->failed; i++) {
    if (skip == NULL || !skip(l, &d.ops[i])) vs_execute_op(x, &d.ops[i], &seen[i]);
  }
  if (x != NULL) vs_executor_reset(x);
  if (x != NULL) vs_executor_close(x);
  free(seen);
  vs_document_free(&d);
  return !l->failed;
}

// --- the checks -------------------------------------------------------------------------------

static const char header[] = "vcpuspec script 1\n";

static bool check_greeting(lint* l) {
  size_t calls = 0;
#define VS_CALL(name, word, phase, text, ...) calls += l->greeting.calls.name != NULL;
#include <vcpuspec/calls.def>
  if (!is_silent(l, "its greeting")) return false;
  const vs_greeting* g = &l->greeting;
  const vs_calls* c = &g->calls;
  bool least = c->guest_create && c->vcpu_create && c->vcpu_write_state && c->handle_close;
  if (!least)
    return fail(l,
                "zx_guest_create, zx_vcpu_create, zx_vcpu_write_state and zx_handle_close are "
                "the least that can be judged: 'calls' lacks one of them");
  return note(l, "%s%s%s, %s, %zu calls%s", g->name, g->version[0] ? " " : "", g->version,
              vs_arch_find(g->arch)->name, calls, g->sums ? ", sums" : "");
}

static bool check_operations(lint* l) {
  static const char text[] =
      "vcpuspec script 1\n"
      "T0: h0 h1 = guest_create\n"
      "T0: h2 = vcpu_create h0 dump\n"
      "T0: write_state h2 state fill=1\n"
      "T0: write_state h2 io access=4 data=0x11223344\n"
      "T0: write_state h2 kind=0xffffffff size=0 length=0\n"
      "T0: write_state h2 kind=2 size=0xffffffffffffffff length=2048\n"
      "T0: read_state h2\n"
      "T0: write_state raw=0 state fill=2\n"
      "T0: write_state h2&~3 state fill=2\n"
      "T0: write_state h2^0x40000000 state fill=2\n"
      "T0: h3 = event_create\n"
      "T0: h4 = port_create\n"
      "T0: h5 = vmo_create\n"
      "T0: h6 = duplicate h2 same_rights\n"
      "T0: h7 = replace h6 write\n"
      "T0: write_state h7 state fill=3\n"
      "T0: interrupt h2 32\n"
      "T0: close h7\n"
      "T0: write_state h7 state fill=4\n"
      "T0: close h2\n"
      "T0: close h0\n";
  return play_text(l, text, NULL) && note(l, "each that is declared is answered by a result");
}

static bool check_threads(lint* l) {
  static const char text[] =
      "vcpuspec script 1\n"
      "T0: h0 h1 = guest_create\n"
      "T0: h2 = vcpu_create h0 dump\n"
      "T1: write_state h2 state fill=1\n"
      "T2: close h2\n"
      "T1: thread_exit\n"
      "T1: h3 = vcpu_create h0 dump\n"
      "T1: start close h3\n"
      "T0: close h0\n"
      "T1: join\n";
  return play_text(l, text, NULL) && note(l, "T1 and T2 take part, a started call is joined");
}

static bool check_guests(lint* l) {
  static const char text[] =
      "vcpuspec script 1\n"
      "T0: h0 h1 = guest_create\n"
      "T0: h8 = guest_load h0 h1\n"
      "T0: h2 = vcpu_create h0 dump\n"
      "T0: write_state h2 state fill=1\n"
      "T0: enter h2\n"
      "T0: read_state h2\n";
  if (!vs_greeting_runs_guests(&l->greeting) || l->greeting.calls.vcpu_enter == NULL) {
    return note(l, "it declares no calls to run guests with");
  }
  return play_text(l, text, NULL) && note(l, "a guest is loaded, and entered");
}

static bool check_undeclared(lint* l) {
  static const struct {
    const char* words;
    size_t offset;
    const char* call;
  } rows[] = {
      {"T0: h3 = event_create", offsetof(vs_calls, event_create), "zx_event_create"},
      {"T0: h3 = port_create", offsetof(vs_calls, port_create), "zx_port_create"},
      {"T0: h3 = vmo_create", offsetof(vs_calls, vmo_create), "zx_vmo_create"},
      {"T0: kick raw=0x7", offsetof(vs_calls, vcpu_kick), "zx_vcpu_kick"},
      {"T0: interrupt raw=0x7 32", offsetof(vs_calls, vcpu_interrupt), "zx_vcpu_interrupt"},
      {"T0: read_state raw=0x7", offsetof(vs_calls, vcpu_read_state), "zx_vcpu_read_state"},
      {"T0: enter raw=0x7", offsetof(vs_calls, vcpu_enter), "zx_vcpu_enter"},
  };
  size_t missing = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    void* call;
    memcpy(&call, (const char*)&l->greeting.calls + rows[i].offset, sizeof call);
    if (call != NULL) continue;
    missing++;
    if (!ask(l, rows[i].words)) return false;
    bool lacks = strncmp(l->reply, "= unsupported", 13) == 0 || is_error(l->reply);
    if (!lacks)
      return fail(l,
                  "%s is not declared, and '%s' was answered '%.*s': declare it, or answer "
                  "'= unsupported'",
                  rows[i].call, rows[i].words, SHOWN, l->reply);
  }
  return note(l, "%zu calls that it does not declare are not there", missing);
}

static bool check_places(lint* l) {
  char text[512];
  size_t count = 0;
  for (unsigned at = 0; at < VS_PLACEMENT_COUNT; at++) {
    if (!(l->greeting.places & VS_BIT(at))) continue;
    count++;
    snprintf(text, sizeof text,
             "%sT0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 dump\n"
             "T0: write_state h2 state fill=1 at=%s%s\n",
             header, vs_placements[at].name, at == VS_AT_NONCANONICAL ? ":48" : ":8");
    if (!play_text(l, text, NULL)) return false;
  }
  return note(l, "%zu placements of a buffer", count);
}

static bool check_unknown_operation(lint* l) {
  char line[96];
  int length = snprintf(line, sizeof line, "%" PRIu64 " T0: fnord h2", ++l->number);
  char number[24];
  snprintf(number, sizeof number, "%" PRIu64, l->number);
  return refuses(l, "'N T0: fnord h2'", line, finish(l, line, (size_t)length), number) &&
         note(l, "is answered by an error, and all goes on");
}

static bool check_no_request(lint* l) {
  static const char* const lines[] = {"fnord", "", "T0: close h2", "-1 reset", " ", "= ZX_OK"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char line[64];
    char what[64];
    snprintf(what, sizeof what, "a line of '%s'", lines[i]);
    int length = snprintf(line, 32, "%s", lines[i]);
    if (!refuses(l, what, line, finish(l, line, (size_t)length), "0")) return false;
  }
  return note(l, "what has no number is answered with the number 0");
}

static bool check_garbage(lint* l) {
  char line[256];
  for (unsigned turn = 0; turn < 4; turn++) {
    size_t length = 0;
    line[length++] = '7';
    line[length++] = ' ';
    for (unsigned i = 0; i < 100; i++) {
      line[length++] = (char)(turn == 0   ? 0
                              : turn == 1 ? 0x80 + i
                              : turn == 2 ? 1 + i % 9
                                          : i * 37);
    }
    for (size_t i = 0; i < length; i++) {
      if (line[i] == '\n' || line[i] == '\r') line[i] = '\0';
    }
    line[length++] = '\n';
    if (!refuses(l, "a line of bytes that are no text", line, length, "7")) return false;
  }
  return note(l, "is answered by an error, and all goes on");
}

static bool check_oversize(lint* l) {
  static const size_t sizes[] = {VS_WIRE_LINE + 1, MUCH};
  char* line = malloc(MUCH + 1);
  bool good = true;
  if (line == NULL) return fail(l, "no memory");
  for (size_t i = 0; good && i < sizeof sizes / sizeof sizes[0]; i++) {
    memset(line, 'x', sizes[i]);
    line[0] = '9';
    line[1] = ' ';
    line[sizes[i]] = '\n';
    good = refuses(l, "a line of more than 8191 bytes", line, sizes[i] + 1, "9");
  }
  free(line);
  return good && note(l, "is answered by one error, and all goes on");
}

static bool check_bad_arguments(lint* l) {
  static const char* const words[] = {
      "T9: close h0",
      "T0:",
      "T0: close",
      "T0: close h99",
      "T0: close h",
      "T0: h2 = close h0",
      "T0: write_state",
      "T0: write_state raw=7",
      "T0: write_state raw=7 kind=x size=0 length=0 at=plain",
      "T0: write_state raw=7 kind=0x0 size=1 length=1 at=plain bytes=0",
      "T0: write_state raw=7 kind=0x0 size=1 length=1 at=plain bytes=zz",
      "T0: write_state raw=7 kind=0x0 size=1 length=99999999 at=plain",
      "T0: write_state raw=7 kind=0x100000000 size=1 length=1 at=plain",
      "T1: join"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (!ask(l, words[i])) return false;
    if (!is_error(l->reply))
      return fail(l, "'%s' was answered '%.*s', and not '= error ...'", words[i], SHOWN, l->reply);
  }
  return answers(l, "requests that make no sense") &&
         note(l, "requests that make no sense are answered by errors");
}

static bool check_slow_writer(lint* l) {
  const struct timespec pause = {0, 2000000};
  char line[64];
  int length = snprintf(line, 32, "%" PRIu64 " reset", ++l->number);
  size_t size = finish(l, line, (size_t)length);
  char number[24];
  snprintf(number, sizeof number, "%" PRIu64, l->number);
  for (size_t i = 0; i < size; i++) {
    if (!put(l, line + i, 1)) return false;
    nanosleep(&pause, NULL);
    if (i + 1 < size && l->channel.sort != VS_CHANNEL_SERIAL && vs_channel_has_more(&l->channel))
      return fail(l, "a request is answered before its newline has come");
  }
  return take_reply(l, "reset, a byte at a time", number) &&
         note(l, "a request that comes a byte at a time is one");
}

static bool check_two_at_once(lint* l) {
  char lines[256];
  char numbers[2][24];
  size_t size = 0;
  for (size_t i = 0; i < 2; i++) {
    char line[64];
    snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, ++l->number);
    int length = snprintf(line, 40, "%s reset", numbers[i]);
    size_t whole = finish(l, line, (size_t)length);
    memcpy(lines + size, line, whole);
    size += whole;
  }
  return put(l, lines, size) && take_reply(l, "the first of two at once", numbers[0]) &&
         take_reply(l, "the second of two at once", numbers[1]) &&
         note(l, "two requests in one piece are answered one after the other");
}

static bool check_numbers(lint* l) {
  static const uint64_t numbers[] = {1, 4096, UINT64_C(4294967296), UINT64_C(9223372036854775806)};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    l->number = numbers[i];
    if (!ask(l, "reset")) return false;
  }
  return note(l, "up to 2^63 - 1 are repeated as they came");
}

static bool check_crlf(lint* l) {
  char line[64];
  if (l->greeting.sums) return note(l, "not of lines with sums");
  int length = snprintf(line, sizeof line, "%" PRIu64 " reset\r\n", ++l->number);
  char number[24];
  snprintf(number, sizeof number, "%" PRIu64, l->number);
  if (!put(l, line, (size_t)length) || !take_reply(l, "reset and \\r\\n", number)) return false;
  return strcmp(l->reply, "= ZX_OK") == 0
             ? note(l, "a \\r before the newline says nothing")
             : fail(l, "'reset' with \\r\\n was answered '%.*s'", SHOWN, l->reply);
}

static bool check_reset(lint* l) {
  enum { TURNS = 300 };
  static const char text[] =
      "vcpuspec script 1\n"
      "T0: h0 h1 = guest_create\n"
      "T0: h2 = vcpu_create h0 dump\n"
      "T0: h2 = duplicate h2 same_rights\n";
  for (unsigned i = 0; i < TURNS; i++) {
    if (!play_text(l, text, NULL)) return false;
    if (!ask(l, "T0: h0 h1 = guest_create")) return false;
    if (strncmp(l->reply, "= ZX_OK ", 8) != 0)
      return fail(l,
                  "after %u cases guest_create was answered '%.*s': does reset close every "
                  "handle, also those whose slot was filled anew?",
                  i + 1, SHOWN, l->reply);
    if (!ask(l, "T0: h2 = vcpu_create h0 dump")) return false;
    if (strncmp(l->reply, "= ZX_OK ", 8) != 0)
      return fail(l,
                  "after %u cases vcpu_create was answered '%.*s': does reset close every "
                  "handle, also those whose slot was filled anew?",
                  i + 1, SHOWN, l->reply);
    if (!answers(l, "a case")) return false;
  }
  return note(l, "nothing is left over of %d cases", TURNS);
}

static bool check_greeted_again(lint* l) {
  vs_greeting again;
  if (!ask(l, "T0: h0 h1 = guest_create")) return false;
  if (!vs_greet(&l->channel, soon(l), &again, &l->noise, l->why, sizeof l->why)) {
    l->failed = true;
    return false;
  }
  if (strcmp(again.name, l->greeting.name) != 0 || again.arch != l->greeting.arch)
    return fail(l, "greeted again, it calls itself '%s', and not '%s'", again.name,
                l->greeting.name);
  l->number = 0;
  return answers(l, "another greeting") && note(l, "it greets again, and begins anew");
}

static bool check_sums(lint* l) {
  char line[64];
  if (!l->greeting.sums) return note(l, "it does not declare sums");
  int length = snprintf(line, sizeof line, "%" PRIu64 " reset sum=00000000\n", ++l->number);
  char number[24];
  snprintf(number, sizeof number, "%" PRIu64, l->number);
  return refuses(l, "a request with a wrong sum", line, (size_t)length, number) &&
         note(l, "a wrong one is noticed");
}

static bool ends(lint* l, const char* after) {
  const char* line;
  size_t length;
  vs_channel* c = &l->channel;
  if (c->sort != VS_CHANNEL_PROCESS) return note(l, "of a process alone");
  vs_channel_say_end(c);
  vs_channel_result result = vs_channel_line(c, soon(l), &line, &length);
  if (result == VS_CHANNEL_DONE)
    return fail(l, "%s it still wrote '%.*s'", after, length < SHOWN ? (int)length : SHOWN, line);
  const struct timespec pause = {0, 1000000};
  for (double until = soon(l); !vs_child_ended(&c->child) && vs_now() < until;) {
    nanosleep(&pause, NULL);
  }
  if (c->child.pid != 0) return fail(l, "%s it did not end within %g s", after, l->patience);
  if (c->child.death == VS_DEATH_SIGNAL)
    return fail(l, "%s it was ended by signal %d", after, c->child.detail);
  return note(l, "it ends, with exit status %d", c->child.detail);
}

static bool check_end_of_input(lint* l) {
  return ends(l, "at the end of its input");
}

static bool check_truncated(lint* l) {
  static const char part[] = "1 rese";
  return put(l, part, sizeof part - 1) && ends(l, "at the end of its input, within a request,");
}

static bool check_speed(lint* l) {
  enum { TURNS = 2000 };
  double begun = vs_now();
  for (unsigned i = 0; i < TURNS; i++) {
    if (!ask(l, "reset")) return false;
  }
  double seconds = vs_now() - begun;
  return is_silent(l, "its last reply") &&
         note(l, "%.0f requests a second, one after the other", TURNS / seconds);
}

static const struct {
  const char* name;
  bool (*check)(lint* l);
} checks[] = {
    {"greeting", check_greeting},
    {"operations", check_operations},
    {"threads", check_threads},
    {"guests", check_guests},
    {"undeclared", check_undeclared},
    {"places", check_places},
    {"reset", check_reset},
    {"greeted again", check_greeted_again},
    {"unknown operation", check_unknown_operation},
    {"no request", check_no_request},
    {"bad arguments", check_bad_arguments},
    {"garbage", check_garbage},
    {"oversize", check_oversize},
    {"slow writer", check_slow_writer},
    {"two at once", check_two_at_once},
    {"numbers", check_numbers},
    {"line ends", check_crlf},
    {"sums", check_sums},
    {"end of input", check_end_of_input},
    {"truncated", check_truncated},
    {"speed", check_speed},
};

// What the shim said on standard error may say more than we can.
static void add_errors(lint* l) {
  char errors[256];
  vs_tail_say(&l->channel.tail, errors, sizeof errors);
  size_t used = strlen(l->why);
  if (errors[0] == '\0' || used + 40 > sizeof l->why) return;
  for (char* c = errors; *c != '\0'; c++) {
    if (*c == '\n') *c = c[1] == '\0' ? ' ' : '|';
  }
  snprintf(l->why + used, sizeof l->why - used, "; its standard error ends in: %s", errors);
}

vs_lint_sum vs_lint(const char* where, double patience, vs_lint_tell tell, void* context) {
  vs_lint_sum sum = {0};
  lint* l = calloc(1, sizeof *l);
  if (l == NULL) return sum;
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    *l = (lint){.where = where, .patience = patience};
    bool greeted = begin(l);
    bool good = greeted && checks[i].check(l) && !l->failed;
    vs_channel_close(&l->channel, good ? patience : 0);
    if (!good) add_errors(l);
    bool more = tell(context, checks[i].name, good, l->why);
    sum.checks++;
    sum.failed += !good;
    sum.greeted |= greeted;
    if (!more || (!greeted && i == 0)) break;
  }
  free(l);
  return sum;
}
