/* SPDX-License-Identifier: Apache-2.0 */
/**
 * secret.h - a key that is sent in a header: where it comes from, and where it must not go.
 *
 * It is held in one place, overwritten when it is freed, and taken out of every text of others that
 * is shown. The environment keeps what it has.
 */
#ifndef CODEC_SECRET_H
#define CODEC_SECRET_H

#include "base/error.h"

#define SECRET_MAX_B 4096U

/**
 * secret_read() - read a key: from @file when there is one, else from the environment.
 * @file:	path, or NULL; its last newline is no part of the key
 * @variable:	name in the environment, or NULL; an empty one is none
 * @ret:	for secret_free(); NULL when nothing is there
 *
 * Return: 0; -EINVAL: it is empty, too long, or not of printable ASCII without blanks; -errno of
 * the file. No error holds any of it
 */
int secret_read(const char *file, const char *variable, char **ret, struct ironclaw_error *err);

/** secret_join() - "PREFIX SECRET", for secret_free(); NULL without memory. */
char *secret_join(const char *prefix, const char *secret);

/** secret_hide() - overwrite every place in a text where the key stands; @secret may be NULL. */
void secret_hide(char *text, const char *secret);

/** secret_free() - overwrite and free; NULL is fine. */
void secret_free(char *secret);

#endif
