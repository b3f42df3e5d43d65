// SPDX-License-Identifier: BSD-3-Clause
#include "shim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/refuse.h"
#include "remote/remote.h"

enum { GIVE_UP = 3, HOPELESS = 9 };
static const double PATIENCE = 1;       // seconds until a shim that was told to end is ended
static const double GONE_PATIENCE = 1;  // until one whose output has ended does not end any more

// What a child that made calls leaves behind.
typedef struct shared {
  uint64_t tag;      // of the last call
  uint32_t trouble;  // vs_remote_trouble
  bool begun;        // it was greeted before the case, and answered
  vs_why why;
  vs_tail noise;  // of a serial line
} shared;

struct vs_shim {
  vs_channel channel;
  vs_greeting greeting;
  shared* shared;
  bool greeted;
  pid_t owner;             // the process that started it
  bool went_on;            // it closed its output, and did not end
  bool kept;               // called by the process that opened it
  unsigned failures;       // to start it, in a row
  unsigned ended_between;  // two cases
  unsigned served;         // cases, by the process that runs
  unsigned idle;           // scripts of which it answered no call, in a row
  vs_why why;              // it did not answer the last of them
  double patience;         // seconds that it was ever given to greet
};

// --- the side that calls ----------------------------------------------------------------------

// This process ends as the shim did.
static void end_alike(vs_shim* shim) {
  vs_why why;
  vs_shim_fate fate = vs_shim_conclude(shim, false, &why);
  const vs_child* child = &shim->channel.child;
  fprintf(stderr, "%s\n", why.text);
  bool signalled = fate == VS_SHIM_FAILED && child->death == VS_DEATH_SIGNAL;
  if (signalled) {
    signal(child->detail, SIG_DFL);
    raise(child->detail);
  }
  _exit(1);
}

__attribute__((noreturn)) static void leave(vs_shim* shim, vs_remote_trouble what) {
  shim->shared->trouble = what;
  if (shim->kept) end_alike(shim);
  _exit(0);
}

static void keep_noise(void* context, const char* line, size_t length) {
  vs_shim* shim = context;
  vs_tail_add(&shim->shared->noise, line, length);
  vs_tail_add(&shim->shared->noise, "\n", 1);
}

__attribute__((noreturn)) static void fail(vs_shim* shim, vs_remote_trouble trouble,
                                           const char* why) {
  vs_refuse(&shim->shared->why, "%s", why);
  leave(shim, trouble);
}

static void on_trouble(void* context, vs_remote_trouble trouble, const char* why) {
  fail(context, trouble, why);
}

// Another greeting is another implementation.
static bool is_same(const vs_greeting* a, const vs_greeting* b) {
  return strcmp(a->name, b->name) == 0 && a->arch == b->arch && a->calls == b->calls &&
         a->resource == b->resource && a->other_resource == b->other_resource &&
         a->arena == b->arena && a->arena_size == b->arena_size && a->hold == b->hold &&
         a->flip == b->flip && a->sums == b->sums;
}

static void say_other(const vs_shim* shim, vs_why* why) {
  vs_refuse(why, "the shim greets in another way than at first, when it was '%s'",
            shim->greeting.name);
}

void vs_shim_begin(vs_shim* shim, vs_calls* calls) {
  vs_channel* c = &shim->channel;
  vs_greeting again;
  vs_why why;
  c->quiet = true;    // vs_child_start ignores SIGPIPE
  c->tail.from = -1;  // read by the process that opened it
  vs_greeted greeted = vs_greet(c, 0, &again, &shim->shared->noise, &why);
  if (greeted == VS_GREETED_GONE) fail(shim, VS_REMOTE_GONE, "");
  if (greeted == VS_GREETED_WRONG) fail(shim, VS_REMOTE_NONSENSE, why.text);
  say_other(shim, &why);
  if (!is_same(&shim->greeting, &again)) fail(shim, VS_REMOTE_NONSENSE, why.text);
  bool serial = c->sort == VS_CHANNEL_SERIAL;
  if (!serial && c->start < c->end)
    fail(shim, VS_REMOTE_NONSENSE, "the shim said more than its greeting when it was greeted");
  c->start = c->end = 0;
  const vs_remote_link link = {.in = c->in,
                               .out = c->out,
                               .noisy = serial,
                               .greeting = &shim->greeting,
                               .tag = &shim->shared->tag,
                               .fail = on_trouble,
                               .noise = keep_noise,
                               .context = shim};
  vs_remote_open(&link);
  vs_remote_offer(&shim->greeting, calls);
  shim->shared->begun = true;
}

// --- the side that owns -----------------------------------------------------------------------

vs_shim* vs_shim_new(const char* where, vs_why* reason) {
  vs_shim* shim = calloc(1, sizeof *shim);
  shared* common = vs_shared_new(sizeof *common);
  if (shim == NULL || common == NULL) {
    vs_refuse(reason, "no memory");
    free(shim);
    vs_shared_free(common, sizeof *common);
    return NULL;
  }
  shim->shared = common;
  common->noise.from = common->noise.to = -1;
  if (vs_channel_parse(&shim->channel, where, reason)) return shim;
  vs_shim_free(shim);
  return NULL;
}

void vs_shim_stop(vs_shim* shim) {
  vs_channel_close(&shim->channel, PATIENCE);
}

void vs_shim_free(vs_shim* shim) {
  if (shim == NULL) return;
  vs_channel_close(&shim->channel, PATIENCE);
  vs_shared_free(shim->shared, sizeof *shim->shared);
  free(shim);
}

void vs_shim_keep(vs_shim* shim) {
  shim->kept = true;
  shim->channel.tells = true;
  shim->channel.quiet = true;
  signal(SIGPIPE, SIG_IGN);
}

// Whether its process still runs, as far as it is one; that it has ended shows at the next request
// otherwise.
static bool has_process(vs_shim* shim) {
  bool process = shim->channel.sort == VS_CHANNEL_PROCESS;
  return !process || !vs_child_ended(&shim->channel.child);
}

static void say_death(vs_shim* shim, char* text, size_t size) {
  char death[128];
  vs_child* child = &shim->channel.child;
  vs_death_describe(child, 0, death, sizeof death);
  bool of_shell = child->death == VS_DEATH_EXIT && child->detail > 128 && child->detail < 160;
  const char* name = of_shell ? sigabbrev_np(child->detail - 128) : NULL;
  snprintf(text, size, "%s%s%s%s", death, name ? " (as a shell tells of SIG" : "", name ? name : "",
           name ? ")" : "");
}

// What a shim that cannot be started has to say for itself.
static void add_errors(const vs_shim* shim, vs_why* reason) {
  char errors[320];
  vs_tail_say(&shim->channel.tail, errors, sizeof errors);
  size_t length = strlen(errors);
  if (length == 0) return;
  for (size_t i = 0; i + 1 < length; i++) {
    if (errors[i] == '\n') errors[i] = '|';
  }
  errors[length - 1] = '\0';
  vs_refuse_more(reason, "; on its standard error: %s", errors);
}

// The channel has ended, and so has the process, or does soon. False: it is none, or goes on.
static bool ends_soon(vs_channel* c) {
  const struct timespec pause = {0, 500000};
  if (c->sort != VS_CHANNEL_PROCESS) return false;
  double until = vs_now() + GONE_PATIENCE;
  while (!vs_child_ended(&c->child) && vs_now() < until) nanosleep(&pause, NULL);
  return c->child.pid == 0;
}

static bool start(vs_shim* shim, double seconds, vs_why* reason) {
  vs_channel* c = &shim->channel;
  if (seconds > shim->patience) shim->patience = seconds;
  const double most = shim->patience > VS_CHANNEL_START ? shim->patience : VS_CHANNEL_START;
  const double deadline = vs_now() + most;
  if (!vs_channel_open(c, reason)) return false;
  vs_greeting greeting;
  vs_greeted greeted = vs_greet(c, deadline, &greeting, &shim->shared->noise, reason);
  bool other = greeted == VS_GREETED_WELL && shim->greeted && !is_same(&shim->greeting, &greeting);
  if (other) say_other(shim, reason);
  if (greeted == VS_GREETED_WELL && !other) {
    shim->greeting = greeting;
    return true;
  }
  bool ended = greeted == VS_GREETED_GONE && ends_soon(c);
  vs_channel_close(c, 0);
  if (ended) {
    char death[160];
    say_death(shim, death, sizeof death);
    vs_refuse_more(reason, " (it %s)", death);
  }
  add_errors(shim, reason);
  return false;
}

// Whoever is a child of the owner has a shim of its own, if it needs one that lasts.
static bool own(vs_shim* shim) {
  if (shim->owner == getpid()) return true;
  shared* anew = shim->owner != 0 ? vs_shared_new(sizeof *anew) : shim->shared;
  if (anew == NULL) return false;
  if (shim->owner != 0) {
    vs_channel_leave(&shim->channel);
    anew->noise.from = anew->noise.to = -1;
  }
  shim->shared = anew;
  shim->owner = getpid();
  return true;
}

bool vs_shim_ready(vs_shim* shim, double seconds, vs_why* reason) {
  if (!own(shim)) return vs_refuse(reason, "no memory");
  shim->shared->trouble = VS_REMOTE_FINE;
  shim->shared->begun = shim->went_on = false;
  if (shim->idle >= HOPELESS) {
    *reason = shim->why;
    return false;
  }
  if (shim->channel.open && has_process(shim)) return true;
  if (shim->channel.open) {
    char death[160];
    shim->ended_between++;
    say_death(shim, death, sizeof death);
    fprintf(stderr, "vcpuspec: between two cases, the backend %s; it is started again\n", death);
  }
  vs_channel_close(&shim->channel, 0);
  if (shim->failures >= GIVE_UP)
    return vs_refuse(reason, "the shim could not be started again, %d times in a row: %.300s",
                     GIVE_UP, shim->why.text);
  bool started = start(shim, seconds, reason);
  if (!started) shim->why = *reason;
  shim->greeted |= started;
  shim->failures = started ? 0 : shim->failures + 1;
  shim->served = 0;
  return started;
}

const vs_greeting* vs_shim_greeting(const vs_shim* shim) {
  return &shim->greeting;
}

static void say_gone(vs_shim* shim, char* text, size_t size) {
  vs_channel* c = &shim->channel;
  if (c->sort != VS_CHANNEL_PROCESS) {
    snprintf(text, size, "the shim closed the connection");
    return;
  }
  if (!ends_soon(c)) {
    snprintf(text, size, "the backend closed its output, and went on");
    shim->went_on = true;
    return;
  }
  char death[160];
  say_death(shim, death, sizeof death);
  char before[64] = "";
  if (shim->served > 0) {
    snprintf(before, sizeof before, ", in a process that had served %u cases", shim->served);
  }
  snprintf(text, size, "the backend %s%s", death, before);
}

static vs_shim_fate fate_of(vs_shim* shim, bool done, vs_why* why) {
  const shared* s = shim->shared;
  switch ((vs_remote_trouble)s->trouble) {
    case VS_REMOTE_GONE:
      say_gone(shim, why->text, sizeof why->text);
      return s->begun ? VS_SHIM_FAILED : VS_SHIM_IDLE;
    case VS_REMOTE_NONSENSE:
      *why = s->why;
      return s->begun ? VS_SHIM_GARBAGE : VS_SHIM_IDLE;
    case VS_REMOTE_CONFUSED:
      *why = s->why;
      return VS_SHIM_CONFUSED;
    default:
      break;
  }
  if (!done && !s->begun) {
    vs_refuse(why, "the shim did not answer 'hello 2' in time");
    return VS_SHIM_IDLE;
  }
  if (!done) return VS_SHIM_CUT;
  if (has_process(shim)) return VS_SHIM_WELL;
  char death[160];
  say_death(shim, death, sizeof death);
  vs_refuse(why, "the backend %s, while its output stayed open: it forked away, or ended last",
            death);
  return VS_SHIM_FAILED;
}

vs_shim_fate vs_shim_conclude(vs_shim* shim, bool done, vs_why* why) {
  why->text[0] = '\0';
  shim->shared->why.text[VS_WHY_MAX - 1] = '\0';
  vs_shim_fate fate = fate_of(shim, done, why);
  if (fate == VS_SHIM_WELL) shim->served++;
  if (fate == VS_SHIM_IDLE) shim->ended_between++;
  shim->idle = fate == VS_SHIM_IDLE ? shim->idle + 1 : 0;
  shim->why = *why;
  if (fate != VS_SHIM_WELL) vs_channel_close(&shim->channel, 0);
  return fate;
}

void vs_shim_drop(vs_shim* shim) {
  vs_channel_close(&shim->channel, 0);
}

unsigned vs_shim_take_ended(vs_shim* shim) {
  unsigned ended = shim->ended_between;
  shim->ended_between = 0;
  return ended;
}

void vs_shim_death_word(const vs_shim* shim, char word[VS_DEATH_WORD]) {
  const vs_child* child = &shim->channel.child;
  bool died = child->death == VS_DEATH_SIGNAL || child->death == VS_DEATH_EXIT;
  const char* what = "hung_up";
  if (shim->shared->trouble == VS_REMOTE_NONSENSE) {
    what = "garbage";
  } else if (died && !shim->went_on) {
    vs_death_word(child, word);
    return;
  }
  snprintf(word, VS_DEATH_WORD, "%s", what);
}

void vs_shim_drain(vs_shim* shim) {
  vs_tail_drain(&shim->channel.tail);
}

void vs_shim_say_errors(const vs_shim* shim, char* text, size_t size) {
  bool serial = shim->channel.sort == VS_CHANNEL_SERIAL;
  vs_tail_say(serial ? &shim->shared->noise : &shim->channel.tail, text, size);
}

void vs_shim_forget_errors(vs_shim* shim) {
  vs_tail_forget(&shim->channel.tail);
  vs_tail_forget(&shim->shared->noise);
}
