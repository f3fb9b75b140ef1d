/* SPDX-License-Identifier: Apache-2.0 */
/* prove.c - the proof in the public interface; see ironclaw.h and machine/proof.h. */
#include <errno.h>

#include "base/cleanup.h"
#include "machine/proof.h"
#include "machine/vm.h"

bool proof_layer(const struct proof_report *report, enum proof_layer layer,
		 struct ironclaw_layer *ret)
{
	const struct proof_finding *f = report->findings[layer];
	struct ironclaw_layer got = {
		.name = proof_layer_name(layer),
		.must_have = proof_must_have(layer),
		.vmm = {f[PROOF_VMM].verdict, f[PROOF_VMM].says, f[PROOF_VMM].reason},
		.keeper = {f[PROOF_KEEPER].verdict, f[PROOF_KEEPER].says, f[PROOF_KEEPER].reason},
		.warden = {f[PROOF_WARDEN].verdict, f[PROOF_WARDEN].says, f[PROOF_WARDEN].reason},
	};

	*ret = got;
	return f[PROOF_VMM].verdict != IRONCLAW_VERDICT_NONE;
}

int ironclaw_vm_prove(const struct ironclaw_vm *vm,
		      void (*layer)(void *userdata, const struct ironclaw_layer *layer),
		      void *userdata, struct ironclaw_error *err)
{
	cleanup_free struct proof *proof = NULL;
	struct proof_report report;
	enum proof_layer missing;
	enum proof_who who;
	int r;

	err_clear(err);
	r = proof_read(vm->launch.dir.vms_fd, vm->launch.vm_id, &proof, err);
	if (r < 0)
		return r;
	proof_judge(proof, &report);
	for (int i = 0; i < PROOF_LAYERS && layer; i++) {
		struct ironclaw_layer told;

		if (proof_layer(&report, i, &told))
			layer(userdata, &told);
	}
	if (!proof_first_missing(&report, &missing, &who))
		return 0;
	return err_set(err, IRONCLAW_ERR_JAIL, EPERM, "not proven: %s of the %s: %s",
		       proof_layer_name(missing), proof_who_name(who),
		       report.findings[missing][who].reason);
}
