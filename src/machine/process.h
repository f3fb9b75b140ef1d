/* SPDX-License-Identifier: Apache-2.0 */
/**
 * process.h - several commands at once in one VM.
 *
 * A handle and all processes of it belong to one thread at a time. Nothing here blocks but
 * vm_step(). Whoever has a poll(2) loop of his own does
 *
 *	vm_poll(vm, fds, &timeout_ms);		which descriptors, and until when
 *	poll(fds, VM_POLL_MAX, ...)		with others of his own, for that long at most
 *	vm_serve(vm, fds, &err);		calls the handlers
 *
 * and everybody else vm_step(). Handlers are called from these two and from ironclaw_vm_exec(),
 * which steps the others along. A handler may start, feed, signal, kill and free any process; it
 * must not step, serve, exec or destroy.
 *
 * A process ends when the guest says so, after which nothing that it started lives; or with the
 * link (IRONCLAW_ERR_UNKNOWN_OUTCOME, over vsock only, the VM lives on); or with the VM.
 */
#ifndef MACHINE_PROCESS_H
#define MACHINE_PROCESS_H

#include <poll.h>

#include "machine/vm.h"

#define VM_PROCESS_MAX	       WIRE_SESSION_MAX /* at once in one VM: 16 */
#define VM_PROCESS_INPUT_MAX_B (1024U * 1024U)	/* queued by vm_process_write() and not yet sent */
#define VM_POLL_MAX	       (4U + VM_PROCESS_MAX)

struct vm_process;

/** What becomes of a process. */
struct vm_process_handler {
	/**
	 * Output as it comes, 1 byte to 64 KiB at a time; hostile bytes. May be NULL: discarded.
	 *
	 * Return: 0: taken. -EAGAIN: not now: the bytes are kept, and offered again, whole, after
	 * vm_process_resume(); meanwhile at most 256 KiB a stream are kept, then the command waits,
	 * and no other one does. Else below 0: the command is killed, and its result is
	 * IRONCLAW_ERR_CANCELLED.
	 */
	int (*output)(void *userdata, enum ironclaw_stream stream, const void *data, size_t len);
	/** It is over, all its output was given: vm_process_result() has the rest. May be NULL. */
	void (*over)(void *userdata);
	void *userdata;
};

/**
 * vm_process_start() - start a command; queues the request, and does not wait.
 * @options:	as ironclaw_vm_exec() has them, and borrowed for the call only; output and userdata
 *		are not used. use_stdin with stdin_fd -1: vm_process_write() feeds it. A stdin_fd
 *		stays open until the process is over or freed, and is only read when readable
 * @ret:	for vm_process_free()
 *
 * That the guest could not start it is a result (exit code 126 or 127), not a failure. Once
 * timeout_ms are over it is killed, as after vm_process_kill().
 *
 * Return: 0; -EBUSY (IRONCLAW_ERR_BUSY) when VM_PROCESS_MAX run, or the VM is paused; -EINVAL,
 *-E2BIG (_INVALID); -EPIPE (_LOST) for a VM that has ended; -ENOMEM
 */
int vm_process_start(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options,
		     const struct vm_process_handler *handler, struct vm_process **ret,
		     struct ironclaw_error *err);

/**
 * vm_process_write() - queue input, all of @data or nothing.
 *
 * Return: 0; -EAGAIN when the queue has no room for it; -E2BIG when it never will; -EPIPE when
 * the process is over, its input was closed, or never was ours; -ENOMEM
 */
int vm_process_write(struct vm_process *p, const void *data, size_t len);

/** vm_process_room() - how many bytes vm_process_write() takes now. */
size_t vm_process_room(const struct vm_process *p);

/** vm_process_close_input() - its end, behind what is queued. Return: as vm_process_write() */
int vm_process_close_input(struct vm_process *p);

/** vm_process_resume() - offer the output again that the handler did not take. */
void vm_process_resume(struct vm_process *p);

/** vm_process_signal() - to its process group. Return: 0; -EINVAL; -EPIPE when it is over; -ENOMEM
 */
int vm_process_signal(struct vm_process *p, int signal);

/**
 * vm_process_kill() - SIGKILL to everything that it started; it is over when the guest says so.
 *
 * Output that comes from now on is dropped. When the guest does not confirm the end within
 * LIMIT_KILL_WAIT_MS, the VM is taken down. Return: 0, also when it is over; -ENOMEM
 */
int vm_process_kill(struct vm_process *p);

bool vm_process_is_over(const struct vm_process *p);

/**
 * vm_process_result() - how it ended; when it is over.
 * @ret:	with its size
 *
 * Return: 0 with *ret; -errno with why there is none: IRONCLAW_ERR_UNKNOWN_OUTCOME, _LOST,
 * _CANCELLED and so on, as ironclaw_vm_exec() has them; -EBUSY when it is not over
 */
int vm_process_result(const struct vm_process *p, struct ironclaw_exec_result *ret,
		      struct ironclaw_error *err);

/**
 * vm_process_free() - NULL is fine. One that runs is killed, and its number is free again when the
 * guest has confirmed that; no handler is called any more.
 *
 * All have to be freed, before ironclaw_vm_destroy() or after it.
 */
void vm_process_free(struct vm_process *p);

/**
 * vm_poll() - what to wait for.
 * @fds:	filled, all of them; unused ones have the descriptor -1
 * @timeout_ms:	lowered to what is next; -1 is none. 0 or above when something has a deadline
 */
void vm_poll(struct ironclaw_vm *vm, struct pollfd fds[VM_POLL_MAX], int *timeout_ms);

/**
 * vm_serve() - act on what poll(2) found, and on deadlines; without blocking.
 *
 * Return: 0; -errno when the VM is lost: it was taken down, and every process is over
 */
int vm_serve(struct ironclaw_vm *vm, const struct pollfd fds[VM_POLL_MAX],
	     struct ironclaw_error *err);

/**
 * vm_step() - poll and serve once.
 * @timeout_ms:	-1: until something happens
 */
int vm_step(struct ironclaw_vm *vm, int timeout_ms, struct ironclaw_error *err);

#endif
