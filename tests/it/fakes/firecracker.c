/* SPDX-License-Identifier: Apache-2.0 */
/* firecracker.c - command line, signals, log and event loop of the stand-in; see firecracker.h. */
#include "firecracker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VERSION_DEFAULT "1.16.1"
#define API_DEFAULT	"/run/firecracker.socket"
#define ID_MAX_B	64U
#define EVENTS		64
#define TIMERS		4
#define CONFIG_MAX_B	(1024U * 1024U)

int fc_version;
char fc_version_text[32];
const char *fc_id = "anonymous-instance";
int fc_log_fd = STDOUT_FILENO, fc_console_fd = STDOUT_FILENO, fc_metrics_fd = -1;
int fc_log_level = 2;
bool fc_api_dead;

static int epoll_fd = -1, idle_fd = -1;
static struct {
	int64_t at_ms;
	void (*then)(void);
} timers[TIMERS];

/* What the options are worth, in the order of the table. */
enum option {
	O_API,
	O_ID,
	O_SECCOMP,
	O_NO_SECCOMP,
	O_START,
	O_START_CPU,
	O_PARENT_CPU,
	O_CONFIG,
	O_METADATA,
	O_NO_API,
	O_LOG,
	O_LEVEL,
	O_MODULE,
	O_SHOW_LEVEL,
	O_SHOW_ORIGIN,
	O_METRICS,
	O_BOOT_TIMER,
	O_SNAPSHOT_VERSION,
	O_DESCRIBE,
	O_PAYLOAD,
	O_MMDS_LIMIT,
	O_PCI,
	OPTIONS
};
static const struct {
	const char *name;
	bool takes_value;
	int since;
} options[OPTIONS] = {
	[O_API] = {"--api-sock", true, 0},
	[O_ID] = {"--id", true, 0},
	[O_SECCOMP] = {"--seccomp-filter", true, 0},
	[O_NO_SECCOMP] = {"--no-seccomp", false, 0},
	[O_START] = {"--start-time-us", true, 0},
	[O_START_CPU] = {"--start-time-cpu-us", true, 0},
	[O_PARENT_CPU] = {"--parent-cpu-time-us", true, 0},
	[O_CONFIG] = {"--config-file", true, 0},
	[O_METADATA] = {"--metadata", true, 0},
	[O_NO_API] = {"--no-api", false, 0},
	[O_LOG] = {"--log-path", true, 0},
	[O_LEVEL] = {"--level", true, 0},
	[O_MODULE] = {"--module", true, 0},
	[O_SHOW_LEVEL] = {"--show-level", false, 0},
	[O_SHOW_ORIGIN] = {"--show-log-origin", false, 0},
	[O_METRICS] = {"--metrics-path", true, 0},
	[O_BOOT_TIMER] = {"--boot-timer", false, 0},
	[O_SNAPSHOT_VERSION] = {"--snapshot-version", false, FC_VERSION(7, 0)},
	[O_DESCRIBE] = {"--describe-snapshot", true, FC_VERSION(7, 0)},
	[O_PAYLOAD] = {"--http-api-max-payload-size", true, 0},
	[O_MMDS_LIMIT] = {"--mmds-size-limit", true, 0},
	[O_PCI] = {"--enable-pci", false, FC_VERSION(13, 0)},
};
static const char *values[OPTIONS]; /* "" for a flag that is there */

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put_line(const char *text)
{
	char line[FC_MESSAGE_B + 128];
	struct timespec ts;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, ".%09ld [%s:main] %s\n", ts.tv_nsec,
			      fc_id, text);
	if (write(fc_log_fd, line, n) < 0 && errno == EPIPE && !fc_vm.started)
		fc_api_dead = true; /* the thread of the API dies of it, before the start */
}

void fc_log(const char *fmt, ...)
{
	char text[FC_MESSAGE_B];
	va_list ap;

	if (fc_log_level < 2)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_line(text);
}

void fc_log_error(const char *text)
{
	if (fc_log_level > 0)
		put_line(text);
}

void fc_exit(int code)
{
	char text[FC_TEXT_B];

	(void)snprintf(text, sizeof(text), "Firecracker exiting %s. exit_code=%d",
		       code == 0 ? "successfully" : "with error", code);
	fc_log_error(text);
	_exit(code);
}

__attribute__((noreturn)) static void leave(int code, const char *fmt, const char *what)
{
	char text[FC_TEXT_B];

	(void)snprintf(text, sizeof(text), fmt, what);
	fc_log_error(text);
	(void)fprintf(stderr, "Error: %s\n", text);
	(void)fflush(stderr);
	fc_exit(code);
}

void fc_watch(struct fc_watch *watch, uint32_t events, bool again)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	(void)epoll_ctl(epoll_fd, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event);
}

void fc_unwatch(struct fc_watch *watch)
{
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

void fc_later(long ms, void (*then)(void))
{
	for (int i = 0; i < TIMERS; i++)
		if (!timers[i].then) {
			timers[i].at_ms = now_ms() + ms;
			timers[i].then = then;
			return;
		}
	abort();
}

/* Not with nanosleep(2), which the real one's filter does not let through. */
void fc_sleep(long ms)
{
	struct epoll_event none;
	int64_t end_ms = now_ms() + ms, left_ms;

	while ((left_ms = end_ms - now_ms()) > 0)
		(void)epoll_wait(idle_fd, &none, 1, (int)left_ms);
}

void fc_set_nonblocking(int fd)
{
	int on = 1;

	(void)ioctl(fd, FIONBIO, &on);
}

/* Return: how long until the next timer, -1: none. */
static int run_timers(void)
{
	int64_t next_ms = -1;

	for (int i = 0; i < TIMERS; i++) {
		int64_t left_ms = timers[i].at_ms - now_ms();

		if (!timers[i].then)
			continue;
		if (left_ms <= 0) {
			void (*then)(void) = timers[i].then;

			timers[i].then = NULL;
			then();
			return 0;
		}
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
	}
	return (int)next_ms;
}

/*
 * One event a round: its handler may free what the next one is about. They are level-triggered, and
 * the kernel hands them out in turn.
 */
__attribute__((noreturn)) static void loop(void)
{
	for (;;) {
		struct epoll_event event;
		int n = epoll_wait(epoll_fd, &event, 1, run_timers());
		struct fc_watch *watch = n > 0 ? event.data.ptr : NULL;

		if (watch)
			watch->ready(watch, event.events);
	}
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	static const struct {
		int sig, code;
	} codes[] = {{SIGSYS, 148},  {SIGBUS, 149}, {SIGSEGV, 150}, {SIGXFSZ, 151},
		     {SIGXCPU, 154}, {SIGHUP, 156}, {SIGILL, 157}};

	(void)context;
	if (sig == SIGSYS && info->si_code != 1 /* SYS_SECCOMP */)
		_exit(FC_EXIT_UNEXPECTED);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].sig == sig)
			_exit(codes[i].code);
}

static void set_signals(void)
{
	static const int signals[] = {SIGSYS, SIGBUS, SIGSEGV, SIGXFSZ, SIGXCPU, SIGHUP, SIGILL};
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static bool set_version(void)
{
	const char *text = fc_setting("FAKE_FC_VERSION");
	char *end;
	long minor, patch;

	if (!text)
		text = VERSION_DEFAULT;
	if (strncmp(text, "1.", 2) != 0 || strlen(text) >= sizeof(fc_version_text))
		return false;
	minor = strtol(text + 2, &end, 10);
	if (*end != '.')
		return false;
	patch = strtol(end + 1, &end, 10);
	(void)snprintf(fc_version_text, sizeof(fc_version_text), "%s", text);
	fc_version = FC_VERSION((int)minor, (int)patch);
	return (*end == '\0' || strcmp(end, "-dev") == 0) && minor >= 6 && minor <= 17;
}

static bool has_word(char **argv, const char *word)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, word) == 0)
			return true;
	return false;
}

static void parse(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		int i;

		for (i = 0; i < OPTIONS; i++)
			if (strcmp(*argv, options[i].name) == 0 && fc_version >= options[i].since)
				break;
		if (i == OPTIONS)
			leave(FC_EXIT_ARGUMENTS,
			      "Arguments parsing error: Found argument '%s' which wasn't expected, "
			      "or isn't valid in this context. \n\nFor more information try "
			      "--help.",
			      strncmp(*argv, "--", 2) == 0 ? *argv + 2 : *argv);
		if (values[i])
			leave(FC_EXIT_ARGUMENTS,
			      "Arguments parsing error: The argument '%s' was provided more than "
			      "once. "
			      "\n\nFor more information try --help.",
			      options[i].name + 2);
		values[i] = "";
		if (!options[i].takes_value)
			continue;
		values[i] = argv[1];
		if (!argv[1] || strncmp(argv[1], "--", 2) == 0)
			leave(FC_EXIT_ARGUMENTS,
			      "Arguments parsing error: The argument '%s' requires a value, but "
			      "none "
			      "was supplied. \n\nFor more information try --help.",
			      options[i].name + 2);
		argv++;
	}
	if (values[O_NO_API] && !values[O_CONFIG])
		leave(FC_EXIT_ARGUMENTS,
		      "Arguments parsing error: Argument '%s' required, but not found. "
		      "\n\nFor more information try --help.",
		      "config-file");
	if (values[O_SECCOMP] && values[O_NO_SECCOMP])
		leave(FC_EXIT_ARGUMENTS,
		      "Arguments parsing error: Argument '%s' cannot be used together with "
		      "argument "
		      "'seccomp-filter'. \n\nFor more information try --help.",
		      "no-seccomp");
}

/* The real one panics on a bad id or number. */
static void check_values(void)
{
	static const enum option numbers[] = {O_PAYLOAD, O_MMDS_LIMIT, O_START, O_START_CPU,
					      O_PARENT_CPU};
	size_t len;

	if (values[O_ID]) {
		fc_id = values[O_ID];
		len = strlen(fc_id);
		if (len < 1 || len > ID_MAX_B)
			abort();
		for (size_t i = 0; i < len; i++)
			if (!strchr("-0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
				    fc_id[i]))
				abort();
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *text = values[numbers[i]];

		if (text && (!*text || strspn(text, "0123456789") != strlen(text)))
			abort();
	}
	if (values[O_PAYLOAD])
		fc_http_payload_max = strtoul(values[O_PAYLOAD], NULL, 10);
}

static bool level_known(const char *level)
{
	static const char *const levels[] = {"off",  "trace",	"debug", "info",
					     "warn", "warning", "error"};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcasecmp(level, levels[i]) == 0)
			return true;
	return false;
}

/* No append, no truncation: an old tail stays. */
static int open_sink(const char *path)
{
	int create = fc_version >= FC_VERSION(14, 0) ? O_CREAT : 0;

	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | create, 0644);
}

static void set_up_log(void)
{
	if (values[O_LEVEL] && !level_known(values[O_LEVEL]))
		leave(FC_EXIT_LEVEL,
		      "Invalid value for logger level: %s.Possible values: [Error, Warning, Info, "
		      "Debug]",
		      values[O_LEVEL]);
	if (values[O_LOG]) {
		int fd = open_sink(values[O_LOG]);

		if (fd < 0)
			leave(FC_EXIT_ERROR, "Could not initialize logger: %s", fc_os_error(errno));
		fc_log_fd = fd;
	}
	if (values[O_LEVEL] && strcasecmp(values[O_LEVEL], "off") == 0)
		fc_log_level = 0;
	else if (values[O_LEVEL] && (strncasecmp(values[O_LEVEL], "warn", 4) == 0 ||
				     strcasecmp(values[O_LEVEL], "error") == 0))
		fc_log_level = 1;
	fc_log("Running Firecracker v%s", fc_version_text);
	if (values[O_METRICS]) {
		fc_metrics_fd = open_sink(values[O_METRICS]);
		if (fc_metrics_fd < 0)
			leave(FC_EXIT_ERROR, "Could not initialize metrics: %s",
			      fc_os_error(errno));
	}
}

static char config_text[CONFIG_MAX_B];
static size_t config_len;

/* The real one panics when it cannot. */
static void read_files(void)
{
	int fd;
	ssize_t n;

	if (values[O_METADATA] && access(values[O_METADATA], R_OK) < 0)
		abort();
	if (!values[O_CONFIG])
		return;
	fd = open(values[O_CONFIG], O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, config_text, sizeof(config_text));
	if (n < 0)
		abort();
	config_len = (size_t)n;
	(void)close(fd);
}

/* Sections in the order in which they depend on each other; others are not looked at. */
static void run_config(void)
{
	static const char *const sections[] = {"logger",     "metrics",	    "machine-config",
					       "cpu-config", "boot-source", "drives",
					       "vsock",	     "balloon",	    "entropy",
					       "pmem",	     "mmds-config"};
	struct fc_answer answer = {0};
	char error[FC_TEXT_B];
	struct fc_json *config = fc_json_parse(config_text, config_len, error);

	if (!config || !fc_json_get(config, "boot-source") || !fc_json_get(config, "drives"))
		leave(FC_EXIT_ERROR, "Configuration for VMM from one single json failed: %s",
		      config ? "missing field" : error);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const struct fc_json *section = fc_json_get(config, sections[i]);

		if (section)
			fc_api_section(sections[i], section, &answer);
		if (answer.status >= 400)
			break;
	}
	if (answer.status < 400)
		fc_api("PUT", "/actions", "{\"action_type\":\"InstanceStart\"}", 31, &answer);
	if (answer.status >= 400)
		leave(FC_EXIT_ERROR, "Building VMM configured from cmdline json failed: %s",
		      answer.body.at);
	fc_json_free(config);
	fc_bytes_free(&answer.body);
}

__attribute__((noreturn)) static void say_and_exit(const char *text)
{
	(void)printf("%s", text);
	(void)fflush(stdout);
	fc_exit(0);
}

static void print_only(char **argv)
{
	char text[64];

	if (has_word(argv, "--help") || has_word(argv, "-h") || has_word(argv, "--version")) {
		(void)snprintf(text, sizeof(text), "Firecracker v%s\n\n", fc_version_text);
		say_and_exit(text);
	}
	parse(argv);
	if (values[O_SNAPSHOT_VERSION]) {
		(void)snprintf(text, sizeof(text), "v%s\n", fc_snapshot_version());
		say_and_exit(text);
	}
	if (values[O_DESCRIBE])
		fc_exit(fc_snapshot_describe(values[O_DESCRIBE]));
}

static void serve(const char *path)
{
	long ms;
	int r;

	if (fc_fault_at("slow", "start", &ms))
		fc_sleep(ms);
	fc_fault_die("die", "start");
	if (fc_fault_at("hang", "start", NULL))
		loop();
	r = fc_http_listen(path);
	if (r != 0)
		leave(FC_EXIT_ERROR, "RunWithApiError error: Failed to open the API socket at: %s",
		      path);
	fc_fault_die("die", "bound");
	if (fc_fault_at("hang", "bound", NULL))
		fc_api_dead = true;
}

int main(int argc, char **argv)
{
	const char *bad;

	if (argc < 1 || !set_version()) {
		(void)fprintf(stderr, "fake firecracker: no such FAKE_FC_VERSION\n");
		return FC_EXIT_UNEXPECTED;
	}
	if (fc_setting("FAKE_FC_PRINT")) {
		fc_api_print();
		return 0;
	}
	print_only(argv + 1);
	check_values();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	idle_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || idle_fd < 0)
		abort();
	set_up_log();
	set_signals();
	bad = values[O_SECCOMP] ? fc_seccomp_read(values[O_SECCOMP]) : NULL;
	if (bad)
		leave(FC_EXIT_ERROR, "Seccomp error: %s", bad);
	fc_vm_init();
	read_files();
	if (!values[O_NO_API])
		serve(values[O_API] ? values[O_API] : API_DEFAULT);
	if (values[O_CONFIG])
		run_config();
	loop();
}
