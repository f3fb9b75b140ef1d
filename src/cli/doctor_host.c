/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_host.c - what `ironclaw doctor` asks of the host; see doctor.h. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "engine/kvm_probe.h"
#include "firewall/firewall.h"
#include "jail/warden_limits.h"
#include "sys/seccomp.h"

#define KERNEL_MAJOR_MIN 5
#define KERNEL_MINOR_MIN 12  /* mount_setattr(2) */
#define MEMORY_MIN_MIB	 192 /* a guest of 128 MiB and its VMM */
#define MEMORY_WARN_MIB	 1024
#define DISK_MIN_MIB	 256  /* a template */
#define DISK_WARN_MIB	 2048 /* the default image while it is built */
#define MIB		 (1024ULL * 1024ULL)

static void check_kernel(struct doctor *doctor)
{
	unsigned long major, minor;
	struct utsname host;
	char *rest;

	if (uname(&host) < 0) {
		doctor_add(doctor, "host", DOCTOR_FAILED, NULL, "uname: %s", strerror(errno));
		return;
	}
	major = strtoul(host.release, &rest, 10);
	minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
	if (strcmp(host.machine, "x86_64") != 0)
		doctor_add(doctor, "host", DOCTOR_FAILED, "use an x86-64 machine",
			   "%s processor: only x86-64 is supported", host.machine);
	else if (major < KERNEL_MAJOR_MIN ||
		 (major == KERNEL_MAJOR_MIN && minor < KERNEL_MINOR_MIN))
		doctor_add(doctor, "host", DOCTOR_FAILED, "upgrade the kernel",
			   "Linux %s is older than %d.%d", host.release, KERNEL_MAJOR_MIN,
			   KERNEL_MINOR_MIN);
	else
		doctor_add(doctor, "host", DOCTOR_OK, NULL, "Linux %s on %s", host.release,
			   host.machine);
}

/* What the kernel could give to a new process without swapping. */
static uint64_t available_memory_mib(void)
{
	static const char name[] = "MemAvailable:";
	cleanup_fclose FILE *f = fopen("/proc/meminfo", "re");
	char line[128];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0)
			return strtoull(line + strlen(name), NULL, 10) / 1024;
	}
	return 0;
}

static void check_memory(struct doctor *doctor)
{
	uint64_t mib = available_memory_mib();
	enum doctor_state state = mib < MEMORY_MIN_MIB	  ? DOCTOR_FAILED
				  : mib < MEMORY_WARN_MIB ? DOCTOR_WARNING
							  : DOCTOR_OK;

	doctor_add(doctor, "memory", state,
		   state == DOCTOR_OK ? NULL : "stop other programs, or run with --memory 128M",
		   "%" PRIu64 " MiB available", mib);
}

/* The state folder may not exist yet: then what counts is where it will be made. */
static void check_disk(struct doctor *doctor)
{
	char path[sizeof(doctor->paths.data)];
	struct statvfs fs;
	uint64_t mib;
	char *slash;

	memcpy(path, doctor->paths.data, sizeof(path));
	while (statvfs(path, &fs) < 0) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash) {
			doctor_add(doctor, "disk", DOCTOR_FAILED, NULL, "%s: %s",
				   doctor->paths.data, strerror(errno));
			return;
		}
		slash[slash == path ? 1 : 0] = '\0';
	}
	mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
	doctor_add(doctor, "disk",
		   mib < DISK_MIN_MIB	 ? DOCTOR_FAILED
		   : mib < DISK_WARN_MIB ? DOCTOR_WARNING
					 : DOCTOR_OK,
		   mib < DISK_WARN_MIB ? "free some space, or set IRONCLAW_HOME to another disk"
				       : NULL,
		   "%" PRIu64 " MiB free for %s", mib, doctor->paths.data);
}

void doctor_check_host(struct doctor *doctor)
{
	check_kernel(doctor);
	check_memory(doctor);
	check_disk(doctor);
}

/*
 * Some hosts let a user namespace be made but give no capabilities in it, so a mount is tried too.
 * Runs in a child; the exit status is the errno.
 */
static int try_namespaces(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		return errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/", "tmpfs", 0, NULL) < 0)
		return errno;
	return 0;
}

static const char *namespaces_remedy(int errnum)
{
	if (errnum == ENOSPC)
		return "sudo sysctl user.max_user_namespaces=10000";
	if (access("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", F_OK) == 0)
		return "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
	if (access("/proc/sys/kernel/unprivileged_userns_clone", F_OK) == 0)
		return "sudo sysctl kernel.unprivileged_userns_clone=1";
	return "allow user namespaces; in a container, run it with --security-opt "
	       "seccomp=unconfined";
}

/* A filter that allows everything, with a supervisor. As try_namespaces(). */
static int try_seccomp(void)
{
	const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	int listener;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	listener = seccomp_load(&(struct seccomp_program){.code = &allow, .n = 1});
	return listener < 0 ? -listener : 0;
}

/* Return: the errno of @attempt in a child that is gone afterwards */
static int in_child(int (*attempt)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(attempt());
	if (pid < 0)
		return errno;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EINTR;
	return WEXITSTATUS(status);
}

void doctor_check_seccomp(struct doctor *doctor)
{
	int errnum = in_child(try_seccomp);

	if (errnum == 0)
		doctor_add(doctor, "seccomp", DOCTOR_OK, NULL,
			   "system calls can be filtered, and denied ones be recorded");
	else
		doctor_add(doctor, "seccomp", DOCTOR_FAILED,
			   errnum == EBUSY
				   ? "run outside of this container: it has a seccomp "
				     "supervisor of its own"
				   : "a kernel with CONFIG_SECCOMP_FILTER, Linux 5.0 or later",
			   "no filter with a supervisor can be loaded: %s", strerror(errnum));
}

void doctor_check_namespaces(struct doctor *doctor)
{
	int errnum = in_child(try_namespaces);

	if (errnum)
		doctor_add(doctor, "namespaces", DOCTOR_FAILED, namespaces_remedy(errnum),
			   "user namespaces cannot be made: %s", strerror(errnum));
	else
		doctor_add(doctor, "namespaces", DOCTOR_OK, NULL,
			   "user, mount, pid, network, ipc, uts and cgroup namespaces can be made");
}

/* The rules of a VM in a network namespace that goes with the child. As try_namespaces(). */
static int try_firewall(void)
{
	char why[FIREWALL_FAILURE_B];

	if (unshare(CLONE_NEWNET) < 0)
		return errno;
	return -firewall_add("doctor", 1, why);
}

void doctor_check_firewall(struct doctor *doctor)
{
	int errnum = in_child(try_firewall);

	if (errnum)
		doctor_add(doctor, "firewall", DOCTOR_FAILED, firewall_remedy(errnum),
			   "the rules of a VM cannot be loaded: %s", strerror(errnum));
	else
		doctor_add(doctor, "firewall", DOCTOR_OK, NULL,
			   "nf_tables took the rules of a VM and showed them");
}

void doctor_check_limits(struct doctor *doctor)
{
	enum warden_limits_kind kind = warden_limits_available();

	if (kind != WARDEN_LIMITS_NONE)
		doctor_add(
			doctor, "limits", DOCTOR_OK, NULL,
			"cgroup %s: memory, processes and processor time of a VMM can be limited",
			kind == WARDEN_LIMITS_V2 ? "v2" : "v1");
	else if (geteuid() == 0)
		doctor_add(doctor, "limits", DOCTOR_WARNING,
			   "mount the cgroup hierarchy writable, with memory, pids and cpu",
			   "no limits: no cgroup can be made here");
	else
		doctor_add(doctor, "limits", DOCTOR_WARNING,
			   "run through systemd-run --user --scope -p Delegate=yes, or as root",
			   "no limits: the cgroup is not delegated to this user");
}

void doctor_check_kvm(struct doctor *doctor)
{
	struct kvm_probe probe;

	kvm_probe_refresh(&doctor->paths, &probe);
	if (probe.outcome == KVM_WORKING)
		doctor_add(doctor, "kvm", DOCTOR_OK, NULL, "works: a guest ran on it");
	else
		doctor_add(doctor, "kvm", DOCTOR_WARNING, probe.remedy,
			   "%s%s; emulation is used, which is slower",
			   probe.outcome == KVM_BROKEN ? "does not work: " : "", probe.why);
}
