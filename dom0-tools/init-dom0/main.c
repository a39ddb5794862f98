/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xen-init-dom0: writes the control domain into the store, where tools look for
 * its name as for any other domain's. Run once, when the store is up; running
 * it again does no harm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstore/client/xsclient.h"

static int write_nodes(struct xsc *xs, uint32_t tx, void *arg)
{
	static const struct {
		const char *path, *value;
	} nodes[] = {
		{"/local/domain/0/domid", "0"},
		{"/local/domain/0/name", "Domain-0"},
		{"/local/pool/0/name", "Pool-0"},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && !rc; i++)
		rc = xsc_write_str(xs, tx, nodes[i].path, nodes[i].value);
	return rc;
}

int main(int argc, char **argv)
{
	struct xsc *xs;
	int rc;

	if (argc > 1) {
		fprintf(stderr, "xen-init-dom0: takes no arguments\n");
		return EXIT_FAILURE;
	}
	rc = xsc_open(0, &xs);
	if (!rc) {
		rc = xsc_tx_run(xs, write_nodes, NULL);
		xsc_close(xs);
	}
	if (rc) {
		fprintf(stderr, "xen-init-dom0: the store: %s\n", strerror(-rc));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
