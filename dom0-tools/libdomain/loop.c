/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Files as block devices, through the kernel's loop driver. Finding a free
 * device and taking it are two steps, between which others may take it: then
 * the next one is tried. No state, no locks.
 *
 * Sources: Linux include/uapi/linux/loop.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/loop.h>

#include "dom0-tools/libdomain/loop.h"

#define TRIES 64

/* One attempt at device @nr. -EBUSY: somebody else has it. */
static int take(int nr, int file, const char *file_name, bool readonly, dev_t *ret_dev,
		char ret_path[32])
{
	struct loop_config config = {.fd = (unsigned int)file};
	struct stat st;
	int fd, rc;

	snprintf(ret_path, 32, "/dev/loop%d", nr);
	fd = open(ret_path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (readonly ? LO_FLAGS_READ_ONLY : 0);
	/* What losetup shows; a longer name is cut. */
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s",
		 file_name);
	if (ioctl(fd, LOOP_CONFIGURE, &config) || fstat(fd, &st)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*ret_dev = st.st_rdev;
	return fd;
}

int loop_setup(int file, const char *file_name, bool readonly, dev_t *ret_dev, char ret_path[32])
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int rc = -EBUSY;

	if (control < 0) {
		return -errno;
	}
	for (int i = 0; i < TRIES && rc == -EBUSY; i++) {
		int nr = ioctl(control, LOOP_CTL_GET_FREE);

		if (nr < 0) {
			rc = -errno;
			break;
		}
		rc = take(nr, file, file_name, readonly, ret_dev, ret_path);
	}
	close(control);
	return rc;
}
