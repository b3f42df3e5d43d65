// SPDX-License-Identifier: BSD-3-Clause
#include "greeting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/guest.h"
#include "text/calls.h"
#include "text/lines.h"
#include "text/names.h"

static const char hello[] = "vcpuspec shim ";

// --- calls that are not made here -------------------------------------------------------------

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define VS_CALL(name, word, phase, text, ...) \
  static zx_status_t away_##name(VS_EACH(VS_DECLARE, __VA_ARGS__)) { \
    return ZX_ERR_NOT_SUPPORTED; \
  }
#include <vcpuspec/calls.def>
#pragma GCC diagnostic pop

static bool declare_call(vs_calls* calls, const char* said) {
#define VS_CALL(name, word, phase, text, ...) \
  if (strcmp(said, "zx_" #name) == 0) { \
    calls->name = away_##name; \
    return true; \
  }
#include <vcpuspec/calls.def>
  return false;
}

// --- the lines of a greeting ------------------------------------------------------------------

typedef struct reader {
  vs_greeting* greeting;
  vs_line line;
  vs_fault fault;
  bool named_places;
} reader;

static bool wants(reader* r, size_t word, const char* what, const char* const* names,
                  size_t count) {
  return vs_line_expected(&r->line, word, &r->fault, what, names, count);
}

static bool is_short_word(const char* word, size_t size) {
  size_t length = strlen(word);
  return length > 0 && length < size;
}

static bool read_name(reader* r) {
  bool good = r->line.count == 2 && is_short_word(r->line.words[1].text, VS_SHIM_NAME);
  if (!good) return wants(r, 1, "name and one word of at most 63 characters", NULL, 0);
  snprintf(r->greeting->name, VS_SHIM_NAME, "%s", r->line.words[1].text);
  return true;
}

static bool read_version(reader* r) {
  size_t first = r->line.count > 1 ? r->line.words[1].column - 1 : r->line.raw_length;
  snprintf(r->greeting->version, VS_SHIM_VERSION_TEXT, "%.*s", (int)(r->line.raw_length - first),
           r->line.raw + first);
  for (char* c = r->greeting->version; *c != '\0'; c++) {
    if (*c == '\t') *c = ' ';
  }
  return true;
}

static bool read_arch(reader* r) {
  static const char* const names[] = {"x86-64", "arm64"};
  const char* word = r->line.count == 2 ? r->line.words[1].text : "";
  if (strcmp(word, names[0]) == 0) r->greeting->arch = VS_ARCH_X64;
  if (strcmp(word, names[1]) == 0) r->greeting->arch = VS_ARCH_ARM64;
  return r->greeting->arch != 0 || wants(r, 1, "x86-64 or arm64", names, 2);
}

static bool read_calls(reader* r) {
  const char* names[VS_CALL_COUNT];
  for (unsigned i = 0; i < VS_CALL_COUNT; i++) names[i] = vs_call_name(i);
  for (size_t i = 1; i < r->line.count; i++) {
    if (declare_call(&r->greeting->calls, r->line.words[i].text)) continue;
    return wants(r, i, "a documented call", names, VS_CALL_COUNT);
  }
  return true;
}

static bool read_places(reader* r) {
  const char* names[VS_PLACEMENT_COUNT];
  for (unsigned i = 0; i < VS_PLACEMENT_COUNT; i++) names[i] = vs_placements[i].name;
  if (!r->named_places) r->greeting->places = 0;
  r->named_places = true;
  for (size_t i = 1; i < r->line.count; i++) {
    unsigned at = 0;
    while (at < VS_PLACEMENT_COUNT && strcmp(r->line.words[i].text, names[at]) != 0) at++;
    if (at == VS_PLACEMENT_COUNT) return wants(r, i, "a placement", names, VS_PLACEMENT_COUNT);
    r->greeting->places |= UINT32_C(1) << at;
  }
  return true;
}

static bool read_rewrites(reader* r) {
  static const char* const names[] = {"held", "flip"};
  for (size_t i = 1; i < r->line.count; i++) {
    const char* word = r->line.words[i].text;
    bool held = strcmp(word, names[0]) == 0;
    if (!held && strcmp(word, names[1]) != 0) return wants(r, i, "held or flip", names, 2);
    r->greeting->rewrites |= UINT32_C(1) << (held ? VS_REWRITE_HELD : VS_REWRITE_FLIP);
  }
  return true;
}

static bool read_sums(reader* r) {
  r->greeting->sums = true;
  return r->line.count == 1 || wants(r, 1, "the end of the line", NULL, 0);
}

static bool read_line(reader* r) {
  static const struct {
    const char* name;
    bool (*read)(reader* r);
  } rows[] = {
      {"name", read_name},   {"version", read_version}, {"arch", read_arch},
      {"calls", read_calls}, {"places", read_places},   {"rewrites", read_rewrites},
      {"sums", read_sums},
  };
  enum { ROWS = sizeof rows / sizeof rows[0] };
  const char* names[ROWS + 1] = {"ready"};
  for (size_t i = 0; i < ROWS; i++) {
    names[i + 1] = rows[i].name;
    if (r->line.count > 0 && strcmp(r->line.words[0].text, rows[i].name) == 0) {
      return rows[i].read(r);
    }
  }
  return wants(r, 0, "a line of a greeting, or 'ready'", names, ROWS + 1);
}

static bool is_ready(const vs_line* line) {
  return line->count == 1 && strcmp(line->words[0].text, "ready") == 0;
}

static bool is_complete(const vs_greeting* g, const char** missing) {
  *missing = NULL;
  if (g->name[0] == '\0') *missing = "'name WORD'";
  if (g->arch == 0) *missing = "'arch x86-64' or 'arch arm64'";
  if (g->calls.vcpu_write_state == NULL) *missing = "'calls ... zx_vcpu_write_state'";
  return *missing == NULL;
}

// --- greeting ---------------------------------------------------------------------------------

enum { SHOWN = 60 };

typedef struct talk {
  vs_channel* channel;
  double deadline;
  vs_tail* noise;
  char* reason;
  size_t size;
} talk;

static bool failed(const talk* t, vs_channel_result result, const char* during) {
  const char* why = "ended, or closed its output,";
  if (result == VS_CHANNEL_LATE) why = "was silent for too long";
  if (result == VS_CHANNEL_LONG) why = "wrote more than 8191 bytes without a newline";
  snprintf(t->reason, t->size, "the shim %s %s", why, during);
  return false;
}

static bool refuse_line(const talk* t, const char* line, size_t length, const char* why) {
  int shown = length < SHOWN ? (int)length : SHOWN;
  snprintf(t->reason, t->size, "the shim's greeting holds '%.*s%s': %s", shown, line,
           length > SHOWN ? "..." : "", why);
  for (char* c = t->reason; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) *c = '?';
  }
  return false;
}

static bool is_greeting(const char* line, size_t length) {
  size_t prefix = sizeof hello - 1;
  return length > prefix && memcmp(line, hello, prefix) == 0;
}

static bool say_hello(const talk* t) {
  char line[32];
  int length = snprintf(line, sizeof line, "%s%d\n", hello, VS_SHIM_VERSION);
  vs_channel_result sent = vs_channel_send(t->channel, line, (size_t)length, t->deadline);
  return sent == VS_CHANNEL_DONE || failed(t, sent, "before it was greeted");
}

// The first line of the answer. On a serial line it is asked for again and again, and whatever else
// comes is noise.
static bool await_greeting(const talk* t, const char** line, size_t* length) {
  const double patience = 0.5;
  bool serial = t->channel->sort == VS_CHANNEL_SERIAL;
  for (;;) {
    double until = serial && vs_now() + patience < t->deadline ? vs_now() + patience : t->deadline;
    vs_channel_result result = vs_channel_line(t->channel, until, line, length);
    if (result == VS_CHANNEL_DONE && is_greeting(*line, *length)) return true;
    if (serial && result == VS_CHANNEL_LONG) t->channel->start = t->channel->end;
    bool again = serial && result != VS_CHANNEL_ENDED && vs_now() < t->deadline;
    if (!again && result != VS_CHANNEL_DONE)
      return failed(t, result, "before it had answered 'vcpuspec shim 1'");
    if (!again) return refuse_line(t, *line, *length, "its first line is to be 'vcpuspec shim 1'");
    if (result == VS_CHANNEL_DONE) {
      vs_tail_add(t->noise, *line, *length);
      vs_tail_add(t->noise, "\n", 1);
    } else if (!say_hello(t)) {
      return false;
    }
  }
}

static bool is_version(const talk* t, const char* line, size_t length) {
  char* end;
  char text[32];
  size_t prefix = sizeof hello - 1;
  snprintf(text, sizeof text, "%.*s", (int)(length - prefix), line + prefix);
  unsigned long version = strtoul(text, &end, 10);
  if (end == text || *end != '\0')
    return refuse_line(t, line, length, "its first line is to be 'vcpuspec shim 1'");
  if (version == VS_SHIM_VERSION) return true;
  snprintf(t->reason, t->size,
           "the shim speaks version %lu of the protocol, and this vcpuspec version %d: rebuild the "
           "one that is older",
           version, VS_SHIM_VERSION);
  return false;
}

// A serial line that was greeted several times answers several times.
static bool read_lines(const talk* t, reader* r) {
  for (;;) {
    const char* text;
    size_t length;
    vs_channel_result result = vs_channel_line(t->channel, t->deadline, &text, &length);
    if (result != VS_CHANNEL_DONE) return failed(t, result, "in its greeting, before 'ready'");
    vs_source source = vs_source_of(text, length);
    if (is_greeting(text, length)) continue;
    if (length == 0 || !vs_line_next(&source, &r->line) ||
        !vs_line_cut(&r->line, NULL, NULL, &r->fault))
      return refuse_line(t, text, length, length == 0 ? "a line is empty" : r->fault.message);
    if (is_ready(&r->line)) return true;
    if (!read_line(r)) return refuse_line(t, text, length, r->fault.message);
  }
}

bool vs_greet(vs_channel* channel, double deadline, vs_greeting* greeting, vs_tail* noise,
              char* reason, size_t size) {
  const talk t = {channel, deadline, noise, reason, size};
  const char* line;
  const char* missing;
  size_t length;
  *greeting = (vs_greeting){.places = UINT32_MAX, .rewrites = VS_BIT(VS_REWRITE_NONE)};
  reader* r = malloc(sizeof *r);
  if (r == NULL) {
    snprintf(reason, size, "no memory");
    return false;
  }
  *r = (reader){.greeting = greeting};
  bool good = say_hello(&t) && await_greeting(&t, &line, &length) && is_version(&t, line, length) &&
              read_lines(&t, r);
  free(r);
  if (!good || is_complete(greeting, &missing)) return good;
  snprintf(reason, size, "the shim's greeting lacks %s", missing);
  return false;
}

// --- guests -----------------------------------------------------------------------------------

bool vs_greeting_runs_guests(const vs_greeting* g) {
  return g->calls.vmo_create != NULL && g->calls.vmo_write != NULL && g->calls.vmo_read != NULL &&
         g->calls.vmar_map != NULL && g->calls.guest_set_trap != NULL;
}

typedef struct telling {
  const talk* talk;
  bool sums;
  bool good;
} telling;

static void tell(telling* t, const char* text) {
  char line[VS_WIRE_LINE];
  int length = snprintf(line, sizeof line - 1, "guest %s", text);
  if (t->sums) {
    uint32_t sum = vs_wire_sum(line, (size_t)length);
    length += snprintf(line + length, sizeof line - 1 - (size_t)length, " sum=%08" PRIx32, sum);
  }
  line[length++] = '\n';
  const talk* k = t->talk;
  t->good =
      t->good && vs_channel_send(k->channel, line, (size_t)length, k->deadline) == VS_CHANNEL_DONE;
}

static void tell_image(telling* t, vs_arch arch) {
  enum { RUN = 256 };
  static uint8_t image[VS_GUEST_MEMORY];
  char line[2 * RUN + 64];
  vs_guest_image(arch, image);
  for (size_t at = 0; at < sizeof image; at += RUN) {
    size_t count = RUN;
    while (count > 0 && image[at + count - 1] == 0) count--;
    if (count == 0) continue;
    int length = snprintf(line, sizeof line, "image 0x%zx ", at);
    for (size_t i = 0; i < count; i++) {
      length += snprintf(line + length, sizeof line - (size_t)length, "%02x", image[at + i]);
    }
    tell(t, line);
  }
}

static void tell_programs(telling* t, vs_arch arch) {
  char line[64];
  for (unsigned i = 0; i < VS_PROGRAM_COUNT; i++) {
    if (i == VS_PROGRAM_CODE || !vs_guest_has(arch, i)) continue;
    snprintf(line, sizeof line, "program %s 0x%" PRIx64, vs_programs[i].name,
             (uint64_t)vs_guest_entry(i));
    tell(t, line);
  }
}

static void tell_traps(telling* t, vs_arch arch) {
  char line[64];
  if (arch == VS_ARCH_X64) {
    static const unsigned ports[] = {VS_PORT_DUMP, VS_PORT_IN, VS_PORT_OUT};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
      snprintf(line, sizeof line, "trap io 0x%x 1", ports[i]);
      tell(t, line);
    }
    snprintf(line, sizeof line, "dump 0x%x port 0x%x", VS_GUEST_DUMP, VS_PORT_DUMP);
  } else {
    snprintf(line, sizeof line, "trap mem 0x%x 0x1000", VS_MMIO_DUMP);
    tell(t, line);
    snprintf(line, sizeof line, "dump 0x%x mem 0x%x", VS_GUEST_DUMP, VS_MMIO_DUMP);
  }
  tell(t, line);
}

bool vs_describe_guests(vs_channel* channel, const vs_greeting* g, double deadline) {
  const talk k = {.channel = channel, .deadline = deadline};
  telling t = {&k, g->sums, true};
  char line[64];
  snprintf(line, sizeof line, "memory 0x%x", VS_GUEST_MEMORY);
  tell(&t, line);
  tell_image(&t, g->arch);
  tell_programs(&t, g->arch);
  snprintf(line, sizeof line, "code 0x%x 0x%x", VS_GUEST_OWN, VS_GUEST_OWN_SIZE);
  tell(&t, line);
  tell_traps(&t, g->arch);
  snprintf(line, sizeof line, "life 0x%x", VS_GUEST_LIFE);
  tell(&t, line);
  tell(&t, "end");
  return t.good;
}
