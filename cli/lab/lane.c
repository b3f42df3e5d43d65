// SPDX-License-Identifier: BSD-3-Clause
#include "lane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/refuse.h"
#include "initramfs.h"
#include "text/file.h"

enum { ARGUMENTS = 80, READS = 16, OUTPUT_MOST = 256 << 20 };  // bytes of each file of QEMU's

static const double BOOT_SECONDS = 90;  // until the guest has to have spoken
static const double PANIC_SECONDS = 3;  // that a kernel has to end its machine

const vs_lab_machine vs_lab_machines[VS_LAB_MACHINE_COUNT] = {
#define VS_LAB_MACHINE(a, name, qemu, options, console, serial, serial_options, modules) \
  {VS_ARCH_##a, name, qemu, options, console, serial, serial_options, modules},
#include "machines.def"
#undef VS_LAB_MACHINE
};

static const char* const suffixes[VS_LANE_SOURCES] = {"port", "side", "console"};

void vs_lane_path(const vs_lane* lane, const char* suffix, char path[PATH_MAX]) {
  snprintf(path, PATH_MAX, "%s/%s.%s", lane->folder, lane->name, suffix);
}

// What comes from a guest must not speak to a terminal.
static void make_printable(char* text) {
  for (char* c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c > '~') *c = '?';
  }
}

__attribute__((format(printf, 2, 3))) static bool broken(vs_lane* lane, const char* form, ...) {
  va_list values;
  va_start(values, form);
  if (!lane->broken) {
    vs_refuse_as(&lane->why, form, values);
    vs_why_clean(&lane->why);
  }
  va_end(values);
  lane->broken = true;
  return false;
}

// --- what the guest says ----------------------------------------------------------------------

static void on_hello(void* context, const char* machine, const char* release) {
  vs_lane* lane = context;
  lane->greeted = vs_now() - lane->since;
  snprintf(lane->release, sizeof lane->release, "%.60s %.60s", release, machine);
  make_printable(lane->release);
}

static void on_note(void* context, const char* text) {
  vs_lane* lane = context;
  size_t room = sizeof lane->notes / sizeof lane->notes[0];
  if (lane->note_count == room) return;
  char* note = lane->notes[lane->note_count++];
  snprintf(note, sizeof lane->notes[0], "%s", text);
  make_printable(note);
}

static vs_lane_run* find(vs_lane* lane, const char* name) {
  for (size_t i = 0; i < lane->run_count; i++) {
    if (strcmp(lane->runs[i].name, name) == 0) return &lane->runs[i];
  }
  return NULL;
}

const vs_lane_run* vs_lane_find(const vs_lane* lane, const char* name) {
  return find((vs_lane*)lane, name);
}

// The plan has a line that begins "run NAME ".
static bool is_planned(const vs_lane* lane, const char* name) {
  char line[VS_LAB_NAME + 8];
  snprintf(line, sizeof line, "run %s ", name);
  const char* at = strstr(lane->plan, line);
  return at != NULL && (at == lane->plan || at[-1] == '\n');
}

static void on_start(void* context, const char* name) {
  vs_lane* lane = context;
  if (lane->run_count == VS_LANE_RUNS || find(lane, name) != NULL || !is_planned(lane, name)) {
    broken(lane, "the guest began '%s', which it was not to", name);
    return;
  }
  snprintf(lane->runs[lane->run_count++].name, VS_LAB_NAME, "%s", name);
}

// The program of the plan that prints: of "traces.err" it is "traces".
static const vs_lane_run* printing(vs_lane* lane, const char* name) {
  char own[VS_LAB_NAME];
  size_t length = strlen(name);
  bool errors = length > 4 && strcmp(name + length - 4, ".err") == 0;
  snprintf(own, sizeof own, "%.*s", (int)(errors ? length - 4 : length), name);
  return find(lane, own);
}

static void on_data(void* context, const char* name, const char* bytes, size_t count) {
  vs_lane* lane = context;
  char path[PATH_MAX];
  const vs_lane_run* run = printing(lane, name);
  if (run == NULL || run->ended) {
    broken(lane, "the guest printed for '%s', which does not run", name);
    return;
  }
  vs_lane_path(lane, name, path);
  FILE* file = fopen(path, "ae");
  bool good = file != NULL && fwrite(bytes, 1, count, file) == count;
  if (file != NULL) good = fclose(file) == 0 && good;
  if (!good) broken(lane, "%.300s: %s", path, strerror(errno));
}

static void on_end(void* context, const char* name, vs_lab_end how, int detail) {
  vs_lane_run* run = find(context, name);
  if (run == NULL || run->ended) {
    broken(context, "the guest ended '%s', which does not run", name);
    return;
  }
  run->ended = true;
  run->how = how;
  run->detail = detail;
}

// --- booting ----------------------------------------------------------------------------------

static bool find_modules(vs_lane* lane, vs_modules* modules) {
  char words[256];
  vs_why why;
  modules->count = 0;
  if (lane->modules[0] == '\0') return true;
  snprintf(words, sizeof words, "virtio_pci virtio_console %s", lane->machine->modules);
  char* rest = words;
  for (char* word; (word = strsep(&rest, " ")) != NULL;) {
    if (!vs_modules_add(modules, lane->modules, word, &why)) return broken(lane, "%s", why.text);
  }
  return true;
}

// Every folder above a file of the archive stands before it.
static void add_folders(vs_initramfs* archive, const char* name) {
  char folder[VS_MODULE_PATH + 16];
  for (const char* c = name; (c = strchr(c, '/')) != NULL; c++) {
    snprintf(folder, sizeof folder, "%.*s", (int)(c - name), name);
    vs_initramfs_folder(archive, folder);
  }
}

static void add_modules(const vs_lane* lane, vs_initramfs* archive, const vs_modules* modules,
                        FILE* plan) {
  for (size_t i = 0; i < modules->count; i++) {
    char name[VS_MODULE_PATH + 16];
    char path[PATH_MAX + VS_MODULE_PATH];
    snprintf(name, sizeof name, "modules/%s", modules->paths[i]);
    snprintf(path, sizeof path, "%s/%s", lane->modules, modules->paths[i]);
    add_folders(archive, name);
    vs_initramfs_file(archive, name, path);
    fprintf(plan, "module %s\n", name);
  }
}

static void add_program(const vs_lane* lane, vs_initramfs* archive, const char* name,
                        const char* program) {
  char path[PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/%s", lane->programs, program);
  vs_initramfs_file(archive, name, path);
}

static bool make_initramfs(vs_lane* lane, const vs_modules* modules) {
  vs_initramfs archive;
  char path[PATH_MAX];
  vs_file plan;
  vs_lane_path(lane, "initramfs", path);
  FILE* out = vs_memory_open(&plan);
  if (out == NULL) return broken(lane, "no memory");
  if (vs_initramfs_begin(&archive, path)) {
    add_program(lane, &archive, "init", "lab-init");
    add_program(lane, &archive, "vcpuspec", "vcpuspec");
    add_modules(lane, &archive, modules, out);
  }
  if (lane->scripts != NULL && !archive.failed) {
    vs_initramfs_text(&archive, "drawn.vcpu", lane->scripts, strlen(lane->scripts));
  }
  fprintf(out, "%s", lane->plan);
  bool good = vs_memory_close(out, &plan);
  if (good) vs_initramfs_text(&archive, "plan", plan.text, plan.length);
  vs_file_free(&plan);
  good = vs_initramfs_end(&archive) && good;
  return good || broken(lane, "%s", archive.why.text[0] != '\0' ? archive.why.text : "no memory");
}

typedef struct argument_list {
  char room[16384];
  size_t used;
  char* words[ARGUMENTS];
  size_t count;
} argument_list;

static void add(argument_list* all, const char* word) {
  size_t length = strlen(word) + 1;
  if (all->count == ARGUMENTS - 1 || length > sizeof all->room - all->used) return;
  all->words[all->count++] = memcpy(all->room + all->used, word, length);
  all->used += length;
}

static void add_each(argument_list* all, const char* line) {
  char word[128];
  while (*line != '\0') {
    size_t length = strcspn(line, " ");
    snprintf(word, sizeof word, "%.*s", (int)length, line);
    if (length > 0) add(all, word);
    line += length + (line[length] == ' ');
  }
}

// A comma within a value is written twice.
static void add_file(argument_list* all, const vs_lane* lane, int source) {
  char path[PATH_MAX];
  char word[2 * PATH_MAX + 64];
  vs_lane_path(lane, suffixes[source], path);
  int length = snprintf(word, sizeof word, "file,id=%s,path=", suffixes[source]);
  for (const char* c = path; *c != '\0' && length < (int)sizeof word - 2; c++) {
    if (*c == ',') word[length++] = ',';
    word[length++] = *c;
  }
  word[length] = '\0';
  add(all, "-chardev");
  add(all, word);
}

static void say_arguments(const vs_lane* lane, argument_list* all) {
  const vs_lab_machine* machine = lane->machine;
  char path[PATH_MAX];
  char append[4096];
  add(all, machine->qemu);
  add_each(all, machine->options);
  // Two emulated processors hung now and then in the lockup detector of a 6.1 kernel.
  add_each(all, "-accel tcg -smp 1 -m 1024 -nodefaults -no-user-config -display none -nic none");
  add(all, "-no-reboot");
  for (int i = 0; i < VS_LANE_SOURCES; i++) add_file(all, lane, i);
  add_each(all, "-serial chardev:console");
  add_each(all, machine->serial_options);
  add_each(all, "-device virtio-serial-pci");
  add_each(all, "-device virtserialport,chardev=port,name=" VS_LAB_PORT);
  vs_lane_path(lane, "initramfs", path);
  add(all, "-kernel");
  add(all, lane->kernel);
  add(all, "-initrd");
  add(all, path);
  snprintf(append, sizeof append,
           "console=%s panic=-1 oops=panic loglevel=6 LAB_SERIAL=%s%s%.3000s", machine->console,
           machine->serial, lane->append != NULL ? " " : "",
           lane->append != NULL ? lane->append : "");
  add(all, "-append");
  add(all, append);
}

// In the child: becomes QEMU.
static void become_qemu(void* argument) {
  const vs_lane* lane = argument;
  const struct rlimit most = {OUTPUT_MOST, OUTPUT_MOST};
  static argument_list all;
  char path[PATH_MAX];
  say_arguments(lane, &all);
  vs_lane_path(lane, "qemu", path);
  int errors = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (errors >= 0) dup2(errors, STDOUT_FILENO);
  if (errors >= 0) dup2(errors, STDERR_FILENO);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  setrlimit(RLIMIT_FSIZE, &most);
  execvp(all.words[0], all.words);
  dprintf(STDERR_FILENO, "%s cannot be run: %s (make lab-packages installs it)\n", all.words[0],
          strerror(errno));
  _exit(127);
}

// What an earlier boot left must not be taken for this one's.
static bool forget(vs_lane* lane) {
  static const char* const made[] = {
      "initramfs", "qemu",      "port", "side",     "console",  "traces",   "traces.err",
      "sweep",     "sweep.err", "fuzz", "fuzz.err", "findings", "programs", "programs.err"};
  for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
    char path[PATH_MAX];
    vs_lane_path(lane, made[i], path);
    if (unlink(path) != 0 && errno != ENOENT) {
      return broken(lane, "what is left of an earlier boot, %.300s: %s", path, strerror(errno));
    }
  }
  return true;
}

bool vs_lane_start(vs_lane* lane) {
  vs_modules modules;
  lane->ears = (vs_stream_ears){on_hello, on_note, on_start, on_data, on_end, lane};
  lane->words = -1;
  for (int i = 0; i < VS_LANE_SOURCES; i++) {
    lane->sources[i].fd = -1;
    vs_stream_begin(&lane->sources[i].stream, &lane->ears);
  }
  bool good = forget(lane);
  lane->stale = !good;
  good = good && (access(lane->kernel, R_OK) == 0 ||
                  broken(lane, "%.300s: %s", lane->kernel, strerror(errno)));
  good = good && find_modules(lane, &modules) && make_initramfs(lane, &modules);
  lane->since = vs_now();
  if (good && !vs_child_start(&lane->qemu, lane->seconds, become_qemu, lane)) {
    good = broken(lane, "this machine has no process to spare");
  }
  lane->over = !good;
  return good;
}

// --- while it runs ----------------------------------------------------------------------------

// The kernel's last words stand in one of these bytes, or across two reads: then in the file.
static void look_for_panic(vs_lane* lane, const char* bytes, size_t count) {
  static const char dying[] = "Kernel panic - not syncing";
  if (lane->panicked > 0) return;
  const char* at = memmem(bytes, count, dying, sizeof dying - 1);
  if (at == NULL) return;
  size_t length = strcspn(at, "\r\n");
  lane->panicked = vs_now();
  broken(lane, "the guest's kernel panicked: %.*s", (int)(length < 200 ? length : 200), at);
}

static void take(vs_lane* lane, int i, const char* bytes, size_t count) {
  vs_stream* stream = &lane->sources[i].stream;
  if (i == VS_LANE_CONSOLE) look_for_panic(lane, bytes, count);
  if (lane->words >= 0 && lane->words != i) return;
  vs_stream_feed(stream, bytes, count);
  if (stream->greeted) lane->words = i;
  if (stream->torn) broken(lane, "%s", stream->why.text);
}

static void read_source(vs_lane* lane, int i) {
  static char bytes[1 << 16];
  vs_lane_source* source = &lane->sources[i];
  ssize_t got;
  if (source->fd < 0) {
    char path[PATH_MAX];
    vs_lane_path(lane, suffixes[i], path);
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
  }
  // Not for ever: whoever floods must not keep the others from their turn.
  for (int n = 0; n < READS && source->fd >= 0; n++) {
    if ((got = read(source->fd, bytes, sizeof bytes - 1)) <= 0) return;
    bytes[got] = '\0';
    take(lane, i, bytes, (size_t)got);
  }
}

static void read_sources(vs_lane* lane) {
  for (int i = 0; i < VS_LANE_SOURCES; i++) read_source(lane, i);
}

static bool is_done(const vs_lane* lane) {
  return lane->words >= 0 && lane->sources[lane->words].stream.over;
}

static bool finish(vs_lane* lane) {
  vs_child_kill(&lane->qemu);
  for (int i = 0; i < VS_LANE_SOURCES; i++) {
    if (lane->sources[i].fd >= 0) close(lane->sources[i].fd);
    lane->sources[i].fd = -1;
  }
  lane->took = vs_now() - lane->since;
  lane->over = true;
  return true;
}

void vs_lane_stop(vs_lane* lane, const char* why) {
  if (lane->over) return;
  broken(lane, "%s", why);
  finish(lane);
}

static void explain_end(vs_lane* lane) {
  char death[128];
  bool timed = lane->qemu.death == VS_DEATH_TIMEOUT;
  vs_death_describe(&lane->qemu, lane->seconds, death, sizeof death);
  if (timed && lane->greeted > 0) {
    broken(lane, "the guest did not come to its end within %g s", lane->seconds);
  } else if (timed) {
    broken(lane, "the guest said nothing within %g s", lane->seconds);
  } else if (lane->qemu.death == VS_DEATH_SIGNAL && lane->qemu.detail == SIGXFSZ) {
    broken(lane, "the guest printed more than %d MiB", OUTPUT_MOST >> 20);
  } else if (lane->qemu.death == VS_DEATH_EXIT && lane->qemu.detail == 0) {
    broken(lane, "the guest's machine was turned off %s",
           lane->greeted > 0 ? "before everything was done" : "before it said anything");
  } else {
    broken(lane, "%s %s", lane->machine->qemu, death);
  }
}

bool vs_lane_step(vs_lane* lane) {
  if (lane->over) return true;
  bool ended = vs_child_ended(&lane->qemu);
  double boot = lane->seconds < BOOT_SECONDS ? lane->seconds : BOOT_SECONDS;
  read_sources(lane);
  if (is_done(lane)) return finish(lane);
  if (ended) {
    explain_end(lane);
    return finish(lane);
  }
  bool silent = lane->greeted == 0 && vs_now() - lane->since > boot;
  if (silent) broken(lane, "the guest said nothing within %g s", boot);
  bool dying = lane->panicked > 0 && vs_now() - lane->panicked < PANIC_SECONDS;
  return lane->broken && !dying ? finish(lane) : false;
}

// --- what is shown ----------------------------------------------------------------------------

static void show_lines(const char* text, const char* before, FILE* out) {
  while (*text != '\0') {
    size_t length = strcspn(text, "\n");
    fputs(before, out);
    for (size_t i = 0; i < length; i++) {
      if (text[i] != '\r') fputc(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', out);
    }
    fputc('\n', out);
    text += length + (text[length] == '\n');
  }
}

void vs_lane_show_end(const vs_lane* lane, const char* suffix, int lines, const char* before,
                      FILE* out) {
  char path[PATH_MAX];
  vs_why why;
  vs_file file;
  vs_lane_path(lane, suffix, path);
  if (!vs_file_read(path, &file, &why)) return;
  size_t from = file.length;
  while (from > 0 && file.text[from - 1] == '\n') from--;
  for (int found = 0; from > 0; from--) {
    found += file.text[from - 1] == '\n';
    if (found == lines) break;
  }
  show_lines(file.text + from, before, out);
  vs_file_free(&file);
}

void vs_lane_say_end(const vs_lane* lane, const char* suffix, char* text, size_t size) {
  vs_file lines;
  FILE* out = vs_memory_open(&lines);
  text[0] = '\0';
  if (out != NULL) vs_lane_show_end(lane, suffix, 1, "", out);
  if (!vs_memory_close(out, &lines)) return;
  snprintf(text, size, "%.*s", (int)strcspn(lines.text, "\n"), lines.text);
  vs_file_free(&lines);
}
