/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_world.c - what acts aim at, outside of the jail: a file that everybody may write,
 * listeners, a shared memory segment, a key of the session, this process; and files that must stay
 * as they are. See probe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/probe.h"

#define WATCHED_MAX 6
#define CANARY	    "not for the guest\n"
#define KEY_NAME    "ironclaw-probe"
#define SHM_B	    4096

struct watched {
	const char *name;
	char path[1200];
	struct stat st;
};

struct probe_world {
	char file[64];
	struct stat file_st;
	int tcp_fd, tcp6_fd, udp_fd, abstract_fd, pathname_fd, shm_id;
	uint16_t port;
	key_t shm_key;
	char abstract[64];
	char socket[72]; /* path of the one that is a file */
	size_t n_watched;
	struct watched watched[WATCHED_MAX];
};

static int make_file(struct probe_world *w, struct ironclaw_error *err)
{
	cleanup_close int fd = -EBADF;

	(void)snprintf(w->file, sizeof(w->file), "/tmp/ironclaw-prove-XXXXXX");
	fd = mkostemp(w->file, O_CLOEXEC);
	if (fd < 0) {
		int errnum = errno;

		w->file[0] = '\0';
		return err_sys(err, errnum, "cannot make a file in /tmp");
	}
	if (write(fd, CANARY, strlen(CANARY)) != (ssize_t)strlen(CANARY) || fchmod(fd, 0666) < 0 ||
	    fstat(fd, &w->file_st) < 0)
		return err_sys(err, errno, "cannot write '%s'", w->file);
	return 0;
}

static int listen_on(int type, const void *address, socklen_t size)
{
	const struct sockaddr *to = address;
	int fd = socket(to->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	if (bind(fd, to, size) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0)) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

/* One port for TCP and UDP. Where there is no IPv6, nobody listens there. */
static int make_listeners(struct probe_world *w, struct ironclaw_error *err)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(in);

	w->tcp_fd = listen_on(SOCK_STREAM, &in, sizeof(in));
	if (w->tcp_fd < 0)
		return err_sys(err, -w->tcp_fd, "cannot listen on the loopback interface");
	if (getsockname(w->tcp_fd, (struct sockaddr *)&in, &size) < 0)
		return err_sys(err, errno, "getsockname");
	w->port = ntohs(in.sin_port);
	in6.sin6_port = in.sin_port;
	w->udp_fd = listen_on(SOCK_DGRAM, &in, sizeof(in));
	w->tcp6_fd = listen_on(SOCK_STREAM, &in6, sizeof(in6));
	(void)snprintf(w->abstract, sizeof(w->abstract), "ironclaw-prove-%d", (int)getpid());
	memcpy(un.sun_path + 1, w->abstract, strlen(w->abstract));
	w->abstract_fd = listen_on(SOCK_STREAM, &un,
				   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					       strlen(w->abstract)));
	return w->abstract_fd < 0 ? err_sys(err, -w->abstract_fd, "cannot make a socket") : 0;
}

/* Beside the file, whose name is nobody else's. */
static int make_socket_file(struct probe_world *w, struct ironclaw_error *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)snprintf(w->socket, sizeof(w->socket), "%s.sock", w->file);
	memcpy(un.sun_path, w->socket, strlen(w->socket));
	w->pathname_fd = listen_on(SOCK_STREAM, &un, sizeof(un));
	if (w->pathname_fd < 0) {
		w->socket[0] = '\0';
		return err_sys(err, -w->pathname_fd, "cannot make a socket in /tmp");
	}
	return chmod(w->socket, 0666) < 0 ? err_sys(err, errno, "cannot open the socket to all")
					  : 0;
}

/* In a session keyring of this process's own, so that it goes with the process. */
static void make_key(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return;
	(void)syscall(SYS_add_key, "user", KEY_NAME, "secret", 6UL, KEY_SPEC_SESSION_KEYRING);
}

int probe_world_make(struct probe_world **ret, struct ironclaw_error *err)
{
	struct probe_world *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_sys(err, ENOMEM, "no room for the probe's targets");
	w->tcp_fd = w->tcp6_fd = w->udp_fd = w->abstract_fd = -1;
	w->pathname_fd = w->shm_id = -1;
	r = make_file(w, err);
	if (r == 0)
		r = make_listeners(w, err);
	if (r == 0)
		r = make_socket_file(w, err);
	if (r < 0) {
		probe_world_free(w);
		return r;
	}
	w->shm_key = (key_t)(0x69630000 | (getpid() & 0xffff));
	w->shm_id = shmget(w->shm_key, SHM_B, IPC_CREAT | IPC_EXCL | 0666);
	make_key();
	*ret = w;
	return 0;
}

int probe_world_watch(struct probe_world *w, const char *name, const char *path,
		      struct ironclaw_error *err)
{
	struct watched *f = &w->watched[w->n_watched];

	ic_assert(w->n_watched < WATCHED_MAX);
	f->name = name;
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	if (stat(path, &f->st) < 0)
		return err_sys(err, errno, "cannot look at '%s'", path);
	w->n_watched++;
	return 0;
}

void probe_world_orders(const struct probe_world *w, uint32_t act, const struct engine *engine,
			unsigned int n_given, struct probe_orders_text *ret)
{
	const char *own = engine->own_sockets ? strrchr(JAIL_LISTENER, '/') + 1 : "";

	(void)snprintf(
		ret->text, sizeof(ret->text),
		"act=%u\nprogram=%s\nown=%s\ngiven=%u\npid=%d\nport=%u\nshm=%d\nabstract=%s\n"
		"socket=%s\nfile=%s\n",
		act, engine->inside, own, n_given, (int)getpid(), w->port, (int)w->shm_key,
		w->abstract, w->socket, w->file);
}

/* The time of the last change moves with every change of content, mode, owner and links. */
static bool is_same(const char *path, const struct stat *before)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == before->st_dev && st.st_ino == before->st_ino &&
	       st.st_mode == before->st_mode && st.st_size == before->st_size &&
	       st.st_nlink == before->st_nlink && st.st_uid == before->st_uid &&
	       st.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
	       st.st_ctim.tv_sec == before->st_ctim.tv_sec &&
	       st.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

static bool is_silent(int fd)
{
	char byte;
	int peer;

	if (fd < 0)
		return true;
	peer = accept(fd, NULL, NULL);
	if (peer >= 0) {
		(void)close(peer);
		return false;
	}
	if (errno == EOPNOTSUPP)
		return recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN;
	return errno == EAGAIN;
}

static bool is_untraced(void)
{
	char text[4096];
	cleanup_close int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, "\nTracerPid:\t0\n") != NULL;
}

static void add(struct probe_results *ret, const char *name, bool held)
{
	ic_assert(ret->n_effects < PROBE_EFFECTS_MAX);
	ret->effects[ret->n_effects++] = (struct probe_effect){.name = name, .held = held};
}

void probe_world_look(const struct probe_world *w, struct probe_results *ret)
{
	bool silent = is_silent(w->tcp_fd) && is_silent(w->tcp6_fd) && is_silent(w->udp_fd);

	for (size_t i = 0; i < w->n_watched; i++)
		add(ret, w->watched[i].name, is_same(w->watched[i].path, &w->watched[i].st));
	add(ret, "a file of the host is unchanged", is_same(w->file, &w->file_st));
	add(ret, "nothing reached the host's TCP and UDP sockets", silent);
	add(ret, "nothing reached the host's unix sockets",
	    is_silent(w->abstract_fd) && is_silent(w->pathname_fd));
	add(ret, "no process outside is traced", is_untraced());
}

void probe_world_free(struct probe_world *w)
{
	if (!w)
		return;
	if (w->file[0])
		(void)unlink(w->file);
	if (w->socket[0])
		(void)unlink(w->socket);
	if (w->shm_id >= 0)
		(void)shmctl(w->shm_id, IPC_RMID, NULL);
	close_fd(&w->tcp_fd);
	close_fd(&w->tcp6_fd);
	close_fd(&w->udp_fd);
	close_fd(&w->abstract_fd);
	close_fd(&w->pathname_fd);
	free(w);
}
