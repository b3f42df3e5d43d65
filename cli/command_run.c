// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>

#include "run_session.h"

vs_exit vs_command_run(const vs_arguments* arguments) {
  vs_run_request* request = vs_needed(calloc(1, sizeof *request));
  setvbuf(stdout, NULL, _IOLBF, 0);  // a finished failure is printed even if we are killed
  vs_exit status =
      vs_run_request_read(request, arguments, vs_argument(arguments, VS_OPTION_AS, NULL));
  if (status == VS_EXIT_CONFORMS && !vs_run_request_probe(request)) status = VS_EXIT_USAGE;
  if (status == VS_EXIT_CONFORMS) status = vs_run_session(request);
  vs_run_request_free(request);
  free(request);
  return status;
}
