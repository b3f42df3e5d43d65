// SPDX-License-Identifier: BSD-3-Clause
#include "compose.h"

#include <string.h>

#include "forms.h"

static uint64_t exact_size(const vs_arch_info* arch, bool io) {
  return io ? sizeof(zx_vcpu_io_t) : arch->state_size;
}

static uint32_t kind_of(const vs_class_value* value, bool io) {
  uint32_t own = io ? ZX_VCPU_IO : ZX_VCPU_STATE;
  switch ((vs_kind_class)value->form) {
    case VS_FORM_KIND_OTHER:
      return io ? ZX_VCPU_STATE : ZX_VCPU_IO;
    case VS_FORM_KIND_NUMBER:
      return (uint32_t)value->number;
    case VS_FORM_KIND_ALIAS:
      return own | UINT32_C(1) << value->number;
    default:
      return own;
  }
}

static uint64_t size_of(const vs_class_value* value, uint64_t exact, uint64_t other) {
  switch ((vs_size_class)value->form) {
    case VS_FORM_SIZE_OTHER:
      return other;
    case VS_FORM_SIZE_NUMBER:
      return value->number;
    case VS_FORM_SIZE_LESS:
      return exact - value->number;
    case VS_FORM_SIZE_MORE:
      return exact + value->number;
    case VS_FORM_SIZE_POWER:
      return UINT64_C(1) << value->number;
    case VS_FORM_SIZE_ALIAS:
      return exact + (UINT64_C(1) << value->number);
    default:
      return exact;
  }
}

// --- contents ---------------------------------------------------------------------------------

static uint64_t mix(uint64_t salt) {
  uint64_t value = (salt + 1) * UINT64_C(0x9e3779b97f4a7c15);
  return value ^ value >> 31;
}

// A value of its own in every byte.
static void fill(uint8_t* bytes, uint64_t salt) {
  uint64_t value = mix(salt);
  for (size_t i = 0; i < VS_STATE_MAX; i += sizeof value) {
    memcpy(bytes + i, &value, sizeof value);
    value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  }
}

static uint64_t flags_of(const vs_class_value* content, const vs_arch_info* arch, uint64_t salt) {
  uint64_t callers = arch->flags_required | arch->flags_optional;
  uint64_t ordinary = mix(salt) & arch->flags_required;
  switch ((vs_content_class)content->form) {
    case VS_FORM_CONTENT_GATE_CLOSED:
      return ordinary & ~arch->flags_gate;
    case VS_FORM_CONTENT_SYSTEM_FLAGS:
      return ~callers | arch->flags_gate;
    case VS_FORM_CONTENT_ALL_FLAGS:
      return callers | arch->flags_gate;
    case VS_FORM_CONTENT_FLAG:
      return UINT64_C(1) << content->number | arch->flags_gate;
    default:
      return ordinary | arch->flags_gate;
  }
}

static void fill_state(const vs_class_value* content, const vs_arch_info* arch, uint64_t salt,
                       uint8_t* bytes) {
  const vs_register* reg = &arch->registers[arch->flags];
  uint64_t flags = flags_of(content, arch, salt);
  memcpy(bytes + reg->offset, &flags, reg->width / 8u);
}

static void fill_io(const vs_class_value* content, const vs_class_value* access, uint64_t salt,
                    uint8_t* bytes) {
  zx_vcpu_io_t io;
  uint64_t value = mix(salt);
  memset(&io, 0, sizeof io);
  memcpy(io.data, &value, sizeof io.data);
  if (content->form == VS_FORM_CONTENT_ZEROS) memset(io.data, 0, sizeof io.data);
  if (content->form == VS_FORM_CONTENT_ONES) memset(io.data, 0xff, sizeof io.data);
  if (content->form == VS_FORM_CONTENT_PADDING) io.padding1[content->number - 1] = 0xa5;
  io.access_size = (uint8_t)access->number;
  memcpy(bytes, &io, sizeof io);
}

// Of a space of another call, the valid value.
static const vs_class_value* value_of(const vs_space* space, const vs_combination* c,
                                      vs_factor factor) {
  static const vs_class_value valid;
  bool write_state = space->call == VS_CALL_vcpu_write_state;
  return write_state ? vs_space_value(space, c, factor) : &valid;
}

static void fill_contents(const vs_space* space, const vs_arch_info* arch, const vs_combination* c,
                          uint64_t salt, uint8_t* bytes) {
  const vs_class_value* content = value_of(space, c, VS_FACTOR_CONTENT);
  bool plain = content->form == VS_FORM_CONTENT_ZEROS || content->form == VS_FORM_CONTENT_ONES;
  if (plain) {
    memset(bytes, content->form == VS_FORM_CONTENT_ONES ? 0xff : 0, VS_STATE_MAX);
  } else {
    fill(bytes, salt);
  }
  if (c->io) {
    fill_io(content, value_of(space, c, VS_FACTOR_ACCESS), salt, bytes);
  } else if (!plain) {
    fill_state(content, arch, salt, bytes);
  }
}

// --- the call ---------------------------------------------------------------------------------

static void compose_write(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                          uint64_t salt, vs_op* op) {
  const vs_arch_info* arch = vs_arch_find(space->arch);
  const vs_class_value* place = value_of(space, c, VS_FACTOR_PLACE);
  uint64_t kind = kind_of(value_of(space, c, VS_FACTOR_KIND), c->io);
  // As long as the kind asks for, whatever the call is told.
  bool io = kind == ZX_VCPU_IO || (kind != ZX_VCPU_STATE && c->io);
  uint16_t length = (uint16_t)exact_size(arch, io);
  op->code = VS_CALL_vcpu_write_state;
  op->thread = scene->thread;
  op->args[0] = scene->handle;
  VS_OP_ARG(op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number = size_of(
      value_of(space, c, VS_FACTOR_SIZE), exact_size(arch, c->io), exact_size(arch, !c->io));
  VS_OP_ARG(op, vcpu_write_state, buffer) =
      (vs_arg){.at = place->form, .argument = (uint16_t)place->number, .length = length};
  fill_contents(space, arch, c, salt, op->bytes);
  memset(op->bytes + length, 0, VS_STATE_MAX - length);
}

// --- a call of any sort -------------------------------------------------------------------------

static uint64_t number_of(const vs_class_value* value, const vs_param* param) {
  bool wide = param->type == VS_PARAM_U64 || param->type == VS_PARAM_TIME;
  switch ((vs_number_class)value->form) {
    case VS_NUMBER_DEFAULT:
      return param->value;
    case VS_NUMBER_BIT:
      return UINT64_C(1) << value->number;
    case VS_NUMBER_MOST:
      return wide ? UINT64_MAX : UINT32_MAX;
    default:
      return value->number;
  }
}

static vs_arg entry_of(const vs_class_value* value) {
  if (value->form == VS_FORM_ENTRY_RAW) {
    return (vs_arg){.form = VS_ENTRY_RAW, .number = value->number};
  }
  return (vs_arg){.form = VS_ENTRY_PROGRAM, .slot = (uint8_t)value->number};
}

static vs_arg pointer_to(const vs_space* space, uint8_t parameter, const vs_class_value* place) {
  uint8_t type = vs_ops[space->call].params[parameter].type;
  bool buffer = type == VS_PARAM_IN || type == VS_PARAM_OUT;
  vs_arg arg = {.at = place->form, .argument = (uint16_t)place->number};
  if (buffer) arg.length = (uint16_t)vs_space_length(space, parameter);
  if (type != VS_PARAM_OUT_HANDLE) return arg;
  bool first = vs_param_find(space->call, VS_PARAM_OUT_HANDLE, 0) == parameter;
  arg.slot = first ? VS_SCENE_OUT : VS_SCENE_OUT2;
  return arg;
}

// The bytes that the call's own buffer has.
static uint64_t length_of_buffer(const vs_space* space) {
  uint8_t in = vs_param_find(space->call, VS_PARAM_IN, 0);
  uint8_t out = vs_param_find(space->call, VS_PARAM_OUT, 0);
  return vs_space_length(space, in < VS_ARGS_MAX ? in : out);
}

static vs_arg argument_of(const vs_space* space, const vs_combination* c, unsigned factor) {
  const vs_factor_info* info = &space->factors[factor];
  const vs_class_value* value = vs_space_value(space, c, factor);
  switch (info->kind) {
    case VS_CLASS_OBJECT:
      return vs_scene_object(space, info->parameter, value);
    case VS_CLASS_PLACE:
      return pointer_to(space, info->parameter, value);
    case VS_CLASS_ENTRY:
      return entry_of(value);
    case VS_CLASS_KIND:
      return (vs_arg){.number = kind_of(value, false)};
    case VS_CLASS_SIZE:
      return (vs_arg){.number = size_of(value, length_of_buffer(space), sizeof(zx_vcpu_io_t))};
    default:
      return (vs_arg){.number = number_of(value, &vs_ops[space->call].params[info->parameter])};
  }
}

// What lies at an in-pointer; a packet is one of the user's, as zx_port_queue asks for.
static void fill_in(const vs_space* space, uint64_t salt, uint8_t* bytes) {
  uint8_t packet = vs_param_find(space->call, VS_PARAM_IN_PACKET, 0);
  uint8_t in = packet < VS_ARGS_MAX ? packet : vs_param_find(space->call, VS_PARAM_IN, 0);
  if (in == VS_ARGS_MAX) return;
  size_t length = vs_space_length(space, in);
  fill(bytes, salt);
  memset(bytes + length, 0, VS_STATE_MAX - length);
  if (in == packet) memset(bytes + offsetof(zx_port_packet_t, type), 0, sizeof(uint32_t));
}

static void compose_any(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                        uint64_t salt, vs_op* op) {
  *op = vs_op_new(space->call, vs_arch_find(space->arch));
  op->thread = scene->thread;
  op->optional = true;  // where the call is missing, that is no failure
  for (unsigned f = VS_STAGE_FACTORS; f < space->factor_count; f++) {
    op->args[space->factors[f].parameter] = argument_of(space, c, f);
  }
  fill_in(space, salt, op->bytes);
}

void vs_compose_call(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                     uint64_t salt, vs_op* op) {
  bool write_state = space->call == VS_CALL_vcpu_write_state;
  (write_state ? compose_write : compose_any)(space, scene, c, salt, op);
}

// --- what goes with it --------------------------------------------------------------------------

static bool takes_handle(const vs_space* space) {
  return space->call == VS_CALL_handle_close || space->call == VS_CALL_handle_replace;
}

static vs_op handle_op(const vs_op* call, const vs_arch_info* arch, vs_op_code code, uint8_t slot) {
  vs_op op = vs_op_new((uint8_t)code, arch);
  op.args[0] = vs_arg_slot(slot);
  op.thread = call->thread;
  op.optional = true;
  return op;
}

void vs_compose_parts(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                      uint64_t salt, vs_op parts[VS_PARTS]) {
  const vs_arch_info* arch = vs_arch_find(space->arch);
  vs_op* call = &parts[VS_PART_CALL];
  *call = vs_op_new(space->call, arch);
  vs_compose_call(space, scene, c, salt, call);
  for (unsigned i = 0; i < VS_PARTS; i++) {
    if (i != VS_PART_CALL) parts[i].code = VS_OP_COUNT;
  }
  for (unsigned i = 0; i < 2 && vs_op_out(call, i) != NULL; i++) {
    parts[VS_PART_OUT + i] = handle_op(call, arch, VS_CALL_handle_close, vs_op_out(call, i)->slot);
  }
  vs_arg* handle = &call->args[0];
  if (!takes_handle(space) || !vs_arg_names_slot(handle) || handle->slot == VS_SCENE_CLOSED) return;
  parts[VS_PART_TAKEN] = handle_op(call, arch, VS_CALL_handle_duplicate, handle->slot);
  vs_op_give(&parts[VS_PART_TAKEN], 0, VS_SCENE_TAKEN);
  parts[VS_PART_KEPT] = handle_op(call, arch, VS_CALL_handle_close, VS_SCENE_TAKEN);
  handle->slot = VS_SCENE_TAKEN;
}

bool vs_part_is_due(const vs_op* parts, unsigned part, const vs_observation* seen) {
  const vs_observation* answer = &seen[VS_PART_CALL];
  if (parts[part].code == VS_OP_COUNT) return false;
  if (part <= VS_PART_CALL) return true;
  bool fine = answer->outcome == VS_RETURNED && answer->status == ZX_OK;
  // zx_handle_replace takes the handle also when it is refused.
  if (part == VS_PART_KEPT) return !fine && parts[VS_PART_CALL].code == VS_CALL_handle_close;
  return fine;
}

void vs_compose_ordinary(const vs_space* space, uint64_t salt, vs_op* op) {
  static const vs_combination valid = {0};
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  compose_write(space, &scene, &valid, ~salt, op);
}
