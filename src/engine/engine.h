/* SPDX-License-Identifier: Apache-2.0 */
/**
 * engine.h - what a driver of one VMM does; engine.c holds the table of drivers.
 *
 * plan() is pure: settings in, command line, file list and orders out. Whoever has the plan puts
 * the VMM into its jail with it (jail/plan.h). start(), check() and save() talk to the VMM's
 * monitor and are used by the keeper: they treat every byte from the VMM as hostile.
 *
 * Two kinds of VMM are known. One gets its sockets as descriptors (QEMU). The other makes them
 * itself, in a small folder of its jail (Firecracker; `sockets` in the plan): the keeper has that
 * folder as its current one, so that a monitor is `connect()`ed to by its bare name.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/limits.h"
#include "base/error.h"
#include "base/paths.h"
#include "vm/config.h"

#define ENGINE_ARGV_MAX	       96U
#define ENGINE_ENV_MAX	       4U
#define ENGINE_FILES_MAX       192U
#define ENGINE_TEXT_MAX_B      16384U
#define ENGINE_HOST_FILES_MAX  176U /* leaves ENGINE_FILES_MAX some for the VM's own */
#define ENGINE_HOST_TEXT_MAX_B 20480U
#define ENGINE_IDENTITY_B      256U
#define ENGINE_VERSION_B       48U
#define ENGINE_ORDERS_MAX_B    4096U
#define ENGINE_FILTER_MAX_B    100000U

/* Of a VMM that makes its sockets itself, as it sees them; the keeper sees the names alone. */
#define ENGINE_SOCKETS_INSIDE  "/run"
#define ENGINE_API_NAME	       "api.sock"
#define ENGINE_VSOCK_NAME      "v.sock"
/** The port that a guest calls is its own CID: one that is the host's alone needs no other. */
#define ENGINE_SOCKETS_CID     3U

/** Descriptors that the VMM gets, beside stdio: numbers inside the VMM; the first plan.n_fds. */
enum engine_fd {
	ENGINE_FD_LINK = 3, /* a connected socket; ENGINE_LINK_VSOCK: /dev/vhost-vsock, opened */
	ENGINE_FD_MONITOR = 4,
	ENGINE_FD_STATE = 5, /* clones only: the saved device state, for reading */
};

enum engine_accel { ENGINE_ACCEL_KVM, ENGINE_ACCEL_TCG };

/** How the bytes of the link travel. */
enum engine_link {
	ENGINE_LINK_SERIAL, /* a port of virtio-serial; the keeper has the other end of its socket
			     */
	ENGINE_LINK_VSOCK,  /* the guest calls; the keeper has a socket that listens */
};

enum engine_start {
	ENGINE_BOOT,	      /* boot with memory of its own */
	ENGINE_BOOT_TEMPLATE, /* boot with `ram` as shared memory, to be saved */
	ENGINE_CLONE, /* restore: `ram` mapped privately, device state from ENGINE_FD_STATE */
};

/** A file that the VMM needs beside its program: offsets of two paths, and when. */
struct engine_host_file {
	uint32_t host, inside;
	bool boot_only; /* a clone does without it */
};

/** Where an engine is on this host and what it is. */
struct engine_host {
	char program[1024];		  /* the VMM for this accelerator */
	char version[ENGINE_VERSION_B];	  /* of an engine that depends on it; or empty */
	bool elf_kernel_only;		  /* it boots a vmlinux, but no bzImage */
	char identity[ENGINE_IDENTITY_B]; /* changes whenever a template of it must not be used */
	char preload[1024];		  /* library for the VMM, see qemu_preload.c; or empty */
	/* Its loader, libraries, modules and firmware: these files and no other. */
	uint32_t n_files, text_used;
	struct engine_host_file files[ENGINE_HOST_FILES_MAX];
	char text[ENGINE_HOST_TEXT_MAX_B];
};

/** All paths are absolute and on the host. */
struct engine_settings {
	enum engine_accel accel;
	enum engine_start start;
	uint32_t vcpus;
	uint64_t memory_mib;
	uint32_t tsc_khz;      /* of the host; for boots under emulation */
	const char *kernel;    /* not for clones */
	const char *initramfs; /* not for clones */
	const char *image;
	const char *ram;   /* templates and clones */
	const char *state; /* templates: made and empty; clones: ENGINE_FD_STATE holds the same */
	enum engine_link link;
	uint32_t guest_cid; /* ENGINE_LINK_VSOCK: of this VM on this host, or ENGINE_SOCKETS_CID */
	const char *seccomp_filter; /* file for a VMM that loads one of its own; NULL: built-in */
};

enum engine_file_kind {
	ENGINE_FILE_RO,	    /* file, read-only */
	ENGINE_FILE_RW,	    /* memory or state of a template in the making */
	ENGINE_FILE_DEVICE, /* a device node */
};

struct engine_file {
	enum engine_file_kind kind;
	const char *host;
	const char *inside;
};

/** Pointers lead into text or to what the plan was made from; a plan is not copied. */
struct engine_plan {
	size_t n_argv, n_env, n_files;
	const char *argv[ENGINE_ARGV_MAX + 1];
	const char *env[ENGINE_ENV_MAX + 1];
	struct engine_file files[ENGINE_FILES_MAX];
	uint64_t file_size_max_b;
	unsigned int n_fds; /* how many of enum engine_fd the VMM gets */
	bool sockets;	    /* it makes its sockets in ENGINE_SOCKETS_INSIDE */
	/* What start() tells the monitor; made of settings alone. */
	char orders[ENGINE_ORDERS_MAX_B];
	bool overflow; /* something did not fit */
	size_t text_used;
	char text[ENGINE_TEXT_MAX_B];
};

/** The keeper's end of the VMM's monitor. */
struct engine_monitor {
	int fd;
	bool negotiated; /* QMP: the VMM takes commands */
	size_t used;
	char text[LIMIT_MONITOR_MAX_B]; /* a line of QMP; an answer of HTTP */
};

struct engine {
	enum vm_engine kind;
	const char *name;
	enum engine_link link; /* when nobody chose one */
	bool other_link;       /* it can do the other one as well */
	const char *inside;    /* path of the VMM's program in its jail */
	bool own_sockets;      /* its VMM makes them, takes no descriptors, and has files by path */

	/**
	 * probe() - find the VMM for an accelerator.
	 * @paths: RUN remembers which libraries it links, see libraries.h
	 * @link: what the VMM must be able to carry
	 * @libexec: folder of our own programs and libraries
	 * Return: 0; -ENOENT (hint: what to install); as libraries_find()
	 */
	int (*probe)(const struct paths *paths, enum engine_accel accel, enum engine_link link,
		     const char *libexec, struct engine_host *ret, struct ironclaw_error *err);

	/**
	 * filter() - the file for a VMM that loads its system call filter from one; pure. The
	 * member is NULL when no VMM of this engine does.
	 * @saves:	a template is made of this VM
	 * @buf:	of ENGINE_FILTER_MAX_B bytes
	 * @ret_len:	0: none is to be given at this level, its built-in one is the right one
	 *
	 * Return: 0; -EOPNOTSUPP for a version whose calls are not known
	 */
	int (*filter)(const struct engine_host *host, enum vm_seccomp level, bool saves,
		      uint8_t *buf, size_t *ret_len, struct ironclaw_error *err);

	/**
	 * plan() - pure; the plan's pointers lead into @host and @settings too.
	 * Return: 0; -E2BIG when a path is too long for the plan
	 */
	int (*plan)(const struct engine_host *host, const struct engine_settings *settings,
		    struct engine_plan *ret, struct ironclaw_error *err);

	/**
	 * start() - give the VMM its plan's orders; in the keeper.
	 * @monitor: its descriptor is the keeper's end; of a plan with sockets it is not open, and
	 *	the engine connects
	 * @idle: called at least every 100 ms while an answer is waited for: it drains the console
	 *
	 * What can be left unanswered is (QEMU); the failure is then found by check().
	 */
	int (*start)(struct engine_monitor *monitor, const char *orders, uint32_t deadline_ms,
		     void (*idle)(void), struct ironclaw_error *err);

	/** check() - read what the monitor says, without blocking. Return: 0, -errno when it failed
	 */
	int (*check)(struct engine_monitor *monitor, struct ironclaw_error *err);

	/**
	 * save() - stop an idle VM and write its state to settings.state, which @state_fd is as
	 * well; its memory is then in settings.ram. The VM never runs again.
	 * @idle: as for start(); QEMU has it called between its questions for how far it is
	 */
	int (*save)(struct engine_monitor *monitor, int state_fd, uint32_t deadline_ms,
		    void (*idle)(void), struct ironclaw_error *err);

	/**
	 * pause(), resume() - stop the guest's processors, and let them run again.
	 * Return: 0; -EOPNOTSUPP: this VMM would come to harm, its cgroup is to be frozen instead
	 */
	int (*pause)(struct engine_monitor *monitor, uint32_t deadline_ms,
		     struct ironclaw_error *err);
	int (*resume)(struct engine_monitor *monitor, uint32_t deadline_ms,
		      struct ironclaw_error *err);

	/**
	 * exit_reason() - what an end of the VMM means, beyond what is true of every program; pure.
	 * @wait_status: as of waitpid(2)
	 * Return: a sentence, or NULL. The member is NULL when no end has a meaning of its own.
	 */
	const char *(*exit_reason)(int wait_status);
};

/** engine_of() - the driver of a kind; NULL for VM_ENGINE_AUTO and what is none. */
const struct engine *engine_of(enum vm_engine kind);

/** engine_link_name() - "virtio-serial", "vsock". */
const char *engine_link_name(enum engine_link link);

/** engine_accel_name() - "kvm", "tcg". */
const char *engine_accel_name(enum engine_accel accel);

/** engine_host_file() - for the engines: append a file. Return: 0, -E2BIG */
int engine_host_file(struct engine_host *host, const char *path, const char *inside,
		     bool boot_only);

/* For the engines: append to a plan; failures are sticky in plan->overflow. */
void engine_plan_arg(struct engine_plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void engine_plan_env(struct engine_plan *plan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void engine_plan_file(struct engine_plan *plan, enum engine_file_kind kind, const char *host,
		      const char *inside);

#endif
