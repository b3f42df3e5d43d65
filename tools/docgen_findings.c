// SPDX-License-Identifier: BSD-3-Clause
// docs/findings.md, from cli/programs/findings.def.
#include <stdio.h>
#include <string.h>

#include "docgen.h"
#include "programs/differ.h"

static void print_intro(void) {
  printf(
      "# Findings\n\nMade from the table cli/programs/findings.def by `make docs`.\n\n"
      "What `vcpuspec programs` ([programs.md](programs.md)) has found: where engines compute "
      "something else "
      "than the manual of the processor says. Each was made smaller to one instruction. A row "
      "keeps "
      "its disagreement from being news; what no row explains is a finding, and the command exits "
      "with 1.\n\n"
      "The programs of `examples/findings/` show the defects without any of this: each prints what "
      "it "
      "got and what the manual says, and exits with 1 while the defect is there. The test "
      "`findings/reproducers_show_their_defect` runs them, and fails when the installed library no "
      "longer has "
      "one: then its row goes, or its version changes.\n");
}

static void print_finding(const vs_known_finding* f) {
  printf("\n## %s\n\n", f->id);
  printf("- The manual: %s\n- %s, %s: %s\n", f->manual, f->engine, f->version, f->got);
  printf("- Instructions `%s`; differs in: %s\n- Upstream: %s\n", f->forms, f->what, f->upstream);
  if (f->example != NULL)
    printf("- Without vcpuspec: [%s.c](../examples/findings/%s.c)\n", f->example, f->example);
  printf("- Found by: `vcpuspec %s`\n",
         strstr(f->version, "lab") != NULL ? "lab --lane x64" : "programs kvm unicorn");
}

static void print_others(void) {
  printf(
      "\n## Known elsewhere\n\n"
      "- **Unicorn issue 1778**, TF survives a step: "
      "[unicorn_tf.c](../examples/findings/unicorn_tf.c) shows it. The snippets `exception.step*` "
      "and "
      "entries with TF are drawn only where the guest's exceptions reach its handlers on every "
      "backend, "
      "which the command finds out and says.\n"
      "- **Unicorn issue 2333**, PSTATE that is written leaves CurrentEL as it was: "
      "[unicorn_currentel.c](../examples/findings/unicorn_currentel.c) shows it. The backend "
      "`unicorn:arm64` "
      "writes PSTATE for EL1, where the engine is already, so that `system.mrs_currentel` gives 4 "
      "as it should: "
      "no snippet can find it by way of the documented calls, which write no other flags than N, "
      "Z, C "
      "and V.\n"
      "- **Unicorn issue 1938**, flags after SHL AL, CL with CL 7: no defect by the manual. The "
      "report "
      "calls flags wrong that have OF set; OF is undefined where the count is not 1, and AF always "
      "(Intel SDM volume 2, "
      "SAL/SAR/SHL/SHR). `shift.shl_cl` is drawn, and what is defined agrees.\n"
      "- **IF at level 3 on kvm-pvm**: PUSHF there shows IF set also while the guest's IF is clear "
      "(Intel SDM "
      "volume 1, 3.4.3). Snippets run with IF set, as user code does, and do not meet it; it was "
      "seen while "
      "they ran without.\n"
      "- **Vector instructions at level 0 on kvm-pvm**: code of the guest's kernel is emulated by "
      "this "
      "module, without most of SSE, MMX and the x87: zx_vcpu_enter answers ZX_ERR_BAD_STATE. That "
      "is "
      "why snippets run at level 3.\n"
      "- **INT1 at level 3 on kvm-pvm** made zx_vcpu_enter not come back: it is not drawn.\n");
}

void vs_docgen_findings(void) {
  print_intro();
  for (size_t i = 0; i < VS_KNOWN_FINDINGS; i++) print_finding(&vs_known_findings[i]);
  print_others();
}
