/* SPDX-License-Identifier: Apache-2.0 */
/** risk.h - which changes may act on the host later, by path, mode and target alone. */
#ifndef WORKSPACE_RISK_H
#define WORKSPACE_RISK_H

#include "workspace/workspace.h"

/**
 * risk_judge() - fill in @change->risk, why and odd_name from the rest of it.
 *
 * A mark for a person, no wall: the list of what tools obey is never complete, and a build file
 * that nobody marks can do as much. Names are compared without case and without the characters that
 * some file systems pass over, so that `.GIT` is `.git`.
 */
void risk_judge(struct change *change);

/** risk_link_leads_out() - whether the target of a link at @path is outside of the workspace. */
bool risk_link_leads_out(const char *path, const char *target);

#endif
