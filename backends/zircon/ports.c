// SPDX-License-Identifier: BSD-3-Clause
// Ports: packets that user code queues, and those of guests that ring a bell.
#include <stdlib.h>

#include "objects.h"
#include "user_copy.h"

// The page keeps both limits to itself. The first is a published kernel's, and so is the answer to
// one packet of user code more; the second is how many packets such a kernel sets aside for a trap.
enum { PACKETS_MAX = 4097, BELLS_MAX = 256 };

static vs_zx_packet* take(vs_zx_port* port, vs_zx_packet** link) {
  vs_zx_packet* taken = *link;
  *link = taken->next;
  port->count--;
  if (taken->bell) taken->bell->queued--;
  return taken;
}

static void put(vs_zx_port* port, vs_zx_packet** link, vs_zx_packet* packet) {
  packet->next = *link;
  *link = packet;
  port->count++;
  if (packet->bell) packet->bell->queued++;
  vs_zx_tell_all();
}

static vs_zx_packet** end_of(vs_zx_port* port) {
  vs_zx_packet** link = &port->packets;
  while (*link) link = &(*link)->next;
  return link;
}

static zx_status_t add(vs_zx_port* port, vs_zx_trap* bell, const zx_port_packet_t* content) {
  vs_zx_packet* made = malloc(sizeof *made);
  if (!made) return ZX_ERR_NO_MEMORY;
  *made = (vs_zx_packet){.bell = bell, .packet = *content};
  put(port, end_of(port), made);
  return ZX_OK;
}

zx_status_t vs_zx_port_put(vs_zx_port* port, vs_zx_trap* bell, const zx_port_packet_t* packet) {
  return bell->queued < BELLS_MAX ? add(port, bell, packet) : ZX_ERR_SHOULD_WAIT;
}

void vs_zx_port_forget(vs_zx_port* port, const vs_zx_trap* bell) {
  vs_zx_packet** link = &port->packets;
  while (*link) {
    if ((*link)->bell == bell) {
      free(take(port, link));
    } else {
      link = &(*link)->next;
    }
  }
}

// What is left is user code's: each trap that holds the port has taken its own packets along.
void vs_zx_port_destroy(vs_zx_port* port) {
  while (port->packets) free(take(port, &port->packets));
}

zx_status_t vs_zx_port_create(uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_zx_port* port = calloc(1, sizeof *port);
  if (!port) return ZX_ERR_NO_MEMORY;
  port->base = (vs_zx_object){.type = ZX_OBJ_TYPE_PORT, .references = 1};
  return vs_zx_publish(&port->base, ZX_DEFAULT_PORT_RIGHTS, out);
}

// A bell whose trap goes while its packet is on the way to a caller must not be told of it.
static zx_status_t take_first(vs_zx_port* port, zx_time_t deadline, zx_port_packet_t* packet) {
  bool in_time = true;
  vs_zx_lock();
  const bool* closing = &vs_zx.closing;
  while (!port->packets && in_time && !*closing && port->base.handles != 0)
    in_time = vs_zx_wait_until(deadline);
  const bool ended = *closing || port->base.handles == 0;
  zx_status_t status = ended ? ZX_ERR_CANCELED : ZX_ERR_TIMED_OUT;
  if (port->packets) {
    vs_zx_packet* taken = take(port, &port->packets);
    *packet = taken->packet;
    free(taken);
    vs_zx_tell_all();  // a bell may wait for room
    status = ZX_OK;
  }
  vs_zx_unlock();
  return status;
}

// A packet that the caller cannot be told of is lost, as it is in published kernels.
zx_status_t vs_zx_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t* out) {
  vs_zx_object* object;
  zx_port_packet_t packet;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_READ, &object);
  if (status != ZX_OK) return status;
  status = take_first((vs_zx_port*)object, deadline, &packet);
  vs_zx_unpin(object);
  if (status != ZX_OK) return status;
  return vs_copy_to_user(out, &packet, sizeof packet) ? ZX_OK : ZX_ERR_INVALID_ARGS;
}

static zx_status_t queue(vs_zx_port* port, const zx_port_packet_t* packet) {
  if (packet->type != ZX_PKT_TYPE_USER) return ZX_ERR_INVALID_ARGS;
  vs_zx_lock();
  const bool full = port->count >= PACKETS_MAX;
  const zx_status_t status = full ? ZX_ERR_SHOULD_WAIT : add(port, NULL, packet);
  vs_zx_unlock();
  return status;
}

zx_status_t vs_zx_port_queue(zx_handle_t handle, const zx_port_packet_t* packet) {
  vs_zx_object* object;
  zx_port_packet_t copy;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  const bool copied = vs_copy_from_user(&copy, packet, sizeof copy);
  status = copied ? queue((vs_zx_port*)object, &copy) : ZX_ERR_INVALID_ARGS;
  vs_zx_unpin(object);
  return status;
}

// There is no zx_object_wait_async here, so there is nothing of a source to take back.
zx_status_t vs_zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key) {
  (void)key;
  vs_zx_object* object;
  zx_status_t status = vs_zx_pin(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &object);
  if (status != ZX_OK) return status;
  vs_zx_unpin(object);
  vs_zx_lock();
  const vs_zx_entry* entry = vs_zx_handle_find(source);
  status = entry ? ZX_ERR_NOT_FOUND : ZX_ERR_BAD_HANDLE;
  if (entry && !(entry->rights & ZX_RIGHT_WAIT)) status = ZX_ERR_ACCESS_DENIED;
  vs_zx_unlock();
  return status;
}
