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
#include "common/refuse.h"
#include "process/child.h"
#include "text/file.h"
#include "text/profile.h"

#define FORMAT "vcpuspec journal"

// --- what was asked for -------------------------------------------------------------------------

// A backend that is a file may be built anew between two runs; one behind a wire
// greets.
static const char* digest_contents(vs_store* store, const vs_target* target) {
  uint64_t greeting = VS_DIGEST64;
  if (target->shim != NULL)
    greeting = vs_digest64(greeting, vs_shim_greeting(target->shim), sizeof(vs_greeting));
  return vs_said(store, "%s %016" PRIx64, target->identity.digest, greeting);
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
      .texts = vs_results_texts(store, plan)};
  for (size_t i = 0; i < plan->target_count; i++) {
    const vs_target* target = &plan->targets[i];
    vs_add(store, &head.backends, target->spec);
    vs_add(store, &head.contents, digest_contents(store, target));
  }
  return head;
}

// --- reading ------------------------------------------------------------------------------------

typedef struct reader {
  vs_run_journal* journal;
  const vs_journal_head* request;
  vs_results* results;  // NULL: results are only counted
  vs_index rows;        // of cases
  size_t line;
  off_t used;  // bytes of whole lines
} reader;

__attribute__((format(printf, 3, 4))) static vs_run_journal_state refuse(vs_run_journal* journal,
                                                                         vs_run_journal_state state,
                                                                         const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vs_refuse_as(&journal->why, format, arguments);
  va_end(arguments);
  const vs_why what = journal->why;
  vs_refuse(&journal->why, "%.200s %.800s", journal->path, what.text);
  return state;
}

static vs_run_journal_state cannot(vs_run_journal* journal, const char* what) {
  const char* limit = errno == EFBIG ? " for the limit of this process (ulimit -f)" : "";
  return refuse(journal, VS_RUN_JOURNAL_CANNOT, "cannot be %s: %s%s", what, strerror(errno), limit);
}

static vs_run_journal_state refuse_other(reader* r, const vs_field* f, const json_t* then,
                                         const json_t* now) {
  char* was = json_dumps(then, JSON_ENCODE_ANY);
  char* is = json_dumps(now, JSON_ENCODE_ANY);
  vs_run_journal_state state = refuse(
      r->journal, VS_RUN_JOURNAL_OTHER,
      "is of another run: %s: %.100s then, %.100s now: ask for the same, or name another file",
      f->meaning != NULL ? f->meaning : f->name, was != NULL ? was : "?", is != NULL ? is : "?");
  free(was);
  free(is);
  return state;
}

static vs_run_journal_state read_header(reader* r, const char* text, size_t length) {
  json_error_t error;
  json_t* header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  const char* format = json_string_value(json_object_get(header, "format"));
  vs_run_journal_state state = VS_RUN_JOURNAL_OPEN;
  if (!vs_is_same_text(format, FORMAT)) {
    state = refuse(r->journal, VS_RUN_JOURNAL_BAD,
                   "is no journal of vcpuspec run, and is left as it is: name another file");
  }
  for (const vs_field* f = vs_form_journal_head; f->name != NULL; f++) {
    const json_t* then = json_object_get(header, f->name);
    json_t* now = vs_form_member(vs_form_journal_head, r->request, f->name);
    if (state == VS_RUN_JOURNAL_OPEN && !json_equal(now, then))
      state = refuse_other(r, f, then, now);
    json_decref(now);
  }
  json_decref(header);
  return state;
}

static bool take_result(reader* r, const json_t* form, vs_why* why) {
  vs_result one = {0};
  size_t row;
  if (!vs_form_read(&r->results->store, vs_form_result, form, &one, why) ||
      !vs_result_is_sound(&one, r->results->backends.count, why))
    return false;
  if (!vs_index_find(&r->rows, one.id, &row))
    return vs_refuse(why, "case: expected a case of this run");
  vs_result* place = &r->results->results.at[one.backend * r->rows.count + row];
  r->journal->found += place->id == NULL;
  r->results->backends.at[one.backend].ended_between += one.ended_before;
  *place = one;
  return true;
}

static vs_run_journal_state read_result(reader* r, const char* text, size_t length) {
  json_error_t error;
  vs_why why;
  r->journal->found += r->results == NULL;
  if (r->results == NULL) return VS_RUN_JOURNAL_OPEN;
  json_t* form = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  vs_refuse(&why, "%s", error.text);
  bool good = form != NULL && take_result(r, form, &why);
  json_decref(form);
  if (good) return VS_RUN_JOURNAL_OPEN;
  return refuse(r->journal, VS_RUN_JOURNAL_BAD,
                "was spoilt at line %zu (%.150s): take the line out, and its case is judged again",
                r->line, why.text);
}

// A header that was cut off while it was written holds nothing.
static bool is_begun_header(const char* text, size_t length) {
  static const char begin[] = "{\"format\":\"" FORMAT "\"";
  size_t most = sizeof begin - 1;
  return memcmp(text, begin, length < most ? length : most) == 0;
}

// Whole lines only: the last one may have been cut off with the run.
static vs_run_journal_state read_lines(reader* r) {
  vs_run_journal_state state = VS_RUN_JOURNAL_OPEN;
  char* line = NULL;
  size_t room = 0;
  ssize_t got = 0;
  while (state == VS_RUN_JOURNAL_OPEN && (got = getline(&line, &room, r->journal->file)) > 0) {
    size_t length = (size_t)got;
    bool whole = line[length - 1] == '\n';
    if (!whole && (r->line > 0 || is_begun_header(line, length))) break;
    if (whole) r->used += got;
    length -= whole;
    state = ++r->line == 1 ? read_header(r, line, length) : read_result(r, line, length);
  }
  free(line);
  bool failed = state == VS_RUN_JOURNAL_OPEN && ferror(r->journal->file);
  return failed ? cannot(r->journal, "read") : state;
}

// --- the file -----------------------------------------------------------------------------------

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

// What a line that was cut off holds is dropped, and a header is there. A file without one holds
// nothing, and is not left behind.
static vs_run_journal_state trim(const reader* r) {
  int fd = fileno(r->journal->file);
  struct stat status;
  bool good = fstat(fd, &status) == 0;
  if (good && status.st_size > r->used) good = ftruncate(fd, r->used) == 0;
  if (good && r->used == 0) good = write_line(fd, vs_form_journal_head, r->request);
  if (good) return VS_RUN_JOURNAL_OPEN;
  const vs_run_journal_state state = cannot(r->journal, "written");
  if (r->used == 0) unlink(r->journal->path);
  return state;
}

// A run that was killed just now may take a moment to be gone.
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
  int fd = fileno(journal->file);
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return refuse(journal, VS_RUN_JOURNAL_BAD, "is no plain file: name one for the journal");
  if (lock_within(fd, patience)) return VS_RUN_JOURNAL_OPEN;
  if (errno != EACCES && errno != EAGAIN) return cannot(journal, "locked");
  return refuse(journal, VS_RUN_JOURNAL_BUSY,
                "is kept by another run that has not ended: wait for it, or name another file");
}

static vs_run_journal_state open_file(vs_run_journal* journal, const char* path, int flags) {
  *journal = (vs_run_journal){0};
  if (snprintf(journal->path, sizeof journal->path, "%s", path) >= (int)sizeof journal->path) {
    errno = ENAMETOOLONG;
    return cannot(journal, "opened");
  }
  int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | flags, 0666);
  if (fd < 0) return cannot(journal, "opened");
  journal->file = vs_needed(fdopen(fd, "r"));
  return lock(journal);
}

static void give_up(vs_run_journal* journal) {
  if (journal->file != NULL) fclose(journal->file);
  journal->file = NULL;
}

vs_run_journal_state vs_run_journal_open(vs_run_journal* journal, const char* path,
                                         const vs_journal_head* request, const vs_plan* plan,
                                         vs_results* results) {
  const bool existed = access(path, F_OK) == 0;
  vs_run_journal_state state = open_file(journal, path, O_CREAT);
  reader r = {.journal = journal, .request = request, .results = results};
  size_t row;
  for (size_t i = 0; i < plan->case_count && state == VS_RUN_JOURNAL_OPEN; i++) {
    const char* id = vs_keep(&results->store, plan->cases[i]->id);  // as results have it
    if (!vs_index_add(&r.rows, id, &row))
      state = refuse(journal, VS_RUN_JOURNAL_BAD,
                     "cannot tell two scripts apart, %.200s: their names are no UTF-8", id);
  }
  if (state == VS_RUN_JOURNAL_OPEN) state = read_lines(&r);
  journal->was_empty = existed && r.used == 0;
  if (state == VS_RUN_JOURNAL_OPEN) state = trim(&r);
  vs_index_free(&r.rows);
  if (state != VS_RUN_JOURNAL_OPEN) give_up(journal);
  if (state == VS_RUN_JOURNAL_OPEN) vs_children_never_have(fileno(journal->file));
  journal->synced = vs_now();
  return state;
}

// A process that is ended loses nothing that was written; a machine that is, at most this much.
static void sync_now_and_then(vs_run_journal* journal) {
  const double second = 1;
  if (vs_now() - journal->synced < second) return;
  fdatasync(fileno(journal->file));
  journal->synced = vs_now();
}

bool vs_run_journal_add(vs_run_journal* journal, const vs_result* result) {
  if (journal->failed) return false;
  if (result->verdict == VS_VERDICT_BROKEN) return true;
  int fd = fileno(journal->file);
  off_t end = lseek(fd, 0, SEEK_END);
  if (write_line(fd, vs_form_result, result)) {
    sync_now_and_then(journal);
    return true;
  }
  journal->failed = true;
  refuse(journal, VS_RUN_JOURNAL_CANNOT, "cannot be written: %s; the run goes on without it",
         strerror(errno));
  if (end < 0 || ftruncate(fd, end) != 0) journal->failed = true;
  return false;
}

void vs_run_journal_close(vs_run_journal* journal, bool whole) {
  if (journal->file == NULL) return;
  vs_children_never_have(-1);
  if (whole) {
    unlink(journal->path);
  } else {
    fdatasync(fileno(journal->file));
  }
  give_up(journal);
}

// --- making way ---------------------------------------------------------------------------------

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
  vs_run_journal_state state = open_file(journal, path, 0);
  reader r = {.journal = journal, .request = request};
  bool is_open = state == VS_RUN_JOURNAL_OPEN;
  *found = 0;
  if (journal->file == NULL && access(path, F_OK) != 0) return VS_RUN_JOURNAL_OPEN;
  const bool is_read = is_open && read_lines(&r) == VS_RUN_JOURNAL_OPEN;
  if (is_read) *found = journal->found;
  if (is_read && r.used == 0) {
    if (unlink(path) != 0) state = cannot(journal, "removed");
  } else if (is_open && (!find_old_name(journal, path) || rename(path, journal->old) != 0))
    state = cannot(journal, "renamed");
  if (state != VS_RUN_JOURNAL_OPEN) journal->old[0] = '\0';
  give_up(journal);
  return state;
}
