// SPDX-License-Identifier: BSD-3-Clause
// Clauses by call (pages.def).
#ifndef VS_CONFORMANCE_PAGES_H_
#define VS_CONFORMANCE_PAGES_H_

#include "store.h"

typedef struct vs_part {
  const char* page;
  const char* start;  // of the ids of its clauses
} vs_part;

enum {
  VS_PART_COUNT = 0
#define VS_PART(page, start) +1
#include "pages.def"
#undef VS_PART
};

extern const vs_part vs_parts[VS_PART_COUNT];

// Of a clause, by its id: a text of the table, or of the store.
const char* vs_page_of(vs_store* store, const char* clause);

// By its name, or by a call whose clauses are there: its word in scripts or its symbol, with "zx_"
// or without. NULL: there is none.
const char* vs_page_find(const char* word);

#endif  // VS_CONFORMANCE_PAGES_H_
