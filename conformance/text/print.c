// SPDX-License-Identifier: BSD-3-Clause
#include "print.h"

#include <inttypes.h>
#include <string.h>

#include "calls.h"
#include "names.h"
#include "number.h"

void vs_print_header(FILE* out, bool is_trace, const char* title, const uint8_t* clauses,
                     size_t clause_count, vs_arch arch, const char* backend) {
  fprintf(out, "vcpuspec %s 2\n", is_trace ? "trace" : "script");
  if (title != NULL && title[0] != '\0') fprintf(out, "title %s\n", title);
  for (size_t i = 0; i < clause_count; i++) {
    fprintf(out, "clause %s\n", vs_clauses[clauses[i]].id);
  }
  const vs_arch_info* info = vs_arch_find(arch);
  if (info != NULL) fprintf(out, "arch %s\n", info->name);
  if (backend != NULL && backend[0] != '\0') fprintf(out, "backend %s\n", backend);
  fputc('\n', out);
}

// --- pieces -----------------------------------------------------------------------------------

static void print_number(FILE* out, uint64_t value) {
  fprintf(out, value < 4096 ? "%" PRIu64 : "0x%" PRIx64, value);
}

static void print_field(FILE* out, const char* name, uint64_t value) {
  fprintf(out, " %s=", name);
  print_number(out, value);
}

static void print_bytes(FILE* out, const char* name, const uint8_t* bytes, size_t count) {
  fprintf(out, " %s=", name);
  for (size_t i = 0; i < count; i++) fprintf(out, "%02x", bytes[i]);
}

// Without the zeros at the end.
static void print_trimmed(FILE* out, const uint8_t* bytes, size_t count) {
  while (count > 0 && bytes[count - 1] == 0) count--;
  if (count > 0) print_bytes(out, "bytes", bytes, count);
}

static void print_handle(FILE* out, const vs_arg* arg) {
  if (vs_arg_names_resource(arg)) {
    fputs(arg->form == VS_HANDLE_RESOURCE ? "resource" : "other_resource", out);
  } else if (arg->form == VS_HANDLE_RAW) {
    fprintf(out, "raw=0x%" PRIx64, arg->number);
  } else {
    fprintf(out, "h%u", arg->slot);
  }
  if (arg->form == VS_HANDLE_CLEARED) fprintf(out, "&~0x%" PRIx64, arg->number);
  if (arg->form == VS_HANDLE_FLIPPED) fprintf(out, "^0x%" PRIx64, arg->number);
}

static void print_rights(FILE* out, zx_rights_t rights) {
  char text[VS_RIGHTS_TEXT];
  fprintf(out, " %s", vs_rights_text(rights, text));
}

// --- register states --------------------------------------------------------------------------

// True if the registers are all that `bytes` (VS_STATE_MAX of them) hold.
static bool is_registers(const uint8_t* bytes, const vs_arch_info* info) {
  uint8_t rest[VS_STATE_MAX];
  memcpy(rest, bytes, sizeof rest);
  for (size_t i = 0; i < info->register_count; i++) {
    memset(rest + info->registers[i].offset, 0, info->registers[i].width / 8u);
  }
  for (size_t i = 0; i < sizeof rest; i++) {
    if (rest[i] != 0) return false;
  }
  return true;
}

static void print_state(FILE* out, const uint8_t* bytes, const vs_arch_info* info) {
  if (!is_registers(bytes, info)) {
    print_trimmed(out, bytes, VS_STATE_MAX);
    return;
  }
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    uint64_t value = 0;
    memcpy(&value, bytes + reg->offset, reg->width / 8u);
    if (value != 0) print_field(out, reg->name, value);
  }
}

static void print_io(FILE* out, const uint8_t* bytes) {
  zx_vcpu_io_t io;
  memcpy(&io, bytes, sizeof io);
  for (size_t i = sizeof io; i < VS_STATE_MAX; i++) {
    if (bytes[i] == 0) continue;
    print_trimmed(out, bytes, VS_STATE_MAX);
    return;
  }
  uint32_t pad = (uint32_t)(io.padding1[0] | io.padding1[1] << 8 | io.padding1[2] << 16);
  fprintf(out, " access=%u", io.access_size);
  if (io.u32 != 0) fprintf(out, " data=0x%" PRIx32, io.u32);
  if (pad != 0) fprintf(out, " pad=0x%" PRIx32, pad);
}

// --- ops --------------------------------------------------------------------------------------

// The bytes that a call with this kind takes or gives; 0: the kind is none.
static uint64_t exact_of(uint64_t kind, const vs_arch_info* info) {
  if (kind == ZX_VCPU_STATE) return info->state_size;
  return kind == ZX_VCPU_IO ? sizeof(zx_vcpu_io_t) : 0;
}

static bool takes_bytes(const vs_op* op) {
  return vs_param_find(op->code, VS_PARAM_IN, 0) < VS_ARGS_MAX ||
         vs_param_find(op->code, VS_PARAM_IN_PACKET, 0) < VS_ARGS_MAX;
}

static void print_kind(FILE* out, const vs_op* op, uint64_t kind) {
  if (kind == ZX_VCPU_STATE && !takes_bytes(op)) return;  // what is read, unless told
  if (kind <= ZX_VCPU_IO) {
    fputs(kind == ZX_VCPU_STATE ? " state" : " io", out);
  } else {
    fprintf(out, " kind=0x%" PRIx64, kind);
  }
}

static void print_entry(FILE* out, const vs_op* op, const vs_arg* entry) {
  if (entry->form == VS_ENTRY_RAW) {
    fprintf(out, " entry=0x%" PRIx64, entry->number);
  } else if (entry->slot == VS_PROGRAM_CODE) {
    print_bytes(out, "code", op->bytes, entry->length);
  } else {
    fprintf(out, " %s", vs_programs[entry->slot].name);
  }
}

static void print_positional(FILE* out, const vs_op* op, uint8_t parameter) {
  const vs_arg* arg = &op->args[parameter];
  switch (vs_ops[op->code].params[parameter].type) {
    case VS_PARAM_HANDLE:
      fputc(' ', out);
      return print_handle(out, arg);
    case VS_PARAM_KIND:
      return print_kind(out, op, arg->number);
    case VS_PARAM_RIGHTS:
      return print_rights(out, (zx_rights_t)arg->number);
    case VS_PARAM_ENTRY:
      return print_entry(out, op, arg);
    default:
      fprintf(out, " %" PRIu64, arg->number);
  }
}

static void print_contents(FILE* out, const vs_op* op, const vs_arch_info* info) {
  uint8_t at = vs_param_find(op->code, VS_PARAM_KIND, 0);
  uint64_t kind = at < VS_ARGS_MAX ? op->args[at].number : UINT64_MAX;
  if (!takes_bytes(op)) return;
  if (kind == ZX_VCPU_STATE) return print_state(out, op->bytes, info);
  if (kind == ZX_VCPU_IO) return print_io(out, op->bytes);
  print_trimmed(out, op->bytes, VS_STATE_MAX);
}

static void print_placement(FILE* out, const char* name, const vs_arg* arg) {
  fprintf(out, " %s=%s", name, vs_placements[arg->at].name);
  if (arg->argument != 0) fprintf(out, ":%u", arg->argument);
}

// An argument that is as it is unless told says nothing.
static void print_named(FILE* out, const vs_param* param, const vs_arg* arg, const vs_arg* usual) {
  bool same = arg->number == usual->number && arg->form == usual->form && arg->slot == usual->slot;
  if (vs_param_is_pointer(param->type)) {
    if (arg->at != usual->at || arg->argument != 0) print_placement(out, param->name, arg);
  } else if (param->type == VS_PARAM_HANDLE && !same) {
    fprintf(out, " %s=", param->name);
    print_handle(out, arg);
  } else if (!same) {
    print_field(out, param->name, arg->number);
  }
}

// What the call takes, unless told, with this kind.
static vs_op usual_op(const vs_op* op, const vs_arch_info* info) {
  uint8_t kind = vs_param_find(op->code, VS_PARAM_KIND, 0);
  uint8_t size = vs_param_find(op->code, VS_PARAM_SIZE, 0);
  vs_op usual = vs_op_new(op->code, info);
  if (kind < VS_ARGS_MAX && size < VS_ARGS_MAX) {
    usual.args[size].number = exact_of(op->args[kind].number, info);
  }
  return usual;
}

static void print_rewrite(FILE* out, const vs_rewrite* rewrite) {
  if (rewrite->mode == VS_REWRITE_NONE) return;
  fprintf(out, " %s=%u:", rewrite->mode == VS_REWRITE_HELD ? "held" : "flip", rewrite->offset);
  for (size_t i = 0; i < rewrite->length; i++) fprintf(out, "%02x", rewrite->bytes[i]);
}

static void print_arguments(FILE* out, const vs_op* op, const vs_arch_info* info) {
  const vs_op usual = usual_op(op, info);
  const vs_param* params = vs_ops[op->code].params;
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    if (vs_param_is_positional(op->code, i)) print_positional(out, op, i);
  }
  print_contents(out, op, info);
  uint64_t exact = 0;
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    bool named = params[i].type != VS_PARAM_NONE && !vs_param_is_positional(op->code, i);
    if (named) print_named(out, &params[i], &op->args[i], &usual.args[i]);
    if (params[i].type == VS_PARAM_SIZE) exact = usual.args[i].number;
  }
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    bool buffer = params[i].type == VS_PARAM_IN || params[i].type == VS_PARAM_OUT;
    if (buffer && op->args[i].length != exact) print_field(out, "length", op->args[i].length);
  }
  print_rewrite(out, &op->rewrite);
}

void vs_print_op(FILE* out, const vs_op* op, const vs_arch_info* info) {
  fprintf(out, "T%u: %s%s", op->thread, op->optional ? "try " : "", op->async ? "start " : "");
  for (unsigned i = 0; i < 2 && vs_op_out(op, i) != NULL; i++) {
    fprintf(out, "h%u ", vs_op_out(op, i)->slot);
  }
  if (vs_op_makes_handle(op)) fputs("= ", out);
  fputs(vs_ops[op->code].name, out);
  print_arguments(out, op, info);
  fputc('\n', out);
}

// --- results ----------------------------------------------------------------------------------

static void print_outcome(FILE* out, const vs_observation* seen) {
  const char* name = vs_status_name(seen->status);
  switch ((vs_outcome)seen->outcome) {
    case VS_STARTED:
      fputs("started", out);
      return;
    case VS_IN_CALL:
      fputs("no_return", out);
      return;
    case VS_UNSUPPORTED:
      fputs("unsupported", out);
      return;
    default:
      if (name == NULL) {
        fprintf(out, "%" PRId32, seen->status);
      } else {
        fputs(name, out);
      }
  }
}

// The fields of a guest's exit, where they are all that the packet holds; else its bytes.
static void print_packet(FILE* out, const zx_port_packet_t* packet) {
  zx_port_packet_t plain = {.key = packet->key, .type = packet->type, .status = packet->status};
  const zx_packet_guest_io_t* io = &packet->guest_io;
  bool memory = packet->type == ZX_PKT_TYPE_GUEST_MEM;
  if (memory) plain.guest_mem_arm64.addr = packet->guest_mem_arm64.addr;
  if (packet->type == ZX_PKT_TYPE_GUEST_IO) {
    plain.guest_io = (zx_packet_guest_io_t){
        .port = io->port, .access_size = io->access_size, .input = io->input, .u32 = io->u32};
  }
  print_field(out, "packet", packet->type);
  if (packet->key != 0) fprintf(out, " key=0x%" PRIx64, packet->key);
  if (packet->status != 0) fprintf(out, " status=%" PRId32, packet->status);
  if (memcmp(plain.bytes, packet->bytes, sizeof plain.bytes) != 0) {
    print_bytes(out, "payload", packet->bytes, sizeof packet->bytes);
  } else if (memory) {
    fprintf(out, " addr=0x%" PRIx64, packet->guest_mem_arm64.addr);
  } else if (packet->type == ZX_PKT_TYPE_GUEST_IO) {
    if (io->port != 0) fprintf(out, " port=0x%x", io->port);
    if (io->access_size != 0) fprintf(out, " access=%u", io->access_size);
    if (io->input != 0) fprintf(out, " input=%u", io->input);
    if (io->u32 != 0) fprintf(out, " data=0x%" PRIx32, io->u32);
  }
}

// A join has the answer of the call that was started.
static void print_changes(FILE* out, const vs_op* op, const vs_observation* seen) {
  const uint8_t code = op->code < VS_CALL_COUNT ? op->code : seen->call;
  for (size_t i = 0; i < seen->change_count && i < VS_CHANGES_MAX; i++) {
    const vs_change* c = &seen->changes[i];
    if (code >= VS_CALL_COUNT || c->parameter >= VS_ARGS_MAX) continue;
    const vs_param* param = &vs_ops[code].params[c->parameter];
    if (!vs_param_is_pointer(param->type)) continue;
    fprintf(out, " changed=%s:%d..%d", param->name, c->from, c->to);
  }
}

void vs_print_result(FILE* out, const vs_op* op, const vs_observation* seen,
                     const vs_arch_info* info) {
  if (seen->outcome == VS_NOT_REACHED) return;
  fputs("= ", out);
  print_outcome(out, seen);
  if (seen->call != vs_call_of(op)) {
    fprintf(out, " of=%s", seen->call == VS_NO_CALL ? "none" : vs_call_name(seen->call));
  }
  bool given = seen->outcome == VS_RETURNED && seen->status == ZX_OK;
  bool one = given && vs_op_out(op, 0) != NULL;
  bool two = given && vs_op_out(op, 1) != NULL;
  if (seen->handle != 0 || one) fprintf(out, " handle=0x%" PRIx32, seen->handle);
  if (seen->handle2 != 0 || two) fprintf(out, " handle2=0x%" PRIx32, seen->handle2);
  if (seen->number != 0) fprintf(out, " number=0x%" PRIx64, seen->number);
  print_changes(out, op, seen);
  if (seen->held) fputs(" held", out);
  if (seen->has_packet) print_packet(out, &seen->packet);
  if (seen->has_state) {
    fputs(" state", out);
    print_state(out, seen->state, info);
  }
  fputc('\n', out);
}

void vs_print_end(FILE* out, vs_trace_end end, const char* death) {
  if (end == VS_TRACE_DONE) fputs("done\n", out);
  if (end == VS_TRACE_DIED)
    fprintf(out, "died%s%s\n", death && death[0] ? " " : "", death ? death : "");
}

void vs_print_trace(FILE* out, const vs_trace* trace, const uint8_t* clauses, size_t clause_count,
                    const char* backend) {
  const vs_script* script = &trace->script;
  const vs_arch_info* info = vs_arch_find(trace->arch);
  vs_print_header(out, true, script->title, clauses, clause_count, trace->arch, backend);
  for (size_t i = 0; i < script->count; i++) {
    vs_print_op(out, &script->ops[i], info);
    vs_print_result(out, &script->ops[i], &trace->observations[i], info);
  }
  vs_print_end(out, trace->end, trace->death);
}

void vs_print_document(FILE* out, const vs_document* d) {
  vs_script script = vs_document_script(d);
  if (!d->is_trace) return vs_print_script(out, &script, d->arch, d->clauses, d->clause_count);
  vs_trace trace = vs_document_trace(d);
  trace.death = d->death;
  vs_print_trace(out, &trace, d->clauses, d->clause_count, d->backend);
}

void vs_print_script(FILE* out, const vs_script* script, vs_arch arch, const uint8_t* clauses,
                     size_t clause_count) {
  vs_print_header(out, false, script->title, clauses, clause_count, arch, NULL);
  for (size_t i = 0; i < script->count; i++) {
    vs_print_op(out, &script->ops[i], vs_arch_find(arch));
  }
}

// --- tidying ----------------------------------------------------------------------------------

// What is between blanks, one blank apart.
static void print_words(FILE* out, const char* text, size_t length) {
  bool gap = false;
  bool begun = false;
  for (size_t i = 0; i < length; i++) {
    bool blank = text[i] == ' ' || text[i] == '\t' || text[i] == '\r';
    if (!blank && gap && begun) fputc(' ', out);
    if (!blank) fputc(text[i], out);
    begun |= !blank;
    gap = blank;
  }
}

static bool begins(const vs_line* line, const char* word) {
  size_t length = strlen(word);
  const char* at = line->raw + line->indent;
  size_t rest = line->raw_length - line->indent;
  bool same = rest >= length && strncmp(at, word, length) == 0;
  return same && (rest == length || at[length] == ' ' || at[length] == '\t' || at[length] == '\r');
}

void vs_print_tidied(FILE* out, const char* text, size_t length) {
  vs_source source = vs_source_of(text, length);
  static _Thread_local vs_line line;
  int depth = 0;
  while (vs_line_next(&source, &line)) {
    size_t rest = line.raw_length - line.indent;
    depth -= begins(&line, "end") && depth > 0;
    if (rest > 0) fprintf(out, "%*s", 2 * depth, "");
    print_words(out, line.raw + line.indent, rest);
    fputc('\n', out);
    depth += begins(&line, "for");
  }
}
