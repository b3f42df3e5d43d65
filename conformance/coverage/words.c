// SPDX-License-Identifier: BSD-3-Clause
#include "words.h"

#include <string.h>

#include "words/describe.h"

// True if a check of the set before this one has the same predicate.
static bool is_said(vs_check_set checks, vs_check_code check) {
  bool said = false;
  while (checks != 0) {
    const vs_check_code other = vs_check_take(&checks);
    said |= other < check && strcmp(vs_checks[other].when, vs_checks[check].when) == 0;
  }
  return said;
}

vs_check_set vs_point_facts(vs_check_set checks) {
  vs_check_set facts = 0;
  vs_check_set rest = checks;
  while (rest != 0) {
    const vs_check_code check = vs_check_take(&rest);
    if (!is_said(checks, check)) facts |= VS_CHECK_IN(check);
  }
  return facts;
}

static void say_named(vs_text* text, uint32_t named) {
  const char* before = "[";
  for (vs_named_code code = 0; code < VS_NAMED_COUNT; code++) {
    if ((named & VS_BIT(code)) == 0) continue;
    vs_say(text, "%s%s", before, vs_nameds[code].name);
    before = ",";
  }
  if (before[0] == ',') vs_say(text, "]");
}

void vs_point_say(const vs_point* point, char words[VS_POINT_WORDS]) {
  vs_text text = vs_text_in(words, VS_POINT_WORDS);
  vs_say(&text, "%s", vs_ops[point->call].name);
  say_named(&text, point->named);
  vs_check_set facts = vs_point_facts(point->certain | point->unsure);
  const char* before = ": ";
  if (facts == 0) vs_say(&text, ": nothing wrong");
  while (facts != 0) {
    const vs_check_code check = vs_check_take(&facts);
    const bool sure = (point->certain & VS_CHECK_IN(check)) != 0;
    vs_say(&text, "%s%s%s", before, vs_checks[check].name, sure ? "" : "?");
    before = ", ";
  }
}
