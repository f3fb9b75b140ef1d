/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_model_anthropic.c - answers of models in this dialect; see fuzz_model.h. */
#include "fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_model(MODEL_ANTHROPIC, data, size);
}
