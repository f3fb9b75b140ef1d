/* SPDX-License-Identifier: Apache-2.0 */
/**
 * limits.h - every limit of the project, by name. Units last in the name.
 *
 * The wire's own limits (shared with the guest) are in wire/frame.h and wire/message.h.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* VM configuration. */
#define LIMIT_VM_ID_MAX		   64U /* characters of [A-Za-z0-9-] */
#define LIMIT_VCPU_MAX		   32U
#define LIMIT_MEMORY_MIN_MIB	   128U
#define LIMIT_OVERLAY_MIN_MIB	   64U
#define LIMIT_OVERLAY_WARN_MIB	   10240U
#define LIMIT_NAME_MAX		   64U /* image and kernel names */
#define LIMIT_CONFIG_FILE_MAX_B	   (256U * 1024U)
#define LIMIT_TIMEOUT_MS_MAX	   (7ULL * 24 * 3600 * 1000)

/* Deadlines. */
#define LIMIT_BOOT_MS		   120000U /* cold boot under emulation on a loaded host */
#define LIMIT_RESTORE_MS	   60000U
#define LIMIT_KILL_WAIT_MS	   5000U /* from the kill of a command to its exit message */
#define LIMIT_QMP_REPLY_MS	   60000U
#define LIMIT_KVM_PROBE_MS	   200U /* the first try; each further one has GROWTH times as long */
#define LIMIT_KVM_PROBE_GROWTH	   3U

/* Bytes from the VMM. */
#define LIMIT_QMP_LINE_MAX_B	   (256U * 1024U)
#define LIMIT_CONSOLE_TAIL_B	   8192U

/* What a VMM may have beyond its guest's memory and processors; docs/architecture.md, "Limits". */
#define LIMIT_VMM_OVERHEAD_TCG_MIB 1280U
#define LIMIT_VMM_OVERHEAD_KVM_MIB 256U
#define LIMIT_VMM_THREADS	   80U

/* Captured output of `run --json`, per stream. */
#define LIMIT_CAPTURE_MAX_B	   (16U * 1024U * 1024U)

#endif
