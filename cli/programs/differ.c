// SPDX-License-Identifier: BSD-3-Clause
#include "differ.h"

#include <inttypes.h>
#include <string.h>

// A part of a result: what is compared at once, and told by one name.
typedef enum part_sort {
  IN_PAGE,   // bytes of the page
  IN_STATE,  // bytes of what zx_vcpu_read_state gave
} part_sort;

typedef struct part {
  const char* what;  // the name of the difference
  const char* name;  // of the register
  part_sort sort;
  uint16_t at;
  uint16_t size;  // bytes, at most 16
  uint64_t mask;  // of sizes up to 8
} part;

#define ALL_BITS UINT64_MAX
#define GENERAL(name, n) \
  { "general", name, IN_PAGE, 8 * (n), 8, ALL_BITS }
#define FLAG(name, bit) \
  { name, name, IN_PAGE, 128, 8, UINT64_C(1) << (bit) }
#define ST(n) \
  { "st", "st" #n, IN_PAGE, VS_PAGE_FLOAT + 32 + 16 * (n), 10, 0 }
#define XMM(n) \
  { "xmm", "xmm" #n, IN_PAGE, VS_PAGE_FLOAT + 160 + 16 * (n), 16, 0 }
#define LOGGED(n)                                                                                    \
  {"exception", "exception" #n ".vector", IN_PAGE, VS_PAGE_LOG_X64 + 16 + 48 * (n), 8, ALL_BITS},    \
      {"exception", "exception" #n ".error", IN_PAGE, VS_PAGE_LOG_X64 + 24 + 48 * (n), 8, ALL_BITS}, \
      {"exception", "exception" #n ".rip", IN_PAGE, VS_PAGE_LOG_X64 + 32 + 48 * (n), 8, ALL_BITS},   \
      {"pushed_flags",                                                                               \
       "exception" #n ".pushed_flags",                                                               \
       IN_PAGE,                                                                                      \
       VS_PAGE_LOG_X64 + 40 + 48 * (n),                                                              \
       8,                                                                                            \
       ~(UINT64_C(1) << 14)},                                                                        \
      {"pushed_nt",      "exception" #n ".pushed_nt", IN_PAGE, VS_PAGE_LOG_X64 + 40 + 48 * (n), 8,   \
       UINT64_C(1) << 14},                                                                           \
      {"handler_flags",                                                                              \
       "exception" #n ".handler_flags",                                                              \
       IN_PAGE,                                                                                      \
       VS_PAGE_LOG_X64 + 48 + 48 * (n),                                                              \
       8,                                                                                            \
       ALL_BITS},                                                                                    \
  {                                                                                                  \
    "exception", "exception" #n ".cr2", IN_PAGE, VS_PAGE_LOG_X64 + 56 + 48 * (n), 8, ALL_BITS        \
  }

static const part parts_x64[] = {
    GENERAL("rax", 0),
    GENERAL("rcx", 1),
    GENERAL("rdx", 2),
    GENERAL("rbx", 3),
    GENERAL("rsp", 4),
    GENERAL("rbp", 5),
    GENERAL("rsi", 6),
    GENERAL("rdi", 7),
    GENERAL("r8", 8),
    GENERAL("r9", 9),
    GENERAL("r10", 10),
    GENERAL("r11", 11),
    GENERAL("r12", 12),
    GENERAL("r13", 13),
    GENERAL("r14", 14),
    GENERAL("r15", 15),
    FLAG("cf", 0),
    FLAG("pf", 2),
    FLAG("af", 4),
    FLAG("zf", 6),
    FLAG("sf", 7),
    FLAG("tf", 8),
    FLAG("if", 9),
    FLAG("df", 10),
    FLAG("of", 11),
    FLAG("nt", 14),
    FLAG("rf", 16),
    FLAG("vm", 17),
    FLAG("ac", 18),
    FLAG("vif", 19),
    FLAG("vip", 20),
    FLAG("id", 21),
    {"iopl", "iopl", IN_PAGE, 128, 8, 0x3000},
    {"reserved", "reserved flags", IN_PAGE, 128, 8, UINT64_C(0xffffffffffc0802a)},
    {"fcw", "fcw", IN_PAGE, VS_PAGE_FLOAT, 2, 0xffff},
    {"fsw", "fsw", IN_PAGE, VS_PAGE_FLOAT + 2, 2, 0xffff},
    {"ftw", "ftw", IN_PAGE, VS_PAGE_FLOAT + 4, 1, 0xff},
    {"mxcsr", "mxcsr", IN_PAGE, VS_PAGE_FLOAT + 24, 4, 0xffffffff},
    ST(0),
    ST(1),
    ST(2),
    ST(3),
    ST(4),
    ST(5),
    ST(6),
    ST(7),
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    XMM(8),
    XMM(9),
    XMM(10),
    XMM(11),
    XMM(12),
    XMM(13),
    XMM(14),
    XMM(15),
    {"exception", "exceptions", IN_PAGE, VS_PAGE_LOG_X64, 8, ALL_BITS},
    LOGGED(0),
    LOGGED(1),
    LOGGED(2),
    LOGGED(3),
};

#define X(n) \
  { "general", "x" #n, IN_PAGE, 8 * (n), 8, ALL_BITS }
#define V(n) \
  { "vector", "v" #n, IN_PAGE, VS_PAGE_FLOAT + 16 + 16 * (n), 16, 0 }
#define SOLE(name, n) \
  { "exception", name, IN_PAGE, VS_PAGE_LOG_ARM64 + (n), 8, ALL_BITS }
static const part parts_arm64[] = {
    X(0),
    X(1),
    X(2),
    X(3),
    X(4),
    X(5),
    X(6),
    X(7),
    X(8),
    X(9),
    X(10),
    X(11),
    X(12),
    X(13),
    X(14),
    X(15),
    X(16),
    X(17),
    X(18),
    X(19),
    X(20),
    X(21),
    X(22),
    X(23),
    X(24),
    X(25),
    X(26),
    X(27),
    X(28),
    X(29),
    X(30),
    {"general", "sp", IN_PAGE, 248, 8, ALL_BITS},
    {"n", "n", IN_PAGE, 256, 8, 0x80000000},
    {"z", "z", IN_PAGE, 256, 8, 0x40000000},
    {"c", "c", IN_PAGE, 256, 8, 0x20000000},
    {"v", "v", IN_PAGE, 256, 8, 0x10000000},
    {"fpcr", "fpcr", IN_PAGE, VS_PAGE_FLOAT, 8, ALL_BITS},
    {"fpsr", "fpsr", IN_PAGE, VS_PAGE_FLOAT + 8, 8, ALL_BITS},
    V(0),
    V(1),
    V(2),
    V(3),
    V(4),
    V(5),
    V(6),
    V(7),
    V(8),
    V(9),
    V(10),
    V(11),
    V(12),
    V(13),
    V(14),
    V(15),
    V(16),
    V(17),
    V(18),
    V(19),
    V(20),
    V(21),
    V(22),
    V(23),
    V(24),
    V(25),
    V(26),
    V(27),
    V(28),
    V(29),
    V(30),
    V(31),
    SOLE("exceptions", 0),
    SOLE("esr", 16),
    SOLE("elr", 24),
    SOLE("spsr", 32),
    SOLE("far", 40),
};

// Every name of a difference, in the order of the bits of a set.
static const char* const names[] = {
    "end",
    "status",
    "read_state",
    "memory",
    "general",
    "cf",
    "pf",
    "af",
    "zf",
    "sf",
    "tf",
    "if",
    "df",
    "of",
    "nt",
    "rf",
    "vm",
    "ac",
    "vif",
    "vip",
    "id",
    "iopl",
    "reserved",
    "fcw",
    "fsw",
    "ftw",
    "mxcsr",
    "st",
    "xmm",
    "exception",
    "pushed_flags",
    "pushed_nt",
    "handler_flags",
    "n",
    "z",
    "c",
    "v",
    "fpcr",
    "fpsr",
    "vector",
};
enum { NAMES = sizeof names / sizeof names[0] };

static vs_differences bit_of(const char* name, size_t length) {
  for (size_t i = 0; i < NAMES; i++) {
    if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) return UINT64_C(1) << i;
  }
  return 0;
}

static vs_differences named(const char* name) {
  return bit_of(name, strlen(name));
}

vs_differences vs_differences_of(const char* text) {
  vs_differences set = 0;
  while (*text != '\0') {
    const size_t length = strcspn(text, " ");
    set |= bit_of(text, length);
    text += length + (text[length] == ' ');
  }
  return set;
}

void vs_differences_say(vs_differences set, char separator, char text[VS_DIFFERENCES_TEXT]) {
  size_t length = 0;
  text[0] = '\0';
  for (size_t i = 0; i < NAMES; i++) {
    if ((set >> i & 1) == 0) continue;
    const size_t left = VS_DIFFERENCES_TEXT - length;
    if (length > 0 && left > 1) text[length++] = separator;
    length += (size_t)snprintf(text + length, VS_DIFFERENCES_TEXT - length, "%s", names[i]);
    if (length >= VS_DIFFERENCES_TEXT) return;
  }
}

static const part* parts_of(vs_arch arch, size_t* count) {
  *count = arch == VS_ARCH_X64 ? sizeof parts_x64 / sizeof *parts_x64
                               : sizeof parts_arm64 / sizeof *parts_arm64;
  return arch == VS_ARCH_X64 ? parts_x64 : parts_arm64;
}

// Bits of a part that the manual leaves undefined: C0, C2 and C3 of FSW are three flags as well.
static uint64_t defined_bits(const part* p, vs_flags undefined) {
  enum { CONDITIONS = 0x4500 };
  if (p->at == 128) return p->mask & ~undefined;
  if (strcmp(p->what, "fsw") == 0 && undefined >> 32 != 0) return p->mask & ~(uint64_t)CONDITIONS;
  return p->mask;
}

static bool part_differs(const part* p, vs_flags undefined, const uint8_t* a, const uint8_t* b) {
  uint64_t x = 0, y = 0;
  if (p->size > sizeof x) return memcmp(a + p->at, b + p->at, p->size) != 0;
  memcpy(&x, a + p->at, p->size);
  memcpy(&y, b + p->at, p->size);
  return ((x ^ y) & defined_bits(p, undefined)) != 0;
}

static bool memory_differs(const uint8_t* a, const uint8_t* b) {
  return memcmp(a + VS_PAGE_DATA, b + VS_PAGE_DATA, VS_SNIPPET_READ - VS_PAGE_DATA) != 0;
}

// What zx_vcpu_read_state gives is what guest code dumped right before.
static bool read_differs(const vs_snippet* s, vs_flags undefined, const vs_snippet_result* a,
                         const vs_snippet_result* b) {
  const size_t flags_at = s->arch == VS_ARCH_X64 ? 128 : 256;
  uint64_t x, y;
  memcpy(&x, a->state + flags_at, sizeof x);
  memcpy(&y, b->state + flags_at, sizeof y);
  return memcmp(a->state, b->state, flags_at) != 0 || ((x ^ y) & ~undefined) != 0;
}

vs_differences vs_results_differ(const vs_snippet* s, const vs_snippet_result* a,
                                 const vs_snippet_result* b) {
  size_t count;
  const part* parts = parts_of(s->arch, &count);
  vs_differences set = 0;
  vs_flags undefined;
  vs_snippet_is_sound(s, &undefined);
  if (a->end != b->end) return named("end");
  if (a->status != b->status) return named("status");
  for (size_t i = 0; i < count; i++) {
    if (part_differs(&parts[i], undefined, a->page, b->page)) set |= named(parts[i].what);
  }
  if (memory_differs(a->page, b->page)) set |= named("memory");
  if (set == 0 && read_differs(s, undefined, a, b)) set |= named("read_state");
  return set;
}

// --- words --------------------------------------------------------------------------------------

static void print_bytes(FILE* out, const uint8_t* at, size_t size) {
  for (size_t i = size; i > 0; i--) fprintf(out, "%02x", at[i - 1]);
}

static void print_line(FILE* out, const char* name, const uint8_t* before, const uint8_t* a,
                       const char* name_a, const uint8_t* b, const char* name_b, size_t size) {
  fprintf(out, "  %s: before ", name);
  print_bytes(out, before, size);
  fprintf(out, ", %s ", name_a);
  print_bytes(out, a, size);
  fprintf(out, ", %s ", name_b);
  print_bytes(out, b, size);
  fputc('\n', out);
}

static void print_end(FILE* out, const char* name, const vs_snippet_result* r) {
  if (r->end == VS_RUN_DONE) fprintf(out, "  %s answered %d\n", name, r->status);
  if (r->end == VS_RUN_DIED) fprintf(out, "  %s ended its process\n", name);
  if (r->end == VS_RUN_HUNG) fprintf(out, "  %s did not come back\n", name);
}

// The registers that a state holds are in the state before the run, all else in the page.
static const uint8_t* before_of(const vs_snippet* s, const part* p) {
  return p->at < VS_PAGE_FLOAT ? s->state + p->at : s->page + p->at;
}

void vs_differences_print(FILE* out, const vs_snippet* s, const vs_snippet_result* a,
                          const char* name_a, const vs_snippet_result* b, const char* name_b) {
  enum { WORD = 8 };
  size_t count;
  const part* parts = parts_of(s->arch, &count);
  vs_flags undefined;
  vs_snippet_is_sound(s, &undefined);
  if (a->end != b->end || a->status != b->status) {
    print_end(out, name_a, a);
    print_end(out, name_b, b);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const part* p = &parts[i];
    if (!part_differs(p, undefined, a->page, b->page)) continue;
    print_line(out, p->name, before_of(s, p), a->page + p->at, name_a, b->page + p->at, name_b,
               p->size);
  }
  for (size_t at = VS_PAGE_DATA; at < VS_SNIPPET_READ; at += WORD) {
    char name[32];
    if (memcmp(a->page + at, b->page + at, WORD) == 0) continue;
    snprintf(name, sizeof name, "memory 0x%zx", VS_SNIPPET_PAGE_AT + at);
    print_line(out, name, s->page + at, a->page + at, name_a, b->page + at, name_b, WORD);
  }
}
