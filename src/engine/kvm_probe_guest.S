/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_probe_guest.S - what the KVM probe runs as a guest; kvm_probe_vm.c loads it.
 *
 * It does in small what every 64-bit kernel does on its way up, and reports each step that is done
 * by an OUT of the step's number (enum kvm_probe_step). The host has laid out page tables, GDT, IDT
 * and TSS; the code is copied to GUEST_CODE and its real-mode segments start there.
 */
#include "engine/kvm_probe_guest.h"

#define AT(label) ((label) - kvm_probe_guest_start + GUEST_CODE)
#define LAPIC	  0xfee00000

	.section .rodata.kvm_probe_guest, "a", @progbits
	.balign 16
	.globl kvm_probe_guest_start, kvm_probe_guest_end
	.globl kvm_probe_guest_on_fault, kvm_probe_guest_on_timer
	.hidden kvm_probe_guest_start, kvm_probe_guest_end
	.hidden kvm_probe_guest_on_fault, kvm_probe_guest_on_timer

	.macro step number
	mov $\number, %al
	out %al, $GUEST_PORT
	.endm

kvm_probe_guest_start:
	.code16
	cli
	step STEP_REAL_MODE
	lgdtl gdt_pointer - kvm_probe_guest_start
	mov %cr0, %eax
	or $0x1, %eax			/* PE */
	mov %eax, %cr0
	ljmpl $GUEST_CS32, $AT(protected_mode)

	.code32
protected_mode:
	mov $GUEST_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	step STEP_PROTECTED_MODE
	mov %cr4, %eax
	or $0x620, %eax			/* PAE, OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4
	mov $GUEST_PML4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		/* EFER */
	rdmsr
	or $0x901, %eax			/* SCE, LME, NXE */
	wrmsr
	mov %cr0, %eax
	or $0x80010000, %eax		/* PG, WP */
	mov %eax, %cr0
	ljmp $GUEST_CS64, $AT(long_mode)

	.code64
long_mode:
	mov $GUEST_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $GUEST_STACK_TOP, %esp
	lidt AT(idt_pointer)
	mov $GUEST_TSS_SELECTOR, %eax
	ltr %ax
	call 1f				/* the stack works */
	jmp 2f
1:	ret
2:	step STEP_LONG_MODE

	/* swapgs exchanges the two bases that we set. */
	mov $0x11111000, %eax
	xor %edx, %edx
	mov $0xc0000101, %ecx		/* GS_BASE */
	wrmsr
	mov $0x22222000, %eax
	mov $0xc0000102, %ecx		/* KERNEL_GS_BASE */
	wrmsr
	swapgs
	mov $0xc0000101, %ecx
	rdmsr
	cmp $0x22222000, %eax
	jne fail
	step STEP_MSRS

	/* The handler of the page fault maps the page; then the access succeeds. */
	movabs $0x0123456789abcdef, %rdx
	mov %rdx, GUEST_LAZY_PAGE
	cmp %rdx, GUEST_LAZY_PAGE
	jne fail
	step STEP_PAGE_FAULT

	/* One shot of the local APIC's timer wakes us from HLT. */
	mov $LAPIC, %ebx
	movl $0x1ff, 0xf0(%rbx)		/* enable */
	movl $0xb, 0x3e0(%rbx)		/* divide by 1 */
	movl $GUEST_TIMER_VECTOR, 0x320(%rbx)
	movl $10000, 0x380(%rbx)	/* start */
3:	cmpl $0, AT(timer_ticks)
	jne 4f
	sti
	hlt
	cli
	jmp 3b
4:	pushfq
	pop %rax
	test $0x200, %eax		/* IF is what cli made it */
	jnz fail
	step STEP_INTERRUPT

	mov $GUEST_PML4_OTHER, %eax
	mov %rax, %cr3
	movabs $0x0123456789abcdef, %rdx
	cmp %rdx, GUEST_LAZY_PAGE
	jne fail
	step STEP_ADDRESS_SPACE

	/*
	 * What a KVM that only emulates instructions does not know, and the kernel's allocator
	 * needs (CMPXCHG16B), or does a hundred times too slowly.
	 */
	xor %eax, %eax
	xor %edx, %edx
	mov $1, %ebx
	mov $2, %ecx
	lock cmpxchg16b AT(wide)
	jne fail
	cmpl $2, AT(wide) + 8
	jne fail
	movq AT(wide), %xmm0
	paddd %xmm0, %xmm0
	movq %xmm0, %rax
	cmp $2, %rax
	jne fail
	mov $GUEST_LOOPS, %ecx
5:	dec %ecx
	jnz 5b
	step STEP_WORK

	/* To ring 3 and back. */
	xor %eax, %eax
	mov $GUEST_STAR_HIGH, %edx
	mov $0xc0000081, %ecx		/* STAR */
	wrmsr
	mov $AT(on_syscall), %eax
	xor %edx, %edx
	mov $0xc0000082, %ecx		/* LSTAR */
	wrmsr
	mov $0x200, %eax
	mov $0xc0000084, %ecx		/* SFMASK */
	wrmsr
	mov $AT(user), %ecx
	mov $0x202, %r11d
	mov $GUEST_USER_STACK_TOP, %esp
	sysretq

user:
	mov %cs, %eax
	and $3, %eax
	movl %eax, GUEST_LAZY_USER_PAGE	/* a fault in ring 3, through the stack of the TSS */
	pushq %rax
	syscall
	jmp fail

on_syscall:
	mov $GUEST_STACK_TOP, %esp
	cmpl $3, GUEST_LAZY_USER_PAGE
	jne fail
	cmpl $2, AT(faults)
	jne fail
	step STEP_USER_MODE
	step STEP_DONE
8:	hlt
	jmp 8b

fail:
	step STEP_WRONG_RESULT
6:	hlt
	jmp 6b

/* Maps the page that CR2 names, if it is one of ours: its table entry is its address plus flags. */
kvm_probe_guest_on_fault:
	push %rax
	push %rdx
	mov %cr2, %rax
	cmp $GUEST_LAZY_PAGE, %rax
	je 7f
	cmp $GUEST_LAZY_USER_PAGE, %rax
	jne fail
7:	lea 0x7(%rax), %edx		/* present, writable, user */
	shr $12, %eax
	mov %rdx, GUEST_PT(, %rax, 8)
	mov %cr2, %rax
	invlpg (%rax)
	incl AT(faults)
	pop %rdx
	pop %rax
	add $8, %rsp			/* error code */
	iretq

kvm_probe_guest_on_timer:
	push %rbx
	mov $LAPIC, %ebx
	incl AT(timer_ticks)
	movl $0, 0xb0(%rbx)		/* end of interrupt */
	pop %rbx
	iretq

	.balign 16
wide:
	.quad 0, 0
timer_ticks:
	.long 0
faults:
	.long 0
	.word 0
gdt_pointer:
	.word GUEST_GDT_B - 1
	.long GUEST_GDT
	.balign 8
	.word 0, 0, 0
idt_pointer:
	.word GUEST_IDT_B - 1
	.quad GUEST_IDT
kvm_probe_guest_end:

	.section .note.GNU-stack, "", @progbits
