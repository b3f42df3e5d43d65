// SPDX-License-Identifier: BSD-3-Clause
#include "station.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/refuse.h"
#include "machine.h"

static const double FOR_EVER = 1e9;  // seconds
static const double TO_OPEN = 10;

// What both processes see.
struct vs_station_shared {
  const vs_target* target;
  int socket;  // the child's end
  bool ready;
  vs_why why;
  vs_features features;
  uint32_t count;
  uint32_t done;
  vs_snippet snippets[VS_STATION_BATCH];
  vs_snippet_result results[VS_STATION_BATCH];
};

// --- the child's side ---------------------------------------------------------------------------

static bool tell(const struct vs_station_shared* s) {
  return send(s->socket, "", 1, MSG_NOSIGNAL) == 1;
}

static bool run_batch(vs_machine* m, struct vs_station_shared* s) {
  bool good = true;
  for (uint32_t i = s->done; i < s->count && good; i++) {
    good = vs_machine_run(m, &s->snippets[i], &s->results[i]);
    __atomic_store_n(&s->done, i + 1, __ATOMIC_RELEASE);
  }
  return good;
}

static void work(void* argument) {
  struct vs_station_shared* s = argument;
  vs_opened opened = {0};
  vs_machine* machine = malloc(sizeof *machine);
  char byte;
  s->ready = machine != NULL && vs_target_open(s->target, &opened, &s->why) &&
             vs_machine_open(machine, &opened, &s->why);
  if (s->ready) s->features = machine->features;
  if (!tell(s) || !s->ready) _exit(0);
  while (read(s->socket, &byte, 1) == 1 && run_batch(machine, s) && tell(s)) {
  }
  _exit(0);
}

// --- the parent's -------------------------------------------------------------------------------

// True if a byte came in time. `closed`: none will come any more.
static bool hear(vs_station* station, double seconds, bool* closed) {
  struct pollfd poll_answer = {.fd = station->socket, .events = POLLIN};
  char byte;
  const double until = vs_now() + seconds;
  int ready = 0;
  while (ready <= 0 && vs_now() < until && !vs_waits_stopped()) ready = poll(&poll_answer, 1, 100);
  *closed = ready > 0 && read(station->socket, &byte, 1) != 1;
  return ready > 0 && !*closed;
}

static bool start(vs_station* station, vs_why* why) {
  struct vs_station_shared* s = station->shared;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return vs_refuse(why, "no sockets are left");
  s->socket = ends[1];
  s->target = station->target;
  station->socket = ends[0];
  const bool started = vs_child_start(&station->child, FOR_EVER, work, s);
  close(ends[1]);
  if (!started) return vs_refuse(why, "this machine has no process to spare");
  bool closed;
  if (hear(station, TO_OPEN, &closed) && s->ready) return true;
  if (s->why.text[0] == '\0') vs_refuse(&s->why, "it did not come back when it was opened");
  *why = s->why;
  return false;
}

static void stop(vs_station* station) {
  if (station->socket >= 0) close(station->socket);
  station->socket = -1;
  vs_child_kill(&station->child);
}

bool vs_station_open(vs_station* station, const vs_target* target, double timeout, vs_why* why) {
  *station = (vs_station){.target = target, .timeout = timeout, .socket = -1};
  station->shared = vs_shared_new(sizeof *station->shared);
  if (station->shared == NULL) return vs_refuse(why, "no memory");
  if (!start(station, why)) {
    vs_station_close(station);
    return false;
  }
  station->features = station->shared->features;
  return true;
}

void vs_station_close(vs_station* station) {
  stop(station);
  vs_shared_free(station->shared, sizeof *station->shared);
  station->shared = NULL;
}

// That the process has ended is found out by waiting for its answer.
static void ask(const vs_station* station) {
  (void)!send(station->socket, "", 1, MSG_NOSIGNAL);
}

void vs_station_begin(vs_station* station, const vs_snippet* snippets, uint32_t count) {
  struct vs_station_shared* s = station->shared;
  memcpy(s->snippets, snippets, count * sizeof *snippets);
  memset(s->results, 0, sizeof s->results);
  s->count = station->count = count;
  s->done = 0;
  ask(station);
}

// Starts another process, which goes on behind the snippet that this one did not come back from.
// `asked`: an answer will come, since snippets are left.
static bool go_on(vs_station* station, vs_run_end how, bool* asked) {
  struct vs_station_shared* s = station->shared;
  station->ends++;
  stop(station);
  if (s->done < s->count) s->results[s->done++] = (vs_snippet_result){.end = how};
  *asked = s->done < s->count;
  if (!start(station, &station->why)) return false;
  if (*asked) ask(station);
  return true;
}

bool vs_station_end(vs_station* station, vs_snippet_result* results) {
  struct vs_station_shared* s = station->shared;
  bool good = true, asked = true, closed = false;
  uint32_t done = 0;
  while (good && asked && !hear(station, station->timeout, &closed)) {
    if (vs_waits_stopped()) return false;
    const uint32_t now = __atomic_load_n(&s->done, __ATOMIC_ACQUIRE);
    const bool slow = !closed && now != done && now < s->count;
    done = now;
    if (!slow) good = go_on(station, closed ? VS_RUN_DIED : VS_RUN_HUNG, &asked);
  }
  memcpy(results, s->results, station->count * sizeof *results);
  return good;
}
