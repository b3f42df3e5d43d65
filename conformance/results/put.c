// SPDX-License-Identifier: BSD-3-Clause
#include "put.h"

#include <stdlib.h>
#include <string.h>

void vs_put(vs_putter* p, json_t* to, const char* name, json_t* value) {
  p->failed |= json_object_set_new(to, name, value) != 0;
}

void vs_put_in(vs_putter* p, json_t* list, json_t* value) {
  p->failed |= json_array_append_new(list, value) != 0;
}

static json_t* text_of(const char* text) {
  if (text == NULL) return json_null();
  json_t* value = json_string(text);
  char* plain = value == NULL ? strdup(text) : NULL;
  if (plain == NULL) return value;
  for (char* c = plain; *c != '\0'; c++) {
    if ((unsigned char)*c >= 0x80) *c = '?';
  }
  value = json_string(plain);
  free(plain);
  return value;
}

void vs_put_text(vs_putter* p, json_t* to, const char* name, const char* text) {
  vs_put(p, to, name, text_of(text));
}

void vs_put_text_in(vs_putter* p, json_t* list, const char* text) {
  vs_put_in(p, list, text_of(text));
}

void vs_put_number(vs_putter* p, json_t* to, const char* name, size_t number) {
  vs_put(p, to, name, json_integer((json_int_t)number));
}
