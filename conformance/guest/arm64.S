// SPDX-License-Identifier: BSD-3-Clause
// The arm64 guest programs, for EL1 with the MMU off. Assembled bytes are kept in arm64.inc (see
// tools/guest-bytes); a test compares the two. Nothing here changes a register that the caller
// wrote: what a program borrows it keeps in TPIDR_EL1 or in the dump, and puts back before anyone
// can look. An address that has to be in a register while the guest leaves is in SP_EL0, which the
// state does not hold; the caller's sp is SP_EL1. No instruction touches the flags.
        .set    DUMP, 0x4000            // zx_vcpu_state_arm64_t
        .set    LIFE, 0x7000
        .set    STORE, 0x7100
        .set    MMIO, 0x100000
        .set    TOUCH, 0x110000
        .org    0x000
dump:
        msr     tpidr_el1, x0
        mov     x0, #DUMP
        str     x1, [x0, #8]
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        str     x30, [x0, #240]
        mov     x1, sp
        str     x1, [x0, #248]
        mrs     x1, nzcv
        str     x1, [x0, #256]
        mrs     x1, tpidr_el1
        str     x1, [x0]
        mov     x1, #MMIO
        msr     sp_el0, x1
        ldp     x0, x1, [x0]
        msr     spsel, #0
        str     x0, [sp]
        msr     spsel, #1
        b       dump
        .org    0x160
spin:   msr     tpidr_el1, x0
        mov     x0, #LIFE
        msr     sp_el0, x0
        mrs     x0, tpidr_el1
        msr     spsel, #0
        strb    wzr, [sp]
1:      b       1b
        .org    0x180
store:  msr     tpidr_el1, x1
        mov     x1, #STORE
        str     x0, [x1]
        ldr     x0, [x1]
        mrs     x1, tpidr_el1
        b       dump
        .org    0x1a0
stores: msr     tpidr_el1, x1
        mov     x1, #TOUCH
        msr     sp_el0, x1
        mrs     x1, tpidr_el1
        msr     spsel, #0
        str     x0, [sp, #0x8]
        strh    w1, [sp, #0x1012]
        strb    w9, [sp, #0x21]
        msr     spsel, #1
        b       dump
        .org    0x1d0
fetch:  msr     tpidr_el1, x1
        mov     x1, #TOUCH
        msr     sp_el0, x1
        mrs     x1, tpidr_el1
        msr     spsel, #0
        ldrsh   x2, [sp, #0x28]
        msr     spsel, #1
        b       dump
        .org    0x1f0
