// SPDX-License-Identifier: BSD-3-Clause
// Shims: what they answer is what the same implementation answers in this process; whoever breaks
// the protocol is told so, by lint-shim and by a run.
#include <criterion/criterion.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "judging.h"
#include "shim/lint.h"
#include "text/print.h"
#include "text/wire.h"

#define SHIM(name) "shim:" VS_SHIM_DIR "/" name

// --- the wire ---------------------------------------------------------------------------------

// The words of the op, read as a line of a script, are the op again.
static void same_by_wire(const vs_op* op, vs_arch arch) {
  char words[VS_WIRE_LINE];
  char text[VS_WIRE_LINE + 64];
  vs_document d;
  vs_fault fault;
  vs_op sent = *op;
  vs_wire_print(words, &sent);
  snprintf(text, sizeof text, "vcpuspec script 1\n%s\n", words);
  vs_source source = vs_source_of(text, strlen(text));
  vs_reading reading = {.arch = arch};
  vs_read result = vs_document_read(&source, &reading, &d, &fault);
  cr_assert(result == VS_READ_OK, "'%s': %s", words, fault.message);
  sent.optional = false;
  cr_expect(d.count == 1 && memcmp(&d.ops[0], &sent, sizeof sent) == 0, "'%s' is another op",
            words);
  vs_document_free(&d);
}

Test(wire, every_op_of_every_case_is_read_back) {
  static const vs_arch archs[] = {VS_ARCH_X64, VS_ARCH_ARM64};
  size_t ops = 0;
  for (size_t i = 0; i < 2 * vs_case_count; i++) {
    const vs_case* c = &vs_cases[i / 2];
    vs_script script;
    if (c->arch != 0 && c->arch != archs[i % 2]) continue;
    cr_assert(vs_case_script(c, archs[i % 2], 0, &script));
    for (size_t k = 0; k < script.count; k++) same_by_wire(&script.ops[k], archs[i % 2]);
    ops += script.count;
    vs_case_script_free(&script);
  }
  cr_expect(ops > 10000, "%zu", ops);
}

static vs_wire_reply reply_to(uint8_t code, bool async, const char* words, vs_fault* fault) {
  vs_op op = {.code = code, .async = async, .thread = async};
  vs_observation seen;
  return vs_wire_read(words, strlen(words), &op, vs_arch_find(VS_ARCH_X64), &seen, fault);
}

typedef struct reply {
  uint8_t code;
  bool async;
  const char* words;
} reply;

Test(wire, replies_that_are_none_are_refused) {
  static const reply replies[] = {
      {VS_CALL_handle_close, false, ""},
      {VS_CALL_handle_close, false, "ZX_OK"},
      {VS_CALL_handle_close, false, "="},
      {VS_CALL_handle_close, false, "= "},
      {VS_CALL_handle_close, false, "= OK"},
      {VS_CALL_handle_close, false, "= ZX_OKAY"},
      {VS_CALL_handle_close, false, "= 99999999999"},
      {VS_CALL_handle_close, false, "= started"},
      {VS_CALL_handle_close, true, "= ZX_OK"},
      {VS_CALL_handle_close, false, "= ZX_OK handle=0x3"},
      {VS_CALL_handle_close, false, "= ZX_OK held"},
      {VS_CALL_handle_close, false, "= ZX_OK buffer_changed"},
      {VS_CALL_handle_close, false, "= ZX_OK of=zx_vcpu_kick"},
      {VS_CALL_handle_close, false, "= ZX_OK packet=5"},
      {VS_CALL_handle_close, false, "= ZX_OK port=5"},
      {VS_CALL_handle_close, false, "= ZX_OK state rax=1"},
      {VS_CALL_handle_close, false, "= ZX_OK \x01"},
      {VS_CALL_event_create, false, "= ZX_OK"},
      {VS_CALL_event_create, false, "= ZX_OK handle=0x3 handle2=0x7"},
      {VS_CALL_event_create, false, "= -20 handle=0x3"},
      {VS_CALL_guest_create, false, "= ZX_OK handle=0x3"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK"},
      {VS_CALL_vcpu_read_state, false, "= -20 state rax=1"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state rax"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state bytes=0"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state x0=1"},
      {VS_CALL_vcpu_write_state, false, "= ZX_OK held"},
      {VS_CALL_vcpu_write_state, false, "= unsupported held handle=0x3"},
      {VS_CALL_vcpu_enter, false, "= ZX_OK"},
      {VS_CALL_vcpu_enter, false, "= -24 packet=5"},
      {VS_CALL_vcpu_enter, false, "= ZX_OK port=0xd0"},
  };
  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
    vs_fault fault;
    const reply* r = &replies[i];
    vs_wire_reply got = reply_to(r->code, r->async, r->words, &fault);
    cr_expect(got == VS_WIRE_FAULT, "'%s' is taken for a reply to op %u", r->words, r->code);
    cr_expect(fault.message[0] != '\0', "'%s' is refused without a reason", r->words);
  }
}

Test(wire, replies_that_are_some_are_taken) {
  static const reply replies[] = {
      {VS_CALL_handle_close, false, "= ZX_OK"},
      {VS_CALL_handle_close, false, "= -2147483648"},
      {VS_CALL_handle_close, true, "= started"},
      {VS_CALL_handle_close, false, "= unsupported"},
      {VS_CALL_handle_close, false, "= no_return"},
      {VS_CALL_guest_create, false, "= ZX_OK handle=0x3 handle2=7"},
      {VS_OP_guest_load, false, "= -3 of=zx_vmar_map"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state bytes=01"},
      {VS_CALL_vcpu_read_state, false, "= ZX_OK state rax=1 rflags=0x44"},
      {VS_CALL_vcpu_write_state, false, "= ZX_OK buffer_changed"},
      {VS_CALL_vcpu_enter, false, "= ZX_OK packet=5 port=0xd0 access=1 state rax=1"},
  };
  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
    vs_fault fault;
    const reply* r = &replies[i];
    vs_wire_reply got = reply_to(r->code, r->async, r->words, &fault);
    cr_expect(got == VS_WIRE_RESULT, "'%s' is refused: %s", r->words, fault.message);
  }
}

// --- whole runs -------------------------------------------------------------------------------

static vs_run run_all(const vs_target* target) {
  const vs_case** cases = calloc(vs_case_count, sizeof *cases);
  for (size_t i = 0; i < vs_case_count; i++) cases[i] = &vs_cases[i];
  vs_run run = judging_run(target, cases, vs_case_count, "documented", 20);
  free(cases);
  return run;
}

// Every case ends as it does in this process, but for what the shim cannot do.
static void same_as_here(const char* spec, const char* here, size_t least) {
  vs_target a = judging_target(spec);
  vs_target b = judging_target(here);
  cr_assert(a.state == VS_TARGET_READY, "%s", a.reason);
  vs_run far = run_all(&a);
  vs_run near = run_all(&b);
  size_t same = 0;
  for (size_t i = 0; i < far.count; i++) {
    const vs_case_result* result = &far.results[i];
    bool less = result->verdict == VS_VERDICT_UNSUPPORTED;
    same += !less;
    cr_expect(less || result->verdict == near.results[i].verdict, "%s is %s here and %s there: %s",
              result->c->id, vs_verdict_names[near.results[i].verdict],
              vs_verdict_names[result->verdict], judging_text(result, "documented"));
  }
  cr_expect(same >= least, "only %zu cases were judged", same);
  vs_run_free(&far);
  vs_run_free(&near);
}

Test(shim, soft_is_judged_as_in_this_process) {
  same_as_here(SHIM("shim_soft_posix"), "soft", 100);
}
Test(shim, soft_on_a_bare_platform) {
  same_as_here(SHIM("shim_soft_bare"), "soft", 55);
}
Test(shim, soft_with_sums) {
  same_as_here(SHIM("shim_soft_posix --sums"), "soft", 100);
}
Test(shim, guests_of_unicorn) {
  same_as_here(SHIM("shim_unicorn"), "unicorn", 140);
}
Test(shim, guests_of_unicorn_arm64) {
  same_as_here(SHIM("shim_unicorn_arm64"), "unicorn:arm64", 100);
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
  cr_expect(target.state == VS_TARGET_READY, "%s", target.reason);
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
  cr_expect(target.state == VS_TARGET_READY, "%s", target.reason);
}

Test(shim, where_nobody_listens) {
  vs_target target = judging_target("shim:unix:/nowhere/shim");
  cr_expect(target.state == VS_TARGET_BROKEN);
  cr_expect(strstr(target.reason, "start the shim first") != NULL, "%s", target.reason);
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
  const char* check;
  const char* words;
  const char* run;
} wrong;

static const wrong wrongs[] = {
#define WRONG(mode, check, words, run) {#mode, check, words, run},
#include "shims/wrong.def"
#undef WRONG
};
enum { WRONGS = sizeof wrongs / sizeof wrongs[0] };

typedef struct noticed {
  char check[32];  // the first that fails
  char text[512];
} noticed;

static bool note(void* context, const char* check, bool good, const char* text) {
  noticed* n = context;
  if (good) return true;
  snprintf(n->check, sizeof n->check, "%s", check);
  snprintf(n->text, sizeof n->text, "%s", text);
  return false;
}

static const char* command_of(const wrong* w) {
  static char command[256];
  snprintf(command, sizeof command, VS_SHIM_DIR "/shim_wrong %s", w->mode);
  return command;
}

static void lints_to(size_t first, size_t last) {
  for (size_t i = first; i < last; i++) {
    const wrong* w = &wrongs[i];
    noticed n = {0};
    vs_lint_sum sum = vs_lint(command_of(w), 0.7, note, &n);
    cr_expect(sum.failed > 0, "%s is not noticed", w->mode);
    cr_expect(strcmp(n.check, w->check) == 0, "%s is noticed by '%s' (%s), and not by '%s'",
              w->mode, n.check, n.text, w->check);
    cr_expect(strstr(n.text, w->words) != NULL, "%s: '%s'", w->mode, n.text);
  }
}

Test(lint_shim, notices_what_is_wrong) {
  lints_to(0, WRONGS / 2);
}
Test(lint_shim, notices_what_else_is_wrong) {
  lints_to(WRONGS / 2, WRONGS);
}

static void lints_well(const char* command) {
  noticed n = {0};
  vs_lint_sum sum = vs_lint(command, 10, note, &n);
  cr_expect(sum.failed == 0 && sum.checks > 15, "%s: %s: %s", command, n.check, n.text);
}

Test(lint_shim, has_nothing_to_say_of_ours) {
  lints_well(VS_SHIM_DIR "/shim_soft_posix");
  lints_well(VS_SHIM_DIR "/shim_soft_bare");
  lints_well(VS_SHIM_DIR "/shim_soft_posix --sums");
  lints_well(VS_SHIM_DIR "/shim_unicorn");
  lints_well(VS_SHIM_DIR "/shim_unicorn_arm64");
}

// True if some result, or the reason for which there is none, says the words.
static bool is_told(const vs_target* target, const vs_run* run, const char* words) {
  bool told = strstr(target->reason, words) != NULL;
  for (size_t i = 0; i < run->count; i++) told |= strstr(run->results[i].note, words) != NULL;
  return told;
}

Test(shim, that_breaks_the_protocol_never_passes) {
  for (size_t i = 0; i < WRONGS; i++) {
    const wrong* w = &wrongs[i];
    char spec[300];
    if (w->run[0] == '\0') continue;
    snprintf(spec, sizeof spec, "shim:%s", command_of(w));
    vs_target target;
    cr_assert(vs_target_parse(spec, &target));
    vs_target_probe(&target, 0.7);
    vs_run run = {0};
    if (target.state == VS_TARGET_READY) run = run_some(&target, 0.7);
    cr_expect(is_told(&target, &run, w->run), "%s: '%s', '%s'", w->mode, target.reason,
              run.count > 0 ? run.results[0].note : "");
    vs_run_free(&run);
    vs_target_close(&target);
  }
}
