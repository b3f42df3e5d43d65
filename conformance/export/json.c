// SPDX-License-Identifier: BSD-3-Clause
// The vectors as JSON: docs/vectors.schema.json. A case a line.
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "export.h"
#include "text/names.h"

// Jansson frees what it is given also when it has no memory to add it: only `failed` is to be kept.
typedef struct writer {
  FILE* out;
  const vs_export* export;
  bool failed;
} writer;

static void put(writer* w, json_t* to, const char* name, json_t* value) {
  w->failed |= json_object_set_new(to, name, value) != 0;
}

static void append(writer* w, json_t* to, json_t* value) {
  w->failed |= json_array_append_new(to, value) != 0;
}

// Of 64 bits, which a JSON number does not hold.
static json_t* hex(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%" PRIx64, value);
  return json_string(text);
}

static json_t* hex_bytes(const uint8_t* bytes, size_t count) {
  char text[2 * VS_STATE_MAX + 1] = "";
  for (size_t i = 0; i < count; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  return json_string(text);
}

// --- arguments ----------------------------------------------------------------------------------

static json_t* handle_of(writer* w, const vs_arg* arg) {
  json_t* handle = json_object();
  if (arg->form == VS_HANDLE_RESOURCE) put(w, handle, "resource", json_true());
  if (arg->form == VS_HANDLE_RAW) put(w, handle, "value", hex(arg->number));
  if (vs_arg_names_slot(arg)) put(w, handle, "slot", json_integer(arg->slot));
  if (arg->form == VS_HANDLE_CLEARED) put(w, handle, "cleared", hex(arg->number));
  if (arg->form == VS_HANDLE_FLIPPED) put(w, handle, "inverted", hex(arg->number));
  return handle;
}

static json_t* pointer_of(writer* w, const vs_op* op, uint8_t type, const vs_arg* arg) {
  json_t* pointer = json_object();
  if (type == VS_PARAM_OUT_HANDLE) {
    put(w, pointer, "slot", json_integer(arg->slot));
    return pointer;
  }
  put(w, pointer, "at", json_string(vs_placements[arg->at].name));
  if (arg->argument != 0) put(w, pointer, "argument", json_integer(arg->argument));
  put(w, pointer, "length", json_integer(arg->length));
  if (type != VS_PARAM_IN) return pointer;
  size_t given = arg->length < VS_STATE_MAX ? arg->length : VS_STATE_MAX;
  put(w, pointer, "bytes", hex_bytes(op->bytes, given));
  return pointer;
}

// Numbers of 32 bits as such, those of 64 and masks in hexadecimal.
static json_t* argument_of(writer* w, const vs_op* op, uint8_t type, const vs_arg* arg) {
  if (type == VS_PARAM_HANDLE) return handle_of(w, arg);
  if (vs_param_is_pointer(type)) return pointer_of(w, op, type, arg);
  bool small = type == VS_PARAM_U32 || type == VS_PARAM_KIND || type == VS_PARAM_VECTOR;
  return small ? json_integer((json_int_t)arg->number) : hex(arg->number);
}

static json_t* arguments_of(writer* w, const vs_op* op) {
  const vs_param* params = vs_ops[op->code].params;
  json_t* all = json_object();
  for (size_t i = 0; i < VS_ARGS_MAX && params[i].type != VS_PARAM_NONE; i++) {
    put(w, all, params[i].name, argument_of(w, op, params[i].type, &op->args[i]));
  }
  return all;
}

// --- predictions --------------------------------------------------------------------------------

static void put_allowed(writer* w, json_t* to, const vs_decision* decision) {
  json_t* all = json_array();
  for (size_t i = 0; i < decision->count; i++) {
    const vs_allowed* a = &decision->allowed[i];
    json_t* one = json_object();
    put(w, one, "status", json_string(vs_status_name(a->status)));
    put(w, one, "value", json_integer(a->status));
    if (a->check != VS_CHECK_NONE) put(w, one, "check", json_string(vs_checks[a->check].name));
    if (a->latitude != VS_LATITUDE_COUNT) {
      put(w, one, "latitude", json_string(vs_latitudes[a->latitude].id));
    }
    append(w, all, one);
  }
  put(w, to, "allowed", all);
}

static void put_faults(writer* w, json_t* to, vs_check_set faults) {
  json_t* all = json_array();
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    if (faults & VS_BIT(check)) append(w, all, json_string(vs_checks[check].name));
  }
  put(w, to, "faults", all);
}

static void put_registers(writer* w, json_t* to, const vs_prediction* p) {
  json_t* all = json_object();
  for (size_t i = 0; i < w->export->info->register_count; i++) {
    if (p->regs[i].known == 0) continue;
    json_t* reg = json_object();
    put(w, reg, "value", hex(p->regs[i].value));
    put(w, reg, "known", hex(p->regs[i].known));
    put(w, all, w->export->info->registers[i].name, reg);
  }
  put(w, to, "registers", all);
}

static json_t* op_of(writer* w, const vs_op* op, const vs_prediction* p) {
  json_t* o = json_object();
  put(w, o, "op", json_string(vs_ops[op->code].name));
  put(w, o, "thread", json_integer(op->thread));
  if (op->optional) put(w, o, "optional", json_true());
  if (vs_ops[op->code].symbol == NULL) return o;
  put(w, o, "arguments", arguments_of(w, op));
  put_allowed(w, o, &p->allowed);
  if (op->code == VS_CALL_vcpu_write_state) put_faults(w, o, p->allowed.faults);
  if (p->has_state) put_registers(w, o, p);
  return o;
}

// --- the whole ----------------------------------------------------------------------------------

static json_t* omitted_of(writer* w, const vs_predicted* predicted) {
  json_t* all = json_object();
  for (vs_op_code code = 0; code < VS_OP_COUNT; code++) {
    if (predicted->omitted[code] == 0) continue;
    put(w, all, vs_ops[code].name, json_integer((json_int_t)predicted->omitted[code]));
  }
  return all;
}

static json_t* vector_of(writer* w, const vs_vector* vector) {
  const vs_predicted* predicted = &vector->predicted;
  json_t* v = json_object();
  put(w, v, "id", json_string(vector->id));
  put(w, v, "title", json_string(vector->title));
  json_t* clauses = json_array();
  for (size_t i = 0; i < vector->clause_count; i++) {
    append(w, clauses, json_string(vs_clauses[vector->clauses[i]].id));
  }
  put(w, v, "clauses", clauses);
  put(w, v, "omitted", omitted_of(w, predicted));
  json_t* ops = json_array();
  for (size_t i = 0; i < predicted->script.count; i++) {
    append(w, ops, op_of(w, &predicted->script.ops[i], &predicted->predictions[i]));
  }
  put(w, v, "ops", ops);
  return v;
}

static void dump(writer* w, json_t* value) {
  const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
  w->failed |= value == NULL || json_dumpf(value, w->out, flags) != 0;
  json_decref(value);
}

static void member(writer* w, const char* name, json_t* value) {
  fprintf(w->out, "\"%s\":", name);
  dump(w, value);
  fputs(",\n", w->out);
}

static json_t* registers_of(writer* w) {
  json_t* all = json_array();
  for (size_t i = 0; i < w->export->info->register_count; i++) {
    const vs_register* reg = &w->export->info->registers[i];
    json_t* one = json_object();
    put(w, one, "name", json_string(reg->name));
    put(w, one, "offset", json_integer(reg->offset));
    put(w, one, "bits", json_integer(reg->width));
    append(w, all, one);
  }
  return all;
}

static void put_vectors(writer* w, const char* name, size_t from, size_t to) {
  fprintf(w->out, "\"%s\":[", name);
  for (size_t i = from; i < to; i++) {
    fputs(i > from ? ",\n" : "\n", w->out);
    dump(w, vector_of(w, &w->export->vectors[i]));
  }
  fputs("],\n", w->out);
}

static json_t* left_out_of(writer* w) {
  json_t* all = json_array();
  for (size_t i = 0; i < w->export->left_out_count; i++) {
    json_t* one = json_object();
    put(w, one, "id", json_string(w->export->left_out[i].id));
    put(w, one, "why", json_string(w->export->left_out[i].why));
    append(w, all, one);
  }
  return all;
}

bool vs_export_json(FILE* out, const vs_export* export) {
  writer w = {.out = out, .export = export};
  fputs("{\n", out);
  member(&w, "schema", json_string("vcpuspec vectors"));
  member(&w, "version", json_string(VS_VECTORS_VERSION));
  member(&w, "program", json_string(export->program));
  member(&w, "profile", json_string(export->profile->id));
  member(&w, "arch", json_string(export->info->name));
  member(&w, "seed", hex(export->seed));
  member(&w, "state_size", json_integer(export->info->state_size));
  member(&w, "registers", registers_of(&w));
  put_vectors(&w, "cases", 0, export->case_count);
  put_vectors(&w, "combinations", export->case_count, export->count);
  fputs("\"left_out\":", out);
  dump(&w, left_out_of(&w));
  fputs("\n}\n", out);
  return !w.failed;
}
