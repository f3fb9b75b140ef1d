/* SPDX-License-Identifier: Apache-2.0 */
/**
 * conformance.h - the fixtures that the MCP project's conformance suite calls by name, and a few of
 * our own, on the product's server core and HTTP server.
 *
 * conformance_server.c has the process and its clock, conformance_tools.c the tools,
 * conformance_input.c those that need input of a modern client, conformance_rest.c all else.
 */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include "mcp/http.h"

/** A call that is not over. */
struct job {
	struct job *next;
	struct mcp_call *call;
	const json_t *arguments;
	const struct fixture *fixture;
	int step;	 /* how often it was stepped */
	uint64_t due_us; /* 0: waits for its client */
};

/** A tool and what a call of it does. */
struct fixture {
	struct mcp_tool tool;
	/** Once at the start, and again after each later(). */
	void (*step)(struct job *job);
};

extern struct mcp_http *the_http;
extern unsigned int jobs_running, jobs_cancelled;

/** later() - step this job again in so many milliseconds. */
void later(struct job *job, unsigned int ms);

/** over() - forget a job whose call has ended or is just ending. */
void over(struct job *job);

/** finish() - end a call with this text. */
void finish(struct job *job, const char *text);

/** The pixel of all images: a PNG in base64. */
extern const char pixel_png[];

extern const struct fixture tool_fixtures[], input_fixtures[];
extern const size_t n_tool_fixtures, n_input_fixtures;

/** All methods but tools/call. */
void rest_request(void *userdata, struct mcp_call *call, const char *method, json_t *params);

/**
 * input_round() - what a modern client has sent of the input that was asked for.
 * @key:	of the request
 *
 * Return: its response (borrowed); NULL when it has to be asked (again), or, with *ret_refused,
 * when the call was ended with an error
 */
const json_t *input_round(struct mcp_call *call, const char *key, bool *ret_refused);

/** input_elicit() - a request for a form of one property. */
json_t *input_elicit(const char *message, const char *property, const char *type);

#endif
