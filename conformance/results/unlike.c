// SPDX-License-Identifier: BSD-3-Clause
#include "unlike.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
  vs_store* store;
  vs_texts* differences;
} walk;

static void compare(const walk* w, const char* path, const json_t* said, const json_t* follows);

// As JSON has it, of which "nothing" is no word.
static const char* shown(const walk* w, const json_t* value) {
  if (value == NULL) return "nothing";
  char* text = vs_needed(json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY));
  const char* kept = vs_said(w->store, "%.160s%s", text, strlen(text) > 160 ? "..." : "");
  free(text);
  return kept;
}

static void tell(const walk* w, const char* path, const json_t* said, const json_t* follows) {
  const char* is = shown(w, said);
  vs_add(w->store, w->differences,
         vs_said(w->store, "%s: it says %s, and %s follows", path, is, shown(w, follows)));
}

// What an element calls itself, or else its number.
static const char* step_of(const walk* w, const char* path, size_t at, const json_t* element) {
  static const char* const names[] = {"case", "id", "name"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char* name = json_string_value(json_object_get(element, names[i]));
    if (name != NULL) return vs_said(w->store, "%s of %.80s", path, name);
  }
  return vs_said(w->store, "%s[%zu]", path, at);
}

static void compare_lists(const walk* w, const char* path, const json_t* said,
                          const json_t* follows) {
  const size_t count = json_array_size(follows);
  if (json_array_size(said) != count) return tell(w, path, said, follows);
  for (size_t i = 0; i < count; i++) {
    const json_t* one = json_array_get(follows, i);
    compare(w, step_of(w, path, i, one), json_array_get(said, i), one);
  }
}

static void compare_objects(const walk* w, const char* path, const json_t* said,
                            const json_t* follows) {
  const char* dot = path[0] != '\0' ? ": " : "";
  const char* name;
  json_t* value;
  json_object_foreach((json_t*)(uintptr_t)follows, name, value) {
    compare(w, vs_said(w->store, "%s%s%.80s", path, dot, name), json_object_get(said, name), value);
  }
  json_object_foreach((json_t*)(uintptr_t)said, name, value) {
    if (json_object_get(follows, name) == NULL)
      tell(w, vs_said(w->store, "%s%s%.80s", path, dot, name), value, NULL);
  }
}

static void compare(const walk* w, const char* path, const json_t* said, const json_t* follows) {
  if (said != NULL && json_equal(said, follows)) return;
  if (json_is_object(said) && json_is_object(follows))
    return compare_objects(w, path, said, follows);
  if (json_is_array(said) && json_is_array(follows)) return compare_lists(w, path, said, follows);
  tell(w, path, said, follows);
}

void vs_unlike(vs_store* store, const json_t* said, const json_t* follows, vs_texts* differences) {
  const walk w = {store, differences};
  compare(&w, "", said, follows);
}
