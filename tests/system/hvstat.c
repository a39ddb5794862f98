/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * hvstat: counts what a test must find unchanged when it is through: free
 * frames, frames and limits of each domain, our own event channels by state.
 * Runs in the control domain.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <public/event_channel.h>

#include "dom0-tools/libhv/libhv.h"

#define MAX_DOMAINS 256
#define MAX_STATUS  8

static int fail(const char *what, int rc)
{
	fprintf(stderr, "hvstat: %s: %s\n", what, strerror(-rc));
	return 1;
}

static int show_memory(struct hv_handle *h)
{
	struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo};
	int rc = hv_sysctl(h, &op);

	if (rc)
		return fail("physinfo", rc);
	printf("free %llu\n", (unsigned long long)op.u.physinfo.free_pages);
	printf("outstanding %llu\n", (unsigned long long)op.u.physinfo.outstanding_pages);
	return 0;
}

static int show_domains(struct hv_handle *h)
{
	static struct xen_domctl_getdomaininfo infos[MAX_DOMAINS];
	int nr = hv_domain_getinfolist(h, 0, MAX_DOMAINS, infos);

	if (nr < 0)
		return fail("getdomaininfolist", nr);
	for (int i = 0; i < nr; i++)
		printf("domain%u %llu\n", infos[i].domain, (unsigned long long)infos[i].tot_pages);
	return 0;
}

/* Ports are dense from 1; an error ends them. */
static int show_ports(struct hv_handle *h)
{
	struct evtchn_status *op = hv_buf_alloc(h, sizeof(*op));
	unsigned int count[MAX_STATUS] = {};

	if (!op)
		return fail("memory", -ENOMEM);
	for (evtchn_port_t port = 1; port < 131072; port++) {
		*op = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
		if (hv_call(h, __HYPERVISOR_event_channel_op, EVTCHNOP_status, (unsigned long)op, 0,
			    0, 0))
			break;
		if (op->status < MAX_STATUS)
			count[op->status]++;
	}
	for (unsigned int i = 1; i < MAX_STATUS; i++)
		if (count[i])
			printf("ports%u %u\n", i, count[i]);
	hv_buf_free(h, op, sizeof(*op));
	return 0;
}

int main(void)
{
	struct hv_handle *h;
	int rc = hv_open(&h);

	if (rc)
		return fail("privcmd", rc);
	rc = show_memory(h) || show_domains(h) || show_ports(h);
	hv_close(h);
	return rc;
}
