/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libraries.h - which shared libraries a VMM consists of, so that its jail can hold just those.
 *
 * The host's own dynamic loader is asked (ld.so --list PROGRAM): it maps the program and what it
 * links, transitively, by the rules that hold on this host, and runs none of it. That takes some
 * milliseconds, so the answer is kept in a record below RUN, with the identity of every file that
 * it was made from. The record counts while all of them are the same: an upgraded library, program
 * or loader cache leads to a new one.
 *
 * In the jail all libraries lie in one folder, whichever folders they come from.
 */
#ifndef ENGINE_LIBRARIES_H
#define ENGINE_LIBRARIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/paths.h"

#define LIBRARIES_MAX	       160U   /* files of a list */
#define LIBRARIES_TEXT_MAX_B   16384U /* their paths */
#define LIBRARIES_RECORD_MAX_B 49152U
#define LIBRARIES_INSIDE       "/lib" /* the folder in the jail */
#define LIBRARIES_NOWHERE      "-"    /* place of a file that only vouches for the list */

/** What tells that a file is still the same; all zero when it is not there. */
struct library_identity {
	uint64_t dev, ino, ctime_s, ctime_ns;
};

struct library_file {
	struct library_identity identity;
	uint32_t host;	 /* offset of its path on the host */
	uint32_t inside; /* offset of its path in the jail, or of LIBRARIES_NOWHERE */
};

struct library_list {
	uint32_t n, text_used;
	struct library_file files[LIBRARIES_MAX];
	char text[LIBRARIES_TEXT_MAX_B];
};

/**
 * libraries_find() - the libraries of some programs or libraries, and the loader itself.
 * @name:	of the record: RUN/NAME
 * @objects:	absolute host paths of ELF files; ends with NULL
 * @ret:	the objects, which vouch, and the libraries
 *
 * A record that cannot be read, is damaged, or tells of another state of the host is made again;
 * that it cannot be stored costs time only.
 *
 * Return: 0; -ENOENT when a library is not there, -ENOEXEC when an object is no ELF file for this
 * host
 */
int libraries_find(const struct paths *paths, const char *name, const char *const *objects,
		   struct library_list *ret, struct ironclaw_error *err);

/* The pure part, in libraries_text.c. */

/**
 * libraries_add() - append a file; one that is in the list already is not added twice.
 * Return: 0; -EINVAL for a path that is not absolute, has "." or ".." in it, or control characters;
 * -EEXIST when another file would be at the same place inside; -E2BIG
 */
int libraries_add(struct library_list *list, const char *host, const char *inside);

/**
 * libraries_read_line() - take a line of the loader's answer, without its newline.
 * Return: 0; -ENOENT for a library that the loader did not find; -EBADMSG for what is no such line;
 * as libraries_add()
 */
int libraries_read_line(struct library_list *list, const char *line);

/** libraries_write_record() - a list as text. Return: its length; -E2BIG */
int libraries_write_record(const struct library_list *list, char *ret, size_t size);

/**
 * libraries_read_record() - all or nothing; begins with a digest of itself, so damage is seen.
 * @text:	terminated; is cut into pieces
 * Return: 0, -EBADMSG
 */
int libraries_read_record(char *text, size_t len, struct library_list *ret);

#endif
