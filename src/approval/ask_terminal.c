/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_terminal.c - the terminal of a question; see ask_terminal.h.
 *
 * Without canonical mode, echo and signal keys, so that Ctrl-C is a byte and a no, not the end of
 * the process before the no is recorded. Signals that would end us are blocked and read instead,
 * for the same reason, and so that the terminal is always put back.
 */
#include "approval/ask_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/clock.h"

#define PTS_MAJOR_FIRST 136U
#define PTS_MAJOR_LAST	143U

static void name_terminal(int fd, char ret[ASK_TERMINAL_MAX_B])
{
	unsigned int dev = 0;

	if (ioctl(fd, TIOCGDEV, &dev) < 0)
		(void)snprintf(ret, ASK_TERMINAL_MAX_B, "tty");
	else if (major(dev) >= PTS_MAJOR_FIRST && major(dev) <= PTS_MAJOR_LAST)
		(void)snprintf(ret, ASK_TERMINAL_MAX_B, "pts/%u",
			       (major(dev) - PTS_MAJOR_FIRST) * 256 + minor(dev));
	else
		(void)snprintf(ret, ASK_TERMINAL_MAX_B, "tty %u:%u", major(dev), minor(dev));
}

static void read_size(struct ask_terminal *t)
{
	struct winsize size = {.ws_row = 0};

	(void)ioctl(t->fd, TIOCGWINSZ, &size);
	t->rows = size.ws_row >= 4 ? size.ws_row : 24;
	t->columns = size.ws_col >= 10 ? size.ws_col : 80;
}

int ask_open(uint64_t timeout_ms, struct ask_terminal *ret)
{
	static const int ends[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
				   SIGTSTP, SIGTTOU, SIGTTIN, SIGPIPE};
	/* O_NONBLOCK is ours alone: each open of /dev/tty has flags of its own. */
	cleanup_close int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	cleanup_close int signal_fd = -EBADF;
	const uint64_t now_us = clock_now_us(), timeout_us = timeout_ms * 1000;
	struct ask_terminal t = {.timeout_us = timeout_us,
				 .deadline_us = now_us + timeout_us,
				 .end_us = now_us + ASK_TOTAL_TIMEOUTS * timeout_us};
	struct termios quiet;
	sigset_t set;

	if (fd < 0 || tcgetpgrp(fd) != getpgrp() || tcgetattr(fd, &t.before) < 0)
		return -ENOTTY;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		(void)sigaddset(&set, ends[i]);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0 || sigprocmask(SIG_BLOCK, &set, &t.mask_before) < 0)
		return -errno;
	quiet = t.before;
	quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	quiet.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR);
	quiet.c_oflag |= OPOST | ONLCR;
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSANOW, &quiet) < 0) {
		int saved = errno;

		(void)sigprocmask(SIG_SETMASK, &t.mask_before, NULL);
		return -saved;
	}
	t.fd = take_fd(&fd);
	t.signal_fd = take_fd(&signal_fd);
	read_size(&t);
	name_terminal(t.fd, t.name);
	*ret = t;
	return 0;
}

void ask_close(struct ask_terminal *t)
{
	if (t->fd < 0)
		return;
	/* SIGTTOU is still blocked: this works in the background too. */
	(void)tcsetattr(t->fd, TCSADRAIN, &t->before);
	(void)sigprocmask(SIG_SETMASK, &t->mask_before, NULL);
	close_fd(&t->signal_fd);
	close_fd(&t->fd);
}

/* Return: 0 when the terminal is ready for @events */
static int await(struct ask_terminal *t, short events)
{
	struct pollfd fds[] = {{.fd = t->fd, .events = events},
			       {.fd = t->signal_fd, .events = POLLIN}};
	int n;

	do {
		n = poll(fds, ARRAY_SIZE(fds), clock_left_ms(t->deadline_us));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (fds[1].revents) {
		struct signalfd_siginfo info;

		/* Taken: the no must be recorded, and whoever asked ends by it. */
		(void)!read(t->signal_fd, &info, sizeof(info));
		return -ECANCELED;
	}
	return fds[0].revents & events ? 0 : -EIO;
}

int ask_write(struct ask_terminal *t, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n;
		int r = await(t, POLLOUT);

		if (r < 0)
			return r;
		n = write(t->fd, text, len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int ask_flush(struct ask_terminal *t)
{
	if (tcgetpgrp(t->fd) != getpgrp())
		return -ENOTTY;
	return tcflush(t->fd, TCIFLUSH) < 0 ? -EIO : 0;
}

/* Who reads on page by page is still there; a key that is stuck is not. */
static void prolong(struct ask_terminal *t)
{
	const uint64_t deadline_us = clock_now_us() + t->timeout_us;

	t->deadline_us = deadline_us < t->end_us ? deadline_us : t->end_us;
}

int ask_key(struct ask_terminal *t)
{
	for (;;) {
		unsigned char c;
		ssize_t n;
		int r = await(t, POLLIN);

		if (r < 0)
			return r;
		n = read(t->fd, &c, 1);
		if (n == 1) {
			prolong(t);
			return tcgetpgrp(t->fd) == getpgrp() ? c : -ENOTTY;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return -EIO;
	}
}
