// SPDX-License-Identifier: BSD-3-Clause
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "words/describe.h"

static const vs_happened none = {.call = VS_OP_COUNT};

static bool is_event(const vs_happened* event) {
  return event->call != VS_OP_COUNT;
}

static bool is_same(const vs_happened* a, const vs_happened* b) {
  return a->call == b->call && a->status == b->status;
}

vs_history vs_history_begin(void) {
  vs_history history;
  for (size_t i = 0; i < VS_OBJECTS; i++) history.last[i] = none;
  return history;
}

static void set_made(vs_history* history, const vs_passage* passage, vs_happened event) {
  for (size_t i = 0; i < 2; i++) {
    if (passage->made[i] < VS_OBJECTS) history->last[passage->made[i]] = event;
  }
}

bool vs_history_note(vs_history* history, const vs_passage* passage, vs_transition* found) {
  if (passage->sort == VS_UNCLEAR) *history = vs_history_begin();
  if (passage->sort == VS_MADE) set_made(history, passage, none);
  if (passage->sort != VS_PASSED) return false;
  const vs_happened event =
      passage->forced ? (vs_happened){passage->point.call, passage->status} : none;
  bool is = false;
  if (passage->object < VS_OBJECTS) {
    vs_happened* last = &history->last[passage->object];
    *found = (vs_transition){*last, event};
    is = is_event(last) && is_event(&event);
    *last = passage->ended ? none : event;
  }
  set_made(history, passage, event);
  return is;
}

bool vs_transition_same(const vs_transition* a, const vs_transition* b) {
  return is_same(&a->before, &b->before) && is_same(&a->after, &b->after);
}

static void say_event(vs_text* text, const vs_happened* event) {
  char status[64];
  vs_text name = vs_text_in(status, sizeof status);
  vs_say_status(&name, event->status);
  const char* word = strncmp(status, "ZX_ERR_", 7) == 0 ? status + 7 : status + 3;
  vs_say(text, "%s %s", vs_ops[event->call].name, word);
}

void vs_transition_say(const vs_transition* transition, char words[VS_TRANSITION_WORDS]) {
  vs_text text = vs_text_in(words, VS_TRANSITION_WORDS);
  say_event(&text, &transition->before);
  vs_say(&text, " > ");
  say_event(&text, &transition->after);
}

static uint8_t* known(const vs_transitions* set, const vs_transition* t) {
  return (uint8_t*)(uintptr_t)&set->known[t->before.call * VS_CALL_COUNT + t->after.call];
}

bool vs_transitions_has(const vs_transitions* set, const vs_transition* transition) {
  bool has = false;
  if (*known(set, transition) == 0) return false;
  for (size_t i = 0; i < set->count && !has; i++) {
    has = vs_transition_same(&set->items[i], transition);
  }
  return has;
}

bool vs_transitions_add(vs_transitions* set, const vs_transition* transition) {
  if (vs_transitions_has(set, transition)) return false;
  if (set->count == set->capacity) {
    const size_t capacity = set->capacity > 0 ? 2 * set->capacity : 16;
    vs_transition* items = realloc(set->items, capacity * sizeof *items);
    if (items == NULL) return false;
    set->items = items;
    set->capacity = capacity;
  }
  set->items[set->count++] = *transition;
  *known(set, transition) = 1;
  return true;
}

void vs_transitions_free(vs_transitions* set) {
  free(set->items);
  *set = (vs_transitions){0};
}
