// SPDX-License-Identifier: BSD-3-Clause
#include "covered.h"

#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"

void vs_accounts_begin(vs_accounts* accounts, const char* program, const vs_profile* profile) {
  *accounts = (vs_accounts){
      .profile = profile,
      .told = {.format = VS_COVERAGE_FORMAT, .version = VS_COVERAGE_VERSION, .program = program}};
}

void vs_accounts_free(vs_accounts* accounts) {
  for (size_t i = 0; i < accounts->coverage_count; i++) {
    vs_coverage_free(&accounts->coverages[i]);
  }
  free(accounts->coverages);
  vs_store_free(&accounts->store);
}

// --- backends -----------------------------------------------------------------------------------

// Of the profile, what is reachable.
static vs_coverage* coverage_of(vs_accounts* a, const vs_profile* profile) {
  size_t i = 0;
  while (i < a->coverage_count && a->coverages[i].profile != profile) i++;
  if (i == a->coverage_count) {
    const size_t size = (i + 1) * sizeof *a->coverages;
    a->coverages = vs_needed(realloc(a->coverages, size));
    a->coverages[a->coverage_count++] = (vs_coverage){.profile = profile};
  }
  return &a->coverages[i];
}

static const vs_reachable* reachable_by(vs_accounts* a, const vs_profile* profile, vs_arch arch) {
  return vs_needed((void*)(uintptr_t)vs_coverage_of(coverage_of(a, profile), arch));
}

static const vs_explored* explored_by(vs_accounts* a, const vs_reachable* all) {
  vs_coverage* coverage = coverage_of(a, all->profile);
  return vs_needed((void*)(uintptr_t)vs_coverage_explored(coverage, all->arch));
}

static void list_items(vs_store* store, vs_covered* row) {
  for (size_t i = 0; i < row->all->count; i++) {
    const vs_reached_by* by = &row->all->points[i];
    const vs_clause_set clauses = vs_reached_clauses(by);
    vs_covered_item* item = vs_grow(store, &row->combinations, sizeof *item);
    item->name = row->all->names[i];
    item->call = vs_ops[by->point.call].name;
    for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
      if (vs_has_clause(clauses, code)) vs_add(store, &item->clauses, vs_clauses[code].id);
    }
  }
}

static void list_transitions(vs_store* store, vs_covered* row) {
  for (size_t i = 0; i < row->explored->set.count; i++) {
    const vs_transition* t = &row->explored->set.items[i];
    vs_covered_item* item = vs_grow(store, &row->transitions, sizeof *item);
    item->name = row->explored->names[i];
    item->call = vs_ops[t->after.call].name;
  }
}

static vs_covered* row_of(vs_accounts* a, const char* name, const vs_reachable* all) {
  const char* arch = vs_arch_find(all->arch)->name;
  for (size_t i = 0; i < a->told.backends.count; i++) {
    vs_covered* row = &a->told.backends.at[i];
    if (row->all == all && strcmp(row->name, name) == 0) return row;
  }
  vs_covered* row = vs_grow(&a->store, &a->told.backends, sizeof *row);
  *row = (vs_covered){.name = vs_keep(&a->store, name),
                      .arch = arch,
                      .profile = all->profile->id,
                      .reachable = all->count,
                      .all = all,
                      .explored = explored_by(a, all)};
  row->transitions_reachable = row->explored->set.count;
  list_items(&a->store, row);
  list_transitions(&a->store, row);
  return row;
}

// --- results ------------------------------------------------------------------------------------

static bool find_arch(const char* name, vs_arch* arch) {
  for (uint32_t i = VS_ARCH_X64; i <= VS_ARCH_ARM64; i++) {
    *arch = (vs_arch)i;
    if (strcmp(vs_arch_find(i)->name, name) == 0) return true;
  }
  return false;
}

static const vs_profile* find_profile(const vs_accounts* a, const char* id) {
  const vs_profile* asked = a->profile;
  return asked != NULL && strcmp(asked->id, id) == 0 ? asked : vs_profile_find(id);
}

// NULL: `why`.
static vs_covered* row_of_column(vs_accounts* a, const char* path, const vs_column* column,
                                 vs_why* why) {
  vs_arch arch;
  const vs_profile* profile = find_profile(a, column->profile);
  if (column->reachable == 0) {
    vs_refuse(why, "%s: what %s has reached was not counted: run it again with this vcpuspec", path,
              column->name);
    return NULL;
  }
  if (profile == NULL || !find_arch(column->arch, &arch)) {
    vs_refuse(why,
              "%s: %s was judged by '%s', which is no profile of ours: name its file by "
              "--profile",
              path, column->name, column->profile);
    return NULL;
  }
  const vs_reachable* all = reachable_by(a, profile, arch);
  if (all->count == column->reachable) return row_of(a, column->name, all);
  vs_refuse(why,
            "%s: of another version: it says that %zu combinations can be reached, and there are "
            "%zu: run %s again with this vcpuspec",
            path, column->reachable, all->count, column->name);
  return NULL;
}

// The combinations of a row by their names; and its transitions.
static void index_items(const vs_covered* row, vs_index* names, vs_index* transitions) {
  size_t number;
  for (size_t i = 0; i < row->combinations.count; i++) {
    (void)vs_index_add(names, row->combinations.at[i].name, &number);
  }
  for (size_t i = 0; i < row->transitions.count; i++) {
    (void)vs_index_add(transitions, row->transitions.at[i].name, &number);
  }
}

// One that only an implementation's own choices lead to is not known.
static void mark_transitions(const vs_covered* row, const vs_index* names, const vs_result* one) {
  size_t number;
  for (size_t i = 0; i < one->transitions.count; i++) {
    if (vs_index_find(names, one->transitions.at[i], &number))
      row->transitions.at[number].reached = true;
  }
}

static bool mark_result(const vs_covered* row, const vs_index* names, const vs_result* one,
                        const char* path, vs_why* why) {
  for (size_t i = 0; i < one->reached.count; i++) {
    size_t number;
    if (!vs_index_find(names, one->reached.at[i], &number)) {
      return vs_refuse(
          why,
          "%s: of another version: %s has reached '%.80s', which is no combination: run "
          "it again with this vcpuspec",
          path, one->id, one->reached.at[i]);
    }
    row->combinations.at[number].reached = true;
  }
  return true;
}

// A case that this backend could not be judged by, and that has reached something on another.
static void say_why(vs_store* store, const vs_covered* row, const vs_index* names,
                    const vs_result* here, const vs_result* there) {
  for (size_t i = 0; i < there->reached.count; i++) {
    size_t number;
    if (!vs_index_find(names, there->reached.at[i], &number)) continue;
    vs_covered_item* item = &row->combinations.at[number];
    if (item->why == NULL)
      item->why =
          vs_said(store, "%s is %s: %s", here->id, vs_results_words[here->verdict], here->note);
  }
}

static bool says_why_not(const vs_result* one) {
  return (one->verdict == VS_VERDICT_UNSUPPORTED || one->verdict == VS_VERDICT_NOT_JUDGED) &&
         one->note != NULL && one->note[0] != '\0';
}

static void explain(vs_accounts* a, const vs_covered* row, const vs_index* names,
                    const vs_results* results, size_t column) {
  for (size_t i = 0; i < results->results.count; i++) {
    const vs_result* here = &results->results.at[i];
    if (here->backend != column || !says_why_not(here)) continue;
    for (size_t k = 0; k < results->results.count; k++) {
      const vs_result* there = &results->results.at[k];
      if (k != i && strcmp(there->id, here->id) == 0) say_why(&a->store, row, names, here, there);
    }
  }
}

// A backend that lacks a call reaches nothing of it.
static void mind_lacks(vs_accounts* a, const vs_covered* row, const vs_column* column) {
  for (size_t i = 0; i < column->lacks.count; i++) {
    for (size_t k = 0; k < row->combinations.count; k++) {
      vs_covered_item* item = &row->combinations.at[k];
      const char* symbol = vs_ops[row->all->points[k].point.call].symbol;
      if (strcmp(symbol, column->lacks.at[i]) == 0)
        item->why = vs_said(&a->store, "for want of %s", symbol);
    }
  }
}

bool vs_accounts_add_column(vs_accounts* accounts, const char* path, const vs_results* results,
                            size_t column, vs_why* why) {
  const vs_column* of = &results->backends.at[column];
  const vs_covered* row = row_of_column(accounts, path, of, why);
  if (row == NULL) return false;
  vs_index names = {0};
  vs_index transitions = {0};
  index_items(row, &names, &transitions);
  bool good = true;
  for (size_t i = 0; i < results->results.count && good; i++) {
    const vs_result* one = &results->results.at[i];
    if (one->backend != column) continue;
    good = mark_result(row, &names, one, path, why);
    mark_transitions(row, &transitions, one);
  }
  if (good) mind_lacks(accounts, row, of);
  if (good) explain(accounts, row, &names, results, column);
  vs_index_free(&names);
  vs_index_free(&transitions);
  return good;
}

bool vs_accounts_add_results(vs_accounts* accounts, const char* path, const vs_results* results,
                             vs_why* why) {
  bool good = true;
  for (size_t i = 0; i < results->backends.count && good; i++) {
    if (results->backends.at[i].state == VS_TARGET_READY)
      good = vs_accounts_add_column(accounts, path, results, i, why);
  }
  return good;
}

// --- traces -------------------------------------------------------------------------------------

bool vs_accounts_add_trace(vs_accounts* accounts, const char* name, const vs_trace* trace,
                           vs_why* why) {
  const vs_profile* profile =
      accounts->profile != NULL ? accounts->profile : vs_profile_find("documented");
  if (profile->arch != 0 && profile->arch != trace->arch) {
    return vs_refuse(why, "profile '%s' speaks of %s, and the trace is of %s", profile->id,
                     vs_arch_find(profile->arch)->name, vs_arch_find(trace->arch)->name);
  }
  vs_reached reached;
  vs_oracle* oracle = vs_needed(malloc(sizeof *oracle));
  const vs_covered* row = row_of(accounts, name, reachable_by(accounts, profile, trace->arch));
  if (!vs_reached_begin(&reached, row->all)) (void)vs_needed(NULL);
  const vs_listener listener = vs_reached_listener(&reached);
  (void)vs_judge_telling(oracle, trace, profile, &listener);
  for (size_t i = 0; i < row->combinations.count; i++) {
    row->combinations.at[i].reached |= reached.points[i];
  }
  for (size_t i = 0; i < row->transitions.count; i++) {
    row->transitions.at[i].reached |=
        vs_transitions_has(&reached.made, &row->explored->set.items[i]);
  }
  vs_reached_free(&reached);
  free(oracle);
  return true;
}

bool vs_accounts_add_points(vs_accounts* accounts, const char* path, const vs_column* column,
                            const uint8_t* points, vs_why* why) {
  const vs_covered* row = row_of_column(accounts, path, column, why);
  for (size_t i = 0; row != NULL && i < row->combinations.count; i++) {
    row->combinations.at[i].reached |= points[i / 8] >> i % 8 & 1;
  }
  return row != NULL;
}

void vs_accounts_close(vs_accounts* accounts) {
  for (size_t b = 0; b < accounts->told.backends.count; b++) {
    vs_covered* row = &accounts->told.backends.at[b];
    row->reached = row->transitions_reached = 0;
    for (size_t i = 0; i < row->combinations.count; i++) {
      vs_covered_item* item = &row->combinations.at[i];
      row->reached += item->reached;
      if (item->reached) item->why = NULL;
    }
    for (size_t i = 0; i < row->transitions.count; i++) {
      row->transitions_reached += row->transitions.at[i].reached;
    }
  }
}
