/* SPDX-License-Identifier: Apache-2.0 */
/**
 * guest_world.h - makes the real guest agent run without a machine, behind the fake Firecracker.
 *
 * The compiler reads this file before each of the agent's own sources (-include); it renames what
 * only the first process of a machine can do, and guest.c has others of the same names. So the
 * agent has no switch for it.
 */
#ifndef FAKES_GUEST_WORLD_H
#define FAKES_GUEST_WORLD_H

#define syscall	      world_syscall	  /* no cgroup to be born in, no other user to become */
#define fchown	      world_fchown	  /* nor its files */
#define ioctl	      world_ioctl	  /* the host's random generator is not ours */
#define clock_settime world_clock_settime /* nor is its clock */
#define mount	      world_mount	  /* a file that the host has not is not covered */
#endif
