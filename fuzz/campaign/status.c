// SPDX-License-Identifier: BSD-3-Clause
#include "status.h"

#include <inttypes.h>

void vs_say_time(double seconds, char text[32]) {
  uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;
  unsigned minutes = (unsigned)(s / 60 % 60);
  snprintf(text, 32, "%02" PRIu64 ":%02u:%02u", s / 3600, minutes, (unsigned)(s % 60));
}

void vs_status_print(FILE* out, const vs_status* s, bool terminal) {
  char elapsed[32];
  char since[32];
  vs_say_time(s->elapsed, elapsed);
  vs_say_time(s->since, since);
  fprintf(out, "%s%s  %.0f/s  %" PRIu64 " inputs  %zu tuples", terminal ? "\r\033[K" : "", elapsed,
          s->rate, s->executions, s->tuples);
  if (s->reachable > 0) fprintf(out, "  %zu/%zu reached", s->points, s->reachable);
  fprintf(out, "  corpus %zu  %zu finding%s", s->corpus, s->findings, s->findings == 1 ? "" : "s");
  if (s->known > 0) fprintf(out, ", %zu known", s->known);
  if (s->pending > 0) fprintf(out, " (+%zu)", s->pending);
  fprintf(out, "  last new %s ago%s", since, terminal ? "" : "\n");
  fflush(out);
}

void vs_status_clear(FILE* out, bool terminal) {
  if (terminal) fputs("\r\033[K", out);
}
