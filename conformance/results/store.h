// SPDX-License-Identifier: BSD-3-Clause
// Texts and lists that live as long as the results that hold them, and numbers for names. There is
// always memory for them: where there is none, the program says so and ends.
#ifndef VS_CONFORMANCE_STORE_H_
#define VS_CONFORMANCE_STORE_H_

#include <stdbool.h>
#include <stddef.h>

typedef struct vs_store {
  struct vs_block* blocks;
} vs_store;

void vs_store_free(vs_store* store);

// What it is given, unless that is NULL for want of memory.
void* vs_needed(void* memory);

// Bytes that are 0.
void* vs_take(vs_store* store, size_t size);
// A copy in which bytes that are no UTF-8 are '?'. NULL: NULL.
const char* vs_keep(vs_store* store, const char* text);
// As printf does, whatever the bytes.
const char* vs_said(vs_store* store, const char* format, ...) __attribute__((format(printf, 2, 3)));

#define VS_LIST(type) \
  struct {            \
    type* at;         \
    size_t count;     \
  }

typedef VS_LIST(const char*) vs_texts;

// One more element, which is 0, of a VS_LIST that is empty or was made by this.
void* vs_grow(vs_store* store, void* list, size_t size);
// Keeps the text, and puts it into the list.
void vs_add(vs_store* store, vs_texts* list, const char* text);

// Numbers for names, from 0 on, in the order in which they came.
typedef struct vs_index {
  void* root;
  size_t count;
} vs_index;

// The number of the name, which is borrowed. True: it is new.
bool vs_index_add(vs_index* index, const char* name, size_t* number);
bool vs_index_find(const vs_index* index, const char* name, size_t* number);
void vs_index_free(vs_index* index);

#endif  // VS_CONFORMANCE_STORE_H_
