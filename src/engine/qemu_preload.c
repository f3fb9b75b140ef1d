/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_preload.c - ironclaw-qemu-preload.so: lets QEMU 7.2 map a template that it may not write.
 *
 * A clone maps the template's memory privately and never writes the file, but QEMU before 8.2 opens
 * the file of any writable memory O_RDWR (later ones have rom=off). In the jail the file is on a
 * read-only mount, so that open fails with EROFS. This library, preloaded into the VMM, turns that
 * one open into O_RDONLY. It grants nothing: what keeps the template whole is the mount, not this
 * code.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RAM_INSIDE "/vm/ram"

#define EXPORTED   __attribute__((visibility("default")))

/* What glibc's headers turn open() into where the mode is not needed. */
int __open64_2(const char *path, int flags);

static int open_template_read_only(const char *path, int flags, mode_t mode)
{
	if ((flags & O_ACCMODE) == O_RDWR && strcmp(path, RAM_INSIDE) == 0)
		flags = (flags & ~O_ACCMODE) | O_RDONLY;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
EXPORTED int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_template_read_only(path, flags, mode);
}

EXPORTED int __open64_2(const char *path, int flags)
{
	return open_template_read_only(path, flags, 0);
}
