// SPDX-License-Identifier: BSD-3-Clause
// The arm64 guest programs, for EL1 with the MMU off. Assembled bytes are kept in arm64.inc (see
// tools/guest-bytes); a test compares the two. But for `turn`, nothing here changes a
// register that the caller wrote: what a program borrows it keeps in TPIDR_EL1 or in the dump, and
// puts back before anyone can look. An address that has to be in a register while the guest leaves is in SP_EL0, which the
// state does not hold; the caller's sp is SP_EL1. No instruction of these touches the flags.
        .set    DUMP, 0x4000            // zx_vcpu_state_arm64_t
        .set    LIFE, 0x7000
        .set    STORE, 0x7100
        .set    MMIO, 0x100000
        .set    TOUCH, 0x110000

// Stores every register and leaves.
        .macro  tell
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
        .endm

        .org    0x000
dump:   tell
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
turn:   msr     tpidr_el1, x1
        mrs     x1, nzcv
        mvn     x1, x1
        msr     nzcv, x1
        mov     x1, sp
        mvn     x1, x1
        mov     sp, x1
        mrs     x1, tpidr_el1
        mvn     x0, x0
        mvn     x1, x1
        mvn     x2, x2
        mvn     x3, x3
        mvn     x4, x4
        mvn     x5, x5
        mvn     x6, x6
        mvn     x7, x7
        mvn     x8, x8
        mvn     x9, x9
        mvn     x10, x10
        mvn     x11, x11
        mvn     x12, x12
        mvn     x13, x13
        mvn     x14, x14
        mvn     x15, x15
        mvn     x16, x16
        mvn     x17, x17
        mvn     x18, x18
        mvn     x19, x19
        mvn     x20, x20
        mvn     x21, x21
        mvn     x22, x22
        mvn     x23, x23
        mvn     x24, x24
        mvn     x25, x25
        mvn     x26, x26
        mvn     x27, x27
        mvn     x28, x28
        mvn     x29, x29
        mvn     x30, x30
        b       dump
        .org    0x2a0
// Every register goes into half a vector register, sp into the last.
keep:   msr     tpidr_el1, x0
        mov     x0, #0x300000
        msr     cpacr_el1, x0
        isb
        mov     x0, sp
        fmov    d31, x0
        mrs     x0, tpidr_el1
        fmov    d0, x0
        fmov    v1.d[1], x1
        fmov    d2, x2
        fmov    v3.d[1], x3
        fmov    d4, x4
        fmov    v5.d[1], x5
        fmov    d6, x6
        fmov    v7.d[1], x7
        fmov    d8, x8
        fmov    v9.d[1], x9
        fmov    d10, x10
        fmov    v11.d[1], x11
        fmov    d12, x12
        fmov    v13.d[1], x13
        fmov    d14, x14
        fmov    v15.d[1], x15
        fmov    d16, x16
        fmov    v17.d[1], x17
        fmov    d18, x18
        fmov    v19.d[1], x19
        fmov    d20, x20
        fmov    v21.d[1], x21
        fmov    d22, x22
        fmov    v23.d[1], x23
        fmov    d24, x24
        fmov    v25.d[1], x25
        fmov    d26, x26
        fmov    v27.d[1], x27
        fmov    d28, x28
        fmov    v29.d[1], x29
        fmov    d30, x30
        tell
        fmov    x0, d31
        mov     sp, x0
        fmov    x0, d0
        fmov    x1, v1.d[1]
        fmov    x2, d2
        fmov    x3, v3.d[1]
        fmov    x4, d4
        fmov    x5, v5.d[1]
        fmov    x6, d6
        fmov    x7, v7.d[1]
        fmov    x8, d8
        fmov    x9, v9.d[1]
        fmov    x10, d10
        fmov    x11, v11.d[1]
        fmov    x12, d12
        fmov    x13, v13.d[1]
        fmov    x14, d14
        fmov    x15, v15.d[1]
        fmov    x16, d16
        fmov    x17, v17.d[1]
        fmov    x18, d18
        fmov    x19, v19.d[1]
        fmov    x20, d20
        fmov    x21, v21.d[1]
        fmov    x22, d22
        fmov    x23, v23.d[1]
        fmov    x24, d24
        fmov    x25, v25.d[1]
        fmov    x26, d26
        fmov    x27, v27.d[1]
        fmov    x28, d28
        fmov    x29, v29.d[1]
        fmov    x30, d30
        b       dump
        .org    0x450
