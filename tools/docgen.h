// SPDX-License-Identifier: BSD-3-Clause
// What the documents made by docgen share, and those that have a file of their own. All print to
// standard output.
#ifndef VS_TOOLS_DOCGEN_H_
#define VS_TOOLS_DOCGEN_H_

#include "tables.h"

// "ZX_ERR_BAD_HANDLE".
void vs_docgen_status(zx_status_t status);

// The mutants that break the clause, the first few by name: those with a row of their own come
// before those of families.
void vs_docgen_mutants_of(vs_clause_code clause);

// docs/error-paths.md.
void vs_docgen_error_paths(void);

// docs/findings.md.
void vs_docgen_findings(void);

// The man page of the program (NULL), or of a command. False: there is no such command.
bool vs_docgen_man(const char* command);

// docs/reference.md. False: a layout has a hole.
bool vs_docgen_reference(void);

#endif  // VS_TOOLS_DOCGEN_H_
