/* SPDX-License-Identifier: Apache-2.0 */
/* power.c - the end of the machine; see power.h. */
#include "guest/power.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static int console_fd = STDERR_FILENO; /* the kernel's choice, where the initramfs has a console */

void power_console(void)
{
	int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		console_fd = fd;
}

__attribute__((noreturn)) static void end_machine(void)
{
	(void)kill(-1, SIGKILL);
	sync();
	(void)reboot(RB_AUTOBOOT);
	/* Only a broken kernel comes here; the death of PID 1 makes it panic. */
	_exit(1);
}

void power_fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n > 0) {
		size_t len = (size_t)n < sizeof(text) - 1 ? (size_t)n : sizeof(text) - 2;

		text[len++] = '\n';
		(void)!write(console_fd, "ironclaw-guest: ", 16);
		(void)!write(console_fd, text, len);
		(void)tcdrain(console_fd);
	}
	end_machine();
}
