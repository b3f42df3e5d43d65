// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "reports/show.h"
#include "sweep/product.h"
#include "sweep/scene.h"
#include "sweep/show.h"
#include "sweep/sweep.h"
#include "text/calls.h"
#include "text/print.h"
#include "text/profile.h"
#include "words/describe.h"

enum { DEPTH_OF_SOFTWARE = 4, DEPTH_OF_OTHERS = 3 };

typedef struct sweep_request {
  const vs_arguments* arguments;
  const vs_profile* profile;
  bool profile_named;
  uint64_t shard;
  uint64_t shards;
  uint64_t depth;  // 0: what suits the backend
  uint64_t jobs;
  double timeout;
  const char* journal;
  vs_call_index call;
  bool quiet;
} sweep_request;

// --- what is asked for ------------------------------------------------------------------------

static bool read_depth(sweep_request* q) {
  const char* word = vs_argument(q->arguments, VS_OPTION_DEPTH, NULL);
  q->depth = 0;
  if (word == NULL) return true;
  if (strcmp(word, "full") == 0) {
    q->depth = VS_DEPTH_FULL;
    return true;
  }
  return vs_argument_number(q->arguments, VS_OPTION_DEPTH, 0, 1, VS_DEPTH_MOST, &q->depth);
}

// By its word in scripts, or by its symbol.
static bool read_call(sweep_request* q) {
  const char* word = vs_argument(q->arguments, VS_OPTION_CALL, "write_state");
  q->call = vs_call_find(word);
  if (q->call != VS_NO_CALL) return true;
  fprintf(stderr, "vcpuspec: --call '%s' is no call: vcpuspec list calls\n", word);
  return false;
}

static bool understand(sweep_request* q) {
  const vs_arguments* a = q->arguments;
  if (a->word_count > 0) {
    fprintf(stderr, "vcpuspec: unexpected argument '%s' (see vcpuspec sweep --help)\n",
            a->words[0]);
    return false;
  }
  q->quiet = a->counts[VS_OPTION_QUIET] > 0;
  q->journal = vs_argument(a, VS_OPTION_RESUME, NULL);
  if (q->journal != NULL && a->counts[VS_OPTION_BACKEND] > 1) {
    fprintf(stderr, "vcpuspec: --resume takes one --backend at a time\n");
    return false;
  }
  q->profile_named = a->counts[VS_OPTION_PROFILE] > 0;
  q->profile = vs_find_profile(vs_argument(a, VS_OPTION_PROFILE, "documented"));
  return q->profile != NULL && vs_argument_shard(a, &q->shard, &q->shards) && read_depth(q) &&
         read_call(q) && vs_argument_number(a, VS_OPTION_JOBS, 1, 1, VS_SWEEP_JOBS, &q->jobs) &&
         vs_argument_seconds(a, VS_OPTION_TIMEOUT, 10, &q->timeout);
}

// Whatever only computes is asked more than what has a processor to set up.
static uint8_t depth_of(const sweep_request* q, const vs_target* target) {
  if (q->depth != 0) return (uint8_t)q->depth;
  const vs_backend* backend = target->backend;
  bool software = backend != NULL && backend->calls != NULL && backend->calls->vcpu_enter == NULL;
  return software ? DEPTH_OF_SOFTWARE : DEPTH_OF_OTHERS;
}

// --- the model alone ----------------------------------------------------------------------------

static void print_product(const vs_profile* profile, const vs_product* p, vs_arch arch,
                          bool quiet) {
  printf("%s, %s: %" PRIu64 " combinations (%zu stages x %zu calls) in %.1f s, %.0f M/s\n",
         profile->id, vs_arch_find(arch)->name, p->combinations, p->stages, p->calls, p->seconds,
         (double)p->combinations * 1e-6 / p->seconds);
  if (quiet) return;
  printf("  %zu distinct sets of facts; %" PRIu64 " combinations have several answers\n",
         p->distinct, p->several);
  for (size_t i = 0; i < p->status_count; i++) {
    char line[64];
    vs_text text = vs_text_in(line, sizeof line);
    vs_say_status(&text, p->statuses[i].status);
    printf("  %-24s %14" PRIu64 "\n", line, p->statuses[i].count);
  }
  if (p->anything > 0) printf("  %-24s %14" PRIu64 "\n", "anything", p->anything);
  for (vs_defect_code code = 0; code < VS_DEFECT_COUNT; code++) {
    if (p->defects[code] == 0) continue;
    printf("  %-24s %14" PRIu64 " answers are not the page's\n", vs_defects[code].id,
           p->defects[code]);
  }
}

static bool print_outside(const vs_product* p, vs_arch arch) {
  if (p->empty > 0) printf("FAIL  %" PRIu64 " combinations have no answer\n", p->empty);
  if (p->outside == 0) return p->empty == 0;
  char words[256];
  char status[64];
  vs_space* space = vs_space_new(arch, 1, vs_scene_is_possible);
  vs_text text = vs_text_in(status, sizeof status);
  vs_say_status(&text, p->got);
  if (space != NULL) vs_combination_say(space, &p->worst, words, sizeof words);
  printf("FAIL  %" PRIu64 " answers are not the page's; the first: %s to %s\n", p->outside, status,
         space != NULL ? words : "a call");
  vs_space_free(space);
  return false;
}

// The rules alone are counted whole, at once.
static bool suits_model(const sweep_request* q) {
  static const vs_option_code others[] = {VS_OPTION_DEPTH, VS_OPTION_RESUME, VS_OPTION_CALL};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    if (q->arguments->counts[others[i]] == 0) continue;
    fprintf(stderr, "vcpuspec: --%s means nothing with --backend model\n",
            vs_options[others[i]].name);
    return false;
  }
  return true;
}

static vs_exit sweep_model(const sweep_request* q) {
  if (!suits_model(q)) return VS_EXIT_USAGE;
  bool fine = true;
  for (size_t i = 0; i < vs_profile_count; i++) {
    const vs_profile* profile = q->profile_named ? q->profile : &vs_profiles[i];
    if (q->profile_named && i > 0) break;
    vs_arch arch = profile->arch != 0 ? (vs_arch)profile->arch : VS_ARCH_X64;
    vs_product product;
    if (!vs_product_count_all(profile, arch, q->shard, q->shards, &product)) {
      fprintf(stderr, "vcpuspec: no memory\n");
      return VS_EXIT_INFRASTRUCTURE;
    }
    print_product(profile, &product, arch, q->quiet);
    fine &= print_outside(&product, arch);
  }
  return fine ? VS_EXIT_CONFORMS : VS_EXIT_FAILS;
}

// --- a backend ----------------------------------------------------------------------------------

enum { LONGEST = 100 };  // ops of a script that people read

static void print_script(const vs_shown* shown, vs_arch arch) {
  const uint8_t clause = (uint8_t)shown->result.judgement.violation.clause;
  if (shown->result.script.count > LONGEST) {
    printf("  script   %zu ops, not printed\n\n", shown->result.script.count);
    return;
  }
  puts("  script");
  vs_print_script(stdout, &shown->result.script, arch, &clause, 1);
  putchar('\n');
}

// Why what a sweep has seen is not shown by a script of its own.
static const char* not_shown(void) {
  return vs_stop ? "seen in the sweep, and not run alone, since the sweep was interrupted"
                 : "seen in the sweep, and not again when run alone";
}

static void print_failure(const sweep_request* q, const vs_space* space, const vs_target* target,
                          const vs_failure* failure) {
  const vs_showing showing = {space, target, q->profile, q->timeout};
  const vs_plan plan = {.profile = q->profile};
  vs_shown shown;
  if (!vs_failure_show(&showing, failure, &shown)) {
    printf("FAIL sweep on %s: %s; %s\n", target->name, vs_clauses[failure->key.clause].id,
           vs_stop ? not_shown() : "nothing could be run again");
    return;
  }
  if (shown.confirmed) {
    vs_report_result(stdout, &shown.result, &plan);
  } else {
    printf("FAIL sweep on %s: %s\n  clause   %s\n", target->name, shown.title,
           vs_clauses[failure->key.clause].id);
    printf("  %s\n", not_shown());
  }
  printf("  seen     %" PRIu64 " times; first: stage %" PRIu64 ", call %" PRIu64 "\n",
         failure->count, failure->stage, failure->to);
  print_script(&shown, target->arch);
  vs_shown_free(&shown);
}

static void print_silent(const sweep_request* q, const vs_space* space, const vs_target* target,
                         const vs_sweep_counts* c) {
  const vs_showing showing = {space, target, q->profile, q->timeout};
  vs_shown shown;
  bool told = vs_silent_show(&showing, c, &shown);
  printf("FAIL sweep on %s: %s: no answer\n  seen     %" PRIu64 " times; first: stage %" PRIu64
         ", call %" PRIu64 "\n",
         target->name, shown.title, c->silent, c->silent_stage, c->silent_at);
  if (told && shown.confirmed) {
    printf("  got      %s\n  script\n", shown.result.note);
    vs_print_script(stdout, &shown.result.script, target->arch, NULL, 0);
  } else {
    printf("  %s\n", not_shown());
  }
  putchar('\n');
  vs_shown_free(&shown);
}

// What came back where nothing is predicted.
static void print_recorded(const vs_sweep_counts* c) {
  printf("%" PRIu64 " combinations were recorded, not judged:\n", c->recorded);
  for (size_t i = 0; i < c->status_count; i++) {
    char status[64];
    vs_text text = vs_text_in(status, sizeof status);
    vs_say_status(&text, c->statuses[i].status);
    printf("  %-24s %14" PRIu64 "\n", status, c->statuses[i].count);
  }
}

static void print_skipped(const vs_sweep_outcome* o) {
  char status[64];
  vs_text text = vs_text_in(status, sizeof status);
  vs_say_status(&text, o->skipped_status);
  printf("%" PRIu64 " combinations were not judged", o->counts.skipped);
  if (o->skipped_for == VS_NO_CALL) {
    puts(": what they need could not be made");
  } else if (o->skipped_status == ZX_OK) {
    printf(", for want of %s\n", vs_call_name(o->skipped_for));
  } else {
    printf(": %s returned %s\n", vs_call_name(o->skipped_for), status);
  }
}

static uint64_t done_of(const vs_sweep_counts* c) {
  return c->accepted + c->refused + c->died - c->silent;
}

static void print_counts(const vs_target* target, const sweep_request* q, const vs_space* space,
                         const vs_sweep_outcome* o) {
  const vs_sweep_counts* c = &o->counts;
  printf("%s, profile %s: %" PRIu64 " combinations judged: %" PRIu64 " accepted, %" PRIu64
         " refused, %" PRIu64 " without an answer\n",
         target->name, q->profile->id, done_of(c), c->accepted, c->refused, c->died - c->silent);
  if (c->recorded > 0) print_recorded(c);
  if (c->skipped > 0) print_skipped(o);
  printf("depth %u, shard %" PRIu64 "/%" PRIu64 " of %" PRIu64
         " combinations, %zu stages; %zu "
         "failures; %.1f s\n",
         space->depth, q->shard, q->shards, space->combinations, space->stage_count,
         o->failures.count, o->seconds);
}

static void print_summary(const vs_target* target, const sweep_request* q, const vs_space* space,
                          const vs_sweep_outcome* o) {
  if (!q->quiet) print_counts(target, q, space, o);
  if (o->failures.beyond > 0) {
    printf("%" PRIu64 " more failures, of other sorts than the first %d, are not told\n",
           o->failures.beyond, VS_FAILURES_MAX);
  }
  if (o->outside > 0) {
    printf("FAIL the backend ended %" PRIu32 " times between two calls\n", o->outside);
  }
  if (!q->quiet) return;
  printf("%s, profile %s: %" PRIu64 " combinations judged, %" PRIu64 " not judged, %" PRIu64
         " recorded; %zu failures\n",
         target->name, q->profile->id, done_of(&o->counts), o->counts.skipped, o->counts.recorded,
         o->failures.count + (o->counts.silent > 0));
}

static vs_exit say_stopped(const sweep_request* q, const vs_sweep_outcome* o) {
  printf("interrupted, with %" PRIu64 " batches left", o->left);
  if (q->journal != NULL) printf("; --resume %s goes on", q->journal);
  printf(": exit status %d\n", VS_EXIT_INFRASTRUCTURE);
  return VS_EXIT_INFRASTRUCTURE;
}

static vs_exit conclude(const sweep_request* q, const vs_target* target, const vs_sweep_outcome* o,
                        vs_sweep_end end) {
  if (end == VS_SWEEP_STOPPED) return say_stopped(q, o);
  if (o->broken > 0) {
    printf("%" PRIu64 " steps made no sense to the oracle: exit status 3\n", o->broken);
    return VS_EXIT_INFRASTRUCTURE;
  }
  if (end == VS_SWEEP_GAVE_UP) {
    printf("gave up: %s ended %" PRIu32 " times, %" PRIu32
           " of them for want of an answer; %" PRIu64 " batches are left\n",
           target->name, o->deaths, o->hangs, o->left);
    return VS_EXIT_FAILS;
  }
  if (o->failures.count > 0 || o->outside > 0 || o->counts.silent > 0) return VS_EXIT_FAILS;
  bool judged = o->counts.accepted + o->counts.refused > 0;
  if (!judged) puts("nothing was judged: exit status 5");
  return judged ? VS_EXIT_CONFORMS : VS_EXIT_NOTHING;
}

static vs_exit sweep_space(const sweep_request* q, const vs_target* target, const vs_space* space) {
  char what[512];
  const char* digest = target->identity.digest;
  vs_sweep_outcome* outcome = calloc(1, sizeof *outcome);
  if (outcome == NULL) return VS_EXIT_INFRASTRUCTURE;
  bool other = q->call != VS_CALL_vcpu_write_state;
  snprintf(what, sizeof what,
           "backend %s%s%s, profile %s (%08" PRIx32 "), %s%sdepth %u, shard %" PRIu64 "/%" PRIu64
           ", %" PRIu64 " combinations",
           target->spec, digest[0] != '\0' ? " " : "", digest, q->profile->id,
           vs_profile_digest(q->profile), other ? vs_call_name(q->call) : "", other ? ", " : "",
           space->depth, q->shard, q->shards, space->combinations);
  const vs_sweep_plan plan = {.target = target,
                              .profile = q->profile,
                              .space = space,
                              .from = space->batches * (q->shard - 1) / q->shards,
                              .to = space->batches * q->shard / q->shards,
                              .jobs = (unsigned)q->jobs,
                              .timeout = q->timeout,
                              .journal = q->journal,
                              .what = what,
                              .stop = &vs_stop,
                              .progress = isatty(STDERR_FILENO) == 1 && !q->quiet};
  vs_sweep_end end = vs_sweep(&plan, outcome);
  vs_exit status = VS_EXIT_INFRASTRUCTURE;
  if (end == VS_SWEEP_BROKEN || end == VS_SWEEP_REFUSED) {
    fprintf(stderr, "vcpuspec: %s\n", outcome->reason.text);
    if (end == VS_SWEEP_REFUSED) status = VS_EXIT_USAGE;
  } else if (!vs_target_is_same(target)) {
    status = VS_EXIT_INFRASTRUCTURE;
  } else if (plan.from == plan.to) {
    puts("this shard is empty: there are more shards than batches of combinations");
    status = VS_EXIT_CONFORMS;
  } else {
    // A journal keeps them until the sweep goes on.
    bool tell = end != VS_SWEEP_STOPPED || q->journal == NULL;
    for (size_t i = 0; i < outcome->failures.count && tell; i++) {
      print_failure(q, space, target, &outcome->failures.items[i]);
    }
    if (tell && outcome->counts.silent > 0) print_silent(q, space, target, &outcome->counts);
    print_summary(target, q, space, outcome);
    status = conclude(q, target, outcome, end);
  }
  free(outcome);
  return status;
}

static vs_exit sweep_target(const sweep_request* q, const char* spec) {
  vs_target target;
  vs_exit status;
  if (!vs_find_target(spec, &target)) return VS_EXIT_USAGE;
  if (!vs_find_ready_target(spec, q->timeout, &target, &status)) return status;
  vs_target_close(&target);  // each process that sweeps has a shim of its own
  if (q->profile->arch != 0 && q->profile->arch != target.arch) {
    fprintf(stderr, "vcpuspec: profile '%s' speaks of %s, and backend '%s' is %s\n", q->profile->id,
            vs_arch_find(q->profile->arch)->name, spec, vs_arch_find(target.arch)->name);
    return VS_EXIT_USAGE;
  }
  vs_space* space = vs_space_of_call(q->call, target.arch, depth_of(q, &target), VS_RANK_OF_PAIRS,
                                     vs_scene_is_possible);
  if (space == NULL) {
    fprintf(stderr, "vcpuspec: no memory\n");
    return VS_EXIT_INFRASTRUCTURE;
  }
  status = sweep_space(q, &target, space);
  vs_space_free(space);
  return status;
}

// The graver of two: nothing was learnt, then a failure, then nothing judged.
static vs_exit graver(vs_exit a, vs_exit b) {
  static const vs_exit order[] = {VS_EXIT_USAGE, VS_EXIT_INFRASTRUCTURE, VS_EXIT_FAILS,
                                  VS_EXIT_NOTHING};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    if (a == order[i] || b == order[i]) return order[i];
  }
  return VS_EXIT_CONFORMS;
}

vs_exit vs_command_sweep(const vs_arguments* arguments) {
  sweep_request q = {.arguments = arguments};
  vs_exit status = VS_EXIT_CONFORMS;
  if (!understand(&q)) return VS_EXIT_USAGE;
  setvbuf(stdout, NULL, _IOLBF, 0);  // a failure is there as soon as it is found
  vs_listen_for_stop();
  size_t count = arguments->counts[VS_OPTION_BACKEND];
  for (size_t i = 0; i < (count > 0 ? count : 1) && vs_stop == 0; i++) {
    const char* spec = count > 0 ? arguments->values[VS_OPTION_BACKEND][i] : "soft";
    bool model = strcmp(spec, "model") == 0;
    status = graver(status, model ? sweep_model(&q) : sweep_target(&q, spec));
  }
  return status;
}
