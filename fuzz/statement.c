// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: any bytes are read as a statement, and nothing crashes, and what is refused is
// refused for a reason; as a text, with a digest that is right, so that what stands above it is
// looked at; and what is packed is unpacked again.
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "statements/gzip.h"
#include "statements/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

enum { MOST = 1 << 20 };

static void read_text(const vs_file* text) {
  vs_why why = {""};
  vs_statement s;
  if (!vs_statement_parse(&s, "data", text, NULL, &why)) {
    if (why.text[0] == '\0') abort();
    return;
  }
  // The oracle has no say in it: a whole statement is longer than any input.
  if (s.faults.count == 0) abort();
  vs_statement_free(&s);
}

static void read_packed(const char* bytes, size_t size) {
  vs_why why = {""};
  vs_file text;
  if (vs_gunzip(bytes, size, MOST, &text, &why)) {
    read_text(&text);
    vs_file_free(&text);
  } else if (why.text[0] == '\0') {
    abort();
  }
}

static void read_sealed(const char* bytes, size_t size) {
  vs_file text;
  char digest[SHA256_DIGEST_STRING_LENGTH];
  FILE* out = vs_memory_open(&text);
  if (out == NULL) abort();
  SHA256Data((const uint8_t*)bytes, size, digest);
  fwrite(bytes, 1, size, out);
  fprintf(out, "# sha256 %s\n", digest);
  if (!vs_memory_close(out, &text)) abort();
  read_text(&text);
  vs_file_free(&text);
}

static void pack_and_unpack(const char* bytes, size_t size) {
  vs_why why;
  vs_file packed;
  vs_file text;
  if (!vs_gzip(bytes, size, &packed)) abort();
  if (!vs_gunzip(packed.text, packed.length, size, &text, &why)) abort();
  if (text.length != size || (size > 0 && memcmp(text.text, bytes, size) != 0)) abort();
  vs_file_free(&text);
  if (size > 0 && vs_gunzip(packed.text, packed.length, size - 1, &text, &why)) abort();
  vs_file_free(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* bytes = (const char*)data;
  read_packed(bytes, size);
  read_sealed(bytes, size);
  pack_and_unpack(bytes, size);
  return 0;
}
