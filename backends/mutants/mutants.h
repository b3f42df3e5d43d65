// SPDX-License-Identifier: BSD-3-Clause
// Deliberately wrong implementations, and permitted variants: thin interposers over a backend that
// is right. They show that the suite can fail, and that it does not fail what the page permits.
#ifndef VS_BACKENDS_MUTANTS_H_
#define VS_BACKENDS_MUTANTS_H_

#include <vcpuspec/backend.h>

typedef struct vs_mutant {
  const char* id;      // as typed after "mutant:"
  const char* base;    // the built-in backend that it is laid over
  const char* breaks;  // id of the clause that it breaks; NULL: a permitted variant
  const char*
      latitude;  // id of the latitude that permits it (empty: none is needed); NULL: a mutant
  const char* mistake;             // what a programmer got wrong, or chose
  void (*alter)(vs_calls* calls);  // replaces calls by interposers
} vs_mutant;

extern const vs_mutant vs_mutants[];
extern const size_t vs_mutant_count;

// NULL for an unknown id.
const vs_mutant* vs_mutant_find(const char* id);

// Lays the mutant over `inner` and returns its calls. One mutant per process: the documented calls
// leave no room for a context. `inner` must outlive the result.
const vs_calls* vs_mutant_over(const vs_mutant* mutant, const vs_calls* inner);

#endif  // VS_BACKENDS_MUTANTS_H_
