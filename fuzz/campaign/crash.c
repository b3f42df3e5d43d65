// SPDX-License-Identifier: BSD-3-Clause
#include "crash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "text/print.h"

#define LEFT "left"

static const char* const phases[] = {[VS_FUZZ_STARTING] = "starting",
                                     [VS_FUZZ_READY] = "ready",
                                     [VS_FUZZ_EXECUTING] = "executing",
                                     [VS_FUZZ_JUDGING] = "judging"};

static vs_fuzz_phase phase_of(uint32_t phase) {
  return phase <= VS_FUZZ_JUDGING ? (vs_fuzz_phase)phase : VS_FUZZ_JUDGING;
}

vs_crash vs_crash_of(const vs_child* child, uint32_t phase, bool hung, double timeout) {
  vs_crash crash = {.phase = phase_of(phase), .hang = hung};
  const char* name = child->death == VS_DEATH_SIGNAL ? sigabbrev_np(child->detail) : NULL;
  vs_child told = *child;
  if (hung) told.death = VS_DEATH_TIMEOUT;
  vs_death_describe(&told, timeout, crash.death, sizeof crash.death);
  vs_death_word(&told, crash.word);
  if (hung) {
    snprintf(crash.tag, sizeof crash.tag, "hang");
  } else if (child->death == VS_DEATH_EXIT) {
    snprintf(crash.tag, sizeof crash.tag, "exit_%d", child->detail);
  } else {
    snprintf(crash.tag, sizeof crash.tag, "SIG%s", name != NULL ? name : "_unknown");
  }
  int sig = hung || child->death != VS_DEATH_SIGNAL ? 0 : child->detail;
  crash.foreign = sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGHUP;
  return crash;
}

vs_crash vs_crash_left(uint32_t phase) {
  return (vs_crash){.phase = phase_of(phase), .foreign = true, .tag = LEFT, .death = "was ended"};
}

void vs_crash_name(uint64_t serial, char name[VS_FINDING_NAME]) {
  snprintf(name, VS_FINDING_NAME, "crash-%" PRIu64 ".vcpu", serial);
}

bool vs_crash_is_name(const char* name) {
  return strncmp(name, "crash-", 6) == 0;
}

// --- the file ---------------------------------------------------------------------------------

typedef struct crash_text {
  const vs_crash* crash;
  vs_script script;
  vs_arch arch;
} crash_text;

static void print(FILE* out, const void* what) {
  const crash_text* t = what;
  vs_print_script(out, &t->script, t->arch, NULL, 0);
  fprintf(out, "# phase %s\n# foreign %d\n# hang %d\n# tag %s\n# died %s\n",
          phases[t->crash->phase], t->crash->foreign, t->crash->hang, t->crash->tag,
          t->crash->death);
  if (t->crash->word[0] != '\0') fprintf(out, "# word %s\n", t->crash->word);
}

bool vs_crash_write(const vs_campaign_plan* plan, uint64_t serial, const vs_crash* crash,
                    const vs_fuzz_state* state) {
  char name[VS_FINDING_NAME];
  char path[VS_PATH];
  vs_op* ops;
  size_t count;
  bool sound = state->past_used <= VS_FUZZ_PAST && state->past_count <= VS_FUZZ_PAST / 2;
  if (state->magic != VS_FUZZ_MAGIC || !sound) return false;
  if (!vs_fuzz_rebuild(state, plan->target->arch, &ops, &count)) return false;
  vs_crash_name(serial, name);
  vs_path(path, plan->dir, "raw", name);
  const crash_text text = {crash, {"what was executed", ops, count}, plan->target->arch};
  bool good = count > 0 && vs_file_put(path, print, &text);
  free(ops);
  return good;
}

// The word after "# NAME ".
static void word_of(const char* text, const char* name, char* to, size_t size) {
  char line[48];
  snprintf(line, sizeof line, "\n# %s ", name);
  const char* at = strstr(text, line);
  if (at == NULL) return;
  at += strlen(line);
  snprintf(to, size, "%.*s", (int)strcspn(at, "\n"), at);
}

vs_crash vs_crash_read(const char* text) {
  vs_crash crash = {.phase = VS_FUZZ_EXECUTING, .tag = LEFT, .death = "was ended"};
  char phase[16] = "";
  char foreign[4] = "1";
  char hang[4] = "0";
  word_of(text, "phase", phase, sizeof phase);
  word_of(text, "foreign", foreign, sizeof foreign);
  word_of(text, "hang", hang, sizeof hang);
  word_of(text, "tag", crash.tag, sizeof crash.tag);
  word_of(text, "word", crash.word, sizeof crash.word);
  word_of(text, "died", crash.death, sizeof crash.death);
  for (unsigned i = 0; i < sizeof phases / sizeof phases[0]; i++) {
    if (strcmp(phases[i], phase) == 0) crash.phase = (vs_fuzz_phase)i;
  }
  crash.foreign = foreign[0] != '0';
  crash.hang = hang[0] == '1';
  return crash;
}
