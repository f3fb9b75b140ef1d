/* SPDX-License-Identifier: Apache-2.0 */
/** workspace_limits.h - limits and names that ironclaw-unpack knows too. */
#ifndef WORKSPACE_WORKSPACE_LIMITS_H
#define WORKSPACE_WORKSPACE_LIMITS_H

#define WORKSPACE_ENTRIES_MAX	 200000U
#define WORKSPACE_SIZE_DEFAULT_B (4ULL << 30) /* of all data in it, holes not counted */
#define WORKSPACE_RESERVED	 ".ironclaw-" /* no first component begins so, in any case */

#endif
