// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around those of the zx_ functions that this program is linked with.
#include <vcpuspec/backend.h>

#include "platform.h"

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
  {" zx_" #name, (void (*)(void))zx_##name, call_##name, sizeof(struct vs_args_##name) / 8},
static const struct row {
  const char* name;
  void (*symbol)(void);  // NULL: the implementation does not have it
  zx_status_t (*call)(const uint64_t* args);
  size_t count;  // of arguments
} rows[] = {
#include <vcpuspec/calls.def>
    {NULL, NULL, NULL, 0}};

enum { PAGES = 64 };
static struct page {
  uint64_t at;
  uint64_t known[PAGE / 8];  // what the other side knows to be there
  unsigned owner;            // the number, and one, of the thread that mapped it; 0: no page
  bool readonly;
} pages[PAGES];

typedef struct caller {
  const char* at;  // what is left of its line
  bool bad;        // something was missing, or was no number
  change change;
  uint8_t bytes[LINE / 2];
  size_t length;
  char answer[LINE + 1];
} caller;
static caller callers[THREADS + 1];  // the last is the one that reads the lines

static unsigned digit(char c) {
  if (c >= '0' && c <= '9') return (unsigned)(c - '0');
  return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

// True, and the text is behind us, if it comes next.
static bool eat(caller* c, const char* text) {
  size_t i = 0;
  while (text[i] != '\0' && c->at[i] == text[i]) i++;
  if (text[i] == '\0') c->at += i;
  return text[i] == '\0';
}

static uint64_t eat_number(caller* c, const char* before, unsigned base) {
  uint64_t n = 0;
  c->bad |= !eat(c, before) || digit(*c->at) >= base;
  for (; digit(*c->at) < base; c->at++) {
    c->bad |= __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit(*c->at), &n);
  }
  return n;
}

static size_t eat_bytes(caller* c) {
  size_t size = 0;
  c->bad |= !eat(c, " ");
  for (; digit(c->at[0]) < 16 && digit(c->at[1]) < 16; c->at += 2)
    c->bytes[size++] = (uint8_t)(digit(c->at[0]) << 4 | digit(c->at[1]));
  c->bad |= size == 0;
  return size;
}

static void begin(caller* c, const char* line) {
  c->bad = false;
  c->length = 0;
  for (c->at = line; digit(*c->at) < 10 && c->length < 20; c->at++) c->answer[c->length++] = *c->at;
  if (*c->at != ' ' && *c->at != '\0') c->length = 0;
}

static void add(caller* c, const char* text) {
  while (*text != '\0' && c->length < LINE) c->answer[c->length++] = *text++;
}

static void add_number(caller* c, const char* before, uint64_t n, unsigned base) {
  char text[24] = "";
  char* first = text + sizeof text - 1;
  do *--first = "0123456789abcdef"[n % base];
  while ((n /= base) != 0);
  add(c, before);
  add(c, first);
}

static void refuse(caller* c) {
  add(c, c->length == 0 ? "0 error" : " error");
  add(c, " this line is not understood");
  platform_write(c->answer, c->length);
}

static struct page* page_at(uint64_t at) {
  struct page* p = pages;
  while (p < pages + PAGES && (p->owner == 0 || p->at != at - at % PAGE)) p++;
  return p < pages + PAGES ? p : NULL;
}

// Threads look for their own pages meanwhile.
static bool map(unsigned owner, uint64_t at, const uint8_t* bytes, size_t size, bool readonly) {
  size_t part = size < PAGE - at % PAGE ? size : PAGE - at % PAGE;
  struct page* p = page_at(at);
  if (p == NULL) {
    for (p = pages; p < pages + PAGES && p->owner != 0; p++) {
    }
    if (p == pages + PAGES || !platform_map(at - at % PAGE)) return false;
    p->at = at - at % PAGE;
    p->readonly = false;
    __builtin_memset(p->known, 0, PAGE);
  }
  if (p->readonly) platform_protect(p->at, true);
  __builtin_memcpy((void*)(uintptr_t)at, bytes, part);
  __builtin_memcpy((uint8_t*)p->known + at % PAGE, bytes, part);
  if (readonly) platform_protect(p->at, false);
  p->readonly = readonly;
  __atomic_store_n(&p->owner, owner, __ATOMIC_RELEASE);
  return size == part || map(owner, at + part, bytes + part, size - part, readonly);
}

static void unmap(struct page* p) {
  if (p != NULL && p->owner != 0) platform_unmap(p->at);
  if (p != NULL) __atomic_store_n(&p->owner, 0, __ATOMIC_RELEASE);
}

// Says what changed on the page. What does not fit on this line is told by the next one.
static void add_changes(caller* c, struct page* p) {
  const uint64_t* now = (const void*)(uintptr_t)p->at;
  size_t i = 0;
  size_t end = PAGE / 8;
  if (__builtin_memcmp(now, p->known, PAGE) == 0) return;
  while (i < end && now[i] == p->known[i]) i++;
  while (i < end && now[end - 1] == p->known[end - 1]) end--;
  if (c->length + 24 + (end - i) * 16 > LINE - SUM) return;
  __builtin_memcpy(p->known + i, now + i, (end - i) * 8);
  add_number(c, " 0x", p->at + i * 8, 16);
  c->answer[c->length++] = '=';
  for (const uint8_t* b = (uint8_t*)(p->known + i); b < (uint8_t*)(p->known + end); b++) {
    c->answer[c->length++] = "0123456789abcdef"[*b >> 4];
    c->answer[c->length++] = "0123456789abcdef"[*b & 15];
  }
}

static bool obey_call(caller* c, unsigned thread) {
  uint64_t args[VS_ARGS_MAX];
  const struct row* row = rows;
  bool held = c->change.sort != STILL;
  eat_number(c, " T", 10);
  while (row->name != NULL && !(row->symbol != NULL && eat(c, row->name))) row++;
  for (size_t i = 0; i < row->count; i++) args[i] = eat_number(c, " 0x", 16);
  if (c->bad || *c->at != '\0' || row->name == NULL) return false;
  zx_status_t status = held ? platform_call(&c->change, &held, row->call, args) : row->call(args);
  add_number(c, status < 0 ? " -" : " ", (uint64_t)(status < 0 ? -(int64_t)status : status), 10);
  if (held) add(c, " held");
  struct page* p = held && c->change.sort == HOLD ? page_at(c->change.at - 1) : NULL;
  if (p != NULL)
    __builtin_memcpy((uint8_t*)p->known + PAGE - c->change.size, c->change.bytes, c->change.size);
  c->change.sort = STILL;
  for (p = pages; p < pages + PAGES; p++)
    if (__atomic_load_n(&p->owner, __ATOMIC_ACQUIRE) == thread + 1) add_changes(c, p);
  platform_write(c->answer, c->length);
  return true;
}

static bool obey_word(caller* c, unsigned thread) {
  bool is_map = eat(c, "map");
  bool is_unmap = !is_map && eat(c, "unmap");
  bool is_hold = !is_map && !is_unmap && eat(c, "hold");
  bool is_known = is_map || is_unmap || is_hold || eat(c, "flip");
  eat_number(c, " T", 10);
  uint64_t at = eat_number(c, " 0x", 16);
  size_t size = !is_unmap ? eat_bytes(c) : 0;
  bool readonly = is_map && eat(c, " ro");
  if (c->bad || *c->at != '\0' || !is_known || at + size < at) return false;
  if (is_unmap) return unmap(page_at(at)), true;
  if (is_map) return map(thread + 1, at, c->bytes, size, readonly);
  return platform_change(&c->change, is_hold, at, c->bytes, size);
}

void shim_obey(unsigned thread, const char* line) {
  caller* c = &callers[thread];
  begin(c, line);
  if (!(c->length > 0 ? obey_call : obey_word)(c, thread)) refuse(c);
}

// Hands the line to its thread.
static bool pass(caller* c, const char* line) {
  bool end = eat(c, "end");
  while (!end && *c->at != ' ' && *c->at != '\0') c->at++;
  uint64_t t = eat_number(c, " T", 10);
  if (c->bad || t >= THREADS || (end && *c->at != '\0')) return false;
  if (end) return platform_end((unsigned)t), true;
  return platform_pass((unsigned)t, line, c->length > 0);
}

static void hello(caller* c) {
  const vs_plugin* plugin = &vcpuspec_plugin;
  for (unsigned t = 0; t < THREADS; t++) {
    platform_end(t);
    callers[t].change.sort = STILL;
  }
  for (struct page* p = pages; p < pages + PAGES; p++) unmap(p);
  if (vcpuspec_reset != NULL) vcpuspec_reset();
  c->length = 0;
  add(c, "hello 2 ");
  const char* name = plugin != NULL && plugin->name != NULL ? plugin->name : "shim";
  for (size_t i = 0; i < 63 && name[i] != '\0'; i++)
    c->answer[c->length++] = name[i] > ' ' && name[i] <= '~' ? name[i] : '_';
  bool arm64 = plugin != NULL ? plugin->arch == VS_ARCH_ARM64 : platform_is_arm64;
  add(c, arm64 ? " arm64" : " x86-64");
  for (const struct row* row = rows; row->name != NULL; row++)
    if (row->symbol != NULL) add(c, row->name);
  add_number(c, " resource=0x", plugin != NULL ? plugin->resource : 0, 16);
  add(c, platform_words);
  platform_greet(c->answer, c->length);
}

int main(int argc, char** argv) {
  caller* c = &callers[THREADS];
  bool used = false;  // there was something to forget
  if (!platform_open(argc, argv)) return 2;
  bool good;
  for (const char* line; (line = platform_line(&good)) != NULL;) {
    begin(c, line);
    bool is_hello = eat(c, "hello") && (eat_number(c, " ", 10), !c->bad && *c->at == '\0');
    if (is_hello && used && vcpuspec_reset == NULL) platform_restart(line);
    if (is_hello)
      hello(c);
    else if (!good || !pass(c, line))
      refuse(c);
    used |= c->length > 0 && !is_hello;
  }
  return 0;
}
