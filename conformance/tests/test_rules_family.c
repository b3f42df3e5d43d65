// SPDX-License-Identifier: BSD-3-Clause
// The rules of the seven calls around zx_vcpu_write_state as they are stated a second time
// (rules/family.h), held against the model: the whole path, from a world and an op through the
// facts to the decision, over classes of raw arguments; and what an answer leaves behind.
#include <criterion/criterion.h>
#include <rules/family.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "place.h"
#include "sampled.h"
#include "test_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// --- planted mistakes: the comparison has to notice each ----------------------------------------

typedef enum plant {
  NOTHING,
  HANDLE_UNCHECKED,
  TYPE_UNCHECKED,
  KIND_UNCHECKED,
  RIGHT_UNCHECKED,
  RIGHT_KNOWN,
  ARCH_OTHER,
  OPTIONS_8_BITS,
  GUEST_POINTER,
  VMAR_POINTER,
  PORT_UNCHECKED,
  PORT_TYPE,
  KIND_8_BITS,
  KIND_NEXT,
  ADDR_32_BITS,
  SIZE_32_BITS,
  SIZE_LESS,
  SIZE_MORE,
  MET_UNCHECKED,
  MET_LESS,
  MET_KIND,
  ENTRY_32_BITS,
  ENTRY_LESS,
  OWNER_UNCHECKED,
  OUT_3_BYTES,
  POINTER_NULL,
  POINTER_ALIGNED,
  THREAD_UNCHECKED,
  BUFFER_MORE,
  VECTOR_8_BITS,
  VECTOR_MORE,
  KICK_UNCHECKED,
  PACKET_47_BYTES,
  PLANTS,
  ACCEPTED = PLANTS,  // of what a call leaves behind
  REFUSED
} plant;

// --- one comparison ------------------------------------------------------------------------------

typedef bool answers(vs_rules_profile p, const void* call, zx_status_t status);

#define ANSWERS(call)                                                       \
  static bool of_##call(vs_rules_profile p, const void* c, zx_status_t s) { \
    return vs_rules_##call(p, c, s);                                        \
  }
ANSWERS(guest_create)
ANSWERS(set_trap)
ANSWERS(vcpu_create)
ANSWERS(read_state)
ANSWERS(interrupt)
ANSWERS(enter)
ANSWERS(kick)

typedef struct tally {
  plant plant;
  bool quiet;  // differences are counted, not reported
  uint64_t compared;
  uint64_t different;
  vs_check_set met;  // checks that some call failed
} tally;

typedef struct stage {
  tally* tally;
  vs_rules_profile profile;
  const vs_arch_info* arch;
  bool arm64;
  vs_world world;
  vs_op op;
} stage;

// All that some call documents or some kernel answers; one that none does; one that is no status.
static const zx_status_t statuses[] = {ZX_OK,
                                       ZX_ERR_INVALID_ARGS,
                                       ZX_ERR_BAD_HANDLE,
                                       ZX_ERR_WRONG_TYPE,
                                       ZX_ERR_ACCESS_DENIED,
                                       ZX_ERR_BAD_STATE,
                                       ZX_ERR_OUT_OF_RANGE,
                                       ZX_ERR_ALREADY_EXISTS,
                                       ZX_ERR_NOT_SUPPORTED,
                                       ZX_ERR_CANCELED,
                                       ZX_ERR_NOT_FOUND,
                                       3};

static const char* text_of(const vs_op* op) {
  static char text[400];
  int at = snprintf(text, sizeof text, "%s by thread %u:", vs_ops[op->code].name, op->thread);
  for (size_t i = 0; i < VS_ARGS_MAX && at < 300; i++) {
    const vs_arg* a = &op->args[i];
    at += snprintf(text + at, sizeof text - (size_t)at, " %u/%u/0x%llx@%u/%u/%u", a->form, a->slot,
                   (unsigned long long)a->number, a->at, a->argument, a->length);
  }
  return text;
}

static bool planted(const stage* s, plant which) {
  return s->tally->plant == which;
}

static void compare(stage* s, answers* rules, const void* call) {
  tally* t = s->tally;
  if (t->quiet && t->different > 0) return;
  const vs_profile* profile = rules_profile(s->profile);
  vs_facts facts = vs_facts_of(&s->world, &s->op, s->arch);
  vs_decision decision = vs_decide(&facts, profile);
  t->met |= vs_faults_of(&facts) | vs_unsure_of(&facts);
  for (size_t i = 0; i < COUNT(statuses); i++) {
    bool model = decision.anything || vs_decision_find(&decision, statuses[i]) != NULL;
    bool allowed = rules(s->profile, call, statuses[i]);
    t->compared++;
    if (model == allowed) continue;
    t->different++;
    cr_assert(t->quiet, "%s, %s, %s: the rules %s %d, the model does not agree", profile->id,
              s->arm64 ? "arm64" : "x86-64", text_of(&s->op), allowed ? "allow" : "refuse",
              statuses[i]);
  }
}

// --- a world with every sort of handle -----------------------------------------------------------

enum { MINE = 1, OTHER = 2, BUSYS = 3 };  // threads; MINE and BUSYS have a vCPU
enum { GUEST, VMAR, VCPU, BUSY, EVENT, PORT, POORER, EMPTY = 2 * POORER };
static const zx_rights_t asked = ZX_RIGHT_WRITE | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE |
                                 ZX_RIGHT_SIGNAL | ZX_RIGHT_MANAGE_THREAD | ZX_RIGHT_MANAGE_PROCESS;

static void make_world(stage* s) {
  const vs_profile* profile = rules_profile(s->profile);
  vs_world_init(&s->world, profile);
  vs_op vcpu = vs_op_new(VS_CALL_vcpu_create, s->arch);
  vcpu.thread = MINE;
  vs_op_give(&vcpu, 0, VCPU);
  bool made = vs_world_add(&s->world, GUEST, VS_OBJECT_GUEST, 0x13) &&
              vs_world_add(&s->world, VMAR, VS_OBJECT_VMAR, 0x17) &&
              vs_world_add_vcpu(&s->world, &vcpu, profile, s->arch, 0x1b);
  vcpu.thread = BUSYS;
  vs_op_give(&vcpu, 0, BUSY);
  made = made && vs_world_add_vcpu(&s->world, &vcpu, profile, s->arch, 0x1f) &&
         vs_world_add(&s->world, EVENT, VS_OBJECT_EVENT, 0x23) &&
         vs_world_add(&s->world, PORT, VS_OBJECT_PORT, 0x27);
  cr_assert(made, "a world has room for these");
  for (unsigned slot = GUEST; slot < POORER; slot++) {
    vs_slot from = s->world.slots[slot];
    vs_world_alias(&s->world, (uint8_t)(POORER + slot), &from, from.rights & ~asked,
                   from.value + 0x100);
  }
  vs_world_vcpu(&s->world, &s->world.slots[BUSY])->running = true;
}

// Rights of new handles, by the ABI. Of an address region the pages say nothing.
static zx_rights_t rights_of(unsigned object) {
  if (object == GUEST) return ZX_DEFAULT_GUEST_RIGHTS;
  if (object == EVENT) return ZX_DEFAULT_EVENT_RIGHTS;
  return object == PORT ? ZX_DEFAULT_PORT_RIGHTS : ZX_DEFAULT_VCPU_RIGHTS;
}

// What the handle in the slot is to a parameter of that type, which needs that right.
static vs_rules_handle handle_of(const stage* s, unsigned slot, unsigned type, zx_rights_t right) {
  if (slot == EMPTY && !planted(s, HANDLE_UNCHECKED)) return (vs_rules_handle){.right_known = true};
  unsigned object = slot % POORER;
  // That an address region has no ZX_RIGHT_MANAGE_PROCESS is known of the kernels that ask for it.
  bool early = s->profile == VS_RULES_ZIRCON_2018 || s->profile == VS_RULES_ZCORE;
  bool makes = early && right == ZX_RIGHT_MANAGE_THREAD;
  vs_rules_handle h = {.valid = true, .right_known = slot != VMAR || makes};
  h.type = object == type || (object == BUSY && type == VCPU);
  h.right = slot < POORER && slot != VMAR && (rights_of(object) & right) != 0;
  if (planted(s, TYPE_UNCHECKED)) h.type = true;
  if (planted(s, RIGHT_UNCHECKED)) h.right = h.right_known = true;
  if (planted(s, RIGHT_KNOWN)) h.right_known = true;
  return h;
}

// What a pointer is to a call that writes `width` bytes. Of zCore the model knows that it wants
// buffers aligned, and says INVALID_ARGS where it faults; that it wants the pointers of handles
// aligned too, the model does not say (docs/ambiguities.md).
static vs_rules_place place_of(const stage* s, vs_arg pointer, uint64_t width, plant less) {
  bool buffer = s->op.code == VS_CALL_vcpu_read_state;
  if (!buffer) pointer.length = (uint16_t)width;
  vs_rules_call c = {0};
  rules_place(&pointer, &c);
  if (pointer.at == VS_AT_READONLY) c.readable = 0;
  vs_rules_place place = {c.null, c.residue, c.readable};
  if (s->profile == VS_RULES_ZCORE && c.readable < width) place.null = true;
  if (s->profile == VS_RULES_ZCORE && !buffer) place.residue = 0;
  if (planted(s, less)) place.writable += place.writable + 1 == width;
  if (planted(s, POINTER_NULL)) place.null = false;
  if (planted(s, POINTER_ALIGNED)) place.residue = 0;
  return place;
}

// Placement number `n` of all with a few arguments each.
enum { PLACES = VS_PLACEMENT_COUNT * 4 };

static void put(vs_arg* pointer, unsigned n) {
  static const uint16_t arguments[] = {0, 1, 4, 63};
  pointer->at = (uint8_t)(n / 4);
  pointer->argument = arguments[n % 4];
}

typedef void scene(stage* s);

// A scene under each profile, on each architecture of which it speaks.
static void play(tally* t, vs_op_code call, scene* what) {
  static stage s;
  for (unsigned i = 0; i < 2u * VS_RULES_PROFILES; i++) {
    s = (stage){.tally = t, .profile = i / 2, .arm64 = i % 2};
    if (!vs_rules_speaks(s.profile, s.arm64)) continue;
    s.arch = vs_arch_find(s.arm64 ? VS_ARCH_ARM64 : VS_ARCH_X64);
    s.op = vs_op_new((uint8_t)call, s.arch);
    s.op.thread = MINE;
    make_world(&s);
    what(&s);
  }
}

static bool arch_of(const stage* s) {
  return s->arm64 != planted(s, ARCH_OTHER);
}

// --- zx_guest_create -----------------------------------------------------------------------------

enum { RESOURCE = EMPTY + 1, OTHER_RESOURCE, GIVEN };

static vs_arg given(unsigned slot) {
  if (slot == OTHER_RESOURCE) return (vs_arg){.form = VS_HANDLE_OTHER_RESOURCE};
  return slot == RESOURCE ? (vs_arg){.form = VS_HANDLE_RESOURCE} : vs_arg_slot((uint8_t)slot);
}

// Of a resource of another kind the rules do not say whether its base is the hypervisor's too: it
// is answered in the same way.
static void one_guest_create(stage* s, unsigned slot, bool base) {
  const vs_op* op = &s->op;
  s->op.args[0] = given(slot);
  vs_rules_guest_call c = {.arm64 = arch_of(s),
                           .valid = slot != EMPTY,
                           .resource = slot >= RESOURCE,
                           .system = slot == RESOURCE,
                           .hypervisor = slot == RESOURCE || base};
  if (planted(s, HANDLE_UNCHECKED)) c.valid = true;
  if (planted(s, TYPE_UNCHECKED)) c.resource = c.system = c.hypervisor = true;
  if (planted(s, KIND_UNCHECKED)) c.system = c.hypervisor = c.resource;
  c.options = (uint32_t)VS_OP_ARG(op, guest_create, options).number;
  if (planted(s, OPTIONS_8_BITS)) c.options &= 0xff;
  c.guest = place_of(s, VS_OP_ARG(op, guest_create, guest_handle), 4, GUEST_POINTER);
  c.vmar = place_of(s, VS_OP_ARG(op, guest_create, vmar_handle), 4, VMAR_POINTER);
  compare(s, of_guest_create, &c);
}

static const uint32_t options[] = {0, 1, 2, 0x100, 0x80000000, UINT32_MAX};

static void guest_creates(stage* s) {
  for (unsigned n = 0; n < PLACES * PLACES; n++) {
    put(&VS_OP_ARG(&s->op, guest_create, guest_handle), n / PLACES);
    put(&VS_OP_ARG(&s->op, guest_create, vmar_handle), n % PLACES);
    for (size_t o = 0; o < COUNT(options); o++) {
      VS_OP_ARG(&s->op, guest_create, options).number = options[o];
      for (unsigned slot = 0; slot < GIVEN; slot += slot == 0 ? EMPTY - 1 : 1) {
        one_guest_create(s, slot, false);
      }
      one_guest_create(s, OTHER_RESOURCE, true);
    }
  }
}

// --- zx_guest_set_trap ---------------------------------------------------------------------------

static const uint64_t edges[] = {0,
                                 1,
                                 0xd0,
                                 0xd1,
                                 0xfffe,
                                 0xffff,
                                 0x1000,
                                 0x10000,
                                 0x10001,
                                 0xfee00000,
                                 0xfee01000,
                                 0xffffff000,
                                 UINT64_C(1) << 32,
                                 (UINT64_C(1) << 36) - 4096,
                                 UINT64_C(1) << 36,
                                 (UINT64_C(1) << 52) - 4096,
                                 UINT64_C(1) << 52,
                                 UINT64_C(1) << 63,
                                 UINT64_MAX - 4095,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
static const uint32_t trap_kinds[] = {0, 1, 2, 3, 256, 257, 258, 0x80000001, UINT32_MAX};

// The trap that is there: none, and of each kind at places that ranges of these edges meet or miss.
static const vs_trap standing[] = {
    {.live = false},
    {.live = true, .kind = 2, .first = 0xd0, .last = 0xd0},
    {.live = true, .kind = 2, .first = 0, .last = 0xffff},
    {.live = true, .kind = 2, .first = 0xffff, .last = 0xffff},
    {.live = true, .kind = 1, .first = 0x1000, .last = 0x1fff},
    {.live = true, .kind = 0, .first = 0x1000, .last = 0x10fff},
    {.live = true, .kind = 1, .first = 0xfee00000, .last = 0xfee00fff},
    {.live = true, .kind = 0, .first = 0, .last = (UINT64_C(1) << 36) - 1}};

static void one_trap(stage* s, unsigned slot, unsigned port, const vs_trap* there) {
  const vs_op* op = &s->op;
  vs_rules_trap_call c = {.arm64 = arch_of(s)};
  VS_OP_ARG(&s->op, guest_set_trap, handle) = vs_arg_slot((uint8_t)slot);
  VS_OP_ARG(&s->op, guest_set_trap, port_handle) = vs_arg_slot((uint8_t)port);
  // An empty slot's value is ZX_HANDLE_INVALID; past it, a value that names nothing.
  if (port > EMPTY) {
    VS_OP_ARG(&s->op, guest_set_trap, port_handle) =
        (vs_arg){.form = VS_HANDLE_RAW, .number = 0x7f0f};
  }
  c.guest = handle_of(s, slot, GUEST, ZX_RIGHT_WRITE);
  c.port = handle_of(s, port > EMPTY ? EMPTY : port, PORT, ZX_RIGHT_WRITE);
  c.port_given = port != EMPTY;
  if (planted(s, PORT_UNCHECKED)) c.port = (vs_rules_handle){true, true, true, true};
  if (planted(s, PORT_TYPE)) c.port.type = true;
  c.kind = (uint32_t)VS_OP_ARG(op, guest_set_trap, kind).number;
  c.addr = VS_OP_ARG(op, guest_set_trap, addr).number;
  c.size = VS_OP_ARG(op, guest_set_trap, size).number;
  c.trapped = there->live;
  c.trapped_kind = there->kind;
  c.trapped_addr = there->first;
  c.trapped_size = there->live ? there->last - there->first + 1 : 0;
  if (planted(s, KIND_8_BITS)) c.kind &= 0xff;
  if (planted(s, KIND_NEXT) && c.kind < 2) c.kind = 1 - c.kind;
  if (planted(s, ADDR_32_BITS)) c.addr &= UINT32_MAX;
  if (planted(s, SIZE_32_BITS)) c.size &= UINT32_MAX;
  if (planted(s, SIZE_LESS) && c.size > 0) c.size--;
  if (planted(s, SIZE_MORE)) c.size++;
  if (planted(s, MET_UNCHECKED)) c.trapped = false;
  if (planted(s, MET_LESS) && c.trapped_size > 0) c.trapped_size--;
  if (planted(s, MET_KIND)) c.trapped_kind = c.kind;
  compare(s, of_set_trap, &c);
}

static void set_range(stage* s, uint32_t kind, uint64_t addr, uint64_t size) {
  VS_OP_ARG(&s->op, guest_set_trap, kind).number = kind;
  VS_OP_ARG(&s->op, guest_set_trap, addr).number = addr;
  VS_OP_ARG(&s->op, guest_set_trap, size).number = size;
}

static void traps_by_handles(stage* s) {
  static const uint64_t some[] = {0, 0xd0, 0x1000, UINT64_MAX};
  for (unsigned n = 0; n < COUNT(trap_kinds) * 16; n++) {
    set_range(s, trap_kinds[n / 16], some[n / 4 % 4], some[n % 4]);
    for (unsigned slot = 0; slot <= EMPTY; slot++) {
      for (unsigned port = 0; port <= EMPTY + 1; port++) one_trap(s, slot, port, &standing[0]);
    }
  }
}

static void traps_by_ranges(stage* s, const vs_trap* there) {
  for (unsigned n = 0; n < COUNT(trap_kinds) * COUNT(edges) * COUNT(edges); n++) {
    set_range(s, trap_kinds[n % COUNT(trap_kinds)], edges[n / COUNT(trap_kinds) % COUNT(edges)],
              edges[n / COUNT(trap_kinds) / COUNT(edges)]);
    one_trap(s, GUEST, PORT, there);
    one_trap(s, GUEST, EMPTY, there);
    // Of a range that ends where another edge is.
    const vs_arg* size = &VS_OP_ARG(&s->op, guest_set_trap, size);
    const vs_arg* addr = &VS_OP_ARG(&s->op, guest_set_trap, addr);
    VS_OP_ARG(&s->op, guest_set_trap, size).number = size->number - addr->number;
    one_trap(s, GUEST, PORT, there);
    one_trap(s, GUEST, EMPTY, there);
  }
}

static void set_traps(stage* s) {
  traps_by_handles(s);
  for (size_t i = 0; i < COUNT(standing); i++) {
    s->world.traps[0] = standing[i];
    s->world.traps[0].guest = s->world.slots[GUEST].object;
    traps_by_ranges(s, &standing[i]);
  }
}

// --- zx_vcpu_create ------------------------------------------------------------------------------

static void one_vcpu_create(stage* s, unsigned slot) {
  const vs_op* op = &s->op;
  s->op.args[0] = vs_arg_slot((uint8_t)slot);
  vs_rules_vcpu_call c = {.arm64 = arch_of(s), .owner = op->thread == MINE};
  c.guest = handle_of(s, slot, GUEST, ZX_RIGHT_MANAGE_THREAD);
  c.options = (uint32_t)VS_OP_ARG(op, vcpu_create, options).number;
  c.entry = VS_OP_ARG(op, vcpu_create, entry).number;
  c.out = place_of(s, VS_OP_ARG(op, vcpu_create, out), 4, OUT_3_BYTES);
  if (planted(s, OPTIONS_8_BITS)) c.options &= 0xff;
  if (planted(s, ENTRY_32_BITS)) c.entry &= UINT32_MAX;
  if (planted(s, ENTRY_LESS) && c.entry > 0) c.entry--;
  if (planted(s, OWNER_UNCHECKED)) c.owner = false;
  compare(s, of_vcpu_create, &c);
}

static void vcpu_creates(stage* s) {
  for (unsigned n = 0; n < PLACES * COUNT(options) * COUNT(edges) * 2; n++) {
    put(&VS_OP_ARG(&s->op, vcpu_create, out), n % PLACES);
    VS_OP_ARG(&s->op, vcpu_create, options).number = options[n / PLACES % COUNT(options)];
    VS_OP_ARG(&s->op, vcpu_create, entry) =
        (vs_arg){.form = VS_ENTRY_RAW, .number = edges[n / PLACES / COUNT(options) % COUNT(edges)]};
    s->op.thread = n / PLACES / COUNT(options) / COUNT(edges) == 0 ? MINE : OTHER;
    for (unsigned slot = 0; slot <= EMPTY; slot++) one_vcpu_create(s, slot);
  }
}

// --- the calls on a vCPU -------------------------------------------------------------------------

static bool created(const stage* s, unsigned slot) {
  return s->op.thread == MINE && slot % POORER == VCPU && slot != EMPTY;
}

static bool runs(unsigned slot) {
  return slot % POORER == BUSY && slot != EMPTY;
}

static void one_read(stage* s, unsigned slot) {
  const vs_op* op = &s->op;
  s->op.args[0] = vs_arg_slot((uint8_t)slot);
  vs_rules_read_call c = {.arm64 = arch_of(s), .creator = created(s, slot), .running = runs(slot)};
  c.vcpu = handle_of(s, slot, VCPU, ZX_RIGHT_READ);
  c.kind = (uint32_t)VS_OP_ARG(op, vcpu_read_state, kind).number;
  c.size = VS_OP_ARG(op, vcpu_read_state, buffer_size).number;
  c.buffer = place_of(s, VS_OP_ARG(op, vcpu_read_state, buffer), c.size, BUFFER_MORE);
  if (planted(s, KIND_8_BITS)) c.kind &= 0xff;
  if (planted(s, SIZE_32_BITS)) c.size &= UINT32_MAX;
  if (planted(s, SIZE_MORE)) c.size++;
  if (planted(s, THREAD_UNCHECKED)) c.creator = true, c.running = false;
  compare(s, of_read_state, &c);
}

static void reads(stage* s) {
  static const uint32_t kinds[] = {0, 1, 256, UINT32_MAX};
  static const uint64_t sizes[] = {0, 8, 135, 136, 137, 264, 265, 0x100000088, UINT64_MAX};
  static const uint16_t lengths[] = {0, 135, 136, 137, 263, 264, 265};
  for (unsigned n = 0; n < PLACES * COUNT(lengths) * COUNT(kinds) * COUNT(sizes); n++) {
    vs_arg* buffer = &VS_OP_ARG(&s->op, vcpu_read_state, buffer);
    put(buffer, n % PLACES);
    buffer->length = lengths[n / PLACES % COUNT(lengths)];
    VS_OP_ARG(&s->op, vcpu_read_state, kind).number =
        kinds[n / PLACES / COUNT(lengths) % COUNT(kinds)];
    VS_OP_ARG(&s->op, vcpu_read_state, buffer_size).number =
        sizes[n / PLACES / COUNT(lengths) / COUNT(kinds)];
    for (unsigned who = 0; who < 2 * (EMPTY + 1); who++) {
      s->op.thread = who % 2 ? MINE : OTHER;
      one_read(s, who / 2);
    }
  }
}

static void interrupts(stage* s) {
  static const uint32_t vectors[] = {0,   1,   20,  21,  31,    32,         127,        128,
                                     254, 255, 256, 257, 0x1ff, 0x80000020, 0xffffff00, UINT32_MAX};
  for (unsigned n = 0; n < COUNT(vectors) * (EMPTY + 1); n++) {
    unsigned slot = n / COUNT(vectors);
    uint32_t vector = vectors[n % COUNT(vectors)];
    s->op.args[0] = vs_arg_slot((uint8_t)slot);
    VS_OP_ARG(&s->op, vcpu_interrupt, vector).number = vector;
    vs_rules_interrupt_call c = {.arm64 = arch_of(s), .vector = vector};
    c.vcpu = handle_of(s, slot, VCPU, ZX_RIGHT_SIGNAL);
    if (planted(s, VECTOR_8_BITS)) c.vector &= 0xff;
    if (planted(s, VECTOR_MORE)) c.vector++;
    compare(s, of_interrupt, &c);
  }
}

// What becomes of a guest of which nothing is known is no matter of vs_decide.
static void enters(stage* s) {
  enum { BELLS = VS_OBJECTS - 1 };  // a guest whose bells cannot be told
  for (unsigned n = 0; n < PLACES * 8 * (EMPTY + 1); n++) {
    unsigned slot = n / PLACES / 8;
    const bool rings = n / PLACES / 4 % 2;
    bool kicked = n / PLACES % 2;
    s->op.thread = n / PLACES / 2 % 2 ? MINE : OTHER;
    s->op.args[0] = vs_arg_slot((uint8_t)slot);
    vs_arg* packet = &VS_OP_ARG(&s->op, vcpu_enter, packet);
    put(packet, n % PLACES);
    for (size_t v = 0; v < VS_VCPUS; v++) {
      s->world.vcpus[v].kicked = kicked;
      s->world.vcpus[v].program = rings ? VS_PROGRAM_STORES : VS_PROGRAM_DUMP;
      s->world.vcpus[v].stage = rings ? VS_STAGE_ENTRY : VS_STAGE_DUMP;
      s->world.vcpus[v].guest = BELLS + 1;
    }
    s->world.traps[0] = (vs_trap){.live = true,
                                  .guest = BELLS,
                                  .kind = ZX_GUEST_TRAP_BELL,
                                  .first = VS_MMIO_TOUCH,
                                  .last = VS_MMIO_TOUCH + 0x1fff,
                                  .closed = true};
    vs_rules_enter_call c = {.arm64 = arch_of(s),
                             .creator = created(s, slot),
                             .running = runs(slot),
                             .kicked = kicked,
                             .leaves = true,
                             .rings_nothing = rings};
    c.vcpu = handle_of(s, slot, VCPU, ZX_RIGHT_EXECUTE);
    c.packet = place_of(s, *packet, 48, PACKET_47_BYTES);
    if (planted(s, THREAD_UNCHECKED)) c.creator = true, c.running = false;
    if (planted(s, KICK_UNCHECKED)) c.kicked = false;
    compare(s, of_enter, &c);
  }
}

static void kicks(stage* s) {
  for (unsigned who = 0; who < 2 * (EMPTY + 1); who++) {
    s->op.thread = who % 2 ? MINE : OTHER;
    s->op.args[0] = vs_arg_slot((uint8_t)(who / 2));
    vs_rules_kick_call c = {arch_of(s), handle_of(s, who / 2, VCPU, ZX_RIGHT_EXECUTE)};
    compare(s, of_kick, &c);
  }
}

// --- all of them ---------------------------------------------------------------------------------

static const struct {
  vs_op_code call;
  scene* scene;
} scenes[] = {{VS_CALL_vcpu_kick, kicks},          {VS_CALL_vcpu_interrupt, interrupts},
              {VS_CALL_vcpu_enter, enters},        {VS_CALL_guest_create, guest_creates},
              {VS_CALL_guest_set_trap, set_traps}, {VS_CALL_vcpu_create, vcpu_creates},
              {VS_CALL_vcpu_read_state, reads}};

// Every reason that the model knows of these calls was met.
static void met_every_check(const tally* t, uint8_t call) {
  for (vs_check_code check = 1; check < VS_CHECK_COUNT; check++) {
    cr_assert(vs_checks[check].call != call || (t->met & VS_CHECK_IN(check)),
              "no call was refused because %s", vs_checks[check].reason);
  }
}

Test(rules_family, answer_as_the_model_does) {
  for (size_t i = 0; i < COUNT(scenes); i++) {
    tally t = {.plant = NOTHING};
    play(&t, scenes[i].call, scenes[i].scene);
    printf("rules and model: %llu answers compared of %s\n", (unsigned long long)t.compared,
           vs_ops[scenes[i].call].name);
    cr_assert(t.compared > 1000 && t.different == 0);
    met_every_check(&t, (uint8_t)scenes[i].call);
  }
}

Test(rules_family, a_mistake_in_them_is_noticed) {
  for (plant p = NOTHING + 1; p < PLANTS; p++) {
    if (!vs_sampled(p, 4)) continue;
    tally t = {.plant = p, .quiet = true};
    for (size_t i = 0; i < COUNT(scenes) && t.different == 0; i++) {
      play(&t, scenes[i].call, scenes[i].scene);
    }
    cr_assert(t.different > 0, "planted mistake %u was not noticed", (unsigned)p);
  }
}

// --- what an answer leaves behind ----------------------------------------------------------------

// A call that is valid, or has one thing wrong.
typedef enum wrong { RIGHT, NO_HANDLE, NUMBER, THREAD, WRONGS } wrong;

static const vs_rules_family of_rules[] = {
    VS_RULES_KICK,     VS_RULES_INTERRUPT,   VS_RULES_ENTER,     VS_RULES_GUEST_CREATE,
    VS_RULES_SET_TRAP, VS_RULES_VCPU_CREATE, VS_RULES_READ_STATE};  // as in `scenes`

static vs_op call_of(vs_op_code call, const vs_arch_info* arch, wrong what) {
  vs_op op = vs_op_new((uint8_t)call, arch);
  bool creates = call == VS_CALL_vcpu_create;
  op.thread = creates == (what == THREAD) ? MINE : OTHER;
  bool guest = call == VS_CALL_guest_set_trap || creates;
  if (call == VS_CALL_guest_create) op.args[0] = (vs_arg){.form = VS_HANDLE_RESOURCE};
  if (call != VS_CALL_guest_create) op.args[0] = vs_arg_slot(guest ? GUEST : VCPU);
  if (what == NO_HANDLE) op.args[0] = vs_arg_slot(EMPTY);
  if (call == VS_CALL_guest_set_trap) {
    VS_OP_ARG(&op, guest_set_trap, kind).number = ZX_GUEST_TRAP_MEM;
    VS_OP_ARG(&op, guest_set_trap, addr).number = VS_MMIO_DUMP + VS_PLACE_PAGE;
    VS_OP_ARG(&op, guest_set_trap, size).number = VS_PLACE_PAGE;
    VS_OP_ARG(&op, guest_set_trap, port_handle) = vs_arg_slot(EMPTY);
  }
  if (call == VS_CALL_vcpu_read_state) {
    VS_OP_ARG(&op, vcpu_read_state, buffer).length = arch->state_size;
    VS_OP_ARG(&op, vcpu_read_state, buffer_size).number = arch->state_size;
  }
  if (what == NUMBER) op.args[1].number = UINT32_MAX;
  for (unsigned out = 0; out < 2 && vs_op_out(&op, out) != NULL; out++) {
    vs_op_give(&op, out, (uint8_t)(POORER + out));
  }
  return op;
}

static vs_step answered(vs_oracle* o, const vs_op* op, zx_status_t status, zx_handle_t made) {
  vs_observation seen = {.outcome = VS_RETURNED, .status = status, .has_state = true};
  seen.handle = made;
  seen.handle2 = made + 4;
  return vs_oracle_step(o, op, &seen, NULL);
}

static void set_up(vs_oracle* o, const vs_profile* profile, const vs_arch_info* arch, bool kicked) {
  vs_oracle_init(o, profile, arch);
  vs_op guest = call_of(VS_CALL_guest_create, arch, RIGHT);
  vs_op_give(&guest, 0, GUEST);
  vs_op_give(&guest, 1, VMAR);
  vs_op vcpu = call_of(VS_CALL_vcpu_create, arch, RIGHT);
  vcpu.thread = MINE;
  vs_op_give(&vcpu, 0, VCPU);
  vs_op kick = call_of(VS_CALL_vcpu_kick, arch, RIGHT);
  vs_step step = answered(o, &guest, ZX_OK, 0x13);
  if (step == VS_STEP_ALLOWED) step = answered(o, &vcpu, ZX_OK, 0x1b);
  if (step == VS_STEP_ALLOWED && kicked) step = answered(o, &kick, ZX_OK, 0);
  cr_assert(step == VS_STEP_ALLOWED && o->count == 1);
}

static vs_rules_world what_is(const vs_world* world, uint8_t thread) {
  vs_rules_world is = {.owner = vs_world_is_busy(world, thread), .kicked = world->vcpus[0].kicked};
  for (size_t i = 0; i < VS_SLOTS; i++) is.handles += world->slots[i].state == VS_SLOT_OPEN;
  for (size_t i = 0; i < VS_TRAPS; i++) is.traps += world->traps[i].live;
  return is;
}

static bool is_as(const vs_rules_world* a, const vs_rules_world* b) {
  return a->handles == b->handles && a->traps == b->traps && a->owner == b->owner &&
         a->kicked == b->kicked;
}

// From the world `before`. What the model's worlds do not hold, the rules are not asked: what a
// guest ran, what is pending, and what a buffer was filled with. A plant tells the rules another
// status.
static void compare_what_is_left(vs_oracle* o, const vs_world* before, size_t call, const vs_op* op,
                                 zx_status_t status, tally* t) {
  o->count = 1;
  o->worlds[0] = *before;
  bool unknown =
      op->code == VS_CALL_vcpu_enter && (status == ZX_OK || status == ZX_ERR_INVALID_ARGS);
  if (answered(o, op, status, 0x43) != VS_STEP_ALLOWED || unknown) return;
  vs_rules_world rules = what_is(before, op->thread);
  zx_status_t told = t->plant == NOTHING ? status : t->plant == ACCEPTED ? ZX_OK : 3;
  vs_rules_leave(of_rules[call], told, &rules);
  const vs_reg* regs = before->vcpus[0].regs;
  for (size_t w = 0; w < o->count && !o->worlds[w].lost; w++) {
    vs_rules_world model = what_is(&o->worlds[w], op->thread);
    // An accepted read teaches the model registers; nothing else of these changes them.
    bool kept = memcmp(regs, o->worlds[w].vcpus[0].regs, sizeof before->vcpus[0].regs) == 0;
    bool same = is_as(&rules, &model) && (kept || status == ZX_OK);
    t->compared++;
    t->different += !same;
    cr_assert(same || t->quiet, "%s answered with %d", text_of(op), status);
  }
}

static void play_what_is_left(tally* t) {
  static vs_oracle o;
  static vs_world before;
  for (unsigned i = 0; i < 4u * VS_RULES_PROFILES; i++) {
    if (!vs_rules_speaks(i / 4, i % 2)) continue;
    const vs_arch_info* arch = vs_arch_find(i % 2 ? VS_ARCH_ARM64 : VS_ARCH_X64);
    set_up(&o, rules_profile(i / 4), arch, i / 2 % 2);
    before = o.worlds[0];
    for (size_t n = 0; n < COUNT(scenes) * COUNT(statuses) * WRONGS; n++) {
      size_t call = n / COUNT(statuses) / WRONGS;
      vs_op op = call_of(scenes[call].call, arch, n % WRONGS);
      compare_what_is_left(&o, &before, call, &op, statuses[n / WRONGS % COUNT(statuses)], t);
    }
  }
}

Test(rules_family, leave_what_the_oracle_says) {
  tally t = {.plant = NOTHING};
  play_what_is_left(&t);
  printf("rules and model: %llu times the same left behind\n", (unsigned long long)t.compared);
  cr_assert(t.compared > 100 && t.different == 0);
  tally accepted = {.plant = ACCEPTED, .quiet = true};
  tally refused = {.plant = REFUSED, .quiet = true};
  play_what_is_left(&accepted);
  play_what_is_left(&refused);
  cr_assert(accepted.different > 0 && refused.different > 0);
}
