// SPDX-License-Identifier: BSD-3-Clause
// One process that fuzzes one backend: runs inputs, has the oracle judge them, tells the fuzzer's
// engine what classes of calls the oracle has met, and writes violations down. One a process.
#ifndef VS_FUZZ_SESSION_H_
#define VS_FUZZ_SESSION_H_

#include "session_state.h"

// In place of a backend, for VS_FUZZ_CALL. MODEL: the model answers, and its answers are judged.
// NOTHING: inputs are not decoded, which measures what the engine itself takes.
#define VS_FUZZ_MODEL "model"
#define VS_FUZZ_NOTHING "nothing"

// False: `reason` says why, in a line.
bool vs_session_open(vs_session* session, const vs_session_options* options, vs_why* reason);
// The same on a backend that is open already, by whoever closes it.
bool vs_session_open_on(vs_session* session, const vs_session_options* options,
                        const vs_opened* opened, vs_why* reason);
void vs_session_close(vs_session* session);

// Runs one input and judges it. Where violations end the process, it may not return.
void vs_session_run(vs_session* session, const uint8_t* data, size_t size);

// Executes a script, judges it, and says what of it is to be said: VS_STEP_ALLOWED,
// VS_STEP_VIOLATION (`*why` says of what), VS_STEP_BROKEN (it makes no sense), VS_STEP_UNSUPPORTED
// (it has more explanations than the oracle has room for, or the profile says nothing of a call).
// Of what comes after a call that the oracle does not predict, nothing is said.
vs_step vs_session_try(vs_session* session, const vs_script* script, vs_observation* seen,
                       vs_violation* why);

#endif  // VS_FUZZ_SESSION_H_
