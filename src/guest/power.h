/* SPDX-License-Identifier: Apache-2.0 */
/**
 * power.h - how the machine ends: with one line on the console that says why.
 *
 * The VMM runs without reboot, so that a guest's restart is its end.
 */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

/** power_console() - open the console for later, as soon as /dev is there. Never fails. */
void power_console(void);

/**
 * power_fail() - say why on the console, kill everything and end the machine.
 * @fmt:	one line without '\n'
 */
__attribute__((noreturn, format(printf, 1, 2))) void power_fail(const char *fmt, ...);

#endif
