// SPDX-License-Identifier: BSD-3-Clause
#include "common.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/child.h"
#include "process/tail.h"
#include "shim/shim.h"
#include "text/document.h"
#include "text/file.h"
#include "text/profile.h"

static bool unknown_backend(const char* spec) {
  enum { NAME = VS_MUTANT_ID_MAX + sizeof "mutant:" };
  if (strcmp(spec, "plugin:") == 0) {
    fprintf(stderr, "vcpuspec: plugin: needs a path: plugin:./mine.so\n");
    return false;
  }
  const char** names = calloc(vs_builtin_count + vs_mutant_count, sizeof *names);
  char(*mutants)[NAME] = calloc(vs_mutant_count, sizeof *mutants);
  size_t count = 0;
  const bool room = names != NULL && mutants != NULL;
  for (size_t i = 0; room && i < vs_builtin_count; i++) names[count++] = vs_builtins[i]->name;
  for (size_t i = 0; room && i < vs_mutant_count; i++) {
    snprintf(mutants[i], sizeof mutants[i], "mutant:%s", vs_mutants[i].id);
    names[count++] = mutants[i];
  }
  vs_complain("backend", spec, names, count, "see vcpuspec list backends, vcpuspec list mutants");
  free(mutants);
  free(names);
  return false;
}

bool vs_find_target(const char* spec, vs_target* target) {
  return vs_target_parse(spec, target) || unknown_backend(spec);
}

const char* vs_one_backend(const vs_arguments* arguments, const char* otherwise) {
  if (arguments->counts[VS_OPTION_BACKEND] <= 1)
    return vs_argument(arguments, VS_OPTION_BACKEND, otherwise);
  fprintf(stderr, "vcpuspec: one --backend at a time: this command takes no more\n");
  return NULL;
}

bool vs_is_backend_name(const char* word) {
  bool good = word == NULL || (word[0] != '\0' && strlen(word) < VS_BACKEND_NAME);
  for (const char* c = word; good && c != NULL && *c != '\0'; c++) good = *c > ' ' && *c <= '~';
  if (!good) {
    fprintf(stderr, "vcpuspec: --as '%s': a name is a word of up to %d printable characters\n",
            word, VS_BACKEND_NAME - 1);
  }
  return good;
}

bool vs_find_ready_target(const char* spec, double timeout, vs_target* target, vs_exit* status) {
  *status = VS_EXIT_USAGE;
  if (!vs_find_target(spec, target)) return false;
  if (target->traces != NULL) {
    fprintf(
        stderr,
        "vcpuspec: '%s' was recorded, and nothing can be asked of it again: only run judges it\n",
        spec);
    return false;
  }
  vs_target_probe(target, timeout);
  if (target->state == VS_TARGET_READY) return true;
  fprintf(stderr, "vcpuspec: backend '%s' cannot be used: %s\n", spec, target->reason.text);
  *status = VS_EXIT_INFRASTRUCTURE;
  return false;
}

void vs_pass_on_no_more(const vs_target* target) {
  if (target->shim != NULL) vs_shim_drain(target->shim);
  vs_tails_pass_on(false);
}

bool vs_target_is_same(const vs_target* target) {
  vs_why why;
  if (vs_identity_holds(&target->identity, &why)) return true;
  fprintf(stderr, "vcpuspec: %s: exit status %d\n", why.text, VS_EXIT_INFRASTRUCTURE);
  return false;
}

bool vs_find_arch(const char* word, vs_arch* arch) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  const char* names[] = {vs_arch_find(VS_ARCH_X64)->name, vs_arch_find(VS_ARCH_ARM64)->name};
  for (size_t i = 0; i < 2; i++) {
    if (strcmp(word, names[i]) != 0) continue;
    *arch = archs[i];
    return true;
  }
  vs_complain("architecture", word, names, 2, "x86-64 or arm64");
  return false;
}

vs_exit vs_open_reports(vs_report_files* files, const vs_arguments* arguments) {
  vs_why why;
  vs_report_state state = vs_report_files_open(files, arguments->values[VS_OPTION_REPORT],
                                               arguments->counts[VS_OPTION_REPORT], &why);
  if (state == VS_REPORT_OK) return VS_EXIT_CONFORMS;
  fprintf(stderr, "vcpuspec: %s\n", why.text);
  return state == VS_REPORT_UNKNOWN ? VS_EXIT_USAGE : VS_EXIT_INFRASTRUCTURE;
}

bool vs_are_apart(const vs_report_files* files, const char* option, const char* path) {
  for (size_t i = 0; i < files->count && path != NULL; i++) {
    if (!vs_file_is_same(files->items[i].path, path)) continue;
    fprintf(stderr,
            "vcpuspec: %s and --report are both %s, and one would overwrite the other: give each a "
            "file of its own\n",
            option, path);
    return false;
  }
  return true;
}

// --- profiles ---------------------------------------------------------------------------------

static bool names_a_file(const char* word) {
  static const char suffix[] = ".profile";
  size_t length = strlen(word);
  size_t tail = sizeof suffix - 1;
  struct stat status;
  bool ends = length > tail && strcmp(word + length - tail, suffix) == 0;
  return ends || strchr(word, '/') != NULL || (stat(word, &status) == 0 && S_ISREG(status.st_mode));
}

static const vs_profile* load(const char* path) {
  enum { KEPT = 2 };
  static vs_own_profile files[KEPT];
  static unsigned turn;
  vs_own_profile* own = &files[turn++ % KEPT];
  vs_fault fault;
  if (!vs_profile_load(path, own, &fault)) {
    vs_complain_of_text(path, &fault);
    return NULL;
  }
  if (vs_profile_find(own->profile.id) == NULL) return &own->profile;
  fprintf(stderr,
          "vcpuspec: %s: '%s' is the name of a profile of ours: reports would mix them up\n", path,
          own->profile.id);
  return NULL;
}

const vs_profile* vs_find_profile(const char* word) {
  enum { NAMES = 16 };
  const char* names[NAMES];
  const vs_profile* profile = vs_profile_find(word);
  if (profile != NULL) return profile;
  if (names_a_file(word)) return load(word);
  for (size_t i = 0; i < vs_profile_count; i++) names[i] = vs_profiles[i].id;
  vs_complain("profile", word, names, vs_profile_count,
              "see vcpuspec list profiles; a file's name holds a '/' or ends in .profile");
  return NULL;
}

volatile sig_atomic_t vs_stop;

// What a command has started does not outlive it.
static void end_at_once(int sig) {
  vs_children_end();
  signal(sig, SIG_DFL);
  raise(sig);
}

void vs_mind_stop(void) {
  const int signals[] = {SIGINT, SIGTERM};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    struct sigaction action;
    const bool ignored = sigaction(signals[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    action = (struct sigaction){.sa_handler = end_at_once};
    if (!ignored) sigaction(signals[i], &action, NULL);
  }
}

static void ask_to_stop(int sig) {
  vs_stop = sig;
}

void vs_listen_for_stop(void) {
  struct sigaction action = {.sa_handler = ask_to_stop};
  vs_waits_stop_on(&vs_stop);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

// --- folders ------------------------------------------------------------------------------------

static int why_no_folder(const char* folder) {
  struct stat about;
  if (stat(folder, &about) != 0) return errno;
  if (!S_ISDIR(about.st_mode)) return ENOTDIR;
  return access(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

bool vs_make_folder(const char* folder) {
  char path[PATH_MAX];
  int why = ENAMETOOLONG;
  const int length = snprintf(path, sizeof path, "%s", folder);
  if (length > 0 && (size_t)length < sizeof path) {
    for (char* end = strchr(path + 1, '/'); end != NULL; end = strchr(end + 1, '/')) {
      *end = '\0';
      (void)mkdir(path, 0777);  // what comes of it is seen below
      *end = '/';
    }
    const int error = mkdir(path, 0777) == 0 ? 0 : errno;
    why = error == 0 || error == EEXIST ? why_no_folder(path) : error;
  }
  if (why != 0) fprintf(stderr, "vcpuspec: %s: %s\n", folder, strerror(why));
  return why == 0;
}
