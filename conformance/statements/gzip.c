// SPDX-License-Identifier: BSD-3-Clause
#include "gzip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/refuse.h"

enum {
  GZIP = MAX_WBITS + 16,  // zlib's word for it
  MEMORY = 9,             // the most that zlib knows
  MAGIC = 3,              // bytes
  FIRST = 1 << 20         // bytes of room for what is unpacked
};

static const unsigned char magic[] = {0x1f, 0x8b, 8};  // and: deflated

bool vs_gzip(const char* text, size_t length, vs_file* packed) {
  gz_header plain = {.os = 255};
  z_stream z = {.next_in = (Bytef*)(uintptr_t)text, .avail_in = (uInt)length};
  *packed = (vs_file){0};
  if (length > UINT_MAX / 2) return false;
  if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
    return false;
  deflateSetHeader(&z, &plain);
  const uLong most = deflateBound(&z, (uLong)length);
  packed->text = malloc(most + 1);
  z.next_out = (Bytef*)packed->text;
  z.avail_out = (uInt)most;
  const bool good = packed->text != NULL && deflate(&z, Z_FINISH) == Z_STREAM_END;
  packed->length = z.total_out;
  deflateEnd(&z);
  if (good) packed->text[packed->length] = '\0';
  if (!good) vs_file_free(packed);
  return good;
}

// Room for more, of which one byte is for a NUL.
static bool grow(vs_file* text, size_t* room, size_t most) {
  size_t wanted = *room == 0 ? FIRST : 2 * *room;
  if (wanted > most + 2) wanted = most + 2;
  char* larger = realloc(text->text, wanted);
  if (larger == NULL) return false;
  text->text = larger;
  *room = wanted;
  return true;
}

static bool unpack(z_stream* z, size_t most, vs_file* text, vs_why* why) {
  size_t room = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    if (text->length + 1 >= room && !grow(text, &room, most)) return vs_refuse(why, "no memory");
    z->next_out = (Bytef*)text->text + text->length;
    z->avail_out = (uInt)(room - text->length - 1);
    state = inflate(z, Z_NO_FLUSH);
    text->length = z->total_out;
    if (text->length > most)
      return vs_refuse(why, "unpacked, it is longer than %zu MiB", most >> 20);
  }
  text->text[text->length] = '\0';
  if (state == Z_MEM_ERROR) return vs_refuse(why, "no memory");
  if (state == Z_BUF_ERROR) return vs_refuse(why, "it is cut off");
  if (state != Z_STREAM_END)
    return vs_refuse(why, "it is spoilt (%s)", z->msg != NULL ? z->msg : "no gzip");
  return z->avail_in == 0 || vs_refuse(why, "%u bytes stand behind its end", z->avail_in);
}

bool vs_is_gzip(const char* bytes, size_t length) {
  return length >= MAGIC && memcmp(bytes, magic, MAGIC) == 0;
}

bool vs_gunzip(const char* bytes, size_t length, size_t most, vs_file* text, vs_why* why) {
  z_stream z = {.next_in = (Bytef*)(uintptr_t)bytes, .avail_in = (uInt)length};
  *text = (vs_file){0};
  if (length > UINT_MAX / 2) return vs_refuse(why, "it is too long");
  const size_t shown = length < MAGIC ? length : MAGIC;
  if (length == 0) return vs_refuse(why, "it is empty");
  if (memcmp(bytes, magic, shown) != 0)
    return vs_refuse(why, "it does not begin as what gzip writes, and a statement, does");
  if (inflateInit2(&z, GZIP) != Z_OK) return vs_refuse(why, "no memory");
  const bool good = unpack(&z, most, text, why);
  inflateEnd(&z);
  if (!good) vs_file_free(text);
  return good;
}
