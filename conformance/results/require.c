// SPDX-License-Identifier: BSD-3-Clause
#include "require.h"

#include <fnmatch.h>
#include <string.h>

#include "cases/cases.h"
#include "text/calls.h"

// The cases of one backend that are unsupported for one reason.
typedef struct lack {
  size_t backend;
  const char* note;
  const char* first;
  size_t count;
} lack;

bool vs_result_matches(const vs_result* result, const char* glob) {
  if (fnmatch(glob, result->id, 0) == 0) return true;
  for (size_t i = 0; i < result->clauses.count; i++) {
    if (fnmatch(glob, result->clauses.at[i], 0) == 0) return true;
  }
  return false;
}

bool vs_is_call(const char* glob) {
  if (strncmp(glob, "zx_", 3) != 0) return false;
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (fnmatch(glob, vs_call_name(call), 0) == 0) return true;
  }
  return false;
}

static bool has(const vs_texts* texts, const char* text) {
  for (size_t i = 0; i < texts->count; i++) {
    if (strcmp(texts->at[i], text) == 0) return true;
  }
  return false;
}

void vs_results_require(vs_results* results, const char* const* globs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (has(&results->requires, globs[i])) continue;
    vs_add(&results->store, &results->requires, vs_keep(&results->store, globs[i]));
  }
}

// A backend that was not named, and that this machine has not, lacks nothing.
static bool is_lacking(const vs_results* all, const vs_result* one, const char* glob) {
  const vs_column* backend = &all->backends.at[one->backend];
  const bool meant = backend->named || backend->required || backend->state == VS_TARGET_READY;
  if (vs_verdict_is_judged(one->verdict) || one->verdict == VS_VERDICT_BROKEN || !meant)
    return false;
  if (one->about != NULL && strcmp(one->about, backend->arch) != 0) return false;
  return vs_result_matches(one, glob);
}

bool vs_results_match(const vs_results* results, const char* glob) {
  for (size_t i = 0; i < results->results.count; i++) {
    if (vs_result_matches(&results->results.at[i], glob)) return true;
  }
  return false;
}

// Calls that the glob names, and which a backend has not.
static size_t tell_calls(vs_results* all, const char* glob) {
  size_t told = 0;
  for (size_t i = 0; vs_is_call(glob) && i < all->backends.count; i++) {
    const vs_column* backend = &all->backends.at[i];
    for (size_t k = 0; k < backend->lacks.count; k++) {
      if (fnmatch(glob, backend->lacks.at[k], 0) != 0) continue;
      told++;
      vs_add(&all->store, &all->end.remarks,
             vs_said(&all->store, "%s: '%s' is required, and it has no %s", backend->name, glob,
                     backend->lacks.at[k]));
    }
  }
  return told;
}

// By backend and reason, in the order in which they come.
static size_t tell_lacks(vs_results* all, const char* glob) {
  vs_store* store = &all->store;
  vs_index keys = {0};
  VS_LIST(lack) lacks = {0};
  for (size_t i = 0; i < all->results.count; i++) {
    size_t number;
    const vs_result* one = &all->results.at[i];
    if (!is_lacking(all, one, glob)) continue;
    if (vs_index_add(&keys, vs_said(store, "%zu %s", one->backend, one->note), &number)) {
      lack* added = vs_grow(store, &lacks, sizeof *added);
      *added = (lack){one->backend, one->note, one->id, 0};
    }
    if (number < lacks.count) lacks.at[number].count++;
  }
  for (size_t i = 0; i < lacks.count; i++) {
    const lack* l = &lacks.at[i];
    vs_add(
        store, &all->end.remarks,
        vs_said(store, "%s: '%s' is required, and %zu case%s not judged (%s%s): %s",
                all->backends.at[l->backend].name, glob, l->count, l->count == 1 ? " is" : "s are",
                l->first, l->count == 1 ? "" : ", ...", l->note));
  }
  vs_index_free(&keys);
  return lacks.count;
}

static bool is_asked(const vs_results* all, size_t backend, const char* id) {
  for (size_t i = 0; i < all->results.count; i++) {
    const vs_result* one = &all->results.at[i];
    if (one->backend == backend && strcmp(one->id, id) == 0) return true;
  }
  return false;
}

// Cases of the suites that a filter, say, left out.
static size_t tell_left_out(vs_results* all, size_t backend, const char* glob) {
  size_t count = 0;
  const char* first = "";
  const vs_column* column = &all->backends.at[backend];
  for (size_t i = 0; i < vs_case_count; i++) {
    const vs_case* c = &vs_cases[i];
    const bool other = c->arch != 0 && strcmp(vs_arch_find(c->arch)->name, column->arch) != 0;
    if (other || !vs_case_matches(c, glob) || is_asked(all, backend, c->id)) continue;
    if (count++ == 0) first = c->id;
  }
  if (count == 0) return 0;
  vs_add(
      &all->store, &all->end.remarks,
      vs_said(&all->store, "%s: '%s' is required, and %zu case%s of it %s not in this run (%s%s)",
              column->name, glob, count, count == 1 ? "" : "s", count == 1 ? "is" : "are", first,
              count == 1 ? "" : ", ..."));
  return count;
}

static size_t tell_all_left_out(vs_results* all, const char* glob) {
  size_t count = 0;
  for (size_t i = 0; i < all->backends.count; i++) {
    if (all->backends.at[i].state == VS_TARGET_READY) count += tell_left_out(all, i, glob);
  }
  return count;
}

size_t vs_results_unmet(vs_results* results) {
  size_t unmet = 0;
  const bool whole = strcmp(results->shard, "1/1") == 0;
  for (size_t i = 0; i < results->requires.count; i++) {
    const char* glob = results->requires.at[i];
    const bool lost = whole && !vs_is_call(glob) && !vs_results_match(results, glob);
    if (lost) {
      vs_add(&results->store, &results->end.remarks,
             vs_said(&results->store, "'%s' is required, and no case of it was in this run", glob));
    }
    size_t missing = tell_lacks(results, glob) + tell_calls(results, glob);
    if (whole && !lost) missing += tell_all_left_out(results, glob);
    unmet += missing > 0 || lost;
  }
  return unmet;
}
