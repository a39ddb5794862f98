/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * What the daemon gives up once it serves: all capabilities (it stays root, whose
 * files and devices it opens), and all system calls but these.
 */
#include <string.h>
#include <sys/syscall.h>

#include "dom0-tools/libhv/confine.h"

#include "daemon.h"
#include "report.h"

static const int allowed[] = {
	/* always: rings, events, consoles' ptys, the store */
	SYS_epoll_wait,
	SYS_epoll_pwait,
	SYS_epoll_ctl,
	SYS_epoll_create1,
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_ioctl,
	SYS_poll,
	SYS_ppoll,
	SYS_eventfd2,
	SYS_signalfd4,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_inotify_init1,
	SYS_inotify_add_watch,
	SYS_inotify_rm_watch,
	/* the store's socket, and syslog's */
	SYS_connect,
	SYS_sendto,
	SYS_recvfrom,
	SYS_sendmsg,
	SYS_recvmsg,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_shutdown,
	/* logs and what survives a restart */
	SYS_open,
	SYS_openat,
	SYS_close,
	SYS_pread64,
	SYS_pwrite64,
	SYS_lseek,
	SYS_fstat,
	SYS_stat,
	SYS_lstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fsync,
	SYS_fchmod,
	SYS_rename,
	SYS_renameat,
	SYS_unlink,
	SYS_unlinkat,
	SYS_getdents64,
	SYS_fcntl,
	SYS_flock,
	SYS_dup2,
	SYS_dup3,
	SYS_umask,
	SYS_access,
	SYS_faccessat,
	SYS_readlink,
	/* memory */
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_brk,
	SYS_madvise,
	SYS_futex,
	/* signals, time, the end */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_gettimeofday,
	SYS_getpid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_tgkill,
	SYS_getrandom,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

void daemon_confine(void)
{
	int rc = confine_capabilities();

	if (rc)
		report_error("capabilities: %s: all stay", strerror(-rc));
	rc = confine_syscalls(allowed, sizeof(allowed) / sizeof(allowed[0]));
	if (rc)
		report_error("seccomp: %s: all system calls are allowed", strerror(-rc));
}
