/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the daemon gives up once it serves: root, if a user is named, and all
 * system calls but those listed here. One that isn't listed fails with EPERM.
 *
 * A live update runs a new binary in the same cage, so the list has what a
 * program needs to start, too.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dom0-tools/libhv/confine.h>
#include <xenstore/daemon/daemon.h>

static const int allowed[] = {
	/* each request */
	SYS_epoll_wait,
	SYS_recvfrom,
	SYS_sendto,
	SYS_read,
	SYS_write,
	SYS_ioctl,
	SYS_timerfd_settime,
	/* connections */
	SYS_accept4,
	SYS_close,
	SYS_epoll_ctl,
	SYS_shutdown,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_bind,
	SYS_listen,
	SYS_connect,
	SYS_socketpair,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_getsockname,
	/* files: the journal, the log, devices */
	SYS_openat,
	SYS_open,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_lseek,
	SYS_fallocate,
	SYS_ftruncate,
	SYS_rename,
	SYS_unlink,
	SYS_umask,
	SYS_fcntl,
	SYS_writev,
	SYS_pread64,
	SYS_access,
	SYS_readlink,
	SYS_memfd_create,
	SYS_mkdir,
	SYS_getcwd,
	SYS_chdir,
	SYS_dup2,
	SYS_stat,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_readlinkat,
	/* memory */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_brk,
	SYS_madvise,
	SYS_futex,
	/* signals and time */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_signalfd4,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_gettimeofday,
	SYS_poll,
	SYS_ppoll,
	SYS_epoll_create1,
	SYS_timerfd_create,
	SYS_epoll_pwait,
	/* live update: a process, and its beginning */
	SYS_vfork,
	SYS_clone,
	SYS_clone3,
	SYS_execve,
	SYS_wait4,
	SYS_kill,
	SYS_tgkill,
	SYS_getpid,
	SYS_gettid,
	SYS_arch_prctl,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_prlimit64,
	SYS_getrandom,
	SYS_prctl,
	SYS_pipe2,
	SYS_exit,
	SYS_exit_group,
	SYS_restart_syscall,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
};

/* The folder and what is in it must be the user's: snapshots are new files there. */
static int give_files(struct xsd *d, uid_t uid, gid_t gid)
{
	const char *slash = strrchr(d->socket, '/');
	char dir[256];

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - d->socket) : 0, d->socket);
	if (d->opt.pid_file && chown(d->opt.pid_file, uid, gid)) {
		return -errno;
	}
	if (chown(d->socket, uid, gid) || (*dir && chown(dir, uid, gid))) {
		return -errno;
	}
	if (d->rings_fd >= 0 && fchown(d->rings_fd, uid, gid)) {
		return -errno;
	}
	return journal_chown(d, uid, gid);
}

static int become(struct xsd *d, const char *user)
{
	const struct passwd *pw = getpwnam(user);
	int rc;

	if (!pw) {
		log_line(d, "there is no user %s", user);
		return -ENOENT;
	}
	rc = give_files(d, pw->pw_uid, pw->pw_gid);
	if (rc) {
		return rc;
	}
	return setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid) ? -errno : 0;
}

int confine(struct xsd *d)
{
	int rc = 0;

	/* Who takes over has inherited all of it. */
	if (d->opt.take_over >= 0) {
		return 0;
	}
	if (d->opt.user) {
		rc = become(d, d->opt.user);
	}
	if (rc) {
		log_line(d, "can't become %s: %s", d->opt.user, strerror(-rc));
		return rc;
	}
	rc = d->opt.no_seccomp ? 0
			       : confine_syscalls(allowed, sizeof(allowed) / sizeof(allowed[0]));
	if (rc) {
		log_line(d, "seccomp: %s: all system calls are allowed", strerror(-rc));
	}
	return 0;
}
