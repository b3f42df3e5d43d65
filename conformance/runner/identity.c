// SPDX-License-Identifier: BSD-3-Clause
#include "identity.h"

#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/refuse.h"

enum { CHUNK = 1 << 16 };

// --- which files --------------------------------------------------------------------------------

static bool add(vs_identity* identity, const char* path) {
  size_t at = identity->count;
  bool is_file = stat(path, &identity->found[at]) == 0 && S_ISREG(identity->found[at].st_mode);
  if (!is_file || strlen(path) >= PATH_MAX) return false;
  memcpy(identity->paths[at], path, strlen(path) + 1);
  identity->count++;
  return true;
}

static bool add_by_path(vs_identity* identity, const char* name) {
  char path[PATH_MAX];
  const char* dirs = getenv("PATH");
  for (; dirs != NULL && dirs[0] != '\0'; dirs += dirs[0] == ':') {
    int length = (int)strcspn(dirs, ":");
    snprintf(path, sizeof path, "%.*s%s%s", length, dirs, length > 0 ? "/" : "", name);
    if (access(path, X_OK) == 0 && add(identity, path)) return true;
    dirs += length;
  }
  return false;
}

static void digest_file(SHA2_CTX* sum, const char* path) {
  uint8_t bytes[CHUNK];
  ssize_t got;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0) {
    SHA256Update(sum, bytes, (size_t)got);
  }
  if (fd >= 0) close(fd);
}

static void digest_all(const vs_identity* identity, char digest[VS_IDENTITY_TEXT]) {
  SHA2_CTX sum;
  SHA256Init(&sum);
  for (size_t i = 0; i < identity->count; i++) digest_file(&sum, identity->paths[i]);
  SHA256End(&sum, digest);
  if (identity->count == 0) digest[0] = '\0';
}

void vs_identity_of_object(vs_identity* identity, const char* path) {
  *identity = (vs_identity){0};
  add(identity, path);
  digest_all(identity, identity->digest);
}

void vs_identity_of_command(vs_identity* identity, const char* command) {
  char words[PATH_MAX];
  char* rest = NULL;
  *identity = (vs_identity){0};
  snprintf(words, sizeof words, "%s", command);
  const char* word = strtok_r(words, " \t\n;|&()'\"", &rest);
  bool ours = word != NULL && strchr(word, '/') != NULL;
  bool found = word != NULL && (ours ? add(identity, word) : add_by_path(identity, word));
  while (!(ours && found) && (word = strtok_r(NULL, " \t\n;|&()'\"", &rest)) != NULL) {
    if (add(identity, word)) break;
  }
  digest_all(identity, identity->digest);
}

// --- the same still? ----------------------------------------------------------------------------

static bool is_same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_untouched(const struct stat* a, const struct stat* b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

// What was touched alone is read again.
bool vs_identity_holds(const vs_identity* identity, vs_why* why) {
  for (size_t i = 0; i < identity->count; i++) {
    struct stat now = {0};
    bool there = stat(identity->paths[i], &now) == 0;
    if (there && is_untouched(&identity->found[i], &now)) continue;
    char digest[VS_IDENTITY_TEXT];
    digest_all(identity, digest);
    if (there && strcmp(digest, identity->digest) == 0) continue;
    return vs_refuse(why,
                     "%.500s is another file than it was at first: leave it alone while it is "
                     "judged",
                     identity->paths[i]);
  }
  return true;
}
