// SPDX-License-Identifier: BSD-3-Clause
// A thread that does one thing at a time on behalf of another. Owns its thread.
#ifndef VS_CONFORMANCE_WORKER_H_
#define VS_CONFORMANCE_WORKER_H_

#include <pthread.h>
#include <stdbool.h>

typedef struct vs_worker {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool alive;  // the thread runs
  bool busy;   // a job was posted and has not ended
  bool stopping;
  void (*job)(void* argument);
  void* argument;
} vs_worker;

void vs_worker_init(vs_worker* worker);

// Has the thread do job(argument); starts it at first use. The worker must be idle. False: no
// thread could be started.
bool vs_worker_post(vs_worker* worker, void (*job)(void*), void* argument);

// Waits for the posted job's end.
void vs_worker_wait(vs_worker* worker);

// Ends the thread and waits for its end. The next post starts a new one.
void vs_worker_stop(vs_worker* worker);

#endif  // VS_CONFORMANCE_WORKER_H_
