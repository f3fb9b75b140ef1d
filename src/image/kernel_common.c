/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_common.c - what the two ways to make a kernel share; see kernel_common.h. */
#include "image/kernel_common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sys/file.h"

#define FILE_MAX_B (256U * 1024U * 1024U)

int kernel_copy_file(const char *from, const char *to, struct ironclaw_error *err)
{
	cleanup_free char *content = NULL;
	size_t len;
	int r = file_read_bounded(AT_FDCWD, from, FILE_MAX_B, &content, &len);

	if (r < 0)
		return err_sys(err, -r, "cannot read %s", from);
	r = file_write_atomic(AT_FDCWD, to, content, len, 0644);
	return r < 0 ? err_sys(err, -r, "cannot write %s", to) : 0;
}

bool kernel_is_there(const struct job *job, const char *config)
{
	struct manifest m cleanup(manifest_done) = {.size = 0};
	const struct paths *paths = job->settings->paths;
	struct kernel kernel;

	return !job->settings->force &&
	       store_read_manifest(paths, STORE_KERNELS, job->name, &m, NULL) == 0 &&
	       strcmp(m.config, config) == 0 && kernel_find(paths, job->name, &kernel, NULL) == 0;
}

int kernel_commit(struct job *job, struct manifest *m, struct ironclaw_error *err)
{
	struct kernel_files files cleanup(kernel_files_done) = {.n = 0};
	char key[LIMIT_NAME_MAX + 32];
	int r = kernel_files_list(job->out, &files, err);

	if (r < 0)
		return r;
	(void)snprintf(key, sizeof(key), "building-%s", job->name);
	r = verified_digest(job->settings->paths, key, files.files, files.n, m->sha256, err);
	verified_forget(job->settings->paths, key);
	if (r < 0)
		return r;
	m->size = verified_sizes(files.files, files.n);
	return job_commit(job, m, err);
}
