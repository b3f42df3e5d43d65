// SPDX-License-Identifier: BSD-3-Clause
// VMOs, and their place in a guest's memory.
#include <stdlib.h>
#include <sys/mman.h>

#include "objects.h"
#include "user_copy.h"

#define PERMISSIONS (ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE)

static bool is_whole_pages(uint64_t value) {
  return value % VS_ENGINE_PAGE == 0;
}

// --- VMOs ---------------------------------------------------------------------------------------

void vs_zx_vmo_destroy(vs_zx_vmo* vmo) {
  if (vmo->bytes) munmap(vmo->bytes, vmo->size);
}

// Shared, so that a child of a fork cannot make the pages that the guest sees and ours part ways.
static bool allocate(vs_zx_vmo* vmo) {
  if (vmo->size == 0) return true;
  void* bytes = mmap(NULL, vmo->size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) return false;
  vmo->bytes = bytes;
  return true;
}

zx_status_t vs_zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  if (size > UINT64_MAX - (VS_ENGINE_PAGE - 1)) return ZX_ERR_OUT_OF_RANGE;
  vs_zx_vmo* vmo = calloc(1, sizeof *vmo);
  if (!vmo) return ZX_ERR_NO_MEMORY;
  vmo->base = (vs_zx_object){.type = ZX_OBJ_TYPE_VMO, .references = 1};
  vmo->size = (size + VS_ENGINE_PAGE - 1) & ~(VS_ENGINE_PAGE - 1);
  if (!allocate(vmo)) {
    free(vmo);
    return ZX_ERR_NO_MEMORY;
  }
  return vs_zx_publish(&vmo->base, ZX_DEFAULT_VMO_RIGHTS, out);
}

static bool in_range(const vs_zx_vmo* vmo, uint64_t offset, uint64_t size) {
  return offset <= vmo->size && size <= vmo->size - offset;
}

static zx_status_t vmo_read(const vs_zx_vmo* vmo, void* buffer, uint64_t offset, size_t size) {
  if (!in_range(vmo, offset, size)) return ZX_ERR_OUT_OF_RANGE;
  if (size == 0) return ZX_OK;
  if (vs_zx.engine->will_read) vs_zx.engine->will_read(vmo->bytes + offset, size);
  return vs_copy_to_user(buffer, vmo->bytes + offset, size) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_zx_vmo_read(zx_handle_t handle, void* buffer, uint64_t offset, size_t buffer_size) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  status = vmo_read((const vs_zx_vmo*)object, buffer, offset, buffer_size);
  vs_zx_unpin(object);
  return status;
}

// Told to the engine also where the buffer turned out bad halfway: a part may have been written.
static zx_status_t vmo_write(const vs_zx_vmo* vmo, const void* buffer, uint64_t offset,
                             size_t size) {
  if (!in_range(vmo, offset, size)) return ZX_ERR_OUT_OF_RANGE;
  if (size == 0) return ZX_OK;
  const bool copied = vs_copy_from_user(vmo->bytes + offset, buffer, size);
  if (vs_zx.engine->wrote) vs_zx.engine->wrote(vmo->bytes + offset, size);
  return copied ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

zx_status_t vs_zx_vmo_write(zx_handle_t handle, const void* buffer, uint64_t offset,
                            size_t buffer_size) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  status = vmo_write((const vs_zx_vmo*)object, buffer, offset, buffer_size);
  vs_zx_unpin(object);
  return status;
}

// The source is consumed, whatever the answer.
static zx_status_t make_executable(zx_handle_t handle, zx_handle_t* value) {
  vs_zx_entry* entry = vs_zx_handle_find(handle);
  if (!entry) return ZX_ERR_BAD_HANDLE;
  const bool is_vmo = entry->object->type == ZX_OBJ_TYPE_VMO;
  const zx_status_t status =
      is_vmo ? vs_zx_handle_add(entry->object, entry->rights | ZX_RIGHT_EXECUTE, value)
             : ZX_ERR_WRONG_TYPE;
  vs_zx_handle_remove(entry);
  return status;
}

zx_status_t vs_zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex,
                                            zx_handle_t* out) {
  (void)vmex;
  zx_handle_t value;
  vs_zx_lock();
  const zx_status_t status = make_executable(handle, &value);
  vs_zx_unlock();
  if (status != ZX_OK) return status;
  if (vs_copy_to_user(out, &value, sizeof value)) return ZX_OK;
  vs_zx_handle_revoke(value);
  return ZX_ERR_INVALID_ARGS;
}

// --- what a guest has of them -------------------------------------------------------------------

uint64_t vs_zx_limit(void) {
  return UINT64_C(1) << vs_zx.engine->aspace_bits;
}

// A guest's memory as it is to be; each stretch holds a reference to its VMO.
typedef struct plan {
  unsigned count;
  vs_stretch stretches[VS_STRETCHES_MAX];
  vs_zx_vmo* vmos[VS_STRETCHES_MAX];
  zx_vm_option_t most[VS_STRETCHES_MAX];
} plan;

static bool plan_add(plan* p, const vs_stretch* stretch, vs_zx_vmo* vmo, zx_vm_option_t most) {
  if (stretch->size == 0) return true;
  if (p->count == VS_STRETCHES_MAX) return false;
  p->stretches[p->count] = *stretch;
  p->most[p->count] = most;
  p->vmos[p->count++] = vmo;
  return true;
}

static vs_stretch part_below(vs_stretch s, uint64_t end) {
  const uint64_t size = end > s.gpa ? end - s.gpa : 0;
  if (size < s.size) s.size = size;
  return s;
}

static vs_stretch part_from(vs_stretch s, uint64_t start) {
  const uint64_t skipped = start > s.gpa ? start - s.gpa : 0;
  s.size = skipped < s.size ? s.size - skipped : 0;
  s.gpa += skipped;
  s.host += skipped;
  return s;
}

// The guest's memory, with [gpa, gpa + size) as `within` makes it: what is there is cut out of the
// stretches around it. `changed`: how many bytes of it there are.
static bool plan_change(const vs_zx_guest* guest, uint64_t gpa, uint64_t size,
                        zx_vm_option_t within, plan* p, uint64_t* changed) {
  *p = (plan){.count = 0};
  *changed = 0;
  for (unsigned i = 0; i < guest->count; i++) {
    const vs_stretch* s = &guest->stretches[i];
    const vs_stretch below = part_below(*s, gpa);
    const vs_stretch above = part_from(*s, gpa + size);
    vs_stretch inside = part_below(part_from(*s, gpa), gpa + size);
    *changed += inside.size;
    inside.perms = within;
    if (within == 0) inside.size = 0;
    vs_zx_vmo* vmo = guest->vmos[i];
    const zx_vm_option_t most = guest->most[i];
    if (!plan_add(p, &below, vmo, most) || !plan_add(p, &inside, vmo, most) ||
        !plan_add(p, &above, vmo, most)) {
      return false;
    }
  }
  return true;
}

static bool is_mapped(const vs_zx_guest* guest, uint64_t gpa) {
  for (unsigned i = 0; i < guest->count; i++) {
    if (gpa - guest->stretches[i].gpa < guest->stretches[i].size) return true;
  }
  return false;
}

// Why the engine cannot run the guest. Where a trap has taken the page tables, every access would
// be one to the trap.
static zx_status_t starved(const vs_zx_guest* guest) {
  const uint64_t tables = vs_zx.engine->page_tables;
  if (vs_zx.engine->must_have_memory && guest->count == 0) return ZX_ERR_NOT_FOUND;
  if (tables == UINT64_MAX || is_mapped(guest, tables)) return ZX_OK;
  return vs_zx_trap_at(guest, false, tables) ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_NOT_FOUND;
}

void vs_zx_look_at_tables(vs_zx_guest* guest) {
  atomic_store(&guest->starved, starved(guest));
}

// Where a vCPU has what is not mapped any more until it is entered next, that lives on with the
// guest's vCPUs. Without memory to note it, it lives on for good.
static void let_go(vs_zx_guest* guest, vs_zx_vmo* vmo) {
  if (!vs_zx.engine->lags || guest->cpus == 0) {
    vs_zx_unref(&vmo->base);
    return;
  }
  vs_zx_gone* gone = malloc(sizeof *gone);
  if (!gone) return;
  *gone = (vs_zx_gone){.next = guest->gone, .vmo = vmo};
  guest->gone = gone;
}

void vs_zx_forget_gone(vs_zx_guest* guest) {
  while (guest->gone) {
    vs_zx_gone* gone = guest->gone;
    guest->gone = gone->next;
    vs_zx_unref(&gone->vmo->base);
    free(gone);
  }
}

static void carry_out(vs_zx_guest* guest, const plan* p) {
  for (unsigned i = 0; i < p->count; i++) vs_zx_ref(&p->vmos[i]->base);
  for (unsigned i = 0; i < guest->count; i++) let_go(guest, guest->vmos[i]);
  guest->count = p->count;
  for (unsigned i = 0; i < p->count; i++) {
    guest->stretches[i] = p->stretches[i];
    guest->vmos[i] = p->vmos[i];
    guest->most[i] = p->most[i];
  }
  vs_zx_look_at_tables(guest);
}

// The engine keeps what it had where it refuses.
static zx_status_t arrange(vs_zx_guest* guest, const plan* p) {
  const zx_status_t status = vs_zx.engine->space_arrange(guest->space, p->stretches, p->count);
  if (status == ZX_OK) {
    carry_out(guest, p);
  } else {
    (void)vs_zx.engine->space_arrange(guest->space, guest->stretches, guest->count);
  }
  return status;
}

zx_status_t vs_zx_clear(vs_zx_guest* guest, uint64_t gpa, uint64_t size) {
  plan p;
  uint64_t changed;
  if (!plan_change(guest, gpa, size, 0, &p, &changed)) return ZX_ERR_NO_RESOURCES;
  return changed == 0 ? ZX_OK : arrange(guest, &p);
}

// --- the calls on a vmar ------------------------------------------------------------------------

static zx_rights_t rights_for(zx_vm_option_t perms) {
  return (perms & ZX_VM_PERM_READ ? ZX_RIGHT_READ : 0) |
         (perms & ZX_VM_PERM_WRITE ? ZX_RIGHT_WRITE : 0) |
         (perms & ZX_VM_PERM_EXECUTE ? ZX_RIGHT_EXECUTE : 0);
}

static bool is_range(uint64_t gpa, uint64_t len) {
  const uint64_t limit = vs_zx_limit();
  return len != 0 && is_whole_pages(gpa) && gpa < limit && len <= limit - gpa;
}

static zx_status_t check_placement(zx_vm_option_t options, uint64_t gpa, const vs_zx_vmo* vmo,
                                   uint64_t vmo_offset, uint64_t len) {
  if (!(options & ZX_VM_SPECIFIC) || !(options & ZX_VM_PERM_READ)) return ZX_ERR_INVALID_ARGS;
  if (options & ~(ZX_VM_SPECIFIC | PERMISSIONS)) return ZX_ERR_INVALID_ARGS;
  if (!is_range(gpa, len) || !is_whole_pages(vmo_offset) || !is_whole_pages(len))
    return ZX_ERR_INVALID_ARGS;
  return in_range(vmo, vmo_offset, len) ? ZX_OK : ZX_ERR_OUT_OF_RANGE;
}

static zx_status_t place(vs_zx_guest* guest, const vs_stretch* wanted, vs_zx_vmo* vmo,
                         zx_vm_option_t most) {
  plan p;
  uint64_t taken;
  const bool fits = plan_change(guest, wanted->gpa, wanted->size, 0, &p, &taken);
  if (taken != 0) return ZX_ERR_ALREADY_EXISTS;
  return fits && plan_add(&p, wanted, vmo, most) ? arrange(guest, &p) : ZX_ERR_NO_RESOURCES;
}

// The address is known beforehand, so a bad pointer can be refused before there is a mapping.
static zx_status_t map(vs_zx_guest* guest, zx_vm_option_t options, uint64_t gpa, vs_zx_vmo* vmo,
                       zx_vm_option_t most, uint64_t vmo_offset, uint64_t len,
                       zx_vaddr_t* mapped_addr) {
  zx_status_t status = check_placement(options, gpa, vmo, vmo_offset, len);
  if (status != ZX_OK) return status;
  if (!vs_copy_to_user(mapped_addr, &gpa, sizeof gpa)) return ZX_ERR_INVALID_ARGS;
  const vs_stretch wanted = {gpa, len, vmo->bytes + vmo_offset, options & PERMISSIONS};
  vs_zx_lock();
  status = place(guest, &wanted, vmo, most);
  vs_zx_unlock();
  return status;
}

// What the handle of a VMO lets a mapping become: to read and to execute, and to write with WRITE.
static zx_vm_option_t most_of(zx_handle_t vmo) {
  vs_zx_object* object;
  const bool writes = vs_zx_pin(vmo, ZX_OBJ_TYPE_VMO, ZX_RIGHT_WRITE, &object) == ZX_OK;
  if (writes) vs_zx_unpin(object);
  return writes ? PERMISSIONS : PERMISSIONS & ~ZX_VM_PERM_WRITE;
}

zx_status_t vs_zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset,
                           zx_handle_t vmo, uint64_t vmo_offset, uint64_t len,
                           zx_vaddr_t* mapped_addr) {
  vs_zx_object *vmar_object, *vmo_object;
  const zx_rights_t rights = rights_for(options);
  const zx_rights_t of_vmo = (rights & ~ZX_RIGHT_EXECUTE) | ZX_RIGHT_MAP;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VMAR, rights, &vmar_object);
  if (status != ZX_OK) return status;
  status = vs_zx_pin(vmo, ZX_OBJ_TYPE_VMO, of_vmo, &vmo_object);
  if (status == ZX_OK) {
    status = map(((vs_zx_vmar*)vmar_object)->guest, options, vmar_offset, (vs_zx_vmo*)vmo_object,
                 most_of(vmo), vmo_offset, len, mapped_addr);
    vs_zx_unpin(vmo_object);
  }
  vs_zx_unpin(vmar_object);
  return status;
}

zx_status_t vs_zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, uint64_t len) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VMAR, ZX_RIGHT_NONE, &object);
  if (status != ZX_OK) return status;
  status = ZX_ERR_INVALID_ARGS;
  if (is_range(addr, len)) {
    const uint64_t size = (len + VS_ENGINE_PAGE - 1) & ~(VS_ENGINE_PAGE - 1);
    vs_zx_lock();
    status = vs_zx_clear(((vs_zx_vmar*)object)->guest, addr, size);
    vs_zx_unlock();
  }
  vs_zx_unpin(object);
  return status;
}

static bool may_become(const vs_zx_guest* guest, zx_vm_option_t perms, uint64_t gpa,
                       uint64_t size) {
  for (unsigned i = 0; i < guest->count; i++) {
    const vs_stretch* s = &guest->stretches[i];
    const bool meets = s->gpa < gpa + size && gpa < s->gpa + s->size;
    if (meets && (perms & ~guest->most[i]) != 0) return false;
  }
  return true;
}

// All of the range has to be mapped.
static zx_status_t protect(vs_zx_guest* guest, zx_vm_option_t perms, uint64_t gpa, uint64_t len) {
  plan p;
  uint64_t found;
  const uint64_t size = (len + VS_ENGINE_PAGE - 1) & ~(VS_ENGINE_PAGE - 1);
  if (!may_become(guest, perms, gpa, size)) return ZX_ERR_ACCESS_DENIED;
  if (!plan_change(guest, gpa, size, perms, &p, &found)) return ZX_ERR_NO_RESOURCES;
  return found == size ? arrange(guest, &p) : ZX_ERR_NOT_FOUND;
}

zx_status_t vs_zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr,
                               uint64_t len) {
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_VMAR, rights_for(options), &object);
  if (status != ZX_OK) return status;
  const bool good = (options & ~PERMISSIONS) == 0 && (options & ZX_VM_PERM_READ);
  status = ZX_ERR_INVALID_ARGS;
  if (good && is_range(addr, len)) {
    vs_zx_lock();
    status = protect(((vs_zx_vmar*)object)->guest, options, addr, len);
    vs_zx_unlock();
  }
  vs_zx_unpin(object);
  return status;
}
