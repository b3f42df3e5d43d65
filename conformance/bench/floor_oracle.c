// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "recorded.h"
#include "sides.h"

enum { FLAGS = 0x244dd5, FLAGS_GATE = 2, FLAGS_WORD = VS_BENCH_WORDS - 1, VCPUS = 4 };

typedef struct entry {
  zx_handle_t value;
  zx_rights_t rights;  // of a vCPU; nothing depends on those of others
  bool open;
  uint8_t vcpu;  // 1 + index; 0: another object
} entry;

typedef struct chain {
  entry entries[VS_SLOTS];
  uint64_t words[VCPUS][VS_BENCH_WORDS];
  uint8_t creators[VCPUS];
  uint8_t vcpus;
} chain;

static entry* find(chain* c, const vs_arg* ref) {
  const zx_handle_t number = (zx_handle_t)ref->number;
  zx_handle_t value = c->entries[ref->slot].value;
  if (ref->form == VS_HANDLE_CLEARED) value &= ~number;
  if (ref->form == VS_HANDLE_FLIPPED) value ^= number;
  if (ref->form == VS_HANDLE_RAW) value = number;
  for (size_t i = 0; i < VS_SLOTS; i++) {
    if (c->entries[i].open && c->entries[i].value == value) return &c->entries[i];
  }
  return NULL;
}

// The order of the published kernels. The placements that can be read come first.
static zx_status_t decide(const chain* c, const entry* e, const vs_op* op) {
  const bool io = VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO;
  const uint8_t access_size = op->bytes[0];
  if (e == NULL) return ZX_ERR_BAD_HANDLE;
  if (e->vcpu == 0) return ZX_ERR_WRONG_TYPE;
  if ((e->rights & ZX_RIGHT_WRITE) == 0) return ZX_ERR_ACCESS_DENIED;
  if (VS_OP_ARG(op, vcpu_write_state, kind).number > ZX_VCPU_IO) return ZX_ERR_INVALID_ARGS;
  const uint64_t exact = io ? sizeof(zx_vcpu_io_t) : VS_BENCH_BYTES;
  if (VS_OP_ARG(op, vcpu_write_state, buffer_size).number != exact) return ZX_ERR_INVALID_ARGS;
  if (VS_OP_ARG(op, vcpu_write_state, buffer).at >= VS_AT_NULL) return ZX_ERR_INVALID_ARGS;
  if (op->thread != c->creators[e->vcpu - 1]) return ZX_ERR_BAD_STATE;
  if (io && access_size != 1 && access_size != 2 && access_size != 4) return ZX_ERR_INVALID_ARGS;
  return ZX_OK;
}

static bool write_state(chain* c, const entry* e, const vs_op* op, const vs_observation* seen) {
  const zx_status_t status = decide(c, e, op);
  if (e == NULL || status != ZX_OK || seen->status != ZX_OK) return status == seen->status;
  uint64_t* words = c->words[e->vcpu - 1];
  if (VS_OP_ARG(op, vcpu_write_state, kind).number == ZX_VCPU_IO) {
    memcpy(words, op->bytes + offsetof(zx_vcpu_io_t, data), op->bytes[0]);
    return true;
  }
  const uint64_t before = words[FLAGS_WORD];
  memcpy(words, op->bytes, VS_BENCH_BYTES);
  words[FLAGS_WORD] = words[FLAGS_WORD] & FLAGS_GATE ? words[FLAGS_WORD] & FLAGS : before;
  return true;
}

static void put_handle(chain* c, const entry* from, const vs_op* op, const vs_observation* seen) {
  entry made = {.value = seen->handle, .rights = ZX_DEFAULT_VCPU_RIGHTS, .open = true};
  if (op->code == VS_CALL_vcpu_create) {
    c->creators[c->vcpus] = op->thread;
    made.vcpu = ++c->vcpus;
  } else if (from != NULL) {  // of a duplicate, or what replaces a handle
    made.vcpu = from->vcpu;
    const zx_rights_t asked = (zx_rights_t)VS_OP_ARG(op, handle_duplicate, rights).number;
    made.rights = asked == ZX_RIGHT_SAME_RIGHTS ? from->rights : asked;
  } else if (op->code == VS_CALL_guest_create) {
    c->entries[vs_op_out(op, 1)->slot] = (entry){.value = seen->handle2, .open = true};
  }
  c->entries[vs_op_out(op, 0)->slot] = made;
}

static bool step(chain* c, const vs_op* op, const vs_observation* seen) {
  const bool named = vs_ops[op->code].params[0].type == VS_PARAM_HANDLE;
  entry* e = named ? find(c, &op->args[0]) : NULL;
  if (op->code == VS_CALL_vcpu_write_state) return write_state(c, e, op, seen);
  if (seen->status != ZX_OK) return false;
  if (op->code == VS_CALL_vcpu_read_state) {
    return e && e->vcpu && memcmp(seen->state, c->words[e->vcpu - 1], VS_BENCH_BYTES) == 0;
  }
  const bool ends = op->code == VS_CALL_handle_close || op->code == VS_CALL_handle_replace;
  if (e == NULL && (ends || op->code == VS_CALL_handle_duplicate)) return false;
  if (op->code == VS_CALL_vcpu_create && c->vcpus == VCPUS) return false;
  if (ends) e->open = false;
  if (vs_op_out(op, 0) != NULL) put_handle(c, e, op, seen);
  return true;
}

// --- the side ---------------------------------------------------------------------------------

static void close_chain(void* self) {
  vs_recorded_free(self);
  free(self);
}

static void* open_chain(const vs_side_setup* setup, char* reason) {
  vs_recorded* recorded = calloc(1, sizeof *recorded);
  if (recorded == NULL) return NULL;
  if (vs_record(recorded, setup->backend, reason)) return recorded;
  close_chain(recorded);
  return NULL;
}

static bool follow_one(const vs_recorded* recorded, size_t at, size_t length) {
  chain c = {0};
  for (size_t i = at; i < at + length; i++) {
    if (!step(&c, &recorded->ops[i], &recorded->observations[i])) return false;
  }
  return true;
}

static uint64_t turn_chain(void* self, uint64_t count) {
  const vs_recorded* recorded = self;
  uint64_t done = 0;
  while (done < count) {
    size_t at = 0;
    for (size_t i = 0; i < recorded->count; i++) {
      if (!follow_one(recorded, at, recorded->lengths[i])) return 0;
      at += recorded->lengths[i];
    }
    done += at;
  }
  return done;
}

const vs_side vs_side_if_chain = {open_chain, turn_chain, close_chain};
