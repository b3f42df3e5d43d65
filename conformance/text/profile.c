// SPDX-License-Identifier: BSD-3-Clause
#include "profile.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "decide.h"
#include "file.h"
#include "lines.h"

static const char header[] = "vcpuspec profile 1";

enum { NAMES_MAX = 64 };

typedef struct reader {
  vs_line line;  // that is being read; its first word is the key
  vs_own_profile* own;
  vs_fault* fault;
  unsigned seen;    // a bit for each key
  uint64_t orders;  // a bit for each call whose order was read
} reader;

static bool fail_whole(vs_fault* fault, const char* message) {
  *fault = (vs_fault){0};
  snprintf(fault->message, sizeof fault->message, "%s", message);
  return false;
}

// The word has to be the line's last.
static bool ends(reader* r, size_t index) {
  if (index + 1 >= r->line.count) return true;
  return vs_line_expected(&r->line, index + 1, r->fault, "the end of the line", NULL, 0);
}

static bool is_word(const reader* r, size_t index, const char* text) {
  return index < r->line.count && strcmp(r->line.words[index].text, text) == 0;
}

// --- names from tables ------------------------------------------------------------------------

typedef struct names {
  const char* what;
  size_t count;
  const char* at[NAMES_MAX];
} names;

// The checks of one call follow each other: `first` is its first.
static names check_names(uint8_t call, vs_check_code* first) {
  names n = {.what = "a check of that call (vcpuspec list checks)"};
  *first = VS_CHECK_COUNT;
  for (vs_check_code i = VS_CHECK_COUNT - 1; i > 0; i--) {
    if (vs_checks[i].call == call) *first = i;
  }
  for (vs_check_code i = *first; i < VS_CHECK_COUNT && vs_checks[i].call == call; i++) {
    n.at[n.count++] = vs_checks[i].name;
  }
  return n;
}

static names latitude_names(void) {
  names n = {.what = "a latitude (vcpuspec list latitudes)"};
  for (size_t i = 0; i < VS_LATITUDE_COUNT; i++) n.at[n.count++] = vs_latitudes[i].id;
  return n;
}

static names quirk_names(void) {
  names n = {.what = "a quirk (vcpuspec list quirks)"};
  for (size_t i = 0; i < VS_QUIRK_COUNT; i++) n.at[n.count++] = vs_quirks[i].id;
  return n;
}

static names profile_names(void) {
  names n = {.what = "a profile of ours (vcpuspec list profiles)"};
  for (size_t i = 0; i < vs_profile_count; i++) n.at[n.count++] = vs_profiles[i].id;
  return n;
}

// The index of the word among the names. False: the fault says so.
static bool look_up(reader* r, size_t index, const names* n, size_t* found) {
  for (*found = 0; *found < n->count; (*found)++) {
    if (is_word(r, index, n->at[*found])) return true;
  }
  return vs_line_expected(&r->line, index, r->fault, n->what, n->at, n->count);
}

// The words after the key as a set; `none` stands alone for no word, `all` for every one.
static bool read_set(reader* r, const names* n, uint64_t* set) {
  *set = is_word(r, 1, "all") ? VS_BIT(n->count) - 1 : 0;
  if (*set != 0 || is_word(r, 1, "none")) return ends(r, 1);
  size_t i = 1;
  do {
    size_t found;
    if (!look_up(r, i, n, &found)) return false;
    if (*set & VS_BIT(found)) {
      return vs_line_expected(&r->line, i, r->fault, "each word once", NULL, 0);
    }
    *set |= VS_BIT(found);
  } while (++i < r->line.count);
  return true;
}

// --- keys -------------------------------------------------------------------------------------

static bool read_name(reader* r) {
  const char* name = r->line.count > 1 ? r->line.words[1].text : "";
  size_t length = strlen(name);
  bool good = length <= VS_PROFILE_NAME_MAX && islower((unsigned char)name[0]);
  for (size_t i = 0; good && i < length; i++) {
    unsigned char c = (unsigned char)name[i];
    good = islower(c) || isdigit(c) || strchr("._-", c) != NULL;
  }
  if (!good) {
    return vs_line_expected(&r->line, 1, r->fault,
                            "a name of at most 32 of a-z, 0-9, '.', '_', '-', a letter first", NULL,
                            0);
  }
  memcpy(r->own->name, name, length + 1);
  return ends(r, 1);
}

// All of the line after the key, as it stands.
static bool read_summary(reader* r) {
  size_t first = r->line.count > 1 ? r->line.words[1].column : r->line.end_column;
  size_t length = r->line.end_column - first;
  if (length == 0 || length > VS_PROFILE_SUMMARY_MAX) {
    return vs_line_expected(&r->line, 1, r->fault, "a summary of 1 to 160 bytes", NULL, 0);
  }
  memcpy(r->own->summary, r->line.raw + first - 1, length);
  r->own->summary[length] = '\0';
  return true;
}

static bool read_arch(reader* r) {
  const names n = {"x86-64, arm64 or any", 3, {"any", "x86-64", "arm64"}};
  static const uint8_t archs[] = {0, VS_ARCH_X64, VS_ARCH_ARM64};
  size_t found;
  if (!look_up(r, 1, &n, &found)) return false;
  r->own->profile.arch = archs[found];
  return ends(r, 1);
}

// Takes the call's checks out of the order. Returns how many are left.
static size_t clear_order(vs_profile* profile, uint8_t call) {
  size_t kept = 0;
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    bool other = vs_checks[profile->order[i]].call != call;
    if (other) profile->order[kept++] = profile->order[i];
  }
  memset(profile->order + kept, VS_CHECK_NONE, sizeof profile->order - kept);
  return kept;
}

// The call that the line's word names, if any has an order of its own.
static uint8_t call_of(const reader* r) {
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    if (is_word(r, 1, vs_ops[call].name)) return (uint8_t)call;
  }
  return VS_OP_COUNT;
}

// `order CHECK...` is zx_vcpu_write_state's, `order CALL CHECK...` another call's; `any` in the
// place of the checks: there is none.
static bool read_order(reader* r) {
  const uint8_t named = call_of(r);
  const uint8_t call = named < VS_OP_COUNT ? named : VS_CALL_vcpu_write_state;
  vs_check_code first;
  const names n = check_names(call, &first);
  vs_profile* profile = &r->own->profile;
  if (r->orders >> call & 1) {
    return vs_line_expected(&r->line, 0, r->fault, "each key once, of each call", NULL, 0);
  }
  r->orders |= VS_BIT(call);
  const size_t kept = clear_order(profile, call);
  size_t i = named < VS_OP_COUNT ? 2 : 1;
  const bool any = is_word(r, i, "any");
  if (call == VS_CALL_vcpu_write_state) profile->ordered = !any;
  if (any && call == VS_CALL_vcpu_write_state) memset(profile->order, 0, sizeof profile->order);
  if (any) return ends(r, i);
  size_t count = kept;
  do {
    size_t found;
    if (!look_up(r, i, &n, &found)) return false;
    const uint8_t check = (uint8_t)(found + first);
    if (memchr(profile->order, check, count)) {
      return vs_line_expected(&r->line, i, r->fault, "each check once", NULL, 0);
    }
    profile->order[count++] = check;
  } while (++i < r->line.count);
  return true;
}

static bool read_latitudes(reader* r) {
  const names n = latitude_names();
  uint64_t set;
  if (!read_set(r, &n, &set)) return false;
  r->own->profile.latitudes = (vs_latitude_set)set;
  return true;
}

static bool read_quirks(reader* r) {
  const names n = quirk_names();
  uint64_t set;
  if (!read_set(r, &n, &set)) return false;
  r->own->profile.quirks = (vs_quirk_set)set;
  return true;
}

// The user's flags of the profile's architectures.
static uint64_t user_flags(uint8_t arch) {
  const vs_arch_info* x64 = vs_arch_find(VS_ARCH_X64);
  const vs_arch_info* arm64 = vs_arch_find(VS_ARCH_ARM64);
  uint64_t flags = 0;
  if (arch != VS_ARCH_ARM64) flags |= x64->flags_required | x64->flags_optional;
  if (arch != VS_ARCH_X64) flags |= arm64->flags_required | arm64->flags_optional;
  return flags;
}

static bool read_mask(reader* r, uint64_t* mask) {
  const char* text = r->line.count > 1 ? r->line.words[1].text : "";
  char* end = NULL;
  errno = 0;
  *mask = strtoull(text, &end, 0);
  if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0) {
    return vs_line_expected(&r->line, 1, r->fault, "a mask, such as 0xf0000000", NULL, 0);
  }
  if (*mask & ~user_flags(0)) {
    return vs_line_expected(&r->line, 1, r->fault,
                            "only flags that are the caller's: 0x244dd5, or 0xf0000000 on arm64",
                            NULL, 0);
  }
  return ends(r, 1);
}

static bool read_flags_kept(reader* r) {
  return read_mask(r, &r->own->profile.flags_kept);
}

static bool read_flags_or_only(reader* r) {
  return read_mask(r, &r->own->profile.flags_or_only);
}

static bool read_base(reader* r) {
  const names n = profile_names();
  size_t found;
  if (!look_up(r, 1, &n, &found)) return false;
  r->own->profile = vs_profiles[found];
  return ends(r, 1);
}

static const struct {
  const char* name;
  bool (*read)(reader* r);
} keys[] = {
    {"name", read_name},
    {"summary", read_summary},
    {"base", read_base},  // leaves alone those before it
    {"arch", read_arch},
    {"order", read_order},
    {"latitudes", read_latitudes},
    {"quirks", read_quirks},
    {"flags_kept", read_flags_kept},
    {"flags_or_only", read_flags_or_only},
};
enum { KEYS = sizeof keys / sizeof keys[0], KEY_NAME = 0, KEY_BASE = 2, KEY_ORDER = 4 };

// --- the whole --------------------------------------------------------------------------------

static bool read_line(reader* r) {
  names n = {
      .what = "name, summary, base, arch, order, latitudes, quirks, flags_kept or flags_or_only"};
  for (size_t i = 0; i < KEYS; i++) n.at[n.count++] = keys[i].name;
  size_t key;
  if (!look_up(r, 0, &n, &key)) return false;
  if (key != KEY_ORDER && (r->seen >> key & 1)) {
    return vs_line_expected(&r->line, 0, r->fault, "each key once", NULL, 0);
  }
  if (key == KEY_BASE && r->seen >> (KEY_BASE + 1) != 0) {
    return vs_line_expected(&r->line, 0, r->fault, "base before what it would undo", NULL, 0);
  }
  r->seen |= 1u << key;
  return keys[key].read(r);
}

static bool read_header(reader* r, vs_source* source) {
  bool there = vs_line_next(source, &r->line);
  if (there && !vs_line_cut(&r->line, NULL, NULL, r->fault)) return false;
  bool good = there && r->line.count == 3 && is_word(r, 0, "vcpuspec") &&
              is_word(r, 1, "profile") && is_word(r, 2, "1");
  if (good) return true;
  *r->fault = (vs_fault){.line = 1, .column = 1};
  snprintf(r->fault->message, sizeof r->fault->message, "expected '%s' as the first line", header);
  return false;
}

static bool makes(const vs_profile* profile, vs_check_code check) {
  return memchr(profile->order, (int)check, sizeof profile->order) != NULL;
}

// What the model needs in order to say what an accepted call does.
static bool is_complete(const vs_profile* profile) {
  bool buffer = makes(profile, VS_CHECK_BUFFER) || makes(profile, VS_CHECK_COPY) ||
                makes(profile, VS_CHECK_KERNEL_FAULT);
  return !profile->ordered ||
         (buffer && makes(profile, VS_CHECK_BAD_HANDLE) && makes(profile, VS_CHECK_WRONG_TYPE) &&
          makes(profile, VS_CHECK_KIND) && makes(profile, VS_CHECK_SIZE));
}

// The order decides on the answer: a latitude that does so too would contradict it.
static bool agrees_with_itself(const reader* r) {
  const vs_latitude_set answers =
      (vs_latitude_set)(VS_BIT(VS_LATITUDE_WRONG_THREAD_IO) | VS_BIT(VS_LATITUDE_NO_PORTS));
  const vs_profile* profile = &r->own->profile;
  if (!(r->seen & 1u << KEY_NAME)) return fail_whole(r->fault, "the profile has no name");
  if (!is_complete(profile)) {
    return fail_whole(r->fault,
                      "an order needs bad_handle, wrong_type, kind, size, and one of buffer, copy "
                      "and kernel_fault");
  }
  if (!profile->ordered && profile->order[0] != VS_CHECK_NONE) {
    return fail_whole(r->fault, "an order of a call needs zx_vcpu_write_state's: 'order CHECK...'");
  }
  if (profile->ordered && (profile->latitudes & answers)) {
    return fail_whole(r->fault,
                      "wrong_thread_io_invalid_args and io_without_ports are for 'order any': an "
                      "order decides on the answer");
  }
  if ((profile->flags_kept | profile->flags_or_only) & ~user_flags(profile->arch)) {
    return fail_whole(r->fault, "flags_kept or flags_or_only has flags of another architecture");
  }
  return true;
}

// The orders of calls say nothing of each other: one call's after another's.
static void sort_order(vs_profile* profile) {
  vs_profile sorted = {0};
  size_t count = 0;
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
      const uint8_t check = profile->order[i];
      if (vs_checks[check].call == call) sorted.order[count++] = check;
    }
  }
  memcpy(profile->order, sorted.order, sizeof profile->order);
}

bool vs_profile_parse(const char* text, size_t length, vs_own_profile* own, vs_fault* fault) {
  memset(own, 0, sizeof *own);
  *fault = (vs_fault){0};
  reader r = {.own = own, .fault = fault};
  vs_source source = vs_source_of(text, length);
  if (!read_header(&r, &source)) return false;
  while (vs_line_next(&source, &r.line)) {
    if (vs_line_is_idle(&r.line)) continue;
    if (!vs_line_cut(&r.line, NULL, NULL, fault) || !read_line(&r)) return false;
  }
  own->profile.id = own->name;
  own->profile.summary = own->summary;
  sort_order(&own->profile);
  return agrees_with_itself(&r);
}

bool vs_profile_load(const char* path, vs_own_profile* own, vs_fault* fault) {
  FILE* in = fopen(path, "re");
  if (in == NULL) return fail_whole(fault, strerror(errno));
  char* text = malloc(VS_PROFILE_FILE_MAX + 1);
  size_t length = text != NULL ? fread(text, 1, VS_PROFILE_FILE_MAX + 1, in) : 0;
  bool unread = text == NULL || ferror(in);
  fclose(in);
  bool good = false;
  if (unread) {
    fail_whole(fault, "it cannot be read");
  } else if (length > VS_PROFILE_FILE_MAX) {
    fail_whole(fault, "it has more than 65536 bytes");
  } else {
    good = vs_profile_parse(text, length, own, fault);
  }
  free(text);
  return good;
}

// --- printing ---------------------------------------------------------------------------------

static void print_set(FILE* out, const char* key, const names* n, uint64_t set) {
  fputs(key, out);
  for (size_t i = 0; i < n->count; i++) {
    if (set & VS_BIT(i)) fprintf(out, " %s", n->at[i]);
  }
  fputs(set == 0 ? " none\n" : "\n", out);
}

static void print_order(FILE* out, const vs_profile* profile, uint8_t call) {
  fputs("order", out);
  if (call != VS_CALL_vcpu_write_state) fprintf(out, " %s", vs_ops[call].name);
  for (size_t i = 0; i < VS_CHECK_COUNT && profile->order[i] != VS_CHECK_NONE; i++) {
    const vs_check* check = &vs_checks[profile->order[i]];
    if (profile->ordered && check->call == call) fprintf(out, " %s", check->name);
  }
  fputs(profile->ordered ? "\n" : " any\n", out);
}

void vs_profile_print(FILE* out, const vs_profile* profile) {
  const names latitudes = latitude_names();
  const names quirks = quirk_names();
  fprintf(out, "%s\nname %s\n", header, profile->id);
  if (profile->summary[0] != '\0') fprintf(out, "summary %s\n", profile->summary);
  fprintf(out, "arch %s\n", profile->arch ? vs_arch_find(profile->arch)->name : "any");
  print_order(out, profile, VS_CALL_vcpu_write_state);
  for (uint8_t call = 0; call < VS_CALL_COUNT && profile->ordered; call++) {
    bool its = call != VS_CALL_vcpu_write_state && vs_profile_makes(profile, call) != 0;
    if (its) print_order(out, profile, call);
  }
  print_set(out, "latitudes", &latitudes, profile->latitudes);
  print_set(out, "quirks", &quirks, profile->quirks);
  fprintf(out, "flags_kept 0x%" PRIx64 "\nflags_or_only 0x%" PRIx64 "\n", profile->flags_kept,
          profile->flags_or_only);
}

uint32_t vs_profile_digest(const vs_profile* profile) {
  vs_file text;
  FILE* out = vs_memory_open(&text);
  if (out != NULL) vs_profile_print(out, profile);
  if (!vs_memory_close(out, &text)) return 0;
  uint32_t digest = vs_digest32(VS_DIGEST32, text.text, text.length);
  vs_file_free(&text);
  return digest;
}
