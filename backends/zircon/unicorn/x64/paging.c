// SPDX-License-Identifier: BSD-3-Clause
// Intel SDM volume 3, "4-Level Paging".
#include "x64/paging.h"

#include <string.h>

enum { PRESENT = 1, WRITABLE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40, IS_PAGE = 0x80 };
enum { LEVELS = 4, INDEX_BITS = 9, INDEX_MASK = 511, PAGE_BITS = 12, ENTRY = 8 };
static const uint64_t no_fetch = UINT64_C(1) << 63;
static const uint64_t address_bits = UINT64_C(0x000ffffffffff000);
static const uint64_t efer_nxe = UINT64_C(1) << 11;
static const uint64_t cr0_wp = UINT64_C(1) << 16;

// A page as the tables have it.
typedef struct page {
  uint64_t linear, gpa, size;
  bool writable, user, executable;
  uint64_t* entries[LEVELS];  // that led to it
  unsigned count;
} page;

static bool is_canonical(uint64_t linear) {
  return (int64_t)(linear << 16) >> 16 == (int64_t)linear;
}

// Where an entry of 8 bytes is; NULL: there is no memory.
static uint64_t* entry_at(const vs_cpu* cpu, uint64_t gpa) {
  const vs_stretch* s = vs_uc_find_stretch(cpu, gpa);
  return s == NULL ? NULL : (uint64_t*)(void*)(s->host + (gpa - s->gpa));
}

static uint64_t load(const uint64_t* entry) {
  return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static void set_bits(uint64_t* entry, uint64_t bits) {
  if ((load(entry) & bits) != bits) __atomic_fetch_or(entry, bits, __ATOMIC_RELAXED);
}

static void no_paging(uint64_t linear, page* p) {
  *p = (page){.linear = linear >> PAGE_BITS << PAGE_BITS,
              .size = VS_ENGINE_PAGE,
              .writable = true,
              .user = true,
              .executable = true};
  p->gpa = p->linear;
}

// False: the tables have no page there.
static bool look_up(const vs_cpu* cpu, uint64_t linear, page* p) {
  uint64_t table = vs_uc_register(cpu, UC_X86_REG_CR3) & address_bits;
  no_paging(linear, p);
  for (unsigned level = LEVELS; cpu->x64.paging && level-- > 0;) {
    const unsigned shift = PAGE_BITS + INDEX_BITS * level;
    uint64_t* at = entry_at(cpu, table + (linear >> shift & INDEX_MASK) * ENTRY);
    const uint64_t entry = at == NULL ? 0 : load(at);
    if ((entry & PRESENT) == 0) return false;
    p->entries[p->count++] = at;
    p->writable &= (entry & WRITABLE) != 0;
    p->user &= (entry & USER) != 0;
    p->executable &= (entry & no_fetch) == 0 || (cpu->x64.efer & efer_nxe) == 0;
    table = entry & address_bits;
    if (level == 0 || ((entry & IS_PAGE) != 0 && level < LEVELS - 1)) {
      p->size = UINT64_C(1) << shift;
      p->linear = linear & ~(p->size - 1);
      p->gpa = table & ~(p->size - 1);
      break;
    }
  }
  return true;
}

static bool may_write(const vs_cpu* cpu, const page* p, unsigned access) {
  const bool all =
      (access & VS_UC_USER) == 0 && (vs_uc_register(cpu, UC_X86_REG_CR0) & cr0_wp) == 0;
  return p->writable || all;
}

static bool allows(const vs_cpu* cpu, const page* p, unsigned access) {
  if ((access & VS_UC_USER) != 0 && !p->user) return false;
  if ((access & VS_UC_WRITE) != 0 && !may_write(cpu, p, access)) return false;
  return (access & VS_UC_FETCH) == 0 || p->executable;
}

static bool find_page(const vs_cpu* cpu, uint64_t linear, unsigned access, page* p,
                      vs_uc_fault* fault) {
  *fault = (vs_uc_fault){.address = linear};
  if (!is_canonical(linear)) return false;
  const bool present = look_up(cpu, linear, p);
  fault->is_page = true;
  fault->code = access | (present ? VS_UC_PRESENT : 0u);
  if (!present || !allows(cpu, p, access)) return false;
  for (unsigned i = 0; i < p->count; i++) {
    const bool dirty = i + 1 == p->count && (access & VS_UC_WRITE) != 0;
    set_bits(p->entries[i], ACCESSED | (dirty ? DIRTY : 0));
  }
  return true;
}

// Whatever of the page is in one stretch. Where nothing was written yet a store has to come by, for
// the bit that says so.
static vs_stretch view_of(vs_cpu* cpu, const page* p, const vs_stretch* s, unsigned access) {
  const uint64_t first = s->gpa > p->gpa ? s->gpa : p->gpa;
  const uint64_t s_end = s->gpa + s->size, p_end = p->gpa + p->size;
  const uint64_t end = s_end < p_end ? s_end : p_end;
  const bool dirty = p->count == 0 || (load(p->entries[p->count - 1]) & DIRTY) != 0;
  vs_stretch view = {.gpa = p->linear + (first - p->gpa),
                     .size = end - first,
                     .host = s->host + (first - s->gpa),
                     .perms = s->perms};
  if (!dirty || !may_write(cpu, p, access)) view.perms &= ~ZX_VM_PERM_WRITE;
  if (!p->executable) view.perms &= ~ZX_VM_PERM_EXECUTE;
  cpu->x64.system_views |= !p->user || (may_write(cpu, p, access) && !p->writable);
  return view;
}

static unsigned access_of(uc_mem_type type) {
  switch (type) {
    case UC_MEM_WRITE_UNMAPPED:
    case UC_MEM_WRITE_PROT:
      return VS_UC_WRITE;
    case UC_MEM_FETCH_UNMAPPED:
    case UC_MEM_FETCH_PROT:
      return VS_UC_FETCH;
    default:
      return 0;
  }
}

static zx_vm_option_t perm_of(unsigned access) {
  if ((access & VS_UC_WRITE) != 0) return ZX_VM_PERM_WRITE;
  return (access & VS_UC_FETCH) != 0 ? ZX_VM_PERM_EXECUTE : ZX_VM_PERM_READ;
}

vs_uc_found vs_uc_x64_meet(vs_cpu* cpu, uint64_t* gpa, vs_uc_fault* fault) {
  const uint64_t linear = cpu->missed_addr;
  const unsigned access = access_of(cpu->missed_type) | (cpu->x64.user ? VS_UC_USER : 0u);
  page p;
  if (!find_page(cpu, linear, access, &p, fault)) return VS_UC_FAULT;
  *gpa = p.gpa + (linear - p.linear);
  const vs_stretch* s = vs_uc_find_stretch(cpu, *gpa);
  if (s == NULL) return VS_UC_MISSING;
  if ((s->perms & perm_of(access)) == 0) return VS_UC_FORBIDDEN;
  const vs_stretch* old = vs_uc_find_view(cpu, linear);
  if (old != NULL) vs_uc_drop_view(cpu, old);  // it allowed less
  const vs_stretch view = view_of(cpu, &p, s, access);
  return vs_uc_add_view(cpu, &view) ? VS_UC_FOUND : VS_UC_FORBIDDEN;
}

// The host's memory from an address on to the end of its page at most.
static uint8_t* part(vs_cpu* cpu, uint64_t linear, unsigned access, size_t* size,
                     vs_uc_fault* fault) {
  const size_t left = (size_t)(VS_ENGINE_PAGE - linear % VS_ENGINE_PAGE);
  page p;
  if (!find_page(cpu, linear, access, &p, fault)) return NULL;
  const uint64_t gpa = p.gpa + (linear - p.linear);
  const vs_stretch* s = vs_uc_find_stretch(cpu, gpa);
  if (s == NULL || (s->perms & perm_of(access)) == 0) return NULL;
  if (*size > left) *size = left;
  return s->host + (gpa - s->gpa);
}

bool vs_uc_x64_read(vs_cpu* cpu, uint64_t linear, void* out, size_t size, vs_uc_fault* fault) {
  for (size_t done = 0, some; done < size; done += some) {
    some = size - done;
    const uint8_t* from = part(cpu, linear + done, 0, &some, fault);
    if (from == NULL) return false;
    memcpy((uint8_t*)out + done, from, some);
  }
  return true;
}

bool vs_uc_x64_write(vs_cpu* cpu, uint64_t linear, const void* in, size_t size,
                     vs_uc_fault* fault) {
  for (size_t done = 0, some; done < size; done += some) {
    some = size - done;
    uint8_t* to = part(cpu, linear + done, VS_UC_WRITE, &some, fault);
    if (to == NULL) return false;
    memcpy(to, (const uint8_t*)in + done, some);
    vs_uc_forget_code(cpu, to, some);
  }
  return true;
}
