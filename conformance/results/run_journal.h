// SPDX-License-Identifier: BSD-3-Clause
// Every finished result of a run, a line each, on disk before it is told: whatever ends the run, it
// can go on from there. The first line says what was asked for.
#ifndef VS_CONFORMANCE_RUN_JOURNAL_H_
#define VS_CONFORMANCE_RUN_JOURNAL_H_

#include "make.h"

enum { VS_JOURNAL_PATH = 4096 };

typedef enum vs_run_journal_state {
  VS_RUN_JOURNAL_OPEN,
  VS_RUN_JOURNAL_OTHER,  // it is of another request; nothing was changed
  VS_RUN_JOURNAL_BUSY,   // another run keeps it
  VS_RUN_JOURNAL_BAD,    // it is no journal, or was spoilt; nothing was changed
  VS_RUN_JOURNAL_CANNOT  // it cannot be opened or written
} vs_run_journal_state;

typedef struct vs_run_journal {
  FILE* file;
  char path[VS_JOURNAL_PATH];
  char old[VS_JOURNAL_PATH + 16];  // what vs_run_journal_make_way renamed; "": nothing
  size_t found;                    // results that stood in it when it was opened
  bool was_empty;                  // it was there, and held no whole line
  double synced;
  bool failed;  // a result could not be written: the file holds what came before
  vs_why why;
} vs_run_journal;

// What has to be the same for results to belong together: the program, the profile with its rules,
// the seed, the cases with their texts, the backends, and the contents of those that are files.
// The texts are kept in the store.
vs_journal_head vs_run_journal_request(vs_store* store, const vs_plan* plan,
                                       const vs_request* request);

// Opens or makes the file, and puts the results that stand in it into `results` (vs_results_new);
// what a last, incomplete line holds is dropped. Children of this process do not have the file.
// But for OPEN, journal->why says in one line what is wrong and what to do, and there is nothing to
// close. `request` is borrowed until then.
vs_run_journal_state vs_run_journal_open(vs_run_journal* journal, const char* path,
                                         const vs_journal_head* request, const vs_plan* plan,
                                         vs_results* results);

// Adds a result. A broken one is left out: it is tried again. False: from now on nothing more is
// kept, and journal->why says why.
bool vs_run_journal_add(vs_run_journal* journal, const vs_result* result);

// `whole`: the results are somewhere else, and the file is not needed any more.
void vs_run_journal_close(vs_run_journal* journal, bool whole);

// Makes way for a new journal: an empty file is removed; what is there is renamed to PATH.old, or
// to PATH.old.2 and so on if that is there, and journal->old is the name. `*found` is how many
// results it holds of this request, 0 if none. But for OPEN, nothing is renamed, and journal->why
// says why.
vs_run_journal_state vs_run_journal_make_way(vs_run_journal* journal, const char* path,
                                             const vs_journal_head* request, size_t* found);

#endif  // VS_CONFORMANCE_RUN_JOURNAL_H_
