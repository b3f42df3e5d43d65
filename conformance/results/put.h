// SPDX-License-Identifier: BSD-3-Clause
// Making JSON trees: what fails is found out once, at the end.
#ifndef VS_CONFORMANCE_PUT_H_
#define VS_CONFORMANCE_PUT_H_

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// Jansson frees what it is given also when it has no memory to add it: only `failed` is to be kept.
typedef struct vs_putter {
  bool failed;
} vs_putter;

// The value is the object's, or the list's, from then on.
void vs_put(vs_putter* p, json_t* to, const char* name, json_t* value);
void vs_put_in(vs_putter* p, json_t* list, json_t* value);

// Bytes that are no UTF-8 are put as '?'. NULL: null.
void vs_put_text(vs_putter* p, json_t* to, const char* name, const char* text);
void vs_put_text_in(vs_putter* p, json_t* list, const char* text);
void vs_put_number(vs_putter* p, json_t* to, const char* name, size_t number);

#endif  // VS_CONFORMANCE_PUT_H_
