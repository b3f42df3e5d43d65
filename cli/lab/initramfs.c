// SPDX-License-Identifier: BSD-3-Clause
#include "initramfs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/refuse.h"
#include "text/file.h"

enum { PLAIN = 0100644, PROGRAM = 0100755, FOLDER = 0040755, ALIGNED = 4, FILE_MOST = 512 << 20 };

static bool fail(vs_initramfs* a, const char* path, const char* why) {
  if (!a->failed) vs_refuse(&a->why, "%.300s: %s", path, why);
  a->failed = true;
  return false;
}

bool vs_initramfs_begin(vs_initramfs* a, const char* path) {
  *a = (vs_initramfs){.out = fopen(path, "we"), .number = 1};
  return a->out != NULL || fail(a, path, strerror(errno));
}

static void pad(vs_initramfs* a, size_t length) {
  for (; length % ALIGNED != 0; length++) fputc(0, a->out);
}

// The header counts eight digits each, and the name's NUL.
static void put_header(vs_initramfs* a, const char* name, unsigned mode, size_t size) {
  size_t length = strlen(name) + 1;
  unsigned links = mode == FOLDER ? 2 : 1;
  int header =
      fprintf(a->out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", a->number++,
              mode, 0U, 0U, links, 0U, (unsigned)size, 0U, 0U, 0U, 0U, (unsigned)length, 0U);
  fwrite(name, 1, length, a->out);
  if (header > 0) pad(a, (size_t)header + length);
}

bool vs_initramfs_folder(vs_initramfs* a, const char* name) {
  if (a->failed) return false;
  put_header(a, name, FOLDER, 0);
  return true;
}

static bool put(vs_initramfs* a, const char* name, unsigned mode, const char* bytes,
                size_t length) {
  if (a->failed) return false;
  put_header(a, name, mode, length);
  fwrite(bytes, 1, length, a->out);
  pad(a, length);
  return ferror(a->out) == 0 || fail(a, name, strerror(errno));
}

bool vs_initramfs_text(vs_initramfs* a, const char* name, const char* text, size_t length) {
  return put(a, name, PLAIN, text, length);
}

bool vs_initramfs_file(vs_initramfs* a, const char* name, const char* path) {
  vs_why why;
  vs_file file;
  if (a->failed) return false;
  if (!vs_file_read(path, &file, &why)) {
    vs_refuse(&a->why, "%s", why.text);
    a->failed = true;
    return false;
  }
  bool good = put(a, name, PROGRAM, file.text, file.length);
  vs_file_free(&file);
  return good;
}

bool vs_initramfs_end(vs_initramfs* a) {
  if (a->out == NULL) return false;
  if (!a->failed) put_header(a, "TRAILER!!!", 0, 0);
  bool written = ferror(a->out) == 0;
  written = fclose(a->out) == 0 && written;
  a->out = NULL;
  return !a->failed && (written || fail(a, "the initramfs", strerror(errno)));
}

// --- modules ----------------------------------------------------------------------------------

// Of "kernel/arch/x86/kvm/kvm-amd.ko.xz:" the "kvm-amd".
static bool is_named(const char* path, size_t length, const char* name) {
  size_t from = length;
  while (from > 0 && path[from - 1] != '/') from--;
  size_t i = 0;
  for (; name[i] != '\0'; i++) {
    if (from + i >= length) return false;
    char a = path[from + i] == '-' ? '_' : path[from + i];
    char b = name[i] == '-' ? '_' : name[i];
    if (a != b) return false;
  }
  return length - from - i >= 3 && strncmp(path + from + i, ".ko", 3) == 0;
}

static const char* line_of(const char* text, const char* name) {
  while (*text != '\0') {
    size_t length = strcspn(text, "\n");
    size_t path = strcspn(text, ":\n");
    if (path < length && is_named(text, path, name)) return text;
    text += length + (text[length] == '\n');
  }
  return NULL;
}

static bool has(const vs_modules* modules, const char* path, size_t length) {
  for (size_t i = 0; i < modules->count; i++) {
    const char* other = modules->paths[i];
    if (strlen(other) == length && strncmp(other, path, length) == 0) return true;
  }
  return false;
}

static bool take(vs_modules* modules, const char* path, size_t length, vs_why* why) {
  if (has(modules, path, length)) return true;
  if (modules->count == VS_MODULES_MOST || length >= VS_MODULE_PATH)
    return vs_refuse(why, "modules.dep: more than %d modules, or a name too long", VS_MODULES_MOST);
  memcpy(modules->paths[modules->count], path, length);
  modules->paths[modules->count++][length] = '\0';
  return true;
}

// depmod names what a module needs in the order in which it is to be unloaded, so that the last
// comes first.
static bool take_line(vs_modules* modules, const char* line, vs_why* why) {
  size_t own = strcspn(line, ":");
  size_t length = strcspn(line, "\n");
  size_t end = length;
  while (end > own + 1) {
    size_t from = end;
    while (from > own + 1 && line[from - 1] != ' ') from--;
    if (end > from && !take(modules, line + from, end - from, why)) return false;
    end = from;
    while (end > own + 1 && line[end - 1] == ' ') end--;
  }
  return take(modules, line, own, why);
}

bool vs_modules_add(vs_modules* modules, const char* folder, const char* name, vs_why* why) {
  char path[PATH_MAX];
  vs_file file;
  snprintf(path, sizeof path, "%s/modules.dep", folder);
  if (!vs_file_read(path, &file, why)) return false;
  const char* line = line_of(file.text, name);
  bool good = line == NULL || take_line(modules, line, why);
  vs_file_free(&file);
  return good;
}
