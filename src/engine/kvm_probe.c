/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_probe.c - find out whether KVM really works; see kvm_probe.h.
 *
 * The child writes a report to a pipe whenever something happened, so that the last one tells how
 * far it came even when it has to be killed.
 */
#include "engine/kvm_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "engine/kvm_probe_guest.h"
#include "engine/kvm_probe_vm.h"

#define REAP_MS 1000 /* a killed child that KVM does not let go of is left behind */

static const char *const stage_names[KVM_STAGE_MAX] = {
	[KVM_STAGE_VERSION] = "its interface has another version",
	[KVM_STAGE_CREATE_VM] = "it cannot create a VM",
	[KVM_STAGE_MEMORY] = "it cannot give a VM memory",
	[KVM_STAGE_IRQCHIP] = "it has no interrupt controller",
	[KVM_STAGE_CREATE_VCPU] = "it cannot create a processor",
	[KVM_STAGE_CPUID] = "it refuses its own CPUID",
	[KVM_STAGE_SPECIAL_REGISTERS] = "it refuses special registers",
	[KVM_STAGE_MODEL_REGISTERS] = "it refuses a model-specific register",
	[KVM_STAGE_REGISTERS] = "it refuses registers",
	[KVM_STAGE_RUN] = "it cannot run guest code",
};

/* The step that follows the one finished last. */
static const char *const next_step_names[STEP_DONE] = {
	[STEP_START] = "its first instruction",
	[STEP_REAL_MODE] = "protected mode",
	[STEP_PROTECTED_MODE] = "long mode with paging",
	[STEP_LONG_MODE] = "model-specific registers",
	[STEP_MSRS] = "a page fault",
	[STEP_PAGE_FAULT] = "a timer interrupt",
	[STEP_INTERRUPT] = "a change of the address space",
	[STEP_ADDRESS_SPACE] = "ordinary instructions at full speed",
	[STEP_WORK] = "user mode and a system call",
	[STEP_USER_MODE] = "its end",
};

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3))) static void set_broken(struct kvm_probe *ret, const char *fmt,
							     ...)
{
	va_list ap;

	ret->outcome = KVM_BROKEN;
	va_start(ap, fmt);
	(void)vsnprintf(ret->why, sizeof(ret->why), fmt, ap);
	va_end(ap);
}

/* @timed_out_ms: the limit that the guest did not keep, or 0. */
static void judge_report(const struct kvm_probe_report *report, unsigned int timed_out_ms,
			 struct kvm_probe *ret)
{
	const char *next;

	if (report->stage == KVM_STAGE_GUEST && report->step == STEP_DONE) {
		ret->outcome = KVM_WORKING;
		return;
	}
	if (report->stage == KVM_STAGE_MODEL_REGISTERS && report->errnum && report->detail) {
		set_broken(ret, "it refuses model-specific register 0x%x, which QEMU sets",
			   (unsigned int)report->detail);
		return;
	}
	if (report->stage != KVM_STAGE_GUEST && report->errnum) {
		set_broken(ret, "%s: %s", stage_names[report->stage], strerror(report->errnum));
		return;
	}
	next = next_step_names[report->step];
	ret->timed_out = timed_out_ms > 0;
	if (ret->timed_out)
		set_broken(ret, "guest code did not get through %s within %u ms", next,
			   timed_out_ms);
	else if (report->detail == KVM_EXIT_INTERNAL_ERROR)
		set_broken(ret, "it gave up on an instruction of the guest at %s", next);
	else if (report->detail)
		set_broken(ret, "guest code failed at %s (KVM exit %d)", next, report->detail);
	else
		set_broken(ret, "guest code failed at %s", next);
}

/* Reads reports until the child ends or the time is up; returns whether the child ended. */
static bool collect(int fd, int64_t deadline, struct kvm_probe_report *report)
{
	struct kvm_probe_report next;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = deadline - now_ms();
		int n = poll(&poll_fd, 1, left > 0 ? (int)left : 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		/* Writes of this size to a pipe are never split. */
		if (read(fd, &next, sizeof(next)) != (ssize_t)sizeof(next))
			return true;
		*report = next;
	}
}

static void reap(pid_t child, int64_t deadline)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (waitpid(child, NULL, WNOHANG) == 0 && now_ms() < deadline)
		(void)nanosleep(&pause, NULL);
}

static void run_child(int kvm_fd, int report_fd)
{
	/* A handler of the program must not run here; it would believe to be in the parent. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	kvm_probe_vm_run(kvm_fd, report_fd);
	_exit(0);
}

static void run_guest(int kvm_fd, unsigned int limit_ms, struct kvm_probe *ret)
{
	struct kvm_probe_report report = {.stage = KVM_STAGE_MAX};
	cleanup_close int read_fd = -EBADF, write_fd = -EBADF;
	int64_t deadline = now_ms() + limit_ms;
	bool ended;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		set_broken(ret, "cannot make a pipe: %s", strerror(errno));
		return;
	}
	read_fd = fds[0];
	write_fd = fds[1];
	child = fork();
	if (child < 0) {
		set_broken(ret, "cannot start a process: %s", strerror(errno));
		return;
	}
	if (child == 0)
		run_child(kvm_fd, write_fd);
	close_fd(&write_fd);
	ended = collect(read_fd, deadline, &report);
	if (!ended)
		(void)kill(child, SIGKILL);
	reap(child, now_ms() + REAP_MS);
	if (report.stage == KVM_STAGE_MAX) {
		ret->timed_out = true;
		if (ended)
			set_broken(ret, "the probe was killed");
		else
			set_broken(ret, "no VM was made within %u ms", limit_ms);
		return;
	}
	judge_report(&report, ended ? 0 : limit_ms, ret);
}

/* Returns a descriptor, or -EBADF with the outcome in @ret. */
static int open_kvm(struct kvm_probe *ret)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	memset(ret, 0, sizeof(*ret));
	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM) {
		ret->outcome = KVM_NO_PERMISSION;
		(void)snprintf(ret->why, sizeof(ret->why), "this user may not open /dev/kvm");
		(void)snprintf(ret->remedy, sizeof(ret->remedy),
			       "sudo usermod -aG kvm \"$USER\", then log in again");
	} else if (errno == ENOENT || errno == ENXIO || errno == ENODEV) {
		ret->outcome = KVM_ABSENT;
		(void)snprintf(ret->why, sizeof(ret->why), "there is no /dev/kvm");
		(void)snprintf(ret->remedy, sizeof(ret->remedy),
			       "sudo modprobe kvm-intel or kvm-amd, or switch on virtualisation");
	} else {
		set_broken(ret, "/dev/kvm does not open: %s", strerror(errno));
	}
	return -EBADF;
}

void kvm_probe_run(unsigned int limit_ms, struct kvm_probe *ret)
{
	cleanup_close int fd = open_kvm(ret);

	if (fd >= 0)
		run_guest(fd, limit_ms, ret);
}
