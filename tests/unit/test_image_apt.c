/* SPDX-License-Identifier: Apache-2.0 */
/* test_image_apt.c - image/apt.h, its pure half: which mirror an image is made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "image/apt.h"

#define KEY "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "

static void test_words(void **state)
{
	char word[APT_PACKAGE_MAX + 2];

	(void)state;
	assert_true(apt_word_valid("python3", 7));
	assert_true(apt_word_valid("g++", 3));
	assert_true(apt_word_valid("libstdc++6,x", 10));
	assert_false(apt_word_valid("", 0));
	assert_false(apt_word_valid("-x", 2));
	assert_false(apt_word_valid("a;b", 3));
	assert_false(apt_word_valid("a b", 3));
	assert_false(apt_word_valid("Ab", 2));
	assert_false(apt_word_valid("../x", 4));
	memset(word, 'a', sizeof(word));
	word[APT_PACKAGE_MAX + 1] = '\0';
	assert_false(apt_word_valid(word, APT_PACKAGE_MAX + 1));
	assert_true(apt_word_valid(word, APT_PACKAGE_MAX));
}

static void test_nothing_known(void **state)
{
	struct apt_sources s;

	(void)state;
	apt_pick_sources(NULL, 0, "bookworm", &s);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.lines[0], KEY "http://deb.debian.org/debian bookworm main");
	assert_string_equal(s.lines[1], KEY "http://deb.debian.org/debian bookworm-updates main");
	assert_string_equal(s.lines[2],
			    KEY "http://deb.debian.org/debian-security bookworm-security main");
}

static void test_host_mirrors(void **state)
{
	static const char *const uris[] = {
		"https://download.docker.com/linux/debian/dists/bookworm/InRelease",
		"https://deb.nodesource.com/node_20.x/dists/nodistro/InRelease",
		"cdrom://[Debian]/dists/bookworm/InRelease",
		"https://mirror.example/debian/dists/trixie/InRelease",
		"https://near.example/pub/debian/dists/bookworm/InRelease",
		"https://near.example/pub/debian/dists/bookworm-updates/InRelease",
		"https://near.example/debian-security/dists/bookworm-security/InRelease",
	};
	struct apt_sources s;

	(void)state;
	apt_pick_sources(uris, 7, "bookworm", &s);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.lines[0], KEY "https://near.example/pub/debian bookworm main");
	assert_string_equal(s.lines[2],
			    KEY "https://near.example/debian-security bookworm-security main");
	/* Another release comes from the same places. */
	apt_pick_sources(uris, 7, "trixie", &s);
	assert_string_equal(s.lines[0], KEY "https://mirror.example/debian trixie main");
	assert_string_equal(s.lines[2],
			    KEY "https://near.example/debian-security trixie-security main");
	apt_pick_sources(uris, 7, "sid", &s);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.lines[0], KEY "https://mirror.example/debian sid main");
	/* A mirror but no security one: nowhere else is asked. */
	apt_pick_sources(uris + 4, 1, "bookworm", &s);
	assert_int_equal(s.n, 2);
}

static void test_snapshot(void **state)
{
	static const char *const uris[] = {
		"http://snapshot.debian.org/archive/debian/20250520T000000Z/dists/bookworm/"
		"InRelease",
	};
	struct apt_sources s;

	(void)state;
	apt_pick_sources(uris, 1, "bookworm", &s);
	assert_string_equal(
		s.lines[0],
		KEY "http://snapshot.debian.org/archive/debian/20250520T000000Z bookworm main");
}

static void test_strange_uris(void **state)
{
	static const char *const uris[] = {
		"",
		"/dists/",
		"http://",
		"http:///dists/bookworm",
		"http://x/debian",
		"http://x/debian/dists/",
		"http://x y/debian/dists/bookworm/InRelease",
		"http://x]/debian/dists/bookworm/InRelease",
		"file:/srv/debian/dists/bookworm/InRelease",
		"http://notdebian.org.evil.example/archive/x/debian/y/dists/bookworm/InRelease",
	};
	struct apt_sources s;

	(void)state;
	apt_pick_sources(uris, 5, "bookworm", &s);
	assert_string_equal(s.lines[0], KEY "http://deb.debian.org/debian bookworm main");
	apt_pick_sources(uris + 6, 4, "bookworm", &s);
	assert_string_equal(s.lines[0], KEY "http://deb.debian.org/debian bookworm main");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	     cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_host_mirrors), cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_strange_uris),
	};

	return cmocka_run_group_tests_name("image_apt", tests, NULL, NULL);
}
