// SPDX-License-Identifier: BSD-3-Clause
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"

enum { WORDS = 5 };

void vs_stream_begin(vs_stream* stream, const vs_stream_ears* ears) {
  memset(stream, 0, sizeof *stream);
  stream->ears = ears;
}

static void tear(vs_stream* s, const char* why, const char* what) {
  s->torn = true;
  vs_refuse(&s->why, "%s%.120s", why, what);
  vs_why_clean(&s->why);
}

// Names become names of files.
static bool is_name(const char* word) {
  size_t length = strlen(word);
  size_t good = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789.-");
  return length > 0 && length < VS_LAB_NAME && good == length && word[0] != '.';
}

static bool is_number(const char* word, int base, unsigned long most, unsigned long* value) {
  char* end = NULL;
  const char* digits = base == 16 ? "0123456789abcdef" : "0123456789";
  size_t length = strlen(word);
  if (length == 0 || length > 9 || strspn(word, digits) != length) return false;
  *value = strtoul(word, &end, base);
  return *value <= most;
}

static void expect_block(vs_stream* s, char** words, size_t count) {
  unsigned long size = 0;
  unsigned long sum = 0;
  if (count != 4 || !is_name(words[1]) || !is_number(words[2], 10, VS_LAB_BLOCK, &size) ||
      !is_number(words[3], 16, UINT32_MAX, &sum)) {
    tear(s, "a block is announced that cannot be", "");
    return;
  }
  memcpy(s->name, words[1], strlen(words[1]) + 1);
  s->awaited = size + 1;
  s->sum = (uint32_t)sum;
}

static void end(vs_stream* s, char** words, size_t count) {
  static const char* const ways[] = {"exit", "signal", "time"};
  unsigned long detail = 0;
  for (size_t i = 0; i < 3 && count > 2; i++) {
    bool good = strcmp(words[2], ways[i]) == 0 && is_name(words[1]);
    if (i == VS_LAB_TIME) {
      good = good && count == 3;
    } else {
      good = good && count == 4 && is_number(words[3], 10, 255, &detail);
    }
    if (!good) continue;
    s->ears->end(s->ears->context, words[1], (vs_lab_end)i, (int)detail);
    return;
  }
  tear(s, "a program ends as none can", "");
}

// A line that is none of the guest's words is torn, too: the kernel, say, printed into it.
static void take_line(vs_stream* s, char* line) {
  const vs_stream_ears* ears = s->ears;
  char* words[WORDS] = {0};
  size_t count = 0;
  line[strcspn(line, "\r")] = '\0';
  if (!s->greeted && strncmp(line, VS_LAB_HELLO " ", sizeof VS_LAB_HELLO) != 0) return;
  if (s->greeted && strncmp(line, "note ", 5) == 0) {
    ears->note(ears->context, line + 5);
    return;
  }
  char copy[100];
  snprintf(copy, sizeof copy, "%.99s", line);
  for (char* word; count < WORDS && (word = strsep(&line, " ")) != NULL;) words[count++] = word;
  if (!s->greeted && count == 4) {
    s->greeted = true;
    ears->hello(ears->context, words[2], words[3]);
  } else if (strcmp(words[0], "start") == 0 && count == 2 && is_name(words[1])) {
    ears->start(ears->context, words[1]);
  } else if (strcmp(words[0], "data") == 0) {
    expect_block(s, words, count);
  } else if (strcmp(words[0], "end") == 0) {
    end(s, words, count);
  } else if (strcmp(words[0], "bye") == 0 && count == 1) {
    s->over = true;
  } else {
    tear(s, "the guest's words are broken: ", copy);
  }
}

static void take_block(vs_stream* s, const char* block) {
  size_t size = s->awaited - 1;
  if (block[size] != '\n' || vs_digest32(VS_DIGEST32, block, size) != s->sum) {
    tear(s, "bytes were lost on the way from the guest, or the kernel printed among them", "");
    return;
  }
  s->ears->data(s->ears->context, s->name, block, size);
}

// True: something was understood, and is no longer held.
static bool advance(vs_stream* s) {
  char* at = s->held + s->from;
  size_t left = s->count - s->from;
  if (s->awaited > 0) {
    if (left < s->awaited) return false;
    take_block(s, at);
    s->from += s->awaited;
    s->awaited = 0;
    return true;
  }
  char* newline = memchr(at, '\n', left);
  if (newline == NULL) {
    if (left < VS_LAB_LINE) return false;
    if (s->greeted) tear(s, "a line without an end", "");
    s->from = s->count;
    return true;
  }
  *newline = '\0';
  s->from += (size_t)(newline - at) + 1;
  take_line(s, at);
  return true;
}

void vs_stream_feed(vs_stream* s, const char* bytes, size_t count) {
  while (count > 0 && !s->over && !s->torn) {
    size_t room = sizeof s->held - s->count;
    size_t some = count < room ? count : room;
    memcpy(s->held + s->count, bytes, some);
    s->count += some;
    bytes += some;
    count -= some;
    while (!s->over && !s->torn && advance(s)) {
    }
    s->count -= s->from;
    memmove(s->held, s->held + s->from, s->count);
    s->from = 0;
  }
}
