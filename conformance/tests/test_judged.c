// SPDX-License-Identifier: BSD-3-Clause
// Traces as files (traces/), each judged as its heading says: `# profile ID`, and what is made of
// the trace under that one; there may be several profiles, one after another. All that holds of
// these must be said, and nothing else:
//   # allowed | # unsupported | # broken   the last: it makes no sense
//   # breaks CLAUSE                        what is found first
//   # also CLAUSE                          another one that is broken
//   # early                                what is found first is not the last op's
//   # needs LATITUDE                       it cannot be explained without
//   # lost                                 from some op on nothing is known
//   # recorded                             there is an op of which nothing is predicted
//   # skips NUMBER                         optional ops that are not supported
// and these may be said where they are what the trace is about:
//   # attests CLAUSE, # attests_not CLAUSE
//   # by KIND                              of violation
//   # names REGISTER EXPECTED GOT          that was read
//   # names REGISTER EXPECTED GOT guest    that guest code found
// A new situation is a new file.
#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "text/document.h"

static vs_oracle oracle;

// --- what holds --------------------------------------------------------------------------------

// Lines, each between two newlines.
typedef struct lines {
  char* text;
  size_t length;
  FILE* out;
} lines;

static void open_lines(lines* l) {
  l->out = open_memstream(&l->text, &l->length);
  cr_assert(l->out != NULL);
  fputc('\n', l->out);
}

static bool has_line(const char* text, const char* line) {
  char between[256];
  snprintf(between, sizeof between, "\n%s\n", line);
  return strstr(text, between) != NULL;
}

static void say_violation(const vs_judgement* j, const vs_arch_info* arch, FILE* must, FILE* may) {
  static const char* const kinds[] = {"status", "no_return", "register", "packet",
                                      "handle", "buffer",    "silence"};
  const vs_violation* v = &j->violation;
  fprintf(must, "breaks %s\n", vs_clauses[v->clause].id);
  for (unsigned i = 0; i < VS_CLAUSE_COUNT; i++) {
    bool also = i != v->clause && vs_has_clause(j->broken, i);
    if (also) fprintf(must, "also %s\n", vs_clauses[i].id);
  }
  fprintf(may, "by %s\n", kinds[v->kind]);
  if (v->kind != VS_VIOLATION_REGISTER) return;
  fprintf(may, "names %s 0x%" PRIx64 " 0x%" PRIx64 "%s\n", arch->registers[v->reg].name,
          v->expected, v->value, v->guest_view ? " guest" : "");
}

static void say(const vs_judgement* j, const vs_trace* trace, FILE* must, FILE* may) {
  if (j->step == VS_STEP_ALLOWED) fputs("allowed\n", must);
  if (j->step == VS_STEP_UNSUPPORTED) fputs("unsupported\n", must);
  if (j->step == VS_STEP_BROKEN) fputs("broken\n", must);
  if (j->step == VS_STEP_VIOLATION) say_violation(j, vs_arch_find(trace->arch), must, may);
  if (j->step != VS_STEP_ALLOWED && j->at != trace->script.count - 1) fputs("early\n", must);
  FILE* once_allowed = j->step == VS_STEP_ALLOWED ? must : may;
  for (unsigned i = 0; i < VS_LATITUDE_COUNT; i++) {
    if (j->latitudes & VS_BIT(i)) fprintf(once_allowed, "needs %s\n", vs_latitudes[i].id);
  }
  if (j->lost) fputs("lost\n", once_allowed);
  if (j->unpredicted) fputs("recorded\n", once_allowed);
  if (j->skipped > 0) fprintf(must, "skips %zu\n", j->skipped);
  for (unsigned i = 0; i < VS_CLAUSE_COUNT; i++) {
    bool attested = vs_has_clause(j->attested, i);
    fprintf(may, "%s %s\n", attested ? "attests" : "attests_not", vs_clauses[i].id);
  }
}

// --- what is said ------------------------------------------------------------------------------

static char* contents_of(const char* path) {
  static char text[1 << 16];
  FILE* in = fopen(path, "r");
  cr_assert(in != NULL, "%s", path);
  size_t length = fread(text, 1, sizeof text - 1, in);
  fclose(in);
  text[length] = '\0';
  return text;
}

// The next line of a heading, which `*at` then is behind; false: none is left.
static bool next_line(const char** at, char line[128]) {
  int length = 0;
  if (sscanf(*at, "# %127[^\n]\n%n", line, &length) != 1 || length == 0) return false;
  *at += length;
  return true;
}

// What is wrong with the lines from `*at` to the next profile; empty: nothing.
static void compare(const char** at, const vs_trace* trace, const vs_profile* profile,
                    char wrong[256]) {
  lines must, may, said;
  open_lines(&must), open_lines(&may), open_lines(&said);
  vs_judgement j = vs_judge(&oracle, trace, profile);
  say(&j, trace, must.out, may.out);
  fclose(must.out), fclose(may.out);
  char line[128];
  const char* before = *at;
  while (next_line(at, line) && strncmp(line, "profile ", 8) != 0) {
    before = *at;
    fprintf(said.out, "%s\n", line);
    bool holds = has_line(must.text, line) || has_line(may.text, line);
    if (!holds) snprintf(wrong, 256, "%s: does not hold: %s", profile->id, line);
  }
  *at = before;
  fclose(said.out);
  char* rest = must.text;
  for (char* each = strtok_r(rest, "\n", &rest); each; each = strtok_r(NULL, "\n", &rest)) {
    if (!has_line(said.text, each)) snprintf(wrong, 256, "%s: not said: %s", profile->id, each);
  }
  free(must.text), free(may.text), free(said.text);
}

static void judge_as_said(const char* heading, const vs_trace* trace, char wrong[256]) {
  char line[128];
  char id[64];
  snprintf(wrong, 256, "there is no heading");
  while (next_line(&heading, line)) {
    if (sscanf(line, "profile %63s", id) != 1 || vs_profile_find(id) == NULL) {
      snprintf(wrong, 256, "this is no profile: %s", line);
      return;
    }
    wrong[0] = '\0';
    compare(&heading, trace, vs_profile_find(id), wrong);
    if (wrong[0] != '\0') return;
  }
}

static char* trace_of(const char* path, vs_document* d) {
  char* text = contents_of(path);
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_fault fault;
  cr_assert_eq(vs_document_read(&source, &reading, d, &fault), VS_READ_OK, "%s:%zu:%zu: %s", path,
               fault.line, fault.column, fault.message);
  return text;
}

#define TRACES VS_SOURCE_DIR "/conformance/tests/traces/"

static void is_judged_as_it_says(const char* path) {
  vs_document d;
  const char* heading = trace_of(path, &d);
  vs_trace trace = vs_document_trace(&d);
  char wrong[256];
  judge_as_said(heading, &trace, wrong);
  cr_expect(wrong[0] == '\0', "%s: %s", path, wrong);
  vs_document_free(&d);
}

Test(traces, are_judged_as_they_say) {
  glob_t found;
  cr_assert_eq(glob(TRACES "*.vcpu", 0, NULL, &found), 0);
  cr_assert(found.gl_pathc > 400, "%zu traces", found.gl_pathc);
  for (size_t i = 0; i < found.gl_pathc; i++) is_judged_as_it_says(found.gl_pathv[i]);
  globfree(&found);
}

// Of the same oracle: what was refused in one trace is no part of the next.
Test(traces, are_judged_by_themselves) {
  is_judged_as_it_says(TRACES "refused_writes_of_two_values.vcpu");
  is_judged_as_it_says(TRACES "write_of_another_vcpu_that_shows_after_a_refusal.vcpu");
}

static void is_noticed(const char* path, const char* const* headings, size_t count) {
  vs_document d;
  trace_of(path, &d);
  vs_trace trace = vs_document_trace(&d);
  char wrong[256];
  for (size_t i = 0; i < count; i++) {
    judge_as_said(headings[i], &trace, wrong);
    cr_expect(wrong[0] != '\0', "%s: judged as this says:\n%s", path, headings[i]);
  }
  vs_document_free(&d);
}

Test(traces, are_not_judged_as_a_wrong_heading_says) {
#define PAGE "# profile documented\n"
#define KERNEL "# profile zircon-x64\n"
#define NEEDS "# needs wrong_thread_io_invalid_args\n"
  static const char* const allowed[] = {
      "",
      "# allowed\n" NEEDS,
      "# profile none\n# allowed\n" NEEDS,
      PAGE,
      PAGE NEEDS,
      PAGE "# allowed\n",
      PAGE "# allowed\n# needs io_upper_zeroed\n",
      PAGE "# allowed\n" NEEDS "# needs io_upper_zeroed\n",
      PAGE "# allowed\n" NEEDS "# lost\n",
      PAGE "# allowed\n" NEEDS "# other\n",
      PAGE "# allowed\n" NEEDS "# attests write_state.description.io\n",
      PAGE "# allowed\n" NEEDS "# attests_not write_state.description.none\n",
      PAGE "# breaks write_state.errors.bad_state\n",
      PAGE "# unsupported\n",
      KERNEL "# breaks write_state.errors.bad_stat\n",
      KERNEL "# breaks write_state.errors.access_denied\n",
      KERNEL "# breaks write_state.errors.bad_state\n# by register\n",
      KERNEL "# breaks write_state.errors.bad_state\n# early\n",
      PAGE "# allowed\n" NEEDS KERNEL "# allowed\n",
  };
  static const char* const register_named[] = {
      PAGE "# breaks family.read_state.reports\n# names rax 0x0 0x1\n",
      PAGE "# breaks family.read_state.reports\n# names rsp 0x1 0x1\n",
      PAGE "# breaks family.read_state.reports\n# names rsp 0x0 0x2\n",
      PAGE "# breaks family.read_state.reports\n# names rsp 0x0 0x1 guest\n",
  };
  static const char* const two[] = {
      PAGE "# breaks write_state.errors.bad_state\n# early\n",
      PAGE "# also write_state.errors.bad_state\n# breaks write_state.refusal.unchanged\n# early\n",
      PAGE "# breaks write_state.errors.bad_state\n# also write_state.refusal.unchanged\n",
  };
  static const char* const skipped[] = {
      PAGE "# breaks family.read_state.reports\n",
      PAGE "# breaks family.read_state.reports\n# skips 2\n",
  };
  is_noticed(TRACES "io_elsewhere_is_refused_as_invalid.vcpu", allowed,
             sizeof allowed / sizeof allowed[0]);
  is_noticed(TRACES "reads_that_differ.vcpu", register_named,
             sizeof register_named / sizeof register_named[0]);
  is_noticed(TRACES "wrong_refusal_that_changes_a_register.vcpu", two, sizeof two / sizeof two[0]);
  is_noticed(TRACES "optional_call_that_is_missing.vcpu", skipped,
             sizeof skipped / sizeof skipped[0]);
}
