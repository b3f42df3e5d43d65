// SPDX-License-Identifier: BSD-3-Clause
#include "screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

vs_screen vs_screen_of(FILE* out) {
  const char* none = getenv("NO_COLOR");
  const char* term = getenv("TERM");
  bool wanted = (none == NULL || none[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
  return (vs_screen){.out = out, .colours = wanted && isatty(fileno(out)) == 1};
}

static const char* colour_of(vs_verdict verdict) {
  static const char* const colours[VS_VERDICT_COUNT] = {
      [VS_VERDICT_PASS] = "32",     [VS_VERDICT_PERMITTED] = "32", [VS_VERDICT_FAIL] = "1;31",
      [VS_VERDICT_FLAKY] = "1;31",  [VS_VERDICT_BROKEN] = "1;35",  [VS_VERDICT_KNOWN] = "33",
      [VS_VERDICT_DISPUTED] = "33", [VS_VERDICT_CUT_SHORT] = "33", [VS_VERDICT_UNSUPPORTED] = "2",
  };
  return colours[verdict];
}

void vs_paint(const vs_screen* s, vs_verdict verdict, const char* word) {
  const char* colour = s->colours && word[0] != '\0' ? colour_of(verdict) : NULL;
  if (colour == NULL) {
    fputs(word, s->out);
  } else {
    fprintf(s->out, "\033[%sm%s\033[0m", colour, word);
  }
}
