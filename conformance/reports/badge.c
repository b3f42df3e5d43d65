// SPDX-License-Identifier: BSD-3-Clause
// A badge as the endpoint of shields-like services reads it: never green unless all went well.
#include "render.h"

static const char* say(vs_view* v, const char** color) {
  const vs_tally* all = &v->all;
  size_t expected = v->results->counts.expected;
  *color = "lightgrey";
  if (all->judged == 0) return "nothing judged";
  *color = "red";
  if (all->failed > 0) return vs_said(&v->store, "%zu of %zu fail", all->failed, all->judged);
  *color = "lightgrey";
  if (v->results->interrupted)
    return vs_said(&v->store, "stopped: %zu of %zu judged", all->judged, expected);
  *color = "orange";
  if (v->results->end.status != 0)
    return vs_keep(&v->store, vs_said(&v->store, "%.100s", v->results->end.why));
  *color = "yellow";
  if (all->excused > 0)
    return vs_said(&v->store, "%zu of %zu fail as expected", all->excused, all->judged);
  *color = "brightgreen";
  return vs_said(&v->store, "%zu of %zu judged, all conform", all->judged, expected);
}

void vs_render_badge(FILE* out, vs_view* view) {
  const char* color;
  const char* message = say(view, &color);
  json_t* badge = json_pack("{s:i, s:s, s:s, s:s}", "schemaVersion", 1, "label", "vcpuspec",
                            "message", message, "color", color);
  vs_put_json(out, badge, JSON_COMPACT);
}
