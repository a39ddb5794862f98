/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The table of commands: abbreviations as Xen's xl takes them, options, exit
 * codes, and what each command prints and does.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dom0-tools/xl/xl.h"
#include "tests/unit/xl/fake.h"
#include "tests/unit/xl/xen_prefixes.h"

static const char *out, *err;

/* ---- the table --------------------------------------------------------------------- */

/* What a word means: a command's name, or NULL. */
static const char *meaning(const char *word)
{
	const struct xl_command *command = NULL;
	const char *name = NULL;
	enum xl_lookup found = xl_lookup(word, &command, &name);

	return found == XL_FOUND || found == XL_FOUND_XEN_ONLY ? name : NULL;
}

static void abbreviations(void **state)
{
	char word[32];

	for (size_t i = 0; i < sizeof(xen_prefixes) / sizeof(xen_prefixes[0]); i++) {
		const char *name = xen_prefixes[i].name;
		size_t shortest = strlen(xen_prefixes[i].shortest), len;

		for (len = 1; len <= strlen(name); len++) {
			snprintf(word, sizeof(word), "%.*s", (int)len, name);
			if (len >= shortest) {
				assert_non_null(meaning(word));
				assert_string_equal(meaning(word), name);
			} else if (meaning(word)) {
				/* Shorter ones may mean another command, never this one. */
				assert_string_not_equal(meaning(word), name);
			}
		}
	}
	assert_null(meaning(""));
	assert_null(meaning("x"));
	assert_string_equal(meaning("ver"), "version");
	assert_string_equal(meaning("domx"), "domxml-export");
}

static bool in_xen(const char *name)
{
	for (size_t i = 0; i < sizeof(xen_prefixes) / sizeof(xen_prefixes[0]); i++) {
		if (!strcmp(xen_prefixes[i].name, name))
			return true;
	}
	return false;
}

static void all_names(void **state)
{
	static const char *const ours[] = {"domxml-export", "completion", "version", "help"};
	const char *name;
	size_t i, j;

	for (i = 0; (name = xl_name_at(i)); i++) {
		bool known = in_xen(name);

		for (j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			known |= !strcmp(ours[j], name);
		assert_true(known);
		for (j = 0; j < i; j++)
			assert_string_not_equal(xl_name_at(j), name);
	}
	assert_int_equal(i, sizeof(xen_prefixes) / sizeof(xen_prefixes[0]) + 4);
}

static void options_are_sound(void **state)
{
	for (size_t i = 0; i < xl_nr_commands; i++) {
		const struct xl_option *o = xl_commands[i].options;

		assert_true(strlen(xl_commands[i].help) > 0);
		for (size_t k = 0; o[k].letter || o[k].name; k++) {
			assert_true(k + 1 < XL_MAX_OPTIONS);
			assert_int_not_equal(o[k].letter, 'h');
			for (size_t m = 0; m < k; m++)
				assert_true(!o[k].letter || o[m].letter != o[k].letter);
		}
	}
}

static void lookup_errors(void **state)
{
	assert_int_equal(fake_run(&out, &err, "lisst", NULL), 1);
	assert_string_equal(err, "xl: there is no command 'lisst'; did you mean 'list'?\n");
	assert_int_equal(fake_run(&out, &err, "qqqqqq", NULL), 1);
	assert_string_equal(err, "xl: there is no command 'qqqqqq'; 'xl help' lists them\n");
	assert_int_equal(fake_run(&out, &err, "do", NULL), 1);
	assert_string_equal(err, "xl: 'do' is ambiguous: domid domname domxml-export\n");
	assert_int_equal(fake_run(&out, &err, "mig", NULL), 1);
	assert_string_equal(err, "xl: 'mig' is ambiguous: migrate migrate-receive\n");
	assert_int_equal(fake_run(&out, &err, "save", NULL), 1);
	assert_string_equal(err,
			    "xl: 'save' is a command of Xen's xl that this one does not have\n");
	assert_int_equal(fake_run(&out, &err, NULL), 1);
	assert_true(!strncmp(err, "Usage xl [-vfNtT] <subcommand> [args]\n", 38));
	assert_int_equal(fake_run(&out, &err, "-z", "list", NULL), 1);
	assert_string_equal(err, "xl: unknown global option '-z'\n");
	assert_int_equal(fake_run(&out, &err, "-N", "destroy", "demo", NULL), 1);
	assert_string_equal(err, "xl: 'destroy' does not implement the -N (dryrun) option\n");
	assert_string_equal(fake.calls, "");
}

static void option_errors(void **state)
{
	assert_int_equal(fake_run(&out, &err, "info", "-z", NULL), 2);
	assert_string_equal(err, "option `z' not supported.\n");
	assert_int_equal(fake_run(&out, &err, "list", "--bogus", NULL), 2);
	assert_string_equal(err, "option `--bogus' not supported.\n");
	assert_int_equal(fake_run(&out, &err, "sched-credit", "-d", NULL), 2);
	assert_string_equal(err, "xl: option '-d' requires an argument\n");
	assert_int_equal(fake_run(&out, &err, "pause", NULL), 2);
	assert_string_equal(err, "'xl pause' requires at least 1 argument.\n\n"
				 "Usage: xl [-vtTf] pause <Domain>\n\n"
				 "Pause execution of a domain.\n\nOptions:\n\n"
				 "-h, --help              Print this help.\n");
	assert_int_equal(fake_run(&out, &err, "vcpu-pin", "demo", NULL), 2);
	assert_non_null(strstr(err, "'xl vcpu-pin' requires at least 3 arguments.\n"));
	assert_int_equal(fake_run(&out, &err, "pause", "demo", "extra", NULL), 0);
	assert_string_equal(err, "xl: warning: 'pause' has no use for the argument 'extra'\n");
	for (size_t i = 0; i < xl_nr_commands; i++) {
		assert_int_equal(fake_run(&out, &err, xl_commands[i].name, "--help", NULL), 0);
		assert_true(!strncmp(out, "Usage: xl [-vtT", 15));
		assert_int_equal(fake_run(&out, &err, "help", xl_commands[i].name, NULL), 0);
		assert_true(!strncmp(out, "Usage: xl [-vtT", 15));
	}
	assert_int_equal(fake_run(&out, &err, "help", "nosuch", NULL), 0);
	assert_string_equal(out, "command \"nosuch\" not implemented\n");
}

/* ---- lists ----------------------------------------------------------------------------- */

#define LIST_HEAD "Name                                        ID   Mem VCPUs\tState\tTime(s)"
#define DOM0_ROW  "Domain-0                                     0  1024     1     r-----       6.9"
#define DEMO_ROW  "demo                                         1   256     1     --p---       0.0"
#define DEMO_UUID "b3ecc708-7026-4b2c-85c2-2014f77d2ce8"
#define ZERO_UUID "00000000-0000-0000-0000-000000000000"

static void lists(void **state)
{
	assert_int_equal(fake_run(&out, &err, "list", NULL), 0);
	assert_string_equal(out, LIST_HEAD "\n" DOM0_ROW "\n" DEMO_ROW "\n");
	assert_int_equal(fake_run(&out, &err, "li", "demo", NULL), 0);
	assert_string_equal(out, LIST_HEAD "\n" DEMO_ROW "\n");
	assert_int_equal(fake_run(&out, &err, "list", "0", NULL), 0);
	assert_string_equal(out, LIST_HEAD "\n" DOM0_ROW "\n");
	assert_int_equal(fake_run(&out, &err, "list", "-v", NULL), 0);
	assert_string_equal(
		out, LIST_HEAD
		"   UUID                            Reason-Code\tSecurity Label\n" DOM0_ROW
		" " ZERO_UUID "        -                -\n" DEMO_ROW " " DEMO_UUID
		"        -                -\n");
	assert_int_equal(fake_run(&out, &err, "list", "-c", "demo", NULL), 0);
	assert_string_equal(out, LIST_HEAD "         Cpupool\n" DEMO_ROW "          Pool-0\n");
	assert_int_equal(fake_run(&out, &err, "list", "-n", "demo", NULL), 0);
	assert_string_equal(out, LIST_HEAD " NODE Affinity\n" DEMO_ROW " all\n");
	assert_int_equal(fake_run(&out, &err, "list", "-Z", "demo", NULL), 0);
	assert_string_equal(out, LIST_HEAD "   Security Label\n" DEMO_ROW "                -\n");
	assert_int_equal(fake_run(&out, &err, "list", "nosuch", NULL), 1);
	assert_string_equal(err, "nosuch is an invalid domain identifier\n");
	assert_int_equal(fake_run(&out, &err, "list", "77", NULL), 1);
	assert_string_equal(err, "Error: Domain '77' does not exist.\n");
	assert_int_equal(fake_run(&out, &err, "claims", NULL), 0);
	assert_string_equal(out, LIST_HEAD "  Claimed\n" DOM0_ROW "     0\n" DEMO_ROW "     0\n");
	assert_int_equal(fake_run(&out, &err, "vm-list", NULL), 0);
	assert_string_equal(out, "UUID                                  ID    name\n" ZERO_UUID
				 "  0    Domain-0                      \n" DEMO_UUID
				 "  1    demo                          \n");
}

static void states(void **state)
{
	static const char letters[] = "-rscwS?";

	fake.infos[1].paused = false;
	fake.infos[1].shutdown = true;
	for (unsigned int i = 0; i < 7; i++) {
		char row[16];

		fake.infos[1].shutdown_reason = i;
		fake.infos[1].dying = i == 3;
		fake_run(&out, &err, "list", "demo", NULL);
		snprintf(row, sizeof(row), "   ---s%c%c  ", letters[i], i == 3 ? 'd' : '-');
		assert_non_null(strstr(out, row));
	}
	fake.infos[1].shutdown = fake.infos[1].dying = false;
	fake.infos[1].blocked = true;
	fake_run(&out, &err, "list", "demo", NULL);
	assert_non_null(strstr(out, "   -b----  "));
}

static void vcpu_lists(void **state)
{
	assert_int_equal(fake_run(&out, &err, "vcpu-list", NULL), 0);
	assert_string_equal(
		out, "Name                                ID  VCPU   CPU State   Time(s) "
		     "Affinity (Hard / Soft)\n"
		     "Domain-0                             0     0    0   r--      12.1  all / "
		     "all\n"
		     "demo                                 1     0    0   ---      12.1  all / "
		     "all\n"
		     "demo                                 1     1    -   --p       0.0  0-1,3 "
		     "/ all\n");
	assert_int_equal(fake_run(&out, &err, "vcpu-list", "nosuch", NULL), 1);
}

static void uptimes(void **state)
{
	assert_int_equal(fake_run(&out, &err, "uptime", NULL), 0);
	assert_string_equal(out, "Name                                ID Uptime\n"
				 "Domain-0                             0  0:00:12\n"
				 "demo                                 1 2 days,  1:01:01\n");
	assert_int_equal(fake_run(&out, &err, "uptime", "0", "demo", NULL), 0);
	assert_non_null(strstr(out, "demo"));
	assert_int_equal(fake_run(&out, &err, "uptime", "-s", "0", NULL), 0);
	assert_non_null(strstr(out, " up  0:00, Domain-0 (0)\n"));
}

static void infos(void **state)
{
	assert_int_equal(fake_run(&out, &err, "info", NULL), 0);
	assert_non_null(strstr(out, "\nnr_cpus                : 4\n"));
	assert_non_null(strstr(out, "\ncpu_mhz                : 2596.120\n"));
	assert_non_null(strstr(out, "\nvirt_caps              : pv gnttab-v1 gnttab-v2\n"));
	assert_non_null(strstr(out, "\nhw_caps                : 0fcbf3fd:f6d8320b:00000000:"));
	assert_non_null(strstr(out, "\ntotal_memory           : 3071\n"));
	assert_non_null(strstr(out, "\nfree_memory            : 2014\n"));
	assert_non_null(strstr(out, "\nxen_version            : 4.17.7\n"));
	assert_non_null(strstr(out, "\nxen_caps               : xen-3.0-x86_64 \n"));
	assert_non_null(strstr(out, "\nplatform_params        : virt_start=0xffff800000000000\n"));
	assert_non_null(strstr(out, "\nxen_changeset          : \n"));
	assert_non_null(strstr(out, "\nxend_config_format     : 4\n"));
	assert_null(strstr(out, "cpu_topology"));
	assert_int_equal(fake_run(&out, &err, "info", "-n", NULL), 0);
	assert_non_null(strstr(out, "cpu_topology           :\n"
				    "cpu:    core    socket     node\n"
				    "  0:       0        0        0\n"));
	assert_non_null(strstr(out, "numa_info              :\n"
				    "node:    memsize    memfree    distances\n"
				    "   0:      3071       2014      10\n"));
	assert_int_equal(fake_run(&out, &err, "info", "-j", NULL), 0);
	assert_non_null(strstr(out, "\n    \"free_memory\": 2014,\n"));
	assert_non_null(strstr(out, "\n    \"xen_version\": \"4.17.7\",\n"));
}

/* ---- actions ----------------------------------------------------------------------------- */

static void does(int code, const char *calls, const char *a, const char *b, const char *c,
		 const char *d, const char *e)
{
	fake.calls[0] = '\0';
	assert_int_equal(fake_run(&out, &err, a, b, c, d, e, NULL), code);
	assert_string_equal(fake.calls, calls);
}

static void actions(void **state)
{
	does(0, "pause 1; ", "pause", "demo", NULL, NULL, NULL);
	does(0, "unpause 1; ", "unpause", "1", NULL, NULL, NULL);
	does(0, "destroy 1; ", "destroy", "demo", NULL, NULL, NULL);
	does(1, "", "destroy", "0", NULL, NULL, NULL);
	assert_string_equal(err, "Not destroying domain 0; use -f to force.\nThis can only be done "
				 "when using a disaggregated hardware domain and toolstack.\n\n");
	does(0, "destroy 0; ", "destroy", "-f", "0", NULL, NULL);
	does(0, "rename 1 x; ", "rename", "demo", "x", NULL, NULL);
	does(0, "sysrq 1 h; ", "sysrq", "demo", "h", NULL, NULL);
	does(1, "", "sysrq", "demo", "hh", NULL, NULL);
	does(0, "debug-keys h; ", "debug-keys", "h", NULL, NULL, NULL);
	does(0, "dmesg; ", "dmesg", NULL, NULL, NULL, NULL);
	assert_string_equal(out, "(XEN) hello\n");
	does(0, "dmesg clear; ", "dmesg", "-c", NULL, NULL, NULL);
	does(0, "dump-core 1 /x; ", "dump-core", "demo", "/x", NULL, NULL);
	fake.fail = -EIO;
	does(1, "pause 1; ", "pause", "demo", NULL, NULL, NULL);
	assert_string_equal(err, "xl: the fake says no\n");
}

static void names(void **state)
{
	assert_int_equal(fake_run(&out, &err, "domid", "demo", NULL), 0);
	assert_string_equal(out, "1\n");
	assert_int_equal(fake_run(&out, &err, "domid", "nosuch", NULL), 1);
	assert_string_equal(err, "Can't get domid of domain name 'nosuch', maybe this domain does "
				 "not exist.\n");
	assert_int_equal(fake_run(&out, &err, "domname", "1", NULL), 0);
	assert_string_equal(out, "demo\n");
	assert_int_equal(fake_run(&out, &err, "domname", "99", NULL), 1);
	assert_string_equal(err, "Can't get domain name of domain id '99', maybe this domain does "
				 "not exist.\n");
	assert_int_equal(fake_run(&out, &err, "domname", "abc", NULL), 1);
	assert_string_equal(err, "Invalid domain id.\n\n");
}

static void requests(void **state)
{
	does(0, "shutdown 1; ", "shutdown", "demo", NULL, NULL, NULL);
	assert_string_equal(err, "Shutting down domain 1\n");
	assert_string_equal(out, "");
	does(0, "reboot 1; ", "reboot", "demo", NULL, NULL, NULL);
	assert_string_equal(err, "Rebooting domain 1\n");
	does(0, "shutdown 1; wait 1; ", "shutdown", "-w", "demo", NULL, NULL);
	assert_string_equal(err, "Shutting down domain 1\nWaiting for 1 domains\n"
				 "Domain 1 has been shut down, reason code 0\n");
	does(0, "shutdown 1; wait 1; wait 1; ", "shutdown", "-aww", NULL, NULL, NULL);
	assert_string_equal(err, "Shutting down domain 1\nWaiting for 1 domains\n"
				 "Domain 1 has been shut down, reason code 0\n"
				 "Domain 1 continue waiting for death\n"
				 "Domain 1 has been destroyed\n");
	does(1, "", "shutdown", NULL, NULL, NULL, NULL);
	assert_string_equal(err, "You must specify -a or a domain id.\n\n");
	does(1, "", "shutdown", "-a", "demo", NULL, NULL);
}

static void cpus_and_memory(void **state)
{
	does(0, "pin 1 0 03 00; ", "vcpu-pin", "demo", "0", "0-1", NULL);
	does(0, "pin 1 -1 0f 0c; ", "vcpu-pin", "demo", "all", "all", "node:1");
	does(0, "pin 1 0 00 01; ", "vcpu-pin", "demo", "0", "-", "0");
	does(0, "pin 1 0 01 00 force; ", "vcpu-pin", "-f", "demo", "0", "0");
	does(1, "", "vcpu-pin", "demo", "0", "99", NULL);
	assert_string_equal(err, "vcpu hard affinity map is empty\n");
	does(1, "", "vcpu-pin", "demo", "0", "abc", NULL);
	assert_string_equal(err, "Invalid pcpu range: abc.\n");
	does(1, "", "vcpu-pin", "demo", "abc", "0", NULL);
	assert_string_equal(err, "Error: Invalid argument abc as VCPU.\n");
	does(0, "vcpu-set 1 2; ", "vcpu-set", "demo", "2", NULL, NULL);
	does(1, "", "vcpu-set", "demo", "9", NULL, NULL);
	assert_string_equal(err, "You are overcommmitting! You have 4 physical CPUs and want 9 "
				 "vCPUs! Aborting, use --ignore-host to continue\n");
	does(0, "vcpu-set 1 9; ", "vcpu-set", "-i", "demo", "9", NULL);
	does(1, "", "vcpu-set", "demo", "x", NULL, NULL);
	assert_string_equal(err, "Error: Invalid argument.\n");
	does(0, "mem-set 1 204800; ", "mem-set", "demo", "200m", NULL, NULL);
	does(0, "mem-set 1 204800; ", "mem-set", "demo", "200", NULL, NULL);
	does(0, "mem-max 1 1048576; ", "mem-max", "demo", "1g", NULL, NULL);
	does(1, "", "mem-set", "demo", "5x", NULL, NULL);
	assert_string_equal(err, "invalid memory size: 5x\n");
	fake.fail = -EINVAL;
	does(1, "mem-set 1 1048576; ", "mem-set", "demo", "1g", NULL, NULL);
	assert_string_equal(err, "xl: cannot set domid 1 dynamic max memory to 1g: the fake says "
				 "no\n");
}

static void scheduling(void **state)
{
	assert_int_equal(fake_run(&out, &err, "sched-credit", NULL), 0);
	assert_string_equal(out,
			    "Cpupool Pool-0: tslice=30ms ratelimit=1000us migration-delay=0us\n"
			    "Name                                ID Weight  Cap\n"
			    "Domain-0                             0    256    0\n"
			    "demo                                 1    256    0\n");
	assert_int_equal(fake_run(&out, &err, "sched-credit", "-d", "demo", NULL), 0);
	assert_string_equal(out, "Name                                ID Weight  Cap\n"
				 "demo                                 1    256    0\n");
	does(0, "credit 1 512 0; ", "sched-credit", "-d", "demo", "-w", "512");
	does(0, "credit 1 256 50; ", "sched-credit", "--domain=demo", "--cap=50", NULL, NULL);
	does(0, "pool 5 1000 0; ", "sched-credit", "-s", "-t", "5", NULL);
	does(1, "", "sched-credit", "-s", "-t", "5000", NULL);
	assert_string_equal(err, "xl: the time slice must be from 1 to 1000 ms\n");
	does(1, "", "sched-credit", "-w", "3", NULL, NULL);
	assert_string_equal(err, "Must specify a domain.\n");
	does(1, "", "sched-credit", "-p", "nosuch", NULL, NULL);
	assert_string_equal(err, "unknown cpupool 'nosuch'\n");
	does(1, "", "sched-credit", "-d", "demo", "-w", "0");
	assert_string_equal(err, "xl: the weight must be from 1 to 65535\n");
	does(1, "", "sched-credit", "-d", "demo", "-w", "x");
	assert_string_equal(err, "xl: option '-w' takes a number, not 'x'\n");
}

static void devices(void **state)
{
	assert_int_equal(fake_run(&out, &err, "block-list", "demo", NULL), 0);
	assert_string_equal(out, "Vdev  BE  handle state evt-ch ring-ref BE-path                   "
				 "    \n"
				 "51728 0   1      1     -1     -1       "
				 "/local/domain/0/backend/vbd/1/51728\n");
	assert_int_equal(fake_run(&out, &err, "network-list", "demo", NULL), 0);
	assert_string_equal(out, "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref "
				 "BE-path                       \n"
				 "0   0  00:16:3e:19:cd:24     0     1     -1    -1/-1          "
				 "/local/domain/0/backend/vif/1/0\n");
	does(0, "block-attach 1 xvdb /dev/loop0; ", "block-attach", "demo", "phy:/dev/loop0,xvdb,w",
	     NULL, NULL);
	does(0, "block-attach 1 xvdb /dev/loop0; ", "block-attach", "demo", "vdev=xvdb",
	     "target=/dev/loop0", NULL);
	does(1, "", "block-attach", "demo", "bogus=1", NULL, NULL);
	assert_string_equal(err, "xl: command line: disk: unknown parameter: 'bogus' in "
				 "'bogus=1'\n");
	does(0, "block-detach 1 xvdb; ", "block-detach", "demo", "xvdb", NULL, NULL);
	does(0, "block-detach 1 xvdb force; ", "block-detach", "-f", "demo", "xvdb", NULL);
	does(0, "network-attach 1 br0; ", "network-attach", "demo", "mac=00:16:3e:01:02:03",
	     "bridge=br0", NULL);
	does(0, "network-attach 1 -; ", "network-attach", "demo", NULL, NULL, NULL);
	does(0, "network-detach 1 0; ", "network-detach", "demo", "0", NULL, NULL);
	fake.fail = -ENOENT;
	does(1, "block-detach 1 xvdz; ", "block-detach", "demo", "xvdz", NULL, NULL);
	assert_string_equal(err, "Error: Device xvdz not connected.\n");
	does(1, "network-detach 1 9; ", "network-detach", "demo", "9", NULL, NULL);
	assert_string_equal(err, "Unknown device 9.\n");
	assert_int_equal(fake_run(&out, &err, "block-list", "nosuch", "demo", NULL), 1);
	assert_non_null(strstr(out, "51728"));
}

/* ---- create ---------------------------------------------------------------------------------- */

static void creating(void **state)
{
	assert_int_equal(fake_run(&out, &err, "create", NULL), 6);
	assert_string_equal(err, "Config file not specified and none in save file\n");
	assert_int_equal(fake_run(&out, &err, "create", "/nosuch", NULL), 3);
	assert_string_equal(err, "Parsing config from /nosuch\nFailed to read config file: "
				 "/nosuch: No such file or directory\n");
	assert_int_equal(fake_run(&out, &err, "create", "-n", "name=zed", "kernel=/k", "memory=64",
				  "extra=\"a b\"; vcpus=2", NULL),
			 0);
	assert_string_equal(err, "");
	assert_non_null(strstr(out, "\"name\": \"zed\""));
	assert_non_null(strstr(out, "\"cmdline\": \"a b\""));
	assert_non_null(strstr(out, "\"max_memkb\": 65536"));
	assert_int_equal(fake_run(&out, &err, "create", "-n", "name=zed", NULL), 1);
	assert_string_equal(err, "xl: command line: neither a kernel nor a bootloader is given\n");
	assert_int_equal(fake_run(&out, &err, "create", "-n", "name=[", NULL), 1);
	assert_string_equal(err, "xl: command line:1:7: syntax error: found end of file, "
				 "expected '[', ']', a string or a number\n");
	does(0, "create zed; store 7 config; unpause 7; ", "create", "-e", "name=zed", "kernel=/k",
	     NULL);
	does(0, "create zed; store 7 config; ", "create", "-ep", "name=zed", "kernel=/k", NULL);
	does(0, "create zed; store 7 config; unpause 7; mind 7; ", "create", "-F", "name=zed",
	     "kernel=/k", NULL);
	fake.fail = -EEXIST;
	does(3, "create zed; ", "create", "-e", "name=zed", "kernel=/k", NULL);
	assert_string_equal(err, "xl: the fake says no\n");
}

static void completions(void **state)
{
	assert_int_equal(fake_run(&out, &err, "completion", "bash", NULL), 0);
	for (size_t i = 0; i < xl_nr_commands; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n\t%s)\n", xl_commands[i].name);
		assert_non_null(strstr(out, line));
	}
	assert_int_equal(fake_run(&out, &err, "completion", "tcsh", NULL), 2);
}

static int set_up(void **state)
{
	fake_reset();
	return 0;
}

static int tear_down(void **state)
{
	fake_reset();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(abbreviations), TEST(all_names),       TEST(options_are_sound),
		TEST(lookup_errors), TEST(option_errors),   TEST(lists),
		TEST(states),        TEST(vcpu_lists),      TEST(uptimes),
		TEST(infos),         TEST(actions),         TEST(names),
		TEST(requests),      TEST(cpus_and_memory), TEST(scheduling),
		TEST(devices),       TEST(creating),        TEST(completions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
