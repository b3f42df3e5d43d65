// SPDX-License-Identifier: BSD-3-Clause
// Violations, as a session comes upon them.
#ifndef VS_FUZZ_FINDINGS_H_
#define VS_FUZZ_FINDINGS_H_

#include "session_state.h"

// True if the process has met it before.
bool vs_fuzz_is_known(const vs_session* session, const vs_violation* why);

// Counts it, and at the first time writes it down, or prints it and ends the process. Of what is
// known, the script does not matter. `seen`: what the script's ops observed; may be NULL.
void vs_fuzz_found(vs_session* session, const vs_script* script, const vs_observation* seen,
                   const vs_violation* why);

#endif  // VS_FUZZ_FINDINGS_H_
