// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around those of the zx_ functions that this program is linked with.
#include <vcpuspec/backend.h>

#include "memory.h"
#include "text.h"

#define VS_CALL(name, word, phase, text, ...) __typeof__(zx_##name) zx_##name __attribute__((weak));
#include <vcpuspec/calls.def>
extern const vs_plugin vcpuspec_plugin __attribute__((weak));
void vcpuspec_reset(void) __attribute__((weak));

#define CAST(type, name, object, value) (VS_C_##type)(uintptr_t) a->name
#define VS_CALL(name, word, phase, text, ...)            \
  static zx_status_t call_##name(const uint64_t* args) { \
    const struct vs_args_##name* a = (const void*)args;  \
    return zx_##name(VS_EACH(CAST, __VA_ARGS__));        \
  }
#include <vcpuspec/calls.def>
#define VS_CALL(name, word, phase, text, ...) \
  {"zx_" #name, (void (*)(void))zx_##name, call_##name, sizeof(struct vs_args_##name) / 8},
static const struct row {
  const char* name;
  void (*symbol)(void);  // NULL: the implementation does not have it
  zx_status_t (*call)(const uint64_t* args);
  size_t count;  // of arguments
} rows[] = {
#include <vcpuspec/calls.def>
    {NULL, NULL, NULL, 0}};

static struct caller {
  const struct row* row;
  uint64_t args[VS_ARGS_MAX];
  change change;
  size_t tag;  // bytes of the answer that are the tag
  answer answer;
} callers[THREADS];
static answer other;     // to what is no call
static bool sums, used;  // lines have sums; there was a call

static void send(answer* a) {
  if (sums) add_sum(a, a->text, a->length);
  a->text[a->length] = '\n';
  platform_write(a->text, a->length + 1);
}

static void run(unsigned t) {
  struct caller* c = &callers[t];
  bool held = c->change.sort != STILL;
  zx_status_t status =
      held ? platform_call(&c->change, &held, c->row->call, c->args) : c->row->call(c->args);
  c->answer.length = c->tag;
  add_status(&c->answer, status);
  if (held) add(&c->answer, " held");
  if (held && c->change.sort == HOLD) learn(c->change.at, c->change.bytes, c->change.size);
  c->change.sort = STILL;
  add_changes_of(&c->answer, t);
  send(&c->answer);
}

static bool obey_call(reader* r, const char* line) {
  uint64_t args[VS_ARGS_MAX];
  const struct row* row = rows;
  size_t tag = (size_t)(r->at - line);
  uint64_t t = eat_number(r, " T", 10);
  r->bad |= !eat(r, " ");
  while (row->name != NULL && !(row->symbol != NULL && eat(r, row->name))) row++;
  for (size_t i = 0; i < row->count; i++) args[i] = eat_number(r, " 0x", 16);
  if (r->bad || *r->at != '\0' || row->name == NULL || t >= THREADS) return false;
  platform_wait((unsigned)t);
  callers[t].row = row;
  callers[t].tag = tag;
  __builtin_memcpy(callers[t].args, args, sizeof args);
  __builtin_memcpy(callers[t].answer.text, line, tag);
  used = true;
  return platform_run((unsigned)t, run);
}

static bool obey_word(reader* r) {
  static const char* const words[] = {"end", "unmap", "map", "hold", "flip"};
  enum { END, UNMAP, MAP, HOLDS, FLIPS, WORDS };
  static uint8_t bytes[LINE / 2];
  size_t word = 0;
  while (word < WORDS && !eat(r, words[word])) word++;
  uint64_t t = eat_number(r, " T", 10);
  uint64_t at = word > END ? eat_number(r, " 0x", 16) : 0;
  size_t size = word > UNMAP ? eat_bytes(r, bytes) : 0;
  bool readonly = word == MAP && eat(r, " ro");
  if (r->bad || *r->at != '\0' || word == WORDS || t >= THREADS || at + size < at) return false;
  platform_wait((unsigned)t);
  if (word == END) platform_end((unsigned)t);
  if (word == UNMAP && page_at(at) != NULL) unmap(page_at(at));
  if (word < MAP) return true;
  if (word == MAP) return map((unsigned)t + 1, at, bytes, size, readonly);
  return platform_change(&callers[t].change, word == HOLDS, at, bytes, size);
}

static void greet(void) {
  const vs_plugin* plugin = &vcpuspec_plugin;
  const char* name = plugin != NULL && plugin->name != NULL ? plugin->name : "shim";
  bool arm64 = plugin != NULL ? plugin->arch == VS_ARCH_ARM64 : platform_is_arm64;
  other.length = 0;
  add(&other, "hello 2 ");
  add_word(&other, name, 63);
  add(&other, arm64 ? " arm64" : " x86-64");
  for (const struct row* row = rows; row->name != NULL; row++)
    if (row->symbol != NULL) add(&other, " "), add(&other, row->name);
  if (plugin != NULL && plugin->resource != 0)
    add_number(&other, " resource=0x", plugin->resource, 16, 1);
  add(&other, platform_words);
  send(&other);
  sums = platform_sums;
}

static void forget(void) {
  for (unsigned t = 0; t < THREADS; t++) {
    platform_end(t);
    callers[t].change.sort = STILL;
  }
  for (page* p = pages; p < pages + PAGES; p++) unmap(p);
  if (vcpuspec_reset != NULL) vcpuspec_reset();
  sums = used = false;
}

static bool obey(input* in) {
  reader r = {in->line, false};
  for (other.length = 0; digit(*r.at) < 10 && other.length < 20; r.at++) other.length++;
  if (*r.at != ' ' && *r.at != '\0') other.length = 0;  // it has no tag
  __builtin_memcpy(other.text, in->line, other.length);
  if (in->length > LINE || (sums && !take_sum(in->line, in->length))) return false;
  return other.length > 0 ? obey_call(&r, in->line) : obey_word(&r);
}

int main(int argc, char** argv) {
  static input in;
  if (!platform_open(argc, argv)) return 2;
  while (read_line(&in)) {
    if (is_hello(in.line)) {
      if (used && vcpuspec_reset == NULL)
        platform_restart(in.line, in.bytes + in.at, in.end - in.at);
      forget();
      greet();
    } else if (!obey(&in)) {
      add(&other, other.length > 0 ? " error" : "0 error");
      add(&other, " this line is not understood");
      send(&other);
    }
  }
  return 0;
}
