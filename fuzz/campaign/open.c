// SPDX-License-Identifier: BSD-3-Clause
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/refuse.h"
#include "files.h"
#include "process/child.h"
#include "text/file.h"
#include "text/profile.h"

#define MAGIC "vcpuspec campaign 1\n"

static bool refuse(vs_campaign_outcome* o, const char* dir, const char* why) {
  o->end = VS_CAMPAIGN_REFUSED;
  return vs_refuse(&o->reason, "%.400s %s", dir, why);
}

static bool fail(vs_campaign_outcome* o, const char* path, const char* what) {
  o->end = VS_CAMPAIGN_BROKEN;
  return vs_refuse(&o->reason, "%.400s cannot be %s: %s", path, what, strerror(errno));
}

// --- what it is of ----------------------------------------------------------------------------

static void print_identity(FILE* out, const void* what) {
  const vs_campaign_plan* plan = what;
  fprintf(out, "backend %s\nprofile %s (%08" PRIx32 ")\ntarget %s\n", plan->target->spec,
          plan->profile->id, vs_profile_digest(plan->profile), vs_fuzz_target_names[plan->what]);
}

static void print_campaign(FILE* out, const void* what) {
  fputs(MAGIC, out);
  print_identity(out, what);
}

// What a text is after its first line, on one line.
static void tell(char* to, size_t size, const char* text) {
  snprintf(to, size, "%s", text);
  size_t length = strlen(to);
  while (length > 0 && to[length - 1] == '\n') to[--length] = '\0';
  for (char* c = to; *c != '\0'; c++) {
    if (*c == '\n') *c = ',';
  }
}

static bool is_same(const vs_campaign_plan* plan, vs_campaign_outcome* o, const char* found) {
  char wanted[1024] = "";
  char told[512];
  vs_why why;
  if (strncmp(found, MAGIC, strlen(MAGIC)) != 0) {
    return refuse(o, plan->dir, "holds no campaign that this program can read");
  }
  FILE* out = fmemopen(wanted, sizeof wanted - 1, "w");
  if (out == NULL) return fail(o, plan->dir, "compared");
  print_identity(out, plan);
  fclose(out);
  if (strcmp(found + strlen(MAGIC), wanted) == 0) return true;
  tell(told, sizeof told, found + strlen(MAGIC));
  vs_refuse(&why, "is another campaign's (%s): name another directory", told);
  return refuse(o, plan->dir, why.text);
}

static bool read_identity(const vs_campaign_plan* plan, vs_campaign_outcome* o, const char* path) {
  vs_why why;
  vs_file file;
  if (!vs_file_read(path, &file, &why)) return fail(o, path, "read");
  bool same = is_same(plan, o, file.text);
  vs_file_free(&file);
  return same;
}

// --- the directory ----------------------------------------------------------------------------

static bool is_foreign(const char* name, void* context) {
  bool* foreign = context;
  *foreign |= strcmp(name, "campaign.new") != 0 && strcmp(name, "lock") != 0;
  return true;
}

static bool make_directory(const char* path) {
  struct stat status;
  if (mkdir(path, 0777) == 0) return true;
  if (errno != EEXIST) return false;
  if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) return true;
  errno = ENOTDIR;
  return false;
}

static bool make_parts(const vs_campaign_plan* plan, vs_campaign_outcome* o) {
  static const char* const parts[] = {"corpus", "raw", "findings", "set-aside", "broken"};
  char path[VS_PATH];
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    vs_path(path, plan->dir, NULL, parts[i]);
    if (!make_directory(path)) return fail(o, path, "made");
  }
  return true;
}

// Of the process, and of none that it starts: gone when it ends, in whatever way.
static bool lock(const vs_campaign_plan* plan, vs_campaign_outcome* o) {
  char path[VS_PATH];
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  vs_path(path, plan->dir, NULL, "lock");
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return fail(o, path, "written");
  if (fcntl(fd, F_SETLK, &whole) == 0) return true;
  close(fd);
  return refuse(o, plan->dir, "is in use: a campaign is running there");
}

bool vs_campaign_open(const vs_campaign_plan* plan, vs_campaign_outcome* outcome) {
  char path[VS_PATH];
  bool foreign = false;
  if (strlen(plan->dir) >= VS_CAMPAIGN_DIR) return refuse(outcome, plan->dir, "is too long a name");
  if (!make_directory(plan->dir)) {
    if (errno == ENOTDIR || errno == ENOENT) return refuse(outcome, plan->dir, strerror(errno));
    return fail(outcome, plan->dir, "made");
  }
  vs_path(path, plan->dir, NULL, "campaign");
  vs_files_each(plan->dir, is_foreign, &foreign);
  if (!vs_file_exists(path) && foreign) {
    return refuse(outcome, plan->dir, "holds files, and no campaign");
  }
  if (!lock(plan, outcome)) return false;
  bool resumed = vs_file_exists(path);
  if (resumed && !read_identity(plan, outcome, path)) return false;
  if (!resumed && !vs_file_put(path, print_campaign, plan)) return fail(outcome, path, "written");
  return make_parts(plan, outcome);
}
