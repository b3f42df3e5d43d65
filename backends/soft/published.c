// SPDX-License-Identifier: BSD-3-Clause
// Rows that answer as some published kernel does where that differs from the pages, or from what
// soft.c does where they are silent.
#include "rules.h"
#include "soft.h"

// In all of them.
enum { VCPUS_X64 = 64, VCPUS_ARM64 = 8 };  // of a guest
#define PUBLISHED .kind_is_type = true

// Zircon of 2018: sizes are bounded and copied before anything else is asked, and an access_size is
// any count of bytes.
#define STATES_2018                                                             \
  .read = {VS_SOFT_STATE_BOUND, VS_SOFT_STATE_CREATOR, VS_SOFT_STATE_REGISTERS, \
           VS_SOFT_STATE_SIZE},                                                 \
  .write = {VS_SOFT_STATE_BOUND, VS_SOFT_STATE_FETCH, VS_SOFT_STATE_CREATOR,    \
            VS_SOFT_STATE_KIND,  VS_SOFT_STATE_PORTS, VS_SOFT_STATE_SIZE}
#define HANDLES_2018                                                                              \
  .low_bit_ignored = true, .rights_first = true, .options_first = true, .maker_is_process = true, \
  .many_vcpus = true
#define TRAPS_X64_2018                                                                             \
  .traps = {VS_SOFT_TRAP_SOME,    VS_SOFT_TRAP_NO_WRAP, VS_SOFT_TRAP_KIND,     VS_SOFT_TRAP_PORTS, \
            VS_SOFT_TRAP_ALIGNED, VS_SOFT_TRAP_UNMAP,   VS_SOFT_TRAP_NEW_START}
#define TRAPS_ARM64_2018                                                                       \
  .traps = {VS_SOFT_TRAP_KIND, VS_SOFT_TRAP_NO_WRAP, VS_SOFT_TRAP_ALIGNED, VS_SOFT_TRAP_UNMAP, \
            VS_SOFT_TRAP_NEW_START}
// Memory has no end in zCore: its region unmaps whatever it is told to.
#define TRAPS_ZCORE                                                                      \
  .traps = {                                                                             \
      VS_SOFT_TRAP_KNOWN, VS_SOFT_TRAP_SOME,    VS_SOFT_TRAP_NO_WRAP, VS_SOFT_TRAP_KIND, \
      VS_SOFT_TRAP_PORTS, VS_SOFT_TRAP_ALIGNED, VS_SOFT_TRAP_CLEAR,   VS_SOFT_TRAP_NEW_START}
// Of 2021 and later.
#define TRAPS                                                                                \
  .traps = {VS_SOFT_TRAP_KIND, VS_SOFT_TRAP_ALIGNED, VS_SOFT_TRAP_UNMAP, VS_SOFT_TRAP_PORTS, \
            VS_SOFT_TRAP_APART}

VS_SOFT_ROW(_2018, "soft:2018", VS_ARCH_X64,
            "soft with the order of Zircon of 2018, which took any access_size", VS_SOFT_X64,
            HANDLES_2018, STATES_2018, TRAPS_X64_2018, PUBLISHED, .vcpus_max = VCPUS_X64)

VS_SOFT_ROW(_zircon, "soft:zircon", VS_ARCH_X64,
            "soft as Zircon of 2026, where it is not as the pages", VS_SOFT_X64, VS_SOFT_STATES,
            TRAPS, PUBLISHED, .vcpus_max = VCPUS_X64)

VS_SOFT_ROW(_2023, "soft:2023", VS_ARCH_X64,
            "soft as Zircon of 2023, which took any interrupt, and no trap of port 0xffff",
            VS_SOFT_X64, VS_SOFT_STATES, TRAPS, PUBLISHED, .vcpus_max = VCPUS_X64,
            .vectors_unchecked = true)

VS_SOFT_ROW(_arm64_2018, "soft:arm64:2018", VS_ARCH_ARM64,
            "soft:arm64 with the order of Zircon of 2018; a write clears no flag", VS_SOFT_ARM64,
            HANDLES_2018, STATES_2018, TRAPS_ARM64_2018, PUBLISHED, .vcpus_max = VCPUS_ARM64,
            .flags_stay = true)

VS_SOFT_ROW(_arm64_2023, "soft:arm64:2023", VS_ARCH_ARM64,
            "soft:arm64 as Zircon of 2023, which took any interrupt; a write clears no flag",
            VS_SOFT_ARM64, VS_SOFT_STATES, TRAPS, PUBLISHED, .vcpus_max = VCPUS_ARM64,
            .flags_stay = true, .vectors_unchecked = true)

// Of 2026.
VS_SOFT_ROW(_arm64_zircon, "soft:arm64:zircon", VS_ARCH_ARM64,
            "soft:arm64, where as in published Zircon a write sets flags but clears none",
            VS_SOFT_ARM64, VS_SOFT_STATES, TRAPS, PUBLISHED, .vcpus_max = VCPUS_ARM64,
            .flags_stay = true)

// zCore of 2022, with RVM. Where nothing is mapped at a pointer the kernel itself faults; here that
// is refused. A vector of 256 or more panics there; here it is refused.
VS_SOFT_ROW(_zcore, "soft:zcore", VS_ARCH_X64,
            "soft with the order of zCore of 2022, which wants buffers aligned", VS_SOFT_X64,
            PUBLISHED, TRAPS_ZCORE, .taken_is_invalid = true, .rights_first = true,
            .owner_first = true, .same_rights_lost = true, .options_first = true,
            .maker_is_process = true, .early = {VS_SOFT_STATE_REGISTERS, VS_SOFT_STATE_SIZE},
            .read = {VS_SOFT_STATE_CREATOR, VS_SOFT_STATE_NATURAL},
            .write = {VS_SOFT_STATE_CREATOR, VS_SOFT_STATE_KIND, VS_SOFT_STATE_SIZE,
                      VS_SOFT_STATE_NATURAL, VS_SOFT_STATE_FETCH, VS_SOFT_STATE_ACCESS})
