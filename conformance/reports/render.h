// SPDX-License-Identifier: BSD-3-Clause
// The forms in which results can be written: one function each, and a row in formats.def; and
// --report FORM:FILE: what is asked for, and writing it.
#ifndef VS_CONFORMANCE_RENDER_H_
#define VS_CONFORMANCE_RENDER_H_

#include <stdio.h>

#include <vcpuspec/why.h>

#include "results/view.h"

typedef enum vs_format_code {
#define VS_FORMAT(symbol, name, summary) VS_FORMAT_##symbol,
#include "formats.def"
#undef VS_FORMAT
  VS_FORMAT_COUNT
} vs_format_code;

typedef struct vs_format {
  const char* name;
  const char* summary;
  void (*render)(FILE* out, vs_view* view);
} vs_format;

extern const vs_format vs_formats[VS_FORMAT_COUNT];

// Writes sound results. False: the stream fails.
bool vs_render(const vs_format* format, FILE* out, const vs_results* results);

#define VS_FORMAT(symbol, name, summary) void vs_render_##symbol(FILE* out, vs_view* view);
#include "formats.def"
#undef VS_FORMAT

// A text, of which `form` is freed.
void vs_put_json(FILE* out, json_t* form, size_t flags);

// --- files --------------------------------------------------------------------------------------

typedef struct vs_report_file {
  const vs_format* format;
  const char* path;  // "-": standard output; borrowed
} vs_report_file;

typedef struct vs_report_files {
  vs_report_file* items;  // owned
  size_t count;
} vs_report_files;

typedef enum vs_report_state {
  VS_REPORT_OK,
  VS_REPORT_UNKNOWN,  // what was typed is no form and file
  VS_REPORT_CANNOT    // the file cannot be written
} vs_report_state;

// Understands the words, and finds out whether the files can be written, before anything takes
// time. But for OK, `why` says in one line what is wrong and what to do, and there is nothing to
// free.
vs_report_state vs_report_files_open(vs_report_files* files, const char* const* words, size_t count,
                                     vs_why* why);
void vs_report_files_free(vs_report_files* files);

// One of them is written to standard output, which then holds nothing else.
bool vs_report_files_use_stdout(const vs_report_files* files);

// The first one that is a file; NULL: none is.
const char* vs_report_files_first(const vs_report_files* files);

// Writes them all, each as a whole or not at all. False: `why` says which could not be written.
bool vs_report_files_write(const vs_report_files* files, const vs_results* results, vs_why* why);

#endif  // VS_CONFORMANCE_RENDER_H_
