// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "text/file.h"
#include "text/lines.h"
#include "text/names.h"
#include "words/touched.h"

static const char header[] = "vcpuspec expectations 1";

// The words that a line may begin with: first those with a text, which is kept at the same place.
enum { KNOWN = VS_EXPECT_CASE, DISPUTED = VS_EXPECT_WORDS, ANSWER, MATCHES, SOMETIMES, KEYS };

static const char* const keys[KEYS] = {
    [KNOWN] = "known",
    [VS_EXPECT_BACKEND] = "backend",
    [VS_EXPECT_PROFILE] = "profile",
    [VS_EXPECT_CLAUSE] = "clause",
    [VS_EXPECT_REASON] = "reason",
    [VS_EXPECT_LINK] = "link",
    [VS_EXPECT_EXPIRES] = "expires",
    [DISPUTED] = "disputed",
    [ANSWER] = "answer",
    [MATCHES] = "matches",
    [SOMETIMES] = "sometimes",
};

typedef struct reader {
  vs_line line;
  vs_expectations* all;
  vs_fault* fault;
  const char* comment;  // that the next entry gets
} reader;

// --- the answer ---------------------------------------------------------------------------------

enum { NAMES = 192 };

typedef struct names {
  size_t count;
  const char* at[NAMES];
} names;

static void add_name(names* n, const char* name) {
  if (n->count < NAMES) n->at[n->count++] = name;
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

// No word is at this index.
static bool is_end(reader* r, size_t index) {
  return r->line.count <= index ||
         vs_line_expected(&r->line, index, r->fault, "the end of the line", NULL, 0);
}

static bool find_status(const char* word, zx_status_t* status) {
  if (vs_status_find(word, status)) return true;
  *status = (zx_status_t)atol(word);
  return is_number(word);
}

static int compare_statuses(const void* a, const void* b) {
  const char* const* words[] = {a, b};
  zx_status_t status[2];
  for (size_t i = 0; i < 2; i++) find_status(*words[i], &status[i]);
  return status[0] < status[1] ? -1 : status[0] > status[1];
}

// Statuses with '|' between, put in the order in which the program writes them. False: some are
// none.
static bool read_statuses(char* word) {
  enum { PARTS = 32 };
  char copy[VS_LINE_MAX];
  const char* parts[PARTS];
  size_t count = 0;
  char* rest = NULL;
  snprintf(copy, sizeof copy, "%s", word);
  for (char* part = strtok_r(copy, "|", &rest); part != NULL && count < PARTS;
       part = strtok_r(NULL, "|", &rest)) {
    zx_status_t status;
    if (!find_status(part, &status)) return false;
    parts[count++] = part;
  }
  if (count == 0 || *rest != '\0') return false;
  qsort(parts, count, sizeof parts[0], compare_statuses);
  for (size_t i = 0; i < count; i++) {
    word = stpcpy(stpcpy(word, i > 0 ? "|" : ""), parts[i]);
  }
  return true;
}

// Statuses, and `others`, which end in NULL.
static names names_of(const char* const* others) {
  names n = {0};
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) add_name(&n, vs_status_name_at(i));
  for (; *others != NULL; others++) add_name(&n, *others);
  return n;
}

// "rflags[16]", "packet.key", "buffer[8..15]".
static bool touches(const names* registers, const char* word) {
  char name[16];
  vs_touched touched;
  const size_t length = strcspn(word, "[.");
  snprintf(name, sizeof name, "%.*s", (int)length, word);
  if (!vs_touched_read(word + length, &touched)) return false;
  if (word[length] == '.') return strcmp(name, "packet") == 0;
  if (touched.from < touched.to) return strcmp(name, "buffer") == 0;
  return is_among(registers, name);
}

static bool read_allowed(reader* r, size_t index) {
  static const char* const others[] = {"nothing", "packet", "handle", "buffer", "life", NULL};
  names n = names_of(others);
  char* word = r->line.words[index].text;
  if (strchr(word, '|') != NULL && read_statuses(word)) return true;
  names registers = {0};
  add_registers(&registers, VS_ARCH_X64);
  add_registers(&registers, VS_ARCH_ARM64);
  if (is_among(&n, word) || is_number(word) || is_among(&registers, word) ||
      touches(&registers, word))
    return true;
  for (size_t i = 0; i < registers.count; i++) add_name(&n, registers.at[i]);
  return vs_line_expected(&r->line, index, r->fault,
                          "what was allowed, such as ZX_ERR_BAD_STATE|ZX_ERR_WRONG_TYPE, rax, "
                          "rax[31:0], packet.key or buffer[8..15]",
                          n.at, n.count);
}

static bool read_got(reader* r, size_t index) {
  static const char* const others[] = {"other",   "other_in_guest", "no_return",
                                       "garbage", "hung_up",        "silence",
                                       "invalid", "written",        NULL};
  const names n = names_of(others);
  const char* word = r->line.words[index].text;
  bool died = strncmp(word, "SIG", 3) == 0 && word[3] != '\0';
  bool ended = strncmp(word, "exit=", 5) == 0 && is_number(word + 5);
  if (is_among(&n, word) || is_number(word) || died || ended) return true;
  return vs_line_expected(&r->line, index, r->fault, "what came back, such as ZX_OK or SIGSEGV",
                          n.at, n.count);
}

static bool read_answer(reader* r, vs_expectation* entry) {
  vs_line* line = &r->line;
  if (line->count < 4 || strcmp(line->words[2].text, "->") != 0)
    return vs_line_expected(line, line->count < 3 ? line->count : 2, r->fault,
                            "an answer: ALLOWED -> GOT", NULL, 0);
  if (!is_end(r, 4) || !read_allowed(r, 1) || !read_got(r, 3)) return false;
  if (entry->answers.count == VS_ANSWERS_MAX)
    return vs_line_fault(line, 0, r->fault, "expected at most %d answers in an entry",
                         VS_ANSWERS_MAX);
  vs_add(&r->all->store, &entry->answers,
         vs_said(&r->all->store, "%s -> %s", line->words[1].text, line->words[3].text));
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

static bool is_first(reader* r, bool first) {
  return first || vs_line_fault(&r->line, 0, r->fault, "expected each word once in an entry");
}

static bool read_matches(reader* r, vs_expectation* entry) {
  enum { MOST = 1000000 };
  const char* word = r->line.count > 1 ? r->line.words[1].text : "";
  char* end = NULL;
  unsigned long value = strtoul(word, &end, 10);
  if (word[0] < '0' || word[0] > '9' || *end != '\0' || value == 0 || value > MOST)
    return vs_line_expected(&r->line, 1, r->fault, "a number of results, 1 to 1000000", NULL, 0);
  if (!is_end(r, 2) || !is_first(r, entry->matches == 0)) return false;
  entry->matches = value;
  return true;
}

// All of the line after its first word.
static bool read_text(reader* r, vs_expectation* entry, size_t key) {
  const vs_line* line = &r->line;
  size_t place = key == DISPUTED ? VS_EXPECT_CASE : key;
  if (!is_first(r, entry->words[place] == NULL)) return false;
  if (line->count < 2) {
    char what[64];
    snprintf(what, sizeof what, "a text after '%s'", keys[key]);
    return vs_line_expected(line, 1, r->fault, what, NULL, 0);
  }
  size_t first = line->words[1].column - 1;
  entry->words[place] =
      vs_said(&r->all->store, "%.*s", (int)(line->end_column - 1 - first), line->raw + first);
  if (place == VS_EXPECT_EXPIRES && !is_date(entry->words[place]))
    return vs_line_expected(line, 1, r->fault, "a day, YYYY-MM-DD", NULL, 0);
  return true;
}

// --- entries ------------------------------------------------------------------------------------

static vs_expectation* last(const reader* r) {
  size_t count = r->all->entries.count;
  return count > 0 ? &r->all->entries.at[count - 1] : NULL;
}

// Everything that an entry has to say is said.
static bool is_whole(reader* r) {
  const vs_expectation* e = last(r);
  if (e == NULL) return true;
  const struct {
    bool said;
    const char* message;
  } rules[] = {{e->words[VS_EXPECT_BACKEND],
                "expected 'backend' in this entry: a name, or a glob such as *"},
               {e->words[VS_EXPECT_PROFILE],
                "expected 'profile' in this entry: a name, or a glob such as *"},
               {e->answers.count > 0, "expected 'answer ALLOWED -> GOT' in this entry"},
               {e->words[VS_EXPECT_REASON], "expected 'reason' in this entry: why is this known?"},
               {!e->disputed || e->words[VS_EXPECT_LINK],
                "expected 'link' in a disputed entry: where is it disputed?"},
               {!e->sometimes || e->words[VS_EXPECT_EXPIRES],
                "expected 'expires' in an entry with 'sometimes'"}};
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
    if (rules[i].said) continue;
    *r->fault = (vs_fault){.line = e->line, .column = 1};
    snprintf(r->fault->message, sizeof r->fault->message, "%s", rules[i].message);
    return false;
  }
  return true;
}

static bool begin(reader* r, size_t key) {
  if (!is_whole(r)) return false;
  vs_expectation* entry = vs_grow(&r->all->store, &r->all->entries, sizeof *entry);
  entry->line = r->line.number;
  entry->disputed = key == DISPUTED;
  entry->comment = r->comment;
  r->comment = NULL;
  return read_text(r, entry, key);
}

static bool read_entry_line(reader* r) {
  size_t key = 0;
  while (key < KEYS && strcmp(r->line.words[0].text, keys[key]) != 0) key++;
  vs_expectation* entry = last(r);
  if (key == KEYS) return vs_line_expected(&r->line, 0, r->fault, "a word of an entry", keys, KEYS);
  if (key == KNOWN || key == DISPUTED) return begin(r, key);
  if (entry == NULL)
    return vs_line_expected(&r->line, 0, r->fault, "'known CASE' or 'disputed CASE' first", NULL,
                            0);
  if (key == ANSWER) return read_answer(r, entry);
  if (key == MATCHES) return read_matches(r, entry);
  if (key != SOMETIMES) return read_text(r, entry, key);
  entry->sometimes = true;
  return is_end(r, 1);
}

// A comment is kept as it is, in any language; but a control byte, above all a zero, would cut it
// or change it when it is written again.
static bool keep_comment(reader* r) {
  const vs_line* line = &r->line;
  for (size_t i = line->indent; i < line->raw_length; i++) {
    unsigned char byte = (unsigned char)line->raw[i];
    if ((byte >= ' ' || byte == '\t') && byte != 0x7f) continue;
    vs_line_fault(line, 0, r->fault, "expected text in a comment, found the control byte 0x%02x",
                  byte);
    r->fault->column = i + 1;
    return false;
  }
  if (line->indent < line->raw_length) {
    r->comment = vs_said(&r->all->store, "%s%.*s\n", r->comment ? r->comment : "",
                         (int)(line->raw_length - line->indent), line->raw + line->indent);
  }
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
  reader* r = vs_needed(calloc(1, sizeof *r));
  *all = (vs_expectations){0};
  *fault = (vs_fault){0};
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
  vs_why why;
  *fault = (vs_fault){0};
  if (!vs_file_read(path, &file, &why)) {
    // The path is told already.
    const char* reason = strstr(why.text, "cannot be read");
    snprintf(fault->message, sizeof fault->message, "%.250s", reason != NULL ? reason : why.text);
    return false;
  }
  bool good = vs_expectations_parse(file.text, file.length, all, fault);
  if (good) all->path = vs_keep(&all->store, path);
  if (good) all->text = vs_keep(&all->store, file.text);
  vs_file_free(&file);
  return good;
}

void vs_expectations_free(vs_expectations* all) {
  vs_store_free(&all->store);
  *all = (vs_expectations){0};
}
