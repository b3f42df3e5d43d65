// SPDX-License-Identifier: BSD-3-Clause
// What the C forms share: the words of a state, and the documented calls as C declares them.
#ifndef VS_CONFORMANCE_WORDS_H_
#define VS_CONFORMANCE_WORDS_H_

#include "export.h"

enum { VS_WORDS_OF_STATE = VS_STATE_MAX / 8 };

// The op's buffer as 64-bit words, without the zeroes at its end; their count.
size_t vs_words_of_buffer(const vs_buffer* buffer, uint64_t words[VS_WORDS_OF_STATE]);

// The prototypes of the calls that ops of these codes make, VS_BIT(vs_op_code) each; weak those
// that an implementation may lack.
void vs_print_prototypes(FILE* out, uint64_t codes, uint64_t weak);

// The statuses as constants, and a table of their names.
void vs_print_statuses(FILE* out);

// The placements as constants, AT_<name>; READABLE is the set of those that can be read.
void vs_print_placements(FILE* out);

// The text of a C file with everything up to the line that holds `mark`; what follows that line is
// returned.
const char* vs_print_up_to(FILE* out, const char* text, const char* mark);

// The section below the line "// --- name ---", up to the next such line.
void vs_print_section(FILE* out, const char* text, const char* name);

#endif  // VS_CONFORMANCE_WORDS_H_
