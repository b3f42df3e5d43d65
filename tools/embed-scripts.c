// SPDX-License-Identifier: BSD-3-Clause
// Run by the build: embed-scripts SUITE/NAME.vcpu...: prints a row VS_CASE(suite, name, title,
// arch, text, clauses...) for each script. One that cannot be read for an architecture that it
// means, is not tidy or declares no clause fails the build.
#include <stdlib.h>
#include <string.h>

#include "text/file.h"
#include "text/print.h"

static bool complain(const char* path, const vs_fault* fault) {
  fprintf(stderr, "%s:%zu:%zu: %s\n", path, fault->line, fault->column, fault->message);
  return false;
}

static void print_string(const char* text, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\n') {
      fputs(i + 1 < length ? "\\n\"\n  \"" : "\\n", stdout);
    } else {
      if (text[i] == '"' || text[i] == '\\') putchar('\\');
      putchar(text[i]);
    }
  }
  putchar('"');
}

// "..../suite/name.vcpu" as "suite, name".
static bool print_id(const char* path) {
  const char* name = strrchr(path, '/');
  const char* suite = name;
  while (suite != NULL && suite > path && suite[-1] != '/') suite--;
  const char* dot = name ? strrchr(name, '.') : NULL;
  if (suite == NULL || dot == NULL) return false;
  printf("%.*s, %.*s", (int)(name - suite), suite, (int)(dot - name - 1), name + 1);
  return true;
}

static void print_row(const char* path, const vs_file* file, const vs_document* d) {
  printf("VS_CASE(");
  print_id(path);
  printf(", ");
  print_string(d->title, strlen(d->title));
  printf(", %d,\n  ", d->arch_named ? (int)d->arch : 0);
  print_string(file->text, file->length);
  for (size_t i = 0; i < d->clause_count; i++) printf(", %u", d->clauses[i]);
  printf(")\n");
}

static bool read_as(const char* path, const vs_file* file, vs_arch arch, vs_document* d) {
  vs_source source = vs_source_of(file->text, file->length);
  vs_reading reading = {.arch = arch};
  vs_fault fault;
  vs_read got = vs_document_read(&source, &reading, d, &fault);
  if (got == VS_READ_FAULT) return complain(path, &fault);
  if (got == VS_READ_OK && !vs_document_is_sound(d, &fault)) {
    vs_document_free(d);
    return complain(path, &fault);
  }
  if (got == VS_READ_OK && !d->is_trace && d->clause_count > 0 && d->title[0] != '\0') return true;
  fprintf(stderr, "%s: expected one script with a title and a clause\n", path);
  if (got == VS_READ_OK) vs_document_free(d);
  return false;
}

static bool is_tidy(const char* path, const vs_file* file) {
  char* text = NULL;
  size_t length = 0;
  FILE* out = open_memstream(&text, &length);
  if (out == NULL) return false;
  vs_print_tidied(out, file->text, file->length);
  fclose(out);
  bool same = length == file->length && memcmp(text, file->text, length) == 0;
  free(text);
  if (!same) fprintf(stderr, "%s: is not tidy: vcpuspec format %s says how\n", path, path);
  return same;
}

static bool embed(const char* path) {
  vs_file file;
  vs_why why;
  vs_document d;
  if (!vs_file_read(path, &file, &why)) {
    fprintf(stderr, "%s\n", why.text);
    return false;
  }
  bool good = read_as(path, &file, VS_ARCH_ARM64, &d);
  if (good) vs_document_free(&d);
  good = good && read_as(path, &file, VS_ARCH_X64, &d);
  if (good) {
    print_row(path, &file, &d);
    good = is_tidy(path, &file);
    vs_document_free(&d);
  }
  vs_file_free(&file);
  return good;
}

int main(int argc, char** argv) {
  bool good = argc > 1;
  printf("// Made by embed-scripts from conformance/scripts/.\n");
  for (int i = 1; i < argc; i++) good = embed(argv[i]) && good;
  return !good;
}
