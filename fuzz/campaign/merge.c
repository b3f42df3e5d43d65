// SPDX-License-Identifier: BSD-3-Clause
#include "merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"
#include "files.h"
#include "fuzzer.h"

enum { SECONDS_AT_LEAST = 60 };

#define FRESH "corpus.merged"
#define CONTROL "merge.control"  // by which libFuzzer survives inputs that end its process

static bool remove_one(const char* name, void* context) {
  char path[VS_PATH];
  vs_path(path, context, NULL, name);
  unlink(path);
  return true;
}

static void remove_directory(char* path) {
  vs_files_each(path, remove_one, path);
  rmdir(path);
}

void vs_campaign_merge_clean(const vs_campaign_plan* plan) {
  char path[VS_PATH];
  vs_path(path, plan->dir, FRESH, NULL);
  remove_directory(path);
  vs_path(path, plan->dir, CONTROL, NULL);
  unlink(path);
}

// In the child.
static void merge(void* argument) {
  const vs_campaign_plan* plan = argument;
  char log[VS_PATH];
  char corpus[VS_PATH];
  char fresh[VS_PATH];
  char control[VS_PATH + 32];
  char timeout[32];
  vs_path(log, plan->dir, "log.merge", NULL);
  vs_path(corpus, plan->dir, "corpus", NULL);
  vs_path(fresh, plan->dir, FRESH, NULL);
  snprintf(control, sizeof control, "-merge_control_file=%s/" CONTROL, plan->dir);
  snprintf(timeout, sizeof timeout, "-timeout=%u", (unsigned)plan->timeout + 2);
  vs_fuzzer_environment(plan, log);
  execl(plan->fuzzer, plan->fuzzer, "-merge=1", "-max_len=16384", "-rss_limit_mb=0", timeout,
        control, fresh, corpus, (char*)NULL);
  perror(plan->fuzzer);
  _exit(127);
}

static bool run(const vs_campaign_plan* plan, size_t units) {
  const struct timespec pause = {0, 20000000};
  vs_child child;
  double most = SECONDS_AT_LEAST + (double)units * 0.02;
  if (!vs_child_start(&child, most, merge, (void*)plan)) return false;
  while (!vs_child_ended(&child)) {
    if (plan->stop != NULL && *plan->stop) vs_child_kill(&child);
    nanosleep(&pause, NULL);
  }
  return child.death == VS_DEATH_EXIT && child.detail == 0;
}

bool vs_campaign_merge(const vs_campaign_plan* plan, vs_why* why) {
  char corpus[VS_PATH];
  char fresh[VS_PATH];
  vs_campaign_merge_clean(plan);
  vs_path(corpus, plan->dir, "corpus", NULL);
  vs_path(fresh, plan->dir, FRESH, NULL);
  size_t units = vs_files_each(corpus, NULL, NULL);
  if (mkdir(fresh, 0777) != 0) return vs_refuse(why, "%.400s: %s", fresh, strerror(errno));
  bool good = run(plan, units);
  if (!good) vs_refuse(why, "see %.400s/log.merge", plan->dir);
  if (good && vs_files_each(fresh, NULL, NULL) == 0) {
    good = false;
    vs_refuse(why, "no input is left");
  }
  if (good && renameat2(AT_FDCWD, fresh, AT_FDCWD, corpus, RENAME_EXCHANGE) != 0) {
    good = false;
    vs_refuse(why, "%.400s cannot take the place of the corpus: %s", fresh, strerror(errno));
  }
  vs_campaign_merge_clean(plan);
  return good;
}
