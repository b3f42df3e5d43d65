// SPDX-License-Identifier: BSD-3-Clause
// What the first process of a lab's guest says to whoever booted it: lines, and blocks of bytes
// that a line announces. docs/lab.md describes them; init.c writes them, stream.c reads them.
#ifndef VS_CLI_LAB_WIRE_H_
#define VS_CLI_LAB_WIRE_H_

#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"

#define VS_LAB_HELLO "vcpuspec-lab 1"
#define VS_LAB_PORT "vcpuspec.lab"  // name of the virtio port that the guest speaks on, if it can

enum {
  VS_LAB_LINE = 4096,    // bytes of a line at most, with its newline
  VS_LAB_BLOCK = 32768,  // of a block
  VS_LAB_NAME = 32       // of a stream's name, with its NUL
};

#endif  // VS_CLI_LAB_WIRE_H_
