// SPDX-License-Identifier: BSD-3-Clause
#include "worker.h"

static void* run(void* argument) {
  vs_worker* worker = argument;
  pthread_mutex_lock(&worker->lock);
  for (;;) {
    while (!worker->busy && !worker->stopping) {
      pthread_cond_wait(&worker->changed, &worker->lock);
    }
    if (!worker->busy) break;
    pthread_mutex_unlock(&worker->lock);
    worker->job(worker->argument);
    pthread_mutex_lock(&worker->lock);
    worker->busy = false;
    pthread_cond_broadcast(&worker->changed);
  }
  pthread_mutex_unlock(&worker->lock);
  return NULL;
}

void vs_worker_init(vs_worker* worker) {
  *worker = (vs_worker){.alive = false};
  pthread_mutex_init(&worker->lock, NULL);
  pthread_cond_init(&worker->changed, NULL);
}

bool vs_worker_post(vs_worker* worker, void (*job)(void*), void* argument) {
  if (!worker->alive) {
    worker->alive = pthread_create(&worker->thread, NULL, run, worker) == 0;
    if (!worker->alive) return false;
  }
  pthread_mutex_lock(&worker->lock);
  worker->job = job;
  worker->argument = argument;
  worker->busy = true;
  pthread_cond_broadcast(&worker->changed);
  pthread_mutex_unlock(&worker->lock);
  return true;
}

void vs_worker_wait(vs_worker* worker) {
  pthread_mutex_lock(&worker->lock);
  while (worker->busy) pthread_cond_wait(&worker->changed, &worker->lock);
  pthread_mutex_unlock(&worker->lock);
}

void vs_worker_stop(vs_worker* worker) {
  if (!worker->alive) return;
  pthread_mutex_lock(&worker->lock);
  worker->stopping = true;
  pthread_cond_broadcast(&worker->changed);
  pthread_mutex_unlock(&worker->lock);
  pthread_join(worker->thread, NULL);
  worker->alive = false;
  worker->stopping = false;
}
