// SPDX-License-Identifier: BSD-3-Clause
// Runs a script on one backend, on real threads and with real buffers, and records what came out.
// Judges nothing. Does not survive the backend's crashes and hangs: conformance/runner/ isolates.
#ifndef VS_CONFORMANCE_EXECUTOR_H_
#define VS_CONFORMANCE_EXECUTOR_H_

#include "text/calls.h"

typedef struct vs_executor vs_executor;

// True if the backend has the call.
bool vs_calls_have(const vs_calls* calls, vs_call_index call);

// Makes a call with arguments that are numbers, in the order of its row.
zx_status_t vs_calls_make(const vs_calls* calls, vs_call_index call, const uint64_t* numbers);

// An executor for a backend that is open. NULL: no memory. `calls` must outlive it. The calling
// thread becomes thread 0 of every script.
vs_executor* vs_executor_open(const vs_calls* calls, vs_arch arch, zx_handle_t resource);

// The handle that VS_HANDLE_OTHER_RESOURCE stands for: vs_backend.other_resource. Before the first
// op.
void vs_executor_offer(vs_executor* executor, zx_handle_t other_resource);

// Calls are made by way of a backend that does not share this process's memory: vs_backend.reach
// and .held. Before the first op.
void vs_executor_reach_by(vs_executor* executor, bool (*reach)(const vs_region*, size_t),
                          bool (*held)(void));

// What this machine was short of, in words, so that an op was not done; NULL: of nothing. Ops from
// that one on are not done either, and stay VS_NOT_REACHED: nothing is learnt of them.
const char* vs_executor_shortage(const vs_executor* executor);

// Ends the threads, closes every handle that is still open, and frees.
void vs_executor_close(vs_executor* executor);

// Runs the script; observations[i] belongs to ops[i]. Before a call is made its outcome is
// VS_IN_CALL, so that whoever shares the memory sees how far a run came that ends within.
void vs_execute(vs_executor* executor, const vs_script* script, vs_observation* observations);

// Runs one op, as vs_execute does.
void vs_execute_op(vs_executor* executor, const vs_op* op, vs_observation* observation);

// The value that a handle argument stands for, by what the ops so far have made.
zx_handle_t vs_executor_value(vs_executor* executor, const vs_arg* ref);

// Runs work(argument) on a thread of the scripts, which must not be within a call, and waits for
// its end. False: no thread could be started, which is a shortage.
bool vs_executor_run_on(vs_executor* executor, uint8_t thread, void (*work)(void*), void* argument);

// Closes every handle that scripts left open; threads and memory are kept for the next script.
void vs_executor_reset(vs_executor* executor);

#endif  // VS_CONFORMANCE_EXECUTOR_H_
