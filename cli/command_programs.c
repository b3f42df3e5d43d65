// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "programs/programs.h"
#include "tables.h"

typedef struct programs_request {
  const char* folder;  // for findings; NULL: they are printed alone
  size_t count;
  vs_target targets[VS_PROGRAMS_BACKENDS];
  vs_programs_plan plan;
} programs_request;

static bool complain(const char* what, const char* detail) {
  fprintf(stderr, "vcpuspec: %s%s\n", what, detail);
  return false;
}

static bool understand(programs_request* q, const vs_arguments* a) {
  vs_programs_plan* plan = &q->plan;
  const bool counted = a->counts[VS_OPTION_NUMBER] > 0, timed = a->counts[VS_OPTION_SECONDS] > 0;
  if (a->word_count < 2 || a->word_count > VS_PROGRAMS_BACKENDS)
    return complain("programs compares two to eight backends: vcpuspec programs kvm unicorn", "");
  q->folder = vs_argument(a, VS_OPTION_FOLDER, NULL);
  plan->targets = q->targets;
  plan->target_count = q->count = a->word_count;
  plan->stop = &vs_stop;
  return vs_argument_number(a, VS_OPTION_SEED, 0, 0, UINT64_MAX, &plan->seed) &&
         vs_argument_number(a, VS_OPTION_NUMBER, counted || timed ? 0 : 2000, 1,
                            UINT64_C(1000000000000), &plan->count) &&
         vs_argument_duration(a, VS_OPTION_SECONDS, 0, 30.0 * 24 * 3600, &plan->seconds) &&
         vs_argument_seconds(a, VS_OPTION_TIMEOUT, 2, &plan->timeout);
}

// Each is ready, and of the first one's architecture.
static bool find_targets(programs_request* q, const vs_arguments* a, vs_exit* status) {
  for (size_t i = 0; i < q->count; i++) {
    if (!vs_find_ready_target(a->words[i], q->plan.timeout, &q->targets[i], status)) {
      q->count = i;
      return false;
    }
    if (q->targets[i].arch == q->targets[0].arch) continue;
    q->count = i + 1;
    *status = VS_EXIT_USAGE;
    fprintf(stderr, "vcpuspec: backend '%s' is %s, and '%s' is %s\n", a->words[0],
            vs_arch_find(q->targets[0].arch)->name, a->words[i],
            vs_arch_find(q->targets[i].arch)->name);
    return false;
  }
  return true;
}

static bool has_folder(const programs_request* q) {
  return q->folder == NULL || vs_make_folder(q->folder);
}

static bool write_finding(const programs_request* q, const vs_programs_finding* f) {
  char path[PATH_MAX];
  char name[VS_PROGRAMS_NAME];
  vs_programs_name(f, name);
  snprintf(path, sizeof path, "%.3000s/%s.txt", q->folder, name);
  FILE* out = fopen(path, "w");
  if (out == NULL) return complain(path, ": it cannot be written");
  vs_programs_print(out, &q->plan, f);
  return fclose(out) == 0 || complain(path, ": it cannot be written");
}

// False: a finding could not be kept.
static bool tell_findings(const programs_request* q, const vs_programs_outcome* o) {
  bool good = true;
  for (size_t i = 0; i < o->finding_count; i++) {
    vs_programs_print(stdout, &q->plan, &o->findings[i]);
    putchar('\n');
    good &= q->folder == NULL || write_finding(q, &o->findings[i]);
  }
  return good;
}

// "1 finding", "2 findings".
static const char* s_of(uint64_t count) {
  return count == 1 ? "" : "s";
}

static void tell_ends(const programs_request* q, const vs_programs_outcome* o) {
  for (size_t i = 0; i < q->count; i++) {
    if (o->ends[i] == 0) continue;
    printf("%s ended its process, or did not come back, %" PRIu64 " time%s\n", q->targets[i].name,
           o->ends[i], s_of(o->ends[i]));
  }
}

// The rows of findings.def that explain the most.
static void tell_rows(const vs_programs_outcome* o) {
  enum { SHOWN = 5 };
  bool told[VS_KNOWN_FINDINGS] = {false};
  size_t rows = 0;
  if (o->known == 0) return;
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) rows += o->rows[i] > 0;
  printf("known defects (docs/findings.md), and in how many disagreements each may have a part:\n");
  for (size_t n = 0; n < rows && n < SHOWN; n++) {
    size_t most = 0;
    while (told[most]) most++;
    for (size_t i = most; i < VS_KNOWN_FINDINGS; i++) {
      if (!told[i] && o->rows[i] > o->rows[most]) most = i;
    }
    told[most] = true;
    printf("  %s %" PRIu64 "\n", vs_known_findings[most].id, o->rows[most]);
  }
  if (rows > SHOWN) printf("  and %zu more\n", rows - SHOWN);
}

static void tell_sum(const programs_request* q, const vs_programs_outcome* o) {
  if (q->targets[0].arch == VS_ARCH_X64 && !o->features.exceptions)
    printf("no program has an exception: those of a guest do not reach its handlers everywhere\n");
  if (o->is_full) printf("ended early: more findings than are kept\n");
  tell_ends(q, o);
  if (o->vanished > 0) printf("%" PRIu64 " disagreed once, and not when run again\n", o->vanished);
  tell_rows(o);
  for (size_t i = 0; i < q->count; i++)
    printf("%s%s", i == 0 ? "" : i + 1 < q->count ? ", " : " and ", q->targets[i].name);
  printf(", seed %" PRIu64 ": %" PRIu64 " program%s in %.1f s, %.0f per second\n", q->plan.seed,
         o->run, s_of(o->run), o->seconds, o->seconds > 0 ? (double)o->run / o->seconds : 0);
  printf("%" PRIu64 " agree, %" PRIu64 " disagree by known defects, %" PRIu64
         " as a finding above, %zu finding%s\n",
         o->agreed, o->known, o->repeated, o->finding_count, s_of(o->finding_count));
}

static vs_exit compare(const programs_request* q) {
  vs_why why;
  vs_exit status = VS_EXIT_INFRASTRUCTURE;
  vs_programs_outcome* o = calloc(1, sizeof *o);
  if (o == NULL) return status;
  const vs_programs_end end = vs_programs_run(&q->plan, o, &why);
  if (end != VS_PROGRAMS_DONE) {
    fprintf(stderr, "vcpuspec: %s\n", why.text);
    if (end == VS_PROGRAMS_UNSUPPORTED) status = VS_EXIT_NOTHING;
  } else {
    const bool kept = tell_findings(q, o);
    tell_sum(q, o);
    if (kept) status = o->finding_count > 0 ? VS_EXIT_FAILS : VS_EXIT_CONFORMS;
    if (kept && o->run == 0) status = VS_EXIT_NOTHING;
    if (vs_stop != 0) {
      printf("interrupted: exit status %d\n", VS_EXIT_INFRASTRUCTURE);
      status = VS_EXIT_INFRASTRUCTURE;
    }
  }
  free(o);
  return status;
}

vs_exit vs_command_programs(const vs_arguments* arguments) {
  programs_request* q = calloc(1, sizeof *q);
  vs_exit status = VS_EXIT_USAGE;
  if (q == NULL) return VS_EXIT_INFRASTRUCTURE;
  if (understand(q, arguments)) {
    vs_listen_for_stop();
    if (find_targets(q, arguments, &status)) status = has_folder(q) ? compare(q) : VS_EXIT_USAGE;
    for (size_t i = 0; i < q->count; i++) vs_target_close(&q->targets[i]);
  }
  free(q);
  return status;
}
