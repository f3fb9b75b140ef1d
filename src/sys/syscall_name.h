/* SPDX-License-Identifier: Apache-2.0 */
/**
 * syscall_name.h - names of system calls, for people.
 *
 * The table is made from the kernel's headers when IronClaw is built, so that no library is loaded
 * for it. A call that is newer than those headers has no name.
 */
#ifndef SYS_SYSCALL_NAME_H
#define SYS_SYSCALL_NAME_H

#include <stddef.h>
#include <stdint.h>

#define SYSCALL_NAME_B 32

struct syscall_entry {
	uint32_t arch; /* AUDIT_ARCH_* */
	int32_t number;
	char name[SYSCALL_NAME_B];
};

extern const struct syscall_entry syscall_table[];
extern const size_t syscall_table_length;

/** syscall_name() - of any arch (AUDIT_ARCH_*) and number, foreign ones too; NULL: unknown. */
const char *syscall_name(uint32_t arch, int32_t number);

/** syscall_abi() - "x86_64", "x32" or "i386"; NULL: unknown. */
const char *syscall_abi(uint32_t arch, int32_t number);

#endif
