// SPDX-License-Identifier: BSD-3-Clause
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"
#include "session.h"

enum { USAGE = 2, RAW_ONE_IN = 12 };

static vs_session session;
static vs_mutator mutator;
static bool naive;  // arguments by chance alone
static bool told;   // likewise, but of a valid handle and small numbers
static bool blind;  // the engine's own mutation of bytes, and nothing else
static vs_fuzz_script ours;
static vs_fuzz_script theirs;

// --- flags ------------------------------------------------------------------------------------

// What follows "-name=" in argv, which is taken out; else the environment's; else `otherwise`.
static const char* take_flag(int* argc, char** argv, const char* name, const char* variable,
                             const char* otherwise) {
  size_t length = strlen(name);
  const char* value = getenv(variable);
  int kept = 1;
  for (int i = 1; i < *argc; i++) {
    bool ours_it_is =
        argv[i][0] == '-' && strncmp(argv[i] + 1, name, length) == 0 && argv[i][1 + length] == '=';
    if (ours_it_is) {
      value = argv[i] + length + 2;
    } else {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  argv[kept] = NULL;
  return value != NULL && *value != '\0' ? value : otherwise;
}

void vs_engine_open(vs_fuzz_target target, int* argc, char*** argv) {
  vs_why reason;
  char** words = *argv;
  const char* generator = take_flag(argc, words, "generator", VS_FUZZ_GENERATOR, "");
  naive = strcmp(generator, "naive") == 0;
  told = strcmp(generator, "told") == 0;
  blind = strcmp(generator, "bytes") == 0;
  const char* state = take_flag(argc, words, "state", VS_FUZZ_STATE, NULL);
  const vs_session_options options = {
      .target = target,
      .backend = take_flag(argc, words, "backend", VS_FUZZ_BACKEND, "soft"),
      .profile = take_flag(argc, words, "profile", VS_FUZZ_PROFILE, "documented"),
      .state = state,
      .counts = state != NULL,  // somebody looks
      .findings = take_flag(argc, words, "findings", VS_FUZZ_FINDINGS, NULL),
      .feedback = strcmp(take_flag(argc, words, "feedback", VS_FUZZ_FEEDBACK, "1"), "0") != 0,
      .bare = naive || told,
      .first_only = strcmp(take_flag(argc, words, "first", VS_FUZZ_FIRST, "0"), "1") == 0,
  };
  if (vs_session_open(&session, &options, &reason) &&
      vs_mutator_open(&mutator, session.opened.arch)) {
    return;
  }
  fprintf(stderr, "vcpuspec: %s\n", reason.text);
  exit(USAGE);
}

// --- inputs -----------------------------------------------------------------------------------

void vs_engine_run(const uint8_t* data, size_t size) {
  vs_session_run(&session, data, size);
}

static size_t mutate_call(uint8_t* data, size_t size, size_t room) {
  vs_op op;
  vs_fuzz_decode_call(data, size, session.arch, &op);
  if (naive || told) {
    vs_mutate_naive(&mutator, &op, told);
  } else {
    vs_mutate_call(&mutator, &op);
  }
  return vs_fuzz_encode_call(&op, data, room);
}

static size_t mutate_script(uint8_t* data, size_t size, size_t room) {
  vs_fuzz_decode(data, size, session.arch, &ours);
  vs_mutate_script(&mutator, &ours);
  return vs_fuzz_encode(&ours, data, room);
}

size_t vs_engine_mutate(uint8_t* data, size_t size, size_t room, unsigned seed) {
  session.mutated = true;
  vs_mutator_seed(&mutator, seed);
  bool chance = naive || told;
  if (blind || (!chance && vs_mutator_pick(&mutator, RAW_ONE_IN) == 0)) {
    return LLVMFuzzerMutate(data, size, room);
  }
  bool call = session.options.target == VS_FUZZ_CALL;
  return call ? mutate_call(data, size, room) : mutate_script(data, size, room);
}

// Of two calls there is nothing to cross but arguments: each comes from either.
static size_t cross_calls(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                          uint8_t* out, size_t room) {
  vs_op one;
  vs_op other;
  vs_fuzz_decode_call(a, a_size, session.arch, &one);
  vs_fuzz_decode_call(b, b_size, session.arch, &other);
  uint64_t which = vs_mutator_pick(&mutator, UINT64_C(2) << VS_ARGS_MAX);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (which >> i & 1) one.args[i] = other.args[i];
  }
  if (which >> VS_ARG(vcpu_write_state, buffer) & 1)
    memcpy(one.bytes, other.bytes, sizeof one.bytes);
  if (which >> VS_ARGS_MAX) one.thread = other.thread;
  return vs_fuzz_encode_call(&one, out, room);
}

size_t vs_engine_cross(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                       uint8_t* out, size_t room, unsigned seed) {
  session.mutated = true;
  if (blind) return 0;
  vs_mutator_seed(&mutator, seed);
  if (session.options.target == VS_FUZZ_CALL) return cross_calls(a, a_size, b, b_size, out, room);
  vs_fuzz_decode(a, a_size, session.arch, &ours);
  vs_fuzz_decode(b, b_size, session.arch, &theirs);
  vs_mutate_cross(&mutator, &ours, &theirs);
  return vs_fuzz_encode(&ours, out, room);
}
