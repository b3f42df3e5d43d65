// SPDX-License-Identifier: BSD-3-Clause
// Shims: lines and memory by themselves; calls of several threads with answers in any order; what
// is judged through a shim is judged as in this process; whoever breaks the protocol is told so.
#include <criterion/criterion.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "judging.h"
#include "remote/memory.h"
#include "remote/remote.h"
#include "sampled.h"

#define SHIM(name) "shim:" VS_SHIM_DIR "/shim_" name
#define SPOILED(fault, name)                                                                      \
  "shim:python3 -BIS " VS_SOURCE_DIR "/conformance/tests/shims/spoiled.py " fault " " VS_SHIM_DIR \
  "/shim_" name

// --- lines ------------------------------------------------------------------------------------

#define LEAST \
  "hello 2 toy x86-64 zx_guest_create zx_vcpu_create zx_vcpu_write_state zx_handle_close"

static bool is_greeting(const char* line, vs_greeting* g) {
  vs_wire_fault fault;
  return vs_wire_read_greeting(line, strlen(line), g, &fault);
}

Test(wire, a_greeting_is_understood) {
  vs_greeting g;
  cr_assert(is_greeting(LEAST, &g));
  cr_expect(strcmp(g.name, "toy") == 0 && g.arch == VS_ARCH_X64 && g.arena_size == 0);
  cr_expect(!g.hold && !g.flip && !g.sums && g.resource == 0);
  cr_assert(is_greeting(LEAST " sums resource=0x1003 flip arena=0x10000:0x100000 hold", &g));
  cr_expect(g.hold && g.flip && g.sums && g.resource == 0x1003);
  cr_expect(g.arena == 0x10000 && g.arena_size == 0x100000);
  cr_expect(g.other_resource == 0, "none is offered");
  cr_assert(is_greeting(LEAST " other_resource=0x1007 resource=0x1003", &g));
  cr_expect(g.resource == 0x1003 && g.other_resource == 0x1007);
  cr_assert(is_greeting(LEAST " resource=0x0 other_resource=0x0", &g) && g.other_resource == 0);
}

Test(wire, what_is_no_greeting_is_refused) {
  static const char* const lines[] = {
      "",
      "hello",
      "hello 2",
      "hello 2 toy",
      "hello 2 toy x86-64",
      "hello 1 toy x86-64",
      "hello two toy x86-64",
      " " LEAST,
      LEAST " ",
      LEAST "  sums",
      LEAST " zx_vcpu_raed_state",
      LEAST " resource=3",
      LEAST " resource=0x100000000",
      LEAST " other_resource=11",
      LEAST " other_resource=0x100000000",
      LEAST " resource=0x1003 other_resource=0x1003",
      LEAST " arena=0x1000",
      LEAST " arena=0x1000:0xfffff",
      LEAST " arena=0xfffffffffff00001:0x100000",
      LEAST " \x01",
      LEAST " SUMS",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    vs_greeting g;
    cr_expect(!is_greeting(lines[i], &g), "'%s' is taken for a greeting", lines[i]);
  }
}

static bool is_answer(const char* line, vs_wire_answer* a) {
  vs_wire_range range;
  const char* why = vs_wire_read_answer(line, strlen(line), a);
  if (why == NULL && !a->error) {
    while (vs_wire_next_range(a, &range, &why)) continue;
  }
  return why == NULL;
}

Test(wire, answers_are_understood) {
  vs_wire_answer a;
  cr_expect(is_answer("17 0", &a) && a.tag == 17 && a.status == 0 && !a.held);
  cr_expect(is_answer("1 -2147483648", &a) && a.status == INT32_MIN);
  cr_expect(is_answer("1 2147483647 held", &a) && a.status == INT32_MAX && a.held);
  cr_expect(is_answer("1 -20 0x1000=00 0xffffffffffffffff=a0", &a) && a.status == -20);
  cr_expect(is_answer("1 error no such call", &a) && a.error && a.length == 12);
  cr_expect(is_answer("0 error", &a) && a.error && a.tag == 0 && a.length == 0);
}

Test(wire, what_is_no_answer_is_refused) {
  static const char* const lines[] = {
      "",
      "1",
      "1 ",
      " 1 0",
      "x 0",
      "-1 0",
      "0x1 0",
      "1 ok",
      "1 0x0",
      "1 2147483648",
      "1 -2147483649",
      "1 0 ",
      "1  0",
      "1 0 0x1",
      "1 0 0x1=",
      "1 0 0x1=0",
      "1 0 0x1=0g",
      "1 0 0x1=AB",
      "1 0 1=00",
      "1 0 =00",
      "1 0 0x=00",
      "1 0 held held",
      "1 0 0x1=00 held",
      "1 errors",
      "1 0 0x10000000000000000=00",
      "1 0 0xffffffffffffffff=0000",
      "1000000000000000000 0",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    vs_wire_answer a;
    cr_expect(!is_answer(lines[i], &a), "'%s' is taken for an answer", lines[i]);
  }
}

Test(wire, numbers_and_sums_are_written) {
  char line[128];
  char* at = vs_wire_put_number(line, 0);
  at = vs_wire_put_number(at, UINT64_MAX);
  at = vs_wire_put_decimal(at, 0);
  at = vs_wire_put_decimal(at, UINT64_MAX);
  at = vs_wire_put_bytes(at, (const uint8_t[]){0x0a, 0xf5}, 2);
  *at = '\0';
  cr_expect(strcmp(line, "0x00xffffffffffffffff0184467440737095516150af5") == 0, "%s", line);
  at = vs_wire_put_text(line, "a", 1);
  at = vs_wire_end(line, at, true);
  *at = '\0';
  cr_expect(strcmp(line, "a sum=e40c292c\n") == 0, "%s", line);  // FNV-1a of "a", as published
}

// --- memory -----------------------------------------------------------------------------------

static char told[4096];
static uint64_t in_use;

static void note_map(uint64_t there, const uint8_t* bytes, size_t count, bool read_only) {
  char* at = told + strlen(told);
  at += sprintf(at, "map %llx ", (unsigned long long)there);
  for (size_t i = 0; i < count; i++) at += sprintf(at, "%02x", bytes[i]);
  strcpy(at, read_only ? " ro;" : ";");
}

static void note_unmap(uint64_t there) {
  sprintf(told + strlen(told), "unmap %llx;", (unsigned long long)there);
}

static bool note_use(uint64_t address, uint64_t size) {
  return in_use >= address && in_use < address + size;
}

// Eight pages, at an address that is known.
static uint8_t* const pages = (uint8_t*)0x7e7000000000;

static vs_shadow* new_shadow(void) {
  static vs_shadow shadow;
  void* at = mmap(pages, 8 * VS_SHADOW_PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  cr_assert(at == pages);
  shadow = (vs_shadow){.map = note_map, .unmap = note_unmap, .is_in_use = note_use};
  return &shadow;
}

static const char* tell(vs_shadow* s, uint8_t* at, size_t length, bool writable) {
  const vs_region region = {.address = at, .length = length, .writable = writable};
  told[0] = '\0';
  cr_assert(vs_shadow_tell(s, &region, 1));
  return told;
}

static void tells(vs_shadow* s, size_t at, size_t length, bool writable, const char* lines) {
  const char* what = tell(s, pages + at, length, writable);
  cr_expect(strcmp(what, lines) == 0, "%s is told, not %s", what, lines);
}

Test(memory, only_what_differs_is_told) {
  vs_shadow* s = new_shadow();
  memset(pages, 0x11, 64);
  tells(s, 0, 4, true, "map 7e7000000000 11111111;");
  tells(s, 0, 4, true, "");
  pages[1] = 0x22;
  tells(s, 0, 4, true, "map 7e7000000001 22;");
  pages[0] = pages[3] = 0x33;  // so close that it is one line
  tells(s, 0, 4, true, "map 7e7000000000 33221133;");
  tells(s, 2, 2, true, "map 7e7000000000 0000;");  // what is no region's is zeros
  tells(s, 0, 4, true, "map 7e7000000000 3322;");
  tell(s, pages, 64, true);
  pages[8] = pages[40] = 0x44;  // so far apart that it is two
  tells(s, 0, 64, true, "map 7e7000000008 44;map 7e7000000028 44;");
}

Test(memory, a_page_of_zeros_is_there) {
  vs_shadow* s = new_shadow();
  tells(s, 100, 8, true, "map 7e7000000064 00;");
  tells(s, 100, 8, true, "");
}

Test(memory, read_only_until_it_is_not) {
  vs_shadow* s = new_shadow();
  tells(s, 0, 8, false, "map 7e7000000000 00 ro;");
  tells(s, 0, 8, false, "");
  tells(s, 0, 8, true, "map 7e7000000000 00;");
  pages[4] = 1;
  tells(s, 0, 8, false, "map 7e7000000004 01 ro;");
}

Test(memory, pages_beside_are_not_there) {
  vs_shadow* s = new_shadow();
  tells(s, 0x1ffe, 4, true, "map 7e7000001ffe 00;map 7e7000002000 00;");
  tells(s, 0x1000, 4, true, "unmap 7e7000002000;");
  tells(s, 0x3000, 4, true, "map 7e7000003000 00;");  // far enough
  in_use = (uintptr_t)pages + 0x3000;
  tells(s, 0x4000, 4, true, "map 7e7000004000 00;");  // another thread's, which is in a call
}

Test(memory, two_regions_of_a_page) {
  vs_shadow* s = new_shadow();
  const vs_region regions[] = {{.address = pages, .length = 2, .writable = true},
                               {.address = pages + 4, .length = 2}};
  pages[0] = pages[2] = pages[4] = 7;
  told[0] = '\0';
  cr_assert(vs_shadow_tell(s, regions, 2));
  cr_expect(strcmp(told, "map 7e7000000000 0700000007;") == 0, "%s", told);
}

static bool takes(vs_shadow* s, const vs_region* region, uint64_t there, uint8_t byte) {
  return vs_shadow_take(s, region, 1, there, &byte, 1) == NULL;
}

Test(memory, what_changed_is_written_where_it_may_be) {
  vs_shadow* s = new_shadow();
  const uint64_t at = (uintptr_t)pages;
  const vs_region region = {.address = pages + 8, .length = 4, .writable = true};
  tells(s, 8, 4, true, "map 7e7000000008 00;");
  cr_expect(takes(s, &region, at + 11, 9) && pages[11] == 9);
  tells(s, 8, 4, true, "");                                    // that is known there
  cr_expect(takes(s, &region, at + 12, 9) && pages[12] == 0);  // on its page, and of no interest
  cr_expect(!takes(s, &region, at + 0x1000, 9) && !takes(s, &region, at - 1, 9));
  tells(s, 8, 4, false, "map 7e7000000008 00 ro;");
  cr_expect(!takes(s, &region, at + 8, 9));
}

Test(memory, in_an_arena) {
  vs_shadow* s = new_shadow();
  s->arena = 0x10000;
  s->arena_size = 0x100000;
  const uint64_t at = (uintptr_t)pages;
  const vs_region region = {.address = pages + 0x2ff0, .length = 0x20, .writable = true};
  tells(s, 0x2ff0, 0x20, true, "map 11ff0 00;map 12000 00;");
  cr_expect(vs_shadow_pointer(s, &region, 1, at + 0x2fff) == 0x11fff);
  cr_expect(vs_shadow_pointer(s, &region, 1, at + 0x1000) == 0x10000);  // the page before
  cr_expect(vs_shadow_pointer(s, &region, 1, at + 0x4fff) == 0x13fff);  // and after
  cr_expect(vs_shadow_pointer(s, &region, 1, at + 0x6000) == at + 0x6000);
  cr_expect(vs_shadow_pointer(s, NULL, 0, at + 0x2fff) == at + 0x2fff);
  cr_expect(takes(s, &region, 0x12003, 5) && pages[0x3003] == 5);
  cr_expect(!takes(s, &region, at + 0x3003, 5));
  // Pages that come to lie beside others are placed with them.
  tells(s, 0x1000, 1, true, "unmap 11000;unmap 12000;map 11000 00;");
}

Test(memory, an_arena_that_is_full_is_emptied) {
  vs_shadow* s = new_shadow();
  s->arena = 0x10000;
  s->arena_size = 0x5000;  // room for two pages apart
  tells(s, 0, 1, true, "map 11000 00;");
  tells(s, 0x2000, 1, true, "map 13000 00;");
  tells(s, 0x4000, 1, true, "unmap 11000;unmap 13000;map 11000 00;");
  const vs_region large = {.address = pages, .length = 0x8000};
  cr_expect(!vs_shadow_tell(s, &large, 1));
}

// --- calls ------------------------------------------------------------------------------------

// The other side: what it is to hear and to say, one after another, by way of a socket.
static int near_end;
static int far_end;
static char heard[4096];

static void note_trouble(void* context, vs_remote_trouble what, const char* why) {
  (void)context;
  fprintf(stderr, "%d %s\n", (int)what, why);
  _exit(40 + (int)what);
}

static void connect_to_ourselves(const char* words) {
  static uint64_t tag;
  static vs_greeting g;
  char line[512];
  int ends[2];
  snprintf(line, sizeof line, LEAST " zx_event_create zx_vcpu_kick%s", words);
  cr_assert(is_greeting(line, &g) && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  near_end = ends[0];
  far_end = ends[1];
  const vs_remote_link link = {
      .in = near_end, .out = near_end, .greeting = &g, .tag = &tag, .fail = note_trouble};
  vs_remote_open(&link);
}

static void say_line(const char* line) {
  cr_assert(write(far_end, line, strlen(line)) == (ssize_t)strlen(line));
}

// So many lines.
static const char* hear(size_t lines) {
  size_t length = 0;
  for (size_t i = 0; i < lines; length++) {
    cr_assert(read(far_end, heard + length, 1) == 1);
    i += heard[length] == '\n';
  }
  heard[length] = '\0';
  return heard;
}

static void hears(size_t lines, const char* what) {
  const char* text = hear(lines);
  cr_expect(strcmp(text, what) == 0, "'%s' is sent, not '%s'", text, what);
}

static vs_calls calls_of_all(void) {
  vs_calls calls;
  const vs_greeting all = {.calls = UINT32_MAX};
  vs_remote_offer(&all, &calls);
  return calls;
}

typedef struct kick {
  zx_handle_t handle;
  zx_status_t status;
} kick;

static void* make_kick(void* argument) {
  kick* k = argument;
  k->status = calls_of_all().vcpu_kick(k->handle);
  return NULL;
}

Test(calls, answers_come_in_any_order) {
  enum { THREADS = 6 };
  static const char* const order[] = {"4 4\n", "1 1\n", "6 6\n5 5\n", "2 2\n3 3\n"};
  pthread_t threads[THREADS];
  kick kicks[THREADS];
  connect_to_ourselves("");
  for (unsigned i = 0; i < THREADS; i++) {
    char line[64];
    kicks[i] = (kick){.handle = 0x10 + i};
    pthread_create(&threads[i], NULL, make_kick, &kicks[i]);
    snprintf(line, sizeof line, "%u T%u zx_vcpu_kick 0x%x\n", i + 1, i + 1, 0x10 + i);
    hears(1, line);
  }
  for (size_t i = 0; i < 4; i++) say_line(order[i]);
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    cr_expect(kicks[i].status == (zx_status_t)i + 1);
  }
}

Test(calls, a_thread_ends_and_its_name_is_free) {
  pthread_t thread;
  kick k = {.handle = 1};
  connect_to_ourselves("");
  for (int i = 0; i < 2; i++) {
    char line[64];
    snprintf(line, sizeof line, "%s%d T1 zx_vcpu_kick 0x1\n", i > 0 ? "end T1\n" : "", i + 1);
    pthread_create(&thread, NULL, make_kick, &k);
    hears(i > 0 ? 2 : 1, line);
    say_line(i > 0 ? "2 0\n" : "1 0\n");
    pthread_join(thread, NULL);
  }
  vs_remote_close();
  hears(1, "end T1\n");
}

Test(calls, more_than_one_of_a_thread) {
  connect_to_ourselves("");
  const uint64_t arguments[][VS_ARGS_MAX] = {{1}, {2}};
  uint64_t first = vs_remote_start(VS_CALL_vcpu_kick, arguments[0]);
  uint64_t second = vs_remote_start(VS_CALL_vcpu_kick, arguments[1]);
  say_line("2 -2\r\n1 -1\n");
  cr_expect(vs_remote_is_busy());
  cr_expect(vs_remote_finish(first) == -1 && vs_remote_finish(second) == -2);
  cr_expect(!vs_remote_is_busy());
  hears(2, "1 T0 zx_vcpu_kick 0x1\n2 T0 zx_vcpu_kick 0x2\n");
}

Test(calls, memory_goes_and_comes) {
  const vs_calls calls = calls_of_all();
  new_shadow();
  connect_to_ourselves(" arena=0x20000:0x100000 sums");
  zx_handle_t* out = (zx_handle_t*)(void*)pages;
  const vs_region region = {.address = out, .length = sizeof *out, .writable = true};
  *out = 0x5a5a5a5a;
  say_line("1 0 0x21000=07000000 sum=0b71055b\n");
  cr_assert(vs_remote_reach(&region, 1));
  cr_expect(calls.event_create(0, out) == ZX_OK && *out == 7);
  hears(2,
        "map T0 0x21000 5a5a5a5a sum=226966fc\n"
        "1 T0 zx_event_create 0x0 0x21000 sum=a6febd85\n");
  // Nothing is told of the next call.
  say_line("2 -10 sum=6b91ba5f\n");
  cr_expect(calls.event_create(0, NULL) == -10);
  hears(1, "2 T0 zx_event_create 0x0 0x0 sum=db873749\n");
}

static void rewrite(const char* words, size_t at, uint8_t mode, bool possible, const char* line) {
  new_shadow();
  connect_to_ourselves(words);
  const vs_calls calls = calls_of_all();
  const vs_rewrite other = {.mode = mode, .length = 2, .offset = 4, .bytes = {0xab, 0xcd}};
  const vs_region region = {
      .address = pages + at, .length = 24, .writable = true, .rewrite = &other};
  cr_assert(vs_remote_reach(&region, 1) == possible);
  if (!possible) return;
  say_line("1 0 held\n");
  cr_expect(!vs_remote_held());
  cr_expect(calls.vcpu_write_state(1, 0, pages + at, 24) == ZX_OK && vs_remote_held());
  cr_expect(strstr(hear(line[0] == 'h' ? 4 : 3), line) != NULL, "%s", heard);
  say_line("2 0\n");
  cr_expect(calls.vcpu_kick(1) == ZX_OK && !vs_remote_held());
}

Test(calls, held_at_a_page) {
  rewrite(" hold flip", 0xffa, VS_REWRITE_HELD, true, "hold T0 0x7e7000001000 abcd\n");
}
Test(calls, held_where_no_page_ends_is_flipped) {
  new_shadow();
  const vs_rewrite other = {.mode = VS_REWRITE_HELD, .length = 2, .offset = 4};
  const vs_region region = {.address = pages, .length = 24, .writable = true, .rewrite = &other};
  connect_to_ourselves(" hold flip");
  cr_expect(vs_remote_reach(&region, 1));
  connect_to_ourselves(" hold");
  cr_expect(!vs_remote_reach(&region, 1));
}
Test(calls, held_is_flipped_by_who_cannot_hold) {
  rewrite(" flip", 0xff8, VS_REWRITE_HELD, true, "flip T0 0x7e7000000ffc abcd\n");
}
Test(calls, flipped_by_who_can_only_hold) {
  rewrite(" hold", 0xffa, VS_REWRITE_FLIP, false, "");
}
Test(calls, neither_held_nor_flipped) {
  rewrite("", 0xffa, VS_REWRITE_HELD, false, "");
}

static void call_with(const char* answer) {
  connect_to_ourselves("");
  say_line(answer);
  signal(SIGPIPE, SIG_IGN);
  if (answer[0] == '\0') close(far_end);
  calls_of_all().vcpu_kick(1);
}

Test(calls, the_channel_ends, .exit_code = 41) {
  call_with("");
}
Test(calls, nonsense_ends_it, .exit_code = 42) {
  call_with("1 ok\n");
}
Test(calls, another_tag, .exit_code = 42) {
  call_with("2 0\n");
}
Test(calls, a_line_is_not_understood, .exit_code = 43) {
  call_with("0 error\n");
}
Test(calls, the_call_is_not_understood, .exit_code = 43) {
  call_with("1 error no handle\n");
}
Test(calls, nobody_asked, .exit_code = 42) {
  call_with("1 0\n1 0\n");
  vs_remote_close();
}
Test(calls, half_a_line_is_left, .exit_code = 42) {
  call_with("1 0\n2");
  vs_remote_close();
}

// --- whole runs -------------------------------------------------------------------------------

enum { STEP = 8 };  // of the cases, where not all are tried

static vs_run run_cases(const vs_target* target) {
  const vs_case** cases = calloc(vs_case_count, sizeof *cases);
  size_t count = 0;
  for (size_t i = 0; i < vs_case_count; i++) {
    if (vs_sampled(i, STEP)) cases[count++] = &vs_cases[i];
  }
  vs_run run = judging_run(target, cases, count, "documented", 20);
  free(cases);
  return run;
}

// Every case that is tried ends as it does in this process, but for what the shim cannot do.
static void same_as_here(const char* spec, const char* here, size_t least) {
  vs_target a = judging_target(spec);
  vs_target b = judging_target(here);
  cr_assert(a.state == VS_TARGET_READY, "%s", a.reason);
  vs_run far = run_cases(&a);
  vs_run near = run_cases(&b);
  size_t same = 0;
  for (size_t i = 0; i < far.count; i++) {
    const vs_case_result* result = &far.results[i];
    bool less = result->verdict == VS_VERDICT_UNSUPPORTED;
    same += !less;
    cr_expect(less || result->verdict == near.results[i].verdict, "%s is %s here and %s there: %s",
              result->c->id, vs_verdict_names[near.results[i].verdict],
              vs_verdict_names[result->verdict], judging_text(result, "documented"));
  }
  least /= vs_sampled(1, STEP) ? 1 : STEP + 1;
  cr_expect(same >= least, "only %zu cases were judged", same);
  vs_run_free(&far);
  vs_run_free(&near);
  vs_target_close(&a);
}

Test(shim, soft_is_judged_as_in_this_process) {
  same_as_here(SHIM("soft_posix"), "soft", 115);
}
Test(shim, soft_that_cannot_rewrite) {
  same_as_here(SPOILED("cannot_change", "soft_posix"), "soft", 100);
}
// What runs then cannot be ended by a case: the shim is, and the case has no verdict.
Test(shim, soft_whose_running_guests_nothing_can_stop) {
  same_as_here(SPOILED("no_kick", "soft_posix"), "soft", 200);
}
Test(shim, soft_with_sums) {
  same_as_here(SHIM("soft_posix --sums"), "soft", 115);
}
Test(shim, soft_in_an_arena_without_threads) {
  same_as_here(SHIM("soft_bare"), "soft", 100);
}
Test(shim, guests_of_unicorn) {
  same_as_here(SPOILED("cannot_hold", "unicorn"), "unicorn", 150);
}
Test(shim, guests_of_unicorn_arm64) {
  same_as_here(SHIM("unicorn_arm64"), "unicorn:arm64", 110);
}

static const vs_case* case_called(const char* id) {
  const vs_case* c = vs_case_find(id);
  cr_assert(c != NULL, "%s", id);
  return c;
}

static vs_run run_some(const vs_target* target, double timeout) {
  static const vs_case* cases[4];
  cases[0] = case_called("kinds.both");
  cases[1] = case_called("handles.zero");
  cases[2] = case_called("types.event");
  cases[3] = case_called("kinds.single_bits");
  return judging_run(target, cases, 4, "documented", timeout);
}

// Never ends the test: what serves it is to be ended first.
static void expect_all_pass(const char* spec) {
  vs_target target = judging_target(spec);
  cr_expect(target.state == VS_TARGET_READY, "%s", target.reason.text);
  if (target.state != VS_TARGET_READY) return;
  vs_run run = run_some(&target, 10);
  for (size_t i = 0; i < run.count; i++) {
    cr_expect(run.results[i].verdict == VS_VERDICT_PASS, "%s", run.results[i].note);
  }
  vs_run_free(&run);
  vs_target_close(&target);
}

Test(shim, on_a_unix_socket) {
  char path[64];
  char command[256];
  char spec[96];
  snprintf(path, sizeof path, "/tmp/vcpuspec-shim-%d", (int)getpid());
  snprintf(command, sizeof command, VS_SHIM_DIR "/shim_soft_posix --unix %s & echo $!", path);
  FILE* shell = popen(command, "r");
  int pid = 0;
  cr_assert(shell != NULL && fscanf(shell, "%d", &pid) == 1);
  snprintf(spec, sizeof spec, "shim:unix:%s", path);
  vs_target target = judging_target(spec);
  for (int i = 0; i < 1000 && target.state != VS_TARGET_READY; i++) {
    usleep(10000);
    target = judging_target(spec);
  }
  vs_target_close(&target);
  if (target.state == VS_TARGET_READY) expect_all_pass(spec);
  if (target.state == VS_TARGET_READY)
    expect_all_pass(spec);  // another connection to the same shim
  kill(pid, SIGKILL);
  pclose(shell);
  unlink(path);
  cr_expect(target.state == VS_TARGET_READY, "%s", target.reason.text);
}

Test(shim, where_nobody_listens) {
  vs_target target = judging_target("shim:unix:/nowhere/shim");
  cr_expect(target.state == VS_TARGET_BROKEN);
  cr_expect(strstr(target.reason.text, "start the shim first") != NULL, "%s", target.reason.text);
}

// The line also carries a console, and the first greeting is lost in it.
Test(shim, on_a_serial_line) {
  char name[64];
  char spec[96];
  int master;
  int slave;
  cr_assert(openpty(&master, &slave, name, NULL, NULL) == 0);
  struct termios raw;
  tcgetattr(slave, &raw);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  pid_t shim = fork();
  if (shim == 0) {
    dup2(master, STDIN_FILENO);
    dup2(master, STDOUT_FILENO);
    (void)!write(STDOUT_FILENO, "[    0.0] booting\r\n[    0.1] ready\r\n", 36);
    execl(VS_SHIM_DIR "/shim_soft_posix", "shim", "--sums", (char*)NULL);
    _exit(127);
  }
  snprintf(spec, sizeof spec, "shim:serial:%s", name);
  expect_all_pass(spec);
  kill(shim, SIGKILL);
  close(master);
  close(slave);
}

Test(shim, one_process_serves_a_run) {
  char spec[256];
  char path[64];
  char line[64];
  size_t starts = 0;
  snprintf(path, sizeof path, "/tmp/vcpuspec-starts-%d", (int)getpid());
  unlink(path);
  snprintf(spec, sizeof spec, "shim:echo start >> %s; exec " VS_SHIM_DIR "/shim_soft_posix", path);
  expect_all_pass(spec);
  FILE* file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file)) starts++;
  if (file != NULL) fclose(file);
  unlink(path);
  cr_expect(starts == 1, "%zu processes were started", starts);
}

// --- shims that break the protocol ------------------------------------------------------------

typedef struct wrong {
  const char* mode;
  vs_verdict verdict;
  const char* words;
  double patience;
  const char* options;  // of the shim
} wrong;

static const wrong wrongs[] = {
#define WRONG(mode, verdict, words) {#mode, VS_VERDICT_##verdict, words, 10, ""},
#define SILENT(mode, verdict, words) {#mode, VS_VERDICT_##verdict, words, 3, ""},
#include "shims/wrong.def"
#undef WRONG
#undef SILENT
};
enum { WRONGS = sizeof wrongs / sizeof wrongs[0] };

// True if some result, or the reason for which there is none, says the words.
static bool is_told(const vs_target* target, const vs_run* run, const char* words) {
  bool said = strstr(target->reason.text, words) != NULL;
  for (size_t i = 0; i < run->count; i++) said |= strstr(run->results[i].note, words) != NULL;
  return said;
}

static void goes_wrong(const wrong* w) {
  char spec[600];
  vs_target target;
  vs_run run = {0};
  snprintf(spec, sizeof spec, SPOILED("%s", "soft_posix%s"), w->mode, w->options);
  cr_assert(vs_target_parse(spec, &target));
  vs_target_probe(&target, 10);  // a busy machine takes a second to start it
  if (target.state == VS_TARGET_READY) run = run_some(&target, w->patience);
  cr_expect(is_told(&target, &run, w->words), "%s: '%s', '%s'", w->mode, target.reason.text,
            run.count > 0 ? run.results[0].note : "");
  size_t expected = 0;
  for (size_t i = 0; i < run.count; i++) {
    expected += run.results[i].verdict == w->verdict;
    cr_expect(run.results[i].verdict != VS_VERDICT_PASS || strcmp(w->mode, "late_twice") == 0,
              "%s: %s passes", w->mode, run.results[i].c->id);
  }
  cr_expect(expected > 0 || (run.count == 0 && w->verdict == VS_VERDICT_BROKEN), "%s", w->mode);
  vs_run_free(&run);
  vs_target_close(&target);
}

static void goes_wrong_between(size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    if (vs_sampled(i, 4)) goes_wrong(&wrongs[i]);
  }
}

Test(shim, that_breaks_the_protocol_never_passes) {
  goes_wrong_between(0, WRONGS / 2);
}
Test(shim, that_breaks_the_protocol_otherwise_never_passes) {
  goes_wrong_between(WRONGS / 2, WRONGS);
}

// A byte of a line that it is sent is hurt on the way.
Test(shim, that_hears_badly) {
  const wrong w = {"deaf", VS_VERDICT_BROKEN, "did not understand a line: this line", 10,
                   " --sums"};
  goes_wrong(&w);
}

// What is declared and not done is named, and not only that something did not come up.
Test(shim, that_declares_hold_and_never_holds) {
  const vs_case* cases[] = {case_called("snapshots.flags")};
  vs_target target = judging_target(SPOILED("holds_nothing", "soft_posix"));
  vs_run run = judging_run(&target, cases, 1, "documented", 10);
  cr_expect_eq(run.results[0].verdict, VS_VERDICT_UNSUPPORTED);
  cr_expect(strstr(run.results[0].note, "greeting has `hold`, and") != NULL, "%s",
            run.results[0].note);
  vs_run_free(&run);
  vs_target_close(&target);
}

// It ends between two cases: no case is to blame.
Test(shim, that_ends_while_nothing_is_asked) {
  expect_all_pass(SPOILED("dies_idle", "soft_posix"));
}
