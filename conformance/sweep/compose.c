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

static uint64_t size_of(const vs_class_value* value, const vs_arch_info* arch, bool io) {
  uint64_t exact = exact_size(arch, io);
  switch ((vs_size_class)value->form) {
    case VS_FORM_SIZE_OTHER:
      return exact_size(arch, !io);
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

static void fill_contents(const vs_space* space, const vs_arch_info* arch, const vs_combination* c,
                          uint64_t salt, uint8_t* bytes) {
  const vs_class_value* content = vs_space_value(space, c, VS_FACTOR_CONTENT);
  bool plain = content->form == VS_FORM_CONTENT_ZEROS || content->form == VS_FORM_CONTENT_ONES;
  if (plain) {
    memset(bytes, content->form == VS_FORM_CONTENT_ONES ? 0xff : 0, VS_STATE_MAX);
  } else {
    fill(bytes, salt);
  }
  if (c->io) {
    fill_io(content, vs_space_value(space, c, VS_FACTOR_ACCESS), salt, bytes);
  } else if (!plain) {
    fill_state(content, arch, salt, bytes);
  }
}

// --- the call ---------------------------------------------------------------------------------

void vs_compose_call(const vs_space* space, const vs_scene* scene, const vs_combination* c,
                     uint64_t salt, vs_op* op) {
  const vs_arch_info* arch = vs_arch_find(space->arch);
  const vs_class_value* place = vs_space_value(space, c, VS_FACTOR_PLACE);
  uint64_t kind = kind_of(vs_space_value(space, c, VS_FACTOR_KIND), c->io);
  // As long as the kind asks for, whatever the call is told.
  bool io = kind == ZX_VCPU_IO || (kind != ZX_VCPU_STATE && c->io);
  uint16_t length = (uint16_t)exact_size(arch, io);
  op->code = VS_CALL_vcpu_write_state;
  op->thread = scene->thread;
  op->args[0] = scene->handle;
  VS_OP_ARG(op, vcpu_write_state, kind).number = kind;
  VS_OP_ARG(op, vcpu_write_state, buffer_size).number =
      size_of(vs_space_value(space, c, VS_FACTOR_SIZE), arch, c->io);
  VS_OP_ARG(op, vcpu_write_state, buffer) =
      (vs_arg){.at = place->form, .argument = (uint16_t)place->number, .length = length};
  fill_contents(space, arch, c, salt, op->bytes);
  memset(op->bytes + length, 0, VS_STATE_MAX - length);
}

void vs_compose_ordinary(const vs_space* space, uint64_t salt, vs_op* op) {
  static const vs_combination valid = {0};
  const vs_scene scene = {.handle = op->args[0], .thread = op->thread};
  vs_compose_call(space, &scene, &valid, ~salt, op);
}
