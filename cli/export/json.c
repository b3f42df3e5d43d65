// SPDX-License-Identifier: BSD-3-Clause
// The vectors as JSON: docs/vectors.schema.json. A case a line.
#include <inttypes.h>

#include "export.h"
#include "reports/escape.h"
#include "text/names.h"

// Before each member or element but the first.
static void put_comma(FILE* out, bool* first) {
  if (!*first) fputc(',', out);
  *first = false;
}

// Text that may hold anything.
static void put_text(FILE* out, const char* name, const char* text) {
  fprintf(out, "\"%s\":\"", name);
  vs_escape(out, VS_DIALECT_YAML, text);  // within quotes, YAML is JSON
  fputc('"', out);
}

// Of 64 bits, which a JSON number does not hold.
static void put_hex(FILE* out, uint64_t value) {
  fprintf(out, "\"0x%" PRIx64 "\"", value);
}

// --- arguments ----------------------------------------------------------------------------------

static void put_handle(FILE* out, const vs_arg* arg) {
  if (vs_arg_names_resource(arg)) {
    const char* name = arg->form == VS_HANDLE_RESOURCE ? "resource" : "other_resource";
    fprintf(out, "{\"%s\":true}", name);
  } else if (arg->form == VS_HANDLE_RAW) {
    fprintf(out, "{\"value\":\"0x%" PRIx64 "\"}", arg->number);
  } else {
    const char* bits = arg->form == VS_HANDLE_CLEARED ? "cleared" : "inverted";
    fprintf(out, "{\"slot\":%u", arg->slot);
    if (arg->form != VS_HANDLE_SLOT) fprintf(out, ",\"%s\":\"0x%" PRIx64 "\"", bits, arg->number);
    fputc('}', out);
  }
}

static void put_pointer(FILE* out, const vs_op* op, uint8_t type, const vs_arg* arg) {
  size_t given = arg->length < VS_STATE_MAX ? arg->length : VS_STATE_MAX;
  fprintf(out, "{\"at\":\"%s\"", vs_placements[arg->at].name);
  if (arg->argument != 0) fprintf(out, ",\"argument\":%u", arg->argument);
  fprintf(out, ",\"length\":%u", arg->length);
  if (type == VS_PARAM_IN) {
    fputs(",\"bytes\":\"", out);
    for (size_t i = 0; i < given; i++) fprintf(out, "%02x", op->bytes[i]);
    fputc('"', out);
  }
  fputc('}', out);
}

// Numbers of 32 bits as such, those of 64 and masks in hexadecimal.
static void put_argument(FILE* out, const vs_op* op, uint8_t type, const vs_arg* arg) {
  switch (type) {
    case VS_PARAM_HANDLE:
      return put_handle(out, arg);
    case VS_PARAM_OUT_HANDLE:
      fprintf(out, "{\"slot\":%u}", arg->slot);
      return;
    case VS_PARAM_U32:
    case VS_PARAM_KIND:
    case VS_PARAM_VECTOR:
      fprintf(out, "%" PRIu64, arg->number);
      return;
    default:
      if (vs_param_is_pointer(type)) return put_pointer(out, op, type, arg);
      put_hex(out, arg->number);
  }
}

static void put_arguments(FILE* out, const vs_op* op) {
  const vs_param* params = vs_ops[op->code].params;
  bool first = true;
  fputs(",\"arguments\":{", out);
  for (size_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    put_comma(out, &first);
    fprintf(out, "\"%s\":", params[i].name);
    put_argument(out, op, params[i].type, &op->args[i]);
  }
  fputc('}', out);
}

// --- predictions --------------------------------------------------------------------------------

static void put_allowed(FILE* out, const vs_decision* decision) {
  bool first = true;
  fputs(",\"allowed\":[", out);
  for (size_t i = 0; i < decision->count; i++) {
    const vs_allowed* a = &decision->allowed[i];
    put_comma(out, &first);
    fprintf(out, "{\"status\":\"%s\",\"value\":%d", vs_status_name(a->status), (int)a->status);
    if (a->check != VS_CHECK_NONE) fprintf(out, ",\"check\":\"%s\"", vs_checks[a->check].name);
    if (a->latitude != VS_LATITUDE_COUNT) {
      fprintf(out, ",\"latitude\":\"%s\"", vs_latitudes[a->latitude].id);
    }
    fputc('}', out);
  }
  fputc(']', out);
}

static void put_faults(FILE* out, vs_check_set faults) {
  bool first = true;
  fputs(",\"faults\":[", out);
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (!(faults & VS_CHECK_IN(check))) continue;
    put_comma(out, &first);
    fprintf(out, "\"%s\"", vs_checks[check].name);
  }
  fputc(']', out);
}

static void put_registers(FILE* out, const vs_prediction* p, const vs_arch_info* info) {
  bool first = true;
  fputs(",\"registers\":{", out);
  for (size_t i = 0; i < info->register_count; i++) {
    if (p->regs[i].known == 0) continue;
    put_comma(out, &first);
    fprintf(out, "\"%s\":{\"value\":\"0x%" PRIx64 "\",\"known\":\"0x%" PRIx64 "\"}",
            info->registers[i].name, p->regs[i].value, p->regs[i].known);
  }
  fputc('}', out);
}

static void put_op(FILE* out, const vs_op* op, const vs_prediction* p, const vs_arch_info* info) {
  fprintf(out, "{\"op\":\"%s\",\"thread\":%u", vs_ops[op->code].name, op->thread);
  if (op->optional) fputs(",\"optional\":true", out);
  if (op->code < VS_CALL_COUNT) {
    put_arguments(out, op);
    put_allowed(out, &p->allowed);
  }
  if (op->code == VS_CALL_vcpu_write_state) put_faults(out, p->allowed.faults);
  if (p->has_state) put_registers(out, p, info);
  fputc('}', out);
}

// --- the whole ----------------------------------------------------------------------------------

static void put_vector(FILE* out, const vs_vector* vector, const vs_arch_info* info) {
  const vs_predicted* predicted = &vector->predicted;
  bool first = true;
  fputc('{', out);
  put_text(out, "id", vector->id);
  fputc(',', out);
  put_text(out, "title", vector->title);
  fputs(",\"clauses\":[", out);
  for (size_t i = 0; i < vector->clause_count; i++) {
    put_comma(out, &first);
    fprintf(out, "\"%s\"", vs_clauses[vector->clauses[i]].id);
  }
  fputs("],\"omitted\":{", out);
  first = true;
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) {
    if (predicted->omitted[code] == 0) continue;
    put_comma(out, &first);
    fprintf(out, "\"%s\":%zu", vs_ops[code].name, predicted->omitted[code]);
  }
  fputs("},\"ops\":[", out);
  first = true;
  for (size_t i = 0; i < predicted->script.count; i++) {
    put_comma(out, &first);
    put_op(out, &predicted->script.ops[i], &predicted->predictions[i], info);
  }
  fputs("]}", out);
}

static void put_vectors(FILE* out, const vs_export* export, const char* name, size_t from,
                        size_t to) {
  fprintf(out, "\"%s\":[", name);
  for (size_t i = from; i < to; i++) {
    fputs(i > from ? ",\n" : "\n", out);
    put_vector(out, &export->vectors[i], export->info);
  }
  fputs("],\n", out);
}

static void put_layout(FILE* out, const vs_arch_info* info) {
  bool first = true;
  fprintf(out, "\"state_size\":%u,\n\"registers\":[", info->state_size);
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    put_comma(out, &first);
    fprintf(out, "{\"name\":\"%s\",\"offset\":%u,\"bits\":%u}", reg->name, reg->offset, reg->width);
  }
  fputs("],\n", out);
}

static void put_left_out(FILE* out, const vs_export* export) {
  bool first = true;
  fputs("\"left_out\":[", out);
  for (size_t i = 0; i < export->left_out_count; i++) {
    put_comma(out, &first);
    fputc('{', out);
    put_text(out, "id", export->left_out[i].id);
    fputc(',', out);
    put_text(out, "why", export->left_out[i].why);
    fputc('}', out);
  }
  fputs("]\n}\n", out);
}

void vs_export_json(FILE* out, const vs_export* export) {
  const char* const heads[][2] = {{"schema", "vcpuspec vectors"},
                                  {"version", VS_VECTORS_VERSION},
                                  {"program", export->program},
                                  {"profile", export->profile->id},
                                  {"arch", export->info->name}};
  fputs("{\n", out);
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    put_text(out, heads[i][0], heads[i][1]);
    fputs(",\n", out);
  }
  fputs("\"seed\":", out);
  put_hex(out, export->seed);
  fputs(",\n", out);
  put_layout(out, export->info);
  put_vectors(out, export, "cases", 0, export->case_count);
  put_vectors(out, export, "combinations", export->case_count, export->count);
  put_left_out(out, export);
}
