// SPDX-License-Identifier: BSD-3-Clause
// Who a thread is. A record lives as long as its thread or a vCPU made by it, so that a new thread
// never has the identity of a dead one.
#ifndef VS_BACKENDS_UNICORN_THREAD_H_
#define VS_BACKENDS_UNICORN_THREAD_H_

#include <stdatomic.h>
#include <stdbool.h>

typedef struct vs_uc_thread {
  atomic_uint refs;
  atomic_bool has_vcpu;
} vs_uc_thread;

// The calling thread's record, made on the first call; NULL without memory. No reference is taken.
vs_uc_thread* vs_uc_thread_self(void);

// Whether the record is the calling thread's; makes none.
bool vs_uc_thread_is_self(const vs_uc_thread* thread);

void vs_uc_thread_ref(vs_uc_thread* thread);
void vs_uc_thread_unref(vs_uc_thread* thread);

#endif  // VS_BACKENDS_UNICORN_THREAD_H_
