// SPDX-License-Identifier: BSD-3-Clause
#include "store.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "rune.h"

struct vs_block {
  struct vs_block* next;
  max_align_t bytes[];
};

void* vs_needed(void* memory) {
  if (memory != NULL) return memory;
  fputs("vcpuspec: no memory\n", stderr);
  exit(VS_EXIT_INFRASTRUCTURE);
}

void vs_store_free(vs_store* store) {
  while (store->blocks != NULL) {
    struct vs_block* next = store->blocks->next;
    free(store->blocks);
    store->blocks = next;
  }
}

void* vs_take(vs_store* store, size_t size) {
  struct vs_block* block = vs_needed(calloc(1, sizeof *block + size));
  block->next = store->blocks;
  store->blocks = block;
  return block->bytes;
}

const char* vs_keep(vs_store* store, const char* text) {
  size_t bytes;
  if (text == NULL) return NULL;
  char* copy = memcpy(vs_take(store, strlen(text) + 1), text, strlen(text) + 1);
  for (char* c = copy; vs_rune(c, &bytes) != 0; c += bytes) {
    if (bytes == 1 && (unsigned char)*c >= 0x80) *c = '?';
  }
  return copy;
}

const char* vs_said(vs_store* store, const char* format, ...) {
  va_list arguments;
  va_list again;
  va_start(arguments, format);
  va_copy(again, arguments);
  size_t size = (size_t)vsnprintf(NULL, 0, format, arguments) + 1;
  char* text = vs_take(store, size);
  vsnprintf(text, size, format, again);
  va_end(again);
  va_end(arguments);
  return text;
}

void* vs_grow(vs_store* store, void* list, size_t size) {
  VS_LIST(char) all;
  memcpy(&all, list, sizeof all);
  if ((all.count & (all.count - 1)) == 0) {  // full, at every power of two
    char* larger = vs_take(store, size * (all.count == 0 ? 1 : 2 * all.count));
    if (all.count > 0) memcpy(larger, all.at, size * all.count);
    all.at = larger;
  }
  all.count++;
  memcpy(list, &all, sizeof all);
  return all.at + size * (all.count - 1);
}

void vs_add(vs_store* store, vs_texts* list, const char* text) {
  const char** place = vs_grow(store, list, sizeof *place);
  *place = vs_keep(store, text);
}

// --- names --------------------------------------------------------------------------------------

typedef struct named {
  const char* name;
  size_t number;
} named;

static int compare(const void* a, const void* b) {
  const named* one = a;
  const named* other = b;
  return strcmp(one->name, other->name);
}

bool vs_index_find(const vs_index* index, const char* name, size_t* number) {
  const named wanted = {.name = name};
  named* const* found = tfind(&wanted, &index->root, compare);
  if (found != NULL) *number = (*found)->number;
  return found != NULL;
}

bool vs_index_add(vs_index* index, const char* name, size_t* number) {
  if (vs_index_find(index, name, number)) return false;
  named* added = vs_needed(malloc(sizeof *added));
  *added = (named){name, *number = index->count++};
  vs_needed(tsearch(added, &index->root, compare));
  return true;
}

void vs_index_free(vs_index* index) {
  tdestroy(index->root, free);
  *index = (vs_index){0};
}
