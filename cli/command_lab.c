// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common.h"
#include "common/refuse.h"
#include "draw.h"
#include "lab/lab.h"
#include "reports/show.h"
#include "run_session.h"
#include "text/file.h"

enum { DRAWN = 200, APPEND_MOST = 1800, ROOM_MIB = 100 };  // random scripts for each lane; bytes

static const double WITHIN = 60;  // seconds that a call may take on an emulated processor

typedef struct lab_request {
  const vs_arguments* arguments;
  vs_run_request run;
  vs_lane lanes[VS_LAB_MACHINE_COUNT];
  char specs[VS_LAB_MACHINE_COUNT][PATH_MAX + 64];
  char* scripts[VS_LAB_MACHINE_COUNT];  // owned
  char* plans[VS_LAB_MACHINE_COUNT];    // owned
  size_t count;
  const char* folder;
  vs_lab_plan plan;
  double seconds;
} lab_request;

// --- what is asked for ------------------------------------------------------------------------

static const vs_lab_machine* machine_of(vs_arch arch) {
  size_t i = 0;
  while (i < VS_LAB_MACHINE_COUNT - 1 && vs_lab_machines[i].arch != arch) i++;
  return &vs_lab_machines[i];
}

static bool complain(const char* why) {
  fprintf(stderr, "vcpuspec: %s\n", why);
  return false;
}

// A lane that has nothing to do is not booted.
static bool has_cases(const lab_request* q, const vs_lab_machine* machine) {
  for (size_t i = 0; i < q->run.case_count; i++) {
    uint8_t arch = q->run.cases[i]->arch;
    if (arch == 0 || arch == machine->arch) return true;
  }
  fprintf(stderr, "vcpuspec: no case that is asked for is of %s: lane '%s' is left out\n",
          vs_arch_find(machine->arch)->name, machine->name);
  return false;
}

// A name becomes part of files' names, and of the backend's.
static bool name_lane(vs_lane* lane, const char* name) {
  const char* good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t length = strlen(name);
  if (length > 0 && length < sizeof lane->name && strspn(name, good) == length && name[0] != '.') {
    memcpy(lane->name, name, length + 1);
    return true;
  }
  fprintf(stderr, "vcpuspec: --as '%s': a lane's name is of up to %zu letters, digits and ._-\n",
          name, sizeof lane->name - 1);
  return false;
}

static vs_lane* add_lane(lab_request* q, const vs_lab_machine* machine) {
  vs_lane* lane = &q->lanes[q->count++];
  lane->machine = machine;
  lane->append = vs_argument(q->arguments, VS_OPTION_APPEND, NULL);
  lane->folder = q->folder;
  lane->seconds = q->seconds;
  return lane;
}

static bool add_stock(lab_request* q, const vs_lab_machine* machine) {
  vs_why why;
  for (size_t i = 0; i < q->count; i++) {
    if (q->lanes[i].machine == machine) return true;
  }
  if (!has_cases(q, machine)) return true;
  vs_lane* lane = add_lane(q, machine);
  snprintf(lane->name, sizeof lane->name, "%s", machine->name);
  return vs_lab_find(lane, vs_argument(q->arguments, VS_OPTION_PROGRAMS, NULL), &why) ||
         complain(why.text);
}

static bool add_named(lab_request* q, const char* name) {
  const char* names[VS_LAB_MACHINE_COUNT];
  for (size_t i = 0; i < VS_LAB_MACHINE_COUNT; i++) {
    names[i] = vs_lab_machines[i].name;
    if (strcmp(name, names[i]) == 0) return add_stock(q, &vs_lab_machines[i]);
  }
  vs_complain("lane", name, names, VS_LAB_MACHINE_COUNT, "x64 or arm64");
  return false;
}

static bool is_kernel(const char* image) {
  struct stat about;
  if (stat(image, &about) == 0 && S_ISREG(about.st_mode)) return true;
  fprintf(stderr, "vcpuspec: %s is no file\n", image);
  return false;
}

static bool are_modules(const char* folder) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/modules.dep", folder);
  if (folder[0] == '\0' || access(path, R_OK) == 0) return true;
  fprintf(stderr, "vcpuspec: %s: %s: --modules names a folder such as /lib/modules/RELEASE\n", path,
          strerror(errno));
  return false;
}

static bool add_kernel(lab_request* q, const char* image) {
  const vs_arguments* a = q->arguments;
  vs_arch arch = VS_ARCH_X64;
  vs_why why;
  const char* word = vs_argument(a, VS_OPTION_ARCH, NULL);
  if (a->counts[VS_OPTION_LANE] > 0) {
    return complain("--kernel and --lane are one or the other: a lane has a kernel of its own");
  }
  if (word != NULL && !vs_find_arch(word, &arch)) return false;
  if (!has_cases(q, machine_of(arch))) return true;
  vs_lane* lane = add_lane(q, machine_of(arch));
  snprintf(lane->kernel, sizeof lane->kernel, "%s", image);
  snprintf(lane->modules, sizeof lane->modules, "%s", vs_argument(a, VS_OPTION_MODULES, ""));
  if (access(image, R_OK) != 0) {
    fprintf(stderr, "vcpuspec: %s: %s\n", image, strerror(errno));
    return false;
  }
  if (!is_kernel(image) || !are_modules(lane->modules)) return false;
  return name_lane(lane, vs_argument(a, VS_OPTION_AS, "custom")) &&
         (vs_lab_find_programs(lane, vs_argument(a, VS_OPTION_PROGRAMS, NULL), &why) ||
          complain(why.text));
}

// What --kernel is told of is nothing without it.
static bool is_alone(const vs_arguments* a, vs_option_code code) {
  if (a->counts[code] == 0) return true;
  fprintf(stderr, "vcpuspec: --%s goes with --kernel\n", vs_options[code].name);
  return false;
}

static bool add_lanes(lab_request* q) {
  const vs_arguments* a = q->arguments;
  const char* image = vs_argument(a, VS_OPTION_KERNEL, NULL);
  if (image != NULL) return add_kernel(q, image);
  if (!is_alone(a, VS_OPTION_MODULES) || !is_alone(a, VS_OPTION_ARCH) || !is_alone(a, VS_OPTION_AS))
    return false;
  for (size_t i = 0; i < a->counts[VS_OPTION_LANE]; i++) {
    if (!add_named(q, a->values[VS_OPTION_LANE][i])) return false;
  }
  for (size_t i = 0; i < VS_LAB_MACHINE_COUNT && a->counts[VS_OPTION_LANE] == 0; i++) {
    if (!add_stock(q, &vs_lab_machines[i])) return false;
  }
  return true;
}

// A guest waits for ever for a disk that is full.
static bool has_room(const char* folder) {
  struct statvfs about;
  if (statvfs(folder, &about) != 0) return true;
  uint64_t left = (uint64_t)about.f_bavail * about.f_frsize >> 20;
  if (left >= ROOM_MIB) return true;
  fprintf(stderr, "vcpuspec: %s: %u MiB are free, and a lane needs up to %d\n", folder,
          (unsigned)left, ROOM_MIB);
  return false;
}

static bool are_spoken_of(const lab_request* q) {
  const vs_profile* profile = q->run.profile;
  for (size_t i = 0; i < q->count; i++) {
    vs_arch arch = q->lanes[i].machine->arch;
    if (profile->arch == 0 || profile->arch == arch) continue;
    fprintf(stderr, "vcpuspec: profile '%s' speaks of %s, and lane '%s' is %s\n", profile->id,
            vs_arch_find(profile->arch)->name, q->lanes[i].name, vs_arch_find(arch)->name);
    return false;
  }
  return true;
}

static bool understand(lab_request* q) {
  const vs_arguments* a = q->arguments;
  const vs_profile* profile = q->run.profile;
  const char* append = vs_argument(a, VS_OPTION_APPEND, "");
  if (strlen(append) > APPEND_MOST)
    return complain("--append: a kernel takes no more than 1800 bytes");
  if (a->word_count > 0) return complain("lab takes no scripts: --filter chooses cases");
  q->folder = vs_argument(a, VS_OPTION_FOLDER, "vcpuspec-lab");
  // What a file says of the rules stays here; in the guest it is not there.
  bool own = vs_profile_find(profile->id) == profile;
  q->plan = (vs_lab_plan){.cases = q->run.cases,
                          .case_count = q->run.case_count,
                          .inside = vs_argument(a, VS_OPTION_INSIDE, "kvm"),
                          .profile = own ? profile->id : "documented",
                          .seed = q->run.seed,
                          .whole = a->counts[VS_OPTION_FILTER] == 0};
  vs_target inside;
  if (!vs_find_target(q->plan.inside, &inside)) return false;
  return vs_argument_seconds(a, VS_OPTION_TIMEOUT, WITHIN, &q->plan.timeout) &&
         vs_argument_seconds(a, VS_OPTION_SECONDS, 300, &q->seconds) && add_lanes(q) &&
         are_spoken_of(q) && vs_make_folder(q->folder) && has_room(q->folder);
}

// --- doing it ---------------------------------------------------------------------------------

static char* draw(const lab_request* q, const vs_lane* lane) {
  vs_file text;
  FILE* out = vs_memory_open(&text);
  if (out == NULL) return NULL;
  bool good = vs_fuzz_draw(out, lane->machine->arch, DRAWN, q->run.seed);
  if (!vs_memory_close(out, &text)) return NULL;
  if (good) return text.text;
  vs_file_free(&text);
  return NULL;
}

static bool boot(lab_request* q) {
  bool good = true;
  for (size_t i = 0; i < q->count; i++) {
    vs_lane* lane = &q->lanes[i];
    lane->scripts = q->scripts[i] = draw(q, lane);
    lane->plan = q->plans[i] = vs_lab_plan_of(&q->plan, lane);
    good = good && lane->scripts != NULL && lane->plan != NULL;
  }
  vs_listen_for_stop();
  if (good) {
    vs_lab_boot(q->lanes, q->count, &vs_stop, isatty(STDERR_FILENO) == 1 ? stderr : NULL);
  }
  return good || complain("no memory");
}

// --- random scripts ---------------------------------------------------------------------------

typedef struct drawn_sum {
  size_t judged;
  size_t failed;
  size_t unsupported;
  size_t broken;
  size_t lost;  // there is no trace, or one of something else
} drawn_sum;

static void judge_drawn(const lab_request* q, const vs_document* d, vs_oracle* oracle,
                        drawn_sum* sum, FILE* out) {
  vs_target target = {.spec = d->backend, .state = VS_TARGET_READY, .arch = d->arch};
  const vs_case c = {.id = d->title, .title = "a random script"};
  vs_case_result result = {.c = &c, .target = &target, .script = vs_document_script(d)};
  const vs_trace trace = vs_document_trace(d);
  const vs_plan plan = {.profile = q->run.profile};
  snprintf(target.name, sizeof target.name, "%s", d->backend);
  vs_result_judge(&result, oracle, q->run.profile, &trace);
  result.observations = d->observations;
  if (vs_verdict_is_failure(result.verdict)) {
    vs_report_result(out, &result, &plan);
    sum->failed++;
  } else if (result.verdict == VS_VERDICT_PASS || result.verdict == VS_VERDICT_PERMITTED) {
    sum->judged++;
  } else if (result.verdict == VS_VERDICT_UNSUPPORTED) {
    sum->unsupported++;
  } else {
    sum->broken++;
  }
}

// Each script that was sent has to have its trace: of its title, and of the same ops.
static void judge_each_drawn(const lab_request* q, const vs_lane* lane, const vs_traces* all,
                             drawn_sum* sum, FILE* out) {
  vs_source source = vs_source_of(lane->scripts, strlen(lane->scripts));
  const vs_reading reading = {.arch = lane->machine->arch};
  vs_oracle* oracle = malloc(sizeof *oracle);
  vs_document sent;
  vs_fault fault;
  while (oracle != NULL && vs_document_read(&source, &reading, &sent, &fault) == VS_READ_OK) {
    vs_why why;
    vs_script script = vs_document_script(&sent);
    const vs_document* trace = vs_traces_find(all, &script, sent.arch, &why);
    if (trace != NULL) judge_drawn(q, trace, oracle, sum, out);
    if (trace == NULL && sum->lost++ == 0)
      fprintf(out, "  fuzz     %s: %s\n", sent.title, why.text);
    vs_document_free(&sent);
  }
  free(oracle);
}

// Traces of random scripts are judged here, like those of cases.
static vs_exit judge_all_drawn(const lab_request* q, const vs_lane* lane, FILE* out) {
  char path[PATH_MAX];
  vs_why why;
  drawn_sum sum = {0};
  vs_lane_path(lane, "fuzz", path);
  if (!q->plan.whole || lane->stale) return VS_EXIT_CONFORMS;
  vs_traces* all = vs_traces_read(path, &why);
  if (all == NULL) {
    fprintf(out, "  fuzz     not judged: %s\n", why.text);
    return VS_EXIT_INFRASTRUCTURE;
  }
  judge_each_drawn(q, lane, all, &sum, out);
  vs_traces_free(all);
  fprintf(out,
          "  fuzz     %d random scripts: %zu conform, %zu fail, %zu unsupported, %zu broken, %zu "
          "lost\n",
          DRAWN, sum.judged, sum.failed, sum.unsupported, sum.broken, sum.lost);
  if (sum.failed > 0) fprintf(out, "    again: vcpuspec check %s\n", path);
  bool whole = sum.judged + sum.failed + sum.unsupported == DRAWN;
  vs_exit status = sum.failed > 0 ? VS_EXIT_FAILS : VS_EXIT_CONFORMS;
  return whole ? status : VS_EXIT_INFRASTRUCTURE;
}

// Why the recording ends where it ends.
static void say_why(const vs_lane* lane, vs_why* why) {
  const vs_lane_run* run = vs_lane_find(lane, "traces");
  if (lane->broken) {
    vs_refuse(why, "%.400s", lane->why.text);
  } else if (run == NULL || !run->ended || run->how != VS_LAB_EXIT || run->detail != 0) {
    char last[300];
    vs_lane_say_end(lane, "traces.err", last, sizeof last);
    vs_refuse(why, "the suite did not come to its end in the guest%s%s",
              last[0] != '\0' ? ": " : "", last);
  } else {
    why->text[0] = '\0';
  }
}

// The lanes' targets are the last.
static bool add_targets(lab_request* q) {
  vs_run_request* run = &q->run;
  for (size_t i = 0; i < q->count; i++) {
    size_t at = run->target_count;
    vs_target* target = &run->targets[at];
    char path[PATH_MAX];
    vs_lane_path(&q->lanes[i], "traces", path);
    snprintf(q->specs[i], sizeof q->specs[i], "recorded:%s", path);
    if (!vs_target_parse(q->specs[i], target)) return false;
    run->named[at] = true;
    run->target_count++;
  }
  return true;
}

// Nothing of what is in the file is judged.
static void distrust(vs_target* target, const char* why) {
  vs_target_close(target);
  target->state = VS_TARGET_BROKEN;
  vs_refuse(&target->reason, "%s", why);
}

// KVM's guests are of the machine's own architecture.
static bool is_of_another_arch(const lab_request* q, const vs_lane* lane, const vs_target* target) {
  bool kvm = strncmp(q->plan.inside, "kvm", 3) == 0;
  return kvm && target->recorded != NULL && target->arch != lane->machine->arch;
}

static void explain_targets(lab_request* q) {
  vs_run_request* run = &q->run;
  for (size_t i = 0; i < q->count; i++) {
    vs_target* target = &run->targets[run->target_count - q->count + i];
    vs_why why;
    say_why(&q->lanes[i], &why);
    snprintf(target->name, sizeof target->name, "%.30s@%s", q->plan.inside, q->lanes[i].name);
    if (q->lanes[i].stale) {
      distrust(target, why.text);
    } else if (is_of_another_arch(q, &q->lanes[i], target)) {
      distrust(target, "its traces are of another architecture than its machine");
    } else if (target->recorded != NULL) {
      target->recorded->early = why;
    } else if (why.text[0] != '\0') {
      target->reason = why;
    }
  }
}

static vs_exit judge(lab_request* q) {
  FILE* out = vs_report_files_use_stdout(&q->run.reports) ? stderr : stdout;
  vs_exit within = VS_EXIT_CONFORMS;
  for (size_t i = 0; i < q->count; i++) {
    vs_exit status = vs_lab_tell(&q->lanes[i], out);
    vs_exit drawn = judge_all_drawn(q, &q->lanes[i], out);
    within = vs_lab_worse(within, vs_lab_worse(status, drawn));
  }
  fputc('\n', out);
  fflush(out);
  if (!add_targets(q) || !vs_run_request_probe(&q->run)) return VS_EXIT_USAGE;
  explain_targets(q);
  vs_exit status = vs_run_session(&q->run);
  if (status == VS_EXIT_INFRASTRUCTURE || within == VS_EXIT_CONFORMS) return status;
  fprintf(out, "%s: exit status %d\n",
          within == VS_EXIT_FAILS ? "beside the cases, something failed in a guest"
                                  : "a guest did not do all that it was to",
          (int)within);
  return within;
}

static vs_exit carry_out(lab_request* q) {
  vs_exit status = vs_run_request_read(&q->run, q->arguments, NULL);
  if (status != VS_EXIT_CONFORMS) return status;
  if (!understand(q)) return VS_EXIT_USAGE;
  if (q->count == 0) return VS_EXIT_NOTHING;
  return boot(q) ? judge(q) : VS_EXIT_INFRASTRUCTURE;
}

vs_exit vs_command_lab(const vs_arguments* arguments) {
  lab_request* q = calloc(1, sizeof *q);
  if (q == NULL) {
    complain("no memory");
    return VS_EXIT_INFRASTRUCTURE;
  }
  q->arguments = arguments;
  setvbuf(stdout, NULL, _IOLBF, 0);
  vs_exit status = carry_out(q);
  for (size_t i = 0; i < VS_LAB_MACHINE_COUNT; i++) {
    free(q->scripts[i]);
    free(q->plans[i]);
  }
  vs_run_request_free(&q->run);
  free(q);
  return status;
}
