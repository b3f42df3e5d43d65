// SPDX-License-Identifier: BSD-3-Clause
#include "growth.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/refuse.h"
#include "process/child.h"
#include "program.h"

// --- any cost ---------------------------------------------------------------------------------

// The least of some: what else the machine does makes one longer, and never shorter.
static double least_cost(vs_growth_cost* cost, void* what, uint64_t count, size_t times,
                         long* kib) {
  double least = cost(what, count, kib);
  for (size_t i = 1; i < times && least >= 0 && !vs_waits_stopped(); i++) {
    const double again = cost(what, count, kib);
    if (again < least) least = again;
  }
  return least;
}

bool vs_growth_measure(vs_growth_cost* cost, void* what, bool has_base, uint64_t least,
                       uint64_t most, double seconds, vs_growth* growth) {
  long kib = 0;
  uint64_t n = least;
  const bool brief = seconds < 1;
  const size_t times = brief ? 1 : 3;
  growth->base = has_base ? least_cost(cost, what, 1, times, &kib) : 0;
  // 1 + 2 + 4 parts of the time, each so many times.
  const double part = seconds / (7.0 * (double)times);
  const double enough = growth->base + (growth->base > part ? growth->base : part);
  double took = growth->base < 0 ? -1 : cost(what, n, &kib);
  while (took >= 0 && took < enough && 8 * n <= (brief ? most / 4 : most) && !vs_waits_stopped()) {
    n *= 2;
    took = cost(what, n, &kib);
  }
  for (size_t i = 0; i < VS_GROWTH_SIZES && took >= 0 && !vs_waits_stopped(); i++) {
    growth->counts[i] = n << i;
    growth->kib[i] = 0;
    took = growth->seconds[i] = least_cost(cost, what, n << i, times, &growth->kib[i]);
  }
  return took >= 0 && !vs_waits_stopped();
}

vs_growth_verdict vs_growth_judge(const vs_growth* growth) {
  const size_t last = VS_GROWTH_SIZES - 1;
  const double first = growth->seconds[0] - growth->base;
  if (first < growth->base / 4) return VS_GROWTH_UNKNOWN;
  const double more = (growth->seconds[last] - growth->base) / (double)(1u << last);
  return more < 1.9 * first ? VS_GROWTH_LINEAR : VS_GROWTH_NOT_LINEAR;
}

// --- commands in a folder ---------------------------------------------------------------------

enum { WORDS = 8, PATH = 512 };  // bytes

typedef struct folder {
  const struct vs_growing* command;
  char path[PATH / 2];
  bool made;      // what the command needs but once
  uint64_t have;  // files that are there: counts never become less
  bool absent;    // there is no such command in this build
  vs_why* reason;
} folder;

static const char scene[] =
    "vcpuspec script 2\ntitle what grows\nclause write_state.return.ok\narch x86-64\n\n"
    "T0: h0 h1 = guest_create\nT0: h2 = vcpu_create h0 entry=0\n";
static const char writes[] = "T0: write_state h2 state rax=1\n";

static FILE* create(const folder* f, const char* name) {
  char path[PATH];
  snprintf(path, sizeof path, "%s/%s", f->path, name);
  FILE* out = fopen(path, "w");
  if (out == NULL) vs_refuse(f->reason, "%s cannot be written", path);
  return out;
}

static bool done(const folder* f, FILE* out) {
  return fclose(out) == 0 || vs_refuse(f->reason, "%s cannot be written", f->path);
}

static bool put_case(const folder* f, const char* name, uint64_t count) {
  FILE* out = create(f, name);
  if (out == NULL) return false;
  fputs(scene, out);
  for (uint64_t i = 0; i < count; i++) fputs(writes, out);
  return done(f, out);
}

static bool put_cases(folder* f, uint64_t count) {
  char name[32];
  bool good = true;
  for (; f->have < count && good; f->have++) {
    snprintf(name, sizeof name, "%" PRIu64 ".vcpu", f->have);
    good = put_case(f, name, 1);
  }
  return good;
}

static bool put_ops(folder* f, uint64_t count) {
  return put_case(f, "long.vcpu", count);
}

static bool put_traces(folder* f, uint64_t count) {
  static const char trace[] =
      "vcpuspec trace 2\ntitle what grows\nclause write_state.return.ok\narch x86-64\n"
      "backend soft\n\nT0: h0 h1 = guest_create\n"
      "= ZX_OK handle=0x1003 handle2=0x1007 changed=guest_handle:0..4 changed=vmar_handle:0..4\n"
      "T0: h2 = vcpu_create h0 entry=0\n= ZX_OK handle=0x100b changed=out:0..4\n";
  FILE* out = create(f, "all.trace");
  if (out == NULL) return false;
  for (uint64_t i = 0; i < count; i++) fprintf(out, "%s%s= ZX_OK\ndone\n", trace, writes);
  return done(f, out);
}

// A campaign that goes on from so many findings, as it would have kept them.
static bool put_findings(folder* f, uint64_t count) {
  char name[64];
  bool good = true;
  if (!f->made) {
    char* argv[] = {"vcpuspec", "fuzz", "--backend", "soft", "--seconds", "0.5", f->path, NULL};
    vs_program_cost cost;
    const bool ran = vs_program_run(argv, &cost);
    // 5: a busy machine judged nothing in that time. 3: the programs that fuzz are not there.
    f->made = ran && (cost.status == 0 || cost.status == 5);
    f->absent = ran && cost.status == 3;
    if (f->absent) return vs_refuse(f->reason, "no campaign can be run here (make fuzzers)");
    if (!f->made) return vs_refuse(f->reason, "a campaign ended with status %d", cost.status);
  }
  for (; f->have < count && good; f->have++) {
    snprintf(name, sizeof name, "findings/write_state.return.ok-%08" PRIx64 ".vcpu", f->have);
    FILE* out = create(f, name);
    good = out != NULL;
    if (!good) break;
    fprintf(out,
            "%s%s# profile documented\n# allowed ZX_OK\n# got ZX_ERR_INTERNAL\n"
            "# answer status ZX_ERR_INTERNAL %" PRIu64
            "\n# verdict fails\n# failed 8 of 8\n"
            "# first 2026-01-01T00:00:00Z\n# seen 1\n",
            scene, writes, f->have);
    good = done(f, out);
  }
  return good;
}

struct vs_growing {
  bool (*put)(folder* f, uint64_t count);
  const char* words[WORDS];  // after `vcpuspec`
  const char* file;          // within the folder, the last word; "": the folder; NULL: each case
  int status;                // that it exits with
};

static const struct vs_growing cases = {
    put_cases, {"run", "--backend", "soft", "--jobs", "1"}, NULL, 0};
static const struct vs_growing ops = {put_ops, {"run", "--backend", "soft"}, "long.vcpu", 0};
static const struct vs_growing traces = {put_traces, {"check"}, "all.trace", 0};
static const struct vs_growing findings = {
    put_findings, {"fuzz", "--backend", "soft", "--seconds", "0.1", "--quiet"}, "", 1};

const vs_grower vs_growers[] = {
    {"growth.cases", &cases, "a case", "run of so many scripts, each a process of its own", 16,
     4096},
    {"growth.ops", &ops, "an op", "run of one script of so many ops", 1024, 131072},
    {"growth.traces", &traces, "a trace", "check of one file of so many recorded traces", 256,
     65536},
    {"growth.findings", &findings, "a finding",
     "fuzz, a campaign that goes on from so many findings", 1024, 16384},
};
const size_t vs_grower_count = sizeof vs_growers / sizeof vs_growers[0];

// The words, and the files after them: argv, and what is to be freed of it.
static char** words_of(const folder* f, uint64_t count, char** files) {
  const uint64_t named = f->command->file == NULL ? count : 1;
  char** argv = calloc(WORDS + named + 2, sizeof *argv);
  *files = malloc(named * PATH);
  if (argv == NULL || *files == NULL) {
    free(argv);
    free(*files);
    return NULL;
  }
  size_t at = 0;
  argv[at++] = (char*)"vcpuspec";
  for (size_t i = 0; f->command->words[i] != NULL; i++) argv[at++] = (char*)f->command->words[i];
  for (uint64_t i = 0; i < named; i++) {
    char* name = *files + i * PATH;
    if (f->command->file == NULL) {
      snprintf(name, PATH, "%s/%" PRIu64 ".vcpu", f->path, i);
    } else {
      snprintf(name, PATH, "%s/%s", f->path, f->command->file);
    }
    argv[at++] = name;
  }
  return argv;
}

static double cost_of(void* what, uint64_t count, long* kib) {
  folder* f = what;
  char* files = NULL;
  vs_program_cost cost;
  if (!f->command->put(f, count)) return -1;
  char** argv = words_of(f, count, &files);
  if (argv == NULL) return -1;
  const bool ran = vs_program_run(argv, &cost);
  free(files);
  free(argv);
  if (!ran) return -1;
  if (cost.status != f->command->status) {
    vs_refuse(f->reason, "it ended with status %d, not %d", cost.status, f->command->status);
    return -1;
  }
  *kib = cost.kib;
  return cost.seconds;
}

static void remove_all(const char* path) {
  DIR* dir = opendir(path);
  char inner[PATH * 2];
  for (struct dirent* e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
    if (unlink(inner) != 0) remove_all(inner);
  }
  if (dir != NULL) closedir(dir);
  rmdir(path);
}

// A place for what is there for the time being; one that is too long a name is not used.
static const char* place(void) {
  const char* told = getenv("TMPDIR");
  const bool good = told != NULL && told[0] == '/' && strlen(told) < PATH / 2 - 32;
  return good ? told : "/tmp";
}

vs_bench_outcome vs_grower_measure(const vs_grower* grower, double seconds, vs_growth* growth,
                                   vs_why* reason) {
  folder f = {.command = grower->command, .reason = reason};
  vs_refuse(reason, vs_waits_stopped() ? "it was to end" : "no memory");
  snprintf(f.path, sizeof f.path, "%s/vcpuspec-bench-XXXXXX", place());
  if (mkdtemp(f.path) == NULL) {
    vs_refuse(reason, "no folder can be made in %s", place());
    return VS_BENCH_BROKEN;
  }
  const bool good =
      vs_growth_measure(cost_of, &f, true, grower->least, grower->most, seconds, growth);
  remove_all(f.path);
  return good ? VS_BENCH_MEASURED : f.absent ? VS_BENCH_ABSENT : VS_BENCH_BROKEN;
}
