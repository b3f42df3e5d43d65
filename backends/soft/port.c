// SPDX-License-Identifier: BSD-3-Clause
// Ports. Their packets are those of zx_port_queue, and of bells that guests ring.
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "objects.h"
#include "user_copy.h"

// The page keeps the limit to itself. This is a published kernel's, and so is the answer to one
// packet more.
enum { PACKETS_MAX = 4097 };

typedef struct queued {
  struct queued* next;
  const struct vs_soft_trap* bell;  // whose packet it is; NULL: of zx_port_queue
  zx_port_packet_t packet;
} queued;

typedef struct port {
  vs_soft_object object;
  unsigned count;
  queued* first;
  queued** last;  // where the next one goes
} port;

static queued* take_first(port* p) {
  queued* taken = p->first;
  p->first = taken->next;
  if (p->first == NULL) p->last = &p->first;
  p->count--;
  return taken;
}

static void put_first(port* p, queued* packet) {
  packet->next = p->first;
  if (p->first == NULL) p->last = &packet->next;
  p->first = packet;
  p->count++;
}

static void put_last(port* p, queued* packet) {
  packet->next = NULL;
  *p->last = packet;
  p->last = &packet->next;
  p->count++;
}

static void port_end(vs_soft_object* object) {
  port* p = (port*)object;
  while (p->first != NULL) free(take_first(p));
}

zx_status_t vs_soft_port_create(uint32_t options, zx_handle_t* out) {
  if (options != 0) return ZX_ERR_INVALID_ARGS;
  vs_soft_lock();
  port* made = vs_soft_object_new(ZX_OBJ_TYPE_PORT, sizeof *made, port_end);
  if (made != NULL) made->last = &made->first;
  const zx_handle_t handle = vs_soft_handle_new(made, ZX_DEFAULT_PORT_RIGHTS);
  vs_soft_unlock();
  return vs_soft_deliver(handle, out);
}

// Until something changes, or the deadline. False: that has passed.
static bool sleep_until(zx_time_t deadline) {
  enum { SECOND = 1000000000 };
  if (deadline <= 0) return false;
  if (deadline == ZX_TIME_INFINITE) return pthread_cond_wait(&vs_soft.changed, &vs_soft.lock) == 0;
  const struct timespec at = {.tv_sec = (time_t)(deadline / SECOND),
                              .tv_nsec = (long)(deadline % SECOND)};
  return pthread_cond_timedwait(&vs_soft.changed, &vs_soft.lock, &at) != ETIMEDOUT;
}

static zx_status_t wait_locked(port* p, zx_time_t deadline, queued** taken) {
  bool in_time = true;
  while (p->first == NULL && in_time && !vs_soft.closing) in_time = sleep_until(deadline);
  if (vs_soft.closing) return ZX_ERR_CANCELED;
  if (p->first == NULL) return ZX_ERR_TIMED_OUT;
  *taken = take_first(p);
  pthread_cond_broadcast(&vs_soft.changed);  // a bell may wait for room
  return ZX_OK;
}

// A packet that the caller cannot be told of is the next one's again.
static zx_status_t deliver(port* p, queued* taken, zx_port_packet_t* out) {
  if (vs_copy_to_user(out, &taken->packet, sizeof *out)) {
    free(taken);
    return ZX_OK;
  }
  vs_soft_lock();
  taken->bell = NULL;  // its guest may be gone
  put_first(p, taken);
  pthread_cond_broadcast(&vs_soft.changed);
  vs_soft_unlock();
  return ZX_ERR_INVALID_ARGS;
}

static zx_status_t begin_wait(zx_handle_t handle, port** p) {
  const vs_soft_slot* slot = NULL;
  const zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_READ, &slot);
  if (status != ZX_OK) return status;
  *p = (port*)slot->object;
  (*p)->object.refs++;
  vs_soft.waits++;
  return ZX_OK;
}

static void end_wait(port* p) {
  vs_soft_lock();
  vs_soft_unref(&p->object);
  vs_soft.waits--;
  if (vs_soft.closing) pthread_cond_broadcast(&vs_soft.changed);
  vs_soft_unlock();
}

zx_status_t vs_soft_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t* out) {
  port* p = NULL;
  queued* taken = NULL;
  vs_soft_lock();
  zx_status_t status = begin_wait(handle, &p);
  if (status == ZX_OK) status = wait_locked(p, deadline, &taken);
  vs_soft_unlock();
  if (taken != NULL) status = deliver(p, taken, out);
  if (p != NULL) end_wait(p);
  return status;
}

zx_status_t vs_soft_port_put(vs_soft_object* object, const struct vs_soft_trap* bell,
                             const zx_port_packet_t* packet) {
  port* p = (port*)object;
  if (p->count >= PACKETS_MAX) return ZX_ERR_SHOULD_WAIT;
  queued* made = malloc(sizeof *made);
  if (made == NULL) return ZX_ERR_NO_MEMORY;
  made->bell = bell;
  made->packet = *packet;
  put_last(p, made);
  pthread_cond_broadcast(&vs_soft.changed);
  return ZX_OK;
}

// As published kernels do; the packets of others stay, whatever their key.
void vs_soft_port_forget(vs_soft_object* object, const struct vs_soft_trap* bell) {
  port* p = (port*)object;
  for (unsigned left = p->count; left > 0; left--) {
    queued* taken = take_first(p);
    if (taken->bell == bell) {
      free(taken);
    } else {
      put_last(p, taken);
    }
  }
}

static zx_status_t queue(port* p, const zx_port_packet_t* packet) {
  if (packet->type != ZX_PKT_TYPE_USER) return ZX_ERR_INVALID_ARGS;
  vs_soft_lock();
  const zx_status_t status = vs_soft_port_put(&p->object, NULL, packet);
  vs_soft_unlock();
  return status;
}

zx_status_t vs_soft_port_queue(zx_handle_t handle, const zx_port_packet_t* packet) {
  port* p = NULL;
  zx_port_packet_t copy;
  zx_status_t status = vs_soft_get(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &p);
  if (status != ZX_OK) return status;
  const bool good = vs_copy_from_user(&copy, packet, sizeof copy);
  status = good ? queue(p, &copy) : ZX_ERR_INVALID_ARGS;
  vs_soft_put(p);
  return status;
}

// There is no zx_object_wait_async here, hence nothing to take back: packets of zx_port_queue are
// no object's. Whether a source can be waited on is its handle's right to say.
zx_status_t vs_soft_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key) {
  (void)key;
  const vs_soft_slot* slot = NULL;
  vs_soft_lock();
  zx_status_t status = vs_soft_find(handle, ZX_OBJ_TYPE_PORT, ZX_RIGHT_WRITE, &slot);
  if (status == ZX_OK) status = vs_soft_find(source, ZX_OBJ_TYPE_NONE, ZX_RIGHT_NONE, &slot);
  if (status == ZX_OK) {
    status = (slot->rights & ZX_RIGHT_WAIT) != 0 ? ZX_ERR_NOT_FOUND : ZX_ERR_NOT_SUPPORTED;
  }
  vs_soft_unlock();
  return status;
}
