// SPDX-License-Identifier: BSD-3-Clause
#include "files.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "common/digest.h"

void vs_path(char path[VS_PATH], const char* dir, const char* within, const char* name) {
  const char* parts[] = {within, name};
  size_t length = (size_t)snprintf(path, VS_PATH, "%.*s", VS_CAMPAIGN_DIR, dir);
  for (size_t i = 0; i < 2; i++) {
    if (parts[i] == NULL) continue;
    length += (size_t)snprintf(path + length, VS_PATH - length, "/%.500s", parts[i]);
  }
}

bool vs_file_put(const char* path, void (*print)(FILE* out, const void* what), const void* what) {
  char beside[VS_PATH];
  if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) return false;
  FILE* out = fopen(beside, "we");
  if (out == NULL) return false;
  print(out, what);
  bool whole = fflush(out) == 0 && fsync(fileno(out)) == 0 && !ferror(out);
  whole = fclose(out) == 0 && whole;
  if (whole && rename(beside, path) == 0) return true;
  unlink(beside);
  return false;
}

size_t vs_files_each(const char* dir, bool (*visit)(const char* name, void* context),
                     void* context) {
  size_t count = 0;
  DIR* list = opendir(dir);
  if (list == NULL) return 0;
  for (struct dirent* entry = readdir(list); entry != NULL; entry = readdir(list)) {
    if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) continue;
    count++;
    if (visit != NULL && !visit(entry->d_name, context)) break;
  }
  closedir(list);
  return count;
}

bool vs_file_exists(const char* path) {
  return access(path, F_OK) == 0;
}

bool vs_ends_in(const char* name, const char* suffix) {
  size_t length = strlen(name);
  size_t tail = strlen(suffix);
  return length > tail && strcmp(name + length - tail, suffix) == 0;
}

uint32_t vs_bytes_digest(const void* bytes, size_t count) {
  return vs_digest32(VS_DIGEST32, bytes, count);
}
