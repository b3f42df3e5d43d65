// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "text/names.h"

const vs_command vs_commands[VS_COMMAND_COUNT] = {
#define VS_COMMAND(symbol, name, arguments, summary, examples) \
  [VS_COMMAND_##symbol] = {name, arguments, summary, examples},
#include "commands.def"
#undef VS_COMMAND
};

const vs_option vs_options[VS_OPTION_COUNT] = {
#define VS_OPTION(code, name, argument) [VS_OPTION_##code] = {name, argument},
#define VS_HELP(code, commands, help)
#include "options.def"
#undef VS_OPTION
#undef VS_HELP
};

static const struct {
  vs_option_code option;
  const char* commands;
  const char* text;
} helps[] = {
#define VS_OPTION(code, name, argument)
#define VS_HELP(code, commands, help) {VS_OPTION_##code, commands, help},
#include "options.def"
#undef VS_OPTION
#undef VS_HELP
};

const vs_remark vs_remarks[] = {
#define VS_STATUS(status, commands, text) {commands, NULL, status, text},
#define VS_KEPT(commands, name, text) {commands, name, 0, text},
#include "manual.def"
#undef VS_STATUS
#undef VS_KEPT
};
const size_t vs_remark_count = sizeof vs_remarks / sizeof vs_remarks[0];

// --- near misses ------------------------------------------------------------------------------

void vs_complain(const char* what, const char* word, const char* const* names, size_t count,
                 const char* remedy) {
  const char* nearest = vs_nearest(word, names, count);
  fprintf(stderr, "vcpuspec: unknown %s '%s'", what, word);
  if (nearest != NULL) fprintf(stderr, "; did you mean '%s'?", nearest);
  fprintf(stderr, " (%s)\n", remedy);
}

bool vs_complain_of_text(const char* path, const vs_fault* fault) {
  const char* name = strcmp(path, "-") == 0 ? "standard input" : path;
  if (fault->line == 0) {
    fprintf(stderr, "vcpuspec: %s: %s\n", name, fault->message);
  } else {
    fprintf(stderr, "%s:%zu:%zu: %s\n", name, fault->line, fault->column, fault->message);
  }
  return false;
}

// --- parsing ----------------------------------------------------------------------------------

bool vs_is_of(const char* commands, vs_command_code command) {
  char word[64];
  snprintf(word, sizeof word, " %s ", vs_commands[command].name);
  return strstr(commands, word) != NULL;
}

const char* vs_option_help(vs_option_code option, vs_command_code command) {
  for (size_t i = 0; i < sizeof helps / sizeof helps[0]; i++) {
    if (helps[i].option == option && vs_is_of(helps[i].commands, command)) return helps[i].text;
  }
  return NULL;
}

bool vs_option_is_of(vs_option_code option, vs_command_code command) {
  return vs_option_help(option, command) != NULL;
}

static vs_option_code find_option(vs_command_code command, const char* name, size_t length) {
  vs_option_code code = 0;
  for (; code < VS_OPTION_COUNT; code++) {
    const vs_option* option = &vs_options[code];
    bool same = strncmp(option->name, name, length) == 0 && option->name[length] == '\0';
    if (same && vs_option_is_of(code, command)) break;
  }
  return code;
}

static bool unknown_option(vs_command_code command, const char* word) {
  enum { NAME = 32 };
  char dashed[VS_OPTION_COUNT][NAME];
  const char* names[VS_OPTION_COUNT];
  size_t count = 0;
  for (vs_option_code code = 0; code < VS_OPTION_COUNT; code++) {
    if (!vs_option_is_of(code, command)) continue;
    snprintf(dashed[count], NAME, "--%s", vs_options[code].name);
    names[count] = dashed[count];
    count++;
  }
  char remedy[64];
  snprintf(remedy, sizeof remedy, "see vcpuspec %s --help", vs_commands[command].name);
  vs_complain("option", word, names, count, remedy);
  return false;
}

static bool take_switch(vs_option_code code, char after, vs_arguments* arguments) {
  if (after != '\0') {
    fprintf(stderr, "vcpuspec: --%s takes no argument\n", vs_options[code].name);
    return false;
  }
  arguments->counts[code] = 1;
  return true;
}

static bool take_option(vs_command_code command, const char* word, const char* next,
                        vs_arguments* arguments, bool* took_next) {
  const char* name = word + 2;
  size_t length = strcspn(name, "=");
  vs_option_code code = find_option(command, name, length);
  if (code == VS_OPTION_COUNT) return unknown_option(command, word);
  if (vs_options[code].argument[0] == '\0') return take_switch(code, name[length], arguments);
  *took_next = name[length] == '\0';
  const char* value = *took_next ? next : name + length + 1;
  if (value == NULL || *value == '\0') {
    fprintf(stderr, "vcpuspec: --%s needs an argument: --%s %s\n", vs_options[code].name,
            vs_options[code].name, vs_options[code].argument);
    return false;
  }
  if (arguments->counts[code] == VS_REPEATS_MAX) {
    fprintf(stderr, "vcpuspec: --%s is given more than %d times\n", vs_options[code].name,
            VS_REPEATS_MAX);
    return false;
  }
  arguments->values[code][arguments->counts[code]++] = value;
  return true;
}

bool vs_arguments_parse(vs_command_code command, int count, char** words, vs_arguments* arguments) {
  memset(arguments, 0, sizeof *arguments);
  arguments->command = command;
  int kept = 0;
  bool options = true;
  for (int i = 0; i < count; i++) {
    bool took_next = false;
    if (options && strcmp(words[i], "--") == 0) {
      options = false;
    } else if (options && (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)) {
      arguments->help = true;
    } else if (options && strncmp(words[i], "--", 2) == 0) {
      const char* next = i + 1 < count ? words[i + 1] : NULL;
      if (!take_option(command, words[i], next, arguments, &took_next)) return false;
    } else if (options && words[i][0] == '-' && words[i][1] != '\0') {
      return unknown_option(command, words[i]);
    } else {
      words[kept++] = words[i];
    }
    i += took_next;
  }
  arguments->words = (const char* const*)words;
  arguments->word_count = (size_t)kept;
  return true;
}

const char* vs_argument(const vs_arguments* arguments, vs_option_code option,
                        const char* otherwise) {
  size_t count = arguments->counts[option];
  return count > 0 ? arguments->values[option][count - 1] : otherwise;
}

static bool bad_number(const vs_arguments* arguments, vs_option_code option, const char* word) {
  fprintf(stderr, "vcpuspec: --%s '%s' is out of bounds or no number: %s\n",
          vs_options[option].name, word, vs_option_help(option, arguments->command));
  return false;
}

// True of digits and a point, up to `end`: no "0x10", no " 1", no "inf".
static bool is_plain(const char* word, const char* end) {
  return end != word && strspn(word, "0123456789.") == (size_t)(end - word);
}

bool vs_argument_seconds(const vs_arguments* arguments, vs_option_code option, double otherwise,
                         double* value) {
  const char* word = vs_argument(arguments, option, NULL);
  *value = otherwise;
  if (word == NULL) return true;
  char* end = NULL;
  *value = strtod(word, &end);
  bool good = *end == '\0' && is_plain(word, end) && *value >= 0.1 && *value <= 3600;
  return good ? true : bad_number(arguments, option, word);
}

bool vs_argument_percent(const vs_arguments* arguments, vs_option_code option, double* value) {
  const double whole = 100;
  const char* word = vs_argument(arguments, option, NULL);
  *value = 0;
  if (word == NULL) return true;
  char* end = NULL;
  *value = strtod(word, &end);
  bool good = *end == '\0' && is_plain(word, end) && *value >= 0 && *value <= whole;
  return good ? true : bad_number(arguments, option, word);
}

// Seconds in a unit; 0: it is none.
static double unit_of(const char* word) {
  static const struct {
    const char* name;
    double seconds;
  } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(word, units[i].name) == 0) return units[i].seconds;
  }
  return 0;
}

bool vs_argument_duration(const vs_arguments* arguments, vs_option_code option, double otherwise,
                          double most, double* value) {
  const char* word = vs_argument(arguments, option, NULL);
  *value = otherwise;
  if (word == NULL) return true;
  char* end = NULL;
  *value = strtod(word, &end) * unit_of(end);
  return is_plain(word, end) && *value >= 0.1 && *value <= most
             ? true
             : bad_number(arguments, option, word);
}

bool vs_argument_number(const vs_arguments* arguments, vs_option_code option, uint64_t otherwise,
                        uint64_t least_value, uint64_t most, uint64_t* value) {
  const char* word = vs_argument(arguments, option, NULL);
  *value = otherwise;
  if (word == NULL) return true;
  char* end = NULL;
  errno = 0;
  *value = strtoull(word, &end, 0);
  bool good = *end == '\0' && word[0] >= '0' && word[0] <= '9' && errno == 0;
  return good && *value >= least_value && *value <= most ? true
                                                         : bad_number(arguments, option, word);
}

bool vs_argument_shard(const vs_arguments* arguments, uint64_t* shard, uint64_t* shards) {
  enum { MOST_SHARDS = 100000 };
  const char* word = vs_argument(arguments, VS_OPTION_SHARD, "1/1");
  int length = 0;
  bool good = word[strspn(word, "0123456789/")] == '\0' &&
              sscanf(word, "%" SCNu64 "/%" SCNu64 "%n", shard, shards, &length) == 2 &&
              word[length] == '\0';
  good = good && *shard >= 1 && *shard <= *shards && *shards <= MOST_SHARDS;
  return good ? true : bad_number(arguments, VS_OPTION_SHARD, word);
}

// --- help -------------------------------------------------------------------------------------

// Words, wrapped to a terminal's width: from `column` on, where something stands already.
static void print_wrapped(FILE* out, size_t indent, size_t column, const char* text) {
  enum { WIDTH = 79 };
  while (*text != '\0') {
    size_t length = strcspn(text, " ");
    if (column > 0 && column + 1 + length > WIDTH) {
      fputc('\n', out);
      column = 0;
    }
    int gap = column == 0 ? (int)indent : 1;
    fprintf(out, "%*s%.*s", gap, "", (int)length, text);
    column += (size_t)gap + length;
    text += length + (text[length] == ' ');
  }
  fputc('\n', out);
}

void vs_print_help(FILE* out) {
  fprintf(out,
          "Judges implementations of Zircon's virtual-CPU system calls against their reference\n"
          "pages.\n\n"
          "usage: vcpuspec COMMAND [ARGUMENT]...\n\n");
  for (size_t i = 0; i < VS_COMMAND_COUNT; i++) {
    fprintf(out, "  %-13s %s\n", vs_commands[i].name, vs_commands[i].summary);
  }
  fprintf(out,
          "\n`vcpuspec COMMAND --help` says more; `vcpuspec --version` prints the version.\n"
          "Exit status: 0 conforms, 1 does not conform, 2 usage, 3 something could not be\n"
          "judged at all, 4 expectations are stale, 5 nothing was judged.\n");
}

// The exit statuses of the command, or its files.
static void print_remarks(FILE* out, vs_command_code command, const char* title, bool statuses) {
  for (size_t i = 0; i < vs_remark_count; i++) {
    const vs_remark* r = &vs_remarks[i];
    if (!vs_is_of(r->commands, command) || (r->name == NULL) != statuses) continue;
    if (title != NULL) fprintf(out, "\n%s:\n", title);
    title = NULL;
    if (statuses) {
      print_wrapped(out, 5, (size_t)fprintf(out, "  %d ", r->status), r->text);
    } else {
      fprintf(out, "  %s\n", r->name);
      print_wrapped(out, 6, 0, r->text);
    }
  }
}

void vs_print_command_help(FILE* out, vs_command_code command) {
  const vs_command* c = &vs_commands[command];
  fprintf(out, "usage: vcpuspec %s %s\n\n%s\n", c->name, c->arguments, c->summary);
  for (vs_option_code i = 0; i < VS_OPTION_COUNT; i++) {
    const vs_option* option = &vs_options[i];
    if (!vs_option_is_of(i, command)) continue;
    bool has_argument = option->argument[0] != '\0';
    fprintf(out, "\n  --%s%s%s\n", option->name, has_argument ? " " : "", option->argument);
    print_wrapped(out, 6, 0, vs_option_help(i, command));
  }
  print_remarks(out, command, "Exit status", true);
  print_remarks(out, command, "Files and environment", false);
  fprintf(out, "\nExamples:\n");
  for (const char* line = c->examples; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    fprintf(out, "  %.*s\n", (int)length, line);
    line += length + (line[length] == '\n');
  }
}

bool vs_reports_are_json(const vs_arguments* a) {
  static const char json[] = "json:";
  for (size_t i = 0; i < a->counts[VS_OPTION_REPORT]; i++) {
    const char* word = a->values[VS_OPTION_REPORT][i];
    if (strncmp(word, json, strlen(json)) == 0 && word[strlen(json)] != '\0') continue;
    fprintf(stderr, "vcpuspec: --report '%s': a form and a file: json:FILE\n", word);
    return false;
  }
  return true;
}
