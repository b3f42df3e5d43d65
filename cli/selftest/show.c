// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "selftest.h"

enum { LISTED = 20, TEXT = 256 };

static void show_rows(FILE* out, const vs_selftest* selftest) {
  for (size_t i = 0; i < selftest->matrix.row_count; i++) {
    const vs_kill_row* row = &selftest->matrix.rows[i];
    const vs_mutant* mutant = row->mutant;
    if (row->state != VS_TARGET_READY) {
      fprintf(out, "NOT JUDGED  %s: %s\n", mutant->id, row->reason.text);
    } else if (row->kills == 0) {
      fprintf(out, "%s  %s (%s): no case fails at %s%s\n",
              row->by_chance ? "BY CHANCE " : "NOT CAUGHT", mutant->id, mutant->mistake,
              mutant->breaks, row->elsewhere > 0 ? ", though some fail elsewhere" : "");
    }
  }
}

static void show_variants(FILE* out, const vs_selftest* selftest) {
  for (size_t i = 0; i < selftest->variant_count; i++) {
    const vs_variant_result* variant = &selftest->variants[i];
    const char* id = variant->mutant->id;
    if (!variant->judged) {
      fprintf(out, "NOT JUDGED  %s: %s\n", id, variant->note);
      continue;
    }
    if (variant->flagged != NULL) {
      fprintf(out, "FLAGGED     %s is permitted (%s), and %s fails\n", id, variant->mutant->mistake,
              variant->flagged->id);
    }
    if (variant->noticed == NULL) {
      fprintf(out, "NOT NOTICED %s: no case fails under zircon-x64\n", id);
    }
    if (!variant->used) {
      fprintf(out, "NOT NEEDED  %s passes without %s\n", id, variant->mutant->latitude);
    }
  }
}

static void show_orders(FILE* out, const vs_selftest* selftest) {
  const vs_orders* orders = &selftest->orders;
  size_t listed = 0;
  char text[TEXT];
  if (!selftest->orders_judged) {
    fprintf(out, "NOT JUDGED  the orders of the checks: %s\n", selftest->orders_why.text);
    return;
  }
  for (size_t i = 0; i < orders->class_count; i++) {
    const vs_order_class* of = &orders->classes[i];
    bool own = i == orders->own;
    bool wrong = of->documented != NULL || own != (of->ordered == NULL);
    if (!wrong || ++listed > LISTED) continue;
    vs_order_say(of->order, text, sizeof text);
    if (of->documented != NULL) {
      fprintf(out, "FLAGGED     the order %s, by %s under documented\n", text, of->documented->id);
    } else if (own) {
      fprintf(out, "FLAGGED     zircon-x64's own order, by %s\n", of->ordered->id);
    } else {
      fprintf(out, "NOT NOTICED the order %s: no case fails under zircon-x64\n", text);
    }
  }
  if (listed > LISTED) fprintf(out, "            and %zu more\n", listed - LISTED);
  for (size_t i = 0; i < orders->sets - orders->sets_met; i++) {
    vs_reasons_say(orders->unmet[i], text, sizeof text);
    fprintf(out, "NOT MET     no case has a call with %s at once\n", text);
  }
}

static void show_historic(FILE* out, const vs_selftest* selftest) {
  for (size_t i = 0; i < vs_historic_count; i++) {
    const vs_historic_result* result = &selftest->historic[i];
    if (result->caught && result->passes) continue;
    fprintf(out, "HISTORIC    %s: %s\n", vs_historics[i].id, result->note);
  }
}

static void show_cases(FILE* out, const vs_selftest* selftest) {
  for (size_t c = 0; c < selftest->matrix.case_count; c++) {
    const vs_case* one = selftest->matrix.cases[c];
    if (selftest->cover.only[c] > 0 || vs_kept_why(one) != NULL) continue;
    fprintf(out,
            "NOT NEEDED  %s catches %zu mutants, and others catch each of them: remove it, or "
            "say in cli/selftest/kept.def why not\n",
            one->id, selftest->cover.kills[c]);
  }
}

// Mutants that one case alone catches, with that case: what hangs by a thread.
static void show_threads(FILE* out, const vs_selftest* selftest) {
  const vs_kill_matrix* matrix = &selftest->matrix;
  fprintf(out, "\nEssential cases, and the mutants that each alone catches:\n");
  for (size_t c = 0; c < matrix->case_count; c++) {
    size_t told = 0;
    if (selftest->cover.only[c] == 0) continue;
    fprintf(out, "  %-34s", matrix->cases[c]->id);
    for (size_t i = 0; i < matrix->row_count; i++) {
      bool its = matrix->rows[i].kills == 1 && vs_kill_cell(matrix, i, c) == VS_CELL_KILL;
      if (!its || ++told > 3) continue;
      fprintf(out, " %s", matrix->rows[i].mutant->id);
    }
    fprintf(out, told > 3 ? " and %zu more\n" : "\n", told - 3);
  }
}

static void show_numbers(FILE* out, const vs_selftest* selftest, const vs_selftest_gates* gates) {
  const vs_kill_matrix* matrix = &selftest->matrix;
  const vs_cover* cover = &selftest->cover;
  const vs_orders* orders = &selftest->orders;
  size_t good = selftest->variant_count - gates->flagged;
  fprintf(out, "\nmutants     %zu of %zu are caught, each at the clause that it breaks\n",
          cover->caught, matrix->row_count);
  size_t named = 0;
  for (size_t i = 0; i < matrix->row_count; i++) named += matrix->rows[i].named;
  fprintf(out, "first       of %zu, the first case that fails shows that clause before any other\n",
          named);
  fprintf(out, "variants    %zu of %zu pass documented\n", good, selftest->variant_count);
  if (selftest->whole && selftest->orders_judged) {
    fprintf(
        out,
        "orders      %zu orders of %d checks, which callers can tell apart into %zu: documented "
        "flags %zu, zircon-x64 passes %zu besides its own; %zu of %zu sets of reasons were met\n",
        orders->permutations, VS_MUTANT_REASON_COUNT, orders->class_count, orders->flagged,
        orders->missed, orders->sets_met, orders->sets);
  }
  if (selftest->whole) {
    fprintf(out, "historic    %zu of %zu are as they should be\n",
            vs_historic_count - gates->historic, vs_historic_count);
  }
  fprintf(out,
          "cases       %zu, of which %zu alone catch some mutant, %zu catch what others catch too, "
          "%zu catch none; %zu would be enough\n",
          matrix->case_count, cover->essential, matrix->case_count - cover->essential - cover->idle,
          cover->idle, cover->smallest);
  fprintf(out, "time        %.0f s\n", selftest->seconds);
}

void vs_selftest_show(FILE* out, const vs_selftest* selftest) {
  vs_selftest_gates gates = vs_selftest_judge(selftest);
  show_rows(out, selftest);
  show_variants(out, selftest);
  if (selftest->whole) {
    show_orders(out, selftest);
    show_historic(out, selftest);
    show_cases(out, selftest);
    show_threads(out, selftest);
  }
  if (gates.by_chance > 0) {
    fprintf(out, "%zu mutants are caught by chance here, for want of %s\n", gates.by_chance,
            selftest->matrix.missing);
  }
  show_numbers(out, selftest, &gates);
}
