/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image_manifest.c - any bytes as a manifest: what passes is in bounds and survives a writing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "image/manifest.h"
#include "image/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_same(const struct manifest *a, const struct manifest *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->recipe, b->recipe) == 0 && strcmp(a->suite, b->suite) == 0 &&
	       strcmp(a->include, b->include) == 0 && strcmp(a->release, b->release) == 0 &&
	       strcmp(a->config, b->config) == 0 && strcmp(a->sha256, b->sha256) == 0 &&
	       strcmp(a->created, b->created) == 0 && a->size == b->size &&
	       a->n_packages == b->n_packages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m = {.size = 0}, again = {.size = 0};
	const char *reason = NULL;
	char *text = NULL;

	if (manifest_parse((const char *)data, size, &m, &reason) < 0) {
		require(reason != NULL);
		return 0;
	}
	require(name_valid(m.name) && digest_hex_valid(m.sha256) && m.size > 0);
	require(m.n_packages <= MANIFEST_PACKAGES_MAX);
	require(manifest_write(&m, &text) == 0);
	require(manifest_parse(text, strlen(text), &again, NULL) == 0);
	require(is_same(&m, &again));
	free(text);
	manifest_done(&again);
	manifest_done(&m);
	return 0;
}
