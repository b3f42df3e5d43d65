// SPDX-License-Identifier: BSD-3-Clause
#include "calls.h"

#include <string.h>

#include "tables.h"

const char* vs_call_name(vs_call_index call) {
  if (call == VS_NO_OTHER_RESOURCE) return "other_resource";
  return call < VS_CALL_COUNT ? vs_ops[call].symbol : "no call";
}

vs_call_index vs_call_find(const char* word) {
  for (unsigned call = 0; call < VS_CALL_COUNT; call++) {
    const char* symbol = vs_ops[call].symbol;
    bool same = strcmp(word, vs_ops[call].name) == 0 || strcmp(word, symbol) == 0 ||
                strcmp(word, symbol + strlen("zx_")) == 0;
    if (same) return (vs_call_index)call;
  }
  return VS_NO_CALL;
}

uint8_t vs_call_of(const vs_op* op) {
  if (op->code < VS_CALL_COUNT) return op->code;
  if (op->code == VS_OP_guest_load) return VS_CALL_vmar_map;
  return op->code == VS_OP_await_guest ? VS_CALL_vmo_read : VS_NO_CALL;
}

bool vs_op_makes_handle(const vs_op* op) {
  return vs_op_out(op, 0) != NULL;
}

size_t vs_fixed_length(uint8_t type) {
  switch (type) {
    case VS_PARAM_OUT_HANDLE:
      return sizeof(zx_handle_t);
    case VS_PARAM_IN_PACKET:
    case VS_PARAM_OUT_PACKET:
      return sizeof(zx_port_packet_t);
    case VS_PARAM_OUT_U64:
      return sizeof(uint64_t);
    default:
      return 0;
  }
}
