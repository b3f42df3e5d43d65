// SPDX-License-Identifier: BSD-3-Clause
// One script as a C program that makes its calls one after another: what a bug report wants.
#include <inttypes.h>
#include <string.h>

#include "runner/describe.h"
#include "text/names.h"
#include "words.h"

extern const char vs_harness[];
extern const char vs_direct[];

typedef struct direct {
  FILE* out;
  const vs_export* export;
  const vs_predicted* predicted;
  uint64_t codes;   // VS_BIT(vs_op_code) of what is done
  uint64_t needed;  // of those, by ops that are not optional
  bool placed;      // some buffer is anywhere but plain
  bool threads;     // some op is another thread's
  bool made_up;     // some handle is a value of its own
} direct;

static const vs_op* op_at(const direct* d, size_t at) {
  return &d->predicted->script.ops[at];
}

static void survey(direct* d) {
  for (size_t i = 0; i < d->predicted->script.count; i++) {
    const vs_op* op = op_at(d, i);
    d->codes |= VS_BIT(op->code);
    if (!op->optional) d->needed |= VS_BIT(op->code);
    d->threads |= op->thread != 0;
    d->made_up |= op->args[0].form > VS_HANDLE_CLEARED && op->args[0].number != 0;
    d->placed |= op->code == VS_CALL_vcpu_write_state &&
                 VS_OP_ARG(op, vcpu_write_state, buffer).at != VS_AT_PLAIN;
  }
  d->codes |= VS_BIT(VS_CALL_handle_close);
  d->needed |= VS_BIT(VS_CALL_handle_close);
}

// --- data -------------------------------------------------------------------------------------

static bool same_words(const vs_op* a, const vs_op* b) {
  uint64_t words[2][VS_WORDS_OF_STATE];
  if (a->code != VS_CALL_vcpu_write_state || b->code != VS_CALL_vcpu_write_state) return false;
  size_t count = vs_words_of_buffer(&a->buffer, words[0]);
  return count == vs_words_of_buffer(&b->buffer, words[1]) &&
         memcmp(words[0], words[1], count * sizeof words[0][0]) == 0;
}

// The first op whose buffer, or registers, are the same.
static size_t first_like(const direct* d, size_t at) {
  const vs_prediction* all = d->predicted->predictions;
  for (size_t i = 0; i < at; i++) {
    if (same_words(op_at(d, i), op_at(d, at))) return i;
    bool states = all[i].has_state && all[at].has_state;
    if (states && memcmp(all[i].regs, all[at].regs, sizeof all[i].regs) == 0) return i;
  }
  return at;
}

static void print_words(const direct* d, size_t at) {
  uint64_t words[VS_WORDS_OF_STATE];
  size_t count = vs_words_of_buffer(&op_at(d, at)->buffer, words);
  if (count == 0) return;
  fprintf(d->out, "static const uint64_t b%zu[] = {", at);
  for (size_t i = 0; i < count; i++) {
    fprintf(d->out, "%s0x%" PRIx64 ",", i % 4 == 0 ? "\n    " : " ", words[i]);
  }
  fprintf(d->out, "\n};\n");
}

static bool knows_any(const vs_prediction* p) {
  for (size_t i = 0; i < VS_REGISTERS_MAX; i++) {
    if (p->regs[i].known != 0) return true;
  }
  return false;
}

static void print_seen(const direct* d, size_t at) {
  const vs_prediction* p = &d->predicted->predictions[at];
  if (!knows_any(p)) return;
  fprintf(d->out, "static const seen r%zu[] = {\n", at);
  for (size_t i = 0; i < d->export->info->register_count; i++) {
    const vs_register* reg = &d->export->info->registers[i];
    if (p->regs[i].known == 0) continue;
    fprintf(d->out, "    {\"%s\", %u, %u, 0x%" PRIx64 ", 0x%" PRIx64 "},\n", reg->name, reg->offset,
            reg->width / 8u, p->regs[i].value, p->regs[i].known);
  }
  fprintf(d->out, "};\n");
}

static void print_data(const direct* d) {
  for (size_t i = 0; i < d->predicted->script.count; i++) {
    if (first_like(d, i) != i) continue;
    if (op_at(d, i)->code == VS_CALL_vcpu_write_state) print_words(d, i);
    if (d->predicted->predictions[i].has_state) print_seen(d, i);
  }
  fputc('\n', d->out);
}

// --- calls ------------------------------------------------------------------------------------

static void print_handle(FILE* out, const vs_arg* ref) {
  if (ref->form == VS_HANDLE_SLOT) fprintf(out, "h[%u]", ref->slot);
  if (ref->form == VS_HANDLE_CLEARED)
    fprintf(out, "h[%u] & ~0x%" PRIx32 "u", ref->slot, ref->value);
  if (ref->form == VS_HANDLE_FLIPPED) {
    fprintf(out, "unused(h[%u] ^ 0x%" PRIx32 "u)", ref->slot, ref->value);
  }
  if (ref->form != VS_HANDLE_RAW) return;
  fprintf(out, ref->value != 0 ? "unused(0x%" PRIx32 "u)" : "%" PRIu32, ref->value);
}

static void print_buffer(const direct* d, size_t at) {
  const vs_buffer* buffer = &op_at(d, at)->buffer;
  uint64_t words[VS_WORDS_OF_STATE];
  size_t count = vs_words_of_buffer(buffer, words);
  char name[32] = "NULL";
  if (count > 0) snprintf(name, sizeof name, "b%zu", first_like(d, at));
  if (d->placed) {
    fprintf(d->out, "placed(AT_%s, %u, %u, %s, %zu)", vs_placements[buffer->at].name,
            buffer->argument, buffer->length, name, count);
  } else {
    fprintf(d->out, "plain(%s, %zu, %u)", name, count, buffer->length);
  }
}

static void print_write(const direct* d, size_t at) {
  const vs_op* op = op_at(d, at);
  fprintf(d->out, "zx_vcpu_write_state(");
  print_handle(d->out, &op->args[0]);
  if (VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_STATE ||
      VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO) {
    fprintf(d->out, ", %s, ",
            VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO ? "ZX_VCPU_IO"
                                                                       : "ZX_VCPU_STATE");
  } else {
    fprintf(d->out, ", 0x%" PRIx32 ", ", VS_OP_ARG(op, vcpu_write_state, kind).number);
  }
  print_buffer(d, at);
  fprintf(d->out, ", UINT64_C(%" PRIu64 "))", VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
}

static void print_creation(FILE* out, const vs_op* op) {
  if (op->code == VS_CALL_guest_create) {
    fprintf(out, "zx_guest_create(resource, 0, &h[%u], &h[%u])", op->out, op->out2);
  }
  if (op->code == VS_CALL_vcpu_create) {
    fprintf(out, "zx_vcpu_create(");
    print_handle(out, &op->args[0]);
    fprintf(out, ", 0, 0, &h[%u])", op->out);
  }
  if (op->code == VS_CALL_event_create) fprintf(out, "zx_event_create(0, &h[%u])", op->out);
  if (op->code == VS_CALL_port_create) fprintf(out, "zx_port_create(0, &h[%u])", op->out);
  if (op->code == VS_CALL_vmo_create) fprintf(out, "zx_vmo_create(4096, 0, &h[%u])", op->out);
}

// "zx_handle_close(h[3])", and what else begins with the handle.
static void print_call_of_handle(FILE* out, const vs_op* op) {
  static const char* const names[VS_OP_COUNT] = {[VS_CALL_handle_close] = "zx_handle_close",
                                                 [VS_CALL_handle_duplicate] = "zx_handle_duplicate",
                                                 [VS_CALL_handle_replace] = "zx_handle_replace",
                                                 [VS_CALL_vcpu_read_state] = "zx_vcpu_read_state",
                                                 [VS_CALL_vcpu_kick] = "zx_vcpu_kick",
                                                 [VS_CALL_vcpu_interrupt] = "zx_vcpu_interrupt"};
  fprintf(out, "%s(", names[op->code]);
  print_handle(out, &op->args[0]);
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  if (derives)
    fprintf(out, ", 0x%" PRIx32 ", &h[%u]", VS_OP_ARG(op, handle_duplicate, rights).number,
            op->out);
  if (op->code == VS_CALL_vcpu_read_state) fprintf(out, ", ZX_VCPU_STATE, state, STATE_SIZE");
  if (op->code == VS_CALL_vcpu_interrupt)
    fprintf(out, ", %" PRIu32, VS_OP_ARG(op, vcpu_interrupt, vector).number);
  fputc(')', out);
}

static void print_call(const direct* d, size_t at) {
  const vs_op* op = op_at(d, at);
  if (op->code == VS_CALL_vcpu_write_state) {
    print_write(d, at);
  } else if (vs_ops[op->code].phase == VS_PHASE_SETUP) {
    print_creation(d->out, op);
  } else {
    print_call_of_handle(d->out, op);
  }
}

static void print_allowed(const direct* d, size_t at) {
  const vs_decision* decision = &d->predicted->predictions[at].allowed;
  for (size_t i = 0; i < decision->count; i++) {
    fprintf(d->out, ", %s", vs_status_name(decision->allowed[i].status));
  }
  fprintf(d->out, ");\n");
}

// --- statements -------------------------------------------------------------------------------

static void print_read(const direct* d, size_t at, const char* indent) {
  size_t like = first_like(d, at);
  if (!knows_any(&d->predicted->predictions[at])) return;
  fprintf(d->out, "%sregisters(%zu, r%zu, sizeof r%zu / sizeof r%zu[0]);\n", indent, at, like, like,
          like);
}

static void print_statement(const direct* d, size_t at) {
  const vs_op* op = op_at(d, at);
  bool setup = vs_ops[op->code].phase == VS_PHASE_SETUP;
  bool may_lack =
      op->optional && op->code == VS_CALL_vcpu_read_state && !(d->needed & VS_BIT(op->code));
  if (may_lack) fprintf(d->out, "  if (zx_vcpu_read_state != NULL) {\n");
  fprintf(d->out, "%s  %s(%zu, ", may_lack ? "  " : "", setup ? "NEED" : "EXPECT", at);
  print_call(d, at);
  if (setup) {
    fprintf(d->out, ");\n");
  } else {
    print_allowed(d, at);
  }
  if (op->code == VS_CALL_vcpu_write_state) fprintf(d->out, "  unchanged(%zu);\n", at);
  if (op->code == VS_CALL_vcpu_read_state) print_read(d, at, may_lack ? "    " : "  ");
  if (may_lack) fprintf(d->out, "  }\n");
}

static void print_comment(const direct* d, size_t at) {
  char words[512];
  vs_text text = vs_text_in(words, sizeof words);
  vs_say_op(&text, op_at(d, at));
  fprintf(d->out, "  // %zu  %s", at, words);
  const vs_decision* decision = &d->predicted->predictions[at].allowed;
  const char* before = ": ";
  for (size_t i = 0; i < decision->count; i++) {
    if (decision->allowed[i].check == VS_CHECK_NONE) continue;
    fprintf(d->out, "%s%s", before, vs_checks[decision->allowed[i].check].reason);
    before = "; ";
  }
  fputc('\n', d->out);
}

// What another thread does stands in a function.
static void print_functions(const direct* d) {
  for (size_t i = 0; i < d->predicted->script.count; i++) {
    const vs_op* op = op_at(d, i);
    if (op->thread == 0 || op->code == VS_OP_thread_exit) continue;
    fprintf(d->out, "static void op_%zu(void) {\n", i);
    print_comment(d, i);
    print_statement(d, i);
    fprintf(d->out, "}\n\n");
  }
}

static void print_op(const direct* d, size_t at) {
  const vs_op* op = op_at(d, at);
  if (op->code == VS_OP_thread_exit) {
    fprintf(d->out, "  end_thread(%u);\n", op->thread);
  } else if (op->thread != 0) {
    fprintf(d->out, "  on_thread(%u, op_%zu);\n", op->thread, at);
  } else {
    print_comment(d, at);
    print_statement(d, at);
  }
}

// --- the program ------------------------------------------------------------------------------

// Text that may hold anything, within a comment of one line.
static void print_line(FILE* out, const char* before, const char* text) {
  fprintf(out, "// %s", before);
  for (; *text != '\0'; text++)
    fputc((unsigned char)*text < ' ' || *text == '\\' ? ' ' : *text, out);
  fputc('\n', out);
}

static void print_head(const direct* d) {
  const vs_vector* v = &d->export->vectors[0];
  print_line(d->out, "", "SPDX-License-Identifier: BSD-3-Clause");
  print_line(d->out, "", v->title);
  print_line(d->out, "Script: ", v->id);
  print_line(d->out, "Judged by profile: ", d->export->profile->id);
  fprintf(d->out, "// Made by vcpuspec %s, for %s.\n//\n", d->export->program,
          d->export->info->name);
  fprintf(d->out,
          "//   cc -std=c17 -o test THIS.c YOUR_OBJECT -lpthread && ./test\n"
          "//\n"
          "// Exit status: 0 conforms, 1 does not, 5 could not be judged.\n");
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) {
    if (d->predicted->omitted[code] == 0) continue;
    fprintf(d->out, "// Not in here: %zu times %s, which the script makes optional.\n",
            d->predicted->omitted[code], vs_ops[code].name);
  }
}

static void print_sections(const direct* d) {
  vs_print_section(d->out, vs_direct, "head");
  vs_print_prototypes(d->out, d->codes, d->codes & ~d->needed);
  vs_print_statuses(d->out);
  vs_print_section(d->out, vs_direct, "judge");
  if (d->made_up) vs_print_section(d->out, vs_direct, "unused");
  if (d->placed) {
    vs_print_placements(d->out);
    vs_print_section(d->out, vs_harness, "a buffer");
    vs_print_section(d->out, vs_harness, "buffers");
    vs_print_section(d->out, vs_direct, "placed");
  } else if (d->codes & VS_BIT(VS_CALL_vcpu_write_state)) {
    vs_print_section(d->out, vs_direct, "plain");
  }
  if (d->codes & VS_BIT(VS_CALL_vcpu_read_state)) {
    fprintf(d->out, "\nenum { STATE_SIZE = %u };\n", d->export->info->state_size);
    vs_print_section(d->out, vs_direct, "registers");
  }
  if (d->threads) vs_print_section(d->out, vs_direct, "threads");
  if (d->codes & VS_BIT(VS_OP_thread_exit)) vs_print_section(d->out, vs_direct, "thread_exit");
}

void vs_export_direct(FILE* out, const vs_export* export) {
  direct d = {.out = out, .export = export, .predicted = &export->vectors[0].predicted};
  survey(&d);
  print_head(&d);
  print_sections(&d);
  fprintf(out, "\n// --- the script ---\n\n");
  print_data(&d);
  print_functions(&d);
  fprintf(out,
          "int main(void) {\n"
          "  atexit(at_end);\n"
          "  const char* word = getenv(\"VCPUSPEC_RESOURCE\");\n"
          "  zx_handle_t resource = word != NULL ? (zx_handle_t)strtoul(word, NULL, 0) : 0;\n");
  for (size_t i = 0; i < d.predicted->script.count; i++) print_op(&d, i);
  fprintf(out, "  printf(\"conforms\\n\");\n  left = true;\n  return 0;\n}\n");
}
