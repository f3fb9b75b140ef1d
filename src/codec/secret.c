/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c - a key that is sent in a header; see secret.h. */
#include "codec/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define PART_MIN_B 4U /* less of a key is no secret */

static int check(const char *secret, const char *where, struct ironclaw_error *err)
{
	size_t len = strlen(secret);

	for (size_t i = 0; i < len; i++) {
		if (secret[i] <= 0x20 || secret[i] >= 0x7f)
			return err_set(err, IRONCLAW_ERR_INVALID, EINVAL,
				       "the key in %s holds what no key may hold", where);
	}
	if (len == 0 || len > SECRET_MAX_B)
		return err_set(err, IRONCLAW_ERR_INVALID, EINVAL, "the key in %s is %s", where,
			       len == 0 ? "empty" : "too long");
	return 0;
}

static int read_file(const char *path, char **ret, struct ironclaw_error *err)
{
	size_t len;
	int r = file_read_bounded(AT_FDCWD, path, SECRET_MAX_B + 2, ret, &len);

	if (r < 0)
		return err_sys(err, -r, "reading the key in %s", path);
	while (len > 0 && ((*ret)[len - 1] == '\r' || (*ret)[len - 1] == '\n'))
		(*ret)[--len] = '\0';
	/* What stands behind a NUL would be left out in silence. */
	if (strlen(*ret) != len)
		(*ret)[0] = '\x01';
	return 0;
}

int secret_read(const char *file, const char *variable, char **ret, struct ironclaw_error *err)
{
	const char *value = !file && variable ? getenv(variable) : NULL;
	char *secret = NULL;
	int r = 0;

	if (file)
		r = read_file(file, &secret, err);
	else if (value && value[0] && !(secret = strdup(value)))
		r = err_sys(err, ENOMEM, "reading a key");
	if (r == 0 && secret)
		r = check(secret, file ? file : variable, err);
	if (r < 0) {
		secret_free(secret);
		return r;
	}
	*ret = secret;
	return 0;
}

char *secret_join(const char *prefix, const char *secret)
{
	char *joined;

	return asprintf(&joined, "%s %s", prefix, secret) < 0 ? NULL : joined;
}

void secret_hide(char *text, const char *secret)
{
	size_t len = strlen(text), n = secret ? strlen(secret) : 0;

	for (char *at = text; n > 0 && (at = strstr(at, secret));)
		memset(at, '*', n);
	/* A text that was cut may end in the beginning of it. */
	for (n = n > len ? len : n; n >= PART_MIN_B; n--) {
		if (memcmp(text + len - n, secret, n) == 0)
			memset(text + len - n, '*', n);
	}
}

void secret_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
