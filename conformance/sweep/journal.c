// SPDX-License-Identifier: BSD-3-Clause
#include "journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/refuse.h"
#include "text/calls.h"

#define MAGIC "vcpuspec sweep 1"

enum { LINE = 1024 };

// --- writing ----------------------------------------------------------------------------------

static void print_failure(FILE* out, const vs_failure* f) {
  const vs_failure_key* k = &f->key;
  fprintf(out,
          "failure %s kind=%u reg=%u guest=%u got=%" PRId32 " count=%" PRIu64 " stage=%" PRIu64
          " from=%" PRIu64 " to=%" PRIu64 " allowed=%u",
          vs_clauses[k->clause].id, k->kind, k->reg, k->guest_view, k->got, f->count, f->stage,
          f->from, f->to, k->count);
  for (uint8_t i = 0; i < k->count; i++) fprintf(out, " %" PRId32, k->allowed[i]);
  fputc('\n', out);
}

// What was not judged: of zx_vcpu_write_state, nothing.
static void print_recorded(FILE* out, const vs_sweep_counts* c) {
  for (size_t i = 0; i < c->status_count; i++) {
    fprintf(out, "recorded %" PRIu64 " status=%" PRId32 "\n", c->statuses[i].count,
            c->statuses[i].status);
  }
  if (c->silent == 0) return;
  fprintf(out, "silent %" PRIu64 " stage=%" PRIu64 " at=%" PRIu64 "\n", c->silent, c->silent_stage,
          c->silent_at);
}

static void print_journal(FILE* out, const char* what, const vs_sweep_outcome* o) {
  fprintf(out, MAGIC "\nof %s\n", what);
  for (size_t i = 0; i < o->part_count; i++) {
    fprintf(out, "part next=%" PRIu64 " to=%" PRIu64 " skip=%" PRIu32 "\n", o->parts[i].next,
            o->parts[i].to, o->parts[i].skip);
  }
  fprintf(out,
          "counts accepted=%" PRIu64 " refused=%" PRIu64 " died=%" PRIu64 " skipped=%" PRIu64
          " broken=%" PRIu64 " beyond=%" PRIu64 "\n",
          o->counts.accepted, o->counts.refused, o->counts.died, o->counts.skipped, o->broken,
          o->failures.beyond);
  fprintf(out,
          "deaths %" PRIu32 " hangs=%" PRIu32 " outside=%" PRIu32 " lacks=%u status=%" PRId32 "\n",
          o->deaths, o->hangs, o->outside, o->skipped_for, o->skipped_status);
  print_recorded(out, &o->counts);
  for (size_t i = 0; i < o->failures.count; i++) print_failure(out, &o->failures.items[i]);
  fputs("end\n", out);
}

bool vs_journal_write(const char* path, const char* what, const vs_sweep_outcome* outcome) {
  char beside[4096];
  if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) return false;
  FILE* out = fopen(beside, "we");
  if (out == NULL) return false;
  print_journal(out, what, outcome);
  bool whole = fflush(out) == 0 && fsync(fileno(out)) == 0 && !ferror(out);
  whole = fclose(out) == 0 && whole;
  if (whole && rename(beside, path) == 0) return true;
  unlink(beside);
  return false;
}

// --- reading ----------------------------------------------------------------------------------

static bool read_failure(const char* line, vs_sweep_outcome* o) {
  vs_failure f;
  memset(&f, 0, sizeof f);
  char clause[64];
  unsigned kind;
  unsigned reg;
  unsigned guest;
  unsigned count;
  int length = 0;
  int got = sscanf(line,
                   "failure %63s kind=%u reg=%u guest=%u got=%" SCNd32 " count=%" SCNu64
                   " stage=%" SCNu64 " from=%" SCNu64 " to=%" SCNu64 " allowed=%u%n",
                   clause, &kind, &reg, &guest, &f.key.got, &f.count, &f.stage, &f.from, &f.to,
                   &count, &length);
  f.key.clause = (uint8_t)vs_clause_find(clause);
  bool good = got == 10 && f.key.clause < VS_CLAUSE_COUNT && count <= VS_ALLOWED_MAX;
  if (!good || kind > VS_VIOLATION_SILENCE || reg >= VS_REGISTERS_MAX) return false;
  f.key.kind = (uint8_t)kind;
  f.key.reg = (uint8_t)reg;
  f.key.guest_view = guest != 0;
  f.key.count = (uint8_t)count;
  for (unsigned i = 0; i < count; i++) {
    int more = 0;
    line += length;
    if (sscanf(line, " %" SCNd32 "%n", &f.key.allowed[i], &more) != 1) return false;
    length = more;
  }
  if (o->failures.count == VS_FAILURES_MAX) return false;
  o->failures.items[o->failures.count++] = f;
  return true;
}

static bool read_recorded(const char* line, vs_sweep_counts* c) {
  uint64_t count;
  zx_status_t status;
  if (sscanf(line, "recorded %" SCNu64 " status=%" SCNd32, &count, &status) == 2) {
    c->recorded += count;
    vs_sweep_count_status(c, status, count);
    return true;
  }
  return sscanf(line, "silent %" SCNu64 " stage=%" SCNu64 " at=%" SCNu64, &c->silent,
                &c->silent_stage, &c->silent_at) == 3;
}

static bool read_line(const char* line, vs_sweep_outcome* o) {
  vs_sweep_part part = {0};
  if (sscanf(line, "part next=%" SCNu64 " to=%" SCNu64 " skip=%" SCNu32, &part.next, &part.to,
             &part.skip) == 3) {
    if (o->part_count == VS_SWEEP_JOBS || part.next > part.to) return false;
    o->parts[o->part_count++] = part;
    return part.skip <= VS_BATCH;
  }
  if (strncmp(line, "counts ", 7) == 0) {
    return sscanf(line,
                  "counts accepted=%" SCNu64 " refused=%" SCNu64 " died=%" SCNu64
                  " skipped=%" SCNu64 " broken=%" SCNu64 " beyond=%" SCNu64,
                  &o->counts.accepted, &o->counts.refused, &o->counts.died, &o->counts.skipped,
                  &o->broken, &o->failures.beyond) == 6;
  }
  if (strncmp(line, "deaths ", 7) == 0) {
    return sscanf(line,
                  "deaths %" SCNu32 " hangs=%" SCNu32 " outside=%" SCNu32 " lacks=%" SCNu8
                  " status=%" SCNd32,
                  &o->deaths, &o->hangs, &o->outside, &o->skipped_for, &o->skipped_status) == 5 &&
           o->skipped_for <= VS_NO_OTHER_RESOURCE;
  }
  return read_recorded(line, &o->counts) || read_failure(line, o);
}

static vs_journal_state bad(vs_sweep_outcome* o, const char* path, const char* why) {
  vs_refuse(&o->reason, "%s %s", path, why);
  return VS_JOURNAL_BAD;
}

static bool next_line(FILE* in, char* line) {
  if (fgets(line, LINE, in) == NULL) return false;
  char* end = strchr(line, '\n');
  if (end == NULL) return false;
  *end = '\0';
  return true;
}

static vs_journal_state read_open(FILE* in, const char* path, const char* what,
                                  vs_sweep_outcome* o) {
  char line[LINE];
  if (!next_line(in, line) || strcmp(line, MAGIC) != 0) return bad(o, path, "is no journal");
  if (!next_line(in, line) || strncmp(line, "of ", 3) != 0) return bad(o, path, "is no journal");
  if (strcmp(line + 3, what) != 0) {
    vs_refuse(&o->reason, "%.120s is of another sweep: %.140s; this one is: %.140s", path, line + 3,
              what);
    return VS_JOURNAL_OTHER;
  }
  while (next_line(in, line)) {
    if (strcmp(line, "end") == 0) return VS_JOURNAL_READ;
    if (!read_line(line, o)) return bad(o, path, "holds a line that cannot be read");
  }
  return bad(o, path, "ends too soon");
}

vs_journal_state vs_journal_read(const char* path, const char* what, vs_sweep_outcome* outcome) {
  FILE* in = fopen(path, "re");
  if (in == NULL && errno == ENOENT) return VS_JOURNAL_NONE;
  if (in == NULL) return bad(outcome, path, "cannot be opened");
  vs_journal_state state = read_open(in, path, what, outcome);
  fclose(in);
  return state;
}
