// SPDX-License-Identifier: BSD-3-Clause
#include "common.h"
#include "inputs.h"
#include "runner/record.h"
#include "text/print.h"

typedef struct exec_request {
  vs_target target;
  uint64_t seed;
  double timeout;
} exec_request;

static void print_trace(const vs_input* input, const vs_target* target, const vs_script* script,
                        const vs_observation* seen) {
  const vs_arch_info* info = vs_arch_find(target->arch);
  vs_print_header(stdout, true, input->c.title, input->c.clauses, input->c.clause_count,
                  target->arch, target->name);
  for (size_t i = 0; i < script->count; i++) {
    vs_print_op(stdout, &script->ops[i], info);
    vs_print_result(stdout, &script->ops[i], &seen[i], info);
  }
}

// What ended the backend goes to standard error: the trace just stops there.
static vs_exit record(const exec_request* request, const vs_input* input, const vs_script* script) {
  vs_recording recording;
  if (!vs_recording_start(&recording, &request->target, script, request->timeout)) {
    fprintf(stderr, "vcpuspec: this machine has no process or memory to spare\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_recording_wait(&recording);
  const vs_record* made = recording.record;
  print_trace(input, &request->target, script, made->observations);
  vs_exit status = made->executing ? VS_EXIT_CONFORMS : VS_EXIT_INFRASTRUCTURE;
  if (!made->done) {
    char death[VS_REASON_MAX];
    vs_recording_say_death(&recording, true, death, sizeof death);
    fprintf(stderr, "vcpuspec: %s on %s: %s\n", input->c.id, request->target.name, death);
  }
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
  exec_request request;
  vs_inputs inputs;
  vs_exit status = VS_EXIT_USAGE;
  if (arguments->word_count == 0) {
    fprintf(stderr, "vcpuspec: exec needs a SCRIPT, a CASE, or - for standard input\n");
    return status;
  }
  if (!vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &request.seed) ||
      !vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 10, &request.timeout) ||
      !vs_find_ready_target(vs_argument(arguments, VS_OPTION_BACKEND, "soft"), request.timeout,
                            &request.target, &status) ||
      !vs_inputs_read(&inputs, arguments->words, arguments->word_count)) {
    return status;
  }
  status = VS_EXIT_CONFORMS;
  for (size_t i = 0; i < inputs.count && status == VS_EXIT_CONFORMS; i++) {
    if (i > 0) putchar('\n');
    status = exec_input(&request, &inputs.items[i]);
  }
  vs_inputs_free(&inputs);
  return status;
}
