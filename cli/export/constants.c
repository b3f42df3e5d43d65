// SPDX-License-Identifier: BSD-3-Clause
#include "constants.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

static uint64_t word_at(const uint8_t* at, size_t bytes) {
  uint64_t word = 0;
  while (bytes-- > 0) word = word << 8 | at[bytes];
  return word;
}

// The bytes of a state that follow its last register.
static unsigned padding_of(const vs_arch_info* info) {
  const vs_register* last = &info->registers[info->register_count - 1];
  return info->state_size - (last->offset + last->width / 8u);
}

// --- what there is ------------------------------------------------------------------------------

vs_constant vs_constant_of_buffer(const vs_op* op, const vs_arg* buffer, const vs_arch_info* info) {
  vs_constant constant;
  memset(&constant, 0, sizeof constant);
  size_t size = buffer->length < VS_STATE_MAX ? buffer->length : VS_STATE_MAX;
  while (size > 0 && op->bytes[size - 1] == 0) size--;
  memcpy(constant.bytes, op->bytes, size);
  if (size == 0) return constant;
  const bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  if (io && size <= sizeof(zx_vcpu_io_t)) {
    constant.form = VS_CONSTANT_IO;
    constant.size = sizeof(zx_vcpu_io_t);
  } else if (size > sizeof(uint64_t) && size <= info->state_size) {
    constant.form = VS_CONSTANT_STATE;
    constant.size = info->state_size;
  } else {
    constant.form = VS_CONSTANT_WORDS;
    constant.size = (uint16_t)((size + 7) / 8 * 8);
  }
  return constant;
}

vs_constant vs_constant_of_registers(const vs_prediction* p, vs_constant_form form,
                                     const vs_arch_info* info) {
  vs_constant constant;
  bool known = false;
  memset(&constant, 0, sizeof constant);
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    const uint64_t* word = form == VS_CONSTANT_KNOWN ? &p->regs[i].known : &p->regs[i].value;
    for (size_t k = 0; k < reg->width / 8u; k++) {
      constant.bytes[reg->offset + k] = (uint8_t)(*word >> 8 * k);
    }
    known |= p->regs[i].known != 0;
  }
  if (known) constant.form = (uint8_t)form;
  if (known) constant.size = info->state_size;
  return constant;
}

bool vs_constant_agrees(const vs_constant* a, const vs_constant* b, const vs_constant* known) {
  uint8_t differs = 0;
  for (size_t i = 0; i < sizeof a->bytes; i++) {
    differs |= (uint8_t)((a->bytes[i] ^ b->bytes[i]) & known->bytes[i]);
  }
  return differs == 0;
}

// --- how it is printed --------------------------------------------------------------------------

static void print_words(FILE* out, const vs_constant* c) {
  for (size_t i = 0; i < c->size / 8u; i++) {
    fprintf(out, "%s0x%" PRIx64 ",", i % 4 == 0 ? "\n    " : " ", word_at(c->bytes + 8 * i, 8));
  }
}

static void print_state(FILE* out, const vs_constant* c, const vs_arch_info* info) {
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    fprintf(out, "%s.%s = 0x%" PRIx64 ",", i % 3 == 0 ? "\n    " : " ", reg->name,
            word_at(c->bytes + reg->offset, reg->width / 8u));
  }
  unsigned padding = padding_of(info);
  if (padding == 0) return;
  fprintf(out, " .padding1 = 0x%" PRIx64 ",", word_at(c->bytes + c->size - padding, padding));
}

static void print_io(FILE* out, const vs_constant* c) {
  const uint8_t* b = c->bytes;
  fprintf(out, "\n    .access_size = %u, .padding1 = {%u, %u, %u}, .u32 = 0x%" PRIx64 ",", b[0],
          b[1], b[2], b[3], word_at(b + 4, 4));
}

static void print_definition(FILE* out, const vs_constant* c, const vs_arch_info* info) {
  static const char* const types[] = {"", "zx_vcpu_state_t", "zx_vcpu_state_t", "zx_vcpu_io_t",
                                      "uint64_t"};
  bool words = c->form == VS_CONSTANT_WORDS;
  fprintf(out, "static const %s %s%s = {", types[c->form], c->name, words ? "[]" : "");
  if (words) print_words(out, c);
  if (c->form == VS_CONSTANT_IO) print_io(out, c);
  if (c->form == VS_CONSTANT_STATE || c->form == VS_CONSTANT_KNOWN) print_state(out, c, info);
  fprintf(out, "\n};\n");
}

void vs_constants_print_state(FILE* out, const vs_arch_info* info) {
  fprintf(out, "typedef struct zx_vcpu_state {  // of %s\n", info->name);
  for (size_t i = 0; i < info->register_count; i++) {
    fprintf(out, "  uint%u_t %s;\n", info->registers[i].width, info->registers[i].name);
  }
  if (padding_of(info) != 0) fprintf(out, "  uint%u_t padding1;\n", 8 * padding_of(info));
  fprintf(out, "} zx_vcpu_state_t;\n\n");
}

void vs_constants_print_registers(FILE* out, const vs_arch_info* info) {
  fprintf(out,
          "#define REGISTER(name) {#name, offsetof(zx_vcpu_state_t, name), "
          "sizeof(((zx_vcpu_state_t*)0)->name)}\n"
          "static const struct {\n  const char* name;\n  size_t offset;\n  size_t bytes;\n"
          "} registers[] = {");
  for (size_t i = 0; i < info->register_count; i++) {
    fprintf(out, "%sREGISTER(%s),", i % 5 == 0 ? "\n    " : " ", info->registers[i].name);
  }
  fprintf(out, "\n};\n\n");
}

// --- each once ----------------------------------------------------------------------------------

static int compare(const void* a, const void* b) {
  return memcmp(a, b, offsetof(vs_constant, name));
}

void vs_constant_find(vs_constants* all, vs_constant* constant) {
  static const char* const names[] = {"", "state", "known", "io", "words"};
  if (constant->form == VS_CONSTANT_NONE || all->failed) return;
  vs_constant** found = tfind(constant, &all->tree, compare);
  if (found != NULL) {
    *constant = **found;
    return;
  }
  vs_constant* kept = malloc(sizeof *kept);
  all->failed = kept == NULL;
  if (kept == NULL) return;
  snprintf(constant->name, sizeof constant->name, "%s_%zu", names[constant->form], ++all->count);
  memcpy(kept, constant, sizeof *kept);
  all->failed = tsearch(kept, &all->tree, compare) == NULL;
  print_definition(all->out, kept, all->info);
}

void vs_constants_free(vs_constants* all) {
  tdestroy(all->tree, free);
  all->tree = NULL;
}
