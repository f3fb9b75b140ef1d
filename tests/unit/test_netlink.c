/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_netlink.c - sys/netlink.h without a kernel: what is built, what is taken apart, and what
 * answers are taken for. With a kernel: tests/it/firewall.bats.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "sys/netlink.h"

#define KIND 100 /* of our messages */

static struct netlink_bytes bytes_of(const struct netlink_out *out)
{
	assert_false(out->overflow);
	return (struct netlink_bytes){out->data, out->length};
}

static void what_is_built_is_read_again(void **state)
{
	const uint8_t header[4] = {1, 2, 3, 4};
	struct netlink_bytes rest, value;
	struct netlink_message m;
	struct netlink_attr a;
	struct netlink_out out;
	size_t nest;

	(void)state;
	netlink_clear(&out);
	netlink_begin(&out, KIND, NLM_F_CREATE, header, sizeof(header));
	netlink_put_string(&out, 1, "ab");
	nest = netlink_open_nest(&out, 2);
	netlink_put_be32(&out, 3, 0x01020304);
	netlink_close_nest(&out, nest);
	netlink_begin(&out, KIND + 1, 0, NULL, 0);
	netlink_want_answer(&out);

	rest = bytes_of(&out);
	assert_int_equal(netlink_next_message(&rest, &m), 1);
	assert_int_equal(m.type, KIND);
	assert_int_equal(m.flags, NLM_F_REQUEST | NLM_F_CREATE);
	assert_int_equal(m.seq, 0);
	assert_memory_equal(m.body.data, header, sizeof(header));
	value = (struct netlink_bytes){m.body.data + 4, m.body.length - 4};
	assert_int_equal(netlink_next_attr(&value, &a), 1);
	assert_int_equal(a.type, 1);
	assert_int_equal(a.value.length, 3);
	assert_string_equal((const char *)a.value.data, "ab");
	assert_int_equal(netlink_next_attr(&value, &a), 1);
	assert_int_equal(a.type, 2);
	assert_int_equal(netlink_next_attr(&value, &a), 0);
	assert_true(netlink_find_attr(a.value, 3, &value));
	assert_memory_equal(value.data, "\1\2\3\4", 4);
	assert_false(netlink_find_attr(a.value, 4, &value));
	assert_int_equal(netlink_next_message(&rest, &m), 1);
	assert_int_equal(m.flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(m.seq, 1);
	assert_int_equal(netlink_next_message(&rest, &m), 0);
	assert_true(netlink_message_at(&out, 1, &m));
	assert_int_equal(m.type, KIND + 1);
	assert_false(netlink_message_at(&out, 2, &m));
}

static void what_does_not_fit_is_never_sent(void **state)
{
	uint8_t block[1000] = {0};
	struct netlink_answers answers = {0};
	struct netlink nl = {.fd = -EBADF};
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	netlink_begin(&out, KIND, 0, NULL, 0);
	for (int i = 0; i < 4; i++)
		netlink_put(&out, 1, block, sizeof(block));
	assert_false(out.overflow);
	netlink_put(&out, 1, block, sizeof(block));
	assert_true(out.overflow);
	/* Nor does what would still fit come after a gap. */
	netlink_put(&out, 1, block, 1);
	netlink_close_nest(&out, netlink_open_nest(&out, 2));
	netlink_want_answer(&out);
	assert_true(out.length <= sizeof(out.data));
	assert_int_equal(netlink_exchange(&nl, &out, &answers), -EMSGSIZE);
	netlink_clear(&out);
	assert_int_equal(netlink_exchange(&nl, &out, &answers), -EMSGSIZE);
	netlink_begin(&out, KIND, 0, NULL, 0);
	assert_int_equal(netlink_exchange(&nl, &out, &answers), -EBADF);
}

static void impossible_lengths_are_malformed(void **state)
{
	static const uint32_t lengths[] = {0, 15, 21, 0xffffffff};
	static const uint16_t attr_lengths[] = {0, 3, 9, 0xffff};
	uint8_t data[20] = {0};
	struct netlink_message m;
	struct netlink_attr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct netlink_bytes rest = {data, sizeof(data)};

		memcpy(data, &lengths[i], sizeof(lengths[i]));
		assert_int_equal(netlink_next_message(&rest, &m), -EBADMSG);
		assert_int_equal(rest.length, sizeof(data));
	}
	for (size_t i = 0; i < ARRAY_SIZE(attr_lengths); i++) {
		struct netlink_bytes rest = {data, 8};

		memcpy(data, &attr_lengths[i], sizeof(attr_lengths[i]));
		assert_int_equal(netlink_next_attr(&rest, &a), -EBADMSG);
	}
	for (size_t n = 1; n < sizeof(struct nlattr); n++)
		assert_int_equal(netlink_next_attr(&(struct netlink_bytes){data, n}, &a), -EBADMSG);
	for (size_t n = 1; n < sizeof(struct nlmsghdr); n++)
		assert_int_equal(netlink_next_message(&(struct netlink_bytes){data, n}, &m),
				 -EBADMSG);
}

/* An answer to message @seq, appended. */
static void answer(struct netlink_out *out, uint16_t type, uint16_t flags, uint32_t seq)
{
	netlink_begin(out, type, flags, NULL, 0);
	memcpy(out->data + out->last + offsetof(struct nlmsghdr, nlmsg_seq), &seq, sizeof(seq));
}

static void error(struct netlink_out *out, uint32_t seq, int32_t code, const char *words)
{
	struct nlmsgerr e = {.error = code};

	netlink_begin(out, NLMSG_ERROR, NLM_F_CAPPED | (words ? NLM_F_ACK_TLVS : 0), &e, sizeof(e));
	memcpy(out->data + out->last + offsetof(struct nlmsghdr, nlmsg_seq), &seq, sizeof(seq));
	if (words)
		netlink_put_string(out, NLMSGERR_ATTR_MSG, words);
}

static int count(void *ctx, const struct netlink_message *message)
{
	int *n = ctx;

	assert_int_equal(message->type, KIND);
	++*n;
	return *n == 3 ? -EIO : 0;
}

static void answers_are_counted_until_the_acknowledgement(void **state)
{
	int n = 0;
	struct netlink_answers a = {.first_seq = 7, .n = 1, .answer = count, .ctx = &n};
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	answer(&out, KIND, 0, 6); /* of an exchange before */
	answer(&out, KIND, 0, 7);
	error(&out, 6, -EPERM, NULL);
	answer(&out, NLMSG_NOOP, 0, 7);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	assert_int_equal(n, 1);
	assert_false(a.ended);
	assert_int_equal(a.refused, 0);
	netlink_clear(&out);
	for (int i = 0; i < 5; i++)
		answer(&out, KIND, 0, 7);
	error(&out, 7, 0, NULL);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	/* The third said no. */
	assert_int_equal(n, 3);
	assert_int_equal(a.answered, -EIO);
	assert_true(a.ended);
	assert_false(a.overtaken);
}

static void the_first_refusal_of_a_batch_counts(void **state)
{
	struct netlink_answers a = {.first_seq = 10, .n = 5};
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	error(&out, 12, -EEXIST, "a \x1b[2Jword");
	error(&out, 13, -ENOENT, "another");
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	assert_false(a.ended);
	assert_int_equal(a.refused, -EEXIST);
	assert_int_equal(a.refused_index, 2);
	assert_string_equal(a.words, "a ?[2Jword");
	netlink_clear(&out);
	error(&out, 14, 0, NULL);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	assert_true(a.ended);
	assert_int_equal(a.refused, -EEXIST);
}

static void a_dump_ends_and_may_be_overtaken(void **state)
{
	int n = 0;
	struct netlink_answers a = {.first_seq = 1, .n = 1, .answer = count, .ctx = &n};
	const int32_t code = -ENOMEM;
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	answer(&out, KIND, NLM_F_MULTI, 1);
	answer(&out, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	assert_true(a.ended && a.overtaken);
	netlink_clear(&out);
	netlink_begin(&out, NLMSG_DONE, NLM_F_MULTI, &code, sizeof(code));
	memset(out.data + offsetof(struct nlmsghdr, nlmsg_seq), 0, 4);
	out.data[offsetof(struct nlmsghdr, nlmsg_seq)] = 1;
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -ENOMEM);
}

static void what_cannot_be_an_answer_is_a_failure(void **state)
{
	struct netlink_answers a = {.first_seq = 0, .n = 1};
	struct netlink_out out;

	(void)state;
	netlink_clear(&out);
	answer(&out, KIND, 0, 0); /* none is expected */
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -EBADMSG);
	netlink_clear(&out);
	answer(&out, NLMSG_OVERRUN, 0, 0);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -ENOBUFS);
	netlink_clear(&out);
	answer(&out, NLMSG_ERROR, 0, 0); /* without a code */
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -EBADMSG);
	netlink_clear(&out);
	error(&out, 0, 1, NULL);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -EBADMSG);
	netlink_clear(&out);
	error(&out, 0, INT32_MIN, NULL);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), -EBADMSG);
	netlink_clear(&out);
	error(&out, 0, 0, NULL);
	assert_int_equal(netlink_take(&a, (struct netlink_bytes){out.data, out.length - 1}),
			 -EBADMSG);
	assert_false(a.ended);
}

static void long_words_are_cut(void **state)
{
	struct netlink_answers a = {.first_seq = 0, .n = 1};
	char words[3 * NETLINK_TEXT_B];
	struct netlink_out out;

	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	netlink_clear(&out);
	error(&out, 0, -EINVAL, words);
	assert_int_equal(netlink_take(&a, bytes_of(&out)), 0);
	assert_int_equal(strlen(a.words), NETLINK_TEXT_B - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read_again),
		cmocka_unit_test(what_does_not_fit_is_never_sent),
		cmocka_unit_test(impossible_lengths_are_malformed),
		cmocka_unit_test(answers_are_counted_until_the_acknowledgement),
		cmocka_unit_test(the_first_refusal_of_a_batch_counts),
		cmocka_unit_test(a_dump_ends_and_may_be_overtaken),
		cmocka_unit_test(what_cannot_be_an_answer_is_a_failure),
		cmocka_unit_test(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
