// SPDX-License-Identifier: BSD-3-Clause
#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMED(status) \
  { status, #status }
static const struct {
  zx_status_t status;
  const char* name;
} statuses[] = {
    NAMED(ZX_OK),
    NAMED(ZX_ERR_INTERNAL),
    NAMED(ZX_ERR_NOT_SUPPORTED),
    NAMED(ZX_ERR_NO_RESOURCES),
    NAMED(ZX_ERR_NO_MEMORY),
    NAMED(ZX_ERR_INVALID_ARGS),
    NAMED(ZX_ERR_BAD_HANDLE),
    NAMED(ZX_ERR_WRONG_TYPE),
    NAMED(ZX_ERR_BAD_SYSCALL),
    NAMED(ZX_ERR_OUT_OF_RANGE),
    NAMED(ZX_ERR_BUFFER_TOO_SMALL),
    NAMED(ZX_ERR_BAD_STATE),
    NAMED(ZX_ERR_TIMED_OUT),
    NAMED(ZX_ERR_SHOULD_WAIT),
    NAMED(ZX_ERR_CANCELED),
    NAMED(ZX_ERR_PEER_CLOSED),
    NAMED(ZX_ERR_NOT_FOUND),
    NAMED(ZX_ERR_ALREADY_EXISTS),
    NAMED(ZX_ERR_ALREADY_BOUND),
    NAMED(ZX_ERR_UNAVAILABLE),
    NAMED(ZX_ERR_ACCESS_DENIED),
    NAMED(ZX_ERR_IO),
    NAMED(ZX_ERR_IO_DATA_INTEGRITY),
};
#undef NAMED
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

#define RIGHT(code, name) \
  { ZX_RIGHT_##code, name }
const vs_right_name vs_right_names[] = {
    RIGHT(DUPLICATE, "duplicate"),
    RIGHT(TRANSFER, "transfer"),
    RIGHT(READ, "read"),
    RIGHT(WRITE, "write"),
    RIGHT(EXECUTE, "execute"),
    RIGHT(MAP, "map"),
    RIGHT(GET_PROPERTY, "get_property"),
    RIGHT(SET_PROPERTY, "set_property"),
    RIGHT(ENUMERATE, "enumerate"),
    RIGHT(DESTROY, "destroy"),
    RIGHT(SET_POLICY, "set_policy"),
    RIGHT(GET_POLICY, "get_policy"),
    RIGHT(SIGNAL, "signal"),
    RIGHT(SIGNAL_PEER, "signal_peer"),
    RIGHT(WAIT, "wait"),
    RIGHT(INSPECT, "inspect"),
    RIGHT(MANAGE_JOB, "manage_job"),
    RIGHT(MANAGE_PROCESS, "manage_process"),
    RIGHT(MANAGE_THREAD, "manage_thread"),
    RIGHT(APPLY_PROFILE, "apply_profile"),
    RIGHT(MANAGE_SOCKET, "manage_socket"),
    RIGHT(OP_CHILDREN, "op_children"),
    RIGHT(RESIZE, "resize"),
    RIGHT(SAME_RIGHTS, "same_rights"),
};
#undef RIGHT
const size_t vs_right_name_count = sizeof vs_right_names / sizeof vs_right_names[0];

const char* vs_rights_text(zx_rights_t rights, char text[VS_RIGHTS_TEXT]) {
  size_t used = 0;
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!(rights & vs_right_names[i].right)) continue;
    used += (size_t)sprintf(text + used, "%s%s", used > 0 ? "|" : "", vs_right_names[i].name);
    rights &= ~vs_right_names[i].right;
  }
  if (rights != 0 || used == 0) sprintf(text + used, "%s0x%" PRIx32, used > 0 ? "|" : "", rights);
  return text;
}

const char* vs_status_name(zx_status_t status) {
  for (size_t i = 0; i < STATUSES; i++) {
    if (statuses[i].status == status) return statuses[i].name;
  }
  return NULL;
}

bool vs_status_find(const char* name, zx_status_t* status) {
  for (size_t i = 0; i < STATUSES; i++) {
    if (strcmp(statuses[i].name, name) != 0) continue;
    *status = statuses[i].status;
    return true;
  }
  return false;
}

const char* vs_status_name_at(size_t index) {
  return index < STATUSES ? statuses[index].name : NULL;
}

// --- the word that was meant ------------------------------------------------------------------

enum { WORD_MAX = 64, NEAR = 4 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

// Insertions, deletions and replacements between two words.
static size_t distance(const char* a, const char* b) {
  size_t row[WORD_MAX + 1];
  size_t length = strlen(b);
  if (length > WORD_MAX || strlen(a) > WORD_MAX) return WORD_MAX;
  for (size_t j = 0; j <= length; j++) row[j] = j;
  for (size_t i = 1; a[i - 1] != '\0'; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= length; j++) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
    }
  }
  return row[length];
}

const char* vs_nearest(const char* word, const char* const* names, size_t count) {
  const char* nearest = NULL;
  size_t best = NEAR + 1;
  for (size_t i = 0; i < count; i++) {
    size_t d = distance(word, names[i]);
    if (d >= best || d >= strlen(names[i])) continue;
    best = d;
    nearest = names[i];
  }
  return nearest;
}
