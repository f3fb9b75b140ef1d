/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_name.c - names of system calls; see syscall_name.h. */
#include "sys/syscall_name.h"

#include <linux/audit.h>

#define X32_BIT (1 << 30)

const char *syscall_name(uint32_t arch, int32_t number)
{
	for (size_t i = 0; i < syscall_table_length; i++) {
		if (syscall_table[i].number == number && syscall_table[i].arch == arch)
			return syscall_table[i].name;
	}
	return NULL;
}

const char *syscall_abi(uint32_t arch, int32_t number)
{
	if (arch == AUDIT_ARCH_X86_64)
		return number >= 0 && (number & X32_BIT) ? "x32" : "x86_64";
	return arch == AUDIT_ARCH_I386 ? "i386" : NULL;
}
