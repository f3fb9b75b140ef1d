/* SPDX-License-Identifier: Apache-2.0 */
/**
 * limits.h - every limit of the project, by name. Units last in the name.
 *
 * The wire's own limits (shared with the guest) are in wire/frame.h and wire/message.h.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* VM configuration. */
#define LIMIT_VM_ID_MAX		64U /* characters of [A-Za-z0-9-] */
#define LIMIT_VCPU_MAX		32U
#define LIMIT_MEMORY_MIN_MIB	128U
#define LIMIT_OVERLAY_MIN_MIB	64U
#define LIMIT_OVERLAY_WARN_MIB	10240U
#define LIMIT_NAME_MAX		64U /* image and kernel names */
#define LIMIT_CONFIG_FILE_MAX_B (256U * 1024U)
#define LIMIT_TIMEOUT_MS_MAX	(7ULL * 24 * 3600 * 1000)

/* Deadlines. */
#define LIMIT_BOOT_MS		120000U /* cold boot under emulation on a loaded host */
#define LIMIT_RESTORE_MS	60000U
#define LIMIT_KILL_WAIT_MS	5000U  /* from the kill of a command to its exit message */
#define LIMIT_VMM_REPLY_MS	30000U /* one request of a start */
#define LIMIT_SAVE_MS		60000U /* and for each MiB of memory, which may be written: */
#define LIMIT_SAVE_MIB_MS	50U    /* at 20 MiB/s */
#define LIMIT_KVM_PROBE_MS	200U /* the first try; each further one has GROWTH times as long */
#define LIMIT_KVM_PROBE_GROWTH	3U

/* Bytes from the VMM. */
#define LIMIT_MONITOR_MAX_B	(256U * 1024U) /* a line, an answer */
#define LIMIT_CONSOLE_TAIL_B	8192U

/*
 * The cgroup of a VM, VMM and keeper: memory is the guest's, and a LIMIT_VMM_TABLES_PART of it for
 * page tables, and the overhead; processes are a vcpu's thread each, and the rest.
 *
 * Measured with QEMU 7.2, guests of 128, 512 and 2048 MiB whose memory was filled, booted and
 * cloned. Beside the guest's memory it has 23 to 54 MiB of its own, 34 MiB of program and libraries
 * (page cache, charged to whoever touches it first), 0.2 % of page tables; with KVM that is all.
 * Under emulation there is the code that it translated, which grows with all that the guest ever
 * runs: 6 MiB with each start of Python with modules, until the cache that QEMU's tb-size sets is
 * full and thrown away (by default 1 GiB). Its bookkeeping is another tenth. 128 MiB of it cost no
 * time that could be measured, so the double is enough, but tb-size must then be said.
 *
 * A clone also draws the pages of its template's file into the page cache, and pays for the first
 * touch of each: 465 MiB more for a filled guest of 512. These are clean. At its limit a clone
 * gives them back: with 64 MiB of overhead, nothing cached before, it filled its memory and was not
 * killed.
 *
 * QEMU has 5 to 8 threads, and up to 64 more for reads of the image.
 */
#define LIMIT_OVERHEAD_KVM_MIB	128U
#define LIMIT_OVERHEAD_TCG_MIB	448U
#define LIMIT_TCG_CACHE_MIB	256U /* tb-size; a part of the above */
#define LIMIT_VMM_TABLES_PART	128U /* of the guest's memory: one in so many MiB */
#define LIMIT_VMM_PIDS		96U  /* beside one a vcpu */

/* Captured output of `run --json`, per stream. */
#define LIMIT_CAPTURE_MAX_B	(16U * 1024U * 1024U)

#endif
