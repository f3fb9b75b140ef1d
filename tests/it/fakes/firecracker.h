/* SPDX-License-Identifier: Apache-2.0 */
/**
 * firecracker.h - a stand-in for the VMM of that name, for tests of the engine that drives it.
 *
 * It has no machine in it. It has the outside of the real one, as far as it is known from the
 * program's documentation and from runs of it: command line, exit codes, HTTP over a unix socket,
 * the API's fields, order and errors, sockets of vsock, snapshot files; each with what differs
 * between versions. Behind vsock is a guest: a small one of its own, or any program (guest.c of
 * this folder is the project's real guest agent). What it does not know it refuses, with a text
 * that says "not modelled".
 *
 * It is one static program with one thread, and once started calls the kernel only as the real one
 * does, so it lives in the same jails, under the same seccomp filters. It installs the "vmm"
 * program of --seccomp-filter itself; "api" and "vcpu" are checked and not installed.
 *
 * Settings come from the environment, or, where a jail passes none, from the binary itself:
 * firecracker_settings.py writes them into a copy.
 *
 *   FAKE_FC_VERSION        1.6.0 to 1.17.0-dev (1.16.1)
 *   FAKE_FC_FAULT          what goes wrong, below
 *   FAKE_FC_GUEST_DIR      folder of the guest's side of vsock (none: the built-in guest):
 *                            DIR/PORT  the guest listens here for the host's CONNECT PORT
 *                            DIR/host  we listen; the guest sends the port as u32, little endian,
 *                                      and reads one byte: 0 connected, 1 nobody listens
 *   FAKE_FC_GUEST          program (an absolute path) to start as the guest, with DIR as its
 *                          argument; its end is the guest's reboot
 *   FAKE_FC_GUEST_PORT     port of the built-in guest (1024)
 *   FAKE_FC_GUEST_CONNECT  the built-in guest connects to this port of the host instead
 *   FAKE_FC_PRINT=api      print the table of the API and exit
 *
 * FAKE_FC_FAULT is a list, "NAME:ARG...,NAME:ARG...". STEP is `start` (before the API socket is
 * there), `bound` (it is), or a request: "/actions", or with the method "PUT/actions"; a path of a
 * family names all of it ("/drives").
 *
 *   slow:STEP:MS           answer so much later; nothing else is served meanwhile
 *   hang:STEP              never answer, and serve nothing any more
 *   drop:STEP              close the connection instead of an answer
 *   die:STEP:HOW           end before anything is done; HOW is an exit code, or SIGKILL, SIGSYS...
 *   die-after:STEP:HOW     end when the answer is out
 *   refuse:STEP            400 with a fault_message
 *   refuse-http:STEP       400 of the HTTP layer, whose body is not JSON
 *   garbage:STEP           bytes that are no HTTP
 *   cut:STEP               half of the answer's first line, then the end of the connection
 *   huge:STEP:BYTES        200 with a body of that size
 *   length:STEP:DELTA      a Content-Length that is wrong by so much
 *   continue:STEP          an unasked `100` before the answer
 *   no-kvm:N               the first N InstanceStart or loads find no /dev/kvm
 *   no-realtime            the clock cannot be restored (clock_realtime is then fatal)
 *   save-fails             snapshot/create fails and leaves the state file
 *   flood:BYTES            the guest's console says so much at boot
 *   vsock-late:MS          the guest's driver comes so late; what connected before ends in EOF
 *   vsock-mute             CONNECT is never answered
 *   vsock-eof              CONNECT ends in EOF: nobody listens
 *   vsock-reset:N          the first N connections are answered OK and then closed
 *   vsock-garbage          something else than OK
 *   vsock-cut:BYTES        a connection ends after so many bytes of the guest
 *   guest-silent:MS        nothing goes either way any more, so long after the start
 *   guest-reboot:MS        the guest reboots, so long after the start
 *
 * Once a filter is in place a death by a signal is what that filter makes of tkill(2).
 *
 * Of itself, by version: before 1.16 the first connection after a load is answered OK and then
 * closed; 1.16.0 and 1.16.1 stop all vsock at a resume without a snapshot since the pause.
 */
#ifndef FAKES_FIRECRACKER_H
#define FAKES_FIRECRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FC_VERSION(minor, patch) ((minor)*100 + (patch))
#define FC_EXIT_ERROR		 1
#define FC_EXIT_UNEXPECTED	 2
#define FC_EXIT_LEVEL		 152
#define FC_EXIT_ARGUMENTS	 153
#define FC_TEXT_B		 512U
#define FC_MESSAGE_B		 2048U

/** Growing bytes. */
struct fc_bytes {
	char *at;
	size_t len, size;
};
void fc_bytes_add(struct fc_bytes *bytes, const void *data, size_t len);
__attribute__((format(printf, 2, 3))) void fc_bytes_print(struct fc_bytes *bytes, const char *fmt,
							  ...);
/** Forget the first @n. */
void fc_bytes_drop(struct fc_bytes *bytes, size_t n);
void fc_bytes_free(struct fc_bytes *bytes);

/* firecracker_json.c */
enum fc_json_type { FC_NULL, FC_BOOL, FC_INT, FC_REAL, FC_STRING, FC_ARRAY, FC_OBJECT };
struct fc_json {
	enum fc_json_type type;
	char *key, *text; /* text: of a string, and of a number as written */
	bool flag;
	int64_t number;
	size_t end; /* offset behind it, for messages */
	struct fc_json *first, *next;
};
/** Return: the document, or NULL with @error. */
struct fc_json *fc_json_parse(const char *text, size_t len, char error[FC_TEXT_B]);
struct fc_json *fc_json_copy(const struct fc_json *json);
void fc_json_free(struct fc_json *json);
const struct fc_json *fc_json_get(const struct fc_json *object, const char *key);
const char *fc_json_text(const struct fc_json *object, const char *key);
bool fc_json_flag(const struct fc_json *object, const char *key);
int64_t fc_json_int(const struct fc_json *object, const char *key, int64_t otherwise);
void fc_json_print(struct fc_bytes *out, const struct fc_json *json);
void fc_json_quote(struct fc_bytes *out, const char *text);

/* firecracker_api.c */
struct fc_answer {
	int status;
	bool deprecated;
	struct fc_bytes body;
	bool ends; /* the process, with FC_EXIT_ERROR, once this is out */
};
typedef void fc_handler(const char *id, const struct fc_json *body, struct fc_answer *answer);
/** Judge a request and carry it out. @body: NULL: none */
void fc_api(const char *method, const char *path, const char *body, size_t len,
	    struct fc_answer *answer);
/** The same for one section of a configuration file. */
void fc_api_section(const char *key, const struct fc_json *value, struct fc_answer *answer);
__attribute__((format(printf, 2, 3))) void fc_fault(struct fc_answer *answer, const char *fmt, ...);
/** "No such file or directory (os error 2)". */
const char *fc_os_error(int errnum);
void fc_api_print(void);

/* firecracker_vm.c: what the requests do */
fc_handler fc_get_instance, fc_get_version, fc_get_config, fc_get_machine, fc_put_machine,
	fc_patch_machine, fc_put_boot, fc_put_drive, fc_patch_drive, fc_put_vsock, fc_put_entropy,
	fc_put_serial, fc_put_logger, fc_put_metrics, fc_put_action, fc_patch_vm, fc_put_create,
	fc_put_load, fc_put_other, fc_get_mmds, fc_put_mmds, fc_not_modelled;
struct fc_vm {
	bool started, paused, boot_path, saved; /* saved: since the pause */
	int no_kvm;
	struct fc_json *boot, *drives, *vsock, *machine, *entropy, *serial, *mmds, *others;
};
extern struct fc_vm fc_vm;
void fc_vm_init(void);
void fc_vm_guest_rebooted(void);

/* firecracker_snapshot.c */
void fc_snapshot_create(const struct fc_json *body, struct fc_answer *answer);
void fc_snapshot_load(const struct fc_json *body, struct fc_answer *answer);
/** Return: exit code of --describe-snapshot. */
int fc_snapshot_describe(const char *path);
/** Return: NULL when no such thing is known of the version. */
const char *fc_snapshot_version(void);

/* firecracker_http.c */
extern size_t fc_http_payload_max;
/** Return: 0, or errno. */
int fc_http_listen(const char *path);

/* firecracker_vsock.c */
/** Bind @path. Return: 0 or errno. */
int fc_vsock_bind(const char *path);
/** The guest runs; @loaded: from a snapshot. Return: 0 or errno. */
int fc_vsock_start(bool loaded);
void fc_vsock_pause(void);
void fc_vsock_resume(bool saved);
uint32_t fc_vsock_port(void);
void fc_vsock_set_port(uint32_t port);

/* firecracker_guest.c: the built-in guest, one for each connection */
struct fc_guest;
struct fc_guest *fc_guest_new(void);
void fc_guest_free(struct fc_guest *guest);
/** @out: grows by what it says first. */
void fc_guest_hello(struct fc_guest *guest, struct fc_bytes *out);
/** Return: false when the guest has hung up. */
bool fc_guest_feed(struct fc_guest *guest, const void *data, size_t len, struct fc_bytes *out);

/* firecracker_seccomp.c */
/** Return: NULL, or what is wrong. */
const char *fc_seccomp_read(const char *path);
/** Return: whether the kernel took the "vmm" program, or there is none. */
bool fc_seccomp_install(void);

/* firecracker_fault.c */
const char *fc_setting(const char *name);
/**
 * fc_fault_at() - whether a fault is asked for.
 * @step:	"PUT/actions", "start"; NULL: one that has no step
 * @ret_arg:	its argument, 0 when there is none; NULL: not wanted
 */
bool fc_fault_at(const char *name, const char *step, long *ret_arg);
/** `die` and `die-after` of that step. */
void fc_fault_die(const char *name, const char *step);

/* firecracker.c */
struct fc_watch {
	int fd;
	void (*ready)(struct fc_watch *watch, uint32_t events);
};
extern int fc_version;
extern char fc_version_text[32];
extern const char *fc_id;
extern int fc_log_fd, fc_console_fd, fc_metrics_fd;
extern int fc_log_level; /* 0 off, 1 errors, 2 all */
extern bool fc_api_dead;
/** @events: of epoll; 0: none but errors. Adds, or changes when @again. */
void fc_watch(struct fc_watch *watch, uint32_t events, bool again);
void fc_unwatch(struct fc_watch *watch);
/** Call @then after so long; there are few of these. */
void fc_later(long ms, void (*then)(void));
void fc_sleep(long ms);
void fc_set_nonblocking(int fd);
__attribute__((format(printf, 1, 2))) void fc_log(const char *fmt, ...);
void fc_log_error(const char *text);
/** Say so in the log, and exit. */
__attribute__((noreturn)) void fc_exit(int code);
#endif
