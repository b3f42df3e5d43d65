// SPDX-License-Identifier: BSD-3-Clause
#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "common/refuse.h"
#include "text/file.h"
#include "text/names.h"

const vs_format vs_formats[VS_FORMAT_COUNT] = {
#define VS_FORMAT(symbol, name, summary) [VS_FORMAT_##symbol] = {name, summary, vs_render_##symbol},
#include "formats.def"
#undef VS_FORMAT
};

bool vs_render(const vs_format* format, FILE* out, const vs_results* results) {
  vs_view view = vs_view_of(results);
  format->render(out, &view);
  vs_view_free(&view);
  return fflush(out) == 0 && !ferror(out);
}

void vs_put_json(FILE* out, json_t* form, size_t flags) {
  json_dumpf(vs_needed(form), out, flags);
  fputc('\n', out);
  json_decref(form);
}

void vs_render_json(FILE* out, vs_view* view) {
  vs_put_json(out, vs_form_write(vs_form_results, view->results),
              JSON_INDENT(1) | JSON_REAL_PRECISION(6));
}

// --- files --------------------------------------------------------------------------------------

static const vs_format* find_format(const char* word, size_t length) {
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    const char* name = vs_formats[i].name;
    if (strncmp(name, word, length) == 0 && name[length] == '\0') return &vs_formats[i];
  }
  return NULL;
}

static vs_report_state unknown(const char* word, size_t length, vs_why* why) {
  char form[32];
  const char* names[VS_FORMAT_COUNT];
  snprintf(form, sizeof form, "%.*s", (int)length, word);
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) names[i] = vs_formats[i].name;
  const char* nearest = vs_nearest(form, names, VS_FORMAT_COUNT);
  const bool near = nearest != NULL && word[length] == ':';
  vs_refuse(why, "--report '%.200s': %s%s%sit takes a form and a file, FORM:FILE; forms:", word,
            near ? "did you mean '" : "", near ? nearest : "", near ? "'? " : "");
  for (size_t i = 0; i < VS_FORMAT_COUNT; i++) {
    vs_refuse_more(why, " %s", names[i]);
  }
  return VS_REPORT_UNKNOWN;
}

static bool is_named(const vs_report_files* files, const char* path) {
  for (size_t i = 0; i < files->count; i++) {
    const char* other = files->items[i].path;
    if (strcmp(other, path) == 0 || vs_file_is_same(other, path)) return true;
  }
  return false;
}

static vs_report_state add(vs_report_files* files, const char* word, vs_why* why) {
  size_t length = strcspn(word, ":");
  const vs_format* format = find_format(word, length);
  if (format == NULL || word[length] == '\0' || word[length + 1] == '\0')
    return unknown(word, length, why);
  const char* path = word + length + 1;
  vs_why reason;
  if (is_named(files, path)) {
    vs_refuse(why, "--report names %.300s twice: give each report a file of its own", path);
    return VS_REPORT_UNKNOWN;
  }
  if (!vs_file_can_be_put(path, &reason)) {
    vs_refuse(why, "%s: name a file in a directory that is there", reason.text);
    return VS_REPORT_CANNOT;
  }
  files->items[files->count++] = (vs_report_file){format, path};
  return VS_REPORT_OK;
}

vs_report_state vs_report_files_open(vs_report_files* files, const char* const* words, size_t count,
                                     vs_why* why) {
  vs_report_state state = VS_REPORT_OK;
  *files = (vs_report_files){vs_needed(calloc(count + 1, sizeof *files->items)), 0};
  for (size_t i = 0; i < count && state == VS_REPORT_OK; i++) state = add(files, words[i], why);
  if (state != VS_REPORT_OK) vs_report_files_free(files);
  return state;
}

void vs_report_files_free(vs_report_files* files) {
  free(files->items);
  *files = (vs_report_files){0};
}

bool vs_report_files_use_stdout(const vs_report_files* files) {
  return is_named(files, "-");
}

const char* vs_report_files_first(const vs_report_files* files) {
  for (size_t i = 0; i < files->count; i++) {
    if (vs_file_is_plain(files->items[i].path) && strcmp(files->items[i].path, "-") != 0)
      return files->items[i].path;
  }
  return NULL;
}

typedef struct writing {
  const vs_format* format;
  const vs_results* results;
} writing;

static bool render(FILE* out, const void* what) {
  const writing* w = what;
  return vs_render(w->format, out, w->results);
}

bool vs_report_files_write(const vs_report_files* files, const vs_results* results, vs_why* why) {
  bool good = true;
  for (size_t i = 0; i < files->count; i++) {
    vs_why reason;
    const writing w = {files->items[i].format, results};
    if (vs_file_put_whole(files->items[i].path, render, &w, &reason)) continue;
    vs_refuse(why, "%s", reason.text);
    good = false;
  }
  return good;
}
