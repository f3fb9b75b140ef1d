/* SPDX-License-Identifier: Apache-2.0 */
/** process_internal.h - what process.c, process_serve.c and exec.c share. */
#ifndef MACHINE_PROCESS_INTERNAL_H
#define MACHINE_PROCESS_INTERNAL_H

#include "machine/process.h"

#define PROCESS_NAME_SHOWN_B 128U

/** Bytes on their way: [start, used) are there. */
struct process_queue {
	uint8_t *data;
	size_t start, used, size;
};

struct vm_process {
	struct ironclaw_vm *vm; /* NULL: it was destroyed */
	struct vm_process *next;
	struct session session;
	struct vm_process_handler handler;
	int stdin_fd;
	bool own_input;	  /* vm_process_write() feeds it */
	bool input_ended; /* vm_process_close_input() */
	bool input_polled;
	bool tty, builtin;
	struct process_queue input;
	struct process_queue kept[2]; /* stdout, stderr: what the handler did not take yet */
	bool resume;
	uint64_t begin_us, end_us, first_byte_us;
	uint64_t deadline_us; /* 0: none */
	bool timed_out, kill_sent;
	int refused; /* what the handler returned below 0 */
	bool over;
	bool told;     /* the handler knows */
	bool detached; /* freed by its owner */
	struct ironclaw_error lost;
	/* For the sentence about a failure. */
	char argv0[PROCESS_NAME_SHOWN_B], cwd[PROCESS_NAME_SHOWN_B], user[PROCESS_NAME_SHOWN_B];
};

/** process_options_take() - options of this version: those of an older caller end earlier. */
int process_options_take(const struct ironclaw_exec_options *options,
			 struct ironclaw_exec_options *ret, struct ironclaw_error *err);

/**
 * process_start() - vm_process_start() with checked options.
 * @builtin:	one of the guest agent's own; env, cwd, user and tty are empty
 */
int process_start(struct ironclaw_vm *vm, const struct ironclaw_exec_options *options, bool builtin,
		  const struct vm_process_handler *handler, struct vm_process **ret,
		  struct ironclaw_error *err);

/** process_time_is_over() - whether its time limit has passed. */
bool process_time_is_over(const struct vm_process *p);

/** process_remove() - unlink and release. */
void process_remove(struct vm_process *p);

/** process_pump() - send what is queued, as far as it may be. Return: 0, -ENOMEM */
int process_pump(struct vm_process *p);

/** process_drop_kept() - what was kept is consumed unseen. Return: 0, -ENOMEM */
int process_drop_kept(struct vm_process *p);

/** process_end_all() - the VM has ended: all are over, because of @why. No handler is told. */
void process_end_all(struct ironclaw_vm *vm, const struct ironclaw_error *why);

/**
 * process_take_down() - end the VM, and all processes with it.
 * @why:	the result of those whose time is not over; their handlers are told
 */
void process_take_down(struct ironclaw_vm *vm, const struct ironclaw_error *why);

#endif
