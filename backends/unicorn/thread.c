// SPDX-License-Identifier: BSD-3-Clause
#include "thread.h"

#include <pthread.h>
#include <stdlib.h>

static _Thread_local vs_uc_thread* self;
static pthread_key_t at_exit;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void on_thread_exit(void* record) {
  self = NULL;
  vs_uc_thread_unref(record);
}

static void make_key(void) {
  (void)pthread_key_create(&at_exit, on_thread_exit);
}

vs_uc_thread* vs_uc_thread_self(void) {
  if (self != NULL) return self;
  pthread_once(&key_once, make_key);
  vs_uc_thread* record = malloc(sizeof *record);
  if (record == NULL) return NULL;
  atomic_init(&record->refs, 1);
  atomic_init(&record->has_vcpu, false);
  if (pthread_setspecific(at_exit, record) != 0) {
    free(record);
    return NULL;
  }
  self = record;
  return record;
}

bool vs_uc_thread_is_self(const vs_uc_thread* thread) {
  return thread == self;
}

void vs_uc_thread_ref(vs_uc_thread* thread) {
  atomic_fetch_add(&thread->refs, 1);
}

void vs_uc_thread_unref(vs_uc_thread* thread) {
  if (atomic_fetch_sub(&thread->refs, 1) == 1) free(thread);
}
