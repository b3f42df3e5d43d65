// SPDX-License-Identifier: BSD-3-Clause
#include "watch.h"

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/refuse.h"
#include "dispatch.h"

enum {
  WORD = 8,          // bytes that one watchpoint covers
  TRAP_OF_PERF = 6,  // TRAP_PERF of <asm/siginfo.h>, which the C library does not know
};

struct vs_watch {
  uint8_t* buffer;  // watched
  uint8_t* alias;   // the same memory; to write here is no access to the buffer
  int event;
  bool calls;  // the thread's system calls are looks too, while it lasts
  pid_t thread;
  struct perf_event_attr attributes;  // as the event has them
  const vs_rewrite* rewrite;          // while it lasts
  uint8_t other[WORD];                // what is put there when the moment has come
  unsigned moment;                    // after this look
  unsigned seen;                      // looks
  unsigned accesses;                  // those that were no system calls
  unsigned turn;                      // of all that were watched
  unsigned before;                    // looks of the last one that had any
};

// A signal brings no context of ours with it.
static _Thread_local vs_watch* watching;

static void put(vs_watch* w, const uint8_t* bytes) {
  memcpy(w->alias + w->rewrite->offset, bytes, w->rewrite->length);
}

static void note_look(void* watch) {
  vs_watch* w = watch;
  if (++w->seen == w->moment) put(w, w->other);
}

static void on_trap(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  if (info->si_code != TRAP_OF_PERF) {  // an end of the implementation's own
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  if (watching == NULL) return;
  watching->accesses++;
  note_look(watching);
}

static bool take_signal(void) {
  struct sigaction ours = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  struct sigaction now;
  if (sigaction(SIGTRAP, NULL, &now) != 0) return false;
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_trap) return true;
  return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL &&
         sigaction(SIGTRAP, &ours, NULL) == 0;
}

static bool set_address(vs_watch* w) {
  const bool one = w->rewrite->length == 1;  // several: the word that they lie in
  const uint16_t offset = w->rewrite->offset;
  const uint64_t length = one ? HW_BREAKPOINT_LEN_1 : HW_BREAKPOINT_LEN_8;
  const uint64_t address = (uintptr_t)w->buffer + (one ? offset : offset / WORD * WORD);
  if (w->attributes.bp_addr == address && w->attributes.bp_len == length) return true;
  w->attributes.bp_addr = address;
  w->attributes.bp_len = length;
  if (ioctl(w->event, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &w->attributes) == 0) return true;
  w->attributes.bp_addr = 0;
  return false;
}

bool vs_watch_begin(vs_watch* w, const vs_rewrite* rewrite) {
  const unsigned looks = w->before > 1 ? w->before : 1;
  const bool reversed = w->turn / looks % 2 != 0;
  w->rewrite = rewrite;
  if (!take_signal() || !set_address(w)) return false;
  w->moment = 1 + w->turn % looks;
  w->seen = w->accesses = 0;
  memcpy(w->other, reversed ? w->buffer + rewrite->offset : rewrite->bytes, rewrite->length);
  if (reversed) put(w, rewrite->bytes);
  watching = w;
  if (ioctl(w->event, PERF_EVENT_IOC_ENABLE, 0) != 0) return false;
  w->calls = vs_dispatch_begin(note_look, w);
  return true;
}

unsigned vs_watch_end(vs_watch* w) {
  if (w->calls) w->calls = vs_dispatch_end();
  ioctl(w->event, PERF_EVENT_IOC_DISABLE, 0);
  watching = NULL;
  w->turn++;
  if (w->seen > 0) w->before = w->seen;
  return w->seen;
}

bool vs_watch_saw_all(const vs_watch* w) {
  return w->calls && w->accesses > 0;
}

uint8_t* vs_watch_buffer(const vs_watch* watch) {
  return watch->buffer;
}

bool vs_watch_is_ours(const vs_watch* watch) {
  return watch->thread == gettid();
}

// --- life -------------------------------------------------------------------------------------

static int open_event(vs_watch* w) {
  w->attributes = (struct perf_event_attr){.type = PERF_TYPE_BREAKPOINT,
                                           .size = sizeof w->attributes,
                                           .bp_type = HW_BREAKPOINT_RW,
                                           .bp_addr = (uintptr_t)w->buffer,
                                           .bp_len = HW_BREAKPOINT_LEN_8,
                                           .sample_period = 1,
                                           .exclude_kernel = 1,
                                           .exclude_hv = 1,
                                           .disabled = 1,
                                           .remove_on_exec = 1,
                                           .sigtrap = 1};
  return (int)syscall(SYS_perf_event_open, &w->attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool map_twice(vs_watch* w) {
  const int file = memfd_create("watched", MFD_CLOEXEC);
  if (file < 0) return false;
  const int access = PROT_READ | PROT_WRITE;
  if (ftruncate(file, VS_WATCH_BYTES) == 0) {
    w->buffer = mmap(NULL, VS_WATCH_BYTES, access, MAP_SHARED, file, 0);
    w->alias = mmap(NULL, VS_WATCH_BYTES, access, MAP_SHARED, file, 0);
  } else {
    errno = ENOMEM;  // whatever it says, a page was not to be had
  }
  close(file);
  return w->buffer != MAP_FAILED && w->alias != MAP_FAILED;
}

// Looks twice by itself. Machines may open the event and never trap, or trap for ever.
static bool works(vs_watch* w) {
  const vs_rewrite rewrite = {.mode = VS_REWRITE_FLIP, .length = 1, .bytes = {1}};
  const volatile uint8_t* byte = w->buffer;
  if (!vs_watch_begin(w, &rewrite)) return false;
  const uint8_t first = *byte;
  const uint8_t second = *byte;
  const unsigned seen = vs_watch_end(w);
  w->turn = w->before = 0;
  return seen == 2 && first == 0 && second == 1;
}

// On arm64 calls on watched memory did not come back (Linux 6.1 under QEMU's emulation), though a
// look by itself does.
static bool is_known_machine(void) {
#ifdef __x86_64__
  return true;
#else
  return false;
#endif
}

vs_watch* vs_watch_open(void) {
  if (!is_known_machine()) {
    errno = EOPNOTSUPP;
    return NULL;
  }
  vs_watch* w = calloc(1, sizeof *w);
  if (w == NULL) return NULL;
  w->buffer = w->alias = MAP_FAILED;
  w->event = -1;
  w->thread = gettid();
  if (map_twice(w)) w->event = open_event(w);
  if (w->event >= 0 && works(w)) return w;
  const int error = w->event < 0 ? errno : 0;
  vs_watch_close(w);
  errno = error;
  return NULL;
}

void vs_watch_close(vs_watch* w) {
  if (w->event >= 0) close(w->event);
  if (w->buffer != MAP_FAILED) munmap(w->buffer, VS_WATCH_BYTES);
  if (w->alias != MAP_FAILED) munmap(w->alias, VS_WATCH_BYTES);
  free(w);
}
