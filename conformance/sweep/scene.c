// SPDX-License-Identifier: BSD-3-Clause
#include "scene.h"

#include "compose.h"
#include "forms.h"

// Threads. A thread that runs a guest cannot be the script's own.
enum { CALLER, OTHER, COMPANY, OWNER };

static vs_op op_of(const vs_arch_info* arch, vs_op_code code, uint8_t thread, uint8_t slot) {
  vs_op op = vs_op_new((uint8_t)code, arch);
  bool named = vs_ops[code].params[0].type == VS_PARAM_HANDLE && code != VS_CALL_guest_create;
  if (named) op.args[0] = vs_arg_slot(slot);
  op.thread = thread;
  return op;
}

static vs_op* add(vs_scene* scene, vs_op op) {
  scene->ops[scene->count] = op;
  return &scene->ops[scene->count++];
}

static vs_op optional(vs_op op) {
  op.optional = true;
  return op;
}

vs_op vs_scene_look(const vs_arch_info* arch) {
  return optional(op_of(arch, VS_CALL_vcpu_read_state, CALLER, VS_SCENE_VCPU));
}

vs_op vs_scene_look_company(const vs_arch_info* arch) {
  return optional(op_of(arch, VS_CALL_vcpu_read_state, COMPANY, VS_SCENE_COMPANY));
}

// --- the vCPU ---------------------------------------------------------------------------------

static uint8_t program_of(const vs_class_value* vcpu) {
  if (vcpu->form == VS_FORM_VCPU_RUNNING) return VS_PROGRAM_SPIN;
  return vcpu->form == VS_FORM_VCPU_LEFT ? (uint8_t)vcpu->number : VS_PROGRAM_DUMP;
}

static vs_op create_vcpu(const vs_scene* scene, uint8_t thread, uint8_t out, uint8_t program) {
  vs_op op = op_of(scene->arch, VS_CALL_vcpu_create, thread, VS_SCENE_GUEST);
  vs_op_give(&op, 0, out);
  VS_OP_ARG(&op, vcpu_create, entry).slot = program;
  return op;
}

static void write_and_look(const vs_space* space, vs_scene* scene, uint8_t thread, uint8_t slot) {
  vs_op* write = add(scene, op_of(scene->arch, VS_CALL_vcpu_write_state, thread, slot));
  vs_compose_ordinary(space, slot, write);
  add(scene, optional(op_of(scene->arch, VS_CALL_vcpu_read_state, thread, slot)));
}

static void bring_vcpu_about(vs_scene* scene, const vs_class_value* vcpu, uint8_t creator) {
  if (vcpu->form == VS_FORM_VCPU_LEFT)
    add(scene, op_of(scene->arch, VS_CALL_vcpu_enter, creator, VS_SCENE_VCPU));
  if (vcpu->form == VS_FORM_VCPU_KICKED)
    add(scene, op_of(scene->arch, VS_CALL_vcpu_kick, creator, VS_SCENE_VCPU));
  if (vcpu->form == VS_FORM_VCPU_RUNNING) {
    add(scene, op_of(scene->arch, VS_CALL_vcpu_enter, creator, VS_SCENE_VCPU))->async = true;
    add(scene, op_of(scene->arch, VS_OP_await_guest, OTHER, VS_SCENE_VCPU));
  }
}

static void make_vcpu(const vs_space* space, vs_scene* scene, const vs_class_value* vcpu,
                      uint8_t creator) {
  add(scene, create_vcpu(scene, creator, VS_SCENE_VCPU, program_of(vcpu)));
  if (vcpu->form == VS_FORM_VCPU_FRESH) {
    add(scene, optional(op_of(scene->arch, VS_CALL_vcpu_read_state, creator, VS_SCENE_VCPU)));
  } else {
    write_and_look(space, scene, creator, VS_SCENE_VCPU);
  }
}

static void make_company(const vs_space* space, vs_scene* scene) {
  add(scene, create_vcpu(scene, COMPANY, VS_SCENE_COMPANY, VS_PROGRAM_DUMP));
  write_and_look(space, scene, COMPANY, VS_SCENE_COMPANY);
  scene->company = true;
}

// --- the handle -------------------------------------------------------------------------------

static uint8_t make_object(vs_scene* scene, vs_type_class type) {
  vs_op_code code = VS_CALL_event_create;
  switch (type) {
    case VS_FORM_TYPE_VCPU:
      return VS_SCENE_VCPU;
    case VS_FORM_TYPE_GUEST:
      return VS_SCENE_GUEST;
    case VS_FORM_TYPE_VMAR:
      return VS_SCENE_VMAR;
    case VS_FORM_TYPE_PORT:
      code = VS_CALL_port_create;
      break;
    case VS_FORM_TYPE_VMO:
      code = VS_CALL_vmo_create;
      break;
    default:
      break;
  }
  vs_op create = op_of(scene->arch, code, CALLER, 0);
  vs_op_give(&create, 0, VS_SCENE_OBJECT);
  add(scene, create);
  return VS_SCENE_OBJECT;
}

static zx_rights_t rights_of(const vs_class_value* type, const vs_class_value* rights) {
  zx_rights_t whole = vs_object_types[vs_scene_types[type->form]].rights;
  zx_rights_t number = (zx_rights_t)rights->number;
  return rights->form == VS_FORM_RIGHTS_ALL ? whole & ~number : whole & number;
}

// A handle with other rights, made from `slot`.
static uint8_t derive(vs_scene* scene, vs_op_code code, uint8_t slot, uint8_t out,
                      zx_rights_t rights) {
  vs_op op = op_of(scene->arch, code, CALLER, slot);
  vs_op_give(&op, 0, out);
  VS_OP_ARG(&op, handle_duplicate, rights).number = rights;
  add(scene, op);
  return out;
}

static uint8_t make_handle(vs_scene* scene, vs_handle_class form, uint8_t own, zx_rights_t rights,
                           bool narrowed) {
  uint8_t first = VS_SCENE_FIRST;
  switch (form) {
    case VS_FORM_HANDLE_DUPLICATE:
      return derive(scene, VS_CALL_handle_duplicate, own, first, rights);
    case VS_FORM_HANDLE_DUPLICATE_TWICE:
      derive(scene, VS_CALL_handle_duplicate, own, first, ZX_RIGHT_SAME_RIGHTS);
      return derive(scene, VS_CALL_handle_duplicate, first, VS_SCENE_SECOND, rights);
    case VS_FORM_HANDLE_REPLACED:
    case VS_FORM_HANDLE_STALE:
      derive(scene, VS_CALL_handle_duplicate, own, first, ZX_RIGHT_SAME_RIGHTS);
      derive(scene, VS_CALL_handle_replace, first, VS_SCENE_SECOND, rights);
      return form == VS_FORM_HANDLE_STALE ? first : VS_SCENE_SECOND;
    case VS_FORM_HANDLE_CLOSED:
      derive(scene, VS_CALL_handle_duplicate, own, first, rights);
      add(scene, op_of(scene->arch, VS_CALL_handle_close, CALLER, first));
      return first;
    case VS_FORM_HANDLE_GONE:
      add(scene, op_of(scene->arch, VS_CALL_handle_close, CALLER, own));
      return own;
    default:
      return narrowed ? derive(scene, VS_CALL_handle_duplicate, own, VS_SCENE_NARROWED, rights)
                      : own;
  }
}

static vs_arg refer(const vs_class_value* handle, uint8_t slot) {
  vs_arg arg = vs_arg_slot(slot);
  if (handle->form == VS_FORM_HANDLE_RAW) {
    return (vs_arg){.form = VS_HANDLE_RAW, .number = handle->number};
  }
  if (handle->form == VS_FORM_HANDLE_CLEARED) {
    arg.form = VS_HANDLE_CLEARED;
    arg.number = handle->number;
  }
  if (handle->form == VS_FORM_HANDLE_FLIPPED) {
    arg.form = VS_HANDLE_FLIPPED;
    arg.number = UINT64_C(1) << handle->number;
  }
  return arg;
}

// --- what other calls than zx_vcpu_write_state name ----------------------------------------------

static void make_lacking(const vs_space* space, vs_scene* scene, uint8_t parameter) {
  const vs_param* param = &vs_ops[space->call].params[parameter];
  vs_type_class type = vs_scene_type_of(param);
  bool lacks = param->type == VS_PARAM_HANDLE && param->object != ZX_OBJ_TYPE_RESOURCE &&
               param->value != ZX_RIGHT_NONE;
  // Not every kernel gives a guest ZX_RIGHT_MANAGE_THREAD.
  zx_rights_t rights = vs_object_types[vs_scene_types[type]].rights &
                       ~((zx_rights_t)param->value | ZX_RIGHT_MANAGE_THREAD);
  if (lacks) {
    derive(scene, VS_CALL_handle_duplicate, vs_scene_slots[type],
           vs_scene_lacking(space, parameter), rights);
  }
}

// An object of each type. Only what the call itself takes has to be there.
static void make_objects(const vs_space* space, vs_scene* scene) {
  size_t first = vs_space_takes_vcpu(space) ? scene->count : 0;
  make_object(scene, VS_FORM_TYPE_EVENT);
  vs_op_give(add(scene, op_of(scene->arch, VS_CALL_port_create, CALLER, 0)), 0, VS_SCENE_PORT);
  vs_op_give(add(scene, op_of(scene->arch, VS_CALL_vmo_create, CALLER, 0)), 0, VS_SCENE_VMO);
  derive(scene, VS_CALL_handle_duplicate, VS_SCENE_EVENT, VS_SCENE_CLOSED, ZX_RIGHT_SAME_RIGHTS);
  add(scene, op_of(scene->arch, VS_CALL_handle_close, CALLER, VS_SCENE_CLOSED));
  for (uint8_t i = 0; i != VS_ARGS_MAX; i++) make_lacking(space, scene, i);
  for (size_t i = first; i < scene->count; i++) scene->ops[i].optional = true;
}

// --- the end ----------------------------------------------------------------------------------

static void add_end(vs_scene* scene, vs_op op) {
  scene->end[scene->end_count++] = op;
}

// The vCPU is stopped if it runs, and goes on with what was written last.
static void make_end(const vs_space* space, vs_scene* scene, const vs_class_value* vcpu) {
  if (vcpu->form == VS_FORM_VCPU_RUNNING) {
    add_end(scene, op_of(scene->arch, VS_CALL_vcpu_kick, OTHER, VS_SCENE_VCPU));
    add_end(scene, op_of(scene->arch, VS_OP_join, OWNER, VS_SCENE_VCPU));
    add_end(scene, optional(op_of(scene->arch, VS_CALL_vcpu_read_state, OWNER, VS_SCENE_VCPU)));
    return;
  }
  if (!scene->looks) return;
  vs_op write = op_of(scene->arch, VS_CALL_vcpu_write_state, CALLER, VS_SCENE_VCPU);
  vs_compose_ordinary(space, 0, &write);
  add_end(scene, write);
  add_end(scene, vs_scene_look(scene->arch));
  add_end(scene, optional(op_of(scene->arch, VS_CALL_vcpu_enter, CALLER, VS_SCENE_VCPU)));
}

// --- all of it --------------------------------------------------------------------------------

static void make_guest(vs_scene* scene) {
  vs_op create = op_of(scene->arch, VS_CALL_guest_create, CALLER, 0);
  vs_op_give(&create, 0, VS_SCENE_GUEST);
  vs_op_give(&create, 1, VS_SCENE_VMAR);
  vs_op load = optional(op_of(scene->arch, VS_OP_guest_load, CALLER, VS_SCENE_GUEST));
  vs_op_give(&load, 0, VS_SCENE_MEMORY);
  VS_OP_ARG(&load, guest_load, vmar) = vs_arg_slot(VS_SCENE_VMAR);
  add(scene, create);
  add(scene, load);
}

static uint8_t calling_thread(vs_thread_class thread) {
  if (thread == VS_FORM_THREAD_OTHER) return OTHER;
  return thread == VS_FORM_THREAD_OTHER_WITH_VCPU ? COMPANY : CALLER;
}

void vs_scene_make(const vs_space* space, const vs_combination* stage, bool company,
                   vs_scene* scene) {
  const vs_class_value* handle = vs_space_value(space, stage, VS_FACTOR_HANDLE);
  const vs_class_value* rights = vs_space_value(space, stage, VS_FACTOR_RIGHTS);
  const vs_class_value* type = vs_space_value(space, stage, VS_FACTOR_TYPE);
  const vs_class_value* thread = vs_space_value(space, stage, VS_FACTOR_THREAD);
  const vs_class_value* vcpu = vs_space_value(space, stage, VS_FACTOR_VCPU);
  bool ended = thread->form == VS_FORM_THREAD_CREATOR_ENDED;
  bool running = vcpu->form == VS_FORM_VCPU_RUNNING;
  uint8_t creator = ended || running ? OWNER : CALLER;
  scene->arch = vs_arch_find(space->arch);
  scene->count = scene->end_count = 0;
  scene->company = false;
  make_guest(scene);
  make_vcpu(space, scene, vcpu, creator);
  bool write_state = space->call == VS_CALL_vcpu_write_state;
  bool brings = thread->form == VS_FORM_THREAD_OTHER_WITH_VCPU;
  if ((company && write_state) || brings) make_company(space, scene);
  bring_vcpu_about(scene, vcpu, creator);
  if (ended) add(scene, op_of(scene->arch, VS_OP_thread_exit, OWNER, 0));
  scene->thread = calling_thread((vs_thread_class)thread->form);
  // A thread has one vCPU at most.
  if (space->call == VS_CALL_vcpu_create) scene->thread = OTHER;
  if (!write_state) {
    make_objects(space, scene);
    scene->looks = creator == CALLER;
    return make_end(space, scene, vcpu);
  }
  uint8_t own = make_object(scene, (vs_type_class)type->form);
  bool narrowed = stage->value[VS_FACTOR_RIGHTS] != 0;
  uint8_t slot = make_handle(scene, (vs_handle_class)handle->form, own,
                             narrowed ? rights_of(type, rights) : ZX_RIGHT_SAME_RIGHTS, narrowed);
  scene->handle = refer(handle, slot);
  bool vcpu_gone = handle->form == VS_FORM_HANDLE_GONE && type->form == VS_FORM_TYPE_VCPU;
  scene->looks = creator == CALLER && !vcpu_gone;
  make_end(space, scene, vcpu);
}

static bool is_derived(vs_handle_class form) {
  return form >= VS_FORM_HANDLE_DUPLICATE && form <= VS_FORM_HANDLE_CLOSED;
}

bool vs_scene_is_possible(const vs_space* space, const vs_combination* stage) {
  const vs_class_value* handle = vs_space_value(space, stage, VS_FACTOR_HANDLE);
  const vs_class_value* rights = vs_space_value(space, stage, VS_FACTOR_RIGHTS);
  const vs_class_value* type = vs_space_value(space, stage, VS_FACTOR_TYPE);
  const vs_class_value* thread = vs_space_value(space, stage, VS_FACTOR_THREAD);
  const vs_class_value* vcpu = vs_space_value(space, stage, VS_FACTOR_VCPU);
  bool narrowed = stage->value[VS_FACTOR_RIGHTS] != 0;
  bool typed = stage->value[VS_FACTOR_TYPE] != 0;
  // A number has no rights and no type; and what is closed last is closed with all its rights.
  if (handle->form == VS_FORM_HANDLE_RAW && (narrowed || typed)) return false;
  if (handle->form == VS_FORM_HANDLE_GONE && narrowed) return false;
  // What a vCPU needs to be read, kicked or ended later stays open.
  bool needed = type->form == VS_FORM_TYPE_VCPU && vcpu->form == VS_FORM_VCPU_RUNNING;
  if (handle->form == VS_FORM_HANDLE_GONE && needed) return false;
  // Kernels differ in which rights such a handle has, so that asking for them may fail.
  bool unsure = (vs_object_types[vs_scene_types[type->form]].maybe & ZX_RIGHT_WRITE) != 0;
  if (unsure && (narrowed || is_derived((vs_handle_class)handle->form))) {
    if (rights_of(type, rights) & ZX_RIGHT_WRITE) return false;
  }
  bool running = vcpu->form == VS_FORM_VCPU_RUNNING;
  bool busy = thread->form == VS_FORM_THREAD_CREATOR;
  return !(running && (busy || thread->form == VS_FORM_THREAD_CREATOR_ENDED));
}
