// SPDX-License-Identifier: BSD-3-Clause
// Lines, memory and threads of a POSIX system; what only Linux has is said to be.
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vcpuspec/backend.h>
#ifdef __linux__
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// Linux: it fails where something is mapped already. Elsewhere we look where it was put.
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0
#endif

void vcpuspec_reset(void) __attribute__((weak));

#ifdef __aarch64__
__attribute__((weak)) const vs_plugin vcpuspec_plugin = {.arch = VS_ARCH_ARM64};
#else
__attribute__((weak)) const vs_plugin vcpuspec_plugin = {.arch = VS_ARCH_X64};
#endif
const char* platform_words;

static int in = STDIN_FILENO;
static FILE* out;
static int listening = -1;
static bool has_sums;
static bool can_hold;

// --- the channel ------------------------------------------------------------------------------

static bool say(const char* what) {
  fprintf(stderr, "shim: %s: %s\n", what, strerror(errno));
  return false;
}

static bool open_socket(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  errno = ENAMETOOLONG;
  if (strlen(path) >= sizeof address.sun_path) return say(path);
  memcpy(address.sun_path, path, strlen(path) + 1);
  unlink(path);
  listening = socket(AF_UNIX, SOCK_STREAM, 0);
  return (listening >= 0 && bind(listening, (struct sockaddr*)&address, sizeof address) == 0 &&
          listen(listening, 4) == 0) ||
         say(path);
}

// The speed is what it is: `stty -F PATH 921600`.
static bool open_serial(const char* path) {
  struct termios mode;
  in = open(path, O_RDWR | O_NOCTTY);
  if (in < 0 || tcgetattr(in, &mode) != 0) return say(path);
  cfmakeraw(&mode);
  mode.c_cflag |= CLOCAL | CREAD;
  return tcsetattr(in, TCSANOW, &mode) == 0 || say(path);
}

static bool open_channel(int argc, char** argv) {
  const char* path[2] = {NULL, NULL};
  for (int i = 1; i < argc; i++) {
    bool serial = strcmp(argv[i], "--serial") == 0;
    if (strcmp(argv[i], "--sums") == 0) {
      has_sums = true;
    } else if ((serial || strcmp(argv[i], "--unix") == 0) && i + 1 < argc) {
      path[serial] = argv[++i];
    } else {
      path[0] = path[1] = "";  // no way to say it
    }
  }
  if (path[0] != NULL && path[1] != NULL) {
    fprintf(stderr, "usage: %s [--sums] [--unix PATH | --serial PATH]\n", argv[0]);
    return false;
  }
  if (path[0] != NULL) return open_socket(path[0]);
  return path[1] == NULL || open_serial(path[1]);
}

// What the implementation prints must not get into the channel.
static bool open_output(void) {
  int file = dup(in == STDIN_FILENO ? STDOUT_FILENO : in);
  out = file >= 0 ? fdopen(file, "w") : NULL;
  return (out != NULL && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) || say("the output");
}

// --- lines ------------------------------------------------------------------------------------

// What came and was not read as a line: it outlives the process that serves.
static struct input {
  size_t line;  // where the last line begins
  size_t head;  // and where it ended
  size_t tail;
  bool anew;  // another process is to read the last line again
  char bytes[3 * LINE];
} * input;

static bool read_more(void) {
  ssize_t count;
  fflush(out);
  do count = read(in, input->bytes + input->tail, sizeof input->bytes - input->tail);
  while (count < 0 && errno == EINTR);
  if (count > 0) input->tail += (size_t)count;
  return count > 0;
}

// All but the greeting, and what asks for it.
static bool is_summed(const char* line) {
  return has_sums && strncmp(line, "hello", 5) != 0;
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

// The end of the next line. NULL: no more will come.
static const char* find_end(void) {
  size_t seen = 0;
  for (;;) {
    char* begin = input->bytes + input->head;
    size_t size = input->tail - input->head;
    const char* end = memchr(begin + seen, '\n', size - seen);
    if (end != NULL) return end;
    seen = size < LINE + 2 ? size : LINE + 2;  // of what is too long the beginning is enough
    memmove(input->bytes, begin, seen);
    input->head = 0;
    input->tail = seen;
    if (!read_more()) return NULL;
  }
}

// Has the next line read. Returns which thread is to obey it.
static unsigned read_line(void) {
  static char line[LINE + 1];
  const char* end = find_end();
  if (end == NULL) exit(0);
  const char* begin = input->bytes + input->head;
  size_t length = (size_t)(end - begin);
  if (length > 0 && begin[length - 1] == '\r') length--;
  size_t kept = length < LINE ? length : LINE;
  memcpy(line, begin, kept);
  line[kept] = '\0';
  input->line = input->head;
  input->head = (size_t)(end - input->bytes) + 1;
  return shim_read(line, strlen(line) == length && (!is_summed(line) || take_sum(line, length)));
}

void platform_write(const char* line, size_t length) {
  char sum[SUM + 1] = "";
  if (is_summed(line)) make_sum(sum, line, length);
  flockfile(out);
  fwrite(line, 1, length, out);
  fprintf(out, "%s\n", sum);
  funlockfile(out);
}

// --- threads ----------------------------------------------------------------------------------

// One thread reads lines at a time. Where another one is to obey a line, it is that one's turn.
static struct {
  pthread_mutex_t lock;
  unsigned thread;  // whose turn it is
  bool read;        // the line that this thread is to obey
  unsigned busy;    // threads that gave their turn away for a call, and are within it
} turn = {.lock = PTHREAD_MUTEX_INITIALIZER, .thread = THREADS};

// What happens to memory during a thread's next call.
typedef struct change {
  bool (*begin)(struct change* c);  // NULL: nothing
  uint64_t at;
  size_t size;
  pthread_t thread;  // that does it
  bool begun;
  bool ends;
  bool held;
  int faults;  // of the page that comes late
  uint8_t bytes[PAGE];
  uint8_t before[PAGE];  // what was there
} change;

static struct worker {
  pthread_t thread;
  pthread_cond_t changed;
  bool lives;
  bool ends;
  change change;
} workers[THREADS + 1];

static void give_turn(unsigned thread) {
  turn.thread = thread;
  pthread_cond_signal(&workers[thread].changed);
}

static bool await_turn(unsigned thread) {
  struct worker* w = &workers[thread];
  pthread_mutex_lock(&turn.lock);
  while (turn.thread != thread && !w->ends) {
    fflush(out);
    pthread_cond_wait(&w->changed, &turn.lock);
  }
  pthread_mutex_unlock(&turn.lock);
  return !w->ends;
}

static void* live(void* argument);

// A shortage is no lack: without the thread nothing goes on.
static void begin_running(pthread_t* thread, void* (*work)(void*), void* argument) {
  if (pthread_create(thread, NULL, work, argument) == 0) return;
  say("a thread");
  _exit(3);
}

static void begin_thread(unsigned thread) {
  struct worker* w = &workers[thread];
  w->ends = false;
  w->change.begin = NULL;
  begin_running(&w->thread, live, w);
  w->lives = true;
}

// Reads lines while it is this thread's turn, and obeys those that are for it.
static void* live(void* argument) {
  struct worker* w = argument;
  unsigned self = (unsigned)(w - workers);
  while (await_turn(self)) {
    unsigned other = turn.read ? self : read_line();
    turn.read = other != self;
    if (other == self) {
      shim_obey(self);
      continue;
    }
    if (other < THREADS && !workers[other].lives) begin_thread(other);
    pthread_mutex_lock(&turn.lock);
    give_turn(other);
    pthread_mutex_unlock(&turn.lock);
  }
  return NULL;
}

bool platform_end(unsigned thread) {
  struct worker* w = &workers[thread];
  if (!w->lives) return true;
  pthread_mutex_lock(&turn.lock);
  w->ends = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&turn.lock);
  pthread_join(w->thread, NULL);
  w->lives = false;
  return true;
}

// --- memory -----------------------------------------------------------------------------------

enum { PAGES = 64 };
static struct page {
  uint64_t at;             // 0: none
  _Atomic unsigned owner;  // the number, and one, of the thread that mapped it; 0: none
  bool readonly;
} pages[PAGES];
static uint64_t known[PAGES][PAGE / 8];  // what the other side knows to be there

static void* pointer(uint64_t address) {
  return (void*)(uintptr_t)address;
}

static uint8_t* known_at(const struct page* p, uint64_t at) {
  return (uint8_t*)known[p - pages] + at % PAGE;
}

// At 0 are those that are free.
static struct page* page_at(uint64_t at) {
  struct page* p = pages;
  while (p < pages + PAGES && p->at != at - at % PAGE) p++;
  return p < pages + PAGES ? p : NULL;
}

static struct page* new_page(uint64_t at) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  struct page* p = page_at(0);
  void* got = mmap(pointer(at), PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (got != MAP_FAILED && (p == NULL || got != pointer(at))) munmap(got, PAGE);
  if (p == NULL || got != pointer(at)) return NULL;
  p->at = at;
  p->readonly = false;
  memset(known_at(p, 0), 0, PAGE);
  return p;
}

bool platform_map(unsigned thread, uint64_t at, const uint8_t* bytes, size_t size, bool readonly) {
  size_t part = size < PAGE - at % PAGE ? size : PAGE - at % PAGE;
  struct page* p = at < PAGE ? NULL : page_at(at);
  if (p == NULL) p = new_page(at - at % PAGE);
  if (p == NULL) return false;
  if (p->readonly) mprotect(pointer(p->at), PAGE, PROT_READ | PROT_WRITE);
  memcpy(pointer(at), bytes, part);
  memcpy(known_at(p, at), bytes, part);
  if (readonly) mprotect(pointer(p->at), PAGE, PROT_READ);
  p->readonly = readonly;
  p->owner = thread + 1;
  return size == part || platform_map(thread, at + part, bytes + part, size - part, readonly);
}

bool platform_unmap(uint64_t page) {
  struct page* p = page_at(page);
  if (p == NULL || p->at == 0) return true;
  munmap(pointer(p->at), PAGE);
  p->owner = 0;
  p->at = 0;
  return true;
}

uint64_t platform_changed(unsigned thread, uint64_t* page, ptrdiff_t room, uint64_t* at) {
  for (struct page* p = pages + *page; p < pages + PAGES; p++) {
    const uint64_t* now = pointer(p->at);
    uint64_t* was = known[p - pages];
    if (p->owner != thread + 1 || memcmp(now, was, PAGE) == 0) continue;
    size_t first = 0;
    size_t end = PAGE / 8;
    while (now[first] == was[first]) first++;
    while (now[end - 1] == was[end - 1]) end--;
    if ((ptrdiff_t)(end - first) * 16 + 24 > room) continue;
    memcpy(was + first, now + first, (end - first) * 8);
    *page = (uint64_t)(p - pages) + 1;
    *at = p->at + first * 8;
    return p->at + end * 8;
  }
  return 0;
}

// --- memory that changes ----------------------------------------------------------------------

static void put(uint64_t at, const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    __atomic_store_n((uint8_t*)pointer(at + i), bytes[i], __ATOMIC_RELAXED);
}

static void* flip(void* argument) {
  change* c = argument;
  while (!__atomic_load_n(&c->ends, __ATOMIC_ACQUIRE)) {
    put(c->at, c->bytes, c->size);
    __atomic_store_n(&c->begun, true, __ATOMIC_RELEASE);
    put(c->at, c->before, c->size);
  }
  return NULL;
}

static bool begin_flip(change* c) {
  memcpy(c->before, pointer(c->at), c->size);
  begin_running(&c->thread, flip, c);
  c->held = true;
  while (!__atomic_load_n(&c->begun, __ATOMIC_ACQUIRE)) sched_yield();
  return true;
}

#ifdef __linux__
static int open_faults(void) {
  int file = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
#ifdef UFFD_USER_MODE_ONLY
  if (file < 0) file = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
#endif
  struct uffdio_api api = {.api = UFFD_API};
  if (file < 0 || ioctl(file, UFFDIO_API, &api) == 0) return file;
  close(file);
  return -1;
}

// The first that touches the page is the call, or end_change.
static void* hold(void* argument) {
  change* c = argument;
  struct uffdio_copy copy = {.dst = c->at, .src = (uintptr_t)c->before, .len = PAGE};
  struct uffd_msg message;
  while (read(c->faults, &message, sizeof message) < 0) continue;
  c->held = !__atomic_load_n(&c->ends, __ATOMIC_ACQUIRE);
  if (c->held) put(c->at - c->size, c->bytes, c->size);
  ioctl(c->faults, UFFDIO_COPY, &copy);
  close(c->faults);
  return NULL;
}

static bool begin_hold(change* c) {
  struct uffdio_register page = {.range = {c->at, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  memcpy(c->before, pointer(c->at), PAGE);
  c->faults = open_faults();
  if (c->faults < 0 || ioctl(c->faults, UFFDIO_REGISTER, &page) != 0) return false;
  begin_running(&c->thread, hold, c);
  madvise(pointer(c->at), PAGE, MADV_DONTNEED);
  return true;
}

static void die_with_parent(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}
#else
static int open_faults(void) {
  return -1;
}

static void die_with_parent(void) {}
#define begin_hold begin_flip
#endif

static void end_change(change* c) {
  __atomic_store_n(&c->ends, true, __ATOMIC_RELEASE);
  (void)*(volatile uint8_t*)pointer(c->at);
  pthread_join(c->thread, NULL);
}

bool platform_change(unsigned thread, bool hold, uint64_t at, const uint8_t* bytes, size_t size) {
  change* c = &workers[thread].change;
  struct page* p = page_at(at - hold);
  if (size > PAGE || p == NULL || (hold && (at % PAGE != 0 || !can_hold))) return false;
  *c = (change){.begin = hold ? begin_hold : begin_flip, .at = at, .size = size};
  memcpy(c->bytes, bytes, size);
  if (hold) memcpy(known_at(p, at - size), bytes, size);
  return true;
}

bool platform_call(unsigned thread, bool waits, int32_t (*call)(const uint64_t*),
                   const uint64_t* args, int32_t* status) {
  change* c = &workers[thread].change;
  pthread_mutex_lock(&turn.lock);
  bool leaves = waits || turn.busy > 0;
  turn.busy += leaves;
  if (leaves) give_turn(THREADS);
  pthread_mutex_unlock(&turn.lock);
  bool begun = c->begin != NULL && c->begin(c);
  *status = call(args);
  if (begun) end_change(c);
  c->begin = NULL;
  pthread_mutex_lock(&turn.lock);
  turn.busy -= leaves;
  pthread_mutex_unlock(&turn.lock);
  return begun && c->held;
}

// --- the program ------------------------------------------------------------------------------

void platform_forget(void) {
  static bool used;
  for (unsigned t = 0; t < THREADS; t++) platform_end(t);
  for (struct page* p = pages; p < pages + PAGES; p++) platform_unmap(p->at);
  if (vcpuspec_reset != NULL) {
    vcpuspec_reset();
  } else if (used) {
    fflush(out);
    input->head = input->line;
    input->anew = true;
    _exit(0);
  }
  used = true;
}

// Returns in a process that serves until its connection ends, or it is to forget; then this one
// makes another, which is as this one was when the program began.
static void serve_anew(void) {
  for (int status = 0; true;) {
    if (listening >= 0 && !input->anew) {
      while ((in = accept(listening, NULL, NULL)) < 0 && errno == EINTR) continue;
      input->head = input->tail = 0;
    }
    input->anew = false;
    pid_t child = in >= 0 ? fork() : -1;
    if (child == 0) return die_with_parent();
    if (child < 0 || waitpid(child, &status, 0) != child) exit(say("a process that serves") + 3);
    if (input->anew) continue;
    int death = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (listening >= 0) {
      if (death != 0) fprintf(stderr, "shim: signal %d ended what served a connection\n", death);
      close(in);
    } else {
      signal(death, SIG_DFL);
      raise(death);
      _exit(WEXITSTATUS(status));
    }
  }
}

int main(int argc, char** argv) {
  static char words[32];
  int flags = MAP_SHARED | MAP_ANONYMOUS;
  input = mmap(NULL, sizeof *input, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (input == MAP_FAILED || !open_channel(argc, argv)) return 2;
  int faults = open_faults();
  can_hold = faults >= 0;
  if (can_hold) close(faults);
  snprintf(words, sizeof words, "%s flip%s", can_hold ? " hold" : "", has_sums ? " sums" : "");
  platform_words = words;
  if (vcpuspec_reset == NULL || listening >= 0) serve_anew();
  if (!open_output()) return 2;
  for (size_t i = 0; i <= THREADS; i++) pthread_cond_init(&workers[i].changed, NULL);
  live(&workers[THREADS]);
  return 0;
}
