// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include <pthread.h>
#include <string.h>

static const uint8_t code_x64[] = {
#include "x64.inc"
};
static const uint8_t code_arm64[] = {
#include "arm64.inc"
};

// Where x64.S and arm64.S put each program.
static const uint16_t offsets[VS_PROGRAM_COUNT] = {
    [VS_PROGRAM_DUMP] = 0x000,   [VS_PROGRAM_IN8] = 0x100,   [VS_PROGRAM_IN16] = 0x110,
    [VS_PROGRAM_IN32] = 0x120,   [VS_PROGRAM_OUT8] = 0x130,  [VS_PROGRAM_OUT16] = 0x140,
    [VS_PROGRAM_OUT32] = 0x150,  [VS_PROGRAM_SPIN] = 0x160,  [VS_PROGRAM_STORE] = 0x180,
    [VS_PROGRAM_STORES] = 0x1a0, [VS_PROGRAM_FETCH] = 0x1d0, [VS_PROGRAM_TURN] = 0x1f0,
    [VS_PROGRAM_KEEP] = 0x2a0,   [VS_PROGRAM_TAKE] = 0xb00,  [VS_PROGRAM_SEND] = 0xd00,
};

enum { PRESENT_WRITABLE = 0x3, LARGE_PAGE = 0x80, PDPT = 0x1000, PAGE_DIRECTORY = 0x3000 };
_Static_assert(VS_GUEST_CODE + sizeof code_x64 <= PAGE_DIRECTORY, "programs end before the tables");
_Static_assert(VS_GUEST_CODE + sizeof code_arm64 <= VS_GUEST_DUMP, "programs end before the dump");
// In x64.S: where handlers go on, and the segment of code.
enum { TAKEN = VS_GUEST_CODE + 0xbe0, SELECTOR = 0x8 };

static void put64(uint8_t* at, uint64_t value) {
  memcpy(at, &value, sizeof value);
}

// A 2 MiB page, since not every CPU has larger ones.
static void page_tables(uint8_t* memory) {
  put64(memory, PDPT | PRESENT_WRITABLE);
  put64(memory + PDPT, PAGE_DIRECTORY | PRESENT_WRITABLE);
  put64(memory + PAGE_DIRECTORY, LARGE_PAGE | PRESENT_WRITABLE);
}

// Of each vector: mov $VECTOR, %eax; jmp TAKEN.
static void put_handler(uint8_t* memory, uint32_t vector) {
  enum { MOV_EAX = 0xb8, JMP = 0xe9, JMP_AT = 5, LENGTH = 10 };
  const uint32_t at = VS_GUEST_HANDLERS + VS_GUEST_HANDLER_SIZE * vector;
  const uint32_t by = TAKEN - (at + LENGTH);
  memory[at] = MOV_EAX;
  memcpy(memory + at + 1, &vector, sizeof vector);
  memory[at + JMP_AT] = JMP;
  memcpy(memory + at + JMP_AT + 1, &by, sizeof by);
}

static void put_gate(uint8_t* memory, uint32_t vector) {
  const uint64_t interrupt_gate = UINT64_C(0x8e0000000000);
  const uint64_t at = VS_GUEST_HANDLERS + (uint64_t)VS_GUEST_HANDLER_SIZE * vector;
  put64(memory + VS_GUEST_IDT + 16 * vector, interrupt_gate | SELECTOR << 16 | at);
}

static void image_x64(uint8_t* memory) {
  page_tables(memory);
  for (uint32_t vector = 0; vector < VS_GUEST_VECTORS; vector++) {
    put_handler(memory, vector);
    put_gate(memory, vector);
  }
  memcpy(memory + VS_GUEST_CODE, code_x64, sizeof code_x64);
}

// Its sign of life is a zero, which needs no register.
static void image_arm64(uint8_t* memory) {
  memcpy(memory + VS_GUEST_CODE, code_arm64, sizeof code_arm64);
  memory[VS_GUEST_LIFE] = 1;
}

static uint8_t of_x64[VS_GUEST_MEMORY];
static uint8_t of_arm64[VS_GUEST_MEMORY];

static void make_images(void) {
  image_x64(of_x64);
  image_arm64(of_arm64);
}

const uint8_t* vs_guest_image(vs_arch arch) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_images);
  return arch == VS_ARCH_X64 ? of_x64 : of_arm64;
}

bool vs_guest_has(vs_arch arch, vs_program program) {
  const bool ports = program >= VS_PROGRAM_IN8 && program <= VS_PROGRAM_OUT32;
  return arch == VS_ARCH_X64 ||
         (!ports && program != VS_PROGRAM_TAKE && program != VS_PROGRAM_SEND);
}

zx_vaddr_t vs_guest_entry(vs_program program) {
  return VS_GUEST_CODE + offsets[program];
}

zx_vaddr_t vs_guest_own_entry(uint8_t slot) {
  return VS_GUEST_OWN + (zx_vaddr_t)slot * VS_GUEST_OWN_SIZE;
}
