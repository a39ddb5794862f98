/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Device specifications: the strings inside disk=[] and vif=[], and the
 * arguments of block-attach and network-attach.
 */
#ifndef PAVISE_XL_SPEC_H
#define PAVISE_XL_SPEC_H

#include "dom0-tools/libdomain/config.h"

/* A reason, where there is something to say about one. */
struct spec_error {
	char text[256];
};

/*
 * Fill in @disk or @vif, which the caller has made by its _init(), from one
 * specification. -EINVAL: @err says what is wrong and at which part; -ENOMEM.
 * What is filled in so far is freed by the structure's _fini() either way.
 */
int spec_parse_disk(const char *spec, struct domain_disk *disk, struct spec_error *err);
int spec_parse_vif(const char *spec, struct domain_vif *vif, struct spec_error *err);

#endif
