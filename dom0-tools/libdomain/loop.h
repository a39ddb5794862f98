/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Files as block devices. */
#ifndef PAVISE_LIBDOMAIN_LOOP_H
#define PAVISE_LIBDOMAIN_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Makes a loop device of the open file @file. The device goes away by itself
 * with its last user: the caller closes the returned descriptor when somebody
 * else has opened the device. *ret_dev is its number, @ret_path its name (of
 * 32 bytes). -ENOENT: no loop driver.
 */
int loop_setup(int file, const char *file_name, bool readonly, dev_t *ret_dev, char ret_path[32]);

#endif
