/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - the signed end of the audit log, and its key; see head.h. */
#include "audit/head.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/cleanup.h"
#include "codec/json.h"
#include "sys/file.h"

/* Our signatures mean nothing else anywhere. */
#define SIGNED_FORMAT "ironclaw audit head 1\n%" PRIu64 "\n%" PRIu64 "\n%s\n"
#define SIGNED_MAX_B  192

static const struct json_field fields[] = {
	{"n", JSON_FIELD_U64, true, offsetof(struct audit_head, n), 0, NULL, NULL},
	{"size", JSON_FIELD_U64, true, offsetof(struct audit_head, size), 0, NULL, NULL},
	{"hash", JSON_FIELD_STRING, true, offsetof(struct audit_head, hash), DIGEST_HEX_B + 1, NULL,
	 NULL},
	{"key", JSON_FIELD_STRING, true, offsetof(struct audit_head, key), AUDIT_KEY_HEX_B + 1,
	 NULL, NULL},
	{"signature", JSON_FIELD_STRING, true, offsetof(struct audit_head, signature),
	 AUDIT_SIGNATURE_HEX_B + 1, NULL, NULL},
	{NULL, JSON_FIELD_U64, false, 0, 0, NULL, NULL}};

static size_t signed_text(const struct audit_head *head, char ret[SIGNED_MAX_B])
{
	return (size_t)snprintf(ret, SIGNED_MAX_B, SIGNED_FORMAT, head->n, head->size, head->hash);
}

void audit_head_sign(struct audit_head *head, const uint8_t secret[AUDIT_SECRET_B])
{
	uint8_t signature[crypto_sign_BYTES];
	char text[SIGNED_MAX_B];
	size_t len = signed_text(head, text);

	/* The second half of libsodium's secret key is the public one. */
	(void)sodium_bin2hex(head->key, sizeof(head->key), secret + 32, 32);
	(void)crypto_sign_detached(signature, NULL, (const uint8_t *)text, len, secret);
	(void)sodium_bin2hex(head->signature, sizeof(head->signature), signature,
			     sizeof(signature));
}

static bool from_hex(const char *hex, uint8_t *ret, size_t size)
{
	size_t n = 0;

	return strlen(hex) == 2 * size && strspn(hex, "0123456789abcdef") == 2 * size &&
	       sodium_hex2bin(ret, size, hex, 2 * size, NULL, &n, NULL) == 0 && n == size;
}

bool audit_head_signed(const struct audit_head *head)
{
	uint8_t signature[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES];
	char text[SIGNED_MAX_B];
	size_t len = signed_text(head, text);

	return from_hex(head->key, key, sizeof(key)) &&
	       from_hex(head->signature, signature, sizeof(signature)) &&
	       crypto_sign_verify_detached(signature, (const uint8_t *)text, len, key) == 0;
}

void audit_head_format(const struct audit_head *head, char ret[AUDIT_HEAD_B])
{
	char text[AUDIT_HEAD_B];
	int n = snprintf(text, sizeof(text),
			 "{\"n\":%" PRIu64 ",\"size\":%" PRIu64
			 ",\"hash\":\"%s\",\"key\":\"%s\",\"signature\":\"%s\"}",
			 head->n, head->size, head->hash, head->key, head->signature);

	ic_assert(n > 0 && (size_t)n < sizeof(text));
	memset(ret, ' ', AUDIT_HEAD_B - 1);
	memcpy(ret, text, (size_t)n);
	ret[AUDIT_HEAD_B - 1] = '\n';
}

int audit_head_parse(const char *text, size_t len, struct audit_head *ret)
{
	struct violations list = {0};
	struct audit_head head = {.n = 0};
	uint8_t signature[crypto_sign_BYTES], key[crypto_sign_PUBLICKEYBYTES];

	if (len > AUDIT_HEAD_B || json_decode_object(text, len, fields, &head, &list) < 0 ||
	    !digest_hex_valid(head.hash) || !from_hex(head.key, key, sizeof(key)) ||
	    !from_hex(head.signature, signature, sizeof(signature)))
		return -EBADMSG;
	*ret = head;
	return 0;
}

static int make_key(int dirfd, uint8_t ret[AUDIT_SECRET_B])
{
	uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[AUDIT_SECRET_B];
	char hex[2 * AUDIT_SECRET_B + 2], public_hex[AUDIT_KEY_HEX_B + 2];
	int r;

	if (sodium_init() < 0 || crypto_sign_keypair(public, secret) != 0)
		return -EIO;
	(void)sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
	(void)sodium_bin2hex(public_hex, sizeof(public_hex), public, sizeof(public));
	memcpy(hex + sizeof(hex) - 2, "\n", 2);
	memcpy(public_hex + sizeof(public_hex) - 2, "\n", 2);
	/* The public one first: where there is a key, there is its public half. */
	r = file_write_atomic(dirfd, AUDIT_PUBLIC_FILE, public_hex, sizeof(public_hex) - 1, 0644);
	if (r == 0)
		r = file_write_atomic(dirfd, AUDIT_KEY_FILE, hex, sizeof(hex) - 1, 0600);
	if (r == 0)
		memcpy(ret, secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(hex, sizeof(hex));
	return r;
}

static int read_key(int fd, uint8_t ret[AUDIT_SECRET_B])
{
	char hex[2 * AUDIT_SECRET_B + 2];
	ssize_t n = read(fd, hex, sizeof(hex));
	bool good = n == sizeof(hex) - 1 && hex[n - 1] == '\n';

	if (good) {
		hex[n - 1] = '\0';
		good = from_hex(hex, ret, AUDIT_SECRET_B);
	}
	sodium_memzero(hex, sizeof(hex));
	return good ? 0 : -EBADMSG;
}

int audit_key_load(int dirfd, bool make, uint8_t ret[AUDIT_SECRET_B], struct ironclaw_error *err)
{
	cleanup_close int fd =
		openat(dirfd, AUDIT_KEY_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT && make) {
		r = make_key(dirfd, ret);
		return r < 0 ? err_sys(err, -r, "cannot make the audit's key") : 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot read the audit's key");
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return err_set(err, IRONCLAW_ERR_SYSTEM, EPERM,
			       "the audit's key is not a file of ours that nobody else can read");
	r = read_key(fd, ret);
	return r < 0 ? err_set(err, IRONCLAW_ERR_SYSTEM, -r, "the audit's key is damaged") : 0;
}

int audit_public_load(int dirfd, char ret[AUDIT_KEY_HEX_B + 1])
{
	uint8_t key[crypto_sign_PUBLICKEYBYTES];
	cleanup_free char *text = NULL;
	size_t len;
	int r = file_read_bounded(dirfd, AUDIT_PUBLIC_FILE, AUDIT_KEY_HEX_B + 1, &text, &len);

	if (r < 0)
		return r;
	if (len != AUDIT_KEY_HEX_B + 1 || text[len - 1] != '\n')
		return -EBADMSG;
	text[len - 1] = '\0';
	if (!from_hex(text, key, sizeof(key)))
		return -EBADMSG;
	memcpy(ret, text, AUDIT_KEY_HEX_B + 1);
	return 0;
}
