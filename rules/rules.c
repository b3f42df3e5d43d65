// SPDX-License-Identifier: BSD-3-Clause
#include "rules.h"

#include <zircon/syscalls/hypervisor.h>

#include "logic.h"

// Sizes in bytes, as the page's structures have them.
#define STATE_X64 136
#define STATE_ARM64 264
#define IO 8
_Static_assert(STATE_X64 == sizeof(zx_vcpu_state_x64_t), "x86-64");
_Static_assert(STATE_ARM64 == sizeof(zx_vcpu_state_arm64_t), "arm64");
_Static_assert(IO == sizeof(zx_vcpu_io_t), "io");

/*@ assigns \nothing;
  @ ensures \result == bytes_of_state(arm64); */
static uint64_t state_size(bool arm64) {
  if (arm64) return STATE_ARM64;
  return STATE_X64;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> sized(c); */
static bool right_size(const vs_rules_call* c) {
  if (c->kind == ZX_VCPU_STATE) return c->size == state_size(c->arm64);
  if (c->kind == ZX_VCPU_IO) return c->size == IO;
  return false;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> !usual_width(c); */
static bool odd_access_size(const vs_rules_call* c) {
  if (c->first == 1) return false;
  if (c->first == 2) return false;
  return c->first != 4;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> elsewhere(c); */
static bool not_here_or_not_now(const vs_rules_call* c) {
  if (c->running) return true;
  return !c->creator;
}

// The page: each error of which the condition holds, and ZX_OK if there is none; what a latitude
// adds comes last and does not take ZX_OK away.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result.ok <==> documented(c, right, ZX_OK);
  @ ensures \result.access_denied <==> documented(c, right, ZX_ERR_ACCESS_DENIED);
  @ ensures \result.bad_handle <==> documented(c, right, ZX_ERR_BAD_HANDLE);
  @ ensures \result.bad_state <==> documented(c, right, ZX_ERR_BAD_STATE);
  @ ensures \result.invalid_args <==> documented(c, right, ZX_ERR_INVALID_ARGS);
  @ ensures \result.wrong_type <==> documented(c, right, ZX_ERR_WRONG_TYPE);
  @ ensures !\result.anything;
  @ ensures how_many(\result) >= 1; */
static vs_rules_answers by_page(const vs_rules_call* c, bool right) {
  vs_rules_answers a = {false, false, false, false, false, false, false};
  a.ok = true;
  if (!c->valid) {
    a.bad_handle = true;
    a.ok = false;
  } else {
    if (!c->vcpu) {
      a.wrong_type = true;
      a.ok = false;
    } else if (not_here_or_not_now(c)) {
      a.bad_state = true;
      a.ok = false;
      if (!c->creator && c->kind == ZX_VCPU_IO) a.invalid_args = true;
    }
    if (!right) {
      a.access_denied = true;
      a.ok = false;
    }
  }
  if (!right_size(c) || c->readable < c->size) {
    a.invalid_args = true;
    a.ok = false;
  } else if (c->kind == ZX_VCPU_IO) {
    if (c->arm64 || odd_access_size(c)) a.invalid_args = true;
  }
  return a;
}

// Zircon on x86-64, about 2021 to 2026: arguments before thread, access_size last.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures one_of_the_six(\result);
  @ ensures zircon_x64(c, right, \result);
  @ ensures refines: documented(c, right, \result); */
static zx_status_t by_zircon_x64(const vs_rules_call* c, bool right) {
  if (!c->valid) return ZX_ERR_BAD_HANDLE;
  if (!c->vcpu) return ZX_ERR_WRONG_TYPE;
  if (!right) return ZX_ERR_ACCESS_DENIED;
  if (!right_size(c)) return ZX_ERR_INVALID_ARGS;
  if (c->readable < c->size) return ZX_ERR_INVALID_ARGS;
  if (not_here_or_not_now(c)) return ZX_ERR_BAD_STATE;
  if (c->kind == ZX_VCPU_IO && odd_access_size(c)) return ZX_ERR_INVALID_ARGS;
  return ZX_OK;
}

// Zircon on arm64, 2023 and 2026: an answer to an IN is refused once it is read, on any thread.
/*@ requires \valid_read(c);
  @ requires c->arm64;
  @ assigns \nothing;
  @ ensures one_of_the_six(\result);
  @ ensures zircon_arm64(c, right, \result);
  @ ensures refines: documented(c, right, \result); */
static zx_status_t by_zircon_arm64(const vs_rules_call* c, bool right) {
  if (!c->valid) return ZX_ERR_BAD_HANDLE;
  if (!c->vcpu) return ZX_ERR_WRONG_TYPE;
  if (!right) return ZX_ERR_ACCESS_DENIED;
  if (!right_size(c)) return ZX_ERR_INVALID_ARGS;
  if (c->readable < c->size) return ZX_ERR_INVALID_ARGS;
  if (c->kind == ZX_VCPU_IO) return ZX_ERR_INVALID_ARGS;
  if (not_here_or_not_now(c)) return ZX_ERR_BAD_STATE;
  return ZX_OK;
}

// Zircon of 2018: rights before type; the copy, of as many bytes as the caller says, comes before
// everything else that is not about the handle; an access_size is not looked at.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures one_of_the_six(\result);
  @ ensures zircon_2018(c, right, \result);
  @ ensures refines: documented(c, right, \result); */
static zx_status_t by_zircon_2018(const vs_rules_call* c, bool right) {
  if (!c->valid) return ZX_ERR_BAD_HANDLE;
  if (!right) return ZX_ERR_ACCESS_DENIED;
  if (!c->vcpu) return ZX_ERR_WRONG_TYPE;
  if (c->size > state_size(c->arm64)) return ZX_ERR_INVALID_ARGS;
  if (c->readable < c->size) return ZX_ERR_INVALID_ARGS;
  if (c->size == 0 && !c->user) return ZX_ERR_INVALID_ARGS;
  if (not_here_or_not_now(c)) return ZX_ERR_BAD_STATE;
  if (c->arm64 && c->kind == ZX_VCPU_IO) return ZX_ERR_INVALID_ARGS;
  if (!right_size(c)) return ZX_ERR_INVALID_ARGS;
  return ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> misaligned(c); */
static bool not_aligned(const vs_rules_call* c) {
  if (c->kind == ZX_VCPU_IO) return false;
  return c->residue % 8 != 0;
}

// zCore of 2022: rights before type, thread before arguments; of a pointer, whether it is null and
// whether it is aligned.
/*@ requires \valid_read(c);
  @ requires null_is_unreadable: c->null ==> c->readable == 0;
  @ assigns \nothing;
  @ ensures one_of_the_six(\result) || \result == ANYTHING;
  @ ensures zcore(c, right, \result);
  @ ensures refines: defect_misaligned_refused(VS_RULES_ZCORE, c) ||
  @   defect_unreadable_faults(VS_RULES_ZCORE, c) || documented(c, right, \result); */
static zx_status_t by_zcore(const vs_rules_call* c, bool right) {
  if (!c->valid) return ZX_ERR_BAD_HANDLE;
  if (!right) return ZX_ERR_ACCESS_DENIED;
  if (!c->vcpu) return ZX_ERR_WRONG_TYPE;
  if (not_here_or_not_now(c)) return ZX_ERR_BAD_STATE;
  if (!right_size(c)) return ZX_ERR_INVALID_ARGS;
  if (c->null) return ZX_ERR_INVALID_ARGS;
  if (not_aligned(c)) return ZX_ERR_INVALID_ARGS;
  if (c->readable < c->size) return ANYTHING;
  if (c->kind == ZX_VCPU_IO && odd_access_size(c)) return ZX_ERR_INVALID_ARGS;
  return ZX_OK;
}

/*@ assigns \nothing;
  @ ensures \result.ok <==> status == ZX_OK;
  @ ensures \result.access_denied <==> status == ZX_ERR_ACCESS_DENIED;
  @ ensures \result.bad_handle <==> status == ZX_ERR_BAD_HANDLE;
  @ ensures \result.bad_state <==> status == ZX_ERR_BAD_STATE;
  @ ensures \result.invalid_args <==> status == ZX_ERR_INVALID_ARGS;
  @ ensures \result.wrong_type <==> status == ZX_ERR_WRONG_TYPE;
  @ ensures \result.anything <==> status == ANYTHING;
  @ ensures (one_of_the_six(status) || status == ANYTHING) ==> how_many(\result) == 1; */
static vs_rules_answers only(zx_status_t status) {
  vs_rules_answers a = {false, false, false, false, false, false, false};
  if (status == ZX_OK) a.ok = true;
  if (status == ZX_ERR_ACCESS_DENIED) a.access_denied = true;
  if (status == ZX_ERR_BAD_HANDLE) a.bad_handle = true;
  if (status == ZX_ERR_BAD_STATE) a.bad_state = true;
  if (status == ZX_ERR_INVALID_ARGS) a.invalid_args = true;
  if (status == ZX_ERR_WRONG_TYPE) a.wrong_type = true;
  if (status == ANYTHING) a.anything = true;
  return a;
}

/*@ assigns \nothing;
  @ ensures \result <==> speaks(profile, arm64); */
bool vs_rules_speaks(vs_rules_profile profile, bool arm64) {
  if (profile == VS_RULES_DOCUMENTED) return true;
  if (profile == VS_RULES_ZIRCON_2018) return true;
  if (profile == VS_RULES_ZIRCON_2023) return true;
  if (profile == VS_RULES_ZIRCON_2026) return true;
  if (profile == VS_RULES_ZIRCON_ARM64) return arm64;
  if (profile == VS_RULES_ZIRCON_X64) return !arm64;
  if (profile == VS_RULES_ZCORE) return !arm64;
  return false;
}

/*@ requires \valid_read(c);
  @ requires speaks(profile, c->arm64);
  @ requires c->null ==> c->readable == 0;
  @ assigns \nothing;
  @ ensures \result.ok <==> says_knowing(profile, c, right, ZX_OK);
  @ ensures \result.access_denied <==> says_knowing(profile, c, right, ZX_ERR_ACCESS_DENIED);
  @ ensures \result.bad_handle <==> says_knowing(profile, c, right, ZX_ERR_BAD_HANDLE);
  @ ensures \result.bad_state <==> says_knowing(profile, c, right, ZX_ERR_BAD_STATE);
  @ ensures \result.invalid_args <==> says_knowing(profile, c, right, ZX_ERR_INVALID_ARGS);
  @ ensures \result.wrong_type <==> says_knowing(profile, c, right, ZX_ERR_WRONG_TYPE);
  @ ensures \result.anything <==> (profile == VS_RULES_ZCORE && faults_zcore(c, right));
  @ ensures total: how_many(\result) >= 1;
  @ ensures one: profile != VS_RULES_DOCUMENTED ==> how_many(\result) == 1; */
static vs_rules_answers knowing(vs_rules_profile profile, const vs_rules_call* c, bool right) {
  if (profile == VS_RULES_ZIRCON_X64) return only(by_zircon_x64(c, right));
  if (profile == VS_RULES_ZIRCON_ARM64) return only(by_zircon_arm64(c, right));
  if (profile == VS_RULES_ZIRCON_2018) return only(by_zircon_2018(c, right));
  if (profile == VS_RULES_ZCORE) return only(by_zcore(c, right));
  if (profile == VS_RULES_ZIRCON_2023 || profile == VS_RULES_ZIRCON_2026) {
    return only(c->arm64 ? by_zircon_arm64(c, right) : by_zircon_x64(c, right));
  }
  return by_page(c, right);
}

/*@ requires \valid_read(c);
  @ requires c->null ==> c->readable == 0;
  @ assigns \nothing;
  @ behavior silent:
  @   assumes !speaks(profile, c->arm64);
  @   ensures \result.anything && how_many(\result) == 1;
  @ behavior speaking:
  @   assumes speaks(profile, c->arm64);
  @   ensures \result.ok <==> says(profile, c, ZX_OK);
  @   ensures \result.access_denied <==> says(profile, c, ZX_ERR_ACCESS_DENIED);
  @   ensures \result.bad_handle <==> says(profile, c, ZX_ERR_BAD_HANDLE);
  @   ensures \result.bad_state <==> says(profile, c, ZX_ERR_BAD_STATE);
  @   ensures \result.invalid_args <==> says(profile, c, ZX_ERR_INVALID_ARGS);
  @   ensures \result.wrong_type <==> says(profile, c, ZX_ERR_WRONG_TYPE);
  @   ensures \result.anything <==> (profile == VS_RULES_ZCORE && \exists integer w;
  @     may_be_right(c, w) && faults_zcore(c, w));
  @   ensures total: how_many(\result) >= 1;
  @   ensures one: profile != VS_RULES_DOCUMENTED && c->right_known ==> how_many(\result) == 1;
  @ complete behaviors;
  @ disjoint behaviors; */
vs_rules_answers vs_rules_answer(vs_rules_profile profile, const vs_rules_call* c) {
  if (!vs_rules_speaks(profile, c->arm64)) return only(ANYTHING);
  if (c->right_known) return knowing(profile, c, c->right);
  // What may be answered without the right may be answered with it, but for one.
  vs_rules_answers answers = knowing(profile, c, true);
  vs_rules_answers without = knowing(profile, c, false);
  if (without.access_denied) answers.access_denied = true;
  return answers;
}

/*@ requires \valid_read(a);
  @ assigns \nothing;
  @ ensures \result <==> (a->anything || (status == ZX_OK && a->ok) ||
  @   (status == ZX_ERR_ACCESS_DENIED && a->access_denied) ||
  @   (status == ZX_ERR_BAD_HANDLE && a->bad_handle) ||
  @   (status == ZX_ERR_BAD_STATE && a->bad_state) ||
  @   (status == ZX_ERR_INVALID_ARGS && a->invalid_args) ||
  @   (status == ZX_ERR_WRONG_TYPE && a->wrong_type)); */
bool vs_rules_allows(const vs_rules_answers* a, zx_status_t status) {
  if (a->anything) return true;
  if (status == ZX_OK) return a->ok;
  if (status == ZX_ERR_ACCESS_DENIED) return a->access_denied;
  if (status == ZX_ERR_BAD_HANDLE) return a->bad_handle;
  if (status == ZX_ERR_BAD_STATE) return a->bad_state;
  if (status == ZX_ERR_INVALID_ARGS) return a->invalid_args;
  if (status == ZX_ERR_WRONG_TYPE) return a->wrong_type;
  return false;
}
