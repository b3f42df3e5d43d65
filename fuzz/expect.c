// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever bytes are read as a list of known failures, nothing crashes; what was
// read is printed and read again as the same, and can be asked about any failure.
#include "expectations/expect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static char* print(const vs_expectations* all, size_t* length) {
  char* text = NULL;
  FILE* out = open_memstream(&text, length);
  if (out == NULL) abort();
  if (!vs_expectations_print(out, all)) abort();
  fclose(out);
  return text;
}

static void expect_same_entry(const vs_expectation* a, const vs_expectation* b) {
  if (a->disputed != b->disputed || a->sometimes != b->sometimes) abort();
  if (a->matches != b->matches || a->answers.count != b->answers.count) abort();
  for (size_t i = 0; i < VS_EXPECT_WORDS; i++) {
    if (!vs_is_same_text(a->words[i], b->words[i])) abort();
  }
  for (size_t i = 0; i < a->answers.count; i++) {
    if (strcmp(a->answers.at[i], b->answers.at[i]) != 0) abort();
  }
  if (!vs_is_same_text(a->comment, b->comment)) abort();
}

static void expect_same(const vs_expectations* a, const vs_expectations* b) {
  if (a->entries.count != b->entries.count || !vs_is_same_text(a->comment, b->comment)) abort();
  for (size_t i = 0; i < a->entries.count; i++) {
    expect_same_entry(&a->entries.at[i], &b->entries.at[i]);
  }
}

static void round_trip(const vs_expectations* all) {
  size_t length;
  size_t again_length;
  vs_expectations again;
  vs_fault fault;
  char* text = print(all, &length);
  if (!vs_expectations_parse(text, length, &again, &fault)) abort();
  expect_same(all, &again);
  char* text_again = print(&again, &again_length);
  if (length != again_length || memcmp(text, text_again, length) != 0) abort();
  vs_expectations_free(&again);
  free(text_again);
  free(text);
}

// Two names of an implementation, of which globs say something; and whatever is found holds.
static void ask(const vs_expectations* all) {
  static const vs_failing failing = {
      .backend = "plugin:./a/a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a.so",
      .name = "mutant:kind_8_bits",
      .profile = "documented",
      .clause = "write_state.description.kind",
      .answer = "ZX_ERR_INVALID_ARGS -> ZX_OK"};
  const char* today = "2026-11-22";
  const vs_expectation* found = vs_expectations_find(all, &failing, today);
  if (found != NULL && vs_expectation_is_over(found, &failing, today)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vs_expectations all;
  vs_fault fault;
  if (vs_expectations_parse((const char*)data, size, &all, &fault)) {
    round_trip(&all);
    ask(&all);
    vs_expectations_free(&all);
  } else if (fault.message[0] == '\0') {
    abort();
  }
  return 0;
}
