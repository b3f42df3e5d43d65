// SPDX-License-Identifier: BSD-3-Clause
// A process in which one backend runs snippets. It is given a batch and gives back the results; if
// it ends or hangs in the middle of one, that is the snippet's result, and another process goes on.
#ifndef VS_CLI_STATION_H_
#define VS_CLI_STATION_H_

#include "process/child.h"
#include "runner/target.h"
#include "snippet.h"

enum { VS_STATION_BATCH = 64 };

typedef struct vs_station {
  const vs_target* target;
  double timeout;  // seconds that a snippet may take
  vs_child child;
  int socket;  // to the process; -1: there is none
  struct vs_station_shared* shared;
  uint32_t count;  // of the batch that is under way
  uint32_t ends;   // how many processes ended or hung
  vs_features features;
  vs_why why;  // why no process can be started any more
} vs_station;

// `target` is ready, and outlives it. False: the backend cannot run snippets, and `why` says so.
bool vs_station_open(vs_station* station, const vs_target* target, double timeout, vs_why* why);
void vs_station_close(vs_station* station);

// Hands it at most VS_STATION_BATCH snippets, and does not wait for them.
void vs_station_begin(vs_station* station, const vs_snippet* snippets, uint32_t count);

// Waits for the results of the batch. False: no process can be started any more.
bool vs_station_end(vs_station* station, vs_snippet_result* results);

#endif  // VS_CLI_STATION_H_
