// SPDX-License-Identifier: BSD-3-Clause
#include "sha256.h"

#include <string.h>

enum { BLOCK = 64, ROUNDS = 64, WORDS = 8 };

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turned(uint32_t value, unsigned bits) {
  return value >> bits | value << (32 - bits);
}

static void expand(const uint8_t* block, uint32_t* w) {
  for (size_t i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (size_t i = 16; i < ROUNDS; i++) {
    uint32_t low = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t high = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
}

static void take(uint32_t* state, const uint8_t* block) {
  uint32_t w[ROUNDS];
  uint32_t s[WORDS];
  expand(block, w);
  memcpy(s, state, sizeof s);
  for (size_t i = 0; i < ROUNDS; i++) {
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t sum1 = turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25);
    uint32_t sum0 = turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22);
    uint32_t first = s[7] + sum1 + choice + constants[i] + w[i];
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + sum0 + most;
  }
  for (size_t i = 0; i < WORDS; i++) state[i] += s[i];
}

// What is left of the data, a bit, and its length in bits.
static void take_end(uint32_t* state, const uint8_t* rest, size_t left, uint64_t bits) {
  uint8_t block[2 * BLOCK] = {0};
  size_t length = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
  if (left > 0) memcpy(block, rest, left);
  block[left] = 0x80;
  for (size_t i = 0; i < 8; i++) block[length - 1 - i] = (uint8_t)(bits >> (8 * i));
  for (size_t at = 0; at < length; at += BLOCK) take(state, block + at);
}

void vs_sha256(const void* data, size_t size, uint8_t digest[VS_SHA256_SIZE]) {
  uint32_t state[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const uint8_t* bytes = data;
  size_t at = 0;
  for (; size - at >= BLOCK; at += BLOCK) take(state, bytes + at);
  take_end(state, bytes + at, size - at, (uint64_t)size * 8);
  for (size_t i = 0; i < VS_SHA256_SIZE; i++) {
    digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
  }
}

void vs_sha256_base64(const void* data, size_t size, char text[VS_SHA256_BASE64]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t digest[VS_SHA256_SIZE + 1] = {0};  // a third byte for the last group
  size_t length = 0;
  vs_sha256(data, size, digest);
  for (size_t i = 0; i < sizeof digest; i += 3) {
    uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
    for (unsigned k = 0; k < 4; k++) text[length++] = letters[group >> (18 - 6 * k) & 63];
  }
  text[length - 1] = '=';
  text[length] = '\0';
}
