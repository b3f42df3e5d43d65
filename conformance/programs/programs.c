// SPDX-License-Identifier: BSD-3-Clause
#include "programs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/refuse.h"
#include "disassemble.h"
#include "minimize.h"

typedef struct session {
  const vs_programs_plan* plan;
  vs_programs_outcome* outcome;
  vs_arch arch;
  vs_station stations[VS_PROGRAMS_BACKENDS];
  vs_snippet snippets[VS_STATION_BATCH];
  vs_snippet_result results[VS_PROGRAMS_BACKENDS][VS_STATION_BATCH];
  bool broken;
} session;

// --- what is known ------------------------------------------------------------------------------

// All that the table, or a finding of this run, explains of a form.
static vs_differences known_of(const session* s, const vs_form* form, size_t backend) {
  const vs_programs_plan* plan = s->plan;
  vs_differences set =
      vs_known_of(form, s->arch, plan->targets[0].name, plan->targets[backend].name);
  for (size_t i = 0; i < s->outcome->finding_count; i++) {
    const vs_programs_finding* f = &s->outcome->findings[i];
    if (f->backend == backend && strcmp(vs_snippet_form(&f->snippet)->name, form->name) == 0)
      set |= f->what;
  }
  return set;
}

static vs_differences known_of_insn(const session* s, const vs_insn* insn, size_t backend) {
  size_t count;
  return known_of(s, &vs_forms_of(s->arch, &count)[insn->form], backend);
}

static vs_differences known_of_all(const session* s, const vs_snippet* snippet, size_t backend) {
  vs_differences set = known_of(s, &vs_form_entry, backend);
  for (uint32_t i = 0; i < snippet->count; i++)
    set |= known_of_insn(s, &snippet->insns[i], backend);
  return set;
}

// The snippet without instructions of which something is known.
static vs_snippet without_known(const session* s, const vs_snippet* snippet, size_t backend) {
  vs_snippet left = *snippet;
  left.count = 0;
  for (uint32_t i = 0; i < snippet->count; i++) {
    if (known_of_insn(s, &snippet->insns[i], backend) == 0)
      left.insns[left.count++] = snippet->insns[i];
  }
  return left;
}

// --- a disagreement -----------------------------------------------------------------------------

static void keep(session* s, vs_duel* duel, const vs_snippet* snippet, size_t backend) {
  vs_programs_outcome* o = s->outcome;
  if (o->finding_count == VS_PROGRAMS_FINDINGS) {
    o->is_full = true;
    return;
  }
  vs_programs_finding* f = &o->findings[o->finding_count];
  f->snippet = *snippet;
  f->backend = backend;
  f->what = vs_duel_fight(duel, snippet, &f->first, &f->other);
  if (f->what != 0) o->finding_count++;
}

// What is left of a disagreement once what is known is out of it: the wrong result of a known
// instruction changes what later ones compute. Of one instruction alone it changes nothing.
static void look_into(session* s, const vs_snippet* snippet, size_t backend) {
  vs_duel duel = {.first = &s->stations[0],
                  .other = &s->stations[backend],
                  .ignored = known_of(s, &vs_form_entry, backend)};
  vs_snippet left = without_known(s, snippet, backend);
  vs_snippet_result first, other;
  if (left.count < snippet->count && vs_duel_fight(&duel, &left, &first, &other) == 0) {
    if (snippet->count > 1 || duel.broken) {
      s->outcome->known++;
      s->broken |= duel.broken;
      return;
    }
    left = *snippet;
    duel.ignored = known_of_all(s, snippet, backend);
  }
  vs_duel_minimize(&duel, &left);
  keep(s, &duel, &left, backend);
  s->broken |= duel.broken;
}

static void compare(session* s, uint32_t at) {
  const vs_snippet* snippet = &s->snippets[at];
  bool agreed = true;
  for (size_t b = 1; b < s->plan->target_count; b++) {
    const vs_differences what = vs_results_differ(snippet, &s->results[0][at], &s->results[b][at]);
    if (what == 0) continue;
    agreed = false;
    if ((what & ~known_of_all(s, snippet, b)) == 0) {
      s->outcome->known++;
    } else {
      look_into(s, snippet, b);
    }
  }
  s->outcome->agreed += agreed;
}

// --- all of them --------------------------------------------------------------------------------

static bool run_batch(session* s, uint32_t count) {
  vs_programs_outcome* o = s->outcome;
  const size_t targets = s->plan->target_count;
  bool good = true;
  for (uint32_t i = 0; i < count; i++)
    vs_snippet_draw(s->arch, s->plan->seed, o->run + i, &o->features, &s->snippets[i]);
  for (size_t b = 0; b < targets; b++) vs_station_begin(&s->stations[b], s->snippets, count);
  for (size_t b = 0; b < targets; b++) good &= vs_station_end(&s->stations[b], s->results[b]);
  if (!good) return false;
  for (uint32_t i = 0; i < count && !s->broken; i++) compare(s, i);
  o->run += count;
  return !s->broken;
}

static bool is_stopped(const vs_programs_plan* plan) {
  return plan->stop != NULL && *plan->stop != 0;
}

static void run_all(session* s) {
  const vs_programs_plan* plan = s->plan;
  vs_programs_outcome* o = s->outcome;
  const double since = vs_now();
  bool good = true;
  while (good && !is_stopped(plan) && !o->is_full) {
    uint64_t count = VS_STATION_BATCH;
    if (plan->count > 0 && plan->count - o->run < count) count = plan->count - o->run;
    if (count == 0 || (plan->seconds > 0 && vs_now() - since >= plan->seconds)) break;
    good = run_batch(s, (uint32_t)count);
  }
  s->broken |= !good && !is_stopped(plan);
  o->seconds = vs_now() - since;
}

static void share_features(session* s) {
  vs_features* shared = &s->outcome->features;
  *shared = s->stations[0].features;
  for (size_t b = 1; b < s->plan->target_count; b++) {
    const vs_features* own = &s->stations[b].features;
    shared->exceptions &= own->exceptions;
    for (size_t i = 0; i < VS_FEATURE_WORDS; i++) shared->words[i] &= own->words[i];
  }
}

static bool open_all(session* s, size_t* opened, vs_why* why) {
  for (*opened = 0; *opened < s->plan->target_count; ++*opened) {
    const vs_target* target = &s->plan->targets[*opened];
    vs_why reason;
    if (!vs_station_open(&s->stations[*opened], target, s->plan->timeout, &reason))
      return vs_refuse(why, "backend '%s' cannot run programs: %.300s", target->spec, reason.text);
  }
  return true;
}

vs_programs_end vs_programs_run(const vs_programs_plan* plan, vs_programs_outcome* outcome,
                                vs_why* why) {
  session* s = calloc(1, sizeof *s);
  size_t opened = 0;
  memset(outcome, 0, sizeof *outcome);
  if (s == NULL) {
    vs_refuse(why, "no memory");
    return VS_PROGRAMS_BROKEN;
  }
  s->plan = plan;
  s->outcome = outcome;
  s->arch = plan->targets[0].arch;
  const bool ready = open_all(s, &opened, why);
  if (ready) {
    share_features(s);
    run_all(s);
  }
  const bool broken = s->broken;
  if (broken) vs_refuse(why, "a backend's process cannot be started again");
  for (size_t b = 0; b < opened; b++) {
    outcome->ends += s->stations[b].ends;
    if (broken && s->stations[b].why.text[0] != '\0')
      vs_refuse(why, "backend '%s' cannot go on: %.300s", plan->targets[b].spec,
                s->stations[b].why.text);
    vs_station_close(&s->stations[b]);
  }
  free(s);
  return !ready ? VS_PROGRAMS_UNSUPPORTED : broken ? VS_PROGRAMS_BROKEN : VS_PROGRAMS_DONE;
}

// --- a finding in words -------------------------------------------------------------------------

static const char* form_of(const vs_snippet* s, uint32_t at) {
  size_t count;
  return vs_forms_of(s->arch, &count)[s->insns[at].form].name;
}

void vs_programs_name(const vs_programs_finding* f, char name[VS_PROGRAMS_NAME]) {
  char what[VS_DIFFERENCES_TEXT];
  const vs_insn* insns = f->snippet.insns;
  vs_differences_say(f->what, '+', what);
  uint32_t digest = vs_digest32(VS_DIGEST32, &f->backend, sizeof f->backend);
  for (uint32_t i = 0; i < f->snippet.count; i++)
    digest = vs_digest32(digest, insns[i].bytes, insns[i].size);
  snprintf(name, VS_PROGRAMS_NAME, "%.60s-%.60s-%08" PRIx32, vs_snippet_form(&f->snippet)->name,
           what, digest);
}

static void print_code(FILE* out, const vs_snippet* s) {
  uint64_t address = VS_SNIPPET_CODE;
  for (uint32_t i = 0; i < s->count; i++) {
    const vs_insn* insn = &s->insns[i];
    char words[VS_DISASSEMBLY];
    vs_disassemble(s->arch, insn->bytes, insn->size, address, words);
    fprintf(out, "  %-20s", form_of(s, i));
    for (uint8_t k = 0; k < insn->size; k++) fprintf(out, " %02x", insn->bytes[k]);
    fprintf(out, "%s%s\n", words[0] != '\0' ? "  # " : "", words);
    address += insn->size;
  }
}

static void print_state(FILE* out, const vs_snippet* s) {
  const size_t words = vs_state_size(s->arch) / sizeof(uint64_t);
  for (size_t i = 0; i < words; i++) {
    uint64_t word;
    memcpy(&word, s->state + i * sizeof word, sizeof word);
    fprintf(out, "%s%016" PRIx64, i % 4 == 0 ? "\n " : " ", word);
  }
  fputc('\n', out);
}

void vs_programs_print(FILE* out, const vs_programs_plan* plan, const vs_programs_finding* f) {
  const vs_target *first = &plan->targets[0], *other = &plan->targets[f->backend];
  char what[VS_DIFFERENCES_TEXT];
  char name[VS_PROGRAMS_NAME];
  vs_differences_say(f->what, ' ', what);
  vs_programs_name(f, name);
  fprintf(out, "DISAGREE %s: %s and %s differ in %s\n", name, first->name, other->name, what);
  fprintf(out, "program %" PRIu64 " of seed %" PRIu64 ", made smaller:\n", f->snippet.number,
          f->snippet.seed);
  print_code(out, &f->snippet);
  vs_differences_print(out, &f->snippet, &f->first, first->name, &f->other, other->name);
  fprintf(out, "registers before, in the order of ZX_VCPU_STATE:");
  print_state(out, &f->snippet);
}
