// SPDX-License-Identifier: BSD-3-Clause
// The vectors as a C program: a function that makes a case's calls one after another, for each of
// them, and from runtime.c what they need.
#include <inttypes.h>
#include <string.h>

#include "constants.h"
#include "reports/escape.h"
#include "text/names.h"
#include "words/describe.h"

extern const char vs_runtime[];

typedef struct program {
  FILE* out;
  const vs_export* export;
  bool suite;
  uint64_t calls;     // VS_BIT(vs_call_index) of those that are made
  uint64_t lacking;   // of those, the ones that an implementation may lack
  uint64_t statuses;  // VS_BIT(-status) of those that are allowed
  uint64_t rights;    // bits that are asked for
  uint32_t slots;     // VS_BIT of each that is used
  bool threads;       // some op is another thread's
  bool buffers;       // some call has an in-buffer
  bool looks;         // some call reads registers
  bool compares;      // and it is known what some of them must be
  bool states;        // some constant is a state
  bool placed;        // some buffer has to be at a placement
  vs_constants constants;
  size_t at;  // of the vector that is being printed
} program;

static const vs_predicted* predicted_of(const program* p) {
  return &p->export->vectors[p->at].predicted;
}

static const vs_op* op_at(const program* p, size_t at) {
  return &predicted_of(p)->script.ops[at];
}

static size_t op_count(const program* p) {
  return predicted_of(p)->script.count;
}

// --- what is needed -----------------------------------------------------------------------------

static void survey_argument(program* p, const vs_op* op, uint8_t type, const vs_arg* arg) {
  bool slot = (type == VS_PARAM_HANDLE && vs_arg_names_slot(arg)) || type == VS_PARAM_OUT_HANDLE;
  if (slot) p->slots |= (uint32_t)VS_BIT(arg->slot);
  if (type == VS_PARAM_RIGHTS) p->rights |= arg->number;
  p->looks |= type == VS_PARAM_OUT;
  p->states |= type == VS_PARAM_OUT;
  p->placed |= type == VS_PARAM_OUT && arg->at != VS_AT_EDGE;
  if (type != VS_PARAM_IN) return;
  p->buffers = true;
  p->states |= vs_constant_of_buffer(op, arg, p->export->info).form == VS_CONSTANT_STATE;
  p->placed |= arg->at != VS_AT_PLAIN;
}

static void survey_op(program* p, const vs_op* op, const vs_prediction* prediction) {
  p->threads |= op->thread != 0;
  if (op->code >= VS_CALL_COUNT) return;
  p->calls |= VS_BIT(op->code);
  if (!op->optional) p->lacking &= ~VS_BIT(op->code);
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    survey_argument(p, op, vs_ops[op->code].params[i].type, &op->args[i]);
  }
  p->compares |= prediction->has_state &&
                 vs_constant_of_registers(prediction, VS_CONSTANT_KNOWN, p->export->info).form !=
                     VS_CONSTANT_NONE;
  const vs_decision* allowed = &prediction->allowed;
  for (size_t i = 0; i < allowed->count; i++) p->statuses |= VS_BIT(-allowed->allowed[i].status);
}

// A suite goes on without what is lacking, but for what every case needs.
static void survey(program* p) {
  p->lacking = UINT64_MAX;
  for (p->at = 0; p->at < p->export->count; p->at++) {
    for (size_t i = 0; i < op_count(p); i++) {
      survey_op(p, op_at(p, i), &predicted_of(p)->predictions[i]);
    }
  }
  if (!p->suite) return;
  p->lacking = ~(VS_BIT(VS_CALL_guest_create) | VS_BIT(VS_CALL_vcpu_create) |
                 VS_BIT(VS_CALL_vcpu_write_state) | VS_BIT(VS_CALL_handle_close));
  p->calls |= VS_BIT(VS_CALL_handle_close);
  p->threads = p->placed = true;
}

// --- sections -----------------------------------------------------------------------------------

// The runtime's section below the line "// --- name ---", up to the next such line.
static void print_section(FILE* out, const char* name) {
  char mark[32];
  snprintf(mark, sizeof mark, "// --- %s -", name);
  const char* from = strchr(strstr(vs_runtime, mark), '\n') + 1;
  const char* to = strstr(from, "// --- ");
  fprintf(out, "%.*s", to != NULL ? (int)(to - from) : (int)strlen(from), from);
}

#define VS_WORDS_OF(...) #__VA_ARGS__
#define VS_WORDS(...) VS_WORDS_OF(__VA_ARGS__)

static void print_prototypes(const program* p) {
  static const char* const parameters[VS_CALL_COUNT] = {
#define VS_CALL(name, word, phase, text, ...) \
  [VS_CALL_##name] = VS_WORDS(VS_EACH(VS_DECLARE, __VA_ARGS__)),
#include <vcpuspec/calls.def>
  };
  fprintf(p->out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  for (vs_call_index call = 0; call < VS_CALL_COUNT; call++) {
    if (!(p->calls & VS_BIT(call))) continue;
    const char* attribute = p->lacking & VS_BIT(call) ? "__attribute__((weak)) " : "";
    fprintf(p->out, "%szx_status_t %s(%s);\n", attribute, vs_ops[call].symbol, parameters[call]);
  }
  fprintf(p->out, "#ifdef __cplusplus\n}\n#endif\n\n");
}

static void print_statuses(const program* p) {
  zx_status_t status = ZX_OK;
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) {
    if (!vs_status_find(vs_status_name_at(i), &status)) continue;
    if (status != ZX_OK && !(p->statuses & VS_BIT(-status))) continue;
    fprintf(p->out, "#define %s (%d)\n", vs_status_name_at(i), (int)status);
  }
  fprintf(p->out,
          "static const struct {\n  zx_status_t value;\n  const char* name;\n} statuses[] = {");
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) {
    if (!vs_status_find(vs_status_name_at(i), &status)) continue;
    const char* before = i % 3 == 0 ? "\n    " : " ";
    fprintf(p->out, "%s{%d, \"%s\"},", before, (int)status, vs_status_name_at(i));
  }
  fprintf(p->out, "\n};\n\n");
}

// "ZX_RIGHT_READ | ZX_RIGHT_WRITE".
static void print_right(FILE* out, const vs_right_name* right) {
  fprintf(out, "ZX_RIGHT_");
  for (const char* c = right->name; *c != '\0'; c++) fputc(*c == '_' ? '_' : *c - 'a' + 'A', out);
}

static void print_rights(FILE* out, uint64_t rights) {
  const char* between = "";
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!(rights & vs_right_names[i].right)) continue;
    fprintf(out, "%s", between);
    print_right(out, &vs_right_names[i]);
    rights &= ~(uint64_t)vs_right_names[i].right;
    between = " | ";
  }
  if (rights != 0 || between[0] == '\0') fprintf(out, "%s0x%" PRIx64, between, rights);
}

static void print_right_constants(const program* p) {
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!(p->rights & vs_right_names[i].right)) continue;
    fprintf(p->out, "#define ");
    print_right(p->out, &vs_right_names[i]);
    fprintf(p->out, " 0x%" PRIx32 "u\n", vs_right_names[i].right);
  }
}

// The executor's layout, as text.
static const struct {
  const char* code;
  const char* zone;
  const char* offset;
  const char* head;
  const char* tail;
} layout[VS_PLACEMENT_COUNT] = {
#define VS_LAYOUT(code, zone, offset, head, tail) \
  [VS_AT_##code] = {#code, #zone, #offset, #head, #tail},
#include "executor/layout.def"
};

static void print_layout(FILE* out) {
  fprintf(out, "// Where a buffer lies.\nenum {\n");
  for (vs_placement at = 0; at < VS_PLACEMENT_COUNT; at++) {
    fprintf(out, "  AT_%s,  // %s\n", layout[at].code, vs_placements[at].text);
  }
  fprintf(out,
          "};\n\nstatic extent extent_of(int at, uint64_t n, uint64_t length) {\n"
          "  const uint64_t part = n < length ? n : length;\n  switch (at) {\n");
  for (vs_placement at = 0; at < VS_PLACEMENT_COUNT; at++) {
    fprintf(out, "    case AT_%s:\n      return lies(\"%s\", %s, %s, %s, %s);\n", layout[at].code,
            vs_placements[at].name, layout[at].zone, layout[at].offset, layout[at].head,
            layout[at].tail);
  }
  fprintf(out, "    default:\n      return lies(\"nowhere\", nothing, 0, length, 0);\n  }\n}\n\n");
}

static void print_buffers(const program* p) {
  if (p->placed) {
    print_section(p->out, "zones");
    print_layout(p->out);
    print_section(p->out, "place");
  } else if (p->buffers) {
    print_section(p->out, "plain");
  }
  if (p->placed || p->buffers) fprintf(p->out, "static MAY_BE_UNUSED void* buffer;\n\n");
}

static void print_sections(const program* p) {
  print_section(p->out, "head");
  print_prototypes(p);
  print_right_constants(p);
  print_statuses(p);
  if (p->states) vs_constants_print_state(p->out, p->export->info);
  print_section(p->out, "judge");
  print_section(p->out, "handles");
  print_buffers(p);
  if (p->compares) vs_constants_print_registers(p->out, p->export->info);
  if (p->compares) print_section(p->out, "registers");
  if (p->looks && !p->placed) fprintf(p->out, "static zx_vcpu_state_t seen;\n\n");
  if (p->threads) print_section(p->out, "threads");
}

// --- constants ----------------------------------------------------------------------------------

static const vs_arg* buffer_of(const vs_op* op, vs_param_type type) {
  uint8_t at = vs_param_find(op->code, type, 0);
  return at < VS_ARGS_MAX ? &op->args[at] : NULL;
}

static vs_constant contents_of(program* p, const vs_op* op) {
  const vs_arg* in = buffer_of(op, VS_PARAM_IN);
  vs_constant constant = vs_constant_of_buffer(op, in, p->export->info);
  vs_constant_find(&p->constants, &constant);
  return constant;
}

static vs_constant known_at(program* p, size_t at) {
  const vs_prediction* prediction = &predicted_of(p)->predictions[at];
  vs_constant known = vs_constant_of_registers(prediction, VS_CONSTANT_KNOWN, p->export->info);
  vs_constant_find(&p->constants, &known);
  return known;
}

// What was accepted last, if that is what must be seen.
static vs_constant value_at(program* p, size_t at, const vs_constant* known) {
  const vs_prediction* prediction = &predicted_of(p)->predictions[at];
  vs_constant value = vs_constant_of_registers(prediction, VS_CONSTANT_STATE, p->export->info);
  for (size_t i = at; i-- > 0;) {
    const vs_decision* allowed = &predicted_of(p)->predictions[i].allowed;
    bool in = buffer_of(op_at(p, i), VS_PARAM_IN) != NULL;
    if (!in || vs_decision_find(allowed, ZX_OK) == NULL) continue;
    vs_constant written = contents_of(p, op_at(p, i));
    if (written.form != VS_CONSTANT_STATE) continue;
    if (vs_constant_agrees(&written, &value, known)) return written;
    break;
  }
  vs_constant_find(&p->constants, &value);
  return value;
}

static void print_constants(program* p) {
  for (p->at = 0; p->at < p->export->count; p->at++) {
    for (size_t i = 0; i < op_count(p); i++) {
      if (buffer_of(op_at(p, i), VS_PARAM_IN) != NULL) contents_of(p, op_at(p, i));
      if (!predicted_of(p)->predictions[i].has_state) continue;
      vs_constant known = known_at(p, i);
      value_at(p, i, &known);
    }
  }
}

// --- calls --------------------------------------------------------------------------------------

static void print_handle(FILE* out, const vs_arg* arg) {
  switch (arg->form) {
    case VS_HANDLE_SLOT:
      fprintf(out, "h%u", arg->slot);
      break;
    case VS_HANDLE_CLEARED:
      fprintf(out, "unused(h%u & ~0x%" PRIx64 "u)", arg->slot, arg->number);
      break;
    case VS_HANDLE_FLIPPED:
      fprintf(out, "unused(h%u ^ 0x%" PRIx64 "u)", arg->slot, arg->number);
      break;
    case VS_HANDLE_RESOURCE:
      fprintf(out, "resource");
      break;
    case VS_HANDLE_OTHER_RESOURCE:
      fprintf(out, "other_resource");
      break;
    default:
      fprintf(out, arg->number != 0 ? "unused(0x%" PRIx64 "u)" : "ZX_HANDLE_INVALID", arg->number);
  }
}

static void print_number(FILE* out, uint64_t number) {
  if (number < 65536) {
    fprintf(out, "%" PRIu64, number);
  } else {
    fprintf(out, number > UINT32_MAX ? "UINT64_C(0x%" PRIx64 ")" : "0x%" PRIx64 "u", number);
  }
}

static void print_kind(FILE* out, uint64_t kind) {
  if (kind == ZX_VCPU_STATE || kind == ZX_VCPU_IO) {
    fprintf(out, kind == ZX_VCPU_IO ? "ZX_VCPU_IO" : "ZX_VCPU_STATE");
  } else {
    fprintf(out, "0x%" PRIx64, kind);
  }
}

static void print_argument(const program* p, uint8_t type, const vs_arg* arg) {
  switch (type) {
    case VS_PARAM_HANDLE:
      return print_handle(p->out, arg);
    case VS_PARAM_OUT_HANDLE:
      fprintf(p->out, "&h%u", arg->slot);
      return;
    case VS_PARAM_KIND:
      return print_kind(p->out, arg->number);
    case VS_PARAM_RIGHTS:
      return print_rights(p->out, arg->number);
    case VS_PARAM_IN:
    case VS_PARAM_OUT:
      fprintf(p->out, type == VS_PARAM_IN || p->placed ? "buffer" : "&seen");
      return;
    default:
      return print_number(p->out, arg->number);
  }
}

static void print_call(const program* p, const vs_op* op) {
  const vs_param* params = vs_ops[op->code].params;
  fprintf(p->out, "%s(", vs_ops[op->code].symbol);
  for (size_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    fprintf(p->out, "%s", i > 0 ? ", " : "");
    print_argument(p, params[i].type, &op->args[i]);
  }
  fprintf(p->out, ")");
}

// "buffer = place(AT_EDGE, 0, 136, &state_4, sizeof state_4);"
static void print_in(program* p, const vs_op* op, const vs_arg* in) {
  vs_constant contents = contents_of(p, op);
  const char* name = contents.name;
  if (p->placed) {
    fprintf(p->out, "buffer = place(AT_%s, %u, ", layout[in->at].code, in->argument);
  } else {
    fprintf(p->out, "buffer = plain(");
  }
  if (contents.form == VS_CONSTANT_NONE) fprintf(p->out, "%u, NULL, 0);\n", in->length);
  if (contents.form != VS_CONSTANT_NONE) {
    fprintf(p->out, "%u, &%s, sizeof %s);\n", in->length, name, name);
  }
}

static void print_out(const program* p, const vs_arg* out) {
  fprintf(p->out, "buffer = room(AT_%s, %u, %u);\n", layout[out->at].code, out->argument,
          out->length);
}

static void print_allowed(const program* p, const vs_decision* allowed) {
  for (size_t i = 0; i < allowed->count; i++) {
    fprintf(p->out, ", %s", vs_status_name(allowed->allowed[i].status));
  }
}

// --- statements ---------------------------------------------------------------------------------

static void print_comment(const program* p, size_t at) {
  char words[512];
  vs_text text = vs_text_in(words, sizeof words);
  vs_say_op(&text, op_at(p, at));
  fprintf(p->out, "  // %zu  %s", at, words);
  const vs_decision* allowed = &predicted_of(p)->predictions[at].allowed;
  vs_check_set said = VS_CHECK_IN(VS_CHECK_NONE);
  for (size_t i = 0; i < allowed->count; i++) {
    vs_check_code check = allowed->allowed[i].check;
    if (said & VS_CHECK_IN(check)) continue;
    fprintf(p->out, "%s%s", said == VS_CHECK_IN(VS_CHECK_NONE) ? ": " : "; ",
            vs_checks[check].reason);
    said |= (vs_check_set)VS_CHECK_IN(check);
  }
  fputc('\n', p->out);
}

// True of a slot whose handle an earlier op of the case closed.
static bool is_closed(const program* p, size_t at, uint8_t slot) {
  while (at-- > 0) {
    const vs_op* op = op_at(p, at);
    for (unsigned i = 0; vs_op_out(op, i) != NULL && i < 2; i++) {
      if (vs_op_out(op, i)->slot == slot) return false;
    }
    bool closes = op->code == VS_CALL_handle_close || op->code == VS_CALL_handle_replace;
    bool named = op->args[0].form == VS_HANDLE_SLOT && op->args[0].slot == slot;
    if (closes && named) return true;
  }
  return false;
}

// True of an op that a case goes on without where the call is lacking.
static bool is_look(const vs_op* op) {
  return op->optional && buffer_of(op, VS_PARAM_OUT) != NULL;
}

static bool is_first(const program* p, size_t at) {
  size_t i = 0;
  while (op_at(p, i)->code != op_at(p, at)->code || is_look(op_at(p, i))) i++;
  return i == at;
}

static void print_needs(const program* p, size_t at) {
  const vs_op* op = op_at(p, at);
  bool lacking = (p->lacking & VS_BIT(op->code)) && !is_look(op);
  if (lacking && is_first(p, at)) fprintf(p->out, "  NEED_CALL(%s);\n", vs_ops[op->code].symbol);
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    bool handle = vs_ops[op->code].params[i].type == VS_PARAM_HANDLE;
    bool other = handle && op->args[i].form == VS_HANDLE_OTHER_RESOURCE;
    if (other) fprintf(p->out, "  NEED_OTHER_RESOURCE;\n");
    if (!handle || op->args[i].form != VS_HANDLE_SLOT) continue;
    if (is_closed(p, at, op->args[i].slot)) {
      fprintf(p->out, "  NEED_CLOSED(h%u);\n", op->args[i].slot);
    }
  }
}

static void print_registers(program* p, size_t at, const char* indent) {
  vs_constant known = known_at(p, at);
  if (known.form == VS_CONSTANT_NONE) return;
  vs_constant value = value_at(p, at, &known);
  fprintf(p->out, "%sEXPECT_REGISTERS(%s, &%s, &%s);\n", indent, p->placed ? "buffer" : "&seen",
          value.name, known.name);
}

static void print_handles(const program* p, const vs_op* op, bool accepted) {
  bool closes =
      (op->code == VS_CALL_handle_close && accepted) || op->code == VS_CALL_handle_replace;
  if (closes && op->args[0].form == VS_HANDLE_SLOT)
    fprintf(p->out, "  closed(&h%u);\n", op->args[0].slot);
  for (unsigned i = 0; i < 2 && accepted && vs_op_out(op, i) != NULL; i++) {
    fprintf(p->out, "  EXPECT_NEW(h%u);\n", vs_op_out(op, i)->slot);
  }
}

static void print_statement(program* p, size_t at) {
  const vs_op* op = op_at(p, at);
  bool may_lack = is_look(op) && (p->lacking & VS_BIT(op->code));
  const char* indent = may_lack ? "    " : "  ";
  print_comment(p, at);
  print_needs(p, at);
  if (may_lack) fprintf(p->out, "  if (%s != NULL) {\n", vs_ops[op->code].symbol);
  const vs_arg* in = buffer_of(op, VS_PARAM_IN);
  const vs_arg* out = p->placed ? buffer_of(op, VS_PARAM_OUT) : NULL;
  if (in != NULL || out != NULL) fprintf(p->out, "%s", indent);
  if (in != NULL) print_in(p, op, in);
  if (out != NULL) print_out(p, out);
  bool accepted = vs_decision_find(&predicted_of(p)->predictions[at].allowed, ZX_OK) != NULL;
  bool setup = vs_op_makes_object(op->code) && accepted;
  fprintf(p->out, "%s%s(%zu, ", indent, setup ? "NEED" : "EXPECT", at);
  print_call(p, op);
  if (!setup) print_allowed(p, &predicted_of(p)->predictions[at].allowed);
  fprintf(p->out, ");\n");
  print_handles(p, op, accepted);
  if (predicted_of(p)->predictions[at].has_state) print_registers(p, at, indent);
  if (may_lack) fprintf(p->out, "  }\n");
}

// --- functions ----------------------------------------------------------------------------------

static void print_function_name(const program* p) {
  if (p->suite) fprintf(p->out, "case_%zu", p->at + 1);
  if (!p->suite) fprintf(p->out, "script");
}

// The ops of another thread that follow each other are a function of their own.
static bool goes_on(const program* p, size_t at) {
  return at > 0 && op_at(p, at)->thread == op_at(p, at - 1)->thread &&
         op_at(p, at - 1)->code != VS_OP_thread_exit;
}

static void print_jobs(program* p) {
  for (size_t i = 0; i < op_count(p); i++) {
    const vs_op* op = op_at(p, i);
    if (op->thread == 0 || op->code == VS_OP_thread_exit) continue;
    if (!goes_on(p, i)) {
      fprintf(p->out, "static void ");
      print_function_name(p);
      fprintf(p->out, "_op_%zu(void) {\n", i);
    }
    print_statement(p, i);
    bool last =
        i + 1 == op_count(p) || !goes_on(p, i + 1) || op_at(p, i + 1)->code == VS_OP_thread_exit;
    if (last) fprintf(p->out, "}\n\n");
  }
}

static void print_op(program* p, size_t at) {
  const vs_op* op = op_at(p, at);
  if (op->code == VS_OP_thread_exit) {
    fprintf(p->out, "  end_thread(%u);\n", op->thread);
  } else if (op->thread == 0) {
    print_statement(p, at);
  } else if (!goes_on(p, at)) {
    fprintf(p->out, "  ON_THREAD(%u, ", op->thread);
    print_function_name(p);
    fprintf(p->out, "_op_%zu);\n", at);
  }
}

// Text that may hold anything, within a comment of one line.
static void print_line(FILE* out, const char* before, const char* text) {
  fprintf(out, "// %s", before);
  for (; *text != '\0'; text++) {
    fputc((unsigned char)*text < ' ' || *text == '\\' ? ' ' : *text, out);
  }
  fputc('\n', out);
}

static void print_function(program* p) {
  print_jobs(p);
  if (p->suite) print_line(p->out, "", p->export->vectors[p->at].title);
  fprintf(p->out, "static void ");
  print_function_name(p);
  fprintf(p->out, "(void) {\n");
  for (size_t i = 0; i < op_count(p); i++) print_op(p, i);
  fprintf(p->out, "}\n\n");
}

// --- the program --------------------------------------------------------------------------------

// "guests" of "guests.rights".
static size_t group_length(const char* id) {
  return strcspn(id, ".");
}

static bool is_group_of(const char* id, const char* other) {
  const size_t length = group_length(id);
  return length == group_length(other) && strncmp(id, other, length) == 0;
}

// True of the first of the cases that are left out of a group of which none is in the file.
static bool begins_missing_group(const vs_export* e, size_t at) {
  const char* id = e->left_out[at].id;
  for (size_t i = 0; i < at; i++) {
    if (is_group_of(id, e->left_out[i].id)) return false;
  }
  for (size_t i = 0; i < e->count; i++) {
    if (is_group_of(id, e->vectors[i].id)) return false;
  }
  return true;
}

static void print_missing_groups(const program* p) {
  const vs_export* e = p->export;
  fprintf(p->out, "static const char missing[] = \"");
  for (size_t i = 0; i < e->left_out_count; i++) {
    const char* id = e->left_out[i].id;
    if (begins_missing_group(e, i)) fprintf(p->out, " %.*s", (int)group_length(id), id);
  }
  fprintf(p->out, "\";\n\n");
}

static void print_suite(const program* p) {
  const vs_export* e = p->export;
  fprintf(p->out,
          "static const struct {\n  const char* id;\n  void (*run)(void);\n} cases[] = {\n");
  for (size_t i = 0; i < e->count; i++) {
    fprintf(p->out, "    {\"");
    vs_escape(p->out, VS_DIALECT_YAML, e->vectors[i].id);  // within quotes, YAML is C
    fprintf(p->out, "\", case_%zu},\n", i + 1);
  }
  fprintf(p->out, "};\n\nenum { LEFT_OUT = %zu };\nstatic const char about[] = \"vcpuspec %s, ",
          e->left_out_count, e->program);
  fprintf(p->out, "vectors %s, %s, seed %" PRIu64 ", ", VS_VECTORS_VERSION, e->info->name, e->seed);
  vs_escape(p->out, VS_DIALECT_YAML, e->profile->id);
  fprintf(p->out, "\";\n");
  print_missing_groups(p);
}

static void print_omitted(const program* p) {
  for (size_t i = 0; i < p->export->left_out_count; i++) {
    print_line(p->out, "Not in here: ", p->export->left_out[i].id);
    fprintf(p->out, "//   %s\n", p->export->left_out[i].why);
  }
  const size_t* omitted = p->export->vectors[0].predicted.omitted;
  for (vs_op_code code = 0; code < VS_OP_COUNT && !p->suite; code++) {
    if (omitted[code] == 0) continue;
    fprintf(p->out, "// Not in here: %zu times %s, which the script makes optional.\n",
            omitted[code], vs_ops[code].name);
  }
}

static void print_head(const program* p) {
  const vs_export* e = p->export;
  print_line(p->out, "", "SPDX-License-Identifier: BSD-3-Clause");
  print_line(p->out, "", p->suite ? "Cases of vcpuspec; prints TAP." : e->vectors[0].title);
  if (!p->suite) print_line(p->out, "Script: ", e->vectors[0].id);
  print_line(p->out, "Judged by profile: ", e->profile->id);
  fprintf(p->out,
          "// Made by vcpuspec %s, for %s.\n//\n"
          "//   cc -std=c17 -o test THIS.c YOUR_OBJECT -lpthread && ./test\n//\n"
          "// Exit status: 0 conforms, 1 does not, 3 no memory or thread, 5 could not be "
          "judged.\n",
          e->program, e->info->name);
  print_omitted(p);
}

static void print_slots(const program* p) {
  for (unsigned i = 0; i < VS_SLOTS; i++) {
    if (p->slots & VS_BIT(i)) fprintf(p->out, "static zx_handle_t h%u;\n", i);
  }
  fputc('\n', p->out);
}

bool vs_export_c(FILE* out, const vs_export* export, bool suite) {
  program p = {.out = out,
               .export = export,
               .suite = suite,
               .constants = {.out = out, .info = export->info}};
  survey(&p);
  print_head(&p);
  print_sections(&p);
  fprintf(out, "// --- the %s ---\n\n", suite ? "cases" : "script");
  print_constants(&p);
  print_slots(&p);
  for (p.at = 0; p.at < export->count; p.at++) print_function(&p);
  if (suite) print_suite(&p);
  print_section(out, suite ? "suite" : "one");
  vs_constants_free(&p.constants);
  return !p.constants.failed;
}
