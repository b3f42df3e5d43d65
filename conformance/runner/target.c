// SPDX-License-Identifier: BSD-3-Clause
#include "target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"
#include "guest/guest.h"
#include "plugin.h"
#include "process/child.h"
#include "process/tail.h"
#include "remote/remote.h"
#include "soft/soft.h"
#include "tables.h"
#include "zircon/kvm/rows.h"
#include "zircon/unicorn/rows.h"

static const uint64_t ALL_CALLS = (UINT64_C(1) << VS_CALL_COUNT) - 1;

const vs_backend* const vs_builtins[] = {
    &vs_backend_soft,
    &vs_backend_soft_2018,
    &vs_backend_soft_zircon,
    &vs_backend_soft_2023,
    &vs_backend_soft_zcore,
    &vs_backend_soft_arm64,
    &vs_backend_soft_arm64_2018,
    &vs_backend_soft_arm64_2023,
    &vs_backend_soft_arm64_zircon,
    &vs_backend_unicorn,
    &vs_backend_unicorn_arm64,
    &vs_backend_unicorn_arm64_zircon,
    &vs_backend_kvm,
    &vs_backend_kvm_zircon,
};
const size_t vs_builtin_count = sizeof vs_builtins / sizeof vs_builtins[0];

const char* const vs_default_targets[] = {"soft", "unicorn", "unicorn:arm64", "kvm"};
const size_t vs_default_target_count = sizeof vs_default_targets / sizeof vs_default_targets[0];

static const vs_backend* builtin_find(const char* name) {
  for (size_t i = 0; i < vs_builtin_count; i++) {
    if (strcmp(vs_builtins[i]->name, name) == 0) return vs_builtins[i];
  }
  return NULL;
}

static const char* after(const char* spec, const char* prefix) {
  size_t length = strlen(prefix);
  return strncmp(spec, prefix, length) == 0 && spec[length] != '\0' ? spec + length : NULL;
}

bool vs_target_parse(const char* spec, vs_target* target) {
  *target = (vs_target){.spec = spec,
                        .path = after(spec, "plugin:"),
                        .where = after(spec, "shim:"),
                        .traces = after(spec, "recorded:")};
  snprintf(target->name, sizeof target->name, "%s", spec);
  if (target->path != NULL || target->where != NULL || target->traces != NULL) return true;
  const char* id = after(spec, "mutant:");
  if (id != NULL) target->mutant = vs_mutant_find(id);
  if (id != NULL && target->mutant == NULL) return false;
  target->backend = builtin_find(target->mutant ? target->mutant->base : spec);
  return target->backend != NULL;
}

static bool open_plugin(const vs_target* target, vs_opened* opened, vs_why* reason) {
  static vs_plugin_backend plugin;  // its calls outlive this function; one a process
  if (!vs_plugin_load(target->path, &plugin, reason)) return false;
  *opened = (vs_opened){.arch = plugin.arch,
                        .resource = plugin.resource,
                        .other_resource = plugin.other_resource,
                        .calls = &plugin.calls};
  snprintf(opened->name, sizeof opened->name, "%s", plugin.name);
  return true;
}

// Who was not probed has a shim of its own.
static bool open_shim(const vs_target* target, vs_opened* opened, vs_why* reason) {
  static vs_calls calls;  // one a process
  vs_shim* shim = target->shim;
  if (shim == NULL) {
    shim = vs_shim_new(target->where, reason);
    if (shim == NULL) return false;
    vs_shim_keep(shim);
    if (!vs_shim_ready(shim, 0, reason)) {
      vs_shim_free(shim);
      return false;
    }
  }
  vs_shim_begin(shim, &calls);
  const vs_greeting* greeting = vs_shim_greeting(shim);
  *opened = (vs_opened){.arch = greeting->arch,
                        .resource = greeting->resource,
                        .other_resource = greeting->other_resource,
                        .calls = &calls,
                        .reach = vs_remote_reach,
                        .held = vs_remote_held};
  snprintf(opened->name, sizeof opened->name, "%s", greeting->name);
  return true;
}

vs_executor* vs_opened_executor(const vs_opened* opened) {
  vs_executor* x = vs_executor_open(opened->calls, opened->arch, opened->resource);
  if (x == NULL) return NULL;
  vs_executor_offer(x, opened->other_resource);
  vs_executor_reach_by(x, opened->reach, opened->held);
  return x;
}

static bool open_files(const vs_target* target, vs_opened* opened, vs_why* reason) {
  bool good = target->where != NULL ? open_shim(target, opened, reason)
                                    : open_plugin(target, opened, reason);
  return good && vs_identity_holds(&target->identity, reason);
}

static uint64_t missing_of(const vs_calls* calls) {
  uint64_t missing = 0;
#define VS_CALL(name, ...) missing |= (uint64_t)(calls->name == NULL) << VS_CALL_##name;
#include <vcpuspec/calls.def>
#undef VS_CALL
  return missing;
}

bool vs_target_open(const vs_target* target, vs_opened* opened, vs_why* reason) {
  if (target->traces != NULL)
    return vs_refuse(reason, "traces were recorded, and nothing can be asked of them again");
  if (target->where != NULL || target->path != NULL) return open_files(target, opened, reason);
  const vs_backend* backend = target->backend;
  if (!backend->open(reason)) return false;
  const vs_calls* calls = backend->calls;
  if (target->mutant != NULL) calls = vs_mutant_over(target->mutant, backend);
  *opened = (vs_opened){.arch = backend->arch,
                        .resource = backend->resource,
                        .other_resource = backend->other_resource,
                        .calls = calls,
                        .reach = backend->reach};
  snprintf(opened->name, sizeof opened->name, "%s", target->name);
  return true;
}

// What the probing child tells.
typedef struct probe {
  const vs_target* target;
  int output;  // what it writes goes there; -1: nowhere else than ours
  bool done;
  bool ready;
  bool is_short;  // it is not ready for want of what the machine has used up
  vs_arch arch;
  uint64_t lacks;
  char name[64];
  vs_why reason;
} probe;

static void probe_work(void* argument) {
  probe* p = argument;
  vs_opened opened = {0};
  if (p->output >= 0) {
    dup2(p->output, STDERR_FILENO);
    dup2(p->output, STDOUT_FILENO);
  }
  // What this process has open is no business of an implementation's.
  close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  errno = 0;
  p->ready = vs_target_open(p->target, &opened, &p->reason);
  p->is_short = !p->ready && vs_is_shortage(errno);
  if (p->ready) {
    p->arch = opened.arch;
    p->lacks = missing_of(opened.calls);
    memcpy(p->name, opened.name, sizeof p->name);
  }
  p->done = true;
}

// What comes from outside must not speak to a terminal.
static void make_printable(char* text) {
  for (char* c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
  }
}

static void conclude(vs_target* target, probe* p, const vs_child* child, double seconds) {
  p->name[sizeof p->name - 1] = '\0';
  p->reason.text[VS_WHY_MAX - 1] = '\0';
  if (p->done && p->ready && vs_arch_find(p->arch) != NULL) {
    target->state = VS_TARGET_READY;
    target->arch = p->arch;
    target->lacks = p->lacks;
    memcpy(target->name, p->name, sizeof target->name);
    return;
  }
  bool absent = p->done && target->backend != NULL && !p->is_short;
  target->state = absent ? VS_TARGET_ABSENT : VS_TARGET_BROKEN;
  if (p->done && p->reason.text[0] != '\0') {
    target->reason = p->reason;
    return;
  }
  char death[128];
  vs_death_describe(child, seconds, death, sizeof death);
  vs_refuse(&target->reason, "when it was loaded, it %s", death);
}

static void probe_shim(vs_target* target, double seconds) {
  vs_target_close(target);
  target->state = VS_TARGET_BROKEN;
  target->shim = vs_shim_new(target->where, &target->reason);
  if (target->shim == NULL) return;
  if (!vs_shim_ready(target->shim, seconds, &target->reason)) {
    vs_target_close(target);
    return;
  }
  const vs_greeting* greeting = vs_shim_greeting(target->shim);
  target->state = VS_TARGET_READY;
  target->arch = greeting->arch;
  target->lacks = ~(uint64_t)greeting->calls & ALL_CALLS;
  snprintf(target->name, sizeof target->name, "%s", greeting->name);
}

// The calls that none of them has.
static uint64_t never_made(const vs_traces* recorded) {
  uint64_t made = 0;
  for (size_t i = 0; i < recorded->count; i++) {
    const vs_document* trace = &recorded->traces[i];
    for (size_t k = 0; k < trace->count; k++) {
      const vs_observation* seen = &trace->observations[k];
      if (seen->call < VS_CALL_COUNT && seen->outcome != VS_UNSUPPORTED)
        made |= UINT64_C(1) << seen->call;
    }
  }
  return ALL_CALLS & ~made;
}

// It is called what its traces say that it is.
static void probe_traces(vs_target* target) {
  vs_target_close(target);
  target->state = VS_TARGET_BROKEN;
  target->recorded = vs_traces_read(target->traces, &target->reason);
  if (target->recorded == NULL) return;
  const vs_document* first = &target->recorded->traces[0];
  target->state = VS_TARGET_READY;
  target->arch = first->arch;
  target->lacks = never_made(target->recorded);
  if (first->backend[0] != '\0') snprintf(target->name, sizeof target->name, "%s", first->backend);
}

void vs_target_close(vs_target* target) {
  vs_traces_free(target->recorded);
  target->recorded = NULL;
  vs_shim_free(target->shim);
  target->shim = NULL;
}

static void wait_and_drain(vs_child* child, vs_tail* tail) {
  const struct timespec pause = {0, 200000};
  while (!vs_child_ended(child)) {
    vs_tail_drain(tail);
    nanosleep(&pause, NULL);
  }
  vs_tail_drain(tail);
}

static void probe_apart(vs_target* target, double seconds) {
  vs_child child = {0};
  vs_tail tail;
  probe* p = vs_shared_new(sizeof *p);
  target->state = VS_TARGET_BROKEN;
  vs_refuse(&target->reason, "this machine has no process or memory to spare");
  if (p == NULL) return;
  vs_tail_open(&tail);
  p->target = target;
  p->output = tail.to;
  if (vs_child_start(&child, seconds, probe_work, p)) {
    wait_and_drain(&child, &tail);
    conclude(target, p, &child, seconds);
  }
  vs_tail_close(&tail);
  vs_shared_free(p, sizeof *p);
}

// Once for all processes.
static bool is_loaded(vs_target* target) {
  const vs_backend* backend = target->backend;
  if (backend == NULL || backend->load == NULL || backend->load(&target->reason)) return true;
  target->state = vs_is_shortage(errno) ? VS_TARGET_BROKEN : VS_TARGET_ABSENT;
  return false;
}

void vs_target_probe(vs_target* target, double seconds) {
  if (target->where != NULL) vs_identity_of_command(&target->identity, target->where);
  if (target->path != NULL) vs_identity_of_object(&target->identity, target->path);
  if (target->where != NULL) {
    probe_shim(target, seconds);
  } else if (target->traces != NULL) {
    probe_traces(target);
  } else if (is_loaded(target)) {
    probe_apart(target, seconds);
  }
  vs_guest_image(target->arch);  // so that no case's process has to make it
  make_printable(target->name);
  make_printable(target->reason.text);
}
