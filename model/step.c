// SPDX-License-Identifier: BSD-3-Clause
#include "step.h"

vs_step vs_step_violation(vs_step_context* c, vs_violation_kind kind, vs_clause_code clause) {
  c->why.kind = c->seen->outcome == VS_IN_CALL ? VS_VIOLATION_NO_RETURN : kind;
  c->why.clause = clause;
  c->why.got = c->seen->status;
  return VS_STEP_VIOLATION;
}

bool vs_step_answered(vs_step_context* c, zx_status_t status) {
  c->why.decision.count = 1;
  c->why.decision.allowed[0] = (vs_allowed){status, VS_CHECK_NONE, (uint8_t)VS_LATITUDE_COUNT};
  return c->seen->outcome != VS_IN_CALL && c->seen->status == status;
}

bool vs_step_is_fresh(const vs_step_context* c, zx_handle_t value) {
  return value != ZX_HANDLE_INVALID && vs_world_resolve(c->world, value) == NULL;
}

const vs_slot* vs_step_slot(vs_step_context* c) {
  return vs_world_resolve(c->world, vs_world_value(c->world, &c->op->args[0]));
}

static bool add_created(vs_step_context* c) {
  vs_world* world = c->world;
  const vs_op* op = c->op;
  switch (op->code) {
    case VS_CALL_guest_create:
      return vs_world_add(world, vs_op_out(op, 0)->slot, VS_OBJECT_GUEST, c->seen->handle) &&
             vs_world_add(world, vs_op_out(op, 1)->slot, VS_OBJECT_VMAR, c->seen->handle2);
    case VS_CALL_event_create:
      return vs_world_add(world, vs_op_out(op, 0)->slot, VS_OBJECT_EVENT, c->seen->handle);
    case VS_CALL_port_create:
      return vs_world_add(world, vs_op_out(op, 0)->slot, VS_OBJECT_PORT, c->seen->handle);
    case VS_OP_guest_load:
    case VS_CALL_vmo_create:
      return vs_world_add(world, vs_op_out(op, 0)->slot, VS_OBJECT_VMO, c->seen->handle);
    default:  // VS_CALL_vcpu_create
      return vs_world_add_vcpu(world, op, c->oracle->profile, c->oracle->arch, c->seen->handle);
  }
}

vs_step vs_step_setup(vs_step_context* c) {
  if (!vs_step_answered(c, ZX_OK))
    return vs_step_violation(c, VS_VIOLATION_STATUS, VS_CLAUSE_RETURN_OK);
  bool two = c->op->code == VS_CALL_guest_create;
  bool fresh =
      vs_step_is_fresh(c, c->seen->handle) &&
      (!two || (vs_step_is_fresh(c, c->seen->handle2) && c->seen->handle != c->seen->handle2));
  if (!fresh) return vs_step_violation(c, VS_VIOLATION_HANDLE, VS_CLAUSE_DERIVED);
  return add_created(c) ? VS_STEP_ALLOWED : VS_STEP_BROKEN;
}
