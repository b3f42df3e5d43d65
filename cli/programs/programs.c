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

static const vs_form* form_at(const vs_snippet* s, uint32_t at) {
  size_t count;
  return &vs_forms_of(s->arch, &count)[s->insns[at].form];
}

static vs_differences known_of(const session* s, const vs_form* form, size_t backend) {
  const vs_target* targets = s->plan->targets;
  return vs_known_of(form, s->arch, targets[0].name, targets[backend].name);
}

// What findings of this run have shown of a form.
static vs_differences found_of(const session* s, const vs_form* form, size_t backend) {
  vs_differences set = 0;
  for (size_t i = 0; i < s->outcome->finding_count; i++) {
    const vs_programs_finding* f = &s->outcome->findings[i];
    if (f->backend == backend && vs_snippet_form(&f->snippet) == form) set |= f->what;
  }
  return set;
}

// `found`: also by findings of this run.
static vs_differences explained_of(const session* s, const vs_form* form, size_t backend,
                                   bool found) {
  return known_of(s, form, backend) | (found ? found_of(s, form, backend) : 0);
}

static vs_differences explained_of_all(const session* s, const vs_snippet* snippet, size_t backend,
                                       bool found) {
  vs_differences set = 0;
  for (uint32_t i = 0; i < snippet->count; i++)
    set |= explained_of(s, form_at(snippet, i), backend, found);
  return set;
}

// The snippet without instructions of which something is explained.
static vs_snippet without_explained(const session* s, const vs_snippet* snippet, size_t backend,
                                    bool found) {
  vs_snippet left = *snippet;
  left.count = 0;
  for (uint32_t i = 0; i < snippet->count; i++) {
    if (explained_of(s, form_at(snippet, i), backend, found) == 0)
      left.insns[left.count++] = snippet->insns[i];
  }
  return left;
}

// What a finding of this run explains of entering the guest with these registers. Another program
// may enter it without that defect, so the program is run without instructions.
static vs_differences found_at_entry(const session* s, vs_duel* duel, const vs_snippet* snippet,
                                     size_t backend) {
  const vs_differences found = found_of(s, &vs_form_entry, backend);
  vs_snippet empty = *snippet;
  vs_snippet_result first, other;
  empty.count = 0;
  return found == 0 ? 0 : found & vs_duel_fight(duel, &empty, &first, &other);
}

// --- which rows explain -------------------------------------------------------------------------

static bool has_part(const session* s, const vs_known_finding* row, const vs_snippet* snippet,
                     size_t backend) {
  const char *a = s->plan->targets[0].name, *b = s->plan->targets[backend].name;
  bool part = vs_known_is_about(row, &vs_form_entry, s->arch, a, b);
  for (uint32_t i = 0; i < snippet->count && !part; i++)
    part = vs_known_is_about(row, form_at(snippet, i), s->arch, a, b);
  return part;
}

static bool count_rows(session* s, const vs_snippet* snippet, size_t backend, vs_differences what) {
  bool any = false;
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) {
    const vs_known_finding* row = &vs_known_findings[i];
    if ((vs_differences_of(row->what) & what) == 0 || !has_part(s, row, snippet, backend)) continue;
    s->outcome->rows[i]++;
    any = true;
  }
  return any;
}

// Where later instructions made another difference of it, each row of an instruction may be why.
static void count_known(session* s, const vs_snippet* snippet, size_t backend,
                        vs_differences what) {
  s->outcome->known++;
  if (!count_rows(s, snippet, backend, what)) count_rows(s, snippet, backend, ~(vs_differences)0);
}

// --- a disagreement -----------------------------------------------------------------------------

static void keep(session* s, vs_duel* duel, const vs_snippet* snippet, size_t backend) {
  vs_programs_outcome* o = s->outcome;
  vs_programs_finding f = {.snippet = *snippet, .backend = backend};
  f.what = vs_duel_fight(duel, snippet, &f.first, &f.other);
  if (f.what == 0) {
    o->vanished++;
  } else if ((f.what & ~found_of(s, vs_snippet_form(snippet), backend)) == 0) {
    o->repeated++;
  } else if (o->finding_count == VS_PROGRAMS_FINDINGS) {
    o->is_full = true;
  } else {
    o->findings[o->finding_count++] = f;
  }
}

// Whether nothing is left of the disagreement once what is explained is out of it: the wrong result
// of an instruction changes what later ones compute. Of one instruction alone it changes nothing.
static bool is_explained(const session* s, vs_duel* duel, const vs_snippet* snippet, size_t backend,
                         vs_differences what, bool found) {
  vs_snippet_result first, other;
  duel->ignored = known_of(s, &vs_form_entry, backend);
  if (found) duel->ignored |= found_at_entry(s, duel, snippet, backend);
  if ((what & ~duel->ignored & ~explained_of_all(s, snippet, backend, found)) == 0) return true;
  const vs_snippet left = without_explained(s, snippet, backend, found);
  return snippet->count > 1 && left.count < snippet->count &&
         vs_duel_fight(duel, &left, &first, &other) == 0;
}

static void find(session* s, vs_duel* duel, const vs_snippet* snippet, size_t backend) {
  vs_snippet left = without_explained(s, snippet, backend, true);
  vs_snippet_result first, other;
  if (left.count < snippet->count && vs_duel_fight(duel, &left, &first, &other) == 0) {
    left = *snippet;
    duel->ignored |= explained_of_all(s, snippet, backend, true);
  }
  vs_duel_minimize(duel, &left);
  keep(s, duel, &left, backend);
}

static void look_into(session* s, const vs_snippet* snippet, size_t backend, vs_differences what) {
  vs_duel duel = {.first = &s->stations[0], .other = &s->stations[backend]};
  if (is_explained(s, &duel, snippet, backend, what, false)) {
    count_known(s, snippet, backend, what);
  } else if (is_explained(s, &duel, snippet, backend, what, true)) {
    s->outcome->repeated++;
  } else {
    find(s, &duel, snippet, backend);
  }
  s->broken |= duel.broken;
}

static void compare(session* s, uint32_t at) {
  const vs_snippet* snippet = &s->snippets[at];
  bool agreed = true;
  for (size_t b = 1; b < s->plan->target_count; b++) {
    const vs_differences what = vs_results_differ(snippet, &s->results[0][at], &s->results[b][at]);
    if (what == 0) continue;
    agreed = false;
    look_into(s, snippet, b, what);
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
    outcome->ends[b] = s->stations[b].ends;
    if (broken && s->stations[b].why.text[0] != '\0')
      vs_refuse(why, "backend '%s' cannot go on: %.300s", plan->targets[b].spec,
                s->stations[b].why.text);
    vs_station_close(&s->stations[b]);
  }
  free(s);
  return !ready ? VS_PROGRAMS_UNSUPPORTED : broken ? VS_PROGRAMS_BROKEN : VS_PROGRAMS_DONE;
}

// --- a finding in words -------------------------------------------------------------------------

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
    fprintf(out, "  %-20s", form_at(s, i)->name);
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
