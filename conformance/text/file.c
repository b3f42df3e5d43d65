// SPDX-License-Identifier: BSD-3-Clause
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1 << 16 };

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

bool vs_file_read(const char* path, vs_file* file, char why[VS_FILE_WHY]) {
  bool standard = strcmp(path, "-") == 0;
  *file = (vs_file){0};
  errno = 0;
  FILE* in = standard ? stdin : fopen(path, "r");
  const char* reason = in == NULL ? strerror(errno) : read_all(in, file);
  if (in != NULL && !standard) fclose(in);
  if (reason == NULL) return true;
  snprintf(why, VS_FILE_WHY, "%s cannot be read: %s", standard ? "standard input" : path, reason);
  vs_file_free(file);
  return false;
}

void vs_file_free(vs_file* file) {
  free(file->text);
  *file = (vs_file){0};
}
