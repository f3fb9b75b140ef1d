/* SPDX-License-Identifier: Apache-2.0 */
/**
 * building.h - the terminal's side of a build: progress on stderr, Ctrl-C stops it cleanly.
 */
#ifndef CLI_BUILDING_H
#define CLI_BUILDING_H

#include "cli/cli.h"
#include "image/build.h"

/**
 * building_settings() - settings with callbacks that print progress and stop on SIGINT, SIGTERM and
 * SIGHUP, whose handlers it installs for the rest of the process.
 */
struct build_settings building_settings(const struct paths *paths, bool force);

/** building_size() - a number of bytes for a table: "157 MiB". */
void building_size(uint64_t bytes, char *ret, size_t size);

#endif
