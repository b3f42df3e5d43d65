// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever bytes are read as results, nothing crashes; and of what is valid every
// report can be made, it is equal to itself, and joined with itself, or with the same of others, it
// is valid again.
#include <stdlib.h>
#include <string.h>

#include "reports/compare.h"
#include "reports/render.h"
#include "reports/show.h"
#include "results/conclude.h"
#include "results/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void render_all(const vs_results* results) {
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    char* text = NULL;
    size_t length = 0;
    FILE* out = open_memstream(&text, &length);
    if (out == NULL || !vs_render(&vs_formats[i], out, results)) abort();
    fclose(out);
    if (length == 0) abort();
    free(text);
  }
}

static vs_screen blind_screen(void) {
  static FILE* nowhere;
  if (nowhere == NULL) nowhere = fopen("/dev/null", "we");
  if (nowhere == NULL) abort();
  return (vs_screen){.out = nowhere, .colours = true};
}

static void show(vs_results* results) {
  const vs_screen screen = blind_screen();
  for (size_t i = 0; i < results->results.count; i++) {
    vs_show_result(&screen, &results->results.at[i], "backend", NULL);
    vs_cause_key(&results->store, &results->results.at[i]);
  }
  vs_show_end(&screen, results, true);
}

static void compare_with_itself(const vs_results* results) {
  const vs_screen screen = blind_screen();
  const vs_comparison c = vs_results_compare(&screen, results, results);
  if (c.regressed + c.fixed + c.changed + c.added + c.gone > 0) abort();
}

// What is written can be read again.
static vs_results* read_again(const vs_results* results) {
  vs_why why;
  char* text = NULL;
  size_t length = 0;
  FILE* out = open_memstream(&text, &length);
  if (out == NULL || !vs_render(&vs_formats[VS_FORMAT_json], out, results)) abort();
  fclose(out);
  vs_results* again = vs_results_parse("again", text, length, &why);
  if (again == NULL) abort();
  free(text);
  return again;
}

static void join(vs_results* a, vs_results* b) {
  vs_store store = {0};
  vs_texts why = {0};
  vs_why unsound;
  const vs_merge_input inputs[] = {{"a", a}, {"b", b}};
  vs_results* all = vs_results_merge(inputs, 2, &store, &why);
  if ((all == NULL) != (why.count > 0)) abort();
  vs_store_free(&store);
  if (all == NULL) return;
  vs_results_conclude(all);
  if (!vs_results_are_sound(all, &unsound)) abort();
  show(all);
  render_all(all);
  vs_results_free(read_again(all));
  vs_results_free(all);
}

// The same of other implementations.
static vs_results* of_others(const vs_results* results) {
  vs_results* others = read_again(results);
  for (size_t i = 0; i < others->backends.count; i++) {
    vs_column* backend = &others->backends.at[i];
    backend->name = vs_said(&others->store, "other%zu", i);
    backend->spec = backend->name;
  }
  return others;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vs_why why = {""};
  vs_results* results = vs_results_parse("data", (const char*)data, size, &why);
  if (results != NULL) {
    show(results);
    render_all(results);
    compare_with_itself(results);
    vs_results* others = of_others(results);
    join(results, results);
    join(results, others);
    vs_results_free(others);
    vs_results_free(results);
  } else if (why.text[0] == '\0') {
    abort();
  }
  return 0;
}
