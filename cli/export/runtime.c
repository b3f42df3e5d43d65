// SPDX-License-Identifier: BSD-3-Clause
// What an exported C program is made of besides its calls, section by section: c.c takes those that
// the calls need. Between them stand prototypes, constants and layouts, which it prints. C17, and
// C++17.

// --- head -------------------------------------------------------------------------------------
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // MAP_ANONYMOUS
#endif
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int32_t zx_status_t;
typedef uint32_t zx_handle_t;
typedef uint32_t zx_rights_t;
typedef uint64_t zx_vaddr_t;
#define ZX_HANDLE_INVALID 0u
#define ZX_VCPU_STATE 0u
#define ZX_VCPU_IO 1u

typedef struct zx_vcpu_io {
  uint8_t access_size;
  uint8_t padding1[3];
  uint32_t u32;
} zx_vcpu_io_t;

// --- judge ------------------------------------------------------------------------------------
#define MAY_BE_UNUSED __attribute__((unused))

// The handle for zx_guest_create: the environment's VCPUSPEC_RESOURCE, or -DVCPUSPEC_RESOURCE=0x...
#ifndef VCPUSPEC_RESOURCE
#define VCPUSPEC_RESOURCE 0
#endif
static zx_handle_t resource;
// One that it has to refuse, in the same way: VCPUSPEC_OTHER_RESOURCE. 0: there is none.
#ifndef VCPUSPEC_OTHER_RESOURCE
#define VCPUSPEC_OTHER_RESOURCE 0
#endif
static zx_handle_t other_resource;

// What the case has come to, and in words, if it does not conform or cannot be judged, why.
enum { CONFORMS, FAILS, SKIPPED, VERDICTS };
static int verdict;
static char said[1024];

static int op_now;  // what is being done
static const char* call_now = "nothing";

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
  size_t length = strlen(said);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(said + length, sizeof said - length, format, arguments);
  va_end(arguments);
}

static void say_status(zx_status_t status) {
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    if (statuses[i].value == status) return say("%s", statuses[i].name);
  }
  say("%d", (int)status);
}

// The buffer that the call is told of, and a copy: the call must not write to it.
enum { LONGEST = 2048, GIVEN = 264, FILLER = 0x5a };
static uint8_t* laid;  // NULL: there is none, or none that could be written
static size_t laid_length;
static uint8_t laid_copy[LONGEST];
static char laid_words[64];

// `length` bytes from the `head`-th on of: the `size` that are given, zeroes up to GIVEN, FILLER.
MAY_BE_UNUSED static void lay(uint8_t* at, size_t head, size_t length, const void* bytes,
                              size_t size) {
  for (size_t i = 0; i < length; i++) {
    size_t k = head + i;
    laid_copy[i] = k < GIVEN ? 0 : FILLER;
    if (k < size) laid_copy[i] = ((const uint8_t*)bytes)[k];
  }
  if (length > 0) memcpy(at, laid_copy, length);
  laid = length > 0 ? at : NULL;
  laid_length = length;
}

static void forget(void) {
  laid = NULL;
  laid_words[0] = '\0';
}

static bool end_with(int what) {
  verdict = what;
  return false;
}

static void say_call(void) {
  say("op %d: %s%s: ", op_now, call_now, laid_words);
}

static bool is_unchanged(void) {
  if (laid != NULL && memcmp(laid, laid_copy, laid_length) != 0) {
    say_call();
    say("allowed the buffer as it was, got another");
    return end_with(FAILS);
  }
  forget();
  return true;
}

// The allowed statuses follow, and END. An answer that only prepares is not judged.
enum { END = 1 };
static bool expect(int otherwise, zx_status_t got, ...) {
  va_list allowed;
  va_start(allowed, got);
  zx_status_t status = va_arg(allowed, zx_status_t);
  while (status != END && status != got) status = va_arg(allowed, zx_status_t);
  va_end(allowed);
  if (status == got && got != END) return is_unchanged();
  say_call();
  va_start(allowed, got);
  const char* between = "allowed ";
  while ((status = va_arg(allowed, zx_status_t)) != END) {
    say("%s", between);
    say_status(status);
    between = " or ";
  }
  va_end(allowed);
  say(", got ");
  say_status(got);
  return end_with(otherwise);
}

static void now(int op, const char* call) {
  op_now = op;
  call_now = call;
}

#define DO(otherwise, op, words, call, ...) \
  if (!expect(otherwise, (now(op, words), call), __VA_ARGS__, END)) return
// The call, and what may be answered.
#define EXPECT(op, call, ...) DO(FAILS, op, #call, call, __VA_ARGS__)
// What must succeed before anything can be judged.
#define NEED(op, call) DO(SKIPPED, op, #call, call, ZX_OK)

// An implementation that ends the program conforms to nothing.
static bool left;
static void at_end(void) {
  if (left) return;
  printf("Bail out! the program was ended within op %d: %s\n", op_now, call_now);
  fflush(stdout);
  _exit(1);
}

static int leave(int status) {
  left = true;
  return status;
}

static zx_handle_t handle_of(const char* variable, zx_handle_t otherwise) {
  const char* word = getenv(variable);
  return word != NULL ? (zx_handle_t)strtoul(word, NULL, 0) : otherwise;
}

static void begin(void) {
  resource = handle_of("VCPUSPEC_RESOURCE", VCPUSPEC_RESOURCE);
  other_resource = handle_of("VCPUSPEC_OTHER_RESOURCE", VCPUSPEC_OTHER_RESOURCE);
  atexit(at_end);
}

// What this machine is short of says nothing of the implementation.
MAY_BE_UNUSED static void bail_out(const char* why) {
  printf("Bail out! %s\n", why);
  exit(leave(3));
}

// --- handles ----------------------------------------------------------------------------------
// Where the handles are that are open.
static zx_handle_t* open_handles[16];
static size_t open_count;

MAY_BE_UNUSED static void closed(zx_handle_t* handle) {
  size_t kept = 0;
  for (size_t i = 0; i < open_count; i++) {
    if (open_handles[i] != handle) open_handles[kept++] = open_handles[i];
  }
  open_count = kept;
}

static bool is_open(zx_handle_t value) {
  for (size_t i = 0; i < open_count; i++) {
    if (*open_handles[i] == value) return true;
  }
  return false;
}

// A handle that was given out is neither 0 nor one that is open.
MAY_BE_UNUSED static bool expect_new(zx_handle_t* handle) {
  closed(handle);
  if (*handle != 0 && !is_open(*handle)) {
    open_handles[open_count++] = handle;
    return true;
  }
  say_call();
  say("allowed a handle that is neither 0 nor open, got 0x%" PRIx32, *handle);
  return end_with(FAILS);
}
#define EXPECT_NEW(handle) \
  if (!expect_new(&handle)) return

// A closed value that was given out again says nothing of closed values.
#define NEED_CLOSED(handle)          \
  if (is_open(handle)) {             \
    say("a closed value came back"); \
    end_with(SKIPPED);               \
    return;                          \
  }

#define NEED_CALL(call)        \
  if (call == NULL) {          \
    say("for want of " #call); \
    end_with(SKIPPED);         \
    return;                    \
  }

#define NEED_OTHER_RESOURCE            \
  if (other_resource == 0) {           \
    say("for want of other_resource"); \
    end_with(SKIPPED);                 \
    return;                            \
  }

// A value that names nothing: should it be a handle's by chance, another bit makes another.
MAY_BE_UNUSED static zx_handle_t unused(zx_handle_t value) {
  bool taken = value != 0 && (is_open(value) || value == resource || value == other_resource);
  return taken ? value ^ UINT32_C(1) << 30 : value;
}

// --- plain ------------------------------------------------------------------------------------
// `length` bytes at the start of a page, from those that are given.
static void* plain(size_t length, const void* bytes, size_t size) {
  static uint8_t page[2 * LONGEST] __attribute__((aligned(4096)));
  if (length > LONGEST) length = LONGEST;
  lay(page, 0, length, bytes, size);
  return page;
}

// --- zones ------------------------------------------------------------------------------------
// Pages with every sort of neighbour: two accessible, then nothing; one read-only; one accessible,
// then one without access; nothing; one of a file, whose mapping goes on past its end; one at an
// address of 32 bits. Where user code's addresses end is as on machines of today.
enum { PAGE = 4096, PAGES = 16 };
#if defined(__aarch64__)
#define USER_END UINT64_C(0x1000000000000)
#define BESIDE_TOP_BYTE (UINT64_C(1) << 55)  // the top byte itself makes no other address
#else
#define USER_END UINT64_C(0x7ffffffff000)
#define BESIDE_TOP_BYTE UINT64_C(0)
#endif
static uint8_t *pages, *readonly, *fenced, *hole, *file, *low;
static uint8_t* const nothing = NULL;

static bool map_file(void) {
  FILE* in = tmpfile();
  if (in == NULL) return false;
  int access = PROT_READ | PROT_WRITE;
  void* at = MAP_FAILED;
  if (ftruncate(fileno(in), PAGE) == 0) {
    at = mmap(file, 2 * PAGE, access, MAP_SHARED | MAP_FIXED, fileno(in), 0);
  }
  fclose(in);
  return at == file;
}

// Far from where mappings are made of their own accord, so that the holes stay holes.
static bool map_pages(void) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* at = mmap((void*)(uintptr_t)0x200000000000, PAGES * PAGE, PROT_NONE, flags, -1, 0);
  if (at == MAP_FAILED) return false;
  pages = (uint8_t*)at + PAGE;
  readonly = pages + 4 * PAGE;
  fenced = pages + 6 * PAGE;
  hole = pages + 9 * PAGE;
  file = pages + 11 * PAGE;
  munmap(at, PAGE);
  at = mmap((void*)(uintptr_t)0x10000000, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
  low = at == MAP_FAILED || (uintptr_t)at > UINT32_MAX ? pages : (uint8_t*)at;
  return mprotect(pages, 2 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
         munmap(pages + 2 * PAGE, PAGE) == 0 && mprotect(readonly, PAGE, PROT_READ) == 0 &&
         mprotect(fenced, PAGE, PROT_READ | PROT_WRITE) == 0 && munmap(hole, PAGE) == 0 &&
         map_file();
}

static uint64_t kernel_address(uint64_t which) {
  static const uint64_t addresses[] = {0xffff800000001000, 0xffffffff81000000, 0xffffc90000000000,
                                       0xfffffffffffff000};
  return addresses[which % 4];
}

static uint64_t noncanonical_bits(uint64_t n) {
  uint64_t bit = n % 64 < 47 ? 47 + n % 17 : n % 64;
  return UINT64_C(1) << bit | (bit >= 56 ? BESIDE_TOP_BYTE : 0);
}

// Where `length` bytes lie in a zone, and how many of the first and the last are not there.
typedef struct extent {
  const char* name;
  uint8_t* zone;
  uint64_t offset;
  uint64_t head;
  uint64_t tail;
} extent;

static extent lies(const char* name, uint8_t* zone, uint64_t offset, uint64_t head, uint64_t tail) {
  const extent e = {name, zone, offset, head, tail};
  return e;
}

// --- place ------------------------------------------------------------------------------------
// `length` bytes at a placement, from those that are given.
MAY_BE_UNUSED static void* place(int at, unsigned n, size_t length, const void* bytes,
                                 size_t size) {
  if (pages == NULL && !map_pages()) bail_out("no memory for the buffers");
  if (length > LONGEST) length = LONGEST;
  extent e = extent_of(at, n, length);
  uint64_t address = (uintptr_t)e.zone + e.offset;
  uint8_t* there = (uint8_t*)(uintptr_t)(address + e.head);
  // What an implementation would find that drops the bit.
  if (at == AT_NONCANONICAL) lay(pages, 0, length, bytes, size);
  if (at == AT_READONLY) mprotect(readonly, PAGE, PROT_READ | PROT_WRITE);
  lay(there, e.head, length - e.head - e.tail, bytes, size);
  if (at == AT_READONLY) mprotect(readonly, PAGE, PROT_READ);
  snprintf(laid_words, sizeof laid_words, " (%s %u, %u bytes)", e.name, n, (unsigned)length);
  return (void*)(uintptr_t)address;
}

// Room for what the call writes.
MAY_BE_UNUSED static void* room(int at, unsigned n, size_t length) {
  static uint8_t filler[2048];
  memset(filler, 0xa5, sizeof filler);
  void* there = place(at, n, length, filler, length < sizeof filler ? length : sizeof filler);
  forget();
  return there;
}

// --- registers --------------------------------------------------------------------------------
// (seen ^ value) & known must be 0.
static bool expect_registers(const void* seen, const zx_vcpu_state_t* value,
                             const zx_vcpu_state_t* known) {
  for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++) {
    size_t at = registers[i].offset;
    uint64_t got = 0, allowed = 0, compared = 0;
    memcpy(&got, (const uint8_t*)seen + at, registers[i].bytes);
    memcpy(&allowed, (const uint8_t*)value + at, registers[i].bytes);
    memcpy(&compared, (const uint8_t*)known + at, registers[i].bytes);
    if (((got ^ allowed) & compared) == 0) continue;
    say_call();
    say("%s: allowed 0x%" PRIx64 " in the bits 0x%" PRIx64 ", got 0x%" PRIx64, registers[i].name,
        allowed & compared, compared, got & compared);
    return end_with(FAILS);
  }
  return true;
}
#define EXPECT_REGISTERS(seen, value, known) \
  if (!expect_registers(seen, value, known)) return

// --- threads ----------------------------------------------------------------------------------
// Other threads do one thing at a time, on behalf of the first.
enum { THREADS = 4 };
static struct {
  pthread_t thread;
  bool alive;
  bool stopping;
  void (*job)(void);
} workers[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void* work(void* argument) {
  size_t n = (size_t)(uintptr_t)argument;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (workers[n].job == NULL && !workers[n].stopping) pthread_cond_wait(&changed, &lock);
    if (workers[n].job == NULL) break;
    pthread_mutex_unlock(&lock);
    workers[n].job();
    pthread_mutex_lock(&lock);
    workers[n].job = NULL;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

// False: the case ends here.
MAY_BE_UNUSED static bool on_thread(size_t n, void (*job)(void)) {
  void* argument = (void*)(uintptr_t)n;
  if (!workers[n].alive) {
    workers[n].alive = pthread_create(&workers[n].thread, NULL, work, argument) == 0;
  }
  if (!workers[n].alive) bail_out("no thread could be started");
  pthread_mutex_lock(&lock);
  workers[n].job = job;
  pthread_cond_broadcast(&changed);
  while (workers[n].job != NULL) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  return verdict == CONFORMS;
}
#define ON_THREAD(n, job) \
  if (!on_thread(n, job)) return

MAY_BE_UNUSED static void end_thread(size_t n) {
  if (!workers[n].alive) return;
  pthread_mutex_lock(&lock);
  workers[n].stopping = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  pthread_join(workers[n].thread, NULL);
  workers[n].alive = workers[n].stopping = false;
}

// --- one --------------------------------------------------------------------------------------
int main(void) {
  begin();
  script();
  if (verdict == CONFORMS) printf("conforms\n");
  if (verdict != CONFORMS) printf("%s%s\n", said, verdict == SKIPPED ? ": not judged" : "");
  if (verdict == FAILS) return leave(1);
  return leave(verdict == SKIPPED ? 5 : 0);
}

// --- suite ------------------------------------------------------------------------------------
#ifndef VCPUSPEC_SECONDS
#define VCPUSPEC_SECONDS 60  // that a case may take
#endif

static void give_up(int number) {
  static const char words[] = "Bail out! the next case did not end\n";
  (void)number;
  if (write(STDOUT_FILENO, words, sizeof words - 1) < 0) _exit(3);
  _exit(1);
}

// Every thread of a case is a new one.
static void play(void (*run)(void)) {
  verdict = CONFORMS;
  said[0] = '\0';
  forget();
  on_thread(0, run);
  for (size_t i = 0; i < THREADS; i++) end_thread(i);
  while (open_count > 0) zx_handle_close(*open_handles[--open_count]);
}

int main(void) {
  const size_t count = sizeof cases / sizeof cases[0];
  size_t counts[VERDICTS];
  memset(counts, 0, sizeof counts);
  begin();
  signal(SIGALRM, give_up);
  printf("TAP version 13\n1..%zu\n# %s\n", count, about);
  for (size_t i = 0; i < count; i++) {
    fflush(stdout);
    alarm(VCPUSPEC_SECONDS);
    play(cases[i].run);
    counts[verdict]++;
    printf("%s %zu - %s", verdict == FAILS ? "not ok" : "ok", i + 1, cases[i].id);
    if (verdict == SKIPPED) printf(" # SKIP %s", said);
    printf("\n");
    if (verdict == FAILS) printf("# %s\n", said);
  }
  printf("# %zu conform, %zu fail, %zu not judged; %d cases are not in this file\n",
         counts[CONFORMS], counts[FAILS], counts[SKIPPED], LEFT_OUT);
  if (missing[0] != '\0') printf("# of these groups there is no case in it at all:%s\n", missing);
  if (counts[FAILS] > 0) return leave(1);
  return leave(counts[CONFORMS] > 0 ? 0 : 5);
}
