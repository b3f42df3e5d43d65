// SPDX-License-Identifier: BSD-3-Clause
#include "document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

enum { NEST = 4, NAME_MAX = 16, VALUE_MAX = 32, VERSION = 1, SET_MAX = 64 };

typedef struct variable {
  char name[NAME_MAX];
  char value[VALUE_MAX];
} variable;

typedef struct reader {
  vs_source* source;
  const vs_reading* reading;
  vs_document* document;
  vs_fault* fault;
  size_t capacity;
  size_t turns;   // of loops
  bool after_op;  // the last line was an op, whose result may follow
  unsigned depth;
  variable variables[NEST];
  vs_line line;
} reader;

static bool no_memory(reader* r) {
  *r->fault = (vs_fault){.message = "no memory"};
  return false;
}

// As many as the reading asks for, `most` at most.
static uint32_t limited(const reader* r, uint32_t most) {
  uint32_t limit = r->reading->limit;
  return limit != 0 && limit < most ? limit : most;
}

// --- ops --------------------------------------------------------------------------------------

static bool grow(reader* r) {
  vs_document* d = r->document;
  if (d->count < r->capacity) return true;
  uint32_t most = limited(r, VS_DOCUMENT_OPS);
  if (d->count == most)
    return vs_line_fault(&r->line, 0, r->fault, "expected at most %u operations", most);
  size_t capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
  if (capacity > most) capacity = most;
  vs_op* ops = realloc(d->ops, capacity * sizeof *ops);
  if (ops == NULL) return no_memory(r);
  d->ops = ops;
  uint32_t* lines = realloc(d->lines, capacity * sizeof *lines);
  if (lines == NULL) return no_memory(r);
  d->lines = lines;
  if (d->is_trace) {
    vs_observation* seen = realloc(d->observations, capacity * sizeof *seen);
    if (seen == NULL) return no_memory(r);
    d->observations = seen;
  }
  r->capacity = capacity;
  return true;
}

static vs_parse parse_line(reader* r, size_t next) {
  vs_scope scope = {.info = vs_arch_find(r->document->arch), .seed = r->reading->seed};
  return (vs_parse){.line = &r->line, .next = next, .scope = scope, .fault = r->fault};
}

// "T1:" at the line's start.
static bool read_thread(reader* r, uint8_t* thread) {
  const char* word = r->line.words[0].text;
  bool good =
      word[0] == 'T' && word[1] >= '0' && word[1] < '0' + VS_THREADS && strcmp(word + 2, ":") == 0;
  *thread = good ? (uint8_t)(word[1] - '0') : 0;
  if (good) return true;
  static const char* const words[] = {"for", "end", "T0:"};
  static const char* const header[] = {"title", "clause", "arch", "backend"};
  for (size_t i = 0; i < sizeof header / sizeof header[0]; i++) {
    if (strcmp(word, header[i]) != 0) continue;
    return vs_line_fault(&r->line, 0, r->fault, "expected '%s' before the first operation", word);
  }
  return vs_line_expected(&r->line, 0, r->fault, "a thread, T0: to T3:, or 'for'", words,
                          sizeof words / sizeof words[0]);
}

static bool read_op_line(reader* r) {
  vs_document* d = r->document;
  if (!grow(r)) return false;
  vs_op* op = &d->ops[d->count];
  vs_parse p = parse_line(r, 1);
  if (!read_thread(r, &op->thread) || !vs_read_op(&p, op)) return false;
  if (d->is_trace) memset(&d->observations[d->count], 0, sizeof d->observations[0]);
  d->lines[d->count] = (uint32_t)r->line.number;
  d->count++;
  r->after_op = true;
  return true;
}

static bool read_result_line(reader* r) {
  vs_document* d = r->document;
  if (!d->is_trace)
    return vs_line_fault(&r->line, 0, r->fault,
                         "expected an operation: a script holds no results, a trace does");
  if (!r->after_op)
    return vs_line_fault(&r->line, 0, r->fault, "expected an operation before its result");
  r->after_op = false;
  vs_parse p = parse_line(r, 1);
  return vs_read_result(&p, &d->ops[d->count - 1], &d->observations[d->count - 1]);
}

// --- loops ------------------------------------------------------------------------------------

static const char* value_of(const void* context, const char* name, size_t length) {
  const reader* r = context;
  for (size_t i = r->depth; i-- > 0;) {
    const variable* v = &r->variables[i];
    if (strlen(v->name) == length && strncmp(v->name, name, length) == 0) return v->value;
  }
  return NULL;
}

static bool cut(reader* r) {
  return vs_line_cut(&r->line, value_of, r, r->fault);
}

static bool is_word(const vs_line* line, const char* word) {
  const char* at = line->raw + line->indent;
  size_t length = strlen(word);
  size_t rest = line->raw_length - line->indent;
  if (rest < length || strncmp(at, word, length) != 0) return false;
  return rest == length || at[length] == ' ' || at[length] == '\t' || at[length] == '\r';
}

static bool read_lines(reader* r, bool in_loop);

// Past the "end" that belongs to a loop whose body begins here.
static bool skip_body(reader* r) {
  unsigned open = 1;
  while (open > 0 && vs_line_next(r->source, &r->line)) {
    open += is_word(&r->line, "for");
    open -= is_word(&r->line, "end");
  }
  return open == 0 || vs_line_fault(&r->line, r->line.count, r->fault,
                                    "expected 'end' of the loop, found the end of the text");
}

// Where a loop's body begins, and its variable.
typedef struct loop {
  vs_source body;
  variable* v;
} loop;

static bool turn(reader* r, const loop* l, const char* value) {
  uint32_t most = limited(r, VS_DOCUMENT_TURNS);
  if (++r->turns > most)
    return vs_line_fault(&r->line, 0, r->fault, "expected at most %u turns of loops", most);
  snprintf(l->v->value, sizeof l->v->value, "%s", value);
  *r->source = l->body;
  return read_lines(r, true);
}

static bool turn_number(reader* r, const loop* l, uint64_t value) {
  char text[VALUE_MAX];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return turn(r, l, text);
}

// A..B, both within.
static bool over_range(reader* r, const loop* l, char* word, char* dots, size_t index) {
  uint64_t first;
  uint64_t last;
  vs_parse p = parse_line(r, index);
  *dots = '\0';
  bool good = vs_read_number(&p, word, UINT64_MAX - 1, &first);
  *dots = '.';
  good = good && vs_read_number(&p, dots + 2, UINT64_MAX - 1, &last);
  for (uint64_t i = first; good && i <= last; i++) good = turn_number(r, l, i);
  return good;
}

static bool over_bits(reader* r, const loop* l, uint64_t bits) {
  for (unsigned bit = 0; bit < 64; bit++) {
    if ((bits >> bit & 1) && !turn_number(r, l, bit)) return false;
  }
  return true;
}

// A set that depends on the architecture. `known` false: `word` names none.
static bool over_set(reader* r, const loop* l, const char* word, bool* known) {
  const vs_arch_info* info = vs_arch_find(r->document->arch);
  uint64_t all = info->registers[info->flags].width == 32 ? UINT32_MAX : UINT64_MAX;
  uint64_t settable = info->flags_required | info->flags_optional;
  *known = true;
  if (strcmp(word, "flag_bits") == 0) return over_bits(r, l, vs_calm_flags(info, all));
  if (strcmp(word, "trap_bits") == 0) return over_bits(r, l, all & ~vs_calm_flags(info, all));
  if (strcmp(word, "user_flags") == 0) return over_bits(r, l, vs_calm_flags(info, settable));
  *known = strcmp(word, "registers") == 0;
  for (size_t i = 0; *known && i < info->register_count; i++) {
    if (i != info->flags && !turn(r, l, info->registers[i].name)) return false;
  }
  return true;
}

static bool over_word(reader* r, const loop* l, char* word, size_t index) {
  char* dots = strstr(word, "..");
  bool known = false;
  if (dots != NULL) return over_range(r, l, word, dots, index);
  if (!over_set(r, l, word, &known)) return false;
  if (known) return true;
  if (strlen(word) < VALUE_MAX) return turn(r, l, word);
  return vs_line_fault(&r->line, index, r->fault, "expected a word of at most 31 bytes");
}

// The words of "for NAME in ...", kept while the body is read into the same line.
typedef struct items {
  size_t count;
  char* words[SET_MAX];
  size_t columns[SET_MAX];
  char text[1024];
} items;

static bool keep_items(reader* r, items* kept) {
  size_t used = 0;
  kept->count = 0;
  for (size_t i = 3; i < r->line.count; i++) {
    size_t size = strlen(r->line.words[i].text) + 1;
    if (kept->count == SET_MAX || used + size > sizeof kept->text)
      return vs_line_fault(&r->line, i, r->fault, "expected at most 64 items of a loop");
    memcpy(kept->text + used, r->line.words[i].text, size);
    kept->columns[kept->count] = r->line.words[i].column;
    kept->words[kept->count++] = kept->text + used;
    used += size;
  }
  return kept->count > 0 ||
         vs_line_fault(&r->line, r->line.count, r->fault, "expected what the loop is over");
}

// While an item is looked at, the line is the loop's own again: faults point there.
static void show_item(reader* r, size_t number, const items* kept, size_t i) {
  r->line.number = number;
  r->line.count = 1;
  r->line.words[0] = (vs_word){kept->words[i], kept->columns[i]};
}

static bool name_is_new(reader* r) {
  const char* name = r->line.words[1].text;
  size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  if (length == 0 || name[length] != '\0' || length >= NAME_MAX)
    return vs_line_fault(&r->line, 1, r->fault, "expected a name of at most 15 letters");
  if (value_of(r, name, length) != NULL)
    return vs_line_fault(&r->line, 1, r->fault, "expected a name that no loop around this has");
  return true;
}

static bool read_loop(reader* r) {
  size_t number = r->line.number;
  if (r->depth == NEST)
    return vs_line_fault(&r->line, 0, r->fault, "expected at most %d nested loops", NEST);
  if (r->line.count < 2) return vs_line_expected(&r->line, 1, r->fault, "a name", NULL, 0);
  if (!name_is_new(r)) return false;
  if (r->line.count < 3 || strcmp(r->line.words[2].text, "in") != 0)
    return vs_line_expected(&r->line, 2, r->fault, "'in'", NULL, 0);
  items* kept = malloc(sizeof *kept);
  if (kept == NULL) return no_memory(r);
  bool good = keep_items(r, kept);
  loop l = {.body = *r->source, .v = &r->variables[r->depth]};
  snprintf(l.v->name, sizeof l.v->name, "%s", r->line.words[1].text);
  l.v->value[0] = '\0';
  r->depth++;
  for (size_t i = 0; good && i < kept->count; i++) {
    show_item(r, number, kept, i);
    good = over_word(r, &l, kept->words[i], 0);
  }
  r->depth--;
  free(kept);
  if (!good) return false;
  *r->source = l.body;
  return skip_body(r);
}

// --- lines ------------------------------------------------------------------------------------

static bool is_header(const vs_line* line) {
  return is_word(line, "vcpuspec");
}

// The rest of the line after its first word.
static bool keep_text(reader* r, const char* word, char** kept) {
  const vs_line* line = &r->line;
  size_t first = line->indent + strlen(word);
  while (first < line->raw_length && line->raw[first] == ' ') first++;
  size_t length = line->raw_length - first;
  while (length > 0 &&
         (line->raw[first + length - 1] == ' ' || line->raw[first + length - 1] == '\r'))
    length--;
  if (length > VS_LINE_MAX)
    return vs_line_fault(line, 1, r->fault, "a text of more than %d bytes", VS_LINE_MAX);
  for (size_t i = first; i < first + length; i++) {
    if (line->raw[i] >= ' ' && line->raw[i] <= '~') continue;
    vs_line_fault(line, line->count, r->fault, "expected printable ASCII");
    r->fault->column = i + 1;
    return false;
  }
  char* text = malloc(length + 1);
  if (text == NULL) return no_memory(r);
  memcpy(text, line->raw + first, length);
  text[length] = '\0';
  free(*kept);
  *kept = text;
  return true;
}

// "done", or "died" and how: the last line of a trace.
static bool is_end_line(const reader* r) {
  const char* word = r->line.words[0].text;
  return r->document->is_trace && (strcmp(word, "done") == 0 || strcmp(word, "died") == 0);
}

static bool read_end_line(reader* r) {
  vs_document* d = r->document;
  d->end = r->line.words[0].text[1] == 'o' ? VS_TRACE_DONE : VS_TRACE_DIED;
  if (d->end == VS_TRACE_DONE)
    return r->line.count == 1 ||
           vs_line_expected(&r->line, 1, r->fault, "the end of the line", NULL, 0);
  return keep_text(r, "died", &d->death);
}

static bool read_line(reader* r) {
  if (!cut(r)) return false;
  if (r->document->end != VS_TRACE_CUT)
    return vs_line_expected(&r->line, 0, r->fault, "another document: this trace has ended", NULL,
                            0);
  if (is_end_line(r)) return read_end_line(r);
  if (strcmp(r->line.words[0].text, "=") == 0) return read_result_line(r);
  r->after_op = false;
  if (strcmp(r->line.words[0].text, "for") == 0) return read_loop(r);
  return read_op_line(r);
}

// Up to the loop's end, or to the next document or the end of the source.
static bool read_lines(reader* r, bool in_loop) {
  for (vs_source before = *r->source; vs_line_next(r->source, &r->line); before = *r->source) {
    if (vs_line_is_idle(&r->line)) continue;
    if (is_word(&r->line, "end")) {
      r->after_op = false;
      return in_loop ||
             vs_line_fault(&r->line, 0, r->fault, "expected an operation: no loop is open here");
    }
    if (is_header(&r->line)) {
      *r->source = before;
      break;
    }
    if (!read_line(r)) return false;
  }
  return !in_loop || vs_line_fault(&r->line, r->line.count, r->fault,
                                   "expected 'end' of the loop, found the end of the script");
}

// --- header -----------------------------------------------------------------------------------

static bool read_title(reader* r) {
  return keep_text(r, "title", &r->document->title);
}

static bool read_clause(reader* r) {
  vs_document* d = r->document;
  const char* names[VS_CLAUSE_COUNT];
  for (vs_clause_code i = 0; i < VS_CLAUSE_COUNT; i++) names[i] = vs_clauses[i].id;
  vs_clause_code code = r->line.count > 1 ? vs_clause_find(r->line.words[1].text) : VS_CLAUSE_COUNT;
  if (code == VS_CLAUSE_COUNT)
    return vs_line_expected(&r->line, 1, r->fault, "the id of a clause", names, VS_CLAUSE_COUNT);
  if (d->clause_count == VS_DOCUMENT_CLAUSES)
    return vs_line_fault(&r->line, 0, r->fault, "expected at most %d clauses", VS_DOCUMENT_CLAUSES);
  d->clauses[d->clause_count++] = (uint8_t)code;
  return r->line.count == 2 ||
         vs_line_expected(&r->line, 2, r->fault, "the end of the line", NULL, 0);
}

static bool read_arch(reader* r) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  const char* names[] = {vs_arch_find(archs[0])->name, vs_arch_find(archs[1])->name};
  for (size_t i = 0; i < 2 && r->line.count == 2; i++) {
    if (strcmp(r->line.words[1].text, names[i]) != 0) continue;
    r->document->arch = archs[i];
    r->document->arch_named = true;
    return true;
  }
  return vs_line_expected(&r->line, r->line.count > 2 ? 2 : 1, r->fault,
                          r->line.count > 2 ? "the end of the line" : "an architecture", names, 2);
}

static bool read_backend(reader* r) {
  vs_document* d = r->document;
  if (r->line.count != 2 || strlen(r->line.words[1].text) >= VS_BACKEND_NAME)
    return vs_line_expected(&r->line, 1, r->fault, "a backend's name of at most 63 bytes", NULL, 0);
  snprintf(d->backend, sizeof d->backend, "%s", r->line.words[1].text);
  return true;
}

static bool read_version(reader* r) {
  static const char* const kinds[] = {"script", "trace"};
  vs_document* d = r->document;
  if (!vs_line_cut(&r->line, NULL, NULL, r->fault)) return false;
  if (strcmp(r->line.words[0].text, "vcpuspec") != 0)
    return vs_line_expected(&r->line, 0, r->fault, "'vcpuspec script 2' or 'vcpuspec trace 2'",
                            NULL, 0);
  const char* kind = r->line.count > 1 ? r->line.words[1].text : "";
  d->is_trace = strcmp(kind, "trace") == 0;
  if (!d->is_trace && strcmp(kind, "script") != 0)
    return vs_line_expected(&r->line, 1, r->fault, "'script' or 'trace'", kinds, 2);
  if (r->line.count != 3 || strcmp(r->line.words[2].text, "2") != 0)
    return vs_line_fault(&r->line, 2, r->fault, "expected version 2: this program reads no other");
  return true;
}

// True if the line is a header line and was read; `*good` false: it was wrong.
static bool read_header_line(reader* r, bool* good) {
  bool title = is_word(&r->line, "title");
  bool clause = is_word(&r->line, "clause");
  bool arch = is_word(&r->line, "arch");
  bool backend = is_word(&r->line, "backend");
  if (!title && !clause && !arch && !backend) return false;
  if (title) {
    *good = read_title(r);
  } else {
    *good = vs_line_cut(&r->line, NULL, NULL, r->fault) && (clause ? read_clause(r)
                                                            : arch ? read_arch(r)
                                                                   : read_backend(r));
  }
  return true;
}

static bool read_header(reader* r) {
  bool good = read_version(r);
  for (vs_source before = *r->source; good; before = *r->source) {
    if (!vs_line_next(r->source, &r->line)) break;
    if (vs_line_is_idle(&r->line)) continue;
    if (read_header_line(r, &good)) continue;
    *r->source = before;
    break;
  }
  if (good && r->document->is_trace && !r->document->arch_named)
    return vs_line_fault(&r->line, 0, r->fault, "expected 'arch' in the header of a trace");
  return good;
}

static bool read_all(reader* r) {
  vs_document* d = r->document;
  d->arch = r->reading->arch;
  if (!read_header(r)) return false;
  if (d->title == NULL && (d->title = calloc(1, 1)) == NULL) return no_memory(r);
  return r->reading->header_only || read_lines(r, false);
}

vs_read vs_document_read(vs_source* source, const vs_reading* reading, vs_document* document,
                         vs_fault* fault) {
  reader* r = malloc(sizeof *r);
  *document = (vs_document){0};
  *fault = (vs_fault){0};
  if (r == NULL) {
    snprintf(fault->message, sizeof fault->message, "no memory");
    return VS_READ_FAULT;
  }
  r->source = source;
  r->reading = reading;
  r->document = document;
  r->fault = fault;
  r->capacity = r->turns = 0;
  r->after_op = false;
  r->depth = 0;
  bool found = false;
  while (!found && vs_line_next(source, &r->line)) found = !vs_line_is_idle(&r->line);
  vs_read result = !found ? VS_READ_END : read_all(r) ? VS_READ_OK : VS_READ_FAULT;
  free(r);
  if (result != VS_READ_OK) vs_document_free(document);
  return result;
}

void vs_document_free(vs_document* document) {
  free(document->title);
  free(document->ops);
  free(document->lines);
  free(document->death);
  free(document->observations);
  *document = (vs_document){0};
}

vs_script vs_document_script(const vs_document* document) {
  return (vs_script){document->title, document->ops, document->count};
}

vs_trace vs_document_trace(const vs_document* document) {
  const vs_document* d = document;
  const char* death = d->death != NULL ? d->death : "the backend ended";
  if (d->end == VS_TRACE_CUT) death = "the trace is cut off: it ends in neither 'done' nor 'died'";
  return (vs_trace){.script = vs_document_script(d),
                    .arch = d->arch,
                    .observations = d->observations,
                    .opened = d->count > 0 && d->observations[0].outcome != VS_NOT_REACHED,
                    .end = d->end,
                    .death = death};
}
