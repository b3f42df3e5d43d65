// SPDX-License-Identifier: BSD-3-Clause
// Scripts and traces that a command line names: files, standard input, or cases of the program.
#ifndef VS_CLI_INPUTS_H_
#define VS_CLI_INPUTS_H_

#include "cases/cases.h"
#include "cli.h"
#include "text/file.h"

typedef struct vs_input {
  vs_case c;             // of a trace: without text
  vs_document document;  // of a trace; else empty
  char* id;              // owned: c.id, where it is not the program's own
  char* text;            // owned: c.text, likewise
} vs_input;

typedef struct vs_inputs {
  vs_input* items;  // owned
  size_t count;
  size_t capacity;
} vs_inputs;

// Reads every document of every word. False: one line on standard error says why, and there is
// nothing to free.
bool vs_inputs_read(vs_inputs* inputs, const char* const* words, size_t count);
// The same of the text of a file that was read already.
bool vs_inputs_parse(vs_inputs* inputs, const char* path, const vs_file* file);
void vs_inputs_free(vs_inputs* inputs);

#endif  // VS_CLI_INPUTS_H_
