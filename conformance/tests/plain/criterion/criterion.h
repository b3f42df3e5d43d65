// SPDX-License-Identifier: BSD-3-Clause
// As much of Criterion as the tests of the model use, in one process and without a fork for each
// test: tools/model-mutants runs them some thousand times. A failure ends the process.
#ifndef VS_TESTS_PLAIN_CRITERION_H_
#define VS_TESTS_PLAIN_CRITERION_H_

#include <stdbool.h>
#include <string.h>

void plain_add(const char* name, void (*run)(void));
_Noreturn void plain_fail(const char* file, int line);

#define Test(suite, name, ...)                                          \
  static void suite##_##name(void);                                     \
  __attribute__((constructor)) static void add_##suite##_##name(void) { \
    plain_add(#suite "/" #name, suite##_##name);                        \
  }                                                                     \
  static void suite##_##name(void)

#define cr_assert(condition, ...) ((condition) ? (void)0 : plain_fail(__FILE__, __LINE__))
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b))
#define cr_assert_str_eq(a, b, ...) cr_assert(strcmp(a, b) == 0)
#define cr_expect(...) cr_assert(__VA_ARGS__)
#define cr_expect_eq(a, b, ...) cr_assert((a) == (b))
#define cr_expect_str_eq(a, b, ...) cr_assert(strcmp(a, b) == 0)

#endif  // VS_TESTS_PLAIN_CRITERION_H_
