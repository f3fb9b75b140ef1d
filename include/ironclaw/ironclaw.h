/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ironclaw.h - run a command in a fresh micro-VM.
 *
 * The whole public interface. A VM has no network card, sees no host file and is forgotten when it
 * is destroyed; what comes back is the output and the exit status of the commands run in it.
 *
 * Conventions:
 *  - Functions return 0 or a negative errno. When they fail they also fill the caller-owned
 *    `struct ironclaw_error` (may be NULL); on failure nothing else is written.
 *  - Options structs start with `size`, which the caller sets to sizeof the struct; a zeroed field
 *    means the default. Fields are only ever added at the end.
 *  - Strings passed in are borrowed for the time of the call only.
 *  - One handle may be used by one thread at a time, ironclaw_vm_signal() and ironclaw_vm_resize()
 *    excepted. The library never exits, never writes to stdout or stderr, and installs no signal
 *    handler.
 *  - No privilege is needed. The library starts one helper program, the warden, from its libexec
 *    folder (or IRONCLAW_LIBEXEC), and that starts the others.
 */
#ifndef IRONCLAW_H
#define IRONCLAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IRONCLAW_PUBLIC __attribute__((visibility("default")))

/** Stable reasons for a failure: branch on these, not on the text. */
enum ironclaw_errcode {
	IRONCLAW_ERR_NONE = 0,
	IRONCLAW_ERR_INVALID,	  /**< the caller's settings are wrong */
	IRONCLAW_ERR_NOT_FOUND,	  /**< no such image, kernel, template or VM */
	IRONCLAW_ERR_EXISTS,	  /**< the name is taken */
	IRONCLAW_ERR_BUSY,	  /**< somebody else holds the lock */
	IRONCLAW_ERR_UNAVAILABLE, /**< the host lacks a program or a feature */
	IRONCLAW_ERR_CORRUPT,	  /**< a stored file does not match its digest */
	IRONCLAW_ERR_NO_SPACE,	  /**< disk or memory of the host is full */
	IRONCLAW_ERR_TIMEOUT,	  /**< a deadline passed */
	IRONCLAW_ERR_VMM,	  /**< the VMM failed or died */
	IRONCLAW_ERR_GUEST,	  /**< the guest did not start or broke the protocol */
	IRONCLAW_ERR_JAIL,	  /**< the confinement could not be put up: nothing was started */
	IRONCLAW_ERR_LOST,	  /**< the VM ended under a running command: outcome unknown */
	IRONCLAW_ERR_CANCELLED,	  /**< a callback of the caller asked to stop */
	IRONCLAW_ERR_SYSTEM,	  /**< another failure of the operating system */
	IRONCLAW_ERR_INTERNAL,	  /**< a bug in IronClaw */
	IRONCLAW_ERR_UNKNOWN_OUTCOME, /**< the link broke under a running command; the VM lives on
				       */
	IRONCLAW_ERR_MAX
};

#define IRONCLAW_ERROR_TEXT_MAX 1024
#define IRONCLAW_ERROR_HINT_MAX 256

/** What failed and why. Owned by the caller; never needs to be freed. */
struct ironclaw_error {
	enum ironclaw_errcode code;
	int errnum;			    /**< positive errno, or 0 */
	char text[IRONCLAW_ERROR_TEXT_MAX]; /**< one sentence, control characters escaped */
	char hint[IRONCLAW_ERROR_HINT_MAX]; /**< what to run next; may be empty */
};

/** Version of the library, "0.1.0". Static. */
IRONCLAW_PUBLIC const char *ironclaw_version(void);

/** What the library has to say while it works: for people, one line, escaped. */
enum ironclaw_notice {
	IRONCLAW_NOTICE_PROGRESS = 1, /**< a long job goes on: "building the template ..." */
	IRONCLAW_NOTICE_WARNING,      /**< worth knowing: "KVM does not work: using emulation" */
};

/** What a VM is to be. Zero means the default; ironclaw-vm.json(5) describes each field. */
struct ironclaw_vm_options {
	size_t size;		    /**< sizeof(struct ironclaw_vm_options) */
	const char *config_file;    /**< JSON file; what is given here wins over it */
	const char *vm_id;	    /**< 1 to 64 of [A-Za-z0-9-]; default: made up */
	const char *image;	    /**< name of an image; default "default" */
	const char *kernel_path;    /**< a bzImage of your own instead of a built kernel */
	const char *rootfs_path;    /**< an erofs file of your own instead of an image */
	const char *overlay_type;   /**< "tmpfs" */
	const char *vsock_path;	    /**< refused by the engines of this version */
	const char *seccomp_filter; /**< "minimal", "basic" (the default), "permissive" */
	const char *engine;	    /**< "auto", "qemu", "firecracker" */
	const char *accel;	    /**< "auto", "kvm", "tcg" */
	uint32_t vcpu_count;	    /**< 1 to 32 */
	uint32_t memory_mb;	    /**< MiB, 128 to the memory of the host */
	uint32_t overlay_size_mb;   /**< MiB, 64 or more; default: half of the memory */
	bool enable_networking;	    /**< must be false: there is no network card in any VM */
	bool cold;		    /**< boot instead of cloning a template */
	/** Progress and warnings; may be NULL. */
	void (*notice)(void *userdata, enum ironclaw_notice notice, const char *text);
	void *userdata;
	const char *seccomp_mode; /**< "enforce" (the default): a system call of the VMM that its
				     level lacks kills it; "audit": the call fails; recorded in
				     both */
	bool require_limits;	  /**< no start where no cgroup with limits is to be had */
	const char *link;	  /**< how the guest is reached: "auto", "virtio-serial", "vsock" */
};

/**
 * ironclaw_validate() - check every field of the options and of their config file.
 * @violation:	called once for each violation, with "FIELD: TEXT"; warnings have @warning set; may
 *		be NULL
 *
 * Starts nothing. Every function that starts a VM does the same check itself.
 *
 * Return: 0, or -EINVAL with all errors joined in @err
 */
IRONCLAW_PUBLIC int ironclaw_validate(const struct ironclaw_vm_options *options,
				      void (*violation)(void *userdata, bool warning,
							const char *text),
				      void *userdata, struct ironclaw_error *err);

/** A running VM. */
struct ironclaw_vm;

/**
 * ironclaw_vm_start() - make a VM that is ready for commands.
 *
 * Blocks until the guest has answered: about a tenth of a second from a template. The first start
 * of an image builds its template first, which takes seconds and is told by notices. The VM ends
 * with the handle, and with the calling process, however that ends (a child that the caller
 * forks keeps the VM as well, until it execs or ends).
 *
 * Return: 0 with *ret to be given to ironclaw_vm_destroy(), or -errno
 */
IRONCLAW_PUBLIC int ironclaw_vm_start(const struct ironclaw_vm_options *options,
				      struct ironclaw_vm **ret, struct ironclaw_error *err);

/** Facts about a running VM; strings belong to the handle. Times in microseconds. */
struct ironclaw_vm_info {
	size_t size; /**< set by the caller */
	const char *id;
	const char *image;
	const char *engine;    /**< "qemu", "firecracker" */
	const char *accel;     /**< "kvm", "tcg" */
	bool cloned;	       /**< from a template; false: booted */
	uint64_t vmm_start_us; /**< from the call to a started VMM, jail included */
	uint64_t answer_us;    /**< from there to a guest that has its identity */
	uint64_t timeout_ms;   /**< of commands that have none of their own; 0: none */
};

IRONCLAW_PUBLIC void ironclaw_vm_get_info(const struct ironclaw_vm *vm,
					  struct ironclaw_vm_info *ret);

/** What is said of one layer of the confinement of one process. */
enum ironclaw_verdict {
	IRONCLAW_VERDICT_NONE = 0, /**< does not apply to this process: nothing is said */
	IRONCLAW_VERDICT_NOTE,	   /**< told, not judged */
	IRONCLAW_VERDICT_OK,	   /**< what it must be */
	IRONCLAW_VERDICT_WEAK,	   /**< not what it must be */
	IRONCLAW_VERDICT_UNKNOWN,  /**< cannot be read by this user */
};

/** One layer, for the VM's processes; ironclaw-inspect(1) describes each. */
struct ironclaw_layer {
	const char *name; /**< "seccomp" */
	bool must_have;	  /**< without it no command should run */
	struct {
		enum ironclaw_verdict verdict;
		const char *says;   /**< what the kernel says, a few words */
		const char *reason; /**< of weak and unknown, and Landlock's; empty for others */
	} vmm, keeper, warden;
};

/**
 * ironclaw_vm_prove() - what the kernel says about the confinement of a running VM.
 * @layer:	called for each layer, with strings for the time of the call; may be NULL
 *
 * Reads /proc, not what was asked for; forks a child for a moment. May be called at any time
 * between start and destroy.
 *
 * Return: 0 when every must-have layer is in force; -EPERM (IRONCLAW_ERR_JAIL) when one is not,
 * which @err names, after all were told; -errno when nothing could be read
 */
IRONCLAW_PUBLIC int ironclaw_vm_prove(const struct ironclaw_vm *vm,
				      void (*layer)(void *userdata,
						    const struct ironclaw_layer *layer),
				      void *userdata, struct ironclaw_error *err);

enum ironclaw_stream { IRONCLAW_STDOUT = 1, IRONCLAW_STDERR = 2 };

/** One command. */
struct ironclaw_exec_options {
	size_t size;		 /**< sizeof(struct ironclaw_exec_options) */
	const char *const *argv; /**< ends with NULL; at least one, not empty */
	const char *const
		*env;	     /**< NAME=VALUE, ends with NULL; over the guest's defaults; or NULL */
	const char *cwd;     /**< absolute; default: the user's home */
	const char *user;    /**< NAME or UID, each with an optional :GROUP; default: `user` */
	bool tty;	     /**< one pty; everything the command writes is stdout */
	uint16_t rows, cols; /**< first size of the pty */
	bool use_stdin;	     /**< feed stdin_fd to the command; otherwise it reads /dev/null */
	int stdin_fd;	     /**< read only when readable; its end is passed on; never closed */
	uint64_t timeout_ms; /**< then the command is killed; 0: as the config file says, or none */
	/**
	 * Output as it comes, 1 byte to 64 KiB at a time; hostile bytes. May block: the guest
	 * waits. A negative return ends the exec with IRONCLAW_ERR_CANCELLED, except -ETIMEDOUT
	 * of a command with timeout_ms: whoever should take it did not until the time was over,
	 * and the command is killed for that. May be NULL: discarded.
	 */
	int (*output)(void *userdata, enum ironclaw_stream stream, const void *data, size_t len);
	void *userdata;
};

/** How a command ended. */
struct ironclaw_exec_result {
	size_t size;	/**< set by the caller */
	int exit_code;	/**< as a shell has it: 0..255, 128+N by signal, 124 timeout, 126, 127 */
	int signal;	/**< 0, or the signal that killed the command */
	bool started;	/**< false: the guest could not start it; reason in failure */
	bool timed_out; /**< killed because timeout_ms were over; in doubt with the whole VM */
	bool oom;	/**< the guest ran out of memory in this command */
	uint64_t first_byte_us; /**< from the call to the first output; 0: none came */
	uint64_t command_us;	/**< from the call to the end */
	char failure[256];	/**< when not started: one sentence, escaped */
};

/**
 * ironclaw_vm_exec() - run a command in the VM and wait for its end.
 *
 * Nothing that the command started outlives the call. A command that cannot be started is a result
 * (exit code 126 or 127), not a failure. One exec at a time for a handle.
 *
 * After any failure but IRONCLAW_ERR_INVALID, IRONCLAW_ERR_BUSY (the VM is paused, or this is
 * called from an output callback: nothing was started) and IRONCLAW_ERR_UNKNOWN_OUTCOME the VM has
 * ended too. The last comes of a link over vsock only: the guest ends what ran and calls again, and
 * the VM takes commands as before. No command is ever started twice.
 *
 * Return: 0 with *ret, or -errno: IRONCLAW_ERR_INVALID (request too large or malformed),
 * IRONCLAW_ERR_LOST (the VM ended under the command), IRONCLAW_ERR_CANCELLED
 */
IRONCLAW_PUBLIC int ironclaw_vm_exec(struct ironclaw_vm *vm,
				     const struct ironclaw_exec_options *options,
				     struct ironclaw_exec_result *ret, struct ironclaw_error *err);

/**
 * ironclaw_vm_signal() - send a signal to the command that runs now.
 * @signal:	1 to 64; it goes to the command's process group
 *
 * Async-signal-safe, from any thread; without a running command nothing happens.
 *
 * Return: 0, or -errno
 */
IRONCLAW_PUBLIC int ironclaw_vm_signal(struct ironclaw_vm *vm, int signal);

/** ironclaw_vm_resize() - new size of the pty of the command that runs now; as
 * ironclaw_vm_signal(). */
IRONCLAW_PUBLIC int ironclaw_vm_resize(struct ironclaw_vm *vm, uint16_t rows, uint16_t cols);

/**
 * ironclaw_vm_pause() - let the VM stand still: its processors do not run, its memory stays.
 *
 * Between two commands, or from the output callback of one that runs: it goes on where it was when
 * the VM does, nothing of it is lost, and its time limit does not wait. Output that the guest had
 * sent before may still come. No command can be started meanwhile. A VM that is paused already
 * stays so; destroying it, and the death of the calling process, end it like any other.
 *
 * Return: 0; -errno, after which the VM ends: IRONCLAW_ERR_LOST, IRONCLAW_ERR_VMM,
 * IRONCLAW_ERR_TIMEOUT
 */
IRONCLAW_PUBLIC int ironclaw_vm_pause(struct ironclaw_vm *vm, struct ironclaw_error *err);

/**
 * ironclaw_vm_resume() - let a paused VM go on; one that runs does.
 *
 * The guest's clock of the day is set to the host's at once, as at the start. Its monotonic clock
 * stood still or did not, as the VMM has it: QEMU stops it, Firecracker does not.
 *
 * Return: as ironclaw_vm_pause()
 */
IRONCLAW_PUBLIC int ironclaw_vm_resume(struct ironclaw_vm *vm, struct ironclaw_error *err);

/**
 * ironclaw_vm_destroy() - end the VM and remove everything that it had on the host.
 *
 * NULL is fine. The handle is gone afterwards, whatever is returned.
 *
 * Return: 0, or -errno when something could not be removed (the next start sweeps it)
 */
IRONCLAW_PUBLIC int ironclaw_vm_destroy(struct ironclaw_vm *vm, struct ironclaw_error *err);

/** ironclaw_run() - start, exec, destroy. */
IRONCLAW_PUBLIC int ironclaw_run(const struct ironclaw_vm_options *options,
				 const struct ironclaw_exec_options *exec,
				 struct ironclaw_exec_result *ret, struct ironclaw_error *err);

#ifdef __cplusplus
}
#endif
#endif
