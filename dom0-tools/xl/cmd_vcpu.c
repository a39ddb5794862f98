/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* CPUs and memory of a domain: vcpu-list, vcpu-pin, vcpu-set, mem-set, mem-max. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xl/cpulist.h"
#include "dom0-tools/xl/handlers.h"

/* ---- vcpu-list ------------------------------------------------------------------------ */

static int print_vcpus(struct xl *xl, uint32_t domid, const struct cpu_host *host)
{
	struct dom_vcpu *vcpus;
	char hard[256], soft[256], *name;
	size_t nr, i;

	if (dom_vcpu_list(xl->dom, domid, &vcpus, &nr))
		return xl_dom_error(xl);
	name = xl_domain_name(xl, domid);
	for (i = 0; i < nr; i++) {
		const struct dom_vcpu *v = &vcpus[i];

		fprintf(xl->out, "%-32s %5u %5u", name, domid, v->id);
		if (v->online)
			fprintf(xl->out, "%5u   %c%c-", v->cpu, v->running ? 'r' : '-',
				v->blocked ? 'b' : '-');
		else
			fprintf(xl->out, "%5c   --p", '-');
		cpulist_format(v->hard.bits, v->hard.nr, host, hard, sizeof(hard));
		cpulist_format(v->soft.bits, v->soft.nr, host, soft, sizeof(soft));
		fprintf(xl->out, " %9.1f  %s / %s\n", (double)v->cpu_time / 1e9, hard, soft);
	}
	free(name);
	free(vcpus);
	return XL_OK;
}

int cmd_vcpu_list(struct xl *xl, int argc, char **argv)
{
	struct dom_info *infos;
	struct cpu_host host;
	int i, ret = XL_OK;
	uint32_t domid;
	size_t nr, k;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl_cpu_host(xl, &host))
		return XL_FAIL;
	fprintf(xl->out, "Name                                ID  VCPU   CPU State   Time(s) "
			 "Affinity (Hard / Soft)\n");
	for (i = xl->optind; i < argc && ret == XL_OK; i++) {
		ret = xl_find(xl, argv[i], &domid);
		if (ret == XL_OK)
			ret = print_vcpus(xl, domid, &host);
	}
	if (xl->optind == argc) {
		if (dom_list(xl->dom, &infos, &nr)) {
			ret = xl_dom_error(xl);
		} else {
			for (k = 0; k < nr; k++)
				ret |= print_vcpus(xl, infos[k].domid, &host);
			free(infos);
		}
	}
	xl_cpu_host_fini(&host);
	return ret;
}

/* ---- vcpu-pin -------------------------------------------------------------------------- */

/* "-" gives an empty map (nr 0): leave that affinity alone. */
static int parse_affinity(struct xl *xl, const char *text, const char *kind,
			  const struct cpu_host *host, struct domain_cpumap *ret_map)
{
	*ret_map = (struct domain_cpumap){0};
	if (!strcmp(text, "-"))
		return XL_OK;
	if (cpulist_parse(text, host, ret_map, NULL)) {
		fprintf(xl->err, "Invalid pcpu range: %s.\n", text);
		return XL_FAIL;
	}
	if (!domain_cpumap_count(ret_map)) {
		fprintf(xl->err, "vcpu %s affinity map is empty\n", kind);
		return XL_FAIL;
	}
	return XL_OK;
}

static int pin(struct xl *xl, uint32_t domid, uint32_t vcpu, const struct domain_cpumap *hard,
	       const struct domain_cpumap *soft, bool force)
{
	bool narrowed = false;

	if (dom_vcpu_pin(xl->dom, domid, vcpu, hard->nr ? hard : NULL, soft->nr ? soft : NULL,
			 force, &narrowed)) {
		if (vcpu == DOM_VCPU_ALL)
			xl_error(xl, "could not set the affinity of all vCPUs: %s",
				 dom_errmsg(xl->dom));
		else
			xl_error(xl, "could not set the affinity of vCPU %u: %s", vcpu,
				 dom_errmsg(xl->dom));
		return XL_FAIL;
	}
	if (narrowed)
		xl_warning(xl, "some of these CPUs can't be used; vcpu-list shows what is");
	return XL_OK;
}

static void print_dry_pin(struct xl *xl, const struct cpu_host *host,
			  const struct domain_cpumap *hard, const struct domain_cpumap *soft)
{
	char text[256];

	if (hard->nr) {
		cpulist_format(hard->bits, hard->nr, host, text, sizeof(text));
		fprintf(xl->out, "cpumap: %s\n", text);
	}
	if (soft->nr) {
		cpulist_format(soft->bits, soft->nr, host, text, sizeof(text));
		fprintf(xl->out, "soft cpumap: %s\n", text);
	}
}

int cmd_vcpu_pin(struct xl *xl, int argc, char **argv)
{
	struct domain_cpumap hard = {0}, soft = {0};
	struct cpu_host host = {0};
	unsigned long vcpu = DOM_VCPU_ALL;
	int opt, at, ret;
	bool force = false;
	uint32_t domid;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0)
		force |= opt == 'f';
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	at = xl->optind;
	if (strcmp(argv[at + 1], "all") && xl_parse_uint(argv[at + 1], 8191, &vcpu)) {
		fprintf(xl->err, "Error: Invalid argument %s as VCPU.\n", argv[at + 1]);
		return XL_FAIL;
	}
	ret = xl_find(xl, argv[at], &domid);
	if (ret == XL_OK)
		ret = xl_cpu_host(xl, &host);
	if (ret == XL_OK)
		ret = parse_affinity(xl, argv[at + 2], "hard", &host, &hard);
	if (ret == XL_OK && at + 3 < argc)
		ret = parse_affinity(xl, argv[at + 3], "soft", &host, &soft);
	if (ret == XL_OK && xl->dryrun)
		print_dry_pin(xl, &host, &hard, &soft);
	else if (ret == XL_OK && (hard.nr || soft.nr))
		ret = pin(xl, domid, (uint32_t)vcpu, &hard, &soft, force);
	domain_cpumap_fini(&hard);
	domain_cpumap_fini(&soft);
	xl_cpu_host_fini(&host);
	return ret;
}

int cmd_vcpu_set(struct xl *xl, int argc, char **argv)
{
	struct dom_physinfo info;
	unsigned long count;
	bool any = false;
	uint32_t domid;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0)
		any |= opt == 'i';
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (xl_parse_uint(argv[xl->optind + 1], 8192, &count)) {
		fprintf(xl->err, "Error: Invalid argument.\n");
		return XL_FAIL;
	}
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	if (!any) {
		if (dom_physinfo(xl->dom, &info))
			return xl_dom_error(xl);
		if (count > info.nr_cpus) {
			fprintf(xl->err,
				"You are overcommmitting! You have %u physical CPUs and want %lu "
				"vCPUs! Aborting, use --ignore-host to continue\n",
				info.nr_cpus, count);
			return XL_FAIL;
		}
	}
	return dom_vcpu_set(xl->dom, domid, (unsigned int)count) ? xl_dom_error(xl) : XL_OK;
}

/* ---- memory ------------------------------------------------------------------------------ */

static int memory_command(struct xl *xl, int argc, char **argv,
			  int (*set)(struct dom_ctx *ctx, uint32_t domid, uint64_t kb),
			  const char *what)
{
	const char *size;
	uint32_t domid;
	uint64_t kb;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	size = argv[xl->optind + 1];
	if (xl_parse_size(size, 'm', &kb)) {
		fprintf(xl->err, "invalid memory size: %s\n", size);
		return XL_FAIL;
	}
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	if (!set(xl->dom, domid, kb))
		return XL_OK;
	xl_error(xl, "cannot set domid %u %s memory to %s: %s", domid, what, size,
		 dom_errmsg(xl->dom));
	return XL_FAIL;
}

int cmd_mem_set(struct xl *xl, int argc, char **argv)
{
	return memory_command(xl, argc, argv, dom_mem_set, "dynamic max");
}

int cmd_mem_max(struct xl *xl, int argc, char **argv)
{
	return memory_command(xl, argc, argv, dom_mem_max, "static max");
}
