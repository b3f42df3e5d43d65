// SPDX-License-Identifier: BSD-3-Clause
// Which register an arm64 guest's load or store was of, as the kvm engine reads it from the
// instruction: also on hosts without such guests. Bytes are those of Binutils' assembler.
#include <criterion/criterion.h>

#include "arm64/insn.h"

typedef struct row {
  const char* text;
  uint32_t insn;
  uint8_t xt;
  bool sign_extend;
} row;

static void known(vs_kvm_arm64_isa isa, const row* rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const vs_kvm_arm64_transfer got = vs_kvm_arm64_transfer_of(isa, rows[i].insn);
    cr_expect(got.known, "%s", rows[i].text);
    cr_expect_eq(got.xt, rows[i].xt, "%s: %u", rows[i].text, got.xt);
    cr_expect_eq(got.sign_extend, rows[i].sign_extend, "%s", rows[i].text);
  }
}

static void unknown(vs_kvm_arm64_isa isa, const row* rows, size_t count) {
  for (size_t i = 0; i < count; i++)
    cr_expect_not(vs_kvm_arm64_transfer_of(isa, rows[i].insn).known, "%s", rows[i].text);
}

#define ROWS(isa, judge, ...)                       \
  do {                                              \
    static const row rows[] = {__VA_ARGS__};        \
    judge(isa, rows, sizeof rows / sizeof rows[0]); \
  } while (0)

Test(transfers, of_64_bit_code) {
  ROWS(VS_KVM_ARM64_A64, known, {"str x0, [x1]", 0xf9000020, 0, false},
       {"ldrsw x3, [x1]", 0xb9800023, 3, true}, {"ldrsb w4, [x1, #3]", 0x39c00c24, 4, true},
       {"ldursh x5, [x1, #-3]", 0x789fd025, 5, true}, {"ldrh w6, [x1, x2]", 0x78626826, 6, false},
       {"strb wzr, [x1]", 0x3900003f, 31, false}, {"ldar w7, [x1]", 0x88dffc27, 7, false});
}

Test(transfers, of_arm_code) {
  ROWS(VS_KVM_ARM64_A32, known, {"str r0, [r1]", 0xe5810000, 0, false},
       {"str r14, [r1, #4]", 0xe581e004, 14, false}, {"strb r3, [r1, -r2]", 0xe7413002, 3, false},
       {"ldr r12, [r1, r2, lsl #2]", 0xe791c102, 12, false},
       {"strh r5, [r1]", 0xe1c150b0, 5, false}, {"ldrh r5, [r1, r2]", 0xe19150b2, 5, false},
       {"ldrsb r4, [r1, #1]", 0xe1d140d1, 4, true}, {"ldrsh r4, [r1, r2]", 0xe19140f2, 4, true},
       {"lda r6, [r1]", 0xe1916c9f, 6, false}, {"ldab r6, [r1]", 0xe1d16c9f, 6, false},
       {"stl r7, [r1]", 0xe181fc97, 7, false}, {"stlh r7, [r1]", 0xe1e1fc97, 7, false});
}

Test(transfers, of_arm_code_that_no_processor_describes) {
  ROWS(VS_KVM_ARM64_A32, unknown, {"str r0, [r1], #4", 0xe4810004, 0, false},
       {"str r0, [r1, #4]!", 0xe5a10004, 0, false}, {"ldrt r0, [r1], #4", 0xe4b10004, 0, false},
       {"ldr pc, [r1]", 0xe591f000, 0, false}, {"strd r2, r3, [r1]", 0xe1c120f0, 0, false},
       {"ldrd r2, r3, [r1]", 0xe1c120d0, 0, false}, {"strh r5, [r1], #2", 0xe0c150b2, 0, false},
       {"stm r1, {r0, r2}", 0xe8810005, 0, false}, {"ldrex r0, [r1]", 0xe1910f9f, 0, false},
       {"strex r2, r0, [r1]", 0xe1812f90, 0, false}, {"ldaex r0, [r1]", 0xe1910e9f, 0, false},
       {"ldrexd r2, r3, [r1]", 0xe1b12f9f, 0, false}, {"vstr d0, [r1]", 0xed810b00, 0, false},
       {"pld [r1]", 0xf5d1f000, 0, false}, {"mul r0, r1, r2", 0xe0000291, 0, false});
}

Test(transfers, of_thumb_code) {
  ROWS(VS_KVM_ARM64_T32, known, {"str r0, [r1]", 0x00006008, 0, false},
       {"strb r3, [r1, #1]", 0x0000704b, 3, false}, {"strh r4, [r1]", 0x0000800c, 4, false},
       {"ldr r5, [r1, r2]", 0x0000588d, 5, false}, {"ldrsb r6, [r1, r2]", 0x0000568e, 6, true},
       {"ldrsh r7, [r1, r2]", 0x00005e8f, 7, true}, {"str r2, [sp, #4]", 0x00009201, 2, false},
       {"ldr r3, [pc, #8]", 0x00004b02, 3, false}, {"str.w r8, [r1]", 0x8000f8c1, 8, false},
       {"strb.w r9, [r1, #-1]", 0x9c01f801, 9, false}, {"ldrsb.w r10, [r1]", 0xa000f991, 10, true},
       {"ldrsh.w r11, [r1, r2]", 0xb002f931, 11, true}, {"ldrt r0, [r1]", 0x0e00f851, 0, false},
       {"ldrh.w r12, [pc, #4]", 0xc004f8bf, 12, false}, {"lda r6, [r1]", 0x6fafe8d1, 6, false},
       {"stlb r7, [r1]", 0x7f8fe8c1, 7, false});
}

Test(transfers, of_thumb_code_that_no_processor_describes) {
  ROWS(VS_KVM_ARM64_T32, unknown, {"str r0, [r1], #4", 0x0b04f841, 0, false},
       {"str r0, [r1, #4]!", 0x0f04f841, 0, false}, {"ldr.w pc, [r1]", 0xf000f8d1, 0, false},
       {"strd r2, r3, [r1]", 0x2300e9c1, 0, false}, {"push {r0, r1}", 0x0000b403, 0, false},
       {"stm r1!, {r0, r2}", 0x0000c105, 0, false}, {"ldrex r0, [r1]", 0x0f00e851, 0, false},
       {"strexb r2, r0, [r1]", 0x0f42e8c1, 0, false}, {"pld [r1]", 0xf000f891, 0, false},
       {"tbb [r1, r2]", 0xf002e8d1, 0, false}, {"vstr d0, [r1]", 0x0b00ed81, 0, false},
       {"adds r0, r1, r2", 0x00001888, 0, false});
}

Test(transfers, thumb_code_of_two_halfwords) {
  cr_expect(vs_kvm_arm64_is_wide(0xe8d1) && vs_kvm_arm64_is_wide(0xf8c1) &&
            vs_kvm_arm64_is_wide(0xf000));
  cr_expect(!vs_kvm_arm64_is_wide(0xe7fe) && !vs_kvm_arm64_is_wide(0x6008));
}
