/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_guest.c - root in a VM who turns on the agent, for tests/it/workspace-*.bats.
 *
 * hostile_guest ACT [FILE]: leaves the cgroup of its command, so that it lives on, and waits for
 * the agent's child that makes the archive. Then, for ever:
 *
 *   write     FILE, again and again, into the archive
 *   kill      kills the child
 *   stop      stops it
 *   memory    noise into the child's memory
 *   agent     noise into the agent's
 *   shell     runs FILE as a shell script, without waiting for the child
 *
 * Ends with 0 when the one that stays has left the cgroup. A static program: any image runs it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The cgroup namespace of PID 1: from there the root is in reach. */
static int leave_cgroup(void)
{
	int ns = open("/proc/1/ns/cgroup", O_RDONLY);
	int procs = -1;

	if (ns < 0 || setns(ns, CLONE_NEWCGROUP) < 0)
		return -1;
	procs = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
	return procs < 0 || write(procs, "0", 1) != 1 ? -1 : 0;
}

static void read_name(const char *pid, char name[64])
{
	char path[300];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "r");
	name[0] = '\0';
	if (!file)
		return;
	if (!fgets(name, 64, file))
		name[0] = '\0';
	(void)fclose(file);
}

static int parent_of(const char *pid)
{
	char path[300], name[64];
	int parent = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%63[^)]) %*c %d", name, &parent) != 2)
		parent = 0;
	(void)fclose(file);
	return parent;
}

/* The agent's child with the agent's name: it executes nothing. */
static int find_child(void)
{
	char agent[64], name[64];
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	int found = 0;

	read_name("1", agent);
	while (dir && !found && (e = readdir(dir))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || strcmp(e->d_name, "1") == 0)
			continue;
		read_name(e->d_name, name);
		if (strcmp(name, agent) == 0 && parent_of(e->d_name) == 1)
			found = atoi(e->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static void write_into(int pid, const char *what)
{
	static char bytes[65536];
	char path[64];
	int from = open(what, O_RDONLY), to;
	ssize_t n = from < 0 ? 0 : read(from, bytes, sizeof(bytes));

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/1", pid);
	to = open(path, O_WRONLY);
	while (to >= 0 && n > 0 && write(to, bytes, (size_t)n) > 0)
		;
	(void)close(to);
	(void)close(from);
}

static void spoil(int pid)
{
	static char noise[4096];
	char path[64], line[512];
	unsigned long from, end;
	FILE *maps;
	int mem;

	(void)memset(noise, 0xa5, sizeof(noise));
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_WRONLY);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (mem >= 0 && maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx rw", &from, &end) != 2 || !strstr(line, " rw"))
			continue;
		for (; from < end; from += sizeof(noise))
			(void)!pwrite(mem, noise, sizeof(noise), (off_t)from);
	}
	if (maps)
		(void)fclose(maps);
	(void)close(mem);
}

static void act(const char *what, const char *file)
{
	int pid;

	if (strcmp(what, "shell") == 0)
		(void)execl("/bin/sh", "sh", file, NULL);
	while (!(pid = find_child()))
		;
	if (strcmp(what, "write") == 0)
		write_into(pid, file);
	else if (strcmp(what, "memory") == 0)
		spoil(pid);
	else if (strcmp(what, "agent") == 0)
		spoil(1);
	else
		(void)kill(pid, strcmp(what, "stop") == 0 ? SIGSTOP : SIGKILL);
}

int main(int argc, char **argv)
{
	int told[2];
	char out;

	if (argc < 2 || pipe(told) < 0)
		return 2;
	if (fork() == 0) {
		(void)setsid();
		if (leave_cgroup() < 0 || write(told[1], "x", 1) != 1)
			_exit(1);
		for (int fd = 0; fd < 16; fd++)
			(void)close(fd);
		for (;;)
			act(argv[1], argc > 2 ? argv[2] : "");
	}
	(void)close(told[1]);
	return read(told[0], &out, 1) == 1 ? 0 : 1;
}
