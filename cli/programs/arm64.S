// SPDX-License-Identifier: BSD-3-Clause
// What runs a snippet in an arm64 guest, at EL1 with the MMU off: as x64.S. x0 and x1 are kept in
// TPIDR_EL1 and TPIDR_EL0 while they hold an address; the guest leaves by a store through SP_EL0.
        .set    CODE, 0x10000
        .set    HARNESS, 0x20000
        .set    PAGE, 0x30000           // zx_vcpu_state_arm64_t
        .set    FLOAT, 0x200            // FPCR, FPSR, and from 16 on v0 to v31
        .set    LOG, 0x420              // how many exceptions, at 16 the first: ESR, ELR, SPSR, FAR
        .set    TRAP, 0x100000
        .org    0x000
start:  mov     x0, #(3 << 20)          // no trap on vector registers
        msr     cpacr_el1, x0
        mov     x0, #HARNESS
        add     x0, x0, #0x800
        msr     vbar_el1, x0
        isb
leave:  msr     tpidr_el1, x0
        mov     x0, #TRAP
        msr     sp_el0, x0
        mrs     x0, tpidr_el1
        msr     spsel, #0
        str     x0, [sp]
        msr     spsel, #1
        msr     tpidr_el1, x0
        msr     tpidr_el0, x1
        mov     x0, #PAGE
        add     x0, x0, #FLOAT
        ldr     x1, [x0]
        msr     fpcr, x1
        ldr     x1, [x0, #8]
        msr     fpsr, x1
        add     x0, x0, #16
        ldp     q0, q1, [x0, #0]
        ldp     q2, q3, [x0, #32]
        ldp     q4, q5, [x0, #64]
        ldp     q6, q7, [x0, #96]
        ldp     q8, q9, [x0, #128]
        ldp     q10, q11, [x0, #160]
        ldp     q12, q13, [x0, #192]
        ldp     q14, q15, [x0, #224]
        ldp     q16, q17, [x0, #256]
        ldp     q18, q19, [x0, #288]
        ldp     q20, q21, [x0, #320]
        ldp     q22, q23, [x0, #352]
        ldp     q24, q25, [x0, #384]
        ldp     q26, q27, [x0, #416]
        ldp     q28, q29, [x0, #448]
        ldp     q30, q31, [x0, #480]
        mrs     x1, tpidr_el0
        mrs     x0, tpidr_el1
        b       start + CODE - HARNESS
        .org    0x100
back:   msr     tpidr_el1, x0
        mov     x0, #PAGE
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
        add     x0, x0, #FLOAT
        mrs     x1, fpcr
        str     x1, [x0]
        mrs     x1, fpsr
        str     x1, [x0, #8]
        add     x0, x0, #16
        stp     q0, q1, [x0, #0]
        stp     q2, q3, [x0, #32]
        stp     q4, q5, [x0, #64]
        stp     q6, q7, [x0, #96]
        stp     q8, q9, [x0, #128]
        stp     q10, q11, [x0, #160]
        stp     q12, q13, [x0, #192]
        stp     q14, q15, [x0, #224]
        stp     q16, q17, [x0, #256]
        stp     q18, q19, [x0, #288]
        stp     q20, q21, [x0, #320]
        stp     q22, q23, [x0, #352]
        stp     q24, q25, [x0, #384]
        stp     q26, q27, [x0, #416]
        stp     q28, q29, [x0, #448]
        stp     q30, q31, [x0, #480]
        mov     x1, #PAGE
        ldp     x0, x1, [x1]
        b       leave
// An exception ends the snippet.
caught: msr     tpidr_el1, x0
        msr     tpidr_el0, x1
        mov     x0, #PAGE
        add     x0, x0, #LOG
        ldr     x1, [x0]
        add     x1, x1, #1
        str     x1, [x0]
        mrs     x1, esr_el1
        str     x1, [x0, #16]
        mrs     x1, elr_el1
        str     x1, [x0, #24]
        mrs     x1, spsr_el1
        str     x1, [x0, #32]
        mrs     x1, far_el1
        str     x1, [x0, #40]
        mov     x1, #HARNESS
        add     x1, x1, #(back - start)
        msr     elr_el1, x1
        mrs     x1, tpidr_el0
        mrs     x0, tpidr_el1
        eret
        .org    0x800
        .rept   16
        b       caught
        .balign 128
        .endr
