/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_probe_vm.c - the part of the KVM probe that runs in a child process; see kvm_probe_vm.h.
 *
 * What is set before the guest starts is what QEMU sets: CPUID as KVM supports it, the interrupt
 * chips in the kernel, model-specific registers including the feature register 0x10a, whose refusal
 * makes QEMU abort.
 */
#include "engine/kvm_probe_vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/kvm_probe_guest.h"

#define CPUID_ENTRIES_MAX     256
#define MSRS_MAX	      16
#define INTEL_TSS_ADDR	      0xfffbd000UL /* three pages that no guest memory covers */
#define INTEL_IDENTITY_ADDR   0xfffbc000UL
#define MSR_ARCH_CAPABILITIES 0x10a
#define PAGE_TABLE_FLAGS      0x7 /* present, writable, user */
#define PAGE_LARGE	      0x80
#define RUNS_MAX	      1000

extern const uint8_t kvm_probe_guest_start[], kvm_probe_guest_end[];
extern const uint8_t kvm_probe_guest_on_fault[], kvm_probe_guest_on_timer[];

struct probe {
	int kvm, vm, vcpu, report_fd;
	uint8_t *memory;
	struct kvm_run *run;
	bool has_arch_capabilities; /* CPUID tells the guest of MSR_ARCH_CAPABILITIES */
	struct kvm_probe_report report;
};

static void send_report(const struct probe *p)
{
	/* A parent that is gone needs no report. */
	(void)!write(p->report_fd, &p->report, sizeof(p->report));
}

/* Tells whether a call succeeded, and reports when it did not. */
static bool step_ok(struct probe *p, enum kvm_probe_stage stage, long result)
{
	p->report.stage = (int)stage;
	if (result >= 0)
		return true;
	p->report.errnum = errno;
	send_report(p);
	return false;
}

static void put_u64(struct probe *p, uint32_t at, uint64_t v)
{
	memcpy(p->memory + at, &v, sizeof(v));
}

/* Where a label of the guest's code is, from its start. */
static size_t offset_of(const uint8_t *label)
{
	return (uintptr_t)label - (uintptr_t)kvm_probe_guest_start;
}

static void put_gate(struct probe *p, unsigned int vector, const uint8_t *handler)
{
	uint64_t at = offset_of(handler) + GUEST_CODE;

	/* Present 64-bit interrupt gate in ring 0; all addresses are below 4 GiB. */
	put_u64(p, GUEST_IDT + vector * 16,
		(at & 0xffff) | (uint64_t)GUEST_CS64 << 16 | 0x8e00ULL << 32 | (at >> 16) << 48);
	put_u64(p, GUEST_IDT + vector * 16 + 8, 0);
}

static void put_tables(struct probe *p)
{
	static const uint64_t gdt[] = {
		0,
		0x00af9b000000ffff,					   /* GUEST_CS64 */
		0x00cf93000000ffff,					   /* GUEST_DS */
		0x00cf9b000000ffff,					   /* GUEST_CS32 */
		0x00cff3000000ffff,					   /* GUEST_USER_DS */
		0x00affb000000ffff,					   /* GUEST_USER_CS64 */
		0x0000890000000067 | (uint64_t)(GUEST_TSS & 0xffff) << 16, /* GUEST_TSS_SELECTOR */
		0,
	};

	_Static_assert(sizeof(gdt) == GUEST_GDT_B, "the guest loads the whole table");
	memcpy(p->memory + GUEST_GDT, gdt, sizeof(gdt));
	put_u64(p, GUEST_PML4, GUEST_PDPT | PAGE_TABLE_FLAGS);
	put_u64(p, GUEST_PML4_OTHER, GUEST_PDPT | PAGE_TABLE_FLAGS);
	put_u64(p, GUEST_PDPT, GUEST_PD | PAGE_TABLE_FLAGS);
	put_u64(p, GUEST_PDPT + 3 * 8, GUEST_PD_LAPIC | PAGE_TABLE_FLAGS);
	put_u64(p, GUEST_PD, GUEST_PT | PAGE_TABLE_FLAGS);
	put_u64(p, GUEST_PD_LAPIC + 503 * 8, 0xfee00000 | PAGE_LARGE | PAGE_TABLE_FLAGS);
	for (uint32_t at = 0; at < GUEST_MEMORY_B; at += 0x1000) {
		if (at != GUEST_LAZY_PAGE && at != GUEST_LAZY_USER_PAGE)
			put_u64(p, GUEST_PT + at / 0x1000 * 8, at | PAGE_TABLE_FLAGS);
	}
	put_u64(p, GUEST_TSS + 4, GUEST_TSS_STACK_TOP);
	put_gate(p, 14, kvm_probe_guest_on_fault);
	put_gate(p, GUEST_TIMER_VECTOR, kvm_probe_guest_on_timer);
	memcpy(p->memory + GUEST_CODE, kvm_probe_guest_start, offset_of(kvm_probe_guest_end));
}

static bool make_vm(struct probe *p)
{
	struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY_B};
	uint64_t identity = INTEL_IDENTITY_ADDR;

	errno = ENOTSUP;
	if (!step_ok(p, KVM_STAGE_VERSION,
		     ioctl(p->kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION ? 0 : -1))
		return false;
	p->vm = ioctl(p->kvm, KVM_CREATE_VM, 0);
	if (!step_ok(p, KVM_STAGE_CREATE_VM, p->vm))
		return false;
	p->memory = mmap(NULL, GUEST_MEMORY_B, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (!step_ok(p, KVM_STAGE_MEMORY, p->memory == MAP_FAILED ? -1 : 0))
		return false;
	put_tables(p);
	region.userspace_addr = (uintptr_t)p->memory;
	if (!step_ok(p, KVM_STAGE_MEMORY, ioctl(p->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity)) ||
	    !step_ok(p, KVM_STAGE_MEMORY, ioctl(p->vm, KVM_SET_TSS_ADDR, INTEL_TSS_ADDR)) ||
	    !step_ok(p, KVM_STAGE_MEMORY, ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &region)))
		return false;
	return step_ok(p, KVM_STAGE_IRQCHIP, ioctl(p->vm, KVM_CREATE_IRQCHIP, 0));
}

static bool set_cpuid(struct probe *p)
{
	static union {
		struct kvm_cpuid2 head;
		uint8_t space[sizeof(struct kvm_cpuid2) +
			      CPUID_ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2)];
	} cpuid;

	cpuid.head.nent = CPUID_ENTRIES_MAX;
	if (!step_ok(p, KVM_STAGE_CPUID, ioctl(p->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid)))
		return false;
	for (uint32_t i = 0; i < cpuid.head.nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid.head.entries[i];

		if (entry->function == 7 && entry->index == 0)
			p->has_arch_capabilities = entry->edx >> 29 & 1;
	}
	return step_ok(p, KVM_STAGE_CPUID, ioctl(p->vcpu, KVM_SET_CPUID2, &cpuid));
}

union msr_list {
	struct kvm_msrs head;
	uint8_t space[sizeof(struct kvm_msrs) + MSRS_MAX * sizeof(struct kvm_msr_entry)];
};

static void add_msr(union msr_list *list, uint32_t index, uint64_t value)
{
	list->head.entries[list->head.nmsrs++] =
		(struct kvm_msr_entry){.index = index, .data = value};
}

/* Adds the value of a feature register that KVM offers, as `-cpu host` does. */
static void add_feature_msr(const struct probe *p, union msr_list *list)
{
	union msr_list one = {0};

	if (!p->has_arch_capabilities)
		return;
	add_msr(&one, MSR_ARCH_CAPABILITIES, 0);
	if (ioctl(p->kvm, KVM_GET_MSRS, &one) == 1)
		add_msr(list, MSR_ARCH_CAPABILITIES, one.head.entries[0].data);
}

static bool set_msrs(struct probe *p)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} msrs[] = {
		{0x10, 0},		     /* TSC */
		{0x174, 0},		     /* SYSENTER_CS */
		{0x175, 0},		     /* SYSENTER_ESP */
		{0x176, 0},		     /* SYSENTER_EIP */
		{0x277, 0x0007040600070406}, /* PAT */
		{0xc0000081, 0},	     /* STAR */
		{0xc0000082, 0},	     /* LSTAR */
		{0xc0000083, 0},	     /* CSTAR */
		{0xc0000084, 0},	     /* SFMASK */
		{0xc0000102, 0},	     /* KERNEL_GS_BASE */
	};
	union msr_list list = {0};
	int n;

	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++)
		add_msr(&list, msrs[i].index, msrs[i].value);
	add_feature_msr(p, &list);
	n = ioctl(p->vcpu, KVM_SET_MSRS, &list);
	if (n >= 0 && n < (int)list.head.nmsrs) {
		p->report.detail = (int)list.head.entries[n].index;
		errno = ENOTSUP;
		n = -1;
	}
	return step_ok(p, KVM_STAGE_MODEL_REGISTERS, n);
}

static bool set_registers(struct probe *p)
{
	struct kvm_regs regs = {.rflags = 0x2};
	struct kvm_segment *segments[6];
	struct kvm_sregs sregs;

	if (!step_ok(p, KVM_STAGE_SPECIAL_REGISTERS, ioctl(p->vcpu, KVM_GET_SREGS, &sregs)))
		return false;
	segments[0] = &sregs.cs;
	segments[1] = &sregs.ds;
	segments[2] = &sregs.es;
	segments[3] = &sregs.ss;
	segments[4] = &sregs.fs;
	segments[5] = &sregs.gs;
	for (int i = 0; i < 6; i++) {
		segments[i]->base = GUEST_CODE;
		segments[i]->selector = GUEST_CODE >> 4;
	}
	return step_ok(p, KVM_STAGE_SPECIAL_REGISTERS, ioctl(p->vcpu, KVM_SET_SREGS, &sregs)) &&
	       set_msrs(p) && step_ok(p, KVM_STAGE_REGISTERS, ioctl(p->vcpu, KVM_SET_REGS, &regs));
}

static bool make_vcpu(struct probe *p)
{
	int run_b = ioctl(p->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (!step_ok(p, KVM_STAGE_CREATE_VCPU, run_b))
		return false;
	p->vcpu = ioctl(p->vm, KVM_CREATE_VCPU, 0);
	if (!step_ok(p, KVM_STAGE_CREATE_VCPU, p->vcpu))
		return false;
	p->run = mmap(NULL, (size_t)run_b, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
	return step_ok(p, KVM_STAGE_CREATE_VCPU, p->run == MAP_FAILED ? -1 : 0) && set_cpuid(p) &&
	       set_registers(p);
}

/* Takes the number of a finished step; returns whether the guest has more to do. */
static bool take_step(struct probe *p)
{
	const uint8_t *io = (const uint8_t *)p->run + p->run->io.data_offset;

	if (p->run->exit_reason != KVM_EXIT_IO || p->run->io.direction != KVM_EXIT_IO_OUT ||
	    p->run->io.port != GUEST_PORT || p->run->io.size != 1 || p->run->io.count != 1) {
		p->report.errnum = EPROTO;
		p->report.detail = (int)p->run->exit_reason;
		return false;
	}
	/* The steps must come one by one. */
	if (io[0] != p->report.step + 1) {
		p->report.errnum = EILSEQ;
		return false;
	}
	p->report.step = io[0];
	return io[0] != STEP_DONE;
}

void kvm_probe_vm_run(int kvm_fd, int report_fd)
{
	struct probe p = {.kvm = kvm_fd, .report_fd = report_fd};
	bool more = true;

	if (!make_vm(&p) || !make_vcpu(&p))
		return;
	p.report.stage = KVM_STAGE_GUEST;
	for (int i = 0; more && i < RUNS_MAX; i++) {
		send_report(&p);
		if (ioctl(p.vcpu, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			(void)step_ok(&p, KVM_STAGE_RUN, -1);
			return;
		}
		more = take_step(&p);
	}
	send_report(&p);
}
