/* SPDX-License-Identifier: Apache-2.0 */
/**
 * power.h - how the machine ends: in order, or with one line on the console that says why.
 *
 * The VMM runs without reboot, so that a guest's restart is its end.
 */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

/** power_console() - open the console for later, as soon as /dev is there. Never fails. */
void power_console(void);

/** power_end() - kill everything and end the machine. */
__attribute__((noreturn)) void power_end(void);

/** power_fail() - say why on the console, then end the machine. @fmt: one line without '\n'. */
__attribute__((noreturn, format(printf, 1, 2))) void power_fail(const char *fmt, ...);

#endif
