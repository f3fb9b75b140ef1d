/* SPDX-License-Identifier: Apache-2.0 */
/**
 * store_ls.h - `ironclaw image ls` and `kernel ls`: one listing, with the columns of each.
 */
#ifndef CLI_STORE_LS_H
#define CLI_STORE_LS_H

#include "codec/json_write.h"
#include "image/store.h"

#define STORE_LS_COLUMNS 5

/** What the two listings differ in. */
struct store_ls {
	const char *kind;	    /* STORE_IMAGES or STORE_KERNELS */
	const char *if_none;	    /* instead of an empty table */
	const char *const *headers; /* STORE_LS_COLUMNS, the first is the name */
	const void *userdata;	    /* for the callbacks */
	/* All cells but the first; @size is a text. Of a damaged entry only the name is known. */
	void (*fill)(const void *userdata, const struct store_entry *entry, const char *size,
		     const char **cells);
	/* The members of a JSON object that is open. */
	void (*write_json)(const void *userdata, struct json_writer *w,
			   const struct store_entry *entry);
};

/** store_ls() - parse what follows `ls` (-q, --json) and list. Return: the exit code. */
int store_ls(int argc, char **argv, const char *help, const struct paths *paths,
	     const struct store_ls *ls);

#endif
