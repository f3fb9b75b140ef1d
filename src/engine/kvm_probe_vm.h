/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kvm_probe_vm.h - the part of the KVM probe that runs in a child process: one VM, one processor.
 */
#ifndef ENGINE_KVM_PROBE_VM_H
#define ENGINE_KVM_PROBE_VM_H

/** Where the host's part stopped; the guest's steps are in kvm_probe_guest.h. */
enum kvm_probe_stage {
	KVM_STAGE_VERSION,
	KVM_STAGE_CREATE_VM,
	KVM_STAGE_MEMORY,
	KVM_STAGE_IRQCHIP,
	KVM_STAGE_CREATE_VCPU,
	KVM_STAGE_CPUID,
	KVM_STAGE_SPECIAL_REGISTERS,
	KVM_STAGE_MODEL_REGISTERS,
	KVM_STAGE_REGISTERS,
	KVM_STAGE_RUN,	 /* KVM_RUN itself failed */
	KVM_STAGE_GUEST, /* the guest is running, or ended (detail: KVM's exit reason) */
	KVM_STAGE_MAX
};

/** What the child writes to the pipe, whole, whenever something happened. */
struct kvm_probe_report {
	int stage;  /* enum kvm_probe_stage */
	int step;   /* of the guest, finished last */
	int errnum; /* positive errno of a failed call; 0 while all is well */
	int detail;
};

/**
 * kvm_probe_vm_run() - make a VM, run the guest, write reports; returns when the guest has ended.
 * @kvm_fd:	/dev/kvm
 * @report_fd:	a pipe
 *
 * Allocates no heap memory: it is called in a child of a process that may have threads. May hang in
 * KVM_RUN for ever: the parent kills.
 */
void kvm_probe_vm_run(int kvm_fd, int report_fd);

#endif
