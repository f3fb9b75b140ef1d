/* SPDX-License-Identifier: Apache-2.0 */
/* probe_judge.c - who refused an act, and whether that is who must; see probe.h. */
#include <errno.h>
#include <string.h>

#include "machine/probe.h"

bool probe_words_have(const char *words, int errnum)
{
	const char *name = strerrorname_np(errnum);
	size_t n = name ? strlen(name) : 0;

	for (const char *w = words; n > 0 && *w; w += strcspn(w, "|"), w += *w == '|') {
		if (strcspn(w, "|") == n && strncmp(w, name, n) == 0)
			return true;
	}
	return false;
}

static enum probe_by who_refused(const struct probe_row *row, uint32_t first)
{
	if (row->errnum == 0 && row->signal == 0)
		return PROBE_BY_NOBODY;
	if (row->denied && row->errnum == EPERM)
		return PROBE_BY_SECCOMP;
	if ((first & PROBE_QUIET) && row->errnum == ENOSYS)
		return PROBE_BY_QUIET;
	return PROBE_BY_LAYER;
}

void probe_judge(struct probe_row *row, bool reported)
{
	uint32_t first = row->expected.first;
	bool by_layer;

	row->held = false;
	row->by = reported ? who_refused(row, first) : PROBE_BY_UNKNOWN;
	by_layer = row->by == PROBE_BY_LAYER && probe_words_have(row->expected.words, row->errnum);
	if (first & (PROBE_VMM_WORKS | PROBE_KEEPER_WORKS))
		row->held = row->by == PROBE_BY_NOBODY;
	else if (first & (PROBE_VMM_BENEATH | PROBE_VMM_EITHER | PROBE_KEEPER_BENEATH))
		row->held = by_layer || row->by == PROBE_BY_SECCOMP;
	else
		row->held = row->by == PROBE_BY_SECCOMP || row->by == PROBE_BY_QUIET;
}

bool probe_held(const struct probe_results *results)
{
	for (size_t i = 0; i < results->n_rows; i++) {
		if (!results->rows[i].held)
			return false;
	}
	for (size_t i = 0; i < results->n_effects; i++) {
		if (!results->effects[i].held)
			return false;
	}
	return results->n_rows > 0 && results->n_effects > 0;
}
