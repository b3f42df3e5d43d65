# SPDX-License-Identifier: BSD-3-Clause
# The x86-64 guest programs. Assembled bytes are kept in x64.inc (see tools/guest-bytes); a test
# compares the two. Nothing here changes a register that the caller wrote: `mov`, `push`, `pop`
# leave the flags alone, and rsp is put back.
        .code64
        .set    DUMP, 0x4000            # zx_vcpu_state_x64_t
        .set    STACK, 0x6000           # top
        .set    LIFE, 0x7000
        .set    STORE, 0x7100
        .set    TOUCH, 0x110000
        .org    0x000
dump:
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
        .org    0x1e0
