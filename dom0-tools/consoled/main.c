/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * xenconsoled: keeps the guests' consoles.
 *
 * Options, the process id file and becoming a daemon; the work is daemon.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"
#include "report.h"

#define LOG_SIZE_DEFAULT (4u << 20)
#define LOG_KEEP_DEFAULT 4

enum {
	OPT_LOG = 256,
	OPT_LOG_DIR,
	OPT_LOG_SIZE,
	OPT_LOG_KEEP,
	OPT_PID,
	OPT_STATE,
	OPT_ESCAPE,
	OPT_NO_SECCOMP
};

struct settings {
	struct options opt;
	const char *pid_file;
	bool foreground, seccomp;
};

static const char usage_text[] =
	"Usage: xenconsoled [OPTION]...\n"
	"Serves the guests' consoles.\n"
	"\n"
	"  -h, --help                show this and exit\n"
	"  -V, --version             show the version and exit\n"
	"  -v, --verbose             say more\n"
	"  -i, --interactive         stay in the foreground, messages on standard error\n"
	"      --log=WHAT            log none (the default), guest, hv (the hypervisor) or all\n"
	"      --log-dir=DIR         where logs go (/var/log/xen/console)\n"
	"      --log-size=BYTES      rotate a log at this size, k/M/G allowed (4M); 0: never\n"
	"      --log-keep=N          keep N rotated files of each log (4)\n"
	"      --pid-file=FILE       where the process id goes (/run/xenconsoled.pid)\n"
	"      --state-dir=DIR       what survives a restart (/run/xen/consoled)\n"
	"  -t, --timestamp=WHAT      date the lines of none, guest, hv or all logs\n"
	"  -o, --overflow-data=WHAT  unread output beyond the limit: discard the oldest (the\n"
	"                            default), or keep it and let the guest wait\n"
	"      --replace-escape      write '.' for the escape character to logs\n"
	"      --no-seccomp          keep capabilities and all system calls\n"
	"\n"
	"SIGHUP opens the logs anew.\n";

static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
					     {"version", no_argument, NULL, 'V'},
					     {"verbose", no_argument, NULL, 'v'},
					     {"interactive", no_argument, NULL, 'i'},
					     {"log", required_argument, NULL, OPT_LOG},
					     {"log-dir", required_argument, NULL, OPT_LOG_DIR},
					     {"log-size", required_argument, NULL, OPT_LOG_SIZE},
					     {"log-keep", required_argument, NULL, OPT_LOG_KEEP},
					     {"pid-file", required_argument, NULL, OPT_PID},
					     {"state-dir", required_argument, NULL, OPT_STATE},
					     {"timestamp", required_argument, NULL, 't'},
					     {"overflow-data", required_argument, NULL, 'o'},
					     {"replace-escape", no_argument, NULL, OPT_ESCAPE},
					     {"no-seccomp", no_argument, NULL, OPT_NO_SECCOMP},
					     {}};

static void usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "xenconsoled: %s: `%s'\nTry `xenconsoled --help'.\n", what, arg);
	exit(EXIT_FAILURE);
}

/* none, guest, hv or all into two switches. */
static void parse_which(const char *arg, bool *ret_guest, bool *ret_hv)
{
	*ret_guest = !strcmp(arg, "guest") || !strcmp(arg, "all");
	*ret_hv = !strcmp(arg, "hv") || !strcmp(arg, "all");
	if (!*ret_guest && !*ret_hv && strcmp(arg, "none"))
		usage_error("neither none, guest, hv nor all", arg);
}

static uint64_t parse_size(const char *arg)
{
	static const char units[] = "kMG";
	unsigned long long v;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 10);
	if (end != arg && *end && strchr(units, *end))
		shift = 10 * (strchr(units, *end++) - units + 1);
	if (errno || end == arg || *end || *arg == '-' || v > UINT64_MAX >> shift)
		usage_error("not a size", arg);
	return (uint64_t)v << shift;
}

static unsigned int parse_count(const char *arg)
{
	uint64_t v = parse_size(arg);

	if (v > 1000)
		usage_error("too many", arg);
	return v;
}

static void parse_one(struct settings *s, int c)
{
	switch (c) {
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("xenconsoled " PAVISE_VERSION);
		exit(EXIT_SUCCESS);
	case 'v':
		report_set_verbose(true);
		break;
	case 'i':
		s->foreground = true;
		break;
	case OPT_LOG:
		parse_which(optarg, &s->opt.log_guest, &s->opt.log_hv);
		break;
	case OPT_LOG_DIR:
		s->opt.log_dir = optarg;
		break;
	case OPT_LOG_SIZE:
		s->opt.guest_policy.max_size = s->opt.hv_policy.max_size = parse_size(optarg);
		break;
	case OPT_LOG_KEEP:
		s->opt.guest_policy.keep = s->opt.hv_policy.keep = parse_count(optarg);
		break;
	case OPT_PID:
		s->pid_file = optarg;
		break;
	case OPT_STATE:
		s->opt.state_dir = optarg;
		break;
	case 't':
		parse_which(optarg, &s->opt.guest_policy.timestamp, &s->opt.hv_policy.timestamp);
		break;
	case 'o':
		s->opt.keep_on_overflow = !strcmp(optarg, "keep");
		if (!s->opt.keep_on_overflow && strcmp(optarg, "discard"))
			usage_error("neither discard nor keep", optarg);
		break;
	case OPT_ESCAPE:
		s->opt.guest_policy.replace_escape = s->opt.hv_policy.replace_escape = true;
		break;
	case OPT_NO_SECCOMP:
		s->seccomp = false;
		break;
	default:
		fputs("Try `xenconsoled --help'.\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static void parse_options(struct settings *s, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "hVvit:o:", long_options, NULL)) != -1)
		parse_one(s, c);
	if (optind < argc)
		usage_error("no argument is wanted", argv[optind]);
}

/* mkdir -p */
static int make_dir(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	if (mkdir(copy, mode) && errno != EEXIST)
		rc = -errno;
	if (rc)
		report_error("%s: %s", path, strerror(-rc));
	free(copy);
	return rc;
}

/* Opens and locks the file; the lock is what keeps a second daemon out. */
static int pid_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char pid[24] = "";

	if (fd < 0) {
		report_error("%s: %s", path, strerror(errno));
		return -1;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	if (pread(fd, pid, sizeof(pid) - 1, 0) > 0)
		pid[strcspn(pid, "\n")] = '\0';
	report_error("already running, as process %s", pid);
	close(fd);
	return -1;
}

static int pid_write(int fd, const char *path)
{
	if (!ftruncate(fd, 0) && dprintf(fd, "%d\n", getpid()) > 0)
		return 0;
	report_error("%s: %s", path, strerror(errno));
	return -1;
}

/* Each console takes some descriptors. */
static void raise_fd_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/*
 * The parent waits for the child's word that all is well, so that whoever
 * started us can rely on a daemon that serves. Returns the descriptor to give
 * the word to.
 */
static int detach(void)
{
	int fds[2];
	char ok;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid) {
		close(fds[1]);
		_exit(read(fds[0], &ok, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(fds[0]);
	setsid();
	return fds[1];
}

static void ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		for (int i = 0; i < 3; i++)
			dup2(null, i);
		if (null > 2)
			close(null);
	}
	report_to_syslog();
	if (write(fd, "", 1) != 1)
		report_error("nobody waited for the daemon");
	close(fd);
}

static int serve(struct settings *s, int ready_fd, int pid_fd)
{
	struct daemon d = {.opt = s->opt};
	int rc = daemon_init(&d);

	if (!rc && pid_write(pid_fd, s->pid_file))
		rc = -EIO;
	if (!rc && ready_fd >= 0)
		ready(ready_fd);
	if (!rc) {
		if (s->seccomp)
			daemon_confine();
		rc = daemon_run(&d);
		if (rc)
			report_error("cannot go on: %s", strerror(-rc));
	}
	daemon_fini(&d);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.opt.log_dir = "/var/log/xen/console",
		.opt.state_dir = "/run/xen/consoled",
		.opt.guest_policy = {.max_size = LOG_SIZE_DEFAULT, .keep = LOG_KEEP_DEFAULT},
		.opt.hv_policy = {.max_size = LOG_SIZE_DEFAULT, .keep = LOG_KEEP_DEFAULT},
		.pid_file = "/run/xenconsoled.pid",
		.seccomp = true,
	};
	int ready_fd = -1, pid_fd, rc;

	parse_options(&s, argc, argv);
	if (geteuid()) {
		report_error("only root can serve consoles");
		return EPERM;
	}
	if (make_dir(s.opt.state_dir, 0700))
		return EXIT_FAILURE;
	if ((s.opt.log_guest || s.opt.log_hv) && make_dir(s.opt.log_dir, 0755))
		return EXIT_FAILURE;
	raise_fd_limit();
	pid_fd = pid_open(s.pid_file);
	if (pid_fd < 0)
		return EXIT_FAILURE;
	if (!s.foreground) {
		ready_fd = detach();
		if (ready_fd < 0) {
			report_error("cannot become a daemon: %s", strerror(errno));
			return EXIT_FAILURE;
		}
	}
	rc = serve(&s, ready_fd, pid_fd);
	unlink(s.pid_file);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
