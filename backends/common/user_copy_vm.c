// SPDX-License-Identifier: BSD-3-Clause
// The user copy for any Linux host: the kernel does it and reports what it could not access. About
// forty times the price of the copy that fixes up its faults, but without a line of assembler.
#include <sys/uio.h>
#include <unistd.h>

#include "user_copy_arch.h"

const uintptr_t vs_user_copy_limit = UINTPTR_MAX;

void vs_user_copy_install(void) {}
void vs_user_copy_remove(void) {}

// Both calls count the bytes moved before the first one that they could not access; a huge range is
// cut by the kernel, hence the loop.
bool vs_user_copy_read(void* dst, const void* user_src, size_t size) {
  for (size_t done = 0; done < size;) {
    struct iovec local = {(char*)dst + done, size - done};
    struct iovec remote = {(char*)(uintptr_t)user_src + done, size - done};
    const ssize_t moved = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (moved <= 0) return false;
    done += (size_t)moved;
  }
  return true;
}

bool vs_user_copy_write(void* user_dst, const void* src, size_t size) {
  for (size_t done = 0; done < size;) {
    struct iovec local = {(char*)(uintptr_t)src + done, size - done};
    struct iovec remote = {(char*)user_dst + done, size - done};
    const ssize_t moved = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
    if (moved <= 0) return false;
    done += (size_t)moved;
  }
  return true;
}
