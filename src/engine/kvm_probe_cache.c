/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_probe_cache.c - remember the outcome of the KVM probe; see kvm_probe.h.
 *
 * RUN/kvm-probe is one line of text, "KEY OUTCOME WHY". The key names the boot of the host and the
 * node /dev/kvm; a file whose key differs, or that is damaged, is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "engine/kvm_probe.h"
#include "sys/file.h"

#define CACHE_FORMAT   1
#define CACHE_MAX_B    1024
#define TIMEOUT_TRIES  3 /* a loaded host may need more than one */
#define BOOT_ID_CHARS  36
#define OUTCOME_WORKS  "working"
#define CACHE_NAME     "kvm-probe"
#define OUTCOME_BROKEN "broken"
#define OUTCOME_SLOW   "slow"

struct cache {
	char path[1100];
	char key[192];
};

/* Identifies what an outcome is true for. Return: 0, -errno */
static int cache_locate(const struct paths *paths, struct cache *ret)
{
	char boot_id[BOOT_ID_CHARS];
	cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = file_read_full(fd, boot_id, sizeof(boot_id));
	if (r < 0)
		return r;
	if (stat("/dev/kvm", &st) < 0)
		return -errno;
	(void)snprintf(ret->path, sizeof(ret->path), "%s/" CACHE_NAME, paths->run);
	(void)snprintf(ret->key, sizeof(ret->key), "%d %.*s %llu %lld.%09ld ", CACHE_FORMAT,
		       BOOT_ID_CHARS, boot_id, (unsigned long long)st.st_ino,
		       (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return 0;
}

static bool is_recent(const char *path)
{
	struct stat st;
	time_t now = time(NULL);

	return stat(path, &st) == 0 && st.st_mtime <= now &&
	       now - st.st_mtime < KVM_PROBE_TIMEOUT_AGE_S;
}

/* Tells whether a usable outcome was there. */
static bool cache_load(const struct cache *cache, struct kvm_probe *ret)
{
	struct kvm_probe found = {0};
	cleanup_free char *text = NULL;
	size_t len, key_len = strlen(cache->key);
	char *word, *why;

	if (file_read_bounded(AT_FDCWD, cache->path, CACHE_MAX_B, &text, &len) < 0 ||
	    strlen(text) != len || strncmp(text, cache->key, key_len) != 0)
		return false;
	word = text + key_len;
	why = strchr(word, ' ');
	if (!why)
		return false;
	*why++ = '\0';
	why[strcspn(why, "\n")] = '\0';
	if (strcmp(word, OUTCOME_WORKS) == 0) {
		*ret = found;
		return true;
	}
	found.outcome = KVM_BROKEN;
	found.timed_out = strcmp(word, OUTCOME_SLOW) == 0;
	if ((!found.timed_out && strcmp(word, OUTCOME_BROKEN) != 0) ||
	    strlen(why) >= sizeof(found.why) || (found.timed_out && !is_recent(cache->path)))
		return false;
	memcpy(found.why, why, strlen(why) + 1);
	*ret = found;
	return true;
}

static void cache_store(const struct cache *cache, const struct paths *paths,
			const struct kvm_probe *probe)
{
	const char *word = probe->outcome == KVM_WORKING ? OUTCOME_WORKS
			   : probe->timed_out		 ? OUTCOME_SLOW
							 : OUTCOME_BROKEN;
	char text[CACHE_MAX_B];
	int len = snprintf(text, sizeof(text), "%s%s %s\n", cache->key, word, probe->why);
	cleanup_close int run_fd = file_mkdir_private(paths->run);

	/* Without it the next VM only starts some milliseconds later. */
	if (run_fd >= 0)
		(void)file_write_atomic(run_fd, CACHE_NAME, text, (size_t)len, 0600);
}

void kvm_probe_refresh(const struct paths *paths, struct kvm_probe *ret)
{
	unsigned int limit_ms = LIMIT_KVM_PROBE_MS;
	struct cache cache;
	int r = cache_locate(paths, &cache);

	kvm_probe_run(limit_ms, ret);
	for (int i = 1; ret->timed_out && i < TIMEOUT_TRIES; i++) {
		limit_ms *= LIMIT_KVM_PROBE_GROWTH;
		kvm_probe_run(limit_ms, ret);
	}
	if (r == 0 && (ret->outcome == KVM_WORKING || ret->outcome == KVM_BROKEN))
		cache_store(&cache, paths, ret);
}

void kvm_probe_cached(const struct paths *paths, struct kvm_probe *ret)
{
	struct cache cache;

	/* The remembered outcome is of use only to who may open the device. */
	if (access("/dev/kvm", R_OK | W_OK) == 0 && cache_locate(paths, &cache) == 0 &&
	    cache_load(&cache, ret))
		return;
	kvm_probe_refresh(paths, ret);
}
