// SPDX-License-Identifier: BSD-3-Clause
// A fuzz target without an engine: runs it once on each file that is named, and on each file below
// each directory that is named. Exit 1 if one cannot be read, or there was none. Arguments that
// begin with '-' are the target's: those of an engine are ignored. Before them, --edits=N: also on
// N edits of each file: cut off, a bit flipped, a byte left out or another, at every byte in turn.
// An edit that takes longer than 10 seconds, or more than a gigabyte, ends it.
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int LLVMFuzzerInitialize(int* count, char*** arguments) __attribute__((weak));
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room);

// An engine's, which custom mutators call. Nothing is mutated here.
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t room) {
  (void)data;
  (void)room;
  return size;
}

// In a block of exactly its size, so that a sanitizer sees what reads past it. The caller frees it.
static bool read_file(const char* path, uint8_t** data, size_t* size) {
  FILE* in = fopen(path, "re");
  if (in == NULL) return false;
  FILE* out = open_memstream((char**)data, size);
  if (out == NULL) abort();
  char part[4096];
  size_t got;
  while ((got = fread(part, 1, sizeof part, in)) > 0) fwrite(part, 1, got, out);
  bool whole = !ferror(in);
  fclose(in);
  if (fclose(out) != 0) abort();
  uint8_t* exact = realloc(*data, *size > 0 ? *size : 1);
  if (exact != NULL) *data = exact;
  return whole;
}

// The same edits each time: places follow one another in steps that are prime to most sizes.
static void run_edit(const uint8_t* data, size_t size, size_t number) {
  enum { STEP = 7919, PATIENCE = 10 };
  const size_t at = number / 4 * STEP % size;
  const bool shorter = number % 4 == 1;
  const size_t length = number % 4 == 0 ? at : size - shorter;
  uint8_t* edited = malloc(length > 0 ? length : 1);
  if (edited == NULL) abort();
  memcpy(edited, data, length < at ? length : at);
  if (at < length) memcpy(edited + at, data + at + shorter, length - at);
  if (number % 4 == 2) edited[at] ^= (uint8_t)(1u << number / 4 / size % 8);
  if (number % 4 == 3) edited[at] = (uint8_t)(number / 4 * 31);
  alarm(PATIENCE);
  LLVMFuzzerTestOneInput(edited, length);
  alarm(0);
  free(edited);
}

static bool run_file(const char* path, size_t edits) {
  uint8_t* data = NULL;
  size_t size = 0;
  fprintf(stderr, "running %s\n", path);
  bool read = read_file(path, &data, &size);
  if (read) {
    LLVMFuzzerTestOneInput(data, size);
    for (size_t i = 0; size > 0 && i < edits; i++) run_edit(data, size, i);
  } else {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
  }
  free(data);
  return read;
}

static int by_name(const FTSENT** a, const FTSENT** b) {
  return strcmp((*a)->fts_name, (*b)->fts_name);
}

typedef struct tally {
  size_t edits;  // of each
  size_t run;
  size_t unread;
} tally;

static void run_tree(char* const* paths, tally* done) {
  FTS* tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
  if (tree == NULL) abort();
  for (FTSENT* entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
    if (entry->fts_info == FTS_F) {
      *(run_file(entry->fts_accpath, done->edits) ? &done->run : &done->unread) += 1;
    } else if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP) {
      const char* why = entry->fts_errno != 0 ? strerror(entry->fts_errno) : "no file";
      fprintf(stderr, "%s: %s\n", entry->fts_path, why);
      done->unread++;
    }
  }
  fts_close(tree);
}

// Takes the first argument, if it is --edits=N.
static size_t take_edits(int* count, char*** arguments) {
  static const char option[] = "--edits=";
  char** first = *arguments;
  if (*count < 2 || strncmp(first[1], option, sizeof option - 1) != 0) return 0;
  const size_t edits = strtoul(first[1] + sizeof option - 1, NULL, 10);
  first[1] = first[0];
  ++*arguments;
  --*count;
#ifndef __SANITIZE_ADDRESS__
  const struct rlimit memory = {1 << 30, 1 << 30};
  setrlimit(RLIMIT_AS, &memory);
#endif
  return edits;
}

int main(int count, char** arguments) {
  tally done = {.edits = take_edits(&count, &arguments)};
  if (LLVMFuzzerInitialize != NULL) LLVMFuzzerInitialize(&count, &arguments);
  char** paths = calloc((size_t)count + 1, sizeof *paths);
  if (paths == NULL) abort();
  size_t used = 0;
  for (int i = 1; i < count; i++) {
    if (arguments[i][0] != '-') paths[used++] = arguments[i];
  }
  if (used > 0) run_tree(paths, &done);
  free(paths);
  printf("%zu inputs were run, %zu could not be read\n", done.run, done.unread);
  return done.run > 0 && done.unread == 0 ? 0 : 1;
}
