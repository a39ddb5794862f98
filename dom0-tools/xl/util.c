/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* What many commands need: messages, opening the library, finding a domain. */
#include "dom0-tools/xl/xl.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0-tools/xl/cfg_ast.h"
#include "dom0-tools/xl/cpulist.h"

#define PROGRESS_MS 200 /* between two words about it; what is done sooner needs none */

/* ---- messages ----------------------------------------------------------------- */

static void clear_progress(struct xl *xl)
{
	if (xl->progress_shown)
		fputs("\r\033[K", xl->err);
	xl->progress_shown = false;
}

static void message(struct xl *xl, const char *kind, const char *format, va_list args)
{
	char when[32];
	time_t now;

	clear_progress(xl);
	if (xl->timestamps) {
		now = time(NULL);
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %Z", localtime(&now));
		fprintf(xl->err, "%s xl[%d]: %s", when, (int)getpid(), kind);
	} else {
		fprintf(xl->err, "xl: %s", kind);
	}
	vfprintf(xl->err, format, args);
	fputc('\n', xl->err);
}

void xl_error(struct xl *xl, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(xl, "", format, args);
	va_end(args);
}

void xl_warning(struct xl *xl, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(xl, "warning: ", format, args);
	va_end(args);
}

void xl_say_dom_error(struct xl *xl)
{
	xl_error(xl, "%s", dom_errmsg(xl->dom));
}

static void cfg_say_error(void *arg, const char *line)
{
	xl_error(arg, "%s", line);
}

static void cfg_say_warning(void *arg, const char *line)
{
	xl_warning(arg, "%s", line);
}

void xl_cfg_report(struct xl *xl, struct cfg_report *ret_report)
{
	*ret_report = (struct cfg_report){
		.error = cfg_say_error,
		.warning = cfg_say_warning,
		.arg = xl,
	};
}

/* ---- libdomain ------------------------------------------------------------------ */

static void say_log(void *arg, enum dom_level level, const char *line)
{
	struct xl *xl = arg;

	if (level == DOM_LOG_ERROR)
		xl_error(xl, "%s", line);
	else if (level == DOM_LOG_WARN)
		xl_warning(xl, "%s", line);
	else if (xl->verbose > (level == DOM_LOG_DEBUG))
		xl_error(xl, "%s", line);
}

/* Is it time to say something again? A serial line is slow, and so is who reads it. */
static bool progress_due(struct xl *xl)
{
	struct timespec t;
	uint64_t ms;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	if (ms < xl->progress_ms + PROGRESS_MS)
		return false;
	xl->progress_ms = ms;
	return true;
}

/* On a terminal only: a log file has no use for a line that overwrites itself. */
static void say_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	struct xl *xl = arg;

	if (xl->quiet || (!xl->progress_cr && !isatty(fileno(xl->err))))
		return;
	if (total && done >= total) {
		clear_progress(xl);
	} else if (progress_due(xl)) {
		if (total)
			fprintf(xl->err, "\r%s: %3u%%\033[K", phase,
				(unsigned int)(done * 100 / total));
		else
			fprintf(xl->err, "\r%s ...\033[K", phase);
		xl->progress_shown = true;
	}
	fflush(xl->err);
}

int xl_open(struct xl *xl)
{
	struct dom_hooks hooks = {.log = say_log, .progress = say_progress, .arg = xl};

	if (xl->dom)
		return XL_OK;
	(void)progress_due(xl);
	if (!dom_open(0, &hooks, &xl->dom))
		return XL_OK;
	if (xl->dom)
		xl_dom_error(xl);
	else
		xl_error(xl, "out of memory");
	dom_close(xl->dom);
	xl->dom = NULL;
	return XL_FAIL;
}

int xl_find(struct xl *xl, const char *name_or_id, uint32_t *ret_domid)
{
	int ret;

	if (xl_open(xl))
		return XL_FAIL;
	ret = dom_find(xl->dom, name_or_id, ret_domid);
	if (!ret)
		return XL_OK;
	if (ret != -ESRCH && ret != -ENOENT)
		return xl_dom_error(xl);
	if (*name_or_id && name_or_id[strspn(name_or_id, "0123456789")] == '\0')
		fprintf(xl->err, "Error: Domain '%s' does not exist.\n", name_or_id);
	else
		fprintf(xl->err, "%s is an invalid domain identifier\n", name_or_id);
	return XL_FAIL;
}

char *xl_domain_name(struct xl *xl, uint32_t domid)
{
	char *name;

	if (dom_name(xl->dom, domid, &name))
		name = strdup("(null)");
	if (!name)
		abort(); /* a dozen bytes: nothing else would work either */
	return name;
}

/* ---- arguments ------------------------------------------------------------------ */

int xl_parse_uint(const char *text, unsigned long max, unsigned long *ret_value)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int xl_parse_size(const char *text, char default_unit, uint64_t *ret_kb)
{
	static const char units[] = "kmgt";
	const char *at;
	uint64_t value;
	char *end;
	int unit;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? tolower((unsigned char)*end++) : default_unit;
	if (errno || *end)
		return -EINVAL;
	if (unit == 'b') {
		*ret_kb = value >> 10;
		return 0;
	}
	at = strchr(units, unit);
	if (!at || !unit)
		return -EINVAL;
	if (__builtin_mul_overflow(value, UINT64_C(1) << (10 * (at - units)), ret_kb))
		return -EINVAL;
	return 0;
}

int xl_cpu_host(struct xl *xl, struct cpu_host *ret_host)
{
	struct dom_physinfo info;
	struct dom_cputopo *topo;
	uint32_t *nodes;
	size_t nr, i;

	if (xl_open(xl))
		return XL_FAIL;
	if (dom_physinfo(xl->dom, &info))
		return xl_dom_error(xl);
	ret_host->nr_cpus = info.max_cpu_id + 1;
	ret_host->node_of = NULL;
	/* Without a topology all CPUs count as node 0's. */
	if (dom_cputopo(xl->dom, &topo, &nr))
		return XL_OK;
	nodes = calloc(ret_host->nr_cpus, sizeof(*nodes));
	for (i = 0; nodes && i < nr && i < ret_host->nr_cpus; i++)
		nodes[i] = topo[i].node;
	ret_host->node_of = nodes;
	free(topo);
	return XL_OK;
}

int xl_cpu_host_or_guess(struct xl *xl, struct cpu_host *ret_host)
{
	if (access("/dev/xen/privcmd", F_OK) == 0)
		return xl_cpu_host(xl, ret_host);
	ret_host->nr_cpus = (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
	ret_host->node_of = NULL;
	return XL_OK;
}

void xl_cpu_host_fini(struct cpu_host *host)
{
	free((void *)(uintptr_t)host->node_of);
	host->node_of = NULL;
}
