// SPDX-License-Identifier: BSD-3-Clause
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"

enum { FOR_EVER = 1000000000, PATH_MOST = 4096 };  // seconds; bytes

static bool say(vs_why* reason, const char* what, const char* where, int error) {
  return vs_refuse(reason, "%.200s: %s%s%s", where, what, error ? ": " : "",
                   error ? strerror(error) : "");
}

static const char* after(const char* text, const char* prefix) {
  size_t length = strlen(prefix);
  return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

bool vs_channel_parse(vs_channel* c, const char* where, vs_why* reason) {
  const char* path = after(where, "unix:");
  *c = (vs_channel){.where = where, .sort = VS_CHANNEL_PROCESS, .in = -1, .out = -1};
  c->tail.from = c->tail.to = -1;
  if (path != NULL) {
    c->sort = VS_CHANNEL_UNIX;
    if (strlen(path) >= sizeof((struct sockaddr_un*)NULL)->sun_path)
      return say(reason, "the path of a Unix socket has at most 107 bytes", where, 0);
  } else {
    path = after(where, "serial:");
    if (path != NULL) c->sort = VS_CHANNEL_SERIAL;
  }
  if (path == NULL) path = where;
  bool empty = path[strspn(path, " \t")] == '\0';
  return !empty || say(reason, "shim: needs a command, unix:PATH or serial:PATH", where, 0);
}

// --- a process --------------------------------------------------------------------------------

typedef struct spawn {
  const char* command;
  int in;
  int out;
  int errors;
} spawn;

// Without a shell in between, its end is the command's own.
static bool needs_shell(const char* command) {
  return strpbrk(command, ";|&<>()`$\n") != NULL;
}

static void become_shim(void* argument) {
  const spawn* s = argument;
  char line[PATH_MOST + 8];
  if (dup2(s->in, STDIN_FILENO) < 0 || dup2(s->out, STDOUT_FILENO) < 0) _exit(127);
  if (s->errors >= 0) dup2(s->errors, STDERR_FILENO);
  signal(SIGPIPE, SIG_DFL);
  snprintf(line, sizeof line, "%s%s", needs_shell(s->command) ? "" : "exec ", s->command);
  execl("/bin/sh", "sh", "-c", line, (char*)NULL);
  _exit(127);
}

static void close_both(const int ends[2]) {
  close(ends[0]);
  close(ends[1]);
}

static bool start_process(vs_channel* c, vs_why* reason) {
  int down[2];
  int up[2];
  if (strlen(c->where) >= PATH_MOST) return say(reason, "the command is too long", c->where, 0);
  if (pipe2(down, O_CLOEXEC) != 0) return say(reason, "no pipe", c->where, errno);
  if (pipe2(up, O_CLOEXEC) != 0) {
    close_both(down);
    return say(reason, "no pipe", c->where, errno);
  }
  if (!c->tells) vs_tail_open(&c->tail);
  spawn s = {c->where, down[0], up[1], c->tail.to};
  bool started = vs_child_start(&c->child, FOR_EVER, become_shim, &s);
  close(down[0]);
  close(up[1]);
  if (c->tail.to >= 0) close(c->tail.to);
  c->tail.to = -1;
  c->in = up[0];
  c->out = down[1];
  c->open = true;
  if (started) return true;
  vs_channel_close(c, 0);
  return say(reason, "this machine has no process or memory to spare", c->where, 0);
}

// --- sockets and serial lines -----------------------------------------------------------------

static bool use(vs_channel* c, int fd) {
  c->in = c->out = fd;
  c->open = true;
  return true;
}

static bool connect_socket(vs_channel* c, vs_why* reason) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", after(c->where, "unix:"));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return say(reason, "no socket", c->where, errno);
  if (connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) return use(c, fd);
  int error = errno;
  close(fd);
  return say(reason, "nothing listens there (start the shim first)", c->where, error);
}

typedef struct rate {
  unsigned long bits;  // a second
  speed_t speed;
} rate;

static const rate rates[] = {
    {9600, B9600},       {19200, B19200},     {38400, B38400},     {57600, B57600},
    {115200, B115200},   {230400, B230400},   {460800, B460800},   {921600, B921600},
    {1000000, B1000000}, {1500000, B1500000}, {3000000, B3000000}, {4000000, B4000000},
};

// "/dev/ttyS0:9600": the path, and the speed of what follows its last colon.
static bool split_rate(const char* text, char path[PATH_MOST], speed_t* speed) {
  snprintf(path, PATH_MOST, "%s", text);
  *speed = B115200;
  char* colon = strrchr(path, ':');
  if (colon == NULL || strchr(colon, '/') != NULL) return true;
  char* end;
  unsigned long bits = strtoul(colon + 1, &end, 10);
  *colon = '\0';
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    *speed = rates[i].speed;
    if (*end == '\0' && rates[i].bits == bits) return true;
  }
  return false;
}

static bool open_serial(vs_channel* c, vs_why* reason) {
  char path[PATH_MOST];
  speed_t speed;
  struct termios mode;
  if (!split_rate(after(c->where, "serial:"), path, &speed))
    return say(reason, "the speed is none of 9600 to 4000000 that are usual", c->where, 0);
  int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return say(reason, "cannot be opened", c->where, errno);
  if (tcgetattr(fd, &mode) != 0) {
    close(fd);
    return say(reason, "is no serial line", c->where, errno);
  }
  cfmakeraw(&mode);
  mode.c_cflag |= CLOCAL | CREAD;
  mode.c_cflag &= ~(tcflag_t)CRTSCTS;
  cfsetspeed(&mode, speed);
  tcsetattr(fd, TCSANOW, &mode);
  tcflush(fd, TCIOFLUSH);
  return use(c, fd);
}

bool vs_channel_open(vs_channel* c, vs_why* reason) {
  c->start = c->end = 0;
  vs_tail_forget(&c->tail);
  if (c->sort == VS_CHANNEL_UNIX) return connect_socket(c, reason);
  if (c->sort == VS_CHANNEL_SERIAL) return open_serial(c, reason);
  return start_process(c, reason);
}

void vs_channel_leave(vs_channel* c) {
  if (!c->open) return;
  c->open = false;
  c->child.pid = 0;
  if (c->out != c->in) close(c->out);
  close(c->in);
  if (c->tail.from >= 0) close(c->tail.from);
  c->tail.from = -1;
}

void vs_channel_say_end(vs_channel* c) {
  if (c->out != c->in && c->out >= 0) close(c->out);
  c->out = c->in;
}

static void await_end(vs_channel* c, double patience) {
  const struct timespec pause = {0, 1000000};
  double until = vs_now() + patience;
  while (!vs_child_ended(&c->child) && vs_now() < until) {
    vs_tail_drain(&c->tail);
    nanosleep(&pause, NULL);
  }
}

void vs_channel_close(vs_channel* c, double patience) {
  if (!c->open) return;
  c->open = false;
  if (c->out != c->in) close(c->out);
  if (c->child.pid != 0) {
    await_end(c, patience);
    vs_child_kill(&c->child);
  }
  close(c->in);
  vs_tail_drain(&c->tail);
  if (c->tail.from >= 0) close(c->tail.from);
  c->tail.from = -1;
}

// --- bytes and lines --------------------------------------------------------------------------

// True once `fd` is ready for `what`.
static bool is_ready(vs_channel* c, int fd, short what, double deadline) {
  enum { LONGEST = 100 };  // milliseconds without looking at what else the shim writes
  for (;;) {
    double left = deadline == 0 ? 1 : deadline - vs_now();
    int pause = left <= 0 ? 0 : left * 1000 < LONGEST ? (int)(left * 1000) + 1 : LONGEST;
    struct pollfd ready = {.fd = fd, .events = what};
    if (poll(&ready, 1, pause) > 0) return true;
    vs_tail_drain(&c->tail);
    if (vs_waits_stopped() || (deadline != 0 && vs_now() >= deadline)) return false;
  }
}

// As write, but whoever reads no more is no reason to die.
static ssize_t write_some(const vs_channel* c, const char* bytes, size_t length) {
  struct sigaction before;
  if (c->quiet) return write(c->out, bytes, length);
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, NULL, &before);
  bool ignored = before.sa_handler == SIG_IGN;
  if (!ignored) sigaction(SIGPIPE, &ignore, NULL);
  ssize_t count = write(c->out, bytes, length);
  int error = errno;
  if (!ignored) sigaction(SIGPIPE, &before, NULL);
  errno = error;
  return count;
}

static bool may_try_again(void) {
  return errno == EAGAIN || errno == EINTR;
}

vs_channel_result vs_channel_send(vs_channel* c, const char* bytes, size_t length,
                                  double deadline) {
  while (length > 0) {
    ssize_t count = write_some(c, bytes, length);
    if (count < 0 && !may_try_again()) return VS_CHANNEL_ENDED;
    if (count > 0) {
      bytes += count;
      length -= (size_t)count;
    } else if (!is_ready(c, c->out, POLLOUT, deadline)) {
      return VS_CHANNEL_LATE;
    }
  }
  return VS_CHANNEL_DONE;
}

static void make_room(vs_channel* c) {
  if (c->start == 0) return;
  memmove(c->buffer, c->buffer + c->start, c->end - c->start);
  c->end -= c->start;
  c->start = 0;
}

vs_channel_result vs_channel_line(vs_channel* c, double deadline, const char** line,
                                  size_t* length) {
  size_t seen = 0;
  make_room(c);
  for (;;) {
    char* newline = memchr(c->buffer + seen, '\n', c->end - seen);
    if (newline != NULL && newline - c->buffer < VS_WIRE_LINE) {
      *line = c->buffer;
      *length = (size_t)(newline - c->buffer);
      c->start = *length + 1;
      if (*length > 0 && newline[-1] == '\r') --*length;
      return VS_CHANNEL_DONE;
    }
    if (c->end >= VS_WIRE_LINE) return VS_CHANNEL_LONG;
    seen = c->end;
    if (deadline != 0 && !is_ready(c, c->in, POLLIN, deadline)) return VS_CHANNEL_LATE;
    ssize_t count = read(c->in, c->buffer + c->end, sizeof c->buffer - c->end);
    if (count > 0) c->end += (size_t)count;
    if (count == 0 || (count < 0 && !may_try_again())) return VS_CHANNEL_ENDED;
    if (count < 0 && !is_ready(c, c->in, POLLIN, deadline)) return VS_CHANNEL_LATE;
  }
}

bool vs_channel_has_more(vs_channel* c) {
  if (c->start < c->end) return true;
  struct pollfd ready = {.fd = c->in, .events = POLLIN};
  if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLIN)) return false;
  make_room(c);
  ssize_t count = read(c->in, c->buffer + c->end, sizeof c->buffer - c->end);
  if (count > 0) c->end += (size_t)count;
  return count > 0;
}

const char* vs_channel_rest(vs_channel* c, size_t* length) {
  if (*length > c->end - c->start) *length = c->end - c->start;
  return c->buffer + c->start;
}
