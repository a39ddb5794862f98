/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Devices: block-attach, -detach, -list, network-attach, -detach, -list. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xl/handlers.h"
#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/spec.h"

/* The words from argv[first] on as one specification. NULL: out of memory. */
static char *join_specs(int argc, char **argv, int first)
{
	size_t size = 1;
	char *joined;
	int i;

	for (i = first; i < argc; i++)
		size += strlen(argv[i]) + 1;
	joined = calloc(1, size);
	for (i = first; joined && i < argc; i++) {
		if (i > first)
			strcat(joined, ",");
		strcat(joined, argv[i]);
	}
	return joined;
}

static int plain_options(struct xl *xl, int argc, char **argv, bool *ret_force)
{
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0)
		*ret_force |= opt == 'f';
	return opt == XL_OPT_EXIT;
}

/* ---- disks -------------------------------------------------------------------------------- */

int cmd_block_attach(struct xl *xl, int argc, char **argv)
{
	struct domain_disk disk;
	struct spec_error err;
	bool force = false;
	int ret = XL_FAIL;
	uint32_t domid;
	char *spec;

	if (plain_options(xl, argc, argv, &force))
		return xl->exit_code;
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	domain_disk_init(&disk);
	spec = join_specs(argc, argv, xl->optind + 1);
	if (!spec || spec_parse_disk(spec, &disk, &err))
		xl_error(xl, "command line: %s", spec ? err.text : "out of memory");
	else if (xl->dryrun)
		ret = json_print_disk(xl, &disk);
	else
		ret = dom_block_attach(xl->dom, domid, &disk) ? xl_dom_error(xl) : XL_OK;
	free(spec);
	domain_disk_fini(&disk);
	return ret;
}

/* @unknown: what Xen's xl says of a device that isn't there. */
static int detach(struct xl *xl, int argc, char **argv,
		  int (*end)(struct dom_ctx *ctx, uint32_t domid, const char *which, bool force),
		  const char *unknown)
{
	bool force = false;
	const char *which;
	uint32_t domid;
	int ret;

	if (plain_options(xl, argc, argv, &force))
		return xl->exit_code;
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	which = argv[xl->optind + 1];
	ret = end(xl->dom, domid, which, force);
	if (ret == -ENOENT || ret == -ENODEV) {
		fprintf(xl->err, unknown, which);
		return XL_FAIL;
	}
	return ret ? xl_dom_error(xl) : XL_OK;
}

int cmd_block_detach(struct xl *xl, int argc, char **argv)
{
	return detach(xl, argc, argv, dom_block_detach, "Error: Device %s not connected.\n");
}

static int print_disks(struct xl *xl, uint32_t domid)
{
	struct dom_device *devs;
	size_t nr, i;

	if (dom_block_list(xl->dom, domid, &devs, &nr))
		return xl_dom_error(xl);
	for (i = 0; i < nr; i++)
		fprintf(xl->out, "%-5u %-3u %-6u %-5d %-6lld %-8lld %-30s\n", devs[i].devid,
			devs[i].backend_id, domid, devs[i].state, (long long)devs[i].evtchn,
			(long long)devs[i].ring_ref, devs[i].backend_path);
	dom_devices_free(devs, nr);
	return XL_OK;
}

static int print_vifs(struct xl *xl, uint32_t domid)
{
	struct dom_device *devs;
	size_t nr, i;

	if (dom_network_list(xl->dom, domid, &devs, &nr))
		return xl_dom_error(xl);
	for (i = 0; i < nr; i++)
		fprintf(xl->out, "%-3u %-2u %-17s %5u %5d %6lld %5lld/%-11lld %-30s\n",
			devs[i].devid, devs[i].backend_id, devs[i].mac ? devs[i].mac : "",
			devs[i].devid, devs[i].state, (long long)devs[i].evtchn,
			(long long)devs[i].ring_ref, (long long)devs[i].rx_ring_ref,
			devs[i].backend_path);
	dom_devices_free(devs, nr);
	return XL_OK;
}

/* Each domain named; one that doesn't exist doesn't keep the others from the list. */
static int list_devices(struct xl *xl, int argc, char **argv,
			int (*print)(struct xl *xl, uint32_t domid))
{
	int i, ret = XL_OK;
	uint32_t domid;

	for (i = xl->optind; i < argc; i++) {
		if (xl_find(xl, argv[i], &domid) || print(xl, domid))
			ret = XL_FAIL;
	}
	return ret;
}

int cmd_block_list(struct xl *xl, int argc, char **argv)
{
	bool force = false;

	if (plain_options(xl, argc, argv, &force))
		return xl->exit_code;
	fprintf(xl->out, "%-5s %-3s %-6s %-5s %-6s %-8s %-30s\n", "Vdev", "BE", "handle", "state",
		"evt-ch", "ring-ref", "BE-path");
	return list_devices(xl, argc, argv, print_disks);
}

/* ---- network ---------------------------------------------------------------------------------- */

int cmd_network_attach(struct xl *xl, int argc, char **argv)
{
	struct spec_error err;
	struct domain_vif vif;
	bool force = false;
	int ret = XL_FAIL;
	uint32_t domid;
	char *spec;

	if (plain_options(xl, argc, argv, &force))
		return xl->exit_code;
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	domain_vif_init(&vif);
	spec = join_specs(argc, argv, xl->optind + 1);
	if (!spec || spec_parse_vif(spec, &vif, &err))
		xl_error(xl, "command line: %s", spec ? err.text : "out of memory");
	else if (xl->dryrun)
		ret = json_print_vif(xl, &vif);
	else {
		domain_vif_finish(&vif);
		ret = dom_network_attach(xl->dom, domid, &vif) ? xl_dom_error(xl) : XL_OK;
	}
	free(spec);
	domain_vif_fini(&vif);
	return ret;
}

int cmd_network_detach(struct xl *xl, int argc, char **argv)
{
	return detach(xl, argc, argv, dom_network_detach, "Unknown device %s.\n");
}

int cmd_network_list(struct xl *xl, int argc, char **argv)
{
	bool force = false;

	if (plain_options(xl, argc, argv, &force))
		return xl->exit_code;
	fprintf(xl->out, "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s\n", "Idx", "BE",
		"Mac Addr.", "handle", "state", "evt-ch", "  tx-", "rx-ring-ref", "BE-path");
	return list_devices(xl, argc, argv, print_vifs);
}
