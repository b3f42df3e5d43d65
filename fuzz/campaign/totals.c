// SPDX-License-Identifier: BSD-3-Clause
#include "totals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "text/file.h"

#define MAGIC "vcpuspec totals 1"

void vs_totals_see(vs_totals* totals, uint32_t digest, uint64_t count) {
  if (digest == 0) return;
  for (size_t i = 0; i < VS_FUZZ_KEYS; i++) {
    vs_fuzz_seen* row = &totals->seen[i];
    if (row->digest != 0 && row->digest != digest) continue;
    row->digest = digest;
    row->count += count;
    return;
  }
}

uint64_t vs_totals_seen(const vs_totals* totals, uint32_t digest) {
  for (size_t i = 0; i < VS_FUZZ_KEYS; i++) {
    if (totals->seen[i].digest == digest) return totals->seen[i].count;
  }
  return 0;
}

void vs_totals_add(vs_totals* totals, const vs_fuzz_state* state) {
  if (state->magic != VS_FUZZ_MAGIC) return;
  totals->executions += state->executions;
  totals->calls += state->calls;
  totals->unjudged += state->unjudged;
  for (size_t i = 0; i < VS_FUZZ_KEYS; i++) {
    vs_totals_see(totals, state->seen[i].digest, state->seen[i].count);
  }
  for (size_t i = 0; i < sizeof totals->tuples; i++) totals->tuples[i] |= state->tuples[i];
  if (state->reachable == 0) return;
  totals->arch = state->arch;
  totals->reachable = state->reachable;
  for (size_t i = 0; i < sizeof totals->points; i++) totals->points[i] |= state->points[i];
}

static size_t count_bits(const uint8_t* bytes, size_t size) {
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += (size_t)__builtin_popcount(bytes[i]);
  return count;
}

size_t vs_totals_tuples(const vs_totals* totals) {
  return count_bits(totals->tuples, sizeof totals->tuples);
}

size_t vs_totals_points(const vs_totals* totals) {
  return count_bits(totals->points, sizeof totals->points);
}

bool vs_totals_has(const vs_totals* totals, uint64_t serial) {
  for (size_t i = 0; i < totals->added_count; i++) {
    if (totals->added[i] == serial) return true;
  }
  return false;
}

void vs_totals_mark(vs_totals* totals, uint64_t serial) {
  if (totals->added_count == VS_TOTALS_ADDED) {
    memmove(totals->added, totals->added + 1, sizeof totals->added - sizeof totals->added[0]);
    totals->added_count--;
  }
  totals->added[totals->added_count++] = serial;
  if (totals->serial < serial) totals->serial = serial;
}

// --- the file ---------------------------------------------------------------------------------

static void print_bits(FILE* out, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) fprintf(out, "%02x", bytes[i]);
  fputc('\n', out);
}

static void print(FILE* out, const void* what) {
  const vs_totals* t = what;
  fprintf(out,
          MAGIC "\ncounts seconds=%.3f executions=%" PRIu64 " calls=%" PRIu64 " unjudged=%" PRIu64
                " serial=%" PRIu64 "\n",
          t->seconds, t->executions, t->calls, t->unjudged, t->serial);
  for (size_t i = 0; i < t->added_count; i++) fprintf(out, "added %" PRIu64 "\n", t->added[i]);
  for (size_t i = 0; i < VS_FUZZ_KEYS && t->seen[i].digest != 0; i++) {
    fprintf(out, "seen %08" PRIx32 " %" PRIu64 "\n", t->seen[i].digest, t->seen[i].count);
  }
  if (t->reachable > 0) {
    fprintf(out, "points %" PRIu32 " %" PRIu32 " ", t->arch, t->reachable);
    print_bits(out, t->points, sizeof t->points);
  }
  fputs("tuples ", out);
  print_bits(out, t->tuples, sizeof t->tuples);
  fputs("end\n", out);
}

bool vs_totals_write(const char* path, const vs_totals* totals) {
  return vs_file_put(path, print, totals);
}

static bool read_bits(const char* digits, uint8_t* bytes, size_t size) {
  if (strlen(digits) < 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    unsigned byte;
    if (sscanf(digits + 2 * i, "%2x", &byte) != 1) return false;
    bytes[i] = (uint8_t)byte;
  }
  return true;
}

static bool read_points(const char* words, vs_totals* t) {
  int length = 0;
  if (sscanf(words, "%" SCNu32 " %" SCNu32 " %n", &t->arch, &t->reachable, &length) != 2)
    return false;
  const bool possible = t->reachable > 0 && t->reachable <= VS_FUZZ_POINTS;
  return possible && read_bits(words + length, t->points, sizeof t->points);
}

static bool read_line(const char* line, vs_totals* t) {
  uint32_t digest;
  uint64_t number;
  if (strncmp(line, "tuples ", 7) == 0) return read_bits(line + 7, t->tuples, sizeof t->tuples);
  if (strncmp(line, "points ", 7) == 0) return read_points(line + 7, t);
  if (sscanf(line, "seen %" SCNx32 " %" SCNu64, &digest, &number) == 2) {
    vs_totals_see(t, digest, number);
    return true;
  }
  if (sscanf(line, "added %" SCNu64, &number) == 1) {
    vs_totals_mark(t, number);
    return true;
  }
  return sscanf(line,
                "counts seconds=%lf executions=%" SCNu64 " calls=%" SCNu64 " unjudged=%" SCNu64
                " serial=%" SCNu64,
                &t->seconds, &t->executions, &t->calls, &t->unjudged, &t->serial) == 5;
}

static bool read_lines(char* text, vs_totals* t) {
  char* rest = text;
  const char* line = strsep(&rest, "\n");
  if (strcmp(line, MAGIC) != 0) return false;
  while ((line = strsep(&rest, "\n")) != NULL) {
    if (strcmp(line, "end") == 0) return true;
    if (!read_line(line, t)) return false;
  }
  return false;
}

bool vs_totals_read(const char* path, vs_totals* totals) {
  vs_file file;
  vs_why why;
  *totals = (vs_totals){0};
  if (!vs_file_exists(path)) return true;
  if (!vs_file_read(path, &file, &why)) return false;
  bool good = read_lines(file.text, totals);
  vs_file_free(&file);
  return good;
}
