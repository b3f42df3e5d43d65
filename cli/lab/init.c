// SPDX-License-Identifier: BSD-3-Clause
// The first process of a lab's guest: loads modules, runs what the plan says, and sends what comes
// of it to whoever booted the machine. Linked statically, knows no other room but wire.h.
//
//   /lab-init            as process 1 of a guest: reads /plan, and ends the machine
//   lab-init PLAN FILE   anywhere: no mounts, no modules; writes to FILE, which tests read
//
// Lines of the plan, words apart by one blank:
//   module FILE               loads it; a failure is told and nothing more
//   run NAME SECONDS WORD...  runs the program, from the folder of the plan's process
//   files NAME FOLDER         sends every plain file of the folder, as though NAME had printed it
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { WORDS = 1024, COMPRESSED_MODULE = 4 };

static int out = -1;  // where everything is sent; -1: not known yet

// What is said before it is known.
static char early[8192];
static size_t early_count;

// --- sending ----------------------------------------------------------------------------------

static void put(const void* bytes, size_t count) {
  const char* at = bytes;
  if (out < 0 && count <= sizeof early - early_count) {
    memcpy(early + early_count, at, count);
    early_count += count;
  }
  while (out >= 0 && count > 0) {
    ssize_t done = write(out, at, count);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // nobody listens: nothing that is left to be done would help
    at += done;
    count -= (size_t)done;
  }
}

__attribute__((format(printf, 1, 2))) static void say(const char* form, ...) {
  char line[VS_LAB_LINE];
  va_list values;
  va_start(values, form);
  int length = vsnprintf(line, sizeof line - 1, form, values);
  va_end(values);
  if (length < 0) return;
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  for (int i = 0; i < length; i++) {
    if ((unsigned char)line[i] < ' ') line[i] = ' ';
  }
  line[length] = '\n';
  put(line, (size_t)length + 1);
}

static void send_block(const char* name, const void* bytes, size_t count) {
  say("data %s %zu %08x", name, count, vs_digest32(VS_DIGEST32, bytes, count));
  put(bytes, count);
  put("\n", 1);
}

// --- running ----------------------------------------------------------------------------------

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// What a pipe holds that is to be sent: blocks are filled before they go.
typedef struct pipe_end {
  int fd;  // -1: closed
  char name[VS_LAB_NAME + 4];
  char* bytes;
  size_t count;
} pipe_end;

static void flush(pipe_end* p) {
  if (p->count > 0) send_block(p->name, p->bytes, p->count);
  p->count = 0;
}

static void drain(pipe_end* p) {
  ssize_t got = read(p->fd, p->bytes + p->count, VS_LAB_BLOCK - p->count);
  if (got > 0) p->count += (size_t)got;
  if (p->count == VS_LAB_BLOCK) flush(p);
  if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN))) return;
  flush(p);
  close(p->fd);
  p->fd = -1;
}

// Until both are closed, or the time is up: false.
static bool forward(pipe_end* ends, double deadline) {
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    struct pollfd polled[] = {{ends[0].fd, POLLIN, 0}, {ends[1].fd, POLLIN, 0}};
    double left = deadline - now();
    if (left <= 0) return false;
    int got = poll(polled, 2, left < 1 ? (int)(left * 1000) + 1 : 1000);
    for (int i = 0; i < 2 && got > 0; i++) {
      if (polled[i].revents != 0) drain(&ends[i]);
    }
  }
  return true;
}

static void become(char** words, int to, int errors) {
  setpgid(0, 0);
  dup2(to, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execv(words[0], words);
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", words[0], strerror(errno));
  _exit(127);
}

static void tell_end(const char* name, int status, bool in_time) {
  if (!in_time) {
    say("end %s time", name);
  } else if (WIFSIGNALED(status)) {
    say("end %s signal %d", name, WTERMSIG(status));
  } else {
    say("end %s exit %d", name, WEXITSTATUS(status));
  }
}

static bool open_ends(pipe_end* ends, const char* name, int* writers) {
  static char room[2][VS_LAB_BLOCK];
  for (int i = 0; i < 2; i++) {
    int both[2];
    if (pipe2(both, O_CLOEXEC) != 0) return false;
    ends[i] = (pipe_end){.fd = both[0], .bytes = room[i]};
    snprintf(ends[i].name, sizeof ends[i].name, "%s%s", name, i == 0 ? "" : ".err");
    writers[i] = both[1];
  }
  return true;
}

static void run(const char* name, double seconds, char** words) {
  pipe_end ends[2];
  int writers[2];
  int status = 0;
  double deadline = now() + seconds;
  if (!open_ends(ends, name, writers)) {
    say("note no pipe for %s: %s", name, strerror(errno));
    return;
  }
  say("start %s", name);
  pid_t child = fork();
  if (child == 0) become(words, writers[0], writers[1]);
  close(writers[0]);
  close(writers[1]);
  bool in_time = child > 0 && forward(ends, deadline);
  for (int i = 0; i < 2; i++) {
    flush(&ends[i]);
    if (ends[i].fd >= 0) close(ends[i].fd);
  }
  if (child < 0) return;
  if (!in_time) kill(-child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  kill(-child, SIGKILL);
  tell_end(name, status, in_time);
}

static void send_file(const char* name, const char* path) {
  static char bytes[VS_LAB_BLOCK];
  size_t count;
  FILE* file = fopen(path, "rbe");
  if (file == NULL) return;
  while ((count = fread(bytes, 1, sizeof bytes, file)) > 0) send_block(name, bytes, count);
  fclose(file);
}

static void send_files(const char* name, const char* folder) {
  DIR* all = opendir(folder);
  const struct dirent* entry;
  if (all == NULL) return;
  say("start %s", name);
  while ((entry = readdir(all)) != NULL) {
    char path[VS_LAB_LINE];
    struct stat about;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) send_file(name, path);
  }
  closedir(all);
  say("end %s exit 0", name);
}

// --- the machine ------------------------------------------------------------------------------

static void load(const char* path) {
  size_t length = strlen(path);
  bool plain = length > 3 && strcmp(path + length - 3, ".ko") == 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || syscall(SYS_finit_module, file, "", plain ? 0 : COMPRESSED_MODULE) != 0) {
    if (errno != EEXIST) say("note %s is not loaded: %s", path, strerror(errno));
  }
  if (file >= 0) close(file);
}

// An engine reserves more address space than the machine has memory, and uses little of it.
static void overcommit(void) {
  const int file = open("/proc/sys/vm/overcommit_memory", O_WRONLY | O_CLOEXEC);
  (void)!write(file, "1", 1);
  close(file);
}

static void mount_all(void) {
  mkdir("/dev", 0755);
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/tmp", 0777);
  mount("dev", "/dev", "devtmpfs", 0, "");
  mount("proc", "/proc", "proc", 0, "");
  mount("sys", "/sys", "sysfs", 0, "");
  mount("tmp", "/tmp", "tmpfs", 0, "");
  overcommit();
}

static int open_raw(const char* path) {
  struct termios raw;
  int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return -1;
  if (tcgetattr(fd, &raw) != 0) {
    close(fd);
    return -1;
  }
  cfmakeraw(&raw);
  cfsetspeed(&raw, B115200);
  tcsetattr(fd, TCSANOW, &raw);
  return fd;
}

static bool reads_as(const char* path, const char* text) {
  char line[64] = "";
  FILE* file = fopen(path, "re");
  if (file == NULL) return false;
  bool got = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  line[strcspn(line, "\n")] = '\0';
  return got && strcmp(line, text) == 0;
}

static int open_virtio(void) {
  DIR* all = opendir("/sys/class/virtio-ports");
  const struct dirent* entry;
  int fd = -1;
  while (all != NULL && fd < 0 && (entry = readdir(all)) != NULL) {
    char path[512];
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", entry->d_name);
    if (!reads_as(path, VS_LAB_PORT)) continue;
    snprintf(path, sizeof path, "/dev/%s", entry->d_name);
    fd = open(path, O_RDWR | O_CLOEXEC);
  }
  if (all != NULL) closedir(all);
  return fd;
}

// A virtio port, a second serial line, or else the console, into which the kernel prints as well.
static void open_channel(const char* line) {
  out = open_virtio();
  if (out < 0) out = open_raw(line);
  if (out < 0) out = open_raw("/dev/console");
}

// --- the plan ---------------------------------------------------------------------------------

static void tell_kvm(void) {
  char line[512];
  int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ssize_t got;
  while (log >= 0 && (got = read(log, line, sizeof line - 1)) != 0) {
    if (got < 0 && errno == EPIPE) continue;
    if (got < 0) break;
    line[got] = '\0';
    const char* text = strchr(line, ';');
    if (text != NULL && strstr(text, "kvm") != NULL && strstr(text, "ommand line") == NULL) {
      say("note %.*s", (int)strcspn(text + 1, "\n"), text + 1);
    }
  }
  if (log >= 0) close(log);
  say("note /dev/kvm is %s", access("/dev/kvm", R_OK | W_OK) == 0 ? "there" : "not there");
}

static void hello(void) {
  struct utsname name;
  uname(&name);
  say("%s %s %s", VS_LAB_HELLO, name.machine, name.release);
  put(early, early_count);
}

static void follow(char* line, bool first_process) {
  char* words[WORDS];
  size_t count = 0;
  char* rest = line;
  for (char* word; count < WORDS - 1 && (word = strsep(&rest, " ")) != NULL;) words[count++] = word;
  words[count] = NULL;
  if (strcmp(words[0], "module") == 0 && count == 2) {
    if (first_process) load(words[1]);
  } else if (strcmp(words[0], "run") == 0 && count > 3) {
    run(words[1], strtod(words[2], NULL), words + 3);
  } else if (strcmp(words[0], "files") == 0 && count == 3) {
    send_files(words[1], words[2]);
  }
}

// Modules come first in a plan, since what is said needs one of them.
static void follow_all(const char* path, const char* serial, bool first_process) {
  static char line[1 << 20];
  bool greeted = false;
  FILE* plan = fopen(path, "re");
  while (plan != NULL && fgets(line, sizeof line, plan) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (!greeted && strncmp(line, "module ", 7) != 0) {
      if (first_process) open_channel(serial);
      hello();
      if (first_process) tell_kvm();
      greeted = true;
    }
    follow(line, first_process);
  }
  if (plan != NULL) fclose(plan);
  say("bye");
}

static void end_machine(void) {
  tcdrain(out);
  sync();
  sleep(1);
  reboot(RB_POWER_OFF);
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

int main(int argc, char** argv) {
  if (argc == 3) {
    out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (out < 0) return 1;
    follow_all(argv[1], "", false);
    return 0;
  }
  if (getpid() != 1) {
    fprintf(stderr, "usage: lab-init PLAN FILE\n");
    return 2;
  }
  const char* serial = getenv("LAB_SERIAL");  // the kernel hands on what its command line names
  mount_all();
  follow_all("/plan", serial != NULL ? serial : "/dev/ttyS1", true);
  end_machine();
}
