// SPDX-License-Identifier: BSD-3-Clause
#include "ideal.h"

#include <string.h>

enum { MENDS = 128 };  // more than there are registers and fields

// Far from each other, so that no inverted or cleared bit of one makes another.
static zx_handle_t invent(uint32_t* handles) {
  const uint32_t spread = 0x9e3779b1;
  return (++*handles * spread) | ZX_HANDLE_FIXED_BITS_MASK;
}

static void restore(vs_oracle* oracle) {
  memcpy(oracle->worlds, oracle->before, oracle->saved * sizeof oracle->worlds[0]);
  oracle->count = oracle->saved;
}

static void mend(vs_observation* seen, const vs_violation* why, const vs_arch_info* arch) {
  if (why->kind == VS_VIOLATION_REGISTER) {
    const vs_register* reg = &arch->registers[why->reg];
    memcpy(seen->state + reg->offset, &why->expected, reg->width / 8u);
    return;
  }
  if (why->field == VS_PACKET_FIELD_COUNT) {
    seen->has_state = true;
    return;
  }
  const vs_packet_field_info* field = &vs_packet_fields[why->field];
  memcpy((uint8_t*)&seen->packet + field->offset, &why->expected, field->size);
}

static vs_observation begin(const vs_op* op, zx_status_t status, uint32_t* handles) {
  vs_observation seen = {.outcome = op->async ? VS_STARTED : VS_RETURNED, .status = status};
  if (status != ZX_OK) return seen;
  if (vs_op_out(op, 0) != NULL) seen.handle = invent(handles);
  if (vs_op_out(op, 1) != NULL) seen.handle2 = invent(handles);
  seen.has_packet = op->code == VS_CALL_vcpu_enter || op->code == VS_CALL_port_wait;
  seen.has_state = op->code == VS_CALL_vcpu_read_state;
  return seen;
}

static bool can_be_mended(const vs_violation* why) {
  return why->kind == VS_VIOLATION_REGISTER || why->kind == VS_VIOLATION_PACKET;
}

bool vs_ideal_step(vs_oracle* oracle, const vs_op* op, zx_status_t status, uint32_t* handles) {
  vs_observation seen = begin(op, status, handles);
  vs_oracle_save(oracle);
  for (unsigned i = 0; i < MENDS; i++) {
    vs_violation why = {0};
    const vs_step step = vs_oracle_step(oracle, op, &seen, &why);
    if (step == VS_STEP_ALLOWED) return true;
    restore(oracle);
    if (step != VS_STEP_VIOLATION || !can_be_mended(&why)) return false;
    mend(&seen, &why, oracle->arch);
  }
  return false;
}
