// SPDX-License-Identifier: BSD-3-Clause
// From a run to its results.
#ifndef VS_CONFORMANCE_MAKE_H_
#define VS_CONFORMANCE_MAKE_H_

#include "results.h"
#include "runner/run.h"

// What a run was asked for, beside its plan. Everything is borrowed.
typedef struct vs_request {
  const char* program;  // "vcpuspec 0.1.0"
  const char* const* filters;
  size_t filter_count;
  const char* const* requires;  // globs of what has to be judged
  size_t require_count;
  uint64_t shard;
  uint64_t shards;
  const bool* required;  // of each target: it was asked for by --require-backend
  const bool* named;     // by --backend
} vs_request;

// Results of which none stands yet: there is a place for each that is expected, a target's
// together, as in vs_run.
vs_results* vs_results_new(const vs_plan* plan, const vs_request* request);

// The digest of what the cases say, and of their names.
const char* vs_results_texts(vs_store* store, const vs_plan* plan);

// One of them, of the target at this index.
vs_result vs_results_of(vs_store* store, const vs_plan* plan, const vs_case_result* result,
                        size_t backend);
// One that was not judged.
vs_result vs_results_not_judged(vs_store* store, size_t backend, const vs_case* c,
                                const char* note);

// Fills the places in which nothing stands: not judged, with the reason; then counts. So is all of
// a backend whose files were changed while it was judged.
// `interrupted`: the run was stopped.
void vs_results_close(vs_results* results, const vs_plan* plan, bool interrupted);

// Makes "counts" anew.
void vs_results_recount(vs_results* results);
// Results that are shown with this verdict.
size_t vs_results_count(const vs_results* results, vs_verdict shown);

enum { VS_DAY = 16 };  // bytes

// "2026-11-22", whatever SOURCE_DATE_EPOCH is: what expires does not wait for it.
void vs_results_today(char text[VS_DAY]);

// What of a failure is the same with every seed: "ZX_ERR_INVALID_ARGS -> ZX_OK", "rax -> other",
// "ZX_OK -> SIGSEGV". docs/expectations.md lists the words.
void vs_results_key(const vs_case_result* result, char* text, size_t size);
// The same of a violation, or, if that is NULL, of a backend that ended between two calls. `died`
// is how it ended (vs_death_word); "": it did not.
void vs_results_key_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                       char* text, size_t size);

// The same with what it touches: "rflags[16] -> other".
void vs_results_answer_of(const vs_violation* violation, const vs_arch_info* arch, const char* died,
                          char text[VS_ANSWER_TEXT]);

// --- parts of a result (describe_failure.c) ------------------------------------------------------

// NULL: the result is no failure. Its ops are the setup and what came right before the op that
// failed, which is the last: "33  T0: zx_vcpu_read_state(h2) = ZX_OK"; "(28 more)" stands for what
// is left out.
vs_failure_told* vs_describe_failure(vs_store* store, const vs_case_result* result);

// Both ends of what the implementation wrote to standard error: "stderr ...".
vs_texts vs_describe_errors(vs_store* store, const vs_case_result* result);

// "run", which repeats it, or "minimize", as a shell reads it; NULL, where the plan names no
// program.
const char* vs_describe_command(vs_store* store, const char* verb, const vs_plan* plan,
                                const vs_case_result* result);

// What led to the failure, as a script of its own; NULL, where there is none.
const char* vs_describe_script(vs_store* store, const vs_case_result* result);

#endif  // VS_CONFORMANCE_MAKE_H_
