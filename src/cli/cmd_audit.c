/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_audit.c - `ironclaw audit`: what was done, and what was denied. */
#include "cli/audit.h"
#include "cli/cli.h"

static const char help[] =
	"usage: ironclaw audit ls [--since TIME] [--kind KIND] [--vm ID] [--json]\n"
	"       ironclaw audit show N [--json]\n"
	"       ironclaw audit verify [--file FILE] [--key KEY] [--json]\n"
	"       ironclaw audit export FILE\n"
	"       ironclaw audit seccomp [--vm ID] [-n N] [-f] [--json]\n\n"
	"The log of what was started, run, decided and done, each record chained to the one\n"
	"before it and the last one signed; and the system calls that were denied.\n\n"
	"  ls       list the records\n"
	"  show     one record in full\n"
	"  verify   whether none was changed, removed, added or moved; exit status 1 when not\n"
	"  export   log, signed head and public key in one file, for `verify --file` elsewhere\n"
	"  seccomp  the system calls that the filters of VMMs and keepers denied\n";

int cmd_audit(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {{"ls", audit_ls_command},
						{"show", audit_show_command},
						{"verify", audit_verify_command},
						{"export", audit_export_command},
						{"seccomp", audit_seccomp_command},
						{NULL, NULL}};

	return cli_run_verb(argc, argv, verbs, help);
}
