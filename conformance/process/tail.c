// SPDX-License-Identifier: BSD-3-Clause
#include "tail.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 64, CHUNK = 1024, TOLD_MOST = 64 * 1024, MORE = 48 };

static bool is_passed_on = true;

void vs_tails_pass_on(bool yes) {
  is_passed_on = yes;
}

bool vs_tail_open(vs_tail* tail) {
  int ends[2];
  *tail = (vs_tail){.from = -1, .to = -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  tail->from = ends[0];
  tail->to = ends[1];
  return fcntl(tail->from, F_SETFL, O_NONBLOCK) == 0;
}

void vs_tail_close(vs_tail* tail) {
  if (tail->from >= 0) close(tail->from);
  if (tail->to >= 0) close(tail->to);
  tail->from = tail->to = -1;
}

void vs_tail_add(vs_tail* tail, const char* text, size_t length) {
  for (size_t i = 0; i < length && tail->all + i < sizeof tail->first; i++) {
    tail->first[tail->all + i] = text[i];
  }
  tail->all += length;
  if (length > sizeof tail->text) {
    text += length - sizeof tail->text;
    length = sizeof tail->text;
  }
  size_t room = sizeof tail->text - length;
  if (tail->count > room) {
    memmove(tail->text, tail->text + tail->count - room, room);
    tail->count = room;
  }
  memcpy(tail->text + tail->count, text, length);
  tail->count += length;
}

// What comes from outside must not speak to a terminal.
static char printable(char c) {
  bool text = (unsigned char)c >= ' ' && c != 0x7f;
  return text || c == '\n' || c == '\t' ? c : '?';
}

static void pass_on(vs_tail* tail, const char* text, size_t length) {
  if (!is_passed_on || tail->told > TOLD_MOST) return;
  for (size_t i = 0; i < length; i++) fputc(printable(text[i]), stderr);
  tail->told += length;
  if (tail->told > TOLD_MOST) fputs("\n(it writes more, which is not shown)\n", stderr);
}

void vs_tail_drain(vs_tail* tail) {
  char text[CHUNK];
  if (tail->from < 0) return;
  for (int turn = 0; turn < AT_ONCE; turn++) {
    ssize_t count = read(tail->from, text, sizeof text);
    if (count <= 0) return;
    vs_tail_add(tail, text, (size_t)count);
    pass_on(tail, text, (size_t)count);
  }
}

void vs_tail_forget(vs_tail* tail) {
  tail->count = tail->all = tail->told = 0;
}

// Of what was written, which is kept, the offset behind the first lines.
static size_t end_of_first(const vs_tail* tail, size_t most) {
  size_t lines = 0;
  size_t at = 0;
  size_t end = tail->all < sizeof tail->first ? tail->all : sizeof tail->first;
  if (end > most) end = most;
  while (at < end && lines < VS_TAIL_FIRST_LINES) lines += tail->first[at++] == '\n';
  size_t whole = at;  // a line that is cut misleads, unless there is no other
  while (whole > 0 && tail->first[whole - 1] != '\n') whole--;
  return whole > 0 ? whole : at;
}

// The offset at which the last lines begin.
static size_t start_of_last(const vs_tail* tail, size_t most) {
  size_t lines = 0;
  size_t at = tail->count;
  size_t start = tail->count > most ? tail->count - most : 0;
  if (at > 0 && tail->text[at - 1] == '\n') at--;
  while (at > start) {
    if (tail->text[at - 1] == '\n' && ++lines == VS_TAIL_LAST_LINES) break;
    at--;
  }
  const char* line =
      at > 0 && tail->text[at - 1] != '\n' ? memchr(tail->text + at, '\n', tail->count - at) : NULL;
  if (line != NULL && line + 1 < tail->text + tail->count) at = (size_t)(line + 1 - tail->text);
  return tail->all - tail->count + at;
}

static size_t put(char* to, const char* text, size_t length) {
  for (size_t i = 0; i < length; i++) to[i] = printable(text[i]);
  if (length > 0 && to[length - 1] != '\n') to[length++] = '\n';
  return length;
}

// As much of the end as there is room for; where that is not all, half of it is the beginning's.
void vs_tail_say(const vs_tail* tail, char* text, size_t size) {
  const size_t room = size - 2;
  const size_t beyond = tail->all - tail->count;  // the offset of the first that `text` has
  size_t used = 0;
  size_t last = start_of_last(tail, room);
  if (last > 0) {
    size_t first = end_of_first(tail, (size - MORE) / 2);
    last = start_of_last(tail, (size - MORE) / 2);
    if (first > last) first = last;
    used = put(text, tail->first, first);
    if (first == last) used = first;
    if (first < last) used += (size_t)sprintf(text + used, "(%zu bytes more)\n", last - first);
  }
  used += put(text + used, tail->text + (last - beyond), tail->all - last);
  text[used] = '\0';
}
