/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_store.c - which kernels, images and templates there are; see doctor.h.
 *
 * By their manifests: the contents are verified by every start, and would take longer here than all
 * the rest.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "image/store.h"
#include "machine/template.h"

#define NAMES_B 256

/* Writes the names of what is whole, as many as fit; returns how many there are. */
static size_t join_names(const struct store_list *list, char names[NAMES_B])
{
	size_t n = 0, used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < list->n; i++) {
		if (list->entries[i].damaged)
			continue;
		if (used < NAMES_B)
			used += (size_t)snprintf(names + used, NAMES_B - used, "%s%s",
						 n > 0 ? ", " : "", list->entries[i].name);
		n++;
	}
	return n;
}

static bool has_name(const struct store_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->entries[i].damaged && strcmp(list->entries[i].name, name) == 0)
			return true;
	}
	return false;
}

static void check_kernels(struct doctor *doctor)
{
	cleanup(store_list_done) struct store_list list = {0};
	char names[NAMES_B], chosen[LIMIT_NAME_MAX + 1];
	struct ironclaw_error err;

	if (store_list(&doctor->paths, STORE_KERNELS, &list, &err) < 0)
		doctor_add(doctor, "kernels", DOCTOR_FAILED, err.hint, "%s", err.text);
	else if (join_names(&list, names) == 0)
		doctor_add(doctor, "kernels", DOCTOR_FAILED, "ironclaw kernel build",
			   "none is built");
	else if (kernel_default(&doctor->paths, chosen, &err) < 0 || !has_name(&list, chosen))
		doctor_add(doctor, "kernels", DOCTOR_FAILED, "ironclaw kernel build",
			   "%s, but none is the default", names);
	else
		doctor_add(doctor, "kernels", DOCTOR_OK, NULL, "%s (default: %s)", names, chosen);
}

static void check_images(struct doctor *doctor)
{
	cleanup(store_list_done) struct store_list list = {0};
	struct ironclaw_error err;
	char names[NAMES_B];

	if (store_list(&doctor->paths, STORE_IMAGES, &list, &err) < 0)
		doctor_add(doctor, "images", DOCTOR_FAILED, err.hint, "%s", err.text);
	else if (join_names(&list, names) == 0)
		doctor_add(doctor, "images", DOCTOR_FAILED, "ironclaw image build default",
			   "none is built");
	else if (!has_name(&list, "default"))
		doctor_add(doctor, "images", DOCTOR_WARNING, "ironclaw image build default",
			   "%s; not 'default', which `ironclaw run` takes unless told", names);
	else
		doctor_add(doctor, "images", DOCTOR_OK, NULL, "%s", names);
}

static void check_templates(struct doctor *doctor)
{
	cleanup_free struct template_info *list = NULL;
	struct ironclaw_error err;
	size_t n;

	if (template_list(&doctor->paths, &list, &n, &err) < 0)
		doctor_add(doctor, "templates", DOCTOR_FAILED, err.hint, "%s", err.text);
	else if (n == 0)
		doctor_add(doctor, "templates", DOCTOR_WARNING, "ironclaw template build",
			   "none yet: the first run of an image makes one");
	else
		doctor_add(doctor, "templates", DOCTOR_OK, NULL, "%zu", n);
}

void doctor_check_store(struct doctor *doctor)
{
	check_kernels(doctor);
	check_images(doctor);
	check_templates(doctor);
}
