/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server.h - the one loop of PID 1.
 */
#ifndef GUEST_SERVER_H
#define GUEST_SERVER_H

/** server_run() - say HELLO on each new link, and serve the host for ever. */
__attribute__((noreturn)) void server_run(void);

#endif
