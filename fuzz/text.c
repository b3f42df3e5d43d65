// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: whatever bytes are read as scripts and traces, nothing crashes, and what was
// read is printed and read again as the same.
#include <stdlib.h>
#include <string.h>

#include "text/print.h"

// Of what loops unroll to: a few bytes could ask for seconds.
enum { OPS = 256 };

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static char* print(const vs_document* document, size_t* length) {
  char* text = NULL;
  FILE* out = open_memstream(&text, length);
  if (out == NULL) abort();
  vs_print_document(out, document);
  fclose(out);
  return text;
}

static void expect_same(const vs_document* a, const vs_document* b) {
  size_t ops = a->count * sizeof a->ops[0];
  size_t seen = a->count * sizeof(vs_observation);
  if (a->count != b->count || a->is_trace != b->is_trace || a->arch != b->arch) abort();
  if (a->count > 0 && memcmp(a->ops, b->ops, ops) != 0) abort();
  if (a->is_trace && a->count > 0 && memcmp(a->observations, b->observations, seen) != 0) abort();
}

static void round_trip(const vs_document* document) {
  size_t length;
  size_t again_length;
  char* text = print(document, &length);
  vs_source source = vs_source_of(text, length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document again;
  vs_fault fault;
  if (vs_document_read(&source, &reading, &again, &fault) != VS_READ_OK) abort();
  expect_same(document, &again);
  char* text_again = print(&again, &again_length);
  if (length != again_length || memcmp(text, text_again, length) != 0) abort();
  vs_document_free(&again);
  free(text_again);
  free(text);
}

static void read_as(const uint8_t* data, size_t size, vs_arch arch) {
  vs_source source = vs_source_of((const char*)data, size);
  vs_reading reading = {.arch = arch, .limit = OPS};
  vs_document document;
  vs_fault fault;
  while (vs_document_read(&source, &reading, &document, &fault) == VS_READ_OK) {
    round_trip(&document);
    vs_document_free(&document);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_as(data, size, VS_ARCH_X64);
  read_as(data, size, VS_ARCH_ARM64);
  return 0;
}
