// SPDX-License-Identifier: BSD-3-Clause
// Texts packed as gzip does (RFC 1952), in one way alone: no name, no time, so that the same text
// packed by the same library is the same bytes.
#ifndef VS_CONFORMANCE_GZIP_H_
#define VS_CONFORMANCE_GZIP_H_

#include "text/file.h"

// False: no memory. `packed` is the caller's.
bool vs_gzip(const char* text, size_t length, vs_file* packed);

// True of bytes that begin as what is packed does, by any program.
bool vs_is_gzip(const char* bytes, size_t length);

// Unpacks at most `most` bytes, and believes no length that the bytes tell. False: they are not one
// member as any program for gzip makes it, or there are more; `why` says so, and there is nothing
// to free.
bool vs_gunzip(const char* bytes, size_t length, size_t most, vs_file* text, vs_why* why);

#endif  // VS_CONFORMANCE_GZIP_H_
