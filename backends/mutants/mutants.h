// SPDX-License-Identifier: BSD-3-Clause
// Deliberately wrong implementations, and permitted variants: thin interposers over a backend that
// is right. They show that the suite can fail, and that it does not fail what the page permits.
#ifndef VS_BACKENDS_MUTANTS_H_
#define VS_BACKENDS_MUTANTS_H_

#include <vcpuspec/backend.h>

enum { VS_MUTANT_ID_MAX = 96 };  // bytes, of an id

typedef struct vs_mutant {
  const char* id;      // as typed after "mutant:"
  const char* base;    // the built-in backend that it is laid over
  const char* breaks;  // id of the clause that it breaks; NULL: a permitted variant
  const char*
      latitude;  // id of the latitude that permits it (empty: none is needed); NULL: a mutant
  const char* mistake;             // what a programmer got wrong, or chose
  void (*alter)(vs_calls* calls);  // replaces calls by interposers
  unsigned member;                 // of its family
} vs_mutant;

// The rows of mutants.def, each a mistake of its own.
extern const vs_mutant vs_mutants[];
extern const size_t vs_mutant_count;

// The rows that the families of families.def make: one mistake in every place where it can be made.
// They are laid out at the first call, and stay. NULL: there are no more.
const vs_mutant* vs_mutant_of_families(size_t index);

// The row "reasons_told" answers a write that it refuses with minus this number, into which it puts
// a bit for each thing that was wrong with the call, which vs_mutant_reason_at names.
enum { VS_MUTANT_REASONS = 0x10000, VS_MUTANT_REASON_COUNT = 9 };
typedef struct vs_mutant_reason {
  const char* name;
  zx_status_t status;  // that the page promises
} vs_mutant_reason;
vs_mutant_reason vs_mutant_reason_at(unsigned index);

// A row of either; NULL for an unknown id.
const vs_mutant* vs_mutant_find(const char* id);

// Lays the mutant over `inner`, which is open, and returns its calls. One mutant per process: the
// documented calls leave no room for a context.
const vs_calls* vs_mutant_over(const vs_mutant* mutant, const vs_backend* inner);

#endif  // VS_BACKENDS_MUTANTS_H_
