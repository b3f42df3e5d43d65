// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "common.h"
#include "text/file.h"
#include "text/print.h"

// Every document of the text, read; printed only if `expand`.
static bool read_through(const char* path, const vs_file* file, const vs_reading* reading,
                         bool expand) {
  vs_source source = vs_source_of(file->text, file->length);
  vs_document document;
  vs_fault fault;
  size_t count = 0;
  for (;; count++) {
    vs_read got = vs_document_read(&source, reading, &document, &fault);
    if (got == VS_READ_FAULT) return vs_complain_of_text(path, &fault);
    if (got == VS_READ_END) break;
    if (expand) vs_print_document(stdout, &document);
    vs_document_free(&document);
  }
  if (count > 0) return true;
  fault = (vs_fault){.line = 1, .column = 1};
  snprintf(fault.message, sizeof fault.message,
           "expected 'vcpuspec script 1' or 'vcpuspec trace 1', found the end of the text");
  return vs_complain_of_text(path, &fault);
}

static bool format_file(const char* path, const vs_reading* reading, bool expand) {
  vs_file file;
  vs_why why;
  if (!vs_file_read(path, &file, &why)) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return false;
  }
  bool good = read_through(path, &file, reading, expand);
  if (good && !expand) vs_print_tidied(stdout, file.text, file.length);
  vs_file_free(&file);
  return good;
}

vs_exit vs_command_format(const vs_arguments* arguments) {
  vs_reading reading = {0};
  bool expand = arguments->counts[VS_OPTION_EXPAND] > 0;
  if (!vs_find_arch(vs_argument(arguments, VS_OPTION_ARCH, "x86-64"), &reading.arch) ||
      !vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &reading.seed)) {
    return VS_EXIT_USAGE;
  }
  if (arguments->word_count == 0) {
    fprintf(stderr, "vcpuspec: format needs a FILE, or - for standard input\n");
    return VS_EXIT_USAGE;
  }
  for (size_t i = 0; i < arguments->word_count; i++) {
    if (!format_file(arguments->words[i], &reading, expand)) return VS_EXIT_USAGE;
  }
  return VS_EXIT_CONFORMS;
}
