// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "names.h"
#include "read.h"

static bool read_status(vs_parse* p, zx_status_t* status) {
  const char* word = vs_peek(p);
  const char* names[64];
  size_t count = 0;
  if (vs_status_find(word, status)) {
    p->next++;
    return true;
  }
  char* end;
  long value = strtol(word, &end, 10);
  if (word[0] != '\0' && *end == '\0' && value >= INT32_MIN && value <= INT32_MAX) {
    *status = (zx_status_t)value;
    p->next++;
    return true;
  }
  while (count < 64 && vs_status_name_at(count) != NULL) {
    names[count] = vs_status_name_at(count);
    count++;
  }
  return vs_wants(p, "a status, or started, no_return, unsupported", names, count);
}

static bool read_call(vs_parse* p, const char* text, uint8_t* call) {
  const char* names[VS_CALL_COUNT + 1];
  for (unsigned i = 0; i <= VS_CALL_COUNT; i++) {
    names[i] = i < VS_CALL_COUNT ? vs_call_name(i) : "none";
    if (strcmp(text, names[i]) != 0) continue;
    *call = (uint8_t)i;
    return true;
  }
  return vs_wants(p, "of= and a documented call, or none", names, VS_CALL_COUNT + 1);
}

static bool read_state(vs_parse* p, vs_observation* seen) {
  const vs_arch_info* info = p->scope.info;
  while (p->next < p->line->count) {
    const char* word = vs_peek(p);
    const char* value = strchr(word, '=');
    uint64_t number;
    size_t count;
    if (value == NULL) return vs_wants(p, "REGISTER=VALUE", NULL, 0);
    if (strncmp(word, "bytes=", 6) == 0) {
      if (!vs_read_bytes(p, value + 1, seen->state, VS_STATE_MAX, &count)) return false;
      p->next++;
      continue;
    }
    size_t index = vs_register_named(info, word, (size_t)(value - word));
    if (index == info->register_count) return vs_wants(p, "a register", NULL, 0);
    uint64_t most = info->registers[index].width == 32 ? UINT32_MAX : UINT64_MAX;
    if (!vs_read_number(p, value + 1, most, &number)) return false;
    vs_put_register(seen->state, info, index, number);
    p->next++;
  }
  return true;
}

// --- NAME=NUMBER ------------------------------------------------------------------------------

typedef enum field {
  FIELD_HANDLE,
  FIELD_HANDLE2,
  FIELD_PACKET,
  FIELD_ADDR,
  FIELD_PORT,
  FIELD_ACCESS,
  FIELD_INPUT,
  FIELD_DATA,
  FIELD_COUNT
} field;

static const struct {
  const char* name;
  uint64_t most;
} fields[FIELD_COUNT] = {
    [FIELD_HANDLE] = {"handle=", UINT32_MAX}, [FIELD_HANDLE2] = {"handle2=", UINT32_MAX},
    [FIELD_PACKET] = {"packet=", UINT32_MAX}, [FIELD_ADDR] = {"addr=", UINT64_MAX},
    [FIELD_PORT] = {"port=", UINT16_MAX},     [FIELD_ACCESS] = {"access=", UINT8_MAX},
    [FIELD_INPUT] = {"input=", UINT8_MAX},    [FIELD_DATA] = {"data=", UINT32_MAX},
};

static void set_field(vs_observation* seen, field f, uint64_t value) {
  switch (f) {
    case FIELD_HANDLE:
      seen->handle = (zx_handle_t)value;
      return;
    case FIELD_HANDLE2:
      seen->handle2 = (zx_handle_t)value;
      return;
    case FIELD_PACKET:
      seen->has_packet = true;
      seen->packet.type = (uint32_t)value;
      return;
    case FIELD_ADDR:
      seen->packet.guest_mem_arm64.addr = value;
      return;
    case FIELD_PORT:
      seen->packet.guest_io.port = (uint16_t)value;
      return;
    case FIELD_ACCESS:
      seen->packet.guest_io.access_size = (uint8_t)value;
      return;
    case FIELD_INPUT:
      seen->packet.guest_io.input = (uint8_t)value;
      return;
    default:
      seen->packet.guest_io.u32 = (uint32_t)value;
  }
}

static bool read_field(vs_parse* p, vs_observation* seen) {
  const char* word = vs_peek(p);
  const char* names[FIELD_COUNT];
  size_t count;
  uint64_t value;
  if (strncmp(word, "of=", 3) == 0) return read_call(p, word + 3, &seen->call);
  if (strncmp(word, "io=", 3) == 0)
    return vs_read_bytes(p, word + 3, (uint8_t*)&seen->packet.guest_io, sizeof seen->packet.guest_io, &count);
  for (field f = 0; f < FIELD_COUNT; f++) {
    names[f] = fields[f].name;
    size_t length = strlen(names[f]);
    if (strncmp(word, names[f], length) != 0) continue;
    if (!vs_read_number(p, word + length, fields[f].most, &value)) return false;
    set_field(seen, f, value);
    return true;
  }
  return vs_wants(p, "what was observed", names, FIELD_COUNT);
}

static bool read_details(vs_parse* p, vs_observation* seen) {
  while (p->next < p->line->count) {
    if (vs_accept(p, "state")) {
      seen->has_state = true;
      return read_state(p, seen);
    }
    if (vs_accept(p, "buffer_changed")) {
      seen->buffer_changed = true;
    } else if (vs_accept(p, "held")) {
      seen->held = true;
    } else {
      if (!read_field(p, seen)) return false;
      p->next++;
    }
  }
  return true;
}

static bool has_field(const vs_parse* p, const char* name) {
  for (size_t i = p->next; i < p->line->count; i++) {
    if (strncmp(p->line->words[i].text, name, strlen(name)) == 0) return true;
  }
  return false;
}

bool vs_read_result(vs_parse* p, const vs_op* op, vs_observation* seen) {
  *seen = (vs_observation){.outcome = VS_RETURNED, .call = vs_call_of(op)};
  if (vs_accept(p, "started")) {
    seen->outcome = VS_STARTED;
  } else if (vs_accept(p, "no_return")) {
    seen->outcome = VS_IN_CALL;
  } else if (vs_accept(p, "unsupported")) {
    seen->outcome = VS_UNSUPPORTED;
  } else if (!read_status(p, &seen->status)) {
    return false;
  }
  bool given = seen->outcome == VS_RETURNED && seen->status == ZX_OK;
  if (given && vs_op_makes_handle(op) && !has_field(p, "handle="))
    return vs_line_fault(p->line, p->line->count, p->fault, "expected handle=");
  if (given && op->code == VS_CALL_guest_create && !has_field(p, "handle2="))
    return vs_line_fault(p->line, p->line->count, p->fault, "expected handle2=");
  return read_details(p, seen);
}
