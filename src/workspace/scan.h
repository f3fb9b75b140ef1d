/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scan.h - look at all that is in a workspace. Reads no content but that of the ignore files.
 */
#ifndef WORKSPACE_SCAN_H
#define WORKSPACE_SCAN_H

#include "workspace/workspace.h"

/**
 * scan_tree() - fill in ws->base, ws->counts and the rules of ws->ignore.
 *
 * Symbolic links are entries, and never followed. Return: 0; -errno, as workspace_open()
 */
int scan_tree(struct workspace *ws, struct ironclaw_error *err);

/** scan_is_reserved() - whether the path is ours: no workspace sends or takes it. */
bool scan_is_reserved(const char *path);

#endif
