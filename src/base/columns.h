/* SPDX-License-Identifier: Apache-2.0 */
/**
 * columns.h - how many columns of a terminal a character takes, by a table of our own: the
 * locale's may not be set, and no two terminals agree on all of them anyway.
 */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** columns_is_combining() - a mark that is drawn over the character before it. */
bool columns_is_combining(uint32_t cp);

/** columns_of() - 0 for a combining mark, 2 for what is wide in East Asian fonts, else 1. */
unsigned int columns_of(uint32_t cp);

/**
 * columns_fit() - how much of a line fits a row.
 * @text, @len:	valid UTF-8 without control characters
 * @columns:	of the row, at least 2
 *
 * Return: bytes, all of @len or up to a character's start; at least one character
 */
size_t columns_fit(const char *text, size_t len, unsigned int columns);

#endif
