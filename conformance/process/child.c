// SPDX-License-Identifier: BSD-3-Clause
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SPARED = 256, AWAIT_MS = 4 };

static const double PATIENCE = 1;          // seconds until what is killed has to be gone
static const double LESS_PATIENCE = 0.02;  // once one was not
static const double LOOK_EVERY = 0.1;

double vs_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void* vs_shared_new(size_t size) {
  void* at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

void vs_shared_free(void* memory, size_t size) {
  if (memory != NULL) munmap(memory, size);
}

void vs_shared_mend(bool* flag) {
  uint8_t byte;
  memcpy(&byte, flag, sizeof byte);
  *flag = byte != 0;
}

// Those of which a sanitizer, if there is one, tells more.
static bool is_fault(int sig) {
  return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGABRT ||
         sig == SIGTRAP;
}

// What the caller ignored, blocked or handled is no business of an implementation's; but its output
// may go nowhere, or to a terminal that is not its own, and that is not its fault.
static void default_signals(void) {
  sigset_t none;
  for (int sig = 1; sig <= SIGRTMAX; sig++) {
    struct sigaction action;
    if (sigaction(sig, NULL, &action) != 0 || action.sa_handler == SIG_DFL) continue;
    if (action.sa_handler == SIG_IGN || !is_fault(sig)) signal(sig, SIG_DFL);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTTOU, SIG_IGN);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// What an implementation could spoil, and has no business with.
static int kept_from_children = -1;

void vs_children_never_have(int fd) {
  kept_from_children = fd;
}

static const volatile sig_atomic_t* stop_waits;

void vs_waits_stop_on(const volatile sig_atomic_t* stop) {
  stop_waits = stop;
}

bool vs_waits_stopped(void) {
  return stop_waits != NULL && *stop_waits;
}

static void become_child(pid_t parent) {
  const struct rlimit no_core = {0, 0};
  default_signals();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  vs_children_watch(false);
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  if (kept_from_children >= 0) close(kept_from_children);
}

// Whoever ignores SIGCHLD never hears of an end; and what a child leaves behind comes to us.
static void adopt(void) {
  struct sigaction action;
  bool ignored = sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
  if (ignored) signal(SIGCHLD, SIG_DFL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

// Children that this process had before it started any: whoever called exec had started them.
static struct {
  pid_t process;  // whose children they are; another: a fork, which has none yet
  size_t count;
  pid_t pids[MOST_SPARED];
  bool more;  // than there is room for: then nobody is ended
} spared;

// A list for next_pid; -1: there is none. Neither allocates: a signal's handler may ask.
static int open_children(pid_t thread) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)thread);
  return open(path, O_RDONLY | O_CLOEXEC);
}

// 0: none is left.
static pid_t next_pid(int list) {
  char digit;
  pid_t pid = 0;
  while (read(list, &digit, 1) == 1 && digit >= '0' && digit <= '9') pid = 10 * pid + digit - '0';
  return pid;
}

// Exec leaves them to the first thread.
static void spare_those_that_are(void) {
  pid_t pid;
  if (spared.process == getpid()) return;
  spared.process = getpid();
  spared.count = 0;
  spared.more = false;
  const int list = open_children(getpid());
  while ((pid = next_pid(list)) != 0) {
    if (spared.count < MOST_SPARED) {
      spared.pids[spared.count++] = pid;
    } else {
      spared.more = true;
    }
  }
  close(list);
}

static bool is_spared(pid_t pid) {
  for (size_t i = 0; i < spared.count; i++) {
    if (spared.pids[i] == pid) return true;
  }
  return false;
}

// True of a process that is dead, of which only its tracer is told: there is nothing to wait for.
// `status` is as of waitpid.
static bool is_held(pid_t pid, int* status) {
  enum { STATE = 1, THREADS = 18, EXIT_CODE = 50 };  // of proc(5), counted from the state
  char text[1024];
  snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = '\0';
  char* rest = strrchr(text, ')');
  bool dead = false;
  bool alone = false;
  char* word = rest != NULL ? strtok_r(rest + 1, " \n", &rest) : NULL;
  for (int i = STATE; word != NULL; word = strtok_r(NULL, " \n", &rest), i++) {
    if (i == STATE) dead = *word == 'Z' || *word == 'X';
    if (i == THREADS) alone = strtol(word, NULL, 10) <= 1;
    if (i == EXIT_CODE) *status = (int)strtol(word, NULL, 10);
  }
  return dead && alone;
}

static void tell_left(pid_t pid) {
  static pid_t last;
  char text[80];
  if (pid == last) return;
  last = pid;
  snprintf(text, sizeof text, "vcpuspec: process %d cannot be ended: it is left\n", (int)pid);
  (void)!write(STDERR_FILENO, text, strlen(text));
}

static void rest(void) {
  const struct timespec pause = {0, 200000};
  nanosleep(&pause, NULL);
}

// False: there was none.
static bool end_children_once(double until) {
  const int list = open_children(gettid());
  pid_t pid;
  bool any = false;
  while ((pid = next_pid(list)) != 0) {
    if (is_spared(pid)) continue;
    any = true;
    if (vs_now() > until) break;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, WNOHANG);
  }
  close(list);
  return any;
}

// Those that are still there though they were killed: a few by name. Of so many that time is up
// before all were killed, no more is known than that there are some.
static void tell_those_left(void) {
  enum { NAMED = 8 };
  const int list = open_children(gettid());
  pid_t pid;
  size_t count = 0;
  while ((pid = next_pid(list)) != 0 && count <= NAMED) {
    int status;
    if (is_spared(pid) || waitpid(pid, NULL, WNOHANG) != 0 || is_held(pid, &status)) continue;
    if (count++ < NAMED) tell_left(pid);
  }
  close(list);
  if (count > NAMED) fputs("vcpuspec: so it is with more processes\n", stderr);
}

void vs_children_end(void) {
  if (spared.process != getpid() || spared.more) return;
  const double until = vs_now() + PATIENCE;
  bool any = true;
  while (any && vs_now() < until) {
    any = end_children_once(until);
    if (any) rest();
  }
  if (any) tell_those_left();
}

bool vs_child_start(vs_child* child, double seconds, void (*work)(void*), void* argument) {
  pid_t parent = getpid();
  spare_those_that_are();
  adopt();
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) return false;
  if (pid == 0) {
    become_child(parent);
    work(argument);
    _exit(0);
  }
  setpgid(pid, pid);  // whichever of the two comes first
  *child = (vs_child){.pid = pid, .deadline = vs_now() + seconds, .looked = vs_now()};
  return true;
}

// Blocked, the signal waits to be asked for, so that no end is missed.
static sigset_t end_of_child(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

void vs_children_watch(bool on) {
  const sigset_t set = end_of_child();
  pthread_sigmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void vs_children_await_one(void) {
  const sigset_t set = end_of_child();
  const struct timespec most = {0, AWAIT_MS * 1000000};
  sigtimedwait(&set, NULL, &most);
}

static void bury(vs_child* child, int status) {
  kill(-child->pid, SIGKILL);  // whatever it left behind
  if (child->death != VS_DEATH_TIMEOUT) {
    bool signalled = WIFSIGNALED(status);
    child->death = signalled ? VS_DEATH_SIGNAL : VS_DEATH_EXIT;
    child->detail = signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  child->pid = 0;
}

static bool is_limited(__rlimit_resource_t resource, struct rlimit* limit) {
  return getrlimit(resource, limit) == 0 && limit->rlim_cur != RLIM_INFINITY;
}

// As waitpid, without waiting. Where the two limits of CPU time are one, the kernel kills at once.
static pid_t collect(pid_t pid, int* status) {
  struct rusage used = {0};
  struct rlimit limit;
  const pid_t ended = wait4(pid, status, WNOHANG, &used);
  const rlim_t seconds = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec +
                                  (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000000);
  const bool killed = ended == pid && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL;
  const bool limited = killed && is_limited(RLIMIT_CPU, &limit) && seconds >= limit.rlim_max;
  if (limited) *status = SIGXCPU;
  return ended;
}

const char* vs_death_by_limit(const vs_child* child) {
  struct rlimit limit;
  const int sig = child->death == VS_DEATH_SIGNAL ? child->detail : 0;
  if (sig == SIGXCPU && is_limited(RLIMIT_CPU, &limit)) return "CPU time (ulimit -t)";
  if (sig == SIGXFSZ && is_limited(RLIMIT_FSIZE, &limit)) return "the size of files (ulimit -f)";
  return NULL;
}

// True once it has ended, whether or not it can be waited for. Does not wait.
static bool is_over(pid_t pid, int* status) {
  const pid_t ended = collect(pid, status);
  if (ended == pid || (ended < 0 && errno == ECHILD)) return true;
  return ended == 0 && is_held(pid, status) && collect(pid, status) >= 0;
}

void vs_child_kill(vs_child* child) {
  if (child->pid == 0) return;
  static double patience = PATIENCE;  // many that stay must not add up
  kill(-child->pid, SIGKILL);
  kill(child->pid, SIGKILL);
  int status = 0;
  const double until = vs_now() + patience;
  while (!is_over(child->pid, &status)) {
    if (vs_now() > until) {
      patience = LESS_PATIENCE;
      tell_left(child->pid);
      break;
    }
    rest();
  }
  bury(child, status);
}

bool vs_child_ended(vs_child* child) {
  int status = 0;
  if (child->pid == 0) return true;
  const double now = vs_now();
  const bool look = now - child->looked > LOOK_EVERY;
  if (look) child->looked = now;
  pid_t ended = collect(child->pid, &status);
  const bool gone = ended == child->pid || (ended < 0 && errno == ECHILD);
  if (gone || (look && is_over(child->pid, &status))) {
    bury(child, status);
    return true;
  }
  if (now < child->deadline) return false;
  child->death = VS_DEATH_TIMEOUT;
  vs_child_kill(child);
  return true;
}

// Sleeps for a moment where the kernel cannot tell of the end, or has told of one that cannot be
// collected yet.
void vs_child_await(vs_child* child) {
  const struct timespec soon = {0, 100000};
  struct pollfd end = {.fd = child->told ? -1 : pidfd_open(child->pid, 0), .events = POLLIN};
  if (end.fd < 0) {
    nanosleep(&soon, NULL);
    return;
  }
  child->told = poll(&end, 1, AWAIT_MS) > 0;
  close(end.fd);
}

void vs_child_wait(vs_child* child) {
  while (!vs_child_ended(child)) vs_child_await(child);
}

void vs_death_word(const vs_child* child, char word[VS_DEATH_WORD]) {
  const char* name = child->death == VS_DEATH_SIGNAL ? sigabbrev_np(child->detail) : NULL;
  if (child->death == VS_DEATH_TIMEOUT) {
    snprintf(word, VS_DEATH_WORD, "no_return");
  } else if (child->death == VS_DEATH_EXIT) {
    snprintf(word, VS_DEATH_WORD, "exit=%d", child->detail);
  } else if (name != NULL) {
    snprintf(word, VS_DEATH_WORD, "SIG%s", name);
  } else {
    snprintf(word, VS_DEATH_WORD, "SIG%d", child->detail);
  }
}

void vs_death_describe(const vs_child* child, double seconds, char* text, size_t size) {
  const char* name = child->death == VS_DEATH_SIGNAL ? sigabbrev_np(child->detail) : NULL;
  if (child->death == VS_DEATH_TIMEOUT) {
    snprintf(text, size, "did not return within %g s", seconds);
  } else if (child->death == VS_DEATH_EXIT) {
    snprintf(text, size, "ended the process with exit status %d", child->detail);
  } else if (name != NULL) {
    snprintf(text, size, "was ended by SIG%s", name);
  } else {
    snprintf(text, size, "was ended by signal %d", child->detail);
  }
}
