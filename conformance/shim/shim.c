// SPDX-License-Identifier: BSD-3-Clause
#include "shim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "text/calls.h"

enum { SHOWN = 100, REASON = 400, GIVE_UP = 3 };
static const double PATIENCE = 1;         // seconds until a shim that was told to end is ended
static const double GONE_PATIENCE = 0.3;  // until one whose output has ended does not end any more

// What a child that played leaves behind.
typedef enum trouble {
  TROUBLE_NONE,
  TROUBLE_GONE,      // the channel ended
  TROUBLE_NONSENSE,  // `why` says what is wrong with an answer
  TROUBLE_CONFUSED   // the shim said `error`
} trouble;

typedef struct shared {
  uint64_t number;   // of the last request
  uint32_t trouble;  // trouble
  bool begun;        // the first reset was answered
  bool refused;      // an answer was none
  char why[REASON];
  vs_tail noise;  // of a serial line
} shared;

struct vs_shim {
  vs_channel channel;
  vs_greeting greeting;
  vs_player player;
  shared* shared;
  bool greeted;
  pid_t owner;             // the process that started it
  bool went_on;            // it closed its output, and did not end
  bool kept;               // played on by the process that opened it
  unsigned failures;       // to start it, in a row
  unsigned ended_between;  // two scripts
  unsigned served;         // scripts, by the process that runs
  vs_observation* seen;    // of the op that is played; NULL: of none
  char request[VS_WIRE_LINE + 64];
};

// --- the side that plays ----------------------------------------------------------------------

// This process ends as the shim did.
static void end_alike(vs_shim* shim) {
  char text[REASON];
  vs_shim_fate fate = vs_shim_conclude(shim, false, text, sizeof text);
  const vs_child* child = &shim->channel.child;
  fprintf(stderr, "%s\n", text);
  bool signalled = fate == VS_SHIM_FAILED && child->death == VS_DEATH_SIGNAL;
  if (signalled) {
    signal(child->detail, SIG_DFL);
    raise(child->detail);
  }
  _exit(1);
}

__attribute__((noreturn)) static void leave(vs_shim* shim, trouble what) {
  shim->shared->trouble = what;
  if (shim->kept) end_alike(shim);
  _exit(0);
}

static void make_printable(char* text) {
  for (char* c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) *c = '?';
  }
}

// Nothing is known of what the op did: no clause is to blame.
static void not_answered(vs_shim* shim) {
  if (shim->seen != NULL) shim->seen->outcome = VS_NOT_REACHED;
}

__attribute__((noreturn, format(printf, 4, 5))) static void refuse(vs_shim* shim, const char* line,
                                                                   size_t length,
                                                                   const char* format, ...) {
  char why[REASON / 2];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  snprintf(shim->shared->why, REASON, "the shim answered '%.*s%s': %s",
           length < SHOWN ? (int)length : SHOWN, line, length > SHOWN ? "..." : "", why);
  make_printable(shim->shared->why);
  shim->shared->refused = true;
  not_answered(shim);
  leave(shim, TROUBLE_NONSENSE);
}

// Says how the channel failed.
__attribute__((noreturn)) static void lose(vs_shim* shim, vs_channel_result result) {
  if (result != VS_CHANNEL_LONG) leave(shim, TROUBLE_GONE);
  size_t length = SHOWN;
  const char* rest = vs_channel_rest(&shim->channel, &length);
  refuse(shim, rest, length, "that is more than 8191 bytes without a newline");
}

static void put_sum(const vs_shim* shim, char* line, size_t* length) {
  if (!shim->greeting.sums) return;
  uint32_t sum = vs_wire_sum(line, *length);
  *length += (size_t)snprintf(line + *length, 16, " sum=%08" PRIx32, sum);
}

// Takes the sum off the line. False: it is not that of the line.
static bool take_sum(const vs_shim* shim, const char* line, size_t* length) {
  enum { LENGTH = sizeof " sum=12345678" - 1 };
  char sum[LENGTH + 1];
  if (!shim->greeting.sums) return true;
  if (*length < LENGTH) return false;
  *length -= LENGTH;
  snprintf(sum, sizeof sum, " sum=%08" PRIx32, vs_wire_sum(line, *length));
  return memcmp(line + *length, sum, LENGTH) == 0;
}

// True if the line is the answer to the last request; then `*words` is what follows its number.
static bool has_number(const vs_shim* shim, const char* line, size_t length, const char** words) {
  uint64_t number = 0;
  size_t digits = 0;
  while (digits < length && digits < 19 && line[digits] >= '0' && line[digits] <= '9') {
    number = 10 * number + (uint64_t)(line[digits++] - '0');
  }
  bool good = digits > 0 && digits < length && line[digits] == ' ' && line[0] != '0';
  *words = line + digits + 1;
  return good && number == shim->shared->number;
}

static void keep_noise(vs_shim* shim, const char* line, size_t length) {
  vs_tail_add(&shim->shared->noise, line, length);
  vs_tail_add(&shim->shared->noise, "\n", 1);
}

// The answer to the last request: its words. On a serial line, what is none is passed over.
static const char* answer(vs_shim* shim, size_t* length) {
  bool serial = shim->channel.sort == VS_CHANNEL_SERIAL;
  for (;;) {
    const char* line;
    const char* words;
    vs_channel_result result = vs_channel_line(&shim->channel, 0, &line, length);
    if (serial && result == VS_CHANNEL_LONG) {
      shim->channel.start = shim->channel.end;
      continue;
    }
    if (result != VS_CHANNEL_DONE) lose(shim, result);
    size_t whole = *length;
    bool numbered = has_number(shim, line, whole, &words);
    if (!numbered && serial) {
      keep_noise(shim, line, whole);
      continue;
    }
    if (!numbered)
      refuse(shim, line, whole, "expected the number of the request, %" PRIu64,
             shim->shared->number);
    if (!take_sum(shim, line, length)) refuse(shim, line, whole, "the sum at its end is wrong");
    *length -= (size_t)(words - line);
    return words;
  }
}

// What comes without being asked for. What comes late has the wrong number when it is read: only
// around a script the system is asked, which costs as much as half an answer.
static void ask_nothing_unheard(vs_shim* shim, bool around) {
  vs_channel* c = &shim->channel;
  bool more = c->start < c->end || (around && vs_channel_has_more(c));
  if (c->sort == VS_CHANNEL_SERIAL || !more) return;
  size_t length = SHOWN + 1;
  const char* rest = vs_channel_rest(c, &length);
  refuse(shim, rest, strcspn(rest, "\n") < length ? strcspn(rest, "\n") : length,
         "nothing was asked: every request has one answer of one line");
}

// Sends what stands in shim->request after the number's place, and waits for the answer's words.
static const char* ask(vs_shim* shim, const char* words, size_t count, size_t* length) {
  ask_nothing_unheard(shim, false);
  int digits = snprintf(shim->request, 32, "%" PRIu64 " ", ++shim->shared->number);
  memcpy(shim->request + digits, words, count);
  size_t size = (size_t)digits + count;
  put_sum(shim, shim->request, &size);
  shim->request[size++] = '\n';
  vs_channel_result sent = vs_channel_send(&shim->channel, shim->request, size, 0);
  if (sent != VS_CHANNEL_DONE) {
    not_answered(shim);
    leave(shim, TROUBLE_GONE);
  }
  return answer(shim, length);
}

static bool can_do(const vs_greeting* g, const vs_op* op) {
  if (op->code != VS_OP_WRITE_STATE) return true;
  return (g->places & VS_BIT(op->buffer.at)) && (g->rewrites & VS_BIT(op->rewrite.mode));
}

static void take(vs_shim* shim, const vs_op* op, const char* words, size_t length,
                 vs_observation* seen) {
  vs_fault fault;
  vs_observation answered;
  const vs_arch_info* info = vs_arch_find(shim->greeting.arch);
  vs_wire_reply reply = vs_wire_read(words, length, op, info, &answered, &fault);
  if (reply == VS_WIRE_RESULT) {
    answered.held |= op->rewrite.mode == VS_REWRITE_FLIP && answered.outcome == VS_RETURNED;
    *seen = answered;
    if (seen->outcome == VS_IN_CALL) {
      snprintf(shim->shared->why, REASON, "the shim says that the call does not return");
      leave(shim, TROUBLE_NONSENSE);
    }
    return;
  }
  not_answered(shim);
  if (reply == VS_WIRE_FAULT) refuse(shim, words, length, "%s", fault.message);
  snprintf(shim->shared->why, REASON, "the shim does not understand '%.*s':%s", SHOWN,
           shim->request, fault.message);
  make_printable(shim->shared->why);
  leave(shim, TROUBLE_CONFUSED);
}

static void play(void* context, const vs_op* op, bool join, vs_observation* seen) {
  vs_shim* shim = context;
  char words[VS_WIRE_LINE];
  size_t length;
  if (!join && !can_do(&shim->greeting, op)) {
    *seen = (vs_observation){.outcome = VS_UNSUPPORTED, .call = vs_call_of(op)};
    return;
  }
  vs_op asked = *op;
  if (join) asked.code = VS_OP_JOIN;
  size_t count = vs_wire_print(words, &asked);
  shim->seen = seen;
  const char* reply = ask(shim, words, count, &length);
  take(shim, op, reply, length, seen);
  shim->seen = NULL;
}

static void reset(void* context) {
  static const vs_op nothing = {.code = VS_OP_THREAD_EXIT};
  vs_shim* shim = context;
  vs_observation seen;
  size_t length;
  const char* words = ask(shim, "reset", sizeof "reset" - 1, &length);
  take(shim, &nothing, words, length, &seen);
  if (seen.outcome != VS_RETURNED || seen.status != ZX_OK)
    refuse(shim, words, length, "reset is answered by ZX_OK, and by nothing else");
}

void vs_shim_begin(vs_shim* shim) {
  shim->channel.quiet = true;    // vs_child_start ignores SIGPIPE
  shim->channel.tail.from = -1;  // read by the process that opened it
  reset(shim);
  ask_nothing_unheard(shim, true);
  shim->shared->begun = true;
}

void vs_shim_end(vs_shim* shim) {
  reset(shim);
  ask_nothing_unheard(shim, true);
}

const vs_player* vs_shim_player(vs_shim* shim) {
  return &shim->player;
}

// --- the side that owns -----------------------------------------------------------------------

vs_shim* vs_shim_new(const char* where, char* reason, size_t size) {
  vs_shim* shim = calloc(1, sizeof *shim);
  shared* common = vs_shared_new(sizeof *common);
  if (shim == NULL || common == NULL) {
    snprintf(reason, size, "no memory");
    free(shim);
    vs_shared_free(common, sizeof *common);
    return NULL;
  }
  shim->shared = common;
  common->noise.from = common->noise.to = -1;
  shim->player = (vs_player){play, reset, shim};
  if (vs_channel_parse(&shim->channel, where, reason, size)) return shim;
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
static void add_errors(const vs_shim* shim, char* reason, size_t size) {
  char errors[256];
  vs_tail_say(&shim->channel.tail, errors, sizeof errors);
  size_t length = strlen(errors);
  if (length == 0) return;
  for (size_t i = 0; i + 1 < length; i++) {
    if (errors[i] == '\n') errors[i] = '|';
  }
  errors[length - 1] = '\0';
  size_t used = strlen(reason);
  snprintf(reason + used, size - used, "; its standard error ends in: %s", errors);
}

static bool start(vs_shim* shim, double seconds, char* reason, size_t size) {
  vs_channel* c = &shim->channel;
  double deadline = vs_now() + seconds;
  if (!vs_channel_open(c, reason, size)) return false;
  shim->shared->number = 0;
  bool good = vs_greet(c, deadline, &shim->greeting, &shim->shared->noise, reason, size);
  if (good && vs_greeting_runs_guests(&shim->greeting) &&
      !vs_describe_guests(c, &shim->greeting, deadline)) {
    snprintf(reason, size, "the shim does not take the description of the guests' memory");
    good = false;
  }
  if (good) return true;
  bool ended = c->sort == VS_CHANNEL_PROCESS && vs_child_ended(&c->child);
  vs_channel_close(c, 0);
  if (ended) {
    char death[160];
    size_t used = strlen(reason);
    say_death(shim, death, sizeof death);
    snprintf(reason + used, size - used, " (it %s)", death);
  }
  add_errors(shim, reason, size);
  return false;
}

// Another greeting on a machine that was started anew is another implementation.
static bool is_same(const vs_greeting* a, const vs_greeting* b) {
  return strcmp(a->name, b->name) == 0 && a->arch == b->arch && a->places == b->places &&
         a->rewrites == b->rewrites && memcmp(&a->calls, &b->calls, sizeof a->calls) == 0;
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

bool vs_shim_ready(vs_shim* shim, double seconds, char* reason, size_t size) {
  if (!own(shim)) {
    snprintf(reason, size, "no memory");
    return false;
  }
  shim->shared->trouble = TROUBLE_NONE;
  shim->shared->begun = shim->shared->refused = shim->went_on = false;
  if (shim->channel.open && has_process(shim)) return true;
  if (shim->channel.open) {
    char death[160];
    shim->ended_between++;
    say_death(shim, death, sizeof death);
    fprintf(stderr, "vcpuspec: between two cases, the backend %s; it is started again\n", death);
  }
  vs_channel_close(&shim->channel, 0);
  if (shim->failures >= GIVE_UP) {
    snprintf(reason, size, "the shim could not be started again, %d times in a row", GIVE_UP);
    return false;
  }
  vs_greeting before = shim->greeting;
  bool started = start(shim, seconds, reason, size);
  if (started && shim->greeted && !is_same(&before, &shim->greeting)) {
    snprintf(reason, size, "the shim greets in another way than at first, when it was '%s'",
             before.name);
    shim->greeting = before;
    vs_channel_close(&shim->channel, 0);
    started = false;
  }
  shim->greeted |= started;
  shim->failures = started ? 0 : shim->failures + 1;
  shim->served = 0;
  return started;
}

const vs_greeting* vs_shim_greeting(const vs_shim* shim) {
  return &shim->greeting;
}

// The channel ended: a process soon has, too, or goes on without it.
static void say_gone(vs_shim* shim, char* text, size_t size) {
  const struct timespec pause = {0, 500000};
  vs_channel* c = &shim->channel;
  if (c->sort != VS_CHANNEL_PROCESS) {
    snprintf(text, size, "the shim closed the connection");
    return;
  }
  double until = vs_now() + GONE_PATIENCE;
  while (!vs_child_ended(&c->child) && vs_now() < until) nanosleep(&pause, NULL);
  if (c->child.pid != 0) {
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

static vs_shim_fate fate_of(vs_shim* shim, bool done, char* text, size_t size) {
  const shared* s = shim->shared;
  switch ((trouble)s->trouble) {
    case TROUBLE_GONE:
      say_gone(shim, text, size);
      return s->begun ? VS_SHIM_FAILED : VS_SHIM_IDLE;
    case TROUBLE_NONSENSE:
      snprintf(text, size, "%s", s->why);
      return s->begun ? VS_SHIM_FAILED : VS_SHIM_IDLE;
    case TROUBLE_CONFUSED:
      snprintf(text, size, "%s", s->why);
      return VS_SHIM_CONFUSED;
    default:
      break;
  }
  if (!done && !s->begun) {
    snprintf(text, size, "the shim did not answer 'reset' in time");
    return VS_SHIM_IDLE;
  }
  if (!done) return VS_SHIM_CUT;
  if (has_process(shim)) return VS_SHIM_WELL;
  char death[160];
  say_death(shim, death, sizeof death);
  snprintf(text, size,
           "the backend %s, while its output stayed open: it forked away, or ended last", death);
  return VS_SHIM_FAILED;
}

vs_shim_fate vs_shim_conclude(vs_shim* shim, bool done, char* text, size_t size) {
  text[0] = '\0';
  shim->shared->why[REASON - 1] = '\0';
  vs_shim_fate fate = fate_of(shim, done, text, size);
  if (fate == VS_SHIM_WELL) shim->served++;
  if (fate == VS_SHIM_IDLE) shim->ended_between++;
  if (fate != VS_SHIM_WELL) vs_channel_close(&shim->channel, 0);
  return fate;
}

unsigned vs_shim_ended_between(const vs_shim* shim) {
  return shim->ended_between;
}

void vs_shim_death_word(const vs_shim* shim, char word[VS_DEATH_WORD]) {
  const vs_child* child = &shim->channel.child;
  bool died = child->death == VS_DEATH_SIGNAL || child->death == VS_DEATH_EXIT;
  const char* what = "hung_up";
  if (shim->shared->trouble == TROUBLE_NONSENSE) {
    what = shim->shared->refused ? "garbage" : "no_return";
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
