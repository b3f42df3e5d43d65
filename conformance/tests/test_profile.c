// SPDX-License-Identifier: BSD-3-Clause
// Profiles as text: what is printed is read back as it was; what is wrong is said with its place;
// and no bytes whatever do harm.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/profile.h"

static const char header[] = "vcpuspec profile 1\n";

static size_t print(const vs_profile* profile, char* text, size_t size) {
  memset(text, 0, size);
  FILE* out = fmemopen(text, size - 1, "w");
  cr_assert(out != NULL);
  vs_profile_print(out, profile);
  fclose(out);
  return strlen(text);
}

static bool is_same(const vs_profile* a, const vs_profile* b) {
  return strcmp(a->id, b->id) == 0 && strcmp(a->summary, b->summary) == 0 &&
         a->ordered == b->ordered && a->arch == b->arch && a->latitudes == b->latitudes &&
         a->quirks == b->quirks && a->flags_kept == b->flags_kept &&
         a->flags_or_only == b->flags_or_only && memcmp(a->order, b->order, sizeof a->order) == 0;
}

Test(profile_text, ours_are_read_back_as_they_were) {
  for (size_t i = 0; i < vs_profile_count; i++) {
    char text[4096];
    vs_own_profile own;
    vs_fault fault;
    size_t length = print(&vs_profiles[i], text, sizeof text);
    cr_assert(vs_profile_parse(text, length, &own, &fault), "%s: %zu:%zu: %s", vs_profiles[i].id,
              fault.line, fault.column, fault.message);
    cr_assert(is_same(&own.profile, &vs_profiles[i]), "%s is another:\n%s", vs_profiles[i].id,
              text);
  }
}

// The text after the first line.
static bool parse(const char* rest, vs_own_profile* own, vs_fault* fault) {
  char text[4096];
  snprintf(text, sizeof text, "%s%s", header, rest);
  return vs_profile_parse(text, strlen(text), own, fault);
}

Test(profile_text, base_is_the_start) {
  vs_own_profile own;
  vs_fault fault;
  bool good =
      parse("name mine\n# a comment\n\nbase zircon-2018\nflags_kept 0x244000\n", &own, &fault);
  cr_assert(good, "%zu:%zu: %s", fault.line, fault.column, fault.message);
  vs_profile expected = *vs_profile_find("zircon-2018");
  expected.id = "mine";
  expected.summary = "";
  expected.flags_kept = 0x244000;
  cr_assert(is_same(&own.profile, &expected));
}

Test(profile_text, without_anything_the_page_is_read_strictly) {
  vs_own_profile own;
  vs_fault fault;
  cr_assert(parse("name strict", &own, &fault), "%s", fault.message);
  cr_assert(!own.profile.ordered && own.profile.latitudes == 0 && own.profile.arch == 0);
}

Test(profile_text, faults_have_a_place_and_a_suggestion) {
  static const struct {
    const char* text;
    size_t line, column;
    const char* says;
  } rows[] = {
      {"name a\nordr kind", 3, 1, "did you mean 'order'"},
      {"name a\norder kind  sise", 3, 13, "did you mean 'size'"},
      {"name a\norder kind kind", 3, 12, "expected each check once, found 'kind'"},
      {"name a\norder", 3, 6, "found the end of the line"},
      {"name a\nlatitudes flags_gat", 3, 11, "did you mean 'flags_gate'"},
      {"name a\nquirks in32_clear", 3, 8, "did you mean 'in32_clears'"},
      {"name a\nbase zircon-x86", 3, 6, "did you mean 'zircon-x64'"},
      {"name a\narch x86", 3, 6, "expected x86-64, arm64 or any, found 'x86'"},
      {"name a\narch any\nbase zcore", 4, 1, "base before"},
      {"name a\nname b", 3, 1, "each key once"},
      {"name A", 2, 6, "found 'A'"},
      {"name a b", 2, 8, "the end of the line"},
      {"name a\nflags_kept 0x", 3, 12, "a mask"},
      {"name a\nflags_kept 0x2", 3, 12, "the caller's"},
      {"name a\nsummary   ", 3, 8, "a summary"},
      {"name a\nsummary one\x01two", 3, 12, "printable"},
      {"", 0, 0, "no name"},
      {"name a\norder kind size buffer wrong_type", 0, 0, "an order needs bad_handle"},
      {"name a\norder kind size bad_handle wrong_type", 0, 0, "one of buffer"},
      {"name a\nbase zcore\nlatitudes io_without_ports", 0, 0, "order any"},
      {"name a\narch arm64\nflags_kept 0x1", 0, 0, "another architecture"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    vs_own_profile own;
    vs_fault fault;
    bool good = parse(rows[i].text, &own, &fault);
    bool right = !good && fault.line == rows[i].line && fault.column == rows[i].column &&
                 strstr(fault.message, rows[i].says) != NULL;
    cr_expect(right, "%s: %zu:%zu: %s", rows[i].text, fault.line, fault.column, fault.message);
  }
}

Test(profile_text, first_line_says_what_it_is) {
  static const char* const texts[] = {"",
                                      "\n",
                                      "vcpuspec",
                                      "vcpuspec profile 2\nname a",
                                      "vcpuspec profile 12\nname a",
                                      "name a",
                                      "vcpuspec profile 1 2\nname a"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    vs_own_profile own;
    vs_fault fault;
    bool good = vs_profile_parse(texts[i], strlen(texts[i]), &own, &fault);
    cr_expect(!good && fault.line == 1 && fault.message[0] != '\0', "'%s' is read", texts[i]);
  }
}

static uint64_t random_word(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

// Changes some bytes of the text: other bytes, lost ones, doubled ones.
static size_t mutate(char* text, size_t length, size_t size, uint64_t* state) {
  for (unsigned n = (unsigned)(random_word(state) % 6); n > 0 && length > 1; n--) {
    size_t at = random_word(state) % length;
    size_t many = 1 + random_word(state) % (length - at);
    switch (random_word(state) % 3) {
      case 0:
        text[at] = (char)random_word(state);
        break;
      case 1:
        memmove(text + at, text + at + many, length - at - many);
        length -= many;
        break;
      default:
        if (length + many > size) break;
        memmove(text + at + many, text + at, length - at);
        length += many;
    }
  }
  return length;
}

// What is read is a profile that can be judged by, and is read back the same.
static void is_sound(const vs_own_profile* own, uint64_t seed) {
  char text[4096];
  vs_own_profile again;
  vs_fault fault;
  size_t length = print(&own->profile, text, sizeof text);
  bool good = vs_profile_parse(text, length, &again, &fault);
  cr_assert(good && is_same(&own->profile, &again.profile), "seed %llu: %s",
            (unsigned long long)seed, text);
}

Test(profile_text, survives_any_bytes, .timeout = 300) {
  enum { ROUNDS = 30000, SIZE = 4096 };
  uint64_t state = 0x5eed;
  unsigned good = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint64_t seed = state;
    char start[SIZE];
    size_t length = print(&vs_profiles[round % vs_profile_count], start, sizeof start);
    if (round % 8 == 0) {
      length = random_word(&state) % 200;
      for (size_t i = 0; i < length; i++) start[i] = (char)random_word(&state);
    } else {
      length = mutate(start, length, sizeof start, &state);
    }
    char* exact =
        malloc(length > 0 ? length : 1);  // exactly as long, so that a sanitizer sees the end
    cr_assert(exact != NULL);
    memcpy(exact, start, length);
    vs_own_profile own;
    vs_fault fault;
    if (vs_profile_parse(exact, length, &own, &fault)) {
      good++;
      is_sound(&own, seed);
    } else {
      cr_assert(fault.message[0] != '\0' && memchr(fault.message, '\0', sizeof fault.message));
    }
    free(exact);
  }
  cr_assert(good > ROUNDS / 100, "only %u were read", good);
}
