/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Between the files of the audit. */
#ifndef AUDIT_INTERNAL_H
#define AUDIT_INTERNAL_H

#include <hv/types.h>

struct audit_stats {
	unsigned long frames, tables;
};

/* The memory to count in; false: there is none. Not while the world stands still. */
bool audit_buffer_get(void);
void audit_buffer_put(void);

void audit_frames(struct audit_stats *stats);

#endif
