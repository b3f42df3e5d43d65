// SPDX-License-Identifier: BSD-3-Clause
#include "explain_trace.h"

#include <stdlib.h>

#include "oracle.h"
#include "words/describe.h"

enum { LINE = 1024, WORLDS = 8 };

static void print_op(const vs_trace* trace, size_t i) {
  char line[LINE];
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_op(&text, &trace->script.ops[i]);
  vs_say_answer(&text, &trace->script.ops[i], &trace->observations[i]);
  printf("%6zu  %s\n", i, line);
}

static void print_allowed(const vs_decision* allowed, const vs_arch_info* arch) {
  char line[LINE];
  vs_text text = vs_text_in(line, sizeof line);
  vs_violation asked = {.kind = VS_VIOLATION_STATUS, .decision = *allowed};
  if (allowed->count == 0) return;
  vs_say_allowed(&text, &asked, arch);
  printf("          allowed   %s\n", line);
}

static void print_clauses(const char* title, vs_clause_set set) {
  for (vs_clause_code code = 0; code < VS_CLAUSE_COUNT; code++) {
    if (vs_has_clause(set, code)) printf("          %-9s %s\n", title, vs_clauses[code].id);
  }
}

static const char* choice(uint8_t made, const char* base, const char* latitude) {
  return made == VS_CHOICE_OPEN ? "" : made == VS_CHOICE_BASE ? base : latitude;
}

static unsigned known_registers(const vs_vcpu* vcpu, const vs_arch_info* arch) {
  unsigned known = 0;
  for (size_t i = 0; i < arch->register_count; i++) {
    uint64_t all = i == arch->flags ? arch->flags_required : UINT64_MAX;
    known += (vcpu->regs[i].known & all) == all;
  }
  return known;
}

static void print_vcpus(const vs_world* world, const vs_arch_info* arch) {
  for (size_t i = 0; i < VS_VCPUS; i++) {
    const vs_vcpu* vcpu = &world->vcpus[i];
    if (!vcpu->live) continue;
    printf("; vCPU %zu: %u of %u registers known%s%s", i, known_registers(vcpu, arch),
           arch->register_count, vcpu->running ? ", runs" : "", vcpu->kicked ? ", kicked" : "");
  }
}

static void print_racing(const vs_world* world) {
  for (size_t i = 0; i < VS_THREADS; i++) {
    if (world->racing[i] == VS_RACING_BEFORE) printf("; the call of T%zu is still to come", i);
    if (world->racing[i] == VS_RACING_AFTER) printf("; the call of T%zu has had its effect", i);
  }
}

static void print_world(const vs_world* world, size_t number, const vs_arch_info* arch) {
  static const char* const widths[] = {"1", "2", "4"};
  printf("          world %zu   ", number);
  printf("%s", choice(world->flags_gate, "flags are written without the gate, ",
                      "flags are written only with bit 1, "));
  for (size_t i = 0; i < 3; i++) {
    const char* made = choice(world->io_upper[i], "keeps", "clears");
    if (made[0] != '\0') printf("ZX_VCPU_IO of %s %s the rest, ", widths[i], made);
  }
  printf("latitudes needed:");
  for (vs_latitude_code code = 0; code < VS_LATITUDE_COUNT; code++) {
    if (world->used & VS_BIT(code)) printf(" %s", vs_latitudes[code].id);
  }
  if (world->used == 0) printf(" none");
  print_vcpus(world, arch);
  print_racing(world);
  putchar('\n');
}

static void print_violation(const vs_violation* why, const vs_arch_info* arch) {
  char line[LINE];
  printf("          VIOLATION %s\n                    %s\n", vs_clauses[why->clause].id,
         vs_clauses[why->clause].sentence);
  vs_text text = vs_text_in(line, sizeof line);
  vs_say_allowed(&text, why, arch);
  printf("          allowed   %s\n", line);
  text = vs_text_in(line, sizeof line);
  vs_say_got(&text, why, arch);
  printf("          got       %s\n", line);
  text = vs_text_in(line, sizeof line);
  if (vs_say_meaning(&text, why)) printf("          means     %s\n", line);
}

static bool is_plain_setup(const vs_op* op) {
  return vs_op_makes_object(op->code);
}

static void print_end(vs_step step) {
  static const char* const words[] = {
      [VS_STEP_VIOLATION] = "no world explains this",
      [VS_STEP_UNSUPPORTED] = "the backend could not do this, and nothing follows from the rest",
      [VS_STEP_ENDED] = "the trace ends here",
      [VS_STEP_BROKEN] = "the script makes no sense here",
  };
  printf("          %s\n", words[step]);
}

// False: the explanation ends with this step.
static bool explain_step(vs_oracle* oracle, const vs_trace* trace, size_t i) {
  const vs_op* op = &trace->script.ops[i];
  vs_clause_set before = oracle->attested;
  uint8_t worlds = oracle->count;
  vs_decision allowed;
  vs_violation why = {0};
  oracle->attested = VS_NO_CLAUSE;
  print_op(trace, i);
  vs_oracle_allowed(oracle, op, &allowed);
  allowed.held = vs_oracle_held(oracle, op);
  vs_step step = vs_oracle_step_of(oracle, trace, i, &why);
  if (step == VS_STEP_VIOLATION) {
    print_violation(&why, oracle->arch);
  } else if (step == VS_STEP_ALLOWED && !is_plain_setup(op)) {
    print_allowed(&allowed, oracle->arch);
    print_clauses("bears out", oracle->attested & ~before);
  }
  bool goes_on = step == VS_STEP_ALLOWED || step == VS_STEP_SKIPPED;
  if (!goes_on) print_end(step);
  if (goes_on && (oracle->count > 1 || worlds > 1 || i + 1 == trace->script.count)) {
    for (uint8_t k = 0; k < oracle->count && k < WORLDS; k++) {
      print_world(&oracle->worlds[k], k, oracle->arch);
    }
    if (oracle->count > WORLDS) printf("          and %d worlds more\n", oracle->count - WORLDS);
  }
  oracle->attested |= before;
  return goes_on;
}

bool vs_explain_trace(const vs_input* input, const vs_profile* profile) {
  const vs_trace trace = vs_document_trace(&input->document);
  vs_oracle* oracle = malloc(sizeof *oracle);
  if (oracle == NULL) return false;
  printf("trace %s: %s\n  recorded on %s, %s; profile %s\n", input->c.id, input->c.title,
         input->document.backend[0] ? input->document.backend : "a backend without a name",
         vs_arch_find(trace.arch)->name, profile->id);
  vs_oracle_init(oracle, profile, vs_arch_find(trace.arch));
  for (size_t i = 0; i < trace.script.count; i++) {
    if (!explain_step(oracle, &trace, i)) break;
  }
  free(oracle);
  return true;
}
