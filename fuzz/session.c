// SPDX-License-Identifier: BSD-3-Clause
#include "session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/refuse.h"
#include "feedback.h"
#include "findings.h"
#include "process/child.h"

enum { INPUTS_MOST = 32768, READ_EVERY = 64, COMPANY_EVERY = 1024 };

static void enter_phase(vs_session* s, vs_fuzz_phase phase) {
  __atomic_store_n(&s->state->phase, phase, __ATOMIC_RELEASE);
}

// Goes on to judge, unless this machine was short of something: then it is as if the process had
// not begun.
static void judge_next(vs_session* s) {
  const char* lacking = vs_executor_shortage(s->executor);
  enter_phase(s, lacking != NULL ? VS_FUZZ_READY : VS_FUZZ_JUDGING);
  if (lacking == NULL) return;
  fprintf(stderr, "vcpuspec: this machine is short of %s\n", lacking);
  s->state->magic = 0;
  _exit(3);
}

// --- coverage -----------------------------------------------------------------------------------

static void hear(const vs_passage* passage, void* context) {
  vs_session* s = context;
  if (passage->sort != VS_PASSED) return;
  const size_t point = vs_reachable_find(s->reachable, &passage->point);
  if (point >= s->reachable->count) return;
  const uint8_t bit = (uint8_t)(1u << point % 8);
  if ((s->state->points[point / 8] & bit) == 0 && s->options.feedback) vs_feedback_reached(point);
  s->state->points[point / 8] |= bit;
}

static void begin_trace(vs_session* s) {
  vs_oracle_init(&s->oracle, s->profile, s->arch);
  if (s->reachable != NULL) s->oracle.listener = &s->listener;
}

static void count_points(vs_session* s) {
  if (!s->options.counts) return;
  s->reachable = vs_reachable_new(s->profile, s->opened.arch);
  if (s->reachable == NULL) return;
  if (s->reachable->count > VS_FUZZ_POINTS) s->reachable->count = VS_FUZZ_POINTS;
  s->listener = (vs_listener){hear, s};
  s->state->arch = s->opened.arch;
  s->state->reachable = (uint32_t)s->reachable->count;
}

// --- judging ----------------------------------------------------------------------------------

// A handle that no op made, and that is none of the oracle's business.
static bool names_resource(const vs_session* s, const vs_op* op) {
  bool other = op->code == VS_CALL_vcpu_write_state && op->args[0].form != VS_HANDLE_SLOT;
  for (uint8_t i = 0; i < s->oracle.count && other; i++) {
    zx_handle_t value = vs_world_value(&s->oracle.worlds[i], &op->args[0]);
    bool resource = value == s->opened.resource || value == s->opened.other_resource;
    if (resource && value != ZX_HANDLE_INVALID) return true;
  }
  return false;
}

static void note(vs_session* s, const vs_feedback_class* class_of, const vs_observation* seen,
                 vs_step step) {
  vs_feedback_note(s->state, s->options.feedback, class_of, s->oracle.attested, seen, step);
}

// One step: what it bears out is noted for itself.
static vs_step judge_step(vs_session* s, const vs_trace* trace, size_t i, vs_violation* why) {
  const vs_op* op = &trace->script.ops[i];
  const vs_observation* seen = &trace->observations[i];
  if (names_resource(s, op)) return VS_STEP_ENDED;
  vs_feedback_class class_of = vs_feedback_classify(&s->oracle, op);
  s->oracle.attested = VS_NO_CLAUSE;
  vs_step step = vs_oracle_step_of(&s->oracle, trace, i, why);
  note(s, &class_of, seen, step);
  return step;
}

static bool is_lost(const vs_oracle* oracle) {
  for (uint8_t i = 0; i < oracle->count; i++) {
    if (oracle->worlds[i].lost) return true;
  }
  return false;
}

// Of the script's trace, as far as the oracle says something of it. What the backend lacks is
// passed over: the executor does not do what depends on it. `*at` is the step that decided.
static vs_step judge(vs_session* s, const vs_trace* trace, vs_violation* why, size_t* at) {
  begin_trace(s);
  for (*at = 0; *at < trace->script.count; ++*at) {
    bool judged = vs_sense_is_judged(&trace->script.ops[*at]);
    vs_step step = judge_step(s, trace, *at, why);
    if (step == VS_STEP_VIOLATION) return step;
    if (!judged) return VS_STEP_ALLOWED;
    if (step == VS_STEP_ENDED) return VS_STEP_UNSUPPORTED;
    if (step == VS_STEP_BROKEN) return s->oracle.overflow ? VS_STEP_UNSUPPORTED : step;
    if (is_lost(&s->oracle)) return VS_STEP_UNSUPPORTED;
  }
  return VS_STEP_ALLOWED;
}

// Where the backend lacks a call, the script goes on without it, also in other hands.
static void mark_missing(vs_op* ops, const vs_observation* seen, size_t count) {
  for (size_t i = 0; i < count; i++) ops[i].optional |= seen[i].outcome == VS_UNSUPPORTED;
}

vs_step vs_session_try(vs_session* s, const vs_script* script, vs_observation* seen,
                       vs_violation* why) {
  size_t at;
  enter_phase(s, VS_FUZZ_EXECUTING);
  for (size_t i = 0; i < script->count; i++) {
    vs_execute_op(s->executor, &script->ops[i], &seen[i]);
    s->state->calls++;
  }
  vs_executor_reset(s->executor);
  judge_next(s);
  const vs_trace trace = {.script = *script,
                          .arch = s->opened.arch,
                          .observations = seen,
                          .opened = true,
                          .end = VS_TRACE_DONE};
  return judge(s, &trace, why, &at);
}

// --- the past ---------------------------------------------------------------------------------

static void forget_past(vs_fuzz_state* state) {
  state->past_used = state->past_count = 0;
}

static bool past_is_full(const vs_fuzz_state* state, size_t size) {
  return state->past_used + 2 + size > VS_FUZZ_PAST;
}

// The number of bytes last: whoever reads finds whole inputs.
static void remember(vs_fuzz_state* state, const uint8_t* data, size_t size) {
  uint8_t* at = &state->past[state->past_used];
  at[0] = (uint8_t)size;
  at[1] = (uint8_t)(size >> 8);
  memcpy(at + 2, data, size);
  state->past_count++;
  __atomic_store_n(&state->past_used, state->past_used + (uint32_t)(2 + size), __ATOMIC_RELEASE);
}

// --- scripts ----------------------------------------------------------------------------------

static void run_script(vs_session* s, const uint8_t* data, size_t size) {
  static const vs_observation nothing = {.outcome = VS_NOT_REACHED};
  vs_violation why;
  forget_past(s->state);
  remember(s->state, data, size);
  vs_fuzz_decode(data, size, s->arch, &s->script);
  const vs_script script = {"", s->script.ops, s->script.count};
  vs_step step = vs_session_try(s, &script, s->seen, &why);
  // Also of the empty script something is kept, for the engine to begin with.
  const vs_feedback_class whole = {.facts = script.count > 0};
  vs_feedback_note(s->state, s->options.feedback, &whole, VS_NO_CLAUSE, &nothing, step);
  s->state->unjudged += step == VS_STEP_UNSUPPORTED || step == VS_STEP_BROKEN;
  if (step != VS_STEP_VIOLATION) return;
  mark_missing(s->script.ops, s->seen, script.count);
  vs_fuzz_found(s, &script, s->seen, &why);
}

// --- calls in a scene ---------------------------------------------------------------------------

// Executes one op and judges it at once.
static vs_step step_once(vs_session* s, const vs_op* op, vs_violation* why) {
  vs_observation seen;
  enter_phase(s, VS_FUZZ_EXECUTING);
  vs_execute_op(s->executor, op, &seen);
  judge_next(s);
  s->state->calls++;
  const vs_trace trace = {
      .script = {"", op, 1}, .arch = s->opened.arch, .observations = &seen, .opened = true};
  vs_step step = judge_step(s, &trace, 0, why);
  bool lacking = step == VS_STEP_UNSUPPORTED && seen.outcome == VS_UNSUPPORTED;
  return lacking ? VS_STEP_SKIPPED : step;
}

static bool goes_on(vs_step step) {
  return step == VS_STEP_ALLOWED || step == VS_STEP_SKIPPED;
}

static vs_step step_all(vs_session* s, const vs_op* ops, size_t count, vs_violation* why) {
  for (size_t i = 0; i < count; i++) {
    vs_step step = step_once(s, &ops[i], why);
    if (!goes_on(step)) return step;
  }
  return VS_STEP_ALLOWED;
}

// What is left of the scene.
static size_t without_writes(vs_op* ops, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    uint8_t code = ops[i].code;
    bool writes = code == VS_CALL_vcpu_write_state || code == VS_CALL_vcpu_read_state;
    if (!writes) ops[kept++] = ops[i];
  }
  return kept;
}

static vs_step make_scene(vs_session* s, vs_violation* why) {
  vs_op ops[VS_FUZZ_SCENE];
  enter_phase(s, VS_FUZZ_EXECUTING);
  vs_executor_reset(s->executor);
  begin_trace(s);
  s->inputs = 0;
  s->made = true;
  size_t count = vs_fuzz_scene(s->arch, &s->sense, ops);
  return step_all(s, ops, s->options.bare ? without_writes(ops, count) : count, why);
}

// The guest's own look is worth more than a read-back, and costs a backend that runs guests least.
static unsigned looks_after(const vs_session* s) {
  bool runs = s->opened.calls->vcpu_enter != NULL;
  bool stops = s->sense.books.vcpus[0].stops;
  unsigned looks = runs && !stops ? VS_FUZZ_LOOK_ENTER : VS_FUZZ_LOOK_READ;
  if (s->inputs % READ_EVERY == 0) looks |= VS_FUZZ_LOOK_READ;
  if (s->inputs % COMPANY_EVERY == 0) looks |= VS_FUZZ_LOOK_COMPANY;
  return looks;
}

static vs_step call_and_look(vs_session* s, unsigned looks, vs_violation* why) {
  if (!vs_fuzz_admit_call(&s->sense, &s->call[0])) return VS_STEP_ALLOWED;
  vs_step step = step_once(s, &s->call[0], why);
  if (!goes_on(step)) return step;
  if (looks == 0) looks = looks_after(s);
  return step_all(s, &s->call[1], vs_fuzz_looks(&s->sense, looks, &s->call[1]), why);
}

// The last input alone, in a scene of its own: true if it fails in the same way.
static bool fails_alone(vs_session* s, const uint8_t* data, size_t size, const vs_violation* why) {
  vs_violation again;
  vs_failure_key key = vs_failure_key_of_part(why, s->arch);
  if (make_scene(s, &again) != VS_STEP_ALLOWED) return false;
  vs_fuzz_decode_call(data, size, s->arch, &s->call[0]);
  if (call_and_look(s, VS_FUZZ_LOOK_ALL, &again) != VS_STEP_VIOLATION) return false;
  vs_failure_key other = vs_failure_key_of_part(&again, s->arch);
  return vs_failure_same(&key, &other);
}

// With the input alone, if it fails so; else with all that came before it.
static void found_by_call(vs_session* s, const uint8_t* data, size_t size,
                          const vs_violation* why) {
  vs_script script = {0};
  if (vs_fuzz_is_known(s, why)) {
    vs_fuzz_found(s, &script, NULL, why);
    return;
  }
  vs_fuzz_state* past = malloc(sizeof *past);
  if (past == NULL) return;
  memcpy(past, s->state, sizeof *past);
  if (fails_alone(s, data, size, why)) {
    forget_past(past);
    remember(past, data, size);
  }
  vs_op* ops = NULL;
  if (vs_fuzz_rebuild(past, s->opened.arch, &ops, &script.count)) {
    script.ops = ops;
    vs_fuzz_found(s, &script, NULL, why);
  }
  free(ops);
  free(past);
}

static void run_call(vs_session* s, const uint8_t* data, size_t size) {
  vs_violation why;
  bool renew = !s->made || s->inputs >= INPUTS_MOST || past_is_full(s->state, size);
  if (renew) forget_past(s->state);
  remember(s->state, data, size);
  vs_step step = renew ? make_scene(s, &why) : VS_STEP_ALLOWED;
  vs_fuzz_decode_call(data, size, s->arch, &s->call[0]);
  s->inputs++;
  if (step == VS_STEP_ALLOWED) step = call_and_look(s, 0, &why);
  if (step == VS_STEP_ALLOWED && !is_lost(&s->oracle)) return;
  s->made = false;
  if (step == VS_STEP_VIOLATION) {
    found_by_call(s, data, size, &why);
    s->made = false;
  } else {
    s->state->unjudged++;
  }
}

// --- the rules alone --------------------------------------------------------------------------

// Makes the scene of the rules themselves: handles are numbers, and everything succeeds.
static void make_scene_of_model(vs_session* s) {
  vs_op ops[VS_FUZZ_SCENE];
  vs_violation why;
  size_t count = vs_fuzz_scene(s->arch, &s->sense, ops);
  begin_trace(s);
  for (size_t i = 0; i < count; i++) {
    vs_observation seen = {.outcome = VS_RETURNED};
    seen.handle = (zx_handle_t)(0x1003 + 8 * i);
    seen.handle2 = (zx_handle_t)(0x1007 + 8 * i);
    if (ops[i].code == VS_CALL_vcpu_read_state) continue;
    if (vs_oracle_step(&s->oracle, &ops[i], &seen, &why) != VS_STEP_ALLOWED) abort();
  }
  s->made = true;
  s->inputs = 0;
}

static void run_model(vs_session* s, const uint8_t* data, size_t size) {
  vs_violation why;
  vs_op* op = &s->call[0];
  if (!s->made || s->inputs >= INPUTS_MOST) make_scene_of_model(s);
  s->inputs++;
  vs_fuzz_decode_call(data, size, s->arch, op);
  op->args[0].slot %= VS_FUZZ_SCENE_SLOTS;
  const vs_facts facts = vs_facts_of(&s->oracle.worlds[0], op, s->arch);
  const vs_decision decision = vs_decide(&facts, s->profile);
  if (decision.count == 0) abort();
  const vs_observation seen = {.outcome = VS_RETURNED,
                               .status = decision.allowed[s->inputs % decision.count].status};
  vs_feedback_class class_of = vs_feedback_classify(&s->oracle, op);
  s->oracle.attested = VS_NO_CLAUSE;
  vs_step step = vs_oracle_step(&s->oracle, op, &seen, &why);
  note(s, &class_of, &seen, step);
  s->state->calls++;
  // A choice that was made otherwise before is no contradiction.
  if (step == VS_STEP_VIOLATION && decision.count == 1) abort();
  if (step != VS_STEP_ALLOWED) s->made = false;
}

// --- all of them ------------------------------------------------------------------------------

void vs_session_run(vs_session* s, const uint8_t* data, size_t size) {
  if (size > VS_FUZZ_BYTES) size = VS_FUZZ_BYTES;
  if (s->idle) {
    vs_feedback_keep_none();
  } else if (s->executor == NULL) {
    run_model(s, data, size);
  } else if (s->options.target == VS_FUZZ_CALL) {
    run_call(s, data, size);
  } else {
    run_script(s, data, size);
  }
  if (!s->options.feedback) {
    vs_feedback_keep_none();
    if (!s->mutated) vs_feedback_keep_seed(++s->seeds);
  }
  s->state->executions++;
  enter_phase(s, VS_FUZZ_READY);
}

// --- life -------------------------------------------------------------------------------------

static bool say(vs_why* reason, const char* what, const char* word) {
  return vs_refuse(reason, "%s: %.200s", what, word);
}

static bool open_state(vs_session* s, vs_why* reason) {
  const char* path = s->options.state;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  int fd = -1;
  if (path != NULL) {
    flags = MAP_SHARED;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool sized = fd >= 0 && ftruncate(fd, sizeof *s->state) == 0;
    if (!sized) {
      if (fd >= 0) close(fd);
      return say(reason, "the state file cannot be written", path);
    }
  }
  void* at = mmap(NULL, sizeof *s->state, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (fd >= 0) close(fd);
  if (at == MAP_FAILED) return say(reason, "no memory for the state", path ? path : "");
  s->state = at;
  s->state->target = s->options.target;
  enter_phase(s, VS_FUZZ_STARTING);
  return true;
}

static bool find_profile(vs_session* s, vs_why* reason) {
  const char* word = s->options.profile;
  vs_fault fault;
  s->profile = vs_profile_find(word);
  if (s->profile != NULL) return true;
  if (!vs_profile_load(word, &s->own, &fault)) return say(reason, "no such profile", fault.message);
  s->profile = &s->own.profile;
  return true;
}

static bool is_none(const char* backend) {
  return strcmp(backend, VS_FUZZ_MODEL) == 0 || strcmp(backend, VS_FUZZ_NOTHING) == 0;
}

static bool open_backend(vs_session* s, vs_why* reason) {
  const char* word = s->options.backend;
  if (is_none(word) && s->options.target == VS_FUZZ_CALL) {
    s->idle = strcmp(word, VS_FUZZ_NOTHING) == 0;
    s->opened.arch = s->profile->arch != 0 ? (vs_arch)s->profile->arch : VS_ARCH_X64;
    return true;
  }
  if (!vs_target_parse(word, &s->backend)) return say(reason, "no such backend", word);
  s->owned = vs_target_open(&s->backend, &s->opened, reason);
  return s->owned;
}

static bool begin(vs_session* s, vs_why* reason) {
  const char* word = s->options.backend;
  bool other = s->profile->arch != 0 && s->profile->arch != s->opened.arch;
  if (other) return say(reason, "the profile speaks of another architecture than", word);
  s->arch = vs_arch_find(s->opened.arch);
  if (s->opened.calls != NULL) {
    s->executor = vs_opened_executor(&s->opened);
    if (s->executor == NULL) return say(reason, "no memory for", word);
  }
  count_points(s);
  s->opened_at = vs_now();
  s->state->magic = VS_FUZZ_MAGIC;
  enter_phase(s, VS_FUZZ_READY);
  return true;
}

bool vs_session_open(vs_session* s, const vs_session_options* options, vs_why* reason) {
  memset(s, 0, sizeof *s);
  s->options = *options;
  return find_profile(s, reason) && open_state(s, reason) && open_backend(s, reason) &&
         begin(s, reason);
}

bool vs_session_open_on(vs_session* s, const vs_session_options* options, const vs_opened* opened,
                        vs_why* reason) {
  memset(s, 0, sizeof *s);
  s->options = *options;
  s->opened = *opened;
  return find_profile(s, reason) && open_state(s, reason) && begin(s, reason);
}

void vs_session_close(vs_session* s) {
  if (s->executor != NULL) vs_executor_close(s->executor);
  if (s->owned && s->backend.backend != NULL) s->backend.backend->close();
  if (s->state != NULL) munmap(s->state, sizeof *s->state);
  vs_reachable_free(s->reachable);
  memset(s, 0, sizeof *s);
}
