// SPDX-License-Identifier: BSD-3-Clause
// Ops, scripts and traces in their text form (docs/script-format.md): what document.h reads back
// into the same structs, byte for byte.
#ifndef VS_CONFORMANCE_PRINT_H_
#define VS_CONFORMANCE_PRINT_H_

#include <stdio.h>

#include "document.h"

// The lines before the ops. `clauses` may be NULL.
void vs_print_header(FILE* out, bool is_trace, const char* title, const uint8_t* clauses,
                     size_t clause_count, vs_arch arch, const char* backend);

// One line each.
void vs_print_op(FILE* out, const vs_op* op, const vs_arch_info* info);
void vs_print_result(FILE* out, const vs_op* op, const vs_observation* seen,
                     const vs_arch_info* info);

// The last line of a trace; nothing for VS_TRACE_CUT.
void vs_print_end(FILE* out, vs_trace_end end, const char* death);

// All of a trace, its title that of its script. `clauses` may be NULL.
void vs_print_trace(FILE* out, const vs_trace* trace, const uint8_t* clauses, size_t clause_count,
                    const char* backend);

// Whole documents, concrete: no loops, every value as a number.
void vs_print_document(FILE* out, const vs_document* document);
void vs_print_script(FILE* out, const vs_script* script, vs_arch arch, const uint8_t* clauses,
                     size_t clause_count);

// Copies a text with its comments and loops, in the one way of writing it: single blanks between
// words, two at the front for each loop around a line.
void vs_print_tidied(FILE* out, const char* text, size_t length);

#endif  // VS_CONFORMANCE_PRINT_H_
