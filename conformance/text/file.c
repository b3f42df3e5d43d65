// SPDX-License-Identifier: BSD-3-Clause
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/refuse.h"

enum { FIRST = 1 << 16, PATH = 4096 };

static bool grow(vs_file* file, size_t* capacity) {
  size_t wanted = *capacity == 0 ? FIRST : 2 * *capacity;
  char* text = realloc(file->text, wanted);
  if (text == NULL) return false;
  file->text = text;
  *capacity = wanted;
  return true;
}

static const char* read_all(FILE* in, vs_file* file) {
  size_t capacity = 0;
  for (size_t got = 1; got > 0; file->length += got) {
    if (file->length + 1 >= capacity && !grow(file, &capacity)) return "no memory";
    if (file->length > VS_FILE_MAX) return "it is longer than 256 MiB";
    got = fread(file->text + file->length, 1, capacity - file->length - 1, in);
  }
  file->text[file->length] = '\0';
  return ferror(in) ? strerror(errno) : NULL;
}

bool vs_file_read(const char* path, vs_file* file, vs_why* why) {
  bool standard = strcmp(path, "-") == 0;
  *file = (vs_file){0};
  errno = 0;
  FILE* in = standard ? stdin : fopen(path, "r");
  const char* reason = in == NULL ? strerror(errno) : read_all(in, file);
  if (in != NULL && !standard) fclose(in);
  if (reason == NULL) return true;
  vs_refuse(why, "%s cannot be read: %s", standard ? "standard input" : path, reason);
  vs_file_free(file);
  return false;
}

void vs_file_free(vs_file* file) {
  free(file->text);
  *file = (vs_file){0};
}

// --- writing ----------------------------------------------------------------------------------

static bool cannot(const char* path, vs_why* why) {
  const char* name = strcmp(path, "-") == 0 ? "standard output" : path;
  return vs_refuse(why, "%.180s cannot be written: %s", name, strerror(errno));
}

static ssize_t remember(void* cookie, const char* bytes, size_t count) {
  vs_file* file = cookie;
  char* larger = realloc(file->text, file->length + count + 1);
  if (larger == NULL) return 0;
  file->text = larger;
  memcpy(file->text + file->length, bytes, count);
  file->length += count;
  file->text[file->length] = '\0';
  return (ssize_t)count;
}

FILE* vs_memory_open(vs_file* file) {
  *file = (vs_file){.text = calloc(1, 1)};
  FILE* out = file->text != NULL
                  ? fopencookie(file, "w", (cookie_io_functions_t){.write = remember})
                  : NULL;
  if (out == NULL) vs_file_free(file);
  return out;
}

bool vs_memory_close(FILE* out, vs_file* file) {
  if (out == NULL) return false;
  bool whole = fflush(out) == 0 && !ferror(out);
  fclose(out);
  if (!whole) vs_file_free(file);
  return whole;
}

bool vs_file_is_plain(const char* path) {
  struct stat status;
  return lstat(path, &status) != 0 || S_ISREG(status.st_mode);
}

// Where a file is, or would be, without links and "..". NULL: nowhere, or no memory; else to free.
static char* place_of(const char* path) {
  char whole[PATH];
  char* there = realpath(path, NULL);
  if (there != NULL) return there;
  const char* slash = strrchr(path, '/');
  const char* name = slash != NULL ? slash + 1 : path;
  int directory = (int)(name - path);
  if (snprintf(whole, sizeof whole, "%.*s", directory, path) >= PATH) return NULL;
  there = realpath(directory > 0 ? whole : ".", NULL);
  if (there == NULL) return NULL;
  int length = snprintf(whole, sizeof whole, "%s/%s", there, name);
  free(there);
  return length < PATH ? strdup(whole) : NULL;
}

bool vs_file_is_same(const char* a, const char* b) {
  struct stat status;
  if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0) return false;
  if (stat(a, &status) == 0 && !S_ISREG(status.st_mode)) return false;
  char* one = place_of(a);
  char* other = place_of(b);
  bool same = one != NULL && other != NULL && strcmp(one, other) == 0;
  free(one);
  free(other);
  return same;
}

// What the new contents are written to before they take the place of the old.
static bool name_beside(const char* path, char beside[PATH]) {
  errno = ENAMETOOLONG;
  return snprintf(beside, PATH, "%s.new", path) < PATH;
}

static bool can_be_replaced(const char* path) {
  char beside[PATH];
  if (access(path, F_OK) == 0 && access(path, W_OK) != 0) return false;
  FILE* out = name_beside(path, beside) ? fopen(beside, "we") : NULL;
  if (out == NULL) return false;
  fclose(out);
  return unlink(beside) == 0;
}

static bool can_be_written_through(const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) return false;
  errno = EISDIR;
  return !S_ISDIR(status.st_mode) && access(path, W_OK) == 0;
}

bool vs_file_can_be_put(const char* path, vs_why* why) {
  if (strcmp(path, "-") == 0) return true;
  bool good = vs_file_is_plain(path) ? can_be_replaced(path) : can_be_written_through(path);
  return good || cannot(path, why);
}

static bool fill(FILE* out, bool (*write)(FILE* out, const void* what), const void* what) {
  errno = 0;
  bool good = write(out, what) && fflush(out) == 0 && !ferror(out);
  if (!good && errno == 0) errno = ENOMEM;
  return good;
}

static bool write_through(const char* path, bool (*write)(FILE* out, const void* what),
                          const void* what) {
  if (strcmp(path, "-") == 0) return fill(stdout, write, what);
  FILE* out = fopen(path, "we");
  bool good = out != NULL && fill(out, write, what);
  return out != NULL && fclose(out) == 0 && good;
}

static bool replace(const char* path, bool (*write)(FILE* out, const void* what),
                    const void* what) {
  char beside[PATH];
  FILE* out = name_beside(path, beside) ? fopen(beside, "we") : NULL;
  if (out == NULL) return false;
  bool whole = fill(out, write, what) && fsync(fileno(out)) == 0;
  int reason = errno;
  if (fclose(out) != 0 && whole) {
    reason = errno;
    whole = false;
  }
  if (whole && rename(beside, path) == 0) return true;
  if (whole) reason = errno;
  unlink(beside);
  errno = reason;
  return false;
}

bool vs_file_put_whole(const char* path, bool (*write)(FILE* out, const void* what),
                       const void* what, vs_why* why) {
  bool through = strcmp(path, "-") == 0 || !vs_file_is_plain(path);
  bool good = through ? write_through(path, write, what) : replace(path, write, what);
  return good || cannot(path, why);
}
