// SPDX-License-Identifier: BSD-3-Clause
// The files that a backend is made of. A build beside a run may replace them; the run then ends, as
// its results would be those of two different objects.
#ifndef VS_CONFORMANCE_IDENTITY_H_
#define VS_CONFORMANCE_IDENTITY_H_

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <vcpuspec/why.h>

enum { VS_IDENTITY_FILES = 2, VS_IDENTITY_TEXT = 65 };

typedef struct vs_identity {
  size_t count;  // of files; 0: it is made of none that we know
  char paths[VS_IDENTITY_FILES][PATH_MAX];
  struct stat found[VS_IDENTITY_FILES];
  // Of what is in all of them, as `cat FILES | sha256sum` prints it; "" of no files.
  char digest[VS_IDENTITY_TEXT];
} vs_identity;

// Of a shared object; or of what a shim's command starts: its program, and, where that was found by
// PATH (an interpreter, `env`), the first word behind it that is a file.
void vs_identity_of_object(vs_identity* identity, const char* path);
void vs_identity_of_command(vs_identity* identity, const char* command);

// False: `why` says which file is another now.
bool vs_identity_holds(const vs_identity* identity, vs_why* why);

#endif  // VS_CONFORMANCE_IDENTITY_H_
