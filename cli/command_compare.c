// SPDX-License-Identifier: BSD-3-Clause
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "statements/contrast.h"

enum { CALLS = 3 };  // that are told of each case

typedef struct compare_request {
  const vs_arguments* arguments;
  const vs_profile* profile;  // a user's own; NULL: none is named
  vs_taken files[2];          // owned
  vs_side sides[2];
} compare_request;

static bool read_side(compare_request* q, size_t at) {
  vs_why why;
  const char* path = q->arguments->words[at];
  vs_taken* file = &q->files[at];
  if (!vs_statement_or_results(file, path, q->profile, &why)) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    return false;
  }
  if (file->results->backends.count != 1) {
    fprintf(stderr,
            "vcpuspec: %s has results of %zu backends, and compare is of one and another: "
            "run --backend B --report json:FILE makes a file of one\n",
            path, file->results->backends.count);
    return false;
  }
  q->sides[at] = (vs_side){file->results->backends.at[0].name, file->results, file->answers};
  return true;
}

// What is meant by "it differs" is told where the rules, or the scripts, were others.
static void tell_what_is_compared(const compare_request* q) {
  const vs_column* a = &q->sides[0].results->backends.at[0];
  const vs_column* b = &q->sides[1].results->backends.at[0];
  const bool answers = q->sides[0].answers != NULL && q->sides[1].answers != NULL;
  if (strcmp(a->profile, b->profile) != 0)
    printf("%s was judged by profile %s, and %s by %s: their verdicts are of other rules\n",
           q->sides[0].name, a->profile, q->sides[1].name, b->profile);
  if (strcmp(a->arch, b->arch) != 0) {
    printf("%s is %s, and %s %s: their scripts differ, and verdicts alone are compared\n",
           q->sides[0].name, a->arch, q->sides[1].name, b->arch);
  } else if (!answers) {
    puts("of results, verdicts are compared; of two statements, each answer is");
  }
}

static vs_exit conclude(const vs_contrast* sum) {
  const size_t differ = sum->verdicts + sum->answers + sum->alone;
  printf(
      "%zu of %zu cases differ: %zu by verdict, %zu in an answer alone, %zu that one alone has; "
      "exit status %d\n",
      differ, sum->common + sum->alone, sum->verdicts, sum->answers, sum->alone,
      sum->common == 0 ? VS_EXIT_NOTHING : differ > 0);
  if (sum->common == 0) return VS_EXIT_NOTHING;
  return differ > 0 ? VS_EXIT_FAILS : VS_EXIT_CONFORMS;
}

static vs_exit carry_out(compare_request* q) {
  if (q->arguments->word_count != 2) {
    fprintf(stderr,
            "vcpuspec: compare takes two files, of `run --statement FILE` or `run --report "
            "json:FILE`: vcpuspec compare A B\n");
    return VS_EXIT_USAGE;
  }
  const char* word = vs_argument(q->arguments, VS_OPTION_PROFILE, NULL);
  if (word != NULL && (q->profile = vs_find_profile(word)) == NULL) return VS_EXIT_USAGE;
  if (!read_side(q, 0) || !read_side(q, 1)) return VS_EXIT_USAGE;
  const bool quiet = q->arguments->counts[VS_OPTION_QUIET] > 0;
  const bool one_name = strcmp(q->sides[0].name, q->sides[1].name) == 0;  // of two builds
  for (size_t i = 0; one_name && i < 2; i++) q->sides[i].name = q->arguments->words[i];
  if (!quiet) tell_what_is_compared(q);
  if (strcmp(q->sides[0].results->backends.at[0].arch, q->sides[1].results->backends.at[0].arch) !=
      0)
    q->sides[0].answers = NULL;
  const size_t calls = q->arguments->counts[VS_OPTION_FULL] > 0 ? SIZE_MAX : CALLS;
  const vs_contrast sum = vs_results_contrast(quiet ? NULL : stdout, calls, q->sides);
  return conclude(&sum);
}

vs_exit vs_command_compare(const vs_arguments* arguments) {
  compare_request q = {.arguments = arguments};
  const vs_exit status = carry_out(&q);
  for (size_t i = 0; i < 2; i++) vs_taken_free(&q.files[i]);
  return status;
}
