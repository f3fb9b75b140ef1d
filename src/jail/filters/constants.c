/* SPDX-License-Identifier: Apache-2.0 */
/* constants.c - names and argument widths for the seccomp lists; see constants.h. */
#include "jail/filters/constants.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/mempolicy.h>
#include <linux/vhost.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/error.h"

#define INT_BITS  UINT64_C(0xffffffff)
#define LONG_BITS UINT64_MAX
#define NAMED(x)                                                                                   \
	{                                                                                          \
#x, (uint64_t)(unsigned int)(x)                                                    \
	}

struct constant {
	const char *name;
	uint64_t value;
};

static const struct constant constants[] = {
	NAMED(ARCH_SET_FS),
	NAMED(AF_UNIX),
	NAMED(CLONE_VM),
	NAMED(CLONE_FS),
	NAMED(CLONE_FILES),
	NAMED(CLONE_SIGHAND),
	NAMED(CLONE_THREAD),
	NAMED(CLONE_SYSVSEM),
	NAMED(CLONE_SETTLS),
	NAMED(CLONE_PARENT_SETTID),
	NAMED(CLONE_CHILD_CLEARTID),
	NAMED(CLONE_DETACHED),
	NAMED(CLOCK_MONOTONIC),
	NAMED(F_ADD_SEALS),
	NAMED(F_DUPFD_CLOEXEC),
	NAMED(F_GETFD),
	NAMED(F_SETFD),
	NAMED(F_GETFL),
	NAMED(F_SETFL),
	NAMED(F_SETLK),
	NAMED(F_GETLK),
	NAMED(F_OFD_GETLK),
	NAMED(F_OFD_SETLK),
	NAMED(FD_CLOEXEC),
	NAMED(FIONREAD),
	NAMED(FIONBIO),
	NAMED(TCGETS),
	NAMED(TCSETS),
	NAMED(TIOCGWINSZ),
	NAMED(MADV_DONTDUMP),
	NAMED(MADV_DONTFORK),
	NAMED(MADV_DONTNEED),
	NAMED(MADV_FREE),
	NAMED(MADV_HUGEPAGE),
	NAMED(MADV_MERGEABLE),
	NAMED(MADV_NOHUGEPAGE),
	NAMED(MADV_POPULATE_WRITE),
	NAMED(MADV_RANDOM),
	NAMED(MADV_SEQUENTIAL),
	NAMED(MADV_UNMERGEABLE),
	NAMED(MADV_WILLNEED),
	NAMED(MAP_ANONYMOUS),
	NAMED(MAP_FIXED),
	NAMED(MAP_NORESERVE),
	NAMED(MAP_POPULATE),
	NAMED(MAP_PRIVATE),
	NAMED(MAP_SHARED),
	NAMED(MFD_ALLOW_SEALING),
	NAMED(MFD_CLOEXEC),
	NAMED(MS_SYNC),
	NAMED(PROT_EXEC),
	NAMED(PROT_READ),
	NAMED(PROT_WRITE),
	NAMED(O_CREAT),
	NAMED(FUTEX_PRIVATE_FLAG),
	NAMED(FUTEX_WAIT),
	NAMED(FUTEX_WAIT_BITSET),
	NAMED(FUTEX_WAKE),
	NAMED(FUTEX_WAKE_BITSET),
	NAMED(MSG_OOB),
	NAMED(MPOL_DEFAULT),
	NAMED(MPOL_PREFERRED_MANY),
	NAMED(PR_GET_NAME),
	NAMED(PR_MCE_KILL),
	NAMED(PR_SET_DUMPABLE),
	NAMED(PR_SET_NAME),
	NAMED(PR_SET_NO_NEW_PRIVS),
	NAMED(PR_SET_SECCOMP),
	NAMED(PR_SET_TIMERSLACK),
	NAMED(SIGABRT),
	NAMED(SIGUSR1),
	NAMED(SOCK_CLOEXEC),
	NAMED(SOCK_NONBLOCK),
	NAMED(SOCK_STREAM),
	NAMED(SOL_SOCKET),
	NAMED(SO_ERROR),
	NAMED(SO_TYPE),
	NAMED(SO_ZEROCOPY),
	NAMED(TFD_CLOEXEC),
	NAMED(TFD_NONBLOCK),
	/* /dev/net/tun */
	NAMED(TUNSETIFF),
	NAMED(TUNSETOFFLOAD),
	NAMED(TUNSETVNETHDRSZ),
	/* /dev/vhost-vsock */
	NAMED(VHOST_GET_BACKEND_FEATURES),
	NAMED(VHOST_GET_FEATURES),
	NAMED(VHOST_GET_VRING_BASE),
	NAMED(VHOST_SET_BACKEND_FEATURES),
	NAMED(VHOST_SET_FEATURES),
	NAMED(VHOST_SET_LOG_BASE),
	NAMED(VHOST_SET_MEM_TABLE),
	NAMED(VHOST_SET_OWNER),
	NAMED(VHOST_SET_VRING_ADDR),
	NAMED(VHOST_SET_VRING_BASE),
	NAMED(VHOST_SET_VRING_CALL),
	NAMED(VHOST_SET_VRING_ERR),
	NAMED(VHOST_SET_VRING_KICK),
	NAMED(VHOST_SET_VRING_NUM),
	NAMED(VHOST_VSOCK_SET_GUEST_CID),
	NAMED(VHOST_VSOCK_SET_RUNNING),
	/* /dev/kvm */
	NAMED(KVM_CAP_MSI_DEVID),
	NAMED(KVM_CHECK_EXTENSION),
	NAMED(KVM_CREATE_VM),
	NAMED(KVM_GET_API_VERSION),
	NAMED(KVM_GET_MSR_FEATURE_INDEX_LIST),
	NAMED(KVM_GET_MSR_INDEX_LIST),
	NAMED(KVM_GET_SUPPORTED_CPUID),
	NAMED(KVM_GET_SUPPORTED_HV_CPUID),
	NAMED(KVM_GET_VCPU_MMAP_SIZE),
	NAMED(KVM_X86_GET_MCE_CAP_SUPPORTED),
	/* a VM */
	NAMED(KVM_CLEAR_DIRTY_LOG),
	NAMED(KVM_CREATE_IRQCHIP),
	NAMED(KVM_CREATE_PIT2),
	NAMED(KVM_CREATE_VCPU),
	NAMED(KVM_GET_CLOCK),
	NAMED(KVM_GET_CPUID2),
	NAMED(KVM_GET_DEVICE_ATTR),
	NAMED(KVM_GET_DIRTY_LOG),
	NAMED(KVM_GET_IRQCHIP),
	NAMED(KVM_GET_PIT2),
	NAMED(KVM_HAS_DEVICE_ATTR),
	NAMED(KVM_IOEVENTFD),
	NAMED(KVM_IRQFD),
	NAMED(KVM_IRQ_LINE),
	NAMED(KVM_IRQ_LINE_STATUS),
	NAMED(KVM_REGISTER_COALESCED_MMIO),
	NAMED(KVM_REINJECT_CONTROL),
	NAMED(KVM_RESET_DIRTY_RINGS),
	NAMED(KVM_SET_CLOCK),
	NAMED(KVM_SET_GSI_ROUTING),
	NAMED(KVM_SET_IDENTITY_MAP_ADDR),
	NAMED(KVM_SET_IRQCHIP),
	NAMED(KVM_SET_PIT2),
	NAMED(KVM_SET_TSS_ADDR),
	NAMED(KVM_SET_USER_MEMORY_REGION),
	NAMED(KVM_SIGNAL_MSI),
	NAMED(KVM_UNREGISTER_COALESCED_MMIO),
	NAMED(KVM_X86_SET_MSR_FILTER),
	/* a processor; ENABLE_CAP and the device attributes are of both */
	NAMED(KVM_ENABLE_CAP),
	NAMED(KVM_GET_CPUID2),
	NAMED(KVM_GET_DEBUGREGS),
	NAMED(KVM_GET_FPU),
	NAMED(KVM_GET_LAPIC),
	NAMED(KVM_GET_MP_STATE),
	NAMED(KVM_GET_MSRS),
	NAMED(KVM_GET_NESTED_STATE),
	NAMED(KVM_GET_REGS),
	NAMED(KVM_GET_SREGS),
	NAMED(KVM_GET_SREGS2),
	NAMED(KVM_GET_STATS_FD),
	NAMED(KVM_GET_TSC_KHZ),
	NAMED(KVM_GET_VCPU_EVENTS),
	NAMED(KVM_GET_XCRS),
	NAMED(KVM_GET_XSAVE),
	NAMED(KVM_GET_XSAVE2),
	NAMED(KVM_INTERRUPT),
	NAMED(KVM_KVMCLOCK_CTRL),
	NAMED(KVM_NMI),
	NAMED(KVM_RUN),
	NAMED(KVM_SET_CPUID2),
	NAMED(KVM_SET_DEBUGREGS),
	NAMED(KVM_SET_FPU),
	NAMED(KVM_SET_GUEST_DEBUG),
	NAMED(KVM_SET_LAPIC),
	NAMED(KVM_SET_MP_STATE),
	NAMED(KVM_SET_MSRS),
	NAMED(KVM_SET_NESTED_STATE),
	NAMED(KVM_SET_REGS),
	NAMED(KVM_SET_SIGNAL_MASK),
	NAMED(KVM_SET_SREGS),
	NAMED(KVM_SET_SREGS2),
	NAMED(KVM_SET_TSC_KHZ),
	NAMED(KVM_SET_VAPIC_ADDR),
	NAMED(KVM_SET_VCPU_EVENTS),
	NAMED(KVM_SET_XCRS),
	NAMED(KVM_SET_XSAVE),
	NAMED(KVM_SMI),
	NAMED(KVM_TPR_ACCESS_REPORTING),
	NAMED(KVM_TRANSLATE),
	NAMED(KVM_X86_SETUP_MCE),
	NAMED(KVM_X86_SET_MCE),
};

static const struct constant errnos[] = {
	NAMED(EACCES),
	NAMED(EINVAL),
	NAMED(ENOSYS),
	NAMED(EPERM),
};

/* As the kernel declares them, x86-64. */
static const struct {
	const char *call;
	unsigned int arg;
	uint64_t mask;
} arguments[] = {
	{"arch_prctl", 0, INT_BITS},	  {"clone", 0, LONG_BITS},
	{"fcntl", 1, INT_BITS},		  {"getsockopt", 1, INT_BITS},
	{"getsockopt", 2, INT_BITS},	  {"ioctl", 1, INT_BITS},
	{"madvise", 2, INT_BITS},	  {"mmap", 2, LONG_BITS},
	{"mmap", 3, LONG_BITS},		  {"mprotect", 2, LONG_BITS},
	{"openat", 2, INT_BITS},	  {"prctl", 0, INT_BITS},
	{"prctl", 1, LONG_BITS},	  {"prlimit64", 0, INT_BITS},
	{"prlimit64", 2, LONG_BITS},	  {"sendto", 4, LONG_BITS},
	{"sendto", 3, INT_BITS},	  {"recvfrom", 3, INT_BITS},
	{"recvmsg", 2, INT_BITS},	  {"sendmsg", 2, INT_BITS},
	{"futex", 1, INT_BITS},		  {"setsockopt", 1, INT_BITS},
	{"setsockopt", 2, INT_BITS},	  {"set_mempolicy", 0, INT_BITS},
	{"socket", 0, INT_BITS},	  {"socket", 1, INT_BITS},
	{"socketpair", 0, INT_BITS},	  {"tgkill", 0, INT_BITS},
	{"tgkill", 2, INT_BITS},	  {"accept4", 3, INT_BITS},
	{"fcntl", 2, INT_BITS},		  {"ioctl", 2, LONG_BITS},
	{"memfd_create", 1, INT_BITS},	  {"msync", 2, INT_BITS},
	{"rt_sigaction", 0, INT_BITS},	  {"socket", 2, INT_BITS},
	{"timerfd_create", 0, INT_BITS},  {"timerfd_create", 1, INT_BITS},
	{"timerfd_settime", 1, INT_BITS}, {"tkill", 1, INT_BITS},
};

static int find(const struct constant *table, size_t n, const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		*ret = table[i].value;
		return 0;
	}
	return -ENOENT;
}

int filter_constant(const char *name, uint64_t *ret)
{
	return find(constants, ARRAY_SIZE(constants), name, ret);
}

int filter_errno(const char *name)
{
	uint64_t value;
	int r = find(errnos, ARRAY_SIZE(errnos), name, &value);

	return r < 0 ? r : (int)value;
}

uint64_t filter_argument_mask(const char *call, unsigned int arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		if (strcmp(arguments[i].call, call) == 0 && arguments[i].arg == arg)
			return arguments[i].mask;
	}
	return 0;
}
