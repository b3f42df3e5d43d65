// SPDX-License-Identifier: BSD-3-Clause
// The vectors as tables of a C file, with the interpreter of harness.c around them.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text/names.h"
#include "text/number.h"
#include "words.h"

extern const char vs_harness[];

// Runs of words, each stored once.
typedef struct pool {
  uint64_t* words;
  size_t count;
  size_t capacity;
  size_t* runs;  // 1 + the start of a run; 0: free. Runs are told apart by content and length.
  size_t* lengths;
  size_t room;
  bool failed;
} pool;

static uint64_t hash_of(const uint64_t* words, size_t count) {
  uint64_t hash = count;
  for (size_t i = 0; i < count; i++) hash = vs_mix(hash, words[i]);
  return hash;
}

static size_t append(pool* p, const uint64_t* words, size_t count) {
  if (p->count + count > p->capacity) {
    size_t capacity = 2 * p->capacity + count + 1024;
    uint64_t* more = realloc(p->words, capacity * sizeof *more);
    if (more == NULL) {
      p->failed = true;
      return 0;
    }
    p->words = more;
    p->capacity = capacity;
  }
  memcpy(p->words + p->count, words, count * sizeof *words);
  p->count += count;
  return p->count - count;
}

// Where the run is, once it is stored.
static size_t store(pool* p, const uint64_t* words, size_t count) {
  if (count == 0 || p->failed) return 0;
  size_t at = hash_of(words, count) % p->room;
  for (; p->runs[at] != 0; at = (at + 1) % p->room) {
    const uint64_t* stored = p->words + p->runs[at] - 1;
    bool same = p->lengths[at] == count && memcmp(stored, words, count * sizeof *words) == 0;
    if (same) return p->runs[at] - 1;
  }
  size_t start = append(p, words, count);
  if (p->failed) return 0;
  p->runs[at] = start + 1;
  p->lengths[at] = count;
  return start;
}

static size_t op_count(const vs_export* export) {
  size_t count = 0;
  for (size_t i = 0; i < export->count; i++) count += export->vectors[i].predicted.script.count;
  return count;
}

// --- the vocabulary ---------------------------------------------------------------------------

static void print_vocabulary(FILE* out) {
  fprintf(out, "enum {");
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) fprintf(out, " OP_%s,", vs_ops[code].name);
  fprintf(out, " OPS };\nstatic const char* const op_names[] = {");
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) fprintf(out, "\"%s\",", vs_ops[code].name);
  fprintf(out, "};\nstatic const char* const at_names[] = {");
  for (vs_placement at = 0; at < VS_PLACEMENT_COUNT; at++) {
    fprintf(out, "\"%s\",", vs_placements[at].name);
  }
  fprintf(out, "};\n\n");
}

static void print_registers(FILE* out, const vs_arch_info* info) {
  fprintf(out, "enum { STATE_SIZE = %u, REGISTERS = %u };  // bytes; %s\n", info->state_size,
          info->register_count, info->name);
  fprintf(out,
          "static const struct {\n  const char* name;\n  size_t offset;\n  size_t bytes;\n} "
          "registers[] = {\n");
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    fprintf(out, "    {\"%s\", %u, %u},\n", reg->name, reg->offset, reg->width / 8u);
  }
  fprintf(out, "};\n\n");
}

// --- the ops ----------------------------------------------------------------------------------

static void print_handle(FILE* out, const vs_arg* ref) {
  static const char* const forms[] = {"AS_IS", "CLEARED", "INVERTED", "VALUE"};
  fprintf(out, ", .handle = {%s, %u, 0x%" PRIx32 "}", forms[ref->form], ref->slot,
          ref->form == VS_HANDLE_SLOT ? 0 : ref->value);
}

static void print_buffer(FILE* out, pool* p, const vs_buffer* buffer) {
  uint64_t words[VS_WORDS_OF_STATE];
  size_t count = vs_words_of_buffer(buffer, words);
  fprintf(out, ", .buffer = {AT_%s, %u, %u, words + %zu, %zu}", vs_placements[buffer->at].name,
          buffer->argument, buffer->length, store(p, words, count), count);
}

static void print_registers_of(FILE* out, pool* p, const vs_prediction* prediction, size_t count) {
  uint64_t values[VS_REGISTERS_MAX];
  uint64_t known[VS_REGISTERS_MAX];
  for (size_t i = 0; i < count; i++) {
    values[i] = prediction->regs[i].value;
    known[i] = prediction->regs[i].known;
  }
  size_t first = store(p, values, count);
  fprintf(out, ", .values = words + %zu, .known = words + %zu", first, store(p, known, count));
}

static void print_allowed(FILE* out, const vs_decision* decision) {
  fprintf(out, ", .allowed = ");
  for (size_t i = 0; i < decision->count; i++) {
    fprintf(out, "%sS(%s)", i > 0 ? " | " : "", vs_status_name(decision->allowed[i].status));
  }
}

static void print_op(FILE* out, pool* p, const vs_op* op, const vs_prediction* prediction,
                     const vs_arch_info* info) {
  fprintf(out, "    {.code = OP_%s", vs_ops[op->code].name);
  if (op->thread != 0) fprintf(out, ", .thread = %u", op->thread);
  if (op->optional) fprintf(out, ", .optional = 1");
  if (op->out != 0) fprintf(out, ", .out = %u", op->out);
  if (op->out2 != 0) fprintf(out, ", .out2 = %u", op->out2);
  print_handle(out, &op->args[0]);
  if (VS_OP_ARG(op, vcpu_write_state, kind).number != 0)
    fprintf(out, ", .kind = 0x%" PRIx32, VS_OP_ARG(op, vcpu_write_state, kind).number);
  if (VS_OP_ARG(op, handle_duplicate, rights).number != 0)
    fprintf(out, ", .rights = 0x%" PRIx32, VS_OP_ARG(op, handle_duplicate, rights).number);
  if (VS_OP_ARG(op, vcpu_interrupt, vector).number != 0)
    fprintf(out, ", .vector = %" PRIu32, VS_OP_ARG(op, vcpu_interrupt, vector).number);
  if (VS_OP_ARG(op, vcpu_write_state, buffer_size).number != 0)
    fprintf(out, ", .size = UINT64_C(%" PRIu64 ")",
            VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
  if (op->code == VS_CALL_vcpu_write_state)
    print_buffer(out, p, &VS_OP_ARG(op, vcpu_write_state, buffer));
  if (prediction->has_state) print_registers_of(out, p, prediction, info->register_count);
  if (prediction->allowed.count > 0) print_allowed(out, &prediction->allowed);
  fprintf(out, "},\n");
}

static void print_ops(FILE* out, const vs_export* export, pool* p) {
  fprintf(out, "static const op ops[] = {\n");
  for (size_t i = 0; i < export->count; i++) {
    const vs_predicted* predicted = &export->vectors[i].predicted;
    fprintf(out, "    // %s\n", export->vectors[i].id);
    for (size_t k = 0; k < predicted->script.count; k++) {
      print_op(out, p, &predicted->script.ops[k], &predicted->predictions[k], export->info);
    }
  }
  fprintf(out, "};\n\n");
}

static void print_string(FILE* out, const char* text) {
  fputc('"', out);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') fputc('\\', out);
    if ((unsigned char)*text >= ' ') fputc(*text, out);
  }
  fputc('"', out);
}

static void print_vectors(FILE* out, const vs_export* export) {
  size_t first = 0;
  fprintf(out, "static const vector vectors[] = {\n");
  for (size_t i = 0; i < export->count; i++) {
    size_t count = export->vectors[i].predicted.script.count;
    fprintf(out, "    {");
    print_string(out, export->vectors[i].id);
    fprintf(out, ", %zu, %zu},\n", first, count);
    first += count;
  }
  fprintf(out, "};\n\n");
}

static void print_about(FILE* out, const vs_export* export) {
  fprintf(
      out, "static const char about[] = \"vcpuspec %s, vectors %s: %s, %s, seed %" PRIu64 "\";\n",
      export->program, VS_VECTORS_VERSION, export->profile->id, export->info->name, export->seed);
  fprintf(out, "enum { LEFT_OUT = %zu };\n", export->left_out_count);
  for (size_t i = 0; i < export->left_out_count; i++) {
    fprintf(out, "// left out: %s: %s\n", export->left_out[i].id, export->left_out[i].why);
  }
}

static void print_words(FILE* out, const pool* p) {
  fprintf(out, "static const uint64_t words[] = {");
  for (size_t i = 0; i < p->count; i++) {
    fprintf(out, "%s0x%" PRIx64 ",", i % 6 == 0 ? "\n    " : " ", p->words[i]);
  }
  fprintf(out, "};\n\n");
}

// The ops come behind the words that they bring into the pool.
static bool print_data(FILE* out, const vs_export* export, pool* p) {
  char* text = NULL;
  size_t length = 0;
  FILE* ops = open_memstream(&text, &length);
  if (ops == NULL) return false;
  append(p, (const uint64_t[]){0}, 1);
  print_ops(ops, export, p);
  bool good = fclose(ops) == 0 && !p->failed;
  print_words(out, p);
  if (good) fputs(text, out);
  free(text);
  return good;
}

bool vs_export_tables(FILE* out, const vs_export* export) {
  const uint64_t lacking = ~(VS_BIT(VS_CALL_guest_create) | VS_BIT(VS_CALL_vcpu_create) |
                             VS_BIT(VS_CALL_vcpu_write_state) | VS_BIT(VS_CALL_handle_close));
  const uint64_t not_played =
      VS_BIT(VS_CALL_vcpu_enter) | VS_BIT(VS_OP_await_guest) | VS_BIT(VS_OP_guest_load);
  pool p = {.room = 4 * op_count(export) + 1};
  p.runs = calloc(p.room, sizeof *p.runs);
  p.lengths = calloc(p.room, sizeof *p.lengths);
  const char* rest = vs_print_up_to(out, vs_harness, "#include \"vectors.inc\"");
  print_about(out, export);
  vs_print_prototypes(out, ~not_played, lacking);
  vs_print_statuses(out);
  vs_print_placements(out);
  print_vocabulary(out);
  print_registers(out, export->info);
  bool good = p.runs != NULL && p.lengths != NULL && print_data(out, export, &p);
  print_vectors(out, export);
  fputs(rest, out);
  free(p.words);
  free(p.runs);
  free(p.lengths);
  return good;
}
