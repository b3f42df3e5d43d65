// SPDX-License-Identifier: BSD-3-Clause
// The one text form of scripts and traces (docs/script-format.md), as a program reads it.
#ifndef VS_CONFORMANCE_DOCUMENT_H_
#define VS_CONFORMANCE_DOCUMENT_H_

#include "lines.h"
#include "tables.h"

enum {
  VS_DOCUMENT_CLAUSES = 6,
  VS_DOCUMENT_OPS = 200000,     // at most, after loops were unrolled
  VS_DOCUMENT_TURNS = 1000000,  // of all loops together
  VS_BACKEND_NAME = 64
};

typedef struct vs_document {
  bool is_trace;
  vs_arch arch;                   // that the ops are laid out for
  bool arch_named;                // the text names it; else it is the one that was asked for
  char* title;                    // owned; never NULL
  char backend[VS_BACKEND_NAME];  // of a trace; may be empty
  uint8_t clause_count;
  uint8_t clauses[VS_DOCUMENT_CLAUSES];  // vs_clause_code; the first is the subject
  vs_op* ops;                            // owned
  vs_observation* observations;          // owned; of a trace, else NULL
  uint32_t* lines;                       // owned; on which each op stands
  uint8_t end;                           // vs_trace_end, of a trace
  char* death;                           // owned; NULL: nothing is told
  size_t count;
} vs_document;

// For a text that leaves it open.
typedef struct vs_reading {
  vs_arch arch;      // that a script without `arch` is laid out for
  uint64_t seed;     // of register values
  bool header_only;  // ops are not read: only what stands before them
  uint32_t limit;    // of ops, and of turns of loops, below what is the most anyway; 0: none
} vs_reading;

typedef enum vs_read { VS_READ_OK, VS_READ_END, VS_READ_FAULT } vs_read;

// Reads the next document of the source, which may hold several. On VS_READ_OK the document is the
// caller's. VS_READ_END: nothing is left. VS_READ_FAULT: `fault` says what and where; line 0: no
// memory.
vs_read vs_document_read(vs_source* source, const vs_reading* reading, vs_document* document,
                         vs_fault* fault);

// True if the script makes sense as far as can be said before it runs: slots are filled before they
// are used, and threads wait for what they have started. Else `fault` says what does not, and
// where.
bool vs_document_is_sound(const vs_document* document, vs_fault* fault);

void vs_document_free(vs_document* document);

vs_script vs_document_script(const vs_document* document);
vs_trace vs_document_trace(const vs_document* document);

#endif  // VS_CONFORMANCE_DOCUMENT_H_
