/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Filters of system calls, and capabilities. Source: seccomp(2), capabilities(7). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define LOAD(field)          \
	(struct sock_filter) \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
#define IF_EQUAL(value, t, f) \
	(struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), t, f)
#define FRAME 12 /* what stands round the list */

int confine_syscalls(const int *allowed, size_t nr)
{
	struct sock_filter *code = calloc(2 * nr + FRAME, sizeof(*code));
	struct sock_fprog prog = {.filter = code};
	unsigned short n = 0;
	int rc = 0;

	if (!code)
		return -ENOMEM;
	code[n++] = LOAD(arch);
	code[n++] = IF_EQUAL(AUDIT_ARCH_X86_64, 1, 0);
	code[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
	code[n++] = LOAD(nr);
	for (size_t i = 0; i < nr; i++) {
		code[n++] = IF_EQUAL(allowed[i], 0, 1);
		code[n++] = RETURN(SECCOMP_RET_ALLOW);
	}
	/* Sockets of this machine only. */
	code[n++] = IF_EQUAL(SYS_socket, 0, 3);
	code[n++] = LOAD(args[0]);
	code[n++] = IF_EQUAL(AF_UNIX, 0, 1);
	code[n++] = RETURN(SECCOMP_RET_ALLOW);
	code[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		rc = -errno;
	free(code);
	return rc;
}
#else
int confine_syscalls(const int *allowed, size_t nr)
{
	(void)allowed;
	(void)nr;
	return 0;
}
#endif

int confine_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

	/* Else a program that it starts as root would have them again. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, none))
		return -errno;
	return 0;
}
