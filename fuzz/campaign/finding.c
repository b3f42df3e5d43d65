// SPDX-License-Identifier: BSD-3-Clause
#include "finding.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "files.h"
#include "text/file.h"
#include "text/print.h"
#include "words/describe.h"

enum { DIGITS = 8 };

const char* const vs_finding_verdicts[VS_FINDING_VERDICTS] = {
    [VS_FINDING_FAILS] = "fails",
    [VS_FINDING_FLAKY] = "flaky",
    [VS_FINDING_NOT_ALONE] = "not again alone",
};

// --- names ------------------------------------------------------------------------------------

bool vs_finding_is_stall(const vs_finding* finding) {
  static const char prefix[] = "unconfirmed-hang-";
  return finding->verdict == VS_FINDING_NOT_ALONE &&
         strncmp(finding->name, prefix, sizeof prefix - 1) == 0;
}

uint32_t vs_finding_digest(const char* name) {
  const char* dash = strrchr(name, '-');
  char* end = NULL;
  if (dash == NULL || strspn(dash + 1, "0123456789abcdef") != DIGITS) return 0;
  unsigned long digest = strtoul(dash + 1, &end, 16);
  return *end == '\0' || strcmp(end, ".vcpu") == 0 ? (uint32_t)digest : 0;
}

bool vs_finding_clause(const char* name, uint8_t* clause) {
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    size_t length = strlen(vs_clauses[code].id);
    if (strncmp(name, vs_clauses[code].id, length) != 0 || name[length] != '-') continue;
    *clause = (uint8_t)code;
    return true;
  }
  return false;
}

void vs_finding_now(char text[32]) {
  time_t now = time(NULL);
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

// --- words ------------------------------------------------------------------------------------

void vs_finding_say(vs_finding* finding, const vs_violation* violation, const vs_arch_info* arch) {
  bool each = violation->kind == VS_VIOLATION_STATUS || violation->kind == VS_VIOLATION_NO_RETURN;
  uint8_t count = each ? violation->decision.count : 1;
  vs_text text = vs_text_in(finding->got, sizeof finding->got);
  vs_say_got(&text, violation, arch);
  finding->has_clause = true;
  finding->clause = (uint8_t)violation->clause;
  finding->allowed_count = count;
  for (uint8_t i = 0; i < count; i++) {
    vs_violation one = *violation;
    if (each) {
      one.decision.count = 1;
      one.decision.allowed[0] = violation->decision.allowed[i];
    }
    text = vs_text_in(finding->allowed[i], sizeof finding->allowed[i]);
    vs_say_allowed(&text, &one, arch);
  }
}

// --- writing ----------------------------------------------------------------------------------

void vs_finding_print(FILE* out, const vs_finding* finding, const vs_op* ops, size_t count,
                      const vs_target* target) {
  char title[128];
  snprintf(title, sizeof title, "found by fuzzing %s", target->name);
  vs_script script = {title, ops, count};
  vs_print_script(out, &script, target->arch, &finding->clause, finding->has_clause);
  fprintf(out, "# profile %s\n", finding->profile);
  for (uint8_t i = 0; i < finding->allowed_count; i++) {
    fprintf(out, "# allowed %s\n", finding->allowed[i]);
  }
  if (finding->got[0] != '\0') fprintf(out, "# got %s\n", finding->got);
  if (finding->answer[0] != '\0') fprintf(out, "# answer %s\n", finding->answer);
  if (finding->death[0] != '\0') fprintf(out, "# died %s\n", finding->death);
  fprintf(out, "# verdict %s\n# failed %u of %u\n# first %s\n# seen %" PRIu64 "\n",
          vs_finding_verdicts[finding->verdict], finding->failed, finding->runs, finding->first,
          finding->seen);
}

typedef struct update {
  const char* text;
  const vs_finding* finding;
} update;

static void print_update(FILE* out, const void* what) {
  const update* u = what;
  const char* line = strstr(u->text, "\n# seen ");
  size_t kept = line != NULL ? (size_t)(line - u->text) + 1 : strlen(u->text);
  fwrite(u->text, 1, kept, out);
  fprintf(out, "# seen %" PRIu64 "\n", u->finding->seen);
}

bool vs_finding_update(const char* dir, const vs_finding* finding) {
  char name[VS_FINDING_NAME + 8];
  char path[VS_PATH];
  vs_why why;
  vs_file file;
  snprintf(name, sizeof name, "%s.vcpu", finding->name);
  vs_path(path, dir, "findings", name);
  if (!vs_file_read(path, &file, &why)) return false;
  const update what = {file.text, finding};
  bool good = vs_file_put(path, print_update, &what);
  vs_file_free(&file);
  return good;
}

// --- reading ----------------------------------------------------------------------------------

static void take(char* to, size_t size, const char* value, size_t length) {
  snprintf(to, size, "%.*s", (int)length, value);
}

static void take_verdict(vs_finding* f, const char* value, size_t length) {
  for (vs_finding_verdict v = 0; v < VS_FINDING_VERDICTS; v++) {
    bool same = strlen(vs_finding_verdicts[v]) == length &&
                strncmp(vs_finding_verdicts[v], value, length) == 0;
    if (same) f->verdict = v;
  }
}

static void take_allowed(vs_finding* f, const char* value, size_t length) {
  if (f->allowed_count == VS_ALLOWED_MAX) return;
  take(f->allowed[f->allowed_count++], VS_FINDING_LINE, value, length);
}

// The value, if the comment is of that name.
static const char* value_of(const char* comment, const char* name, size_t* length) {
  size_t skip = strlen(name);
  if (strncmp(comment, name, skip) != 0 || comment[skip] != ' ') return NULL;
  *length = strcspn(comment + skip + 1, "\n");
  return comment + skip + 1;
}

static void read_comment(const char* comment, vs_finding* f) {
  const struct {
    const char* name;
    char* to;
    size_t size;
  } texts[] = {{"profile", f->profile, sizeof f->profile},
               {"got", f->got, sizeof f->got},
               {"answer", f->answer, sizeof f->answer},
               {"died", f->death, sizeof f->death},
               {"first", f->first, sizeof f->first}};
  size_t length;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const char* value = value_of(comment, texts[i].name, &length);
    if (value != NULL) take(texts[i].to, texts[i].size, value, length);
  }
  const char* value = value_of(comment, "allowed", &length);
  if (value != NULL) take_allowed(f, value, length);
  value = value_of(comment, "verdict", &length);
  if (value != NULL) take_verdict(f, value, length);
  value = value_of(comment, "failed", &length);
  if (value != NULL) sscanf(value, "%u of %u", &f->failed, &f->runs);
  value = value_of(comment, "seen", &length);
  if (value != NULL) f->seen = strtoull(value, NULL, 10);
}

void vs_finding_read_comments(const char* text, vs_finding* finding) {
  for (const char* line = strstr(text, "\n# "); line != NULL; line = strstr(line, "\n# ")) {
    line += 3;
    read_comment(line, finding);
  }
}

static bool read_script(const vs_file* file, vs_finding* finding) {
  vs_source source = vs_source_of(file->text, file->length);
  const vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document document;
  vs_fault fault;
  if (vs_document_read(&source, &reading, &document, &fault) != VS_READ_OK) return false;
  finding->ops = document.count;
  finding->has_clause = document.clause_count > 0;
  if (finding->has_clause) finding->clause = document.clauses[0];
  vs_document_free(&document);
  return true;
}

bool vs_finding_read(const char* dir, const char* name, vs_finding* finding) {
  char path[VS_PATH];
  vs_why why;
  vs_file file;
  *finding = (vs_finding){0};
  if (!vs_ends_in(name, ".vcpu") || strlen(name) >= VS_FINDING_NAME + 5) return false;
  snprintf(finding->name, sizeof finding->name, "%.*s", (int)(strlen(name) - 5), name);
  vs_path(path, dir, "findings", name);
  if (!vs_file_read(path, &file, &why)) return false;
  bool good = read_script(&file, finding);
  if (good) vs_finding_read_comments(file.text, finding);
  vs_file_free(&file);
  return good;
}
