// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "inputs.h"
#include "minimize/minimize.h"
#include "text/print.h"
#include "words/describe.h"

enum { TITLE = 512, LINE = 1024, EVERY = 16, SELDOM = 256 };

static void show_progress(size_t runs, size_t ops, void* context) {
  const bool* terminal = context;
  if (runs % (*terminal ? EVERY : SELDOM) != 0) return;
  fprintf(stderr, *terminal ? "\r%zu runs, %zu ops " : "%zu runs, %zu ops\n", runs, ops);
}

static void print_errors(const char* line) {
  while (*line != '\0') {
    const int length = (int)strcspn(line, "\n");
    printf("# stderr %.*s\n", length, line);
    line += length + (line[length] == '\n');
  }
}

// Of a backend that ended, how; a call of its own is only to blame if it was within one.
static void print_failure(const vs_minimized* found, const vs_arch_info* info) {
  char allowed[LINE];
  char got[LINE];
  if (found->ended[0] != '\0') printf("# ended %s: %s\n", found->ended, found->death.text);
  if (found->ended[0] != '\0' && !found->in_call) return;
  vs_text text = vs_text_in(allowed, sizeof allowed);
  vs_say_allowed(&text, &found->violation, info);
  text = vs_text_in(got, sizeof got);
  vs_say_got(&text, &found->violation, info);
  printf("# allowed %s\n# got %s\n", allowed, got);
}

static void print_found(const vs_minimized* found, const vs_input* input,
                        const vs_minimizing* how) {
  const vs_arch_info* info = vs_arch_find(how->target->arch);
  const bool is_gone = found->gone.text[0] != '\0';
  uint8_t clause = (uint8_t)found->violation.clause;
  char title[TITLE];
  snprintf(title, sizeof title, "%.200s, %s on %s", input->c.title,
           found->minimal ? "the smallest that fails" : "smaller, and not the smallest, that fails",
           how->target->name);
  vs_script script = {title, found->ops, found->count};
  vs_print_script(stdout, &script, how->target->arch, &clause, found->ended[0] == '\0');
  printf("# profile %s\n", how->profile->id);
  print_failure(found, info);
  print_errors(found->errors);
  if (found->flaky) printf("# flaky: it did not fail each time\n");
  fprintf(stderr, "%s: %zu ops, after %zu runs%s\n", input->c.id, found->count, found->runs,
          found->minimal ? ""
          : vs_stop      ? ", interrupted: a smaller one may be left"
          : is_gone      ? ": a smaller one may be left"
                         : ", which are all: a smaller one may be left");
}

static vs_exit minimize(const vs_input* input, const vs_script* script, const vs_minimizing* how) {
  vs_minimized found;
  bool good = vs_minimize(how, script, &found);
  if (*(const bool*)how->context) fputc('\n', stderr);
  if (!vs_target_is_same(how->target)) {
    vs_minimized_free(&found);
    return VS_EXIT_INFRASTRUCTURE;
  }
  if (!good) {
    fprintf(stderr, "vcpuspec: this machine has no process or memory to spare\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  vs_exit status = found.fails ? VS_EXIT_CONFORMS : VS_EXIT_NOTHING;
  const bool gone = found.gone.text[0] != '\0';
  if (vs_stop || gone) status = VS_EXIT_INFRASTRUCTURE;
  if (gone) {
    fprintf(stderr, "vcpuspec: %s cannot be opened any more: %s\n", how->target->name,
            found.gone.text);
  }
  if (found.fails) {
    print_found(&found, input, how);
  } else if (vs_stop) {
    fprintf(stderr, "vcpuspec: interrupted before %s had failed\n", input->c.id);
  } else if (!gone) {
    fprintf(stderr, "vcpuspec: %s breaks no clause on %s under %s: there is nothing to minimize\n",
            input->c.id, how->target->name, how->profile->id);
  }
  vs_minimized_free(&found);
  return status;
}

static vs_exit minimize_input(const vs_input* input, uint64_t seed, const vs_minimizing* how) {
  const vs_target* target = how->target;
  if (input->c.arch != 0 && input->c.arch != target->arch) {
    fprintf(stderr, "vcpuspec: %s is about %s, and backend '%s' is %s\n", input->c.id,
            vs_arch_find(input->c.arch)->name, target->spec, vs_arch_find(target->arch)->name);
    return VS_EXIT_USAGE;
  }
  if (input->document.is_trace) {
    vs_script script = vs_document_script(&input->document);
    return minimize(input, &script, how);
  }
  vs_script script;
  if (!vs_case_script(&input->c, target->arch, seed, &script)) return VS_EXIT_INFRASTRUCTURE;
  vs_exit status = minimize(input, &script, how);
  vs_case_script_free(&script);
  return status;
}

// A trace says which backend it is of.
static const char* backend_of(const vs_arguments* arguments, const vs_inputs* inputs) {
  if (arguments->counts[VS_OPTION_BACKEND] > 0) return vs_one_backend(arguments, NULL);
  vs_target target;
  const char* recorded = inputs->items[0].document.backend;
  if (recorded[0] == '\0') return "soft";
  if (vs_target_parse(recorded, &target)) return recorded;
  fprintf(stderr,
          "vcpuspec: %s is of a backend that called itself '%s', which does not say where it is: "
          "name it, as --backend shim:COMMAND or --backend plugin:PATH.so\n",
          inputs->items[0].c.id, recorded);
  return NULL;
}

vs_exit vs_command_minimize(const vs_arguments* arguments) {
  uint64_t seed;
  vs_target target;
  vs_inputs inputs;
  bool terminal = isatty(STDERR_FILENO) == 1;
  vs_exit status = VS_EXIT_USAGE;
  vs_minimizing how = {.target = &target, .progress = show_progress, .context = &terminal};
  if (arguments->word_count == 0) {
    fprintf(stderr, "vcpuspec: minimize needs a SCRIPT, a TRACE or a CASE\n");
    return status;
  }
  how.profile = vs_find_profile(vs_argument(arguments, VS_OPTION_PROFILE, "documented"));
  if (how.profile == NULL ||
      !vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &seed) ||
      !vs_argument_seconds(arguments, VS_OPTION_TIMEOUT, 2, &how.timeout) ||
      !vs_inputs_read(&inputs, arguments->words, arguments->word_count)) {
    return status;
  }
  const char* backend = backend_of(arguments, &inputs);
  if (backend != NULL && vs_find_ready_target(backend, how.timeout, &target, &status)) {
    vs_listen_for_stop();
    vs_pass_on_no_more(&target);
    status = VS_EXIT_CONFORMS;
    for (size_t i = 0; i < inputs.count && status == VS_EXIT_CONFORMS; i++) {
      if (i > 0) putchar('\n');
      status = minimize_input(&inputs.items[i], seed, &how);
    }
    vs_target_close(&target);
  }
  vs_inputs_free(&inputs);
  return status;
}
