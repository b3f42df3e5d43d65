// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever bytes are read as results, nothing crashes; and of what is valid every
// report can be made, it is equal to itself, and joined with itself, or with the same of others, it
// is valid again.
#include <stdlib.h>
#include <string.h>

#include "results/exit.h"
#include "results/merge.h"
#include "results/render.h"
#include "results/show.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void render_all(const json_t* results) {
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    char* text = NULL;
    size_t length = 0;
    FILE* out = open_memstream(&text, &length);
    if (out == NULL || !vs_formats[i].render(out, results)) abort();
    fclose(out);
    if (length == 0) abort();
    free(text);
  }
}

static vs_screen nobodys_screen(void) {
  static FILE* nowhere;
  if (nowhere == NULL) nowhere = fopen("/dev/null", "we");
  if (nowhere == NULL) abort();
  return (vs_screen){.out = nowhere, .colours = true};
}

static void show(const json_t* results) {
  const vs_screen screen = nobodys_screen();
  size_t i;
  const json_t* result;
  json_array_foreach(json_object_get(results, "results"), i, result) {
    vs_show_result(&screen, result, "backend", NULL);
    free(vs_show_alike_key(result));
  }
  if (!vs_show_matrix(&screen, results, true)) abort();
  vs_show_expectations(&screen, results);
  vs_show_exit(&screen, results);
}

static void compare_with_itself(const json_t* results) {
  const vs_screen screen = nobodys_screen();
  vs_comparison c;
  if (!vs_results_compare(&screen, results, results, &c)) abort();
  if (c.regressed + c.fixed + c.changed + c.added + c.gone > 0) abort();
}

static void join(const json_t* a, const json_t* b) {
  char why[VS_MERGE_WHY] = "";
  char invalid[VS_RESULTS_WHY];
  const vs_merge_input inputs[] = {{"a", a}, {"b", b}};
  json_t* all = vs_results_merge(inputs, 2, why);
  if (all == NULL) {
    if (why[0] == '\0') abort();
    return;
  }
  vs_results_conclude(all);
  if (!vs_results_validate(all, invalid)) abort();
  show(all);
  render_all(all);
  json_decref(all);
}

// The same of other implementations.
static json_t* of_others(const json_t* results) {
  json_t* others = json_deep_copy(results);
  size_t i;
  json_t* backend;
  json_array_foreach(json_object_get(others, "backends"), i, backend) {
    char name[32];
    snprintf(name, sizeof name, "other%zu", i);
    if (json_object_set_new(backend, "name", json_string(name)) != 0) abort();
    if (json_object_set_new(backend, "spec", json_string(name)) != 0) abort();
  }
  return others;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  char why[VS_RESULTS_WHY] = "";
  json_t* results = json_loadb((const char*)data, size, JSON_REJECT_DUPLICATES, NULL);
  if (results == NULL) return 0;
  if (vs_results_validate(results, why)) {
    show(results);
    render_all(results);
    compare_with_itself(results);
    json_t* others = of_others(results);
    join(results, results);
    join(results, others);
    json_decref(others);
  } else if (why[0] == '\0') {
    abort();
  }
  json_decref(results);
  return 0;
}
