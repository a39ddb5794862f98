/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The course of a domain's life: destroy, shutdown, reboot, pause, console ... */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0-tools/xl/handlers.h"

/* Options of a command that has none, then its domain. XL_OPT_EXIT: leave. */
static int only_domain(struct xl *xl, int argc, char **argv, uint32_t *ret_domid)
{
	if (!xl_no_options(xl, argc, argv))
		return XL_OPT_EXIT;
	if (xl_find(xl, argv[xl->optind], ret_domid)) {
		xl->exit_code = XL_FAIL;
		return XL_OPT_EXIT;
	}
	return 0;
}

int cmd_pause(struct xl *xl, int argc, char **argv)
{
	uint32_t domid;

	if (only_domain(xl, argc, argv, &domid))
		return xl->exit_code;
	return dom_pause(xl->dom, domid) ? xl_dom_error(xl) : XL_OK;
}

int cmd_unpause(struct xl *xl, int argc, char **argv)
{
	uint32_t domid;
	int ret;

	if (only_domain(xl, argc, argv, &domid))
		return xl->exit_code;
	ret = dom_unpause(xl->dom, domid);
	if (ret == -EINVAL) {
		/* It runs, which is what was wanted; Xen's xl succeeds, too. */
		xl_warning(xl, "%s", dom_errmsg(xl->dom));
		return XL_OK;
	}
	return ret ? xl_dom_error(xl) : XL_OK;
}

int cmd_destroy(struct xl *xl, int argc, char **argv)
{
	bool force = xl->force;
	uint32_t domid;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0)
		force |= opt == 'f';
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	if (domid == 0 && !force) {
		fprintf(xl->err, "Not destroying domain 0; use -f to force.\n"
				 "This can only be done when using a disaggregated hardware domain "
				 "and toolstack.\n\n");
		return XL_FAIL;
	}
	return dom_destroy(xl->dom, domid) ? xl_dom_error(xl) : XL_OK;
}

int cmd_dump_core(struct xl *xl, int argc, char **argv)
{
	char path[320];
	uint32_t domid;
	char *name;

	if (only_domain(xl, argc, argv, &domid))
		return xl->exit_code;
	if (xl->optind + 1 < argc) {
		snprintf(path, sizeof(path), "%s", argv[xl->optind + 1]);
	} else {
		name = xl_domain_name(xl, domid);
		snprintf(path, sizeof(path), DOM_DUMP_DIR "/%s", name);
		free(name);
	}
	return dom_dump_core(xl->dom, domid, path) ? xl_dom_error(xl) : XL_OK;
}

int cmd_sysrq(struct xl *xl, int argc, char **argv)
{
	const char *key;
	uint32_t domid;

	if (only_domain(xl, argc, argv, &domid))
		return xl->exit_code;
	key = argv[xl->optind + 1];
	if (strlen(key) != 1) {
		fprintf(xl->err, "Invalid sysrq.\n\n");
		xl_print_usage(xl->err, xl->command);
		return XL_FAIL;
	}
	return dom_sysrq(xl->dom, domid, key[0]) ? xl_dom_error(xl) : XL_OK;
}

/* ---- shutdown and reboot ------------------------------------------------------------ */

struct request {
	int (*send)(struct dom_ctx *ctx, uint32_t domid);
	const char *doing; /* "Shutting down" */
	const char *what; /* "shutdown" */
	bool all;
	int waits; /* how often -w was given */
};

/* Domains that are waited for; those that are down, but still there, go to .left. */
struct waiting {
	struct xl *xl;
	bool death;
	uint32_t *left;
	size_t nr;
};

/* To standard error, in Xen's words, as all that these commands say. */
static void say_down(void *arg, uint32_t domid, bool gone, const struct dom_info *info)
{
	struct waiting *w = arg;
	FILE *err = w->xl->err;

	if (gone) {
		fprintf(err, "Domain %u has been destroyed\n", domid);
		return;
	}
	fprintf(err, "Domain %u has been shut down, reason code %u\n", domid,
		info->shutdown_reason);
	if (w->death) {
		fprintf(err, "Domain %u continue waiting for death\n", domid);
		w->left[w->nr++] = domid;
	}
}

static int wait_for(struct xl *xl, uint32_t *domids, size_t nr, bool death)
{
	struct waiting w = {.xl = xl, .death = death};
	int ret;

	fprintf(xl->err, "Waiting for %zu domains\n", nr);
	w.left = calloc(nr + 1, sizeof(*w.left));
	if (!w.left) {
		xl_error(xl, "out of memory");
		return XL_FAIL;
	}
	ret = dom_wait(xl->dom, domids, nr, false, -1, say_down, &w);
	if (!ret && w.nr)
		ret = dom_wait(xl->dom, w.left, w.nr, true, -1, say_down, &w);
	free(w.left);
	return ret ? xl_dom_error(xl) : XL_OK;
}

/* Requests to @domids, and if asked to, waiting for those that took it. */
static int send_requests(struct xl *xl, const struct request *rq, const uint32_t *domids, size_t nr)
{
	uint32_t *taken = calloc(nr + 1, sizeof(*taken));
	size_t i, nr_taken = 0;
	int ret = XL_OK;

	if (!taken) {
		xl_error(xl, "out of memory");
		return XL_FAIL;
	}
	for (i = 0; i < nr; i++) {
		fprintf(xl->err, "%s domain %u\n", rq->doing, domids[i]);
		if (rq->send(xl->dom, domids[i])) {
			xl_error(xl, "%s failed: %s", rq->what, dom_errmsg(xl->dom));
			ret = XL_FAIL;
		} else {
			taken[nr_taken++] = domids[i];
		}
	}
	if (rq->waits && nr_taken)
		ret |= wait_for(xl, taken, nr_taken, rq->waits > 1);
	free(taken);
	return ret;
}

static int send_to_all(struct xl *xl, const struct request *rq)
{
	struct dom_info *infos;
	size_t nr, i, guests = 0;
	uint32_t *domids;
	int ret;

	if (xl_open(xl))
		return XL_FAIL;
	if (dom_list(xl->dom, &infos, &nr))
		return xl_dom_error(xl);
	domids = calloc(nr + 1, sizeof(*domids));
	for (i = 0; domids && i < nr; i++) {
		if (infos[i].domid && !infos[i].dying)
			domids[guests++] = infos[i].domid;
	}
	ret = domids ? send_requests(xl, rq, domids, guests) : XL_FAIL;
	free(domids);
	free(infos);
	return ret;
}

static int request_command(struct xl *xl, int argc, char **argv, struct request *rq)
{
	uint32_t domid;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		rq->all |= opt == 'a';
		rq->waits += opt == 'w';
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (!rq->all && xl->optind == argc) {
		fprintf(xl->err, "You must specify -a or a domain id.\n\n");
		return XL_FAIL;
	}
	if (rq->all && xl->optind < argc) {
		fprintf(xl->err, "You may not specify -a with a domain id.\n\n");
		return XL_FAIL;
	}
	if (rq->all)
		return send_to_all(xl, rq);
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	return send_requests(xl, rq, &domid, 1);
}

int cmd_shutdown(struct xl *xl, int argc, char **argv)
{
	struct request rq = {dom_request_shutdown, "Shutting down", "shutdown"};

	return request_command(xl, argc, argv, &rq);
}

int cmd_reboot(struct xl *xl, int argc, char **argv)
{
	struct request rq = {dom_request_reboot, "Rebooting", "reboot"};

	return request_command(xl, argc, argv, &rq);
}

/* ---- console ---------------------------------------------------------------------------- */

int xl_exec_console(struct xl *xl, uint32_t domid, const char *type, unsigned int num)
{
	char path[4096], id[16], number[16];
	ssize_t len;
	char *slash;

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(number, sizeof(number), "%u", num);
	fflush(xl->out);
	fflush(xl->err);
	/* The client that was built or installed with us, else whichever there is. */
	len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("xenconsole"));
	if (len > 0) {
		path[len] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, "xenconsole");
		execl(path, "xenconsole", id, "--num", number, "--type", type, (char *)NULL);
	}
	execlp("xenconsole", "xenconsole", id, "--num", number, "--type", type, (char *)NULL);
	xl_error(xl, "cannot run the console client xenconsole: %m");
	return XL_FAIL;
}

int cmd_console(struct xl *xl, int argc, char **argv)
{
	const char *type = "pv";
	unsigned long num = 0;
	uint32_t domid;
	char *tty;
	int opt;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		if (opt == 't') {
			type = xl->optarg;
		} else if (opt == 'n' && xl_parse_uint(xl->optarg, 1000, &num)) {
			xl_error(xl, "'%s' is not a console's number", xl->optarg);
			return XL_FAIL;
		}
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	if (strcmp(type, "pv")) {
		fprintf(xl->err, "console type supported are: pv\n");
		return XL_FAIL;
	}
	if (xl_find(xl, argv[xl->optind], &domid))
		return XL_FAIL;
	if (num == 0) {
		/* Here the reason is known; the client could only say "no tty". */
		if (dom_console_tty(xl->dom, domid, XL_CONSOLE_WAIT_MS, &tty))
			return xl_dom_error(xl);
		free(tty);
	}
	dom_close(xl->dom);
	xl->dom = NULL;
	return xl_exec_console(xl, domid, type, (unsigned int)num);
}
