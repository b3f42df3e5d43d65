// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include "user_copy.h"

static void guest_end(vs_soft_object* object) {
  vs_soft_guest* guest = (vs_soft_guest*)object;
  vs_soft_traps_end(guest);
  if (guest->vmar == NULL) return;
  vs_soft_vmar_destroy(guest->vmar);
  vs_soft_unref(&guest->vmar->object);
}

// The caller's reference is the guest's handle's, the vmar has one of the guest and one more.
static vs_soft_guest* guest_new(void) {
  vs_soft_guest* guest = vs_soft_object_new(ZX_OBJ_TYPE_GUEST, sizeof *guest, guest_end);
  if (guest == NULL) return NULL;
  guest->vmar = vs_soft_vmar_new();
  if (guest->vmar != NULL) {
    guest->vmar->object.refs++;
    return guest;
  }
  vs_soft_unref(&guest->object);
  return NULL;
}

static zx_rights_t guest_rights(void) {
  if (!vs_soft.rules->maker_is_process) return ZX_DEFAULT_GUEST_RIGHTS;
  return (ZX_DEFAULT_GUEST_RIGHTS & ~ZX_RIGHT_MANAGE_THREAD) | ZX_RIGHT_MANAGE_PROCESS;
}

static zx_status_t check_resource(zx_handle_t resource) {
  const vs_soft_slot* slot = NULL;
  const zx_status_t status = vs_soft_find(resource, ZX_OBJ_TYPE_RESOURCE, ZX_RIGHT_NONE, &slot);
  if (status != ZX_OK) return status;
  if (((const vs_soft_resource*)slot->object)->is_hypervisors) return ZX_OK;
  return vs_soft.rules->kind_is_type ? ZX_ERR_WRONG_TYPE : ZX_ERR_ACCESS_DENIED;
}

static zx_status_t create_locked(zx_handle_t resource, uint32_t options, zx_handle_t made[2]) {
  if (vs_soft.rules->options_first && options != 0) return ZX_ERR_INVALID_ARGS;
  const zx_status_t status = check_resource(resource);
  if (status != ZX_OK) return status;
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_soft_guest* guest = guest_new();
  if (guest == NULL) return ZX_ERR_NO_MEMORY;
  made[1] = vs_soft_handle_new(guest->vmar, ZX_DEFAULT_VMAR_RIGHTS);
  made[0] = vs_soft_handle_new(guest, guest_rights());
  return made[0] != ZX_HANDLE_INVALID && made[1] != ZX_HANDLE_INVALID ? ZX_OK : ZX_ERR_NO_MEMORY;
}

// Both or neither: what stood at the first pointer is put back if the second is bad.
static bool deliver_both(const zx_handle_t made[2], zx_handle_t* guest, zx_handle_t* vmar) {
  zx_handle_t before;
  if (!vs_copy_from_user(&before, guest, sizeof before)) return false;
  if (!vs_copy_to_user(guest, &made[0], sizeof made[0])) return false;
  if (vs_copy_to_user(vmar, &made[1], sizeof made[1])) return true;
  (void)vs_copy_to_user(guest, &before, sizeof before);
  return false;
}

zx_status_t vs_soft_guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest,
                                 zx_handle_t* vmar) {
  zx_handle_t made[2] = {ZX_HANDLE_INVALID, ZX_HANDLE_INVALID};
  vs_soft_lock();
  zx_status_t status = create_locked(resource, options, made);
  vs_soft_unlock();
  if (status == ZX_OK && !deliver_both(made, guest, vmar)) status = ZX_ERR_INVALID_ARGS;
  if (status != ZX_OK) {
    vs_soft_handle_close(made[0]);
    vs_soft_handle_close(made[1]);
  }
  return status;
}
