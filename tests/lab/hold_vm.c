/* SPDX-License-Identifier: Apache-2.0 */
/* hold_vm.c - keep one virtual machine of KVM's alive, without processors, until killed: init. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0 || ioctl(kvm, KVM_CREATE_VM, 0) < 0) {
		perror("/dev/kvm");
		return 1;
	}
	for (;;)
		(void)pause();
}
