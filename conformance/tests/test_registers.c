// SPDX-License-Identifier: BSD-3-Clause
// The register tables, against the structs of the ABI and numbers written down a second time.
#include <criterion/criterion.h>
#include <string.h>

#include "tables.h"

typedef struct field {
  const char* name;
  size_t offset;  // bytes
  size_t size;    // bytes
} field;

#define X64(name) \
  { #name, offsetof(zx_vcpu_state_x64_t, name), sizeof(uint64_t) }

static const field fields_x64[] = {X64(rax), X64(rcx), X64(rdx), X64(rbx), X64(rsp),   X64(rbp),
                                   X64(rsi), X64(rdi), X64(r8),  X64(r9),  X64(r10),   X64(r11),
                                   X64(r12), X64(r13), X64(r14), X64(r15), X64(rflags)};

static const vs_arch_info* arch(unsigned number) {
  const vs_arch_info* info = vs_arch_find(number);
  cr_assert(info != NULL, "architecture %u is missing", number);
  return info;
}

static void is_field(const vs_register* reg, const char* name, size_t offset, size_t size) {
  cr_assert(strcmp(reg->name, name) == 0 && reg->offset == offset && reg->width == 8 * size,
            "%s must be %u bytes at %u, got %s, %u bits at %u", name, (unsigned)size,
            (unsigned)offset, reg->name, reg->width, reg->offset);
}

Test(registers_x64, are_the_fields_of_the_struct_in_order) {
  const vs_arch_info* info = arch(VS_ARCH_X64);
  cr_assert(info->register_count == sizeof fields_x64 / sizeof fields_x64[0],
            "17 registers, got %u", info->register_count);
  for (size_t i = 0; i < info->register_count; i++) {
    is_field(&info->registers[i], fields_x64[i].name, fields_x64[i].offset, fields_x64[i].size);
  }
}

Test(registers_arm64, are_the_fields_of_the_struct_in_order) {
  const vs_arch_info* info = arch(VS_ARCH_ARM64);
  cr_assert(info->register_count == 33, "33 registers, got %u", info->register_count);
  for (size_t i = 0; i < 31; i++) {
    char name[4] = {'x', (char)('0' + i / 10), (char)('0' + i % 10), 0};
    if (i < 10) memcpy(name + 1, &(char[]){(char)('0' + i), 0}, 2);
    is_field(&info->registers[i], name, offsetof(zx_vcpu_state_arm64_t, x) + 8 * i, 8);
  }
  is_field(&info->registers[31], "sp", offsetof(zx_vcpu_state_arm64_t, sp), 8);
  is_field(&info->registers[32], "cpsr", offsetof(zx_vcpu_state_arm64_t, cpsr), 4);
}

// How many registers claim each byte of the state.
static void claims(const vs_arch_info* info, uint8_t* bytes) {
  memset(bytes, 0, VS_STATE_MAX);
  for (size_t i = 0; i < info->register_count; i++) {
    const vs_register* reg = &info->registers[i];
    cr_assert(reg->width == 32 || reg->width == 64, "%s is %u bits wide", reg->name, reg->width);
    for (size_t k = 0; k < reg->width / 8u; k++) bytes[reg->offset + k]++;
  }
}

Test(registers, claim_every_byte_but_padding_once) {
  for (unsigned number = VS_ARCH_X64; number <= VS_ARCH_ARM64; number++) {
    const vs_arch_info* info = arch(number);
    uint8_t bytes[VS_STATE_MAX];
    claims(info, bytes);
    for (size_t i = 0; i < VS_STATE_MAX; i++) {
      bool padding = i >= info->state_size || (number == VS_ARCH_ARM64 && i >= 260);
      cr_assert(bytes[i] == (padding ? 0 : 1), "%s: byte %u belongs to %u registers", info->name,
                (unsigned)i, bytes[i]);
    }
  }
}

Test(registers, fit_the_state_of_their_architecture) {
  cr_assert(arch(VS_ARCH_X64)->state_size == 136, "x86-64 state is 136 bytes, got %u",
            arch(VS_ARCH_X64)->state_size);
  cr_assert(arch(VS_ARCH_ARM64)->state_size == 264, "arm64 state is 264 bytes, got %u",
            arch(VS_ARCH_ARM64)->state_size);
}

Test(registers, roles_are_where_the_indices_say) {
  for (unsigned number = VS_ARCH_X64; number <= VS_ARCH_ARM64; number++) {
    const vs_arch_info* info = arch(number);
    for (size_t i = 0; i < info->register_count; i++) {
      vs_register_role role = VS_ROLE_GENERAL;
      if (i == info->flags) role = VS_ROLE_FLAGS;
      if (info->has_ports && i == info->accumulator) role = VS_ROLE_ACCUMULATOR;
      cr_assert(info->registers[i].role == role, "%s: %s must have role %d, got %d", info->name,
                info->registers[i].name, role, info->registers[i].role);
    }
  }
}

Test(registers, indices_name_the_flags_and_the_accumulator) {
  const vs_arch_info* x64 = arch(VS_ARCH_X64);
  const vs_arch_info* arm64 = arch(VS_ARCH_ARM64);
  cr_assert(strcmp(x64->registers[x64->flags].name, "rflags") == 0, "x86-64 flags: got %s",
            x64->registers[x64->flags].name);
  cr_assert(x64->has_ports && strcmp(x64->registers[x64->accumulator].name, "rax") == 0,
            "x86-64 accumulator: got %s", x64->registers[x64->accumulator].name);
  cr_assert(strcmp(arm64->registers[arm64->flags].name, "cpsr") == 0, "arm64 flags: got %s",
            arm64->registers[arm64->flags].name);
  cr_assert(!arm64->has_ports, "arm64 has no port IO");
}

static uint64_t bits(const uint8_t* which, size_t count) {
  uint64_t set = 0;
  for (size_t i = 0; i < count; i++) set |= UINT64_C(1) << which[i];
  return set;
}

Test(flags, of_x64_are_the_users) {
  static const uint8_t required[] = {0, 2, 4, 6, 7, 8, 10, 11};  // CF PF AF ZF SF TF DF OF
  static const uint8_t optional[] = {14, 18, 21};                // NT AC ID
  static const uint8_t blind[] = {16, 17};                       // RF VM
  const vs_arch_info* info = arch(VS_ARCH_X64);
  cr_assert(
      info->flags_required == bits(required, sizeof required) && info->flags_required == 0xdd5,
      "write_state.description.flags: got 0x%llx", (unsigned long long)info->flags_required);
  cr_assert(
      info->flags_optional == bits(optional, sizeof optional) && info->flags_optional == 0x244000,
      "flags_nt_ac_id_ignored: got 0x%llx", (unsigned long long)info->flags_optional);
  cr_assert(info->flags_gate == 2, "flags_gate: got 0x%llx", (unsigned long long)info->flags_gate);
  cr_assert(info->flags_blind == bits(blind, sizeof blind), "RF and VM: got 0x%llx",
            (unsigned long long)info->flags_blind);
}

Test(flags, of_arm64_are_n_z_c_v) {
  const vs_arch_info* info = arch(VS_ARCH_ARM64);
  cr_assert(info->flags_required == 0xf0000000, "N Z C V: got 0x%llx",
            (unsigned long long)info->flags_required);
  cr_assert(info->flags_optional == 0 && info->flags_gate == 0 && info->flags_blind == 0,
            "arm64 has no optional flag and no gate");
}

Test(flags, sets_do_not_overlap) {
  for (unsigned number = VS_ARCH_X64; number <= VS_ARCH_ARM64; number++) {
    const vs_arch_info* i = arch(number);
    uint64_t twice = (i->flags_required & i->flags_optional) |
                     ((i->flags_required | i->flags_optional) & (i->flags_gate | i->flags_blind));
    cr_assert(twice == 0, "%s: flags 0x%llx are in two sets", i->name, (unsigned long long)twice);
  }
}

Test(arch, is_found_by_its_number_only) {
  for (uint32_t number = 0; number < 300; number++) {
    bool known = number == 1 || number == 2;
    cr_assert((vs_arch_find(number) != NULL) == known, "architecture %u must %sbe known", number,
              known ? "" : "not ");
  }
}
