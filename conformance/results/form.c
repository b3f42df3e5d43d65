// SPDX-License-Identifier: BSD-3-Clause
#include "form.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"

enum { MOST_SHARDS = 100000 };  // as of --shard

typedef VS_LIST(char) elements;

static const vs_field text_field = {.sort = VS_SORT_TEXT};

static size_t size_of(const vs_field* list) {
  return list->shape != NULL ? list->size : sizeof(const char*);
}

// --- reading ------------------------------------------------------------------------------------

typedef struct reader {
  vs_store* store;
  char path[160];  // of what is read, for messages: "results[3].failure"
  vs_why* why;
} reader;

static bool fault(const reader* r, const char* expected) {
  return vs_refuse(r->why, "%s: expected %s", r->path, expected);
}

static bool read_value(reader* r, const vs_field* f, const json_t* form, void* to);

// The path goes one step further, and back once the value is read.
static bool read_at(reader* r, const char* step, const vs_field* f, const json_t* form, void* to) {
  size_t length = strlen(r->path);
  const char* dot = length > 0 && step[0] != '[' ? "." : "";
  snprintf(r->path + length, sizeof r->path - length, "%s%.60s", dot, step);
  bool good = form != NULL ? read_value(r, f, form, to) : fault(r, "this member, and it is absent");
  r->path[length] = '\0';
  return good;
}

static bool is_digits(const char* text) {
  errno = 0;
  bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
  return digits && (strtoull(text, NULL, 10) < ULLONG_MAX || errno == 0);
}

static bool is_shard(const char* text) {
  size_t first = strspn(text, "0123456789");
  if (text[first] != '/' || !is_digits(text + first + 1) || first == 0) return false;
  unsigned long long shard = strtoull(text, NULL, 10);
  unsigned long long shards = strtoull(text + first + 1, NULL, 10);
  return shard >= 1 && shard <= shards && shards <= MOST_SHARDS;
}

static bool read_word(reader* r, const vs_field* f, const char* word, unsigned* to) {
  char expected[VS_WHY_MAX / 2] = "one of";
  for (*to = 0; f->allowed >> *to != 0; ++*to) {
    if (!(f->allowed >> *to & 1)) continue;
    if (strcmp(word, f->words[*to]) == 0) return true;
    size_t length = strlen(expected);
    snprintf(expected + length, sizeof expected - length, " '%s'", f->words[*to]);
  }
  return fault(r, expected);
}

static bool read_scalar(reader* r, const vs_field* f, const json_t* form, void* to) {
  const char* text = json_string_value(form);
  switch (f->sort) {
    case VS_SORT_WORD:
      return read_word(r, f, text != NULL ? text : "", to);
    case VS_SORT_SECONDS:
      *(double*)to = json_number_value(form);
      return (json_is_number(form) && *(double*)to >= 0) || fault(r, "a number, not below 0");
    case VS_SORT_NUMBER:
      *(size_t*)to = (size_t)json_integer_value(form);
      return (json_is_integer(form) && json_integer_value(form) >= 0) ||
             fault(r, "a whole number, not below 0");
    case VS_SORT_BOOLEAN:
      *(bool*)to = json_is_true(form);
      return json_is_boolean(form) || fault(r, "true or false");
    default:
      *(const char**)to = vs_keep(r->store, text);
      if (text == NULL && f->sort == VS_SORT_TEXT) return fault(r, "a text");
      if (f->sort == VS_SORT_DIGITS && (text == NULL || !is_digits(text)))
        return fault(r, "a number of 64 bits as a text");
      if (f->sort == VS_SORT_SHARD && (text == NULL || !is_shard(text)))
        return fault(r, "'I/N', I from 1 to N, N not above 100000");
      return true;
  }
}

static bool read_list(reader* r, const vs_field* f, const json_t* form, void* to) {
  const vs_field element = {.sort = VS_SORT_OBJECT, .shape = f->shape};
  const elements all = {vs_take(r->store, size_of(f) * json_array_size(form)),
                        json_array_size(form)};
  memcpy(to, &all, sizeof all);
  if (!json_is_array(form)) return fault(r, "a list");
  for (size_t i = 0; i < all.count; i++) {
    char step[32];
    snprintf(step, sizeof step, "[%zu]", i);
    if (!read_at(r, step, f->shape != NULL ? &element : &text_field, json_array_get(form, i),
                 all.at + i * size_of(f)))
      return false;
  }
  return true;
}

static bool read_map(reader* r, const vs_field* f, const json_t* form, void* to) {
  const elements all = {vs_take(r->store, f->size * json_object_size(form)),
                        json_object_size(form)};
  const char* name;
  const json_t* value;
  char* at = all.at;
  memcpy(to, &all, sizeof all);
  if (!json_is_object(form)) return fault(r, "an object");
  json_object_foreach((json_t*)form, name, value) {
    const char* kept = vs_keep(r->store, name);
    memcpy(at + f->shape[0].offset, &kept, sizeof kept);
    if (!read_at(r, name, &f->shape[1], value, at + f->shape[1].offset)) return false;
    at += f->size;
  }
  return true;
}

static bool read_object(reader* r, const vs_field* shape, const json_t* form, char* to) {
  if (!json_is_object(form)) return fault(r, "an object");
  for (const vs_field* f = shape; f->name != NULL; f++) {
    const json_t* value = json_object_get(form, f->name);
    if (value == NULL && f->need >= VS_NEED_OR_ABSENT) continue;
    if (json_is_null(value) && f->need == VS_NEED_OR_NULL) {
      if (f->sort == VS_SORT_NUMBER) memset(to + f->offset, 0xff, sizeof(size_t));
      continue;
    }
    if (!read_at(r, f->name, f, value, to + f->offset)) return false;
  }
  return true;
}

static bool read_value(reader* r, const vs_field* f, const json_t* form, void* to) {
  void* object = to;
  switch (f->sort) {
    case VS_SORT_LIST:
      return read_list(r, f, form, to);
    case VS_SORT_MAP:
      return read_map(r, f, form, to);
    case VS_SORT_POINTER:
      object = vs_take(r->store, f->size);
      memcpy(to, &object, sizeof object);
      return read_object(r, f->shape, form, object);
    case VS_SORT_OBJECT:
      return read_object(r, f->shape, form, object);
    default:
      return read_scalar(r, f, form, to);
  }
}

bool vs_form_read(vs_store* store, const vs_field* shape, const json_t* form, void* to,
                  vs_why* why) {
  reader r = {.store = store, .why = why};
  return read_object(&r, shape, form, to);
}

// --- writing ------------------------------------------------------------------------------------

void vs_form_set(json_t* object, const char* name, json_t* value) {
  if (json_object_set_new(object, name, value) != 0) vs_needed(NULL);
}

void vs_form_add(json_t* list, json_t* value) {
  if (json_array_append_new(list, value) != 0) vs_needed(NULL);
}

static json_t* write_value(const vs_field* f, const void* from);

static json_t* write_list(const vs_field* f, const elements* all) {
  const vs_field element = {.sort = VS_SORT_OBJECT, .shape = f->shape};
  json_t* form = json_array();
  for (size_t i = 0; i < all->count; i++) {
    const vs_field* each = f->shape != NULL ? &element : &text_field;
    vs_form_add(form, write_value(each, all->at + i * size_of(f)));
  }
  return form;
}

static json_t* write_map(const vs_field* f, const elements* all) {
  json_t* form = json_object();
  for (size_t i = 0; i < all->count; i++) {
    const char* at = all->at + i * f->size;
    const char* const* name = (const void*)(at + f->shape[0].offset);
    vs_form_set(form, *name, write_value(&f->shape[1], at + f->shape[1].offset));
  }
  return form;
}

static json_t* write_value(const vs_field* f, const void* from) {
  const char* const* text = from;
  elements all;
  switch (f->sort) {
    case VS_SORT_WORD:
      return json_string(f->words[*(const unsigned*)from]);
    case VS_SORT_SECONDS:
      return json_real(*(const double*)from);
    case VS_SORT_NUMBER:
      if (*(const size_t*)from == VS_NONE) return json_null();
      return json_integer((json_int_t) * (const size_t*)from);
    case VS_SORT_BOOLEAN:
      return json_boolean(*(const bool*)from);
    case VS_SORT_LIST:
    case VS_SORT_MAP:
      memcpy(&all, from, sizeof all);
      return f->sort == VS_SORT_LIST ? write_list(f, &all) : write_map(f, &all);
    case VS_SORT_OBJECT:
      return vs_form_write(f->shape, from);
    case VS_SORT_POINTER:
      memcpy(&all.at, from, sizeof all.at);
      return all.at != NULL ? vs_form_write(f->shape, all.at) : json_null();
    default:
      return *text != NULL ? json_string(*text) : json_null();
  }
}

// Members that may be absent are numbers, texts and lists, of which the first word tells.
static bool is_absent(const vs_field* f, const char* from) {
  static const char none[sizeof(size_t)];
  return f->need == VS_NEED_OR_ABSENT && memcmp(from + f->offset, none, sizeof none) == 0;
}

json_t* vs_form_write(const vs_field* shape, const void* from) {
  json_t* form = json_object();
  for (const vs_field* f = shape; f->name != NULL; f++) {
    if (!is_absent(f, from))
      vs_form_set(form, f->name, write_value(f, (const char*)from + f->offset));
  }
  return form;
}

json_t* vs_form_member(const vs_field* shape, const void* from, const char* name) {
  const vs_field* f = shape;
  while (strcmp(f->name, name) != 0) f++;
  json_t* value = is_absent(f, from) ? NULL : write_value(f, (const char*)from + f->offset);
  if (!json_is_null(value)) return value;
  json_decref(value);
  return NULL;
}
