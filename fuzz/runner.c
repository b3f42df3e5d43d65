// SPDX-License-Identifier: BSD-3-Clause
// A fuzz target without an engine: runs it once on each file that is named, and on each file below
// each directory that is named. Exit 1 if one cannot be read, or there was none. Arguments that
// begin with '-' are the target's: those of an engine are ignored.
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool run_file(const char* path) {
  uint8_t* data = NULL;
  size_t size = 0;
  fprintf(stderr, "running %s\n", path);
  bool read = read_file(path, &data, &size);
  if (read) {
    LLVMFuzzerTestOneInput(data, size);
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
  size_t run;
  size_t unread;
} tally;

static void run_tree(char* const* paths, tally* done) {
  FTS* tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
  if (tree == NULL) abort();
  for (FTSENT* entry = fts_read(tree); entry != NULL; entry = fts_read(tree)) {
    if (entry->fts_info == FTS_F) {
      *(run_file(entry->fts_accpath) ? &done->run : &done->unread) += 1;
    } else if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP) {
      const char* why = entry->fts_errno != 0 ? strerror(entry->fts_errno) : "no file";
      fprintf(stderr, "%s: %s\n", entry->fts_path, why);
      done->unread++;
    }
  }
  fts_close(tree);
}

int main(int count, char** arguments) {
  if (LLVMFuzzerInitialize != NULL) LLVMFuzzerInitialize(&count, &arguments);
  char** paths = calloc((size_t)count + 1, sizeof *paths);
  if (paths == NULL) abort();
  size_t used = 0;
  for (int i = 1; i < count; i++) {
    if (arguments[i][0] != '-') paths[used++] = arguments[i];
  }
  tally done = {0};
  if (used > 0) run_tree(paths, &done);
  free(paths);
  printf("%zu inputs were run, %zu could not be read\n", done.run, done.unread);
  return done.run > 0 && done.unread == 0 ? 0 : 1;
}
