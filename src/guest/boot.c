/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.c - from the initramfs to a running root file system; see boot.h.
 *
 * Theory of operation. The kernel starts us as /init of an initramfs. /dev, /proc and /sys are
 * mounted there first (modules and devices need them), the image is mounted read-only, and an
 * overlay puts a tmpfs above it. The overlay is then moved onto "/" and entered: the image and the
 * tmpfs lie in the initramfs below it, where no path leads, so that nothing writes to them behind
 * the overlay's back. /tmp and everything else is in the writable layer, under one size limit;
 * /run, /dev/shm are tmpfs of their own and small.
 */
#include "guest/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/clock.h"
#include "guest/modules.h"
#include "guest/power.h"

#define ROOT_DEVICE  "/dev/vda"
#define ROOT_WAIT_MS 30000U
#define IMAGE	     "/image"
#define LAYER	     "/layer"
#define NEW_ROOT     "/newroot"

struct mount_step {
	const char *source, *target, *type, *options;
	unsigned long flags;
};

static const struct mount_step early_mounts[] = {
	{"devtmpfs", "/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_NOEXEC},
	{"proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

static const struct mount_step late_mounts[] = {
	{"devpts", "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
	{"tmpfs", "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/run", "tmpfs", "mode=0755,size=16m", MS_NOSUID | MS_NODEV},
	{"cgroup2", "/sys/fs/cgroup", "cgroup2", "nsdelegate", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

static void do_mount(const struct mount_step *step)
{
	/* What the image has already keeps its mode; sysfs makes its own mount points. */
	(void)mkdir(step->target, 0755);
	if (mount(step->source, step->target, step->type, step->flags, step->options) < 0)
		power_fail("cannot mount %s on %s: %s", step->type, step->target, strerror(errno));
}

/* Drivers may find their devices after they were loaded. */
static void wait_for_device(const char *path)
{
	for (unsigned int waited_ms = 0; access(path, F_OK) < 0; waited_ms++) {
		if (waited_ms == ROOT_WAIT_MS)
			power_fail("the machine has no root disk %s", path);
		clock_sleep_ms(1);
	}
}

static int mount_root(void)
{
	static const struct mount_step image = {ROOT_DEVICE, IMAGE, "erofs", NULL, MS_RDONLY};
	static const struct mount_step layer = {"tmpfs", LAYER, "tmpfs", "mode=0755", 0};
	static const struct mount_step overlay = {"overlay", NEW_ROOT, "overlay",
						  "lowerdir=" IMAGE ",upperdir=" LAYER
						  "/upper,workdir=" LAYER "/work",
						  0};
	int fd;

	wait_for_device(ROOT_DEVICE);
	do_mount(&image);
	do_mount(&layer);
	fd = open(LAYER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || mkdirat(fd, "upper", 0755) < 0 || mkdirat(fd, "work", 0700) < 0)
		power_fail("cannot prepare the writable layer: %s", strerror(errno));
	do_mount(&overlay);
	return fd;
}

/* Move a mount of the initramfs to the same place in the new root. */
static void move_mount_point(const char *path)
{
	char target[64];

	(void)snprintf(target, sizeof(target), NEW_ROOT "%s", path);
	(void)mkdir(target, 0755);
	if (mount(path, target, NULL, MS_MOVE, NULL) < 0)
		power_fail("cannot move %s to the new root: %s", path, strerror(errno));
}

static void switch_root(void)
{
	for (size_t i = 0; i < sizeof(early_mounts) / sizeof(early_mounts[0]); i++)
		move_mount_point(early_mounts[i].target);
	/* The only file left in the initramfs; its pages go with the process. */
	(void)unlink("/init");
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		power_fail("cannot switch to the new root: %s", strerror(errno));
}

/* Without it an image built without /tmp, or with a private one, has nowhere to write. */
static void ensure_tmp(void)
{
	struct stat st;

	(void)mkdir("/tmp", 01777);
	if (stat("/tmp", &st) == 0 && (st.st_mode & 07777) != 01777)
		(void)chmod("/tmp", 01777);
}

static void make_links(void)
{
	(void)symlink("/proc/self/fd", "/dev/fd");
	(void)symlink("/proc/self/fd/0", "/dev/stdin");
	(void)symlink("/proc/self/fd/1", "/dev/stdout");
	(void)symlink("/proc/self/fd/2", "/dev/stderr");
}

/* A kernel without INET has no lo to bring up, and needs none. */
static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
		(void)ioctl(fd, SIOCSIFFLAGS, &request);
	}
	(void)close(fd);
}

int boot_root(void)
{
	int layer_fd;

	for (size_t i = 0; i < sizeof(early_mounts) / sizeof(early_mounts[0]); i++) {
		do_mount(&early_mounts[i]);
		if (i == 0)
			power_console();
	}
	modules_load();
	layer_fd = mount_root();
	switch_root();
	for (size_t i = 0; i < sizeof(late_mounts) / sizeof(late_mounts[0]); i++)
		do_mount(&late_mounts[i]);
	ensure_tmp();
	make_links();
	loopback_up();
	return layer_fd;
}
