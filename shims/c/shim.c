// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around those of the zx_ functions that this program is linked with.
#include <vcpuspec/backend.h>

#include "platform.h"

#define VS_CALL(name, word, phase, text, ...) __typeof__(zx_##name) zx_##name __attribute__((weak));
#include <vcpuspec/calls.def>

#define CAST(type, name, object, value) (VS_C_##type)(uintptr_t) a->name
#define VS_CALL(name, word, phase, text, ...)            \
  static zx_status_t call_##name(const uint64_t* args) { \
    const struct vs_args_##name* a = (const void*)args;  \
    return zx_##name(VS_EACH(CAST, __VA_ARGS__));        \
  }
#include <vcpuspec/calls.def>

// The lines that there are: D stands for a decimal number, X for a hexadecimal one, B for bytes.
#define VS_CALL(name, word, phase, text, ...) \
  {"zx_" #name, sizeof(struct vs_args_##name) / 8, call_##name, (void (*)(void))zx_##name},
static const struct row {
  const char* form;
  size_t count;  // of " 0xX" that follow: a call's arguments
  zx_status_t (*call)(const uint64_t* args);
  void (*symbol)(void);  // NULL: the implementation does not have the call
} rows[] = {
#include <vcpuspec/calls.def>
    {.form = "hello D"},       {.form = "end TD"},          {.form = "unmap TD 0xX"},
    {.form = "map TD 0xX B"},  {.form = "map TD 0xX B ro"}, {.form = "hold TD 0xX B"},
    {.form = "flip TD 0xX B"},
};
enum { HELLO = VS_CALL_COUNT, END, UNMAP, MAP, MAP_READONLY, HOLD, FLIP, NONSENSE };

static unsigned said;  // the row of the line that was read last; what else it says:
enum { TAG, THREAD, AT, ARGS = AT };
static uint64_t numbers[ARGS + VS_ARGS_MAX];
static uint8_t bytes[LINE / 2];
static size_t size;

static unsigned digit(char c) {
  if (c >= '0' && c <= '9') return (unsigned)(c - '0');
  return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

// These return what is left of the line. NULL: it says something else.
static const char* take_number(const char* at, unsigned base, uint64_t* number) {
  uint64_t n = 0;
  bool good = digit(*at) < base;
  for (; digit(*at) < base; at++)
    good &= !__builtin_mul_overflow(n, base, &n) && !__builtin_add_overflow(n, digit(*at), &n);
  *number = n;
  return good ? at : NULL;
}

static const char* take(const char* at, const char* form, uint64_t* n) {
  for (; at != NULL && *form != '\0'; form++) {
    if (*form == 'D' || *form == 'X')
      at = take_number(at, *form == 'D' ? 10 : 16, n++);
    else if (*form == 'B')
      for (size = 0; digit(at[0]) < 16 && digit(at[1]) < 16; at += 2)
        bytes[size++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    else
      at = *at == *form ? at + 1 : NULL;
  }
  return at;
}

static bool is_said(const char* line, const char* name, unsigned row) {
  if (row < HELLO) line = rows[row].symbol != NULL ? name : NULL;
  const char* at = take(line, rows[row].form, &numbers[THREAD]);
  for (size_t i = 0; at && i < rows[row].count; i++) at = take(at, " 0xX", &numbers[ARGS + i]);
  return at != NULL && *at == '\0' && (row == HELLO || numbers[THREAD] < THREADS);
}

unsigned shim_read(const char* line, bool good) {
  const char* name = take(line, "D TD ", &numbers[TAG]);
  for (said = good ? 0 : NONSENSE; said < NONSENSE && !is_said(line, name, said);) said++;
  const char* rest = take(line, "D", &numbers[TAG]);
  if (rest == NULL || (*rest != ' ' && *rest != '\0')) numbers[TAG] = 0;
  return said == HELLO || said == END || said == NONSENSE ? THREADS : (unsigned)numbers[THREAD];
}

static const char hex[] = "0123456789abcdef";

// These write to a line, and return its end.
static char* add(char* end, const char* text) {
  while (*text != '\0') *end++ = *text++;
  return end;
}

static char* add_number(char* end, uint64_t n, unsigned base) {
  if (n >= base) end = add_number(end, n / base, base);
  *end++ = hex[n % base];
  return end;
}

// What does not fit on this line is told by the next one.
static char* add_changes(char* end, const char* limit, unsigned thread) {
  for (uint64_t at, to, page = 0; (to = platform_changed(thread, &page, limit - end, &at)) > 0;) {
    end = add(add_number(add(end, " 0x"), at, 16), "=");
    for (; at < to; at++) {
      *end++ = hex[*(const uint8_t*)(uintptr_t)at >> 4];
      *end++ = hex[*(const uint8_t*)(uintptr_t)at & 15];
    }
  }
  return end;
}

static char* greet(char* end) {
  const char* name = vcpuspec_plugin.name != NULL ? vcpuspec_plugin.name : "shim";
  platform_forget();
  for (size_t i = 0; i < 63 && name[i] != '\0'; i++)
    *end++ = name[i] > ' ' && name[i] <= '~' ? name[i] : '_';
  end = add(end, vcpuspec_plugin.arch == VS_ARCH_ARM64 ? " arm64" : " x86-64");
  end = add_number(add(end, " resource=0x"), vcpuspec_plugin.resource, 16);
  end = add_number(add(end, " other_resource=0x"), vcpuspec_plugin.other_resource, 16);
  for (size_t i = 0; i < HELLO; i++)
    if (rows[i].symbol != NULL) end = add(add(end, " "), rows[i].form);
  return add(end, platform_words);
}

static char* call(char* end, const char* limit, unsigned thread) {
  uint64_t args[VS_ARGS_MAX];
  int32_t status;
  __builtin_memcpy(args, numbers + ARGS, sizeof args);
  bool held = platform_call(thread, said == VS_CALL_vcpu_enter, rows[said].call, args, &status);
  end = add(end, status < 0 ? " -" : " ");
  end = add_number(end, (uint64_t)(status < 0 ? -(int64_t)status : status), 10);
  return add_changes(add(end, held ? " held" : ""), limit, thread);
}

static bool obey(unsigned thread) {
  if (said == END) return platform_end((unsigned)numbers[THREAD]);
  if (said == UNMAP) return platform_unmap(numbers[AT]);
  if (said == NONSENSE || numbers[AT] + size <= numbers[AT]) return false;
  if (said >= HOLD) return platform_change(thread, said == HOLD, numbers[AT], bytes, size);
  return platform_map(thread, numbers[AT], bytes, size, said == MAP_READONLY);
}

void shim_obey(unsigned thread) {
  static char answers[THREADS + 1][LINE];
  char* end = answers[thread];
  if (said < HELLO)
    end = call(add_number(end, numbers[TAG], 10), end + LINE - SUM, thread);
  else if (said == HELLO)
    end = greet(add(end, "hello 2 "));
  else if (!obey(thread))
    end = add(add_number(end, numbers[TAG], 10), " error this line is not understood");
  if (end > answers[thread]) platform_write(answers[thread], (size_t)(end - answers[thread]));
}
