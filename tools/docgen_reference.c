// SPDX-License-Identifier: BSD-3-Clause
// docs/reference.md: what an implementor looks up while writing: rights, statuses, layouts.
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "docgen.h"
#include "text/names.h"

// --- words ------------------------------------------------------------------------------------

static void print_upper(const char* word) {
  for (; *word != '\0'; word++) putchar(toupper((unsigned char)*word));
}

// "`ZX_RIGHT_READ` `ZX_RIGHT_WRITE`".
static void print_rights(zx_rights_t rights) {
  const char* between = "";
  for (size_t i = 0; i < vs_right_name_count; i++) {
    if (!(rights & vs_right_names[i].right)) continue;
    printf("%s`ZX_RIGHT_", between);
    print_upper(vs_right_names[i].name);
    putchar('`');
    between = " ";
  }
}

static void print_object(zx_obj_type_t type) {
  const char* name = type == ZX_OBJ_TYPE_RESOURCE ? "resource" : "any object";
  for (size_t i = 1; i < VS_OBJECT_COUNT; i++) {
    if (vs_object_types[i].type == type) name = vs_object_types[i].name;
  }
  fputs(strcmp(name, "vcpu") == 0 ? "vCPU" : name, stdout);
}

static const vs_object_type* object_of(zx_obj_type_t type) {
  size_t i = 1;
  while (i < VS_OBJECT_COUNT - 1 && vs_object_types[i].type != type) i++;
  return &vs_object_types[i];
}

// --- calls ------------------------------------------------------------------------------------

#define WORDS(words) #words
#define WORDS_OF(macro) WORDS(macro)
#define TYPE(type, means) [VS_PARAM_##type] = {WORDS_OF(VS_C_##type), means}
static const struct {
  const char* c;
  const char* means;  // empty for a handle, which has a type and rights instead
} types[] = {
    TYPE(HANDLE, ""),
    TYPE(OUT_HANDLE, ""),
    TYPE(U32, "a number"),
    TYPE(U64, "a number"),
    TYPE(TIME, "a time"),
    TYPE(RIGHTS, "the rights that the new handle gets"),
    TYPE(VECTOR, "an interrupt's number"),
    TYPE(SIZE, "bytes of the buffer"),
    TYPE(KIND, "a kind of a vCPU's state"),
    TYPE(ENTRY, "a guest-physical address"),
    TYPE(IN, "is read"),
    TYPE(OUT, "is written"),
    TYPE(IN_PACKET, "is read"),
    TYPE(OUT_PACKET, "is written"),
    TYPE(OUT_U64, "is written"),
};

static zx_rights_t of_old(zx_rights_t rights) {
  bool other = rights & ZX_RIGHT_MANAGE_THREAD;
  return other ? (rights & ~ZX_RIGHT_MANAGE_THREAD) | ZX_RIGHT_MANAGE_PROCESS : rights;
}

// Where a profile's kernel has other rights than the page says.
static void print_profiles(zx_rights_t rights) {
  const char* between = "; in ";
  if (of_old(rights) == rights) return;
  for (size_t i = 0; i < vs_profile_count; i++) {
    if (!vs_has_quirk(&vs_profiles[i], VS_QUIRK_MANAGE_PROCESS)) continue;
    printf("%s`%s`", between, vs_profiles[i].id);
    between = " and ";
  }
  putchar(' ');
  print_rights(of_old(rights) & ~rights);
  printf(" in the place of ");
  print_rights(rights & ~of_old(rights));
}

static void print_needs(const vs_op_info* info, const vs_param* param) {
  printf("a handle to a");
  if (param->object == ZX_OBJ_TYPE_NONE) printf("ny object");
  if (param->object == ZX_OBJ_TYPE_EVENT) putchar('n');
  if (param->object != ZX_OBJ_TYPE_NONE) putchar(' ');
  if (param->object != ZX_OBJ_TYPE_NONE) print_object(param->object);
  if (param->value == 0) {
    printf(info->phase == VS_PHASE_RECORDED ? " | not stated" : " | none");
    return;
  }
  printf(" | ");
  print_rights((zx_rights_t)param->value);
  print_profiles((zx_rights_t)param->value);
}

static void print_gets(const vs_param* param) {
  if (param->object == ZX_OBJ_TYPE_NONE) {
    printf(
        "a new handle to the same object | the rights that are asked; with "
        "`ZX_RIGHT_SAME_RIGHTS`, those of the handle");
    return;
  }
  const zx_rights_t maybe = object_of(param->object)->maybe;
  const zx_rights_t sure = (zx_rights_t)param->value & ~maybe;
  printf("a new handle to the ");
  print_object(param->object);
  printf(" | ");
  print_rights(sure);
  print_profiles(sure);
  printf("; kernels differ in ");
  if (maybe & ZX_RIGHT_SAME_RIGHTS) {  // a complement
    printf("every other right");
  } else {
    print_rights(maybe);
  }
}

static void print_param(const vs_op_info* info, const vs_param* param) {
  printf("| `%s` | `%s` | ", param->name, types[param->type].c);
  if (param->type == VS_PARAM_HANDLE) {
    print_needs(info, param);
  } else if (param->type == VS_PARAM_OUT_HANDLE) {
    print_gets(param);
  } else {
    printf("%s |", types[param->type].means);
  }
  printf(" |\n");
}

static void print_errors(uint8_t call) {
  size_t count = 0;
  for (size_t i = 1; i < VS_CHECK_COUNT; i++) {
    const vs_check* check = &vs_checks[i];
    if (check->call != call || check->sort != VS_SORT_PAGE) continue;
    if (count++ == 0) printf("\n| status | when |\n|---|---|\n");
    printf("| `");
    vs_docgen_status(check->status);
    printf("` | %s |\n", check->reason);
  }
}

static void print_call(uint8_t call) {
  const vs_op_info* info = &vs_ops[call];
  static const char* const phases[] = {
      [VS_PHASE_SETUP] = "Cases are prepared with it: it has to answer ZX_OK.",
      [VS_PHASE_JUDGED] = "Its answers are judged.",
      [VS_PHASE_RECORDED] = "Its answers are shown, and not judged.",
  };
  printf("\n### %s\n\nIt %s. %s In scripts: `%s`.\n\n", info->symbol, info->text,
         phases[info->phase], info->name);
  printf("| argument | type | what it is | rights that it needs, or gets |\n|---|---|---|---|\n");
  for (size_t i = 0; i < VS_ARGS_MAX && info->params[i].type != VS_PARAM_NONE; i++) {
    print_param(info, &info->params[i]);
  }
  print_errors(call);
}

// --- numbers ----------------------------------------------------------------------------------

static void print_statuses(void) {
  printf("\n## Statuses\n\n| status | number |\n|---|--:|\n");
  for (size_t i = 0; vs_status_name_at(i) != NULL; i++) {
    zx_status_t status = 0;
    vs_status_find(vs_status_name_at(i), &status);
    printf("| `%s` | %" PRId32 " |\n", vs_status_name_at(i), status);
  }
}

static void print_right_bits(void) {
  printf("\n## Rights\n\n| right | bits |\n|---|--:|\n");
  for (size_t i = 0; i < vs_right_name_count; i++) {
    printf("| ");
    print_rights(vs_right_names[i].right);
    printf(" | 0x%" PRIx32 " |\n", vs_right_names[i].right);
  }
}

#define NUMBER(name) \
  { #name, name }
static const struct {
  const char* name;
  uint64_t number;
} numbers[] = {
    NUMBER(ZX_VCPU_STATE),
    NUMBER(ZX_VCPU_IO),
    NUMBER(ZX_GUEST_OPT_NORMAL),
    NUMBER(ZX_GUEST_TRAP_BELL),
    NUMBER(ZX_GUEST_TRAP_MEM),
    NUMBER(ZX_GUEST_TRAP_IO),
    NUMBER(ZX_PKT_TYPE_USER),
    NUMBER(ZX_PKT_TYPE_GUEST_BELL),
    NUMBER(ZX_PKT_TYPE_GUEST_MEM),
    NUMBER(ZX_PKT_TYPE_GUEST_IO),
    NUMBER(ZX_PKT_TYPE_GUEST_VCPU),
    NUMBER(ZX_PKT_GUEST_VCPU_INTERRUPT),
    NUMBER(ZX_PKT_GUEST_VCPU_STARTUP),
    NUMBER(ZX_VM_PERM_READ),
    NUMBER(ZX_VM_PERM_WRITE),
    NUMBER(ZX_VM_PERM_EXECUTE),
    NUMBER(ZX_VM_SPECIFIC),
    NUMBER(ZX_HANDLE_INVALID),
    NUMBER(ZX_HANDLE_FIXED_BITS_MASK),
};

static void print_numbers(void) {
  printf("\n## Object types\n\n| type | number |\n|---|--:|\n");
  printf("| `ZX_OBJ_TYPE_NONE` | 0 |\n");
  for (zx_obj_type_t type = 1; type < 32; type++) {
    const vs_object_type* object = object_of(type);
    bool resource = type == ZX_OBJ_TYPE_RESOURCE;
    if (object->type != type && !resource) continue;
    printf("| `ZX_OBJ_TYPE_");
    print_upper(resource ? "resource" : object->name);
    printf("` | %" PRIu32 " |\n", type);
  }
  printf("\n## Other numbers\n\n| name | number |\n|---|--:|\n");
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    printf("| `%s` | %" PRIu64 " |\n", numbers[i].name, numbers[i].number);
  }
}

// --- layouts ----------------------------------------------------------------------------------

typedef struct field {
  const char* name;
  size_t offset, size;  // bytes
} field;

#define FIELD(type, name) \
  { #name, offsetof(type, name), sizeof(((type*)0)->name) }
static const field io[] = {
    FIELD(zx_vcpu_io_t, access_size),
    FIELD(zx_vcpu_io_t, padding1),
    FIELD(zx_vcpu_io_t, data),
};
static const field packet[] = {
    FIELD(zx_port_packet_t, key),
    FIELD(zx_port_packet_t, type),
    FIELD(zx_port_packet_t, status),
    FIELD(zx_port_packet_t, bytes),
};
static const field guest_bell[] = {
    FIELD(zx_port_packet_t, guest_bell.addr),
    FIELD(zx_port_packet_t, guest_bell.reserved),
};
static const field guest_interrupt[] = {
    FIELD(zx_port_packet_t, guest_vcpu.type),
    FIELD(zx_port_packet_t, guest_vcpu.padding1),
    FIELD(zx_port_packet_t, guest_vcpu.interrupt.mask),
    FIELD(zx_port_packet_t, guest_vcpu.interrupt.vector),
    FIELD(zx_port_packet_t, guest_vcpu.interrupt.padding1),
    FIELD(zx_port_packet_t, guest_vcpu.reserved),
};
static const field guest_startup[] = {
    FIELD(zx_port_packet_t, guest_vcpu.type),
    FIELD(zx_port_packet_t, guest_vcpu.padding1),
    FIELD(zx_port_packet_t, guest_vcpu.startup.id),
    FIELD(zx_port_packet_t, guest_vcpu.startup.entry),
    FIELD(zx_port_packet_t, guest_vcpu.reserved),
};
static const field guest_mem_x64[] = {
    FIELD(zx_port_packet_t, guest_mem_x64.addr),
    FIELD(zx_port_packet_t, guest_mem_x64.cr3),
    FIELD(zx_port_packet_t, guest_mem_x64.rip),
    FIELD(zx_port_packet_t, guest_mem_x64.instruction_size),
    FIELD(zx_port_packet_t, guest_mem_x64.default_operand_size),
    FIELD(zx_port_packet_t, guest_mem_x64.reserved),
};
static const field guest_mem_arm64[] = {
    FIELD(zx_port_packet_t, guest_mem_arm64.addr),
    FIELD(zx_port_packet_t, guest_mem_arm64.access_size),
    FIELD(zx_port_packet_t, guest_mem_arm64.sign_extend),
    FIELD(zx_port_packet_t, guest_mem_arm64.xt),
    FIELD(zx_port_packet_t, guest_mem_arm64.read),
    FIELD(zx_port_packet_t, guest_mem_arm64.padding1),
    FIELD(zx_port_packet_t, guest_mem_arm64.data),
    FIELD(zx_port_packet_t, guest_mem_arm64.reserved),
};
static const field guest_io[] = {
    FIELD(zx_port_packet_t, guest_io.port),     FIELD(zx_port_packet_t, guest_io.access_size),
    FIELD(zx_port_packet_t, guest_io.input),    FIELD(zx_port_packet_t, guest_io.data),
    FIELD(zx_port_packet_t, guest_io.reserved),
};

#define LAYOUT(title, from, to, fields) \
  { title, from, to, sizeof fields / sizeof fields[0], fields }
static const struct {
  const char* title;
  size_t from, to;  // bytes, all of which the fields cover
  size_t count;
  const field* fields;
} layouts[] = {
    LAYOUT("zx_vcpu_io_t: `ZX_VCPU_IO`, the answer to an IN", 0, sizeof(zx_vcpu_io_t), io),
    LAYOUT("zx_port_packet_t: why the guest left; `bytes` is, by `type`, one of the below", 0, 48,
           packet),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_BELL`", 16, 48, guest_bell),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_MEM`, x86-64", 16, 48, guest_mem_x64),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_MEM`, arm64", 16, 48, guest_mem_arm64),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_IO`", 16, 48, guest_io),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_VCPU`, `ZX_PKT_GUEST_VCPU_INTERRUPT`", 16, 48,
           guest_interrupt),
    LAYOUT("A packet of `ZX_PKT_TYPE_GUEST_VCPU`, `ZX_PKT_GUEST_VCPU_STARTUP`", 16, 48,
           guest_startup),
};

static void print_field(const field* f) {
  printf("| `%s` | %zu | %zu |\n", f->name, f->offset, f->size);
}

static void print_layout_head(const char* title, size_t bytes) {
  printf("\n### %s\n\n%zu bytes, little endian.\n\n| field | offset | size |\n|---|--:|--:|\n",
         title, bytes);
}

// False: some of its bytes are no field's.
static bool print_layout(size_t i) {
  size_t at = layouts[i].from;
  print_layout_head(layouts[i].title, layouts[i].to - layouts[i].from);
  for (size_t k = 0; k < layouts[i].count && layouts[i].fields[k].offset == at; k++) {
    print_field(&layouts[i].fields[k]);
    at += layouts[i].fields[k].size;
  }
  if (at != layouts[i].to) fprintf(stderr, "docgen: a hole in '%s'\n", layouts[i].title);
  return at == layouts[i].to;
}

static void print_state(vs_arch arch) {
  const vs_arch_info* info = vs_arch_find(arch);
  size_t at = 0;
  char title[64];
  snprintf(title, sizeof title, "The registers of %s: `ZX_VCPU_STATE`", info->name);
  print_layout_head(title, info->state_size);
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    print_field(&(field){reg->name, reg->offset, reg->width / 8});
    at = reg->offset + reg->width / 8u;
  }
  if (at < info->state_size) print_field(&(field){"padding1", at, info->state_size - at});
}

bool vs_docgen_reference(void) {
  bool whole = true;
  printf(
      "# Reference: calls, rights, statuses, layouts\n\n"
      "Made from `include/vcpuspec/calls.def`, the tables of `model/` and the headers of "
      "`include/zircon/` by `tools/make-docs`; do not edit.\n\n"
      "## Calls\n\n"
      "Of each argument that is a handle: the type of its object, and the rights that it must "
      "have. "
      "Of each new handle: the rights that it has. `vcpuspec explain CALL` says what the page "
      "asks, "
      "[clauses.md](clauses.md) which checks are a profile's alone.\n");
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) print_call((uint8_t)call);
  print_statuses();
  print_right_bits();
  print_numbers();
  printf("\n## Layouts\n\nOffsets and sizes in bytes.\n");
  print_state(VS_ARCH_X64);
  print_state(VS_ARCH_ARM64);
  for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
    whole = print_layout(i) && whole;
  }
  return whole;
}
