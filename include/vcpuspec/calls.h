// SPDX-License-Identifier: BSD-3-Clause
// What calls.def says, as C17 and as C++17: prototypes, the number of each call, the number of each
// parameter. A call's arguments are numbers in the order of its row, a pointer an address.
//
//   VS_CALL_vcpu_enter              the call's number
//   VS_ARG(vcpu_enter, packet)      the parameter's number: 1
//   VS_EACH(F, row's parameters)    F(TYPE, name, object, value) for each of them, with commas
#ifndef VCPUSPEC_CALLS_H_
#define VCPUSPEC_CALLS_H_

#include <zircon/syscalls/hypervisor.h>
#include <zircon/syscalls/port.h>
#include <zircon/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VS_ARGS_MAX = 7, VS_POINTERS_MAX = 2 };

// F applied to each parameter of a row; a parameter is itself a list in parentheses.
#define VS_EACH_1(F, a) F a
#define VS_EACH_2(F, a, ...) F a, VS_EACH_1(F, __VA_ARGS__)
#define VS_EACH_3(F, a, ...) F a, VS_EACH_2(F, __VA_ARGS__)
#define VS_EACH_4(F, a, ...) F a, VS_EACH_3(F, __VA_ARGS__)
#define VS_EACH_5(F, a, ...) F a, VS_EACH_4(F, __VA_ARGS__)
#define VS_EACH_6(F, a, ...) F a, VS_EACH_5(F, __VA_ARGS__)
#define VS_EACH_7(F, a, ...) F a, VS_EACH_6(F, __VA_ARGS__)
#define VS_EACH_OF(a, b, c, d, e, f, g, each, ...) each
#define VS_EACH(F, ...)                                                                     \
  VS_EACH_OF(__VA_ARGS__, VS_EACH_7, VS_EACH_6, VS_EACH_5, VS_EACH_4, VS_EACH_3, VS_EACH_2, \
             VS_EACH_1, none)                                                               \
  (F, __VA_ARGS__)

// The C type of a parameter.
#define VS_C_HANDLE zx_handle_t
#define VS_C_OUT_HANDLE zx_handle_t*
#define VS_C_U32 uint32_t
#define VS_C_U64 uint64_t
#define VS_C_TIME zx_time_t
#define VS_C_RIGHTS zx_rights_t
#define VS_C_VECTOR uint32_t
#define VS_C_SIZE size_t
#define VS_C_KIND uint32_t
#define VS_C_ENTRY zx_vaddr_t
#define VS_C_IN const void*
#define VS_C_OUT void*
#define VS_C_IN_PACKET const zx_port_packet_t*
#define VS_C_OUT_PACKET zx_port_packet_t*
#define VS_C_OUT_U64 uint64_t*

#define VS_DECLARE(type, name, object, value) VS_C_##type name
#define VS_NAME(type, name, object, value) name

// The documented prototypes.
#define VS_CALL(name, word, phase, text, ...) \
  zx_status_t zx_##name(VS_EACH(VS_DECLARE, __VA_ARGS__));
#include <vcpuspec/calls.def>

// What a script can hold: the calls by their numbers, and after them what is no call (ops.def).
typedef enum vs_op_code {
#define VS_CALL(name, word, phase, text, ...) VS_CALL_##name,
#include <vcpuspec/calls.def>
  VS_CALL_COUNT,
  VS_NO_CALL = VS_CALL_COUNT,  // stands where a call's number is expected
  VS_NO_OTHER_RESOURCE,        // where a missing one is told: the backend offers no such handle
  VS_OP_LAST_CALL = VS_CALL_COUNT - 1,
#define VS_LOCAL(name, phase, text, ...) VS_OP_##name,
#include <vcpuspec/ops.def>
  VS_OP_COUNT
} vs_op_code;

typedef vs_op_code vs_call_index;  // of those below VS_CALL_COUNT

// A call's arguments as numbers. The struct gives each parameter its place: VS_ARG.
#define VS_CALL(name, word, phase, text, ...) \
  struct vs_args_##name {                     \
    uint64_t VS_EACH(VS_NAME, __VA_ARGS__);   \
  };
#include <vcpuspec/calls.def>
#define VS_ARG(call, parameter) (offsetof(struct vs_args_##call, parameter) / sizeof(uint64_t))

typedef enum vs_param_type {
  VS_PARAM_NONE,
  VS_PARAM_HANDLE,
  VS_PARAM_U32,
  VS_PARAM_U64,
  VS_PARAM_TIME,
  VS_PARAM_RIGHTS,
  VS_PARAM_VECTOR,
  VS_PARAM_SIZE,
  VS_PARAM_KIND,
  VS_PARAM_ENTRY,
  VS_PARAM_OUT_HANDLE,  // from here on: pointers
  VS_PARAM_IN,
  VS_PARAM_OUT,
  VS_PARAM_IN_PACKET,
  VS_PARAM_OUT_PACKET,
  VS_PARAM_OUT_U64
} vs_param_type;

#ifdef __cplusplus
}
#endif

#define VS_CALL(name, word, phase, text, ...)                                       \
  VS_STATIC_ASSERT(sizeof(struct vs_args_##name) <= VS_ARGS_MAX * sizeof(uint64_t), \
                   "zx_" #name " has at most VS_ARGS_MAX parameters");
#include <vcpuspec/calls.def>

#endif  // VCPUSPEC_CALLS_H_
