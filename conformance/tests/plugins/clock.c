// SPDX-License-Identifier: BSD-3-Clause
// Preloaded into a run: somebody sets the clock back and forth, by a century at each look.
#include <dlfcn.h>
#include <time.h>

static time_t next_second(void) {
  static unsigned looks;
  return __atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) % 2 == 0 ? 100 : 4000000000;
}

time_t time(time_t* at) {
  const time_t second = next_second();
  if (at != NULL) *at = second;
  return second;
}

int clock_gettime(clockid_t clock, struct timespec* at) {
  int (*real)(clockid_t, struct timespec*);
  *(void**)&real = dlsym(RTLD_NEXT, "clock_gettime");
  if (clock != CLOCK_REALTIME) return real(clock, at);
  *at = (struct timespec){.tv_sec = next_second()};
  return 0;
}
