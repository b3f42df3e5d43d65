// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever bytes are read as a profile, nothing crashes, and what was read is
// printed and read again as the same.
#include <stdlib.h>
#include <string.h>

#include "text/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static char* print(const vs_profile* profile, size_t* length) {
  char* text = NULL;
  FILE* out = open_memstream(&text, length);
  if (out == NULL) abort();
  vs_profile_print(out, profile);
  fclose(out);
  return text;
}

static void expect_same(const vs_profile* a, const vs_profile* b) {
  if (strcmp(a->id, b->id) != 0 || strcmp(a->summary, b->summary) != 0) abort();
  if (a->ordered != b->ordered || a->arch != b->arch) abort();
  if (a->latitudes != b->latitudes || a->quirks != b->quirks) abort();
  if (a->flags_kept != b->flags_kept || a->flags_or_only != b->flags_or_only) abort();
  if (memcmp(a->order, b->order, sizeof a->order) != 0) abort();
}

static void round_trip(const vs_profile* profile) {
  size_t length;
  size_t again_length;
  char* text = print(profile, &length);
  vs_own_profile again;
  vs_fault fault;
  if (!vs_profile_parse(text, length, &again, &fault)) abort();
  expect_same(profile, &again.profile);
  char* text_again = print(&again.profile, &again_length);
  if (length != again_length || memcmp(text, text_again, length) != 0) abort();
  free(text_again);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vs_own_profile own;
  vs_fault fault;
  if (vs_profile_parse((const char*)data, size, &own, &fault)) round_trip(&own.profile);
  return 0;
}
