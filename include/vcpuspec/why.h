// SPDX-License-Identifier: BSD-3-Clause
// Why something could not be done, in one line for the user: what is wrong, where, and the remedy.
// A function that may refuse takes a vs_why* and fills it in when it does; the caller owns it.
#ifndef VCPUSPEC_WHY_H_
#define VCPUSPEC_WHY_H_

enum { VS_WHY_MAX = 1024 };  // bytes; longer ones are cut

typedef struct vs_why {
  char text[VS_WHY_MAX];  // ends in a NUL; "": there is none
} vs_why;

#endif  // VCPUSPEC_WHY_H_
