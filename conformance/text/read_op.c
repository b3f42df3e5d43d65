// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "common/refuse.h"
#include "names.h"
#include "read.h"

enum { WHAT = 128 };  // bytes of what was expected

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
  vs_why why;
  size_t offset = (size_t)(text - vs_peek(p));
  if (!vs_number_read(text, &p->scope, value, &at, &why)) {
    return vs_wants_within(p, offset + at, why.text);
  }
  if (*value <= most) return true;
  vs_refuse(&why, "a number from 0 to %llu", (unsigned long long)most);
  return vs_wants_within(p, offset, why.text);
}

static int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vs_read_bytes(vs_parse* p, const char* text, uint8_t* bytes, size_t room, size_t* count) {
  size_t offset = (size_t)(text - vs_peek(p));
  char what[WHAT];
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

// h2, h2&~BITS, h2^BITS, raw=VALUE, resource or other_resource, at `text` within the next word.
static bool read_handle(vs_parse* p, const char* text, vs_arg* arg) {
  size_t offset = (size_t)(text - vs_peek(p));
  size_t length = 0;
  if (strcmp(text, "resource") == 0) {
    *arg = (vs_arg){.form = VS_HANDLE_RESOURCE};
    return true;
  }
  if (strcmp(text, "other_resource") == 0) {
    *arg = (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
    return true;
  }
  if (strncmp(text, "raw=", 4) == 0) {
    *arg = (vs_arg){.form = VS_HANDLE_RAW};
    return vs_read_number(p, text + 4, UINT32_MAX, &arg->number);
  }
  *arg = (vs_arg){.form = VS_HANDLE_SLOT};
  if (!slot_at(p, text, &arg->slot, &length)) return false;
  const char* rest = text + length;
  if (rest[0] == '\0') return true;
  bool cleared = strncmp(rest, "&~", 2) == 0;
  if (!cleared && rest[0] != '^')
    return vs_wants_within(p, offset + length, "'&~BITS', '^BITS' or the end of the handle");
  arg->form = cleared ? VS_HANDLE_CLEARED : VS_HANDLE_FLIPPED;
  return vs_read_number(p, rest + (cleared ? 2 : 1), UINT32_MAX, &arg->number);
}

// --- a call's buffer ----------------------------------------------------------------------------

// The layout that a buffer's contents are given in.
typedef enum layout { LAYOUT_NONE, LAYOUT_STATE, LAYOUT_IO } layout;

// An op that is being understood.
typedef struct reading {
  vs_parse* p;
  vs_op* op;
  const vs_op_info* info;
  layout as;
  uint8_t in;      // the parameter that the op's bytes are of; VS_ARGS_MAX: none
  uint8_t buffer;  // IN or OUT; VS_ARGS_MAX: none
  uint8_t size;    // VS_ARGS_MAX: none
  uint8_t said;    // bits: parameters that were named
} reading;

static reading reading_of(vs_parse* p, vs_op* op) {
  uint8_t in = vs_param_find(op->code, VS_PARAM_IN, 0);
  uint8_t out = vs_param_find(op->code, VS_PARAM_OUT, 0);
  uint8_t packet = vs_param_find(op->code, VS_PARAM_IN_PACKET, 0);
  return (reading){.p = p,
                   .op = op,
                   .info = &vs_ops[op->code],
                   .in = in < VS_ARGS_MAX ? in : packet,
                   .buffer = in < VS_ARGS_MAX ? in : out,
                   .size = vs_param_find(op->code, VS_PARAM_SIZE, 0)};
}

static void set_layout(reading* r, layout as) {
  uint64_t size = as == LAYOUT_IO ? sizeof(zx_vcpu_io_t) : r->p->scope.info->state_size;
  if (as == LAYOUT_NONE) size = 0;
  r->as = as;
  r->p->scope.has_exact = as != LAYOUT_NONE;
  r->p->scope.exact = size;
  if (r->size < VS_ARGS_MAX) r->op->args[r->size].number = size;
  if (r->buffer < VS_ARGS_MAX) r->op->args[r->buffer].length = (uint16_t)size;
}

static bool read_kind(reading* r, vs_arg* arg) {
  static const char* const kinds[] = {"state", "io"};
  vs_parse* p = r->p;
  const char* word = vs_peek(p);
  layout as = LAYOUT_NONE;
  if (strcmp(word, "state") == 0) as = LAYOUT_STATE;
  if (strcmp(word, "io") == 0) as = LAYOUT_IO;
  if (as != LAYOUT_NONE) {
    arg->number = as == LAYOUT_IO ? ZX_VCPU_IO : ZX_VCPU_STATE;
  } else if (strncmp(word, "kind=", 5) == 0) {
    if (!vs_read_number(p, word + 5, UINT32_MAX, &arg->number)) return false;
  } else if (r->in < VS_ARGS_MAX) {
    return vs_wants(p, "'state', 'io' or kind=NUMBER", kinds, 2);
  } else {
    set_layout(r, LAYOUT_STATE);  // what is read, unless told
    return true;
  }
  p->next++;
  if (vs_accept(p, "as=state")) as = LAYOUT_STATE;
  if (vs_accept(p, "as=io")) as = LAYOUT_IO;
  set_layout(r, as);
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

// PLACE or PLACE:N, of a pointer, at `text` within the next word.
static bool placement(reading* r, uint8_t parameter, const char* text) {
  const char* names[VS_PLACEMENT_COUNT];
  vs_parse* p = r->p;
  size_t length = strcspn(text, ":");
  uint64_t value = 0;
  for (unsigned i = 0; i < VS_PLACEMENT_COUNT; i++) {
    names[i] = vs_placements[i].name;
    if (strlen(names[i]) != length || strncmp(names[i], text, length) != 0) continue;
    if (text[length] == ':' && !vs_read_number(p, text + length + 1, UINT16_MAX, &value))
      return false;
    bool rewritten = r->op->rewrite.mode != VS_REWRITE_NONE && parameter == r->in;
    if (rewritten && i != VS_AT_PLAIN)
      return vs_wants(p, "'plain' of a buffer that is rewritten", NULL, 0);
    r->op->args[parameter].at = (uint8_t)i;
    r->op->args[parameter].argument = (uint16_t)value;
    return true;
  }
  const char* meant = vs_nearest(text, names, VS_PLACEMENT_COUNT);
  char what[WHAT];
  snprintf(what, sizeof what, "a placement%s%s", meant ? ", such as " : "", meant ? meant : "");
  return vs_wants_within(p, (size_t)(text - vs_peek(p)), what);
}

// held=OFFSET:BYTES or flip=OFFSET:BYTES
static bool rewrite(reading* r, vs_rewrite_mode mode, char* text) {
  vs_parse* p = r->p;
  vs_rewrite* to = &r->op->rewrite;
  const vs_arg* buffer = &r->op->args[r->in];
  uint64_t offset;
  size_t count;
  char* colon = strchr(text, ':');
  if (colon == NULL) return vs_wants_within(p, 5, "OFFSET:BYTES");
  *colon = '\0';
  bool good = vs_read_number(p, text, VS_STATE_MAX - 1, &offset);
  *colon = ':';
  if (!good || !vs_read_bytes(p, colon + 1, to->bytes, sizeof to->bytes, &count)) return false;
  bool within = offset + count <= buffer->length && offset + count <= VS_STATE_MAX;
  if (!within) return vs_wants_within(p, 5, "bytes within the buffer, and its first 264");
  // The buffer lies where it can be rewritten.
  if (buffer->at != VS_AT_PLAIN)
    return vs_wants(p, "'plain' of a buffer that is rewritten", NULL, 0);
  to->mode = (uint8_t)mode;
  to->offset = (uint16_t)offset;
  to->length = (uint8_t)count;
  return true;
}

// --- NAME=VALUE ---------------------------------------------------------------------------------

static uint64_t most_of(uint8_t type) {
  switch (type) {
    case VS_PARAM_U32:
    case VS_PARAM_RIGHTS:
    case VS_PARAM_VECTOR:
    case VS_PARAM_KIND:
      return UINT32_MAX;
    default:
      return UINT64_MAX;
  }
}

static bool read_named(reading* r, uint8_t parameter, const char* value) {
  uint8_t type = r->info->params[parameter].type;
  vs_arg* arg = &r->op->args[parameter];
  if (r->said & (1u << parameter))
    return vs_wants(r->p, "each argument once: this one was said before", NULL, 0);
  r->said |= (uint8_t)(1u << parameter);
  if (type == VS_PARAM_HANDLE) return read_handle(r->p, value, arg);
  if (vs_param_is_pointer(type)) return placement(r, parameter, value);
  return vs_read_number(r->p, value, most_of(type), &arg->number);
}

static bool is_named(const char* word, const char* name, const char** value) {
  size_t length = strlen(name);
  *value = word + length + 1;
  return strncmp(word, name, length) == 0 && word[length] == '=';
}

// How the words are called that the op takes; their count.
static size_t names_of(const reading* r, char (*room)[40], const char** names) {
  static const char* const contents[] = {"bytes=", "length=", "held=", "flip="};
  static const char* const io[] = {"access=", "data=", "pad=", "fill="};
  size_t count = 0;
  for (size_t i = 0; i < VS_ARGS_MAX; i++) {
    if (vs_param_is_positional(r->op->code, (uint8_t)i)) continue;
    if (r->info->params[i].type == VS_PARAM_NONE) continue;
    snprintf(room[i], sizeof room[i], "%s=", r->info->params[i].name);
    names[count++] = room[i];
  }
  for (size_t i = 0; i < 4 && r->in < VS_ARGS_MAX; i++) names[count++] = contents[i];
  for (size_t i = 0; i < 4 && r->as == LAYOUT_IO && r->in < VS_ARGS_MAX; i++)
    names[count++] = io[i];
  if (r->in == VS_ARGS_MAX && r->buffer < VS_ARGS_MAX) names[count++] = contents[1];
  return count;
}

static bool wants_argument(const reading* r) {
  char room[VS_ARGS_MAX][40];
  const char* names[VS_ARGS_MAX + 8];
  char what[2 * WHAT];
  size_t count = names_of(r, room, names);
  if (count == 0) return vs_wants(r->p, "the end of the line", NULL, 0);
  size_t used = 0;
  for (size_t i = 0; i < count && used < sizeof what; i++) {
    const char* between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
    used += (size_t)snprintf(what + used, sizeof what - used, "%s%s", between, names[i]);
  }
  return vs_wants(r->p, what, names, count);
}

// What lies in the buffer.
static bool contents(reading* r, const char* word, const char* value) {
  size_t count;
  vs_parse* p = r->p;
  vs_op* op = r->op;
  bool state = r->as == LAYOUT_STATE;
  if (strncmp(word, "bytes=", 6) == 0)
    return vs_read_bytes(p, value, op->bytes, VS_STATE_MAX, &count);
  if (r->as != LAYOUT_NONE && strncmp(word, "fill=", 5) == 0) return fill(p, op, r->as, value);
  if (state && strncmp(word, "each=", 5) == 0) return each(p, op, value);
  if (state) return register_field(p, op, word, value);
  if (r->as == LAYOUT_IO && is_io_field(word)) return io_field(p, op, word);
  return wants_argument(r);
}

static bool set_length(reading* r, const char* value) {
  uint64_t length;
  if (!vs_read_number(r->p, value, BUFFER_LENGTH_MAX, &length)) return false;
  r->op->args[r->buffer].length = (uint16_t)length;
  return true;
}

static bool understand(reading* r, char* word, char* equals) {
  const char* value;
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    if (vs_param_is_positional(r->op->code, i) || r->info->params[i].type == VS_PARAM_NONE)
      continue;
    if (is_named(word, r->info->params[i].name, &value)) return read_named(r, i, value);
  }
  if (r->buffer < VS_ARGS_MAX && is_named(word, "length", &value)) return set_length(r, value);
  if (r->in == VS_ARGS_MAX) return wants_argument(r);
  if (r->buffer < VS_ARGS_MAX && is_named(word, "held", &value))
    return rewrite(r, VS_REWRITE_HELD, equals + 1);
  if (r->buffer < VS_ARGS_MAX && is_named(word, "flip", &value))
    return rewrite(r, VS_REWRITE_FLIP, equals + 1);
  return contents(r, word, equals + 1);
}

static bool attribute(reading* r) {
  char* word = r->p->line->words[r->p->next].text;
  char* equals = strchr(word, '=');
  if (r->op->code >= VS_CALL_COUNT) return vs_finished(r->p, "the end of the line");
  if (equals == NULL || equals == word) return wants_argument(r);
  bool good = understand(r, word, equals);
  r->p->next += good;
  return good;
}

// --- by position --------------------------------------------------------------------------------

static bool read_program(vs_parse* p, vs_op* op, vs_arg* entry) {
  const char* names[VS_PROGRAM_COUNT + 1];
  size_t count;
  const char* word = vs_peek(p);
  *entry = (vs_arg){.form = VS_ENTRY_PROGRAM};
  if (strncmp(word, "code=", 5) == 0) {
    if (!vs_read_bytes(p, word + 5, op->bytes, VS_STATE_MAX, &count)) return false;
    entry->slot = VS_PROGRAM_CODE;
    entry->length = (uint16_t)count;
    p->next++;
    return true;
  }
  if (strncmp(word, "entry=", 6) == 0) {
    entry->form = VS_ENTRY_RAW;
    if (!vs_read_number(p, word + 6, UINT64_MAX, &entry->number)) return false;
    p->next++;
    return true;
  }
  names[VS_PROGRAM_COUNT] = "entry=";
  for (unsigned i = 0; i < VS_PROGRAM_COUNT; i++) {
    names[i] = i == VS_PROGRAM_CODE ? "code=" : vs_programs[i].name;
    if (strcmp(word, names[i]) != 0 || i == VS_PROGRAM_CODE) continue;
    entry->slot = (uint8_t)i;
    p->next++;
    return true;
  }
  return vs_wants(p, "a guest program, code=BYTES or entry=NUMBER", names, VS_PROGRAM_COUNT + 1);
}

static bool read_positional(reading* r, uint8_t parameter) {
  const vs_param* param = &r->info->params[parameter];
  vs_arg* arg = &r->op->args[parameter];
  vs_parse* p = r->p;
  char what[WHAT];
  if (param->type == VS_PARAM_KIND) return read_kind(r, arg);
  if (param->type == VS_PARAM_ENTRY) return read_program(p, r->op, arg);
  if (param->type == VS_PARAM_HANDLE) {
    bool good = read_handle(p, vs_peek(p), arg);
    p->next += good;
    return good;
  }
  snprintf(what, sizeof what, "%s%s", param->type == VS_PARAM_VECTOR ? "a " : "", param->name);
  if (p->next >= p->line->count) return vs_wants(p, what, NULL, 0);
  bool good = vs_read_number(p, vs_peek(p), most_of(param->type), &arg->number);
  p->next += good;
  return good;
}

static bool read_arguments(vs_parse* p, vs_op* op) {
  reading r = reading_of(p, op);
  bool good = true;
  for (uint8_t i = 0; i < VS_ARGS_MAX && good; i++) {
    if (vs_param_is_positional(op->code, i)) good = read_positional(&r, i);
  }
  while (good && p->next < p->line->count) good = attribute(&r);
  p->scope.has_exact = false;
  return good;
}

static bool read_name(vs_parse* p, uint8_t* code) {
  const char* names[VS_OP_COUNT];
  for (unsigned i = 0; i < VS_OP_COUNT; i++) {
    names[i] = vs_ops[i].name;
    if (strcmp(vs_peek(p), names[i]) != 0) continue;
    *code = (uint8_t)i;
    return true;
  }
  return vs_wants(p, "an operation", names, VS_OP_COUNT);
}

// The slots before '=': those of the op's new handles.
static bool keep_slots(vs_parse* p, vs_op* op, const uint8_t* slots, unsigned count) {
  static const char* const wanted[] = {"no slot before 'NAME ='", "one slot: 'hN = NAME'",
                                       "two slots: 'hN hM = NAME'"};
  unsigned needed = 0;
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) {
    if (vs_ops[op->code].params[i].type != VS_PARAM_OUT_HANDLE) continue;
    if (needed < count) op->args[i].slot = slots[needed];
    needed++;
  }
  if (count == needed) return true;
  return vs_line_fault(p->line, 1, p->fault, "expected %s, found %u", wanted[needed], count);
}

bool vs_read_op(vs_parse* p, vs_op* op) {
  const uint8_t thread = op->thread;
  const bool optional = vs_accept(p, "try");
  const bool async = vs_accept(p, "start");
  uint8_t code = 0;
  uint8_t slots[2];
  unsigned count = 0;
  for (; vs_peek(p)[0] == 'h' && vs_peek(p)[1] >= '0' && vs_peek(p)[1] <= '9'; count++) {
    if (count == 2) return vs_wants(p, "'='", NULL, 0);
    if (!read_slot(p, &slots[count])) return false;
  }
  if (count > 0 && !vs_accept(p, "=")) return vs_wants(p, "'='", NULL, 0);
  if (!read_name(p, &code)) return false;
  *op = vs_op_new(code, p->scope.info);
  op->thread = thread;
  op->optional = optional;
  op->async = async;
  if (!keep_slots(p, op, slots, count)) return false;
  p->next++;
  if (!read_arguments(p, op) || !vs_finished(p, "the end of the line")) return false;
  if (vs_op_is_valid(op)) return true;
  return vs_line_fault(p->line, 1, p->fault,
                       "expected an operation that can be started on its own, on a thread other "
                       "than T0");
}
