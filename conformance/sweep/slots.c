// SPDX-License-Identifier: BSD-3-Clause
#include "slots.h"

const vs_object_code vs_scene_types[VS_FORM_TYPE_COUNT] = {
#define VS_OBJECT(code, name, type, rights, write) [VS_FORM_TYPE_##code] = VS_OBJECT_##code,
#include "objects.def"
#undef VS_OBJECT
};

const uint8_t vs_scene_slots[VS_FORM_TYPE_COUNT] = {
    [VS_FORM_TYPE_GUEST] = VS_SCENE_GUEST, [VS_FORM_TYPE_VMAR] = VS_SCENE_VMAR,
    [VS_FORM_TYPE_VCPU] = VS_SCENE_VCPU,   [VS_FORM_TYPE_EVENT] = VS_SCENE_EVENT,
    [VS_FORM_TYPE_PORT] = VS_SCENE_PORT,   [VS_FORM_TYPE_VMO] = VS_SCENE_VMO,
};

vs_type_class vs_scene_type_of(const vs_param* param) {
  vs_type_class type = 0;
  while (type < VS_FORM_TYPE_COUNT && vs_object_types[vs_scene_types[type]].type != param->object)
    type++;
  return type < VS_FORM_TYPE_COUNT ? type : VS_FORM_TYPE_EVENT;
}

uint8_t vs_scene_lacking(const vs_space* space, uint8_t parameter) {
  uint8_t before = vs_param_find(space->call, VS_PARAM_HANDLE, 0);
  return before < parameter ? VS_SCENE_LACKING2 : VS_SCENE_LACKING;
}

vs_arg vs_scene_object(const vs_space* space, uint8_t parameter, const vs_class_value* value) {
  const vs_param* param = &vs_ops[space->call].params[parameter];
  vs_arg own = vs_arg_slot(vs_scene_slots[vs_scene_type_of(param)]);
  switch ((vs_object_class)value->form) {
    case VS_FORM_OBJECT_OWN:
      return param->object == ZX_OBJ_TYPE_RESOURCE ? (vs_arg){.form = VS_HANDLE_RESOURCE} : own;
    case VS_FORM_OBJECT_CLOSED:
      return vs_arg_slot(VS_SCENE_CLOSED);
    case VS_FORM_OBJECT_RAW:
      return (vs_arg){.form = VS_HANDLE_RAW, .number = value->number};
    case VS_FORM_OBJECT_CLEARED:
      own.form = VS_HANDLE_CLEARED;
      own.number = value->number;
      return own;
    case VS_FORM_OBJECT_LACKING:
      return vs_arg_slot(vs_scene_lacking(space, parameter));
    case VS_FORM_OBJECT_OTHER:
      return (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
    default:
      return vs_arg_slot(vs_scene_slots[value->form - VS_FORM_OBJECT_GUEST]);
  }
}
