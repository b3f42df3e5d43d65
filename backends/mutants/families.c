// SPDX-License-Identifier: BSD-3-Clause
// Who the members of the families are, and the rows that they make.
#include "families.h"
#include "mutants.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = FAMILY_NAME, ID = VS_MUTANT_ID_MAX, ROWS_MAX = 2400, TEXT_MAX = 160 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char* const x64_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char* const reason_names[REASONS] = {"bad_handle", "wrong_type", "access_denied",
                                                  "kind",       "size",       "buffer",
                                                  "running",    "creator",    "access_size"};

// --- bits -------------------------------------------------------------------------------------

const uint8_t x64_flag_bits[] = {0, 2, 4, 6, 7, 8, 10, 11, 14, 18, 21};
const uint8_t x64_required_flag_bits[] = {0, 2, 4, 6, 7, 8, 10, 11};
const uint8_t x64_optional_flag_bits[] = {14, 18, 21};
static const char* const x64_flag_names[] = {"cf", "pf", "af", "zf", "sf", "tf",
                                             "df", "of", "nt", "ac", "id"};
static const char* const arm64_flag_names[] = {"v", "c", "z", "n"};

// All but the eleven above and bit 1, which is a gate.
const uint8_t x64_system_bit_numbers[] = {3,  5,  9,  12, 13, 15, 16, 17, 19, 20, 22, 23, 24,
                                          25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
                                          38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
                                          51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

unsigned member_bit(const uint8_t* bits) {
  return bits[altered_member];
}

// --- what the other members stand for ---------------------------------------------------------

static const io_width widths[] = {{1, 0}, {1, 2}, {1, 3}, {1, 4}, {2, 0}, {2, 1},
                                  {2, 3}, {2, 4}, {4, 0}, {4, 1}, {4, 2}, {4, 3}};
static const uint8_t odd_access_sizes[] = {0, 3, 5, 6, 7, 8, 9, 16, 32, 64, 127, 128, 254, 255};
static const struct {
  const char* name;
  zx_rights_t right;
} rights[] = {{"DUPLICATE", ZX_RIGHT_DUPLICATE}, {"TRANSFER", ZX_RIGHT_TRANSFER},
              {"READ", ZX_RIGHT_READ},           {"EXECUTE", ZX_RIGHT_EXECUTE},
              {"SIGNAL", ZX_RIGHT_SIGNAL},       {"WAIT", ZX_RIGHT_WAIT},
              {"INSPECT", ZX_RIGHT_INSPECT}};
static const struct {
  const char* name;
  zx_obj_type_t type;
} types[] = {{"port", ZX_OBJ_TYPE_PORT},
             {"vmo", ZX_OBJ_TYPE_VMO},
             {"guest", ZX_OBJ_TYPE_GUEST},
             {"vmar", ZX_OBJ_TYPE_VMAR},
             {"event", ZX_OBJ_TYPE_EVENT}};
// Of a new handle to a guest, to either, to a vCPU, to neither.
static const struct {
  const char* name;
  zx_rights_t right;
} new_rights[] = {{"MANAGE_THREAD", ZX_RIGHT_MANAGE_THREAD},
                  {"DUPLICATE", ZX_RIGHT_DUPLICATE},
                  {"TRANSFER", ZX_RIGHT_TRANSFER},
                  {"WRITE", ZX_RIGHT_WRITE},
                  {"READ", ZX_RIGHT_READ},
                  {"EXECUTE", ZX_RIGHT_EXECUTE},
                  {"SIGNAL", ZX_RIGHT_SIGNAL},
                  {"MAP", ZX_RIGHT_MAP},
                  {"DESTROY", ZX_RIGHT_DESTROY},
                  {"RESIZE", ZX_RIGHT_RESIZE}};
enum { NEW_RIGHTS = sizeof new_rights / sizeof new_rights[0] };
enum { WRITABLE_TYPES = 4 };  // whose handles have ZX_RIGHT_WRITE; they come first
// Those that the documentation of zx_vcpu_create lists come first.
enum { DOCUMENTED_RIGHTS = 5 };

static const struct {
  const char* name;
  zx_status_t status;
} statuses[] = {{"ok", ZX_OK},
                {"one", 1},
                {"internal", ZX_ERR_INTERNAL},
                {"not_supported", ZX_ERR_NOT_SUPPORTED},
                {"not_found", ZX_ERR_NOT_FOUND},
                {"bad_handle", ZX_ERR_BAD_HANDLE},
                {"wrong_type", ZX_ERR_WRONG_TYPE},
                {"access_denied", ZX_ERR_ACCESS_DENIED},
                {"invalid_args", ZX_ERR_INVALID_ARGS},
                {"bad_state", ZX_ERR_BAD_STATE}};

// Pairs that can apply at once.
static const pair both[] = {
    {REASON_BAD_HANDLE, REASON_KIND},       {REASON_BAD_HANDLE, REASON_SIZE},
    {REASON_BAD_HANDLE, REASON_BUFFER},     {REASON_WRONG_TYPE, REASON_ACCESS_DENIED},
    {REASON_WRONG_TYPE, REASON_KIND},       {REASON_WRONG_TYPE, REASON_SIZE},
    {REASON_WRONG_TYPE, REASON_BUFFER},     {REASON_ACCESS_DENIED, REASON_KIND},
    {REASON_ACCESS_DENIED, REASON_SIZE},    {REASON_ACCESS_DENIED, REASON_BUFFER},
    {REASON_ACCESS_DENIED, REASON_RUNNING}, {REASON_ACCESS_DENIED, REASON_CREATOR},
    {REASON_KIND, REASON_BUFFER},           {REASON_KIND, REASON_RUNNING},
    {REASON_KIND, REASON_CREATOR},          {REASON_SIZE, REASON_BUFFER},
    {REASON_SIZE, REASON_RUNNING},          {REASON_SIZE, REASON_CREATOR},
    {REASON_BUFFER, REASON_RUNNING},        {REASON_BUFFER, REASON_CREATOR}};

// Where a place in the order can be seen: a handle that names nothing comes first anyway.
static const reason firsts[] = {REASON_ACCESS_DENIED, REASON_KIND,    REASON_SIZE,
                                REASON_BUFFER,        REASON_RUNNING, REASON_CREATOR,
                                REASON_ACCESS_SIZE};
static const reason lasts[] = {REASON_BAD_HANDLE, REASON_WRONG_TYPE, REASON_ACCESS_DENIED,
                               REASON_KIND,       REASON_SIZE,       REASON_BUFFER,
                               REASON_CREATOR};

zx_status_t status_of_reason(reason why) {
  static const zx_status_t right[REASONS] = {
      ZX_ERR_BAD_HANDLE,   ZX_ERR_WRONG_TYPE,   ZX_ERR_ACCESS_DENIED,
      ZX_ERR_INVALID_ARGS, ZX_ERR_INVALID_ARGS, ZX_ERR_INVALID_ARGS,
      ZX_ERR_BAD_STATE,    ZX_ERR_BAD_STATE,    ZX_ERR_INVALID_ARGS};
  return right[why];
}

// An odd access_size may be accepted, and what it then changes is open.
static bool is_wrong(reason when, zx_status_t status) {
  return status != status_of_reason(when) && (when != REASON_ACCESS_SIZE || status != ZX_OK);
}

// The member'th pair of a reason and a status that is wrong for it; false past the last.
static bool find_answer(size_t member, reason* when, size_t* status) {
  for (*when = 0; *when < REASONS; ++*when) {
    for (*status = 0; *status < COUNT(statuses); ++*status) {
      if (is_wrong(*when, statuses[*status].status) && member-- == 0) return true;
    }
  }
  return false;
}

wrong_answer member_answer(void) {
  reason when = 0;
  size_t status = 0;
  if (!find_answer(altered_member, &when, &status)) abort();
  return (wrong_answer){when, statuses[status].status};
}

pair member_pair(void) {
  return both[altered_member];
}
io_width member_width(void) {
  return widths[altered_member];
}
unsigned member_odd_size(void) {
  return odd_access_sizes[altered_member];
}
zx_rights_t member_right(void) {
  return rights[altered_member].right;
}
zx_rights_t member_new_right(unsigned first) {
  return new_rights[first + altered_member].right;
}
zx_obj_type_t member_type(void) {
  return types[altered_member].type;
}
zx_obj_type_t member_unwritable_type(void) {
  return types[WRITABLE_TYPES + altered_member].type;
}
reason member_of_orders_first(void) {
  return firsts[altered_member];
}
reason member_of_orders_last(void) {
  return lasts[altered_member];
}

// --- the members' names -----------------------------------------------------------------------

// Each fills the name of a member, or is false past the last.
typedef bool (*namer)(size_t member, char name[NAME]);

static bool name_of(const char* const* names, size_t count, size_t member, char name[NAME]) {
  if (member < count) snprintf(name, NAME, "%s", names[member]);
  return member < count;
}

static bool number_from(size_t first, size_t count, size_t member, char name[NAME]) {
  if (member < count) snprintf(name, NAME, "%zu", first + member);
  return member < count;
}

static bool x64_registers(size_t member, char name[NAME]) {
  return name_of(x64_names, COUNT(x64_names), member, name);
}
static bool x64_not_rax(size_t member, char name[NAME]) {
  return name_of(x64_names + 1, COUNT(x64_names) - 1, member, name);
}
static bool arm64_registers(size_t member, char name[NAME]) {
  if (member < 31) snprintf(name, NAME, "x%zu", member);
  if (member == 31) snprintf(name, NAME, "sp");
  return member <= 31;
}
static bool x64_flags(size_t member, char name[NAME]) {
  return name_of(x64_flag_names, COUNT(x64_flag_names), member, name);
}
static bool x64_required_flags(size_t member, char name[NAME]) {
  return name_of(x64_flag_names, COUNT(x64_required_flag_bits), member, name);
}
static bool x64_optional_flags(size_t member, char name[NAME]) {
  return name_of(x64_flag_names + COUNT(x64_required_flag_bits), COUNT(x64_optional_flag_bits),
                 member, name);
}
static bool arm64_flags(size_t member, char name[NAME]) {
  return name_of(arm64_flag_names, COUNT(arm64_flag_names), member, name);
}
static bool x64_system_bits(size_t member, char name[NAME]) {
  bool is = member < COUNT(x64_system_bit_numbers);
  if (is) snprintf(name, NAME, "%u", x64_system_bit_numbers[member]);
  return is;
}
static bool arm64_system_bits(size_t member, char name[NAME]) {
  return number_from(0, 28, member, name);
}
static bool upper_31_bits(size_t member, char name[NAME]) {
  return number_from(1, 31, member, name);
}
static bool upper_30_bits(size_t member, char name[NAME]) {
  return number_from(2, 30, member, name);
}
static bool all_64_bits(size_t member, char name[NAME]) {
  return number_from(0, 64, member, name);
}
static bool three(size_t member, char name[NAME]) {
  return number_from(0, 3, member, name);
}
static bool io_widths(size_t member, char name[NAME]) {
  bool is = member < COUNT(widths);
  if (is) snprintf(name, NAME, "%u_%u", widths[member].asked, widths[member].written);
  return is;
}
static bool odd_sizes(size_t member, char name[NAME]) {
  bool is = member < COUNT(odd_access_sizes);
  if (is) snprintf(name, NAME, "%u", odd_access_sizes[member]);
  return is;
}
static bool other_rights(size_t member, char name[NAME]) {
  bool is = member < COUNT(rights);
  if (is) snprintf(name, NAME, "%s", rights[member].name);
  return is;
}
static bool documented_rights(size_t member, char name[NAME]) {
  return member < DOCUMENTED_RIGHTS && other_rights(member, name);
}
static bool new_rights_from(size_t first, size_t count, size_t member, char name[NAME]) {
  if (member < count) snprintf(name, NAME, "%s", new_rights[first + member].name);
  return member < count;
}
static bool guest_rights(size_t member, char name[NAME]) {
  return new_rights_from(0, GUEST_RIGHTS_END, member, name);
}
static bool not_guest_rights(size_t member, char name[NAME]) {
  return new_rights_from(GUEST_RIGHTS_END, NEW_RIGHTS - GUEST_RIGHTS_END, member, name);
}
static bool vcpu_rights(size_t member, char name[NAME]) {
  return new_rights_from(VCPU_RIGHTS, VCPU_RIGHTS_END - VCPU_RIGHTS, member, name);
}
static bool not_vcpu_rights(size_t member, char name[NAME]) {
  return new_rights_from(VCPU_RIGHTS_END, NEW_RIGHTS - VCPU_RIGHTS_END, member, name);
}
static bool other_types(size_t member, char name[NAME]) {
  bool is = member < COUNT(types);
  if (is) snprintf(name, NAME, "%s", types[member].name);
  return is;
}
static bool writable_types(size_t member, char name[NAME]) {
  return member < WRITABLE_TYPES && other_types(member, name);
}
static bool unwritable_types(size_t member, char name[NAME]) {
  return other_types(WRITABLE_TYPES + member, name);
}
static bool wrong_answers(size_t member, char name[NAME]) {
  reason when = 0;
  size_t status = 0;
  bool is = find_answer(member, &when, &status);
  if (is) snprintf(name, NAME, "%s_%s", reason_names[when], statuses[status].name);
  return is;
}
static bool pairs(size_t member, char name[NAME]) {
  bool is = member < COUNT(both);
  if (is) {
    snprintf(name, NAME, "%s_%s", reason_names[both[member].a], reason_names[both[member].b]);
  }
  return is;
}
static bool orders_first(size_t member, char name[NAME]) {
  bool is = member < COUNT(firsts);
  if (is) snprintf(name, NAME, "%s", reason_names[firsts[member]]);
  return is;
}
static bool orders_last(size_t member, char name[NAME]) {
  bool is = member < COUNT(lasts);
  if (is) snprintf(name, NAME, "%s", reason_names[lasts[member]]);
  return is;
}

// --- rows -------------------------------------------------------------------------------------

#define VS_FAMILY(name, base, breaks, members, mistake) void alter_##name(vs_calls* calls);
#define VS_FAMILY_OF(name, members, mistake) void alter_##name(vs_calls* calls);
#define VS_PERMITTED_FAMILY(name, base, latitude, members, choice) \
  void alter_##name(vs_calls* calls);
#define VS_PERMITTED_FAMILY_OF(name, members, choice) void alter_##name(vs_calls* calls);
#include "families.def"
#undef VS_FAMILY
#undef VS_FAMILY_OF
#undef VS_PERMITTED_FAMILY
#undef VS_PERMITTED_FAMILY_OF

typedef struct family {
  const char* name;
  const char* base;
  const char* breaks;    // NULL: permitted; "": by the reason that is answered
  const char* latitude;  // NULL: not permitted
  namer members;
  family_members telling;  // NULL, or instead of these: they say what they break
  const char* mistake;
  void (*alter)(vs_calls* calls);
} family;

static const family families[] = {
#define VS_FAMILY(name, base, breaks, members, mistake) \
  {#name, base, breaks, NULL, members, NULL, mistake, alter_##name},
#define VS_FAMILY_OF(name, members, mistake) \
  {#name, "", "", NULL, NULL, members, mistake, alter_##name},
#define VS_PERMITTED_FAMILY(name, base, latitude, members, choice) \
  {#name, base, NULL, latitude, members, NULL, choice, alter_##name},
#define VS_PERMITTED_FAMILY_OF(name, members, choice) \
  {#name, "", NULL, "", NULL, members, choice, alter_##name},
#include "families.def"
#undef VS_FAMILY
#undef VS_FAMILY_OF
#undef VS_PERMITTED_FAMILY
#undef VS_PERMITTED_FAMILY_OF
};

static struct {
  vs_mutant rows[ROWS_MAX];
  char ids[ROWS_MAX][ID];
  char texts[ROWS_MAX][TEXT_MAX];
  size_t count;
  pthread_once_t once;
} made = {.once = PTHREAD_ONCE_INIT};

// No error is documented for an access_size: to a call that is right but for it, each other answer
// than INVALID_ARGS is wrong for its own reason.
static const char* clause_of_access_size(zx_status_t status) {
  if (status == ZX_ERR_BAD_HANDLE) return "write_state.errors.bad_handle";
  if (status == ZX_ERR_WRONG_TYPE) return "write_state.rights.type";
  if (status == ZX_ERR_ACCESS_DENIED) return "write_state.rights.write";
  if (status == ZX_ERR_BAD_STATE) return "write_state.description.paused";
  return "write_state.return.ok";
}

// The clause that a wrong answer breaks: by refusing with another status, or by not refusing. While
// a vCPU runs, the caller's thread is the wrong one too.
static const char* clause_of_answer(size_t member) {
  static const char* const by_status[REASONS] = {"write_state.errors.bad_handle",
                                                 "write_state.errors.wrong_type",
                                                 "write_state.errors.access_denied",
                                                 "write_state.errors.invalid_args.kind",
                                                 "write_state.errors.invalid_args.size",
                                                 "write_state.errors.invalid_args.buffer",
                                                 "write_state.return.error",
                                                 "write_state.errors.bad_state",
                                                 NULL};
  static const char* const by_accepting[REASONS] = {"write_state.errors.bad_handle",
                                                    "write_state.rights.type",
                                                    "write_state.rights.write",
                                                    "write_state.description.kind",
                                                    "write_state.errors.invalid_args.size",
                                                    "write_state.errors.invalid_args.buffer",
                                                    "write_state.description.paused",
                                                    "write_state.description.same_thread",
                                                    NULL};
  reason when = 0;
  size_t status = 0;
  if (!find_answer(member, &when, &status)) abort();
  if (when == REASON_ACCESS_SIZE) return clause_of_access_size(statuses[status].status);
  return statuses[status].status == ZX_OK ? by_accepting[when] : by_status[when];
}

// What a guest shows is laid over a backend that has guests.
static const char* base_for(const family* of, const char* name) {
  bool kick = strncmp(name, "kick", strlen("kick")) == 0 && strcmp(of->name, "done_though") == 0;
  bool enters = strstr(name, "running") != NULL || strncmp(name, "enter", strlen("enter")) == 0;
  return enters || kick ? "unicorn" : "soft";
}

static void make_row(const family* of, unsigned member, const char* name, const char* breaks) {
  size_t at = made.count++;
  if (at >= ROWS_MAX) abort();  // the tables are fixed, so this is met by whoever adds to them
  snprintf(made.ids[at], ID, "%s_%s", of->name, name);
  const char* gap = strstr(of->mistake, "%s");
  snprintf(made.texts[at], TEXT_MAX, "%.*s%s%s", (int)(gap - of->mistake), of->mistake, name,
           gap + 2);
  const char* base = of->base[0] != '\0' ? of->base : base_for(of, name);
  made.rows[at] =
      (vs_mutant){made.ids[at], base, breaks, of->latitude, made.texts[at], of->alter, member};
}

static void make_rows(void) {
  char name[NAME];
  for (size_t i = 0; i < COUNT(families); i++) {
    const family* of = &families[i];
    for (unsigned k = 0;; k++) {
      const char* breaks = of->breaks;
      if (!(of->telling != NULL ? of->telling(k, name, &breaks) : of->members(k, name))) break;
      if (of->breaks == NULL) breaks = NULL;
      if (breaks != NULL && breaks[0] == '\0') breaks = clause_of_answer(k);
      make_row(of, k, name, breaks);
    }
  }
}

_Static_assert((int)REASONS == (int)VS_MUTANT_REASON_COUNT, "one count");

vs_mutant_reason vs_mutant_reason_at(unsigned index) {
  return (vs_mutant_reason){reason_names[index], status_of_reason((reason)index)};
}

const vs_mutant* vs_mutant_of_families(size_t index) {
  pthread_once(&made.once, make_rows);
  return index < made.count ? &made.rows[index] : NULL;
}
