// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "common.h"
#include "inputs.h"
#include "runner/record.h"
#include "text/print.h"

typedef struct exec_request {
  vs_target target;
  const char* name;  // what the traces call it
  uint64_t seed;
  double timeout;
} exec_request;

// What names the backend again, if it is one short word; else what it calls itself.
static const char* name_of(const vs_target* target) {
  bool word = strlen(target->spec) < VS_BACKEND_NAME;
  for (const char* c = target->spec; *c != '\0'; c++) word &= *c > ' ' && *c <= '~';
  return word ? target->spec : target->name;
}

static vs_exit record(const exec_request* request, const vs_input* input, const vs_script* script) {
  vs_recording recording;
  vs_script titled = *script;
  titled.title = input->c.title;
  if (!vs_recording_start(&recording, &request->target, &titled, request->timeout)) {
    fprintf(stderr, "vcpuspec: this machine has no process or memory to spare\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_recording_wait(&recording);
  vs_trace trace = vs_recording_trace(&recording);
  if (trace.end != VS_TRACE_DONE) {
    fprintf(stderr, "vcpuspec: %s on %s: %s\n", input->c.id, request->target.name, trace.death);
  }
  vs_print_trace(stdout, &trace, input->c.clauses, input->c.clause_count, request->name);
  vs_exit status = recording.record->executing ? VS_EXIT_CONFORMS : VS_EXIT_INFRASTRUCTURE;
  vs_recording_free(&recording);
  return status;
}

static vs_exit exec_input(const exec_request* request, const vs_input* input) {
  const vs_target* target = &request->target;
  if (input->c.arch != 0 && input->c.arch != target->arch) {
    fprintf(stderr, "vcpuspec: %s is about %s, and backend '%s' is %s\n", input->c.id,
            vs_arch_find(input->c.arch)->name, target->spec, vs_arch_find(target->arch)->name);
    return VS_EXIT_USAGE;
  }
  if (input->document.is_trace) {
    vs_script again = vs_document_script(&input->document);
    return record(request, input, &again);
  }
  vs_script script;
  if (!vs_case_script(&input->c, target->arch, request->seed, &script)) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_exit status = record(request, input, &script);
  vs_case_script_free(&script);
  return status;
}

vs_exit vs_command_exec(const vs_arguments* arguments) {
  exec_request request = {0};
  vs_inputs inputs;
  vs_exit status = VS_EXIT_USAGE;
  if (arguments->word_count == 0) {
    fprintf(stderr, "vcpuspec: exec needs a SCRIPT, a CASE, or - for standard input\n");
    return status;
  }
  const char* backend = vs_one_backend(arguments, "soft");
  if (backend == NULL || !vs_is_backend_name(vs_argument(arguments, VS_OPTION_AS, NULL)) ||
      !vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &request.seed) ||
      !vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 10, &request.timeout) ||
      !vs_find_ready_target(backend, request.timeout, &request.target, &status) ||
      !vs_inputs_read(&inputs, arguments->words, arguments->word_count)) {
    vs_target_close(&request.target);
    return status;
  }
  request.name = vs_argument(arguments, VS_OPTION_AS, name_of(&request.target));
  status = VS_EXIT_CONFORMS;
  for (size_t i = 0; i < inputs.count && status == VS_EXIT_CONFORMS; i++) {
    if (i > 0) putchar('\n');
    status = exec_input(&request, &inputs.items[i]);
  }
  vs_inputs_free(&inputs);
  vs_target_close(&request.target);
  return status;
}
