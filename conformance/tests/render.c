// SPDX-License-Identifier: BSD-3-Clause
// render FORMAT FILE.json: writes a result model in a form of reports, as it is. For
// tools/check-reports.
#include "reports/render.h"

#include <string.h>

int main(int argc, char** argv) {
  vs_why why = {"usage: render FORMAT FILE.json"};
  vs_results* results = argc == 3 ? vs_results_read(argv[2], &why) : NULL;
  if (results == NULL) {
    fprintf(stderr, "%s\n", why.text);
    return 2;
  }
  int status = 2;
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    if (strcmp(vs_formats[i].name, argv[1]) == 0)
      status = !vs_render(&vs_formats[i], stdout, results);
  }
  vs_results_free(results);
  return status;
}
