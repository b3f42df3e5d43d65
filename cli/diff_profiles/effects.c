// SPDX-License-Identifier: BSD-3-Clause
#include "effects.h"

#include <inttypes.h>
#include <string.h>

#include "text/number.h"

static bool may(const vs_profile* profile, vs_latitude_code latitude) {
  return profile->latitudes & VS_BIT(latitude);
}

static bool makes(const vs_profile* profile, vs_check_code check) {
  return memchr(profile->order, (int)check, sizeof profile->order) != NULL;
}

static vs_op* write_flags(vs_build* b, uint64_t flags) {
  vs_op* op = write_state(b);
  set_register(op, b->info, b->info->flags, flags);
  return op;
}

static uint64_t calm_flags(const vs_build* b) {
  return vs_calm_flags(b->info, b->info->flags_required | b->info->flags_optional);
}

static void start(vs_build* b, vs_program program) {
  vs_op* op = add(b, VS_CALL_guest_create);
  vs_op_give(op, 0, SLOT_GUEST);
  vs_op_give(op, 1, SLOT_VMAR);
  op = add(b, VS_OP_guest_load);
  VS_OP_ARG(op, guest_load, guest) = vs_arg_slot(SLOT_GUEST);
  VS_OP_ARG(op, guest_load, vmar) = vs_arg_slot(SLOT_VMAR);
  vs_op_give(op, 0, SLOT_MEMORY);
  op->optional = true;
  vcpu(b, 0, SLOT_GUEST, SLOT_VCPU, program);
}

// --- flags ------------------------------------------------------------------------------------

static void say_gate(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  if (info->flags_gate == 0) return;
  if (vs_has_quirk(profile, VS_QUIRK_FLAGS_UNGATED)) return vs_say(text, "the flags are written");
  if (may(profile, VS_LATITUDE_FLAGS_GATE)) {
    return vs_say(text, "the flags are written, or stay as they are");
  }
  vs_say(text, "the flags stay as they are");
}

static void build_gate(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  write_flags(b, calm_flags(b) | b->info->flags_gate);
  read_back(b);
  write_flags(b, 0);
  read_back(b);
}

static void say_optional(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  uint64_t kept = info->flags_optional & profile->flags_kept;
  if (info->flags_optional == 0) return;
  if (kept != 0) return vs_say(text, "of them, 0x%" PRIx64 " stay as they are", kept);
  bool choice = may(profile, VS_LATITUDE_SYSTEM_FLAGS);
  vs_say(text, choice ? "each is written, or stays as it is" : "they are written");
}

static void build_set(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  write_flags(b, b->info->flags_gate);
  read_back(b);
  write_flags(b, calm_flags(b) | b->info->flags_gate);
  read_back(b);
}

static void say_kept(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  uint64_t kept = info->flags_required & profile->flags_kept;
  if (kept != 0) return vs_say(text, "of them, 0x%" PRIx64 " stay as they are", kept);
  vs_say(text, "they are written");
}

static void say_cleared(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  uint64_t stuck = (info->flags_required | info->flags_optional) & profile->flags_or_only;
  if (stuck != 0) return vs_say(text, "of them, 0x%" PRIx64 " stay set", stuck);
  vs_say(text, "they are clear");
}

static void build_cleared(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  write_flags(b, calm_flags(b) | b->info->flags_gate);
  read_back(b);
  write_flags(b, b->info->flags_gate);
  read_back(b);
}

// --- ZX_VCPU_IO -------------------------------------------------------------------------------

static void say_upper(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  if (!info->has_ports) return;
  if (may(profile, VS_LATITUDE_IO_UPPER)) return vs_say(text, "they are kept, or zeroed");
  bool zeroed = vs_has_quirk(profile, VS_QUIRK_IO_UPPER_ZEROED);
  vs_say(text, zeroed ? "they are zeroed" : "they are kept");
}

static void build_upper(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  write_state(b);
  read_back(b);
  write_io(b, 4, 0x11223344);
  read_back(b);
}

static void say_odd(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  if (!info->has_ports) return;
  bool refused = profile->ordered ? makes(profile, VS_CHECK_ACCESS_SIZE)
                                  : !may(profile, VS_LATITUDE_ACCESS_SIZE);
  if (refused) return vs_say(text, "it is refused");
  if (may(profile, VS_LATITUDE_ACCESS_SIZE)) {
    return vs_say(text, "%sthe accumulator alone may change",
                  profile->ordered ? "" : "it is refused, or ");
  }
  vs_say(text, "0 changes nothing, 3 writes three bytes, above 4 nothing is known of any register");
}

static void build_odd(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  write_state(b);
  read_back(b);
  write_io(b, 3, 0x11223344);
  read_back(b);
}

// --- what nobody wrote ------------------------------------------------------------------------

static void say_initial(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  (void)info;
  bool zero = vs_has_quirk(profile, VS_QUIRK_INITIAL_ZERO);
  vs_say(text, zero ? "they are zero" : "they are whatever is observed first");
}

static void build_initial(vs_build* b) {
  start(b, VS_PROGRAM_DUMP);
  read_back(b);
}

static void say_in32(vs_text* text, const vs_profile* profile, const vs_arch_info* info) {
  if (!info->has_ports) return;
  bool clears = vs_has_quirk(profile, VS_QUIRK_IN32_CLEARS);
  vs_say(text, clears ? "zero after four bytes, as it was after one or two"
                      : "whatever is observed first");
}

static void build_in32(vs_build* b) {
  start(b, VS_PROGRAM_IN32);
  write_state(b);
  enter(b);
  read_back(b);
}

const vs_effect vs_effects[] = {
    {"ZX_VCPU_STATE with the gate bit of the flags clear", say_gate, build_gate},
    {"ZX_VCPU_STATE and the flags NT, AC, ID", say_optional, build_set},
    {"ZX_VCPU_STATE and the other flags of the caller's", say_kept, build_set},
    {"ZX_VCPU_STATE with flags clear that were set", say_cleared, build_cleared},
    {"ZX_VCPU_IO and the accumulator's bytes above access_size", say_upper, build_upper},
    {"ZX_VCPU_IO with an access_size other than 1, 2, 4", say_odd, build_odd},
    {"the registers of a new vCPU", say_initial, build_initial},
    {"the accumulator when an IN has left the guest", say_in32, build_in32},
};
const size_t vs_effect_count = sizeof vs_effects / sizeof vs_effects[0];
