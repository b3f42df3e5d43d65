// SPDX-License-Identifier: BSD-3-Clause
// Reads what a lab's guest says (wire.h) as it comes, whatever it may be: a guest is not to be
// believed.
#ifndef VS_CLI_LAB_STREAM_H_
#define VS_CLI_LAB_STREAM_H_

#include <stdbool.h>

#include <vcpuspec/why.h>

#include "wire.h"

// How a program of the plan ended.
typedef enum vs_lab_end { VS_LAB_EXIT, VS_LAB_SIGNAL, VS_LAB_TIME } vs_lab_end;

// What is told of as it is understood. Texts are within the stream, and gone with the next byte.
typedef struct vs_stream_ears {
  void (*hello)(void* context, const char* machine, const char* release);
  void (*note)(void* context, const char* text);
  void (*start)(void* context, const char* name);
  void (*data)(void* context, const char* name, const char* bytes, size_t count);
  void (*end)(void* context, const char* name, vs_lab_end how, int detail);
  void* context;
} vs_stream_ears;

typedef struct vs_stream {
  const vs_stream_ears* ears;  // borrowed
  bool greeted;                // whatever came before was no word of the guest's
  bool over;                   // it said bye
  bool torn;                   // a block was not what was announced: `why`
  vs_why why;
  char name[VS_LAB_NAME];  // of the block that is awaited
  size_t awaited;          // bytes of it, with the newline at its end; 0: a line is awaited
  uint32_t sum;
  size_t from;   // of what is held, the first byte that is not understood yet
  size_t count;  // bytes that are held
  char held[VS_LAB_LINE + VS_LAB_BLOCK + 2];
} vs_stream;

void vs_stream_begin(vs_stream* stream, const vs_stream_ears* ears);

// Any number of bytes. Does nothing more once `over` or `torn`.
void vs_stream_feed(vs_stream* stream, const char* bytes, size_t count);

#endif  // VS_CLI_LAB_STREAM_H_
