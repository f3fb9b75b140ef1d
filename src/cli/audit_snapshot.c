/* SPDX-License-Identifier: Apache-2.0 */
/* audit_snapshot.c - open the ring of denials and copy out what it holds; see audit.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/audit.h"
#include "cli/cli.h"

int audit_open(const struct paths *paths)
{
	cleanup_close int dirfd = open(paths->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dirfd < 0 ? -errno : denials_open_reader(dirfd);
}

int audit_fail(const struct paths *paths, int errnum)
{
	struct ironclaw_error err = {0};

	if (errnum == EBADMSG)
		(void)err_set(&err, IRONCLAW_ERR_SYSTEM, errnum,
			      "'%s/denials' is no record of denied system calls; the next VM that "
			      "starts makes a new one",
			      paths->run);
	else
		(void)err_sys(&err, errnum, "cannot read '%s/denials'", paths->run);
	return cli_fail(&err, CLI_EXIT_FAILED);
}

int audit_snapshot(const struct denials *ring, const char *vm_id, struct audit_snapshot *ret)
{
	uint64_t last = denials_last(ring), first = denials_first(last);
	struct audit_snapshot s = {.last = last, .dropped = last > 0 ? first - 1 : 0};

	s.entries = calloc(DENIALS_MAX, sizeof(*s.entries));
	if (!s.entries)
		return -ENOMEM;
	for (uint64_t number = first; number > 0 && number <= last; number++) {
		struct denial *entry = &s.entries[s.n];

		if (denials_get(ring, number, entry))
			s.n += !vm_id || strcmp(entry->vm_id, vm_id) == 0;
		else if (number < denials_first(denials_last(ring)))
			s.dropped++; /* meanwhile */
		else
			s.skipped++;
	}
	*ret = s;
	return 0;
}

void audit_snapshot_done(struct audit_snapshot *snapshot)
{
	free(snapshot->entries);
	*snapshot = (struct audit_snapshot){.n = 0};
}
