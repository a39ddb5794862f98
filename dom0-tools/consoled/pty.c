/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The pseudo terminal of a guest's console. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "pty.h"
#include "report.h"

static int pty_set_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return -errno;
	cfmakeraw(&t);
	return tcsetattr(fd, TCSANOW, &t) ? -errno : 0;
}

int pty_open(struct pty *pty, int inotify)
{
	int rc;

	*pty = (struct pty){.slave = -1, .watch = -1};
	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (pty->master < 0)
		return -errno;
	if (grantpt(pty->master) || unlockpt(pty->master))
		goto err;
	rc = ptsname_r(pty->master, pty->name, sizeof(pty->name));
	if (rc) {
		errno = rc;
		goto err;
	}
	pty->slave = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->slave < 0 || fchmod(pty->slave, 0600) || pty_set_raw(pty->slave))
		goto err;
	pty->watch =
		inotify_add_watch(inotify, pty->name, IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE);
	if (pty->watch < 0)
		report_info("%s cannot be watched; output is sent unasked", pty->name);
	return 0;
err:
	rc = -errno;
	pty_close(pty, inotify);
	return rc;
}

void pty_close(struct pty *pty, int inotify)
{
	if (pty->watch >= 0)
		inotify_rm_watch(inotify, pty->watch);
	if (pty->slave >= 0)
		close(pty->slave);
	if (pty->master >= 0)
		close(pty->master);
	*pty = (struct pty){.master = -1, .slave = -1, .watch = -1};
}

void pty_event(struct pty *pty, unsigned int mask)
{
	if (mask & IN_OPEN)
		pty->clients++;
	if (mask & (IN_CLOSE_WRITE | IN_CLOSE_NOWRITE) && pty->clients)
		pty->clients--;
	if (mask & (IN_IGNORED | IN_Q_OVERFLOW))
		pty->watch = -1;
}

size_t pty_unread(const struct pty *pty)
{
	int n;

	return pty->slave >= 0 && !ioctl(pty->slave, FIONREAD, &n) ? (size_t)n : 0;
}
