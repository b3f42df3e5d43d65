// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
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
  const char* names[VS_NO_OTHER_RESOURCE + 1];
  for (unsigned i = 0; i <= VS_NO_OTHER_RESOURCE; i++) {
    names[i] = i == VS_NO_CALL ? "none" : vs_call_name(i);
    if (strcmp(text, names[i]) != 0) continue;
    *call = (uint8_t)i;
    return true;
  }
  return vs_wants(p, "of= and a documented call, other_resource or none", names,
                  VS_NO_OTHER_RESOURCE + 1);
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

typedef struct field {
  const char* name;
  size_t offset;  // in vs_observation
  uint8_t width;  // bytes
  bool packet;
} field;

#define AT(member) offsetof(vs_observation, member), sizeof(((vs_observation*)0)->member)

static const field fields[] = {
    {"handle=", AT(handle), false},
    {"handle2=", AT(handle2), false},
    {"number=", AT(number), false},
    {"packet=", AT(packet.type), true},
    {"key=", AT(packet.key), true},
    {"addr=", AT(packet.guest_mem_arm64.addr), true},
    {"port=", AT(packet.guest_io.port), true},
    {"access=", AT(packet.guest_io.access_size), true},
    {"input=", AT(packet.guest_io.input), true},
    {"data=", AT(packet.guest_io.u32), true},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

// The pointer parameter of the call that is called so; VS_ARGS_MAX: there is none.
static uint8_t pointer_named(uint8_t call, const char* name, size_t length) {
  uint8_t i = 0;
  for (; call < VS_CALL_COUNT && i < VS_ARGS_MAX; i++) {
    const vs_param* param = &vs_ops[call].params[i];
    if (!vs_param_is_pointer(param->type)) continue;
    if (strlen(param->name) == length && strncmp(param->name, name, length) == 0) return i;
  }
  return VS_ARGS_MAX;
}

// changed=NAME:FROM..TO. A join has the answer of the call that was started: of=CALL comes first.
static bool read_change(vs_parse* p, const vs_op* op, vs_observation* seen) {
  const char* text = vs_peek(p) + strlen("changed=");
  size_t length = strcspn(text, ":");
  int from = 0;
  int to = 0;
  int used = 0;
  const uint8_t i = pointer_named(op->code < VS_CALL_COUNT ? op->code : seen->call, text, length);
  if (i == VS_ARGS_MAX) return vs_wants_within(p, 8, "a pointer argument of the call");
  bool read = sscanf(text + length, ":%6d..%6d%n", &from, &to, &used) == 2 &&
              text[length + (size_t)used] == '\0';
  bool good = read && from < to && from >= INT16_MIN && to <= INT16_MAX;
  if (!good) return vs_wants_within(p, 8 + length, "':FROM..TO', two numbers of bytes");
  if (seen->change_count == VS_CHANGES_MAX) return vs_wants(p, "at most 6 changes", NULL, 0);
  seen->changes[seen->change_count++] = (vs_change){i, (int16_t)from, (int16_t)to};
  return true;
}

static bool read_packet_status(vs_parse* p, const char* text, vs_observation* seen) {
  char* end;
  long value = strtol(text, &end, 10);
  bool good = text[0] != '\0' && *end == '\0' && value >= INT32_MIN && value <= INT32_MAX;
  if (!good) return vs_wants(p, "status= and a number of 32 bits", NULL, 0);
  seen->packet.status = (zx_status_t)value;
  return true;
}

static bool read_field(vs_parse* p, const vs_op* op, vs_observation* seen) {
  const char* word = vs_peek(p);
  const char* names[FIELDS];
  size_t count;
  uint64_t value;
  if (strncmp(word, "of=", 3) == 0) return read_call(p, word + 3, &seen->call);
  if (strncmp(word, "changed=", 8) == 0) return read_change(p, op, seen);
  if (strncmp(word, "status=", 7) == 0) return read_packet_status(p, word + 7, seen);
  if (strncmp(word, "payload=", 8) == 0)
    return vs_read_bytes(p, word + 8, seen->packet.bytes, sizeof seen->packet.bytes, &count);
  for (size_t i = 0; i < FIELDS; i++) {
    names[i] = fields[i].name;
    size_t length = strlen(names[i]);
    if (strncmp(word, names[i], length) != 0) continue;
    uint64_t most = fields[i].width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * fields[i].width) - 1;
    if (!vs_read_number(p, word + length, most, &value)) return false;
    memcpy((uint8_t*)seen + fields[i].offset, &value, fields[i].width);
    seen->has_packet |= fields[i].packet;
    return true;
  }
  return vs_wants(p, "what was observed", names, FIELDS);
}

static bool read_details(vs_parse* p, const vs_op* op, vs_observation* seen) {
  while (p->next < p->line->count) {
    if (vs_accept(p, "state")) {
      seen->has_state = true;
      return read_state(p, seen);
    }
    if (vs_accept(p, "held")) {
      seen->held = true;
    } else {
      if (!read_field(p, op, seen)) return false;
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
  if (given && vs_op_out(op, 0) != NULL && !has_field(p, "handle="))
    return vs_line_fault(p->line, p->line->count, p->fault, "expected handle=");
  if (given && vs_op_out(op, 1) != NULL && !has_field(p, "handle2="))
    return vs_line_fault(p->line, p->line->count, p->fault, "expected handle2=");
  return read_details(p, op, seen);
}
