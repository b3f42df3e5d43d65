// SPDX-License-Identifier: BSD-3-Clause
#include "statement.h"

#include <sha2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/refuse.h"
#include "expectations/expect.h"
#include "gzip.h"
#include "results/conclude.h"
#include "results/make.h"
#include "results/unlike.h"
#include "results/view.h"
#include "runner/record.h"
#include "text/print.h"
#include "text/profile.h"
#include "words/describe.h"

#define STDIN_NAME "standard input"
#define SEAL "# sha256 "

enum {
  TEXT = 1024,         // bytes of an op in words
  SAID = 1024,         // of what the results say of who was judged
  WAIVERS = 512 << 10  // of them, whole
};
enum { HEX = SHA256_DIGEST_STRING_LENGTH, SEAL_LENGTH = sizeof SEAL - 1 + HEX };

static void digest(const char* text, size_t length, char hex[HEX]) {
  SHA256Data((const uint8_t*)text, length, hex);
}

static void add_text(SHA2_CTX* sum, const char* text) {
  SHA256Update(sum, (const uint8_t*)text, strlen(text) + 1);
}

// What has to be passed: every clause, and every case with its clauses and its script.
static const char* digest_list(vs_store* store) {
  SHA2_CTX sum;
  char hex[HEX];
  SHA256Init(&sum);
  for (size_t i = 0; i < VS_CLAUSE_COUNT; i++) {
    add_text(&sum, vs_clauses[i].id);
    add_text(&sum, vs_clauses[i].sentence);
  }
  for (size_t i = 0; i < vs_case_count; i++) {
    const vs_case* c = &vs_cases[i];
    add_text(&sum, c->id);
    for (size_t k = 0; k < c->clause_count; k++) add_text(&sum, vs_clauses[c->clauses[k]].id);
    add_text(&sum, c->text);
  }
  return vs_keep(store, SHA256End(&sum, hex));
}

static const char* digest_rules(vs_store* store, const vs_profile* profile) {
  vs_file text;
  char hex[HEX];
  FILE* out = vs_needed(vs_memory_open(&text));
  vs_profile_print(out, profile);
  if (!vs_memory_close(out, &text)) vs_needed(NULL);
  digest(text.text, text.length, hex);
  vs_file_free(&text);
  return vs_keep(store, hex);
}

// --- judging traces -----------------------------------------------------------------------------

// What a statement says, and what is made anew of its traces.
typedef struct judging {
  const vs_results* said;
  vs_plan plan;
  vs_target target;
  vs_coverage coverage;
  const vs_case** cases;  // owned
  vs_oracle* oracle;      // owned
  uint64_t lacks;         // bits of calls that it says it has not
  uint64_t missed;        // that some op could not be done with
  uint64_t answered;      // that some op was
  vs_source source;       // traces
  FILE* again;            // the traces, as this program prints them
  vs_results* made;
  vs_answers* answers;  // of each case; NULL: not asked for
  vs_store* store;
  vs_texts* faults;
} judging;

__attribute__((format(printf, 2, 3))) static bool fault(judging* j, const char* format, ...) {
  vs_why why;
  va_list arguments;
  va_start(arguments, format);
  vs_refuse_as(&why, format, arguments);
  va_end(arguments);
  vs_add(j->store, j->faults, why.text);
  return false;
}

static vs_arch arch_of(const vs_column* column) {
  const bool arm64 = strcmp(column->arch, vs_arch_find(VS_ARCH_ARM64)->name) == 0;
  return arm64 ? VS_ARCH_ARM64 : VS_ARCH_X64;
}

static void begin(judging* j, const vs_results* said, const vs_profile* profile) {
  const vs_column* column = &said->backends.at[0];
  j->said = said;
  j->target = (vs_target){.spec = column->spec, .state = VS_TARGET_READY, .arch = arch_of(column)};
  snprintf(j->target.name, sizeof j->target.name, "%s", column->name);
  j->coverage.profile = profile;
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    for (size_t i = 0; i < column->lacks.count; i++) {
      const bool named = strcmp(column->lacks.at[i], vs_call_name(call)) == 0;
      if (named) j->lacks |= UINT64_C(1) << call;
    }
  }
  j->cases = vs_needed(calloc(vs_case_count, sizeof(const vs_case*)));
  for (size_t i = 0; i < vs_case_count; i++) j->cases[i] = &vs_cases[i];
  j->oracle = vs_needed(malloc(sizeof *j->oracle));
  j->plan = (vs_plan){.targets = &j->target,
                      .target_count = 1,
                      .cases = j->cases,
                      .case_count = vs_case_count,
                      .profile = profile,
                      .coverage = &j->coverage,
                      .program = "vcpuspec",
                      .seed = strtoull(said->seed, NULL, 10)};
}

static void end(judging* j) {
  vs_coverage_free(&j->coverage);
  free(j->oracle);
  free(j->cases);
}

static const char* name_in_traces(const char* name) {
  bool word = strlen(name) < VS_BACKEND_NAME;
  for (const char* c = name; *c != '\0'; c++) word &= *c > ' ' && *c <= '~';
  return word ? name : NULL;
}

void vs_statement_print_trace(FILE* out, const vs_trace* trace, const vs_case* c,
                              const char* name) {
  vs_trace titled = *trace;
  titled.script.title = c->title;
  vs_print_trace(out, &titled, c->clauses, c->clause_count, name_in_traces(name));
  fputc('\n', out);
}

// True of what begins as a trace of the case, and of what is none: that is told when it is read.
static bool is_in_place(judging* j, const vs_case* c) {
  vs_fault f;
  vs_document d;
  vs_source ahead = j->source;
  const vs_reading reading = {.arch = j->target.arch, .header_only = true};
  if (vs_document_read(&ahead, &reading, &d, &f) != VS_READ_OK) return true;
  const bool same = strcmp(d.title, c->title) == 0;
  if (!same)
    fault(j, "%s: its trace is missing: that of '%.100s' stands in its place", c->id, d.title);
  vs_document_free(&d);
  return same;
}

// Each op that was reached has an answer. A call that is not there has none at all; one that is
// there may have none where its memory, or what is to happen meanwhile, cannot be made.
static bool is_answered(judging* j, const char* id, const vs_document* d) {
  bool ended = false;  // for want of a call
  for (size_t i = 0; i < d->count; i++) {
    const vs_observation* seen = &d->observations[i];
    const unsigned line = (unsigned)d->lines[i];
    ended |= seen->outcome == VS_UNSUPPORTED && !d->ops[i].optional;
    if (seen->outcome == VS_NOT_REACHED && d->end == VS_TRACE_DONE && !ended)
      return fault(j, "%s: its trace, line %u: there is no answer", id, line);
    if (seen->call >= VS_CALL_COUNT) continue;
    const bool lacks = j->lacks >> seen->call & 1;
    if (seen->outcome == VS_UNSUPPORTED) j->missed |= UINT64_C(1) << seen->call;
    if (seen->outcome == VS_RETURNED) j->answered |= UINT64_C(1) << seen->call;
    if (seen->outcome == VS_RETURNED && lacks)
      return fault(j, "%s: its trace, line %u: %s answers, and is among what it lacks", id, line,
                   vs_call_name(seen->call));
  }
  return true;
}

static bool read_trace(judging* j, const vs_case_result* result, vs_document* d) {
  vs_why why;
  vs_fault f;
  const char* id = result->c->id;
  const vs_reading reading = {.arch = j->target.arch, .limit = (uint32_t)result->script.count + 1};
  if (!is_in_place(j, result->c)) return false;
  const vs_read got = vs_document_read(&j->source, &reading, d, &f);
  if (got == VS_READ_END) return fault(j, "%s: its trace is missing", id);
  if (got == VS_READ_FAULT) return fault(j, "%s: its trace, line %zu: %s", id, f.line, f.message);
  bool good = d->is_trace || fault(j, "%s: a script stands in the place of its trace", id);
  if (good && d->end == VS_TRACE_CUT) good = fault(j, "%s: its trace is cut off", id);
  if (good && d->arch != j->target.arch)
    good = fault(j, "%s: its trace is of another architecture", id);
  if (good && !vs_trace_is_of(d, &result->script, d->arch, &why))
    good = fault(j, "%s: %s", id, why.text);
  if (good) good = is_answered(j, id, d);
  if (good && !vs_document_is_sound(d, &f))
    good = fault(j, "%s: its trace, line %zu: %s", id, f.line, f.message);
  if (!good) vs_document_free(d);
  return good;
}

// How a shim ended is more than its trace says.
static void read_death(const judging* j, vs_case_result* result, const vs_trace* trace) {
  const vs_result* said = &j->said->results.at[result->c - vs_cases];
  const char* word = said->failure != NULL ? said->failure->ended : NULL;
  if (trace->end != VS_TRACE_DIED) return;
  vs_death_word_read(trace->death, result->died);
  const bool vague = strcmp(result->died, "ended") == 0 && word != NULL;
  if (vague && (strcmp(word, "garbage") == 0 || strcmp(word, "hung_up") == 0))
    snprintf(result->died, sizeof result->died, "%s", word);
}

static bool depends_on_time(const vs_script* script) {
  for (size_t i = 0; i < script->count; i++) {
    if (script->ops[i].async || script->ops[i].rewrite.mode != VS_REWRITE_NONE) return true;
  }
  return false;
}

// What an op was answered, as traces have it, but for what is another in each run: the values of
// handles. Owned. "": it was not done, or began what another op ends.
static vs_file print_answer(const judging* j, const vs_op* op, const vs_observation* seen) {
  vs_file text;
  FILE* out = vs_needed(vs_memory_open(&text));
  vs_observation plain = *seen;
  plain.handle = plain.handle2 = 0;
  plain.change_count = 0;
  plain.held = false;
  if (seen->outcome == VS_RETURNED || seen->outcome == VS_IN_CALL)
    vs_print_result(out, op, &plain, vs_arch_find(j->target.arch));
  if (!vs_memory_close(out, &text)) vs_needed(NULL);
  return text;
}

// Of a race, what the first run did.
static void keep_answers(const judging* j, const vs_case_result* result, const vs_trace* trace) {
  char words[TEXT];
  vs_answers* all = &j->answers[result->c - vs_cases];
  if (all->ops.count > 0) return;
  all->by_time = depends_on_time(&trace->script);
  for (size_t i = 0; i < trace->script.count; i++) {
    vs_text text = vs_text_in(words, sizeof words);
    vs_say_op(&text, &trace->script.ops[i]);
    vs_add(j->store, &all->ops, words);
    vs_file answer = print_answer(j, &trace->script.ops[i], &trace->observations[i]);
    vs_add(j->store, &all->answers, answer.text);
    vs_file_free(&answer);
  }
}

static bool judge_next(judging* j, vs_case_result* result) {
  vs_document d;
  if (!read_trace(j, result, &d)) return false;
  vs_trace trace = vs_document_trace(&d);
  trace.script = result->script;
  vs_run_judge(result, &j->plan, j->oracle, &trace);
  read_death(j, result, &trace);
  if (j->answers != NULL) keep_answers(j, result, &trace);
  vs_statement_print_trace(j->again, &trace, result->c, j->target.name);
  vs_document_free(&d);
  return true;
}

static bool judge_tries(judging* j, vs_case_result* first) {
  unsigned failed = 1;
  for (unsigned i = 1; i < VS_RUN_TRIES; i++) {
    vs_case_result again = {.c = first->c, .target = first->target, .script = first->script};
    const bool good = judge_next(j, &again);
    vs_run_take_try(first, &again, &failed);
    if (!good) return false;
  }
  vs_run_end_tries(first, failed, VS_RUN_TRIES);
  return true;
}

static bool judge_traces(judging* j, vs_case_result* result) {
  if (vs_run_is_elsewhere(result)) return true;
  if (!vs_case_script(result->c, j->target.arch, j->plan.seed, &result->script)) vs_needed(NULL);
  if (!judge_next(j, result)) return false;
  return !vs_run_tries_again(result) || judge_tries(j, result);
}

static bool judge_case(judging* j, size_t at) {
  vs_case_result result = {.c = &vs_cases[at], .target = &j->target};
  const bool good = judge_traces(j, &result);
  if (good) {
    vs_result* made = &j->made->results.at[at];
    *made = vs_results_of(&j->made->store, &j->plan, &result, 0);
  }
  vs_case_script_free(&result.script);
  free(result.observations);
  free(result.also);
  vs_reached_free(&result.reached);
  return good;
}

static bool judge_all(judging* j) {
  vs_document d;
  vs_fault f;
  const vs_reading reading = {.arch = j->target.arch, .header_only = true};
  for (size_t i = 0; i < vs_case_count; i++) {
    if (!judge_case(j, i)) return false;
  }
  const uint64_t unsaid = j->missed & ~j->answered & ~j->lacks;
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (unsaid >> call & 1)
      return fault(j, "lacks: %s never answers, and is not there", vs_call_name(call));
  }
  const vs_read got = vs_document_read(&j->source, &reading, &d, &f);
  if (got == VS_READ_OK) vs_document_free(&d);
  return got == VS_READ_END || fault(j, "more stands behind the trace of the last case");
}

// --- the text made anew -------------------------------------------------------------------------

// Who was judged, and where, does not follow from traces.
static void take_claims(judging* j) {
  vs_results* made = j->made;
  vs_store* store = &made->store;
  const vs_column* said = &j->said->backends.at[0];
  vs_column* column = &made->backends.at[0];
  const vs_texts lacks = said->lacks;
  made->program = vs_keep(store, j->said->program);
  made->started = vs_keep(store, j->said->started);
  column->digest = vs_keep(store, said->digest);
  column->machine = vs_keep(store, said->machine);
  column->lacks = (vs_texts){0};
  for (size_t i = 0; i < lacks.count; i++) vs_add(store, &column->lacks, lacks.at[i]);
  made->statement = vs_take(store, sizeof *made->statement);
  *made->statement = (vs_stated){.version = VS_STATEMENT_VERSION,
                                 .list = digest_list(store),
                                 .rules = digest_rules(store, j->plan.profile),
                                 .waivers = vs_keep(store, j->said->statement->waivers)};
}

// Known failures each have a reason. A day after which one is none any more is not looked at: what
// follows today, follows tomorrow.
static bool waive(judging* j, const char* today) {
  vs_fault f;
  vs_expectations all;
  const char* text = j->said->statement->waivers;
  const vs_expectations_told* told = j->said->expectations;
  if (text == NULL) return true;
  if (!vs_expectations_parse(text, strlen(text), &all, &f))
    return fault(j, "waivers: line %zu: %s", f.line, f.message);
  const char* path = told != NULL ? told->file : "";
  const char* slash = strrchr(path, '/');
  all.path = slash != NULL ? slash + 1 : path;  // of no machine
  bool good = true;
  vs_expectations_apply_on(today, &all, j->made);
  for (size_t i = 0; i < all.entries.count; i++) {
    const vs_expectation* entry = &all.entries.at[i];
    if (vs_expectation_has_reason(entry)) continue;
    good = fault(j, "waivers: line %zu, %s: there is no reason for it", entry->line,
                 entry->words[VS_EXPECT_CASE]);
  }
  vs_expectations_free(&all);
  return good;
}

static void make_results(judging* j) {
  const vs_results* said = j->said;
  const vs_column* column = &said->backends.at[0];
  const vs_request request = {.program = said->program,
                              .shard = 1,
                              .shards = 1,
                              .required = &column->required,
                              .named = &column->named};
  j->made = vs_results_new(&j->plan, &request);
}

// Judges the traces, and prints them again. False: faults say why not.
static bool follow(judging* j) {
  make_results(j);
  if (!judge_all(j)) return false;
  vs_results_close(j->made, &j->plan, false);
  take_claims(j);
  if (!waive(j, "")) return false;
  vs_results_conclude(j->made);
  return true;
}

static void print_results(FILE* out, const vs_results* results) {
  json_t* form = vs_form_write(vs_form_results, results);
  json_dumpf(vs_needed(form), out, JSON_COMPACT | JSON_REAL_PRECISION(6));
  json_decref(form);
  fputc('\n', out);
}

// The text, but for the traces, which are `printed`.
static bool put_together(const vs_results* results, const vs_file* printed, vs_file* text) {
  char hex[HEX];
  FILE* out = vs_memory_open(text);
  if (out == NULL) return false;
  print_results(out, results);
  fwrite(printed->text, 1, printed->length, out);
  fflush(out);
  digest(text->text, text->length, hex);
  fprintf(out, SEAL "%s\n", hex);
  return vs_memory_close(out, text);
}

// --- what does not follow -----------------------------------------------------------------------

// What a report shows as it stands is one line that no terminal takes for more.
static bool is_plain(const char* text) {
  const unsigned char* at = (const unsigned char*)vs_or_empty(text);
  for (; *at != '\0'; at++) {
    if (*at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)) return false;
  }
  return strlen(vs_or_empty(text)) <= SAID;
}

// What does not follow from traces has bounds of its own.
static bool is_bounded(const vs_results* said, vs_why* why) {
  const vs_column* c = &said->backends.at[0];
  const char* const told[][2] = {{"program", said->program}, {"started", said->started},
                                 {"name", c->name},          {"spec", c->spec},
                                 {"profile", c->profile},    {"digest", c->digest},
                                 {"machine", c->machine}};
  for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
    if (!is_plain(told[i][1]))
      return vs_refuse(why, "%s: expected one line of at most %d bytes, without control characters",
                       told[i][0], SAID);
  }
  if (strlen(vs_or_empty(said->statement->waivers)) > WAIVERS)
    return vs_refuse(why, "the waivers are longer than %d KiB", WAIVERS >> 10);
  if (said->requires.count > 0 || c->lacks.count > VS_CALL_COUNT)
    return vs_refuse(why, "%s: more than a statement has",
                     said->requires.count > 0 ? "requires" : "lacks");
  return true;
}

// --- writing ------------------------------------------------------------------------------------

// What was judged is what was recorded.
static bool say_the_same(const vs_results* ran, const vs_results* made, vs_why* why) {
  for (size_t i = 0; i < made->results.count; i++) {
    const vs_result* one = &ran->results.at[i];
    const vs_verdict verdict = made->results.at[i].verdict;
    if (one->verdict == verdict) continue;
    return vs_refuse(why, "%s is %s, and by its trace alone %s", one->id,
                     vs_results_words[one->verdict], vs_results_words[verdict]);
  }
  // A day after which a waiver is none any more is looked at by who reads the statement.
  const bool other_day = made->statement->waivers != NULL;
  if (other_day || ran->end.status == made->end.status) return true;
  return vs_refuse(why, "the run ends with %zu, and its traces alone with %zu: %s", ran->end.status,
                   made->end.status, made->end.why);
}

static bool is_stated(const vs_results* ran, vs_why* why) {
  const vs_exit status = (vs_exit)ran->end.status;
  const bool judged =
      status == VS_EXIT_CONFORMS || status == VS_EXIT_FAILS || status == VS_EXIT_STALE;
  const bool whole = ran->backends.count == 1 && ran->results.count == vs_case_count;
  if (whole && ran->backends.at[0].ended_between > 0)
    return vs_refuse(why,
                     "the shim ended, or spoke unasked, between two cases, which no trace shows: "
                     "mend that first");
  if (!whole) return vs_refuse(why, "a statement is of one backend and every case");
  return judged || vs_refuse(why, "%s", ran->end.why);
}

static bool make(judging* j, const vs_told* told, const vs_results* claims, vs_file* text,
                 vs_why* why) {
  vs_file traces;
  vs_file printed;
  FILE* all = vs_needed(vs_memory_open(&traces));
  for (size_t i = 0; i < vs_case_count; i++) {
    fwrite(vs_or_empty(told->traces[i].text), 1, told->traces[i].length, all);
  }
  if (!vs_memory_close(all, &traces)) vs_needed(NULL);
  j->source = vs_source_of(traces.text, traces.length);
  j->again = vs_needed(vs_memory_open(&printed));
  begin(j, claims, told->profile);
  bool good = follow(j) || vs_refuse(why, "%s", j->faults->at[0]);
  if (!vs_memory_close(j->again, &printed)) vs_needed(NULL);
  good = good && say_the_same(told->results, j->made, why);
  if (good && !put_together(j->made, &printed, text)) vs_needed(NULL);
  vs_file_free(&printed);
  vs_file_free(&traces);
  end(j);
  return good;
}

static const char* machine_of(vs_store* store) {
  struct utsname name;
  if (uname(&name) != 0) return "unknown";
  return vs_keep(store, vs_said(store, "%s %s %s", name.sysname, name.release, name.machine));
}

bool vs_statement_make(const vs_told* told, vs_file* text, vs_why* why) {
  vs_store store = {0};
  vs_texts faults = {0};
  judging j = {.store = &store, .faults = &faults};
  const char* epoch = getenv("SOURCE_DATE_EPOCH");
  if (!is_stated(told->results, why)) return false;
  vs_results claims = *told->results;
  vs_column column = claims.backends.at[0];
  vs_stated stated = {.waivers = told->waivers};
  if (column.digest == NULL) column.digest = told->greeting;
  column.machine = told->machine != NULL ? told->machine : machine_of(&store);
  if (epoch == NULL || epoch[0] == '\0') claims.started = VS_NO_TIME;
  claims.backends.at = &column;
  claims.statement = &stated;
  claims.requires = (vs_texts){0};
  const bool good = is_bounded(&claims, why) && make(&j, told, &claims, text, why);
  vs_results_free(j.made);
  vs_store_free(&store);
  return good;
}

static bool write_packed(FILE* out, const void* what) {
  const vs_file* packed = what;
  return fwrite(packed->text, 1, packed->length, out) == packed->length;
}

bool vs_statement_write(const char* path, const vs_told* told, vs_why* why) {
  vs_file text;
  vs_file packed;
  if (!vs_statement_make(told, &text, why)) return false;
  if (!vs_gzip(text.text, text.length, &packed)) vs_needed(NULL);
  const bool good = vs_file_put_whole(path, write_packed, &packed, why);
  vs_file_free(&packed);
  vs_file_free(&text);
  return good;
}

// --- reading ------------------------------------------------------------------------------------

// The length of the first line; 0: it is too long, or none.
static size_t first_line(const vs_file* text) {
  const char* end = memchr(text->text, '\n', text->length);
  const size_t length = end != NULL ? (size_t)(end - text->text) : 0;
  return length <= VS_STATEMENT_RESULTS ? length : 0;
}

static bool is_sealed(const vs_file* text) {
  char seal[SEAL_LENGTH + 1];
  if (text->length < SEAL_LENGTH) return false;
  const size_t length = text->length - SEAL_LENGTH;
  char hex[HEX];
  digest(text->text, length, hex);
  snprintf(seal, sizeof seal, SEAL "%s\n", hex);
  return memcmp(text->text + length, seal, SEAL_LENGTH) == 0;
}

// What a JSON text makes of memory is many times its length.
static bool is_flat(const vs_file* text, size_t length) {
  size_t nests = 0;
  for (size_t i = 0; i < length; i++) nests += text->text[i] == '[' || text->text[i] == '{';
  return nests <= VS_STATEMENT_NESTS;
}

// True if each case is there, in its place.
static bool has_cases(vs_statement* s) {
  vs_index ids = {0};
  size_t number;
  const vs_results* said = s->said;
  for (size_t i = 0; i < said->results.count; i++)
    (void)vs_index_add(&ids, said->results.at[i].id, &number);
  for (size_t i = 0; i < vs_case_count; i++) {
    const char* id = vs_cases[i].id;
    const bool there = vs_index_find(&ids, id, &number);
    if (there && number == i) continue;
    vs_add(&s->store, &s->faults,
           vs_said(&s->store, "%s: %s", id,
                   there ? "it stands in the place of another case" : "this case is left out"));
  }
  if (said->results.count > vs_case_count && s->faults.count == 0)
    vs_add(&s->store, &s->faults, "more results are there than cases");
  vs_index_free(&ids);
  return s->faults.count == 0;
}

static const vs_profile* profile_of(const vs_results* said, const vs_profile* own) {
  const char* id = said->backends.at[0].profile;
  return own != NULL && strcmp(own->id, id) == 0 ? own : vs_profile_find(id);
}

// The list and the rules are those of this program.
static bool is_ours(const vs_results* said, const vs_profile* profile, vs_why* why) {
  bool good = true;
  vs_store store = {0};
  const char* list = digest_list(&store);
  if (strcmp(said->statement->list, list) != 0)
    good = vs_refuse(why,
                     "it is of another version of the list of clauses and cases, %.64s by %.60s: "
                     "this program has %s",
                     said->statement->list, said->program, list);
  if (good && strcmp(said->statement->rules, digest_rules(&store, profile)) != 0)
    good = vs_refuse(why,
                     "it is of another version of the rules of profile '%s': this program's "
                     "are %s",
                     profile->id, digest_rules(&store, profile));
  vs_store_free(&store);
  return good;
}

static bool is_statement(const vs_results* said, const vs_profile* own, vs_why* why) {
  if (said->statement == NULL) return vs_refuse(why, "these are results, and no statement");
  if (said->statement->version != VS_STATEMENT_VERSION)
    return vs_refuse(why, "statement.version: expected %d, the only one that this program knows",
                     VS_STATEMENT_VERSION);
  if (said->backends.count != 1 || said->backends.at[0].state != VS_TARGET_READY)
    return vs_refuse(why, "a statement is of one backend that was judged");
  if (said->backends.at[0].machine == NULL)
    return vs_refuse(why, "it does not tell the machine on which was judged");
  if (!is_bounded(said, why)) return false;
  const vs_profile* profile = profile_of(said, own);
  if (profile != NULL && profile->arch != 0 && profile->arch != arch_of(&said->backends.at[0]))
    return vs_refuse(why, "profile '%s' is about another architecture than %.20s", profile->id,
                     said->backends.at[0].arch);
  if (profile != NULL) return is_ours(said, profile, why);
  return vs_refuse(why,
                   "it was judged by '%.40s', which is no profile of ours: name its file by "
                   "--profile",
                   said->backends.at[0].profile);
}

// Verdicts before all the rest.
static void compare_verdicts(vs_statement* s) {
  for (size_t i = 0; i < vs_case_count; i++) {
    const vs_verdict said = s->said->results.at[i].verdict;
    const vs_verdict follows = s->results->results.at[i].verdict;
    if (said == follows) continue;
    vs_add(&s->store, &s->faults,
           vs_said(&s->store, "%s: it says %s, and by its trace it is %s", vs_cases[i].id,
                   vs_results_words[said], vs_results_words[follows]));
  }
}

// Where the results say otherwise than what follows.
static void compare(vs_statement* s, const vs_file* text) {
  compare_verdicts(s);
  json_error_t error;
  json_t* said = vs_needed(json_loadb(text->text, first_line(text), 0, &error));
  vs_file again;
  FILE* out = vs_needed(vs_memory_open(&again));
  print_results(out, s->results);
  if (!vs_memory_close(out, &again)) vs_needed(NULL);
  json_t* follows = vs_needed(json_loadb(again.text, again.length, 0, &error));
  vs_unlike(&s->store, said, follows, &s->faults);
  vs_file_free(&again);
  json_decref(said);
  json_decref(follows);
}

static void look_at_text(vs_statement* s, const vs_file* text, const vs_file* printed) {
  vs_file again;
  compare(s, text);
  if (s->faults.count > 0) return;
  if (!put_together(s->results, printed, &again)) vs_needed(NULL);
  const bool same =
      again.length == text->length && memcmp(again.text, text->text, text->length) == 0;
  if (!same)
    vs_add(&s->store, &s->faults,
           "its text is not what this program writes: a trace, or the results, were edited");
  vs_file_free(&again);
}

static void judge(vs_statement* s, const vs_file* text, const vs_profile* own) {
  vs_file printed;
  judging j = {.store = &s->store, .faults = &s->faults};
  const size_t results = first_line(text) + 1;
  j.source = (vs_source){text->text, text->length - SEAL_LENGTH, results, 1};
  j.again = vs_needed(vs_memory_open(&printed));
  s->answers = vs_take(&s->store, vs_case_count * sizeof *s->answers);
  j.answers = s->answers;
  begin(&j, s->said, profile_of(s->said, own));
  const bool good = follow(&j);
  if (!vs_memory_close(j.again, &printed)) vs_needed(NULL);
  s->results = j.made;
  if (good) look_at_text(s, text, &printed);
  if (s->faults.count == 0) {  // from now on it is today
    char today[VS_DAY];
    vs_results_today(today);
    waive(&j, today);
    vs_results_conclude(s->results);
  }
  vs_file_free(&printed);
  end(&j);
}

bool vs_statement_parse(vs_statement* s, const char* name, const vs_file* text,
                        const vs_profile* profile, vs_why* why) {
  vs_why reason;
  *s = (vs_statement){0};
  const size_t length = first_line(text);
  if (length == 0 || !is_flat(text, length))
    return vs_refuse(why, "%.200s: it is no statement: its first line has to be results", name);
  if (!is_sealed(text))
    return vs_refuse(why, "%.200s: its digest, the last line, is not that of what is above it",
                     name);
  s->said = vs_results_parse(name, text->text, length, why);
  if (s->said == NULL) return false;
  if (!is_statement(s->said, profile, &reason)) {
    vs_statement_free(s);
    return vs_refuse(why, "%.200s: %s", name, reason.text);
  }
  if (has_cases(s)) judge(s, text, profile);
  return true;
}

static bool read_packed(vs_statement* s, const char* name, const vs_file* packed,
                        const vs_profile* profile, vs_why* why) {
  vs_file text;
  vs_why reason;
  if (!vs_gunzip(packed->text, packed->length, VS_STATEMENT_MAX, &text, &reason))
    return vs_refuse(why, "%.200s: %s", name, reason.text);
  const bool read = vs_statement_parse(s, name, &text, profile, why);
  if (read && s->results != NULL && strcmp(name, STDIN_NAME) != 0)
    s->results->backends.at[0].statement = vs_keep(&s->results->store, name);
  vs_file_free(&text);
  return read;
}

static const char* name_of(const char* path) {
  return strcmp(path, "-") == 0 ? STDIN_NAME : path;
}

bool vs_statement_read(vs_statement* s, const char* path, const vs_profile* profile, vs_why* why) {
  vs_file packed;
  if (!vs_file_read(path, &packed, why)) return false;
  const bool read = read_packed(s, name_of(path), &packed, profile, why);
  vs_file_free(&packed);
  return read;
}

// What follows, unless something does not.
static bool take_statement(vs_taken* taken, const char* name, const vs_file* file,
                           const vs_profile* profile, vs_why* why) {
  vs_statement* s = &taken->statement;
  if (!read_packed(s, name, file, profile, why)) return false;
  if (s->faults.count > 0) {
    vs_refuse(why, "%.200s: it does not follow: %.300s: see vcpuspec verify", name,
              s->faults.at[0]);
    vs_statement_free(s);
    return false;
  }
  taken->results = s->results;
  taken->answers = s->answers;
  s->results = NULL;
  return true;
}

bool vs_statement_or_results(vs_taken* taken, const char* path, const vs_profile* profile,
                             vs_why* why) {
  vs_file file;
  const char* name = name_of(path);
  *taken = (vs_taken){0};
  if (!vs_file_read(path, &file, why)) return false;
  if (vs_is_gzip(file.text, file.length)) {
    take_statement(taken, name, &file, profile, why);
  } else {
    taken->results = vs_results_parse(name, file.text, file.length, why);
  }
  vs_file_free(&file);
  return taken->results != NULL;
}

void vs_taken_free(vs_taken* taken) {
  vs_results_free(taken->results);
  vs_statement_free(&taken->statement);
  *taken = (vs_taken){0};
}

void vs_statement_free(vs_statement* s) {
  vs_results_free(s->said);
  vs_results_free(s->results);
  vs_store_free(&s->store);
  *s = (vs_statement){0};
}
