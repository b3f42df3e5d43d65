// SPDX-License-Identifier: BSD-3-Clause
#include "point.h"

const vs_named vs_nameds[VS_NAMED_COUNT] = {
#define VS_NAMED(call, code, name, when) {VS_CALL_##call, name},
#include "named.def"
#undef VS_NAMED
};

static uint32_t named_of(const vs_facts* f) {
  uint32_t named = 0;
#define VS_NAMED(of, code, name, when) \
  named |= (uint32_t)(f->call == VS_CALL_##of && (when) ? VS_BIT(VS_NAMED_##code) : 0);
#include "named.def"
#undef VS_NAMED
  return named;
}

vs_clause_code vs_point_clause(uint8_t call, const vs_allowed* row) {
  if (row->check != VS_CHECK_NONE) return vs_checks[row->check].error;
  return vs_judged_calls[call].accepted;
}

vs_point vs_point_of(const vs_facts* facts, const vs_profile* profile) {
  const vs_check_set looked = vs_looked_at(profile, facts->call);
  return (vs_point){.call = facts->call,
                    .named = named_of(facts),
                    .certain = vs_faults_of(facts) & looked,
                    .unsure = vs_unsure_of(facts) & looked};
}

bool vs_point_same(const vs_point* a, const vs_point* b) {
  bool same = a->call == b->call;
  same &= a->named == b->named;
  same &= a->certain == b->certain;
  same &= a->unsure == b->unsure;
  return same;
}
