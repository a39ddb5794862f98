/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Machine information: info, version, dmesg, debug-keys. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <yajl/yajl_gen.h>

#include <public/sysctl.h>

#include "dom0-tools/xl/handlers.h"

#define MB_OF_PAGES(pages) ((pages) >> 8)

/* ---- info ---------------------------------------------------------------------- */

/* Lines or JSON members: each value is written once, for both. */
struct info_out {
	FILE *to;
	yajl_gen json; /* NULL: lines */
};

static void put_text(struct info_out *out, const char *key, const char *value)
{
	if (out->json) {
		yajl_gen_string(out->json, (const unsigned char *)key, strlen(key));
		yajl_gen_string(out->json, (const unsigned char *)value, strlen(value));
	} else {
		fprintf(out->to, "%-23s: %s\n", key, value);
	}
}

static void put_number(struct info_out *out, const char *key, uint64_t value)
{
	if (out->json) {
		yajl_gen_string(out->json, (const unsigned char *)key, strlen(key));
		yajl_gen_integer(out->json, (long long)value);
	} else {
		fprintf(out->to, "%-23s: %" PRIu64 "\n", key, value);
	}
}

static void put_host(struct info_out *out)
{
	struct utsname uts;

	if (uname(&uts))
		return;
	put_text(out, "host", uts.nodename);
	put_text(out, "release", uts.release);
	put_text(out, "version", uts.version);
	put_text(out, "machine", uts.machine);
}

static void put_virt_caps(struct info_out *out, uint32_t caps)
{
	static const struct {
		uint32_t bits;
		const char *name;
	} names[] = {
		{XEN_SYSCTL_PHYSCAP_pv, "pv"},
		{XEN_SYSCTL_PHYSCAP_hvm, "hvm"},
		{XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_directio, "pv_directio"},
		{XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_directio, "hvm_directio"},
		{XEN_SYSCTL_PHYSCAP_hap, "hap"},
		{XEN_SYSCTL_PHYSCAP_shadow, "shadow"},
		{XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share, "iommu_hap_pt_share"},
		{XEN_SYSCTL_PHYSCAP_vmtrace, "vmtrace"},
		{XEN_SYSCTL_PHYSCAP_vpmu, "vpmu"},
		{XEN_SYSCTL_PHYSCAP_gnttab_v1, "gnttab-v1"},
		{XEN_SYSCTL_PHYSCAP_gnttab_v2, "gnttab-v2"},
	};
	char text[160];
	size_t i, used = 0;

	text[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((caps & names[i].bits) == names[i].bits)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? " " : "", names[i].name);
	}
	put_text(out, "virt_caps", text);
}

static unsigned int count_bits(const struct dom_cpumap *map)
{
	unsigned int i, count = 0;

	for (i = 0; i < map->nr / 8; i++)
		count += (unsigned int)__builtin_popcount(map->bits[i]);
	return count;
}

static int put_phys(struct xl *xl, struct info_out *out)
{
	struct dom_physinfo info;
	struct dom_cpumap free_cpus;
	char text[80];

	if (dom_physinfo(xl->dom, &info))
		return xl_dom_error(xl);
	put_number(out, "nr_cpus", info.nr_cpus);
	put_number(out, "max_cpu_id", info.max_cpu_id);
	put_number(out, "nr_nodes", info.nr_nodes);
	put_number(out, "cores_per_socket", info.cores_per_socket);
	put_number(out, "threads_per_core", info.threads_per_core);
	snprintf(text, sizeof(text), "%u.%03u", info.cpu_khz / 1000, info.cpu_khz % 1000);
	put_text(out, "cpu_mhz", text);
	snprintf(text, sizeof(text), "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", info.hw_cap[0],
		 info.hw_cap[1], info.hw_cap[2], info.hw_cap[3], info.hw_cap[4], info.hw_cap[5],
		 info.hw_cap[6], info.hw_cap[7]);
	put_text(out, "hw_caps", text);
	put_virt_caps(out, info.capabilities);
	put_number(out, "total_memory", MB_OF_PAGES(info.total_pages));
	put_number(out, "free_memory", MB_OF_PAGES(info.free_pages - info.outstanding_pages));
	put_number(out, "sharing_freed_memory", MB_OF_PAGES(info.sharing_freed_pages));
	put_number(out, "sharing_used_memory", MB_OF_PAGES(info.sharing_used_pages));
	put_number(out, "outstanding_claims", MB_OF_PAGES(info.outstanding_pages));
	if (!dom_free_cpus(xl->dom, &free_cpus))
		put_number(out, "free_cpus", count_bits(&free_cpus));
	return XL_OK;
}

static int put_version(struct xl *xl, struct info_out *out)
{
	struct dom_version v;
	const char *scheduler;
	char text[64];

	if (dom_version(xl->dom, &v) || dom_sched_name(xl->dom, &scheduler))
		return xl_dom_error(xl);
	put_number(out, "xen_major", v.major);
	put_number(out, "xen_minor", v.minor);
	put_text(out, "xen_extra", v.extra);
	snprintf(text, sizeof(text), "%u.%u%s", v.major, v.minor, v.extra);
	put_text(out, "xen_version", text);
	put_text(out, "xen_caps", v.capabilities);
	put_text(out, "xen_scheduler", scheduler);
	put_number(out, "xen_pagesize", v.pagesize);
	snprintf(text, sizeof(text), "virt_start=0x%" PRIx64, v.virt_start);
	put_text(out, "platform_params", text);
	put_text(out, "xen_changeset", v.changeset);
	put_text(out, "xen_commandline", v.commandline);
	put_text(out, "cc_compiler", v.compiler);
	put_text(out, "cc_compile_by", v.compile_by);
	put_text(out, "cc_compile_domain", v.compile_domain);
	put_text(out, "cc_compile_date", v.compile_date);
	if (v.build_id[0])
		put_text(out, "build_id", v.build_id);
	put_number(out, "xend_config_format", 4);
	return XL_OK;
}

static void print_distances(FILE *to, const struct dom_numa *nodes, size_t nr, size_t i)
{
	size_t j;

	for (j = 0; j < nr; j++) {
		if (nodes[i].distances[j] == UINT32_MAX)
			fprintf(to, "%s%s", j ? "," : "", "-");
		else
			fprintf(to, "%s%u", j ? "," : "", nodes[i].distances[j]);
	}
	fputc('\n', to);
}

static int print_topology(struct xl *xl)
{
	struct dom_cputopo *cpus;
	struct dom_numa *nodes;
	size_t nr, i;

	if (dom_cputopo(xl->dom, &cpus, &nr))
		return xl_dom_error(xl);
	fprintf(xl->out, "cpu_topology           :\ncpu:    core    socket     node\n");
	for (i = 0; i < nr; i++) {
		if (cpus[i].core != UINT32_MAX)
			fprintf(xl->out, "%3zu:    %4u     %4u     %4u\n", i, cpus[i].core,
				cpus[i].socket, cpus[i].node);
	}
	free(cpus);
	fprintf(xl->out, "device topology        :\ndevice           node\n"
			 "No device topology data available\n");
	if (dom_numa(xl->dom, &nodes, &nr))
		return xl_dom_error(xl);
	fprintf(xl->out, "numa_info              :\nnode:    memsize    memfree    distances\n");
	for (i = 0; i < nr; i++) {
		fprintf(xl->out, "%4zu:    %6" PRIu64 "     %6" PRIu64 "      ", i,
			nodes[i].size >> 20, nodes[i].free >> 20);
		print_distances(xl->out, nodes, nr, i);
	}
	free(nodes);
	return XL_OK;
}

static int print_json(struct xl *xl)
{
	struct info_out out = {.to = xl->out};
	const unsigned char *text;
	size_t len;
	int ret;

	out.json = yajl_gen_alloc(NULL);
	if (!out.json) {
		xl_error(xl, "out of memory");
		return XL_FAIL;
	}
	yajl_gen_config(out.json, yajl_gen_beautify, 1);
	yajl_gen_map_open(out.json);
	put_host(&out);
	ret = put_phys(xl, &out);
	if (ret == XL_OK)
		ret = put_version(xl, &out);
	yajl_gen_map_close(out.json);
	if (ret == XL_OK && yajl_gen_get_buf(out.json, &text, &len) == yajl_gen_status_ok)
		fwrite(text, 1, len, xl->out);
	yajl_gen_free(out.json);
	return ret;
}

int cmd_info(struct xl *xl, int argc, char **argv)
{
	struct info_out out = {.to = xl->out};
	bool numa = false, json = false;
	int opt, ret;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		if (opt == 'n')
			numa = true;
		else if (opt == 'j')
			json = true;
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (xl_open(xl))
		return XL_FAIL;
	if (json)
		return print_json(xl);
	put_host(&out);
	ret = put_phys(xl, &out);
	if (ret == XL_OK && numa)
		ret = print_topology(xl);
	return ret == XL_OK ? put_version(xl, &out) : ret;
}

/* ---- the others ------------------------------------------------------------------- */

int cmd_version(struct xl *xl, int argc, char **argv)
{
	struct dom_version v;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	fprintf(xl->out, "xl (Pavise) %s, for the Xen 4.17 interface\n", XL_VERSION);
	if (xl_open(xl))
		return XL_FAIL;
	if (dom_version(xl->dom, &v))
		return xl_dom_error(xl);
	fprintf(xl->out, "hypervisor %u.%u%s, %s, built %s\n", v.major, v.minor, v.extra,
		v.compiler, v.compile_date);
	return XL_OK;
}

static int write_text(void *arg, const char *text, size_t len)
{
	return fwrite(text, 1, len, arg) == len ? 0 : -EIO;
}

int cmd_dmesg(struct xl *xl, int argc, char **argv)
{
	bool clear = false;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		if (opt == 'c')
			clear = true;
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (xl_open(xl))
		return XL_FAIL;
	if (dom_console_ring(xl->dom, clear, write_text, xl->out))
		return xl_dom_error(xl);
	return XL_OK;
}

int cmd_debug_keys(struct xl *xl, int argc, char **argv)
{

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl_open(xl))
		return XL_FAIL;
	if (dom_debug_keys(xl->dom, argv[xl->optind]))
		return xl_dom_error(xl);
	return XL_OK;
}
