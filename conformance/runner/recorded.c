// SPDX-License-Identifier: BSD-3-Clause
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "text/file.h"
#include "text/print.h"

static bool add(vs_traces* all, const vs_document* d) {
  size_t count = all->count;
  if ((count & (count - 1)) == 0) {
    vs_document* more = realloc(all->traces, (count > 0 ? 2 * count : 1) * sizeof *more);
    if (more == NULL) return false;
    all->traces = more;
  }
  all->traces[all->count++] = *d;
  return true;
}

static bool fail(const char* path, const vs_fault* fault, vs_why* why) {
  return vs_refuse(why, "%.200s:%zu:%zu: %.200s", path, fault->line, fault->column, fault->message);
}

static bool is_first_of_its_name(const vs_traces* all, const vs_document* d, vs_fault* fault) {
  if (all->count > 0 && all->traces[0].arch != d->arch) {
    snprintf(fault->message, sizeof fault->message,
             "a trace of another architecture than the first: give each a file of its own");
    return false;
  }
  if (all->count > 0 && strcmp(all->traces[0].backend, d->backend) != 0) {
    snprintf(fault->message, sizeof fault->message,
             "a trace of '%.60s', and the first is of '%.60s': give each a file of its own",
             d->backend, all->traces[0].backend);
    return false;
  }
  for (size_t i = 0; i < all->count; i++) {
    if (strcmp(all->traces[i].title, d->title) != 0) continue;
    snprintf(fault->message, sizeof fault->message, "a second trace of '%.80s'", d->title);
    return false;
  }
  return true;
}

// A trace that can be found again: is it one, is it sound, and the first of its title?
static bool may_add(const vs_traces* all, const vs_document* d, vs_fault* fault) {
  *fault = (vs_fault){.line = d->count > 0 ? d->lines[0] : 1, .column = 1};
  if (!d->is_trace) {
    snprintf(fault->message, sizeof fault->message,
             "expected a trace, found a script: record it with vcpuspec exec");
    return false;
  }
  bool cut = d->end == VS_TRACE_CUT;
  return (cut || vs_document_is_sound(d, fault)) && is_first_of_its_name(all, d, fault);
}

static bool read_all(vs_traces* all, const char* path, const vs_file* file, vs_why* why) {
  size_t length = file->length;
  while (length > 0 && file->text[length - 1] != '\n') length--;  // a line was cut off
  vs_source source = vs_source_of(file->text, length);
  vs_reading reading = {.arch = VS_ARCH_X64};
  for (;;) {
    vs_document d;
    vs_fault fault;
    vs_read got = vs_document_read(&source, &reading, &d, &fault);
    if (got == VS_READ_FAULT) return fail(path, &fault, why);
    if (got == VS_READ_END && all->count > 0) return true;
    if (got == VS_READ_END) return vs_refuse(why, "%.200s holds no trace", path);
    bool good = may_add(all, &d, &fault) || fail(path, &fault, why);
    if (good && !add(all, &d)) {
      good = false;
      vs_refuse(why, "no memory");
    }
    if (!good) {
      vs_document_free(&d);
      return false;
    }
  }
}

vs_traces* vs_traces_read(const char* path, vs_why* why) {
  vs_file file;
  vs_why reason;
  vs_traces* all = calloc(1, sizeof *all);
  if (all == NULL) {
    vs_refuse(why, "no memory");
    return NULL;
  }
  if (!vs_file_read(path, &file, &reason)) {
    vs_refuse(why, "%s", reason.text);
    free(all);
    return NULL;
  }
  bool good = read_all(all, path, &file, why);
  vs_file_free(&file);
  if (good) return all;
  vs_traces_free(all);
  return NULL;
}

void vs_traces_free(vs_traces* all) {
  if (all == NULL) return;
  for (size_t i = 0; i < all->count; i++) vs_document_free(&all->traces[i]);
  free(all->traces);
  free(all);
}

// As they print: what is left open in an op has been settled in its trace.
static bool is_same_op(const vs_op* a, const vs_op* b, const vs_arch_info* arch) {
  vs_file text[2] = {{0}, {0}};
  const vs_op* ops[] = {a, b};
  bool good = true;
  for (size_t i = 0; i < 2; i++) {
    FILE* out = vs_memory_open(&text[i]);
    if (out != NULL) vs_print_op(out, ops[i], arch);
    good = vs_memory_close(out, &text[i]) && good;
  }
  good = good && strcmp(text[0].text, text[1].text) == 0;
  vs_file_free(&text[0]);
  vs_file_free(&text[1]);
  return good;
}

static const vs_document* with_title(const vs_traces* all, const char* title) {
  for (size_t i = 0; i < all->count; i++) {
    if (strcmp(all->traces[i].title, title) == 0) return &all->traces[i];
  }
  return NULL;
}

bool vs_trace_is_of(const vs_document* d, const vs_script* script, vs_arch arch, vs_why* why) {
  const vs_arch_info* info = vs_arch_find(arch);
  if (d->count != script->count) {
    return vs_refuse(why, "its trace has %zu ops, and the script %zu: record it again", d->count,
                     script->count);
  }
  for (size_t i = 0; i < d->count; i++) {
    if (is_same_op(&d->ops[i], &script->ops[i], info)) continue;
    return vs_refuse(
        why, "its trace, line %u, is of another script than this program's: record it again",
        (unsigned)d->lines[i]);
  }
  return true;
}

const vs_document* vs_traces_find(const vs_traces* all, const vs_script* script, vs_arch arch,
                                  vs_why* why) {
  const vs_document* d = with_title(all, script->title);
  bool early = all->early.text[0] != '\0';
  if (d == NULL) {
    vs_refuse(why, "there is no trace of it%s%.400s", early ? ": " : "", all->early.text);
    return NULL;
  }
  if (d->end == VS_TRACE_CUT) {
    vs_refuse(why, "its trace is cut off%s%.400s", early ? ": " : "", all->early.text);
    return NULL;
  }
  return vs_trace_is_of(d, script, arch, why) ? d : NULL;
}
