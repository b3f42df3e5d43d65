// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "text/file.h"
#include "text/lines.h"
#include "text/names.h"

static const char header[] = "vcpuspec expectations 1";

// The words that a line may begin with.
typedef enum key {
  KNOWN,
  DISPUTED,
  BACKEND,
  PROFILE,
  CLAUSE,
  ANSWER,
  REASON,
  LINK,
  EXPIRES,
  MATCHES,
  SOMETIMES,
  KEYS
} key;

static const char* const key_names[KEYS] = {
    "known",  "disputed", "backend", "profile", "clause",    "answer",
    "reason", "link",     "expires", "matches", "sometimes",
};

// Where the text after the word is kept; VS_EXPECT_WORDS: elsewhere.
static const vs_expect_word places[KEYS] = {
    [KNOWN] = VS_EXPECT_CASE,      [DISPUTED] = VS_EXPECT_CASE,   [BACKEND] = VS_EXPECT_BACKEND,
    [PROFILE] = VS_EXPECT_PROFILE, [CLAUSE] = VS_EXPECT_CLAUSE,   [ANSWER] = VS_EXPECT_WORDS,
    [REASON] = VS_EXPECT_REASON,   [LINK] = VS_EXPECT_LINK,       [EXPIRES] = VS_EXPECT_EXPIRES,
    [MATCHES] = VS_EXPECT_WORDS,   [SOMETIMES] = VS_EXPECT_WORDS,
};

typedef struct reader {
  vs_line line;
  vs_expectations* all;
  vs_fault* fault;
  char* comment;  // that the next entry gets; owned
  bool no_memory;
} reader;

static bool no_memory(reader* r) {
  *r->fault = (vs_fault){0};
  snprintf(r->fault->message, sizeof r->fault->message, "no memory");
  return false;
}

static bool fault_of_entry(reader* r, const vs_expectation* entry, const char* message) {
  *r->fault = (vs_fault){.line = entry->line, .column = 1};
  snprintf(r->fault->message, sizeof r->fault->message, "%s", message);
  return false;
}

// --- the answer ---------------------------------------------------------------------------------

enum { NAMES = 192 };

typedef struct names {
  size_t count;
  const char* at[NAMES];
} names;

static void add_name(names* n, const char* name) {
  if (n->count < NAMES) n->at[n->count++] = name;
}

static void add_statuses(names* n) {
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) add_name(n, vs_status_name_at(i));
}

static void add_registers(names* n, vs_arch arch) {
  const vs_arch_info* info = vs_arch_find(arch);
  for (size_t i = 0; i < info->register_count; i++) add_name(n, info->registers[i].name);
}

static bool is_number(const char* word) {
  const char* digits = word + (*word == '-');
  return *digits != '\0' && strspn(digits, "0123456789") == strlen(digits);
}

static bool is_among(const names* n, const char* word) {
  for (size_t i = 0; i < n->count; i++) {
    if (strcmp(n->at[i], word) == 0) return true;
  }
  return false;
}

static bool is_ending(const char* word) {
  bool sig = strncmp(word, "SIG", 3) == 0 && word[3] != '\0';
  return sig || (strncmp(word, "exit=", 5) == 0 && is_number(word + 5));
}

static bool read_got(reader* r, size_t index) {
  static const char* const others[] = {"other",   "other_in_guest", "no_return", "garbage",
                                       "hung_up", "silence",        "invalid",   "written"};
  names n = {0};
  add_statuses(&n);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) add_name(&n, others[i]);
  const char* word = r->line.words[index].text;
  if (is_among(&n, word) || is_number(word) || is_ending(word)) return true;
  return vs_line_expected(&r->line, index, r->fault, "what came back, such as ZX_OK or SIGSEGV",
                          n.at, n.count);
}

// One or more statuses with '|' between, or one of the other words.
static bool read_allowed(reader* r, size_t index) {
  static const char* const others[] = {"nothing", "packet", "handle", "buffer", "life"};
  names statuses = {0};
  names n = {0};
  char word[VS_LINE_MAX];
  add_statuses(&statuses);
  add_statuses(&n);
  add_registers(&n, VS_ARCH_X64);
  add_registers(&n, VS_ARCH_ARM64);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) add_name(&n, others[i]);
  snprintf(word, sizeof word, "%s", r->line.words[index].text);
  if (is_among(&n, word) || is_number(word)) return true;
  char* rest = NULL;
  bool good = strchr(word, '|') != NULL;
  for (char* part = strtok_r(word, "|", &rest); part != NULL && good;
       part = strtok_r(NULL, "|", &rest)) {
    good = is_among(&statuses, part) || is_number(part);
  }
  if (good) return true;
  return vs_line_expected(&r->line, index, r->fault,
                          "what was allowed, such as ZX_ERR_BAD_STATE|ZX_ERR_WRONG_TYPE or rax",
                          n.at, n.count);
}

// Statuses in the order in which the program writes them.
static int compare_statuses(const void* a, const void* b) {
  zx_status_t status[2];
  const char* const* words[] = {a, b};
  for (size_t i = 0; i < 2; i++) {
    if (!vs_status_find(*words[i], &status[i])) status[i] = (zx_status_t)atol(*words[i]);
  }
  return status[0] < status[1] ? -1 : status[0] > status[1];
}

static void put_in_order(char* allowed) {
  enum { PARTS = 32 };
  char copy[VS_LINE_MAX];
  const char* parts[PARTS];
  size_t count = 0;
  char* rest = NULL;
  if (strchr(allowed, '|') == NULL) return;
  snprintf(copy, sizeof copy, "%s", allowed);
  for (char* part = strtok_r(copy, "|", &rest); part != NULL && count < PARTS;
       part = strtok_r(NULL, "|", &rest)) {
    parts[count++] = part;
  }
  qsort(parts, count, sizeof parts[0], compare_statuses);
  size_t room = strlen(allowed) + 1;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    at += (size_t)snprintf(allowed + at, room - at, "%s%s", i > 0 ? "|" : "", parts[i]);
  }
}

static bool read_answer(reader* r, vs_expectation* entry) {
  vs_line* line = &r->line;
  if (line->count < 4 || strcmp(line->words[2].text, "->") != 0)
    return vs_line_expected(line, line->count < 3 ? line->count : 2, r->fault,
                            "an answer: ALLOWED -> GOT", NULL, 0);
  if (line->count > 4) return vs_line_expected(line, 4, r->fault, "the end of the line", NULL, 0);
  if (!read_allowed(r, 1) || !read_got(r, 3)) return false;
  if (entry->answer_count == VS_ANSWERS_MAX)
    return vs_line_fault(line, 0, r->fault, "expected at most %d answers in an entry",
                         VS_ANSWERS_MAX);
  put_in_order(line->words[1].text);
  char** answer = &entry->answers[entry->answer_count];
  if (asprintf(answer, "%s -> %s", line->words[1].text, line->words[3].text) < 0) {
    *answer = NULL;
    return no_memory(r);
  }
  entry->answer_count++;
  return true;
}

// --- other words --------------------------------------------------------------------------------

static bool is_date(const char* text) {
  struct tm date = {0};
  char again[16];
  if (strlen(text) != 10 || strptime(text, "%Y-%m-%d", &date) == NULL) return false;
  date.tm_isdst = 0;
  struct tm same = date;
  timegm(&same);  // the 31st of April becomes the 1st of May
  return same.tm_mday == date.tm_mday && strftime(again, sizeof again, "%Y-%m-%d", &date) == 10 &&
         strcmp(again, text) == 0;
}

static bool read_matches(reader* r, vs_expectation* entry) {
  enum { MOST = 1000000 };
  const char* word = r->line.count > 1 ? r->line.words[1].text : "";
  char* end = NULL;
  unsigned long value = strtoul(word, &end, 10);
  if (word[0] < '0' || word[0] > '9' || *end != '\0' || value == 0 || value > MOST)
    return vs_line_expected(&r->line, 1, r->fault, "a number of results, 1 to 1000000", NULL, 0);
  if (r->line.count > 2)
    return vs_line_expected(&r->line, 2, r->fault, "the end of the line", NULL, 0);
  if (entry->matches > 0)
    return vs_line_fault(&r->line, 0, r->fault, "expected each word once in an entry");
  entry->matches = value;
  return true;
}

// All of the line after its first word.
static bool read_text(reader* r, vs_expectation* entry, key k) {
  const vs_line* line = &r->line;
  char** place = &entry->words[places[k]];
  if (*place != NULL)
    return vs_line_fault(line, 0, r->fault, "expected each word once in an entry");
  if (line->count < 2) {
    char what[64];
    snprintf(what, sizeof what, "a text after '%s'", key_names[k]);
    return vs_line_expected(line, 1, r->fault, what, NULL, 0);
  }
  size_t first = line->words[1].column - 1;
  *place = strndup(line->raw + first, line->end_column - 1 - first);
  if (*place == NULL) return no_memory(r);
  if (k == EXPIRES && !is_date(*place))
    return vs_line_expected(line, 1, r->fault, "a day, YYYY-MM-DD", NULL, 0);
  return true;
}

// --- entries ------------------------------------------------------------------------------------

vs_expectation* vs_expectations_add(vs_expectations* all) {
  bool full = (all->count & (all->count - 1)) == 0;  // at every power of two
  if (full) {
    size_t capacity = all->count == 0 ? 1 : 2 * all->count;
    vs_expectation* items = realloc(all->items, capacity * sizeof *items);
    if (items == NULL) return NULL;
    all->items = items;
  }
  vs_expectation* entry = &all->items[all->count++];
  *entry = (vs_expectation){0};
  return entry;
}

static vs_expectation* last(const reader* r) {
  return r->all->count > 0 ? &r->all->items[r->all->count - 1] : NULL;
}

// Everything that an entry has to say is said.
static bool is_whole(reader* r) {
  const vs_expectation* e = last(r);
  if (e == NULL) return true;
  if (e->words[VS_EXPECT_BACKEND] == NULL)
    return fault_of_entry(r, e, "expected 'backend' in this entry: a name, or a glob such as *");
  if (e->words[VS_EXPECT_PROFILE] == NULL)
    return fault_of_entry(r, e, "expected 'profile' in this entry: a name, or a glob such as *");
  if (e->answer_count == 0)
    return fault_of_entry(r, e, "expected 'answer ALLOWED -> GOT' in this entry");
  if (e->words[VS_EXPECT_REASON] == NULL)
    return fault_of_entry(r, e, "expected 'reason' in this entry: why is this known?");
  if (e->disputed && e->words[VS_EXPECT_LINK] == NULL)
    return fault_of_entry(r, e, "expected 'link' in a disputed entry: where is it disputed?");
  if (e->sometimes && e->words[VS_EXPECT_EXPIRES] == NULL)
    return fault_of_entry(r, e, "expected 'expires' in an entry with 'sometimes'");
  return true;
}

static bool begin(reader* r, key k) {
  if (!is_whole(r)) return false;
  vs_expectation* entry = vs_expectations_add(r->all);
  if (entry == NULL) return no_memory(r);
  entry->line = r->line.number;
  entry->disputed = k == DISPUTED;
  entry->comment = r->comment;
  r->comment = NULL;
  return read_text(r, entry, k);
}

static bool read_sometimes(reader* r, vs_expectation* entry) {
  entry->sometimes = true;
  if (r->line.count == 1) return true;
  return vs_line_expected(&r->line, 1, r->fault, "the end of the line", NULL, 0);
}

static bool read_entry_line(reader* r) {
  key k = 0;
  while (k < KEYS && strcmp(r->line.words[0].text, key_names[k]) != 0) k++;
  vs_expectation* entry = last(r);
  if (k == KEYS)
    return vs_line_expected(&r->line, 0, r->fault, "a word of an entry", key_names, KEYS);
  if (k == KNOWN || k == DISPUTED) return begin(r, k);
  if (entry == NULL)
    return vs_line_expected(&r->line, 0, r->fault, "'known CASE' or 'disputed CASE' first", NULL,
                            0);
  if (k == ANSWER) return read_answer(r, entry);
  if (k == MATCHES) return read_matches(r, entry);
  if (k == SOMETIMES) return read_sometimes(r, entry);
  return read_text(r, entry, k);
}

// A comment is kept as it is, in any language; but a control byte, above all a zero, would cut it
// or change it when it is written again.
static bool is_text(reader* r) {
  const vs_line* line = &r->line;
  for (size_t i = line->indent; i < line->raw_length; i++) {
    unsigned char byte = (unsigned char)line->raw[i];
    if ((byte >= ' ' || byte == '\t') && byte != 0x7f) continue;
    vs_line_fault(line, 0, r->fault, "expected text in a comment, found the control byte 0x%02x",
                  byte);
    r->fault->column = i + 1;
    return false;
  }
  return true;
}

static bool keep_comment(reader* r) {
  const vs_line* line = &r->line;
  if (line->indent == line->raw_length) return true;
  if (!is_text(r)) return false;
  char* longer = NULL;
  int length = (int)(line->raw_length - line->indent);
  if (asprintf(&longer, "%s%.*s\n", r->comment ? r->comment : "", length,
               line->raw + line->indent) < 0) {
    return no_memory(r);
  }
  free(r->comment);
  r->comment = longer;
  return true;
}

static bool is_header(const vs_line* line) {
  size_t length = sizeof header - 1;
  size_t end = line->raw_length;
  while (end > line->indent && strchr(" \t\r", line->raw[end - 1]) != NULL) end--;
  return end - line->indent == length && memcmp(line->raw + line->indent, header, length) == 0;
}

static bool read_lines(reader* r, vs_source* source) {
  bool begun = false;
  while (vs_line_next(source, &r->line)) {
    if (vs_line_is_idle(&r->line)) {
      if (begun && !keep_comment(r)) return false;
      continue;
    }
    if (!begun && !is_header(&r->line))
      return vs_line_fault(&r->line, 0, r->fault, "expected '%s' as the first line", header);
    if (begun && (!vs_line_cut(&r->line, NULL, NULL, r->fault) || !read_entry_line(r)))
      return false;
    begun = true;
  }
  if (!begun) {
    *r->fault = (vs_fault){.line = 1, .column = 1};
    snprintf(r->fault->message, sizeof r->fault->message,
             "expected '%s', found the end of the text", header);
  }
  return begun && is_whole(r);
}

bool vs_expectations_parse(const char* text, size_t length, vs_expectations* all, vs_fault* fault) {
  reader* r = calloc(1, sizeof *r);
  *all = (vs_expectations){0};
  *fault = (vs_fault){.message = "no memory"};
  if (r == NULL) return false;
  r->all = all;
  r->fault = fault;
  vs_source source = vs_source_of(text, length);
  bool good = read_lines(r, &source);
  all->comment = r->comment;
  free(r);
  if (!good) vs_expectations_free(all);
  return good;
}

bool vs_expectations_read(const char* path, vs_expectations* all, vs_fault* fault) {
  vs_file file;
  char why[VS_FILE_WHY];
  *fault = (vs_fault){0};
  if (!vs_file_read(path, &file, why)) {
    // The path is told already.
    const char* reason = strstr(why, "cannot be read");
    snprintf(fault->message, sizeof fault->message, "%s", reason != NULL ? reason : why);
    return false;
  }
  bool good = vs_expectations_parse(file.text, file.length, all, fault);
  vs_file_free(&file);
  if (!good) return false;
  all->path = strdup(path);
  if (all->path != NULL) return true;
  vs_expectations_free(all);
  snprintf(fault->message, sizeof fault->message, "no memory");
  return false;
}

static void free_entry(vs_expectation* entry) {
  for (size_t i = 0; i < VS_EXPECT_WORDS; i++) free(entry->words[i]);
  for (size_t i = 0; i < entry->answer_count; i++) free(entry->answers[i]);
  free(entry->comment);
}

void vs_expectations_free(vs_expectations* all) {
  for (size_t i = 0; i < all->count; i++) free_entry(&all->items[i]);
  free(all->items);
  free(all->path);
  free(all->comment);
  *all = (vs_expectations){0};
}
