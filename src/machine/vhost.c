/* SPDX-License-Identifier: Apache-2.0 */
/* vhost.c - a link over the kernel's own vsock; see vhost.h. */
#include "machine/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/vhost.h>

#include "base/cleanup.h"
#include "link/vsock.h"

#define DEVICE	  "/dev/vhost-vsock"
/* [2^20, 2^31): out of the way of CIDs that people choose. */
#define CID_MIN	  (UINT32_C(1) << 20)
#define CID_LIMIT (UINT32_C(1) << 31)
#define TRIES	  16

static int cannot_open(int errnum, struct ironclaw_error *err)
{
	bool missing = errnum == ENOENT || errnum == ENODEV || errnum == ENXIO;

	(void)err_set(err, IRONCLAW_ERR_UNAVAILABLE, missing ? ENODEV : errnum,
		      "cannot open '" DEVICE "', which a link over vsock needs: %s",
		      strerror(errnum));
	if (missing)
		err_hint(err, "modprobe vhost_vsock");
	else if (errnum == EACCES)
		err_hint(err, "join the group that owns " DEVICE " (kvm, with udev's rules)");
	return -(missing ? ENODEV : errnum);
}

/* Return: 0 with a free CID set, -EADDRINUSE, -errno */
static int try_cid(int device_fd, uint32_t *ret_cid, int *ret_listener)
{
	uint32_t random;
	uint64_t cid;
	int fd;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	*ret_cid = CID_MIN + random % (CID_LIMIT - CID_MIN);
	cid = *ret_cid;
	if (ioctl(device_fd, VHOST_VSOCK_SET_GUEST_CID, &cid) < 0)
		return -errno;
	fd = vsock_listen(*ret_cid);
	if (fd < 0)
		return fd;
	*ret_listener = fd;
	return 0;
}

int vhost_open(int *ret_device, int *ret_listener, uint32_t *ret_cid, struct ironclaw_error *err)
{
	cleanup_close int device_fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	int r = -EADDRINUSE;

	if (device_fd < 0)
		return cannot_open(errno, err);
	for (int i = 0; i < TRIES && r == -EADDRINUSE; i++)
		r = try_cid(device_fd, ret_cid, ret_listener);
	if (r < 0)
		return err_sys(err, -r, "cannot get an address for the link over vsock");
	*ret_device = take_fd(&device_fd);
	return 0;
}
