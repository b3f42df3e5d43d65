// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "names.h"
#include "read.h"

enum { BUFFER_LENGTH_MAX = 2048 };

// --- words ------------------------------------------------------------------------------------

const char* vs_peek(const vs_parse* p) {
  return p->next < p->line->count ? p->line->words[p->next].text : "";
}

bool vs_accept(vs_parse* p, const char* word) {
  if (strcmp(vs_peek(p), word) != 0) return false;
  p->next++;
  return true;
}

bool vs_wants(vs_parse* p, const char* what, const char* const* names, size_t count) {
  return vs_line_expected(p->line, p->next, p->fault, what, names, count);
}

bool vs_wants_within(vs_parse* p, size_t offset, const char* what) {
  vs_wants(p, what, NULL, 0);
  p->fault->column += offset;
  return false;
}

bool vs_finished(vs_parse* p, const char* or_else) {
  return p->next == p->line->count || vs_wants(p, or_else, NULL, 0);
}

bool vs_read_number(vs_parse* p, const char* text, uint64_t most, uint64_t* value) {
  size_t at;
  char why[VS_WHY_MAX];
  size_t offset = (size_t)(text - vs_peek(p));
  if (!vs_number_read(text, &p->scope, value, &at, why)) {
    return vs_wants_within(p, offset + at, why);
  }
  if (*value <= most) return true;
  snprintf(why, sizeof why, "a number from 0 to %llu", (unsigned long long)most);
  return vs_wants_within(p, offset, why);
}

static int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vs_read_bytes(vs_parse* p, const char* text, uint8_t* bytes, size_t room, size_t* count) {
  size_t offset = (size_t)(text - vs_peek(p));
  char what[VS_WHY_MAX];
  snprintf(what, sizeof what, "at most %zu bytes, as two digits of 0-9 a-f each", room);
  for (*count = 0; text[2 * *count] != '\0'; ++*count) {
    int high = nibble(text[2 * *count]);
    int low = high < 0 ? -1 : nibble(text[2 * *count + 1]);
    if (low < 0 || *count == room) return vs_wants_within(p, offset + 2 * *count, what);
    bytes[*count] = (uint8_t)(high << 4 | low);
  }
  return *count > 0 || vs_wants_within(p, offset, what);
}

static bool is_called(const char* name, size_t length, const char* word) {
  return strlen(word) == length && strncmp(name, word, length) == 0;
}

// A register by its own name, or by what it is on every architecture.
size_t vs_register_named(const vs_arch_info* info, const char* name, size_t length) {
  bool stack = is_called(name, length, "stack");
  size_t i = 0;
  for (; i < info->register_count; i++) {
    const char* own = info->registers[i].name;
    if (is_called(name, length, own)) return i;
    if (stack && (strcmp(own, "rsp") == 0 || strcmp(own, "sp") == 0)) return i;
  }
  if (is_called(name, length, "flags")) return info->flags;
  return is_called(name, length, "accumulator") ? info->accumulator : i;
}

void vs_put_register(uint8_t* state, const vs_arch_info* info, size_t index, uint64_t value) {
  const vs_register* reg = &info->registers[index];
  memcpy(state + reg->offset, &value, reg->width / 8u);
}

// --- handles ----------------------------------------------------------------------------------

// "h" and a slot at `text`, of which `length` bytes were read.
static bool slot_at(vs_parse* p, const char* text, uint8_t* slot, size_t* length) {
  size_t offset = (size_t)(text - vs_peek(p));
  unsigned value = 0;
  size_t digits = 0;
  while (text[0] == 'h' && digits < 3 && text[1 + digits] >= '0' && text[1 + digits] <= '9') {
    value = 10 * value + (unsigned)(text[1 + digits++] - '0');
  }
  if (digits == 0 || value >= VS_SLOTS) return vs_wants_within(p, offset, "a slot, h0 to h15");
  *slot = (uint8_t)value;
  *length = 1 + digits;
  return true;
}

static bool read_slot(vs_parse* p, uint8_t* slot) {
  size_t length;
  if (!slot_at(p, vs_peek(p), slot, &length)) return false;
  if (vs_peek(p)[length] != '\0') return vs_wants_within(p, length, "the end of the slot");
  p->next++;
  return true;
}

// h2, h2&~BITS, h2^BITS or raw=VALUE
static bool read_handle(vs_parse* p, vs_handle_ref* ref) {
  const char* word = vs_peek(p);
  uint64_t value = 0;
  size_t length = 0;
  if (strncmp(word, "raw=", 4) == 0) {
    ref->form = VS_HANDLE_RAW;
    if (!vs_read_number(p, word + 4, UINT32_MAX, &value)) return false;
  } else {
    if (!slot_at(p, word, &ref->slot, &length)) return false;
    const char* rest = word + length;
    bool cleared = strncmp(rest, "&~", 2) == 0;
    ref->form = cleared ? VS_HANDLE_CLEARED : rest[0] == '^' ? VS_HANDLE_FLIPPED : VS_HANDLE_SLOT;
    if (ref->form == VS_HANDLE_SLOT && rest[0] != '\0')
      return vs_wants_within(p, length, "'&~BITS', '^BITS' or the end of the handle");
    if (ref->form != VS_HANDLE_SLOT &&
        !vs_read_number(p, rest + (cleared ? 2 : 1), UINT32_MAX, &value)) {
      return false;
    }
  }
  ref->value = (uint32_t)value;
  p->next++;
  return true;
}

// --- zx_vcpu_write_state ----------------------------------------------------------------------

// The layout that the contents of a write are given in.
typedef enum layout { LAYOUT_NONE, LAYOUT_STATE, LAYOUT_IO } layout;

static void set_layout(vs_parse* p, vs_op* op, layout as) {
  uint64_t size = as == LAYOUT_IO ? sizeof(zx_vcpu_io_t) : p->scope.info->state_size;
  p->scope.has_exact = as != LAYOUT_NONE;
  p->scope.exact = VS_OP_ARG(op, vcpu_write_state, buffer_size).number = as == LAYOUT_NONE ? 0 : size;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)VS_OP_ARG(op, vcpu_write_state, buffer_size).number;
}

static bool read_kind(vs_parse* p, vs_op* op, layout* as) {
  static const char* const kinds[] = {"state", "io"};
  const char* word = vs_peek(p);
  uint64_t value;
  *as = LAYOUT_NONE;
  if (strcmp(word, "state") == 0) *as = LAYOUT_STATE;
  if (strcmp(word, "io") == 0) *as = LAYOUT_IO;
  if (*as != LAYOUT_NONE) {
    VS_OP_ARG(op, vcpu_write_state, kind).number = *as == LAYOUT_IO ? ZX_VCPU_IO : ZX_VCPU_STATE;
  } else if (strncmp(word, "kind=", 5) == 0) {
    if (!vs_read_number(p, word + 5, UINT32_MAX, &value)) return false;
    VS_OP_ARG(op, vcpu_write_state, kind).number = (uint32_t)value;
  } else {
    return vs_wants(p, "'state', 'io' or kind=NUMBER", kinds, 2);
  }
  p->next++;
  if (vs_accept(p, "as=state")) *as = LAYOUT_STATE;
  if (vs_accept(p, "as=io")) *as = LAYOUT_IO;
  set_layout(p, op, *as);
  return true;
}

// The register file `number`: every register differs from every other, and from those of other
// numbers. The flags in it are the caller's, the gate is open, and nothing stops the guest.
static void fill_state(const vs_scope* scope, vs_op* op, uint64_t number) {
  const vs_arch_info* info = scope->info;
  for (size_t i = 0; i < info->register_count; i++) {
    uint64_t value = vs_mix(scope->seed, number * 64 + i);
    if (i == info->flags) {
      value &= info->flags_required | info->flags_optional;
      value = vs_calm_flags(info, value) | info->flags_gate;
    }
    vs_put_register(op->bytes, info, i, value);
  }
}

static bool fill(vs_parse* p, vs_op* op, layout as, const char* text) {
  uint64_t number;
  if (!vs_read_number(p, text, UINT32_MAX, &number)) return false;
  if (as == LAYOUT_IO) {
    zx_vcpu_io_t io = {.access_size = (uint8_t)(1u << number % 3),
                       .u32 = (uint32_t)(0x01020304u * number)};
    memcpy(op->bytes, &io, sizeof io);
  } else {
    fill_state(&p->scope, op, number);
  }
  return true;
}

// Every register but the flags.
static bool each(vs_parse* p, vs_op* op, const char* text) {
  const vs_arch_info* info = p->scope.info;
  bool good = true;
  p->scope.has_index = true;
  for (size_t i = 0; i < info->register_count && good; i++) {
    uint64_t value;
    p->scope.index = i;
    good = vs_read_number(p, text, UINT64_MAX, &value);
    if (good && i != info->flags) vs_put_register(op->bytes, info, i, value);
  }
  p->scope.has_index = false;
  return good;
}

static bool io_field(vs_parse* p, vs_op* op, const char* word) {
  uint64_t value;
  zx_vcpu_io_t io;
  memcpy(&io, op->bytes, sizeof io);
  if (strncmp(word, "access=", 7) == 0) {
    if (!vs_read_number(p, word + 7, UINT8_MAX, &value)) return false;
    io.access_size = (uint8_t)value;
  } else if (strncmp(word, "data=", 5) == 0) {
    if (!vs_read_number(p, word + 5, UINT64_MAX, &value)) return false;
    io.u32 = (uint32_t)value;
  } else {
    if (!vs_read_number(p, word + 4, 0xffffff, &value)) return false;
    for (size_t i = 0; i < 3; i++) io.padding1[i] = (uint8_t)(value >> (8 * i));
  }
  memcpy(op->bytes, &io, sizeof io);
  return true;
}

static bool is_io_field(const char* word) {
  return strncmp(word, "access=", 7) == 0 || strncmp(word, "data=", 5) == 0 ||
         strncmp(word, "pad=", 4) == 0;
}

static bool register_field(vs_parse* p, vs_op* op, const char* word, const char* value) {
  const vs_arch_info* info = p->scope.info;
  size_t index = vs_register_named(info, word, (size_t)(value - word - 1));
  if (index == info->register_count) return vs_wants(p, "a register of the architecture", NULL, 0);
  bool narrow = info->registers[index].width == 32;
  uint64_t number;
  if (!vs_read_number(p, value, UINT64_MAX, &number)) return false;
  vs_put_register(op->bytes, info, index, narrow ? (uint32_t)number : number);
  return true;
}

static bool placement(vs_parse* p, vs_op* op, const char* text) {
  const char* names[VS_PLACEMENT_COUNT];
  size_t length = strcspn(text, ":");
  uint64_t value = 0;
  for (unsigned i = 0; i < VS_PLACEMENT_COUNT; i++) {
    names[i] = vs_placements[i].name;
    if (strlen(names[i]) != length || strncmp(names[i], text, length) != 0) continue;
    if (text[length] == ':' && !vs_read_number(p, text + length + 1, UINT16_MAX, &value))
      return false;
    bool rewritten = op->rewrite.mode != VS_REWRITE_NONE && i != VS_AT_PLAIN;
    if (rewritten) return vs_wants(p, "at=plain of a buffer that is rewritten", NULL, 0);
    VS_OP_ARG(op, vcpu_write_state, buffer).at = (uint8_t)i;
    VS_OP_ARG(op, vcpu_write_state, buffer).argument = (uint16_t)value;
    return true;
  }
  const char* meant = vs_nearest(text, names, VS_PLACEMENT_COUNT);
  char what[VS_WHY_MAX];
  snprintf(what, sizeof what, "a placement%s%s", meant ? ", such as " : "", meant ? meant : "");
  return vs_wants_within(p, 3, what);
}

// held=OFFSET:BYTES or flip=OFFSET:BYTES
static bool rewrite(vs_parse* p, vs_op* op, vs_rewrite_mode mode, char* text) {
  uint64_t offset;
  size_t count;
  char* colon = strchr(text, ':');
  if (colon == NULL) return vs_wants_within(p, 5, "OFFSET:BYTES");
  *colon = '\0';
  bool good = vs_read_number(p, text, VS_STATE_MAX - 1, &offset);
  *colon = ':';
  if (!good || !vs_read_bytes(p, colon + 1, op->rewrite.bytes, sizeof op->rewrite.bytes, &count))
    return false;
  bool within = offset + count <= VS_OP_ARG(op, vcpu_write_state, buffer).length && offset + count <= VS_STATE_MAX;
  if (!within) return vs_wants_within(p, 5, "bytes within the buffer, and its first 264");
  // The buffer lies where it can be rewritten.
  if (VS_OP_ARG(op, vcpu_write_state, buffer).at != VS_AT_PLAIN)
    return vs_wants(p, "at=plain of a buffer that is rewritten", NULL, 0);
  op->rewrite.mode = (uint8_t)mode;
  op->rewrite.offset = (uint16_t)offset;
  op->rewrite.length = (uint8_t)count;
  return true;
}

static bool set_length(vs_parse* p, vs_op* op, const char* text) {
  uint64_t value;
  if (!vs_read_number(p, text, BUFFER_LENGTH_MAX, &value)) return false;
  VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)value;
  return true;
}

static bool contents(vs_parse* p, vs_op* op, layout as, const char* word, const char* value) {
  size_t count;
  if (strncmp(word, "bytes=", 6) == 0)
    return vs_read_bytes(p, value, op->bytes, VS_STATE_MAX, &count);
  if (as != LAYOUT_NONE && strncmp(word, "fill=", 5) == 0) return fill(p, op, as, value);
  if (as == LAYOUT_STATE && strncmp(word, "each=", 5) == 0) return each(p, op, value);
  if (as == LAYOUT_STATE) return register_field(p, op, word, value);
  if (as == LAYOUT_IO && is_io_field(word)) return io_field(p, op, word);
  static const char* const names[] = {"access=", "data=", "pad=", "fill=", "bytes="};
  return vs_wants(p,
                  as == LAYOUT_IO ? "access=, data=, pad=, fill=, bytes=, size=, length=, at="
                                  : "bytes=, size=, length= or at=",
                  names, sizeof names / sizeof names[0]);
}

// One NAME=VALUE of a write.
static bool attribute(vs_parse* p, vs_op* op, layout as) {
  char* word = p->line->words[p->next].text;
  char* value = strchr(word, '=');
  if (value == NULL || value == word) return vs_wants(p, "NAME=VALUE", NULL, 0);
  value++;
  bool good;
  if (strncmp(word, "size=", 5) == 0) {
    good = vs_read_number(p, value, UINT64_MAX, &VS_OP_ARG(op, vcpu_write_state, buffer_size).number);
  } else if (strncmp(word, "length=", 7) == 0) {
    good = set_length(p, op, value);
  } else if (strncmp(word, "at=", 3) == 0) {
    good = placement(p, op, value);
  } else if (strncmp(word, "held=", 5) == 0) {
    good = rewrite(p, op, VS_REWRITE_HELD, value);
  } else if (strncmp(word, "flip=", 5) == 0) {
    good = rewrite(p, op, VS_REWRITE_FLIP, value);
  } else {
    good = contents(p, op, as, word, value);
  }
  p->next += good;
  return good;
}

static bool read_write(vs_parse* p, vs_op* op) {
  layout as;
  bool good = read_handle(p, &op->args[0]) && read_kind(p, op, &as);
  while (good && p->next < p->line->count) good = attribute(p, op, as);
  p->scope.has_exact = false;
  return good;
}

// --- the other ops ----------------------------------------------------------------------------

static bool read_program(vs_parse* p, vs_op* op) {
  const char* names[VS_PROGRAM_COUNT];
  size_t count;
  const char* word = vs_peek(p);
  if (strncmp(word, "code=", 5) == 0) {
    if (!vs_read_bytes(p, word + 5, op->bytes, VS_STATE_MAX, &count)) return false;
    VS_OP_ARG(op, vcpu_create, entry).slot = VS_PROGRAM_CODE;
    VS_OP_ARG(op, vcpu_write_state, buffer).length = (uint16_t)count;
    p->next++;
    return true;
  }
  for (unsigned i = 0; i < VS_PROGRAM_COUNT; i++) {
    names[i] = i == VS_PROGRAM_CODE ? "code=" : vs_programs[i].name;
    if (strcmp(word, names[i]) != 0 || i == VS_PROGRAM_CODE) continue;
    VS_OP_ARG(op, vcpu_create, entry).slot = (uint8_t)i;
    p->next++;
    return true;
  }
  return vs_wants(p, "a guest program, or code=BYTES", names, VS_PROGRAM_COUNT);
}

static bool read_last_number(vs_parse* p, const char* what, uint32_t* value) {
  uint64_t number;
  if (p->next >= p->line->count) return vs_wants(p, what, NULL, 0);
  if (!vs_read_number(p, vs_peek(p), UINT32_MAX, &number)) return false;
  *value = (uint32_t)number;
  p->next++;
  return true;
}

static bool read_arguments(vs_parse* p, vs_op* op) {
  switch (op->code) {
    case VS_OP_guest_load:
      return read_handle(p, &op->args[0]) && read_slot(p, &op->out2);
    case VS_CALL_vcpu_create:
      return read_handle(p, &op->args[0]) && read_program(p, op);
    case VS_CALL_handle_duplicate:
    case VS_CALL_handle_replace:
      return read_handle(p, &op->args[0]) && read_last_number(p, "rights", &VS_OP_ARG(op, handle_duplicate, rights).number);
    case VS_CALL_vcpu_interrupt:
      return read_handle(p, &op->args[0]) && read_last_number(p, "a vector", &VS_OP_ARG(op, vcpu_interrupt, vector).number);
    case VS_CALL_vcpu_write_state:
      return read_write(p, op);
    case VS_CALL_handle_close:
    case VS_CALL_vcpu_read_state:
    case VS_CALL_vcpu_enter:
    case VS_CALL_vcpu_kick:
    case VS_OP_await_guest:
      return read_handle(p, &op->args[0]);
    default:
      return true;
  }
}

static bool read_name(vs_parse* p, vs_op* op) {
  const char* names[VS_OP_COUNT];
  for (unsigned i = 0; i < VS_OP_COUNT; i++) {
    names[i] = vs_ops[i].name;
    if (strcmp(vs_peek(p), names[i]) != 0) continue;
    op->code = (uint8_t)i;
    return true;
  }
  return vs_wants(p, "an operation", names, VS_OP_COUNT);
}

bool vs_read_op(vs_parse* p, vs_op* op) {
  *op = (vs_op){.thread = op->thread};
  op->optional = vs_accept(p, "try");
  op->async = vs_accept(p, "start");
  unsigned slots = 0;
  for (; vs_peek(p)[0] == 'h' && vs_peek(p)[1] >= '0' && vs_peek(p)[1] <= '9'; slots++) {
    if (slots == 2) return vs_wants(p, "'='", NULL, 0);
    if (!read_slot(p, slots == 0 ? &op->out : &op->out2)) return false;
  }
  if (slots > 0 && !vs_accept(p, "=")) return vs_wants(p, "'='", NULL, 0);
  if (!read_name(p, op)) return false;
  unsigned needed = op->code == VS_CALL_guest_create ? 2 : vs_op_makes_handle(op);
  if (slots != needed) {
    return vs_line_fault(p->line, 1, p->fault, "expected %s, found %u",
                         needed == 0   ? "no slot before 'NAME ='"
                         : needed == 1 ? "one slot: 'hN = NAME'"
                                       : "two slots: 'hN hM = guest_create'",
                         slots);
  }
  p->next++;
  if (!read_arguments(p, op) || !vs_finished(p, "the end of the line")) return false;
  if (vs_op_is_valid(op)) return true;
  return vs_line_fault(p->line, 1, p->fault,
                       "expected an operation that can be started on its own, on a thread other "
                       "than T0");
}
