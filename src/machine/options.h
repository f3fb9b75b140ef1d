/* SPDX-License-Identifier: Apache-2.0 */
/**
 * options.h - the public options as a checked configuration.
 */
#ifndef MACHINE_OPTIONS_H
#define MACHINE_OPTIONS_H

#include "vm/config.h"

/**
 * options_to_config() - config file first, then the options over it, then every check.
 * @list:	gets all violations, warnings too
 *
 * Return: 0 with a complete and valid configuration; -errno with all errors joined in @err
 */
int options_to_config(const struct ironclaw_vm_options *given, struct vm_config *ret,
		      struct violations *list, struct ironclaw_error *err);

#endif
