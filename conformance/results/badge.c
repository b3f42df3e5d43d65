// SPDX-License-Identifier: BSD-3-Clause
// A badge as the endpoint of shields-like services reads it: never green unless all went well.
#include <stdio.h>

#include "render.h"
#include "view.h"

enum { MESSAGE = 160 };

typedef struct badge {
  char message[MESSAGE];
  const char* color;
} badge;

#define SAY(...) snprintf(b.message, sizeof b.message, __VA_ARGS__)

static badge badge_of(const json_t* results) {
  badge b = {.color = "lightgrey"};
  const json_t* counts = json_object_get(results, "counts");
  vs_tally tally = vs_tally_of(results, VS_ALL_BACKENDS);
  size_t expected = vs_num(counts, "expected");
  size_t excused = tally.of[VS_VERDICT_KNOWN] + tally.of[VS_VERDICT_DISPUTED];
  bool bad = vs_num(json_object_get(results, "exit"), "status") != 0;
  if (tally.judged == 0) {
    SAY("nothing judged");
  } else if (tally.failed > 0) {
    SAY("%zu of %zu fail", tally.failed, tally.judged);
    b.color = "red";
  } else if (json_is_true(json_object_get(results, "interrupted"))) {
    SAY("stopped: %zu of %zu judged", tally.judged, expected);
  } else if (bad) {
    SAY("%.100s", vs_str(json_object_get(results, "exit"), "why"));
    b.color = "orange";
  } else if (excused > 0) {
    SAY("%zu of %zu fail as expected", excused, tally.judged);
    b.color = "yellow";
  } else {
    SAY("%zu of %zu judged, all conform", tally.judged, expected);
    b.color = "brightgreen";
  }
  vs_trim(b.message);
  return b;
}

bool vs_render_badge(FILE* out, const json_t* results) {
  badge b = badge_of(results);
  json_t* all = json_pack("{s:i, s:s, s:s, s:s}", "schemaVersion", 1, "label", "vcpuspec",
                          "message", b.message, "color", b.color);
  bool good = all != NULL && json_dumpf(all, out, JSON_COMPACT) == 0 && fputc('\n', out) != EOF;
  json_decref(all);
  return good && fflush(out) == 0;
}
