// SPDX-License-Identifier: BSD-3-Clause
#include "lab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"
#include "text/file.h"

// As much as takes an emulated processor some ten seconds.
static const char sweeping[] = "--depth 2 --shard 1/8";

// Random programs, of KVM and of the engine that is in the same program.
enum { PROGRAMS = 1000 };

static void programs_begin(FILE* out, const vs_lab_plan* plan, const vs_lane* lane) {
  const char* engine = lane->machine->arch == VS_ARCH_X64 ? "unicorn" : "unicorn:arm64";
  fprintf(out,
          "run programs %g ./vcpuspec programs %s %s --timeout %g --seed %" PRIu64 " --count %d\n",
          lane->seconds, plan->inside, engine, plan->timeout, plan->seed, PROGRAMS);
}

static void exec_begins(FILE* out, const vs_lab_plan* plan, const vs_lane* lane, const char* name) {
  fprintf(out, "run %s %g ./vcpuspec exec --backend %s --as %s@%s --timeout %g --seed %" PRIu64,
          name, lane->seconds, plan->inside, plan->inside, lane->name, plan->timeout, plan->seed);
}

char* vs_lab_plan_of(const vs_lab_plan* plan, const vs_lane* lane) {
  vs_file text;
  FILE* out = vs_memory_open(&text);
  if (out == NULL) return NULL;
  exec_begins(out, plan, lane, "traces");
  for (size_t i = 0; i < plan->case_count; i++) {
    const vs_case* c = plan->cases[i];
    if (c->arch == 0 || c->arch == lane->machine->arch) fprintf(out, " %s", c->id);
  }
  fputc('\n', out);
  if (plan->whole && lane->scripts != NULL) {
    exec_begins(out, plan, lane, "fuzz");
    fputs(" drawn.vcpu\n", out);
  }
  if (plan->whole) {
    fprintf(out, "run sweep %g ./vcpuspec sweep --backend %s --profile %s --timeout %g %s\n",
            lane->seconds, plan->inside, plan->profile, plan->timeout, sweeping);
  }
  if (plan->whole && strncmp(plan->inside, "kvm", 3) == 0) programs_begin(out, plan, lane);
  return vs_memory_close(out, &text) ? text.text : NULL;
}

// --- where things are -------------------------------------------------------------------------

// tools/lab-packages fills it.
static void say_cache(char path[PATH_MAX]) {
  const char* own = getenv("VCPUSPEC_LAB_CACHE");
  const char* cache = getenv("XDG_CACHE_HOME");
  const char* home = getenv("HOME");
  if (own != NULL && own[0] != '\0') {
    snprintf(path, PATH_MAX, "%s", own);
  } else if (cache != NULL && cache[0] != '\0') {
    snprintf(path, PATH_MAX, "%s/vcpuspec/lab", cache);
  } else {
    snprintf(path, PATH_MAX, "%s/.cache/vcpuspec/lab", home != NULL ? home : "");
  }
}

static bool has_programs(const char* folder) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/lab-init", folder);
  if (access(path, R_OK) != 0) return false;
  snprintf(path, sizeof path, "%s/vcpuspec", folder);
  return access(path, R_OK) == 0;
}

bool vs_lab_find_programs(vs_lane* lane, const char* programs, vs_why* why) {
  static const char* const places[] = {"/lab-", "/../lib/vcpuspec/lab-"};
  char self[PATH_MAX - 64];
  if (programs != NULL) {
    snprintf(lane->programs, sizeof lane->programs, "%s", programs);
    if (has_programs(programs)) return true;
    return vs_refuse(why, "%.300s: vcpuspec and lab-init are not both there", programs);
  }
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  char* slash = strrchr(self, '/');
  if (slash != NULL) *slash = '\0';
  for (size_t i = 0; i < 2; i++) {
    snprintf(lane->programs, sizeof lane->programs, "%s%s%s", self, places[i], lane->machine->name);
    if (has_programs(lane->programs)) return true;
  }
  return vs_refuse(
      why,
      "there are no programs for %s guests beside vcpuspec: `make lab-programs` builds them, "
      "or name a folder with --programs",
      lane->machine->name);
}

bool vs_lab_find(vs_lane* lane, const char* programs, vs_why* why) {
  char cache[PATH_MAX];
  char stamp[PATH_MAX + 32];
  say_cache(cache);
  snprintf(stamp, sizeof stamp, "%s/%s/complete", cache, lane->machine->name);
  snprintf(lane->kernel, sizeof lane->kernel, "%.4000s/%s/kernel", cache, lane->machine->name);
  snprintf(lane->modules, sizeof lane->modules, "%.4000s/%s/modules", cache, lane->machine->name);
  if (access(stamp, R_OK) != 0)
    return vs_refuse(
        why,
        "no kernel for %s is in %.250s: `make lab-packages` fetches it, or name one with "
        "--kernel",
        lane->machine->name, cache);
  return vs_lab_find_programs(lane, programs, why);
}

void vs_lab_describe(const vs_lane* lane, char* text, size_t size) {
  char path[PATH_MAX + 16];
  vs_why why;
  vs_file file;
  text[0] = '\0';
  snprintf(path, sizeof path, "%s/../release", lane->modules);
  if (lane->modules[0] == '\0' || !vs_file_read(path, &file, &why)) return;
  snprintf(text, size, "%.*s", (int)strcspn(file.text, "\n"), file.text);
  vs_file_free(&file);
}

// --- booting ----------------------------------------------------------------------------------

static void show_progress(const vs_lane* lanes, size_t count, FILE* progress) {
  fprintf(progress, "\r\033[K");
  for (size_t i = 0; i < count; i++) {
    const vs_lane* lane = &lanes[i];
    const char* what = lane->broken         ? "broken"
                       : lane->over         ? "done"
                       : lane->greeted <= 0 ? "boots"
                       : !lane->run_count   ? "speaks"
                                            : lane->runs[lane->run_count - 1].name;
    fprintf(progress, "%s%s %.0f s: %s", i > 0 ? "; " : "", lane->name,
            lane->over ? lane->took : vs_now() - lane->since, what);
  }
  fflush(progress);
}

void vs_lab_boot(vs_lane* lanes, size_t count, const volatile sig_atomic_t* stop, FILE* progress) {
  const struct timespec pause = {0, 20000000};
  double shown = 0;
  size_t over = 0;
  for (size_t i = 0; i < count; i++) vs_lane_start(&lanes[i]);
  while (over < count) {
    over = 0;
    for (size_t i = 0; i < count; i++) {
      if (*stop) vs_lane_stop(&lanes[i], "it was stopped");
      over += vs_lane_step(&lanes[i]);
    }
    if (progress != NULL && vs_now() - shown > 0.5) {
      show_progress(lanes, count, progress);
      shown = vs_now();
    }
    if (over < count) nanosleep(&pause, NULL);
  }
  if (progress != NULL) fprintf(progress, "\r\033[K");
}

// --- what became of it ------------------------------------------------------------------------

static vs_exit exit_of_run(const vs_lane_run* run) {
  bool fails = run->ended && run->how == VS_LAB_EXIT && run->detail == VS_EXIT_FAILS;
  bool conforms = run->ended && run->how == VS_LAB_EXIT && run->detail == VS_EXIT_CONFORMS;
  return conforms ? VS_EXIT_CONFORMS : fails ? VS_EXIT_FAILS : VS_EXIT_INFRASTRUCTURE;
}

static void say_end(const vs_lane_run* run, char* text, size_t size) {
  if (!run->ended) {
    snprintf(text, size, "cut off");
  } else if (run->how == VS_LAB_TIME) {
    snprintf(text, size, "took too long");
  } else {
    snprintf(text, size, "%s %d", run->how == VS_LAB_EXIT ? "exit status" : "ended by signal",
             run->detail);
  }
}

vs_exit vs_lab_worse(vs_exit a, vs_exit b) {
  if (a == VS_EXIT_INFRASTRUCTURE || b == VS_EXIT_INFRASTRUCTURE) return VS_EXIT_INFRASTRUCTURE;
  return a == VS_EXIT_CONFORMS ? b : a;
}

static bool has_told(const vs_lane* lane, const char* name) {
  char path[PATH_MAX];
  struct stat about;
  vs_lane_path(lane, name, path);
  return stat(path, &about) == 0 && about.st_size > 0;
}

static vs_exit tell_run(const vs_lane* lane, const vs_lane_run* run, FILE* out) {
  char end[64];
  char errors[VS_LAB_NAME + 8];
  say_end(run, end, sizeof end);
  vs_exit status = exit_of_run(run);
  // What else there is to say of random scripts is said where they are judged.
  if (status == VS_EXIT_CONFORMS && strcmp(run->name, "fuzz") == 0) return status;
  fprintf(out, "  %-8s %s\n", run->name, end);
  int lines = status == VS_EXIT_CONFORMS ? 1 : 24;
  const bool judged_there = strcmp(run->name, "sweep") == 0 || strcmp(run->name, "programs") == 0;
  if (judged_there) vs_lane_show_end(lane, run->name, lines, "    | ", out);
  snprintf(errors, sizeof errors, "%s.err", run->name);
  if (status != VS_EXIT_CONFORMS) vs_lane_show_end(lane, errors, 8, "    | ", out);
  return status;
}

// Every line "run NAME ..." of the plan has to have begun, and a sweep to have told its sum.
static vs_exit tell_missing(const vs_lane* lane, FILE* out) {
  vs_exit status = VS_EXIT_CONFORMS;
  for (const char* line = lane->plan; *line != '\0';) {
    char name[VS_LAB_NAME];
    bool named = sscanf(line, "run %31s", name) == 1;
    if (named && vs_lane_find(lane, name) == NULL) {
      fprintf(out, "  %-8s never began\n", name);
      status = VS_EXIT_INFRASTRUCTURE;
    }
    line += strcspn(line, "\n");
    line += *line == '\n';
  }
  const vs_lane_run* sweep = vs_lane_find(lane, "sweep");
  if (sweep != NULL && exit_of_run(sweep) != VS_EXIT_INFRASTRUCTURE && !has_told(lane, "sweep")) {
    fputs("  sweep    printed nothing\n", out);
    status = VS_EXIT_INFRASTRUCTURE;
  }
  return status;
}

static void tell_why(const vs_lane* lane, FILE* out) {
  char path[PATH_MAX];
  fprintf(out, "  broken   %s\n", lane->why.text);
  vs_lane_show_end(lane, "qemu", 4, "    qemu: ", out);
  vs_lane_path(lane, "console", path);
  struct stat about;
  bool silent = stat(path, &about) != 0 || about.st_size == 0;
  fprintf(
      out,
      silent ? "    its console said nothing (%s)\n" : "    the console's last lines (all: %s)\n",
      path);
  vs_lane_show_end(lane, "console", 12, "    | ", out);
}

vs_exit vs_lab_tell(const vs_lane* lane, FILE* out) {
  char package[256];
  vs_exit status = lane->broken ? VS_EXIT_INFRASTRUCTURE : VS_EXIT_CONFORMS;
  vs_lab_describe(lane, package, sizeof package);
  fprintf(out, "%s: %s\n", lane->name, package[0] != '\0' ? package : lane->kernel);
  if (lane->greeted > 0) {
    fprintf(out, "  booted   %s, in %.0f s; %.0f s in all\n", lane->release, lane->greeted,
            lane->took);
  }
  for (size_t i = 0; i < lane->note_count; i++) fprintf(out, "  said     %s\n", lane->notes[i]);
  for (size_t i = 0; i < lane->run_count; i++) {
    status = vs_lab_worse(status, tell_run(lane, &lane->runs[i], out));
  }
  status = vs_lab_worse(status, tell_missing(lane, out));
  if (lane->broken) tell_why(lane, out);
  return status;
}
