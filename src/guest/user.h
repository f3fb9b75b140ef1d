/* SPDX-License-Identifier: Apache-2.0 */
/**
 * user.h - who a command runs as, by the image's own /etc/passwd and /etc/group.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include <stddef.h>
#include <sys/types.h>

#define USER_GROUPS_MAX 64
#define USER_NAME_B	64
#define USER_HOME_B	1024

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* supplementary ones */
	size_t n_groups;
	char name[USER_NAME_B]; /* the number where there is no name */
	char home[USER_HOME_B]; /* "/" where there is none */
};

/**
 * user_find() - look a user up.
 * @text:	NAME or UID, each with an optional :GROUP or :GID; NULL for the default
 * @len:	length of @text
 *
 * The default is the user named "user", or uid and gid 1000 without a name. A UID need not be in
 * /etc/passwd; it is its own group then. With a group named, it is the only one; without, the
 * groups that list the name are added. What is beyond 256 KiB of a file, and groups beyond
 * USER_GROUPS_MAX, are passed over. Runs in the child: a strange /etc/passwd harms only the
 * command.
 *
 * Return: 0, -ENOENT for no such user or group, -EINVAL for another form
 */
int user_find(const char *text, size_t len, struct user *ret);

#endif
