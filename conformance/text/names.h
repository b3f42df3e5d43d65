// SPDX-License-Identifier: BSD-3-Clause
// The words by which texts call statuses and rights, and the word that was meant.
#ifndef VS_CONFORMANCE_NAMES_H_
#define VS_CONFORMANCE_NAMES_H_

#include <stdbool.h>
#include <stddef.h>
#include <zircon/syscalls.h>

typedef struct vs_right_name {
  zx_rights_t right;
  const char* name;
} vs_right_name;

extern const vs_right_name vs_right_names[];
extern const size_t vs_right_name_count;

enum { VS_RIGHTS_TEXT = 320 };
// "write|manage_thread", and what has no name as 0x...; "0x0" of none. Returns `text`.
const char* vs_rights_text(zx_rights_t rights, char text[VS_RIGHTS_TEXT]);

// "ZX_OK", "ZX_ERR_BAD_HANDLE", ...; NULL for a number without a name.
const char* vs_status_name(zx_status_t status);
// The status with this name. False: there is none.
bool vs_status_find(const char* name, zx_status_t* status);
// The names, one after another; NULL past the last.
const char* vs_status_name_at(size_t index);

// The nearest of `names` to `word`, or NULL if none is near.
const char* vs_nearest(const char* word, const char* const* names, size_t count);

#endif  // VS_CONFORMANCE_NAMES_H_
