// SPDX-License-Identifier: BSD-3-Clause
#include "inputs.h"

#include <stdlib.h>
#include <string.h>

#include "results/store.h"
#include "text/names.h"

static vs_input* add(vs_inputs* inputs) {
  if (inputs->count == inputs->capacity) {
    inputs->capacity = inputs->capacity == 0 ? 16 : 2 * inputs->capacity;
    inputs->items = vs_needed(realloc(inputs->items, inputs->capacity * sizeof *inputs->items));
  }
  vs_input* input = &inputs->items[inputs->count++];
  *input = (vs_input){0};
  return input;
}

// "my.vcpu", and "my.vcpu#2" for the second of several.
static char* name_of(const char* path, size_t number) {
  char* id = NULL;
  int length = number > 1 ? asprintf(&id, "%s#%zu", path, number) : asprintf(&id, "%s", path);
  return vs_needed(length >= 0 ? id : NULL);
}

static void take(vs_inputs* inputs, const char* path, size_t number, vs_document* d,
                 const char* text, size_t length) {
  vs_input* input = add(inputs);
  input->id = name_of(path, number);
  input->text = vs_needed(strndup(text, length));
  input->document = *d;
  *d = (vs_document){0};
  input->c = (vs_case){.id = input->id,
                       .title = input->document.title,
                       .arch = (uint8_t)(input->document.arch_named ? input->document.arch : 0),
                       .clause_count = input->document.clause_count,
                       .text = input->text};
  memcpy(input->c.clauses, input->document.clauses, sizeof input->c.clauses);
}

// A script that names no architecture must make sense on each.
static bool reads_elsewhere(vs_source at, vs_fault* fault) {
  vs_document d;
  vs_reading reading = {.arch = VS_ARCH_ARM64};
  bool good = vs_document_read(&at, &reading, &d, fault) == VS_READ_OK;
  if (good) {
    vs_document_free(&d);
  } else {
    size_t length = strlen(fault->message);
    snprintf(fault->message + length, sizeof fault->message - length,
             " (as arm64: the script names no 'arch')");
  }
  return good;
}

static bool read_documents(vs_inputs* inputs, const char* path, const vs_file* file) {
  vs_source source = vs_source_of(file->text, file->length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  for (size_t number = 1;; number++) {
    vs_source before = source;
    vs_document d;
    vs_fault fault;
    vs_read got = vs_document_read(&source, &reading, &d, &fault);
    if (got == VS_READ_FAULT) return vs_complain_of_text(path, &fault);
    if (got == VS_READ_END && number > 1) return true;
    if (got == VS_READ_END) {
      fault = (vs_fault){.line = 1,
                         .column = 1,
                         .message =
                             "expected a script or a trace, found "
                             "the end of the text"};
      return vs_complain_of_text(path, &fault);
    }
    bool good = vs_document_is_sound(&d, &fault) || vs_complain_of_text(path, &fault);
    good = good &&
           (d.arch_named || reads_elsewhere(before, &fault) || vs_complain_of_text(path, &fault));
    if (good) take(inputs, path, number, &d, before.text + before.at, source.at - before.at);
    vs_document_free(&d);
    if (!good) return false;
  }
}

// A word that is no file may be meant as a case.
static void suggest(const char* word) {
  const char** names = calloc(vs_case_count, sizeof *names);
  if (names == NULL) return;
  for (size_t i = 0; i < vs_case_count; i++) names[i] = vs_cases[i].id;
  const char* nearest = vs_nearest(word, names, vs_case_count);
  if (nearest != NULL) fprintf(stderr, "vcpuspec: did you mean the case '%s'?\n", nearest);
  free(names);
}

static bool read_file(vs_inputs* inputs, const char* path, const vs_file* file) {
  return read_documents(inputs, strcmp(path, "-") == 0 ? "standard input" : path, file);
}

static bool read_word(vs_inputs* inputs, const char* word) {
  const vs_case* known = vs_case_find(word);
  if (known != NULL) {
    add(inputs)->c = *known;
    return true;
  }
  vs_file file;
  vs_why why;
  if (!vs_file_read(word, &file, &why)) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    suggest(word);
    return false;
  }
  const bool good = read_file(inputs, word, &file);
  vs_file_free(&file);
  return good;
}

bool vs_inputs_parse(vs_inputs* inputs, const char* path, const vs_file* file) {
  *inputs = (vs_inputs){0};
  const bool good = read_file(inputs, path, file);
  if (!good) vs_inputs_free(inputs);
  return good;
}

bool vs_inputs_read(vs_inputs* inputs, const char* const* words, size_t count) {
  *inputs = (vs_inputs){0};
  for (size_t i = 0; i < count; i++) {
    if (read_word(inputs, words[i])) continue;
    vs_inputs_free(inputs);
    return false;
  }
  return true;
}

void vs_inputs_free(vs_inputs* inputs) {
  for (size_t i = 0; i < inputs->count; i++) {
    vs_document_free(&inputs->items[i].document);
    free(inputs->items[i].id);
    free(inputs->items[i].text);
  }
  free(inputs->items);
  *inputs = (vs_inputs){0};
}
