/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Lists of domains: list, vm-list, claims, uptime, domid, domname, rename. */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dom0-tools/xl/handlers.h"
#include "dom0-tools/xl/json.h"

/*
 * The domains that @names (up to its NULL) names, or all if it names none, in a
 * list for free(). XL_OK or XL_FAIL, printed.
 */
static int some_domains(struct xl *xl, char *const *names, struct dom_info **ret_infos,
			size_t *ret_nr)
{
	struct dom_info *infos;
	uint32_t domid;
	size_t nr = 0, i;

	if (!names || !names[0]) {
		if (xl_open(xl))
			return XL_FAIL;
		return dom_list(xl->dom, ret_infos, ret_nr) ? xl_dom_error(xl) : XL_OK;
	}
	while (names[nr])
		nr++;
	infos = calloc(nr + 1, sizeof(*infos));
	if (!infos) {
		xl_error(xl, "out of memory");
		return XL_FAIL;
	}
	for (i = 0; i < nr; i++) {
		if (xl_find(xl, names[i], &domid))
			break;
		if (dom_info(xl->dom, domid, &infos[i])) {
			xl_say_dom_error(xl);
			break;
		}
	}
	if (i < nr) {
		free(infos);
		return XL_FAIL;
	}
	*ret_infos = infos;
	*ret_nr = nr;
	return XL_OK;
}

/* ---- list, claims -------------------------------------------------------------- */

struct list_columns {
	bool uuid, label, pool, node, claim;
};

static char shutdown_letter(const struct dom_info *info)
{
	static const char letters[] = "-rscwS";

	if (!info->shutdown)
		return '-';
	return info->shutdown_reason < sizeof(letters) - 1 ? letters[info->shutdown_reason] : '?';
}

static void print_pool(struct xl *xl, const struct dom_info *info)
{
	struct dom_cpupool pool;

	if (dom_cpupool(xl->dom, info->cpupool, &pool) || pool.id != info->cpupool)
		snprintf(pool.name, sizeof(pool.name), "(null)");
	fprintf(xl->out, "%16s", pool.name);
}

static void print_row(struct xl *xl, const struct dom_info *info, const struct list_columns *with)
{
	char uuid[DOM_UUID_STRLEN], *name = xl_domain_name(xl, info->domid);

	fprintf(xl->out, "%-40s %5u %5" PRIu64 " %5u     %c%c%c%c%c%c  %8.1f", name, info->domid,
		(info->current_kb + info->outstanding_kb) >> 10, info->vcpus_online,
		info->running ? 'r' : '-', info->blocked ? 'b' : '-', info->paused ? 'p' : '-',
		info->shutdown ? 's' : '-', shutdown_letter(info), info->dying ? 'd' : '-',
		(double)info->cpu_time / 1e9);
	free(name);
	if (with->uuid) {
		dom_uuid_format(info->uuid, uuid);
		fprintf(xl->out, " %s", uuid);
		if (info->shutdown)
			fprintf(xl->out, " %8u", info->shutdown_reason);
		else
			fprintf(xl->out, " %8s", "-");
	}
	if (with->claim)
		fprintf(xl->out, " %5" PRIu64, info->outstanding_kb >> 10);
	if (with->uuid || with->label)
		fprintf(xl->out, " %16s", "-");
	if (with->pool)
		print_pool(xl, info);
	if (with->node)
		fprintf(xl->out, " all");
	fputc('\n', xl->out);
}

static void print_list(struct xl *xl, const struct dom_info *infos, size_t nr,
		       const struct list_columns *with)
{
	size_t i;

	fprintf(xl->out,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)");
	if (with->uuid)
		fprintf(xl->out, "   UUID                            Reason-Code\tSecurity Label");
	else if (with->label)
		fprintf(xl->out, "   Security Label");
	if (with->claim)
		fprintf(xl->out, "  Claimed");
	if (with->pool)
		fprintf(xl->out, "         Cpupool");
	if (with->node)
		fprintf(xl->out, " NODE Affinity");
	fputc('\n', xl->out);
	for (i = 0; i < nr; i++)
		print_row(xl, &infos[i], with);
}

int cmd_list(struct xl *xl, int argc, char **argv)
{
	struct list_columns with = {0};
	struct dom_info *infos;
	bool as_json = false;
	size_t nr;
	int opt, ret = XL_OK;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		as_json |= opt == 'l';
		with.uuid |= opt == 'v';
		with.label |= opt == 'Z';
		with.pool |= opt == 'c';
		with.node |= opt == 'n';
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (some_domains(xl, argv + xl->optind, &infos, &nr))
		return XL_FAIL;
	if (as_json)
		ret = json_print_domains(xl, infos, nr);
	else
		print_list(xl, infos, nr, &with);
	free(infos);
	return ret;
}

int cmd_claims(struct xl *xl, int argc, char **argv)
{
	struct list_columns with = {.claim = true};
	struct dom_info *infos;
	size_t nr;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (some_domains(xl, NULL, &infos, &nr))
		return XL_FAIL;
	print_list(xl, infos, nr, &with);
	free(infos);
	return XL_OK;
}

int cmd_vm_list(struct xl *xl, int argc, char **argv)
{
	char uuid[DOM_UUID_STRLEN], *name;
	struct dom_info *infos;
	size_t nr, i;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (some_domains(xl, NULL, &infos, &nr))
		return XL_FAIL;
	fprintf(xl->out, "UUID                                  ID    name\n");
	for (i = 0; i < nr; i++) {
		name = xl_domain_name(xl, infos[i].domid);
		dom_uuid_format(infos[i].uuid, uuid);
		fprintf(xl->out, "%s  %-4u %-30s\n", uuid, infos[i].domid, name);
		free(name);
	}
	free(infos);
	return XL_OK;
}

/* ---- uptime ------------------------------------------------------------------------ */

static void print_uptime(struct xl *xl, uint32_t domid, bool brief)
{
	uint64_t seconds = 0, days;
	char *name, now[16];
	struct tm tm;
	time_t t;

	dom_uptime(xl->dom, domid, &seconds);
	days = seconds / 86400;
	seconds %= 86400;
	name = xl_domain_name(xl, domid);
	if (brief) {
		t = time(NULL);
		strftime(now, sizeof(now), "%H:%M:%S", localtime_r(&t, &tm));
		fprintf(xl->out, " %s up ", now);
		if (days)
			fprintf(xl->out, "%" PRIu64 " day%s, ", days, days > 1 ? "s" : "");
		fprintf(xl->out, "%2" PRIu64 ":%02" PRIu64 ", %s (%u)\n", seconds / 3600,
			seconds / 60 % 60, name, domid);
	} else {
		fprintf(xl->out, "%-32s %5u ", name, domid);
		if (days)
			fprintf(xl->out, "%" PRIu64 " day%s, ", days, days > 1 ? "s" : "");
		fprintf(xl->out, "%2" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "\n", seconds / 3600,
			seconds / 60 % 60, seconds % 60);
	}
	free(name);
}

int cmd_uptime(struct xl *xl, int argc, char **argv)
{
	struct dom_info *infos;
	bool brief = false;
	size_t nr, k;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0)
		brief |= opt == 's';
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (some_domains(xl, argv + xl->optind, &infos, &nr))
		return XL_FAIL;
	if (!brief)
		fprintf(xl->out, "Name                                ID Uptime\n");
	for (k = 0; k < nr; k++)
		print_uptime(xl, infos[k].domid, brief);
	free(infos);
	return XL_OK;
}

/* ---- names --------------------------------------------------------------------------- */

int cmd_domid(struct xl *xl, int argc, char **argv)
{
	uint32_t domid;
	int ret;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl_open(xl))
		return XL_FAIL;
	ret = dom_find_name(xl->dom, argv[xl->optind], &domid);
	if (ret == -ESRCH || ret == -ENOENT) {
		fprintf(xl->err,
			"Can't get domid of domain name '%s', maybe this domain does not exist.\n",
			argv[xl->optind]);
		return XL_FAIL;
	}
	if (ret)
		return xl_dom_error(xl);
	fprintf(xl->out, "%u\n", domid);
	return XL_OK;
}

int cmd_domname(struct xl *xl, int argc, char **argv)
{
	unsigned long domid;
	char *name;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl_parse_uint(argv[xl->optind], UINT32_MAX, &domid)) {
		fprintf(xl->err, "Invalid domain id.\n\n");
		return XL_FAIL;
	}
	if (xl_open(xl))
		return XL_FAIL;
	if (dom_name(xl->dom, (uint32_t)domid, &name)) {
		fprintf(xl->err,
			"Can't get domain name of domain id '%lu', maybe this domain does not "
			"exist.\n",
			domid);
		return XL_FAIL;
	}
	fprintf(xl->out, "%s\n", name);
	free(name);
	return XL_OK;
}

int cmd_rename(struct xl *xl, int argc, char **argv)
{
	uint32_t domid;

	if (!xl_no_options(xl, argc, argv))
		return xl->exit_code;
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	if (dom_rename(xl->dom, domid, argv[xl->optind + 1])) {
		xl_error(xl, "can't rename domain '%s': %s", argv[xl->optind], dom_errmsg(xl->dom));
		return XL_FAIL;
	}
	return XL_OK;
}
