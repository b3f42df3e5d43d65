# SPDX-License-Identifier: BSD-3-Clause
# What runs a snippet in an x86-64 guest: starts it with the registers that zx_vcpu_write_state
# wrote and the vector registers of PAGE, and leaves everything that can be seen after it in PAGE. All
# but the start and the handlers of exceptions is at privilege level 3.
# machine.h has the same addresses. Assembled bytes are kept in x64.inc (see tools/guest-bytes).
        .code64
        .set    CODE, 0x10000
        .set    HARNESS, 0x20000
        .set    PAGE, 0x30000
        .set    TRAP, 0x100000          # a store to it leaves the guest
        .set    STATE, PAGE             # zx_vcpu_state_x64_t
        .set    FLOAT, PAGE + 0x200     # as of FXSAVE
        .set    LOG, PAGE + 0x400       # how many exceptions, at 16 the first four: 48 bytes each
        .set    OWN, 0x31000            # the harness's own: features, saved registers, a stack
        .set    SAVED, OWN + 0x100
        .set    STACK, OWN + 0x800
        .set    STATUS, 0x8d5           # flags that instructions compute, and may leave undefined
        .set    USER, 0x244dd7          # flags that zx_vcpu_write_state writes
        .set    TF, 0x100
        .set    RF, 0x10000
        .org    0x000
start:  lgdt    HARNESS + (gdtr - start)
        lidt    HARNESS + (idtr - start)
        mov     $STACK, %esp
        push    $8
        push    $HARNESS + (here - start)
        lretq
here:   xor     %ecx, %ecx
        mov     $1, %eax
        cpuid
        mov     %ecx, OWN
        xor     %ecx, %ecx
        mov     $7, %eax
        cpuid
        mov     %ebx, OWN + 4
        mov     $0x80000001, %eax
        cpuid
        mov     %ecx, OWN + 8
        mov     %cr0, %rax
        and     $~0xc, %rax             # EM, TS
        or      $0x22, %rax             # MP, NE
        mov     %rax, %cr0
        mov     %cr4, %rax
        or      $0x600, %rax            # OSFXSR, OSXMMEXCPT
        mov     %rax, %cr4
        mov     $0x28, %ax
        ltr     %ax
        push    $0x23
        push    $STACK
        push    $0x202                  # IF, as user code has it
        push    $0x1b
        push    $HARNESS + (leave - start)
        iretq
        .org    0x090
leave:  mov     %rax, TRAP
        fxrstorq FLOAT
        jmp     start + CODE - HARNESS
        .org    0x0c0
back:   mov     %rax, STATE+0
        mov     %rcx, STATE+8
        mov     %rdx, STATE+16
        mov     %rbx, STATE+24
        mov     %rsp, STATE+32
        mov     %rbp, STATE+40
        mov     %rsi, STATE+48
        mov     %rdi, STATE+56
        mov     %r8, STATE+64
        mov     %r9, STATE+72
        mov     %r10, STATE+80
        mov     %r11, STATE+88
        mov     %r12, STATE+96
        mov     %r13, STATE+104
        mov     %r14, STATE+112
        mov     %r15, STATE+120
        fxsaveq FLOAT
        mov     $STACK, %esp
        pushfq
        popq    STATE+128
        pushfq
        andq    $USER, (%rsp)           # the others are not the caller's to reset
        popfq
        mov     STATE+32, %rsp
        jmp     leave
# Behind the frame of an exception: its error code, or 0, and its vector.
caught: mov     %rax, SAVED
        mov     %rbx, SAVED+8
        pushfq
        pop     %rax
        and     $~STATUS, %rax
        mov     %rax, SAVED+16
        mov     LOG, %rax
        lea     1(%rax), %rbx
        mov     %rbx, LOG
        cmp     $4, %rax
        jae     1f
        lea     (%rax,%rax,2), %rax
        shl     $4, %rax
        add     $LOG + 16, %rax
        mov     (%rsp), %rbx
        mov     %rbx, (%rax)
        mov     8(%rsp), %rbx
        mov     %rbx, 8(%rax)
        mov     16(%rsp), %rbx
        mov     %rbx, 16(%rax)
        mov     32(%rsp), %rbx
        and     $~STATUS, %rbx
        mov     %rbx, 24(%rax)
        mov     SAVED+16, %rbx
        mov     %rbx, 32(%rax)
        cmpq    $14, (%rsp)
        jne     1f
        mov     %cr2, %rbx
        mov     %rbx, 40(%rax)
1:      cmpq    $1, (%rsp)
        jne     2f
        cmpq    $HARNESS + (back - start), 16(%rsp)
        jb      3f
        andq    $~TF, 32(%rsp)          # stepped to the end of the snippet
        jmp     3f
2:      movq    $HARNESS + (back - start), 16(%rsp)
        andq    $~(TF | RF), 32(%rsp)
3:      mov     SAVED, %rax
        mov     SAVED+8, %rbx
        add     $16, %rsp
        iretq
        .org    0x280
gdtr:   .word   0x37
        .quad   HARNESS + (gdt - start)
        .org    0x290
idtr:   .word   32 * 16 - 1
        .quad   HARNESS + (idt - start)
        .org    0x2a0
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff       # of level 0
        .quad   0x00affb000000ffff, 0x00cff3000000ffff          # of level 3
        .quad   0x0000890203000067, 0                           # the TSS at HARNESS + 0x300
        .org    0x300
        .long   0
        .quad   STACK + 0x400           # of level 0
        .org    0x366
        .word   0x68                    # no map of ports
        .org    0x400
idt:    .set    vector, 0
        .rept   32
        .quad   (((HARNESS + 0x600) >> 16) << 48) | (0x8e << 40) | (8 << 16) | ((HARNESS + 0x600 + 16 * vector) & 0xffff)
        .quad   0
        .set    vector, vector + 1
        .endr
        .org    0x600
        .set    vector, 0
        .rept   32
        .org    0x600 + 16 * vector
        .if     vector != 8 && (vector < 10 || vector > 14) && vector != 17
        push    $0
        .endif
        push    $vector
        jmp     caught
        .set    vector, vector + 1
        .endr
        .org    0x800
