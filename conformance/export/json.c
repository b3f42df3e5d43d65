// SPDX-License-Identifier: BSD-3-Clause
// The vectors as JSON: docs/vectors.schema.json. A case a line.
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "export.h"
#include "text/calls.h"
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

static void put_handle(writer* w, json_t* to, const vs_op* op) {
  static const char* const forms[] = {[VS_HANDLE_SLOT] = "as_is",
                                      [VS_HANDLE_CLEARED] = "cleared",
                                      [VS_HANDLE_FLIPPED] = "inverted"};
  json_t* handle = json_object();
  if (op->args[0].form == VS_HANDLE_RAW) {
    put(w, handle, "value", hex(op->args[0].number));
  } else {
    put(w, handle, "slot", json_integer(op->args[0].slot));
    if (op->args[0].form != VS_HANDLE_SLOT) {
      put(w, handle, forms[op->args[0].form], hex(op->args[0].number));
    }
  }
  put(w, to, "handle", handle);
}

static void put_buffer(writer* w, json_t* to, const vs_buffer* buffer) {
  json_t* b = json_object();
  size_t given = buffer->length < VS_STATE_MAX ? buffer->length : VS_STATE_MAX;
  put(w, b, "at", json_string(vs_placements[buffer->at].name));
  if (buffer->argument != 0) put(w, b, "argument", json_integer(buffer->argument));
  put(w, b, "length", json_integer(buffer->length));
  put(w, b, "bytes", hex_bytes(buffer->bytes, given));
  put(w, to, "buffer", b);
}

static bool takes_handle(const vs_op* op) {
  bool creates = op->code == VS_CALL_guest_create || op->code == VS_CALL_event_create ||
                 op->code == VS_CALL_port_create || op->code == VS_CALL_vmo_create;
  return !creates && op->code != VS_OP_thread_exit;
}

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

static void put_write(writer* w, json_t* to, const vs_op* op, const vs_prediction* p) {
  put(w, to, "kind", json_integer(VS_OP_ARG(op, vcpu_write_state, kind).number));
  put(w, to, "size", hex(VS_OP_ARG(op, vcpu_write_state, buffer_size).number));
  put_buffer(w, to, &VS_OP_ARG(op, vcpu_write_state, buffer));
  put_faults(w, to, p->allowed.faults);
}

static json_t* op_of(writer* w, const vs_op* op, const vs_prediction* p) {
  json_t* o = json_object();
  put(w, o, "op", json_string(vs_ops[op->code].name));
  put(w, o, "thread", json_integer(op->thread));
  if (op->optional) put(w, o, "optional", json_true());
  if (takes_handle(op)) put_handle(w, o, op);
  if (vs_op_makes_handle(op)) put(w, o, "out", json_integer(op->out));
  if (op->code == VS_CALL_guest_create) put(w, o, "out2", json_integer(op->out2));
  bool derives = op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace;
  if (derives) put(w, o, "rights", hex(VS_OP_ARG(op, handle_duplicate, rights).number));
  if (op->code == VS_CALL_vcpu_interrupt) put(w, o, "vector", json_integer(VS_OP_ARG(op, vcpu_interrupt, vector).number));
  if (op->code == VS_CALL_vcpu_write_state) put_write(w, o, op, p);
  if (op->code != VS_OP_thread_exit) put_allowed(w, o, &p->allowed);
  if (p->has_state) put_registers(w, o, p);
  return o;
}

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
