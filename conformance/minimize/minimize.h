// SPDX-License-Identifier: BSD-3-Clause
// The smallest script, with the smallest values, that still breaks the same clause on the same
// backend, or still makes the backend end in the same way.
#ifndef VS_CONFORMANCE_MINIMIZE_H_
#define VS_CONFORMANCE_MINIMIZE_H_

#include "runner/result.h"

typedef struct vs_minimizing {
  const vs_target* target;  // ready; once its files are others, nothing more is tried
  const vs_profile* profile;
  double timeout;  // seconds a call may take
  double until;    // vs_now() from which on nothing more is tried; 0: no end
  // Which violations of a script are looked at, also after others; NULL: its first alone. Those
  // that are kept are of the same clause and kind in any case. With NULL, a script by which the
  // backend ends is looked at too, also where no call is to blame.
  bool (*keeps)(const vs_violation* violation, void* context);
  // Told now and then; may be NULL.
  void (*progress)(size_t runs, size_t ops, void* context);
  void* context;
} vs_minimizing;

typedef struct vs_minimized {
  bool fails;              // the script broke a clause, or ended the backend, to begin with
  bool flaky;              // it did not always
  bool minimal;            // nothing more can be left out; false: what ended it was the runs, the
                           // time, vs_waits_stopped, or `gone`
  vs_why gone;             // why the backend could not be opened any more; "": it could
  vs_violation violation;  // that the smallest script shows, unless the backend ended between calls
  char ended[VS_DEATH_WORD];   // how the backend ends, as vs_death_word has it; "": it breaks a
                               // clause
  bool in_call;                // it ends within a call, and `violation` is of that
  vs_why death;                // the same in words
  char errors[VS_ERRORS_MAX];  // both ends of its standard error then, or ""
  vs_op* ops;                  // owned
  size_t count;
  size_t at;    // the op that shows it; those after it are joins
  size_t runs;  // times that a script was run
} vs_minimized;

// Makes a script smaller. False: no memory, no process, or the target is another now. The result is
// the caller's, to free with vs_minimized_free.
bool vs_minimize(const vs_minimizing* how, const vs_script* script, vs_minimized* result);
void vs_minimized_free(vs_minimized* result);

#endif  // VS_CONFORMANCE_MINIMIZE_H_
