// SPDX-License-Identifier: BSD-3-Clause
#include "draw.h"

#include <stdlib.h>

#include "codec.h"
#include "mutate.h"
#include "text/print.h"

enum { ANEW = 8 };  // scripts after which one begins with nothing again

typedef struct drawing {
  vs_mutator mutator;
  vs_fuzz_script script;
  uint8_t bytes[VS_FUZZ_BYTES];
} drawing;

bool vs_fuzz_draw(FILE* out, vs_arch arch, unsigned count, uint64_t seed) {
  static const uint8_t no_clauses[1];
  const vs_arch_info* info = vs_arch_find(arch);
  drawing* d = calloc(1, sizeof *d);
  bool good = d != NULL && vs_mutator_open(&d->mutator, arch);
  for (unsigned n = 0; good && n < count; n++) {
    char title[32];
    vs_mutator_seed(&d->mutator, seed * count + n);
    if (n % ANEW == 0) d->script.count = 0;
    vs_mutate_script(&d->mutator, &d->script);
    size_t size = vs_fuzz_encode(&d->script, d->bytes, sizeof d->bytes);
    vs_fuzz_decode(d->bytes, size, info, &d->script);
    snprintf(title, sizeof title, "drawn %u", n);
    const vs_script script = {title, d->script.ops, d->script.count};
    vs_print_script(out, &script, arch, no_clauses, 0);
    fputc('\n', out);
  }
  if (good) vs_mutator_close(&d->mutator);
  free(d);
  return good;
}
