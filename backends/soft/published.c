// SPDX-License-Identifier: BSD-3-Clause
// Rows that answer as some published kernel does where that differs from what soft.c does of its
// own accord: the order of the checks, and known peculiarities.
#include "soft.h"

#include <stdalign.h>
#include <string.h>

#include "rules.h"
#include "user_copy.h"

enum { X64_STATE = sizeof(zx_vcpu_state_x64_t), IO = sizeof(zx_vcpu_io_t) };

typedef union fetched {
  uint64_t words[VS_SOFT_WORDS_MAX];
  zx_vcpu_io_t io;
} fetched;

static zx_status_t check_kind(uint32_t kind, size_t size) {
  if (kind == ZX_VCPU_STATE && size == X64_STATE) return ZX_OK;
  return kind == ZX_VCPU_IO && size == IO ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t apply(vs_soft_vcpu* vcpu, uint32_t kind, const fetched* from) {
  const zx_vcpu_io_t* io = &from->io;
  if (kind == ZX_VCPU_STATE) {
    vs_soft_set_registers(vcpu, from->words);
  } else {
    vs_soft_set_low_bytes(vcpu, io->data, io->access_size);
  }
  return ZX_OK;
}

// Zircon of 2018 on x86-64. Any access_size is a count of bytes; more than the call brings was read
// from beyond it, which is not done here.
static zx_status_t write_2018(vs_soft_vcpu* vcpu, uint32_t kind, const void* buffer, size_t size) {
  fetched from;
  if (size > X64_STATE) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&from, buffer, size)) return ZX_ERR_INVALID_ARGS;
  if (!vs_soft_is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  const zx_status_t status = check_kind(kind, size);
  if (status != ZX_OK) return status;
  if (kind == ZX_VCPU_IO && from.io.access_size > sizeof from.io.data) {
    from.io.access_size = sizeof from.io.data;
  }
  return apply(vcpu, kind, &from);
}

static bool is_natural(const void* buffer, uint32_t kind) {
  const uintptr_t alignment =
      kind == ZX_VCPU_IO ? alignof(zx_vcpu_io_t) : alignof(zx_vcpu_state_x64_t);
  return buffer != NULL && (uintptr_t)buffer % alignment == 0;
}

// zCore of 2022. Where nothing is mapped the kernel itself faults; here that is refused.
static zx_status_t write_zcore(vs_soft_vcpu* vcpu, uint32_t kind, const void* buffer, size_t size) {
  fetched from;
  if (!vs_soft_is_owner(vcpu)) return ZX_ERR_BAD_STATE;
  const zx_status_t status = check_kind(kind, size);
  if (status != ZX_OK) return status;
  if (!is_natural(buffer, kind)) return ZX_ERR_INVALID_ARGS;
  if (!vs_copy_from_user(&from, buffer, size)) return ZX_ERR_INVALID_ARGS;
  const uint8_t bytes = from.io.access_size;
  if (kind == ZX_VCPU_IO && bytes != 1 && bytes != 2 && bytes != 4) return ZX_ERR_INVALID_ARGS;
  return apply(vcpu, kind, &from);
}

static const vs_soft_rules rules_arm64_zircon = {VS_SOFT_ARM64, .flags_stay = true};
static const vs_soft_rules rules_2018 = {VS_SOFT_X64, .write = write_2018};
static const vs_soft_rules rules_zcore = {VS_SOFT_X64, .write = write_zcore, .rights_first = true};

static bool open_arm64_zircon(vs_why* reason) {
  return vs_soft_open(&rules_arm64_zircon, reason);
}
static bool open_2018(vs_why* reason) {
  return vs_soft_open(&rules_2018, reason);
}
static bool open_zcore(vs_why* reason) {
  return vs_soft_open(&rules_zcore, reason);
}

const vs_backend vs_backend_soft_arm64_zircon = {
    .name = "soft:arm64:zircon",
    .summary = "soft:arm64, where as in published Zircon a write sets flags but clears none",
    .arch = VS_ARCH_ARM64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &vs_soft_calls,
    .open = open_arm64_zircon,
    .close = vs_soft_close,
};

const vs_backend vs_backend_soft_2018 = {
    .name = "soft:2018",
    .summary = "soft with the order of Zircon of 2018, which took any access_size",
    .arch = VS_ARCH_X64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &vs_soft_calls,
    .open = open_2018,
    .close = vs_soft_close,
};

const vs_backend vs_backend_soft_zcore = {
    .name = "soft:zcore",
    .summary = "soft with the order of zCore of 2022, which wants buffers aligned",
    .arch = VS_ARCH_X64,
    .resource = ZX_HANDLE_INVALID,
    .calls = &vs_soft_calls,
    .open = open_zcore,
    .close = vs_soft_close,
};
