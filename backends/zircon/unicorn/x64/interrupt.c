// SPDX-License-Identifier: BSD-3-Clause
// Intel SDM volume 3, "Interrupt and Exception Handling", of 64-bit mode.
#include "x64/interrupt.h"

#include "x64/inside.h"

enum { RFLAGS_TF = 1 << 8, RFLAGS_IF = 1 << 9, RFLAGS_NT = 1 << 14, RFLAGS_RF = 1 << 16 };
enum { SELECTOR_RING = 3, SELECTOR_LOCAL = 4, SELECTOR_INDEX = 0xfff8 };
// Of an error code: not the guest's doing; a gate of the IDT.
enum { CODE_EXTERNAL = 1, CODE_GATE = 2, CODE_INDEX_SHIFT = 3 };

typedef struct gate {
  uint16_t offset_low;
  uint16_t selector;
  uint8_t stack;
  uint8_t type;  // with privilege, and the bit that says that it is present
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;
} gate;
_Static_assert(sizeof(gate) == 16, "of 64-bit mode");

enum { GATE_PRESENT = 0x80, GATE_TYPE = 0x1f, GATE_INTERRUPT = 0xe, GATE_TRAP = 0xf };

unsigned vs_uc_x64_ring(const vs_cpu* cpu) {
  return (unsigned)vs_uc_register(cpu, UC_X86_REG_CS) & SELECTOR_RING;
}

static bool has_flag(const vs_cpu* cpu) {
  return vs_uc_register(cpu, UC_X86_REG_RFLAGS) & RFLAGS_IF;
}

bool vs_uc_x64_takes(const vs_cpu* cpu, vs_delivery how) {
  return !cpu->x64.is_16bit && (how != VS_DELIVER_EXTERNAL || has_flag(cpu));
}

void vs_uc_x64_watch(vs_cpu* cpu, bool wanted) {
  cpu->x64.watching = wanted && !cpu->x64.is_16bit;
  cpu->x64.had_flag = false;
}

bool vs_uc_x64_lets_in(vs_cpu* cpu) {
  const bool had = cpu->x64.had_flag;
  cpu->x64.had_flag = has_flag(cpu);
  return had && cpu->x64.had_flag;
}

// ---- Into a handler. What goes wrong on the way is the next event.

static vs_uc_event with_code(uint8_t vector, uint32_t code) {
  return (vs_uc_event){.vector = vector, .has_code = true, .code = code};
}

static bool fails(vs_uc_event* next, uint8_t vector, uint32_t code) {
  *next = with_code(vector, code);
  return false;
}

static vs_uc_event of_fault(vs_cpu* cpu, const vs_uc_fault* fault) {
  if (!fault->is_page) return with_code(VS_UC_PROTECTION, 0);
  vs_uc_set_register(cpu, UC_X86_REG_CR2, fault->address);
  return with_code(VS_UC_PAGE_FAULT, fault->code);
}

static bool read_table(vs_cpu* cpu, uint64_t at, void* out, size_t size, vs_uc_event* next) {
  vs_uc_fault fault;
  if (vs_uc_x64_read(cpu, at, out, size, &fault)) return true;
  *next = of_fault(cpu, &fault);
  return false;
}

static bool find_gate(vs_cpu* cpu, const vs_uc_event* event, gate* g, vs_uc_event* next) {
  enum { RING_SHIFT = 5 };
  const uint32_t code = (uint32_t)event->vector << CODE_INDEX_SHIFT | CODE_GATE |
                        (event->software ? 0u : CODE_EXTERNAL);
  uc_x86_mmr table = {0};
  uc_reg_read(cpu->uc, UC_X86_REG_IDTR, &table);
  if ((event->vector + 1u) * sizeof *g - 1 > table.limit)
    return fails(next, VS_UC_PROTECTION, code);
  if (!read_table(cpu, table.base + event->vector * sizeof *g, g, sizeof *g, next)) return false;
  const uint8_t type = g->type & GATE_TYPE;
  if (type != GATE_INTERRUPT && type != GATE_TRAP) return fails(next, VS_UC_PROTECTION, code);
  if (event->software && (g->type >> RING_SHIFT & SELECTOR_RING) < vs_uc_x64_ring(cpu))
    return fails(next, VS_UC_PROTECTION, code);
  return (g->type & GATE_PRESENT) != 0 || fails(next, VS_UC_NOT_PRESENT, code);
}

// The code segment of a handler: 64-bit code of no less privilege. *ring is the handler's.
static bool find_code(vs_cpu* cpu, uint16_t selector, bool external, vs_uc_segment* code,
                      unsigned* ring, vs_uc_event* next) {
  enum { PRESENT = 1 << 15, KIND = 0x1800, IS_CODE = 0x1800, CONFORMING = 1 << 10 };
  enum { WIDTH = 3 << 21, IS_64BIT = 1 << 21, RING_SHIFT = 13, FLAGS = 0x00f0ff00 };
  const uint32_t error = (selector & (SELECTOR_INDEX | SELECTOR_LOCAL)) | (external ? 1u : 0u);
  uint32_t words[2] = {0};
  uc_x86_mmr table = {0};
  uc_reg_read(cpu->uc, UC_X86_REG_GDTR, &table);
  const bool is_there = (selector & SELECTOR_INDEX) != 0 && (selector & SELECTOR_LOCAL) == 0 &&
                        (selector | 7u) <= table.limit;
  if (!is_there) return fails(next, VS_UC_PROTECTION, error);
  if (!read_table(cpu, table.base + (selector & SELECTOR_INDEX), words, sizeof words, next))
    return false;
  const uint32_t flags = words[1];
  const unsigned own = vs_uc_x64_ring(cpu), its = flags >> RING_SHIFT & SELECTOR_RING;
  if ((flags & KIND) != IS_CODE || (flags & WIDTH) != IS_64BIT || its > own)
    return fails(next, VS_UC_PROTECTION, error);
  if ((flags & PRESENT) == 0) return fails(next, VS_UC_NOT_PRESENT, error);
  *ring = (flags & CONFORMING) != 0 ? own : its;
  *code = (vs_uc_segment){
      .selector = (uint16_t)((selector & (SELECTOR_INDEX | SELECTOR_LOCAL)) | *ring),
      .flags = flags & FLAGS};
  return true;
}

// Where its stack is: the gate's own, that of its ring, or the one in use.
static bool find_stack(vs_cpu* cpu, const gate* g, unsigned ring, uint64_t* rsp,
                       vs_uc_event* next) {
  enum { NUMBER = 7, OF_RING = 4, OF_NUMBER = 0x24, BYTES = 8 };
  const unsigned number = g->stack & NUMBER;
  uc_x86_mmr task = {0};
  *rsp = vs_uc_register(cpu, UC_X86_REG_RSP);
  if (number == 0 && ring == vs_uc_x64_ring(cpu)) return true;
  uc_reg_read(cpu->uc, UC_X86_REG_TR, &task);
  const uint64_t at = number == 0 ? OF_RING + ring * BYTES : OF_NUMBER + (number - 1) * BYTES;
  return read_table(cpu, task.base + at, rsp, BYTES, next);
}

// A fault is to be tried again: its flags say that no breakpoint is met there twice.
static bool is_fault(const vs_uc_event* event) {
  return !event->external && !event->software && event->vector != VS_UC_DEBUG;
}

static bool push_frame(vs_cpu* cpu, const vs_uc_event* event, uint64_t* rsp, vs_uc_event* next) {
  enum { WORDS = 6, ALIGNED = 16 };
  const uint64_t frame[WORDS] = {
      event->code,
      cpu->pc,
      vs_uc_register(cpu, UC_X86_REG_CS),
      vs_uc_register(cpu, UC_X86_REG_RFLAGS) | (is_fault(event) ? RFLAGS_RF : 0u),
      vs_uc_register(cpu, UC_X86_REG_RSP),
      vs_uc_register(cpu, UC_X86_REG_SS),
  };
  const size_t skipped = event->has_code ? 0 : 1;
  const size_t bytes = (WORDS - skipped) * sizeof frame[0];
  vs_uc_fault fault;
  *rsp = *rsp / ALIGNED * ALIGNED - bytes;
  if (vs_uc_x64_write(cpu, *rsp, frame + skipped, bytes, &fault)) return true;
  *next = of_fault(cpu, &fault);
  if (!fault.is_page) next->vector = VS_UC_STACK_FAULT;
  return false;
}

// A stack segment stays as it is unless the ring changes: then it is none, of that ring.
static bool set_segments(vs_cpu* cpu, vs_uc_segment code, unsigned ring) {
  enum { RING_SHIFT = 13 };
  const bool same_ring = ring == vs_uc_x64_ring(cpu);
  if (same_ring && vs_uc_register(cpu, UC_X86_REG_CS) == code.selector) return true;
  const vs_uc_segment stack = {
      .selector = (uint16_t)(same_ring ? vs_uc_register(cpu, UC_X86_REG_SS) : ring),
      .flags = VS_UC_STACK | ring << RING_SHIFT};
  return vs_uc_inside_set_segments(cpu, code, stack);
}

static bool enter_handler(vs_cpu* cpu, const vs_uc_event* event, vs_uc_event* next) {
  gate g;
  vs_uc_segment code;
  unsigned ring;
  uint64_t rsp;
  if (!find_gate(cpu, event, &g, next)) return false;
  if (!find_code(cpu, g.selector, !event->software, &code, &ring, next)) return false;
  if (!find_stack(cpu, &g, ring, &rsp, next)) return false;
  if (!push_frame(cpu, event, &rsp, next)) return false;
  if (!set_segments(cpu, code, ring)) return false;
  uint64_t flags = vs_uc_register(cpu, UC_X86_REG_RFLAGS);
  flags &= ~(uint64_t)(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF);
  if ((g.type & GATE_TYPE) == GATE_INTERRUPT) flags &= ~(uint64_t)RFLAGS_IF;
  vs_uc_set_register(cpu, UC_X86_REG_RFLAGS, flags);
  vs_uc_set_register(cpu, UC_X86_REG_RSP, rsp);
  cpu->pc = (uint64_t)g.offset_high << 32 | (uint64_t)g.offset_middle << 16 | g.offset_low;
  cpu->x64.user = ring == SELECTOR_RING;
  return true;
}

// Those of which a second one is a double fault.
static bool contributes(const vs_uc_event* event) {
  const uint32_t those = 1u << 0 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13;
  return !event->external && !event->software && event->vector < 32 && those >> event->vector & 1;
}

static bool is_double(const vs_uc_event* first, const vs_uc_event* second) {
  const bool of_page = !first->external && !first->software && first->vector == VS_UC_PAGE_FAULT;
  return (contributes(first) && contributes(second)) ||
         (of_page && (contributes(second) || second->vector == VS_UC_PAGE_FAULT));
}

// An INT that finds no gate is to be tried again.
zx_status_t vs_uc_x64_raise(vs_cpu* cpu, vs_uc_event event) {
  enum { TRIES = 4 };
  for (int i = 0; i < TRIES; i++) {
    vs_uc_event next = with_code(VS_UC_DOUBLE, 0);
    if (enter_handler(cpu, &event, &next)) return ZX_OK;
    if (event.vector == VS_UC_DOUBLE && event.has_code) break;
    if (event.software) cpu->pc = cpu->at;
    event = is_double(&event, &next) ? with_code(VS_UC_DOUBLE, 0) : next;
  }
  return ZX_ERR_BAD_STATE;
}

zx_status_t vs_uc_x64_protect(vs_cpu* cpu) {
  return vs_uc_x64_raise(cpu, with_code(VS_UC_PROTECTION, 0));
}

zx_status_t vs_uc_x64_fault(vs_cpu* cpu, const vs_uc_fault* fault) {
  return vs_uc_x64_raise(cpu, of_fault(cpu, fault));
}

static bool has_error_code(uint8_t vector) {
  const uint32_t with = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17;
  return vector < 32 && (with >> vector & 1) != 0;
}

// Behind the instruction only an INT can be, and the trap after each instruction.
zx_status_t vs_uc_x64_raised(vs_cpu* cpu, uint8_t vector) {
  vs_uc_event event = {.vector = vector};
  if (!vs_uc_inside_take_error(cpu, &event.code)) return ZX_ERR_BAD_STATE;
  event.software = vector != VS_UC_DEBUG && cpu->pc == cpu->at + cpu->size;
  event.has_code = !event.software && has_error_code(vector);
  return vs_uc_x64_raise(cpu, event);
}

// The error code of an exception that another call raises is 0.
zx_status_t vs_uc_x64_deliver(vs_cpu* cpu, vs_delivery how, uint8_t vector) {
  const vs_uc_event event = {.vector = vector,
                             .external = true,
                             .has_code = how == VS_DELIVER_EXCEPTION && has_error_code(vector)};
  return vs_uc_x64_raise(cpu, event);
}
