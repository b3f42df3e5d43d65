// SPDX-License-Identifier: BSD-3-Clause
// The pages that are mapped are pages of this process at the same addresses, or in a range of its
// own with --arena; each thread of the caller's is a thread. --sums, --hold, --flip, --slow
// (answers take 0 to 3 milliseconds), --serial (what has a wrong sum is no line), --unix PATH.
#include "small.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <vcpuspec/backend.h>

enum { PAGE = 4096, THREADS = 16, QUEUE = 1 << 18, PAGES = 256, WORDS = 12 };

// The backend that is behind it.
extern const vs_backend BACKEND;

static bool sums, can_hold, can_flip, slow, noisy;

// --- saying -----------------------------------------------------------------------------------

static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

static uint32_t sum_of(const char* bytes, size_t length) {
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)bytes[i]) * UINT32_C(16777619);
  return sum;
}

static void pause_saying(void) {
  pthread_mutex_lock(&saying);
  shim_pause();
  pthread_mutex_unlock(&saying);
}

// Room for a sum is left.
static void say(char* line, size_t length, bool summed) {
  if (summed) length += (size_t)sprintf(line + length, " sum=%08x", sum_of(line, length));
  line[length++] = '\n';
  pthread_mutex_lock(&saying);
  shim_say(line, length);
  pthread_mutex_unlock(&saying);
}

static void say_error(const char* tag, const char* text) {
  char line[256];
  say(line, (size_t)snprintf(line, 200, "%s error %s", tag, text), sums);
}

// --- memory -----------------------------------------------------------------------------------

typedef struct page {
  uint8_t* at;  // NULL: none
  unsigned owner;
  bool read_only;
  uint8_t was[PAGE];
} page;

static page pages[PAGES];
static pthread_mutex_t paging = PTHREAD_MUTEX_INITIALIZER;
static uint8_t* arena;
enum { ARENA = 1 << 20 };

static page* find_page(uint8_t* at) {
  page* none = NULL;
  for (size_t i = 0; i < PAGES; i++) {
    if (pages[i].at == at) return &pages[i];
    if (pages[i].at == NULL && none == NULL) none = &pages[i];
  }
  if (none == NULL) abort();
  return none;
}

static bool make_page(uint8_t* at) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (arena != NULL ? MAP_FIXED : MAP_FIXED_NOREPLACE);
  bool within = arena == NULL || (at >= arena && at < arena + ARENA);
  return within && mmap(at, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == at;
}

static void drop_page(page* p) {
  munmap(p->at, PAGE);
  if (arena != NULL) mmap(p->at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  p->at = NULL;
}

static bool put_piece(uint8_t* at, const uint8_t* bytes, size_t count, unsigned owner,
                      bool read_only) {
  uint8_t* start = (uint8_t*)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));
  page* p = find_page(start);
  if (p->at == NULL) {
    if (!make_page(start)) return false;
    memset(p->was, 0, PAGE);
    p->at = start;
  } else if (p->read_only) {
    mprotect(start, PAGE, PROT_READ | PROT_WRITE);
  }
  memcpy(at, bytes, count);
  memcpy(p->was + (at - start), bytes, count);
  p->owner = owner;
  p->read_only = read_only;
  if (read_only) mprotect(start, PAGE, PROT_READ);
  return true;
}

static bool put(uint64_t address, const uint8_t* bytes, size_t count, unsigned owner,
                bool read_only) {
  bool good = true;
  while (count > 0 && good) {
    size_t left = PAGE - address % PAGE;
    size_t size = count < left ? count : left;
    good = put_piece((uint8_t*)(uintptr_t)address, bytes, size, owner, read_only);
    address += size;
    bytes += size;
    count -= size;
  }
  return good;
}

// The ranges of a thread's pages that are not as they were.
static size_t tell_changes(unsigned owner, char* line, size_t length) {
  for (size_t i = 0; i < PAGES; i++) {
    page* p = &pages[i];
    if (p->at == NULL || p->owner != owner || p->read_only) continue;
    if (memcmp(p->at, p->was, PAGE) == 0) continue;
    size_t from = 0;
    size_t to = PAGE;
    while (p->at[from] == p->was[from]) from++;
    while (p->at[to - 1] == p->was[to - 1]) to--;
    length += (size_t)sprintf(line + length, " 0x%jx=", (uintmax_t)(uintptr_t)(p->at + from));
    for (size_t k = from; k < to; k++) {
      static const char digits[] = "0123456789abcdef";
      line[length++] = digits[p->at[k] >> 4];
      line[length++] = digits[p->at[k] & 15];
    }
    memcpy(p->was + from, p->at + from, to - from);
  }
  return length;
}

// --- memory that changes ----------------------------------------------------------------------

typedef struct change {
  bool hold;
  bool flip;
  bool happened;
  bool stop;
  uint8_t* at;  // the held page, or the bytes that are flipped
  size_t count;
  uint8_t bytes[8];
  uint8_t before[8];
} change;

static change* held;  // one at a time
static struct sigaction next_handler;

static void on_fault(int sig, siginfo_t* info, void* context) {
  uint8_t* at = info->si_addr;
  change* c = held;
  if (c != NULL && at >= c->at && at < c->at + PAGE) {
    held = NULL;
    memcpy(c->at - c->count, c->bytes, c->count);
    mprotect(c->at, PAGE, PROT_READ | PROT_WRITE);
    c->happened = true;
    return;
  }
  if (next_handler.sa_flags & SA_SIGINFO) {
    next_handler.sa_sigaction(sig, info, context);
  } else {
    signal(SIGSEGV, SIG_DFL);
  }
}

static void* flip(void* argument) {
  change* c = argument;
  while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
    for (size_t i = 0; i < c->count; i++)
      __atomic_store_n(&c->at[i], c->bytes[i], __ATOMIC_RELAXED);
    __atomic_store_n(&c->happened, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < c->count; i++)
      __atomic_store_n(&c->at[i], c->before[i], __ATOMIC_RELAXED);
  }
  return NULL;
}

static pthread_t flipper;

static void begin_change(change* c) {
  if (c->hold) {
    mprotect(c->at, PAGE, PROT_NONE);
    held = c;
  }
  if (!c->flip) return;
  memcpy(c->before, c->at, c->count);
  pthread_create(&flipper, NULL, flip, c);
  while (!__atomic_load_n(&c->happened, __ATOMIC_ACQUIRE)) continue;
}

// What was written is no change.
static void end_change(change* c) {
  if (c->hold) {
    held = NULL;
    mprotect(c->at, PAGE, PROT_READ | PROT_WRITE);
    page* p = find_page(c->at - PAGE);
    if (c->happened) memcpy(p->was + PAGE - c->count, c->bytes, c->count);
  }
  if (!c->flip) return;
  __atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
  pthread_join(flipper, NULL);
}

// --- calls ------------------------------------------------------------------------------------

#define VS_PASS(type, name, object, value) (VS_C_##type)(a->name)
#define VS_CALL(name, word, phase, text, ...)                  \
  static zx_status_t make_##name(const uint64_t* arguments) {  \
    const struct vs_args_##name* a = (const void*)arguments;   \
    return BACKEND.calls->name(VS_EACH(VS_PASS, __VA_ARGS__)); \
  }
#include <vcpuspec/calls.def>

static const struct {
  const char* name;
  size_t count;
  zx_status_t (*make)(const uint64_t* arguments);
} rows[] = {
#define VS_CALL(name, word, phase, text, ...) \
  {"zx_" #name, sizeof(struct vs_args_##name) / 8, make_##name},
#include <vcpuspec/calls.def>
};

static bool has_call(size_t i) {
  switch (i) {
#define VS_CALL(name, word, phase, text, ...) \
  case VS_CALL_##name:                        \
    return BACKEND.calls->name != NULL;
#include <vcpuspec/calls.def>
    default:
      return false;
  }
}

typedef struct thread {
  pthread_t thread;
  bool alive;
  bool busy;
  unsigned number;
  size_t count;  // bytes of `queue`
  char queue[QUEUE];
  char now[QUEUE];
  change change;
} thread;

static thread threads[THREADS];
static pthread_mutex_t queueing = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queued = PTHREAD_COND_INITIALIZER;

static unsigned digit(char c) {
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static size_t read_hex(const char* text, uint8_t* bytes) {
  size_t count = 0;
  for (; text[0] != '\0' && text[1] != '\0'; text += 2) {
    bytes[count++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
  }
  return count;
}

static void do_map(thread* t, char** words, size_t count) {
  static _Thread_local uint8_t bytes[SHIM_LINE / 2];
  size_t given = read_hex(words[3], bytes);
  pthread_mutex_lock(&paging);
  bool good = put(strtoull(words[2], NULL, 16), bytes, given, t->number, count == 5);
  pthread_mutex_unlock(&paging);
  if (!good) say_error("0", "nothing can be mapped there");
}

static void do_unmap(char** words) {
  pthread_mutex_lock(&paging);
  page* p = find_page((uint8_t*)(uintptr_t)strtoull(words[2], NULL, 16));
  if (p->at != NULL) drop_page(p);
  pthread_mutex_unlock(&paging);
}

static void do_change(thread* t, char** words, bool hold) {
  t->change = (change){.hold = hold, .flip = !hold};
  t->change.at = (uint8_t*)(uintptr_t)strtoull(words[2], NULL, 16);
  t->change.count = read_hex(words[3], t->change.bytes);
}

static void do_call(thread* t, char** words, size_t count) {
  static _Thread_local char line[4 * SHIM_LINE];
  uint64_t arguments[VS_ARGS_MAX];
  size_t row = 0;
  while (row < VS_CALL_COUNT && strcmp(words[2], rows[row].name) != 0) row++;
  if (row == VS_CALL_COUNT || !has_call(row) || count != 3 + rows[row].count) {
    say_error(words[0], "no such call");
    return;
  }
  for (size_t i = 3; i < count; i++) arguments[i - 3] = strtoull(words[i], NULL, 16);
  if (slow) usleep((unsigned)(rand() % 3000));
  begin_change(&t->change);
  zx_status_t status = rows[row].make(arguments);
  end_change(&t->change);
  size_t length =
      (size_t)sprintf(line, "%s %d%s", words[0], status, t->change.happened ? " held" : "");
  t->change = (change){.hold = false};
  pthread_mutex_lock(&paging);
  length = tell_changes(t->number, line, length);
  pthread_mutex_unlock(&paging);
  say(line, length, sums);
}

static size_t cut(char* line, char** words) {
  size_t count = 0;
  char* rest;
  for (char* w = strtok_r(line, " ", &rest); w && count < WORDS; w = strtok_r(NULL, " ", &rest)) {
    words[count++] = w;
  }
  return count;
}

static void do_line(thread* t, char* line) {
  char* words[WORDS] = {0};
  size_t count = cut(line, words);
  if (strcmp(words[0], "map") == 0) return do_map(t, words, count);
  if (strcmp(words[0], "unmap") == 0) return do_unmap(words);
  if (strcmp(words[0], "hold") == 0) return do_change(t, words, true);
  if (strcmp(words[0], "flip") == 0) return do_change(t, words, false);
  do_call(t, words, count);
}

static void* work(void* argument) {
  thread* t = argument;
  for (;;) {
    pthread_mutex_lock(&queueing);
    t->busy = false;
    pthread_cond_broadcast(&queued);
    while (t->count == 0) pthread_cond_wait(&queued, &queueing);
    size_t count = t->count;
    memcpy(t->now, t->queue, count);
    t->count = 0;
    t->busy = true;
    pthread_cond_broadcast(&queued);
    pthread_mutex_unlock(&queueing);
    for (char* line = t->now; line < t->now + count;) {
      char* next = line + strlen(line) + 1;
      if (strcmp(line, "end") == 0) return NULL;
      do_line(t, line);
      line = next;
    }
    pause_saying();
  }
}

static void give(unsigned number, const char* line, size_t length) {
  thread* t = &threads[number];
  pthread_mutex_lock(&queueing);
  if (!t->alive) {
    t->alive = t->busy = true;
    t->number = number;
    t->count = 0;
    pthread_create(&t->thread, NULL, work, t);
  }
  while (t->count + length + 1 > QUEUE) pthread_cond_wait(&queued, &queueing);
  memcpy(t->queue + t->count, line, length);
  t->queue[t->count + length] = '\0';
  t->count += length + 1;
  pthread_cond_broadcast(&queued);
  pthread_mutex_unlock(&queueing);
}

static void end_thread(unsigned number) {
  if (!threads[number].alive) return;
  give(number, "end", 3);
  pthread_join(threads[number].thread, NULL);
  threads[number].alive = false;
}

// --- the channel ------------------------------------------------------------------------------

static void open_backend(void) {
  vs_why reason;
  if (BACKEND.open(&reason)) return;
  fprintf(stderr, "%s\n", reason.text);
  exit(3);
}

static void greet(void) {
  char line[SHIM_LINE];
  for (unsigned i = 0; i < THREADS; i++) end_thread(i);
  for (size_t i = 0; i < PAGES; i++) {
    if (pages[i].at != NULL) drop_page(&pages[i]);
  }
  BACKEND.close();
  open_backend();
  int length = sprintf(line, "hello 2 %s %s", BACKEND.name,
                       BACKEND.arch == VS_ARCH_ARM64 ? "arm64" : "x86-64");
  for (size_t i = 0; i < VS_CALL_COUNT; i++) {
    if (has_call(i)) length += sprintf(line + length, " %s", rows[i].name);
  }
  if (BACKEND.resource != 0) length += sprintf(line + length, " resource=0x%x", BACKEND.resource);
  if (arena != NULL)
    length += sprintf(line + length, " arena=0x%jx:0x%x", (uintmax_t)(uintptr_t)arena, ARENA);
  length += sprintf(line + length, "%s%s%s", can_hold ? " hold" : "", can_flip ? " flip" : "",
                    sums ? " sums" : "");
  say(line, (size_t)length, false);
}

static bool take_sum(const char* line, size_t* length) {
  char sum[16];
  if (!sums) return true;
  if (*length < 13) return false;
  *length -= 13;
  snprintf(sum, sizeof sum, " sum=%08x", sum_of(line, *length));
  return memcmp(line + *length, sum, 13) == 0;
}

static bool is_known(const char* line) {
  size_t digits = strspn(line, "0123456789");
  bool memory = strncmp(line, "map T", 5) == 0 || strncmp(line, "unmap T", 7) == 0;
  bool changes = strncmp(line, "hold T", 6) == 0 || strncmp(line, "flip T", 6) == 0;
  return memory || changes || (digits > 0 && strncmp(line + digits, " T", 2) == 0);
}

static void take(char* line, size_t length) {
  if (length > 0 && line[length - 1] == '\r') length--;
  line[length] = '\0';
  if (!shim_hear(line, length)) return;
  if (strncmp(line, "hello ", 6) == 0) return greet();
  if (!take_sum(line, &length)) {
    if (!noisy) say_error("0", "the sum is wrong");
    return;
  }
  line[length] = '\0';
  const char* name = strstr(line, " T");
  unsigned number = name != NULL ? (unsigned)strtoul(name + 2, NULL, 10) : THREADS;
  if (number >= THREADS) return say_error("0", "no thread");
  if (strncmp(line, "end ", 4) == 0) return end_thread(number);
  if (!is_known(line)) return say_error("0", "no such line");
  give(number, line, length);
}

static void serve(void) {
  static char bytes[4 * SHIM_LINE];
  size_t end = 0;
  for (;;) {
    ssize_t count = read(STDIN_FILENO, bytes + end, sizeof bytes - end);
    if (count <= 0) return;
    end += (size_t)count;
    size_t start = 0;
    for (char* newline; (newline = memchr(bytes + start, '\n', end - start)) != NULL;) {
      take(bytes + start, (size_t)(newline - (bytes + start)));
      start = (size_t)(newline + 1 - bytes);
    }
    pause_saying();
    memmove(bytes, bytes + start, end - start);
    end -= start;
    if (end == sizeof bytes) end = 0;
  }
}

static void serve_socket(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 4) != 0)
    exit(3);
  for (int peer; (peer = accept(fd, NULL, NULL)) >= 0; close(peer)) {
    dup2(peer, STDIN_FILENO);
    dup2(peer, STDOUT_FILENO);
    serve();
  }
}

int main(int argc, char** argv) {
  const char* path = NULL;
  const char* word = "";
  for (int i = 1; i < argc; i++) {
    bool wants_arena = strcmp(argv[i], "--arena") == 0;
    if (wants_arena) arena = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sums |= strcmp(argv[i], "--sums") == 0;
    can_hold |= strcmp(argv[i], "--hold") == 0;
    can_flip |= strcmp(argv[i], "--flip") == 0;
    slow |= strcmp(argv[i], "--slow") == 0;
    noisy |= strcmp(argv[i], "--serial") == 0;
    if (strcmp(argv[i], "--unix") == 0 && i + 1 < argc) path = argv[++i];
    if (argv[i][0] != '-') word = argv[i];
  }
  open_backend();
  shim_open(word);
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, &next_handler);
  signal(SIGPIPE, SIG_IGN);
  if (path != NULL) {
    serve_socket(path);
  } else {
    serve();
  }
  return 0;
}
