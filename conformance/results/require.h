// SPDX-License-Identifier: BSD-3-Clause
// What has to be judged: an implementation that leaves a call out is judged by fewer cases, and
// would pass for conforming.
#ifndef VS_CONFORMANCE_REQUIRE_H_
#define VS_CONFORMANCE_REQUIRE_H_

#include "results.h"

// True if the glob matches the result's case, or one of its clauses.
bool vs_result_matches(const vs_result* result, const char* glob);
// The same of any of the results.
bool vs_results_match(const vs_results* results, const char* glob);

// True if it begins with "zx_", and matches the symbol of a call.
bool vs_is_call(const char* glob);

// Adds globs to "requires", each once; they are copied.
void vs_results_require(vs_results* results, const char* const* globs, size_t count);

// How many of the "requires" do not hold. One does not if
// - it matches neither a call nor a result;
// - it matches a call that a backend lacks;
// - a backend has a case that it matches, which was not judged, or was not run at all. Cases about
//   another architecture do not count.
// Of a shard, a case that was not run and a glob that matches nothing are left to the other shards.
// A backend that was not named and is not there is left out. The end's remarks have a line for
// each reason.
size_t vs_results_unmet(vs_results* results);

#endif  // VS_CONFORMANCE_REQUIRE_H_
