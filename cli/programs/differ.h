// SPDX-License-Identifier: BSD-3-Clause
// In what two results of one snippet differ, and what is known of that.
#ifndef VS_CLI_DIFFER_H_
#define VS_CLI_DIFFER_H_

#include <stdio.h>

#include "snippet.h"

// A set of differences, a bit for each name of differ.c: "of", "general", "mxcsr".
typedef uint64_t vs_differences;

// Without what the manuals leave undefined. 0: they agree.
vs_differences vs_results_differ(const vs_snippet* snippet, const vs_snippet_result* a,
                                 const vs_snippet_result* b);

enum { VS_DIFFERENCES_TEXT = 256 };

// Its names, with `separator` between them.
void vs_differences_say(vs_differences set, char separator, char text[VS_DIFFERENCES_TEXT]);

// The set of names between blanks; those that do not exist are not in it.
vs_differences vs_differences_of(const char* names);

// A line for each register, flag and byte that differs: before the run, and with each backend.
void vs_differences_print(FILE* out, const vs_snippet* snippet, const vs_snippet_result* a,
                          const char* name_a, const vs_snippet_result* b, const char* name_b);

// --- findings.def: defects of engines that are known --------------------------------------------

typedef struct vs_known_finding {
  const char* id;
  const char* engine;   // a backend's name, or its beginning
  const char* version;  // of the engine that had it
  const char* only;     // a file that is there where the engine is that one; NULL: everywhere
  vs_arch arch;
  const char* forms;     // a glob
  const char* what;      // names of differences
  const char* manual;    // what it says, and where
  const char* got;       // what the engine does instead
  const char* upstream;  // a report, or what is said where there is none
  const char* example;   // examples/findings/NAME.c, or NULL
} vs_known_finding;

enum {
#define VS_FINDING(id, ...) VS_KNOWN_##id,
#include "findings.def"
  VS_KNOWN_FINDINGS
};
extern const vs_known_finding vs_known_findings[VS_KNOWN_FINDINGS];

// Whether the row speaks of the form, and of one of the two backends, but not of both.
bool vs_known_is_about(const vs_known_finding* row, const vs_form* form, vs_arch arch,
                       const char* backend_a, const char* backend_b);

// All that rows explain of a form between them.
vs_differences vs_known_of(const vs_form* form, vs_arch arch, const char* backend_a,
                           const char* backend_b);

#endif  // VS_CLI_DIFFER_H_
