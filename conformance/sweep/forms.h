// SPDX-License-Identifier: BSD-3-Clause
// What the FORM column of classes.def says, by factor.
#ifndef VS_CONFORMANCE_SWEEP_FORMS_H_
#define VS_CONFORMANCE_SWEEP_FORMS_H_

#include <vcpuspec/op.h>

typedef enum vs_handle_class {
  VS_FORM_HANDLE_OWN,              // the object's first handle, or one with the rights
  VS_FORM_HANDLE_DUPLICATE,        // a duplicate, open beside it
  VS_FORM_HANDLE_DUPLICATE_TWICE,  // a duplicate of a duplicate
  VS_FORM_HANDLE_REPLACED,         // what zx_handle_replace gave
  VS_FORM_HANDLE_STALE,            // what zx_handle_replace took
  VS_FORM_HANDLE_CLOSED,           // a duplicate that was closed
  VS_FORM_HANDLE_GONE,             // the object's last handle, closed
  VS_FORM_HANDLE_RAW,              // the number
  VS_FORM_HANDLE_CLEARED,          // its value with the bits of the number clear
  VS_FORM_HANDLE_FLIPPED           // its value with bit number inverted
} vs_handle_class;

// ALL: all rights of the type but the number; ONLY: the number alone.
typedef enum vs_rights_class { VS_FORM_RIGHTS_ALL, VS_FORM_RIGHTS_ONLY } vs_rights_class;

typedef enum vs_type_class {
#define VS_OBJECT(code, name, type, rights, write) VS_FORM_TYPE_##code,
#include "objects.def"
#undef VS_OBJECT
  VS_FORM_TYPE_COUNT
} vs_type_class;

typedef enum vs_thread_class {
  VS_FORM_THREAD_CREATOR,
  VS_FORM_THREAD_OTHER,
  VS_FORM_THREAD_OTHER_WITH_VCPU,  // another thread, which has a vCPU of its own
  VS_FORM_THREAD_CREATOR_ENDED     // another thread; the creator has ended
} vs_thread_class;

typedef enum vs_vcpu_class {
  VS_FORM_VCPU_WRITTEN,
  VS_FORM_VCPU_FRESH,
  VS_FORM_VCPU_LEFT,  // has run the program of that number until it left
  VS_FORM_VCPU_KICKED,
  VS_FORM_VCPU_RUNNING
} vs_vcpu_class;

typedef enum vs_kind_class {
  VS_FORM_KIND_OWN,
  VS_FORM_KIND_OTHER,
  VS_FORM_KIND_NUMBER,
  VS_FORM_KIND_ALIAS  // with bit number set
} vs_kind_class;

typedef enum vs_size_class {
  VS_FORM_SIZE_EXACT,
  VS_FORM_SIZE_OTHER,
  VS_FORM_SIZE_NUMBER,
  VS_FORM_SIZE_LESS,
  VS_FORM_SIZE_MORE,
  VS_FORM_SIZE_POWER,  // 2^number
  VS_FORM_SIZE_ALIAS   // exact + 2^number
} vs_size_class;

// The number is the placement's argument.
typedef enum vs_place_class {
#define VS_PLACEMENT(code, name, readable, text) VS_FORM_PLACE_##code,
#include <vcpuspec/placements.def>
#undef VS_PLACEMENT
  VS_FORM_PLACE_COUNT
} vs_place_class;

typedef enum vs_access_class { VS_FORM_ACCESS_NUMBER } vs_access_class;

typedef enum vs_content_class {
  VS_FORM_CONTENT_ORDINARY,  // values of its own; the gate is open
  VS_FORM_CONTENT_ZEROS,
  VS_FORM_CONTENT_ONES,
  VS_FORM_CONTENT_GATE_CLOSED,
  VS_FORM_CONTENT_SYSTEM_FLAGS,  // every bit that is not the caller's
  VS_FORM_CONTENT_ALL_FLAGS,
  VS_FORM_CONTENT_FLAG,    // bit number alone, and the gate
  VS_FORM_CONTENT_PADDING  // padding byte number
} vs_content_class;

// Of a handle argument.
typedef enum vs_object_class {
  VS_FORM_OBJECT_OWN,      // of the type that the call asks for, with all its rights
  VS_FORM_OBJECT_CLOSED,   // a duplicate that was closed
  VS_FORM_OBJECT_RAW,      // the number
  VS_FORM_OBJECT_CLEARED,  // the own one's value with the bits of the number clear
  VS_FORM_OBJECT_LACKING,  // of the right type, without the right that the call needs
  VS_FORM_OBJECT_OTHER,    // of a resource, another one
#define VS_OBJECT(code, name, type, rights, write) VS_FORM_OBJECT_##code,
#include "objects.def"
#undef VS_OBJECT
  VS_FORM_OBJECT_COUNT
} vs_object_class;

// Of numbers: of U32 and U64, of times, of rights, of vectors. DEFAULT: as calls.def has it.
#define VS_NUMBER_FORMS(factor)                                                                 \
  VS_FORM_##factor##_DEFAULT = VS_NUMBER_DEFAULT, VS_FORM_##factor##_NUMBER = VS_NUMBER_NUMBER, \
  VS_FORM_##factor##_BIT = VS_NUMBER_BIT,      /* bit number alone */                           \
      VS_FORM_##factor##_MOST = VS_NUMBER_MOST /* all bits of the type's size */
typedef enum vs_number_class {
  VS_NUMBER_DEFAULT,
  VS_NUMBER_NUMBER,
  VS_NUMBER_BIT,
  VS_NUMBER_MOST,
  VS_NUMBER_FORMS(NUMBER),
  VS_NUMBER_FORMS(DEADLINE),
  VS_NUMBER_FORMS(ASKED),
  VS_NUMBER_FORMS(VECTOR)
} vs_number_class;

typedef enum vs_entry_class { VS_FORM_ENTRY_PROGRAM, VS_FORM_ENTRY_RAW } vs_entry_class;

#endif  // VS_CONFORMANCE_SWEEP_FORMS_H_
