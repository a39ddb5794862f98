/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xl create: from a configuration to a running domain, and the process that
 * stays behind to act on its end.
 */
#include "dom0-tools/xl/xl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/conf.h"
#include "dom0-tools/xl/cpulist.h"
#include "dom0-tools/xl/handlers.h"
#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/load.h"
#include "dom0-tools/xl/balloon.h"

#define LOG_DIR          "/var/log/xen"
#define DEFAULT_LOCKFILE "/var/lock/xl"

struct create {
	const char *path;
	bool console, stay_away, foreground, paused;
};

/* ---- what stays behind --------------------------------------------------------------- */

static int keep_config(struct xl *xl, uint32_t domid, const struct domain_config *cfg)
{
	char *text;
	size_t len;
	int ret;

	ret = json_write_config(cfg, &text, &len);
	if (ret)
		return ret;
	ret = dom_userdata_store(xl->dom, domid, "config", text, len);
	free(text);
	return ret;
}

/* What config-update stored meanwhile counts from the next restart on. */
static int reload(void *arg, uint32_t domid, struct domain_config **cfg)
{
	struct xl *xl = arg;
	struct domain_config fresh;
	char *text, *reason = NULL;
	size_t len;
	int ret;

	if (dom_userdata_load(xl->dom, domid, "config", &text, &len))
		return 0; /* none: go on with what we know */
	domain_config_init(&fresh);
	ret = json_read_config(text, &fresh);
	free(text);
	if (!ret)
		ret = domain_config_finish(&fresh, &reason);
	free(reason);
	if (ret) {
		xl_warning(xl, "the stored configuration is damaged; the old one is used");
		domain_config_fini(&fresh);
		return 0;
	}
	domain_config_fini(*cfg);
	**cfg = fresh;
	return 0;
}

struct minder {
	struct xl *xl;
	struct domain_config *cfg;
};

static int minder_reload(void *arg, uint32_t domid, struct domain_config **cfg)
{
	struct minder *m = arg;

	return reload(m->xl, domid, cfg);
}

static void minder_restarted(void *arg, uint32_t old_domid, uint32_t new_domid)
{
	struct minder *m = arg;

	if (keep_config(m->xl, new_domid, m->cfg))
		xl_warning(m->xl, "domain %u's configuration could not be kept: %s", new_domid,
			   dom_errmsg(m->xl->dom));
}

static int mind(struct xl *xl, uint32_t domid, struct domain_config *cfg)
{
	struct minder m = {xl, cfg};
	struct dom_mind_ops ops = {minder_reload, minder_restarted, &m};
	int ret;

	ret = dom_mind(xl->dom, &domid, &cfg, &ops);
	if (ret < 0)
		return xl_dom_error(xl);
	return XL_OK;
}

/* Standard output and error of the one that stays behind. */
static void open_log(struct xl *xl, const char *name)
{
	char path[512];
	int fd;

	mkdir(LOG_DIR, 0755);
	snprintf(path, sizeof(path), LOG_DIR "/xl-%s.log", name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0) {
		xl_warning(xl, "cannot write %s: %m", path);
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	fflush(xl->out);
	fflush(xl->err);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		close(fd);
	}
}

/* In the child: never returns. */
static void stay_behind(struct xl *xl, uint32_t domid, struct domain_config *cfg)
{
	setsid();
	if (chdir("/")) {
		/* It only keeps a file system from being unmounted. */
	}
	dom_close(xl->dom);
	xl->dom = NULL;
	open_log(xl, cfg->name);
	xl->progress_cr = false;
	xl->timestamps = true;
	xl->verbose = xl->verbose ? xl->verbose : 1;
	if (xl_open(xl))
		_exit(XL_FAIL);
	_exit(mind(xl, domid, cfg));
}

static int leave_minder(struct xl *xl, uint32_t domid, struct domain_config *cfg)
{
	pid_t pid;

	fflush(xl->out);
	fflush(xl->err);
	pid = fork();
	if (pid == 0)
		stay_behind(xl, domid, cfg);
	if (pid < 0) {
		xl_warning(xl, "nobody will act on the end of domain '%s': cannot fork: %m",
			   cfg->name);
		return XL_FAIL;
	}
	return XL_OK;
}

/* ---- creating ------------------------------------------------------------------------- */

/* One at a time: two that size themselves up to the same free memory fail. */
static int take_lock(struct xl *xl, const struct xl_conf *conf)
{
	const char *path = conf->lockfile ? conf->lockfile : DEFAULT_LOCKFILE;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOENT && !conf->lockfile) {
		mkdir("/var/lock", 0755);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		xl_warning(xl, "cannot open the lock file %s: %m", path);
	else
		while (flock(fd, LOCK_EX) && errno == EINTR)
			;
	return fd;
}

/* The console client in a child of its own; its pid, or -1. */
static pid_t start_console(struct xl *xl, uint32_t domid)
{
	pid_t pid;

	fflush(xl->out);
	fflush(xl->err);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		_exit(xl_exec_console(xl, domid, "pv", 0));
	}
	if (pid < 0)
		xl_warning(xl, "cannot attach the console: %m");
	return pid;
}

static int run_domain(struct xl *xl, const struct create *opts, uint32_t domid,
		      struct domain_config *cfg)
{
	pid_t console = -1;
	int ret = XL_OK;
	char *tty;

	if (keep_config(xl, domid, cfg))
		xl_warning(xl, "the domain's configuration could not be kept: %s",
			   dom_errmsg(xl->dom));
	if (opts->console) {
		if (dom_console_tty(xl->dom, domid, XL_CONSOLE_WAIT_MS, &tty))
			xl_warning(xl, "%s", dom_errmsg(xl->dom));
		else
			free(tty);
		console = start_console(xl, domid);
	}
	if (!opts->paused && dom_unpause(xl->dom, domid)) {
		xl_dom_error(xl);
		dom_destroy(xl->dom, domid);
		return XL_CREATE_FAIL;
	}
	if (opts->foreground)
		ret = mind(xl, domid, cfg);
	else if (!opts->stay_away)
		ret = leave_minder(xl, domid, cfg);
	if (console > 0)
		waitpid(console, NULL, 0);
	return ret;
}

/* Signals that end a program wait while @hold: half a domain must not stay. */
static void hold_signals(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Whether the user has had enough of it meanwhile. */
static bool interrupted(void)
{
	sigset_t set;

	return !sigpending(&set) && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) ||
				     sigismember(&set, SIGHUP));
}

static int build_domain(struct xl *xl, const struct xl_conf *conf, struct domain_config *cfg,
			uint32_t *ret_domid)
{
	int lock = take_lock(xl, conf), ret = XL_OK;
	struct dom_prepared *prepared = NULL;

	hold_signals(true);
	if (dom_prepare(xl->dom, cfg, &prepared)) {
		xl_dom_error(xl);
		ret = XL_CREATE_FAIL;
	} else if (balloon_make_room(xl, conf, cfg)) {
		ret = XL_CREATE_FAIL;
	} else if (dom_create_prepared(xl->dom, prepared, ret_domid)) {
		xl_dom_error(xl);
		ret = XL_CREATE_FAIL;
	} else if (interrupted()) {
		dom_destroy(xl->dom, *ret_domid);
		ret = XL_CREATE_FAIL;
	}
	hold_signals(false);
	dom_prepared_free(prepared);
	if (lock >= 0)
		close(lock);
	return ret;
}

static int create(struct xl *xl, const struct create *opts, char **settings, size_t nr)
{
	struct cpu_host host = {0};
	struct domain_config cfg;
	struct xl_conf conf;
	uint32_t domid;
	int ret;

	if (opts->path && !xl->quiet)
		fprintf(xl->err, "Parsing config from %s\n", opts->path);
	domain_config_init(&cfg);
	ret = xl_conf_read(xl, XL_CONF_PATH, &conf);
	if (ret == XL_OK)
		ret = xl->dryrun ? xl_cpu_host_or_guess(xl, &host) : xl_cpu_host(xl, &host);
	if (ret == XL_OK)
		ret = load_config(xl, opts->path, settings, nr, &host, &cfg);
	if (ret == XL_OK && xl_conf_apply(&conf, &cfg)) {
		xl_error(xl, "out of memory");
		ret = XL_FAIL;
	}
	if (ret == XL_OK && xl->dryrun)
		ret = json_print_config(xl, &cfg);
	else if (ret == XL_OK) {
		ret = build_domain(xl, &conf, &cfg, &domid);
		if (ret == XL_OK)
			ret = run_domain(xl, opts, domid, &cfg);
	}
	xl_cpu_host_fini(&host);
	xl_conf_fini(&conf);
	domain_config_fini(&cfg);
	return ret;
}

int cmd_create(struct xl *xl, int argc, char **argv)
{
	struct create opts = {0};
	int opt, at;

	while ((opt = xl_getopt(xl, argc, argv)) >= 0) {
		switch (opt) {
		case 'c':
			opts.console = true;
			break;
		case 'd':
			xl->verbose = 2;
			break;
		case 'e':
			opts.stay_away = true;
			break;
		case 'F':
			opts.foreground = true;
			break;
		case 'f':
			opts.path = xl->optarg;
			break;
		case 'n':
			xl->dryrun = true;
			break;
		case 'p':
			opts.paused = true;
			break;
		case 'q':
			xl->quiet = true;
			break;
		}
	}
	if (opt == XL_OPT_EXIT)
		return xl->exit_code;
	/* Whoever reads what we say may go away; the domain is wanted all the same. */
	signal(SIGPIPE, SIG_IGN);
	at = xl->optind;
	if (!opts.path && at < argc && !strchr(argv[at], '='))
		opts.path = argv[at++];
	if (!opts.path && at == argc) {
		fprintf(xl->err, "Config file not specified and none in save file\n");
		return XL_CREATE_NO_CONFIG;
	}
	return create(xl, &opts, argv + at, (size_t)(argc - at));
}
