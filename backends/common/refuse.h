// SPDX-License-Identifier: BSD-3-Clause
// Fills in why something could not be done, cut where it is too long. Each is false, so that what
// refuses can return it:
//
//   if (fd < 0) return vs_refuse(why, "%s: %s", path, strerror(errno));
#ifndef VS_BACKENDS_COMMON_REFUSE_H_
#define VS_BACKENDS_COMMON_REFUSE_H_

#include <stdarg.h>
#include <stdbool.h>
#include <vcpuspec/why.h>

// As printf.
bool vs_refuse(vs_why* why, const char* format, ...) __attribute__((format(printf, 2, 3)));
// As vprintf.
bool vs_refuse_as(vs_why* why, const char* format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
// As vs_refuse, behind what it says already.
bool vs_refuse_more(vs_why* why, const char* format, ...) __attribute__((format(printf, 2, 3)));

// True of an errno that says that something is used up, not that it cannot be had.
bool vs_is_shortage(int error);

// Other people's bytes may be anything: what is not printable ASCII becomes '?'.
void vs_why_clean(vs_why* why);

#endif  // VS_BACKENDS_COMMON_REFUSE_H_
