// SPDX-License-Identifier: BSD-3-Clause
// The archive that a kernel unpacks as its first file system: cpio's form "newc".
#ifndef VS_CLI_LAB_INITRAMFS_H_
#define VS_CLI_LAB_INITRAMFS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <vcpuspec/why.h>

typedef struct vs_initramfs {
  FILE* out;
  unsigned number;  // of the next file
  bool failed;
  vs_why why;
} vs_initramfs;

// False, as of all that follow: `why` says the reason in one line.
bool vs_initramfs_begin(vs_initramfs* archive, const char* path);
bool vs_initramfs_folder(vs_initramfs* archive, const char* name);
bool vs_initramfs_text(vs_initramfs* archive, const char* name, const char* text, size_t length);
// The file at `path`, up to 512 MiB, as an executable one.
bool vs_initramfs_file(vs_initramfs* archive, const char* name, const char* path);
// Ends the archive and closes it, also one that failed.
bool vs_initramfs_end(vs_initramfs* archive);

enum { VS_MODULES_MOST = 64, VS_MODULE_PATH = 256 };

// Modules in the order in which they are to be loaded: each after those that it needs.
typedef struct vs_modules {
  char paths[VS_MODULES_MOST][VS_MODULE_PATH];  // within the folder
  size_t count;
} vs_modules;

// Adds the module of this name ('-' and '_' are the same) and all that it needs, as modules.dep in
// the folder says. One that is not there is no error: the kernel may have it built in. False: there
// is no modules.dep, or there are too many; `why`.
bool vs_modules_add(vs_modules* modules, const char* folder, const char* name, vs_why* why);

#endif  // VS_CLI_LAB_INITRAMFS_H_
