// SPDX-License-Identifier: BSD-3-Clause
#include "race.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/refuse.h"
#include "executor/worker.h"

enum { OURS, FLOOR, SIDES, LEAST_ROUNDS = 5, MOST_TRIES = 40 };

static const double longest_turn = 0.02;  // seconds

typedef struct racer {
  const vs_side* side;
  const vs_side_setup* setup;
  vs_worker worker;
  void* self;  // NULL: not open
  uint64_t count;
  uint64_t done;   // units of the last turn
  double seconds;  // that it took
  vs_why* reason;
} racer;

// --- on the racer's thread --------------------------------------------------------------------

// What else the machine does takes no time of ours, unless other processes have a part in the work.
static double now(const vs_side* side) {
  struct timespec t;
  clock_gettime(side->elsewhere ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void open_side(void* argument) {
  racer* r = argument;
  r->self = r->side->open(r->setup, r->reason);
}

static void turn_side(void* argument) {
  racer* r = argument;
  const double start = now(r->side);
  r->done = r->side->turn(r->self, r->count);
  r->seconds = now(r->side) - start;
}

static void close_side(void* argument) {
  racer* r = argument;
  r->side->close(r->self);
}

// --- rounds -----------------------------------------------------------------------------------

static bool have(racer* r, void (*job)(void*)) {
  if (!vs_worker_post(&r->worker, job, r))
    return vs_refuse(r->reason, "no thread could be started");
  vs_worker_wait(&r->worker);
  return true;
}

static bool take_turn(racer* r) {
  if (!have(r, turn_side)) return false;
  if (r->done > 0) return true;
  return vs_refuse(r->reason, "an answer was wrong; vcpuspec run says which");
}

// Finds how many units fill a turn. What is done but once, in the first or in a later one, makes a
// turn long and says nothing of the next: two that are as long as they were to be end the search,
// and if there are none the one that came nearest.
static bool calibrate(racer* r, double turn) {
  double count = 1;
  double nearest = INFINITY;
  uint64_t best = 1;
  size_t fitting = 0;
  for (size_t tries = 0; tries < MOST_TRIES && fitting < 2; tries++) {
    r->count = (uint64_t)count;
    if (!take_turn(r)) return false;
    const double factor = turn / (r->seconds > turn / 10 ? r->seconds : turn / 10);
    const double off = factor > 1 ? factor : 1 / factor;
    if (off <= nearest) best = r->count;
    if (off <= nearest) nearest = off;
    fitting = off < 1.4 || (count <= 1 && tries > 0 && factor < 1) ? fitting + 1 : 0;
    if (fitting == 0) count = count * factor > 1 ? count * factor : 1;
  }
  if (fitting < 2) r->count = best;
  return true;
}

// A round's two turns; who comes first alternates.
static bool run_round(racer* racers, size_t number, double rates[SIDES]) {
  for (size_t i = 0; i < SIDES; i++) {
    const size_t who = (number + i) % SIDES;
    if (!take_turn(&racers[who])) return false;
    rates[who] = (double)racers[who].done / racers[who].seconds;
  }
  return true;
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

double vs_quantile(double* values, size_t count, double share) {
  qsort(values, count, sizeof *values, by_value);
  return values[(size_t)(share * (double)(count - 1) + 0.5)];
}

static void conclude(double* ours, double* floor, double* ratios, size_t rounds,
                     vs_race_result* result) {
  for (size_t i = 0; i < rounds; i++) ratios[i] = ours[i] / floor[i];
  *result = (vs_race_result){.ours = vs_quantile(ours, rounds, 0.5),
                             .floor = vs_quantile(floor, rounds, 0.5),
                             .ratio = vs_quantile(ratios, rounds, 0.5),
                             .low = vs_quantile(ratios, rounds, 0.25),
                             .high = vs_quantile(ratios, rounds, 0.75),
                             .rounds = rounds};
}

static bool run_rounds(racer* racers, double turn, size_t rounds, vs_race_result* result) {
  double* values = calloc(3 * rounds, sizeof *values);
  if (values == NULL) return vs_refuse(racers->reason, "no memory");
  bool good = calibrate(&racers[OURS], turn) && calibrate(&racers[FLOOR], turn);
  for (size_t i = 0; i < rounds && good; i++) {
    double rates[SIDES];
    good = run_round(racers, i, rates);
    if (good) values[i] = rates[OURS];
    if (good) values[rounds + i] = rates[FLOOR];
  }
  if (good) conclude(values, values + rounds, values + 2 * rounds, rounds, result);
  free(values);
  return good;
}

// --- life -------------------------------------------------------------------------------------

// Threads that are started from now on stay where this one is.
static void pin(cpu_set_t* before) {
  cpu_set_t one;
  CPU_ZERO(before);
  CPU_ZERO(&one);
  const int here = sched_getcpu();
  sched_getaffinity(0, sizeof *before, before);
  if (here < 0) return;
  CPU_SET((size_t)here, &one);
  sched_setaffinity(0, sizeof one, &one);
}

static bool open_racers(racer* racers) {
  for (size_t i = 0; i < SIDES; i++) {
    if (!have(&racers[i], open_side) || racers[i].self == NULL) return false;
  }
  return true;
}

static void close_racers(racer* racers) {
  for (size_t i = 0; i < SIDES; i++) {
    if (racers[i].self != NULL) have(&racers[i], close_side);
    vs_worker_stop(&racers[i].worker);
  }
}

bool vs_race_sides(const vs_side* ours, const vs_side* floor, const vs_side_setup* setup,
                   double seconds, vs_race_result* result, vs_why* reason) {
  const double even = seconds / (SIDES * LEAST_ROUNDS);
  const double turn = even < longest_turn ? even : longest_turn;
  const size_t rounds = (size_t)(seconds / (SIDES * turn) + 0.5);
  racer racers[SIDES] = {{.side = ours, .setup = setup, .reason = reason},
                         {.side = floor, .setup = setup, .reason = reason}};
  cpu_set_t before;
  pin(&before);
  for (size_t i = 0; i < SIDES; i++) vs_worker_init(&racers[i].worker);
  const bool good = open_racers(racers) && run_rounds(racers, turn, rounds, result);
  close_racers(racers);
  sched_setaffinity(0, sizeof before, &before);
  return good;
}
