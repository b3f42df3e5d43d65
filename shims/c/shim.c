// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around an implementation that this program is linked with: whatever it
// exports of the documented symbols. Needs the ABI's headers, and a platform.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcpuspec/backend.h>

#include "platform.h"

enum {
  LINE = 8192,
  WORDS = 16,
  SLOTS = 16,
  STATE_MOST = 264,
  FILLER = 0x5a,
  IMAGE_MOST = 1 << 20,
  LOST = 4096,
  NAMES = 32,
  TRAPS = 16
};

// Whoever is not linked is NULL.
#pragma weak zx_guest_create
#pragma weak zx_guest_set_trap
#pragma weak zx_vcpu_create
#pragma weak zx_vcpu_enter
#pragma weak zx_vcpu_kick
#pragma weak zx_vcpu_interrupt
#pragma weak zx_vcpu_read_state
#pragma weak zx_vcpu_write_state
#pragma weak zx_handle_close
#pragma weak zx_handle_duplicate
#pragma weak zx_handle_replace
#pragma weak zx_event_create
#pragma weak zx_port_create
#pragma weak zx_vmo_create
#pragma weak zx_vmo_read
#pragma weak zx_vmo_write
#pragma weak zx_vmar_map
extern const vs_plugin vcpuspec_plugin;
#pragma weak vcpuspec_plugin

typedef struct guest {
  zx_handle_t memory;
} guest;

typedef struct slot {
  zx_handle_t value;
  bool open;
  guest* of;  // of a guest, its memory and its vCPUs
} slot;

// An operation, cut into words, and what comes of it.
typedef struct request {
  char line[LINE];
  char* words[WORDS];
  size_t count;
  size_t at;  // the next word
  unsigned thread;
  bool start;
  bool handled;
  char reply[LINE];
  size_t length;
} request;

// What is trapped, and why a guest leaves.
typedef struct trap {
  uint32_t kind;
  uint64_t address;
  uint64_t size;
} trap;

typedef struct program {
  char name[16];
  uint64_t entry;
} program;

static struct {
  vs_arch arch;
  size_t state_size;
  zx_handle_t resource;
  bool sums;
  slot slots[SLOTS];
  zx_handle_t lost[LOST];  // open, of slots that were filled anew
  size_t lost_count;
  guest guests[SLOTS];
  request started[THREADS];
  bool busy[THREADS];
  // How guests' memory is laid out, as the other side described it.
  uint8_t* image;
  uint64_t image_size;
  uint64_t code_base;
  uint64_t code_step;
  uint64_t dump;
  uint64_t dump_exit;
  bool dump_by_port;
  uint64_t life;
  trap traps[TRAPS];
  size_t trap_count;
  program programs[NAMES];
  size_t program_count;
} shim;

// --- replies ----------------------------------------------------------------------------------

static void say(request* r, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(r->reply + r->length, sizeof r->reply - r->length, format, arguments);
  va_end(arguments);
  if (length > 0) r->length += (size_t)length;
  if (r->length >= sizeof r->reply) r->length = sizeof r->reply - 1;
}

static void say_bytes(request* r, const uint8_t* bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count && r->length + 2 < sizeof r->reply; i++) {
    r->reply[r->length++] = digits[bytes[i] >> 4];
    r->reply[r->length++] = digits[bytes[i] & 15];
  }
  r->reply[r->length] = '\0';
}

static void say_state(request* r, const uint8_t* state) {
  say(r, " state bytes=");
  say_bytes(r, state, shim.state_size);
}

// "= -20": names are for people.
static void say_status(request* r, zx_status_t status) {
  r->length = 0;
  if (status == ZX_OK) {
    say(r, "= ZX_OK");
  } else {
    say(r, "= %" PRId32, status);
  }
}

static void say_error(request* r, const char* why) {
  r->length = 0;
  say(r, "= error %s", why);
}

static void say_lacks(request* r, const char* call) {
  r->length = 0;
  say(r, call ? "= unsupported of=%s" : "= unsupported", call);
}

// --- words ------------------------------------------------------------------------------------

static const char* next_word(request* r) {
  return r->at < r->count ? r->words[r->at++] : "";
}

static bool is(const char* a, const char* b) {
  return strcmp(a, b) == 0;
}

static const char* after(const char* word, const char* prefix) {
  size_t length = strlen(prefix);
  return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

static bool number(const char* text, uint64_t* value) {
  char* end;
  if (text[0] < '0' || text[0] > '9') return false;
  *value = strtoull(text, &end, 0);
  return *end == '\0';
}

static int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool bytes_of(const char* hex, uint8_t* bytes, size_t room, size_t* count) {
  for (*count = 0; hex[2 * *count] != '\0'; ++*count) {
    int high = nibble(hex[2 * *count]);
    int low = high < 0 ? -1 : nibble(hex[2 * *count + 1]);
    if (low < 0 || *count == room) return false;
    bytes[*count] = (uint8_t)(high << 4 | low);
  }
  return true;
}

// "h7" and what follows.
static slot* slot_of(const char* word, const char** rest) {
  char* end;
  if (word[0] != 'h' || word[1] < '0' || word[1] > '9') return NULL;
  unsigned long index = strtoul(word + 1, &end, 10);
  if (rest != NULL) *rest = end;
  if (index >= SLOTS || (rest == NULL && *end != '\0')) return NULL;
  return &shim.slots[index];
}

// The value that a handle argument stands for; `*named` is the slot.
static bool handle_of(const char* word, zx_handle_t* value, slot** named) {
  const char* rest;
  uint64_t bits = 0;
  const char* raw = after(word, "raw=");
  *named = NULL;
  if (raw != NULL) {
    bool good = number(raw, &bits);
    *value = (zx_handle_t)bits;
    return good;
  }
  *named = slot_of(word, &rest);
  if (*named == NULL) return false;
  *value = (*named)->value;
  if (*rest == '\0') return true;
  bool cleared = after(rest, "&~") != NULL;
  if (!cleared && *rest != '^') return false;
  if (!number(rest + (cleared ? 2 : 1), &bits)) return false;
  *value = cleared ? *value & ~(zx_handle_t)bits : *value ^ (zx_handle_t)bits;
  if (!cleared && *value == shim.resource) *value ^= UINT32_C(1) << 30;
  return true;
}

// --- operations -------------------------------------------------------------------------------

static void received(request* r, slot* into, zx_status_t status, zx_handle_t value, guest* of) {
  say_status(r, status);
  if (status != ZX_OK) return;
  if (into->open && shim.lost_count < LOST) shim.lost[shim.lost_count++] = into->value;
  *into = (slot){value, true, of};
  say(r, " handle=0x%" PRIx32, value);
}

static void closed(zx_handle_t value) {
  for (size_t i = 0; i < SLOTS; i++) {
    if (shim.slots[i].value == value) shim.slots[i].open = false;
  }
}

static guest* new_guest(void) {
  for (size_t i = 0; i < SLOTS; i++) {
    bool taken = false;
    for (size_t k = 0; k < SLOTS; k++) taken |= shim.slots[k].of == &shim.guests[i];
    if (!taken) return &shim.guests[i];
  }
  return &shim.guests[0];
}

static void do_guest_create(request* r, slot* into, slot* region) {
  zx_handle_t out = ZX_HANDLE_INVALID;
  zx_handle_t vmar = ZX_HANDLE_INVALID;
  zx_status_t status = zx_guest_create(shim.resource, ZX_GUEST_OPT_NORMAL, &out, &vmar);
  guest* of = new_guest();
  if (status == ZX_OK) of->memory = ZX_HANDLE_INVALID;
  received(r, into, status, out, of);
  if (status != ZX_OK) return;
  *region = (slot){vmar, true, of};
  say(r, " handle2=0x%" PRIx32, vmar);
}

static zx_status_t set_traps(zx_handle_t of, const char** call) {
  zx_status_t status = ZX_OK;
  *call = "zx_guest_set_trap";
  for (size_t i = 0; i < shim.trap_count && status == ZX_OK; i++) {
    const trap* t = &shim.traps[i];
    status = zx_guest_set_trap(of, t->kind, t->address, t->size, ZX_HANDLE_INVALID, t->address);
  }
  return status;
}

static zx_status_t load(zx_handle_t of, zx_handle_t region, zx_handle_t* memory,
                        const char** call) {
  const zx_vm_option_t options =
      ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE | ZX_VM_SPECIFIC;
  zx_vaddr_t mapped = 0;
  *call = "zx_vmo_create";
  zx_status_t status = zx_vmo_create(shim.image_size, 0, memory);
  if (status != ZX_OK) return status;
  *call = "zx_vmo_write";
  status = zx_vmo_write(*memory, shim.image, 0, shim.image_size);
  if (status != ZX_OK) return status;
  *call = "zx_vmar_map";
  status = zx_vmar_map(region, options, 0, *memory, 0, shim.image_size, &mapped);
  return status == ZX_OK ? set_traps(of, call) : status;
}

static void do_guest_load(request* r, slot* into) {
  const char* call = NULL;
  zx_handle_t of;
  slot* named;
  bool good = handle_of(next_word(r), &of, &named) && named != NULL && named->of != NULL;
  slot* region = slot_of(next_word(r), NULL);
  if (!good || region == NULL) return say_error(r, "guest_load: a guest and a slot are expected");
  if (shim.image == NULL) return say_lacks(r, "zx_vmar_map");
  zx_handle_t memory = ZX_HANDLE_INVALID;
  zx_status_t status = load(of, region->value, &memory, &call);
  named->of->memory = memory;
  received(r, into, status, memory, named->of);
  if (status == ZX_OK) {
    into->open = false;  // closed with the guest's record
  } else {
    say(r, " of=%s", call);
  }
}

static bool entry_of(const char* name, uint64_t* entry) {
  for (size_t i = 0; i < shim.program_count; i++) {
    *entry = shim.programs[i].entry;
    if (is(shim.programs[i].name, name)) return true;
  }
  *entry = 0;
  return shim.program_count == 0;  // without guests an entry is any number
}

static void do_vcpu_create(request* r, slot* into) {
  zx_handle_t of;
  slot* named;
  uint64_t entry = shim.code_base + shim.code_step * (uint64_t)(into - shim.slots);
  zx_handle_t out = ZX_HANDLE_INVALID;
  uint8_t bytes[STATE_MOST];
  size_t count;
  if (!handle_of(next_word(r), &of, &named)) return say_error(r, "a handle is expected");
  const char* what = next_word(r);
  const char* code = after(what, "code=");
  guest* owner = named ? named->of : NULL;
  if (code != NULL) {
    if (!bytes_of(code, bytes, sizeof bytes, &count)) return say_error(r, "code= is no code");
    if (owner == NULL || owner->memory == ZX_HANDLE_INVALID) return say_lacks(r, "zx_vmar_map");
    zx_status_t status = zx_vmo_write(owner->memory, bytes, entry, count);
    if (status != ZX_OK) return received(r, into, status, out, owner);
  } else if (!entry_of(what, &entry)) {
    return say_lacks(r, "zx_guest_set_trap");
  }
  zx_status_t status = zx_vcpu_create(of, 0, entry, &out);
  received(r, into, status, out, owner);
}

static void do_derive(request* r, slot* into, bool replace) {
  zx_handle_t from;
  slot* named;
  uint64_t rights;
  zx_handle_t out = ZX_HANDLE_INVALID;
  bool good = handle_of(next_word(r), &from, &named);
  if (!good || !number(next_word(r), &rights)) return say_error(r, "a handle and rights, please");
  guest* of = named ? named->of : NULL;
  zx_status_t status = replace ? zx_handle_replace(from, (zx_rights_t)rights, &out)
                               : zx_handle_duplicate(from, (zx_rights_t)rights, &out);
  if (replace) closed(from);
  received(r, into, status, out, of);
}

// --- write_state ------------------------------------------------------------------------------

enum { HAS_KIND = 1, HAS_SIZE = 2, HAS_LENGTH = 4, HAS_PLACE = 8, HAS_ALL = 15 };

typedef struct write {
  unsigned has;  // which of the attributes that every write has
  zx_handle_t handle;
  uint64_t kind;
  uint64_t size;
  uint64_t length;
  char place[24];
  uint64_t argument;
  uint8_t data[BUFFER_MOST];
  uint64_t flip_at;
  uint8_t flip[8];
  size_t flip_length;
  laid where;
  zx_status_t status;
} write;

static void call_write(void* argument) {
  write* w = argument;
  w->status =
      zx_vcpu_write_state(w->handle, (uint32_t)w->kind, w->where.address, (size_t)w->size);
}

static bool read_place(write* w, const char* text) {
  size_t length = strcspn(text, ":");
  if (length >= sizeof w->place) return false;
  memcpy(w->place, text, length);
  w->place[length] = '\0';
  return text[length] == '\0' || number(text + length + 1, &w->argument);
}

static bool read_flip(write* w, char* text) {
  char* colon = strchr(text, ':');
  if (colon == NULL) return false;
  *colon = '\0';
  return number(text, &w->flip_at) &&
         bytes_of(colon + 1, w->flip, sizeof w->flip, &w->flip_length) &&
         w->flip_at + w->flip_length <= w->length;
}

static bool read_attribute(write* w, char* word) {
  char* value = strchr(word, '=');
  size_t count;
  if (value == NULL) return false;
  *value++ = '\0';
  if (is(word, "kind")) w->has |= HAS_KIND;
  if (is(word, "size")) w->has |= HAS_SIZE;
  if (is(word, "length")) w->has |= HAS_LENGTH;
  if (is(word, "at")) w->has |= HAS_PLACE;
  if (is(word, "kind")) return number(value, &w->kind) && w->kind <= UINT32_MAX;
  if (is(word, "size")) return number(value, &w->size);
  if (is(word, "length")) return number(value, &w->length) && w->length <= BUFFER_MOST;
  if (is(word, "at")) return read_place(w, value);
  if (is(word, "bytes")) return bytes_of(value, w->data, STATE_MOST, &count) && count <= w->length;
  if (is(word, "flip")) return read_flip(w, value);
  return false;
}

static bool is_all(const uint8_t* at, size_t count, uint8_t value) {
  for (size_t i = 0; i < count; i++) {
    if (at[i] != value) return false;
  }
  return true;
}

// Whether the buffer, or the pattern beside it, is not what it was.
static bool has_changed(const write* w) {
  const laid* where = &w->where;
  if (where->contents == NULL) return false;
  for (size_t i = 0; i < w->length; i++) {
    size_t k = i - w->flip_at;
    bool flipped = i >= w->flip_at && k < w->flip_length && where->contents[i] == w->flip[k];
    if (where->contents[i] != w->data[i] && !flipped) return true;
  }
  return !is_all(where->contents - where->before, where->before, PATTERN) ||
         !is_all(where->contents + w->length, where->after, PATTERN);
}

static void do_write(request* r) {
  slot* named;
  write w = {0};
  memset(w.data, FILLER, sizeof w.data);
  if (!handle_of(next_word(r), &w.handle, &named)) return say_error(r, "a handle is expected");
  while (r->at < r->count) {
    if (!read_attribute(&w, r->words[r->at])) return say_error(r, "an attribute is not understood");
    r->at++;
  }
  if (w.has != HAS_ALL) return say_error(r, "kind, size, length and at are expected");
  const buffer what = {w.place, w.argument, w.data, (size_t)w.length};
  if (!platform_place(r->thread, &what, &w.where)) return say_lacks(r, NULL);
  if (w.flip_length > 0) {
    uint8_t* at = w.where.contents + w.flip_at;
    if (w.where.contents == NULL ||
        !platform_flip(at, w.flip, w.data + w.flip_at, w.flip_length, call_write, &w)) {
      return say_lacks(r, NULL);
    }
  } else {
    call_write(&w);
  }
  say_status(r, w.status);
  if (has_changed(&w)) say(r, " buffer_changed");
}

// --- the rest ---------------------------------------------------------------------------------

static void do_read(request* r, zx_handle_t handle) {
  // Up to the end of what there is, so that a byte too many shows.
  uint8_t zeros[STATE_MOST] = {0};
  const buffer what = {"edge", 0, zeros, shim.state_size};
  const buffer plain = {"plain", 0, zeros, shim.state_size};
  laid where;
  bool placed = platform_place(r->thread, &what, &where);
  if (!placed && !platform_place(r->thread, &plain, &where)) {
    return say_lacks(r, NULL);
  }
  zx_status_t status = zx_vcpu_read_state(handle, ZX_VCPU_STATE, where.address, shim.state_size);
  say_status(r, status);
  if (status == ZX_OK) say_state(r, where.contents);
}

static bool has_dumped(const zx_port_packet_t* packet) {
  if (shim.dump_by_port) {
    return packet->type == ZX_PKT_TYPE_GUEST_IO && packet->guest_io.port == shim.dump_exit;
  }
  return packet->type == ZX_PKT_TYPE_GUEST_MEM && packet->guest_mem_arm64.addr == shim.dump_exit;
}

static void do_enter(request* r, zx_handle_t handle, const slot* named) {
  zx_port_packet_t packet;
  uint8_t state[STATE_MOST];
  memset(&packet, 0xa5, sizeof packet);
  zx_status_t status = zx_vcpu_enter(handle, &packet);
  say_status(r, status);
  if (status != ZX_OK) return;
  say(r, " packet=%" PRIu32, packet.type);
  if (packet.type == ZX_PKT_TYPE_GUEST_IO) {
    say(r, " io=");
    say_bytes(r, (const uint8_t*)&packet.guest_io, sizeof packet.guest_io);
  }
  if (packet.type == ZX_PKT_TYPE_GUEST_MEM) {
    say(r, " addr=0x%" PRIx64, packet.guest_mem_arm64.addr);
  }
  const guest* of = named ? named->of : NULL;
  if (of == NULL || !has_dumped(&packet)) return;
  if (zx_vmo_read(of->memory, state, shim.dump, shim.state_size) == ZX_OK) say_state(r, state);
}

static void do_await(request* r, const slot* named) {
  enum { TRIES = 1000 };
  uint8_t life = 0;
  const guest* of = named ? named->of : NULL;
  if (of == NULL || shim.image == NULL) return say_lacks(r, "zx_vmo_read");
  for (int i = 0; i < TRIES; i++) {
    if (zx_vmo_read(of->memory, &life, shim.life, 1) != ZX_OK) break;
    if (life != shim.image[shim.life]) return say_status(r, ZX_OK);
    platform_pause();
  }
  say_status(r, ZX_ERR_TIMED_OUT);
}

static void do_on_handle(request* r, const char* what) {
  zx_handle_t handle;
  slot* named;
  uint64_t vector = 0;
  if (!handle_of(next_word(r), &handle, &named)) return say_error(r, "a handle is expected");
  if (is(what, "read_state")) return do_read(r, handle);
  if (is(what, "enter")) return do_enter(r, handle, named);
  if (is(what, "await_guest")) return do_await(r, named);
  if (is(what, "kick")) return say_status(r, zx_vcpu_kick(handle));
  if (is(what, "interrupt")) {
    if (!number(next_word(r), &vector)) return say_error(r, "a vector is expected");
    return say_status(r, zx_vcpu_interrupt(handle, (uint32_t)vector));
  }
  zx_status_t status = zx_handle_close(handle);
  if (status == ZX_OK) closed(handle);
  say_status(r, status);
}

static void do_make(request* r, slot* into, slot* second) {
  const char* what = next_word(r);
  zx_handle_t out = ZX_HANDLE_INVALID;
  zx_status_t status = ZX_ERR_NOT_SUPPORTED;
  if (second != NULL && !is(what, "guest_create")) return say_error(r, "one slot, please");
  if (is(what, "guest_create")) {
    if (second == NULL) return say_error(r, "guest_create fills two slots");
    return do_guest_create(r, into, second);
  }
  if (is(what, "guest_load")) return do_guest_load(r, into);
  if (is(what, "vcpu_create")) return do_vcpu_create(r, into);
  if (is(what, "duplicate")) return do_derive(r, into, false);
  if (is(what, "replace")) return do_derive(r, into, true);
  if (is(what, "event_create")) {
    status = zx_event_create(0, &out);
  } else if (is(what, "port_create")) {
    status = zx_port_create(0, &out);
  } else if (is(what, "vmo_create")) {
    status = zx_vmo_create(4096, 0, &out);
  } else {
    return say_error(r, "no such operation");
  }
  received(r, into, status, out, NULL);
}

// The call for want of which an operation cannot be done; NULL: none.
static const char* lacks(const char* what) {
  static const char* const calls[] = {
#define VS_CALL(name, word, phase, text, ...) "zx_" #name,
#include <vcpuspec/calls.def>
  };
  const bool there[] = {
#define VS_CALL(name, word, phase, text, ...) zx_##name != NULL,
#include <vcpuspec/calls.def>
  };
  static const char* const prefixes[] = {"zx_", "zx_vcpu_", "zx_handle_"};
  for (size_t i = 0; i < sizeof there; i++) {
    for (size_t k = 0; k < sizeof prefixes / sizeof prefixes[0]; k++) {
      const char* rest = after(calls[i], prefixes[k]);
      if (rest != NULL && is(rest, what)) return there[i] ? NULL : calls[i];
    }
  }
  return NULL;
}

static void do_operation(void* argument) {
  request* r = argument;
  size_t first = r->at;
  slot* into[2] = {NULL, NULL};
  for (size_t i = 0; i < 2; i++) {
    slot* s = r->at < r->count ? slot_of(r->words[r->at], NULL) : NULL;
    if (s == NULL) break;
    into[i] = s;
    r->at++;
  }
  bool makes = into[0] != NULL && r->at < r->count && is(r->words[r->at], "=");
  if (into[0] != NULL && !makes) return say_error(r, "'=' is expected after the slots");
  r->at = makes ? r->at + 1 : first;
  const char* what = r->at < r->count ? r->words[r->at] : "";
  const char* lacking = lacks(what);
  if (lacking != NULL) return say_lacks(r, lacking);
  if (makes) return do_make(r, into[0], into[1]);
  r->at++;
  if (is(what, "write_state")) return do_write(r);
  static const char* const known[] = {"read_state", "enter", "kick", "close", "await_guest",
                                      "interrupt"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (is(what, known[i])) return do_on_handle(r, what);
  }
  say_error(r, "no such operation");
}

// --- threads ----------------------------------------------------------------------------------

static void do_start(request* r) {
  request* kept = &shim.started[r->thread];
  const char* what = r->at < r->count ? r->words[r->at] : "";
  if (r->thread == 0) return say_error(r, "T0 starts nothing: it would wait for itself");
  // Its words move with it.
  memcpy(kept, r, sizeof *r);
  for (size_t i = 0; i < r->count; i++) kept->words[i] = kept->line + (r->words[i] - r->line);
  kept->length = 0;
  if (!platform_start(r->thread, !is(what, "enter"), do_operation, kept)) {
    return say_lacks(r, NULL);
  }
  shim.busy[r->thread] = true;
  say(r, "= started");
}

static void do_join(request* r) {
  if (!shim.busy[r->thread]) return say_error(r, "nothing was started on that thread");
  platform_join(r->thread);
  shim.busy[r->thread] = false;
  say(r, "%s", shim.started[r->thread].reply);
}

static void kick_started(unsigned thread) {
  request* r = &shim.started[thread];
  zx_handle_t handle;
  slot* named;
  for (size_t i = 0; i + 1 < r->count; i++) {
    if (!is(r->words[i], "enter") || !handle_of(r->words[i + 1], &handle, &named)) continue;
    if (zx_vcpu_kick != NULL) zx_vcpu_kick(handle);
  }
}

static void reset(void) {
  platform_go();
  for (unsigned i = 1; i < THREADS; i++) {
    if (shim.busy[i]) {
      kick_started(i);
      platform_join(i);
    }
    shim.busy[i] = false;
    platform_end_thread(i);
  }
  for (size_t i = SLOTS; i-- > 0;) {
    if (shim.slots[i].open && zx_handle_close != NULL) zx_handle_close(shim.slots[i].value);
    shim.slots[i] = (slot){0};
  }
  while (shim.lost_count > 0) {
    zx_handle_t value = shim.lost[--shim.lost_count];
    if (zx_handle_close != NULL) zx_handle_close(value);
  }
  for (size_t i = 0; i < SLOTS; i++) {
    bool memory = shim.guests[i].memory != ZX_HANDLE_INVALID;
    if (memory && zx_handle_close != NULL) zx_handle_close(shim.guests[i].memory);
    shim.guests[i] = (guest){0};
  }
}

static void do_line(request* r) {
  const char* word = r->at < r->count ? r->words[r->at] : "";
  if (is(word, "reset") && r->at + 1 == r->count) {
    reset();
    return say_status(r, ZX_OK);
  }
  bool thread = word[0] == 'T' && word[1] >= '0' && word[1] < '0' + THREADS && is(word + 2, ":");
  if (!thread) return say_error(r, "a thread, T0: to T3:, is expected");
  r->thread = (unsigned)(word[1] - '0');
  r->at++;
  word = r->at < r->count ? r->words[r->at] : "";
  if (is(word, "join")) {
    platform_go();
    return do_join(r);
  }
  if (shim.busy[r->thread]) return say_error(r, "that thread is within a call: join it first");
  if (is(word, "thread_exit")) {
    platform_end_thread(r->thread);
    return say_status(r, ZX_OK);
  }
  if (is(word, "start")) {
    r->at++;
    return do_start(r);
  }
  platform_go();
  if (!platform_run(r->thread, do_operation, r)) say_lacks(r, NULL);
}

// --- the conversation -------------------------------------------------------------------------

static uint32_t sum_of(const char* bytes, size_t length) {
  uint32_t sum = UINT32_C(2166136261);
  for (size_t i = 0; i < length; i++) sum = (sum ^ (uint8_t)bytes[i]) * UINT32_C(16777619);
  return sum;
}

static bool cut_sum(char* line) {
  char expected[16];
  size_t length = strlen(line);
  if (length < 13) return false;
  snprintf(expected, sizeof expected, " sum=%08" PRIx32, sum_of(line, length - 13));
  bool good = is(line + length - 13, expected);
  if (good) line[length - 13] = '\0';
  return good;
}

static void cut_words(request* r) {
  char* at = r->line;
  r->count = 0;
  while (*at != '\0' && r->count < WORDS) {
    r->words[r->count++] = at;
    at += strcspn(at, " ");
    if (*at == ' ') *at++ = '\0';
  }
  if (*at != '\0') r->count = 0;  // more words than any request has
}

// One printable word of at most 63 characters.
static void name_of(char word[64]) {
  const char* name = &vcpuspec_plugin != NULL ? vcpuspec_plugin.name : NULL;
  snprintf(word, 64, "%s", name != NULL && name[0] != '\0' ? name : "linked");
  for (char* c = word; *c != '\0'; c++) {
    if (*c <= ' ' || *c > '~') *c = '_';
  }
}

static bool greet(void) {
  char line[LINE];
  char name[64];
  name_of(name);
  int length = snprintf(line, sizeof line, "vcpuspec shim 1\nname %s\narch %s\ncalls", name,
                        shim.arch == VS_ARCH_ARM64 ? "arm64" : "x86-64");
#define VS_CALL(name, word, phase, text, ...) \
  if (zx_##name != NULL) \
    length += snprintf(line + length, sizeof line - (size_t)length, " zx_" #name);
#include <vcpuspec/calls.def>
  length += snprintf(line + length, sizeof line - (size_t)length, "\n%s%sready\n",
                     platform_greeting, shim.sums ? "sums\n" : "");
  return platform_write(line, (size_t)length);
}

// "guest image 0x2000 48a3...": how guests' memory is laid out. What is not understood is not
// answered, and left alone.
static void describe(request* r) {
  const char* what = next_word(r);
  const char* words[3] = {next_word(r), next_word(r), next_word(r)};
  uint64_t a = 0;
  uint64_t b = 0;
  bool first = number(words[0], &a);
  bool second = number(words[1], &b);
  size_t count;
  if (is(what, "memory") && first && a <= IMAGE_MOST) {
    free(shim.image);
    shim.image = calloc(1, (size_t)a);
    shim.image_size = a;
    shim.trap_count = shim.program_count = 0;
  } else if (is(what, "image") && first && a < shim.image_size) {
    bytes_of(words[1], shim.image + a, (size_t)(shim.image_size - a), &count);
  } else if (is(what, "program") && second && shim.program_count < NAMES) {
    program* p = &shim.programs[shim.program_count++];
    snprintf(p->name, sizeof p->name, "%.15s", words[0]);
    p->entry = b;
  } else if (is(what, "code") && first && second) {
    shim.code_base = a;
    shim.code_step = b;
  } else if (is(what, "trap") && second && shim.trap_count < TRAPS) {
    trap* t = &shim.traps[shim.trap_count++];
    t->kind = is(words[0], "io") ? ZX_GUEST_TRAP_IO : ZX_GUEST_TRAP_MEM;
    t->address = b;
    number(words[2], &t->size);
  } else if (is(what, "dump") && first) {
    shim.dump = a;
    shim.dump_by_port = is(words[1], "port");
    number(words[2], &shim.dump_exit);
  } else if (is(what, "life") && first && a < shim.image_size) {
    shim.life = a;
  }
}

static bool send_reply(const char* number_of, request* r) {
  char line[LINE + 64];
  int length = snprintf(line, sizeof line - 16, "%s %s", number_of, r->reply);
  if (length >= LINE - 16) length = LINE - 17;
  if (shim.sums) {
    uint32_t sum = sum_of(line, (size_t)length);
    length += snprintf(line + length, 16, " sum=%08" PRIx32, sum);
  }
  line[length++] = '\n';
  return platform_write(line, (size_t)length);
}

static bool is_number(const char* word) {
  size_t digits = strspn(word, "0123456789");
  return digits > 0 && digits < 20 && word[digits] == '\0';
}

// The number at the start of a line; "0" if there is none.
static void note_number(const char* line, char number_of[24]) {
  size_t digits = 0;
  while (digits < 20 && line[digits] >= '0' && line[digits] <= '9') digits++;
  bool good = digits > 0 && digits < 20;
  snprintf(number_of, 24, "%.*s", good ? (int)digits : 1, good ? line : "0");
}

// Answers one line. False: nobody listens any more.
static bool answer(request* r, size_t length) {
  char number_of[24];
  r->length = r->at = 0;
  r->reply[0] = '\0';
  if (length > 0 && r->line[length - 1] == '\r') r->line[--length] = '\0';
  bool text = strlen(r->line) == length;
  if (text && is(r->line, "vcpuspec shim 1")) {
    reset();
    return greet();
  }
  bool whole = text && (!shim.sums || cut_sum(r->line));
  if (whole) cut_words(r);
  if (whole && r->count > 0 && is(r->words[0], "guest")) {
    r->at = 1;
    describe(r);
    return true;
  }
  note_number(r->line, number_of);
  if (!whole) {
    say_error(r, text ? "the sum is wrong" : "the line is no text");
  } else if (r->count == 0 || !is_number(r->words[0])) {
    say_error(r, "a number and an operation are expected");
  } else {
    r->at = 1;
    do_line(r);
  }
  return send_reply(number_of, r);
}

// Lines of a connection, until it ends. One that is too long is answered, and passed over.
static void serve(void) {
  static request r;
  static char bytes[4 * LINE];
  size_t used = 0;
  char number_of[24];
  bool too_long = false;
  for (;;) {
    char* end = memchr(bytes, '\n', used);
    if (end == NULL) {
      if (used >= LINE - 1) {
        if (!too_long) note_number(bytes, number_of);
        too_long = true;
        used = 0;
      }
      size_t count = platform_read(bytes + used, sizeof bytes - used);
      if (count == 0) return;
      used += count;
      continue;
    }
    size_t length = (size_t)(end - bytes);
    if (too_long || length >= LINE - 1) {
      if (!too_long) note_number(bytes, number_of);
      snprintf(r.reply, sizeof r.reply, "= error a line has at most 8191 bytes");
      if (!send_reply(number_of, &r)) return;
    } else {
      memcpy(r.line, bytes, length);
      r.line[length] = '\0';
      if (!answer(&r, length)) return;
    }
    too_long = false;
    used -= length + 1;
    memmove(bytes, end + 1, used);
  }
}

int main(int argc, char** argv) {
  const vs_plugin* says = &vcpuspec_plugin;
#if defined(__aarch64__)
  shim.arch = VS_ARCH_ARM64;
#else
  shim.arch = VS_ARCH_X64;
#endif
  if (says != NULL) {
    shim.arch = (vs_arch)says->arch;
    shim.resource = says->resource;
  }
  shim.state_size = shim.arch == VS_ARCH_ARM64 ? sizeof(zx_vcpu_state_arm64_t)
                                               : sizeof(zx_vcpu_state_x64_t);
  if (argc > 1 && is(argv[1], "--sums")) {
    shim.sums = true;
    argv[1] = argv[0];
    argc--;
    argv++;
  }
  if (!platform_open(argc, argv)) return 2;
  do {
    serve();
    reset();
  } while (platform_next());
  return 0;
}
