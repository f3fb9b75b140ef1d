/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acts_table.h - every act of the probe; included where ACT and CALL say what
 * is made of a row.
 *
 *   ACT(name, stands for, first, beneath, words, function, argument)
 *   CALL(name, stands for, first, beneath, words, number, arguments...)
 *
 * See catalogue.h for the columns. Calls that would change the host if they
 * were allowed have arguments that the kernel refuses only after it has looked
 * at the privilege.
 */

/* Controls: what the VMM must be able to do. Without them a refusal would say
 * little. */
ACT("read-program", "control", PROBE_VMM_WORKS, PROBE_NOTHING, "", act_read, probe_program)
ACT("read-template", "control", PROBE_VMM_WORKS, PROBE_NOTHING, "", act_read, "/vm/ram")
ACT("read-image", "control", PROBE_VMM_WORKS, PROBE_NOTHING, "", act_read, "/vm/image")
ACT("map-template-privately", "control", PROBE_VMM_WORKS, PROBE_NOTHING, "", act_map_private,
    "/vm/ram")
ACT("write-null", "control", PROBE_VMM_WORKS, PROBE_NOTHING, "", act_write, "/dev/null")

/* Files of the host, by every way there is to name one. */
ACT("open-passwd", "host files", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/etc/passwd")
ACT("open-shadow", "host files", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/etc/shadow")
ACT("open-host-file", "host files", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_host_file, "")
ACT("write-host-file", "host files", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_host_write, "")
ACT("climb-dotdot", "CVE-2024-21626", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_DETACH,
    "ENOENT", act_host_file, "/../../..")
ACT("climb-relative", "CVE-2024-21626", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_DETACH,
    "ENOENT", act_host_file, "../../..")
ACT("climb-by-fd", "CVE-2024-21626", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_DESCRIPTORS,
    "ENOTDIR", act_climb_by_fd, NULL)
ACT("climb-proc-root", "CVE-2025-52881", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_host_file, "/proc/self/root")
ACT("climb-proc-cwd", "CVE-2024-21626", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_host_file, "/proc/self/cwd/../../../..")
ACT("openat2-proc-root", "CVE-2025-52881", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_openat2_magic, NULL)
ACT("extra-descriptor", "CVE-2024-21626", PROBE_VMM_BENEATH | PROBE_KEEPER_BENEATH,
    PROBE_DESCRIPTORS, "EBADF", act_foreign_fd, NULL)
ACT("find-socket", "CVE-2020-15257", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_find_socket, NULL)
ACT("find-setuid", "set-uid programs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_find_setuid, NULL)
CALL("chdir", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE, PROBE_NOTHING, "",
     SYS_chdir, (uintptr_t) "/usr")
CALL("chroot", "double chroot", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
     PROBE_PRIVILEGES, "EPERM", SYS_chroot, (uintptr_t) "/usr")
CALL("pivot-root", "pivot back", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_pivot_root, (uintptr_t) "/", (uintptr_t) "/")
ACT("open-by-handle", "Shocker", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
    act_handle_open, NULL)
ACT("template-by-handle", "Shocker", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS,
    "EPERM|EOPNOTSUPP", act_handle, "/vm/ram")

/* Kernel interfaces that are files. */
ACT("proc-status", "procfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/proc/self/status")
ACT("proc-1-environ", "procfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/proc/1/environ")
ACT("core-pattern", "CVE-2025-31133", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_append, "/proc/sys/kernel/core_pattern")
ACT("sysrq", "CVE-2025-52565", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_append, "/proc/sysrq-trigger")
ACT("proc-kcore", "procfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/proc/kcore")
ACT("proc-self-mem", "CVE-2016-5195", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_append, "/proc/self/mem")
ACT("uevent-helper", "sysfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_append, "/sys/kernel/uevent_helper")
ACT("cgroup-release", "CVE-2022-0492", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_append, "/sys/fs/cgroup/release_agent")
ACT("cgroup-procs", "CVE-2022-0492", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_append, "/sys/fs/cgroup/cgroup.procs")
ACT("sysfs", "sysfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/sys/kernel/mm/transparent_hugepage/enabled")
ACT("debugfs", "debugfs", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/sys/kernel/debug/sched/debug")

/* Devices. */
ACT("dev-mem", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/mem")
ACT("dev-kmsg", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/kmsg")
ACT("dev-fuse", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/fuse")
ACT("dev-tun", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/net/tun")
ACT("dev-vhost-net", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/dev/vhost-net")
ACT("dev-vhost-vsock", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/dev/vhost-vsock")
ACT("dev-vfio", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/vfio/vfio")
ACT("dev-loop", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/loop-control")
ACT("dev-uinput", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/dev/uinput")
ACT("dev-userfaultfd", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/dev/userfaultfd")
ACT("dev-tty", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/tty")
ACT("dev-ptmx", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT", act_read,
    "/dev/ptmx")
ACT("dev-random", "devices", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_read, "/dev/random")
CALL("mknod-char", "devices", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EPERM", SYS_mknodat, (uintptr_t)AT_FDCWD, (uintptr_t) "/dev/probe", 020600, 0x103)
CALL("mknod-block", "devices", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EPERM", SYS_mknodat, (uintptr_t)AT_FDCWD, (uintptr_t) "/dev/probe", 060600, 0x700)
CALL("mknod-whiteout", "devices", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
     SYS_mknodat, (uintptr_t)AT_FDCWD, (uintptr_t) "/dev/probe", 020600, 0)
CALL("mknod-fifo", "devices", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
     SYS_mknodat, (uintptr_t)AT_FDCWD, (uintptr_t) "/dev/probe", 010600, 0)
ACT("kvm-create-device", "KVM surface", PROBE_VMM_EITHER | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_kvm, "0xc00caee0")
ACT("kvm-memory-encrypt", "KVM surface", PROBE_VMM_EITHER | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_kvm, "0xc008aeba")
ACT("kvm-xen", "KVM surface", PROBE_VMM_EITHER | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_kvm, "0x4038ae7a")
ACT("kvm-guest-memfd", "KVM surface", PROBE_VMM_EITHER | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_kvm, "0xc040aed4")
ACT("kvm-assign-irq", "KVM surface", PROBE_VMM_EITHER | PROBE_KEEPER_SECCOMP, PROBE_TREE, "ENOENT",
    act_kvm, "0x4040ae70")
ACT("terminal-input", "CVE-2017-5226", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_DESCRIPTORS,
    "ENOTTY", act_terminal, NULL)

/* The template, the image and the program: what other clones start from. */
ACT("template-write", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_write, "/vm/ram")
ACT("template-append", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_append, "/vm/ram")
CALL("template-chmod", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_chmod, (uintptr_t) "/vm/ram", 0666)
CALL("template-unlink", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EBUSY", SYS_unlinkat, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/ram", 0)
ACT("template-map-shared", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP,
    PROBE_READONLY, "EACCES", act_map_shared, "/vm/ram")
ACT("template-mprotect", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EACCES", act_mprotect, "/vm/ram")
ACT("template-punch", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EBADF", act_punch, "/vm/ram")
ACT("template-fchmod", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_fchmod, "/vm/ram")
CALL("template-utimes", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_utimensat, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/ram", 0, 0)
CALL("template-xattr", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_setxattr, (uintptr_t) "/vm/ram", (uintptr_t) "user.probe", (uintptr_t) "x", 1, 0)
ACT("template-flags", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_flags, "/vm/ram")
ACT("template-rename", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EBUSY", act_rename, "/vm/ram")
ACT("template-link", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_link, "/vm/ram")
ACT("template-truncate", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_truncate, "/vm/ram")
CALL("template-truncate-path", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
     PROBE_READONLY, "EROFS", SYS_truncate, (uintptr_t) "/vm/ram", 4096)
ACT("image-write", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_write, "/vm/image")
ACT("image-append", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_append, "/vm/image")
CALL("image-chmod", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_chmod, (uintptr_t) "/vm/image", 0666)
CALL("image-unlink", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EBUSY", SYS_unlinkat, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/image", 0)
ACT("image-map-shared", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EACCES", act_map_shared, "/vm/image")
ACT("image-mprotect", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EACCES", act_mprotect, "/vm/image")
ACT("image-punch", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EBADF", act_punch, "/vm/image")
ACT("image-fchmod", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_fchmod, "/vm/image")
CALL("image-utimes", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_utimensat, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/image", 0, 0)
CALL("image-xattr", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_setxattr, (uintptr_t) "/vm/image", (uintptr_t) "user.probe", (uintptr_t) "x", 1,
     0)
ACT("image-flags", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_flags, "/vm/image")
ACT("image-rename", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EBUSY", act_rename, "/vm/image")
ACT("image-link", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS", act_link, "/vm/image")
ACT("image-truncate", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES", act_truncate, "/vm/image")
CALL("image-truncate-path", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
     PROBE_READONLY, "EROFS", SYS_truncate, (uintptr_t) "/vm/image", 4096)
ACT("program-write", "CVE-2019-5736", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES|ETXTBSY", act_write, probe_program)
ACT("program-append", "CVE-2019-5736", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES|ETXTBSY", act_append, probe_program)
ACT("program-truncate", "CVE-2019-5736", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EROFS|EACCES|ETXTBSY", act_truncate, probe_program)
CALL("program-chmod", "CVE-2019-5736", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS", SYS_chmod, (uintptr_t)probe_program, 0777)
CALL("program-unlink", "CVE-2019-5736", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EBUSY", SYS_unlinkat, (uintptr_t)AT_FDCWD, (uintptr_t)probe_program, 0)
ACT("null-reopen-proc", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_reopen, "/proc/self/fd")
ACT("null-reopen-dev", "CVE-2020-2025", PROBE_VMM_BENEATH | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_reopen, "/dev/fd")
ACT("template-splice", "CVE-2022-0847", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_splice, "/vm/ram")
CALL("vmsplice", "CVE-2022-0847", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_vmsplice, 1, 0, 0, 0)
ACT("template-watch", "spying on others", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_watch, "/vm/ram")
ACT("template-mincore", "CVE-2019-5489", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_page_cache, "/vm/ram")
CALL("cachestat", "CVE-2025-21691", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_cachestat, 5, (uintptr_t) & (uint64_t[2]){0, 4096}, (uintptr_t) & (uint64_t[8]){0}, 0)
CALL("fanotify", "spying on others", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS,
     "EPERM", SYS_fanotify_init, 4, 0)
CALL("null-chmod", "devices", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
     "EROFS|EPERM", SYS_chmod, (uintptr_t) "/dev/null", 0666)
ACT("create-in-root", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
    act_create, "/probe")
ACT("create-in-vm", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
    act_create, "/vm/probe")
ACT("create-in-usr", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
    act_create, "/usr/bin/probe")
ACT("create-unnamed", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
    act_create_unnamed, "/")
CALL("mkdir", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS", SYS_mkdir,
     (uintptr_t) "/probe", 0700)
CALL("symlink", "tree", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY, "EROFS",
     SYS_symlink, (uintptr_t) "/", (uintptr_t) "/probe")

/* The device state, a descriptor of every clone's own. */
ACT("state-write", "CVE-2020-2025", PROBE_VMM_BENEATH, PROBE_SEALS, "EPERM|EBADF|EFBIG",
    act_state_write, NULL)
ACT("state-map-shared", "CVE-2020-2025", PROBE_VMM_BENEATH, PROBE_SEALS, "EPERM|EACCES",
    act_state_map, NULL)
ACT("state-reopen", "CVE-2020-2025", PROBE_VMM_BENEATH, PROBE_TREE, "ENOENT", act_state_reopen,
    NULL)
CALL("state-truncate", "CVE-2020-2025", PROBE_VMM_SECCOMP, PROBE_SEALS, "EPERM|EINVAL",
     SYS_ftruncate, 5, 0)

/* The same of a VMM that gets it as a file. */
ACT("state-file-read", "control", PROBE_NOT_QEMU, PROBE_NOTHING, "", act_read, "/vm/state")
ACT("state-file-write", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EROFS|EACCES", act_write,
    "/vm/state")
ACT("state-file-append", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EROFS|EACCES",
    act_append, "/vm/state")
ACT("state-file-map-shared", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EACCES",
    act_map_shared, "/vm/state")
CALL("state-file-chmod", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EROFS", SYS_chmod,
     (uintptr_t) "/vm/state", 0666)
CALL("state-file-unlink", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EROFS|EBUSY",
     SYS_unlinkat, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/state", 0)
ACT("state-file-truncate", "CVE-2020-2025", PROBE_NOT_QEMU, PROBE_READONLY, "EROFS|EACCES",
    act_truncate, "/vm/state")

/* The one folder that a VMM with own sockets can write to. */
ACT("create-in-sockets", "tree", PROBE_NOT_QEMU, PROBE_LANDLOCK, "EACCES", act_create, "/run/probe")

/* Other processes. */
ACT("find-process", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
    "ESRCH", act_find_process, NULL)
ACT("kill-0", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_PIDNS, "ESRCH", act_kill, "0")
CALL("kill-all", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
     "ESRCH", SYS_kill, (uintptr_t)-1, 0)
ACT("ptrace", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_PIDNS, "ESRCH", act_ptrace, NULL)
ACT("process-vm-readv", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
    PROBE_PIDNS, "ESRCH", act_vm_read, NULL)
ACT("pidfd-open", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
    "ESRCH", act_pidfd, NULL)
ACT("pidfd-getfd", "fd as authority", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
    "ESRCH", act_pidfd_getfd, NULL)
ACT("fcntl-setown", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
    "ESRCH", act_own_signal, NULL)
ACT("prlimit-other", "same-user processes", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PIDNS,
    "ESRCH", act_prlimit, NULL)
CALL("setpriority", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS,
     "EACCES", SYS_setpriority, 0, 0, (uintptr_t)-5)

/* New processes and new code. */
ACT("fork", "fork before a filter", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_fork, "0")
ACT("clone3-fork", "arguments in memory", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_NOTHING, "", act_clone3, "0")
ACT("clone3-newuser", "CVE-2022-0185", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_NOTHING, "", act_clone3, "0x10000000")
ACT("clone-newuser", "CVE-2022-0185", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_fork, "0x10000000")
ACT("clone-newpid", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_fork, "0x20000000")
ACT("exec-program", "fileless exec", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_exec, probe_program)
ACT("exec-memfd", "fileless exec", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_NOTHING, "", act_memfd_exec, NULL)
ACT("map-executable", "code injection", PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "", act_map_exec, NULL)
ACT("read-implies-exec", "code injection", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_mdwe, NULL)
ACT("modify-ldt", "code injection", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_modify_ldt, NULL)
CALL("arch-prctl-gs", "code injection", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_arch_prctl, 0x1004, (uintptr_t) & (uint64_t[1]){0})
ACT("own-supervisor", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_NOTHING, "", act_listener, "0")
ACT("own-listener", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_KERNEL, "EBUSY", act_listener, "8")
CALL("prctl-seccomp", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
     "EFAULT", SYS_prctl, 22, 2, 0)
ACT("abi-i386", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_abi, "i386")
ACT("abi-x32", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL, "ENOSYS",
    act_abi, "x32")
ACT("unknown-call", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_KERNEL, "ENOSYS", act_abi, "unknown")
ACT("negative-call", "filter bypass", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
    "ENOSYS", act_abi, "negative")

/* Privileges, and getting them back. */
ACT("hold-capability", "capabilities", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_capability, NULL)
ACT("capset", "CVE-2022-29162", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES, "EPERM",
    act_capset, NULL)
CALL("ambient-raise", "CVE-2022-29162", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_prctl, 47, 2, 7, 0, 0)
CALL("clear-securebits", "CVE-2022-29162", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
     PROBE_PRIVILEGES, "EPERM", SYS_prctl, 28, 0, 0, 0, 0)
ACT("new-privileges", "set-uid programs", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
    PROBE_PRIVILEGES, "EPERM", act_no_new_privs, NULL)
CALL("clear-no-new-privs", "set-uid programs", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
     PROBE_KERNEL, "EINVAL", SYS_prctl, 38, 0, 0, 0, 0)
CALL("dumpable", "core files", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_prctl, 4, 1, 0, 0, 0)
ACT("raise-core-limit", "core files", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_RLIMITS,
    "EPERM", act_raise_limit, NULL)
ACT("write-past-limit", "host disk", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_RLIMITS, "EFBIG", act_write_past_limit, NULL)
ACT("setuid-root", "regain root", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_USERNS, "EINVAL|EPERM", act_setuid, NULL)
CALL("setgid-root", "regain root", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS,
     "EINVAL|EPERM", SYS_setresgid, 0, 0, 0)
CALL("setgroups", "CVE-2014-8989", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_setgroups, 0, 0)
ACT("run-as-root", "own user id", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_IDS, "EPERM",
    act_foreign_id, NULL)

/* Namespaces. */
CALL("unshare-user", "CVE-2022-0185", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
     PROBE_NOTHING, "", SYS_unshare, 0x10000000)
CALL("unshare-mount", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x20000)
CALL("unshare-pid", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x20000000)
CALL("unshare-net", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x40000000)
CALL("unshare-ipc", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x08000000)
CALL("unshare-uts", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x04000000)
CALL("unshare-cgroup", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x02000000)
CALL("unshare-time", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_unshare, 0x80)
CALL("setns", "namespaces", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL, "EINVAL",
     SYS_setns, 3, 0)
ACT("nested-remount", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EPERM|EINVAL", act_nested, "remount")
ACT("nested-setattr", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_READONLY,
    "EPERM|EINVAL", act_nested, "setattr")
ACT("nested-umount", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
    "EPERM|EINVAL", act_nested, "umount")
ACT("nested-packet", "CVE-2020-14386", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_nested, "packet")
ACT("nested-netfilter", "CVE-2024-1086", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_nested, "netfilter")
ACT("nested-fsopen", "CVE-2022-0185", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_nested, "fsopen")

/* Mounts, by the old calls and the new. */
CALL("mount", "mounts", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE, PROBE_PRIVILEGES,
     "EPERM", SYS_mount, (uintptr_t) "none", (uintptr_t) "/vm", (uintptr_t) "tmpfs", 0, 0)
CALL("remount-writable", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
     PROBE_PRIVILEGES, "EPERM", SYS_mount, 0, (uintptr_t) "/vm/ram", 0, 0x1026, 0)
CALL("mount-setattr", "CVE-2020-2025", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_mount_setattr, (uintptr_t)AT_FDCWD, (uintptr_t) "/vm/ram", 0,
     (uintptr_t) & (uint64_t[4]){0, 1}, 32)
CALL("umount", "masks", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES, "EPERM",
     SYS_umount2, (uintptr_t) "/vm/ram", 2)
ACT("fsopen-tmpfs", "CVE-2022-0185", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "tmpfs")
ACT("fsopen-proc", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "proc")
ACT("fsopen-sysfs", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "sysfs")
ACT("fsopen-cgroup2", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "cgroup2")
ACT("fsopen-ext4", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "ext4")
ACT("fsopen-overlay", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_mount_new, "overlay")
CALL("open-tree", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_open_tree, (uintptr_t)AT_FDCWD, (uintptr_t) "/", 1)
CALL("fspick", "new mount API", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES, "EPERM",
     SYS_fspick, (uintptr_t)AT_FDCWD, (uintptr_t) "/", 0)
CALL("swapon", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_swapon, (uintptr_t) "/vm/probe", 0)
CALL("quotactl", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
     "ENOENT|ENOSYS|ENODEV|ENOTBLK", SYS_quotactl, 0x80000100, (uintptr_t) "/vm/probe", 0, 0)

/* The kernel's subsystems. */
ACT("load-module", "modules", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_USERNS, "EPERM", act_module, NULL)
CALL("delete-module", "modules", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_delete_module, (uintptr_t) "ironclaw_probe", 0)
CALL("kexec", "modules", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_kexec_load, 0, 0, 0, 0)
ACT("session-key", "keyrings", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_KEYRING, "ENOKEY", act_session_key, NULL)
CALL("add-key", "keyrings", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_add_key, (uintptr_t) "user", (uintptr_t) "probe", (uintptr_t) "x", 1, (uintptr_t)-2)
CALL("request-key", "keyrings", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL, "ENOKEY",
     SYS_request_key, (uintptr_t) "user", (uintptr_t) "probe-none", 0, 0)
ACT("bpf-map", "CVE-2021-3490", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_KERNEL, "EPERM", act_bpf, "0")
ACT("perf", "CVE-2013-2094", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_perf, NULL)
ACT("userfaultfd", "race widening", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL, "EPERM",
    act_userfaultfd, "0")
ACT("userfaultfd-user", "race widening", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_userfaultfd, "1")
ACT("io-uring", "CVE-2023-2598", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET,
    PROBE_RLIMITS, "ENOMEM", act_io_uring, NULL)
CALL("memfd-secret", "memory", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_memfd_secret, 0)
CALL("memfd", "memory", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_QUIET, PROBE_NOTHING, "",
     SYS_memfd_create, (uintptr_t) "probe", 0)
CALL("mlockall", "host memory", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_RLIMITS,
     "ENOMEM|EPERM", SYS_mlockall, 1)
ACT("shared-memory", "ipc of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_IPCNS,
    "ENOENT", act_shm, NULL)
CALL("message-queue", "ipc of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
     "", SYS_msgget, 0, 01600)
CALL("semaphore", "ipc of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_semget, 0, 1, 01600)
ACT("real-time", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
    act_real_time, NULL)
CALL("io-priority", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_ioprio_set, 1, 0, 0x2000)
CALL("set-time", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
     PROBE_USERNS, "EPERM", SYS_settimeofday, 0, 0)
CALL("reboot", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
     PROBE_PRIVILEGES, "EPERM", SYS_reboot, 0, 0, 0, 0)
CALL("accounting", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_acct, (uintptr_t) "/vm/probe")
CALL("kernel-log", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_syslog, 10, 0, 0)
CALL("host-name", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
     "EPERM", SYS_sethostname, (uintptr_t) "probe", 5)
CALL("io-ports", "host control", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_USERNS, "EPERM",
     SYS_iopl, 3)
CALL("landlock", "more surface", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_landlock_create_ruleset, (uintptr_t) & (uint64_t[1]){1}, 8, 0)
CALL("lookup-dcookie", "more surface", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
     "ENOSYS", SYS_lookup_dcookie, 0, 0, 0)

/* Sockets: of each family, and to the host's. */
ACT("socket-unix", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "1 1 0")
ACT("socket-unix-datagram", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "1 2 0")
ACT("socket-inet", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_socket, "2 1 0")
ACT("socket-inet-udp", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "2 2 0")
ACT("socket-inet6", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "10 1 0")
ACT("socket-ping", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL, "EACCES",
    act_socket, "2 2 1")
ACT("socket-raw", "CVE-2020-14386", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_socket, "2 3 1")
ACT("socket-packet", "CVE-2020-14386", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES,
    "EPERM", act_socket, "17 3 0")
ACT("socket-xdp", "AF_XDP", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES, "EPERM",
    act_socket, "44 3 0")
ACT("socket-mptcp", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "2 1 262")
ACT("socket-route", "netlink", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "16 3 0")
ACT("socket-netfilter", "CVE-2024-1086", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_socket, "16 3 12")
ACT("socket-xfrm", "netlink", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "16 3 6")
ACT("socket-audit", "netlink", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "16 3 9")
ACT("socket-generic", "netlink", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "16 3 16")
ACT("socket-uevent", "netlink", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "16 3 15")
ACT("socket-vsock", "CVE-2021-26708", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP | PROBE_ENFORCE,
    PROBE_NOTHING, "", act_socket, "40 1 0")
ACT("socket-alg", "CVE-2026-31431", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "38 5 0")
ACT("socket-key", "AF_KEY", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_PRIVILEGES, "EPERM",
    act_socket, "15 3 2")
ACT("socket-can", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "29 3 1")
ACT("socket-tipc", "CVE-2021-43267", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "30 1 0")
ACT("socket-rds", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "21 5 0")
ACT("socket-smc", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "43 1 0")
ACT("socket-bluetooth", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "31 3 1")
ACT("socket-qrtr", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "42 2 0")
ACT("socket-kcm", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "41 2 0")
ACT("socket-sctp", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
    act_socket, "2 1 132")
CALL("socketpair", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING, "",
     SYS_socketpair, 1, 1, 0, (uintptr_t) & (int[2]){0})
ACT("accept-call", "sockets", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_KERNEL,
    "ENOTSOCK|EINVAL", act_accept, NULL)
ACT("interface-up", "network of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NETNS,
    "ENODEV", act_interface_up, NULL)
ACT("connect-host", "network of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NETNS,
    "ENETUNREACH|EACCES", act_connect, "inet")
ACT("connect-host-inet6", "network of the host", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
    PROBE_NETNS, "ENETUNREACH|EADDRNOTAVAIL|EACCES", act_connect, "inet6")
ACT("connect-host-mptcp", "Landlock rules on TCP", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP,
    PROBE_NETNS, "ENETUNREACH", act_connect_mptcp, NULL)
ACT("send-host-udp", "Landlock rules on TCP", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NETNS,
    "ENETUNREACH", act_send, NULL)
ACT("connect-abstract", "CVE-2020-15257", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NETNS,
    "ECONNREFUSED", act_abstract, NULL)
ACT("connect-pathname", "docker.sock", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_TREE,
    "ENOENT", act_pathname, NULL)
ACT("connect-vsock-host", "CVE-2021-26708", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_vsock, "2")
ACT("connect-vsock-self", "CVE-2021-26708", PROBE_VMM_SECCOMP | PROBE_KEEPER_SECCOMP, PROBE_NOTHING,
    "", act_vsock, "1")
