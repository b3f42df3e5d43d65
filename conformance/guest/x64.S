# SPDX-License-Identifier: BSD-3-Clause
# The x86-64 guest programs. Assembled bytes are kept in x64.inc (see tools/guest-bytes); a test
# compares the two. But for `turn` and `take`, whenever a guest can be looked at its registers are as the
# caller wrote them; `send` alone leaves with others of its own. `mov`, `push`, `pop`, `lea` and `not`
# change no flags.
        .code64
        .set    DUMP, 0x4000            # zx_vcpu_state_x64_t
        .set    STACK, 0x6000           # top
        .set    LIFE, 0x7000
        .set    STORE, 0x7100
        .set    TOUCH, 0x110000
        .set    FX, 0x7200              # what goes into the vector registers, and comes out of them
        .set    FX_OUT, 0x7400
        .set    SUM, 0x7600
        .set    SAVED, 0x7700
        .set    CR4, 0x220              # PAE, OSFXSR
        .set    IDLE, 0x2cb0            # where they come to lie, below
        .set    GDT, 0x2cc0
        .set    GDTR, 0x2cd0
        .set    IDTR, 0x2cda
        .set    SELECTOR, 8
        .set    IF, 0x200
        .set    IDT, 0xa000

# Stores every register and leaves.
        .macro  tell
        mov     %rax, DUMP+0
        mov     %rcx, DUMP+8
        mov     %rdx, DUMP+16
        mov     %rbx, DUMP+24
        mov     %rsp, DUMP+32
        mov     %rbp, DUMP+40
        mov     %rsi, DUMP+48
        mov     %rdi, DUMP+56
        mov     %r8, DUMP+64
        mov     %r9, DUMP+72
        mov     %r10, DUMP+80
        mov     %r11, DUMP+88
        mov     %r12, DUMP+96
        mov     %r13, DUMP+104
        mov     %r14, DUMP+112
        mov     %r15, DUMP+120
        mov     $STACK, %esp
        pushfq
        popq    DUMP+128
        mov     DUMP+32, %rsp
        out     %al, $0xd0
        .endm

# Everything that has a number and is not in ZX_VCPU_STATE, added up in rcx; changes rax. No flag changes.
        .macro  control
        mov     %cr0, %rcx
        .irp    from, cr3, cr4
        mov     %\from, %rax
        lea     (%rcx,%rax), %rcx
        .endr
        .irp    from, ds, es, ss, cs, fs, gs
        mov     %\from, %eax
        lea     (%rcx,%rax), %rcx
        .endr
        .endm

# Adds to rcx what differs there from what was put into the vector registers. Changes rax and rdx.
        .macro  differ8 at
        mov     FX_OUT+\at, %rax
        mov     FX+\at, %rdx
        differ
        .endm
        .macro  differ4 at
        mov     FX_OUT+\at, %eax
        mov     FX+\at, %edx
        differ
        .endm
        .macro  differ
        not     %rdx
        lea     1(%rax,%rdx), %rax
        lea     (%rax,%rcx,2), %rcx
        .endm

        .org    0x000
dump:   tell
        jmp     dump
        .org    0x100
in8:    in      $0xd4, %al
        jmp     dump
        .org    0x110
in16:   in      $0xd4, %ax
        jmp     dump
        .org    0x120
in32:   in      $0xd4, %eax
        jmp     dump
        .org    0x130
out8:   out     %al, $0xd8
        jmp     dump
        .org    0x140
out16:  out     %ax, $0xd8
        jmp     dump
        .org    0x150
out32:  out     %eax, $0xd8
        jmp     dump
        .org    0x160
spin:   movb    $1, LIFE
1:      jmp     1b
        .org    0x180
store:  mov     %rax, STORE
        mov     STORE, %rax
        jmp     dump
        .org    0x1a0
stores: mov     %rax, TOUCH+0x8
        mov     %cl, TOUCH+0x1012
        mov     %r9w, TOUCH+0x20
        jmp     dump
        .org    0x1d0
fetch:  mov     TOUCH+0x28, %rdx
        jmp     dump
        .org    0x1f0
turn:
        not     %rax
        not     %rcx
        not     %rdx
        not     %rbx
        not     %rsp
        not     %rbp
        not     %rsi
        not     %rdi
        not     %r8
        not     %r9
        not     %r10
        not     %r11
        not     %r12
        not     %r13
        not     %r14
        not     %r15
        cmc
        jmp     dump
        .org    0x2a0
# Every register goes into the vector registers twice, some into those of floating point too.
keep:
        mov     %rax, FX+160+0
        mov     %rax, FX+288+0
        mov     %rcx, FX+160+8
        mov     %rcx, FX+288+8
        mov     %rdx, FX+160+16
        mov     %rdx, FX+288+16
        mov     %rbx, FX+160+24
        mov     %rbx, FX+288+24
        mov     %rsp, FX+160+32
        mov     %rsp, FX+288+32
        mov     %rbp, FX+160+40
        mov     %rbp, FX+288+40
        mov     %rsi, FX+160+48
        mov     %rsi, FX+288+48
        mov     %rdi, FX+160+56
        mov     %rdi, FX+288+56
        mov     %r8, FX+160+64
        mov     %r8, FX+288+64
        mov     %r9, FX+160+72
        mov     %r9, FX+288+72
        mov     %r10, FX+160+80
        mov     %r10, FX+288+80
        mov     %r11, FX+160+88
        mov     %r11, FX+288+88
        mov     %r12, FX+160+96
        mov     %r12, FX+288+96
        mov     %r13, FX+160+104
        mov     %r13, FX+288+104
        mov     %r14, FX+160+112
        mov     %r14, FX+288+112
        mov     %r15, FX+160+120
        mov     %r15, FX+288+120
        mov     %rax, FX+32+0
        movw    $0x3fff, FX+40+0
        mov     %rcx, FX+32+16
        movw    $0x3fff, FX+40+16
        mov     %rdx, FX+32+32
        movw    $0x3fff, FX+40+32
        mov     %rbx, FX+32+48
        movw    $0x3fff, FX+40+48
        mov     %rsp, FX+32+64
        movw    $0x3fff, FX+40+64
        mov     %rbp, FX+32+80
        movw    $0x3fff, FX+40+80
        mov     %rsi, FX+32+96
        movw    $0x3fff, FX+40+96
        mov     %rdi, FX+32+112
        movw    $0x3fff, FX+40+112
        movl    $0xb7f, FX              # rounds up, and all registers are in use
        movb    $0xff, FX+4
        movl    $0x3f80, FX+24          # rounds down
        mov     $CR4, %eax              # lets vector registers be used
        mov     %rax, %cr4
        fxrstor FX
        control
        mov     %rcx, SUM
        mov     FX+160, %rax
        mov     FX+168, %rcx
        tell
        fxsave  FX_OUT
        control
        mov     SUM, %rax
        not     %rax
        lea     1(%rcx,%rax), %rcx      # 0, if nothing has changed
        differ4 0                       # control and status of floating point
        differ4 24                      # MXCSR
        .set    at, 32
        .rept   8
        differ8 at
        .set    at, at+16
        .endr
        .set    at, 160
        .rept   32
        differ8 at
        .set    at, at+8
        .endr
        mov     FX_OUT+32, %rax
        lea     (%rax,%rcx), %rax
        mov     FX_OUT+168, %rcx
        mov     FX_OUT+176, %rdx
        mov     FX_OUT+80, %rbx
        mov     FX_OUT+192, %rsp
        mov     FX_OUT+200, %rbp
        mov     FX_OUT+208, %rsi
        mov     FX_OUT+144, %rdi
        mov     FX_OUT+224, %r8
        mov     FX_OUT+232, %r9
        mov     FX_OUT+368, %r10
        mov     FX_OUT+376, %r11
        mov     FX_OUT+384, %r12
        mov     FX_OUT+392, %r13
        mov     FX_OUT+400, %r14
        mov     FX_OUT+408, %r15
        jmp     dump
        .org    0xb00
take:   lgdt    GDTR
        lidt    IDTR
        mov     $STACK, %esp
        tell
        jmp     wait
        .org    0xbe0
# A handler ends here, with its vector in rax.
taken:  mov     $STACK, %esp
        tell
wait:   mov     $STACK, %esp
        movb    $1, LIFE
        pushq   $0                      # for IRET, which lets NMIs in again: SS
        pushq   $STACK
        pushfq
        orq     $IF, (%rsp)
        pushq   $SELECTOR
        pushq   $IDLE
        pushq   $2                      # without NT, with which there is no IRET
        popfq
        iretq
        .org    0xcb0
        hlt
        jmp     .-1
        .org    0xcc0
        .quad   0, 0x00209b0000000000   # code of 64 bits
        .word   15
        .quad   GDT
        .word   4095
        .quad   IDT
        .org    0xd00
# Sends vector 0x66 to processor 2, then starts processor 1 at 0x8000, by the x2APIC's command register.
send:   mov     %rax, SAVED
        mov     %rcx, SAVED+8
        mov     %rdx, SAVED+16
        mov     $0x830, %ecx
        mov     $0x66, %eax
        mov     $2, %edx
        wrmsr
        mov     $0x830, %ecx
        mov     $0x608, %eax
        mov     $1, %edx
        wrmsr
        mov     SAVED, %rax
        mov     SAVED+8, %rcx
        mov     SAVED+16, %rdx
        jmp     dump
        .org    0xd70
