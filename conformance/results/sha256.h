// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4) of short texts: what a page's Content-Security-Policy names its own style
// and script by.
#ifndef VS_CONFORMANCE_SHA256_H_
#define VS_CONFORMANCE_SHA256_H_

#include <stddef.h>
#include <stdint.h>

enum { VS_SHA256_SIZE = 32, VS_SHA256_BASE64 = 45 };  // bytes; the latter with a NUL

void vs_sha256(const void* data, size_t size, uint8_t digest[VS_SHA256_SIZE]);

// The same as a policy writes it.
void vs_sha256_base64(const void* data, size_t size, char text[VS_SHA256_BASE64]);

#endif  // VS_CONFORMANCE_SHA256_H_
