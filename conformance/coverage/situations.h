// SPDX-License-Identifier: BSD-3-Clause
// The situations from which coverage explores the model (situations.vcpu), as scripts, and as the
// worlds to which they lead.
#ifndef VS_CONFORMANCE_COVERAGE_SITUATIONS_H_
#define VS_CONFORMANCE_COVERAGE_SITUATIONS_H_

#include "oracle.h"
#include "text/document.h"

enum { VS_SITUATIONS = 16 };

typedef struct vs_situations {
  size_t count;
  vs_document items[VS_SITUATIONS];  // owned
} vs_situations;

// Laid out for the architecture. False: no memory.
bool vs_situations_read(vs_situations* situations, vs_arch arch);
void vs_situations_free(vs_situations* situations);

// Walks an oracle, which is begun anew, to the situation. `handles` counts those that were given
// out. False: by the profile, no implementation gets there. What may be refused is left out: where
// only some get, no other can be asked to.
// The listener, which may be NULL, is told of the way.
bool vs_situation_play(const vs_document* situation, const vs_profile* profile, vs_oracle* oracle,
                       const vs_listener* listener, uint32_t* handles);

#endif  // VS_CONFORMANCE_COVERAGE_SITUATIONS_H_
