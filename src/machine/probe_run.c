/* SPDX-License-Identifier: Apache-2.0 */
/* probe_run.c - starts with the probe in the place of VMM or keeper, and its reports; see probe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine/probe.h"
#include "machine/vm_start.h"
#include "sys/clock.h"
#include "sys/file.h"

/* For all acts of a start: they are calls that fail. A variant of a test may take its time. */
#define ACTS_MS	       30000U
#define FALLBACK_IMAGE "busybox"

/** One start. */
struct trial {
	const struct template_spec *spec;
	const struct template *template;
	const struct probe_world *world;
	bool keeper, enforce;
	uint32_t act; /* or PROBE_ALL */
};

/** What is known of one act before it is judged. */
struct told {
	bool reported;
	struct probe_record record;
	bool denied;
	int32_t call;
	uint32_t arch;
};

/* Return: the ring, for denials_unmap(); NULL with @err */
static struct denials *map_ring(const struct paths *paths, struct ironclaw_error *err)
{
	cleanup_close int run_fd = file_open_private(AT_FDCWD, paths->run);
	/* Made here when no VM has made it, so that its numbers can be compared. */
	cleanup_close int fd = run_fd < 0 ? -errno : denials_open(run_fd);
	struct denials *ring = fd < 0 ? NULL : denials_map(fd, false);

	if (!ring)
		(void)err_sys(err, fd < 0 ? -fd : errno,
			      "cannot read the record of denied system calls");
	return ring;
}

/*
 * The denials of a VM, each to the act whose mark came before it. @alone: of a start for one act,
 * which has no marks: the first one counts.
 */
static void sort_denials(const struct denials *ring, uint64_t from, const char *vm_id,
			 uint32_t alone, struct told *told)
{
	uint64_t act = alone;

	for (uint64_t number = from; number <= denials_last(ring); number++) {
		struct denial d;

		if (!denials_get(ring, number, &d) || strcmp(d.vm_id, vm_id) != 0)
			continue;
		if (d.syscall == PROBE_MARK && d.args[0] == PROBE_MARK_MAGIC) {
			act = d.args[1];
		} else if (act < probe_catalogue_n) {
			told[act].denied = true;
			told[act].call = d.syscall;
			told[act].arch = d.arch;
		}
	}
}

/* Return: 1 at the end of the reports, 0, -EBADMSG */
static int take_record(const struct probe_record *record, struct told *told)
{
	if (record->magic != PROBE_RECORD_MAGIC)
		return -EBADMSG;
	if (record->act == PROBE_ALL)
		return 1;
	if (record->act >= probe_catalogue_n)
		return -EBADMSG;
	told[record->act].reported = true;
	told[record->act].record = *record;
	return 0;
}

/* Return: 1 when the probe said that it is done, 0 when it ended before, -errno */
static int read_records(int fd, struct told *told)
{
	uint64_t deadline = clock_now_us() + ACTS_MS * 1000ULL;
	struct probe_record record;
	size_t used = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, clock_left_ms(deadline)), r;
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready == 0 ? -ETIMEDOUT : -errno;
		n = read(fd, (char *)&record + used, sizeof(record) - used);
		if (n <= 0)
			return n == 0 ? 0 : -errno;
		used += (size_t)n;
		if (used < sizeof(record))
			continue;
		used = 0;
		r = take_record(&record, told);
		if (r != 0)
			return r;
	}
}

static int send_orders(const struct launch *l, const char *orders, struct ironclaw_error *err)
{
	/* A few lines: a stream takes them at once. */
	ssize_t n = write(l->client_fd, orders, strlen(orders));

	return n == (ssize_t)strlen(orders)
		       ? 0
		       : err_sys(err, n < 0 ? errno : EIO, "cannot send the probe its orders");
}

/* Stdio, and what comes behind it: of a keeper its folder's lock as well. */
static unsigned int n_given(const struct trial *t)
{
	if (t->keeper)
		return JAIL_FIRST_FD + JAIL_KEEPER_FDS + 1;
	return t->spec->engine->own_sockets ? JAIL_FIRST_FD : ENGINE_FD_STATE + 1;
}

/* The start itself: whether the probe came to its end is @ret_done. */
static int start_and_read(const struct trial *t, struct launch *l, struct told *told, int *ret_done,
			  struct ironclaw_error *err)
{
	cleanup_close int state_fd = -EBADF;
	cleanup_close int out = -EBADF, in = -EBADF;
	char program[1200], vmm_orders[32];
	struct probe_orders_text orders;
	struct launch_twin twin = {.keeper = t->keeper,
				   .program = program,
				   .orders = t->keeper ? vmm_orders : orders.text};
	struct vm_start_mode mode = {.vm_id = "ironclaw-prove",
				     .start = ENGINE_CLONE,
				     .ram = t->template->ram,
				     .overlay_mib = (uint32_t)t->spec->memory_mib / 2,
				     .state = t->template->state};
	char vm_id[LIMIT_VM_ID_MAX + 1];
	struct launch_settings settings;
	int ends[2], r = template_open_state(t->spec, t->template, &state_fd, err);

	if (r < 0)
		return r;
	mode.state_fd = state_fd;
	(void)snprintf(vm_id, sizeof(vm_id), "prove-%d-%s%s", (int)getpid(),
		       t->keeper ? "keeper" : "vmm", t->enforce ? "-kill" : "");
	mode.vm_id = vm_id;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	in = ends[0];
	out = ends[1];
	twin.output_fd = out;
	(void)snprintf(program, sizeof(program), "%s/ironclaw-probe", t->spec->programs);
	probe_world_orders(t->world, t->act, t->spec->engine, n_given(t), &orders);
	/* The VMM of a probed keeper only has to be there. */
	(void)snprintf(vmm_orders, sizeof(vmm_orders), "act=%u\n", PROBE_NONE);
	vm_launch_settings(t->spec, &mode, &settings);
	settings.confinement.denied = t->enforce ? JAIL_DENIED_KILL : JAIL_DENIED_REFUSE;
	settings.twin = &twin;
	r = launch_start(&settings, l, err);
	close_fd(&out);
	if (r == 0 && t->keeper)
		r = send_orders(l, orders.text, err);
	if (r < 0)
		return r;
	*ret_done = read_records(t->keeper ? l->client_fd : in, told);
	return 0;
}

/* Return: 0, -errno when the trial did not take place */
static int run_trial(const struct trial *t, const struct denials *ring, struct launch *l,
		     struct told *told, struct ironclaw_error *err)
{
	uint64_t from = denials_last(ring) + 1;
	int done = 0, r, ended;

	memset(told, 0, probe_catalogue_n * sizeof(*told));
	launch_init(l);
	r = start_and_read(t, l, told, &done, err);
	/* A probe that is killed is what enforce is about; else there is a reason to tell. */
	if (r == 0 && !t->enforce && done != 1)
		r = done == -ETIMEDOUT || done == -EBADMSG
			    ? err_sys(err, -done, "the probe does not report")
			    : launch_explain(l, err);
	ended = launch_end(l, r < 0 ? NULL : err);
	if (r == 0 && ended == 0)
		sort_denials(ring, from, l->vm_id, t->act, told);
	return r < 0 ? r : ended;
}

/* In whose place the trial of a start was. */
static enum jail_program program_of(const struct trial *t, const struct launch *l)
{
	return (enum jail_program)(t->keeper ? l->plan.request.keeper_program
					     : l->plan.request.vmm_program);
}

static struct probe_row *add_row(struct probe_results *ret, const struct trial *t,
				 enum jail_program program, uint32_t act, const struct told *told)
{
	struct probe_row *row;

	ic_assert(ret->n_rows < PROBE_ROWS_MAX);
	row = &ret->rows[ret->n_rows++];
	*row = (struct probe_row){.act = &probe_catalogue[act],
				  .program = program,
				  .keeper = t->keeper,
				  .expected = probe_expect(&probe_catalogue[act], program),
				  .enforce = t->enforce,
				  .errnum = told->record.errnum,
				  .signal = told->record.signal,
				  .denied = told->denied,
				  .call = told->call,
				  .arch = told->arch};
	return row;
}

/* All acts in one start; denied calls fail. */
static int try_all(struct trial *t, const struct denials *ring, struct told *told,
		   struct probe_results *ret, struct ironclaw_error *err)
{
	cleanup_free struct launch *l = malloc(sizeof(*l));
	int r;

	if (!l)
		return err_sys(err, ENOMEM, "no room for a VM");
	t->act = PROBE_ALL;
	t->enforce = false;
	r = run_trial(t, ring, l, told, err);
	for (uint32_t act = 0; r == 0 && act < probe_catalogue_n; act++) {
		enum jail_program program = program_of(t, l);

		if (probe_expect(&probe_catalogue[act], program).first)
			probe_judge(add_row(ret, t, program, act, &told[act]), told[act].reported);
	}
	return r;
}

/* One act in a start of its own: the warden kills for it, says so, and has it in its record. */
static int try_enforced(struct trial *t, const struct denials *ring, struct told *told,
			struct probe_results *ret, struct ironclaw_error *err)
{
	cleanup_free struct launch *l = malloc(sizeof(*l));
	struct probe_row *row;
	enum jail_program program;
	int r;

	if (!l)
		return err_sys(err, ENOMEM, "no room for a VM");
	t->enforce = true;
	r = run_trial(t, ring, l, told, err);
	if (r < 0)
		return r;
	program = program_of(t, l);
	row = add_row(ret, t, program, t->act, &told[t->act]);
	row->held = !told[t->act].reported && row->denied &&
		    l->end.killed_program == (uint32_t)program && row->call != PROBE_MARK &&
		    row->call == l->end.killed_syscall;
	row->by = row->held				      ? PROBE_BY_KILL
		  : told[t->act].reported && row->errnum == 0 ? PROBE_BY_NOBODY
							      : PROBE_BY_UNKNOWN;
	return 0;
}

/* Whether a denied call of it kills in this place, of which there are rows already. */
static bool is_killed_for(const struct probe_act *act, bool keeper,
			  const struct probe_results *results)
{
	for (size_t i = 0; (act->first & PROBE_ENFORCE) && i < results->n_rows; i++) {
		const struct probe_row *row = &results->rows[i];

		if (row->act == act && row->keeper == keeper)
			return (row->expected.first & (PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP)) &&
			       !(row->expected.first & PROBE_QUIET);
	}
	return false;
}

static int try_all_enforced(struct trial *t, const struct denials *ring, struct told *told,
			    struct probe_results *ret, struct ironclaw_error *err)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < 2 * probe_catalogue_n; i++) {
		const struct probe_act *act = &probe_catalogue[i % probe_catalogue_n];

		t->act = (uint32_t)(act - probe_catalogue);
		t->keeper = i >= probe_catalogue_n;
		if (is_killed_for(act, t->keeper, ret))
			r = try_enforced(t, ring, told, ret, err);
	}
	return r;
}

static int try_everything(struct trial *t, bool audit_only, struct probe_results *ret,
			  struct ironclaw_error *err)
{
	cleanup_free struct told *told = calloc(probe_catalogue_n, sizeof(*told));
	struct denials *ring = told ? map_ring(t->spec->paths, err) : NULL;
	int r = 0;

	if (!ring)
		return told ? -EIO : err_sys(err, ENOMEM, "no room for the probe's reports");
	for (int keeper = 0; r == 0 && keeper < 2; keeper++) {
		t->keeper = keeper == 1;
		r = try_all(t, ring, told, ret, err);
	}
	if (r == 0 && !audit_only)
		r = try_all_enforced(t, ring, told, ret, err);
	denials_unmap(ring);
	return r;
}

static int watch(struct probe_world *world, const struct template_spec *spec,
		 const struct template *template, struct ironclaw_error *err)
{
	char probe[1200];
	int r;

	(void)snprintf(probe, sizeof(probe), "%s/ironclaw-probe", spec->programs);
	r = probe_world_watch(world, "the template's memory is unchanged", template->ram, err);
	if (r == 0)
		r = probe_world_watch(world, "the template's state is unchanged", template->state,
				      err);
	if (r == 0)
		r = probe_world_watch(world, "the image is unchanged", spec->image.path, err);
	if (r == 0)
		r = probe_world_watch(world, "the program in the VMM's place is unchanged", probe,
				      err);
	return r;
}

/* Without a wish of the user's: the first of two that there is. */
static int resolve(const struct paths *paths, const struct probe_wishes *wishes, const char *image,
		   const struct vm_notices *notices, struct template_spec *ret,
		   struct ironclaw_error *err)
{
	struct violations list = {0};
	struct vm_config config;
	int r;

	vm_config_init(&config);
	config.engine = VM_ENGINE_QEMU;
	if (wishes->engine)
		vm_config_set_text(&config, "engine", wishes->engine, &list);
	if (wishes->link)
		vm_config_set_text(&config, "link", wishes->link, &list);
	(void)snprintf(config.image, sizeof(config.image), "%s", image);
	r = violations_to_error(&list, "what was asked for is not valid", err);
	if (r == 0)
		r = vm_config_complete(&config, err);
	if (r == 0)
		r = vm_resolve(paths, &config, notices, ret, err);
	if (r == -ENOENT && !wishes->image && strcmp(image, FALLBACK_IMAGE) != 0 &&
	    err->code == IRONCLAW_ERR_NOT_FOUND)
		return resolve(paths, wishes, FALLBACK_IMAGE, notices, ret, err);
	return r;
}

int probe_run(const struct probe_wishes *wishes, const struct vm_notices *notices,
	      struct probe_results *ret, struct ironclaw_error *err)
{
	cleanup_free struct template_spec *spec = calloc(1, sizeof(*spec));
	struct probe_world *world = NULL;
	struct template template;
	struct paths paths;
	int r = spec ? paths_get(&paths, err) : err_sys(err, ENOMEM, "no room for the probe");

	if (r == 0)
		r = resolve(&paths, wishes, wishes->image ? wishes->image : VM_DEFAULT_IMAGE,
			    notices, spec, err);
	if (r == 0)
		r = template_load_warm(spec, err);
	if (r == 0)
		r = template_key(spec, err);
	if (r == 0)
		r = template_get(spec, notices, &template, err);
	if (r == 0)
		r = probe_world_make(&world, err);
	if (r == 0)
		r = watch(world, spec, &template, err);
	if (r == 0)
		r = try_everything(&(struct trial){.spec = spec,
						   .template = &template,
						   .world = world},
				   wishes->audit_only, ret, err);
	if (r == 0) {
		ret->kvm = spec->accel == ENGINE_ACCEL_KVM;
		ret->engine = spec->engine->name;
		ret->link = engine_link_name(spec->link);
		(void)snprintf(ret->image, sizeof(ret->image), "%s", spec->image.name);
		probe_world_look(world, ret);
	}
	probe_world_free(world);
	return r;
}
