// SPDX-License-Identifier: BSD-3-Clause
// Channel, memory and threads of a POSIX system; what only Linux has is said to be.
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

// Linux: it fails where something is mapped already. Elsewhere we look where it was put.
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0
#endif

const char* platform_words = " flip";
#ifdef __aarch64__
bool platform_is_arm64 = true;
#else
bool platform_is_arm64 = false;
#endif

// --- channel ----------------------------------------------------------------------------------

static const char open_files[] = "VCPUSPEC_SHIM_FILES";  // set where the program begins anew

static char** arguments;
static int in = STDIN_FILENO;
static int out = STDOUT_FILENO;
static int listening = -1;
static int first = -1;  // what is read first
static bool asks_sums;  // the user

static bool say(const char* what) {
  fprintf(stderr, "shim: %s: %s\n", what, strerror(errno));
  return false;
}

static bool next_connection(void) {
  do in = out = accept(listening, NULL, NULL);
  while (in < 0 && errno == EINTR);
  return in >= 0;
}

static bool open_socket(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  errno = ENAMETOOLONG;
  if (strlen(path) >= sizeof address.sun_path) return say(path);
  memcpy(address.sun_path, path, strlen(path) + 1);
  unlink(path);
  listening = socket(AF_UNIX, SOCK_STREAM, 0);
  if (listening < 0 || bind(listening, (const struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listening, 4) != 0) {
    return say(path);
  }
  return next_connection();
}

// The speed is what it is: `stty -F PATH 921600`.
static bool open_serial(const char* path) {
  struct termios mode;
  in = out = open(path, O_RDWR | O_NOCTTY);
  if (in < 0 || tcgetattr(in, &mode) != 0) return say(path);
  cfmakeraw(&mode);
  mode.c_cflag |= CLOCAL | CREAD;
  return tcsetattr(in, TCSANOW, &mode) == 0 || say(path);
}

// What the implementation prints must not get into the channel.
static bool open_standard(void) {
  out = dup(STDOUT_FILENO);
  return (out >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) || say("standard output");
}

static bool find_faults(void);

bool platform_open(int argc, char** argv) {
  arguments = argv;
  const char* path[2] = {NULL, NULL};
  bool good = true;
  for (int i = 1; i < argc; i++) {
    bool serial = strcmp(argv[i], "--serial") == 0;
    if (strcmp(argv[i], "--sums") == 0) {
      asks_sums = true;
    } else if ((serial || strcmp(argv[i], "--unix") == 0) && i + 1 < argc) {
      path[serial] = argv[++i];
    } else {
      good = false;
    }
  }
  if (!good || (path[0] != NULL && path[1] != NULL)) {
    fprintf(stderr, "usage: %s [--sums] [--unix PATH | --serial PATH]\n", argv[0]);
    return false;
  }
  if (find_faults()) platform_words = " hold flip";
  if (asks_sums) platform_words = find_faults() ? " hold flip sums" : " flip sums";
  const char* files = getenv(open_files);
  if (files != NULL) {
    good = sscanf(files, "%d %d %d %d", &in, &out, &listening, &first) == 4;
    unsetenv(open_files);
    return good;
  }
  if (path[0] != NULL) return open_socket(path[0]);
  return path[1] != NULL ? open_serial(path[1]) : open_standard();
}

static size_t read_file(int file, char* bytes, size_t size) {
  ssize_t count;
  do count = read(file, bytes, size);
  while (count < 0 && errno == EINTR);
  return count > 0 ? (size_t)count : 0;
}

// --- lines ------------------------------------------------------------------------------------

static char came[3 * LINE];  // from `head` to `tail` nothing was done about it
static size_t head, tail;
static bool has_sums;

static struct {
  pthread_mutex_t lock;
  size_t length;
  char bytes[4 * LINE];
} written = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void write_out(void) {
  const char* bytes = written.bytes;
  while (written.length > 0) {
    ssize_t count = write(out, bytes, written.length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    bytes += count;
    written.length -= (size_t)count;
  }
  written.length = 0;
}

static void flush(void) {
  pthread_mutex_lock(&written.lock);
  write_out();
  pthread_mutex_unlock(&written.lock);
}

static void wake(void);

// A new connection is served by the program anew, so that half a line does not get into it.
static size_t read_more(char* bytes, size_t size) {
  flush();
  wake();
  size_t count = first >= 0 ? read_file(first, bytes, size) : 0;
  if (first >= 0 && count == 0) {
    close(first);
    first = -1;
  }
  if (count == 0) count = read_file(in, bytes, size);
  if (count > 0 || listening < 0) return count;
  close(in);
  if (!next_connection()) return 0;
  tail = head;
  platform_restart("");
  return read_file(in, bytes, size);
}

static void make_sum(char sum[SUM + 1], const char* line, size_t length) {
  uint32_t value = 2166136261;
  for (size_t i = 0; i < length; i++) value = (value ^ (uint8_t)line[i]) * 16777619;
  snprintf(sum, SUM + 1, " sum=%08x", (unsigned)value);
}

// The sum at the end of a line is right, and is then no part of it.
static bool take_sum(char* line, size_t length) {
  char sum[SUM + 1];
  if (length < SUM) return false;
  make_sum(sum, line, length - SUM);
  if (strcmp(line + length - SUM, sum) != 0) return false;
  line[length - SUM] = '\0';
  return true;
}

const char* platform_line(bool* good) {
  size_t seen = 0;
  char* stop = NULL;
  while (stop == NULL) {
    stop = memchr(came + head + seen, '\n', tail - head - seen);
    if (stop != NULL) break;
    // Of what is too long the beginning is enough.
    if (tail - head > LINE + 2) tail = head + LINE + 2;
    seen = tail - head;
    if (sizeof came - tail < LINE) {
      memmove(came, came + head, seen);
      head = 0;
      tail = seen;
    }
    size_t count = read_more(came + tail, sizeof came - tail);
    if (count == 0) return NULL;
    tail += count;
  }
  char* line = came + head;
  head = (size_t)(stop - came) + 1;
  if (stop > line && stop[-1] == '\r') stop--;
  *stop = '\0';
  size_t length = (size_t)(stop - line);
  *good = length <= LINE && strlen(line) == length && (!has_sums || take_sum(line, length));
  return line;
}

void platform_write(const char* line, size_t length) {
  char sum[SUM + 1] = "";
  if (has_sums) make_sum(sum, line, length);
  pthread_mutex_lock(&written.lock);
  if (sizeof written.bytes - written.length < length + SUM + 1) write_out();
  memcpy(written.bytes + written.length, line, length);
  written.length += length;
  if (has_sums) memcpy(written.bytes + written.length, sum, SUM);
  if (has_sums) written.length += SUM;
  written.bytes[written.length++] = '\n';
  pthread_mutex_unlock(&written.lock);
}

void platform_greet(const char* line, size_t length) {
  has_sums = false;
  platform_write(line, length);
  has_sums = asks_sums;
}

// --- the program anew -------------------------------------------------------------------------

// Closes the files that the implementation has opened: ours were the first.
static void close_others(int from) {
  int most = (int)sysconf(_SC_OPEN_MAX);
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, from, ~0u, 0) == 0) return;
#endif
  for (int file = from; file < most && file < 65536; file++) close(file);
}

void platform_restart(const char* line) {
  const char* rest = came + head;
  size_t size = tail - head;
  int ends[2];
  char files[64];
  int last = in > out ? in : out;
  if (listening > last) last = listening;
  if (last < STDERR_FILENO) last = STDERR_FILENO;
  if (pipe(ends) != 0) return;
  size_t length = strlen(line);
  bool good = write(ends[1], line, length) == (ssize_t)length &&
              (length == 0 || write(ends[1], "\n", 1) == 1) &&
              write(ends[1], rest, size) == (ssize_t)size;
  close(ends[1]);
  if (ends[0] != last + 1 && dup2(ends[0], last + 1) < 0) good = false;
  snprintf(files, sizeof files, "%d %d %d %d", in, out, listening, last + 1);
  if (good && setenv(open_files, files, 1) == 0) {
    close_others(last + 2);
    execv("/proc/self/exe", arguments);
  }
  say("the program cannot begin anew (define vcpuspec_reset)");
  _exit(3);
}

// --- memory -----------------------------------------------------------------------------------

static void* pointer(uint64_t address) {
  return (void*)(uintptr_t)address;
}

bool platform_map(uint64_t page) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  void* got = mmap(pointer(page), PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (got != MAP_FAILED && got != pointer(page)) munmap(got, PAGE);
  return got == pointer(page);
}

void platform_unmap(uint64_t page) {
  munmap(pointer(page), PAGE);
}

void platform_protect(uint64_t page, bool writable) {
  mprotect(pointer(page), PAGE, PROT_READ | (writable ? PROT_WRITE : 0));
}

// --- threads ----------------------------------------------------------------------------------

enum { QUEUE = 4 * LINE };

static struct worker {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool lives;
  bool ends;
  size_t passed;         // lines that it got
  size_t done;           // lines that it has obeyed
  bool last_is_call;     // of those that it got
  unsigned half;         // of the queue, to which lines are added
  size_t size;           // bytes of this half
  char queue[2][QUEUE];  // lines, each with its '\0'
} workers[THREADS];
static struct worker* last;  // the one that got the last line

static void* live(void* argument) {
  struct worker* w = argument;
  pthread_mutex_lock(&w->lock);
  for (;;) {
    while (w->size == 0 && !w->ends) pthread_cond_wait(&w->changed, &w->lock);
    if (w->size == 0) break;
    const char* line = w->queue[w->half];
    const char* stop = line + w->size;
    w->half = 1 - w->half;
    w->size = 0;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    for (; line < stop; line += strlen(line) + 1) {
      shim_obey((unsigned)(w - workers), line);
      __atomic_add_fetch(&w->done, 1, __ATOMIC_RELEASE);
    }
    flush();
    pthread_mutex_lock(&w->lock);
  }
  pthread_mutex_unlock(&w->lock);
  return NULL;
}

// The last line was added some time ago, and nobody was told.
static void wake(void) {
  if (last == NULL) return;
  pthread_mutex_lock(&last->lock);
  if (last->size > 0) pthread_cond_signal(&last->changed);
  pthread_mutex_unlock(&last->lock);
}

static bool begin_thread(struct worker* w) {
  memset(w, 0, offsetof(struct worker, queue));
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->changed, NULL);
  return w->lives = pthread_create(&w->thread, NULL, live, w) == 0;
}

// Until there is no line but for a call that has not returned.
static void leave(struct worker* w) {
  wake();
  while (w->passed - __atomic_load_n(&w->done, __ATOMIC_ACQUIRE) > w->last_is_call) sched_yield();
}

bool platform_pass(unsigned thread, const char* line, bool is_call) {
  struct worker* w = &workers[thread];
  size_t size = strlen(line) + 1;
  if (last != NULL && last != w) leave(last);
  if (!w->lives && !begin_thread(w)) return false;
  last = w;
  pthread_mutex_lock(&w->lock);
  while (w->size + size > QUEUE) {
    pthread_cond_signal(&w->changed);
    pthread_cond_wait(&w->changed, &w->lock);
  }
  memcpy(w->queue[w->half] + w->size, line, size);
  w->size += size;
  w->passed++;
  w->last_is_call = is_call;
  pthread_mutex_unlock(&w->lock);
  return true;
}

void platform_end(unsigned thread) {
  struct worker* w = &workers[thread];
  if (!w->lives) return;
  if (last == w) last = NULL;
  pthread_mutex_lock(&w->lock);
  w->ends = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->lock);
  pthread_join(w->thread, NULL);
  w->lives = false;
}

// --- memory that changes ----------------------------------------------------------------------

typedef struct changer {
  change* change;
  bool begun;
  bool ends;
  bool held;
  int faults;
  int wake;
  uint8_t* page;    // that comes late
  uint8_t* before;  // what was there
} changer;

static void put(uint64_t at, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    __atomic_store_n((uint8_t*)pointer(at + i), bytes[i], __ATOMIC_RELAXED);
  }
}

static void* flip(void* argument) {
  changer* f = argument;
  const change* c = f->change;
  while (!__atomic_load_n(&f->ends, __ATOMIC_ACQUIRE)) {
    put(c->at, c->bytes, c->size);
    __atomic_store_n(&f->begun, true, __ATOMIC_RELEASE);
    put(c->at, f->before, c->size);
  }
  return NULL;
}

static int32_t call_flipped(change* c, bool* held, int32_t (*call)(const uint64_t*),
                            const uint64_t* args) {
  uint8_t before[PAGE];
  changer f = {.change = c, .before = before};
  pthread_t thread;
  memcpy(before, pointer(c->at), c->size);
  *held = pthread_create(&thread, NULL, flip, &f) == 0;
  if (!*held) return call(args);
  while (!__atomic_load_n(&f.begun, __ATOMIC_ACQUIRE)) sched_yield();
  int32_t status = call(args);
  __atomic_store_n(&f.ends, true, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  return status;
}

#ifdef __linux__
static int open_faults(void) {
  int file = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
#ifdef UFFD_USER_MODE_ONLY
  if (file < 0) file = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
#endif
  struct uffdio_api api = {.api = UFFD_API};
  if (file < 0 || ioctl(file, UFFDIO_API, &api) == 0) return file;
  close(file);
  return -1;
}

static bool find_faults(void) {
  int file = open_faults();
  if (file >= 0) close(file);
  return file >= 0;
}

static void give_page(const changer* h) {
  struct uffdio_copy copy = {.dst = (uintptr_t)h->page, .src = (uintptr_t)h->before, .len = PAGE};
  ioctl(h->faults, UFFDIO_COPY, &copy);
}

// Waits for the call to touch the page, or to return.
static void* hold(void* argument) {
  changer* h = argument;
  const change* c = h->change;
  struct pollfd ready[] = {{.fd = h->wake, .events = POLLIN}, {.fd = h->faults, .events = POLLIN}};
  struct uffd_msg message;
  while (!h->held) {
    if (poll(ready, 2, -1) < 1) continue;
    if (ready[0].revents != 0) break;
    if (read(h->faults, &message, sizeof message) < 0) continue;
    put(c->at - c->size, c->bytes, c->size);
    h->held = true;
  }
  give_page(h);
  return NULL;
}

static bool begin_hold(changer* h, pthread_t* thread) {
  struct uffdio_register page = {.range = {(uintptr_t)h->page, PAGE},
                                 .mode = UFFDIO_REGISTER_MODE_MISSING};
  return h->faults >= 0 && h->wake >= 0 && ioctl(h->faults, UFFDIO_REGISTER, &page) == 0 &&
         pthread_create(thread, NULL, hold, h) == 0;
}

static int32_t call_held(change* c, bool* held, int32_t (*call)(const uint64_t*),
                         const uint64_t* args) {
  _Alignas(PAGE) uint8_t before[PAGE];
  changer h = {.change = c, .page = pointer(c->at), .before = before};
  pthread_t thread;
  memcpy(before, h.page, PAGE);
  h.faults = open_faults();
  h.wake = eventfd(0, EFD_CLOEXEC);
  bool begun = begin_hold(&h, &thread);
  if (begun) madvise(h.page, PAGE, MADV_DONTNEED);
  int32_t status = call(args);
  if (begun) {
    eventfd_write(h.wake, 1);
    pthread_join(thread, NULL);
  }
  *held = h.held;
  close(h.faults);
  close(h.wake);
  return status;
}
#else
static bool find_faults(void) {
  return false;
}

#define call_held call_flipped
#endif

bool platform_change(change* c, bool hold_it, uint64_t at, const uint8_t* bytes, size_t size) {
  if (size > PAGE || (hold_it && (at % PAGE != 0 || !find_faults()))) return false;
  c->sort = hold_it ? HOLD : FLIP;
  c->at = at;
  c->size = size;
  memcpy(c->bytes, bytes, size);
  return true;
}

int32_t platform_call(change* c, bool* held, int32_t (*call)(const uint64_t*),
                      const uint64_t* args) {
  return (c->sort == HOLD ? call_held : call_flipped)(c, held, call, args);
}
