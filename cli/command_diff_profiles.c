// SPDX-License-Identifier: BSD-3-Clause
#include "common.h"
#include "diff_profiles/diff.h"
#include "text/print.h"

// The output is a text of scripts, each below what it shows.
typedef struct listing {
  size_t count;
  size_t answers;
} listing;

static void print_script(const vs_diff_side* side) {
  vs_print_script(stdout, &side->script, side->arch, NULL, 0);
  putchar('\n');
}

static void print_difference(const vs_difference* difference, void* context) {
  listing* l = context;
  l->count++;
  l->answers += !difference->effect;
  printf("# %zu. %s: %s\n", l->count, difference->effect ? "effect" : "answer", difference->words);
  bool several = difference->sides[0].arch != difference->sides[1].arch;
  for (size_t k = 0; k < 2; k++) {
    const vs_diff_side* side = &difference->sides[k];
    printf("#    %s", side->profile->id);
    if (several) printf(" (%s)", vs_arch_find(side->arch)->name);
    printf(": %s\n", side->words);
  }
  print_script(&difference->sides[0]);
  if (several) print_script(&difference->sides[1]);
}

vs_exit vs_command_diff_profiles(const vs_arguments* arguments) {
  if (arguments->word_count != 2) {
    vs_print_command_help(stderr, VS_COMMAND_diff_profiles);
    return VS_EXIT_USAGE;
  }
  const vs_profile* a = vs_find_profile(arguments->words[0]);
  const vs_profile* b = a != NULL ? vs_find_profile(arguments->words[1]) : NULL;
  if (b == NULL) return VS_EXIT_USAGE;
  listing l = {0};
  if (!vs_profiles_diff(a, b, print_difference, &l)) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  printf("# %s and %s: %zu classes of call are answered differently, %zu effects differ\n", a->id,
         b->id, l.answers, l.count - l.answers);
  if (a->arch != 0 && b->arch != 0 && a->arch != b->arch)
    printf("# they share no architecture: of the calls, zx_vcpu_write_state alone was compared\n");
  return VS_EXIT_CONFORMS;
}
