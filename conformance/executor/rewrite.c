// SPDX-License-Identifier: BSD-3-Clause
#include "rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/refuse.h"
#include "tables.h"
#include "watch.h"

enum { PAGE = 4096, ORDER_MASK = 3 };

// Where somebody else may look at the buffer too, one call of so many has the other thread beside
// it.
enum { BESIDE_EVERY = 8 };

typedef enum order { ORDER_NONE, ORDER_HOLD, ORDER_FLIP, ORDER_END } order;

struct vs_rewriter {
  uint8_t* pages;   // two; the second is the one that comes late
  uint8_t* source;  // what the second page is made of
  int faults;       // userfaultfd; -1: the machine does not allow it
  int wake;         // eventfd: a call that is held, or might have been, has returned
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t given;  // an order
  uint32_t order;        // atomic: what to do, and above it the number of the order
  uint32_t turns;        // atomic: of flipping
  uint32_t held;         // atomic: the call met the missing page
  uint32_t idle;         // atomic: the last order to do nothing that the other thread has seen
  uint8_t* at;           // the bytes that are rewritten
  const vs_rewrite* rewrite;
  uint8_t old[8];
  vs_watch* watch;  // NULL: there is none yet, or none for this thread
  bool is_short;    // this machine lacks files or memory, and not the ability
  bool is_blind;    // the machine cannot watch, or an accepted call was not seen to look
  bool is_partial;  // it was, and somebody else may have looked too
  unsigned calls;   // made since
};

// --- the other thread -------------------------------------------------------------------------

static uint32_t load(const uint32_t* word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

// Byte by byte, so that whoever reads meanwhile finds each byte old or new.
static void put(vs_rewriter* r, const uint8_t* bytes) {
  for (size_t i = 0; i < r->rewrite->length; i++) {
    __atomic_store_n(&r->at[i], bytes[i], __ATOMIC_RELAXED);
  }
}

// The page that a call waits for.
static void give_page(vs_rewriter* r) {
  struct uffdio_copy copy = {
      .dst = (uintptr_t)(r->pages + PAGE), .src = (uintptr_t)r->source, .len = PAGE};
  ioctl(r->faults, UFFDIO_COPY, &copy);
}

// Waits for the call to meet the missing page, once, and for its return.
static void hold(vs_rewriter* r) {
  struct pollfd ready[] = {{.fd = r->wake, .events = POLLIN}, {.fd = r->faults, .events = POLLIN}};
  struct uffd_msg message;
  eventfd_t count;
  nfds_t watched = 2;
  while ((load(&r->order) & ORDER_MASK) == ORDER_HOLD) {
    if (poll(ready, watched, -1) < 1) continue;
    if (ready[0].revents != 0) eventfd_read(r->wake, &count);
    if (watched < 2 || ready[1].revents == 0) continue;
    if (read(r->faults, &message, sizeof message) < 0) continue;
    if (message.event != UFFD_EVENT_PAGEFAULT) continue;
    put(r, r->rewrite->bytes);
    store(&r->held, 1);
    give_page(r);
    watched = 1;
  }
}

static void flip(vs_rewriter* r) {
  for (unsigned turn = 0; turn < 64; turn++) put(r, turn % 2 == 0 ? r->rewrite->bytes : r->old);
  __atomic_fetch_add(&r->turns, 1, __ATOMIC_RELEASE);
}

// Sleeps until there is something to do.
static void await_order(vs_rewriter* r) {
  pthread_mutex_lock(&r->lock);
  while ((load(&r->order) & ORDER_MASK) == ORDER_NONE) {
    store(&r->idle, load(&r->order));
    pthread_cond_wait(&r->given, &r->lock);
  }
  pthread_mutex_unlock(&r->lock);
}

static void* other_thread(void* argument) {
  vs_rewriter* r = argument;
  for (;;) {
    switch (load(&r->order) & ORDER_MASK) {
      case ORDER_HOLD:
        hold(r);
        break;
      case ORDER_FLIP:
        flip(r);
        break;
      case ORDER_END:
        return NULL;
      default:
        await_order(r);
    }
  }
}

// --- the caller's thread ----------------------------------------------------------------------

static uint32_t give_order(vs_rewriter* r, order what) {
  uint32_t given = (load(&r->order) | ORDER_MASK) + 1 + what;
  pthread_mutex_lock(&r->lock);
  store(&r->order, given);
  pthread_cond_signal(&r->given);
  pthread_mutex_unlock(&r->lock);
  return given;
}

// The other thread does nothing more to the buffer once this returns.
static void take_back(vs_rewriter* r) {
  uint32_t given = give_order(r, ORDER_NONE);
  eventfd_write(r->wake, 1);
  while (load(&r->idle) != given) sched_yield();
}

static size_t length_of(const vs_rewritten_call* c) {
  size_t length = c->op->args[c->parameter].length;
  return length < PAGE ? length : PAGE;
}

static size_t given_of(const vs_rewritten_call* c) {
  size_t length = length_of(c);
  return length < VS_STATE_MAX ? length : VS_STATE_MAX;
}

// What the call is told that the buffer's size is.
static uint64_t size_of(const vs_rewritten_call* c) {
  return c->op->args[vs_param_find(c->op->code, VS_PARAM_SIZE, 0)].number;
}

static void place(vs_rewriter* r, const vs_rewritten_call* c, uint8_t* address) {
  const vs_op* op = c->op;
  memcpy(address, op->bytes, given_of(c));
  r->rewrite = &op->rewrite;
  r->at = address + op->rewrite.offset;
  memcpy(r->old, op->bytes + op->rewrite.offset, op->rewrite.length);
}

static bool is_changed(const vs_rewritten_call* c, const uint8_t* address) {
  const vs_rewrite* rewrite = &c->op->rewrite;
  for (size_t i = 0; i < given_of(c); i++) {
    size_t k = i - rewrite->offset;
    bool rewritten = i >= rewrite->offset && k < rewrite->length;
    bool same = address[i] == c->op->bytes[i];
    if (!same && !(rewritten && address[i] == rewrite->bytes[k])) return true;
  }
  return false;
}

// Threads end, and others take their place: a watch is its thread's.
static bool has_watch(vs_rewriter* r) {
  if (r->is_blind || vs_watch_is_busy()) return false;
  if (r->watch != NULL && !vs_watch_is_ours(r->watch)) {
    vs_watch_close(r->watch);
    r->watch = NULL;
  }
  if (r->watch == NULL) r->watch = vs_watch_open();
  if (r->watch == NULL && vs_is_shortage(errno)) r->is_short = true;
  r->is_blind = r->watch == NULL;
  return !r->is_blind;
}

// False: the call was not made, or was refused and not seen to look: perhaps for the watched page.
static bool call_watched(vs_rewriter* r, vs_rewritten_call* c) {
  if (!has_watch(r)) return false;
  if (r->is_partial && r->calls++ % BESIDE_EVERY == 0) return false;
  uint8_t* address = vs_watch_place(r->watch, &c->op->rewrite, length_of(c));
  place(r, c, address);
  r->is_blind = !vs_watch_begin(r->watch, &c->op->rewrite);
  if (r->is_blind) return false;
  c->status = c->make(c->context, address);
  const bool looked = vs_watch_end(r->watch) > 0;
  if (!looked && c->status != ZX_OK) return false;
  if (c->status == ZX_OK) {
    r->is_blind = !looked;
    r->is_partial = looked && !vs_watch_saw_all(r->watch);
  }
  c->rewritten = true;
  c->changed = is_changed(c, address);
  return true;
}

static void call_beside(vs_rewriter* r, vs_rewritten_call* c) {
  uint8_t* address = r->pages;
  place(r, c, address);
  uint32_t turns = load(&r->turns);
  give_order(r, ORDER_FLIP);
  while (load(&r->turns) == turns) sched_yield();
  c->status = c->make(c->context, address);
  take_back(r);
  c->rewritten = true;
  c->changed = is_changed(c, address);
}

static bool register_page(vs_rewriter* r) {
  struct uffdio_register page = {.range = {(uintptr_t)(r->pages + PAGE), PAGE},
                                 .mode = UFFDIO_REGISTER_MODE_MISSING};
  return madvise(r->pages + PAGE, PAGE, MADV_DONTNEED) == 0 &&
         ioctl(r->faults, UFFDIO_REGISTER, &page) == 0;
}

static void unregister_page(vs_rewriter* r) {
  struct uffdio_range range = {(uintptr_t)(r->pages + PAGE), PAGE};
  ioctl(r->faults, UFFDIO_UNREGISTER, &range);
}

// False: the buffer cannot be laid out so, or the call was not held and did not like what it found.
static bool call_held(vs_rewriter* r, vs_rewritten_call* c) {
  size_t before = (size_t)c->op->rewrite.offset + c->op->rewrite.length;
  uint64_t size = size_of(c);
  if (r->faults < 0 || before >= size || size > length_of(c)) return false;
  uint8_t* address = r->pages + PAGE - before;
  store(&r->held, 0);
  place(r, c, address);
  memcpy(r->source, address + before, length_of(c) - before);
  if (!register_page(r)) {
    r->is_short = vs_is_shortage(errno);
    return false;
  }
  give_order(r, ORDER_HOLD);
  c->status = c->make(c->context, address);
  take_back(r);
  bool held = load(&r->held);
  unregister_page(r);
  c->rewritten = held;
  c->changed = held && is_changed(c, address);
  // A kernel that fetches on the caller's behalf cannot wait for us: it says that nothing is there.
  return held || c->status != ZX_ERR_INVALID_ARGS;
}

bool vs_rewriter_call(vs_rewriter* rewriter, vs_rewritten_call* call) {
  bool held = call->op->rewrite.mode == VS_REWRITE_HELD;
  if (held && call_held(rewriter, call)) return true;
  bool watched = !rewriter->is_short && call_watched(rewriter, call);
  if (!watched && !rewriter->is_short) call_beside(rewriter, call);
  return !rewriter->is_short;
}

// --- life -------------------------------------------------------------------------------------

static int open_faults(void) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) == 0) return fd;
  close(fd);
  return -1;
}

vs_rewriter* vs_rewriter_open(void) {
  vs_rewriter* r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  int map = MAP_PRIVATE | MAP_ANONYMOUS;
  uint8_t* pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, map, -1, 0);
  if (pages != MAP_FAILED) {
    r->pages = pages;
    r->source = pages + 2 * PAGE;
    r->faults = open_faults();
    const bool lacks = r->faults < 0 && vs_is_shortage(errno);
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->given, NULL);
    if (!lacks && r->wake >= 0 && pthread_create(&r->thread, NULL, other_thread, r) == 0) return r;
    if (r->faults >= 0) close(r->faults);
    if (r->wake >= 0) close(r->wake);
    munmap(pages, 3 * PAGE);
  }
  free(r);
  return NULL;
}

void vs_rewriter_close(vs_rewriter* rewriter) {
  give_order(rewriter, ORDER_END);
  pthread_join(rewriter->thread, NULL);
  pthread_cond_destroy(&rewriter->given);
  pthread_mutex_destroy(&rewriter->lock);
  if (rewriter->watch != NULL) vs_watch_close(rewriter->watch);
  if (rewriter->faults >= 0) close(rewriter->faults);
  close(rewriter->wake);
  munmap(rewriter->pages, 3 * PAGE);
  free(rewriter);
}
