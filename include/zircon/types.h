// SPDX-License-Identifier: BSD-3-Clause
// Scalar types of the ABI under test (zircon/types.h).
#ifndef ZIRCON_TYPES_H_
#define ZIRCON_TYPES_H_

#include <stddef.h>
#include <stdint.h>

#include <zircon/errors.h>
#include <zircon/rights.h>

// C17 and C++17 both know these headers; each has a word of its own for it.
#ifdef __cplusplus
#define VS_STATIC_ASSERT static_assert
#else
#define VS_STATIC_ASSERT _Static_assert
#endif

typedef int32_t zx_status_t;

// A handle names an object, with rights, within one process. 0 never names anything. Both low bits
// of every valid value are 1; a value with either bit clear never resolves.
typedef uint32_t zx_handle_t;
#define ZX_HANDLE_INVALID ((zx_handle_t)0u)
#define ZX_HANDLE_FIXED_BITS_MASK ((zx_handle_t)3u)

typedef uint32_t zx_obj_type_t;
#define ZX_OBJ_TYPE_NONE ((zx_obj_type_t)0u)
#define ZX_OBJ_TYPE_VMO ((zx_obj_type_t)3u)
#define ZX_OBJ_TYPE_EVENT ((zx_obj_type_t)5u)
#define ZX_OBJ_TYPE_PORT ((zx_obj_type_t)6u)
#define ZX_OBJ_TYPE_RESOURCE ((zx_obj_type_t)15u)
#define ZX_OBJ_TYPE_VMAR ((zx_obj_type_t)18u)
#define ZX_OBJ_TYPE_GUEST ((zx_obj_type_t)20u)
#define ZX_OBJ_TYPE_VCPU ((zx_obj_type_t)21u)

typedef uint64_t zx_vaddr_t;  // bytes; in a guest's vmar: a guest-physical address
typedef int64_t zx_time_t;    // ns, monotonic
#define ZX_TIME_INFINITE ((zx_time_t)INT64_MAX)
typedef uint64_t zx_gpaddr_t;     // bytes; guest-physical address
typedef uint32_t zx_vm_option_t;  // bits below
#define ZX_VM_PERM_READ ((zx_vm_option_t)1u << 0)
#define ZX_VM_PERM_WRITE ((zx_vm_option_t)1u << 1)
#define ZX_VM_PERM_EXECUTE ((zx_vm_option_t)1u << 2)
#define ZX_VM_SPECIFIC ((zx_vm_option_t)1u << 4)

#endif  // ZIRCON_TYPES_H_
