/* SPDX-License-Identifier: Apache-2.0 */
/**
 * without.h - makes wardens that lack one layer, out of the real warden's sources.
 *
 * A test that sees an act refused has shown nothing until the same act is done where exactly the
 * layer in question is off. The compiler is told to read this file first (-include) and which
 * layers are off (WARDEN_WITHOUT); it renames the functions that put them up, and without.c has
 * others of the same names. So the product's sources hold no switch, at compile time or at run
 * time, and the wardens made so are never installed.
 */
#ifndef TESTS_ESCAPE_WITHOUT_H
#define TESTS_ESCAPE_WITHOUT_H

#define WITHOUT_SECCOMP	    0x0001 /* every call is allowed; execve still goes by the supervisor */
#define WITHOUT_LANDLOCK    0x0002
#define WITHOUT_PIVOT	    0x0004 /* the host's tree stays the root */
#define WITHOUT_DETACH	    0x0008 /* the old root stays, above the new one */
#define WITHOUT_READONLY    0x0010
#define WITHOUT_PRIVILEGES  0x0020 /* all capabilities, and no no_new_privs */
#define WITHOUT_PIDNS	    0x0040
#define WITHOUT_NETNS	    0x0080
#define WITHOUT_IPCNS	    0x0100
#define WITHOUT_USERNS	    0x0200 /* as root only */
#define WITHOUT_IDS	    0x0400 /* the ids of whoever started the VM; no firewall either */
#define WITHOUT_RLIMITS	    0x0800
#define WITHOUT_DESCRIPTORS 0x1000 /* the host's root stays open as a descriptor */
#define WITHOUT_KEYRING	    0x2000
#define WITHOUT_TEARDOWN    0x4000 /* what is mounted in the VM's folder is emptied */

#define WITHOUT(layer)	    (WARDEN_WITHOUT & (WITHOUT_##layer))

#ifndef WITHOUT_NO_NAMES
/* clone3 loses flags, and keyctl is not called. */
#define syscall without_syscall
#if WITHOUT(SECCOMP)
#define filters_find   without_filter
#define seccomp_refuse without_refusal
#define denials_add    without_record
#endif
#if WITHOUT(LANDLOCK)
#define landlock_confine without_landlock
#endif
#if WITHOUT(PIVOT)
#define mounts_pivot_here without_pivot
#define mounts_restrict	  without_restriction
#define execve		  without_execve
#define access		  without_access
#endif
#if WITHOUT(DETACH)
#define mounts_pivot_here without_detach
#endif
#if WITHOUT(DESCRIPTORS)
#define mounts_pivot_here   without_forgetting
#define descriptors_arrange without_descriptors
#endif
#if WITHOUT(READONLY)
#define mounts_open	without_readonly_source
#define mounts_restrict without_restriction
#endif
#if WITHOUT(PRIVILEGES)
#define privileges_drop without_privileges
#endif
#if WITHOUT(USERNS)
#define open without_maps
#endif
#if WITHOUT(IDS)
#define warden_is_host_root without_host_root
#endif
#if WITHOUT(RLIMITS)
#define setrlimit without_setrlimit
#endif
#if WITHOUT(TEARDOWN)
#define file_remove_tree without_care
#endif

#endif

#endif
