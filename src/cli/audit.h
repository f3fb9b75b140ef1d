/* SPDX-License-Identifier: Apache-2.0 */
/**
 * audit.h - what the files of `ironclaw audit` share: its actions, and what `seccomp` consists of.
 *
 * The ring of denied system calls may hold anything (jail/denials.h): numbers that are no value of
 * their enum are shown as numbers, and text is escaped.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/paths.h"
#include "jail/denials.h"

/* The actions; argv[0] is "audit ls" and so on. */
int audit_ls_command(int argc, char **argv, const struct paths *paths);
int audit_show_command(int argc, char **argv, const struct paths *paths);
int audit_verify_command(int argc, char **argv, const struct paths *paths);
int audit_export_command(int argc, char **argv, const struct paths *paths);
int audit_seccomp_command(int argc, char **argv, const struct paths *paths);

struct audit_args {
	const char *vm_id; /* NULL: all */
	bool json, follow, limited;
	uint32_t newest; /* when limited: only so many entries */
};

/** A line of the table: cells points into the struct itself. */
#define AUDIT_COLUMNS 7
struct audit_row {
	char time[48], program[16], pid[16], syscall[64], action[16], args[128];
	const char *cells[AUDIT_COLUMNS];
};

extern const char *const audit_headers[AUDIT_COLUMNS];

/** audit_row() - as text; @denial must outlive @ret. */
void audit_row(const struct denial *denial, struct audit_row *ret);

struct json_writer;

/** audit_write_json() - an object; it is an element of an array, or a document of its own. */
void audit_write_json(struct json_writer *w, const struct denial *denial);

/** VMs with more than DENIALS_ALERT_AFTER denials, at most DENIALS_MAX of them. */
struct audit_alert {
	char vm_id[JAIL_VM_ID_MAX + 1];
	uint32_t count;	 /* the most of one VM of that name */
	uint32_t newest; /* of the newest entry: falls when a new VM takes the name */
};

struct audit_alerts {
	struct audit_alert *items;
	size_t n;
};

/**
 * audit_alerts_note() - take an entry into account; entries come in order.
 *
 * Return: 1 when it makes an alert: the first beyond the bound of a VM; 0; -ENOMEM
 */
int audit_alerts_note(struct audit_alerts *alerts, const struct denial *denial);

void audit_alerts_done(struct audit_alerts *alerts);

/** audit_print_alert() - the line of text. */
void audit_print_alert(const char *vm_id, uint32_t count);

/** audit_print_dropped() - the line of text; nothing for 0. */
void audit_print_dropped(uint64_t dropped);

/** Entries of the ring at one moment, those of other VMs left out. */
struct audit_snapshot {
	struct denial *entries; /* oldest first */
	size_t n;
	uint64_t last;	  /* number of the newest entry of all VMs */
	uint64_t dropped; /* overwritten since the ring was made, of all VMs */
	uint64_t skipped; /* half-written, of all VMs */
};

/** audit_open() - Return: descriptor of the ring; -ENOENT when there is none; -errno */
int audit_open(const struct paths *paths);

/** audit_snapshot() - @ret: for audit_snapshot_done(). Return: 0, -ENOMEM */
int audit_snapshot(const struct denials *ring, const char *vm_id, struct audit_snapshot *ret);

void audit_snapshot_done(struct audit_snapshot *snapshot);

/** audit_fail() - say why the ring cannot be read. Return: the exit code */
int audit_fail(const struct paths *paths, int errnum);

/** audit_follow() - print entries as they come, until SIGINT or SIGTERM. Return: the exit code */
int audit_follow(const struct paths *paths, const struct audit_args *args);

#endif
