// SPDX-License-Identifier: BSD-3-Clause
#include "print.h"

#include <inttypes.h>
#include <string.h>

#include "calls.h"
#include "names.h"
#include "number.h"

void vs_print_header(FILE* out, bool is_trace, const char* title, const uint8_t* clauses,
                     size_t clause_count, vs_arch arch, const char* backend) {
  fprintf(out, "vcpuspec %s 1\n", is_trace ? "trace" : "script");
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

static void print_handle(FILE* out, const vs_arg* ref) {
  if (ref.form == VS_HANDLE_RAW) {
    fprintf(out, " raw=0x%" PRIx32, ref.value);
    return;
  }
  fprintf(out, " h%u", ref.slot);
  if (ref.form == VS_HANDLE_CLEARED) fprintf(out, "&~0x%" PRIx32, ref.value);
  if (ref.form == VS_HANDLE_FLIPPED) fprintf(out, "^0x%" PRIx32, ref.value);
}

static void print_rights(FILE* out, zx_rights_t rights) {
  const char* between = " ";
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!(rights & vs_right_names[i].right)) continue;
    fprintf(out, "%s%s", between, vs_right_names[i].name);
    rights &= ~vs_right_names[i].right;
    between = "|";
  }
  if (rights != 0 || between[0] == ' ') fprintf(out, "%s0x%" PRIx32, between, rights);
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

static void print_write(FILE* out, const vs_op* op, const vs_arch_info* info) {
  const vs_buffer* buffer = &VS_OP_ARG(op, vcpu_write_state, buffer);
  bool state = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_STATE;
  bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  print_handle(out, &op->args[0]);
  if (state || io) {
    fputs(state ? " state" : " io", out);
  } else {
    fprintf(out, " kind=0x%" PRIx32, VS_OP_ARG(op, vcpu_write_state, kind).number);
  }
  if (state) print_state(out, buffer->bytes, info);
  if (io) print_io(out, buffer->bytes);
  if (!state && !io) print_trimmed(out, buffer->bytes, VS_STATE_MAX);
  uint64_t exact = state ? info->state_size : io ? sizeof(zx_vcpu_io_t) : 0;
  if (VS_OP_ARG(op, vcpu_write_state, buffer_size).number != exact) print_field(out, "size", VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
  if (buffer->length != exact) print_field(out, "length", buffer->length);
  if (buffer->at != VS_AT_PLAIN || buffer->argument != 0) {
    fprintf(out, " at=%s", vs_placements[buffer->at].name);
    if (buffer->argument != 0) fprintf(out, ":%u", buffer->argument);
  }
  if (op->rewrite.mode == VS_REWRITE_NONE) return;
  fprintf(out, " %s=%u:", op->rewrite.mode == VS_REWRITE_HELD ? "held" : "flip",
          op->rewrite.offset);
  for (size_t i = 0; i < op->rewrite.length; i++) fprintf(out, "%02x", op->rewrite.bytes[i]);
}

static void print_arguments(FILE* out, const vs_op* op, const vs_arch_info* info) {
  switch (op->code) {
    case VS_CALL_guest_create:
    case VS_CALL_event_create:
    case VS_CALL_port_create:
    case VS_CALL_vmo_create:
    case VS_OP_join:
    case VS_OP_thread_exit:
      return;
    case VS_CALL_vcpu_write_state:
      print_write(out, op, info);
      return;
    default:
      print_handle(out, &op->args[0]);
  }
  if (op->code == VS_OP_guest_load) fprintf(out, " h%u", op->out2);
  if (op->code == VS_CALL_handle_duplicate || op->code == VS_CALL_handle_replace) print_rights(out, VS_OP_ARG(op, handle_duplicate, rights).number);
  if (op->code == VS_CALL_vcpu_interrupt) fprintf(out, " %" PRIu32, VS_OP_ARG(op, vcpu_interrupt, vector).number);
  if (op->code != VS_CALL_vcpu_create) return;
  if (VS_OP_ARG(op, vcpu_create, entry).slot == VS_PROGRAM_CODE) {
    print_bytes(out, "code", op->bytes, VS_OP_ARG(op, vcpu_write_state, buffer).length);
  } else {
    fprintf(out, " %s", vs_programs[VS_OP_ARG(op, vcpu_create, entry).slot].name);
  }
}

void vs_print_op(FILE* out, const vs_op* op, const vs_arch_info* info) {
  fprintf(out, "T%u: %s%s", op->thread, op->optional ? "try " : "", op->async ? "start " : "");
  bool makes = vs_op_makes_handle(op);
  if (op->code == VS_CALL_guest_create) {
    fprintf(out, "h%u h%u = ", op->out, op->out2);
  } else if (makes) {
    fprintf(out, "h%u = ", op->out);
  }
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

static void print_packet(FILE* out, const vs_observation* seen) {
  const zx_packet_guest_io_t* io = &seen->packet.guest_io;
  if (seen->has_packet) print_field(out, "packet", seen->packet.type);
  if (seen->packet.guest_mem_arm64.addr != 0) fprintf(out, " addr=0x%" PRIx64, seen->packet.guest_mem_arm64.addr);
  if (io->reserved[0] || io->reserved[1] || io->reserved[2]) {
    print_bytes(out, "io", (const uint8_t*)io, sizeof *io);
    return;
  }
  if (io->port != 0) fprintf(out, " port=0x%x", io->port);
  if (io->access_size != 0) fprintf(out, " access=%u", io->access_size);
  if (io->input != 0) fprintf(out, " input=%u", io->input);
  if (io->u32 != 0) fprintf(out, " data=0x%" PRIx32, io->u32);
}

void vs_print_result(FILE* out, const vs_op* op, const vs_observation* seen,
                     const vs_arch_info* info) {
  if (seen->outcome == VS_NOT_REACHED) return;
  fputs("= ", out);
  print_outcome(out, seen);
  if (seen->call != vs_call_of(op)) {
    fprintf(out, " of=%s", seen->call < VS_CALL_COUNT ? vs_call_name(seen->call) : "none");
  }
  bool given = seen->outcome == VS_RETURNED && seen->status == ZX_OK && vs_op_makes_handle(op);
  if (seen->handle != 0 || given) fprintf(out, " handle=0x%" PRIx32, seen->handle);
  bool two = given && op->code == VS_CALL_guest_create;
  if (seen->handle2 != 0 || two) fprintf(out, " handle2=0x%" PRIx32, seen->handle2);
  if (seen->buffer_changed) fputs(" buffer_changed", out);
  if (seen->held) fputs(" held", out);
  print_packet(out, seen);
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

void vs_print_document(FILE* out, const vs_document* d) {
  const vs_arch_info* info = vs_arch_find(d->arch);
  vs_print_header(out, d->is_trace, d->title, d->clauses, d->clause_count, d->arch, d->backend);
  for (size_t i = 0; i < d->count; i++) {
    vs_print_op(out, &d->ops[i], info);
    if (d->is_trace) vs_print_result(out, &d->ops[i], &d->observations[i], info);
  }
  if (d->is_trace) vs_print_end(out, d->end, d->death);
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
