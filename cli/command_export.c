// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "common.h"
#include "export/export.h"
#include "inputs.h"

typedef enum form { FORM_JSON, FORM_C, FORM_COUNT } form;

static bool find_form(const char* word, form* found) {
  static const char* const names[FORM_COUNT] = {"json", "c"};
  if (word == NULL) {
    fprintf(stderr, "vcpuspec: export needs --format json or --format c\n");
    return false;
  }
  for (*found = 0; *found < FORM_COUNT; (*found)++) {
    if (strcmp(word, names[*found]) == 0) return true;
  }
  vs_complain("format", word, names, FORM_COUNT, "json or c");
  return false;
}

// The profile's own architecture, unless another is asked for.
static bool find_arch(const char* word, const vs_profile* profile, vs_arch* arch) {
  *arch = profile->arch != 0 ? (vs_arch)profile->arch : VS_ARCH_X64;
  if (word != NULL && !vs_find_arch(word, arch)) return false;
  if (profile->arch == 0 || (vs_arch)profile->arch == *arch) return true;
  fprintf(stderr, "vcpuspec: profile '%s' speaks of %s alone\n", profile->id,
          vs_arch_find(profile->arch)->name);
  return false;
}

static bool add_input(vs_export* export, const vs_input* input) {
  if (!input->document.is_trace) return vs_export_case(export, &input->c);
  if (input->document.arch == export->arch) {
    vs_script script = vs_document_script(&input->document);
    return vs_export_script(export, &input->c, &script);
  }
  vs_case other = input->c;
  other.arch = (uint8_t)input->document.arch;
  return vs_export_case(export, &other);
}

// Without words: everything.
static bool fill(vs_export* export, const vs_inputs* inputs, bool all) {
  bool good = true;
  for (size_t i = 0; good && all && i < vs_case_count; i++) {
    good = vs_export_case(export, &vs_cases[i]);
  }
  for (size_t i = 0; good && i < inputs->count; i++) good = add_input(export, &inputs->items[i]);
  return good && (!all || vs_export_combinations(export));
}

static bool print(FILE* out, const vs_export* export, form how, bool all) {
  if (how == FORM_C) return vs_export_c(out, export, all || export->count > 1);
  vs_export_json(out, export);
  return true;
}

static vs_exit print_to(const char* path, const vs_export* export, form how, bool all) {
  FILE* out = path == NULL ? stdout : fopen(path, "w");
  if (out == NULL) {
    fprintf(stderr, "vcpuspec: %s cannot be written\n", path);
    return VS_EXIT_INFRASTRUCTURE;
  }
  bool good = print(out, export, how, all) && !ferror(out);
  if (path != NULL) good = fclose(out) == 0 && good;
  if (good) return VS_EXIT_CONFORMS;
  fprintf(stderr, "vcpuspec: the vectors could not be written: is the disk full?\n");
  return VS_EXIT_INFRASTRUCTURE;
}

// What was asked for by name and is not there is told at once; of everything, the data tells.
static vs_exit conclude(const vs_arguments* arguments, const vs_export* export, form how,
                        bool all) {
  for (size_t i = 0; !all && i < export->left_out_count; i++) {
    fprintf(stderr, "vcpuspec: %s is left out: %s\n", export->left_out[i].id,
            export->left_out[i].why);
  }
  if (export->count == 0) {
    fprintf(stderr, "vcpuspec: there is nothing to export\n");
    return VS_EXIT_NOTHING;
  }
  return print_to(vs_argument(arguments, VS_OPTION_OUTPUT, NULL), export, how, all);
}

vs_exit vs_command_export(const vs_arguments* arguments) {
  form how = FORM_JSON;
  vs_inputs inputs;
  bool all = arguments->word_count == 0;
  vs_export export = {.program = VS_VERSION};
  export.profile = vs_find_profile(vs_argument(arguments, VS_OPTION_PROFILE, "documented"));
  if (export.profile == NULL || !find_form(vs_argument(arguments, VS_OPTION_FORMAT, NULL), &how) ||
      !find_arch(vs_argument(arguments, VS_OPTION_ARCH, NULL), export.profile, &export.arch) ||
      !vs_argument_number(arguments, VS_OPTION_SEED, 0, 0, UINT64_MAX, &export.seed) ||
      !vs_inputs_read(&inputs, arguments->words, arguments->word_count)) {
    return VS_EXIT_USAGE;
  }
  export.info = vs_arch_find((uint32_t) export.arch);
  vs_exit status = VS_EXIT_INFRASTRUCTURE;
  if (fill(&export, &inputs, all)) {
    status = conclude(arguments, &export, how, all);
  } else {
    fprintf(stderr, "vcpuspec: no memory\n");
  }
  vs_export_free(&export);
  vs_inputs_free(&inputs);
  return status;
}
