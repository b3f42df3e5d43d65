// SPDX-License-Identifier: BSD-3-Clause
#include "run_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/digest.h"
#include "runner/child.h"
#include "text/file.h"
#include "text/profile.h"

#define FORMAT "vcpuspec journal"

enum { MOST = 1 << 30 };  // bytes of a journal

// --- what was asked for -------------------------------------------------------------------------

static uint64_t digest_cases(const vs_plan* plan) {
  uint64_t sum = VS_DIGEST64;
  for (size_t i = 0; i < plan->case_count; i++) {
    sum = vs_digest64(sum, plan->cases[i]->id, strlen(plan->cases[i]->id) + 1);
    sum = vs_digest64(sum, plan->cases[i]->text, strlen(plan->cases[i]->text) + 1);
  }
  return sum;
}

// A backend that is a file may be built anew between two runs; one behind a wire
// greets.
static uint64_t digest_contents(const vs_target* target) {
  uint64_t sum = VS_DIGEST64;
  char why[VS_FILE_WHY];
  vs_file file;
  if (target->shim != NULL) {
    return vs_digest64(sum, vs_shim_greeting(target->shim), sizeof(vs_greeting));
  }
  if (target->path == NULL || !vs_file_read(target->path, &file, why)) return sum;
  sum = vs_digest64(sum, file.text, file.length);
  vs_file_free(&file);
  return sum;
}

vs_journal_head vs_run_journal_request(vs_store* store, const vs_plan* plan,
                                       const vs_request* request) {
  vs_journal_head head = {
      .format = FORMAT,
      .version = 1,
      .program = request->program,
      .profile = vs_keep(store, plan->profile->id),
      .rules = vs_said(store, "%016" PRIx64, (uint64_t)vs_profile_digest(plan->profile)),
      .seed = vs_said(store, "%" PRIu64, plan->seed),
      .cases = plan->case_count,
      .texts = vs_said(store, "%016" PRIx64, digest_cases(plan))};
  for (size_t i = 0; i < plan->target_count; i++) {
    const vs_target* target = &plan->targets[i];
    vs_add(store, &head.backends, target->spec);
    vs_add(store, &head.contents, vs_said(store, "%016" PRIx64, digest_contents(target)));
  }
  return head;
}

static const char* meaning_of(const char* name) {
  static const char* const meanings[][2] = {
      {"program", "its program"},
      {"profile", "its profile"},
      {"rules", "the rules of its profile"},
      {"seed", "its seed"},
      {"cases", "the number of its cases"},
      {"texts", "its cases or their texts"},
      {"backends", "its backends"},
      {"contents", "the file, or the version, of a backend"},
  };
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
    if (strcmp(meanings[i][0], name) == 0) return meanings[i][1];
  }
  return name;
}

// --- reading ------------------------------------------------------------------------------------

typedef struct reader {
  vs_run_journal* journal;
  const vs_journal_head* request;
  vs_results* results;  // NULL: results are only counted
  vs_index rows;        // of cases
  size_t line;
} reader;

__attribute__((format(printf, 3, 4))) static vs_run_journal_state refuse(vs_run_journal* journal,
                                                                         vs_run_journal_state state,
                                                                         const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = snprintf(journal->why, sizeof journal->why, "%.200s ", journal->path);
  vsnprintf(journal->why + length, sizeof journal->why - (size_t)length, format, arguments);
  va_end(arguments);
  return state;
}

static vs_run_journal_state refuse_other(reader* r, const char* name, const json_t* then,
                                         const json_t* now) {
  char* was = json_dumps(then, JSON_ENCODE_ANY);
  char* is = json_dumps(now, JSON_ENCODE_ANY);
  vs_run_journal_state state = refuse(
      r->journal, VS_RUN_JOURNAL_OTHER,
      "is of another run: %s: %.100s then, %.100s now: ask for the same, or name another file",
      meaning_of(name), was != NULL ? was : "?", is != NULL ? is : "?");
  free(was);
  free(is);
  return state;
}

static vs_run_journal_state read_header(reader* r, const char* text, size_t length) {
  json_error_t error;
  json_t* header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  json_t* wanted = vs_form_write(vs_form_journal_head, r->request);
  const char* format = json_string_value(json_object_get(header, "format"));
  vs_run_journal_state state = VS_RUN_JOURNAL_OPEN;
  if (format == NULL || strcmp(format, FORMAT) != 0) {
    state = refuse(r->journal, VS_RUN_JOURNAL_BAD,
                   "is no journal of vcpuspec run, and is left as it is: name another file");
  }
  const char* name;
  const json_t* now;
  json_object_foreach(wanted, name, now) {
    const json_t* then = json_object_get(header, name);
    if (state != VS_RUN_JOURNAL_OPEN || json_equal(now, then)) continue;
    state = refuse_other(r, name, then, now);
  }
  json_decref(wanted);
  json_decref(header);
  return state;
}

static bool take_result(reader* r, const json_t* form, char why[VS_RESULTS_WHY]) {
  vs_result one = {0};
  size_t row;
  if (!vs_form_read(&r->results->store, vs_form_result, form, &one, why) ||
      !vs_result_is_sound(&one, r->results->backends.count, why))
    return false;
  if (!vs_index_find(&r->rows, one.id, &row)) {
    snprintf(why, VS_RESULTS_WHY, "case: expected a case of this run");
    return false;
  }
  vs_result* place = &r->results->results.at[one.backend * r->rows.count + row];
  r->journal->found += place->id == NULL;
  *place = one;
  return true;
}

static vs_run_journal_state read_result(reader* r, const char* text, size_t length) {
  json_error_t error;
  char why[VS_RESULTS_WHY];
  json_t* form = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  snprintf(why, sizeof why, "%s", error.text);
  bool good = form != NULL && take_result(r, form, why);
  json_decref(form);
  if (good) return VS_RUN_JOURNAL_OPEN;
  return refuse(r->journal, VS_RUN_JOURNAL_BAD,
                "was spoilt at line %zu (%.150s): take the line out, and its case is judged again",
                r->line, why);
}

// Whole lines only: the last one may have been cut off with the run. `*used` is how many bytes they
// are.
static vs_run_journal_state read_lines(reader* r, const char* text, size_t length, size_t* used) {
  vs_run_journal_state state = VS_RUN_JOURNAL_OPEN;
  *used = 0;
  while (state == VS_RUN_JOURNAL_OPEN && *used < length) {
    const char* start = text + *used;
    const char* end = memchr(start, '\n', length - *used);
    if (end == NULL) break;
    size_t size = (size_t)(end - start);
    r->line++;
    state = r->line == 1 ? read_header(r, start, size) : read_result(r, start, size);
    *used += size + 1;
  }
  return state;
}

// --- the file -----------------------------------------------------------------------------------

static vs_run_journal_state cannot(vs_run_journal* journal, const char* what) {
  return refuse(journal, VS_RUN_JOURNAL_CANNOT, "cannot be %s: %s", what, strerror(errno));
}

static bool read_all(int fd, char** text, size_t* length) {
  struct stat status;
  if (fstat(fd, &status) != 0 || status.st_size > MOST) return false;
  size_t size = (size_t)status.st_size;
  *text = malloc(size + 1);
  *length = 0;
  if (*text == NULL) return false;
  while (*length < size) {
    ssize_t got = pread(fd, *text + *length, size - *length, (off_t)*length);
    if (got < 0) return false;
    if (got == 0) break;
    *length += (size_t)got;
  }
  return true;
}

static bool write_line(int fd, const vs_field* shape, const void* value) {
  json_t* form = vs_form_write(shape, value);
  char* text = vs_needed(json_dumps(form, JSON_COMPACT | JSON_REAL_PRECISION(9)));
  size_t length = strlen(text);
  json_decref(form);
  text[length] = '\n';  // in place of the NUL: one write, one line
  ssize_t written = write(fd, text, length + 1);
  if (written >= 0 && (size_t)written < length + 1) errno = ENOSPC;
  free(text);
  return written == (ssize_t)length + 1;
}

// A header that was cut off while it was written holds nothing.
static bool is_begun_header(const char* text, size_t length) {
  static const char begin[] = "{\"format\":\"" FORMAT "\"";
  size_t most = sizeof begin - 1;
  return memchr(text, '\n', length) == NULL &&
         memcmp(text, begin, length < most ? length : most) == 0;
}

static vs_run_journal_state read_text(reader* r, const char* text, size_t length) {
  vs_run_journal* journal = r->journal;
  size_t used = 0;
  vs_run_journal_state state = VS_RUN_JOURNAL_OPEN;
  if (!is_begun_header(text, length)) {
    state = read_lines(r, text, length, &used);
    if (state == VS_RUN_JOURNAL_OPEN && r->line == 0) state = read_header(r, text, length);
  }
  if (state != VS_RUN_JOURNAL_OPEN || r->results == NULL) return state;
  if (used < length && ftruncate(journal->fd, (off_t)used) != 0) return cannot(journal, "written");
  if (used == 0 && !write_line(journal->fd, vs_form_journal_head, r->request))
    return cannot(journal, "written");
  return state;
}

static vs_run_journal_state read_file(reader* r) {
  char* text = NULL;
  size_t length = 0;
  vs_run_journal_state state = read_all(r->journal->fd, &text, &length)
                                   ? read_text(r, text, length)
                                   : cannot(r->journal, "read");
  free(text);
  return state;
}

// Whoever was killed just now may take a moment to be gone.
static bool lock_within(int fd, double seconds) {
  const struct timespec pause = {0, 20000000};
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  double until = vs_now() + seconds;
  while (fcntl(fd, F_SETLK, &whole) != 0) {
    if ((errno != EACCES && errno != EAGAIN) || vs_now() > until) return false;
    nanosleep(&pause, NULL);
  }
  return true;
}

// One run at a time. Children do not inherit this lock; closing any descriptor of the file ends it.
static vs_run_journal_state lock(vs_run_journal* journal) {
  const double patience = 2;
  struct stat status;
  if (fstat(journal->fd, &status) != 0 || !S_ISREG(status.st_mode))
    return refuse(journal, VS_RUN_JOURNAL_BAD, "is no plain file: name one for the journal");
  if (lock_within(journal->fd, patience)) return VS_RUN_JOURNAL_OPEN;
  if (errno != EACCES && errno != EAGAIN) return cannot(journal, "locked");
  return refuse(journal, VS_RUN_JOURNAL_BUSY,
                "is kept by another run that has not ended: wait for it, or name another file");
}

static vs_run_journal_state open_file(vs_run_journal* journal, const char* path, int flags) {
  *journal = (vs_run_journal){.fd = -1};
  if (snprintf(journal->path, sizeof journal->path, "%s", path) >= (int)sizeof journal->path) {
    errno = ENAMETOOLONG;
    return cannot(journal, "opened");
  }
  journal->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | flags, 0666);
  return journal->fd >= 0 ? lock(journal) : cannot(journal, "opened");
}

static void give_up(vs_run_journal* journal) {
  if (journal->fd >= 0) close(journal->fd);
  journal->fd = -1;
}

vs_run_journal_state vs_run_journal_open(vs_run_journal* journal, const char* path,
                                         const vs_journal_head* request, const vs_plan* plan,
                                         vs_results* results) {
  vs_run_journal_state state = open_file(journal, path, O_CREAT);
  reader r = {.journal = journal, .request = request, .results = results};
  size_t row;
  for (size_t i = 0; i < plan->case_count; i++) vs_index_add(&r.rows, plan->cases[i]->id, &row);
  if (state == VS_RUN_JOURNAL_OPEN) state = read_file(&r);
  vs_index_free(&r.rows);
  if (state != VS_RUN_JOURNAL_OPEN) give_up(journal);
  if (state == VS_RUN_JOURNAL_OPEN) vs_children_never_have(journal->fd);
  journal->synced = vs_now();
  return state;
}

// A process that is ended loses nothing that was written; a machine that is, at most this much.
static void sync_now_and_then(vs_run_journal* journal) {
  const double second = 1;
  if (vs_now() - journal->synced < second) return;
  fdatasync(journal->fd);
  journal->synced = vs_now();
}

bool vs_run_journal_add(vs_run_journal* journal, const vs_result* result) {
  if (journal->failed) return false;
  if (result->verdict == VS_VERDICT_BROKEN) return true;
  off_t end = lseek(journal->fd, 0, SEEK_END);
  if (write_line(journal->fd, vs_form_result, result)) {
    sync_now_and_then(journal);
    return true;
  }
  journal->failed = true;
  refuse(journal, VS_RUN_JOURNAL_CANNOT, "cannot be written: %s; the run goes on without it",
         strerror(errno));
  if (end < 0 || ftruncate(journal->fd, end) != 0) journal->failed = true;
  return false;
}

void vs_run_journal_close(vs_run_journal* journal, bool whole) {
  if (journal->fd < 0) return;
  vs_children_never_have(-1);
  if (whole) {
    unlink(journal->path);
  } else {
    fdatasync(journal->fd);
  }
  give_up(journal);
}

// --- making way ---------------------------------------------------------------------------------

// Lines that are whole, but for the header.
static size_t count_results(const vs_run_journal* journal) {
  char* text = NULL;
  size_t length = 0;
  size_t lines = 0;
  if (read_all(journal->fd, &text, &length)) {
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
  }
  free(text);
  return lines > 0 ? lines - 1 : 0;
}

static bool fits(vs_run_journal* journal, const vs_journal_head* request) {
  char* text = NULL;
  size_t length = 0;
  bool read = read_all(journal->fd, &text, &length);
  const char* end = read ? memchr(text, '\n', length) : NULL;
  reader r = {.journal = journal, .request = request};
  bool same = end != NULL && read_header(&r, text, (size_t)(end - text)) == VS_RUN_JOURNAL_OPEN;
  free(text);
  return same;
}

// PATH.old, PATH.old.2, ...: the first that is not there. What an earlier run left stays.
static bool find_old_name(vs_run_journal* journal, const char* path) {
  enum { MOST_OLD = 10000 };
  struct stat status;
  snprintf(journal->old, sizeof journal->old, "%s.old", path);
  for (int i = 2; i <= MOST_OLD; i++) {
    if (lstat(journal->old, &status) != 0) return errno == ENOENT;
    snprintf(journal->old, sizeof journal->old, "%s.old.%d", path, i);
  }
  errno = EEXIST;
  return false;
}

vs_run_journal_state vs_run_journal_make_way(vs_run_journal* journal, const char* path,
                                             const vs_journal_head* request, size_t* found) {
  *found = 0;
  vs_run_journal_state state = open_file(journal, path, 0);
  if (state == VS_RUN_JOURNAL_CANNOT && journal->fd < 0 && access(path, F_OK) != 0)
    return VS_RUN_JOURNAL_OPEN;
  if (state == VS_RUN_JOURNAL_OPEN && fits(journal, request)) *found = count_results(journal);
  if (state == VS_RUN_JOURNAL_OPEN &&
      (!find_old_name(journal, path) || rename(path, journal->old) != 0))
    state = cannot(journal, "renamed");
  if (state != VS_RUN_JOURNAL_OPEN) journal->old[0] = '\0';
  give_up(journal);
  return state;
}
