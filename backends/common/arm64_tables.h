// SPDX-License-Identifier: BSD-3-Clause
// The page tables of an arm64 guest, stage 1 of EL1 and EL0, looked at from outside.
#ifndef VS_BACKENDS_COMMON_ARM64_TABLES_H_
#define VS_BACKENDS_COMMON_ARM64_TABLES_H_

#include <stdbool.h>
#include <stdint.h>

typedef struct vs_arm64_tables {
  uint64_t sctlr, tcr, ttbr0, ttbr1;  // of EL1
  // Reads 8 bytes of the guest's memory; false: there is none.
  bool (*read)(void* context, uint64_t gpa, uint64_t* out);
  void* context;
} vs_arm64_tables;

typedef struct vs_arm64_access {
  uint64_t address;
  bool write;
  bool from_el0;
} vs_arm64_access;

// Where an address is in guest-physical memory. False: the status code that a syndrome register
// would have. Whether code may be run from there, and what tables of tables forbid, is not looked
// at.
bool vs_arm64_translate(const vs_arm64_tables* tables, const vs_arm64_access* access, uint64_t* gpa,
                        uint32_t* fault);

#endif  // VS_BACKENDS_COMMON_ARM64_TABLES_H_
