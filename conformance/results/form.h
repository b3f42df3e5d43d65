// SPDX-License-Identifier: BSD-3-Clause
// Structs as JSON and back, by tables of their members.
#ifndef VS_CONFORMANCE_FORM_H_
#define VS_CONFORMANCE_FORM_H_

#include <jansson.h>
#include <stdint.h>

#include <vcpuspec/why.h>

#include "store.h"

#define VS_NONE SIZE_MAX  // of a number that may be null

typedef enum vs_field_sort {
  VS_SORT_TEXT,
  VS_SORT_WORD,     // an enum: one of `words`
  VS_SORT_DIGITS,   // a 64-bit number as text
  VS_SORT_SHARD,    // "2/3"
  VS_SORT_SECONDS,  // a double, not below 0
  VS_SORT_NUMBER,   // a size_t
  VS_SORT_BOOLEAN,
  VS_SORT_LIST,     // of structs of `shape`, or of texts
  VS_SORT_MAP,      // the same as an object: the first member is the name, the second the value
  VS_SORT_OBJECT,   // a struct of `shape`
  VS_SORT_POINTER,  // to such a struct
} vs_field_sort;

typedef enum vs_field_need {
  VS_NEED_ALWAYS,
  VS_NEED_OR_NULL,    // null is NULL, or VS_NONE
  VS_NEED_OR_ABSENT,  // what is absent is NULL, or 0, and that is not written
  VS_NEED_LATER,      // may be absent, and is written always
} vs_field_need;

typedef struct vs_field {
  const char* name;  // NULL: the row after the last
  vs_field_sort sort;
  vs_field_need need;
  size_t offset;
  const struct vs_field* shape;
  size_t size;  // of a struct of `shape`
  const char* const* words;
  unsigned allowed;     // the words that may stand here, a bit each
  const char* meaning;  // to people; NULL: its name says it
} vs_field;

// Fills the struct, which is 0. False: `why` says in one line what is wrong, and where. Members
// that the shape has not are ignored.
bool vs_form_read(vs_store* store, const vs_field* shape, const json_t* form, void* to,
                  vs_why* why);

// The caller's.
json_t* vs_form_write(const vs_field* shape, const void* from);
// One member of it. NULL: it is null or absent.
json_t* vs_form_member(const vs_field* shape, const void* from, const char* name);

// The value is the object's, or the list's, from then on.
void vs_form_set(json_t* object, const char* name, json_t* value);
void vs_form_add(json_t* list, json_t* value);

#endif  // VS_CONFORMANCE_FORM_H_
