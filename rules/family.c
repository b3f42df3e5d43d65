// SPDX-License-Identifier: BSD-3-Clause
#include "family.h"

#include <zircon/syscalls/hypervisor.h>
#include <zircon/syscalls/port.h>

#include "logic_family.h"

#define PAGE 4096
#define PORTS 0x10000
#define APIC 0xfee00000           // of x86-64
#define HANDLE 4                  // bytes
#define PACKET 48                 //
#define VECTORS 256               // of both architectures
#define SMALLEST 0x1000000000     // 2^36: every guest's memory reaches so far
#define LARGEST 0x10000000000000  // 2^52: and none's goes further
_Static_assert(HANDLE == sizeof(zx_handle_t), "handle");
_Static_assert(PACKET == sizeof(zx_port_packet_t), "packet");

// ------------------------------------------------------------------------------- handles, places

/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> may_lack(h); */
static bool may_lack_right(const vs_rules_handle* h) {
  if (h->right_known) return !h->right;
  return true;
}

// The handle may be one that the call goes on with.
/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> may_pass(h); */
static bool passes(const vs_rules_handle* h) {
  if (!h->valid) return false;
  if (!h->type) return false;
  if (h->right_known) return h->right;
  return true;
}

// The page: each of the three errors by its own reason.
/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> page_handle(h, s); */
static bool handle_by_page(const vs_rules_handle* h, zx_status_t s) {
  if (!h->valid) return s == ZX_ERR_BAD_HANDLE;
  if (s == ZX_ERR_WRONG_TYPE) return !h->type;
  if (s == ZX_ERR_ACCESS_DENIED) return may_lack_right(h);
  return false;
}

// Zircon: type before rights.
/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> type_first(h, s); */
static bool handle_by_type(const vs_rules_handle* h, zx_status_t s) {
  if (!h->valid) return s == ZX_ERR_BAD_HANDLE;
  if (!h->type) return s == ZX_ERR_WRONG_TYPE;
  if (s == ZX_ERR_ACCESS_DENIED) return may_lack_right(h);
  return false;
}

// Zircon of 2018 and zCore: rights before type.
/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> rights_first(h, s); */
static bool handle_by_rights(const vs_rules_handle* h, zx_status_t s) {
  if (!h->valid) return s == ZX_ERR_BAD_HANDLE;
  if (s == ZX_ERR_ACCESS_DENIED) return may_lack_right(h);
  if (h->right_known && !h->right) return false;
  if (h->type) return false;
  return s == ZX_ERR_WRONG_TYPE;
}

/*@ requires \valid_read(h);
  @ assigns \nothing;
  @ ensures \result <==> kernel_handle(p, h, s); */
static bool handle_by_kernel(vs_rules_profile p, const vs_rules_handle* h, zx_status_t s) {
  if (p == VS_RULES_ZIRCON_2018 || p == VS_RULES_ZCORE) return handle_by_rights(h, s);
  return handle_by_type(h, s);
}

// zCore looks at a pointer, and not at what is there.
/*@ requires \valid_read(o);
  @ requires align == 4 || align == 8;
  @ assigns \nothing;
  @ ensures \result <==> bad_pointer(o, align); */
static bool pointer_is_bad(const vs_rules_place* o, uint8_t align) {
  if (o->null) return true;
  return o->residue % align != 0;
}

/*@ assigns \nothing;
  @ ensures \result <==> away(creator, running); */
static bool not_paused_here(bool creator, bool running) {
  if (running) return true;
  return !creator;
}

// -------------------------------------------------------------------------------- zx_guest_create

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_guest(c, s); */
static bool guest_by_page(const vs_rules_guest_call* c, zx_status_t s) {
  if (s == ZX_ERR_INVALID_ARGS) {
    return c->options != 0 || c->guest.writable < HANDLE || c->vmar.writable < HANDLE;
  }
  if (!c->valid) {
    // The page does not list BAD_HANDLE.
    return s == ZX_ERR_BAD_HANDLE || s == ZX_ERR_WRONG_TYPE || s == ZX_ERR_ACCESS_DENIED;
  }
  if (!c->resource) return s == ZX_ERR_WRONG_TYPE;
  if (!c->system || !c->hypervisor) return s == ZX_ERR_ACCESS_DENIED;
  if (c->options != 0) return false;
  if (c->guest.writable < HANDLE || c->vmar.writable < HANDLE) return false;
  return s == ZX_OK;
}

// What the resource alone is answered with; ZX_OK if the call goes on.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result == resource_answer(c); */
static zx_status_t resource_by_kernel(const vs_rules_guest_call* c) {
  if (!c->valid) return ZX_ERR_BAD_HANDLE;
  if (!c->resource) return ZX_ERR_WRONG_TYPE;
  if (!c->system) return ZX_ERR_WRONG_TYPE;
  if (!c->hypervisor) return ZX_ERR_OUT_OF_RANGE;
  return ZX_OK;
}

// Since 2023 the resource comes before the options; before, and in zCore, the options.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zircon_guest(options_first, c, s); */
static bool guest_by_zircon(bool options_first, const vs_rules_guest_call* c, zx_status_t s) {
  if (options_first && c->options != 0) return s == ZX_ERR_INVALID_ARGS;
  zx_status_t resource = resource_by_kernel(c);
  if (resource != ZX_OK) return s == resource;
  if (c->options != 0) return s == ZX_ERR_INVALID_ARGS;
  if (c->guest.writable < HANDLE) return s == ZX_ERR_INVALID_ARGS;
  if (c->vmar.writable < HANDLE) return s == ZX_ERR_INVALID_ARGS;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zcore_guest(c, s); */
static bool guest_by_zcore(const vs_rules_guest_call* c, zx_status_t s) {
  if (c->options != 0) return s == ZX_ERR_INVALID_ARGS;
  zx_status_t resource = resource_by_kernel(c);
  if (resource != ZX_OK) return s == resource;
  if (pointer_is_bad(&c->guest, HANDLE)) return s == ZX_ERR_INVALID_ARGS;
  if (c->guest.writable < HANDLE) return true;
  if (pointer_is_bad(&c->vmar, HANDLE)) return s == ZX_ERR_INVALID_ARGS;
  if (c->vmar.writable < HANDLE) return true;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> guest_says(p, c, s); */
bool vs_rules_guest_create(vs_rules_profile p, const vs_rules_guest_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED) return guest_by_page(c, s);
  if (p == VS_RULES_ZCORE) return guest_by_zcore(c, s);
  return guest_by_zircon(p == VS_RULES_ZIRCON_2018, c, s);
}

// ------------------------------------------------------------------------------ zx_guest_set_trap

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> in_memory(c->kind); */
static bool traps_memory(const vs_rules_trap_call* c) {
  return c->kind == ZX_GUEST_TRAP_BELL || c->kind == ZX_GUEST_TRAP_MEM;
}

// The kind is none, or has a port that it does not take, or lacks the one that it needs.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> unfit(c); */
static bool kind_or_port_is_wrong(const vs_rules_trap_call* c) {
  if (c->kind == ZX_GUEST_TRAP_BELL) return !c->port_given;
  if (c->kind == ZX_GUEST_TRAP_MEM) return c->port_given;
  if (c->kind == ZX_GUEST_TRAP_IO) return c->port_given;
  return true;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> broken(c); */
static bool cuts_pages(const vs_rules_trap_call* c) {
  return c->addr % PAGE != 0 || c->size % PAGE != 0;
}

// The range goes beyond `end`.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> beyond(c, end); */
static bool goes_beyond(const vs_rules_trap_call* c, uint64_t end) {
  if (c->addr > end) return true;
  return c->size > end - c->addr;
}

// The range is surely outside of the space of its kind.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> outside(c); */
static bool is_outside(const vs_rules_trap_call* c) {
  if (c->kind == ZX_GUEST_TRAP_IO) return goes_beyond(c, PORTS);
  return goes_beyond(c, LARGEST);
}

// It may be.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> maybe_outside(c); */
static bool may_be_outside(const vs_rules_trap_call* c) {
  if (c->kind == ZX_GUEST_TRAP_IO) return goes_beyond(c, PORTS);
  return goes_beyond(c, SMALLEST);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> overlaps(c); */
static bool meets_range(const vs_rules_trap_call* c) {
  if (!c->trapped) return false;
  if (c->size == 0 || c->trapped_size == 0) return false;
  if (c->addr <= c->trapped_addr) return c->trapped_addr - c->addr < c->size;
  return c->addr - c->trapped_addr < c->trapped_size;
}

// BELL and MEM share a space.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> one_space(c); */
static bool shares_space(const vs_rules_trap_call* c) {
  if (c->kind == ZX_GUEST_TRAP_IO) return c->trapped_kind == ZX_GUEST_TRAP_IO;
  return c->trapped_kind == ZX_GUEST_TRAP_BELL || c->trapped_kind == ZX_GUEST_TRAP_MEM;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> odd_apic(c); */
static bool is_odd_apic(const vs_rules_trap_call* c) {
  if (c->arm64) return false;
  return traps_memory(c) && c->addr == APIC && c->size != PAGE;
}

// What the page refuses beside handles. What it leaves open is none of this.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_refuses_trap(c); */
static bool trap_is_refused(const vs_rules_trap_call* c) {
  if (kind_or_port_is_wrong(c)) return true;
  if (traps_memory(c) && cuts_pages(c)) return true;
  if (is_outside(c)) return true;
  return c->trapped_kind == c->kind && meets_range(c);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_trap_arguments(c, s); */
static bool trap_arguments_by_page(const vs_rules_trap_call* c, zx_status_t s) {
  bool known = traps_memory(c) || c->kind == ZX_GUEST_TRAP_IO;
  bool without_ports = c->arm64 && c->kind == ZX_GUEST_TRAP_IO;
  bool open = is_odd_apic(c) || (known && c->size == 0);
  if (s == ZX_ERR_INVALID_ARGS) {
    if (kind_or_port_is_wrong(c) || open || without_ports) return true;
    return traps_memory(c) && cuts_pages(c);
  }
  if (s == ZX_ERR_OUT_OF_RANGE) return open || (known && may_be_outside(c));
  if (s == ZX_ERR_ALREADY_EXISTS) return known && shares_space(c) && meets_range(c);
  // ZX_HANDLE_INVALID is an invalid handle where a port is needed.
  if (s == ZX_ERR_BAD_HANDLE) return c->kind == ZX_GUEST_TRAP_BELL && !c->port_given;
  if (s == ZX_ERR_NOT_SUPPORTED) return without_ports;
  return false;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_trap(c, s); */
static bool trap_by_page(const vs_rules_trap_call* c, zx_status_t s) {
  if (handle_by_page(&c->guest, s)) return true;
  if (c->port_given && handle_by_page(&c->port, s)) return true;
  if (trap_arguments_by_page(c, s)) return true;
  if (!passes(&c->guest)) return false;
  if (c->port_given && !passes(&c->port)) return false;
  return s == ZX_OK && !trap_is_refused(c);
}

// Zircon since 2023; memory is unmapped before its range is looked at.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zircon_trap(c, s); */
static bool trap_by_zircon(const vs_rules_trap_call* c, zx_status_t s) {
  if (c->arm64 && c->kind == ZX_GUEST_TRAP_IO) return s == ZX_ERR_NOT_SUPPORTED;
  if (kind_or_port_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (c->kind == ZX_GUEST_TRAP_IO) {
    if (c->size == 0 || goes_beyond(c, PORTS - 1)) return s == ZX_ERR_OUT_OF_RANGE;
  } else {
    if (cuts_pages(c) || c->size == 0 || is_outside(c)) return s == ZX_ERR_INVALID_ARGS;
    if (s == ZX_ERR_INVALID_ARGS) return may_be_outside(c);
  }
  if (shares_space(c) && meets_range(c)) return s == ZX_ERR_ALREADY_EXISTS;
  return s == ZX_OK;
}

// Where a trap of that space begins; size 0 and an end beyond 2^64 are looked at before kinds.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> same_begin(c); */
static bool begins_where_one_does(const vs_rules_trap_call* c) {
  return c->trapped && shares_space(c) && c->addr == c->trapped_addr;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> wraps(c); */
static bool ends_beyond_all(const vs_rules_trap_call* c) {
  return c->addr > UINT64_MAX - c->size;
}

/*@ requires \valid_read(c);
  @ requires !c->arm64;
  @ assigns \nothing;
  @ ensures \result <==> x64_2018_trap(c, s); */
static bool trap_by_x64_2018(const vs_rules_trap_call* c, zx_status_t s) {
  if (c->size == 0) return s == ZX_ERR_INVALID_ARGS;
  if (ends_beyond_all(c)) return s == ZX_ERR_OUT_OF_RANGE;
  if (kind_or_port_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (c->kind == ZX_GUEST_TRAP_IO) {
    if (goes_beyond(c, PORTS - 1)) return s == ZX_ERR_OUT_OF_RANGE;
  } else {
    if (cuts_pages(c) || is_outside(c)) return s == ZX_ERR_INVALID_ARGS;
    if (s == ZX_ERR_INVALID_ARGS) return may_be_outside(c);
  }
  if (begins_where_one_does(c)) return s == ZX_ERR_ALREADY_EXISTS;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ requires c->arm64;
  @ assigns \nothing;
  @ ensures \result <==> arm64_2018_trap(c, s); */
static bool trap_by_arm64_2018(const vs_rules_trap_call* c, zx_status_t s) {
  if (c->kind == ZX_GUEST_TRAP_IO) return s == ZX_ERR_NOT_SUPPORTED;
  if (kind_or_port_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (ends_beyond_all(c)) return s == ZX_ERR_OUT_OF_RANGE;
  if (cuts_pages(c) || c->size == 0 || is_outside(c)) return s == ZX_ERR_INVALID_ARGS;
  if (s == ZX_ERR_INVALID_ARGS) return may_be_outside(c);
  if (begins_where_one_does(c)) return s == ZX_ERR_ALREADY_EXISTS;
  return s == ZX_OK;
}

// zCore: an unknown kind before all; the space of memory has no end; a trap that begins where one
// does is INVALID_ARGS.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zcore_trap(c, s); */
static bool trap_by_zcore(const vs_rules_trap_call* c, zx_status_t s) {
  if (!traps_memory(c) && c->kind != ZX_GUEST_TRAP_IO) return s == ZX_ERR_INVALID_ARGS;
  if (c->size == 0) return s == ZX_ERR_INVALID_ARGS;
  if (ends_beyond_all(c)) return s == ZX_ERR_OUT_OF_RANGE;
  if (kind_or_port_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (c->kind == ZX_GUEST_TRAP_IO) {
    if (goes_beyond(c, PORTS - 1)) return s == ZX_ERR_OUT_OF_RANGE;
  } else {
    if (cuts_pages(c)) return s == ZX_ERR_INVALID_ARGS;
  }
  if (begins_where_one_does(c)) return s == ZX_ERR_INVALID_ARGS;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ requires p == VS_RULES_ZCORE ==> !c->arm64;
  @ assigns \nothing;
  @ ensures \result <==> kernel_trap(p, c, s); */
static bool trap_by_kernel(vs_rules_profile p, const vs_rules_trap_call* c, zx_status_t s) {
  if (handle_by_kernel(p, &c->guest, s)) return true;
  if (!passes(&c->guest)) return false;
  if (c->port_given && handle_by_kernel(p, &c->port, s)) return true;
  if (c->port_given && !passes(&c->port)) return false;
  if (p == VS_RULES_ZCORE) return trap_by_zcore(c, s);
  if (p != VS_RULES_ZIRCON_2018) return trap_by_zircon(c, s);
  if (c->arm64) return trap_by_arm64_2018(c, s);
  return trap_by_x64_2018(c, s);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> trap_says(p, c, s); */
bool vs_rules_set_trap(vs_rules_profile p, const vs_rules_trap_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED) return trap_by_page(c, s);
  return trap_by_kernel(p, c, s);
}

// --------------------------------------------------------------------------------- zx_vcpu_create

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_vcpu(c, s); */
static bool vcpu_by_page(const vs_rules_vcpu_call* c, zx_status_t s) {
  bool wrong = c->options != 0 || c->out.writable < HANDLE;
  if (handle_by_page(&c->guest, s)) return true;
  if (s == ZX_ERR_BAD_STATE) return c->owner;
  if (s == ZX_ERR_INVALID_ARGS) return wrong || c->entry >= SMALLEST;
  if (!passes(&c->guest)) return false;
  if (c->owner || wrong || c->entry >= LARGEST) return false;
  return s == ZX_OK;
}

// Zircon: options before the handle, the entry before the thread, which 2018 does not look at.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zircon_vcpu(p, c, s); */
static bool vcpu_by_zircon(vs_rules_profile p, const vs_rules_vcpu_call* c, zx_status_t s) {
  if (c->options != 0) return s == ZX_ERR_INVALID_ARGS;
  if (handle_by_kernel(p, &c->guest, s)) return true;
  if (!passes(&c->guest)) return false;
  if (c->entry >= LARGEST) return s == ZX_ERR_INVALID_ARGS;
  if (c->entry >= SMALLEST && s == ZX_ERR_INVALID_ARGS) return true;
  if (c->owner && p != VS_RULES_ZIRCON_2018) return s == ZX_ERR_BAD_STATE;
  if (c->out.writable < HANDLE) return s == ZX_ERR_INVALID_ARGS;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zcore_vcpu(c, s); */
static bool vcpu_by_zcore(const vs_rules_vcpu_call* c, zx_status_t s) {
  if (c->options != 0) return s == ZX_ERR_INVALID_ARGS;
  if (handle_by_rights(&c->guest, s)) return true;
  if (!passes(&c->guest)) return false;
  if (c->owner) return s == ZX_ERR_BAD_STATE;
  if (c->entry >= LARGEST) return s == ZX_ERR_INVALID_ARGS;
  if (c->entry >= SMALLEST && s == ZX_ERR_INVALID_ARGS) return true;
  if (pointer_is_bad(&c->out, HANDLE)) return s == ZX_ERR_INVALID_ARGS;
  if (c->out.writable < HANDLE) return true;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> vcpu_says(p, c, s); */
bool vs_rules_vcpu_create(vs_rules_profile p, const vs_rules_vcpu_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED) return vcpu_by_page(c, s);
  if (p == VS_RULES_ZCORE) return vcpu_by_zcore(c, s);
  return vcpu_by_zircon(p, c, s);
}

// ----------------------------------------------------------------------------- zx_vcpu_read_state

/*@ assigns \nothing;
  @ ensures \result == bytes_of_state(arm64); */
static uint64_t registers_size(bool arm64) {
  if (arm64) return sizeof(zx_vcpu_state_arm64_t);
  return sizeof(zx_vcpu_state_x64_t);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> misfits(c); */
static bool kind_or_size_is_wrong(const vs_rules_read_call* c) {
  if (c->kind != ZX_VCPU_STATE) return true;
  return c->size != registers_size(c->arm64);
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_read(c, s); */
static bool read_by_page(const vs_rules_read_call* c, zx_status_t s) {
  bool wrong = kind_or_size_is_wrong(c) || c->buffer.writable < c->size;
  if (handle_by_page(&c->vcpu, s)) return true;
  if (s == ZX_ERR_INVALID_ARGS) return wrong;
  if (!c->vcpu.valid || !c->vcpu.type) return false;
  if (s == ZX_ERR_BAD_STATE) return not_paused_here(c->creator, c->running);
  if (!passes(&c->vcpu)) return false;
  return s == ZX_OK && !wrong && !not_paused_here(c->creator, c->running);
}

// Zircon: the thread before the buffer, but after kind and size; 2018: after a size that is too
// large, and before the others.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zircon_read(p, c, s); */
static bool read_by_zircon(vs_rules_profile p, const vs_rules_read_call* c, zx_status_t s) {
  if (handle_by_kernel(p, &c->vcpu, s)) return true;
  if (!passes(&c->vcpu)) return false;
  if (p != VS_RULES_ZIRCON_2018 && kind_or_size_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (c->size > registers_size(c->arm64)) return s == ZX_ERR_INVALID_ARGS;
  if (not_paused_here(c->creator, c->running)) return s == ZX_ERR_BAD_STATE;
  if (kind_or_size_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (c->buffer.writable < c->size) return s == ZX_ERR_INVALID_ARGS;
  return s == ZX_OK;
}

// zCore: kind and size before the handle.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zcore_read(c, s); */
static bool read_by_zcore(const vs_rules_read_call* c, zx_status_t s) {
  if (kind_or_size_is_wrong(c)) return s == ZX_ERR_INVALID_ARGS;
  if (handle_by_rights(&c->vcpu, s)) return true;
  if (!passes(&c->vcpu)) return false;
  if (not_paused_here(c->creator, c->running)) return s == ZX_ERR_BAD_STATE;
  if (pointer_is_bad(&c->buffer, 8)) return s == ZX_ERR_INVALID_ARGS;
  if (c->buffer.writable < c->size) return true;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> read_says(p, c, s); */
bool vs_rules_read_state(vs_rules_profile p, const vs_rules_read_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED) return read_by_page(c, s);
  if (p == VS_RULES_ZCORE) return read_by_zcore(c, s);
  return read_by_zircon(p, c, s);
}

// ------------------------------------------------------------------------------ zx_vcpu_interrupt

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_interrupt(c, s); */
static bool interrupt_by_page(const vs_rules_interrupt_call* c, zx_status_t s) {
  if (handle_by_page(&c->vcpu, s)) return true;
  if (s == ZX_ERR_OUT_OF_RANGE) return c->vector >= VECTORS;
  if (!passes(&c->vcpu)) return false;
  return s == ZX_OK && c->vector < VECTORS;
}

// 2023 drops the error.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> kernel_interrupt(p, c, s); */
static bool interrupt_by_kernel(vs_rules_profile p, const vs_rules_interrupt_call* c,
                                zx_status_t s) {
  if (handle_by_kernel(p, &c->vcpu, s)) return true;
  if (!passes(&c->vcpu)) return false;
  if (p != VS_RULES_ZIRCON_2023 && c->vector >= VECTORS) return s == ZX_ERR_OUT_OF_RANGE;
  return s == ZX_OK;
}

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> interrupt_says(p, c, s); */
bool vs_rules_interrupt(vs_rules_profile p, const vs_rules_interrupt_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED) return interrupt_by_page(c, s);
  return interrupt_by_kernel(p, c, s);
}

// ---------------------------------------------------------------------------------- zx_vcpu_enter

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> page_enter(c, s); */
static bool enter_by_page(const vs_rules_enter_call* c, zx_status_t s) {
  if (handle_by_page(&c->vcpu, s)) return true;
  if (s == ZX_ERR_INVALID_ARGS && c->packet.writable < PACKET) return true;
  if (!c->vcpu.valid || !c->vcpu.type) return false;
  if (s == ZX_ERR_BAD_STATE && not_paused_here(c->creator, c->running)) return true;
  if (s == ZX_ERR_CANCELED && c->kicked) return true;
  if (!passes(&c->vcpu) || not_paused_here(c->creator, c->running) || c->kicked) return false;
  if (!c->leaves) return true;
  if (s == ZX_ERR_BAD_STATE && c->rings_nothing) return true;
  return s == ZX_OK && c->packet.writable >= PACKET;
}

// The packet is written when the guest has left. A bell that cannot be told makes it leave.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> zircon_enter(p, c, s); */
static bool enter_by_zircon(vs_rules_profile p, const vs_rules_enter_call* c, zx_status_t s) {
  if (handle_by_kernel(p, &c->vcpu, s)) return true;
  if (!passes(&c->vcpu)) return false;
  if (not_paused_here(c->creator, c->running)) return s == ZX_ERR_BAD_STATE;
  if (c->kicked) return s == ZX_ERR_CANCELED;
  if (!c->leaves) return true;
  if (c->rings_nothing) return s == ZX_ERR_BAD_STATE;
  if (c->packet.writable < PACKET) return s == ZX_ERR_INVALID_ARGS;
  return s == ZX_OK;
}

// zCore has neither call under this name: its profile says what the page says.
/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> enter_says(p, c, s); */
bool vs_rules_enter(vs_rules_profile p, const vs_rules_enter_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (p == VS_RULES_DOCUMENTED || p == VS_RULES_ZCORE) return enter_by_page(c, s);
  return enter_by_zircon(p, c, s);
}

// ----------------------------------------------------------------------------------- zx_vcpu_kick

/*@ requires \valid_read(c);
  @ assigns \nothing;
  @ ensures \result <==> kick_says(p, c, s); */
bool vs_rules_kick(vs_rules_profile p, const vs_rules_kick_call* c, zx_status_t s) {
  if (!vs_rules_speaks(p, c->arm64)) return true;
  if (s == ZX_OK) return passes(&c->vcpu);
  if (p == VS_RULES_DOCUMENTED || p == VS_RULES_ZCORE) return handle_by_page(&c->vcpu, s);
  return handle_by_kernel(p, &c->vcpu, s);
}

// --------------------------------------------------------------------------------------- effects

/*@ requires \valid(now);
  @ requires now->handles < 0xfffffffe && now->traps < 0xffffffff;
  @ assigns *now;
  @ behavior refused:
  @   assumes status != ZX_OK && !(call == VS_RULES_ENTER && status == ZX_ERR_CANCELED);
  @   ensures unchanged{Pre, Post}(now);
  @ behavior canceled:
  @   assumes call == VS_RULES_ENTER && status == ZX_ERR_CANCELED;
  @   ensures !now->kicked && unchanged_but_kick{Pre, Post}(now);
  @ behavior done:
  @   assumes status == ZX_OK;
  @   ensures now->handles - \old(now->handles) ==
  @     (call == VS_RULES_GUEST_CREATE ? 2 : call == VS_RULES_VCPU_CREATE ? 1 : 0);
  @   ensures now->traps - \old(now->traps) == (call == VS_RULES_SET_TRAP ? 1 : 0);
  @   ensures now->owner <==> (\old(now->owner) || call == VS_RULES_VCPU_CREATE);
  @   ensures now->kicked <==> (\old(now->kicked) || call == VS_RULES_KICK);
  @   ensures now->interrupted <==> (\old(now->interrupted) || call == VS_RULES_INTERRUPT);
  @   ensures now->ran <==> (\old(now->ran) || call == VS_RULES_ENTER);
  @   ensures now->filled <==>
  @     (\old(now->filled) || call == VS_RULES_ENTER || call == VS_RULES_READ_STATE);
  @ complete behaviors;
  @ disjoint behaviors; */
void vs_rules_leave(vs_rules_family call, zx_status_t status, vs_rules_world* now) {
  if (call == VS_RULES_ENTER && status == ZX_ERR_CANCELED) now->kicked = false;
  if (status != ZX_OK) return;
  if (call == VS_RULES_GUEST_CREATE) now->handles += 2;
  if (call == VS_RULES_SET_TRAP) now->traps += 1;
  if (call == VS_RULES_VCPU_CREATE) now->handles += 1;
  if (call == VS_RULES_VCPU_CREATE) now->owner = true;
  if (call == VS_RULES_READ_STATE || call == VS_RULES_ENTER) now->filled = true;
  if (call == VS_RULES_INTERRUPT) now->interrupted = true;
  if (call == VS_RULES_ENTER) now->ran = true;
  if (call == VS_RULES_KICK) now->kicked = true;
}
