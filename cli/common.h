// SPDX-License-Identifier: BSD-3-Clause
// What several commands understand in the same way.
#ifndef VS_CLI_COMMON_H_
#define VS_CLI_COMMON_H_

#include <signal.h>

#include "cli.h"
#include "reports/render.h"
#include "runner/target.h"
#include "tables.h"

// The backend that a word names. False: one line on standard error says why.
bool vs_find_target(const char* spec, vs_target* target);

// The same, and it can be judged here. `*status` says how to end if not.
bool vs_find_ready_target(const char* spec, double timeout, vs_target* target, vs_exit* status);
// From now on what implementations write to their standard error is not passed on, but for what the
// target has written so far: it is started again and again, and says the same each time.
void vs_pass_on_no_more(const vs_target* target);
// False, once it was told: its files are others than when it was found.
bool vs_target_is_same(const vs_target* target);

// The architecture that a word names. False: one line on standard error says why.
bool vs_find_arch(const char* word, vs_arch* arch);

// The profile that a word names: one of ours or, where the word holds a '/', ends in ".profile" or
// is a file, the file's; of files, the last two stay valid. NULL: one line on standard error says
// why.
const vs_profile* vs_find_profile(const char* word);

// The one backend of a command that takes no more; `otherwise` if none is named. NULL: several are,
// and one line on standard error says so.
const char* vs_one_backend(const vs_arguments* arguments, const char* otherwise);

// True of NULL, and of what traces can name a backend by: one word. False: one line on standard
// error says so.
bool vs_is_backend_name(const char* word);

// What --report asks for. But for VS_EXIT_CONFORMS, one line on standard error says what is wrong.
vs_exit vs_open_reports(vs_report_files* files, const vs_arguments* arguments);

// False: a report would overwrite the file of this option (NULL: none), and a line on standard
// error says so.
bool vs_are_apart(const vs_report_files* files, const char* option, const char* path);

// Makes the folder, those above it too, unless it is there. False: it is none that can be written
// to, and one line on standard error says why.
bool vs_make_folder(const char* folder);

// From now on SIGINT and SIGTERM end what this process has started, and then this process.
void vs_mind_stop(void);

// Not 0: SIGINT or SIGTERM came since vs_listen_for_stop, and what is being done is to end soon.
extern volatile sig_atomic_t vs_stop;
void vs_listen_for_stop(void);

#endif  // VS_CLI_COMMON_H_
