// SPDX-License-Identifier: BSD-3-Clause
#include "refuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool vs_refuse_as(vs_why* why, const char* format, va_list arguments) {
  vsnprintf(why->text, sizeof why->text, format, arguments);
  return false;
}

bool vs_refuse(vs_why* why, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vs_refuse_as(why, format, arguments);
  va_end(arguments);
  return false;
}

bool vs_refuse_more(vs_why* why, const char* format, ...) {
  const size_t used = strlen(why->text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why->text + used, sizeof why->text - used, format, arguments);
  va_end(arguments);
  return false;
}

bool vs_is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

void vs_why_clean(vs_why* why) {
  for (char* c = why->text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '?';
  }
}
