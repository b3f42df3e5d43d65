// SPDX-License-Identifier: BSD-3-Clause
// A lane of the lab: one kernel on one emulated machine, the suite in it, and what came out.
#ifndef VS_CLI_LAB_LANE_H_
#define VS_CLI_LAB_LANE_H_

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include <vcpuspec/why.h>

#include "process/child.h"
#include "stream.h"
#include "tables.h"

// One row of machines.def.
typedef struct vs_lab_machine {
  vs_arch arch;
  const char* name;
  const char* qemu;     // program
  const char* options;  // of it, words apart by blanks
  const char* console;  // as the kernel calls it
  const char* serial;   // as programs call it
  const char* serial_options;
  const char* modules;
} vs_lab_machine;

enum { VS_LAB_MACHINE_COUNT = 2, VS_LANE_RUNS = 8, VS_LANE_NAME = 32 };
extern const vs_lab_machine vs_lab_machines[VS_LAB_MACHINE_COUNT];

// A program of the plan, once it has begun.
typedef struct vs_lane_run {
  char name[VS_LAB_NAME];
  bool ended;
  vs_lab_end how;
  int detail;  // exit status or signal
} vs_lane_run;

// The file in which a source of bytes is kept by QEMU, and how far it is read.
typedef struct vs_lane_source {
  int fd;  // -1: not there yet
  vs_stream stream;
} vs_lane_source;

enum { VS_LANE_PORT, VS_LANE_SIDE, VS_LANE_CONSOLE, VS_LANE_SOURCES };

typedef struct vs_lane {
  // What it is asked for; borrowed, but for the paths.
  const vs_lab_machine* machine;
  char name[VS_LANE_NAME];
  char kernel[PATH_MAX];
  char modules[PATH_MAX];   // folder with modules.dep; "": what is needed is built in
  char programs[PATH_MAX];  // folder with vcpuspec and lab-init for the guest
  const char* append;       // to the kernel's command line; may be NULL
  const char* folder;       // of what comes out: FOLDER/NAME.*
  const char* scripts;      // "drawn.vcpu" in the guest; NULL: none
  const char* plan;         // what its first process does, after loading modules (init.c)
  double seconds;           // that it may take
  // What becomes of it.
  vs_child qemu;
  vs_lane_source sources[VS_LANE_SOURCES];
  vs_stream_ears ears;
  int words;  // the source on which the guest spoke; -1: none yet
  char release[128];
  vs_lane_run runs[VS_LANE_RUNS];
  size_t run_count;
  char notes[8][256];
  size_t note_count;
  double since;     // that it was booted
  double greeted;   // seconds until the guest spoke; 0: it has not
  double took;      // seconds
  double panicked;  // when the console told; 0: it has not
  bool over;
  bool stale;   // files of an earlier boot are in the way: nothing there is this one's
  bool broken;  // it did not come to its end: `why`
  vs_why why;
} vs_lane;

// Makes FOLDER/NAME.initramfs and begins to boot. False: `why`, and the lane is over.
bool vs_lane_start(vs_lane* lane);

// Takes what has come since. True once the lane is over; its machine is gone then.
bool vs_lane_step(vs_lane* lane);

// Ends the machine, if it runs, for a reason.
void vs_lane_stop(vs_lane* lane, const char* why);

// The program of the plan, or NULL: it never began.
const vs_lane_run* vs_lane_find(const vs_lane* lane, const char* name);

// "FOLDER/NAME.SUFFIX".
void vs_lane_path(const vs_lane* lane, const char* suffix, char path[PATH_MAX]);

// The last lines of such a file, printable, each with `before`; up to `lines`.
void vs_lane_show_end(const vs_lane* lane, const char* suffix, int lines, const char* before,
                      FILE* out);

// The last line alone, without its newline; "": there is none.
void vs_lane_say_end(const vs_lane* lane, const char* suffix, char* text, size_t size);

#endif  // VS_CLI_LAB_LANE_H_
