// SPDX-License-Identifier: BSD-3-Clause
// The text form: what is printed is read back into the same structs, and printed again it is the
// same bytes; whatever is wrong is told with its place.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cases/cases.h"
#include "text/print.h"

static char* print_case(const vs_case* c, vs_arch arch, vs_script* script, size_t* length) {
  char* text = NULL;
  cr_assert(vs_case_script(c, arch, 0, script));
  FILE* out = open_memstream(&text, length);
  vs_print_script(out, script, arch, c->clauses, c->clause_count);
  fclose(out);
  return text;
}

static void round_trip(const vs_case* c, vs_arch arch) {
  vs_script script;
  size_t length;
  char* text = print_case(c, arch, &script, &length);
  vs_source source = vs_source_of(text, length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  vs_document d;
  vs_fault fault;
  vs_read got = vs_document_read(&source, &reading, &d, &fault);
  cr_assert_eq(got, VS_READ_OK, "%s:%zu:%zu: %s", c->id, fault.line, fault.column, fault.message);
  cr_assert_eq(d.count, script.count);
  cr_expect_eq(d.arch, arch);
  cr_expect_str_eq(d.title, c->title);
  for (size_t i = 0; i < d.count; i++) {
    cr_assert(memcmp(&d.ops[i], &script.ops[i], sizeof d.ops[i]) == 0, "%s: op %zu", c->id, i);
  }
  char* again = NULL;
  size_t size;
  FILE* out = open_memstream(&again, &size);
  vs_print_document(out, &d);
  fclose(out);
  cr_expect(size == length && memcmp(text, again, size) == 0, "%s prints otherwise", c->id);
  free(again);
  free(text);
  vs_document_free(&d);
  vs_case_script_free(&script);
}

Test(round_trip, every_case_on_both_architectures) {
  for (size_t i = 0; i < vs_case_count; i++) {
    round_trip(&vs_cases[i], VS_ARCH_X64);
    round_trip(&vs_cases[i], VS_ARCH_ARM64);
  }
}
