// SPDX-License-Identifier: BSD-3-Clause
// A process that may crash, hang, exit or fork without hurting the one that started it, and memory
// that both see.
#ifndef VS_CONFORMANCE_CHILD_H_
#define VS_CONFORMANCE_CHILD_H_

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef enum vs_death { VS_DEATH_NONE, VS_DEATH_EXIT, VS_DEATH_SIGNAL, VS_DEATH_TIMEOUT } vs_death;

typedef struct vs_child {
  pid_t pid;  // 0: none
  double deadline;
  double looked;  // when it was last looked at whether a tracer holds its end
  bool told;      // the machine has told of its end
  vs_death death;
  int detail;  // exit status or signal number
} vs_child;

// Seconds since some point in the past.
double vs_now(void);

// Zeroed memory that survives a fork as the same memory. NULL: there is none.
void* vs_shared_new(size_t size);
void vs_shared_free(void* memory, size_t size);

// Makes a bool of a byte that another process may have written: all but 0 counts as true.
void vs_shared_mend(bool* flag);

// Runs work(argument) in a child, which then ends. The child's standard output goes to standard
// error; it dies with its parent. False: no process could be made.
bool vs_child_start(vs_child* child, double seconds, void (*work)(void*), void* argument);

// True once the child has ended, of itself or because its time was up; then `death` and `detail`
// say how, and whatever it started in its process group is gone too. Waits for what it has to kill,
// but no longer than vs_child_kill. Of one whose end a tracer keeps for itself it is true as well.
bool vs_child_ended(vs_child* child);

// Waits for it.
void vs_child_wait(vs_child* child);

// Returns as soon as it ends, and otherwise after a few milliseconds, or when a signal is handled.
void vs_child_await(vs_child* child);

// Ends it now. What does not end within a second (it may be another user's, or within the kernel)
// is told on standard error, and left.
void vs_child_kill(vs_child* child);

// While it is on, vs_children_await_one returns as soon as a child ends, and otherwise after a few
// milliseconds; or when a signal is handled. Of a process with one thread.
void vs_children_watch(bool on);
void vs_children_await_one(void);

// From now on what waits for other processes, or for an answer of theirs, gives up once `*stop` is
// not 0. NULL: nothing does. Children have the same, and their own `*stop`.
void vs_waits_stop_on(const volatile sig_atomic_t* stop);
bool vs_waits_stopped(void);

// Children that are started from now on do not have this file, which is open here; one at a time.
// -1: none.
void vs_children_never_have(int fd);

// Ends every process that is still a child of this one, also those that children left behind; not
// those that were there before the first vs_child_start (exec keeps a caller's children), nor
// anyone if those were more than 256. Waits a second at most; what does not end is told, and left.
// May be called from the handler of a signal.
void vs_children_end(void);

// Of a child that was ended by a limit of this machine's, and not for what it did: which, in words.
// NULL: it was not.
const char* vs_death_by_limit(const vs_child* child);

enum { VS_DEATH_WORD = 24 };  // bytes

// The same in a word: "SIGSEGV", "SIG64", "no_return", "exit=3".
void vs_death_word(const vs_child* child, char word[VS_DEATH_WORD]);

// "ended by SIGSEGV", "did not return within 10 s", "exited with status 3".
void vs_death_describe(const vs_child* child, double seconds, char* text, size_t size);

#endif  // VS_CONFORMANCE_CHILD_H_
