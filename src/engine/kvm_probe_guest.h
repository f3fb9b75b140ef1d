/* SPDX-License-Identifier: Apache-2.0 */
/* kvm_probe_guest.h - what kvm_probe_guest.S and kvm_probe_vm.c agree on; for C and assembler. */
#ifndef ENGINE_KVM_PROBE_GUEST_H
#define ENGINE_KVM_PROBE_GUEST_H

/* The guest reports a finished step by an OUT of its number to this port. */
#define GUEST_PORT	     0x10
#define STEP_START	     0
#define STEP_REAL_MODE	     1
#define STEP_PROTECTED_MODE  2
#define STEP_LONG_MODE	     3
#define STEP_MSRS	     4
#define STEP_PAGE_FAULT	     5
#define STEP_INTERRUPT	     6
#define STEP_ADDRESS_SPACE   7
#define STEP_WORK	     8
#define STEP_USER_MODE	     9
#define STEP_DONE	     10
#define STEP_WRONG_RESULT    255

/* Guest-physical memory; mapped one to one. */
#define GUEST_MEMORY_B	     0x20000
#define GUEST_PML4	     0x1000
#define GUEST_PML4_OTHER     0x2000
#define GUEST_PDPT	     0x3000
#define GUEST_PD	     0x4000
#define GUEST_PD_LAPIC	     0x5000
#define GUEST_PT	     0x6000
#define GUEST_IDT	     0x7000
#define GUEST_IDT_B	     0x400 /* 64 gates */
#define GUEST_GDT	     0x7800
#define GUEST_GDT_B	     0x40
#define GUEST_TSS	     0x7a00
#define GUEST_TSS_STACK_TOP  0x9000
#define GUEST_STACK_TOP	     0xa000
#define GUEST_USER_STACK_TOP 0xb000
#define GUEST_LAZY_PAGE	     0xb000 /* not mapped at first */
#define GUEST_LAZY_USER_PAGE 0xc000 /* likewise */
#define GUEST_CODE	     0x10000

/* Selectors, in the order that SYSCALL and SYSRET ask for. */
#define GUEST_CS64	     0x08
#define GUEST_DS	     0x10
#define GUEST_CS32	     0x18
#define GUEST_USER_DS	     0x20
#define GUEST_USER_CS64	     0x28
#define GUEST_TSS_SELECTOR   0x30 /* two slots */
#define GUEST_STAR_HIGH	     ((GUEST_CS32 << 16) | GUEST_CS64)

#define GUEST_TIMER_VECTOR   0x20
#define GUEST_LOOPS	     5000000 /* two instructions each: a few ms on a processor */

#endif
