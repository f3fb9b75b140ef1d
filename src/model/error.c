/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - how servers of models say that they failed, in a body or a stream; see model.h.
 */
#include <errno.h>
#include <strings.h>

#include "model/internal.h"
#include "base/cleanup.h"
#include "base/escape.h"

/* What is said once more in the same words after another try. */
static const char *const refusals[] = {
	"invalid_request_error", "authentication_error", "permission_error",
	"not_found_error",	 "request_too_large",	 "billing_error",
};

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* {"error": {"message"}}, {"error": "text"}, {"message"}, {"detail": "text"} and relatives. */
static const char *message_of(const json_t *root)
{
	const json_t *error = json_object_get(root, "error");
	const char *texts[] = {text_in(error, "message"), json_string_value(error),
			       text_in(root, "message"), text_in(root, "detail"),
			       text_in(json_array_get(json_object_get(root, "detail"), 0), "msg")};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i] && texts[i][0])
			return texts[i];
	}
	return NULL;
}

static bool is_quota(const json_t *root)
{
	const json_t *error = json_object_get(root, "error");

	return model_text_is(error, "code", "insufficient_quota") ||
	       model_text_is(error, "type", "insufficient_quota") ||
	       model_text_is(error, "type", "billing_error");
}

int model_said_error(const json_t *root, struct ironclaw_error *err)
{
	const json_t *error = json_object_get(root, "error");
	const json_t *code = json_object_get(error, "code");
	const char *type = text_in(json_is_object(error) ? error : root, "type");
	const char *text = message_of(root);
	json_int_t status = json_integer_value(code);
	bool final =
		status >= 400 && status < 500 && status != 408 && status != 409 && status != 429;

	for (size_t i = 0; type && i < ARRAY_SIZE(refusals); i++)
		final = final || strcmp(type, refusals[i]) == 0;
	return err_set(err, IRONCLAW_ERR_UNAVAILABLE,
		       is_quota(root) ? EDQUOT
		       : final	      ? EREMOTEIO
				      : EAGAIN,
		       "the model's server failed: %s%s%s", type ? type : "", type ? ": " : "",
		       text ? text : "no reason given");
}

/* Of a page of HTML only its title is for people. */
static void title_of(const char *body, size_t len, const char **ret, size_t *ret_len)
{
	const char *end = body + len;

	for (const char *at = body; at + 7 < end; at++) {
		if (strncasecmp(at, "<title>", 7) != 0)
			continue;
		*ret = at + 7;
		for (*ret_len = 0; *ret + *ret_len < end && (*ret)[*ret_len] != '<';)
			++*ret_len;
		return;
	}
}

void model_error_text(const char *body, size_t len, char *ret, size_t size, bool *ret_final)
{
	cleanup(model_cleanup_jsonp) json_t *root =
		json_load_bounded(body, len, MODEL_JSON_FLAGS, NULL);
	const char *text = message_of(root);
	size_t text_len = text ? strlen(text) : 0;

	*ret_final = is_quota(root);
	if (!text) {
		text = body;
		text_len = len;
		title_of(body, len, &text, &text_len);
		while (text_len > 0 && strchr(" \t\r\n", *text))
			text++, text_len--;
	}
	escape_text(ret, size, text, text_len);
}
